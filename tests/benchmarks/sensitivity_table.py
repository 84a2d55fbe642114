"""The section of RESULTS.md on model decisions, from what sensitivity.py measured."""

from typing import Any


def _differs(entry: dict[str, Any], usual: dict[str, Any]) -> bool:
    return any(entry[key] != usual[key] for key in ("kept", "false", "recall"))


def sensitivity_lines(found: dict[str, Any]) -> list[str]:
    """Markdown of the section: the decisions that change anything, the strongest first."""
    lines = [
        "# What results depend on: model decisions halved and doubled", "",
        "One simulated pair with artefacts of all kinds; false of kept calls at 0.05 (`--mode global`), and recall. What is a",
        "share over one half is changed in its distance from 1.", "",
    ]  # fmt: skip
    for room, entry in found.items():
        usual, changed = entry["usual"], entry["changed"]
        moved = [item for item in changed if _differs(item, usual)]
        moved.sort(
            key=lambda item: -abs(item["recall"] - usual["recall"]) - abs(item["false"] - usual["false"]) / usual["kept"]
        )
        lines += [
            f"## Of the {room}", "",
            f"As they are: {usual['false']}/{usual['kept']}, recall {usual['recall']:.3f}. Of {len(changed)} changes "
            f"{len(changed) - len(moved)} change nothing here.", "",
            "| decision | value | changed to | false/kept | recall |", "|---|---|---|---|---|",
        ]  # fmt: skip
        lines += [
            f"| `{item['name']}` | {item['value']:.6g} | {item['other']:.6g} | {item['false']}/{item['kept']} | "
            f"{item['recall']:.3f} |"
            for item in moved
        ]
        lines.append("")
    return lines
