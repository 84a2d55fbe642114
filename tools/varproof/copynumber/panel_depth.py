"""The depth of a panel of normals: what windows have in other persons of the protocol, where the matched normal is missing."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from varproof.formats.hdf5 import is_hdf5
from varproof.formats.panel import WINDOW, PanelCoverage, PanelReader
from varproof.machinery.errors import UserError, require_file
from varproof.reads.files import require_panel_of
from varproof.reads.reference import contig_lengths


def tells_depth(panel: Path) -> bool:
    """Whether it is a panel for which reads were counted; raises UserError for a damaged one."""
    if not is_hdf5(panel):
        return False
    with PanelReader(panel) as reader:
        return reader.header.has_regions


def require_panel_depth(panel: Path, reference: Path) -> None:
    """Raise UserError for a panel that tells no depth, or is of another reference."""
    require_file(panel, "panel")
    if not is_hdf5(panel):
        raise UserError(f"{panel}: a list of sites tells no depth of the normals; take a panel of build-panel")
    with PanelReader(panel) as reader:
        require_panel_of(panel, reader.header.contigs, contig_lengths(reference), reference)
        if not reader.header.has_regions:
            raise UserError(f"{panel}: made from evidence files alone, which tell no depth; make one from the normals' reads")


class PanelDepth:
    """An open panel; of one contig after the other."""

    def __init__(self, panel: Path) -> None:
        self._reader = PanelReader(panel)
        self._contig = ""
        self._coverage: PanelCoverage | None = None

    def of(self, contig: str, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
        """float64 (w,): mean reads per base in start-end (0-based half-open), all normals together; 0 where none was counted.

        Within the panel's windows of `WINDOW` bp reads are taken to lie evenly.
        """
        if self._coverage is None or contig != self._contig:
            self._contig, self._coverage = contig, self._reader.contig(contig).coverage
        low, high = int(starts.min()) // WINDOW, -(-int(ends.max()) // WINDOW)
        first, last = np.searchsorted(self._coverage.window, [low, high]).tolist()
        bases = np.zeros(high - low, np.int64)
        bases[self._coverage.window[first:last].astype(np.int64) - low] = self._coverage.bases[first:last]
        running = np.concatenate([np.zeros(1, np.int64), np.cumsum(bases)])

        def up_to(place: NDArray[np.int64]) -> NDArray[np.int64]:
            """Bases before a place, times `WINDOW`."""
            whole, part = np.divmod(place - low * WINDOW, WINDOW)
            inside = np.where(part > 0, bases[np.minimum(whole, len(bases) - 1)], 0)
            return np.asarray(running[whole] * WINDOW + part * inside)

        return np.asarray((up_to(ends) - up_to(starts)) / (WINDOW * (ends - starts)))
