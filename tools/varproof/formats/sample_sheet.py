"""samples.tsv: the samples of a scenario, each with its reads or its evidence.

Columns, separated by tabs, under a header: `sample` (its name in the scenario) and `reads` (indexed BAM or CRAM, or
evidence.h5); if needed `alignment` (alignment.json) and `column` (its name in the list of candidates). Files are sought beside
the sheet; reads may be behind an address (https://, s3://).
"""

from dataclasses import dataclass
from pathlib import Path

from varproof.machinery.errors import UserError, require_file
from varproof.machinery.remote import Remote, is_address

COLUMNS = ("sample", "reads", "alignment", "column")


@dataclass(frozen=True)
class SheetRow:
    """One sample: its name, its files, and its column in the list of candidates, None where the sheet does not say."""

    sample: str
    reads: Path
    alignment: Path | None = None
    column: str | None = None


def read_sheet(path: Path) -> list[SheetRow]:
    """The samples of a sheet in order; raises UserError that names the line."""
    require_file(path, "sample sheet")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a sample sheet: it is no text") from error
    rows: list[SheetRow] = []
    names: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if not names:
            names = _header(path, number, cells)
            continue
        if len(cells) > len(names):
            raise UserError(f"{path}: line {number}: {len(cells)} columns, and the header has {len(names)}")
        given = dict(zip(names, cells, strict=False))
        if not given.get("sample") or not given.get("reads"):
            raise UserError(f"{path}: line {number}: a sample and its reads were expected, separated by a tab")
        if any(row.sample == given["sample"] for row in rows):
            raise UserError(f"{path}: line {number}: sample {given['sample']} is there twice; a sample has one file of reads")
        alignment = given.get("alignment")
        rows.append(
            SheetRow(
                given["sample"],
                _reads(path, given["reads"]),
                path.parent / alignment if alignment else None,
                given.get("column") or None,
            )
        )
    if not rows:
        raise UserError(f"{path}: no samples; expected lines of {' and '.join(COLUMNS[:2])} under a header")
    return rows


def _reads(path: Path, text: str) -> Path:
    """Reads as a cell of the sheet has them."""
    if text.startswith("file://"):
        return Path(text.removeprefix("file://"))
    return Remote(text) if is_address(text) else path.parent / text


def _header(path: Path, number: int, cells: list[str]) -> list[str]:
    unknown = [name for name in cells if name not in COLUMNS]
    missing = [name for name in COLUMNS[:2] if name not in cells]
    if unknown or missing or len(set(cells)) < len(cells):
        what = f"'{unknown[0]}' is none of them" if unknown else f"{missing[0]} is missing" if missing else "one is there twice"
        raise UserError(f"{path}: line {number}: expected the columns {', '.join(COLUMNS)} (the last two if needed); {what}")
    return cells
