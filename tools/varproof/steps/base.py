"""What the steps of all executables share: settings that every one has, and those that several have."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from varproof.machinery.remote import Remote, is_address

MAX_DEPTH = 100_000
"""Default of --max-depth where fragments are weighed: deeper than panels and mitochondria are. Memory is bounded by chunks."""

DEPTH_LIMIT = "weigh only a sample of the fragments of deeper places, by read name; DP is the whole depth all the same."
"""What --max-depth does there."""

MERGE_PHASED = (
    "write calls of one haplotype with at most so many bases between them as one record, which INFO/VP_PARTS can take apart."
)

GERMLINE_RESOURCE = (
    "variants of a population with their frequencies, such as gnomAD's: VCF (bgzipped) or BCF with its index; sites are enough."
)
GERMLINE_FIELD = "INFO field of the frequencies (default: AF, POPAF, CAF or FREQ, whichever there is first)."
PANEL = (
    "panel of normals: a file of build-panel, whose rates tell artefacts of a place and germline variants; or a VCF of sites, "
    "as Mutect2's, which only makes artefacts likelier there."
)

RESUME = "keep finished chunks in this folder, and go on from those that a run of the same inputs left there."

SAMPLE = (
    "whose column's frequencies are told: a sample, as in the scenario or in the file (default: the tumour's, as the header "
    "says it)."
)

READS = ("reads", "second_reads", "tumor", "normal", "context")
"""Options that take reads, and addresses of reads."""


class Settings(BaseModel):
    """Settings of an executable: a subclass has its options as fields, and says in its docstring what it does."""

    model_config = ConfigDict(extra="forbid")

    remote_reads: ClassVar[bool] = True
    """Whether reads may be behind an address (https://, s3://)."""

    threads: int = Field(1, ge=0, description="worker processes; 0 = all cores. Results do not depend on it.")

    @model_validator(mode="before")
    @classmethod
    def _addresses(cls, values: Any) -> Any:
        """Addresses of reads as they were given: a plain path would swallow one of two slashes."""
        return {name: _with_addresses(name, value) for name, value in values.items()} if isinstance(values, dict) else values

    @property
    def worker_count(self) -> int:
        """Number of worker processes (0 resolved to all cores that this process may use)."""
        return self.threads or usable_cores()


MOST_SEARCHED_DEPTH = 10_000
"""Candidates are searched in a sample of the fragments of deeper places."""


def fraction_under_1(value: float | str) -> float | str:
    """`value`, or ValueError where it is a number that is no fraction from 0 up to 1."""
    if isinstance(value, float) and not 0 <= value < 1:
        raise ValueError("must be 'auto' or a fraction from 0 up to, not including, 1")
    return value


class _WithResource(Protocol):
    germline_resource: Path | None
    germline_field: str | None


Given = TypeVar("Given", bound=_WithResource)


def field_of_resource(settings: Given) -> Given:
    """`settings`, or ValueError where they name a field of a germline resource that they lack."""
    if settings.germline_field is not None and settings.germline_resource is None:
        raise ValueError(f"--germline-field {settings.germline_field} is of a germline resource; give --germline-resource")
    return settings


def pictures_of(plot: Path | None, part: str = "") -> tuple[Path, ...]:
    """The SVG and the PNG that --plot names, of a `part` such as ".chr1", or of all; none where nothing was asked for."""
    if plot is None:
        return ()
    stem = plot.with_suffix("") if plot.suffix.lower() in (".svg", ".png") else plot
    return stem.with_name(f"{stem.name}{part}.svg"), stem.with_name(f"{stem.name}{part}.png")


def option_name(field: str) -> str:
    """The command-line spelling of a model field."""
    return "--" + field.replace("_", "-")


def _with_addresses(name: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_with_addresses(name, item) for item in value]
    if not isinstance(value, str) or not is_address(value):
        return value
    if value.startswith("file://"):
        return value.removeprefix("file://")
    if name not in READS:
        raise ValueError(f"{option_name(name)} {value}: only reads are read from afar; download this first")
    return Remote(value)


def usable_cores() -> int:
    """Cores that this process may use; macOS knows only how many there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def described(error: ValidationError, spelled: Callable[[str], str]) -> str:
    """All mistakes in one line; `spelled` gives a field as whoever made them knows it."""
    lines = []
    for item in error.errors():
        name = spelled(str(item["loc"][0])) if item["loc"] else ""
        if item["type"] == "missing":
            lines.append(f"{name} is required")
        elif item["type"] == "extra_forbidden":
            lines.append(f"{name} is not an option")
        else:
            message = str(item["msg"]).removeprefix("Value error, ")
            shown = "" if isinstance(item["input"], dict | list) else f" (got '{item['input']}')"
            lines.append(f"{name}: {message}{shown}".removeprefix(": "))
    return "; ".join(lines)
