"""Writing VCF and BCF: records as their text, complete or not at all, under a header that declares what they use.

The header is written last, when it is known which contigs, filters and fields the records have that it lacks: callers forget
lines, and other programs refuse such files. The body waits in a file beside it; bgzipped parts may be joined as they are.
"""

import contextlib
import errno
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pysam

from varproof.formats.bgzf import BgzfWriter
from varproof.formats.record import FILTER, GENOTYPE, MISSING, Declared, Record, is_field_name, shown
from varproof.machinery.errors import NotIndexed, UserError
from varproof.machinery.htslib import quiet
from varproof.machinery.output import STDOUT, check_output, complete_or_absent

logger = logging.getLogger(__name__)

UNDECLARED = "Not described in the header of the input"
_COPY_BYTES = 1 << 20
_LONGEST_WITH_TBI = 2**29 - 1


def vcf_mode(path: Path) -> str:
    """'w', 'wz' or 'wb' for an output `.vcf` (or `-`), `.vcf.gz` or `.bcf`; raises UserError for others and for an unwritable
    place.
    """
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


def _raise_if_of_the_system(error: Exception) -> None:
    """Raise an error that is none of the records, as that of a full disk."""
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
        raise error


class VcfWriter:
    """Writes records, complete or not at all; a context manager. `.vcf.gz` and `.bcf` get an index beside them."""

    def __init__(self, path: Path, header: Any, contig_lengths: Mapping[str, int] | None = None) -> None:
        """`path`: `.vcf`, `.vcf.gz`, `.bcf` or `-`; `header`: a `pysam.VariantHeader`, to which what records use beyond it is
        added, with `contig_lengths` (bp) for contigs. Raises UserError for another suffix or an unwritable place.
        """
        self.path = path
        self.header = header
        self._mode = vcf_mode(path)
        self._lengths = contig_lengths or {}

    def __enter__(self) -> "VcfWriter":
        self.declared = Declared.of(self.header)
        self._known = {
            "contig": set(self.declared.contigs),
            "INFO": set(self.declared.info),
            "FORMAT": set(self.declared.formats),
            "FILTER": set(self.header.filters) | {"PASS", MISSING},
        }
        self._missing: dict[str, dict[str, None]] = {kind: {} for kind in self._known}
        self._flags: set[str] = set()
        self._formats = {MISSING}
        self._stack = contextlib.ExitStack()
        self._temporary = self._stack.enter_context(complete_or_absent(self.path))
        try:
            self._body_path = self._temporary.with_name("body.vcf.gz" if self._mode == "wz" else "body.vcf")
            self._body = BgzfWriter(self._body_path) if self._mode == "wz" else self._body_path.open("wb")
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        return self

    def new_record(
        self,
        contig: str,
        start: int,
        alleles: Sequence[str],
        *,
        id: str | None = None,
        qual: float | None = None,
        filter: Iterable[str] = (),
        info: Mapping[str, Any] | None = None,
    ) -> Record:
        """A record under the output's header; `start` is 0-based."""
        columns = [contig, str(start + 1), id or MISSING, alleles[0], ",".join(alleles[1:]) or MISSING, shown(qual)]
        columns += [";".join(filter or ()) or MISSING, MISSING]
        if self.declared.samples:
            columns += [MISSING] * (1 + len(self.declared.samples))
        record = Record("\t".join(columns), self.declared)
        for name, value in (info or {}).items():
            record.info[name] = value
        return record

    def write(self, record: Record) -> None:
        """Append a record."""
        self._note(record)
        self._body.write(record.line.encode("utf-8", "surrogateescape") + b"\n")

    def _note(self, record: Record) -> None:
        """Remember what the record uses and the header does not declare."""
        known = self._known
        if record.contig not in known["contig"]:
            self._lacking("contig", record.contig)
        for entry in record.entries:
            name, equals, _ = entry.partition("=")
            if name not in known["INFO"] and name:
                self._lacking("INFO", name)
                if not equals:
                    self._flags.add(name)
        filters = record.columns[FILTER]
        if filters not in known["FILTER"]:
            for name in filters.split(";"):
                if name not in known["FILTER"]:
                    self._lacking("FILTER", name)
        if len(record.columns) > 8 and record.columns[8] not in self._formats:
            self._formats.add(record.columns[8])
            for name in record.format:
                if name not in known["FORMAT"]:
                    self._lacking("FORMAT", name)

    def _lacking(self, kind: str, name: str) -> None:
        self._known[kind].add(name)
        self._missing[kind][name] = None

    def _complete_header(self) -> None:
        for name in self._missing["contig"]:
            length = f",length={self._lengths[name]}" if name in self._lengths else ""
            self.header.add_line(f"##contig=<ID={name}{length}>")
        for name in self._missing["FILTER"]:
            self.header.add_line(f'##FILTER=<ID={name},Description="{UNDECLARED}">')
        for kind in ("INFO", "FORMAT"):
            for name in self._missing[kind]:
                if not is_field_name(name):
                    continue
                typed = "Number=0,Type=Flag" if kind == "INFO" and name in self._flags else "Number=.,Type=String"
                typed = "Number=1,Type=String" if name == GENOTYPE else typed
                self.header.add_line(f'##{kind}=<ID={name},{typed},Description="{UNDECLARED}">')
        told = [f"{kind} {name}" for kind, names in self._missing.items() if kind != "contig" for name in names]
        if told:
            logger.warning(
                "the header of the input does not describe %s; written as strings or flags. Describe them with "
                "'bcftools annotate --header-lines' to give them a type",
                ", ".join(told),
            )
        if without := [name for name in self._missing["contig"] if name not in self._lengths]:
            logger.warning("the header of the input lacks the contigs %s, whose lengths are not known", ", ".join(without))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._body.close()
            if kind is None:
                self._finish()
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.__exit__(kind, error, trace)

    def _finish(self) -> None:
        try:
            self._complete_header()
            text = str(self.header).encode("utf-8", "surrogateescape")
        except (OSError, ValueError) as error:
            raise UserError(f"output {self.path}: its header can't be written ({error})") from error
        whole = self._temporary if self._mode != "wb" else self._temporary.with_name("whole.vcf")
        if self._mode == "wz":
            with BgzfWriter(whole, ended=False) as head:
                head.write(text)
        else:
            whole.write_bytes(text)
        with whole.open("ab") as out, self._body_path.open("rb") as body:
            shutil.copyfileobj(body, out, _COPY_BYTES)
        self._body_path.unlink()
        if self._mode == "wb":
            self._convert(whole)
        if self._mode != "w":
            self._build_index()

    def _convert(self, text: Path) -> None:
        """Make a BCF of the text."""
        number = 0
        try:
            with quiet(), contextlib.ExitStack() as stack:
                source = stack.enter_context(pysam.VariantFile(str(text)))
                out = stack.enter_context(pysam.VariantFile(str(self._temporary), "wb", header=source.header))
                for record in source:
                    out.write(record)
                    number += 1
        except (OSError, ValueError) as error:
            _raise_if_of_the_system(error)
            raise UserError(
                f"output {self.path}: record {number + 1} does not fit a BCF, which knows types only ({error}); write .vcf.gz"
            ) from error
        text.unlink()

    def _build_index(self) -> None:
        longest = max((contig.length or 0 for contig in self.header.contigs.values()), default=0)
        preset, csi = ("bcf", True) if self._mode == "wb" else ("vcf", longest > _LONGEST_WITH_TBI)
        try:
            with quiet():
                pysam.tabix_index(str(self._temporary), preset=preset, force=True, csi=csi, keep_original=True)  # type: ignore[arg-type]
        except (OSError, ValueError) as error:
            _raise_if_of_the_system(error)
            raise NotIndexed(f"output {self.path}: can't be indexed ({error}); are its records sorted?") from error
