"""Tables with tabs and a header, as people and other programs write them: lines, names of columns, values by name."""

import csv
from pathlib import Path

from varproof.machinery.errors import MissingFile, UserError


def read_table(path: Path, columns: tuple[str, ...], what: str) -> list[tuple[int, dict[str, str]]]:
    """(line number, values of `columns`) of a tab-separated table with a header; empty lines are left out.

    Columns may come in any order, in either case, the first with a leading '#', among others. Raises UserError for a missing
    file, another kind of file, missing columns and short lines; `what` says what the table is, for messages.
    """
    return table_rows(path, read_lines(path, what), columns, what)


def read_lines(path: Path, what: str, quoted: bool = False) -> list[list[str]]:
    """The values of each line of a tab-separated table, in quotation marks where `quoted` allows them (R writes them).

    Raises UserError for a missing file and for another kind of file.
    """
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            return list(csv.reader(handle, delimiter="\t", quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE))
    except FileNotFoundError as error:
        raise MissingFile(f"{path}: no such file") from error
    except (UnicodeDecodeError, csv.Error, IsADirectoryError) as error:
        raise UserError(f"{path}: not a tab-separated table; give {what}") from error


def header_names(lines: list[list[str]]) -> list[str]:
    """The names of a table's columns, in small letters."""
    return [name.strip().lower().lstrip("#") for name in lines[0]] if lines else []


def table_rows(path: Path, lines: list[list[str]], columns: tuple[str, ...], what: str) -> list[tuple[int, dict[str, str]]]:
    """`read_table` of lines that have been read."""
    header = header_names(lines)
    missing = [name for name in columns if name not in header]
    if missing:
        raise UserError(
            f"{path}: its first line must name the columns {', '.join(columns)}, separated by tabs; "
            f"{', '.join(missing)} missing"
        )
    places = {name: header.index(name) for name in columns}
    rows = []
    for number, values in enumerate(lines[1:], 2):
        if not any(value.strip() for value in values):
            continue
        if len(values) <= max(places.values()):
            raise UserError(f"{path}: line {number} has {len(values)} columns, the header {len(header)}; separate them by tabs")
        rows.append((number, {name: values[place].strip() for name, place in places.items()}))
    if not rows:
        raise UserError(f"{path}: no lines below the header; give {what}")
    return rows
