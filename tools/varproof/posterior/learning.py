"""Learning the prior: expectation maximisation over candidates and the territory that was searched for them.

Candidates were proposed because reads already showed the allele, so how common each event is must be counted over everything
that could have been proposed: what is no candidate counts as absent, and what is rarely noticed counts for more
(`selection`). For event e and class k the rate r is the most probable one of n, a count of Poisson's over the territory T,
under a normal prior of its logarithm around the published rate u:
    n - T r - (ln r - ln u) / sd^2 = 0,
which stays at the published rate where there is little to learn from. Shared by all classes are the density of somatic allele
frequencies, what becomes of germline variants in tumour cells, and, for substitutions and for indels, the density of artefact
rates in both samples; SNVs have spectra by event.
"""

import itertools
import logging
from dataclasses import dataclass, replace

import numpy as np

from varproof.formats.events import EVENTS, GERMLINE_EVENTS, LEARNT_EVENTS, OTHER_PERSON, REAL_READS_EVENTS
from varproof.formats.evidence import READ_CONTEXTS, Evidence
from varproof.formats.prior import LearntPrior
from varproof.machinery.numerics import exp, log
from varproof.machinery.numerics_numba_fns import log_of, scaled_likelihoods, weighted_column_sums, weighted_row_sums
from varproof.posterior.artifact_classes import ACTIVE_ON, ARTIFACT_CLASSES, BOTH, IN_CONTEXT, PLAIN, SIGNATURES
from varproof.posterior.classes import CLASSES, alleles_per_base, published_rates
from varproof.posterior.components import (
    ARTIFACT_RATES,
    ARTIFACT_RATIOS,
    ARTIFACT_SHAPE,
    FREQUENCY_BINS,
    LIKE_ERRORS_ON_ALL,
    NODES_PER_BIN,
    NORMAL_NODES,
    Components,
    Mixture,
    Tables,
    artifacts_apart,
    evaluate,
    other_person_log_likelihood,
    possible_artifacts,
    published_germline_changes,
    somatic_log_likelihood,
    tabulate,
    tabulated_artifacts,
)
from varproof.posterior.copy_number import BALANCES, CopyNumbers
from varproof.posterior.damage import damaged_substitutions
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.mixture import HomozygousSites, best_choice, homozygous_sites
from varproof.posterior.score import component_posteriors
from varproof.posterior.selection import UNKNOWN_RULE, Selection, selected
from varproof.posterior.spectra import (
    ARTIFACTS,
    CONTEXTS,
    DAMAGE,
    GERMLINE,
    NO_CONTEXT,
    SOMATIC,
    context_factors,
    damage_components,
    even_spectra,
    learnt_spectra,
)
from varproof.posterior.weights import ARTIFACT_GROUPS, artifact_group, candidate_weights, completed, component_weights

logger = logging.getLogger(__name__)

BLOCK = 2_000
SNV = CLASSES.index("snv")


def starting_prior(kind: str, territory: float, paired: bool = True) -> LearntPrior:
    """Published rates and uninformative densities; `paired`: there is a normal."""
    return LearntPrior(
        kind=kind,
        territory=territory,
        paired=paired,
        classes=list(CLASSES),
        rates={event: (values / alleles_per_base()).tolist() for event, values in published_rates().items()},
        frequency_bins=FREQUENCY_BINS.tolist(),
        somatic_density=np.ones(len(FREQUENCY_BINS) - 1).tolist(),
        normal_density=np.full(len(NORMAL_NODES), 1.0 / len(NORMAL_NODES)).tolist(),
        germline_changes=published_germline_changes(paired).tolist(),
        artifact_rates=ARTIFACT_RATES.tolist(),
        artifact_ratios=ARTIFACT_RATIOS.tolist(),
        artifact_density=[even_density(paired)] * len(ARTIFACT_GROUPS),
        artifact_contexts=[[0.0] * READ_CONTEXTS] * len(ARTIFACT_GROUPS),
        spectra=even_spectra(),
    )


def even_density(paired: bool, own: bool = False, damaged: bool = False, like_errors: bool = True) -> list[list[list[float]]]:
    """Every artefact that is possible (see `possible_artifacts`) alike, ARTIFACT_SHAPE."""
    possible = possible_artifacts(paired, own, damaged, like_errors)
    density: list[list[list[float]]] = (possible / possible.sum()).tolist()
    return density


def same_layout(prior: LearntPrior, other: LearntPrior) -> bool:
    """Whether two priors have the same classes, events, bins and rates, so that one may stand for the other."""

    def layout(one: LearntPrior) -> tuple[object, ...]:
        lengths = [len(one.somatic_density), len(one.normal_density), len(one.germline_changes), len(one.artifact_rates)]
        rates = {event: len(values) for event, values in one.rates.items()}
        spectra = {name: len(values) for name, values in one.spectra.items()}
        density = [[[len(values) for values in ratios] for ratios in group] for group in one.artifact_density]
        read_context = [len(values) for values in one.artifact_contexts]
        return one.classes, rates, one.frequency_bins, lengths, one.artifact_ratios, density, read_context, spectra

    nodes = [len(one.balance.mixture) for one in (prior, other) if one.balance is not None]
    return layout(prior) == layout(other) and all(number == len(BALANCES) for number in nodes)


@dataclass(frozen=True)
class _Shown:
    """What is known of how candidates became such: depth of the tumour, fragments; the rule."""

    depth: float
    rule: Selection


class _Learner:
    """The candidates' component likelihoods, scaled per candidate, and one step of expectation maximisation.

    Candidates of one class and one context, which have the same weights, form a cell.
    """

    def __init__(
        self,
        components: Components,
        class_index: np.ndarray,
        context: np.ndarray,
        prior: LearntPrior,
        shown: _Shown,
        mixture: Mixture,
    ) -> None:
        self.columns, self.absent = components.columns, components.absent
        cell = class_index * (CONTEXTS + 1) + context % (CONTEXTS + 1)
        order = np.argsort(cell, kind="stable")
        self.likelihood, self.top = components.scaled(component_weights(prior, self.columns)[class_index])
        self.likelihood, self.top = self.likelihood[order], self.top[order]
        cells, first = np.unique(cell[order], return_index=True)
        bounds = [*first.tolist(), len(cell)]
        self.members = [slice(a, b) for a, b in itertools.pairwise(bounds)]
        self.cell_class, self.cell_context = cells // (CONTEXTS + 1), cells % (CONTEXTS + 1)
        self.searched = np.maximum(prior.territory * alleles_per_base(), 1.0)
        self.sizes = np.bincount(class_index, minlength=len(CLASSES))
        self.selected = selected(self.columns, mixture, shown.depth, shown.rule)
        self.published = {event: values / alleles_per_base() for event, values in published_rates().items()}
        self.log_sd = dict.fromkeys(LEARNT_EVENTS, DECISIONS.log_rate_sd)
        if mixture.other_person_fraction > 0.0:
            scale = DECISIONS.other_person_per_base / (3.0 * self.published[OTHER_PERSON][SNV])
            self.published[OTHER_PERSON] = self.published[OTHER_PERSON] * scale
            self.log_sd[OTHER_PERSON] = DECISIONS.other_person_log_sd

    def step(self, prior: LearntPrior) -> tuple[LearntPrior, float]:
        """(updated prior, log-evidence under the old one)."""
        by_class = component_weights(prior, self.columns)
        weights = completed(by_class[self.cell_class] * context_factors(prior, self.columns)[self.cell_context], self.columns)
        expected = np.zeros_like(weights)
        seen = (by_class * self.selected).sum(axis=1) - by_class[:, self.absent]
        unseen = np.maximum(0.0, self.searched - self.sizes)
        evidence = float((unseen * log_of(1.0 - np.minimum(seen, 0.9))).sum())
        for cell, members in enumerate(self.members):
            likelihood = self.likelihood[members]
            total = weighted_row_sums(likelihood, weights[cell])
            expected[cell] = weighted_column_sums(likelihood, 1.0 / total) * weights[cell]
            evidence += float((log_of(total) + self.top[members]).sum())
        return self._maximised(prior, expected / self.selected), evidence

    def _maximised(self, prior: LearntPrior, expected: np.ndarray) -> LearntPrior:
        by_class = np.zeros((len(CLASSES), expected.shape[1]))
        np.add.at(by_class, self.cell_class, expected)
        rates = {}
        for event in LEARNT_EVENTS:
            count = by_class[:, self.columns[event]].sum(axis=1)
            rate = most_probable_rates(count, np.maximum(self.searched, count), self.published[event], self.log_sd[event])
            rates[event] = np.minimum(rate, DECISIONS.largest_rate).tolist()
        if not prior.paired:
            rates["SOMATIC_NORMAL"] = [DECISIONS.unpaired_somatic_normal * rate for rate in rates["SOMATIC_TUMOR"]]
        total = by_class.sum(axis=0)
        somatic = total[self.columns["SOMATIC_TUMOR"]].reshape(-1, NODES_PER_BIN).sum(axis=1)
        widths = np.diff(FREQUENCY_BINS)
        somatic += DECISIONS.frequency_pseudo_count * len(widths) * widths
        update = {"rates": rates, "somatic_density": (somatic / somatic.sum() / widths).tolist()}
        if prior.paired:
            in_normal = total[self.columns["SOMATIC_NORMAL"]] + DECISIONS.normal_pseudo_count / len(NORMAL_NODES)
            changes = sum(total[self.columns[event]] for event in GERMLINE_EVENTS)
            changes = changes + DECISIONS.germline_pseudo_count * published_germline_changes(True)
            update |= {"normal_density": (in_normal / in_normal.sum()).tolist()}
            update |= {"germline_changes": (changes / changes.sum()).tolist()}
        if artifacts_apart(self.columns):
            update |= self._maximised_artifacts(prior, by_class) | {"spectra": self._maximised_spectra(prior, expected)}
        return prior.model_copy(update=update)

    def _maximised_artifacts(self, prior: LearntPrior, by_class: np.ndarray) -> dict[str, object]:
        artifact, group = [], artifact_group(np.arange(len(CLASSES)))
        for g in range(len(ARTIFACT_GROUPS)):
            possible = np.array(prior.artifact_density[g]) > 0.0
            counts = by_class[group == g][:, self.columns["ARTIFACT"]].sum(axis=0).reshape(ARTIFACT_SHAPE)
            counts = counts + DECISIONS.artifact_pseudo_count * possible / possible.sum()
            artifact.append((counts / counts.sum()).tolist())
        return {"artifact_density": artifact}

    def _maximised_spectra(self, prior: LearntPrior, expected: np.ndarray) -> dict[str, list[float]]:
        snv = self.cell_class == SNV
        known = snv & (self.cell_context < CONTEXTS)
        by_context = np.zeros((CONTEXTS, expected.shape[1]))
        by_context[self.cell_context[known]] = expected[known]
        artifacts = by_context[:, self.columns["ARTIFACT"]]
        damage = damage_components(prior.paired)
        of_class = np.where(damage, 0.0, artifacts).reshape(CONTEXTS, ARTIFACT_CLASSES, -1).sum(axis=2)
        counts = {name: of_class[:, number] for number, name in enumerate(ARTIFACTS)}
        counts[SOMATIC] = by_context[:, self.columns["SOMATIC_TUMOR"]].sum(axis=1)
        counts[GERMLINE] = sum(by_context[:, self.columns[event]].sum(axis=1) for event in GERMLINE_EVENTS)
        counts[DAMAGE] = artifacts[:, damage].sum(axis=1)
        return learnt_spectra(counts, prior.damage)

    def run(self, prior: LearntPrior, iterations: int) -> tuple[LearntPrior, float]:
        """Iterate until the log-evidence no longer grows."""
        before = -np.inf
        evidence = before
        for _ in range(iterations):
            prior, evidence = self.step(prior)
            if evidence - before < DECISIONS.tolerance:
                break
            before = evidence
        return prior, evidence


def most_probable_rates(count: np.ndarray, searched: np.ndarray, published: np.ndarray, log_sd: float) -> np.ndarray:
    """Rates (k,) that are most probable for expected counts over so many searched alleles: see the module's equation.

    Newton's method on the logarithm; what the data and the prior ask for lie on either side.
    """
    precision = 1.0 / log_sd**2
    rates = []
    for n, territory, usual in zip(count.tolist(), searched.tolist(), published.tolist(), strict=True):
        centre = log(usual)
        x = max(centre, log(max(n, 1e-300) / territory))
        for _ in range(60):
            expected = territory * exp(x)
            step = (n - expected - precision * (x - centre)) / (expected + precision)
            x += step
            if abs(step) < 1e-12:
                break
        rates.append(exp(x))
    return np.array(rates)


@dataclass(frozen=True)
class Sampled:
    """Candidates to learn from or to score: evidence of both samples, class index, whether it is an SNV, its context.

    `context` (n,): see `spectra.context_index`; NO_CONTEXT everywhere if not given. `copies`: what is known of copy numbers,
    None: two everywhere.
    """

    tumor: Evidence
    normal: Evidence | None
    class_index: np.ndarray
    is_snv: np.ndarray
    context: np.ndarray | None = None
    copies: CopyNumbers | None = None

    @property
    def contexts(self) -> np.ndarray:
        """int (n,)."""
        return np.full(len(self.class_index), NO_CONTEXT) if self.context is None else self.context

    def chosen(self, rows: np.ndarray) -> "Sampled":
        """The candidates `rows`."""
        normal = None if self.normal is None else self.normal.rows(rows)
        copies = None if self.copies is None else self.copies.chosen(rows)
        return Sampled(self.tumor.rows(rows), normal, self.class_index[rows], self.is_snv[rows], self.contexts[rows], copies)

    def tables(self, prior: LearntPrior) -> Tables:
        """Likelihood tables under the prior's artefact read contexts."""
        return tabulate(self.tumor, self.normal, self.is_snv, context_ratios(prior, self.class_index))

    def with_read_contexts(self, tables: Tables, prior: LearntPrior) -> Tables:
        """Tables of these candidates, under the read contexts of artefacts that `prior` has."""
        ratios = context_ratios(prior, self.class_index)
        artifact_tumor, artifact_normal = tabulated_artifacts(self.tumor, self.normal, self.is_snv, ratios)
        return replace(tables, artifact_tumor=artifact_tumor, artifact_normal=artifact_normal)


def context_ratios(prior: LearntPrior, class_index: np.ndarray) -> np.ndarray:
    """(n, READ_CONTEXTS) of the prior's groups."""
    return np.array(prior.artifact_contexts)[artifact_group(class_index)]


def learn_prior(
    sampled: Sampled,
    territory: float,
    purity: float,
    normal_contamination: float | None,
    selection: Selection = UNKNOWN_RULE,
) -> LearntPrior:
    """The prior that explains the candidates (n) and the territory (bases) best.

    `normal_contamination`: fraction of tumour cells in the normal sample, None to learn it. `selection`: by which rule of their
    reads they became candidates. Candidates that nothing explains `worth_learning_from` times better than absence count as
    territory. Deterministic.
    """
    paired = sampled.normal is not None
    prior = starting_prior("empirical", territory, paired)
    prior = prior.model_copy(update={"candidates_used": len(sampled.class_index)})
    if len(sampled.class_index) == 0:
        return prior
    shown = _Shown(float(np.median(sampled.tumor.usable)), selection)
    sites = _homozygous_sites(sampled)
    logger.debug("homozygous variants: %s", sites)
    rows = _worth_learning_from(sampled, prior, purity)
    if not len(rows):
        return prior
    step = -(-len(rows) // DECISIONS.most_informative)
    prior = prior.model_copy(update={"territory": territory / step})
    sampled = sampled.chosen(rows[::step])
    tables = sampled.tables(prior)
    unmixed = Mixture(purity)
    components = evaluate(tables, unmixed, copies=sampled.copies)
    learnt, found = _trained(components, sampled, prior, shown, unmixed, DECISIONS.search_iterations)
    evidence: float | None = found
    prior = _learn_mixture(prior, learnt, components, tables, sampled, shown, purity, normal_contamination, sites)
    mixture = Mixture(purity, prior.normal_contamination, prior.other_person_fraction)
    if mixture != unmixed:
        components, evidence = evaluate(tables, mixture, copies=sampled.copies), None
    prior = _with_own_artifacts(prior, evidence, components, sampled, shown, mixture)
    prior = _with_like_errors(prior, components, sampled, shown, mixture)
    learnt, _ = _trained(components, sampled, prior, shown, mixture, DECISIONS.max_iterations)
    prior = prior.model_copy(update={"artifact_contexts": _read_contexts(learnt, components, sampled)})
    tables = sampled.with_read_contexts(tables, prior)
    components = evaluate(tables, mixture, copies=sampled.copies)
    prior = _with_damage(prior, learnt, components, sampled)
    learnt, _ = _trained(components, sampled, prior, shown, mixture, DECISIONS.max_iterations)
    return learnt.model_copy(update={"territory": territory})


def _with_own_artifacts(
    prior: LearntPrior,
    evidence: float | None,
    components: Components,
    sampled: Sampled,
    shown: _Shown,
    mixture: Mixture,
) -> LearntPrior:
    """The prior, with artefacts of one kind of reads that are the tumour's own, if these explain so much more.

    evidence: log-evidence without them, None where it is yet to be computed.
    """
    if not prior.paired:
        return prior
    density = even_density(True, own=True)
    own = prior.model_copy(update={"artifact_density": [density] * len(ARTIFACT_GROUPS)})
    iterations = DECISIONS.search_iterations
    if evidence is None:
        evidence = _trained(components, sampled, prior, shown, mixture, iterations)[1]
    gain = _trained(components, sampled, own, shown, mixture, iterations)[1] - evidence
    logger.debug("evidence of artefacts of the tumour alone: %.2f", gain)
    beside = DECISIONS.beside_other_person if mixture.other_person_fraction > 0.0 else 1.0
    if gain <= beside * DECISIONS.convincing_own_artifacts:
        return prior
    logger.warning(
        "artefacts of one strand or one read orientation that the normal lacks: damage of the tumour's library, or libraries "
        "that were made differently; a normal of the same preparation, or a panel of normals, would tell them better"
    )
    return own


def _with_like_errors(
    prior: LearntPrior, components: Components, sampled: Sampled, shown: _Shown, mixture: Mixture
) -> LearntPrior:
    """Without a normal: the prior without artefacts on all reads that look like errors, unless their looks tell.

    By their rates alone they can't be told from somatic variants: where their bases say nothing, either would take all of them.
    So they have to explain more than artefacts with the same rates would that look like anything, and each of them audibly so:
    how errors look is measured, and the deviations of many reads add up.
    """
    if prior.paired:
        return prior
    usual = np.array(even_density(False))
    bare = np.array(even_density(False, like_errors=False))
    plain = bare * (1.0 - usual[LIKE_ERRORS_ON_ALL].sum())
    plain[(ACTIVE_ON == BOTH) & (SIGNATURES == IN_CONTEXT)] = usual[LIKE_ERRORS_ON_ALL]
    found = [bare.tolist()] * len(ARTIFACT_GROUPS)

    def trained(group: int, density: np.ndarray) -> tuple[LearntPrior, float]:
        densities = [density.tolist() if g == group else bare.tolist() for g in range(len(ARTIFACT_GROUPS))]
        trial = prior.model_copy(update={"artifact_density": densities})
        return _trained(components, sampled, trial, shown, mixture, DECISIONS.search_iterations)

    for g, name in enumerate(ARTIFACT_GROUPS):
        learnt, evidence = trained(g, usual)
        gain = evidence - max(trained(g, plain)[1], trained(g, bare)[1])
        by_class = _posteriors(learnt, components, sampled)[:, components.columns["ARTIFACT"]].reshape(-1, *ARTIFACT_SHAPE)
        number = float(by_class[artifact_group(sampled.class_index) == g][:, LIKE_ERRORS_ON_ALL].sum())
        logger.debug("evidence that %.1f artefacts look like errors, %ss: %.2f", number, name, gain)
        if gain > max(DECISIONS.convincing_like_errors, DECISIONS.audible * number):
            found[g] = usual.tolist()
    return prior.model_copy(update={"artifact_density": found})


def _with_damage(prior: LearntPrior, learnt: LearntPrior, components: Components, sampled: Sampled) -> LearntPrior:
    """The prior, with damage of the tumour where there is; `learnt` without any."""
    damage = _damage(learnt, components, sampled)
    if not damage:
        return prior
    logger.warning(
        "%s is commoner among rare variants of the tumour than other substitutions are: damage of its library (such as of "
        "fixed tissue), or a late mutational process; what can't be told apart is not called. Another normal, a panel of "
        "normals, or repair of the DNA before sequencing (UDG) would tell",
        " and ".join(damage),
    )
    like_errors = prior.paired or bool(np.array(prior.artifact_density[0])[LIKE_ERRORS_ON_ALL].any())
    density = even_density(prior.paired, own=True, damaged=True, like_errors=like_errors)
    return prior.model_copy(update={"damage": damage, "artifact_density": [density, prior.artifact_density[1]]})


def _trained(
    components: Components, sampled: Sampled, prior: LearntPrior, shown: _Shown, mixture: Mixture, iterations: int
) -> tuple[LearntPrior, float]:
    """(prior, log-evidence)."""
    learner = _Learner(components, sampled.class_index, sampled.contexts, prior, shown, mixture)
    return learner.run(prior, iterations)


def _worth_learning_from(sampled: Sampled, prior: LearntPrior, purity: float) -> np.ndarray:
    """Candidates (indices) that something explains better than absence does; tabulated in blocks, so that memory is bounded."""
    worth = []
    possible = possible_artifacts(sampled.normal is not None, own=True, damaged=True).ravel()
    for start in range(0, len(sampled.class_index), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(sampled.class_index)))
        block = sampled.chosen(rows)
        found = evaluate(block.tables(prior), Mixture(purity), copies=block.copies)
        part = found.columns["ARTIFACT"]
        found.log_likelihood[:, part][:, ~possible] = -np.inf
        gain = found.log_likelihood.max(axis=1) - found.log_likelihood[:, found.absent]
        worth.append(rows[gain > log(DECISIONS.worth_learning_from)])
    return np.concatenate(worth)


def _learn_mixture(
    prior: LearntPrior,
    learnt: LearntPrior,
    components: Components,
    tables: Tables,
    sampled: Sampled,
    shown: _Shown,
    purity: float,
    normal_contamination: float | None,
    sites: HomozygousSites,
) -> LearntPrior:
    """Tumour cells in the normal, then another person in the tumour: `prior` with the choices of most evidence.

    Artefacts are as `learnt` without any, so that they are one component in these trials.
    """
    one = _with_one_artifact(components, learnt, sampled)

    def evidence_of(contamination: float, other_person: float) -> float:
        mixture = Mixture(purity, contamination, other_person)
        log_likelihood = one.log_likelihood.copy()
        log_likelihood[:, one.columns["SOMATIC_TUMOR"]] = somatic_log_likelihood(tables, mixture, copies=sampled.copies)
        log_likelihood[:, one.columns[OTHER_PERSON]] = other_person_log_likelihood(tables, mixture)
        begin = prior.model_copy(update={"normal_contamination": contamination, "other_person_fraction": other_person})
        learner = _Learner(
            Components(log_likelihood, one.columns), sampled.class_index, sampled.contexts, begin, shown, mixture
        )
        return learner.run(begin, DECISIONS.search_iterations)[1]

    contamination = normal_contamination
    if contamination is None:
        choices = DECISIONS.contamination_choices if tables.normal is not None else (0.0,)
        contamination = best_choice(choices, lambda value: evidence_of(value, 0.0))
    other_person = best_choice(sites.choices(), lambda value: evidence_of(contamination, value), -DECISIONS.contradicted)
    if other_person > 0.0:
        logger.warning(
            "another person's reads in the tumour, about %.1f %%: at %d homozygous variants %.1f %% of its reads are of the "
            "reference, beyond the normal's. What may be that person's is not called; a clean library would tell",
            100.0 * other_person,
            sites.sites,
            100.0 * sites.share,
        )
    return prior.model_copy(update={"normal_contamination": contamination, "other_person_fraction": other_person})


def _homozygous_sites(sampled: Sampled) -> HomozygousSites:
    def counts(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
        return evidence.reference_count.astype(np.float64), evidence.alternative_count.astype(np.float64)

    normal = None if sampled.normal is None else counts(sampled.normal)
    return homozygous_sites(sampled.is_snv, counts(sampled.tumor), normal)


def _with_one_artifact(components: Components, prior: LearntPrior, sampled: Sampled) -> Components:
    """The same with all artefacts as one component, by the densities of `prior`."""
    columns, part = components.columns, components.columns["ARTIFACT"]
    weights = component_weights(prior, columns)[sampled.class_index] * context_factors(prior, columns)[sampled.contexts]
    weights = np.ascontiguousarray(weights[:, part])
    likelihood, top = scaled_likelihoods(np.ascontiguousarray(components.log_likelihood[:, part]), weights)
    mean = log_of((likelihood * weights).sum(axis=1) / weights.sum(axis=1)) + top
    parts, narrow, start = [], {}, 0
    for event, own in columns.items():
        values = mean[:, None] if event == "ARTIFACT" else components.log_likelihood[:, own]
        narrow[event] = slice(start, start + values.shape[1])
        start += values.shape[1]
        parts.append(values)
    return Components(np.concatenate(parts, axis=1), narrow)


def _posteriors(prior: LearntPrior, components: Components, sampled: Sampled) -> np.ndarray:
    """(n, components)."""
    weights = candidate_weights(prior, components.columns, sampled.class_index, sampled.contexts, None)
    return component_posteriors(components, weights)


def _damage(prior: LearntPrior, components: Components, sampled: Sampled) -> list[str]:
    """Substitutions that are commoner than others among the rare variants that the tumour has alone."""
    weight = _posteriors(prior, components, sampled)[:, components.columns["SOMATIC_TUMOR"]].sum(axis=1)
    evidence = sampled.tumor
    shown = evidence.reference_count + evidence.alternative_count + evidence.other_count.astype(np.float64)
    fraction = evidence.alternative_count / np.maximum(shown, 1.0)
    return damaged_substitutions(sampled.contexts, fraction, weight)


def _read_contexts(prior: LearntPrior, components: Components, sampled: Sampled) -> list[list[float]]:
    """How reads of this sample's artefacts look otherwise, against reads of its variants.

    Counts fragments that support the allele by read context, weighted by the posterior of an artefact on all reads and by that
    of a germline or somatic variant; artefacts are shrunk towards variants by `context_pseudo_count` fragments.
    """
    joint = _posteriors(prior, components, sampled)
    by_class = joint[:, components.columns["ARTIFACT"]].reshape(-1, *ARTIFACT_SHAPE).sum(axis=(2, 3))
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
    return ratios


def _read_context_counts(sampled: Sampled, weight: np.ndarray) -> np.ndarray:
    """(READ_CONTEXTS,) fragments that support the allele, weighted by candidate."""
    counts = np.zeros(READ_CONTEXTS)
    for evidence in (sampled.tumor, sampled.normal):
        if evidence is not None:
            per_row = np.repeat(weight, np.diff(evidence.offset)) * evidence.count
            supports = (evidence.log_ratio > DECISIONS.supporting_log_ratio) & (evidence.strand > 0)
            counts += np.bincount(evidence.read_context[supports], per_row[supports], READ_CONTEXTS)
    return counts


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
