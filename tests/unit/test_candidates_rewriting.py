"""Alignments written anew: what the clipped or gapped read holds, in the words of its haplotype."""

import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from small_bams import Read, random_pairs, random_sequence, write_bam, write_fasta
from varproof.candidates.arrays import CandidateReads
from varproof.candidates.finding import reads_of
from varproof.reads.decode import base_codes, decode_reads, open_reads
from varproof.variants.reference import ReferenceSlice

RNG = random.Random(8)
REFERENCE = "".join(RNG.choice("ACGT") for _ in range(1200))
LETTERS = "MIDNSHP=X"


def rewritten(folder: Path, reads: list[Read], reference: str = REFERENCE) -> tuple[Any, CandidateReads]:
    """(batch, reads as the kernels take them)."""
    write_fasta(folder / "reference.fa", {"chr1": reference})
    write_bam(folder / "reads.bam", {"chr1": len(reference)}, reads)
    with open_reads(folder / "reads.bam", None) as handle:
        batch = decode_reads(handle, "chr1", 0, len(reference))
    return batch, reads_of(batch, ReferenceSlice("chr1", 0, base_codes(reference)))


def cigar(reads: CandidateReads, i: int = 0) -> str:
    part = slice(reads.cigar_offset[i], reads.cigar_offset[i + 1])
    return "".join(f"{n}{LETTERS[op]}" for op, n in zip(reads.cigar_op[part], reads.cigar_length[part], strict=True))


def one(tmp_path: Path, start: int, written: str, sequence: str, reference: str = REFERENCE) -> tuple[int, int, str]:
    """(start, end, CIGAR) of a single read."""
    _, reads = rewritten(tmp_path, [Read("r", start, written, sequence)], reference)
    return int(reads.start[0]), int(reads.end[0]), cigar(reads)


INSERTED = "GATTACAGATCCAGTTAC"


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_clip_behind_an_insertion(tmp_path: Path, side: str) -> None:
    if side == "right":
        sequence = REFERENCE[300:360] + INSERTED + REFERENCE[360:380]
        assert one(tmp_path, 300, "60M38S", sequence) == (300, 380, "60M18I20M")
    else:
        sequence = REFERENCE[340:360] + INSERTED + REFERENCE[360:420]
        assert one(tmp_path, 360, "38S60M", sequence) == (340, 420, "20M18I60M")


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("length", [1, 45, 300, 301, 600])
def test_a_clip_behind_a_deletion(tmp_path: Path, side: str, length: int) -> None:
    if side == "right":
        sequence = REFERENCE[300:360] + REFERENCE[360 + length : 390 + length]
        expected = (300, 390 + length, f"60M{length}D30M")
        assert one(tmp_path, 300, "60M30S", sequence) == expected
    else:
        sequence = REFERENCE[330:360] + REFERENCE[360 + length : 420 + length]
        expected = (330, 420 + length, f"30M{length}D60M")
        assert one(tmp_path, 360 + length, "30S60M", sequence) == expected


def test_a_long_clip_may_have_a_mismatch(tmp_path: Path) -> None:
    end = list(REFERENCE[400:430])
    end[10] = "ACGT"["ACGT".index(end[10]) - 1]
    assert one(tmp_path, 300, "60M30S", REFERENCE[300:360] + "".join(end))[2] == "60M40D30M"
    assert one(tmp_path, 300, "60M19S", REFERENCE[300:360] + "".join(end[:19]))[2] == "60M19S"


@pytest.mark.parametrize(
    "clip",
    [
        REFERENCE[400:411],  # too short to tell
        "ACACACACACACACACACACACAC",  # fits nowhere
        REFERENCE[360:390],  # no indel: that is for the aligner
    ],
)
def test_other_clips_stay(tmp_path: Path, clip: str) -> None:
    assert one(tmp_path, 300, f"60M{len(clip)}S", REFERENCE[300:360] + clip) == (300, 360, f"60M{len(clip)}S")


def test_a_deletion_of_up_to_300_bp_comes_before_a_longer_one(tmp_path: Path) -> None:
    copied = REFERENCE[700:730]
    twice = REFERENCE[:900] + copied + REFERENCE[930:]
    assert one(tmp_path, 300, "60M30S", twice[300:360] + copied, twice)[2] == "60M30S"
    near = REFERENCE[:450] + copied + REFERENCE[480:]
    assert one(tmp_path, 300, "60M30S", near[300:360] + copied, near)[2] == "60M90D30M"


def test_a_deletion_of_over_1000_bp_is_not_looked_for(tmp_path: Path) -> None:
    for length, written in ((1000, "60M1000D30M"), (1001, "60M30S")):
        sequence = REFERENCE[50:110] + REFERENCE[110 + length : 140 + length]
        assert one(tmp_path, 50, "60M30S", sequence)[2] == written


def test_a_clip_that_fits_in_several_ways_stays(tmp_path: Path) -> None:
    reference = REFERENCE[:400] + "CA" * 20 + REFERENCE[440:]
    assert one(tmp_path, 330, "60M14S", REFERENCE[330:390] + "CA" * 7, reference)[2] == "60M14S"


def test_a_clip_at_the_contigs_ends(tmp_path: Path) -> None:
    assert one(tmp_path, 30, "14S60M", REFERENCE[2:16] + REFERENCE[30:90]) == (2, 90, "14M14D60M")
    assert one(tmp_path, 10, "30S60M", "C" * 30 + REFERENCE[10:70])[2] == "30S60M"
    assert one(tmp_path, 1100, "70M14S", REFERENCE[1100:1170] + REFERENCE[1186:])[2] == "70M16D14M"


def test_any_number_of_clips(tmp_path: Path) -> None:
    """Each may become two operations; clips inside an alignment are odd but not forbidden."""
    clip, ends = 14, 6
    written, sequence, at = f"{ends}M", REFERENCE[300 : 300 + ends], 300 + ends
    for _ in range(12):
        written += f"1I{clip}S{ends}M"
        sequence += "A" + REFERENCE[at - clip - 2 : at - 2] + REFERENCE[at : at + ends]
        at += ends
    start, end, found = one(tmp_path, 300, written, sequence)
    operations = re.findall(r"(\d+)([MIDS])", found)
    assert found.count("D") == 12 and 300 - start == 12 * (clip + 2) and end == at
    assert sum(int(n) for n, op in operations if op != "D") == len(sequence)


def test_gaps_that_cancel_are_mismatches(tmp_path: Path) -> None:
    changed = "".join("ACGT"["ACGT".index(base) - 1] for base in REFERENCE[350:355])
    sequence = REFERENCE[300:350] + changed + REFERENCE[355:400]
    assert one(tmp_path, 300, "50M1D4M1I45M", sequence) == (300, 400, "100M")
    assert one(tmp_path, 300, "50M2I3M2D45M", sequence) == (300, 400, "100M")
    assert one(tmp_path, 300, "50M1D4M2I44M", sequence)[2] == "50M1D4M2I44M"
    assert one(tmp_path, 300, "40M1D20M1I39M", sequence)[2] == "40M1D20M1I39M"


def test_gaps_that_say_more_than_mismatches_stay(tmp_path: Path) -> None:
    sequence = REFERENCE[300:350] + "GATTAC" + REFERENCE[350:356] + REFERENCE[362:400]
    assert sum(a != b for a, b in zip(sequence, REFERENCE[300:400], strict=True)) > 5
    assert one(tmp_path, 300, "50M6I6M6D38M", sequence)[2] == "50M6I6M6D38M"


@pytest.mark.parametrize("seed", range(3))
def test_reads_keep_their_bases_and_stay_consistent(tmp_path: Path, seed: int) -> None:
    """Whatever is written anew, a read's CIGAR takes all of its bases and reaches from its start to its end."""
    sequence = random_sequence(random.Random(seed), 2000)
    clipped = []
    for number, read in enumerate(random_pairs(seed, sequence, 150)):
        at = read.start
        if number % 3 == 0 and at > 400:
            cut = RNG.choice([15, 25, 60, 200])
            read.cigar, read.sequence = "20S40M", sequence[at - cut - 20 : at - cut] + sequence[at : at + 40]
            read.qualities = None
        clipped.append(read)
    batch, reads = rewritten(tmp_path, [read for read in clipped if not read.flag & 4], sequence)
    takes_bases, takes_reference = np.isin(reads.cigar_op, (0, 1, 4)), np.isin(reads.cigar_op, (0, 2, 3))
    owner = np.repeat(np.arange(batch.size), np.diff(reads.cigar_offset))
    assert np.array_equal(np.bincount(owner, reads.cigar_length * takes_bases), np.diff(batch.base_offset))
    assert np.array_equal(np.bincount(owner, reads.cigar_length * takes_reference), reads.end - reads.start)
    assert np.array_equal(reads.first, batch.start)
    changed = reads.start != batch.start
    assert changed.sum() > 10
    assert (reads.cigar_op[1:][owner[1:] == owner[:-1]] != reads.cigar_op[:-1][owner[1:] == owner[:-1]]).all()
