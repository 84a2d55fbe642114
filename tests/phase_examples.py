"""A tumour and a normal whose haplotypes are written by hand: which alleles lie on which copy, in which share of the cells."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidence_examples import PROPERTIES, Locus, header_text, plain_sequence
from small_bams import Read, write_bam, write_fasta
from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
from varproof.formats.json_file import write_json

REFERENCE = plain_sequence(6000, seed=4)
STARTS = range(-285, -15, 9)
"""Thirty fragments around a place, whose reads have what lies within 40 bp of it, and their mates what lies 200 bp on."""

Variant = tuple[int, int, str]
"""0-based half-open interval of the reference and what it becomes."""


def snv(position: int, step: int = 1) -> Variant:
    return position, position + 1, "ACGT"[("ACGT".index(REFERENCE[position]) + step) % 4]


def record(variant: Variant) -> tuple[int, str, str]:
    """(0-based position, REF, ALT): an indel with the base before."""
    start, end, alt = variant
    before = 0 if len(alt) == end - start else 1
    return start - before, REFERENCE[start - before : end], REFERENCE[start - before : start] + alt


def haplotype_reads(variants: list[Variant], around: int, name: str, starts: Any = STARTS) -> list[Read]:
    """Pairs of reads of a haplotype, aligned as one replacement from the first variant to the last."""
    if not variants:
        start, end, alt = around, around, ""
    else:
        variants = sorted(variants)
        start, end = variants[0][0], variants[-1][1]
        alt, position = "", start
        for first, last, new in variants:
            alt += REFERENCE[position:first] + new
            position = last
    item = Locus(REFERENCE, start, end, alt)
    if len(alt) == end - start:
        item = Locus(REFERENCE[:start] + alt + REFERENCE[end:], start, start, "")
    for i, offset in enumerate(starts):
        item.add_pair(around + offset, len(alt) != end - start, first_forward=i % 2 == 0)
    for number, read in enumerate(item.reads):
        read.name = f"{name}{number // 2}"
    return item.reads


@dataclass
class Haplotypes:
    """What lies around one place: haplotypes of the tumour and of the normal, each with thirty fragments."""

    around: int
    tumor: list[list[Variant]] = field(default_factory=list)
    normal: list[list[Variant]] = field(default_factory=list)


def scored(folder: Path, places: list[Haplotypes], lines: list[Any], samples: tuple[str, ...] = (), formats: str = "",
           **options: Any) -> Path:  # fmt: skip
    """The scored VCF of `lines`, records or (0-based position, REF, ALT), in their order."""
    bams = {}
    for sample in ("tumor", "normal"):
        reads: list[Read] = []
        for i, place in enumerate(places):
            for j, variants in enumerate(getattr(place, sample)):
                reads += haplotype_reads(variants, place.around, f"{sample}{i}-{j}-")
        bams[sample] = write_bam(folder / f"{sample}.bam", {"chr1": len(REFERENCE)}, reads)
    fasta = write_fasta(folder / "reference.fa", {"chr1": REFERENCE})
    write_json(folder / "alignment.json", PROPERTIES)
    head = header_text({"chr1": len(REFERENCE)}, formats)
    if samples:
        head = head.rstrip("\n") + "\tFORMAT\t" + "\t".join(samples) + "\n"
    made = [line if isinstance(line, str) else f"chr1\t{line[0] + 1}\t.\t{line[1]}\t{line[2]}\t.\t.\t." for line in lines]
    (folder / "candidates.vcf").write_text(head + "".join(line + "\n" for line in made))
    values = {
        "candidates": folder / "candidates.vcf", "reference": fasta, "tumor": bams["tumor"], "normal": bams["normal"],
        "alignment_tumor": folder / "alignment.json", "alignment_normal": folder / "alignment.json", "purity": 1.0,
        "territory": 100_000.0, "output": folder / "scored.vcf",
    }  # fmt: skip
    score_posterior(ScorePosteriorOptions(**(values | options)))
    return values["output"] if "output" not in options else options["output"]
