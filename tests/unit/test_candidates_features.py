"""Candidates and features of random reads are those that a plain loop over pysam's reads finds."""

import math
import random
from pathlib import Path
from typing import Any

import pysam
import pytest

from naive_candidates import naive_features, naive_reads, naive_singles
from small_bams import random_pairs, random_sequence, write_bam, write_fasta
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
    write_bam(folder / "tumor.bam", {"chr1": LENGTH}, random_pairs(1, sequence, 350))
    write_bam(folder / "normal.bam", {"chr1": LENGTH}, random_pairs(2, sequence, 200))
    return folder, sequence


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
def test_every_single_difference_is_found(files: tuple[Path, str], all_indels: bool) -> None:
    folder, sequence = files
    expected = naive_singles(naive_reads(folder / "tumor.bam", sequence, "chr1", LEAST_MAPQ), LEAST_QUALITY, not all_indels)
    found = {(item.start, item.end, item.alt) for item, _ in called(folder, all_indels=all_indels)}
    of_mnv = {
        (item[0] + j, item[0] + j + 1, item[2][j]) for item in found if len(item[2]) > 1 == (item[1] - item[0] > 1)
        for j in range(len(item[2])) if len(item[2]) == item[1] - item[0]
    }  # fmt: skip
    singles = {item for item in found if not 1 < len(item[2]) == item[1] - item[0]}
    assert len(singles) > 300
    assert singles <= set(expected)
    assert set(expected) - singles <= of_mnv


def test_features_counts_and_likelihoods_are_those_of_a_plain_loop(files: tuple[Path, str]) -> None:
    folder, sequence = files
    tumor, normal = (naive_reads(folder / f"{name}.bam", sequence, "chr1", LEAST_MAPQ) for name in ("tumor", "normal"))
    records = called(folder, all_indels=True)
    starts_of_mnvs = [(item.start, item.end) for item, _ in records if item.type.value == "mnv"]
    kinds = set()
    for item, record in records:
        if item.type.value == "snv" and any(low <= item.start < high for low, high in starts_of_mnvs):
            continue  # of these, only reads count that have the SNV alone: see the test of finding
        kinds.add(item.type.value)
        allele = (item.start, item.end, item.alt)
        expected = naive_features(tumor, sequence, allele, LEAST_QUALITY)
        beside = naive_features(normal, sequence, allele, LEAST_QUALITY)
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
    assert kinds == {"snv", "mnv", "insertion", "deletion"}
