"""Phase in scored files: PS and the order of GT where the caller gave none, VP_PHASE always, and the caller's left alone."""

from pathlib import Path
from typing import Any

import cyvcf2
import pysam
import pytest

from phase_examples import Haplotypes, Variant, record, scored, snv

AT = 1000
FORMATS = (
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="genotype">\n'
    '##FORMAT=<ID=PGT,Number=1,Type=String,Description="phased genotype">\n'
    '##FORMAT=<ID=PID,Number=1,Type=String,Description="phase set">\n'
    '##FORMAT=<ID=PS,Number=1,Type=Integer,Description="phase set">\n'
)


def columns(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text().splitlines() if line[0] != "#"]


def told(path: Path) -> list[tuple[str | None, str, str | None, str, str | None]]:
    """(VP_PHASE, GT and PS of the tumour, of the normal) of each record."""
    out = []
    for row in columns(path):
        info = dict(entry.partition("=")[::2] for entry in row[7].split(";"))
        samples = [dict(zip(row[8].split(":"), text.split(":"), strict=False)) for text in row[9:11]]
        tumor, normal = ((sample["GT"], sample.get("PS", ".").replace(".", "") or None) for sample in samples)
        out.append((info.get("VP_PHASE"), *tumor, *normal))
    return out


def test_somatic_and_germline_alleles_in_cis_and_in_trans(tmp_path: Path) -> None:
    germline, cis, trans = snv(AT), snv(AT + 12), snv(AT + 25)
    place = Haplotypes(AT, [[germline, cis], [trans]], [[germline], []])
    out = scored(tmp_path, [place], [record(item) for item in (germline, cis, trans)])
    block = str(AT + 1)
    assert told(out) == [
        (f"{block}:2", "0|1", block, "0|1", block),
        (f"{block}:2", "0|1", block, "0/0", None),
        (f"{block}:1", "1|0", block, "0/0", None),
    ]
    by_pysam = list(pysam.VariantFile(str(out)))
    assert [item.samples[0].phased for item in by_pysam] == [True] * 3
    assert [item.samples[0]["PS"] for item in by_pysam] == [AT + 1] * 3
    assert [item.genotypes[0] for item in cyvcf2.VCF(str(out))] == [[0, 1, True], [0, 1, True], [1, 0, True]]


def test_a_subclone_is_on_the_haplotype_that_it_arose_on(tmp_path: Path) -> None:
    germline, somatic = snv(AT), snv(AT + 12)
    place = Haplotypes(AT, [[germline, somatic], [germline], [], []], [[germline], []])
    block = str(AT + 1)
    assert [row[:3] for row in told(scored(tmp_path, [place], [record(germline), record(somatic)]))] == [
        (f"{block}:2", "0|1", block)
    ] * 2


def test_alleles_of_two_subclones_may_be_on_one_copy(tmp_path: Path) -> None:
    """No fragment has both, whichever copies they lie on."""
    first, second = snv(AT), snv(AT + 12)
    place = Haplotypes(AT, [[first], [second], [], [], []], [[]])
    assert [row[:3] for row in told(scored(tmp_path, [place], [record(first), record(second)]))] == [(None, "0/1", None)] * 2


def test_clonal_somatic_alleles_that_exclude_each_other_are_on_two_copies(tmp_path: Path) -> None:
    first, second = snv(AT), snv(AT + 12)
    place = Haplotypes(AT, [[first], [second]], [[]])
    block = str(AT + 1)
    assert [row[:3] for row in told(scored(tmp_path, [place], [record(first), record(second)]))] == [
        (f"{block}:2", "0|1", block),
        (f"{block}:1", "1|0", block),
    ]


def test_nothing_is_phased_through_a_homozygous_allele(tmp_path: Path) -> None:
    """Both others are always with it, and not near enough to each other."""
    left, both, right = snv(AT - 150), snv(AT + 150), snv(AT + 440)
    haplotypes = [[left, both], [both, right]]
    places = [Haplotypes(around, haplotypes, haplotypes) for around in (AT - 140, AT + 150, AT + 300)]
    found = told(scored(tmp_path, places, [record(item) for item in (left, both, right)]))
    assert found[1][1] == "1/1" and {row[0] for row in found} == {None}


def test_mates_chain_blocks_and_far_places_have_their_own(tmp_path: Path) -> None:
    chain = [snv(AT), snv(AT + 190), snv(AT + 380)]
    apart = [snv(AT + 2000), snv(AT + 2001)]
    places = [Haplotypes(around, [chain, []], [chain, []]) for around in (AT, AT + 190)]
    places.append(Haplotypes(AT + 2000, [apart, []], [apart, []]))
    found = told(scored(tmp_path, places, [record(item) for item in chain + apart]))
    assert [row[0] for row in found] == [f"{AT + 1}:2"] * 3 + [f"{AT + 2001}:2"] * 2


def test_alleles_of_one_record(tmp_path: Path) -> None:
    """Two alleles of one base on two copies, and an SNV beside one of them."""
    first, second, beside = snv(AT), snv(AT, 2), snv(AT + 9)
    haplotypes = [[first], [second, beside]]
    place = Haplotypes(AT, haplotypes, haplotypes)
    position, ref, alt = record(first)
    found = told(scored(tmp_path, [place], [(position, ref, f"{alt},{second[2]}"), record(beside)]))
    assert found[0][:3] == (f"{AT + 1}:2,{AT + 1}:1", "2|1", str(AT + 1))
    assert found[1][:3] == (f"{AT + 1}:1", "1|0", str(AT + 1))


def line(variant: Variant, keys: str, *values: str) -> str:
    position, ref, alt = record(variant)
    return "\t".join(["chr1", str(position + 1), ".", ref, alt, ".", ".", ".", keys, *values])


def test_what_the_caller_says_stays_and_is_used(tmp_path: Path) -> None:
    """Mutect2: PGT, PID and PS. The last pair is too far apart for any fragment, and is joined by its caller."""
    near, far = [snv(AT), snv(AT + 9)], [snv(AT + 2000), snv(AT + 2600)]
    places = [Haplotypes(AT, [near, []], [[]])]
    places += [Haplotypes(item[0], [[item], []], [[]]) for item in far]
    phased = ["0|0:0|1:77_A_T:77", "0|1:0|1:77_A_T:77"]
    turned = ["0|0:1|0:3001_A_T:3001", "1|0:1|0:3001_A_T:3001"]
    lines = [
        line(near[0], "GT", "0/0", "0/1"),
        line(near[1], "GT:PGT:PID:PS", *phased),
        line(far[0], "GT:PGT:PID:PS", *turned),
        line(far[1], "GT:PGT:PID:PS", *turned),
    ]
    out = scored(tmp_path, places, lines, ("N", "T"), FORMATS, tumor_sample="T", normal_sample="N")
    rows = columns(out)
    assert [":".join(row[10].split(":")[:4]) for row in rows[1:]] == [phased[1], turned[1], turned[1]]
    assert [":".join(row[9].split(":")[:4]) for row in rows[1:]] == [phased[0], turned[0], turned[0]]
    assert rows[0][10].startswith("0/1:") and "PS" not in rows[0][8]
    phases = [next(entry[9:] for entry in row[7].split(";") if entry.startswith("VP_PHASE=")) for row in rows]
    assert phases == ["77:2", "77:2", "3001:1", "3001:1"]


def test_reads_outweigh_the_caller(tmp_path: Path) -> None:
    first, second = snv(AT), snv(AT + 9)
    place = Haplotypes(AT, [[first], [second]], [[first], [second]])
    lines = [line(item, "GT:PS", "0/0:.", "0|1:5") for item in (first, second)]
    out = scored(tmp_path, [place], lines, ("N", "T"), FORMATS, tumor_sample="T", normal_sample="N")
    assert [row[7].rpartition("VP_PHASE=")[2] for row in columns(out)] == ["5:2", "5:1"]
    assert [row[10].split(":")[:2] for row in columns(out)] == [["0|1", "5"]] * 2


def test_a_block_is_not_named_as_a_set_of_the_caller(tmp_path: Path) -> None:
    """A record of the caller's set 1001, absent here; the block's first record is at 1001."""
    absent, first, second = snv(AT - 30), snv(AT), snv(AT + 9)
    place = Haplotypes(AT, [[first, second], []], [[]])
    lines = [line(absent, "GT:PS", f"0|1:{AT + 1}", "."), *(line(item, "GT:PS", ".", ".") for item in (first, second))]
    out = scored(tmp_path, [place], lines, ("T", "N"), FORMATS, tumor_sample="T", normal_sample="N")
    assert [row[0] for row in told(out)] == [None, f"{AT + 10}:2", f"{AT + 10}:2"]


@pytest.mark.parametrize("options", [{"threads": 2}, {"chunk": 1}, {"block": 2}])
def test_phase_does_not_depend_on_threads_chunks_or_blocks(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    germline = [snv(AT + 60 * i) for i in range(6)]
    somatic = [snv(AT + 60 * i + 7) for i in range(6)]
    tumor, normal = [germline[::2] + somatic[::3], germline[1::2] + somatic[1::3]], [germline[::2], germline[1::2]]
    places = [Haplotypes(around, tumor, normal) for around in (AT, AT + 150, AT + 300)]
    listed = sorted(record(item) for item in germline + somatic)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    expected = scored(tmp_path / "a", places, listed)
    assert sum(row[0] is not None for row in told(expected)) == 10
    if "chunk" in options:
        monkeypatch.setattr("varproof.variants.chunks.CHUNK_CANDIDATES", options["chunk"])
    if "block" in options:
        monkeypatch.setattr("varproof.posterior.run.BLOCK", options["block"])
    found = scored(tmp_path / "b", places, listed, **({"threads": 2} if "threads" in options else {}))
    assert columns(found) == columns(expected)
