"""VCF and BCF: candidates in, records out as they came with fields added.

`CandidateReader` turns records into `Candidate`s (one per alternative allele, 0-based half-open, trimmed to what
differs); `VcfWriter` writes `.vcf`, `.vcf.gz` or `.bcf` (the latter two indexed), complete or not at all. Field names of
varproof are defined here once.
"""

import contextlib
import errno
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any

import pysam

from varproof.errors import UserError
from varproof.formats.output import STDOUT, check_output, complete_or_absent
from varproof.htslib import quiet
from varproof.numerics import PHRED_PER_LOG, exp10, log

EVENTS = ("SOMATIC_TUMOR", "SOMATIC_NORMAL", "GERMLINE_HET", "GERMLINE_HOM", "ARTIFACT", "ABSENT")
NETWORK_EVENTS = ("CNN_SOMATIC", "CNN_ARTIFACT")
COMBINED_EVENTS = ("COMBINED_SOMATIC", "COMBINED_ARTIFACT")
NETWORK_PROBABILITY, NETWORK_FILTER = "CNN_PROB", "cnn_artifact"
PROBABILITY_PREFIX = "PROB_"
MAX_PHRED = 300.0
SKIPPED = "SKIPPED"
NO_REFERENCE_SEQUENCE = "no_reference_sequence"
"""Why a candidate is skipped whose alleles could be judged, where the reference has N (or the allele)."""
ALLELE_FREQUENCY, ALLELE_FREQUENCY_DENSITY, DEPTH = "AF", "AFD", "DP"


class VariantType(str, Enum):
    """What an allele changes. A replacement has REF and ALT of different lengths, both longer than one after trimming."""

    SNV = "snv"
    MNV = "mnv"
    INSERTION = "insertion"
    DELETION = "deletion"
    REPLACEMENT = "replacement"


def trimmed_alleles(position: int, ref: str, alt: str) -> tuple[int, str, str]:
    """(position, ref, alt) without the shared suffix and prefix (either may become empty); 0-based position."""
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    shared = 0
    while shared < min(len(ref), len(alt)) and ref[shared] == alt[shared]:
        shared += 1
    return position + shared, ref[shared:], alt[shared:]


def variant_type(ref: str, alt: str) -> VariantType:
    """Type of a trimmed allele pair."""
    if len(ref) == len(alt):
        return VariantType.SNV if len(ref) == 1 else VariantType.MNV
    if not ref:
        return VariantType.INSERTION
    if not alt:
        return VariantType.DELETION
    return VariantType.REPLACEMENT


@dataclass(frozen=True, slots=True)
class Candidate:
    """One alternative allele: reference[start:end] (`ref`) is replaced by `alt`; 0-based half-open, trimmed, upper case.

    `skipped` names the reason why it can't be judged (then start, end, ref and alt are not meaningful beyond the record).
    """

    record: int
    allele: int
    contig: str
    start: int
    end: int
    ref: str
    alt: str
    skipped: str | None = None

    @property
    def type(self) -> VariantType:
        """Variant type."""
        if self.skipped is None and not self.ref and self.end > self.start:
            return VariantType.DELETION
        return variant_type(self.ref, self.alt)

    @property
    def length(self) -> int:
        """Number of bases that differ: of an SNV 1, of an MNV its width, of an indel the larger allele's length."""
        return max(self.end - self.start, len(self.alt))

    @property
    def length_change(self) -> int:
        """Length of the alternative haplotype minus that of the reference haplotype, bp."""
        return len(self.alt) - (self.end - self.start)


def info_value(record: Any, key: str) -> Any:
    """An INFO field as pysam gives it; None where the record or the header lacks it. Raises UserError for damaged text."""
    try:
        return record.info.get(key) if key in record.header.info else None
    except UnicodeDecodeError as error:
        raise UserError(f"record {record.contig}:{record.pos}: {key} is damaged: it is no text ({error.reason})") from error


def info_numbers(record: Any, key: str) -> tuple[float | None, ...] | None:
    """An INFO field of numbers; None where there is none. Raises UserError where the header declares it as another type."""
    values = info_value(record, key)
    if values is None:
        return None
    values = values if isinstance(values, tuple) else (values,)
    if any(isinstance(value, str | bool) for value in values):
        raise UserError(f"record {record.contig}:{record.pos}: {key} is no number; the header must declare it with Type=Float")
    return values


def _info(record: Any, key: str) -> Any:
    value = info_value(record, key)
    return value[0] if isinstance(value, tuple) else value


def candidates_of(record: Any, record_number: int) -> list[Candidate]:
    """The candidates of a record (a `pysam.VariantRecord`), one per ALT; a record without ALT has none."""
    found = []
    contig, position, reference_allele = record.contig, record.start, (record.ref or "").upper()
    sequence = _REFERENCE_BASES.issuperset(reference_allele)
    for allele, alt in enumerate(record.alts or ()):
        start, end, ref, new, skipped = position, position + len(reference_allele), reference_allele, "", None
        upper = alt.upper()
        if sequence and _BASES.issuperset(upper) and upper != reference_allele:
            start, ref, new = trimmed_alleles(position, reference_allele, upper)
            end = start + len(ref)
        elif upper == "<DEL>":
            stop, length = record.stop, _info(record, "SVLEN")
            if stop <= position + 1 and length:
                stop = position + 1 + abs(int(length))
            start, end, ref = position + 1, stop, ""
            if end <= start:
                skipped = "deletion_without_length"
        else:
            skipped = _reason(alt, same=sequence and upper == reference_allele)
        found.append(Candidate(record_number, allele, contig, start, end, ref, new, skipped))
    return found


_BASES, _REFERENCE_BASES = frozenset("ACGTN"), frozenset("ACGTNRYSWKMBDHV")


def _reason(alt: str, same: bool) -> str:
    """Why an alternative allele is no candidate; `same`: it is the reference's."""
    if alt.startswith("<"):
        return "symbolic_allele"
    if "[" in alt or "]" in alt or alt.startswith(".") or alt.endswith("."):
        return "breakend"
    if alt == "*":
        return "spanning_deletion"
    return "no_change" if same else "not_a_sequence"


def open_vcf(path: Path) -> Any:
    """A `pysam.VariantFile` for reading; raises UserError that names the file."""
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if path.is_dir():
        raise UserError(f"{path} is a folder, not a VCF file")
    try:
        with quiet():
            handle = pysam.VariantFile(str(path))
            str(handle.header)  # raises where it is no text
            return handle
    except NotImplementedError as error:
        raise UserError(f"{path}: not a readable VCF or BCF file ({error}); compress it with bgzip, not gzip") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable VCF or BCF file ({error})") from error


def read_records(path: Path, *, require_sorted: bool = True, declared: bool = True) -> Iterator[Any]:
    """Records of a VCF in order; raises UserError naming the record where the file breaks off or is not sorted.

    `declared`: records are going to be written again, so that their contigs and fields must be in the header.
    """
    with quiet(), open_vcf(path) as handle:
        finished: set[str] = set()
        contig, position, number = None, -1, 0
        known = _declared(handle.header)
        while True:
            try:
                record = next(handle)
            except StopIteration:
                break
            except (OSError, ValueError) as error:
                raise UserError(f"{path}: record {number + 1} is malformed or the file is truncated ({error})") from error
            number += 1
            here = _contig(path, number, record)
            if declared and _declared(handle.header) != known:
                _require_declared(path, number, record)
                known = _declared(handle.header)
            if require_sorted:
                if here != contig:
                    if here in finished:
                        raise UserError(
                            f"{path}: not sorted: contig {here} comes back at record {number}; sort it with 'bcftools sort'"
                        )
                    if contig is not None:
                        finished.add(contig)
                    contig, position = here, -1
                if record.start < position:
                    raise UserError(
                        f"{path}: not sorted: record {number} ({here}:{record.pos}) lies before the one above it; "
                        "sort it with 'bcftools sort'"
                    )
                position = record.start
            yield record


def _contig(path: Path, number: int, record: Any) -> str:
    try:
        return str(record.contig)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: record {number} is malformed: the name of its contig is no text ({error.reason})") from error


def _declared(header: Any) -> tuple[int, int, int, int]:
    """How much a header declares; htslib adds what a record uses beyond that, and then refuses to write the record."""
    return len(header.contigs), len(header.filters), len(header.info), len(header.formats)


def _require_declared(path: Path, number: int, record: Any) -> None:
    """Raise UserError for a record that uses what the file's own header does not declare."""
    with open_vcf(path) as handle:
        known = handle.header
    used = {
        "FILTER": (record.filter, known.filters),
        "INFO": (record.info, known.info),
        "FORMAT": (record.format, known.formats),
    }
    try:
        missing = [f"{kind} {key}" for kind, (keys, there) in used.items() for key in keys if key not in there]
    except UnicodeDecodeError:
        missing = ["a field whose name is no text"]
    advice = "add it with 'bcftools annotate --header-lines'"
    if record.contig not in known.contigs:
        missing, advice = [f"contig {record.contig}"], "add contigs with 'bcftools reheader --fai reference.fa.fai'"
    if missing:
        place = f"record {number} ({record.contig}:{record.pos})"
        raise UserError(f"{path}: {place} has {missing[0]}, which the header does not declare; {advice}")


def vcf_mode(path: Path) -> str:
    """pysam's mode for an output `.vcf`, `.vcf.gz`, `.bcf` or `-`; raises UserError for others and for an unwritable place."""
    name = path.name
    if path == STDOUT or name.endswith(".vcf"):
        mode = "w"
    elif name.endswith((".vcf.gz", ".vcf.bgz")):
        mode = "wz"
    elif name.endswith(".bcf"):
        mode = "wb"
    else:
        raise UserError(f"output {path}: the suffix must be .vcf, .vcf.gz or .bcf")
    check_output(path)
    return mode


class VcfWriter:
    """Writes records, complete or not at all; a context manager. `.vcf.gz` and `.bcf` get an index beside them."""

    def __init__(self, path: Path, header: Any) -> None:
        """`path`: `.vcf`, `.vcf.gz`, `.bcf` or `-`; raises UserError for another suffix or an unwritable place."""
        self.path = path
        self._mode = vcf_mode(path)
        self._header = header

    def __enter__(self) -> "VcfWriter":
        self._stack = contextlib.ExitStack()
        self._temporary = self._stack.enter_context(complete_or_absent(self.path))
        try:
            with quiet():
                self._file = pysam.VariantFile(str(self._temporary), self._mode, header=self._header)
        except (OSError, ValueError) as error:
            told = UserError(f"output {self.path}: can't be written ({error})")
            self._stack.__exit__(UserError, told, None)
            raise told from error
        return self

    @property
    def header(self) -> Any:
        """Header of the output (a `pysam.VariantHeader`)."""
        return self._file.header

    def new_record(self, **fields: Any) -> Any:
        """A record under the output's header."""
        return self._file.new_record(**fields)

    def write(self, record: Any) -> None:
        """Append a record; raises UserError for one that breaks the rules of VCF, which reading does not always notice."""
        try:
            self._file.write(record)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise
            raise UserError(f"record {record.contig}:{record.pos} is malformed: it can't be written ({error})") from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._file.close()
            if kind is None and self._mode != "w":
                self._build_index()
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.__exit__(kind, error, trace)

    def _build_index(self) -> None:
        if self._mode == "wb":
            pysam.tabix_index(str(self._temporary), preset="bcf", force=True, csi=True, keep_original=True)  # type: ignore[arg-type]
        else:
            longest = max((c.length or 0 for c in self._header.contigs.values()), default=0)
            pysam.tabix_index(str(self._temporary), preset="vcf", force=True, csi=longest > 2**29 - 1, keep_original=True)


def probability_field(event: str) -> str:
    """INFO field of an event's posterior."""
    return PROBABILITY_PREFIX + event


def to_phred(probability: float) -> float:
    """PHRED of a probability: 0 is certain, capped at MAX_PHRED, rounded to what a reader can use."""
    if probability <= exp10(-MAX_PHRED / 10):
        return MAX_PHRED
    return max(0.0, float(f"{-PHRED_PER_LOG * log(probability):.6g}"))


def from_phred(phred: float) -> float:
    """Probability of a PHRED value."""
    return exp10(-phred / 10)
