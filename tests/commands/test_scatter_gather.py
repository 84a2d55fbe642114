"""scatter-candidates and gather: what is collected on chunks and put together is what the whole list gives."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pysam
import pytest

from evidence_examples import PROPERTIES, plain_sequence, write_candidates
from scored_examples import Call, write_scored
from small_bams import random_pairs, write_bam, write_fasta
from varproof.commands.base import parse_options
from varproof.commands.collect_evidence import CollectEvidenceOptions, collect_evidence
from varproof.commands.fdr_filter import FdrFilterOptions, fdr_filter
from varproof.commands.gather import GatherOptions, gather_chunks
from varproof.commands.scatter_candidates import ScatterCandidatesOptions, scatter_candidates
from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
from varproof.commands.tensorise import TensoriseOptions, tensorise
from varproof.formats.json_file import write_json
from varproof.machinery.errors import UserError

DATA = Path(__file__).resolve().parents[2] / "test-data"


@dataclass
class Scattered:
    """Candidates of the small inputs in chunks, and what was made of each chunk and of the whole, by kind."""

    chunks: list[Path]
    parts: dict[str, list[Path]]
    whole: dict[str, Path]


def scattered_chunks(candidates: Path, reference: Path, output: Path, **options: Any) -> list[Path]:
    scatter_candidates(ScatterCandidatesOptions(candidates=candidates, reference=reference, output=output, **options))
    return sorted(output.glob("*.vcf.gz"))


def small_evidence(candidates: Path, output: Path, sample: str = "tumor", **options: Any) -> Path:
    collect_evidence(
        CollectEvidenceOptions(
            candidates=candidates, reads=DATA / f"{sample}.bam", reference=DATA / "reference.fa",
            alignment=DATA / f"{sample}.json", output=output, **options,
        )
    )  # fmt: skip
    return output


def small_tensors(candidates: Path, output: Path, **options: Any) -> Path:
    tensorise(
        TensoriseOptions(
            candidates=candidates, reference=DATA / "reference.fa", tumor=DATA / "tumor.bam", normal=DATA / "normal.bam",
            output=output, **options,
        )
    )  # fmt: skip
    return output


def gathered(inputs: list[Path], output: Path, candidates: Path | None = DATA / "candidates.vcf.gz") -> Path:
    gather_chunks(GatherOptions(inputs=inputs, output=output, candidates=candidates))
    return output


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Scattered:
    folder = tmp_path_factory.mktemp("scattered")
    chunks = scattered_chunks(DATA / "candidates.vcf.gz", DATA / "reference.fa", folder / "chunks", chunks=3)
    parts: dict[str, list[Path]] = {"tumor": [], "normal": [], "tensors": []}
    for i, chunk in enumerate(chunks):
        for sample in ("tumor", "normal"):
            parts[sample].append(small_evidence(chunk, folder / f"{i}.{sample}.h5", sample))
        parts["tensors"].append(small_tensors(chunk, folder / f"{i}.tensors.h5"))
    whole = {name: small_evidence(DATA / "candidates.vcf.gz", folder / f"{name}.h5", name) for name in ("tumor", "normal")}
    whole["tensors"] = small_tensors(DATA / "candidates.vcf.gz", folder / "tensors.h5")
    return Scattered(chunks, parts, whole)


def records_of(path: Path) -> list[str]:
    with pysam.VariantFile(str(path)) as handle:
        return [str(record) for record in handle]


def assert_same_content(first: Path, second: Path) -> None:
    with h5py.File(first) as one, h5py.File(second) as other:
        assert sorted(one) == sorted(other) and dict(one.attrs) == dict(other.attrs)
        for name in one:
            np.testing.assert_array_equal(one[name][:], other[name][:], err_msg=name)


def test_chunks_hold_all_records_in_order_with_indexes(small: Scattered) -> None:
    assert [path.name for path in small.chunks] == [f"chunk-000{i}.vcf.gz" for i in (1, 2, 3)]
    assert [line for path in small.chunks for line in records_of(path)] == records_of(DATA / "candidates.vcf.gz")
    for path in small.chunks:
        contig, position = records_of(path)[0].split("\t")[:2]
        with pysam.TabixFile(str(path)) as index:
            assert next(index.fetch(contig, int(position) - 1, int(position))).split("\t")[1] == position


@pytest.mark.parametrize("kind", ["tumor", "normal", "tensors"])
def test_gathered_is_what_the_whole_gives(kind: str, small: Scattered, tmp_path: Path) -> None:
    assert_same_content(gathered(small.parts[kind], tmp_path / "gathered.h5"), small.whole[kind])


def test_scores_of_gathered_evidence_are_the_same_bytes(small: Scattered, tmp_path: Path) -> None:
    made = []
    for name in ("whole", "gathered"):
        folder = tmp_path / name
        folder.mkdir()
        for sample in ("tumor", "normal"):
            if name == "whole":
                shutil.copy(small.whole[sample], folder / f"{sample}.h5")
            else:
                gathered(small.parts[sample], folder / f"{sample}.h5")
        score_posterior(
            ScorePosteriorOptions(
                candidates=DATA / "candidates.vcf.gz", reference=DATA / "reference.fa", tumor=folder / "tumor.h5",
                normal=folder / "normal.h5", purity=0.75, output=folder / "scored.vcf",
            )
        )  # fmt: skip
        lines = (folder / "scored.vcf").read_text().splitlines()
        made.append([line for line in lines if not line.startswith("##varproof_score-posterior=")])
    assert made[0] == made[1] and any(line.startswith("##varproof_prior=") for line in made[0])


def test_a_repeat_through_which_a_neighbour_is_shifted_is_not_cut(tmp_path: Path) -> None:
    """Deletions written at both ends of a repeat of 1,400 bp are the same: each is judged beside the other's neighbours."""
    left, right = plain_sequence(4000, seed=1), plain_sequence(4000, seed=2)
    sequence = left + "CA" * 700 + right
    reference = write_fasta(tmp_path / "reference.fa", {"chr1": sequence})
    end = 4000 + 1400 - 3
    places = [1000, 3900, 3990]
    snvs = [(at, sequence[at], "ACGT"["CGTA".index(sequence[at])]) for at in places]
    lines = [*snvs, (end, sequence[end : end + 3], sequence[end]), (7000, sequence[7000], "ACGT"["CGTA".index(sequence[7000])])]
    candidates = write_candidates(tmp_path / "candidates.vcf", lines, {"chr1": len(sequence)})
    chunks = scattered_chunks(candidates, reference, tmp_path / "chunks", chunks=5)
    assert [len(records_of(path)) for path in chunks] == [1, 3, 1]
    reads = write_bam(tmp_path / "reads.bam", {"chr1": len(sequence)}, random_pairs(3, sequence, 400))
    properties = tmp_path / "alignment.json"
    write_json(properties, PROPERTIES)

    def evidence(of: Path, name: str) -> Path:
        collect_evidence(
            CollectEvidenceOptions(
                candidates=of, reads=reads, reference=reference, alignment=properties, output=tmp_path / name
            )
        )  # fmt: skip
        return tmp_path / name

    parts = [evidence(path, f"{i}.h5") for i, path in enumerate(chunks)]
    gathered(parts, tmp_path / "gathered.h5", candidates)
    assert_same_content(tmp_path / "gathered.h5", evidence(candidates, "whole.h5"))


def test_records_that_are_no_candidates_keep_their_numbers(tmp_path: Path) -> None:
    """Of a chunk whose last records have no alternative, tensors do not tell the number of records."""
    header = str(pysam.VariantFile(str(DATA / "candidates.vcf.gz")).header)
    with pysam.FastaFile(str(DATA / "reference.fa")) as fasta:
        names = fasta.references[:2]
        bases = {name: fasta.fetch(name, 4999, 5000).upper() for name in names}
    lines = [f"{names[0]}\t5000\t.\t{bases[names[0]]}\t{'A' if bases[names[0]] != 'A' else 'C'}\t.\t.\t."]
    lines += [f"{names[0]}\t5000\t.\t{bases[names[0]]}\t.\t.\t.\t."] * 2
    lines += [f"{names[1]}\t5000\t.\t{bases[names[1]]}\t{'A' if bases[names[1]] != 'A' else 'C'},<DUP>\t.\t.\t."]
    candidates = tmp_path / "candidates.vcf"
    header = header.replace("#CHROM", '##ALT=<ID=DUP,Description="duplication">\n#CHROM')
    columns = len(header.splitlines()[-1].split("\t")) - 8
    candidates.write_text(
        header + "".join(line + ("\tGT" + "\t0/1" * (columns - 1) if columns else "") + "\n" for line in lines)
    )
    chunks = scattered_chunks(candidates, DATA / "reference.fa", tmp_path / "chunks", max_per_chunk=1)
    assert len(chunks) == 2
    parts = [small_tensors(path, tmp_path / f"{i}.h5") for i, path in enumerate(chunks)]
    whole = small_tensors(candidates, tmp_path / "whole.h5")
    assert_same_content(gathered(parts, tmp_path / "gathered.h5", candidates), whole)


def test_no_candidates_give_one_empty_chunk(tmp_path: Path) -> None:
    candidates = write_candidates(tmp_path / "candidates.vcf", [], {"chr1": 20_000})
    for number, options in enumerate(({"chunks": 5}, {"max_per_chunk": 5})):
        chunks = scattered_chunks(candidates, DATA / "reference.fa", tmp_path / f"chunks{number}", **options)
        assert [records_of(path) for path in chunks] == [[]] and chunks[0].with_name(chunks[0].name + ".tbi").exists()
    part = small_evidence(chunks[0], tmp_path / "part.h5")
    assert_same_content(
        gathered([part], tmp_path / "gathered.h5", candidates), small_evidence(candidates, tmp_path / "whole.h5")
    )


def test_fewer_chunks_where_candidates_are_near_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "varproof"):
        chunks = scattered_chunks(DATA / "candidates.vcf.gz", DATA / "reference.fa", tmp_path / "many", chunks=195)
    assert 3 < len(chunks) < 100
    assert "195 chunks were asked for" in caplog.text
    caplog.clear()
    with caplog.at_level("INFO", "varproof"):
        small_ones = scattered_chunks(DATA / "candidates.vcf.gz", DATA / "reference.fa", tmp_path / "small", max_per_chunk=1)
    assert "hold more than 1 candidates" in caplog.text
    assert len(small_ones) >= len(chunks)


def calls_of(small: Scattered, tmp_path: Path, **changes: Any) -> list[Path]:
    """Filtered calls of each chunk."""
    paths = []
    for i, chunk in enumerate(small.chunks):
        scored, filtered = tmp_path / f"scored{i}.vcf.gz", tmp_path / f"filtered{i}.bcf"
        score_posterior(
            ScorePosteriorOptions(
                candidates=chunk, reference=DATA / "reference.fa", tumor=small.parts["tumor"][i],
                normal=small.parts["normal"][i], prior="flat", output=scored,
            )
        )  # fmt: skip
        options = {"events": ["SOMATIC_TUMOR"], "fdr": 0.5} | (changes if i == 1 else {})
        fdr_filter(FdrFilterOptions(calls=scored, output=filtered, **options))
        paths.append(filtered)
    return paths


def test_calls_are_gathered_with_an_index(small: Scattered, tmp_path: Path) -> None:
    paths = calls_of(small, tmp_path)
    gathered(paths, tmp_path / "calls.vcf.gz", None)
    assert records_of(tmp_path / "calls.vcf.gz") == [line for path in paths for line in records_of(path)]
    assert (tmp_path / "calls.vcf.gz.tbi").exists() and len(records_of(tmp_path / "calls.vcf.gz")) > 10
    with pytest.raises(UserError, match=r"filtered1.bcf was made with another --fdr than .*filtered0.bcf"):
        (tmp_path / "other").mkdir()
        gathered(calls_of(small, tmp_path / "other", fdr=0.01), tmp_path / "other.vcf.gz", None)
    with pytest.raises(UserError, match=r"does not lie after .*filtered1.bcf|was in earlier chunks"):
        gathered([paths[0], paths[2], paths[1]], tmp_path / "wrong.vcf", None)
    with pytest.raises(UserError, match="given more than once"):
        gathered([paths[0], paths[0]], tmp_path / "wrong.vcf", None)
    with pytest.raises(
        UserError, match=r"scored1.vcf.gz: its header differs from that of .*filtered0.bcf|no fdr-filter has been"
    ):
        gathered([paths[0], tmp_path / "scored1.vcf.gz"], tmp_path / "wrong.vcf", None)
    with pytest.raises(UserError, match="does not lie after"):
        shutil.copy(paths[0], tmp_path / "copy.bcf")
        gathered([paths[0], tmp_path / "copy.bcf"], tmp_path / "wrong.vcf", None)
    assert not (tmp_path / "wrong.vcf").exists()


def edited_version(small: Scattered, tmp_path: Path) -> list[Path]:
    shutil.copy(small.parts["tumor"][1], tmp_path / "old.h5")
    with h5py.File(tmp_path / "old.h5", "a") as file:
        file.attrs["provenance"] = file.attrs["provenance"].replace('"version": "', '"version": "0.')
    return [small.parts["tumor"][0], tmp_path / "old.h5"]


def another_depth(small: Scattered, tmp_path: Path) -> list[Path]:
    return [small.parts["tumor"][0], small_evidence(small.chunks[1], tmp_path / "deep.h5", max_depth=20)]


def another_window(small: Scattered, tmp_path: Path) -> list[Path]:
    return [small.parts["tensors"][0], small_tensors(small.chunks[1], tmp_path / "wide.h5", window=41)]


def no_provenance(small: Scattered, tmp_path: Path) -> list[Path]:
    shutil.copy(small.parts["tumor"][1], tmp_path / "anonymous.h5")
    with h5py.File(tmp_path / "anonymous.h5", "a") as file:
        del file.attrs["provenance"]
    return [small.parts["tumor"][0], tmp_path / "anonymous.h5"]


REFUSED: dict[str, tuple[Callable[[Scattered, Path], list[Path]], str]] = {
    "order": (
        lambda small, _: [small.parts["tumor"][i] for i in (0, 2, 1)],
        r"2.tumor.h5: not the next candidates of the list",
    ),
    "order of tensors": (
        lambda small, _: small.parts["tensors"][::-1],
        r"2.tensors.h5: not the next candidates .* has chr1:\d+",
    ),
    "missing": (lambda small, _: small.parts["tumor"][:2], r"1.tumor.h5: chunks end before chr2:\d+"),
    "missing tensors": (lambda small, _: small.parts["tensors"][:2], r"1.tensors.h5: chunks end before chr2:\d+"),
    "twice": (lambda small, _: [small.parts["tumor"][0]] * 2, "given more than once"),
    "kinds": (lambda small, _: [small.parts["tumor"][0], small.parts["tensors"][1]], "1.tensors.h5 holds tensors, .* evidence"),
    "samples": (lambda small, _: [small.parts["tumor"][0], small.parts["normal"][1]], "with another --alignment than"),
    "version": (edited_version, "old.h5 was made by version 0.0.*; make all chunks alike"),
    "depth": (another_depth, "deep.h5 was made with another --max-depth than .*0.tumor.h5"),
    "window": (another_window, "wide.h5 was made with another --window than .*0.tensors.h5"),
    "provenance": (no_provenance, "anonymous.h5: does not say how it was made"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_chunks_that_do_not_belong_together(case: str, small: Scattered, tmp_path: Path) -> None:
    make, message = REFUSED[case]
    with pytest.raises(UserError, match=message):
        gathered(make(small, tmp_path), tmp_path / "wrong.h5")
    assert not (tmp_path / "wrong.h5").exists()


def test_options(small: Scattered, tmp_path: Path) -> None:
    needed = ["--candidates", "x.vcf", "--reference", "x.fa", "--output", "folder"]
    for chunks in ([], ["--chunks", "3", "--max-per-chunk", "4"]):
        with pytest.raises(UserError, match="give either --chunks or --max-per-chunk"):
            parse_options("scatter-candidates", ScatterCandidatesOptions, [*needed, *chunks])
    with pytest.raises(UserError, match="to gather evidence, give the --candidates that were scattered"):
        gathered(small.parts["tumor"], tmp_path / "x.h5", None)
    with pytest.raises(UserError, match="exists and is not an empty folder"):
        scattered_chunks(DATA / "candidates.vcf.gz", DATA / "reference.fa", small.chunks[0].parent, chunks=3)
    other = write_fasta(tmp_path / "other.fa", {"chr7": plain_sequence(1000)})
    with pytest.raises(UserError, match=r"contig 'chr1' is not in .*other.fa"):
        scattered_chunks(DATA / "candidates.vcf.gz", other, tmp_path / "chunks", chunks=3)
    assert not (tmp_path / "chunks").exists()


def test_calls_of_other_samples_or_another_genome_are_refused(tmp_path: Path) -> None:
    first = write_scored(tmp_path / "a.vcf", [Call(100, "A", "C", 0.01)])
    other = write_scored(tmp_path / "b.vcf", [Call(200, "A", "C", 0.01)])
    text = other.read_text()
    other.write_text(text.replace("\ttumor\tnormal\n", "\ttumor\tblood\n"))
    with pytest.raises(UserError, match=r"b\.vcf has the samples tumor, blood, unlike .*a\.vcf"):
        gathered([first, other], tmp_path / "out.vcf", None)
    other.write_text(re.sub(r"(##contig=<ID=chr1,length=)(\d+)", r"\g<1>1\2", text))
    with pytest.raises(UserError, match=r"b\.vcf: its header differs .*: contig chr1 has 1\d+ bp, not \d+"):
        gathered([first, other], tmp_path / "out.vcf", None)
    assert not (tmp_path / "out.vcf").exists()
