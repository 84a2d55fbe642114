"""call-candidates as a function and as a program: a pair of eight known loci, and a sample with known variants and errors."""

import json
import logging
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

from naive_candidates import leftmost
from pair_examples import Pair, scored, write_pair
from small_bams import Read, random_pairs, write_bam, write_fasta
from varproof.commands.base import parse_options
from varproof.commands.call_candidates import CallCandidatesOptions, call_candidates
from varproof.commands.tensorise import TensoriseOptions, tensorise
from varproof.formats.tensors import TensorReader
from varproof.formats.vcf import read_records
from varproof.machinery.errors import UserError
from varproof.variants.candidate import candidates_of


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


def called(pair: Pair, output: Path, **changes: Any) -> Path:
    values = {"reads": pair.tumor, "reference": pair.reference, "output": output} | changes
    call_candidates(CallCandidatesOptions(**values))
    return output


def alleles(path: Path) -> set[tuple[int, int, str]]:
    return {(item.start, item.end, item.alt) for n, r in enumerate(read_records(path)) for item in candidates_of(r, n)}


def somewhere(pair: Pair) -> set[tuple[int, int, str]]:
    """Left-aligned alleles of all loci with the allele."""
    loci = [site.locus for site in pair.sites if site.tumor > 0]
    return {leftmost(pair.sequence, locus.start, locus.end, locus.alt) for locus in loci}


def test_exactly_the_loci_that_reads_show_are_found(pair: Pair, tmp_path: Path) -> None:
    assert alleles(called(pair, tmp_path / "out.vcf", normal=pair.normal)) == somewhere(pair)


@pytest.mark.parametrize("suffix", ["vcf", "vcf.gz", "bcf"])
def test_output_is_sorted_normalised_and_indexed(pair: Pair, tmp_path: Path, suffix: str) -> None:
    out = called(pair, tmp_path / f"out.{suffix}", normal=pair.normal)
    with pysam.VariantFile(str(out)) as handle:
        assert list(handle.header.samples) == ["tumor", "normal"]
        assert handle.header.contigs["chr2"].length == 2060
        records = list(handle if suffix == "vcf" else handle.fetch("chr1"))
    assert [record.start for record in records] == sorted(record.start for record in records)
    assert len(records) == len(somewhere(pair))
    for record in records:
        assert record.ref == pair.sequence[record.start : record.start + len(record.ref)]
        assert record.qual is None and not list(record.filter) and record.id is None
        genotype = record.samples["tumor"]
        assert sum(genotype["AD"]) <= genotype["DP"]
        assert genotype["PL"][genotype["GT"].count(1)] == 0 == min(genotype["PL"])


def test_genotypes_and_the_normal(pair: Pair, tmp_path: Path) -> None:
    records = {r.start: r for r in read_records(called(pair, tmp_path / "out.vcf", normal=pair.normal))}
    sites = {site.name: records.get(site.locus.start) for site in pair.sites}
    for name, tumor, normal in (
        ("somatic snv", (0, 1), (0, 0)),
        ("germline het", (0, 1), (0, 1)),
        ("germline hom", (1, 1), (1, 1)),
    ):
        record = sites[name]
        assert (record.samples["tumor"]["GT"], record.samples["normal"]["GT"]) == (tumor, normal)
    assert sites["somatic snv"].info["NORMAL_AF"] == (0,)
    assert sites["germline hom"].info["NORMAL_AF"] == (1,)
    assert sites["germline hom"].ref == pair.site("germline hom").locus.record()[1]


def test_scoring_and_tensors_take_the_candidates(pair: Pair, tmp_path: Path) -> None:
    found = called(pair, tmp_path / "candidates.vcf.gz", normal=pair.normal)
    records = list(read_records(scored(pair, tmp_path, found, "scored.vcf")))
    assert len(records) == len(somewhere(pair))
    assert all("SKIPPED" not in record.info and "EBD" in record.info for record in records)
    tensorise(
        TensoriseOptions(
            candidates=found, reference=pair.reference, tumor=pair.tumor, normal=pair.normal, output=tmp_path / "tensors.h5"
        )
    )
    with TensorReader(tmp_path / "tensors.h5") as tensors:
        assert (tensors.column("skipped") == "").all() and len(tensors.column("skipped")) == len(records)


def test_regions(pair: Pair, tmp_path: Path) -> None:
    bed = tmp_path / "regions.bed"
    bed.write_text("chr1\t690\t1410\nchr1\t5000\t9999999\n")
    expected = {item for item in somewhere(pair) if 690 <= item[0] < 1410 or item[0] > 5000}
    assert alleles(called(pair, tmp_path / "out.vcf", regions=bed)) == expected and len(expected) == 3


LENGTH, EVERY = 24_000, 120


class Sample:
    """Reads of a person with a heterozygous SNV every 120 bp, and errors; four of five SNVs are known."""

    def __init__(self, folder: Path) -> None:
        rng = random.Random(4)
        self.reference = "".join(rng.choice("ACGT") for _ in range(LENGTH))
        self.snvs = {p: "ACGT"[("ACGT".index(self.reference[p]) + 1) % 4] for p in range(EVERY, LENGTH - EVERY, EVERY)}
        changed = "".join(self.snvs.get(p, base) for p, base in enumerate(self.reference))
        reads: list[Read] = []
        for number, haplotype in enumerate((self.reference, changed)):
            for read in random_pairs(number, haplotype, 2500, error=0.03, gaps=0.05):
                read.name, read.mapq = f"{number}:{read.name}", max(read.mapq, 20)
                reads.append(read)
        self.known = [p for i, p in enumerate(self.snvs) if i % 5]
        self.fasta = write_fasta(folder / "reference.fa", {"chr1": self.reference})
        self.bam = write_bam(folder / "reads.bam", {"chr1": LENGTH}, reads)
        self.known_sites = self.write_known(folder / "known.vcf", "chr1")
        self.values = {"reads": self.bam, "reference": self.fasta}

    def write_known(self, plain: Path, contig: str, positions: list[int] | None = None) -> Path:
        lines = ["##fileformat=VCFv4.2", f"##contig=<ID={contig}>", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
        for p in self.known if positions is None else positions:
            lines.append(f"{contig}\t{p + 1}\trs{p}\t{self.reference[p]}\t{self.snvs[p]}\t.\t.\t.")
        plain.write_text("\n".join(lines) + "\n")
        out = plain.with_name(plain.name + ".gz")
        pysam.tabix_compress(str(plain), str(out), force=True)
        pysam.tabix_index(str(out), preset="vcf", force=True)
        return out

    def run(self, output: Path, **changes: Any) -> list[Any]:
        if "known_sites" in changes:
            changes["min_leaf"] = 20
        call_candidates(CallCandidatesOptions(**(self.values | {"output": output} | changes)))
        return list(read_records(output))

    def is_snv(self, record: Any) -> bool:
        return self.snvs.get(record.start) == record.alts[0] and len(record.ref) == 1


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return Sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def judged(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """(folder, records) of a run with known sites; tree.json and tree.svg beside."""
    folder = tmp_path_factory.mktemp("judged")
    extra = {"known_sites": sample.known_sites, "save_tree": folder / "tree.json", "draw_tree": folder / "tree.svg"}
    return folder, sample.run(folder / "out.vcf.gz", **extra)


def test_variants_that_nobody_knows_are_told_by_what_known_ones_look_like(
    sample: Sample, judged: tuple[Path, list[Any]]
) -> None:
    _, records = judged
    passed = [record for record in records if "PASS" in record.filter]
    others = [record for record in records if "unqualified" in record.filter]
    assert len(passed) + len(others) == len(records) > 2 * len(sample.snvs)
    unknown = [p for p in sample.snvs if p not in set(sample.known)]
    assert np.isin(unknown, [record.start for record in passed if sample.is_snv(record)]).mean() > 0.95
    assert np.mean([sample.is_snv(record) for record in passed]) > 0.95
    for record in records:
        share = record.info["KNOWN_SHARE"][0]
        assert ("PASS" in record.filter) == (share >= 0.2)
        assert record.qual >= 0 and (record.qual > 3.0102) == (share > 0.5)
        assert ("KNOWN" in record.info) == (sample.is_snv(record) and record.start in sample.known)
        assert record.id == (f"rs{record.start}" if "KNOWN" in record.info else None)


def test_a_saved_tree_judges_alike_without_known_sites(sample: Sample, judged: tuple[Path, list[Any]], tmp_path: Path) -> None:
    folder, records = judged
    again = sample.run(tmp_path / "again.vcf", tree=folder / "tree.json", min_quality=0.3)
    for record, other in zip(records, again, strict=True):
        assert (record.start, record.alts, record.qual) == (other.start, other.alts, other.qual)
        assert record.info["KNOWN_SHARE"] == other.info["KNOWN_SHARE"]
        assert ("PASS" in other.filter) == (other.info["KNOWN_SHARE"][0] >= 0.3)
        assert "KNOWN" not in other.info
    assert json.loads((folder / "tree.json").read_text())["candidates"][0] == len(records)
    assert (folder / "tree.svg").read_text().startswith("<?xml")


def test_the_same_bytes_for_any_number_of_workers(sample: Sample, judged: tuple[Path, list[Any]], tmp_path: Path) -> None:
    folder, _ = judged
    sample.run(tmp_path / "out.vcf.gz", known_sites=sample.known_sites, threads=2, save_tree=tmp_path / "tree.json")
    assert (tmp_path / "out.vcf.gz").read_bytes() == (folder / "out.vcf.gz").read_bytes()
    assert (tmp_path / "tree.json").read_bytes() == (folder / "tree.json").read_bytes()


def test_without_known_sites_there_is_no_judgement_and_this_is_said_once(
    sample: Sample, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "varproof"):
        records = sample.run(tmp_path / "out.vcf")
    assert [line for line in caplog.messages if "not qualified" in line] == [
        "they are not qualified: that takes --known-sites or --tree"
    ]
    assert all(record.qual is None and not list(record.filter) and "KNOWN_SHARE" not in record.info for record in records)


def test_sampled_depth_is_told(pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    called(pair, tmp_path / "whole.vcf")
    assert not caplog.records
    called(pair, tmp_path / "sampled.vcf", max_depth=10)
    (message,) = caplog.messages
    assert message.startswith("1 of 1 stretches have places deeper than the limit of 10: ")
    whole, sampled = (
        {record.pos: record.samples[0]["DP"] for record in read_records(tmp_path / f"{name}.vcf")}
        for name in ("whole", "sampled")
    )
    assert all(depth <= whole[place] for place, depth in sampled.items() if place in whole) and whole != sampled


@pytest.mark.parametrize(
    ("positions", "message"),
    [([], "has no records, so that candidates are not qualified by it"), ([99 * EVERY], None)],
)
def test_known_sites_that_say_little(
    sample: Sample, tmp_path: Path, caplog: pytest.LogCaptureFixture, positions: list[int], message: str | None
) -> None:
    """An empty file is a warning; one known site is enough to grow a tree."""
    known = sample.write_known(tmp_path / "known.vcf", "chr1", positions)
    records = sample.run(tmp_path / "out.vcf", known_sites=known)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [message in warning for warning in warnings] == ([True] if message else [])
    assert all(("KNOWN_SHARE" in record.info) == (message is None) for record in records)


def test_no_candidate_at_a_known_site(sample: Sample, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bed = tmp_path / "regions.bed"
    bed.write_text("chr1\t100\t2000\n")
    known = sample.write_known(tmp_path / "known.vcf", "chr1", [99 * EVERY])
    records = sample.run(tmp_path / "out.vcf", known_sites=known, regions=bed, save_tree=tmp_path / "tree.json")
    assert records and all(record.qual is None for record in records)
    assert "no candidate is at a known site: nothing to learn from, candidates are not qualified" in caplog.text
    assert not (tmp_path / "tree.json").exists()


def test_known_sites_of_another_build_or_without_index(sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none of the contigs with reads \\(chr1\\) is in it \\(it has 1\\)"):
        sample.run(tmp_path / "out.vcf", known_sites=sample.write_known(tmp_path / "known.vcf", "1"))
    with pytest.raises(UserError, match="no index; compress it with 'bgzip"):
        sample.run(tmp_path / "out.vcf", known_sites=tmp_path / "known.vcf")
    assert not (tmp_path / "out.vcf").exists()


def test_a_cram_gives_the_same_candidates(sample: Sample, tmp_path: Path) -> None:
    cram = tmp_path / "reads.cram"
    pysam.view("-C", "-T", str(sample.fasta), "-o", str(cram), str(sample.bam), catch_stdout=False)
    pysam.index(str(cram))
    expected = [record.samples["tumor"].items() for record in sample.run(tmp_path / "bam.vcf")]
    assert [record.samples["tumor"].items() for record in sample.run(tmp_path / "cram.vcf", reads=cram)] == expected


def test_reads_of_another_reference(sample: Sample, tmp_path: Path) -> None:
    other = write_fasta(tmp_path / "other.fa", {"1": sample.reference})
    with pytest.raises(UserError, match="contig 'chr1' is not in"):
        sample.run(tmp_path / "out.vcf", reference=other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--save-tree", "t.json"], "--save-tree and --min-leaf are for a tree that is grown here"),
        (["--tree", "t.json", "--min-leaf", "5"], "--save-tree and --min-leaf are for a tree that is grown here"),
        (["--min-quality", "0.2"], "--min-quality and --draw-tree need a tree"),
        (["--min-alternate-fraction", "2"], "--min-alternate-fraction: Input should be less than or equal to 1"),
    ],
)
def test_options_that_make_no_sense(arguments: list[str], message: str) -> None:
    given = ["--reads", "r.bam", "--reference", "r.fa", "--output", "o.vcf", *arguments]
    with pytest.raises(UserError) as error:
        parse_options("call-candidates", CallCandidatesOptions, given)
    assert message in str(error.value)


def test_places_that_cannot_be_written_to_are_told_first(sample: Sample, tmp_path: Path) -> None:
    for name in ("output", "save_tree", "draw_tree"):
        with pytest.raises(UserError, match=r"folder .* does not exist"):
            values = {"output": tmp_path / "out.vcf", "known_sites": sample.known_sites, name: tmp_path / "none" / "x.vcf"}
            sample.run(values.pop("output"), **values)


def test_as_a_program(pair: Pair, tmp_path: Path) -> None:
    arguments = ["--reads", str(pair.tumor), "--reference", str(pair.reference), "--output", "-", "--quiet"]
    run = subprocess.run(
        [sys.executable, "-m", "varproof.commands.call_candidates", *arguments], capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert sum(not line.startswith("#") for line in run.stdout.splitlines()) == len(somewhere(pair))
