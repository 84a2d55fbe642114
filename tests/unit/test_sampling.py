"""The sampling ratio against fragments drawn from two haplotypes and looked at one by one.

A read is informative if it differs from the other haplotype however it is anchored, left or right; a fragment if one of its
reads is, or, to the extent that the two lengths can be told apart, if it spans the variant. It counts if the aligner can
place one of its reads.
"""

import random

import numpy as np
import pytest
from scipy.stats import norm

from evidence_examples import plain_sequence
from varproof.evidence.sampling_numba_fns import sampling_ratio

READ, MEAN, SD, CUT = 100, 350.0, 40.0, 140
FLANK = 900


def differs(own: str, other: str, start: int, change: int) -> bool:
    """Whether own[start:start + READ] is not in the other haplotype, by the distance from either end."""
    read = own[start : start + READ]
    return read != other[start : start + READ] and read != other[start + change : start + change + READ]


def mapped(start: int, inside: tuple[int, int], needed: int) -> bool:
    """Whether enough of a read lies on one side of an insertion; always if nothing is needed or it doesn't touch it."""
    low, high = inside
    if not needed or low == high or start >= high or start + READ <= low:
        return True
    return max(low - start, start + READ - high) >= needed


def shared(one: str, two: str) -> int:
    """Bases that both begin with."""
    return next(i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b)


def ambiguous_interval(own: str, other: str) -> tuple[int, int]:
    """Where on `own` an equivalent record could place the difference: between what both share on the left and on the right."""
    short = min(own, other, key=len)
    prefix, suffix = shared(own, other), shared(own[::-1], other[::-1])
    return len(short) - suffix, prefix + len(own) - len(short)


def informative(own: str, other: str, inserted: tuple[int, int], needed: int, lengths: np.ndarray, paired: bool) -> float:
    """Mean number of informative fragments of a haplotype, by all starts for each of some lengths."""
    change = len(other) - len(own)
    told = np.array([differs(own, other, i, change) for i in range(len(own) - READ)])
    placed = np.array([mapped(i, inserted, needed) for i in range(len(own) - READ)])
    first, last = ambiguous_interval(own, other)
    separation = 2 * norm.cdf(abs(change) / (2 * SD)) - 1 if paired and abs(change) >= SD else 0.0
    total = 0.0
    for length in lengths:
        starts = np.arange(0, len(own) - length - 1) if paired else np.arange(0, len(own) - READ)
        left, right = starts, starts + (length - READ if paired else 0)
        visible = placed[left] | placed[right]
        by_read = told[left] | told[right]
        spans = (starts < first) & (starts + length > last)
        total += (visible & by_read).sum() + separation * (visible & ~by_read & spans).sum()
    return total / len(lengths)


def simulated_ratio(reference: str, variant: str, inserted_length: int, needed: int, paired: bool = True) -> float:
    rng = np.random.default_rng(1)
    lengths = np.maximum(READ, rng.normal(MEAN, SD, 60)).astype(int) if paired else np.array([READ])
    inside = (FLANK, FLANK + inserted_length)
    of_variant = informative(variant, reference, inside, needed, lengths, paired)
    return of_variant / informative(reference, variant, (0, 0), 0, lengths, paired)


def computed(reference_length: int, alternative_length: int, shift: int, needed: int = 0, paired: bool = True) -> float:
    sd = SD if paired else 0.0
    mean = MEAN if paired else 0.0
    return sampling_ratio(READ, mean, sd, reference_length, alternative_length, shift, needed, CUT)


def flanked(middle: str) -> str:
    return plain_sequence(FLANK, seed=3) + middle + plain_sequence(FLANK, seed=4)


def shift_of(reference: str, variant: str) -> int:
    """How many bases the two haplotypes share beyond the left flank: the room that the variant can move in."""
    return shared(reference, variant) - FLANK


@pytest.mark.parametrize("length", [1, 3])
def test_substitutions_have_no_bias(length: int) -> None:
    assert computed(length, length, 0) == computed(length, length, 0, paired=False) == 1.0


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("length", [1, 12, 60, 90, 250])
def test_deletions(length: int, paired: bool) -> None:
    """The deleted copy has one junction to show, the whole one two ends and an inside."""
    reference, variant = flanked(plain_sequence(length, seed=5)), flanked("")
    expected = simulated_ratio(reference, variant, 0, 0, paired)
    assert computed(length, 0, shift_of(reference, variant), paired=paired) == pytest.approx(expected, rel=0.05)
    if length >= 60:
        assert expected < 0.8


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(("length", "needed"), [(1, 0), (12, 0), (60, 0), (60, 40), (150, 40), (250, 40)])
def test_insertions(length: int, needed: int, paired: bool) -> None:
    """Short ones show on more reads than their absence; of long ones some reads can't be placed."""
    reference, variant = flanked(""), flanked(plain_sequence(length, seed=5))
    expected = simulated_ratio(reference, variant, length, needed, paired)
    assert computed(0, length, shift_of(reference, variant), needed, paired) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("length", [5, 20, 60, 150])
def test_tandem_duplications(length: int) -> None:
    """A read must span both copies to tell two from one, so the longer the unit, the fewer can."""
    unit = plain_sequence(length, seed=6)
    reference, variant = flanked(unit), flanked(unit + unit)
    expected = simulated_ratio(reference, variant, 0, 0)
    shift = shift_of(reference, variant)
    assert shift >= length
    assert computed(0, length, shift) == pytest.approx(expected, rel=0.05)


def test_homopolymer_tracts() -> None:
    """One A less of 20: only reads that span the tract tell, about as many of either haplotype."""
    reference, variant = flanked("A" * 20), flanked("A" * 19)
    expected = simulated_ratio(reference, variant, 0, 0)
    assert computed(1, 0, shift_of(reference, variant)) == pytest.approx(expected, rel=0.03)


def test_what_the_aligner_needs_only_takes_away() -> None:
    ratios = [computed(0, 200, 0, needed) for needed in (0, 20, 40, 60, 80)]
    assert ratios == sorted(ratios, reverse=True) and ratios[-1] < ratios[0]


def test_the_ratio_is_bounded() -> None:
    rng = random.Random(8)
    for _ in range(60):
        reference_length, alternative_length = rng.choice([0, 5, 3000]), rng.choice([0, 4, 3000])
        value = computed(
            reference_length, alternative_length, rng.choice([0, 30, 3000]), rng.choice([0, 60]), rng.random() < 0.5
        )
        assert 0.05 <= value <= 20.0
