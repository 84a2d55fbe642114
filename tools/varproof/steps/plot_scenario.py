"""plot-scenario: a scenario as a table and a picture, before anything is scored."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from varproof.steps.base import Settings, pictures_of
from varproof.steps.score_scenario import SCENARIO

if TYPE_CHECKING:
    import numpy as np

    from varproof.report.scenario_figure import DrawnPart
    from varproof.scenario.cells import Domain
    from varproof.scenario.network import Network
    from varproof.scenario.table import Part

logger = logging.getLogger(__name__)


class PlotScenarioSettings(Settings):
    """Show what a scenario means: the allele frequencies of each event, and how probable it is before any reads are seen.

    The table has a line for each part of an event; parts do not overlap, and together they are all that the samples can be.
    Frequencies that no event has are OTHER, those of several events have all their names.
    """

    scenario: str = Field(description=SCENARIO)
    output: Path = Field(description="table to write; - for stdout.")
    plot: Path | None = Field(None, description="picture of the allele frequencies; PREFIX.svg and PREFIX.png are written.")
    contig: str = Field("1", description="the contig whose ploidies and universes are shown.")
    save_scenario: Path | None = Field(None, description="write the scenario's text, of a ready one to change it.")


def plot_scenario(options: PlotScenarioSettings) -> None:
    """A scenario to its table and picture."""
    from varproof.machinery.output import check_output, write_bytes, write_text
    from varproof.scenario.elimination import plan, prior_of_boxes
    from varproof.scenario.network import build
    from varproof.scenario.ready import scenario_of
    from varproof.scenario.table import parts_of_scenario, table_of

    pictures = pictures_of(options.plot)
    for path in (options.output, options.save_scenario, *pictures):
        if path is not None:
            check_output(path)
    scenario = scenario_of(options.scenario)
    network = build(scenario, options.contig)
    masses = prior_of_boxes(network, plan(network))
    write_text(options.output, table_of(network, masses, options.contig))
    if options.save_scenario is not None:
        write_text(options.save_scenario, scenario.text)
    if pictures:
        from varproof.report.scenario_figure import scenario_picture

        parts = [_drawn(network, part) for part in parts_of_scenario(network, masses)]
        for path, content in zip(
            pictures, scenario_picture(f"{options.scenario}, contig {options.contig}", parts), strict=True
        ):
            write_bytes(path, content)
    for boxes, what in (
        (network.overlaps, "events that hold together"),
        (network.gaps, f"parts without an event, {network.gap}"),
    ):
        if boxes:
            logger.warning("%s: %s: %d, see the table", options.scenario, what, len(boxes))


def _drawn(network: "Network", part: "Part") -> "DrawnPart":
    import numpy as np

    from varproof.report.scenario_figure import DrawnPart

    spans = {}
    for sample, nodes in zip(network.samples, part.box.nodes, strict=True):
        domain = network.domains[sample]
        own = np.zeros(domain.size, bool)
        own[list(nodes)] = True
        spans[sample] = [_span(domain, own, cell) for cell in np.unique(domain.cell[own]).tolist()]
    return DrawnPart("+".join(part.events) or network.gap, part.prior, spans)


def _span(domain: "Domain", own: "np.ndarray", cell: int) -> tuple[float, float]:
    """The frequencies of the nodes `own` (k,) of a cell, as far as half-way to others of the cell."""
    from varproof.scenario.table import bounds_of

    low, high, _ = bounds_of(domain, cell)
    here, others = domain.fraction[own & (domain.cell == cell)], domain.fraction[~own & (domain.cell == cell)]
    below, above = others[others < here.min()], others[others > here.max()]
    if len(below):
        low = 0.5 * float(below.max() + here.min())
    if len(above):
        high = 0.5 * float(above.min() + here.max())
    return low, high
