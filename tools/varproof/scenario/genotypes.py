"""Genotypes: how many copies of each allele a sample has in the most probable event, as its reads tell.

An event leaves some frequencies of a sample open, as `somatic` does whether a tumour has one copy or both. Of none, all and
some of the copies, that is chosen which the sample's reads make likeliest, each as the mean over its frequencies there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from varproof.machinery.numerics_numba_fns import log_of
from varproof.posterior.components import at_fraction
from varproof.scenario.cells import Domain
from varproof.scenario.copies import ploidy_of
from varproof.scenario.elimination_numba_fns import log_sums
from varproof.scenario.job import ScenarioJob
from varproof.scenario.network import Network
from varproof.scenario.score import ARTIFACT, is_of

DIPLOID = 2
"""Copies where a scenario tells none."""

IMPOSSIBLE = -1e30
NONE, SOME, ALL = range(3)


@dataclass(frozen=True)
class Genotypes:
    """Of n alleles in a sample: `copies` (n,) that have it, of `ploidy` (n,)."""

    copies: np.ndarray
    ploidy: np.ndarray


def _open_to(network: Network, event: str) -> dict[str, np.ndarray]:
    """Nodes (bool) of each sample that an event leaves open."""
    found = {sample: np.zeros(domain.size, bool) for sample, domain in network.domains.items()}
    for box in network.boxes:
        if event != ARTIFACT and is_of(network, box, event):
            for sample, nodes in zip(network.samples, box.nodes, strict=True):
                found[sample][list(nodes)] = True
    return found


def genotypes(
    job: ScenarioJob, settings: np.ndarray, likeliest: np.ndarray, events: Sequence[str], densities: Mapping[str, np.ndarray]
) -> dict[str, Genotypes]:
    """Of n alleles in each sample: their settings (n,), most probable events (n,), log densities (n, GRID_SIZE) by sample."""
    size = len(likeliest)
    scenario = job.networks.scenario
    found = {sample: Genotypes(np.zeros(size, np.int64), np.full(size, DIPLOID)) for sample in job.samples}
    for setting in np.unique(settings).tolist():
        network = job.networks.of(job.settings[setting]).network
        here = settings == setting
        for sample in job.samples:
            told = ploidy_of(scenario, sample, job.settings[setting][0])
            found[sample].ploidy[here] = DIPLOID if told is None else told
        for event in np.unique(likeliest[here]).tolist():
            rows = np.flatnonzero(here & (likeliest == event))
            nodes = _open_to(network, events[event])
            for sample in job.samples:
                own = found[sample]
                own.copies[rows] = _copies(
                    densities[sample][rows], network.domains[sample], nodes[sample], int(own.ploidy[rows[0]])
                )
    return found


def _copies(density: np.ndarray, domain: Domain, nodes: np.ndarray, ploidy: int) -> np.ndarray:
    """(n,) copies of `ploidy` from log densities (n, GRID_SIZE), of the nodes that are open."""
    values = at_fraction(density, domain.fraction)
    classes = ((domain.fraction <= 0.0), (domain.fraction > 0.0) & (domain.fraction < 1.0), (domain.fraction >= 1.0))
    means = np.full((len(density), len(classes)), IMPOSSIBLE)
    some = np.zeros(len(density))
    for number, members in enumerate(classes):
        chosen = np.flatnonzero(members & nodes)
        if not len(chosen):
            continue
        weight = domain.weight[chosen]
        means[:, number] = log_sums(np.ascontiguousarray(values[:, chosen] + log_of(weight / weight.sum())))
        if number == SOME:
            some = domain.fraction[chosen][np.argmax(values[:, chosen], axis=1)]
    best = np.where((means == IMPOSSIBLE).all(axis=1), NONE, np.argmax(means, axis=1))
    partial = np.clip(np.rint(some * ploidy), min(1, ploidy), max(ploidy - 1, min(1, ploidy))).astype(np.int64)
    return np.where(best == NONE, 0, np.where(best == ALL, ploidy, partial))


def genotype(found: Genotypes, rows: slice, judged: Sequence[bool], certainty: np.ndarray) -> str:
    """GT of a record whose alleles are `rows`: where they have more copies than there are, those of the likeliest alleles."""
    ploidy = int(found.ploidy[rows].max())
    if not ploidy:
        return "."
    copies = []
    for number, (allele, ok) in enumerate(zip(range(rows.start, rows.stop), judged, strict=True), 1):
        if ok:
            copies += int(found.copies[allele]) * [(-float(certainty[allele]), number)]
    chosen = sorted(number for _, number in sorted(copies)[:ploidy])
    return "/".join(str(number) for number in [0] * (ploidy - len(chosen)) + chosen)
