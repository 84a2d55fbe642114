"""Which candidates a page shows, and what their files say of them: for review-calls and report-calls."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from varproof.formats.scored import declared_events, error_probabilities, select_events
from varproof.formats.vcf import NETWORK_PROBABILITY, SKIPPED, VcfWriter, info_value, open_vcf, read_records
from varproof.machinery.errors import UserError
from varproof.variants.candidate import Candidate, candidates_of
from varproof.variants.chunks import NEIGHBOUR_REACH

if TYPE_CHECKING:
    from varproof.formats.scored import EventSelection
    from varproof.report.desk import Entry
    from varproof.report.desk_data import CandidateFacts
    from varproof.steps.review_calls import Choice

logger = logging.getLogger(__name__)

Allele = tuple[str, int, str, str]
Alleles = dict[Allele, float]


class Reviewed(Protocol):
    """Options that say what is shown."""

    calls: Path
    predicted: Path | None
    events: list[str]
    choose: "Choice"
    judged: list[Path]
    count: int | None
    seed: int
    window: int


@dataclass(frozen=True)
class Listed:
    """The candidates to show, of `total`: number of the record and of the allele, 0-based contig and start, entry and facts.

    `none_judged`: the calls were scored, and none of them could be judged.
    """

    total: int
    none_judged: bool
    numbers: list[tuple[int, int]]
    places: list[tuple[str, int]]
    entries: "list[Entry]"
    facts: "list[CandidateFacts]"


def listed(options: Reviewed) -> Listed:
    """What the calls say of the chosen candidates. Raises UserError where there is none, or nothing to choose by."""
    import numpy as np

    from varproof.evaluation.choosing import chosen
    from varproof.pileup.sites import class_reader
    from varproof.report.desk import Entry
    from varproof.report.desk_facts import facts_of, gene_reader

    with open_vcf(options.calls) as handle:
        header = handle.header.copy()
    selection = _selection(options, header)
    network = {} if options.predicted is None else network_probabilities(options.predicted)
    earlier = _judged_earlier(options.judged)
    posterior, by_network, kinds, told = [], [], [], []
    for record in read_records(options.calls):
        own = _posteriors(record, selection)
        for item in candidates_of(record, 0):
            posterior.append(own[item.allele])
            by_network.append(_network(record, item, network))
            alt = record.alts[item.allele]  # type: ignore[index]
            told.append((record.contig, record.start, record.ref.upper(), alt.upper()) in earlier)
            kinds.append(item.type.value)
    if not posterior:
        raise UserError(f"{options.calls}: it has no candidates to show")
    first, second = np.array(posterior), np.array(by_network)
    none_judged = selection is not None and bool(np.isnan(first).all() and np.isnan(second).all())
    if none_judged:
        logger.warning(
            "%s: none of its %d candidates could be judged (INFO/SKIPPED says why); the page shows them, and says so",
            options.calls, len(first),
        )  # fmt: skip
    else:
        _require_probabilities(options, first, second)
    if options.judged:
        logger.info("%d of %d candidates were judged before, and are left out", sum(told), len(told))
    if all(told):
        raise UserError(f"{options.calls}: all {len(told)} candidates are in --judged; none is left to judge")
    count = len(first) if options.count is None else options.count
    taken, weights = chosen(options.choose, count, first, second, np.array(kinds), options.seed, np.array(told))
    wanted = dict(zip(taken.tolist(), weights.tolist(), strict=True))
    consequence, gene = class_reader(options.calls, "auto"), gene_reader(header)
    numbers, places, entries, facts = [], [], [], []
    at = -1
    for number, record in enumerate(read_records(options.calls)):
        for item in candidates_of(record, number):
            at += 1
            if at not in wanted:
                continue
            alt = record.alts[item.allele]  # type: ignore[index]
            p, q = (None if value != value else float(value) for value in (first[at], second[at]))
            numbers.append((number, item.allele))
            places.append((record.contig, record.start))
            entries.append(
                Entry(
                    record.contig, record.pos, record.ref, alt, record.id or ".", ";".join(record.filter.keys()),
                    item.type.value, item.length, consequence(record, alt), gene(record, alt),
                    None if p is None else round(p, 9), None if q is None else round(q, 9),
                    round(wanted[at], 6), item.skipped or _skipped(record, item.allele),
                )
            )  # fmt: skip
            facts.append(facts_of(record, item.allele, q))
    return Listed(len(first), none_judged, numbers, places, entries, facts)


def _judged_earlier(paths: list[Path]) -> set[Allele]:
    """Alleles that labels tell of, in upper case; one whose place may be one further to the left is both."""
    from varproof.formats.labels import read_judgements

    return {
        (label.contig, label.start - step, label.ref, label.alt)
        for path in paths
        for label in read_judgements(path)
        for step in range(2 if label.loose else 1)
    }


def _selection(options: Reviewed, header: Any) -> "EventSelection | None":
    """The wanted events; None where the calls were not scored."""
    return select_events(options.calls, header, options.events) if declared_events(header) else None


def _posteriors(record: Any, selection: "EventSelection | None") -> list[float]:
    if selection is None:
        return [float("nan")] * len(record.alts or ())
    return [1.0 - error for error in error_probabilities(record, selection)]


def network_probabilities(path: Path) -> Alleles:
    """The network's probability of each allele of a VCF of predict that it judged: contig, 0-based start, REF, ALT as written.

    Raises UserError where the header declares none.
    """
    with open_vcf(path) as handle:
        if NETWORK_PROBABILITY not in handle.header.info:
            raise UserError(f"{path}: the header declares no {NETWORK_PROBABILITY}; give a VCF of predict")
    found: Alleles = {}
    for record in read_records(path):
        for allele, alt in enumerate(record.alts or ()):
            value = _own_network(record, allele)
            if value == value:
                found[record.contig, record.start, record.ref, alt] = value
    return found


def _own_network(record: Any, allele: int) -> float:
    from varproof.report.desk_facts import allele_value

    value = allele_value(record, NETWORK_PROBABILITY, allele)
    return float("nan") if value is None else value


def _network(record: Any, item: Candidate, network: Alleles) -> float:
    key = record.contig, record.start, record.ref, record.alts[item.allele]
    return network[key] if key in network else _own_network(record, item.allele)


def _skipped(record: Any, allele: int) -> str:
    if SKIPPED not in record.header.info:
        return ""
    value = info_value(record, SKIPPED)
    values: Sequence[Any] = value if isinstance(value, tuple) else [value] * len(record.alts)
    return "" if allele >= len(values) or values[allele] is None else str(values[allele])


def _require_probabilities(options: Reviewed, posterior: Any, network: Any) -> None:
    """Raise UserError where there is nothing to choose by."""
    import numpy as np

    known, by_network = ~np.isnan(posterior), ~np.isnan(network)
    if options.choose == "disagreement" and not (known & by_network).any():
        raise UserError(
            f"--choose disagreement: no candidate of {options.calls} has a posterior and a network's probability; "
            "give calls of score-posterior, and --predicted of predict"
        )
    if options.choose == "rounds" and not by_network.any():
        raise UserError(
            f"--choose rounds: no candidate of {options.calls} has a network's probability; give --predicted of predict"
        )
    if options.choose in ("uncertain", "stratified") and not (known | by_network).any():
        raise UserError(f"--choose {options.choose}: {options.calls} has no probabilities; score it with score-posterior")


def near_chosen(options: Reviewed, found: Listed, folder: Path) -> tuple[Path, dict[tuple[int, int], int]]:
    """(VCF of the chosen candidates and of what may lie in their windows, number of each chosen one among its alleles)."""
    if len(found.numbers) == found.total:
        return options.calls, {key: i for i, key in enumerate(found.numbers)}
    reach = NEIGHBOUR_REACH + options.window
    wanted: dict[str, list[int]] = {}
    for contig, start in found.places:
        wanted.setdefault(contig, []).append(start)
    chosen = set(found.numbers)
    path, places, alleles = folder / "chosen.vcf", {}, 0
    with open_vcf(options.calls) as handle:
        header = handle.header.copy()
    with VcfWriter(path, header) as writer:
        for number, record in enumerate(read_records(options.calls)):
            if not _is_near(wanted.get(record.contig, []), record.start, reach):
                continue
            for allele in range(len(record.alts or ())):
                if (number, allele) in chosen:
                    places[number, allele] = alleles
                alleles += 1
            writer.write(record)
    return path, places


def _is_near(starts: list[int], start: int, reach: int) -> bool:
    """Whether one of `starts`, ascending, lies within `reach` bp."""
    from bisect import bisect_left

    place = bisect_left(starts, start - reach)
    return place < len(starts) and starts[place] <= start + reach
