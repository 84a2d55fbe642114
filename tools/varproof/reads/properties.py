"""Properties of a sample's alignment and the profile of its errors, from windows of its reads.

`tallied` goes over windows (`sampling`) and adds what each shows to a `Tally`; `properties` turns the sums into
`AlignmentProperties`, and several samples' sums of repeats into one measurement. Sums don't depend on the order of windows, and
memory is that of one window.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pysam

from varproof.formats.alignment import AlignmentProperties, ErrorProfile, FeatureProfile, SlippageRow
from varproof.machinery.errors import UserError
from varproof.reads.arrays import CONFIDENT_MAPQ, READ_KINDS
from varproof.reads.decode import ReadBatch, decode_reads
from varproof.reads.error_features import FEATURE_LABELS, FEATURES, MAX_BINS, ReadFeatures, read_features
from varproof.reads.error_rates import CLASSES, CONTEXTS, QUALITIES, QUALITY_BIN_STARTS, quality_bins
from varproof.reads.files import file_name
from varproof.reads.reference import reference_codes
from varproof.reads.repeats import TandemTracts, find_tandem_tracts
from varproof.reads.sam import PAIRED, REVERSE, SOFT_CLIP, UNMAPPED
from varproof.reads.sampling import Window
from varproof.reads.slippage import TractCounts, slippage_rows

MAX_DEPTH = 5000
"""Deeper places are subsampled: they teach little more."""

MARGIN = 1000
LONGEST_TEMPLATE = 20_000
PAIR_MARGIN = 2000
FEWEST_PAIRS = 20

USABLE_DEPTH, SHALLOW_DEPTH = 15, 4
VARIANT_FRACTION = 0.1
DEEP = 200
"""Fragments from which on rare alleles can be told from errors: no allele may have more of them than errors would."""

GAP_VARIANT_FRACTION = 0.03
"""Gaps outside repeats are so rare that reads which share one share a variant, even a rare one."""

GAP_OPEN_PRIOR = {1: 2.8e-6, -1: 5.1e-6}
"""Insertions (1) and deletions (-1) per base that Illumina instruments make; worth `GAP_PSEUDO_BASES` bases."""

GAP_PSEUDO_BASES = 1e5
GAP_EXTEND_PSEUDO_GAPS = 2


@dataclass
class Tally:
    """Sums over windows; `add_window` is the only one to write them."""

    reads: int = 0
    max_read_length: int = 0
    max_insertion: int = 0
    max_deletion: int = 0
    max_softclip_fraction: float = 0.0
    templates: np.ndarray = field(default_factory=lambda: np.zeros(LONGEST_TEMPLATE + 1, np.int64))
    covered: int = 0
    covering: int = 0
    aligned_bases: int = 0
    gaps: dict[int, list[int]] = field(default_factory=lambda: {1: [0, 0], -1: [0, 0]})
    features: np.ndarray = field(default_factory=lambda: np.zeros((2, len(FEATURES), MAX_BINS), np.int64))
    by_quality: np.ndarray = field(default_factory=lambda: np.zeros((2, QUALITIES), np.int64))
    substitution_error: np.ndarray = field(default_factory=lambda: np.zeros((len(QUALITY_BIN_STARTS), CLASSES), np.int64))
    context_error: np.ndarray = field(default_factory=lambda: np.zeros((CONTEXTS, 4), np.int64))
    kind_error: np.ndarray = field(default_factory=lambda: np.zeros((READ_KINDS, CLASSES), np.int64))
    context_all: np.ndarray = field(default_factory=lambda: np.zeros((READ_KINDS, len(QUALITY_BIN_STARTS), CONTEXTS), np.int64))
    tracts: list[TractCounts] = field(default_factory=list)


def usable_positions(depth: np.ndarray, right: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """bool: positions that show no variant: reference known, deep enough, and few bases that disagree.

    Deep enough is `USABLE_DEPTH`, or a third of the mean depth over covered positions where that is less, but at least
    `SHALLOW_DEPTH`; few is at most `VARIANT_FRACTION` of the bases, or one.
    """
    covered = depth[depth > 0]
    mean = covered.mean() if len(covered) else 0.0
    fewest = min(USABLE_DEPTH, max(SHALLOW_DEPTH, mean / 3))
    wrong = depth - right
    return (reference < 4) & (depth >= fewest) & ((wrong <= VARIANT_FRACTION * depth) | (wrong <= 1))


def without_recurrent(usable: np.ndarray, covering: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """`usable` without deep positions at which one allele has more fragments than errors that fall anywhere give it.

    covering (n,): fragments there; shown (n, 4): of these, with each wrong base. The rate of errors is that of the positions
    that are left, in turns. lambda + 3 + 5 sqrt(lambda) is within two of the 1 - 10^-6 quantile of a Poisson distribution;
    lambda is three times what the mean rate of an allele gives, since some contexts err more than others.
    """
    most = shown.max(axis=1)
    kept = usable
    for _ in range(3):
        rate = shown[kept].sum() / max(1, int(covering[kept].sum()))
        expected = covering * rate
        kept = usable & ((covering < DEEP) | (most <= expected + 3.0 + 5.0 * np.sqrt(expected)))
    return kept


def add_window(tally: Tally, alignments: pysam.AlignmentFile, fasta: pysam.FastaFile, window: Window) -> None:
    """Add what the reads of a window show."""
    from varproof.reads.error_features_numba_fns import count_bases, coverage, trinucleotides

    contig, low, high = window
    batch = decode_reads(alignments, contig, low, high, max_depth=MAX_DEPTH, keep_unmapped_mates=False)
    if not batch.size:
        return
    first = max(0, low - MARGIN)
    codes = reference_codes(fasta, contig, first, min(high + MARGIN, fasta.get_reference_length(contig)))
    features = read_features(batch, codes, first)
    inside = codes[low - first : high - first]
    context = trinucleotides(codes)[low - first : high - first]
    cigars = (batch.cigar_offset, batch.cigar_op, batch.cigar_length)
    depth, right, covering, shown = coverage(
        batch.start, batch.flag, batch.fragment, batch.fragments, batch.base_offset, batch.bases, *cigars, inside, low, high
    )
    tally.reads += int((batch.start >= low).sum())
    tally.covered += int((covering > 0).sum())
    tally.covering += int(covering.sum())
    _add_operations(tally, batch)
    _add_templates(tally, batch, features, high - PAIR_MARGIN if high - low > 2 * PAIR_MARGIN else high)
    count_bases(
        batch.start,
        batch.flag,
        batch.mapq,
        batch.kind,
        batch.base_offset,
        batch.bases,
        batch.qualities,
        *cigars,
        features.edits,
        features.clips,
        context,
        without_recurrent(usable_positions(depth, right, inside) & (context >= 0), covering, shown),
        low,
        quality_bins(),
        tally.features,
        tally.by_quality,
        tally.substitution_error,
        tally.context_error,
        tally.kind_error,
        tally.context_all,
    )
    tracts = find_tandem_tracts(codes, first)
    _add_gaps(tally, batch, tracts, covering, low, high)
    _add_tracts(tally, batch, contig, codes, first, tracts, low, high)


def _add_operations(tally: Tally, batch: ReadBatch) -> None:
    lengths = np.diff(batch.base_offset)
    tally.max_read_length = max(tally.max_read_length, int(lengths.max()))
    read_of = np.repeat(np.arange(batch.size), np.diff(batch.cigar_offset))
    mapped = batch.mapq[read_of] > 0
    for op, name in ((1, "max_insertion"), (2, "max_deletion")):
        longest = int(batch.cigar_length[mapped & (batch.cigar_op == op)].max(initial=0))
        setattr(tally, name, max(getattr(tally, name), longest))
    clips = mapped & (batch.cigar_op == SOFT_CLIP)
    fractions = batch.cigar_length[clips] / lengths[read_of[clips]]
    tally.max_softclip_fraction = max(tally.max_softclip_fraction, float(fractions.max(initial=0.0)))


def _add_templates(tally: Tally, batch: ReadBatch, features: ReadFeatures, last_start: int) -> None:
    """Add template lengths: outer distance, clips included, of pairs that point towards each other.

    Only those whose left read starts before `last_start` count, so that long templates are not lost at the window's end.
    """
    good = ((batch.flag & (PAIRED | UNMAPPED)) == PAIRED) & (batch.mapq >= CONFIDENT_MAPQ)
    reverse = (batch.flag & REVERSE) != 0
    left, right = np.full(batch.fragments, -1, np.int64), np.full(batch.fragments, -1, np.int64)
    forward_reads, reverse_reads = np.flatnonzero(good & ~reverse), np.flatnonzero(good & reverse)
    left[batch.fragment[forward_reads]] = forward_reads
    right[batch.fragment[reverse_reads]] = reverse_reads
    both = (left >= 0) & (right >= 0)
    left, right = left[both], right[both]
    inward = (batch.start[left] <= batch.start[right]) & (batch.start[left] < last_start)
    left, right = left[inward], right[inward]
    length = (batch.end[right] + features.clips[right, 1]) - (batch.start[left] - features.clips[left, 0])
    length = length[(length > 0) & (length <= LONGEST_TEMPLATE)]
    tally.templates += np.bincount(length, minlength=LONGEST_TEMPLATE + 1)


def _add_gaps(tally: Tally, batch: ReadBatch, tracts: TandemTracts, covering: np.ndarray, low: int, high: int) -> None:
    """Add gaps outside of tandem repeats that too few reads share for a variant."""
    from varproof.reads.error_features_numba_fns import gap_operations

    plain = np.ones(high - low, dtype=bool)
    for start, end in zip(tracts.start.tolist(), tracts.end.tolist(), strict=True):
        plain[max(start - 1 - low, 0) : max(end + 1 - low, 0)] = False
    aligned, gaps = gap_operations(
        batch.start, batch.flag, batch.mapq, batch.cigar_offset, batch.cigar_op, batch.cigar_length, plain, low
    )
    tally.aligned_bases += int(aligned)
    if not len(gaps):
        return
    kinds, count = np.unique(gaps, axis=0, return_counts=True)
    error = (count == 1) | (count <= GAP_VARIANT_FRACTION * covering[kinds[:, 0]])
    for sign in (1, -1):
        chosen = error & (np.sign(kinds[:, 1]) == sign)
        tally.gaps[sign][0] += int(count[chosen].sum())
        tally.gaps[sign][1] += int(count[chosen & (np.abs(kinds[:, 1]) > 1)].sum())


def _add_tracts(
    tally: Tally, batch: ReadBatch, contig: str, codes: np.ndarray, first: int, tracts: TandemTracts, low: int, high: int
) -> None:
    from varproof.reads.slippage_numba_fns import slipped_units

    mine = (tracts.start >= low) & (tracts.start < high) & (tracts.start > first) & (tracts.end < first + len(codes))
    tracts = TandemTracts(tracts.start[mine], tracts.end[mine], tracts.unit_length[mine])
    counts = slipped_units(
        batch.start,
        batch.end,
        batch.flag,
        batch.mapq,
        batch.base_offset,
        batch.bases,
        batch.cigar_offset,
        batch.cigar_op,
        batch.cigar_length,
        codes,
        first,
        tracts.start,
        tracts.end,
        tracts.unit_length,
    )
    seen = counts[:, 0] > 0
    names = np.full(len(seen), contig, dtype=object)
    found = TractCounts(names, tracts.start, tracts.end, tracts.unit_length, tracts.units, counts)
    tally.tracts.append(found.chosen(seen))


def robust_mean_and_sd(histogram: np.ndarray) -> tuple[float, float] | None:
    """Mean and sd of the values 0..k of which histogram[value] were seen, outliers left out; None for too few.

    Values further from the centre than 4 sd are trimmed, beginning with median and MAD, until nothing changes.
    """
    if histogram.sum() < FEWEST_PAIRS:
        return None
    values = np.arange(len(histogram))
    centre = _weighted_median(values, histogram)
    spread = max(1.0, 1.4826 * _weighted_median(np.abs(values - centre), histogram))
    for _ in range(20):
        kept = np.where(np.abs(values - centre) <= 4 * spread, histogram, 0)
        mean = float((kept * values).sum() / kept.sum())
        sd = max(1.0, float(np.sqrt((kept * (values - mean) ** 2).sum() / kept.sum())))
        if abs(mean - centre) < 1e-6 and abs(sd - spread) < 1e-6:
            break
        centre, spread = mean, sd
    return centre, spread


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(cumulative, cumulative[-1] / 2)]])


def gap_rates(tally: Tally, sign: int) -> tuple[float, float]:
    """(open, extend) of insertions (1) or deletions (-1).

    Open: gaps per aligned base, with `GAP_PSEUDO_BASES` bases at the instrument's usual rate. Extend: the part of gaps
    longer than 1, 0 if there are none, with `GAP_EXTEND_PSEUDO_GAPS` gaps of length 1.
    """
    count, longer = tally.gaps[sign]
    opening = (count + GAP_OPEN_PRIOR[sign] * GAP_PSEUDO_BASES) / (tally.aligned_bases + GAP_PSEUDO_BASES)
    return min(opening, 0.25), longer / (count + GAP_EXTEND_PSEUDO_GAPS)


def error_profile(tally: Tally, slippage: list[SlippageRow]) -> ErrorProfile:
    """The tally's tables, and the rows of repeats, as they go into alignment.json."""
    return ErrorProfile(
        features={
            name: FeatureProfile(
                error=tally.features[0, i, : len(FEATURE_LABELS[name])].tolist(),
                all=tally.features[1, i, : len(FEATURE_LABELS[name])].tolist(),
            )
            for i, name in enumerate(FEATURES)
        },
        quality_error=tally.by_quality[0].tolist(),
        quality_all=tally.by_quality[1].tolist(),
        substitution_error=tally.substitution_error.tolist(),
        substitution_all=tally.context_all.sum(axis=0).reshape(-1, 4, 4, 4).sum(axis=(1, 3)).tolist(),
        context_error=tally.context_error.tolist(),
        kind_error=tally.kind_error.tolist(),
        context_all=[[row.tolist() if row.any() else [] for row in kind] if kind.any() else [] for kind in tally.context_all],
        slippage=slippage,
    )


def estimate_properties(
    alignments: pysam.AlignmentFile, fasta: pysam.FastaFile, windows: Iterable[Window], max_reads: int
) -> AlignmentProperties:
    """Properties of one sample alone, from the reads of `windows`; raises UserError if there are none."""
    return properties([tallied(alignments, fasta, windows, max_reads)])[0]


def properties(tallies: list[Tally]) -> list[AlignmentProperties]:
    """Properties of each of a person's samples; repeats are measured in all of them together."""
    slippage = slippage_rows(*(TractCounts.together(tally.tracts) for tally in tallies))
    return [_own_properties(tally, slippage) for tally in tallies]


def tallied(alignments: pysam.AlignmentFile, fasta: pysam.FastaFile, windows: Iterable[Window], max_reads: int) -> Tally:
    """Sums over the reads of `windows`, until `max_reads` reads were seen; raises UserError if there are none."""
    tally = Tally()
    for window in windows:
        add_window(tally, alignments, fasta, window)
        if tally.reads >= max_reads:
            break
    if not tally.reads:
        raise UserError(
            f"{file_name(alignments)}: no usable reads (mapped, primary, no duplicates) to learn from; "
            "check the file and --regions"
        )
    return tally


def _own_properties(tally: Tally, slippage: list[SlippageRow]) -> AlignmentProperties:
    insert_size = robust_mean_and_sd(tally.templates)
    (open_insertion, extend_insertion), (open_deletion, extend_deletion) = gap_rates(tally, 1), gap_rates(tally, -1)
    return AlignmentProperties(
        insert_size_mean=round(insert_size[0], 2) if insert_size else None,
        insert_size_sd=round(insert_size[1], 2) if insert_size else None,
        max_read_length=tally.max_read_length,
        max_insertion_operation=tally.max_insertion,
        max_deletion_operation=tally.max_deletion,
        max_softclip_fraction=round(tally.max_softclip_fraction, 4),
        gap_open_insertion=float(f"{open_insertion:.4g}"),
        gap_open_deletion=float(f"{open_deletion:.4g}"),
        gap_extend_insertion=round(extend_insertion, 4),
        gap_extend_deletion=round(extend_deletion, 4),
        depth=round(tally.covering / tally.covered, 2),
        reads_used=tally.reads,
        error_profile=error_profile(tally, slippage),
    )
