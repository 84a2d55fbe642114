"""Expectation maximisation of a prior: the counts of each event that a prior expects, and the rates that they make likeliest.

For event e and class k the rate r is the most probable one of n, a count of Poisson's over the territory T, under a normal
prior of its logarithm around the published rate u:
    n - T r - (ln r - ln u) / sd^2 = 0,
which stays at the published rate where there is little to learn from. Shared by all classes are the density of somatic allele
frequencies, what becomes of germline variants in tumour cells, and, for substitutions and for indels, the density of artefact
rates in both samples; SNVs have spectra by event.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from varproof.formats.events import GERMLINE_EVENTS, LEARNT_EVENTS, OTHER_PERSON
from varproof.formats.prior import LearntPrior
from varproof.machinery.numerics import exp, log
from varproof.machinery.numerics_numba_fns import log_of, weighted_column_sums, weighted_row_sums
from varproof.posterior.artifact_classes import ARTIFACT_CLASSES
from varproof.posterior.classes import CLASSES, alleles_per_base
from varproof.posterior.components import (
    ARTIFACT_SHAPE,
    FREQUENCY_BINS,
    NODES_PER_BIN,
    NORMAL_NODES,
    Components,
    Mixture,
    artifacts_apart,
    published_germline_changes,
)
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.population import hardy_weinberg, is_listed, listed_alleles, published_of
from varproof.posterior.sampled import Sampled
from varproof.posterior.selection import Selection, selected
from varproof.posterior.spectra import (
    ARTIFACTS,
    CONTEXTS,
    DAMAGE,
    GERMLINE,
    SOMATIC,
    context_factors,
    damage_components,
    learnt_spectra,
)
from varproof.posterior.weights import ARTIFACT_GROUPS, artifact_group, completed, component_weights

SNV = CLASSES.index("snv")


@dataclass(frozen=True)
class Shown:
    """What is known of how candidates became such: depth of the tumour, fragments; the rule."""

    depth: float
    rule: Selection


class Learner:
    """The candidates' component likelihoods, scaled per candidate, and one step of expectation maximisation.

    Candidates of one class and one context, which have the same weights, form a cell. Those that a germline resource lists form
    cells of their own, in which all weights but those of germline variants and absence are the same.
    """

    def __init__(self, components: Components, sampled: Sampled, prior: LearntPrior, shown: Shown, mixture: Mixture) -> None:
        self.columns, self.absent = components.columns, components.absent
        class_index, frequency = sampled.class_index, sampled.frequencies
        listed = is_listed(frequency)
        cell = (listed * len(CLASSES) + class_index) * (CONTEXTS + 1) + sampled.contexts % (CONTEXTS + 1)
        cell = 2 * cell + _seen_often(sampled)
        order = np.argsort(cell, kind="stable")
        self.likelihood, self.top = components.scaled(component_weights(prior, self.columns)[class_index])
        self.likelihood, self.top = self.likelihood[order], self.top[order]
        cells, first = np.unique(cell[order], return_index=True)
        bounds = [*first.tolist(), len(cell)]
        self.members = [slice(a, b) for a, b in itertools.pairwise(bounds)]
        self.cell_often, cells = cells % 2 == 1, cells // 2
        self.cell_class, self.cell_context = cells // (CONTEXTS + 1) % len(CLASSES), cells % (CONTEXTS + 1)
        self.listed = cells // (CONTEXTS + 1) >= len(CLASSES)
        self.population = hardy_weinberg(frequency[order])
        self.searched = np.maximum(prior.territory * alleles_per_base(), 1.0)
        self.unlisted, self.listed_searched = self.searched, np.zeros(len(CLASSES))
        if prior.germline_resource is not None:
            self.listed_searched = listed_alleles(prior.germline_resource, prior.territory)
            self.unlisted = np.maximum(self.searched - self.listed_searched, 1.0)
        self.sizes = np.bincount(class_index[~listed], minlength=len(CLASSES))
        self.listed_sizes = np.bincount(class_index[listed], minlength=len(CLASSES))
        self.selected = selected(self.columns, mixture, shown.depth, shown.rule)
        self.resource = prior.germline_resource
        self.segments_told = sampled.copies is not None and not bool(np.isnan(sampled.copies.total).all())
        self.published = published_of(self.resource)
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
        unseen = np.maximum(0.0, self.unlisted - self.sizes)
        evidence = float((unseen * log_of(1.0 - np.minimum(seen, 0.9))).sum())
        if self.listed.any():
            for event in GERMLINE_EVENTS:
                seen = seen - (by_class * self.selected)[:, self.columns[event]].sum(axis=1)
            unseen = np.maximum(0.0, self.listed_searched - self.listed_sizes)
            evidence += float((unseen * log_of(1.0 - np.minimum(seen, 0.9))).sum())
        for cell, members in enumerate(self.members):
            likelihood = self.likelihood[members]
            if self.listed[cell]:
                total, expected[cell] = self._of_listed(likelihood, members, weights[cell], prior)
            else:
                total = weighted_row_sums(likelihood, weights[cell])
                expected[cell] = weighted_column_sums(likelihood, 1.0 / total) * weights[cell]
            evidence += float((log_of(total) + self.top[members]).sum())
        return self._maximised(prior, expected / self.selected), evidence

    def _of_listed(
        self, likelihood: np.ndarray, members: slice, weights: np.ndarray, prior: LearntPrior
    ) -> tuple[np.ndarray, np.ndarray]:
        """(likelihood of each, expected counts of components) of a cell's candidates that the population is known to have."""
        others, changes = weights.copy(), np.array(prior.germline_changes) / np.sum(prior.germline_changes)
        others[self.absent] = 0.0
        present = np.full(len(likelihood), 0.0)
        parts = []
        for event in GERMLINE_EVENTS:
            part = self.columns[event]
            own = np.maximum(self.population[event][members], weights[part].sum())
            others[part] = 0.0
            parts.append((part, own, weighted_row_sums(np.ascontiguousarray(likelihood[:, part]), changes)))
            present += own
        present += others.sum()
        scale = np.minimum(1.0, DECISIONS.most_present / present)
        absent = 1.0 - scale * present
        total = scale * weighted_row_sums(likelihood, others) + absent * likelihood[:, self.absent]
        for _, own, mean in parts:
            total += scale * own * mean
        expected = weighted_column_sums(likelihood, scale / total) * others
        expected[self.absent] = float((absent * likelihood[:, self.absent] / total).sum())
        for part, own, _ in parts:
            share = weighted_column_sums(np.ascontiguousarray(likelihood[:, part]), scale * own / total)
            expected[part] = share * changes
        return total, expected

    def _maximised(self, prior: LearntPrior, expected: np.ndarray) -> LearntPrior:
        by_class = np.zeros((len(CLASSES), expected.shape[1]))
        np.add.at(by_class, self.cell_class, expected)
        private = by_class
        if self.listed.any():
            private = np.zeros_like(by_class)
            np.add.at(private, self.cell_class[~self.listed], expected[~self.listed])
        rates = {}
        for event in LEARNT_EVENTS:
            germline = event in GERMLINE_EVENTS
            count = (private if germline else by_class)[:, self.columns[event]].sum(axis=1)
            searched = np.maximum(self.unlisted if germline else self.searched, count)
            rate = most_probable_rates(count, searched, self.published[event], self.log_sd[event])
            if event in told_by_snvs(prior):
                log_sd = DECISIONS.unlisted_log_sd if germline else self.log_sd[event]
                centre = like_snvs(self.published[event], float(rate[SNV]))
                if germline:
                    of_listed = self.listed_sizes / max(1, self.listed_sizes[SNV]) / self.unlisted
                    centre = np.maximum(centre, rate[SNV] * self.unlisted[SNV] * of_listed)
                rate = np.where(np.arange(len(CLASSES)) == SNV, rate, most_probable_rates(count, searched, centre, log_sd))
            rates[event] = np.minimum(rate, DECISIONS.largest_rate).tolist()
        if not prior.paired:
            rates["SOMATIC_NORMAL"] = [DECISIONS.unpaired_somatic_normal * rate for rate in rates["SOMATIC_TUMOR"]]
        total = by_class.sum(axis=0)
        somatic = total[self.columns["SOMATIC_TUMOR"]].reshape(-1, NODES_PER_BIN).sum(axis=1)
        widths = np.diff(FREQUENCY_BINS)
        counted = somatic.copy()
        somatic += DECISIONS.frequency_pseudo_count * len(widths) * widths
        update = {"rates": rates, "somatic_density": (somatic / somatic.sum() / widths).tolist()}
        if prior.paired:
            in_normal = total[self.columns["SOMATIC_NORMAL"]] + DECISIONS.normal_pseudo_count / len(NORMAL_NODES)
            changes = sum(total[self.columns[event]] for event in GERMLINE_EVENTS)
            changes = changes + DECISIONS.germline_pseudo_count * published_germline_changes(True)
            update |= {"normal_density": (in_normal / in_normal.sum()).tolist()}
            update |= {"germline_changes": (changes / changes.sum()).tolist()}
        elif self.listed.any():
            # What the population is known to have is germline without a normal, too.
            listed = expected[self.listed].sum(axis=0)
            changes = sum(listed[self.columns[event]] for event in GERMLINE_EVENTS)
            changes = changes + DECISIONS.germline_pseudo_count * published_germline_changes(False)
            update |= {"germline_changes": (changes / changes.sum()).tolist()}
        elif not self.segments_told:
            update |= self._maximised_together(somatic, counted, total, expected[self.cell_often].sum(axis=0))
        if artifacts_apart(self.columns):
            update |= self._maximised_artifacts(prior, by_class) | {"spectra": self._maximised_spectra(prior, expected)}
        return prior.model_copy(update=update)

    def _maximised_together(
        self, somatic: np.ndarray, counted: np.ndarray, total: np.ndarray, often: np.ndarray
    ) -> dict[str, object]:
        """Densities of somatic frequencies, and of what becomes of germline variants, where nothing but the tumour tells.

        counted (bins,), total (components,): expected counts; somatic (bins,): with what is added to them; often (components,):
        of candidates that are seen often. Above one half of the copies in tumour cells lie somatic variants of segments whose
        copies have changed, and half of the germline variants there. Of both it is the share c of the genome, by the counts of
        both; of somatic variants no more than c lie there. Else every germline variant of a lost copy would be somatic.
        """
        published = published_germline_changes(False)
        germline, changed = DECISIONS.germline_pseudo_count, DECISIONS.germline_pseudo_count * float(published[1:].sum())
        heterozygous = self.columns["GERMLINE_HET"]
        germline += float(total[heterozygous].sum())
        changed += 2.0 * float(often[heterozygous][1:].sum())
        high = DECISIONS.clonal_in_two_copies <= FREQUENCY_BINS[:-1]
        share = min(0.5, (float(counted[high].sum()) + changed) / (float(counted.sum()) + germline))
        mass = somatic / somatic.sum()
        above = float(mass[high].sum())
        if above > share:
            mass = np.where(high, mass * (share / above), mass * ((1.0 - share) / (1.0 - above)))
        shares = np.append(1.0 - share, share * published[1:] / published[1:].sum())
        return {"germline_changes": shares.tolist(), "somatic_density": (mass / np.diff(FREQUENCY_BINS)).tolist()}

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
        damage = damage_components(prior.tells_places)
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


def _seen_often(sampled: Sampled) -> np.ndarray:
    """bool (n,): whether more fragments of the tumour show a candidate than would of one copy of two, but not all do."""
    alternative = sampled.tumor.alternative_count.astype(np.float64)
    depth = alternative + sampled.tumor.reference_count
    return (alternative > DECISIONS.clonal_in_two_copies * depth) & (alternative < DECISIONS.nearly_all * depth)


def told_by_snvs(prior: LearntPrior) -> tuple[str, ...]:
    """Events of which SNVs tell how common other types are.

    With a germline resource somatic and germline ones: without a normal the few indels that the resource lacks may be either.
    It lacks about the same share of all types, if it has any of a type. With a panel somatic ones: indels that no normal has
    may be artefacts of no place.
    """
    if prior.germline_resource is not None:
        return ("SOMATIC_TUMOR", *GERMLINE_EVENTS)
    return ("SOMATIC_TUMOR",) if prior.panel_missed is not None else ()


def like_snvs(published: np.ndarray, snv_rate: float) -> np.ndarray:
    """Published rates (classes,) times what a sample's rate of SNVs is of the published one."""
    return published * (snv_rate / published[SNV])


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
