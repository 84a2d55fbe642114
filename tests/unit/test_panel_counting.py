"""Counts of a panel: held against a slow count with pysam, and the same however the work is cut up."""

import random
from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pysam
import pytest

from small_bams import Read, random_sequence, write_bam, write_fasta
from varproof.candidates.finding_numba_fns import sequence_key
from varproof.candidates.panel import PanelJob, build_panel
from varproof.formats.panel import PanelReader, shown_from
from varproof.machinery.errors import UserError
from varproof.reads.arrays import base_codes
from varproof.scattering.gather import gather
from varproof.variants.simple_alleles import inserted_key

LENGTH, NORMALS = 1200, 3
SNV, DELETED, CARRIED = 307, 520, 801
"""Positions of an artefact of one strand, of a deletion, and of a variant that the last normal carries."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("panel")
    rng = random.Random(5)
    sequence = random_sequence(rng, LENGTH)
    # no repeat around the deletion, so that it has one place
    sequence = sequence[: DELETED - 6] + "GATCGTACGTCA" + sequence[DELETED + 6 :]
    write_fasta(folder / "reference.fa", {"chr1": sequence, "chr2": sequence[:400]})
    for number in range(NORMALS):
        reads = [_read(rng, sequence, f"{number}-{i}", number) for i in range(500)]
        write_bam(folder / f"n{number}.bam", {"chr1": LENGTH, "chr2": 400}, reads)
    return folder


def _read(rng: random.Random, sequence: str, name: str, number: int) -> Read:
    start = rng.randrange(0, LENGTH - 100)
    bases = list(sequence[start : start + 100])
    reverse = rng.random() < 0.5
    for i in range(100):
        if rng.random() < 0.004:
            bases[i] = rng.choice("ACGT")
    if start <= SNV < start + 100 and not reverse and rng.random() < 0.3:
        bases[SNV - start] = "ACGT"[("ACGT".index(sequence[SNV]) + 1) % 4]
    if number == NORMALS - 1 and start <= CARRIED < start + 100 and rng.random() < 0.5:
        bases[CARRIED - start] = "ACGT"[("ACGT".index(sequence[CARRIED]) + 2) % 4]
    cigar = "100M"
    if start + 30 <= DELETED < start + 70 and rng.random() < 0.3:
        at = DELETED - start
        bases = bases[:at] + list(sequence[DELETED + 1 : start + 101])
        cigar = f"{at}M1D{100 - at}M"
    flag = 0x1 | (0x10 if reverse else 0) | (0x40 if rng.random() < 0.5 else 0x80)
    qualities = [rng.choice([8, 15, 25, 37]) for _ in range(100)]
    return Read(name, start, cigar, "".join(bases), qualities, flag)


def built(
    folder: Path, output: str, normals: list[int], regions: list[tuple[int, int]] | None = None, **changes: object
) -> Path:
    job = PanelJob(
        [folder / f"n{number}.bam" for number in normals],
        folder / "reference.fa",
        None if regions is None else {"chr1": regions},
        **({"added": [], "max_depth": None, "shareable": False} | changes),  # type: ignore[arg-type]
    )
    build_panel(job, folder / output, 1)
    return folder / output


def tables(path: Path) -> dict[str, np.ndarray]:
    found = {}
    with PanelReader(path) as reader:
        for name in reader.header.contigs:
            part = reader.contig(name)
            for table in (part.alleles, part.coverage):
                found |= {f"{name}.{item.name}": getattr(table, item.name) for item in fields(table)}
            found[f"{name}.regions"] = part.regions
        contexts = reader.contexts()
        found |= {item.name: getattr(contexts, item.name) for item in fields(contexts)}
    return found


def assert_alike(one: Path, other: Path) -> None:
    first, second = tables(one), tables(other)
    assert first.keys() == second.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)


def naive(folder: Path) -> tuple[Counter[tuple[int, int]], Counter[tuple[int, int]], np.ndarray]:
    """(reads by (position, base) of normals that show it and don't carry it, carriers likewise, bases of all normals)."""
    shown: Counter[tuple[int, int]] = Counter()
    carriers: Counter[tuple[int, int]] = Counter()
    bases = np.zeros(LENGTH, np.int64)
    sequence = pysam.FastaFile(str(folder / "reference.fa")).fetch("chr1")
    for number in range(NORMALS):
        count: Counter[tuple[int, int]] = Counter()
        depth = np.zeros(LENGTH, np.int64)
        with pysam.AlignmentFile(str(folder / f"n{number}.bam")) as handle:
            for read in handle.fetch("chr1"):
                for query, place in read.get_aligned_pairs():
                    if place is None:
                        continue
                    depth[place] += 1
                    if (
                        query is not None
                        and read.query_sequence[query] != sequence[place]
                        and read.query_qualities[query] >= 13
                    ):
                        count[place, "ACGT".index(read.query_sequence[query])] += 1
        bases += depth
        for (place, base), reads in count.items():
            if reads >= shown_from(np.array([depth[place]]))[0]:
                if reads >= 0.25 * depth[place]:
                    carriers[place, base] += 1
                else:
                    shown[place, base] += reads
    return shown, carriers, bases


def test_substitutions_are_those_of_a_slow_count(folder: Path) -> None:
    shown, carriers, bases = naive(folder)
    with PanelReader(built(folder, "all.h5", [0, 1, 2])) as reader:
        part, contexts = reader.contig("chr1"), reader.contexts()
    snvs = part.alleles.rows(part.alleles.length == 0)
    rows = list(zip(snvs.position.tolist(), snvs.key.tolist(), strict=True))
    found = dict(zip(rows, snvs.reads.sum(axis=1).tolist(), strict=True))
    assert {key: reads for key, reads in found.items() if reads} == shown
    with_carriers = dict(zip(rows, (snvs.heterozygous.astype(int) + snvs.homozygous).tolist(), strict=True))
    assert {key: number for key, number in with_carriers.items() if number} == carriers
    assert carriers[CARRIED, ("ACGT".index(_base(folder, CARRIED)) + 2) % 4] == 1
    np.testing.assert_array_equal(part.coverage.bases, np.add.reduceat(bases, np.arange(0, LENGTH, 16)))
    assert contexts.substitution_bases.sum() == bases[1:-1].sum()


def _base(folder: Path, place: int) -> str:
    base: str = pysam.FastaFile(str(folder / "reference.fa")).fetch("chr1", place, place + 1)
    return base


def test_an_artefact_of_one_strand_has_its_reads_there_and_a_deletion_is_found(folder: Path) -> None:
    with PanelReader(built(folder, "all.h5", [0, 1, 2])) as reader:
        alleles = reader.contig("chr1").alleles
    snv = alleles.rows((alleles.position == SNV) & (alleles.length == 0) & (alleles.normals == NORMALS))
    assert snv.size == 1
    assert snv.reads[0, :6].sum() > 10 * max(1, snv.reads[0, 6:].sum())
    assert ((alleles.position == DELETED) & (alleles.length == -1) & (alleles.normals > 0)).any()


@pytest.mark.parametrize("chunk_bp", [48, 160, 1000])
def test_chunks_make_no_difference(folder: Path, chunk_bp: int) -> None:
    assert_alike(built(folder, "all.h5", [0, 1, 2]), built(folder, "chunks.h5", [0, 1, 2], chunk_bp=chunk_bp))


def test_normals_can_be_added_in_any_order(folder: Path) -> None:
    first, last = built(folder, "first.h5", [1]), built(folder, "last.h5", [2, 0])
    whole = built(folder, "all.h5", [0, 1, 2])
    assert_alike(whole, built(folder, "added.h5", [0, 2], added=[first]))
    assert_alike(whole, built(folder, "both.h5", [], added=[last, first]))
    with pytest.raises(UserError, match="same normal twice"):
        built(folder, "twice.h5", [1], added=[first])


def test_pieces_are_gathered_to_the_whole(folder: Path) -> None:
    """The second cut is within a window, which both pieces then have."""
    pieces = [(0, 320), (320, 777), (777, LENGTH)]
    paths = [built(folder, f"piece{i}.h5", [0, 1, 2], [piece]) for i, piece in enumerate(pieces)]
    gather(paths, None, folder / "gathered.h5")
    assert_alike(built(folder, "whole.h5", [0, 1, 2], [(0, LENGTH)]), folder / "gathered.h5")
    again = built(folder, "again.h5", [0, 1, 2], [(700, 800)])
    with pytest.raises(UserError, match="must not overlap"):
        gather([*paths, again], None, folder / "never.h5")
    other = built(folder, "other.h5", [0], [(0, 10)])
    with pytest.raises(UserError, match="is of other normals"):
        gather([paths[1], other], None, folder / "never.h5")
    assert not (folder / "never.h5").exists()


def test_a_panel_to_be_shared_has_nothing_of_one_normal_alone(folder: Path) -> None:
    whole = built(folder, "all.h5", [0, 1, 2])
    with PanelReader(built(folder, "shared.h5", [], added=[whole], shareable=True)) as reader:
        alleles, header = reader.contig("chr1").alleles, reader.header
    assert header.shareable and not header.digests and header.normals == NORMALS
    assert (alleles.normals.astype(int) + alleles.heterozygous + alleles.homozygous > 1).all()
    assert not (alleles.position == CARRIED).any()
    with pytest.raises(UserError, match="made to be shared"):
        built(folder, "more.h5", [], added=[folder / "shared.h5"])


def test_hashes_of_insertions_are_those_of_the_kernel() -> None:
    for text in ("A", "ACGT", "TTTTTTTTTTTTTTTTTTTTGC"):
        codes = base_codes(text)
        assert inserted_key(codes.tobytes()) == sequence_key(codes, 0)
