"""The learnt prior: on evidence drawn from the model itself, the rates come back and posteriors are calibrated."""

import logging
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from evidence_examples import observed
from varproof.formats.events import EVENTS, LEARNT_EVENTS
from varproof.formats.evidence import Evidence, concatenated
from varproof.formats.prior import LearntPrior
from varproof.posterior.classes import CLASSES, alleles_per_base, class_of, published_rates
from varproof.posterior.components import Mixture, evaluate
from varproof.posterior.learning import describe, errors_look_alike, learn_prior, starting_prior
from varproof.posterior.maximisation import most_probable_rates
from varproof.posterior.panel import PanelEvidence
from varproof.posterior.sampled import Sampled
from varproof.posterior.score import score
from varproof.posterior.spectra import SUBSTITUTION_OF
from varproof.posterior.weights import component_weights
from varproof.variants.candidate import Candidate

SNV = CLASSES.index("snv")
TERRITORY = 200_000
ERROR = 1e-3
"""Probability that a base is read as one given wrong base."""

TUMOR_DEPTH, NORMAL_DEPTH = 40, 30


@dataclass
class World:
    """Candidates (everything that two tumour reads show) of a territory, and what they truly are."""

    sampled: Sampled
    event: np.ndarray
    planted: dict[str, int]


def world(
    seed: int, purity: float = 0.75, contamination: float = 0.0, somatic: int = 200, germline: int = 150,
    territory: int = TERRITORY, depths: tuple[int, int] = (TUMOR_DEPTH, NORMAL_DEPTH), other_person: float = 0.0,
    error: float = ERROR,
) -> World:  # fmt: skip
    """A territory of SNVs, seen through reads with errors at the rate that their qualities tell."""
    rng = np.random.default_rng(seed)
    parts: list[tuple[str, np.ndarray, np.ndarray]] = []
    cells = rng.uniform(0.05, 1.0, somatic)
    parts.append(("SOMATIC_TUMOR", purity * cells, contamination * cells))
    for event, fraction, count in (("GERMLINE_HET", 0.5, 2 * germline // 3), ("GERMLINE_HOM", 1.0, germline // 3)):
        parts.append((event, np.full(count, fraction * (1 - other_person)), np.full(count, fraction)))
    if other_person:
        of_other = rng.choice([0.5, 1.0], territory // 1250, p=[2 / 3, 1 / 3])
        parts.append(("ARTIFACT", other_person * of_other, np.zeros(len(of_other))))
    others = 3 * territory - sum(len(t) for _, t, _ in parts)
    strength = [strength_of(error)]
    errors = np.count_nonzero(rng.random(others) < binomial_tail(depths[0], error))
    evidence: list[tuple[Evidence, Evidence]] = []
    events: list[str] = []
    for event, in_tumor, in_normal in parts:
        both = [
            observed(rng, f.tolist(), d, error, strengths=strength) for f, d in zip((in_tumor, in_normal), depths, strict=True)
        ]
        shown = np.flatnonzero(np.add.reduceat(both[0].log_ratio > 0, both[0].offset[:-1]) >= 2)
        evidence.append((both[0].rows(shown), both[1].rows(shown)))
        events += [event] * len(shown)
    found = 0
    while found < errors:
        both = [observed(rng, [0.0] * 20_000, d, error, strengths=strength) for d in depths]
        shown = np.flatnonzero(np.add.reduceat(both[0].log_ratio > 0, both[0].offset[:-1]) >= 2)[: errors - found]
        evidence.append((both[0].rows(shown), both[1].rows(shown)))
        events += ["ABSENT"] * len(shown)
        found += len(shown)
    tumor, normal = (concatenated([pair[side] for pair in evidence]) for side in range(2))
    size = len(events)
    sampled = Sampled(tumor, normal, np.full(size, SNV), np.ones(size, bool))
    return World(sampled, np.array(events), {event: len(t) for event, t, _ in parts})


def strength_of(error: float) -> float:
    """What a base says that is read as this one wrong base with probability `error`."""
    return math.log((1 - 3 * error) / error)


def binomial_tail(depth: int, error: float) -> float:
    """Probability that at least two of `depth` reads show one wrong allele."""
    return 1 - (1 - error) ** depth - depth * error * (1 - error) ** (depth - 1)


def posteriors(given: World, prior: LearntPrior, purity: float = 0.75) -> np.ndarray:
    return score(given.sampled.tables(prior), given.sampled.class_index, prior, purity).probability


@pytest.fixture(scope="module")
def learnt() -> tuple[World, LearntPrior]:
    given = world(1)
    return given, learn_prior(given.sampled, TERRITORY, 0.75, None)


def kept_at(error: np.ndarray, rate: float) -> np.ndarray:
    """Candidates that are kept at a rate: the least likely to be wrong, as many as are together."""
    order = np.argsort(error)
    return order[: np.searchsorted(np.cumsum(error[order]) / np.arange(1, len(order) + 1), rate, "right")]


def test_rates_come_back(learnt: tuple[World, LearntPrior]) -> None:
    """Within four standard errors of a count, and a little for variants that two reads didn't happen to show."""
    given, prior = learnt
    for event in ("SOMATIC_TUMOR", "GERMLINE_HET", "GERMLINE_HOM"):
        count = prior.rates[event][SNV] * 3 * TERRITORY
        assert count == pytest.approx(
            given.planted[event], abs=4 * math.sqrt(given.planted[event]) + 0.03 * given.planted[event]
        )
    for event in ("SOMATIC_NORMAL", "ARTIFACT", "FOREIGN"):
        assert prior.rates[event][SNV] * 3 * TERRITORY < 25
    assert prior.normal_contamination == 0.0
    assert prior.other_person_fraction == 0.0
    assert prior.territory == TERRITORY and prior.candidates_used == len(given.event)


def test_posteriors_are_calibrated(learnt: tuple[World, LearntPrior]) -> None:
    """Of the candidates with a posterior around p, a fraction p is true; sets chosen by FDR have no more false ones."""
    given, prior = learnt
    error = 1.0 - posteriors(given, prior)[:, EVENTS.index("SOMATIC_TUMOR")]
    true = given.event == "SOMATIC_TUMOR"
    assert (given.event == "ABSENT").sum() > 300
    for low, high in ((0.0, 0.1), (0.1, 0.5), (0.5, 0.9), (0.9, 1.0)):
        inside = (error >= low) & (error <= high)
        expected = error[inside].sum()
        spread = math.sqrt((error[inside] * (1 - error[inside])).sum()) + 1
        assert (~true[inside]).sum() == pytest.approx(expected, abs=4 * spread)
    for nominal in (0.01, 0.05, 0.1, 0.2):
        kept = kept_at(error, nominal)
        false = (~true[kept]).sum()
        assert false <= nominal * len(kept) + 3 * math.sqrt(nominal * len(kept)) + 1
        if nominal >= 0.05:
            assert true[kept].sum() > 0.85 * true.sum()


def test_a_flat_prior_takes_coincident_errors_for_mutations(learnt: tuple[World, LearntPrior]) -> None:
    """Why the prior is learnt: candidates were chosen because two reads show them, of 600,000 that could have."""
    given, prior = learnt
    absent = given.event == "ABSENT"
    means = []
    for one in (prior, starting_prior("flat", TERRITORY)):
        means.append(posteriors(given, one)[absent, EVENTS.index("SOMATIC_TUMOR")].mean())
    assert means[0] < 0.05 < 0.4 < means[1]


def test_somatic_density_is_learnt() -> None:
    """All somatic variants between 20 and 30 % of the tumour cells: most of the density lies about there."""
    rng = np.random.default_rng(2)
    cells = rng.uniform(0.2, 0.3, 300)
    tumor = observed(rng, (0.75 * cells).tolist(), 80, ERROR, strengths=[strength_of(ERROR)])
    normal = observed(rng, [0.0] * 300, 60, ERROR, strengths=[strength_of(ERROR)])
    sampled = Sampled(tumor, normal, np.full(300, SNV), np.ones(300, bool))
    prior = learn_prior(sampled, TERRITORY, 0.75, 0.0)
    bins, mass = np.array(prior.frequency_bins), np.array(prior.somatic_density) * np.diff(prior.frequency_bins)
    assert mass.sum() == pytest.approx(1.0)
    assert mass[(bins[:-1] >= 0.15) & (bins[1:] <= 0.4)].sum() > 0.8


def test_no_tumour_cells_in_the_normal_are_found_where_there_are_none() -> None:
    """A somatic variant's normal reads show errors only."""
    given = world(11, somatic=120, germline=60, territory=60_000)
    assert learn_prior(given.sampled, 60_000, 0.75, None).normal_contamination == 0.0


def test_tumour_cells_in_the_normal_are_found() -> None:
    """Two per cent; and the somatic variants that a normal read carries are no longer lost."""
    given = world(3, contamination=0.02, somatic=300, germline=60, territory=100_000, depths=(60, 60), error=3e-4)
    prior = learn_prior(given.sampled, 100_000, 0.75, None)
    assert 0.01 <= prior.normal_contamination <= 0.03
    somatic = given.event == "SOMATIC_TUMOR"
    in_normal = np.add.reduceat(given.sampled.normal.log_ratio > 0, given.sampled.normal.offset[:-1]) > 0
    column = EVENTS.index("SOMATIC_TUMOR")
    aware = posteriors(given, prior)[somatic & in_normal, column].mean()
    strict = learn_prior(given.sampled, 100_000, 0.75, 0.0)
    assert strict.normal_contamination == 0.0
    unaware = posteriors(given, strict)[somatic & in_normal, column].mean()
    assert (somatic & in_normal).sum() > 60
    assert aware > 0.95 and aware > unaware


def test_contamination_that_the_user_gives_is_taken() -> None:
    given = world(4, somatic=60, germline=30, territory=20_000)
    assert learn_prior(given.sampled, 20_000, 0.75, 0.07).normal_contamination == 0.07


def test_another_person_in_the_tumour_is_found(caplog: pytest.LogCaptureFixture) -> None:
    """Three per cent of the reads: alleles at 1.5 and 3 %, none in the normal, and the reference at homozygous variants."""
    given = world(5, somatic=20, germline=150, territory=50_000, depths=(300, 40), other_person=0.03, error=1e-4)
    with caplog.at_level(logging.WARNING):
        prior = learn_prior(given.sampled, 50_000, 0.75, 0.0)
    assert "another person's reads in the tumour" in caplog.text
    assert 0.02 <= prior.other_person_fraction <= 0.045
    found = posteriors(given, prior)
    other = given.event == "ARTIFACT"
    assert other.sum() > 20
    assert found[other, EVENTS.index("ARTIFACT")].mean() > 0.5


def test_read_contexts_that_artefacts_keep_are_learnt() -> None:
    """Alleles at 12 % of both samples' reads, all of them clipped; variants on plain reads: clips are learnt."""
    rng = np.random.default_rng(8)
    sides = []
    for depth in (TUMOR_DEPTH, NORMAL_DEPTH):
        side = observed(rng, [0.5] * 80 + [0.12] * 80, depth, ERROR, strengths=[strength_of(ERROR)])
        of_artefact = np.repeat(np.arange(160) >= 80, depth) & (side.log_ratio > 0)
        sides.append(replace(side, read_context=np.where(of_artefact, 5, 2).astype(np.uint8)))
    sampled = Sampled(sides[0], sides[1], np.full(160, SNV), np.ones(160, bool))
    prior = learn_prior(sampled, 20_000, 0.75, 0.0)
    assert prior.artifact_contexts[0][5] > 1.0
    assert prior.artifact_contexts[0][2] < -0.3
    found = score(sampled.tables(prior), sampled.class_index, prior, 0.75).probability
    assert found[80:, EVENTS.index("ARTIFACT")].mean() > 0.8
    assert found[:80, EVENTS.index("GERMLINE_HET")].mean() > 0.95


def test_deterministic() -> None:
    given = world(6, somatic=60, germline=30, territory=20_000)
    one, two = (learn_prior(given.sampled, 20_000, 0.75, None) for _ in range(2))
    assert one == two
    assert one.model_dump_json() == two.model_dump_json()


def test_candidates_in_another_order_teach_the_same() -> None:
    given = world(6, somatic=60, germline=30, territory=20_000)
    order = np.random.default_rng(1).permutation(len(given.event))
    one, two = learn_prior(given.sampled, 20_000, 0.75, 0.0), learn_prior(given.sampled.chosen(order), 20_000, 0.75, 0.0)
    for event in LEARNT_EVENTS:
        np.testing.assert_allclose(one.rates[event], two.rates[event], rtol=1e-6)


def test_ten_candidates_stay_near_published_rates() -> None:
    """They don't crash it, and rates of a class without candidates are no higher than published ones."""
    given = world(7, somatic=10, germline=0, territory=20_000)
    ten = given.sampled.chosen(np.arange(10))
    prior = learn_prior(ten, 1e7, 0.75, None)
    assert prior.normal_contamination == prior.other_person_fraction == 0.0
    assert 4 < prior.rates["SOMATIC_TUMOR"][SNV] * 3e7 < 20
    probability = score(ten.tables(prior), ten.class_index, prior, 0.75).probability
    assert np.isfinite(probability).all()
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)
    published = published_rates()["GERMLINE_HET"] / alleles_per_base()
    assert (np.array(prior.rates["GERMLINE_HET"]) <= 1.05 * published).all()


@pytest.mark.parametrize("size", [0, 1])
def test_next_to_nothing_to_learn_from(size: int) -> None:
    given = world(8, somatic=5, germline=0, territory=1_000)
    sampled = given.sampled.chosen(np.arange(size))
    prior = learn_prior(sampled, 1e6, 0.75, None)
    assert LearntPrior.model_validate_json(prior.model_dump_json(by_alias=True)) == prior


def test_candidates_without_any_reads() -> None:
    """Nothing to tell them apart: they count as territory, and are absent but for the prior."""
    none = observed(np.random.default_rng(0), [0.0] * 60, 0)
    sampled = Sampled(none, none, np.full(60, SNV), np.ones(60, bool))
    prior = learn_prior(sampled, 1e6, 0.75, None)
    found = score(sampled.tables(prior), sampled.class_index, prior, 0.75).probability
    assert (found[:, EVENTS.index("ABSENT")] > 0.99).all()


def test_without_a_normal() -> None:
    """Tumour only: germline and somatic are told apart by frequency and rate; nothing is said of a normal's cells."""
    given = world(9, somatic=60, germline=90, territory=30_000)
    sampled = replace(given.sampled, normal=None)
    prior = learn_prior(sampled, 30_000, 0.75, None)
    assert prior.normal_contamination == 0.0
    probability = score(sampled.tables(prior), sampled.class_index, prior, 0.75).probability
    germline = np.isin(given.event, ["GERMLINE_HET", "GERMLINE_HOM"])
    assert probability[given.event == "GERMLINE_HOM", EVENTS.index("GERMLINE_HOM")].mean() > 0.8
    assert probability[germline, EVENTS.index("ABSENT")].max() < 0.01


def test_clean_subclonal_variants_alone_are_no_artefacts() -> None:
    """Where bases don't tell of errors nothing says artefact; where they do, and those of half of them say so, that half is."""
    rng = np.random.default_rng(12)
    fractions = np.concatenate([np.full(40, 0.5), np.full(20, 1.0), rng.uniform(0.04, 0.2, 50)])
    elsewhere_in_each_read = np.full(len(fractions), -20.0, np.float32)
    tumor = replace(observed(rng, fractions.tolist(), 300), same_place=elsewhere_in_each_read)
    alone = Sampled(tumor, None, np.full(len(fractions), SNV), np.ones(len(fractions), bool))

    def judged(sampled: Sampled) -> np.ndarray:
        prior = learn_prior(sampled, 30_000, 1.0, None)
        return score(sampled.tables(prior), sampled.class_index, prior, 1.0).probability

    assert errors_look_alike(alone)
    assert (judged(alone)[60:, EVENTS.index("SOMATIC_TUMOR")] > 0.9).all()
    candidate = np.repeat(np.arange(len(fractions)), np.diff(tumor.offset))
    look = np.where(candidate >= 85, 2.0, -2.0) * (tumor.log_ratio > 0)
    told = replace(alone, tumor=replace(tumor, log_error_ratio=look.astype(np.float32)))
    assert not errors_look_alike(told)
    assert (judged(told)[85:, EVENTS.index("ARTIFACT")] > 0.9).all()


def test_germline_variants_of_lost_copies_are_not_all_somatic() -> None:
    """Alone, and without neighbours: as many frequent ones of either kind, of which nothing tells which are germline."""
    rng = np.random.default_rng(13)
    fractions = [0.5] * 100 + [1.0] * 50 + [0.9] * 10 + [0.7] * 10
    tumor = observed(rng, fractions, 80)
    sampled = Sampled(tumor, None, np.full(len(fractions), SNV), np.ones(len(fractions), bool))
    prior = learn_prior(sampled, TERRITORY, 1.0, None)
    found = score(sampled.tables(prior), sampled.class_index, prior, 1.0).probability
    assert found[150:, EVENTS.index("SOMATIC_TUMOR")].max() < 0.5
    high = np.array(prior.frequency_bins[:-1]) >= 0.6
    above = float((np.array(prior.somatic_density) * np.diff(prior.frequency_bins))[high].sum())
    assert above <= 1.0 - prior.germline_changes[0] + 1e-9


@pytest.mark.parametrize("other_person", [0.0, 0.01])
def test_weights_are_a_distribution(other_person: float) -> None:
    prior = starting_prior("empirical", 1e6).model_copy(update={"other_person_fraction": other_person})
    none = observed(np.random.default_rng(0), [0.0], 0)
    columns = evaluate(Sampled(none, none, np.zeros(1, np.int64), np.ones(1, bool)).tables(prior), Mixture(0.75)).columns
    weights = component_weights(prior, columns)
    assert weights.shape[0] == len(CLASSES)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    for event in ("SOMATIC_TUMOR", "GERMLINE_HET", "ARTIFACT"):
        np.testing.assert_allclose(weights[:, columns[event]].sum(axis=1), prior.rates[event], rtol=1e-9)
    assert (weights[:, columns["FOREIGN"]].sum() > 0) == (other_person > 0)


def test_description_says_what_was_learnt(learnt: tuple[World, LearntPrior]) -> None:
    text = "\n".join(describe(learnt[1]))
    assert f"in {TERRITORY} searched bases" in text
    assert "tumour cells in the normal: 0.0%" in text
    assert "SOMATIC_TUMOR" in text and "snv" in text


# classes


@pytest.mark.parametrize(
    ("ref", "alt", "name"),
    [
        ("A", "C", "snv"), ("AC", "GT", "mnv"), ("", "A", "insertion_1"), ("", "AC", "insertion_2-4"),
        ("", "ACGT", "insertion_2-4"), ("", "A" * 5, "insertion_5-29"), ("", "A" * 29, "insertion_5-29"),
        ("", "A" * 30, "insertion_30-99"), ("", "A" * 99, "insertion_30-99"), ("", "A" * 100, "insertion_100+"),
        ("", "A" * 5000, "insertion_100+"), ("A", "", "deletion_1"), ("A" * 30, "", "deletion_30-99"),
        ("A" * 100, "", "deletion_100+"), ("ACG", "TT", "replacement"),
    ],
)  # fmt: skip
def test_class_of(ref: str, alt: str, name: str) -> None:
    assert CLASSES[class_of(Candidate(0, 0, "chr1", 10, 10 + len(ref), ref, alt))] == name


def test_a_symbolic_deletion_has_the_class_of_its_length() -> None:
    assert CLASSES[class_of(Candidate(0, 0, "chr1", 10, 150, "", ""))] == "deletion_100+"


def test_every_class_has_rates() -> None:
    assert len(alleles_per_base()) == len(CLASSES) and alleles_per_base()[SNV] == 3
    for rates in published_rates().values():
        assert rates.shape == (len(CLASSES),) and (rates > 0).all()
    assert sum(rates.sum() for rates in published_rates().values()) < 0.01


def test_most_probable_rates() -> None:
    """Where nothing is counted the published rate stays; much that is counted is the rate; the equation holds between."""
    published = np.array([1e-6, 1e-6, 1e-6, 1e-6])
    count, searched = np.array([0.0, 1e4, 3.0, 0.0]), np.array([1.0, 1e7, 1e5, 1e7])
    found = most_probable_rates(count, searched, published, 2.0)
    assert found[0] == pytest.approx(1e-6, rel=1e-4)
    assert found[1] == pytest.approx(1e-3, rel=1e-3)
    np.testing.assert_allclose(count - searched * found - np.log(found / published) / 4, 0.0, atol=1e-6)
    assert found[3] < 1e-6


def test_a_few_candidates_on_a_small_panel_keep_the_rate_of_artefacts() -> None:
    """Twenty somatic variants at 5 % of a kb of hot spots, seen at 1,000 fold: ten artefacts per Mbp do not become hundreds."""
    rng = np.random.default_rng(9)
    tumor = observed(rng, [0.05] * 20, 1000, ERROR, strengths=[strength_of(ERROR)])
    normal = observed(rng, [0.0] * 20, 500, ERROR, strengths=[strength_of(ERROR)])
    sampled = Sampled(tumor, normal, np.full(20, SNV), np.ones(20, bool))
    prior = learn_prior(sampled, 1_000, 1.0, None)
    assert prior.rates["ARTIFACT"][SNV] * 3e6 < 30
    found = score(sampled.tables(prior), sampled.class_index, prior, 1.0).probability
    assert (found[:, EVENTS.index("SOMATIC_TUMOR")] > 0.9).all()


def damaged(rng: np.random.Generator, loci: int, ratio: float) -> tuple[Sampled, np.ndarray]:
    """120 somatic SNVs of all substitutions and frequencies, and loci of C>T at 3 to 10 %, in the normal so much less."""
    of_damage = rng.uniform(0.03, 0.1, loci)
    cells = rng.uniform(0.05, 1.0, 120)
    fraction = np.concatenate([0.75 * cells, of_damage])
    in_normal = np.concatenate([np.zeros(120), ratio * of_damage])
    tumor = observed(rng, fraction.tolist(), 80, ERROR, strengths=[strength_of(ERROR)])
    normal = observed(rng, in_normal.tolist(), 40, ERROR, strengths=[strength_of(ERROR)])
    c_to_t = np.flatnonzero(SUBSTITUTION_OF == 2)
    context = np.concatenate([rng.integers(0, 192, 120), rng.choice(c_to_t, loci)])
    size = len(fraction)
    return Sampled(tumor, normal, np.full(size, SNV), np.ones(size, bool), context), np.arange(size) < 120


@pytest.mark.parametrize("ratio", [0.0, 0.3])
def test_damage_of_the_tumour_alone_is_learnt(ratio: float, caplog: pytest.LogCaptureFixture) -> None:
    """Two of three candidates are damage that looks like rare variants: hardly one is kept at 0.05; the log says it."""
    sampled, real = damaged(np.random.default_rng(10), 240, ratio)
    with caplog.at_level(logging.WARNING):
        prior = learn_prior(sampled, TERRITORY, 0.75, None)
    assert prior.damage == ["C>T"] and "C>T is commoner among rare variants" in caplog.text
    scores = score(sampled.tables(prior), sampled.class_index, prior, 0.75, context=sampled.contexts)
    error = 1.0 - scores.probability[:, EVENTS.index("SOMATIC_TUMOR")]
    kept = kept_at(error, 0.05)
    assert (~real[kept]).sum() <= 11
    assert real[kept].sum() > 80


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_damage_beside_a_panel_that_has_none_of_it(seed: int) -> None:
    """Of 90 places of damage none is kept at 0.05: learning that began with few artefacts alone called two thirds of them."""
    sampled, real = damaged(np.random.default_rng(seed), 90, 0.0)
    size = len(real)
    normals = PanelEvidence.unknown(size)
    normals = replace(normals, covering=np.full(size, 10.0), depth=np.full(size, 30.0), errors=np.full(size, 1e-4))
    sampled = replace(sampled, normal=None, panel=normals)
    prior = learn_prior(sampled, TERRITORY, 0.75, None)
    assert prior.damage == ["C>T"]
    tables = sampled.with_panel(sampled.tables(prior), prior)
    scores = score(tables, sampled.class_index, prior, 0.75, context=sampled.contexts)
    error = 1.0 - scores.probability[:, EVENTS.index("SOMATIC_TUMOR")]
    kept = kept_at(error, 0.05)
    assert (~real[kept]).sum() <= 2
    assert real[kept].sum() > 35


def test_clean_samples_have_no_damage() -> None:
    for seed in range(3):
        sampled, _ = damaged(np.random.default_rng(20 + seed), 0, 0.0)
        prior = learn_prior(sampled, TERRITORY, 0.75, None)
        assert prior.damage == []
        assert np.array(prior.artifact_density)[:, :, :2].sum() == 0.0


def test_artefacts_of_one_orientation_in_the_tumour_alone() -> None:
    """Two hundred loci at 12 %, all of fragments whose first read is the forward one, none in the normal: learnt as such."""
    rng = np.random.default_rng(11)
    tumor = observed(
        rng, [0.06] * 200 + (0.75 * rng.uniform(0.1, 1.0, 100)).tolist(), 80, ERROR, strengths=[strength_of(ERROR)]
    )
    normal = observed(rng, [0.0] * 300, 40, ERROR, strengths=[strength_of(ERROR)])
    artefact = np.repeat(np.arange(300) < 200, np.diff(tumor.offset))
    oriented = np.where(artefact & (tumor.log_ratio > 0), 0, tumor.orientation).astype(np.uint8)
    sampled = Sampled(replace(tumor, orientation=oriented), normal, np.full(300, SNV), np.ones(300, bool))
    prior = learn_prior(sampled, TERRITORY, 0.75, None)
    own = np.array(prior.artifact_density[0])[:, 0].sum(axis=1)
    assert own[6] > 0.8
    found = score(sampled.tables(prior), sampled.class_index, prior, 0.75).probability
    assert (found[:200, EVENTS.index("SOMATIC_TUMOR")] > 0.5).mean() < 0.1
    assert (found[200:, EVENTS.index("SOMATIC_TUMOR")] > 0.5).mean() > 0.85
