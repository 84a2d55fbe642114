"""Kernels that realign a read to a haplotype: edit distance and pair HMM."""
