"""Exponentials, logarithms and their kin out of plain IEEE arithmetic: the same bits on every processor.

NumPy and the C library choose their versions of these functions by the processor (AVX-512, fused multiply and add), and the
versions differ in the last digit; additions, multiplications, divisions and roots do not. So what reaches an output goes
through here. Kernels use the same formulae, compiled (`numerics_numba_fns`), and give the same bits.

exp, log, arcsin, sine and cosine are those of FDLIBM (Sun Microsystems 1993), off by less than one unit in the last place.
"""

import math
from collections.abc import Sequence

LN_2, LN_10 = 0.6931471805599453, 2.302585092994046
PHRED_PER_LOG = 10.0 / LN_10
"""PHRED for each unit of a natural logarithm."""

LARGEST_EXPONENT, SMALLEST_EXPONENT = 709.0, -708.0
"""Beyond these `exp` gives inf and 0: nobody adds up likelihoods that are smaller."""

ROUNDER = 6755399441055744.0
"""1.5 * 2**52: added to a number of less than 2**51 and taken away again, it leaves the nearest integer."""

LEAST_MANTISSA = float.fromhex("0x1.6a09ep-1")
"""Mantissas lie from here (the root of a half) to its double."""

_INVERSE_LN_2, _LN_2_HIGH, _LN_2_LOW = 1.44269504088896338700, 6.93147180369123816490e-01, 1.90821492927058770002e-10
_HALF_PI, _HALF_PI_TAIL = 1.5707963267948966, 6.12323399573676603587e-17
LEAST_POWER = -330
POWERS_OF_TEN = tuple(float(f"1e{n}") for n in range(LEAST_POWER, 309))


def exp_parts(x: float) -> tuple[float, float]:
    """(y, k): exp(x) = y * 2**k, 0.7 < y < 1.5 and k whole; x from SMALLEST_EXPONENT to LARGEST_EXPONENT."""
    k = (x * _INVERSE_LN_2 + ROUNDER) - ROUNDER
    high, low = x - k * _LN_2_HIGH, k * _LN_2_LOW
    r = high - low
    t = r * r
    c = r - t * (
        1.66666666666666019037e-01
        + t
        * (
            -2.77777777770155933842e-03
            + t * (6.61375632143793436117e-05 + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))
        )
    )
    return 1.0 - ((low - (r * c) / (2.0 - c)) - high), k


def log_of_parts(mantissa: float, k: float) -> float:
    """ln(mantissa * 2**k), LEAST_MANTISSA <= mantissa < 2 * LEAST_MANTISSA and k whole."""
    f = mantissa - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    even = z * (
        6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    half_square = 0.5 * f * f
    return k * _LN_2_HIGH - ((half_square - (s * (half_square + (odd + even)) + k * _LN_2_LOW)) - f)


def exp(x: float) -> float:
    """e**x; 0 under SMALLEST_EXPONENT, inf over LARGEST_EXPONENT.

    >>> exp(0.0), exp(-1000.0), round(exp(1.0), 12)
    (1.0, 0.0, 2.718281828459)
    """
    if x != x:
        return x
    if x < SMALLEST_EXPONENT:
        return 0.0
    if x > LARGEST_EXPONENT:
        return math.inf
    y, k = exp_parts(x)
    return math.ldexp(y, int(k))


def log(x: float) -> float:
    """Natural logarithm; -inf of 0, NaN of what is under 0.

    >>> log(1.0), log(0.0), round(log(10.0), 12)
    (0.0, -inf, 2.302585092994)
    """
    if not 0.0 < x < math.inf:
        return -math.inf if x == 0.0 else (x if x > 0.0 or x != x else math.nan)
    mantissa, k = math.frexp(x)
    if mantissa < LEAST_MANTISSA:
        mantissa, k = 2.0 * mantissa, k - 1
    return log_of_parts(mantissa, float(k))


def exp10(x: float) -> float:
    """10**x, of a whole number the double nearest to it; 0 under -307, inf over 308.

    >>> exp10(-3.0) == 1e-3, abs(exp10(-0.5) - 10**-0.5) < 1e-16, exp10(-400.0)
    (True, True, 0.0)
    """
    if x != x:
        return x
    if x < -307.0:
        return 0.0
    if x > 308.0:
        return math.inf
    whole = (x + ROUNDER) - ROUNDER
    y, k = exp_parts((x - whole) * LN_10)
    return POWERS_OF_TEN[int(whole) - LEAST_POWER] * math.ldexp(y, int(k))


def expit(x: float) -> float:
    """Probability of log-odds."""
    if x < 0.0:
        odds = exp(x)
        return odds / (1.0 + odds)
    return 1.0 / (1.0 + exp(-x))


def logit(probability: float) -> float:
    """Log-odds of a probability; infinite for 0 and 1."""
    if probability == 1.0:
        return math.inf
    return log(probability) - log1p(-probability)


def log1p(x: float) -> float:
    """ln(1 + x), true to some units in the last place for small x too (Kahan).

    >>> log1p(1e-20), log1p(1.0) == log(2.0)
    (1e-20, True)
    """
    u = 1.0 + x
    return x if u == 1.0 else (log(u) if u - 1.0 == 0.0 or not 0.0 < u < math.inf else log(u) * (x / (u - 1.0)))


def expm1(x: float) -> float:
    """e**x - 1, true to some units in the last place for small x too (Kahan).

    >>> expm1(1e-20), expm1(-1000.0)
    (1e-20, -1.0)
    """
    u = exp(x)
    if u == 1.0:
        return x
    if u - 1.0 == -1.0 or u == math.inf:
        return u - 1.0
    return (u - 1.0) * (x / log(u))


def sine(x: float) -> float:
    """Sine of 0 <= x <= pi/2."""
    return _sine(x, 0.0) if x < 0.5 * _HALF_PI else _cosine(_HALF_PI - x, _HALF_PI_TAIL)


def cosine(x: float) -> float:
    """Cosine of 0 <= x <= pi/2."""
    return _cosine(x, 0.0) if x < 0.5 * _HALF_PI else _sine(_HALF_PI - x, _HALF_PI_TAIL)


def _sine(x: float, tail: float) -> float:
    """Sine of x + tail, 0 <= x <= pi/4 and tail tiny."""
    z = x * x
    v = z * x
    r = 8.33333333332248946124e-03 + z * (
        -1.98412698298579493134e-04
        + z * (2.75573137070700676789e-06 + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10))
    )
    return x - ((z * (0.5 * tail - v * r) - tail) - v * -1.66666666666666324348e-01)


def _cosine(x: float, tail: float) -> float:
    """Cosine of x + tail, 0 <= x <= pi/4 and tail tiny."""
    z = x * x
    r = z * (
        4.16666666666666019037e-02
        + z
        * (
            -1.38888888888741095749e-03
            + z
            * (
                2.48015872894767294178e-05
                + z * (-2.75573143513906633035e-07 + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11))
            )
        )
    )
    half = 0.5 * z
    w = 1.0 - half
    return w + (((1.0 - w) - half) + (z * r - x * tail))


def arcsine(x: float) -> float:
    """Arcsine of 0 <= x <= 1."""
    if x < 0.5:
        return x + x * _arcsine_ratio(x * x)
    z = 0.5 * (1.0 - x)
    s = math.sqrt(z)
    return _HALF_PI - (2.0 * (s + s * _arcsine_ratio(z)) - _HALF_PI_TAIL)


def _arcsine_ratio(z: float) -> float:
    """(arcsin(s) - s) / s for z = s**2 <= 1/4."""
    p = z * (
        1.66666666666666657415e-01
        + z
        * (
            -3.25565818622400915405e-01
            + z
            * (
                2.01212532134862925881e-01
                + z * (-4.00555345006794114027e-02 + z * (7.91534994289814532176e-04 + z * 3.47933107596021167570e-05))
            )
        )
    )
    q = 1.0 + z * (
        -2.40339491173441421878e00
        + z * (2.02094576023350569471e00 + z * (-6.88283971605453293030e-01 + z * 7.70381505559019352791e-02))
    )
    return p / q


def powered(base: float, times: int) -> float:
    """base**times by multiplication, times >= 0.

    >>> powered(0.5, 3), powered(3.0, 0)
    (0.125, 1.0)
    """
    out = 1.0
    for _ in range(times):
        out *= base
    return out


def logarithmic_steps(first: float, last: float, count: int) -> list[float]:
    """`count` numbers from `first` to `last` (both over 0, both exact), each by the same factor larger than the one before.

    >>> logarithmic_steps(1.0, 4.0, 3)
    [1.0, 2.0, 4.0]
    """
    low, high = log(first), log(last)
    inner = [exp(low + (high - low) * (i / (count - 1))) for i in range(1, count - 1)]
    return [first, *inner, last]


def legendre_nodes(count: int) -> tuple[Sequence[float], Sequence[float]]:
    """(nodes, weights) of the quadrature of Gauss and Legendre on [-1, 1], nodes ascending; by Newton's method."""
    nodes, weights = [0.0] * count, [0.0] * count
    for i in range((count + 1) // 2):
        x = cosine(2.0 * _HALF_PI * (i + 0.75) / (count + 0.5))
        for _ in range(10):
            value, slope = _legendre(count, x)
            x -= value / slope
        if 2 * i + 1 == count:
            x = 0.0
        slope = _legendre(count, x)[1]
        nodes[i], nodes[count - 1 - i] = -x, x
        weights[i] = weights[count - 1 - i] = 2.0 / ((1.0 - x * x) * slope * slope)
    return nodes, weights


def _legendre(degree: int, x: float) -> tuple[float, float]:
    """Legendre's polynomial at |x| < 1 and its derivative."""
    before, here = 1.0, x
    for n in range(2, degree + 1):
        before, here = here, ((2 * n - 1) * x * here - (n - 1) * before) / n
    return here, degree * (x * here - before) / (x * x - 1.0)
