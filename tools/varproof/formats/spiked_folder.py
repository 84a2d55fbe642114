"""A folder of spike-variants, as far as others need it: reads with planted variants, candidates and the truth."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from varproof.formats.json_file import read_json
from varproof.machinery.errors import UserError


class SpikedSettings(BaseModel):
    """What is read of the settings in spiking.json; there are more."""

    purity: float = Field(gt=0, le=1, description="fraction of tumour cells")
    seed: int
    reads: str
    second_reads: str | None = None


class SpikedSummary(BaseModel):
    """What is read of spiking.json."""

    schema_: Literal["varproof/spiking/1"] = Field(alias="schema", default="varproof/spiking/1")
    settings: SpikedSettings
    provenance: str = "{}"

    @property
    def input_digests(self) -> dict[str, str]:
        """Digests of what the folder was made of, by name; none where the file doesn't tell."""
        try:
            return {str(name): str(digest) for name, digest in json.loads(self.provenance)["input_digests"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            return {}


@dataclass(frozen=True, slots=True)
class SpikedFolder:
    """The files of a folder, all of which exist, and its settings."""

    path: Path
    tumor: Path
    normal: Path
    candidates: Path
    truth: Path
    summary: Path
    settings: SpikedSettings
    input_digests: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> list[Path]:
        """Whatever the results depend on."""
        return [self.tumor, self.normal, self.candidates, self.truth, self.summary]


def read_spiked_folder(path: Path) -> SpikedFolder:
    """The folder; raises UserError where a file is missing, or where spiking.json is damaged."""
    summary = _existing(path, "spiking.json")
    content = read_json(summary, SpikedSummary)
    return SpikedFolder(
        path,
        _existing(path, "tumor.bam", "tumor.cram"),
        _existing(path, "normal.bam", "normal.cram"),
        _existing(path, "candidates.vcf.gz"),
        _existing(path, "truth.vcf.gz"),
        summary,
        content.settings,
        content.input_digests,
    )


def _existing(folder: Path, *names: str) -> Path:
    """The one file of these names that is in the folder."""
    found = [folder / name for name in names if (folder / name).is_file()]
    if not found:
        raise UserError(f"{folder}: no {' or '.join(names)} in it; give a folder of spike-variants, or calls with --truth")
    if len(found) > 1:
        raise UserError(f"{folder}: has {' and '.join(names)}; leave one of them")
    return found[0]
