"""Learning the prior: expectation maximisation over candidates and the territory that was searched for them.

Candidates were proposed because reads already showed the allele, so how common each event is must be counted over everything
that could have been proposed: what is no candidate counts as absent, and what is rarely noticed counts for more
(`selection`). The steps are those of `maximisation`; here is what is asked one after the other: how much a panel of normals
lacks, tumour cells in the normal, another person's in the tumour, artefacts of the tumour alone, damage.
"""

import logging

import numpy as np

from varproof.formats.events import EVENTS, GERMLINE_EVENTS, OTHER_PERSON, REAL_READS_EVENTS
from varproof.formats.evidence import READ_CONTEXTS, Evidence
from varproof.formats.prior import LearntPrior, ResourceUsed
from varproof.machinery.numerics import log
from varproof.machinery.numerics_numba_fns import log_of, scaled_likelihoods
from varproof.posterior.artifact_classes import ACTIVE_ON, BOTH, IN_CONTEXT, PLAIN, SIGNATURES
from varproof.posterior.classes import CLASSES, alleles_per_base
from varproof.posterior.components import (
    ARTIFACT_RATES,
    ARTIFACT_RATIOS,
    ARTIFACT_SHAPE,
    FREQUENCY_BINS,
    NORMAL_NODES,
    OF_COPIES,
    Components,
    Mixture,
    Tables,
    evaluate,
    other_person_log_likelihood,
    possible_artifacts,
    published_germline_changes,
    somatic_log_likelihood,
)
from varproof.posterior.copies import BALANCES
from varproof.posterior.crowd_decisions import DECISIONS as CROWD_DECISIONS
from varproof.posterior.crowding import ALONE
from varproof.posterior.damage import damaged_substitutions
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.maximisation import SNV, Learner, Shown, like_snvs, told_by_snvs
from varproof.posterior.mixture import HomozygousSites, best_choice, homozygous_sites
from varproof.posterior.panel import KINDS, usual_shares
from varproof.posterior.panel_decisions import DECISIONS as PANEL_DECISIONS
from varproof.posterior.population import is_listed, published_of, tell_share
from varproof.posterior.sampled import Sampled
from varproof.posterior.score import component_posteriors
from varproof.posterior.selection import UNKNOWN_RULE, Selection
from varproof.posterior.spectra import context_factors, even_spectra
from varproof.posterior.weights import ARTIFACT_GROUPS, artifact_group, candidate_weights, component_weights

logger = logging.getLogger(__name__)

BLOCK = 2_000


def starting_prior(
    kind: str, territory: float, paired: bool = True, resource: ResourceUsed | None = None, panel: bool = False
) -> LearntPrior:
    """Published rates and uninformative densities.

    `paired`: there is a normal; `resource`: a germline resource, if any; `panel`: there is a panel of normals.
    """
    return LearntPrior(
        kind=kind,
        territory=territory,
        paired=paired,
        classes=list(CLASSES),
        rates={event: values.tolist() for event, values in published_of(resource).items()},
        frequency_bins=FREQUENCY_BINS.tolist(),
        somatic_density=np.ones(len(FREQUENCY_BINS) - 1).tolist(),
        normal_density=np.full(len(NORMAL_NODES), 1.0 / len(NORMAL_NODES)).tolist(),
        germline_changes=published_germline_changes(paired).tolist(),
        artifact_rates=ARTIFACT_RATES.tolist(),
        artifact_ratios=ARTIFACT_RATIOS.tolist(),
        artifact_density=[even_density(paired, panel=panel)] * len(ARTIFACT_GROUPS),
        artifact_contexts=[[0.0] * READ_CONTEXTS] * len(ARTIFACT_GROUPS),
        spectra=even_spectra(),
        germline_resource=resource,
        panel_missed=usual_shares() if panel else None,
        panel_private=PANEL_DECISIONS.usual_private if panel else None,
    )


def even_density(
    paired: bool,
    own: bool = False,
    damaged: bool = False,
    panel: bool = False,
    alike: bool = False,
    crowds: bool = False,
) -> list[list[list[float]]]:
    """Every artefact that is possible (see `possible_artifacts`) alike, ARTIFACT_SHAPE."""
    possible = possible_artifacts(paired, own, damaged, panel, alike, crowds)
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


def learn_prior(
    sampled: Sampled,
    territory: float,
    purity: float,
    normal_contamination: float | None,
    selection: Selection = UNKNOWN_RULE,
    resource: ResourceUsed | None = None,
) -> LearntPrior:
    """The prior that explains the candidates (n) and the territory (bases) best.

    `normal_contamination`: fraction of tumour cells in the normal sample, None to learn it. `selection`: by which rule of their
    reads they became candidates. `resource`: where candidates have a frequency in the population. Candidates that nothing
    explains `worth_learning_from` times better than absence count as territory. Deterministic.
    """
    paired = sampled.normal is not None
    prior = starting_prior("empirical", territory, paired, resource, sampled.panel is not None)
    prior = prior.model_copy(update={"candidates_used": len(sampled.class_index)})
    if len(sampled.class_index) == 0:
        return prior
    shown = Shown(float(np.median(sampled.tumor.usable)), selection)
    sites = _homozygous_sites(sampled)
    logger.debug("homozygous variants: %s", sites)
    rows = _worth_learning_from(sampled, prior, purity)
    if not len(rows):
        return prior
    step = -(-len(rows) // DECISIONS.most_informative)
    prior = prior.model_copy(update={"territory": territory / step})
    sampled = sampled.chosen(rows[::step])
    if errors_look_alike(sampled):
        density = even_density(False, alike=True)
        prior = prior.model_copy(update={"artifact_density": [density, prior.artifact_density[1]]})
    tables = sampled.tables(prior)
    unmixed = Mixture(purity)
    prior = _with_missed(prior, tables, sampled, shown, unmixed)
    prior = _with_crowds(prior, tables, sampled, shown, unmixed)
    tables = sampled.with_panel(tables, prior)
    components = evaluate(tables, unmixed, copies=sampled.copies)
    learnt, found = _trained(components, sampled, prior, shown, unmixed, DECISIONS.search_iterations)
    if sampled.panel is not None:
        tables = sampled.with_panel(tables, learnt)
        components = evaluate(tables, unmixed, copies=sampled.copies)
        learnt, found = _trained(components, sampled, prior, shown, unmixed, DECISIONS.search_iterations)
    evidence: float | None = found
    published = published_of(resource)
    scaled = {event: like_snvs(published[event], learnt.rates[event][SNV]).tolist() for event in told_by_snvs(prior)}
    prior = prior.model_copy(update={"rates": prior.rates | scaled})
    prior = _learn_mixture(prior, learnt, components, tables, sampled, shown, purity, normal_contamination, sites)
    mixture = Mixture(purity, prior.normal_contamination, prior.other_person_fraction)
    if mixture != unmixed:
        components, evidence = evaluate(tables, mixture, copies=sampled.copies), None
    prior = _with_own_artifacts(prior, evidence, components, sampled, shown, mixture)
    learnt, _ = _trained(components, sampled, prior, shown, mixture, DECISIONS.max_iterations)
    if not prior.crowds:  # reads of a copy have the listed variants of it, and no others
        prior = prior.model_copy(update={"artifact_contexts": _read_contexts(learnt, components, sampled)})
    tables = sampled.with_panel(sampled.with_read_contexts(tables, prior), learnt)
    components = evaluate(tables, mixture, copies=sampled.copies)
    prior = _with_damage(prior, learnt, components, sampled)
    learnt, evidence = _trained(components, sampled, prior, shown, mixture, DECISIONS.max_iterations)
    if prior.damage:
        other, more = _trained(components, sampled, _as_many_artifacts(prior), shown, mixture, DECISIONS.max_iterations)
        learnt = other if more > evidence else learnt
    joint = _posteriors(learnt, components, sampled) if resource is not None or learnt.crowds else np.zeros((0, 0))
    if learnt.crowds:
        of_copies = joint[:, components.columns["ARTIFACT"]].reshape(-1, *ARTIFACT_SHAPE)[:, OF_COPIES].sum()
        _tell_crowds(step * float(of_copies))
    if resource is not None:
        listed = is_listed(sampled.frequencies)
        germline = sum(joint[:, components.columns[event]].sum(axis=1) for event in GERMLINE_EVENTS)
        tell_share(step * float(germline[listed].sum()), step * float(germline[~listed].sum()))
    return learnt.model_copy(update={"territory": territory})


def errors_look_alike(sampled: Sampled) -> bool:
    """Whether nothing but its bases' look would tell an artefact of all reads from a somatic variant, and that doesn't.

    So it is without a normal and a panel where errors have about the qualities and places in reads that all bases have: of
    reads of one quality, and consensus reads. The mean square of ln P(x | error) / P(x) over fragments that show an
    alternative is about twice the information (Kullback and Leibler) of a fragment, nats.
    """
    if sampled.normal is not None or sampled.panel is not None:
        return False
    shown = sampled.tumor.count * (sampled.tumor.log_ratio > 0.0)
    squares = float((shown * sampled.tumor.log_error_ratio.astype(np.float64) ** 2).sum())
    alike = squares < DECISIONS.least_error_look * float(shown.sum())
    if alike:
        logger.info("errors look like all other bases: an artefact that is on all kinds of reads can't be told")
    return alike


def _with_missed(prior: LearntPrior, tables: Tables, sampled: Sampled, shown: Shown, mixture: Mixture) -> LearntPrior:
    """The prior, with the shares of germline variants and of artefacts that the panel lacks which have the most evidence."""
    if sampled.panel is None or not (sampled.panel.covering > 0).any():
        return prior

    def best(trials: list[LearntPrior]) -> LearntPrior:
        found = []
        for trial in trials:
            components = evaluate(sampled.with_panel(tables, trial), mixture, copies=sampled.copies)
            found.append(_trained(components, sampled, trial, shown, mixture, DECISIONS.search_iterations)[1])
        logger.debug("evidence of shares that the panel lacks: %s", np.round(found, 2).tolist())
        return trials[int(np.argmax(found))]

    prior = best([prior.model_copy(update={"panel_private": share}) for share in PANEL_DECISIONS.private])
    for kind in reversed(range(len(KINDS))):
        shares = [list(prior.panel_missed or usual_shares()) for _ in PANEL_DECISIONS.missed]
        for trial, share in zip(shares, PANEL_DECISIONS.missed, strict=True):
            trial[kind] = share
        prior = best([prior.model_copy(update={"panel_missed": trial}) for trial in shares])
    missed, private = prior.panel_missed or usual_shares(), prior.panel_private or 1.0
    logger.info(
        "what the panel of normals has of the tumour's artefacts: %s; of its germline variants %.0f %% are in no panel",
        ", ".join(f"of {kind} {100.0 * (1.0 - share):.0f} %" for kind, share in zip(KINDS, missed, strict=True)),
        100.0 * private,
    )
    if min(missed) > PANEL_DECISIONS.few_shared:
        logger.warning(
            "the panel's normals have hardly any of the tumour's artefacts: they may be of another protocol, and tell little"
        )
    return prior


def _with_crowds(prior: LearntPrior, tables: Tables, sampled: Sampled, shown: Shown, mixture: Mixture) -> LearntPrior:
    """The prior, with copies that the reference lacks, if variants that the same reads carry prove that there are any."""
    if sampled.crowd is None or not (sampled.crowd > ALONE).any():
        return prior
    densities = [even_density(False, alike=alike, crowds=True) for alike in (errors_look_alike(sampled), False)]
    told = prior.model_copy(update={"crowds": True, "artifact_density": densities})
    components = evaluate(sampled.with_panel(tables, told), mixture, copies=sampled.copies)
    without, evidence = (
        _trained(components, sampled, one, shown, mixture, DECISIONS.search_iterations)[1] for one in (prior, told)
    )
    logger.debug("evidence of copies that the reference lacks: %.2f", evidence - without)
    return told if evidence - without > CROWD_DECISIONS.convincing else prior


def _tell_crowds(expected: float) -> None:
    """Warn of copies that the reference lacks, of so many expected variants."""
    if expected >= CROWD_DECISIONS.telling:
        logger.warning(
            "about %.0f variants of what teaches crowd on the same reads: of copies that the reference lacks (collapsed "
            "paralogs), or a mutational process that makes clusters. They are taken for artefacts, and what lies among them "
            "can hardly be told; a panel of normals, or the normal, would tell",
            expected,
        )


def _with_own_artifacts(
    prior: LearntPrior,
    evidence: float | None,
    components: Components,
    sampled: Sampled,
    shown: Shown,
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
    alike = errors_look_alike(sampled)
    panel = prior.panel_missed is not None
    density = even_density(prior.paired, own=True, damaged=True, panel=panel, alike=alike, crowds=prior.crowds)
    return prior.model_copy(update={"damage": damage, "artifact_density": [density, prior.artifact_density[1]]})


def _as_many_artifacts(prior: LearntPrior) -> LearntPrior:
    """The prior with as many artefacts among SNVs as somatic ones: from few, learning may not get to the many of damage.

    Rare somatic variants explain the reads of damage almost as well, and may take all of them, though that is less likely.
    """
    rates = {event: list(values) for event, values in prior.rates.items()}
    rates["ARTIFACT"][SNV] = max(rates["ARTIFACT"][SNV], rates["SOMATIC_TUMOR"][SNV])
    return prior.model_copy(update={"rates": rates})


def _trained(
    components: Components, sampled: Sampled, prior: LearntPrior, shown: Shown, mixture: Mixture, iterations: int
) -> tuple[LearntPrior, float]:
    """(prior, log-evidence)."""
    learner = Learner(components, sampled, prior, shown, mixture)
    return learner.run(prior, iterations)


def _worth_learning_from(sampled: Sampled, prior: LearntPrior, purity: float) -> np.ndarray:
    """Candidates (indices) that something explains better than absence does; tabulated in blocks, so that memory is bounded."""
    worth = []
    possible = possible_artifacts(sampled.normal is not None, True, True, sampled.panel is not None).ravel()
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
    shown: Shown,
    purity: float,
    normal_contamination: float | None,
    sites: HomozygousSites,
) -> LearntPrior:
    """Tumour cells in the normal, then another person in the tumour: `prior` with the choices of most evidence.

    Artefacts are as `learnt` without any, so that they are one component in these trials. Of tumour cells in the normal
    frequent variants tell: rare ones may be damage, of which the normal has a fraction as it has of the tumour's variants.
    """
    one = _with_one_artifact(components, learnt, sampled)
    everything = np.arange(len(sampled.class_index)), sampled
    rows = np.flatnonzero(_fraction(sampled.tumor) >= DECISIONS.frequent_of_purity * purity)
    frequent = rows, sampled.chosen(rows)

    def evidence_of(contamination: float, other_person: float, told: tuple[np.ndarray, Sampled] = everything) -> float:
        rows, chosen = told
        mixture = Mixture(purity, contamination, other_person)
        log_likelihood = one.log_likelihood.copy()
        log_likelihood[:, one.columns["SOMATIC_TUMOR"]] = somatic_log_likelihood(tables, mixture, copies=sampled.copies)
        log_likelihood[:, one.columns[OTHER_PERSON]] = other_person_log_likelihood(tables, mixture)
        begin = prior.model_copy(update={"normal_contamination": contamination, "other_person_fraction": other_person})
        learner = Learner(Components(log_likelihood[rows], one.columns), chosen, begin, shown, mixture)
        return learner.run(begin, DECISIONS.search_iterations)[1]

    contamination = normal_contamination
    if contamination is None:
        choices = DECISIONS.contamination_choices if tables.normal is not None else (0.0,)
        contamination = best_choice(choices, lambda value: evidence_of(value, 0.0, frequent))
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
    weights = candidate_weights(prior, components.columns, sampled.class_index, sampled.contexts, None, sampled.frequency)
    return component_posteriors(components, weights)


def _damage(prior: LearntPrior, components: Components, sampled: Sampled) -> list[str]:
    """Substitutions that are commoner than others among the rare variants that the tumour has alone."""
    weight = _posteriors(prior, components, sampled)[:, components.columns["SOMATIC_TUMOR"]].sum(axis=1)
    return damaged_substitutions(sampled.contexts, _fraction(sampled.tumor), weight)


def _fraction(evidence: Evidence) -> np.ndarray:
    """(n,) of the fragments that show an allele those that show the candidate's."""
    shown = evidence.reference_count + evidence.alternative_count + evidence.other_count.astype(np.float64)
    return np.asarray(evidence.alternative_count / np.maximum(shown, 1.0))


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
