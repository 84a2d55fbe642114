"""Reads that are consensus of several with one molecular identifier (UMI): how good they are, and their tags."""

import numpy as np
from numpy.typing import NDArray

from varproof.machinery.numerics import exp10
from varproof.simulation.genome import random_bases
from varproof.simulation.reads import Qualities

TEMPLATE_SHARE = 0.45
"""Errors of consensus reads that were in the molecule before its first copy: qualities can't tell them."""

LEVELS = np.array([20, 40, 60, 90], dtype=np.uint8)
_AT_60 = 0.2
_UMI_BP = 8
_READS_PER_STRAND = 3.0


def consensus_qualities(error_rate: float, read_length: int) -> Qualities:
    """Qualities whose told errors are all of `error_rate` but TEMPLATE_SHARE: a fifth of bases at 60, half of the told errors
    each at 20 and 40, all other bases at 90."""
    rest = (1 - TEMPLATE_SHARE) * error_rate - _AT_60 * exp10(-6.0)
    shares = np.array([rest / 2 / exp10(-2.0), rest / 2 / exp10(-4.0), _AT_60])
    return Qualities(LEVELS, np.tile(np.cumsum(shares), (read_length, 1)))


def template_error_rate(error_rate: float) -> float:
    """Errors per base that were in the molecule."""
    return TEMPLATE_SHARE * error_rate


def consensus_tags(pairs: int, first: int, duplex: bool, rng: np.random.Generator) -> list[tuple[str, ...]]:
    """Per pair the SAM tags of its reads, as fgbio writes them: identifier (MI) and bases (RX) of the molecule, most reads of
    which it is a consensus (cD; aD and bD by strand) and how many of their bases differ from it (cE)."""
    strands = 2 if duplex else 1
    depth = 1 + rng.poisson(_READS_PER_STRAND, (pairs, strands))
    wrong = rng.uniform(0, 0.004, pairs)
    letters: NDArray[np.uint8] = random_bases(pairs * _UMI_BP * 2, 0.5, rng)
    text, tags = letters.tobytes().decode(), []
    for pair in range(pairs):
        at = pair * _UMI_BP * 2
        umi = f"{text[at : at + _UMI_BP]}-{text[at + _UMI_BP : at + 2 * _UMI_BP]}"
        own = [f"MI:Z:{first + pair}", f"RX:Z:{umi}", f"cD:i:{depth[pair].sum()}", f"cE:f:{wrong[pair]:.5f}"]
        if duplex:
            own += [f"aD:i:{depth[pair, 0]}", f"bD:i:{depth[pair, 1]}"]
        tags.append(tuple(own))
    return tags
