"""Contigs of reads, reference and candidates in any order, and reads on contigs that the reference lacks."""

import logging
import random
from pathlib import Path

import pysam
import pytest

from pair_examples import Pair, scored, write_pair, write_records
from small_bams import write_fasta
from varproof.commands.call_candidates import CallCandidatesOptions, call_candidates
from varproof.commands.collect_evidence import CollectEvidenceOptions, collect_evidence
from varproof.commands.estimate_alignment import Options as EstimateOptions
from varproof.commands.estimate_alignment import estimate_alignment
from varproof.commands.learn_prior import LearnPriorOptions, learn_prior
from varproof.commands.simulate_pair import Options as SimulateOptions
from varproof.commands.simulate_pair import simulate
from varproof.commands.spike_variants import SpikeVariantsOptions, spike_variants
from varproof.commands.tensorise import TensoriseOptions, tensorise
from varproof.machinery.errors import UserError

DECOYS = {"decoy1": 5000, "chrEBV": 3000}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


def with_decoys(source: Path, target: Path, first: bool = True, lengths: dict[str, int] | None = None) -> Path:
    """A copy whose header has other contigs, before or behind the own ones, with some reads on them; or other lengths."""
    with pysam.AlignmentFile(str(source)) as reads:
        own = dict(zip(reads.references, reads.lengths, strict=True)) | (lengths or {})
        contigs = {**DECOYS, **own} if first else {**own, **DECOYS}
        header = reads.header.to_dict() | {"SQ": [{"SN": name, "LN": length} for name, length in contigs.items()]}
        names, records = list(contigs), []
        for read in reads.fetch(until_eof=True):
            text = read.to_dict()
            records.append(text)
            if len(records) % 50 == 0:
                stray = text | {"name": f"stray{len(records)}", "flag": "0", "ref_name": "chrEBV", "ref_pos": "100"}
                records.append(stray | {"next_ref_name": "*", "next_ref_pos": "0", "length": "0"})
    head = pysam.AlignmentHeader.from_dict(header)
    records.sort(key=lambda item: (names.index(item["ref_name"]), int(item["ref_pos"])))
    with pysam.AlignmentFile(str(target), "wb", header=head) as out:
        for item in records:
            out.write(pysam.AlignedSegment.from_dict(item, head))
    pysam.index(str(target))
    return target


def body(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


def run(name: str, pair: Pair, folder: Path, tumor: Path, normal: Path, reference: Path | None = None) -> bytes:
    """What an executable makes of reads: the part of its output that says nothing of files."""
    candidates = write_records(folder / "candidates.vcf", pair.records(), pair)
    files = {"reference": reference or pair.reference, "output": folder / "out"}
    if name == "score-posterior":
        changes = {"tumor": tumor, "normal": normal, "alignment_tumor": None, "alignment_normal": None, "territory": None}
        changes |= {"learn_from": "reads"}
        out = scored(pair, folder, candidates, reference=files["reference"], **changes)
        return "\n".join(body(out)).encode()
    if name == "learn-prior":
        learn_prior(LearnPriorOptions(**files | {"tumor": tumor, "normal": normal}))
        return files["output"].read_bytes()
    if name == "call-candidates":
        out = folder / "out.vcf"
        call_candidates(CallCandidatesOptions(**files | {"reads": tumor, "normal": normal, "output": out}))
        return "\n".join(body(out)).encode()
    if name == "estimate-alignment":
        estimate_alignment(EstimateOptions(reads=tumor, **files))
        return files["output"].read_bytes()
    import h5py

    if name == "collect-evidence":
        collect_evidence(CollectEvidenceOptions(candidates=candidates, reads=tumor, **files))
    else:
        tensorise(TensoriseOptions(candidates=candidates, tumor=tumor, normal=normal, **files))
    with h5py.File(files["output"]) as file:
        found: list[bytes] = []
        file.visititems(lambda _, item: found.append(item[...].tobytes()) if isinstance(item, h5py.Dataset) else None)
        return b"".join(part for part in found if part)


NAMES = ["score-posterior", "learn-prior", "call-candidates", "estimate-alignment", "collect-evidence", "tensorise"]


@pytest.mark.parametrize("name", NAMES)
def test_reads_on_contigs_that_the_reference_lacks_change_nothing(
    name: str, pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    decoyed = [with_decoys(path, tmp_path / path.name, path == pair.tumor) for path in (pair.tumor, pair.normal)]
    expected = run(name, pair, tmp_path / "a", pair.tumor, pair.normal)
    assert not [text for text in caplog.messages if "left aside" in text]
    with caplog.at_level(logging.WARNING):
        assert run(name, pair, tmp_path / "b", *decoyed) == expected
    told = [text for text in caplog.messages if "left aside" in text]
    assert len(told) == {"score-posterior": 2, "learn-prior": 2, "call-candidates": 2, "tensorise": 0}.get(name, 1)
    assert all("on 1 contig that" in text and "(chrEBV)" in text for text in told)


@pytest.mark.parametrize("name", NAMES)
def test_a_contig_that_is_needed_has_the_same_length_in_both(name: str, pair: Pair, tmp_path: Path) -> None:
    other = [with_decoys(path, tmp_path / path.name, lengths={"chr1": 9000}) for path in (pair.tumor, pair.normal)]
    with pytest.raises(UserError, match=r"contig 'chr1' has 9000 bp, but 6300 bp in"):
        run(name, pair, tmp_path, *other)


@pytest.mark.parametrize("name", NAMES)
def test_no_contig_in_common(name: str, pair: Pair, tmp_path: Path) -> None:
    other = write_fasta(tmp_path / "other.fa", {"1": pair.sequence})
    with pytest.raises(UserError, match="contig 'chr1' is not in"):
        run(name, pair, tmp_path, pair.tumor, pair.normal, other)


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("person") / "pair"
    nothing = {f"somatic_{kind}": 0 for kind in ("snvs", "mnvs", "insertions", "deletions")}
    options = {"genome_length": 30_000, "contigs": 2, "germline": 20, "tumor_depth": 5, "normal_depth": 60, "empty_sites": 0}
    simulate(SimulateOptions(output=folder, artifacts=[], log_level="warning", **nothing, **options))  # type: ignore[arg-type]
    return folder


def reordered(reference: Path, target: Path) -> Path:
    """The contigs in another order, behind one that the reads lack."""
    bases = random.Random(1)
    with pysam.FastaFile(str(reference)) as fasta:
        contigs = {name: fasta.fetch(name) for name in reversed(fasta.references)}
    return write_fasta(target, {"before": "".join(bases.choices("ACGT", k=2000)), **contigs})


@pytest.mark.parametrize("change", ["reference", "reads"])
def test_variants_are_planted_where_the_truth_says(person: Path, tmp_path: Path, change: str) -> None:
    """Whatever number a contig has in the FASTA and in the BAM."""
    reference, reads = person / "reference.fa", person / "normal.bam"
    if change == "reference":
        reference = reordered(reference, tmp_path / "other.fa")
    else:
        reads = with_decoys(reads, tmp_path / "reads.bam")
    out = tmp_path / "spiked"
    options = {"types": ["snv"], "count": 15, "min_depth": 12, "spacing": 800, "vaf": [0.8], "quiet": True}
    spike_variants(SpikeVariantsOptions(reads=reads, reference=reference, output=out, **options))  # type: ignore[arg-type]
    with pysam.VariantFile(str(out / "truth.vcf.gz")) as truth, pysam.AlignmentFile(str(out / "tumor.bam")) as tumor:
        planted = list(truth)
        assert len(planted) == 15 and len({record.contig for record in planted}) == 2
        for record in planted:
            counts = tumor.count_coverage(record.contig, record.start, record.stop, quality_threshold=0)
            assert counts["ACGT".index(record.alts[0])][0] >= record.samples["tumor"]["AD"][1] > 5
    if change == "reads":
        with pysam.AlignmentFile(str(out / "tumor.bam")) as tumor, pysam.AlignmentFile(str(out / "normal.bam")) as normal:
            stray = [sum(read.query_name.startswith("stray") for read in file.fetch("chrEBV")) for file in (tumor, normal)]
        assert sum(stray) > 20 and all(stray), "they are shared out like all others"
