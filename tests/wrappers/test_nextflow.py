"""The pipeline on the engines that it is for: the same small pair, judged on each, with the same result."""

import json
from pathlib import Path

import h5py
import numpy as np
import pysam
import pytest

from varproof import __version__
from wrappers.callers import Called
from wrappers.containers import Engine
from wrappers.machine import TEST_DATA, ran_on
from wrappers.vcf_text import vcf_text
from wrappers.workflow import PIPELINE, Nextflow, Run

pytestmark = pytest.mark.timeout(1200)

CALLS = [
    "posterior/simulated.posterior.vcf.gz", "network/simulated.network.vcf.gz", "combined/simulated.combined.vcf.gz",
    "calls/simulated.posterior.filtered.vcf.gz", "calls/simulated.network.filtered.vcf.gz",
    "calls/simulated.combined.filtered.vcf.gz",
]  # fmt: skip
WITHOUT_NETWORK = [name for name in CALLS if ".posterior." in name]
POSTERIOR_ONLY = ("--model", "false", "--chunks", "1", "--skip_multiqc")


@pytest.fixture(scope="module")
def interrupted(nextflow: Nextflow, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, dict[str, int]]:
    """The test profile in three chunks, killed half-way and resumed to its end; how many tasks were done before."""
    folder = tmp_path_factory.mktemp("local")
    done = nextflow.killed(folder, "VARPROOF_COLLECTEVIDENCE", "-profile", "test")
    return nextflow.pipeline(folder, "-profile", "test", "-resume"), done


@pytest.fixture(scope="module")
def local(interrupted: tuple[Run, dict[str, int]]) -> Run:
    return interrupted[0]


def true_somatic() -> set[tuple[str, int, str, str]]:
    with pysam.VariantFile(str(TEST_DATA / "truth.vcf.gz")) as handle:
        return {(r.contig, r.pos, r.ref, r.alts[0]) for r in handle if r.info["EVENT"] == "SOMATIC_TUMOR"}


def called(path: Path) -> set[tuple[str, int, str, str]]:
    with pysam.VariantFile(str(path)) as handle:
        return {(r.contig, r.pos, r.ref, alt) for r in handle for alt in r.alts}


def test_calls_are_right(request: pytest.FixtureRequest, nextflow: Nextflow, local: Run) -> None:
    """Local: both judgements and their combination find the somatic variants of the truth"""
    ran_on(request, "Nextflow", nextflow.version)
    truth = true_somatic()
    for branch in ("posterior", "network", "combined"):
        found = called(local.results / "calls" / f"simulated.{branch}.filtered.vcf.gz")
        assert len(found & truth) >= 0.85 * len(truth), branch
        assert len(found - truth) <= 0.15 * len(found), branch
        assert (local.results / "metrics" / f"simulated.{branch}.metrics.html").stat().st_size > 100_000
    assert 'href="simulated.review.html#' in (local.results / "pages" / "simulated.report.html").read_text()
    assert (local.results / "pages" / "simulated.review.html").stat().st_size > 100_000
    assert len((local.results / "calls" / "simulated.combined.filtered.vaf.tsv").read_text().splitlines()) > 40
    assert f"varproof: '{__version__}'" in (local.results / "pipeline_info" / "versions.yml").read_text()


def test_resume_repeats_nothing(
    request: pytest.FixtureRequest, nextflow: Nextflow, interrupted: tuple[Run, dict[str, int]]
) -> None:
    """Killed half-way and resumed: what was done is not done again"""
    ran_on(request, "Nextflow", nextflow.version)
    run, done = interrupted
    cached = [name for name, status in run.statuses().items() if status == "CACHED"]
    assert sum(done.values()) >= 4 and done["VARPROOF_COLLECTEVIDENCE"] >= 1
    for process, number in done.items():
        assert sum(name.startswith(process) for name in cached) >= number, process
    assert {"COMPLETED", "CACHED"} == set(run.statuses().values())


def test_scattered_is_unscattered(request: pytest.FixtureRequest, nextflow: Nextflow, local: Run) -> None:
    """Three chunks give the bytes that one gives, headers aside"""
    ran_on(request, "Nextflow", nextflow.version)
    assert sum("VARPROOF_COLLECTEVIDENCE" in name for name in local.statuses()) == 6
    scattered = {name: local.calls(name) for name in CALLS}
    prior = (local.results / "posterior" / "simulated.posterior.prior.json").read_text()
    folder = local.folder.parent / "unscattered"
    work = ("-work-dir", local.folder / "work")
    run = nextflow.pipeline(folder, "-profile", "test", "--chunks", "1", "--skip_multiqc", *work)
    assert sum("VARPROOF_COLLECTEVIDENCE" in name for name in run.statuses()) == 2
    for name, lines in scattered.items():
        assert run.calls(name) == lines, name
        assert len(lines) > 40
    assert (run.results / "posterior" / "simulated.posterior.prior.json").read_text() == prior


def evidence_of(run: Run, name: str) -> Path:
    """A gathered file in the work folder of a run."""
    return next(path for path in run.folder.glob(f"work/*/*/{name}") if not path.is_symlink())


def test_gathered_evidence(request: pytest.FixtureRequest, nextflow: Nextflow, local: Run) -> None:
    """Gathered evidence and tensors are those that were collected in one go"""
    ran_on(request, "Nextflow", nextflow.version)
    for name in ("tumor", "normal", "tensors"):
        found, expected = evidence_of(local, f"simulated.{name}.h5"), TEST_DATA / f"{name}.h5"
        with h5py.File(found) as one, h5py.File(expected) as other:
            for table in other:
                values, wanted = one[table][:], other[table][:]
                if values.dtype.names:
                    kept = [field for field in values.dtype.names if field != "label"]
                    values, wanted = values[kept], wanted[kept]
                assert np.array_equal(values, wanted), (name, table)


def test_multiqc(request: pytest.FixtureRequest, nextflow: Nextflow, local: Run) -> None:
    """MultiQC's report shows kept calls, what became of the rest, frequencies and the truth"""
    ran_on(request, "Nextflow", nextflow.version)
    data = local.results / "multiqc" / "multiqc_report_data"
    page = (local.results / "multiqc" / "multiqc_report.html").read_text()
    for section in ("Kept calls", "What became of the candidates", "Allele frequencies", "Against the truth"):
        assert section in page
    general = (data / "multiqc_general_stats.txt").read_text().splitlines()
    kept = len(called(local.results / "calls" / "simulated.posterior.filtered.vcf.gz"))
    assert f"\t{kept}" in general[1].replace(".0", "") and "195" in general[1]


def container_config(folder: Path) -> Path:
    """MultiQC's own image is in a registry: here it runs without a container."""
    path = folder / "here.config"
    path.write_text("process {\n    withName: MULTIQC {\n        container = null\n    }\n}\n")
    return path


def test_docker(
    request: pytest.FixtureRequest,
    nextflow: Nextflow,
    docker: Engine,
    local: Run,
    core_image: str,
    cnn_image: str,
    tmp_path: Path,
) -> None:
    """The whole pipeline in Docker: the bytes of the local run"""
    ran_on(request, f"Nextflow {nextflow.version},", f"{docker.name} {docker.version}")
    images = ("--image", core_image, "--image_cnn", cnn_image)
    run = nextflow.pipeline(tmp_path, "-profile", "test,docker", *images, "-c", container_config(tmp_path))
    for name in CALLS:
        assert run.calls(name) == local.calls(name), name


def test_podman(
    request: pytest.FixtureRequest, nextflow: Nextflow, podman: Engine, podman_core_image: str, local: Run, tmp_path: Path
) -> None:
    """The posterior in Podman: the bytes of the local run"""
    ran_on(request, f"Nextflow {nextflow.version},", f"{podman.name} {podman.version}")
    run = nextflow.pipeline(tmp_path, "-profile", "test,podman", "--image", podman_core_image, *POSTERIOR_ONLY)
    for name in WITHOUT_NETWORK:
        assert run.calls(name) == local.calls(name), name


@pytest.mark.parametrize("profile", ["apptainer", "singularity"])
def test_apptainer(
    profile: str,
    request: pytest.FixtureRequest,
    nextflow: Nextflow,
    apptainer: Engine,
    local: Run,
    core_sif: Path,
    cnn_sif: Path,
    tmp_path: Path,
) -> None:
    """The whole pipeline in Apptainer, also by its other name: the bytes of the local run"""
    ran_on(request, f"Nextflow {nextflow.version},", f"{apptainer.name} {apptainer.version}")
    names, extra = CALLS, ["--image_cnn", cnn_sif, "-c", container_config(tmp_path)]
    if profile == "singularity":
        names, extra = WITHOUT_NETWORK, [*POSTERIOR_ONLY]
    run = nextflow.pipeline(tmp_path, "-profile", f"test,{profile}", "--image", core_sif, *extra)
    for name in names:
        assert run.calls(name) == local.calls(name), name


def test_slurm(
    request: pytest.FixtureRequest,
    nextflow: Nextflow,
    apptainer: Engine,
    slurm: Engine,
    local: Run,
    core_sif: Path,
    tmp_path: Path,
) -> None:
    """On a SLURM cluster, each task a job in Apptainer: the bytes of the local run"""
    ran_on(request, f"Nextflow {nextflow.version},", f"{slurm.name} {slurm.version}, {apptainer.name} {apptainer.version}")
    run = nextflow.pipeline(tmp_path, "-profile", "test,slurm,apptainer", "--image", core_sif, *POSTERIOR_ONLY)
    for name in WITHOUT_NETWORK:
        assert run.calls(name) == local.calls(name), name
    assert (run.folder / ".nextflow.log").read_text().count("[SLURM] submitted process") == len(run.statuses()) >= 9


def test_mutect2(request: pytest.FixtureRequest, nextflow: Nextflow, mutect2: Called, tmp_path: Path) -> None:
    """Mutect2's file, unmodified, through the whole pipeline: every record is judged, and the planted variants are found"""
    ran_on(request, f"Nextflow {nextflow.version},", f"{mutect2.engine.name} {mutect2.engine.version}")
    sheet = tmp_path / "sheet.csv"
    columns = "patient,tumor,normal,candidates,purity,truth"
    pair = f"{TEST_DATA / 'tumor.bam'},{TEST_DATA / 'normal.bam'}"
    sheet.write_text(f"{columns}\none,{pair},{mutect2.path},0.75,{TEST_DATA / 'truth.vcf.gz'}\n")
    genome = ("--fasta", TEST_DATA / "reference.fa", "--model", TEST_DATA / "model.keras")
    run = nextflow.pipeline(tmp_path, "--input", sheet, *genome, "--chunks", "2", "-c", limited(tmp_path))
    given, truth = vcf_text(mutect2.path), true_somatic()
    listed = called(mutect2.path) & truth
    assert len(listed) >= 0.7 * len(truth)
    for branch in ("posterior", "network", "combined"):
        judged = vcf_text(run.results / branch / f"one.{branch}.vcf.gz")
        assert [record[:5] for record in judged.records] == [record[:5] for record in given.records]
        assert judged.samples == given.samples
        found = called(run.results / "calls" / f"one.{branch}.filtered.vcf.gz")
        assert len(found & listed) >= 0.85 * len(listed), branch


SHEET = """\
patient,tumour,normal,candidates,purity,contexts
one,{data}/tumor.bam,{data}/normal.bam,{data}/candidates.vcf.gz,1.7,
one,{data}/tumor.bam,,nowhere.vcf.gz,,
t wo,{data}/reference.fa,{data}/tumor.bam,,abc,{data}/context-1.bam;missing.bam
three,,{data}/normal.bam,,,
four,{data}/tumor.bam
"""


def test_strict_syntax(request: pytest.FixtureRequest, nextflow: Nextflow, tmp_path: Path) -> None:
    """The strict syntax takes all scripts and configurations; stubs run, with contexts from a pool"""
    ran_on(request, "Nextflow", nextflow.version)
    pool = tmp_path / "pool.tsv"
    pool.write_text(f"sample\tpatient\tlibrary\treads\nc1\tsomebody\tpcr\t{TEST_DATA / 'context-1.bam'}\n")
    run = nextflow.strict().pipeline(tmp_path, "-profile", "test", "-stub", "--context_pool", pool, "--contexts", "1")
    assert "Error" not in run.log and "ERROR" not in run.log
    assert (run.results / "multiqc" / "multiqc_report.html").exists()
    (table,) = tmp_path.glob("work/*/*/context-pool.tsv")
    lines = [line.split("\t") for line in table.read_text().splitlines()]
    assert lines == [["sample", "patient", "library", "reads"], ["c1", "somebody", "pcr", "context1/context-1.bam"]]
    assert (table.parent / "context1" / "context-1.bam").exists() and (table.parent / "context1" / "context-1.bam.bai").exists()


def test_mistakes_in_the_samplesheet(request: pytest.FixtureRequest, nextflow: Nextflow, tmp_path: Path) -> None:
    """All mistakes of a samplesheet at once, each with its line and column"""
    ran_on(request, "Nextflow", nextflow.version)
    (tmp_path / "sheet.csv").write_text(SHEET.format(data=TEST_DATA))
    run = nextflow.run(
        tmp_path, PIPELINE, "--input", "sheet.csv", "--fasta", TEST_DATA / "reference.fa", "--outdir", tmp_path / "results"
    )  # fmt: skip
    assert run.code != 0
    for message in (
        "line 2, column 'purity': '1.7' is not a fraction over 0 and at most 1",
        "line 3, column 'candidates': no such file: nowhere.vcf.gz, neither beside the samplesheet nor where",
        "line 3, column 'patient': 'one' is also on line 2",
        "line 4, column 'patient': 't wo' is not a name",
        "line 4, column 'tumor': '" + str(TEST_DATA / "reference.fa") + "' does not end in .bam or .cram",
        "line 4, column 'purity': 'abc' is not a fraction",
        "line 4, column 'contexts': no such file: missing.bam",
        "line 5, column 'tumor': must not be empty",
        "line 6: 2 columns, but the header has 6",
    ):
        assert f"sheet.csv: {message}" in run.log, run.log
    assert run.log.count("sheet.csv: line") == 9
    assert not list(tmp_path.glob("work/*/*"))


def test_mistakes_in_parameters(request: pytest.FixtureRequest, nextflow: Nextflow, tmp_path: Path) -> None:
    """All wrong parameters at once"""
    ran_on(request, "Nextflow", nextflow.version)
    wrong = ("--input", "sheet.csv", "--fdr", "1.5", "--fdr_mode", "both", "--max_dept", "100", "--max_depth", "1.5", "--tree")
    network = ("--network", "--window", "51")
    run = nextflow.run(tmp_path, PIPELINE, *network, *wrong)
    assert run.code != 0
    for message in (
        "--fdr: must be at most 1 (got '1.5')",
        "--fdr_mode: must be one of smart, global, local (got 'both')",
        "--max_dept is not a parameter of this pipeline",
        "--max_depth: must be a whole number",
        "--tree: needs a value",
        "--window: the networks that come with varproof take 101; give --model, or leave it out",
        "--input: no such file (got 'sheet.csv')",
        "--fasta is required",
        "--outdir is required",
    ):
        assert message in run.log, run.log


def test_candidates_are_found_and_a_sheet_beside_its_files(
    request: pytest.FixtureRequest, nextflow: Nextflow, tmp_path: Path
) -> None:
    """Without candidates, without a normal, with paths relative to the sheet: found, judged, published"""
    ran_on(request, "Nextflow", nextflow.version)
    data = tmp_path / "data"
    data.mkdir()
    for path in TEST_DATA.iterdir():
        (data / path.name).symlink_to(path)
    lines = ["patient,sample,tumor,normal,purity", '"p1",p1a,tumor.cram,normal.bam,0.75', "p1,p1b,tumor.bam,,auto"]
    (data / "sheet.csv").write_text("# two tumours of one patient\n\n" + "\r\n".join(lines) + "\n")
    run = nextflow.pipeline(
        tmp_path, "--input", data / "sheet.csv", "--fasta", data / "reference.fa", "--max_per_chunk", "30", "--skip_multiqc",
        "--known_sites", data / "known-sites.vcf.gz", "--min_leaf", "10", "-c", limited(tmp_path),
    )  # fmt: skip
    truth = true_somatic()
    found = called(run.results / "calls" / "p1a.posterior.filtered.vcf.gz")
    assert len(found & truth) >= 0.7 * len(truth) and len(found - truth) <= 0.2 * len(found)
    with pysam.VariantFile(str(run.results / "posterior" / "p1b.posterior.vcf.gz")) as handle:
        assert list(handle.header.samples) == ["tumor"]
    statuses = run.statuses()
    assert {name.split("(")[1] for name in statuses if "ESTIMATEALIGNMENT" in name} == {
        "p1a.tumor)",
        "p1a.normal)",
        "p1b.tumor)",
    }
    assert sum("COLLECTEVIDENCE (p1a" in name for name in statuses) > 2
    # Its two copies everywhere tell no purity.
    assert [name.split("(")[1] for name in statuses if "ESTIMATEPURITY" in name] == ["p1b.purity)"]
    assert "p1b: the reads can't tell the purity, so 1 is taken" in run.log
    assert json.loads((run.results / "purity" / "p1b.purity.json").read_text())["purity"] is None
    assert (run.results / "candidates" / "p1a.candidates.tree.json").exists()


def limited(folder: Path) -> Path:
    path = folder / "limited.config"
    path.write_text("process.resourceLimits = [cpus: 2, memory: 4.GB, time: 1.h]\n")
    return path
