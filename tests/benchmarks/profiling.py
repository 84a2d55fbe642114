"""Where an executable's time goes, by Python's profiler."""

import pstats
import subprocess
import sys
from pathlib import Path
from typing import Any

START = {
    "starting: Python's imports": ("<frozen importlib._bootstrap>", "_find_and_load"),
    "starting: loading compiled kernels": ("numba/core/caching.py", "load_overload"),
}
"""The stages, as `stage_shares` takes them, that every executable has."""


def profiled(folder: Path, name: str, *arguments: str | Path) -> dict[Any, Any]:
    """Statistics of cProfile: (file, line, function) -> (calls, primitive calls, own time, time with callees, callers)."""
    output = folder / "profile"
    command = [sys.executable, "-m", "cProfile", "-o", output, "-m", f"varproof.commands.{name.replace('-', '_')}"]
    subprocess.run([str(item) for item in [*command, *arguments, "--quiet"]], check=True, stdout=subprocess.DEVNULL)
    return pstats.Stats(str(output)).stats  # type: ignore[attr-defined]


def stage_shares(stats: dict[Any, Any], stages: dict[str, tuple[str, str]]) -> dict[str, float]:
    """Of the time, by stage, given as (end of the file's path, function), what the function and its callees took."""
    total = sum(own for _, _, own, _, _ in stats.values())
    shares = {}
    for title, (file, function) in stages.items():
        found = [item[3] for (path, _, name), item in stats.items() if path.endswith(file) and name == function]
        shares[title] = max(found, default=0.0) / total
    return shares
