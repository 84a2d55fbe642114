"""Events over any samples: scenario files, the prior they describe, and posteriors by elimination over the samples."""
