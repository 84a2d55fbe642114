"""The pipeline with a scenario: a line of the samplesheet for each sample of a patient, with its role."""

import gzip
import json
from pathlib import Path

import pysam
import pytest

from varproof.scenario.ready import ready_text
from varproof.simulation.samples import Mixture, simulate_samples, started
from varproof.simulation.settings import SimulationSettings
from varproof.steps.score_scenario import ScoreScenarioSettings, score_scenario
from wrappers.machine import TEST_DATA, ran_on
from wrappers.test_nextflow import called, limited
from wrappers.workflow import PIPELINE, Nextflow

pytestmark = pytest.mark.timeout(1200)

SAMPLES = {
    "normal": Mixture({"normal": 1.0}, 30),
    "tumor": Mixture({"normal": 0.3, "trunk": 0.2, "sensitive": 0.4, "resistant": 0.1}, 40),
    "relapse": Mixture({"normal": 0.4, "resistant": 0.6}, 40),
}
DUO = """samples:
  parent: {}
  child:
    inheritance:
      clonal: {from: parent, somatic: false}
    somatic-effective-mutation-rate: 1e-6
species: {heterozygosity: 0.001, ploidy: 2}
events: {new: "parent:0.0 & child:]0.0,1.0]"}
"""


@pytest.fixture(scope="module")
def relapsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with reads of a tumour, its relapse and a normal, and with a list of candidates of each tumour."""
    folder = tmp_path_factory.mktemp("relapsed") / "case"
    settings = SimulationSettings(genome_length=20_000, seed=1, empty_sites=20)
    descent = started(settings)
    descent.founder("normal", 16)
    descent.clone("trunk", "normal", 14, 2)
    descent.clone("sensitive", "trunk", 10, 2)
    descent.clone("resistant", "trunk", 10, 2)
    simulate_samples(settings, descent, SAMPLES, folder)
    with gzip.open(folder / "candidates.vcf.gz", "rt") as handle:
        lines = handle.readlines()
    header = [line for line in lines if line.startswith("#")]
    records, third = lines[len(header) :], (len(lines) - len(header)) // 3
    (folder / "tumor.vcf").write_text("".join(header + records[: 2 * third]))
    (folder / "relapse.vcf").write_text("".join(header + records[third:]))
    (folder / "sheet.csv").write_text(
        "patient,role,reads,candidates,truth\np1,relapse,relapse.bam,relapse.vcf,\np1,normal,normal.bam,,\n"
        "p1,tumour,tumor.bam,tumor.vcf,truth.vcf.gz\n"
    )
    return folder


def test_a_scenario_with_a_row_for_each_sample(
    request: pytest.FixtureRequest, nextflow: Nextflow, relapsed: Path, tmp_path: Path
) -> None:
    """A tumour, its relapse and a normal: lists united, judged as score-scenario does on the reads, reported, drawn"""
    ran_on(request, "Nextflow", nextflow.version)
    run = nextflow.pipeline(
        tmp_path, "--input", relapsed / "sheet.csv", "--fasta", relapsed / "reference.fa", "--scenario", "relapse",
        "--truth_event", "SOMATIC", "--chunks", "2", "-c", limited(tmp_path),
    )  # fmt: skip
    results = run.results
    assert sum("VARPROOF_COLLECTEVIDENCE" in name for name in run.statuses()) == 6

    united = results / "candidates" / "p1.candidates.vcf.gz"
    listed = called(relapsed / "tumor.vcf") | called(relapsed / "relapse.vcf")
    with pysam.VariantFile(str(united)) as handle:
        alleles = [(record.contig, record.pos, record.ref, *(record.alts or ())) for record in handle]
    assert len(alleles) == len(set(alleles)) and set(alleles) == listed == called(relapsed / "candidates.vcf.gz")
    assert [item[:2] for item in alleles] == sorted(item[:2] for item in alleles)

    sheet, by_hand = tmp_path / "samples.tsv", tmp_path / "by-hand.vcf.gz"
    sheet.write_text("sample\treads\n" + "".join(f"{name}\t{relapsed / name}.bam\n" for name in SAMPLES))
    score_scenario(
        ScoreScenarioSettings(
            scenario="relapse", samples=sheet, candidates=united, reference=relapsed / "reference.fa", output=by_hand
        )
    )
    with gzip.open(by_hand, "rt") as handle:
        expected = [line for line in handle if not line.startswith("##")]
    assert [line for line in run.calls("posterior/p1.posterior.vcf.gz") if not line.startswith("##")] == expected

    with pysam.VariantFile(str(relapsed / "truth.vcf.gz")) as handle:
        truth = {(r.contig, r.pos, r.ref, r.alts[0]) for r in handle if r.alts and r.info["EVENT"] == "SOMATIC"}
    found = called(results / "calls" / "p1.posterior.filtered.vcf.gz")
    assert len(found & truth) >= 0.75 * len(truth) and len(found - truth) <= 0.15 * len(found)
    metrics = json.loads((results / "metrics" / "p1.posterior.metrics.json").read_text())["classes"][0]
    point = next(point for point in metrics["own_threshold"] if point["nominal_fdr"] == 0.05)
    assert (point["kept"], point["false"]) == (len(found), len(found - truth))

    told = sorted(path.name for path in results.glob("calls/*.vaf.tsv"))
    assert told == ["p1.posterior.filtered.relapse.vaf.tsv", "p1.posterior.filtered.tumor.vaf.tsv"]
    frequencies = [(results / "calls" / name).read_text().splitlines()[1:] for name in told]
    assert len(frequencies[0]) == len(frequencies[1]) == len(found) and frequencies[0] != frequencies[1]
    assert 'href="p1.review.html#' in (results / "pages" / "p1.report.html").read_text()
    assert (results / "pages" / "p1.review.html").stat().st_size > 100_000
    assert (results / "scenario" / "relapse.yaml").read_text() == ready_text("relapse")
    assert b"<svg" in (results / "scenario" / "relapse.svg").read_bytes()
    spectra = (results / "multiqc" / "multiqc_report_data" / "multiqc_varproof_spectrum_plot.txt").read_text().splitlines()
    assert [line.split("\t")[0] for line in spectra[1:]] == ["p1 posterior relapse", "p1 posterior tumor"]


def test_a_file_of_ones_own_and_candidates_that_are_found(
    request: pytest.FixtureRequest, nextflow: Nextflow, tmp_path: Path
) -> None:
    """Strict syntax, stubs: a scenario file with one event, candidates found in each sample and united"""
    ran_on(request, "Nextflow", nextflow.version)
    (tmp_path / "duo.yaml").write_text(DUO)
    rows = f"one,child,{TEST_DATA / 'tumor.bam'}\none,parent,{TEST_DATA / 'normal.bam'}\n"
    (tmp_path / "sheet.csv").write_text("patient,role,reads\n" + rows)
    run = nextflow.strict().pipeline(
        tmp_path, "-stub", "--input", "sheet.csv", "--fasta", TEST_DATA / "reference.fa", "--scenario", "duo.yaml",
        "-c", limited(tmp_path),
    )  # fmt: skip
    assert "Error" not in run.log and "ERROR" not in run.log
    for task in ("CALLCANDIDATES (one.parent.candidates)", "CALLCANDIDATES (one.child.candidates)", "UNITE (one.candidates)"):
        assert task in run.log
    # The parent is a source of the child, whose frequencies are told.
    assert [path.name for path in run.results.glob("calls/*.vaf.tsv")] == ["one.posterior.filtered.child.vaf.tsv"]
    (table,) = (path for path in tmp_path.glob("work/*/*/*/one.samples.tsv") if not path.is_symlink())
    assert table.read_text() == "sample\treads\nparent\tone.parent.h5\nchild\tone.child.h5\n"
    assert (run.results / "scenario" / "duo.svg").exists()


SHEET = """\
patient,role,reads,candidates,truth
one,normal,{data}/normal.bam,,
one,tumor,{data}/tumor.bam,{data}/candidates.vcf.gz,{data}/truth.vcf.gz
one,tumour,{data}/tumor.cram,,
one,plasma,{data}/context-1.bam,,
two,normal,{data}/normal.bam,,
two,tumor,{data}/normal.bam,,
two,relapse,,,
t/ree,tumor,{data}/tumor.bam
"""


def refused(nextflow: Nextflow, folder: Path, *arguments: str | Path) -> str:
    """What a run says that must not begin."""
    given = ("--fasta", TEST_DATA / "reference.fa", "--outdir", folder / "results")
    run = nextflow.run(folder, PIPELINE, "--input", "sheet.csv", *given, *arguments)
    assert run.code != 0
    assert not list(folder.glob("work/*/*"))
    return run.log


def test_mistakes_in_a_sheet_of_roles(request: pytest.FixtureRequest, nextflow: Nextflow, tmp_path: Path) -> None:
    """An unknown role, a missing one, one that is there twice, and more, at once, a line each"""
    ran_on(request, "Nextflow", nextflow.version)
    (tmp_path / "sheet.csv").write_text(SHEET.format(data=TEST_DATA))
    log = refused(nextflow, tmp_path, "--scenario", "relapse")
    for message in (
        "line 4, column 'role': one has 'tumor' on line 3, too; a role has one file of reads",
        "line 5, column 'role': 'plasma' is no sample of the scenario relapse; it has normal, tumor, relapse",
        "line 7, column 'reads': two has the same file on line 6; give each role its own",
        "line 8, column 'reads': must not be empty",
        "line 9: 3 columns, but the header has 5",
        "one: has no line of the role 'relapse', a sample of the scenario relapse",
    ):
        assert f"sheet.csv: {message}" in log, log
    assert log.count("sheet.csv: ") == 6


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (["--scenario", "relapsed"], ["--scenario relapsed: neither a file nor a ready scenario (tumor-normal, tumor-only,"]),
        (["--scenario", "relapse", "--events", "DENOVO"], ["--events: 'DENOVO' is not an event of the scenario relapse"]),
        (["--scenario", "own.yaml"], ["--scenario own.yaml: name with --events which of its events are called: OLD, NEW"]),
        (
            ["--scenario", "relapse", "--network", "--purity", "auto"],
            ["--network is of tumour/normal pairs, and does not go with --scenario", "--purity is of tumour/normal pairs"],
        ),
        ([], ["column 'role': not a column of a samplesheet", "a line for each sample, with its role, is for --scenario"]),
    ],
    ids=["unknown", "event", "which-events", "pairs", "without"],
)
def test_mistakes_with_a_scenario(
    request: pytest.FixtureRequest, nextflow: Nextflow, tmp_path: Path, arguments: list[str], messages: list[str]
) -> None:
    """What does not go together with a scenario is told before anything runs"""
    ran_on(request, "Nextflow", nextflow.version)
    (tmp_path / "own.yaml").write_text(DUO.replace("{new:", '{old: "!parent:0.0", new:'))
    (tmp_path / "sheet.csv").write_text(SHEET.format(data=TEST_DATA))
    log = refused(nextflow, tmp_path, *arguments)
    for message in messages:
        assert message in log, log
