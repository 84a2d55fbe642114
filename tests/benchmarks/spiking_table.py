"""The section of RESULTS.md on spike-variants, from what spiking.py measured."""

from typing import Any

from tables import marked

RATES = ("0.01", "0.05", "0.1", "0.2")
CLASSES = {"all": "all", "snv": "SNV", "mnv": "MNV", "insertion": "insertions", "deletion": "deletions"}
OTHER_WAYS = {"plain": "a plain loop", "samtools": "a copy by samtools"}
LEAST_SPEED, MOST_MB = 10, 500
SIGNIFICANT = 0.05


def _cells(entry: dict[str, Any]) -> str:
    cells = []
    for rate in RATES:
        at = entry[rate]
        over = at["realised_fdr_low"] is not None and at["realised_fdr_low"] > float(rate)
        text = f"{at['false']}/{at['kept']}"
        cells.append(f"**{text}**" if over else text)
    recall = entry["0.05"]["recall"]
    return " | ".join(cells) + f" | {'' if recall is None else f'{recall:.3f}'}"


def _posterior(found: dict[str, Any]) -> list[str]:
    lines = [
        "## Realised against nominal rates of the posterior", "",
        "20 seeds; false of kept calls at each nominal rate, thresholds per run. **Bold**: the lower 95 % limit of the",
        "realised rate is over the nominal one.", "",
        f"| prior | class | {' | '.join(f'at {rate}' for rate in RATES)} | recall at 0.05 |", "|---" * 7 + "|",
    ]  # fmt: skip
    for prior, classes in found.items():
        lines += [f"| {prior} | {label} | {_cells(classes[key])} |" for key, label in CLASSES.items() if key in classes]
    return [*lines, ""]


def _networks(found: dict[str, Any], real: dict[str, Any]) -> list[str]:
    first = next(iter(found.values()))["ranking"]
    lines = [
        "## Networks that learnt from simulated and from spiked reads", "",
        f"Judged on seeds and on the half of the region that were not learnt from: {first['candidates']:,} candidates, "
        f"{first['real']:,} of them planted.", "",
        f"| judge | average precision | ROC area | {' | '.join(f'false at {rate}' for rate in RATES)} | recall at 0.05 |",
        "|---" * 8 + "|",
    ]  # fmt: skip
    for title, entry in found.items():
        rank = entry["ranking"]
        figures = f"{rank['average_precision']:.3f} | {rank['roc_auc']:.3f}"
        lines.append(f"| {title} | {figures} | {_cells(entry['classes']['all'])} |")
    first = next(iter(real.values()))
    lines += [
        "", f"On the {first['candidates']} raw SNVs of Strelka2 in the mixture (tumour 110×, frequencies 0.15 and 0.3), "
        f"{first['real']} of which the reads show to be real, none of their loci learnt from:", "",
        "| judge | average precision | ROC area |", "|---|---|---|",
    ]  # fmt: skip
    for title, rank in real.items():
        shown = title if title == "posterior" else f"network, {title}"
        lines.append(f"| {shown} | {rank['average_precision']:.3f} | {rank['roc_auc']:.3f} |")
    return [*lines, ""]


def _likeness(found: dict[str, Any]) -> list[str]:
    limit = SIGNIFICANT / len(found["properties"])
    lines = [
        "## Edited reads beside real ones", "",
        f"SNVs planted into half of the fragments ({found['planted']} places) against heterozygous germline SNVs of the same",
        f"file ({found['germline']} places as deep, as well mapped and as far from other variants as those planted in).",
        "Compared is how reads with the variant differ from those without it at the same place, since places differ;",
        f"Kolmogorov-Smirnov test over places, rejected under {limit:.4f} (Bonferroni).", "",
        "| property | mean, germline | mean, planted | with − without, germline | with − without, planted | distance | p |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, item in found["properties"].items():
        p = f"**{item['p']:.4f}**" if item["p"] < limit else f"{item['p']:.3f}"
        figures = " | ".join(f"{value:.2f}" for value in (*item["means"], *item["differences"], item["distance"]))
        lines.append(f"| {name} | {figures} | {p} |")
    return [*lines, ""]


def _speed(found: dict[str, Any]) -> list[str]:
    lines = [
        "## Speed", "",
        "Reads shared out, SNVs of a plan planted, both samples indexed; candidates found, too, by `spike-variants` alone.",
        f"The plain loop is one in Python over all reads, which only sets bases (goal: {LEAST_SPEED} times as fast, "
        f"{MOST_MB} MB). The copy by",
        "samtools changes nothing: it reads all records, writes them least compressed into one file and indexes it. On "
        f"{found['cpus']} cores.", "",
        "| reads | SNVs | | seconds | times as fast | CPU seconds | peak memory of a process, MB |", "|---" * 7 + "|",
    ]  # fmt: skip
    for size in ("small", "large"):
        entry = found[size]
        for name in ("plain", "samtools", *sorted((name for name in entry if name.isdigit()), key=int)):
            item = entry[name]
            title = OTHER_WAYS.get(name, f"`--threads {name}`")
            ratio, memory = entry["plain"]["seconds"] / item["seconds"], f"{item['peak_mb']:.0f}" if "peak_mb" in item else ""
            times = f"{ratio:.1f}"
            if name.isdigit():
                times, memory = marked(times, ratio >= LEAST_SPEED), marked(memory, item["peak_mb"] <= MOST_MB)
            figures = f"{item['seconds']:.1f} | {times} | {item['cpu_seconds']:.1f} | {memory}"
            lines.append(f"| {entry['reads']:,} | {entry['variants']} | {title} | {figures} |")
    lines += [
        "", "Where `--threads 1` spends its time on the larger file, under Python's profiler:", "",
        "| stage | share of the time |", "|---|---|",
        *(f"| {title} | {share:.0%} |" for title, share in found["stages"].items()),
    ]  # fmt: skip
    return [*lines, ""]


def spiking_lines(found: dict[str, Any]) -> list[str]:
    """The section, of the measures that were taken."""
    lines = [
        "# Variants planted into real reads", "",
        "`tests/benchmarks/spiking.py`: the normal of a real tumour/normal pair (NA24385, exome, 40×, 33 kbp), shared out",
        "into a tumour and a normal of 20× each; purity 0.75, allele frequencies in tumour cells from 0.05 to 1.", "",
    ]  # fmt: skip
    if "posterior" in found:
        lines += _posterior(found["posterior"])
    if "networks" in found:
        lines += _networks(found["networks"], found["real"])
    if "likeness" in found:
        lines += _likeness(found["likeness"])
    if "speed" in found:
        lines += _speed(found["speed"])
    return lines
