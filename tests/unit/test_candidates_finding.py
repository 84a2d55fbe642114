"""Which alleles are candidates: counts, thresholds, left-alignment, MNVs, chunks; by hand on small reads."""

import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from naive_candidates import leftmost
from small_bams import Read, random_pairs, random_sequence, write_bam, write_fasta
from varproof.candidates.arrays import BASE, POSITION, CandidateReads
from varproof.candidates.finding import FindingSettings, differences_of
from varproof.candidates.pipeline import CallingJob, FoundCandidates, chunks, found_chunks, inside
from varproof.machinery.errors import UserError
from varproof.variants.reference import ReferenceSlice

RNG = random.Random(5)
REFERENCE = "".join(RNG.choice("ACGT") for _ in range(400))
Found = dict[tuple[int, str, str], list[int]]


def other(position: int, step: int = 1, reference: str = REFERENCE) -> str:
    return "ACGT"[("ACGT".index(reference[position]) + step) % 4]


def with_bases(changes: dict[int, str], start: int = 100, length: int = 80, reference: str = REFERENCE) -> str:
    """The sequence of a read of the reference, with other bases at some positions."""
    return "".join(changes.get(position, reference[position]) for position in range(start, start + length))


def read(changes: dict[int, str], qualities: dict[int, int] | None = None, start: int = 100, **fields: Any) -> Read:
    sequence = with_bases(changes, start)
    values = [(qualities or {}).get(position, 35) for position in range(start, start + len(sequence))]
    return Read("", start, f"{len(sequence)}M", sequence, values, **fields)


def job_of(folder: Path, reads: list[Read], reference: str = REFERENCE, **settings: Any) -> CallingJob:
    write_fasta(folder / "reference.fa", {"chr1": reference})
    named = [replace(item, name=f"r{i}") for i, item in enumerate(reads)]
    write_bam(folder / "reads.bam", {"chr1": len(reference)}, named)
    return CallingJob(folder / "reads.bam", folder / "reference.fa", finding=FindingSettings(**settings))


def found_in(job: CallingJob, workers: int = 1) -> Found:
    """(position, REF, ALT) -> reads with reference and allele."""
    out: Found = {}
    for part in found_chunks(job, chunks(job), workers):
        for i in range(part.size):
            key = (int(part.position[i]), part.ref[i], part.alt[i])
            assert key not in out
            out[key] = part.samples[0].allele_depth[i].tolist()
    return out


def found(folder: Path, reads: list[Read], reference: str = REFERENCE, **settings: Any) -> Found:
    return found_in(job_of(folder, reads, reference, **settings))


def test_enough_reads_and_a_large_enough_fraction(tmp_path: Path) -> None:
    snv = {140: other(140)}
    plain = [read({})] * 8
    key = (140, REFERENCE[140], other(140))
    assert found(tmp_path, [read(snv), *plain]) == {}
    assert found(tmp_path, [read(snv)] * 2 + plain) == {key: [8, 2]}
    assert found(tmp_path, [read(snv)] * 2 + plain, alternate_reads=3) == {}
    assert found(tmp_path, [read(snv)] * 2 + plain, alternate_fraction=0.2) == {key: [8, 2]}
    assert found(tmp_path, [read(snv)] * 2 + plain, alternate_fraction=0.21) == {}


def test_in_deep_places_a_smaller_fraction_is_enough_where_errors_make_fewer_reads() -> None:
    """By Poisson tails under 10^-5, at three times what qualities say, but one error in 100,000 bases at least."""
    deep = FindingSettings(by_depth=True)
    for depth, quality, at_most in ((2000, 37, 11), (2000, 90, 4), (10_000, 90, 6), (2000, 20, 110)):
        enough = [n for n in range(1, 200) if deep.enough(np.array([n]), np.array([depth]), np.array([quality]))[0]]
        rate = max(1e-5, 3 * 10 ** (-quality / 10))
        terms = [math.exp(-depth * rate)]
        for n in range(1, enough[0]):
            terms.append(terms[-1] * depth * rate / n)
        assert enough == list(range(enough[0], 200))
        assert enough[0] <= min(at_most, 0.02 * depth)
        assert 1 - sum(terms) < 1e-5 or enough[0] == 0.02 * depth
    assert not deep.enough(np.array([3]), np.array([199]), np.array([90]))[0]
    assert not deep.enough(np.array([30]), np.array([2000]))[0], "an indel"
    assert not FindingSettings().enough(np.array([30]), np.array([2000]), np.array([90]))[0], "the user wants so many"


def test_all_four_bases_of_a_locus_and_none_where_the_reference_is_unknown(tmp_path: Path) -> None:
    reads = [read({140: other(140, step)}) for step in (1, 2, 3, 1, 2, 3)]
    assert set(found(tmp_path, reads)) == {(140, REFERENCE[140], other(140, step)) for step in (1, 2, 3)}
    unknown = REFERENCE[:140] + "N" + REFERENCE[141:]
    assert found(tmp_path, reads, unknown) == {}


def test_what_does_not_count(tmp_path: Path) -> None:
    snv = {140: other(140)}
    key = (140, REFERENCE[140], other(140))
    for flag in (0x100, 0x200, 0x400, 0x800):
        assert found(tmp_path, [read(snv), read(snv, flag=flag)]) == {}
    assert found(tmp_path, [read(snv), read(snv, mapq=0)]) == {}
    assert found(tmp_path, [read(snv), read(snv, mapq=0)], mapping_quality=0) == {key: [0, 2]}
    assert found(tmp_path, [read(snv), read(snv, {140: 4})]) == {}
    assert found(tmp_path, [read(snv), read(snv, {140: 4})], base_quality=4) == {key: [0, 2]}
    assert found(tmp_path, [read({140: "N"})] * 3) == {}


def test_adjacent_snvs_of_the_same_reads_are_one_mnv(tmp_path: Path) -> None:
    both = {140: other(140), 141: other(141)}
    mnv = (140, REFERENCE[140:142], other(140) + other(141))
    assert found(tmp_path, [read(both)] * 4 + [read({})] * 4) == {mnv: [4, 4]}
    three = both | {142: other(142, 2)}
    key = (140, REFERENCE[140:143], other(140) + other(141) + other(142, 2))
    assert found(tmp_path, [read(three)] * 2) == {key: [0, 2]}


def test_parts_of_an_mnv_are_reported_where_reads_have_them_alone(tmp_path: Path) -> None:
    one, both = {140: other(140)}, {140: other(140), 141: other(141)}
    mnv, snv = (140, REFERENCE[140:142], other(140) + other(141)), (140, REFERENCE[140], other(140))
    assert found(tmp_path, [read(both)] * 5 + [read(one)]) == {mnv: [0, 5]}
    assert found(tmp_path, [read(both)] * 5 + [read(one)] * 2) == {snv: [0, 2], mnv: [0, 5]}
    unclear = read(both, {141: 3})  # the second base has too poor a quality to tell
    assert found(tmp_path, [read(both)] * 5 + [unclear] * 2) == {mnv: [0, 5]}
    ends_between = read(both, start=61)  # 61 + 80 = 141
    assert found(tmp_path, [read(both)] * 5 + [ends_between] * 2) == {mnv: [0, 5]}


def test_neighbours_that_most_reads_have_alone_stay_apart(tmp_path: Path) -> None:
    """A heterozygous variant beside a rare one on the same haplotype: two variants."""
    one, both = {140: other(140)}, {140: other(140), 141: other(141)}
    expected = {(140, REFERENCE[140], other(140)): [0, 8], (141, REFERENCE[141], other(141)): [5, 3]}
    assert found(tmp_path, [read(both)] * 3 + [read(one)] * 5) == expected


def test_a_longer_run_is_no_mnv(tmp_path: Path) -> None:
    run = {position: other(position) for position in range(140, 146)}
    assert set(found(tmp_path, [read(run)] * 3)) == {(p, REFERENCE[p], other(p)) for p in range(140, 146)}
    five = {position: other(position) for position in range(140, 145)}
    assert set(found(tmp_path, [read(five)] * 3)) == {(140, REFERENCE[140:145], "".join(map(other, range(140, 145))))}


def test_an_mnv_whose_whole_too_few_reads_have_stays_in_parts(tmp_path: Path) -> None:
    ab, bc = {140: other(140), 141: other(141)}, {141: other(141), 142: other(142)}
    abc = ab | bc
    reads = [read(abc)] + [read(ab)] * 2 + [read(bc)] * 2
    assert set(found(tmp_path, reads, alternate_reads=3)) == {(p, REFERENCE[p], other(p)) for p in (140, 141, 142)}


REPEAT = REFERENCE[:120] + "G" + "CA" * 8 + "TT" + REFERENCE[139:]


def indel_read(at: int, inserted: str = "", deleted: int = 0, start: int = 80, reference: str = REPEAT) -> Read:
    left, right = reference[start:at], reference[at + deleted : at + deleted + 60]
    gap = f"{len(inserted)}I" if inserted else f"{deleted}D"
    sequence = left + inserted + right
    return Read("", start, f"{len(left)}M{gap}{len(right)}M", sequence, [35] * len(sequence))


def test_indels_are_counted_after_left_alignment(tmp_path: Path) -> None:
    reads = [indel_read(at, deleted=2) for at in (121, 123, 130, 135)]
    assert found(tmp_path, reads, REPEAT) == {(120, "GCA", "G"): [0, 4]}
    reads = [indel_read(121, "CA"), indel_read(131, "CA"), indel_read(137, "CA"), indel_read(130, "AC")]
    assert found(tmp_path, reads, REPEAT) == {(120, "G", "GCA"): [0, 4]}


def test_the_most_frequent_indel_of_a_locus_or_all(tmp_path: Path) -> None:
    reads = [indel_read(121, deleted=2)] * 3 + [indel_read(125, deleted=4)] * 2 + [indel_read(121, "CA")] * 2
    reads += [indel_read(121, "CACACA")] * 2 + [indel_read(121, "CATA")] * 3
    most = {(120, "GCA", "G"): [0, 3], (120, "G", "GCATA"): [0, 3]}
    assert found(tmp_path, reads, REPEAT) == most
    others = {(120, "GCACA", "G"): [0, 2], (120, "G", "GCA"): [0, 2], (120, "G", "GCACACA"): [0, 2]}
    assert found(tmp_path, reads, REPEAT, all_indels=True) == most | others


def test_reads_that_end_in_the_repeat_do_not_speak_for_the_reference(tmp_path: Path) -> None:
    ends_within = Read("", 60, "70M", REPEAT[60:130], [35] * 70)
    spans = Read("", 80, "70M", REPEAT[80:150], [35] * 70)
    reads = [indel_read(121, deleted=2)] * 2 + [ends_within] * 5 + [spans] * 3
    assert found(tmp_path, reads, REPEAT) == {(120, "GCA", "G"): [3, 2]}


def test_indels_at_the_edge_of_a_read_or_with_unknown_bases_are_none(tmp_path: Path) -> None:
    edge = Read("", 100, "3I60M", "CCC" + REFERENCE[100:160], [35] * 63)
    unknown = indel_read(130, "ANA", start=90, reference=REFERENCE)
    assert found(tmp_path, [edge] * 3 + [unknown] * 3) == {}


def test_a_deletion_of_the_contigs_first_bases(tmp_path: Path) -> None:
    reference = "AAAAAA" + "C" + REFERENCE[7:]
    reads = [Read("", 0, "3M2D40M", reference[:3] + reference[5:45], [35] * 43)] * 3
    assert found(tmp_path, reads, reference) == {(0, "AAA", "A"): [0, 3]}


def test_long_deletions_and_spliced_reads(tmp_path: Path) -> None:
    reference = random_sequence(random.Random(2), 5000)
    long = [Read("", 100, "50M1200D50M", reference[100:150] + reference[1350:1400], [35] * 100)] * 3
    spliced = [Read("", 100, "50M1200N50M", reference[100:150] + reference[1350:1400], [35] * 100)] * 3
    deep = [Read("", 100, "50M900D50M", reference[100:150] + reference[1050:1100], [35] * 100)] * 3
    assert found(tmp_path, long + spliced, reference) == {}
    (key,) = found(tmp_path, deep, reference)
    start, end, _ = leftmost(reference, 150, 1050, "")
    assert key == (start - 1, reference[start - 1 : end], reference[start - 1])


@pytest.fixture(scope="module")
def random_job(tmp_path_factory: pytest.TempPathFactory) -> CallingJob:
    """Two contigs of random reads, with clips that align anew, MNVs and repeats, tumour and normal."""
    folder = tmp_path_factory.mktemp("random")
    rng = random.Random(11)
    contigs = {"chr1": random_sequence(rng, 3000), "chr2": random_sequence(rng, 900), "chr3": random_sequence(rng, 500)}
    write_fasta(folder / "reference.fa", contigs)
    for number, name in enumerate(("tumor", "normal")):
        reads = []
        for contig, (sequence, pairs) in enumerate(zip(contigs.values(), (400, 100), strict=False)):
            for i, item in enumerate(random_pairs(number, sequence, pairs)):
                item.contig, item.name = contig, f"{contig}:{item.name}"
                if i % 4 == 0 and 250 < item.start < len(sequence) - 60 and item.cigar:
                    at, cut = item.start, rng.choice([0, 30, 150])
                    changed = "".join("TGCA"["ACGT".index(base)] for base in sequence[at + 20 : at + 22])
                    item.sequence = sequence[at - cut - 20 : at - cut] + sequence[at : at + 20] + changed
                    item.sequence += sequence[at + 22 : at + 40]
                    item.cigar, item.qualities = "20S40M", None
                reads.append(item)
        write_bam(folder / f"{name}.bam", {name: len(sequence) for name, sequence in contigs.items()}, reads)
    settings = FindingSettings(alternate_reads=1, alternate_fraction=0.0)
    return CallingJob(folder / "tumor.bam", folder / "reference.fa", folder / "normal.bam", finding=settings, max_depth=30)


def everything(job: CallingJob, workers: int = 1) -> list[tuple[Any, ...]]:
    """All that is known of every candidate, in order."""
    out: list[tuple[Any, ...]] = []
    for part in found_chunks(job, chunks(job), workers):
        for i in range(part.size):
            samples = [(s.depth[i], *s.allele_depth[i], *s.phred[i]) for s in part.samples]
            out.append((part.contig, part.position[i], part.ref[i], part.alt[i], *part.features[i].tolist(), *samples))
    return out


@pytest.mark.parametrize("chunk_bp", [61, 500, 1001])
def test_chunks_and_workers_change_nothing(random_job: CallingJob, chunk_bp: int) -> None:
    expected = everything(random_job)
    assert len(expected) > 500
    assert {item[0] for item in expected} == {"chr1", "chr2"}
    assert everything(replace(random_job, chunk_bp=chunk_bp), 1 if chunk_bp == 500 else 2) == expected


def test_regions_are_a_part_of_the_whole(random_job: CallingJob) -> None:
    regions = {"chr2": [(0, 300), (310, 320), (600, 5000)], "chr1": [(100, 101), (2000, 2500)]}
    expected = [item for item in everything(random_job) if any(a <= item[1] < b for a, b in regions[item[0]])]
    assert len(expected) > 100
    for size in (100_000, 77):
        assert everything(replace(random_job, regions=regions, chunk_bp=size)) == expected
    assert everything(replace(random_job, regions={"chr3": [(0, 500)]})) == []


def test_regions_of_unknown_contigs_are_told(random_job: CallingJob) -> None:
    with pytest.raises(UserError, match="contig 'chr9' is not in"):
        chunks(replace(random_job, regions={"chr9": [(0, 500)]}))


def test_chunks_cover_each_base_once(random_job: CallingJob) -> None:
    covered = {name: np.zeros(length, int) for name, length in (("chr1", 3000), ("chr2", 900))}
    for chunk in chunks(replace(random_job, chunk_bp=70)):
        assert chunk.end - chunk.start <= 70
        covered[chunk.contig][chunk.start : chunk.end] += 1
    assert all((counts == 1).all() for counts in covered.values())
    regions = [(i * 40, i * 40 + 10) for i in range(70)]
    joined = chunks(replace(random_job, regions={"chr1": regions}, chunk_bp=400))
    assert len(joined) == 7 and [region for item in joined for region in item.regions] == regions


def test_inside() -> None:
    assert inside(np.array([0, 4, 5, 9, 10, 11, 30]), [(5, 10), (11, 12)]).tolist() == [
        False,
        False,
        True,
        True,
        False,
        True,
        False,
    ]


def test_no_reads_no_candidates(tmp_path: Path) -> None:
    job = job_of(tmp_path, [])
    assert chunks(job) == []
    parts = list(
        found_chunks(replace(job, regions={"chr1": [(0, 400)]}), chunks(replace(job, regions={"chr1": [(0, 400)]})), 1)
    )
    assert [part.size for part in parts] == [0]
    assert isinstance(parts[0], FoundCandidates)


@pytest.mark.parametrize("before", [0, 1, 300])
def test_a_read_may_have_any_number_of_differences(before: int) -> None:
    """Rows grow to what a read needs, however many there were before it."""
    length = 10_000
    codes = np.random.default_rng(3).integers(0, 4, length).astype(np.uint8)
    short = [codes[:50].copy() for _ in range(before)]
    for read in short:
        read[25] = (read[25] + 1) % 4
    sizes = [*[50] * before, length]
    bases, offset = np.concatenate([*short, (codes + 1) % 4]), np.cumsum([0, *sizes])
    count = before + 1
    reads = CandidateReads(
        first=np.zeros(count, np.int64), start=np.zeros(count, np.int64), end=np.array(sizes),
        flag=np.zeros(count, np.int64), mapq=np.full(count, 60, np.uint8), base_offset=offset, bases=bases,
        qualities=np.full(len(bases), 30, np.uint8), cigar_offset=np.arange(count + 1),
        cigar_op=np.zeros(count, np.uint8), cigar_length=np.array(sizes, np.int32),
    )  # fmt: skip
    found = differences_of(reads, ReferenceSlice("chr1", 0, codes), 0, length, FindingSettings())
    assert found.offset.tolist() == [*range(before + 1), before + length]
    assert found.rows[before:, POSITION].tolist() == list(range(length))
    assert found.rows[before:, BASE].tolist() == ((codes + 1) % 4).tolist()
