"""spike-variants end to end: what is edited, that nothing else is, that the truth counts what is there, and what is refused."""

import filecmp
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest
from pydantic import ValidationError
from scipy import stats

from varproof.commands.simulate_pair import Options, simulate
from varproof.commands.spike_variants import SpikeVariantsOptions, spike_variants
from varproof.formats.json_file import read_json
from varproof.machinery.errors import UserError
from varproof.spiking.run import SpikingSummary

PURITY = 0.8
CHOSEN = {"count": 60, "min_depth": 12, "spacing": 800, "purity": PURITY, "lengths": [1, 12], "quiet": True}


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of one person without anything somatic: normal.bam (70x) and tumor.bam (30x); reference.fa, truth.vcf.gz."""
    folder = tmp_path_factory.mktemp("person") / "pair"
    nothing = {f"somatic_{kind}": 0 for kind in ("snvs", "mnvs", "insertions", "deletions")}
    options = {"genome_length": 50_000, "contigs": 2, "germline": 60, "tumor_depth": 30, "normal_depth": 70, "empty_sites": 0}
    simulate(Options(output=folder, artifacts=["duplicates"], log_level="warning", **nothing, **options))  # type: ignore[arg-type]
    return folder


def spiked(person: Path, output: Path, **more: Any) -> Path:
    options = {"reads": person / "normal.bam", "reference": person / "reference.fa", "output": output}
    spike_variants(SpikeVariantsOptions(**{**options, **CHOSEN, **more}))
    return output


@pytest.fixture(scope="module")
def folder(person: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return spiked(person, tmp_path_factory.mktemp("spiked") / "out")


def texts(path: Path, reference: Path | None = None) -> dict[tuple[str, int], str]:
    """Each record of a file as text, by name and flag; in the file's order, which is checked."""
    out = {}
    last = (-1, -1)
    with pysam.AlignmentFile(str(path), reference_filename=None if reference is None else str(reference)) as reads:
        for read in reads.fetch(until_eof=True):
            assert (read.query_name, read.flag) not in out
            out[read.query_name, read.flag] = read.to_string()
            here = (read.reference_id if read.reference_id >= 0 else 1 << 30, read.reference_start)
            assert here >= last
            last = here
    return out


def records(path: Path) -> list[Any]:
    with pysam.VariantFile(str(path)) as source:
        return [record.copy() for record in source]


def summary(folder: Path) -> SpikingSummary:
    return read_json(folder / "spiking.json", SpikingSummary)


def fragments_over(path: Path, contig: str, position: int, least_quality: int = 0) -> dict[str, set[str]]:
    """The bases that each fragment's reads show at a position, without duplicates; by a pileup of pysam."""
    found: dict[str, set[str]] = defaultdict(set)
    with pysam.AlignmentFile(str(path)) as reads:
        options: dict[str, Any] = {
            "truncate": True,
            "min_base_quality": least_quality,
            "ignore_overlaps": False,
            "max_depth": 10_000,
        }
        for column in reads.pileup(contig, position, position + 1, stepper="all", ignore_orphans=False, **options):
            for item in column.pileups:
                base = "*" if item.query_position is None else item.alignment.query_sequence[item.query_position]
                found[item.alignment.query_name].add(base)
    return found


def test_fragments_are_shared_out_whole_and_only_edited_ones_change(person: Path, folder: Path) -> None:
    before, tumor, normal = (texts(path) for path in (person / "normal.bam", folder / "tumor.bam", folder / "normal.bam"))
    assert not {name for name, _ in tumor} & {name for name, _ in normal}
    assert not tumor.keys() & normal.keys() and len(tumor) + len(normal) <= len(before)
    assert all(before[key] == text for key, text in normal.items())
    changed = {name for (name, flag), text in tumor.items() if before.get((name, flag)) != text}
    told = summary(folder)
    assert len(changed) == told.fragments_edited > 100
    assert told.records == {"tumor": len(tumor), "normal": len(normal)}
    missing = {name for name, _ in before} - {name for name, _ in tumor} - {name for name, _ in normal}
    assert len(missing) == told.fragments_dropped
    share = len({name for name, _ in tumor}) / len({name for name, _ in before})
    assert abs(share - 0.5) < 0.02


def test_the_truth_counts_what_a_pileup_shows(person: Path, folder: Path) -> None:
    truth = records(folder / "truth.vcf.gz")
    before = texts(person / "normal.bam")
    edited = {name for (name, flag), text in texts(folder / "tumor.bam").items() if before.get((name, flag)) != text}
    assert {record.info["CLASS"] for record in truth} == {"snv", "mnv", "insertion", "deletion"}
    assert len(truth) == sum(summary(folder).planted.values()) > 30
    with pysam.FastaFile(str(person / "reference.fa")) as reference:
        for record in truth:
            assert record.ref == reference.fetch(record.contig, record.start, record.stop)
            if record.info["CLASS"] in ("insertion", "deletion"):
                continue
            seen = fragments_over(folder / "tumor.bam", record.contig, record.start)
            carriers = [name for name, bases in seen.items() if record.alts[0][0] in bases and name in edited]  # others err
            counts = record.samples["tumor"]["AD"]
            showing = sum(record.alts[0][0] in bases for bases in seen.values())
            assert (
                len(seen) == sum(counts)
                and len(carriers) <= counts[1] <= showing
                and record.samples["tumor"]["DP"] == sum(counts)
            )
            assert record.samples["normal"]["AD"][1] == 0
            assert record.samples["normal"]["DP"] == len(fragments_over(folder / "normal.bam", record.contig, record.start))


def test_carriers_are_a_binomial_share_of_the_fragments(person: Path, tmp_path: Path) -> None:
    carriers = fragments = 0
    spread = []
    for seed in (1, 2, 3):
        out = spiked(person, tmp_path / str(seed), seed=seed, vaf=[0.4], types=["snv"])
        for record in records(out / "truth.vcf.gz"):
            reference, alternative = record.samples["tumor"]["AD"]
            carriers, fragments = carriers + alternative, fragments + reference + alternative
            expected = 0.4 * PURITY * (reference + alternative)
            spread.append((alternative - expected) ** 2 / (expected * (1 - 0.4 * PURITY)))
            assert record.info["AF"] == (pytest.approx(0.4),)
    assert stats.binomtest(carriers, fragments, 0.4 * PURITY).pvalue > 1e-3
    assert stats.chi2.sf(sum(spread), len(spread)) > 1e-3 and stats.chi2.cdf(sum(spread), len(spread)) > 1e-3


def test_nothing_is_planted_beside_what_is_germline(person: Path, folder: Path) -> None:
    germline: dict[str, list[int]] = defaultdict(list)
    for record in records(person / "truth.vcf.gz"):
        germline[record.contig].append(record.start)
    for record in records(folder / "truth.vcf.gz"):
        assert min((abs(record.start - other) for other in germline[record.contig]), default=99) > 8
    assert summary(folder).skipped["germline_variant_near"] > 0
    lines = (folder / "skipped.tsv").read_text().splitlines()
    assert lines[0] == "contig\tposition\tvariant\treason" and len(lines) - 1 == sum(summary(folder).skipped.values())


def test_variants_near_a_heterozygous_one_are_on_one_haplotype(person: Path, tmp_path: Path) -> None:
    hets = {
        (record.contig, record.start): record.alts[0]
        for record in records(person / "truth.vcf.gz")
        if record.info["EVENT"] == "GERMLINE_HET" and len(record.ref) == len(record.alts[0]) == 1
    }
    told = 0
    for seed in (1, 2):
        out = spiked(person, tmp_path / str(seed), seed=seed, vaf=[0.5], types=["snv"])
        for record in records(out / "truth.vcf.gz"):
            if "ON_HAPLOTYPE" not in record.info:
                continue
            here = fragments_over(out / "tumor.bam", record.contig, record.start)
            carriers = [name for name, bases in here.items() if record.alts[0] in bases]
            sides = []
            for (contig, place), base in hets.items():
                if contig == record.contig and abs(place - record.start) < 500:
                    there = fragments_over(out / "tumor.bam", contig, place, 13)
                    sides.append([base in there[name] for name in carriers if len(there.get(name, ())) == 1])
            assert any(len(set(side)) <= 1 for side in sides), record  # which of them told is not in the truth
            told += max(len(side) for side in sides if len(set(side)) <= 1)
    assert told > 40


def test_a_planned_variant_by_itself_is_on_a_haplotype_too(person: Path, folder: Path, tmp_path: Path) -> None:
    told = [record for record in records(folder / "truth.vcf.gz") if "ON_HAPLOTYPE" in record.info]
    for number, chosen in enumerate(told[:3]):
        plan = tmp_path / f"plan-{number}.vcf"
        with pysam.VariantFile(str(plan), "w", header=chosen.header) as out:
            out.write(chosen)
        alone = tmp_path / f"out-{number}"
        options = {name: value for name, value in CHOSEN.items() if name not in ("count", "lengths")}
        files = {"reads": person / "normal.bam", "reference": person / "reference.fa", "variants": plan, "output": alone}
        spike_variants(SpikeVariantsOptions(**files, **options))
        (planted,) = records(alone / "truth.vcf.gz")
        assert "ON_HAPLOTYPE" in planted.info
        assert planted.samples["tumor"]["AD"] == chosen.samples["tumor"]["AD"]  # same place, frequency and seed
    assert len(told) >= 3


def test_mates_and_tags_agree(person: Path, folder: Path, tmp_path: Path) -> None:
    pairs: dict[str, list[Any]] = defaultdict(list)
    with pysam.AlignmentFile(str(folder / "tumor.bam")) as reads:
        for read in reads.fetch(until_eof=True):
            if not read.flag & 0x900:
                pairs[read.query_name].append(read)
    for reads in pairs.values():
        for read, mate in (reads, reads[::-1]) if len(reads) == 2 else ():
            assert (read.next_reference_id, read.next_reference_start) == (mate.reference_id, mate.reference_start)
            assert read.template_length == -mate.template_length
    made = pysam.samtools.calmd(str(folder / "tumor.bam"), str(person / "reference.fa"))
    for line in made.splitlines():
        if not line.startswith("@"):
            fields = line.split("\t")
            tags = {tag[:5]: tag[5:] for tag in fields[11:]}
            read = (
                next(item for item in pairs[fields[0]] if item.flag == int(fields[1])) if not int(fields[1]) & 0x900 else None
            )
            if read is not None and read.has_tag("NM"):
                assert read.get_tag("NM") == int(tags["NM:i:"])


def test_the_same_bytes_by_two_processes_and_others_by_another_seed(person: Path, folder: Path, tmp_path: Path) -> None:
    again = spiked(person, tmp_path / "again", threads=2)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in again.iterdir())
    assert filecmp.cmpfiles(folder, again, names, shallow=False)[1:] == ([], [])
    other = spiked(person, tmp_path / "other", seed=2)
    places = [{(item.contig, item.pos) for item in records(where / "truth.vcf.gz")} for where in (folder, other)]
    assert len(places[0] & places[1]) < len(places[0]) / 4


def test_a_second_run_is_the_normal(person: Path, tmp_path: Path) -> None:
    out = spiked(person, tmp_path / "out", second_reads=person / "tumor.bam", tumor_depth=40)
    before = texts(person / "tumor.bam")
    assert texts(out / "normal.bam") == before
    original, tumor = texts(person / "normal.bam"), texts(out / "tumor.bam")
    assert 0.45 < len(tumor) / len(original) < 0.7  # 40 of about 70x
    with pysam.AlignmentFile(str(out / "tumor.bam")) as reads:
        assert {group["SM"] for group in reads.header.to_dict()["RG"]} == {"tumor"}
        assert reads.header.to_dict()["PG"][-1]["PN"] == "spike-variants"
    for record in records(out / "truth.vcf.gz"):
        if record.info["CLASS"] == "snv":
            assert record.samples["normal"]["DP"] == len(fragments_over(out / "normal.bam", record.contig, record.start))


def test_cram_in_and_out_has_the_reads_of_bam(person: Path, folder: Path, tmp_path: Path) -> None:
    cram = tmp_path / "reads.cram"
    pysam.view("-C", "-T", str(person / "reference.fa"), "-o", str(cram), str(person / "normal.bam"), catch_stdout=False)
    pysam.index(str(cram))
    out = spiked(person, tmp_path / "out", reads=cram, format="cram")
    for sample in ("tumor", "normal"):
        ours, theirs = texts(out / f"{sample}.cram", person / "reference.fa"), texts(folder / f"{sample}.bam")
        assert ours.keys() == theirs.keys()
        for key, text in theirs.items():
            assert ours[key].split("\t")[:11] == text.split("\t")[:11]
    assert [str(item) for item in records(out / "truth.vcf.gz")] == [str(item) for item in records(folder / "truth.vcf.gz")]
    # Eight workers leave htslib three threads for each sample, which choose compression as it happens, were they let.
    again = spiked(person, tmp_path / "again", reads=cram, format="cram", threads=8)
    for sample in ("tumor", "normal"):
        assert (again / f"{sample}.cram").read_bytes() == (out / f"{sample}.cram").read_bytes()


def write_plan(path: Path, person: Path, lines: list[str]) -> Path:
    with pysam.FastaFile(str(person / "reference.fa")) as reference:
        contigs = [f"##contig=<ID={name},length={reference.get_reference_length(name)}>" for name in reference.references]
    head = ["##fileformat=VCFv4.2", *contigs, '##INFO=<ID=AF,Number=A,Type=Float,Description="f">']
    path.write_text("\n".join([*head, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO", *lines]) + "\n")
    return path


def test_a_plan_is_planted_as_it_says(person: Path, tmp_path: Path) -> None:
    germline = {(item.contig, item.start) for item in records(person / "truth.vcf.gz")}
    taken = [place for contig, place in germline if contig == "chr1"]
    clear = [p for p in range(3_000, 22_000, 1_500) if min(abs(p - other) for other in taken) > 60]
    near = min(place for place in taken if 3_000 < place < 22_000)
    with pysam.FastaFile(str(person / "reference.fa")) as reference:
        text = reference.fetch("chr1")
    other = {"A": "C", "C": "G", "G": "T", "T": "A"}
    snv, deletion, insertion, replacement = clear[:4]
    lines = [
        f"chr1\t{snv + 1}\t.\t{text[snv]}\t{other[text[snv]]}\t.\t.\tAF=1",
        f"chr1\t{deletion + 1}\t.\t{text[deletion : deletion + 180]}\t{text[deletion]}\t.\t.\tAF=0.5",
        f"chr1\t{insertion + 1}\t.\t{text[insertion]}\t{text[insertion]}ACGTTGCATT\t.\t.\tAF=0.5",
        f"chr1\t{replacement + 1}\t.\t{text[replacement : replacement + 6]}\tTT{other[text[replacement]]}\t.\t.\tAF=0.5",
        f"chr1\t{near + 1}\t.\t{text[near]}\t<DEL>\t.\t.\tAF=0.5",
        f"chr1\t{near + 4}\t.\t{text[near + 3]}\t{other[text[near + 3]]}\t.\t.\tAF=0.5",
    ]
    plan = write_plan(tmp_path / "plan.vcf", person, sorted(lines, key=lambda line: int(line.split("\t")[1])))
    options = {key: value for key, value in CHOSEN.items() if key not in ("count", "lengths")}
    spike_variants(
        SpikeVariantsOptions(
            reads=person / "normal.bam", reference=person / "reference.fa", variants=plan, output=tmp_path / "out", **options
        )  # type: ignore[arg-type]
    )
    planted = {record.info["CLASS"]: record for record in records(tmp_path / "out" / "truth.vcf.gz")}
    assert planted.keys() == {"snv", "deletion", "insertion", "replacement"}
    assert planted["deletion"].stop - planted["deletion"].start == 180
    assert summary(tmp_path / "out").skipped == {"germline_variant_near": 1, "deletion_without_length": 1}
    assert summary(tmp_path / "out").fragments_dropped > 0
    first, behind = planted["deletion"].start + 1, planted["deletion"].stop
    with pysam.AlignmentFile(str(person / "normal.bam")) as reads:
        before = {(read.query_name, read.flag): read.template_length for read in reads.fetch("chr1")}
        whole = reads.count("chr1", deletion + 30, deletion + 150)
    with pysam.AlignmentFile(str(tmp_path / "out" / "tumor.bam")) as reads:
        near = list(reads.fetch("chr1", deletion - 400, deletion + 600))
        inside = reads.count("chr1", deletion + 30, deletion + 150)
    clipped_right = [read for read in near if abs(read.reference_end - first) < 3 and read.cigartuples[-1][0] == 4]
    clipped_left = [read for read in near if abs(read.reference_start - behind) < 3 and read.cigartuples[0][0] == 4]
    assert len(clipped_right) > 1 and len(clipped_left) > 1
    wider = [abs(read.template_length) - abs(before[read.query_name, read.flag]) for read in near]
    assert wider.count(179) > 4  # of pairs around it, none of which is aligned across
    carried = 0.5 * PURITY
    assert inside < 0.5 * whole * (1 - carried / 2)


def test_alleles_that_a_caller_gives_no_frequency_are_left_out(person: Path, tmp_path: Path) -> None:
    with pysam.FastaFile(str(person / "reference.fa")) as reference:
        bases = [reference.fetch("chr1", at - 1, at) for at in range(3_000, 25_000, 2_000)]
    lines = [
        f"chr1\t{at}\t.\t{base}\t{'A' if base != 'A' else 'C'}\t.\t.\tAF={0 if at < 10_000 else 0.5}"
        for at, base in zip(range(3_000, 25_000, 2_000), bases, strict=True)
    ]
    plan = write_plan(tmp_path / "plan.vcf", person, lines)
    options = {"reads": person / "normal.bam", "reference": person / "reference.fa", "variants": plan, "min_depth": 5}
    spike_variants(SpikeVariantsOptions(output=tmp_path / "out", **options))  # type: ignore[arg-type]
    rows = [line.split("\t") for line in (tmp_path / "out" / "skipped.tsv").read_text().splitlines()]
    assert [row[1] for row in rows if row[3] == "no_frequency"] == ["3000", "5000", "7000", "9000"]


def test_what_is_wrong_with_a_plan_is_told(person: Path, tmp_path: Path) -> None:
    with pysam.FastaFile(str(person / "reference.fa")) as reference:
        base = reference.fetch("chr1", 4_999, 5_000)
    for line, message in (
        ("chr9\t100\t.\tA\tC\t.\t.\t.", "contig 'chr9' is not in"),
        ("chr1\t900000\t.\tA\tC\t.\t.\t.", "no bases"),
        (f"chr1\t5000\t.\t{'A' if base != 'A' else 'C'}\tG\t.\t.\t.", "has REF"),
        (f"chr1\t5000\t.\t{base}\t{'A' if base != 'A' else 'C'}\t.\t.\tAF=1.5", "AF is 1.5"),
        (f"chr1\t5000\t.\t{base}\t<DUP>\t.\t.\t.", "no variant that could be planted"),
    ):
        plan = write_plan(tmp_path / "plan.vcf", person, [line])
        with pytest.raises(UserError, match=message):
            options = {"reads": person / "normal.bam", "reference": person / "reference.fa", "variants": plan}
            spike_variants(SpikeVariantsOptions(output=tmp_path / "out", **options))  # type: ignore[arg-type]
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"min_depth": 500}, "no place where a variant can be planted .*low_depth"),
        ({"tumor_depth": 60.0, "normal_depth": 30.0}, "--tumor-depth and --normal-depth together: more than there is"),
        ({"reference": "other.fa"}, "contig"),
        ({"reads": "reads.sam"}, "neither BAM nor CRAM"),
        ({"reads": "bare.bam"}, "no index"),
        ({"reads": "missing.bam"}, "no such file"),
        ({"regions": "off.bed"}, "no place where a variant can be planted"),
    ],
)
def test_wrong_input_is_one_line(person: Path, tmp_path: Path, more: dict[str, Any], message: str) -> None:
    (tmp_path / "other.fa").write_text(">else\nACGTACGTAC\n")
    (tmp_path / "off.bed").write_text("chr1\t0\t3\n")
    pysam.view("-h", "-o", str(tmp_path / "reads.sam"), str(person / "normal.bam"), catch_stdout=False)
    (tmp_path / "bare.bam").write_bytes((person / "normal.bam").read_bytes())
    given = {key: tmp_path / value if isinstance(value, str) else value for key, value in more.items()}
    with pytest.raises(UserError, match=message):
        spiked(person, tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"vaf": [0.5, 0.1]}, "the least first"),
        ({"vaf": [0.0, 0.1]}, "over 0 and up to 1"),
        ({"lengths": [9, 3]}, "the shortest first"),
        ({"lengths": [0]}, "1 bp or more"),
        ({"variants": "plan.vcf"}, "--count is for variants at random places"),
        ({"purity": 0.0}, "greater than 0"),
        ({"types": ["snp"]}, "snv"),
        ({"types": []}, "name at least one"),
        ({"second_reads": "a.bam"}, "the same file as --reads"),
    ],
)
def test_wrong_options_are_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SpikeVariantsOptions(reads="a.bam", reference="r.fa", output="o", **{**CHOSEN, **more})


def test_damaged_reads_leave_nothing(person: Path, tmp_path: Path) -> None:
    content = bytearray((person / "normal.bam").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 200] = bytes(200)
    (tmp_path / "bad.bam").write_bytes(content)
    (tmp_path / "bad.bam.bai").write_bytes((person / "normal.bam.bai").read_bytes())
    command = [sys.executable, "-m", "varproof.commands.spike_variants", "--reads", tmp_path / "bad.bam", "--count", "5"]
    done = subprocess.run(
        [*map(str, command), "--reference", str(person / "reference.fa"), "--output", str(tmp_path / "out"), "--quiet"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "bad.bam" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.bam", "bad.bam.bai"]


def test_names_that_are_no_text_end_in_one_line(person: Path, tmp_path: Path) -> None:
    from varproof.formats.bgzf import BLOCK_BYTES, END_OF_FILE
    from varproof.reads.bgzf import BgzfFile, compressed_block

    content = BgzfFile(str(person / "normal.bam")).read(1 << 30)
    with pysam.AlignmentFile(str(person / "normal.bam")) as reads:
        names = {read.query_name.encode() for read in reads.fetch("chr1", 20_000, 20_400)}
    with pysam.FastaFile(str(person / "reference.fa")) as reference:
        ref = reference.fetch("chr1", 20_199, 20_200)
    line = f"chr1\t20200\t.\t{ref}\t{'C' if ref == 'A' else 'A'}\t.\t.\tAF=1"
    plan = write_plan(tmp_path / "plan.vcf", person, [line])
    for name in names:
        content = content.replace(name + b"\0", b"\xff" + name[1:] + b"\0")
    bad = tmp_path / "bad.bam"
    blocks = [compressed_block(content[at : at + BLOCK_BYTES]) for at in range(0, len(content), BLOCK_BYTES)]
    bad.write_bytes(b"".join(blocks) + END_OF_FILE)
    pysam.index(str(bad))
    options = {key: value for key, value in CHOSEN.items() if key not in ("count", "lengths")}
    files = {"reads": bad, "reference": person / "reference.fa", "variants": plan, "output": tmp_path / "out"}
    with pytest.raises(UserError, match=r"bad\.bam: truncated or damaged at chr1:.* \(a read's name is no text\)"):
        spike_variants(SpikeVariantsOptions(**files, **options))
    assert not (tmp_path / "out").exists()


def test_numbers_that_hashes_give_are_uniform() -> None:
    from varproof.spiking.fragments import uniform

    for salts in ((1, 1), (1, 2), (2, 1), (7, 2, 0, 12_345)):
        numbers = uniform(np.arange(20_000), *salts)
        assert stats.kstest(numbers, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(uniform(np.arange(20_000), 1, 1), uniform(np.arange(20_000), 1, 2))[0, 1]) < 0.03


def test_hashes_of_a_list_are_those_of_each() -> None:
    """Also of integers over 2**63, which lie beside smaller ones."""
    from varproof.spiking.fragments import sample_of, uniform

    names = [3, 2**64 - 1, 2**63 + 5, 12, 2**62 + 1]
    assert uniform(names, 1, 2).tolist() == [uniform([name], 1, 2)[0] for name in names]
    assert sample_of(names, 4, 0.5, 0.3).tolist() == [sample_of(np.array([name], np.uint64), 4, 0.5, 0.3)[0] for name in names]
