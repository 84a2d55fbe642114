"""Posteriors against scipy's integrals of the paper's equations, and modes against scipy's optimiser."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import integrate, optimize

from evidence_examples import direct_log_likelihood, observed
from varproof.formats.events import EVENT_NAMED, EVENTS
from varproof.formats.evidence import READ_CONTEXTS, Evidence
from varproof.posterior.classes import CLASSES
from varproof.posterior.components import GRID, Components, Mixture, evaluate, spurious_rates, tabulate
from varproof.posterior.learning import starting_prior
from varproof.posterior.score import event_posteriors, flat_weights, mode, score, tumor_cell_log_density

SPURIOUS = float(spurious_rates(np.ones(1, bool))[0])
TOLERANCE = 1e-3
"""Of a posterior by quadrature: 64 Gauss nodes per dimension integrate a likelihood of depth 40 all but exactly, but they read
it from a table of 257 points, between which the logarithm is taken to be straight: a relative error below 1e-3."""

LOCI = [
    (0.0, 0.0),
    (0.06, 0.0),
    (0.15, 0.0),
    (0.4, 0.0),
    (0.9, 0.0),
    (0.5, 0.5),
    (0.8, 0.5),
    (1.0, 1.0),
    (0.25, 0.2),
    (0.1, 0.04),
]
"""Fractions of copies in tumour and normal sample."""


def random_pair(seed: int, tumor_depth: int = 40, normal_depth: int = 30) -> tuple[Evidence, Evidence]:
    """Fragments of all strengths and mapping qualities, so that many posteriors are neither 0 nor 1."""
    rng = np.random.default_rng(seed)
    strengths, mapq = [0.5, 2.0, 4.0, 8.0], [3, 20, 60]
    tumor = observed(rng, [t for t, _ in LOCI], tumor_depth, 0.02, mapq, strengths)
    return tumor, observed(rng, [n for _, n in LOCI], normal_depth, 0.02, mapq, strengths)


def integrated(likelihood: Callable[[float, float], float]) -> dict[str, float]:
    """Eqs. 2 to 4 by scipy, for a likelihood of (theta_h, theta_c): every event alike, uniform within it."""
    options = {"epsabs": 0.0, "epsrel": 1e-6, "limit": 200}
    inner = integrate.dblquad(lambda c, h: likelihood(h, c), 0.0, 0.5, 0.0, 1.0, epsabs=1e-9, epsrel=1e-5)[0]
    return {
        "SOMATIC_TUMOR": integrate.quad(lambda c: likelihood(0.0, c), 0, 1, points=[0.05, 0.2], **options)[0],
        "GERMLINE_HET": integrate.quad(lambda c: likelihood(0.5, c), 0, 1, **options)[0],
        "GERMLINE_HOM": integrate.quad(lambda c: likelihood(1.0, c), 0, 1, **options)[0],
        "SOMATIC_NORMAL": inner / 0.5,
        "ABSENT": likelihood(0.0, 0.0),
    }


@pytest.mark.parametrize(("purity", "with_normal"), [(1.0, True), (0.75, True), (0.4, True), (0.75, False)])
def test_flat_posteriors_equal_scipys_integrals(purity: float, with_normal: bool) -> None:
    """Given that the variant is no artefact; the artefact's share is one number on both sides."""
    tumor, normal = random_pair(seed=int(purity * 100))
    snv = np.ones(tumor.size, bool)
    tables = tabulate(tumor, normal if with_normal else None, snv, np.zeros((tumor.size, READ_CONTEXTS)))
    prior = starting_prior("flat", 1e6)
    found = score(tables, np.zeros(tumor.size, np.int64), prior, purity).probability
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-12)
    names = [event for event in EVENTS if event != "ARTIFACT"]
    for i in range(tumor.size):
        grid = np.linspace(0, 1, 41)
        top = max(direct_log_likelihood(tumor, i, t, SPURIOUS) for t in grid)
        if with_normal:
            top += max(direct_log_likelihood(normal, i, t, SPURIOUS) for t in grid)

        def likelihood(healthy: float, cells: float, i: int = i, top: float = top) -> float:
            value = direct_log_likelihood(tumor, i, purity * cells + (1 - purity) * healthy, SPURIOUS)
            if with_normal:
                value += direct_log_likelihood(normal, i, healthy, SPURIOUS)
            return float(np.exp(value - top))

        expected = integrated(likelihood)
        total = sum(expected.values())
        others = 1.0 - found[i, EVENTS.index("ARTIFACT")]
        for name in names:
            assert found[i, EVENTS.index(name)] / others == pytest.approx(expected[name] / total, abs=TOLERANCE)


def test_flat_posteriors_know_of_tumour_cells_in_the_normal() -> None:
    """A locus with 40 % in the tumour and 2 % in the normal: somatic if a twentieth of the normal's cells are the tumour's."""
    rng = np.random.default_rng(1)
    tumor, normal = observed(rng, [0.4] * 3, 200), observed(rng, [0.02] * 3, 200)
    tables = tabulate(tumor, normal, np.ones(3, bool), np.zeros((3, READ_CONTEXTS)))
    somatic = []
    for contamination in (0.0, 0.05):
        prior = starting_prior("flat", 1e6).model_copy(update={"normal_contamination": contamination})
        somatic.append(score(tables, np.zeros(3, np.int64), prior, 1.0).probability[:, 0])
    assert (somatic[1] > 0.8).all() and (somatic[0] < 0.5).all()


@pytest.mark.parametrize(
    ("in_cells", "in_normal", "event"),
    [(0.0, 0.0, "ABSENT"), (0.1, 0.0, "SOMATIC_TUMOR"), (1.0, 0.0, "SOMATIC_TUMOR"), (0.5, 0.5, "GERMLINE_HET"),
     (1.0, 0.5, "GERMLINE_HET"), (1.0, 1.0, "GERMLINE_HOM"), (0.0, 1.0, "GERMLINE_HOM"), (0.2, 0.2, "SOMATIC_NORMAL")],
)  # fmt: skip
def test_the_event_that_made_the_reads_wins(in_cells: float, in_normal: float, event: str) -> None:
    """Under the flat prior, at a depth of 150, nine in ten loci."""
    rng = np.random.default_rng(4)
    tumor, normal = (observed(rng, [f] * 30, 150, 2e-4) for f in (0.7 * in_cells + 0.3 * in_normal, in_normal))
    tables = tabulate(tumor, normal, np.ones(30, bool), np.zeros((30, READ_CONTEXTS)))
    found = score(tables, np.zeros(30, np.int64), starting_prior("flat", 1e6), 0.7).probability
    assert (np.argmax(found, axis=1) == EVENTS.index(event)).mean() >= 0.9


def test_strand_bias_is_an_artefact() -> None:
    """Twelve reads with the allele, all of them forward, of 40; with the same on both strands it is a variant."""
    tumor = observed(np.random.default_rng(1), [0.0], 40, 0.0)
    tumor.strand[:] = np.tile([1, 2], 20)
    artifact = []
    for chosen in (np.arange(0, 24, 2), np.arange(12)):
        log_ratio = np.full(40, -8.0, np.float32)
        log_ratio[chosen] = 8.0
        biased = Evidence(**(vars(tumor) | {"log_ratio": log_ratio}))
        tables = tabulate(biased, None, np.ones(1, bool), np.zeros((1, READ_CONTEXTS)))
        found = score(tables, np.zeros(1, np.int64), starting_prior("flat", 1e6), 1.0).probability[0]
        artifact.append((found[EVENTS.index("ARTIFACT")], found[EVENTS.index("ABSENT")]))
    assert artifact[0][0] > 0.9
    assert artifact[1][0] < 0.01 and artifact[1][1] < 0.01


def test_event_posteriors_by_hand() -> None:
    """Weights times likelihoods, summed by event; another person's variants are reported as artefacts."""
    tumor, normal = random_pair(3)
    components = evaluate(
        tabulate(tumor, normal, np.ones(tumor.size, bool), np.zeros((tumor.size, READ_CONTEXTS))), Mixture(0.8)
    )
    rng = np.random.default_rng(5)
    weights = rng.uniform(0, 1, components.log_likelihood.shape)
    found = event_posteriors(components, weights)
    for i in range(tumor.size):
        joint = np.exp(components.log_likelihood[i] - components.log_likelihood[i].max()) * weights[i]
        for k, event in enumerate(EVENTS):
            parts = [event, "FOREIGN"] if event == "ARTIFACT" else [event]
            expected = sum(joint[components.columns[part]].sum() for part in parts) / joint.sum()
            assert found[i, k] == pytest.approx(expected, rel=1e-9)


def test_what_the_prior_excludes_is_not_compared_with() -> None:
    """The likeliest explanation by 5,000 nats has weight 0: the rest are weighed against each other, without underflow."""
    columns = {event: slice(i, i + 1) for i, event in enumerate(EVENT_NAMED)}
    log_likelihood = np.full((1, len(EVENT_NAMED)), -9_000.0)
    weights = np.full(log_likelihood.shape, 0.1)
    log_likelihood[0, columns["FOREIGN"]], weights[0, columns["FOREIGN"]] = -1_000.0, 0.0
    log_likelihood[0, columns["ABSENT"]] = -6_000.0
    log_likelihood[0, columns["GERMLINE_HET"]] = -6_000.0 + np.log(3.0)
    found = event_posteriors(Components(log_likelihood, columns), weights)[0]
    assert found[EVENTS.index("GERMLINE_HET")] == pytest.approx(0.75)
    assert found[EVENTS.index("ABSENT")] == pytest.approx(0.25)


def test_weights_of_the_flat_prior() -> None:
    """Each of the six events has the same weight, another person's variants none."""
    tumor, normal = random_pair(3)
    components = evaluate(
        tabulate(tumor, normal, np.ones(tumor.size, bool), np.zeros((tumor.size, READ_CONTEXTS))), Mixture(0.8), flat=True
    )
    weights = flat_weights(components)
    for event, columns in components.columns.items():
        assert weights[:, columns].sum(axis=1) == pytest.approx(np.full(tumor.size, 0.0 if event == "FOREIGN" else 1 / 6))


def test_overwhelming_evidence_stays_finite() -> None:
    rng = np.random.default_rng(2)
    tumor, normal = (
        observed(rng, [0.0, 0.5, 1.0], 1000, strengths=[25.0]),
        observed(rng, [1.0, 0.0, 0.0], 1000, strengths=[25.0]),
    )
    tables = tabulate(tumor, normal, np.ones(3, bool), np.zeros((3, READ_CONTEXTS)))
    for kind in ("flat", "empirical"):
        scores = score(tables, np.zeros(3, np.int64), starting_prior(kind, 1e6), 0.75)
        assert np.isfinite(scores.probability).all() and np.isfinite(scores.tumor_density).all()
        np.testing.assert_allclose(scores.probability.sum(axis=1), 1.0, atol=1e-12)


def test_nothing_observed_gives_the_prior() -> None:
    """Without a fragment the posterior is the prior: every event alike if flat, absent but for the published rates else."""
    none = observed(np.random.default_rng(0), [0.0], 0)
    tables = tabulate(none, none, np.ones(1, bool), np.zeros((1, READ_CONTEXTS)))
    flat = score(tables, np.zeros(1, np.int64), starting_prior("flat", 1e6), 0.75)
    assert flat.probability[0] == pytest.approx(np.full(len(EVENTS), 1 / 6))
    prior = starting_prior("empirical", 1e6)
    found = dict(zip(EVENTS, score(tables, np.zeros(1, np.int64), prior, 0.75).probability[0], strict=True))
    for event in ("SOMATIC_TUMOR", "SOMATIC_NORMAL", "GERMLINE_HET", "GERMLINE_HOM"):
        assert found[event] == pytest.approx(prior.rates[event][CLASSES.index("snv")], rel=1e-6)
    assert found["ABSENT"] > 0.99


@pytest.mark.parametrize("healthy", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("purity", [1.0, 0.6])
def test_mode_equals_the_optimum(healthy: float, purity: float) -> None:
    """The MAP of theta_c (eq. 6) within 0.005 of scipy's bounded optimum of the likelihood itself.

    Half a cell of the grid over the purity; the parabola mostly does better. The binomial's error is over ten times that.
    """
    rng = np.random.default_rng(int(healthy * 10 + purity * 100))
    cells = [0.0, 0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]
    tumor = observed(rng, [purity * c + (1 - purity) * healthy for c in cells], 60, 0.01, [20, 60], [2.0, 8.0])
    tables = tabulate(tumor, None, np.ones(len(cells), bool), np.zeros((len(cells), READ_CONTEXTS)))
    found = mode(tumor_cell_log_density(tables.tumor, np.full(len(cells), healthy), purity))
    for i in range(len(cells)):

        def cost(c: float, i: int = i) -> float:
            return -direct_log_likelihood(tumor, i, purity * c + (1 - purity) * healthy, SPURIOUS)

        best = optimize.minimize_scalar(cost, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-7})
        assert found[i] == pytest.approx(best.x, abs=5e-3)


def test_density_is_the_likelihood() -> None:
    rng = np.random.default_rng(7)
    tumor = observed(rng, [0.3, 0.5], 50)
    tables = tabulate(tumor, None, np.ones(2, bool), np.zeros((2, READ_CONTEXTS)))
    density = tumor_cell_log_density(tables.tumor, np.array([0.0, 0.5]), 0.8)
    np.testing.assert_allclose(density.max(axis=1), 0.0)
    for i, healthy in enumerate((0.0, 0.5)):
        expected = np.array([direct_log_likelihood(tumor, i, 0.8 * c + 0.2 * healthy, SPURIOUS) for c in GRID])
        near = expected > expected.max() - 30
        np.testing.assert_allclose(density[i, near], (expected - expected.max())[near], atol=0.02)


def test_mode_at_the_ends_and_of_a_flat_line() -> None:
    rising, falling = np.linspace(-50, 0, len(GRID))[None], np.linspace(0, -50, len(GRID))[None]
    assert mode(rising) == pytest.approx([1.0], abs=1e-3)
    assert mode(falling) == pytest.approx([0.0], abs=1e-3)
    assert 0.0 <= mode(np.zeros((1, len(GRID))))[0] <= 1.0


def test_frequencies_are_right_on_average() -> None:
    """400 loci at a tenth, a third and two thirds of the tumour cells: no bias beyond the binomial's error of the mean."""
    rng = np.random.default_rng(9)
    for cells in (0.1, 0.33, 0.67):
        tumor = observed(rng, [0.75 * cells] * 400, 50)
        tables = tabulate(tumor, None, np.ones(400, bool), np.zeros((400, READ_CONTEXTS)))
        found = mode(tumor_cell_log_density(tables.tumor, np.zeros(400), 0.75))
        bound = np.sqrt(0.75 * cells * (1 - 0.75 * cells) / 50) / 0.75
        assert found.mean() == pytest.approx(cells, abs=4 * bound / 20)
        assert found.std() < 1.1 * bound
