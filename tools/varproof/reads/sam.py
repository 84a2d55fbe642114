"""Numbers of the SAM specification: bits of FLAG (section 1.4), operations of CIGAR (section 1.4.6); kernels know them, too."""

PAIRED, PROPER_PAIR, UNMAPPED, MATE_UNMAPPED = 0x1, 0x2, 0x4, 0x8
REVERSE, MATE_REVERSE, FIRST, SECOND = 0x10, 0x20, 0x40, 0x80
SECONDARY, QC_FAILED, DUPLICATE, SUPPLEMENTARY = 0x100, 0x200, 0x400, 0x800

LEFT_OUT_FLAGS = SECONDARY | QC_FAILED | DUPLICATE | SUPPLEMENTARY
"""Reads with one of these are never weighed."""

MATCH, INSERTION, DELETION, SKIP, SOFT_CLIP, HARD_CLIP, PADDING, EQUAL, DIFFERENT = range(9)

SMALLEST_RECORD = 37
"""Bytes of a BAM record without name, operations, bases and tags (section 4.2)."""
