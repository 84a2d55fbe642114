"""Random genomes hold the trouble they should; references are read as they are; tracts are found where they lie."""

import itertools
from pathlib import Path

import numpy as np
import pysam
import pytest

from varproof.machinery.errors import UserError
from varproof.simulation.genome import (
    Genome,
    diverged,
    random_genome,
    read_genome,
    repeat_tracts,
    reverse_complement,
    write_fasta,
)


def genome_of(*contigs: bytes) -> Genome:
    starts = np.cumsum([0] + [len(contig) for contig in contigs]).astype(np.int64)
    return Genome([f"c{i}" for i in range(len(contigs))], starts, np.frombuffer(b"".join(contigs), dtype=np.uint8))


def test_random_genome_has_homopolymers_and_repeats_beyond_chance() -> None:
    genome = random_genome(300_000, 3, np.random.default_rng(1))
    assert genome.lengths() == [100_000] * 3
    assert set(genome.text) == set(b"ACGT")
    runs = [len(list(group)) for _, group in itertools.groupby(genome.text)]
    assert max(runs) >= 14
    assert 50 < sum(run >= 9 for run in runs) < 1_000  # by chance about 300_000 / 4**8 * 3/4 = 3
    gc = (np.isin(genome.bases, [ord("C"), ord("G")])).mean()
    assert 0.37 < gc < 0.47
    words: dict[bytes, int] = {}
    for at in range(len(genome) - 40):
        word = genome.text[at : at + 40]
        words[word] = words.get(word, 0) + 1
    assert sum(count - 1 for count in words.values() if count > 1) > 1_000


def test_diverged_copies_differ_as_asked() -> None:
    rng = np.random.default_rng(1)
    segment = random_genome(100_000, 1, rng).bases
    assert (diverged(segment, 0.05, rng) != segment).mean() == pytest.approx(0.05, abs=0.005)


def test_tracts_of_a_written_example() -> None:
    genome = genome_of(b"GC" + b"A" * 7 + b"GTC" + b"AT" * 5 + b"GGC" + b"AAG" * 4 + b"C", b"AAAAAA" + b"C")
    tracts = repeat_tracts(genome)
    found = list(zip(tracts.start.tolist(), tracts.end.tolist(), tracts.unit.tolist(), strict=True))
    assert (2, 9, 1) in found
    assert (12, 22, 2) in found
    assert any(unit == 3 and end - start >= 12 for start, end, unit in found)
    assert (38, 44, 1) in found
    assert len(found) == 4


def test_fasta_round_trip(tmp_path: Path) -> None:
    genome = genome_of(b"ACGTN" * 30, b"GATTACA")
    write_fasta(genome, tmp_path / "r.fa")
    again = read_genome(tmp_path / "r.fa")
    assert (again.names, again.text, again.lengths()) == (genome.names, genome.text, genome.lengths())
    with pysam.FastaFile(str(tmp_path / "r.fa")) as fasta:
        assert fasta.fetch("c1") == "GATTACA"


def test_lower_case_and_ambiguous_bases_are_read(tmp_path: Path) -> None:
    (tmp_path / "r.fa").write_text(">x some text\nacgtRYn\n")
    assert read_genome(tmp_path / "r.fa").text == b"ACGTNNN"


@pytest.mark.parametrize("content", [None, ""])
def test_unreadable_reference_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "r.fa").write_text(content)
    with pytest.raises(UserError, match=r"r\.fa"):
        read_genome(tmp_path / "r.fa")


def test_reverse_complement() -> None:
    assert reverse_complement(np.frombuffer(b"AACGN", dtype=np.uint8)).tobytes() == b"NCGTT"
