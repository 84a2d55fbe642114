"""What chance does to copies of an allele: which of them are handed on, and which of them change."""

import math
from collections.abc import Callable

import numpy as np

from varproof.machinery import numerics


def binomial(trials: int, probability: float) -> np.ndarray:
    """(trials + 1,): probability of each number of successes."""
    power: Callable[[float, int], float] = numerics.powered
    return np.array(
        [math.comb(trials, k) * power(probability, k) * power(1.0 - probability, trials - k) for k in range(trials + 1)]
    )


def gamete(ploidy: int, alternative: int, taken: int) -> np.ndarray:
    """(taken + 1,): alternative copies among those that are handed on, chosen at random."""
    every = math.comb(ploidy, taken)
    return np.array([math.comb(alternative, k) * math.comb(ploidy - alternative, taken - k) / every for k in range(taken + 1)])


def sum_of(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Probabilities of the sum of two numbers that have these of 0, 1, 2, ..."""
    out = np.zeros(len(first) + len(second) - 1)
    for k, value in enumerate(first.tolist()):
        out[k : k + len(second)] += value * second
    return out


def mutated(copies: np.ndarray, rate: float) -> np.ndarray:
    """Numbers of alternative copies after each copy has changed, or changed back, with the rate."""
    total = len(copies) - 1
    out = np.zeros(total + 1)
    for number, value in enumerate(copies.tolist()):
        out += value * sum_of(binomial(total - number, rate), binomial(number, 1.0 - rate))
    return out
