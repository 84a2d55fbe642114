"""The purity that score-posterior takes: a number, that of a purity.json, or `auto`, which is estimated from the same reads."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from varproof.machinery.errors import UserError
from varproof.steps.base import Settings

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from varproof.formats.purity import Purity

    KnownBy = float  # which `with_purity` makes of it before anything is computed
else:
    KnownBy = float | Literal["auto"] | Path

Options = TypeVar("Options", bound=Settings)


def purity_given(value: Any) -> Any:
    """What `--purity` says, as a number, `auto` or a file; ValueError for another word, and for a number that is no purity."""
    if value == "auto" or isinstance(value, Path):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        if isinstance(value, str) and ("." in value or "/" in value):
            return Path(value)
        number = -1.0
    if not 0 < number <= 1:
        raise ValueError("must be a fraction over 0 and up to 1, auto, or a purity.json")
    return number


def with_purity(options: Options) -> Options:
    """The options with `purity` as a number; raises UserError where it can't be had."""
    return purity_told(options)[0]


def purity_told(options: Options) -> "tuple[Options, Purity | None]":
    """The options with `purity` as a number, and what else was found with it: None where a number was given, or nothing told.

    `formats.purity.segments_of` has the copy numbers that belong to it. Raises UserError where it can't be had.
    """
    given = getattr(options, "purity")  # noqa: B009
    if isinstance(given, float):
        return options, None
    if isinstance(given, Path):
        from varproof.formats.purity import read_purity

        found, told = read_purity(given, "--purity as a number")
    else:
        told = _estimated(options)
        found = 1.0 if told.purity is None else told.purity
    logger.info("purity %.4g, of %s", found, "the reads" if given == "auto" else given)
    return options.model_copy(update={"purity": float(found)}), None if told.purity is None else told


def _estimated(options: Any) -> "Purity":
    """From the reads of the tumour, and of the normal if there are any; warns where they can't tell."""
    from varproof.copynumber.counting import CountingJob
    from varproof.copynumber.run import estimated
    from varproof.formats.hdf5 import is_hdf5
    from varproof.reads.regions import regions_of_reference

    if is_hdf5(options.tumor):
        raise UserError(
            f"--purity auto: {options.tumor} is an evidence file, which tells no depth; estimate the purity from the reads "
            "with estimate-purity, and give its purity.json"
        )
    normal = None if options.normal is None or is_hdf5(options.normal) else options.normal
    regions = None if options.regions is None else regions_of_reference(options.regions, options.reference)
    found = estimated(CountingJob(options.tumor, options.reference, normal, regions), options.worker_count).purity
    if found.purity is None:
        logger.warning("--purity auto: the reads can't tell it, so 1 is taken; give a number if you know better")
    return found
