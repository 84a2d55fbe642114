"""PHRED of probabilities: there and back, capped, and nothing at all for what is no number."""

import math

import pytest

from varproof.formats.vcf import MAX_PHRED, from_phred, to_phred


@pytest.mark.parametrize(
    ("probability", "phred"), [(1.0, 0.0), (0.1, 10.0), (0.5, 3.0103), (0.0, MAX_PHRED), (1e-300, MAX_PHRED)]
)
def test_there_and_back(probability: float, phred: float) -> None:
    assert to_phred(probability) == phred
    assert from_phred(phred) == pytest.approx(probability, rel=1e-5, abs=1e-29)


@pytest.mark.parametrize("nothing", [math.nan, float("-nan")])
def test_what_is_no_number_is_not_certain(nothing: float) -> None:
    with pytest.raises(ValueError, match="not a number"):
        to_phred(nothing)
