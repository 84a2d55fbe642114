"""Formulas and universes: what each construct means, by truth tables, and how mistakes are told."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varproof.machinery.errors import UserError
from varproof.scenario.formula import (
    Compare,
    Constant,
    Formula,
    In,
    Interval,
    Substitution,
    of_allele,
    resolved,
    with_frequency,
)
from varproof.scenario.grammar import BASES, parse_formula, parse_universe

VALUES = (0.0, 0.2, 0.5, 0.7, 1.0)


def holds(text: str, alleles: tuple[str, str] = ("A", "C"), **frequencies: float) -> bool:
    """What a formula says of an allele and frequencies."""
    left: Formula = of_allele(parse_formula(text), *alleles)
    for sample, value in frequencies.items():
        left = with_frequency(left, sample, value)
    assert isinstance(left, Constant)
    return left.value


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a:0.5", lambda a, b: a == 0.5),
        ("a:1", lambda a, b: a == 1.0),
        ("a:]0.0,0.5[", lambda a, b: 0 < a < 0.5),
        ("a:[0.0,0.5[", lambda a, b: 0 <= a < 0.5),
        ("a:]0.0,0.5]", lambda a, b: 0 < a <= 0.5),
        ("a:[0.2,0.5]", lambda a, b: 0.2 <= a <= 0.5),
        ("a:{0.2,0.7}", lambda a, b: a in (0.2, 0.7)),
        ("!a:{0.0, 1.0} & b:{0.5}", lambda a, b: a not in (0, 1) and b == 0.5),
        ("a:0.0 & b:1.0", lambda a, b: a == 0 and b == 1),
        ("a:0.0 | b:1.0", lambda a, b: a == 0 or b == 1),
        ("!a:0.0", lambda a, b: a != 0),
        ("!(a:0.0 | b:0.0)", lambda a, b: a != 0 and b != 0),
        ("!!a:0.0", lambda a, b: a == 0),
        ("a:0.0 | a:0.5 & b:0.5", lambda a, b: a == 0 or (a == 0.5 and b == 0.5)),
        ("(a:0.0 | a:0.5) & b:0.5", lambda a, b: a in (0, 0.5) and b == 0.5),
        ("a > b", lambda a, b: a > b),
        ("a<b", lambda a, b: a < b),
        ("a >= b", lambda a, b: a >= b),
        ("a <= b", lambda a, b: a <= b),
        ("a == b", lambda a, b: a == b),
        ("a != b", lambda a, b: a != b),
        ("l2fc(a, b) > 0.0", lambda a, b: a > b),
        ("l2fc(a,b) <= -1", lambda a, b: (a > 0 or b > 0) and a <= 0.5 * b),
        ("l2fc(a,b) >= 1.0 & b:]0.0,1.0]", lambda a, b: b > 0 and a >= 2 * b),
        ("false", lambda a, b: False),
        ("!false & a:0.0", lambda a, b: a == 0),
        ("true", lambda a, b: True),
        ("a:0.5 /* heterozygous */ & b:0.0", lambda a, b: a == 0.5 and b == 0),
    ],
)  # fmt: skip
def test_what_each_construct_means(text: str, meaning: object) -> None:
    for a, b in itertools.product(VALUES, VALUES):
        assert holds(text, a=a, b=b) == meaning(a, b), (text, a, b)  # type: ignore[operator]


@pytest.mark.parametrize("ref", "ACGT")
@pytest.mark.parametrize("alt", "ACGT")
def test_substitutions_with_all_letters(ref: str, alt: str) -> None:
    for first, second in itertools.product(BASES, BASES):
        assert holds(f"{first}>{second}", (ref, alt)) == (ref in BASES[first] and alt in BASES[second])
    assert holds("(C>T | G>A) & a:0.5", (ref, alt), a=0.5) == ((ref, alt) in (("C", "T"), ("G", "A")))


def test_what_is_no_snv_is_no_substitution() -> None:
    assert not holds("N>N", ("AC", "A"))
    assert holds("!(N>N)", ("AC", "A"))


def test_names_that_look_like_bases_or_numbers() -> None:
    assert parse_formula("A > C") == Substitution("A", "C")
    assert parse_formula("A > C", {"A", "C"}) == Compare("A", ">", "C")
    assert parse_formula("1:0.5") == In("1", Interval(0.5, 0.5))
    assert parse_formula("T1 > N1") == Compare("T1", ">", "N1")
    assert parse_formula("false-friend:0.5") == In("false-friend", Interval(0.5, 0.5))
    assert parse_formula("tumor.1-b_2:0.5") == In("tumor.1-b_2", Interval(0.5, 0.5))


def test_expressions_are_put_in() -> None:
    expressions = {"x": parse_formula("a:0.5 | $y"), "y": parse_formula("b:0.5")}
    assert resolved(parse_formula("!$x"), expressions) == parse_formula("!(a:0.5 | b:0.5)")


@given(st.data())
def test_the_order_of_samples_does_not_matter(data: st.DataObject) -> None:
    texts = ("a:0.5", "b:]0.0,1.0]", "a > b", "!c:0.0", "b >= c", "c:[0.2,0.7]", "l2fc(a,c) > 0.5")
    parts = data.draw(st.lists(st.sampled_from(texts), min_size=1, max_size=5))
    signs = data.draw(st.lists(st.sampled_from(["&", "|"]), min_size=len(parts) - 1, max_size=len(parts) - 1))
    text = parts[0] + "".join(f" {sign} {part}" for sign, part in zip(signs, parts[1:], strict=True))
    values = {name: data.draw(st.sampled_from(VALUES)) for name in "abc"}
    found = {holds(text, **{name: values[name] for name in order}) for order in itertools.permutations("abc")}
    assert len(found) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a:0.5 &", "'the end' at character 8"),
        ("a:0.5 b:0.5", "'b' at character 7, where & or the end or | was expected"),
        ("a;0.5", "';' at character 2, where : or a comparison such as > was expected"),
        ("a:]0.5,0.2]", "]0.5,0.2] is empty"),
        ("a:]0.5,0.5]", "is empty"),
        ("a:1.5", "from 0 to 1"),
        ("a:[0.2,1.2]", "from 0 to 1"),
        ("", "'the end' at character 1"),
        ("(a:0.5", "'the end' at character 7"),
        ("a:0.5 & (b:0.2 | )", "')' at character 18"),
    ],
)
def test_mistakes_are_told_by_place(text: str, told: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_formula(text)
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_universes() -> None:
    assert parse_universe("0.0 | 0.5 | 1.0 | ]0.0,0.5[") == [
        Interval(0, 0), Interval(0.5, 0.5), Interval(1, 1), Interval(0, 0.5, True, True),
    ]  # fmt: skip
    for text in ("a", "0.0 & 1.0", "0.0 |", "[0.5,0.2]"):
        with pytest.raises(UserError):
            parse_universe(text)
