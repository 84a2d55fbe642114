"""What is judged: candidates, the evidence of their samples beside them, and which allele is judged as which event."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from varproof.formats.evidence import Evidence, EvidenceReader, concatenated
from varproof.formats.prior import AllelicBalance
from varproof.formats.segments import Segments
from varproof.formats.vcf import read_records
from varproof.machinery.errors import UserError
from varproof.posterior.classes import CLASSES, class_of
from varproof.posterior.copies import CopyNumbers, copy_numbers
from varproof.posterior.crowding import crowds
from varproof.posterior.events import PartsOf, judged_rows
from varproof.posterior.imbalance import balance_at
from varproof.posterior.panel import PanelEvidence
from varproof.posterior.panel_lookup import panel_evidence
from varproof.posterior.phase import links_of
from varproof.posterior.population import is_listed, tell
from varproof.posterior.sampled import Sampled
from varproof.posterior.selection import UNKNOWN_RULE, Selection
from varproof.posterior.spectra import NO_CONTEXT, context_index
from varproof.variants.candidate import Candidate, candidate_key, candidates_of
from varproof.variants.edit import SUBSTITUTIONS, VariantType
from varproof.variants.joined import MOST_TOGETHER, with_joined
from varproof.variants.population import GermlineResource, with_frequencies
from varproof.variants.reference import Reference

BLOCK = 2_000
"""Candidates whose evidence is in memory together."""


@dataclass(frozen=True)
class ScoringJob:
    """Candidates and the evidence of their samples, in the same order, allele by allele.

    `selection`: by which rule reads made them candidates. `resource`: the population's frequencies, if there are any.
    `panel`: of normals, with rates or a list of sites, if there is one. `segments`: copy numbers of the tumour cells, None: not
    known.
    """

    candidates: Path
    reference: Path
    tumor: EvidenceReader
    normal: EvidenceReader | None
    purity: float
    normal_contamination: float | None
    selection: Selection = UNKNOWN_RULE
    resource: GermlineResource | None = None
    panel: Path | None = None
    segments: Segments | None = None


@dataclass(frozen=True)
class AlleleList:
    """Of every candidate of a list, in order (n,): class index, key, whether it is an SNV, context, contig number, position.

    Candidates are the alleles of the list, what some of them make together, `parts_of`, and of its MNVs the bases, `bases_of`.
    `judged_as` (n,): the candidate whose posterior each has; `row` (alleles,): the candidates that are alleles of the list.
    `frequency` (n,): in the population, NaN where the germline resource lacks the candidate; None: there is no resource.
    `panel`: what a panel of normals has of each candidate. `contigs`: names by number. `crowd` (n,): see `crowding`; None where
    a normal or a panel tells places.
    """

    class_index: np.ndarray
    key: np.ndarray
    is_snv: np.ndarray
    context: np.ndarray
    contig: np.ndarray
    position: np.ndarray
    row: np.ndarray
    parts_of: PartsOf
    bases_of: dict[int, list[int]]
    judged_as: np.ndarray
    frequency: np.ndarray | None = None
    panel: PanelEvidence | None = None
    contigs: tuple[str, ...] = ()
    crowd: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Number of candidates."""
        return len(self.key)

    @property
    def judged(self) -> np.ndarray:
        """Candidates (indices, ascending) that are judged for an allele: each event is one of them."""
        return np.unique(self.judged_as[self.row])

    @property
    def events(self) -> list[tuple[int, ...]]:
        """Parts of each event: rows that are judged as one candidate."""
        return [parts for parts in self.parts_of.parts if len(set(self.judged_as[list(parts)].tolist())) == 1]


def allele_list(path: Path, reference: Path, resource: GermlineResource | None = None) -> AlleleList:
    """The candidates of a VCF, each judged as itself; 40 bytes each, and 8 for its frequency in the population."""
    columns: tuple[array[int], ...] = (
        array("b"), array("Q"), array("b"), array("h"), array("i"), array("q"), array("b"),
    )  # fmt: skip
    contigs: dict[str, int] = {}
    places, frequencies = array("q"), array("d")

    def listed() -> Iterator[Candidate]:
        for number, record in enumerate(read_records(path)):
            places.append(record.start)
            yield from candidates_of(record, number)

    parts_of = PartsOf([], [], [])
    bases_of: dict[int, list[int]] = {}
    row_of_mnv: dict[tuple[int, int], int] = {}
    recent: dict[tuple[int, int], tuple[int, Candidate]] = {}
    sequence = Reference(reference)
    items = with_joined(listed(), sequence)
    for row, item in enumerate(items if resource is None else _looked_up(items, resource, reference, frequencies)):
        is_snv = item.skipped is None and item.type is VariantType.SNV
        values = (
            class_of(item) if item.skipped is None else len(CLASSES) - 1,
            candidate_key(item),
            is_snv,
            _context(item, sequence) if is_snv else NO_CONTEXT,
            contigs.setdefault(item.contig, len(contigs)),
            places[item.record],
            not item.is_listed,
        )
        for column, value in zip(columns, values, strict=True):
            column.append(value)
        if item.parts:
            parts_of.rows.append(row)
            parts_of.parts.append(tuple(recent[part.record, part.allele][0] for part in item.parts))
            has_indel = any(part.type not in SUBSTITUTIONS for part in item.parts)
            near = list(recent.values())[-MOST_TOGETHER:] if has_indel else []
            parts_of.instead.append(tuple(number for number, other in near if _may_describe(other, item)))
        elif item.base_of is not None:
            bases_of.setdefault(row_of_mnv[item.base_of.record, item.base_of.allele], []).append(row)
        else:
            if len(recent) >= 4 * MOST_TOGETHER:
                recent = dict(list(recent.items())[-MOST_TOGETHER:])
            recent[item.record, item.allele] = row, item
            if item.type is VariantType.MNV:
                row_of_mnv[item.record, item.allele] = row
    classes, keys, snv, context, contig, position, joined = (np.array(column) for column in columns)
    return AlleleList(
        classes.astype(np.int64),
        keys,
        snv.astype(bool),
        context.astype(np.int64),
        contig,
        position,
        np.flatnonzero(joined == 0),
        parts_of,
        bases_of,
        np.arange(len(keys)),
        None if resource is None else np.array(frequencies),
        contigs=tuple(contigs),
    )


def _looked_up(
    items: Iterator[Candidate], resource: GermlineResource, reference: Path, frequencies: "array[float]"
) -> Iterator[Candidate]:
    """The candidates; the frequency of each is appended to `frequencies`."""
    for item, frequency in with_frequencies(items, resource, Reference(reference)):
        frequencies.append(frequency)
        yield item


def _context(item: Candidate, reference: Reference) -> int:
    """Of an SNV, see `spectra.context_index`."""
    if item.contig not in reference.lengths:
        return NO_CONTEXT
    bases = reference.bases(item.contig, item.start - 1, item.start + 2)
    codes = ["ACGT".find(base) % 5 for base in (*bases, item.alt)]
    return context_index(codes[0], codes[1], codes[2], codes[3]) if len(codes) == 4 else NO_CONTEXT


def _may_describe(listed: Candidate, made: Candidate) -> bool:
    """Whether a listed MNV or replacement may be what a joined candidate stands for."""
    if listed.skipped is not None or listed.contig != made.contig:
        return False
    if listed.type not in (VariantType.MNV, VariantType.REPLACEMENT):
        return False
    return listed.start < made.end and made.start < listed.end and listed not in made.parts


def judged_alleles(job: ScoringJob) -> AlleleList:
    """The job's candidates, each with the one that it is judged as; raises UserError for evidence of other candidates."""
    without = 0 if job.resource is None else job.resource.without
    alleles = allele_list(job.candidates, job.reference, job.resource)
    if job.resource is not None and alleles.frequency is not None:
        tell(job.resource, job.candidates.name, alleles.frequency[alleles.row], job.resource.without - without)
    for reader in (job.tumor, job.normal):
        if reader is not None:
            _check_same_candidates(reader, alleles.key, job.candidates)
    panel = None if job.panel is None else panel_evidence(job.panel, job.candidates, job.reference)
    judged_as = judged_rows(alleles.parts_of, alleles.bases_of, job.tumor, job.normal)
    crowd = None
    if job.normal is None and panel is None:
        listed = np.zeros(alleles.size, bool) if alleles.frequency is None else is_listed(alleles.frequency)
        crowd = crowds(links_of([job.tumor], alleles.key), judged_as, alleles.contig, alleles.position, listed)
    return replace(alleles, judged_as=judged_as, panel=panel, crowd=crowd)


def _check_same_candidates(reader: EvidenceReader, keys: np.ndarray, candidates: Path) -> None:
    if reader.size != len(keys) or not np.array_equal(reader.column("key"), keys):
        raise UserError(f"{reader.path}: evidence of other candidates than {candidates}; collect it again")


def block_of(job: ScoringJob, alleles: AlleleList, start: int, end: int, balance: AllelicBalance | None = None) -> Sampled:
    """Evidence, classes and copy numbers of alleles start..end - 1; `balance`: what neighbours teach, see `copies_of`."""
    normal = None if job.normal is None else job.normal.read(start, end)
    rows = slice(start, end)
    frequency = None if alleles.frequency is None else alleles.frequency[rows]
    panel = None if alleles.panel is None else alleles.panel.rows(rows)
    columns = (alleles.class_index[rows], alleles.is_snv[rows], alleles.context[rows], frequency, panel)
    copies = copies_of(job, alleles, np.arange(*rows.indices(alleles.size)), balance)
    crowd = None if alleles.crowd is None else alleles.crowd[rows]
    return Sampled(job.tumor.read(start, end), normal, *columns, copies, crowd)


def copies_of(
    job: ScoringJob, alleles: AlleleList, rows: np.ndarray, balance: AllelicBalance | None = None
) -> CopyNumbers | None:
    """What is known of copy numbers at candidates: by the job's segments, and where these say nothing, by neighbours.

    None where there is neither.
    """
    if job.segments is None and balance is None:
        return None
    contig, position = alleles.contig[rows], alleles.position[rows]
    copies = CopyNumbers.unknown(len(rows))
    if job.segments is not None:
        copies = copy_numbers(job.segments, alleles.contigs, contig, position, job.purity)
    if balance is not None:
        copies = copies.with_balance(balance_at(balance, alleles.contigs, contig, position))
    return copies


def selected(reader: EvidenceReader, chosen: np.ndarray) -> Evidence:
    """Evidence of chosen candidates (sorted indices)."""
    parts = []
    for start in range(0, reader.size, BLOCK):
        wanted = chosen[(chosen >= start) & (chosen < start + BLOCK)] - start
        if len(wanted):
            parts.append(reader.read(start, min(start + BLOCK, reader.size)).rows(wanted))
    return concatenated(parts)
