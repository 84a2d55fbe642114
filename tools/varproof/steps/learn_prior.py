"""learn-prior: what a pair's reads teach of how common each event is, whatever list will be scored with it."""

import contextlib
import logging
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from varproof.machinery.errors import UserError
from varproof.steps.base import (
    DEPTH_LIMIT,
    GERMLINE_FIELD,
    GERMLINE_RESOURCE,
    MAX_DEPTH,
    PANEL,
    Settings,
    field_of_resource,
    fraction_under_1,
)
from varproof.steps.purity import PURITY, KnownBy, with_purity

logger = logging.getLogger(__name__)


class LearnPriorSettings(Settings):
    """Learn the prior of score-posterior from the reads of a tumour and its normal.

    Candidates are found in windows all over the reads, by the rules of call-candidates, and nobody has selected any: what is
    learnt from them holds for every list. score-posterior does the same where it is given reads; learn apart where many lists,
    chunks of a list or evidence files are scored with one prior (--prior).
    """

    tumor: Path = Field(description="tumour: indexed BAM or CRAM.")
    reference: Path = Field(description="indexed FASTA that the reads were aligned to.")
    output: Path = Field(description="prior.json to write, or - for stdout.")
    normal: Path | None = Field(None, description="matched normal: indexed BAM or CRAM.")
    purity: KnownBy = Field(1.0, description=PURITY)
    segments: Path | None = Field(
        None, description="copy numbers of the tumour cells, as --segments of score-posterior, which is to have the same."
    )
    normal_contamination: float | Literal["auto"] = Field(
        "auto", description="fraction of tumour cells in the normal sample; auto: learnt from the reads."
    )
    alignment_tumor: Path | None = Field(None, description="alignment.json of the tumour; measured if not given.")
    alignment_normal: Path | None = Field(None, description="alignment.json of the normal; measured if not given.")
    regions: Path | None = Field(None, description="BED: learn from the reads there only, such as the targets of a panel.")
    germline_resource: Path | None = Field(None, description=GERMLINE_RESOURCE)
    germline_field: str | None = Field(None, description=GERMLINE_FIELD)
    panel: Path | None = Field(None, description=PANEL)
    max_depth: int | None = Field(MAX_DEPTH, ge=10, description=DEPTH_LIMIT)

    @model_validator(mode="after")
    def _field_of_resource(self) -> "LearnPriorSettings":
        return field_of_resource(self)

    @field_validator("normal_contamination")
    @classmethod
    def _fraction(cls, value: float | str) -> float | str:
        return fraction_under_1(value)


def learn_prior(options: LearnPriorSettings) -> None:
    """Reads to prior.json."""
    from varproof.formats.json_file import write_json
    from varproof.machinery.journal import kept_chunks
    from varproof.machinery.output import check_output, working_folder
    from varproof.reads.regions import regions_of_reference
    from varproof.steps.background import SamplePair, prior_of_reads

    check_output(options.output)
    options, found = with_purity(options)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(working_folder())
        journal = stack.enter_context(kept_chunks(None))
        pair = SamplePair.of(options, options.worker_count, stack, found)
        for path in pair.evidence:
            raise UserError(f"{path}: an evidence file, which knows of its own candidates only; give the reads")
        regions = None if options.regions is None else regions_of_reference(options.regions, options.reference)
        write_json(options.output, prior_of_reads(pair, regions, folder, journal))
