"""What tensors look like: the settings of a tensor file and of the model that takes it, which are options of tensorise, too."""

from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator

TrackKind = Literal["tumor", "normal", "context"]
Rows = Literal["candidate", "window"]

WINDOW: Any = Field(101, ge=11, le=1001, description="bases of the reference, odd; the candidate is in the middle.")
DEPTH: Any = Field(200, ge=1, le=10_000, description="most reads per track; deeper piles are sampled by read name.")
ROWS: Any = Field("candidate", description="which reads are rows: those that reach the candidate or the window.")


def odd(value: int) -> int:
    """The value; raises ValueError where it is even."""
    if value % 2 == 0:
        raise ValueError("must be odd")
    return value


class TensorSettings(BaseModel, extra="forbid"):
    """What a tensor looks like: a model is trained for one such layout and refuses others."""

    window: int = WINDOW
    depth: int = DEPTH
    tracks: tuple[TrackKind, ...] = Field(("tumor", "normal"), description="kind of each track, in order.")
    soft_clips: bool = Field(False, description="whether soft-clipped bases are shown.")
    rows: Rows = ROWS

    _odd = field_validator("window")(odd)

    def describe(self) -> str:
        """For people."""
        contexts = self.tracks.count("context")
        normal = " with normal" if "normal" in self.tracks else " without normal"
        return f"window {self.window}, depth {self.depth},{normal}, {contexts} context{'' if contexts == 1 else 's'}"
