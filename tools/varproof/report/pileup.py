"""The pileup of a candidate as a person sees it in a genome browser: reference, then tumour over normal over contexts.

In comes a `PackedTensors` and the index of a candidate in it, out a figure, or SVG and PNG files. Everything is drawn from
packed tensors alone: its own, and those of other candidates in its window, which pileup_group.py adds. Sizes are in mm, because
a row of reads is as high as the number of rows allows; the parts of one track are drawn by pileup_track.py.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from varproof.formats.tensors import (
    ALT_LENGTH,
    BASE_MASK,
    BASE_N,
    FLAGS,
    MATE_ABOVE,
    REF_LENGTH,
    SUPPORTS_ALT,
    SUPPORTS_REF,
    TYPE,
    UNKNOWN_LABEL,
    PackedTensors,
    TensorHeader,
    TensorReader,
)
from varproof.machinery.errors import UserError
from varproof.machinery.output import write_bytes
from varproof.report.pileup_group import draw_group, draw_marks, group_height, marks_width
from varproof.report.pileup_haplotypes import Group, allele_of, group_of, neighbours, window_start
from varproof.report.pileup_sheet import (
    COVERAGE,
    LABEL,
    LEFT,
    NO_READS,
    REFERENCE,
    TOP,
    Layout,
    Sheet,
    draw_legend,
    draw_scale,
    layout_of,
    legend_entries,
    legend_lines,
)
from varproof.report.pileup_track import (
    TRACK_NAMES,
    Panel,
    draw_bases,
    draw_coverage,
    draw_groups,
    draw_reads,
    row_groups,
    row_order,
)
from varproof.report.style import INK, MUTED, png_bytes, probability_text, styled, svg_bytes
from varproof.variants.edit import VariantType

_TITLE_FROM_TOP, _TICK_FROM_EDGE, _NARROWEST_FRAME = 5.0, 2.5, 1.2
_ALLELE_SHOWN = 24
_ALLELE_IN_NAME = 20
_CONTIG_IN_NAME = 60
_TYPE_TEXT = {VariantType.SNV: "SNV", VariantType.MNV: "MNV"}
_LABEL_TEXT = {1: "labelled real", 0: "labelled not real"}
_FULL_COLOUR = 0.995
"""Quantile of the sizes of contributions that gets the full colour."""


def _shortened(allele: str) -> str:
    if len(allele) <= _ALLELE_SHOWN:
        return allele
    return f"{allele[:8]}…{allele[-8:]} ({len(allele):,} bp)"


def candidate_title(tensors: PackedTensors, index: int, header: TensorHeader) -> str:
    """chrom:pos REF>ALT, 1-based, long alleles shortened."""
    contig = list(header.contigs)[tensors.contig[index]]
    ref, alt = _shortened(str(tensors.ref[index])), _shortened(str(tensors.alt[index]))
    return f"{contig}:{tensors.position[index] + 1:,}  {ref} > {alt}"


def _description(tensors: PackedTensors, index: int, probability: float | None) -> str:
    if tensors.skipped[index]:
        return f"no tensor: {tensors.skipped[index]}"
    kind = tuple(VariantType)[tensors.allele_code[index, TYPE]]
    lengths = {VariantType.DELETION: REF_LENGTH, VariantType.INSERTION: ALT_LENGTH}
    length = int(tensors.allele_code[index, lengths[kind]]) if kind in lengths else 0
    parts = [_TYPE_TEXT.get(kind, kind.value) + (f" of {length} bp" if 0 < length < 255 else "")]
    if tensors.label[index] != UNKNOWN_LABEL:
        parts.append(_LABEL_TEXT[int(tensors.label[index])])
    if probability is not None:
        parts.append(f"P(real) = {probability_text(probability)}")
    return ", ".join(parts)


def candidate_columns(tensors: PackedTensors, index: int) -> tuple[float, float]:
    """Columns of the window [from, to) that the alternative allele changes; an insertion half a base either side of its place.

    Cut at the window's ends.
    """
    window, allele = tensors.settings.window, allele_of(tensors, index)
    first, length = float(allele.start - window_start(tensors, index)), allele.end - allele.start
    low, high = (first, first + length) if length else (first - 0.5, first + 0.5)
    return min(max(low, 0.0), window - 1.0), min(max(high, 1.0), float(window))


def pileup_figure(
    tensors: PackedTensors,
    index: int,
    header: TensorHeader,
    importance: Sequence[np.ndarray] | np.ndarray | None = None,
    probability: float | None = None,
    beside: Sequence[PackedTensors] = (),
) -> Any:
    """The figure of candidate `index` (of those in `tensors`); draw and save it inside `style.styled(name)`.

    importance: contributions of each base of each read to the network's answer, positive for a real variant; per track an
    array of shape (at least as many rows as the track has, W) in the order in which rows are stored. It is laid over pale
    reads. probability: of being real, for the title. beside: tensors, one candidate each, of other candidates of the list;
    those in the window are shown, with the haplotypes that they and this one make up.
    """
    group = group_of(tensors, index, beside)
    tracks = [_track(tensors, index, header, track, importance, group) for track in range(tensors.tracks)]
    explained = importance is not None
    legend = legend_entries(explained, tensors.settings.soft_clips, group is not None)
    depths = [len(track.base) for track in tracks]
    layout = layout_of(
        depths,
        tensors.settings.window,
        explained,
        lambda wide: legend_lines(legend, wide),
        group_height(group),
        marks_width(group),
    )
    sheet = Sheet(layout)
    sheet.text(LEFT, _TITLE_FROM_TOP, candidate_title(tensors, index, header), fontsize=11, weight="bold")
    sheet.text(LEFT, _TITLE_FROM_TOP + 4.2, _description(tensors, index, probability), fontsize=8.5, color=MUTED)
    frame = None if tensors.skipped[index] else _framed(candidate_columns(tensors, index), layout.column)
    _draw_reference(sheet, layout, tensors, index, header, frame)
    if group is not None:
        draw_group(sheet, layout, group, window_start(tensors, index), tensors.settings.tracks)
    limit, saturated = _scale_limit([track.importance for track in tracks if track.importance is not None])
    for number, track in enumerate(tracks):
        _draw_track(sheet, layout, number, track, tensors.reference[index], frame, limit)
        if group is not None and len(track.base):
            top = layout.tops[number] + LABEL + COVERAGE
            draw_marks(sheet, LEFT + layout.wide, top, layout.row, number, track.states, group.own)
    if explained:
        draw_scale(sheet, layout, limit, saturated)
    draw_legend(sheet, layout, legend)
    return sheet.figure


def _scale_limit(importance: Sequence[np.ndarray]) -> tuple[float, bool]:
    """(contribution with the full colour, whether some are larger): one or two reads must not take all the colour."""
    sizes = np.concatenate([np.abs(part).ravel() for part in importance]) if importance else np.zeros(0)
    sizes = sizes[sizes > 0]
    if not len(sizes):
        return 1.0, False
    limit = float(np.quantile(sizes, _FULL_COLOUR, method="higher"))
    return limit, bool(sizes.max() > limit)


def _framed(columns: tuple[float, float], column_mm: float) -> tuple[float, float]:
    """The columns to frame, wide enough that the frame doesn't hide them."""
    missing = max(0.0, _NARROWEST_FRAME / column_mm - (columns[1] - columns[0])) / 2
    return columns[0] - missing, columns[1] + missing


def _draw_reference(
    sheet: Sheet, layout: Layout, tensors: PackedTensors, index: int, header: TensorHeader, frame: tuple[float, float] | None
) -> None:
    window = tensors.settings.window
    axes = sheet.axes("reference", TOP, layout.wide, REFERENCE)
    axes.set_xlim(0, window)
    axes.set_ylim(1, 0)
    codes = tensors.reference[index] & BASE_MASK
    columns = np.flatnonzero((codes > 0) & (codes <= BASE_N))
    panel = Panel(axes, layout.column, REFERENCE)
    draw_bases(panel, np.zeros(columns.size), columns, codes[columns], np.full(columns.size, 0.4), size=0.55)
    first = int(tensors.centre[index]) - window // 2 + 1
    step = next(step for step in (5, 10, 20, 50, 100, 200) if step * layout.column >= 15)
    last = first + window - 1 - _TICK_FROM_EDGE / layout.column
    marks = [at for at in range(first + (-first) % step, first + window, step) if 1 <= at <= last]
    axes.set_xticks([at - first + 0.5 for at in marks], [f"{at:,}" for at in marks])
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", length=2, pad=1, labelsize=7, color=MUTED, labelcolor=MUTED)
    contig = list(header.contigs)[tensors.contig[index]]
    shown = contig if len(contig) <= 9 else contig[:8] + "…"
    axes.text(-1.2 / layout.column, 0.5, shown, ha="right", va="center", fontsize=7, color=MUTED, parse_math=False)
    _frame(axes, frame)


def _frame(axes: Any, frame: tuple[float, float] | None) -> None:
    for x in frame or ():
        axes.axvline(x, color=INK, lw=0.7, zorder=20, clip_on=False, label="candidate")


@dataclass(frozen=True)
class _Track:
    """What is drawn of a track: base, quality (n, W), rows (n, columns), importance (n, W), states (n, alleles).

    Rows as drawn.
    """

    title: str
    summary: str
    base: np.ndarray
    quality: np.ndarray
    rows: np.ndarray
    importance: np.ndarray | None
    states: np.ndarray


def _track(
    tensors: PackedTensors,
    index: int,
    header: TensorHeader,
    track: int,
    importance: Sequence[np.ndarray] | np.ndarray | None,
    group: Group | None,
) -> _Track:
    first, last = tensors.row_offset[index * tensors.tracks + track :][:2]
    rows = slice(int(first), int(last))
    kinds = tensors.settings.tracks
    name = TRACK_NAMES[kinds[track]]
    if kinds.count("context") > 1 and kinds[track] == "context":
        name += f" {kinds[: track + 1].count('context')}"
    number = int(tensors.track_sample[index, track])
    sample = header.samples[number] if number >= 0 else "none"
    title = f"{name}: {sample}" if len(sample) <= 50 else f"{name}: {sample[:49]}…"
    flags = tensors.rows[rows, FLAGS]
    kind = tuple(VariantType)[tensors.allele_code[index, TYPE]]
    column = int(candidate_columns(tensors, index)[0]) if kind in (VariantType.SNV, VariantType.MNV) else None
    states = np.zeros((len(flags), 0), np.int8) if group is None else group.states[track]
    order = row_order(tensors.base[rows], flags, column, states)
    chosen = order + first
    here = None if importance is None else np.asarray(importance[track])[order]
    summary = track_summary(flags, len(order))
    return _Track(title, summary, tensors.base[chosen], tensors.quality[chosen], tensors.rows[chosen], here, states[order])


def _draw_track(
    sheet: Sheet,
    layout: Layout,
    number: int,
    track: _Track,
    reference: np.ndarray,
    frame: tuple[float, float] | None,
    limit: float,
) -> None:
    top, window = layout.tops[number], len(reference)
    sheet.text(LEFT, top + LABEL / 2 + 0.3, track.title, fontsize=8.5, weight="bold")
    sheet.text(LEFT + layout.wide, top + LABEL / 2 + 0.3, track.summary, fontsize=8, color=MUTED, ha="right")
    top += LABEL
    if not len(track.base):
        axes = sheet.axes(f"reads {number}", top, layout.wide, NO_READS)
        axes.patch.set(visible=True, facecolor="#F6F7F9")
        axes.text(0.5, 0.5, "no reads", ha="center", va="center", color=MUTED, fontsize=8.5)
        return
    coverage = sheet.axes(f"coverage {number}", top, layout.wide, COVERAGE)
    deepest = draw_coverage(coverage, track.base, reference)
    coverage.text(-1.2 / layout.column, deepest, f"{deepest}", ha="right", va="top", fontsize=7, color=MUTED)
    _frame(coverage, frame)
    axes = sheet.axes(f"reads {number}", top + COVERAGE, layout.wide, len(track.base) * layout.row)
    axes.set_xlim(0, window)
    axes.set_ylim(len(track.base), 0)
    panel = Panel(axes, layout.column, layout.row)
    importance = None if track.importance is None else np.clip(track.importance / limit, -1.0, 1.0)
    draw_reads(panel, track.base, track.quality, track.rows, reference, importance)
    draw_groups(panel, row_groups(track.rows[:, FLAGS]))
    _frame(axes, frame)


def track_summary(flags: np.ndarray, shown: int) -> str:
    """Numbers of reads for a track's label, from the flags of its rows (n,), of which `shown` have a base in the window."""
    if not len(flags):
        return ""
    fragments = int(np.count_nonzero((flags & MATE_ABOVE) == 0))
    alternative, reference = (int(np.count_nonzero(flags & bit)) for bit in (SUPPORTS_ALT, SUPPORTS_REF))
    of = "" if fragments == len(flags) else f" of {fragments} fragments"
    beyond = "" if shown == len(flags) else f", {len(flags) - shown} of them not in the window"
    reads = f"{len(flags)} read{'' if len(flags) == 1 else 's'}{of}"
    return f"{reads}:  {alternative} alternative,  {reference} reference{beyond}"


def picture_name(tensors: PackedTensors, index: int, header: TensorHeader, number: int) -> str:
    """File name without suffix, safe on any file system; `number` tells names apart that had to be changed or shortened.

    Contigs and alleles may hold any character and be long.
    """
    contig = list(header.contigs)[tensors.contig[index]]
    ref, alt = str(tensors.ref[index]), str(tensors.alt[index])
    parts = [(contig, _CONTIG_IN_NAME), (str(tensors.position[index] + 1), 20), (ref, _ALLELE_IN_NAME), (alt, _ALLELE_IN_NAME)]
    plain = [re.sub(r"[^A-Za-z0-9.+-]", "_", text[:limit]) for text, limit in parts]
    plain[0] = re.sub(r"^[.-]", "_", plain[0])
    name = "_".join(plain)
    return name if name == f"{contig}_{parts[1][0]}_{ref}_{alt}" else f"{name}_{number}"


def pileup_pictures(
    tensors: PackedTensors,
    index: int,
    header: TensorHeader,
    importance: Sequence[np.ndarray] | np.ndarray | None = None,
    probability: float | None = None,
    beside: Sequence[PackedTensors] = (),
) -> tuple[bytes, bytes]:
    """(SVG, PNG) of a candidate; parameters as in `pileup_figure`."""
    with styled(f"varproof-pileup-{candidate_title(tensors, index, header)}"):
        figure = pileup_figure(tensors, index, header, importance, probability, beside)
        return svg_bytes(figure), png_bytes(figure)


def write_pictures(folder: Path, name: str, svg: bytes, png: bytes) -> list[Path]:
    """Write both files, each complete or not at all; returns their paths."""
    paths = [folder / f"{name}{suffix}" for suffix in (".svg", ".png")]
    for path, content in zip(paths, (svg, png), strict=True):
        write_bytes(path, content)
    return paths


def picture_folder(folder: Path) -> Path:
    """The folder, created where it doesn't exist. Raises UserError where a file is in the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"{folder}: there is a file of that name; give another folder for the pictures") from error
    return folder


def draw_pictures(reader: TensorReader, folder: Path, wanted: list[int]) -> list[Path]:
    """Draw candidates `wanted` (indices) as `<contig>_<position>_<ref>_<alt>.svg` and `.png`; returns the paths."""
    picture_folder(folder)
    paths: list[Path] = []
    names: set[str] = set()
    for number in wanted:
        tensors = reader.read(number, number + 1)
        name = picture_name(tensors, 0, reader.header, number + 1)
        if name in names:
            name = f"{name}_{number + 1}"
        names.add(name)
        paths += write_pictures(folder, name, *pileup_pictures(tensors, 0, reader.header, beside=neighbours(reader, number)))
    return paths
