"""A VCF as the text that it is, column by column, for tests that ask whether bytes survive."""

import gzip
from dataclasses import dataclass
from pathlib import Path

import pysam.bcftools


@dataclass(frozen=True)
class VcfText:
    """Names of the samples, and the columns of each record."""

    samples: list[str]
    records: list[list[str]]

    def values_of(self, record: list[str], sample: str) -> dict[str, str]:
        """FORMAT key -> value of a sample in a record; values left out at the end are missing."""
        values = record[9 + self.samples.index(sample)].split(":")
        return dict(zip(record[8].split(":"), values, strict=False))


def vcf_text(path: Path) -> VcfText:
    """The text of a VCF, plain or compressed, or of a BCF as bcftools writes it."""
    start = path.read_bytes()[:2]
    if path.suffix == ".bcf":
        text = str(pysam.bcftools.view("--no-version", str(path)))  # type: ignore[attr-defined]
    elif start == b"\x1f\x8b":
        text = gzip.decompress(path.read_bytes()).decode()
    else:
        text = path.read_text()
    lines = [line.split("\t") for line in text.splitlines() if not line.startswith("##")]
    return VcfText(lines[0][9:], lines[1:])
