"""Which sample columns of a candidate list are the tumour's and the normal's, and what columns are to be added.

In this order: the names that the user gives, the samples of the reads' read groups, what the header says of its samples,
columns called tumour and normal, the only assignment that is left. What is not settled is not guessed: a column is added, and
said.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from varproof.machinery.errors import UserError

logger = logging.getLogger(__name__)

ROLES = ("tumor", "normal")
_ROLE_NAMES = {"tumor": ("tumor", "tumour"), "normal": ("normal",)}


@dataclass(frozen=True)
class SampleName:
    """What is known of a sample's name: given by the user, the samples (SM) of its reads, and the name of its file."""

    given: str | None
    read_groups: tuple[str, ...]
    file: str

    @property
    def own(self) -> str:
        """Name for a new column."""
        return self.given or (self.read_groups[0] if len(self.read_groups) == 1 else self.file)


@dataclass(frozen=True)
class Columns:
    """Numbers of the sample columns, tumour first, and the names of those that are added behind the file's own."""

    numbers: tuple[int, ...]
    names: tuple[str, ...]
    added: tuple[str, ...]

    def described(self) -> dict[str, str]:
        """Name of the column by role."""
        return dict(zip(ROLES, self.names, strict=False))


def assigned_columns(path: Path, header: Any, names: list[SampleName]) -> Columns:
    """Columns of the tumour and, of two `names`, of the normal, in a file with this `pysam.VariantHeader`.

    Raises UserError where a given name is none of the file's samples, or both samples are given the same.
    """
    samples = list(header.samples)
    roles = ROLES[: len(names)]
    found = _given(path, samples, dict(zip(roles, names, strict=True)))
    for propose in (_by_read_group, _by_header, _by_role_name):
        for role, column in propose(
            samples, header, {r: n for r, n in zip(roles, names, strict=True) if r not in found}
        ).items():
            if column not in found.values():
                found[role] = column
    free = [name for name in samples if name not in found.values()]
    missing = [role for role in roles if role not in found]
    if len(free) == 1 and missing and len(samples) <= len(roles):
        found[missing[0]] = free.pop()
        missing = missing[1:]
    own = {role: name.own for role, name in zip(roles, names, strict=True)}
    added: list[str] = []
    for role in missing:
        name = own[role]
        if name in (*samples, *added) or list(own.values()).count(name) > 1:
            name = f"{name}_{role}"
            logger.warning("the %s is called like another sample: its column is %s", role, name)
        found[role] = name
        added.append(name)
    if free and missing:
        logger.warning(
            "%s: which of its samples (%s) is the %s can't be told: %s added; name theirs with --tumor-sample, --normal-sample",
            path,
            ", ".join(samples),
            " and which the ".join(missing),
            f"column {added[0]} is" if len(added) == 1 else f"columns {' and '.join(added)} are",
        )
    everything = [*samples, *added]
    return Columns(tuple(everything.index(found[role]) for role in roles), tuple(found[role] for role in roles), tuple(added))


def _given(path: Path, samples: list[str], names: dict[str, SampleName]) -> dict[str, str]:
    found = {role: name.given for role, name in names.items() if name.given is not None}
    if len(set(found.values())) < len(found):
        raise UserError(f"--tumor-sample and --normal-sample are both {next(iter(found.values()))}; name two samples")
    for role, given in found.items():
        if samples and given not in samples:
            raise UserError(f"--{role}-sample {given}: {path} has no such sample; it has {', '.join(samples)}")
    return found if samples else {}


def _by_read_group(samples: list[str], header: Any, names: dict[str, SampleName]) -> dict[str, str]:
    matching = {role: [name for name in item.read_groups if name in samples] for role, item in names.items()}
    alone = {role: found[0] for role, found in matching.items() if len(found) == 1}
    return alone if len(set(alone.values())) == len(alone) else {}


def _by_header(samples: list[str], header: Any, names: dict[str, SampleName]) -> dict[str, str]:
    said = {line.key: line.value for line in header.records if line.type == "GENERIC"}
    told = {role: str(said.get(f"{role}_sample", "")).strip() for role in names}
    return {role: name for role, name in told.items() if name in samples}


def _by_role_name(samples: list[str], header: Any, names: dict[str, SampleName]) -> dict[str, str]:
    called = {role: [name for name in samples if name.lower() in _ROLE_NAMES[role]] for role in names}
    return {role: found[0] for role, found in called.items() if len(found) == 1}
