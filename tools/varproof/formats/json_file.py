"""JSON files that users may edit: read into a pydantic model with an error that names the key."""

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from varproof.machinery.errors import UserError
from varproof.machinery.output import write_text

MOST_TOLD = 5
"""Mistakes of a file that a message lists."""

Model = TypeVar("Model", bound=BaseModel)


def read_json(path: Path, model: type[Model]) -> Model:
    """The file's content as `model`; raises UserError naming the file and each offending key."""
    try:
        content = json.loads(path.read_text())
        _require_schema(path, content, model)
        return model.model_validate(content)
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
        more = f"; and {len(mistakes) - MOST_TOLD} more" if len(mistakes) > MOST_TOLD else ""
        raise UserError(f"{path}: {'; '.join(mistakes[:MOST_TOLD])}{more}") from error


def _require_schema(path: Path, content: object, model: type[BaseModel]) -> None:
    """Raise UserError for a file of another kind; where the model has a schema, that is its one value."""
    field = model.model_fields.get("schema_")
    if field is not None and isinstance(content, dict) and content.get("schema") != field.default:
        raise UserError(f"{path}: not of schema {field.default} (its schema is {content.get('schema', 'not given')})")


def write_json(path: Path, content: BaseModel) -> None:
    """Write a model, complete or not at all; schema first, keys in the model's order."""
    write_text(path, content.model_dump_json(indent=2, by_alias=True) + "\n")
