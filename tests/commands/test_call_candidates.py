"""call-candidates on a pair of eight known loci."""

from pathlib import Path
from typing import Any

import pysam
import pytest

from naive_candidates import leftmost
from pair_examples import Pair, write_pair
from varproof.commands.call_candidates import CallCandidatesOptions, call_candidates
from varproof.formats.vcf import candidates_of, read_records


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


def called(pair: Pair, output: Path, **changes: Any) -> Path:
    values = {"reads": pair.tumor, "reference": pair.reference, "output": output} | changes
    call_candidates(CallCandidatesOptions(**values))
    return output


def alleles(path: Path) -> set[tuple[int, int, str]]:
    return {(item.start, item.end, item.alt) for n, r in enumerate(read_records(path)) for item in candidates_of(r, n)}


def test_exactly_the_loci_that_reads_show_are_found(pair: Pair, tmp_path: Path) -> None:
    out = called(pair, tmp_path / "out.vcf", normal=pair.normal)
    shown_as_clips = ("long deletion",)
    sites = [site for site in pair.sites if site.tumor > 0 and site.name not in shown_as_clips]
    assert alleles(out) == {
        leftmost(pair.sequence, *(getattr(site.locus, n) for n in ("start", "end", "alt"))) for site in sites
    }


def test_output_is_indexed_and_sorted(pair: Pair, tmp_path: Path) -> None:
    out = called(pair, tmp_path / "out.vcf.gz")
    with pysam.VariantFile(str(out)) as handle:
        assert list(handle.fetch("chr1", 0, 10)) == []
        positions = [record.start for record in handle.fetch("chr1")]
    assert positions == sorted(positions) and len(positions) == 6
