"""The candidates of a VCF as packing takes them: sites, with what a tensor file says of each, and which to decode at once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from varproof.formats.tensors import UNKNOWN_LABEL
from varproof.formats.vcf import info_value, open_vcf, read_records
from varproof.machinery.errors import UserError
from varproof.variants.candidate import Candidate, candidates_of

STRETCH_SPAN = 50_000
"""Reads are decoded over at most this much of the reference at once, bp."""
STRETCH_GAP = 4_000
"""Between candidates further apart than this, a new look into the index is cheaper than decoding what lies between, bp."""

CLASS_FIELDS = ("Func.refGene", "ANN", "CSQ")
"""INFO fields of ANNOVAR, SnpEff and VEP, in the order in which `auto` tries them."""
NO_CLASS = "none"


@dataclass(frozen=True, slots=True)
class Site:
    """A candidate, the position (0-based) and alleles of its record as written, its label, its annotated mutation class."""

    candidate: Candidate
    position: int
    ref: str
    alt: str
    label: int
    mutation_class: str


def sites(path: Path, labels: np.ndarray | None, class_field: str) -> Iterator[Site]:
    """All candidates of a VCF in order; `labels` int8, one per candidate, or None; `class_field` as in `class_reader`."""
    mutation_class = class_reader(path, class_field)
    count = 0
    for number, record in enumerate(read_records(path)):
        for candidate in candidates_of(record, number):
            label = UNKNOWN_LABEL if labels is None else int(labels[count])
            alt = record.alleles[1 + candidate.allele]
            count += 1
            yield Site(candidate, record.start, record.ref, alt, label, mutation_class(record, alt))


def stretches(starts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges of indices into `starts` (ascending, bp) that are worth decoding at once.

    >>> list(stretches([0, 3_000, 9_000, 12_000, 60_000]))
    [(0, 2), (2, 4), (4, 5)]
    """
    first = 0
    for i in range(1, len(starts) + 1):
        if i == len(starts) or starts[i] - starts[i - 1] > STRETCH_GAP or starts[i] - starts[first] > STRETCH_SPAN:
            yield first, i
            first = i


def class_reader(path: Path, field: str) -> Callable[[Any, str], str]:
    """A function of a record and an ALT that gives its mutation class, empty where there is none.

    `field`: an INFO field, "auto" (the first of CLASS_FIELDS in the header) or NO_CLASS. Of ANN and CSQ the consequence of
    the allele's first entry counts, of several terms the first. Raises UserError if the header has no such field.
    """
    if field == NO_CLASS:
        return lambda record, alt: ""
    with open_vcf(path) as handle:
        known = list(handle.header.info)
        if field == "auto":
            field = next((name for name in CLASS_FIELDS if name in known), "")
            if not field:
                return lambda record, alt: ""
        elif field not in known:
            raise UserError(f"{path}: its header has no INFO field '{field}'; give --mutation-class-field none or one it has")
        description = str(handle.header.info[field].description or "")
    column = _consequence_column(description) if field in ("ANN", "CSQ") else None

    def mutation_class(record: Any, alt: str) -> str:
        value = info_value(record, field)
        entries = [str(item) for item in (value if isinstance(value, tuple) else (value,)) if item not in (None, True)]
        if not entries:
            return ""
        if column is None:
            return _first_term(entries[0])
        own = [entry for entry in entries if entry.partition("|")[0] == alt]
        parts = (own or entries)[0].split("|")
        return _first_term(parts[column]) if column < len(parts) else ""

    return mutation_class


def _consequence_column(description: str) -> int:
    """Which part of an entry names the consequence: ANN's second, CSQ's as its description says."""
    names = [name.strip(" '\"").lower() for name in description.rpartition("Format:")[2].split("|")]
    return names.index("consequence") if "consequence" in names else 1


def _first_term(text: str) -> str:
    for separator in ("\\x3b", ";", "&"):
        text = text.partition(separator)[0]
    return "" if text == "." else text
