"""Which of the models that come with the package judges a sample: by its tracks, and by the length of its reads.

`make models` writes them, each with a sheet that says what it was trained on. Nothing here starts TensorFlow.
"""

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from varproof.formats.json_file import read_json
from varproof.formats.model import ModelCard, read_card
from varproof.formats.model_sheet import ModelSheet
from varproof.machinery.errors import UserError

logger = logging.getLogger(__name__)

FOLDER = Path(__file__).parent / "models"

NAMES: dict[tuple[str, ...], str] = {("tumor", "normal"): "tumor-normal", ("tumor",): "tumor-only"}
"""Tracks -> name of the model for them."""

LOOKED_AT = 1000
"""Reads at the beginning of a file that tell how long its reads usually are."""

FARTHEST = 2.0
"""Reads that are so many times longer than the longest of training are of another kind, and the model is refused."""


@dataclass(frozen=True)
class BuiltIn:
    """A model that comes with the package."""

    name: str
    path: Path
    card: ModelCard
    sheet: ModelSheet


def built_in(tracks: Sequence[str]) -> BuiltIn:
    """The model for samples of these kinds; raises UserError where there is none."""
    name = NAMES.get(tuple(tracks))
    if name is None:
        contexts = sum(kind == "context" for kind in tracks)
        raise UserError(
            f"no model that comes with varproof was trained with contexts ({contexts} are given); leave them out, or give "
            "--model of train"
        )
    path = FOLDER / f"{name}.keras"
    if not path.exists():
        if find_spec("tensorflow") is None:
            raise UserError("predict needs tensorflow; install it with: pip install 'varproof[cnn]'")
        raise UserError(f"this installation has no model {name}; give --model of train, or make those that come with varproof")
    return BuiltIn(name, path, read_card(path), read_json(path.with_suffix(".json"), ModelSheet))


def usual_read_length(reads: Path, reference: Path) -> int | None:
    """Median length of the first LOOKED_AT primary reads with a sequence, bp; None where there are none."""
    from varproof.reads.files import open_reads

    lengths = []
    with open_reads(reads, reference) as alignments, contextlib.suppress(OSError, ValueError):
        # What is wrong with the reads is told where they are packed, with the place.
        lengths = [
            read.query_length
            for read in alignments.head(LOOKED_AT)
            if read.query_length and not (read.is_secondary or read.is_supplementary)
        ]
    return int(np.median(lengths)) if lengths else None


def require_reads_alike(model: BuiltIn, read_length: int | None, reads: str) -> None:
    """Raise UserError for reads of another kind than those of training; warn where their length was not among them."""
    if read_length is None:
        return
    shortest, longest = model.sheet.read_length
    known = f"{model.name} was trained on reads of {shortest} to {longest} bases"
    if read_length > FARTHEST * longest:
        raise UserError(
            f"{reads}: reads of {read_length} bases; the built-in model {known}; give --model of a network that was trained on "
            "such reads"
        )
    if not shortest <= read_length <= longest:
        logger.warning(
            "%s: reads of %d bases; the built-in model %s: how well it judges these was not measured", reads, read_length, known
        )


def tell(model: BuiltIn, read_length: int | None) -> None:
    """One line in the log: which model was chosen, and why."""
    seen = "" if read_length is None else f", reads of {read_length} bases"
    logger.info(
        "model: %s, which comes with varproof, for %s%s; trained on %d simulated protocols",
        model.name,
        " and ".join({"tumor": "tumour"}.get(kind, kind) for kind in model.sheet.tracks),
        seen,
        len(model.sheet.protocols),
    )
