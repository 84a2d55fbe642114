"""The alignment records of a fragment, edited: sequence, qualities, CIGAR, place, tags and what mates say of each other."""

from copy import copy

import pysam

from varproof.reads.sam import DELETION, INSERTION, MATCH, SOFT_CLIP, UNMAPPED
from varproof.spiking.editing import END_BONUS, MATCH_SCORE, MISMATCH, Reference, aligned, exists, on_haplotype, own_bases
from varproof.variants.edit import Edit


def edited(
    reads: list[pysam.AlignedSegment], edit: Edit, reference: Reference, own: Reference | None = None
) -> list[pysam.AlignedSegment] | None:
    """The primary records of one fragment on the haplotype that carries the variant, in the same order.

    None where that haplotype has no such fragment: it begins inside what is deleted. Records are copies; unmapped ones stay as
    they are. NM, MD, AS, MC, the mate's place and the template length are made anew where a record has them. `own`: what the
    person has instead of the reference, at the same positions; alignments are to the reference.
    """
    mapped = [read for read in reads if not read.flag & UNMAPPED]
    if not exists(edit, min(_unclipped_start(read) for read in mapped)):
        return None
    out = [
        _edited_record(read, edit, reference, own or reference) if not read.flag & UNMAPPED else copy(read) for read in reads
    ]
    if len(out) == 2:
        _introduce(out[0], out[1])
        _introduce(out[1], out[0])
        _measure(out)
    return out


def clip(read: pysam.AlignedSegment, side: int) -> int:
    """Soft-clipped bases at an end of a read: 0 the left one, -1 the right one."""
    operation, length = (read.cigartuples or [(0, 0)])[side]
    return length if operation == SOFT_CLIP else 0


def _unclipped_start(read: pysam.AlignedSegment) -> int:
    return read.reference_start - clip(read, 0)


def _edited_record(read: pysam.AlignedSegment, edit: Edit, reference: Reference, own: Reference) -> pysam.AlignedSegment:
    cigar = [(operation, length) for operation, length in read.cigartuples or [] if operation != 5]
    if edit.length_change == 0 and not _reaches(read, edit):
        return copy(read)
    sequence = read.query_sequence or ""
    if edit.length_change == 0 and len(cigar) == 1 and cigar[0][0] == MATCH:
        substituted = _substituted(read, sequence, edit, reference)
        if substituted is not None:
            return substituted
    before = own_bases(sequence, list(read.query_qualities or [0] * len(sequence)), read.reference_start, cigar)
    after = on_haplotype(before, edit, own)
    out = copy(read)
    if [(item.base, item.position) for item in after] == [(item.base, item.position) for item in before]:
        return out
    placed = aligned(after, reference)
    out.query_sequence = "".join(item.base for item in after)
    if read.query_qualities is not None:
        out.query_qualities = pysam.qualitystring_to_array("".join(chr(33 + item.quality) for item in after))
    out.reference_start, out.cigartuples = placed.start, placed.cigar
    distance, text = differences(out.query_sequence, placed.start, placed.cigar, reference)
    ends = (placed.cigar[0][0] != SOFT_CLIP) + (placed.cigar[-1][0] != SOFT_CLIP)
    _tell(out, distance, text, placed.score - ends * END_BONUS)
    return out


def _tell(read: pysam.AlignedSegment, distance: int, differences: str, score: int) -> None:
    """Write the tags that tell of the alignment, where the read has them."""
    for tag, value in (("NM", distance), ("MD", differences), ("AS", score)):
        if read.has_tag(tag):
            read.set_tag(tag, value)


def _substituted(read: pysam.AlignedSegment, sequence: str, edit: Edit, reference: Reference) -> pysam.AlignedSegment | None:
    """A read without gaps and clips with a substitution, what most edited reads are; None where its ends had to be clipped.

    An end is clipped where what lies up to one of its mismatches costs more than it gains.
    """
    start, size = read.reference_start, len(sequence)
    first, last = max(edit.start, start), min(edit.end, start + size)
    changed = sequence[: first - start] + edit.alt[first - edit.start : last - edit.start] + sequence[last - start :]
    out = copy(read)
    if changed == sequence:
        return out
    text = reference(start, start + size)
    places = [i for i, (base, expected) in enumerate(zip(changed, text, strict=True)) if base != expected]
    both = MATCH_SCORE + MISMATCH
    for k, place in enumerate(places):
        before = (place + 1) * MATCH_SCORE - (k + 1) * both + END_BONUS
        behind = (size - place) * MATCH_SCORE - (len(places) - k) * both + END_BONUS
        if before < 0 or behind < 0:
            return None
    qualities = read.query_qualities
    out.query_sequence = changed
    out.query_qualities = qualities
    told, done = "", 0
    for place in places:
        told, done = f"{told}{place - done}{text[place]}", place + 1
    _tell(out, len(places), f"{told}{size - done}", size * MATCH_SCORE - len(places) * both)
    return out


def _reaches(read: pysam.AlignedSegment, edit: Edit) -> bool:
    """Whether a read, clipped ends too, lies over a substitution."""
    behind = (read.reference_end or 0) + clip(read, -1)
    return _unclipped_start(read) < edit.end and behind > edit.start


def differences(sequence: str, start: int, cigar: list[tuple[int, int]], reference: Reference) -> tuple[int, str]:
    """(NM, MD) of an alignment: its edit distance, and where it differs, as the SAM specification writes both."""
    distance, text, run = 0, "", 0
    query, position = 0, start
    for operation, length in cigar:
        if operation == MATCH:
            for base, expected in zip(sequence[query : query + length], reference(position, position + length), strict=True):
                if base == expected:
                    run += 1
                else:
                    text, run, distance = f"{text}{run}{expected}", 0, distance + 1
            query, position = query + length, position + length
        elif operation == DELETION:
            text, run, distance = f"{text}{run}^{reference(position, position + length)}", 0, distance + length
            position += length
        else:
            distance += length if operation == INSERTION else 0
            query += length
    return distance, f"{text}{run}"


def _introduce(read: pysam.AlignedSegment, mate: pysam.AlignedSegment) -> None:
    """What a record says of its mate."""
    read.next_reference_id, read.next_reference_start = mate.reference_id, mate.reference_start
    if read.has_tag("MC") and read.get_tag("MC") != mate.cigarstring:  # a tag that is set moves behind the others
        read.set_tag("MC", mate.cigarstring)


def _measure(reads: list[pysam.AlignedSegment]) -> None:
    """Template lengths of two mapped mates on one contig, from the first to the last aligned base, where they have one."""
    if any(read.flag & UNMAPPED for read in reads) or all(read.template_length == 0 for read in reads):
        return
    low = min(read.reference_start for read in reads)
    high = max(read.reference_end or 0 for read in reads)
    first = min((0, 1), key=lambda i: (reads[i].reference_start, i if reads[0].template_length > 0 else -i))
    reads[first].template_length, reads[1 - first].template_length = high - low, low - high
