"""Learning the prior: expectation maximisation over all candidates and the territory that was searched.

Candidates were proposed because reads already showed the allele, so how common each event is must be counted over
everything that could have been proposed: what is no candidate counts as absent. For event e and class k
    rate[e, k] <- (sum of posteriors + 1/2) / (territory[k] + m),   m = min(1/2 / published[e, k], 20 kb of alleles),
which tends towards the published rate where there is little to learn from. Shared by all classes are the density of somatic
allele frequencies and, for substitutions and for indels, the density of artefact rates.
"""

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from varproof.formats.events import ABSENT, EVENTS, LEARNT_EVENTS, OTHER_PERSON, REAL_READS_EVENTS
from varproof.formats.evidence import READ_CONTEXTS, Evidence
from varproof.formats.prior import LearntPrior
from varproof.machinery.numerics import log
from varproof.machinery.numerics_numba_fns import log_of, weighted_column_sums, weighted_row_sums
from varproof.posterior.artifact_classes import ACTIVE_ON, BOTH, IN_CONTEXT, PLAIN, SIGNATURES
from varproof.posterior.classes import CLASSES, alleles_per_base, published_rates
from varproof.posterior.components import (
    ARTIFACT_RATES,
    ARTIFACT_SHAPE,
    FREQUENCY_BINS,
    NODES_PER_BIN,
    Components,
    Mixture,
    Tables,
    evaluate,
    other_person_log_likelihood,
    possible_artifacts,
    somatic_log_likelihood,
    tabulate,
    tabulated_artifacts,
)
from varproof.posterior.decisions import DECISIONS

logger = logging.getLogger(__name__)

BLOCK = 2_000
ARTIFACT_GROUPS = ("substitution", "indel")
_IS_INDEL = np.array([int(name not in ("snv", "mnv")) for name in CLASSES])


def artifact_group(class_index: np.ndarray) -> np.ndarray:
    """0 for substitutions, 1 for indels, per class index."""
    return _IS_INDEL[class_index]


def starting_prior(kind: str, territory: float, paired: bool = True) -> LearntPrior:
    """Published rates and uninformative densities; `paired`: there is a normal sample."""
    uniform = possible_artifacts(paired) / possible_artifacts(paired).sum()
    return LearntPrior(
        kind=kind,
        territory=territory,
        classes=list(CLASSES),
        rates={event: (values / alleles_per_base()).tolist() for event, values in published_rates().items()},
        frequency_bins=FREQUENCY_BINS.tolist(),
        somatic_density=np.ones(len(FREQUENCY_BINS) - 1).tolist(),
        artifact_rates=ARTIFACT_RATES.tolist(),
        artifact_density=[uniform.tolist()] * len(ARTIFACT_GROUPS),
        artifact_contexts=[[0.0] * READ_CONTEXTS] * len(ARTIFACT_GROUPS),
    )


def same_layout(prior: LearntPrior, other: LearntPrior) -> bool:
    """Whether two priors have the same classes, events, bins and rates, so that one may stand for the other."""

    def layout(one: LearntPrior) -> tuple[object, ...]:
        rates = {event: len(values) for event, values in one.rates.items()}
        density = [[len(values) for values in group] for group in one.artifact_density]
        read_context = [len(values) for values in one.artifact_contexts]
        return one.classes, rates, one.frequency_bins, len(one.somatic_density), len(one.artifact_rates), density, read_context

    return layout(prior) == layout(other)


def component_weights(prior: LearntPrior, columns: dict[str, slice]) -> np.ndarray:
    """Prior probability of every component, (classes, components); rows sum to 1."""
    weights = np.zeros((len(CLASSES), max(part.stop for part in columns.values())))
    widths = np.diff(prior.frequency_bins)
    per_node = np.repeat(np.array(prior.somatic_density) * widths / NODES_PER_BIN, NODES_PER_BIN)
    per_node /= per_node.sum()
    group = artifact_group(np.arange(len(CLASSES)))
    for event in LEARNT_EVENTS:
        rate = np.array(prior.rates[event])[:, None]
        if event == "SOMATIC_TUMOR":
            spread = np.tile(per_node, (len(CLASSES), 1))
        elif event == "ARTIFACT":
            spread = np.array([np.ravel(prior.artifact_density[g]) for g in group])
        else:
            width = columns[event].stop - columns[event].start
            spread = np.full((len(CLASSES), width), 1.0 / width)
        weights[:, columns[event]] = rate * spread
    if prior.other_person_fraction == 0.0:
        weights[:, columns[OTHER_PERSON]] = 0.0
    weights[:, columns[ABSENT]] = 1.0 - weights.sum(axis=1, keepdims=True)
    return weights


def candidate_weights(
    prior: LearntPrior, columns: dict[str, slice], class_index: np.ndarray, near_artifact: np.ndarray | None
) -> np.ndarray:
    """Prior probability of every component for each candidate, (n, components); artefacts are likelier near artefacts."""
    weights = component_weights(prior, columns)[class_index]
    if near_artifact is None:
        return weights
    factor = np.where(near_artifact, prior.artifact_enrichment, prior.artifact_depletion)[:, None]
    artifact, absent = columns["ARTIFACT"], columns[ABSENT]
    factor = np.minimum(factor, DECISIONS.most_artifacts / np.maximum(weights[:, artifact].sum(axis=1, keepdims=True), 1e-300))
    weights[:, artifact] *= factor
    weights[:, absent] = 0.0
    weights[:, absent] = 1.0 - weights.sum(axis=1, keepdims=True)
    return weights


class _Learner:
    """The candidates' component likelihoods, scaled per candidate, and one step of expectation maximisation."""

    def __init__(self, components: Components, class_index: np.ndarray, prior: LearntPrior, paired: bool) -> None:
        self.columns, self.absent = components.columns, components.absent
        self.paired = paired
        self.likelihood, self.top = components.scaled(component_weights(prior, self.columns)[class_index])
        order = np.argsort(class_index, kind="stable")
        self.likelihood, self.top = self.likelihood[order], self.top[order]
        bounds = np.searchsorted(class_index[order], np.arange(len(CLASSES) + 1))
        self.members = [slice(a, b) for a, b in itertools.pairwise(bounds)]
        self.territory = prior.territory * alleles_per_base()
        self.pseudo_territory = DECISIONS.most_pseudo_bases * alleles_per_base()
        self.published = {event: values / alleles_per_base() for event, values in published_rates().items()}

    def step(self, prior: LearntPrior) -> tuple[LearntPrior, float, np.ndarray]:
        """(updated prior, log-evidence under the old one, expected count per component)."""
        weights = component_weights(prior, self.columns)
        expected = np.zeros_like(weights)
        evidence = 0.0
        for k, members in enumerate(self.members):
            size = members.stop - members.start
            if size == 0:
                continue
            likelihood = self.likelihood[members]
            total = weighted_row_sums(likelihood, weights[k])
            expected[k] = weighted_column_sums(likelihood, 1.0 / total) * weights[k]
            evidence += float((log_of(total) + self.top[members]).sum())
            evidence += max(0.0, self.territory[k] - size) * log(float(weights[k, self.absent]))
        return self._maximised(prior, expected), evidence, expected

    def _maximised(self, prior: LearntPrior, expected: np.ndarray) -> LearntPrior:
        rates = {}
        for event in LEARNT_EVENTS:
            count = expected[:, self.columns[event]].sum(axis=1)
            searched = np.maximum(self.territory, count)
            pseudo = DECISIONS.pseudo_count
            rate = (count + pseudo) / (searched + np.minimum(pseudo / self.published[event], self.pseudo_territory))
            rates[event] = np.minimum(rate, DECISIONS.largest_rate).tolist()
        if not self.paired:
            rates["SOMATIC_NORMAL"] = [DECISIONS.unpaired_somatic_normal * rate for rate in rates["SOMATIC_TUMOR"]]
        somatic = expected[:, self.columns["SOMATIC_TUMOR"]].sum(axis=0).reshape(-1, NODES_PER_BIN).sum(axis=1)
        widths = np.diff(FREQUENCY_BINS)
        somatic += DECISIONS.frequency_pseudo_count * len(widths) * widths
        density = somatic / somatic.sum() / widths
        artifact = []
        possible = possible_artifacts(self.paired)
        group = artifact_group(np.arange(len(CLASSES)))
        for g in range(len(ARTIFACT_GROUPS)):
            counts = expected[group == g][:, self.columns["ARTIFACT"]].sum(axis=0).reshape(ARTIFACT_SHAPE)
            counts = counts + DECISIONS.artifact_pseudo_count * possible / possible.sum()
            artifact.append((counts / counts.sum()).tolist())
        return prior.model_copy(update={"rates": rates, "somatic_density": density.tolist(), "artifact_density": artifact})

    def run(self, prior: LearntPrior, iterations: int) -> tuple[LearntPrior, float]:
        """Iterate until the log-evidence no longer grows."""
        before = -np.inf
        evidence = before
        for _ in range(iterations):
            prior, evidence, _ = self.step(prior)
            if evidence - before < DECISIONS.tolerance:
                break
            before = evidence
        return prior, evidence


@dataclass(frozen=True)
class Sampled:
    """Candidates to learn from or to score: evidence of both samples, class index, whether it is an SNV."""

    tumor: Evidence
    normal: Evidence | None
    class_index: np.ndarray
    is_snv: np.ndarray

    def chosen(self, rows: np.ndarray) -> "Sampled":
        """The candidates `rows`."""
        normal = None if self.normal is None else self.normal.rows(rows)
        return Sampled(self.tumor.rows(rows), normal, self.class_index[rows], self.is_snv[rows])

    def tables(self, prior: LearntPrior) -> Tables:
        """Likelihood tables under the prior's artefact read contexts."""
        return tabulate(self.tumor, self.normal, self.is_snv, context_ratios(prior, self.class_index))

    def with_read_contexts(self, tables: Tables, prior: LearntPrior) -> Tables:
        """Tables of these candidates, under the read contexts of artefacts that `prior` has."""
        ratios = context_ratios(prior, self.class_index)
        return replace(tables, artifact=tabulated_artifacts(self.tumor, self.normal, self.is_snv, ratios))


def context_ratios(prior: LearntPrior, class_index: np.ndarray) -> np.ndarray:
    """(n, READ_CONTEXTS) of the prior's groups."""
    return np.array(prior.artifact_contexts)[artifact_group(class_index)]


def learn_prior(sampled: Sampled, territory: float, purity: float, normal_contamination: float | None) -> LearntPrior:
    """The prior that explains the candidates (n) and the territory (bases) best.

    `normal_contamination`: fraction of tumour cells in the normal sample, None to learn it. Candidates that nothing explains
    `worth_learning_from` times better than absence count as territory. Deterministic.
    """
    prior = starting_prior("empirical", territory, sampled.normal is not None)
    prior = prior.model_copy(update={"candidates_used": len(sampled.class_index)})
    if len(sampled.class_index) == 0:
        return prior
    rows = _worth_learning_from(sampled, prior, purity)
    if not len(rows):
        return prior
    step = -(-len(rows) // DECISIONS.most_informative)
    prior = prior.model_copy(update={"territory": territory / step})
    sampled = sampled.chosen(rows[::step])
    tables = sampled.tables(prior)
    prior = _learn_mixture(prior, tables, sampled.class_index, purity, normal_contamination)
    mixture = Mixture(purity, prior.normal_contamination, prior.other_person_fraction)
    prior = _learn_read_contexts(prior, evaluate(tables, mixture), sampled)
    tables = sampled.with_read_contexts(tables, prior)
    learner = _Learner(evaluate(tables, mixture), sampled.class_index, prior, sampled.normal is not None)
    return learner.run(prior, DECISIONS.max_iterations)[0].model_copy(update={"territory": territory})


def _worth_learning_from(sampled: Sampled, prior: LearntPrior, purity: float) -> np.ndarray:
    """Candidates (indices) that something explains better than absence does; tabulated in blocks, so that memory is bounded."""
    worth = []
    for start in range(0, len(sampled.class_index), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(sampled.class_index)))
        found = evaluate(sampled.chosen(rows).tables(prior), Mixture(purity))
        gain = found.log_likelihood.max(axis=1) - found.log_likelihood[:, found.absent]
        worth.append(rows[gain > log(DECISIONS.worth_learning_from)])
    return np.concatenate(worth)


def _learn_mixture(
    prior: LearntPrior, tables: Tables, class_index: np.ndarray, purity: float, normal_contamination: float | None
) -> LearntPrior:
    """Tumour cells in the normal, then another person in the tumour: the choice with most evidence, and the prior under it."""
    components = evaluate(tables, Mixture(purity))

    def trial(contamination: float, other_person: float, iterations: int) -> tuple[LearntPrior, float]:
        mixture = Mixture(purity, contamination, other_person)
        log_likelihood = components.log_likelihood.copy()
        log_likelihood[:, components.columns["SOMATIC_TUMOR"]] = somatic_log_likelihood(tables, mixture)
        log_likelihood[:, components.columns[OTHER_PERSON]] = other_person_log_likelihood(tables, mixture)
        begin = prior.model_copy(update={"normal_contamination": contamination, "other_person_fraction": other_person})
        learner = _Learner(Components(log_likelihood, components.columns), class_index, begin, tables.normal is not None)
        return learner.run(begin, iterations)

    contamination = normal_contamination
    if contamination is None:
        contamination = 0.0
        if tables.normal is not None:
            contamination = _best(
                DECISIONS.contamination_choices, lambda value: trial(value, 0.0, DECISIONS.search_iterations)[1]
            )
    other_person = _best(
        DECISIONS.other_person_choices, lambda value: trial(contamination, value, DECISIONS.search_iterations)[1]
    )
    return trial(contamination, other_person, DECISIONS.max_iterations)[0]


def _learn_read_contexts(prior: LearntPrior, components: Components, sampled: Sampled) -> LearntPrior:
    """How reads of this sample's artefacts look otherwise, against reads of its variants.

    Counts fragments that support the allele by read context, weighted by the posterior of an artefact on all reads and by that
    of a germline or somatic variant; artefacts are shrunk towards variants by `context_pseudo_count` fragments.
    """
    weights = component_weights(prior, components.columns)[sampled.class_index]
    joint = components.scaled(weights)[0] * weights
    joint /= joint.sum(axis=1, keepdims=True)
    by_class = joint[:, components.columns["ARTIFACT"]].reshape(-1, *ARTIFACT_SHAPE).sum(axis=2)
    artifact = by_class[:, np.isin(SIGNATURES, (PLAIN, IN_CONTEXT)) & (ACTIVE_ON == BOTH)].sum(axis=1)
    variant = sum(joint[:, components.columns[event]].sum(axis=1) for event in REAL_READS_EVENTS)
    group = artifact_group(sampled.class_index)
    ratios = []
    for g in range(len(ARTIFACT_GROUPS)):
        seen = [_read_context_counts(sampled, np.where(group == g, weight, 0.0)) for weight in (artifact, variant)]
        usual = (seen[1] + 0.5) / (seen[1] + 0.5).sum()
        unusual = (seen[0] + DECISIONS.context_pseudo_count * usual) / (seen[0].sum() + DECISIONS.context_pseudo_count)
        ratios.append(
            np.clip(log_of(unusual / usual), -DECISIONS.largest_context_ratio, DECISIONS.largest_context_ratio).tolist()
        )
    return prior.model_copy(update={"artifact_contexts": ratios})


def _read_context_counts(sampled: Sampled, weight: np.ndarray) -> np.ndarray:
    """(READ_CONTEXTS,) fragments that support the allele, weighted by candidate."""
    counts = np.zeros(READ_CONTEXTS)
    for evidence in (sampled.tumor, sampled.normal):
        if evidence is not None:
            per_row = np.repeat(weight, np.diff(evidence.offset)) * evidence.count
            supports = (evidence.log_ratio > DECISIONS.supporting_log_ratio) & (evidence.strand > 0)
            counts += np.bincount(evidence.read_context[supports], per_row[supports], READ_CONTEXTS)
    return counts


def _best(choices: Sequence[float], evidence_of: Callable[[float], float]) -> float:
    """The ascending choice with the most evidence, unless it is hardly better than the first.

    Ends early where the last `hopeless_choices` were worse than the best by `hopeless`.
    """
    evidence: list[float] = []
    for value in choices:
        evidence.append(evidence_of(value))
        if (
            len(evidence) > DECISIONS.hopeless_choices
            and max(evidence[-DECISIONS.hopeless_choices :]) < max(evidence) - DECISIONS.hopeless
        ):
            break
    best = int(np.argmax(evidence))
    logger.debug("evidence by choice: %s", dict(zip(choices, np.round(np.array(evidence) - evidence[0], 2), strict=False)))
    return choices[best] if evidence[best] - evidence[0] > DECISIONS.convincing_contamination else choices[0]


def describe(prior: LearntPrior) -> list[str]:
    """What was learnt, in lines for the log: rates per Mbp by type of variant (by length class they are in the header)."""
    alleles = alleles_per_base()
    types = [name.split("_")[0] for name in prior.classes]
    lines = [
        f"learnt from {prior.candidates_used} candidates in {prior.territory:.0f} searched bases; tumour cells in the normal: "
        f"{prior.normal_contamination:.1%}; another person in the tumour: {prior.other_person_fraction:.1%}; "
        f"artefacts near artefacts: {prior.artifact_enrichment:.3g} times as many"
    ]
    for event, rates in prior.rates.items():
        per_mbp = np.array(rates) * alleles * 1e6
        by_type = [(name, sum(v for t, v in zip(types, per_mbp, strict=True) if t == name)) for name in dict.fromkeys(types)]
        if event in EVENTS:
            lines.append(f"{event} per Mbp: " + ", ".join(f"{name} {value:.3g}" for name, value in by_type))
    return lines
