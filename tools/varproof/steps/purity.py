"""The purity that score-posterior takes: a number, that of a purity.json, or `auto`, which is estimated from the same reads."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator

from varproof.machinery.errors import TooLittle, UserError
from varproof.steps.base import Settings

logger = logging.getLogger(__name__)


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


if TYPE_CHECKING:
    from varproof.formats.purity import Purity

    KnownBy = float  # which `with_purity` makes of it before anything is computed
else:
    KnownBy = Annotated[float | Literal["auto"] | Path, BeforeValidator(purity_given)]

PURITY = "fraction of tumour cells in the tumour sample; auto: estimated from the reads; or purity.json."

Options = TypeVar("Options", bound=Settings)


def with_purity(options: Options) -> tuple[Options, "Purity | None"]:
    """(the options with `purity` as a number, all else that was estimated with it); raises UserError where it can't be had.

    The second is None where a number was given, and where the reads can't tell.
    """
    given = getattr(options, "purity")  # noqa: B009
    if isinstance(given, float):
        return options, None
    found: Purity | None
    if isinstance(given, Path):
        from varproof.formats.purity import read_purity

        purity, found = read_purity(given, "--purity as a number")
    else:
        found = _estimated(options)
        purity = 1.0 if found is None or found.purity is None else found.purity
    logger.info("purity %.4g, of %s", purity, "the reads" if given == "auto" else given)
    return options.model_copy(update={"purity": float(purity)}), found


def _estimated(options: Any) -> "Purity | None":
    """From the reads of the tumour, and of the normal if there are any; None, with a warning, where they can't tell."""
    from varproof.copynumber.counting import CountingJob
    from varproof.copynumber.panel_depth import tells_depth
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
    panel = options.panel if options.panel is not None and tells_depth(options.panel) else None
    found: Purity | None = None
    job = CountingJob(options.tumor, options.reference, normal, regions, panel=panel)
    try:
        found = estimated(job, options.worker_count).purity
    except TooLittle as error:
        logger.warning("--purity auto: %s", error)
    if found is None or found.purity is None:
        logger.warning("--purity auto: the reads can't tell it, so 1 is taken; give a number if you know better")
        return None
    return found
