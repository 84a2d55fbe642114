"""A VCF record as its text: what is not touched stays as it was, byte for byte.

A caller's record holds more than any library has a type for: commas in a field of one value, filters of an allele joined
by `|`, numbers with more digits than a float has. `Record` therefore keeps the columns of the line, and takes apart only the
field that is asked for. Names are those of pysam's `VariantRecord` (`contig`, `start`, `alts`, `info`, `samples`, ...), so that
either serves a reader. Declarations are in `Declared`; undeclared fields are read as texts.
"""

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, NamedTuple

from varproof.machinery.errors import DamagedFile, UserError

MISSING = "."
CHROM, POS, ID, REF, ALT, QUAL, FILTER, INFO, FORMAT, FIRST_SAMPLE = range(10)
GENOTYPE = "GT"
_DIGITS = re.compile(r"[0-9]{1,12}")
_FIELD = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*|1000G")


class Field(NamedTuple):
    """How a header declares an INFO or FORMAT field: Number (1, A, R, G, ...) and Type, as written there."""

    number: str
    type: str


RESERVED_INFO = {
    "END": Field("1", "Integer"),
    "AF": Field("A", "Float"),
    "DP": Field("1", "Integer"),
    "SVLEN": Field(".", "Integer"),
}
RESERVED_FORMAT = {"GT": Field("1", "String"), "DP": Field("1", "Integer"), "AD": Field("R", "Integer")}
"""What the specification says of fields that are read here, for files that do not declare them."""


@dataclass
class Declared:
    """What the header of a file declares: fields, samples in their order, and contigs by name in theirs."""

    info: dict[str, Field]
    formats: dict[str, Field]
    samples: list[str]
    contigs: dict[str, int]
    tumor_column: int = 0
    normal_column: int | None = None

    @classmethod
    def of(cls, header: Any, sample: str | None = None) -> "Declared":
        """From a `pysam.VariantHeader`. Without a word of varproof on whose columns they are, the first is the tumour's.

        `sample`: the column that is wanted instead of the tumour's, by its name. Raises UserError where there is none of it.
        """
        samples = list(header.samples)
        tumor, normal = _columns(header, samples)
        if sample is not None:
            if sample not in samples:
                raise UserError(f"there is no sample column {sample}; there are {', '.join(samples) or 'none'}")
            tumor = samples.index(sample)
        return cls(
            {name: Field(str(item.number), str(item.type)) for name, item in header.info.items()},
            {name: Field(str(item.number), str(item.type)) for name, item in header.formats.items()},
            samples,
            {name: number for number, name in enumerate(header.contigs)},
            tumor,
            normal,
        )

    def contig_number(self, name: str) -> int:
        """Number of a contig in the header; those that it lacks follow as they come."""
        return self.contigs.setdefault(name, len(self.contigs))


COLUMNS_LINE = "varproof_columns"
"""Header line that says which sample columns are the tumour's and the normal's, as JSON."""


def _columns(header: Any, samples: list[str]) -> tuple[int, int | None]:
    """Numbers of the tumour's and the normal's column, as the header's last word on them says."""
    said = [line.value for line in header.records if line.key == COLUMNS_LINE]
    try:
        names = json.loads(said[-1]) if said else {}
        tumor, normal = names.get("tumor"), names.get("normal")
    except (ValueError, AttributeError):
        return 0, None
    return samples.index(tumor) if tumor in samples else 0, samples.index(normal) if normal in samples else None


def shown(value: Any) -> str:
    """How a value is written: None and NaN as '.', floats with six digits, sequences joined by commas."""
    if value is None:
        return MISSING
    if isinstance(value, str):
        return value or MISSING
    if type(value) is float:  # before the slower questions
        return MISSING if value != value else f"{value:.6g}"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        number = float(value)
        return MISSING if number != number else f"{number:.6g}"
    return ",".join(shown(item) for item in value) or MISSING


class Record:
    """One line of a VCF. Raises UserError, naming the record, for a line that is none and for values that are not what the
    header says they are.
    """

    __slots__ = ("_entries", "alts", "columns", "contig", "header", "ref", "start")

    def __init__(self, line: str, header: Declared) -> None:
        """`line`: without its end."""
        self.columns = columns = line.split("\t")
        self.header = header
        expected = 8 if not header.samples else FIRST_SAMPLE + len(header.samples)
        if len(columns) != expected and not (len(columns) == 8 or (len(columns) == 9 and not header.samples)):
            raise UserError(f"it has {len(columns)} columns, where the header has {expected}")
        if len(columns) < expected:  # it ends before its samples; as htslib writes one that has nothing of them
            columns += [MISSING] * (expected - len(columns))
        position = columns[POS]
        if not _DIGITS.fullmatch(position):
            raise UserError(f"its position '{position[:20]}' is no number")
        self.contig: str = columns[CHROM]
        self.start: int = int(position) - 1
        self.ref: str = columns[REF]
        if not self.contig or not self.ref or " " in self.contig:
            raise UserError("it has no contig or no reference allele")
        alternatives = columns[ALT]
        self.alts: tuple[str, ...] | None = None if alternatives in (MISSING, "") else tuple(alternatives.split(","))
        if self.alts is not None and "" in self.alts:
            raise UserError("one of its alternative alleles is empty")
        self._entries: list[str] | None = None

    @property
    def line(self) -> str:
        """The text of the record, without the end of the line."""
        if self._entries is not None:
            self.columns[INFO] = ";".join(self._entries) or MISSING
        return "\t".join(self.columns)

    def __str__(self) -> str:
        return self.line

    @property
    def pos(self) -> int:
        """1-based position."""
        return self.start + 1

    @property
    def alleles(self) -> tuple[str, ...]:
        """Reference and alternative alleles."""
        return (self.ref, *(self.alts or ()))

    @property
    def rid(self) -> int:
        """Number of the contig in the file."""
        return self.header.contig_number(self.contig)

    @property
    def id(self) -> str | None:
        """ID column; None where it is missing."""
        return None if self.columns[ID] == MISSING else self.columns[ID]

    @property
    def qual(self) -> float | None:
        """QUAL column; None where it is missing."""
        return None if self.columns[QUAL] == MISSING else _number(self, "QUAL", self.columns[QUAL], float)

    @property
    def stop(self) -> int:
        """0-based end: INFO/END where there is one behind the start, else that of the reference allele."""
        end = self.info.text("END")
        if end is not None and _DIGITS.fullmatch(end) and int(end) > self.start:
            return int(end)
        return self.start + len(self.ref)

    @property
    def filter(self) -> "Filters":
        """Names in the FILTER column."""
        return Filters(self)

    @property
    def info(self) -> "Info":
        """The INFO column."""
        return Info(self)

    @property
    def entries(self) -> list[str]:
        """INFO as it is written, field by field."""
        if self._entries is None:
            text = self.columns[INFO]
            self._entries = [] if text in (MISSING, "") else text.split(";")
        return self._entries

    @property
    def format(self) -> list[str]:
        """Keys of the sample columns, in order."""
        if len(self.columns) <= FORMAT or self.columns[FORMAT] in (MISSING, ""):
            return []
        return self.columns[FORMAT].split(":")

    @property
    def samples(self) -> "Samples":
        """The sample columns."""
        return Samples(self)

    def add_samples(self, names: Sequence[str], header: Declared) -> None:
        """Append sample columns without values; `header`: that of the file they are going to."""
        if len(self.columns) < FIRST_SAMPLE + len(self.header.samples):
            self.columns += [MISSING] * (FIRST_SAMPLE + len(self.header.samples) - len(self.columns))
        self.columns += [MISSING] * len(names)
        self.header = header

    def place(self) -> str:
        """contig:position, for messages."""
        return f"{self.contig}:{self.pos}"


def _require_text(record: Record, name: str, text: str) -> None:
    if "\udc80" <= max(text, default="") <= "\udcff":
        raise DamagedFile(f"record {record.place()}: {name} is damaged: it is no text (invalid UTF-8)")


def _number(record: Record, name: str, text: str, kind: type) -> Any:
    if text in (MISSING, ""):
        return None
    try:
        return kind(text)
    except ValueError:
        _require_text(record, name, text)
        what = "whole number" if kind is int else "number"
        raise UserError(f"record {record.place()}: {name}={text[:40]} is no {what}, as the header says it is") from None


def _typed(record: Record, name: str, text: str, field: Field) -> Any:
    """Values as the header declares them: a scalar for Number=1, else a tuple; a text with Number=1 is never taken apart."""
    if field.type not in ("Integer", "Float"):
        _require_text(record, name, text)
        if field.number in ("0", "1"):
            return text
        return tuple(None if part == MISSING else part for part in text.split(","))
    kind = int if field.type == "Integer" else float
    if field.number == "1" and "," not in text:
        return _number(record, name, text, kind)
    return tuple(_number(record, name, part, kind) for part in text.split(","))


class Info:
    """INFO as a mapping from names to values; a flag is True. Setting a field puts it last, in place of one of that name."""

    __slots__ = ("_record",)

    def __init__(self, record: Record) -> None:
        self._record = record

    def text(self, name: str) -> str | None:
        """What is written behind `name=`; '' for a flag, None where the field is not there."""
        start = name + "="
        for entry in self._record.entries:
            if entry.startswith(start):
                return entry[len(start) :]
            if entry == name:
                return ""
        return None

    def get(self, name: str, default: Any = None) -> Any:
        """Value of a field; `default` where the record lacks it, and for a single '.'."""
        text = self.text(name)
        if text is None:
            return default
        field = self._record.header.info.get(name) or RESERVED_INFO.get(name)
        if text == "" or (field is not None and field.type == "Flag"):
            return True
        value = _typed(self._record, name, text, field or Field("1", "String"))
        return default if value is None or value == MISSING else value

    def __contains__(self, name: str) -> bool:
        return self.text(name) is not None

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        return self.get(name)

    def __iter__(self) -> Iterator[str]:
        return (entry.partition("=")[0] for entry in self._record.entries if entry)

    def __setitem__(self, name: str, value: Any) -> None:
        self._without(name)
        self._record.entries.append(name if value is True else f"{name}={shown(value)}")

    def __delitem__(self, name: str) -> None:
        self._without(name)

    def add(self, values: Mapping[str, Any]) -> None:
        """Set fields that the record lacks."""
        self._record.entries.extend(name if value is True else f"{name}={shown(value)}" for name, value in values.items())

    def remove(self, names: Container[str]) -> None:
        """Drop the fields that have one of the names."""
        entries = self._record.entries
        entries[:] = [entry for entry in entries if entry.partition("=")[0] not in names]

    def _without(self, name: str) -> None:
        start, entries = name + "=", self._record.entries
        entries[:] = [entry for entry in entries if entry != name and not entry.startswith(start)]


class Filters:
    """The FILTER column: no name where nothing was filtered yet ('.')."""

    __slots__ = ("_record",)

    def __init__(self, record: Record) -> None:
        self._record = record

    def keys(self) -> list[str]:
        """Names, in order."""
        text = self._record.columns[FILTER]
        return [] if text in (MISSING, "") else text.split(";")

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, name: str) -> bool:
        return name in self.keys()

    def set(self, names: Iterable[str]) -> None:
        """Replace all names."""
        self._record.columns[FILTER] = ";".join(names) or MISSING

    def add(self, name: str) -> None:
        """Add a name; PASS gives way to it."""
        kept = [other for other in self.keys() if other not in (name, "PASS")]
        self.set([*kept, name])

    def __delitem__(self, name: str) -> None:
        self.set(other for other in self.keys() if other != name)


class Samples:
    """The sample columns, by number or by name."""

    __slots__ = ("_record",)

    def __init__(self, record: Record) -> None:
        self._record = record

    def __len__(self) -> int:
        return max(0, len(self._record.columns) - FIRST_SAMPLE)

    def __getitem__(self, sample: int | str) -> "SampleColumn":
        number = self._record.header.samples.index(sample) if isinstance(sample, str) else sample
        if not 0 <= number < len(self):
            raise IndexError(sample)
        return SampleColumn(self._record, FIRST_SAMPLE + number)

    def values(self) -> list["SampleColumn"]:
        """All columns, in order."""
        return [self[number] for number in range(len(self))]


class SampleColumn:
    """One sample's values by FORMAT key. Setting one leaves the other samples as they are; GT comes first, others last."""

    __slots__ = ("_column", "_record")

    def __init__(self, record: Record, column: int) -> None:
        self._record, self._column = record, column

    @property
    def parts(self) -> list[str]:
        """Values as they are written; those at the end may be left out."""
        text = self._record.columns[self._column]
        return [] if text in (MISSING, "") else text.split(":")

    def text(self, key: str) -> str | None:
        """What is written for a key; None where there is nothing or '.'."""
        keys = self._record.format
        if key not in keys:
            return None
        place, parts = keys.index(key), self.parts
        return None if place >= len(parts) or parts[place] in (MISSING, "") else parts[place]

    def get(self, key: str, default: Any = None) -> Any:
        """Value of a key; of GT the numbers of its alleles."""
        text = self.text(key)
        if key == GENOTYPE:
            return default if text is None else genotype(text)
        field = self._record.header.formats.get(key) or RESERVED_FORMAT.get(key, Field("1", "String"))
        if text is None:
            return default if field.number == "1" else (default,)
        return _typed(self._record, key, text, field)

    def __getitem__(self, key: str) -> Any:
        if key not in self._record.format:
            raise KeyError(key)
        return self.get(key)

    def __contains__(self, key: str) -> bool:
        return key in self._record.format

    def items(self) -> list[tuple[str, Any]]:
        """(key, value), in the order of FORMAT."""
        return [(key, self.get(key)) for key in self._record.format]

    @property
    def allele_indices(self) -> tuple[int | None, ...] | None:
        """Numbers of the alleles of GT (None: not known); None without GT."""
        text = self.text(GENOTYPE)
        return None if text is None else genotype(text)

    @property
    def filled(self) -> set[str]:
        """Keys of which something is written."""
        return {key for key, part in zip(self._record.format, self.parts, strict=False) if part not in (MISSING, "")}

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def update(self, values: Mapping[str, Any]) -> None:
        """Set the values of several keys."""
        keys = self._record.format
        for key in values:
            if key not in keys:
                self._add_key(key, keys)
                keys = self._record.format
        parts = self.parts
        parts += [MISSING] * (len(keys) - len(parts))
        for key, value in values.items():
            if key == GENOTYPE and not isinstance(value, str):
                value = "/".join(MISSING if allele is None else str(allele) for allele in value)
            parts[keys.index(key)] = shown(value)
        while len(parts) > 1 and parts[-1] == MISSING:
            parts.pop()
        self._record.columns[self._column] = ":".join(parts)

    def _add_key(self, key: str, keys: list[str]) -> None:
        columns = self._record.columns
        if key != GENOTYPE or not keys:
            columns[FORMAT] = ":".join([*keys, key])
            return
        columns[FORMAT] = ":".join([key, *keys])
        for number in range(FIRST_SAMPLE, len(columns)):
            columns[number] = MISSING if columns[number] in (MISSING, "") else f"{MISSING}:{columns[number]}"


def genotype(text: str) -> tuple[int | None, ...]:
    """Allele numbers of a GT.

    >>> genotype("0|1"), genotype("./."), genotype("1")
    ((0, 1), (None, None), (1,))
    """
    return tuple(int(part) if part.isdigit() else None for part in re.split(r"[/|]", text.lstrip("/|")))


def is_field_name(name: str) -> bool:
    """Whether a name may be declared as an INFO or FORMAT field.

    >>> is_field_name("AS_SB"), is_field_name("2x")
    (True, False)
    """
    return _FIELD.fullmatch(name) is not None
