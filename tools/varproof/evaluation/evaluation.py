"""Matched calls -> metrics: precision, recall and realised rates per class, and how well allele frequencies are met.

Calls of several runs are filtered run by run, as fdr-filter does, which sees one sample at a time; then counts add up.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from varproof.evaluation.matching import NONE, Matching
from varproof.evaluation.variants import Calls, Truth, Variants
from varproof.formats.metrics import CertifiedRate, ClassMetrics, OperatingPoint, VafMetrics, Verdict
from varproof.posterior.fdr import threshold_of_sorted
from varproof.variants.edit import TYPES, VariantType

NOMINAL_FDRS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
HEADLINE_FDR = 0.05
LENGTH_CLASSES: tuple[tuple[int, int | None], ...] = ((1, 29), (30, 99), (100, 250), (251, None))
_BESIDE_BP = 10


@dataclass(frozen=True, slots=True)
class VariantClass:
    """Variants of some types and a length range (both ends included; None: open)."""

    name: str
    types: tuple[VariantType, ...]
    min_length: int | None = None
    max_length: int | None = None

    def mask(self, variants: Variants) -> Any:
        """Which variants belong to it, shape (n,)."""
        chosen = np.isin(variants.types, [TYPES.index(kind) for kind in self.types])
        if self.min_length is not None:
            chosen &= variants.lengths >= self.min_length
        if self.max_length is not None:
            chosen &= variants.lengths <= self.max_length
        return chosen


def variant_classes() -> list[VariantClass]:
    """All, each type, indels together, and these by length."""
    indel = (VariantType.INSERTION, VariantType.DELETION)
    classes = [VariantClass("all", TYPES), *(VariantClass(kind.value, (kind,)) for kind in TYPES), VariantClass("indel", indel)]
    for name, types in (("indel", indel), ("insertion", indel[:1]), ("deletion", indel[1:])):
        for low, high in LENGTH_CLASSES:
            label = f"{name} {low}-{high}" if high is not None else f"{name} {low}+"
            classes.append(VariantClass(label, types, low, high))
    return classes


def share_limits(part: int, whole: int) -> tuple[float | None, float | None]:
    """Exact (Clopper-Pearson) 95 % limits of a share; None of nothing."""
    if whole == 0:
        return None, None
    from scipy.stats import binomtest

    limits = binomtest(part, whole).proportion_ci(0.95, method="exact")
    return float(limits.low), float(limits.high)


def worth_limits(share: float, worth: float) -> tuple[float, float]:
    """`share_limits` of a share of weighted candidates that are worth so many, a number that need not be whole."""
    from scipy.stats import beta

    part, rest = share * worth, (1.0 - share) * worth
    low = 0.0 if part < 1e-9 else float(beta.ppf(0.025, part, rest + 1))
    high = 1.0 if rest < 1e-9 else float(beta.ppf(0.975, part + 1, rest))
    return low, high


def kept_at_rates(calls: Calls, considered: Any) -> dict[float, Any]:
    """For each nominal rate the calls under the threshold that the `considered` ones of their run give; masks (calls,)."""
    kept = {rate: np.zeros(len(calls), dtype=bool) for rate in NOMINAL_FDRS}
    for run in np.unique(calls.runs):
        in_run = calls.runs == run
        ordered = np.sort(calls.errors[in_run & considered])
        for rate, mask in kept.items():
            mask |= in_run & (calls.errors <= threshold_of_sorted(ordered, rate, calls.mode).error)
    return kept


def kept_for_class(calls: Calls, matching: Matching, in_class: Any, joint: dict[float, Any] | None = None) -> dict[float, Any]:
    """For each nominal rate the calls that are kept where a class is filtered by itself; masks (calls,).

    Calls of other classes take part only where several can be a true variant together: those that are kept if all calls are
    filtered together (`joint`, by rate, if at hand).
    """
    own = kept_at_rates(calls, in_class)
    if not matching.by_haplotype:
        return own
    if joint is None:
        joint = kept_at_rates(calls, np.ones(len(calls), dtype=bool))
    return {rate: np.where(in_class, own[rate], joint[rate]) for rate in NOMINAL_FDRS}


def operating_point(
    calls: Calls, matching: Matching, in_class: Any, truth_in_class: Any, under_threshold: Any, nominal: float | None
) -> OperatingPoint:
    """Calls of a class under a threshold (both masks (calls,)) against the true variants of the class."""
    chosen = in_class & under_threshold
    kept = int(chosen.sum())
    true = int((chosen & matching.true_among(under_threshold)).sum())
    false = int((chosen & matching.false_among(under_threshold)).sum())
    present = matching.call_of_truth[truth_in_class] != NONE
    found = int(matching.found_among(under_threshold)[truth_in_class].sum())
    judged, existing = true + false, int(truth_in_class.sum())
    precision, recall = _share(true, judged), _share(found, existing)
    fdr_limits, recall_limits = share_limits(false, judged), share_limits(found, existing)
    harmonic = None
    if precision is not None and recall is not None:
        harmonic = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return OperatingPoint(
        nominal_fdr=nominal,
        max_error_probability=float(calls.errors[chosen].max()) if kept else None,
        kept=kept,
        true=true,
        false=false,
        partial=kept - judged,
        expected_fdr=float(calls.errors[chosen].mean()) if kept else None,
        realised_fdr=_share(false, judged),
        realised_fdr_low=fdr_limits[0],
        realised_fdr_high=fdr_limits[1],
        precision=precision,
        found=found,
        recall=recall,
        recall_low=recall_limits[0],
        recall_high=recall_limits[1],
        recall_among_candidates=_share(found, int(present.sum())),
        f1=harmonic,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


AtRate = TypeVar("AtRate", OperatingPoint, CertifiedRate)


def at_rate(points: list[AtRate], rate: float) -> AtRate:
    """The point at a nominal rate."""
    return next(point for point in points if point.nominal_fdr == rate)


def verdict(point: OperatingPoint) -> Verdict:
    """Whether the realised rate is under the nominal one, given its limits: held, unclear or exceeded."""
    if point.realised_fdr is None or point.nominal_fdr is None:
        return "empty"
    if point.realised_fdr <= point.nominal_fdr:
        return "held"
    return "unclear" if (point.realised_fdr_low or 0.0) <= point.nominal_fdr else "exceeded"


def class_metrics(calls: Calls, truth: Truth, matching: Matching, purity: Any) -> list[ClassMetrics]:
    """Metrics of every class that has calls or true variants, and of `all`; purity: one for all, or of each call (calls,)."""
    everything = np.ones(len(calls), dtype=bool)
    joint = kept_at_rates(calls, everything)
    found = []
    for entry in variant_classes():
        in_class, truth_in_class = entry.mask(calls), entry.mask(truth)
        if entry.name != "all" and not in_class.any() and not truth_in_class.any():
            continue
        own = kept_for_class(calls, matching, in_class, joint)

        def points(kept: dict[float, Any], a: Any = in_class, b: Any = truth_in_class) -> list[OperatingPoint]:
            return [operating_point(calls, matching, a, b, under_threshold, rate) for rate, under_threshold in kept.items()]

        found.append(
            ClassMetrics(
                name=entry.name,
                types=[kind.value for kind in entry.types],
                min_length=entry.min_length,
                max_length=entry.max_length,
                calls=int(in_class.sum()),
                true_variants=int(truth_in_class.sum()),
                true_variants_among_calls=int((matching.call_of_truth[truth_in_class] != NONE).sum()),
                own_threshold=points(own),
                joint_threshold=points(joint),
                all_calls=operating_point(calls, matching, in_class, truth_in_class, everything, None),
                vaf=vaf_metrics(calls, truth, matching, in_class & own[HEADLINE_FDR], purity),
            )
        )
    return found


def binomial_absolute_error(share: Any, depth: Any) -> Any:
    """E|k/n - f| of a binomial count k, exactly (De Moivre): shares f in [0, 1] and depths n >= 1, shape (m,)."""
    from varproof.evaluation.evaluation_numba_fns import binomial_absolute_errors

    return binomial_absolute_errors(np.ascontiguousarray(share, float), np.ascontiguousarray(depth, float))


def vaf_metrics(calls: Calls, truth: Truth, matching: Matching, chosen: Any, purity: Any) -> VafMetrics | None:
    """Allele frequencies of the chosen true calls against the truth's; None if no call has both. Purity as in class_metrics."""
    index = np.flatnonzero(chosen & (matching.truth_of_call != NONE) & ~np.isnan(calls.vafs) & (calls.depths > 0))
    expected = truth.vafs[matching.truth_of_call[index]]
    index, expected = index[~np.isnan(expected)], expected[~np.isnan(expected)]
    if index.size == 0:
        return None
    deviation = calls.vafs[index] - expected
    purities = np.broadcast_to(purity, len(calls))[index]
    share, depth = np.clip(purities * expected, 0, 1), calls.depths[index]
    # Divided by one number after the mean: runs of one purity give the digits that a single run of it gives.
    first, relative = purities[0], purities / purities[0]
    spread = float(np.mean(np.sqrt(share * (1 - share) / depth) / relative) / first)
    typical = float(np.mean(binomial_absolute_error(share, depth) / relative) / first)
    error = float(np.abs(deviation).mean())
    low, high = calls.vaf_low[index], calls.vaf_high[index]
    known = ~np.isnan(low)
    covered = ((low - 1e-6 <= expected) & (expected <= high + 1e-6))[known]
    return VafMetrics(
        nominal_fdr=HEADLINE_FDR,
        calls=int(index.size),
        mean_absolute_error=error,
        bias=float(deviation.mean()),
        root_mean_square_error=float(np.sqrt((deviation**2).mean())),
        binomial_sd=spread,
        binomial_absolute_error=typical,
        ratio_to_binomial_sd=error / spread if spread else None,
        ratio_to_binomial_absolute_error=error / typical if typical else None,
        interval_coverage=float(covered.mean()) if covered.size else None,
    )


def false_calls_by_truth(calls: Calls, truth: Truth, matching: Matching) -> dict[str, int]:
    """What the false calls kept at the headline rate (joint) are: known to the truth as something else, or nothing."""
    limit = threshold_of_sorted(np.sort(calls.errors), HEADLINE_FDR, calls.mode).error
    places: dict[str, list[int]] = {}
    for contig, start, end, _ in truth.keys:
        places.setdefault(contig, []).extend((start, end))
    ordered = {contig: np.sort(positions) for contig, positions in places.items()}
    counts: Counter[str] = Counter()
    for i in np.flatnonzero(matching.false_among(calls.errors <= limit)):
        contig, start, end, _ = calls.keys[i]
        near = ordered.get(contig, np.zeros(0))
        if calls.keys[i] in truth.others:
            counts[truth.others[calls.keys[i]]] += 1
        elif np.searchsorted(near, start - _BESIDE_BP) < np.searchsorted(near, end + _BESIDE_BP, side="right"):
            counts[f"within {_BESIDE_BP} bp of a true variant"] += 1
        else:
            counts["other"] += 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
