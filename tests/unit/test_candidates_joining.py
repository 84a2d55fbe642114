"""Indels joined with what lies beside them in the same reads; by hand on small reads, however these are aligned."""

import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from small_bams import Read, write_bam, write_fasta
from varproof.candidates.finding import FindingSettings
from varproof.candidates.pipeline import CallingJob, chunks, found_chunks

RNG = random.Random(9)
REFERENCE = "".join(RNG.choice("ACGT") for _ in range(400))
REFERENCE = REFERENCE[:195] + "TGCATACGTCATGTACCAGT" + REFERENCE[215:]
START, END = 120, 280
Found = dict[tuple[int, str, str], list[int]]


def changed(base: str, step: int = 1) -> str:
    return "ACGT"[("ACGT".index(base) + step) % 4]


def read(written: str = "", at: int = 200, bases: str = "", start: int = START, end: int = END, name: str = "") -> Read:
    """A read from start to end whose bases from `at` on are `bases`, aligned as `written` (of M, I, D) in between."""
    sizes = [(int(size), op) for size, op in re.findall(r"(\d+)([MID])", written)]
    behind = at + sum(size for size, op in sizes if op != "I")
    sequence = REFERENCE[start:at] + bases + REFERENCE[behind:end]
    sizes = [(at - start, "M"), *sizes, (end - behind, "M")]
    merged: list[list[object]] = []
    for size, op in sizes:
        if merged and merged[-1][1] == op:
            merged[-1][0] = int(str(merged[-1][0])) + size
        elif size:
            merged.append([size, op])
    return Read(name, start, "".join(f"{size}{op}" for size, op in merged), sequence, [35] * len(sequence))


def found(folder: Path, reads: list[Read], **settings: float) -> Found:
    """(position, REF, ALT) -> reads with reference and allele."""
    write_fasta(folder / "reference.fa", {"chr1": REFERENCE})
    write_bam(folder / "reads.bam", {"chr1": len(REFERENCE)}, [replace(item, name=f"r{i}") for i, item in enumerate(reads)])
    job = CallingJob(folder / "reads.bam", folder / "reference.fa", finding=FindingSettings(**settings))  # type: ignore[arg-type]
    out: Found = {}
    for part in found_chunks(job, chunks(job), 1):
        for i in range(part.size):
            out[int(part.position[i]), part.ref[i], part.alt[i]] = part.samples[0].allele_depth[i].tolist()
    return out


X = changed(REFERENCE[200])
"""Another base than the reference has at 200."""

SNV = (200, REFERENCE[200], X)
DELETION = (203, REFERENCE[203:206], REFERENCE[203])
BOTH = (200, REFERENCE[200:206], X + REFERENCE[201:204])
"""That base, and the two after 203 deleted."""


def snv() -> Read:
    return read("1M", bases=X)


def deletion() -> Read:
    return read("4M2D", bases=REFERENCE[200:204])


def both(start: int = START, end: int = END) -> Read:
    return read("4M2D", bases=X + REFERENCE[201:204], start=start, end=end)


def test_the_place_is_no_repeat() -> None:
    """So that the deletion stays where the tests write it."""
    assert REFERENCE[203] != REFERENCE[205] and REFERENCE[204] != REFERENCE[206] and REFERENCE[200] != X


def test_an_indel_beside_an_snv_of_the_same_reads_is_one_replacement(tmp_path: Path) -> None:
    assert found(tmp_path, [both()] * 4 + [read()] * 5) == {BOTH: [5, 4]}


def test_a_part_that_a_clear_number_of_reads_has_alone_stays_beside_it(tmp_path: Path) -> None:
    assert found(tmp_path, [both()] * 9 + [snv()] * 2) == {SNV: [0, 2], BOTH: [0, 9]}
    assert found(tmp_path, [both()] * 11 + [snv()] * 2) == {BOTH: [0, 11]}
    assert found(tmp_path, [both()] * 9 + [deletion()] * 3) == {DELETION: [0, 3], BOTH: [0, 9]}


def test_parts_that_most_reads_have_alone_stay_apart(tmp_path: Path) -> None:
    """A germline variant beside a somatic one on the same haplotype: two events."""
    assert set(found(tmp_path, [both()] * 4 + [deletion()] * 5)) == {SNV, DELETION}
    assert set(found(tmp_path, [both()] * 4 + [snv()] * 5)) == {SNV, DELETION}
    assert set(found(tmp_path, [snv()] * 4 + [deletion()] * 4)) == {SNV, DELETION}


def test_reads_that_end_before_the_other_part_tell_nothing(tmp_path: Path) -> None:
    """An aligner opens no gap for the last bases of a read."""
    short = read("1M", bases=X, end=215)
    assert found(tmp_path, [both()] * 4 + [short] * 3) == {BOTH: [0, 4]}


@pytest.mark.parametrize("between", [0, 1, 9, 10])
def test_how_far_apart_parts_may_be(tmp_path: Path, between: int) -> None:
    at = 199 - between
    base = changed(REFERENCE[at], 2)
    reads = [read(f"{between + 1}M3I", at, base + REFERENCE[at + 1 : 200] + "GTC")] * 3
    assert REFERENCE[199] != "C" and base != REFERENCE[at]
    whole = (at, REFERENCE[at:200], base + REFERENCE[at + 1 : 200] + "GTC")
    expected = {whole} if between < 10 else {(at, REFERENCE[at], base), (199, REFERENCE[199], REFERENCE[199] + "GTC")}
    assert set(found(tmp_path, reads)) == expected


def test_mismatches_without_an_indel_are_joined_where_they_are_adjacent_only(tmp_path: Path) -> None:
    other = changed(REFERENCE[202])
    reads = [read("3M", bases=X + REFERENCE[201] + other)] * 4
    assert set(found(tmp_path, reads)) == {SNV, (202, REFERENCE[202], other)}


def test_an_mnv_that_is_written_with_gaps(tmp_path: Path) -> None:
    """A deletion, bases that differ and an insertion; some reads have it as mismatches."""
    alt = "".join(changed(base, 2) for base in REFERENCE[200:207])
    gapped, plain = read("2D3M1I2M1I", bases=alt), read("7M", bases=alt)
    assert found(tmp_path, [gapped] * 5 + [plain] * 2 + [read()] * 3) == {(200, REFERENCE[200:207], alt): [3, 7]}


def test_a_replacement_that_is_aligned_in_two_ways_is_one_allele(tmp_path: Path) -> None:
    alt = X + "".join(changed(base) for base in REFERENCE[203:205])
    reads = [read("1M3D2M", bases=alt)] * 4 + [read("2M3D1M", bases=alt)] * 3 + [read("3D3M", bases=alt)] * 3
    assert found(tmp_path, reads + [read()] * 2) == {(200, REFERENCE[200:206], alt): [2, 10]}


def test_an_error_in_a_read_of_the_whole_is_no_part_of_its_own(tmp_path: Path) -> None:
    wrong = [read("4M2D", bases=X + changed(REFERENCE[201], step) + REFERENCE[202:204]) for step in (1, 2)]
    assert found(tmp_path, [both()] * 11 + wrong) == {BOTH: [0, 11]}


def test_bases_of_poor_quality_do_not_decide(tmp_path: Path) -> None:
    """A read whose one poor base is another counts for neither; its length tells that it is not the reference."""
    right, wrong = both(), read("4M2D", bases=changed(X) + REFERENCE[201:204])
    for item in (right, wrong):
        assert item.qualities is not None
        item.qualities[200 - START] = 5
    assert found(tmp_path, [both()] * 4 + [right] * 2 + [wrong] * 3 + [read()]) == {BOTH: [1, 6]}


def test_what_takes_too_much_of_the_reference_stays_in_parts(tmp_path: Path) -> None:
    def reads(size: int) -> list[Read]:
        return [read(f"4M{size}D", bases=X + REFERENCE[201:204], end=330)] * 3

    assert len(found(tmp_path, reads(45))) == 1
    assert len(found(tmp_path, reads(48))) == 2


@pytest.mark.parametrize("seed", range(12))
def test_the_joined_allele_makes_the_haplotype_of_the_reads(tmp_path: Path, seed: int) -> None:
    """Any replacement, aligned in any one way with a gap and a mismatch."""
    rng = random.Random(seed)
    removed, added = rng.randint(1, 8), rng.randint(1, 8)
    removed += removed == added
    alt = changed(REFERENCE[200]) + "".join(rng.choice("ACGT") for _ in range(added - 1))
    size = abs(removed - added)
    first = rng.randint(1, min(removed, added))
    rest = min(removed, added) - first
    written = f"{first}M{size}{'I' if added > removed else 'D'}" + (f"{rest}M" if rest else "")
    calls = found(tmp_path, [read(written, bases=alt)] * 4 + [read()] * 2)
    haplotype = REFERENCE[:200] + alt + REFERENCE[200 + removed :]
    ((position, ref, new),) = calls
    assert REFERENCE[position : position + len(ref)] == ref
    assert REFERENCE[:position] + new + REFERENCE[position + len(ref) :] == haplotype
    assert calls[position, ref, new] == [2, 4]
