"""Tumour mutational burden, for estimate-vaf: all scored calls and what was callable come in, burden.json goes out."""

import logging
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from varproof.formats.events import SOMATIC
from varproof.formats.hdf5 import is_hdf5
from varproof.formats.record import Record
from varproof.formats.scored import error_probabilities, scored_scenario, select_events
from varproof.formats.vcf import SAME_EVENT, contig_lengths_of, info_value, open_vcf, read_records
from varproof.machinery.errors import UserError
from varproof.steps.detection_limit import header_value
from varproof.variants.candidate import candidates_of
from varproof.variants.edit import VariantType

if TYPE_CHECKING:
    from varproof.formats.burden import BurdenClass, BurdenSummary

logger = logging.getLogger(__name__)

_CLASSES = {
    "snv": (VariantType.SNV,),
    "mnv": (VariantType.MNV,),
    "indel": (VariantType.INSERTION, VariantType.DELETION, VariantType.REPLACEMENT),
}
_CLASS_OF = {kind.value: name for name, kinds in _CLASSES.items() for kind in kinds}
Regions = Mapping[str, Sequence[tuple[int, int]]]


class BurdenOptions(Protocol):
    """The options of estimate-vaf that are read here."""

    calls: Path
    scored: Path | None
    callable: Path | None
    callable_depth: int | None
    tumor: Path | None
    normal: Path | None
    reference: Path | None

    @property
    def provenance(self) -> str:
        """What was made of what."""


def mutational_burden(options: BurdenOptions, calls: Path, detectable: float | None) -> "BurdenSummary":
    """The burden of the tumour, from --scored or from the calls, as `calls`. `detectable`: VAF at which half are found."""
    import json

    from varproof.formats.burden import BurdenSummary

    source = calls if options.scored is None else options.scored
    with open_vcf(source) as handle:
        header = handle.header.copy()
    filtered = header_value(header, "varproof_fdr-filter").get("options")
    kept = filtered is not None and not filtered.get("annotate")
    events = header_value(header, "varproof_fdr-filter_result").get("events") or _kept_events(calls, header, source)
    regions, bases, told, depth = _callable(options, header, source)
    tally = _Tally(regions)
    selection = select_events(source, header, events)
    for record in read_records(source):
        tally.add(record, [1.0 - error for error in error_probabilities(record, selection)])
    classes = tally.classes(bases)
    logger.info(
        "mutational burden: %.3g somatic variants expected among %d calls on %d callable bases (%s), "
        "%.3g per Mbp (95 %% interval %.3g to %.3g)%s",
        classes[0].expected,
        classes[0].calls,
        bases,
        told,
        classes[0].per_mbp,
        classes[0].per_mbp_low,
        classes[0].per_mbp_high,
        "; calls that the filter took away are missing: give the scored ones with --scored" if kept else "",
    )
    return BurdenSummary(
        events=list(selection.events),
        calls="kept" if kept else "scored",
        callable_bases=round(bases),
        callable_from=told,
        callable_depth=depth,
        outside=tally.outside,
        same_event=tally.same_event,
        not_judged=tally.not_judged,
        detectable_vaf=None if detectable is None else round(detectable, 6),
        classes=classes,
        provenance=json.loads(options.provenance),
    )


def _kept_events(calls: Path, header: Any, source: Path) -> list[str]:
    """The events that are counted in a file that was not filtered: of a scenario those that the calls were filtered for."""
    scenario = scored_scenario(header)
    if scenario is None:
        return [SOMATIC]
    with open_vcf(calls) as handle:
        events: list[str] | None = header_value(handle.header, "varproof_fdr-filter_result").get("events")
    if events is None:
        raise UserError(
            f"--burden: {source} was scored under a scenario ({', '.join(scenario.events)}), and {calls} was not filtered: "
            "which events are somatic is not known; give --calls of fdr-filter"
        )
    return events


class _Tally:
    """Probabilities of all judged alleles by class, an event of several records once."""

    def __init__(self, regions: Regions | None) -> None:
        self._regions = regions
        self._of: dict[str, array[float]] = {name: array("d") for name in _CLASSES}
        self._events: set[tuple[str, str]] = set()
        self.outside = self.same_event = self.not_judged = 0

    def add(self, record: Record, probabilities: Sequence[float]) -> None:
        """A record and the probabilities of its alleles, NaN of those that were not judged."""
        names = info_value(record, SAME_EVENT)
        others = names if isinstance(names, tuple) else (names,) * len(probabilities)
        for candidate, probability in zip(candidates_of(record, 0), probabilities, strict=True):
            if probability != probability or candidate.skipped is not None:
                self.not_judged += 1
                continue
            if self._regions is not None and not _inside(self._regions, record.contig, candidate.start):
                self.outside += 1
                continue
            allele = candidate.allele
            if (same := others[allele] if allele < len(others) else None) and self._counted(record, allele, str(same)):
                self.same_event += 1
                continue
            self._of[_CLASS_OF[candidate.type.value]].append(probability)

    def _counted(self, record: Record, allele: int, others: str) -> bool:
        """Whether another allele of its event was counted; if not, this one stands for the event."""
        if any((record.contig, other) in self._events for other in others.split("&")):
            return True
        alts = record.alts or ()
        self._events.add((record.contig, f"{record.pos}:{record.ref}:{alts[allele]}"))
        return False

    def classes(self, bases: float) -> "list[BurdenClass]":
        """All together, then by class."""
        everything = array("d")
        for values in self._of.values():
            everything.extend(values)
        return [_burden_class("all", everything, bases), *(_burden_class(n, v, bases) for n, v in self._of.items())]


def _burden_class(name: str, probabilities: "array[float]", bases: float) -> "BurdenClass":
    from varproof.formats.burden import BurdenClass
    from varproof.posterior.burden import burden

    found = burden(probabilities, bases)
    return BurdenClass(
        name=name,
        calls=len(probabilities),
        expected=found.expected,
        per_mbp=found.per_mbp,
        per_mbp_low=found.low,
        per_mbp_high=found.high,
    )


def _callable(options: BurdenOptions, header: Any, source: Path) -> tuple[Regions | None, float, str, int | None]:
    """(regions that variants have to lie in, or None; callable bases; what tells; fragments that a base has to have)."""
    from varproof.posterior.clonality_decisions import DECISIONS
    from varproof.reads.regions import regions_within, within_lengths

    regions: Regions | None = None
    told, depth = "regions", None
    if options.callable is not None:
        lengths = contig_lengths_of(header)
        regions = within_lengths(regions_within(options.callable, lengths, source), lengths)
    reads = [path for path in (options.tumor, options.normal) if path is not None and not is_hdf5(path)]
    if reads:
        from varproof.reads.callable import callable_regions

        depth = options.callable_depth or DECISIONS.callable_depth
        regions, told = callable_regions(reads, options.reference, depth, regions), "reads"
    elif options.callable_depth is not None:
        raise UserError("--callable-depth is counted in reads; give --tumor (and --normal) as BAM or CRAM")
    if regions is not None:
        bases = float(sum(end - start for intervals in regions.values() for start, end in intervals))
        if not bases:
            raise UserError(
                f"{options.callable or reads[0]}: no base is callable; give other regions or a lower --callable-depth"
            )
        return regions, bases, told, depth
    territory = header_value(header, "varproof_prior").get("territory")
    if not isinstance(territory, int | float) or territory <= 0:
        raise UserError(
            f"{source}: its header does not say how many bases were searched; give --callable, or the reads (--tumor, --normal)"
        )
    return None, float(territory), "territory", None


def _inside(regions: Regions, contig: str, position: int) -> bool:
    from bisect import bisect_right

    intervals = regions.get(contig, ())
    place = bisect_right(intervals, (position, 2**62)) - 1
    return place >= 0 and intervals[place][0] <= position < intervals[place][1]
