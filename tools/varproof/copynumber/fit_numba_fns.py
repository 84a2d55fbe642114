"""Kernels of the posterior of purity and ploidy: sums over the states of segments, over a subclone, over histories.

A cell is a purity and the logarithm of the mixture's mean copies. Arrays have letters as in `states.StatePrior`: S segments, K
clonal states, Q mixed pairs, F shares of a subclone, H histories, A shares of segments that are subclonal.
"""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import exp, log

_NEVER = 40.0
"""Half squares of deviations beyond which a state has no likelihood."""
_LEAST = 1e-300


@compiled
def _state_tables(purity, normal, total, minor, first, second, shares, log_copies, fraction, mixed_log_copies, mixed_fraction):
    """Fill logarithms of the mixture's copies, and fractions of the rarer haplotype, of clonal and of mixed states."""
    rest = (1.0 - purity) * normal
    own = 1.0 - purity if normal == 2 else 0.0
    for k in range(len(total)):
        copies = max(purity * total[k] + rest, 1e-3)
        log_copies[k] = log(copies)
        fraction[k] = min((purity * minor[k] + own) / copies, 0.5)
    for f in range(len(shares)):
        for q in range(len(first)):
            one = (1.0 - shares[f]) * first[q, 0] + shares[f] * second[q, 0]
            other = (1.0 - shares[f]) * first[q, 1] + shares[f] * second[q, 1]
            copies = max(purity * (one + other) + rest, 1e-3)
            mixed_log_copies[f, q] = log(copies)
            mixed_fraction[f, q] = min((purity * min(one, other) + own) / copies, 0.5)


@compiled
def _likelihood(at, log_copies, sd, balance, fraction, both):
    """Of a segment of log depth `at`, relative to its largest."""
    deviation = (at - log_copies) / sd
    half = 0.5 * deviation * deviation
    if half > _NEVER:
        return 0.0
    if both:
        place = fraction * (len(balance) - 1) / 0.5
        left = min(int(place), len(balance) - 2)
        half -= balance[left] + (place - left) * (balance[left + 1] - balance[left])
        if half > _NEVER:
            return 0.0
    return exp(-half)


@compiled
def _segment(
    at, sd, balance, normal, log_copies, fraction, mixed_log_copies, mixed_fraction, base, event, chance,
    clonal, by_base, mixed,
):  # fmt: skip
    """Fill likelihoods of clonal states (K,), and by history and share of the subclone, of mixed ones (H, F)."""
    both = normal == 2
    for k in range(len(log_copies)):
        clonal[k] = _likelihood(at, log_copies[k], sd, balance, fraction[k], both)
    for f in range(len(mixed_log_copies)):
        by_base[:] = 0.0
        for q in range(len(base)):
            if event[normal - 1, q] > 0.0:
                by_base[base[q]] += event[normal - 1, q] * _likelihood(
                    at, mixed_log_copies[f, q], sd, balance, mixed_fraction[f, q], both
                )
        for h in range(len(chance)):
            total = 0.0
            for k in range(len(by_base)):
                total += chance[h, normal - 1, k] * by_base[k]
            mixed[h, f] = total


@compiled
def cell_scores(
    purity, mean, log_ratio, sd, normal, balance, temper, flat, total, minor, chance, first, second, base, event,
    log_weight, subclonal, shares, own_share, other,
):  # fmt: skip
    """(C, H) log posterior weights of C cells, whose purities ascend, by history; any subclone is summed over.

    `log_ratio`, `sd`, `normal`, `temper`, `flat` (S,): of segments; log depth, its error, copies in normal cells, the weight of
    their log likelihood, the likelihood of a segment that is none of the states; `balance` (S, B). `own_share`: of subclonal
    segments, those of another subclone than the one that others share; `other`: probability of being no state.
    """
    k_number, q_number, f_number, h_number = len(total), len(first), len(shares), len(chance)
    tables = np.empty((2, 2, k_number)), np.empty((2, 2, f_number, q_number))
    clonal, by_base, mixed = np.empty(k_number), np.empty(k_number), np.empty((h_number, f_number))
    sums = np.empty((h_number, len(subclonal), f_number))
    out = np.empty((len(purity), h_number))
    before = -1.0
    for c in range(len(purity)):
        if purity[c] != before:
            before = purity[c]
            for n in range(2):
                _state_tables(
                    before, n + 1, total, minor, first, second, shares,
                    tables[0][n, 0], tables[0][n, 1], tables[1][n, 0], tables[1][n, 1],
                )  # fmt: skip
        sums[:] = 0.0
        for s in range(len(log_ratio)):
            n = normal[s] - 1
            _segment(
                log_ratio[s] + mean[c], sd[s], balance[s], normal[s], tables[0][n, 0], tables[0][n, 1], tables[1][n, 0],
                tables[1][n, 1], base, event, chance, clonal, by_base, mixed,
            )  # fmt: skip
            for h in range(h_number):
                whole = 0.0
                for k in range(k_number):
                    whole += chance[h, n, k] * clonal[k]
                average = 0.0
                for f in range(f_number):
                    average += mixed[h, f]
                average *= own_share / f_number
                for a in range(len(subclonal)):
                    fixed = (1.0 - other) * ((1.0 - subclonal[a]) * whole + subclonal[a] * average) + other * flat[s]
                    rate = (1.0 - other) * subclonal[a] * (1.0 - own_share)
                    for f in range(f_number):
                        sums[h, a, f] += temper[s] * log(max(fixed + rate * mixed[h, f], _LEAST))
        for h in range(h_number):
            most = sums[h].max()
            found = 0.0
            for a in range(len(subclonal)):
                for f in range(f_number):
                    found += exp(sums[h, a, f] - most)
            out[c, h] = log_weight[h] + most + log(found / (len(subclonal) * f_number))
    return out


@compiled
def cell_states(
    purity, mean, log_ratio, sd, normal, balance, temper, flat, total, minor, chance, first, second, base, event,
    log_weight, subclonal, shares, own_share, other,
):  # fmt: skip
    """(C, S, K + 1): of each segment of C cells the probability of each clonal state, and of none of them; as `cell_scores`."""
    k_number, q_number, f_number, h_number, a_number = len(total), len(first), len(shares), len(chance), len(subclonal)
    tables = np.empty((2, 2, k_number)), np.empty((2, 2, f_number, q_number))
    by_base = np.empty(k_number)
    out = np.zeros((len(purity), len(log_ratio), k_number + 1))
    clonal, mixed = np.empty((len(log_ratio), k_number)), np.empty((len(log_ratio), h_number, f_number))
    weight, parts = np.empty((h_number, a_number, f_number)), np.empty((len(log_ratio), h_number, a_number, f_number))
    for c in range(len(purity)):
        for n in range(2):
            _state_tables(
                purity[c], n + 1, total, minor, first, second, shares,
                tables[0][n, 0], tables[0][n, 1], tables[1][n, 0], tables[1][n, 1],
            )  # fmt: skip
        weight[:] = 0.0
        for s in range(len(log_ratio)):
            n = normal[s] - 1
            _segment(
                log_ratio[s] + mean[c], sd[s], balance[s], normal[s], tables[0][n, 0], tables[0][n, 1], tables[1][n, 0],
                tables[1][n, 1], base, event, chance, clonal[s], by_base, mixed[s],
            )  # fmt: skip
            for h in range(h_number):
                whole = 0.0
                for k in range(k_number):
                    whole += chance[h, n, k] * clonal[s, k]
                average = mixed[s, h].sum() * own_share / f_number
                for a in range(a_number):
                    for f in range(f_number):
                        found = (1.0 - subclonal[a]) * whole + subclonal[a] * (average + (1.0 - own_share) * mixed[s, h, f])
                        found = max((1.0 - other) * found + other * flat[s], _LEAST)
                        parts[s, h, a, f] = found
                        weight[h, a, f] += temper[s] * log(found)
        for h in range(h_number):
            weight[h] += log_weight[h]
        most = weight.max()
        for h in range(h_number):
            for a in range(a_number):
                for f in range(f_number):
                    weight[h, a, f] = exp(weight[h, a, f] - most)
        weight /= weight.sum()
        for s in range(len(log_ratio)):
            n = normal[s] - 1
            for h in range(h_number):
                of_clonal = 0.0
                for a in range(a_number):
                    for f in range(f_number):
                        of_clonal += weight[h, a, f] * (1.0 - other) * (1.0 - subclonal[a]) / parts[s, h, a, f]
                for k in range(k_number):
                    out[c, s, k] += of_clonal * chance[h, n, k] * clonal[s, k]
            out[c, s, k_number] = max(1.0 - out[c, s, :k_number].sum(), 0.0)
    return out
