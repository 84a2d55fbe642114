"""Packed pileup tensors: packing reads into them, expanding them to the channels of a picture."""
