"""The section on the models that come with the package of RESULTS.md: what models_judged.py measured, as tables."""

from typing import Any

JUDGES = ("network, pair", "posterior, pair", "network, alone", "posterior, alone")
_HEADINGS = ("network with normal", "posterior with normal", "network alone", "posterior alone")


def models_lines(results: dict[str, Any]) -> list[str]:
    """Protocols in rows, judges in columns; then real reads."""
    lines = [
        "# Networks that come with varproof",
        "",
        "Average precision of `predict` without `--model` and of `score-posterior`, told the purity, on pairs of protocols and",
        "genomes that no training had: all planted somatic variants among candidates of `simulate-pair`, of which a random",
        "part is taken, so that shares of real ones are higher than in life. *alone*: without the normal; germline variants",
        "count as false there. What a judge says nothing of comes last.",
        "",
        f"| protocol | variants | real | {' | '.join(_HEADINGS)} |",
        "|---" * (len(JUDGES) + 3) + "|",
    ]
    for row in results["protocols"]:
        figures = " | ".join(f"{row['average_precision'][judge]:.3f}" for judge in JUDGES)
        lines.append(f"| {row['protocol']} | {row['variants']} | {row['real']} of {row['candidates']} | {figures} |")
    if "mixture" in results:
        found = results["mixture"]
        known = found["average_precision"]
        figures = " | ".join(f"{known[judge]:.3f}" if judge in known else "" for judge in JUDGES)
        lines += [
            "",
            "## Real reads",
            "",
            "Nothing of these was trained on. First the raw SNVs of Strelka2 in a mixture of two persons' exomes (110×, 40×),",
            "labelled by what the reads show:",
            "",
            f"| reads | variants | real | {' | '.join(_HEADINGS)} |",
            "|---" * (len(JUDGES) + 3) + "|",
            f"| mixture | SNVs | {found['real']} of {found['candidates']} | {figures} |",
        ]
    if "ctdna" in results:
        ctdna, hairpins = results["ctdna"], results["hairpins"]
        lines += [
            "",
            f"Of {ctdna['candidates']} known mutations in duplex consensus reads of cell-free DNA (5 %, 1,200 to 4,900×), the",
            f"network for a tumour alone gives {ctdna['believed']} a probability of 0.5 or more; of {hairpins['candidates']} "
            f"artefacts of inverted repeats in a genome without any somatic variant, {hairpins['believed']}.",
        ]
    return [*lines, ""]
