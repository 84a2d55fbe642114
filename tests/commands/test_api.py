"""The door for programs: each function does what the executable does, byte for byte, and gives arrays of what came out."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pysam
import pytest

import varproof
from varproof.api import Calls
from varproof.commands import EXECUTABLES
from varproof.formats.vcf import from_phred

DATA = Path(__file__).parents[2] / "test-data"


class Pair:
    """The small pair that comes with the project."""

    candidates, reference = DATA / "candidates.vcf.gz", DATA / "reference.fa"
    tumor, normal = DATA / "tumor.bam", DATA / "normal.bam"


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Calls:
    output = tmp_path_factory.mktemp("scored") / "scored.vcf.gz"
    learning = {"learn_from": "candidates", "territory": 50_000}
    return varproof.score(Pair.candidates, Pair.reference, Pair.tumor, Pair.normal, purity=0.8, output=output, **learning)


def run(name: str, *arguments: object, folder: Path) -> None:
    subprocess.run([Path(sys.executable).parent / name, "--quiet", *map(str, arguments)], cwd=folder, check=True)


def test_the_import_is_light() -> None:
    code = "import sys, varproof; print([name for name in ('numpy', 'numba', 'tensorflow', 'pysam') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_score_is_score_posterior(scored: Calls, tmp_path: Path) -> None:
    run(
        "score-posterior", "--candidates", Pair.candidates, "--reference", Pair.reference, "--tumor", Pair.tumor, "--normal",
        Pair.normal, "--purity", 0.8, "--learn-from", "candidates", "--territory", 50_000, "--output", "scored.vcf.gz",
        folder=tmp_path,
    )  # fmt: skip
    assert scored.path.read_bytes() == (tmp_path / "scored.vcf.gz").read_bytes()


def test_arrays_of_calls_are_what_the_file_says(scored: Calls) -> None:
    found = scored.arrays()
    with pysam.VariantFile(str(scored.path)) as handle:
        records = [(record, allele) for record in handle for allele in range(len(record.alts))]
    assert found["position"].tolist() == [record.pos for record, _ in records]
    assert found["alt"].tolist() == [record.alts[allele] for record, allele in records]
    assert found["depth"].tolist() == [record.samples["tumor"]["VP_DP"] for record, _ in records]
    events = ("SOMATIC_TUMOR", "SOMATIC_NORMAL", "GERMLINE_HET", "GERMLINE_HOM", "ARTIFACT", "ABSENT")
    table = scored.frame()
    assert list(table.columns) == list(found) and len(table) == len(records)
    for event in events:
        expected = [from_phred(record.info[f"PROB_{event}"][allele]) for record, allele in records]
        np.testing.assert_allclose(found[event], expected, rtol=1e-5)
    np.testing.assert_allclose(sum(found[event] for event in events), 1.0, atol=1e-5)


def test_evidence_stands_for_reads_and_a_learnt_prior_for_learning(scored: Calls, tmp_path: Path) -> None:
    """Where repeats are measured in both samples together, as they are where both are scored from reads."""
    alignment = [tmp_path / "tumor.json", tmp_path / "normal.json"]
    for reads, path in zip((Pair.tumor, Pair.normal), alignment, strict=True):
        run("estimate-alignment", "--reads", reads, "--reference", Pair.reference, "--output", path, folder=tmp_path)
    samples = [
        varproof.collect(reads, Pair.reference, Pair.candidates, alignment=own, repeats=[other])
        for reads, own, other in zip((Pair.tumor, Pair.normal), alignment, alignment[::-1], strict=True)
    ]
    listed = int((samples[0].evidence().joined == 0).sum())
    assert len(samples[0].arrays()["depth"]) == len(scored.arrays()["depth"]) == listed
    options = {"purity": 0.8, "territory": 50_000}
    again = varproof.score(Pair.candidates, Pair.reference, *samples, **options)
    prior = varproof.learn(Pair.reference, *samples, candidates=Pair.candidates, **options)
    under_it = varproof.score(Pair.candidates, Pair.reference, *samples, prior=prior, purity=0.8)
    for name, values in scored.arrays().items():
        for other in (again, under_it):
            np.testing.assert_array_equal(other.arrays()[name], values, err_msg=name)


def test_filter_and_vaf_are_the_executables(scored: Calls, tmp_path: Path) -> None:
    kept = varproof.filter(scored, 0.05)
    run(
        "fdr-filter",
        "--calls",
        scored.path,
        "--events",
        "SOMATIC_TUMOR",
        "--fdr",
        0.05,
        "--output",
        "kept.vcf.gz",
        folder=tmp_path,
    )
    assert kept.path.read_bytes() == (tmp_path / "kept.vcf.gz").read_bytes()
    frequencies = varproof.vaf(kept)
    run("estimate-vaf", "--calls", "kept.vcf.gz", "--output", "vaf.tsv", folder=tmp_path)
    assert frequencies.path.read_bytes() == (tmp_path / "vaf.tsv").read_bytes()
    found = frequencies.arrays()
    assert len(found["map"]) == len(kept.arrays()["af"]) > 0
    assert (found["ci_low"] <= found["mean"]).all() and (found["mean"] <= found["ci_high"]).all()


def test_tensors(tmp_path: Path) -> None:
    made = varproof.tensors(Pair.candidates, Pair.reference, Pair.tumor, Pair.normal, window=51)
    run(
        "tensorise", "--candidates", Pair.candidates, "--reference", Pair.reference, "--tumor", Pair.tumor,
        "--normal", Pair.normal, "--window", 51, "--output", "tensors.h5", folder=tmp_path,
    )  # fmt: skip
    assert made.path.read_bytes() == (tmp_path / "tensors.h5").read_bytes()
    assert sum(part.size for part in made.batches(3)) == len(made.arrays()["position"])


def test_evaluate(scored: Calls, tmp_path: Path) -> None:
    """Against its own calls as truth every call is true."""
    metrics = varproof.evaluate(scored, scored.path, reference=Pair.reference)
    assert metrics.class_named("all").true_variants == metrics.class_named("all").calls > 0


def test_a_temporary_file_goes_with_what_holds_it(scored: Calls) -> None:
    kept = varproof.filter(scored, 0.05)
    path = kept.path
    assert path.exists()
    del kept
    assert not path.exists()


def test_nothing_is_left_of_what_failed(scored: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(varproof.UserError, match="no such file"):
        varproof.filter(tmp_path / "missing.vcf", 0.05)
    assert not list(tmp_path.iterdir())


def test_mistakes_are_told_in_one_line(scored: Calls) -> None:
    with pytest.raises(varproof.UserError, match="puritty is not an option"):
        varproof.score(Pair.candidates, Pair.reference, Pair.tumor, puritty=0.5)
    with pytest.raises(varproof.UserError, match="fdr: Input should be less than or equal to 1"):
        varproof.filter(scored, 2)
    with pytest.raises(varproof.UserError, match="are the same file"):
        varproof.score(Pair.candidates, Pair.reference, Pair.tumor, Pair.tumor)


def test_every_door_is_documented_and_typed() -> None:
    for name in varproof.__all__:
        if name[0] != "_" and name != "UserError":
            function = getattr(varproof, name)
            assert function.__doc__ and "return" in function.__annotations__, name
            assert any(f"({executable})" in function.__doc__ for executable in EXECUTABLES)
