"""tree.json: a grown classification tree as plain arrays, to judge candidates of other runs with."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

LEAF = -1


class QualityTree(BaseModel):
    """A binary tree of m nodes, the root first: a candidate goes left where feature <= threshold, else right.

    Children come after their parent; a leaf has feature, left and right -1. Features are 32-bit numbers.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True, allow_inf_nan=False)

    schema_: Literal["varproof/tree/1"] = Field("varproof/tree/1", alias="schema")
    features: list[str] = Field(description="names of the features, in the order that `feature` counts in")
    feature: list[int] = Field(description="feature that a node asks for")
    threshold: list[float] = Field(description="where it divides")
    left: list[int] = Field(description="node of those at or under the threshold")
    right: list[int] = Field(description="node of those over it")
    known: list[float] = Field(description="share of known sites among the candidates that came through a node")
    candidates: list[int] = Field(description="how many of the candidates that it was grown from came through a node")
    provenance: str = Field("", description="what it was made from")

    @model_validator(mode="after")
    def _is_a_tree(self) -> "QualityTree":
        size = len(self.feature)
        columns = (self.threshold, self.left, self.right, self.known, self.candidates)
        if not size or any(len(column) != size for column in columns):
            raise ValueError("not a tree: its arrays have different lengths, or none")
        for node, (feature, left, right) in enumerate(zip(self.feature, self.left, self.right, strict=True)):
            if feature == left == right == LEAF:
                continue
            if not (0 <= feature < len(self.features) and node < left < size and node < right < size):
                raise ValueError(f"not a tree: node {node} points outside of it, or back")
        if any(not 0 <= share <= 1 for share in self.known) or any(count < 1 for count in self.candidates):
            raise ValueError("not a tree: shares lie within 0 and 1, counts are at least 1")
        return self
