"""score-posterior --calibrate: variants planted into one's own reads, judged by the model, and the map that they teach.

Of the two samples of a pair the normal is the one in which nothing is somatic. So roles are swapped: variants are planted into
the normal's reads, which play the tumour, and the tumour's reads play the normal. Both keep their depth, their libraries and
their errors, and whatever else looks somatic then is false. What the tumour's library alone does to its reads is not seen this
way; folders of spike-variants made of a normal of the same preparation show it.

Or people have judged some of the run's candidates: their labels are the truth then, but for errors of their own.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from varproof import __version__
from varproof.formats.json_file import read_json
from varproof.formats.labels import is_labels
from varproof.formats.recalibration import Recalibration, RecalibrationSource
from varproof.formats.spiked_folder import SpikedFolder, read_spiked_folder
from varproof.machinery.errors import UserError
from varproof.machinery.output import input_digest
from varproof.steps.labelled import LEARNT_FROM, labels_of, learnt_from_labels

if TYPE_CHECKING:
    from varproof.formats.prior import LearntPrior
    from varproof.posterior.recalibration import Judged
    from varproof.reads.sampling import Window
    from varproof.steps.background import SamplePair
    from varproof.steps.score_posterior import ScorePosteriorSettings

logger = logging.getLogger(__name__)

AUTO = Path("auto")
"""--calibrate auto: plant into the reads of the run itself."""

SWAPPED = "the normal's reads, the tumour's being the normal"
LIKELIEST = 10
"""False candidates of a folder, at least, by which it is told whether several folders show the same ones."""

FLAT = "--calibrate needs a learnt prior, which says how common somatic variants are; leave out --prior flat, or a file of it"
_SEED = 1


def check_calibration(options: "ScorePosteriorSettings") -> None:
    """Raise UserError where --calibrate can't be done, before hours of work."""
    from varproof.formats.hdf5 import is_hdf5

    given = options.calibrate
    if options.label_error is not None and not (given and is_labels(given[0])):
        raise UserError("--label-error is of people's labels; give them to --calibrate")
    if not given:
        if options.save_calibration is not None:
            raise UserError("--save-calibration: nothing is calibrated; give --calibrate auto, or folders of spike-variants")
        return
    if options.prior == "flat":
        raise UserError(FLAT)
    if AUTO in given:
        if len(given) > 1:
            raise UserError("--calibrate: auto, or folders of spike-variants, not both")
        if options.normal is None:
            raise UserError(
                "--calibrate auto plants variants into the normal's reads: give --normal, or folders that spike-variants made "
                "of a normal sample of the same preparation"
            )
        for name, path in (("tumor", options.tumor), ("normal", options.normal)):
            if is_hdf5(path):
                raise UserError(f"--calibrate auto: --{name} {path} is evidence; planting takes reads: give BAM or CRAM")
        return
    files = [path for path in given if not path.is_dir()]
    if files and len(given) > 1:
        raise UserError(
            f"--calibrate: {files[0]} is no folder; give folders of spike-variants, or one file of --save-calibration or "
            "of labels"
        )
    if files and is_labels(files[0]):
        labels_of(files[0], options)
    elif files:
        read_calibration(files[0])
    elif len({path.resolve() for path in given}) < len(given):
        raise UserError("--calibrate: a folder is given twice; each counts once")
    else:
        for path in given:
            read_spiked_folder(path)


def read_calibration(path: Path) -> Recalibration:
    """A file of --save-calibration; raises UserError for one that is damaged, or of another version."""
    from varproof.posterior.recalibration import GROUPS

    found = read_json(path, Recalibration)
    if found.version != __version__ or {group.name for group in found.groups} != set(GROUPS):
        raise UserError(
            f"{path}: made by varproof {found.version}, whose scores are others than those of {__version__}; calibrate again"
        )
    return found


def calibration(
    options: "ScorePosteriorSettings", prior: "LearntPrior", pair: "SamplePair", folder: Path
) -> Recalibration | None:
    """What --calibrate asks for, under the prior of this run's pair; `folder`: for temporary files."""
    if not options.calibrate:
        return None
    if prior.kind == "flat":
        raise UserError(FLAT)
    if options.calibrate == [AUTO]:
        found = _learnt([_planted(options, pair.least_depth, folder)], options, prior, folder, swapped=True)
    elif options.calibrate[0].is_dir():
        spiked = [read_spiked_folder(path) for path in options.calibrate]
        _tell_other_reads(spiked, options)
        found = _learnt(spiked, options, prior, folder, swapped=False)
    elif is_labels(options.calibrate[0]):
        found = learnt_from_labels(options.calibrate[0], options, prior, folder)
    else:
        found = read_calibration(options.calibrate[0])
    if options.save_calibration is not None:
        from varproof.formats.json_file import write_json

        write_json(options.save_calibration, found)
    return found


def _tell_other_reads(spiked: list[SpikedFolder], options: "ScorePosteriorSettings") -> None:
    """Warn of folders that were made of other reads than this run's, as far as digests tell."""
    from varproof.formats.hdf5 import is_hdf5

    own = {input_digest(path) for path in (options.tumor, options.normal) if path is not None and not is_hdf5(path)}
    for item in spiked:
        digests = set(item.input_digests.values())
        if own and digests and not own & digests:
            logger.warning(
                "%s was made of other reads than this run's: what it teaches holds here if they are of the same preparation, "
                "sequenced alike and as deep",
                item.path,
            )


def _planted(options: "ScorePosteriorSettings", depth: float, folder: Path) -> SpikedFolder:
    """Variants planted into the normal's reads, of all of them or of a part that stands for all; the pair is so deep."""
    from varproof.posterior.decisions import DECISIONS
    from varproof.spiking.run import spike
    from varproof.spiking.settings import SpikingSettings

    assert options.normal is not None
    windows = _windows(options, DECISIONS.calibration_bases)
    reads, second, regions = options.normal, options.tumor, options.regions
    if windows is not None:
        regions = folder / "windows.bed"
        regions.write_text("".join(f"{contig}\t{start}\t{end}\n" for contig, start, end in sorted(windows)))
        reads = _extracted(reads, options.reference, regions, folder / "part-normal.bam")
        second = _extracted(second, options.reference, regions, folder / "part-tumor.bam")
    settings = SpikingSettings(
        reads=reads,
        second_reads=second,
        reference=options.reference,
        regions=regions,
        count=DECISIONS.most_planted,
        spacing=DECISIONS.calibration_spacing,
        vaf=[round(min(0.05, max(0.001, 3.0 / max(depth * options.purity, 1.0))), 4), 1.0],
        purity=options.purity,
        min_depth=max(2, min(SpikingSettings.model_fields["min_depth"].default, int(0.4 * depth))),
        seed=_SEED,
    )
    logger.info("planting variants into %s", options.normal)
    spike(settings, folder / "spiked", options.worker_count)
    return read_spiked_folder(folder / "spiked")


def _windows(options: "ScorePosteriorSettings", most: int) -> "list[Window] | None":
    """Windows of at most `most` bases, evenly spread over the normal's reads or the regions; None: all of them."""
    import itertools

    from varproof.reads.files import open_reads
    from varproof.reads.reference import contig_lengths
    from varproof.reads.regions import regions_of_reference
    from varproof.reads.sampling import WINDOW, region_windows, sampled_windows

    assert options.normal is not None
    if options.regions is not None:
        regions = regions_of_reference(options.regions, options.reference)
        windows = region_windows(regions, contig_lengths(options.reference))
        if sum(end - start for parts in regions.values() for start, end in parts) <= most:
            return None
        return list(itertools.islice(windows, most // WINDOW))
    lengths = contig_lengths(options.reference)
    if sum(lengths.values()) <= most:
        return None
    with open_reads(options.normal, options.reference) as alignments:
        return list(itertools.islice(sampled_windows(alignments, list(lengths), 0), most // WINDOW))


def _extracted(path: Path, reference: Path, regions: Path, output: Path) -> Path:
    """A BAM of the reads that overlap the regions of a BED, indexed."""
    import pysam

    pysam.view("-b", "-M", "-L", str(regions), "-T", str(reference), "-o", str(output), str(path), catch_stdout=False)
    pysam.index(str(output))
    return output


def _learnt(
    spiked: list[SpikedFolder], options: "ScorePosteriorSettings", prior: "LearntPrior", folder: Path, *, swapped: bool
) -> Recalibration:
    """The map that these folders teach."""
    import numpy as np

    from varproof.posterior.decisions import DECISIONS
    from varproof.posterior.recalibration import Judged, learnt_groups

    parts = [_judged(item, options, prior, folder, swapped) for item in spiked]
    judged = [part.judged for part in parts]
    false = [key for part in parts for key in part.false]
    together = Judged(
        np.concatenate([item.error for item in judged]),
        np.concatenate([item.is_true for item in judged]),
        np.concatenate([item.group for item in judged]),
        np.concatenate([item.observed for item in judged]),
        np.concatenate([item.frequency for item in judged]),
        sum(item.territory for item in judged),
        max(1.0, len(false) / max(1, len(set(false)))),
    )
    sources = [
        RecalibrationSource(
            name=SWAPPED if swapped else str(item.path),
            seed=item.settings.seed,
            purity=item.settings.purity,
            territory=part.judged.territory,
            planted=int(part.judged.is_true.sum()),
            candidates=len(part.judged.error),
            partial=part.partial,
            germline_like=part.germline_like,
        )
        for item, part in zip(spiked, parts, strict=True)
    ]
    groups = learnt_groups(together, prior)
    found = Recalibration(version=__version__, confidence=DECISIONS.calibration_confidence, sources=sources, groups=groups)
    _tell(found)
    return found


def _tell(found: Recalibration) -> None:
    for group in found.groups:
        logger.info(
            "calibration of %s, frequencies %g to %g: %d planted and %d other alleles, of which the model held %d for somatic; "
            "least error probability %.2g (%s)",
            group.name, group.least_frequency, group.most_frequency,
            group.planted, group.not_planted, group.believed, group.limit,
            LEARNT_FROM[group.learnt_from],
        )  # fmt: skip
    if without := [group.name for group in found.groups if group.learnt_from == "none"]:
        logger.warning(
            "too few planted variants, or too small a territory, to calibrate %s: the model's probabilities stay; give more "
            "reads, or folders of spike-variants to --calibrate",
            ", ".join(without),
        )
    planted = [source for source in found.sources if isinstance(source, RecalibrationSource)]
    if any(source.germline_like > max(5, source.planted / 10) for source in planted):
        logger.warning(
            "many alleles of the normal look like germline variants that the tumour lost, and were left out; where copies are "
            "lost in much of the genome, folders that spike-variants makes of the normal alone serve better"
        )


@dataclass(frozen=True)
class _Part:
    """Candidates of one folder, its likeliest false ones, and how many were left out."""

    judged: "Judged"
    false: list[tuple[str, int, int, str]]
    partial: int
    germline_like: int


def _judged(item: SpikedFolder, options: "ScorePosteriorSettings", prior: "LearntPrior", folder: Path, swapped: bool) -> _Part:
    """A folder's candidates as this run's model judges them, held against what was planted."""
    import numpy as np

    from varproof.evaluation.haplotype_matching import match_haplotypes
    from varproof.evaluation.matching import match
    from varproof.evaluation.variants import read_calls, read_truth
    from varproof.formats.events import SOMATIC
    from varproof.formats.scored import select_events
    from varproof.formats.vcf import open_vcf
    from varproof.posterior.decisions import DECISIONS
    from varproof.posterior.recalibration import GROUPS, Judged
    from varproof.variants.edit import TYPES, VariantType
    from varproof.variants.reference import Reference

    scored, territory = _scored(item, options, prior, folder)
    reference = Reference(options.reference)
    with open_vcf(scored) as handle:
        selection = select_events(scored, handle.header, [SOMATIC])
    calls, truth = read_calls(scored, selection, None, reference), read_truth(item.truth, SOMATIC, None, reference)
    matching = match(calls, truth)
    haplotypes = match_haplotypes(calls, truth, matching, reference).matching
    true = matching.true
    unknown = ~true & (matching.partial | haplotypes.partial | haplotypes.true)
    seen = np.nan_to_num(calls.vafs)
    lost = ~true & ~unknown & (calls.errors < DECISIONS.even) & (seen * item.settings.purity >= DECISIONS.germline_like)
    lost &= swapped
    kinds = {VariantType.SNV: "snv", VariantType.MNV: "mnv", VariantType.REPLACEMENT: "mnv"}
    number = np.array([GROUPS.index(kinds.get(kind, "indel")) for kind in TYPES])
    group = number[calls.types]
    frequency = np.where(true, truth.vafs[matching.truth_of_call], seen)
    known = ~unknown & ~lost
    wrong = np.flatnonzero(known & ~true)
    wrong = wrong[np.argsort(calls.errors[wrong], kind="stable")]
    likeliest = wrong[: max(LIKELIEST, int((calls.errors[wrong] < DECISIONS.even).sum()))]
    judged = Judged(calls.errors[known], true[known], group[known], seen[known], frequency[known], territory)
    return _Part(judged, [calls.keys[i] for i in likeliest.tolist()], int(unknown.sum()), int(lost.sum()))


def _scored(item: SpikedFolder, options: "ScorePosteriorSettings", prior: "LearntPrior", folder: Path) -> tuple[Path, float]:
    """A folder's scored candidates under the prior of this run, and the bases that were searched for them."""
    from varproof.formats.json_file import write_json
    from varproof.posterior.territory import covered_bases
    from varproof.steps.samples import sample_files
    from varproof.steps.score_posterior import GIVEN_PRIOR, ScorePosteriorSettings, score_posterior

    properties = sample_files(item.tumor, options.reference, item.candidates, None, options.max_depth).properties
    territory = covered_bases(item.tumor, options.reference, properties)
    if territory is None:
        raise UserError(f"{item.tumor}: no reads that cover the reference; nothing can be calibrated on them")
    alignment, scored = folder / "calibration.alignment.json", folder / "calibration.vcf.gz"
    write_json(alignment, properties)
    logger.info("judging %s", item.path)
    settings = ScorePosteriorSettings(
        candidates=item.candidates,
        reference=options.reference,
        tumor=item.tumor,
        normal=None if options.normal is None else item.normal,
        purity=item.settings.purity,
        segments=options.segments,
        alignment_tumor=alignment,
        germline_resource=options.germline_resource,
        germline_field=options.germline_field,
        max_depth=options.max_depth,
        panel=options.panel,
        threads=options.threads,
        territory=territory,
        output=scored,
        prior=GIVEN_PRIOR,
    )
    score_posterior(settings, prior=prior)
    return scored, territory
