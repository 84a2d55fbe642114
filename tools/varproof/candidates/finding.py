"""Which alleles the reads show: differences from the reference counted, adjacent SNVs of the same reads joined to MNVs.

At each locus there are six candidates: four bases, an insertion and a deletion, of which the most frequent sequence counts
(or all of them). Indels are left-aligned before they are counted, so that one indel of a repeat is one candidate wherever the
aligner wrote it.
"""

from dataclasses import dataclass

import numpy as np

from varproof.candidates.arrays import (
    BASE,
    KEY,
    LENGTH,
    POSITION,
    QUERY,
    RAW,
    READ,
    Alleles,
    CandidateReads,
    Differences,
    Insertions,
)
from varproof.reads.decode import ReadBatch
from varproof.variants.edit import LONGEST_MNV
from varproof.variants.placement import MAX_SHIFT
from varproof.variants.reference import ReferenceSlice
from varproof.variants.shifting import turned


@dataclass(frozen=True)
class FindingSettings:
    """What makes an allele a candidate.

    `alternate_reads` and `alternate_fraction`: fewest reads that show it, and fewest of all that cover it. Reads under
    `mapping_quality` and bases under `base_quality` don't count. `all_indels`: not only the most frequent insertion and
    deletion of a locus.
    """

    alternate_reads: int = 2
    alternate_fraction: float = 0.02
    base_quality: int = 13
    mapping_quality: int = 1
    all_indels: bool = False

    def enough(self, count: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """bool: whether so many reads out of so many make a candidate."""
        return (count >= self.alternate_reads) & (count >= self.alternate_fraction * depth)


def as_aligned(batch: ReadBatch) -> CandidateReads:
    """The columns that the kernels take."""
    names = [name for name in CandidateReads._fields if name != "first"]
    return CandidateReads(first=batch.start, **{name: getattr(batch, name) for name in names})


def reads_of(batch: ReadBatch, reference: ReferenceSlice) -> CandidateReads:
    """The columns that the kernels take, alignments written anew where a variant shows better (see `rewritten`)."""
    from varproof.candidates.rewriting_numba_fns import rewritten

    reads = as_aligned(batch)
    start, end, cigar_offset, cigar_op, cigar_length = rewritten(reads, reference.codes, reference.start)
    return reads._replace(start=start, end=end, cigar_offset=cigar_offset, cigar_op=cigar_op, cigar_length=cigar_length)


def differences_of(
    reads: CandidateReads, reference: ReferenceSlice, low: int, high: int, settings: FindingSettings
) -> Differences:
    """What the reads have that the reference has not; coverage of low..high - 1."""
    from varproof.candidates.finding_numba_fns import read_differences

    return Differences(
        *read_differences(reads, reference.codes, reference.start, low, high, settings.mapping_quality, MAX_SHIFT)
    )


def candidate_alleles(
    reads: CandidateReads,
    differences: Differences,
    reference: ReferenceSlice,
    low: int,
    high: int,
    settings: FindingSettings,
    insertions: Insertions | None = None,
) -> Alleles:
    """Alleles within low..high - 1 that enough reads show, sorted by their place in a VCF; coverage begins at `low`.

    `insertions`: those of which differences have rows for reads that don't hold them whole. SNVs that are part of an MNV are there too: whether they have enough reads of their own is for the support to tell.
    """
    from varproof.candidates.finding_numba_fns import shifts_right

    found = [
        *_substitutions(reads, differences, low, high, settings),
        *_indels(reads, differences, low, high, settings, insertions),
    ]
    wholes = {(start + j, alt[j]): i for i, (start, end, alt, _) in enumerate(found) if end - start > 1 for j in range(len(alt))
              if len(alt) == end - start}  # fmt: skip
    order = sorted(range(len(found)), key=lambda i: (vcf_position(*found[i][:3]), found[i][1], len(found[i][2]), found[i][2]))
    rank = {i: k for k, i in enumerate(order)}
    listed = [found[i] for i in order]
    start = np.array([item[0] for item in listed], np.int64)
    end = np.array([item[1] for item in listed], np.int64)
    alt_offset = np.cumsum([0] + [len(item[2]) for item in listed]).astype(np.int64)
    alt = np.frombuffer(b"".join(item[2] for item in listed), np.uint8)
    within = [
        rank[wholes[item[0], item[2][0]]] if item[1] - item[0] == len(item[2]) == 1 and (item[0], item[2][0]) in wholes else -1
        for item in listed
    ]
    return Alleles(
        start=start,
        end=end,
        alt_offset=alt_offset,
        alt=alt,
        shift=shifts_right(start, end, alt_offset, alt, reference.codes, reference.start, MAX_SHIFT),
        key=np.array([item[3] for item in listed], np.int64),
        within=np.array(within, np.int64),
    )


def vcf_position(start: int, end: int, alt: bytes) -> int:
    """0-based position of the record: of an indel, that of the base before it."""
    return max(start - 1, 0) if end - start != len(alt) else start


Found = tuple[int, int, bytes, int]
"""(start, end, alternative bases as codes, key of an insertion)."""


def _counted(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(distinct rows, index of the first of each, how many)."""
    if not len(rows):
        return rows, np.empty(0, np.int64), np.empty(0, np.int64)
    return np.unique(rows, axis=0, return_index=True, return_counts=True)


def _substitutions(
    reads: CandidateReads, differences: Differences, low: int, high: int, settings: FindingSettings
) -> list[Found]:
    rows = differences.rows
    good = (rows[:, LENGTH] == 0) & (rows[:, POSITION] >= low) & (rows[:, POSITION] < high)
    good[good] = reads.qualities[reads.base_offset[rows[good, READ]] + rows[good, QUERY]] >= settings.base_quality
    node = np.where(good, 4 * (rows[:, POSITION] - low) + rows[:, BASE], -8)
    nodes, count = np.unique(node[good], return_counts=True)
    enough = settings.enough(count, differences.coverage[nodes // 4])
    nodes, count = nodes[enough], count[enough]
    found = [(low + item // 4, low + item // 4 + 1, bytes([item % 4]), 0) for item in nodes.tolist()]
    linked = np.zeros(len(node), bool)
    if len(node):
        adjacent = (node[1:] // 4 == node[:-1] // 4 + 1) & good[1:] & good[:-1]
        linked[:-1] = adjacent & (rows[1:, READ] == rows[:-1, READ])
    for path in _paths(node, linked, dict(zip(nodes.tolist(), count.tolist(), strict=True))):
        first = np.flatnonzero(node == path[0])
        for j, item in enumerate(path[1:]):
            first = first[linked[first + j]]
            first = first[node[first + j + 1] == item]
        start = low + path[0] // 4
        if settings.enough(np.array([len(first)]), differences.coverage[start - low : start - low + 1])[0]:
            found.append((start, start + len(path), bytes(item % 4 for item in path), 0))
    return found


def _paths(node: np.ndarray, linked: np.ndarray, count: dict[int, int]) -> list[list[int]]:
    """Runs of 2 to 5 adjacent SNVs, each of which is mostly in the same reads as the next."""
    pairs, _, both = _counted(np.stack([node[:-1][linked[:-1]], node[1:][linked[:-1]]], axis=1) if len(node) else node)
    following = {
        one: other
        for (one, other), number in zip(pairs.tolist(), both.tolist(), strict=True)
        if one in count and other in count and 2 * number > max(count[one], count[other])
    }
    out = []
    for first in sorted(set(following) - set(following.values())):
        path = [first]
        while path[-1] in following:
            path.append(following[path[-1]])
        if len(path) <= LONGEST_MNV:
            out.append(path)
    return out


def _indels(
    reads: CandidateReads,
    differences: Differences,
    low: int,
    high: int,
    settings: FindingSettings,
    insertions: Insertions | None,
) -> list[Found]:
    place = np.maximum(differences.rows[:, POSITION] - 1, 0)
    found, count = counted_indels(reads, differences.rows[(place >= low) & (place < high)], insertions)
    anchor = np.array([vcf_position(*item[:3]) for item in found], np.int64) - low
    enough = settings.enough(count, differences.coverage[anchor])
    kept = [(number, item) for number, item, keep in zip(count.tolist(), found, enough.tolist(), strict=True) if keep]
    if settings.all_indels:
        return [item for _, item in kept]
    best: dict[tuple[int, bool], Found] = {}
    for _, item in sorted(kept, key=lambda pair: (-pair[0], pair[1][1] - pair[1][0], len(pair[1][2]), pair[1])):
        best.setdefault((item[0], bool(item[2])), item)
    return list(best.values())


def counted_indels(
    reads: CandidateReads, rows: np.ndarray, insertions: Insertions | None = None
) -> tuple[list[Found], np.ndarray]:
    """The distinct indels among differences (rows of `Differences`) that may be candidates, and how many reads have each.

    `insertions`: see `candidate_alleles`.
    """
    spelt = {} if insertions is None else _spelt(insertions)
    rows = rows[(rows[:, LENGTH] != 0) & (rows[:, BASE] == 0)]
    distinct, first, count = _counted(rows[:, [POSITION, LENGTH, KEY]])
    found: list[Found] = []
    for (start, length, key), row in zip(distinct.tolist(), rows[first], strict=True):
        if length < 0:
            found.append((start, start - length, b"", 0))
            continue
        if (start, length, key) in spelt:
            found.append((start, start, spelt[start, length, key], key))
            continue
        begin = int(reads.base_offset[row[READ]] + row[QUERY]) + 1
        inserted = reads.bases[begin : begin + length].tobytes()
        found.append((start, start, turned(inserted, int(row[RAW]) - start), key))
    return found, count


def _spelt(insertions: Insertions) -> dict[tuple[int, int, int], bytes]:
    """Bases by (start, length, key)."""
    bases, offset = insertions.bases.tobytes(), insertions.offset.tolist()
    return {
        (start, offset[i + 1] - offset[i], key): bases[offset[i] : offset[i + 1]]
        for i, (start, key) in enumerate(zip(insertions.start.tolist(), insertions.key.tolist(), strict=True))
    }
