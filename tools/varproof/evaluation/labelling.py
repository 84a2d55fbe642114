"""Which candidates are real: labels for training, from a truth set or a table, matched as normalised alleles."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from varproof.evaluation.variants import Key, read_truth
from varproof.formats.events import SOMATIC
from varproof.formats.labels import Label, read_judgements, require_new
from varproof.formats.tensors import UNKNOWN_LABEL
from varproof.formats.vcf import read_records
from varproof.machinery.errors import UserError
from varproof.variants.candidate import candidates_of, trimmed_alleles
from varproof.variants.edit import Edit
from varproof.variants.reference import Reference


def candidate_keys(candidates: Path, reference: Reference) -> list[Key | None]:
    """Normalised allele of each candidate, None for one that is skipped. Raises UserError where REF is not the reference's."""
    keys: list[Key | None] = []
    for number, record in enumerate(read_records(candidates)):
        for item in candidates_of(record, number):
            if item.skipped is not None:
                keys.append(None)
                continue
            reference.check(candidates, record)
            keys.append((item.contig, *reference.left_aligned(item.contig, item.edit)))
    return keys


def truth_labels(candidates: Path, truth: Path, reference: Path) -> np.ndarray:
    """int8 per candidate: 1 if `truth` has it (as EVENT=SOMATIC_TUMOR where it has that field), else 0; skipped: unknown."""
    bases = Reference(reference)
    real = read_truth(truth, SOMATIC, None, bases).index
    keys = candidate_keys(candidates, bases)
    return np.array([UNKNOWN_LABEL if key is None else int(key in real) for key in keys], np.int8)


def table_labels(candidates: Path, table: Path, reference: Path) -> np.ndarray:
    """int8 per candidate: its label in a table of labels, UNKNOWN_LABEL where it has none.

    Raises UserError where lines name the same allele, do not fit the reference, or match no candidate.
    """
    known = judged_candidates(candidates, table, reference)
    return np.array([UNKNOWN_LABEL if one is None or one.label is None else one.label for one in known], np.int8)


def judged_candidates(candidates: Path, table: Path, reference: Path) -> list[Label | None]:
    """What a table of labels says of each candidate, of several reviewers their majority; None where it says nothing.

    Raises UserError as `table_labels`.
    """
    bases = Reference(reference)
    given = read_judgements(table)
    if any(label.loose for label in given):
        given = _placed(given, candidates)
    labels: dict[Key, Label] = {}
    for label in given:
        require_new(table, label, labels.setdefault(_label_key(table, label, bases), label))
    keys = candidate_keys(candidates, bases)
    strangers = set(labels).difference(keys)
    if strangers:
        first = min((labels[key] for key in strangers), key=lambda item: item.line)
        raise UserError(
            f"{table}: {len(strangers)} of {len(labels)} labels match no candidate of {candidates}, the first in line "
            f"{first.line} ({first.contig}:{first.pos} {first.ref}>{first.alt}); leave out what is no candidate"
        )
    return [None if key is None else labels.get(key) for key in keys]


def _placed(labels: list[Label], candidates: Path) -> list[Label]:
    """Labels whose positions may be 0-based or 1-based, where there is a candidate of these alleles."""
    written = {
        (record.contig, record.start, record.ref.upper(), alt.upper())
        for record in read_records(candidates)
        for alt in record.alts or ()
    }
    found = []
    for label in labels:
        before = replace(label, start=label.start - 1)
        found.append(before if label.loose and label.allele not in written and before.allele in written else label)
    return found


def _label_key(table: Path, label: Label, bases: Reference) -> Key:
    bases.check(f"{table}: line {label.line}", label)
    start, ref, alt = trimmed_alleles(label.start, label.ref, label.alt)
    return label.contig, *bases.left_aligned(label.contig, Edit(start, start + len(ref), alt))
