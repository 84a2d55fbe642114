"""From one sample's reads to a tumour and a normal with known variants: survey, plan, edit, copy, tables; one folder."""

import contextlib
import itertools
import logging
import shutil
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pysam
from pydantic import BaseModel, ConfigDict, Field

from varproof import __version__
from varproof.candidates.pipeline import CallingJob, FoundCandidates, chunks, found_chunks
from varproof.formats.bgzf import END_OF_FILE
from varproof.formats.json_file import write_json
from varproof.formats.vcf import VcfWriter
from varproof.machinery.output import folder_complete_or_absent, provenance
from varproof.machinery.progress import progress
from varproof.machinery.workers import ordered_results
from varproof.reads.arrays import name_hash
from varproof.reads.files import open_reads, require_same_contigs, shared_contigs, tell_left_aside
from varproof.reads.reference import open_reference
from varproof.reads.regions import regions_of_reference
from varproof.spiking.copying import SAMPLES, Copier, CopyJob, parts, shared_records
from varproof.spiking.fragments import Planted, Planter, Shares
from varproof.spiking.plan import Plan, Skipped, Spike, make_plan, sample_shares
from varproof.spiking.settings import SpikingSettings

logger = logging.getLogger(__name__)

SPIKES_AT_ONCE = 8
NO_CARRIER = "no_fragment_drawn"
_OUTPUT_OPTIONS = {"bam": [], "cram": ["-C"]}


class SpikingSummary(BaseModel):
    """spiking.json: the settings, what came of them, and what was left out."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: Literal["varproof/spiking/1"] = Field(default="varproof/spiking/1", alias="schema")
    settings: SpikingSettings = Field(description="of spike-variants")
    depth: dict[str, float] = Field(description="mean depth of each sample where variants can be planted")
    planted: dict[str, int] = Field(description="by type")
    on_haplotype: int = Field(description="planted on one haplotype, told by a heterozygous SNV near by")
    skipped: dict[str, int] = Field(
        description="places and variants of the plan that were left out, by reason; see skipped.tsv"
    )
    positions: dict[str, int] = Field(description="positions with reads, by what they are good for")
    fragments_edited: int = Field(description="that carry a planted variant")
    fragments_dropped: int = Field(description="begin inside a deletion: do not exist on its haplotype")
    fragments_not_edited: int = Field(
        description="drawn to carry a variant, but split or with a mate far away; left as they were"
    )
    candidates: int = Field(description="alleles in candidates.vcf.gz")
    records: dict[str, int] = Field(description="reads written, by sample")
    provenance: str = Field(description="version, options and digests of the inputs, as JSON")


def spike(settings: SpikingSettings, output: Path, workers: int = 1) -> SpikingSummary:
    """Write the folder `output`, complete or not at all."""
    regions = None if settings.regions is None else regions_of_reference(settings.regions, settings.reference)
    files = settings.files
    with open_reference(settings.reference) as fasta:
        contigs = dict(zip(fasta.references, fasta.lengths, strict=True))
        for path in files:
            with open_reads(path, settings.reference) as alignments:
                require_same_contigs(
                    alignments, path, fasta, settings.reference, shared_contigs(alignments, path, fasta, settings.reference)
                )
                tell_left_aside(alignments, path, fasta, settings.reference)
    with folder_complete_or_absent(output) as folder:
        plan = make_plan(settings, regions, workers)
        logger.info("%d variants to plant", len(plan.spikes))
        work = folder / "parts"
        work.mkdir()
        plain = [_as_bam(path, settings, work / f"reads-{i}.bam") for i, path in enumerate(files)]
        shares = _shares(settings, plan)
        planted = _planted(settings, plain, plan, shares, workers)
        spikes, kept, unused = _with_carriers(plan, planted)
        records = _write_reads(settings, plain, shares, kept, folder, work, workers)
        shutil.rmtree(work)
        line = provenance("spike-variants", settings)
        found = _write_tables(settings, folder, contigs, spikes, kept, line, workers)
        skipped = [*plan.skipped, *unused]
        order = {name: i for i, name in enumerate(contigs)}
        skipped.sort(key=lambda item: (order[item.contig], item.position, item.reason))
        _write_skipped(folder / "skipped.tsv", skipped, plan.not_listed)
        summary = SpikingSummary(
            settings=settings,
            depth={
                "tumor": round(plan.depth[0] * shares.tumor, 1),
                "normal": round(plan.depth[-1] * (shares.normal if len(files) == 1 else shares.second_normal), 1),
            },
            planted=dict(sorted(Counter(item.variant.edit.type.value for item in spikes).items())),
            on_haplotype=sum(item.on_haplotype for item in kept),
            skipped=dict(sorted(Counter(item.reason for item in skipped).items())),
            positions=plan.positions,
            fragments_edited=sum(bool(c.records) for item in kept for c in item.carriers),
            fragments_dropped=sum(not c.records for item in kept for c in item.carriers),
            fragments_not_edited=sum(item.left for item in kept),
            candidates=found,
            records=records,
            provenance=line,
        )
        write_json(folder / "spiking.json", summary)
    for reason, number in summary.skipped.items():
        logger.info("left out: %d %s", number, reason)
    logger.info("%s: %d variants planted in %d fragments, %d candidates", output, len(spikes), summary.fragments_edited, found)
    return summary


def _shares(settings: SpikingSettings, plan: Plan) -> Shares:
    first, second = sample_shares(settings, plan.depth)
    return Shares(first, second, 0.0) if settings.second_reads is None else Shares(first, 0.0, second)


def _as_bam(path: Path, settings: SpikingSettings, copy: Path) -> Path:
    """The reads as a BAM: of a CRAM a copy with an index."""
    with open_reads(path, settings.reference) as alignments:
        if alignments.is_bam:
            return path
    pysam.view("--no-PG", "-b", "-1", "-T", str(settings.reference), "-o", str(copy), str(path), catch_stdout=False)
    pysam.index(str(copy))
    return copy


def _planted(settings: SpikingSettings, files: list[Path], plan: Plan, shares: Shares, workers: int) -> list[Planted]:
    """What becomes of each variant; a fragment that two of them would edit is edited for the first."""
    jobs = [plan.spikes[i : i + SPIKES_AT_ONCE] for i in range(0, len(plan.spikes), SPIKES_AT_ONCE)]
    results = ordered_results(lambda: Planter(settings, files, shares, plan.markers).plant, jobs, min(workers, len(jobs)))
    found: list[Planted] = []
    with progress(len(plan.spikes), "variants planted") as advance:
        for job, result in zip(jobs, results, strict=True):
            advance(len(job))
            found += result
    taken: set[str] = set()
    out = []
    for item in found:
        free = [carrier for carrier in item.carriers if carrier.name not in taken]
        again = sum(carrier.counts for carrier in item.carriers if carrier.name in taken)
        taken.update(carrier.name for carrier in free)
        out.append(replace(item, carriers=free, tumor=item.tumor + again))
    return out


def _with_carriers(plan: Plan, planted: list[Planted]) -> tuple[list[Spike], list[Planted], list[Skipped]]:
    """Variants that a fragment shows, and those that none does, which are not there; their fragments stay as they were."""
    spikes, kept, unused = [], [], []
    for item, outcome in zip(plan.spikes, planted, strict=True):
        if any(carrier.counts for carrier in outcome.carriers):
            spikes.append(item)
            kept.append(outcome)
        else:
            variant = item.variant
            unused.append(Skipped(plan.names[variant.contig], variant.edit.start, variant.description, NO_CARRIER))
    return spikes, kept, unused


def _write_reads(
    settings: SpikingSettings,
    plain: list[Path],
    shares: Shares,
    planted: list[Planted],
    folder: Path,
    work: Path,
    workers: int,
) -> dict[str, int]:
    """Both samples, indexed; returns the records of each."""
    carriers = [carrier for item in planted for carrier in item.carriers]
    gone = np.unique(np.array([name_hash(carrier.name) for carrier in carriers], np.uint64))
    added = [record for carrier in carriers for record in carrier.records]
    jobs: list[CopyJob] = []
    counter = itertools.count()
    for number, path in enumerate(plain):
        with open_reads(path, None) as alignments:
            pieces = parts(path, alignments)
            for sample in SAMPLES if len(plain) == 1 else (SAMPLES[number],):
                _write_header(alignments.header, sample, work / f"{sample}.header.bam")
        own = shared_records(pieces, added) if number == 0 else [[] for _ in pieces]
        samples = SAMPLES if len(plain) == 1 else (SAMPLES[number],)
        share = (shares.tumor, shares.normal) if number == 0 else (0.0, shares.second_normal)
        hashes = gone if number == 0 else gone[:0]
        jobs += [
            CopyJob(next(counter), piece, samples, share, hashes, records) for piece, records in zip(pieces, own, strict=True)
        ]
    written: Counter[str] = Counter(dict.fromkeys(SAMPLES, 0))
    with progress(len(jobs), "parts of the reads written") as advance:
        for done in ordered_results(lambda: Copier(work, settings.seed).copy, jobs, min(workers, len(jobs))):
            written.update(done.written)
            advance(1)
    finished = ordered_results(lambda: partial(_finish_sample, settings, folder, work, jobs, workers), SAMPLES, min(workers, 2))
    for _ in finished:
        pass
    return dict(written)


def _finish_sample(settings: SpikingSettings, folder: Path, work: Path, jobs: list[CopyJob], workers: int, sample: str) -> None:
    """Join the parts of a sample, and index it."""
    bam = folder / f"{sample}.bam"
    with bam.open("wb") as out:
        header = (work / f"{sample}.header.bam").read_bytes()
        out.write(header.removesuffix(END_OF_FILE))
        for job in jobs:
            if sample in job.samples:
                with (work / f"{sample}.{job.number}").open("rb") as part:
                    shutil.copyfileobj(part, out, 1 << 20)
                (work / f"{sample}.{job.number}").unlink()
        out.write(END_OF_FILE)
    threads = ("-@", str(max(0, workers // len(SAMPLES) - 1)))
    if settings.format == "cram":
        cram, reference = bam.with_suffix(".cram"), str(settings.reference)
        # Not by several threads: they choose each block's compression by what others have met so far.
        pysam.view("--no-PG", "-C", "-T", reference, "-o", str(cram), str(bam), catch_stdout=False)
        bam.unlink()
        bam = cram
    pysam.index(*threads, str(bam))


def _write_header(header: Any, sample: str, path: Path) -> None:
    """A BAM without records: the file's header, with the sample's name in all read groups, and this program."""
    content = header.to_dict()
    for group in content.get("RG", []):
        group["SM"] = sample
    programs = content.setdefault("PG", [])
    number = next(i for i in itertools.count() if not any(item.get("ID") == _program_id(i) for item in programs))
    before = {"PP": programs[-1]["ID"]} if programs else {}
    programs.append({"ID": _program_id(number), "PN": "spike-variants", "VN": __version__, **before})
    with contextlib.closing(pysam.AlignmentFile(str(path), "wb", header=pysam.AlignmentHeader.from_dict(content))):
        pass


def _program_id(number: int) -> str:
    return "spike-variants" + (f".{number}" if number else "")


def _write_tables(
    settings: SpikingSettings,
    folder: Path,
    contigs: dict[str, int],
    spikes: list[Spike],
    planted: list[Planted],
    line: str,
    workers: int,
) -> int:
    """truth.vcf.gz, and candidates.vcf.gz: what was planted, and every allele that two reads of the tumour show."""
    names = list(contigs)
    with open_reference(settings.reference) as fasta:
        spelled = [_spelled(item, names, fasta) for item in spikes]
    with VcfWriter(folder / "truth.vcf.gz", _truth_header(contigs, line)) as writer:
        for i in sorted(range(len(spikes)), key=lambda i: (spikes[i].variant.contig, *spelled[i][1:])):
            contig, start, ref, alt = spelled[i]
            outcome = planted[i]
            carriers = sum(carrier.counts for carrier in outcome.carriers) + outcome.already
            record = writer.new_record(contig=contig, start=start, alleles=(ref, alt))
            record.info["EVENT"], record.info["CLASS"] = "SOMATIC_TUMOR", spikes[i].variant.edit.type.value
            record.info["AF"] = spikes[i].frequency
            if outcome.on_haplotype:
                record.info["ON_HAPLOTYPE"] = True
            for sample, counts in zip(SAMPLES, ((outcome.tumor, carriers), (outcome.normal, 0)), strict=True):
                record.samples[sample]["DP"], record.samples[sample]["AD"] = sum(counts), counts
            writer.write(record)
    wanted = set(spelled)
    job = CallingJob(folder / f"tumor.{settings.format}", settings.reference, normal=None)
    header = pysam.VariantHeader()
    header.add_line(f"##varproof_spike-variants={line}")
    for name, length in contigs.items():
        header.contigs.add(name, length=length)
    stretches = chunks(job)
    count = 0
    with VcfWriter(folder / "candidates.vcf.gz", header) as writer:
        order = {name: i for i, name in enumerate(names)}
        for contig, start, ref, alt in _with_planted(found_chunks(job, stretches, workers), wanted, order):
            writer.write(writer.new_record(contig=contig, start=start, alleles=(ref, alt)))
            count += 1
    return count


Spelling = tuple[str, int, str, str]
"""Contig, 0-based position, REF, ALT."""


def _with_planted(found: Iterator[FoundCandidates], wanted: set[Spelling], order: dict[str, int]) -> Iterator[Spelling]:
    """Found alleles in order, with the planted ones that were not found put in between."""

    def place(item: Spelling) -> tuple[int, int]:
        return order[item[0]], item[1]

    waiting = deque(sorted(wanted, key=lambda item: (*place(item), *item[2:])))
    shown: set[Spelling] = set()
    for part in found:
        for start, ref, alt in zip(part.position.tolist(), part.ref, part.alt, strict=True):
            item = (part.contig, start, ref, alt)
            while waiting and place(waiting[0]) < place(item):
                if waiting[0] not in shown:
                    yield waiting[0]
                waiting.popleft()
            if item in wanted:
                shown.add(item)
            yield item
    yield from (item for item in waiting if item not in shown)


def _spelled(item: Spike, names: list[str], fasta: Any) -> Spelling:
    """As VCF writes it: indels with the base before them."""
    contig, (start, end, alt) = names[item.variant.contig], item.variant.edit
    if end - start == len(alt):
        return contig, start, fasta.fetch(contig, start, end).upper(), alt
    text = fasta.fetch(contig, start - 1, end).upper()
    return contig, start - 1, text, text[0] + alt


_TRUTH_FIELDS = (
    ("INFO", "EVENT", "1", "String", "What it is: SOMATIC_TUMOR"),
    ("INFO", "AF", "A", "Float", "Allele frequency in the tumour cells, as planned"),
    ("INFO", "CLASS", "1", "String", "snv, mnv, insertion, deletion or replacement"),
    ("INFO", "ON_HAPLOTYPE", "0", "Flag", "Planted on one haplotype, told by a heterozygous SNV near by"),
    ("FORMAT", "DP", "1", "Integer", "Fragments over the variant"),
    ("FORMAT", "AD", "R", "Integer", "Fragments over the variant, without and with it"),
)


def _truth_header(contigs: dict[str, int], line: str) -> Any:
    header = pysam.VariantHeader()
    header.add_line(f"##varproof_spike-variants={line}")
    for name, length in contigs.items():
        header.contigs.add(name, length=length)
    for kind, name, number, form, text in _TRUTH_FIELDS:
        header.add_line(f'##{kind}=<ID={name},Number={number},Type={form},Description="{text}">')
    for sample in SAMPLES:
        header.add_sample(sample)
    return header


def _write_skipped(path: Path, skipped: list[Skipped], not_listed: int) -> None:
    """What was left out, one line each, 1-based positions."""
    with path.open("w") as out:
        out.write("contig\tposition\tvariant\treason\n")
        for item in skipped:
            out.write(f"{item.contig}\t{item.position + 1}\t{item.what or '.'}\t{item.reason}\n")
        if not_listed:
            out.write(f"# and {not_listed} more\n")
