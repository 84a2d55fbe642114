"""The options of every executable: help, schema, configuration files, mistakes; and the umbrella `varproof`."""

import errno
import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field

from patience import PATIENCE
from varproof import __version__
from varproof.commands import EXECUTABLES, umbrella
from varproof.commands.base import CommandOptions, parse_options, run_command
from varproof.machinery.errors import UserError

HEAVY = (
    "numpy", "numba", "scipy", "h5py", "tensorflow", "keras", "matplotlib", "mappy", "pyminimap2", "isal", "jinja2", "yaml",
)  # fmt: skip
MOST_MODULES = 450
"""Some 320 are loaded with pydantic, 350 with pysam: what takes time at the start. Seconds are for the benchmarks."""
COMMON = ("--help", "--version", "--schema", "--threads", "--config", "--log-level", "--quiet")

HELP = """
import runpy, sys
sys.argv = [{name!r}, "--help"]
try:
    runpy.run_module("varproof.commands.{module}", run_name="__main__")
finally:
    print(len(sys.modules), *[name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""


class ExampleOptions(CommandOptions):
    """What it does.

    And how.
    """

    output: Path = Field(description="where to.")
    events: list[str] = Field(["A"], description="which events.")
    kind: list[Literal["one", "two"]] = Field([], description="which kinds.")
    fdr: float = Field(0.05, gt=0, le=1, description="rate.")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True)


def module_of(name: str) -> str:
    return name.replace("-", "_")


def run_main(name: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Exit code of an executable, run in this process."""
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    with pytest.raises(SystemExit) as stop:
        importlib.import_module(f"varproof.commands.{module_of(name)}").main()
    return int(stop.value.code or 0)


@pytest.mark.parametrize("name", EXECUTABLES)
def test_help_loads_little_and_nothing_heavy(name: str) -> None:
    program = HELP.format(name=name, module=module_of(name), heavy=HEAVY)
    result = python("-c", program)
    assert result.returncode == 0
    modules, *heavy = result.stderr.split()
    assert not heavy
    assert int(modules) < MOST_MODULES
    assert result.stdout.startswith(f"usage: {name} ")
    for option in COMMON:
        assert option in result.stdout
    for noise in ("(default: None)", "default factory", "(required)"):
        assert noise not in result.stdout
    assert max(map(len, result.stdout.splitlines())) < 140


@pytest.mark.parametrize("name", EXECUTABLES)
def test_version_and_schema(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(name, monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"{name} {__version__}\n"
    assert run_main(name, monkeypatch, "--schema") == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["type"] == "object"
    assert "output" in schema["required"]
    assert all("description" in option for option in schema["properties"].values())


@pytest.mark.parametrize("name", EXECUTABLES)
def test_a_wrong_option_is_one_line(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(name, monkeypatch, "--no-such-option", "3") == 2
    assert capsys.readouterr().err == f"{name}: error: unrecognized arguments: --no-such-option 3; see {name} --help\n"
    assert run_main(name, monkeypatch) == 2
    assert "--output is required" in capsys.readouterr().err


@pytest.mark.parametrize("name", EXECUTABLES)
def test_an_unknown_key_in_a_configuration_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "options.yaml").write_text("outptu: x\n")
    assert run_main(name, monkeypatch, "--config", str(tmp_path / "options.yaml")) == 2
    error = capsys.readouterr().err
    assert "'outptu' is not an option; did you mean 'output'?" in error
    assert error.count("\n") == 1


def test_all_cores_where_a_process_may_use_some_or_where_nobody_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7})
    assert ExampleOptions(output="x", threads=0).worker_count == 3  # type: ignore[arg-type]
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert ExampleOptions(output="x", threads=0).worker_count == 6  # type: ignore[arg-type]
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert ExampleOptions(output="x", threads=0).worker_count == 1  # type: ignore[arg-type]


def parsed(*arguments: str) -> dict[str, Any]:
    return parse_options("example", ExampleOptions, list(arguments)).model_dump()


@pytest.mark.parametrize(
    "spelled", [["--events", "B,C"], ["--events", "B", "C"], ["--events", "B", "--events", "C"], ["--events=B", "--events=C"]]
)
def test_lists_can_be_spelled_in_the_usual_ways(spelled: list[str]) -> None:
    assert parsed("--output", "x", *spelled, "--kind", "one", "two")["events"] == ["B", "C"]


def test_defaults_configuration_and_command_line(tmp_path: Path) -> None:
    """Command line over configuration over defaults; keys with dashes or underscores; YAML or JSON."""
    path = tmp_path / "options.yaml"
    path.write_text("output: from-config\nlog-level: debug\nkind: [one]\nevents: B,C\n")
    values = parsed("--config", str(path), "--output", "given")
    assert (values["output"], values["log_level"], values["fdr"]) == (Path("given"), "debug", 0.05)
    assert (values["kind"], values["events"]) == (["one"], ["B", "C"])
    path.write_text(json.dumps({"output": "from-json", "log_level": "error", "fdr": 0.2}))
    values = parsed(f"--config={path}")
    assert (values["output"], values["log_level"], values["fdr"]) == (Path("from-json"), "error", 0.2)
    path.write_text("")
    assert parsed("--config", str(path), "--output", "x")["fdr"] == 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "x", "--fdr", "2"], "--fdr: Input should be less than or equal to 1 (got '2')"),
        (["--output", "x", "--fdr", "much"], "--fdr: Input should be a valid number"),
        (["--output", "x", "--kind", "three"], "--kind: Input should be 'one' or 'two' (got 'three')"),
        (["--fdr", "0"], "--output is required; --fdr: Input should be greater than 0"),
        (["--output"], "argument --output: expected one argument; see example --help"),
        (["--out", "x"], "unrecognized arguments: --out x"),
        (["--output", "x", "stray"], "unrecognized arguments: stray"),
        (["--threads", "-1", "--output", "x"], "--threads: Input should be greater than or equal to 0"),
    ],
)
def test_mistakes(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError) as error:
        parse_options("example", ExampleOptions, arguments)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n- b\n", "expected 'option: value' lines"),
        ("a: [\n", "not valid YAML or JSON"),
        ("fdr: 3\noutput: x\n", "--fdr: Input should be less than or equal to 1"),
        ("config: x\n", "'config' is not an option"),
        ("zzz: x\n", "'zzz' is not an option"),
    ],
)
def test_bad_configurations(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "options.yaml"
    path.write_text(content)
    with pytest.raises(UserError) as error:
        parsed("--config", str(path))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_configuration_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        parsed("--config", str(tmp_path / "absent.yaml"))
    with pytest.raises(UserError, match="Is a directory"):
        parsed("--config", str(tmp_path))


def test_no_option_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FDR", "0.5")
    monkeypatch.setenv("OUTPUT", "elsewhere")
    assert parsed("--output", "x")["fdr"] == 0.05
    with pytest.raises(UserError, match="--output is required"):
        parsed()


@pytest.mark.parametrize(
    ("failure", "code", "line"),
    [
        (UserError("calls.vcf: empty"), 2, "calls.vcf: empty"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out.vcf"), 1, "out.vcf: No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "out.vcf"), 2, "out.vcf: Permission denied"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "x.bam"), 2, "x.bam: No such file or directory"),
    ],
)
def test_how_a_failure_ends(
    failure: BaseException, code: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(options: ExampleOptions) -> None:
        raise failure

    monkeypatch.setattr(sys, "argv", ["example", "--output", "x"])
    with pytest.raises(SystemExit) as stop:
        run_command("example", ExampleOptions, run)
    assert stop.value.code == code
    assert capsys.readouterr().err.rstrip().endswith(line)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_unwind(number: int, tmp_path: Path) -> None:
    """Ctrl-C and kill alike: exit code 130, no traceback, and what the run would have cleaned up is cleaned up."""
    program = """
import sys, time
from pathlib import Path
from varproof.commands.base import CommandOptions, run_command
from varproof.machinery.output import complete_or_absent

class Options(CommandOptions):
    output: Path

def run(options):
    with complete_or_absent(options.output) as temporary:
        temporary.write_text("half")
        print("ready", flush=True)
        while True:  # in short naps: a signal that lands just before a sleep begins is only handled after it
            time.sleep(0.05)

run_command("example", Options, run)
"""
    arguments = [sys.executable, "-c", program, "--output", str(tmp_path / "out.txt")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(number)
        _, error = child.communicate(timeout=PATIENCE)
    assert (child.returncode, error) == (130, "example: interrupted\n")
    assert not list(tmp_path.iterdir())


def test_the_umbrella_lists_and_runs_all(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["varproof"])
    umbrella()
    listed = capsys.readouterr().out
    for name, purpose in EXECUTABLES.items():
        assert f"  {name} " in listed and purpose in listed
        monkeypatch.setattr(sys, "argv", ["varproof", name, "--version"])
        with pytest.raises(SystemExit) as stop:
            umbrella()
        assert stop.value.code == 0
        assert capsys.readouterr().out == f"{name} {__version__}\n"
    monkeypatch.setattr(sys, "argv", ["varproof", "--version"])
    umbrella()
    assert capsys.readouterr().out == f"varproof {__version__}\n"
    monkeypatch.setattr(sys, "argv", ["varproof", "score"])
    with pytest.raises(SystemExit) as stop:
        umbrella()
    assert stop.value.code == 2
    assert "no executable 'score'; known: simulate-pair" in capsys.readouterr().err


def test_every_executable_is_installed_under_its_bare_name() -> None:
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    scripts = dict(project["project"]["scripts"])
    assert scripts.pop("varproof") == "varproof.commands:umbrella"
    assert scripts == {name: f"varproof.commands.{module_of(name)}:main" for name in EXECUTABLES}


def test_files_that_are_no_modules_are_packaged() -> None:
    tomllib = pytest.importorskip("tomllib")
    root = Path(__file__).parents[2]
    patterns = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["varproof"]
    package = root / "tools" / "varproof"
    packaged = {path for pattern in patterns for path in package.glob(pattern)}
    data = {path for path in package.rglob("*") if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts}
    assert data == packaged
