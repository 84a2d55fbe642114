"""A germline resource beside a list: an allele is found however it is written, with its frequency, or the reason is told."""

import logging
from math import nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from population_examples import SITE, write_resource
from small_bams import write_fasta
from varproof.machinery.errors import DamagedFile, NotIndexed, OtherReference, UserError
from varproof.variants.candidate import Candidate, trimmed_alleles
from varproof.variants.joined import with_joined
from varproof.variants.population import GermlineResource, with_frequencies
from varproof.variants.reference import Reference

SEQUENCE = "ACGTTGCACACACATTGGCATCGATTTTTTGCAT" + "GATTACA" * 10
CONTIGS = {"chr1": len(SEQUENCE), "chr2": len(SEQUENCE)}


@pytest.fixture(name="reference")
def _reference(tmp_path: Path) -> Reference:
    write_fasta(tmp_path / "reference.fa", dict.fromkeys(CONTIGS, SEQUENCE))
    return Reference(tmp_path / "reference.fa")


def candidate(position: int, ref: str, alt: str, contig: str = "chr1", number: int = 0) -> Candidate:
    """Of a record's 1-based position and alleles."""
    start, ref, alt = trimmed_alleles(position - 1, ref, alt)
    return Candidate(number, 0, contig, start, start + len(ref), ref, alt)


def looked_up(resource: GermlineResource, reference: Reference, *items: Candidate) -> list[float]:
    return [value for _, value in with_frequencies(items, resource, reference)]


def found(tmp_path: Path, reference: Reference, sites: list[SITE], *items: Candidate, name: str | None = None) -> list[float]:
    path = write_resource(tmp_path / "resource.vcf.gz", CONTIGS, sites, f"ID={name or 'AF'},Number=.,Type=String")
    return looked_up(GermlineResource.open(path), reference, *items)


@pytest.mark.parametrize("suffix", [".vcf.gz", ".bcf"])
def test_each_allele_has_its_own_frequency(tmp_path: Path, reference: Reference, suffix: str) -> None:
    sites = [("chr1", 5, "T", "C,G", "AF=0.25,0.001"), ("chr1", 21, "T", "A", "AF=."), ("chr2", 5, "T", "A", "AF=0.5")]
    resource = GermlineResource.open(
        write_resource(tmp_path / f"resource{suffix}", CONTIGS, sites, "ID=AF,Number=A,Type=Float")
    )
    items = [candidate(5, "T", alt) for alt in "ACG"] + [candidate(21, "T", "A"), candidate(5, "T", "A", "chr2")]
    assert looked_up(resource, reference, *items) == pytest.approx([nan, 0.25, 0.001, nan, 0.5], nan_ok=True)
    assert resource.without == 1


def applied(position: int, ref: str, alt: str) -> str:
    assert SEQUENCE[position - 1 :].startswith(ref)
    return SEQUENCE[: position - 1] + alt + SEQUENCE[position - 1 + len(ref) :]


KINDS = st.sampled_from(["snv", "deletion", "insertion"])
ALLELE = st.tuples(st.integers(2, len(SEQUENCE) - 8), st.integers(1, 6), KINDS, st.text("ACGT", min_size=1, max_size=4))


def written(position: int, length: int, kind: str, bases: str) -> tuple[int, str, str]:
    first = SEQUENCE[position - 1]
    if kind == "snv":
        return position, first, "ACGT"[("ACGT".index(first) + 1 + length % 3) % 4]
    if kind == "deletion":
        return position, SEQUENCE[position - 1 : position + length], first
    return position, first, first + bases


@settings(max_examples=60, deadline=None)
@given(st.lists(ALLELE, min_size=1, max_size=12), st.lists(ALLELE, min_size=1, max_size=12))
def test_two_spellings_are_one_allele(tmp_path_factory: pytest.TempPathFactory, listed: list, asked: list) -> None:  # type: ignore[type-arg]
    """The oracle: alleles that make the same sequence are the same; the largest of several frequencies counts."""
    folder = tmp_path_factory.mktemp("lookup")
    write_fasta(folder / "reference.fa", dict.fromkeys(CONTIGS, SEQUENCE))
    records = [(*written(*one), 0.001 * (1 + i)) for i, one in enumerate(listed)]
    sites = [("chr1", position, ref, alt, f"AF={f}") for position, ref, alt, f in records]
    wanted = sorted(written(*one) for one in asked)
    path = write_resource(folder / "resource.vcf.gz", CONTIGS, sites)
    items = [candidate(*one) for one in wanted]
    expected = [
        max((f for *allele, f in records if applied(*allele) == applied(*one)), default=nan)  # type: ignore[arg-type]
        for one in wanted
    ]
    assert looked_up(GermlineResource.open(path), Reference(folder / "reference.fa"), *items) == pytest.approx(
        expected, nan_ok=True
    )


def test_an_mnv_is_as_frequent_as_the_rarest_of_its_bases(tmp_path: Path, reference: Reference) -> None:
    sites = [("chr1", 18, "G", "A", "AF=0.3"), ("chr1", 19, "C", "T", "AF=0.2"), ("chr1", 21, "T", "A", "AF=0.1")]
    items = [candidate(18, "GC", "AT"), candidate(19, "CAT", "TTA"), candidate(18, "GC", "AG")]
    assert found(tmp_path, reference, sites, *items) == pytest.approx([0.2, nan, nan], nan_ok=True)


def test_bases_of_a_listed_mnv_are_looked_up_one_by_one(tmp_path: Path, reference: Reference) -> None:
    """A germline SNV with an error beside it: the error is judged, and no one has it. Only what is listed is counted."""
    items = list(with_joined([candidate(18, "GC", "AT")], reference))
    assert [item.is_listed for item in items] == [True, False, False]
    sites = [("chr1", 18, "G", "A", "AF=0.3"), ("chr1", 19, "C", "T", "AF=.")]
    path = write_resource(tmp_path / "resource.vcf.gz", CONTIGS, sites, "ID=AF,Number=A,Type=Float")
    resource = GermlineResource.open(path)
    assert looked_up(resource, reference, *items) == pytest.approx([nan, 0.3, nan], nan_ok=True)
    assert resource.without == 0


def test_a_base_is_as_frequent_as_an_mnv_of_which_it_is_a_part(tmp_path: Path, reference: Reference) -> None:
    sites = [("chr1", 18, "GCA", "ACT", "AF=0.2"), ("chr1", 20, "A", "T", "AF=0.01"), ("chr1", 18, "G", "A", "AF=0.5")]
    items = [candidate(18, "G", "A"), candidate(18, "G", "T"), candidate(19, "C", "T"), candidate(20, "A", "T")]
    assert found(tmp_path, reference, sites, *items) == pytest.approx([0.5, nan, nan, 0.2], nan_ok=True)


def test_what_alleles_make_together_is_as_frequent_as_the_rarest(tmp_path: Path, reference: Reference) -> None:
    sites = [("chr1", 18, "G", "A", "AF=0.3"), ("chr1", 19, "C", "T", "AF=0.2")]
    items = list(with_joined([candidate(18, "G", "A"), candidate(19, "C", "T", number=1)], reference))
    assert [len(item.parts) for item in items] == [0, 0, 2]
    assert found(tmp_path, reference, sites, *items) == pytest.approx([0.3, 0.2, 0.2])
    assert found(tmp_path, reference, sites[:1], *items) == pytest.approx([0.3, nan, nan], nan_ok=True)
    together = [*sites, ("chr1", 18, "GC", "AT", "AF=0.05")]
    assert found(tmp_path, reference, together, *items) == pytest.approx([0.3, 0.2, 0.05])


@pytest.mark.parametrize(
    ("name", "info", "expected"),
    [
        ("POPAF", "POPAF=2.0,7.3", [0.01, 10**-7.3]),  # Mutect2's: minus log10
        ("POPAF", "DP=3;POPAF=0,.;XPOPAF=4", [1.0, nan]),
        ("CAF", "CAF=0.9,0.07,0.03", [0.07, 0.03]),  # dbSNP: the reference's first
        ("CAF", "CAF=[0.9,0.1,.]", [0.1, nan]),
        ("FREQ", "FREQ=1000Genomes:0.9,0.08,0.02|Korea1K:0.7,0.3,.|TOPMED:0.94,0.05,0.01", [0.08, 0.01]),
        ("AF", "AF=0,1e-6", [0.0, 1e-6]),
        ("AF", "DP=4", [nan, nan]),
        ("AF", "AF=.", [nan, nan]),
    ],
)
def test_fields_of_frequencies(tmp_path: Path, reference: Reference, name: str, info: str, expected: list[float]) -> None:
    items = [candidate(5, "T", "C"), candidate(5, "T", "G")]
    assert found(tmp_path, reference, [("chr1", 5, "T", "C,G", info)], *items, name=name) == pytest.approx(
        expected, nan_ok=True
    )


def test_a_field_by_name(tmp_path: Path, reference: Reference) -> None:
    sites = [("chr1", 5, "T", "C", "AF=0.001;AF_grpmax=0.02")]
    header = 'ID=AF,Number=A,Type=Float,Description="all">\n##INFO=<ID=AF_grpmax,Number=A,Type=Float'
    path = write_resource(tmp_path / "resource.vcf.gz", CONTIGS, sites, header)
    for name, expected in ((None, 0.001), ("AF", 0.001), ("AF_grpmax", 0.02)):
        assert looked_up(GermlineResource.open(path, name), reference, candidate(5, "T", "C")) == [expected]
    with pytest.raises(UserError, match="no INFO field AF_afr; name one of its fields with --germline-field: AF, AF_grpmax"):
        GermlineResource.open(path, "AF_afr")


@pytest.mark.parametrize(
    ("info", "told"),
    [
        ("AF=1.5", "chr1:5: AF is 1.5, which is no allele frequency"),
        ("AF=-0.1", "is -0.1"),
        ("AF=nan", "is nan"),
        ("AF=often", "is often"),
        ("AF=0.1,0.2,0.3", "AF has 3 values for 1 alternative alleles"),
    ],
)
def test_values_that_are_no_frequencies(tmp_path: Path, reference: Reference, info: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        found(tmp_path, reference, [("chr1", 5, "T", "C", info)], candidate(5, "T", "C"))


def test_a_resource_without_frequencies(tmp_path: Path) -> None:
    path = write_resource(tmp_path / "sites.vcf.gz", CONTIGS, [("chr1", 5, "T", "C", "DP=3")], "ID=DP,Number=1,Type=Integer")
    with pytest.raises(UserError, match=r"no INFO field of frequencies \(AF, POPAF, CAF, FREQ\); name one of its .*: DP"):
        GermlineResource.open(path)
    with pytest.raises(UserError, match="INFO field DP is declared with Type=Integer"):
        GermlineResource.open(path, "DP")


@pytest.mark.parametrize(("suffix", "indexer"), [(".vcf.gz", "tabix -p vcf"), (".bcf", "bcftools index")])
def test_a_resource_without_index(tmp_path: Path, suffix: str, indexer: str) -> None:
    path = write_resource(tmp_path / f"sites{suffix}", CONTIGS, [("chr1", 5, "T", "C", "AF=0.1")])
    for index in (".tbi", ".csi"):
        path.with_name(path.name + index).unlink(missing_ok=True)
    with pytest.raises(NotIndexed, match=f"sites{suffix}: no index beside it that can be read; make it with '{indexer} "):
        GermlineResource.open(path)


def test_a_resource_that_is_not_compressed(tmp_path: Path) -> None:
    path = write_resource(tmp_path / "sites.vcf", CONTIGS, [("chr1", 5, "T", "C", "AF=0.1")])
    with pytest.raises(NotIndexed, match=r"no index; compress it with 'bgzip .*', and index that with 'tabix -p vcf"):
        GermlineResource.open(path)


def test_a_resource_that_is_damaged(tmp_path: Path, reference: Reference) -> None:
    chance = np.random.default_rng(1)
    sites = [("chr1", 1 + i % 100, SEQUENCE[i % 100], "N", f"AF=0.1;X={chance.integers(10**15)}") for i in range(20_000)]
    path = write_resource(tmp_path / "resource.vcf.gz", CONTIGS, sites)
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(content[:half] + bytes(2_000) + content[half + 2_000 :])
    with pytest.raises(DamagedFile, match=r"resource\.vcf\.gz: truncated or damaged"):
        looked_up(GermlineResource.open(path), reference, candidate(90, SEQUENCE[89], "ACGT".replace(SEQUENCE[89], "")[0]))


def test_a_resource_of_another_reference(tmp_path: Path, reference: Reference) -> None:
    with pytest.raises(OtherReference, match=r"chr1:5 has REF A where the reference has T; use a resource of the same genome"):
        found(tmp_path, reference, [("chr1", 5, "A", "C", "AF=0.1")], candidate(5, "T", "C"))


def test_contigs_with_and_without_chr(tmp_path: Path, reference: Reference) -> None:
    path = write_resource(tmp_path / "resource.vcf.gz", {"1": 100}, [("1", 5, "T", "C", "AF=0.1")])
    with pytest.raises(
        OtherReference, match="has contig '1' where the reference has 'chr1'; rename its contigs with 'bcftools"
    ):
        looked_up(GermlineResource.open(path), reference, candidate(5, "T", "C"))
    path = write_resource(tmp_path / "other.vcf.gz", {"NC_000001.11": 100}, [("NC_000001.11", 5, "T", "C", "AF=0.1")])
    with pytest.raises(
        OtherReference, match=r"none of the contigs of .*reference.fa \(chr1, chr2\) is in it \(it has NC_000001"
    ):
        looked_up(GermlineResource.open(path), reference, candidate(5, "T", "C"))


def test_a_resource_without_records(tmp_path: Path, reference: Reference) -> None:
    path = write_resource(tmp_path / "resource.vcf.gz", CONTIGS, [])
    with pytest.raises(UserError, match="has no records; give another germline resource"):
        looked_up(GermlineResource.open(path), reference, candidate(5, "T", "C"))


def test_a_piece_of_a_list_on_a_contig_that_the_resource_lacks(tmp_path: Path, reference: Reference) -> None:
    """No failure of that piece alone: the whole list would be scored."""
    sites = [("chr1", 5, "T", "C", "AF=0.1")]
    assert found(tmp_path, reference, sites, candidate(5, "T", "C", "chr2")) == pytest.approx([nan], nan_ok=True)


def test_a_contig_that_the_resource_lacks_is_told(
    tmp_path: Path, reference: Reference, caplog: pytest.LogCaptureFixture
) -> None:
    items = [candidate(5, "T", "C"), candidate(5, "T", "C", "chr2")]
    with caplog.at_level(logging.WARNING):
        values = found(tmp_path, reference, [("chr1", 5, "T", "C", "AF=0.1")], *items)
    assert values == pytest.approx([0.1, nan], nan_ok=True)
    assert "has nothing of chr2" in caplog.text


def test_far_candidates_are_looked_up_apart(tmp_path: Path) -> None:
    """What lies between them is not read: a damaged record there doesn't matter."""
    sequence = "ACGT" * 2_000
    write_fasta(tmp_path / "reference.fa", {"chr1": sequence})
    sites = [("chr1", 1, "A", "C", "AF=0.1"), ("chr1", 4_001, "A", "C", "AF=wrong"), ("chr1", 7_997, "A", "C", "AF=0.3")]
    path = write_resource(tmp_path / "resource.vcf.gz", {"chr1": 8_000}, sites, "ID=AF,Number=A,Type=String")
    items = [candidate(1, "A", "C"), candidate(7_997, "A", "C")]
    assert looked_up(GermlineResource.open(path), Reference(tmp_path / "reference.fa"), *items) == [0.1, 0.3]
