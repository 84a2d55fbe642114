"""Do tumour and normal come from one person? Told from the fragments that show each candidate in both samples.

A variant that is homozygous in the normal is in every copy of every cell: whatever a tumour loses, it shows it, and another
person lacks some of them. Heterozygous ones can be lost with a copy, but then about as many are left alone on the other copy,
and those that are lost lie together; in another person's sample lost and heterozygous ones take turns. Back: what the tumour
shows in nearly all fragments is in the normal, but for somatic variants whose other copy was lost; these are few in a list that
no caller has filtered. Where a list has few germline variants nothing can be told.
"""

import logging
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel

from varproof.formats.evidence import EvidenceReader
from varproof.posterior.decisions import DECISIONS

logger = logging.getLogger(__name__)


class SampleMatch(BaseModel):
    """Whether two samples belong together, and the counts of candidates that tell.

    `normal_heterozygous`, `normal_homozygous`: germline-like in the normal; `..._in_tumor`: those of them that the tumour
    shows. `tumor_heterozygous`, `tumor_homozygous`, `..._in_normal`: likewise the other way round.
    """

    verdict: Literal["related", "unrelated", "too few to tell", "filtered, can't be told"]
    normal_heterozygous: int
    normal_heterozygous_in_tumor: int
    normal_homozygous: int
    normal_homozygous_in_tumor: int
    tumor_heterozygous: int
    tumor_heterozygous_in_normal: int
    tumor_homozygous: int
    tumor_homozygous_in_normal: int

    def figures(self) -> str:
        """The counts in words."""
        return (
            f"of the normal's {self.normal_homozygous} homozygous variants the tumour shows {self.normal_homozygous_in_tumor}, "
            f"of {self.normal_heterozygous} heterozygous ones {self.normal_heterozygous_in_tumor}; of the tumour's "
            f"{self.tumor_homozygous} homozygous variants the normal shows {self.tumor_homozygous_in_normal}, "
            f"of {self.tumor_heterozygous} at about one half {self.tumor_heterozygous_in_normal}"
        )


@dataclass(frozen=True)
class AlleleCounts:
    """Fragments of n candidates in one sample, (n,) each: of the reference and of the alternative allele."""

    reference: np.ndarray
    alternative: np.ndarray

    @classmethod
    def of(cls, evidence: EvidenceReader, rows: np.ndarray) -> "AlleleCounts":
        """Counts of the candidates `rows` of an evidence file."""
        reference, alternative = (
            evidence.column(name).astype(np.int64)[rows] for name in ("reference_count", "alternative_count")
        )
        return cls(reference, alternative)

    @property
    def total(self) -> np.ndarray:
        """Fragments of either allele."""
        return self.reference + self.alternative

    @property
    def _strays(self) -> np.ndarray:
        return np.maximum(1, DECISIONS.stray * self.total)

    @property
    def absent(self) -> np.ndarray:
        """bool: hardly a fragment has the alternative."""
        return self.alternative <= self._strays

    @property
    def homozygous(self) -> np.ndarray:
        """bool: hardly a fragment has the reference; the mirror of `absent`, so that lost and kept copies are alike."""
        return self.reference <= self._strays

    @property
    def heterozygous(self) -> np.ndarray:
        """bool: about half of the fragments have either."""
        share = self.alternative / np.maximum(self.total, 1)
        least, most = DECISIONS.heterozygous_range
        return (share >= least) & (share <= most)


def sample_match(tumor: AlleleCounts, normal: AlleleCounts, contig: np.ndarray, position: np.ndarray) -> SampleMatch:
    """Whether tumour and normal belong together, from candidates (n,) in genome order."""
    known = (tumor.total >= DECISIONS.least_depth) & (normal.total >= DECISIONS.least_depth)
    order = np.flatnonzero(known)
    tumor, normal = (AlleleCounts(item.reference[order], item.alternative[order]) for item in (tumor, normal))
    counts = {}
    for name, one, other in (("normal", normal, tumor), ("tumor", tumor, normal)):
        other_name = "tumor" if name == "normal" else "normal"
        for kind, chosen in (("heterozygous", one.heterozygous), ("homozygous", one.homozygous)):
            counts[f"{name}_{kind}"] = int(chosen.sum())
            counts[f"{name}_{kind}_in_{other_name}"] = int((chosen & ~other.absent).sum())
    verdict = _verdict(tumor, normal, contig[order], position[order], counts)
    return SampleMatch(verdict=verdict, **counts)


def _verdict(
    tumor: AlleleCounts, normal: AlleleCounts, contig: np.ndarray, position: np.ndarray, counts: dict[str, int]
) -> str:
    germline = normal.heterozygous | normal.homozygous
    shared, own = int(germline.sum()), int(((tumor.heterozygous | tumor.homozygous) & normal.absent).sum())
    if shared < DECISIONS.least_germline:
        return "too few to tell"
    missing = counts["normal_homozygous"] - counts["normal_homozygous_in_tumor"]
    if missing >= max(3, DECISIONS.homozygous_missing * counts["normal_homozygous"]):
        return "unrelated"
    if _lost_without_reason(tumor, normal, contig, position):
        return "unrelated"
    fewest, most = DECISIONS.tumor_only_per_shared
    if own > most * shared:
        return "filtered, can't be told"
    missing = counts["tumor_homozygous"] - counts["tumor_homozygous_in_normal"]
    if (
        missing >= max(DECISIONS.least_contradictions, DECISIONS.back_missing * counts["tumor_homozygous"])
        and own >= fewest * shared
    ):
        return "unrelated"
    return "related"


def _lost_without_reason(tumor: AlleleCounts, normal: AlleleCounts, contig: np.ndarray, position: np.ndarray) -> bool:
    """Whether the tumour lacks heterozygous variants of the normal otherwise than by loss of heterozygosity."""
    rows = np.flatnonzero(normal.heterozygous)
    rows = rows[np.lexsort((position[rows], contig[rows]))]
    lost, kept = tumor.absent[rows], tumor.homozygous[rows]
    losses, keeps = int(lost.sum()), int(kept.sum())
    if (
        losses < max(DECISIONS.least_contradictions, DECISIONS.heterozygous_missing * len(rows))
        or losses < DECISIONS.lost_per_kept * keeps
    ):
        return False
    if _binomial_tail(losses, losses + keeps) > DECISIONS.chance:
        return False
    unchanged, contig = tumor.heterozygous[rows], contig[rows]
    beside = np.zeros(len(rows), bool)
    same = contig[1:] == contig[:-1]
    beside[1:] |= same & unchanged[:-1]
    beside[:-1] |= same & unchanged[1:]
    return 2 * int((lost & beside).sum()) >= losses


def _binomial_tail(least: int, trials: int) -> float:
    """Probability of at least so many heads in so many throws of a coin."""
    from scipy.stats import binom

    return float(binom.sf(least - 1, trials, 0.5))


def report(match: SampleMatch) -> None:
    """One line in the log; a loud one where the samples don't belong together."""
    if match.verdict == "unrelated":
        logger.warning(
            "TUMOUR AND NORMAL DO NOT SEEM TO COME FROM ONE PERSON: %s; check that samples were not swapped: "
            "another person's germline variants look like somatic ones",
            match.figures(),
        )
    else:
        logger.info("do the samples belong together? %s: %s", match.verdict, match.figures())
