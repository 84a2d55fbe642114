"""--germline-resource from reads to scored files: what is written, what is refused, and what the prior remembers."""

import json
import logging
from pathlib import Path
from typing import Any

import pysam
import pytest

from pair_examples import Pair, body, other_base, read_all, scored, write_pair, write_records
from population_examples import SITE, write_resource
from varproof.commands.base import parse_options
from varproof.commands.learn_prior import LearnPriorOptions, learn_prior
from varproof.commands.score_posterior import ScorePosteriorOptions
from varproof.machinery.errors import UserError
from varproof.scattering.gather import gather_calls

NAME = "score-posterior"
SHORT = ["--candidates", "c.vcf", "--reference", "r.fa", "--tumor", "t.bam", "--output", "o.vcf"]
LINE = "##varproof_germline_resource="


@pytest.fixture(scope="module", name="pair")
def _pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


def population(pair: Pair, path: Path, contig: str = "chr1") -> Path:
    """The germline variants, the one at a deletion in another spelling, and one that nobody here has."""
    sites: list[SITE] = []
    for name, frequency in (("germline het", 0.3), ("germline hom", 0.6), ("repeat deletion", 0.04)):
        position, ref, alt = pair.site(name).locus.record()
        if name == "repeat deletion":
            behind = pair.sequence[position + len(ref)]
            ref, alt = ref + behind, alt + behind
        sites.append((contig, position + 1, ref, alt, f"AF={frequency}"))
    base = pair.sequence[3_999]
    sites.append((contig, 4_000, base, other_base(base), "AF=0.2"))
    return write_resource(path, {contig: len(pair.sequence)}, sites)


def header_line(path: Path) -> dict[str, Any]:
    with pysam.VariantFile(str(path)) as handle:
        (line,) = [line for line in str(handle.header).splitlines() if line.startswith(LINE)]
    told: dict[str, Any] = json.loads(line.removeprefix(LINE))
    return told


def test_frequencies_are_in_the_records_the_header_and_the_log(
    pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    resource = population(pair, tmp_path / "population.vcf.gz")
    with caplog.at_level(logging.INFO):
        path = scored(pair, tmp_path, germline_resource=resource)
    found = {record.start: record.info.get("VP_POPAF") for record in read_all(path)}
    expected = {"germline het": 0.3, "germline hom": 0.6, "repeat deletion": 0.04}
    for site in pair.sites:
        value = found[site.locus.record()[0]]
        assert value == (pytest.approx((expected[site.name],)) if site.name in expected else None), site.name
    assert header_line(path) == {"candidates": 8, "field": "AF", "found": 3, "frequent": 3, "name": "population.vcf.gz"}
    assert "population.vcf.gz (INFO/AF): 3 of the 8 candidates of candidates.vcf are in it" in caplog.text


def test_without_a_resource_nothing_tells_of_one(pair: Pair, tmp_path: Path) -> None:
    """Also where the input has such fields of an earlier run."""
    resource = population(pair, tmp_path / "population.vcf.gz")
    first = scored(pair, tmp_path, germline_resource=resource, name="first.vcf")
    plain = scored(pair, tmp_path, name="plain.vcf")
    again = scored(pair, tmp_path, first, name="again.vcf")
    assert "POPAF" not in plain.read_text() and "germline_resource" not in plain.read_text()
    assert [line.split("\t")[7] for line in body(again)] == [line.split("\t")[7] for line in body(plain)]
    assert "##INFO=<ID=VP_POPAF" not in again.read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--germline-field", "AF"], "--germline-field AF is of a germline resource; give --germline-resource"),
        (["--germline-resource", "g.vcf.gz", "--prior", "flat"], "--prior flat doesn't ask"),
    ],
)
def test_options_that_do_not_fit(arguments: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        parse_options(NAME, ScorePosteriorOptions, SHORT + arguments)


def test_refusals_leave_nothing_behind(pair: Pair, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for path, told in (
        (tmp_path / "missing.vcf.gz", "no such file"),
        (population(pair, tmp_path / "other.vcf.gz", "1"), "has contig '1' where the reference has 'chr1'"),
        (population(pair, tmp_path / "plain.vcf"), "no index; compress it with 'bgzip"),
    ):
        with pytest.raises(UserError, match=told) as caught:
            scored(pair, work, germline_resource=path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
        assert [item.name for item in work.iterdir()] == ["candidates.vcf"]


def test_a_prior_is_used_as_it_was_learnt(pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With a resource or without, and a warning where it is another one."""
    resource = population(pair, tmp_path / "population.vcf.gz")
    with_it, without = tmp_path / "with.json", tmp_path / "without.json"
    first = scored(pair, tmp_path, germline_resource=resource, learnt_prior=with_it, name="first.vcf")
    scored(pair, tmp_path, learnt_prior=without, name="other.vcf")
    told = json.loads(with_it.read_text())["germline_resource"]
    assert told["field"] == "AF" and sum(told["alleles"]) > 0
    assert "germline_resource" not in json.loads(without.read_text())
    given = {"learn_from": None, "territory": None}
    again = scored(pair, tmp_path, germline_resource=resource, prior=str(with_it), name="again.vcf", **given)
    assert [line.split("\t")[7] for line in body(again)] == [line.split("\t")[7] for line in body(first)]
    with pytest.raises(UserError, match=r"without\.json was learnt without a germline resource; learn it again with"):
        scored(pair, tmp_path, germline_resource=resource, prior=str(without), name="none.vcf", **given)
    with pytest.raises(UserError, match=r"with\.json was learnt with a germline resource; give --germline-resource, too"):
        scored(pair, tmp_path, prior=str(with_it), name="none.vcf", **given)
    other = write_resource(tmp_path / "less.vcf.gz", {"chr1": 6_000}, [("chr1", 1, pair.sequence[0], "N", "AF=0.1")])
    scored(pair, tmp_path, germline_resource=other, prior=str(with_it), name="warned.vcf", **given)
    assert "with.json was learnt with another germline resource than" in caplog.text


def test_learn_prior_takes_it(pair: Pair, tmp_path: Path) -> None:
    resource, output = population(pair, tmp_path / "population.bcf"), tmp_path / "prior.json"
    files = {"alignment_tumor": pair.properties, "output": output, "germline_resource": resource, "germline_field": "AF"}
    learn_prior(LearnPriorOptions(tumor=pair.tumor, reference=pair.reference, **files))
    assert json.loads(output.read_text())["germline_resource"]["field"] == "AF"


def test_chunks_are_added_up(pair: Pair, tmp_path: Path) -> None:
    resource, prior = population(pair, tmp_path / "population.vcf.gz"), tmp_path / "prior.json"
    whole = scored(pair, tmp_path, germline_resource=resource, learnt_prior=prior, name="whole.vcf")
    records = pair.records()
    parts = []
    for number, some in enumerate((records[:3], records[3:])):
        folder = tmp_path / str(number)
        folder.mkdir()
        listed = write_records(folder / "candidates.vcf", some, pair)
        given = {"prior": str(prior), "learn_from": None, "territory": None}
        parts.append(scored(pair, folder, listed, germline_resource=resource, **given))
    gather_calls(parts, tmp_path / "gathered.vcf")
    assert header_line(tmp_path / "gathered.vcf") == header_line(whole)
    assert [line.split("\t")[7] for line in body(tmp_path / "gathered.vcf")] == [line.split("\t")[7] for line in body(whole)]
