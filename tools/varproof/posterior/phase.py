"""Phase: which alleles lie on one copy, proven by the fragments that carry them together or apart, and by what callers say.

Two alleles are in cis if fragments carry both and hardly any carries the one where the other is missing; in trans if each is
carried without the other and hardly ever with it. Links that are proven join alleles into blocks, the strongest first, those
of callers last; one that contradicts what is joined already is left out. Only alleles that are probably there take part, and
no homozygous ones, which lie on either copy.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from varproof.formats.events import ABSENT, EVENT_NAMED, EVENTS
from varproof.formats.evidence import EvidenceReader
from varproof.formats.phase import PHASE_SET, PHASED_ID, caller_phase
from varproof.formats.vcf import open_vcf, read_records
from varproof.posterior.decisions import DECISIONS

_COUNTS = ("link_both", "link_first", "link_second")
UNREAL = ("ARTIFACT", ABSENT)
_REAL = np.array([name not in UNREAL for name in EVENTS])
_ON_BOTH = np.array([min(EVENT_NAMED[name].copies) > 1 for name in EVENTS])
_IN_ALL_CELLS = np.array([EVENT_NAMED[name].healthy_fraction > 0 for name in EVENTS])


@dataclass(frozen=True)
class Phase:
    """Of n alleles: the name of the block (n,), a 1-based position, 0 of those in none; and the copy (n,), 1 or 2."""

    block: np.ndarray
    copy: np.ndarray

    @classmethod
    def none(cls, size: int) -> "Phase":
        """Of alleles of which nothing is known."""
        return cls(np.zeros(size, np.int64), np.zeros(size, np.int8))

    def of(self, rows: np.ndarray) -> "Phase":
        """That of the alleles `rows`."""
        return Phase(self.block[rows], self.copy[rows])


@dataclass(frozen=True)
class Links:
    """Pairs of alleles (l,), by their rows; `counts` (l, 3): fragments with both, with the first only, the second only."""

    first: np.ndarray
    second: np.ndarray
    counts: np.ndarray

    def between(self, taking_part: np.ndarray) -> "Links":
        """Those of two alleles that take part; bool (n,)."""
        keep = taking_part[self.first] & taking_part[self.second]
        return Links(self.first[keep], self.second[keep], self.counts[keep])


@dataclass(frozen=True)
class CallerSets:
    """Alleles that callers give a phase (m,), in order: row, number of the set, copy, and the set's position (0: none)."""

    row: np.ndarray
    number: np.ndarray
    copy: np.ndarray
    position: np.ndarray


def links_of(readers: Sequence[EvidenceReader], keys: np.ndarray) -> Links:
    """Links of the alleles with these keys (n,), the fragments of all samples added up.

    Of an allele that is listed more than once, the links are those of its first record.
    """
    size = max(1, len(keys))
    known, rows = np.unique(keys, return_index=True)
    pairs, counts = [np.zeros(0, np.int64)], [np.zeros((0, 3), np.int32)]
    for reader in readers:
        found = reader.links()
        owner = keys[np.repeat(np.arange(len(keys)), np.diff(found["link_offset"]))]
        there = np.isin(found["link_key"], known)
        first, second = (rows[np.searchsorted(known, item[there])] for item in (owner, found["link_key"]))
        of_reader, once = np.unique(first * size + second, return_index=True)
        pairs.append(of_reader)
        counts.append(np.stack([found[name][there][once] for name in _COUNTS], axis=1).astype(np.int32))
    distinct, number = np.unique(np.concatenate(pairs), return_inverse=True)
    sums = np.zeros((len(distinct), 3), np.int32)
    np.add.at(sums, number, np.concatenate(counts))
    return Links(distinct // size, distinct % size, sums)


def caller_sets(candidates: Path, sample: int | None) -> CallerSets:
    """What the caller says in the column `sample` of a VCF (None: it has none)."""
    columns: list[tuple[int, int, int, int]] = []
    with open_vcf(candidates) as handle:
        told = sample is not None and {PHASE_SET, PHASED_ID} & set(handle.header.formats)
    if told and sample is not None:
        numbers: dict[tuple[str, str], int] = {}
        row = 0
        for record in read_records(candidates):
            found = caller_phase(record, sample)
            if found is not None:
                number = numbers.setdefault((record.contig, found.name), len(numbers))
                alleles = len(record.alts or ())
                columns += [
                    (row + allele - 1, number, copy, found.position or 0)
                    for allele, copy in sorted(found.copies.items())
                    if allele <= alleles
                ]
            row += len(record.alts or ())
    return CallerSets(*np.array(columns, np.int64).reshape(-1, 4).T)


@dataclass(frozen=True)
class Present:
    """Of alleles (m,): whether it takes part in phase, whether it is in all cells on one copy, frequency in tumour cells."""

    takes_part: np.ndarray
    in_all_cells: np.ndarray
    frequency: np.ndarray

    @classmethod
    def of(cls, probability: np.ndarray, frequency: np.ndarray, judged: np.ndarray) -> "Present":
        """From posteriors (m, len(EVENTS)), most probable frequencies (m,) and whether the alleles were judged (m,)."""
        likeliest = np.argmax(probability, axis=1)
        real = probability[:, _REAL].sum(axis=1) > DECISIONS.even
        return cls(judged & real & ~_ON_BOTH[likeliest], _IN_ALL_CELLS[likeliest] & ~_ON_BOTH[likeliest], frequency)


def phased(
    links: Links,
    sets: CallerSets,
    contig: np.ndarray,
    position: np.ndarray,
    keys: np.ndarray,
    present: Callable[[np.ndarray], Present],
    events: Sequence[tuple[int, ...]] = (),
) -> Phase:
    """Phase of n alleles: contig number (n,), 0-based position of the record (n,), key (n,).

    present: what the posterior says of the rows (m,), ascending, that are asked for. events: rows of parts of one event, which
    are in cis whatever the links of parts say.
    """
    together = [pair for parts in events for pair in itertools.pairwise(parts)]
    asked = np.unique(np.concatenate([links.first, links.second, sets.row, np.array(together, np.int64).ravel()]))
    if not len(asked):
        return Phase.none(len(keys))
    found = present(asked)
    takes_part, in_all_cells, frequency = np.zeros(len(keys), bool), np.zeros(len(keys), bool), np.zeros(len(keys))
    takes_part[asked], in_all_cells[asked], frequency[asked] = found.takes_part, found.in_all_cells, found.frequency
    of_callers = set(zip(contig[sets.row].tolist(), sets.position.tolist(), strict=True))
    told = takes_part[sets.row]
    sets = CallerSets(sets.row[told], sets.number[told], sets.copy[told], sets.position[told])
    proven = _proven(links.between(takes_part), in_all_cells, frequency)
    known = [(one, other, False) for one, other in together if takes_part[one] and takes_part[other]]
    root, turned = _joined(len(keys), known + proven + _of_callers(sets))
    return _spread(_named(root, turned, sets, of_callers, contig, position), keys)


Joint = tuple[int, int, bool]
"""Two rows, and whether their alleles lie on different copies."""


def _proven(links: Links, in_all_cells: np.ndarray, frequency: np.ndarray) -> list[Joint]:
    """What the fragments prove, the strongest first.

    Alleles of different cells are carried apart wherever they lie: only where one is in all cells, or both together in more
    cells than a copy has, does that prove two copies.
    """
    both, one, other = links.counts.T
    apart = np.minimum(one, other)
    least, most = DECISIONS.least_phased, DECISIONS.most_discordant
    cis = (both >= least) & (apart <= most * both)
    first, second = links.first, links.second
    exclusive = (
        in_all_cells[first]
        | in_all_cells[second]
        | (frequency[first] + frequency[second] > DECISIONS.least_exclusive_frequency)
    )
    trans = (apart >= least) & (both <= most * apart) & exclusive
    strength = np.where(cis, both, apart)
    order = np.lexsort((second, first, -strength))
    order = order[(cis | trans)[order]]
    return list(zip(first[order].tolist(), second[order].tolist(), trans[order].tolist(), strict=True))


def _of_callers(sets: CallerSets) -> list[Joint]:
    """Each allele with the one before it in its caller's set."""
    order = np.argsort(sets.number, kind="stable")
    row, number, copy = sets.row[order], sets.number[order], sets.copy[order]
    same = number[1:] == number[:-1]
    trans = copy[1:] != copy[:-1]
    return list(zip(row[:-1][same].tolist(), row[1:][same].tolist(), trans[same].tolist(), strict=True))


def _joined(size: int, joints: Sequence[Joint]) -> tuple[np.ndarray, np.ndarray]:
    """(root (n,), turned (n,)): a row that stands for the block of each row, and whether it lies on the other copy than that.

    Joints are taken in their order; one that contradicts those before it is left out.
    """
    parent: dict[int, tuple[int, bool]] = {}

    def find(row: int) -> tuple[int, bool]:
        path, turned = [], False
        while row in parent:
            path.append((row, turned))
            row, step = parent[row]
            turned ^= step
        for item, before in path:
            parent[item] = row, turned ^ before
        return row, turned

    for first, second, trans in joints:
        (one, turned_one), (other, turned_other) = find(first), find(second)
        if one != other:
            parent[max(one, other)] = min(one, other), turned_one ^ turned_other ^ trans
    root, turned = np.arange(size), np.zeros(size, bool)
    for row in list(parent):
        root[row], turned[row] = find(row)
    return root, turned


def _named(
    root: np.ndarray,
    turned: np.ndarray,
    sets: CallerSets,
    of_callers: set[tuple[int, int]],
    contig: np.ndarray,
    position: np.ndarray,
) -> Phase:
    """Blocks of two alleles or more, named after the caller's set in them, else after the position of their first record.

    of_callers: (contig, position) of callers' sets, which name no block that has none of their alleles. The first allele of a
    block that has no caller's phase is on copy 2, as in the genotype `0|1`.
    """
    phase = Phase.none(len(root))
    members = np.flatnonzero(root != np.arange(len(root)))
    members = np.unique(np.concatenate([members, root[members]]))
    of_caller = {row: place for place, row in reversed(list(enumerate(sets.row.tolist())))}
    taken: set[tuple[int, int]] = set()
    members = members[np.argsort(root[members], kind="stable")]
    for rows in np.split(members, np.flatnonzero(np.diff(root[members])) + 1) if len(members) else []:
        copy = 2 - turned[rows].astype(np.int8)
        copy = copy if copy[0] == 2 else 3 - copy
        chromosome = int(contig[rows[0]])
        names = [(chromosome, int(position[row]) + 1) for row in rows]
        names = [name for name in names if name not in of_callers]
        place = next((i for i, row in enumerate(rows.tolist()) if row in of_caller), None)
        if place is not None:
            told = of_caller[int(rows[place])]
            if copy[place] != sets.copy[told]:
                copy = 3 - copy
            if sets.position[told] > 0:
                names = [(chromosome, int(sets.position[told])), *names]
        name = next((name for name in names if name not in taken), None)
        if name is not None:
            taken.add(name)
            phase.block[rows], phase.copy[rows] = name[1], copy
    return phase


def _spread(phase: Phase, keys: np.ndarray) -> Phase:
    """The same phase for every record of an allele that is listed more than once."""
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    canonical = first[number]
    empty = phase.block == 0
    return Phase(np.where(empty, phase.block[canonical], phase.block), np.where(empty, phase.copy[canonical], phase.copy))
