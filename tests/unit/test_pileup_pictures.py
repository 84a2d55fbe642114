"""What pileup pictures show, read from the shapes of the figure."""

import xml.dom.minidom
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from pileup_examples import REFERENCE, drawn_tensors
from varproof.formats.tensors import BASE_A, BASE_T, PackedTensors, TensorHeader, TensorReader, concatenated, tensor_writer
from varproof.machinery.errors import UserError
from varproof.report.pileup import candidate_columns, draw_pictures, picture_name, pileup_figure, pileup_pictures
from varproof.report.style import BASE_COLOURS, styled

TUMOUR = [
    "...........",
    ".....T.....|<",
    "  ...T..C..",
    "    .TTG   |<",
]
NORMAL = ["...........|0"]


def figure_of(tensors: PackedTensors, header: TensorHeader, **more: Any) -> Any:
    with styled("test"):
        return pileup_figure(tensors, 0, header, **more)


def panel(figure: Any, label: str) -> Any:
    (found,) = [axes for axes in figure.axes if axes.get_label() == label]
    return found


def shapes(figure: Any, label: str, name: str) -> list[Any]:
    """Outlines (k, 2) of a collection of a panel; none if there is no such collection."""
    return [path.vertices for part in panel(figure, label).collections if part.get_label() == name for path in part.get_paths()]


def cells(figure: Any, label: str, base: str) -> set[tuple[int, int]]:
    """(row, column) of the coloured cells of a base."""
    return {(int(np.floor(outline[:, 1].min())), int(outline[:, 0].min())) for outline in shapes(figure, label, f"base {base}")}


def texts(figure: Any) -> list[str]:
    return [text.get_text() for part in (figure, *figure.axes) for text in part.texts]


def test_alternative_reads_come_first_and_differing_bases_are_coloured() -> None:
    figure = figure_of(*drawn_tensors([TUMOUR, NORMAL]))
    # In the picture: the three reads with T in the order of their starts, then the one with C.
    assert cells(figure, "reads 0", "T") == {(0, 5), (1, 5), (2, 5), (2, 6)}
    assert cells(figure, "reads 0", "G") == {(2, 7)} - {(2, 7) if REFERENCE[7] == "G" else None}
    assert cells(figure, "reads 0", "C") == {(1, 8)}
    assert not any(cells(figure, "reads 1", base) for base in "ACGTN")
    groups = {patch.get_label(): patch.get_bbox() for patch in panel(figure, "reads 0").patches}
    assert (groups["group alternative"].y0, groups["group alternative"].y1) == pytest.approx((0.15, 2.85), abs=0.2)
    assert (groups["group reference"].y0, groups["group reference"].y1) == pytest.approx((3.15, 3.85), abs=0.2)


def test_colours_are_those_of_the_legend_and_fade_with_quality() -> None:
    bright = figure_of(*drawn_tensors([TUMOUR, NORMAL]))
    pale = figure_of(*drawn_tensors([TUMOUR, NORMAL], quality=10))

    def colour(figure: Any) -> str:
        (part,) = [part for part in panel(figure, "reads 0").collections if part.get_label() == "base T"]
        return to_hex(part.get_facecolor()[0]).upper()

    assert colour(bright) == BASE_COLOURS[BASE_T]
    assert sum(int(colour(pale)[i : i + 2], 16) for i in (1, 3, 5)) > sum(
        int(BASE_COLOURS[BASE_T][i : i + 2], 16) for i in (1, 3, 5)
    )
    (image,) = panel(pale, "reads 0").images
    fading = image.get_array()[..., 3]
    # The read that starts at column 4 is the third row drawn; where it has no base nothing is faded.
    assert (fading[2] > 0).tolist() == [4 <= column <= 7 for column in range(11)]
    assert not panel(bright, "reads 0").images


def test_strand_and_mapping_quality() -> None:
    figure = figure_of(*drawn_tensors([TUMOUR, NORMAL]))
    assert len(shapes(figure, "reads 0", "forward")) == 2
    assert len(shapes(figure, "reads 0", "reverse")) == 2
    assert len(shapes(figure, "reads 1", "forward hollow")) == 1
    assert not shapes(figure, "reads 1", "forward")


@pytest.mark.parametrize(("marks", "tips"), [("", "right"), ("|<", "left")])
def test_the_tip_is_where_the_read_ends(marks: str, tips: str) -> None:
    """A read inside the window has a tip at its 3' end; one that goes on beyond the window has none there."""
    figure = figure_of(*drawn_tensors([["  .......  " + marks, "..........." + marks], []]))
    inner, whole = shapes(figure, "reads 0", "reverse" if marks else "forward")
    at_tip = {"left": 2, "right": 9}[tips]
    square = {"left": 9, "right": 2}[tips]
    assert len({tuple(corner) for corner in inner if corner[0] == at_tip}) == 1
    assert len({tuple(corner) for corner in inner if corner[0] == square}) >= 2
    assert set(whole[:, 0]) == {0.0, 11.0}


def test_gaps_insertions_clips() -> None:
    tumour = ["...--......", "....+.......", "aa.........", ".......   ."]
    figure = figure_of(*drawn_tensors([tumour, []], supports="rrrr"))
    (deletion,) = shapes(figure, "reads 0", "deletion")
    assert deletion.tolist() == [[3, 0.5], [5, 0.5]]
    (insertion,) = shapes(figure, "reads 0", "insertion")
    assert insertion[:, 0].tolist() == [4, 4]
    assert int(insertion[0, 1]) == 1
    (skip,) = shapes(figure, "reads 0", "skip")
    assert skip.tolist() == [[7, 3.5], [10, 3.5]]
    # Soft-clipped bases are compared, too: the reference begins with AC, so the second is coloured.
    assert cells(figure, "reads 0", "A") == {(2, 1)}
    clipped, aligned = (outline for outline in shapes(figure, "reads 0", "forward") if int(outline[:, 1].min()) == 2)
    assert np.ptp(clipped[:, 1]) < np.ptp(aligned[:, 1])
    assert [clipped[:, 0].max(), aligned[:, 0].min()] == [2, 2]


def test_coverage_counts_aligned_bases_only() -> None:
    tumour = ["...--......", "aa...T.....", ".....T.....", "....       "]
    figure = figure_of(*drawn_tensors([tumour, []], supports="rrrr"))
    (stairs,) = panel(figure, "coverage 0").patches
    assert stairs.get_data().values.tolist() == [3, 3, 4, 3, 2, 3, 3, 3, 3, 3, 3]
    (share,) = shapes(figure, "coverage 0", "coverage T")
    assert (share[:, 0].min(), share[:, 1].min(), share[:, 1].max()) == (5, 0, 2)


def test_titles_and_labels() -> None:
    tensors, header = drawn_tensors([TUMOUR, NORMAL, []])
    words = texts(figure_of(tensors, header, probability=0.1234))
    for expected in (
        "chr1:106  C > T",
        "SNV, labelled real, P(real) = 0.123",
        "Tumour: sample_0",
        "Normal: sample_1",
        "Context: sample_2",
        "4 reads:  3 alternative,  1 reference",
        "1 read:  0 alternative,  1 reference",
        "no reads",
        "chr1",
    ):
        assert expected in words
    unlabelled = replace(tensors, label=np.array([-1], np.int8))
    assert "SNV" in texts(figure_of(unlabelled, header))
    long, header = drawn_tensors([TUMOUR, NORMAL], ref="C" * 200, alt="C")
    words = texts(figure_of(long, header))
    assert "chr1:106  CCCCCCCC…CCCCCCCC (200 bp) > C" in words
    assert "deletion of 199 bp, labelled real" in words


def test_letters_need_room() -> None:
    few = figure_of(*drawn_tensors([TUMOUR, NORMAL]))
    many = figure_of(*drawn_tensors([TUMOUR * 100, NORMAL]))
    letters = [part for part in panel(few, "reads 0").collections if part.get_label() == "letter T"]
    assert sum(len(part.get_offsets()) for part in letters) == len(cells(few, "reads 0", "T"))
    assert not [part for part in panel(many, "reads 0").collections if part.get_label().startswith("letter")]
    spelt = {
        (int(x), part.get_label()[-1])
        for part in panel(few, "reference").collections
        if part.get_label().startswith("letter")
        for x, _ in part.get_offsets()
    }
    assert "".join(letter for _, letter in sorted(spelt)) == REFERENCE


def test_positions_are_one_based() -> None:
    """The window's first base is position 100 (0-based), 101 for a reader."""
    axes = panel(figure_of(*drawn_tensors([TUMOUR, NORMAL])), "reference")
    assert {label.get_text(): tick for label, tick in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True)} == {
        "105": 4.5,
        "110": 9.5,
    }


@pytest.mark.parametrize(
    ("position", "ref", "alt", "columns"),
    [
        (105, "C", "T", (5, 6)),
        (104, "AC", "A", (5, 6)),
        (104, "A", "AT", (4.5, 5.5)),
        (104, "ACG", "TTT", (4, 7)),
        (103, "TACG", "T", (4, 7)),
        (90, "C" * 60, "C", (0, 11)),
        (104, "A", "<DEL>", (5, 6)),
        (10, "C", "T", (0, 1)),
        (900, "C", "T", (10, 11)),
    ],
)
def test_what_is_framed(position: int, ref: str, alt: str, columns: tuple[float, float]) -> None:
    tensors, _ = drawn_tensors([TUMOUR, NORMAL])
    tensors = replace(
        tensors,
        position=np.array([position]),
        ref=np.array([ref], object),
        alt=np.array([alt], object),
        allele_code=np.array([[0, 1, 1, 0, 0, 0, 0]], np.uint8),
    )
    assert candidate_columns(tensors, 0) == columns


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 30), st.sampled_from([11, 31, 101]))
def test_as_many_coloured_cells_as_mismatches(seed: int, depth: int, window: int) -> None:
    random = np.random.default_rng(seed)
    reference = "".join(random.choice(list("ACGTN"), window))
    reads = ["".join(random.choice(list(" .ACGTN-acg"), window)) for _ in range(depth)]
    tensors, header = drawn_tensors([reads, reads[: depth // 2]], reference=reference)
    figure = figure_of(tensors, header)
    for track, rows in enumerate((reads, reads[: depth // 2])):
        expected = sum(
            base != "." and base not in " -" and known != "N" and base.upper() != known
            for read in rows
            for base, known in zip(read, reference, strict=True)
        )
        assert sum(len(shapes(figure, f"reads {track}", f"base {base}")) for base in "ACGTN") == expected


def test_contributions_lie_over_the_reads_they_belong_to() -> None:
    """Rows of the picture are sorted; contributions come in the order in which rows are stored, perhaps padded."""
    tensors, header = drawn_tensors([TUMOUR, NORMAL])
    importance = np.zeros((2, 10, 11))
    importance[0, 3, 5], importance[0, 0, 5], importance[0, 3, 0] = 2.0, -1.0, 9.0
    importance[0, 7, 5] = 50.0
    importance[0, 3, 0] = 0.0
    figure = figure_of(tensors, header, importance=importance)
    (image,) = panel(figure, "reads 0").images
    shown = image.get_array()
    assert np.argwhere(shown[..., 3] > 0).tolist() == [[2, 5], [3, 5]]
    red, blue = shown[2, 5], shown[3, 5]
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert not cells(figure, "reads 0", "T")
    assert [label.get_text() for label in panel(figure, "scale").get_xticklabels()] == ["−2", "0", "+2"]
    ragged = figure_of(tensors, header, importance=[importance[0, :4], importance[1, :1]])
    assert np.array_equal(panel(ragged, "reads 0").images[0].get_array(), shown)
    assert panel(figure_of(tensors, header, importance=0 * importance), "scale")


def test_empty_skipped_and_deep_pileups() -> None:
    tensors, header = drawn_tensors([[], []])
    assert texts(figure_of(tensors, header)).count("no reads") == 2
    skipped = replace(tensors, skipped=np.array(["breakend"], object), reference=np.zeros_like(tensors.reference))
    figure = figure_of(skipped, header)
    assert "no tensor: breakend" in texts(figure)
    assert not panel(figure, "reference").lines
    deep, header = drawn_tensors([TUMOUR * 250] * 5, position=2)
    assert figure_of(deep, header).get_size_inches()[1] * 25.4 < 750
    beyond, header = drawn_tensors([["...........", " " * 11, " " * 11], []], supports="rrn")
    figure = figure_of(beyond, header)
    assert "3 reads:  2 alternative,  1 reference" not in texts(figure)
    assert "3 reads:  0 alternative,  2 reference, 2 of them not in the window" in texts(figure)
    assert panel(figure, "reads 0").get_ylim() == (1, 0)


def test_same_bytes_twice_and_well_formed() -> None:
    tensors, header = drawn_tensors([TUMOUR, NORMAL], contig="a$b$<&>")
    svg, png = pileup_pictures(tensors, 0, header)
    assert (svg, png) == pileup_pictures(tensors, 0, header)
    assert "a$b$&lt;&amp;&gt;:106" in svg.decode()
    assert b"<dc:date>" not in svg
    xml.dom.minidom.parseString(svg)
    assert png.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("contig", "ref", "alt", "name"),
    [
        ("chr1", "C", "T", "chr1_106_C_T"),
        ("../../etc", "C", "T", "_._.._etc_106_C_T_7"),
        (".hidden", "C", "T", "_hidden_106_C_T_7"),
        ("HLA*01:01", "C", "<DEL>", "HLA_01_01_106_C__DEL__7"),
        ("chr1", "C", "C" + "A" * 3000, f"chr1_106_C_C{'A' * 19}_7"),
        ("x" * 400, "C", "T", f"{'x' * 60}_106_C_T_7"),
    ],
)
def test_names_of_files(contig: str, ref: str, alt: str, name: str) -> None:
    tensors, header = drawn_tensors([TUMOUR, NORMAL], ref="C", alt="T", contig=contig)
    tensors = replace(tensors, ref=np.array([ref], object), alt=np.array([alt], object))
    assert picture_name(tensors, 0, header, 7) == name


def test_pictures_of_a_file(tmp_path: Path) -> None:
    """One file each, also where two candidates would have the same name, and none outside the folder."""
    one, header = drawn_tensors([TUMOUR, NORMAL], contig="../x")
    other, _ = drawn_tensors([TUMOUR, []], contig="../x")
    plain = replace(one, ref=np.array(["C"], object))
    with tensor_writer(tmp_path / "t.h5", header) as writer:
        writer.append(concatenated([one, other, plain]))
    folder = tmp_path / "pictures" / "more"
    with TensorReader(tmp_path / "t.h5") as reader:
        paths = draw_pictures(reader, folder, [2, 0])
    assert [path.name for path in paths] == [
        "_._x_106_C_T_3.svg",
        "_._x_106_C_T_3.png",
        "_._x_106_C_T_1.svg",
        "_._x_106_C_T_1.png",
    ]
    assert sorted(folder.iterdir()) == sorted(paths)
    assert {path.name for path in tmp_path.iterdir()} == {"t.h5", "pictures"}
    (tmp_path / "file").touch()
    with TensorReader(tmp_path / "t.h5") as reader, pytest.raises(UserError, match="there is a file of that name"):
        draw_pictures(reader, tmp_path / "file", [0])


def test_the_same_candidate_twice_gives_two_files(tmp_path: Path) -> None:
    one, header = drawn_tensors([TUMOUR, NORMAL])
    with tensor_writer(tmp_path / "t.h5", header) as writer:
        writer.append(concatenated([one, one]))
    with TensorReader(tmp_path / "t.h5") as reader:
        paths = draw_pictures(reader, tmp_path / "pictures", [0, 1])
    assert [path.name for path in paths[::2]] == ["chr1_106_C_T.svg", "chr1_106_C_T_2.svg"]


def test_bases_can_be_told_apart() -> None:
    assert len(set(BASE_COLOURS[BASE_A : BASE_T + 1])) == 4
