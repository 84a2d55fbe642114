"""Records of one haplotype as one record, and back: what annotators need to see of a codon that two variants change.

Parts are joined if they are phased onto one copy and near to each other. The merged record keeps them whole, as text, in
INFO/VP_PARTS, so that they come back byte for byte and in their place.
"""

import heapq
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from varproof.formats.phase import caller_phase, own_phases
from varproof.formats.record import ALT, FILTER, FORMAT, ID, INFO, MISSING, POS, QUAL, REF, Record
from varproof.formats.scored import EventSelection, error_probabilities
from varproof.formats.vcf import ALLELE_DEPTH, CALLER_FILTER, OWN_FILTERS, SAME_EVENT
from varproof.machinery.errors import DamagedFile, UserError
from varproof.variants.candidate import Candidate, applied, candidates_of
from varproof.variants.reference import Reference

MERGED, PARTS = "VP_MERGED", "VP_PARTS"

_EVEN = 0.5
_FURTHEST = 1000
"""How far a merged record may lie behind the first of its parts, bp: shared bases before what differs are left out."""

_OWN_FIELDS = re.compile(r"PROB_.*|VP_.*|CNN_PROB|COMBINED_FROM")
_OF_ALLELES = {"END", "SVLEN", "SVTYPE", "CIGAR", "TYPE", "LEN"}
"""INFO fields that say of a part's alleles what is not true of the merged ones, even where all parts have the same."""

_ESCAPED = {character: f"%{ord(character):02X}" for character in "%\t;=, \r\n"}
_TO_ESCAPED = str.maketrans(_ESCAPED)


def declare(header: Any) -> None:
    """Add the lines of the fields of merged records to a `pysam.VariantHeader`."""
    undeclare(header)
    header.add_line(f'##INFO=<ID={MERGED},Number=.,Type=String,Description="Records that this one was merged of: POS_REF_ALT">')
    header.add_line(
        f'##INFO=<ID={PARTS},Number=.,Type=String,Description="These records whole, each behind its rank among those of its '
        'position; percent-encoded, for fdr-filter --split-merged">'
    )


def undeclare(header: Any) -> None:
    """Take these lines out."""
    for name in (MERGED, PARTS):
        if name in header.info:
            header.info.remove_header(name)


@dataclass(frozen=True)
class _Part:
    """A record that may be merged: what it changes, what it is (an event), and the (phase set, copy) that it lies on."""

    number: int
    rank: int
    record: Record
    change: Candidate
    event: str
    phred: float
    filters: frozenset[str]
    copies: frozenset[tuple[str, int]]

    @property
    def other_copies(self) -> frozenset[tuple[str, int]]:
        return frozenset((name, 3 - copy) for name, copy in self.copies)


@dataclass
class _Group:
    """Parts of one haplotype, near to each other."""

    parts: list[_Part]
    copies: frozenset[tuple[str, int]] = field(init=False)

    def __post_init__(self) -> None:
        self.copies = self.parts[0].copies

    @property
    def first(self) -> int:
        """Leftmost position of a record."""
        return min(part.record.start for part in self.parts)

    @property
    def end(self) -> int:
        """End of what is changed."""
        return max(part.change.end for part in self.parts)

    def takes(self, part: _Part, distance: int) -> bool:
        """Whether a part belongs to this haplotype, overlaps nothing of it, and is near enough."""
        one = self.parts[0]
        if part.event != one.event or part.filters != one.filters or not part.copies & self.copies:
            return False
        if any(part.other_copies & other.copies for other in self.parts):
            return False
        gaps = [_gap(part.change, other.change) for other in self.parts]
        return min(gaps) >= 0 and min(gaps) <= distance

    def add(self, part: _Part) -> None:
        self.parts.append(part)
        self.copies &= part.copies


def _gap(first: Candidate, second: Candidate) -> int:
    """Bases between two changes; negative where they overlap, or insert at one place."""
    if first.start == first.end == second.start == second.end:
        return -1
    return max(second.start - first.end, first.start - second.end)


class PhasedMerger:
    """Takes scored records in order, and gives them back in order, those of one haplotype as one record.

    Merged are judged records of one alternative allele that are probably there, most probably of the same event, in one phase
    set on one copy (varproof's VP_PHASE, else the caller's), with at most `distance` bp between them.
    """

    def __init__(
        self, source: Path, distance: int, selection: EventSelection, sample: int | None, reference: Reference | None
    ) -> None:
        """`source`: the records' file, for messages; `selection`: the events that make a record real; `sample`: the column
        whose caller's phase counts, None: there is none; `reference`: for bases between parts, None where `distance` is 0.
        """
        self.merged = 0
        self._source, self._distance, self._selection = source, distance, selection
        self._sample, self._reference = sample, reference
        self._groups: list[_Group] = []
        self._ready: list[tuple[int, int, Record]] = []
        self._contig: str | None = None
        self._number = self._rank = 0
        self._last = -1

    def add(self, record: Record) -> Iterator[Record]:
        """Records that are ready now that this one is known, the next of its file."""
        if record.contig != self._contig:
            yield from self.finish()
            self._contig, self._last = record.contig, -1
        self._number += 1
        self._rank = self._rank + 1 if record.start == self._last else 0
        self._last = record.start
        for group in [group for group in self._groups if group.end + self._distance < record.start]:
            self._close(group)
        part = self._part(record)
        if part is None:
            heapq.heappush(self._ready, (record.start, self._number, record))
        else:
            taking = next((group for group in self._groups if group.takes(part, self._distance)), None)
            if taking is None:
                self._groups.append(_Group([part]))
            else:
                taking.add(part)
        yield from self._before(min([record.start, *(group.first for group in self._groups)]))

    def finish(self) -> Iterator[Record]:
        """The records that are left."""
        for group in list(self._groups):
            self._close(group)
        yield from self._before(None)

    def _before(self, position: int | None) -> Iterator[Record]:
        while self._ready and (position is None or self._ready[0][0] < position):
            yield heapq.heappop(self._ready)[2]

    def _close(self, group: _Group) -> None:
        self._groups.remove(group)
        whole = None if len(group.parts) == 1 else self._whole(group.parts)
        if whole is None:
            for part in group.parts:
                heapq.heappush(self._ready, (part.record.start, part.number, part.record))
        else:
            self.merged += len(group.parts)
            heapq.heappush(self._ready, (whole.start, group.parts[0].number, whole))

    def _whole(self, parts: list[_Part]) -> Record | None:
        if self._reference is not None:
            for part in parts:
                self._reference.check(self._source, part.record)
        return _merged_record(parts, self._reference)

    def _part(self, record: Record) -> _Part | None:
        if len(record.alts or ()) != 1 or PARTS in record.info:
            return None
        (change,) = candidates_of(record, 0)
        if change.skipped is not None or record.columns[ALT].startswith("<"):
            return None
        (error,) = error_probabilities(record, self._selection)
        if not error < _EVEN:
            return None
        copies = {item for item in own_phases(record) if item is not None}
        told = None if self._sample is None else caller_phase(record, self._sample)
        if told is not None and 1 in told.copies:
            copies.add((told.name, told.copies[1]))
        if not copies:
            return None
        phreds = {name: _number(record.info.get(name)) for name in self._selection.fields}
        event = min(phreds, key=phreds.__getitem__)
        filters = frozenset(name for name in record.filter if name.startswith(OWN_FILTERS))
        return _Part(self._number, self._rank, record, change, event, phreds[event], filters, frozenset(copies))


def _number(value: Any) -> float:
    return float(value[0] if isinstance(value, tuple) else value)


def _merged_record(parts: list[_Part], reference: Reference | None) -> Record | None:
    """One record of several; None where the bases between them are not known, or nothing is left to be changed."""
    parts = sorted(parts, key=lambda part: (part.change.start, part.change.end))
    alleles = _merged_alleles(parts, reference)
    if alleles is None:
        return None
    start, ref, alt = alleles
    by_file = sorted(parts, key=lambda part: part.number)
    least = max(by_file, key=lambda part: part.phred)
    fewest = min(by_file, key=lambda part: (_alternative_count(part.record), -part.phred))
    columns = [*least.record.line.split("\t")[: INFO + 1], *fewest.record.line.split("\t")[FORMAT:]]
    columns[POS], columns[REF], columns[ALT] = str(start + 1), ref, alt
    columns[ID] = _joined(part.record.columns[ID] for part in by_file)
    columns[QUAL] = min(
        (part.record.columns[QUAL] for part in by_file if part.record.qual is not None), key=float, default=MISSING
    )
    columns[FILTER] = _joined_filters([part.record.columns[FILTER] for part in by_file])
    columns[INFO] = ";".join(_info(least.record, by_file))
    return Record("\t".join(columns), least.record.header)


def _merged_alleles(parts: list[_Part], reference: Reference | None) -> tuple[int, str, str] | None:
    """(0-based position, REF, ALT) of all changes together, without bases at the ends that do not change.

    None also where two of them are one change, written at two places of a repeat.
    """
    start = min(part.record.start for part in parts)
    end = max(part.record.start + len(part.record.ref) for part in parts)
    known: dict[int, str] = {}
    for part in parts:
        for position, base in enumerate(part.record.ref, part.record.start):
            if known.setdefault(position, base).upper() != base.upper():
                return None
    if len(known) < end - start:
        if reference is None:
            return None
        between = reference.bases(parts[0].record.contig, start, end)
        known = dict(enumerate(between, start)) | known
    ref = "".join(known[i] for i in range(start, end))
    alone = [applied(ref, start, [part.change]).upper() for part in parts]
    if len(set(alone)) < len(parts):
        return None
    alt = applied(ref, start, [part.change for part in parts])
    if not alt or ref.upper() == alt.upper():
        return None
    while len(ref) > 1 and len(alt) > 1 and ref[-1].upper() == alt[-1].upper():
        ref, alt = ref[:-1], alt[:-1]
    same = 0
    while same < min(len(ref), len(alt), _FURTHEST) - 1 and ref[same].upper() == alt[same].upper():
        same += 1
    return start + same, ref[same:], alt[same:]


def _alternative_count(record: Record) -> float:
    """Fragments of the alternative allele in the tumour's column; infinite where the record does not say."""
    if record.header.tumor_column >= len(record.samples):
        return float("inf")
    text = record.samples[record.header.tumor_column].text(ALLELE_DEPTH)
    last = (text or "").rpartition(",")[2]
    return float(last) if last.isdecimal() else float("inf")


def _joined(values: Iterable[str]) -> str:
    return ";".join(dict.fromkeys(name for text in values for name in text.split(";") if name != MISSING)) or MISSING


def _joined_filters(texts: list[str]) -> str:
    """Any filter of a part; PASS where all parts have that."""
    if len(set(texts)) == 1:
        return texts[0]
    names = _joined(texts)
    return ";".join(name for name in names.split(";") if name != "PASS") or MISSING


def _info(least: Record, parts: list[_Part]) -> list[str]:
    """INFO: varproof's own of the least certain part, what all parts have alike, and the parts."""
    shared = set(least.entries).intersection(*(part.record.entries for part in parts))
    entries = []
    for entry in least.entries:
        name = entry.partition("=")[0]
        if name == CALLER_FILTER:
            told = [(part.record.info.text(name) or MISSING).replace(",", ";") for part in parts]
            entries.append(f"{name}={_joined_filters(told).replace(';', ',')}")
        elif name == SAME_EVENT:
            named = dict.fromkeys(item for part in parts for item in (part.record.info.text(name) or "").split("&") if item)
            own = {":".join(part.record.columns[column] for column in (POS, REF, ALT)) for part in parts}
            if others := [item for item in named if item not in own]:
                entries.append(f"{name}={'&'.join(others)}")
        elif _OWN_FIELDS.fullmatch(name) or (entry in shared and name not in _OF_ALLELES):
            entries.append(entry)
    places = ",".join("_".join(part.record.columns[column] for column in (POS, REF, ALT)) for part in parts)
    whole = ",".join(f"{part.rank}\t{part.record.line}".translate(_TO_ESCAPED) for part in parts)
    return [*entries, f"{MERGED}={places}", f"{PARTS}={whole}"]


def parts_of(record: Record) -> list[tuple[int, Record]]:
    """(rank among the records of its position, record) of each part of a merged record; none of another.

    Raises UserError, naming the record, where the parts are no records of this file.
    """
    text = record.info.text(PARTS)
    if text is None:
        return []
    found = []
    for part in text.split(","):
        rank, _, line = re.sub("%([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), part).partition("\t")
        try:
            one = Record(line, record.header)
        except UserError as error:
            raise DamagedFile(f"record {record.place()}: {PARTS} is damaged ({error})") from error
        if not rank.isdecimal() or one.contig != record.contig or not record.start - _FURTHEST <= one.start:
            raise DamagedFile(f"record {record.place()}: {PARTS} is damaged (it names other places)")
        found.append((int(rank), one))
    return found


def split_records(records: Iterable[Record]) -> Iterator[Record]:
    """Records in order, with the parts of merged ones in their own places: as if they had never been merged."""
    contig: str | None = None
    starts: list[int] = []
    waiting: dict[int, tuple[list[Record], list[tuple[int, Record]]]] = {}

    def at(start: int) -> tuple[list[Record], list[tuple[int, Record]]]:
        if start not in waiting:
            waiting[start] = ([], [])
            heapq.heappush(starts, start)
        return waiting[start]

    def before(position: int | None) -> Iterator[Record]:
        while starts and (position is None or starts[0] < position):
            whole, parts = waiting.pop(heapq.heappop(starts))
            for rank, part in sorted(parts, key=lambda item: item[0]):
                whole.insert(rank, part)
            yield from whole

    for record in records:
        if record.contig != contig:
            yield from before(None)
            contig = record.contig
        yield from before(record.start - _FURTHEST)
        parts = parts_of(record)
        for rank, part in parts:
            at(part.start)[1].append((rank, part))
        if not parts:
            at(record.start)[0].append(record)
    yield from before(None)
