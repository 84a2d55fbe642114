"""No data is not "absent": reasons instead of probabilities, and what a normal without reads leaves open."""

from dataclasses import replace

import numpy as np
import pytest

from evidence_examples import observed
from varproof.formats.events import EVENTS
from varproof.formats.evidence import COUNT_COLUMNS, Evidence, concatenated
from varproof.posterior.classes import CLASSES
from varproof.posterior.judgeable import judged_without_normal, tumor_only_prior, unjudged_reasons
from varproof.posterior.learning import starting_prior
from varproof.posterior.sampled import Sampled
from varproof.posterior.score import score

SOMATIC, HET = EVENTS.index("SOMATIC_TUMOR"), EVENTS.index("GERMLINE_HET")
SNV = CLASSES.index("snv")


def blind(evidence: Evidence, where: list[int]) -> Evidence:
    """The same without any fragment at some candidates."""
    parts = []
    for i in range(evidence.size):
        one = evidence.rows(np.array([i]))
        if i in where:
            columns = {name: getattr(one, name)[:0] for name in ("log_ratio", "mapq", "strand", "orientation", "count")}
            columns |= {name: getattr(one, name)[:0] for name in ("log_error_ratio", "read_context")}
            columns |= {name: np.zeros(1, np.uint32) for name in COUNT_COLUMNS}
            one = replace(one, offset=np.zeros(2, np.int64), **columns)
        parts.append(one)
    return concatenated(parts)


def test_reasons_come_in_order() -> None:
    """The allele's kind, then the reference, then the tumour's reads; the normal's reads are no reason."""
    rng = np.random.default_rng(1)
    tumor = blind(observed(rng, [0.5] * 4, 30), [1, 2])
    normal = blind(observed(rng, [0.5] * 4, 30), [3])
    tumor.judged[1] = 0
    found = unjudged_reasons(["symbolic_allele", None, None, None], tumor, normal)
    assert found == ["symbolic_allele", "no_reference_sequence", "no_reads", None]
    assert judged_without_normal(tumor, normal).tolist() == [False, False, False, True]
    assert judged_without_normal(tumor, None).tolist() == [False] * 4


def test_reads_that_lie_anywhere_are_none() -> None:
    tumor = observed(np.random.default_rng(1), [0.5], 30)
    tumor.usable[0] = 0
    assert tumor.depth[0] == 30
    assert unjudged_reasons([None], tumor, None) == ["no_reads"]


@pytest.mark.parametrize("fraction", [0.4, 0.5, 0.6])
def test_a_normal_without_reads_does_not_make_a_variant_somatic(fraction: float) -> None:
    """A list of which a caller has taken the germline variants teaches that there are none; where it could not see, there are.

    The same variant is as good as certainly somatic where the normal has reads without it.
    """
    rng = np.random.default_rng(2)
    tumor, seen = observed(rng, [fraction] * 2, 40), observed(rng, [0.0] * 2, 30)
    normal = blind(seen, [1])
    prior = starting_prior("empirical", 1e6)
    rates = {event: list(values) for event, values in prior.rates.items()}
    rates["SOMATIC_TUMOR"][SNV], rates["GERMLINE_HET"][SNV], rates["GERMLINE_HOM"][SNV] = 1e-4, 1e-9, 1e-9
    prior = prior.model_copy(update={"rates": rates})
    sampled = Sampled(tumor, normal, np.full(2, SNV), np.ones(2, bool))
    unseen = judged_without_normal(tumor, normal)
    found = score(sampled.tables(prior), sampled.class_index, prior, 1.0, without_normal=unseen).probability
    assert found[0, SOMATIC] > 0.99
    assert found[1, SOMATIC] < 0.6 and found[1, HET] > 0.4
    careless = score(sampled.tables(prior), sampled.class_index, prior, 1.0).probability
    assert careless[1, SOMATIC] > 0.99


def test_a_prior_that_knows_more_germline_variants_keeps_them() -> None:
    prior = starting_prior("empirical", 1e6)
    more = prior.model_copy(update={"rates": {**prior.rates, "GERMLINE_HET": [0.01] * len(CLASSES)}})
    assert tumor_only_prior(more).rates == more.rates
    assert tumor_only_prior(prior).rates == prior.rates
