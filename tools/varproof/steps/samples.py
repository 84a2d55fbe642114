"""What collect-evidence and score-posterior share: a sample's alignment properties, given or measured on the spot."""

import json
import logging
from pathlib import Path
from typing import Any

from varproof.evidence.decisions import DECISIONS as EVIDENCE_DECISIONS
from varproof.evidence.pipeline import SampleFiles, collect_into
from varproof.formats.alignment import AlignmentProperties
from varproof.formats.evidence import DECISIONS, SAMPLE_NAMES, evidence_writer
from varproof.formats.json_file import read_json
from varproof.machinery.journal import MakeJournal
from varproof.reads.decode import open_reads
from varproof.reads.estimate import estimate_alignment_properties
from varproof.steps.estimate_alignment import EstimateAlignmentSettings

logger = logging.getLogger(__name__)


def sample_names(reads: Path, reference: Path) -> str:
    """What `EvidenceReader.sample_names` gives back: the samples of the read groups and the file's name, as JSON."""
    with open_reads(reads, reference) as alignments:
        groups = read_group_samples(alignments)
    return json.dumps({"read_groups": groups, "file": reads.name.removesuffix(reads.suffix)})


def read_group_samples(alignments: Any) -> tuple[str, ...]:
    """The samples (SM) of the read groups in a BAM's or CRAM's header, each once, in order."""
    groups = alignments.header.to_dict().get("RG", [])
    return tuple(dict.fromkeys(group["SM"] for group in groups if group.get("SM")))


def collected_evidence(files: SampleFiles, output: Path, workers: int, journal: MakeJournal) -> Path:
    """The evidence of all of a list's candidates in one sample, as the file `output`."""
    told = {SAMPLE_NAMES: sample_names(files.reads, files.reference), DECISIONS: EVIDENCE_DECISIONS.model_dump_json()}
    with evidence_writer(output, told) as writer:
        collect_into(writer, files, workers, journal(output.stem, files.identity))
    return output


def sample_files(reads: Path, reference: Path, candidates: Path, alignment: Path | None, max_depth: int | None) -> SampleFiles:
    """A sample's files, checked to exist and to be indexed, with its properties (alignment.json, or measured)."""
    open_reads(reads, reference).close()
    if alignment is not None:
        properties = read_json(alignment, AlignmentProperties)
    else:
        logger.info("measuring alignment properties of %s", reads)
        properties = estimate_alignment_properties(
            reads, reference, None, EstimateAlignmentSettings.model_fields["max_reads"].default
        )
    return SampleFiles(reads, reference, candidates, properties, max_depth)
