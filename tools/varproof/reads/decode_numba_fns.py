"""Kernels of decoding: BAM records (SAM specification, section 4.2) and text to arrays, names to fragments.

`scan_records` goes first: it proves that a record is what it claims to be before anything in it is looked at, so that
damaged bytes never lead beyond the block; `fill_records` then relies on it.
"""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.reads.arrays import (
    CONSENSUS_TAGS,
    DUPLEX,
    LARGE_FAMILY,
    MISSING_QUALITY,
    NO_FAMILY,
    ONE_READ,
    OTHER_BASE,
    SMALL_FAMILY,
    Heads,
    Records,
    Region,
)
from varproof.reads.sam import LEFT_OUT_FLAGS, MATE_UNMAPPED, PAIRED, SMALLEST_RECORD, SOFT_CLIP, UNMAPPED

MORE, FINISHED, UNSURE = 0, 1, 2
"""How a scan ended: at the block's end; at a record behind the region; at one that only the full reader can judge."""

_LONGEST_RECORD = 1 << 26
_LAST_OPERATION = 8
_CONSUMES_READ = np.array([i in (0, 1, 4, 7, 8) for i in range(16)])
CONSUMES_REFERENCE = np.array([i in (0, 2, 3, 7, 8) for i in range(16)])
_NO_QUALITIES = 255

_CIGAR_LETTERS = b"MIDNSHP=XB"
_CIGAR_CODE = np.zeros(256, dtype=np.uint8)
for _code, _letter in enumerate(_CIGAR_LETTERS):
    _CIGAR_CODE[_letter] = _code
_NEWLINE, _ZERO, _NINE = 10, 48, 57

_NIBBLE_CODE = np.full(16, OTHER_BASE, dtype=np.uint8)
_NIBBLE_CODE[[1, 2, 4, 8]] = [0, 1, 2, 3]
_HIGH_CODE, _LOW_CODE = np.repeat(_NIBBLE_CODE, 16), np.tile(_NIBBLE_CODE, 16)

_TAG_BYTES = np.array([[ord(letter) for letter in name] for name in CONSENSUS_TAGS])
_VALUE_SIZE = np.zeros(256, np.int64)
for _letters, _size in ((b"AcC", 1), (b"sS", 2), (b"iIf", 4), (b"d", 8)):
    for _letter in _letters:
        _VALUE_SIZE[_letter] = _size
_TEXT, _HEX, _ARRAY = ord("Z"), ord("H"), ord("B")
_SIGNED_BYTE, _BYTE, _SIGNED_SHORT, _SHORT, _SIGNED_INT, _INT = (ord(letter) for letter in "cCsSiI")

_ADLER_MODULUS = 65521
_CRC_TABLE = np.zeros(256, dtype=np.uint64)
for _code in range(256):
    _remainder = _code
    for _ in range(8):
        _remainder = (_remainder >> 1) ^ (0xEDB88320 if _remainder & 1 else 0)
    _CRC_TABLE[_code] = _remainder


@compiled
def _copy(source, start, target, at, length):
    """target[at:at + length] = source[start:start + length]; unsigned indices spare a test for negative ones, and vectorise."""
    start, at = np.uint64(start), np.uint64(at)
    for i in range(np.uint64(length)):
        target[at + i] = source[start + i]


@compiled
def _unpack_bases(source, start, target, at, length):
    """Write the codes of `length` bases, two of which are in a byte of `source`."""
    start, at = np.uint64(start), np.uint64(at)
    two, one = np.uint64(2), np.uint64(1)
    for i in range(np.uint64(length // 2)):
        pair = source[start + i]
        target[at + two * i] = _HIGH_CODE[pair]
        target[at + two * i + one] = _LOW_CODE[pair]
    if length % 2:
        target[at + np.uint64(length - 1)] = _HIGH_CODE[source[start + np.uint64(length // 2)]]


@compiled
def uint16(data: np.ndarray, at: int) -> int:
    """The number in two bytes."""
    return np.int64(data[at]) | np.int64(data[at + 1]) << 8


@compiled
def int32(data: np.ndarray, at: int) -> int:
    """The number in four bytes, with its sign."""
    value = np.int64(data[at]) | np.int64(data[at + 1]) << 8 | np.int64(data[at + 2]) << 16 | np.int64(data[at + 3]) << 24
    return value - (np.int64(1) << 32) if value >= np.int64(1) << 31 else value


@compiled
def name_length(data: np.ndarray, at: int, most: int) -> int:
    """Length of the name at data[at:at + most], which a zero ends."""
    length = 0
    while length < most and data[at + length] != 0:
        length += 1
    return length


@compiled
def hash_of_bytes(data: np.ndarray, start: int, end: int) -> int:
    """uint64 hash of data[start:end], as `arrays.name_hash`."""
    crc = np.uint64(0xFFFFFFFF)
    first, second = np.uint64(1), np.uint64(0)
    for i in range(np.uint64(start), np.uint64(end)):
        byte = np.uint64(data[i])
        crc = _CRC_TABLE[(crc ^ byte) & np.uint64(255)] ^ (crc >> np.uint64(8))
        first += byte
        second += first
    adler = (second % np.uint64(_ADLER_MODULUS)) << np.uint64(16) | first % np.uint64(_ADLER_MODULUS)
    key = (crc ^ np.uint64(0xFFFFFFFF)) << np.uint64(32) | adler
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@compiled
def cigar_length(data: np.ndarray, at: int) -> int:
    """Bases of the CIGAR operation at `at`."""
    return (int32(data, at) >> 4) & 0xFFFFFFF


@compiled
def _is_placeholder(data, cigar, operations, read_bases):
    """Whether the CIGAR begins with a soft clip of the whole read, as it does where the true one is in a tag."""
    return operations > 0 and data[cigar] & 15 == SOFT_CLIP and cigar_length(data, cigar) == read_bases


@compiled
def _has_long_cigar(data, at, end):
    """Whether the tags at data[at:end] may hold a CIGAR of over 65535 operations (CG:B)."""
    while at < end - 2 and not (data[at] == 67 and data[at + 1] == 71 and data[at + 2] == 66):
        at += 1
    return at < end - 2


@compiled
def scan_records(
    data: np.ndarray, region: Region, bin_width: int, first_bin: int, bases: np.ndarray, found: Heads
) -> tuple[int, int, int, int, int]:
    """Find the records of `data` that overlap a region, up to the first that starts at or behind its `stop`.

    `data` begins with a record and may end inside one. Written: `found`, with room for every record; and to `bases` the read
    bases that start in each bin of `bin_width` from number `first_bin` on, over mapped reads without LEFT_OUT_FLAGS. Reads
    without bases are not found. Returns (how it ended, bytes used, records found, start of the last of all records,
    furthest end).
    """
    used, count, position, furthest = 0, 0, np.int64(-1), np.int64(-1)
    size = len(data)
    while size - used >= SMALLEST_RECORD:
        name_size, operations, read_bases = np.int64(data[used + 12]), uint16(data, used + 16), int32(data, used + 20)
        cigar = used + 36 + name_size
        tags = cigar + 4 * operations + (read_bases + 1) // 2 + read_bases
        block = int32(data, used)
        behind = used + 4 + block
        if block > _LONGEST_RECORD or read_bases < 0 or name_size < 1 or tags > behind:
            return UNSURE, used, count, position, furthest
        contig, start, mate_contig = int32(data, used + 4), int32(data, used + 8), int32(data, used + 24)
        if not (-1 <= contig < region.contigs and -1 <= mate_contig < region.contigs):
            return UNSURE, used, count, position, furthest
        if behind > size:
            break
        read_length, reference_length, last_operation = np.int64(0), np.int64(0), np.int64(0)
        for i in range(operations):
            operation, length = np.int64(data[cigar + 4 * i] & 15), cigar_length(data, cigar + 4 * i)
            read_length += length if _CONSUMES_READ[operation] else 0
            reference_length += length if CONSUMES_REFERENCE[operation] else 0
            last_operation = max(last_operation, operation)
        flag = uint16(data, used + 18)
        unmapped = flag & UNMAPPED != 0
        odd = data[cigar - 1] != 0 or last_operation > _LAST_OPERATION
        odd = odd or (operations > 0 and read_bases > 0 and not unmapped and read_length != read_bases)
        if odd or (_is_placeholder(data, cigar, operations, read_bases) and _has_long_cigar(data, tags, behind)):
            return UNSURE, used, count, position, furthest
        if contig != region.contig or start >= region.stop:
            return FINISHED, used, count, position, furthest
        position = start
        end = start + (reference_length if reference_length > 0 and not unmapped else 1)
        furthest = max(furthest, end)
        place = start // bin_width - first_bin
        if flag & (LEFT_OUT_FLAGS | UNMAPPED) == 0 and 0 <= place < len(bases):
            bases[place] += read_bases
        wanted = flag & region.left_out == 0 and read_bases >= region.least_bases
        if wanted and start < region.end and end > region.start:
            found.place[count] = used
            found.start[count] = start
            found.end[count] = start if unmapped or operations == 0 else end
            with_mate = flag & (PAIRED | MATE_UNMAPPED) == PAIRED and mate_contig == contig
            found.mate_start[count] = int32(data, used + 28) if with_mate else -1
            found.name_hash[count] = hash_of_bytes(data, used + 36, used + 36 + name_length(data, used + 36, name_size))
            count += 1
        used = behind
    return MORE, used, count, position, furthest


@compiled
def space_needed(data: np.ndarray, place: np.ndarray) -> tuple[int, int, int]:
    """At most how many (name bytes, bases, CIGAR operations) the records at `place` have."""
    names, bases, operations = np.int64(0), np.int64(0), np.int64(0)
    for i in range(len(place)):
        names += data[place[i] + 12]
        operations += uint16(data, place[i] + 16)
        bases += int32(data, place[i] + 20)
    return names, bases, operations


@compiled
def fill_records(data: np.ndarray, found: Heads, columns: Records, reads: int, tagged: bool) -> None:
    """Write the records that `scan_records` has found behind the first `reads` reads of `columns`, which have room.

    `tagged`: look at tags of a consensus.
    """
    names, bases, operations = columns.name_offset, columns.base_offset, columns.cigar_offset
    for i in range(len(found.place)):
        record, read = found.place[i], reads + i
        columns.start[read] = found.start[i]
        columns.end[read] = found.end[i]
        columns.mate_start[read] = found.mate_start[i]
        columns.name_hash[read] = found.name_hash[i]
        columns.mapq[read] = data[record + 13]
        columns.flag[read] = uint16(data, record + 18)
        columns.template_length[read] = int32(data, record + 32)
        source, name_size = record + 36, np.int64(data[record + 12])
        length = name_length(data, source, name_size)
        _copy(data, source, columns.names, names[read], length)
        names[read + 1] = names[read] + length
        source += name_size
        length = uint16(data, record + 16)
        for j in range(length):
            columns.cigar_op[operations[read] + j] = data[source + 4 * j] & 15
            columns.cigar_length[operations[read] + j] = cigar_length(data, source + 4 * j)
        operations[read + 1] = operations[read] + length
        source += 4 * length
        length = int32(data, record + 20)
        _unpack_bases(data, source, columns.bases, bases[read], length)
        source += (length + 1) // 2
        if data[source] == _NO_QUALITIES:
            columns.qualities[bases[read] : bases[read] + length] = MISSING_QUALITY
        else:
            _copy(data, source, columns.qualities, bases[read], length)
        bases[read + 1] = bases[read] + length
        columns.kind[read] = tagged_kind(data, source + length, record + 4 + int32(data, record)) if tagged else NO_FAMILY


@compiled
def kind_of_depths(whole: int, one_strand: int, other_strand: int) -> int:
    """Kind of a read (`arrays.NO_FAMILY` and on) by its `CONSENSUS_TAGS`, negative where there is none."""
    if one_strand > 0 and other_strand > 0:
        return DUPLEX
    depth = max(whole, max(one_strand, 0) + max(other_strand, 0))
    if depth <= 0:
        return NO_FAMILY
    return ONE_READ if depth == 1 else (SMALL_FAMILY if depth <= 3 else LARGE_FAMILY)


@compiled
def tagged_kind(data: np.ndarray, at: int, end: int) -> int:
    """Kind of the read whose tags are data[at:end]; what is no tag ends the search (SAM specification, section 4.2.4)."""
    depth = np.full(len(_TAG_BYTES), -1, np.int64)
    while at + 4 <= end:
        first, second, kind = np.int64(data[at]), np.int64(data[at + 1]), np.int64(data[at + 2])
        at += 3
        size = _VALUE_SIZE[kind]
        if kind in (_TEXT, _HEX):
            while at < end and data[at] != 0:
                at += 1
            size = 1
        elif kind == _ARRAY:
            if at + 5 > end or _VALUE_SIZE[data[at]] == 0 or int32(data, at + 1) < 0:
                break
            size = 5 + _VALUE_SIZE[data[at]] * int32(data, at + 1)
        if size == 0 or at + size > end:
            break
        for i in range(len(_TAG_BYTES)):
            if first == _TAG_BYTES[i, 0] and second == _TAG_BYTES[i, 1]:
                if kind == _BYTE:
                    depth[i] = data[at]
                elif kind == _SIGNED_BYTE:
                    depth[i] = np.int64(data[at]) - (256 if data[at] > 127 else 0)
                elif kind == _SHORT:
                    depth[i] = uint16(data, at)
                elif kind == _SIGNED_SHORT:
                    depth[i] = uint16(data, at) - (65536 if data[at + 1] > 127 else 0)
                elif kind in (_SIGNED_INT, _INT):
                    depth[i] = int32(data, at)
        at += size
    return kind_of_depths(depth[0], depth[1], depth[2])


@compiled
def gathered_records(data: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The bytes of the records at `place`, one after the other."""
    size = np.int64(0)
    for i in range(len(place)):
        size += 4 + int32(data, place[i])
    out = np.empty(size, np.uint8)
    used = np.int64(0)
    for i in range(len(place)):
        length = 4 + int32(data, place[i])
        _copy(data, place[i], out, used, length)
        used += length
    return out


@compiled
def name_hashes(names: np.ndarray, name_offset: np.ndarray) -> np.ndarray:
    """uint64 hashes of the names names[name_offset[i]:name_offset[i + 1]]."""
    out = np.empty(len(name_offset) - 1, np.uint64)
    for i in range(len(out)):
        out[i] = hash_of_bytes(names, name_offset[i], name_offset[i + 1])
    return out


@compiled
def _same_name(names, offset, one, other):
    length = offset[one + 1] - offset[one]
    if offset[other + 1] - offset[other] != length:
        return False
    same = 0
    while same < length and names[offset[one] + same] == names[offset[other] + same]:
        same += 1
    return same == length


@compiled
def fragment_numbers(name_hash: np.ndarray, names: np.ndarray, name_offset: np.ndarray) -> tuple[np.ndarray, int]:
    """(int32 number of each read's name, by first appearance; how many names): equal bytes, not only equal hashes."""
    count = len(name_hash)
    size = 16
    while size < 2 * count:
        size *= 2
    table = np.full(size, -1, np.int32)
    out = np.empty(count, np.int32)
    fragments = 0
    for i in range(count):
        slot = np.int64(name_hash[i] & np.uint64(size - 1))
        while True:
            other = table[slot]
            if other < 0:
                table[slot] = i
                out[i] = fragments
                fragments += 1
                break
            if name_hash[other] == name_hash[i] and _same_name(names, name_offset, other, i):
                out[i] = out[other]
                break
            slot = (slot + 1) & (size - 1)
    return out, fragments


@compiled
def gathered(values: np.ndarray, offset: np.ndarray, rows: np.ndarray, kept_offset: np.ndarray) -> np.ndarray:
    """The stretches values[offset[row]:offset[row + 1]] of `rows`, which lie at `kept_offset` in what is returned."""
    out = np.empty(kept_offset[-1], values.dtype)
    for i in range(len(rows)):
        _copy(values, offset[rows[i]], out, kept_offset[i], kept_offset[i + 1] - kept_offset[i])
    return out


@compiled
def renumbered(number: np.ndarray, numbers: int) -> tuple[np.ndarray, int]:
    """(int32 numbers by first appearance, how many there are) of numbers under `numbers`."""
    new = np.full(numbers, -1, np.int32)
    out = np.empty(len(number), np.int32)
    seen = 0
    for i in range(len(number)):
        if new[number[i]] < 0:
            new[number[i]] = seen
            seen += 1
        out[i] = new[number[i]]
    return out, seen


@compiled
def translated(text: np.ndarray, table: np.ndarray) -> np.ndarray:
    """table[text], uint8."""
    out = np.empty(len(text), np.uint8)
    for i in range(len(text)):
        out[i] = table[text[i]]
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
