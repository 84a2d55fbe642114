"""Calls and true variants as arrays that can be compared: normalised, within the regions, each allele once.

`read_calls` and `read_truth` stream the two VCFs. An allele is known by (contig, start, end, alt) after trimming and, if a
reference is given, left-alignment; equal alleles count once (of calls the most probable).
"""

import math
import sys
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from varproof.formats.scored import EventSelection, allele_frequencies, density_field, density_texts, depth, error_probabilities
from varproof.formats.vcf import ALLELE_FREQUENCY, info_value, read_records
from varproof.machinery.errors import UserError
from varproof.posterior.fdr import Mode
from varproof.posterior.vaf import FrequencyEstimate, frequency_estimate
from varproof.variants.candidate import Candidate, candidates_of
from varproof.variants.edit import TYPES
from varproof.variants.reference import Reference

Key = tuple[str, int, int, str]
Regions = dict[str, list[tuple[int, int]]]


def _numbers() -> "array[float]":
    return array("d")


@dataclass
class Variants:
    """Comparable alleles: one entry of each column per allele. `runs`: number of the run that an allele is of, from 0."""

    keys: list[Key] = field(default_factory=list)
    refs: list[str] = field(default_factory=list)
    types: Any = field(default_factory=lambda: array("b"))
    lengths: Any = field(default_factory=lambda: array("q"))
    outside_regions: int = 0
    duplicates: int = 0
    index: dict[Key, int] = field(default_factory=dict)
    runs: Any = None

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, key: Key, candidate: Candidate) -> None:
        """Append a new allele."""
        self.index[key] = len(self.keys)
        self.keys.append(key)
        self.refs.append(candidate.ref)
        self.types.append(TYPES.index(candidate.type))
        self.lengths.append(candidate.length)

    def freeze(self) -> None:
        """Turn the columns into arrays."""
        self.types = np.array(self.types, dtype=np.int8)
        self.lengths = np.array(self.lengths, dtype=np.int64)
        self.runs = np.zeros(len(self), dtype=np.int64)


@dataclass
class Calls(Variants):
    """Judged calls. `errors`: posterior error probability; VAF columns NaN and depth 0 where the file has none.

    `mode`: the rule by which they are filtered at a rate.
    """

    errors: Any = field(default_factory=_numbers)
    vafs: Any = field(default_factory=_numbers)
    vaf_low: Any = field(default_factory=_numbers)
    vaf_high: Any = field(default_factory=_numbers)
    depths: Any = field(default_factory=_numbers)
    not_judged: int = 0
    mode: Mode = "smart"

    def freeze(self) -> None:
        """Turn the columns into arrays."""
        super().freeze()
        for name in ("errors", "vafs", "vaf_low", "vaf_high", "depths"):
            setattr(self, name, np.array(getattr(self, name), dtype=float))


@dataclass
class Truth(Variants):
    """True variants of the event in question. `vafs`: allele frequency in the tumour cells, NaN where not given.

    `depths`: fragments of the file's first sample (FORMAT/DP), NaN where not given.
    `others` names alleles that the truth file holds as something else (germline, artefact).
    """

    vafs: Any = field(default_factory=_numbers)
    depths: Any = field(default_factory=_numbers)
    others: dict[Key, str] = field(default_factory=dict)
    other_events: int = 0
    not_comparable: int = 0

    def freeze(self) -> None:
        """Turn the columns into arrays."""
        super().freeze()
        for name in ("vafs", "depths"):
            setattr(self, name, np.array(getattr(self, name), dtype=float))


def within(regions: Regions | None, contig: str, position: int) -> bool:
    """Whether a position lies in disjoint sorted regions (None: everywhere)."""
    if regions is None:
        return True
    intervals = regions.get(contig, [])
    i = bisect_right(intervals, (position, math.inf)) - 1
    return i >= 0 and position < intervals[i][1]


def _key(candidate: Candidate, reference: Reference | None) -> Key:
    edit = candidate.edit if reference is None else reference.left_aligned(candidate.contig, candidate.edit)
    return sys.intern(candidate.contig), *edit  # else each record brings its own copy of the name


def read_calls(
    path: Path,
    selection: EventSelection,
    regions: Regions | None,
    reference: Reference | None,
    mode: Mode = "smart",
    sample: str | None = None,
) -> Calls:
    """The judged calls of a scored VCF, with frequencies of the tumour's column, or of that called `sample`.

    Raises UserError as the readers do, and where REF is not the reference's.
    """
    calls = Calls(mode=mode)
    for record in read_records(path, sample=sample):
        errors = error_probabilities(record, selection)
        has_samples, tumor = len(record.samples) > 0, record.header.tumor_column
        modes = allele_frequencies(record, tumor) if has_samples else [None] * len(errors)
        texts = density_texts(record, tumor) if has_samples else [None] * len(errors)
        fragments = depth(record, tumor) if has_samples else None
        if reference is not None:
            reference.check(path, record)
        for candidate, error in zip(candidates_of(record, 0), errors, strict=True):
            if candidate.skipped is not None or error != error:
                calls.not_judged += 1
                continue
            key = _key(candidate, reference)
            if not within(regions, key[0], key[1]):
                calls.outside_regions += 1
                continue
            known = calls.index.get(key)
            if known is not None:
                calls.duplicates += 1
                if error >= calls.errors[known]:
                    continue
            else:
                known = len(calls)
                calls.add(key, candidate)
                for column in (calls.errors, calls.vafs, calls.vaf_low, calls.vaf_high, calls.depths):
                    column.append(math.nan)
            text, vaf = texts[candidate.allele], modes[candidate.allele]
            # Intervals are compared for likely calls only; decoding millions of unlikely ones would take minutes.
            estimate = _estimate(path, record, text) if text is not None and error < 0.5 else None
            calls.errors[known] = error
            calls.vafs[known] = math.nan if vaf is None else float(vaf)
            calls.vaf_low[known] = math.nan if estimate is None else estimate.low
            calls.vaf_high[known] = math.nan if estimate is None else estimate.high
            calls.depths[known] = 0 if fragments is None else fragments
    calls.freeze()
    return calls


def _estimate(path: Path, record: Any, text: str) -> FrequencyEstimate:
    try:
        return frequency_estimate(text)
    except ValueError as error:
        raise UserError(f"{path}: record {record.contig}:{record.pos}: {density_field(record.header)} is {error}") from error


def _per_allele(record: Any, name: str) -> list[Any]:
    alleles = len(record.alts or ())
    value = info_value(record, name)
    if isinstance(value, tuple) and len(value) == alleles:
        return list(value)
    return [value[0] if isinstance(value, tuple) and value else value] * alleles


def read_truth(path: Path, event: str, regions: Regions | None, reference: Reference | None) -> Truth:
    """The true variants: records whose INFO/EVENT is `event` (any case; several joined by commas), or all if the file has no
    such field.
    """
    truth = Truth()
    wanted = {name.strip() for name in event.upper().split(",")}
    for record in read_records(path):
        fragments = depth(record, 0) if len(record.samples) > 0 else None
        if reference is not None:
            reference.check(path, record)
        events, vafs, kinds = (_per_allele(record, name) for name in ("EVENT", ALLELE_FREQUENCY, "ARTIFACT_KIND"))
        for candidate in candidates_of(record, 0):
            known_as = events[candidate.allele]
            counts = known_as is None or str(known_as).upper() in wanted
            if candidate.skipped is not None:
                truth.not_comparable += counts
                continue
            key = _key(candidate, reference)
            if not counts:
                kind = kinds[candidate.allele]
                truth.other_events += 1
                truth.others[key] = str(known_as) if kind is None else f"{known_as}: {kind}"
            elif not within(regions, key[0], key[1]):
                truth.outside_regions += 1
            elif key in truth.index:
                truth.duplicates += 1
            else:
                truth.add(key, candidate)
                vaf = vafs[candidate.allele]
                truth.vafs.append(math.nan if vaf is None else float(vaf))
                truth.depths.append(fragments if isinstance(fragments, int | float) else math.nan)
    truth.freeze()
    return truth
