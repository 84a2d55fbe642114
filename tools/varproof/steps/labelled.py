"""score-posterior --calibrate of labels: what people say of the run's candidates, and the map that it teaches."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from varproof import __version__
from varproof.formats.recalibration import LabelSource, Recalibration
from varproof.machinery.errors import UserError
from varproof.steps.people import label_error_of

if TYPE_CHECKING:
    from varproof.formats.labels import Label
    from varproof.formats.prior import LearntPrior
    from varproof.steps.score_posterior import ScorePosteriorSettings

logger = logging.getLogger(__name__)

LEARNT_FROM = {"own": "its own map", "all": "the map of more variants", "none": "no map"}


def labels_of(path: Path, options: "ScorePosteriorSettings") -> "list[Label | None]":
    """What people say of each candidate. Raises UserError where nobody says anything of one that counts."""
    from varproof.evaluation.labelling import judged_candidates

    found = judged_candidates(options.candidates, path, options.reference)
    if not any(label is not None and label.label is not None for label in found):
        raise UserError(f"{path}: no candidate is called somatic, germline or fail; nothing can be calibrated on it")
    return found


def learnt_from_labels(path: Path, options: "ScorePosteriorSettings", prior: "LearntPrior", folder: Path) -> Recalibration:
    """The map that people's labels of this run's candidates teach."""
    import numpy as np

    from varproof.evaluation.label_calibration import labelled_groups
    from varproof.formats.events import SOMATIC
    from varproof.formats.scored import error_probabilities, select_events
    from varproof.formats.vcf import open_vcf, read_records
    from varproof.posterior.decisions import DECISIONS
    from varproof.posterior.recalibration import GROUPS
    from varproof.variants.candidate import candidates_of
    from varproof.variants.edit import VariantType

    said = labels_of(path, options)
    scored = folder / "labelled.vcf.gz"
    logger.info("judging the candidates of %s without calibration", options.candidates)
    _scored_again(options, prior, scored)
    with open_vcf(scored) as handle:
        selection = select_events(scored, handle.header, [SOMATIC])
    kinds = {VariantType.SNV: "snv", VariantType.MNV: "mnv", VariantType.REPLACEMENT: "mnv"}
    errors, groups = [], []
    for record in read_records(scored):
        judged = error_probabilities(record, selection)
        for item in candidates_of(record, 0):
            errors.append(judged[item.allele])
            groups.append(0 if item.skipped is not None else GROUPS.index(kinds.get(item.type, "indel")))
    decided = [i for i, label in enumerate(said) if label is not None and label.label is not None and errors[i] == errors[i]]
    real = np.array([label is not None and label.label == 1 for label in said], bool)[decided]
    told = [label for label in said if label is not None]
    choices = sorted({label.choice for label in told})
    label_error = label_error_of(options.label_error)
    source = LabelSource(
        labels=path.name,
        label_error=label_error,
        real=int(real.sum()),
        not_real=int((~real).sum()),
        ambiguous=sum(label.label is None for label in told),
        choice=choices[0] if len(choices) == 1 else "",
    )
    found = Recalibration(
        version=__version__,
        confidence=DECISIONS.calibration_confidence,
        sources=[source],
        groups=labelled_groups(np.array(errors)[decided], real, np.array(groups)[decided], label_error, prior),
    )
    _tell_labels(found, source)
    return found


def _tell_labels(found: Recalibration, source: LabelSource) -> None:
    for group in found.groups:
        logger.info(
            "calibration of %s: %d labelled somatic and %d otherwise, of which the model held %d for somatic; least error "
            "probability %.2g (%s)",
            group.name, group.planted, group.not_planted, group.believed, group.limit, LEARNT_FROM[group.learnt_from],
        )  # fmt: skip
    if source.choice == "disagreement":
        logger.warning(
            "%s: the candidates were chosen by --choose disagreement, where the network contradicts the model: that makes "
            "the model look worse than it is, and rates are kept with fewer calls than could be",
            source.labels,
        )
    if without := [group.name for group in found.groups if group.learnt_from == "none"]:
        logger.warning(
            "too few labels of somatic variants to calibrate %s: the model's probabilities stay; label more candidates",
            ", ".join(without),
        )


def _scored_again(options: "ScorePosteriorSettings", prior: "LearntPrior", output: Path) -> None:
    """This run's candidates under its own prior, without calibration."""
    from varproof.steps.score_posterior import GIVEN_PRIOR, ScorePosteriorSettings, score_posterior

    left_out = {"calibrate", "save_calibration", "label_error", "learnt_prior", "learn_from", "merge_phased", "resume"}
    own = options.model_fields_set & set(ScorePosteriorSettings.model_fields)
    given = {name: getattr(options, name) for name in own - left_out}
    settings = ScorePosteriorSettings(**given | {"output": output, "prior": GIVEN_PRIOR})
    score_posterior(settings, prior=prior)
