"""Long indels that reads show as clipped ends: by hand, on pairs cut from a haplotype and aligned by their longest part."""

import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naive_candidates import leftmost
from small_bams import Read, random_sequence, write_bam, write_fasta
from varproof.candidates.assembly import WORDS, bridge
from varproof.candidates.clips import Gap, gaps
from varproof.candidates.finding import FindingSettings, as_aligned
from varproof.candidates.pipeline import CallingJob, chunks, found_chunks
from varproof.reads.decode import ReadBatch

RNG = random.Random(17)
LENGTH, READ_LENGTH, FRAGMENT = 6000, 100, 320
REFERENCE = "".join(RNG.choice("ACGT") for _ in range(LENGTH))
INSERTED = "".join(RNG.choice("ACGT") for _ in range(1000))
LEAST_ALIGNED = 25
Allele = tuple[int, int, str]
Found = dict[tuple[int, str, str], list[list[int]]]


def pairs_of(reference: str, alleles: list[Allele], every: int, name: str = "", error: float = 0.0) -> list[Read]:
    """Pairs of the haplotype with some alleles, a fragment every so many bp.

    Each read is aligned by the longest part of it that is in one piece of the reference, and clipped around that; it is
    unmapped if that has under `LEAST_ALIGNED` bases. A tandem duplication has its second copy from the reference.
    """
    rng = random.Random(3)
    pieces: list[tuple[str, int | None]] = []
    at = 0
    for start, end, alt in alleles:
        pieces.append((reference[at:start], at))
        if alt:
            pieces.append((alt, start - len(alt) if reference[start - len(alt) : start] == alt else None))
        at = end
    pieces.append((reference[at:], at))
    joined: list[tuple[str, int | None]] = []
    for bases, place in pieces:
        if joined and place is not None and joined[-1][1] is not None and joined[-1][1] + len(joined[-1][0]) == place:
            joined[-1] = joined[-1][0] + bases, joined[-1][1]
        else:
            joined.append((bases, place))
    haplotype = "".join(bases for bases, _ in joined)
    reads = []
    for number, first in enumerate(range(0, len(haplotype) - FRAGMENT, every)):
        mates = []
        for begin in (first, first + FRAGMENT - READ_LENGTH):
            sequence = "".join(
                rng.choice("ACGT") if rng.random() < error else base for base in haplotype[begin : begin + READ_LENGTH]
            )
            best, offset = (0, 0, 0), 0
            for bases, place in joined:
                low, high = max(begin, offset), min(begin + READ_LENGTH, offset + len(bases))
                if place is not None and high - low > max(best[0], LEAST_ALIGNED):
                    best = high - low, place + low - offset, low - begin
                offset += len(bases)
            mates.append((*best, sequence))
        for side, ((size, start, left, sequence), other) in enumerate(zip(mates, reversed(mates), strict=True)):
            flag = 0x1 | (0x90 if side else 0x60)
            clips = (left, READ_LENGTH - left - size)
            cigar = f"{clips[0]}S" * (clips[0] > 0) + f"{size}M" + f"{clips[1]}S" * (clips[1] > 0)
            if not size:
                if not other[0]:
                    continue
                complement = sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))
                flag, start, cigar, sequence = flag & ~0x10 | 0x4, other[1], "", complement if side else sequence
            elif not other[0]:
                flag |= 0x8
            reads.append(Read(f"{name}{number}", start, cigar, sequence, [35] * READ_LENGTH, flag, 60, other[1] or start))
    return reads


def job_of(folder: Path, reads: list[Read], normal: list[Read] | None = None, reference: str = REFERENCE) -> CallingJob:
    write_fasta(folder / "reference.fa", {"chr1": reference})
    write_bam(folder / "reads.bam", {"chr1": len(reference)}, reads)
    if normal is not None:
        write_bam(folder / "normal.bam", {"chr1": len(reference)}, normal)
    return CallingJob(
        folder / "reads.bam", folder / "reference.fa", None if normal is None else folder / "normal.bam", max_depth=1000
    )


def found_in(job: CallingJob, workers: int = 1) -> Found:
    """(position, REF, ALT) -> reads with reference and allele, in each sample."""
    out: Found = {}
    for part in found_chunks(job, chunks(job), workers):
        for i in range(part.size):
            out[int(part.position[i]), part.ref[i], part.alt[i]] = [s.allele_depth[i].tolist() for s in part.samples]
    return out


def key(reference: str, allele: Allele) -> tuple[int, str, str]:
    """As a record has it."""
    start, end, alt = leftmost(reference, *allele)
    return start - 1, reference[start - 1 : end], reference[start - 1] + alt


def fitting(reads: list[Read], reference: str, allele: Allele) -> int:
    """Reads that are clipped by 12 bases or more, and occur as a whole in the haplotype but not in the reference."""
    start, end, alt = allele
    haplotype = reference[:start] + alt + reference[end:]
    return sum(
        max((int(size) for size in re.findall(r"(\d+)S", read.cigar)), default=0) >= 12
        and read.sequence in haplotype
        and read.sequence not in reference
        for read in reads
    )


@pytest.mark.parametrize("length", [60, 99, 100, 101, 180, 330, 500])
def test_an_insertion_that_reads_overlap_across(tmp_path: Path, length: int) -> None:
    allele = (3000, 3000, INSERTED[:length])
    reads = pairs_of(REFERENCE, [allele], 6)
    found = found_in(job_of(tmp_path, reads + pairs_of(REFERENCE, [], 12, "r")))
    assert set(found) == {key(REFERENCE, allele)}
    ((_, shown),) = found[key(REFERENCE, allele)]
    assert shown == fitting(reads, REFERENCE, allele) > 15


def test_an_insertion_whose_middle_no_read_has_is_not_made_up(tmp_path: Path) -> None:
    """Mates reach about 300 bp into it from either side."""
    reads = pairs_of(REFERENCE, [(3000, 3000, INSERTED[:900])], 6)
    assert found_in(job_of(tmp_path, reads)) == {}


@pytest.mark.parametrize("length", [20, 85, 95, 100, 105, 240, 1000])
def test_a_tandem_duplication(tmp_path: Path, length: int) -> None:
    allele = (3000, 3000, REFERENCE[3000 - length : 3000])
    reads = pairs_of(REFERENCE, [allele], 6)
    found = found_in(job_of(tmp_path, reads + pairs_of(REFERENCE, [], 12, "r")))
    assert set(found) == {key(REFERENCE, allele)}
    ((_, shown),) = found[key(REFERENCE, allele)]
    assert shown == fitting(reads, REFERENCE, allele) > 15


def test_a_duplication_longer_than_the_limit_is_not_found(tmp_path: Path) -> None:
    reads = pairs_of(REFERENCE, [(3000, 3000, REFERENCE[1800:3000])], 6)
    assert found_in(job_of(tmp_path, reads)) == {}


@pytest.mark.parametrize("length", [120, 299, 300, 301, 640, 1000])
def test_a_deletion(tmp_path: Path, length: int) -> None:
    allele = (2500, 2500 + length, "")
    reads = pairs_of(REFERENCE, [allele], 6)
    found = found_in(job_of(tmp_path, reads))
    assert set(found) == {key(REFERENCE, allele)}
    ((_, shown),) = found[key(REFERENCE, allele)]
    assert shown == fitting(reads, REFERENCE, allele) > 15


def test_a_deletion_longer_than_the_limit_is_not_found(tmp_path: Path) -> None:
    assert found_in(job_of(tmp_path, pairs_of(REFERENCE, [(2500, 3501, "")], 6))) == {}


def test_where_bases_on_both_sides_of_an_insertion_are_alike(tmp_path: Path) -> None:
    """A target site that is duplicated: reads of both sides are aligned across it."""
    allele = (3000, 3000, INSERTED[:200] + REFERENCE[2988:3000])
    assert set(found_in(job_of(tmp_path, pairs_of(REFERENCE, [allele], 6)))) == {key(REFERENCE, allele)}


def test_errors_in_single_reads_are_outvoted(tmp_path: Path) -> None:
    allele = (3000, 3000, INSERTED[:250])
    job = job_of(tmp_path, pairs_of(REFERENCE, [allele], 3, error=0.004))
    assert key(REFERENCE, allele) in found_in(job)


def test_the_normal_is_searched_for_what_the_tumour_has(tmp_path: Path) -> None:
    alleles = [(1500, 1500, INSERTED[:150]), (3000, 3000, REFERENCE[2700:3000])]
    few = pairs_of(REFERENCE, alleles, 40, "n")
    job = job_of(tmp_path, pairs_of(REFERENCE, alleles, 6), few + pairs_of(REFERENCE, [], 12, "r"))
    found = found_in(job)
    for allele in alleles:
        assert found[key(REFERENCE, allele)][1][1] == fitting(few, REFERENCE, allele) > 1


def test_too_few_clips_are_no_variant(tmp_path: Path) -> None:
    allele = (3000, 3000, INSERTED[:150])
    reads = [read for read in pairs_of(REFERENCE, [allele], 6) if "S" not in read.cigar]
    one = [read for read in pairs_of(REFERENCE, [allele], 6) if "S" in read.cigar][:1]
    plain = pairs_of(REFERENCE, [], 12, "r")
    assert found_in(job_of(tmp_path, reads + one + plain)) == {}
    all_reads = pairs_of(REFERENCE, [allele], 6)
    job = job_of(tmp_path, all_reads + pairs_of(REFERENCE, [], 2, "r"))
    assert set(found_in(job)) == {key(REFERENCE, allele)}
    assert found_in(replace(job, finding=FindingSettings(alternate_fraction=0.9))) == {}


def test_clips_that_differ_among_each_other_are_not_put_together(tmp_path: Path) -> None:
    """As where reads of other places are mapped to: clipped at one place, each with bases of its own."""
    rng = random.Random(1)
    reads = pairs_of(REFERENCE, [(3000, 3000, INSERTED[:150])], 6)
    clips = [read for read in reads if "S" in read.cigar]
    for read in clips:
        first, last = (re.fullmatch(pattern, read.cigar) for pattern in (r"(\d+)S.*", r".*M(\d+)S"))
        left, right = int(first[1]) if first else 0, int(last[1]) if last else 0
        own = ["".join(rng.choice("ACGT") for _ in range(size)) for size in (left, right)]
        read.sequence = own[0] + read.sequence[left : READ_LENGTH - right] + own[1]
    assert len(clips) > 15
    clipped = np.array([[i, i % 2, 3000, 0, 50, i // 8] for i in range(16)])
    batch = as_aligned(empty_batch())
    assert gaps(batch, clipped, 0, LENGTH, FindingSettings()) == [Gap(3000, 3000)]
    clipped[:, 5] = np.arange(16)
    assert gaps(batch, clipped, 0, LENGTH, FindingSettings()) == []
    assert found_in(job_of(tmp_path, reads)) == {}


def empty_batch() -> ReadBatch:
    """No reads."""
    none = np.empty(0, np.int64)
    names = ReadBatch.__dataclass_fields__
    return ReadBatch(**{name: none for name in names if name not in ("fragments", "limited")}, fragments=0)


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> tuple[CallingJob, list[Allele]]:
    rng = random.Random(2)
    reference = random_sequence(rng, 12_000)
    alleles: list[Allele] = []
    for number, at in enumerate(range(1500, 10_500, 1300)):
        size = rng.choice([110, 200, 450])
        kind = number % 3
        inserted = "".join(rng.choice("ACGT") for _ in range(size)) if kind == 0 else reference[at - size : at]
        alleles.append((at, at, inserted) if kind < 2 else (at, at + size, ""))
    reads = pairs_of(reference, alleles, 7, error=0.002)
    normal = pairs_of(reference, [], 9, error=0.002)
    return job_of(tmp_path_factory.mktemp("several"), reads, normal, reference), alleles


def everything(job: CallingJob, workers: int) -> list[tuple[Any, ...]]:
    out: list[tuple[Any, ...]] = []
    for part in found_chunks(job, chunks(job), workers):
        for i in range(part.size):
            samples = [(*s.allele_depth[i], *s.phred[i]) for s in part.samples]
            out.append((part.position[i], part.ref[i], part.alt[i], *part.features[i].tolist(), *samples))
    return out


def test_chunks_and_workers_change_nothing(several: tuple[CallingJob, list[Allele]]) -> None:
    job, alleles = several
    expected = everything(job, 1)
    reference = "".join(line for line in job.reference.read_text().splitlines() if not line.startswith(">"))
    assert {key(reference, allele) for allele in alleles} <= {item[:3] for item in expected}
    for size, workers in ((97, 2), (1000, 1)):
        assert everything(replace(job, chunk_bp=size), workers) == expected


def tiles(sequence: bytes, length: int, step: int) -> list[tuple[bytes, np.ndarray]]:
    starts = range(0, max(1, len(sequence) - length + step), step)
    return [(sequence[i : i + length], np.full(len(sequence[i : i + length]), 30, np.uint8)) for i in starts]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 700), st.integers(40, 120), st.integers(1, 27))
def test_overlapping_reads_spell_out_what_lies_between(seed: int, length: int, read: int, step: int) -> None:
    rng = random.Random(seed)
    before, middle, behind = (bytes(rng.choices(range(4), k=size)) for size in (read, length, read))
    found = bridge(tiles(before + middle + behind, read, step), before[-WORDS[0] :], behind[: WORDS[0]])
    assert found == middle


def test_a_walk_that_cannot_be_sure_is_given_up() -> None:
    rng = random.Random(5)
    before, middle, behind = (bytes(rng.choices(range(4), k=size)) for size in (60, 200, 60))
    ends = before[-WORDS[0] :], behind[: WORDS[0]]
    other = middle[:100] + bytes([(middle[100] + 1) % 4]) + middle[101:]
    reads, others = tiles(before + middle + behind, 60, 10), tiles(before + other + behind, 60, 10)
    assert bridge(reads, *ends) == middle
    assert bridge(reads + others, *ends) is None
    assert bridge(reads * 3 + others, *ends) == middle
    hole = [item for item in reads if middle[80:110] not in item[0]]
    assert bridge([item for item in hole if not {middle[i : i + 12] for i in range(85, 100)} & words(item[0])], *ends) is None
    repeated = middle[:90] + middle[:90] + middle[90:]
    assert bridge(tiles(before + repeated + behind, 60, 5), *ends) is None
    assert bridge([], *ends) is None


def words(bases: bytes) -> set[bytes]:
    return {bases[i : i + 12] for i in range(len(bases) - 11)}
