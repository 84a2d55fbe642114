"""Classes of artefacts: on which reads each is active, and what its bases look like; each described once.

A new class is an entry here, and a test. What it is active on and looks like that is new, too, is a line in
`likelihood_numba_fns.artefact_log_likelihoods`, and in `reasons` the words for it.
"""

from typing import NamedTuple

import numpy as np

BOTH, FORWARD, REVERSE, FIRST_FORWARD, SECOND_FORWARD = 0, 1, 2, 3, 4
"""Reads that a class is active on: all; forward or reverse ones (the paper's beta); fragments whose first or second read is the
forward one (damage of one strand of the molecule)."""

PLAIN, LIKE_ERRORS, IN_CONTEXT, SAME_PLACE = 0, 1, 2, 3
"""Signatures of bases that a class makes: like any base (damaged molecules, slippage); like sequencing errors; in the read
context that the sample's artefacts are seen in: other mismatches, clips, low mapping qualities (reads from elsewhere); at
one distance from the end of all its reads (ends that fold back on themselves at inverted repeats)."""


class ArtifactClass(NamedTuple):
    """One class of artefacts. `in_paper`: it is among those of 2020, which `--prior flat` has."""

    active_on: int
    signature: int
    in_paper: bool = False


ARTIFACT_TABLE = (
    ArtifactClass(BOTH, LIKE_ERRORS),
    ArtifactClass(FORWARD, LIKE_ERRORS),
    ArtifactClass(REVERSE, LIKE_ERRORS),
    ArtifactClass(BOTH, PLAIN),
    ArtifactClass(FORWARD, PLAIN, in_paper=True),
    ArtifactClass(REVERSE, PLAIN, in_paper=True),
    ArtifactClass(FIRST_FORWARD, PLAIN),
    ArtifactClass(SECOND_FORWARD, PLAIN),
    ArtifactClass(BOTH, IN_CONTEXT),
    ArtifactClass(BOTH, SAME_PLACE),
)
ARTIFACT_CLASSES = len(ARTIFACT_TABLE)
ACTIVE_ON = np.array([item.active_on for item in ARTIFACT_TABLE])
SIGNATURES = np.array([item.signature for item in ARTIFACT_TABLE])
IN_PAPER = np.array([item.in_paper for item in ARTIFACT_TABLE])
