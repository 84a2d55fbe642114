"""Scored calls for tests, written with pysam: what score-posterior would have written, with known contents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from varproof.formats.density import encode_density
from varproof.formats.events import EVENTS
from varproof.formats.vcf import to_phred


@dataclass
class Call:
    """A record to write. `errors`: per alternative allele the probability of not SOMATIC_TUMOR, or None for SKIPPED."""

    pos: int
    ref: str
    alts: str | Sequence[str]
    errors: float | Sequence[float] | None = 0.01
    vafs: float | Sequence[float] = 0.3
    depth: int = 40
    contig: str = "chr1"
    info: dict[str, Any] = field(default_factory=dict)
    genotype: tuple[int | None, ...] | None = None


def density_text(vaf: float, depth: int) -> str:
    """AFD of `round(vaf * depth)` reads of `depth` under a flat prior."""
    grid = np.linspace(0, 1, 201)
    reads = round(vaf * depth)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_density = np.where(grid > 0, reads * np.log(grid), -np.inf if reads else 0.0)
        log_density = log_density + np.where(grid < 1, (depth - reads) * np.log1p(-grid), 0.0 if depth == reads else -np.inf)
    return encode_density(grid, log_density)


def header(*, events: Sequence[str] = EVENTS, samples: Sequence[str] = ("tumor", "normal"), density: bool = True) -> Any:
    """A scored file's header."""
    made = pysam.VariantHeader()
    for contig in ("chr1", "chr2"):
        made.contigs.add(contig, length=100_000)
    for event in events:
        made.info.add(f"PROB_{event}", "A", "Float", f"posterior of {event}, PHRED")
    made.info.add("SKIPPED", 1, "String", "why it was not judged")
    made.info.add("AC", "A", "Integer", "per allele")
    made.info.add("AN", 1, "Integer", "per record")
    made.info.add("AD", "R", "Integer", "per allele with the reference")
    made.info.add("SVLEN", 1, "Integer", "length")
    made.info.add("END", 1, "Integer", "end")
    made.formats.add("GT", 1, "String", "genotype")
    made.formats.add("PL", "G", "Integer", "per genotype")
    made.formats.add("DP", 1, "Integer", "fragments")
    made.formats.add("AF", "A", "Float", "MAP allele frequency")
    if density:
        made.formats.add("AFD", "A", "String", "posterior density")
    for sample in samples:
        made.add_sample(sample)
    return made


def write_scored(path: Path, calls: Sequence[Call], head: Any = None) -> Path:
    """Write calls in the given order; the suffix decides the format."""
    head = head or header()
    mode = {".vcf": "w", ".gz": "wz", ".bcf": "wb"}[path.suffix]
    events = [name.removeprefix("PROB_") for name in head.info if name.startswith("PROB_")]
    with pysam.VariantFile(str(path), mode, header=head) as out:
        for call in calls:
            alts = (call.alts,) if isinstance(call.alts, str) else tuple(call.alts)
            record = out.new_record(contig=call.contig, start=call.pos - 1, alleles=(call.ref, *alts))
            for key, value in call.info.items():
                if key == "END":
                    record.stop = value
                else:
                    record.info[key] = value
            vafs = (call.vafs,) * len(alts) if isinstance(call.vafs, float) else tuple(call.vafs)
            if call.errors is None:
                record.info["SKIPPED"] = "symbolic_allele"
            else:
                errors = (call.errors,) * len(alts) if isinstance(call.errors, float) else tuple(call.errors)
                for event in events:
                    if event in ("SOMATIC_TUMOR", "CNN_SOMATIC", "COMBINED_SOMATIC"):
                        record.info[f"PROB_{event}"] = tuple(to_phred(1 - error) for error in errors)
                    else:
                        rest = sum(1 for other in events if other.startswith("CNN_") == event.startswith("CNN_")) - 1
                        record.info[f"PROB_{event}"] = tuple(to_phred(error / rest) for error in errors)
                for sample in record.samples.values():
                    sample["DP"] = call.depth
                    sample["AF"] = vafs
                    if "AFD" in head.formats:
                        sample["AFD"] = tuple(density_text(vaf, call.depth) for vaf in vafs)
            if call.genotype is not None:
                for sample in record.samples.values():
                    sample["GT"] = call.genotype
            out.write(record)
    return path


def write_truth(path: Path, alleles: Sequence[tuple[Any, ...]], *, events: bool = True, contig: str = "chr1") -> Path:
    """Truth of (pos, ref, alt[, AF[, EVENT]]) in the given order."""
    head = pysam.VariantHeader()
    head.contigs.add(contig, length=100_000)
    head.info.add("AF", "A", "Float", "planted")
    if events:
        head.info.add("EVENT", 1, "String", "what it is")
    with pysam.VariantFile(str(path), "w", header=head) as out:
        for pos, ref, alt, *rest in alleles:
            alts = (alt,) if isinstance(alt, str) else alt
            record = out.new_record(contig=contig, start=pos - 1, alleles=(ref, *alts))
            if rest:
                record.info["AF"] = (rest[0],) * len(alts)
            if events:
                record.info["EVENT"] = rest[1] if len(rest) > 1 else "SOMATIC_TUMOR"
            out.write(record)
    return path


def read_all(path: Path) -> list[Any]:
    """All records."""
    verbosity = pysam.set_verbosity(0)
    with pysam.VariantFile(str(path)) as handle:
        records = list(handle)
    pysam.set_verbosity(verbosity)
    return records
