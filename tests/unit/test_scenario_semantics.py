"""What constructs of scenario files mean where Varlociraptor has said it, in its documentation or its source."""

import math

import numpy as np
import pytest

from scenario_examples import of_scenario, planned, posteriors, prior, tables
from varproof.scenario.elimination import Eliminator, _greedy, _narrowest, likelihood_scopes, plan
from varproof.scenario.file import parse_scenario
from varproof.scenario.formula import with_frequency
from varproof.scenario.grammar import parse_formula
from varproof.scenario.job import KIND_OF
from varproof.scenario.score import likelihoods
from varproof.variants.edit import VariantType

PEDIGREE = """species: {heterozygosity: 0.001, germline-mutation-rate: 1e-3, ploidy: 2}
samples:
  mother: {}
  father: {}
  child: {inheritance: {mendelian: {from: [mother, father]}}}
"""
RELAPSE = """species:
  heterozygosity: 0.001
  genome-size: 3.5e9
  ploidy: {male: {all: 2, X: 1, Y: 1}, female: {all: 2, X: 2, Y: 0}}
samples:
  tumor:
    sex: male
    somatic-effective-mutation-rate: 1e-6
    inheritance: {clonal: {from: normal, somatic: false}}
    contamination: {by: normal, fraction: 0.15}
  relapse:
    sex: male
    somatic-effective-mutation-rate: 1e-6
    inheritance: {subclonal: {from: tumor}}
    contamination: {by: normal, fraction: 0.1}
  normal: {somatic-effective-mutation-rate: 1e-6, sex: male}
events:
  somatic_tumor: "normal:0.0 & tumor:]0.0,1.0]"
  somatic_relapse: "normal:0.0 & tumor:0.0 & relapse:]0.0,1.0]"
  germline: "normal:0.5 | normal:1.0"
  somatic_normal: "normal:]0.0,0.5["
"""


def test_events_and_absence_are_expressions() -> None:
    """$name of an event is its formula, unless an expression has the name; $absent is that nobody has the allele."""
    events = 'events: {denovo: "!child:0.0 & mother:0.0 & father:0.0", other: "!($denovo | $absent)"}\n'
    by_name = prior(PEDIGREE + events)
    by_hand = prior(PEDIGREE + events.replace("$denovo", "(!child:0.0 & mother:0.0 & father:0.0)").replace(
        "$absent", "(child:0.0 & mother:0.0 & father:0.0)"
    ))  # fmt: skip
    assert by_name == by_hand
    assert by_name["DENOVO"] + by_name["OTHER"] + by_name["ABSENT"] == pytest.approx(1.0)
    own = parse_scenario(PEDIGREE + events + 'expressions: {denovo: "child:1.0"}', "s")
    assert own.events["OTHER"] != parse_scenario(PEDIGREE + events, "s").events["OTHER"]


def test_an_event_of_ones_own_may_be_called_other() -> None:
    """Then what no event holds for has another name: both are told."""
    text = PEDIGREE + 'events: {denovo: "!child:0.0 & mother:0.0 & father:0.0", other: "mother:1.0"}\n'
    network = planned(parse_scenario(text, "s")).network
    assert network.gaps and network.gap == "UNNAMED"
    whole = prior(text.replace(", other:", ", both:"))
    assert prior(text)["OTHER"] == pytest.approx(whole["BOTH"])


def test_a_universe_makes_a_prior_flat_whatever_the_sample_inherits() -> None:
    relapse = RELAPSE.replace("inheritance: {subclonal: {from: tumor}}", 'universe: "[0.0,1.0]"')
    both = relapse.replace('universe: "[0.0,1.0]"', 'universe: "[0.0,1.0]"\n    inheritance: {subclonal: {from: tumor}}')
    counts = {"tumor": (3, 40), "relapse": (9, 40), "normal": (0, 30)}
    assert both != relapse and posteriors(both, counts) == posteriors(relapse, counts)
    # Nobody has a Y chromosome by a universe.
    on_y = parse_scenario(relapse.replace("sex: male", "sex: female"), "s")
    assert planned(on_y, "Y").network.domains["relapse"].fraction.tolist() == [0.0]


def test_a_tumour_has_the_ploidy_of_whom_it_descends_from() -> None:
    text = RELAPSE.replace("  tumor:\n    sex: male\n", "  tumor:\n").replace("  relapse:\n    sex: male\n", "  relapse:\n")
    counts = {"tumor": (3, 40), "relapse": (9, 40), "normal": (0, 30)}
    assert posteriors(text, counts, contig="X") == posteriors(RELAPSE, counts, contig="X")


@pytest.mark.parametrize(
    ("left", "right", "value"),
    [(0.0, 0.0, 0.0), (0.5, 0.25, 1.0), (0.25, 0.5, -1.0), (0.5, 0.0, math.inf), (0.0, 0.5, -math.inf)],
)
def test_logarithms_of_ratios_at_their_ends(left: float, right: float, value: float) -> None:
    for sign, holds in ((">=", value >= 0.5), ("<", value < 0.5), ("==", value == 0.5), ("!=", value != 0.5)):
        formula = parse_formula(f"l2fc(a,b) {sign} 0.5", ("a", "b"))
        left_over = with_frequency(with_frequency(formula, "a", left), "b", right)
        assert left_over.value is holds, sign  # type: ignore[union-attr]


@pytest.mark.parametrize("field", ["variant-fractions", "variant-type-fractions"])
def test_shares_of_types(field: str) -> None:
    """1 / 80 of SNVs are indels, replacements among them, if a file does not say."""
    text = "species: {{heterozygosity: 0.001, ploidy: 2{}}}\nsamples: {{a: {{}}}}\nevents: {{het: 'a:0.5', hom: 'a:1.0'}}"
    assert prior(text.format(""), kind="indel")["HET"] == pytest.approx(0.001 * 0.0125)
    assert prior(text.format(f", {field}: {{indel: 0.2}}"), kind="indel")["HET"] == pytest.approx(0.001 * 0.2)
    assert {KIND_OF[kind] for kind in (VariantType.INSERTION, VariantType.DELETION, VariantType.REPLACEMENT)} == {"indel"}


def test_the_narrowest_order_is_found_where_the_next_smallest_table_is_not() -> None:
    """A tumour and its relapse, both contaminated by the normal: on X of a man greedy sums hold all three samples."""
    scenario = parse_scenario(RELAPSE, "s")
    network = planned(scenario, "X").network
    scopes = [set(factor.variables) for factor in network.factors] + [set(scope) for scope in likelihood_scopes(network)]
    everything = sorted({variable for scope in scopes for variable in scope})
    greedy, _ = _greedy(scopes, everything, network.sizes)
    narrowest = _narrowest(scopes, everything, network.sizes)
    assert narrowest.width < 10**5 < 10**6 < greedy.width and plan(network) == narrowest


def test_all_orders_give_the_same_sums() -> None:
    text = RELAPSE.replace("samples:\n", "samples:\n").replace("sex: male\n", "sex: male\n    resolution: 64\n")
    network = planned(parse_scenario(text, "s"), "1").network
    scopes = [set(factor.variables) for factor in network.factors] + [set(scope) for scope in likelihood_scopes(network)]
    everything = sorted({variable for scope in scopes for variable in scope})
    counts = {"tumor": [(3, 40)], "relapse": [(9, 40)], "normal": [(0, 30)]}
    shown = likelihoods(network, {"tumor": 0.15, "relapse": 0.1}, tables(counts))
    found = [
        np.concatenate([np.broadcast_to(Eliminator(network, order, shown).box(box), 1) for box in network.boxes])
        for order in (_greedy(scopes, everything, network.sizes)[0], _narrowest(scopes, everything, network.sizes))
    ]
    assert np.allclose(*found, rtol=1e-9)
    told = of_scenario(parse_scenario(text, "s"), {name: one[0] for name, one in counts.items()})
    assert sum(told.values()) == pytest.approx(1.0)
