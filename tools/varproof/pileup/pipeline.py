"""A whole candidate list to packed tensors: chunks in the order of the VCF, each a job for a worker process.

What is in memory is bounded by a chunk: its candidates, the reads of one stretch of one sample, its tensors. Tensors do not
depend on how candidates fall into chunks and stretches.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from varproof.formats.context_pool import PoolSample
from varproof.formats.tensor_settings import TensorSettings, TrackKind
from varproof.formats.tensors import ALLELE_COLUMNS, PackedTensors, TensorHeader
from varproof.formats.vcf import NO_REFERENCE_SEQUENCE
from varproof.machinery.journal import Arrays, Journal, journaled_results
from varproof.pileup.packing import (
    REACH,
    PackedRows,
    Stretch,
    allele_codes,
    assembled,
    no_rows,
    packed_rows,
    stretch_of,
    window_codes,
)
from varproof.pileup.sites import Site, sites, stretches
from varproof.reads.decode import decode_reads, open_reads, require_same_contigs
from varproof.reads.reference import open_reference
from varproof.variants.candidate import Candidate
from varproof.variants.chunks import pieces
from varproof.variants.placement import MAX_SHIFT, Placement, placements
from varproof.variants.reference import ReferenceSlice, reference_slice, require_contig, require_inside

NO_SAMPLE = -1
"""Stands for the sample of a candidate that was skipped."""

CHUNK_CANDIDATES = 256
"""Neighbours do not matter here and no reads are decoded twice, so that a chunk is only as large as its tensors may be."""

MOST_OPEN_FILES = 64
DECODED_DEPTH = 10_000
"""Deeper piles (or ten times deeper than `depth`, if that is more) are thinned out as they are decoded, by fragment and name.

Far enough above `depth` that rows, those with the lowest hashes, are nearly always the same; memory stays bounded.
"""


@dataclass(frozen=True)
class Samples:
    """Indexed BAMs or CRAMs that every candidate is shown in."""

    tumor: Path
    normal: Path | None = None
    contexts: Sequence[Path] = ()

    @property
    def own(self) -> list[Path]:
        """Reads of the patient."""
        return [self.tumor, *([] if self.normal is None else [self.normal])]

    @property
    def reads(self) -> list[Path]:
        """Reads of all, in the order of the tracks."""
        return [*self.own, *self.contexts]

    def tracks(self, drawn: int = 0) -> tuple[TrackKind, ...]:
        """Kind of each track, with so many contexts that are drawn for each candidate."""
        own: tuple[TrackKind, ...] = ("tumor",) if self.normal is None else ("tumor", "normal")
        contexts: list[TrackKind] = ["context"] * (len(self.contexts) + drawn)
        return (*own, *contexts)


@dataclass(frozen=True)
class TensorJob:
    """What tensors are to be made of.

    Tracks are `settings.tracks`: those of `samples`, and, where these are more, as many of `pool`, drawn for each candidate by
    `seed` and the candidate alone. `labels`: int8, one per candidate of the VCF, or None. `mutation_class_field`: see
    `sites.class_reader`.
    """

    candidates: Path
    reference: Path
    samples: Samples
    pool: tuple[PoolSample, ...] = ()
    settings: TensorSettings = field(default_factory=TensorSettings)
    seed: int = 0
    patient: str = ""
    labels: np.ndarray | None = None
    mutation_class_field: str = "auto"

    @property
    def reads(self) -> list[Path]:
        """Reads of all samples: `track_sample` points into this list."""
        return self.samples.reads + [item.reads for item in self.pool]

    def check_reads(self) -> None:
        """Raise UserError unless the reads of all samples can be opened."""
        for path in self.reads:
            open_reads(path, self.reference).close()

    def shown_samples(self, contig: str, item: Placement) -> list[int]:
        """Index of the sample in each track of a candidate."""
        fixed = list(range(len(self.samples.reads)))
        wanted = len(self.settings.tracks) - len(fixed)
        if wanted == 0:
            return fixed
        identity = f"{self.seed}\t{contig}:{item.start}-{item.end}:{item.alt.tobytes().hex()}"
        key = hashlib.blake2b(identity.encode(), digest_size=16).digest()

        def ticket(i: int) -> bytes:
            return hashlib.blake2b(self.pool[i].sample.encode(), key=key, digest_size=8).digest()

        return fixed + [len(fixed) + i for i in sorted(range(len(self.pool)), key=ticket)[:wanted]]


def tensor_header(job: TensorJob, provenance: str) -> TensorHeader:
    """What the file says of all its tensors."""
    with open_reference(job.reference) as fasta:
        contigs = dict(zip(fasta.references, fasta.lengths, strict=True))
    names = [path.name for path in job.samples.reads] + [item.sample for item in job.pool]
    return TensorHeader(settings=job.settings, contigs=contigs, samples=names, patient=job.patient, provenance=provenance)


def packed_chunks(job: TensorJob, workers: int, journal: Journal | None = None) -> Iterator[PackedTensors]:
    """Tensors of all candidates in the order of the VCF, chunk by chunk; the same for any number of workers and any journal."""

    def packed(tensors: PackedTensors) -> Arrays:
        columns = {name: value for name, value in vars(tensors).items() if name != "settings"}
        return {name: value.astype(str) if value.dtype == object else value for name, value in columns.items()}

    def unpacked(arrays: Arrays) -> PackedTensors:
        columns = {name: value.astype(object) if value.dtype.kind == "U" else value for name, value in arrays.items()}
        return PackedTensors(settings=job.settings, **columns)

    found = sites(job.candidates, job.labels, job.mutation_class_field)
    chunks = pieces(found, lambda site: site.candidate, CHUNK_CANDIDATES)
    return journaled_results(lambda: _Worker(job).pack, chunks, workers, journal, packed, unpacked)


@dataclass(frozen=True)
class _Located:
    """A candidate of a chunk that gets a tensor: its index there, where it lies, its centre, its samples by track."""

    index: int
    placement: Placement
    samples: list[int]


class _Worker:
    """Files that a process opens once."""

    def __init__(self, job: TensorJob) -> None:
        self.job = job
        self.reads = job.reads
        self.fasta = open_reference(job.reference)
        self.lengths = dict(zip(self.fasta.references, self.fasta.lengths, strict=True))
        self.contigs = {name: i for i, name in enumerate(self.fasta.references)}
        self.open: OrderedDict[int, Any] = OrderedDict()
        self.checked: set[tuple[int, str]] = set()

    def pack(self, chunk: list[Site]) -> PackedTensors:
        settings = self.job.settings
        size, tracks, window = len(chunk), len(settings.tracks), settings.window
        contig = chunk[0].candidate.contig
        require_contig(self.job.candidates, contig, self.job.reference, self.lengths)
        skipped = [site.candidate.skipped or "" for site in chunk]
        centre = np.array([site.candidate.start for site in chunk], np.int64)
        reference = np.zeros((size, window), np.uint8)
        allele_code = np.zeros((size, len(ALLELE_COLUMNS)), np.uint8)
        track_sample = np.full((size, tracks), NO_SAMPLE, np.int32)
        pieces: list[tuple[np.ndarray, PackedRows]] = []
        usable = [i for i in range(size) if not skipped[i]]
        starts = [chunk[i].candidate.start for i in usable]
        for first, last in stretches(starts):
            candidates = [chunk[i].candidate for i in usable[first:last]]
            around = self._reference_around(candidates)
            located = []
            for i, item in zip(usable[first:last], placements(candidates, around, self.job.candidates), strict=True):
                if item is None:
                    skipped[i] = NO_REFERENCE_SEQUENCE
                else:
                    located.append(_Located(i, item, self.job.shown_samples(contig, item)))
            if not located:
                continue
            placed = [item.placement for item in located]
            whole = stretch_of(placed, around, settings)
            indices = np.array([item.index for item in located])
            centre[indices] = whole.centre
            reference[indices] = window_codes(whole, self.lengths[contig])
            allele_code[indices] = allele_codes(placed, around)
            track_sample[indices] = [item.samples for item in located]
            pieces += self._rows(located, whole)
        rows = assembled(pieces, size * tracks, window)
        return PackedTensors(
            settings=settings,
            record=np.array([site.candidate.record for site in chunk], np.int64),
            allele=np.array([site.candidate.allele for site in chunk], np.int32),
            contig=np.full(size, self.contigs[contig], np.int32),
            position=np.array([site.position for site in chunk], np.int64),
            centre=centre,
            label=np.array([site.label for site in chunk], np.int8),
            ref=np.array([site.ref for site in chunk], object),
            alt=np.array([site.alt for site in chunk], object),
            skipped=np.array(skipped, object),
            mutation_class=np.array([site.mutation_class for site in chunk], object),
            track_sample=track_sample,
            reference=reference,
            allele_code=allele_code,
            row_offset=rows.offset,
            base=rows.base,
            quality=rows.quality,
            rows=rows.rows,
        )

    def _reference_around(self, candidates: list[Candidate]) -> ReferenceSlice:
        contig = candidates[0].contig
        for item in candidates:
            require_inside(self.job.candidates, item, self.job.reference, self.lengths[contig])
        reach = 2 * MAX_SHIFT + self.job.settings.window + REACH
        low, high = min(item.start for item in candidates), max(item.end for item in candidates)
        return reference_slice(self.fasta, contig, low - reach, high + reach)

    def _rows(self, located: list[_Located], whole: Stretch) -> list[tuple[np.ndarray, PackedRows]]:
        """(slots, rows) of every track: slot i * tracks + t is track t of candidate i of the chunk."""
        tracks = len(self.job.settings.tracks)
        shown: dict[int, list[tuple[int, int]]] = {}
        for k, item in enumerate(located):
            for track, sample in enumerate(item.samples):
                shown.setdefault(sample, []).append((k, track))
        pieces = []
        for sample, members in shown.items():
            low = whole.loci.row_low
            for first, last in stretches([int(low[k]) for k, _ in members]):
                part = members[first:last]
                slots = np.array([located[k].index * tracks + track for k, track in part])
                stretch = whole
                if [k for k, _ in part] != list(range(len(located))):
                    stretch = stretch_of([located[k].placement for k, _ in part], whole.reference, whole.settings)
                pieces.append((slots, self._sample_rows(sample, stretch)))
        return pieces

    def _sample_rows(self, sample: int, stretch: Stretch) -> PackedRows:
        contig, path = stretch.reference.contig, self.reads[sample]
        alignments = self._alignments(sample)
        if alignments.get_tid(contig) < 0:
            return no_rows(len(stretch.centre), stretch.settings.window)
        if (sample, contig) not in self.checked:
            require_same_contigs(alignments, path, self.fasta, self.job.reference, [contig])
            self.checked.add((sample, contig))
        most = max(DECODED_DEPTH, 10 * stretch.settings.depth)
        batch = decode_reads(
            alignments, contig, stretch.low, stretch.high, max_depth=most, keep_unmapped_mates=False
        )  # fmt: skip
        if not batch.size:
            return no_rows(len(stretch.centre), stretch.settings.window)
        around, low, high = stretch.reference, int(batch.start.min()), int(batch.end.max())
        if low < around.start or high > around.end:
            around = reference_slice(self.fasta, contig, low, high)
        return packed_rows(stretch, batch, around)

    def _alignments(self, sample: int) -> Any:
        if sample not in self.open:
            if len(self.open) == MOST_OPEN_FILES:
                self.open.popitem(last=False)[1].close()
            self.open[sample] = open_reads(self.reads[sample], self.job.reference)
        self.open.move_to_end(sample)
        return self.open[sample]
