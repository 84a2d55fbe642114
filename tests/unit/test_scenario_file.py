"""scenario.yaml: every field is read, every mistake is one line with its number, all ready scenarios are sound."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenario_examples import planned
from varproof.machinery.errors import UserError
from varproof.scenario.file import parse_scenario, read_scenario
from varproof.scenario.ready import PAIR_MODEL, READY, ready_text, scenario_of

GOOD = """species:
  heterozygosity: 0.001
  germline-mutation-rate: 1e-3
  genome-size: 3.5e9
  ploidy:
    male:
      all: 2
      X: 1
      Y: 1
    female:
      all: 2
      X: 2
      Y: 0
samples:
  mother:
    sex: female
  father:
    sex: male
  child:
    sex: male
    somatic-effective-mutation-rate: 1e-6
    resolution: 0.01
    inheritance:
      mendelian:
        from:
          - mother
          - father
    contamination: {by: mother, fraction: auto}
expressions:
  het: child:0.5
events:
  denovo_child: "($het | child:1.0) & mother:0.0 & father:0.0"
  never: false
"""


def test_every_field_is_read() -> None:
    scenario = parse_scenario(GOOD, "s.yaml")
    child = scenario.samples["child"]
    assert list(scenario.samples) == ["mother", "father", "child"]
    assert (child.sex, child.somatic_rate, child.resolution) == ("male", 1e-6, 0.01)
    assert child.inheritance is not None and child.inheritance.parents == ("mother", "father")
    assert child.contamination is not None and child.contamination.fraction == "auto"
    assert scenario.species.genome_size == 3.5e9 and scenario.species.germline_rate == 1e-3
    assert list(scenario.events) == ["DENOVO_CHILD", "NEVER"]
    assert scenario.at("samples", "child", "sex") == "s.yaml: line 20"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("child:1.0", "chld:1.0", "line 32: denovo_child: 'chld' is none of the samples (mother, father, child)"),
        ("- father", "- child", "line 23: child inherits from itself"),
        ("- father", "- mother", "line 23: child has one sample as both parents"),
        ("- father", "- bob", "line 23: child inherits from 'bob', none of the samples"),
        ("by: mother", "by: nobody", "line 28: child is contaminated by 'nobody', none of the samples"),
        ("sex: male", "sx: male", "line 18: samples.father.sx: 'sx' is not a field"),
        ("sex: male", "sex: [male]", "line 18: samples.father.sex: input should be a valid string"),
        ("($het | child:1.0) & mother:0.0 & father:0.0", "mother:{0,}", "line 32: denovo_child: 'mother:{0,}': '}' at char"),
        ("mother:0.0", "mother:{1.5}", "line 32: denovo_child: 1.5: allele frequencies are from 0 to 1"),
        ("mother:0.0", "mother:]0.5,0.2]", "line 32: denovo_child: ]0.5,0.2] is empty"),
        ("never: false", "denovo_child: false", "line 33: event 'denovo_child' is there twice"),
        ("never: false", "DENOVO-child: false", "line 33: event 'DENOVO-child' is there already"),
        ("never: false", "artifact: false", "line 33: event 'artifact' is an event of every scenario"),
        ("never: false", "a b: false", "line 33: event 'a b': a name is made of letters"),
        ("  father:\n", "  mother:\n", "line 17: sample 'mother' is there twice"),
        ("fraction: auto", "fraction: 2", "line 28: samples.child.contamination.fraction: input should be less than"),
        ("by: mother, ", "", "line 28: samples.child.contamination: by is missing"),
        ("heterozygosity: 0.001", "heterozygosity: x", "line 2: species.heterozygosity: input should be a valid number"),
        ("$het", "$hom", "line 32: $hom is none of the scenario's expressions and events (absent, denovo_child, never, het)"),
        ("het: child:0.5", "het: $het", "line 30: expressions come from each other in a circle: het from het"),
        ("samples:\n", "simples:\n", "line 14: simples: 'simples' is not a field"),
        ("  ploidy:\n", "  ploidy: [\n", "line 7: not valid YAML"),
        ("resolution: 0.01", "resolution: 0", "line 22: samples.child.resolution: input should be greater than 0"),
    ],
)  # fmt: skip
def test_every_mistake_is_one_line(old: str, new: str, told: str) -> None:
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    with pytest.raises(UserError) as caught:
        parse_scenario(text, "s.yaml")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"s.yaml: {told}")


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
)
PAIR = 'samples: {a: {universe: "[0.0,1.0]"}, b: {universe: "0.0 | 0.5 | 1.0"}}\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LAUGHS, "line 1: too many parts"),
        ("samples: &x {a: *x}\nevents: {x: 'a:0.5'}", "line 1: too many parts"),
        ("[" * 2000, ": too many parts within parts"),
        ("{a: " * 2000, ": too many parts within parts"),
        (PAIR + "events: {x: '" + "!" * 4000 + "a:0.5'}", ": too many parts within parts"),
        ("samples:\n\ta: {}\n", "line 2: not valid YAML"),
        ("samples: \0", "line 1: not valid YAML: characters that can't be read"),
        ("!!python/object/apply:os.system ['true']", "line 1: a scenario has samples and events"),
        (PAIR + "events: {x: 'a:0.5'}\n---\nmore: 1\n", "line 3: not valid YAML"),
        ("{% set s = 1 %}\nsamples:\n  {{ s }}: {}\n", "line 1: not valid YAML"),
        (PAIR + "events:\n  x: \"a:0.5\n", "line 4: not valid YAML"),
        (PAIR + "events: {x: 'a:]0.5,0.5]'}", "line 2: x: ]0.5,0.5] is empty"),
        (PAIR + "events: {x: 'a:1.5'}", "line 2: x: 1.5: allele frequencies are from 0 to 1"),
        (PAIR + "events: {x: '$y', y: '$x'}", "line 2: expressions come from each other in a circle"),
        (PAIR + "events: {x: 'a:0.5'}\nexpressions: {e: $nothing}", "line 3: $nothing is none of"),
        (PAIR + "events: {x: }", "line 2: events.x: input should be a valid string"),
        (PAIR + "events: [a, b]", "line 2: events: input should be a valid dictionary"),
        ('samples: {a: {universe: ""}}\nevents: {x: "a:0.5"}', "line 1: universe of a: "),
        ('samples: {"a b": {universe: "0.0"}}\nevents: {x: "false"}', "line 1: sample 'a b': a name is made of"),
        ('samples: {"": {universe: "0.0"}}\nevents: {x: "false"}', "line 1: sample '': a name is made of"),
    ],
)  # fmt: skip
def test_hostile_files_are_one_line(text: str, told: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_scenario(text, "s.yaml")
    assert "\n" not in str(caught.value) and told in str(caught.value)


def test_marks_and_aliases_of_a_file_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(("\ufeff" + PAIR + "events: {x: 'a:0.5'}\n").replace("\n", "\r\n").encode())
    assert list(read_scenario(path).samples) == ["a", "b"]
    shared = 'samples: {a: &u {universe: "0.0 | 1.0"}, b: *u, c: {<<: *u, sex: male}}\nevents: {x: "a:1.0"}\n'
    assert {item.universe for item in parse_scenario(shared, "s").samples.values()} == {"0.0 | 1.0"}


def test_a_circle_of_samples_is_told() -> None:
    text = """samples:
  a: {inheritance: {clonal: {from: b}}}
  b: {inheritance: {clonal: {from: a}}}
events: {x: "a:0.5"}
"""
    with pytest.raises(UserError, match=r"line \d: samples come from each other in a circle: a from b from a"):
        parse_scenario(text, "s.yaml")


@pytest.mark.parametrize(
    ("text", "contig", "told"),
    [
        ("samples: {a: {}}\nevents: {x: 'a:0.5'}", "1", "line 1: sample a needs a universe or a ploidy"),
        ("samples: {a: {universe: {X: '0.0'}}}\nevents: {x: 'a:0.0'}", "1", "the universe of contig 1 is missing"),
        ("species: {ploidy: {male: 2}}\nsamples: {a: {}}\nevents: {x: 'a:0.5'}", "1", "on the sex, and sample a has none"),
        ("species: {ploidy: {male: 2}}\nsamples: {a: {sex: female}}\nevents: {x: 'a:0.5'}", "1", "ploidy of female samples"),
        ("species: {ploidy: {X: 2}}\nsamples: {a: {}}\nevents: {x: 'a:0.5'}", "1", "the ploidy of contig 1 is missing"),
        (
            "samples: {a: {universe: '0.0 | 1.0'}, b: {ploidy: 2, inheritance: {clonal: {from: a, somatic: false}}}}\n"
            "events: {x: 'a:0.0'}", "1", "b inherits copies, and a has none",
        ),
        (
            "species: {heterozygosity: 0.001}\nsamples: {a: {ploidy: 4}, b: {ploidy: 2}, c: {ploidy: 2, inheritance: "
            "{mendelian: {from: [a, b]}}}}\nevents: {x: 'a:0.0'}", "1", "c has 2 copies of 1, which can't come from a (4)",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_on_a_contig(text: str, contig: str, told: str) -> None:
    with pytest.raises(UserError) as caught:
        planned(parse_scenario(text, "s.yaml"), contig)
    assert told in str(caught.value) and "line" in str(caught.value)


def test_files_and_names(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(GOOD)
    assert scenario_of(str(path)).events == read_scenario(path).events
    with pytest.raises(UserError, match="neither a file nor a ready scenario"):
        scenario_of("no-such")
    with pytest.raises(UserError, match="no such file"):
        scenario_of(str(tmp_path / "none.yaml"))
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="it is no text"):
        read_scenario(path)
    for text in ("", "- a\n- b\n", "a: &x [*x]\n"):
        with pytest.raises(UserError, match="line 1"):
            parse_scenario(text, "s.yaml")


@pytest.mark.parametrize("name", READY)
def test_ready_scenarios_have_no_overlaps_and_no_gaps(name: str) -> None:
    scenario = scenario_of(name)
    assert scenario.text == ready_text(name)
    for contig in ("1", "chrX", "Y"):
        network = planned(scenario, contig).network
        assert not network.overlaps and not network.gaps, (name, contig)
    if name in PAIR_MODEL:
        assert tuple(scenario.samples) == PAIR_MODEL[name]


def test_merged_and_repeated_parts_of_yaml() -> None:
    text = """samples:
  a: &one {universe: "[0.0,1.0]"}
  b: *one
  c:
    <<: *one
    resolution: 50
events: {x: "a:]0.0,1.0] & b:0.0"}
"""
    scenario = parse_scenario(text, "s.yaml")
    assert scenario.samples["c"].universe == scenario.samples["a"].universe == "[0.0,1.0]"


@given(st.data())
def test_spoilt_files_are_one_line_or_scenarios(data: st.DataObject) -> None:
    """Whatever becomes of a file, it is read, or refused in one line."""
    text = GOOD
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        gone = data.draw(st.integers(0, 12))
        text = text[:place] + data.draw(st.text("ab:0.5|&![](){}$<>, \n-*#'\"~\t", max_size=6)) + text[place + gone :]
    try:
        scenario = parse_scenario(text, "s.yaml")
        planned(scenario, "1")
    except UserError as error:
        assert "\n" not in str(error) and "line " in str(error)
