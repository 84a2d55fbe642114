"""Pileup tensors the slow way: plain Python over pysam's reads and strings, one candidate after another, for comparison."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from varproof.formats.tensors import TensorSettings
from varproof.reads.decode import name_hash

CODES = {"A": 1, "C": 2, "G": 3, "T": 4}
LETTERS = "ACGT"


@dataclass
class NaiveTrack:
    """Channels (window, depth, 7), and per row a dictionary of the columns."""

    channels: np.ndarray
    rows: list[dict[str, Any]]


def variant_interval(reference: str, start: int, end: int, alt: str) -> tuple[int, int, int, int, str]:
    """(low, high, start, end, alt): placements of the same haplotype found by trying all, and the leftmost of them."""
    if alt and end > start:
        return start, end, start, end, alt
    haplotype = reference[:start] + alt + reference[end:]
    found = []
    for s in range(len(reference) + 1):
        e = s + end - start
        if e > len(reference) or not haplotype.startswith(reference[:s]) or not haplotype.endswith(reference[e:]):
            continue
        moved = haplotype[s : s + len(alt)]
        if "N" not in reference[min(s, start) : max(e, end)]:
            found.append((s, e, moved))
    left, right = min(found), max(found)
    return left[0], right[1], *left


def naive_centre(kind: str, low: int, high: int, window: int) -> int:
    """`kind`: "substitution" or anything else."""
    if kind == "substitution":
        return low + (high - low - 1) // 2
    return (low + high) // 2 if high - low + 2 <= window // 2 else low


def mismatches(read: str, haplotype: str) -> int:
    return sum(a != b for a, b in zip(read, haplotype, strict=False) if "N" not in (a, b))


def compared(read: str, alternative: str, reference: str) -> tuple[int, int, int]:
    """(mismatches with alternative, with reference, bases) of a read that lies along both haplotypes; 0 bases: nothing told."""
    bases = min(50, len(read), len(alternative), len(reference))
    read, alternative, reference = read[:bases], alternative[:bases], reference[:bases]
    if not any(a != b and r != "N" for a, b, r in zip(alternative, reference, read, strict=True)):
        return 0, 0, 0
    return mismatches(read, alternative), mismatches(read, reference), bases


def unrolled(read: Any) -> list[int | None]:
    """Reference position of each base of a read, soft clips laid out beside the alignment; None in an insertion."""
    first, last = read.query_alignment_start, read.query_alignment_end
    at = {query: position for query, position in read.get_aligned_pairs() if query is not None}
    return [
        read.reference_start - (first - query)
        if query < first
        else read.reference_end + query - last
        if query >= last
        else at[query]
        for query in range(len(read.query_sequence))
    ]


def fewest_edits(segment: str, text: str) -> int:
    """Of a stretch of a read against any part of a text (Sellers 1980); N equals nothing."""
    row = [0] * (len(text) + 1)
    for i, base in enumerate(segment):
        previous, row = row, [i + 1]
        for j, other in enumerate(text):
            differs = base != other or base == "N"
            row.append(min(previous[j] + differs, previous[j + 1] + 1, row[j] + 1))
    return min(row)


def realigned(read: Any, reference: str, low: int, high: int, start: int, end: int, alt: str) -> tuple[int, int, int]:
    """Like `compared`, of the bases within 50 bp of the candidate, wherever they fit best; 0 bases: nothing told."""
    positions = unrolled(read)
    clipped = len(read.query_sequence) - read.query_alignment_end
    if read.reference_start - read.query_alignment_start >= high or read.reference_end + clipped <= low:
        return 0, 0, 0
    if alt and end - start == len(alt) == 1 and read.reference_start <= start < read.reference_end:
        return 0, 0, 0
    limits = [
        next((i for i, position in enumerate(positions) if position is not None and position >= bound), len(positions))
        for bound in (low - 50, high + 50)
    ]
    segment = read.query_sequence.upper()[slice(*limits)]
    before, after = reference[max(low - 280, 0) : start], reference[end : high + 280]
    alternative, original = (fewest_edits(segment, before + allele + after) for allele in (alt, reference[start:end]))
    fewest, most = sorted((alternative, original))
    told = 8 <= len(segment) <= 256 and fewest < most and (fewest <= 2 or 2 * fewest < most)
    return (alternative, original, len(segment)) if told else (0, 0, 0)


def naive_support(read: Any, reference: str, start: int, end: int, alt: str, high: int) -> tuple[int, int, str]:
    """(mismatches with alternative, with reference, "alt", "ref" or "") for the leftmost placement; 255: not compared."""
    sequence = read.query_sequence.upper()
    at = {position: query for query, position in read.get_aligned_pairs(matches_only=True)}
    if alt and len(alt) == end - start:
        queries = [at.get(position) for position in range(start, end)]
        best = (0, 0, 0)
        if None not in queries and queries[-1] - queries[0] == end - start - 1:
            best = compared("".join(sequence[q] for q in queries), alt, reference[start:end])
    else:
        tries = []
        if start - 1 in at:
            anchor = at[start - 1]
            found = compared(sequence[anchor + 1 :], alt + reference[end:], reference[start:])
            tries.append((*found, mismatches(sequence[: anchor + 1][::-1][:10], reference[:start][::-1][:10])))
        if high in at:
            mutated = (reference[:start] + alt + reference[end:high])[::-1]
            found = compared(sequence[: at[high]][::-1], mutated, reference[:high][::-1])
            tries.append((*found, mismatches(sequence[at[high] :][:10], reference[high:][:10])))
        tries = [item for item in tries if item[2]]
        best = min(tries, key=lambda item: (min(item[:2]) + item[3], -item[2]))[:3] if tries else (0, 0, 0)
    alternative, original, bases = best if best[2] else realigned(read, reference, start, high, start, end, alt)
    if not bases:
        return 255, 255, ""
    fewest = min(alternative, original)
    clear = alternative != original and fewest <= bases / 10 + 1
    return alternative, original, ("alt" if alternative < original else "ref") if clear else ""


def naive_track(
    bam: Path, reference: str, contig: str, start: int, end: int, alt: str, settings: TensorSettings
) -> NaiveTrack:  # fmt: skip
    """One track of the candidate reference[start:end] -> alt (trimmed)."""
    low, high, start, end, alt = variant_interval(reference, start, end, alt)
    kind = "substitution" if alt and len(alt) == end - start else "indel"
    first = naive_centre(kind, low, high, settings.window) - settings.window // 2
    last = first + settings.window
    reach = (first, last) if settings.rows == "window" else (max(low - 1, first), min(high + 1, last))
    with pysam.AlignmentFile(str(bam)) as handle:
        reads = [
            read
            for read in handle.fetch(contig)
            if not read.flag & (0x4 | 0x100 | 0x200 | 0x400 | 0x800)
            and read.reference_start < reach[1]
            and read.reference_end > reach[0]
        ]
    if len(reads) > settings.depth:
        lowest = sorted(range(len(reads)), key=lambda i: (name_hash(reads[i].query_name), i))[: settings.depth]
        reads = [reads[i] for i in sorted(lowest)]
    channels = np.zeros((settings.window, settings.depth, 7), np.uint8)
    rows: list[dict[str, Any]] = []
    names: list[str] = []
    for row, read in enumerate(reads):
        draw(channels[:, row], read, first, settings)
        alternative, original, supports = naive_support(read, reference, start, end, alt, high)
        clips = [length if op == 4 else 0 for op, length in read.cigartuples]
        ends = (read.reference_start - (clips[0] or (clips[1] if read.cigartuples[0][0] == 5 else 0)),)
        right = clips[-1] or (clips[-2] if read.cigartuples[-1][0] == 5 else 0)
        rows.append(
            {
                "mapq": read.mapping_quality,
                "alt_mismatches": alternative,
                "ref_mismatches": original,
                "supports": supports,
                "end_distance": min(255, max(0, min(start - ends[0], read.reference_end + right - 1 - start))),
                "clipped": sum(clips),
                "edits": edits(read, reference),
                "insert_size": min(255, abs(read.template_length) // 4),
                "reverse": read.is_reverse,
                "paired": read.is_paired,
                "improper": read.is_paired and not read.is_proper_pair,
                "read1_reverse": read.is_paired and read.is_reverse != read.is_read2,
                "mate_above": read.query_name in names,
            }
        )
        names.append(read.query_name)
    return NaiveTrack(channels, rows)


def draw(channels: np.ndarray, read: Any, first: int, settings: TensorSettings) -> None:
    """Fill a row's channels, (window, 7)."""
    window = len(channels)
    qualities = read.query_qualities
    shown: dict[int, tuple[str, int, bool]] = {}  # reference position -> base ("-": deleted), quality, aligned
    pairs = read.get_aligned_pairs(with_cigar=True)
    marked = set()
    before = None
    for query, position, op in pairs:
        op = int(op)
        if op in (0, 7, 8):
            shown[position] = (read.query_sequence[query].upper(), 20 if qualities is None else qualities[query], True)
            before = position
        elif op == 2:
            shown[position] = ("-", 0, True)
            before = position
        elif op == 3:
            before = None
        elif op == 1 and before is not None:
            marked.add(before)
    if settings.soft_clips:
        clipped_left = [query for query, _, op in pairs if int(op) == 4 and query < read.query_alignment_start]
        clipped_right = [query for query, _, op in pairs if int(op) == 4 and query >= read.query_alignment_end]
        for query in clipped_left:
            place = read.reference_start - (read.query_alignment_start - query)
            shown[place] = (read.query_sequence[query].upper(), 20 if qualities is None else qualities[query], False)
        for query in clipped_right:
            place = read.reference_end + query - read.query_alignment_end
            shown[place] = (read.query_sequence[query].upper(), 20 if qualities is None else qualities[query], False)
    for position, (base, quality, _) in shown.items():
        if not first <= position < first + window:
            continue
        cell = channels[position - first]
        value = 2 if position in marked else 1
        if base == "-":
            cell[:4] = value
        elif base in LETTERS:
            cell[LETTERS.index(base)] = value
        cell[4] = quality
        cell[5] = read.mapping_quality
        cell[6] = read.is_reverse


def edits(read: Any, reference: str) -> int:
    """Mismatches and gap operations."""
    wrong = sum(
        read.query_sequence[query].upper() != reference[position]
        for query, position in read.get_aligned_pairs(matches_only=True)
        if "N" not in (read.query_sequence[query].upper(), reference[position])
    )
    return wrong + sum(op in (1, 2) for op, _ in read.cigartuples)
