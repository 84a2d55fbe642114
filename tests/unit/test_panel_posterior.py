"""What a panel of normals says of candidates: its likelihoods against scipy, and what a tumour's reads become under it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln

from evidence_examples import observed
from varproof.formats.events import EVENTS, GERMLINE_EVENTS
from varproof.formats.evidence import Evidence
from varproof.formats.panel import shown_from
from varproof.formats.prior import LearntPrior
from varproof.posterior.classes import CLASSES
from varproof.posterior.components import (
    ARTIFACT_RATES,
    ARTIFACT_RATIOS,
    ARTIFACT_SHAPE,
    OF_ONE_SAMPLE,
    Mixture,
    evaluate,
    possible_artifacts,
)
from varproof.posterior.learning import learn_prior, starting_prior
from varproof.posterior.maximisation import told_by_snvs
from varproof.posterior.panel import IMPOSSIBLE, PanelEvidence, _log_gamma, _log_unshown, _made, panel_terms
from varproof.posterior.panel_decisions import DECISIONS
from varproof.posterior.sampled import Sampled
from varproof.posterior.score import score

SNV = CLASSES.index("snv")
NORMALS, DEPTH = 40, 100


def panel_of(rate: float, errors: float = 2e-4, **changes: float) -> PanelEvidence:
    """One candidate, at a place that makes the allele at a rate in all normals: expected numbers, rounded."""
    least = int(shown_from(np.array([float(DEPTH)]))[0])
    showing = round(NORMALS * float(stats.binom.sf(least - 1, DEPTH, rate + errors)))
    reads = round(showing * max(float(least), DEPTH * rate))
    found = PanelEvidence.unknown(1)
    values = {"covering": NORMALS, "depth": DEPTH, "showing": showing, "showing_depth": showing * DEPTH, "errors": errors}
    for name, value in (values | changes).items():
        getattr(found, name)[:] = value
    found.reads[:] = reads / 4
    return found


def shown_by(alternative: int, depth: int) -> Evidence:
    """Evidence of an SNV that exactly so many fragments show, on both strands alike."""
    found = observed(np.random.default_rng(0), [0.0], depth, 0.0)
    log_ratio = np.where(np.arange(depth) < alternative, 8.0, -8.0).astype(np.float32)
    strand, orientation = (1 + np.arange(depth) % 2).astype(np.uint8), (np.arange(depth) // 2 % 2).astype(np.uint8)
    return replace(found, log_ratio=log_ratio, strand=strand, orientation=orientation)


def probability(
    panel: PanelEvidence | None, alternative: int, depth: int, prior: LearntPrior | None = None
) -> dict[str, float]:
    """Posteriors of an SNV that so many of a tumour's fragments show."""
    tumor = shown_by(alternative, depth)
    sampled = Sampled(tumor, None, np.array([SNV]), np.array([True]), panel=panel)
    prior = prior or starting_prior("empirical", 1e6, False, panel=panel is not None)
    if panel is not None:
        prior = prior.model_copy(update={"panel_missed": [0.02] * 3})
    found = score(sampled.tables(prior), sampled.class_index, prior, 1.0)
    return dict(zip(EVENTS, found.probability[0].tolist(), strict=True))


def somatic_share(found: dict[str, float]) -> float:
    """Of what is somatic or an artefact: what is germline, other variants of the sample tell."""
    return found["SOMATIC_TUMOR"] / (found["SOMATIC_TUMOR"] + found["ARTIFACT"])


def test_the_gamma_function_is_that_of_scipy() -> None:
    x = np.concatenate([np.linspace(0.01, 20, 500), np.geomspace(20, 1e7, 200)])
    np.testing.assert_allclose(_log_gamma(x), gammaln(x), rtol=1e-10, atol=1e-10)


def test_likelihoods_are_negative_binomial() -> None:
    """Quiet normals show fewer reads than the rule asks for; those that show the allele have so many together."""
    evidence = panel_of(0.03)
    shape = DECISIONS.rate_shape
    least = int(shown_from(evidence.depth)[0])
    showing, reads = evidence.showing[0], evidence.reads.sum()
    for number, rate in enumerate(ARTIFACT_RATES):
        mean = DEPTH * (rate + evidence.errors[0])
        quiet = stats.nbinom.logcdf(least - 1, shape, shape / (shape + mean))
        shown = stats.nbinom.logpmf(reads, shape * showing, shape / (shape + mean))
        expected = (NORMALS - showing) * quiet + shown
        assert _made(evidence, ARTIFACT_RATES)[0, number] == pytest.approx(expected, rel=1e-9, abs=1e-6)
        assert _log_unshown(evidence.depth, np.array([[rate + evidence.errors[0]]]))[0, 0] == pytest.approx(quiet, rel=1e-8)


def test_where_the_panel_has_no_reads_it_says_nothing() -> None:
    """But that artefacts which only places tell are not looked for there, without a matched normal."""
    for paired in (False, True):
        prior = starting_prior("empirical", 1e6, paired, panel=True)
        terms = panel_terms(PanelEvidence.unknown(2), prior, np.full(2, SNV), np.zeros(2, np.int64))
        told = np.ones(len(terms.artifact[0]), bool) if paired else possible_artifacts(paired=False).any(axis=(1, 2))
        assert (terms.artifact[:, ~told] == IMPOSSIBLE).all() and told.sum() >= 8
        np.testing.assert_allclose(terms.artifact[:, told], 0.0, atol=1e-9)
        np.testing.assert_allclose(terms.germline, terms.place[:, None].repeat(2, axis=1), atol=1e-9)
        np.testing.assert_allclose(np.exp(terms.place), 1.0, atol=1e-3)


def test_somatic_variants_that_no_normal_shows_are_not_learnt_to_be_artefacts() -> None:
    """Of SNVs and of fewer insertions, by 10 normals: without artefacts evidence does not tell what share a panel lacks."""
    rng, purity, insertion = np.random.default_rng(5), 0.6, CLASSES.index("insertion_1")
    germline, somatic, insertions = 120, 60, 20
    fractions = np.concatenate([np.full(80, 0.5), np.ones(germline - 80), purity * rng.uniform(0.3, 0.7, somatic + insertions)])
    tumor = observed(rng, fractions.tolist(), 60, 1e-3, strengths=[7.0])
    panel = PanelEvidence.unknown(len(fractions))
    panel.covering[:], panel.depth[:], panel.errors[:] = 10, 30, 2e-4
    panel.heterozygous[:germline] = rng.integers(0, 6, germline)
    panel.carrier_depth[:], panel.carrier_reads[:] = 30 * panel.heterozygous, 15 * panel.heterozygous
    index = np.repeat([SNV, insertion], [germline + somatic, insertions])
    sampled = Sampled(tumor, None, index, index == SNV, panel=panel)
    prior = learn_prior(sampled, 300_000.0, purity, None)
    found = score(sampled.tables(prior), index, prior, purity).probability[:, EVENTS.index("SOMATIC_TUMOR")]
    assert (found[germline : germline + somatic] > 0.5).mean() > 0.7
    assert (found[-insertions:] > 0.5).mean() > 0.7
    assert (found[:germline] > 0.5).mean() < 0.1


def test_what_only_places_tell_is_never_missed() -> None:
    """Without a normal, whatever share of others the panel lacks: else such artefacts could be all somatic variants."""
    for paired in (False, True):
        prior = starting_prior("empirical", 1e6, paired, panel=True).model_copy(update={"panel_missed": [1.0] * 3})
        terms = panel_terms(panel_of(0.0), prior, np.array([SNV]), np.zeros(1, np.int64))
        term = terms.artifact[0, OF_ONE_SAMPLE]
        frequent = term[:, ARTIFACT_RATES > 0.2]
        assert (frequent < -20.0).all() if not paired else np.allclose(frequent, terms.place[0], atol=1e-6)


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.01, 0.1])
def test_where_all_artefacts_are_missed_normals_speak_for_none_against_variants(rate: float) -> None:
    """An artefact of no place lies on any, as a variant does: what normals show there is as probable under both."""
    prior = starting_prior("empirical", 1e6, True, panel=True).model_copy(update={"panel_missed": [1.0] * 3})
    terms = panel_terms(panel_of(rate), prior, np.array([SNV]), np.zeros(1, np.int64))
    frequent = terms.artifact[0][:, 10 * max(rate, 0.01) < ARTIFACT_RATES]
    np.testing.assert_allclose(frequent, terms.place[0], atol=1e-6)


def test_snvs_tell_how_common_somatic_variants_of_other_types_are() -> None:
    """With a panel, and with a resource (see test_population); with neither they stay near published ones."""
    with_panel = starting_prior("empirical", 1e6, False, panel=True)
    assert told_by_snvs(with_panel) == ("SOMATIC_TUMOR",)
    assert told_by_snvs(starting_prior("empirical", 1e6, False)) == ()


def test_damage_of_the_tumour_is_none_of_a_place() -> None:
    """With a panel it is what the tumour alone has; without a normal or a panel there is one rate only."""
    ratio = np.flatnonzero(ARTIFACT_RATIOS == 0.0)[0]
    assert possible_artifacts(paired=False, damaged=True, panel=True)[OF_ONE_SAMPLE, ratio].any()
    assert not possible_artifacts(paired=False, damaged=True)[OF_ONE_SAMPLE, ratio].any()
    tumor = shown_by(10, 100)
    sampled = Sampled(tumor, None, np.array([SNV]), np.array([True]), panel=panel_of(0.0))
    prior = starting_prior("empirical", 1e6, False, panel=True)
    found = evaluate(sampled.tables(prior), Mixture(1.0))
    artifact = found.log_likelihood[0, found.columns["ARTIFACT"]].reshape(ARTIFACT_SHAPE)[OF_ONE_SAMPLE]
    assert artifact[0, ratio].max() > artifact[0, -1].max() + 3.0


def test_a_rate_is_most_likely_where_it_is() -> None:
    prior = starting_prior("empirical", 1e6, False, panel=True)
    for rate in (0.01, 0.05, 0.2):
        evidence = panel_of(rate)
        terms = panel_terms(evidence, prior, np.array([SNV]), np.zeros(1, np.int64)).artifact[0]
        best = ARTIFACT_RATES[np.argmax(terms.max(axis=0))]
        assert rate / 1.6 < best < rate * 1.6


@pytest.mark.parametrize("rate", [0.0, 1e-3])
def test_a_hot_spot_that_deep_normals_show_at_one_in_a_thousand_is_still_called(rate: float) -> None:
    deep = panel_of(rate)
    deep.depth[:] = 3000
    deep.showing[:], deep.showing_depth[:], deep.reads[:] = 3, 9000, 3 * 3000 * 0.005 / 4
    assert somatic_share(probability(deep, 30, 300)) > 0.95


def test_a_clone_of_blood_in_one_normal_hides_no_variant() -> None:
    one = panel_of(0.0)
    one.showing[:], one.showing_depth[:], one.reads[:] = 1, DEPTH, 8 / 4
    assert somatic_share(probability(one, 60, 300)) > 0.95


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2])
def test_what_all_normals_show_as_often_is_an_artefact(rate: float) -> None:
    found = probability(panel_of(rate), round(300 * rate), 300)
    assert found["ARTIFACT"] > 0.999
    without = probability(None, round(300 * rate), 300)
    assert without["ARTIFACT"] < 0.5


def test_a_variant_far_above_the_rate_of_its_place_is_called() -> None:
    assert probability(panel_of(0.02), 100, 300)["ARTIFACT"] < 0.05
    assert probability(panel_of(0.02), 6, 300)["ARTIFACT"] > 0.999


def test_the_less_normals_show_it_the_less_it_is_an_artefact() -> None:
    by_rate = [probability(panel_of(rate), 30, 300)["ARTIFACT"] for rate in (0.0, 0.005, 0.02, 0.1)]
    assert by_rate == sorted(by_rate)


def test_a_variant_that_normals_carry_is_germline() -> None:
    carried = panel_of(0.0, heterozygous=12, homozygous=2, carrier_reads=800, carrier_depth=1400)
    unseen = panel_of(0.0)
    assert probability(carried, 150, 300)["GERMLINE_HET"] > 0.999
    assert probability(carried, 120, 300)["SOMATIC_TUMOR"] < probability(None, 120, 300)["SOMATIC_TUMOR"]
    assert probability(unseen, 150, 300)["GERMLINE_HET"] < probability(None, 150, 300)["GERMLINE_HET"]


def test_where_the_population_is_known_few_normals_add_only_what_they_have_more() -> None:
    """An allele of 0.1 in the population is no rarer where 40 normals lack it; of one of 1e-4 that 14 carry, they tell."""
    prior, snv, group = starting_prior("empirical", 1e6, False, panel=True), np.array([SNV]), np.zeros(1, np.int64)
    carried = panel_of(0.0, heterozygous=12, homozygous=2, carrier_reads=800, carrier_depth=1400)
    unseen = panel_of(0.0)

    def germline(evidence: PanelEvidence, frequency: float) -> np.ndarray:
        terms = panel_terms(evidence, prior, snv, group, np.array([frequency]))
        return terms.germline[0] - terms.place

    private = {event: [1e-7] * len(rates) for event, rates in prior.rates.items() if event in GERMLINE_EVENTS}
    prior = prior.model_copy(update={"rates": prior.rates | private})
    np.testing.assert_allclose(germline(unseen, 0.1), 0.0, atol=1e-9)
    np.testing.assert_allclose(germline(carried, 0.3), 0.0, atol=0.1)
    weight = 2.0 * 1e-4 * (1.0 - 1e-4) * np.exp(germline(carried, 1e-4)[0])
    assert weight == pytest.approx(2.0 * 16 * 65 / (81 * 82), rel=0.05)
    unlisted, without = germline(unseen, np.nan), panel_terms(unseen, prior, snv, group)
    np.testing.assert_allclose(unlisted, without.germline[0] - without.place)
    assert (unlisted < -1.0).all()


def test_what_every_normal_carries_as_one_copy_is_no_polymorphism() -> None:
    """All heterozygous would be one in 2^40 under Hardy and Weinberg: a paralog."""
    prior = starting_prior("empirical", 1e6, False, panel=True)
    every = panel_of(0.0, heterozygous=40, carrier_reads=1200, carrier_depth=4000)
    terms = panel_terms(every, prior, np.array([SNV]), np.zeros(1, np.int64))
    assert terms.artifact.max() > 10.0
    assert probability(every, 90, 300)["SOMATIC_TUMOR"] < 1e-3


def test_a_list_of_sites_makes_artefacts_likelier_there_alone() -> None:
    on, off = PanelEvidence.unknown(1), PanelEvidence.unknown(1)
    on.listed[:], off.listed[:] = 1, 0
    listed, unlisted = (probability(evidence, 30, 300) for evidence in (on, off))
    without = probability(None, 30, 300)
    assert somatic_share(listed) / (1.0 - somatic_share(listed)) < 0.02 * somatic_share(unlisted) / (
        1.0 - somatic_share(unlisted)
    )
    assert unlisted["SOMATIC_TUMOR"] == pytest.approx(without["SOMATIC_TUMOR"], rel=0.2)


def test_a_prior_says_nothing_of_panels_where_there_was_none() -> None:
    text = starting_prior("empirical", 1e6).model_dump_json()
    assert "panel" not in text
    taught = starting_prior("empirical", 1e6, False, panel=True)
    assert LearntPrior.model_validate_json(taught.model_dump_json(by_alias=True)) == taught
    assert taught.tells_places and not replace_missed(taught).tells_places


def replace_missed(prior: LearntPrior) -> LearntPrior:
    return prior.model_copy(update={"panel_missed": None})
