"""Places without reads, and samples that don't belong together, through score-posterior to the report."""

import importlib.util
import json
import logging
from pathlib import Path
from typing import Any

import pysam
import pytest

from pair_examples import Pair, probabilities, read_all, scored, write_pair
from varproof.formats.prior import LearntPrior

SECTIONS = Path(__file__).parents[2] / "wrappers" / "nextflow" / "bin" / "multiqc_sections.py"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


def changed(source: Path, target: Path, site: str, mapq: int | None) -> Path:
    """A BAM in which the reads of a site have another mapping quality, or are gone."""
    with pysam.AlignmentFile(str(source)) as reads, pysam.AlignmentFile(str(target), "wb", header=reads.header) as out:
        for read in reads:
            if f":{site.replace(' ', '-')}:" in str(read.query_name):
                if mapq is None:
                    continue
                read.mapping_quality = mapq
            out.write(read)
    pysam.index(str(target))
    return target


def by_site(pair: Pair, path: Path) -> dict[str, Any]:
    return dict(zip([site.name for site in pair.sites], read_all(path), strict=True))


@pytest.mark.parametrize("mapq", [None, 0])
@pytest.mark.parametrize("site", ["somatic snv", "insertion"])
def test_without_usable_reads_in_the_tumor_nothing_is_judged(site: str, mapq: int | None, pair: Pair, tmp_path: Path) -> None:
    tumor = changed(pair.tumor, tmp_path / "tumor.bam", site, mapq)
    found = by_site(pair, scored(pair, tmp_path, tumor=tumor))
    assert found[site].info["SKIPPED"] == ("no_reads",)
    assert not any(key.startswith("PROB_") for key in found[site].info)
    assert [name for name, record in found.items() if "SKIPPED" in record.info] == [site]


@pytest.mark.parametrize("mapq", [None, 0])
def test_without_usable_reads_in_the_normal_the_tumor_alone_speaks(
    mapq: int | None, pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    normal = changed(pair.normal, tmp_path / "normal.bam", "germline het", mapq)
    caplog.set_level(logging.WARNING, logger="varproof")
    found = by_site(pair, scored(pair, tmp_path, normal=normal))
    assert [name for name, record in found.items() if "VP_TUMOR_ONLY" in record.info] == ["germline het"]
    assert probabilities(found["germline het"])["SOMATIC_TUMOR"] < 0.5
    normal_column = found["germline het"].samples["normal"]
    assert normal_column["VP_MAP"] == normal_column["AF"] == (None,)
    assert normal_column.allele_indices == (None, None)
    assert "1 alleles without usable reads in the normal" in caplog.text


def test_a_normal_without_any_reads_teaches_nothing(pair: Pair, tmp_path: Path) -> None:
    """What is learnt is what a run without a normal learns (where artefacts crowd is told from the scores)."""
    empty = tmp_path / "empty.bam"
    with pysam.AlignmentFile(str(pair.normal)) as reads, pysam.AlignmentFile(str(empty), "wb", header=reads.header):
        pass
    pysam.index(str(empty))
    found = []
    for normal in (empty, None):
        learnt = tmp_path / "learnt.json"
        scored(pair, tmp_path, normal=normal, learnt_prior=learnt)
        found.append(LearntPrior.model_validate_json(learnt.read_text()))
    for name in ("rates", "somatic_density", "artifact_density", "other_person_fraction", "normal_contamination", "territory"):
        assert getattr(found[0], name) == getattr(found[1], name), name


def test_the_header_and_the_report_say_whether_samples_belong_together(pair: Pair, tmp_path: Path) -> None:
    out = scored(pair, tmp_path, name="mine.posterior.vcf.gz")
    with pysam.VariantFile(str(out)) as handle:
        (line,) = [item.value for item in handle.header.records if item.key == "varproof_samples"]
    match = json.loads(line)
    assert match["verdict"] == "too few to tell"
    assert (match["normal_heterozygous"], match["normal_heterozygous_in_tumor"]) == (1, 1)
    assert (match["normal_homozygous"], match["tumor_homozygous_in_normal"]) == (1, 1)
    spec = importlib.util.spec_from_file_location("multiqc_sections", SECTIONS)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    row = module.sections("mine", {out.name: out})["samples"]["data"]["mine"]
    assert row["verdict"] == "too few to tell" and row["normal_homozygous"] == 100
    with pysam.VariantFile(str(scored(pair, tmp_path, normal=None))) as handle:
        assert not [item for item in handle.header.records if item.key == "varproof_samples"]
