"""What is looked at in a base to tell an error from a variant: five features, their bins, and their likelihood ratios.

The bins are defined in `error_features_numba_fns` (kernels need them); here they get names and sizes. The ratios of the
features are multiplied as if they were independent among errors and among all bases. They are not quite (a base of poor
quality is more often near the end of a read), so a product over many reads overstates the evidence: cap or temper it.
"""

from dataclasses import dataclass

import numpy as np

from varproof.formats.alignment import ErrorProfile
from varproof.machinery.errors import UserError
from varproof.machinery.numerics import log
from varproof.reads.decode import ReadBatch

FEATURES = ("base_quality", "end_distance", "other_mismatches", "clipped", "mapping_quality")
FEATURE_LABELS: dict[str, tuple[str, ...]] = {
    "base_quality": ("0-4", "5-9", "10-14", "15-19", "20-24", "25-29", "30-34", "35-39", "40+"),
    "end_distance": ("0-2", "3-9", "10+"),
    "other_mismatches": ("0", "1", "2-3", "4-7", "8+"),
    "clipped": ("no", "yes"),
    "mapping_quality": ("0-19", "20-49", "50+"),
}
MAX_BINS = max(len(labels) for labels in FEATURE_LABELS.values())
PSEUDO_ERRORS = 5.0
"""Added to every bin's errors, and to the errors that the bin would have if errors looked like all bases."""


@dataclass(frozen=True)
class ReadFeatures:
    """Of n reads: `edits` (n,) mismatches plus indel operations, `clips` (n, 2) soft-clipped bases left and right."""

    edits: np.ndarray
    clips: np.ndarray


def read_features(batch: ReadBatch, reference: np.ndarray, reference_start: int) -> ReadFeatures:
    """Features of each read against `reference` (codes from `reference_start` on; bases outside count as matches)."""
    from varproof.reads.error_features_numba_fns import read_edits_and_clips

    edits, clips = read_edits_and_clips(
        batch.start,
        batch.flag,
        batch.base_offset,
        batch.bases,
        batch.cigar_offset,
        batch.cigar_op,
        batch.cigar_length,
        reference,
        reference_start,
    )
    return ReadFeatures(edits, clips)


def log_error_ratios(profile: ErrorProfile) -> dict[str, np.ndarray]:
    """Per feature, ln P(bin | error) - ln P(bin | any base) per bin.

    Computed as ln of errors counted over errors expected, with `PSEUDO_ERRORS` added to both: a bin that was not seen, or
    a profile without errors, gives 0. Raises UserError where the profile's features or bins are other ones.
    """
    if set(profile.features) != set(FEATURES):
        raise UserError(f"error_profile: 'features' must be {', '.join(FEATURES)}; make it again with estimate-alignment")
    ratios = {}
    for name in FEATURES:
        counts, bins = profile.features[name], len(FEATURE_LABELS[name])
        if len(counts.error) != bins or len(counts.all) != bins:
            raise UserError(f"error_profile: feature '{name}' must have {bins} bins; make it again with estimate-alignment")
        error = np.array(counts.error, dtype=np.float64)
        overall = np.array(counts.all, dtype=np.float64)
        expected = overall * (error.sum() / max(overall.sum(), 1.0))
        ratios[name] = np.array([log(ratio) for ratio in ((error + PSEUDO_ERRORS) / (expected + PSEUDO_ERRORS)).tolist()])
    return ratios
