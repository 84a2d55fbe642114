"""--merge-phased and --split-merged, from reads to the merged call and back, byte for byte."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import cyvcf2
import pysam
import pytest

from phase_examples import REFERENCE, Haplotypes, record, scored, snv
from varproof.commands.fdr_filter import FdrFilterOptions, fdr_filter
from varproof.machinery.errors import UserError

AT = 1000
EVENT = [snv(AT), snv(AT + 2), (AT + 4, AT + 7, "")]
"""Two SNVs and a deletion, somatic, on one haplotype; behind them a germline SNV of the other one."""
GERMLINE = snv(AT + 9)
PLACE = Haplotypes(AT, [EVENT, [GERMLINE]], [[GERMLINE], []])
LISTED = [record(item) for item in (*EVENT, GERMLINE)]


def body(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line[0] != "#"]


def declared(path: Path) -> set[str]:
    return {name for name in pysam.VariantFile(str(path)).header.info if name in ("VP_MERGED", "VP_PARTS")}


def filtered(calls: Path, name: str, **options: Any) -> Path:
    values = {"calls": calls, "events": ["SOMATIC_TUMOR"], "fdr": 0.05, "output": calls.parent / name}
    fdr_filter(FdrFilterOptions(**(values | options)))
    return values["output"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scored(tmp_path_factory.mktemp("plain"), [PLACE], LISTED)


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scored(tmp_path_factory.mktemp("merged"), [PLACE], LISTED, merge_phased=2)


def haplotype(position: int, ref: str, alt: str) -> str:
    assert REFERENCE[position : position + len(ref)] == ref
    return REFERENCE[:position] + alt + REFERENCE[position + len(ref) :]


def test_the_parts_of_an_event_are_one_record(plain: Path, merged: Path) -> None:
    expected = REFERENCE
    for start, end, alt in reversed(EVENT):
        expected = expected[:start] + alt + expected[end:]
    one, other = (line.split("\t") for line in body(merged))
    assert haplotype(int(one[1]) - 1, one[3], one[4]) == expected
    assert "\t".join(other) == body(plain)[3]
    assert declared(merged) == {"VP_MERGED", "VP_PARTS"} and declared(plain) == set()


def test_other_libraries_read_it(merged: Path) -> None:
    named = [f"{position + 1}_{ref}_{alt}" for position, ref, alt in LISTED[:3]]
    by_pysam = list(pysam.VariantFile(str(merged)))
    by_cyvcf2 = list(cyvcf2.VCF(str(merged)))
    assert by_pysam[0].info["VP_MERGED"] == tuple(named) and by_cyvcf2[0].INFO["VP_MERGED"] == ",".join(named)
    assert len(by_pysam[0].info["VP_PARTS"]) == 3 and by_cyvcf2[0].genotypes[0] == [0, 1, True]


def test_its_judgement_and_counts_are_those_of_the_weakest_part(plain: Path, merged: Path) -> None:
    parts = list(pysam.VariantFile(str(plain)))[:3]
    (one, _) = pysam.VariantFile(str(merged))
    assert one.info["PROB_SOMATIC_TUMOR"][0] == max(part.info["PROB_SOMATIC_TUMOR"][0] for part in parts)
    assert one.samples[0]["AD"][1] == min(part.samples[0]["AD"][1] for part in parts)
    assert one.samples[0]["AD"] in [part.samples[0]["AD"] for part in parts]


def test_taken_apart_it_is_what_it_was(plain: Path, merged: Path) -> None:
    """All are kept at a rate of 1, and are marked alike."""
    there = filtered(plain, "there.vcf", fdr=1.0, mode="global", annotate=True)
    back = filtered(merged, "back.vcf", fdr=1.0, mode="global", annotate=True, split_merged=True)
    assert body(back) == body(there) and declared(back) == set()


def test_merged_while_filtering_and_back(plain: Path) -> None:
    kept = filtered(plain, "kept.vcf")
    assert len(body(kept)) == 3
    reference = plain.parent / "reference.fa"
    merged = filtered(plain, "merged.vcf.gz", merge_phased=2, reference=reference)
    (one,) = pysam.VariantFile(str(merged))
    assert list(one.filter) == ["PASS"] and len(one.info["VP_MERGED"]) == 3
    assert body(filtered(merged, "split.vcf", split_merged=True)) == body(kept)
    again = filtered(merged, "again.vcf", split_merged=True, merge_phased=2, reference=reference)
    assert [line.split("\t") for line in body(again)] == [str(one).rstrip("\n").split("\t")]
    touching = filtered(plain, "touching.vcf", merge_phased=0)
    assert body(touching) == body(kept)


def test_kept_and_left_out_are_not_merged(plain: Path) -> None:
    """With --annotate only what has the same FILTER is; by type all SNVs are kept, and the deletion is not considered."""
    out = filtered(
        plain, "types.vcf", annotate=True, variant_type=["snv"], merge_phased=9, reference=plain.parent / "reference.fa"
    )
    assert [line.split("\t")[6] for line in body(out)] == ["PASS", "vp_not_considered", "vp_fdr_0.05"]


def test_bcf_and_back(plain: Path) -> None:
    reference = plain.parent / "reference.fa"
    merged = filtered(plain, "merged.bcf", merge_phased=2, reference=reference)
    back, kept = filtered(merged, "of-bcf.vcf", split_merged=True), filtered(plain, "kept2.vcf")
    assert body(back) == body(kept)


def test_bases_between_need_a_reference(plain: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "varproof.commands.fdr_filter",
        "--calls",
        str(plain),
        "--fdr",
        "0.05",
        "--events",
        "SOMATIC_TUMOR",
    ]
    found = subprocess.run([*command, "--output", "-", "--merge-phased", "2"], capture_output=True, text=True)
    assert found.returncode == 2 and "--merge-phased 2 needs --reference" in found.stderr and found.stderr.count("\n") == 1
    with pytest.raises(UserError, match="no such file"):
        filtered(plain, "x.vcf", merge_phased=2, reference=tmp_path / "none.fa")
