"""score-posterior's options, its refusals, and its exit codes as a program."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pysam
import pytest

from pair_examples import Pair, body, other_base, scored, write_pair, write_records
from varproof.commands.base import parse_options
from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
from varproof.machinery.errors import UserError

NAME = "score-posterior"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


SHORT = ["--candidates", "c.vcf", "--reference", "r.fa", "--tumor", "t.bam", "--output", "o.vcf"]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--purity", "0"], "--purity"), (["--purity", "1.5"], "--purity"), (["--purity", "-1"], "--purity"),
        (["--purity", "half"], "--purity"), (["--normal-contamination", "1"], "--normal-contamination"),
        (["--normal-contamination", "-0.1"], "--normal-contamination"),
        (["--normal-contamination", "x"], "--normal-contamination"),
        (["--max-depth", "3"], "--max-depth"), (["--territory", "0"], "--territory"), (["--threads", "-1"], "--threads"),
    ],
)  # fmt: skip
def test_options_out_of_range(arguments: list[str], name: str) -> None:
    with pytest.raises(UserError, match=name) as caught:
        parse_options(NAME, ScorePosteriorOptions, SHORT + arguments)
    assert "\n" not in str(caught.value)


def test_required_options_are_named() -> None:
    with pytest.raises(UserError) as caught:
        parse_options(NAME, ScorePosteriorOptions, ["--candidates", "c.vcf"])
    for name in ("--reference", "--tumor", "--output"):
        assert name in str(caught.value)


def test_config_file(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("purity: 0.6\nnormal-contamination: auto\nmax_depth: 50\n")
    options = parse_options(NAME, ScorePosteriorOptions, [*SHORT, "--config", str(config), "--max-depth", "70"])
    assert (options.purity, options.normal_contamination, options.max_depth) == (0.6, "auto", 70)


@pytest.mark.parametrize("option", ["candidates", "reference", "tumor", "normal", "alignment_tumor", "regions"])
def test_missing_files_are_named(option: str, pair: Pair, tmp_path: Path) -> None:
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    values = pair.options(candidates, tmp_path / "out.vcf") | {option: tmp_path / "nowhere", "territory": None}
    with pytest.raises((UserError, FileNotFoundError), match="nowhere"):
        score_posterior(ScorePosteriorOptions(**{key: value for key, value in values.items() if value is not None}))
    assert [path.name for path in tmp_path.iterdir()] == ["candidates.vcf"]


@pytest.mark.parametrize("name", ["out.txt", "out", "out.h5"])
def test_output_of_another_suffix(name: str, pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.vcf, \.vcf\.gz or \.bcf"):
        scored(pair, tmp_path, name=name)
    assert [path.name for path in tmp_path.iterdir()] == ["candidates.vcf"]


def test_output_that_cannot_be(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "folder.vcf").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        scored(pair, tmp_path, name="folder.vcf")
    with pytest.raises(UserError, match="does not exist; create it"):
        scored(pair, tmp_path, name="nowhere/out.vcf")
    if os.geteuid():
        locked = tmp_path / "locked"
        locked.mkdir(mode=0o555)
        with pytest.raises(UserError, match="not writable"):
            scored(pair, tmp_path, name="locked/out.vcf")


@pytest.mark.parametrize("name", ["out.vcf.gz", "out.bcf"])
def test_an_index_that_cannot_be_written_leaves_nothing(
    name: str, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_an_index(path: str, **_: Any) -> None:
        Path(path + (".csi" if path.endswith("bcf") else ".tbi")).write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pysam, "tabix_index", half_an_index)
    with pytest.raises(OSError, match="No space left"):
        scored(pair, tmp_path, name=name)
    assert [path.name for path in tmp_path.iterdir()] == ["candidates.vcf"]


def run_program(arguments: list[str], **changes: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "varproof.commands.score_posterior", *arguments],
        capture_output=True,
        text=True,
        **changes,
    )


def command_line(pair: Pair, candidates: Path, output: Path) -> list[str]:
    values = pair.options(candidates, output)
    return [part for key, value in values.items() for part in ("--" + key.replace("_", "-"), str(value))]


def test_program(pair: Pair, tmp_path: Path) -> None:
    """Exit 0 and data only on stdout; exit 2 with one line and nothing left behind."""
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    done = run_program(command_line(pair, candidates, Path("-")))
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if not line.startswith("#")] == body(scored(pair, tmp_path, candidates))
    assert "8 records scored" in done.stderr
    position, ref, alt = pair.records()[0]
    wrong = write_records(tmp_path / "wrong.vcf", [(position, other_base(ref, 2), alt)], pair)
    failed = run_program(command_line(pair, wrong, tmp_path / "none.vcf"))
    assert failed.returncode == 2
    assert "Traceback" not in failed.stderr
    last = failed.stderr.strip().splitlines()[-1]
    assert last.startswith("score-posterior: error:") and f"chr1:{position + 1}" in last
    assert sorted(path.name for path in tmp_path.iterdir()) == ["candidates.vcf", "out.vcf", "wrong.vcf"]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['score-posterior', '--help']\n"
        "from varproof.commands.score_posterior import main\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        "bad = {'numba', 'scipy', 'matplotlib', 'mappy', 'h5py', 'tensorflow'} & set(sys.modules)\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--normal-contamination" in done.stdout
