"""What the header of a list of calls says of how they were chosen, and what their log-odds add to it.

In come the header and, of each call, what `posterior.detection` learns from; out goes the limit that its frequencies are
corrected for.
"""

import json
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from varproof.formats.scored import EventSelection, log_odds, scored_scenario, select_events
from varproof.machinery.numerics import log, log1p

if TYPE_CHECKING:
    from varproof.posterior.detection import DetectionLimit


def header_value(header: Any, key: str) -> dict[str, Any]:
    """The JSON object of the last '##key=' line of a header; empty where there is none."""
    values = [line.value for line in header.records if line.key == key]
    try:
        found = json.loads(values[-1]) if values else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@dataclass
class Candidates:
    """How calls came to be in a list, and what tells how many fragments that takes: one number of each call and kind."""

    purity: float
    least_fragments: int
    least_share: float
    selection: EventSelection | None
    threshold: float
    log_odds: "array[float]" = field(default_factory=lambda: array("d"))
    fragments: "array[float]" = field(default_factory=lambda: array("d"))
    depths: "array[int]" = field(default_factory=lambda: array("q"))
    groups: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, path: Path, header: Any, purity: float, least_fragments: int | None, least_share: float | None) -> "Candidates":
        """From the header of `path`; the other arguments are what the user says, None: the header does."""
        found = header_value(header, "varproof_call-candidates").get("options", {})
        if least_fragments is None:
            least_fragments = int(found.get("min_alternate_reads") or 0)
        if least_share is None:
            least_share = float(found.get("min_alternate_fraction") or 0.0)
        if scored_scenario(header) is None:
            purity = float(header_value(header, "varproof_score-posterior").get("options", {}).get("purity") or purity)
        result = header_value(header, "varproof_fdr-filter_result")
        error = result.get("max_error_probability")
        if not error or not 0 < error < 1 or header_value(header, "varproof_fdr-filter").get("options", {}).get("annotate"):
            return cls(purity, least_fragments, least_share, None, -math.inf)
        # Near a threshold a probability tells its complement well enough, and one field is read instead of eight.
        selection = replace(select_events(path, header, result["events"]), complement=None)
        return cls(purity, least_fragments, least_share, selection, log1p(-error) - log(error))

    def odds_of(self, record: Any) -> Sequence[float]:
        """Log-odds of a record's alleles, NaN where they do not matter."""
        return [math.nan] * len(record.alts or ()) if self.selection is None else log_odds(record, self.selection)

    def add(self, odds: float, frequency: float, depth: int, group: str) -> None:
        """A call with its most probable frequency in the tumour cells."""
        self.log_odds.append(odds)
        self.fragments.append(frequency * depth * self.purity)
        self.depths.append(depth)
        self.groups.append(group)

    def limit(self) -> "DetectionLimit":
        """The limit, learnt from what was added; unknown where neither header nor user says anything."""
        from varproof.posterior.detection import DetectionLimit, learnt_lines

        lines = {}
        if self.selection is not None:
            lines = learnt_lines(self.log_odds, self.fragments, self.depths, self.groups, self.threshold)
        return DetectionLimit(self.least_fragments, self.least_share, self.threshold, lines)
