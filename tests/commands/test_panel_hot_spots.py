"""A panel of deep normals does not hide somatic hot spots: alleles that blood, or errors, show in one read of a thousand."""

from pathlib import Path

import numpy as np
import pytest

from evidence_examples import header_text, plain_sequence
from pair_examples import other_base, read_all
from small_bams import Read, write_bam, write_fasta
from varproof.commands.build_panel import BuildPanelOptions, build_panel
from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
from varproof.formats.panel import PanelReader
from varproof.formats.vcf import from_phred
from varproof.posterior.panel_lookup import panel_evidence

LENGTH, PLACE, READ_LENGTH = 1500, 700, 100
NORMALS, NORMAL_DEPTH, TUMOR_DEPTH, TUMOR_READS = 10, 1000, 200, 20
SEQUENCE = plain_sequence(LENGTH, seed=9)
REF, ALT = SEQUENCE[PLACE], other_base(SEQUENCE[PLACE])


def write_sample(path: Path, depth: int, alternative: int, seed: int) -> Path:
    """Reads of this depth around the place, so many of them with the allele, on either strand."""
    rng = np.random.default_rng(seed)
    reads = []
    for first in (PLACE - 300, PLACE - 99, PLACE + 1, PLACE + 200):
        for i, start in enumerate(np.sort(rng.integers(first, first + READ_LENGTH, depth)).tolist()):
            bases = list(SEQUENCE[start : start + READ_LENGTH])
            poor = rng.random(READ_LENGTH) < 0.03
            for at in np.flatnonzero(rng.random(READ_LENGTH) < np.where(poor, 0.05, 0.0001)).tolist():
                bases[at] = other_base(bases[at], int(rng.integers(1, 4)))
            if first == PLACE - 99:
                # spread over the starts, as the reads of a variant are
                bases[PLACE - start] = ALT if (i * alternative) % depth < alternative else REF
                poor[PLACE - start] = False
            flag = 16 if rng.random() < 0.5 else 0
            qualities = np.where(poor, 14, 37).tolist()
            reads.append(Read(f"{first}-{i}", start, f"{READ_LENGTH}M", "".join(bases), qualities, flag))
    return write_bam(path, {"chr1": LENGTH}, reads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hot-spot")
    write_fasta(folder / "reference.fa", {"chr1": SEQUENCE})
    write_sample(folder / "tumor.bam", TUMOR_DEPTH, TUMOR_READS, 100)
    record = f"chr1\t{PLACE + 1}\t.\t{REF}\t{ALT}\t.\t.\t.\n"
    (folder / "candidates.vcf").write_text(header_text({"chr1": LENGTH}, "") + record)
    return folder


def somatic(folder: Path, panel: Path) -> dict[str, float]:
    """The posterior of each event of the candidate, judged without a normal, with the panel."""
    output = panel.with_suffix(".vcf")
    inputs = {"candidates": folder / "candidates.vcf", "reference": folder / "reference.fa", "tumor": folder / "tumor.bam"}
    score_posterior(ScorePosteriorOptions(**inputs, output=output, purity=0.8, panel=panel))
    (record,) = read_all(output)
    return {name: from_phred(record.info[name][0]) for name in record.info if name.startswith("PROB_")}


@pytest.mark.parametrize(
    "shown",
    [[1, 2, 1, 0, 1, 2, 0, 1, 1, 1], [4, 4, 4, 0, 0, 0, 0, 0, 0, 0], [2, 2, 2, 2, 2, 2, 2, 2, 2, 2]],
    ids=["singly", "listed of three", "all at 0.002"],
)
def test_a_hot_spot_that_deep_normals_show_in_few_reads_is_somatic(folder: Path, tmp_path: Path, shown: list[int]) -> None:
    normals = [write_sample(tmp_path / f"n{i}.bam", NORMAL_DEPTH, reads, i) for i, reads in enumerate(shown)]
    panel = tmp_path / "panel.h5"
    build_panel(BuildPanelOptions(reads=normals, reference=folder / "reference.fa", output=panel))
    found = panel_evidence(panel, folder / "candidates.vcf", folder / "reference.fa")
    assert found.covering.tolist() == [NORMALS] and 0.8 * NORMAL_DEPTH < found.depth[0] < 1.2 * NORMAL_DEPTH
    with PanelReader(panel) as reader:
        assert reader.header.normals == NORMALS
    assert found.showing.tolist() == [sum(reads >= 4 for reads in shown)]
    assert somatic(folder, panel)["PROB_SOMATIC_TUMOR"] > 0.95


def test_a_place_where_all_normals_show_as_much_is_an_artefact(folder: Path, tmp_path: Path) -> None:
    """The same tumour, so that it is the panel that tells."""
    normals = [write_sample(tmp_path / f"n{i}.bam", TUMOR_DEPTH, TUMOR_READS, i) for i in range(NORMALS)]
    panel = tmp_path / "panel.h5"
    build_panel(BuildPanelOptions(reads=normals, reference=folder / "reference.fa", output=panel))
    assert somatic(folder, panel)["PROB_SOMATIC_TUMOR"] < 0.05
