"""Probability of becoming a candidate: against scipy's binomial, and in the components that it belongs to."""

import numpy as np
import pytest
import scipy.stats

from varproof.posterior.artifact_classes import ACTIVE_ON, BOTH
from varproof.posterior.components import ARTIFACT_RATES, ARTIFACT_SHAPE, Mixture, Tables, evaluate, somatic_nodes
from varproof.posterior.selection import Selection, at_least, selected


@pytest.mark.parametrize("fragments", [1, 2, 40, 900, 20_000])
@pytest.mark.parametrize("fraction", [1e-6, 0.001, 0.02, 0.3, 0.89])
@pytest.mark.parametrize("least", [1, 2, 18, 400])
def test_binomial_tail(least: int, fragments: int, fraction: float) -> None:
    expected = scipy.stats.binom.sf(least - 1, fragments, fraction)
    assert at_least(least, fragments, fraction) == pytest.approx(expected, abs=1e-9)


def test_components() -> None:
    """At a depth of 60, two reads (2 % of 60 is fewer); at 500, ten."""
    table = np.zeros((1, ARTIFACT_SHAPE[0], ARTIFACT_SHAPE[2]))
    columns = evaluate(Tables(np.zeros((1, 257)), None, table, None), Mixture(0.5)).columns
    for depth, least in ((60, 2), (500, 10)):
        found = selected(columns, Mixture(0.5, 0.0, 0.04), depth, Selection(2, 0.02))

        def shown(fraction: float | np.ndarray, depth: int = depth, least: int = least, lowest: float = 0.1) -> np.ndarray:
            return np.maximum(lowest, scipy.stats.binom.sf(least - 1, depth, fraction))

        np.testing.assert_allclose(found[columns["SOMATIC_TUMOR"]], shown(0.5 * somatic_nodes()), atol=1e-9)
        assert found[columns["FOREIGN"]] == pytest.approx([0.67 * shown(0.02, lowest=0.01) + 0.33 * shown(0.04, lowest=0.01)])
        artifact = found[columns["ARTIFACT"]].reshape(ARTIFACT_SHAPE)
        for number, on in enumerate(ACTIVE_ON):
            np.testing.assert_allclose(
                artifact[number], np.tile(shown(ARTIFACT_RATES * (1.0 if on == BOTH else 0.5)), (3, 1)), atol=1e-9
            )
        for event in ("GERMLINE_HET", "GERMLINE_HOM", "SOMATIC_NORMAL", "ABSENT"):
            assert (found[columns[event]] == 1.0).all()
