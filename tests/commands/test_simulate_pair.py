"""simulate-pair end to end: what is in the folder, that it agrees with itself, and what is refused."""

import filecmp
import json
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pysam
import pytest
from pydantic import ValidationError
from scipy import stats

from varproof.commands.simulate_pair import Options, simulate
from varproof.formats.segments import read_segments
from varproof.machinery.errors import UserError
from varproof.simulation.neighbours import MAKERS
from varproof.simulation.pair import SimulationSummary

SMALL = {
    "genome_length": 40_000,
    "contigs": 2,
    "somatic_snvs": 60,
    "somatic_mnvs": 6,
    "somatic_insertions": 20,
    "somatic_deletions": 20,
    "germline": 60,
    "tumor_depth": 60,
    "normal_depth": 20,
    "empty_sites": 30,
    "log_level": "warning",
}
FILES = [
    "candidates.vcf.gz",
    "candidates.vcf.gz.tbi",
    "normal.bam",
    "normal.bam.bai",
    "reference.fa",
    "reference.fa.fai",
    "simulation.json",
    "truth.vcf.gz",
    "truth.vcf.gz.tbi",
    "tumor.bam",
    "tumor.bam.bai",
]


def simulated(output: Path, **changes: object) -> Path:
    simulate(Options(output=output, **(SMALL | changes)))
    return output


def key(record: pysam.VariantRecord) -> tuple[str, int, str, str]:
    return record.chrom, record.pos, record.ref, record.alts[0]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("pair") / "out", seed=5)


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("hard") / "out", seed=5, artifacts=["all"])


def test_folder_holds_what_is_promised(pair: Path) -> None:
    assert sorted(path.name for path in pair.iterdir()) == FILES
    assert [path.name for path in pair.parent.iterdir()] == ["out"]
    summary = json.loads((pair / "simulation.json").read_text())
    assert next(iter(summary.items())) == ("schema", "varproof/simulation/1")
    assert summary["planted"]["SOMATIC_TUMOR:snv"] == 60
    assert summary["candidates"]["empty"] == 30
    assert summary["settings"]["seed"] == 5
    for sample, depth in (("tumor", 60), ("normal", 20)):
        assert summary["read_pairs"][sample] == pytest.approx(depth * 40_000 / 200, rel=0.05)
        with pysam.AlignmentFile(str(pair / f"{sample}.bam")) as bam:
            assert bam.header["RG"][0]["SM"] == sample
            assert 2 * summary["read_pairs"][sample] == sum(not read.is_supplementary for read in bam.fetch(until_eof=True))


@pytest.mark.parametrize("folder", ["pair", "hard"])
def test_truth_and_candidates_agree_with_the_reference(folder: str, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(folder)
    with pysam.FastaFile(str(path / "reference.fa")) as reference:
        truth = {key(record): record for record in pysam.VariantFile(str(path / "truth.vcf.gz"))}
        candidates = [record for record in pysam.VariantFile(str(path / "candidates.vcf.gz"))]
        for record in [*truth.values(), *candidates]:
            assert reference.fetch(record.chrom, record.start, record.stop) == record.ref
            assert record.ref != record.alts[0]
    keys = [key(record) for record in candidates]
    assert len(set(keys)) == len(keys)
    assert keys == sorted(keys)
    assert all(not dict(record.info) for record in candidates)
    for known, record in truth.items():
        if record.info["EVENT"] == "ARTIFACT":
            assert record.info["ARTIFACT_KIND"]
        else:
            assert known in set(keys)
            assert 0 < record.info["AF"][0] <= 1
    events = {record.info["EVENT"] for record in truth.values()}
    assert ("ARTIFACT" in events) == (folder == "hard")


@pytest.mark.parametrize("folder", ["pair", "hard"])
def test_mates_agree(folder: str, request: pytest.FixtureRequest) -> None:
    with pysam.AlignmentFile(str(request.getfixturevalue(folder) / "tumor.bam")) as bam:
        pairs: dict[str, list] = {}
        for read in bam.fetch(until_eof=True):
            if not read.is_supplementary:
                pairs.setdefault(read.query_name, []).append(read)
    proper = 0
    for mates in pairs.values():
        assert len(mates) == 2
        assert mates[0].is_read1 != mates[1].is_read1
        for own, mate in (mates, mates[::-1]):
            assert own.is_paired and not own.is_secondary
            assert own.mate_is_unmapped == mate.is_unmapped
            assert own.mate_is_reverse == mate.is_reverse
            assert own.next_reference_id == mate.reference_id
            assert own.next_reference_start == mate.reference_start
            assert own.template_length == -mate.template_length
            assert own.is_duplicate == mate.is_duplicate
            assert own.is_proper_pair == mate.is_proper_pair
        proper += mates[0].is_proper_pair
    assert proper / len(pairs) > 0.97


def reads_with(bam: pysam.AlignmentFile, record: pysam.VariantRecord) -> tuple[int, int]:
    """(fragments with the alternative base, all), bases of quality 25 or more, overlapping mates once."""
    shown: dict[str, bool] = {}
    for column in bam.pileup(
        record.chrom, record.start, record.start + 1, truncate=True, min_base_quality=25, max_depth=100_000
    ):
        for read in column.pileups:
            if read.query_position is not None:
                shown[read.alignment.query_name] = read.alignment.query_sequence[read.query_position] == record.alts[0]
    return sum(shown.values()), len(shown)


def test_planted_snvs_have_their_frequency_in_the_reads(pair: Path) -> None:
    purity, found = 0.75, {"tumor": [0, 0.0, 0.0], "normal": [0, 0.0, 0.0]}
    for sample, totals in found.items():
        with pysam.AlignmentFile(str(pair / f"{sample}.bam")) as bam:
            for record in pysam.VariantFile(str(pair / "truth.vcf.gz")):
                if record.info["CLASS"] != "snv" or record.info["EVENT"] == "GERMLINE_HOM":
                    continue
                in_normal = 0.5 if record.info["EVENT"] == "GERMLINE_HET" else 0.0
                expected = purity * record.info["AF"][0] + (1 - purity) * in_normal if sample == "tumor" else in_normal
                with_allele, number = reads_with(bam, record)
                totals[0] += with_allele
                totals[1] += number * expected
                totals[2] += number * expected * (1 - expected)
        z = (totals[0] - totals[1]) / totals[2] ** 0.5
        assert abs(z) < 4, sample


def test_hard_data_hold_every_kind_of_artefact(hard: Path) -> None:
    kinds: set[str] = set()
    for record in pysam.VariantFile(str(hard / "truth.vcf.gz")):
        if record.info["EVENT"] == "ARTIFACT":
            kinds.update(record.info["ARTIFACT_KIND"].split("&"))
    assert kinds == {"oxidation", "deamination", "end_errors", "slippage", "paralog", "tumor_contamination"}
    summary = json.loads((hard / "simulation.json").read_text())
    pairs, duplicates = summary["read_pairs"]["tumor"], summary["duplicate_pairs"]["tumor"]
    assert stats.binomtest(duplicates, pairs - duplicates, 0.05).pvalue > 1e-4
    with pysam.AlignmentFile(str(hard / "tumor.bam")) as bam:
        marked = sum(read.is_duplicate and not read.is_supplementary for read in bam.fetch(until_eof=True))
    assert marked == 2 * duplicates


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("grouped") / "out", seed=5, neighbours=["all"], neighbour_groups=6, tumor_depth=90)


def test_truth_has_the_groups_and_candidates_all_but_the_unlisted(grouped: Path) -> None:
    truth = list(pysam.VariantFile(str(grouped / "truth.vcf.gz")))
    listed = {key(record) for record in pysam.VariantFile(str(grouped / "candidates.vcf.gz"))}
    groups = defaultdict(set)
    for record in truth:
        assert ("UNLISTED" in record.info) == (key(record) not in listed)
        if "GROUP" in record.info:
            groups[record.info["GROUP"]].add(record.info["GROUP_ID"])
            assert record.info["HAPLOTYPE"] in (1, 2)
        else:
            assert "GROUP_ID" not in record.info and "HAPLOTYPE" not in record.info
    assert {kind: len(numbers) for kind, numbers in groups.items()} == {kind: 6 for made in MAKERS.values() for kind in made}
    assert {record.info["GROUP"] for record in truth if "UNLISTED" in record.info} == {"two-alleles"}
    assert {record.info["CLASS"] for record in truth} == {"snv", "mnv", "insertion", "deletion", "replacement"}
    settings = SimulationSummary.model_validate_json((grouped / "simulation.json").read_text()).settings
    assert (settings.neighbours, settings.neighbour_groups) == (["all"], 6)


def test_reads_show_neighbours_together_in_cis_and_apart_in_trans(grouped: Path) -> None:
    """Of fragments that show both places of two SNVs with good bases."""
    pairs = defaultdict(list)
    for record in pysam.VariantFile(str(grouped / "truth.vcf.gz")):
        if record.info.get("GROUP") in ("somatic-cis", "somatic-trans", "germline-cis", "germline-trans"):
            pairs[record.info["GROUP"], record.info["GROUP_ID"]].append(record)
    shown: dict[str, Counter[int]] = defaultdict(Counter)
    with pysam.AlignmentFile(str(grouped / "tumor.bam")) as bam:
        for (kind, _), (one, other) in pairs.items():
            for read in bam.fetch(one.chrom, one.start, other.stop):
                bases = {
                    at: read.query_sequence[query]
                    for query, at in read.get_aligned_pairs(matches_only=True)
                    if at in (one.start, other.start) and read.query_qualities[query] >= 37
                }
                if len(bases) == 2:
                    shown[kind][sum(bases[record.start] == record.alts[0] for record in (one, other))] += 1
    assert shown["somatic-cis"][2] > 20 and shown["somatic-cis"][1] < 0.03 * shown["somatic-cis"].total()
    assert shown["germline-cis"][2] > 20
    for kind in ("somatic-trans", "germline-trans"):
        assert shown[kind][1] > 40 and shown[kind][2] < 0.03 * shown[kind].total()


def test_nothing_but_the_groups_tells_that_there_is_such_an_option(tmp_path: Path, pair: Path) -> None:
    """Their number alone changes no byte, and is written nowhere."""
    again = simulated(tmp_path / "out", seed=5, neighbour_groups=9)
    assert filecmp.cmpfiles(pair, again, FILES, shallow=False) == (FILES, [], [])
    assert "neighbour" not in (pair / "simulation.json").read_text()
    with pysam.VariantFile(str(pair / "truth.vcf.gz")) as truth:
        assert "neighbour" not in str(truth.header) and "GROUP" not in truth.header.info


def test_isolated_variants_are_the_same_with_groups(pair: Path, grouped: Path) -> None:
    isolated = [
        [key(record) for record in pysam.VariantFile(str(path / "truth.vcf.gz")) if "GROUP" not in record.info]
        for path in (pair, grouped)
    ]
    assert isolated[0] == isolated[1]


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    changes = {"panel_targets": 6, "target_length": 500, "consensus": "duplex", "tumor_depth": 300, "normal_depth": 100}
    changes |= {"somatic_snvs": 20, "somatic_mnvs": 0, "somatic_insertions": 3, "somatic_deletions": 3, "germline": 4}
    changes |= {"max_indel_length": 20, "ffpe_loci_per_mbp": 3000, "normal_damage_ratio": 0.0, "max_vaf": 0.5}
    return simulated(tmp_path_factory.mktemp("panel") / "out", seed=5, **changes)


def test_a_panel_of_consensus_reads_is_over_its_targets_and_has_their_tags(panel: Path) -> None:
    targets = [line.split() for line in (panel / "targets.bed").read_text().splitlines()]
    assert len(targets) == 6 and all(int(end) - int(start) == 500 for _, start, end in targets)
    truth = [record for record in pysam.VariantFile(str(panel / "truth.vcf.gz")) if record.info["EVENT"] != "ARTIFACT"]
    candidates = list(pysam.VariantFile(str(panel / "candidates.vcf.gz")))
    for record in [*truth, *candidates]:
        flank = 0 if record in truth else 600
        near = [(int(a) - flank, int(b) + flank) for contig, a, b in targets if contig == record.chrom]
        assert any(low - 1 <= record.start < high for low, high in near)
    for sample in ("tumor", "normal"):
        with pysam.AlignmentFile(str(panel / f"{sample}.bam")) as bam:
            reads = [read for read in bam.fetch(until_eof=True) if not read.is_supplementary]
        assert not any(read.is_duplicate for read in reads)
        assert max(max(read.query_qualities) for read in reads) == 90
        identifiers = Counter(read.get_tag("MI") for read in reads)
        assert set(identifiers.values()) == {2}
        assert all(read.get_tag("cD") == read.get_tag("aD") + read.get_tag("bD") for read in reads)
        proper = [read for read in reads if read.is_proper_pair]
        assert all(read.is_read1 != read.is_reverse for read in proper) and len(proper) > 0.95 * len(reads)


def test_damage_of_paraffin_is_in_the_tumour_at_its_rate_and_not_in_blood(panel: Path) -> None:
    places = [r for r in pysam.VariantFile(str(panel / "truth.vcf.gz")) if r.info["EVENT"] == "ARTIFACT"]
    assert {record.info["ARTIFACT_KIND"] for record in places} == {"formalin"}
    assert {(record.ref, record.alts[0]) for record in places} == {("C", "T"), ("G", "A")}
    shown, fragments, wrong, others = 0, 0, 0, 0
    with pysam.AlignmentFile(str(panel / "tumor.bam")) as tumor, pysam.AlignmentFile(str(panel / "normal.bam")) as normal:
        for record in places:
            one, all_of_them = reads_with(tumor, record)
            if all_of_them < 100:  # not of a target
                continue
            assert one / all_of_them < 0.10 + 4 * (0.1 * 0.9 / all_of_them) ** 0.5
            shown, fragments = shown + one, fragments + all_of_them
            one, all_of_them = reads_with(normal, record)
            wrong, others = wrong + one, others + all_of_them
    assert fragments > 2_000 and others > 700
    assert 0.03 < shown / fragments < 0.08  # uniform in 0.01-0.10 per place
    assert wrong <= 2  # as often as consensus reads are wrong


def test_reads_show_copy_numbers_and_their_frequencies(tmp_path: Path) -> None:
    """Of germline variants, fragments with the allele over all, purity 0.8: (0.8 m + 0.2 g) / (0.8 n + 0.4)."""
    changes = {"copy_number_fraction": 1.0, "purity": 0.8, "genome_length": 80_000, "contigs": 1, "germline": 150}
    output = simulated(tmp_path / "out", seed=5, **changes)
    statistic, places, depth = 0.0, 0, defaultdict(list)
    with pysam.AlignmentFile(str(output / "tumor.bam")) as bam, pysam.VariantFile(str(output / "truth.vcf.gz")) as truth:
        for record in truth:
            if record.info["CLASS"] != "snv":
                continue
            copies, event = record.info["COPY_NUMBER"], record.info["EVENT"]
            in_normal = {"GERMLINE_HET": 1, "GERMLINE_HOM": 2, "SOMATIC_TUMOR": 0}[event]
            carried = 0.8 * record.info["AF"][0] * copies + 0.2 * in_normal
            expected = carried / (0.8 * copies + 0.4)
            shown, fragments = reads_with(bam, record)
            depth[copies].append(fragments)
            if 0.02 < expected < 0.98 and fragments > 10:
                statistic += (shown - fragments * expected) ** 2 / (fragments * expected * (1 - expected))
                places += 1
    assert places > 80
    assert stats.chi2.sf(statistic, places) > 1e-4
    mean = {copies: sum(own) / len(own) for copies, own in depth.items()}
    for copies in (1, 3, 4):
        assert mean[copies] / mean[2] == pytest.approx((0.8 * copies + 0.4) / 2, rel=0.15)
    segments = read_segments(output / "segments.tsv", {"chr1": 80_000})
    assert sum(segment.end - segment.start for segment in segments) == 80_000
    with pysam.VariantFile(str(output / "truth.vcf.gz")) as truth:
        for record in truth:
            if record.info["EVENT"] != "ARTIFACT":
                segment = segments.at(record.chrom, record.start)
                assert segment is not None
                assert (segment.total, segment.minor) == (record.info["COPY_NUMBER"], record.info["MINOR_COPY_NUMBER"])
                carried = record.info["CCF"] * record.info["MULTIPLICITY"]
                assert carried == pytest.approx(record.info["AF"][0] * record.info["COPY_NUMBER"], rel=1e-5, abs=1e-6)


def test_a_cohort_of_one_population(tmp_path: Path) -> None:
    """Reads of the relative show the person's homozygous variants; the resource is what the truth says it is."""
    changes = {"population": True, "normals": 2, "relative": True, "collapsed_paralogs_per_mbp": 50, "genome_length": 60_000}
    changes |= {"contigs": 1, "subclones": [0.4], "genome_doubling": True, "somatic_snvs": 20, "tumor_depth": 20}
    output = simulated(tmp_path / "out", seed=5, **changes)
    cohort = ["normal-1.bam", "normal-2.bam", "relative.bam"]
    more = ["germline-resource.vcf.gz", "segments.tsv"]
    indices = [*(f"{name}.bai" for name in cohort), f"{more[0]}.tbi"]
    assert sorted(path.name for path in output.iterdir()) == sorted([*FILES, *cohort, *more, *indices])
    with pysam.VariantFile(str(output / more[0])) as handle:
        resource = {key(record): record.info["AF"][0] for record in handle}
        assert next(handle.fetch("chr1", 0, 60_000)).info["AF"][0] > 0
    truth = list(pysam.VariantFile(str(output / "truth.vcf.gz")))
    germline = [record for record in truth if record.info["EVENT"].startswith("GERMLINE")]
    known = [record for record in germline if "POPULATION_AF" in record.info]
    assert len(known) == round(0.97 * len(germline))
    assert all(resource[key(record)] == pytest.approx(record.info["POPULATION_AF"], rel=1e-3) for record in known)
    assert {record.info["CLONE"] for record in truth if record.info["EVENT"] == "SOMATIC_TUMOR"} == {0, 1}
    shown, fragments = 0, 0
    for name in cohort:
        with pysam.AlignmentFile(str(output / name)) as bam:
            assert bam.header["RG"][0]["SM"] == name.removesuffix(".bam")
            if name == "relative.bam":
                for record in germline:
                    if record.info["EVENT"] == "GERMLINE_HOM" and record.info["CLASS"] == "snv":
                        with_allele, number = reads_with(bam, record)
                        shown, fragments = shown + with_allele, fragments + number
    assert 0.5 < shown / fragments <= 1


def test_options_of_other_samples_change_no_byte_where_they_say_what_is_usual(tmp_path: Path, pair: Path) -> None:
    usual = {
        "known_germline": 0.5,
        "normals": 0,
        "population": False,
        "max_vaf": 1.0,
        "normal_damage_ratio": 1.0,
        "normal_library": "same",
        "consensus": "none",
        "target_length": 700,
    }
    again = simulated(tmp_path / "out", seed=5, consensus_error_rate=1e-5, ffpe_loci_per_mbp=0, **usual)
    assert filecmp.cmpfiles(pair, again, FILES, shallow=False) == (FILES, [], [])
    assert "consensus" not in (pair / "simulation.json").read_text()


@pytest.mark.parametrize("form", ["bam", "cram"])
def test_same_seed_same_bytes_whatever_the_threads(tmp_path: Path, form: str) -> None:
    changes = {"tumor_depth": 110, "germline": 30, "somatic_snvs": 10, "artifacts": ["all"], "format": form}
    changes |= {"neighbours": ["kataegis", "repeat"], "neighbour_groups": 5}
    changes |= {"population": True, "normals": 1, "relative": True, "collapsed_paralogs_per_mbp": 50}
    one = simulated(tmp_path / "one", **changes)
    (tmp_path / "elsewhere").mkdir()
    two = simulated(tmp_path / "elsewhere" / "two", threads=2, **changes)
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in two.iterdir())
    assert filecmp.cmpfiles(one, two, names, shallow=False) == (names, [], [])
    other = simulated(tmp_path / "other", seed=2, **changes)
    assert not filecmp.cmp(one / f"tumor.{form}", other / f"tumor.{form}", shallow=False)


def test_given_reference_is_used(tmp_path: Path, pair: Path) -> None:
    settings = {"somatic_snvs": 5, "germline": 5, "somatic_insertions": 2, "somatic_deletions": 2, "tumor_depth": 5}
    output = simulated(tmp_path / "out", reference=pair / "reference.fa", **settings)
    assert filecmp.cmp(output / "reference.fa", pair / "reference.fa", shallow=False)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "varproof.commands.simulate_pair", *arguments], capture_output=True, text=True)


def test_refused_options_leave_nothing_behind(tmp_path: Path) -> None:
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    (occupied / "file").touch()
    missing = tmp_path / "missing.fa"
    output = str(tmp_path / "out")
    for arguments, message in (
        (["--output", str(occupied)], "not an empty folder"),
        (["--output", str(tmp_path / "no" / "out")], "create it first"),
        (["--output", output, "--purity", "1.5"], "--purity"),
        (["--output", output, "--reference", str(missing)], "missing.fa"),
        (["--output", output, "--genome-length", "6000"], "no room"),
        (["--output", output, "--artifacts", "gremlins"], "--artifacts"),
        (["--output", output, "--neighbours", "strangers"], "--neighbours"),
        (["--output", output, "--neighbours", "somatic", "--neighbour-groups", "0"], "--neighbour-groups"),
        (["--output", output, "--genome-length", "100000", "--neighbours", "all", "--neighbour-groups", "500"], "no room"),
        (["--output", output, "--min-indel-length", "9", "--max-indel-length", "5"], "--max-indel-length"),
        ([], "--output is required"),
    ):
        result = run(*arguments)
        assert (result.returncode, "Traceback" in result.stderr) == (2, False), result.stderr
        assert message in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["occupied"]


def test_artifacts_are_named_or_given_a_strength() -> None:
    options = Options(output=Path("x"), artifacts=["slippage"], damage_rate=0.001)
    assert options.strength("slippage") == 0.06
    assert options.strength("damage") == 0.001
    assert options.strength("paralogs") == 0.0
    assert options.strength("quality-overstated") == 1.0
    assert Options(output=Path("x"), artifacts=["all"], slippage_rate=0.0).strength("slippage") == 0.0


def test_help_is_light() -> None:
    code = (
        "import sys, varproof.commands.simulate_pair; "
        "assert not {'numba', 'pyminimap2', 'scipy', 'matplotlib'} & set(sys.modules), sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    assert "--artifacts" in run("--help").stdout


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"insert_size_mean": 50, "read_length": 100}, "--insert-size-mean is below --read-length"),
        ({"genome_length": 9_000, "contigs": 2}, "each contig needs at least 5000 bp"),
        ({"min_vaf": 0.3, "max_vaf": 0.2}, "--max-vaf is below --min-vaf"),
        ({"normal_read_length": 400}, "--normal-insert-size-mean is below --normal-read-length"),
        ({"amplicons": True}, "--amplicons needs --panel-targets or --targets"),
        ({"amplicons": True, "panel_targets": 3, "target_length": 120, "read_length": 150}, "--target-length is below"),
        ({"panel_targets": 3, "targets": "some.bed"}, "give one of them"),
        ({"copy_number_fraction": 0.5, "neighbours": ["indel"]}, "not with --neighbours"),
        ({"genome_doubling": True, "neighbours": ["indel"]}, "not with --neighbours"),
        ({"segments": "some.tsv", "copy_number_fraction": 0.5}, "--segments tells all copy numbers"),
        ({"subclones": [0.7, 0.4]}, "--subclones: shares of the tumour cells"),
        ({"subclones": [0.001]}, "greater than or equal to 0.01"),
        ({"relative": True}, "--relative needs --population"),
        ({"min_indel_length": 30, "max_indel_length": 20}, "--max-indel-length is below --min-indel-length"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path: Path, changes: dict[str, int], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Options(output=tmp_path / "out", **(SMALL | changes))


def test_contigs_shorter_than_a_fragment_are_refused(tmp_path: Path) -> None:
    reference = tmp_path / "short.fa"
    reference.write_text(">one\n" + "ACGT" * 100 + "\n")
    with pytest.raises(UserError, match=r"short\.fa: no contig is as long as a fragment; \d+ bp are needed"):
        simulated(tmp_path / "out", reference=reference)
    assert not (tmp_path / "out").exists()


def test_another_library_of_the_normal_changes_nothing_but_the_normal(tmp_path: Path) -> None:
    """Its damage has other hot spots; those of the tumour, and of other persons in its library, stay."""
    few = {
        "somatic_snvs": 9,
        "somatic_mnvs": 2,
        "somatic_insertions": 4,
        "somatic_deletions": 4,
        "germline": 10,
        "empty_sites": 4,
    }
    options = few | {
        "genome_length": 15_000,
        "contigs": 1,
        "max_indel_length": 30,
        "artifacts": ["all"],
        "contexts": 1,
        "seed": 2,
    }
    same, other = (simulated(tmp_path / kind, normal_library=kind, **options) for kind in ("same", "other"))
    alike = {path.name: filecmp.cmp(path, other / path.name, shallow=False) for path in sorted(same.glob("*.bam"))}
    assert alike == {"context-1.bam": True, "normal.bam": False, "tumor.bam": True}
