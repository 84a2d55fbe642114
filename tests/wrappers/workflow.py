"""Nextflow, MultiQC and SLURM for tests of the pipeline, and runs of it whose outcome can be asked about.

Nextflow and MultiQC are installed once, into build/engines; a SLURM cluster of one node is started where root may do that.
"""

import csv
import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from wrappers.containers import Engine, output_of, turn
from wrappers.machine import DAEMONS, ENGINES, REPOSITORY

PIPELINE = REPOSITORY / "wrappers" / "nextflow"
INSTALLED = REPOSITORY / "build" / "engines"
MULTIQC = "multiqc>=1.30"
NF_CORE = "nf-core==4.2.1"


@dataclass(frozen=True)
class Run:
    """A finished run of Nextflow: its exit code, what it printed, and its folder."""

    code: int
    log: str
    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def trace(self) -> list[dict[str, str]]:
        """One row per task: name, status, exit and more."""
        with (self.results / "pipeline_info" / "trace.tsv").open() as handle:
            return list(csv.DictReader(handle, delimiter="\t"))

    def statuses(self) -> dict[str, str]:
        """Status of each task by its name, as in `VARPROOF_GATHER (simulated.tumor)`."""
        return {row["name"].rpartition(":")[2]: row["status"] for row in self.trace()}

    def calls(self, name: str) -> list[str]:
        """Lines of a VCF among the results, without the header's lines that tell how it was made."""
        with gzip.open(self.results / name, "rt") as handle:
            return [line for line in handle if not line.startswith("##varproof_") or line.startswith("##varproof_prior")]


@dataclass(frozen=True)
class Nextflow:
    """The command, and the environment that it runs in."""

    command: Path
    version: str
    environment: dict[str, str]

    def strict(self) -> "Nextflow":
        """The same with the strict syntax demanded, of scripts and configuration."""
        return replace(self, environment=self.environment | {"NXF_SYNTAX_PARSER": "v2"})

    def started(self, folder: Path, script: Path, *arguments: str | Path) -> "subprocess.Popen[str]":
        """A run that has begun in `folder`, in a process group of its own."""
        folder.mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            [self.command, "run", script, "-ansi-log", "false", *arguments],
            cwd=folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, folder: Path, script: Path, *arguments: str | Path) -> Run:
        """A run to its end."""
        process = self.started(folder, script, *arguments)
        try:
            log, _ = process.communicate()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return Run(process.returncode, log, folder)

    def pipeline(self, folder: Path, *arguments: str | Path) -> Run:
        """A run of the pipeline that must succeed, with its results in `folder`/results."""
        run = self.run(folder, PIPELINE, "--outdir", folder / "results", *arguments)
        assert run.code == 0, run.log[-5000:]
        return run

    def killed(self, folder: Path, task: str, *arguments: str | Path) -> Counter[str]:
        """Kill a run of the pipeline, without warning, once a task has completed whose name holds `task`.

        How many tasks of each process were completed by then.
        """
        process = self.started(folder, PIPELINE, "--outdir", folder / "results", *arguments)
        try:
            begun = time.monotonic()
            while process.poll() is None and not any(task in name for name in self._completed(folder)):
                assert time.monotonic() - begun < 300, f"{task} was not completed in 300 s"
                time.sleep(0.2)
            assert process.poll() is None, process.communicate()[0][-5000:]
            done = self._completed(folder)
            time.sleep(3)  # Nextflow notes what is done a moment later.
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        return Counter(name.rpartition(":")[2].split(" ")[0] for name in done)

    @staticmethod
    def _completed(folder: Path) -> list[str]:
        log = folder / ".nextflow.log"
        lines = log.read_text().splitlines() if log.exists() else []
        done = [line.split("name: ", 1)[1].split(";")[0] for line in lines if "Task completed > TaskHandler" in line]
        return [name for name in done if name]


def venv(name: str, *packages: str) -> Path:
    """The bin folder of a virtual environment in build/engines with packages from PyPI; skips where they can't be had."""
    folder = INSTALLED / name
    with turn(name):
        if not (folder / "installed").exists():
            made = subprocess.run([sys.executable, "-m", "venv", "--clear", folder], capture_output=True, text=True)
            pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
            run = subprocess.run(pip, capture_output=True, text=True) if made.returncode == 0 else made
            if run.returncode:
                pytest.skip(f"{', '.join(packages)} can't be installed: {run.stderr.strip()[-300:]}")
            (folder / "installed").touch()
    return folder / "bin"


@pytest.fixture(scope="session")
def multiqc() -> Path:
    """Folder of the command `multiqc`."""
    return venv("multiqc", MULTIQC)


@pytest.fixture(scope="session")
def nextflow(multiqc: Path, tmp_path_factory: pytest.TempPathFactory) -> Nextflow:
    """Nextflow, with varproof and MultiQC among its tasks' commands."""
    command = INSTALLED / "nextflow" / "bin" / "nextflow"
    with turn("install"):
        if not command.exists():
            made = subprocess.run(
                ["bash", ENGINES / "install-nextflow.sh", INSTALLED / "nextflow"], capture_output=True, text=True
            )
            if made.returncode:
                shutil.rmtree(INSTALLED / "nextflow", ignore_errors=True)
                pytest.skip(f"Nextflow can't be installed: {(made.stderr or made.stdout).strip()[-300:]}")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NXF_", "PYTHON"))} | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(multiqc), str(command.parent), os.environ["PATH"]]),
        "NXF_HOME": str(tmp_path_factory.mktemp("nextflow")),
        "NXF_OFFLINE": "true",
        "NXF_OPTS": "-Xmx1g",
        "OMP_NUM_THREADS": "1",
    }
    version = output_of(command, "-version", env=environment).split("version ")[1].split()[0]
    return Nextflow(command, version, environment)


@pytest.fixture(scope="session")
def podman_core_image(podman: Engine, core_image: str) -> str:
    """The image without TensorFlow, handed from Docker to Podman unless Podman has it."""
    name = f"localhost/{core_image}"
    identity = output_of("docker", "image", "inspect", "--format", "{{.Id}}", core_image).removeprefix("sha256:")
    held = subprocess.run(["podman", "image", "inspect", "--format", "{{.Id}}", name], capture_output=True, text=True)
    if held.stdout.strip() != identity:
        output_of("bash", "-c", f"docker save {core_image} | podman load")
        output_of("podman", "tag", identity, name)
    output_of("podman", "run", "--rm", "--network", "none", name, "true")
    return name


@pytest.fixture(scope="session")
def slurm() -> Engine:
    """A SLURM cluster of this machine."""
    if os.geteuid() or shutil.which("apt-get") is None:
        if shutil.which("sinfo") is None:
            pytest.skip("there is no SLURM cluster, and only root on Debian may start one")
    else:
        with turn("install"):
            started = subprocess.run(["bash", ENGINES / "start-slurm.sh", DAEMONS], capture_output=True, text=True)
        if started.returncode:
            pytest.skip(f"SLURM does not start: {started.stderr.strip()[-300:]}")
    return Engine("SLURM", output_of("sinfo", "--version").split()[-1])
