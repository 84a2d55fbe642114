"""The section of RESULTS.md on what panels of normals cost."""

from typing import Any

EXOME_MBP, EXOMES = 40.0, 40


def panels_lines(kept: dict[str, Any]) -> list[str]:
    """The section, in Markdown."""
    results, mbp = kept["results"], kept["mbp"]
    first, last = results[0], results[-1]
    lines = [
        "# Panels of normals",
        "",
        f"`tests/benchmarks/panels.py`: exome-like targets of {mbp:.3f} Mbp at 100×, CPU time of one process, the least of",
        "several runs. *Reading* is a loop over all reads with pysam that looks at nothing.",
        "",
        "| normals | CPU s | reading s | MB of memory | kB | kB per Mbp | alleles per kbp |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {one['normals']} | {one['cpu_seconds']:.1f} | {one['reading_seconds']:.2f} | {one['peak_mb']:.0f} "
            f"| {one['kilobytes']:.0f} | {one['kilobytes'] / mbp:.0f} | {one['alleles'] / mbp / 1e3:.1f} |"
            for one in results
        ),
        "",
    ]
    if (more := last["normals"] - first["normals"]) > 0:
        each, reading = ((last[key] - first[key]) / more for key in ("cpu_seconds", "reading_seconds"))
        hours = EXOMES * each / mbp * EXOME_MBP / 3600
        lines += [
            f"Each further normal takes {each:.2f} s, {each / reading:.1f} times reading it. If time and size grow with the",
            f"targets, {EXOMES} exomes of {EXOME_MBP:.0f} Mbp take {hours:.1f} hours of CPU, and a panel of {last['normals']}",
            f"normals {last['kilobytes'] / mbp * EXOME_MBP / 1e3:.0f} MB (goal: under 200).",
        ]
    return lines
