"""What a machine does to a run: kills it, fills the disk, takes folders away, fails to read. Old or new output, never half.

`VARPROOF_FAULTS` is the number of faults of each kind for each job (the nightly profile: 30).
"""

import contextlib
import errno
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from robustness.harness import complaint, emptied, run_forked, started, tallied, warmed
from robustness.small_files import sound_files

FAULTS = int(os.environ.get("VARPROOF_FAULTS", "0"))
pytestmark = pytest.mark.skipif(not FAULTS, reason="faults at random moments are for `make robust`")
OLD = b"what was there before"


@dataclass(frozen=True)
class Job:
    """An executable on sound files; `{}` in the arguments stands for their folder."""

    executable: str
    arguments: str
    output: str

    @property
    def makes_folder(self) -> bool:
        """Whether the output is a folder."""
        return "." not in self.output

    def command(self, sound: Path, output: Path) -> list[str]:
        """Arguments of a run that writes `output`."""
        return [*self.arguments.replace("{}", str(sound)).split(), "--output", str(output)]


CANDIDATES = "--candidates {}/candidates.vcf.gz --reference {}/reference.fa"
PAIR = "--tumor {}/tumor.bam --normal {}/normal.bam"
JOBS = [
    Job("call-candidates", "--reads {}/tumor.bam --normal {}/normal.bam --reference {}/reference.fa", "out.vcf.gz"),
    Job("estimate-alignment", "--reads {}/tumor.bam --reference {}/reference.fa", "out.json"),
    Job("collect-evidence", f"{CANDIDATES} --reads {{}}/tumor.bam --alignment {{}}/tumor.json", "out.h5"),
    Job(
        "score-posterior",
        f"{CANDIDATES} {PAIR} --alignment-tumor {{}}/tumor.json --alignment-normal {{}}/normal.json",
        "out.vcf.gz",
    ),
    Job("learn-prior", f"{PAIR} --reference {{}}/reference.fa --alignment-tumor {{}}/tumor.json", "out.json"),
    Job("fdr-filter", "--calls {}/scored.vcf --events SOMATIC_TUMOR --fdr 0.1", "out.bcf"),
    Job("estimate-vaf", "--calls {}/scored.vcf", "out.tsv"),
    Job("evaluate-calls", "--calls {}/scored.vcf --truth {}/truth.vcf.gz --reference {}/reference.fa", "out.json"),
    Job("tensorise", f"{CANDIDATES} {PAIR} --truth {{}}/truth.vcf.gz", "out.h5"),
    Job("gather", "--inputs {}/tensors.h5 --candidates {}/candidates.vcf.gz", "out.h5"),
    Job("spike-variants", "--reads {}/tumor.bam --reference {}/reference.fa --count 6 --min-depth 5 --spacing 500", "out"),
]
FORKS = ("call-candidates", "collect-evidence", "score-posterior", "learn-prior", "tensorise", "spike-variants")
FORKING = [job for job in JOBS if job.executable in FORKS]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound_files(tmp_path_factory.mktemp("sound"))


@dataclass
class Reference:
    """A run that nothing befell: its output, seconds and arguments."""

    content: dict[str, bytes]
    largest: int
    seconds: float


def content_of(output: Path) -> dict[str, bytes]:
    """The bytes of a file, or of all files of a folder by name; nothing of what is not there."""
    if not output.is_dir():
        return {"": output.read_bytes()} if output.exists() else {}
    return {str(path.relative_to(output)): path.read_bytes() for path in sorted(output.rglob("*")) if path.is_file()}


def unharmed(job: Job, sound: Path, folder: Path) -> Reference:
    """The job's output and how long a forked run takes."""
    warmed(job.executable, job.command(sound, emptied(folder) / job.output))
    ended = run_forked(job.executable, job.command(sound, emptied(folder) / job.output))
    assert ended.status == 0, ended.said
    files = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return Reference(content_of(folder / job.output), max(files), ended.seconds)


def moments(job: Job, seconds: float) -> list[float]:
    """When to strike, seconds after the start: evenly over the run, a little jittered, and beyond its end."""
    chance = random.Random(job.executable)
    return [(i + chance.random()) / FAULTS * 1.1 * seconds for i in range(FAULTS)]


@pytest.mark.timeout(0)
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda blow: blow.name)
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.executable)
def test_ended_at_any_moment(job: Job, blow: signal.Signals, sound: Path, tmp_path: Path) -> None:
    """The old output or the new one, whole; after SIGTERM nothing temporary; and the next run does as if nothing had been.

    A folder is not written over: before it there is none.
    """
    reference = unharmed(job, sound, tmp_path / "run")
    for moment in moments(job, reference.seconds):
        folder = emptied(tmp_path / "run")
        if not job.makes_folder:
            (folder / job.output).write_bytes(OLD)
        old = content_of(folder / job.output)
        child = started(job.executable, job.command(sound, folder / job.output))
        time.sleep(moment)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, blow)
        ended = child.wait()
        assert content_of(folder / job.output) in (old, reference.content), (moment, ended)
        if blow != signal.SIGKILL:
            assert ended.status in (0, 130, -blow) and "Traceback" not in ended.said, (moment, ended)
            assert [path.name for path in folder.glob(".varproof-*")] == [], (moment, ended)
        tallied(f"ended by {blow.name} at a random moment", 1, 0)
    if job.makes_folder:
        folder = emptied(folder)
    again = run_forked(job.executable, job.command(sound, folder / job.output))
    assert (again.status, content_of(folder / job.output)) == (0, reference.content)


def children_of(process: int) -> list[int]:
    """Processes that a process has started (proc(5): the fourth field of stat is the parent)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == process:
                found.append(int(path.parent.name))
    return sorted(found)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("job", FORKING, ids=lambda job: job.executable)
def test_a_worker_is_killed(job: Job, sound: Path, tmp_path: Path) -> None:
    """What a machine short of memory does. The run ends, with no output and a word on why, or goes on to the end."""
    reference = unharmed(job, sound, tmp_path / "run")
    killed = 0
    for moment in moments(job, reference.seconds):
        folder = emptied(tmp_path / "run")
        child = started(job.executable, [*job.command(sound, folder / job.output), "--threads", "2"])
        time.sleep(moment)
        for worker in children_of(child.pid)[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
                killed += 1
        ended = child.wait()
        if ended.status == 0:
            assert content_of(folder / job.output) == reference.content
        else:
            assert ended.status == 137 and "worker" in ended.said and "Traceback" not in ended.said, ended
            assert list(folder.iterdir()) == []
    tallied("a worker process killed", killed, 0)


def limited(size: int) -> Callable[[], None]:
    """For a child before it runs: no file may grow beyond `size` bytes."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.mark.timeout(0)
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.executable)
def test_files_that_cannot_grow(job: Job, sound: Path, tmp_path: Path) -> None:
    """As on a full disk, after any number of bytes."""
    reference = unharmed(job, sound, tmp_path / "run")
    chance = random.Random(job.executable)
    for _ in range(FAULTS):
        folder = emptied(tmp_path / "run")
        size = chance.randrange(max(1, reference.largest - 1))
        ended = run_forked(job.executable, job.command(sound, folder / job.output), limited(size))
        assert ended.status != 0 and "Traceback" not in ended.said, (size, ended)
        assert list(folder.iterdir()) == [], (size, ended)
        assert job.output in ended.said or "File too large" in ended.said, (size, ended)
        tallied("files cannot grow, after any number of bytes", 1, 0)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.executable)
def test_the_output_folder_goes_away(job: Job, sound: Path, tmp_path: Path) -> None:
    """Of an output that is a folder itself, some files may go away at the very end, when it is in its place already."""
    reference = unharmed(job, sound, tmp_path / "run")
    for moment in moments(job, reference.seconds):
        folder = emptied(tmp_path / "run")
        child = started(job.executable, job.command(sound, folder / job.output))
        time.sleep(moment)
        shutil.rmtree(folder, ignore_errors=True)
        ended = child.wait()
        assert ended.status in (0, 1, 2) and "Traceback" not in ended.said, (moment, ended)
        if ended.status == 0 and folder.exists():
            left = content_of(folder / job.output)
            assert left == reference.content or (job.makes_folder and left.items() <= reference.content.items())
        tallied("the output folder removed at a random moment", 1, 0)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("job", FORKING, ids=lambda job: job.executable)
def test_the_clock_jumps(job: Job, sound: Path, tmp_path: Path) -> None:
    """Hours ahead and back, at every look: the same bytes."""
    reference = unharmed(job, sound, tmp_path / "run")

    def jumping() -> None:
        chance, now = random.Random(1), time.time
        time.time = lambda: now() + chance.choice((-86400.0, 0.0, 3600.0, 1e9))

    ended = run_forked(job.executable, job.command(sound, emptied(tmp_path / "run") / job.output), jumping)
    assert ended.status == 0, ended.said
    assert content_of(tmp_path / "run" / job.output) == reference.content
    tallied("the clock jumps at every look", 1, 0)


@pytest.fixture(scope="module")
def failing_io(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler, which the library of failing reads and writes takes")
    library = tmp_path_factory.mktemp("library") / "failing_io.so"
    source = Path(__file__).with_name("failing_io.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    return library


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("call", "code"), [("read", errno.EIO), ("write", errno.EIO), ("write", errno.ENOSPC), ("open", errno.EROFS)]
)
@pytest.mark.parametrize("job", FORKING, ids=lambda job: job.executable)
def test_a_file_system_that_fails(job: Job, call: str, code: int, failing_io: Path, sound: Path, tmp_path: Path) -> None:
    """A network share that returns errors, a disk that is full, a file system that turned read-only."""
    chance = random.Random(f"{job.executable} {call}")
    inputs, folder = tmp_path / "inputs", tmp_path / "run"
    shutil.copytree(sound, inputs)
    reference = unharmed(job, inputs, folder).content
    for _ in range(max(1, FAULTS // 8)):
        emptied(folder)
        after = chance.randrange(6) if call != "read" else chance.randrange(60)
        environment = os.environ | {
            "LD_PRELOAD": str(failing_io), "FAIL_CALL": call, "FAIL_AFTER": str(after), "FAIL_ERRNO": str(code),
            "FAIL_UNDER": str(inputs if call == "read" else folder),
        }  # fmt: skip
        module = f"varproof.commands.{job.executable.replace('-', '_')}"
        command = [sys.executable, "-m", module, *job.command(inputs, folder / job.output), "--quiet"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert "Traceback" not in done.stderr, (after, done.stderr)
        if done.returncode == 0:
            assert content_of(folder / job.output) == reference, after
        else:
            assert done.stderr.strip() and list(folder.iterdir()) == [], (after, done.stderr)
        tallied(f"{call} fails with {errno.errorcode[code]} from some call on", 1, 0)


def test_nothing_is_wrong_with_these_jobs(sound: Path, tmp_path: Path) -> None:
    """Each job by itself ends well, so that what the tests above see is the fault's doing."""
    for job in JOBS:
        output = emptied(tmp_path / "run") / job.output
        ended = run_forked(job.executable, job.command(sound, output))
        assert complaint(job.executable, ended, [output], output.parent) == "", job
