"""Names of a scenario's events, wherever they are given, and what differs between alleles: their own rates."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pysam
import pytest

from scenario_examples import planned, prior, tables
from varproof.formats.scored import scored_scenario, select_events, subject_of
from varproof.machinery.errors import UserError
from varproof.scenario.file import parse_scenario
from varproof.scenario.score import MixedFactors, event_log_sums

GALAXY = Path(__file__).resolve().parents[2] / "wrappers" / "galaxy"
NAMES = ("somatic-kept.v1", "1new", "_x", "GERMLINE_HET")
H = 0.001


def header(events: list[str], **more: object) -> pysam.VariantHeader:
    made = pysam.VariantHeader()
    for name in events:
        made.add_line(f'##INFO=<ID=PROB_{name},Number=A,Type=Float,Description="x">')
    told = {"events": events, "exclusive": True, "samples": {"child": "S1", "mother": "S2"}, **more}
    made.add_line(f"##varproof_scenario={json.dumps(told)}")
    made.add_line('##varproof_columns={"tumor": "S1", "normal": null}')
    for sample in ("S2", "S1"):
        made.add_sample(sample)
    return made


@pytest.mark.parametrize("given", ["somatic-kept.v1", "PROB_SOMATIC_KEPT.V1", "Somatic_Kept.v1"])
def test_events_are_found_as_the_scenario_calls_them(given: str) -> None:
    found = select_events(Path("x.vcf"), header(["SOMATIC_KEPT.V1", "1NEW", "ARTIFACT", "ABSENT"]), [given])
    assert found.events == ("SOMATIC_KEPT.V1",)
    assert found.complement == ("PROB_1NEW", "PROB_ARTIFACT", "PROB_ABSENT")
    with pytest.raises(UserError, match=r"--events: 'some-thing' is not an event of x\.vcf"):
        select_events(Path("x.vcf"), header(["SOMATIC_KEPT.V1"]), ["some-thing"])


def test_an_event_is_the_scenarios_whatever_it_is_called() -> None:
    """A name that begins as the network's events do belongs to the scenario's posterior all the same."""
    found = select_events(Path("x.vcf"), header(["CNN_SEEN", "GERMLINE", "ABSENT"]), ["cnn_seen,germline"])
    assert found.events == ("CNN_SEEN", "GERMLINE") and found.complement == ("PROB_ABSENT",)


def test_whose_frequencies_the_header_means() -> None:
    made = header(["DENOVO"])
    scenario = scored_scenario(made)
    assert scenario is not None
    assert [subject_of(scenario, made, column) for column in (None, "S2", "S1")] == ["child", "mother", "child"]


def test_galaxy_takes_every_name_that_a_scenario_may_have() -> None:
    for file, name in (("macros.xml", "--events"), ("evaluate-calls.xml", "--truth-event")):
        found = 0
        for item in ElementTree.parse(GALAXY / file).getroot().iter("param"):
            if item.get("argument", f"--{item.get('name', '')}".replace("_", "-")) == name:
                for pattern in (one.text or "" for one in item.iter("validator")):
                    found += 1
                    assert all(re.search(pattern, one) for one in (*NAMES, ",".join(NAMES), "SOMATIC_TUMOR")), file
                    assert not any(re.search(pattern, one) for one in ("", "a b", "x'", "a,", "a;b", "$(x)")), file
        assert found == 1, file
    for name in NAMES:
        events = {name: "a:0.5"}
        parse_scenario(f"samples: {{a: {{universe: '0.0 | 0.5'}}}}\nevents: {json.dumps(events)}\n", "s")


DESCENT = f"""species: {{heterozygosity: {H}, ploidy: 2}}
samples:
  normal: {{somatic-effective-mutation-rate: RATE}}
  tumor: {{somatic-effective-mutation-rate: RATE, inheritance: {{clonal: {{from: normal, somatic: true}}}}}}
  clone: {{somatic-effective-mutation-rate: RATE, inheritance: {{subclonal: {{from: tumor, origin: ORIGIN}}}}}}
  bone: {{inheritance: {{clonal: {{from: normal, somatic: false}}}}}}
events: {{in_all: "!normal:0.0", new: "normal:0.0 & !tumor:0.0", late: "normal:0.0 & tumor:0.0 & !clone:0.0"}}
"""


@pytest.mark.parametrize("origin", ["single-cell", "multi-cell"])
def test_each_allele_has_its_own_somatic_rate(origin: str) -> None:
    """As scenarios that give each of the rates to all alleles: the sample without a rate has none of it either way."""
    rates = np.array([0.0, 1e-9, 1e-5, 0.013, 0.6])
    counts = {"normal": (0, 40), "tumor": (9, 40), "clone": (5, 60), "bone": (1, 30)}
    here = tables({name: [one] * len(rates) for name, one in counts.items()})
    own, at_zero, at_one = (
        planned(parse_scenario(DESCENT.replace("RATE", "1e-7").replace("ORIGIN", origin), "s"), somatic=somatic)
        for somatic in (None, 0.0, 1.0)
    )
    names = ["IN_ALL", "NEW", "LATE", "ABSENT", ""]
    found = event_log_sums(own, {}, here, names, MixedFactors(at_zero.network, at_one.network, rates))
    for row, rate in enumerate(rates.tolist()):
        scenario = parse_scenario(DESCENT.replace("RATE", repr(rate)).replace("ORIGIN", origin), "s")
        wanted = event_log_sums(planned(scenario), {}, {name: values[row : row + 1] for name, values in here.items()}, names)
        np.testing.assert_allclose(found[row], wanted[0], rtol=1e-9, atol=1e-9)


def test_the_prior_of_an_own_rate_by_hand() -> None:
    """Of one sample with two copies: absent is no inherited copy, 1 - h (1 + 1/2), and no somatic variant, 1 - rate."""
    text = f"species: {{heterozygosity: {H}, ploidy: 2}}\nsamples: {{a: {{somatic-effective-mutation-rate: 1e-6}}}}\n"
    for rate in (0.0, 0.02, 0.5):
        assert prior(text + "events: {x: '!a:0.0'}\n", somatic=rate)["ABSENT"] == pytest.approx(
            (1.0 - 1.5 * H) * (1.0 - rate), rel=1e-9
        )


def test_what_varlociraptor_reads_is_read() -> None:
    """Fields of its newest grammar that change nothing here, sexes of any name, and sets of frequencies."""
    text = """species:
  heterozygosity: 0.001
  ploidy: {drone: {all: 1}, worker: {all: 2}}
samples:
  queen: {sex: worker, fragment_end_bias: true, universe: "{0.0,0.5} | 1.0"}
  son: {sex: drone}
events: {seen: "queen:{0.5, 1.0}", of_son: "queen:0.0 & son:1.0"}
"""
    made = planned(parse_scenario(text, "s"))
    assert made.network.domains["son"].fraction.tolist() == [0.0, 1.0]
    assert made.network.domains["queen"].fraction.tolist() == [0.0, 0.5, 1.0]
    flat = "samples: {queen: {universe: '{0.0,0.5} | 1.0'}}\nevents: {seen: 'queen:{0.5,1.0}'}\n"
    assert prior(flat)["SEEN"] == pytest.approx(2 / 3)
