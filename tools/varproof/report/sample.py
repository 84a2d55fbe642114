"""The report of one sample: doubts, calls at their rate, frequencies, depths, contexts, and a table; it only draws."""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from varproof.formats.people import PeopleAgreement
from varproof.formats.purity import Purity
from varproof.posterior.fdr import FdrThreshold
from varproof.report.desk_data import SampleFacts
from varproof.report.html import inline_svg, rendered
from varproof.report.style import INK, MUTED, TYPE_COLOURS, new_figure, probability_text, styled, svg_bytes

_PYRIMIDINE = ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
CONTEXTS = tuple(f"{before}[{kind}]{after}" for kind in _PYRIMIDINE for before in "ACGT" for after in "ACGT")
"""The 96 substitutions in their contexts, both strands together, as signatures have them."""
_COMPLEMENT = str.maketrans("ACGT", "TGCA")
_SUBSTITUTION_COLOURS = ("#0072B2", "#222222", "#D55E00", "#8A8F98", "#009E73", "#CC79A7")
_MOST_SHOWN = 20_000
_LONGEST_ALLELE = 30
_CLEAR = 0.9
_NOWHERE = "base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Call:
    """A candidate of the table: 1-based, as its record has it. alone: judged on the tumour alone."""

    chrom: str
    pos: int
    ref: str
    alt: str
    type: str
    gene: str
    probability: float
    kept: bool
    tumor: SampleFacts | None
    normal: SampleFacts | None
    reasons: list[str]
    alone: bool


@dataclass(frozen=True)
class Sample:
    """What the report is of. contexts: expected numbers "real" and "artefact" by `CONTEXTS`, where a reference was given.

    doubts: (what is doubtful, what to do). held: candidates that the desk holds, as its addresses name them; None: all.
    subject: of calls of a scenario, the sample whose frequencies are shown.
    """

    name: str
    candidates: int
    skipped: int
    threshold: FdrThreshold
    fdr: float
    mode: str
    events: list[str]
    calls: list[Call]
    contexts: dict[str, list[float]] | None
    doubts: list[tuple[str, str]]
    purity: Purity | None
    desk: str | None
    people: PeopleAgreement | None = None
    held: set[str] | None = None
    subject: str | None = None


def context_of(bases: str, alt: str) -> int | None:
    """Index in `CONTEXTS` of a substitution of the middle one of three bases; None where one is unknown.

    >>> CONTEXTS[context_of("ACG", "T")], CONTEXTS[context_of("CGT", "A")], context_of("NCG", "T")
    ('A[C>T]G', 'A[C>T]G', None)
    """
    bases, alt = bases.upper(), alt.upper()
    if len(bases) != 3 or not set(bases + alt) <= set("ACGT") or bases[1] == alt:
        return None
    if bases[1] in "AG":
        bases, alt = bases.translate(_COMPLEMENT)[::-1], alt.translate(_COMPLEMENT)
    return CONTEXTS.index(f"{bases[0]}[{bases[1]}>{alt}]{bases[2]}")


def header_json(header: Any, key: str) -> dict[str, Any]:
    """The last line of that key of a header, as JSON; empty where there is none."""
    values = [line.value for line in header.records if line.key == key]
    try:
        value = json.loads(values[-1]) if values else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


@cache
def table_script() -> str:
    """The script that sorts and searches the table."""
    return (files("varproof.report") / "desk" / "table.js").read_text(encoding="utf-8")


def render_sample(sample: Sample, provenance: dict[str, Any]) -> str:
    """The page's HTML."""
    kept = [call for call in sample.calls if call.kept]
    doubtful = sorted((call for call in sample.calls if not call.kept), key=lambda call: -call.probability)
    shown = [*sorted(kept, key=lambda call: call.probability), *doubtful][:_MOST_SHOWN]
    script = table_script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    depths = [call.tumor.depth for call in kept if call.tumor is not None and call.tumor.depth is not None]
    return rendered(
        "sample.html",
        "report-calls",
        provenance,
        sample=sample,
        kept=kept,
        unsure=sum(call.probability < _CLEAR for call in kept),
        doubtful=len(doubtful),
        kinds=[(kind, sum(call.type == kind for call in kept)) for kind in TYPE_COLOURS if any(c.type == kind for c in kept)],
        median_depth=None if not depths else int(np.median(depths)),
        rows=[_row(call, sample.desk, sample.held) for call in shown],
        left_out=len(sample.calls) - len(shown),
        frequencies=_frequencies(kept, sample.subject or "the tumour"),
        contexts=None if sample.contexts is None else _contexts(sample.contexts),
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; {_NOWHERE}",
        script=script,
    )


def _row(call: Call, desk: str | None, held: set[str] | None) -> dict[str, Any]:
    """A line of the table: texts, and what it is sorted by; `held`: see `Sample`."""
    from urllib.parse import quote

    place = f"{call.chrom}:{call.pos}:{call.ref}:{call.alt}"
    return {
        "place": f"{call.chrom}:{call.pos:,}",
        "link": None if desk is None or (held is not None and place not in held) else f"{quote(desk)}#{quote(place)}",
        "allele": f"{_short(call.ref)} > {_short(call.alt)}",
        "type": call.type,
        "gene": call.gene,
        "kept": call.kept,
        "probability": probability_text(call.probability),
        "p": f"{call.probability:.9f}",
        "tumor": _frequency(call.tumor),
        "normal": _frequency(call.normal),
        "depth": "–" if call.tumor is None or call.tumor.depth is None else str(call.tumor.depth),
        "reasons": "; ".join(call.reasons + (["the normal has no usable reads here"] if call.alone else [])),
    }


def _short(allele: str) -> str:
    return allele if len(allele) <= _LONGEST_ALLELE else f"{allele[:12]}… ({len(allele):,} bp)"


def _frequency(facts: SampleFacts | None) -> str:
    if facts is None:
        return "–"
    value = facts.observed if facts.mode is None else facts.mode
    return "–" if value is None else f"{value:.3f}"


def _frequencies(kept: list[Call], subject: str) -> str:
    """Histograms of frequencies and depths of the calls, by type; empty without any."""
    values = [
        (call.type, call.tumor.mode if call.tumor.mode is not None else call.tumor.observed, call.tumor.depth)
        for call in kept
        if call.tumor is not None
    ]
    values = [(kind, vaf, depth) for kind, vaf, depth in values if vaf is not None]
    if not values:
        return ""
    present = [kind for kind in TYPE_COLOURS if any(kind == one for one, _, _ in values)]
    with styled("varproof-sample"):
        figure = new_figure(190, 62)
        left, right = figure.subplots(1, 2)
        look: dict[str, Any] = {
            "stacked": True,
            "color": [TYPE_COLOURS[kind] for kind in present],
            "edgecolor": "white",
            "linewidth": 0.4,
        }
        left.hist(
            [[vaf for one, vaf, _ in values if one == kind] for kind in present],
            bins=np.linspace(0, 1, 41),
            label=present,
            **look,
        )
        left.set_xlabel(f"most probable frequency in {subject}")
        left.set_ylabel("calls")
        left.legend(loc="best")
        depths = [depth for _, _, depth in values if depth is not None]
        if depths:
            right.hist(depths, bins=min(40, max(5, len(set(depths)))), color=MUTED, edgecolor="white", linewidth=0.4)
        right.set_xlabel("depth, fragments")
        right.set_ylabel("calls")
        return inline_svg(svg_bytes(figure), "sample-")


def _contexts(contexts: dict[str, list[float]]) -> str:
    """The 96 contexts of substitutions: real ones up, artefacts down; contexts with more artefacts are marked."""
    real, artefact = np.array(contexts["real"]), np.array(contexts["artefact"])
    with styled("varproof-contexts"):
        figure = new_figure(230, 66)
        axes = figure.subplots()
        x = np.arange(len(CONTEXTS))
        colours = [_SUBSTITUTION_COLOURS[i // 16] for i in x]
        axes.bar(x, real, color=colours, width=0.8)
        axes.bar(x, -artefact, color="#E3E5E8", edgecolor=MUTED, linewidth=0.4, width=0.8)
        marked = np.flatnonzero(artefact > np.maximum(real, 1.0))
        axes.plot(x[marked], -artefact[marked], linestyle="none", marker="v", markersize=4, color=TYPE_COLOURS["deletion"])
        axes.axhline(0, color=INK, lw=0.8)
        axes.set_xlim(-0.8, len(CONTEXTS) - 0.2)
        axes.set_xticks(x, [f"{name[0]}{name[2]}{name[6]}" for name in CONTEXTS], rotation=90, fontsize=4.5)
        axes.set_ylabel("expected number\n(artefacts below)")
        for kind, name in enumerate(_PYRIMIDINE):
            axes.text(16 * kind + 7.5, 1.02, name, ha="center", va="bottom", fontsize=8, weight="bold",
                      color=_SUBSTITUTION_COLOURS[kind], transform=axes.get_xaxis_transform())  # fmt: skip
        axes.grid(axis="x", visible=False)
        return inline_svg(svg_bytes(figure), "contexts-")
