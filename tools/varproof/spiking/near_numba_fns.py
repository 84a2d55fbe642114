"""Kernels that read from the bytes of BAM records which fragments may carry a variant."""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.reads.decode_numba_fns import CONSUMES_REFERENCE, cigar_length, hash_of_bytes, int32, name_length, uint16
from varproof.reads.sam import SOFT_CLIP, UNMAPPED

_TEXT, _BYTES, _ARRAY = 90, 72, 66
_SPLIT = (83, 65)
"""SA"""

_FAR = np.int64(1) << 60
_SIZES = np.zeros(256, np.int64)
for _letters, _size in ((b"AcC", 1), (b"sS", 2), (b"iIf", 4)):
    for _letter in _letters:
        _SIZES[_letter] = _size


@compiled
def has_tag(data: np.ndarray, at: int, end: int, first: int, second: int) -> bool:
    """Whether among the tags at data[at:end] is that of these two letters."""
    while at + 3 < end:
        if data[at] == first and data[at + 1] == second:
            return True
        kind = data[at + 2]
        at += 3
        if kind in (_TEXT, _BYTES):
            while at < end and data[at] != 0:
                at += 1
            at += 1
        elif kind == _ARRAY:
            if at + 5 > end or _SIZES[data[at]] == 0 or int32(data, at + 1) < 0:
                return False
            at += 5 + _SIZES[data[at]] * int32(data, at + 1)
        elif _SIZES[kind] > 0:
            at += _SIZES[kind]
        else:
            return False
    return False


@compiled
def spans_of(data: np.ndarray) -> tuple[np.ndarray, ...]:
    """The columns of `near.Spans` of the records in `data`, which are whole."""
    count, used = 0, np.int64(0)
    while used < len(data):
        used += 4 + int32(data, used)
        count += 1
    place, start, end = np.empty(count + 1, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    first, last, flag = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    name, split = np.empty(count, np.uint64), np.empty(count, np.bool_)
    used = np.int64(0)
    for i in range(count):
        place[i], behind = used, used + 4 + int32(data, used)
        name_size, operations, bases = np.int64(data[used + 12]), uint16(data, used + 16), int32(data, used + 20)
        flag[i] = uint16(data, used + 18)
        name[i] = hash_of_bytes(data, used + 36, used + 36 + name_length(data, used + 36, name_size))
        cigar = used + 36 + name_size
        aligned, left, right = np.int64(0), np.int64(0), np.int64(0)
        for j in range(operations):
            operation, length = data[cigar + 4 * j] & 15, cigar_length(data, cigar + 4 * j)
            aligned += length if CONSUMES_REFERENCE[operation] else 0
            if operation == SOFT_CLIP and j == 0:
                left = length
            if operation == SOFT_CLIP and j == operations - 1:
                right = length
        start[i] = int32(data, used + 8)
        end[i] = start[i] + max(aligned, 1)
        first[i], last[i] = start[i] - left, end[i] + right
        if operations == 0:
            end[i], last[i] = -_FAR, start[i]
        if flag[i] & UNMAPPED:
            start[i], first[i], end[i], last[i] = _FAR, _FAR, -_FAR, -_FAR
        split[i] = has_tag(data, cigar + 4 * operations + (bases + 1) // 2 + bases, behind, _SPLIT[0], _SPLIT[1])
        used = behind
    place[count] = used
    return place, start, end, first, last, flag, name, split
