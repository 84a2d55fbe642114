"""The samples that are judged without their normal, and what each is judged with."""

from collections.abc import Collection
from dataclasses import dataclass

from regimes_samples import OF_PANEL, Sample

PURITIES = ("0.3", "0.6", "0.95")
NORMALS = 40
"""Normals of other people of each sample."""

_OF_ONE_TUMOR = {"--population": "", "--tumor-depth": "60", "--max-vaf": "1.0"}
_WHOLE_GENOME = _OF_ONE_TUMOR | {
    "--somatic-snvs": "60",
    "--somatic-mnvs": "6",
    "--somatic-insertions": "15",
    "--somatic-deletions": "15",
    "--subclones": "0.35",
}
_TARGETED = _OF_ONE_TUMOR | OF_PANEL | {"--purity": "0.6"}
_CHANGED = {"diploid": "0", "copies-30": "0.3", "copies-100": "1"}


def _genome(description: str, **more: str) -> Sample:
    options = {f"--{name.replace('_', '-')}": value for name, value in more.items()}
    return Sample(f"60×/30×, {description}", _WHOLE_GENOME | options, None)


SAMPLES: dict[str, Sample] = {
    **{
        f"{name}-{purity}": _genome(
            f"purity {purity}, copy number changed in {100 * float(share):.0f} % of the genome",
            purity=purity,
            copy_number_fraction=share,
        )
        for name, share in _CHANGED.items()
        for purity in PURITIES
    },
    "doubled": _genome(
        "purity 0.6, genome doubled, half of it changed beside", purity="0.6", genome_doubling="", copy_number_fraction="0.5"
    ),
    "paralogs": _genome("purity 0.6, collapsed paralogs, 30/Mbp", purity="0.6", collapsed_paralogs_per_mbp="30"),
    "ffpe": _genome(
        "purity 0.6, C>T places of paraffin, 300/Mbp, none in any normal",
        purity="0.6",
        ffpe_loci_per_mbp="300",
        normal_damage_ratio="0",
    ),
    "ffpe-cohort": _genome(
        "the same, normals in paraffin, too, at half of the rate",
        purity="0.6",
        ffpe_loci_per_mbp="300",
        normal_damage_ratio="0.5",
    ),
    "exome": Sample(
        "150×/100×, exome-like targets, purity 0.6, copy number changed in 30 %",
        _TARGETED
        | {
            "--genome-length": "400000", "--panel-targets": "120", "--target-length": "300", "--tumor-depth": "150",
            "--normal-depth": "100", "--germline": "36", "--copy-number-fraction": "0.3", "--subclones": "0.35",
        },
        None,
    ),
    "panel": Sample(
        "500×/200×, captured panel, purity 0.6, VAF in tumour cells from 0.02",
        _TARGETED | {"--panel-targets": "25", "--target-length": "400", "--tumor-depth": "500", "--normal-depth": "200",
                     "--min-vaf": "0.02"},
        None,
    ),
}  # fmt: skip

SHORT = ("copies-100-0.6",)
SHORT_NORMALS = 2


@dataclass(frozen=True)
class Way:
    """What score-posterior is given beside the tumour, and the options (fields of its settings) that it needs."""

    description: str
    normal: bool = False
    resource: bool = False
    normals: int = 0
    segments: bool = False

    def options(self) -> set[str]:
        """Fields of the settings."""
        wanted = {"germline_resource": self.resource, "panel": self.normals > 0, "segments": self.segments}
        return {name for name, used in wanted.items() if used}


WAYS: dict[str, Way] = {
    "normal": Way("the matched normal", normal=True),
    "alone": Way("nothing"),
    "resource": Way("the germline resource", resource=True),
    "panel-10": Way("a panel of 10 normals", normals=10),
    "panel-40": Way("a panel of 40 normals", normals=NORMALS),
    "both": Way("the resource and 40 normals", resource=True, normals=NORMALS),
    "segments": Way("the resource, 40 normals and the true copy numbers", resource=True, normals=NORMALS, segments=True),
}
MUTECT2 = "Mutect2"


def possible_ways(options: Collection[str], executables: Collection[str]) -> dict[str, Way]:
    """The ways whose options score-posterior has; a panel needs build-panel, too."""
    return {
        name: way
        for name, way in WAYS.items()
        if way.options() <= set(options) and (not way.normals or "build-panel" in executables)
    }
