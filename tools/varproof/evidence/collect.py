"""Evidence of one sample for a chunk of candidates: reads are decoded once, every fragment is typed against each candidate.

Two rounds: the first types against the candidate's own two haplotypes; where neighbouring candidates have support of
their own, the second adds haplotypes that carry them, so that a read that belongs to the neighbour is evidence for the
neighbour only. Candidates within a halo on both sides of the chunk take part as neighbours, so that nothing depends on
where chunks begin and end.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.evidence.arrays import ALTERNATIVE, CandidateArrays, FragmentArrays, Observations, ReadArrays
from varproof.evidence.counting import allele_counts, scaled_count
from varproof.evidence.error_signature import error_signatures
from varproof.evidence.links import links
from varproof.evidence.merging import merged_rows
from varproof.evidence.places import same_places
from varproof.evidence.rivals import best_descriptions, rivals_of, support_of, supports_of
from varproof.evidence.sample import Sample
from varproof.evidence.slips import slip_rates
from varproof.evidence.sums import Sums, summed
from varproof.evidence.unlisted import unlisted_indels
from varproof.formats.evidence import Evidence
from varproof.reads.columns import TooManyBases
from varproof.reads.decode import decode_reads
from varproof.reads.error_features import read_features
from varproof.reads.overlaps import read_spans
from varproof.reads.sam import DELETION, INSERTION, SKIP
from varproof.variants.candidate import Candidate, candidate_key
from varproof.variants.chunks import NEIGHBOUR_REACH
from varproof.variants.edit import VariantType
from varproof.variants.placement import (
    Placement,
    compatible,
    haplotype,
    haplotype_key,
    is_one_indel,
    may_be_simpler,
    place,
    places_beside,
    reference_haplotype,
)
from varproof.variants.reference import ReferenceSlice

MOST_BASES = 1 << 26
MOST_PAIRS = 1 << 22
"""Bases, and pairs of a candidate and a read near it, that may be in memory; a chunk with more is to be divided."""

GAPS = (INSERTION, DELETION, SKIP)


@dataclass(frozen=True)
class ChunkReads:
    """The decoded reads around a chunk."""

    reads: ReadArrays
    paired: FragmentArrays
    limited: bool

    @property
    def fragments(self) -> int:
        """Number of fragments."""
        return len(self.paired.low_of)


def collect_chunk(
    candidates: list[Candidate],
    halo: list[Candidate],
    reference: ReferenceSlice,
    alignments: Any,
    sample: Sample,
    max_depth: int | None,
) -> Evidence:
    """Evidence for `candidates` (one contig, in order, none skipped); `halo`: neighbours that other chunks report.

    Raises `TooManyBases` where more than one candidate has more reads than should be in memory.
    """
    own = len(candidates)
    placements = [place(item, reference) for item in candidates]
    first_low, last_low = min(item.low for item in placements), max(item.low for item in placements)
    beside = [(item, place(item, reference)) for item in halo]
    beside = [pair for pair in beside if first_low - NEIGHBOUR_REACH <= pair[1].low <= last_low + NEIGHBOUR_REACH]
    everything = [*candidates, *(item for item, _ in beside)]
    placements += [at for _, at in beside]
    low = min(item.low for item in placements) - sample.tables.reach - sample.tables.cut
    high = max(item.high for item in placements) + sample.tables.reach + sample.tables.cut
    most = None if own == 1 else MOST_BASES
    chunk = _decoded(alignments, reference, max(0, low), high, max_depth, most)
    if own > 1 and _pairs(placements, chunk.reads) > MOST_PAIRS:
        raise TooManyBases
    listed = _listed_bases(placements, chunk.reads, reference)
    unlisted = unlisted_indels(chunk.reads, placements, own, reference)
    everything += [item for item, _ in unlisted]
    placements += [at for _, at in unlisted]
    slip = np.array([slip_rates(item, sample, reference) for item in placements])
    first = _candidate_arrays(placements, [[] for _ in placements], slip, reference, sample)
    found, used = _first_round(first, everything, chunk, reference, listed, sample)
    support = support_of(found, len(placements))
    is_allele = np.array([item.is_allele for item in everything])
    neighbours = rivals_of(placements, support, own, is_allele)

    def observed_beside(current: Observations, chosen: list[list[Placement]], again: np.ndarray) -> Observations:
        """`current`, with the candidates `again` observed anew, beside the neighbours chosen for each."""
        if not len(again):
            return current
        arrays = _candidate_arrays([placements[i] for i in again], [chosen[i] for i in again], slip[again], reference, sample)
        better, _ = _observe(arrays, np.arange(len(again)), chunk, reference, listed, sample)
        better = better._replace(candidate=again[better.candidate].astype(np.int32))
        return _together(_only(current, np.setdiff1d(np.arange(len(placements)), again)), better)

    final = observed_beside(found, neighbours, np.flatnonzero([bool(near) for near in neighbours]))
    best = best_descriptions(found, final, placements, neighbours, chunk.fragments)
    changed = np.flatnonzero([one is not other for one, other in zip(neighbours, best, strict=True)])
    final = observed_beside(final, best, changed)
    final = _only(final, np.arange(own))
    counts = allele_counts(final, found, placements, is_allele, own, chunk.fragments)
    counts |= {"used": used[:own], "depth": used[:own], "support": _whole_support(final, is_allele, own)}
    if chunk.limited:
        counts["depth"] = np.maximum(used[:own], _whole_depth(first, own, alignments, reference.contig, sample))
    looks = error_signatures(np.array([item.start for item in placements[:own]]), final, chunk.reads, sample.tables)
    looks["same_place"] = same_places(placements[:own], final, chunk.reads, chunk.paired, reference)
    together = links(found, first, everything, own, chunk.fragments)
    return _evidence(candidates, placements[:own], final, counts, slip[:own], looks | together, sample)


def _pairs(placements: list[Placement], reads: ReadArrays) -> int:
    """Pairs of a candidate and a read that may overlap it."""
    longest = int((reads.high - reads.low).max(initial=0))
    first = np.searchsorted(reads.start, np.array([item.low for item in placements]) - longest)
    last = np.searchsorted(reads.start, np.array([item.high for item in placements]) + longest)
    return int((last - first).sum())


def _whole_depth(arrays: CandidateArrays, own: int, alignments: Any, contig: str, sample: Sample) -> np.ndarray:
    """Fragments that overlap each of the first `own` candidates, without a limit of depth."""
    from varproof.evidence.fragments_numba_fns import overlapping_fragments

    margin = sample.tables.cut
    low, high = int(arrays.low[:own].min()) - margin, int(arrays.high[:own].max()) + margin
    begin, end, fragment, fragments = read_spans(alignments, contig, low, high)
    return overlapping_fragments(arrays, own, begin, end, fragment, fragments, sample.tables.cut)


def _decoded(
    alignments: Any, reference: ReferenceSlice, low: int, high: int, max_depth: int | None, most_bases: int | None = None
) -> ChunkReads:
    from varproof.evidence.fragments_numba_fns import mismatches, paired_fragments

    batch = decode_reads(alignments, reference.contig, low, high, max_depth=max_depth, most_bases=most_bases)
    features = read_features(batch, reference.codes, reference.start)
    clip_left, clip_right = np.ascontiguousarray(features.clips.T, dtype=np.int64)
    read_of_operation = np.repeat(np.arange(batch.size), np.diff(batch.cigar_offset))
    gaps = np.bincount(read_of_operation[np.isin(batch.cigar_op, GAPS)], minlength=batch.size)
    reads = ReadArrays(
        start=batch.start,
        end=batch.end,
        low=batch.start - clip_left,
        high=batch.end + clip_right,
        flag=batch.flag,
        mapq=batch.mapq,
        fragment=batch.fragment,
        base_offset=batch.base_offset,
        bases=batch.bases,
        qualities=batch.qualities,
        cigar_offset=batch.cigar_offset,
        cigar_op=batch.cigar_op,
        cigar_length=batch.cigar_length,
        clip_left=clip_left,
        clip_right=clip_right,
        edits=features.edits,
        gapped=gaps > 0,
        kind=batch.kind,
        mismatch_offset=np.zeros(batch.size + 1, np.int64),
        mismatch=np.zeros(0, np.int64),
    )
    offset, places = mismatches(reads, reference.codes, reference.start)
    reads = reads._replace(mismatch_offset=offset, mismatch=places)
    return ChunkReads(reads, paired_fragments(reads, batch.fragments), batch.limited)


def _candidate_arrays(
    placements: list[Placement],
    neighbours: list[list[Placement]],
    slip: np.ndarray,
    reference: ReferenceSlice,
    sample: Sample,
) -> CandidateArrays:
    cut = sample.tables.cut
    from varproof.evidence.gaps_numba_fns import gap_openings

    haplotypes: list[np.ndarray] = []
    in_repeat: list[bool] = []
    reference_first, alternative_first = [], []
    context_low, context_high = [], []
    for item, beside, (slip_forward, _) in zip(placements, neighbours, slip, strict=True):
        low = min([item.low, *(n.low for n in beside)]) - cut
        high = max([item.high, *(n.high for n in beside)]) + cut
        reference_first.append(len(haplotypes))
        haplotypes.append(reference_haplotype(reference, low, high, item, cut))
        group = [item, *beside]
        together = _compatible_sets(beside, group)
        without = _applied(together, reference, low, high, cut)
        carrying = _applied(
            [
                [placed, *edits]
                for placed in places_beside(item, group)
                for edits in together
                if all(compatible(placed, edit) for edit in edits)
            ],
            reference,
            low,
            high,
            cut,
        )
        haplotypes += _not_simpler(without[1:], carrying)
        alternative_first.append(len(haplotypes))
        haplotypes += _not_simpler(carrying, without)
        in_repeat += [slip_forward > 0.0] * (len(haplotypes) - len(in_repeat))
        context_low.append(min((n.low - 1 for n in beside), default=1))
        context_high.append(max((n.high + 1 for n in beside), default=0))
    haplotype_offset = np.cumsum([0] + [len(item) for item in haplotypes]).astype(np.int64)
    codes = np.concatenate(haplotypes)
    open_insertion, open_deletion = gap_openings(codes, haplotype_offset, np.array(in_repeat), sample.tables)
    return CandidateArrays(
        low=np.array([item.low for item in placements], np.int64),
        high=np.array([item.high for item in placements], np.int64),
        start=np.array([item.start for item in placements], np.int64),
        end=np.array([item.end for item in placements], np.int64),
        change=np.array([item.length_change for item in placements], np.int64),
        substitution=np.array([item.type in (VariantType.SNV, VariantType.MNV) for item in placements]),
        alt_offset=np.cumsum([0] + [len(item.alt) for item in placements]).astype(np.int64),
        alt=np.concatenate([item.alt for item in placements]).astype(np.uint8),
        context_low=np.array(context_low, np.int64),
        context_high=np.array(context_high, np.int64),
        reference_first=np.array([*reference_first, len(haplotypes)], np.int64),
        alternative_first=np.array(alternative_first, np.int64),
        haplotype_offset=haplotype_offset,
        haplotypes=codes,
        open_insertion=open_insertion,
        open_deletion=open_deletion,
    )


def _applied(
    sets: list[list[Placement]], reference: ReferenceSlice, low: int, high: int, cut: int
) -> list[tuple[int, np.ndarray]]:
    """(number of variants, sequence) of each set of variants; none of sets that are together one simpler variant."""
    plain = reference.between(low, high)
    out = []
    for edits in sets:
        sequence = haplotype(reference, low, high, edits, cut)
        may_be = any(may_be_simpler(one, other) for one, other in itertools.combinations(edits, 2))
        if not may_be or not is_one_indel(sequence, plain):
            out.append((len(edits), sequence))
    return out


def _not_simpler(own: list[tuple[int, np.ndarray]], other: list[tuple[int, np.ndarray]]) -> list[np.ndarray]:
    """Haplotypes of one side, each with its number of variants, that the other side does not make of fewer variants.

    Two neighbouring SNVs on one haplotype and the MNV of both are the same sequence: the MNV is the better description.
    """
    fewest: dict[bytes, int] = {}
    for count, codes in other:
        fewest[codes.tobytes()] = min(count, fewest.get(codes.tobytes(), count))
    return [codes for count, codes in own if fewest.get(codes.tobytes(), count) >= count]


def _compatible_sets(variants: list[Placement], group: list[Placement]) -> list[list[Placement]]:
    """All sets of variants that one haplotype can carry, the empty one first; indels where they may lie beside the `group`."""
    sets: list[list[Placement]] = [[]]
    for variant in variants:
        sets += [
            [*edits, placed]
            for edits in sets
            for placed in places_beside(variant, group)
            if all(compatible(placed, edit) for edit in edits)
        ]
    return sets


def _listed_bases(placements: list[Placement], reads: ReadArrays, reference: ReferenceSlice) -> np.ndarray:
    """uint8 (reference,): which bases substitutions of the list have at each position, as bits; where more reads show them than
    one that was misplaced and its copies.
    """
    from varproof.evidence.fragments_numba_fns import shown_by_several

    listed = np.zeros(len(reference.codes), np.uint8)
    for item in placements:
        if not item.is_indel:
            listed[item.start - reference.start : item.end - reference.start] |= np.left_shift(1, item.alt).astype(np.uint8)
    return shown_by_several(reads, listed, reference.start)


def _first_round(
    arrays: CandidateArrays,
    candidates: list[Candidate],
    chunk: ChunkReads,
    reference: ReferenceSlice,
    listed: np.ndarray,
    sample: Sample,
) -> tuple[Observations, np.ndarray]:
    """Observations of all candidates, each against its own two haplotypes, and the fragments that overlap each (n,)."""
    sums = Sums.of(candidates)
    asked = np.setdiff1d(np.arange(len(candidates)), sums.number)
    found, depth = _observe(arrays, asked, chunk, reference, listed, sample)
    found = found._replace(candidate=asked[found.candidate].astype(np.int32))
    used = np.zeros(len(candidates), np.int64)
    used[asked] = depth
    if sums.number:
        unsupported = sums.unsupported(support_of(found, len(candidates)))
        summary = summed(found, unsupported, chunk.fragments)
        used[unsupported.number] = np.bincount(summary.candidate, minlength=len(candidates))[unsupported.number]
        rest = np.setdiff1d(sums.number, unsupported.number)
        more, used[rest] = _observe(arrays, rest, chunk, reference, listed, sample)
        found = _together(found, summary, more._replace(candidate=rest[more.candidate].astype(np.int32)))
    return found, used


def _together(*parts: Observations) -> Observations:
    return _sorted(Observations(*(np.concatenate(columns) for columns in zip(*parts, strict=True))))


def _observe(
    arrays: CandidateArrays,
    wanted: np.ndarray,
    chunk: ChunkReads,
    reference: ReferenceSlice,
    listed: np.ndarray,
    sample: Sample,
) -> tuple[Observations, np.ndarray]:
    """Observations of the candidates `wanted` (indices), numbered as they are there, and the fragments that overlap each."""
    from varproof.evidence.fragments_numba_fns import observations

    return observations(arrays, wanted, chunk.reads, chunk.paired, reference.codes, listed, reference.start, sample.tables)


def _only(found: Observations, wanted: np.ndarray) -> Observations:
    keep = np.isin(found.candidate, wanted)
    return Observations(*(column[keep] for column in found))


def _sorted(found: Observations) -> Observations:
    if (np.diff(found.candidate) >= 0).all():
        return found
    order = np.argsort(found.candidate, kind="stable")
    return Observations(*(column[order] for column in found))


def _whole_support(found: Observations, is_allele: np.ndarray, own: int) -> np.ndarray:
    """`support` of evidence, of the first `own` candidates: of joined ones (not listed), fragments that show all parts."""
    whole = is_allele[found.candidate] | (found.allele == ALTERNATIVE)
    return np.bincount(found.candidate[supports_of(found) & whole & (found.mapq > 0)], minlength=own)


def _evidence(
    candidates: list[Candidate],
    placements: list[Placement],
    found: Observations,
    counts: dict[str, np.ndarray],
    slip: np.ndarray,
    looks: dict[str, np.ndarray],
    sample: Sample,
) -> Evidence:
    size = len(candidates)
    offset, columns = merged_rows(found, size)
    used, depth = counts["used"], counts["depth"]
    return Evidence(
        key=np.array([candidate_key(item) for item in candidates], np.uint64),
        haplotype=np.array(
            [haplotype_key(item.contig, at) for item, at in zip(candidates, placements, strict=True)], np.uint64
        ),
        joined=np.array([not item.is_listed for item in candidates], np.uint8),
        judged=np.ones(size, np.uint8),
        sampling_ratio=np.array([_sampling_ratio(item, sample) for item in placements], np.float32),
        slip_forward=slip[:, 0].astype(np.float32),
        slip_back=slip[:, 1].astype(np.float32),
        depth=depth.astype(np.uint32),
        used=used.astype(np.uint32),
        usable=counts["usable"].astype(np.uint32),
        reference_count=scaled_count(counts["reference_count"], used, depth),
        alternative_count=scaled_count(counts["alternative_count"], used, depth),
        other_count=scaled_count(counts["other_count"], used, depth),
        support=counts["support"].astype(np.uint32),
        **looks,
        offset=offset,
        **columns,
    )


def _sampling_ratio(item: Placement, sample: Sample) -> float:
    from varproof.evidence.sampling_numba_fns import sampling_ratio

    mean, sd = sample.tables.insert_size
    needed = 0 if item.length_change <= sample.longest_insertion_operation else sample.needed_insertion
    return float(
        sampling_ratio(
            sample.read_length, mean, sd, item.reference_length, len(item.alt), item.shift, needed, sample.tables.cut
        )
    )
