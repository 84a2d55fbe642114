"""NAME.json beside a model that comes with the package: what it was trained on, how well it judges, and where it may not."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from varproof.formats.tensor_settings import TrackKind


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class TrainingProtocol(_Model):
    """A simulated pair that the model was trained or calibrated on."""

    name: str = Field(description="of the pair")
    description: str = Field(description="how it was sequenced, and which artefacts it has")
    candidates: int = Field(ge=0, description="that were shown")
    real: int = Field(ge=0, description="of them somatic variants")


class MeasuredProtocol(_Model):
    """How the model judges a pair of a protocol that it was not trained on."""

    name: str = Field(description="of the protocol")
    description: str = Field(description="how it was sequenced, and which artefacts it has")
    variants: Literal["SNVs", "MNVs", "indels"] = Field(description="class of the candidates")
    real: int = Field(ge=0, description="somatic variants among them")
    others: int = Field(ge=0, description="artefacts, germline variants, and sites without a variant")
    average_precision: float | None = Field(description="mean precision over the steps of recall; null: none is real")
    kept: int = Field(
        ge=0, description="at a nominal false discovery rate of 0.05, at the share of real ones that predict finds"
    )
    false: int = Field(ge=0, description="of those that were kept")


class ModelSheet(_Model):
    """What a model that comes with the package is for, and how it was made."""

    schema_: Literal["varproof/model-sheet/1"] = Field(default="varproof/model-sheet/1", alias="schema")
    tracks: tuple[TrackKind, ...] = Field(description="samples that it takes, in this order")
    profile: str = Field(description="of `make models`: how many protocols, variants and passes")
    seed: int = Field(ge=0, description="of protocols, reads and training")
    passes: int = Field(ge=1, description="over the training data")
    read_length: tuple[int, int] = Field(description="shortest and longest reads that it was trained on, bp")
    depth: tuple[float, float] = Field(description="least and greatest depth of tumours that it was trained on")
    protocols: list[TrainingProtocol] = Field(description="that it was trained on, a fifth of them held out to calibrate it")
    measured: list[MeasuredProtocol] = Field(description="on other protocols")
    limits: list[str] = Field(description="what is known about where it should not be used")
