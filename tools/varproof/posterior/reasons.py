"""Why a call is not somatic: per allele, what in the reads spoke against it, in the words of the field.

The most probable event tells where to look. Of germline variants it is the normal, or, without one, that they are seen as
often as these; with segments, whether clonal somatic ones would be, too. Of artefacts it is the class that explains
the reads best; where a class looks at several features of a read at once, the feature that speaks loudest. Of absent alleles
it is what makes their reads look like errors, or like reads of the reference that slipped. What speaks is measured in nats:
how much likelier the feature is if the allele is none.
"""

from collections.abc import Sequence

import numpy as np

from varproof.formats.events import EVENTS
from varproof.formats.evidence import READ_CONTEXTS, SIGNATURE_COLUMNS, Evidence
from varproof.formats.prior import LearntPrior
from varproof.machinery.numerics_numba_fns import exp_of
from varproof.posterior.artifact_classes import (
    ACTIVE_ON,
    BOTH,
    FIRST_FORWARD,
    FORWARD,
    IN_CONTEXT,
    LIKE_ERRORS,
    PLAIN,
    REVERSE,
    SAME_PLACE,
    SECOND_FORWARD,
    SIGNATURES,
)
from varproof.posterior.components import (
    SAME_RATE,
    Tables,
    at_fraction,
    balanced_log_likelihood,
    possible_artifacts,
    spurious_rates,
)
from varproof.posterior.copy_decisions import DECISIONS as COPY_DECISIONS
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.sampled import Sampled, context_ratios
from varproof.posterior.score import Scores

STRAND, READ_ORIENTATION, READ_POSITION, BASE_QUALITY = "strand", "read_orientation", "read_position", "base_quality"
MAPPING, OTHER_MISMATCHES, SLIPPAGE, CONTAMINATION = "mapping", "other_mismatches", "slippage", "contamination"
SAME_POSITION, CROWDED = "same_position", "crowded"
SEEN_IN_NORMAL, GERMLINE, NO_EVIDENCE = "seen_in_normal", "germline", "no_evidence"
GERMLINE_OR_SOMATIC = "germline_or_somatic"

REASONS = {
    STRAND: "only reads of one strand show it",
    READ_ORIENTATION: "only fragments whose first read has one direction show it",
    READ_POSITION: "it lies near the ends of reads",
    BASE_QUALITY: "its bases have poor quality",
    MAPPING: "its reads may belong elsewhere",
    OTHER_MISMATCHES: "its reads have other mismatches",
    SAME_POSITION: "it lies at one distance from the end of all its reads, as in hairpins",
    CROWDED: "too many variants lie on its reads or beside it, as where the reference lacks a copy of the place",
    SLIPPAGE: "the polymerase slips in this repeat",
    CONTAMINATION: "another person's variant",
    SEEN_IN_NORMAL: "the normal shows it",
    GERMLINE: "the tumour shows it as often as a germline variant",
    GERMLINE_OR_SOMATIC: "germline and clonal somatic variants are seen as often at its copy number: it can't be told",
    NO_EVIDENCE: "too few reads show it",
}
"""Reason -> what it says."""

SEPARATOR = "&"
"""Between reasons of one allele: it has no meaning in INFO."""

NATS_STEP = 1e-6
"""Gains are rounded to this, so that no rounding error decides between two."""

_OF_READS = (BASE_QUALITY, READ_POSITION, OTHER_MISMATCHES, MAPPING)
_OF_ABSENT = (*_OF_READS, SLIPPAGE)
_FROM_ELSEWHERE = (OTHER_MISMATCHES, MAPPING)
_ON_SOME_READS, _ACCOMPANIED, _ERRORS, _AT_ONE_PLACE, _ON_ALL_READS, _OTHER_PERSON = range(6)
_OF_KIND = {
    _ON_SOME_READS: (STRAND, READ_ORIENTATION),
    _ACCOMPANIED: (*_FROM_ELSEWHERE, SLIPPAGE, CROWDED),
    _AT_ONE_PLACE: (SAME_POSITION,),
    _ON_ALL_READS: (SEEN_IN_NORMAL, SLIPPAGE),
}
_FURTHER = (SAME_POSITION, STRAND, READ_ORIENTATION, *_FROM_ELSEWHERE, SLIPPAGE)

Gains = dict[str, np.ndarray]
"""Reason -> nats (n,) with which it speaks against each allele."""


def reasons(
    data: Sampled, tables: Tables, scores: Scores, prior: LearntPrior, near_artifact: np.ndarray | None = None
) -> list[str | None]:
    """Why each of n alleles is not somatic: of REASONS, the strongest first, joined by SEPARATOR.

    None where SOMATIC_TUMOR is the most probable event, and where an allele was not judged. `tables`, `scores`: of `data` under
    `prior`; `near_artifact` (n,) as for `score`.
    """
    n = len(data.class_index)
    of_errors, of_artifacts = _gains(data, tables, prior)
    event = np.argmax(scores.probability, axis=1)
    kind = np.argmax(_kinds_of_artifacts(scores.artifact), axis=1)
    near = np.zeros(n, bool) if near_artifact is None else near_artifact
    judged = data.tumor.judged > 0
    alike = _is_either(data, tables)
    found: list[str | None] = []
    for i in range(n):
        name = EVENTS[event[i]]
        if not judged[i] or name == "SOMATIC_TUMOR":
            found.append(None)
        elif name == "ABSENT":
            found.append(_joined(of_errors, i, _OF_ABSENT, _OF_ABSENT))
        elif name != "ARTIFACT":
            alone = GERMLINE_OR_SOMATIC if alike[i] else GERMLINE
            found.append(SEEN_IN_NORMAL if of_artifacts[SEEN_IN_NORMAL][i] > 0.0 else alone)
        elif kind[i] == _OTHER_PERSON:
            found.append(CONTAMINATION)
        elif kind[i] == _ERRORS and _audible(of_errors, i, _OF_READS):
            found.append(_joined(of_errors, i, _OF_READS, _OF_READS))
        else:
            choices = _OF_KIND.get(int(kind[i]), ())
            if kind[i] == _ACCOMPANIED and tables.crowd is not None and not _audible(of_artifacts, i, choices):
                found.append(CROWDED)
                continue
            if kind[i] != _ON_SOME_READS and not _audible(of_artifacts, i, choices):
                choices = _OF_KIND[_ON_ALL_READS]
            found.append(_of_place(of_artifacts, i, choices, bool(near[i])))
    return found


def reasons_of_samples(
    samples: Sequence[Evidence], is_snv: np.ndarray, by_class: np.ndarray, is_artifact: np.ndarray, is_absent: np.ndarray
) -> list[str | None]:
    """Why each of n alleles is in none of some samples, whoever they are: as `reasons`, of what all of their reads say.

    `by_class` (n, ARTIFACT_CLASSES): log-likelihood of an artefact of each class at its best rate; `is_artifact`, `is_absent`
    (n,): what alleles are judged to be. What needs a normal, a background or another person has no part in it. None of alleles
    that are neither, and of artefacts of which only their rates tell.
    """
    n = len(is_snv)
    of_errors, of_artifacts = _gains_of(samples, is_snv, np.zeros((n, READ_CONTEXTS)), by_class)
    possible = possible_artifacts(paired=False)[:, SAME_RATE].any(axis=1)
    weight = exp_of(by_class - by_class[:, possible].max(axis=1, keepdims=True)) * possible
    kind = np.argmax(_kinds_of_artifacts(np.concatenate([weight, np.zeros((n, 1))], axis=1)), axis=1)
    found: list[str | None] = []
    for i in range(n):
        if is_absent[i]:
            found.append(_joined(of_errors, i, _OF_ABSENT, _OF_ABSENT))
        elif not is_artifact[i]:
            found.append(None)
        elif kind[i] == _ERRORS and _audible(of_errors, i, _OF_READS):
            found.append(_joined(of_errors, i, _OF_READS, _OF_READS))
        else:
            choices = tuple(name for name in _OF_KIND.get(int(kind[i]), ()) if name in of_artifacts)
            if kind[i] != _ON_SOME_READS and not _audible(of_artifacts, i, choices):
                choices = _FURTHER
            heard = kind[i] == _ON_SOME_READS or _audible(of_artifacts, i, choices)
            found.append(_joined(of_artifacts, i, choices, _FURTHER) if heard else None)
    return found


def _is_either(data: Sampled, tables: Tables) -> np.ndarray:
    """bool (n,): whether a clonal somatic variant explains the tumour as well as a germline one, by the segment's numbers."""
    out = np.zeros(len(data.class_index), bool)
    if data.copies is None or tables.normal is not None:
        return out
    fractions = data.copies.clonal_fractions
    rows = np.flatnonzero(~np.isnan(fractions[:, 0]))
    if not len(rows):
        return out
    known = tables.chosen(rows)
    germline = np.maximum(balanced_log_likelihood(known, data.copies.balance[rows]), known.tumor[:, -1])
    somatic = np.full(len(rows), -np.inf)
    for column in fractions[rows].T:
        for value in np.unique(column[~np.isnan(column)]).tolist():
            fits = np.flatnonzero(column == value)
            found = at_fraction(known.tumor[fits], np.array([value]))[:, 0]
            somatic[fits] = np.maximum(somatic[fits], found)
    out[rows] = somatic > germline - COPY_DECISIONS.indistinct
    return out


def _audible(gains: Gains, i: int, choices: tuple[str, ...]) -> bool:
    return any(gains[name][i] >= DECISIONS.audible for name in choices)


def _of_place(gains: Gains, i: int, choices: tuple[str, ...], near: bool) -> str:
    """Reasons of an artefact of this place.

    Where others are near, reads come from elsewhere, if they look like it: at the edges of what they were copied from they have
    one strand, but not one orientation.
    """
    loudest = max(choices, key=lambda name: gains[name][i])
    elsewhere = max(gains[name][i] for name in _FROM_ELSEWHERE)
    hidden = loudest == SEEN_IN_NORMAL or (loudest == STRAND and elsewhere >= gains[STRAND][i])
    if near and hidden and elsewhere >= DECISIONS.convincing_reason:
        return _joined(gains, i, _FROM_ELSEWHERE, (*choices, *_FURTHER))
    return _joined(gains, i, choices, _FURTHER)


def _joined(gains: Gains, i: int, choices: tuple[str, ...], further: tuple[str, ...]) -> str:
    """The loudest of `choices` against allele i, and what else of `further` speaks convincingly."""
    first = max(choices, key=lambda name: gains[name][i])
    heard = gains[first][i]
    if heard < DECISIONS.audible and choices != _OF_KIND[_ON_SOME_READS]:
        return NO_EVIDENCE
    least = max(DECISIONS.convincing_reason, 0.5 * heard)
    others = [name for name in dict.fromkeys(further) if name != first and gains[name][i] >= least]
    others.sort(key=lambda name: -gains[name][i])
    return SEPARATOR.join([first, *others[: DECISIONS.most_reasons - 1]])


def _kinds_of_artifacts(artifact: np.ndarray) -> np.ndarray:
    """(n, 6) of the posteriors of classes (n, ARTIFACT_CLASSES + 1), by what a class says of its reads."""
    kind = np.select(
        [ACTIVE_ON != BOTH, SIGNATURES == IN_CONTEXT, SIGNATURES == LIKE_ERRORS, SIGNATURES == SAME_PLACE],
        [_ON_SOME_READS, _ACCOMPANIED, _ERRORS, _AT_ONE_PLACE],
        _ON_ALL_READS,
    )
    belongs = np.append(kind, _OTHER_PERSON)[None, :] == np.arange(6)[:, None]
    return np.stack([artifact[:, row].sum(axis=1) for row in belongs], axis=1)


def _gains(data: Sampled, tables: Tables, prior: LearntPrior) -> tuple[Gains, Gains]:
    """What speaks for coincident errors, and what for an artefact of this place."""
    n = len(data.class_index)
    samples = [one for one in (data.tumor, data.normal) if one is not None]
    by_class = tables.artifact[:, :, SAME_RATE].max(axis=2)
    of_errors, of_artifacts = _gains_of(samples, data.is_snv, context_ratios(prior, data.class_index), by_class)
    crowded = np.zeros(n) if tables.crowd is None else tables.crowd.copies
    in_normal = np.zeros(n) if tables.normal is None else tables.normal.max(axis=1) - tables.normal[:, 0]
    return of_errors, of_artifacts | _rounded({CROWDED: crowded, SEEN_IN_NORMAL: in_normal})


def _rounded(gains: Gains) -> Gains:
    return {name: np.round(values / NATS_STEP) * NATS_STEP for name, values in gains.items()}


def _gains_of(
    samples: Sequence[Evidence], is_snv: np.ndarray, read_context: np.ndarray, by_class: np.ndarray
) -> tuple[Gains, Gains]:
    """What the reads of samples say for coincident errors, and for an artefact of this place; `by_class`: at its best rate."""
    from varproof.posterior.reasons_numba_fns import IN_MAPPING, IN_MISMATCHES, MISMAPPED, SLIPPING, lost_support

    n, spurious = len(is_snv), spurious_rates(is_snv)
    lost, looks, same_place = np.zeros((n, 4)), np.zeros((n, len(SIGNATURE_COLUMNS))), np.zeros(n)
    for one in samples:
        lost += lost_support(
            one.offset,
            one.log_ratio,
            one.mapq,
            one.strand,
            one.read_context,
            one.count,
            one.slip_forward,
            spurious,
            read_context,
        )
        looks += np.stack([getattr(one, name) for name in SIGNATURE_COLUMNS], axis=1)
        same_place += one.same_place
    best = np.where(SIGNATURES == PLAIN, by_class, -np.inf)
    on_all_reads = best[:, ACTIVE_ON == BOTH].max(axis=1)

    def on(*reads: int) -> np.ndarray:
        return best[:, np.isin(ACTIVE_ON, reads)].max(axis=1) - on_all_reads

    of_errors = {
        BASE_QUALITY: looks[:, 0],
        READ_POSITION: looks[:, 1],
        OTHER_MISMATCHES: looks[:, 2],
        MAPPING: np.maximum(looks[:, 3], lost[:, MISMAPPED]),
        SLIPPAGE: lost[:, SLIPPING],
    }
    of_artifacts = {
        STRAND: on(FORWARD, REVERSE),
        READ_ORIENTATION: on(FIRST_FORWARD, SECOND_FORWARD),
        SAME_POSITION: same_place,
        OTHER_MISMATCHES: lost[:, IN_MISMATCHES],
        MAPPING: np.maximum(lost[:, IN_MAPPING], lost[:, MISMAPPED]),
        SLIPPAGE: lost[:, SLIPPING],
    }
    return _rounded(of_errors), _rounded(of_artifacts)
