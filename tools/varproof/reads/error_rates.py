"""How likely each misreading is in this sample: by base quality and by kind of substitution.

A substitution class is 4 * reference + read base (codes A 0, C 1, G 2, T 3) on the strand of the fragment's first read:
where `is_reverse != is_second`, both bases are complemented. Damage of the template before amplification (oxidation:
C>A on first reads, seen as G>T on second reads) is then one class and not two.
"""

import numpy as np

from varproof.formats.alignment import ErrorProfile
from varproof.machinery.errors import UserError
from varproof.machinery.numerics import exp10

QUALITIES = 94
CLASSES = 16
QUALITY_BIN_STARTS = (0, 8, 15, 23, 31, 37)
"""First quality of each bin of the substitution tables: those of instruments with few quality values fall apart here."""

QUALITY_PSEUDO_BASES = 1000.0
CLASS_PSEUDO_ERRORS = 10.0
LOWEST_RATE, HIGHEST_RATE = 1e-6, 0.25


def quality_bins() -> np.ndarray:
    """int64 (94,): bin of each base quality in the substitution tables."""
    return np.searchsorted(QUALITY_BIN_STARTS, np.arange(QUALITIES), side="right") - 1


def recalibrated_qualities(profile: ErrorProfile) -> np.ndarray:
    """float64 (94,): error rate of a base by its quality: counted, with `QUALITY_PSEUDO_BASES` bases at 10^(-q/10)."""
    error, overall = np.array(profile.quality_error, dtype=np.float64), np.array(profile.quality_all, dtype=np.float64)
    if error.shape != (QUALITIES,) or overall.shape != (QUALITIES,):
        raise UserError(f"error_profile: 'quality_error' and 'quality_all' must have {QUALITIES} numbers")
    nominal = np.array([exp10(-quality / 10) for quality in range(QUALITIES)])
    return (error + QUALITY_PSEUDO_BASES * nominal) / (overall + QUALITY_PSEUDO_BASES)


def error_rates(profile: ErrorProfile) -> np.ndarray:
    """float64 (94, 16): probability that a base is read as class 4 * reference + read, given its quality; rows of 4 sum to 1.

    The rate of a wrong base is a third of the recalibrated rate of its quality (`recalibrated_qualities`) times a factor of
    its class and quality bin: errors counted over errors expected, both with `CLASS_PSEUDO_ERRORS` added. Rates of wrong
    bases are kept within `LOWEST_RATE` and `HIGHEST_RATE`.
    """
    bins = len(QUALITY_BIN_STARTS)
    tables = ((profile.substitution_error, CLASSES), (profile.substitution_all, 4))
    if any([len(row) for row in table] != [width] * bins for table, width in tables):
        raise UserError(f"error_profile: 'substitution_error' must be {bins} x {CLASSES}, 'substitution_all' {bins} x 4")
    counted, overall = (np.array(table, dtype=np.float64) for table, _ in tables)
    by_quality, bin_of = recalibrated_qualities(profile), quality_bins()
    bases = np.array(profile.quality_all, dtype=np.float64)
    in_bin = np.bincount(bin_of, weights=bases, minlength=bins)
    mean_rate = np.bincount(bin_of, weights=bases * by_quality, minlength=bins) / np.maximum(in_bin, 1.0)
    expected = np.repeat(overall, 4, axis=1) * mean_rate[:, None] / 3
    factor = (counted + CLASS_PSEUDO_ERRORS) / (expected + CLASS_PSEUDO_ERRORS)
    rates = np.clip(by_quality[:, None] / 3 * factor[bin_of], LOWEST_RATE, HIGHEST_RATE)
    right = np.arange(4) * 5
    rates[:, right] = 0.0
    rates[:, right] = 1.0 - rates.reshape(QUALITIES, 4, 4).sum(axis=2)
    return rates
