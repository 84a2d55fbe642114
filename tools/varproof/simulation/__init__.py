"""Tumour/normal pairs with known truth."""
