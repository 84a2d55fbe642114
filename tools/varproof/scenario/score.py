"""Posteriors of a scenario's events: per-sample likelihood tables, and their sums over the boxes of each event.

The likelihoods are those of `posterior.components`: of the frequency of alternative copies in each sample's reads, and of the
rate of artefacts of each class. A sample that is contaminated shows (1 - c) times its own frequency and c times the other's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from varproof.formats.evidence import READ_CONTEXTS, Evidence
from varproof.machinery.numerics import log as ln
from varproof.machinery.numerics import powered
from varproof.machinery.numerics_numba_fns import exp_of, log_of
from varproof.posterior.artifact_classes import ACTIVE_ON, BOTH
from varproof.posterior.components import (
    ARTIFACT_RATES,
    GRID,
    SAME_RATE,
    at_fraction,
    possible_artifacts,
    tabulate,
)
from varproof.posterior.decisions import DECISIONS as POSTERIOR_DECISIONS
from varproof.posterior.score import mode
from varproof.scenario.boxes import Box
from varproof.scenario.decisions import DECISIONS
from varproof.scenario.elimination import Eliminator, factor_values
from varproof.scenario.elimination_numba_fns import log_sums
from varproof.scenario.job import Planned, ScenarioJob
from varproof.scenario.network import ABSENT, Network, gap_of

ARTIFACT = "ARTIFACT"
ANYTHING = ""
"""Stands for all that the samples can be, each part of it once."""

IMPOSSIBLE = -1e30
MOST_ON_ALL_READS = POSTERIOR_DECISIONS.most_on_all_reads


@dataclass(frozen=True)
class SampleTables:
    """Log-likelihoods of one sample for n candidates: `frequency` (n, GRID_SIZE); `artifact` (n, classes, rates)."""

    frequency: np.ndarray
    artifact: np.ndarray

    def rows(self, chosen: np.ndarray) -> "SampleTables":
        """Those of some candidates."""
        return SampleTables(self.frequency[chosen], self.artifact[chosen])


def sample_tables(evidence: Evidence, is_snv: np.ndarray) -> SampleTables:
    """Tables of one sample's evidence."""
    found = tabulate(evidence, None, is_snv, np.zeros((evidence.size, READ_CONTEXTS)))
    return SampleTables(found.tumor, found.artifact_tumor)


def event_names(job: ScenarioJob) -> list[str]:
    """Events that a scored file has: the scenario's, OTHER where they leave gaps on any contig, ARTIFACT and ABSENT.

    OTHER is called UNNAMED where the scenario has an event of that name.
    """
    gaps = any(job.networks.of(setting).network.gaps for setting in job.settings)
    own = [name for name in job.networks.scenario.events if name != ABSENT]
    return [*own, *([gap_of(job.networks.scenario)] if gaps else []), ARTIFACT, ABSENT]


def artifact_log_likelihood(tables: Sequence[SampleTables]) -> np.ndarray:
    """(n,): an artefact in the samples, its class and rate summed out evenly."""
    return log_sums(artifact_components(tables))


def artifact_components(tables: Sequence[SampleTables]) -> np.ndarray:
    """(n, components): ln of likelihood times an even share of each class and rate that an artefact in the samples can have."""
    total, possible = _of_artifacts(tables)
    shares = possible / possible.sum()
    values = total + log_of(np.maximum(shares, 1e-300))[None]
    return np.ascontiguousarray(values[:, possible])


def artifact_classes(tables: Sequence[SampleTables]) -> np.ndarray:
    """(n, classes): an artefact of each class in the samples at its likeliest rate, whether there can be such ones or not."""
    return _of_artifacts(tables)[0].max(axis=2)


def _of_artifacts(tables: Sequence[SampleTables]) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihood of each class and rate (n, classes, rates), and which there can be.

    On all reads it has the same rate in all samples; on one kind of reads each sample has that rate or none, as of another
    library, at least one has it.
    """
    everywhere = ACTIVE_ON == BOTH
    # What all reads of all samples show more often is a variant, whatever else it looks like.
    possible = possible_artifacts(paired=False)[:, SAME_RATE] & ~(everywhere[:, None] & (ARTIFACT_RATES > MOST_ON_ALL_READS))
    same: np.ndarray = sum((table.artifact for table in tables), np.zeros(1))
    if len(tables) == 1:
        total = same
    else:
        some, none = np.zeros(1), np.zeros(1)
        for table in tables:
            without = np.broadcast_to(table.frequency[:, :1, None], table.artifact.shape)
            some = some + _log_add(table.artifact, without) + ln(0.5)
            none = none + without + ln(0.5)
        top = np.maximum(some, none)
        least_one = top + log_of(np.maximum(exp_of(some - top) - exp_of(none - top), 1e-300))
        total = np.where(everywhere[None, :, None], same, least_one - ln(1.0 - powered(0.5, len(tables))))
    return total, possible


def _log_add(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    top = np.maximum(first, second)
    return top + log_of(exp_of(first - top) + exp_of(second - top))


def likelihoods(network: Network, fractions: Mapping[str, float], tables: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Log-likelihoods (n, nodes) of each sample, of contaminated ones (n, nodes, nodes of the other).

    `fractions`: of contamination, by sample; `tables` by sample (n, GRID_SIZE).
    """
    found = []
    for sample in network.samples:
        own = network.domains[sample].fraction
        by = network.contaminated.get(sample)
        if by is None:
            found.append(at_fraction(tables[sample], own))
            continue
        theirs, share = network.domains[by].fraction, fractions[sample]
        shown = (1.0 - share) * own[:, None] + share * theirs[None, :]
        values = at_fraction(tables[sample], np.ascontiguousarray(shown.ravel()))
        found.append(values.reshape(-1, *shown.shape))
    return found


@dataclass(frozen=True)
class MixedFactors:
    """Factors of a network whose somatic rate is each candidate's own `rate` (n,): between those at rate 0 and at rate 1."""

    without: Network
    certain: Network
    rate: np.ndarray

    @property
    def values(self) -> int:
        """Values of these factors that one candidate needs."""
        return sum(factor.table.size for factor in self.without.factors)

    def of(self, rows: slice) -> list[np.ndarray]:
        """Logarithms (n or 1, ...) of candidates `rows`; they are linear in the rate."""
        found = []
        for low, high in zip(self.without.factors, self.certain.factors, strict=True):
            if np.array_equal(low.table, high.table):
                found.append(low.table[None])
                continue
            rate = self.rate[rows].reshape(-1, *(1,) * low.table.ndim)
            found.append(log_of((1.0 - rate) * exp_of(low.table)[None] + rate * exp_of(high.table)[None]))
        return found


def event_log_sums(
    planned: Planned,
    fractions: Mapping[str, float],
    tables: Mapping[str, np.ndarray],
    names: Sequence[str],
    mixed: MixedFactors | None = None,
) -> np.ndarray:
    """ln of prior times likelihood (n, len(names)) of the events `names`; -1e30 where nothing is possible.

    `mixed`: factors that differ between candidates.
    """
    n = len(next(iter(tables.values())))
    values = factor_values(planned.network) + (0 if mixed is None else mixed.values)
    chunk = max(1, DECISIONS.values_in_memory // max(values, planned.plan.width))
    out = np.empty((n, len(names)))
    for start in range(0, n, chunk):
        rows = slice(start, start + chunk)
        own = likelihoods(planned.network, fractions, {name: table[rows] for name, table in tables.items()})
        sums = Eliminator(planned.network, planned.plan, own, None if mixed is None else mixed.of(rows))
        by_box = [(box, sums.box(box)) for box in planned.network.boxes]
        for column, name in enumerate(names):
            out[rows, column] = _total([values for box, values in by_box if is_of(planned.network, box, name)], len(own[0]))
    return np.maximum(out, IMPOSSIBLE)


def is_of(network: Network, box: Box, name: str) -> bool:
    """Whether a box belongs to an event, to what no event holds for, or to ANYTHING."""
    return name == ANYTHING or name in box.events or (name == network.gap and not box.events)


def _total(parts: Sequence[np.ndarray], n: int) -> np.ndarray:
    if not parts:
        return np.full(n, IMPOSSIBLE)
    return log_sums(np.ascontiguousarray(np.stack([np.broadcast_to(part, n) for part in parts], axis=1)))


def block_sums(
    job: ScenarioJob,
    rows: np.ndarray,
    tables: Mapping[str, SampleTables],
    fractions: Mapping[str, float],
    names: Sequence[str],
) -> np.ndarray:
    """ln of prior times likelihood (n, len(names)) of candidates `rows` (indices into the job's list)."""
    out = np.empty((len(rows), len(names)))
    frequency = {name: table.frequency for name, table in tables.items()}
    artifact = artifact_log_likelihood(list(tables.values()))
    of_events = [name for name in names if name != ARTIFACT]
    columns = np.array([column for column, name in enumerate(names) if name != ARTIFACT])
    for number in np.unique(job.setting[rows]).tolist():
        own = np.flatnonzero(job.setting[rows] == number)
        planned = job.networks.of(job.settings[number])
        here = {name: table[own] for name, table in frequency.items()}
        sums = event_log_sums(planned, fractions, here, of_events)
        heterozygosity, rate = (_told(values, rows[own]) for values in (job.heterozygosity, job.somatic_rate))
        for by_density, by_rate in ((True, False), (False, True), (True, True)):
            known = np.flatnonzero((np.isfinite(heterozygosity) == by_density) & (np.isfinite(rate) == by_rate))
            if len(known):
                chosen = {name: table[known] for name, table in here.items()}
                own_rate = rate[known] if by_rate else None
                if by_density:
                    given = heterozygosity[known]
                    sums[known] = _at_heterozygosity(job, number, given, own_rate, chosen, fractions, of_events)
                else:
                    sums[known] = _at_rate(job, number, None, own_rate, chosen, fractions, of_events)
        out[np.ix_(own, columns)] = sums
        out[own, names.index(ARTIFACT)] = artifact[own] + artifact_log_rate(planned.network)
    return out


def artifact_log_rate(network: Network) -> float:
    """ln of the prior of an artefact: a rate beside other rates, and as much as a point beside flat priors."""
    return ln(DECISIONS.artifact_rate) if network.informed else 0.0


def _told(values: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """What candidates `rows` say of themselves (n,); NaN where they don't, or say nothing that is a rate."""
    if values is None:
        return np.full(len(rows), np.nan)
    return np.where(np.isfinite(values[rows]) & (values[rows] >= 0.0), values[rows], np.nan)


def _at_rate(
    job: ScenarioJob,
    number: int,
    heterozygosity: float | None,
    rate: np.ndarray | None,
    tables: Mapping[str, np.ndarray],
    fractions: Mapping[str, float],
    names: Sequence[str],
) -> np.ndarray:
    """Sums at the somatic rate of each allele (n,); None: at the scenario's."""
    setting = job.settings[number]
    planned, mixed = job.networks.of(setting, heterozygosity), None
    if rate is not None:
        without, certain = (job.networks.of(setting, heterozygosity, end).network for end in (0.0, 1.0))
        mixed = MixedFactors(without, certain, np.minimum(rate, 1.0 - 1e-12))
    return event_log_sums(planned, fractions, tables, names, mixed)


def _at_heterozygosity(
    job: ScenarioJob,
    number: int,
    told: np.ndarray,
    rate: np.ndarray | None,
    tables: Mapping[str, np.ndarray],
    fractions: Mapping[str, float],
    names: Sequence[str],
) -> np.ndarray:
    """Sums at the heterozygosity of each allele (n,): the prior is linear in it, between none and the largest possible."""
    most = job.networks.of(job.settings[number], 1.0).network.heterozygosity
    share = np.minimum(told / most, 1.0 - 1e-12)[:, None]
    low, high = (_at_rate(job, number, value, rate, tables, fractions, names) for value in (1e-300, 1.0))
    return _log_add(low + log_of(1.0 - share), high + log_of(np.maximum(share, 1e-300)))


def posteriors(sums: np.ndarray, anything: np.ndarray) -> np.ndarray:
    """(n, events) from what `block_sums` has of events; `anything` (n,): ln of all together, each part once."""
    return np.minimum(1.0, exp_of(sums - anything[:, None]))


def sample_density(frequency: np.ndarray, share: float, of_other: np.ndarray | None) -> np.ndarray:
    """Log posterior density (n, GRID_SIZE) of a sample's frequency over GRID, up to a constant, with a flat prior.

    `share`: of contamination, by a sample that has the frequencies `of_other` (n,).
    """
    if of_other is None or share == 0.0:
        out = frequency
    else:
        out = np.empty_like(frequency)
        for row, theirs in enumerate(of_other.tolist()):
            out[row] = at_fraction(frequency[row : row + 1], (1.0 - share) * GRID + share * theirs)[0]
    return out - out.max(axis=1, keepdims=True)


def sample_densities(
    job: ScenarioJob, tables: Mapping[str, SampleTables], fractions: Mapping[str, float]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """(mode (n,), log density (n, GRID_SIZE)) of each sample's frequency; of a contaminated one, beside the other's mode."""
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    modes = {name: mode(table.frequency) for name, table in tables.items()}
    for name, item in job.networks.scenario.samples.items():
        contamination = item.contamination
        other = None if contamination is None else modes[contamination.by]
        density = sample_density(tables[name].frequency, fractions.get(name, 0.0), other)
        found[name] = (modes[name] if other is None else mode(density)), density
    return found
