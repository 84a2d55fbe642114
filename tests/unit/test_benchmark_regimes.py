"""The regimes' benchmark: what counts as a missed cell, what recall is held against, and how lists are selected."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pysam
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))  # the modules import their neighbours by bare name
try:
    import regimes_lists
    import regimes_table
    from regimes_samples import LISTS, REGIMES, SAMPLES, SHORT, regimes
    from tables import NOMINAL_FDRS
finally:
    sys.path.remove(str(BENCHMARKS))


def judged(false: int, true: int, listed: int) -> dict[str, Any]:
    """Of SNVs so many; of the other classes nothing."""
    point = {"kept": true + false, "true": true, "false": false, "partial": 0, "found": true}
    nothing = dict.fromkeys(point, 0)
    return {
        name: {
            "true_variants": listed,
            "listed": listed if name == "snv" else 0,
            "points": {str(rate): point if name == "snv" else nothing for rate in NOMINAL_FDRS},
        }
        for name in regimes_table.CLASSES
    }


def result(sample: str, name: str, seed: int, false: int, true: int = 90, told: int = 90, words: str = "") -> dict[str, Any]:
    found = {"sample": sample, "list": name, "seed": seed, "warnings": [[words] if words else []]}
    return found | {"smart": judged(false, true, 100), "told": judged(0, told, 100)}


def test_there_are_at_least_forty_regimes_and_each_is_known() -> None:
    pairs = regimes(list(SAMPLES))
    assert len(set(pairs)) == len(pairs) >= 40
    assert set(REGIMES) | set(SHORT) <= set(SAMPLES)
    assert {name for _, name in pairs} == set(LISTS)
    suspected = {sample.suspicion for sample in SAMPLES.values()}
    assert suspected == {"", None, *regimes_table.SUSPICIONS}


def test_options_of_samples_are_simulate_pairs() -> None:
    from varproof.simulation.settings import SimulationSettings

    known = {f"--{name.replace('_', '-')}" for name in SimulationSettings.model_fields}
    for sample in SAMPLES.values():
        arguments = sample.arguments(3, {})
        assert {word for word in arguments if word.startswith("--")} <= known
        assert arguments[-2:] == ("--seed", "3")
    assert "--genome-length" in SAMPLES["default"].arguments(1, {}, 3)
    assert SAMPLES["default"].arguments(1, {}, 3)[1] == "900000"
    assert SAMPLES["hard"].fraction("--normal-contamination") == 0.02
    assert SAMPLES["person-5"].fraction("--tumor-contamination") == 0.05


def test_a_cell_pools_seeds_and_is_over_above_the_binomial_limit() -> None:
    """Of 190 calls at 0.01 the 0.95 quantile is 4, and at 0.05 it is 15: 10 false ones are over the first only."""
    results = [result("default", "own", seed, 5) for seed in (1, 2)]
    cells = {cell.nominal: cell for cell in regimes_table.cells_of(results)}
    assert set(cells) == set(NOMINAL_FDRS)  # classes without calls are no cells
    assert {(cell.false, cell.judged) for cell in cells.values()} == {(10, 190)}
    assert (cells[0.01].limit, cells[0.01].over, cells[0.01].factor) == (4, True, 2.5)
    assert (cells[0.05].limit, cells[0.05].over) == (15, False)


@pytest.mark.parametrize(("false", "judged_calls", "factor"), [(1, 2, 1.0), (2, 3, 2.0)])
def test_of_few_calls_the_factor_is_over_a_limit_of_one(false: int, judged_calls: int, factor: float) -> None:
    cell = regimes_table.Cell("default", "own", "snv", 0.01, false, judged_calls)
    assert (cell.limit, cell.over, cell.factor) == (0, True, factor)


def test_the_page_names_what_misses_with_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(regimes_table.CAUSES, ("ffpe-0", "*"), "the normal is blood")
    results = [result("default", "own", 1, 0), result("ffpe-0", "own", 1, 30, words="damage of its library")]
    page = "\n".join(regimes_table.regimes_lines(results))
    assert "4 of 8 cells over the limit = 0.500 (≤ 0.05)" not in page  # 30 of 120 are under the limit of 0.2
    assert "3 of 8 cells over the limit = 0.375 (≤ 0.05)" in page
    assert page.count("the normal is blood") == 3
    assert "| damage | ffpe-0 | 1/1 = 1.00 (≥ 0.9) |" in page
    assert "| damage | clean ones | 0/1 = 0.00 (≤ 0.02) |" in page
    assert "| person | clean ones | 0/1 = 0.00 (≤ 0.02) |" in page


def test_recall_is_held_against_what_a_told_prior_finds() -> None:
    lines = regimes_table.missed_lines([result("default", "own", 1, 0, true=80, told=90)])
    assert any("recall 80/100, told 90" in line for line in lines)
    assert len(regimes_table.missed_lines([result("default", "own", 1, 0, true=86, told=90)])) == 2  # the head alone


def vcf(path: Path, records: list[tuple[int, str, str, str]], counts: list[tuple[int, int]] | None = None) -> Path:
    """(position, REF, ALT, event) on one contig; with reads of the allele in tumour and normal."""
    header = pysam.VariantHeader()
    header.contigs.add("c", length=1_000)
    header.info.add("EVENT", 1, "String", "")
    header.formats.add("AD", "R", "Integer", "")
    for sample in ("tumor", "normal") if counts else ():
        header.add_sample(sample)
    with pysam.VariantFile(str(path), "w", header=header) as made:
        for number, (start, ref, alt, event) in enumerate(records):
            record = made.new_record(contig="c", start=start, alleles=(ref, alt))
            record.info["EVENT"] = event
            for sample, shown in zip(record.samples.values(), counts[number] if counts else (), strict=True):
                sample["AD"] = (20, shown)
            made.write(record)
    return path


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    pair = tmp_path / "pair"
    pair.mkdir()
    sequence = "ACGT" * 250
    (pair / "reference.fa").write_text(f">c\n{sequence}\n")
    pysam.faidx(str(pair / "reference.fa"))
    alleles = [(4, "A", "C"), (8, "A", "AC"), (12, "AC", "A"), (16, "A", "G"), (20, "A", "T")]
    events = ("SOMATIC_TUMOR", "SOMATIC_TUMOR", "GERMLINE_HET", "ARTIFACT", "SOMATIC_TUMOR")
    records = [(*allele, event) for allele, event in zip(alleles, events, strict=True)]
    vcf(pair / "candidates.vcf.gz", records)
    vcf(pair / "truth.vcf.gz", records)
    own = vcf(tmp_path / "own.vcf.gz", records, [(4, 1), (3, 0), (9, 2), (8, 0), (2, 5)])
    made = regimes_lists.Lists(tmp_path, 1, lambda name, candidates: candidates)
    made._own = own
    monkeypatch.setattr(regimes_lists.shutil, "which", lambda name: None)
    monkeypatch.setattr(regimes_lists, "INSTALLED", tmp_path / "nothing")
    return made


@pytest.mark.parametrize(
    ("name", "starts"),
    [
        ("full", [4, 8, 12, 16, 20]),
        ("filtered", [4, 16]),
        ("no-normal", [8, 16]),
        ("all-true", [4, 8, 20]),
        ("all-false", [12, 16]),
        ("snvs", [4, 16, 20]),
        ("deletions", [12]),
        ("union", [4, 8, 12, 16, 20]),
    ],
)
def test_lists_have_what_their_names_say(lists: Any, name: str, starts: list[int]) -> None:
    (path,) = lists.of(name)
    assert [record[1] for record in regimes_lists.records_of(path)] == starts


def test_small_lists_are_drawn_and_lists_without_their_program_left_out(lists: Any) -> None:
    drawn = lists.of("random-10")
    assert len(drawn) == 6 and all(len(list(regimes_lists.records_of(path))) == 5 for path in drawn)
    spots = list(regimes_lists.records_of(lists.of("hot-spots")[0]))
    assert len(spots) == len(set(spots)) and 190 <= len(spots) <= 200
    assert {("c", 4, "A", "C"), ("c", 20, "A", "T")} <= set(spots)
    assert lists.of("freebayes") == lists.of("mutect2") == []


def test_chunks_share_out_all_candidates(lists: Any, tmp_path: Path) -> None:
    made = regimes_lists.chunks_of(lists.own(), {"c": 1_000}, tmp_path / "chunks")
    found = Counter(record for path, _ in made for record in regimes_lists.records_of(path))
    assert found == Counter(regimes_lists.records_of(lists.own()))
    for path, bed in made:
        _, first, last = bed.read_text().split()
        assert int(last) - int(first) == 20
        assert all(int(first) <= record[1] < int(last) for record in regimes_lists.records_of(path))
