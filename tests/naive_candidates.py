"""Candidates and their features the slow way: plain Python over pysam's reads and strings, one allele after another."""

import itertools
import math
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pysam

from varproof.variants.candidate import trimmed_alleles

LEFT_OUT = 0x4 | 0x100 | 0x200 | 0x400 | 0x800
MISSING_QUALITY = 20
Allele = tuple[int, int, str]


@lru_cache(None)
def leftmost(reference: str, start: int, end: int, alt: str) -> Allele:
    """reference[start:end] -> alt, an indel at its leftmost place, found by comparing whole haplotypes."""
    if alt and end > start:
        return start, end, alt
    haplotype = reference[:start] + alt + reference[end:]
    while start > 0:
        moved = (start - 1, end - 1, haplotype[start - 1 : start - 1 + len(alt)])
        if reference[: moved[0]] + moved[2] + reference[moved[1] :] != haplotype or reference[start - 1] == "N":
            break
        start, end, alt = moved
    return start, end, alt


@lru_cache(None)
def rightmost_end(reference: str, start: int, end: int, alt: str) -> int:
    """End of the rightmost place of the same indel."""
    haplotype = reference[:start] + alt + reference[end:]
    while end < len(reference) and reference[end] != "N":
        moved = (start + 1, end + 1, haplotype[start + 1 : start + 1 + len(alt)])
        if reference[: moved[0]] + moved[2] + reference[moved[1] :] != haplotype:
            break
        start, end, alt = moved
    return end


@dataclass
class NaiveRead:
    """A read with its aligned bases by position, and its indels as (raw start, raw end, leftmost allele, query before)."""

    start: int
    end: int
    sequence: str
    quality: list[int]
    mapq: int
    reverse: bool
    clipped: bool
    at: dict[int, int]
    deleted: set[int]
    indels: list[tuple[int, int, Allele, int]]
    mismatches: list[tuple[int, int]]

    @property
    def covered(self) -> set[int]:
        return set(self.at) | self.deleted


def naive_reads(bam: Path, reference: str, contig: str, least_mapq: int) -> list[NaiveRead]:
    out = []
    with pysam.AlignmentFile(str(bam)) as handle:
        for read in handle.fetch(contig):
            if read.flag & LEFT_OUT or read.mapping_quality < least_mapq:
                continue
            sequence = read.query_sequence
            quality = list(read.query_qualities) if read.query_qualities is not None else [MISSING_QUALITY] * len(sequence)
            at, deleted, indels, mismatches = {}, set(), [], []
            position, query = read.reference_start, 0
            operations = read.cigartuples
            aligned = [i for i, (op, _) in enumerate(operations) if op in (0, 7, 8)]
            for i, (op, length) in enumerate(operations):
                within = bool(aligned) and aligned[0] < i < aligned[-1]
                if op in (0, 7, 8):
                    for j in range(length):
                        at[position + j] = query + j
                        if len({sequence[query + j], reference[position + j], "N"}) == 3:
                            mismatches.append((position + j, query + j))
                    position, query = position + length, query + length
                elif op == 1:
                    if within:
                        inserted = sequence[query : query + length]
                        allele = leftmost(reference, position, position, inserted) if "N" not in inserted else (-1, -1, "N")
                        indels.append((position, position, allele, query - 1))
                    query += length
                elif op == 2:
                    if within:
                        allele = leftmost(reference, position, position + length, "")
                        indels.append((position, position + length, allele, query - 1))
                        deleted |= set(range(position, position + length))
                    position += length
                elif op == 3:
                    position += length
                elif op == 4:
                    query += length
            clipped = any(op == 4 for op, _ in operations)
            out.append(
                NaiveRead(
                    read.reference_start,
                    position,
                    sequence,
                    quality,
                    read.mapping_quality,
                    read.is_reverse,
                    clipped,
                    at,
                    deleted,
                    indels,
                    mismatches,
                )
            )
    return out


def naive_singles(reads: list[NaiveRead], least_quality: int, most_frequent: bool) -> Counter[Allele]:
    """Reads per SNV, insertion and deletion; of those of a locus the most frequent, the shorter, the first by sequence."""
    counts: Counter[Allele] = Counter()
    for read in reads:
        for position, query in read.mismatches:
            if read.quality[query] >= least_quality:
                counts[position, position + 1, read.sequence[query]] += 1
        for _, _, allele, _ in read.indels:
            if allele[2] != "N" or allele[0] >= 0:
                counts[allele] += 1
    counts.pop((-1, -1, "N"), None)
    if most_frequent:
        best: dict[Any, Allele] = {}
        for allele in sorted(counts, key=lambda a: (-counts[a], a[1] - a[0], len(a[2]), a[2])):
            best.setdefault((*allele[:1], "D" if not allele[2] else "I" if allele[0] == allele[1] else allele[2]), allele)
        counts = Counter({allele: counts[allele] for allele in best.values()})
    return counts


Window = tuple[int, int]
"""Where reads show a joined allele: reference positions low..high - 1."""


def naive_joined(reads: list[NaiveRead], reference: str, counts: Counter[Allele]) -> dict[Allele, Window]:
    """Alleles joined of an indel and what lies at most 9 bases beside it in the same reads, and their windows.

    `counts`: as of `naive_singles`, of what is a candidate. Two are joined if more than half of the reads of either have both.
    """
    chains = [chain for read in reads for chain in _chains(read, counts)]
    both = Counter((a[2], b[2]) for _, chain in chains for a, b in itertools.pairwise(chain))
    after = {a: b for (a, b), n in sorted(both.items()) if 2 * n > max(counts[a], counts[b])}
    found: dict[Allele, Window] = {}
    for first in after:
        if first in after.values():
            continue
        path = [first]
        while path[-1] in after:
            path.append(after[path[-1]])
        held = Counter[tuple[int, int, str]]()
        for read, chain in chains:
            for i in range(len(chain)):
                part = chain[i : i + len(path)]
                low = min(min(raw, allele[0]) for raw, _, allele, _, _ in part)
                begin = part[0][3] - (part[0][0] - low)
                if [allele for _, _, allele, _, _ in part] == path and begin > 0:
                    held[low, part[-1][1], read.sequence[begin : part[-1][4]]] += 1
        low, high = min(item[0] for item in held), max(item[1] for item in held)
        if high - low > 50:
            continue
        whole = Counter[str]()
        for (first_base, last_base, bases), count in held.items():
            whole[reference[low:first_base] + bases + reference[last_base:high]] += count
        alt = min(whole, key=lambda bases: (-whole[bases], bases))
        start, ref, alt = trimmed_alleles(low, reference[low:high], alt)
        if (ref or alt) and "N" not in ref + alt:
            allele = leftmost(reference, start, start + len(ref), alt)
            before = found.get(allele, (low, high))
            found[allele] = min(before[0], low), max(before[1], high)
    return found


def _chains(read: NaiveRead, counts: Counter[Allele]) -> list[tuple[NaiveRead, list[Any]]]:
    """Candidates side by side in a read: (start, end, allele, query place, query place behind it) each, an indel among them."""
    items: list[Any] = []
    for position, query in read.mismatches:
        allele = (position, position + 1, read.sequence[query])
        items.append((query, position, position + 1, allele if allele in counts else None, query, query + 1))
    for raw, raw_end, allele, before in read.indels:
        usable = allele in counts and raw - allele[0] <= 9 and max(len(allele[2]), raw_end - raw) <= 50
        behind = before + 1 + len(allele[2])
        items.append((before + 0.5, raw, raw_end, allele if usable else None, before + 1, behind))
    chains: list[list[Any]] = [[]]
    for _, *item in sorted(items, key=lambda item: item[0]):
        if item[2] is None or (chains[-1] and item[0] - chains[-1][-1][1] > 9):
            chains.append([])
        if item[2] is not None:
            chains[-1].append(item)
    mixed = [chain for chain in chains if len(chain) > 1 and any(len(a[2]) != a[1] - a[0] for _, _, a, _, _ in chain)]
    return [(read, chain) for chain in mixed]


def shown_between(
    read: NaiveRead, reference: str, allele: Allele, window: Window, least_quality: int
) -> tuple[bool, str, int, int]:
    """As `shown`, of a joined allele: by all bases of the read between the ends of its window."""
    (start, end, alt), (low, high) = allele, window
    if low - 1 not in read.at or high not in read.at:
        return low - 1 in read.covered, "", 0, 0
    first, last = read.at[low - 1] + 1, read.at[high]
    bases, quality = read.sequence[first:last], read.quality[first:last]
    alternative, original = reference[low:start] + alt + reference[end:high], reference[low:high]
    wrong = {
        name: [q for a, b, q in zip(bases, whole, quality, strict=True) if a != b] if len(bases) == len(whole) else [99]
        for name, whole in (("alt", alternative), ("ref", original))
    }
    could = [name for name in wrong if all(q < least_quality for q in wrong[name])]
    if could:
        sure = [name for name in could if not wrong[name]]
        poor = {i for whole in (alternative, original) if len(whole) == len(bases) for i in range(len(bases))
                if bases[i] != whole[i] and quality[i] < least_quality}  # fmt: skip
        return (True, sure[0], 30, first - 1) if sure and not poor else (True, "", 0, 0)
    if read.start > low - 20 or read.end < high + 20:
        return True, "", 0, 0
    return True, "other", 30, 0


def shown(
    read: NaiveRead, reference: str, allele: Allele, least_quality: int, window: Window | None = None
) -> tuple[bool, str, int, int]:
    """(covers, "ref" "alt" "other" or "", quality, query place) of a read and an allele."""
    if window is not None:
        return shown_between(read, reference, allele, window, least_quality)
    start, end, alt = allele
    if len(alt) == end - start:
        if start in read.deleted:
            return True, "other", 30, 0
        if start not in read.at:
            return False, "", 0, 0
        queries = [read.at.get(position) for position in range(start, end)]
        if None in queries or queries[-1] - queries[0] != end - start - 1:
            return True, "", 0, 0
        bases = "".join(read.sequence[q] for q in queries)
        quality = min(read.quality[q] for q in queries)
        if quality < least_quality:
            return True, "", 0, 0
        state = "ref" if bases == reference[start:end] else "alt" if bases == alt else "other"
        return True, state, quality, queries[0]
    last = rightmost_end(reference, start, end, alt)
    for _, _, found, query in read.indels:
        if found == allele:
            return True, "alt", 30, query
    anchor = max(start - 1, 0)
    if anchor not in read.at or last not in read.at:
        return anchor in read.covered, "", 0, 0
    other = any((raw if found[0] < 0 else found[0]) <= last and raw_end >= start for raw, raw_end, found, _ in read.indels)
    return True, "other" if other else "ref", 30, 0


def nearby_differences(
    read: NaiveRead, allele: Allele, reference: str, least_quality: int, window: Window | None = None
) -> int:
    start, end, alt = allele
    last = end if len(alt) == end - start else rightmost_end(reference, start, end, alt)
    if window is not None:
        places = [p for p, q in read.mismatches if read.quality[q] >= least_quality] + [raw for raw, _, _, _ in read.indels]
        return sum(window[0] - 50 <= p < window[0] or window[1] < p < window[1] + 50 for p in places)
    count = 0
    for position, query in read.mismatches:
        own = len(alt) == end - start and start <= position < end
        count += start - 50 <= position < last + 50 and not own and read.quality[query] >= least_quality
    for raw_start, _, found, _ in read.indels:
        count += start - 50 <= raw_start < last + 50 and found != allele
    return count


@lru_cache(None)
def tandem_repeats(reference: str) -> list[tuple[int, int]]:
    """(start, end) of every tandem repeat: homopolymers from 4 bp, units of 2-6 bp from 3 units."""
    found = []
    for unit in range(1, 7):
        i = 0
        while i + unit < len(reference):
            j = i + unit
            while j < len(reference) and reference[j] == reference[j - unit] and reference[j] in "ACGT":
                j += 1
            word = reference[i : i + unit]
            primitive = not any(unit % k == 0 and word == word[:k] * (unit // k) for k in range(1, unit))
            if j - i >= unit * (4 if unit == 1 else 3) and primitive:
                found.append((i, j))
            i = max(i + 1, j - unit + 1)
    return found


def repeat_length(reference: str, start: int, last: int) -> int:
    """Longest tandem repeat that touches start..last, followed for 200 bp to either side."""
    touching = [(i, j) for i, j in tandem_repeats(reference) if i <= last and j >= start]
    return max((min(j, last + 200) - max(i, start - 200) for i, j in touching), default=0)


def naive_features(
    reads: list[NaiveRead], reference: str, allele: Allele, least_quality: int, window: Window | None = None
) -> dict[str, Any]:
    """All features by name, and AD, DP and ln likelihoods; `window` of a joined allele."""
    start, end, alt = allele
    snv = len(alt) == end - start and window is None
    near = [read for read in reads if read.start <= end + 400 and read.end >= start - 400]
    states = [(read, *shown(read, reference, allele, least_quality, window)) for read in near]
    with_allele = [(read, quality, query) for read, _, state, quality, query in states if state == "alt"]
    with_reference = [read for read, _, state, _, _ in states if state == "ref"]
    weight = [read.mapq * (quality if snv else 1) for read, _, state, quality, _ in states if state]
    effective = sum(read.mapq * (quality if snv else 1) for read, quality, _ in with_allele)
    likelihood = [0.0, 0.0, 0.0]
    for read, _, state, quality, _ in states:
        if state in ("ref", "alt"):
            error = min(0.75, 1 - (1 - 10 ** (-quality / 10)) * (1 - 10 ** (-read.mapq / 10)))
            right, wrong = 1 - error, error / (3 if snv else 1)
            like = (wrong, (right + wrong) / 2, right) if state == "alt" else (right, (right + wrong) / 2, wrong)
            likelihood = [a + math.log(b) for a, b in zip(likelihood, like, strict=True)]
    qualities = [quality for _, quality, _ in with_allele]
    offsets = [query if read.reverse else len(read.sequence) - 1 - query for read, _, query in with_allele]
    n = max(1, len(with_allele))
    mean = sum(offsets) / n
    a, b = (1 + sum(read.reverse == side for read in with_reference) for side in (False, True))
    c, d = (1 + sum(read.reverse == side for read, _, _ in with_allele) for side in (False, True))
    odds = a * d / (b * c)
    mapq_ref = sum(read.mapq for read in with_reference) / len(with_reference) if with_reference else None
    mapq_alt = sum(read.mapq for read, _, _ in with_allele) / n
    last = end if snv else rightmost_end(reference, start, end, alt)
    beside = sum(nearby_differences(read, allele, reference, least_quality, window) for read, _, _ in with_allele)
    return {
        "EBD": effective,
        "EBD_RATIO": effective / max(1, sum(weight)),
        "DELTA_L": max(likelihood[1:]) - likelihood[0],
        "SUM_BQ": sum(qualities),
        "MEAN_BQ": sum(qualities) / n,
        "VAR_POS": sum((x - mean) ** 2 for x in offsets) / n,
        "STRAND_ODDS": math.log(odds + 1 / odds) + math.log(min(a, b) / max(a, b)) - math.log(min(c, d) / max(c, d)),
        "MAPQ_DIFF": 0.0 if mapq_ref is None else mapq_alt - mapq_ref,
        "NEARBY_DIFF": beside / n,
        "REPEAT_LENGTH": repeat_length(reference, start, last),
        "CLIPPED": sum(read.clipped for read, _, _ in with_allele) / n,
        "fraction": len(with_allele) / len(weight) if weight else -1.0,
        "AD": [len(with_reference), len(with_allele)],
        "DP": sum(covers for _, covers, _, _, _ in states),
        "likelihood": likelihood,
    }
