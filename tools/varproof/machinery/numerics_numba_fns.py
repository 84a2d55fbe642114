"""Kernels of exponentials, logarithms and sums that come out alike on every processor: `numerics`, compiled, and for arrays.

Kernels call the functions without ending; what ends in `_of` takes an array of any shape and returns a new one.
"""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from varproof.machinery import numerics
from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics import LARGEST_EXPONENT, LEAST_POWER, LN_10, ROUNDER, SMALLEST_EXPONENT

_exp_parts = compiled(numerics.exp_parts)
_log_of_parts = compiled(numerics.log_of_parts)
powered = compiled(numerics.powered)
_arcsine_ratio = compiled(numerics._arcsine_ratio)
_sine = compiled(numerics._sine)
_cosine = compiled(numerics._cosine)

_POWERS_OF_TEN = np.array(numerics.POWERS_OF_TEN)
_HALF_PI, _HALF_PI_TAIL = numerics._HALF_PI, numerics._HALF_PI_TAIL
_ONE, _MANTISSA_BITS, _FIRST_NORMAL = np.int64(1023), np.int64(52), 2.2250738585072014e-308
_LEAST_MANTISSA_BITS = np.int64(np.array(numerics.LEAST_MANTISSA).view(np.int64))
_EXPONENT_MASK = np.int64(-1) << np.int64(52)
_TWO_TO_54 = 18014398509481984.0


@intrinsic
def _bits(context, number):
    """The bits of a float64, as int64."""

    def build(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), build


@intrinsic
def _float(context, bits):
    """The float64 that has these bits (int64)."""

    def build(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), build


@compiled
def _two_to(k):
    """2.0**k of whole k, -1022 to 1023."""
    # The last bits of a whole number that is added to ROUNDER are its own.
    return _float((_bits(k + ROUNDER) + _ONE) << _MANTISSA_BITS)


@compiled
def exp(x):
    """`numerics.exp`."""
    y, k = _exp_parts(min(max(x, SMALLEST_EXPONENT), LARGEST_EXPONENT))
    value = y * _two_to(k)
    value = 0.0 if x < SMALLEST_EXPONENT else value
    value = np.inf if x > LARGEST_EXPONENT else value
    return value if x == x else x


@compiled
def log(x):
    """`numerics.log`."""
    small = x < _FIRST_NORMAL
    bits = _bits(x * _TWO_TO_54 if small else x)
    above = bits - _LEAST_MANTISSA_BITS
    k = np.float64(above >> _MANTISSA_BITS)
    value = _log_of_parts(_float(bits - (above & _EXPONENT_MASK)), k - 54.0 if small else k)
    value = -np.inf if x == 0.0 else value
    value = np.nan if x < 0.0 else value
    return value if x < np.inf else x


@compiled
def exp10(x):
    """`numerics.exp10`."""
    if not -307.0 <= x <= 308.0:
        return x if x != x else (0.0 if x < 0.0 else np.inf)
    whole = (x + ROUNDER) - ROUNDER
    y, k = _exp_parts((x - whole) * LN_10)
    return _POWERS_OF_TEN[np.int64(whole) - LEAST_POWER] * (y * _two_to(k))


@compiled
def log1p(x):
    """`numerics.log1p`."""
    u = 1.0 + x
    if u == 1.0:
        return x
    return log(u) * (x / (u - 1.0)) if 0.0 < u < np.inf else log(u)


@compiled
def log_add(a, b):
    """ln(e**a + e**b)."""
    top, rest = max(a, b), min(a, b)
    return top + log1p(exp(rest - top)) if top > -np.inf else top


@compiled
def expit(x):
    """`numerics.expit`."""
    odds = exp(-abs(x))
    return odds / (1.0 + odds) if x < 0.0 else 1.0 / (1.0 + odds)


@compiled
def sine(x):
    """`numerics.sine`: of 0 <= x <= pi/2."""
    return _sine(x, 0.0) if x < 0.5 * _HALF_PI else _cosine(_HALF_PI - x, _HALF_PI_TAIL)


@compiled
def arcsine(x):
    """`numerics.arcsine`: of 0 <= x <= 1."""
    if x < 0.5:
        return x + x * _arcsine_ratio(x * x)
    z = 0.5 * (1.0 - x)
    s = math.sqrt(z)
    return _HALF_PI - (2.0 * (s + s * _arcsine_ratio(z)) - _HALF_PI_TAIL)


@compiled
def erf(x):
    """Error function of x >= 0: a series of positive terms."""
    if x > 6.0:
        return 1.0
    term = x
    total = term
    n = 0
    while term > 1e-17 * total:
        n += 1
        term *= 2.0 * x * x / (2.0 * n + 1.0)
        total += term
    return min(1.0, 1.1283791670955126 * exp(-x * x) * total)


@compiled
def log_factorial(n):
    """ln n! of a whole n >= 0: Stirling's series, from 16 on."""
    if n < 16.0:
        product = 1.0
        for k in range(2, int(n) + 1):
            product *= k
        return log(product)
    inverse = 1.0 / n
    square = inverse * inverse
    series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0)))
    return (n + 0.5) * log(n) - n + 0.9189385332046728 + series


@compiled
def binomial_tail(least, trials, probability):
    """Probability of at least `least` of at most some hundred `trials` that succeed with a `probability` under 0.9 each."""
    if least <= 0:
        return 1.0
    term = powered(1.0 - probability, trials)
    odds = probability / (1.0 - probability)
    total = 0.0
    for k in range(trials):
        term *= odds * (trials - k) / (k + 1.0)
        if k + 1 >= least:
            total += term
    return min(total, 1.0)


@compiled
def _exp_into(x, out):
    for i in range(len(x)):
        out[i] = exp(x[i])


@compiled
def _log_into(x, out):
    for i in range(len(x)):
        out[i] = log(x[i])


@compiled
def exp_of(x: np.ndarray) -> np.ndarray:
    """e**x of each number."""
    flat = np.ascontiguousarray(x).reshape(-1)
    out = np.empty(len(flat))
    _exp_into(flat, out)
    return out.reshape(x.shape)


@compiled
def log_of(x: np.ndarray) -> np.ndarray:
    """Natural logarithm of each number."""
    flat = np.ascontiguousarray(x).reshape(-1)
    out = np.empty(len(flat))
    _log_into(flat, out)
    return out.reshape(x.shape)


@compiled
def expit_of(x: np.ndarray) -> np.ndarray:
    """Probability of each of the log-odds x (n,)."""
    out = np.empty(len(x))
    for i in range(len(x)):
        out[i] = expit(x[i])
    return out


@compiled
def log_weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ln sum_j weights[j] * e**values[i, j] of each row i: values (n, m), weights (m,), one of them over 0; -> (n,)."""
    n, size = values.shape
    out = np.empty(n)
    part = np.empty(size)
    for i in range(n):
        row = values[i]
        top = -np.inf
        for j in range(size):
            top = max(top, row[j])
        for j in range(size):
            part[j] = weights[j] * exp(row[j] - top)
        total = 0.0
        for j in range(size):
            total += part[j]
        out[i] = top + log(total)
    return out


@compiled
def scaled_likelihoods(log_likelihood: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(likelihoods (n, m) over each row's largest of weight over 0, ln of that one (n,)); 0 where weights (n, m) are 0."""
    n, size = log_likelihood.shape
    out, tops = np.empty((n, size)), np.empty(n)
    for i in range(n):
        row, weight, to = log_likelihood[i], weights[i], out[i]
        top = -np.inf
        for j in range(size):
            top = max(top, row[j] if weight[j] > 0.0 else -np.inf)
        for j in range(size):
            value = exp(row[j] - top)
            to[j] = value if weight[j] > 0.0 else 0.0
        tops[i] = top
    return out, tops


@compiled
def weighted_row_sums(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """sum_j values[i, j] * weights[j] of each row i: values (n, m), weights (m,) -> (n,)."""
    n, size = values.shape
    out = np.empty(n)
    for i in range(n):
        row = values[i]
        # Eight sums at once, whatever the width of the processor's registers; always added up in this order.
        a = b = c = d = e = f = g = h = 0.0
        j = 0
        while j + 8 <= size:
            a += row[j] * weights[j]
            b += row[j + 1] * weights[j + 1]
            c += row[j + 2] * weights[j + 2]
            d += row[j + 3] * weights[j + 3]
            e += row[j + 4] * weights[j + 4]
            f += row[j + 5] * weights[j + 5]
            g += row[j + 6] * weights[j + 6]
            h += row[j + 7] * weights[j + 7]
            j += 8
        while j < size:
            a += row[j] * weights[j]
            j += 1
        out[i] = ((a + b) + (c + d)) + ((e + f) + (g + h))
    return out


@compiled
def weighted_column_sums(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """sum_i weights[i] * values[i, j] of each column j: values (n, m), weights (n,) -> (m,)."""
    n, size = values.shape
    out = np.zeros(size)
    for i in range(n):
        row, weight = values[i], weights[i]
        for j in range(size):
            out[j] += weight * row[j]
    return out


@compiled
def solved(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x (k,) with matrix @ x = right, of a symmetric positive definite matrix (k, k), by Cholesky's decomposition."""
    size = len(right)
    lower = np.zeros((size, size))
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            lower[i, j] = math.sqrt(total) if i == j else total / lower[j, j]
    x = right.copy()
    for i in range(size):
        for k in range(i):
            x[i] -= lower[i, k] * x[k]
        x[i] /= lower[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            x[i] -= lower[k, i] * x[k]
        x[i] /= lower[i, i]
    return x
