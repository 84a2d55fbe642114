"""Scenarios that come with the package, by name; the files lie in `ready/`."""

from importlib import resources
from pathlib import Path

from varproof.machinery.errors import UserError
from varproof.scenario.file import Scenario, parse_scenario, read_scenario

TUMOR_NORMAL, TUMOR_ONLY = "tumor-normal", "tumor-only"

READY = {
    TUMOR_NORMAL: "a tumour and its normal: the model of score-posterior",
    TUMOR_ONLY: "a tumour without a normal: the model of score-posterior",
    "multi-region": "three regions of a tumour and one normal",
    "relapse": "a tumour, its relapse and a normal",
    "plasma": "a tumour, two times of plasma and a normal",
    "trio-denovo": "a child and its parents: inherited and new variants",
    "mosaic": "two tissues of a person: germline and mosaic variants",
    "germline": "one person: heterozygous and homozygous variants",
    "paired-rna": "tumour DNA and RNA and a normal: expressed and edited variants",
}
"""Name and purpose of each."""

PAIR_MODEL = {TUMOR_NORMAL: ("tumor", "normal"), TUMOR_ONLY: ("tumor",)}
"""Those that score-posterior's own model judges, with their samples: it knows of more than a scenario says."""


def ready_text(name: str) -> str:
    """The file of a ready scenario."""
    return (resources.files("varproof.scenario") / "ready" / f"{name}.yaml").read_text(encoding="utf-8")


def scenario_of(given: str) -> Scenario:
    """A scenario by its name, or of a file; raises UserError for what is neither."""
    if given in READY:
        return parse_scenario(ready_text(given), given)
    path = Path(given)
    if not path.exists() and path.suffix not in (".yaml", ".yml"):
        raise UserError(f"--scenario {given}: neither a file nor a ready scenario ({', '.join(READY)})")
    return read_scenario(path)
