"""Scenarios over samples whose reads are counts: binomial likelihoods, so that posteriors can be computed by other means."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from varproof.posterior.components import GRID
from varproof.scenario.elimination import plan
from varproof.scenario.file import Scenario, parse_scenario
from varproof.scenario.job import Planned
from varproof.scenario.network import OTHER, build
from varproof.scenario.score import ANYTHING, event_log_sums

ERROR = 0.005
"""Probability that a read of one allele shows the other."""

Counts = tuple[int, int]
"""(reads of the alternative, all reads)."""


def log_likelihood(fraction: Any, counts: Counts, error: float = ERROR) -> Any:
    """ln P(counts) up to a constant, of a frequency in the sample's reads."""
    shown = np.asarray(fraction) * (1.0 - error) + (1.0 - np.asarray(fraction)) * error
    return counts[0] * np.log(shown) + (counts[1] - counts[0]) * np.log(1.0 - shown)


def tables(counts: Mapping[str, Sequence[Counts]]) -> dict[str, np.ndarray]:
    """Likelihood tables (n, GRID_SIZE) of each sample, from its counts at n loci."""
    return {sample: np.stack([log_likelihood(GRID, one) for one in given]) for sample, given in counts.items()}


def planned(
    scenario: Scenario, contig: str = "chr1", kind: str = "snv", alleles: tuple[str, str] = ("A", "C"), **options: Any
) -> Planned:
    network = build(scenario, contig, kind, alleles, **options)
    return Planned(network, plan(network))


def posteriors(
    text: str, counts: Mapping[str, Counts], share: Mapping[str, float] | None = None, **setting: Any
) -> dict[str, float]:
    """Probability of each event of a scenario, ABSENT and OTHER too, for one locus; given that it is no artefact."""
    scenario = parse_scenario(text, "test.yaml")
    return of_scenario(scenario, counts, share, **setting)


def of_scenario(
    scenario: Scenario, counts: Mapping[str, Counts], share: Mapping[str, float] | None = None, **setting: Any
) -> dict[str, float]:
    made = planned(scenario, **setting)
    fractions = dict(share or {})
    for name, item in scenario.samples.items():
        if item.contamination is not None and item.contamination.fraction != "auto":
            fractions[name] = float(item.contamination.fraction)
    names = [*scenario.events, *(() if "ABSENT" in scenario.events else ("ABSENT",)), OTHER]
    sums = event_log_sums(made, fractions, tables({name: [one] for name, one in counts.items()}), [*names, ANYTHING])[0]
    return {name: math.exp(value - sums[-1]) for name, value in zip(names, sums[:-1], strict=True)}


def prior(text: str, **setting: Any) -> dict[str, float]:
    """The same before any reads are seen."""
    scenario = parse_scenario(text, "test.yaml")
    return of_scenario(scenario, dict.fromkeys(scenario.samples, (0, 0)), {name: 0.0 for name in scenario.samples}, **setting)
