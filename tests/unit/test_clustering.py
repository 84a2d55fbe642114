"""Where artefacts crowd: neighbourhoods by brute force, and the two factors by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varproof.posterior.clustering import NEAR, clustering, covered_bases, near_artifacts
from varproof.posterior.decisions import DECISIONS

sites = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3000), st.sampled_from([0.0, 0.4, 0.6, 1.0])), min_size=1, max_size=40
)


def columns(given_sites: list[tuple[int, int, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    contig, position, artifact = zip(*sorted(given_sites), strict=True)
    return np.array(contig), np.array(position), np.array(artifact)


@settings(max_examples=80, deadline=None)
@given(sites)
def test_near_artifacts_by_brute_force(given_sites: list[tuple[int, int, float]]) -> None:
    """A likely artefact at another position of the same contig, at most NEAR away."""
    contig, position, artifact = columns(given_sites)
    expected = [
        any(
            c == d and p != q and abs(p - q) <= NEAR and b > DECISIONS.likely_artifact
            for d, q, b in zip(contig, position, artifact, strict=True)
        )
        for c, p in zip(contig, position, strict=True)
    ]
    assert near_artifacts(contig, position, artifact).tolist() == expected


@settings(max_examples=80, deadline=None)
@given(sites)
def test_covered_bases_by_brute_force(given_sites: list[tuple[int, int, float]]) -> None:
    contig, position, artifact = columns(given_sites)
    covered = {
        (c, base)
        for c, p, a in zip(contig, position, artifact, strict=True)
        if a > DECISIONS.likely_artifact
        for base in range(p - NEAR, p + NEAR + 1)
    }
    assert covered_bases(contig, position, artifact) == len(covered)


def factors(positions: list[int], artifact: list[float], territory: float) -> tuple[float, float]:
    contig, position, posterior = np.zeros(len(positions), int), np.array(positions), np.array(artifact)
    return clustering(contig, position, posterior, near_artifacts(contig, position, posterior), territory)


def test_nothing_to_learn_from() -> None:
    assert factors([100, 5000], [0.0, 0.0], 1e6) == pytest.approx((1.0, 1.0), abs=1e-6)
    assert factors([100, 5000], [0.3, 0.2], 1e6) == pytest.approx((1.0, 1.0), abs=1e-6)


def test_a_crowd_of_artefacts() -> None:
    """Twenty within 1 kb of a million bases, and one alone: hundreds of times as frequent there, far rarer elsewhere."""
    crowded = [10_000 + 50 * i for i in range(20)]
    inside, outside = factors([*crowded, 500_000], [1.0] * 21, 1e6)
    bases, mean = 19 * 50 + 2 * (2 * NEAR + 1), 21 / 1e6
    assert inside == pytest.approx((20.5 / (bases + 0.5 / mean)) / mean)
    assert outside == pytest.approx((1.5 / (1e6 - bases + 0.5 / mean)) / mean)
    assert inside > 30 and outside < 0.1


def test_spread_out_artefacts_are_no_crowd() -> None:
    inside, outside = factors([20_000 * (i + 1) for i in range(40)], [1.0] * 40, 1e6)
    assert inside == 1.0
    assert outside == pytest.approx(1.0, abs=0.05)
