"""How often a read loses or gains units of a short tandem repeat: counted in the reads, smoothed, extrapolated.

Polymerases slip on repeats, the more the longer they are. `slippage_rows` adds up counts per tract (of
`slippage_numba_fns.slipped_units`) and leaves out tracts with a variant; `SlippageModel` turns the rows into rates for any
unit length and number of units.
"""

from collections.abc import Sequence

import numpy as np

from varproof.formats.alignment import SlippageRow
from varproof.machinery.numerics import exp, log

UNIT_LENGTHS = 6
OUTCOMES = ("lost_1", "gained_1", "lost_2", "gained_2", "lost_3", "gained_3")
"""What may happen to a read; 3 stands for three or more units."""

_FIRST_UNITS = np.array([4, 3, 3, 3, 3, 3])
_DEFAULT_RATE = np.array([1e-5, 1e-5, 5e-6, 3e-6, 3e-6, 3e-6])
_DEFAULT_GROWTH = np.array([1.8, 1.8, 1.7, 1.6, 1.6, 1.6])
_DEFAULT_DIRECTION = (1.0, 0.5)
_DEFAULT_MORE = (0.1, 0.02)
_CELL_PSEUDO_EVENTS = 2.0
_KINKS = 24
_LOG_RATE_SD, _LOG_GROWTH_SD, _KINK_SD = 1.5, 0.3, 0.2
_MORE_PSEUDO_EVENTS = 20.0
LOWEST_RATE, HIGHEST_RATE = 1e-9, 0.3

_VARIANT_FRACTION, _VARIANT_READS, _SURPRISE = 0.2, 3, 1e-3
_SHALLOW_VARIANT_FRACTION = 0.25
_RARE_VARIANT_FRACTION, _GREAT_SURPRISE = 0.05, 1e-6
_MOST_SPANNING = 100
_ENOUGH_SPANNING, _FEWEST_SPANNING = 8, 4


class SlippageModel:
    """Rates at which a read that spans a tandem repeat shows units lost or gained.

    Per unit length and direction, the logarithm of the rate of one unit is a smooth function of the number of units: a line
    with kinks, fitted as a Poisson regression with normal priors. The line's is centred on published-like defaults
    (homopolymers: 1e-5 for 4 bp, times 1.8 per further base; gains half as often as losses), the kinks' on 0, so that few
    reads give the default's line and many their own curve, constant beyond the last kink. Where a number of units was itself
    seen often, its own rate takes over (gamma-Poisson, `_CELL_PSEUDO_EVENTS` at the curve's rate). Changes of two, and of
    three or more, units are a fraction of those of one, learnt per unit length and direction.
    """

    def __init__(self, rows: Sequence[SlippageRow]) -> None:
        """`rows` may be empty: then the rates are the defaults."""
        self._curve = np.zeros((UNIT_LENGTHS, 2, 1 + _KINKS))
        self._more = np.zeros((UNIT_LENGTHS, 2, len(_DEFAULT_MORE)))
        self._cells: dict[tuple[int, int], tuple[float, np.ndarray]] = {}
        for unit in range(UNIT_LENGTHS):
            own = [row for row in rows if row.unit_length == unit + 1 and row.spanning > 0]
            design = _design(np.array([row.units for row in own], dtype=np.float64) - _FIRST_UNITS[unit])
            spanning = np.array([row.spanning for row in own], dtype=np.float64)
            counts = np.array([[row.lost, row.gained] for row in own], dtype=np.float64).reshape(-1, 2, 3)
            for direction in range(2):
                prior = np.zeros(1 + _KINKS)
                prior[:2] = log(_DEFAULT_RATE[unit] * _DEFAULT_DIRECTION[direction]), log(_DEFAULT_GROWTH[unit])
                self._curve[unit, direction] = _log_rate_curve(design, spanning, counts[:, direction, 0], prior)
                events = counts[:, direction].sum(axis=0)
                for i, fraction in enumerate(_DEFAULT_MORE):
                    self._more[unit, direction, i] = (events[i + 1] + fraction * _MORE_PSEUDO_EVENTS) / (
                        events[0] + _MORE_PSEUDO_EVENTS
                    )
            for row, count in zip(own, counts, strict=True):
                self._cells[unit, row.units] = (float(row.spanning), count[:, 0])

    def rates(self, unit_length: int, units: int) -> np.ndarray:
        """float64 (6,): probability per read of each of `OUTCOMES` at a tract; units over 6 bp are taken for 6 bp."""
        unit = min(max(unit_length, 1), UNIT_LENGTHS) - 1
        step = _design(np.array([units - _FIRST_UNITS[unit]]))[0]
        one = np.array([exp(value) for value in (step * self._curve[unit]).sum(axis=1).tolist()])
        if (unit, units) in self._cells:
            spanning, events = self._cells[unit, units]
            one = (events + _CELL_PSEUDO_EVENTS) / (spanning + _CELL_PSEUDO_EVENTS / one)
        rates = np.stack([one, one * self._more[unit, :, 0], one * self._more[unit, :, 1]])
        return np.clip(rates.reshape(-1), LOWEST_RATE, HIGHEST_RATE)

    def table(self, most_units: int) -> np.ndarray:
        """float64 (6, most_units + 1, 6): `rates` by unit length - 1 and number of units, for kernels."""
        return np.array([[self.rates(u + 1, n) for n in range(most_units + 1)] for u in range(UNIT_LENGTHS)])


def _design(steps: np.ndarray) -> np.ndarray:
    """Columns of the curve: 1, step, and max(0, step - k) for each kink k; constant beyond the last."""
    steps = np.minimum(steps, _KINKS)
    kinks = np.arange(1, _KINKS)
    return np.column_stack([np.ones(len(steps)), steps, np.maximum(0.0, steps[:, None] - kinks)])


def _log_rate_curve(design: np.ndarray, spanning: np.ndarray, events: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Coefficients of the log rate: posterior mode of events ~ Poisson(spanning * rate), by Newton's method.

    Steps are at most 1; the log-posterior is strictly concave.
    """
    from varproof.machinery.numerics_numba_fns import exp_of, solved

    sd = np.full(len(prior), _KINK_SD)
    sd[:2] = _LOG_RATE_SD, _LOG_GROWTH_SD
    precision = 1 / (sd * sd)
    curve = prior.copy()
    for _ in range(200):
        expected = spanning * exp_of(np.minimum((design * curve).sum(axis=1), 0.0))
        gradient = (design * (events - expected)[:, None]).sum(axis=0) - precision * (curve - prior)
        curvature = (design[:, :, None] * (design * expected[:, None])[:, None, :]).sum(axis=0) + np.diag(precision)
        step = solved(curvature, gradient)
        curve = curve + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            break
    return curve


def slippage_rows(unit_length: np.ndarray, units: np.ndarray, counts: np.ndarray) -> list[SlippageRow]:
    """Rows by (unit length, units) from counts per tract (tracts, 7): spanning, lost 1, 2, 3+, gained 1, 2, 3+.

    Left out: tracts that few reads span, and those with a variant, where one changed length is frequent (at least 20 % and
    3 reads, or 2 reads and over 25 %) and the rates learnt from the others hardly explain it (binomial tail under 1e-3), or
    where it makes up at least 5 % and 3 reads and they don't explain it at all (under 1e-6, at a depth of at most 100,
    because loci differ).
    """
    from varproof.machinery.numerics_numba_fns import binomial_tail

    spanning = counts[:, 0]
    seen = spanning[spanning > 0]
    fewest = _ENOUGH_SPANNING if len(seen) and np.median(seen) >= _ENOUGH_SPANNING else _FEWEST_SPANNING
    enough = spanning >= fewest
    unit_length, units, counts, spanning = unit_length[enough], units[enough], counts[enough], spanning[enough]
    if not len(spanning):
        return []
    frequent = counts[:, 1:].max(axis=1)
    fraction = frequent / spanning
    likely = ((frequent >= _VARIANT_READS) & (fraction >= _VARIANT_FRACTION)) | (
        (frequent == 2) & (fraction > _SHALLOW_VARIANT_FRACTION)
    )
    possible = np.flatnonzero(likely | ((frequent >= _VARIANT_READS) & (fraction >= _RARE_VARIANT_FRACTION)))
    limit = np.where(likely[possible], _SURPRISE, _GREAT_SURPRISE)
    trials = np.minimum(spanning[possible], _MOST_SPANNING)
    successes = np.rint(fraction[possible] * trials).astype(np.int64)
    outcome = np.argmax(counts[possible, 1:], axis=1)
    in_rates = np.array([0, 2, 4, 1, 3, 5])[outcome]
    variant = likely
    for _ in range(3):
        model = SlippageModel(_summed(unit_length, units, counts, ~variant))
        lengths = zip(unit_length[possible].tolist(), units[possible].tolist(), in_rates.tolist(), strict=True)
        rate = np.array([model.rates(length, number)[i] for length, number, i in lengths])
        variant = np.zeros(len(spanning), dtype=bool)
        tail = [binomial_tail(*one) for one in zip(successes.tolist(), trials.tolist(), rate.tolist(), strict=True)]
        variant[possible] = np.array(tail) < limit
    return _summed(unit_length, units, counts, ~variant)


def _summed(unit_length: np.ndarray, units: np.ndarray, counts: np.ndarray, keep: np.ndarray) -> list[SlippageRow]:
    keys, inverse = np.unique(np.column_stack([unit_length, units])[keep], axis=0, return_inverse=True)
    sums = np.zeros((len(keys), counts.shape[1]), dtype=np.int64)
    np.add.at(sums, inverse.reshape(-1), counts[keep])
    return [
        SlippageRow(unit_length=int(u), units=int(n), spanning=int(row[0]), lost=row[1:4].tolist(), gained=row[4:7].tolist())
        for (u, n), row in zip(keys.tolist(), sums, strict=True)
    ]
