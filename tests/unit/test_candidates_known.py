"""Known sites: any way of writing the same allele is the same allele."""

from pathlib import Path

import pysam
import pytest

from varproof.candidates.known import known_alleles
from varproof.machinery.errors import UserError
from varproof.reads.decode import base_codes
from varproof.reads.known_sites import KnownSites, require_known_contigs
from varproof.variants.reference import ReferenceSlice

SEQUENCE = "ACGTTGCACACACATTGGCATCGATTTTTTGCAT"
REFERENCE = ReferenceSlice("chr1", 100, base_codes(SEQUENCE))
HEAD = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def write_known(path: Path, records: list[tuple[int, str, str, str]], contig: str = "chr1") -> Path:
    """Bgzipped and indexed; (0-based position, ID, REF, ALT)."""
    lines = [f"{contig}\t{position + 1}\t{name}\t{ref}\t{alt}\t.\t.\t.\n" for position, name, ref, alt in sorted(records)]
    path.with_suffix("").write_text(HEAD + "".join(lines))
    pysam.tabix_compress(str(path.with_suffix("")), str(path), force=True)
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return path


def allele(start: int, end: int, alt: str) -> tuple[int, int, bytes]:
    return start, end, base_codes(alt).tobytes()


def names(tmp_path: Path, records: list[tuple[int, str, str, str]], *wanted: tuple[int, int, bytes]) -> list[str]:
    known = KnownSites(write_known(tmp_path / "known.vcf.gz", records))
    return known_alleles(known, list(wanted), REFERENCE)


def test_substitutions(tmp_path: Path) -> None:
    records = [(104, "rs1", "T", "C,g"), (120, ".", "T", "A"), (122, "rs4", "G", "<DEL>"), (123, "rs5", "A", "*")]
    wanted = [allele(104, 105, base) for base in "CGA"] + [allele(120, 121, "A"), allele(123, 124, "T")]
    assert names(tmp_path, records, *wanted) == ["rs1", "rs1", "", ".", ""]


@pytest.mark.parametrize(
    ("position", "ref", "alt"),
    [(105, "GCA", "G"), (106, "CAC", "C"), (110, "CACA", "CA"), (105, "GCACACACA", "GCACACA"), (113, "AT", "A")],
)
def test_a_deletion_in_a_repeat_however_it_is_written(tmp_path: Path, position: int, ref: str, alt: str) -> None:
    """CA x 4 at 106..114 (the last example deletes the T behind it, another allele)."""
    assert SEQUENCE[position - 100 :].startswith(ref)
    expected = "" if position == 113 else "rs"
    assert names(tmp_path, [(position, "rs", ref, alt)], allele(106, 108, "")) == [expected]


@pytest.mark.parametrize(("position", "ref", "alt"), [(123, "A", "AT"), (124, "T", "TT"), (129, "T", "TT"), (129, "TG", "TTG")])
def test_an_insertion_in_a_homopolymer_however_it_is_written(tmp_path: Path, position: int, ref: str, alt: str) -> None:
    assert SEQUENCE[position - 100 :].startswith(ref)
    assert names(tmp_path, [(position, "rs", ref, alt)], allele(124, 124, "T"), allele(124, 124, "TT")) == ["rs", ""]


def test_an_mnv_is_known_as_one_or_by_all_of_its_parts(tmp_path: Path) -> None:
    mnv = allele(117, 119, "AT")
    assert names(tmp_path, [(117, "rs1", "GC", "AT")], mnv) == ["rs1"]
    assert names(tmp_path, [(116, "rs1", "GGC", "GAT")], mnv) == ["rs1"]
    parts = [(117, "rs1", "G", "A"), (118, "rs2", "C", "T")]
    assert names(tmp_path, parts, mnv, allele(118, 119, "T")) == ["rs1;rs2", "rs2"]
    assert names(tmp_path, parts[:1], mnv) == [""]
    unnamed = [(117, ".", "G", "A"), (118, ".", "C", "T")]
    assert names(tmp_path, unnamed, mnv) == ["."]


def test_a_replacement(tmp_path: Path) -> None:
    assert names(tmp_path, [(116, "rs1", "GGCA", "GTT")], allele(117, 120, "TT")) == ["rs1"]


def test_sites_in_a_bcf(tmp_path: Path) -> None:
    known = write_known(tmp_path / "known.vcf.gz", [(104, "rs1", "T", "C")])
    with (
        pysam.VariantFile(str(known)) as source,
        pysam.VariantFile(str(tmp_path / "known.bcf"), "wb", header=source.header) as out,
    ):
        for record in source:
            out.write(record)
    pysam.tabix_index(str(tmp_path / "known.bcf"), preset="bcf", force=True)
    assert known_alleles(KnownSites(tmp_path / "known.bcf"), [allele(104, 105, "C")], REFERENCE) == ["rs1"]


def test_nothing_asked_or_nothing_near(tmp_path: Path) -> None:
    known = KnownSites(write_known(tmp_path / "known.vcf.gz", [(104, "rs1", "T", "C")]))
    assert known_alleles(known, [], REFERENCE) == []
    elsewhere = ReferenceSlice("chr2", 100, REFERENCE.codes)
    assert known_alleles(known, [allele(104, 105, "C")], elsewhere) == [""]


def test_files_that_do_not_serve(tmp_path: Path) -> None:
    good = write_known(tmp_path / "known.vcf.gz", [(104, "rs1", "T", "C")])
    with pytest.raises(UserError, match=r"none\.vcf\.gz: no such file"):
        KnownSites(tmp_path / "none.vcf.gz")
    with pytest.raises(
        UserError, match=r"known\.vcf: no index; compress it with 'bgzip .*known\.vcf', and index that with 'tabix"
    ):
        KnownSites(tmp_path / "known.vcf")
    lonely = tmp_path / "lonely.vcf.gz"
    lonely.write_bytes(good.read_bytes())
    with pytest.raises(
        UserError, match=r"lonely\.vcf\.gz: no index beside it that can be read; make it with 'tabix -p vcf .*lonely\.vcf\.gz'"
    ):
        KnownSites(lonely)
    (tmp_path / "lonely.vcf.gz.tbi").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"lonely\.vcf\.gz: no index beside it that can be read"):
        KnownSites(lonely)


def test_damage_is_told(tmp_path: Path) -> None:
    records = [(position, f"rs{position}", "T", "C") for position in range(100, 60_000, 2)]
    path = write_known(tmp_path / "known.vcf.gz", records)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"x" * (len(content) // 2))
    with pytest.raises(UserError, match=r"known\.vcf\.gz: .*truncated"):
        KnownSites(path).lines("chr1", 0, 60_000)
    odd = write_known(tmp_path / "odd.vcf.gz", [(104, "rs1", "T", "C")])
    (tmp_path / "bed.gz").write_bytes(odd.read_bytes())
    bed = tmp_path / "sites.bed"
    bed.write_text("chr1\t100\t120\n")
    pysam.tabix_compress(str(bed), str(tmp_path / "sites.bed.gz"), force=True)
    pysam.tabix_index(str(tmp_path / "sites.bed.gz"), preset="bed", force=True)
    with pytest.raises(UserError, match=r"sites\.bed\.gz: not a readable VCF"):
        known_alleles(KnownSites(tmp_path / "sites.bed.gz"), [allele(104, 105, "C")], REFERENCE)


def test_contigs_of_another_build(tmp_path: Path) -> None:
    known = KnownSites(write_known(tmp_path / "known.vcf.gz", [(104, "rs1", "T", "C")], "1"))
    with pytest.raises(
        UserError, match=r"none of the contigs with reads \(chr1, chr2\) is in it \(it has 1\); .*--rename-chrs"
    ):
        require_known_contigs(known, ["chr1", "chr2"])
    require_known_contigs(known, ["1", "chr2"])
    empty = KnownSites(write_known(tmp_path / "empty.vcf.gz", []))
    require_known_contigs(empty, ["chr1"])
