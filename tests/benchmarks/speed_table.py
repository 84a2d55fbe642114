"""The section of RESULTS.md on speed, from what speed.py measured."""

from typing import Any

from tables import MISSED, marked

LEAST = {"fast": 5, "exact": 20}
"""How many times as fast as Varlociraptor in each mode score-posterior is to be."""

MOST_CPU_SECONDS, MOST_SECONDS, MOST_MB, LEAST_SPEED_UP = 6, 20, 500, 1.85
HELP_SECONDS = 0.5
GENOME_BASES, TASKS = 3.1e9, 100


def _rates(quality: dict[str, Any], name: str) -> str:
    parts = []
    for nominal, at in quality[name].items():
        parts.append(f"{at['kept'] - at['true']}/{at['kept']} at {nominal}, recall {at['recall']:.3f}")
    return "; ".join(parts)


def _against_varlociraptor(found: dict[str, Any]) -> list[str]:
    return _compared(found, 1, "least of several runs, but of one for the exact mode")


def _on_more(found: dict[str, Any]) -> list[str]:
    return _compared(found, 10, "one run each")


def _compared(found: dict[str, Any], length: int, runs: str) -> list[str]:
    programs = found["programs"]
    own = programs["varproof"]["cpu_seconds"]
    lines = [
        f"## Reads to posteriors: {length} Mbp, 40×/30×, {found['candidates']:,} candidates, one core", "",
        f"From BAM and candidates to the scored VCF, properties of both alignments measured on the way; {runs}.", "",
        "| program | CPU seconds | times varproof's | peak memory, MB | all types: false/kept | SNV: false/kept |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, item in programs.items():
        ratio, goal = item["cpu_seconds"] / own, LEAST.get(name.rpartition(" ")[2])
        shown, seconds = f"{ratio:.1f}", f"{item['cpu_seconds']:.1f}"
        if goal:
            shown = marked(f"{shown} (≥ {goal})", ratio >= goal)
        if name == "varproof" and length == 1:
            seconds = marked(f"{seconds} (≤ {MOST_CPU_SECONDS})", item["cpu_seconds"] <= MOST_CPU_SECONDS)
        rates = " | ".join(_rates(item["quality"], kind) for kind in ("all", "snv"))
        lines.append(f"| {name} | {seconds} | {shown} | {item['peak_mb']:.0f} | {rates} |")
    return [*lines, ""]


MULTIPLY_ADDS_OF_A_CELL = 8
"""Of the recurrences of the three states."""


def _kernels(found: dict[str, Any]) -> list[str]:
    lines = [
        "## Evidence by type of variant", "",
        "`collect-evidence` on the candidates of one type of the same pair, reading included, less its time for one candidate.",
        "",
        "| type | candidates | pairs of fragment and candidate | CPU seconds | µs per pair |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for item in found["pairs"]:
        cost = 1e6 * item["cpu_seconds"] / item["pairs"]
        figures = f"{item['pairs']:,} | {item['cpu_seconds']:.2f} | {cost:.1f}"
        lines.append(f"| {item['type']} | {item['candidates']:,} | {figures} |")
    cells, limit = found["cells_per_second"], found["multiply_adds_per_second"]
    share = MULTIPLY_ADDS_OF_A_CELL * cells / limit
    lines += [
        "",
        f"The pair HMM computes {cells / 1e6:.0f} million cells a second, {MULTIPLY_ADDS_OF_A_CELL} multiply-adds each: "
        f"{share:.0%} of the {limit / 1e9:.1f} billion multiply-adds of doubles that the core does in a loop of nothing else.",
        "",
    ]
    return lines


def _network(found: dict[str, Any]) -> list[str]:
    lines = [
        f"## Pileups and the network: the same {found['candidates']:,} candidates, tumour and normal, one core", "",
        f"Less the time for one candidate (the start). htslib reads both files in {found['htslib']:.2f} CPU seconds.", "",
        "| executable | CPU seconds | start | candidates per CPU second | times htslib's reading |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for name, item in found["executables"].items():
        seconds = item["cpu_seconds"]
        figures = (
            f"{seconds:.2f} | {item['start']:.1f} | {found['candidates'] / seconds:,.0f} | {seconds / found['htslib']:.1f}"
        )
        lines.append(f"| {name} | {figures} |")
    return [*lines, ""]


def _files(found: list[dict[str, Any]]) -> list[str]:
    lines = [
        f"## Calls by the million (goal: {MOST_SECONDS} s and {MOST_MB} MB each)", "",
        "| executable | calls | seconds | CPU seconds | peak memory, MB |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for item in sorted(found, key=lambda item: (item["name"], item["calls"])):
        seconds = marked(f"{item['seconds']:.1f}", item["seconds"] <= MOST_SECONDS)
        memory = marked(f"{item['peak_mb']:.0f}", item["peak_mb"] <= MOST_MB)
        lines.append(f"| {item['name']} | {item['calls']:,} | {seconds} | {item['cpu_seconds']:.1f} | {memory} |")
    return [*lines, ""]


def _million(found: dict[str, Any]) -> list[str]:
    return [
        f"`score-posterior` from reads on {found['candidates']:,} candidates, an SNV at every tenth base of the 10 Mbp: "
        f"{found['cpu_seconds']:.0f} CPU seconds, {found['peak_mb']:.0f} MB.", "",
    ]  # fmt: skip


def _scaling(found: dict[str, Any]) -> list[str]:
    one, two = found["processes"]["1"], found["processes"]["2"]
    speed_up = marked(f"{one / two:.2f} × (≥ {LEAST_SPEED_UP})", one / two >= LEAST_SPEED_UP)
    lines = [
        "## Scaling", "",
        f"`collect-evidence` on the hard tumour: {one:.1f} s with one process, {two:.1f} s with two: {speed_up}.", "",
        "| `score-posterior` from reads: reference, bp | candidates | CPU seconds | peak memory, MB |", "|---|---|---|---|",
    ]  # fmt: skip
    for item in found["candidates"]:
        figures = f"{item['candidates']:,} | {item['cpu_seconds']:.1f} | {item['peak_mb']:.0f}"
        lines.append(f"| {item['length']:,} | {figures} |")
    lines += ["", "| tumour depth, on 20 kbp | candidates | CPU seconds | peak memory, MB |", "|---|---|---|---|"]
    for item in found["depth"]:
        figures = f"{item['candidates']:,} | {item['cpu_seconds']:.1f} | {item['peak_mb']:.0f}"
        lines.append(f"| {item['depth']:,}× | {figures} |")
    first, last = found["candidates"][0], found["candidates"][-1]
    per_base = (last["cpu_seconds"] - first["cpu_seconds"]) / (last["length"] - first["length"])
    hours = per_base * GENOME_BASES / 3600
    lines += [
        "",
        f"On paper: at the last table's {per_base * 1e6:.1f} CPU seconds per Mbp (40×/30×) a whole genome of 3.1 Gbp takes "
        f"{hours:.1f} CPU hours; scattered over {TASKS} tasks, {60 * hours / TASKS:.0f} minutes each.",
        "",
    ]
    return lines


def _start(found: dict[str, Any]) -> list[str]:
    shown = ", ".join(
        f"`{name}` {marked(f'{seconds:.2f} s', seconds <= HELP_SECONDS)}" for name, seconds in found["help"].items()
    )
    return [
        f"## Start: `--help` (goal: {HELP_SECONDS} s) and a job of ten candidates", "",
        f"{shown}. `collect-evidence` on ten candidates, alignment properties measured: {found['cold']:.0f} s where",
        f"everything has to be compiled, {found['warm']:.1f} s after that.", "",
    ]  # fmt: skip


def _profile(found: dict[str, Any]) -> list[str]:
    lines = [
        "## Where the time goes", "",
        "`score-posterior` on the pair of 1 Mbp, under Python's profiler:", "",
        "| stage | share of the time |", "|---|---|",
    ]  # fmt: skip
    lines += [f"| {title} | {share:.0%} |" for title, share in found["stages"].items()]
    lines += [
        "", "Starting and measuring alignments cost the same for a genome; see the pair of 10 Mbp above.", "",
        f"The file tools on {found['calls']:,} calls, functions by their own time (reading a field of a record through pysam",
        "counts for the function that reads it):", "",
    ]  # fmt: skip
    for name, functions in found["tools"].items():
        shown = ", ".join(f"`{function}` {share:.0%}" for function, share in functions.items())
        lines.append(f"- `{name}`: {shown}")
    return [*lines, ""]


def speed_lines(found: dict[str, Any]) -> list[str]:
    """The section, of the measures that were taken."""
    lines: list[str] = []
    parts = {
        "varlociraptor": _against_varlociraptor, "varlociraptor-more": _on_more, "kernels": _kernels, "network": _network,
        "files": _files, "scaling": _scaling, "million": _million, "start": _start,
        "profile": _profile,
    }  # fmt: skip
    for name, part in parts.items():
        if name in found:
            lines += part(found[name])
    missed = sum(line.count(MISSED) for line in lines)
    verdict = f"{missed or 'no'} goal{'' if missed == 1 else 's'} missed ({MISSED.strip()})"
    return ["# Speed", "", f"`tests/benchmarks/speed.py`; goals in brackets, {verdict}.", "", *lines]
