"""The images on the engines that run them: what is in them, that they run for anybody anywhere, and how a run in them ends."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from varproof import __version__
from varproof.commands import EXECUTABLES
from wrappers.containers import Engine, output_of
from wrappers.jobs import (
    CORE_OUTPUTS,
    MAIN_JOB,
    NETWORK_JOB,
    SLOW_JOB,
    Scratch,
    docker_command,
    run_directly,
    same_calls,
    singularity_command,
    started_slow_job,
)
from wrappers.machine import REPOSITORY, ran_on
from wrappers.ordinary_user import Runnable

pytestmark = pytest.mark.timeout(1200)

CORE_MEGABYTES = 600
NOBODY = "54321:54321"  # no such user, here or in an image


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    """Folders of one test."""
    made = Scratch.made()
    yield made
    made.remove()


# --- what is in them


def docker_shell(image: str, script: str, *options: str) -> str:
    """What a shell in a container prints."""
    return output_of("docker", "run", "--rm", "--network", "none", *options, image, "sh", "-c", script)


def test_core_image_is_small(request: pytest.FixtureRequest, docker: Engine, core_image: str) -> None:
    """The core image takes less than 600 MB"""
    ran_on(request, *docker)
    megabytes = int(output_of("docker", "image", "inspect", "--format", "{{.Size}}", core_image)) / 1e6
    assert megabytes < CORE_MEGABYTES


@pytest.mark.parametrize(("image", "lock"), [("core_image", "core"), ("cnn_image", "cnn-cpu")])
def test_packages_are_those_of_the_lock_file(image: str, lock: str, request: pytest.FixtureRequest, docker: Engine) -> None:
    """The bill of materials (CycloneDX) names each package of the lock file in its version, varproof, and no other"""
    ran_on(request, *docker)
    name = request.getfixturevalue(image)
    listed = json.loads(docker_shell(name, "cat /opt/varproof/share/varproof/sbom.cdx.json"))
    assert listed["bomFormat"] == "CycloneDX"
    pinned = re.findall(r"(?m)^([\w.-]+)==([\w.]+)", (REPOSITORY / "containers" / f"{lock}.lock").read_text())
    found = {(item["name"].lower().replace("_", "-"), item["version"]) for item in listed["components"]}
    assert found == {*pinned, ("varproof", __version__)}


@pytest.mark.parametrize("image", ["core_image", "cnn_image"])
def test_what_is_in_an_image(image: str, request: pytest.FixtureRequest, docker: Engine) -> None:
    """Labels, an ordinary user, ps, all commands; no compiler, pip, tests, caches or certificates"""
    ran_on(request, *docker)
    name = request.getfixturevalue(image)
    config = json.loads(output_of("docker", "image", "inspect", name))[0]["Config"]
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in config["Labels"].items()}
    assert labels["version"] == __version__ and labels["licenses"] == "MIT"
    assert labels["title"] == name.partition(":")[0] and labels["source"].startswith("https://")
    assert re.fullmatch("[0-9a-f]{40}|unknown", labels["revision"])
    assert not config["Entrypoint"]
    assert docker_shell(name, "id -u") == "1000"
    assert docker_shell(name, "ps -o comm= 1") in ("sh", "ps")
    listed = docker_shell(name, "varproof")
    assert all(re.search(rf"^  {executable} ", listed, re.MULTILINE) for executable in EXECUTABLES)
    assert docker_shell(
        name, "for name in varproof $(varproof | sed -n 's/^  \\([a-z-]*\\) .*/\\1/p'); do command -v $name; done | wc -l"
    ) == str(1 + len(EXECUTABLES))
    for unwanted in ("pip", "pip3", "gcc", "cc", "ld", "strip", "make", "git", "curl"):
        assert docker_shell(name, f"command -v {unwanted} || true") == ""
    unwanted_files = "-name tests -o -name pip -o -name registries.pem -o -name .cache -o -name '*.whl' -o -name '*.tar.gz'"
    found = docker_shell(name, rf"find / -xdev \( {unwanted_files} \) -not -path '/proc/*'", "--user", "0")
    assert found == ""
    assert docker_shell(name, "find /var/lib/apt/lists /var/cache/apt /tmp /build -type f -size +0 2>/dev/null || true") == ""


def test_all_executables_run_in_the_core_image(
    request: pytest.FixtureRequest, docker: Engine, core_image: str, scratch: Scratch
) -> None:
    """Every executable runs, read-only and without network; nothing is compiled, all kernels are in the image"""
    ran_on(request, *docker)
    everything_runs(core_image, scratch)


def test_all_executables_run_in_the_network_image(
    request: pytest.FixtureRequest, docker: Engine, cnn_image: str, scratch: Scratch
) -> None:
    """The same with TensorFlow: training, prediction, explanation"""
    ran_on(request, *docker)
    everything_runs(cnn_image, scratch)
    assert (scratch.work / "out" / "training.html").stat().st_size > 10_000
    assert list((scratch.work / "out" / "explained").iterdir())


def everything_runs(image: str, scratch: Scratch) -> None:
    """Run containers/run-all.sh in an image, as a user who owns nothing; kernels could be kept in $HOME, and are not."""
    (scratch.work / "out").mkdir(mode=0o777)
    (scratch.work / "out").chmod(0o777)
    command = docker_command(
        scratch, image, NOBODY, "-e", "HOME=/scratch/work/home", "-e", "NUMBA_DEBUG_CACHE=1",
        "-v", f"{REPOSITORY / 'containers'}:/containers:ro",
    )  # fmt: skip
    run = subprocess.run(
        [*command, "sh", "/containers/run-all.sh", "/scratch/data", "/scratch/work/out"], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert "[cache] data loaded" in run.stdout and "saved to" not in run.stdout
    assert not (scratch.work / "home" / ".cache" / "varproof").exists()


START = """
begun=$(date +%s%N)
exec 3< <(exec score-posterior --candidates ../data/candidates.vcf.gz --reference ../data/reference.fa \
    --tumor ../data/tumor.bam --normal ../data/normal.bam --output scored.vcf 2>&1)
read -r line <&3
echo $(( ($(date +%s%N) - begun) / 1000000 ))
"""


def test_first_run_starts_at_once(request: pytest.FixtureRequest, docker: Engine, core_image: str, scratch: Scratch) -> None:
    """The first score-posterior of a new container, read-only, nobody's: at work in a moment, done in seconds of CPU"""
    ran_on(request, *docker)
    command = docker_command(scratch, core_image, NOBODY)
    milliseconds = []
    while len(milliseconds) < 6 and min(milliseconds, default=9999) >= 1000:  # other tests run beside this one
        milliseconds.append(int(output_of(*command, "bash", "-c", START)))
    assert min(milliseconds) < 5000  # on a busy machine; compiling would take minutes there
    whole = "time score-posterior --quiet --candidates ../data/candidates.vcf.gz --reference ../data/reference.fa " + (
        "--tumor ../data/tumor.bam --normal ../data/normal.bam --output again.vcf"
    )
    told = subprocess.run([*command, "bash", "-c", f"TIMEFORMAT=%U; {whole}"], capture_output=True, text=True, check=True)
    assert float(told.stderr.splitlines()[-1]) < 5, "compiling takes half a minute"  # behind the warnings


# --- the main job


@pytest.fixture(scope="module")
def direct() -> Iterator[Path]:
    """What the main job and the network's make without any engine."""
    made = Scratch.made()
    run_directly(made, MAIN_JOB + NETWORK_JOB)
    yield made.work
    made.remove()


def check_outputs(scratch: Scratch, direct: Path, owner: int, umask: int, names: tuple[str, ...]) -> None:
    """Outputs are the caller's, with the caller's umask, and say what a direct run says; nothing else is there."""
    made = {path.name for path in scratch.work.iterdir()}
    assert made == {*names, *(f"{name}.tbi" for name in names if name.endswith(".gz"))}
    for path in scratch.work.iterdir():
        state = path.stat()
        assert (state.st_uid, state.st_mode & 0o777) == (owner, 0o666 & ~umask), path
    for name in names:
        same_calls(scratch.work / name, direct / name)


@pytest.mark.parametrize(("engine", "image"), [("docker", "core_image"), ("podman", "podman_core_image")])
def test_main_job(engine: str, image: str, request: pytest.FixtureRequest, scratch: Scratch, direct: Path) -> None:
    """Reads to calls: read-only, no network, an unknown user without a home, umask 0077: the bytes of a direct run"""
    ran_on(request, *request.getfixturevalue(engine))
    command = docker_command(scratch, request.getfixturevalue(image), NOBODY, "-e", "HOME=/nonexistent", program=engine)
    output_of(*command, "sh", "-c", "umask 0077\n" + MAIN_JOB)
    check_outputs(scratch, direct, int(NOBODY.partition(":")[0]), 0o077, CORE_OUTPUTS)


def test_network_job(request: pytest.FixtureRequest, docker: Engine, cnn_image: str, scratch: Scratch, direct: Path) -> None:
    """Tensors to predictions: read-only, no network, an unknown user without a home, umask 0027: the bytes of a direct run"""
    ran_on(request, *docker)
    command = docker_command(scratch, cnn_image, NOBODY, "-e", "HOME=/nonexistent")
    output_of(*command, "sh", "-c", "umask 0027\n" + NETWORK_JOB)
    check_outputs(scratch, direct, int(NOBODY.partition(":")[0]), 0o027, ("tensors.h5", "predicted.vcf.gz"))


@pytest.mark.parametrize("core_run", ["root", "mounted", "sandbox"], indirect=True)
def test_main_job_by_apptainer(
    request: pytest.FixtureRequest, apptainer: Engine, core_run: Runnable, scratch: Scratch, direct: Path
) -> None:
    """Reads to calls, by root and by an ordinary user: read-only, no network, no home, umask 0027: the bytes of a direct run"""
    ran_on(request, *apptainer)
    command = singularity_command(scratch, core_run)
    output_of(
        "sh", "-c", 'umask 0027; exec "$@"', "sh", *command, "sh", "-c", f"! touch /opt/varproof/x 2>/dev/null\n{MAIN_JOB}"
    )
    check_outputs(scratch, direct, scratch.owner(core_run.user), 0o027, CORE_OUTPUTS)


def test_network_job_by_apptainer(
    request: pytest.FixtureRequest, apptainer: Engine, cnn_run: Runnable, scratch: Scratch, direct: Path
) -> None:
    """Tensors to predictions, by an unprivileged user and the name `singularity`: the bytes of a direct run"""
    ran_on(request, *apptainer)
    command = singularity_command(scratch, cnn_run, program="singularity")
    output_of("sh", "-c", 'umask 0022; exec "$@"', "sh", *command, "sh", "-c", NETWORK_JOB)
    check_outputs(scratch, direct, scratch.owner(cnn_run.user), 0o022, ("tensors.h5", "predicted.vcf.gz"))


def test_standalone_definition(
    request: pytest.FixtureRequest,
    apptainer: Engine,
    standalone_sif: Path,
    standalone_run: Runnable,
    scratch: Scratch,
    direct: Path,
) -> None:
    """The image that Apptainer builds by itself, as an unprivileged user, without Docker: the bytes of a direct run"""
    ran_on(request, *apptainer)
    command = singularity_command(scratch, standalone_run)
    output_of(*command, "sh", "-c", "umask 0022\n" + MAIN_JOB)
    check_outputs(scratch, direct, scratch.owner(standalone_run.user), 0o022, CORE_OUTPUTS)
    labels = output_of("apptainer", "inspect", standalone_sif)
    assert f"org.opencontainers.image.version: {__version__}" in labels and "image.licenses: MIT" in labels


# --- how a run ends


def half_done(folder: Path) -> list[str]:
    """Names of temporary files."""
    return [path.name for path in folder.iterdir() if path.name.startswith(".varproof-")]


def wait_until_half_done(scratch: Scratch, log: Path) -> None:
    """Wait until a run has begun to write."""
    for _ in range(600):
        if half_done(scratch.work):
            time.sleep(0.5)
            return
        time.sleep(0.1)
    pytest.fail(f"the run does not begin: {log.read_text()[-1000:]}")


@pytest.fixture
def running(scratch: Scratch) -> Iterator[list[str]]:
    """Names of containers, ended with the test."""
    names: list[str] = []
    yield names
    for name in names:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True)


@pytest.mark.parametrize("threads", [1, 2])
def test_stopped_container(
    threads: int, request: pytest.FixtureRequest, docker: Engine, core_image: str, scratch: Scratch, running: list[str]
) -> None:
    """`docker stop` (SIGTERM to process 1) ends a run within a second, and leaves nothing half done"""
    ran_on(request, *docker)
    name = f"varproof-test-{os.getpid()}-{threads}"
    running.append(name)
    command = docker_command(scratch, core_image, NOBODY, "--detach", "--name", name)
    command.remove("--rm")
    output_of(*command, *SLOW_JOB, "--threads", str(threads))
    wait_until_half_done(scratch, scratch.work / "none")
    begun = time.time()
    output_of("docker", "kill", "--signal", "TERM", name)
    code = output_of("docker", "wait", name)
    finished = output_of("docker", "inspect", "--format", "{{.State.FinishedAt}}", name)
    assert code == "130"
    assert seconds_of_day(finished) - begun % 86400 < 1
    assert list(scratch.work.iterdir()) == []
    assert "interrupted" in subprocess.run(["docker", "logs", name], capture_output=True, text=True).stderr


def seconds_of_day(moment: str) -> float:
    """Of a moment as Docker writes it."""
    hours, minutes, seconds = moment.partition("T")[2].removesuffix("Z").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds[:9])


@pytest.mark.parametrize("threads", [1, 2])
def test_terminated_by_apptainer(
    threads: int, request: pytest.FixtureRequest, apptainer: Engine, core_run: Runnable, scratch: Scratch
) -> None:
    """SIGTERM to a run of an unprivileged user, as batch systems send it, ends it within a second; nothing is half done"""
    ran_on(request, *apptainer)
    log = scratch.root / "log"
    process = started_slow_job(singularity_command(scratch, core_run), threads, log)
    try:
        wait_until_half_done(scratch, log)
        begun = time.monotonic()
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)
        for _ in range(100):
            if not half_done(scratch.work):
                break
            time.sleep(0.01)
        assert time.monotonic() - begun < 1.5  # with the engine's own share
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert list(scratch.work.iterdir()) == []
