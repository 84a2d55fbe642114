"""Which false discovery rates a network can promise, and at which share of real candidates: from its calibration's counts.

Of n held-out artefacts, even if none is taken for real, no false-positive rate below about 3/n is known. At a share s of
real candidates, calls above a threshold have the false discovery rate 1 / (1 + s/(1 - s) · t/f), where f artefacts and t real
variants of one pass it. So what held-out candidates tell of f/t decides which rates can be kept, and with it how rare real
variants may be. Thresholds lie at order statistics of the real ones' log-odds: the share of all real variants beyond the k-th
of m is then Beta(k, m - k + 1) whatever their distribution (Wilks 1941, Annals of Mathematical Statistics 12:91-96), and the
artefacts beyond it are binomial (limits of Clopper & Pearson 1934, Biometrika 26:404-413). All limits hold together with the
confidence below, by Bonferroni.
"""

from typing import Any

import numpy as np

CONFIDENCE = 0.95

RECALLS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Shares of the held-out real candidates beyond the thresholds that are tried."""

USUAL_RATE = 0.05
"""The rate for which the smallest share of real candidates is told."""


def false_to_true_limit(log_odds: Any, label: Any) -> float | None:
    """Upper limit of f/t at the best threshold, from log-odds (n,) of held-out candidates with labels 0 or 1 (n,).

    Rounded to three digits; None where a class is empty. With n artefacts of which none is beyond a threshold that nine of ten
    real ones pass, of many, it is about ln(200)/(0.9 n):

    >>> false_to_true_limit([-1.0] * 1000 + [1.0] * 100_000, [0] * 1000 + [1] * 100_000)
    0.00589
    """
    from scipy.stats import beta

    log_odds, real = np.asarray(log_odds, np.float64), np.asarray(label) == 1
    artefacts, real_odds = log_odds[~real], np.sort(log_odds[real])[::-1]
    n, m = len(artefacts), len(real_odds)
    if not n or not m:
        return None
    error = (1 - CONFIDENCE) / (2 * len(RECALLS))
    least = 1.0 / error
    for recall in RECALLS:
        k = max(int(np.ceil(recall * m)), 1)
        false = int(np.count_nonzero(artefacts >= real_odds[k - 1]))
        most_false = 1.0 if false == n else float(beta.isf(error, false + 1, n - false))
        least = min(least, most_false / float(beta.ppf(error, k, m - k + 1)))
    return float(f"{least:.3g}")


def least_rate(limit: float, share: float) -> float:
    """The smallest false discovery rate that can be promised at a share of real candidates in (0, 1).

    >>> round(least_rate(0.001, 0.01), 4)
    0.0901
    """
    return limit / (limit + share / (1 - share))


def least_share(limit: float, rate: float = USUAL_RATE) -> float:
    """The smallest share of real candidates at which a false discovery rate in (0, 1) can be promised.

    >>> round(least_share(0.001), 4), round(least_rate(0.001, least_share(0.001)), 4)
    (0.0186, 0.05)
    """
    odds = limit * (1 - rate) / rate
    return odds / (1 + odds)
