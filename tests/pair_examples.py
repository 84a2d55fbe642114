"""A tumour/normal pair of eight loci with a known event each, on 6 kb, written by hand and not by the simulator."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from evidence_examples import PROPERTIES, Locus, header_text, plain_sequence
from small_bams import Read, write_bam, write_fasta
from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
from varproof.formats.events import EVENTS
from varproof.formats.json_file import write_json
from varproof.formats.vcf import from_phred

PURITY = 0.8
SPACING = 700
EXTRA_HEADER = (
    '##FILTER=<ID=LowQual,Description="low">\n'
    '##INFO=<ID=SCORE,Number=A,Type=Float,Description="a score per allele">\n'
    '##INFO=<ID=NOTE,Number=1,Type=String,Description="a note">\n'
    '##INFO=<ID=DB,Number=0,Type=Flag,Description="known">\n'
    '##INFO=<ID=END,Number=1,Type=Integer,Description="end">\n'
    '##INFO=<ID=SVLEN,Number=1,Type=Integer,Description="length">\n'
    '##ALT=<ID=DEL,Description="deletion">\n'
    '##ALT=<ID=DUP,Description="duplication">\n'
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="genotype">\n'
)


@dataclass
class Site:
    """One locus: what it is, and the fraction of copies with the allele in each sample."""

    name: str
    event: str
    locus: Locus
    tumor: float
    normal: float


@dataclass
class Pair:
    """Files of the pair, and its sites in order."""

    folder: Path
    reference: Path
    tumor: Path
    normal: Path
    properties: Path
    sequence: str
    sites: list[Site]

    def site(self, name: str) -> Site:
        return next(site for site in self.sites if site.name == name)

    def records(self) -> list[tuple[int, str, str]]:
        return [site.locus.record() for site in self.sites]

    def options(self, candidates: Path, output: Path) -> dict[str, Any]:
        """Keyword options of score-posterior for the pair."""
        return {
            "candidates": candidates, "reference": self.reference, "tumor": self.tumor, "normal": self.normal,
            "purity": PURITY, "alignment_tumor": self.properties, "alignment_normal": self.properties, "output": output,
            "territory": 100_000.0, "learn_from": "candidates",
        }  # fmt: skip


def other_base(base: str, step: int = 1) -> str:
    return "ACGT"[("ACGT".index(base) + step) % 4]


def write_pair(folder: Path) -> Pair:
    """Reads of 30 fragments per locus and sample; alt fragments in the given share, spread over both strands."""
    sequence = list(plain_sequence(9 * SPACING, seed=21))
    places = {name: SPACING * (i + 1) for i, name in enumerate(
        ["somatic snv", "germline het", "repeat deletion", "insertion", "absent", "long deletion", "germline hom", "tandem"]
    )}  # fmt: skip
    at = places["repeat deletion"]
    sequence[at : at + 16] = "CA" * 8
    sequence[at - 1], sequence[at + 16] = "G", "T"
    text = "".join(sequence)

    def edit(name: str, start: int, end: int, alt: str) -> Locus:
        return Locus(text, places[name] + start, places[name] + end, alt)

    def base(name: str, offset: int = 0) -> str:
        return other_base(text[places[name] + offset])

    sites = [
        Site("somatic snv", "SOMATIC_TUMOR", edit("somatic snv", 0, 1, base("somatic snv")), 0.4, 0.0),
        Site("germline het", "GERMLINE_HET", edit("germline het", 0, 1, base("germline het")), 0.5, 0.5),
        Site("repeat deletion", "SOMATIC_TUMOR", edit("repeat deletion", 0, 4, ""), 0.4, 0.0),
        Site("insertion", "SOMATIC_TUMOR", edit("insertion", 0, 0, "GATTCA"), 0.4, 0.0),
        Site("absent", "ABSENT", edit("absent", 0, 1, base("absent")), 0.0, 0.0),
        Site("long deletion", "SOMATIC_TUMOR", edit("long deletion", 0, 120, ""), 0.4, 0.0),
        Site(
            "germline hom", "GERMLINE_HOM", edit("germline hom", 0, 2, base("germline hom") + base("germline hom", 1)), 1.0, 1.0
        ),
        Site("tandem", "SOMATIC_TUMOR", edit("tandem", 0, 0, text[places["tandem"] - 12 : places["tandem"]]), 0.4, 0.0),
    ]
    fasta = write_fasta(folder / "reference.fa", {"chr1": text, "chr2": plain_sequence(2000, seed=5) + "N" * 60})
    bams = []
    for sample, depth in (("tumor", 40), ("normal", 30)):
        rng = np.random.default_rng(len(sample))
        reads: list[Read] = []
        for site in sites:
            locus = Locus(text, site.locus.start, site.locus.end, site.locus.alt)
            fraction = getattr(site, sample)
            for i, start in enumerate(np.linspace(-285, -15, depth).astype(int)):
                length = int(np.clip(rng.normal(300, 30), 220, 380))
                locus.add_pair(
                    site.locus.start + int(start), i * fraction % 1 < fraction if fraction else False,
                    length=length, first_forward=i // 3 % 2 == 0,
                )  # fmt: skip
            for read in locus.reads:
                read.name = f"{sample}:{site.name.replace(' ', '-')}:{read.name}"
            reads += locus.reads
        bams.append(write_bam(folder / f"{sample}.bam", {"chr1": len(text), "chr2": 2060}, reads))
    write_json(folder / "alignment.json", PROPERTIES)
    return Pair(folder, fasta, bams[0], bams[1], folder / "alignment.json", text, sites)


def write_records(path: Path, lines: list[Any], pair: Pair, samples: tuple[str, ...] = ()) -> Path:
    """A plain VCF of (0-based position, REF, ALT) on chr1, or whole lines."""
    contigs = {"chr1": len(pair.sequence), "chr2": 2060}
    head = header_text(contigs, EXTRA_HEADER)
    if samples:
        head = head.rstrip("\n") + "\tFORMAT\t" + "\t".join(samples) + "\n"
    made = [line if isinstance(line, str) else f"chr1\t{line[0] + 1}\t.\t{line[1]}\t{line[2]}\t.\t.\t." for line in lines]
    path.write_text(head + "".join(line + "\n" for line in made))
    return path


def scored(pair: Pair, folder: Path, lines: list[Any] | Path | None = None, name: str = "out.vcf", **changes: Any) -> Path:
    """Score candidates (default: all sites) of the pair; `changes` to the options, None leaves one out."""
    if not isinstance(lines, Path):
        lines = write_records(folder / "candidates.vcf", pair.records() if lines is None else lines, pair)
    values = pair.options(lines, folder / name) | changes
    if values.get("prior", "empirical") != "empirical":
        values["learn_from"] = None
    score_posterior(ScorePosteriorOptions(**{key: value for key, value in values.items() if value is not None}))
    return folder / name


def read_all(path: Path) -> list[Any]:
    with pysam.VariantFile(str(path)) as handle:
        return list(handle)


def probabilities(record: Any, allele: int = 0) -> dict[str, float]:
    """Event -> linear probability of one allele."""
    return {event: from_phred(record.info[f"PROB_{event}"][allele]) for event in EVENTS}


def scores(record: Any) -> tuple[Any, ...]:
    """Everything that varproof wrote about a record, to compare two runs."""
    return (
        *(record.info.get(f"PROB_{event}") for event in EVENTS),
        record.info.get("SKIPPED"),
        *((name, sample.get("DP"), sample.get("VP_MAP"), sample.get("VP_AFD")) for name, sample in record.samples.items()),
    )


def body(path: Path) -> list[str]:
    """Lines of a plain VCF below its header."""
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]
