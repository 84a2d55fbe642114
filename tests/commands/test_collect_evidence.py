"""collect-evidence, and what both executables that take reads do with inputs and outputs that are no good."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

from evidence_examples import PROPERTIES
from pair_examples import Pair, other_base, write_pair, write_records
from patience import FOR_EVER, PATIENCE
from small_bams import write_fasta
from varproof.commands.base import parse_options
from varproof.commands.collect_evidence import CollectEvidenceOptions, collect_evidence
from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
from varproof.formats.evidence import Evidence, EvidenceReader
from varproof.machinery.errors import UserError
from varproof.steps.estimate_alignment import EstimateAlignmentSettings, estimate_alignment
from varproof.steps.samples import measured_together, repeats_digest

NAME = "collect-evidence"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


def collect(pair: Pair, folder: Path, lines: list[Any] | None = None, name: str = "evidence.h5", **changes: Any) -> Path:
    values = {
        "candidates": write_records(folder / "candidates.vcf", pair.records() if lines is None else lines, pair),
        "reads": pair.tumor, "reference": pair.reference, "alignment": pair.properties, "output": folder / name,
    } | changes  # fmt: skip
    collect_evidence(CollectEvidenceOptions(**{key: value for key, value in values.items() if value is not None}))
    return folder / name


def read_evidence(path: Path) -> Evidence:
    with EvidenceReader(path) as reader:
        return reader.read(0, reader.size)


def support(evidence: Evidence, i: int) -> tuple[int, int]:
    """(fragments for, fragments against) a candidate."""
    rows = slice(evidence.offset[i], evidence.offset[i + 1])
    ratio, count = evidence.log_ratio[rows], evidence.count[rows]
    return int(count[ratio > 2].sum()), int(count[ratio < -2].sum())


def test_what_each_site_shows(pair: Pair, tmp_path: Path) -> None:
    whole = read_evidence(collect(pair, tmp_path))
    evidence = whole.rows(np.flatnonzero(whole.joined == 0))
    assert evidence.size == len(pair.sites) and (evidence.judged == 1).all()
    for i, site in enumerate(pair.sites):
        for_it, against = support(evidence, i)
        assert for_it / (for_it + against) == pytest.approx(site.tumor, abs=0.2), site.name
        assert for_it + against > 15
    assert (evidence.sampling_ratio[[0, 1, 4, 6]] == 1.0).all()
    assert evidence.sampling_ratio[5] < 0.8
    slips = evidence.slip_forward > 0
    assert slips.tolist() == [site.name == "repeat deletion" for site in pair.sites]


def test_provenance(pair: Pair, tmp_path: Path) -> None:
    with EvidenceReader(collect(pair, tmp_path)) as reader:
        text = reader.attribute("provenance")
    assert '"executable": "collect-evidence"' in text and "tumor.bam" in text and "evidence.h5" not in text


def test_one_row_per_allele_judged_or_not(pair: Pair, tmp_path: Path) -> None:
    position, ref, alt = pair.records()[0]
    lines = [
        (position, ref, f"{alt},<DUP>"),
        f"chr1\t{position + 2}\t.\t{pair.sequence[position + 1]}\t.\t.\t.\t.",
        f"chr1\t{position + 3}\t.\t{pair.sequence[position + 2]}\t*\t.\t.\t.",
    ]
    evidence = read_evidence(collect(pair, tmp_path, lines))
    assert evidence.judged.tolist() == [1, 0, 0]
    assert np.diff(evidence.offset)[1:].tolist() == [0, 0]


def test_no_candidates(pair: Pair, tmp_path: Path) -> None:
    assert read_evidence(collect(pair, tmp_path, [])).size == 0


def test_same_bytes_twice_and_with_threads(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("varproof.variants.chunks.CHUNK_CANDIDATES", 3)
    made = [collect(pair, tmp_path, name=f"{i}.h5", threads=threads).read_bytes() for i, threads in enumerate((1, 1, 2))]
    assert made[0] == made[1] == made[2]


def write_cram(pair: Pair, path: Path) -> Path:
    """The tumour's reads as an indexed CRAM."""
    with (
        pysam.AlignmentFile(str(pair.tumor)) as source,
        pysam.AlignmentFile(str(path), "wc", template=source, reference_filename=str(pair.reference)) as target,
    ):
        for read in source:
            target.write(read)
    pysam.index(str(path))
    return path


def test_cram_shows_the_same(pair: Pair, tmp_path: Path) -> None:
    cram = write_cram(pair, tmp_path / "tumor.cram")
    one, two = read_evidence(collect(pair, tmp_path)), read_evidence(collect(pair, tmp_path, name="c.h5", reads=cram))
    np.testing.assert_array_equal(one.log_ratio, two.log_ratio)
    np.testing.assert_array_equal(one.count, two.count)


def test_where_an_indel_of_a_repeat_is_written_does_not_matter(pair: Pair, tmp_path: Path) -> None:
    """CACA is lost from eight repeats of CA, at any of seven places; and the insertion of a tandem copy likewise."""
    repeat, tandem = (next(site.locus for site in pair.sites if site.name == name) for name in ("repeat deletion", "tandem"))
    seen = []
    for shift in (0, 2, 6, 12):
        deletion = repeat.start - 1 + shift
        insertion = tandem.start - 1 - shift
        inserted = pair.sequence[tandem.start - shift : tandem.start] + tandem.alt[: 12 - shift] if shift else tandem.alt
        lines = [
            (deletion, pair.sequence[deletion : deletion + 5], pair.sequence[deletion]),
            (insertion, pair.sequence[insertion], pair.sequence[insertion] + inserted),
        ]
        seen.append(read_evidence(collect(pair, tmp_path, lines, f"{shift}.h5")))
    assert [support(seen[0], i)[0] > 5 for i in range(2)] == [True, True]
    for other in seen[1:]:
        for name in ("offset", "log_ratio", "mapq", "strand", "count", "sampling_ratio"):
            np.testing.assert_allclose(getattr(other, name), getattr(seen[0], name), rtol=1e-5, atol=1e-4, err_msg=name)


def test_the_order_of_reads_that_start_alike_does_not_matter(pair: Pair, tmp_path: Path) -> None:
    turned = tmp_path / "turned.bam"
    with pysam.AlignmentFile(str(pair.tumor)) as source, pysam.AlignmentFile(str(turned), "wb", template=source) as target:
        for read in sorted(reversed(list(source)), key=lambda read: (read.reference_id, read.reference_start)):
            target.write(read)
    pysam.index(str(turned))
    one, two = (
        read_evidence(collect(pair, tmp_path, name=f"{i}.h5", reads=path)) for i, path in enumerate((pair.tumor, turned))
    )
    for i in range(one.size):
        rows = []
        for item in (one, two):
            part = slice(item.offset[i], item.offset[i + 1])
            columns = (
                item.log_ratio,
                item.mapq,
                item.strand,
                item.orientation,
                item.log_error_ratio,
                item.read_context,
                item.count,
            )
            rows.append(sorted(zip(*(column[part].tolist() for column in columns), strict=True)))
        assert rows[0] == rows[1]


# bad inputs: one UserError that says which file, and nothing left behind


def broken(make: Callable[[Pair, Path], dict[str, Any]], pair: Pair, tmp_path: Path) -> str:
    """The message of collect-evidence for changed options; nothing but what `make` made may be in the folder."""
    inputs, outputs = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    outputs.mkdir()
    changes = make(pair, inputs)
    values = {
        "candidates": inputs / "candidates.vcf", "reads": pair.tumor, "reference": pair.reference,
        "alignment": pair.properties, "output": outputs / "evidence.h5",
    } | changes  # fmt: skip
    if "candidates" not in changes:
        write_records(inputs / "candidates.vcf", pair.records(), pair)
    before = sorted(inputs.iterdir())
    with pytest.raises(UserError) as caught:
        collect_evidence(CollectEvidenceOptions(**values))
    assert list(outputs.iterdir()) == []
    assert sorted(inputs.iterdir()) == before
    message = str(caught.value)
    assert "\n" not in message
    return message


def no_index(pair: Pair, folder: Path) -> dict[str, Any]:
    shutil.copy(pair.tumor, folder / "reads.bam")
    return {"reads": folder / "reads.bam"}


def truncated(pair: Pair, folder: Path) -> dict[str, Any]:
    content = pair.tumor.read_bytes()
    (folder / "reads.bam").write_bytes(content[: len(content) * 2 // 3])
    shutil.copy(f"{pair.tumor}.bai", folder / "reads.bam.bai")
    return {"reads": folder / "reads.bam"}


def text_as_reads(_: Pair, folder: Path) -> dict[str, Any]:
    (folder / "reads.bam").write_text("no reads\n")
    return {"reads": folder / "reads.bam"}


def wrong_ref(pair: Pair, folder: Path) -> dict[str, Any]:
    records = pair.records()
    position, ref, alt = records[1]
    records[1] = (position, next(b for b in "ACGT" if b not in (ref, alt)), alt)
    return {"candidates": write_records(folder / "candidates.vcf", records, pair)}


def unsorted(pair: Pair, folder: Path) -> dict[str, Any]:
    return {"candidates": write_records(folder / "candidates.vcf", pair.records()[::-1], pair)}


def split_contigs(pair: Pair, folder: Path) -> dict[str, Any]:
    lines = [pair.records()[0], "chr2\t50\t.\tA\tC\t.\t.\t.", pair.records()[1]]
    return {"candidates": write_records(folder / "candidates.vcf", lines, pair)}


def other_contig(pair: Pair, folder: Path) -> dict[str, Any]:
    path = write_records(folder / "candidates.vcf", pair.records(), pair)
    path.write_text(path.read_text().replace("chr1", "1"))
    return {"candidates": path}


def beyond_contig(pair: Pair, folder: Path) -> dict[str, Any]:
    path = write_records(folder / "candidates.vcf", ["chr2\t3000\t.\tA\tC\t.\t.\t."], pair)
    path.write_text(path.read_text().replace("length=2060", "length=9999"))
    return {"candidates": path}


def other_reference(pair: Pair, folder: Path) -> dict[str, Any]:
    return {"reference": write_fasta(folder / "other.fa", {"1": pair.sequence})}


def longer_reference(pair: Pair, folder: Path) -> dict[str, Any]:
    return {"reference": write_fasta(folder / "longer.fa", {"chr1": pair.sequence + "ACGT", "chr2": "ACGT" * 515})}


def cram_without_its_reference(pair: Pair, folder: Path) -> dict[str, Any]:
    """Made with one sequence, read with another of the same length."""
    cram = write_cram(pair, folder / "reads.cram")
    sequence = "".join(other_base(base) for base in pair.sequence)
    other = write_fasta(folder / "other.fa", {"chr1": sequence, "chr2": "ACGT" * 515})
    records = [(5, sequence[5], other_base(sequence[5]))]
    return {"reads": cram, "reference": other, "candidates": write_records(folder / "candidates.vcf", records, pair)}


def alignment_typo(pair: Pair, folder: Path) -> dict[str, Any]:
    text = pair.properties.read_text().replace("insert_size_sd", "insert_size_standard_deviation")
    (folder / "alignment.json").write_text(text)
    return {"alignment": folder / "alignment.json"}


def alignment_negative(pair: Pair, folder: Path) -> dict[str, Any]:
    (folder / "alignment.json").write_text(PROPERTIES.model_dump_json(by_alias=True).replace("300.0", "-300.0"))
    return {"alignment": folder / "alignment.json"}


def alignment_no_json(_: Pair, folder: Path) -> dict[str, Any]:
    (folder / "alignment.json").write_text("{'insert_size_mean': 300}")
    return {"alignment": folder / "alignment.json"}


def no_vcf(_: Pair, folder: Path) -> dict[str, Any]:
    (folder / "candidates.vcf").write_text("chr1\t100\tA\tC\n")
    return {"candidates": folder / "candidates.vcf"}


def broken_vcf(pair: Pair, folder: Path) -> dict[str, Any]:
    plain = write_records(folder / "candidates.vcf", pair.records() * 1, pair)
    zipped = folder / "candidates.vcf.gz"
    pysam.tabix_compress(str(plain), str(zipped))
    content = zipped.read_bytes()
    zipped.write_bytes(content[: len(content) // 2])
    return {"candidates": zipped}


def no_fasta(_: Pair, folder: Path) -> dict[str, Any]:
    (folder / "reference.fa").mkdir()
    return {"reference": folder / "reference.fa"}


def absent(option: str) -> Callable[[Pair, Path], dict[str, Any]]:
    return lambda _, folder: {option: folder / "nowhere"}


BAD_INPUTS: dict[str, tuple[Callable[[Pair, Path], dict[str, Any]], list[str]]] = {
    "no index": (no_index, ["reads.bam", "samtools index"]),
    "truncated": (truncated, ["reads.bam", "truncated"]),
    "no BAM": (text_as_reads, ["reads.bam"]),
    "REF differs": (wrong_ref, ["candidates.vcf", "chr1:1401", "REF", "reference"]),
    "not sorted": (unsorted, ["candidates.vcf", "not sorted", "record 2", "bcftools sort"]),
    "contig comes back": (split_contigs, ["candidates.vcf", "chr1 comes back at record 3", "bcftools sort"]),
    "contig not in reference": (other_contig, ["candidates.vcf", "contig '1'", "reference.fa", "chr1"]),
    "beyond the contig": (beyond_contig, ["candidates.vcf", "chr2:3000", "2060 bp"]),
    "reference has other contigs": (other_reference, ["contig 'chr1'", "other.fa"]),
    "reference has other lengths": (longer_reference, ["chr1", "6300 bp", "6304 bp"]),
    "CRAM of another reference": (cram_without_its_reference, ["reads.cram", "--reference"]),
    "typo in alignment.json": (alignment_typo, ["alignment.json", "insert_size_standard_deviation"]),
    "impossible alignment.json": (alignment_negative, ["alignment.json", "insert_size_mean"]),
    "alignment.json is none": (alignment_no_json, ["alignment.json", "not valid JSON"]),
    "no VCF": (no_vcf, ["candidates.vcf"]),
    "truncated VCF": (broken_vcf, ["candidates.vcf.gz"]),
    "no FASTA": (no_fasta, ["reference.fa", "folder"]),
    "missing candidates": (absent("candidates"), ["nowhere", "no such file"]),
    "missing reads": (absent("reads"), ["nowhere", "no such file"]),
    "missing reference": (absent("reference"), ["nowhere", "no such file"]),
    "missing alignment.json": (absent("alignment"), ["nowhere"]),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_bad_input_is_named(case: str, pair: Pair, tmp_path: Path) -> None:
    make, words = BAD_INPUTS[case]
    message = broken(make, pair, tmp_path)
    for word in words:
        assert word in message


@pytest.mark.parametrize("threads", [1, 2])
def test_mistakes_found_by_workers_are_the_same(
    threads: int, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("varproof.variants.chunks.CHUNK_CANDIDATES", 1)
    message = broken(lambda pair, folder: wrong_ref(pair, folder) | {"threads": threads}, pair, tmp_path)
    assert "chr1:1401" in message


@pytest.mark.parametrize(
    "case", ["no index", "truncated", "REF differs", "CRAM of another reference", "typo in alignment.json"]
)
def test_score_posterior_says_the_same(case: str, pair: Pair, tmp_path: Path) -> None:
    make, words = BAD_INPUTS[case]
    changes = make(pair, tmp_path)
    candidates = changes.get("candidates") or write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    values = pair.options(candidates, tmp_path / "out.vcf") | {"normal": None, "alignment_normal": None}
    for name, value in changes.items():
        values[{"reads": "tumor", "alignment": "alignment_tumor"}.get(name, name)] = value
    with pytest.raises(UserError) as caught:
        score_posterior(ScorePosteriorOptions(**{key: value for key, value in values.items() if value is not None}))
    for word in words:
        assert word in str(caught.value)
    assert not (tmp_path / "out.vcf").exists()


def test_outputs_that_cannot_be(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "folder.h5").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        collect(pair, tmp_path, name="folder.h5")
    with pytest.raises(UserError, match="does not exist"):
        collect(pair, tmp_path, name="nowhere/evidence.h5")


def test_options() -> None:
    short = ["--candidates", "c.vcf", "--reads", "r.bam", "--reference", "r.fa", "--output", "e.h5"]
    assert parse_options(NAME, CollectEvidenceOptions, short).max_depth == 100_000
    for wrong in (["--max-depth", "3"], ["--threads", "-1"], ["--depth", "3"]):
        with pytest.raises((UserError, SystemExit)):
            parse_options(NAME, CollectEvidenceOptions, short + wrong)


# as programs: exit codes, interruptions, a full disk

SLOW = """
import sys, time
import varproof.evidence.pipeline as pipeline
collect = pipeline.collect_into
def slowly(writer, files, workers, journal):
    total = collect(writer, files, workers, journal)
    print("half way", file=sys.stderr, flush=True)
    time.sleep({forever})
    return total
pipeline.collect_into = slowly
from varproof.commands.{module} import main
main()
"""


def arguments_of(values: dict[str, Any]) -> list[str]:
    return [part for key, value in values.items() for part in ("--" + key.replace("_", "-"), str(value))]


def collect_arguments(pair: Pair, tmp_path: Path, output: Path) -> list[str]:
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    return arguments_of(
        {
            "candidates": candidates,
            "reads": pair.tumor,
            "reference": pair.reference,
            "alignment": pair.properties,
            "output": output,
        }
    )


@pytest.mark.parametrize(
    ("module", "signal_number"), [("collect_evidence", signal.SIGINT), ("score_posterior", signal.SIGTERM)]
)
def test_interrupted_half_way(module: str, signal_number: int, pair: Pair, tmp_path: Path) -> None:
    """Ctrl-C, or a batch system's SIGTERM: exit 130, no file, no temporary folder."""
    output, temporary = tmp_path / "out", tmp_path / "tmp"
    output.mkdir()
    temporary.mkdir()
    arguments = collect_arguments(pair, tmp_path, output / "evidence.h5")
    if module == "score_posterior":
        arguments = arguments_of(pair.options(tmp_path / "candidates.vcf", output / "out.vcf"))
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW.format(module=module, forever=FOR_EVER), *arguments],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ | {"TMPDIR": str(temporary)},
    )  # fmt: skip
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "half way" in line:
                break
        assert list(output.iterdir()) or list(temporary.iterdir())
        process.send_signal(signal_number)
        _, stderr = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "interrupted" in stderr and "Traceback" not in stderr
    assert list(output.iterdir()) == [] and list(temporary.iterdir()) == []


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes}, {bytes}))
from varproof.commands.{module} import main
main()
"""


def run_limited(module: str, size: int, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """A run whose files can't grow over `size` bytes: writing fails like on a full disk."""
    code = LIMITED.format(bytes=size, module=module)
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)


def test_evidence_on_a_full_disk(pair: Pair, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    failed = run_limited("collect_evidence", 3000, collect_arguments(pair, tmp_path, output / "evidence.h5"))
    assert failed.returncode not in (0, None)
    assert list(output.iterdir()) == []
    assert "Traceback" not in failed.stderr, failed.stderr
    assert failed.stderr.strip().splitlines()[-1].startswith("collect-evidence: error:")


def test_scores_on_a_full_disk(pair: Pair, tmp_path: Path) -> None:
    output, name = tmp_path / "out", "out.vcf.gz"
    output.mkdir()
    evidence = {
        sample: collect(pair, tmp_path, name=f"{sample}.h5", reads=getattr(pair, sample)) for sample in ("tumor", "normal")
    }
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    values = {key: value for key, value in pair.options(candidates, output / name).items() if not key.startswith("alignment")}
    failed = run_limited("score_posterior", 1500, arguments_of(values | evidence))
    assert failed.returncode not in (0, None)
    assert list(output.iterdir()) == []
    assert "Traceback" not in failed.stderr, failed.stderr
    assert failed.stderr.strip().splitlines()[-1].startswith("score-posterior: error:")


def test_program(pair: Pair, tmp_path: Path) -> None:
    output = tmp_path / "evidence.h5"
    command = [sys.executable, "-m", "varproof.commands.collect_evidence"]
    done = subprocess.run([*command, *collect_arguments(pair, tmp_path, output)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "" and output.exists()
    output.unlink()
    arguments = collect_arguments(pair, tmp_path, output)
    arguments[arguments.index("--reads") + 1] = str(tmp_path / "nowhere.bam")
    failed = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert failed.returncode == 2
    assert failed.stderr.strip() == f"collect-evidence: error: {tmp_path}/nowhere.bam: no such file"
    assert not output.exists()


def measured(pair: Pair, folder: Path) -> tuple[Path, Path]:
    """alignment.json of both samples, each by itself."""
    files = folder / "tumor.json", folder / "normal.json"
    for reads, output in zip((pair.tumor, pair.normal), files, strict=True):
        estimate_alignment(EstimateAlignmentSettings(reads=reads, reference=pair.reference, output=output))
    return files


def score_evidence(pair: Pair, folder: Path, tumor: Path, normal: Path) -> None:
    score_posterior(
        ScorePosteriorOptions(
            candidates=folder / "candidates.vcf", reference=pair.reference, tumor=tumor, normal=normal,
            territory=1e5, output=folder / "scored.vcf",
        )
    )  # fmt: skip


def test_repeats_are_measured_in_both_samples(pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Told of each other's, both samples have one measurement; else scoring warns."""
    tumor, normal = measured(pair, tmp_path)
    alone = [
        collect(pair, tmp_path, name="t1.h5", alignment=tumor),
        collect(pair, tmp_path, name="n1.h5", reads=pair.normal, alignment=normal),
    ]
    shared = [
        collect(pair, tmp_path, name="t2.h5", alignment=tumor, repeats=[normal]),
        collect(pair, tmp_path, name="n2.h5", reads=pair.normal, alignment=normal, repeats=[tumor]),
    ]
    score_evidence(pair, tmp_path, *alone)
    assert "repeats were measured in each sample apart" in caplog.text
    caplog.clear()
    score_evidence(pair, tmp_path, *shared)
    assert "repeats" not in caplog.text


def test_what_score_posterior_measures_is_shared(pair: Pair, tmp_path: Path) -> None:
    """Given, measured, or one of each: the repeats of both samples are the same, other properties each sample's own."""
    tumor, normal = measured(pair, tmp_path)
    samples = [pair.tumor, pair.normal]
    together = measured_together(samples, pair.reference, [None, None])
    for given in ([tumor, normal], [tumor, None], [None, normal], [None, None]):
        found = measured_together(samples, pair.reference, given)
        assert repeats_digest(found[0]) == repeats_digest(found[1]) != ""
        assert [item.depth for item in found] == [item.depth for item in together]
    profiles = [item.error_profile for item in together]
    assert profiles[0] is not None and profiles[1] is not None
    assert profiles[0].slippage == profiles[1].slippage and profiles[0].quality_all != profiles[1].quality_all
