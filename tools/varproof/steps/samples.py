"""What collect-evidence and score-posterior share: samples' alignment properties, given or measured on the spot.

Of one person's samples repeats are measured in all of them together: a polymerase slips in both alike, and where each had its
own measurement, an allele of both would be slippage in one of them and a variant in the other.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from varproof.evidence.decisions import DECISIONS as EVIDENCE_DECISIONS
from varproof.evidence.pipeline import SampleFiles, collect_into
from varproof.formats.alignment import AlignmentProperties
from varproof.formats.evidence import DECISIONS, REPEATS, SAMPLE_NAMES, evidence_writer
from varproof.formats.json_file import read_json
from varproof.machinery.journal import MakeJournal
from varproof.reads.decode import open_reads
from varproof.reads.estimate import estimate_together
from varproof.reads.slippage import pooled_rows
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
    told = {
        SAMPLE_NAMES: sample_names(files.reads, files.reference),
        DECISIONS: EVIDENCE_DECISIONS.model_dump_json(),
        REPEATS: repeats_digest(files.properties),
    }
    with evidence_writer(output, told) as writer:
        collect_into(writer, files, workers, journal(output.stem, files.identity))
    return output


def sample_files(reads: Path, reference: Path, candidates: Path, alignment: Path | None, max_depth: int | None) -> SampleFiles:
    """A sample's files, checked to exist and to be indexed, with its properties (alignment.json, or measured in it alone)."""
    properties = measured_together([reads], reference, [alignment])[0]
    return SampleFiles(reads, reference, candidates, properties, max_depth)


def measured_together(
    samples: Sequence[Path], reference: Path, given: Sequence[Path | None], others: Sequence[Path] = ()
) -> list[AlignmentProperties]:
    """Properties of each of a person's samples (BAM or CRAM): of `given` (alignment.json), or measured where that is None.

    others: alignment.json of further samples of this person, whose repeats count as well.
    """
    for reads in samples:
        open_reads(reads, reference).close()
    found = {i: read_json(path, AlignmentProperties) for i, path in enumerate(given) if path is not None}
    unknown = [i for i in range(len(samples)) if i not in found]
    for i in unknown:
        logger.info("measuring alignment properties of %s", samples[i])
    most = EstimateAlignmentSettings.model_fields["max_reads"].default
    measured = estimate_together([samples[i] for i in unknown], reference, most)
    found |= dict(zip(unknown, measured, strict=True))
    own = [found[i] for i in range(len(samples))]
    return with_shared_repeats(own, [read_json(path, AlignmentProperties) for path in others])


def with_shared_repeats(
    own: Sequence[AlignmentProperties], others: Sequence[AlignmentProperties] = ()
) -> list[AlignmentProperties]:
    """`own`, each with the repeats that were measured in all of `own` and `others`; as they are where they have no profile."""
    rows = [item.error_profile.slippage for item in (*own, *others) if item.error_profile is not None]
    if len(rows) < 2:
        return list(own)
    shared = {"slippage": pooled_rows(*rows)}
    return [
        item
        if item.error_profile is None
        else item.model_copy(update={"error_profile": item.error_profile.model_copy(update=shared)})
        for item in own
    ]


def repeats_digest(properties: AlignmentProperties) -> str:
    """Equal for samples whose repeats were measured together; empty where they weren't measured."""
    if properties.error_profile is None:
        return ""
    rows = [row.model_dump(mode="json") for row in properties.error_profile.slippage]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:16]
