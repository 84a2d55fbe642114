"""From reads to purity.json: counting, bins, segments, the fit, and what is to be said of it."""

import logging
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from varproof.copynumber.counting import Counted, CountingJob, counted, stretches, together
from varproof.copynumber.decisions import DECISIONS
from varproof.copynumber.depth import Bins, binned
from varproof.copynumber.fit import Fit, Solution, fitted
from varproof.copynumber.segment_copies import CopyNumber
from varproof.copynumber.segment_data import SegmentData
from varproof.copynumber.segmentation import Part, given_segments, segments_of
from varproof.copynumber.somatic import purity_log_likelihood
from varproof.copynumber.surface import PURITIES, GivenStates
from varproof.formats.purity import OtherFit, Purity, PuritySegment, SegmentCopies
from varproof.formats.segments import Segment, Segments
from varproof.machinery.errors import UserError
from varproof.machinery.progress import progress
from varproof.reads.reference import contig_lengths

logger = logging.getLogger(__name__)

_ToldBy = Literal["copy number", "somatic fractions", "nothing"]
_FEW_SITES = 100


@dataclass(frozen=True)
class SomaticCall:
    """Reads of a call's alternative allele in the tumour; 0-based position."""

    contig: str
    position: int
    alternative: int
    depth: int


@dataclass(frozen=True)
class Estimate:
    """What was found, and what was seen: `bins`, and their ratio that is the genome's mean (`scale`)."""

    purity: Purity
    bins: Bins
    scale: float

    @property
    def drawn(self) -> tuple[NDArray[Any], ...]:
        """Of each bin: contig's name, start, end, depth over the genome's mean, mirrored BAF."""
        bins = self.bins
        return np.array(bins.contigs)[bins.contig], bins.start, bins.end, bins.ratio / self.scale, 0.5 - bins.balance


def estimated(
    job: CountingJob, workers: int, given: Segments | None = None, calls: list[SomaticCall] | None = None
) -> Estimate:
    """The estimate; the same for any number of workers. Raises UserError where nothing can be told."""
    parts = stretches(job)
    windows = sum(len(part.windows) for part in parts)
    kept: list[Counted] = []
    with progress(windows, f"depth and sites of {job.tumor.name}: windows") as advance:
        for part, one in zip(parts, counted(job, parts, workers), strict=True):
            kept.append(one)
            advance(len(part.windows))
    return estimated_from(binned(together(kept), job.depth_panel is not None), contig_lengths(job.reference), given, calls)


def estimated_from(
    bins: Bins, lengths: dict[str, int], given: Segments | None = None, calls: list[SomaticCall] | None = None
) -> Estimate:
    """The estimate from bins; `lengths`: of contigs, bp."""
    if given is None:
        data, parts = segments_of(bins, lengths)
        states, ploidy = None, None
    else:
        data, parts, states, ploidy = _known(bins, given)
    fit = fitted(data, states, ploidy)
    told: _ToldBy = "copy number" if _tells(fit) else "nothing"
    if told == "nothing" and calls is not None:
        chosen = _of_plain_segments(calls, data, fit.copies)
        if len(chosen) >= DECISIONS.clonal_calls:
            counts = np.array([(call.alternative, call.depth) for call in chosen], np.int64)
            likelihood = purity_log_likelihood(counts[:, 0], counts[:, 1], PURITIES)
            again = fitted(data, states, ploidy, likelihood)
            if _narrow(again) or again.best.share >= DECISIONS.likely:
                fit, told = again, "somatic fractions"
        else:
            logger.info("%d calls in segments with one copy of each haplotype are too few to tell the purity", len(chosen))
    scale = float(
        np.median([bins.ratio[part.first : part.last].mean() / one.ratio for part, one in zip(parts, data, strict=True)])
    )
    return Estimate(_described(fit, data, bins, told, calls is not None), bins, scale)


def _known(bins: Bins, given: Segments) -> tuple[list[SegmentData], list[Part], GivenStates, float]:
    """Segments whose copies another tool has told: depth and balance, parts, states and ploidy."""
    listed = list(given)
    found, parts = given_segments(bins, [(one.contig, one.start, one.end) for one in listed])
    pairs = [(one, data) for one, data in zip(listed, found, strict=True) if data is not None]
    if not pairs:
        raise UserError("none of the given segments has reads of good mapping quality: purity can't be told")
    if len(pairs) < len(listed):
        logger.warning(
            "%d of %d given segments have no reads that tell of depth, and are left out", len(listed) - len(pairs), len(listed)
        )
    total = np.array([one.total for one, _ in pairs], float)
    minor = np.array([np.nan if one.minor is None else one.minor for one, _ in pairs], float)
    data = [item for _, item in pairs]
    length = np.array([one.length for one in data], float)
    two = np.array([one.normal_copies == 2 for one in data])
    chosen = two if two.any() else np.ones(len(two), bool)
    ploidy = float((length * total)[chosen].sum() / length[chosen].sum())
    return data, parts, GivenStates(total, minor), ploidy


def _tells(fit: Fit) -> bool:
    """Whether the purity was told at all: better than by the worst one, and within limits or clearly the best of several."""
    return fit.gain >= DECISIONS.least_informative and (_narrow(fit) or fit.best.share >= DECISIONS.likely)


def _narrow(fit: Fit) -> bool:
    return fit.purity[2] - fit.purity[1] <= DECISIONS.widest


def _of_plain_segments(calls: list[SomaticCall], data: list[SegmentData], copies: tuple[CopyNumber, ...]) -> list[SomaticCall]:
    """Calls where tumour and normal cells have one copy of each haplotype."""
    plain: dict[str, list[tuple[int, int]]] = {}
    for one, copy in zip(data, copies, strict=True):
        if one.normal_copies == 2 and copy.clonal and copy.total == 2 and copy.minor in (1, None):
            plain.setdefault(one.contig, []).append((one.start, one.end))
    return [
        call for call in calls if any(start <= call.position < end for start, end in plain.get(call.contig, ()))
    ]  # fmt: skip


def _described(fit: Fit, data: list[SegmentData], bins: Bins, told: _ToldBy, with_calls: bool) -> Purity:
    best = fit.best
    limits = fit.possible if told == "nothing" else fit.purity[1:]
    low, high = _widened(limits)
    fit_low, fit_high = _widened(limits if told == "nothing" else best.limits)
    sites = sum(one.sites for one in data)
    warnings = []
    if told == "nothing":
        advice = "" if with_calls else "; --calls of somatic variants may"
        warnings.append(
            f"depth and heterozygous sites can't tell the purity (from {low:.2f} to {high:.2f} fits): too few segments "
            f"have changed copy number{advice}"
        )
    if told == "somatic fractions":
        warnings.append(
            "too few segments have changed copy number: the purity is that of the largest fraction of many somatic calls, "
            "too low where none is in all tumour cells"
        )
    others = fit.solutions[1:] if told == "copy number" else ()
    if others:
        listed = "; ".join(f"{one.purity:.2f} with ploidy {one.ploidy:.2f}, {one.share:.2g}" for one in others)
        undecided = best.share < DECISIONS.surest
        warnings.append(
            f"{'fits that can not be told apart' if undecided else 'other purities fit, too'}, with their probabilities: "
            + (f"{best.purity:.2f} with ploidy {best.ploidy:.2f}, {best.share:.2g}; " if undecided else "")
            + listed
        )
    if sites < _FEW_SITES:
        warnings.append(f"only {sites} heterozygous sites were found: minor copy numbers are hardly told")
    if told == "copy number" and not any(
        copy.clonal and copy.total == 2 * usual and copy.minor == usual for copy in fit.copies for usual in (1, 2)
    ):
        warnings.append("no segment has both haplotypes equally: look at the picture whether the ploidy can be right")
    for warning in warnings:
        logger.warning("%s", warning)
    return Purity(
        purity=None if told == "nothing" else _rounded(fit.purity[0]),
        purity_low=_rounded(low),
        purity_high=_rounded(high),
        fit_low=_rounded(fit_low),
        fit_high=_rounded(fit_high),
        told_by=told,
        ploidy=_rounded(fit.ploidy[0]),
        ploidy_low=_rounded(fit.ploidy[1]),
        ploidy_high=_rounded(fit.ploidy[2]),
        doubled=_rounded(min(1.0, fit.doubled)),
        probability=_rounded(min(1.0, best.share)),
        alternatives=[_other_fit(one) for one in others],
        warnings=warnings,
        tumor_depth=_rounded(bins.tumor_depth),
        normal_depth=None if bins.normal_depth is None else _rounded(bins.normal_depth),
        sites=sites,
        left_out=list(bins.left_out),
        segments=[_segment(one, copy) for one, copy in zip(data, fit.copies, strict=True)],
    )  # fmt: skip


def _widened(limits: tuple[float, float]) -> tuple[float, float]:
    return max(0.0, limits[0] - DECISIONS.purity_error), min(1.0, limits[1] + DECISIONS.purity_error)


def _other_fit(solution: Solution) -> OtherFit:
    low, high = _widened(solution.limits)
    return OtherFit(
        purity=_rounded(solution.purity),
        ploidy=_rounded(solution.ploidy),
        probability=_rounded(min(1.0, solution.share)),
        fit_low=_rounded(low),
        fit_high=_rounded(high),
        segments=[SegmentCopies(**_copies(copy)) for copy in solution.copies],
    )


def _copies(copy: CopyNumber) -> dict[str, Any]:
    minor_low, minor_high = copy.minor_limits or (None, None)
    return {
        "total": _rounded(copy.total),
        "total_low": _rounded(copy.total_limits[0]),
        "total_high": _rounded(copy.total_limits[1]),
        "minor": None if copy.minor is None else _rounded(copy.minor),
        "minor_low": None if minor_low is None else _rounded(minor_low),
        "minor_high": None if minor_high is None else _rounded(minor_high),
        "clonal": copy.clonal,
    }


def _segment(data: SegmentData, copy: CopyNumber) -> PuritySegment:
    mirrored = data.mirrored if data.normal_copies == 2 else None
    return PuritySegment(
        contig=data.contig,
        start=data.start,
        end=data.end,
        **_copies(copy),
        normal_copies=data.normal_copies,
        depth_ratio=_rounded(data.ratio),
        mirrored_fraction=None if mirrored is None else _rounded(mirrored),
        sites=data.sites,
        windows=data.windows,
    )


def _rounded(value: float) -> float:
    """Four significant digits: more are not known, and the last ones depend on the processor."""
    return float(f"{value:.4g}")


def table_of(purity: Purity) -> list[Segment]:
    """The segments of purity.json as those of segments.tsv."""
    return [one.as_segment for one in purity.segments]
