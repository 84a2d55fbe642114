"""Tandem repeats and slippage, against definitions spelled out."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from small_bams import Read, random_pairs, random_sequence, write_bam
from varproof.formats.alignment import SlippageRow
from varproof.reads.decode import ReadBatch, base_codes, decode_reads, open_reads
from varproof.reads.repeats import TandemTracts, find_tandem_tracts
from varproof.reads.slippage import OUTCOMES, SlippageModel, TractCounts, pooled_rows, slippage_rows
from varproof.reads.slippage_numba_fns import slipped_units

BATCH_FIELDS = ("start", "end", "flag", "mapq", "base_offset", "bases", "cigar_offset", "cigar_op", "cigar_length")


def has_period(text: str, period: int) -> bool:
    return all(text[i] == text[i - period] and text[i] != "N" for i in range(period, len(text)))


def tracts_by_definition(text: str) -> list[tuple[int, int, int]]:
    """Every stretch with the period that can't be made longer on either side."""
    found = []
    for unit in range(1, 7):
        for start in range(len(text)):
            for end in range(start + unit * (4 if unit == 1 else 3), len(text) + 1):
                piece = text[start:end]
                if "N" in piece or not has_period(piece, unit):
                    continue
                if start > 0 and has_period(text[start - 1 : end], unit):
                    continue
                if end < len(text) and has_period(text[start : end + 1], unit):
                    continue
                if any(unit % d == 0 and has_period(piece[:unit], d) for d in range(1, unit)):
                    continue
                found.append((start, end, unit))
    return sorted(found, key=lambda tract: (tract[0], tract[2]))


def as_tuples(tracts: TandemTracts) -> list[tuple[int, int, int]]:
    return list(zip(tracts.start.tolist(), tracts.end.tolist(), tracts.unit_length.tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["A", "C", "N", "AC", "AAAA", "ACACAC", "AACAACAAC", "GATC" * 3]), max_size=8))
def test_tracts_are_the_maximal_periodic_stretches(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert as_tuples(find_tandem_tracts(base_codes(text))) == tracts_by_definition(text)


def test_units_leave_an_incomplete_last_one_out() -> None:
    tracts = find_tandem_tracts(base_codes("GACACACAG"), 50)
    assert as_tuples(tracts) == [(51, 58, 2)]
    assert tracts.units.tolist() == [3]


REFERENCE = "GATTCGCATG" + "A" * 8 + "CGTTGACTGC" + "CAG" * 4 + "TTCGGATACG"
#            0            10        18           28           40


def counted(tmp_path: Path, reads: list[Read]) -> dict[tuple[int, int], list[int]]:
    with open_reads(write_bam(tmp_path / "r.bam", {"one": len(REFERENCE)}, reads), None) as handle:
        batch = decode_reads(handle, "one", 0, len(REFERENCE))
    codes = base_codes(REFERENCE)
    tracts = find_tandem_tracts(codes)
    counts = slips(batch, codes, tracts)
    return {(s, u): row for (s, _, u), row in zip(as_tuples(tracts), counts.tolist(), strict=True)}


def slips(batch: ReadBatch, codes: np.ndarray, tracts: TandemTracts) -> np.ndarray:
    fields = [getattr(batch, name) for name in BATCH_FIELDS]
    return slipped_units(*fields, codes, 0, tracts.start, tracts.end, tracts.unit_length)


def test_reads_that_lost_and_gained_units(tmp_path: Path) -> None:
    r = REFERENCE
    reads = [
        Read("same", 0, "50M", r),
        Read("lost1", 0, "10M1D39M", r[:10] + r[11:]),
        Read("lost3", 0, "12M3D35M", r[:12] + r[15:]),
        Read("gained2", 0, "10M2I40M", r[:10] + "AA" + r[10:]),
        Read("other", 0, "10M2I40M", r[:10] + "GC" + r[10:]),
        Read("unit", 0, "28M3D19M", r[:28] + r[31:]),
        Read("error", 0, "50M", r[:12] + "G" + r[13:30] + "T" + r[31:]),
        Read("part", 0, "30M2D18M", r[:30] + r[32:]),
        Read("unmapped", 0, "50M", r, mapq=10),
        Read("short", 6, "40M", r[6:46]),
        Read("flank", 0, "50M", r[:8] + "G" + r[9:]),
        Read("clipped", 5, "5S45M", "AAAAA" + r[5:]),
    ]
    counts = counted(tmp_path, reads)
    # spanning, lost 1, 2, 3+, gained 1, 2, 3+
    assert counts[10, 1] == [7, 1, 0, 1, 0, 1, 0]  # same, lost1, lost3, gained2, unit, part, clipped
    assert counts[28, 3] == [9, 1, 0, 0, 0, 0, 0]  # all but error, part and unmapped


def change_by_pairs(pairs: list[tuple[int, int]], bases: str, start: int, end: int, unit: int) -> int | None:
    """Bases gained between the flanks of 5, None if the read doesn't span."""
    query_of = {p: q for q, p in pairs}
    for flank in (start - 5, end):
        anchor = query_of.get(flank)
        for i in range(5):
            if anchor is None or query_of.get(flank + i) != anchor + i or bases[anchor + i] != REPEATS[flank + i]:
                return None
    between = bases[query_of[start - 1] + 1 : query_of[end]]
    if not (REPEATS[start : start + unit] * len(between)).startswith(between):
        return None
    return len(between) - (end - start)


REPEATS = random_sequence(random.Random(21), 2500)


def test_spanning_reads_agree_with_aligned_pairs(tmp_path: Path) -> None:
    reads = random_pairs(4, REPEATS, 500, read_length=90, error=0.01)
    with open_reads(write_bam(tmp_path / "r.bam", {"one": len(REPEATS)}, reads), None) as handle:
        batch = decode_reads(handle, "one", 0, len(REPEATS))
        segments = [s for s in handle.fetch("one") if not s.flag & 0xF04 and s.mapping_quality >= 20]
    codes = base_codes(REPEATS)
    tracts = find_tandem_tracts(codes)
    spanning, changed = np.zeros(len(tracts.start), int), 0
    for segment in segments:
        pairs = segment.get_aligned_pairs(matches_only=True)
        for t, (start, end, unit) in enumerate(as_tuples(tracts)):
            if start - 5 >= segment.reference_start and end + 5 <= segment.reference_end:
                change = change_by_pairs(pairs, segment.query_sequence, start, end, unit)
                spanning[t] += change is not None
                changed += bool(change) and change % unit == 0
    counts = slips(batch, codes, tracts)
    assert counts[:, 0].tolist() == spanning.tolist()
    assert 0 < counts[:, 1:].sum() == changed


def test_without_reads_the_rates_are_the_defaults() -> None:
    model = SlippageModel([])
    assert model.rates(1, 4)[:2] == pytest.approx([1e-5, 0.5e-5])
    assert model.rates(1, 14)[0] == pytest.approx(1e-5 * 1.8**10)
    assert model.rates(9, 5) == pytest.approx(model.rates(6, 5))
    assert model.rates(1, 500).max() <= 0.3
    assert model.table(10).shape == (6, 11, len(OUTCOMES))
    assert np.array_equal(model.table(10)[2, 7], model.rates(3, 7))


def test_rates_are_learnt_where_reads_are_many_and_extrapolated_where_they_are_few() -> None:
    def true_rate(units: int) -> float:
        return 1e-4 * 1.6 ** (units - 4)

    rows = [
        SlippageRow(
            unit_length=1, units=n, spanning=(spanning := 400_000 // 2 ** (n - 4)),
            lost=[round(spanning * true_rate(n)), 0, 0], gained=[0, 0, 0],
        )
        for n in range(4, 13)
    ]  # fmt: skip
    model = SlippageModel(rows)
    for units in range(4, 13):
        assert model.rates(1, units)[0] == pytest.approx(true_rate(units), rel=0.15)
    assert model.rates(1, 14)[0] == pytest.approx(true_rate(14), rel=0.5)
    assert model.rates(1, 10)[1] < true_rate(10) / 10
    assert np.all(np.diff([model.rates(1, n)[0] for n in range(4, 19)]) > 0)


def tracts_of(units: list[int], counts: np.ndarray, first: int = 0) -> TractCounts:
    """Homopolymers of a sample on contig "one", the i-th at 100 * (first + i)."""
    length = np.array(units, np.int64)
    start = 100 * (first + np.arange(len(length)))
    return TractCounts(
        np.full(len(length), "one", object), start, start + length, np.ones(len(length), np.int64), length, counts
    )


def plain_counts(spanning: list[int], lost: list[int]) -> np.ndarray:
    counts = np.zeros((len(spanning), 7), np.int64)
    counts[:, 0], counts[:, 1] = spanning, lost
    return counts


def test_tracts_with_a_variant_teach_nothing() -> None:
    rng = np.random.default_rng(1)
    n = 600
    counts = np.zeros((n, 7), np.int64)
    counts[:, 0] = 40
    counts[:, 1] = rng.binomial(40, 0.02, n)
    counts[:20, 1] = rng.binomial(40, 0.5, 20)
    counts[20:30, 4] = 38
    counts[30:40, 5] = 9
    rows = slippage_rows(tracts_of([12] * n, counts))
    assert len(rows) == 1
    row = rows[0]
    assert row.spanning == 40 * (n - 40)
    assert row.gained == [0, 0, 0]
    low, high = binom.interval(0.999, row.spanning, 0.02)
    assert low <= row.lost[0] <= high


def test_shallow_and_absent_tracts() -> None:
    assert slippage_rows() == slippage_rows(tracts_of([], np.zeros((0, 7), np.int64))) == []
    one = np.array([[3, 0, 0, 0, 0, 0, 0], [5, 2, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0, 0]])
    rows = slippage_rows(tracts_of([6] * 3, one))
    assert [(row.spanning, row.lost) for row in rows] == [(5, [0, 0, 0])]


DEEP = tracts_of([4] * 9 + [5] * 5 + [8], plain_counts([800] * 14 + [873], [0] * 14 + [30]))
"""A panel with one run of eight, which 30 of 873 reads show shorter: by slippage, or because the tumour has a variant there."""

EIGHT = ("one", 1400, 1408)


def test_the_only_repeat_of_its_length_teaches_nothing_about_itself() -> None:
    model = SlippageModel(slippage_rows(DEEP))
    others = SlippageModel(slippage_rows(DEEP.chosen(np.arange(14))))
    assert model.rates(1, 8, EIGHT) == pytest.approx(others.rates(1, 8), rel=1e-6)
    assert model.rates(1, 8, EIGHT)[0] < 2e-4 < 10 * 2e-4 < model.rates(1, 8)[0]
    assert model.rates(1, 8, ("two", 1400, 1408)) == pytest.approx(model.rates(1, 8))
    assert model.rates(1, 8, ("one", 1409, 1417)) == pytest.approx(model.rates(1, 8))


def test_a_variant_of_the_only_repeat_of_its_length_is_found() -> None:
    """At 6 % the other repeats don't explain it: it is left out for all."""
    counts = DEEP.counts.copy()
    counts[14, 1] = 52
    rows = slippage_rows(DEEP._replace(counts=counts))
    assert [row.units for row in rows] == [4, 5]


def test_where_repeats_of_a_length_are_many_none_of_them_is_taken_out() -> None:
    rows = slippage_rows(tracts_of([9] * 50, plain_counts([40] * 50, [1] * 50)))
    assert rows[0].tracts == 50 and rows[0].leading == []


def test_one_tract_is_one_piece_of_evidence() -> None:
    """Twenty events of one tract say less about others of its length than one event of each of twenty."""
    one = SlippageModel(slippage_rows(tracts_of([10], plain_counts([2000], [20]))))
    many = SlippageModel(slippage_rows(tracts_of([10] * 20, plain_counts([100] * 20, [1] * 20))))
    default = SlippageModel([]).rates(1, 10)[0]
    assert default < one.rates(1, 10)[0] < many.rates(1, 10)[0] < 0.01


def test_samples_of_a_person_are_one_measurement() -> None:
    """As if all reads were of one sample; and a tract that is a variant in one of them is left out of both."""
    rng = np.random.default_rng(5)
    tumor, normal = (tracts_of([11] * 80, plain_counts([60] * 80, rng.binomial(60, 0.01, 80).tolist())) for _ in range(2))
    together = slippage_rows(tumor, normal)
    both = tumor._replace(counts=tumor.counts + normal.counts)
    assert together == slippage_rows(both)
    assert together == slippage_rows(normal, tumor)
    tumor.counts[3, 1], normal.counts[3, 1] = 30, 0
    (row,) = slippage_rows(tumor, normal)
    assert row.spanning == 79 * 120 and row.tracts == 79
    assert row.lost[0] == np.delete(tumor.counts[:, 1] + normal.counts[:, 1], 3).sum()


def test_tracts_of_one_sample_only_count_as_well() -> None:
    tumor = tracts_of([7] * 3, plain_counts([50] * 3, [0, 1, 0]))
    normal = tracts_of([7] * 3, plain_counts([40] * 3, [0, 0, 1]), first=2)
    (row,) = slippage_rows(tumor, normal)
    assert (row.spanning, row.lost, row.tracts) == (270, [2, 0, 0], 5)


def test_rows_of_two_files_are_added_up_once() -> None:
    first, second = slippage_rows(DEEP), slippage_rows(DEEP._replace(counts=2 * DEEP.counts))
    pooled = pooled_rows(first, second, first)
    assert [(row.units, row.spanning, row.tracts) for row in pooled] == [(4, 3 * 7200, 9), (5, 3 * 4000, 5), (8, 3 * 873, 1)]
    assert pooled[2].leading[0].lost == [90, 0, 0]
    assert pooled_rows(first, first) == first
