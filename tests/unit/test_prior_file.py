"""A learnt prior as a file: numbers that make no prior are refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from varproof.formats.prior import LearntPrior

PRIOR: dict[str, Any] = {
    "kind": "empirical",
    "territory": 1e6,
    "classes": ["snv"],
    "rates": {"SOMATIC_TUMOR": [0.1], "ABSENT": [0.8]},
    "frequency_bins": [0.0, 0.5, 1.0],
    "somatic_density": [1.0, 1.0],
    "normal_density": [1.0],
    "germline_changes": [1.0],
    "artifact_rates": [0.1],
    "artifact_ratios": [1.0],
    "artifact_density": [[[[1.0]]]],
    "spectra": {"somatic": [1.0]},
    "artifact_company": [[0.0]],
}


def test_a_prior_is_taken() -> None:
    assert LearntPrior(**PRIOR).rates["ABSENT"] == [0.8]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frequency_bins": [0.0, 0.5, 0.5]}, "frequency_bins must ascend"),
        ({"somatic_density": [0.0, 0.0]}, "densities must not be zero everywhere"),
        ({"normal_density": [0.0]}, "densities must not be zero everywhere"),
        ({"germline_changes": [0.0]}, "densities must not be zero everywhere"),
        ({"artifact_density": [[[[1.0]]], [[[0.0]]]]}, "densities must not be zero everywhere"),
        ({"rates": {"SOMATIC_TUMOR": [0.1], "ABSENT": [0.9]}}, "must sum to less than 1"),
    ],
)
def test_what_makes_no_prior_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        LearntPrior(**(PRIOR | change))
