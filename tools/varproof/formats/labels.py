"""labels.tsv: which candidates are real, as a table of chrom, pos, ref, alt and label (1 real, 0 not).

The reviewer's desk (review-calls) writes one line for each candidate and reviewer, with `call`, `tags`, `reviewer`, `time`,
`note`, and how the candidate was chosen (`choice`, `weight`), and `.` as the label of what is undecided. Of several reviewers
the majority counts. IGVNav's table and the desk's VCF, which say the same, are read as well.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from varproof.formats.tables import header_names, read_lines, table_rows
from varproof.formats.vcf import open_vcf, read_records
from varproof.machinery.errors import UserError

COLUMNS = ("chrom", "pos", "ref", "alt", "label")
REVIEWER, UNDECIDED = "reviewer", "."
AMBIGUOUS = "ambiguous"
CALLS: dict[str, int | None] = {"somatic": 1, "germline": 0, AMBIGUOUS: None, "fail": 0}
"""The calls of the procedure for manual review, and the label of each."""

LABEL_ERROR = 0.059
"""Share of people's calls that are wrong: 94.1 % of calls of reviewers agree (Barnell and others 2019)."""

SAMPLES = ("random", "stratified")
"""Choices of review-calls by chance, of which each chosen candidate stands for so many as its weight says."""

_WHAT = "a table of labels"
_FROM_IGVNAV = ("chr", ("start", "pos"))
_FIELDS = ("REVIEW_CALL", "REVIEW_TAGS", "REVIEW_BY")
_CHOICE, _WEIGHT = "varproof_choice", "REVIEW_WEIGHT"

_Key = tuple[str, int, str, str]


@dataclass(frozen=True, slots=True)
class Label:
    """What one line says, or several reviewers together: number of the (first) line, 0-based position, upper-case alleles.

    label: 1 real, 0 not, None undecided. call: of the procedure, empty where none was told. choice, weight: how review-calls
    chose the candidate, and for how many it stands; empty and None where that is not recorded. loose: whether the position
    may also be the one before, as in IGVNav's tables, which may be 0-based or 1-based.
    reviewers, alike: how many called it, and how many pairs of them say the same.
    """

    line: int
    contig: str
    start: int
    ref: str
    alt: str
    label: int | None
    call: str = ""
    tags: tuple[str, ...] = ()
    reviewer: str = ""
    choice: str = ""
    weight: float | None = None
    loose: bool = False
    reviewers: int = 1
    alike: int = 0

    @property
    def pos(self) -> int:
        """1-based position."""
        return self.start + 1

    @property
    def allele(self) -> _Key:
        """Contig, 0-based position, REF and ALT as written."""
        return self.contig, self.start, self.ref, self.alt


def is_labels(path: Path) -> bool:
    """Whether a file may hold labels, by how it begins: a table with tabs, or a VCF."""
    if not path.is_file():
        return False
    with path.open("rb") as handle:
        return is_vcf(path) or b"\t" in handle.read(4096).partition(b"\n")[0]


def is_label_vcf(path: Path) -> bool:
    """Whether a VCF is one of people's labels, and none of true variants."""
    with open_vcf(path) as handle:
        return _FIELDS[0] in handle.header.info


def read_labels(path: Path) -> list[Label]:
    """The labels in order; raises UserError naming the line where one is malformed, repeated or contradicts another.

    Of several reviewers of an allele what more than half of them say, undecided ones among them; alleles without such a
    majority are left out.
    """
    return [label for label in read_judgements(path) if label.label is not None]


def read_judgements(path: Path) -> list[Label]:
    """`read_labels` with the undecided ones, tags of all reviewers together."""
    votes: dict[_Key, list[Label]] = {}
    seen: dict[tuple[_Key, str], Label] = {}
    for label in _lines_of(path):
        require_new(path, label, seen.setdefault((label.allele, label.reviewer), label))
        votes.setdefault(label.allele, []).append(label)
    return [_consensus(given) for given in votes.values()]


def _consensus(votes: list[Label]) -> Label:
    """What more than half of the votes say, of the label and of the call."""
    if len(votes) == 1:
        return votes[0]
    label = next((value for value in (0, 1) if 2 * sum(vote.label == value for vote in votes) > len(votes)), None)
    call = next((name for name in CALLS if 2 * sum(vote.call == name for vote in votes) > len(votes)), "")
    first = next((vote for vote in votes if vote.label == label), votes[0])
    pairs = [(a, b) for i, a in enumerate(votes) for b in votes[:i]]
    return replace(
        first,
        label=label,
        call=call,
        tags=tuple(dict.fromkeys(tag for vote in votes for tag in vote.tags)),
        choice=first.choice if all(vote.choice == first.choice for vote in votes) else "",
        weight=first.weight if all(vote.weight == first.weight for vote in votes) else None,
        reviewers=len(votes),
        alike=sum(a.label == b.label for a, b in pairs),
    )


def _lines_of(path: Path) -> list[Label]:
    """All lines with a judgement, of whichever of the three formats."""
    if is_vcf(path):
        return _of_vcf(path)
    lines = read_lines(path, _WHAT)
    header = header_names(lines)
    if "label" not in header and len(header) >= 6 and header[0].startswith(_FROM_IGVNAV[0]) and header[1].startswith(
        _FROM_IGVNAV[1]
    ):  # fmt: skip
        return _of_igvnav(path, lines)
    columns = (*COLUMNS, *(name for name in ("call", "tags", REVIEWER, "choice", "weight") if name in header))
    found = [_of_row(path, number, row) for number, row in table_rows(path, lines, columns, _WHAT)]
    return [label for label in found if label is not None]


def is_vcf(path: Path) -> bool:
    """Whether a file begins as a VCF or BCF does, compressed or not."""
    try:
        with path.open("rb") as handle:
            begin = handle.read(16)
    except OSError:
        return False  # the reader of tables tells what is wrong with it
    return begin.startswith((b"##fileformat=VCF", b"\x1f\x8b", b"BCF"))


def _of_row(path: Path, number: int, row: dict[str, str]) -> Label | None:
    """The label of a line of our own table; None where a reviewer left tags or a note, and no call."""
    call = _call(path, number, row.get("call", ""))
    if row["label"] not in ("0", "1") and not (REVIEWER in row and row["label"] == UNDECIDED):
        raise UserError(f"{path}: line {number}: label is '{row['label']}'; give 1 (real) or 0 (not)")
    label = None if row["label"] == UNDECIDED else int(row["label"])
    if call and CALLS[call] != label:
        raise UserError(f"{path}: line {number}: label is {row['label']}, but the call is {call}; correct one of them")
    found = _label(path, number, row["chrom"], _position(path, number, row["pos"]) - 1, row["ref"], row["alt"], label)
    if label is None and not call and "call" in row:
        return None
    weight = row.get("weight", UNDECIDED)
    return replace(
        found,
        call=call,
        tags=_tags(row.get("tags", "")),
        reviewer=row.get(REVIEWER, ""),
        choice=row.get("choice", "").replace(UNDECIDED, ""),
        weight=None if weight in ("", UNDECIDED) else _weight(path, f"line {number}", weight),
    )


def _of_igvnav(path: Path, lines: list[list[str]]) -> list[Label]:
    """IGVNav's columns by their places; names and the first position differ between its versions."""
    found = []
    for number, values in enumerate(lines[1:], 2):
        if not any(value.strip() for value in values):
            continue
        if len(values) < 5:
            raise UserError(f"{path}: line {number} has {len(values)} columns; IGVNav's has eight, separated by tabs")
        chrom, start, _, ref, alt, call, tags = [*(value.strip() for value in values), "", ""][:7]
        name = _call(path, number, call)
        if name:
            place = _position(path, number, start, 0)
            label = _label(path, number, chrom, place, ref, alt, CALLS[name])
            found.append(replace(label, call=name, tags=_tags(tags.replace(" ", ",")), loose=True))
    if not found:
        raise UserError(f"{path}: no line has a call (S, G, A or F)")
    return found


def _of_vcf(path: Path) -> list[Label]:
    """The VCF that the desk exports: calls, tags and reviewers in INFO."""
    with open_vcf(path) as handle:
        missing = [name for name in _FIELDS if name not in handle.header.info]
        choices = [record.value for record in handle.header.records if record.key == _CHOICE]
    if missing:
        raise UserError(f"{path}: the header declares no {missing[0]}; give labels.tsv, IGVNav's table, or the desk's VCF")
    found = []
    for number, record in enumerate(read_records(path, require_sorted=False), 1):
        if record.info.text(_FIELDS[2]) is None:
            continue
        calls, tags, by = ((record.info.text(name) or "").split(",") for name in _FIELDS)
        alts = record.alts or ()
        if not len(calls) == len(tags) == len(by) or len(alts) != 1:
            raise UserError(f"{path}: record {record.contig}:{record.pos}: give one ALT, and each reviewer one call")
        weight = record.info.text(_WEIGHT)
        for call, tag, reviewer in zip(calls, tags, by, strict=True):
            name = _call(path, number, call, f"record {record.contig}:{record.pos}")
            if name:
                label = _label(path, number, record.contig, record.start, record.ref, alts[0], CALLS[name])
                found.append(
                    replace(
                        label,
                        call=name,
                        tags=_tags(tag.replace("&", ",")),
                        reviewer=unquote(reviewer),
                        choice=choices[-1] if choices else "",
                        weight=None if weight is None else _weight(path, f"record {record.contig}:{record.pos}", weight),
                    )
                )
    if not found:
        raise UserError(f"{path}: no record has a call of a reviewer")
    return found


def _call(path: Path, number: int, text: str, where: str = "") -> str:
    """The call that a text names, in full or by its letter; empty for none."""
    wanted = text.strip().lower()
    if wanted in ("", UNDECIDED):
        return ""
    for name in CALLS:
        if wanted in (name, name[0]):
            return name
    raise UserError(f"{path}: {where or f'line {number}'}: '{text[:20]}' is no call; calls are {', '.join(CALLS)}")


def _tags(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.strip() for tag in text.split(",") if tag.strip() not in ("", UNDECIDED)))


def _weight(path: Path, where: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (0 < value < math.inf):
        raise UserError(f"{path}: {where}: weight is '{text[:20]}'; give for how many candidates it stands, a number over 0")
    return value


def _position(path: Path, number: int, text: str, least: int = 1) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise UserError(f"{path}: line {number}: pos is '{text}'; give a position, {least} or more")
    return int(text)


def _label(path: Path, number: int, contig: str, start: int, ref: str, alt: str, label: int | None) -> Label:
    if not contig or not ref or not alt:
        raise UserError(f"{path}: line {number}: chrom, ref and alt must not be empty")
    return Label(number, contig, start, ref.upper(), alt.upper(), label)


def require_new(path: Path, label: Label, earlier: Label) -> None:
    """Raise UserError if `earlier` is another line about the same allele."""
    if earlier is label:
        return
    problem = "repeats" if earlier.label == label.label else "contradicts"
    raise UserError(
        f"{path}: line {label.line} {problem} line {earlier.line} ({label.contig}:{label.pos} {label.ref}>{label.alt}); "
        "give each allele once"
    )
