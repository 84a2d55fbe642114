"""Small loci with what is to be expected of them: counts of reads, a scenario, and the event that they are."""

import pytest

from scenario_examples import Counts, of_scenario, posteriors
from varproof.scenario.file import parse_scenario
from varproof.scenario.ready import scenario_of

FAMILY = """species:
  heterozygosity: 0.001
  germline-mutation-rate: 1e-6
  ploidy: {male: {all: 2, X: 1, Y: 1}, female: {all: 2, X: 2, Y: 0}}
samples:
  mother: {sex: female}
  father: {sex: male}
  son: {sex: male, inheritance: {mendelian: {from: [mother, father]}}}
  tumor:
    sex: male
    somatic-effective-mutation-rate: 1e-5
    inheritance: {clonal: {from: son, somatic: false}}
    contamination: {by: son, fraction: 0.3}
events:
  denovo: "!son:0.0 & mother:0.0 & father:0.0"
  inherited: "!son:0.0 & !(mother:0.0 & father:0.0)"
  somatic: "son:0.0 & mother:0.0 & father:0.0 & !tumor:0.0"
  parents_only: "son:0.0 & !(mother:0.0 & father:0.0)"
"""
CHANGE = """samples:
  before: {universe: "0.0 | ]0.0,1.0]"}
  after: {universe: "0.0 | ]0.0,1.0]"}
events:
  grown: "l2fc(after,before) >= 1.0"
  shrunk: "l2fc(after,before) <= -1.0"
  kept: "l2fc(after,before) < 1.0 & l2fc(after,before) > -1.0"
"""
DAMAGE = """samples:
  tumor: {universe: "0.0 | ]0.0,1.0]"}
expressions: {rare: "tumor:]0.0,0.1]", deaminated: "C>T | G>A"}
events:
  damaged: "$rare & $deaminated"
  real: "!tumor:0.0 & !($rare & $deaminated)"
  never: "false"
"""
BY_CONTIG = """samples:
  romeo: {universe: {all: "0.0 | 0.5 | 1.0", X: "0.0 | 1.0", Y: "0.0 | 1.0"}}
  juliet: {universe: {all: "0.0 | 0.5 | 1.0", Y: "0.0"}}
events:
  both: "!juliet:0.0 & !romeo:0.0"
  juliet_only: "!juliet:0.0 & romeo:0.0"
  romeo_only: "!romeo:0.0 & juliet:0.0"
"""


@pytest.mark.parametrize(
    ("scenario", "counts", "setting", "event"),
    [
        ("relapse", {"normal": (0, 40), "tumor": (12, 40), "relapse": (15, 40)}, {}, "SOMATIC_KEPT"),
        ("relapse", {"normal": (0, 40), "tumor": (12, 40), "relapse": (0, 60)}, {}, "SOMATIC_LOST"),
        ("relapse", {"normal": (0, 40), "tumor": (0, 60), "relapse": (9, 40)}, {}, "SOMATIC_RELAPSE"),
        ("relapse", {"normal": (19, 40), "tumor": (22, 40), "relapse": (18, 40)}, {}, "GERMLINE_HET"),
        ("relapse", {"normal": (40, 40), "tumor": (40, 40), "relapse": (39, 40)}, {}, "GERMLINE_HOM"),
        ("relapse", {"normal": (7, 60), "tumor": (6, 40), "relapse": (5, 40)}, {}, "SOMATIC_NORMAL"),
        ("multi-region", {"normal": (0, 40), "region1": (9, 40), "region2": (7, 40), "region3": (11, 40)}, {}, "SOMATIC_ALL"),
        ("multi-region", {"normal": (0, 40), "region1": (9, 40), "region2": (0, 60), "region3": (0, 60)}, {}, "SOMATIC_SOME"),
        ("plasma", {"normal": (0, 60), "tumor": (16, 40), "plasma1": (27, 900), "plasma2": (0, 900)}, {}, "SOMATIC_SHED"),
        ("mosaic", {"tissue1": (8, 60), "tissue2": (0, 60)}, {}, "MOSAIC_TISSUE1"),
        ("mosaic", {"tissue1": (31, 60), "tissue2": (29, 60)}, {}, "GERMLINE"),
        ("mosaic", {"tissue1": (8, 60), "tissue2": (6, 60)}, {}, "MOSAIC_BOTH"),
        ("germline", {"person": (14, 30)}, {}, "GERMLINE_HET"),
        ("germline", {"person": (30, 30)}, {}, "GERMLINE_HOM"),
        ("germline", {"person": (1, 30)}, {}, "ABSENT"),
        ("trio-denovo", {"mother": (0, 60), "father": (0, 60), "child": (28, 60)}, {}, "DENOVO"),
        ("trio-denovo", {"mother": (0, 60), "father": (25, 60), "child": (28, 60)}, {}, "INHERITED"),
        ("trio-denovo", {"mother": (33, 60), "father": (0, 60), "child": (0, 60)}, {}, "NOT_INHERITED"),
        ("paired-rna", {"normal": (0, 40), "tumor": (0, 60), "rna": (20, 50)}, {"alleles": ("A", "G")}, "RNA_EDITED"),
        ("paired-rna", {"normal": (0, 40), "tumor": (0, 60), "rna": (20, 50)}, {"alleles": ("C", "A")}, "RNA_ONLY"),
        ("paired-rna", {"normal": (0, 40), "tumor": (15, 60), "rna": (0, 50)}, {}, "SOMATIC_SILENT"),
        (FAMILY, {"mother": (0, 60), "father": (0, 60), "son": (60, 60), "tumor": (60, 60)}, {"contig": "X"}, "DENOVO"),
        (FAMILY, {"mother": (30, 60), "father": (0, 40), "son": (40, 40), "tumor": (40, 40)}, {"contig": "chrX"}, "INHERITED"),
        (FAMILY, {"mother": (0, 0), "father": (40, 40), "son": (40, 40), "tumor": (40, 40)}, {"contig": "Y"}, "INHERITED"),
        (FAMILY, {"mother": (0, 60), "father": (0, 60), "son": (0, 60), "tumor": (14, 60)}, {}, "SOMATIC"),
        (CHANGE, {"before": (3, 80), "after": (40, 80)}, {}, "GROWN"),
        (CHANGE, {"before": (40, 80), "after": (4, 80)}, {}, "SHRUNK"),
        (CHANGE, {"before": (40, 80), "after": (41, 80)}, {}, "KEPT"),
        (DAMAGE, {"tumor": (6, 120)}, {"alleles": ("C", "T")}, "DAMAGED"),
        (DAMAGE, {"tumor": (6, 120)}, {"alleles": ("C", "A")}, "REAL"),
        (DAMAGE, {"tumor": (60, 120)}, {"alleles": ("G", "A")}, "REAL"),
        (BY_CONTIG, {"romeo": (30, 30), "juliet": (14, 30)}, {"contig": "chrX"}, "BOTH"),
        (BY_CONTIG, {"romeo": (30, 30), "juliet": (1, 1)}, {"contig": "chrY"}, "ROMEO_ONLY"),
        (BY_CONTIG, {"romeo": (0, 30), "juliet": (14, 30)}, {"contig": "2"}, "JULIET_ONLY"),
    ],
)  # fmt: skip
def test_loci_are_what_they_are(scenario: str, counts: dict[str, Counts], setting: dict[str, str], event: str) -> None:
    if "\n" in scenario:
        found = posteriors(scenario, counts, **setting)
    else:
        found = of_scenario(scenario_of(scenario), counts, **setting)
    assert max(found, key=lambda name: found[name]) == event, found
    assert found[event] > 0.6, found


def test_contamination_explains_what_the_other_sample_has() -> None:
    text = """samples:
  tumor: {{universe: "0.0 | ]0.0,1.0]", contamination: {{by: normal, fraction: {fraction}}}}}
  normal: {{universe: "0.0 | 0.5 | 1.0"}}
events: {{in_tumor: "!tumor:0.0", only_normal: "tumor:0.0 & !normal:0.0"}}
"""
    counts = {"tumor": (24, 120), "normal": (30, 60)}
    clean, mixed = (posteriors(text.format(fraction=fraction), counts) for fraction in (0.0, 0.4))
    assert clean["IN_TUMOR"] > 0.99 and mixed["ONLY_NORMAL"] > 0.5


def test_regions_together_tell_what_none_tells_alone() -> None:
    """Without inheritance samples are independent: odds of an allele in all regions are those of each, multiplied."""
    regions = "".join(f"  r{number}: {{universe: '0.0 | ]0.0,1.0]'}}\n" for number in range(3))
    everywhere = " & ".join(f"!r{number}:0.0" for number in range(3))
    together = posteriors(f"samples:\n{regions}events: {{all: '{everywhere}'}}\n", dict.fromkeys(("r0", "r1", "r2"), (3, 40)))
    one = parse_scenario("samples: {r: {universe: '0.0 | ]0.0,1.0]'}}\nevents: {somatic: '!r:0.0'}\n", "s")
    alone = of_scenario(one, {"r": (3, 40)})
    odds = alone["SOMATIC"] / alone["ABSENT"]
    assert odds > 2
    assert together["ALL"] / together["ABSENT"] == pytest.approx(odds * odds * odds, rel=1e-6)
