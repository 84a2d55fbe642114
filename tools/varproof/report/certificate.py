"""The certificate of evaluate-calls in numbers: how each class of type and length kept its nominal rates, and what was found.

Classes don't overlap, but for `all`; each is filtered by itself, as fdr-filter does with --variant-type and lengths.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args

import numpy as np

from varproof.evaluation.evaluation import (
    HEADLINE_FDR,
    VariantClass,
    at_rate,
    kept_for_class,
    share_limits,
    variant_classes,
    verdict,
)
from varproof.evaluation.matching import NONE
from varproof.evaluation.pooling import Evaluated
from varproof.formats.metrics import Certificate, CertifiedClass, CertifiedRate, CertifiedRun, ClassMetrics, RecallBin, Verdict

FREQUENCY_EDGES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
DEPTH_EDGES = (0.0, 10.0, 20.0, 30.0, 50.0, 100.0, 200.0, 500.0, 1000.0)


def certified_classes() -> list[VariantClass]:
    """`all`, then classes of one type, indels by length, that have no variant in common."""
    lengths = ("insertion ", "deletion ")
    return [
        entry
        for entry in variant_classes()
        if entry.name in ("all", "snv", "mnv", "replacement") or entry.name.startswith(lengths)
    ]


def frequencies_of_truth(evaluated: Evaluated) -> Any:
    """Allele frequencies in the tumour cells, NaN where not known, (true variants,); rid of the rounding of a VCF's floats."""
    return np.round(evaluated.truth.vafs, 6)


def depths_of_truth(evaluated: Evaluated) -> Any:
    """Fragments of the tumour over each true variant, (true variants,): the truth's, else the call's; NaN if neither tells."""
    depths, call = evaluated.truth.depths.copy(), evaluated.matching.call_of_truth
    open_ones = np.flatnonzero(np.isnan(depths) & (call != NONE))
    of_call = evaluated.calls.depths[call[open_ones]]
    depths[open_ones] = np.where(of_call > 0, of_call, np.nan)
    return depths


def found_of_truth(evaluated: Evaluated, chosen: VariantClass) -> Any:
    """Whether a true variant has a call that is kept at the headline rate, `chosen` filtered by itself, (true variants,)."""
    kept = kept_for_class(evaluated.calls, evaluated.matching, chosen.mask(evaluated.calls))
    return evaluated.matching.found_among(kept[HEADLINE_FDR])


def bin_numbers(values: Any, edges: Sequence[float], closed: bool) -> Any:
    """Number of the bin that each value lies in, -1 of NaN and values outside. `closed`: the last edge ends the last bin.

    >>> bin_numbers(np.array([0.0, 0.3, 1.0, 1.5, np.nan]), (0.0, 0.3, 1.0), True)
    array([ 0,  1,  1, -1, -1])
    >>> bin_numbers(np.array([0.0, 0.3, 1.0, 1.5, np.nan]), (0.0, 0.3, 1.0), False)
    array([ 0,  1,  2,  2, -1])
    """
    numbers = np.searchsorted(edges, values, side="right") - 1
    if closed:
        numbers[values == edges[-1]] -= 1
        numbers[values > edges[-1]] = -1
    numbers[np.isnan(values)] = -1
    return numbers


def recall_bins(values: Any, found: Any, edges: Sequence[float], closed: bool) -> list[RecallBin]:
    """Recall of the true variants in each bin of `values`, those of unknown value last; `values` and `found` of shape (n,)."""
    numbers = bin_numbers(values, edges, closed)
    bounds: list[tuple[float | None, float | None]] = list(itertools.pairwise(edges))
    bounds += [] if closed else [(edges[-1], None)]
    bins = []
    for number, (low, high) in [*enumerate(bounds), (-1, (None, None))]:
        whole, part = int((numbers == number).sum()), int(found[numbers == number].sum())
        limits = share_limits(part, whole)
        if limits[0] is not None and limits[1] is not None:
            bins.append(
                RecallBin(
                    low=low,
                    high=high,
                    true_variants=whole,
                    found=part,
                    recall=part / whole,
                    recall_low=limits[0],
                    recall_high=limits[1],
                )
            )
    return bins


def certificate(evaluated: Evaluated, metrics: list[ClassMetrics], runs: list[CertifiedRun]) -> Certificate:
    """The certificate of the pooled runs, whose metrics are at hand."""
    by_name = {entry.name: entry for entry in metrics}
    classes = [_certified(evaluated, entry, by_name[entry.name]) for entry in certified_classes() if entry.name in by_name]
    apart = classes[1:]
    verdicts = Counter(at_rate(entry.rates, HEADLINE_FDR).verdict for entry in apart)
    return Certificate(
        nominal_fdr=HEADLINE_FDR,
        verdicts={name: verdicts[name] for name in get_args(Verdict)},
        exceeded_at_any_rate=[entry.name for entry in apart if any(rate.verdict == "exceeded" for rate in entry.rates)],
        runs=runs,
        classes=classes,
    )


def _certified(evaluated: Evaluated, chosen: VariantClass, metrics: ClassMetrics) -> CertifiedClass:
    calls = evaluated.calls
    in_class, truth_in_class = chosen.mask(calls), chosen.mask(evaluated.truth)
    rates = []
    for rate, kept in kept_for_class(calls, evaluated.matching, in_class).items():
        point = at_rate(metrics.own_threshold, rate)
        wrong = {calls.keys[i] for i in np.flatnonzero(in_class & evaluated.matching.false_among(kept))}
        rates.append(
            CertifiedRate(
                nominal_fdr=rate,
                kept=point.kept,
                true=point.true,
                false=point.false,
                partial=point.partial,
                distinct_false=len(wrong),
                realised_fdr=point.realised_fdr,
                realised_fdr_low=point.realised_fdr_low,
                realised_fdr_high=point.realised_fdr_high,
                verdict=verdict(point),
            )
        )
    found = found_of_truth(evaluated, chosen)[truth_in_class]
    return CertifiedClass(
        name=chosen.name,
        types=metrics.types,
        min_length=chosen.min_length,
        max_length=chosen.max_length,
        calls=metrics.calls,
        true_variants=metrics.true_variants,
        rates=rates,
        recall_by_frequency=recall_bins(frequencies_of_truth(evaluated)[truth_in_class], found, FREQUENCY_EDGES, True),
        recall_by_depth=recall_bins(depths_of_truth(evaluated)[truth_in_class], found, DEPTH_EDGES, False),
        vaf=metrics.vaf,
    )
