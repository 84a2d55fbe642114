"""The protocols of the models that come with the package: drawn at random to train on, fixed to test on; and their reads.

A training protocol is drawn over everything that a user's reads may differ in: depth, read length, insert sizes, purity, single
or paired reads, qualities, artefacts, copy number, and how foreign the normal is. A network that has seen many of them
can't know any by heart (domain randomisation; Tobin et al. 2017). Protocols to test on are named, and none was drawn.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pysam

from varproof.simulation.settings import ARTIFACT_STRENGTHS

READ_LENGTHS = (75, 100, 125, 150, 250)
DEPTHS = (20.0, 2000.0)
DEEP = 150.0
"""Deeper protocols are panels: the simulated genome would cost too much, as it would in life."""

QUALITIES: dict[str, tuple[int, ...]] = {
    "four": (2, 12, 23, 37),
    "eight": (2, 6, 15, 22, 27, 33, 37, 40),
    "unbinned": (),
}
"""Levels that the qualities of a protocol are rounded down to; none: as many as there are."""

LOCI = {
    "ffpe_loci_per_mbp": (100, 1000),
    "oriented_loci_per_mbp": (200, 2000),
    "motif_loci_per_mbp": (100, 600),
    "hairpin_loci_per_mbp": (100, 500),
    "stray_per_mbp": (50, 300),
    "chimeras_per_mbp": (50, 300),
}
"""Artefacts at places: (least, most) per Mbp where a protocol has them."""

VARIANTS = {"somatic_snvs": 0.45, "somatic_mnvs": 0.08, "somatic_insertions": 0.15, "somatic_deletions": 0.15, "germline": 0.4}
"""Planted variants of a pair, as parts of its `variants`."""


@dataclass(frozen=True)
class Protocol:
    """`options` of simulate-pair by the names of their fields; `qualities`: a key of QUALITIES; `paired`: else read 1 alone."""

    name: str
    description: str
    options: dict[str, str | float | bool] = field(default_factory=dict)
    qualities: str = "four"
    paired: bool = True

    def arguments(self) -> Iterator[str]:
        """Of simulate-pair."""
        for name, value in self.options.items():
            option = f"--{name.replace('_', '-')}"
            if value is True:
                yield option
            elif value is not False:
                yield from (option, str(value))


def _size(depth: float, variants: int) -> dict[str, str | float | bool]:
    """A genome, or targets of a panel, for so many planted variants, and not more reads than they need."""
    planted: dict[str, str | float | bool] = {name: max(int(variants * share), 2) for name, share in VARIANTS.items()}
    planted |= {"empty_sites": variants // 10, "max_indel_length": 60}
    if depth <= DEEP:
        return planted | {"genome_length": variants * 500}
    # As many reads, whatever the depth.
    targets = max(int(variants * DEEP / depth / 4), 8)
    return planted | {
        "genome_length": max(targets * 2500, 20_000),
        "panel_targets": targets,
        "target_length": 300,
        **{name: max(int(targets * 4 * share), 2) for name, share in VARIANTS.items()},
        "empty_sites": targets,
        "max_indel_length": 30,
    }


def drawn(number: int, variants: int, seed: int) -> Protocol:
    """Training protocol `number`, with about so many planted variants; the same for the same arguments."""
    rng = np.random.default_rng([seed, number])

    def log_uniform(low: float, high: float) -> float:
        return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.3g}")

    # Depths and read lengths come in turn, so that even a few protocols have all of them.
    depth = float(f"{DEPTHS[0] * (DEPTHS[1] / DEPTHS[0]) ** ((number * 0.618034 + rng.uniform(0, 0.2)) % 1.0):.3g}")
    length = int(READ_LENGTHS[(number * 3) % len(READ_LENGTHS)])
    insert = float(round(max(length * rng.uniform(1.0, 1.3), rng.uniform(150, 500))))
    options: dict[str, str | float | bool] = _size(depth, variants) | {
        "seed": 10_000 * seed + number,
        "tumor_depth": depth,
        "normal_depth": float(f"{depth * rng.uniform(0.3, 1.0):.3g}"),
        "read_length": length,
        "insert_size_mean": insert,
        "insert_size_sd": float(round(rng.uniform(0.05, 0.2) * insert)),
        "purity": float(f"{rng.uniform(0.2, 1.0):.2f}"),
        "min_vaf": float(f"{min(max(2.0 / depth, 0.004) * rng.uniform(1, 3), 0.1):.3g}"),
        "vaf_spectrum": "neutral" if rng.random() < 0.3 else "uniform",
    }
    kinds = [
        f"{name} {options[name]:g}" for name in ("tumor_depth", "normal_depth", "read_length", "insert_size_mean", "purity")
    ]
    for strength, on, off in ARTIFACT_STRENGTHS.values():
        if rng.random() < 0.5:
            options[strength] = float(f"{off + (on - off) * log_uniform(0.3, 2.0):.3g}")
            kinds.append(strength)
    for name, (least, most) in LOCI.items():
        if rng.random() < 0.3:
            options[name] = round(log_uniform(least, most))
            kinds.append(name)
    if rng.random() < 0.3:
        options["normal_damage_ratio"] = float(f"{rng.uniform(0, 1):.2f}")
    if rng.random() < 0.3:
        options["normal_library"] = "other"
        kinds.append("other library")
    if rng.random() < 0.25:
        options["normal_read_length"] = int(min(rng.choice(READ_LENGTHS), insert))
        options["normal_error_inflation"] = float(f"{rng.uniform(1, 3):.2f}")
        kinds.append("foreign normal")
    if rng.random() < 0.3 and depth <= DEEP:
        options["copy_number_fraction"] = float(f"{rng.uniform(0.3, 1):.2f}")
        kinds.append("copy number")
    paired = bool(rng.random() < 0.85)
    qualities = str(rng.choice(list(QUALITIES)))
    kinds += [f"{qualities} qualities", "paired" if paired else "single"]
    return Protocol(f"drawn-{number}", ", ".join(kinds), options, qualities, paired)


def _test(name: str, description: str, seed: int, depth: float, **more: str | float | bool) -> Protocol:
    qualities, paired = str(more.pop("qualities", "four")), bool(more.pop("paired", True))
    options = _size(depth, TEST_VARIANTS) | {"seed": seed, "tumor_depth": depth} | more
    return Protocol(name, description, options, qualities, paired)


TEST_VARIANTS = 160
_HARD = {"read_length": 151, "purity": 0.6, "artifacts": "all"}
_FIXED = {"ffpe_loci_per_mbp": 600, "normal_damage_ratio": 0.0}
TESTS = (
    _test("usual", "40×/30×, 2×100, no artefacts", 901, 40, normal_depth=30),
    _test("artefacts", "80×/40×, 2×151, purity 0.6, every artefact", 902, 80, normal_depth=40, **_HARD),
    _test("shallow", "20×/15×, 2×75, unbinned", 903, 20, normal_depth=15, read_length=75, qualities="unbinned"),
    _test("paraffin", "60×/30×, C>T places, none in the normal", 904, 60, normal_depth=30, **_FIXED),
    _test("panel", "1,000×/200×, 2×151, every artefact, VAF from 0.01", 905, 1000, normal_depth=200, min_vaf=0.01, **_HARD),
    _test("single", "50×/40×, 1×100, eight qualities, slippage", 906, 50, normal_depth=40, paired=False, qualities="eight",
          slippage_rate=0.06),
)  # fmt: skip


def as_sequenced(source: Path, target: Path, protocol: Protocol, seed: int) -> Path:
    """Reads of simulate-pair with the qualities of the protocol, and read 1 alone where it is not paired; indexed."""
    levels = QUALITIES[protocol.qualities]
    table = np.arange(94, dtype=np.uint8)
    if levels:
        table = np.array(levels, np.uint8)[np.maximum(np.searchsorted(levels, table, "right") - 1, 0)]
    rng = np.random.default_rng(seed)
    with pysam.AlignmentFile(str(source)) as reads, pysam.AlignmentFile(str(target), "wb", template=reads) as written:
        for read in reads:
            if not protocol.paired:
                if read.is_paired and not read.is_read1:
                    continue
                read.flag &= ~(0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80)
                read.next_reference_id, read.next_reference_start, read.template_length = -1, -1, 0
            qualities = np.frombuffer(read.query_qualities or b"", np.uint8)
            if not levels and len(qualities):
                # What instruments round was spread around the level that it was rounded to.
                moved = qualities.astype(np.int64) + rng.integers(-3, 4, len(qualities))
                qualities = np.where(qualities > 2, np.clip(moved, 3, 41), qualities).astype(np.uint8)
            if len(qualities):
                read.query_qualities = array("B", table[qualities].tobytes())
            written.write(read)
    pysam.index(str(target))
    return target


def subset(candidates: Path, output: Path, kept: set[int]) -> None:
    """The records of these numbers, indexed."""
    with pysam.VariantFile(str(candidates)) as source, pysam.VariantFile(str(output), "wz", header=source.header) as target:
        for number, record in enumerate(source):
            if number in kept:
                target.write(record)
    pysam.tabix_index(str(output), preset="vcf", force=True)
