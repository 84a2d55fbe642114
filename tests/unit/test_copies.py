"""Copy numbers: fractions by hand, cell by cell, and what is told of germline and somatic variants by them."""

from pathlib import Path

import numpy as np
import pytest

from evidence_examples import observed
from varproof.formats.events import EVENTS
from varproof.formats.evidence import READ_CONTEXTS
from varproof.formats.json_file import write_json
from varproof.formats.purity import Purity, PuritySegment, segments_given
from varproof.formats.segments import Segment, Segments, write_segments
from varproof.machinery.errors import UserError
from varproof.posterior.classes import CLASSES
from varproof.posterior.components import Mixture, Tables, evaluate, somatic_log_likelihood, tabulate
from varproof.posterior.copies import BALANCES, CopyNumbers, balance_of, copy_numbers, mirrored_fraction, seen, somatic_cells
from varproof.posterior.learning import starting_prior
from varproof.posterior.reasons import GERMLINE_OR_SOMATIC, reasons
from varproof.posterior.sampled import Sampled
from varproof.posterior.score import score

CONTIGS = {"chr1": 1_000, "chr2": 500}
SNV = CLASSES.index("snv")


def by_cells(total: int, minor: int, tumor_cells: int, healthy_cells: int) -> float:
    """The lesser fraction of a heterozygous variant, by counting the copies of so many cells."""
    carrying = [1] * healthy_cells + [minor] * tumor_cells
    copies = [2] * healthy_cells + [total] * tumor_cells
    fraction = sum(carrying) / sum(copies)
    return min(fraction, 1.0 - fraction)


def at_one(total: float, minor: float, n: int, purity: float, position: int = 10) -> CopyNumbers:
    segments = Segments([Segment("chr1", 0, 1_000, total, minor)], CONTIGS)
    return copy_numbers(segments, list(CONTIGS), np.zeros(n, np.int64), np.full(n, position), purity)


@pytest.mark.parametrize(("total", "minor"), [(2, 1), (1, 0), (2, 0), (3, 1), (4, 1), (4, 2), (0, 0), (7, 3)])
def test_fractions_are_those_of_counted_copies(total: int, minor: int) -> None:
    found = float(mirrored_fraction(np.array(float(total)), np.array(float(minor)), 0.6))
    assert found == pytest.approx(by_cells(total, minor, 6, 4))
    balance = balance_of(Segment("chr1", 0, 10, total, minor), 0.6)
    assert balance.sum() == pytest.approx(1.0)
    assert float((balance * BALANCES).sum()) == pytest.approx(by_cells(total, minor, 6, 4))
    assert np.count_nonzero(balance) <= 2


def test_a_favoured_allele_has_more_odds() -> None:
    np.testing.assert_allclose(seen(np.array([0.5, 0.0, 1.0]), 0.6), [0.6, 0.0, 1.0])
    assert float(seen(np.array([0.25]), 0.6)[0]) == pytest.approx(0.25 * 1.5 / (0.25 * 1.5 + 0.75))


def test_limits_spread_the_fraction() -> None:
    sure, unsure = (
        balance_of(Segment("chr1", 0, 10, 2.0, 0.5, None, None, low, high), 0.8) for low, high in ((None, None), (0.2, 0.8))
    )
    mean = float((sure * BALANCES).sum())
    assert float((unsure * BALANCES).sum()) == pytest.approx(mean, abs=0.01)
    # minor 0.5 +- 0.3 is a fraction of 0.8 * 0.3 / 2 on either side, at 95 %
    sd = float(np.sqrt((unsure * (BALANCES - mean) ** 2).sum()))
    assert sd == pytest.approx(0.8 * 0.3 / 2.0 / 1.96, rel=0.1)


def test_between_segments_nothing_is_known() -> None:
    segments = Segments([Segment("chr1", 100, 200, 3.0, 1.0), Segment("chr2", 0, 50, 4.0, None)], CONTIGS)
    contig, position = np.array([0, 0, 0, 1, 1]), np.array([99, 100, 200, 20, 60])
    found = copy_numbers(segments, list(CONTIGS), contig, position, 0.5)
    np.testing.assert_array_equal(found.has_balance, [False, True, False, False, False])
    np.testing.assert_allclose(found.purities(0.5), [0.5, 1.5 / 2.5, 0.5, 2.0 / 3.0, 0.5])
    np.testing.assert_allclose(found.most_somatic, [1.0, 2.0 / 3.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(found.clonal_fractions[1], [0.5 / 2.5, 1.0 / 2.5])
    assert np.isnan(found.clonal_fractions[[0, 2, 3, 4]]).all()
    chosen = found.chosen(np.array([1, 3]))
    np.testing.assert_allclose(chosen.purities(0.5), [0.6, 2.0 / 3.0])


def tables_at(fractions: list[float], depth: int = 100) -> Tables:
    tumor = observed(np.random.default_rng(3), fractions, depth, 0.0)
    return tabulate(tumor, None, np.ones(len(fractions), bool), np.zeros((len(fractions), READ_CONTEXTS)))


def test_two_copies_of_a_known_diploid_place_are_what_unknown_ones_are() -> None:
    tables = tables_at([0.0, 0.1, 0.4, 0.5, 0.9])
    usual = evaluate(tables, Mixture(0.7))
    unknown = evaluate(tables, Mixture(0.7), copies=CopyNumbers.unknown(5))
    np.testing.assert_array_equal(usual.log_likelihood, unknown.log_likelihood)
    diploid = evaluate(tables, Mixture(0.7), copies=at_one(2, 1, 5, 0.7))
    for event in ("GERMLINE_HOM", "ABSENT", "ARTIFACT", "SOMATIC_NORMAL"):
        part = usual.columns[event]
        np.testing.assert_allclose(diploid.log_likelihood[:, part], usual.log_likelihood[:, part], atol=1e-9)
    # bias is of the odds here, and added to the fraction there: at one half both are the same
    het = usual.columns["GERMLINE_HET"].start
    np.testing.assert_allclose(diploid.log_likelihood[:, het], usual.log_likelihood[:, het], atol=0.02)


def test_loss_of_heterozygosity_is_germline_and_what_lies_between_is_somatic() -> None:
    purity, total = 0.7, 2.0
    low = float(mirrored_fraction(np.array(total), np.array(0.0), purity))
    tumor = observed(np.random.default_rng(5), [low, 1.0 - low, 0.35, 0.7], 400, 0.0)
    ones = np.ones(4, bool)
    data = Sampled(tumor, None, np.full(4, SNV), ones, copies=at_one(total, 0, 4, purity))
    prior = starting_prior("empirical", 1e6, paired=False)
    tables = data.tables(prior)
    found = score(tables, data.class_index, prior, purity, copies=data.copies)
    names = [EVENTS[i] for i in found.probability.argmax(axis=1)]
    assert names[:2] == ["GERMLINE_HET", "GERMLINE_HET"]
    somatic = found.probability[:, EVENTS.index("SOMATIC_TUMOR")]
    usual = score(tables, data.class_index, prior, purity)
    np.testing.assert_array_equal(usual.tumor_density[2:], found.tumor_density[2:])
    without = usual.probability[:, EVENTS.index("SOMATIC_TUMOR")]
    assert (somatic[:2] < without[:2]).all()
    assert somatic[2] > without[2] and somatic[3] > without[3]


def test_what_cannot_be_told_is_said() -> None:
    """In a pure tumour with two copies a clonal somatic variant is seen as often as a heterozygous one; in 60 % it is not."""
    for purity, alike in ((1.0, True), (0.6, False)):
        tumor = observed(np.random.default_rng(7), [0.5], 200, 0.0)
        data = Sampled(tumor, None, np.array([SNV]), np.ones(1, bool), copies=at_one(2, 1, 1, purity))
        prior = starting_prior("empirical", 1e6, paired=False)
        tables = data.tables(prior)
        scores = score(tables, data.class_index, prior, purity, copies=data.copies)
        assert EVENTS[int(scores.probability[0].argmax())] == "GERMLINE_HET"
        assert (reasons(data, tables, scores, prior)[0] == GERMLINE_OR_SOMATIC) is alike


def test_segments_of_purity_json_are_taken_where_normal_cells_have_two_copies(tmp_path: Path) -> None:
    numbers = {"total": 3.0, "total_low": 2.9, "total_high": 3.1, "minor": 1.0, "minor_low": 0.9, "minor_high": 1.1}
    rest = {"clonal": True, "depth_ratio": 1.2, "mirrored_fraction": 0.38, "sites": 20, "windows": 10}
    parts = [PuritySegment(contig="chr1", start=0, end=600, normal_copies=2, **numbers, **rest)]
    parts.append(PuritySegment(contig="chr2", start=0, end=500, normal_copies=1, **numbers, **rest))
    limits = dict.fromkeys(("purity_low", "fit_low", "ploidy_low"), 0.5) | dict.fromkeys(("purity_high", "fit_high"), 0.7)
    limits["ploidy_high"] = 3.1
    found = Purity(
        purity=0.6, told_by="copy number", ploidy=3.0, doubled=0.0, probability=1.0, tumor_depth=60.0, normal_depth=None,
        sites=20, segments=parts, **limits,
    )  # fmt: skip
    path = tmp_path / "purity.json"
    write_json(path, found)
    (segment,) = segments_given(path, CONTIGS)
    assert segment == parts[0].as_segment
    table = tmp_path / "segments.tsv"
    write_segments(table, [segment])
    assert list(segments_given(table, CONTIGS)) == [segment]
    with pytest.raises(UserError, match=r"missing\.tsv"):
        segments_given(tmp_path / "missing.tsv", CONTIGS)


@pytest.mark.parametrize(
    ("total", "minor", "copies", "unmapped"), [(4, 1, 1, 0.5), (4, 1, 3, 1.0), (3, 1, 2, 1.0), (1, 0, 1, 0.5), (2, 0, 2, 1.0)]
)
def test_clonal_somatic_variants_lie_at_their_copies(total: int, minor: int, copies: int, unmapped: float) -> None:
    """A variant of so many copies of every cell, by counting, at the frequency that it would have among two."""
    purity = 0.6
    known = at_one(total, minor, 1, purity)
    cells = somatic_cells(np.array([unmapped]), total, float(known.most_somatic[0]))
    assert cells[0] == pytest.approx(copies / total)
    seen_at = 6 * copies / (6 * total + 4 * 2)
    tables = tables_at([seen_at], 400)
    at = [
        float(somatic_log_likelihood(tables, Mixture(purity), np.array([x]), known)[0, 0]) for x in (unmapped, unmapped - 0.15)
    ]
    assert at[0] > at[1]
    assert float(known.purities(purity)[0] * cells[0]) == pytest.approx(seen_at)
