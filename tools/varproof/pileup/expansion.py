"""Packed tensors -> the seven channels per track of the paper, as plain numbers.

The layout is (candidate, position in the window, row, channel); track t has channels 7 t to 7 t + 6: A, C, G, T, base
quality, mapping quality, strand (DeepCNNvalid, "Variant tensors"). Values are whole numbers, not scaled:

- A, C, G, T: 1 in the base's own channel, 2 if an insertion follows it; 1 in all four where the read has a deletion (2 if an
  insertion follows that); 0 in all four for N.
- base quality: PHRED; 0 where the read has a deletion.
- mapping quality: PHRED, wherever the row's read lies in the window; strand: there 1 if the read is reverse.

A model's first layer does the same with the same codes; this is what it is tested against, and what `--export-npy` writes.
"""

import numpy as np

from varproof.formats.tensors import (
    BASE_A,
    BASE_MASK,
    BASE_T,
    DELETED,
    FLAGS,
    INSERTION_FOLLOWS,
    MAPQ,
    NOTHING,
    ROW_REVERSE,
    PackedTensors,
)

CHANNELS = ("A", "C", "G", "T", "base quality", "mapping quality", "strand")


def expanded(tensors: PackedTensors, depth: int | None = None) -> np.ndarray:
    """uint8 (n, window, depth, 7 * tracks); `depth` as in `PackedTensors.dense`."""
    dense = tensors.dense(depth)
    code = dense["base"] & BASE_MASK
    mark = 1 + ((dense["base"] & INSERTION_FOLLOWS) != 0).astype(np.uint8)
    there = code != NOTHING
    columns = dense["rows"][..., None, :]
    channels = [np.where((code == base) | (code == DELETED), mark, 0) for base in range(BASE_A, BASE_T + 1)]
    channels += [
        dense["quality"],
        np.where(there, columns[..., MAPQ], 0),
        there & ((columns[..., FLAGS] & ROW_REVERSE) != 0),
    ]
    by_track = np.stack([channel.astype(np.uint8) for channel in channels], axis=-1)  # (n, track, row, window, channel)
    n, tracks, rows, window, _ = by_track.shape
    return by_track.transpose(0, 3, 2, 1, 4).reshape(n, window, rows, tracks * len(CHANNELS))
