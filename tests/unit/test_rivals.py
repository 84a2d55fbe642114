"""The network's rivals of the benchmark: what is counted, and how FiNGS is asked."""

import stat
from pathlib import Path

import numpy as np
import pytest

from benchmarks.rivals import fings_judgement, hard_measures, number_measures, read_count_number, read_count_rule, read_counts
from tensor_examples import example_tensors
from varproof.formats.tensors import FLAGS, SUPPORTS_ALT, TensorSettings

CANDIDATES = """##fileformat=VCFv4.2
##contig=<ID=chr1,length=1000>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
chr1\t11\t.\tA\tC,G\t.\t.\t.
chr1\t21\t.\tAC\tA\t.\t.\t.
chr1\t31\t.\tT\tC\t.\t.\t.
"""
FINGS = """#!/bin/sh
sed 's/^\\(chr1\\t11\\t.\\tA\\tG\\t.\\t\\)./\\1PASS/; s/^\\(chr1\\t31\\t.*\\t.\\t\\).\\t/\\1minaltcounttumor\\t/' "$2" \
    | sed 's/^#CHROM/##FILTER=<ID=minaltcounttumor,Description="x">\\n#CHROM/' > "${10}/snvs.filtered.vcf"
"""


def test_reads_are_counted_per_candidate_and_track() -> None:
    packed = example_tensors(30, TensorSettings(window=11, depth=20), depth=12)
    counts = read_counts(packed, SUPPORTS_ALT)
    for i in range(30):
        for track in range(2):
            first, last = packed.row_offset[2 * i + track : 2 * i + track + 2]
            assert counts[i, track] == sum(int(row[FLAGS]) & SUPPORTS_ALT > 0 for row in packed.rows[first:last])
    assert counts.sum() > 0


def test_numbers_and_rules_of_counts() -> None:
    alternative = np.array([[3, 0], [2, 0], [9, 1], [0, 0]])
    assert read_count_number(alternative).tolist() == [3, 2, 6, 0]
    assert read_count_rule(alternative).tolist() == [True, False, False, False]
    label = np.array([1, 0, 1, 0])
    found = hard_measures(label, read_count_rule(alternative))
    assert found == {"called": 1, "precision": 1.0, "recall": 0.5, "f1": 0.6667}
    assert number_measures(label, read_count_number(alternative)) == {
        "roc_auc": 1.0, "average_precision": 1.0, "best_f1": 1.0, "at_threshold": 3,
    }  # fmt: skip


def test_fings_judges_snvs_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pair, programs = tmp_path / "pair", tmp_path / "programs"
    pair.mkdir()
    programs.mkdir()
    (pair / "candidates.vcf.gz").write_text(CANDIDATES)
    places = [(10, "A", "C"), (10, "A", "G"), (20, "AC", "A"), (30, "T", "C")]
    monkeypatch.setenv("PATH", str(programs))
    assert fings_judgement(pair, places) is None
    assert "no fings on the PATH" in capsys.readouterr().err
    (programs / "fings").write_text(FINGS)
    (programs / "fings").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    for _ in range(2):
        judgement = fings_judgement(pair, places)
        assert judgement is not None and judgement.tolist() == [0, 1, 0, 0]
        (programs / "fings").write_text("#!/bin/sh\nexit 1\n")
