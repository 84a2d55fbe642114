"""fdr-filter as a function and as a program, on small scored files."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pysam
import pytest

from scored_examples import Call, header, read_all, write_scored
from varproof.commands.base import parse_options
from varproof.commands.fdr_filter import FdrFilterOptions, fdr_filter
from varproof.formats.events import EVENTS
from varproof.formats.subset import genotype_order
from varproof.formats.vcf import to_phred
from varproof.machinery.errors import UserError

SNVS = [Call(100, "A", "C", 0.01), Call(200, "A", "C", 0.9), Call(300, "A", "C", 0.12), Call(400, "A", "C", 0.02)]


def run(tmp_path: Path, calls: list[Call] | Path, name: str = "out.vcf", head: Any = None, **options: Any) -> Path:
    """Filter and return the output's path."""
    path = calls if isinstance(calls, Path) else write_scored(tmp_path / "calls.vcf", calls, head)
    values = {"calls": path, "events": ["SOMATIC_TUMOR"], "fdr": 0.05, "output": tmp_path / name} | options
    fdr_filter(FdrFilterOptions(**values))
    return values["output"]


def positions(path: Path) -> list[int]:
    return [record.pos for record in read_all(path)]


def result_line(path: Path) -> dict[str, Any]:
    with pysam.VariantFile(str(path)) as handle:
        return json.loads(next(r.value for r in handle.header.records if r.key == "varproof_fdr-filter_result"))


def test_worked_example(tmp_path: Path) -> None:
    """Of 0.01, 0.02, 0.12, 0.9 the first three have a mean of 0.05 (the issue's largest set)."""
    out = run(tmp_path, SNVS, fdr=0.0501)
    assert positions(out) == [100, 300, 400]
    result = result_line(out)
    assert (result["kept"], result["considered"]) == (3, 4)
    assert result["expected_false"] == pytest.approx(0.15, rel=1e-4)
    assert result["max_error_probability"] == pytest.approx(0.12, rel=1e-4)
    assert result["max_phred"] == pytest.approx(-10 * math.log10(0.88), rel=1e-4)


def test_local_mode(tmp_path: Path) -> None:
    assert positions(run(tmp_path, SNVS, mode="local")) == [100, 400]


def test_the_log_tells_threshold_and_numbers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        run(tmp_path, [*SNVS, Call(500, "A", "<INS>", None)], fdr=0.0501)
    assert "kept 3 of 4 calls" in caplog.text
    assert "0.15 of them expected to be false" in caplog.text
    assert "1 alleles without a posterior" in caplog.text


def test_small_error_probabilities_survive(tmp_path: Path) -> None:
    """1 - p would make both 0 in single precision; the sum of the other events keeps them apart."""
    calls = [Call(100, "A", "C", 1e-12), Call(200, "A", "C", 1e-9)]
    out = run(tmp_path, calls, fdr=1e-11)
    assert positions(out) == [100]
    assert result_line(out)["expected_false"] == pytest.approx(1e-12, rel=1e-4)


def test_a_record_of_which_one_allele_was_not_judged_keeps_the_other(tmp_path: Path) -> None:
    """C beside *, as joint calling writes it: C was judged (0.01), * was not."""
    path = tmp_path / "calls.vcf"
    with pysam.VariantFile(str(path), "w", header=header(samples=())) as out:
        record = out.new_record(contig="chr1", start=9, alleles=("A", "C", "*"))
        record.info["SKIPPED"] = "spanning_deletion"
        for event in EVENTS:
            record.info[f"PROB_{event}"] = (to_phred(0.99 if event == "SOMATIC_TUMOR" else 0.002), None)
        out.write(record)
    kept = read_all(run(tmp_path, path))
    assert [record.alts for record in kept] == [("C",)]


def test_events_add_up(tmp_path: Path) -> None:
    """Germline het and hom with half of the error each: neither alone passes 0.05, the two together do."""
    head = header()
    path = tmp_path / "calls.vcf"
    with pysam.VariantFile(str(path), "w", header=head) as out:
        record = out.new_record(contig="chr1", start=9, alleles=("A", "C"))
        for event, p in {"GERMLINE_HET": 0.5, "GERMLINE_HOM": 0.49, "ABSENT": 0.01}.items():
            record.info[f"PROB_{event}"] = (-10 * math.log10(p),)
        for event in ("SOMATIC_TUMOR", "SOMATIC_NORMAL", "ARTIFACT"):
            record.info[f"PROB_{event}"] = (300.0,)
        out.write(record)
    assert positions(run(tmp_path, path, events=["germline_het"])) == []
    assert positions(run(tmp_path, path, events=["germline_het,PROB_GERMLINE_HOM"])) == [10]
    assert positions(run(tmp_path, path, events=["GERMLINE_HET", "GERMLINE_HOM"])) == [10]


@pytest.mark.parametrize("events", [("CNN_SOMATIC", "CNN_ARTIFACT"), ("COMBINED_SOMATIC",), ("SOMATIC_TUMOR", "ABSENT")])
def test_other_families_of_events(tmp_path: Path, events: tuple[str, ...]) -> None:
    out = run(tmp_path, SNVS, head=header(events=events), events=[events[0]], fdr=0.0501)
    assert positions(out) == [100, 300, 400]


def test_types_and_lengths(tmp_path: Path) -> None:
    calls = [
        Call(100, "A", "C"),
        Call(200, "AC", "TG"),
        Call(300, "A", "ACC"),
        Call(400, "ACCC", "A"),
        Call(500, "ACCCT", "GG"),
        Call(600, "A", "<DEL>", info={"END": 640}),
    ]
    path = write_scored(tmp_path / "calls.vcf", calls)
    assert positions(run(tmp_path, path, variant_type=["snv"])) == [100]
    assert positions(run(tmp_path, path, variant_type=["mnv", "insertion"])) == [200, 300]
    assert positions(run(tmp_path, path, variant_type=["deletion"], max_length=10)) == [400]
    assert positions(run(tmp_path, path, min_length=4)) == [500, 600]
    assert positions(run(tmp_path, path, variant_type=["deletion"], min_length=40, max_length=40)) == [600]
    assert result_line(run(tmp_path, path, variant_type=["snv"]))["considered"] == 1


def test_the_threshold_is_that_of_the_chosen_type(tmp_path: Path) -> None:
    """Ten sure SNVs would carry the doubtful deletion along; alone it does not pass."""
    calls = [Call(100 + i, "A", "C", 0.001) for i in range(10)] + [Call(200, "AC", "A", 0.3)]
    path = write_scored(tmp_path / "calls.vcf", calls)
    assert len(positions(run(tmp_path, path))) == 11
    assert positions(run(tmp_path, path, variant_type=["deletion"])) == []


MULTI = Call(
    100,
    "A",
    ("C", "G", "T"),
    (0.9, 0.01, 0.02),
    (0.1, 0.2, 0.3),
    info={"AC": (1, 2, 3), "AD": (10, 11, 12, 13), "AN": 7},
    genotype=(1, 3),
)


@pytest.mark.parametrize("suffix", ["vcf", "vcf.gz", "bcf"])
def test_only_selected_alleles_stay(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "calls.bcf"
    write_scored(path, [MULTI])
    with pysam.VariantFile(str(path)) as handle:
        head, record = handle.header.copy(), next(iter(handle))
        record.samples[0]["PL"] = tuple(range(10))
        record.samples[0].phased = True
        with_likelihoods = tmp_path / "calls.vcf"
        with pysam.VariantFile(str(with_likelihoods), "w", header=head) as out:
            out.write(record)
    (kept,) = read_all(run(tmp_path, with_likelihoods, f"out.{suffix}"))
    assert kept.alleles == ("A", "G", "T")
    assert kept.info["AC"] == (2, 3)
    assert kept.info["AD"] == (10, 12, 13)
    assert kept.info["AN"] == 7
    assert len(kept.info["PROB_ABSENT"]) == 2
    assert kept.samples["tumor"]["AF"] == pytest.approx((0.2, 0.3))
    assert [text.split("|")[0] for text in kept.samples["normal"]["AFD"]] == [
        text.split("|")[0] for text in record.samples["normal"]["AFD"][1:]
    ]
    assert kept.samples["tumor"]["DP"] == 40
    # Of the genotypes 0/0 0/1 1/1 0/2 1/2 2/2 0/3 1/3 2/3 3/3 those without allele 1 stay.
    assert kept.samples["tumor"]["PL"] == (0, 3, 5, 6, 8, 9)
    assert kept.samples["tumor"].allele_indices == (None, 2)
    assert kept.samples["tumor"].phased
    assert not kept.samples["normal"].phased
    assert str(kept).count("\x07") == 0


def test_values_that_are_missing_stay_missing(tmp_path: Path) -> None:
    """Shorthand for missing ('.' for three values), a sample without the field, a number of values that does not fit."""
    path = write_scored(tmp_path / "calls.vcf", [Call(100, "A", ("C", "G", "T"), (0.9, 0.01, 0.02), info={"AC": (1, 2, 3)})])
    lines = path.read_text().splitlines()
    columns = lines[-1].split("\t")
    columns[7] = columns[7].replace("AC=1,2,3", "AC=.")
    columns[8:] = ["GT:DP:AF:AFD:AD2:PL", "0|1:7:.:.:.:.", "./.:8:0.1,0.2,0.3:a,b,c:x:1,2"]
    extra = '##FORMAT=<ID=AD2,Number=R,Type=String,Description="text">'
    path.write_text("\n".join([lines[0], extra, *lines[1:-1], "\t".join(columns)]) + "\n")
    out = run(tmp_path, path)
    (kept,) = read_all(out)
    tumor, normal = kept.samples.values()
    assert "AC=.;" in out.read_text()
    assert (tumor["DP"], normal["DP"]) == (7, 8)
    assert set(tumor["AF"]) == {None}
    assert normal["AF"] == pytest.approx((0.2, 0.3))
    assert normal["AFD"] == ("b", "c")
    assert set(tumor["AFD"]) <= {".", None}
    assert tumor.allele_indices == (0, None)
    assert "\x07" not in out.read_text()


def test_a_record_kept_whole_is_unchanged_but_for_its_filter(tmp_path: Path) -> None:
    path = write_scored(tmp_path / "calls.vcf", [Call(100, "A", ("C", "G"), (0.01, 0.02), genotype=(1, 2))])
    out = run(tmp_path, path)
    (before,), (after,) = ([line.split("\t") for line in p.read_text().splitlines() if line[0] != "#"] for p in (path, out))
    assert after[6] == "PASS"
    assert after[:6] + after[7:] == before[:6] + before[7:]


def test_what_certain_calls_leave_over_lets_nothing_unlikely_pass(tmp_path: Path) -> None:
    """99 certain calls and one of probability 0.1: the mean error is 0.009, but the one is likelier false."""
    calls = [Call(100 + 10 * i, "A", "C", 1e-9) for i in range(99)] + [Call(2000, "A", "C", 0.9)]
    assert 2000 not in positions(run(tmp_path, calls))
    assert 2000 in positions(run(tmp_path, tmp_path / "calls.vcf", "global.vcf", mode="global"))


def test_the_callers_filter_moves_to_info_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Kept records are PASS, the others named after the rate; filtering again keeps the caller's word, not ours."""
    path = write_scored(tmp_path / "calls.vcf", [Call(100, "A", "C", 0.01), Call(200, "A", "C", 0.9), Call(300, "A", "C", 0.9)])
    text = path.read_text().replace("##contig=<ID=chr1", '##FILTER=<ID=weak,Description="w">\n##contig=<ID=chr1')
    lines = [line.split("\t") for line in text.splitlines()]
    for line, given in zip((line for line in lines if line[0][0] != "#"), ("weak", "PASS", "."), strict=True):
        line[6] = given
    path.write_text("\n".join("\t".join(line) for line in lines) + "\n")
    with caplog.at_level("INFO"):
        first = run(tmp_path, path, "first.vcf", annotate=True)
    assert "the caller had filtered 1 of 3 calls; 1 of these are among the kept" in caplog.text
    second = run(tmp_path, first, "second.vcf", annotate=True, fdr=0.5, mode="global")
    for out in (first, second):
        assert [record.info.get("VP_CALLER_FILTER") for record in read_all(out)] == [("weak",), ("PASS",), None]
    expected = ["PASS", "vp_fdr_0.05", "vp_fdr_0.05"]
    assert [list(record.filter) for record in read_all(first)] == [[name] for name in expected]
    assert [record.info["VP_FILTER"] for record in read_all(first)] == [(name,) for name in expected]


def test_of_a_record_the_best_allele_decides_its_filter(tmp_path: Path) -> None:
    path = write_scored(tmp_path / "calls.vcf", [Call(100, "A", ("C", "G"), (0.9, 0.01))])
    (record,) = read_all(run(tmp_path, path, annotate=True))
    assert list(record.filter) == ["PASS"]
    assert record.alts == ("C", "G")
    assert record.info["VP_FILTER"] == ("vp_fdr_0.05", "PASS")


def test_genotype_order_is_that_of_the_specification() -> None:
    """VCF 4.3, 1.6.2: diploid F(j/k) = k(k+1)/2 + j; the triploid example with two alternative alleles."""
    for number, (j, k) in enumerate(genotype_order(4, 2)):
        assert number == k * (k + 1) // 2 + j
    triploid = ["000", "001", "011", "111", "002", "012", "112", "022", "122", "222"]
    assert ["".join(map(str, genotype)) for genotype in genotype_order(3, 3)] == triploid


def test_missing_values_are_not_judged(tmp_path: Path) -> None:
    path = write_scored(tmp_path / "calls.vcf", [*SNVS[:1], Call(150, "A", "<INS>", None)])
    text = path.read_text().rstrip("\n") + "\nchr1\t160\t.\tA\tC\t.\t.\tPROB_SOMATIC_TUMOR=.\tDP\t1\t1\n"
    path.write_text(text + "chr1\t170\t.\tA\t.\t.\t.\t.\tDP\t1\t1\n")
    out = run(tmp_path, path, fdr=1.0)
    assert positions(out) == [100]


def test_empty_input_gives_valid_empty_output(tmp_path: Path) -> None:
    for suffix in ("vcf", "vcf.gz", "bcf"):
        out = run(tmp_path, [], f"out.{suffix}")
        assert read_all(out) == []
        assert result_line(out)["kept"] == 0


def test_filtering_twice_and_the_same_bytes(tmp_path: Path) -> None:
    first = run(tmp_path, SNVS, fdr=0.0501)
    again = run(tmp_path, tmp_path / "calls.vcf", "again.vcf", fdr=0.0501)
    assert first.read_bytes() == again.read_bytes()
    twice = run(tmp_path, first, "twice.vcf", fdr=0.0501)
    assert positions(twice) == [100, 300, 400]


def test_compressed_outputs_are_indexed(tmp_path: Path) -> None:
    out = run(tmp_path, SNVS, "out.vcf.gz")
    with pysam.VariantFile(str(out)) as handle:
        assert [record.pos for record in handle.fetch("chr1", 350, 450)] == [400]
    assert (tmp_path / "out.vcf.gz.tbi").exists()
    run(tmp_path, SNVS, "out.bcf")
    assert (tmp_path / "out.bcf.csi").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"events": ["SOMATIC_TUMOUR"]}, "'SOMATIC_TUMOUR' is not an event .* SOMATIC_TUMOR, SOMATIC_NORMAL"),
        ({"events": [","]}, "name at least one"),
        ({"calls": Path("nowhere.vcf")}, "nowhere.vcf: no such file"),
        ({"output": Path("no-such-folder/out.vcf")}, "create it first"),
        ({"output": Path("/")}, "suffix|folder"),
        ({"output": Path("out.txt")}, "the suffix must be"),
    ],
)
def test_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        run(tmp_path, options.pop("calls", SNVS), **options)
    assert {path.name for path in tmp_path.iterdir()} <= {"calls.vcf"}


def test_refused_files(tmp_path: Path) -> None:
    unsorted = write_scored(tmp_path / "unsorted.vcf", SNVS[::-1])
    plain = write_scored(tmp_path / "plain.vcf", SNVS, header(events=()))
    both = write_scored(tmp_path / "both.vcf", SNVS, header(events=("SOMATIC_TUMOR", "CNN_SOMATIC")))
    cut = tmp_path / "cut.vcf"
    cut.write_text((tmp_path / "plain.vcf").read_text()[:-200] + "chr1\tx\t.\tA\n")
    folder = tmp_path / "out.vcf"
    folder.mkdir()
    before = set(tmp_path.iterdir())
    for path, options, message in [
        (unsorted, {}, "not sorted: record 2.*bcftools sort"),
        (plain, {}, "score the calls with score-posterior"),
        (both, {"events": ["SOMATIC_TUMOR", "CNN_SOMATIC"]}, "can't be added up"),
        (unsorted, {"output": folder}, "is a folder"),
    ]:
        with pytest.raises(UserError, match=message):
            run(tmp_path, path, "x.vcf", **options)
    assert set(tmp_path.iterdir()) == before


def test_options_on_the_command_line() -> None:
    options = parse_options(
        "fdr-filter",
        FdrFilterOptions,
        ["--calls", "a", "--events", "A,B", "--fdr", "0.1", "--output", "-", "--variant-type", "snv,mnv"],
    )
    assert (options.events, [kind.value for kind in options.variant_type]) == (["A", "B"], ["snv", "mnv"])
    for arguments, message in [
        (["--fdr", "1.5"], "--fdr"),
        (["--fdr", "0"], "--fdr"),
        (["--min-length", "9", "--max-length", "3"], "over"),
    ]:
        with pytest.raises(UserError, match=message):
            parse_options(
                "fdr-filter", FdrFilterOptions, ["--calls", "a", "--events", "A", "--fdr", "0.1", "--output", "-", *arguments]
            )


def test_as_a_program(tmp_path: Path) -> None:
    calls = write_scored(tmp_path / "calls.vcf.gz", SNVS)
    command = [sys.executable, "-m", "varproof.commands.fdr_filter", "--calls", str(calls), "--fdr", "0.0501"]
    good = subprocess.run([*command, "--events", "somatic_tumor", "--output", "-"], capture_output=True, text=True)
    assert good.returncode == 0, good.stderr
    assert [line.split("\t")[1] for line in good.stdout.splitlines() if line[0] != "#"] == ["100", "300", "400"]
    assert "kept 3 of 4" in good.stderr
    bad = subprocess.run([*command, "--events", "nothing", "--output", str(tmp_path / "x.vcf")], capture_output=True, text=True)
    assert bad.returncode == 2
    assert bad.stderr.count("\n") == 1
    assert not (tmp_path / "x.vcf").exists()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Type=Float", "Type=String", "declares PROB_SOMATIC_TUMOR with Type=String; it must be Float"),
        ("Number=A", "Number=2", "PROB_SOMATIC_TUMOR has 2 values for 1 alternative alleles"),
    ],
)
def test_probabilities_that_are_declared_otherwise_are_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    calls = write_scored(tmp_path / "calls.vcf", SNVS)
    lines = calls.read_text().splitlines(keepends=True)
    declared = next(number for number, line in enumerate(lines) if line.startswith("##INFO=<ID=PROB_SOMATIC_TUMOR,"))
    lines[declared] = lines[declared].replace(old, new)
    if new == "Number=2":
        lines = [re.sub(r"(PROB_SOMATIC_TUMOR=)([^;\t]+)", r"\1\2,\2", line) for line in lines]
    (tmp_path / "other.vcf").write_text("".join(lines))
    with pytest.raises(UserError, match=words):
        run(tmp_path, tmp_path / "other.vcf")


def test_calls_may_be_named_by_the_address_of_a_file(tmp_path: Path) -> None:
    calls = write_scored(tmp_path / "calls.vcf", SNVS)
    options = FdrFilterOptions(calls=f"file://{calls}", events=["SOMATIC_TUMOR"], fdr=0.05, output=tmp_path / "out.vcf")
    assert options.calls == calls
