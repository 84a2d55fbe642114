"""labels.tsv: which candidates are real, as a table of chrom, pos, ref, alt and label (1 real, 0 not).

The reviewer's desk (review-calls) writes one line for each candidate and reviewer, with `call`, `tags`, `reviewer`, `time` and
`note`, and `.` as the label of what is undecided. Of several reviewers the majority counts.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from varproof.machinery.errors import MissingFile, UserError

COLUMNS = ("chrom", "pos", "ref", "alt", "label")
REVIEWER, TAGS, UNDECIDED = "reviewer", "tags", "."


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
    """The labels in order; raises UserError naming the line where one is malformed or repeated.

    Of a table with a column `reviewer` what more than half of the reviewers of an allele say, undecided ones among them;
    alleles without such a majority are left out.
    """
    lines = read_lines(path, "a table of labels")
    reviewed = REVIEWER in header_names(lines)
    columns = (*COLUMNS, REVIEWER) if reviewed else COLUMNS
    votes: dict[_Key, list[Label | None]] = {}
    seen: dict[tuple[_Key, str], Label] = {}
    for number, row in table_rows(path, lines, columns, "a table of labels"):
        undecided = reviewed and row["label"] == UNDECIDED
        label = _label(path, number, row | {"label": "0"} if undecided else row)
        key = (label.contig, label.start, label.ref, label.alt)
        require_new(path, label, seen.setdefault((key, row.get(REVIEWER, "")), label))
        votes.setdefault(key, []).append(None if undecided else label)
    return [chosen for given in votes.values() if (chosen := _majority(given)) is not None]


def read_tags(path: Path) -> dict[tuple[str, int, str, str], list[str]]:
    """Tags of each allele (contig, 0-based position, REF, ALT), of all reviewers together; empty without such a column."""
    lines = read_lines(path, "a table of labels")
    if TAGS not in header_names(lines):
        return {}
    found: dict[tuple[str, int, str, str], list[str]] = {}
    for number, row in table_rows(path, lines, (*COLUMNS, TAGS), "a table of labels"):
        label = _label(path, number, row | {"label": "0"})
        tags = found.setdefault((label.contig, label.start, label.ref, label.alt), [])
        tags += [tag for tag in row[TAGS].split(",") if tag not in ("", UNDECIDED, *tags)]
    return found


_Key = tuple[str, int, str, str]


def _majority(votes: list[Label | None]) -> Label | None:
    """The first label of what more than half say; None where there is no such label."""
    for value in (0, 1):
        alike = [label for label in votes if label is not None and label.label == value]
        if 2 * len(alike) > len(votes):
            return alike[0]
    return None


def _label(path: Path, number: int, row: dict[str, str]) -> Label:
    """The label of a line; raises UserError naming it where it is malformed."""
    if not row["pos"].isascii() or not row["pos"].isdigit() or int(row["pos"]) < 1:
        raise UserError(f"{path}: line {number}: pos is '{row['pos']}'; give a position, 1 or more")
    if row["label"] not in ("0", "1"):
        raise UserError(f"{path}: line {number}: label is '{row['label']}'; give 1 (real) or 0 (not)")
    if not row["chrom"] or not row["ref"] or not row["alt"]:
        raise UserError(f"{path}: line {number}: chrom, ref and alt must not be empty")
    return Label(
        number, row["chrom"], int(row["pos"]) - 1, row["ref"].upper(), row["alt"].upper(), int(row["label"])
    )  # fmt: skip


def require_new(path: Path, label: Label, earlier: Label) -> None:
    """Raise UserError if `earlier` is another line about the same allele."""
    if earlier is label:
        return
    problem = "repeats" if earlier.label == label.label else "contradicts"
    raise UserError(
        f"{path}: line {label.line} {problem} line {earlier.line} ({label.contig}:{label.pos} {label.ref}>{label.alt}); "
        "give each allele once"
    )
