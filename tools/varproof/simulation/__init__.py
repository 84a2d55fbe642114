"""Tumour/normal pairs with a known truth: genome, variants, reads with errors and artefacts, alignment, candidates, truth."""
