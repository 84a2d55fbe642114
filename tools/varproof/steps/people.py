"""How far people agree with scored calls: labels of the reviewer's desk beside probabilities, for several executables."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from varproof.evaluation.variants import Regions
    from varproof.formats.people import PeopleAgreement
    from varproof.formats.scored import EventSelection

LABEL_ERROR = (
    "share of people's calls that are wrong, which is allowed for (default: 0.059, as 94.1 % of reviewers' calls agree)."
)


def label_error_of(given: float | None) -> float:
    """What `--label-error` says, or what is usual where it was not given."""
    from varproof.formats.labels import LABEL_ERROR as USUAL

    return USUAL if given is None else given


def people_of(
    calls: Path,
    labels: Path,
    reference: Path,
    selection: "EventSelection",
    label_error: float | None = None,
    regions: "Regions | None" = None,
) -> "PeopleAgreement":
    """Agreement of people with the calls of a file, in regions (None: everywhere).

    Raises UserError where a label is malformed, contradicts another, or matches no candidate.
    """
    import numpy as np

    from varproof.evaluation.agreement import people_agreement
    from varproof.evaluation.labelling import judged_candidates
    from varproof.evaluation.variants import within
    from varproof.formats.scored import error_probabilities
    from varproof.formats.vcf import read_records
    from varproof.variants.candidate import candidates_of

    said = judged_candidates(calls, labels, reference)
    probability: list[float] = []
    kinds: list[str] = []
    inside: list[bool] = []
    for record in read_records(calls):
        errors: Sequence[float] = error_probabilities(record, selection)
        for item in candidates_of(record, 0):
            probability.append(1.0 - errors[item.allele])
            kinds.append(item.type.value)
            inside.append(within(regions, record.contig, record.start))
    chosen = np.flatnonzero(inside).tolist()
    return people_agreement(
        np.array(probability)[chosen],
        [said[i] for i in chosen],
        [kinds[i] for i in chosen],
        label_error_of(label_error),
    )
