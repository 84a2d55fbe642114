"""Every way in which a candidate's reads can have come about, and the likelihood of each.

An event is a set of components; a component is a point in the space of allele frequencies or artefact rates
(Varlociraptor's eqs. 2 to 5, as a quadrature). Integrals become weighted sums over components, so that one matrix of
likelihoods per candidate serves learning, posteriors and densities alike.

 SOMATIC_TUMOR   theta_c in (0, 1]; the normal shows contamination * theta_c
 GERMLINE_HET    theta_h = 1/2, theta_c mostly 1/2 (0, 1 and anything where the tumour lost or gained a copy)
 GERMLINE_HOM    theta_h = 1, theta_c likewise
 SOMATIC_NORMAL  theta_h in (0, 1/2), theta_c in [0, 1]
 ARTIFACT        a locus-wise rate, on all reads or on one kind of reads, in the normal as in the tumour, lower, or not at all
 FOREIGN         another person's germline variant in the tumour's library (reported as ARTIFACT)
 ABSENT          theta_c = theta_h = 0
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from varproof.formats.events import ABSENT, EVENT_NAMED, EVENT_TABLE, GERMLINE_EVENTS, OTHER_PERSON
from varproof.formats.evidence import Evidence
from varproof.machinery import numerics
from varproof.machinery.numerics_numba_fns import exp_of, log_of, log_weighted_mean, scaled_likelihoods
from varproof.posterior.artifact_classes import (
    ACTIVE_ON,
    ARTIFACT_CLASSES,
    BOTH,
    IN_CONTEXT,
    LIKE_ERRORS,
    PLAIN,
    SAME_PLACE,
    SIGNATURES,
)
from varproof.posterior.components_numba_fns import interpolated
from varproof.posterior.copies import BALANCES, HETEROZYGOUS, HETEROZYGOUS_WEIGHTS, SEEN, CopyNumbers, somatic_cells
from varproof.posterior.copy_decisions import DECISIONS as COPY_DECISIONS
from varproof.posterior.crowd_decisions import DECISIONS as CROWD_DECISIONS
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.likelihood_numba_fns import artefact_log_likelihoods, frequency_log_likelihoods

if TYPE_CHECKING:
    from varproof.posterior.crowding import CrowdTerms
    from varproof.posterior.panel import PanelTerms

GRID_SIZE = DECISIONS.grid_size
GRID = np.array([numerics.sine(0.5 * math.pi * i / (GRID_SIZE - 1)) for i in range(GRID_SIZE)]) ** 2
"""Fractions of copies at which likelihoods are tabulated: evenly spaced in the arcsine of the root, which evens out the
binomial's variance, so that the mode is resolved alike everywhere."""

FREQUENCY_BINS = np.array(DECISIONS.frequency_bins)
NODES_PER_BIN = DECISIONS.nodes_per_bin
NORMAL_NODES = np.array(DECISIONS.normal_frequencies)
CELL_NODES = np.linspace(0.0, 1.0, DECISIONS.cell_nodes)
ARTIFACT_RATES = np.array(
    numerics.logarithmic_steps(DECISIONS.least_artifact_rate, DECISIONS.largest_artifact_rate, DECISIONS.artifact_rate_count)
)
_STEP = float(ARTIFACT_RATES[1] / ARTIFACT_RATES[0])
_STEPS = DECISIONS.artifact_ratio_steps
NORMAL_RATES = np.concatenate(
    [ARTIFACT_RATES[0] * np.array([numerics.powered(1.0 / _STEP, i) for i in range(_STEPS, 0, -1)]), ARTIFACT_RATES]
)
"""Rates of artefacts in the normal: `_STEPS` lower ones, and those of the tumour."""

ARTIFACT_RATIOS = np.array([0.0, numerics.powered(1.0 / _STEP, _STEPS), 1.0])
"""Rate of an artefact in the normal over that in the tumour: none, lower, the same."""

SAME_RATE = len(ARTIFACT_RATIOS) - 1
ARTIFACT_SHAPE = (ARTIFACT_CLASSES, len(ARTIFACT_RATIOS), len(ARTIFACT_RATES))
GERMLINE_CHANGES = 4
"""What becomes of a germline variant in the tumour cells: nothing, its copies are lost, the others are, or anything."""


def uniform_nodes(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """(nodes, weights) of a uniform density on [low, high], by Gauss and Legendre; the weights sum to 1."""
    nodes, weights = (np.array(values) for values in numerics.legendre_nodes(DECISIONS.uniform_nodes))
    return low + (high - low) * 0.5 * (nodes + 1.0), 0.5 * weights


def somatic_nodes() -> np.ndarray:
    """Allele frequencies in tumour cells at which the somatic event is evaluated: midpoints of equal parts of each bin."""
    parts = (np.arange(NODES_PER_BIN) + 0.5) / NODES_PER_BIN
    return np.concatenate([a + parts * (b - a) for a, b in itertools.pairwise(FREQUENCY_BINS)])


@dataclass(frozen=True)
class Tables:
    """Log-likelihoods of n candidates.

    `tumor` (n, GRID_SIZE), `normal` (n, GRID_SIZE) or None: of the fraction of copies with the alternative allele;
    `artifact_tumor` (n, ARTIFACT_CLASSES, len(ARTIFACT_RATES)), `artifact_normal` (n, ARTIFACT_CLASSES, len(NORMAL_RATES)) or
    None: of the artefact rate in each. `panel`: what normals of a panel add to these, None without one; `crowd`: what
    companions do, None: nothing.
    """

    tumor: np.ndarray
    normal: np.ndarray | None
    artifact_tumor: np.ndarray
    artifact_normal: np.ndarray | None
    panel: "PanelTerms | None" = None
    crowd: "CrowdTerms | None" = None

    def chosen(self, rows: np.ndarray) -> "Tables":
        """The candidates `rows`."""
        columns: dict[str, Any] = {name: None if table is None else table[rows] for name, table in vars(self).items()}
        return Tables(**columns)

    @property
    def artifact(self) -> np.ndarray:
        """(n, ARTIFACT_CLASSES, ratios, rates): both samples together, by the tumour's rate and the normal's share of it."""
        out = np.repeat(self.artifact_tumor[:, :, None, :], len(ARTIFACT_RATIOS), axis=2)
        if self.artifact_normal is not None and self.normal is not None:
            rates = len(ARTIFACT_RATES)
            out[:, :, 0] += self.normal[:, :1, None]
            out[:, :, 1] += self.artifact_normal[:, :, :rates]
            out[:, :, 2] += self.artifact_normal[:, :, -rates:]
        return out

    def at_place(self, of_event: np.ndarray) -> np.ndarray:
        """Log-likelihoods (n, m) of an event that is no artefact, with what the panel says of the place."""
        return of_event if self.panel is None else of_event + self.panel.place[:, None]


def spurious_rates(substitution: np.ndarray) -> np.ndarray:
    """Probability that a fragment supports the allele for no reason that is modelled, by whether it is an SNV."""
    return np.where(substitution, DECISIONS.spurious_substitution, DECISIONS.spurious_other)


def tabulate(tumor: Evidence, normal: Evidence | None, is_snv: np.ndarray, log_context_ratio: np.ndarray) -> Tables:
    """Likelihood tables of matching evidence (same candidates in the same order).

    log_context_ratio (n, READ_CONTEXTS): how much more often artefacts than variants are seen in each read context.
    """
    spurious = spurious_rates(is_snv)

    def frequencies(evidence: Evidence) -> np.ndarray:
        return frequency_log_likelihoods(
            evidence.offset, evidence.log_ratio, evidence.mapq, evidence.count, evidence.sampling_ratio,
            evidence.slip_forward, evidence.slip_back, spurious, GRID,
        )  # fmt: skip

    artifact = tabulated_artifacts(tumor, normal, is_snv, log_context_ratio)
    return Tables(frequencies(tumor), None if normal is None else frequencies(normal), *artifact)


def tabulated_artifacts(
    tumor: Evidence, normal: Evidence | None, is_snv: np.ndarray, log_context_ratio: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Both samples' tables of artefacts alone, which are all that depends on the read contexts that artefacts are seen in."""
    spurious = spurious_rates(is_snv)

    def artifacts(evidence: Evidence, rates: np.ndarray) -> np.ndarray:
        return artefact_log_likelihoods(
            evidence.offset, evidence.log_ratio, evidence.mapq, evidence.strand, evidence.orientation,
            evidence.log_error_ratio, evidence.read_context, evidence.count, evidence.slip_forward, evidence.slip_back,
            spurious, evidence.same_place, log_context_ratio, rates,
        )  # fmt: skip

    return artifacts(tumor, ARTIFACT_RATES), None if normal is None else artifacts(normal, NORMAL_RATES)


def at_fraction(table: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """Log-likelihoods (n, len(fraction)) at any fractions of copies, interpolated in the grid's own coordinate."""
    return interpolated(table, fraction)


@dataclass(frozen=True)
class Components:
    """Log-likelihoods of all components, (n, components), and which columns belong to which event."""

    log_likelihood: np.ndarray
    columns: dict[str, slice]

    @property
    def size(self) -> int:
        """Number of components."""
        return self.log_likelihood.shape[1]

    @property
    def absent(self) -> int:
        """The component of ABSENT."""
        return self.columns[ABSENT].start

    def scaled(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Likelihoods (n, components) over each candidate's best possible one, and the logarithm of that one (n,).

        `weights` (n, components) or (components,): what has weight 0 is impossible, however likely it would make the reads;
        it has likelihood 0, so that a weighted sum is never 0.
        """
        every = np.ascontiguousarray(np.broadcast_to(weights, self.log_likelihood.shape))
        return scaled_likelihoods(self.log_likelihood, every)


@dataclass(frozen=True)
class Mixture:
    """What tumour and normal sample consist of: fractions in [0, 1]."""

    purity: float
    normal_contamination: float = 0.0
    other_person_fraction: float = 0.0


def germline_nodes(healthy: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """(theta_c, weights) of each of GERMLINE_CHANGES of a germline variant with theta_h `healthy`."""
    one = np.ones(1)
    nodes = [np.array([value]) for value in (healthy, 0.0, 1.0)]
    return [*((node, one) for node in nodes), (CELL_NODES, np.full(len(CELL_NODES), 1.0 / len(CELL_NODES)))]


def published_germline_changes(paired: bool) -> np.ndarray:
    """(GERMLINE_CHANGES,) how common each change is where learning begins."""
    unchanged = DECISIONS.unchanged_germline if paired else DECISIONS.unchanged_germline_unpaired
    rest = 1.0 - unchanged
    return np.array([unchanged, rest / 4, rest / 4, rest / 2])


def somatic_log_likelihood(
    tables: Tables, mixture: Mixture, cells: np.ndarray | None = None, copies: CopyNumbers | None = None
) -> np.ndarray:
    """(n, len(cells)): theta_c at each of `cells` (default `somatic_nodes`), theta_h = contamination * theta_c.

    `copies`: what is known of copy numbers: `cells` are those of a place with two copies, see `somatic_cells`.
    """
    cells = somatic_nodes() if cells is None else cells
    if copies is not None:
        out = np.empty((len(tables.tumor), len(cells)))
        for rows, one in _by_purity(mixture, copies):
            chosen = tables.chosen(rows)
            out[rows] = somatic_log_likelihood(chosen, one, cells)
            shapes = np.stack([copies.total[rows], copies.most_somatic[rows]], axis=1)
            for total, most in np.unique(shapes[~np.isnan(shapes[:, 0])], axis=0).tolist():
                inside = np.flatnonzero((shapes[:, 0] == total) & (shapes[:, 1] == most))
                there = somatic_log_likelihood(chosen.chosen(inside), one, somatic_cells(cells, total, most))
                both = np.stack([there, out[rows[inside]]], axis=2).reshape(-1, 2)
                weights = np.array([1.0 - COPY_DECISIONS.elsewhere, COPY_DECISIONS.elsewhere])
                out[rows[inside]] = log_weighted_mean(both, weights).reshape(there.shape)
        return out
    found = at_fraction(tables.tumor, mixture.purity * cells)
    if tables.normal is not None:
        found = found + at_fraction(tables.normal, mixture.normal_contamination * cells)
    return tables.at_place(found)


def _by_purity(mixture: Mixture, copies: CopyNumbers) -> Iterator[tuple[np.ndarray, Mixture]]:
    """(rows, mixture) of candidates of whose copies tumour cells have the same share."""
    values, which = np.unique(copies.purities(mixture.purity), return_inverse=True)
    for number, value in enumerate(values.tolist()):
        yield np.flatnonzero(which == number), replace(mixture, purity=value)


def balanced_log_likelihood(tables: Tables, balance: np.ndarray) -> np.ndarray:
    """(n,): a heterozygous germline variant whose mirrored fraction in the tumour has the density `balance` (n, nodes).

    One half of the variants is on either haplotype; where one allele is favoured, it is in both samples.
    """
    top = tables.tumor.max(axis=1)
    above = 0.0 if tables.normal is None else tables.normal.max(axis=1)
    total = np.zeros(len(top))
    for fractions, favoured, weight in zip(SEEN, HETEROZYGOUS, HETEROZYGOUS_WEIGHTS, strict=True):
        shown = exp_of(at_fraction(tables.tumor, fractions) - top[:, None])
        size = len(BALANCES)
        part = weight * 0.5 * ((shown[:, :size] + shown[:, size:]) * balance).sum(axis=1)
        if tables.normal is not None:
            part = part * exp_of(at_fraction(tables.normal, np.array([favoured]))[:, 0] - above)
        total += part
    return log_of(np.maximum(total, 1e-300)) + top + above


def _beside_copies(tables: Tables, own: np.ndarray, fraction: float) -> np.ndarray:
    """`own` (n,) log-likelihoods of germline variants of a fraction of the copies; beside a crowd half of it of fewer reads."""
    if tables.crowd is None:
        return own
    rows = np.flatnonzero(tables.crowd.beside)
    shown = at_fraction(tables.tumor[rows], fraction * (1.0 - np.array(CROWD_DECISIONS.of_a_copy)))
    fewer = log_weighted_mean(shown, np.full(shown.shape[1], 1.0 / shown.shape[1]))
    out = own.copy()
    out[rows] = log_weighted_mean(np.stack([own[rows], fewer], axis=1), np.array([0.5, 0.5]))
    return out


def other_person_log_likelihood(tables: Tables, mixture: Mixture) -> np.ndarray:
    """(n, 1): another person's heterozygous or homozygous variant in the tumour's library."""
    heterozygous, spread = DECISIONS.other_person_heterozygous, np.array(DECISIONS.other_person_spread)
    copies = np.concatenate([0.5 * spread, spread])
    by_copies = at_fraction(tables.tumor, np.minimum(copies * mixture.other_person_fraction, 1.0))
    weights = np.repeat([heterozygous, 1.0 - heterozygous], len(spread)) / len(spread)
    in_tumor = log_weighted_mean(by_copies, weights)
    found = in_tumor[:, None] + (0.0 if tables.normal is None else tables.normal[:, :1])
    found = found if tables.panel is None else found + tables.panel.germline[:, :1]
    return found if tables.crowd is None else found + tables.crowd.germline[:, None]


def evaluate(tables: Tables, mixture: Mixture, flat: bool = False, copies: CopyNumbers | None = None) -> Components:
    """Components of each candidate.

    `flat`: the paper's uniform densities (eqs. 2 to 4), integrated, so that each event but ARTIFACT is one component.
    `copies`: what is known of copy numbers: heterozygous germline variants have the fractions of their place where nothing
    else became of them, and tumour cells their share of its copies. None: two copies everywhere.
    """
    if copies is not None:
        return _evaluate_by_copies(tables, mixture, flat, copies)
    purity = mixture.purity
    tumor = tables.tumor
    n = len(tumor)
    normal = tables.normal if tables.normal is not None else np.zeros((n, GRID_SIZE))
    parts: dict[str, np.ndarray] = {}
    if flat:
        cells, cell_weights = uniform_nodes(0.0, 1.0)
        healthy, healthy_weights = uniform_nodes(0.0, 0.5)
        parts["SOMATIC_TUMOR"] = log_weighted_mean(somatic_log_likelihood(tables, mixture, cells), cell_weights)[:, None]
    else:
        cells, cell_weights = CELL_NODES, np.full(len(CELL_NODES), 1.0 / len(CELL_NODES))
        healthy, healthy_weights = NORMAL_NODES, np.full(len(NORMAL_NODES), 1.0 / len(NORMAL_NODES))
        parts["SOMATIC_TUMOR"] = somatic_log_likelihood(tables, mixture)
    subclonal = [log_weighted_mean(at_fraction(tumor, purity * cells + (1.0 - purity) * one), cell_weights) for one in healthy]
    by_healthy = np.stack(subclonal, axis=1) + at_fraction(normal, healthy)
    parts["SOMATIC_NORMAL"] = tables.at_place(log_weighted_mean(by_healthy, healthy_weights)[:, None] if flat else by_healthy)
    for number, event in enumerate(GERMLINE_EVENTS):
        fraction = EVENT_NAMED[event].healthy_fraction
        changes = [(cells, cell_weights)] if flat else germline_nodes(fraction)
        seen, seen_weights = np.array([fraction]), np.ones(1)
        if event == "GERMLINE_HET" and not flat:
            seen, seen_weights = np.array(DECISIONS.heterozygous_fractions), np.array(DECISIONS.heterozygous_weights)
        by_change = []
        for changed, weights in changes:
            in_cells = [np.clip(purity * changed + (1.0 - purity) * fraction + one - fraction, 0, 1) for one in seen]
            by_fraction = [log_weighted_mean(at_fraction(tumor, shown), weights) for shown in in_cells]
            by_change.append(log_weighted_mean(np.stack(by_fraction, axis=1) + at_fraction(normal, seen), seen_weights))
        parts[event] = np.stack(by_change, axis=1)
        if tables.panel is not None:
            parts[event] += tables.panel.germline[:, number : number + 1]
        if tables.crowd is not None:
            parts[event][:, 0] = _beside_copies(tables, parts[event][:, 0], fraction)
            parts[event] += tables.crowd.germline[:, None]
    artifact = tables.artifact
    if tables.panel is not None:
        artifact[:, :, SAME_RATE] += tables.panel.artifact
    if tables.crowd is not None:
        artifact[:, OF_COPIES] += tables.crowd.copies[:, None, None, None]
    parts["ARTIFACT"] = artifact.reshape(n, -1)
    parts[OTHER_PERSON] = other_person_log_likelihood(tables, mixture)
    parts[ABSENT] = tumor[:, :1] + normal[:, :1]
    columns, start = {}, 0
    for item in EVENT_TABLE:
        columns[item.name] = slice(start, start + parts[item.name].shape[1])
        start = columns[item.name].stop
    return Components(np.concatenate([parts[name] for name in columns], axis=1), columns)


def artifacts_apart(columns: dict[str, slice]) -> bool:
    """Whether each artefact is a component, or all together are one."""
    return columns["ARTIFACT"].stop - columns["ARTIFACT"].start > 1


def _evaluate_by_copies(tables: Tables, mixture: Mixture, flat: bool, copies: CopyNumbers) -> Components:
    n = len(tables.tumor)
    columns = evaluate(tables.chosen(np.arange(min(n, 1))), mixture, flat).columns
    out = np.empty((n, max(part.stop for part in columns.values())))
    for rows, one in _by_purity(mixture, copies):
        out[rows] = evaluate(tables.chosen(rows), one, flat).log_likelihood
    if not flat:
        out[:, columns["SOMATIC_TUMOR"]] = somatic_log_likelihood(tables, mixture, copies=copies)
        known = np.flatnonzero(copies.has_balance)
        unchanged = columns["GERMLINE_HET"].start
        chosen = tables.chosen(known)
        out[known, unchanged] = balanced_log_likelihood(chosen, copies.balance[known])
        if chosen.panel is not None:
            out[known, unchanged] += chosen.panel.germline[:, GERMLINE_EVENTS.index("GERMLINE_HET")]
        if chosen.crowd is not None:
            out[known, unchanged] = _beside_copies(chosen, out[known, unchanged], 0.5) + chosen.crowd.germline
    return Components(out, columns)


OF_ONE_SAMPLE = (ACTIVE_ON == BOTH) & (SIGNATURES == PLAIN)
"""The class whose artefacts, where the normal has none or few, look like somatic variants in all but their spectrum."""


OF_COPIES = (ACTIVE_ON == BOTH) & (SIGNATURES == IN_CONTEXT)
"""The class whose reads come from elsewhere, which companions tell where neither a normal nor a panel does."""


def possible_artifacts(
    paired: bool,
    own: bool = False,
    damaged: bool = False,
    panel: bool = False,
    alike: bool = False,
    crowds: bool = False,
) -> np.ndarray:
    """bool ARTIFACT_SHAPE: which rates each class of artefacts can have, in the normal over the tumour too.

    The normal has them at the same rate, unless some are the tumour's `own`: then those of one kind of reads may be fewer
    there, or none, and where the tumour is `damaged` those on all reads whose bases look like any others, too; all else
    would look like somatic variants. Without a normal none on all reads can be told from somatic variants but by looking like
    errors, by having one place in all reads, at whatever rate, or by damage; and there is but one rate in the samples. With
    a `panel` of normals places tell, as a normal would, and damage is what other normals don't have. Where errors and other
    bases look `alike`, that look doesn't tell either. Without both, `crowds` tell copies that the reference lacks, at any rate.
    """
    everywhere = ACTIVE_ON == BOTH
    in_tumor = ~everywhere[:, None] | (DECISIONS.most_on_all_reads >= ARTIFACT_RATES)[None, :]
    possible = np.repeat(in_tumor[:, None, :], len(ARTIFACT_RATIOS), axis=1)
    fewer = np.arange(len(ARTIFACT_RATIOS)) != SAME_RATE
    possible[np.ix_(everywhere, fewer)] = False
    possible[np.ix_(~everywhere, fewer)] &= own and paired
    if not paired:
        if not panel:
            possible[everywhere & (alike | (SIGNATURES != LIKE_ERRORS))] = False
        possible[SIGNATURES == SAME_PLACE, SAME_RATE] = True
        if crowds:
            possible[OF_COPIES, SAME_RATE] = True
    if damaged:
        ratios = paired | ~fewer | (panel & (ARTIFACT_RATIOS == 0.0))
        possible[OF_ONE_SAMPLE] = in_tumor[OF_ONE_SAMPLE][:, None, :] & ratios[None, :, None]
    return possible
