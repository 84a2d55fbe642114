"""Right and wrong judgements, and groups of candidates -> whether the network is better or worse at any of the groups.

The paper's test: given the overall accuracy, the number of right judgements in a group is binomial; two-sided, Bonferroni
over all tests. Groups are bases, pairs of bases, annotated mutation classes, allele frequencies and variant types.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from varproof.formats.tensors import (
    ALT_BASE,
    BASE_A,
    BASE_T,
    FLAGS,
    REF_BASE,
    SUPPORTS_ALT,
    SUPPORTS_REF,
    TYPE,
    PackedTensors,
)
from varproof.formats.training import Subgroup
from varproof.variants.edit import TYPES, VariantType

SIGNIFICANCE = 0.05
VAF_EDGES = (0.05, 0.1, 0.2, 0.3, 0.5)
_LETTERS = {code: letter for code, letter in zip(range(BASE_A, BASE_T + 1), "ACGT", strict=True)}
_VAF_NAMES = (
    f"below {VAF_EDGES[0]:g}",
    *(f"{low:g} to {high:g}" for low, high in pairwise(VAF_EDGES)),
    f"{VAF_EDGES[-1]:g} and more",
)


def tumor_allele_fraction(tensors: PackedTensors) -> np.ndarray:
    """Share of the tumour track's informative reads that carry the alternative allele, float64 (n,); NaN without any."""
    track = tensors.settings.tracks.index("tumor") if "tumor" in tensors.settings.tracks else 0
    flags = tensors.rows[:, FLAGS]
    pile = np.repeat(np.arange(tensors.size * tensors.tracks), np.diff(tensors.row_offset))
    piles = tensors.size * tensors.tracks
    alternative, reference = (
        np.bincount(pile[flags & bit != 0], minlength=piles).reshape(tensors.size, -1)[:, track]
        for bit in (SUPPORTS_ALT, SUPPORTS_REF)
    )
    with np.errstate(invalid="ignore"):
        return alternative / (alternative + reference)


def groupings(tensors: PackedTensors) -> dict[str, np.ndarray]:
    """By grouping the name of each candidate's group, str objects (n,); "" belongs to none.

    Bases are of SNVs only. Chunks of one list can be concatenated grouping by grouping.
    """
    codes = tensors.allele_code
    snv = codes[:, TYPE] == TYPES.index(VariantType.SNV)
    reference, alternative = (
        np.array(
            [_LETTERS.get(int(code), "") if is_snv else "" for code, is_snv in zip(codes[:, column], snv, strict=True)], object
        )
        for column in (REF_BASE, ALT_BASE)
    )
    pair = np.array([f"{a}>{b}" if a and b else "" for a, b in zip(reference, alternative, strict=True)], object)
    fraction = tumor_allele_fraction(tensors)
    vaf = np.array(_VAF_NAMES, object)[np.digitize(fraction, VAF_EDGES)]
    vaf[np.isnan(fraction)] = ""
    return {
        "reference base": reference,
        "alternative base": alternative,
        "pair": pair,
        "mutation class": tensors.mutation_class.astype(object),
        "VAF": vaf,
        "variant type": np.array([TYPES[code].value for code in codes[:, TYPE]], object),
    }


def subgroup_tests(correct: Any, groups: Mapping[str, np.ndarray]) -> list[Subgroup]:
    """Tests of every group of every grouping, in the groupings' order and then by name (VAF ascending).

    correct: whether each judgement is right, bool (n,). groups: as `groupings` gives them. A grouping with fewer than two
    groups says nothing and is left out.
    """
    from scipy.stats import binomtest

    correct = np.asarray(correct, bool)
    overall = float(correct.mean()) if len(correct) else 0.0
    tested = []
    for grouping, names in groups.items():
        present = sorted({name for name in names if name}, key=_order)
        if len(present) < 2:
            continue
        for group in present:
            inside = correct[names == group]
            n, right = len(inside), int(inside.sum())
            tested.append((grouping, group, n, right, float(binomtest(right, n, overall).pvalue)))
    return [
        Subgroup(
            grouping=grouping,
            group=group,
            n=n,
            correct=right,
            accuracy=right / n,
            p=p,
            p_bonferroni=min(1.0, p * len(tested)),
            significant=p * len(tested) < SIGNIFICANCE,
        )
        for grouping, group, n, right, p in tested
    ]


def _order(group: str) -> tuple[int, str]:
    return (_VAF_NAMES.index(group) if group in _VAF_NAMES else 0, group)
