"""Compiled code is cached by the sources of all kernels, not by the file of the outermost alone."""

import os
import subprocess
import sys
from pathlib import Path

from varproof import accelerate


def test_digest_follows_every_kernel(tmp_path: Path, monkeypatch) -> None:
    names = ("a_numba_fns.py", "evidence/arrays.py", "formats/tensors.py", "formats/shifting.py")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(accelerate, "PACKAGE", tmp_path)
    first = accelerate.kernel_digest()
    assert accelerate.kernel_digest() == first
    for name in names:
        (tmp_path / name).write_text("x = 2\n")
        assert accelerate.kernel_digest() != first
        (tmp_path / name).write_text("x = 1\n")


def test_kernels_are_cached_where_the_user_says(tmp_path: Path) -> None:
    code = (
        "import numpy as np\n"
        "from varproof.realign.edit_distance_numba_fns import locate\n"
        "print(locate(np.zeros(3, np.uint8), np.zeros(5, np.uint8)))"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "(0, 3)"
    (folder,) = (tmp_path / "cache").iterdir()
    assert folder.name == f"kernels-{accelerate.kernel_digest()}"
    assert list(folder.rglob("*locate*.nbi"))


def test_where_nothing_can_be_kept_a_private_folder_serves(tmp_path: Path, monkeypatch) -> None:
    """A read-only image run by a user without a home."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked / "below"))
    folder = accelerate._cache_folder()
    assert folder.is_dir() and folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()
