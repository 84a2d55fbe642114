"""Callers that people have, and their unmodified files for the small pair: GATK's from Maven Central, others from Debian.

A caller's file is made once for its command lines and the reads, in build/callers; a later session takes it as it is. A caller
that can't be had is "not run".
"""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pysam
import pytest

from wrappers.containers import Engine, installed, output_of, turn
from wrappers.machine import ENGINES, REPOSITORY, TEST_DATA, require_space

FOLDER = REPOSITORY / "build" / "callers"
GATK = REPOSITORY / "build" / "engines" / "gatk"
INPUTS = ("reference.fa", "reference.fa.fai", "tumor.bam", "tumor.bam.bai", "normal.bam", "normal.bam.bai")


@dataclass(frozen=True)
class Caller:
    """Command lines in a folder that holds the small pair, and what they write."""

    tool: str
    script: str
    output: str
    tumor_only: bool = False


def _mutect2(reads: str) -> str:
    called = f"gatk Mutect2 -R reference.fa {reads} -O raw.vcf.gz"
    return f"{called}\ngatk FilterMutectCalls -R reference.fa -V raw.vcf.gz -O calls.vcf.gz"


CALLERS = {
    "mutect2": Caller("gatk", _mutect2("-I tumor.bam -I normal.bam -normal normal"), "calls.vcf.gz"),
    "mutect2-tumor-only": Caller("gatk", _mutect2("-I tumor.bam"), "calls.vcf.gz", tumor_only=True),
    "haplotypecaller": Caller(
        "gatk", "gatk HaplotypeCaller -R reference.fa -I tumor.bam -I normal.bam -O calls.vcf", "calls.vcf"
    ),
    "haplotypecaller-gvcf": Caller(
        "gatk",
        "gatk HaplotypeCaller -R reference.fa -I tumor.bam -ERC GVCF -O calls.g.vcf.gz",
        "calls.g.vcf.gz",
        tumor_only=True,
    ),
    "freebayes": Caller(
        "freebayes",
        "freebayes -f reference.fa --pooled-continuous --pooled-discrete -F 0.03 -C 2 tumor.bam normal.bam > calls.vcf",
        "calls.vcf",
    ),
    "bcftools": Caller(
        "bcftools",
        "bcftools mpileup -f reference.fa tumor.bam normal.bam | bcftools call -mv -Ob -o calls.bcf",
        "calls.bcf",
    ),
    "delly": Caller("delly", "delly call -g reference.fa -o calls.bcf tumor.bam normal.bam", "calls.bcf"),
}


@dataclass(frozen=True)
class Called:
    """A caller's file, as the caller wrote it, and which engine that was."""

    name: str
    path: Path
    engine: Engine
    tumor_only: bool


def _environment() -> dict[str, str]:
    # Short runs: a virtual machine that compiles less and collects garbage alone.
    fast = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    return os.environ | {"PATH": f"{GATK / 'bin'}:{os.environ['PATH']}", "GATK_JAVA": fast}


def have_gatk() -> None:
    """Install GATK unless it is there; skips where it can't be had."""
    with turn("install"):
        if not (GATK / "bin" / "gatk").exists():
            require_space(REPOSITORY, 3)
            made = subprocess.run(["bash", ENGINES / "install-gatk.sh", GATK], capture_output=True, text=True)
            if made.returncode:
                shutil.rmtree(GATK, ignore_errors=True)
                pytest.skip(f"GATK can't be installed: {' '.join((made.stderr or made.stdout).split())[-300:]}")


def called_by(name: str) -> Called:
    """The file of a caller for the small pair; skips where the caller can't be had."""
    caller = CALLERS[name]
    if caller.tool == "gatk":
        have_gatk()
    else:
        installed(caller.tool, "install-package.sh", caller.tool)
    version = f"{caller.tool} --version 2>&1 | grep -oE '[0-9]+[.][0-9][0-9a-z.]*' | head -1"
    told = output_of("sh", "-c", version, env=_environment())
    digest = hashlib.sha256(f"{caller}{told}".encode())
    for source in INPUTS:
        digest.update((TEST_DATA / source).read_bytes())
    folder = FOLDER / f"{name}-{digest.hexdigest()[:16]}"
    with turn(f"caller-{name}"):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for source in INPUTS:
                shutil.copy2(TEST_DATA / source, folder)
            (folder / "reference.dict").write_text(pysam.dict(str(folder / "reference.fa")))  # type: ignore[attr-defined]
            output_of("bash", "-o", "pipefail", "-ec", caller.script, cwd=folder, env=_environment())
            (folder / "done").touch()
    return Called(name, folder / caller.output, Engine({"gatk": "GATK"}.get(caller.tool, caller.tool), told), caller.tumor_only)


@pytest.fixture(scope="session")
def mutect2() -> Called:
    """The file of Mutect2 and FilterMutectCalls for the small pair."""
    return called_by("mutect2")
