"""The likelihood of reads given haplotypes: forward algorithm of a pair HMM, banded (Varlociraptor eqs. 17 and 18).

States: M (bases aligned), X (read base inserted), Y (haplotype base skipped). The band follows the diagonal on which the edit
distance found the read. Probability space in single precision, `LANES` alignments at once, one in each lane of a vector.

A lane never sees its neighbours: every number is the same for any other company, order or length of vectors. Sums are not
reordered, what is outside a lane's own band is masked, and scales are powers of two, which round nothing.
"""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics import LN_2
from varproof.machinery.numerics_numba_fns import log

INSERTED_BASE = 0.25
LANES = 16
RESCALE_EVERY = 8
"""Rows: eight mismatches of the best bases (3e-7 each) lose less than a lane's range."""

_CELL, _READ, _TEXT = 3 * LANES, 3 * LANES, 4 * LANES
_NO_BASE = 8
"""Code of what lies outside of a haplotype."""

_TOP = 100
_LARGE = np.float32(2**_TOP)
"""A lane's numbers are brought to this sum, or up to twice it: what is 2**200 times as improbable is still told exactly."""

_BIAS, _MOST = np.int32(127), np.int32(254)
_MANTISSA_BITS = np.int32(23)


@compiled
def log_likelihoods(segments, haplotypes, alignments):
    """float64 (a,): log of the summed probability of all alignments of a segment whose diagonals lie within the band.

    Arguments are `Segments`, `Haplotypes`, `Alignments`. A base that is wrong is any other with a third of the probability; N
    is any. Every start within the band has weight 1, so that haplotypes are compared per start position; an insertion lies
    between two haplotype bases. -inf where nothing fits in the band.
    """
    size = len(alignments.segment)
    out = np.full(size, -np.inf)
    if size == 0:
        return out
    length = np.empty(size, np.int64)
    longest, widest = 0, 0
    for i in range(size):
        s = alignments.segment[i]
        length[i] = segments.offset[s + 1] - segments.offset[s]
        longest, widest = max(longest, length[i]), max(widest, alignments.band[i])
    # Alike ones go together, so that few lanes wait for others.
    order = np.argsort(alignments.band * (longest + 1) + length, kind="mergesort")
    emissions, columns = _emissions(segments), _columns(haplotypes)
    width = 2 * widest + 1
    state = np.zeros((width + 2) * _CELL, np.float32)
    mask = np.empty(width * LANES, np.float32)
    read = np.empty(longest * _READ, np.float32)
    text = np.zeros(
        (longest + width) * _TEXT, np.float32
    )  # a lane without an alignment keeps what was there: finite, and masked
    for first in range(0, size, LANES):
        batch = order[first : first + LANES]
        band, rows = 0, 0
        for i in batch:
            band, rows = max(band, alignments.band[i]), max(rows, length[i])
        read[: rows * _READ] = np.float32(0.0)
        state[: (2 * band + 3) * _CELL] = np.float32(0.0)
        mask[: (2 * band + 1) * LANES] = np.float32(0.0)
        for lane in range(len(batch)):
            i = batch[lane]
            own, s, j = alignments.band[i], alignments.segment[i], alignments.haplotype[i]
            for k in range(band - own, band + own + 1):
                mask[k * LANES + lane] = np.float32(1.0)
                state[(k + 1) * _CELL + lane] = _LARGE
            _lay_read(emissions, segments.offset[s], length[i], lane, read)
            low, high = haplotypes.offset[j], haplotypes.offset[j + 1]
            _lay_text(columns, low, high, low + alignments.start[i] - band, rows + 2 * band, lane, text)
        _align(haplotypes, alignments.band, batch, length, band, state, mask, read, text, out)
    return out


@compiled
def _align(haplotypes, band, batch, length, widest, state, mask, read, text, out):
    """Fill `out` for the alignments `batch`, which lie in lanes; their widest band is `widest`."""
    width = 2 * widest + 1
    exponent = np.full(LANES, -_TOP, np.int32)
    rows, shortest = 0, length[batch[0]]
    for i in batch:
        rows, shortest = max(rows, length[i]), min(shortest, length[i])
    close_insertion, close_deletion = 1.0 - haplotypes.extend_insertion, 1.0 - haplotypes.extend_deletion
    extend_insertion = INSERTED_BASE * haplotypes.extend_insertion
    for row in range(rows):
        _next_row(
            width, state, read[row * _READ : (row + 1) * _READ], text[row * _TEXT : (row + width) * _TEXT], mask,
            np.float32(close_insertion), np.float32(close_deletion),
            np.float32(extend_insertion), np.float32(haplotypes.extend_deletion),
        )  # fmt: skip
        if row + 1 >= shortest:
            for lane in range(len(batch)):
                i = batch[lane]
                if length[i] == row + 1:
                    total = 0.0
                    for k in range(widest - band[i] + 1, widest + band[i] + 2):
                        total += np.float64(state[k * _CELL + lane]) + np.float64(state[k * _CELL + LANES + lane])
                    if total > 0.0:
                        out[i] = log(total) + LN_2 * exponent[lane]
        if row % RESCALE_EVERY == RESCALE_EVERY - 1:
            _rescale(width, state, mask, exponent)


@compiled
def _next_row(width, state, read, text, mask, close_insertion, close_deletion, extend_insertion, extend_deletion):
    """One more read base, in place. Cell k, of its own lane and haplotype position, stands one place further on in `state`."""
    for k in range(width):
        # Slices whose places differ by constants, so that the compiler sees that they don't overlap.
        cell, own = state[k * _CELL : (k + 3) * _CELL], mask[k * LANES : (k + 1) * LANES]
        column = text[k * _TEXT : (k + 1) * _TEXT]
        for lane in range(LANES):
            # Both are read before one is chosen, which else would be read lane by lane.
            code, hit, miss = column[lane], read[LANES + lane], read[2 * LANES + lane]
            emission = hit if code == read[lane] else miss
            emission = emission if code < np.float32(_NO_BASE) else np.float32(0.0)
            match = column[LANES + lane] * cell[_CELL + lane]
            match += close_insertion * cell[_CELL + LANES + lane]
            match += close_deletion * cell[_CELL + 2 * LANES + lane]
            inserted = column[2 * LANES + lane] * cell[2 * _CELL + lane]
            inserted += extend_insertion * cell[2 * _CELL + LANES + lane]
            deleted = column[3 * LANES + lane] * cell[lane] + extend_deletion * cell[2 * LANES + lane]
            cell[_CELL + lane] = own[lane] * emission * match
            cell[_CELL + LANES + lane] = inserted
            cell[_CELL + 2 * LANES + lane] = deleted


@compiled
def _rescale(width, state, mask, exponent):
    """Multiply each lane's numbers by a power of two, which `exponent` remembers, so that the sum over its band is large."""
    total = np.zeros(LANES, np.float32)
    for k in range(width):
        cell, own = state[(k + 1) * _CELL : (k + 2) * _CELL], mask[k * LANES : (k + 1) * LANES]
        for lane in range(LANES):
            total[lane] += own[lane] * (cell[lane] + cell[LANES + lane] + cell[2 * LANES + lane])
    bits = total.view(np.int32)
    for lane in range(LANES):
        factor = _BIAS + _BIAS + np.int32(_TOP) - (bits[lane] >> _MANTISSA_BITS)
        factor = factor if factor < _MOST else _MOST
        exponent[lane] -= factor - _BIAS
        bits[lane] = factor << _MANTISSA_BITS
    for k in range(width):
        cell = state[(k + 1) * _CELL : (k + 2) * _CELL]
        for lane in range(LANES):
            match, inserted, deleted = cell[lane], cell[LANES + lane], cell[2 * LANES + lane]
            cell[lane] = match * total[lane]
            cell[LANES + lane] = inserted * total[lane]
            cell[2 * LANES + lane] = deleted * total[lane]


@compiled
def _emissions(segments):
    """float32 (bases, 3) of all segments: code, and the probabilities of a base that is it and of one that is not."""
    out = np.empty((len(segments.bases), 3), np.float32)
    for i in range(len(segments.bases)):
        code, error = segments.bases[i], segments.error[i]
        out[i, 0] = code
        out[i, 1] = 1.0 - error if code < 4 else 0.25
        out[i, 2] = error / 3.0 if code < 4 else 0.25
    return out


@compiled
def _columns(haplotypes):
    """float32 (bases, 4) of all haplotypes: code; the probability that no gap opened before; that an insertion opens after,
    times that of its base; that a deletion opened before.
    """
    out = np.empty((len(haplotypes.codes), 4), np.float32)
    for j in range(len(haplotypes.offset) - 1):
        low, high = haplotypes.offset[j], haplotypes.offset[j + 1]
        for here in range(low, high):
            before = max(here - 1, low)
            out[here, 0] = haplotypes.codes[here]
            out[here, 1] = 1.0 - haplotypes.open_insertion[before] - haplotypes.open_deletion[before]
            out[here, 2] = INSERTED_BASE * haplotypes.open_insertion[here] if here + 1 < high else 0.0
            out[here, 3] = haplotypes.open_deletion[before]
    return out


@compiled
def _lay_read(emissions, first, length, lane, read):
    """A segment's `_emissions` into a lane."""
    for i in range(length):
        for field in range(3):
            read[i * _READ + field * LANES + lane] = emissions[first + i, field]


@compiled
def _lay_text(columns, low, high, start, size, lane, text):
    """The `_columns` from `start` on, `size` of them, of the haplotype that is low..high - 1, into a lane."""
    inside, behind = min(max(0, low - start), size), max(0, min(size, high - start))
    for i in range(inside):
        _lay_nothing(i, lane, text)
    for i in range(inside, behind):
        for field in range(4):
            text[i * _TEXT + field * LANES + lane] = columns[start + i, field]
    for i in range(max(inside, behind), size):
        _lay_nothing(i, lane, text)


@compiled
def _lay_nothing(i, lane, text):
    """Column i of a lane lies outside of its haplotype."""
    text[i * _TEXT + lane] = np.float32(_NO_BASE)
    for field in range(1, 4):
        text[i * _TEXT + field * LANES + lane] = np.float32(0.0)
