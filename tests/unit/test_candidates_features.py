"""Candidates and features of random reads are those that a plain loop over pysam's reads finds."""

import math
import random
from pathlib import Path
from typing import Any

import pysam
import pytest

from naive_candidates import Allele, NaiveRead, Window, naive_features, naive_joined, naive_reads, naive_singles, shown
from small_bams import Read, random_pairs, random_sequence, write_bam, write_fasta
from varproof.candidates.features import FEATURES
from varproof.commands.call_candidates import CallCandidatesOptions, call_candidates
from varproof.variants.candidate import Candidate, candidates_of

LEAST_QUALITY, LEAST_MAPQ = 10, 5
LENGTH = 3000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("random")
    sequence = random_sequence(random.Random(3), LENGTH)
    sequence = sequence[:1500] + "NNNN" + sequence[1504:]
    write_fasta(folder / "reference.fa", {"chr1": sequence})
    write_bam(folder / "tumor.bam", {"chr1": LENGTH}, random_pairs(1, sequence, 350) + side_by_side(4, sequence))
    write_bam(folder / "normal.bam", {"chr1": LENGTH}, random_pairs(2, sequence, 200))
    return folder, sequence


def side_by_side(seed: int, sequence: str) -> list[Read]:
    """Reads of a few indels with another difference beside them; some reads lack it."""
    rng, reads = random.Random(seed), []
    for at in range(150, LENGTH - 150, 35):
        size, space, inserted = rng.choice([1, 2, 6, 60]), rng.randint(1, 12), rng.choice(["", "G", "TCA"])
        part = rng.random()
        for number in range(rng.randint(2, 6)):
            start = at - rng.randint(5, 40)
            other = "ACGT"[("ACGT".find(sequence[at]) + 1) % 4] if rng.random() < part else sequence[at]
            gap = at + 1 + space
            if inserted:
                cigar, behind = f"{gap - start}M{len(inserted)}I{{}}M", gap
            else:
                cigar, behind = f"{gap - start}M{size}D{{}}M", gap + size
            more = rng.randint(5, 40)
            bases = sequence[start:at] + other + sequence[at + 1 : gap] + inserted + sequence[behind : behind + more]
            qualities = [rng.choice([7, 22, 37, 37]) for _ in bases]
            reads.append(Read(f"{at}:{number}", start, cigar.format(more), bases, qualities, rng.choice([0, 16])))
    return reads


def called(folder: Path, **changes: Any) -> list[tuple[Candidate, Any]]:
    values = {
        "reads": folder / "tumor.bam", "normal": folder / "normal.bam", "reference": folder / "reference.fa",
        "output": folder / "out.vcf", "min_base_quality": LEAST_QUALITY, "min_mapping_quality": LEAST_MAPQ,
        "min_alternate_reads": 1, "min_alternate_fraction": 0.0,
    }  # fmt: skip
    call_candidates(CallCandidatesOptions(**(values | changes)))
    with pysam.VariantFile(str(folder / "out.vcf")) as handle:
        return [(candidates_of(record, i)[0], record) for i, record in enumerate(handle)]


@pytest.mark.parametrize("all_indels", [False, True])
def test_every_difference_is_found_alone_or_joined(files: tuple[Path, str], all_indels: bool) -> None:
    """Single differences and joined ones; of a part of a joined allele what reads say that have it alone."""
    folder, sequence = files
    reads = naive_reads(folder / "tumor.bam", sequence, "chr1", LEAST_MAPQ)
    singles = naive_singles(reads, LEAST_QUALITY, not all_indels)
    joined = {
        allele: window
        for allele, window in naive_joined(reads, sequence, singles).items()
        if support(reads, sequence, allele, window)
    }
    found = {(item.start, item.end, item.alt) for item, _ in called(folder, all_indels=all_indels)}
    mnvs = {item for item in found - set(joined) if 1 < len(item[2]) == item[1] - item[0]}
    of_mnv = {(item[0] + j, item[0] + j + 1, item[2][j]) for item in mnvs for j in range(len(item[2]))}
    assert len(joined) > 20 and set(joined) <= found
    assert found <= set(singles) | set(joined) | mnvs
    of_joined = 0
    for allele in set(singles) - set(joined):
        whole = [(key, (low, high)) for key, (low, high) in joined.items() if low <= allele[0] and allele[1] <= high]
        if not whole:
            assert allele in found or allele in of_mnv
        elif len(whole) == 1:
            of_joined += 1
            alone = support(reads, sequence, allele, None, whole[0])
            assert (allele in found) == (alone >= max(1, 0.2 * support(reads, sequence, *whole[0])))
    assert of_joined > 40


def support(
    reads: list[NaiveRead], sequence: str, allele: Allele, window: Window | None, whole: tuple[Allele, Window] | None = None
) -> int:
    """Reads that show an allele, and surely do not show the whole that it is part of."""
    having = [read for read in reads if shown(read, sequence, allele, LEAST_QUALITY, window)[1] == "alt"]
    if whole is not None:
        having = [read for read in having if shown(read, sequence, whole[0], LEAST_QUALITY, whole[1])[1] in ("ref", "other")]
    return len(having)


def test_features_counts_and_likelihoods_are_those_of_a_plain_loop(files: tuple[Path, str]) -> None:
    folder, sequence = files
    tumor, normal = (naive_reads(folder / f"{name}.bam", sequence, "chr1", LEAST_MAPQ) for name in ("tumor", "normal"))
    joined = naive_joined(tumor, sequence, naive_singles(tumor, LEAST_QUALITY, False))
    records = called(folder, all_indels=True)
    wholes = [(allele, *joined[allele]) for allele in joined]
    wholes += [((item.start, item.end, item.alt), item.start, item.end) for item, _ in records if item.type.value == "mnv"]
    kinds = set()
    for item, record in records:
        allele = (item.start, item.end, item.alt)
        window = joined.get(allele)
        if window is None and any(low <= item.start and item.end <= high and allele != whole for whole, low, high in wholes):
            continue  # of a part, only reads count that have it alone: see the test before, and that of finding
        kinds.add(item.type.value)
        expected = naive_features(tumor, sequence, allele, LEAST_QUALITY, window)
        beside = naive_features(normal, sequence, allele, LEAST_QUALITY, window)
        for feature in FEATURES[:-1]:
            assert record.info[feature.name][0] == pytest.approx(expected[feature.name], rel=1e-4, abs=1e-3), (
                allele, feature.name
            )  # fmt: skip
        if beside["fraction"] >= 0:
            assert record.info["NORMAL_AF"][0] == pytest.approx(beside["fraction"], abs=1e-4)
        else:
            assert "NORMAL_AF" not in record.info
        for sample, naive in (("tumor", expected), ("normal", beside)):
            fields = record.samples[sample]
            assert list(fields["AD"]) == naive["AD"], allele
            assert fields["DP"] == naive["DP"], allele
            best = max(naive["likelihood"])
            phred = [10 / math.log(10) * (best - value) for value in naive["likelihood"]]
            assert list(fields["PL"]) == [pytest.approx(value, abs=0.51) for value in phred], allele
            wanted = (None, None) if not any(naive["AD"]) else ((0, 0), (0, 1), (1, 1))[fields["PL"].index(0)]
            assert fields["GT"] == wanted
    assert kinds == {"snv", "mnv", "insertion", "deletion", "replacement"}
