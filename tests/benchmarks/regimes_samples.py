"""The samples and lists of the regimes: what simulate-pair makes of each sample, and which candidates are scored of it."""

from dataclasses import dataclass, field

GENOME_BP = 300_000
TRUTH_OPTIONS = (
    "--genome-length",
    "--somatic-snvs",
    "--somatic-mnvs",
    "--somatic-insertions",
    "--somatic-deletions",
    "--germline",
)
"""What grows with the genome."""

USUAL = {
    "--genome-length": str(GENOME_BP),
    "--somatic-snvs": "120",
    "--somatic-mnvs": "24",
    "--somatic-insertions": "50",
    "--somatic-deletions": "50",
    "--germline": "300",
    "--empty-sites": "60",
    "--purity": "0.75",
}
FEW_SOMATIC = {"--somatic-snvs": "6", "--somatic-mnvs": "1", "--somatic-insertions": "1", "--somatic-deletions": "1"}
"""30 per Mbp."""

OF_PANEL = {
    "--genome-length": "100000",
    "--somatic-snvs": "40",
    "--somatic-mnvs": "6",
    "--somatic-insertions": "10",
    "--somatic-deletions": "10",
    "--germline": "15",
    "--max-indel-length": "30",
    "--empty-sites": "20",
}


@dataclass(frozen=True)
class Sample:
    """What a sample is, in words and as options of simulate-pair beside the usual ones.

    `suspicion` names what a warning should tell of it (a key of `regimes_table.SUSPICIONS`), "" that it should tell nothing,
    None that it is not looked at.
    """

    description: str
    options: dict[str, str] = field(default_factory=dict)
    suspicion: str | None = ""

    def arguments(self, seed: int, more: dict[str, str], times: int = 1) -> tuple[str, ...]:
        """Options for simulate-pair, the genome and what it holds so many times as large."""
        values = USUAL | self.options | more
        for name in TRUTH_OPTIONS:
            values[name] = str(int(values[name]) * times)
        if "--panel-targets" in values:
            values["--panel-targets"] = str(int(values["--panel-targets"]) * times)
        flat = [part for name, value in values.items() for part in ((name, value) if value else (name,))]
        return (*flat, "--seed", str(seed))

    def fraction(self, option: str) -> float:
        """A fraction that was simulated, 0 if it was not asked for; of `--artifacts all` its documented strength."""
        strengths = {"--normal-contamination": "0.02", "--tumor-contamination": "0.01"}
        usual = strengths.get(option, "0") if self.options.get("--artifacts") == "all" else "0"
        return float((USUAL | self.options).get(option, usual))


def _panel(**more: str) -> dict[str, str]:
    return OF_PANEL | {f"--{name.replace('_', '-')}": value for name, value in more.items()}


FORMALIN = {"--ffpe-loci-per-mbp": "300", **FEW_SOMATIC}
CONSENSUS = _panel(
    panel_targets="25", target_length="400", tumor_depth="2000", normal_depth="500", min_vaf="0.001", max_vaf="0.02", purity="1"
)
SAMPLES: dict[str, Sample] = {
    "default": Sample("40×/30×, purity 0.75, no artefacts"),
    "hard": Sample(
        "80×/40×, 2×151, purity 0.6, every artefact",
        {"--tumor-depth": "80", "--normal-depth": "40", "--read-length": "151", "--purity": "0.6", "--artifacts": "all"},
        None,
    ),
    "plain-30": Sample("default with 30 somatic variants per Mbp", FEW_SOMATIC),
    "shallow": Sample("20×/10×", {"--tumor-depth": "20", "--normal-depth": "10"}),
    "low-purity": Sample("60×/30×, purity 0.25", {"--tumor-depth": "60", "--purity": "0.25"}),
    "tumor-in-normal": Sample("10 % tumour cells in the normal", {"--normal-contamination": "0.1"}),
    "neutral": Sample("80×/40×, neutral frequencies from 0.05", {"--tumor-depth": "80", "--vaf-spectrum": "neutral"}),
    "slippage": Sample("much slippage", {"--slippage-rate": "0.12"}),
    "damage": Sample("damage of both samples", {"--damage-rate": "0.001"}),
    "ffpe-0": Sample("C>T places, none in the normal; 30/Mbp", FORMALIN | {"--normal-damage-ratio": "0"}, "damage"),
    "ffpe-0.3": Sample("C>T places, 0.3 of the rate in the normal", FORMALIN | {"--normal-damage-ratio": "0.3"}, "damage"),
    "ffpe-1": Sample("C>T places in both samples", FORMALIN),
    "oriented": Sample("damage of one orientation, 1,500/Mbp, both samples", {"--oriented-loci-per-mbp": "1500"}),
    "oriented-0.3": Sample(
        "the same, 0.3 of the rate in the normal",
        {"--oriented-loci-per-mbp": "1500", "--normal-damage-ratio": "0.3"},
        "damage",
    ),
    "other-library": Sample(
        "normal of another library than the damaged tumour", {"--artifacts": "damage", "--normal-library": "other"}, "damage"
    ),
    "foreign-reads": Sample(
        "normal of 2×151, other insert sizes, three times the errors",
        {"--normal-read-length": "151", "--normal-insert-size-mean": "450", "--normal-error-inflation": "3"},
        None,
    ),
    **{
        f"person-{percent}": Sample(
            f"{percent} % of another person, 30/Mbp", FEW_SOMATIC | {"--tumor-contamination": f"{percent / 100}"}, "person"
        )
        for percent in (1, 2, 5, 10)
    },
    "duplex": Sample("duplex consensus, 2,000×, VAF 0.1–2 %", CONSENSUS | {"--consensus": "duplex"}),
    "simplex": Sample("consensus of one strand, 2,000×, VAF 0.1–2 %", CONSENSUS | {"--consensus": "simplex"}),
    "panel": Sample(
        "captured panel, 1,000×/200×, VAF from 0.01",
        _panel(panel_targets="25", tumor_depth="1000", normal_depth="200", min_vaf="0.01"),
    ),
    "amplicons": Sample(
        "amplicons, 1,000×/200×, VAF 0.01–0.3",
        _panel(
            panel_targets="60", target_length="170", amplicons="", tumor_depth="1000", normal_depth="200", min_vaf="0.01",
            max_vaf="0.3", max_indel_length="12",
        ),
    ),
    "copies-60": Sample("copy number changed everywhere, 60×/30×", {"--copy-number-fraction": "1", "--tumor-depth": "60"}),
    "copies-20": Sample(
        "copy number changed everywhere, 20×/10×",
        {"--copy-number-fraction": "1", "--tumor-depth": "20", "--normal-depth": "10"},
    ),
    "copies-half": Sample("copy number changed in half of the genome", {"--copy-number-fraction": "0.5"}),
    "hairpins": Sample("hairpin artefacts, 200/Mbp", {"--hairpin-loci-per-mbp": "200"}, None),
    "motif": Sample("GGT read as GGG on one strand, 300/Mbp", {"--motif-loci-per-mbp": "300"}, None),
    "stray": Sample("stray reads of another sample, 200/Mbp", {"--stray-per-mbp": "200"}, None),
    "chimeras": Sample("chimeric molecules, 100/Mbp", {"--chimeras-per-mbp": "100"}, None),
}  # fmt: skip

LISTS: dict[str, str] = {
    "own": "what call-candidates finds in the tumour",
    "full": "what simulate-pair writes: planted, and all that two reads show",
    "filtered": "of own: at least 4 tumour reads, at most 1 normal read",
    "no-normal": "of own: no normal read",
    "union": "own, full and, where it is there, freebayes'",
    "pass": "what fdr-filter kept of own at 0.05",
    "freebayes": "freebayes' list of the tumour",
    "mutect2": "Mutect2's list, with its filters",
    "hot-spots": "200 known places, of which 20 are somatic variants",
    "random-10": "10 of full*, 6 times",
    "random-50": "50 of full*, 3 times",
    "random-200": "200 of full*",
    "all-true": "the somatic variants alone",
    "all-false": "of full* all but the somatic variants",
    "snvs": "of full* the SNVs",
    "deletions": "of full* the deletions",
    "chunks": "own in 50 parts, each scored by itself, filtered together",
}
_SELECTED = ("own", "filtered", "no-normal")
REGIMES: dict[str, tuple[str, ...]] = {
    "default": tuple(LISTS),
    "hard": ("own", "full", "filtered", "no-normal", "union", "pass", "freebayes", "mutect2", "random-200", "chunks"),
    "plain-30": _SELECTED,
    "ffpe-0": _SELECTED,
    "ffpe-0.3": _SELECTED,
    "ffpe-1": ("own", "filtered"),
    "oriented": ("own", "filtered"),
    "oriented-0.3": ("own", "filtered"),
    "other-library": ("own", "filtered"),
    "person-2": ("own", "filtered"),
    "panel": ("own", "filtered"),
    "copies-60": ("own", "filtered"),
    "shallow": ("own", "filtered"),
}
"""Samples with other lists than `own` alone."""

SHORT = {"default": ("own", "filtered", "random-10"), "person-5": ("own",)}
SHORT_OPTIONS = {
    "--genome-length": "60000",
    "--somatic-snvs": "20",
    "--somatic-mnvs": "5",
    "--somatic-insertions": "8",
    "--somatic-deletions": "8",
    "--germline": "60",
    "--empty-sites": "20",
}


def regimes(samples: list[str]) -> list[tuple[str, str]]:
    """(sample, list) of the samples."""
    return [(sample, name) for sample in samples for name in REGIMES.get(sample, ("own",))]
