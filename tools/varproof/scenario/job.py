"""What is scored under a scenario: candidates, evidence of every sample, and what each candidate's network depends on."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from varproof.formats.evidence import EvidenceReader
from varproof.formats.vcf import info_numbers, read_records
from varproof.machinery.errors import UserError
from varproof.posterior.events import judged_rows
from varproof.posterior.job import AlleleList, allele_list
from varproof.scenario.copies import ploidy_of
from varproof.scenario.elimination import Plan, plan
from varproof.scenario.file import Scenario
from varproof.scenario.formula import Substitution, parts_of
from varproof.scenario.network import Network, build
from varproof.variants.candidate import Candidate, candidates_of
from varproof.variants.edit import VariantType
from varproof.variants.joined import with_joined
from varproof.variants.reference import Reference

logger = logging.getLogger(__name__)

KIND_OF = {
    VariantType.SNV: "snv",
    VariantType.MNV: "mnv",
    VariantType.INSERTION: "indel",
    VariantType.DELETION: "indel",
    VariantType.REPLACEMENT: "indel",
}
"""Of types of variants, those whose share of the rates a species has; others are 'sv'."""

Setting = tuple[str, str, tuple[str, str]]
"""(contig, kind, alleles of an SNV where the scenario asks for substitutions)."""


@dataclass(frozen=True)
class Planned:
    """A network with the order of its elimination."""

    network: Network
    plan: Plan


@dataclass
class Networks:
    """The networks of a scenario, each made once for all contigs that it is the same for."""

    scenario: Scenario
    by_substitution: bool = field(init=False)
    _made: dict[object, Planned] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = [part for formula in self.scenario.events.values() for part in parts_of(formula)]
        self.by_substitution = any(isinstance(part, Substitution) for part in parts)

    def of(self, setting: Setting, heterozygosity: float | None = None, somatic: float | None = None) -> Planned:
        """The network of a contig, a kind and alleles; `heterozygosity` and `somatic` rate in place of the file's."""
        contig, kind, alleles = setting
        ploidies = tuple(ploidy_of(self.scenario, sample, contig) for sample in self.scenario.samples)
        universes = tuple(
            contig if isinstance(item.universe, dict) else None for item in self.scenario.samples.values()
        )  # fmt: skip
        key = ploidies, universes, kind, alleles, heterozygosity, somatic
        if key not in self._made:
            network = build(self.scenario, contig, kind, alleles, heterozygosity, somatic)
            self._made[key] = Planned(network, plan(network))
        return self._made[key]


@dataclass(frozen=True)
class ScenarioJob:
    """A list of candidates and the evidence of each sample of a scenario.

    `setting` (n,): index into `settings` of every candidate, those that are joined too; `heterozygosity` (n,): its own, NaN
    where the list does not tell; None where the scenario does not ask; `somatic_rate` (n,) likewise.
    """

    candidates: Path
    reference: Path
    readers: dict[str, EvidenceReader]
    networks: Networks
    alleles: AlleleList
    settings: list[Setting]
    setting: np.ndarray
    heterozygosity: np.ndarray | None
    somatic_rate: np.ndarray | None = None

    @property
    def samples(self) -> list[str]:
        """Names of the samples, in the scenario's order."""
        return list(self.readers)


def scenario_job(candidates: Path, reference: Path, readers: dict[str, EvidenceReader], scenario: Scenario) -> ScenarioJob:
    """The job; raises UserError for evidence of other candidates."""
    alleles = allele_list(candidates, reference)
    for reader in readers.values():
        if reader.size != alleles.size or not np.array_equal(reader.column("key"), alleles.key):
            raise UserError(f"{reader.path}: evidence of other candidates than {candidates}; collect it again")
    first, *others = readers.values()
    alleles.judged_as[:] = judged_rows(alleles.parts_of, alleles.bases_of, first, *others)
    networks = Networks(scenario)
    settings: dict[Setting, int] = {}
    asked = {
        "heterozygosity": scenario.species.heterozygosity_field,
        "somatic rate": scenario.species.somatic_rate_field,
    }
    fields = {what: name for what, name in asked.items() if name is not None}
    own: dict[str, list[float]] = {what: [] for what in fields}
    rows = []
    sequence = Reference(reference)

    def listed() -> Iterator[Candidate]:
        for number, record in enumerate(read_records(candidates)):
            found = candidates_of(record, number)
            for what, name in fields.items():
                values = info_numbers(record, name) or (None,) * len(found)
                if len(values) != len(found):
                    raise UserError(
                        f"{candidates}: record {record.contig}:{record.pos}: {name} has {len(values)} values for {len(found)} "
                        "alternative alleles; the header must declare it with Number=A"
                    )
                told.update({(what, number, allele): value for allele, value in enumerate(values)})
            yield from found

    told: dict[tuple[str, int, int], float | None] = {}
    for item in with_joined(listed(), sequence):
        kind = "sv" if item.skipped is not None else KIND_OF.get(item.type, "sv")
        of_base = (item.ref, item.alt) if networks.by_substitution and kind == "snv" else ("", "")
        rows.append(settings.setdefault((item.contig, kind, of_base), len(settings)))
        for what, values in own.items():
            value = told.get((what, item.record, item.allele)) if item.is_listed else None
            values.append(np.nan if value is None else value)
    known = {what: np.array(values, np.float64) for what, values in own.items()}
    for what, numbers in known.items():
        if not np.isfinite(numbers).any():
            logger.warning("%s: no record has INFO/%s, the %s that the scenario asks for", candidates, fields[what], what)
    return ScenarioJob(
        candidates, reference, readers, networks, alleles, list(settings), np.array(rows, np.int64),
        known.get("heterozygosity"), known.get("somatic rate"),
    )  # fmt: skip
