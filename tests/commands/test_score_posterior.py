"""score-posterior end to end on a small pair: what it says, how it writes it, and that nothing irrelevant changes it."""

import gzip
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

from pair_examples import PURITY, Pair, body, other_base, probabilities, read_all, scored, scores, write_pair, write_records
from varproof.commands.collect_evidence import CollectEvidenceOptions, collect_evidence
from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
from varproof.formats.density import decode_density
from varproof.formats.events import EVENTS
from varproof.formats.segments import Segment, write_segments
from varproof.machinery.errors import UserError

NAME = "score-posterior"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def all_sites(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All sites scored with the learnt prior."""
    return scored(pair, tmp_path_factory.mktemp("all"))


def test_events(pair: Pair, all_sites: Path) -> None:
    for site, record in zip(pair.sites, read_all(all_sites), strict=True):
        found = probabilities(record)
        assert max(found, key=found.__getitem__) == site.event, site.name
        assert found[site.event] > 0.95, site.name


def test_a_flat_prior_without_a_normal_is_told_to_be_of_no_use(
    pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scored(pair, tmp_path, prior="flat", learnt_prior=tmp_path / "flat.json")
    scored(pair, tmp_path, normal=None, alignment_normal=None)
    assert "SOMATIC FROM GERMLINE" not in caplog.text
    for prior in ("flat", str(tmp_path / "flat.json")):
        caplog.clear()
        scored(pair, tmp_path, normal=None, alignment_normal=None, prior=prior)
        (line,) = [text for text in caplog.messages if "SOMATIC FROM GERMLINE" in text]
        assert line.startswith(f"--prior {prior} without --normal")


def test_the_flat_prior_finds_the_same(pair: Pair, tmp_path: Path) -> None:
    for site, record in zip(pair.sites, read_all(scored(pair, tmp_path, prior="flat")), strict=True):
        found = probabilities(record)
        assert max(found, key=found.__getitem__) == site.event, site.name


def test_probabilities_sum_to_1(all_sites: Path) -> None:
    for record in read_all(all_sites):
        assert sum(probabilities(record).values()) == pytest.approx(1.0, abs=1e-4)
        assert all(0 <= record.info[f"PROB_{event}"][0] <= 300 for event in EVENTS)


def test_frequencies(pair: Pair, all_sites: Path) -> None:
    """VP_MAP of the tumour is of its cells: 40 % of reads at a purity of 0.8 are half of the copies; the normal's is plain.

    AF is what was observed, in both.
    """
    for site, record in zip(pair.sites, read_all(all_sites), strict=True):
        healthy = {"GERMLINE_HET": 0.5, "GERMLINE_HOM": 1.0}.get(site.event, 0.0)
        cells = (site.tumor - (1 - PURITY) * healthy) / PURITY
        assert record.samples["tumor"]["VP_MAP"][0] == pytest.approx(cells, abs=0.17), site.name
        assert record.samples["normal"]["VP_MAP"][0] == pytest.approx(site.normal, abs=0.1), site.name
        for role, planted in (("tumor", site.tumor), ("normal", site.normal)):
            sample = record.samples[role]
            assert sample["AF"][0] == pytest.approx(sample["AD"][1] / max(sum(sample["AD"]), 1), abs=1e-5)
            assert sum(sample["AD"]) <= sample["DP"] == sample["VP_DP"]
            if "long" not in site.name:
                assert sample["AF"][0] == pytest.approx(planted, abs=0.1), site.name
        assert record.samples["tumor"]["DP"] > record.samples["normal"]["DP"] > 10


def test_densities_peak_at_the_frequency(all_sites: Path) -> None:
    seen = 0
    for record in read_all(all_sites):
        for sample in record.samples.values():
            text = sample["VP_AFD"][0] if isinstance(sample["VP_AFD"], tuple) else sample["VP_AFD"]
            if text in (None, "."):
                assert probabilities(record)["ABSENT"] > 0.99
                continue
            vaf, density = decode_density(text)
            assert np.trapezoid(density, vaf) == pytest.approx(1.0)
            assert vaf[np.argmax(density)] == pytest.approx(sample["VP_MAP"][0], abs=0.02)
            seen += 1
    assert seen >= 14


def test_header(all_sites: Path) -> None:
    """Fields as the design names them; provenance and what was learnt as one line of JSON each."""
    with pysam.VariantFile(str(all_sites)) as handle:
        header = handle.header
        assert list(header.samples) == ["tumor", "normal"]
        for event in EVENTS:
            item = header.info[f"PROB_{event}"]
            assert (item.number, item.type) == ("A", "Float")
        assert (header.formats["DP"].number, header.formats["DP"].type) == (1, "Integer")
        for name, number, kind in (
            ("AF", "A", "Float"),
            ("VP_MAP", "A", "Float"),
            ("VP_AFD", "A", "String"),
            ("AD", "R", "Integer"),
        ):
            assert (header.formats[name].number, header.formats[name].type) == (number, kind)
        assert (header.info["SKIPPED"].number, header.info["SKIPPED"].type) == ("A", "String")
        own = {record.key: json.loads(record.value) for record in header.records if record.key.startswith("varproof_")}
    assert own["varproof_score-posterior"]["options"]["purity"] == PURITY
    assert "tumor.bam" in own["varproof_score-posterior"]["input_digests"]
    assert set(own["varproof_prior"]["rates"]) >= {"SOMATIC_TUMOR", "GERMLINE_HET", "ARTIFACT"}
    assert own["varproof_prior"]["territory"] == 100_000


def test_records_come_back_as_they_came(pair: Pair, tmp_path: Path) -> None:
    """ID, QUAL, FILTER, INFO, the alleles and samples; old scores are replaced."""
    sites = [site.locus.record() for site in pair.sites[:3]]
    ends = ["rs1\t{}\t{}\t12.5\tPASS\tSCORE=0.5;DB", ".\t{}\t{}\t.\tLowQual\tNOTE=seen", "a;b\t{}\t{}\t7\t.\t."]
    lines = [f"chr1\t{r[0] + 1}\t{end.format(*r[1:])}\tGT\t0/1" for r, end in zip(sites, ends, strict=True)]
    candidates = write_records(tmp_path / "candidates.vcf", lines, pair, samples=("old",))
    out = scored(pair, tmp_path, candidates)
    before, after = read_all(candidates), read_all(out)
    for old, new in zip(before, after, strict=True):
        assert (new.contig, new.pos, new.alleles, new.id, new.qual) == (old.contig, old.pos, old.alleles, old.id, old.qual)
        assert list(new.filter) == list(old.filter)
        for key, value in old.info.items():
            assert new.info[key] == value
        assert list(new.samples) == ["old", "normal"]
        assert new.samples["old"].allele_indices == (0, 1)
    again = scored(pair, tmp_path, out, "again.vcf")
    assert [scores(record) for record in read_all(again)] == [scores(record) for record in after]
    assert body(again) == body(out)


def test_records_that_cannot_be_judged(pair: Pair, tmp_path: Path) -> None:
    snv = pair.site("somatic snv").locus.record()
    base = pair.sequence[snv[0] + 5]
    lines = [
        snv,
        f"chr1\t{snv[0] + 6}\t.\t{base}\t{base}[chr2:100[\t.\t.\t.",
        f"chr1\t{snv[0] + 6}\t.\t{base}\t<DUP>\t.\t.\tEND={snv[0] + 60}",
        f"chr1\t{snv[0] + 6}\t.\t{base}\t<DEL>\t.\t.\t.",
        f"chr1\t{snv[0] + 6}\t.\t{base}\t*\t.\t.\t.",
        f"chr1\t{snv[0] + 6}\t.\t{base}\t.\t.\t.\t.",
        f"chr1\t{snv[0] + 6}\t.\t{base}\t{other_base(base)},*\t.\t.\tSCORE=1,2",
        "chr2\t2030\t.\tN\tA\t.\t.\t.",
        "chr2\t2058\t.\tNNN\tN\t.\t.\t.",
    ]
    out = read_all(scored(pair, tmp_path, lines))
    assert [record.info.get("SKIPPED") for record in out] == [
        None, ("breakend",), ("symbolic_allele",), ("deletion_without_length",), ("spanning_deletion",),
        ("no_alternative_allele",), (".", "spanning_deletion"), ("no_reference_sequence",), ("no_reference_sequence",),
    ]  # fmt: skip
    assert all(record.samples["tumor"].allele_indices == (None, None) for record in (*out[1:6], *out[7:]))
    for record, line in zip(out, lines, strict=True):
        if isinstance(line, str):
            assert record.pos == int(line.split("\t")[1])
    for record in (*out[1:6], *out[7:]):
        assert not any(key.startswith("PROB_") for key in record.info)
    assert [value is None for value in out[6].info["PROB_ABSENT"]] == [False, True]
    assert sum(probabilities(out[6]).values()) == pytest.approx(1.0, abs=1e-4)


def test_symbolic_deletions_are_judged_like_explicit_ones(pair: Pair, tmp_path: Path) -> None:
    position, ref, alt = pair.site("long deletion").locus.record()
    lines = {
        "explicit": (position, ref, alt),
        "END": f"chr1\t{position + 1}\t.\t{alt}\t<DEL>\t.\t.\tEND={position + len(ref)}",
        "SVLEN": f"chr1\t{position + 1}\t.\t{alt}\t<DEL>\t.\t.\tSVLEN=-{len(ref) - 1}",
        "both": f"chr1\t{position + 1}\t.\t{alt}\t<DEL>\t.\t.\tEND={position + len(ref)};SVLEN=-{len(ref) - 1}",
    }
    found = {name: read_all(scored(pair, tmp_path, [line]))[0] for name, line in lines.items()}
    assert probabilities(found["explicit"])["SOMATIC_TUMOR"] > 0.9
    for name in ("END", "SVLEN", "both"):
        assert scores(found[name]) == scores(found["explicit"]), name
    assert found["END"].stop == position + len(ref)
    assert found["both"].info["SVLEN"] == -(len(ref) - 1)


def test_shifted_records_of_one_deletion_are_one(pair: Pair, tmp_path: Path) -> None:
    """CACA less in CACACACACACACACA, written at the left, in the middle and at the right of the repeat."""
    locus = pair.site("repeat deletion").locus
    found = [scores(read_all(scored(pair, tmp_path, [locus.record(shift)]))[0]) for shift in (0, 3, 6, 12)]
    assert found[1:] == found[:1] * 3
    padded = (
        locus.start - 5,
        pair.sequence[locus.start - 5 : locus.end + 3],
        locus.haplotype[locus.start - 5 : locus.start + 3],
    )
    assert scores(read_all(scored(pair, tmp_path, [padded]))[0]) == found[0]


def test_shifted_records_of_one_insertion_are_one(pair: Pair, tmp_path: Path) -> None:
    locus = pair.site("tandem").locus
    left = locus.start - 13
    unit = pair.sequence[left : left + 12]
    assert locus.haplotype == pair.sequence[:left] + unit + pair.sequence[left:]
    records = [locus.record(), (left, pair.sequence[left], pair.sequence[left] + locus.haplotype[left + 1 : left + 13])]
    found = [scores(read_all(scored(pair, tmp_path, [record]))[0]) for record in records]
    assert found[0] == found[1]


def test_alleles_of_one_record_are_judged_like_records(pair: Pair, tmp_path: Path) -> None:
    position, ref, alt = pair.site("germline het").locus.record()
    other = other_base(ref, 3) if other_base(ref, 3) != alt else other_base(ref, 2)
    deletion = (position - 1, pair.sequence[position - 1 : position + 1], pair.sequence[position - 1])
    separate = read_all(scored(pair, tmp_path, [deletion, (position, ref, alt), (position, ref, other)]))
    before = pair.sequence[position - 1]
    joined = f"{before}{alt},{before},{before}{other}"
    together = read_all(scored(pair, tmp_path, [(position - 1, before + ref, joined)]))[0]
    for event in EVENTS:
        values = [record.info[f"PROB_{event}"][0] for record in separate]
        assert together.info[f"PROB_{event}"] == (values[1], values[0], values[2])
    for sample in ("tumor", "normal"):
        assert together.samples[sample]["AF"][0] == separate[1].samples[sample]["AF"][0]
        assert together.samples[sample]["AF"][2] == separate[2].samples[sample]["AF"][0]
    assert max(probabilities(together), key=probabilities(together).__getitem__) == "GERMLINE_HET"


def test_no_candidates(pair: Pair, tmp_path: Path) -> None:
    for name in ("empty.vcf", "empty.vcf.gz", "empty.bcf"):
        out = scored(pair, tmp_path, [], name)
        assert read_all(out) == []
        with pysam.VariantFile(str(out)) as handle:
            assert list(handle.header.samples) == ["tumor", "normal"]
            assert "PROB_SOMATIC_TUMOR" in handle.header.info


def test_every_suffix_holds_the_same(pair: Pair, all_sites: Path, tmp_path: Path) -> None:
    expected = [scores(record) for record in read_all(all_sites)]
    for name, index in (("out.vcf.gz", ".tbi"), ("out.bcf", ".csi")):
        out = scored(pair, tmp_path, name=name)
        assert [scores(record) for record in read_all(out)] == expected
        assert out.with_name(name + index).exists()
        with pysam.VariantFile(str(out)) as handle:
            start = pair.sites[3].locus.start
            assert len(list(handle.fetch("chr1", start - 5, start + 5))) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "candidates.vcf", "out.bcf", "out.bcf.csi", "out.vcf.gz", "out.vcf.gz.tbi",
    ]  # fmt: skip


def test_candidates_in_every_format(pair: Pair, all_sites: Path, tmp_path: Path) -> None:
    plain = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    zipped, binary = tmp_path / "c.vcf.gz", tmp_path / "c.bcf"
    pysam.tabix_compress(str(plain), str(zipped))
    with pysam.VariantFile(str(plain)) as source, pysam.VariantFile(str(binary), "wb", header=source.header) as target:
        for record in source:
            target.write(record)
    assert gzip.decompress(zipped.read_bytes()) == plain.read_bytes()
    for path in (zipped, binary):
        assert body(scored(pair, tmp_path, path)) == body(all_sites)


def test_stdout_is_the_file(pair: Pair, all_sites: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    score_posterior(ScorePosteriorOptions(**(pair.options(candidates, Path("-")))))
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == body(all_sites)
    assert [path.name for path in tmp_path.iterdir()] == ["candidates.vcf"]


def test_threads_change_no_byte(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("varproof.variants.chunks.CHUNK_CANDIDATES", 2)
    one, two = (scored(pair, tmp_path, name=f"{threads}.vcf.gz", threads=threads) for threads in (1, 2))
    assert one.read_bytes() == two.read_bytes()


def test_blocks_change_nothing(pair: Pair, all_sites: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Candidates are scored in blocks; alleles of a record stay together."""
    monkeypatch.setattr("varproof.posterior.run.BLOCK", 3)
    assert body(scored(pair, tmp_path)) == body(all_sites)


def test_evidence_files_stand_for_reads(pair: Pair, all_sites: Path, tmp_path: Path) -> None:
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    evidence = {}
    for sample in ("tumor", "normal"):
        evidence[sample] = tmp_path / f"{sample}.h5"
        collect_evidence(
            CollectEvidenceOptions(
                candidates=candidates, reads=getattr(pair, sample), reference=pair.reference, alignment=pair.properties,
                output=evidence[sample],
            )
        )  # fmt: skip
    assert body(scored(pair, tmp_path, candidates, **evidence)) == body(all_sites)
    assert body(scored(pair, tmp_path, candidates, "mixed.vcf", normal=evidence["normal"])) == body(all_sites)
    searched = [
        scored(pair, tmp_path, candidates, f"{i}.vcf", territory=None, **given) for i, given in enumerate(({}, evidence))
    ]
    assert body(searched[0]) == body(searched[1]) != body(all_sites)
    fewer = write_records(tmp_path / "fewer.vcf", pair.records()[:-1], pair)
    moved = write_records(tmp_path / "moved.vcf", [(pair.records()[0][0], "ACGT"[0], "ACGT"[1]), *pair.records()[1:]], pair)
    for other in (fewer, moved):
        with pytest.raises(UserError, match=r"tumor\.h5: evidence of other candidates"):
            scored(pair, tmp_path, other, "none.vcf", **evidence)
    assert not (tmp_path / "none.vcf").exists()


def test_a_learnt_prior_gives_the_same_scores(pair: Pair, all_sites: Path, tmp_path: Path) -> None:
    prior = tmp_path / "prior.json"
    first = scored(pair, tmp_path, learnt_prior=prior)
    assert body(first) == body(all_sites)
    second = scored(pair, tmp_path, name="second.vcf", prior=str(prior))
    assert body(second) == body(first)
    again = tmp_path / "again.json"
    scored(pair, tmp_path, name="third.vcf", prior=str(prior), learnt_prior=again)
    assert again.read_bytes() == prior.read_bytes()


def test_a_prior_from_elsewhere_changes_the_scores(pair: Pair, all_sites: Path, tmp_path: Path) -> None:
    """Learnt on all, used on one: the same score as among all. Learnt on one alone it would be another."""
    prior = tmp_path / "prior.json"
    scored(pair, tmp_path, learnt_prior=prior)
    alone = read_all(scored(pair, tmp_path, pair.records()[3:4], prior=str(prior)))[0]
    assert scores(alone) == scores(read_all(all_sites)[3])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rates": {}}, "prior.json"),
        ({"typo": 1}, "key 'typo'"),
        ({"classes": ["snv"]}, "another version"),
        (None, "not valid JSON"),
    ],
)
def test_priors_that_are_none(change: dict[str, Any] | None, message: str, pair: Pair, tmp_path: Path) -> None:
    prior = tmp_path / "prior.json"
    scored(pair, tmp_path, learnt_prior=prior)
    prior.write_text("{" if change is None else json.dumps(json.loads(prior.read_text()) | change))
    with pytest.raises(UserError, match=message):
        scored(pair, tmp_path, name="none.vcf", prior=str(prior))
    assert not (tmp_path / "none.vcf").exists()


def test_tumour_only(pair: Pair, tmp_path: Path) -> None:
    out = read_all(scored(pair, tmp_path, normal=None, alignment_normal=None))
    assert list(out[0].samples) == ["tumor"]
    by_name = {site.name: probabilities(record) for site, record in zip(pair.sites, out, strict=True)}
    for found in by_name.values():
        assert sum(found.values()) == pytest.approx(1.0, abs=1e-4)
    assert by_name["absent"]["ABSENT"] > 0.99
    assert by_name["somatic snv"]["ABSENT"] + by_name["somatic snv"]["ARTIFACT"] < 0.05
    assert by_name["germline hom"]["GERMLINE_HOM"] > 0.5


def test_purity_scales_the_frequency(pair: Pair, tmp_path: Path) -> None:
    """16 of 40 reads: 0.4 of a pure tumour's copies, all of a tumour's that makes up 40 % of the sample."""
    for purity in (1.0, 0.8, 0.5, 0.4):
        record = read_all(scored(pair, tmp_path, purity=purity))[0]
        assert record.samples["tumor"]["VP_MAP"][0] == pytest.approx(0.4 / purity, abs=0.06)


def test_measured_properties_give_the_same_calls(pair: Pair, tmp_path: Path) -> None:
    """Without alignment.json the sample is measured on the spot, and its territory told from the index."""
    out = scored(pair, tmp_path, alignment_tumor=None, alignment_normal=None, territory=None)
    for site, record in zip(pair.sites, read_all(out), strict=True):
        found = probabilities(record)
        assert max(found, key=found.__getitem__) == site.event, site.name


def test_a_larger_territory_makes_variants_rarer(pair: Pair, tmp_path: Path) -> None:
    """The same variants in ten times as many bases: of both rates r, T r + ln(r / u) / sd^2 is their number."""
    numbers = []
    for territory in (1e6, 1e7):
        prior = tmp_path / "prior.json"
        scored(pair, tmp_path, territory=territory, learnt_prior=prior)
        rate = json.loads(prior.read_text())["rates"]["SOMATIC_TUMOR"][0]
        numbers.append(3 * territory * rate + math.log(rate / (1e-6 / 3)) / 4)
    assert numbers[0] == pytest.approx(numbers[1], rel=0.05)


def test_regions_are_the_territory(pair: Pair, tmp_path: Path) -> None:
    """As far as they are covered: overlapping intervals count once."""
    bed = tmp_path / "searched.bed"
    bed.write_text("chr1\t0\t900\nchr1\t600\t1500\n")
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    prior = tmp_path / "prior.json"
    scored(pair, tmp_path, candidates, regions=bed, territory=None, learnt_prior=prior)
    assert json.loads(prior.read_text())["territory"] == 1500


def test_contamination_that_is_given_is_used(pair: Pair, tmp_path: Path) -> None:
    prior = tmp_path / "prior.json"
    scored(pair, tmp_path, normal_contamination=0.05, learnt_prior=prior)
    assert json.loads(prior.read_text())["normal_contamination"] == 0.05


@pytest.mark.parametrize(
    ("old", "new", "told", "line"),
    [
        ("##contig=<ID=chr1", "##contig=<ID=chr7", None, "##contig=<ID=chr1,length="),
        ("##FILTER=<ID=LowQual", "##FILTER=<ID=Other", "FILTER LowQual", "##FILTER=<ID=LowQual,"),
        ("##INFO=<ID=DB", "##INFO=<ID=Other", "INFO DB", "##INFO=<ID=DB,Number=0,Type=Flag"),
    ],
)
@pytest.mark.parametrize("name", ["out.vcf", "out.bcf"])
def test_what_the_header_does_not_declare_is_declared_and_told(
    old: str, new: str, told: str | None, line: str, name: str, pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A contig with its length in the reference, fields as strings or flags; one warning names what was added."""
    (start, ref, alt), *_ = pair.records()
    path = write_records(tmp_path / "in.vcf", [f"chr1\t{start + 1}\t.\t{ref}\t{alt}\t.\tLowQual\tDB"], pair)
    path.write_text(path.read_text().replace(old, new))
    with caplog.at_level("WARNING"):
        out = scored(pair, tmp_path, path, name)
    with pysam.VariantFile(str(out)) as handle:
        assert line in str(handle.header)
        (record,) = handle
        assert (list(record.filter), record.info["DB"]) == (["LowQual"], True)
    warnings = [item.getMessage() for item in caplog.records if "does not describe" in item.getMessage()]
    assert len(warnings) == (told is not None)
    assert told is None or told in warnings[0]


def test_segments_say_where_germline_variants_lie(pair: Pair, tmp_path: Path) -> None:
    """A variant of two reads in five: germline where the segment has heterozygous ones at that fraction, not after a loss."""
    probability = []
    for name, total, minor in (("lost", 1.0, 0.0), ("alike", 2.0, (0.4 * 2.0 - (1.0 - PURITY)) / PURITY)):
        segments = tmp_path / f"{name}.tsv"
        write_segments(segments, [Segment("chr1", 0, len(pair.sequence), total, minor)])
        calls = scored(pair, tmp_path, name=f"{name}.vcf", normal=None, alignment_normal=None, segments=segments)
        probability.append(probabilities(read_all(calls)[0])["GERMLINE_HET"])
        assert '"copies": {' in calls.read_text()
    assert probability[1] > 2.0 * probability[0]
