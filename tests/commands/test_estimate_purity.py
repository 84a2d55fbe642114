"""estimate-purity on a small pair with changed copy numbers, and score-posterior --purity auto on it."""

import json
from pathlib import Path

import pytest

from varproof.formats.json_file import read_json
from varproof.formats.purity import Purity
from varproof.formats.segments import read_segments
from varproof.machinery.errors import UserError
from varproof.reads.reference import contig_lengths
from varproof.simulation.pair import simulate_pair
from varproof.simulation.settings import SimulationSettings
from varproof.steps.build_panel import BuildPanelSettings, build_panel
from varproof.steps.estimate_purity import EstimatePuritySettings, _in_file_name, estimate_purity
from varproof.steps.purity import purity_given, with_purity
from varproof.steps.score_posterior import ScorePosteriorSettings, score_posterior

PURITY = 0.7


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("purity") / "pair"
    settings = SimulationSettings(
        genome_length=240_000, contigs=2, purity=PURITY, tumor_depth=60, copy_number_fraction=0.6, germline=480,
        somatic_snvs=20, somatic_mnvs=0, somatic_insertions=2, somatic_deletions=2, max_indel_length=20, seed=2,
    )  # fmt: skip
    simulate_pair(settings, folder, 1)
    return folder


def options(pair: Path, output: Path, **changed: object) -> EstimatePuritySettings:
    given = {"tumor": pair / "tumor.bam", "reference": pair / "reference.fa", "output": output, **changed}
    return EstimatePuritySettings(**given)


def right_share(found: Path, pair: Path) -> float:
    """Share of the genome whose copies are those of the truth."""
    lengths = contig_lengths(pair / "reference.fa")
    truth, called = (read_segments(path, lengths) for path in (pair / "segments.tsv", found))
    right = 0
    for contig, length in lengths.items():
        for position in range(500, length, 1000):
            one, two = truth.at(contig, position), called.at(contig, position)
            assert one is not None and two is not None
            right += (one.total, one.minor) == (two.total, two.minor)
    return right * 1000 / sum(lengths.values())


@pytest.mark.parametrize("beside", ["normal", "panel", "nothing"])
def test_purity_and_segments_of_a_small_pair(beside: str, pair: Path, tmp_path: Path) -> None:
    panel = tmp_path / "panel.h5"
    if beside == "panel":
        build_panel(BuildPanelSettings(reads=[pair / "normal.bam"], reference=pair / "reference.fa", output=panel))
    given = {"normal": {"normal": pair / "normal.bam"}, "panel": {"panel": panel}, "nothing": {}}[beside]
    estimate_purity(options(pair, tmp_path / "purity.json", plot=tmp_path / "picture", **given))
    found = read_json(tmp_path / "purity.json", Purity)
    assert found.purity == pytest.approx(PURITY, abs=0.05) and found.purity_low <= PURITY <= found.purity_high
    assert right_share(tmp_path / "segments.tsv", pair) > 0.85
    assert (found.normal_depth is not None) == (beside == "normal")
    assert _in_file_name("HLA/A") == "HLA%2FA" and _in_file_name("chr1") == "chr1"
    names = {path.name for path in tmp_path.glob("picture*")}
    assert names == {"picture.svg", "picture.png", "picture.chr1.png", "picture.chr2.png"}
    assert "plot" not in json.loads(found.provenance)["options"]


def test_workers_and_pieces_change_nothing(pair: Path, tmp_path: Path) -> None:
    lines = [f"chr{n}\t{start}\t{start + 1500}\n" for n in (1, 2) for start in range(0, 119_000, 1500)]
    (tmp_path / "regions.bed").write_text("".join(lines))
    texts = []
    for threads in (1, 2):
        output = tmp_path / f"{threads}.json"
        changed = {"threads": threads, "regions": tmp_path / "regions.bed", "output_segments": tmp_path / "s.tsv"}
        estimate_purity(options(pair, output, **changed))
        texts.append(output.read_text())
    assert texts[0] == texts[1]


def test_given_segments_and_known_sites(pair: Path, tmp_path: Path) -> None:
    import pysam

    known = tmp_path / "known.vcf"
    with pysam.VariantFile(str(pair / "truth.vcf.gz")) as truth:
        lines = [str(record) for record in truth if len(record.ref) == 1 and len(record.alts[0]) == 1]
        known.write_text(str(truth.header) + "".join(lines))
    pysam.tabix_compress(str(known), f"{known}.gz")
    pysam.tabix_index(f"{known}.gz", preset="vcf")
    changed = {"segments": pair / "segments.tsv", "known_sites": Path(f"{known}.gz")}
    estimate_purity(options(pair, tmp_path / "purity.json", **changed))
    found = read_json(tmp_path / "purity.json", Purity)
    assert found.purity == pytest.approx(PURITY, abs=0.05)
    assert right_share(tmp_path / "segments.tsv", pair) == 1


def test_calls_are_on_the_picture(pair: Path, tmp_path: Path) -> None:
    fixed = {"candidates": pair / "candidates.vcf.gz", "reference": pair / "reference.fa", "output": tmp_path / "scored.vcf"}
    score_posterior(ScorePosteriorSettings(**fixed, tumor=pair / "tumor.bam", normal=pair / "normal.bam", purity="auto"))
    changed = {"normal": pair / "normal.bam", "calls": tmp_path / "scored.vcf", "plot": tmp_path / "picture"}
    estimate_purity(options(pair, tmp_path / "purity.json", **changed))
    picture = (tmp_path / "picture.svg").read_text()
    assert "somatic calls" in picture and "one copy in all tumour cells" in picture
    found = read_json(tmp_path / "purity.json", Purity)
    assert found.told_by == "copy number" and found.purity == pytest.approx(PURITY, abs=0.05)


def test_what_is_wrong_is_said_before_anything_is_read(pair: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tsv"
    bad.write_text("contig\tstart\tend\ttotal\tminor\nchr1\t0\t999999999\t2\t1\n")
    for changed, said in (
        ({"segments": bad}, "ends outside of chr1"),
        ({"calls": pair / "candidates.vcf.gz"}, "score the calls with score-posterior"),
        ({"known_sites": bad}, "not a readable VCF"),
        ({"output": tmp_path / "none" / "purity.json"}, "does not exist"),
    ):
        with pytest.raises(UserError, match=said):
            estimate_purity(options(pair, tmp_path / "purity.json").model_copy(update=changed))
    assert not (tmp_path / "purity.json").exists()


def test_purity_of_score_posterior_is_a_number_auto_or_a_file(pair: Path, tmp_path: Path) -> None:
    assert purity_given("0.5") == 0.5 and purity_given("auto") == "auto" and purity_given("p.json") == Path("p.json")
    assert purity_given(Path("purity")) == Path("purity") and purity_given("./purity") == Path("purity")
    for wrong in ("1.5", "nan", "half", 0, None):
        with pytest.raises(ValueError, match="over 0 and up to 1"):
            purity_given(wrong)
    fixed = {"candidates": pair / "candidates.vcf.gz", "reference": pair / "reference.fa", "output": tmp_path / "o.vcf"}
    settings = ScorePosteriorSettings(**fixed, tumor=pair / "tumor.bam", normal=pair / "normal.bam", purity="auto")
    assert with_purity(settings)[0].purity == pytest.approx(PURITY, abs=0.05)
    same = settings.model_copy(update={"purity": 0.4})
    assert with_purity(same) == (same, None)
    estimate_purity(options(pair, tmp_path / "purity.json"))
    told = read_json(tmp_path / "purity.json", Purity)
    assert with_purity(settings.model_copy(update={"purity": tmp_path / "purity.json"})) == (
        settings.model_copy(update={"purity": told.purity}),
        told,
    )
    text = (tmp_path / "purity.json").read_text().replace(f'"purity": {told.purity}', '"purity": null', 1)
    (tmp_path / "purity.json").write_text(text.replace("copy number", "nothing", 1))
    with pytest.raises(UserError, match="could not tell the purity"):
        with_purity(settings.model_copy(update={"purity": tmp_path / "purity.json"}))
    (tmp_path / "evidence.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
    with pytest.raises(UserError, match="is an evidence file"):
        with_purity(settings.model_copy(update={"tumor": tmp_path / "evidence.h5"}))
