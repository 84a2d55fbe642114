"""How likely each misreading is in this sample: by base quality and kind of substitution, by context, by kind of read.

A substitution class is 4 * reference + read base (codes A 0, C 1, G 2, T 3) on the strand of the fragment's first read:
where `is_reverse != is_second`, both bases are complemented. Damage of the template before amplification (oxidation:
C>A on first reads, seen as G>T on second reads) is then one class and not two.

Damage depends on the bases beside, and survives in a consensus of reads, whose qualities know nothing of it. So the rate is a
product: f(quality, class) * g(context, base) * h(kind of read, class), fitted by iterative scaling, which for counts is
maximum likelihood (Deming and Stephan 1940); each factor is shrunk towards one where few errors were counted.
"""

from dataclasses import dataclass

import numpy as np

from varproof.formats.alignment import ErrorProfile
from varproof.machinery.errors import UserError
from varproof.machinery.numerics import exp10
from varproof.reads.arrays import READ_KINDS

QUALITIES = 94
CLASSES = 16
CONTEXTS = 64
QUALITY_BIN_STARTS = (0, 8, 15, 23, 31, 37, 42, 50, 60, 70, 80, 88)
"""First quality of each bin of the substitution tables: those of instruments with few quality values fall apart here, and of
consensus reads those of few and of many agreeing reads."""

EARLIER_BINS = 6
"""Bins of profiles of earlier versions, of which the last had all qualities from 37 on."""

UNSEEN_BASES = 1e6
"""Where no error was seen at all, there may be one in so many bases."""

CLASS_PSEUDO_ERRORS = 10.0
FACTOR_PSEUDO_ERRORS = 5.0
LEAST_FACTOR, MOST_FACTOR = 0.02, 50.0
LOWEST_RATE, HIGHEST_RATE = 1e-7, 0.25
SCALINGS = 20
"""Steps of iterative scaling: margins agree to a percent after a few."""


@dataclass(frozen=True)
class ErrorModel:
    """Rates of misreadings.

    `rates` (94, 16): by quality and class, rows of 4 sum to 1; factors of the wrong bases' rates `context` (64, 4), by context
    and base, and `kind` (READ_KINDS, 16), by kind of read and class, 1 where nothing is known.
    """

    rates: np.ndarray
    context: np.ndarray
    kind: np.ndarray


def quality_bins() -> np.ndarray:
    """int64 (94,): bin of each base quality in the substitution tables."""
    return np.searchsorted(QUALITY_BIN_STARTS, np.arange(QUALITIES), side="right") - 1


def recalibrated_qualities(profile: ErrorProfile) -> np.ndarray:
    """float64 (94,): error rate of a base by its quality: counted, and one more error among as many bases as would have it.

    Those are as many as the quality says, but no more than bases of this quality and of better ones have per error: a quality
    that few bases have promises no more than has been seen.
    """
    error, overall = np.array(profile.quality_error, dtype=np.float64), np.array(profile.quality_all, dtype=np.float64)
    if error.shape != (QUALITIES,) or overall.shape != (QUALITIES,):
        raise UserError(f"error_profile: 'quality_error' and 'quality_all' must have {QUALITIES} numbers")
    nominal = np.array([exp10(-quality / 10) for quality in range(QUALITIES)])
    usual = (error.sum() + 1.0) / (overall.sum() + UNSEEN_BASES)
    from_here_on = (np.cumsum(error[::-1])[::-1] + 1.0) / (np.cumsum(overall[::-1])[::-1] + 1.0 / usual)
    return (error + 1.0) / (overall + 1.0 / np.maximum(nominal, from_here_on))


def error_rates(profile: ErrorProfile) -> np.ndarray:
    """float64 (94, 16): probability that a base is read as class 4 * reference + read, given its quality; rows of 4 sum to 1.

    The rate of a wrong base is a third of the recalibrated rate of its quality (`recalibrated_qualities`) times a factor of
    its class and quality bin: errors counted over errors expected, both with `CLASS_PSEUDO_ERRORS` added. Rates of wrong
    bases are kept within `LOWEST_RATE` and `HIGHEST_RATE`.
    """
    counted, overall = _tables(profile)
    bins = len(counted)
    by_quality, bin_of = recalibrated_qualities(profile), np.minimum(quality_bins(), bins - 1)
    bases = np.array(profile.quality_all, dtype=np.float64)
    in_bin = np.bincount(bin_of, weights=bases, minlength=bins)
    mean_rate = np.bincount(bin_of, weights=bases * by_quality, minlength=bins) / np.maximum(in_bin, 1.0)
    expected = np.repeat(overall, 4, axis=1) * mean_rate[:, None] / 3
    factor = (counted + CLASS_PSEUDO_ERRORS) / (expected + CLASS_PSEUDO_ERRORS)
    return _completed(by_quality[:, None] / 3 * factor[bin_of])


def _tables(profile: ErrorProfile) -> tuple[np.ndarray, np.ndarray]:
    """Errors (bins, 16) and all bases (bins, 4); raises UserError for other shapes."""
    bins = len(profile.substitution_error)
    tables = ((profile.substitution_error, CLASSES), (profile.substitution_all, 4))
    known = bins in (len(QUALITY_BIN_STARTS), EARLIER_BINS)
    if not known or any([len(row) for row in table] != [width] * bins for table, width in tables):
        raise UserError(
            f"error_profile: 'substitution_error' must be {len(QUALITY_BIN_STARTS)} x {CLASSES}, 'substitution_all' "
            f"{len(QUALITY_BIN_STARTS)} x 4; make it again with estimate-alignment"
        )
    return np.array(profile.substitution_error, dtype=np.float64), np.array(profile.substitution_all, dtype=np.float64)


def _completed(rates: np.ndarray) -> np.ndarray:
    """Rates of wrong bases within their limits, and those of right ones, which complete them to 1."""
    rates = np.clip(rates, LOWEST_RATE, HIGHEST_RATE)
    right = np.arange(4) * 5
    rates[:, right] = 0.0
    rates[:, right] = 1.0 - rates.reshape(QUALITIES, 4, 4).sum(axis=2)
    return rates


def error_model(profile: ErrorProfile) -> ErrorModel:
    """Rates by quality, and factors by context and kind of read, of which profiles of earlier versions know none."""
    rates = error_rates(profile)
    tables = profile.context_error, profile.kind_error, profile.context_all
    if tables[0] is None or tables[1] is None or tables[2] is None:
        return ErrorModel(rates, np.ones((CONTEXTS, 4)), np.ones((READ_KINDS, CLASSES)))
    bins = len(QUALITY_BIN_STARTS)
    sound = [len(row) for row in tables[0]] == [4] * CONTEXTS and [len(row) for row in tables[1]] == [CLASSES] * READ_KINDS
    filled = [[row or [0] * CONTEXTS for row in rows or [[]] * bins] for rows in tables[2]]
    if not sound or [[len(row) for row in rows] for rows in filled] != [[CONTEXTS] * bins] * READ_KINDS:
        raise UserError(
            f"error_profile: 'context_error' must be {CONTEXTS} x 4, 'kind_error' {READ_KINDS} x {CLASSES}, 'context_all' "
            f"{READ_KINDS} x {bins} x {CONTEXTS}; make it again with estimate-alignment"
        )
    by_context, by_kind = (np.array(table, dtype=np.float64) for table in tables[:2])
    by_class = _tables(profile)[0].reshape(bins, 4, 4)
    expected = _expected(rates, np.array(profile.quality_all, dtype=np.float64), np.array(filled, dtype=np.float64))
    truth = np.arange(CONTEXTS) // 4 % 4
    quality: np.ndarray = np.ones((bins, 4, 4))
    context: np.ndarray = np.ones((CONTEXTS, 4))
    kind: np.ndarray = np.ones((READ_KINDS, 4, 4))
    for _ in range(SCALINGS):
        rest = expected * quality[None, :, truth] * kind[:, None, truth]
        context = _factors(by_context, rest.sum(axis=(0, 1)))
        rest = expected * quality[None, :, truth] * context
        kind = _factors(by_kind.reshape(READ_KINDS, 4, 4), _by_truth(rest.sum(axis=1)))
        rest = expected * kind[:, None, truth] * context
        quality = _factors(by_class, _by_truth(rest.sum(axis=0)))
    scaled = rates * quality.reshape(bins, CLASSES)[quality_bins()]
    return ErrorModel(_completed(scaled), context, kind.reshape(READ_KINDS, CLASSES))


def _expected(rates: np.ndarray, by_quality: np.ndarray, bases: np.ndarray) -> np.ndarray:
    """(kinds, bins, contexts, 4): errors among `bases` (kinds, bins, contexts) at rates (94, 16); 0 of right bases."""
    bin_of, bins = quality_bins(), len(QUALITY_BIN_STARTS)
    weight = by_quality + 1e-9
    mean = np.zeros((bins, CLASSES))
    for i in range(bins):
        inside = bin_of == i
        mean[i] = (rates[inside] * weight[inside, None]).sum(axis=0) / weight[inside].sum()
    wrong = mean.reshape(bins, 4, 4)
    wrong[:, np.arange(4), np.arange(4)] = 0.0
    return np.asarray(bases[..., None] * wrong[None, :, np.arange(CONTEXTS) // 4 % 4])


def _by_truth(table: np.ndarray) -> np.ndarray:
    """(n, 4, 4): a table (n, contexts, 4) summed over the bases beside."""
    return np.asarray(table.reshape(-1, 4, 4, 4, 4).sum(axis=(1, 3)))


def _factors(counted: np.ndarray, expected: np.ndarray) -> np.ndarray:
    factor = (counted + FACTOR_PSEUDO_ERRORS) / (expected + FACTOR_PSEUDO_ERRORS)
    return np.clip(factor, LEAST_FACTOR, MOST_FACTOR)
