"""Candidates as VCF records: the header with all features described, and one record per allele."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pysam

from varproof.candidates.features import FEATURES, NORMAL_FREQUENCY, UNKNOWN
from varproof.candidates.pipeline import FoundCandidates

KNOWN, KNOWN_SHARE = "KNOWN", "KNOWN_SHARE"
UNQUALIFIED = "unqualified"
SAMPLES = ("tumor", "normal")
GENOTYPES = ((0, 0), (0, 1), (1, 1))


def candidates_header(contigs: dict[str, int], samples: int, lines: Sequence[str]) -> Any:
    """Header for `samples` samples (tumour, then normal); `lines`: '##key=value'."""
    header = pysam.VariantHeader()
    for name, length in contigs.items():
        header.contigs.add(name, length=length)
    header.add_line(f'##FILTER=<ID={UNQUALIFIED},Description="Reads do not look like those of known sites (--min-quality)">')
    for feature in FEATURES:
        header.add_line(f'##INFO=<ID={feature.name},Number=A,Type=Float,Description="{feature.text}">')
    header.add_line(f'##INFO=<ID={KNOWN},Number=0,Type=Flag,Description="The allele is one of --known-sites">')
    header.add_line(
        f'##INFO=<ID={KNOWN_SHARE},Number=A,Type=Float,'
        'Description="Share of known sites among the candidates that look alike (the same leaf of the tree)">'
    )  # fmt: skip
    for name, number, kind, text in (
        ("GT", "1", "String", "Most probable of the genotypes 0/0, 0/1 and 1/1"),
        ("AD", "R", "Integer", "Reads that show the reference and the alternative allele"),
        ("DP", "1", "Integer", "Reads that cover the candidate"),
        ("PL", "G", "Integer", "PHRED likelihoods of 0/0, 0/1 and 1/1, relative to the best"),
    ):
        header.add_line(f'##FORMAT=<ID={name},Number={number},Type={kind},Description="{text}">')
    for line in lines:
        header.add_line(line)
    for sample in SAMPLES[:samples]:
        header.add_sample(sample)
    return header


def write_candidates(
    writer: Any, found: FoundCandidates, share: np.ndarray | None, quality: np.ndarray | None, least_share: float
) -> None:
    """Write records; `share`, `quality` (n,): of known sites among alike candidates, and PHRED; None without a judgement."""
    names = [feature.name for feature in FEATURES]
    for i in range(found.size):
        info: dict[str, Any] = {name: _shown(value) for name, value in zip(names, found.features[i].tolist(), strict=True)}
        if info[NORMAL_FREQUENCY] == UNKNOWN:
            del info[NORMAL_FREQUENCY]
        if found.known[i]:
            info[KNOWN] = True
        filters = None
        if share is not None:
            info[KNOWN_SHARE] = _shown(share[i])
            filters = ["PASS" if share[i] >= least_share else UNQUALIFIED]
        record = writer.new_record(
            contig=found.contig,
            start=int(found.position[i]),
            alleles=(found.ref[i], found.alt[i]),
            id=found.known[i] if found.known[i] not in ("", ".") else None,
            qual=None if quality is None else _shown(quality[i]),
            filter=filters,
            info=info,
        )
        for number, sample in enumerate(found.samples):
            fields = record.samples[number]
            phred = sample.phred[i].tolist()
            fields["GT"] = GENOTYPES[phred.index(0)] if sample.allele_depth[i].any() else (None, None)
            fields["AD"] = sample.allele_depth[i].tolist()
            fields["DP"] = int(sample.depth[i])
            fields["PL"] = phred
        writer.write(record)


def _shown(value: float) -> float:
    return float(f"{value:.5g}") if math.isfinite(value) else 0.0
