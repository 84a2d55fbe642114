"""How often a read loses or gains units of a short tandem repeat: counted in the reads, smoothed, extrapolated.

Polymerases slip on repeats, the more the longer they are. `slippage_rows` adds up counts per tract (of
`slippage_numba_fns.slipped_units`), of all samples of a person together, and leaves out tracts with a variant;
`SlippageModel` turns the rows into rates for any unit length and number of units. A tract never teaches what is expected of
itself: its reads are taken out of the rows where it is judged.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from varproof.formats.alignment import RepeatTract, SlippageRow
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
_EVENTS_OF_A_TRACT = 4.0
"""A tract is one piece of evidence: its own rate differs from others' of its length by about one over the root of this, so that
more events of it than this add nothing to what is known of the others."""

_VARIANT_FRACTION, _VARIANT_READS, _SURPRISE = 0.2, 3, 1e-3
_SHALLOW_VARIANT_FRACTION = 0.25
_RARE_VARIANT_FRACTION, _GREAT_SURPRISE = 0.05, 1e-6
_MOST_SPANNING = 100
_ENOUGH_SPANNING, _FEWEST_SPANNING = 8, 4
_LEADING_SHARE, _LEADING_EVENTS = 0.1, 2
"""A tract leads a count if it makes up so much of it, and that is more than one read's doing."""

Place = tuple[str, int, int]
"""(contig, start, end), 0-based half-open."""


class TractCounts(NamedTuple):
    """Counts of t tracts of one sample.

    `contig` (t,): names. `start`, `end`, `unit_length`, `units`: int64 (t,). `counts`: int64 (t, 7): reads that span the tract,
    that lost 1, 2, 3 or more, and that gained 1, 2, 3 or more units.
    """

    contig: np.ndarray
    start: np.ndarray
    end: np.ndarray
    unit_length: np.ndarray
    units: np.ndarray
    counts: np.ndarray

    @classmethod
    def together(cls, parts: "Sequence[TractCounts]") -> "TractCounts":
        """All tracts of disjoint parts."""
        none = np.zeros(0, np.int64)
        empty = cls(np.zeros(0, object), none, none, none, none, np.zeros((0, 7), np.int64))
        return cls(*(np.concatenate(columns) for columns in zip(empty, *parts, strict=True)))

    def chosen(self, rows: np.ndarray) -> "TractCounts":
        """The tracts `rows`."""
        return TractCounts(*(column[rows] for column in self))


class _UnitRates:
    """Rates of one unit length."""

    def __init__(self, unit: int, rows: Sequence[SlippageRow], near: "_UnitRates | None" = None) -> None:
        """`unit`: its length - 1; `near`: rates from nearly the same rows, from which the search for the mode starts."""
        counts = np.array([[row.lost, row.gained] for row in rows], dtype=np.float64).reshape(-1, 2, 3)
        weight = np.array([_weight(row) for row in rows], dtype=np.float64)
        spanning = weight * np.array([row.spanning for row in rows], dtype=np.float64)
        counts = weight[:, None, None] * counts
        design = _design(np.array([row.units for row in rows], dtype=np.float64) - _FIRST_UNITS[unit])
        self.unit = unit
        self.curve = np.zeros((2, 1 + _KINKS))
        self.more = np.zeros((2, len(_DEFAULT_MORE)))
        for direction in range(2):
            prior = np.zeros(1 + _KINKS)
            prior[:2] = log(_DEFAULT_RATE[unit] * _DEFAULT_DIRECTION[direction]), log(_DEFAULT_GROWTH[unit])
            start = prior if near is None else near.curve[direction]
            self.curve[direction] = _log_rate_curve(design, spanning, counts[:, direction, 0], prior, start)
            events = counts[:, direction].sum(axis=0)
            for i, fraction in enumerate(_DEFAULT_MORE):
                self.more[direction, i] = (events[i + 1] + fraction * _MORE_PSEUDO_EVENTS) / (events[0] + _MORE_PSEUDO_EVENTS)
        self.cells = {row.units: (float(s), count[:, 0]) for row, s, count in zip(rows, spanning, counts, strict=True)}

    def rates(self, units: int) -> np.ndarray:
        step = _design(np.array([units - _FIRST_UNITS[self.unit]]))[0]
        one = np.array([exp(value) for value in (step * self.curve).sum(axis=1).tolist()])
        if units in self.cells:
            spanning, events = self.cells[units]
            one = (events + _CELL_PSEUDO_EVENTS) / (spanning + _CELL_PSEUDO_EVENTS / one)
        rates = np.stack([one, one * self.more[:, 0], one * self.more[:, 1]])
        return np.clip(rates.reshape(-1), LOWEST_RATE, HIGHEST_RATE)


class SlippageModel:
    """Rates at which a read that spans a tandem repeat shows units lost or gained.

    Per unit length and direction, the logarithm of the rate of one unit is a smooth function of the number of units: a line
    with kinks, fitted as a Poisson regression with normal priors. The line's is centred on published-like defaults
    (homopolymers: 1e-5 for 4 bp, times 1.8 per further base; gains half as often as losses), the kinks' on 0, so that few
    reads give the default's line and many their own curve, constant beyond the last kink. Where a number of units was itself
    seen often, its own rate takes over (gamma-Poisson, `_CELL_PSEUDO_EVENTS` at the curve's rate). Changes of two, and of
    three or more, units are a fraction of those of one, learnt per unit length and direction. Counts of few tracts weigh less,
    since tracts differ (`_EVENTS_OF_A_TRACT`).
    """

    def __init__(self, rows: Sequence[SlippageRow]) -> None:
        """`rows` may be empty: then the rates are the defaults."""
        self._rows = [[row for row in rows if row.unit_length == unit + 1 and row.spanning > 0] for unit in range(UNIT_LENGTHS)]
        self._units: dict[int, _UnitRates] = {}
        self._without: dict[tuple[int, str, int], _UnitRates] = {}

    def rates(self, unit_length: int, units: int, place: Place | None = None) -> np.ndarray:
        """float64 (6,): probability per read of each of `OUTCOMES` at a tract; units over 6 bp are taken for 6 bp.

        `place` (contig, start, end): where the tract lies; then what was counted there is left out, if it makes a difference.
        """
        unit = min(max(unit_length, 1), UNIT_LENGTHS) - 1
        if unit not in self._units:
            self._units[unit] = _UnitRates(unit, self._rows[unit])
        own = None if place is None else self._leading(unit, place)
        if own is None:
            return self._units[unit].rates(units)
        key = unit, own.contig, own.start
        if key not in self._without:
            others = [_without(row, own) for row in self._rows[unit]]
            self._without[key] = _UnitRates(unit, [row for row in others if row.spanning > 0], self._units[unit])
        return self._without[key].rates(units)

    def _leading(self, unit: int, place: Place) -> RepeatTract | None:
        """The tract that leads a count and shares most bases with `place`."""
        contig, start, end = place
        shared = [
            (min(end, tract.end) - max(start, tract.start), tract)
            for row in self._rows[unit]
            for tract in row.leading
            if tract.contig == contig and tract.start < end and start < tract.end
        ]
        return max(shared, key=lambda pair: pair[0])[1] if shared else None

    def table(self, most_units: int) -> np.ndarray:
        """float64 (6, most_units + 1, 6): `rates` by unit length - 1 and number of units, for kernels."""
        return np.array([[self.rates(u + 1, n) for n in range(most_units + 1)] for u in range(UNIT_LENGTHS)])


def _weight(row: SlippageRow) -> float:
    """What each read of a row is worth: less where a few tracts have many events each (a count's variance is m + m^2 / k)."""
    if row.tracts is None:
        return 1.0
    return 1.0 / (1.0 + max(sum(row.lost), sum(row.gained)) / row.tracts / _EVENTS_OF_A_TRACT)


def _without(row: SlippageRow, tract: RepeatTract) -> SlippageRow:
    """The row without what a tract adds to it; the row itself where the tract isn't among its leading ones."""
    rest = [item for item in row.leading if (item.contig, item.start) != (tract.contig, tract.start)]
    if len(rest) == len(row.leading):
        return row
    return row.model_copy(
        update={
            "spanning": row.spanning - tract.spanning,
            "lost": [a - b for a, b in zip(row.lost, tract.lost, strict=True)],
            "gained": [a - b for a, b in zip(row.gained, tract.gained, strict=True)],
            "tracts": None if row.tracts is None else max(1, row.tracts - 1),
            "leading": rest,
        }
    )


def _design(steps: np.ndarray) -> np.ndarray:
    """Columns of the curve: 1, step, and max(0, step - k) for each kink k; constant beyond the last."""
    steps = np.minimum(steps, _KINKS)
    kinks = np.arange(1, _KINKS)
    return np.column_stack([np.ones(len(steps)), steps, np.maximum(0.0, steps[:, None] - kinks)])


def _log_rate_curve(
    design: np.ndarray, spanning: np.ndarray, events: np.ndarray, prior: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Coefficients of the log rate: posterior mode of events ~ Poisson(spanning * rate), by Newton's method from `start`.

    Steps are at most 1; the log-posterior is strictly concave.
    """
    from varproof.machinery.numerics_numba_fns import exp_of, solved

    sd = np.full(len(prior), _KINK_SD)
    sd[:2] = _LOG_RATE_SD, _LOG_GROWTH_SD
    precision = 1 / (sd * sd)
    curve = start.copy()
    for _ in range(200):
        expected = spanning * exp_of(np.minimum((design * curve).sum(axis=1), 0.0))
        gradient = (design * (events - expected)[:, None]).sum(axis=0) - precision * (curve - prior)
        curvature = (design[:, :, None] * (design * expected[:, None])[:, None, :]).sum(axis=0) + np.diag(precision)
        step = solved(curvature, gradient)
        curve = curve + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            break
    return curve


def slippage_rows(*samples: TractCounts) -> list[SlippageRow]:
    """Rows by (unit length, units) from the tracts of one person's samples, of each sample disjoint ones.

    Left out: tracts that few reads span, and those with a variant in any sample, where one changed length is frequent (at least
    20 % and 3 reads, or 2 reads and over 25 %) and the rates learnt from the other tracts hardly explain it (binomial tail
    under 1e-3), or where it makes up at least 5 % and 3 reads and they don't explain it at all (under 1e-6, at a depth of at
    most 100, because loci differ).
    """
    read = [_read_often(sample) for sample in samples]
    everything = TractCounts.together(read)
    if not len(everything.start):
        return []
    contigs = {name: i for i, name in enumerate(dict.fromkeys(everything.contig.tolist()))}
    numbers = np.array([contigs[name] for name in everything.contig.tolist()])
    keys = np.column_stack([numbers, everything.start, everything.unit_length])
    _, first, tract_of = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    tract_of = tract_of.reshape(-1)
    counts = np.zeros((len(first), 7), np.int64)
    np.add.at(counts, tract_of, everything.counts)
    tracts = everything.chosen(first)._replace(counts=counts)
    suspects = _Suspects.of(everything, tract_of)
    variant = np.zeros(len(first), bool)
    variant[suspects.tract[suspects.likely]] = True
    for _ in range(3 if len(suspects.tract) else 0):
        found = suspects.unexplained(SlippageModel(_summed(tracts.chosen(~variant))), tracts)
        variant = np.zeros(len(first), bool)
        variant[suspects.tract[found]] = True
    return _summed(tracts.chosen(~variant))


def _read_often(sample: TractCounts) -> TractCounts:
    """The tracts of one sample that enough reads span."""
    spanning = sample.counts[:, 0]
    seen = spanning[spanning > 0]
    fewest = _ENOUGH_SPANNING if len(seen) and np.median(seen) >= _ENOUGH_SPANNING else _FEWEST_SPANNING
    return sample.chosen(spanning >= fewest)


class _Suspects(NamedTuple):
    """Tracts of a sample of which one changed length is so frequent that it may be a variant.

    `tract` (s,): its number; `likely` (s,): bool, whether it is very frequent; `outcome` (s,): which of OUTCOMES; `successes`
    and `trials` (s,): reads with it, and all, at a depth of at most `_MOST_SPANNING`.
    """

    tract: np.ndarray
    likely: np.ndarray
    outcome: np.ndarray
    successes: np.ndarray
    trials: np.ndarray

    @classmethod
    def of(cls, counted: TractCounts, tract_of: np.ndarray) -> "_Suspects":
        spanning, changed = counted.counts[:, 0], counted.counts[:, 1:]
        frequent = changed.max(axis=1)
        fraction = frequent / spanning
        likely = ((frequent >= _VARIANT_READS) & (fraction >= _VARIANT_FRACTION)) | (
            (frequent == 2) & (fraction > _SHALLOW_VARIANT_FRACTION)
        )
        rows = np.flatnonzero(likely | ((frequent >= _VARIANT_READS) & (fraction >= _RARE_VARIANT_FRACTION)))
        trials = np.minimum(spanning[rows], _MOST_SPANNING)
        outcome = np.array([0, 2, 4, 1, 3, 5])[np.argmax(changed[rows], axis=1)]
        return cls(tract_of[rows], likely[rows], outcome, np.rint(fraction[rows] * trials).astype(np.int64), trials)

    def unexplained(self, model: SlippageModel, tracts: TractCounts) -> np.ndarray:
        """bool (s,): what the other tracts' rates don't explain."""
        from varproof.machinery.numerics_numba_fns import binomial_tail

        limit = np.where(self.likely, _SURPRISE, _GREAT_SURPRISE)
        tail = np.zeros(len(self.tract))
        rows = zip(self.tract.tolist(), self.outcome.tolist(), self.successes.tolist(), self.trials.tolist(), strict=True)
        for i, (t, outcome, successes, trials) in enumerate(rows):
            place = str(tracts.contig[t]), int(tracts.start[t]), int(tracts.end[t])
            rate = model.rates(int(tracts.unit_length[t]), int(tracts.units[t]), place)[outcome]
            tail[i] = binomial_tail(successes, trials, rate)
        return tail < limit


def _summed(tracts: TractCounts) -> list[SlippageRow]:
    keys, row_of = np.unique(np.column_stack([tracts.unit_length, tracts.units]), axis=0, return_inverse=True)
    row_of = row_of.reshape(-1)
    sums = np.zeros((len(keys), 7), dtype=np.int64)
    np.add.at(sums, row_of, tracts.counts)
    share = tracts.counts >= _LEADING_SHARE * sums[row_of]
    leads = share & (tracts.counts >= _LEADING_EVENTS)
    leading: list[list[RepeatTract]] = [[] for _ in keys]
    for t in np.flatnonzero(leads.any(axis=1)).tolist():
        spanning, lost, gained = _parts(tracts.counts[t])
        tract = RepeatTract(
            contig=str(tracts.contig[t]), start=int(tracts.start[t]), end=int(tracts.end[t]),
            spanning=spanning, lost=lost, gained=gained,
        )  # fmt: skip
        leading[row_of[t]].append(tract)
    number = np.bincount(row_of, minlength=len(keys)).tolist()
    rows = []
    for (unit, units), counts, tracts_there, ahead in zip(keys.tolist(), sums, number, leading, strict=True):
        spanning, lost, gained = _parts(counts)
        rows.append(
            SlippageRow(
                unit_length=unit, units=units, spanning=spanning, lost=lost, gained=gained, tracts=tracts_there, leading=ahead
            )
        )
    return rows


def _parts(counts: np.ndarray) -> tuple[int, list[int], list[int]]:
    """(spanning, lost, gained) of counts (7,)."""
    values = counts.tolist()
    return values[0], values[1:4], values[4:7]


def pooled_rows(*samples: Sequence[SlippageRow]) -> list[SlippageRow]:
    """Rows of several samples of one person as one measurement; equal ones, which were measured together, are counted once.

    Only `slippage_rows` can leave out what is a variant in one sample and not in another; here each sample left out its own.
    """
    different = [sample for i, sample in enumerate(samples) if sample not in samples[:i]]
    if len(different) == 1:
        return list(different[0])
    rows: dict[tuple[int, int], SlippageRow] = {}
    for row in (row for sample in different for row in sample):
        key = row.unit_length, row.units
        rows[key] = _added(rows[key], row) if key in rows else row
    return [rows[key] for key in sorted(rows)]


def _added(one: SlippageRow, other: SlippageRow) -> SlippageRow:
    leading: dict[tuple[str, int], RepeatTract] = {}
    for tract in (*one.leading, *other.leading):
        key = tract.contig, tract.start
        leading[key] = leading[key].model_copy(update=_sums(leading[key], tract)) if key in leading else tract
    tracts = None if one.tracts is None or other.tracts is None else max(one.tracts, other.tracts)
    return one.model_copy(update={**_sums(one, other), "tracts": tracts, "leading": list(leading.values())})


def _sums(one: SlippageRow | RepeatTract, other: SlippageRow | RepeatTract) -> dict[str, object]:
    return {
        "spanning": one.spanning + other.spanning,
        "lost": [a + b for a, b in zip(one.lost, other.lost, strict=True)],
        "gained": [a + b for a, b in zip(one.gained, other.gained, strict=True)],
    }
