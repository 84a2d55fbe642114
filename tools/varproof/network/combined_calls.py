"""The two VCFs of combine-calls, record by record: both judgements in, records with the combined one out.

score-posterior and predict keep every record of their candidates, in order, so the two files are read in step; alleles are
matched by their bases. `labels_of` reads what is known about the calls of a calibration file.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from varproof.formats.events import COMBINED_EVENTS, NETWORK_EVENTS, SOMATIC
from varproof.formats.scored import EventSelection, log_odds, select_events, skipped_alleles
from varproof.formats.vcf import (
    NETWORK_PROBABILITY,
    NO_ALTERNATIVE_ALLELE,
    NOT_JUDGED,
    SKIPPED,
    VcfWriter,
    info_value,
    open_vcf,
    probability_field,
    read_records,
    to_phred,
)
from varproof.machinery.errors import UserError
from varproof.machinery.numerics import expit
from varproof.network.stacking import SOURCES, Judgements
from varproof.variants.candidate import candidates_of
from varproof.variants.edit import SUBSTITUTIONS

LABEL, COMBINED_FROM = "LABEL", "COMBINED_FROM"
_NETWORK_FIELDS = (NETWORK_PROBABILITY, *(probability_field(event) for event in NETWORK_EVENTS))
_ADVICE = "both files must be made from the same candidates, unfiltered"


def paired_records(scored: Path, predicted: Path) -> Iterator[tuple[Any, Any, list[int]]]:
    """(record of `scored`, record of `predicted`, for each allele of the first its number in the second), in order.

    Raises UserError naming the first record at which the files differ.
    """
    for number, (first, second) in enumerate(zip_longest(read_records(scored), read_records(predicted)), 1):
        if first is None or second is None:
            longer, shorter, record = (predicted, scored, second) if first is None else (scored, predicted, first)
            raise UserError(f"{shorter} ends after record {number - 1}, but {longer} goes on with {_shown(record)}; {_ADVICE}")
        alleles, others = first.alts or (), list(second.alts or ())
        here = (first.contig, first.start, first.ref, sorted(alleles))
        if here != (second.contig, second.start, second.ref, sorted(others)):
            raise UserError(f"record {number} is {_shown(first)} in {scored}, but {_shown(second)} in {predicted}; {_ADVICE}")
        yield first, second, [others.index(allele) for allele in alleles]


def _shown(record: Any) -> str:
    alleles = ",".join(record.alts or ".")
    text = f"{record.ref}>{alleles}"
    return f"{record.contig}:{record.pos} {text if len(text) <= 40 else text[:40] + '...'}"


def _selections(scored: Path, predicted: Path) -> tuple[EventSelection, EventSelection]:
    found = []
    for path, event, maker in ((scored, SOMATIC, "score-posterior"), (predicted, NETWORK_EVENTS[0], "predict")):
        with open_vcf(path) as handle:
            header = handle.header
            if probability_field(event) not in header.info:
                raise UserError(f"{path}: the header declares no {probability_field(event)}; make it with {maker}")
            found.append(select_events(path, header, [event]))
    return found[0], found[1]


def judgements_of(scored: Path, predicted: Path) -> Judgements:
    """Both judgements of all alleles in order. Raises UserError where the files lack their fields or do not match."""
    by_posterior, by_network = _selections(scored, predicted)
    posterior, network, indel = array("d"), array("d"), array("b")
    for first, second, order in paired_records(scored, predicted):
        posterior.extend(log_odds(first, by_posterior))
        judged = log_odds(second, by_network)
        network.extend(judged[allele] for allele in order)
        indel.extend(item.skipped is None and item.type not in SUBSTITUTIONS for item in candidates_of(first, 0))
    return Judgements(np.array(posterior), np.array(network), np.array(indel, dtype=bool))


def labels_of(calls: Path, truth: Path | None, reference: Path | None) -> np.ndarray:
    """int8 per allele of `calls`, in order: 1 true, 0 false, -1 unknown.

    With `truth` (EVENT=SOMATIC_TUMOR where it has that field), a call is true if it is in it, alleles left-aligned if a
    `reference` is given, and unknown if it can't be compared or is a part of a true MNV. Else INFO/LABEL says so, one value
    per allele or per record. Raises UserError where neither is there.
    """
    if truth is not None:
        return _labels_from_truth(calls, truth, reference)
    with open_vcf(calls) as handle:
        if LABEL not in handle.header.info:
            raise UserError(f"{calls}: no INFO/{LABEL} (1 true, 0 false) in the header; add it, or give --calibration-truth")
    found = array("b")
    for record in read_records(calls):
        alleles = len(record.alts or ())
        values = info_value(record, LABEL)
        values = values if isinstance(values, tuple) else (values,)
        if len(values) != alleles:
            values = values[:1] * alleles
        for value in values:
            if value not in (None, 0, 1, "0", "1", "."):
                raise UserError(
                    f"{calls}: record {record.contig}:{record.pos}: {LABEL}={value}, but it is 1 (true) or 0 (false)"
                )
            found.append(-1 if value in (None, ".") else int(value))
    return np.array(found, np.int8)


def _labels_from_truth(path: Path, truth_path: Path, reference_path: Path | None) -> np.ndarray:
    from varproof.evaluation.matching import match
    from varproof.evaluation.variants import Calls, Key, read_truth
    from varproof.variants.reference import Reference

    reference = None if reference_path is None else Reference(reference_path)
    truth = read_truth(truth_path, SOMATIC, None, reference)
    calls, keys = Calls(), list[Key | None]()
    for record in read_records(path):
        for item in candidates_of(record, 0):
            if item.skipped is not None:
                keys.append(None)
                continue
            edit = item.edit
            if reference is not None:
                reference.check(path, record)
                edit = reference.left_aligned(item.contig, edit)
            key: Key = (item.contig, *edit)
            keys.append(key)
            if key not in calls.index:
                calls.add(key, item)
    calls.freeze()
    matching = match(calls, truth)
    label = np.where(matching.partial, -1, matching.true).astype(np.int8)
    return np.array([-1 if key is None else label[calls.index[key]] for key in keys], np.int8)


def combined_header(scored: Path, predicted: Path, lines: Sequence[str]) -> Any:
    """Header of `scored` with the network's and the combined fields, and `lines` ('##key=value')."""
    with open_vcf(scored) as handle, open_vcf(predicted) as other:
        header = handle.header.copy()
        network_lines = [str(other.header.info[name].record).strip() for name in _NETWORK_FIELDS if name in other.header.info]
    added = [
        f"##INFO=<ID={probability_field(event)},Number=A,Type=Float,"
        f'Description="PHRED of the probability, by posterior and network together, that the allele is {meaning}">'
        for event, meaning in zip(COMBINED_EVENTS, ("somatic", "not somatic"), strict=True)
    ]
    added.append(
        f'##INFO=<ID={COMBINED_FROM},Number=A,Type=String,Description="Whose judgement the combined one is: '
        f'both, scored (the posterior only), predicted (the network only)">'
    )
    added.append(f'##INFO=<ID={SKIPPED},Number=A,Type=String,Description="Why varproof did not judge this allele">')
    for line in (*network_lines, *added):
        name = line.partition("ID=")[2].partition(",")[0]
        if name in header.info:
            header.info.remove_header(name)
        header.add_line(line)
    for line in lines:
        header.add_line(line)
    return header


def write_combined(
    writer: VcfWriter, scored: Path, predicted: Path, judgements: Judgements, log_odds: np.ndarray
) -> tuple[Counter[str], Counter[str]]:
    """Write every record of `scored` with the combined judgement of its alleles.

    log_odds (n,): combined, of all alleles in order. Returns how many alleles were judged by whom, and how many were
    not judged, by reason.
    """
    source = judgements.source
    by_source, skipped = Counter[str](), Counter[str]()
    start = 0
    with writer:
        for record, other, order in paired_records(scored, predicted):
            alleles = slice(start, start + len(order))
            start = alleles.stop
            told = [skipped_alleles(record), [skipped_alleles(other)[allele] for allele in order]]
            values = {name: _in_order(other, name, order) for name in _NETWORK_FIELDS}
            for name in (*values, COMBINED_FROM, SKIPPED, *map(probability_field, COMBINED_EVENTS)):
                if name in record.info:
                    del record.info[name]
            for name, value in values.items():
                if value is not None:
                    record.info[name] = value
            known = ~np.isnan(log_odds[alleles])
            if known.any():
                for event, sign in zip(COMBINED_EVENTS, (1, -1), strict=True):
                    record.info[probability_field(event)] = [
                        to_phred(expit(float(sign * value))) if ok else None
                        for value, ok in zip(log_odds[alleles], known, strict=True)
                    ]
                record.info[COMBINED_FROM] = [
                    SOURCES[code] if ok else "." for code, ok in zip(source[alleles], known, strict=True)
                ]
            if not known.all() or not order:
                reasons = [
                    None if ok else next((text for text in texts if text), NOT_JUDGED)
                    for ok, *texts in zip(known, *told, strict=True)
                ] or [NO_ALTERNATIVE_ALLELE]
                record.info[SKIPPED] = reasons
                skipped.update(reason for reason in reasons if reason)
            by_source.update(SOURCES[code] for code in source[alleles])
            writer.write(record)
    return by_source, skipped


def _in_order(record: Any, name: str, order: list[int]) -> Any:
    """Values of an INFO field in the other file's order of alleles; None if the record has none."""
    value = info_value(record, name)
    if isinstance(value, tuple) and len(value) == len(order):
        return tuple(value[allele] for allele in order)
    return value
