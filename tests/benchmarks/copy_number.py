"""How well `estimate-purity` tells purity, ploidy and cancer cell fractions, and how often its probabilities are right.

Counts of windows and heterozygous sites (`copy_number_examples`), of genomes of 128 Mbp, so that hundreds of tumours take
minutes. Writes copy_number.json and its section of RESULTS.md.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from bench import HERE
from copy_number_table import NEAR_PLOIDY, copy_number_lines
from tables import write_kept, write_page

sys.path.insert(0, str(HERE.parent))

from copy_number_examples import WINDOW, Truth, counts_of, tumour
from varproof.copynumber.depth import binned
from varproof.copynumber.run import estimated_from
from varproof.formats.density import encode_density
from varproof.formats.purity import Purity
from varproof.posterior.clonality import CopyState, multiplicity_chances
from varproof.posterior.components import GRID
from varproof.posterior.vaf import frequency_estimate
from varproof.steps import cell_fractions

KINDS: dict[str, tuple[str, float | None, float]] = {
    "changed in a third": ("changed", None, 0.0),
    "doubled": ("doubled", None, 0.0),
    "subclone of 0.35, a quarter of the changes": ("subclonal", 0.35, 0.25),
    "subclone of 0.5, a quarter of the changes": ("subclonal", 0.5, 0.25),
    "subclone of 0.35, half of the changes": ("subclonal", 0.35, 0.5),
    "subclone of 0.5, half of the changes": ("subclonal", 0.5, 0.5),
}
"""Tumours of the table: kind, share of the cells that a subclone has, and its share of the changed segments."""
PURITIES = (0.3, 0.6, 0.95)
ALIKE_PURITY = 0.05
"""A fit is the true one if it is so near in purity, and `NEAR_PLOIDY` in ploidy."""
CALLS, DEPTH, LEAST_READS, CLONAL = 80, 60, 3, 0.6


def density_of(reads: int, depth: int, purity: float) -> str:
    """What score-posterior writes of the frequency in tumour cells, of which `reads` of `depth` fragments tell."""
    fractions = np.clip(purity * GRID, 1e-12, 1 - 1e-12)
    return encode_density(GRID, reads * np.log(fractions) + (depth - reads) * np.log1p(-fractions))


def calls_of(
    truth: Truth, purity: float, subclone: float | None, rng: np.random.Generator
) -> list[tuple[str, int, int, int, float]]:
    """(contig, position, reads, depth, true cancer cell fraction) of somatic calls of at least `LEAST_READS` reads."""
    total, minor = truth.per_window()
    names = list(truth.lengths)
    out = []
    while len(out) < CALLS:
        window = int(rng.integers(len(total)))
        n, m = float(total[window]), float(minor[window])
        copies, fraction = 1, 1.0
        if rng.random() < CLONAL:
            if n == int(n) and m == int(m):
                chances = multiplicity_chances(CopyState(n, int(n - m), int(m)), int(n - m))
                copies = int(rng.choice(len(chances), p=chances))
        else:
            fraction = float(rng.uniform(0.1, 1.0)) if subclone is None else subclone
        share = purity * fraction * copies / (purity * n + 2 * (1 - purity))
        depth = int(rng.poisson(DEPTH * (purity * n + 2 * (1 - purity)) / (purity * truth.ploidy + 2 * (1 - purity))))
        reads = int(rng.binomial(depth, min(share, 1.0)))
        if reads >= LEAST_READS:
            place = window % truth.windows * WINDOW + int(rng.integers(WINDOW))
            out.append((names[window // truth.windows], place, reads, depth, fraction))
    return out


def covered(found: Purity, truth: Truth, calls: list[tuple[str, int, int, int, float]]) -> tuple[int, int, float]:
    """(intervals that hold the truth, intervals, their summed widths)."""
    assert found.purity is not None
    fractions = cell_fractions.CellFractions.of_estimate(found, truth.lengths, found.purity)
    for contig, place, reads, depth, _ in calls:
        text = density_of(reads, depth, found.purity)
        low = frequency_estimate(text).low
        fractions.calls.append(cell_fractions._Call(contig, place, text, low, depth, "snv", True))
    fractions.solve(None)
    pairs = [(one.found, call[4]) for one, call in zip(fractions.calls, calls, strict=True) if one.found is not None]
    return sum(a.low <= b <= a.high for a, b in pairs), len(pairs), float(sum(a.high - a.low for a, _ in pairs))


def judged(kind: str, purity: float, seed: int) -> dict[str, Any]:
    """What was found of one tumour; with a normal where the seed is odd."""
    normal = seed % 2 == 1
    rng = np.random.default_rng([seed, int(100 * purity), list(KINDS).index(kind), int(normal)])
    name, subclone, part = KINDS[kind]
    truth = tumour(name, rng, subclone=subclone or 0.5, part=part)
    found = estimated_from(binned(counts_of(truth, purity, rng, normal=normal)), truth.lengths).purity
    out = {"kind": kind, "purity": purity, "seed": seed, "normal": normal, "found": found.purity, "ploidy": found.ploidy}
    out |= {"true_ploidy": truth.ploidy, "doubled": found.doubled, "limits": [found.purity_low, found.purity_high]}
    if found.purity is None:
        return out
    fits = [(found.purity, found.ploidy, found.probability)]
    fits += [(one.purity, one.ploidy, one.probability) for one in found.alternatives]
    right = [abs(p - purity) <= ALIKE_PURITY and abs(n - truth.ploidy) <= NEAR_PLOIDY for p, n, _ in fits]
    out |= {"fits": fits, "right": right}
    out["covered"] = covered(found, truth, calls_of(truth, purity, subclone, rng))
    return out


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--output", type=Path, default=HERE, help="folder of copy_number.json and RESULTS.md")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    found = [judged(kind, purity, seed) for kind in KINDS for purity in PURITIES for seed in seeds]
    kept: dict[str, Any] = {"found": found}
    lines = copy_number_lines(kept)
    write_kept(options.output / "copy_number.json", kept | {"page": lines})
    write_page(options.output)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
