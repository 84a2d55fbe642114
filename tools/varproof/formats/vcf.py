"""VCF and BCF: candidates in, records out as they came with fields added.

`read_records` gives records as their text (`record`), `candidates_of` turns them into `Candidate`s (one per alternative allele,
0-based half-open, trimmed to what differs); `VcfWriter` (`vcf_output`) writes `.vcf`, `.vcf.gz` or `.bcf` (the latter two
indexed), complete or not at all. Field names of varproof are defined here once.
"""

import contextlib
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pysam

from varproof.formats.record import COLUMNS_LINE, Declared, Record
from varproof.formats.vcf_output import VcfWriter, vcf_mode
from varproof.machinery.errors import DamagedFile, NotIndexed, NotSorted, OtherFormat, UserError, require_file
from varproof.machinery.htslib import quiet
from varproof.machinery.numerics import PHRED_PER_LOG, exp10, log

__all__ = ["COLUMNS_LINE", "VcfWriter", "vcf_mode"]

PREDICTED_LINE = "varproof_predict_result"
"""Line of the header in which predict tells shares of real candidates, and which rates it can promise, as JSON."""

NETWORK_PROBABILITY, NETWORK_FILTER = "CNN_PROB", "cnn_artifact"
PROBABILITY_PREFIX = "PROB_"
MAX_PHRED = 300.0
SKIPPED = "SKIPPED"
NO_REFERENCE_SEQUENCE = "no_reference_sequence"
"""Why a candidate is skipped whose alleles could be judged, where the reference has N (or the allele)."""
NO_ALTERNATIVE_ALLELE, NOT_JUDGED = "no_alternative_allele", "not_judged"
GENOTYPE, ALLELE_DEPTH, DEPTH, ALLELE_FREQUENCY = "GT", "AD", "DP", "AF"
"""What programs downstream read of a sample: filled with what was observed, where the caller gave none."""

MODE, DENSITY, FRAGMENTS = "VP_MAP", "VP_AFD", "VP_DP"
"""varproof's own: most probable frequency (of the tumour: in its cells, corrected for purity), its density, fragments."""

EARLIER_DENSITY = "AFD"
"""The density's name in files of version 0.1, where AF was the most probable frequency."""

REASON, TUMOR_ONLY, SAME_EVENT = "VP_REASON", "VP_TUMOR_ONLY", "VP_SAME_EVENT"
MODEL_PROBABILITY, POPULATION_FREQUENCY = "VP_PROB_MODEL", "VP_POPAF"

ANY_LENGTH = 2**40
"""bp of a contig whose length a header does not tell."""

RESOURCE_LINE = "varproof_germline_resource"
"""Key of the header line that says which germline resource was used, and how many candidates are in it."""

CALLER_FILTER, KEPT_ALLELES = "VP_CALLER_FILTER", "VP_FILTER"
OWN_FILTERS = "vp_"
"""What fdr-filter writes: what the caller had in FILTER, the FILTER of each allele; and how names of its own filters begin."""


def contig_lengths_of(header: Any) -> dict[str, int]:
    """Contig -> length, bp, in the order of a header; `ANY_LENGTH` of those whose length it does not tell."""
    return {name: header.contigs[name].length or ANY_LENGTH for name in header.contigs}


def info_value(record: Any, key: str) -> Any:
    """Value of an INFO field; None where the record lacks it. Raises UserError for damaged text."""
    return record.info.get(key)


def info_numbers(record: Any, key: str) -> tuple[float | None, ...] | None:
    """An INFO field of numbers; None where there is none. Raises UserError where the header declares it as another type."""
    values = info_value(record, key)
    if values is None:
        return None
    values = values if isinstance(values, tuple) else (values,)
    if any(isinstance(value, str | bool) for value in values):
        raise UserError(f"record {record.contig}:{record.pos}: {key} is no number; the header must declare it with Type=Float")
    return values


def open_vcf(path: Path) -> Any:
    """A `pysam.VariantFile` for reading; raises UserError that names the file."""
    require_file(path, "VCF")
    try:
        with quiet():
            handle = pysam.VariantFile(str(path))
            str(handle.header)  # raises where it is no text
            return handle
    except NotImplementedError as error:
        raise OtherFormat(f"{path}: not a readable VCF or BCF file ({error}); compress it with bgzip, not gzip") from error
    except (OSError, ValueError) as error:
        raise OtherFormat(f"{path}: not a readable VCF or BCF file ({error})") from error


def open_indexed(path: Path) -> tuple[Any, bool]:
    """(a bgzipped VCF, or a BCF, open to be looked up by place; whether its lines come as text).

    Raises UserError, saying how to make one, for a file without an index that can be read.
    """
    with quiet(), open_vcf(path) as handle:
        is_text, compressed = handle.format != "BCF", handle.compression == "BGZF"
    if not compressed:
        raise NotIndexed(
            f"{path}: no index; compress it with 'bgzip {path}', and index that with 'tabix -p vcf {path}.gz'"
            if is_text
            else f"{path}: no index; compress it with 'bcftools view -Ob', and index that with 'bcftools index'"
        )
    make = f"make it with '{'tabix -p vcf' if is_text else 'bcftools index'} {path}'"
    try:
        with quiet():
            found: Any = pysam.TabixFile(str(path)) if is_text else pysam.VariantFile(str(path))
    except (OSError, ValueError, NotImplementedError) as error:
        raise NotIndexed(f"{path}: no index beside it that can be read; {make}") from error
    if not is_text and found.index is None:
        found.close()
        raise NotIndexed(f"{path}: no index beside it that can be read; {make}")
    return found, is_text


def _declared(path: Path, header: Any, sample: str | None) -> Declared:
    try:
        return Declared.of(header, sample)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def read_records(path: Path, *, require_sorted: bool = True, sample: str | None = None) -> Iterator[Record]:
    """Records of a VCF in order; raises UserError naming the record where the file breaks off or is not sorted.

    `sample`: whose column stands for the tumour's, by its name (default: as the header says).
    """
    with quiet(), open_vcf(path) as handle:
        header = _declared(path, handle.header, sample)
        finished: set[str] = set()
        contig, position, number = None, -1, 0
        lines = _lines(path, handle)
        while True:
            try:
                line = next(lines, None)
                if line is None:
                    break
                record = Record(line, header)
            except (OSError, EOFError, zlib.error, ValueError, UserError) as error:
                raise DamagedFile(f"{path}: record {number + 1} is malformed or the file is truncated ({error})") from error
            number += 1
            here = record.contig
            if require_sorted:
                if here != contig:
                    if here in finished:
                        raise NotSorted(
                            f"{path}: not sorted: contig {here} comes back at record {number}; sort it with 'bcftools sort'"
                        )
                    if contig is not None:
                        finished.add(contig)
                    contig, position = here, -1
                if record.start < position:
                    raise NotSorted(
                        f"{path}: not sorted: record {number} ({here}:{record.pos}) lies before the one above it; "
                        "sort it with 'bcftools sort'"
                    )
                position = record.start
            yield record


def _lines(path: Path, handle: Any) -> Iterator[str]:
    """The lines of the records, as they stand in a VCF, or as htslib writes those of a BCF."""
    if handle.format == "BCF":
        for record in handle:
            yield str(record).rstrip("\n")
        return
    with contextlib.closing(path.open("rb") if handle.compression == "NONE" else gzip.open(path, "rb")) as file:
        in_header = True
        for data in file:
            in_header = in_header and data.startswith(b"#")
            if not in_header:
                yield data.decode("utf-8", "surrogateescape").rstrip("\r\n")


def probability_field(event: str) -> str:
    """INFO field of an event's posterior."""
    return PROBABILITY_PREFIX + event


_LEAST_PROBABILITY = exp10(-MAX_PHRED / 10)


def to_phred(probability: float) -> float:
    """PHRED of a probability: 0 is certain, capped at MAX_PHRED, rounded to what a reader can use; ValueError for NaN."""
    if probability != probability:
        raise ValueError("not a number is no probability")
    if probability <= _LEAST_PROBABILITY:
        return MAX_PHRED
    return max(0.0, float(f"{-PHRED_PER_LOG * log(probability):.6g}"))


def from_phred(phred: float) -> float:
    """Probability of a PHRED value."""
    return exp10(-phred / 10)
