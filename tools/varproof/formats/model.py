"""model.keras: a Keras archive whose last layer carries a card that says what the model is and what it takes.

The card can be read without TensorFlow, so that a model that doesn't fit is refused at once.
"""

import json
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from varproof.formats.tensor_settings import TensorSettings
from varproof.formats.training import ClassCalibrations
from varproof.machinery.errors import DamagedFile, MissingFile, UserError

CARD_LAYER = "CalibratedProbability"

Architecture = Literal["read-set", "deepcnnvalid", "deepcnnvalid-by-allele"]


class TrainingState(BaseModel, extra="forbid"):
    """How far training has come: what a checkpoint needs to go on as if it had not been interrupted."""

    epochs_done: int = Field(0, description="passes over the training data.")
    epochs_without_gain: int = Field(0, description="for early stopping.")
    history: dict[str, list[float]] = Field(default_factory=dict, description="measure -> value after each epoch.")
    identity: str = Field("", description="digest of training data and options: only the same training is resumed.")


class ModelCard(BaseModel, extra="forbid"):
    """What a model is."""

    schema_version: Literal["varproof/model/1"] = "varproof/model/1"
    architecture: Architecture = Field(description="of the network.")
    settings: TensorSettings = Field(description="layout of the tensors that it takes.")
    calibration: ClassCalibrations = Field(ClassCalibrations(), description="from the network's log-odds to probabilities.")
    calibrated_on: int = Field(0, ge=0, description="held-out candidates that the calibration was fitted to; 0: a checkpoint.")
    positives: int = Field(0, ge=0, description="real variants that it was trained on.")
    negatives: int = Field(0, ge=0, description="artefacts that it was trained on.")
    variant_types: list[str] = Field(default_factory=list, description="types seen in training.")
    training: TrainingState = Field(default_factory=TrainingState, description="of a checkpoint, to go on from.")
    provenance: str = Field("", description="version, options and digests of the inputs, as JSON.")


def _find_card(config: Any) -> dict[str, Any] | None:
    for layer in _item(_item(config, "config", dict), "layers", list):
        if isinstance(layer, dict) and layer.get("class_name") == CARD_LAYER:
            return _item(_item(layer, "config", dict), "card", dict) or None
    return None


def _item(config: Any, key: str, kind: type) -> Any:
    """config[key] if there is such a thing of that kind, else an empty one."""
    found = config.get(key) if isinstance(config, dict) else None
    return found if isinstance(found, kind) else kind()


_MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
_MODULES = ("keras", "varproof")
_RUNS_CODE = ("Lambda", "function", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")


def _foreign_objects(config: Any) -> list[str]:
    """What a Keras configuration would make beside layers of Keras and varproof: functions, and whatever runs code."""
    if isinstance(config, list):
        return [name for item in config for name in _foreign_objects(item)]
    if not isinstance(config, dict):
        return []
    found = [name for item in config.values() for name in _foreign_objects(item)]
    module, kind = config.get("module"), config.get("class_name")
    if kind in _RUNS_CODE or (module is not None and str(module).partition(".")[0] not in _MODULES):
        found.insert(0, f"{module}.{kind}")
    return found


def read_card(path: Path) -> ModelCard:
    """The card of a model file; raises UserError where it is no model of this version of varproof."""
    if not path.exists():
        raise MissingFile(f"{path}: no such file")
    advice = "make a model with train"
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            if archive.testzip() is not None:
                raise DamagedFile(f"{path}: damaged model file; copy it again")
            foreign = [name for name in archive.namelist() if name not in _MEMBERS] or _foreign_objects(config)
    except (
        OSError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        KeyError,
        ValueError,
    ) as error:
        raise UserError(f"{path}: not a .keras model file ({' '.join(str(error).split())}); {advice}") from error
    if foreign:
        raise UserError(f"{path}: holds what no model of varproof has ({foreign[0]}), and is not opened; {advice}")
    card = _find_card(config)
    if card is None:
        raise UserError(f"{path}: a Keras model, but not one of varproof; {advice}")
    try:
        return ModelCard.model_validate(card)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise UserError(f"{path}: a model of another version of varproof ({where}); {advice} of this version") from error


def _named(tracks: Sequence[str]) -> str:
    contexts = tracks.count("context")
    names = ["tumour", *(["normal"] if "normal" in tracks else []), f"{contexts} context{'' if contexts == 1 else 's'}"]
    return ", ".join(names[: None if contexts else -1])


def require_tracks(path: Path, card: ModelCard, tracks: Sequence[str]) -> None:
    """Raise UserError unless the model was trained on samples of these kinds."""
    if tuple(tracks) != card.settings.tracks:
        raise UserError(
            f"{path} was trained on {_named(card.settings.tracks)}, but the command line has {_named(tracks)}; "
            "give the same kinds of samples (--normal, --context)"
        )


def require_fitting(path: Path, card: ModelCard, settings: TensorSettings, source: str) -> None:
    """Raise UserError unless the model takes tensors of this layout."""
    if card.settings != settings:
        differing = [name for name in TensorSettings.model_fields if getattr(card.settings, name) != getattr(settings, name)]
        raise UserError(
            f"{path} takes tensors of {card.settings.describe()}, but {source} has {settings.describe()} "
            f"(differs in {', '.join(differing)}); make tensors like those that the model was trained on"
        )
