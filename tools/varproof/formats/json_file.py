"""JSON files that users may edit: read into a pydantic model with an error that names the key."""

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from varproof.errors import UserError
from varproof.formats.output import write_text

Model = TypeVar("Model", bound=BaseModel)


def read_json(path: Path, model: type[Model]) -> Model:
    """The file's content as `model`; raises UserError naming the file and each offending key."""
    try:
        return model.model_validate(json.loads(path.read_text()))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid JSON ({error})") from error
    except ValidationError as error:
        mistakes = []
        for item in error.errors():
            key = ".".join(str(part) for part in item["loc"])
            problem = "is not a known key" if item["type"] == "extra_forbidden" else str(item["msg"])
            mistakes.append(f"key '{key}': {problem}")
        raise UserError(f"{path}: {'; '.join(mistakes)}") from error


def write_json(path: Path, content: BaseModel) -> None:
    """Write a model, complete or not at all; schema first, keys in the model's order."""
    write_text(path, content.model_dump_json(indent=2, by_alias=True) + "\n")
