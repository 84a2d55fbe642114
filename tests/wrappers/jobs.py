"""The jobs that images are tested with, where they run, and the commands that run them in a container.

A job sees two folders side by side, `data` (test-data, read-only) and `work`, in which it runs: relative paths, and so the
provenance in outputs, are the same with and without a container.
"""

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from wrappers.containers import output_of
from wrappers.machine import TEST_DATA
from wrappers.ordinary_user import Runnable, as_user

_PAIR = "--reference ../data/reference.fa --tumor ../data/tumor.bam --normal ../data/normal.bam"
MAIN_JOB = f"""
set -e
call-candidates --quiet --reads ../data/tumor.bam --normal ../data/normal.bam --reference ../data/reference.fa \
    --output called.vcf.gz
score-posterior --quiet --candidates called.vcf.gz {_PAIR} --purity 0.75 --threads 2 --output scored.vcf.gz
fdr-filter --quiet --calls scored.vcf.gz --events SOMATIC_TUMOR --fdr 0.05 --output filtered.vcf.gz
estimate-vaf --quiet --calls filtered.vcf.gz --output vaf.tsv
"""
NETWORK_JOB = f"""
set -e
tensorise --quiet --candidates ../data/candidates.vcf.gz {_PAIR} --output tensors.h5
predict --quiet --model ../data/model.keras --candidates ../data/candidates.vcf.gz --tensors tensors.h5 \
    --output predicted.vcf.gz
"""
CORE_OUTPUTS = ("called.vcf.gz", "scored.vcf.gz", "filtered.vcf.gz", "vaf.tsv")
SLOW_JOB = (
    "collect-evidence",
    "--candidates",
    "../data/many.vcf",
    "--reads",
    "../data/tumor.bam",
    "--reference",
    "../data/reference.fa",
    "--output",
    "evidence.h5",
)
REPEATS = 60


@dataclass(frozen=True)
class Scratch:
    """A folder that everybody may enter, with `data`, and `work` in which everybody may write."""

    root: Path

    @classmethod
    def made(cls) -> "Scratch":
        """A new one, under the system's folder for temporary files: those of pytest are open to their owner only."""
        root = Path(tempfile.mkdtemp(prefix="varproof-images-"))
        root.chmod(0o755)
        made = cls(root)
        shutil.copytree(TEST_DATA, made.data)
        _write_many_candidates(made.data / "candidates.vcf.gz", made.data / "many.vcf")
        for path in made.data.iterdir():
            path.chmod(0o644)
        made.data.chmod(0o755)
        made.work.mkdir()
        made.work.chmod(0o777)
        return made

    def remove(self) -> None:
        """Remove all of it, whoever it belongs to."""
        shutil.rmtree(self.root, ignore_errors=True)

    @property
    def data(self) -> Path:
        """Inputs."""
        return self.root / "data"

    @property
    def work(self) -> Path:
        """Where the job runs."""
        return self.root / "work"

    def owner(self, user: str | None) -> int:
        """Number of a user, or of the one who runs the tests."""
        return os.geteuid() if user is None else int(output_of("id", "-u", user))


def _write_many_candidates(path: Path, output: Path) -> None:
    """Each candidate many times over: what takes some time to look at."""
    with gzip.open(path, "rt") as lines, output.open("w") as target:
        for line in lines:
            target.write(line if line.startswith("#") else line * REPEATS)


def run_directly(scratch: Scratch, job: str) -> None:
    """Run a job with the commands of this environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    output_of("bash", "-c", job, cwd=scratch.work, env=os.environ | {"PATH": path})


def same_calls(path: Path, expected: Path) -> None:
    """Assert that two outputs are the same: bytes, or lines of a VCF but for the header."""
    if path.name.endswith(".gz"):
        lines, wanted = (gzip.decompress(file.read_bytes()).splitlines() for file in (path, expected))
        records = [line for line in lines if not line.startswith(b"##")]
        assert len(records) > 5 and records == [line for line in wanted if not line.startswith(b"##")], path.name
    elif path.read_bytes() != expected.read_bytes():
        raise AssertionError(f"{path.name}: {_different_tables(path, expected) if path.suffix == '.h5' else 'other bytes'}")


def _different_tables(path: Path, expected: Path) -> list[str]:
    """What differs between two HDF5 files whose bytes do: what a table says, how it was deflated, or where it lies."""
    found = []
    with h5py.File(path) as file, h5py.File(expected) as wanted:
        for name in sorted({*file, *wanted}):
            one, other = file[name], wanted[name]
            if one.shape != other.shape or one[()].tobytes() != other[()].tobytes():
                found.append(f"{name}: other values")
                continue
            stored = [{part.chunk_offset: (part.byte_offset, part.size) for part in _chunks(table)} for table in (one, other)]
            found += [
                f"{name}, chunk {place}: {stored[0][place]}, not {stored[1].get(place)}"
                for place in stored[0]
                if stored[0][place] != stored[1].get(place)
            ]
        if dict(file.attrs) != dict(wanted.attrs):
            found.append(f"attributes: {dict(file.attrs)}, not {dict(wanted.attrs)}")
    return found or ["the same tables, otherwise laid out"]


def _chunks(table: Any) -> list[Any]:
    """Where each chunk of an HDF5 table lies."""
    return [table.id.get_chunk_info(index) for index in range(table.id.get_num_chunks())]


def docker_command(scratch: Scratch, image: str, user: str, *options: str, program: str = "docker") -> list[str]:
    """A command line to append to: read-only root, no network, a user, `data` and `work` in their places."""
    return [
        program, "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--network", "none", "--user", user,
        "--volume", f"{scratch.data}:/scratch/data:ro", "--volume", f"{scratch.work}:/scratch/work",
        "--workdir", "/scratch/work", *options, image,
    ]  # fmt: skip


def singularity_command(scratch: Scratch, run: Runnable, program: str = "apptainer") -> list[str]:
    """The same for Apptainer, as whoever is to run it."""
    return [
        *as_user(run.user), program, "--silent", "exec", *run.options,
        "--containall", "--no-home", "--net", "--network", "none",
        "--bind", f"{scratch.data}:/scratch/data:ro,{scratch.work}:/scratch/work", "--pwd", "/scratch/work", str(run.image),
    ]  # fmt: skip


def started_slow_job(command: list[str], threads: int, log: Path) -> "subprocess.Popen[bytes]":
    """The slow job, begun in a process group of its own."""
    with log.open("wb") as said:
        return subprocess.Popen(
            [*command, *SLOW_JOB, "--threads", str(threads)],
            stdout=said,
            stderr=said,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
