"""Kernels of decoding: text of bases, qualities and CIGARs to arrays of numbers."""

import numpy as np

from varproof.accelerate import compiled

_CIGAR_LETTERS = b"MIDNSHP=XB"
_CIGAR_CODE = np.zeros(256, dtype=np.uint8)
for _code, _letter in enumerate(_CIGAR_LETTERS):
    _CIGAR_CODE[_letter] = _code
_NEWLINE, _ZERO, _NINE = 10, 48, 57


@compiled
def translated(text: np.ndarray, table: np.ndarray) -> np.ndarray:
    """table[text], uint8."""
    out = np.empty(len(text), np.uint8)
    for i in range(len(text)):
        out[i] = table[text[i]]
    return out


@compiled
def without_offset(text: np.ndarray, offset: int) -> np.ndarray:
    """text - offset, uint8."""
    out = np.empty(len(text), np.uint8)
    for i in range(len(text)):
        out[i] = text[i] - offset
    return out


@compiled
def parsed_cigars(text: np.ndarray, reads: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(offsets (reads + 1,), operation codes, lengths) of CIGAR strings that each end in a newline; empty for no alignment."""
    operations = 0
    for i in range(len(text)):
        if text[i] != _NEWLINE and (text[i] < _ZERO or text[i] > _NINE):
            operations += 1
    offsets = np.zeros(reads + 1, np.int64)
    codes = np.empty(operations, np.uint8)
    lengths = np.empty(operations, np.int32)
    read, filled, number = 0, 0, 0
    for i in range(len(text)):
        letter = text[i]
        if letter == _NEWLINE:
            read += 1
            offsets[read] = filled
        elif _ZERO <= letter <= _NINE:
            number = number * 10 + (letter - _ZERO)
        else:
            codes[filled] = _CIGAR_CODE[letter]
            lengths[filled] = number
            filled += 1
            number = 0
    return offsets, codes, lengths
