"""What the samples are mixed with: tumour cells in the normal, another person's cells in the tumour.

Another person's reads are measured where this one is homozygous for a variant: reads of the reference there, beyond those that
the normal has, are the other's. What they share is not seen so, hence the fractions that are tried are this one and more.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from varproof.posterior.decisions import DECISIONS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HomozygousSites:
    """Reads of the reference at homozygous SNVs: their share in the tumour beyond the normal's; how many sites, and reads."""

    share: float
    sites: int
    reads: int

    @property
    def is_a_sign(self) -> bool:
        """Whether there is more than errors and misaligned reads make."""
        if self.sites < DECISIONS.least_homozygous:
            return False
        chance = 3.0 * np.sqrt(max(self.share, DECISIONS.least_of_other_person) / self.reads)
        return bool(self.share > DECISIONS.least_of_other_person + chance)

    def choices(self) -> list[float]:
        """Fractions of another person's reads that are worth a trial, none among them, ascending."""
        if not self.is_a_sign:
            return [0.0]
        tried = [self.share * factor for factor in DECISIONS.other_person_choices]
        return [0.0, *(value for value in tried if value <= DECISIONS.most_of_other_person)]


def homozygous_sites(
    is_snv: np.ndarray, tumor: tuple[np.ndarray, np.ndarray], normal: tuple[np.ndarray, np.ndarray] | None
) -> HomozygousSites:
    """Of n candidates; `tumor`, `normal`: fragments (n,) of reference and of alternative."""
    certain = tumor if normal is None else normal
    depth = certain[0] + certain[1]
    most = DECISIONS.most_reference_alone if normal is None else DECISIONS.most_reference
    chosen = is_snv & (certain[1] >= DECISIONS.least_depth) & (certain[0] <= most * depth)
    chosen &= tumor[0] + tumor[1] >= DECISIONS.least_depth
    reference, alternative = (np.asarray(counts, np.float64)[chosen] for counts in tumor)
    if not len(reference):
        return HomozygousSites(0.0, 0, 0)
    kept = np.argsort(reference / (reference + alternative), kind="stable")
    kept = kept[: max(1, int(len(kept) * (1.0 - DECISIONS.trimmed)))]
    reads = float((reference + alternative)[kept].sum())
    share = float(reference[kept].sum()) / reads
    if normal is not None:
        in_normal = np.asarray(normal[0], np.float64)[chosen][kept].sum()
        share -= float(in_normal / np.asarray(depth, np.float64)[chosen][kept].sum())
    return HomozygousSites(max(0.0, share), len(kept), int(reads))


def best_choice(
    choices: Sequence[float], evidence_of: Callable[[float], float], gain: float = DECISIONS.convincing_contamination
) -> float:
    """The ascending choice with the most evidence, if it has so much more than the first.

    All are tried, since evidence may fall before it rises: few tumour cells in the normal explain variants there less well than
    somatic variants of the normal do. A negative `gain`: all but the first have other evidence, which these trials only have to
    bear out.
    """
    if len(choices) == 1:
        return choices[0]
    evidence = [evidence_of(value) for value in choices]
    best = 1 + int(np.argmax(evidence[1:]))
    logger.debug("evidence by choice: %s", dict(zip(choices, np.round(np.array(evidence) - evidence[0], 2), strict=True)))
    return choices[best] if evidence[best] - evidence[0] > gain else choices[0]
