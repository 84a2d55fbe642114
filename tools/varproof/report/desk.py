"""review.html: the page in which people judge candidates, one file that needs nothing else.

The page's own code lies in the folder desk/: scripts of one scope, put together in the order of `SCRIPTS`, and a style sheet.
Its security policy allows this one script and style by their digests and nothing else: no network, no code in what files say.
Texts of files are in the page as JSON with escaped brackets, and as base 64, and reach the screen as text nodes only.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from varproof import __version__
from varproof.machinery.errors import UserError, require_file

SCRIPTS = (
    "codes", "agreement", "exchange", "store", "keys", "reads", "elements", "list", "menu", "panel", "dialogs", "view", "draw",
    "picture", "page", "attention", "start",
)  # fmt: skip
"""Scripts of the page, each of which may use what those before it define."""

FIRST = 10
"""Candidates whose data stand before the script, so that it can begin while the rest is read."""


@dataclass(frozen=True)
class Entry:
    """A candidate in the page's index: as its record has it, 1-based, with what filters and lists need.

    posterior, network: probability of being real by varproof's model and by the network. weight: how many candidates of the
    list it stands for. skipped: why nothing was made of it.
    """

    chrom: str
    pos: int
    ref: str
    alt: str
    id: str
    filter: str
    type: str
    size: int
    consequence: str
    gene: str
    posterior: float | None
    network: float | None
    weight: float
    skipped: str


@dataclass(frozen=True)
class Desk:
    """What the page is of: name of the calls, their number before some were chosen, how these were, events that count as real,
    (name, kind) of each track, bases of a window, and the candidates. `made_of`: what tells this page from others;
    `none_judged`: varproof was asked, and could judge none of them. `explained`: the network's attention is shown.
    """

    calls: str
    total: int
    choice: str
    events: str
    tracks: list[tuple[str, str]]
    window: int
    entries: list[Entry]
    made_of: str
    none_judged: bool = False
    explained: bool = False

    @property
    def digest(self) -> str:
        """Under which the browser keeps what is judged: another list, or other reads, are another page."""
        entries = json.dumps([asdict(entry) for entry in self.entries], sort_keys=True)
        return hashlib.sha256(f"{self.made_of}\n{entries}".encode()).hexdigest()[:24]

    @property
    def index(self) -> dict[str, Any]:
        """The page's index."""
        return {
            "digest": self.digest,
            "calls": self.calls,
            "events": self.events,
            "version": __version__,
            "window": self.window,
            "tracks": [{"name": name, "kind": kind} for name, kind in self.tracks],
            "contigs": list(dict.fromkeys(entry.chrom for entry in self.entries)),
            "choice": self.choice,
            "total": self.total,
            "noneJudged": self.none_judged,
            **({"explained": True} if self.explained else {}),
            "entries": [asdict(entry) for entry in self.entries],
        }


_INDEX = '<script type="application/json" id="index">'


def held_candidates(path: Path) -> set[str]:
    """Which candidates a page holds, as its addresses name them (chrom:pos:ref:alt); raises UserError for another file."""
    require_file(path, "page of review-calls")
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        index = text[text.index(_INDEX) + len(_INDEX) :].partition("</script>")[0]
        return {":".join(str(entry[name]) for name in ("chrom", "pos", "ref", "alt")) for entry in json.loads(index)["entries"]}
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path}: not a page of review-calls, whose candidates could be told; write it again") from error


@cache
def desk_file(name: str) -> str:
    """Text of a file of the page's folder."""
    return (files("varproof.report") / "desk" / name).read_text(encoding="utf-8")


def page_script() -> str:
    """The page's whole script, in a scope of its own."""
    return "(() => {\n" + "\n".join(desk_file(f"{name}.js") for name in SCRIPTS) + "})();\n"


def escaped_json(value: Any) -> str:
    """JSON that can stand in a script element: nothing in it is markup, whatever texts hold.

    >>> escaped_json({"id": "</script>&"})
    '{"id":"\\\\u003c/script\\\\u003e\\\\u0026"}'
    """
    text = json.dumps(value, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def content_policy(script: str, style: str) -> str:
    """The content-security policy: the script and style of these texts, pictures made by them, and nothing else."""

    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; script-src {digest(script)}; style-src {digest(style)}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def page_parts(desk: Desk, data: Iterable[str]) -> Iterator[str]:
    """The page, part by part; `data` has the text of each entry in their order, in base 64, empty where it has none."""
    from jinja2 import Environment, StrictUndefined

    blocks = (f'<script type="text/plain" id="c{i}">{text}</script>\n' if text else "" for i, text in enumerate(data))
    first = "".join(block for _, block in zip(range(min(FIRST, len(desk.entries))), blocks, strict=False))
    script, style = page_script(), desk_file("desk.css")
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(desk_file("desk.html"))
    yield template.render(
        policy=content_policy(script, style),
        title=desk.calls,
        style=style,
        script=script,
        index=escaped_json(desk.index),
        first=first,
    )
    yield "\n"
    yield from blocks
    yield "</body>\n</html>\n"
