"""Which candidates are real: labels for training, from a truth set or a table, matched as normalised alleles."""

from pathlib import Path

import numpy as np

from varproof.formats.tensors import UNKNOWN_LABEL
from varproof.formats.vcf import candidates_of, read_records
from varproof.report.variants import Key, Reference, left_aligned, read_truth

TRUE_EVENT = "SOMATIC_TUMOR"


def candidate_keys(candidates: Path, reference: Reference) -> list[Key | None]:
    """Normalised allele of each candidate, None for one that is skipped. Raises UserError where REF is not the reference's."""
    keys: list[Key | None] = []
    for number, record in enumerate(read_records(candidates)):
        for item in candidates_of(record, number):
            if item.skipped is not None:
                keys.append(None)
                continue
            reference.check(candidates, record)
            keys.append((item.contig, *left_aligned(item.start, item.end, item.alt, item.contig, reference)))
    return keys


def truth_labels(candidates: Path, truth: Path, reference: Path) -> np.ndarray:
    """int8 per candidate: 1 if `truth` has it (as EVENT=SOMATIC_TUMOR where it has that field), else 0; skipped: unknown."""
    bases = Reference(reference)
    real = read_truth(truth, TRUE_EVENT, None, bases).index
    keys = candidate_keys(candidates, bases)
    return np.array([UNKNOWN_LABEL if key is None else int(key in real) for key in keys], np.int8)
