"""Every reason, each on evidence in which nothing else speaks against the allele; by hand, fragment by fragment."""

from dataclasses import replace

import numpy as np
import pytest

from evidence_examples import observed
from varproof.formats.events import EVENTS
from varproof.formats.evidence import READ_CONTEXTS, SIGNATURE_COLUMNS, Evidence
from varproof.formats.prior import LearntPrior
from varproof.posterior.classes import CLASSES
from varproof.posterior.learning import starting_prior
from varproof.posterior.reasons import REASONS, SEPARATOR, reasons, reasons_of_samples
from varproof.posterior.sampled import Sampled
from varproof.posterior.score import score
from varproof.scenario.score import artifact_classes, sample_tables

SNV, DELETION = CLASSES.index("snv"), CLASSES.index("deletion_1")
DEPTH, SUPPORT = 60, 12
PRIOR = starting_prior("empirical", 1e6)
FAR_CONTEXT = 6 * 3 + 2
"""4 to 7 other mismatches, no clip, mapped with certainty."""


def sample(support: int, log_ratio: float = 8.0, **columns: object) -> Evidence:
    """One candidate of DEPTH fragments, the first `support` of them with the allele; both strands and orientations by turns.

    `columns`: of observations, the value of those that support the allele; of candidates, its value.
    """
    evidence = observed(np.random.default_rng(1), [0.0], DEPTH, 0.0)
    evidence.log_ratio[:] = np.where(np.arange(DEPTH) < support, log_ratio, -8.0)
    evidence.strand[:] = 1 + np.arange(DEPTH) % 2
    evidence.orientation[:] = np.arange(DEPTH) // 2 % 2
    for name, value in columns.items():
        getattr(evidence, name)[: support if len(getattr(evidence, name)) == DEPTH else 1] = value
    return evidence


def found(
    tumor: Evidence, normal: Evidence | None, class_index: int = SNV, prior: LearntPrior = PRIOR, near: bool | None = None
) -> tuple[str, str | None]:
    """(most probable event, reason) of the candidate."""
    prior = prior if normal is not None else starting_prior("empirical", 1e6, paired=False)
    data = Sampled(tumor, normal, np.array([class_index]), np.array([class_index == SNV]))
    tables = data.tables(prior)
    marks = None if near is None else np.array([near])
    scores = score(tables, data.class_index, prior, 1.0, marks)
    return EVENTS[int(scores.probability[0].argmax())], reasons(data, tables, scores, prior, marks)[0]


def with_read_contexts(**changes: float) -> LearntPrior:
    """A prior with these ln P(read_context | artefact) / P(read_context | variant), and -1 for all other read_context."""
    read_context = [[-1.0] * READ_CONTEXTS for _ in range(2)]
    for group in read_context:
        for code, value in changes.items():
            group[int(code.removeprefix("code"))] = value
    return PRIOR.model_copy(update={"artifact_contexts": read_context})


def of_samples(event: str, *samples: Evidence, class_index: int = SNV) -> str | None:
    """The reason of a candidate that a scenario of these samples judges to be the event."""
    is_snv = np.array([class_index == SNV])
    by_class = artifact_classes([sample_tables(one, is_snv) for one in samples])
    return reasons_of_samples(samples, is_snv, by_class, np.array([event == "ARTIFACT"]), np.array([event == "ABSENT"]))[0]


@pytest.mark.parametrize("others", [0, 1, 2, 5])
def test_reasons_of_any_samples_are_of_all_their_reads(others: int) -> None:
    """An artefact of one library, one of all samples, and errors of all: as many samples as one likes."""
    rest = [sample(0)] * others
    assert of_samples("ARTIFACT", *rest, sample(SUPPORT, strand=1)) == "strand"
    assert of_samples("ARTIFACT", sample(SUPPORT, orientation=0), *rest) == "read_orientation"
    everywhere = [sample(SUPPORT, same_place=20.0)] * (others + 1)
    assert of_samples("ARTIFACT", *everywhere) == "same_position"
    assert of_samples("ABSENT", *rest, sample(4, mapq=0)) == "mapping"
    for column, reason in zip(SIGNATURE_COLUMNS, ("base_quality", "read_position", "other_mismatches", "mapping"), strict=True):
        assert of_samples("ABSENT", *rest, sample(2, 2.0, **{column: 5.0})) == reason
    slips = sample(6, slip_forward=0.1, slip_back=0.05)
    assert of_samples("ABSENT", *[slips] * (others + 1), class_index=DELETION) == "slippage"
    assert of_samples("ABSENT", sample(0), *rest) == "no_evidence"
    assert of_samples("GERMLINE", *rest, sample(30)) is None


def test_a_somatic_variant_has_nothing_against_it() -> None:
    assert found(sample(SUPPORT), sample(0)) == ("SOMATIC_TUMOR", None)


def test_reads_of_one_strand() -> None:
    assert found(sample(SUPPORT, strand=1), sample(SUPPORT, strand=1)) == ("ARTIFACT", "strand")


def test_fragments_of_one_orientation() -> None:
    assert found(sample(SUPPORT, orientation=0), sample(SUPPORT, orientation=0)) == ("ARTIFACT", "read_orientation")


def test_one_distance_from_the_end_of_all_reads() -> None:
    """With a normal and without; there it could not be told from a somatic variant otherwise."""
    assert found(sample(SUPPORT, same_place=20.0), sample(SUPPORT, same_place=20.0)) == ("ARTIFACT", "same_position")
    assert found(sample(SUPPORT, same_place=20.0), None) == ("ARTIFACT", "same_position")
    assert found(sample(SUPPORT, same_place=-20.0), sample(0)) == ("SOMATIC_TUMOR", None)


def test_the_normal_shows_a_germline_variant() -> None:
    assert found(sample(30), sample(30)) == ("GERMLINE_HET", "seen_in_normal")
    assert found(sample(60), sample(60)) == ("GERMLINE_HOM", "seen_in_normal")


def test_without_a_normal_it_is_germline_by_its_frequency() -> None:
    assert found(sample(30), None) == ("GERMLINE_HET", "germline")


def test_both_samples_show_a_little_of_it() -> None:
    assert found(sample(3), sample(3)) == ("ARTIFACT", "seen_in_normal")


def test_reads_with_other_mismatches() -> None:
    prior = with_read_contexts(code20=3.0)
    assert found(sample(SUPPORT, read_context=FAR_CONTEXT), sample(6, read_context=FAR_CONTEXT), prior=prior) == (
        "ARTIFACT", "other_mismatches",
    )  # fmt: skip


def test_reads_that_may_belong_elsewhere() -> None:
    """Mapping quality under 20 is bin 0, without other mismatches."""
    prior = with_read_contexts(code0=3.0)
    tumor, normal = sample(SUPPORT, read_context=0, mapq=15), sample(6, read_context=0, mapq=15)
    assert found(tumor, normal, prior=prior) == ("ARTIFACT", "mapping")


def test_reads_of_mapping_quality_0_say_nothing() -> None:
    assert found(sample(4, mapq=0), sample(0)) == ("ABSENT", "mapping")


@pytest.mark.parametrize(
    ("column", "reason"),
    list(zip(SIGNATURE_COLUMNS, ("base_quality", "read_position", "other_mismatches", "mapping"), strict=True)),
)
def test_what_looks_like_errors_says_by_which_feature(column: str, reason: str) -> None:
    """Two fragments of weak bases are coincident errors; the feature that errors have is named."""
    assert found(sample(2, 2.0, **{column: 5.0}), sample(0)) == ("ABSENT", reason)


def test_two_features_are_both_named_the_stronger_first() -> None:
    weak = sample(2, 2.0, error_quality=5.0, error_end=6.0, error_mismatches=4.9)
    assert found(weak, sample(0)) == ("ABSENT", "read_position&base_quality")
    assert found(sample(2, 2.0, error_quality=5.0, error_end=20.0), sample(0)) == ("ABSENT", "read_position")


def test_a_repeat_that_slips() -> None:
    """One fragment in ten of the reference loses a unit: six of sixty are what is expected."""
    slips = {"slip_forward": 0.1, "slip_back": 0.05}
    assert found(sample(6, **slips), sample(6, **slips), DELETION) == ("ABSENT", "slippage")


def test_too_few_reads() -> None:
    assert found(sample(0), sample(0)) == ("ABSENT", "no_evidence")
    assert found(sample(1, 4.0), sample(0)) == ("ABSENT", "no_evidence")


def test_another_persons_variant() -> None:
    """One tumour fragment in twenty, both strands, good bases, none in the normal, where persons mix by a tenth."""
    rates = {**PRIOR.rates, "FOREIGN": [1e-3] * len(CLASSES), "SOMATIC_TUMOR": [1e-9] * len(CLASSES)}
    prior = PRIOR.model_copy(update={"other_person_fraction": 0.1, "rates": rates})
    assert found(sample(3), sample(0), prior=prior) == ("ARTIFACT", "contamination")


def test_near_artefacts_one_strand_is_the_edge_of_what_was_copied() -> None:
    """The reads' other mismatches are no likelier among artefacts than among variants, but e-fold likelier than none are: 24
    nats in both samples; 24 reads of one strand are worth some 24 ln 2 = 17."""
    prior = with_read_contexts(code20=0.0)
    tumor, normal = (sample(SUPPORT, strand=1, read_context=FAR_CONTEXT) for _ in range(2))
    assert found(tumor, normal, prior=prior, near=False) == ("ARTIFACT", "strand&other_mismatches")
    assert found(tumor, normal, prior=prior, near=True) == ("ARTIFACT", "other_mismatches&strand")


def test_what_was_not_judged_has_no_reason() -> None:
    tumor = replace(sample(0), judged=np.zeros(1, np.uint8))
    assert found(tumor, sample(0))[1] is None


def test_words_fit_into_info() -> None:
    """No character that VCF gives a meaning in a list of strings."""
    assert all(word.isascii() and word.replace("_", "").isalpha() for word in REASONS)
    assert SEPARATOR not in ",;= \t."
