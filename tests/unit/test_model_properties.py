"""What must hold for any reads: posteriors are probabilities, and do not depend on how reads are written down."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from varproof.formats.events import EVENTS
from varproof.formats.evidence import READ_CONTEXTS, Evidence, concatenated, empty_evidence
from varproof.posterior.artifact_classes import ACTIVE_ON, BOTH
from varproof.posterior.classes import CLASSES
from varproof.posterior.learning import learn_prior, starting_prior
from varproof.posterior.sampled import Sampled
from varproof.posterior.score import Scores, score

ABSENT, SOMATIC = EVENTS.index("ABSENT"), EVENTS.index("SOMATIC_TUMOR")
PRIORS = {kind: starting_prior(kind, 1e6) for kind in ("empirical", "flat")}


def evidence_of(rows: list[tuple[float, int, int, int, float, int, int]], ratio: float = 1.0, slip: float = 1e-6) -> Evidence:
    """One candidate's evidence; rows as in `OBSERVATION_COLUMNS`."""
    blank = empty_evidence(np.array([7], np.uint64))
    log_ratio, mapq, strand, orientation, log_error_ratio, read_context, count = zip(*rows, strict=True) if rows else ([],) * 7
    return replace(
        blank, judged=np.ones(1, np.uint8), depth=np.array([sum(count)], np.uint32), offset=np.array([0, len(rows)], np.int64),
        sampling_ratio=np.array([ratio], np.float32), slip_forward=np.array([slip], np.float32),
        slip_back=np.array([slip], np.float32), log_ratio=np.array(log_ratio, np.float32), mapq=np.array(mapq, np.uint8),
        strand=np.array(strand, np.uint8), orientation=np.array(orientation, np.uint8),
        log_error_ratio=np.array(log_error_ratio, np.float32), read_context=np.array(read_context, np.uint8),
        count=np.array(count, np.uint32),
    )  # fmt: skip


observations = st.tuples(
    st.floats(-700, 700, width=32), st.integers(0, 255), st.integers(0, 3), st.integers(0, 2), st.floats(-6, 6, width=32),
    st.integers(0, READ_CONTEXTS - 1), st.integers(1, 60),
)  # fmt: skip
evidences = st.builds(evidence_of, st.lists(observations, max_size=25), st.floats(0.02, 50), st.floats(0, 0.5))
classes = st.integers(0, len(CLASSES) - 1)


def scores_of(tumor: Evidence, normal: Evidence | None, class_index: int, kind: str, purity: float = 0.7) -> Scores:
    index = np.array([class_index])
    sampled = Sampled(tumor, normal, index, index == 0)
    return score(sampled.tables(PRIORS[kind]), index, PRIORS[kind], purity)


CONTRADICTORY = evidence_of(
    [(0.0, 0, 0, 0, 0.0, 0, 1)] * 3 + [(1.0, mapq, 0, 0, 6.0, 0, n) for mapq, n in ((4, 17), (5, 59), (9, 60))]
)
"""What explains these reads best, by far, is an artefact that the flat prior does not know."""


@settings(max_examples=80, deadline=None)
@example(CONTRADICTORY, None, 0, "flat", 1.0)
@given(evidences, st.none() | evidences, classes, st.sampled_from(sorted(PRIORS)), st.floats(0.01, 1.0))
def test_posteriors_are_probabilities_of_any_evidence(
    tumor: Evidence, normal: Evidence | None, class_index: int, kind: str, purity: float
) -> None:
    scores = scores_of(tumor, normal, class_index, kind, purity)
    assert scores.probability.min() >= 0
    assert scores.probability.sum() == pytest.approx(1, abs=1e-9)
    assert np.isfinite(scores.tumor_density).all() and 0 <= scores.tumor_frequency[0] <= 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(evidences, classes), min_size=1, max_size=6), st.booleans(), st.floats(0.01, 1.0))
def test_a_prior_learnt_from_any_evidence_is_one(parts: list[tuple[Evidence, int]], paired: bool, purity: float) -> None:
    tumor = concatenated([part for part, _ in parts])
    index = np.array([one for _, one in parts])
    prior = learn_prior(Sampled(tumor, tumor if paired else None, index, index == 0), 1e5, purity, None)
    numbers = np.concatenate([np.ravel(values) for values in (*prior.rates.values(), prior.somatic_density,
                                                               *prior.artifact_density, *prior.artifact_contexts)])  # fmt: skip
    assert np.isfinite(numbers).all()
    assert all(0 < rate < 1 for values in prior.rates.values() for rate in values)


@settings(max_examples=40, deadline=None)
@given(st.lists(observations, min_size=2, max_size=20), st.randoms(use_true_random=False), st.sampled_from(sorted(PRIORS)))
def test_the_order_of_reads_does_not_matter(rows: list, chance, kind: str) -> None:
    shuffled = chance.sample(rows, len(rows))
    one, other = (scores_of(evidence_of(item), None, 0, kind).probability for item in (rows, shuffled))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(observations, max_size=20), st.lists(observations, max_size=20), st.sampled_from(sorted(PRIORS)))
def test_strands_may_be_swapped(tumor: list, normal: list, kind: str) -> None:
    """Reading the other strand of everything: forward is reverse, and the first read's orientation turns round."""

    def swapped(rows: list) -> list:
        return [(*row[:2], (0, 2, 1, 3)[row[2]], (1, 0, 2)[row[3]], *row[4:]) for row in rows]

    one = scores_of(evidence_of(tumor), evidence_of(normal), 0, kind).probability
    other = scores_of(evidence_of(swapped(tumor)), evidence_of(swapped(normal)), 0, kind).probability
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(observations, max_size=12), st.lists(observations, max_size=12), st.sampled_from(sorted(PRIORS)))
def test_a_sample_may_be_split(first: list, second: list, kind: str) -> None:
    """Likelihoods of two files' reads multiply to that of one file's; not of artefacts of one kind of reads.

    Whether these can be told depends on what kinds of reads there are.
    """
    index = np.zeros(1, np.int64)
    parts = [Sampled(evidence_of(rows), None, index, index == 0).tables(PRIORS[kind]) for rows in (first, second)]
    whole = Sampled(evidence_of(first + second), None, index, index == 0).tables(PRIORS[kind])
    np.testing.assert_allclose(parts[0].tumor + parts[1].tumor, whole.tumor, rtol=1e-9, atol=1e-6)
    everywhere = ACTIVE_ON == BOTH
    added = (parts[0].artifact + parts[1].artifact)[:, everywhere]
    np.testing.assert_allclose(added, whole.artifact[:, everywhere], rtol=1e-9, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 25), st.integers(0, 40), st.integers(0, 40), st.floats(1, 15), st.integers(20, 60), classes,
    st.sampled_from(sorted(PRIORS)),
)  # fmt: skip
def test_more_supporting_reads_never_make_it_less_likely(
    supporting: int, against: int, in_normal: int, ratio: float, mapq: int, class_index: int, kind: str
) -> None:
    """One more pair of reads, one on each strand, that support the allele: it is no less likely to be there."""

    def absent(pairs: int) -> float:
        rows = [(ratio, mapq, 1, 0, 0.0, 0, pairs), (ratio, mapq, 2, 1, 0.0, 0, pairs), (-9.0, 60, 3, 0, 0.0, 0, against)]
        rows = [row for row in rows if row[-1]]
        normal = evidence_of([(-9.0, 60, 3, 0, 0.0, 0, in_normal)] if in_normal else [])
        return scores_of(evidence_of(rows), normal, class_index, kind).probability[0, ABSENT]

    assert absent(supporting + 1) <= absent(supporting) + 1e-9


@settings(max_examples=30, deadline=None)
@given(st.lists(evidences, min_size=1, max_size=6))
def test_candidates_do_not_see_each_other(parts: list[Evidence]) -> None:
    index = np.zeros(len(parts), np.int64)
    together = Sampled(concatenated(parts), None, index, index == 0).tables(PRIORS["empirical"])
    for i, part in enumerate(parts):
        alone = Sampled(part, None, index[:1], index[:1] == 0).tables(PRIORS["empirical"])
        np.testing.assert_array_equal(together.tumor[i], alone.tumor[0])
        np.testing.assert_array_equal(together.artifact[i], alone.artifact[0])
