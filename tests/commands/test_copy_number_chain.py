"""From a pair with known copy numbers and subclones to cancer cell fractions, by all executables that it takes."""

import csv
import math
from pathlib import Path
from typing import NamedTuple

import pysam
import pytest

from varproof.formats.json_file import read_json
from varproof.formats.purity import Purity
from varproof.simulation.pair import simulate_pair
from varproof.simulation.settings import SimulationSettings
from varproof.steps.estimate_purity import EstimatePuritySettings, estimate_purity
from varproof.steps.estimate_vaf import EstimateVafSettings, estimate_vaf
from varproof.steps.fdr_filter import FdrFilterSettings, fdr_filter
from varproof.steps.learn_prior import LearnPriorSettings, learn_prior
from varproof.steps.score_posterior import ScorePosteriorSettings, score_posterior

PURITY, SUBCLONE = 0.7, 0.4
GIVEN = """\
contig	start	end	total	minor
chr1	30000	60000	1	0
chr1	60000	90000	3	1
chr1	110000	140000	2	0
chr2	0	30000	4	1
chr2	30000	60000	3	1
chr2	90000	120000	1	0
"""


class Found(NamedTuple):
    """What was told of a variant, and the truth."""

    fraction: float
    low: float
    high: float
    multiplicity: int
    clonal: float
    true_fraction: float
    true_multiplicity: float


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pair, its purity.json, found.tsv and calls.vcf.gz: what is kept of the scored candidates."""
    folder = tmp_path_factory.mktemp("chain")
    (folder / "given.tsv").write_text(GIVEN)
    settings = SimulationSettings(
        genome_length=300_000, contigs=2, purity=PURITY, tumor_depth=80, segments=folder / "given.tsv", subclones=[SUBCLONE],
        germline=600, somatic_snvs=150, somatic_mnvs=0, somatic_insertions=0, somatic_deletions=0, empty_sites=20, seed=3,
    )  # fmt: skip
    made = folder / "pair"
    simulate_pair(settings, made, 1)
    reads = {"tumor": made / "tumor.bam", "normal": made / "normal.bam", "reference": made / "reference.fa"}
    told = {"output": made / "purity.json", "output_segments": made / "found.tsv"}
    estimate_purity(EstimatePuritySettings(**reads, **told))
    scored = {"candidates": made / "candidates.vcf.gz", "purity": made / "purity.json", "output": made / "scored.vcf.gz"}
    score_posterior(ScorePosteriorSettings(**reads, **scored))
    kept = {"events": ["SOMATIC_TUMOR"], "fdr": 0.05, "output": made / "calls.vcf.gz"}
    fdr_filter(FdrFilterSettings(calls=made / "scored.vcf.gz", **kept))
    return made


def found_in(pair: Path, output: Path, **told: object) -> list[Found]:
    """True calls that estimate-vaf tells a fraction of."""
    with pysam.VariantFile(str(pair / "truth.vcf.gz")) as file:
        truth = {
            (record.contig, record.pos, record.ref, record.alts[0]): (record.info["CCF"], record.info["MULTIPLICITY"])
            for record in file
            if record.info["EVENT"] == "SOMATIC_TUMOR"
        }
    estimate_vaf(EstimateVafSettings(calls=pair / "calls.vcf.gz", output=output, **told))
    with output.open() as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [
        Found(
            float(row["ccf"]), float(row["ccf_low"]), float(row["ccf_high"]), int(row["multiplicity"]), float(row["p_clonal"]),
            *truth[key],
        )
        for row in rows
        for key in [(row["chrom"], int(row["pos"]), row["ref"], row["alt"])]
        if row["ccf"] != "NA" and key in truth
    ]  # fmt: skip


def covered(found: list[Found]) -> float:
    """Share of the intervals that hold the truth."""
    return sum(one.low <= one.true_fraction <= one.high for one in found) / len(found)


def test_fractions_are_those_of_the_truth(pair: Path, tmp_path: Path) -> None:
    found = found_in(pair, tmp_path / "vaf.tsv", segments=pair / "found.tsv", purity_estimate=pair / "purity.json")
    assert len(found) > 130
    # Of 95 %, with the chance of so many.
    assert covered(found) > 0.95 - 3 * math.sqrt(0.05 * 0.95 / len(found))
    assert sum(abs(one.fraction - one.true_fraction) for one in found) / len(found) < 0.12
    assert sum(one.multiplicity == round(one.true_multiplicity) for one in found) > 0.9 * len(found)
    clonal = [one.clonal for one in found if one.true_fraction > 0.99]
    subclonal = [one.clonal for one in found if one.true_fraction < SUBCLONE + 0.05]
    assert min(len(clonal), len(subclonal)) > 40
    assert sum(clonal) / len(clonal) > 0.6 and sum(subclonal) / len(subclonal) < 0.2
    # Without the copy numbers they are wrong more often.
    blind = found_in(pair, tmp_path / "blind.tsv", purity_interval=[0.66, 0.74])
    assert covered(blind) < covered(found) - 0.1


def test_the_estimate_alone_has_the_segments_too(pair: Path, tmp_path: Path) -> None:
    told = read_json(pair / "purity.json", Purity)
    assert told.purity == pytest.approx(PURITY, abs=0.03) and told.fit_low <= PURITY <= told.fit_high
    estimate = {"purity_estimate": pair / "purity.json"}
    both = found_in(pair, tmp_path / "both.tsv", segments=pair / "found.tsv", **estimate)
    assert found_in(pair, tmp_path / "one.tsv", **estimate) == both


def test_a_prior_is_learnt_with_the_copies_that_come_with_the_purity(pair: Path, tmp_path: Path) -> None:
    """purity.json is the number in it and its segments, where no normal is there."""
    told = read_json(pair / "purity.json", Purity)
    (tmp_path / "regions.bed").write_text("chr1\t20000\t70000\n")
    tumor = {"tumor": pair / "tumor.bam", "reference": pair / "reference.fa", "regions": tmp_path / "regions.bed"}
    ways: dict[str, dict[str, object]] = {
        "estimate": {"purity": pair / "purity.json"},
        "both": {"purity": told.purity, "segments": pair / "purity.json"},
        "number": {"purity": told.purity},
    }
    priors = {}
    for name, given in ways.items():
        learn_prior(LearnPriorSettings(**tumor, **given, output=tmp_path / f"{name}.json"))
        priors[name] = (tmp_path / f"{name}.json").read_bytes()
    assert priors["estimate"] == priors["both"] != priors["number"]
