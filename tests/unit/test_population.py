"""The prior of germline variants by a population's frequencies: by hand, and learnt from evidence of known truth."""

import logging
import math
from pathlib import Path

import numpy as np
import pytest

from evidence_examples import observed
from population_examples import write_resource
from small_bams import write_fasta
from varproof.formats.events import EVENTS
from varproof.formats.evidence import Evidence, concatenated
from varproof.formats.prior import LearntPrior, ResourceUsed
from varproof.machinery.errors import OtherReference
from varproof.posterior.classes import CLASSES, alleles_per_base, published_rates
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.learning import learn_prior, starting_prior
from varproof.posterior.maximisation import SNV
from varproof.posterior.population import hardy_weinberg, is_listed, published_of, resource_used, tell_share
from varproof.posterior.sampled import Sampled
from varproof.posterior.score import score
from varproof.variants.population import GermlineResource
from varproof.variants.reference import Reference

TERRITORY, DEPTH, ERROR, PURITY = 300_000, 60, 1e-3, 0.7
SOMATIC, HET, HOM = (EVENTS.index(name) for name in ("SOMATIC_TUMOR", "GERMLINE_HET", "GERMLINE_HOM"))


def used(snvs_per_base: float = 0.05) -> ResourceUsed:
    """A resource with so many SNVs, which has all but one in a hundred of the published germline variants."""
    published = published_rates()
    alleles = [snvs_per_base if name == "snv" else 0.0 for name in CLASSES]
    variants = {event: (0.99 * published[event]).tolist() for event in ("GERMLINE_HET", "GERMLINE_HOM")}
    return ResourceUsed(field="AF", digest="none", alleles=alleles, variants=variants)


def test_hardy_and_weinberg() -> None:
    found = hardy_weinberg(np.array([0.0, 0.5, 0.2, 1.0]))
    assert found["GERMLINE_HET"][:3] == pytest.approx([0.0, 0.5, 0.32])
    assert found["GERMLINE_HOM"][:3] == pytest.approx([0.0, 0.25, 0.04])
    assert found["GERMLINE_HET"][3] == pytest.approx(2e-3, rel=2e-3) and found["GERMLINE_HOM"][3] == pytest.approx(
        0.998, rel=1e-4
    )


def test_what_is_as_good_as_not_in_the_resource() -> None:
    assert is_listed(np.array([math.nan, 0.0, 9e-6, 1e-5, 1.0])).tolist() == [False, False, False, True, True]


def one_variant(copies: int) -> Evidence:
    """So many times the same heterozygous-looking candidate."""
    return observed(np.random.default_rng(5), [0.5], DEPTH, ERROR).rows(np.zeros(copies, np.int64))


def test_odds_are_those_of_the_population() -> None:
    """Of the same reads, the odds of germline to somatic are proportional to 2 f (1 - f), or to the private rate below it."""
    frequency = np.array([math.nan, 0.0, 1e-6, 2e-5, 1e-3, 0.3])
    sampled = Sampled(one_variant(6), None, np.full(6, SNV), np.ones(6, bool), frequency=frequency)
    prior = starting_prior("empirical", TERRITORY, paired=False, resource=used())
    rates = prior.rates | {"GERMLINE_HET": [1e-4] * len(CLASSES), "GERMLINE_HOM": [1e-9] * len(CLASSES)}
    prior = prior.model_copy(update={"rates": rates})
    found = score(sampled.tables(prior), sampled.class_index, prior, PURITY, frequency=frequency).probability
    odds = found[:, HET] / found[:, SOMATIC]
    expected = [1e-4, 1e-4, 1e-4, 1e-4, 2e-3 * (1 - 1e-3), 0.6 * 0.7]
    assert odds / odds[0] == pytest.approx(np.array(expected) / 1e-4, rel=1e-9)
    assert found[-1, HET] > 0.999 > found[0, HET]


def test_a_hot_spot_is_not_germline_because_a_database_holds_it() -> None:
    """A somatic variant of a tumour of 70 %, at a quarter of the reads, that three of 10^6 people have."""
    frequency = np.array([3e-6, math.nan])
    tumor = observed(np.random.default_rng(2), [0.25], 300, ERROR).rows(np.zeros(2, np.int64))
    prior = starting_prior("empirical", TERRITORY, paired=False, resource=used())
    sampled = Sampled(tumor, None, np.full(2, SNV), np.ones(2, bool), frequency=frequency)
    found = score(sampled.tables(prior), sampled.class_index, prior, PURITY, frequency=frequency).probability
    assert found[0] == pytest.approx(found[1])
    assert found[0, SOMATIC] > found[0, HET] + found[0, HOM]


def person(seed: int, listed: float, changed: bool = False, most: float = 1.0) -> tuple[Sampled, np.ndarray]:
    """(candidates of a tumour without normal, events): germline variants, of which the share `listed` is in a resource.

    Somatic ones have all frequencies up to `most` in the cells; `changed`: half of the heterozygous ones are in none to all of
    the copies of tumour cells.
    """
    rng = np.random.default_rng(seed)
    germline, somatic = 240, 120
    het = np.full(2 * germline // 3, 0.5)
    if changed:
        cells = rng.choice([0.0, 0.25, 0.75, 1.0, 0.5], len(het), p=[0.125] * 4 + [0.5])
        het = PURITY * cells + (1 - PURITY) * 0.5
    fractions = np.concatenate([het, np.ones(germline // 3), PURITY * rng.uniform(0.1, most, somatic)])
    tumor = observed(rng, fractions.tolist(), DEPTH, ERROR, strengths=[math.log((1 - 3 * ERROR) / ERROR)])
    event = np.array(["GERMLINE_HET"] * len(het) + ["GERMLINE_HOM"] * (germline // 3) + [EVENTS[SOMATIC]] * somatic)
    frequency = np.where(event == "GERMLINE_HOM", rng.beta(2, 1, len(event)), rng.beta(1, 2, len(event)))
    frequency = np.where((event == EVENTS[SOMATIC]) | (rng.random(len(event)) >= listed), np.nan, np.maximum(frequency, 1e-4))
    return Sampled(tumor, None, np.full(len(event), SNV), np.ones(len(event), bool), frequency=frequency), event


def learnt_of(sampled: Sampled) -> LearntPrior:
    return learn_prior(sampled, TERRITORY, PURITY, None, resource=used())


def test_what_is_in_the_resource_does_not_teach_the_private_rate() -> None:
    """The rate is that of the variants which the resource lacks, over the alleles which it lacks."""
    for listed in (0.95, 0.6):
        sampled, event = person(3, listed, most=0.5)
        prior = learnt_of(sampled)
        private = np.isnan(sampled.frequencies) & np.isin(event, ["GERMLINE_HET", "GERMLINE_HOM"])
        alleles = TERRITORY * (3.0 - 0.05)
        count = alleles * (prior.rates["GERMLINE_HET"][SNV] + prior.rates["GERMLINE_HOM"][SNV])
        assert count == pytest.approx(private.sum(), abs=4 * math.sqrt(private.sum()) + 2)
        assert 3 * TERRITORY * prior.rates[EVENTS[SOMATIC]][SNV] == pytest.approx(120, abs=4 * math.sqrt(120))


@pytest.mark.parametrize("changed", [False, True])
def test_rates_of_a_tumour_alone(changed: bool) -> None:
    """Sets that are chosen by FDR have no more false ones, with copies changed, too; and hold most somatic variants."""
    kept_true = kept = 0
    parts = []
    for seed in range(2):
        sampled, event = person(10 + seed, 0.93, changed)
        prior = learnt_of(sampled)
        assert (prior.germline_changes[0] > 0.9) != changed
        found = score(sampled.tables(prior), sampled.class_index, prior, PURITY, frequency=sampled.frequencies).probability
        parts.append((1.0 - found[:, SOMATIC], event == EVENTS[SOMATIC]))
    for nominal in (0.05, 0.1, 0.2):
        kept_true = kept = 0
        for error, true in parts:
            order = np.argsort(error, kind="stable")
            chosen = order[: np.searchsorted(np.cumsum(error[order]) / np.arange(1, len(order) + 1), nominal, "right")]
            kept, kept_true = kept + len(chosen), kept_true + int(true[chosen].sum())
        assert kept - kept_true <= nominal * kept + 3 * math.sqrt(nominal * kept) + 1
        assert kept_true > 0.6 * 2 * 120


def test_indels_are_taken_for_germline_no_more_often_than_snvs() -> None:
    """Of 60 germline insertions three are not in the resource, as of SNVs: twenty somatic ones don't pass for such."""
    insertion, (snvs, event) = CLASSES.index("insertion_1"), person(1, 0.95)
    rng = np.random.default_rng(1)
    fractions = np.concatenate([np.full(40, 0.5), np.ones(20), PURITY * rng.uniform(0.1, 1.0, 20)])
    indels = observed(rng, fractions.tolist(), DEPTH, ERROR, strengths=[7.0])
    frequency = np.concatenate([snvs.frequencies, [math.nan] * 3, [0.2] * 57, [math.nan] * 20])
    index = np.concatenate([snvs.class_index, np.full(80, insertion)])
    sampled = Sampled(concatenated([snvs.tumor, indels]), None, index, index == SNV, frequency=frequency)
    prior = learnt_of(sampled)
    assert TERRITORY * prior.rates["GERMLINE_HET"][insertion] == pytest.approx(3, abs=4)
    assert TERRITORY * prior.rates["SOMATIC_TUMOR"][insertion] == pytest.approx(20, abs=4 * math.sqrt(20))
    found = score(sampled.tables(prior), index, prior, PURITY, frequency=frequency).probability
    error, true = 1.0 - found[len(event) :, SOMATIC], np.arange(80) >= 60
    order = np.argsort(error, kind="stable")
    kept = order[: np.searchsorted(np.cumsum(error[order]) / np.arange(1, 81), 0.05, "right")]
    assert true[kept].sum() > 10 and (~true[kept]).sum() <= 0.05 * len(kept) + 3 * math.sqrt(0.05 * len(kept)) + 1


def test_a_resource_that_has_nothing_of_the_territory() -> None:
    """All germline variants are such that it lacks, and their rate is that."""
    sampled, _ = person(4, 0.0, most=0.5)
    nothing = ResourceUsed(
        field="AF", digest="none", alleles=[0.0] * len(CLASSES),
        variants={event: [0.0] * len(CLASSES) for event in ("GERMLINE_HET", "GERMLINE_HOM")},
    )  # fmt: skip
    rates = learn_prior(sampled, TERRITORY, PURITY, None, resource=nothing).rates
    for event, count in (("GERMLINE_HET", 160), ("GERMLINE_HOM", 80), ("SOMATIC_TUMOR", 120)):
        assert 3 * TERRITORY * rates[event][SNV] == pytest.approx(count, abs=4 * math.sqrt(count))


def test_published_rates_of_what_a_resource_lacks() -> None:
    full, rest = published_of(None), published_of(used())
    assert rest["GERMLINE_HET"] == pytest.approx(0.01 * full["GERMLINE_HET"])
    assert rest["SOMATIC_TUMOR"].tolist() == full["SOMATIC_TUMOR"].tolist()
    assert full["GERMLINE_HET"][SNV] == pytest.approx(6.7e-4 / 3)


def test_how_dense_a_resource_is(tmp_path: Path) -> None:
    write_fasta(tmp_path / "reference.fa", {"chr1": "ACGT" * 250})
    sites = [
        ("chr1", 1, "A", "C,G", "AF=0.5,0.1"), ("chr1", 9, "A", "AT", "AF=0.2"), ("chr1", 13, "A", "C", "AF=1e-7"),
        ("chr1", 17, "A", "C", "AF=."), ("chr1", 701, "A", "T", "AF=0.3"),
    ]  # fmt: skip
    resource = GermlineResource.open(write_resource(tmp_path / "resource.vcf.gz", {"chr1": 1000}, sites))
    found = resource_used(resource, [("chr1", 0, 500)], Reference(tmp_path / "reference.fa"))
    assert found.field == "AF"
    expected = {"snv": 2 / 500, "insertion_1": 1 / 500}
    assert dict(zip(CLASSES, found.alleles, strict=True)) == pytest.approx({name: expected.get(name, 0) for name in CLASSES})
    assert found.variants["GERMLINE_HET"][SNV] == pytest.approx((0.5 + 0.18) / 500)
    assert found.variants["GERMLINE_HOM"][SNV] == pytest.approx((0.25 + 0.01) / 500)


def test_a_resource_of_another_reference(tmp_path: Path) -> None:
    """Where no candidate meets a record, too."""
    write_fasta(tmp_path / "reference.fa", {"chr1": "ACGT" * 250})
    resource = GermlineResource.open(write_resource(tmp_path / "r.vcf.gz", {"chr1": 1000}, [("chr1", 2, "A", "G", "AF=0.1")]))
    with pytest.raises(OtherReference, match=r"chr1:2 has REF A where the reference has C"):
        resource_used(resource, [("chr1", 0, 500)], Reference(tmp_path / "reference.fa"))


def test_a_resource_that_tells_little_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        tell_share(30.0, 70.0)
    assert "only 30 of about 100 germline variants are in the germline resource" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO):
        tell_share(95.0, 5.0)
        tell_share(0.0, DECISIONS.few_candidates - 1.0)
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO"]


def test_a_listed_allele_is_scored_alike_in_any_company() -> None:
    """No probability depends on what else is looked up with it."""
    frequency = np.array([0.1, math.nan, 1e-4])
    rng = np.random.default_rng(8)
    evidence = [observed(rng, [f], DEPTH, ERROR) for f in (0.5, 0.3, 0.6)]
    prior = starting_prior("empirical", TERRITORY, paired=False, resource=used())
    index = np.full(3, SNV)
    together = Sampled(concatenated(evidence), None, index, np.ones(3, bool), frequency=frequency)
    found = score(together.tables(prior), index, prior, PURITY, frequency=frequency).probability
    for i, one in enumerate(evidence):
        alone = Sampled(one, None, index[:1], np.ones(1, bool), frequency=frequency[i : i + 1])
        again = score(alone.tables(prior), index[:1], prior, PURITY, frequency=alone.frequencies).probability
        assert again[0] == pytest.approx(found[i], rel=1e-12)
    assert alleles_per_base()[SNV] == 3.0
