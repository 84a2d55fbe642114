"""Other model decisions, from the environment: results follow them, and say so."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pysam

from varproof.evidence.decisions import EvidenceDecisions
from varproof.formats.evidence import EvidenceReader
from varproof.posterior.decisions import PosteriorDecisions

DATA = Path(__file__).parents[2] / "test-data"
SCORING = (
    *("--candidates", DATA / "candidates.vcf.gz", "--reference", DATA / "reference.fa", "--purity", "0.75"),
    *("--tumor", DATA / "tumor.h5", "--normal", DATA / "normal.h5", "--territory", "40000", "--quiet"),
)


def run(name: str, *arguments: str | Path, **changed: str) -> subprocess.CompletedProcess[str]:
    """An executable under other decisions of the rooms `changed`."""
    environment = os.environ | {f"VARPROOF_DECISIONS_{room.upper()}": text for room, text in changed.items()}
    command = [sys.executable, "-m", f"varproof.commands.{name.replace('-', '_')}", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def header_value(path: Path, key: str) -> Any:
    with pysam.VariantFile(str(path)) as handle:
        (value,) = [item.value for item in handle.header.records if item.key == key]
    return json.loads(value)


def test_a_scored_file_has_the_decisions_of_both_rooms(tmp_path: Path) -> None:
    output = tmp_path / "scored.vcf.gz"
    done = run("score-posterior", *SCORING, "--output", output, posterior='{"largest_rate": 1e-5}')
    assert done.returncode == 0, done.stderr
    told = header_value(output, "varproof_decisions")
    assert told["posterior"] == {**PosteriorDecisions().model_dump(mode="json"), "largest_rate": 1e-5}
    assert header_value(output, "varproof_score-posterior")["changed_decisions"] == {"posterior": {"largest_rate": 1e-5}}
    # Germline SNVs, of which there are hundreds per Mbp, can't be commoner than that.
    usual = tmp_path / "usual.vcf.gz"
    assert run("score-posterior", *SCORING, "--output", usual).returncode == 0
    rates = [max(header_value(path, "varproof_prior")["rates"]["GERMLINE_HET"]) for path in (usual, output)]
    assert rates[0] > 1e-5 == rates[1]


def test_smart_keeps_what_the_decision_says(tmp_path: Path) -> None:
    output = tmp_path / "kept.vcf.gz"
    files = ("--calls", DATA / "scored.vcf.gz", "--events", "SOMATIC_TUMOR", "--fdr", "0.5", "--output", output, "--quiet")
    assert run("fdr-filter", *files, posterior='{"even": 0.01}').returncode == 0
    with pysam.VariantFile(str(output)) as kept, pysam.VariantFile(str(DATA / "scored.vcf.gz")) as calls:
        errors = [
            1 - 10 ** (-record.info["PROB_SOMATIC_TUMOR"][0] / 10)
            for record in calls
            if record.info["PROB_SOMATIC_TUMOR"][0] is not None
        ]
        assert len(list(kept)) == sum(error < 0.01 for error in errors) > 0
    assert header_value(output, "varproof_fdr-filter")["changed_decisions"] == {"posterior": {"even": 0.01}}


def test_evidence_has_them(tmp_path: Path) -> None:
    output = tmp_path / "evidence.h5"
    reads = ("--reads", DATA / "tumor.bam", "--reference", DATA / "reference.fa", "--alignment", DATA / "tumor.json")
    files = ("--candidates", DATA / "candidates.vcf.gz", *reads, "--output", output, "--quiet")
    done = run("collect-evidence", *files, evidence='{"ratio_step": 1}')
    assert done.returncode == 0, done.stderr
    with EvidenceReader(output) as changed, EvidenceReader(DATA / "tumor.h5") as usual:
        assert changed.decisions == {**EvidenceDecisions().model_dump(mode="json"), "ratio_step": 1}
        before, after = (reader.read(0, reader.size) for reader in (usual, changed))
    assert (before.log_ratio % 1 != 0).any()
    assert (after.log_ratio % 1 == 0).all()
    assert len(after.count) < len(before.count) and after.count.sum() == before.count.sum()


def test_a_wrong_one_is_refused(tmp_path: Path) -> None:
    output = tmp_path / "scored.vcf.gz"
    done = run("score-posterior", *SCORING, "--output", output, posterior='{"pseudocount": 2.0}')
    assert done.returncode == 2 and not output.exists()
    assert done.stderr.splitlines()[-1] == (
        "score-posterior: error: VARPROOF_DECISIONS_POSTERIOR: pseudocount: extra inputs are not permitted"
    )
