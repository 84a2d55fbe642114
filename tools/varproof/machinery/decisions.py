"""Model decisions: the numbers of a room that change results, each with a reason, in one frozen model per room.

A value other than the default is given in the environment, as JSON: `VARPROOF_DECISIONS_POSTERIOR='{"log_rate_sd": 1}'`. That
way workers and compiled kernels, whose code is kept by these values, have them too, and a sensitivity study is a loop over
processes. What they were is in the provenance of every output that depends on them.
"""

import contextlib
import json
import os
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from varproof.machinery.errors import UserError

PREFIX = "VARPROOF_DECISIONS_"


class Decisions(BaseModel):
    """The decisions of one room; frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Model = TypeVar("Model", bound=Decisions)


def decided(model: type[Model], room: str) -> Model:
    """The decisions of `room`: defaults, and what the environment says. Raises UserError, which names what is wrong there."""
    name = PREFIX + room.upper()
    try:
        return model.model_validate_json(os.environ.get(name) or "{}")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{name}: {where + ': ' if where else ''}{first['msg'].lower()}") from error


def changed_decisions() -> dict[str, dict[str, Any]]:
    """What the environment changes, by room and name; empty where nothing is. `decided` refuses what is no JSON object."""
    changed = {}
    for name, text in sorted(os.environ.items()):
        if name.startswith(PREFIX) and text:
            with contextlib.suppress(ValueError):
                changed[name.removeprefix(PREFIX).lower()] = dict(json.loads(text))
    return changed
