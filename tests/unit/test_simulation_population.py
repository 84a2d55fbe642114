"""Persons of one population: how frequent their variants are, who shares them, and collapsed paralogs that not all have."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from varproof.simulation.deciding import Truth, decide_persons, decide_truth, samples_of
from varproof.simulation.genome import Genome, random_genome
from varproof.simulation.odd_copies import odd_copies
from varproof.simulation.population import Population, carried_by_another
from varproof.simulation.settings import SimulationSettings

NOTHING_SOMATIC = {"somatic_snvs": 0, "somatic_mnvs": 0, "somatic_insertions": 0, "somatic_deletions": 0}


def settings(**changes: Any) -> SimulationSettings:
    return SimulationSettings(**({"genome_length": 300_000, "germline": 600, "population": True} | NOTHING_SOMATIC | changes))


def decided(chosen: SimulationSettings) -> tuple[Genome, Truth]:
    genome = random_genome(chosen.genome_length, 1, np.random.default_rng(2))
    return genome, decide_truth(genome, chosen, np.random.SeedSequence(chosen.seed).spawn(3)[:2])


@pytest.fixture(scope="module")
def person() -> tuple[Genome, Truth]:
    return decided(settings())


def population_of(truth: Truth) -> Population:
    assert truth.population is not None
    return truth.population


def test_the_resource_has_the_share_of_the_persons_variants_that_is_asked_for(person: tuple[Genome, Truth]) -> None:
    _, truth = person
    resource = population_of(truth).resource
    missing = [variant for variant in truth.planted if variant.allele not in resource]
    assert len(missing) == 600 - round(0.97 * 600)
    assert {variant.event for variant in missing} == {"GERMLINE_HET"}
    assert all(0 < frequency <= 1 for frequency in resource.values())


def test_frequencies_agree_with_genotypes(person: tuple[Genome, Truth]) -> None:
    """Under density 1/f and Hardy-Weinberg: cumulative f^2 of homozygous ones, 1 - (1 - f)^2 of the other common ones."""
    _, truth = person
    resource = population_of(truth).resource
    homozygous = [resource[v.allele] for v in truth.planted if v.event == "GERMLINE_HOM" and v.allele in resource]
    heterozygous = [resource[v.allele] for v in truth.planted if v.event == "GERMLINE_HET" and v.allele in resource]
    assert stats.kstest(homozygous, lambda f: f**2).pvalue > 1e-3
    common = np.array([f for f in heterozygous if f > 0.01])
    below = 1 - 0.99**2
    assert stats.kstest(common, lambda f: (1 - (1 - f) ** 2 - below) / (1 - below)).pvalue > 1e-3
    assert 0 < sum(f < 0.005 for f in heterozygous) < 0.10 * len(heterozygous)


def test_an_unrelated_person_has_as_many_variants_and_shares_what_theory_says(person: tuple[Genome, Truth]) -> None:
    """Of a person's variants another carries the mean of 1 - (1 - f)^2 over density (2 - f) / 1.5 = 0.611, if none is rare."""
    _, truth = person
    population, rng = population_of(truth), np.random.default_rng(1)
    own = {variant.allele for variant in truth.planted}
    numbers, shared, homozygous = [], [], []
    for _ in range(20):
        carried = carried_by_another(population, 200, rng)
        numbers.append(len(carried))
        shared.append(len(own & {variant.allele for variant in carried}))
        homozygous.append(sum(len(variant.haplotypes) == 2 for variant in carried))
    known = 0.97 * 600
    assert np.mean(numbers) == pytest.approx(known, rel=0.06)
    assert np.mean(shared) == pytest.approx(0.611 * 0.97 * known, rel=0.08)
    assert np.mean(homozygous) / np.mean(numbers) == pytest.approx(1 / 3, abs=0.04)


def test_a_child_has_one_haplotype_of_the_person_whole(person: tuple[Genome, Truth]) -> None:
    _, truth = person
    child = carried_by_another(population_of(truth), 200, np.random.default_rng(1), child=True)
    of_parent = {variant.allele for variant in truth.planted if 0 in variant.haplotypes}
    assert {variant.allele for variant in child if 0 in variant.haplotypes} == of_parent
    assert {v.allele for v in truth.planted if v.event == "GERMLINE_HOM"} <= {v.allele for v in child}


def test_persons_of_a_cohort_have_the_librarys_places_of_damage_and_variants_of_the_population() -> None:
    chosen = settings(
        germline=200, normals=3, relative=True, artifacts=["damage"], ffpe_loci_per_mbp=300, normal_damage_ratio=0.5,
        purity=0.5, copy_number_fraction=0.5, tumor_contamination=0.1,
    )  # fmt: skip
    genome, truth = decided(chosen)
    library = np.random.SeedSequence(chosen.seed).spawn(2)[1]
    persons = decide_persons(genome, chosen, library, truth.population)
    assert [person.sample for person in persons] == ["normal-1", "normal-2", "normal-3", "relative"]
    samples = samples_of(chosen, truth, [], persons)
    resource = population_of(truth).resource
    for person in persons:
        model = samples[person.sample].model
        np.testing.assert_allclose(model.hot_oxidation, 0.5 * samples["tumor"].model.hot_oxidation)
        np.testing.assert_allclose(model.loci.rate, 0.5 * samples["tumor"].model.loci.rate)
        planted = person.truth.planted
        assert {variant.event for variant in planted} == {"GERMLINE_HET", "GERMLINE_HOM"}
        private = [variant for variant in planted if variant.allele not in resource]
        assert 0 < len(private) <= (9 if person.sample == "relative" else 6)
        weights = samples[person.sample].weights
        assert (weights * person.truth.molecules.length).sum() / len(genome) == pytest.approx(1, rel=0.01)
    alleles = [frozenset(variant.allele for variant in person.truth.planted) for person in persons]
    assert len(set(alleles)) == 4
    more = decide_persons(genome, chosen.model_copy(update={"normals": 5}), library, truth.population)
    assert [v.allele for v in more[1].truth.planted] == [v.allele for v in persons[1].truth.planted]  # whoever comes after


def test_without_a_population_a_cohort_shares_nothing_but_the_library() -> None:
    chosen = settings(population=False, germline=100, normals=2)
    genome, truth = decided(chosen)
    assert truth.population is None
    persons = decide_persons(genome, chosen, np.random.SeedSequence(chosen.seed).spawn(2)[1], None)
    own = [{variant.allele for variant in planted} for planted in (truth.planted, *(p.truth.planted for p in persons))]
    assert [len(alleles) for alleles in own] == [100, 100, 100]
    assert not own[0] & own[1] and not own[1] & own[2]


def test_collapsed_paralogs_have_their_share_of_reads_in_all_who_have_them() -> None:
    chosen = settings(population=False, germline=0, collapsed_paralogs_per_mbp=100)
    genome = random_genome(300_000, 1, np.random.default_rng(2))
    first = odd_copies(genome, chosen, np.random.default_rng(5))
    assert len(first.copies) == 30 and first.tumor_weights == first.normal_weights
    for copy, weight in zip(first.copies, first.tumor_weights, strict=True):
        assert 1_000 <= copy.last - copy.first < 5_000
        assert 0.2 <= weight / (1 + weight) <= 0.5
    per_bp = len(first.alleles) / sum(copy.last - copy.first for copy in first.copies)
    assert 0.012 < per_bp < 0.028
    assert {item.kind for item in first.labelled} == {"collapsed_paralog"} and len(first.labelled) == len(first.alleles)
    places = {copy.first for copy in first.copies}
    shares = []
    for seed in range(20):
        other = odd_copies(genome, chosen, np.random.default_rng(5), np.random.default_rng(seed))
        own = {copy.first for copy in other.copies}
        assert own < places
        shares.append(len(own) / len(places))
    assert np.mean(shares) == pytest.approx(0.6, abs=0.15)


def test_collapsed_paralogs_of_a_panel_are_sequenced_where_the_panel_is() -> None:
    chosen = settings(
        population=False, germline=0, collapsed_paralogs_per_mbp=250, panel_targets=40, target_length=300, genome_length=100_000
    )
    genome, truth = decided(chosen)
    assert truth.targets is not None
    odd = odd_copies(genome, chosen, np.random.default_rng(5), None, truth.targets.parts)
    assert odd.copies
    for copy in odd.copies:
        assert any(part.first <= copy.first and copy.last <= part.last for part in truth.targets.parts)
