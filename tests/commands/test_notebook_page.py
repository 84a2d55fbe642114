"""The page for notebooks runs, block after block, as it stands."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "guides" / "notebook.md").read_text(), re.DOTALL)


def test_every_block_runs_and_says_what_the_page_promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test-data").symlink_to(ROOT / "test-data")
    names: dict[str, object] = {}
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        for block in BLOCKS:
            exec(compile(block, "notebook.md", "exec"), names)
    text = said.getvalue()
    assert len(BLOCKS) == 9
    assert "195 candidates, 0 of them not judged" in text
    assert re.search(r"^all: \d+ kept, \d+ false, \d+ of 48 found$", text, re.MULTILINE)
    assert "missing.fa: no such file" in text
    assert len(names["kept"].frame()) == len(names["frequencies"]) > 30  # type: ignore[attr-defined,arg-type]
    assert (tmp_path / "frequencies.png").stat().st_size > 10_000
