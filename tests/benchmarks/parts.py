"""Parts of varproof that a library could stand for, beside that library: what they cost, and what they do that it does not.

    .venv/bin/python tests/benchmarks/parts.py [--only reads pools …] [--short]

Ways to do the same take turns in this process, and the least CPU time of several rounds counts, that of worker processes with
it; what they give is held against each other. loky and oxbow take part where they are installed (`pip install loky oxbow`).
Writes parts.json and its section of RESULTS.md.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pools
import pysam
from bench import HERE, WARM_UP, WARM_UP_INDELS, simulated_pair
from parts_table import parts_lines
from tables import write_page

SMALL_BAM = HERE.parents[1] / "test-data" / "tumor.bam"
FULL, SHORT = (("--genome-length", "200000"), 5), ((*WARM_UP, *WARM_UP_INDELS), 1)
simulation, repeats = FULL
WINDOW = 2_000
Ways = dict[str, Callable[[], Any]]


def cpu_seconds() -> float:
    """User and system, of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(item.ru_utime + item.ru_stime for item in used)


def compared(ways: Ways, same: Callable[[Any, Any], bool]) -> dict[str, dict[str, float]]:
    """Least CPU seconds of each way, and its least seconds, the first way's results held against each other's."""
    expected = next(iter(ways.values()))()
    for name, way in ways.items():
        if not same(expected, way()):
            raise RuntimeError(f"{name} gives something else")
    found = {name: {"cpu_seconds": np.inf, "seconds": np.inf} for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            cpu, begun = cpu_seconds(), time.monotonic()
            way()
            used = {"cpu_seconds": cpu_seconds() - cpu, "seconds": time.monotonic() - begun}
            found[name] = {key: min(found[name][key], used[key]) for key in used}
    return found


def simulated(work: Path) -> Path:
    """The reads of a simulated tumour."""
    return simulated_pair(work, "parts", (*simulation, "--seed", "1")) / "pair" / "tumor.bam"


COLUMNS = (
    "start", "end", "flag", "mapq", "name_hash", "template_length", "base_offset", "bases", "qualities", "cigar_offset",
    "cigar_op", "cigar_length",
)  # fmt: skip


def decoded(path: Path, plain: bool) -> list[dict[str, np.ndarray]]:
    """The columns of all reads, contig by contig; unless `plain` as of a CRAM: fetched by pysam, its attributes to arrays."""
    from varproof.reads.decode import decode_reads, open_reads

    found = []
    with open_reads(path, None) as alignments:
        alignments.is_local = plain
        for contig, length in zip(alignments.references, alignments.lengths, strict=True):
            batch = decode_reads(alignments, contig, 0, length)
            found.append({name: getattr(batch, name) for name in COLUMNS})
    return found


def by_oxbow(path: Path) -> list[dict[str, np.ndarray]]:
    """The same columns from oxbow's table, whose texts are taken apart by the kernels that take apart pysam's."""
    import oxbow

    from varproof.reads.arrays import BASE_CODES
    from varproof.reads.decode_numba_fns import name_hashes, parsed_cigars, translated
    from varproof.reads.sam import LEFT_OUT_FLAGS, UNMAPPED

    fields = ["qname", "flag", "rname", "pos", "mapq", "cigar", "tlen", "seq", "qual", "end"]
    table = oxbow.from_bam(str(path), fields=fields).pl()
    table = table.filter((table["flag"] & LEFT_OUT_FLAGS) == 0, table["rname"].is_not_null())

    def text(values: Any, end: str = "") -> np.ndarray:
        return np.frombuffer(bytearray((end.join(values.to_list()) + end).encode()), np.uint8)

    def offsets(lengths: np.ndarray) -> np.ndarray:
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])

    found = []
    for _, part in table.group_by("rname", maintain_order=True):
        flag, start = part["flag"].to_numpy(), part["pos"].to_numpy().astype(np.int64) - 1
        end = np.where(flag & UNMAPPED, start, part["end"].to_numpy().astype(np.int64))
        cigar_offset, cigar_op, cigar_length = parsed_cigars(text(part["cigar"].fill_null(""), "\n"), len(part))
        found.append(
            {
                "start": start,
                "end": end,
                "flag": flag,
                "mapq": part["mapq"].to_numpy(),
                "name_hash": name_hashes(text(part["qname"]), offsets(part["qname"].str.len_bytes().to_numpy())),
                "base_offset": offsets(part["seq"].str.len_bytes().to_numpy()),
                "bases": translated(text(part["seq"]), BASE_CODES),
                "qualities": text(part["qual"]) - np.uint8(33),
                "cigar_offset": cigar_offset,
                "cigar_op": cigar_op,
                "cigar_length": cigar_length,
                "template_length": part["tlen"].to_numpy().astype(np.int64),
            }
        )
    return found


def same_columns(one: list[dict[str, np.ndarray]], other: list[dict[str, np.ndarray]]) -> bool:
    """Whether two ways found the same reads."""
    return len(one) == len(other) and all(
        np.array_equal(first[name], second[name]) for first, second in zip(one, other, strict=True) for name in COLUMNS
    )


def reads(work: Path) -> dict[str, Any]:
    """BAM to arrays of all that evidence needs of a read."""
    found = {}
    for title, path in (("test-data", SMALL_BAM), ("simulated", simulated(work))):
        ways: Ways = {"varproof": partial(decoded, path, True), "pysam": partial(decoded, path, False)}
        if find_spec("oxbow") is not None:
            ways["oxbow"] = partial(by_oxbow, path)
        counted = sum(len(part["start"]) for part in decoded(path, True))
        found[title] = {"reads": counted, "ways": compared(ways, same_columns)}
    return found


def blocks(work: Path) -> dict[str, Any]:
    """BGZF: all bytes of a BAM; and blocks of them, by the fastest compression."""
    from varproof.formats.bgzf import BLOCK_BYTES, END_OF_FILE, deflated_block
    from varproof.reads.bgzf import compressed_block, open_bgzf

    path = str(simulated(work))

    def opened(file: Any) -> bytes:
        content = bytearray()
        while more := file.read(1 << 18):
            content += more
        return bytes(content)

    content = opened(open_bgzf(path))
    parts = [content[at : at + BLOCK_BYTES] for at in range(0, len(content), BLOCK_BYTES)]

    def unpacked(packed: list[bytes]) -> bytes:
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"".join([*packed, END_OF_FILE]))
            file.flush()
            return bytes(pysam.BGZFile(file.name, "r").read())

    return {
        "read": compared(
            {"igzip": lambda: opened(open_bgzf(path)), "pysam.BGZFile": lambda: opened(pysam.BGZFile(path, "r"))}, bytes.__eq__
        ),
        "write": compared(
            {
                "igzip": lambda: [compressed_block(part) for part in parts],
                "zlib": lambda: [deflated_block(part, level=1) for part in parts],
            },
            lambda one, other: unpacked(one) == unpacked(other),
        ),
    }


def tables(work: Path) -> dict[str, Any]:
    """Rows of an HDF5 file, written and read again: our chunks, and HDF5's own filter of the same format."""
    from varproof.formats.deflated import LEVEL, RowReader, RowWriter

    length = 100
    bases = np.concatenate([part["bases"] for part in decoded(simulated(work), True)])
    rows = bases[: len(bases) // length * length].reshape(-1, length)
    chunk = 1024

    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours.h5", Path(folder) / "theirs.h5"

        def write_ours() -> None:
            with h5py.File(ours, "w") as file:
                writer = RowWriter(file, "rows", np.uint8, (length,), chunk)
                writer.append(rows)
                writer.close()

        def write_theirs() -> None:
            with h5py.File(theirs, "w") as file:
                options = {"chunks": (chunk, length), "compression": "gzip", "compression_opts": LEVEL}
                file.create_dataset("rows", data=rows, **options)

        def read_ours(path: Path = ours) -> np.ndarray:
            with h5py.File(path) as file:
                return RowReader(file["rows"]).read(0, len(rows))

        def read_theirs(path: Path = ours) -> np.ndarray:
            with h5py.File(path) as file:
                return np.asarray(file["rows"][:])

        written = compared({"igzip": write_ours, "HDF5's filter": write_theirs}, lambda *_: True)
        if not (np.array_equal(read_theirs(ours), rows) and np.array_equal(read_ours(theirs), rows)):
            raise RuntimeError("one can't read what the other wrote")
        return {"write": written, "read": compared({"igzip": read_ours, "HDF5's filter": read_theirs}, np.array_equal)}


def numerics(work: Path) -> dict[str, Any]:
    """Exponentials and logarithms of a million numbers."""
    from varproof.machinery.numerics_numba_fns import exp_of, log_of

    x = np.random.default_rng(1).uniform(-50, 0, 1_000_000)
    y = np.exp(x)
    return {
        "exp": compared({"varproof": lambda: exp_of(x), "NumPy": lambda: np.exp(x)}, partial(np.allclose, rtol=1e-15, atol=0)),
        "log": compared({"varproof": lambda: log_of(y), "NumPy": lambda: np.log(y)}, partial(np.allclose, rtol=1e-15, atol=0)),
    }


def logistic(work: Path) -> dict[str, Any]:
    """A logistic model of 5,000 labels, without what only ours has: known parts of log-odds, prior means, least weights."""
    from sklearn.linear_model import LogisticRegression

    from varproof.network.logistic import logistic_weights

    chance, sd = np.random.default_rng(1), 1.0
    features = np.column_stack([np.ones(5_000), chance.normal(size=(5_000, 2))])
    label = chance.random(5_000) < 1 / (1 + np.exp(-features @ np.array([0.3, 1.0, -0.5])))

    def ours() -> np.ndarray:
        return logistic_weights(features, label, np.zeros(len(label)), [0.0] * 3, [sd] * 3, [-np.inf] * 3)

    def sklearns() -> np.ndarray:
        return LogisticRegression(C=sd * sd, fit_intercept=False, tol=1e-9).fit(features, label).coef_[0]

    return compared({"varproof": ours, "scikit-learn": sklearns}, partial(np.allclose, atol=1e-4))


def same_results(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> bool:
    """Whether two pools gave the same, in the same order."""
    return len(one) == len(other) and all(
        np.array_equal(first[name], second[name]) for first, second in zip(one, other, strict=True) for name in first
    )


def workers(work: Path) -> dict[str, Any]:
    """Windows of reads decoded by two processes, in order; and what holds of each pool when it is harmed."""
    path = simulated(work)
    with pysam.AlignmentFile(str(path)) as alignments:
        windows = [
            (contig, start, min(start + WINDOW, length))
            for contig, length in zip(alignments.references, alignments.lengths, strict=True)
            for start in range(0, length, WINDOW)
        ]
    make = partial(pools.make_decoder, path)
    ways: Ways = {name: lambda pool=pool: list(pool(make, windows, 2)) for name, pool in pools.there().items()}
    checks = {check: {name: pools.holds(check, name) for name in ways} for check in pools.CHECKS}
    if not all(found["varproof"] for found in checks.values()):
        raise RuntimeError(f"varproof's pool lacks what it is for: {checks}")
    return {"windows": len(windows), "ways": compared(ways, same_results), "checks": checks}


MEASURES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "pools": workers,
    "reads": reads,
    "blocks": blocks,
    "tables": tables,
    "numerics": numerics,
    "logistic": logistic,
}
LIBRARIES = ("loky", "oxbow", "pysam", "h5py", "numpy", "scikit-learn", "isal")


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description="Self-made parts beside libraries.")
    parser.add_argument("--work", type=Path, default=HERE.parents[1] / "bench-work", help="folder of simulated pairs")
    parser.add_argument("--only", nargs="+", choices=sorted(MEASURES), default=list(MEASURES), help="measures to take")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of parts.json and RESULTS.md")
    parser.add_argument("--short", action="store_true", help="small inputs and one round, to see that everything runs")
    options = parser.parse_args()
    global simulation, repeats
    simulation, repeats = SHORT if options.short else FULL
    options.work.mkdir(parents=True, exist_ok=True)
    path = options.output / "parts.json"
    found = json.loads(path.read_text())["found"] if path.exists() else {}
    found["versions"] = {name: version(name) for name in LIBRARIES if find_spec(name.replace("scikit-learn", "sklearn"))}
    for name in options.only:
        found[name] = MEASURES[name](options.work)
        path.write_text(json.dumps({"found": found, "page": parts_lines(found)}, indent=1) + "\n")
    if not options.short:
        write_page(options.output)
    print("\n".join(parts_lines(found)))


if __name__ == "__main__":
    main()
