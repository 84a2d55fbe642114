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
from varproof.reads.slippage import OUTCOMES, SlippageModel, slippage_rows
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


def test_tracts_with_a_variant_teach_nothing() -> None:
    rng = np.random.default_rng(1)
    n = 600
    counts = np.zeros((n, 7), np.int64)
    counts[:, 0] = 40
    counts[:, 1] = rng.binomial(40, 0.02, n)
    counts[:20, 1] = rng.binomial(40, 0.5, 20)
    counts[20:30, 4] = 38
    counts[30:40, 5] = 9
    rows = slippage_rows(np.ones(n, np.int64), np.full(n, 12), counts)
    assert len(rows) == 1
    row = rows[0]
    assert row.spanning == 40 * (n - 40)
    assert row.gained == [0, 0, 0]
    low, high = binom.interval(0.999, row.spanning, 0.02)
    assert low <= row.lost[0] <= high


def test_shallow_and_absent_tracts() -> None:
    assert slippage_rows(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 7), np.int64)) == []
    one = np.array([[3, 0, 0, 0, 0, 0, 0], [5, 2, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0, 0]])
    rows = slippage_rows(np.ones(3, np.int64), np.full(3, 6), one)
    assert [(row.spanning, row.lost) for row in rows] == [(5, [0, 0, 0])]
