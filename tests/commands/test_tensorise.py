"""tensorise end to end on a small pair: what is in the file, and that nothing irrelevant changes it."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest
from pydantic import ValidationError

from pair_examples import Pair, other_base, write_pair, write_records
from small_bams import Read, write_bam
from varproof.commands.tensorise import TensoriseOptions, tensorise
from varproof.formats.tensors import (
    FLAGS,
    NOTHING,
    SUPPORTS_ALT,
    UNKNOWN_LABEL,
    PackedTensors,
    TensorReader,
    TensorSettings,
)
from varproof.machinery.errors import UserError
from varproof.pileup import pipeline, sites
from varproof.pileup.expansion import expanded

WINDOW, DEPTH = 41, 60


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


def made(pair: Pair, folder: Path, lines: Any = None, name: str = "tensors.h5", **options: Any) -> Path:
    if not isinstance(lines, Path):
        lines = write_records(folder / "candidates.vcf", pair.records() if lines is None else lines, pair)
    values = {
        "candidates": lines, "reference": pair.reference, "tumor": pair.tumor, "normal": pair.normal, "window": WINDOW,
        "depth": DEPTH, "output": folder / name,
    } | options  # fmt: skip
    tensorise(TensoriseOptions(**{key: value for key, value in values.items() if value is not None}))
    return folder / name


def content(path: Path) -> PackedTensors:
    with TensorReader(path) as reader:
        return reader.read(0, reader.size)


def alt_fractions(tensors: PackedTensors) -> np.ndarray:
    """Share of rows that carry the alternative, of each candidate and track."""
    tracks = tensors.size * tensors.tracks
    pile = np.repeat(np.arange(tracks), np.diff(tensors.row_offset))
    carries = (tensors.rows[:, FLAGS] & SUPPORTS_ALT) > 0
    return (np.bincount(pile, carries, tracks) / np.bincount(pile, minlength=tracks)).reshape(tensors.size, -1)


def test_the_tensors_of_a_pair(pair: Pair, tmp_path: Path) -> None:
    path = made(pair, tmp_path, patient="somebody")
    with TensorReader(path) as reader:
        header = reader.header
        tensors = reader.read(0, reader.size)
    assert header.settings == TensorSettings(window=WINDOW, depth=DEPTH, tracks=("tumor", "normal"))
    assert header.samples == ["tumor.bam", "normal.bam"] and header.patient == "somebody"
    assert header.contigs == {"chr1": len(pair.sequence), "chr2": 2060}
    assert '"tumor.bam"' in header.provenance and '"window": 41' in header.provenance
    assert tensors.record.tolist() == list(range(8)) and (tensors.skipped == "").all()
    assert [(p, r, a) for p, r, a in zip(tensors.position, tensors.ref, tensors.alt, strict=True)] == pair.records()
    assert (tensors.label == UNKNOWN_LABEL).all()
    fractions = alt_fractions(tensors)
    for site, found in zip(pair.sites, fractions, strict=True):
        assert found == pytest.approx([site.tumor, site.normal], abs=0.2), site.name
        assert (found > 0).tolist() == [site.tumor > 0, site.normal > 0], site.name


@pytest.mark.parametrize("rows", ["candidate", "window"])
def test_chunks_stretches_and_threads_change_nothing(
    rows: str, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made(pair, tmp_path, rows=rows, soft_clips=True)
    threads = made(pair, tmp_path, name="threads.h5", rows=rows, soft_clips=True, threads=2)
    assert whole.read_bytes() == threads.read_bytes()
    for room, constant, value in ((pipeline, "CHUNK_CANDIDATES", 3), (sites, "STRETCH_GAP", 100), (sites, "STRETCH_SPAN", 800)):
        monkeypatch.setattr(room, constant, value)
        assert_same_tensors(content(made(pair, tmp_path, name=f"{constant}.h5", rows=rows, soft_clips=True)), content(whole))


def test_cram_gives_the_same(pair: Pair, tmp_path: Path) -> None:
    cram = tmp_path / "tumor.cram"
    pysam.view("-C", "-T", str(pair.reference), "-o", str(cram), str(pair.tumor), catch_stdout=False)
    pysam.index(str(cram))
    assert_same_tensors(content(made(pair, tmp_path, tumor=cram)), content(made(pair, tmp_path, name="bam.h5")))


def assert_same_tensors(first: PackedTensors, second: PackedTensors) -> None:
    for name in ("record", "centre", "label", "skipped", "track_sample", "reference", "allele_code", "row_offset", "base",
                 "quality", "rows"):  # fmt: skip
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


def test_candidates_without_a_tensor(pair: Pair, tmp_path: Path) -> None:
    snv = pair.site("somatic snv").locus.record()
    base = pair.sequence[snv[0] + 5]
    lines = [
        snv,
        f"chr1\t{snv[0] + 6}\t.\t{base}\t{base}[chr2:100[\t.\t.\t.",
        f"chr1\t{snv[0] + 6}\t.\t{base}\t.\t.\t.\t.",
        f"chr1\t{snv[0] + 6}\t.\t{base}\t{other_base(base)},*\t.\t.\t.",
        f"chr2\t1030\t.\t{pysam.FastaFile(str(pair.reference)).fetch('chr2', 1029, 1030)}\tN\t.\t.\t.",
        "chr2\t2030\t.\tN\tA\t.\t.\t.",
    ]
    tensors = content(made(pair, tmp_path, lines, truth=write_records(tmp_path / "truth.vcf", [snv], pair)))
    assert tensors.skipped.tolist() == [
        "", "breakend", "", "spanning_deletion", "no_reference_sequence", "no_reference_sequence"
    ]  # fmt: skip
    assert tensors.record.tolist() == [0, 1, 3, 3, 4, 5] and tensors.allele.tolist() == [0, 0, 0, 1, 0, 0]
    assert tensors.alt.tolist()[1:4] == [f"{base}[chr2:100[", other_base(base), "*"]
    skipped = tensors.skipped != ""
    assert not tensors.depths[skipped].any() and not tensors.reference[skipped].any()
    assert (tensors.track_sample[skipped] == -1).all() and (tensors.depths[~skipped] > 15).all()
    assert tensors.label.tolist() == [1, UNKNOWN_LABEL, 0, UNKNOWN_LABEL, 0, 0]


def test_ends_of_contigs_and_places_without_reads(pair: Pair, tmp_path: Path) -> None:
    """Windows that stick out of the contig, and piles without reads, are valid tensors."""
    with pysam.FastaFile(str(pair.reference)) as fasta:
        first, middle = fasta.fetch("chr2", 0, 1), fasta.fetch("chr2", 999, 1000)
    end = len(pair.sequence)
    lines = [
        f"chr1\t1\t.\t{pair.sequence[:2]}\t{pair.sequence[0]}\t.\t.\t.",
        f"chr1\t{end}\t.\t{pair.sequence[-1]}\t{other_base(pair.sequence[-1])}\t.\t.\t.",
        f"chr2\t1\t.\t{first}\t{first}ACGT\t.\t.\t.",
        f"chr2\t1000\t.\t{middle}\t{other_base(middle)}\t.\t.\t.",
    ]
    tensors = content(made(pair, tmp_path, lines))
    assert (tensors.skipped == "").all() and not tensors.depths.any()
    beyond = (tensors.reference == NOTHING).sum(axis=1)
    half = WINDOW // 2
    assert beyond.tolist() == [half - 1, half, half - 1, 0]
    assert expanded(tensors).shape == (4, WINDOW, DEPTH, 14)


def test_a_contig_that_a_sample_does_not_have(pair: Pair, tmp_path: Path) -> None:
    site = pair.site("germline hom").locus
    start = site.start - 30
    read = Read("r", start, "60M", pair.sequence[start : start + 60], [30] * 60)
    other = write_bam(tmp_path / "other.bam", {"chrM": 500}, [Read("m", 1, "50M", "A" * 50, [30] * 50)])
    short = write_bam(tmp_path / "short.bam", {"chr1": 5000, "chr2": 2060}, [])
    both = write_bam(tmp_path / "both.bam", {"chr1": len(pair.sequence)}, [read])
    tensors = content(made(pair, tmp_path, [site.record()], tumor=both, normal=other))
    assert tensors.depths.tolist() == [[1, 0]]
    with pytest.raises(UserError, match="contig 'chr1' has 5000 bp, but 6300 bp"):
        made(pair, tmp_path, [site.record()], normal=short)


def test_mistakes_in_candidates(pair: Pair, tmp_path: Path) -> None:
    base = pair.sequence[500]
    for line, message in [
        (f"chr1\t501\t.\t{other_base(base)}\t{base}\t.\t.\t.", "chr1:501 has REF"),
        ("chr1\t99999\t.\tA\tC\t.\t.\t.", "lies beyond the contig"),
        ("chr3\t5\t.\tA\tC\t.\t.\t.", "contig 'chr3' is not in"),
    ]:
        path = write_records(tmp_path / "candidates.vcf", [line], pair)
        if "chr3" in line:
            path.write_text(path.read_text().replace("##contig=<ID=chr2", "##contig=<ID=chr3,length=9>\n##contig=<ID=chr2"))
        with pytest.raises(UserError, match=message):
            made(pair, tmp_path, path)
        assert not (tmp_path / "tensors.h5").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 40}, "must be odd"),
        ({"context": ["a.bam"], "context_pool": "pool.tsv", "patient": "p"}, "--context or --context-pool"),
        ({"context_pool": "pool.tsv"}, "needs --patient"),
        ({"contexts": 2}, "choose from a --context-pool"),
        ({"library": "wgs"}, "choose from a --context-pool"),
        ({"truth": "t.vcf", "labels": "l.tsv"}, "--truth or --labels"),
        ({"picture": ["chr1:5"]}, "--picture needs --pictures"),
    ],
)
def test_options_that_contradict_each_other(options: dict[str, Any], message: str) -> None:
    required = {"candidates": "c.vcf", "reference": "r.fa", "tumor": "t.bam", "output": "o.h5"}
    with pytest.raises(ValidationError, match=message):
        TensoriseOptions(**required, **options)


def test_defaults_are_those_of_the_format() -> None:
    for name, field in TensorSettings.model_fields.items():
        if name != "tracks":
            own = TensoriseOptions.model_fields[name]
            assert (own.default, own.annotation, own.metadata) == (field.default, field.annotation, field.metadata)


def pool_of(pair: Pair, folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    """A sheet of samples, each with one read of its own mapping quality at every site."""
    lines = ["sample\tpatient\tlibrary\treads"]
    for i, (sample, patient, library) in enumerate(rows):
        reads = [
            Read("r", site.locus.start - 20, "60M", pair.sequence[site.locus.start - 20 :][:60], [30] * 60, mapq=i)
            for site in pair.sites
        ]
        write_bam(folder / f"{sample}.bam", {"chr1": len(pair.sequence), "chr2": 2060}, reads)
        lines.append(f"{sample}\t{patient}\t{library}\t{sample}.bam")
    (folder / "pool.tsv").write_text("\n".join(lines) + "\n")
    return folder / "pool.tsv"


PATIENTS = {"s0": "me", "s1": "p1", "s2": "p2", "s3": "p3", "s4": "p4", "s5": "p5"}
POOL = [(sample, patient, "wes" if sample == "s2" else "wgs") for sample, patient in PATIENTS.items()]


def test_contexts_that_are_given(pair: Pair, tmp_path: Path) -> None:
    """Shown for every candidate, in their order."""
    pool_of(pair, tmp_path, POOL)
    path = made(pair, tmp_path, context=[tmp_path / "s4.bam", tmp_path / "s1.bam"])
    with TensorReader(path) as reader:
        assert reader.header.samples == ["tumor.bam", "normal.bam", "s4.bam", "s1.bam"]
        assert reader.settings.tracks == ("tumor", "normal", "context", "context")
    tensors = content(path)
    assert (tensors.track_sample == [0, 1, 2, 3]).all()
    alone = content(made(pair, tmp_path, name="alone.h5"))
    assert (tensors.depths[:, :2] == alone.depths).all() and (tensors.depths[:, 2:] == 1).all()
    pile = np.repeat(np.arange(8 * 4), tensors.depths.ravel()) % 4
    assert set(tensors.rows[pile == 2, 0]) == {4} and set(tensors.rows[pile == 3, 0]) == {1}


def test_contexts_drawn_from_a_pool(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By seed and candidate alone; never the patient's own; of the same library if asked for; what is recorded is shown."""
    sheet = pool_of(pair, tmp_path, POOL)
    options = {"context_pool": sheet, "contexts": 2, "patient": "me", "library": "wgs"}
    path = made(pair, tmp_path, **options)
    tensors = content(path)
    with TensorReader(path) as reader:
        names = reader.header.samples
    assert names == ["tumor.bam", "normal.bam", "s1", "s3", "s4", "s5"]
    shown = tensors.track_sample[:, 2:]
    assert (shown >= 2).all() and (shown[:, 0] != shown[:, 1]).all() and len(np.unique(shown, axis=0)) > 3
    offsets = tensors.row_offset.reshape(-1)
    for i, track in itertools.product(range(8), range(2)):
        row = offsets[4 * i + 2 + track]
        assert names[shown[i, track]] == f"s{tensors.rows[row, 0]}"
    again = made(pair, tmp_path, name="again.h5", **options, threads=2)
    assert again.read_bytes() == path.read_bytes()
    assert (content(made(pair, tmp_path, name="seed.h5", **options, seed=1)).track_sample != tensors.track_sample).any()
    fewer = content(made(pair, tmp_path, pair.records()[3:5], name="fewer.h5", **options))
    assert (fewer.track_sample == tensors.track_sample[3:5]).all()
    monkeypatch.setattr(pipeline, "CHUNK_CANDIDATES", 2)
    monkeypatch.setattr(sites, "STRETCH_GAP", 10)
    assert_same_tensors(content(made(pair, tmp_path, name="chunks.h5", **options)), tensors)


def test_pools_that_do_not_do(pair: Pair, tmp_path: Path) -> None:
    sheet = pool_of(pair, tmp_path, POOL)
    for options, message in [
        ({"contexts": 5, "library": "wgs"}, "5 of 6 samples are not of patient 'me', 4 of them of library 'wgs'"),
        ({"contexts": 6}, "--contexts wants 6"),
        ({"library": "rna"}, "0 of them of library 'rna'"),
        ({"tumor": tmp_path / "s3.bam"}, "sample 's3' has the reads of this run, but patient 'p3', not 'me'"),
    ]:
        with pytest.raises(UserError, match=message):
            made(pair, tmp_path, context_pool=sheet, patient="me", **options)
    text = sheet.read_text()
    for changed, message in [
        (text.replace("patient", "person"), "patient missing"),
        (text.replace("s3\t", "s1\t"), "lines 3 and 5 have the same sample 's1'"),
        (text.replace("p4", ""), "line 6: patient must not be empty"),
        (text.replace("s5.bam", "absent.bam"), "line 7: no such file: .*absent.bam"),
        (text.replace("s2\tp2\t", "s2 p2 "), "line 4 has 2 columns, the header 4"),
        ("sample\tpatient\tlibrary\treads\n", "no lines below the header"),
        ("", "its first line must name the columns"),
    ]:
        sheet.write_text(changed)
        with pytest.raises(UserError, match=message):
            made(pair, tmp_path, context_pool=sheet, patient="me", contexts=2)


def test_labels_from_a_truth_set(pair: Pair, tmp_path: Path) -> None:
    """Only somatic entries are real, wherever in a repeat they are written; without EVENT all are."""
    lines = []
    for site in pair.sites:
        position, ref, alt = site.locus.record(shift=4 if site.name == "repeat deletion" else 0)
        if site.name != "absent":
            lines.append(f"chr1\t{position + 1}\t.\t{ref}\t{alt}\t.\t.\tEVENT={site.event}")
    truth = write_records(tmp_path / "truth.vcf", lines, pair)
    plain = write_records(tmp_path / "plain.vcf", [line.rpartition("\t")[0] + "\t." for line in lines], pair)
    truth.write_text(truth.read_text().replace("#CHROM", '##INFO=<ID=EVENT,Number=1,Type=String,Description="e">\n#CHROM'))
    somatic = [int(site.event == "SOMATIC_TUMOR") for site in pair.sites]
    assert content(made(pair, tmp_path, truth=truth)).label.tolist() == somatic
    assert content(made(pair, tmp_path, truth=plain)).label.tolist() == [int(site.name != "absent") for site in pair.sites]


def labels_file(folder: Path, rows: list[tuple[Any, ...]], header: str = "chrom\tpos\tref\talt\tlabel") -> Path:
    path = folder / "labels.tsv"
    path.write_text("\n".join([header, *("\t".join(map(str, row)) for row in rows)]) + "\n")
    return path


def test_labels_from_a_table(pair: Pair, tmp_path: Path) -> None:
    shifted = pair.site("repeat deletion").locus.record(shift=6)
    snv, insertion = pair.site("somatic snv").locus.record(), pair.site("insertion").locus.record()
    rows = [("chr1", p + 1, r, a, label) for (p, r, a), label in ((shifted, 1), (snv, 0), (insertion, 1))]
    tensors = content(made(pair, tmp_path, labels=labels_file(tmp_path, rows)))
    assert tensors.label.tolist() == [0, -1, 1, 1, -1, -1, -1, -1]
    reordered = labels_file(tmp_path, [row[::-1] for row in rows], "Label\tALT\tREF\tPOS\t#CHROM")
    assert (content(made(pair, tmp_path, labels=reordered)).label == tensors.label).all()


def test_mistakes_in_labels(pair: Pair, tmp_path: Path) -> None:
    position, ref, alt = pair.site("somatic snv").locus.record()
    row = ("chr1", position + 1, ref, alt, 1)
    low, high = (pair.site("repeat deletion").locus.record(shift) for shift in (0, 2))
    for rows, message in [
        ([("chr1", 0, ref, alt, 1)], "line 2: pos is '0'"),
        ([("chr1", "x", ref, alt, 1)], "line 2: pos is 'x'"),
        ([row, ("chr1", 5, ref, alt, "yes")], "line 3: label is 'yes'; give 1"),
        ([("chr1", 5, "", alt, 1)], "line 2: chrom, ref and alt must not be empty"),
        ([row, row], "line 3 repeats line 2"),
        ([row, (*row[:4], 0)], "line 3 contradicts line 2"),
        ([("chr1", low[0] + 1, *low[1:], 1), ("chr1", high[0] + 1, *high[1:], 0)], "line 3 contradicts line 2"),
        ([("chr1", position + 1, alt, ref, 1)], r"labels.tsv: line 2: chr1:\d+ has REF"),
        ([("chr9", 5, "A", "C", 1)], "line 2: contig 'chr9' is not in"),
        (
            [row, ("chr1", position + 1, ref, next(b for b in "ACGT" if b not in (ref, alt)), 1)],
            r"1 of 2 labels match no candidate of .*candidates.vcf, the first in line 3 \(chr1:",
        ),
        ([row[:4]], "line 2 has 4 columns, the header 5"),
    ]:
        with pytest.raises(UserError, match=message) as error:
            made(pair, tmp_path, labels=labels_file(tmp_path, rows))
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="label missing"):
        made(pair, tmp_path, labels=labels_file(tmp_path, [row], "chrom\tpos\tref\talt\tclass"))
    with pytest.raises(UserError, match="no such file"):
        made(pair, tmp_path, labels=tmp_path / "absent.tsv")


ANNOTATIONS = {
    "Func.refGene": ("String", "Region", "exonic\\x3bsplicing", "exonic"),
    "ANN": ("String", "'Allele | Annotation | Impact'", "{alt}|missense_variant&splice|LOW", "missense_variant"),
    "CSQ": ("String", "VEP. Format: Allele|IMPACT|Consequence", "-|LOW|stop_gained", "stop_gained"),
}  # fmt: skip


@pytest.mark.parametrize("field", ANNOTATIONS)
def test_mutation_classes(field: str, pair: Pair, tmp_path: Path) -> None:
    kind, description, value, expected = ANNOTATIONS[field]
    position, ref, alt = pair.site("somatic snv").locus.record()
    lines = [f"chr1\t{position + 1}\t.\t{ref}\t{alt}\t.\t.\t{field}={value.format(alt=alt)}", pair.records()[1]]
    path = write_records(tmp_path / "candidates.vcf", lines, pair)
    head = f'##INFO=<ID={field},Number=.,Type={kind},Description="{description}">\n#CHROM'
    path.write_text(path.read_text().replace("#CHROM", head))
    assert content(made(pair, tmp_path, path)).mutation_class.tolist() == [expected, ""]
    assert content(made(pair, tmp_path, path, mutation_class_field="none")).mutation_class.tolist() == ["", ""]
    assert content(made(pair, tmp_path, path, mutation_class_field=field)).mutation_class.tolist() == [expected, ""]
    with pytest.raises(UserError, match="no INFO field 'OTHER'"):
        made(pair, tmp_path, path, mutation_class_field="OTHER")


def test_the_expanded_array(pair: Pair, tmp_path: Path) -> None:
    path = made(pair, tmp_path, export_npy=tmp_path / "tensors.npy")
    assert path.read_bytes() == made(pair, tmp_path, name="alone.h5").read_bytes()
    array = np.load(tmp_path / "tensors.npy")
    assert array.dtype == np.uint8 and array.shape == (8, WINDOW, DEPTH, 14)
    np.testing.assert_array_equal(array, expanded(content(path)))


def test_pictures(pair: Pair, tmp_path: Path) -> None:
    position = pair.records()[0][0] + 1
    made(pair, tmp_path, pictures=tmp_path / "drawn", picture=[f"chr1:{position}"])
    drawn = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert [name.rpartition(".")[2] for name in drawn] == ["png", "svg"]
    for text, message in [
        ("chr1", "give CHROM:POS"),
        ("chr1:x", "give CHROM:POS"),
        ("chr1:7", "no candidate of .* lies there"),
    ]:
        with pytest.raises(UserError, match=message):
            made(pair, tmp_path, name="other.h5", pictures=tmp_path / "drawn", picture=[text])
        assert not (tmp_path / "other.h5").exists()


def test_deep_piles_are_sampled_by_name(pair: Pair, tmp_path: Path) -> None:
    """The same fragments whatever else is in the file; both reads of a fragment where both are there."""
    deep, deeper = (content(made(pair, tmp_path, name=f"{depth}.h5", depth=depth)) for depth in (10, 25))
    assert (deep.depths == np.minimum(deeper.depths, 10)).all() and deeper.depths.max() == 25
    rows = {
        tuple(row) for row in np.concatenate([deeper.base, deeper.quality, deeper.rows[:, [0, 4, 5, 6, 7]]], axis=1).tolist()
    }
    assert {
        tuple(row) for row in np.concatenate([deep.base, deep.quality, deep.rows[:, [0, 4, 5, 6, 7]]], axis=1).tolist()
    } <= rows


def test_no_candidates_at_all(pair: Pair, tmp_path: Path) -> None:
    tensors = content(made(pair, tmp_path, [], export_npy=tmp_path / "tensors.npy"))
    assert tensors.size == 0 and np.load(tmp_path / "tensors.npy").shape == (0, WINDOW, DEPTH, 14)
