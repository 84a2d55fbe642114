"""Compiled code is cached by the sources of all kernels, not by the file of the outermost alone."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from varproof.machinery import accelerate


def test_digest_follows_every_kernel_and_what_it_imports(tmp_path: Path, monkeypatch) -> None:
    texts = {
        "a_numba_fns.py": "from varproof.rooms.sizes import A\nfrom varproof.rooms import shapes, words\n",
        "rooms/sizes.py": "from varproof.deeper import (\n    B,\n)\n",
        "rooms/shapes.py": "x = 1\n",
        "rooms/words.py": "x = 1\n",
        "deeper.py": "B = 1\n",
        "rooms/other.py": "y = 1\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(accelerate, "PACKAGE", tmp_path)
    first = accelerate.kernel_digest()
    assert accelerate.kernel_digest() == first
    for name, text in texts.items():
        (tmp_path / name).write_text(text + "# changed\n")
        assert (accelerate.kernel_digest() != first) == (name != "rooms/other.py")
        (tmp_path / name).write_text(text)


def test_nothing_that_a_kernel_is_compiled_from_is_missed() -> None:
    """Every module of the package whose names a kernel's own globals hold is among the sources."""
    known = {str(path.relative_to(accelerate.PACKAGE)) for path in accelerate.kernel_sources()}
    for path in accelerate.PACKAGE.rglob("*_numba_fns.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("varproof."):
                place = "/".join(node.module.split(".")[1:])
                names = {f"{place}.py", *(f"{place}/{alias.name}.py" for alias in node.names)}
                assert names & known, (path, node.module)


def test_code_with_checked_indices_is_kept_apart(monkeypatch) -> None:
    usual = accelerate.kernel_digest()
    monkeypatch.setattr(accelerate.config, "BOUNDSCHECK", 1)
    assert accelerate.kernel_digest() != usual


def test_numba_has_the_private_classes_that_kernels_are_kept_by() -> None:
    """Where this fails: see how Numba's own FunctionCache is made now, rewrite `accelerate._layer` alike, raise the bound."""
    from numba.core import caching

    used = {
        caching.FunctionCache: {"load_overload", "save_overload", "cache_path", "_impl_class"},
        caching.CompileResultCacheImpl: {"_locator_classes"},
        caching._CacheLocator: {
            "get_cache_path",
            "get_source_stamp",
            "get_disambiguator",
            "ensure_cache_path",
            "from_function",
        },
    }
    for kind, names in used.items():
        assert names <= set(dir(kind)), (kind, numba.__version__)


def test_no_processor_is_offered_what_rounds_otherwise() -> None:
    """No vector library is asked for exponentials, and nothing is fused, though this processor may be able to."""
    from varproof.machinery.numerics_numba_fns import exp_of, weighted_row_sums

    assert not numba.config.USING_SVML
    for kernel, arguments in ((exp_of, (np.ones(9),)), (weighted_row_sums, (np.ones((2, 9)), np.ones(9)))):
        code = numba.njit(nogil=True, error_model="numpy")(kernel.py_func)
        code(*arguments)
        assembly = "".join(code.inspect_asm().values())
        assert "mul" in assembly or "call" in assembly
        assert "fmadd" not in assembly and "svml" not in assembly


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


def doubled(values):
    return values * 2


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_what_was_compiled_before_is_only_read_and_the_rest_kept_elsewhere(tmp_path: Path, monkeypatch) -> None:
    shipped, own = tmp_path / "shipped" / "kernels-1", tmp_path / "own" / "kernels-1"
    monkeypatch.setattr(accelerate, "FOLDERS", [shipped])
    assert accelerate.compiled(doubled)(21) == 42
    before = files(shipped)
    assert len(before) == 2  # index and code of one signature

    monkeypatch.setattr(accelerate, "FOLDERS", [shipped, own])
    again = accelerate.compiled(doubled)
    assert again(21) == 42 and again.stats.cache_hits and not again.stats.cache_misses
    assert not own.exists()
    assert again(1.5) == 3.0 and again.stats.cache_misses
    assert files(shipped) == before and len(files(own)) == 2

    later = accelerate.compiled(doubled)
    assert (later(21), later(1.5)) == (42, 3.0) and not later.stats.cache_misses


def test_other_sources_are_compiled_anew(tmp_path: Path, monkeypatch) -> None:
    for name in ("kernels-1", "kernels-2"):
        monkeypatch.setattr(accelerate, "FOLDERS", [tmp_path / name])
        kernel = accelerate.compiled(doubled)
        assert kernel(21) == 42 and kernel.stats.cache_misses


def test_code_that_can_not_be_kept_is_used_all_the_same(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(accelerate, "FOLDERS", [tmp_path / "file" / "kernels-1"])
    with pytest.raises(NotADirectoryError):
        (tmp_path / "file" / "kernels-1").mkdir()
    assert accelerate.compiled(doubled)(21) == 42


def test_a_package_that_may_not_be_written_to_is_read_before_any_other_place(tmp_path: Path, monkeypatch) -> None:
    package, home = tmp_path / "package", tmp_path / "home"
    name = f"kernels-{accelerate.kernel_digest()}"
    shipped = package / "__pycache__" / name
    shipped.mkdir(parents=True)
    monkeypatch.setattr(accelerate, "kernel_digest", lambda: name.removeprefix("kernels-"))
    monkeypatch.setattr(accelerate, "PACKAGE", package)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    assert accelerate._folders() == [shipped]

    real = accelerate._may_write
    monkeypatch.setattr(accelerate, "_may_write", lambda folder: package not in folder.parents and real(folder))
    assert accelerate._folders() == [shipped, home / ".cache" / "varproof" / name]
    assert not home.exists()  # nothing is made before there is something to keep
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "chosen"))
    assert accelerate._folders() == [shipped, tmp_path / "chosen" / name]
    monkeypatch.setattr(accelerate, "_may_write", lambda folder: False)
    assert accelerate._folders() == [shipped]


def test_where_nothing_can_be_kept_a_private_folder_serves(tmp_path: Path, monkeypatch) -> None:
    """A read-only image run by a user without a home."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked / "below"))
    (folder,) = accelerate._folders()
    assert folder.is_dir() and folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()
