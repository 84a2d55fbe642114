"""Sites of known variants, such as dbSNP: a bgzipped VCF, or a BCF, with its index, looked up by place."""

from collections.abc import Iterator
from pathlib import Path

from varproof.formats.vcf import open_indexed
from varproof.machinery.errors import DamagedFile, OtherReference, UserError
from varproof.machinery.htslib import quiet
from varproof.reads.files import some_names


class KnownSites:
    """An open file of known sites; raises UserError where it has no index."""

    def __init__(self, path: Path) -> None:
        self._file, self._is_text = open_indexed(path)
        self.path = path
        self.contigs = list(self._file.contigs if self._is_text else self._file.header.contigs)

    def lines(self, contig: str, start: int, end: int) -> list[str]:
        """Records that overlap contig:start-end (0-based half-open), as text."""
        if contig not in self.contigs:
            return []
        try:
            with quiet():
                return [str(line) for line in self._file.fetch(contig, max(0, start), end)]
        except (OSError, ValueError, NotImplementedError) as error:
            raise DamagedFile(
                f"{self.path}: truncated or damaged at {contig}:{start + 1} or after ({error}); copy or make it again"
            ) from error

    def records(self, contig: str, start: int, end: int) -> Iterator[tuple[int, str, str, str]]:
        """(0-based position, ID, REF, ALT) of these; raises UserError for a line that is none."""
        for line in self.lines(contig, start, end):
            try:
                _, position, name, ref, alts = line.split("\t", 5)[:5]
                place = int(position) - 1
            except ValueError as error:
                raise UserError(f"{self.path}: not a VCF record: {line[:60]}") from error
            yield place, name, ref, alts


def require_known_contigs(known: KnownSites, contigs: list[str]) -> None:
    """Raise UserError unless some of `contigs`, which have reads, are in a file that has any."""
    if known.contigs and not set(known.contigs) & set(contigs):
        raise OtherReference(
            f"{known.path}: none of the contigs with reads ({some_names(contigs)}) is in it (it has "
            f"{some_names(known.contigs)}); use known sites of the same genome build, or rename with "
            "'bcftools annotate --rename-chrs'"
        )
