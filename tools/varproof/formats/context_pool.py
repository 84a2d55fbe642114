"""A sheet of samples that can stand beside a candidate as contexts: sample, patient, library and reads, tab-separated.

The same normals make a panel: `build-panel --context-pool` counts the reads of the sheet.
"""

from dataclasses import dataclass
from pathlib import Path

from varproof.formats.tables import read_table
from varproof.machinery.errors import MissingFile, UserError

COLUMNS = ("sample", "patient", "library", "reads")


@dataclass(frozen=True, slots=True)
class PoolSample:
    """A sample, whom it is of, how its library was prepared, and its indexed BAM or CRAM."""

    sample: str
    patient: str
    library: str
    reads: Path


def read_context_pool(path: Path) -> list[PoolSample]:
    """The samples in order; reads are relative to the sheet. Raises UserError naming the line where something is wrong."""
    samples: list[PoolSample] = []
    lines: dict[str, int] = {}
    for number, row in read_table(path, COLUMNS, "a sheet of context samples"):
        empty = [name for name, value in row.items() if not value]
        if empty:
            raise UserError(f"{path}: line {number}: {', '.join(empty)} must not be empty")
        if row["sample"] in lines:
            raise UserError(f"{path}: lines {lines[row['sample']]} and {number} have the same sample '{row['sample']}'")
        lines[row["sample"]] = number
        reads = path.parent / row["reads"]
        if not reads.is_file():
            raise MissingFile(f"{path}: line {number}: no such file: {reads}")
        samples.append(PoolSample(row["sample"], row["patient"], row["library"], reads))
    return samples


def eligible_contexts(
    path: Path,
    pool: list[PoolSample],
    wanted: int,
    patient: str,
    library: str | None,
    own: list[Path],
    wanting: str = "--contexts",
) -> list[PoolSample]:
    """Samples that may stand beside candidates of `patient`: of other patients and, if given, of the same library preparation.

    `own`: reads of the patient, which must not be in the pool under another name. Raises UserError where fewer than `wanted`
    samples are left; `wanting` says what wants them.
    """
    files = {item.resolve() for item in own}
    for item in pool:
        if item.patient != patient and item.reads.resolve() in files:
            raise UserError(
                f"{path}: sample '{item.sample}' has the reads of this run, but patient '{item.patient}', not '{patient}'; "
                "correct the sheet or --patient"
            )
    others = [item for item in pool if item.patient != patient]
    left = [item for item in others if library is None or item.library == library]
    if len(left) < wanted:
        alike = "" if library is None else f", {len(left)} of them of library '{library}'"
        raise UserError(
            f"{path}: {len(others)} of {len(pool)} samples are not of patient '{patient}'{alike}, but {wanting} wants {wanted}"
        )
    return left


def one_of_each_patient(path: Path, pool: list[PoolSample], library: str | None) -> tuple[list[PoolSample], list[PoolSample]]:
    """(the first sample of each patient, the others): of one library preparation, if it is given.

    A person's germline variants count once in a panel. Raises UserError where no sample is of that preparation.
    """
    alike = [item for item in pool if library is None or item.library == library]
    if not alike:
        raise UserError(f"{path}: none of {len(pool)} samples is of library '{library}'; correct the sheet or --library")
    first: dict[str, PoolSample] = {}
    for item in alike:
        first.setdefault(item.patient, item)
    return list(first.values()), [item for item in alike if first[item.patient] is not item]
