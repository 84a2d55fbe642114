#!/usr/bin/env python3
"""The sections of one sample for MultiQC (custom content), from files that are named SAMPLE.BRANCH....

For each branch (posterior, network, combined): SAMPLE.BRANCH.vcf.gz, all calls; SAMPLE.BRANCH.filtered.vcf.gz, the kept ones;
SAMPLE.BRANCH.filtered.vaf.tsv, their allele frequencies, or SAMPLE.BRANCH.filtered.ROLE.vaf.tsv, those in each sample of a
scenario; SAMPLE.BRANCH.metrics.json, metrics against the truth.
"""

import argparse
import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

from varproof.formats.scored import skipped_alleles
from varproof.formats.vcf import NO_ALTERNATIVE_ALLELE, SKIPPED, open_vcf, read_records
from varproof.variants.candidate import candidates_of
from varproof.variants.edit import VariantType

BRANCHES = ("posterior", "network", "combined")
COLOURS = dict(zip((item.value for item in VariantType), ("#1b6ca8", "#5aa9e6", "#2a9d5c", "#c9472f", "#d99a2b"), strict=True))
BRANCH_COLOURS = dict(zip(BRANCHES, ("#1b6ca8", "#d99a2b", "#2a9d5c"), strict=True))
FATE_COLOURS = {"kept": "#2a9d5c", "not kept": "#b8c0c8"}
NOT_JUDGED_COLOUR = "#8a5a83"
SHARES = {
    "normal_homozygous": "Normal's homozygous in tumour",
    "normal_heterozygous": "Normal's heterozygous in tumour",
    "tumor_homozygous": "Tumour's homozygous in normal",
    "tumor_heterozygous": "Tumour's heterozygous in normal",
}
"""Counts of `varproof_samples` that have a share, and its title."""

BINS = 20
HEADLINE_FDR = 0.05
ABOUT = {
    "parent_id": "varproof",
    "parent_name": "varproof",
    "parent_description": "Which candidates are real, judged from the reads, at a chosen false discovery rate.",
}


def filter_result(path: Path) -> dict[str, Any]:
    """What fdr-filter wrote into the header: kept, considered, expected_false and more."""
    with open_vcf(path) as handle:
        values = [line.value for line in handle.header.records if line.key == "varproof_fdr-filter_result"]
    return json.loads(values[-1])


def samples_match(path: Path) -> dict[str, int | str] | None:
    """What score-posterior wrote into the header about whether tumour and normal belong together; None without a normal."""
    with open_vcf(path) as handle:
        values = [line.value for line in handle.header.records if line.key == "varproof_samples"]
    return json.loads(values[-1]) if values else None


def shares(match: dict[str, int | str]) -> dict[str, float | str]:
    """Verdict, and of each sample's germline-like variants the percentage that the other shows (where there are any)."""
    out: dict[str, float | str] = {"verdict": match["verdict"]}
    for name in SHARES:
        one = name.partition("_")[0]
        seen = int(match[f"{name}_in_{'tumor' if one == 'normal' else 'normal'}"])
        if count := int(match[name]):
            out[name] = round(100 * seen / count, 2)
    return out


def alleles_by_type(path: Path) -> Counter[str]:
    """Number of alleles of each variant type."""
    alleles = (item for number, record in enumerate(read_records(path)) for item in candidates_of(record, number))
    return Counter(item.type.value for item in alleles if item.skipped is None)


def alleles_not_judged(path: Path) -> Counter[str]:
    """Number of alleles of records that were not judged, by reason."""
    with open_vcf(path) as handle:
        if SKIPPED not in handle.header.info:
            return Counter()
    reasons = Counter[str]()
    for record in read_records(path):
        if record.alts:
            reasons.update(reason for reason in skipped_alleles(record) if reason)
        elif SKIPPED in record.info:
            reasons[NO_ALTERNATIVE_ALLELE] += 1
    return reasons


def spectrum(path: Path) -> dict[str, int]:
    """Number of calls in each twentieth of allele frequency, by its middle."""
    counts = dict.fromkeys(range(BINS), 0)
    with path.open() as handle:
        for row in csv.DictReader(handle, delimiter="\t"):
            if row["mean"] not in ("", "NA", "."):
                counts[min(int(float(row["mean"]) * BINS), BINS - 1)] += 1
    return {f"{(i + 0.5) / BINS:.3f}": count for i, count in counts.items()}


def at_headline(path: Path) -> dict[str, float | int | None]:
    """Recall and realised false discovery rate of all types together, at HEADLINE_FDR."""
    entry = json.loads(path.read_text())["classes"][0]
    point = next(point for point in entry["own_threshold"] if point["nominal_fdr"] == HEADLINE_FDR)
    return {name: point[name] for name in ("kept", "false", "realised_fdr", "recall")}


def sections(sample: str, files: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """Custom content of MultiQC by the name of its section."""
    general: dict[str, Any] = {}
    kept: dict[str, Counter[str]] = {}
    fate: dict[str, dict[str, int]] = {}
    lines: dict[str, dict[str, int]] = {}
    truth: dict[str, dict[str, Any]] = {}
    matches: dict[str, dict[str, float | str]] = {}
    if (calls := files.get(f"{sample}.posterior.vcf.gz")) and (match := samples_match(calls)):
        matches[sample] = shares(match)
    for branch in BRANCHES:
        row, name = f"{sample} {branch}", f"{sample}.{branch}"
        if filtered := files.get(f"{name}.filtered.vcf.gz"):
            result, calls = filter_result(filtered), files[f"{name}.vcf.gz"]
            kept[row] = alleles_by_type(filtered)
            reasons = alleles_not_judged(calls)
            fate[row] = {
                "kept": result["kept"],
                "not kept": result["considered"] - result["kept"],
                **{f"not judged: {reason.replace('_', ' ')}": count for reason, count in sorted(reasons.items())},
            }
            general["candidates"] = sum(fate[row].values())
            general[f"kept_{branch}"] = result["kept"]
        for frequencies in sorted(files):
            if frequencies.startswith(f"{name}.filtered.") and frequencies.endswith(".vaf.tsv"):
                role = frequencies[len(name) + len(".filtered.") : -len("vaf.tsv")].rstrip(".")
                lines[f"{row} {role}" if role else row] = spectrum(files[frequencies])
        if metrics := files.get(f"{name}.metrics.json"):
            truth[row] = at_headline(metrics)
    titles = {"candidates": "Candidates", **{f"kept_{branch}": f"Kept, {branch}" for branch in BRANCHES}}
    found: dict[str, dict[str, Any]] = {
        "general": {
            "id": "varproof_general",
            "plot_type": "generalstats",
            "pconfig": [
                {key: {"title": title, "description": "alleles", "format": "{:,d}", "min": 0, "scale": "Blues"}}
                for key, title in titles.items()
                if key in general
            ],
            "data": {sample: general},
        },
        "kept": {
            **ABOUT,
            "id": "varproof_kept",
            "section_name": "Kept calls",
            "description": "Alleles that are kept at the chosen false discovery rate, by type.",
            "plot_type": "bargraph",
            "pconfig": {
                "id": "varproof_kept_plot",
                "title": "varproof: kept calls",
                "ylab": "Alleles",
                "cpswitch_counts_label": "Alleles",
            },
            "categories": {kind: {"name": kind, "color": colour} for kind, colour in COLOURS.items()},
            "data": {row: {kind: counts[kind] for kind in COLOURS} for row, counts in kept.items()},
        },
        "fate": {
            **ABOUT,
            "id": "varproof_fate",
            "section_name": "What became of the candidates",
            "description": "Every candidate allele: kept, not kept, or why it was not judged.",
            "plot_type": "bargraph",
            "pconfig": {
                "id": "varproof_fate_plot",
                "title": "varproof: candidates",
                "ylab": "Alleles",
                "cpswitch_counts_label": "Alleles",
            },
            "categories": {
                name: {"name": name, "color": FATE_COLOURS.get(name, NOT_JUDGED_COLOUR)}
                for row in fate.values()
                for name in row
            },
            "data": fate,
        },
    }
    if matches:
        found["samples"] = {
            **ABOUT,
            "id": "varproof_samples",
            "section_name": "Do the samples belong together?",
            "description": "Of the germline-like variants of each sample, the percentage that the other shows. A tumour may "
            "lack heterozygous ones where it lost a copy, but no homozygous ones.",
            "plot_type": "table",
            "pconfig": {"id": "varproof_samples_table", "title": "varproof: samples", "namespace": "varproof"},
            "headers": {
                "verdict": {"title": "Verdict", "cond_formatting_rules": {"fail": [{"s_eq": "unrelated"}]}},
                **{
                    name: {"title": title, "suffix": "%", "min": 0, "max": 100, "format": "{:,.1f}", "scale": "RdYlGn"}
                    for name, title in SHARES.items()
                },
            },
            "data": matches,
        }
    if lines:
        where = "in the tumour cells" if all(row.rpartition(" ")[2] in BRANCHES for row in lines) else "in each sample"
        found["spectrum"] = {
            **ABOUT,
            "id": "varproof_spectrum",
            "section_name": "Allele frequencies",
            "description": f"Posterior mean of the allele frequency of kept calls, {where}, in steps of 0.05.",
            "plot_type": "linegraph",
            "pconfig": {
                "id": "varproof_spectrum_plot",
                "title": "varproof: allele frequencies",
                "xlab": f"Allele frequency {where}",
                "ylab": "Calls",
                "xmin": 0,
                "xmax": 1,
                "ymin": 0,
                "x_decimals": True,
                "y_decimals": False,
                "colors": {row: BRANCH_COLOURS[branch] for row in lines if (branch := row.rpartition(" ")[2]) in BRANCHES},
            },
            "data": lines,
        }
    if truth:
        found["truth"] = {
            **ABOUT,
            "id": "varproof_truth",
            "section_name": "Against the truth",
            "description": f"Calls at a nominal false discovery rate of {HEADLINE_FDR:g}, held against the true variants.",
            "plot_type": "table",
            "pconfig": {"id": "varproof_truth_table", "title": "varproof: against the truth", "namespace": "varproof"},
            "headers": {
                "kept": {"title": "Kept", "format": "{:,d}", "scale": "Blues", "min": 0},
                "false": {"title": "False", "format": "{:,d}", "scale": "Reds", "min": 0},
                "realised_fdr": {"title": "Realised FDR", "format": "{:,.3f}", "min": 0, "max": 1, "scale": "Reds"},
                "recall": {"title": "Recall", "format": "{:,.3f}", "min": 0, "max": 1, "scale": "Greens"},
            },
            "data": truth,
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder")
    parser.add_argument("files", type=Path, nargs="+")
    given = parser.parse_args()
    for name, content in sections(given.sample, {path.name: path for path in given.files}).items():
        (given.output / f"{given.sample}_{name}_mqc.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
