"""Samples of genomes that descend from each other: frequencies by hand, what children and clones have, reads as planted."""

import hashlib
from pathlib import Path

import numpy as np
import pysam
import pytest

from varproof.machinery.errors import UserError
from varproof.simulation.samples import DENOVO, GERMLINE, SOMATIC, Descent, Mixture, simulate_samples, started
from varproof.simulation.settings import SimulationSettings

SETTINGS = SimulationSettings(genome_length=24_000, contigs=2, seed=3, empty_sites=5)


def family() -> Descent:
    descent = started(SETTINGS)
    descent.founder("mother", 30)
    descent.founder("father", 30)
    descent.child("child", "mother", "father", 12)
    descent.clone("trunk", "child", 10, 4)
    descent.clone("branch", "trunk", 6)
    return descent


def carried(descent: Descent, name: str) -> tuple[set[int], set[int]]:
    first, second = descent.haplotypes[name]
    return set(first.tolist()), set(second.tolist())


def test_a_child_has_a_haplotype_of_each_parent_on_every_contig() -> None:
    descent = family()
    for side, parent in enumerate(("mother", "father")):
        inherited = {i for i in carried(descent, "child")[side] if descent.origins[i].event == GERMLINE}
        for contig in (0, 1):
            own = {i for i in inherited if descent.genome.contig_of(descent.alleles[i].start) == contig}
            options = [
                {i for i in part if descent.genome.contig_of(descent.alleles[i].start) == contig}
                for part in carried(descent, parent)
            ]
            assert own in options and own
    new = [i for i, origin in enumerate(descent.origins) if origin == ("child", DENOVO)]
    first, second = carried(descent, "child")
    assert len(new) == 12 and all((i in first) != (i in second) for i in new)


def test_clones_keep_what_their_parents_have() -> None:
    descent = family()
    for name, parent, more in (("trunk", "child", 14), ("branch", "trunk", 6)):
        added = 0
        for own, theirs in zip(carried(descent, name), carried(descent, parent), strict=True):
            assert theirs <= own
            added += len(own - theirs)
            assert {descent.origins[i] for i in own - theirs} <= {(name, SOMATIC)}
        assert added == more


def test_frequencies_are_half_the_fraction_for_each_copy() -> None:
    descent = family()
    found = descent.frequencies(Mixture({"child": 0.4, "trunk": 0.5, "branch": 0.1}, 10))
    for i, origin in enumerate(descent.origins):
        copies = sum(i in part for part in carried(descent, "child"))
        wanted = {"trunk": 0.5 * 0.6, "branch": 0.5 * 0.1}.get(origin.genome, 0.5 * copies)
        assert found[i] == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("fractions", "told"),
    [
        ({"child": 0.5}, "are 0.5 together, not 1"),
        ({"child": 1.5, "trunk": -0.5}, "not 1"),
        ({"uncle": 1.0}, "uncle is none of"),
    ],
)
def test_samples_that_are_none(tmp_path: Path, fractions: dict[str, float], told: str) -> None:
    with pytest.raises(UserError, match=told):
        simulate_samples(SETTINGS, family(), {"s": Mixture(fractions, 10)}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(UserError, match="two genomes are called child"):
        family().child("child", "mother", "father", 1)


def test_reads_are_as_planted_with_any_workers(tmp_path: Path) -> None:
    """Reads of each sample show its alleles at their frequencies; the files are the same with one worker and two."""
    samples = {"blood": Mixture({"child": 1.0}, 20), "tumor": Mixture({"child": 0.2, "trunk": 0.5, "branch": 0.3}, 40)}
    for workers in (1, 2):
        simulate_samples(SETTINGS, family(), samples, tmp_path / str(workers), workers)
    digests = [
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((tmp_path / name).iterdir())}
        for name in ("1", "2")
    ]
    assert digests[0] == digests[1] and {"blood.bam", "tumor.bam", "truth.vcf.gz", "candidates.vcf.gz"} <= set(digests[0])
    with pysam.VariantFile(str(tmp_path / "1" / "truth.vcf.gz")) as handle:
        records = list(handle)
    with pysam.VariantFile(str(tmp_path / "1" / "candidates.vcf.gz")) as handle:
        listed = {(record.chrom, record.pos, record.alts) for record in handle}
    assert {(record.chrom, record.pos, record.alts) for record in records} <= listed
    for sample in samples:
        difference, size = 0.0, 0
        with pysam.AlignmentFile(str(tmp_path / "1" / f"{sample}.bam")) as reads:
            for record in records:
                if record.info["CLASS"] != "snv":
                    continue
                told = dict(part.split("=") for part in str(record.info["SAMPLE_AF"]).split("|"))
                counts = np.array(reads.count_coverage(record.chrom, record.start, record.start + 1, quality_threshold=20))[
                    :, 0
                ]
                assert record.alts is not None
                seen = counts["ACGT".index(record.alts[0])] / counts.sum()
                wanted = float(told[sample])
                assert abs(seen - wanted) < 0.45
                difference, size = difference + seen - wanted, size + 1
        assert size > 25 and abs(difference / size) < 0.04
