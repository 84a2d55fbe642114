"""simulate-pair: tumour/normal reads with a known truth.

The data sets of the benchmarks, for each seed:

    simulate-pair --output default1 --seed 1
    simulate-pair --output hard1 --seed 1 --tumor-depth 80 --normal-depth 40 --read-length 151 --purity 0.6 --artifacts all
    simulate-pair --output neighbours1 --seed 1 --somatic-mnvs 150 --neighbours all

Samples that are unlike these are those of tests/benchmarks/regimes_samples.py.
"""

from pathlib import Path

from pydantic import Field

from varproof.simulation.settings import SimulationSettings
from varproof.steps.base import Settings


class SimulatePairSettings(Settings, SimulationSettings):
    """Tumour/normal reads with a known truth: a random or given genome, germline and somatic variants, sequencing errors and
    switchable artefacts, aligned; with candidates (planted, everything that two reads show, and empty sites) and truth.
    """

    output: Path = Field(description="folder to write; must not exist or be empty.")


def simulate(options: SimulatePairSettings) -> None:
    """Run with validated options."""
    from varproof.simulation.pair import simulate_pair

    settings = SimulationSettings(**{name: getattr(options, name) for name in SimulationSettings.model_fields})
    simulate_pair(settings, options.output, options.worker_count)
