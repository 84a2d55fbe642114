"""Copy number along the genome, and how much of a sample is tumour, from depth and heterozygous variants."""
