"""Panels of the same normals that were counted in different regions, as one: what all regions together would have given."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from varproof.formats.panel import (
    PanelAlleles,
    PanelContexts,
    PanelContig,
    PanelCoverage,
    PanelHeader,
    PanelReader,
    grouped,
    joined_alleles,
    joined_coverage,
    panel_writer,
    regions_overlap,
)
from varproof.machinery.errors import UserError

_OF_A_PIECE = {"contigs", "provenance"}


def gather_panels(paths: Sequence[Path], output: Path) -> int:
    """Write the panel of all pieces; returns the number of alleles. Raises UserError where they are no pieces of one panel."""
    readers = [PanelReader(path) for path in paths]
    try:
        headers = [reader.header for reader in readers]
        _require_pieces(paths, headers)
        lengths: dict[str, int] = {}
        for path, header in zip(paths, headers, strict=True):
            for name, length in header.contigs.items():
                if lengths.setdefault(name, length) != length:
                    raise UserError(f"{path}: its contig '{name}' has {length} bp, but {lengths[name]} bp in another piece")
        contexts, alleles = PanelContexts.nothing(), 0
        with panel_writer(output, headers[0].model_copy(update={"contigs": lengths})) as writer:
            for name in lengths:
                part = _together(name, [reader for reader in readers if name in reader.header.contigs])
                writer.append(part)
                alleles += part.alleles.size
            for reader in readers:
                contexts = contexts.plus(reader.contexts())
            writer.contexts(contexts)
    finally:
        for reader in readers:
            reader.__exit__()
    return alleles


def _require_pieces(paths: Sequence[Path], headers: Sequence[PanelHeader]) -> None:
    first = headers[0]
    for path, header in zip(paths, headers, strict=True):
        if header.shareable:
            raise UserError(f"{path}: is made to be shared; gather the pieces first, then build-panel --add --shareable")
        for name in type(first).model_fields:
            if name not in _OF_A_PIECE and getattr(header, name) != getattr(first, name):
                what = "is of other normals" if name in ("normals", "digests") else f"has another {name.replace('_', ' ')}"
                raise UserError(
                    f"{path}: {what} than {paths[0]}; gather pieces of the same normals, and add others by build-panel --add"
                )
        made, other = json.loads(header.provenance), json.loads(first.provenance)
        if made["version"] != other["version"]:
            raise UserError(
                f"{path} was made by build-panel {made['version']}, {paths[0]} by {other['version']}; make all alike"
            )


def _together(name: str, readers: Sequence[PanelReader]) -> PanelContig:
    """A contig's parts of all pieces; a window that two regions share has the same counts in both."""
    parts = [reader.contig(name) for reader in readers]
    regions = np.concatenate([part.regions for part in parts])
    if regions_overlap(regions):
        raise UserError(f"{readers[-1].path}: counted again on {name} what another piece has; regions must not overlap")
    regions = regions[np.argsort(regions[:, 0], kind="stable")]
    alleles = joined_alleles([part.alleles for part in parts])
    order, first = grouped(alleles)
    coverage = joined_coverage([part.coverage for part in parts])
    windows, at = np.unique(coverage.window, return_index=True)
    _require_same(name, alleles, order, first, coverage, windows, at, readers[-1].path)
    return PanelContig(name, _merged(regions), alleles.rows(order[first]), coverage.rows(at))


def _require_same(
    name: str,
    alleles: PanelAlleles,
    order: np.ndarray,
    first: np.ndarray,
    coverage: PanelCoverage,
    windows: np.ndarray,
    at: np.ndarray,
    path: Path,
) -> None:
    of_allele = order[first][np.searchsorted(first, np.arange(len(order)), side="right") - 1]
    same = all(np.array_equal(column[order], column[of_allele]) for column in vars(alleles).values())
    of_window = at[np.searchsorted(windows, coverage.window)]
    same &= all(np.array_equal(column, column[of_window]) for column in vars(coverage).values())
    if not same:
        raise UserError(
            f"{path}: has other counts on {name} where it meets another piece; count all pieces from the same reads"
        )


def _merged(regions: np.ndarray) -> np.ndarray:
    """Sorted disjoint intervals (r, 2), those that touch as one."""
    if not len(regions):
        return regions
    begins = np.append(True, regions[1:, 0] > regions[:-1, 1])
    ends = np.append(begins[1:], True)
    return np.stack([regions[begins, 0], regions[ends, 1]], axis=1)
