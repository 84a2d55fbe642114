"""review-calls: the page in which people judge candidates."""

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator, model_validator

from varproof.formats.tensor_settings import ROWS, Rows, TensorSettings, odd
from varproof.steps.base import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from varproof.formats.tensors import TensorReader
    from varproof.pileup.pipeline import Samples
    from varproof.report.desk import Desk
    from varproof.report.desk_data import CandidateFacts
    from varproof.report.desk_reads import ReadsOfRows
    from varproof.steps.attention import Told
    from varproof.steps.reviewed import Listed

logger = logging.getLogger(__name__)

Choice = Literal["all", "uncertain", "disagreement", "rounds", "random", "stratified"]
"""Which candidates people judge: `varproof.evaluation.choosing.chosen`."""


class ReviewCallsSettings(Settings):
    """Write a page in which people judge candidates: one file that opens in any browser, without a network.

    Each candidate has its pileup, what varproof and the caller say of it, and the four calls and nineteen tags of the published
    procedure for manual review (Barnell and others 2019), one key each. What was judged stays in the browser, and is exported
    as labels.tsv, as IGVNav's table, or as a VCF.
    """

    calls: Path = Field(description="VCF or BCF of score-posterior or score-scenario, or of any caller, sorted.")
    reference: Path = Field(description="indexed FASTA that the reads were aligned to.")
    tumor: Path = Field(description="tumour, or the sample of a scenario that is judged: indexed BAM or CRAM.")
    output: Path = Field(description="page to write (HTML).")
    normal: Path | None = Field(None, description="matched normal, or another sample of the scenario: indexed BAM or CRAM.")
    context: list[Path] = Field([], description="indexed BAM or CRAM shown below every candidate, in this order.")
    predicted: Path | None = Field(None, description="VCF of predict, whose probabilities are shown beside those of the calls.")
    explained: Path | None = Field(
        None,
        description="what the network looked at: the folder of predict --explain, or its explained.h5, to lay over the reads.",
    )
    events: list[str] = Field(["SOMATIC_TUMOR"], description="events that count as real, as in fdr-filter.")
    choose: Choice = Field(
        "all",
        description="which to judge, of those of the calls: all, or --count of them, by what would teach most; rounds: half of "
        "what the network doubts and half by chance, to adapt it by train --start-from, and so on.",
    )
    count: int | None = Field(None, ge=1, description="how many to choose.")
    seed: int = Field(0, ge=0, description="of the random choice.")
    judged: list[Path] = Field([], description="labels of earlier pages, whose candidates are left out: labels.tsv or VCF.")
    window: int = Field(151, ge=11, le=1001, description="bases of the reference around each candidate, odd.")
    depth: int = Field(100, ge=1, le=10_000, description="most reads per track; deeper piles are sampled by read name.")
    rows: Rows = ROWS

    _odd = field_validator("window")(odd)

    @model_validator(mode="after")
    def _consistent(self) -> "ReviewCallsSettings":
        if self.choose == "all" and self.count is not None:
            raise ValueError("--count needs --choose uncertain, disagreement, rounds, random or stratified")
        if self.choose != "all" and self.count is None:
            raise ValueError(f"--choose {self.choose} needs --count, how many to choose")
        return self


def review_calls(options: ReviewCallsSettings) -> None:
    """Calls and reads to a page."""
    from varproof.machinery.output import check_output, complete_or_absent, working_folder
    from varproof.pileup.pipeline import Samples
    from varproof.report.desk import page_parts
    from varproof.report.desk_data import LARGEST_TEXT
    from varproof.steps.reviewed import listed

    check_output(options.output)
    found = listed(options)
    samples = Samples(options.tumor, options.normal, options.context)
    settings = TensorSettings(
        window=options.window, depth=options.depth, tracks=samples.tracks(), soft_clips=True, rows=options.rows
    )
    with working_folder() as folder, _packed(options, found, samples, settings, folder) as (desk, texts):
        total, sizes = 0, list[int]()
        with complete_or_absent(options.output) as path, path.open("w", encoding="utf-8", newline="") as page:
            for part in page_parts(desk, _noted(texts, sizes)):
                page.write(part)
                total += len(part)
    logger.info(
        "%d of %d candidates to judge: %.1f MB, %.1f kB each",
        len(found.facts), found.total, total / 1e6, total / 1e3 / max(1, len(found.facts)),
    )  # fmt: skip
    if large := sum(size > LARGEST_TEXT for size in sizes):
        logger.warning(
            "%d of %d candidates take more than %d kB in the page, up to %.0f: give a smaller --depth or --window",
            large, len(sizes), LARGEST_TEXT // 1000, max(sizes) / 1e3,
        )  # fmt: skip


def _noted(texts: "Iterator[str]", sizes: list[int]) -> "Iterator[str]":
    """The texts, whose lengths go into `sizes`."""
    for text in texts:
        sizes.append(len(text))
        yield text


@contextlib.contextmanager
def _packed(
    options: ReviewCallsSettings, found: "Listed", samples: "Samples", settings: TensorSettings, folder: Path
) -> "Iterator[tuple[Desk, Iterator[str]]]":
    """What the page is of, and the data of its candidates, one by one."""
    from varproof.formats.tensors import TensorReader, tensor_writer
    from varproof.machinery.output import provenance
    from varproof.machinery.progress import progress
    from varproof.pileup.pipeline import TensorJob, packed_chunks, tensor_header
    from varproof.report.desk import Desk
    from varproof.report.desk_reads import ReadsOfRows
    from varproof.steps.attention import attention_told
    from varproof.steps.reviewed import near_chosen

    near, places = near_chosen(options, found, folder)
    job = TensorJob(near, options.reference, samples, settings=settings)
    job.check_reads()
    header = tensor_header(job, "")
    shown = [(entry.chrom, entry.pos - 1, entry.ref, entry.alt) for entry in found.entries]
    tensors = folder / "tensors.h5"
    with tensor_writer(tensors, header) as writer, progress(len(found.facts), "reads of candidates") as advance:
        for part in packed_chunks(job, options.worker_count):
            writer.append(part)
            advance(part.size)
    desk = Desk(
        calls=options.calls.name,
        total=found.total,
        choice=options.choose,
        events=",".join(options.events),
        tracks=list(zip(header.samples, settings.tracks, strict=True)),
        window=settings.window,
        entries=found.entries,
        made_of=provenance("review-calls", options.model_copy(update={"explained": None})),
        none_judged=found.none_judged,
        explained=options.explained is not None,
    )
    with (
        attention_told(options.explained, options.calls, shown, header) as told,
        TensorReader(tensors) as reader,
        contextlib.closing(ReadsOfRows(samples.reads, options.reference, list(header.contigs))) as reads,
    ):
        yield desk, _texts(reader, [places[number] for number in found.numbers], found.facts, reads, told)


def _texts(
    reader: "TensorReader", places: list[int], facts: "list[CandidateFacts]", reads: "ReadsOfRows", told: "Told"
) -> "Iterator[str]":
    """The data of each candidate in the page; empty where nothing was packed."""
    from varproof.report.desk_data import packed_text
    from varproof.report.pileup_haplotypes import group_of, neighbours

    for place, said in zip(places, facts, strict=True):
        tensors = reader.read(place, place + 1)
        if tensors.skipped[0]:
            yield ""
        else:
            group = group_of(tensors, 0, neighbours(reader, place))
            yield packed_text(tensors, 0, group, told(tensors, said), reads.of(tensors, 0))
