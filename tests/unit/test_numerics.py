"""Exponentials and their kin against those of the C library; compiled they give the same bits; sums against `math.fsum`."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varproof.machinery import numerics
from varproof.machinery import numerics_numba_fns as kernels

ANY = st.floats(allow_nan=False)
ORDINARY = st.floats(-690.0, 690.0)
POSITIVE = st.floats(min_value=0.0, exclude_min=True, allow_infinity=False)
UNIT = st.floats(0.0, 1.0)


def units_off(value: float, expected: float) -> float:
    """Distance in units of the last place."""
    return 0.0 if value == expected else abs(value - expected) / math.ulp(expected)


def same_bits(one: float, other: float) -> bool:
    return (one != one and other != other) or np.float64(one).tobytes() == np.float64(other).tobytes()


@pytest.mark.parametrize(
    ("function", "expected", "values", "units"),
    [
        (numerics.exp, math.exp, ORDINARY, 1),
        (numerics.log, math.log, POSITIVE, 1),
        (numerics.exp10, lambda x: 10.0**x, st.floats(-300.0, 300.0), 5),
        (numerics.log1p, math.log1p, st.floats(-0.999, 1e6), 4),
        (numerics.expm1, math.expm1, ORDINARY, 4),
        (numerics.sine, math.sin, st.floats(0.0, math.pi / 2), 1),
        (numerics.cosine, math.cos, st.floats(0.0, 1.5), 1),
        (numerics.arcsine, math.asin, UNIT, 2),
        (numerics.expit, lambda x: 1 / (1 + math.exp(-x)), st.floats(-30.0, 30.0), 6),
        (numerics.logit, lambda p: math.log(p) - math.log1p(-p), st.floats(1e-300, 0.4), 4),
        (kernels.log_factorial, lambda n: math.lgamma(n + 1), st.integers(2, 10**7).map(float), 20),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_as_the_c_library(function: Callable, expected: Callable, values: st.SearchStrategy, units: float) -> None:
    @given(values)
    def within(x: float) -> None:
        assert units_off(function(x), expected(x)) <= units

    within()


@pytest.mark.parametrize("name", ["exp", "log", "exp10", "log1p", "expit"])
def test_compiled_bits_are_the_interpreter_s(name: str) -> None:
    plain, kernel = getattr(numerics, name), getattr(kernels, name)

    @given(ANY)
    def same(x: float) -> None:
        assert same_bits(plain(x), kernel(x))

    same()
    assert same_bits(plain(math.nan), kernel(math.nan))


@given(UNIT)
def test_compiled_circular_functions_are_the_interpreter_s(x: float) -> None:
    assert same_bits(numerics.arcsine(x), kernels.arcsine(x))
    assert same_bits(numerics.sine(math.pi / 2 * x), kernels.sine(math.pi / 2 * x))


def test_ends() -> None:
    assert (numerics.exp(-math.inf), numerics.exp(math.inf), numerics.log(0.0)) == (0.0, math.inf, -math.inf)
    assert math.isnan(numerics.log(-1.0)) and math.isnan(kernels.log(-1.0))
    assert (numerics.logit(0.0), numerics.logit(1.0)) == (-math.inf, math.inf)
    assert [numerics.exp10(-float(n)) for n in range(300)] == [float(f"1e-{n}") for n in range(300)]
    assert kernels.log(5e-324) == math.log(5e-324)


@given(st.floats(0.0, 8.0))
def test_erf(x: float) -> None:
    assert kernels.erf(x) == pytest.approx(math.erf(x), rel=1e-14)


@given(st.integers(0, 100), st.integers(1, 100), st.floats(1e-9, 0.3))
def test_binomial_tail(least: int, trials: int, probability: float) -> None:
    terms = [math.comb(trials, k) * probability**k * (1 - probability) ** (trials - k) for k in range(least, trials + 1)]
    assert kernels.binomial_tail(least, trials, probability) == pytest.approx(min(1.0, math.fsum(terms)), rel=1e-12, abs=0)


def test_sums_arrays_and_equations() -> None:
    rng = np.random.default_rng(1)
    values, weights, of_rows = rng.normal(0, 30, (13, 27)), rng.random(27), rng.random(13)
    expected = [math.fsum(a * b for a, b in zip(row, weights, strict=True)) for row in values.tolist()]
    assert kernels.weighted_row_sums(values, weights) == pytest.approx(expected, rel=1e-12, abs=1e-10)
    expected = [math.fsum(a * b for a, b in zip(column, of_rows, strict=True)) for column in values.T.tolist()]
    assert kernels.weighted_column_sums(values, of_rows) == pytest.approx(expected, rel=1e-12, abs=1e-10)
    mean = [math.log(math.fsum(w * math.exp(v) for v, w in zip(row, weights, strict=True))) for row in values.tolist()]
    assert kernels.log_weighted_mean(values, weights) == pytest.approx(mean, rel=1e-13)
    assert kernels.exp_of(values) == pytest.approx(np.vectorize(math.exp)(values), rel=1e-15)
    assert kernels.log_of(values.T**2) == pytest.approx(np.vectorize(math.log)(values.T**2), rel=1e-14, abs=1e-14)
    possible = weights > 0.5
    scaled, top = kernels.scaled_likelihoods(values, np.tile(np.where(possible, weights, 0.0), (13, 1)))
    assert top.tolist() == values[:, possible].max(axis=1).tolist() and not scaled[:, ~possible].any()
    assert scaled[:, possible] == pytest.approx(np.vectorize(math.exp)(values[:, possible] - top[:, None]), rel=1e-15)
    matrix = values[:, :9].T @ values[:, :9] + np.eye(9)
    assert matrix @ kernels.solved(matrix, weights[:9]) == pytest.approx(weights[:9], rel=1e-9)
    assert numerics.powered(0.3, 5) == pytest.approx(0.3**5, rel=1e-15) and kernels.powered(0.3, 5) == numerics.powered(0.3, 5)


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_legendre_nodes(count: int) -> None:
    nodes, weights = numerics.legendre_nodes(count)
    expected_nodes, expected_weights = np.polynomial.legendre.leggauss(count)
    assert nodes == pytest.approx(expected_nodes, abs=1e-15) and weights == pytest.approx(expected_weights, abs=1e-14)
    steps = numerics.logarithmic_steps(0.003, 0.7, 20)
    assert steps == pytest.approx(np.geomspace(0.003, 0.7, 20), rel=1e-14) and (steps[0], steps[-1]) == (0.003, 0.7)
