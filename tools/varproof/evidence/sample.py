"""A sample as the kernels need it: its alignment properties turned into lookup tables."""

from dataclasses import dataclass

import numpy as np

from varproof.evidence.arrays import SampleTables
from varproof.evidence.decisions import DECISIONS
from varproof.formats.alignment import AlignmentProperties
from varproof.machinery.numerics import exp10
from varproof.machinery.numerics_numba_fns import log_of
from varproof.reads.arrays import READ_KINDS
from varproof.reads.error_features import FEATURE_LABELS, log_error_ratios
from varproof.reads.error_rates import CLASSES, CONTEXTS, ErrorModel, error_model
from varproof.reads.slippage import SlippageModel

HIGHEST_QUALITY = 93


@dataclass(frozen=True)
class Sample:
    """Lookup tables of one sample, its slippage rates, and the read length that geometry assumes (bp)."""

    tables: SampleTables
    slippage: SlippageModel
    read_length: int
    needed_insertion: int
    longest_insertion_operation: int

    @classmethod
    def from_properties(cls, properties: AlignmentProperties) -> "Sample":
        """Tables from alignment.json; without an error profile base qualities are taken at their word."""
        from varproof.evidence.typing_numba_fns import base_log_ratios

        mean, sd = properties.insert_size_mean or 0.0, properties.insert_size_sd or 0.0
        if not (mean and sd):
            mean = sd = 0.0
        profile = properties.error_profile
        if profile is None:
            per_quality = np.clip([exp10(-quality / 10) for quality in range(HIGHEST_QUALITY + 1)], 1e-6, 0.75)
            rates = np.repeat(per_quality[:, None] / 3, CLASSES, axis=1)
            model = ErrorModel(rates, np.ones((CONTEXTS, 4)), np.ones((READ_KINDS, CLASSES)))
            ratios = {name: np.zeros(len(labels)) for name, labels in FEATURE_LABELS.items()}
        else:
            model = error_model(profile)
            ratios = log_error_ratios(profile)
        substitution, per_quality = _oriented(model.rates)
        slippage = SlippageModel(profile.slippage if profile else [])
        reach = int(mean + DECISIONS.reach_sd * sd) if sd else DECISIONS.default_reach
        clip = properties.max_softclip_fraction
        clip = DECISIONS.default_clip_fraction if clip is None else clip
        tables = SampleTables(
            error=per_quality,
            substitution_error=substitution,
            log_quality_ratio=ratios["base_quality"],
            log_end_ratio=ratios["end_distance"],
            log_mismatch_ratio=ratios["other_mismatches"],
            log_clip_ratio=ratios["clipped"],
            log_mapq_ratio=ratios["mapping_quality"],
            gap=np.array(
                [
                    properties.gap_open_insertion,
                    properties.gap_open_deletion,
                    max(properties.gap_extend_insertion, DECISIONS.least_gap_extension),
                    max(properties.gap_extend_deletion, DECISIONS.least_gap_extension),
                ]
            ),
            slippage=np.ascontiguousarray(slippage.table(DECISIONS.most_units)[:, :, :2]),
            insert_size=np.array([mean, sd]),
            log_context=_on_reference(log_of(model.context.reshape((4,) * 4))).reshape(2, CONTEXTS, 4),
            log_kind=np.stack([_on_reference(log_of(item.reshape(4, 4))) for item in model.kind]),
            base_ratio=np.zeros((1,) * 6),
            reach=reach,
            cut=properties.max_read_length + DECISIONS.cut_slack,
        )
        return cls(
            tables=tables._replace(base_ratio=base_log_ratios(tables)),
            slippage=slippage,
            read_length=properties.max_read_length,
            needed_insertion=int(properties.max_read_length * (1.0 - clip)),
            longest_insertion_operation=properties.max_insertion_operation or 0,
        )


def _on_reference(as_sequenced: np.ndarray) -> np.ndarray:
    """(2, ...): a table by bases, the last of which is the one that is read, in both orientations of a fragment.

    The bases before it are a context, which the other strand has in reverse.
    """
    complemented = as_sequenced[(slice(None, None, -1),) * as_sequenced.ndim]
    context = range(as_sequenced.ndim - 1)
    return np.stack([as_sequenced, complemented.transpose(*reversed(context), as_sequenced.ndim - 1)]).copy()


def _oriented(rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(94, 2, 4, 4) substitution rates in reference orientation, and the mean rate of any error per quality (94,)."""
    as_sequenced = rates.reshape(HIGHEST_QUALITY + 1, 4, 4).copy()
    as_sequenced[:, np.arange(4), np.arange(4)] = 0.0
    complemented = as_sequenced[:, ::-1, ::-1]
    return np.stack([as_sequenced, complemented], axis=1).copy(), as_sequenced.sum(axis=2).mean(axis=1)
