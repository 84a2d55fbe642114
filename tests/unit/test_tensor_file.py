"""tensors.h5: what is written is what is read, by any ranges and by any HDF5 reader; damage is told in one line."""

import json
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from tensor_examples import CONTIGS, example_tensors, write_tensors
from varproof.formats.deflated import RowReader
from varproof.formats.tensors import (
    ALLELE_COLUMNS,
    CANDIDATE_COLUMNS,
    TEXT_COLUMNS,
    PackedTensors,
    TensorHeader,
    TensorReader,
    TensorSettings,
    concatenated,
    tensor_writer,
)
from varproof.machinery.errors import UserError

SETTINGS = TensorSettings(window=21, depth=30, tracks=("tumor", "normal", "context"))


def assert_same(first: PackedTensors, second: PackedTensors) -> None:
    for item in fields(PackedTensors):
        one, two = getattr(first, item.name), getattr(second, item.name)
        if item.name == "settings":
            assert one == two
            continue
        assert (one.dtype, one.shape) == (two.dtype, two.shape), item.name
        np.testing.assert_array_equal(one, two, err_msg=item.name)


def example(n: int) -> PackedTensors:
    """Tensors among which are empty ones, skipped ones and texts of all lengths."""
    tensors = example_tensors(n, SETTINGS, seed=3)
    tensors = tensors.select(np.arange(n))
    alt = tensors.alt.copy()
    alt[5], alt[n // 2] = "A" * 40_000, "<DUP:é>"
    skipped = tensors.skipped.copy()
    skipped[[0, n - 1]] = "breakend"
    depths = tensors.depths.copy()
    keep = np.ones(tensors.row_offset[-1], bool)
    for i in (0, 7, n - 1):  # no rows at all
        keep[tensors.row_offset[3 * i] : tensors.row_offset[3 * i + 3]] = False
        depths[i] = 0
    return replace(
        tensors,
        alt=alt,
        skipped=skipped,
        row_offset=np.concatenate([[0], np.cumsum(depths.ravel())]).astype(np.int64),
        **{name: getattr(tensors, name)[keep] for name in ("base", "quality", "rows")},
    )


def write(path: Path, tensors: PackedTensors, step: int) -> Path:
    header = TensorHeader(settings=SETTINGS, contigs=CONTIGS, samples=["t", "n", "c"], patient="somebody", provenance="mine")
    with tensor_writer(path, header) as writer:
        for start in range(0, tensors.size, step):
            writer.append(tensors.select(np.arange(start, min(start + step, tensors.size))))
    return path


@pytest.mark.parametrize("step", [1, 100, 10_000])
def test_what_is_written_is_read(step: int, tmp_path: Path) -> None:
    tensors = example(700)
    path = write(tmp_path / "tensors.h5", tensors, step)
    with TensorReader(path) as reader:
        assert (reader.size, reader.settings, reader.header.patient) == (700, SETTINGS, "somebody")
        assert_same(reader.read(0, 700), tensors)
        for start, end in [(0, 1), (699, 700), (250, 260), (3, 512), (650, 9999), (8, 8)]:
            assert_same(reader.read(start, end), tensors.select(np.arange(start, min(end, 700))))
        assert_same(concatenated(list(reader.batches(64))), tensors)
        np.testing.assert_array_equal(reader.depths(), tensors.depths)
        for name in (*CANDIDATE_COLUMNS, *TEXT_COLUMNS, "track_sample", "allele_code"):
            np.testing.assert_array_equal(reader.column(name), getattr(tensors, name), err_msg=name)


def test_threads_read_at_once(tmp_path: Path) -> None:
    """Eight threads read ranges across chunks, with columns between: each has what it asked for."""
    tensors = example(700)
    starts = np.random.default_rng(1).integers(0, 690, 200).tolist()
    with TensorReader(write(tmp_path / "tensors.h5", tensors, 100)) as reader, ThreadPoolExecutor(8) as pool:

        def found(start: int) -> tuple[PackedTensors, np.ndarray]:
            return reader.read(start, start + 10), reader.column("position")

        for start, (part, position) in zip(starts, pool.map(found, starts), strict=True):
            assert_same(part, tensors.select(np.arange(start, start + 10)))
            np.testing.assert_array_equal(position, tensors.position)


def test_chunks_are_read_under_the_lock_of_h5py() -> None:
    """HDF5 is no library for threads: while a chunk is read, no other thread gets the lock; when it is read, any does."""
    from h5py._objects import phil

    free: list[bool] = []

    def try_lock() -> None:
        free.append(phil.acquire(blocking=False))
        if free[-1]:
            phil.release()

    def elsewhere() -> None:
        other = threading.Thread(target=try_lock)
        other.start()
        other.join()

    def read_direct_chunk(place: tuple[int, ...]) -> tuple[int, bytes]:
        elsewhere()
        return 0, zlib.compress(np.arange(place[0], place[0] + 4, dtype=np.int64).tobytes())

    chunks: Any = SimpleNamespace(
        shape=(8,), chunks=(4,), dtype=np.dtype(np.int64), name="rows", id=SimpleNamespace(read_direct_chunk=read_direct_chunk)
    )
    assert RowReader(chunks).read(2, 7).tolist() == [2, 3, 4, 5, 6]
    elsewhere()
    assert free == [False, False, True]


def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    tensors = example(300)
    one, two = (write(tmp_path / f"{i}.h5", tensors, 100) for i in range(2))
    assert one.read_bytes() == two.read_bytes()


def test_any_hdf5_reader_can_read_it(tmp_path: Path) -> None:
    """Ordinary gzip chunks: h5py finds the same rows without this project's reader."""
    tensors = example(300)
    with h5py.File(write(tmp_path / "tensors.h5", tensors, 100)) as file:
        for name in ("base", "quality", "rows"):
            assert file[name].compression == "gzip" and file[name].chunks is not None
            np.testing.assert_array_equal(file[name][:], getattr(tensors, name))
        candidates = file["candidates"][:]
        np.testing.assert_array_equal(candidates["position"], tensors.position)
        np.testing.assert_array_equal(candidates["row_end"].ravel(), tensors.row_offset[1:])
        text = file["text"][:].tobytes().decode().splitlines()
        assert text[3].split("\t") == [tensors.ref[3], tensors.alt[3], "", ""]
        assert len(text) == 300 and candidates["text_end"][-1] == len(file["text"])
        assert json.loads(file.attrs["header"])["samples"] == ["t", "n", "c"]


def test_no_candidates(tmp_path: Path) -> None:
    empty = example(300).select(np.arange(0))
    with TensorReader(write(tmp_path / "tensors.h5", empty, 1)) as reader:
        assert reader.size == 0 and list(reader.batches(10)) == []
        assert_same(reader.read(0, 10), empty)
        assert reader.column("ref").shape == reader.column("label").shape == (0,)
        assert reader.column("allele_code").shape == (0, len(ALLELE_COLUMNS)) and reader.depths().shape == (0, 3)


def test_rows_are_padded() -> None:
    """`dense` puts row k of a track at k and leaves zeros below; rows deeper than asked for are an error of the caller."""
    tensors = example(40)
    dense = tensors.dense()
    assert dense["base"].shape == dense["quality"].shape == (40, 3, 30, 21)
    assert dense["rows"].shape == (40, 3, 30, 8) and dense["allele"] is tensors.allele_code
    for i in (0, 1, 39):
        for track in range(3):
            first, last = tensors.row_offset[3 * i + track : 3 * i + track + 2]
            for name in ("base", "quality", "rows"):
                np.testing.assert_array_equal(dense[name][i, track, : last - first], getattr(tensors, name)[first:last])
                assert not dense[name][i, track, last - first :].any()
    assert tensors.dense(16)["base"].shape == (40, 3, 16, 21)


def test_files_that_are_none(tmp_path: Path) -> None:
    text = tmp_path / "tensors.txt"
    text.write_text("chrom\tpos\n")
    with h5py.File(tmp_path / "evidence.h5", "w") as file:
        file.attrs["schema"] = "varproof/evidence/1"
    for path, message in [
        (tmp_path / "absent.h5", "no such file; make it with tensorise"),
        (text, "not a readable HDF5 file, or cut off"),
        (tmp_path / "evidence.h5", "schema is 'varproof/evidence/1', not 'varproof/tensors/1'"),
    ]:
        with pytest.raises(UserError, match=message) as error:
            TensorReader(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    path = write_tensors(tmp_path / "tensors.h5", example_tensors(300, SETTINGS))
    content = path.read_bytes()
    for size in (0, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(UserError, match="cut off"):
            TensorReader(path)


@pytest.mark.parametrize("name", ["candidates", "text", "base", "quality", "rows"])
def test_damaged_bytes_are_noticed(name: str, tmp_path: Path) -> None:
    """Chunks carry checksums: a flipped byte is told, not shown as reads."""
    path = write_tensors(tmp_path / "tensors.h5", example_tensors(300, SETTINGS))
    with h5py.File(path) as file:
        place = file[name].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[place.byte_offset + place.size // 2] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged"), TensorReader(path) as reader:
        reader.read(0, reader.size)


def test_tables_that_do_not_fit_each_other(tmp_path: Path) -> None:
    path = write_tensors(tmp_path / "tensors.h5", example_tensors(300, SETTINGS))
    with h5py.File(path, "r+") as file:
        file["base"].resize(file["base"].shape[0] - 1, axis=0)
    with pytest.raises(UserError, match=r"base has .* rows, not"):
        TensorReader(path)
    with h5py.File(path, "r+") as file:
        del file["rows"]
    with pytest.raises(UserError, match="cut off or damaged"):
        TensorReader(path)
    with h5py.File(path, "r+") as file:
        header = json.loads(file.attrs["header"])
        file.attrs["header"] = json.dumps(header | {"settings": header["settings"] | {"window": 31}})
    with pytest.raises(UserError, match="damaged tensor file"):
        TensorReader(path)
