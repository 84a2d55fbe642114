"""score-scenario: the posterior probability of the events of a scenario, over any samples."""

import contextlib
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from varproof.machinery.errors import UserError
from varproof.steps.base import DEPTH_LIMIT, MAX_DEPTH, RESUME, Settings

if TYPE_CHECKING:
    from varproof.formats.evidence import EvidenceReader
    from varproof.formats.sample_sheet import SheetRow
    from varproof.machinery.journal import MakeJournal
    from varproof.scenario.file import Scenario
    from varproof.scenario.job import ScenarioJob

logger = logging.getLogger(__name__)

SCENARIO = "scenario.yaml, as Varlociraptor has them, or the name of a ready scenario."


class ScoreScenarioSettings(Settings):
    """Give each candidate the posterior probability of every event of a scenario, whatever its samples are.

    A scenario says which samples there are, what their allele frequencies can be or how they descend from each other, and which
    events are asked for. The sheet says which reads (BAM or CRAM), or evidence files of collect-evidence, are whose.

    Records come out as they came in, with INFO/PROB_<EVENT> and, for every sample, depths and allele frequencies. The scenarios
    tumor-normal and tumor-only are judged by the model of score-posterior, and written as it writes them.
    """

    scenario: str = Field(description=SCENARIO)
    samples: Path = Field(description="table of the samples: columns sample, reads, and if needed alignment, column.")
    candidates: Path = Field(description="VCF or BCF of candidate variants, sorted.")
    reference: Path = Field(description="indexed FASTA that the reads were aligned to.")
    output: Path = Field(description="scored VCF to write: .vcf, .vcf.gz, .bcf or -.")
    rates: Literal["auto", "scenario", "learnt", "spectra"] = Field(
        "auto",
        description="how common the events are: as the scenario says (flat where it gives universes), or learnt from the "
        "candidates, which must not be filtered; spectra: with the frequencies that events have in each sample; auto: learnt "
        "for ready scenarios that give none.",
    )
    territory: float | None = Field(
        None, gt=0, description="bases that were searched for the candidates; of --rates spectra what the reads cover."
    )
    overlaps: Literal["refuse", "allow"] = Field(
        "refuse", description="events that hold together: refuse the scenario, or give each its own probability."
    )
    max_depth: int | None = Field(MAX_DEPTH, ge=10, description=DEPTH_LIMIT)
    resume: Path | None = Field(None, description=RESUME)


def score_scenario(options: ScoreScenarioSettings) -> None:
    """Candidates and samples to a scored VCF."""
    from varproof.formats.sample_sheet import read_sheet
    from varproof.formats.vcf import open_vcf, vcf_mode
    from varproof.scenario.ready import PAIR_MODEL, scenario_of

    vcf_mode(options.output)
    scenario = scenario_of(options.scenario)
    rows = {row.sample: row for row in read_sheet(options.samples)}
    _require_the_samples(options, scenario, rows)
    open_vcf(options.candidates).close()
    if options.scenario in PAIR_MODEL:
        _score_pair(options, rows)
    else:
        _score(options, scenario, rows)


def _require_the_samples(options: ScoreScenarioSettings, scenario: "Scenario", rows: "dict[str, SheetRow]") -> None:
    """Raise UserError unless the sheet has the scenario's samples, each with reads of its own."""
    for sample in scenario.samples:
        if sample not in rows:
            raise UserError(f"{options.samples}: sample {sample} of scenario {options.scenario} is missing")
    for sample in rows:
        if sample not in scenario.samples:
            known = ", ".join(scenario.samples)
            raise UserError(f"{options.samples}: sample {sample} is none of scenario {options.scenario}, which has {known}")
    reads: dict[Path, str] = {}
    for sample, row in rows.items():
        other = reads.setdefault(row.reads.resolve(), sample)
        if other != sample:
            raise UserError(f"{options.samples}: {other} and {sample} have the same reads, {row.reads}; give each its own")


def _score_pair(options: ScoreScenarioSettings, rows: "dict[str, SheetRow]") -> None:
    """By the model of score-posterior."""
    from varproof.steps.score_posterior import ScorePosteriorSettings, score_posterior

    usual = (("rates", "auto"), ("territory", None), ("overlaps", "refuse"))
    given = [name for name, value in usual if getattr(options, name) != value]
    if given:
        raise UserError(
            f"--{given[0]}: the scenario {options.scenario} is judged by the model of score-posterior, which has its own "
            "prior; leave it out"
        )
    tumor, normal = rows["tumor"], rows.get("normal")
    logger.info("the scenario %s is judged by the model of score-posterior", options.scenario)
    settings = ScorePosteriorSettings(
        candidates=options.candidates,
        reference=options.reference,
        output=options.output,
        tumor=tumor.reads,
        alignment_tumor=tumor.alignment,
        tumor_sample=tumor.column,
        normal=None if normal is None else normal.reads,
        alignment_normal=None if normal is None else normal.alignment,
        normal_sample=None if normal is None else normal.column,
        max_depth=options.max_depth,
        resume=options.resume,
        threads=options.threads,
    )
    score_posterior(settings)


def _score(options: ScoreScenarioSettings, scenario: "Scenario", rows: "dict[str, SheetRow]") -> None:
    from varproof.formats.vcf import open_vcf
    from varproof.machinery.journal import kept_chunks
    from varproof.machinery.output import working_folder
    from varproof.scenario.annotate import scenario_columns, subject_of
    from varproof.scenario.contamination import contamination_fractions
    from varproof.scenario.job import scenario_job
    from varproof.scenario.run import Learning, write_scenario

    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(working_folder())
        journal = stack.enter_context(kept_chunks(options.resume))
        readers, covered = _evidence(options, {sample: rows[sample] for sample in scenario.samples}, folder, journal, stack)
        job = scenario_job(options.candidates, options.reference, readers, scenario)
        _tell_of_boxes(options, job)
        wanted = {}
        for sample, reader in readers.items():
            groups, _ = reader.sample_names
            wanted[sample] = (*(groups if len(groups) == 1 else ()), sample)
        given = {sample: row.column for sample, row in rows.items() if row.column is not None}
        with open_vcf(options.candidates) as handle:
            columns = scenario_columns(options.candidates, handle.header, wanted, given, subject_of(scenario))
        fractions = contamination_fractions(job)
        learning = Learning(_learnt(options, scenario), _territory(options, _learnt(options, scenario), covered))
        write_scenario(job, columns, fractions, learning, options.output, options)


def _learnt(options: ScoreScenarioSettings, scenario: "Scenario") -> str:
    """What the candidates tell."""
    from varproof.scenario.ready import READY
    from varproof.scenario.run import AS_GIVEN, RATES

    species = scenario.species
    of_alleles = [name for name in (species.heterozygosity_field, species.somatic_rate_field) if name is not None]
    if options.rates == "spectra" and of_alleles:
        raise UserError(
            f"{scenario.at('species')}: --rates spectra does not go with INFO/{of_alleles[0]}, which gives each "
            "allele rates of its own; give --rates scenario"
        )
    if options.rates == "auto":
        return RATES if options.scenario in READY and scenario.species.heterozygosity is None else AS_GIVEN
    return options.rates


def _territory(options: ScoreScenarioSettings, what: str, covered: float | None) -> float | None:
    """Bases that were searched for the candidates, where it matters."""
    from varproof.scenario.run import AS_GIVEN, SPECTRA

    if what == AS_GIVEN and options.territory is not None:
        logger.warning("--territory tells what is learnt, and nothing is: it is not used")
    if what == SPECTRA and options.territory is None and covered is None:
        logger.warning(
            "it is not known how many bases were searched for the candidates, so that chance errors among them pass for "
            "artefacts or variants; give --territory, or evidence that was collected by this version"
        )
    return options.territory or (covered if what == SPECTRA else None)


def _evidence(
    options: ScoreScenarioSettings,
    rows: "dict[str, SheetRow]",
    folder: Path,
    journal: "MakeJournal",
    stack: contextlib.ExitStack,
) -> "tuple[dict[str, EvidenceReader], float | None]":
    """The evidence of each sample, collected where it is not given, and the bases that the widest one covers, if known.

    Repeats are measured in all samples together.
    """
    from varproof.evidence.pipeline import SampleFiles
    from varproof.formats.evidence import EvidenceReader
    from varproof.formats.hdf5 import is_hdf5
    from varproof.machinery.errors import require_file
    from varproof.machinery.remote import Remote
    from varproof.posterior.territory import covered_bases
    from varproof.steps.inputs import with_index
    from varproof.steps.samples import collected_evidence, measured_together

    for sample, row in rows.items():
        require_file(row.reads, "BAM, CRAM or evidence")
        if isinstance(row.reads, Remote):
            rows[sample] = replace(row, reads=with_index(row.reads, folder))
    reads = {sample: row for sample, row in rows.items() if not is_hdf5(row.reads)}
    found = {}
    covered: list[float | None] = []
    measured = measured_together(
        [row.reads for row in reads.values()], options.reference, [row.alignment for row in reads.values()]
    )
    for number, ((sample, row), properties) in enumerate(zip(reads.items(), measured, strict=True)):
        logger.info("collecting evidence of %s from %s", sample, row.reads)
        files = SampleFiles(row.reads, options.reference, options.candidates, properties, options.max_depth)
        found[sample] = collected_evidence(files, folder / f"sample-{number}.h5", options.worker_count, journal)
        covered.append(covered_bases(row.reads, options.reference, properties))
    readers = {sample: stack.enter_context(EvidenceReader(found.get(sample, row.reads))) for sample, row in rows.items()}
    covered += [reader.covered_bases for sample, reader in readers.items() if sample not in found]
    return readers, max((value for value in covered if value is not None), default=None)


def _tell_of_boxes(options: ScoreScenarioSettings, job: "ScenarioJob") -> None:
    """Raise UserError where events overlap and may not; warn of what no event holds for, and of events that never do."""
    from varproof.scenario.run import AS_GIVEN
    from varproof.scenario.table import described_box

    scenario, told, possible = job.networks.scenario, False, set()
    for sample, item in scenario.samples.items():
        if item.universe is not None and (item.inheritance is not None or item.somatic_rate is not None):
            logger.warning(
                "%s: the universe of %s makes its prior flat: its inheritance and rates are not used",
                scenario.at("samples", sample, "universe"), sample,
            )  # fmt: skip
    for setting in job.settings:
        network = job.networks.of(setting).network
        possible |= {event for box in network.boxes for event in box.events}
        if network.overlaps and options.overlaps == "refuse":
            first = network.overlaps[0]
            both = " and ".join(first.events)
            raise UserError(
                f"{scenario.at('events')}: the events {both} hold together where {described_box(network, first)} (contig "
                f"{setting[0]}); make them exclude each other, or give --overlaps allow"
            )
        if network.overlaps and (what := _learnt(options, scenario)) != AS_GIVEN:
            raise UserError(f"--rates {what} needs events that exclude each other; --overlaps allow does not go with it")
        if network.gaps and not told:
            told = True
            logger.warning(
                "%s: no event holds where %s (contig %s): its probability is PROB_%s",
                scenario.at("events"), described_box(network, network.gaps[0]), setting[0], network.gap,
            )  # fmt: skip
    for name in scenario.events:
        if job.settings and name not in possible:
            logger.warning("%s: the event %s never holds: PROB_%s will be 0 everywhere", scenario.at("events"), name, name)
