"""The section of RESULTS.md on purity, ploidy and cancer cell fractions."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from tables import marked

NEAR_PURITY, NEAR_PLOIDY = 0.03, 0.25
GOAL_PLOIDY = 0.90
GOAL_COVERED = (0.93, 0.97)
HEADER = (
    "tumours",
    "number",
    f"purity within {NEAR_PURITY}",
    f"ploidy within {NEAR_PLOIDY}",
    "probability of the true fit",
    "right where ≥ 0.9",
    "CCF intervals that hold",
    "their width",
)


def rows_of(found: list[dict[str, Any]], kinds: Iterable[str]) -> list[list[str]]:
    """The table's rows: of each kind, and of all; tumours of which nothing was told count in their number alone."""
    rows = []
    for kind in [*kinds, "all"]:
        here = [one for one in found if kind in (one["kind"], "all")]
        told = [one for one in here if one["found"] is not None]
        if not told:
            continue
        near = sum(abs(one["found"] - one["purity"]) <= NEAR_PURITY for one in told)
        ploidy = sum(abs(one["ploidy"] - one["true_ploidy"]) <= NEAR_PLOIDY for one in told)
        weight = np.mean([sum(f[2] for f, r in zip(one["fits"], one["right"], strict=True) if r) for one in told])
        sure = [one for one in told if one["fits"][0][2] >= 0.9]
        wrong = sum(not one["right"][0] for one in sure)
        hold, number, width = np.sum([one["covered"] for one in told], axis=0)
        rows.append(
            [kind, str(len(here)), marked(f"{near}/{len(told)}", near == len(told)),
             marked(f"{ploidy}/{len(told)}", ploidy >= GOAL_PLOIDY * len(told)), f"{weight:.2f}",
             f"{len(sure) - wrong}/{len(sure)}",
             marked(f"{hold / number:.3f}", GOAL_COVERED[0] <= hold / number <= GOAL_COVERED[1]), f"{width / number:.2f}"]
        )  # fmt: skip
    return rows


def copy_number_lines(kept: dict[str, Any]) -> list[str]:
    """The section, in Markdown."""
    found = kept["found"]
    seeds = ", ".join(str(seed) for seed in sorted({one["seed"] for one in found}))
    purities = ", ".join(f"{purity:g}" for purity in sorted({one["purity"] for one in found}))
    table = [HEADER, ["---"] * len(HEADER), *rows_of(found, dict.fromkeys(one["kind"] for one in found))]
    return [
        "# Purity, ploidy and cancer cell fractions",
        "",
        "`tests/benchmarks/copy_number.py`: counts of windows and heterozygous sites of genomes of 128 Mbp, purities",
        f"{purities}, seeds {seeds} (odd ones with a normal). Goals: each purity within {NEAR_PURITY}, ploidy right in",
        f"{100 * GOAL_PLOIDY:.0f} %, 95 % intervals of cancer cell fractions that hold the truth in "
        f"{100 * GOAL_COVERED[0]:.0f} to {100 * GOAL_COVERED[1]:.0f} %.",
        "",
        "A subclone of exactly one half of the cells has the depths and fractions of a doubled genome of a lower purity:",
        "nothing in the counts tells them apart (a share of 0.35 is told, see the table). Its probability is that of tumours",
        "whose subclones may be of any size, for which one half is a coincidence.",
        "",
        *("| " + " | ".join(row) + " |" for row in table),
    ]
