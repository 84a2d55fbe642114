"""RESULTS.md made anew from what the benchmarks measured (their JSON), after a change of how it is shown; measures nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from calibration_table import calibration_lines
from candidates_table import candidates_lines
from copy_number_table import copy_number_lines
from desk_igv import desk_igv_lines
from desk_page import desk_lines
from labels_network_table import network_labels_lines
from labels_table import labels_lines
from models_table import models_lines
from mutect2_table import mutect2_lines
from neighbours_table import neighbours_lines
from network_table import network_lines
from panels_table import panels_lines
from parts_table import parts_lines
from regimes_table import regimes_lines
from scenario_cost_table import cost_lines
from scenarios_table import scenarios_lines
from sensitivity_table import sensitivity_lines
from speed_table import speed_lines
from spiking_table import spiking_lines
from tables import write_kept, write_page
from tumor_only_table import tumor_only_lines

HERE = Path(__file__).parent
PAGES: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "calibration": lambda kept: calibration_lines(kept["results"]),
    "candidates": lambda kept: candidates_lines(kept["results"], kept["real"], kept.get("long")),
    "copy_number": copy_number_lines,
    "desk_igv": lambda kept: desk_igv_lines(kept["results"]),
    "desk_page": lambda kept: desk_lines(kept["results"]),
    "labels": lambda kept: labels_lines(kept["results"]),
    "labels_network": lambda kept: network_labels_lines(kept["results"]),
    "models": models_lines,
    "mutect2": lambda kept: mutect2_lines(kept["results"]),
    "neighbours": lambda kept: neighbours_lines(kept["results"]),
    "network": network_lines,
    "regimes": lambda kept: regimes_lines(kept["results"]),
    "tumor_only": lambda kept: tumor_only_lines(kept["results"]),
    "panels": panels_lines,
    "parts": lambda kept: parts_lines(kept["found"]),
    "spiking": lambda kept: spiking_lines(kept["found"]),
    "scenarios": lambda kept: scenarios_lines(kept["results"]),
    "scenario_cost": lambda kept: cost_lines(kept["results"]),
    "sensitivity": lambda kept: sensitivity_lines(kept["found"]),
    "speed": lambda kept: speed_lines(kept["found"]),
}


def made_anew(folder: Path) -> None:
    """Write the pages of all benchmarks in the folder, and RESULTS.md."""
    for name, page in PAGES.items():
        path = folder / f"{name}.json"
        if path.exists():
            kept = json.loads(path.read_text())
            kept["page"] = page(kept)
            write_kept(path, kept)
    write_page(folder)


if __name__ == "__main__":
    made_anew(HERE)
