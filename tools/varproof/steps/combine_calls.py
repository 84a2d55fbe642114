"""combine-calls: one calibrated probability from the posterior and the network."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from varproof.machinery.errors import UserError
from varproof.steps.base import Settings
from varproof.steps.people import LABEL_ERROR, label_error_of

if TYPE_CHECKING:
    import numpy as np

    from varproof.formats.stacking import Stacking

logger = logging.getLogger(__name__)


class CombineCallsSettings(Settings):
    """Give each candidate one probability of being somatic, from score-posterior's judgement and the network's.

    How much each of the two counts is learnt from calls that are known to be true or false (--calibration: an earlier
    output of combine-calls), read from a file (--stacking), or one half each. Then the share of real variants is
    estimated in this sample.
    """

    scored: Path = Field(description="calls of score-posterior, or of score-scenario by its model: VCF, VCF.gz or BCF.")
    predicted: Path = Field(description="calls of predict, for the same candidates.")
    output: Path = Field(description="combined VCF to write: .vcf, .vcf.gz, .bcf or -.")
    calibration: Path | None = Field(
        None, description="calls of another sample with both judgements, to learn from; labelled by INFO/LABEL (1 or 0)."
    )
    calibration_truth: Path | None = Field(
        None,
        description="what of --calibration is true, instead of LABEL: VCF of the true variants; or people's labels "
        "(labels.tsv, IGVNav's table, or the VCF of review-calls' page), with --reference.",
    )
    label_error: float | None = Field(None, ge=0, lt=0.5, description=LABEL_ERROR)
    reference: Path | None = Field(None, description="reference FASTA: indels are left-aligned before they are compared.")
    stacking: Path | None = Field(None, description="weights of --save-stacking, instead of --calibration.")
    save_stacking: Path | None = Field(None, description="write the weights that were used (JSON), for --stacking.")
    prior_shift: bool = Field(True, description="estimate the share of real variants in this sample.")

    @model_validator(mode="after")
    def _one_source_of_weights(self) -> "CombineCallsSettings":
        if self.calibration is not None and self.stacking is not None:
            raise ValueError("--calibration learns the weights that --stacking gives; leave one out")
        if self.calibration is None and self.calibration_truth is not None:
            raise ValueError("--calibration-truth needs --calibration")
        return self


def _stacking(options: CombineCallsSettings) -> "Stacking":
    from varproof.formats.json_file import read_json
    from varproof.formats.stacking import Stacking
    from varproof.network.combined_calls import judgements_of, labels_of
    from varproof.network.stacking import learnt_stacking

    people, truth = _labels(options), options.calibration_truth
    if people is None and options.label_error is not None:
        raise UserError("--label-error is of people's labels; give them to --calibration-truth")
    if options.stacking is not None:
        return read_json(options.stacking, Stacking)
    if options.calibration is None:
        logger.info("no --calibration: the combined judgement is the mean of both")
        return Stacking()
    known = judgements_of(options.calibration, options.calibration)
    if people is None:
        return learnt_stacking(known, labels_of(options.calibration, truth, options.reference))
    return learnt_stacking(known, people, label_error_of(options.label_error))


def _labels(options: CombineCallsSettings) -> "np.ndarray | None":
    """People's labels of the alleles of --calibration, int8; None where the truth is another."""
    from varproof.evaluation.labelling import table_labels
    from varproof.formats.labels import is_label_vcf, is_labels, is_vcf

    calls, truth = options.calibration, options.calibration_truth
    if calls is None or truth is None or not is_labels(truth) or (is_vcf(truth) and not is_label_vcf(truth)):
        return None
    if options.reference is None:
        raise UserError(f"--calibration-truth {truth}: labels need --reference, by which alleles are compared")
    return table_labels(calls, truth, options.reference)


def _require_a_pair(scored: Path) -> None:
    """Raise UserError for calls of a scenario, whose events are not what the network judges, whatever they are called."""
    from varproof.formats.scored import scored_scenario
    from varproof.formats.vcf import open_vcf

    with open_vcf(scored) as handle:
        scenario = scored_scenario(handle.header)
    if scenario is not None:
        raise UserError(
            f"{scored} was scored under a scenario ({', '.join(scenario.events)}): the network judges whether an allele is "
            "somatic in a tumour and its normal; give calls of score-posterior, or of the scenario tumor-normal or tumor-only"
        )


def combine_calls(options: CombineCallsSettings) -> None:
    """Both judgements of all alleles; weights; the combined judgement; the records again, to write."""
    import json

    from varproof.formats.json_file import write_json
    from varproof.formats.vcf import VcfWriter, vcf_mode
    from varproof.machinery.output import check_output, provenance
    from varproof.network.combined_calls import combined_header, judgements_of, write_combined
    from varproof.network.stacking import combined

    vcf_mode(options.output)
    if options.save_stacking is not None:
        check_output(options.save_stacking)
    _require_a_pair(options.scored)
    judgements = judgements_of(options.scored, options.predicted)
    stacking = _stacking(options)
    combination = combined(judgements, stacking, options.prior_shift)
    result: dict[str, Any] = {
        "weights": stacking.model_dump(exclude={"schema_"}),
        "share_of_real": {name: float(f"{share:.6g}") for name, share in combination.fraction.items()},
    }
    lines = [
        f"##varproof_combine-calls={provenance('combine-calls', options.model_copy(update={'save_stacking': None}))}",
        f"##varproof_combine-calls_result={json.dumps(result)}",
    ]
    writer = VcfWriter(options.output, combined_header(options.scored, options.predicted, lines))
    by_source, skipped = write_combined(writer, options.scored, options.predicted, judgements, combination.log_odds)
    if options.save_stacking is not None:
        write_json(options.save_stacking, stacking)
    for name, share in combination.fraction.items():
        weights = getattr(stacking, name)
        logger.info(
            "%ss: weight of the posterior %.2f, of the network %.2f; share of real ones %.3g",
            name,
            weights.scored,
            weights.predicted,
            share,
        )
    logger.info(
        "%d alleles judged by both, %d by the posterior only, %d by the network only",
        *(by_source[name] for name in ("both", "scored", "predicted")),
    )
    for reason, number in sorted(skipped.items()):
        logger.info("%d alleles not judged: %s", number, reason)
