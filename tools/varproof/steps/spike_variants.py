"""spike-variants: a tumour and its normal made of real reads, with known variants planted into the tumour.

Which variants are planted, where, and how many fragments of each sample show them, is in the truth that is written beside.
"""

import logging
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from varproof.spiking.settings import SpikingSettings
from varproof.steps.base import Settings

logger = logging.getLogger(__name__)


class SpikeVariantsSettings(Settings, SpikingSettings):
    """Plant known variants into real reads of one sample, in which nothing is somatic: whatever else looks so is an artefact.

    Fragments are shared out between a tumour and a normal by their names, and those of the tumour that are drawn to carry a
    variant are edited: bases, qualities, alignment and tags as an aligner would have left them. All other records stay byte
    for byte what they were. Places with germline variants, little depth or poor mapping quality are left out, counted and
    listed. The folder that is written is that of simulate-pair, without the reference.
    """

    remote_reads: ClassVar[bool] = False  # their records are copied as bytes

    output: Path = Field(description="folder to write; must not exist or be empty.")


def spike_variants(options: SpikeVariantsSettings) -> None:
    """Run with validated options."""
    from varproof.spiking.run import spike

    given = options.model_fields_set & set(SpikingSettings.model_fields)
    settings = SpikingSettings(**{name: getattr(options, name) for name in given})
    spike(settings, options.output, options.worker_count)
