"""Real callers' files, unmodified: whole through every executable, and read by what people use after it."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cyvcf2
import pysam
import pytest
import vcfpy

from wrappers.callers import CALLERS, Called, called_by
from wrappers.containers import installed, output_of
from wrappers.machine import TEST_DATA, ran_on
from wrappers.vcf_text import VcfText, vcf_text

pytestmark = pytest.mark.timeout(1200)

REFERENCE = ("--reference", TEST_DATA / "reference.fa")
OUTPUTS = ("scored", "annotated", "filtered", "predicted", "combined")
EVENTS = ("--events", "SOMATIC_TUMOR", "--fdr", "0.05")


@dataclass
class Chain:
    """A caller's file, the folder of what the executables made of it, and what they said where one failed."""

    called: Called
    folder: Path
    failed: dict[str, str] = field(default_factory=dict)

    def run(self, executable: str, *arguments: str | Path, step: str = "") -> None:
        command = [Path(sys.executable).parent / executable, "--quiet", *arguments]
        ended = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        if ended.returncode:
            told = ended.stderr.strip().splitlines()[-1:]
            self.failed[step or executable] = f"exit {ended.returncode}: {' '.join(told)} ({' '.join(map(str, command))})"

    def made(self) -> list[Path]:
        """The VCFs that came out."""
        return [path for path in (self.folder / f"{name}.vcf.gz" for name in OUTPUTS) if path.exists()]


def reads_of(folder: Path, tumor_only: bool) -> tuple[str | Path, ...]:
    pair = ("--tumor", folder / "tumor.bam", "--normal", folder / "normal.bam")
    return pair[:2] if tumor_only else pair


def judged(chain: Chain) -> None:
    """Every executable that takes a caller's file, as its candidates, its plan or its truth, and those after it."""
    calls, reads = chain.called.path, reads_of(TEST_DATA, chain.called.tumor_only)
    chain.run("score-posterior", "--candidates", calls, *REFERENCE, *reads, "--purity", "0.75", "--output", "scored.vcf.gz")
    chain.run("fdr-filter", "--calls", "scored.vcf.gz", *EVENTS, "--output", "filtered.vcf.gz")
    chain.run("fdr-filter", "--calls", "scored.vcf.gz", *EVENTS, "--annotate", "--output", "annotated.vcf.gz", step="annotate")
    chain.run("estimate-vaf", "--calls", "filtered.vcf.gz", "--output", "vaf.tsv")
    chain.run("tensorise", "--candidates", calls, *REFERENCE, *reads, "--output", "tensors.h5")
    network = ("--model", TEST_DATA / "model.keras", "--candidates", calls, "--tensors", "tensors.h5")
    if not chain.called.tumor_only:  # the small model was trained on pairs
        chain.run("predict", *network, "--output", "predicted.vcf.gz")
        chain.run(
            "combine-calls", "--scored", "scored.vcf.gz", "--predicted", "predicted.vcf.gz", "--output", "combined.vcf.gz"
        )
    planted = ("--reads", TEST_DATA / "normal.bam", *REFERENCE, "--min-depth", "5", "--spacing", "300")
    chain.run("spike-variants", *planted, "--variants", calls, "--output", "spiked")
    chain.run("evaluate-calls", "--calls", "scored.vcf.gz", "--truth", calls, *REFERENCE, "--output", "metrics.json")


@pytest.fixture(scope="module", params=list(CALLERS))
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """What the executables make of the file of each caller."""
    made = Chain(called_by(request.param), tmp_path_factory.mktemp(request.param))
    judged(made)
    return made


@pytest.fixture(autouse=True)
def engine(request: pytest.FixtureRequest, chain: Chain) -> None:
    ran_on(request, chain.called.engine.name, chain.called.engine.version)


def test_every_executable(chain: Chain) -> None:
    """Every executable takes the caller's file as it is"""
    assert not chain.failed, "\n".join(f"{step}: {told}" for step, told in chain.failed.items())


def test_records_survive(chain: Chain) -> None:
    """Records come out as they came in, their untouched columns byte for byte, and something is added to them"""
    before, after = vcf_text(chain.called.path), vcf_text(chain.folder / "scored.vcf.gz")
    assert len(before.records) == len(after.records) > 0
    assert after.samples[: len(before.samples)] == before.samples and set(after.samples) >= samples_of(chain)
    for old, new in zip(before.records, after.records, strict=True):
        assert new[:7] == old[:7]  # CHROM POS ID REF ALT QUAL FILTER
        assert old[7] == "." or new[7] == old[7] or new[7].startswith(old[7] + ";")
        keys = old[8].split(":") if len(old) > 8 else []
        assert new[8].split(":")[: len(keys)] == keys
        for kept, values in zip(old[9:], new[9 : len(old)], strict=True):
            assert (values + ":").startswith(kept + ":"), (old[:5], kept, values)
    assert sum("PROB_SOMATIC_TUMOR=" in record[7] for record in after.records) >= (1 if chain.called.name == "delly" else 20)


def samples_of(chain: Chain) -> set[str]:
    """The names that the reads' read groups give."""
    return {"tumor"} if chain.called.tumor_only else {"tumor", "normal"}


def test_strict_readers(chain: Chain) -> None:
    """htslib's strict user (cyvcf2) and a parser of its own (vcfpy) read every value of every output"""
    for path in chain.made():
        expected = len(vcf_text(path).records)
        found = 0
        for record in cyvcf2.VCF(str(path), strict_gt=True):
            found += 1
            for key, _ in record.INFO:
                record.INFO.get(key)
            for key in record.FORMAT:
                record.format(key)
        assert found == expected, path.name
        with vcfpy.Reader.from_path(str(path)) as reader:
            assert sum(1 for _ in reader) == expected, path.name


def test_bcftools(chain: Chain) -> None:
    """bcftools view reads every output, and norm -m - splits it, without a word"""
    bcftools = installed("bcftools", "install-package.sh", "bcftools")
    for path in chain.made():
        records = vcf_text(path).records
        viewed = subprocess.run([bcftools, "view", "--no-version", "--no-header", path], capture_output=True, text=True)
        assert viewed.returncode == 0 and not viewed.stderr, viewed.stderr
        lines = [line.split("\t") for line in viewed.stdout.splitlines()]
        # htslib writes numbers in its own way; all else is text.
        assert [line[:5] + line[6:7] + line[8:9] for line in lines] == [line[:5] + line[6:7] + line[8:9] for line in records]
        split = subprocess.run([bcftools, "norm", "--no-version", "--multiallelics", "-", path], capture_output=True, text=True)
        told = [line for line in split.stderr.splitlines() if not line.startswith("Lines ")]
        assert split.returncode == 0 and not told, told
        alleles = sum(len(record[4].split(",")) for record in records)
        assert sum(line[0] != "#" for line in split.stdout.splitlines()) == alleles


def renamed(source: Path, target: Path, sample: str) -> None:
    """Reads of the same person under another name."""
    with pysam.AlignmentFile(str(source)) as reads:
        header = reads.header.to_dict()
        header["RG"] = [group | {"SM": sample} for group in header["RG"]]
        with pysam.AlignmentFile(str(target), "wb", header=pysam.AlignmentHeader.from_dict(header)) as output:
            for read in reads:
                output.write(read)
    pysam.index(str(target))


def test_two_patients_merge(chain: Chain, tmp_path: Path) -> None:
    """bcftools merge puts the outputs of two patients into one file with the samples of both"""
    bcftools = installed("bcftools", "install-package.sh", "bcftools")
    for sample in ("tumor", "normal"):
        renamed(TEST_DATA / f"{sample}.bam", tmp_path / f"{sample}.bam", f"{sample}-2")
    names = vcf_text(chain.called.path).samples
    (tmp_path / "names").write_text("".join(f"{name}-2\n" for name in names))
    output_of(bcftools, "reheader", "-s", tmp_path / "names", "-o", tmp_path / "calls", chain.called.path)
    second = Chain(chain.called, tmp_path)
    reads = reads_of(tmp_path, chain.called.tumor_only)
    second.run("score-posterior", "--candidates", "calls", *REFERENCE, *reads, "--purity", "0.75", "--output", "scored.vcf.gz")
    second.run("fdr-filter", "--calls", "scored.vcf.gz", *EVENTS, "--output", "filtered.vcf.gz")
    assert not second.failed, second.failed
    for name in ("scored.vcf.gz", "filtered.vcf.gz"):
        files = (chain.folder / name, tmp_path / name)
        merged = subprocess.run([bcftools, "merge", "--no-version", *files, "-o", tmp_path / "merged.vcf"], capture_output=True)
        assert merged.returncode == 0 and not merged.stderr, merged.stderr
        text = vcf_text(tmp_path / "merged.vcf")
        assert text.samples == [*vcf_text(files[0]).samples, *vcf_text(files[1]).samples]
        assert len(text.records) == len(vcf_text(files[0]).records)


def maf_depths(text: VcfText, record: list[str], sample: str, allele: int) -> tuple[int, int, int]:
    """Depth, reference count and alternative count of a sample by vcf2maf's rule; raises where that gives no numbers.

    AD holds one count per allele, the reference first; the depth is DP, or the sum of AD where there is none or it is less.
    """
    values = text.values_of(record, sample)
    counts = [int(count) for count in values["AD"].split(",")]
    assert len(counts) == 1 + len(record[4].split(","))
    depth = int(values["DP"]) if values.get("DP", ".") != "." else 0
    return max(depth, sum(counts)), counts[0], counts[allele]


def test_maf_depths(chain: Chain) -> None:
    """vcf2maf's rule gives depths of tumour and normal for every allele of every record"""
    text = vcf_text(chain.folder / "scored.vcf.gz")
    problems = []
    for record in text.records:
        for allele, bases in enumerate(record[4].split(","), 1):
            if set(bases) <= set("ACGTN"):  # others have no depth of their own, here as in vcf2maf
                for sample in samples_of(chain):
                    try:
                        depth, reference, alternative = maf_depths(text, record, sample, allele)
                    except (KeyError, ValueError, AssertionError) as error:
                        problems.append(f"{':'.join(record[:2])} {sample}: {error!r}")
                    else:
                        assert 0 <= reference <= depth and 0 <= alternative <= depth
    assert not problems, f"{len(problems)}: {problems[:3]}"
