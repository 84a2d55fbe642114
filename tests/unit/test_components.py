"""Components: each is the likelihood at its point of the paper's parameter space, and together they cover it."""

import numpy as np
import pytest

from evidence_examples import direct_log_likelihood, observed
from varproof.formats.events import EVENT_TABLE
from varproof.formats.evidence import READ_CONTEXTS, Evidence
from varproof.posterior.components import (
    FREQUENCY_BINS,
    GRID,
    NODES_PER_BIN,
    Mixture,
    Tables,
    at_fraction,
    evaluate,
    somatic_nodes,
    spurious_rates,
    tabulate,
    uniform_nodes,
)

PURITY = 0.7
SPURIOUS = float(spurious_rates(np.ones(1, bool))[0])
INTERPOLATION = 0.02
"""Log-likelihoods lie between 257 tabulated ones: at a depth of 40 they err by at most this."""


def pair(seed: int = 1, fractions: tuple[float, ...] = (0.0, 0.05, 0.3, 0.5, 1.0)) -> tuple[Evidence, Evidence]:
    rng = np.random.default_rng(seed)
    tumor = observed(rng, list(fractions), 40, 0.01, [20, 60], [1.0, 5.0, 8.0])
    return tumor, observed(rng, [f / 2 for f in fractions], 30, 0.01, [20, 60], [1.0, 5.0, 8.0])


def tables_of(tumor: Evidence, normal: Evidence | None) -> Tables:
    return tabulate(tumor, normal, np.ones(tumor.size, bool), np.zeros((tumor.size, READ_CONTEXTS)))


def test_tables_hold_the_likelihood_at_the_grid() -> None:
    tumor, normal = pair()
    tables = tables_of(tumor, normal)
    assert tables.normal is not None
    for k in (0, 1, 60, 128, 200, 256):
        for i in range(tumor.size):
            assert tables.tumor[i, k] == pytest.approx(direct_log_likelihood(tumor, i, GRID[k], SPURIOUS), abs=1e-6)
            assert tables.normal[i, k] == pytest.approx(direct_log_likelihood(normal, i, GRID[k], SPURIOUS), abs=1e-6)
    np.testing.assert_array_equal(tables.chosen(np.array([3, 1])).tumor, tables.tumor[[3, 1]])


def test_between_the_grid() -> None:
    tumor, _ = pair()
    tables = tables_of(tumor, None)
    fractions = np.array([0.0, 0.001, 0.013, 0.21, 0.5, 0.77, 0.999, 1.0])
    found = at_fraction(tables.tumor, fractions)
    for i in range(tumor.size):
        for k, fraction in enumerate(fractions):
            expected = direct_log_likelihood(tumor, i, fraction, SPURIOUS)
            assert found[i, k] == pytest.approx(expected, abs=INTERPOLATION, rel=1e-3)
    np.testing.assert_allclose(at_fraction(tables.tumor, GRID), tables.tumor, atol=1e-6)
    np.testing.assert_array_equal(at_fraction(tables.tumor, np.array([-0.1, 1.2])), tables.tumor[:, [0, -1]])


def test_somatic_nodes_halve_equal_parts_of_each_bin() -> None:
    """So that a density that is constant in each bin integrates exactly: of 1 to 1, of the frequency to a half."""
    nodes = somatic_nodes()
    weights = np.repeat(np.diff(FREQUENCY_BINS) / NODES_PER_BIN, NODES_PER_BIN)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights * nodes).sum() == pytest.approx(0.5)
    assert (np.diff(nodes) > 0).all() and nodes[0] > 0 and nodes[-1] < 1


def test_uniform_nodes_integrate_polynomials() -> None:
    nodes, weights = uniform_nodes(0.0, 0.5)
    for power in (0, 1, 7, 60):
        assert (weights * nodes**power).sum() == pytest.approx(0.5**power / (power + 1), rel=1e-9)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("with_normal", [True, False])
def test_events_share_the_columns(flat: bool, with_normal: bool) -> None:
    tumor, normal = pair()
    components = evaluate(tables_of(tumor, normal if with_normal else None), Mixture(PURITY), flat)
    assert list(components.columns) == [event.name for event in EVENT_TABLE]
    covered = np.concatenate([np.arange(s.start, s.stop) for s in components.columns.values()])
    np.testing.assert_array_equal(covered, np.arange(components.log_likelihood.shape[1]))
    assert np.isfinite(components.log_likelihood).all()


def test_points_of_the_events() -> None:
    """theta_t = purity * theta_c + (1 - purity) * theta_h; tumour cells in the normal put theta_h at their part of theta_c."""
    tumor, normal = pair()
    mixture = Mixture(PURITY, normal_contamination=0.1, other_person_fraction=0.04)
    components = evaluate(tables_of(tumor, normal), mixture)

    def both(i: int, in_tumor: float, in_normal: float) -> float:
        return direct_log_likelihood(tumor, i, in_tumor, SPURIOUS) + direct_log_likelihood(normal, i, in_normal, SPURIOUS)

    for i in range(tumor.size):
        values = {event: components.log_likelihood[i, columns] for event, columns in components.columns.items()}
        assert values["ABSENT"] == pytest.approx([both(i, 0, 0)], abs=1e-6)
        somatic = [both(i, PURITY * c, 0.1 * c) for c in somatic_nodes()]
        np.testing.assert_allclose(values["SOMATIC_TUMOR"], somatic, atol=2 * INTERPOLATION, rtol=1e-3)
        parts = [
            np.log(share / 3) + both(i, f * spread, 0) for share, f in ((0.67, 0.02), (0.33, 0.04)) for spread in (0.7, 1, 1.4)
        ]
        other_person = np.logaddexp.reduce(parts)
        assert values["FOREIGN"] == pytest.approx([other_person], abs=2 * INTERPOLATION)


def test_without_a_normal_it_is_latent() -> None:
    """A normal that nothing was observed of, and no normal, are the same, but for how often germline copies get lost."""
    tumor, _ = pair()
    nothing = observed(np.random.default_rng(0), [0.0] * tumor.size, 0)
    for flat in (False, True):
        one, two = (evaluate(tables_of(tumor, normal), Mixture(PURITY), flat) for normal in (None, nothing))
        for event, columns in one.columns.items():
            if flat or not event.startswith("GERMLINE"):
                np.testing.assert_allclose(one.log_likelihood[:, columns], two.log_likelihood[:, columns], atol=1e-9)
