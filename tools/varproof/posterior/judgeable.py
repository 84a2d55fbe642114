"""What can be judged at all: no data is not "absent".

Where the tumour has no usable read (none, or all with mapping quality 0) nothing is known, and an allele gets a reason instead
of probabilities. Where only the normal has none, the allele is judged as tumour only: a matched normal that has not been seen
there says nothing against a germline variant, and how rare germline variants are in a list that a caller has filtered with
that normal says nothing about such a place either.
"""

from collections.abc import Sequence

import numpy as np

from varproof.formats.events import GERMLINE_EVENTS
from varproof.formats.evidence import Evidence
from varproof.formats.prior import LearntPrior
from varproof.formats.vcf import NO_REFERENCE_SEQUENCE, TUMOR_ONLY
from varproof.posterior.population import published_of

__all__ = ["TUMOR_ONLY", "judged_without_normal", "tumor_only_prior", "unjudged_reasons"]

NO_READS = "no_reads"
"""Why an allele is not judged where the tumour has no usable read."""


def unjudged_reasons(skipped: Sequence[str | None], tumor: Evidence, normal: Evidence | None) -> list[str | None]:
    """Per allele (n,) why it is not judged, None where it is; `skipped`: why its kind can't be judged, None where it can."""
    known = tumor.judged > 0 if normal is None else (tumor.judged > 0) & (normal.judged > 0)
    reasons = []
    for own, has_reference, usable in zip(skipped, known.tolist(), tumor.usable.tolist(), strict=True):
        reasons.append(own or (NO_REFERENCE_SEQUENCE if not has_reference else None if usable else NO_READS))
    return reasons


def judged_without_normal(tumor: Evidence, normal: Evidence | None) -> np.ndarray:
    """bool (n,): judged from the tumour alone, though there is a normal sample."""
    if normal is None:
        return np.zeros(tumor.size, bool)
    return (tumor.judged > 0) & (normal.judged > 0) & (tumor.usable > 0) & (normal.usable == 0)


def tumor_only_prior(prior: LearntPrior) -> LearntPrior:
    """The prior of places that the normal does not show, from one that was learnt where it does.

    Germline variants are at least as frequent there as in any genome; with a germline resource, those that it lacks.
    """
    published = published_of(prior.germline_resource)
    rates = dict(prior.rates)
    for event in GERMLINE_EVENTS:
        rates[event] = np.maximum(prior.rates[event], published[event]).tolist()
    return prior.model_copy(update={"rates": rates})
