"""The VCF (and table) of predict: the candidates' records with the network's judgement, or records made from tensors."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from varproof.formats.events import NETWORK_EVENTS
from varproof.formats.tensors import ALLELE_COLUMNS, FIRST_INDEL_TYPE, TYPE, TensorHeader
from varproof.formats.training import ClassCalibrations
from varproof.formats.vcf import (
    NETWORK_FILTER,
    NETWORK_PROBABILITY,
    NO_ALTERNATIVE_ALLELE,
    NOT_JUDGED,
    SKIPPED,
    VcfWriter,
    open_vcf,
    probability_field,
    read_records,
    to_phred,
)
from varproof.machinery.errors import UserError
from varproof.machinery.numerics import expit
from varproof.machinery.output import write_text
from varproof.network.prior_shift import shifted_prior

_DESCRIPTIONS = {NETWORK_EVENTS[0]: "a real somatic variant", NETWORK_EVENTS[1]: "an artefact or germline"}


@dataclass(frozen=True)
class JudgedAlleles:
    """All candidates in order, as `PackedTensors` names them, and their log-odds (n,) (NaN: not judged)."""

    record: np.ndarray
    contig: np.ndarray
    position: np.ndarray
    ref: np.ndarray
    alt: np.ndarray
    skipped: np.ndarray
    allele_code: np.ndarray
    log_odds: np.ndarray

    @property
    def is_indel(self) -> np.ndarray:
        """bool (n,): the lengths of the alleles differ."""
        return self.allele_code[:, TYPE] >= FIRST_INDEL_TYPE

    @property
    def probability(self) -> np.ndarray:
        """Of being real, float64 (n,); NaN: not judged."""
        from varproof.machinery.numerics_numba_fns import expit_of

        return expit_of(self.log_odds)


def no_alleles() -> JudgedAlleles:
    """Of a file without candidates."""
    whole, text = np.zeros(0, np.int64), np.zeros(0, object)
    codes = np.zeros((0, len(ALLELE_COLUMNS)), np.uint8)
    return JudgedAlleles(whole, whole, whole, text, text, text, codes, np.zeros(0))


def at_shares_of_sample(alleles: JudgedAlleles, calibration: ClassCalibrations) -> tuple[JudgedAlleles, dict[str, float]]:
    """The log-odds that hold at this sample's shares of real substitutions and indels, and those shares."""
    odds, shares = alleles.log_odds.copy(), {}
    for name, members in (("substitution", ~alleles.is_indel), ("indel", alleles.is_indel)):
        shift = shifted_prior(odds[members], getattr(calibration, name).positive_fraction, f"{name}s")
        odds[members] = shift.log_odds
        shares[name] = shift.fraction
    return replace(alleles, log_odds=odds), shares


def predicted_header(candidates: Path | None, tensors: TensorHeader | None, threshold: float, lines: Sequence[str]) -> Any:
    """Header of the output: that of `candidates`, or one with the contigs of `tensors`; and `lines`."""
    import pysam

    if candidates is not None:
        with open_vcf(candidates) as handle:
            header = handle.header.copy()
    else:
        header = pysam.VariantHeader()
        for name, length in (tensors.contigs if tensors else {}).items():
            header.contigs.add(name, length=length)
    info = {
        NETWORK_PROBABILITY: ("A", "Float", "Probability by the network that the allele is a real somatic variant"),
        **{
            probability_field(event): ("A", "Float", f"PHRED of the network's probability that the allele is {text}")
            for event, text in _DESCRIPTIONS.items()
        },
        SKIPPED: ("A", "String", "Why varproof did not judge this allele"),
    }
    for name, (number, kind, text) in info.items():
        if name in header.info:
            header.info.remove_header(name)
        header.add_line(f'##INFO=<ID={name},Number={number},Type={kind},Description="{text}">')
    if NETWORK_FILTER in header.filters:
        header.filters.remove_header(NETWORK_FILTER)
    text = f"No allele has a probability of at least {threshold:g} to be real, by the network"
    header.add_line(f'##FILTER=<ID={NETWORK_FILTER},Description="{text}">')
    for line in lines:
        header.add_line(line)
    return header


def write_predicted(
    writer: VcfWriter, candidates: Path | None, alleles: JudgedAlleles, contigs: Sequence[str], threshold: float
) -> tuple[int, Counter[str]]:
    """Write all records; returns (records under the threshold, alleles not judged by reason)."""
    filtered, skipped = 0, Counter[str]()
    with writer:
        for record, rows in _records(writer, candidates, alleles, contigs):
            odds = alleles.log_odds[rows]
            known = ~np.isnan(odds)
            for name in (NETWORK_PROBABILITY, SKIPPED, *map(probability_field, NETWORK_EVENTS)):
                if name in record.info:
                    del record.info[name]
            shown = [float(f"{value:.6g}") for value in map(expit, odds.tolist())]
            if known.any():
                values = {NETWORK_PROBABILITY: shown}
                for event, sign in zip(NETWORK_EVENTS, (1, -1), strict=True):
                    signed = sign * np.nan_to_num(odds)
                    values[probability_field(event)] = [to_phred(expit(value)) for value in signed.tolist()]
                for name, found in values.items():
                    record.info[name] = [value if ok else None for value, ok in zip(found, known, strict=True)]
            if not known.all() or not len(known):
                reasons = [
                    None if ok else str(reason) or NOT_JUDGED for reason, ok in zip(alleles.skipped[rows], known, strict=True)
                ]
                record.info[SKIPPED] = reasons or [NO_ALTERNATIVE_ALLELE]
                skipped.update(reason for reason in reasons or [NO_ALTERNATIVE_ALLELE] if reason)
            if known.all() and len(known) and max(shown) < threshold:
                record.filter.add(NETWORK_FILTER)
                filtered += 1
            elif NETWORK_FILTER in record.filter:
                del record.filter[NETWORK_FILTER]
            writer.write(record)
    return filtered, skipped


def _records(
    writer: VcfWriter, candidates: Path | None, alleles: JudgedAlleles, contigs: Sequence[str]
) -> Iterator[tuple[Any, slice]]:
    """Each record under the output's header, with the rows of its alleles."""
    if candidates is None:
        yield from _made_records(writer, alleles, contigs)
        return
    start = 0
    for number, record in enumerate(read_records(candidates)):
        stop = start + len(record.alts or ())
        same = stop <= len(alleles.record) and all(
            (alleles.record[i], alleles.position[i], alleles.ref[i], alleles.alt[i])
            == (number, record.start, record.ref, record.alleles[1 + i - start])
            for i in range(start, stop)
        )
        if not same:
            raise UserError(
                f"{candidates}: record {number + 1} ({record.contig}:{record.pos}) is not the one that the tensors were made "
                "of; give the candidates of tensorise"
            )
        yield record, slice(start, stop)
        start = stop
    if start != len(alleles.record):
        raise UserError(f"{candidates} has fewer candidates than the tensors were made of; give the candidates of tensorise")


def _made_records(writer: VcfWriter, alleles: JudgedAlleles, contigs: Sequence[str]) -> Iterator[tuple[Any, slice]]:
    ends = np.flatnonzero(np.diff(alleles.record)) + 1
    for start, stop in pairwise([0, *ends.tolist(), len(alleles.record)]) if len(alleles.record) else ():
        first, ref = int(alleles.position[start]), str(alleles.ref[start])
        record = writer.new_record(
            contig=contigs[int(alleles.contig[start])],
            start=first,
            alleles=(ref, *(str(item) for item in alleles.alt[start:stop])),
        )
        yield record, slice(start, stop)


def write_table(path: Path, alleles: JudgedAlleles, contigs: Sequence[str]) -> None:
    """Tab-separated: chrom, pos (1-based), ref, alt, probability (NA: not judged), skipped."""
    lines = ["chrom\tpos\tref\talt\tprobability\tskipped"]
    for i, probability in enumerate(map(expit, alleles.log_odds.tolist())):
        shown = "NA" if probability != probability else f"{probability:.6g}"
        name = contigs[int(alleles.contig[i])]
        lines.append(f"{name}\t{alleles.position[i] + 1}\t{alleles.ref[i]}\t{alleles.alt[i]}\t{shown}\t{alleles.skipped[i]}")
    write_text(path, "\n".join(lines) + "\n")
