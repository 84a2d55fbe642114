"""The haplotypes of a pileup picture: which alleles are shown, which reads carry them, and how often each haplotype is seen."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from pileup_examples import drawn_tensors
from varproof.formats.tensors import PackedTensors, TensorHeader, TensorReader, concatenated, tensor_writer
from varproof.report.pileup import pileup_figure, pileup_pictures
from varproof.report.pileup_group import OTHER_COLOUR, OWN_COLOUR
from varproof.report.pileup_haplotypes import (
    CARRIES,
    DIFFERS,
    MOST_ALLELES,
    UNTOLD,
    Group,
    Haplotype,
    allele_of,
    group_of,
    haplotypes_of,
    in_window,
    joint_counts,
    neighbours,
    phase_of,
)
from varproof.report.style import styled

WINDOW = 11
GENOME = "ACGTACGTACGTACGTACGTACGTACGTACGTACGTACGT"
"""Its first base is position 100."""
TUMOUR = [
    # 110: G>T (position 10 of the genome), 112: A>C
    "..........T.C.......",
    "..........T.C.......",
    "..........T.........",
    "..........T.........",
    "............C.......",
    "....................",
    "....................",
    "..........T         ",
    "           .C.......",
]
NORMAL = ["....................", "............C......."]
FIRST, SECOND = (110, "G", "T"), (112, "A", "C")


def tensors_of(candidate: tuple[int, str, str], tracks: list[list[str]], contig: int = 0) -> PackedTensors:
    """The tensor of an SNV, from reads that are written from position 100 on; all that reach it are rows."""
    position, ref, alt = candidate
    first = position - 100 - WINDOW // 2
    assert GENOME[position - 100] == ref
    cut = [
        [read.ljust(40)[first : first + WINDOW] for read in reads if read.ljust(40)[position - 100] != " "] for reads in tracks
    ]
    tensors, _ = drawn_tensors(cut, GENOME[first : first + WINDOW], position, ref, alt)
    return replace(tensors, contig=np.array([contig], np.int32))


def header_of(tensors: PackedTensors) -> TensorHeader:
    samples = [f"sample_{number}" for number in range(tensors.tracks)]
    return TensorHeader(settings=tensors.settings, contigs={"chr1": 1000, "chr2": 1000}, samples=samples, patient="p")


def figure_of(tensors: PackedTensors, beside: list[PackedTensors]) -> Any:
    with styled("test"):
        return pileup_figure(tensors, 0, header_of(tensors), beside=beside)


def axes_of(figure: Any, label: str) -> Any:
    (found,) = [axes for axes in figure.axes if axes.get_label() == label]
    return found


def words(figure: Any, label: str) -> list[str]:
    return [text.get_text() for text in axes_of(figure, label).texts]


def one_and_other() -> tuple[PackedTensors, PackedTensors]:
    return tensors_of(FIRST, [TUMOUR, NORMAL]), tensors_of(SECOND, [TUMOUR, NORMAL])


def group_of_both() -> Group:
    own, other = one_and_other()
    group = group_of(own, 0, [other])
    assert group is not None
    return group


def test_what_each_read_carries() -> None:
    """By hand, from the picture of the reads above; those that don't reach an allele do not tell."""
    group = group_of_both()
    assert [allele.record for allele in group.alleles] == [FIRST, SECOND] and group.own == 0
    assert group.states[0].tolist() == [[1, 1], [1, 1], [1, 0], [1, 0], [0, 1], [0, 0], [0, 0], [1, UNTOLD]]
    assert group.states[1].tolist() == [[0, 0], [0, 1]]
    own, other = one_and_other()
    turned = group_of(other, 0, [own])
    assert turned is not None and turned.own == 1
    assert turned.states[0].tolist() == [[1, 1], [1, 1], [1, 0], [1, 0], [0, 1], [0, 0], [0, 0], [UNTOLD, 1]]


def test_reads_of_each_haplotype_are_counted() -> None:
    """Two reads of the tumour carry both, two the first only, one the second; the one that ends between them fits two."""
    found, undecided = haplotypes_of(group_of_both())
    assert found == [
        Haplotype((1, 1), (2, 0)),
        Haplotype((1, 0), (2, 0)),
        Haplotype((0, 0), (2, 1)),
        Haplotype((0, 1), (1, 1)),
    ]
    assert undecided == (1, 0)


def group_with(states: list[str], own: int = 0) -> Group:
    """A group of one track; a read is written as '1' (carries), '0' and '?' for each allele."""
    codes = {"1": CARRIES, "0": DIFFERS, "?": UNTOLD}
    alleles = tuple(allele_of(tensors_of(FIRST, [[]]), 0) for _ in states[0])
    return Group(alleles, own, (np.array([[codes[state] for state in read] for read in states], np.int8),), 0)


def test_a_read_that_tells_little_counts_with_the_haplotype_that_it_fits() -> None:
    cis = group_with(["1111", "1111", "0000", "11??", "??00", "????"])
    assert haplotypes_of(cis) == ([Haplotype((1, 1, 1, 1), (3,)), Haplotype((0, 0, 0, 0), (2,))], (1,))
    # A single read with an error does not make those undecided that could be like it.
    error = group_with(["1111", "1111", "1110", "11??", "0000"])
    assert haplotypes_of(error)[0] == [
        Haplotype((1, 1, 1, 1), (3,)),
        Haplotype((1, 1, 1, 0), (1,)),
        Haplotype((0, 0, 0, 0), (1,)),
    ]
    # No read reaches from one to the other: what each shows stays apart.
    apart = group_with(["1?", "0?", "?1", "?0", "?0"], own=1)
    assert haplotypes_of(apart)[0] == [
        Haplotype((-1, 1), (1,)),
        Haplotype((-1, 0), (2,)),
        Haplotype((1, -1), (1,)),
        Haplotype((0, -1), (1,)),
    ]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("01?", min_size=3, max_size=3), min_size=1, max_size=30), st.integers(0, 2))
def test_every_read_is_counted_once_and_fits(reads: list[str], own: int) -> None:
    group = group_with(reads, own)
    found, undecided = haplotypes_of(group)
    assert sum(one.reads[0] for one in found) + undecided[0] == len(reads)
    whole = {tuple(row) for row in group.states[0].tolist() if UNTOLD not in row}
    assert whole <= {one.shows for one in found}
    for one in found:
        exact = sum(tuple(row) == one.shows for row in group.states[0].tolist())
        fitting = sum(
            all(state in (UNTOLD, of) for state, of in zip(row, one.shows, strict=True))
            and any(state != UNTOLD for state in row)
            for row in group.states[0].tolist()
        )
        assert exact <= one.reads[0] <= fitting


def test_cis_and_trans() -> None:
    assert joint_counts(group_of_both(), 1, [0]) == (2, 2, 1)
    assert joint_counts(group_of_both(), 1, [0, 1]) == (2, 2, 2)
    assert phase_of(2, 1, 2) == ""
    cis, trans = ["..........T.C.......", "...................."], ["..........T.........", "............C......."]
    for reads, expected in ((cis * 3, "in cis: 3 both, 0 A only, 0 B only"),
                            (trans * 3, "in trans: 0 both, 3 A only, 3 B only")):  # fmt: skip
        figure = figure_of(tensors_of(FIRST, [reads, []]), [tensors_of(SECOND, [reads, []])])
        assert any(expected in text for text in words(figure, "alleles"))


def test_contexts_say_nothing_about_phase() -> None:
    cis = ["..........T.C......."] * 4
    figure = figure_of(tensors_of(FIRST, [[], [], cis]), [tensors_of(SECOND, [[], [], cis])])
    assert any("no reads to tell" in text for text in words(figure, "alleles"))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 25))
def test_states_are_the_bases_of_the_reads(seed: int, depth: int) -> None:
    """For SNVs the base tells: against what random reads show, also where many look the same."""
    random = np.random.default_rng(seed)
    sites = sorted(random.choice(np.arange(8, 13), 3, replace=False).tolist())
    snvs = [(100 + site, GENOME[site], str(random.choice([base for base in "ACGT" if base != GENOME[site]]))) for site in sites]
    reads = []
    for start in sorted(random.integers(0, 12, depth).tolist()):
        bases = list("." * 20)
        for position, _, alt in snvs:
            bases[position - 100] = str(random.choice([".", alt, "A"]))
            if bases[position - 100] == GENOME[position - 100]:
                bases[position - 100] = "."
        reads.append(" " * start + "".join(bases)[start : start + int(random.integers(3, 21))])
    candidates = [tensors_of(snv, [reads, []]) for snv in snvs]
    for own, tensors in enumerate(candidates):
        group = group_of(tensors, 0, [other for other in candidates if other is not tensors])
        assert group is not None and [allele.record for allele in group.alleles] == snvs and group.own == own
        shown = [read.ljust(40) for read in reads if read.ljust(40)[snvs[own][0] - 100] != " "]
        expected = [
            [UNTOLD if read[position - 100] == " " else int(read[position - 100] == alt) for position, _, alt in snvs]
            for read in shown
        ]
        assert group.states[0].tolist() == expected


def test_reads_are_sorted_by_haplotype() -> None:
    """Within the reads of the candidate's own allele those with both come first; marks beside them say the same."""
    own, other = one_and_other()
    reversed_reads = [TUMOUR[i] for i in (7, 5, 3, 4, 1, 0, 6)]
    own, other = (tensors_of(snv, [reversed_reads, NORMAL]) for snv in (FIRST, SECOND))
    figure = figure_of(own, [other])
    (image,) = axes_of(figure, "marks 0").images
    colours = {OWN_COLOUR: "own", OTHER_COLOUR: "other", "#E3E5E8": "not", "#FFFFFF": ""}
    drawn = [["#" + "".join(f"{part:02X}" for part in cell[:3]) for cell in row] for row in image.get_array().tolist()]
    assert [[colours[cell] for cell in row] for row in drawn] == [
        ["own", "other"],
        ["own", "other"],
        ["own", "not"],
        ["own", ""],
        ["not", "other"],
        ["not", "not"],
        ["not", "not"],
    ]
    assert len({to_rgb(colour) for colour in colours}) == 4
    alternative = {
        (int(np.floor(path.vertices[:, 1].min())), int(path.vertices[:, 0].min()))
        for part in axes_of(figure, "reads 0").collections
        if part.get_label() in ("base T", "base C")
        for path in part.get_paths()
    }
    assert alternative == {(0, 5), (0, 7), (1, 5), (1, 7), (2, 5), (3, 5), (4, 7)}


def test_table_and_alleles() -> None:
    own, other = one_and_other()
    figure = figure_of(own, [other])
    assert words(figure, "haplotypes") == [
        "haplotypes that reads show", "A", "B", "tumour", "normal",
        "this allele with B", "2", "0",
        "this allele alone", "2", "0",
        "none of them", "2", "1",
        "B alone", "1", "1",
        "can't be told", "1", "0",
    ]  # fmt: skip
    shown = {patch.get_label(): patch for patch in axes_of(figure, "alleles").patches}
    assert set(shown) == {"allele A", "allele B"}
    assert shown["allele A"].get_x() + shown["allele A"].get_width() / 2 == 5.5
    assert shown["allele B"].get_x() + shown["allele B"].get_width() / 2 == 7.5
    assert any("111  G > T" in text and "this allele" in text for text in words(figure, "alleles"))
    assert any("113  A > C" in text for text in words(figure, "alleles"))


def test_no_neighbour_no_change() -> None:
    """Candidates elsewhere, skipped ones and the same allele once more change nothing."""
    own, other = one_and_other()
    far = tensors_of((116, "A", "C"), [TUMOUR, NORMAL])
    skipped = replace(other, skipped=np.array(["breakend"], object))
    again = replace(own, position=own.position - 1, ref=np.array(["CG"], object), alt=np.array(["CT"], object))
    elsewhere = replace(other, contig=np.array([1], np.int32))
    plain = pileup_pictures(own, 0, header_of(own))
    assert pileup_pictures(own, 0, header_of(own), beside=[far, skipped, again, elsewhere]) == plain
    assert pileup_pictures(own, 0, header_of(own), beside=[other]) != plain


def test_of_many_alleles_the_nearest_are_shown() -> None:
    bases = [base for base in "ACGT"]
    snvs = [
        (position, GENOME[position - 100], alt)
        for position in range(106, 115)
        for alt in bases
        if alt != GENOME[position - 100]
    ]
    candidates = [tensors_of(snv, [TUMOUR, NORMAL]) for snv in snvs]
    own = next(tensors for tensors in candidates if allele_of(tensors, 0).record == FIRST)
    group = group_of(own, 0, candidates)
    assert group is not None and len(group.alleles) == MOST_ALLELES and group.left_out == len(snvs) - MOST_ALLELES
    assert group.alleles[group.own].record == FIRST
    assert {allele.start for allele in group.alleles} <= set(range(108, 113))
    assert f"haplotypes that reads show; {group.left_out} alleles farther away are not shown" in words(
        figure_of(own, candidates), "haplotypes"
    )


@pytest.mark.parametrize("at", [105, 110, 115])
def test_words_stay_on_the_sheet(at: int) -> None:
    """Also beside long alleles and large positions, wherever in the window."""
    own = tensors_of(FIRST, [TUMOUR * 30, NORMAL])
    first = tensors_of((at, GENOME[at - 100], "N"), [TUMOUR * 30, NORMAL])
    long = replace(first, ref=np.array([GENOME[at - 100] + "N" * 200], object))
    shift = 123_456_000
    own, long = (replace(item, position=item.position + shift, centre=item.centre + shift) for item in (own, long))
    figure = figure_of(own, [long])
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width = figure.bbox.width
    for label in ("alleles", "haplotypes", "legend"):
        boxes = [text.get_window_extent(canvas.get_renderer()) for text in axes_of(figure, label).texts]
        assert boxes and all(box.x0 >= 0 and box.x1 <= width for box in boxes), label
    rows: dict[float, list[Any]] = {}
    for text in axes_of(figure, "alleles").texts:
        rows.setdefault(text.get_position()[1], []).append(text.get_window_extent(canvas.get_renderer()))
    for boxes in rows.values():
        ordered = sorted(boxes, key=lambda box: box.x0)
        assert all(one.x1 <= other.x0 for one, other in itertools.pairwise(ordered))


def test_neighbours_of_a_file_are_those_in_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a look at every pair finds them, on either side, within a contig; what is far away is not read."""
    places = [106, 108, 110, 110, 112, 117, 124, 130]
    alts = ["N", "T", "T", "A", "C", "N", "N", "N"]
    items = [
        tensors_of((place, GENOME[place - 100], alt), [TUMOUR, NORMAL], contig)
        for contig in (0, 1)
        for place, alt in zip(places, alts, strict=True)
    ]
    with tensor_writer(tmp_path / "t.h5", header_of(items[0])) as writer:
        writer.append(concatenated(items))
    with TensorReader(tmp_path / "t.h5") as reader:
        everything = reader.read(0, reader.size)
        for index in range(reader.size):
            expected = in_window(everything, index, everything)
            near = [
                i for i in range(reader.size)
                if i != index and i // 8 == index // 8 and abs(places[i % 8] - places[index % 8]) <= WINDOW // 2
            ]  # fmt: skip
            assert expected == near
            found = neighbours(reader, index)
            assert [(int(item.position[0]), str(item.alt[0])) for item in found] == [
                (int(everything.position[i]), str(everything.alt[i])) for i in expected
            ]
        read = []
        whole = TensorReader.read
        monkeypatch.setattr(TensorReader, "read", lambda self, *range: read.append(range) or whole(self, *range))
        neighbours(reader, 15)
        assert min(start for start, _ in read) >= 7
