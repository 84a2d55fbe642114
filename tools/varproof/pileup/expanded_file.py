"""Tensors as the paper's own array on disk, for people who bring their own model: one NPY file of raw numbers."""

from pathlib import Path

import numpy as np

from varproof.formats.tensors import TensorReader
from varproof.machinery.output import complete_or_absent
from varproof.machinery.progress import progress
from varproof.pileup.expansion import CHANNELS, expanded

_BATCH_BYTES = 1 << 26


def write_expanded(reader: TensorReader, path: Path) -> None:
    """Write all candidates, in order, as `expansion.expanded` lays them out, in batches; complete or not at all.

    uint8 (n, window, depth, 7 * tracks); a candidate that was skipped is all 0.
    """
    settings = reader.settings
    shape = (reader.size, settings.window, settings.depth, len(CHANNELS) * len(settings.tracks))
    batch = max(1, _BATCH_BYTES // int(np.prod(shape[1:])))
    with complete_or_absent(path) as temporary, temporary.open("wb") as handle:
        np.lib.format.write_array_header_1_0(handle, {"descr": "|u1", "fortran_order": False, "shape": shape})
        with progress(reader.size, path.name) as advance:
            for part in reader.batches(batch):
                handle.write(np.ascontiguousarray(expanded(part)).data)
                advance(part.size)
