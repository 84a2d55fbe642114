"""Events, likelihoods over allele frequencies, priors, posteriors, FDR, VAF."""
