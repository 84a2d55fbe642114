"""The text of formulas and of universes of allele frequencies, parsed: Varlociraptor's grammar, with a parser of our own.

`a:0.5`, `a:]0.0,1.0]`, `a:{0.5,1.0}`, `&`, `|`, `!`, parentheses, `$expression`, `C>T` with IUPAC's letters, `a > b`,
`l2fc(a,b) >= 1`, `false`. `&` binds more tightly than `|`. A bracket that faces away from the interval excludes its end.
"""

from collections.abc import Container
from functools import cache
from typing import Any

from varproof.machinery.errors import UserError
from varproof.scenario.formula import (
    FALSE,
    TRUE,
    And,
    Compare,
    Fold,
    Formula,
    In,
    Interval,
    Named,
    Or,
    Substitution,
    joined,
    negated,
)

BASES = {
    "A": "A", "C": "C", "G": "G", "T": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
    "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip
"""The bases of each of IUPAC's letters."""

GRAMMAR = r"""
formula: any
?any: all ("|" all)*
?all: item ("&" item)*
?item: "!" item            -> no
     | "(" any ")"
     | (NAME | NUMBER) ":" NUMBER   -> point
     | (NAME | NUMBER) ":" interval -> range
     | (NAME | NUMBER) ":" set      -> among
     | "$" NAME            -> named
     | SUBSTITUTION        -> substitution
     | (NAME | NUMBER) OPERATOR (NAME | NUMBER) -> compare
     | L2FC "(" NAME "," NAME ")" OPERATOR NUMBER -> fold
     | FALSE               -> never
     | TRUE                -> always
interval: BRACKET NUMBER "," NUMBER BRACKET
set: "{" NUMBER ("," NUMBER)* "}"
universe: spectrum ("|" spectrum)*
spectrum: NUMBER | interval | set
BRACKET: "[" | "]"
OPERATOR: "==" | "!=" | ">=" | "<=" | ">" | "<"
L2FC.3: "l2fc"
FALSE.3: /false(?![A-Za-z0-9_.\-])/
TRUE.3: /true(?![A-Za-z0-9_.\-])/
SUBSTITUTION.4: /[ACGTRYSWKMBDHVN]\s*>\s*[ACGTRYSWKMBDHVN](?![A-Za-z0-9_.\-=])/
NUMBER.2: /-?(\d+\.?\d*|\.\d+)([eE][+\-]?\d+)?(?![A-Za-z0-9_.\-])/
NAME: /[A-Za-z0-9_.\-]+/
COMMENT: /\/\*(.|\n)*?\*\//
%ignore /\s+/
%ignore COMMENT
"""
_WORDS = {
    "BRACKET": "[ or ]", "OPERATOR": "a comparison such as >", "L2FC": "l2fc(", "FALSE": "false", "TRUE": "true",
    "SUBSTITUTION": "a substitution such as C>T", "NUMBER": "a number", "NAME": "a sample", "COMMA": ",", "COLON": ":",
    "VBAR": "|", "AMPERSAND": "&", "BANG": "!", "LPAR": "(", "RPAR": ")", "DOLLAR": "$ and an expression", "$END": "the end",
    "LBRACE": "{", "RBRACE": "}",
}  # fmt: skip


@cache
def _parser(start: str) -> Any:
    from lark import Lark

    return Lark(GRAMMAR, start=start, parser="lalr", maybe_placeholders=False)


def _parsed(text: str, start: str) -> Any:
    """The tree of a text; raises UserError that tells where it goes wrong and what was expected."""
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    try:
        return _parser(start).parse(text)
    except UnexpectedToken as error:
        expected, found = error.accepts or error.expected, str(error.token) or "the end"
        place = len(text) if error.token.type == "$END" else error.pos_in_stream or 0
    except UnexpectedCharacters as error:
        place = error.pos_in_stream or 0
        expected, found = error.allowed or set(), text[place]
    wanted = sorted(_WORDS.get(name, name) for name in expected if name != "COMMENT" and not name.startswith("__"))
    raise UserError(f"'{text}': {found!r} at character {place + 1}, where {' or '.join(wanted)} was expected")


def _interval(tree: Any) -> Interval:
    first, low, high, last = (str(item) for item in tree.children)
    interval = Interval(float(low), float(high), first == "]", last == "[")
    if interval.is_empty:
        raise UserError(f"{first}{low},{high}{last} is empty: no allele frequency lies in it")
    return _in_range(interval)


def _point(number: Any) -> Interval:
    return _in_range(Interval(float(number), float(number)))


def _in_range(interval: Interval) -> Interval:
    if not 0.0 <= interval.low <= interval.high <= 1.0:
        raise UserError(f"{interval}: allele frequencies are from 0 to 1")
    return interval


def parse_universe(text: str) -> list[Interval]:
    """The frequencies that a sample can have; raises UserError for a text that is none."""
    found = []
    for spectrum in _parsed(text, "universe").children:
        (item,) = spectrum.children
        if not hasattr(item, "children"):
            found.append(_point(item))
        elif item.data == "interval":
            found.append(_interval(item))
        else:
            found += map(_point, item.children)
    return found


def parse_formula(text: str, samples: Container[str] = ()) -> Formula:
    """The formula; raises UserError for a text that is none. `samples`: names that are no bases, though they look like them."""
    return _formula(_parsed(text, "formula").children[0], samples)


def _formula(tree: Any, samples: Container[str]) -> Formula:
    kind, children = str(tree.data), tree.children
    if kind in ("any", "all"):
        return joined(Or if kind == "any" else And, [_formula(item, samples) for item in children])
    if kind == "no":
        return negated(_formula(children[0], samples))
    if kind == "point":
        return In(str(children[0]), _point(children[1]))
    if kind == "range":
        return In(str(children[0]), _interval(children[1]))
    if kind == "among":
        return joined(Or, [In(str(children[0]), _point(number)) for number in children[1].children])
    if kind == "named":
        return Named(str(children[0]))
    if kind == "substitution":
        ref, alt = (part.strip() for part in str(children[0]).split(">"))
        if ref in samples and alt in samples:
            return Compare(ref, ">", alt)
        return Substitution(BASES[ref], BASES[alt])
    if kind == "compare":
        left, operator, right = (str(item) for item in children)
        return Compare(left, operator, right)
    if kind == "fold":
        left, right, operator, value = (str(item) for item in children[1:])
        return Fold(left, right, operator, float(value))
    return FALSE if kind == "never" else TRUE
