"""call-candidates on real reads (skipped where they are not at hand): what another caller passes is among the candidates."""

from pathlib import Path

import pysam
import pytest

from peak_memory import peak_mb
from varproof.commands.call_candidates import CallCandidatesOptions, call_candidates

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "real-giab-mixture"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the real reads (shared/real-giab-mixture) are not here")


def alleles(path: Path, passed: bool) -> set[tuple[int, str, str]]:
    with pysam.VariantFile(str(path)) as calls:
        return {(r.pos, r.ref, alt) for r in calls for alt in r.alts or () if not passed or "PASS" in r.filter}


def test_what_the_caller_passes_is_among_the_candidates(tmp_path: Path) -> None:
    """All 25 that Strelka2 passes, three of four of its 114 raw candidates."""
    output = tmp_path / "candidates.vcf.gz"
    options = {"reads": FOLDER / "tumor.bam", "normal": FOLDER / "normal.bam", "reference": FOLDER / "reference.fa.gz"}
    call_candidates(CallCandidatesOptions(**options, output=output))
    found, given = alleles(output, False), FOLDER / "candidates.vcf"
    assert len(alleles(given, True)) == 25
    assert alleles(given, True) - found == set()
    assert len(alleles(given, False) & found) > 80
    assert len(found) < 600


def test_lower_thresholds_find_what_it_refused(tmp_path: Path) -> None:
    output = tmp_path / "candidates.vcf.gz"
    values = {"reads": FOLDER / "tumor.bam", "reference": FOLDER / "reference.fa.gz", "min_base_quality": 2}
    call_candidates(CallCandidatesOptions(**values, min_alternate_fraction=0.01, output=output))
    assert len(alleles(FOLDER / "candidates.vcf", False) - alleles(output, False)) <= 2


def test_memory_does_not_grow_with_the_contig(tmp_path: Path) -> None:
    """The contig has 249 Mbp: its sequence alone would double what is taken."""
    files = ["--reads", FOLDER / "tumor.bam", "--normal", FOLDER / "normal.bam", "--reference", FOLDER / "reference.fa.gz"]
    assert peak_mb("call-candidates", *files, "--output", tmp_path / "candidates.vcf.gz") < 400
