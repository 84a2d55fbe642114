"""labels.tsv: which candidates are real, as a table of chrom, pos, ref, alt and label (1 real, 0 not)."""

import csv
from dataclasses import dataclass
from pathlib import Path

from varproof.machinery.errors import MissingFile, UserError

COLUMNS = ("chrom", "pos", "ref", "alt", "label")


@dataclass(frozen=True, slots=True)
class Label:
    """One line: 0-based position, upper-case alleles, label 0 or 1, number of the line."""

    line: int
    contig: str
    start: int
    ref: str
    alt: str
    label: int

    @property
    def pos(self) -> int:
        """1-based position."""
        return self.start + 1


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


def read_labels(path: Path) -> list[Label]:
    """The labels in order; raises UserError naming the line where one is malformed or repeated."""
    labels = []
    seen: dict[tuple[str, int, str, str], Label] = {}
    for number, row in read_table(path, COLUMNS, "a table of labels"):
        if not row["pos"].isascii() or not row["pos"].isdigit() or int(row["pos"]) < 1:
            raise UserError(f"{path}: line {number}: pos is '{row['pos']}'; give a position, 1 or more")
        if row["label"] not in ("0", "1"):
            raise UserError(f"{path}: line {number}: label is '{row['label']}'; give 1 (real) or 0 (not)")
        if not row["chrom"] or not row["ref"] or not row["alt"]:
            raise UserError(f"{path}: line {number}: chrom, ref and alt must not be empty")
        label = Label(
            number, row["chrom"], int(row["pos"]) - 1, row["ref"].upper(), row["alt"].upper(), int(row["label"])
        )  # fmt: skip
        key = (label.contig, label.start, label.ref, label.alt)
        require_new(path, label, seen.setdefault(key, label))
        labels.append(label)
    return labels


def require_new(path: Path, label: Label, earlier: Label) -> None:
    """Raise UserError if `earlier` is another line about the same allele."""
    if earlier is label:
        return
    problem = "repeats" if earlier.label == label.label else "contradicts"
    raise UserError(
        f"{path}: line {label.line} {problem} line {earlier.line} ({label.contig}:{label.pos} {label.ref}>{label.alt}); "
        "give each allele once"
    )
