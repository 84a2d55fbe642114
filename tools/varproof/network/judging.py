"""predict's pass over the candidates: the network's log-odds of all, and the tensors of those that are to be explained."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from varproof.formats.tensors import PackedTensors, TensorHeader
from varproof.machinery.errors import UserError
from varproof.machinery.progress import progress
from varproof.network.predicted_calls import JudgedAlleles, no_alleles
from varproof.network.prediction import Predictor
from varproof.report.pileup_haplotypes import in_window, window_start
from varproof.variants.chunks import NEIGHBOUR_REACH

LEAST_CERTAIN = 10


@dataclass(frozen=True)
class Explained:
    """A candidate to draw: its tensors (one candidate), its place among all, and tensors of others in its window."""

    tensors: PackedTensors
    index: int
    beside: list[PackedTensors] = field(default_factory=list)


class _Chosen:
    """Keeps the tensors of the candidates at the given places, or of the least certain ones."""

    def __init__(self, places: Sequence[str], header: TensorHeader) -> None:
        contigs = {name: number for number, name in enumerate(header.contigs)}
        self._wanted: dict[tuple[int, int], str] = {}
        for place in places:
            contig, _, position = place.rpartition(":")
            digits = position.replace(",", "")
            if contig not in contigs or not digits.isdigit():
                raise UserError(f"--explain-at {place}: expected CHROM:POS with a contig of the reference")
            self._wanted[contigs[contig], int(digits) - 1] = place
        self._found: list[Explained] = []
        self._least_certain: list[tuple[float, int, Explained]] = []
        self._recent: list[PackedTensors] = []
        self._open: list[Explained] = []

    def look(self, batch: PackedTensors, odds: np.ndarray, start: int) -> None:
        """See the next batch (not empty), whose candidates have these log-odds and are numbered from `start` on."""
        for item in self._open:
            _add_neighbours(item, batch)
        chosen = self._choose(batch, odds, start)
        parts = [*self._recent, batch]
        for item in chosen:
            for part in parts:
                _add_neighbours(item, part)
        contig, last, window = batch.contig[-1], int(batch.position[-1]), batch.settings.window
        near = [(part.contig == contig) & (part.position > last - window - NEIGHBOUR_REACH) for part in parts]
        self._recent = [part.select(np.flatnonzero(here)) for part, here in zip(parts, near, strict=True) if here.any()]
        self._open = [
            item
            for item in (*self._open, *chosen)
            if item.tensors.contig[0] == contig and last < window_start(item.tensors, 0) + window
        ]

    def _choose(self, batch: PackedTensors, odds: np.ndarray, start: int) -> list[Explained]:
        new: list[Explained] = []
        if self._wanted:
            for i, place in enumerate(zip(batch.contig.tolist(), batch.position.tolist(), strict=True)):
                if place in self._wanted and odds[i] == odds[i]:
                    new.append(Explained(batch.select(np.array([i])), start + i))
            self._found += new
            return new
        certainty = np.where(np.isnan(odds), np.inf, np.abs(odds))
        for i in np.argsort(certainty, kind="stable")[:LEAST_CERTAIN].tolist():
            full = len(self._least_certain) == LEAST_CERTAIN
            if np.isinf(certainty[i]) or (full and -certainty[i] <= self._least_certain[0][0]):
                break
            item = (-float(certainty[i]), -(start + i), Explained(batch.select(np.array([i])), start + i))
            (heapq.heapreplace if full else heapq.heappush)(self._least_certain, item)
            new.append(item[2])
        return new

    def result(self, header: TensorHeader) -> list[Explained]:
        if not self._wanted:
            return sorted((item for _, _, item in self._least_certain), key=lambda item: item.index)
        seen = {(int(item.tensors.contig[0]), int(item.tensors.position[0])) for item in self._found}
        for place, text in self._wanted.items():
            if place not in seen:
                raise UserError(f"--explain-at {text}: no judged candidate there")
        return self._found


def _add_neighbours(item: Explained, others: PackedTensors) -> None:
    """Keep those of `others` that lie in the window of the item's picture."""
    item.beside.extend(others.select(np.array([i])) for i in in_window(item.tensors, 0, others))


def judged_alleles(
    predictor: Predictor,
    chunks: Iterator[PackedTensors],
    total: int,
    batch_size: int,
    threads: int,
    header: TensorHeader,
    explain: Sequence[str] | None,
) -> tuple[JudgedAlleles, list[Explained]]:
    """All candidates with their log-odds, and those to explain (`explain`: places, empty: the least certain, None: none).

    Raises UserError for a place without a judged candidate.
    """
    names = ("record", "contig", "position", "ref", "alt", "skipped", "allele_code")
    columns: dict[str, list[Any]] = {name: [] for name in (*names, "log_odds")}
    chosen = None if explain is None else _Chosen(explain, header)
    done = 0
    with progress(total, "judging") as advance:
        for batch, odds in predictor.judged(chunks, batch_size, threads):
            for name in names:
                columns[name].append(getattr(batch, name))
            columns["log_odds"].append(odds)
            if chosen is not None:
                chosen.look(batch, odds, done)
            done += batch.size
            advance(batch.size)
    if not columns["record"]:
        return no_alleles(), []
    alleles = JudgedAlleles(**{name: np.concatenate(parts) for name, parts in columns.items()})
    return alleles, [] if chosen is None else chosen.result(header)


def explained_pictures(
    predictor: Predictor, wanted: Sequence[Explained], probability: np.ndarray, header: TensorHeader, folder: Path
) -> list[Path]:
    """Draw the integrated gradients of each over its pileup, and write them as numbers, too (`varproof.formats.explained`).

    probability (n,): of all candidates, for the titles. Returns the paths of the pictures.
    """
    from varproof.formats.explained import FILE_NAME, explained_writer
    from varproof.network.explanation import Explainer
    from varproof.report.pileup import picture_folder, picture_name, pileup_pictures, write_pictures

    picture_folder(folder)
    written: list[Path] = []
    names: set[str] = set()
    explainer = Explainer(predictor.model)
    with progress(len(wanted), "explaining") as advance, explained_writer(folder / FILE_NAME, header) as writer:
        for item in wanted:
            importance = explainer.integrated_gradients(item.tensors)
            writer.append(item.tensors, importance)
            name = picture_name(item.tensors, 0, header, item.index + 1)
            if name in names:
                name = f"{name}_{item.index + 1}"
            names.add(name)
            pictures = pileup_pictures(item.tensors, 0, header, importance, float(probability[item.index]), item.beside)
            written += write_pictures(folder, name, *pictures)
            advance(1)
    return written
