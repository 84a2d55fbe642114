"""How often a read loses or gains units of a short tandem repeat: counted in the reads, smoothed, extrapolated.

Polymerases slip on repeats, the more the longer they are. `slippage_rows` adds up counts per tract (of
`slippage_numba_fns.slipped_units`) and leaves out tracts with a variant; `SlippageModel` turns the rows into rates for any
unit length and number of units.
"""

from collections.abc import Sequence

import numpy as np

from varproof.formats.alignment import SlippageRow

UNIT_LENGTHS = 6
OUTCOMES = ("lost_1", "gained_1", "lost_2", "gained_2", "lost_3", "gained_3")
"""What may happen to a read; 3 stands for three or more units."""

_FIRST_UNITS = np.array([4, 3, 3, 3, 3, 3])
_DEFAULT_RATE = np.array([1e-5, 1e-5, 5e-6, 3e-6, 3e-6, 3e-6])
_DEFAULT_GROWTH = np.array([1.8, 1.8, 1.7, 1.6, 1.6, 1.6])
_DEFAULT_DIRECTION = (1.0, 0.5)
_DEFAULT_MORE = (0.1, 0.02)
_LOG_RATE_SD, _LOG_GROWTH_SD = 1.5, 0.3
_MORE_PSEUDO_EVENTS = 20.0
_CELL_PSEUDO_EVENTS = 2.0
LOWEST_RATE, HIGHEST_RATE = 1e-9, 0.3

_VARIANT_FRACTION, _VARIANT_READS = 0.2, 3
_SHALLOW_VARIANT_FRACTION = 0.25
_SURPRISE = 1e-3
_ENOUGH_SPANNING, _FEWEST_SPANNING = 8, 4


class SlippageModel:
    """Rates at which a read that spans a tandem repeat shows units lost or gained.

    Per unit length and direction, the rate of one unit grows log-linearly with the number of units: a Poisson regression
    with a normal prior around published-like defaults (homopolymers: 1e-5 for 4 bp, times 1.8 per further base; gains half
    as often as losses). Where a number of units was itself seen often, its own rate takes over (gamma-Poisson with
    2 pseudo-events at the regression's rate). Changes of two, and of three or more, units are a fraction of those of one.
    """

    def __init__(self, rows: Sequence[SlippageRow]) -> None:
        """`rows` may be empty: then the rates are the defaults."""
        self._line = np.zeros((UNIT_LENGTHS, 2, 2))
        self._more = np.zeros((UNIT_LENGTHS, 2, 2))
        self._cells: dict[tuple[int, int], tuple[float, np.ndarray]] = {}
        for unit in range(UNIT_LENGTHS):
            own = [row for row in rows if row.unit_length == unit + 1 and row.spanning > 0]
            steps = np.array([row.units for row in own], dtype=np.float64) - _FIRST_UNITS[unit]
            spanning = np.array([row.spanning for row in own], dtype=np.float64)
            counts = np.array([[row.lost, row.gained] for row in own], dtype=np.float64).reshape(-1, 2, 3)
            for direction in range(2):
                prior = np.log([_DEFAULT_RATE[unit] * _DEFAULT_DIRECTION[direction], _DEFAULT_GROWTH[unit]])
                self._line[unit, direction] = _log_linear_fit(steps, spanning, counts[:, direction, 0], prior)
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
        one = np.exp(self._line[unit, :, 0] + self._line[unit, :, 1] * (units - _FIRST_UNITS[unit]))
        if (unit, units) in self._cells:
            spanning, events = self._cells[unit, units]
            one = (events + _CELL_PSEUDO_EVENTS) / (spanning + _CELL_PSEUDO_EVENTS / one)
        rates = np.column_stack([one, one * self._more[unit, :, 0], one * self._more[unit, :, 1]])
        return np.clip(rates.T.reshape(-1), LOWEST_RATE, HIGHEST_RATE)

    def table(self, most_units: int) -> np.ndarray:
        """float64 (6, most_units + 1, 6): `rates` by unit length - 1 and number of units, for kernels."""
        return np.array([[self.rates(u + 1, n) for n in range(most_units + 1)] for u in range(UNIT_LENGTHS)])


def _log_linear_fit(steps: np.ndarray, spanning: np.ndarray, events: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """(log rate at step 0, log growth per step): posterior mode of events ~ Poisson(spanning * exp(a + b * step)).

    Newton's method with steps of at most 1; the log-posterior is strictly concave.
    """
    design = np.column_stack([np.ones(len(steps)), steps])
    precision = np.array([_LOG_RATE_SD**-2, _LOG_GROWTH_SD**-2])
    line = prior.copy()
    for _ in range(100):
        expected = spanning * np.exp(np.minimum(design @ line, 0.0))
        gradient = design.T @ (events - expected) - precision * (line - prior)
        curvature = design.T @ (design * expected[:, None]) + np.diag(precision)
        step = np.linalg.solve(curvature, gradient)
        line = line + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-10:
            break
    return line


def slippage_rows(unit_length: np.ndarray, units: np.ndarray, counts: np.ndarray) -> list[SlippageRow]:
    """Rows by (unit length, units) from counts per tract (tracts, 7): spanning, lost 1, 2, 3+, gained 1, 2, 3+.

    Left out: tracts that few reads span, and those where one changed length is so frequent that it looks like a variant (at
    least 20 % and 3 reads, or 2 reads and over 25 %) and that the rates learnt from the others don't explain (binomial tail
    under 1e-3).
    """
    from scipy.stats import binom

    spanning = counts[:, 0]
    seen = spanning[spanning > 0]
    fewest = _ENOUGH_SPANNING if len(seen) and np.median(seen) >= _ENOUGH_SPANNING else _FEWEST_SPANNING
    enough = spanning >= fewest
    unit_length, units, counts, spanning = unit_length[enough], units[enough], counts[enough], spanning[enough]
    if not len(spanning):
        return []
    frequent = counts[:, 1:].max(axis=1)
    fraction = frequent / spanning
    suspicious = ((frequent >= _VARIANT_READS) & (fraction >= _VARIANT_FRACTION)) | (
        (frequent == 2) & (fraction > _SHALLOW_VARIANT_FRACTION)
    )
    rows = _summed(unit_length, units, counts, ~suspicious)
    which = np.flatnonzero(suspicious)
    in_order = [0, 2, 4, 1, 3, 5]
    for _ in range(3):
        model = SlippageModel(rows)
        rate = np.array(
            [model.rates(int(u), int(n))[in_order].max() for u, n in zip(unit_length[which], units[which], strict=True)]
        )
        variant = np.zeros(len(suspicious), dtype=bool)
        variant[which] = binom.sf(frequent[which] - 1, spanning[which], rate) < _SURPRISE
        rows = _summed(unit_length, units, counts, ~variant)
    return rows


def _summed(unit_length: np.ndarray, units: np.ndarray, counts: np.ndarray, keep: np.ndarray) -> list[SlippageRow]:
    keys, inverse = np.unique(np.column_stack([unit_length, units])[keep], axis=0, return_inverse=True)
    sums = np.zeros((len(keys), counts.shape[1]), dtype=np.int64)
    np.add.at(sums, inverse.reshape(-1), counts[keep])
    return [
        SlippageRow(unit_length=int(u), units=int(n), spanning=int(row[0]), lost=row[1:4].tolist(), gained=row[4:7].tolist())
        for (u, n), row in zip(keys.tolist(), sums, strict=True)
    ]
