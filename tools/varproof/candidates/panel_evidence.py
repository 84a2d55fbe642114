"""Normals counted for a panel by their evidence: what it says of the alleles of its list, and nothing of any other.

Evidence counts fragments where reads are counted otherwise. Of a candidate that is one simple allele those count that clearly
show it, another allele, or the reference; of bases that are wrong more often than `panel_base_quality` none shows anything.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from varproof.candidates.decisions import DECISIONS
from varproof.candidates.panel_counting import AlleleCounts, Intervals, as_alleles
from varproof.candidates.pipeline import inside
from varproof.formats.evidence import Evidence, EvidenceReader
from varproof.formats.panel import (
    ORIENTATIONS,
    QUALITY_BINS,
    QUALITY_BOUNDS,
    READ_KINDS,
    PanelAlleles,
    added_alleles,
    shown_from,
)
from varproof.formats.vcf import read_records
from varproof.machinery.errors import DamagedFile, UserError
from varproof.machinery.numerics import exp10, log
from varproof.machinery.output import input_digest
from varproof.variants.candidate import candidate_key, candidates_of
from varproof.variants.joined import with_joined
from varproof.variants.reference import Reference
from varproof.variants.simple_alleles import simple_alleles

BLOCK = 10_000
"""Candidates whose evidence is in memory together."""

FORWARD, REVERSE, BOTH = 1, 2, 3
"""Strands of an observation, as `Evidence` has them."""


@dataclass(frozen=True)
class ListedAlleles:
    """The candidates of a list, with what they make together.

    Attributes
    ----------
    key : uint64 (n,)
        Of all candidates, in the order of evidence.
    row : int64 (s,)
        Those of them that are one simple allele each, none twice.
    contig : int64 (s,)
        Number of their contig in `contigs`.
    position, length, allele : int64 (s,)
        Their identity, as in `PanelAlleles` (its `key` is `allele` here).
    """

    contigs: list[str]
    key: np.ndarray
    row: np.ndarray
    contig: np.ndarray
    position: np.ndarray
    length: np.ndarray
    allele: np.ndarray


def listed_alleles(candidates: Path, reference: Path) -> ListedAlleles:
    """The alleles of a list; raises UserError for a file that is none."""
    sequence = Reference(reference)
    contigs: dict[str, int] = {}
    keys: list[int] = []
    rows: list[tuple[int, int, int, int, int]] = []
    seen: set[tuple[int, int, int, int]] = set()
    listed = (item for number, record in enumerate(read_records(candidates)) for item in candidates_of(record, number))
    for number, item in enumerate(with_joined(listed, sequence)):
        keys.append(candidate_key(item))
        found = simple_alleles(item, sequence) if item.contig in sequence.lengths and not item.parts else []
        if len(found) == 1:
            identity = (contigs.setdefault(item.contig, len(contigs)), *found[0])
            if identity not in seen:
                seen.add(identity)
                rows.append((number, *identity))
    columns = np.array(rows, np.int64).reshape(-1, 5).T
    return ListedAlleles(list(contigs), np.array(keys, np.uint64), *columns)


def evidence_digest(path: Path) -> str:
    """Digest of the reads that evidence was collected from; of the evidence, where it does not say (of reads from afar)."""
    with EvidenceReader(path) as reader:
        text = reader.attribute("provenance")
    try:
        made = json.loads(text)
        reads, digests = str(made["options"]["reads"]), made["input_digests"]
        return str(digests.get(reads) or digests.get(Path(reads).name) or input_digest(path))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFile(f"{path}: does not say which reads it is of; make it with collect-evidence") from error


def evidence_alleles(
    paths: Sequence[Path], candidates: Path, reference: Path, within: Mapping[str, Intervals] | None
) -> dict[str, PanelAlleles]:
    """Contig -> what the normals of evidence files say of the alleles of `candidates`, summed; `within`: only of those there.

    Raises UserError for evidence of other candidates.
    """
    listed = listed_alleles(candidates, reference)
    wanted = [np.flatnonzero(listed.contig == number) for number in range(len(listed.contigs))]
    if within is not None:
        kept = zip(listed.contigs, wanted, strict=True)
        wanted = [rows[inside(listed.position[rows], within[name])] if name in within else rows[:0] for name, rows in kept]
    found: dict[str, PanelAlleles] = {}
    for path in paths:
        with EvidenceReader(path) as reader:
            if reader.size != len(listed.key) or not np.array_equal(reader.column("key"), listed.key):
                raise UserError(f"{path}: evidence of other candidates than {candidates}; give those it was collected for")
            counts, depth = _counts(reader, listed)
        for name, rows in zip(listed.contigs, wanted, strict=True):
            own = AlleleCounts(listed.position[rows], listed.length[rows], listed.allele[rows], counts[rows], depth[rows])
            alleles = _with_looked(own)
            if alleles.size:
                found[name] = added_alleles([found[name], alleles] if name in found else [alleles])
    return found


def _with_looked(counts: AlleleCounts) -> PanelAlleles:
    """One normal's part of the table: what it shows or carries, and where it would have shown it."""
    shows = counts.reads.sum(axis=1) >= shown_from(counts.depth)
    looked = counts.depth >= DECISIONS.covering_depth
    alleles = as_alleles(counts)
    columns = {name: values for name, values in vars(alleles).items() if name not in ("position", "length", "key")}
    for name, values in columns.items():
        columns[name] = np.where(shows if values.ndim == 1 else shows[:, None], values, 0).astype(values.dtype)
    columns["looked"] = looked.astype(alleles.looked.dtype)
    columns["looked_depth"] = np.where(looked, counts.depth, 0).astype(alleles.looked_depth.dtype)
    return replace(alleles, **columns).rows(shows | looked)


def _counts(reader: EvidenceReader, listed: ListedAlleles) -> tuple[np.ndarray, np.ndarray]:
    """(fragments with each of the listed simple alleles by kind (s, READ_KINDS), all that tell (s,))."""
    counts, depth = np.zeros((len(listed.row), READ_KINDS), np.int64), np.zeros(len(listed.row), np.int64)
    for first, last, evidence in _blocks(reader, listed.row):
        rows = listed.row[first:last] - listed.row[first]
        evidence = evidence.rows(rows)
        counts[first:last], depth[first:last] = fragment_counts(evidence, listed.length[first:last] == 0)
    return counts, depth


def _blocks(reader: EvidenceReader, rows: np.ndarray) -> Iterator[tuple[int, int, Evidence]]:
    """(first, last, evidence from row first to row last - 1) of ascending rows, some at a time."""
    for first in range(0, len(rows), BLOCK):
        last = min(first + BLOCK, len(rows))
        yield first, last, reader.read(int(rows[first]), int(rows[last - 1]) + 1)


def fragment_counts(evidence: Evidence, substitution: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(fragments that show each of n candidates, by kind (n, READ_KINDS), all that tell (n,)); of those under the depth limit.

    `substitution` (n,): whose fragments need a base of `panel_base_quality`. Quality is how much likelier a fragment is under
    the allele than under the reference, as that of a base which says so. A fragment that is seen on both strands counts for
    one of them, in turn.
    """
    n = evidence.size
    owner = np.repeat(np.arange(n), np.diff(evidence.offset))
    least = np.where(substitution, _log_ratio(DECISIONS.panel_base_quality), 0.0)[owner]
    shows = (evidence.log_ratio > least) & (evidence.mapq > 0) & (evidence.strand > 0)
    owner, strand, fragments = owner[shows], evidence.strand[shows], evidence.count[shows].astype(np.int64)
    orientation = np.where(evidence.orientation[shows] < 2, evidence.orientation[shows], strand == REVERSE)
    bins = np.searchsorted([_log_ratio(bound) for bound in QUALITY_BOUNDS], evidence.log_ratio[shows], side="right")
    kind = QUALITY_BINS * orientation.astype(np.int64) + bins
    by_strand = np.zeros((4, n, ORIENTATIONS * QUALITY_BINS), np.int64)
    np.add.at(by_strand, (strand, owner, kind), fragments)
    forward = by_strand[FORWARD] + (by_strand[BOTH] + 1) // 2
    reverse = by_strand[REVERSE] + by_strand[BOTH] // 2
    counts = np.concatenate([forward, reverse], axis=1)
    depth = evidence.depth.astype(np.float64)
    scale = np.where(evidence.depth > 0, evidence.used / np.maximum(depth, 1.0), 0.0)
    most = np.rint(evidence.alternative_count * scale).astype(np.int64)
    told = evidence.reference_count.astype(np.float64) + evidence.alternative_count + evidence.other_count
    counts = _at_most(counts, most)
    return counts, np.maximum(np.rint(told * scale).astype(np.int64), counts.sum(axis=1))


def _log_ratio(quality: int) -> float:
    """ln P(base | its allele) / P(base | another), of a base of this quality."""
    error = exp10(-quality / 10.0)
    return log((1.0 - error) / (error / 3.0))


def _at_most(counts: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Counts (n, kinds) of which no row has more than `most` (n,): shared out evenly, the largest remainders first."""
    total = counts.sum(axis=1)
    if not (total > most).any():
        return counts
    shares = counts * np.minimum(most, total)[:, None]
    kept, remainder = np.divmod(shares, np.maximum(total, 1)[:, None])
    missing = np.minimum(most, total) - kept.sum(axis=1)
    rank = np.argsort(np.argsort(-remainder, axis=1, kind="stable"), axis=1, kind="stable")
    kept += rank < missing[:, None]
    return np.where((total > most)[:, None], kept, counts)
