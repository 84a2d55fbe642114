"""Whatever a caller wrote comes out of score-posterior and fdr-filter as it came in, shape by shape (`caller_files`)."""

import subprocess
import sys
from pathlib import Path

import pysam
import pytest

from caller_files import CALLER_FILES, CallerFile, caller_text
from varproof.commands.fdr_filter import FdrFilterOptions, fdr_filter
from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
from varproof.formats.vcf import read_records

DATA = Path(__file__).resolve().parents[2] / "test-data"
FILLED = ("GT", "AD", "DP", "AF")
OWN_FORMAT = ("VP_DP", "VP_MAP", "VP_AFD")
OWN_INFO = ("PROB_", "VP_", "SKIPPED=")
ROLES = {"mutect2": ("T-1", "N-1"), "vardict": ("T1", "N1")}


def lines_of(path: Path) -> tuple[list[str], list[list[str]]]:
    """(header lines, columns of each record) of a VCF that is not compressed."""
    lines = path.read_text().splitlines()
    return [line for line in lines if line.startswith("#")], [line.split("\t") for line in lines if line[0] != "#"]


@pytest.fixture(scope="module", params=CALLER_FILES, ids=lambda file: file.name)
def scored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[CallerFile, Path, Path]:
    """(the shapes, the caller's file, what score-posterior made of it)."""
    file: CallerFile = request.param
    folder = tmp_path_factory.mktemp(file.name)
    (folder / "in.vcf").write_text(caller_text(file, DATA / "reference.fa"))
    tumor_sample, normal_sample = ROLES.get(file.name, (None, None))
    score_posterior(
        ScorePosteriorOptions(
            candidates=folder / "in.vcf",
            reference=DATA / "reference.fa",
            tumor=DATA / "tumor.bam",
            normal=DATA / "normal.bam",
            alignment_tumor=DATA / "tumor.json",
            alignment_normal=DATA / "normal.json",
            tumor_sample=tumor_sample,
            normal_sample=normal_sample,
            territory=40_000,
            output=folder / "out.vcf",
        )
    )
    return file, folder / "in.vcf", folder / "out.vcf"


def role_columns(file: CallerFile, header: list[str]) -> list[str]:
    """Names of the tumour's and the normal's column in the output."""
    names = header[-1].split("\t")[9:]
    if file.name in ROLES:
        return list(ROLES[file.name])
    return [next(name for name in names if name.lower() == role) for role in ("tumor", "normal")]


def values_by_key(columns: list[str], number: int) -> dict[str, str]:
    """What a sample column says, key by key; values left out at the end are '.'."""
    keys, parts = columns[8].split(":"), columns[number].split(":")
    return dict(zip(keys, parts + ["."] * (len(keys) - len(parts)), strict=True))


def test_every_column_survives(scored: tuple[CallerFile, Path, Path]) -> None:
    file, before, after = scored
    (_, old), (header, new) = lines_of(before), lines_of(after)
    assert len(old) == len(new)
    names = header[-1].split("\t")[9:]
    assert names[: len(file.samples)] == list(file.samples)
    judged = role_columns(file, header)
    for was, now in zip(old, new, strict=True):
        assert now[:7] == was[:7]
        entries = [entry for entry in now[7].split(";") if not entry.startswith(OWN_INFO)]
        assert ";".join(entries) == ("" if was[7] == "." else was[7])
        if len(was) < 9:
            continue
        assert [key for key in now[8].split(":") if key in was[8].split(":")] == was[8].split(":")
        for number, name in enumerate(file.samples, 9):
            given, found = values_by_key(was, number), values_by_key(now, number)
            for key, value in given.items():
                assert found[key] == value or (value == "." and key in FILLED and name in judged), (name, key)
            if name not in judged and now[8].startswith("GT:") != was[8].startswith("GT"):
                assert now[number].removeprefix(".:") == was[number]
            elif name not in judged:
                assert now[number] == was[number]


def test_filled_fields_are_what_was_observed(scored: tuple[CallerFile, Path, Path]) -> None:
    """DP covers what AD counts, AD has a value per allele, AF is its share; nothing is filled without a judgement."""
    file, before, after = scored
    (_, old), (header, new) = lines_of(before), lines_of(after)
    for was, now in zip(old, new, strict=True):
        alleles = 1 + (0 if now[4] == "." else len(now[4].split(",")))
        is_judged = "PROB_ABSENT=" in now[7]
        assert is_judged != (now[7].count("SKIPPED=") > 0 and "SKIPPED=.," not in now[7])
        for name in role_columns(file, header):
            number = 9 + header[-1].split("\t")[9:].index(name)
            found = values_by_key(now, number)
            given = values_by_key(was, number) if name in file.samples else {}
            if not is_judged:
                assert not set(OWN_FORMAT) & set(found)
                continue
            assert "/" in found["GT"] or "|" in found["GT"] or found["GT"].isdigit()
            if given.get("AD", ".") == "." and file.name != "varscan":
                counts = [int(value) for value in found["AD"].split(",") if value != "."]
                assert len(found["AD"].split(",")) == alleles
                assert sum(counts) <= int(found["VP_DP"])
                if given.get("AF", ".") == ".":
                    shares = [value for value in found["AF"].split(",") if value != "."]
                    assert [float(value) for value in shares] == pytest.approx(
                        [count / sum(counts) for count in counts[1:]], abs=1e-5
                    )


def test_skipped_stands_beside_no_probability(scored: tuple[CallerFile, Path, Path]) -> None:
    _, _, after = scored
    for record in read_records(after):
        skipped, probability = record.info.get("SKIPPED"), record.info.get("PROB_ABSENT")
        for allele in range(len(record.alts or ())):
            assert (skipped is None or skipped[allele] is None) != (probability is None or probability[allele] is None)


def test_htslib_accepts_it_in_every_format(scored: tuple[CallerFile, Path, Path], tmp_path: Path) -> None:
    """bcftools reads the text, splits it, and makes a BCF of it; nothing is left undeclared."""
    _, before, after = scored
    calls = "import sys, pysam.bcftools as b; b.{0}(*sys.argv[1:], catch_stdout=False)"
    for name, *options in (("view", "-Ob"), ("norm", "-m", "-any", "-Ou")):
        made = subprocess.run(
            [sys.executable, "-c", calls.format(name), *options, "-o", str(tmp_path / f"{name}.bcf"), str(after)],
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stderr
        assert "not defined" not in made.stderr and "not declared" not in made.stderr
    with pysam.VariantFile(str(tmp_path / "view.bcf")) as handle:
        assert sum(1 for _ in handle) == len(lines_of(before)[1])


def test_fdr_filter_annotates_and_keeps_the_callers_filter(scored: tuple[CallerFile, Path, Path], tmp_path: Path) -> None:
    _, before, after = scored
    fdr_filter(
        FdrFilterOptions(calls=after, events=["SOMATIC_TUMOR"], fdr=0.05, annotate=True, output=tmp_path / "filtered.vcf")
    )
    (_, old), (_, new), (_, mid) = lines_of(before), lines_of(tmp_path / "filtered.vcf"), lines_of(after)
    assert len(old) == len(new)
    for was, scored_now, now in zip(old, mid, new, strict=True):
        assert now[:6] + now[8:] == scored_now[:6] + scored_now[8:]
        assert now[7].startswith(scored_now[7])
        assert now[6] in ("PASS", "vp_fdr_0.05", "vp_not_considered")
        kept = [entry for entry in now[7].split(";") if entry.startswith("VP_CALLER_FILTER=")]
        assert kept == ([] if was[6] == "." else ["VP_CALLER_FILTER=" + was[6].replace(";", ",")])
