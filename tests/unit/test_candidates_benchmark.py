"""The benchmark of candidates: what counts as support, as found, and as a missed goal."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pysam
import pytest

from small_bams import Read, write_bam

SEQUENCE = "ACGGTCATTGCAACGTTAGCCATGCACACACACTTGACCGTATGGCATCAGGT"


@pytest.fixture(scope="module")
def bench() -> Iterator[tuple[ModuleType, ModuleType]]:
    """The modules, which import their neighbours by bare name."""
    folder = str(Path(__file__).parents[1] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        import candidates
        import candidates_table

        yield candidates, candidates_table
    finally:
        sys.path.remove(folder)
        for name in ("candidates", "candidates_table", "bench", "tables"):
            sys.modules.pop(name, None)


def test_classes(bench: tuple[ModuleType, ModuleType]) -> None:
    module, _ = bench
    assert module.class_of(("1", 5, 6, "A")) == "SNV"
    assert module.class_of(("1", 5, 7, "AC")) == "MNV"
    assert module.class_of(("1", 5, 5, "A" * 16)) == "insertion 16–30"
    assert module.class_of(("1", 5, 10, "")) == "deletion 1–5"
    assert module.class_of(("1", 5, 36, "")) == "deletion > 30"


def test_a_read_supports_what_it_holds_with_ten_bases_around(bench: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
    module, _ = bench
    mutated = SEQUENCE[:20] + "T" + SEQUENCE[21:]
    reads = [
        Read("whole", 0, "50M", mutated[:50]),
        Read("clipped", 5, "10M30S", mutated[5:45]),
        Read("ends too early", 0, "30M", mutated[:30]),
        Read("reaches just far enough", 10, "21M", mutated[10:31]),
        Read("reference", 0, "50M", SEQUENCE[:50]),
        Read("duplicate", 0, "50M", mutated[:50], flag=0x400),
        Read("anywhere", 0, "50M", mutated[:50], mapq=0),
    ]
    with pysam.AlignmentFile(str(write_bam(tmp_path / "x.bam", {"1": len(SEQUENCE)}, reads))) as handle:
        assert module.supporting_reads(handle, SEQUENCE, ("1", 20, 21, "T")) == 3


def test_an_indel_counts_beyond_its_repeat(bench: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
    module, _ = bench
    assert SEQUENCE[23:33] == "GCACACACAC"
    shorter = SEQUENCE[:24] + SEQUENCE[26:]
    reads = [Read("beyond", 5, "36M", shorter[5:41]), Read("within", 5, "34M", shorter[5:39])]
    with pysam.AlignmentFile(str(write_bam(tmp_path / "x.bam", {"1": len(SEQUENCE)}, reads))) as handle:
        assert module.supporting_reads(handle, SEQUENCE, ("1", 24, 26, "")) == 1


def test_freebayes_is_taken_apart(bench: tuple[ModuleType, ModuleType]) -> None:
    module, _ = bench
    ref = SEQUENCE[18:28]
    alts = ("GTT" + ref[3:], ref[:4] + ref[8:], ref[:2] + "GG" + ref[2:])
    cigars = ("1M2X7M", "4M4D2M", "2M2I8M")
    record = SimpleNamespace(contig="1", start=18, ref=ref, alts=alts, info={"CIGAR": cigars})
    found = set(module.freebayes_primitives(record, SEQUENCE))
    assert found == {
        ("1", 19, 21, "TT"), ("1", 19, 20, "T"), ("1", 20, 21, "T"),
        module.normalised("1", SEQUENCE, 22, SEQUENCE[22:26], ""),
        module.normalised("1", SEQUENCE, 20, "", "GG"),
    }  # fmt: skip
    parts = {("1", 30, 31, "A"), ("1", 31, 32, "G")}
    assert module.is_found(("1", 30, 32, "AG"), parts, True)
    assert not module.is_found(("1", 30, 32, "AG"), parts, False)
    assert not module.is_found(("1", 30, 33, "AGT"), parts, True)


def result(found: int, rival: int | None, seconds: float) -> dict[str, Any]:
    programs = {"call-candidates": found} | ({} if rival is None else {"freebayes": rival})
    cells = [{"class": kind, "reads": "3", "planted": 100, **programs} for kind in ("SNV", "MNV", "insertion 1–5")]
    usage = {"call-candidates": {"cpu_seconds": seconds, "start_seconds": 1.0, "peak_mb": 200.0}}
    if rival is not None:
        usage["freebayes"] = {"cpu_seconds": 11.0, "start_seconds": 0.0, "peak_mb": 100.0}
    keys = ("candidates", "passed", "true", "unknown germline", "unknown germline passed", "somatic", "somatic passed")
    return {
        "set": "default", "seed": 1, "sensitivity": cells, "usage": usage,
        "alleles": dict.fromkeys(programs, 300), "qualified": dict.fromkeys(keys, 10),
    }  # fmt: skip


def test_goals(bench: tuple[ModuleType, ModuleType]) -> None:
    _, table = bench
    text = "\n".join(table.candidates_lines([result(100, 98, 2.1)]))
    assert "✗" not in text
    assert "| SNV | 100 | 1.0000 (≥ 0.9900) | 0.9800 |" in text
    assert "| 2.1 | 1.0 | 10.0× (≥ 5×) | 5.2× | 200 |" in text
    text = "\n".join(table.candidates_lines([result(98, 99, 4.0)]))
    assert "| SNV | 100 | **0.9800 (≥ 0.9900)** ✗ | 0.9900 |" in text
    assert "**0.9800 (≥ 0.9900)** ✗ | 0.9900 |" in text.split("| indel ≤ 30 | 100 | ")[1]
    assert "**3.7× (≥ 5×)** ✗" in text
    text = "\n".join(table.candidates_lines([result(98, None, 4.0)]))
    assert "not installed" in text and "freebayes | 300" not in text


def test_real_reads(bench: tuple[ModuleType, ModuleType]) -> None:
    _, table = bench
    real = {"candidates": 400, "raw": 114, "raw found": 90, "passed": 25, "passed found": 25, "peak_mb": 210.2}
    assert "25 of 25 candidates that Strelka2 passes" in "\n".join(table.candidates_lines([], real))
    assert "**24 of 25** ✗ candidates" in "\n".join(table.candidates_lines([], real | {"passed found": 24}))


def test_long_indels(bench: tuple[ModuleType, ModuleType]) -> None:
    module, table = bench
    sequence = SEQUENCE * 10
    assert module.long_class(("1", 100, 220, ""), sequence) == ("deletion", "100–250")
    assert module.long_class(("1", 100, 100, sequence[100:351]), sequence) == ("tandem duplication", "251–1,000")
    assert module.long_class(("1", 100, 100, "A" * 250), sequence) == ("insertion", "100–250")
    cells = [
        {"kind": "deletion", "length": "100–250", "planted": 50, "found": 45},
        {"kind": "insertion", "length": "100–250", "planted": 50, "found": 44},
        {"kind": "insertion", "length": "251–1,000", "planted": 10, "found": 6},
    ]
    text = "\n".join(table.candidates_lines([], None, [{"seed": 7, "cells": cells, "false": 2}]))
    assert "| deletion | 0.900 of 50 | 0.000 of 0 |" in text
    assert "| all | **0.890 of 100 (≥ 0.9)** ✗ | 0.600 of 10 (≥ 0.6) |" in text
    assert "proposed: 2." in text
