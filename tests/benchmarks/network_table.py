"""The section on networks of RESULTS.md: what network.py measured, as tables."""

from typing import Any

_MEASURES = ("accuracy", "precision", "recall", "f1", "average_precision", "roc_auc", "expected_calibration_error")
_TITLES = ("accuracy", "precision", "recall", "F1", "average precision", "ROC AUC", "calibration error")


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.3f}"


def _judges(test: dict[str, Any], members: str) -> list[str]:
    lines = [f"| judge | {' | '.join(_TITLES)} |", "|---|" + "---|" * len(_TITLES)]
    for name, found in test["judges"].items():
        if name.startswith("FiNGS") and members == "indel":
            continue
        values = found.get(members, {})
        hard = name.startswith(("3 reads", "FiNGS"))
        shown = [
            "" if hard and key in ("average_precision", "roc_auc", "expected_calibration_error") else _cell(values.get(key))
            for key in _MEASURES
        ]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return lines


def _rates(found: list[dict[str, Any]]) -> list[str]:
    rates = list(found[0]["realised"])
    lines = [
        f"| real candidates | {' | '.join(f'realised at {rate} (kept)' for rate in rates)} | recall at 0.05 |",
        "|---|" + "---|" * (len(rates) + 1),
    ]
    for entry in found:
        cells = [f"{_cell(entry['realised'][rate]) or 'none kept'} ({entry['kept'][rate]:.0f})" for rate in rates]
        share = f"{100 * entry['share']:g} % ({entry['real']} of {entry['real'] + entry['false']})"
        lines.append(f"| {share} | {' | '.join(cells)} | {_cell(entry['recall at 0.05'])} |")
    return lines


def _combined(found: dict[str, Any]) -> list[str]:
    rates = ("0.01", "0.05", "0.1", "0.2")
    lines = []
    for name in ("snv", "mnv", "indel 1-29", "indel 30-99", "indel 100-250"):
        lines += [
            f"**{name}**",
            "",
            f"| judgement | {' | '.join(f'false/kept at {rate}' for rate in rates)} | recall at 0.01 | recall at 0.05 |",
            "|---|" + "---|" * (len(rates) + 2),
        ]
        for title, classes in found.items():
            points = classes.get(name, {}).get("points", {})
            if not points:
                continue
            cells = [f"{points[rate]['false']}/{points[rate]['kept']}" for rate in rates]
            recalls = [_cell(points[rate]["recall"]) for rate in ("0.01", "0.05")]
            lines.append(f"| {title} | {' | '.join([*cells, *recalls])} |")
        lines.append("")
    return lines


def network_lines(results: dict[str, Any]) -> list[str]:
    """The section."""
    lines = [
        "# Networks",
        "",
        "Made by `tests/benchmarks/network.py`: simulated pairs with three unrelated persons of the tumour's library as",
        "contexts and a normal of another library. Networks are trained on some genomes, with artefacts of all kinds and",
        "without, and tested on others, at another depth and purity. Probabilities are judged at a threshold of one half, at",
        "the share of real variants of the training data.",
        "",
        "| training | candidates | parameters | minutes | CPU minutes | peak memory, MB | held out: average precision | "
        "calibration error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, found in results["trainings"].items():
        held = found["heldout"]
        lines.append(
            f"| {name} | {found['candidates']} | {found['parameters']} | {found['minutes']} | {found['cpu_minutes']} | "
            f"{found['peak_mb']} | {_cell(held['average_precision'])} | {_cell(held['expected_calibration_error'])} |"
        )
    paper = ", ".join(f"{key} {value}" for key, value in results["paper"].items())
    lines += ["", f"The 2023 paper's figures on out-of-facility data, of real reads judged by people: {paper}.", ""]
    for name, test in results["tests"].items():
        lines += [f"## {name}: {test['candidates']} candidates, {test['real']} of them real", ""]
        for members in test["judges"]["read-set"]:
            title = f"{members}s" if not members.endswith("s") else f"SNVs, of the artefacts only {members} and nothing else"
            lines += [f"### {title}", "", *_judges(test, members), ""]
        lines += ["### False discovery rate of read-set on samples with other shares of real variants", ""]
        for members, found in test["fdr"].items():
            lines += [f"**{members}**", "", *_rates(found), ""]
        lines += ["### Both judgements", "", *_combined(results["combined"][name])]
    for title, table in results["speed"].items():
        lines += [f"## {title}", "", *table, ""]
    return lines
