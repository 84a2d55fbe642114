"""What all reports share: the templates' environment, numbers as text, and SVG that can stand in a page beside others."""

import json
import re
from typing import Any

from varproof import __version__

_ID = re.compile(r'\bid="([^"]+)"')
_REFERENCE = re.compile(r'(href="#|url\(#)([^")]+)')


def rendered(template: str, executable: str, provenance: dict[str, Any], **values: Any) -> str:
    """HTML of a template of this folder, which extends base.html."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("varproof", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number}
    environment.globals |= {"limits": limits}
    text = json.dumps(provenance, indent=2)
    return environment.get_template(template).render(version=__version__, executable=executable, provenance=text, **values)


def number(value: float | None, digits: int = 3) -> str:
    """A number as text; a dash for what isn't known."""
    return "–" if value is None else f"{value:.{digits}f}"


def limits(low: float | None, high: float | None) -> str:
    """An interval as text; nothing for none."""
    return "" if low is None or high is None else f"{low:.3f}–{high:.3f}"


def inline_svg(svg: bytes, prefix: str) -> str:
    """SVG as it stands in a page: no XML header, and its ids begin with `prefix`; those that nothing refers to are left out.

    Two pictures of one page may well use the same ids, and one would be drawn with the other's shapes.

    >>> inline_svg(b'<?xml version="1.0"?><svg><g id="a"/><path id="b"/><use xlink:href="#b"/></svg>', "one-")
    '<svg><g/><path id="one-b"/><use xlink:href="#one-b"/></svg>'
    """
    text = svg.decode()
    text = text[text.index("<svg") :]
    used = {match[2] for match in _REFERENCE.finditer(text)}
    text = re.sub(r'\s*\bid="([^"]+)"', lambda match: match[0] if match[1] in used else "", text)
    text = _ID.sub(rf'id="{prefix}\1"', text)
    return _REFERENCE.sub(rf"\1{prefix}\2", text)
