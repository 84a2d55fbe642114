"""Runs that are cut off go on where they were: nothing is done twice, and results are those of an undisturbed run."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from varproof.machinery.errors import UserError
from varproof.machinery.journal import Arrays, Journal, journaled_results, kept_chunks

JOBS = range(7)


def squares(folder: Path, done: Path, workers: int, fails_at: int | None = None, run: str = "squares") -> list[int]:
    """Squares of the jobs through a journal; which jobs were computed is noted as files in `done`."""
    done.mkdir(exist_ok=True)

    def make_worker() -> Callable[[int], int]:
        def work(job: int) -> int:
            if job == fails_at:
                raise RuntimeError("cut off")
            (done / str(job)).touch()
            return job * job

        return work

    def packed(value: int) -> Arrays:
        return {"value": np.array(value)}

    def unpacked(arrays: Arrays) -> int:
        return int(arrays["value"])

    with kept_chunks(folder) as journal:
        return list(journaled_results(make_worker, JOBS, workers, journal("part", lambda: run), packed, unpacked))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("fails_at", [0, 3, 6])
def test_what_was_done_is_not_done_again(tmp_path: Path, workers: int, fails_at: int) -> None:
    with pytest.raises(RuntimeError, match="cut off"):
        squares(tmp_path / "kept", tmp_path / "first", workers, fails_at)
    kept = {int(path.stem.removeprefix("part-")) for path in (tmp_path / "kept").glob("part-*.npz")}
    if workers == 1:
        assert kept == set(range(fails_at))
    assert squares(tmp_path / "kept", tmp_path / "second", workers) == [job * job for job in JOBS]
    assert {int(path.name) for path in (tmp_path / "second").iterdir()} == set(JOBS) - kept
    assert not (tmp_path / "kept").exists()


def test_any_chunks_may_be_missing(tmp_path: Path) -> None:
    """Workers finish out of order: here the second, fifth and last are there."""
    kept = tmp_path / "kept"
    with pytest.raises(RuntimeError), kept_chunks(kept) as journal:
        part = journal("part", lambda: "squares")
        assert part is not None
        for number in (1, 4, 6):
            part.store(number, {"value": np.array(number**2)})
        raise RuntimeError
    assert squares(kept, tmp_path / "done", 1) == [job * job for job in JOBS]
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["0", "2", "3", "5"]


def test_chunks_of_another_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="cut off"):
        squares(tmp_path / "kept", tmp_path / "done", 1, 3)
    with pytest.raises(UserError, match="other inputs or options"):
        squares(tmp_path / "kept", tmp_path / "done", 1, run="cubes")


def test_a_damaged_chunk_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="cut off"):
        squares(tmp_path / "kept", tmp_path / "done", 1, 3)
    chunk = sorted((tmp_path / "kept").glob("part-*.npz"))[1]
    chunk.write_bytes(chunk.read_bytes()[:40])
    with pytest.raises(UserError, match=f"{chunk.name}: damaged"):
        squares(tmp_path / "kept", tmp_path / "done", 1)


def test_chunks_can_not_run_code(tmp_path: Path) -> None:
    """Arrays of pickled objects are refused."""
    (tmp_path / "kept").mkdir()
    journal = Journal(tmp_path / "kept", "part", "squares")
    np.savez(tmp_path / "kept" / "part-00000000.npz", value=np.array([{}], object))
    with pytest.raises(UserError, match="damaged"):
        journal.load(0)


def test_folders_that_are_something_else(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "data").touch()
    (tmp_path / "file").touch()
    for name, problem in {"mine": "something else", "file": "is a file", "no/where": "does not exist"}.items():
        with pytest.raises(UserError, match=problem), kept_chunks(tmp_path / name):
            pass
    assert (tmp_path / "mine" / "data").exists()
    with kept_chunks(None) as journal:
        assert journal("part", lambda: "squares") is None
