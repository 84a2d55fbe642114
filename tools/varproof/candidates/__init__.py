"""Finding candidates without a caller: every allele that reads show, what its reads look like, and which look like variants."""
