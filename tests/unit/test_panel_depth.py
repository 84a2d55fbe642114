"""The depth that a panel of normals has in windows of any limits, and panels that tell none."""

from pathlib import Path

import numpy as np
import pytest

from small_bams import write_fasta
from varproof.copynumber.panel_depth import PanelDepth, require_panel_depth, tells_depth
from varproof.formats.panel import WINDOW, PanelContexts, PanelContig, PanelCoverage, PanelHeader, no_alleles, panel_writer
from varproof.machinery.errors import OtherReference, UserError

LENGTH = 2_000


def write_panel(path: Path, coverage: PanelCoverage, **changed: object) -> Path:
    """A panel of one contig without alleles."""
    said = {
        "normals": 2, "digests": [], "contigs": {"chr1": LENGTH}, "base_quality": 20, "mapping_quality": 20,
        "carrier_fraction": 0.2, "homozygous_fraction": 0.8, "covering_depth": 10, "provenance": "{}",
    }  # fmt: skip
    with panel_writer(path, PanelHeader(**said | changed)) as writer:
        writer.append(PanelContig("chr1", np.array([[0, LENGTH]]), no_alleles(), coverage))
        writer.contexts(PanelContexts.nothing())
    return path


def test_depth_is_that_of_each_base(tmp_path: Path) -> None:
    """Against a sum over bases, each with a sixteenth of its window's."""
    rng = np.random.default_rng(1)
    window = np.sort(rng.choice(LENGTH // WINDOW, 70, replace=False))
    bases = rng.integers(1, 3_000, len(window))
    path = write_panel(tmp_path / "panel.h5", PanelCoverage(window, bases, np.ones(len(window))))
    each = np.zeros(LENGTH)
    for place, number in zip(window, bases, strict=True):
        each[place * WINDOW : (place + 1) * WINDOW] = number / WINDOW
    bounds = np.sort(rng.choice(LENGTH, (40, 2)), axis=1)
    starts, ends = bounds[bounds[:, 0] < bounds[:, 1]].T
    depth = PanelDepth(path)
    expected = [each[start:end].mean() for start, end in zip(starts, ends, strict=True)]
    assert depth.of("chr1", starts, ends) == pytest.approx(expected)
    one = [depth.of("chr1", starts[i : i + 1], ends[i : i + 1])[0] for i in range(len(starts))]
    assert one == pytest.approx(expected)
    assert not depth.of("chr2", starts, ends).any()


def test_what_tells_no_depth_is_refused(tmp_path: Path) -> None:
    nothing = PanelCoverage(*np.zeros((3, 0), np.int64))
    write_fasta(tmp_path / "reference.fa", {"chr1": "ACGT" * (LENGTH // 4)})
    (tmp_path / "sites.vcf").write_text("##fileformat=VCFv4.3\n")
    assert not tells_depth(tmp_path / "sites.vcf")
    with pytest.raises(UserError, match=r"sites\.vcf: a list of sites tells no depth"):
        require_panel_depth(tmp_path / "sites.vcf", tmp_path / "reference.fa")
    lists = write_panel(tmp_path / "lists.h5", nothing, from_evidence=2)
    assert not tells_depth(lists)
    with pytest.raises(UserError, match="made from evidence files alone"):
        require_panel_depth(lists, tmp_path / "reference.fa")
    with pytest.raises(UserError, match=r"none\.h5: no such file"):
        require_panel_depth(tmp_path / "none.h5", tmp_path / "reference.fa")
    write_fasta(tmp_path / "other.fa", {"1": "ACGT" * (LENGTH // 4)})
    with pytest.raises(OtherReference, match="has contig 'chr1' where"):
        require_panel_depth(write_panel(tmp_path / "panel.h5", nothing), tmp_path / "other.fa")
