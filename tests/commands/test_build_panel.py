"""build-panel, and --panel of what takes one: a small whole, and the one line that wrong input gets."""

import json
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pysam
import pytest
from pydantic import ValidationError

from pair_examples import Pair, other_base, read_all, scored, write_pair, write_records
from varproof.commands.build_panel import BuildPanelOptions, build_panel
from varproof.commands.learn_prior import LearnPriorOptions, learn_prior
from varproof.formats.panel import PanelReader
from varproof.machinery.errors import UserError
from varproof.machinery.output import input_digest
from varproof.posterior.panel_lookup import panel_evidence
from varproof.posterior.teaching import read_prior
from varproof.steps.score_posterior import GIVEN_PRIOR, ScorePosteriorSettings, score_posterior

ALONE = {"normal": None, "alignment_normal": None, "learn_from": "auto", "territory": None}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def panel(pair: Pair) -> Path:
    return built(pair, pair.folder / "panel.h5")


def built(pair: Pair, output: Path, **changes: Any) -> Path:
    values = {"reads": [pair.normal], "reference": pair.reference, "output": output} | changes
    build_panel(BuildPanelOptions(**values))
    return output


def test_the_same_bytes_with_any_number_of_threads(pair: Pair, panel: Path, tmp_path: Path) -> None:
    assert built(pair, tmp_path / "panel.h5", threads=2).read_bytes() == panel.read_bytes()


def test_a_panel_does_not_name_its_normals(pair: Pair, panel: Path) -> None:
    content = panel.read_bytes()
    assert pair.normal.name.encode() not in content and str(pair.folder).encode() not in content


def test_a_germline_variant_of_the_normals_has_its_carriers(pair: Pair, panel: Path) -> None:
    with PanelReader(panel) as reader:
        alleles = reader.contig("chr1").alleles
    for site in pair.sites:
        if (
            site.event == "GERMLINE_HET"
            and site.normal == 0.5
            and site.locus.end - site.locus.start == len(site.locus.alt) == 1
        ):
            at = alleles.rows((alleles.position == site.locus.start) & (alleles.length == 0))
            assert at.size == 0 or at.heterozygous.sum() == 1
    assert alleles.heterozygous.sum() > 0 and alleles.homozygous.sum() > 0


def test_a_panel_is_told_of_in_prior_and_header(
    pair: Pair, panel: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "prior.json"
    output = scored(pair, tmp_path, pair.records(), panel=panel, learnt_prior=str(path), **ALONE)
    assert '"panel_missed"' in path.read_text()
    header = str(pysam.VariantFile(str(output)).header)
    assert '"panel"' in header and "rate_shape" in header
    plain = scored(pair, tmp_path, pair.records(), "plain.vcf", **ALONE)
    assert all(name not in plain.read_text() for name in ("panel_missed", "panel_private", "rate_shape"))
    again = scored(pair, tmp_path, pair.records(), "again.vcf", panel=panel, prior=str(path), **(ALONE | {"learn_from": None}))
    assert [record.info["PROB_SOMATIC_TUMOR"] for record in read_all(again)] == [
        record.info["PROB_SOMATIC_TUMOR"] for record in read_all(output)
    ]
    assert json.loads(path.read_text())["panel_digest"] == input_digest(panel)
    assert "another panel of normals" not in caplog.text
    other = built(pair, tmp_path / "other.h5", reads=[pair.normal, pair.tumor])
    scored(pair, tmp_path, pair.records(), "another.vcf", panel=other, prior=str(path), **(ALONE | {"learn_from": None}))
    assert f"{path} was learnt with another panel of normals than {other}" in caplog.text
    with pytest.raises(UserError, match="learnt with a panel of normals; give --panel"):
        scored(pair, tmp_path, pair.records(), "never.vcf", prior=str(path), **(ALONE | {"learn_from": None}))
    with pytest.raises(UserError, match="the prior was learnt with a panel of normals; give --panel"):
        calls = {"candidates": tmp_path / "candidates.vcf", "reference": pair.reference, "tumor": pair.tumor}
        settings = ScorePosteriorSettings(output=tmp_path / "never.vcf", prior=GIVEN_PRIOR, **calls)
        score_posterior(settings, prior=read_prior(path))
    assert not (tmp_path / "never.vcf").exists()


def test_a_list_of_which_normals_show_nothing(pair: Pair, panel: Path, tmp_path: Path) -> None:
    base = pair.sequence[3_999]
    candidates = write_records(tmp_path / "candidates.vcf", [(3_999, base, other_base(base))], pair)
    found = panel_evidence(panel, candidates, pair.reference)
    assert found.covering.tolist() == [1.0] and found.depth[0] > 5
    assert not (found.showing.any() or found.reads.any() or found.heterozygous.any())
    assert 0.0 < found.errors[0] < 0.01


def test_learn_prior_takes_a_panel(pair: Pair, panel: Path, tmp_path: Path) -> None:
    output = tmp_path / "prior.json"
    learn_prior(LearnPriorOptions(tumor=pair.tumor, reference=pair.reference, output=output, panel=panel))
    assert '"panel_private"' in output.read_text()


def test_a_list_of_sites_is_taken(pair: Pair, tmp_path: Path) -> None:
    sites = tmp_path / "pon.vcf"
    record = read_all(scored(pair, tmp_path, pair.records(), **ALONE))[0]
    sites.write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        f"chr1\t{record.pos}\t.\t{record.ref}\t{record.alts[0]}\t.\t.\t.\n"
    )
    output = scored(pair, tmp_path, pair.records(), "listed.vcf", panel=sites, **ALONE)
    assert len(read_all(output)) == len(pair.records())
    sites.write_text("##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
    with pytest.raises(UserError, match="has no records"):
        scored(pair, tmp_path, pair.records(), "never.vcf", panel=sites, **ALONE)


def test_a_chunk_on_contigs_that_the_panel_lacks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is judged as it would be in the whole list; names of no contig of the reference are an error."""
    reference, candidates, sites = tmp_path / "r.fa", tmp_path / "c.vcf", tmp_path / "pon.vcf"
    reference.write_text(">chr1\n" + "ACGT" * 50 + "\n>chr2\n" + "ACGT" * 50 + "\n")
    pysam.faidx(str(reference))

    def write(path: Path, contig: str) -> None:
        head = f"##fileformat=VCFv4.2\n##contig=<ID={contig}>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        path.write_text(f"{head}{contig}\t100\t.\tT\tA\t.\t.\t.\n")

    write(candidates, "chr2")
    write(sites, "chr1")
    found = panel_evidence(sites, candidates, reference)
    assert found.listed.tolist() == [0]
    assert "says nothing of candidates on 1 of 1 contigs, which it lacks (chr2)" in caplog.text
    write(sites, "1")
    with pytest.raises(UserError, match=r"has contig '1' where .*r\.fa has 'chr1'; rename its contigs with 'bcftools"):
        panel_evidence(sites, candidates, reference)
    write(sites, "other")
    with pytest.raises(UserError, match=r"none of the contigs of .*r\.fa \(chr1, chr2\) is in it \(it has other\)"):
        panel_evidence(sites, candidates, reference)


def test_wrong_panels_get_one_line(pair: Pair, panel: Path, tmp_path: Path) -> None:
    def refused(message: str, path: Path) -> None:
        with pytest.raises(UserError, match=message) as caught:
            scored(pair, tmp_path, pair.records(), "never.vcf", panel=path, **ALONE)
        assert "\n" not in str(caught.value) and path.name in str(caught.value)
        assert not (tmp_path / "never.vcf").exists()

    other = tmp_path / "other.h5"
    other.write_bytes(panel.read_bytes())
    with h5py.File(other, "r+") as file:
        file.attrs["schema"] = "varproof/panel/9"
    refused(r"of schema varproof/panel/9, not varproof/panel/1", other)
    for change, message, told in (
        (r'"chr1":\d+', '"chr1":77', "chr1' has 77 bp, but .*; take a panel of this reference"),
        (r'"chr1":', '"1":', r"has contig '1' where .*reference\.fa has 'chr1'; take a panel of this reference"),
        (r'"chr1":', '"chr9":', "its contig 'chr9' is not in .*; take a panel of this reference"),
    ):
        other.write_bytes(panel.read_bytes())
        with h5py.File(other, "r+") as file:
            file.attrs["header"] = re.sub(change, message, str(file.attrs["header"]))
        refused(told, other)
    other.write_bytes(panel.read_bytes())
    with h5py.File(other, "r+") as file:
        values = file["contigs/0/position"][()]
        file["contigs/0/position"][...] = values[::-1]
    refused("do not ascend", other)
    other.write_bytes(panel.read_bytes())
    with h5py.File(other, "r+") as file:
        file["contigs/0/heterozygous"][...] = np.full(len(values), 9)
    refused("more than there can be", other)


def test_wrong_normals_get_one_line(pair: Pair, panel: Path, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="no normals"):
        BuildPanelOptions(reference=pair.reference, output=tmp_path / "p.h5")
    with pytest.raises(ValidationError, match="leave one of them out"):
        BuildPanelOptions(reference=pair.reference, output=tmp_path / "p.h5", add=[panel], regions=tmp_path / "x.bed")
    with pytest.raises(UserError, match="same normal twice"):
        built(pair, tmp_path / "p.h5", add=[panel])
    with pytest.raises(UserError, match="same normal twice"):
        built(pair, tmp_path / "p.h5", reads=[pair.normal, pair.normal])
    regions = tmp_path / "other.bed"
    regions.write_text("chr9\t0\t100\n")
    with pytest.raises(UserError, match="chr9"):
        built(pair, tmp_path / "p.h5", regions=regions)
    for nowhere in ("", "chr1\t9000000\t9000100\n"):
        regions.write_text(nowhere)
        with pytest.raises(UserError, match="nothing to count"):
            built(pair, tmp_path / "p.h5", regions=regions)
    assert not (tmp_path / "p.h5").exists()


def test_flat_priors_take_no_panel(pair: Pair, panel: Path, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="needs a prior that is learnt"):
        scored(pair, tmp_path, pair.records(), "never.vcf", panel=panel, prior="flat", normal=None)


def test_the_sheet_of_contexts_makes_a_panel(pair: Pair, panel: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = ["sample\tpatient\tlibrary\treads"]
    lines += [f"{name}\t{patient}\t{library}\t{reads}" for name, patient, library, reads in [
        ("n1", "p1", "a", pair.normal), ("n2", "p1", "a", pair.tumor), ("n3", "p2", "b", pair.tumor),
    ]]  # fmt: skip
    sheet = tmp_path / "pool.tsv"
    sheet.write_text("\n".join(lines) + "\n")
    given = {"reads": [], "context_pool": sheet}
    of_one = built(pair, tmp_path / "one.h5", library="a", **given)
    assert of_one.read_bytes() == panel.read_bytes()
    assert "1 samples left out, of patients of whom another is counted: n2" in caplog.text
    with PanelReader(built(pair, tmp_path / "two.h5", **given)) as reader:
        assert reader.header.normals == 2
    with pytest.raises(UserError, match=r"pool\.tsv: none of 3 samples is of library 'c'"):
        built(pair, tmp_path / "never.h5", library="c", **given)
    with pytest.raises(ValidationError, match="--library chooses from a --context-pool"):
        built(pair, tmp_path / "never.h5", library="c")
