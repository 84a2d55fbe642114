"""Ways to spoil a file: its bytes, what is inside its compression, its text, the arrays of an HDF5 file, the values of JSON."""

import json
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ODD_NUMBERS = (
    0,
    1,
    -1,
    127,
    128,
    255,
    256,
    32767,
    65535,
    65536,
    2**28,
    2**31 - 1,
    -(2**31),
    2**31,
    2**32 - 1,
    2**63 - 1,
    10**30,
)
ODD_WORDS = (
    "", ".", "*", "-", "nan", "NaN", "inf", "-inf", "1e400", "-1", "0", "2147483648", "99999999999999999999", "<DEL>",
    "<NON_REF>", "N", "A" * 3000, "ACGTN" * 60, "N[chr2:321681[", "]chr1:1]A", "é", "\x00", "%s%n", "../../etc/passwd",
    "$(touch x)", "=", ";", ";;", "a=b=c", ",", ",,,", "|", "0.1=0.00|0.2", "0.5=nan", "1=1|0=1", "0/1/2", "./.", "PASS;PASS",
    "\t", " ", "chr1", "chr99",
)  # fmt: skip


def spoilt_bytes(data: bytes, chance: random.Random) -> bytes:
    """Some bytes flipped, cut off, repeated, dropped or replaced."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 5, 20))):
        if not out:
            break
        at, kind = chance.randrange(len(out)), chance.randrange(7)
        if kind == 0:
            out[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            out[at] = chance.randrange(256)
        elif kind == 2:
            del out[at:]
        elif kind == 3:
            del out[at : at + chance.choice((1, 2, 4, 36, 1000))]
        elif kind == 4:
            out[at:at] = out[at : at + chance.choice((1, 4, 36, 1000))]
        elif kind == 5:
            number = chance.choice(ODD_NUMBERS) & 0xFFFFFFFF
            out[at : at + 4] = number.to_bytes(4, "little")
        else:
            out[at : at + chance.choice((1, 8, 64))] = bytes(chance.choice((0, 255)) for _ in range(chance.choice((1, 8, 64))))
    return bytes(out)


def bgzf_blocks(payload: bytes) -> bytes:
    """The payload as BGZF, with its end marker (SAM specification, 4.1)."""
    out = bytearray()
    for start in [*range(0, len(payload), 60_000), len(payload)]:
        part = payload[start : start + 60_000] if start < len(payload) else b""
        packer = zlib.compressobj(1, zlib.DEFLATED, -15)
        packed = packer.compress(part) + packer.flush()
        out += b"\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x06\x00BC\x02\x00" + (len(packed) + 25).to_bytes(2, "little")
        out += packed + zlib.crc32(part).to_bytes(4, "little") + len(part).to_bytes(4, "little")
    return bytes(out)


def bgzf_payload(data: bytes) -> bytes:
    """What is inside a sound BGZF or gzip file."""
    out, unpacker = bytearray(), zlib.decompressobj(31)
    while data:
        out += unpacker.decompress(data)
        data, unpacker = unpacker.unused_data, zlib.decompressobj(31)
    return bytes(out)


def inside_compression(spoil: Callable[[bytes, random.Random], bytes]) -> Callable[[bytes, random.Random], bytes]:
    """Spoil what is inside, so that checksums of the compression are right."""
    return lambda data, chance: bgzf_blocks(spoil(bgzf_payload(data), chance))


def spoilt_records(payload: bytes, chance: random.Random) -> bytes:
    """Uncompressed BAM in which fields of some records have odd values."""
    out, places = bytearray(payload), []
    at = 8 + int.from_bytes(payload[4:8], "little")
    contigs = int.from_bytes(payload[at : at + 4], "little")
    at += 4
    for _ in range(contigs):
        at += 8 + int.from_bytes(payload[at : at + 4], "little")
    while at + 36 <= len(payload):
        places.append(at)
        at += 4 + int.from_bytes(payload[at : at + 4], "little")
    for _ in range(chance.choice((1, 1, 3, 10))):
        record = chance.choice(places)
        offset, width = chance.choice(
            ((0, 4), (4, 4), (8, 4), (12, 1), (13, 1), (14, 2), (16, 2), (18, 2), (20, 4), (24, 4), (28, 4), (32, 4))
        )
        if chance.random() < 0.4:
            offset, width = 36 + chance.randrange(200), chance.choice((1, 4))
        number = chance.choice(ODD_NUMBERS) if chance.random() < 0.7 else chance.getrandbits(32)
        if record + offset + width <= len(out):
            out[record + offset : record + offset + width] = (number & (256**width - 1)).to_bytes(width, "little")
    return bytes(out)


def spoilt_text(data: bytes, chance: random.Random) -> bytes:
    """Lines dropped, repeated, swapped, or with odd words in place of their own."""
    lines = data.decode().split("\n")
    for _ in range(chance.choice((1, 1, 2, 5))):
        at, kind = chance.randrange(len(lines)), chance.randrange(8)
        if chance.random() < 0.7:  # records more often than headers
            at = max(at, min(len(lines) - 1, next((i for i, line in enumerate(lines) if line[:1] not in "#>"), 0)))
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, chance.choice(lines))
        elif kind == 2:
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == 3:
            lines[at] = spoilt_bytes(lines[at].encode(), chance).decode("latin-1").replace("\n", "")
        else:
            mark = chance.choice("\t\t\t\t;=,:|")
            words = lines[at].split(mark)
            words[chance.randrange(len(words))] = chance.choice(ODD_WORDS)
            lines[at] = mark.join(words)
        if not lines:
            lines = [""]
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def spoilt_json(data: bytes, chance: random.Random) -> bytes:
    """JSON with odd values in some places, or without some."""
    content = json.loads(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        holder: Any = content
        for _ in range(chance.randrange(1, 6)):
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = chance.choice(keys)
            if isinstance(holder[key], dict | list) and holder[key] and chance.random() < 0.8:
                holder = holder[key]
                continue
            if chance.random() < 0.2:
                del holder[key]
            else:
                odd = [
                    None,
                    True,
                    [],
                    {},
                    [[]],
                    -1,
                    0,
                    1,
                    0.5,
                    1e308,
                    -1e308,
                    float("nan"),
                    float("inf"),
                    10**40,
                    *ODD_WORDS[:12],
                ]
                holder[key] = chance.choice(odd)
            break
    return json.dumps(content).encode()


def spoil_hdf5(path: Path, chance: random.Random) -> None:
    """Odd numbers, other lengths and kinds in some datasets and attributes of an HDF5 file, in place."""
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        for _ in range(chance.choice((1, 1, 2, 4))):
            if chance.random() < 0.2 and len(file.attrs):
                key = chance.choice(list(file.attrs))
                file.attrs[key] = chance.choice(["", "varproof/evidence/9", 7, 1.5, "{}", "[]", "null", "x" * 1000])
                continue
            name = chance.choice(names)
            if name not in file:
                continue
            values = file[name][:] if file[name].shape else file[name][()]
            kind = chance.randrange(6)
            if kind == 0 or not np.ndim(values) or not np.size(values):
                del file[name]
                continue
            if kind == 1:
                values = values[: chance.randrange(len(values))]
            elif kind == 2:
                values = np.concatenate([values, values[: chance.randrange(len(values)) + 1]])
            elif kind == 3:
                values = np.zeros((2, 3), np.float32)
            elif np.issubdtype(values.dtype, np.number):
                flat = values.reshape(-1)
                for _ in range(chance.choice((1, 3, 50))):
                    odd = chance.choice((*ODD_NUMBERS, float("nan"), float("inf"), -float("inf"), 0.5))
                    with np.errstate(all="ignore"):
                        if np.issubdtype(values.dtype, np.floating):
                            flat[chance.randrange(len(flat))] = odd
                        elif isinstance(odd, int):
                            bits = int(odd) & (256**values.dtype.itemsize - 1)
                            flat[chance.randrange(len(flat))] = np.frombuffer(
                                bits.to_bytes(values.dtype.itemsize, "little"), values.dtype
                            )[0]
            del file[name]
            file.create_dataset(name, data=values)
