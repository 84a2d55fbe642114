"""Fractions of contamination: as the scenario gives them, or those under which the candidates are likeliest."""

import logging
from collections.abc import Mapping

import numpy as np

from varproof.machinery.errors import UserError
from varproof.scenario.decisions import DECISIONS
from varproof.scenario.elimination_numba_fns import log_sums
from varproof.scenario.job import ScenarioJob
from varproof.scenario.run import read_block
from varproof.scenario.score import ANYTHING, ARTIFACT, SampleTables, block_sums

logger = logging.getLogger(__name__)


def contamination_fractions(job: ScenarioJob) -> dict[str, float]:
    """The fraction of each contaminated sample; `auto` ones are those under which some of the candidates are likeliest.

    Raises UserError where there are none to learn from.
    """
    found: dict[str, float] = {}
    unknown = []
    for name, item in job.networks.scenario.samples.items():
        if item.contamination is not None:
            fraction = item.contamination.fraction
            found[name] = 0.0 if fraction == "auto" else float(fraction)
            unknown += [name] if fraction == "auto" else []
    if not unknown:
        return found
    rows = job.alleles.judged
    if not len(rows):
        raise UserError(f"{job.candidates}: no candidates, from which the contamination of {unknown[0]} could be learnt")
    rows = rows[:: max(1, len(rows) // DECISIONS.contamination_candidates)][: DECISIONS.contamination_candidates]
    parts = [read_block(job, rows[start : start + 200])[1] for start in range(0, len(rows), 200)]
    for _ in range(2 if len(unknown) > 1 else 1):
        for name in unknown:
            found[name] = _likeliest(job, rows, parts, found, name)
    for name in unknown:
        logger.info("the contamination of %s: %.3g", name, found[name])
    return found


def _likeliest(
    job: ScenarioJob, rows: np.ndarray, parts: list[dict[str, SampleTables]], fractions: Mapping[str, float], name: str
) -> float:
    """The fraction of one sample, to a thousandth: a coarse search, then finer ones around the best."""
    known: dict[float, float] = {}

    def value(fraction: float) -> float:
        fraction = round(fraction, 3)
        if fraction not in known:
            own = {**fractions, name: fraction}
            total = 0.0
            for number, tables in enumerate(parts):
                chosen = rows[200 * number : 200 * (number + 1)]
                total += float(log_sums(block_sums(job, chosen, tables, own, [ANYTHING, ARTIFACT])).sum())
            known[fraction] = total
        return known[fraction]

    step = 0.1
    best = max((step * number for number in range(10)), key=value)
    while step > 0.001:
        step = max(0.001, step / 3.0)
        best = max((min(0.95, max(0.0, best + step * number)) for number in range(-3, 4)), key=value)
    return round(best, 3)
