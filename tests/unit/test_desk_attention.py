"""What the network looked at over the page's reads: rows told by what they hold, whatever the window, depth and soft clips."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from tensor_examples import CONTIGS, example_tensors, write_tensors
from varproof.formats.explained import ExplainedReader, explained_writer
from varproof.formats.tensor_settings import TensorSettings
from varproof.formats.tensors import FLAGS, MATE_ABOVE, SOFT_CLIPPED, PackedTensors, TensorHeader
from varproof.machinery.errors import UserError
from varproof.report.desk_attention import attention_of, tracks_of
from varproof.report.desk_data import CandidateFacts
from varproof.steps.attention import attention_told

SETTINGS = TensorSettings(window=31, depth=16, tracks=("tumor", "normal"))
WINDOW, CUT = 31, 4


def one(seed: int = 3) -> PackedTensors:
    """A candidate whose rows all differ."""
    tensors = example_tensors(1, SETTINGS, seed)
    quality = np.random.default_rng(seed).integers(1, 41, tensors.quality.shape).astype(np.uint8)
    return replace(tensors, quality=np.where(tensors.base > 0, quality, 0).astype(np.uint8))


def as_the_network_saw(tensors: PackedTensors, kept: Sequence[Sequence[int]]) -> PackedTensors:
    """These rows of each track, in a window that is CUT bases narrower on both sides, without soft clips."""
    rows = np.concatenate([tensors.row_offset[track] + np.array(part, int) for track, part in enumerate(kept)])
    inside = slice(CUT, WINDOW - CUT)
    base = tensors.base[rows, inside].copy()
    clipped = (base & SOFT_CLIPPED) > 0
    base[clipped] = 0
    return replace(
        tensors,
        settings=SETTINGS.model_copy(update={"window": WINDOW - 2 * CUT}),
        reference=tensors.reference[:, inside],
        row_offset=np.concatenate([[0], np.cumsum([len(part) for part in kept])]).astype(np.int64),
        base=base,
        quality=np.where(clipped, 0, tensors.quality[rows, inside]).astype(np.uint8),
        rows=tensors.rows[rows],
    )


def contributions(tensors: PackedTensors, seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(int(depth), tensors.settings.window)).astype(np.float32) for depth in tensors.depths[0]]


def test_rows_are_told_in_another_window_depth_and_order_of_mates() -> None:
    tensors = one()
    base = tensors.base.copy()
    base[::3, :9] = np.where(base[::3, :9] > 0, base[::3, :9] | SOFT_CLIPPED, 0)
    tensors = replace(tensors, base=base)
    kept = [list(range(1, int(tensors.depths[0, 0]))), list(range(int(tensors.depths[0, 1]) - 2))]
    seen = as_the_network_saw(tensors, kept)
    alone = seen.rows.copy()
    alone[:, FLAGS] |= MATE_ABOVE
    seen, found = replace(seen, rows=alone), contributions(seen)
    attention = attention_of(tensors, seen, found, [0, 1])
    assert attention.seen == (CUT, WINDOW - CUT) and attention.found == attention.shared == sum(map(len, kept))
    for track, part in enumerate(kept):
        columns, rows = attention.columns[track], attention.rows[track]
        assert rows is not None and np.allclose(rows[part], found[track].sum(axis=1), rtol=1e-6)
        assert not rows[[row for row in range(len(rows)) if row not in part]].any()
        assert np.allclose(columns[CUT:-CUT], found[track].sum(axis=0), rtol=1e-5)
        assert not columns[:CUT].any() and not columns[-CUT:].any()


def test_a_track_whose_rows_differ_has_columns_only_and_one_the_network_lacks_nothing() -> None:
    tensors = one()
    other = one(4)
    seen = as_the_network_saw(tensors, [range(int(depth)) for depth in tensors.depths[0]])
    quality = seen.quality.copy()
    quality[0, 11] += 1
    attention = attention_of(tensors, replace(seen, quality=quality), contributions(seen), [0, 1])
    assert attention.rows[0] is None and attention.rows[1] is not None and attention.found == attention.shared - 1
    assert attention.columns[0].any()
    assert attention.shown["rows"][0] is None and len(attention.shown["columns"]) == 2
    alone = attention_of(tensors, seen, contributions(seen), [0, None])
    assert not alone.columns[1].any() and alone.rows[1] is not None and not alone.rows[1].any()
    assert attention_of(replace(other, centre=tensors.centre), seen, contributions(seen), [0, 1]).found == 0


def test_shades_are_shares_of_the_greatest() -> None:
    tensors = one()
    seen = as_the_network_saw(tensors, [range(int(depth)) for depth in tensors.depths[0]])
    found = [np.zeros_like(part) for part in contributions(seen)]
    found[0][2, 5], found[1][0, 7] = -2.54, 1.27
    shown = attention_of(tensors, seen, found, [0, 1]).shown
    assert [shown["columns"][0][CUT + 5], shown["columns"][1][CUT + 7]] == [-127, 64]
    assert [shown["rows"][0][2], shown["rows"][1][0]] == [-127, 64] and shown["sums"] == [-2.54, 1.27]
    nothing = attention_of(tensors, seen, [part * 0 for part in found], [0, 1]).shown
    assert not any(map(any, nothing["columns"])) and not any(map(any, nothing["rows"]))


def test_tracks_are_told_by_kind_and_contexts_by_name() -> None:
    network = [("t.bam", "tumor"), ("n.bam", "normal"), ("a", "context"), ("b", "context")]
    assert tracks_of([("x", "tumor"), ("y", "normal"), ("b", "context"), ("c", "context")], network) == [0, 1, 3, None]
    assert tracks_of([("x", "tumor"), ("y", "normal")], network[:1]) == [0, None]


def header_of(tensors: PackedTensors) -> TensorHeader:
    return TensorHeader(settings=tensors.settings, contigs=CONTIGS, samples=["tumor0", "normal1"], patient="p")


def written(path: Path, tensors: PackedTensors) -> list[list[np.ndarray]]:
    found = []
    with explained_writer(path, header_of(tensors)) as writer:
        for number in range(tensors.size):
            part = tensors.select(np.array([number]))
            found.append(contributions(part, number))
            writer.append(part, found[-1])
    return found


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    tensors = example_tensors(40, SETTINGS, 2)
    found = written(tmp_path / "explained.h5", tensors)
    for path in (tmp_path, tmp_path / "explained.h5"):
        with ExplainedReader(path) as reader:
            assert len(reader.places) == 40
            for number in (0, 17, 39):
                place = "chr1", int(tensors.position[number]), tensors.ref[number], tensors.alt[number]
                assert reader.places[place] == number
                own, importance = reader.explained(number)
                assert np.array_equal(own.base, tensors.select(np.array([number])).base)
                assert all(np.array_equal(a, b) for a, b in zip(importance, found[number], strict=True))
    written(tmp_path / "none.h5", tensors.select(np.arange(0)))
    with ExplainedReader(tmp_path / "none.h5") as reader:
        assert reader.size == 0 and not reader.places


def test_files_that_are_something_else_are_refused(tmp_path: Path) -> None:
    tensors = example_tensors(3, SETTINGS, 2)
    (tmp_path / "text.h5").write_text("no HDF5")
    write_tensors(tmp_path / "tensors.h5", tensors)
    for name in ("narrow", "infinite", "contig"):
        written(tmp_path / f"{name}.h5", tensors)
    with h5py.File(tmp_path / "narrow.h5", "a") as file:
        values = file["contribution"][:, :7]
        del file["contribution"]
        file.create_dataset("contribution", data=values, chunks=True)
    with h5py.File(tmp_path / "infinite.h5", "a") as file:
        file["contribution"][0, 0] = np.inf
    with h5py.File(tmp_path / "contig.h5", "a") as file:
        candidates = file["candidates"][:]
        candidates["contig"] = 9
        file["candidates"][:] = candidates
    for name, message in (
        ("missing", "missing.h5: no such file"), ("text", "text.h5: not a readable HDF5 file"),
        ("tensors", "schema is 'varproof/tensors/1', not 'varproof/explained/1'; make it with this version of predict"),
        ("narrow", "narrow.h5: damaged"), ("infinite", "a contribution is no number"), ("contig", "contig.h5: "),
    ):  # fmt: skip
        with pytest.raises(UserError, match=message), ExplainedReader(tmp_path / f"{name}.h5") as reader:
            reader.explained(0)
    with pytest.raises(UserError, match=r"explained\.h5: no such file"):
        ExplainedReader(tmp_path)


def test_another_list_and_other_reads_are_refused(tmp_path: Path) -> None:
    tensors = one()
    place = ("chr1", int(tensors.position[0]), str(tensors.ref[0]), str(tensors.alt[0]))
    path = tmp_path / "explained.h5"
    written(path, tensors)
    with (
        pytest.raises(UserError, match=r"none of its 1 candidates is one that the page shows of calls\.vcf"),
        attention_told(path, Path("calls.vcf"), [("chr1", 1, "A", "T")], header_of(tensors)),
    ):
        raise AssertionError
    others = replace(one(9), position=tensors.position, centre=tensors.centre, ref=tensors.ref, alt=tensors.alt)
    for shown, refused in ((tensors, False), (others, True)):
        facts = CandidateFacts([], [], [], [])
        try:
            with attention_told(path, Path("calls.vcf"), [place], header_of(tensors)) as told:
                assert told(shown, facts).attention
        except UserError as error:
            assert refused and "made of other reads" in str(error)
        else:
            assert not refused
