"""Codes that the kernels of reads share with what decides artefacts; importing them compiles nothing."""

OXIDATION, DEAMINATION, END_ERROR, FORMALIN, ORIENTED, MOTIF, TEMPLATE = 1, 2, 3, 4, 5, 6, 7
"""What made a wrong base."""

ALL_FRAGMENTS, FORWARD_FRAGMENTS, REVERSE_FRAGMENTS, FORWARD_READS, REVERSE_READS = 0, 1, 2, 3, 4
"""What shows the allele of a place; a fragment is forward if its first read is."""
