"""Inputs of unusual size: amplicons, long reads, large genomes, headers without end. Results hold, and memory its bound.

`VARPROOF_CONTIGS` is the number of contigs of the longest headers (`make robust`: 1,000,000).
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pysam
import pytest

from evidence_examples import SINGLE_END, header_text, plain_sequence
from pair_examples import PURITY, Pair, other_base, scored, write_pair, write_records
from peak_memory import peak_mb
from small_bams import write_fasta
from varproof.formats.events import EVENTS
from varproof.formats.json_file import write_json
from varproof.formats.vcf import from_phred

CONTIGS = int(os.environ.get("VARPROOF_CONTIGS", "50000"))
MEGABYTES, KILOBYTES_PER_CONTIG = 450, 2
"""The bound that the documentation states."""

AMPLICON_DEPTH, AMPLICON_SHARE = 100_000, 0.025
LONG = 10_000


def allele_frequencies(path: Path) -> dict[int, float]:
    """Position -> allele frequency of a scored VCF."""
    with pysam.VariantFile(str(path)) as records:
        return {record.pos: record.samples[0]["AF"][0] or 0.0 for record in records}


def to_bam(path: Path, contigs: dict[str, int], lines: Iterator[str]) -> Path:
    """Lines of SAM as a sorted, indexed BAM."""
    text = path.with_suffix(".sam")
    with text.open("w") as file:
        file.write("@HD\tVN:1.6\tSO:unsorted\n" + "".join(f"@SQ\tSN:{name}\tLN:{n}\n" for name, n in contigs.items()))
        file.writelines(line + "\n" for line in lines)
    pysam.sort("-o", str(path), str(text))
    pysam.index(str(path))
    return path


def write_candidates(path: Path, contigs: dict[str, int], records: list[tuple[str, int, str, str]]) -> Path:
    lines = [f"{contig}\t{position + 1}\t.\t{ref}\t{alt}\t.\t.\t.\n" for contig, position, ref, alt in records]
    path.write_text(header_text(contigs) + "".join(lines))
    return path


# --- depth


@pytest.fixture(scope="module")
def amplicon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 bases read 100,000 times, an SNV on every fortieth; the second candidate is on no read."""
    folder = tmp_path_factory.mktemp("amplicon")
    sequence = plain_sequence(2_000, seed=4)
    write_fasta(folder / "reference.fa", {"chr1": sequence})
    quality, at = "I" * 150, 975

    def lines() -> Iterator[str]:
        for i in range(AMPLICON_DEPTH):
            read = sequence[900:1050]
            if i % round(1 / AMPLICON_SHARE) == 0:
                read = read[: at - 900] + other_base(sequence[at]) + read[at - 899 :]
            yield f"r{i}\t{16 * (i // 40 % 2)}\tchr1\t901\t60\t150M\t*\t0\t0\t{read}\t{quality}"

    to_bam(folder / "reads.bam", {"chr1": 2_000}, lines())
    records = [("chr1", place, sequence[place], other_base(sequence[place])) for place in (at, at + 5)]
    write_candidates(folder / "candidates.vcf", {"chr1": 2_000}, records)
    write_json(folder / "alignment.json", SINGLE_END.model_copy(update={"max_read_length": 150}))
    return folder


@pytest.mark.parametrize(("max_depth", "tolerance"), [("1000", 0.012), ("200000", 0.001)])
def test_an_amplicon_is_judged(amplicon: Path, tmp_path: Path, max_depth: str, tolerance: float) -> None:
    """The allele frequency within 2.7 standard errors of a sample of 1,000 reads; of all reads, as it is."""
    peak = peak_mb(
        "score-posterior", "--candidates", amplicon / "candidates.vcf", "--reference", amplicon / "reference.fa", "--tumor",
        amplicon / "reads.bam", "--alignment-tumor", amplicon / "alignment.json", "--max-depth", max_depth, "--prior", "flat",
        "--output", tmp_path / "out.vcf",
    )  # fmt: skip
    there, absent = (allele_frequencies(tmp_path / "out.vcf")[position] for position in (976, 981))
    assert there == pytest.approx(AMPLICON_SHARE, abs=tolerance)
    assert absent < 0.001
    assert peak < MEGABYTES


@pytest.mark.parametrize("command", ["call-candidates", "tensorise"])
def test_an_amplicon_in_bounded_memory(amplicon: Path, tmp_path: Path, command: str) -> None:
    reads = {"call-candidates": ["--reads", amplicon / "reads.bam"], "tensorise": ["--tumor", amplicon / "reads.bam"]}[command]
    if command == "tensorise":
        reads += ["--candidates", amplicon / "candidates.vcf"]
    output = tmp_path / {"call-candidates": "found.vcf", "tensorise": "tensors.h5"}[command]
    assert peak_mb(command, "--reference", amplicon / "reference.fa", *reads, "--output", output) < MEGABYTES
    if command == "call-candidates":
        with pysam.VariantFile(str(output)) as records:
            assert [record.pos for record in records] == [976]


# --- length of reads


def test_reads_of_ten_thousand_bases(tmp_path: Path) -> None:
    """An SNV, an insertion and a deletion on half of 40 reads of 10 kb, with an error in a thousand bases; and none of them."""
    rng, sequence = random.Random(3), plain_sequence(60_000, seed=6)
    snv, insertion, deletion, nothing = 25_000, 27_000, 31_000, 33_000
    write_fasta(tmp_path / "reference.fa", {"chr1": sequence})

    def lines() -> Iterator[str]:
        for i in range(160):
            start, carries = rng.randrange(5_000, 45_000), rng.random() < 0.5
            edits = [(snv, 1, other_base(sequence[snv])), (insertion, 0, "GATTACA"), (deletion, 12, "")] if carries else []
            read, cigar, place = "", "", start
            for at, removed, added in edits:
                if not start + 50 < at < start + LONG - 50:
                    continue
                read += sequence[place:at] + added
                cigar += f"{at - place}M" + {(1, 1): "1M", (0, 7): "7I", (12, 0): "12D"}[removed, len(added)]
                place = at + removed
            rest = LONG - len(read)
            read += sequence[place : place + rest]
            cigar += f"{rest}M"
            read = "".join(other_base(base) if rng.random() < 0.001 else base for base in read)
            yield f"r{i}\t{16 * (i % 2)}\tchr1\t{start + 1}\t60\t{cigar}\t*\t0\t0\t{read}\t{'?' * LONG}"

    reads = to_bam(tmp_path / "reads.bam", {"chr1": len(sequence)}, lines())
    records = [
        ("chr1", snv, sequence[snv], other_base(sequence[snv])),
        ("chr1", insertion - 1, sequence[insertion - 1], sequence[insertion - 1] + "GATTACA"),
        ("chr1", deletion - 1, sequence[deletion - 1 : deletion + 12], sequence[deletion - 1]),
        ("chr1", nothing, sequence[nothing], other_base(sequence[nothing])),
    ]
    candidates = write_candidates(tmp_path / "candidates.vcf", {"chr1": len(sequence)}, records)
    for command, more in {
        "score-posterior": ["--candidates", candidates, "--tumor", reads, "--output", tmp_path / "out.vcf"],
        "call-candidates": ["--reads", reads, "--output", tmp_path / "found.vcf"],
        "tensorise": ["--candidates", candidates, "--tumor", reads, "--output", tmp_path / "tensors.h5"],
    }.items():
        assert peak_mb(command, "--reference", tmp_path / "reference.fa", *more) < MEGABYTES
    with pysam.VariantFile(str(tmp_path / "out.vcf")) as judged:
        absent = [from_phred(record.info["PROB_ABSENT"][0]) for record in judged]
    assert max(absent[:3]) < 1e-3 and absent[3] > 0.99
    assert list(allele_frequencies(tmp_path / "out.vcf").values())[:3] == pytest.approx([0.5] * 3, abs=0.25)
    with pysam.VariantFile(str(tmp_path / "found.vcf")) as found:
        assert {snv + 1, insertion, deletion} <= {record.pos for record in found}


# --- size of the genome


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


def moved(pair: Pair, folder: Path, contigs: dict[str, int], contig: str, offset: int) -> dict[str, Path]:
    """The pair's reads and candidates at another place of another genome; its reference is for the caller to write."""
    head = "@HD\tVN:1.6\tSO:coordinate\n" + "".join(f"@SQ\tSN:{name}\tLN:{length}\n" for name, length in contigs.items())
    header = pysam.AlignmentHeader.from_text(head)
    number = list(contigs).index(contig)
    files = {"candidates": write_candidates(
        folder / "candidates.vcf", contigs, [(contig, at + offset, ref, alt) for at, ref, alt in pair.records()]
    )}  # fmt: skip
    for sample, source in (("tumor", pair.tumor), ("normal", pair.normal)):
        files[sample] = folder / f"{sample}.bam"
        with pysam.AlignmentFile(str(source)) as reads, pysam.AlignmentFile(str(files[sample]), "wb", header=header) as out:
            for read in reads:
                values = read.to_dict() | {"ref_name": contig, "ref_pos": str(read.reference_start + 1 + offset)}
                if read.next_reference_start >= 0:
                    values |= {"next_ref_name": "=", "next_ref_pos": str(read.next_reference_start + 1 + offset)}
                placed = pysam.AlignedSegment.from_dict(values, header)
                assert placed.reference_id == number
                out.write(placed)
        pysam.index(str(files[sample]))
    return files


def as_before(pair: Pair, files: dict[str, Path], reference: Path, offset: int, folder: Path) -> float:
    """Score, assert that all is judged as the pair is where it comes from, and return the peak of memory, MB."""
    (folder / "plain").mkdir()
    plain = scored(pair, folder / "plain")
    peak = peak_mb(
        "score-posterior", "--candidates", files["candidates"], "--reference", reference, "--tumor", files["tumor"], "--normal",
        files["normal"], "--purity", str(PURITY), "--alignment-tumor", pair.properties, "--alignment-normal", pair.properties,
        "--territory", "100000", "--learn-from", "candidates", "--output", folder / "scored.vcf",
    )  # fmt: skip
    with pysam.VariantFile(str(plain)) as before, pysam.VariantFile(str(folder / "scored.vcf")) as after:
        pairs = list(zip(before, after, strict=True))
        assert len(pairs) == len(pair.sites)
        for one, other in pairs:
            assert other.pos == one.pos + offset
            for event in EVENTS:
                assert other.info[f"PROB_{event}"] == one.info[f"PROB_{event}"]
            assert dict(other.samples[0]) == dict(one.samples[0])
    return peak


def test_a_genome_of_more_than_two_to_the_31(pair: Pair, tmp_path: Path) -> None:
    """Five contigs of 500 Mbp; the reads are at the end of the last. The file has holes where nothing is read."""
    length, offset, margin = 500_000_000, 499_900_000, 60_000
    contigs = {f"chr{i}": length for i in range(1, 6)}
    reference = tmp_path / "reference.fa"
    entries, start = [], 0
    with reference.open("wb") as file:
        for name in contigs:
            file.seek(start)
            head = f">{name}\n".encode()
            file.write(head)
            entries.append(f"{name}\t{length}\t{start + len(head)}\t{length}\t{length + 1}\n")
            start += len(head) + length + 1
        first = start - length - 1
        file.seek(first + offset - margin)
        file.write(b"N" * margin + pair.sequence.encode() + b"N" * (length - offset - len(pair.sequence)) + b"\n")
    Path(f"{reference}.fai").write_text("".join(entries))
    assert sum(contigs.values()) > 2**31
    files = moved(pair, tmp_path, contigs, "chr5", offset)
    assert as_before(pair, files, reference, offset, tmp_path) < MEGABYTES


@pytest.mark.timeout(3600)
def test_headers_of_many_contigs(pair: Pair, tmp_path: Path) -> None:
    """Of the reference, of both files of reads and of the candidates; reads lie on the last contig."""
    small = plain_sequence(50, seed=9)
    contigs = {f"c{i}": 50 for i in range(CONTIGS)} | {"chr1": len(pair.sequence)}
    reference = tmp_path / "reference.fa"
    with reference.open("w") as file, Path(f"{reference}.fai").open("w") as index:
        for name, length in contigs.items():
            file.write(f">{name}\n")
            index.write(f"{name}\t{length}\t{file.tell()}\t{length}\t{length + 1}\n")
            file.write((small if length == 50 else pair.sequence) + "\n")
    files = moved(pair, tmp_path, contigs, "chr1", 0)
    assert as_before(pair, files, reference, 0, tmp_path) < MEGABYTES + KILOBYTES_PER_CONTIG * CONTIGS / 1000


# --- seeds


@pytest.mark.parametrize("seed", ["1", "2"])
def test_hash_seeds_change_nothing(pair: Pair, tmp_path: Path, seed: str) -> None:
    """Python's order of sets is another in each process: no output shows it."""
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    shared = ["--reference", pair.reference, "--tumor", pair.tumor, "--normal", pair.normal, "--candidates", candidates]
    made = {}
    for hash_seed in ("0", seed):
        folder = tmp_path / hash_seed
        folder.mkdir()
        for command, *more in (
            ["score-posterior", *shared, "--output", "scored.vcf.gz"],
            ["tensorise", *shared, "--output", "tensors.h5"],
            ["call-candidates", "--reads", pair.tumor, "--reference", pair.reference, "--output", "found.vcf.gz"],
            ["estimate-alignment", "--reads", pair.tumor, "--reference", pair.reference, "--output", "a.json"],
            ["fdr-filter", "--calls", "scored.vcf.gz", "--events", "SOMATIC_TUMOR", "--fdr", "0.1", "--output",
             "kept.vcf.gz"],
            ["spike-variants", "--reads", pair.normal, "--reference", pair.reference, "--min-depth", "5", "--output", "spiked"],
            ["simulate-pair", "--genome-length", "20000", "--output", "pair", "--somatic-snvs", "5", "--germline", "5",
             "--somatic-mnvs", "1", "--somatic-insertions", "2", "--somatic-deletions", "2", "--max-indel-length", "20"],
        ):  # fmt: skip
            environment = os.environ | {"PYTHONHASHSEED": hash_seed}
            arguments = [sys.executable, "-m", f"varproof.commands.{command.replace('-', '_')}", *map(str, more), "--quiet"]
            subprocess.run(arguments, env=environment, cwd=folder, check=True)
        made[hash_seed] = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(made["0"]) > 10
    assert made["0"] == made[seed]
