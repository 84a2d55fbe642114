"""The background of a sample: windows all over its reads, the candidates in them, and how many bases were searched."""

from pathlib import Path

import numpy as np
import pysam
import pytest

from pair_examples import Pair, write_pair
from small_bams import Read, write_bam, write_fasta
from varproof.candidates import background
from varproof.candidates.background import background_candidates, write_background
from varproof.candidates.decisions import CandidateDecisions
from varproof.candidates.pipeline import CallingJob, chunks, found_chunks
from varproof.formats.vcf import read_records
from varproof.reads.sampling import background_windows, evenly_spread


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


def changed(monkeypatch: pytest.MonkeyPatch, **values: float) -> None:
    monkeypatch.setattr(background, "DECISIONS", CandidateDecisions(**values))


def alleles(parts: list) -> list[tuple[str, int, str, str]]:
    return [
        (part.contig, int(position), ref, alt)
        for part in parts
        for position, ref, alt in zip(part.position, part.ref, part.alt, strict=True)
    ]


@pytest.mark.parametrize("count", [1, 2, 10, 1000])
def test_every_beginning_spreads_evenly(count: int) -> None:
    order = evenly_spread(range(count))
    assert sorted(order) == list(range(count))
    for used in (5, 30, 300):
        if used < count:
            gaps = np.diff(sorted({-1, count, *order[:used]}))
            # Three gaps (Steinhaus): the largest is at most the sum of the others, and under three of the mean.
            assert gaps.max() <= 3 * count / used + 1


def test_windows_are_all_that_has_reads_or_few_of_them(pair: Pair) -> None:
    with pysam.AlignmentFile(str(pair.tumor)) as handle:
        contigs = list(handle.references)
        every = background_windows(handle, contigs, 500, 1000)
        some = background_windows(handle, contigs, 500, 4)
        for contig, start, end in every:
            assert start % 500 == 0 and end - start <= 500
            assert next(handle.fetch(contig, start, end), None) is not None
        covered = {read.reference_name for read in handle.fetch()}
        places = {(contig, start // 500) for contig, start, _ in every}
        for contig in covered:
            for number in range(-(-handle.get_reference_length(contig) // 500)):
                stop = min(500 * number + 500, handle.get_reference_length(contig))
                has_reads = any(True for _ in handle.fetch(contig, 500 * number, stop))
                assert has_reads == ((contig, number) in places)
    assert len(some) == 4 and set(some) <= set(every)


def test_whole_reads_give_what_a_search_of_them_gives(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    job = CallingJob(pair.tumor, pair.reference)
    whole = alleles(list(found_chunks(job, chunks(job), 1)))
    for window in (1_000, 20_000):
        changed(monkeypatch, window=window)
        found = background_candidates(job, 1)
        assert alleles(found.parts) == whole and found.size == len(whole) > 5


def test_searched_bases_are_those_that_two_reads_cover(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, window=1_000)
    for regions in (None, {"chr1": [(100, 250), (900, 2_950)]}):
        expected = 0
        with pysam.AlignmentFile(str(pair.tumor)) as handle:
            for contig in handle.references:
                depth = np.zeros(handle.get_reference_length(contig), int)
                for read in handle.fetch(contig):
                    if read.mapping_quality >= 1 and not read.flag & 0xF04:
                        depth[read.reference_start : read.reference_end] += 1
                inside = np.zeros(len(depth), bool)
                for start, end in [(0, len(depth))] if regions is None else regions.get(contig, []):
                    inside[start:end] = True
                expected += int(((depth >= 2) & inside).sum())
        found = background_candidates(CallingJob(pair.tumor, pair.reference, regions=regions), 1)
        assert found.searched == expected > 0


def test_it_ends_where_enough_was_searched(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    job = CallingJob(pair.tumor, pair.reference)
    changed(monkeypatch, window=1_000)
    whole = background_candidates(job, 1)
    for bound in ({"most_candidates": 2}, {"most_bases": 1_500}, {"most_read_bases": 20_000}, {"most_weighed": 100}):
        changed(monkeypatch, window=1_000, **bound)
        part = background_candidates(job, 1)
        assert 0 < part.windows < whole.windows and part.searched < whole.searched
        assert set(alleles(part.parts)) <= set(alleles(whole.parts))
        assert alleles(part.parts) == sorted(alleles(part.parts), key=lambda item: item[1])
        assert alleles(background_candidates(job, 2).parts) == alleles(part.parts)


def test_deep_samples_have_rare_candidates(tmp_path: Path) -> None:
    """Five reads of a thousand are a candidate, unless half of the bases have such reads."""
    rng = np.random.default_rng(1)
    reference = "".join(rng.choice(list("ACGT"), 400))
    write_fasta(tmp_path / "reference.fa", {"chr1": reference})
    other = {"A": "C", "C": "G", "G": "T", "T": "A"}
    for name, places in (("few", [200]), ("many", range(150, 250, 2))):
        reads = []
        for number in range(1_000):
            bases = list(reference[100:300])
            if number % 200 == 0:
                for place in places:
                    bases[place - 100] = other[bases[place - 100]]
            reads.append(Read(f"r{number}", 100, "200M", "".join(bases), [30] * 200))
        write_bam(tmp_path / f"{name}.bam", {"chr1": 400}, reads)
    few, many = (
        background_candidates(CallingJob(tmp_path / f"{name}.bam", tmp_path / "reference.fa"), 1) for name in ("few", "many")
    )
    assert [position for _, position, _, _ in alleles(few.parts)] == [200]
    assert few.finding.alternate_fraction <= 0.005 < many.finding.alternate_fraction
    assert many.size == 0


def test_it_is_written_as_alleles(pair: Pair, tmp_path: Path) -> None:
    found = background_candidates(CallingJob(pair.tumor, pair.reference), 1)
    write_background(found, pair.reference, tmp_path / "background.vcf")
    records = list(read_records(tmp_path / "background.vcf"))
    assert [(item.contig, item.start, item.ref, *item.alts) for item in records] == alleles(found.parts)
