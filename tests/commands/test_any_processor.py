"""Same input, same bytes, on any processor: the main job as an older, another and a newer processor would run it.

What this machine can't be made to run (AVX-512 where it has none) is kept out by how the code is written:
`tests/unit/test_processor_independence.py`.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
CODE, DATA = TESTS.parent / "tools", TESTS.parent / "test-data"

pytestmark = [
    pytest.mark.timeout(1800),  # kernels are compiled for each processor
    pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names of other processors"),
]


def numpy_features() -> str:
    """The sets of instructions that NumPy would choose code for on this machine, beyond its baseline."""
    from numpy._core import _multiarray_umath as core

    return " ".join(name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name))


PROCESSORS = {
    "old": {
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": numpy_features(),
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "+sse2",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4",
    },
    "new": {"OPENBLAS_CORETYPE": "Haswell", "NUMBA_CPU_NAME": "skylake-avx512"},
}
SET_HERE = {name for settings in PROCESSORS.values() for name in settings}


def written(folder: Path, settings: dict[str, str]) -> dict[str, bytes]:
    """Content of the files that the main job writes."""
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in SET_HERE}
    environment |= {"PYTHONPATH": os.pathsep.join(filter(None, (str(CODE), os.environ.get("PYTHONPATH")))), **settings}
    command = [sys.executable, str(TESTS / "main_job.py"), str(DATA)]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return written(tmp_path_factory.mktemp("here") / "run", {})


ON_REQUEST = pytest.mark.skipif("VARPROOF_PROCESSORS" not in os.environ, reason="minutes of compiling; VARPROOF_PROCESSORS=all")


@pytest.mark.parametrize("processor", ["old", pytest.param("new", marks=ON_REQUEST)])
def test_same_bytes(processor: str, here: dict[str, bytes], tmp_path: Path) -> None:
    there = written(tmp_path / "run", PROCESSORS[processor])
    assert len(here) > 30 and list(there) == list(here)
    assert [name for name in here if here[name] != there[name]] == []
