"""A learnt prior as a file: numbers that make no prior are refused."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from varproof.formats.json_file import read_json, write_json
from varproof.formats.prior import AllelicBalance, LearntPrior
from varproof.machinery.errors import UserError
from varproof.posterior.learning import starting_prior
from varproof.posterior.teaching import read_prior

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


def test_what_teaches_of_copy_numbers_comes_back_and_is_a_table(tmp_path: Path) -> None:
    balance = AllelicBalance(
        sample="t", mixture=[0.5, 0.5], shares=(0.6, 0.3, 0.1), others=[1.0], contigs=["chr1"],
        contig=[0, 0], position=[5, 9], alternative=[3, 4], depth=[9, 9],
    )  # fmt: skip
    prior = starting_prior("empirical", 1e6, paired=False)
    assert "balance" not in prior.model_dump(by_alias=True)
    write_json(tmp_path / "prior.json", prior.model_copy(update={"balance": balance}))
    assert read_json(tmp_path / "prior.json", LearntPrior).balance == balance
    with pytest.raises(UserError, match="another version"):  # of two nodes, not of those that there are
        read_prior(tmp_path / "prior.json")
    for change in ({"position": [9, 5]}, {"depth": [9]}, {"contig": [0, 1]}, {"alternative": [3, 10]}, {"others": [0.0]}):
        with pytest.raises(ValueError, match="Value error"):
            AllelicBalance.model_validate(balance.model_dump() | change)
