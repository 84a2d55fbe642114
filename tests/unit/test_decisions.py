"""Model decisions: frozen, with a reason each, changed by the environment and by nothing else."""

import pytest
from pydantic import ValidationError

from varproof.candidates.decisions import CandidateDecisions
from varproof.copynumber.decisions import CopyNumberDecisions
from varproof.evidence.decisions import EvidenceDecisions
from varproof.machinery.accelerate import kernel_digest
from varproof.machinery.decisions import Decisions, changed_decisions, decided
from varproof.machinery.errors import UserError
from varproof.machinery.output import provenance
from varproof.posterior.clonality_decisions import ClonalityDecisions
from varproof.posterior.decisions import PosteriorDecisions
from varproof.scenario.decisions import ScenarioDecisions

EVIDENCE, POSTERIOR = "VARPROOF_DECISIONS_EVIDENCE", "VARPROOF_DECISIONS_POSTERIOR"
MODELS = pytest.mark.parametrize(
    "model",
    [CandidateDecisions, CopyNumberDecisions, EvidenceDecisions, PosteriorDecisions, ClonalityDecisions, ScenarioDecisions],
)


@MODELS
def test_every_decision_has_its_reason_and_none_can_be_changed(model: type[Decisions]) -> None:
    decisions = model()
    for name, field in model.model_fields.items():
        assert field.description and len(field.description) > 15, name
        with pytest.raises(ValidationError, match="frozen"):
            setattr(decisions, name, getattr(decisions, name))


def test_shares_and_weights_add_up_to_1() -> None:
    posterior = PosteriorDecisions()
    assert sum(posterior.heterozygous_weights) == pytest.approx(1.0)
    assert sum(posterior.indel_length_shares) == pytest.approx(1.0)
    # A read from elsewhere: the base that agrees, and three that don't.
    evidence = EvidenceDecisions()
    assert evidence.garbage_hit + 3 * evidence.garbage_miss == pytest.approx(1.0)


def test_the_environment_changes_what_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POSTERIOR, '{"log_rate_sd": 1}')
    assert decided(PosteriorDecisions, "posterior") == PosteriorDecisions(log_rate_sd=1)
    assert decided(EvidenceDecisions, "evidence") == EvidenceDecisions()
    monkeypatch.setenv(POSTERIOR, "")
    assert decided(PosteriorDecisions, "posterior") == PosteriorDecisions()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"pseudocount": 1}', "pseudocount: extra inputs are not permitted"),
        ('{"log_rate_sd": 0}', "log_rate_sd: input should be greater than 0"),
        ('{"frequency_bins": [0, 0.5, 0.4, 1]}', "value error, frequency_bins and length_bounds must ascend"),
        ('{"indel_length_shares": [1.0]}', "value error, indel_length_shares has one share for each of length_bounds"),
        ("log_rate_sd=1", "invalid json"),
    ],
)
def test_what_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, text: str, told: str) -> None:
    monkeypatch.setenv(POSTERIOR, text)
    with pytest.raises(UserError) as caught:
        decided(PosteriorDecisions, "posterior")
    assert str(caught.value).startswith(f"{POSTERIOR}: {told}")


def test_compiled_code_and_provenance_go_with_the_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EVIDENCE, raising=False)
    monkeypatch.delenv(POSTERIOR, raising=False)
    usual, line = kernel_digest(), provenance("x", EvidenceDecisions())
    assert changed_decisions() == {} and "changed_decisions" not in line
    monkeypatch.setenv(EVIDENCE, '{"window": 32}')
    changed = kernel_digest()
    assert changed != usual
    assert '"changed_decisions": {"evidence": {"window": 32}}' in provenance("x", EvidenceDecisions())
    monkeypatch.setenv(EVIDENCE, '{"window":32 }')
    assert kernel_digest() == changed
    monkeypatch.setenv(EVIDENCE, '{"window": 33}')
    assert kernel_digest() not in (changed, usual)
    # No kernel has this one: what is compiled serves.
    monkeypatch.setenv(EVIDENCE, '{"most_neighbours": 2}')
    assert kernel_digest() == usual
