"""A sheet of samples that can stand beside a candidate as contexts: sample, patient, library and reads, tab-separated."""

from dataclasses import dataclass
from pathlib import Path

from varproof.formats.labels import read_table
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
    path: Path, pool: list[PoolSample], wanted: int, patient: str, library: str | None, own: list[Path]
) -> list[PoolSample]:
    """Samples that may stand beside candidates of `patient`: of other patients and, if given, of the same library preparation.

    `own`: reads of the patient, which must not be in the pool under another name. Raises UserError where fewer than `wanted`
    samples are left.
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
            f"{path}: {len(others)} of {len(pool)} samples are not of patient '{patient}'{alike}, but --contexts wants {wanted}"
        )
    return left
