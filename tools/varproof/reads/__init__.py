"""BAM and CRAM to arrays: regions read once, alignment properties, error profile."""
