"""Counts of windows and heterozygous sites as a tumour of known purity and copy numbers would have them."""

from dataclasses import dataclass

import numpy as np

from varproof.copynumber.counting import Counted
from varproof.copynumber.decisions import DECISIONS

WINDOW = 100_000
CHANGED = ((1, 0), (2, 0), (3, 1), (4, 1), (4, 2))
DOUBLED = ((4, 2), (4, 2), (4, 2), (3, 1), (2, 0), (2, 1), (5, 2), (4, 1), (3, 0))


@dataclass(frozen=True)
class Truth:
    """Segments as (contig number, windows, total, minor); contigs all have as many windows."""

    contigs: int
    windows: int
    segments: tuple[tuple[int, int, float, float], ...]

    @property
    def lengths(self) -> dict[str, int]:
        return {f"chr{number + 1}": self.windows * WINDOW for number in range(self.contigs)}

    @property
    def ploidy(self) -> float:
        size = sum(windows for _, windows, _, _ in self.segments)
        return sum(windows * total for _, windows, total, _ in self.segments) / size

    def per_window(self) -> tuple[np.ndarray, np.ndarray]:
        """Total and minor copies of each window."""
        sizes = [windows for _, windows, _, _ in self.segments]
        return tuple(np.repeat([one[k] for one in self.segments], sizes).astype(float) for k in (2, 3))  # type: ignore[return-value]


def tumour(
    kind: str, rng: np.random.Generator, contigs: int = 8, windows: int = 160, subclone: float = 0.5, part: float = 0.25
) -> Truth:  # fmt: skip
    """`quiet`, `changed` (a third), `much` (four fifths), `doubled`, or `subclonal` (two fifths, of which `part` in the share
    `subclone` of the cells)."""
    segments: list[tuple[int, int, float, float]] = []
    for contig in range(contigs):
        cuts = sorted(rng.choice(np.arange(15, windows - 15, 15), size=int(rng.integers(2, 6)), replace=False).tolist())
        for start, end in zip([0, *cuts], [*cuts, windows], strict=True):
            total, minor = 2.0, 1.0
            share = {"quiet": 0.0, "changed": 0.33, "much": 0.8, "doubled": 0.0, "subclonal": 0.4}[kind]
            if rng.random() < share:
                total, minor = CHANGED[int(rng.integers(len(CHANGED)))]
                if kind == "subclonal" and rng.random() < part:
                    total, minor = 2 + subclone * (total - 2), 1 + subclone * (minor - 1)
            if kind == "doubled":
                total, minor = DOUBLED[int(rng.integers(len(DOUBLED)))]
            segments.append((contig, end - start, float(total), float(minor)))
    return Truth(contigs, windows, tuple(segments))


def counts_of(
    truth: Truth, purity: float, rng: np.random.Generator, *, normal: bool, depth: float = 60.0, normal_depth: float = 35.0,
    noise: float = 0.03, sites_per_window: float = 8.0, gc_effect: float = 1.5, wave: float = 0.01,
) -> Counted:  # fmt: skip
    """Counts: depth depends on GC and has waves and noise; alleles' fractions are overdispersed; errors make sites where no
    normal tells, and homozygous variants are among them.
    """
    size = truth.contigs * truth.windows
    total, minor = truth.per_window()
    copies = purity * total + 2 * (1 - purity)
    gc = rng.normal(0.42, 0.05, size).clip(0.25, 0.65)
    shape = np.exp(-gc_effect * (gc - 0.42)) * (1 - 8 * (gc - 0.42) ** 2)
    waves = np.exp(wave * np.sin(np.arange(size) / 23.0 + rng.uniform(0, 6)))
    tumor = depth * copies / copies.mean() * shape * waves * np.exp(rng.normal(0, noise, size))
    healthy = normal_depth * shape**0.7 * np.exp(rng.normal(0, noise, size)) if normal else np.full(size, np.nan)
    number = rng.poisson(sites_per_window, size)
    window = np.repeat(np.arange(size), number)
    kind = rng.choice(3, len(window), p=(0.64, 0.34, 0.02))  # heterozygous, homozygous, artefact
    carried = (purity * minor + 1 - purity) / copies
    share = np.where(rng.random(len(window)) < 0.5, carried[window], 1 - carried[window])
    share = rng.beta(share.clip(1e-3, 1 - 1e-3) * 400, (1 - share).clip(1e-3, 1 - 1e-3) * 400)
    share = np.select([kind == 0, kind == 1], [share, 0.999], rng.uniform(0.05, 0.6, len(window)))
    reads = rng.poisson((depth * copies / copies.mean())[window])
    alternative = rng.binomial(reads, share)
    in_normal = rng.poisson(normal_depth, len(window))
    shown = rng.binomial(in_normal, np.select([kind == 0, kind == 1], [0.5, 0.999], share))
    rest = reads - alternative
    if normal:
        kept = (in_normal >= DECISIONS.normal_depth) & (
            np.minimum(shown, in_normal - shown) >= DECISIONS.normal_balance * in_normal
        )
    else:
        kept = (alternative >= DECISIONS.alone_reads) & (alternative >= DECISIONS.alone_fraction * reads)
        kept &= rest >= DECISIONS.alone_reference_reads
    kept &= reads >= DECISIONS.site_depth
    position = (window % truth.windows) * WINDOW + rng.integers(0, WINDOW, len(window))
    order = np.lexsort((position, window // truth.windows))
    order = order[kept[order]]
    columns = [rest, alternative, in_normal - shown if normal else 0 * rest, shown if normal else 0 * rest]
    start = (np.arange(size) % truth.windows) * WINDOW
    return Counted(
        tuple(truth.lengths), np.arange(size) // truth.windows, start, start + WINDOW, tumor, healthy, np.ones(size), gc,
        np.ones(size), window[order] // truth.windows, position[order], np.stack(columns, axis=1)[order].astype(np.int64),
    )  # fmt: skip
