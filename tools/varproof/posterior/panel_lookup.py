"""Candidates looked up in a panel of normals, or in a list of sites without rates (a VCF, as Mutect2 takes it).

Of an MNV, and of what listed alleles make together, the part that normals show least speaks; of a replacement none does.
"""

import logging
from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from varproof.formats.contig_names import other_spelling
from varproof.formats.hdf5 import is_hdf5
from varproof.formats.panel import (
    CONTEXTS,
    ORIENTATIONS,
    QUALITY_BINS,
    REPEAT_CONTEXTS,
    STRANDS,
    WINDOW,
    PanelAlleles,
    PanelContexts,
    PanelCoverage,
    PanelReader,
)
from varproof.formats.vcf import read_records
from varproof.machinery.errors import OtherReference, UserError
from varproof.posterior.panel import PanelEvidence
from varproof.posterior.spectra import NO_CONTEXT, context_index
from varproof.reads.arrays import base_codes
from varproof.reads.files import require_panel_of, some_names
from varproof.variants.candidate import candidates_of
from varproof.variants.joined import with_joined
from varproof.variants.reference import Reference, ReferenceSlice
from varproof.variants.repeat_context import INSIDE, repeat_contexts
from varproof.variants.simple_alleles import SimpleAllele, simple_alleles

logger = logging.getLogger(__name__)

_AROUND_REPEAT = 130
"""bp of the reference behind an indel, enough for the longest repeat that is a context of its own."""

_USUAL_ERRORS, _USUAL_BASES = 5e-5, 1e4
"""Rate of errors of one kind where a panel has counted none, as of evidence only, and the bases that this counts for."""

_SUBSTITUTION_PRIOR, _INDEL_PRIOR = 10.0, 10.0
"""Reads with an error that the average of all contexts counts for, in each context."""


@dataclass(frozen=True)
class _Parts:
    """Simple alleles that candidates consist of (p,): the candidate of each, contig number, identity, context of its errors."""

    owner: np.ndarray
    contig: np.ndarray
    position: np.ndarray
    length: np.ndarray
    key: np.ndarray
    context: np.ndarray


def panel_evidence(panel: Path, candidates: Path, reference: Path) -> PanelEvidence:
    """What a panel, or a list of sites, has of each candidate of a list, and of what these make together, in order.

    Raises UserError for a panel of another reference; a warning names contigs of candidates that it lacks.
    """
    sequence = Reference(reference)
    parts, contigs, size = _parts_of(candidates, sequence)
    if not is_hdf5(panel):
        return _of_list(panel, parts, contigs, size, sequence)
    with PanelReader(panel) as reader:
        require_panel_of(panel, reader.header.contigs, sequence.lengths, sequence.path)
        _tell_missing(panel, contigs, set(reader.header.contigs))
        return _of_panel(reader, parts, contigs, size)


def _tell_missing(panel: Path, contigs: list[str], known: set[str]) -> None:
    """Warn of them; not more, for the list may be a chunk of one that the panel has contigs of."""
    missing = [name for name in contigs if name not in known]
    if missing:
        logger.warning(
            "%s: says nothing of candidates on %d of %d contigs, which it lacks (%s)",
            panel, len(missing), len(contigs), some_names(missing),
        )  # fmt: skip


def _parts_of(candidates: Path, sequence: Reference) -> tuple[_Parts, list[str], int]:
    """(parts of all candidates in their order, contigs of these, how many candidates)."""
    columns: tuple[array[int], ...] = (array("q"), array("i"), array("q"), array("q"), array("q"), array("h"))
    contigs: dict[str, int] = {}
    size = 0
    listed = (item for number, record in enumerate(read_records(candidates)) for item in candidates_of(record, number))
    for number, item in enumerate(with_joined(listed, sequence)):
        size = number + 1
        contig = contigs.setdefault(item.contig, len(contigs))
        if item.contig not in sequence.lengths:
            continue
        for allele in simple_alleles(item, sequence):
            values = (number, contig, *allele, _context(item.contig, allele, sequence))
            for column, value in zip(columns, values, strict=True):
                column.append(value)
    return _Parts(*(np.array(column, np.int64) for column in columns)), list(contigs), size


def _context(contig: str, allele: SimpleAllele, sequence: Reference) -> int:
    """Of a substitution `spectra.context_index`, of an indel the repeat that it lies in."""
    if allele.length == 0:
        bases = base_codes(sequence.bases(contig, allele.position - 1, allele.position + 2)).tolist()
        return context_index(bases[0], bases[1], bases[2], allele.key) if len(bases) == 3 else NO_CONTEXT
    start = max(0, allele.position - 10)
    codes = base_codes(sequence.bases(contig, start, allele.position + _AROUND_REPEAT))
    repeat = int(repeat_contexts(ReferenceSlice(contig, start, codes), allele.position, allele.position + 1)[0])
    return 0 if repeat == INSIDE else repeat


def _of_panel(reader: PanelReader, parts: _Parts, contigs: list[str], size: int) -> PanelEvidence:
    errors = _error_rates(reader.contexts(), parts)
    found = PanelEvidence.unknown(len(parts.owner))
    for number, name in enumerate(contigs):
        rows = np.flatnonzero(parts.contig == number)
        if not len(rows):
            continue
        part = reader.contig(name)
        covering, reads = _coverage(part.coverage, parts.position[rows])
        at = _places(part.alleles, parts.position[rows], parts.length[rows], parts.key[rows])
        covering[at >= 0] += part.alleles.looked[at[at >= 0]]
        reads[at >= 0] += part.alleles.looked_depth[at[at >= 0]]
        found.covering[rows], found.depth[rows] = covering, reads / np.maximum(covering, 1.0)
        rows, at = rows[at >= 0], at[at >= 0]
        alleles = part.alleles.rows(at)
        found.showing[rows] = alleles.normals
        found.reads[rows] = alleles.reads.reshape(len(at), STRANDS * ORIENTATIONS, QUALITY_BINS).sum(axis=2)
        found.showing_depth[rows] = alleles.depth
        found.heterozygous[rows], found.homozygous[rows] = alleles.heterozygous, alleles.homozygous
        found.carrier_reads[rows], found.carrier_depth[rows] = alleles.carrier_reads, alleles.carrier_depth
        shown = found.showing[rows] + found.heterozygous[rows] + found.homozygous[rows]
        found.covering[rows] = np.maximum(found.covering[rows], shown)
    found.errors[:] = errors
    return _least_shown(found, parts.owner, size)


def _coverage(coverage: PanelCoverage, position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(normals that cover each position, their reads there together)."""
    if not coverage.size:
        return np.zeros(len(position)), np.zeros(len(position))
    window = position // WINDOW
    at = np.minimum(np.searchsorted(coverage.window, window), coverage.size - 1)
    there = coverage.window[at] == window
    covering = np.where(there, coverage.covering[at], 0).astype(np.float64)
    return covering, np.where(there, coverage.bases[at], 0) / WINDOW


def _places(alleles: PanelAlleles, position: np.ndarray, length: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Row of each allele in the table; -1 where it is not listed."""
    first = np.searchsorted(alleles.position, position, "left")
    last = np.searchsorted(alleles.position, position, "right")
    found = np.full(len(position), -1, np.int64)
    for step in range(int((last - first).max(initial=0))):
        at = first + step
        inside = at < last
        at = np.where(inside, at, 0)
        found[inside & (alleles.length[at] == length) & (alleles.key[at] == key)] = at[
            inside & (alleles.length[at] == length) & (alleles.key[at] == key)
        ]
    return found


def _least_shown(found: PanelEvidence, owner: np.ndarray, size: int) -> PanelEvidence:
    """Of each candidate the part that fewest normals, and fewest reads, show."""
    shown = found.showing + found.heterozygous + found.homozygous
    reads = found.reads.sum(axis=1) + found.carrier_reads
    order = np.lexsort((reads, shown, owner))
    whose = owner[order]
    first = order[np.append(True, whose[1:] != whose[:-1])] if len(order) else order
    out = PanelEvidence.unknown(size)
    for name, column in vars(out).items():
        column[owner[first]] = getattr(found, name)[first]
    return out


def _error_rates(contexts: PanelContexts, parts: _Parts) -> np.ndarray:
    """(p,): rate of errors in the context of each part, few counts drawn towards the average."""
    substitution = contexts.substitutions.astype(np.float64).sum(axis=1)
    numbers = np.arange(CONTEXTS)
    kind, sides = numbers // 16, numbers % 16
    over = contexts.substitution_bases.astype(np.float64)[16 * (sides // 4) + 4 * (kind // 3) + sides % 4]
    by_substitution = np.append(_drawn(substitution, over, _SUBSTITUTION_PRIOR), _mean(substitution, over))
    bases = contexts.repeat_bases.astype(np.float64)
    by_repeat = [_drawn(counts.astype(np.float64), bases, _INDEL_PRIOR) for counts in (contexts.insertions, contexts.deletions)]
    of_substitution = by_substitution[np.where(parts.length == 0, parts.context % (CONTEXTS + 1), 0)]
    repeat = np.where(parts.length == 0, 0, parts.context) % REPEAT_CONTEXTS
    return np.where(parts.length == 0, of_substitution, np.where(parts.length > 0, by_repeat[0][repeat], by_repeat[1][repeat]))


def _mean(counts: np.ndarray, bases: np.ndarray) -> float:
    return float((counts.sum() + _USUAL_ERRORS * _USUAL_BASES) / (bases.sum() + _USUAL_BASES))


def _drawn(counts: np.ndarray, bases: np.ndarray, prior: float) -> np.ndarray:
    mean = _mean(counts, bases)
    rates: np.ndarray = np.minimum((counts + prior) / (bases + prior / mean), 0.5)
    return rates


def _of_list(path: Path, parts: _Parts, contigs: list[str], size: int, sequence: Reference) -> PanelEvidence:
    """Of a list without rates: whether each candidate is on it. The list is read once, in whatever order."""
    wanted = {
        (int(c), int(p), int(n), int(k)): row
        for row, (c, p, n, k) in enumerate(zip(parts.contig, parts.position, parts.length, parts.key, strict=True))
    }
    same = np.array([wanted[int(c), int(p), int(n), int(k)] for c, p, n, k in zip(
        parts.contig, parts.position, parts.length, parts.key, strict=True)], np.int64)  # fmt: skip
    number_of = {name: number for number, name in enumerate(contigs)}
    listed, seen, records = np.zeros(len(parts.owner)), set[str](), 0
    for number, record in enumerate(read_records(path)):
        records += 1
        seen.add(record.contig)
        if record.contig not in number_of:
            continue
        for item in candidates_of(record, number):
            for allele in simple_alleles(item, sequence):
                row = wanted.get((number_of[record.contig], *allele))
                if row is not None:
                    listed[row] = 1
    if not records:
        raise UserError(f"{path}: has no records; leave --panel out, or give one that has")
    for name in sorted(seen):
        if (other := other_spelling(name, sequence.lengths)) is not None and other not in seen:
            raise OtherReference(
                f"{path}: has contig '{name}' where {sequence.path} has '{other}'; rename its contigs with "
                "'bcftools annotate --rename-chrs'"
            )
    if not seen & set(sequence.lengths):
        raise OtherReference(
            f"{path}: none of the contigs of {sequence.path} ({some_names(list(sequence.lengths))}) is in it (it has "
            f"{some_names(sorted(seen))}); take a panel of this reference"
        )
    _tell_missing(path, contigs, seen)
    found = PanelEvidence.unknown(len(parts.owner))
    found.listed[:] = listed[same]
    found.showing[:] = listed[same]
    out = _least_shown(found, parts.owner, size)
    out.listed[out.listed < 0] = 0
    out.showing[:] = 0
    return out
