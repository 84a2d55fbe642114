"""What a germline resource says of candidates: the prior of germline variants by the population's frequencies.

An allele of frequency f is heterozygous in a person with probability 2 f (1 - f) and homozygous with f^2 (Hardy 1908,
Weinberg 1908). Alleles that the resource lacks, or has under `least_population_frequency`, share rates that are learnt from the
sample, as all rates are: how many germline variants a person has that a resource of this size lacks. No allele that it has is
held for rarer than those.
"""

import json
import logging
from collections.abc import Iterable

import numpy as np

from varproof.formats.events import GERMLINE_EVENTS
from varproof.formats.prior import ResourceUsed
from varproof.formats.vcf import RESOURCE_LINE
from varproof.machinery.output import input_digest
from varproof.posterior.classes import CLASSES, alleles_per_base, class_of, published_rates
from varproof.posterior.decisions import DECISIONS
from varproof.reads.sampling import Window
from varproof.variants.candidate import Candidate, trimmed_alleles
from varproof.variants.population import GermlineResource
from varproof.variants.reference import Reference

logger = logging.getLogger(__name__)


def is_listed(frequency: np.ndarray) -> np.ndarray:
    """bool (n,): whether frequencies (NaN: not in the resource) are those of alleles that the population is known to have."""
    return np.nan_to_num(frequency, nan=0.0) >= DECISIONS.least_population_frequency


def hardy_weinberg(frequency: np.ndarray) -> dict[str, np.ndarray]:
    """Germline event -> probability (n,) that a person has alleles of frequencies (n,) so.

    >>> {event: round(float(p[0]), 4) for event, p in hardy_weinberg(np.array([0.1])).items()}
    {'GERMLINE_HET': 0.18, 'GERMLINE_HOM': 0.01}
    """
    f = np.clip(frequency, 0.0, DECISIONS.most_population_frequency)
    return dict(zip(GERMLINE_EVENTS, (2.0 * f * (1.0 - f), f * f), strict=True))


def with_population(weights: np.ndarray, columns: dict[str, slice], frequency: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Weights (n, components) with the population's for germline events of listed alleles; not yet completed.

    frequency (n,): see `is_listed`; spread (GERMLINE_CHANGES,): what becomes of germline variants, which sums to 1.
    """
    rows = np.flatnonzero(is_listed(frequency))
    weights = weights.copy()
    for event, probability in hardy_weinberg(frequency[rows]).items():
        part = columns[event]
        private = weights[rows, part].sum(axis=1)
        weights[rows, part] = np.maximum(probability, private)[:, None] * spread
    return weights


def resource_used(resource: GermlineResource, windows: Iterable[Window], reference: Reference) -> ResourceUsed:
    """How dense a resource is in the territory: its alleles, and the variants that a person has of them, per base by class.

    `windows` of the territory, spread evenly however early they end, as they do after `resource_bases`, or so many alleles.
    Raises UserError where the resource is of another reference.
    """
    alleles = np.zeros(len(CLASSES))
    variants = {event: np.zeros(len(CLASSES)) for event in GERMLINE_EVENTS}
    bases = seen = 0
    for contig, start, end in windows:
        if bases >= DECISIONS.resource_bases or seen >= DECISIONS.resource_alleles:
            break
        bases += end - start
        for position, ref, alts, info in resource.records(contig, start, end):
            if not start <= position < end:
                continue
            resource.check(contig, position, ref, reference)
            listed = alts.split(",")
            for alt, frequency in zip(listed, resource.frequencies(info, len(listed), f"{contig}:{position + 1}"), strict=True):
                seen += 1
                if frequency is None or frequency < DECISIONS.least_population_frequency or set(alt) - set("ACGT"):
                    continue
                place, own, new = trimmed_alleles(position, ref, alt)
                if own == new:
                    continue
                kind = class_of(Candidate(0, 0, contig, place, place + len(own), own, new))
                alleles[kind] += 1.0
                for event, probability in hardy_weinberg(np.array([frequency])).items():
                    variants[event][kind] += probability[0]
    size = max(1, bases)
    return ResourceUsed(
        field=resource.field,
        digest=input_digest(resource.path),
        alleles=(alleles / size).tolist(),
        variants={event: (counts / size).tolist() for event, counts in variants.items()},
    )


def listed_alleles(used: ResourceUsed, territory: float) -> np.ndarray:
    """(classes,) alleles of a resource in so many bases, at most `most_listed` of the possible ones."""
    return territory * np.minimum(used.alleles, DECISIONS.most_listed * alleles_per_base())


def published_of(used: ResourceUsed | None) -> dict[str, np.ndarray]:
    """Event -> published rate per allele (classes,), of germline events those of variants that a resource lacks (None: of all).

    Of the published variants per base those are left that a person doesn't have by the resource, at least `least_unlisted`.
    """
    rates = published_rates()
    if used is not None:
        for event in GERMLINE_EVENTS:
            rates[event] = np.maximum(rates[event] - np.array(used.variants[event]), DECISIONS.least_unlisted * rates[event])
    return {event: values / alleles_per_base() for event, values in rates.items()}


def described(resource: GermlineResource, frequency: np.ndarray) -> str:
    """The header line of a scored file: alleles of the list, of frequencies (n,) or NaN, that the resource has."""
    told = {
        "candidates": len(frequency),
        "field": resource.field,
        "found": int(np.isfinite(frequency).sum()),
        "frequent": int(is_listed(frequency).sum()),
        "name": resource.path.name,
    }
    return f"##{RESOURCE_LINE}={json.dumps(told, sort_keys=True)}"


def tell(resource: GermlineResource, source: str, frequency: np.ndarray, without: int) -> None:
    """Log how many candidates of `source`, of frequencies (n,) or NaN, a resource has; `without`: without a frequency."""
    found, rare = int(np.isfinite(frequency).sum()), int((np.isfinite(frequency) & ~is_listed(frequency)).sum())
    logger.info(
        "%s (INFO/%s%s): %d of the %d candidates of %s are in it, %d of them under %g and %d more without a frequency, which "
        "count as not in it",
        resource.path.name,
        resource.field,
        ", minus log10" if resource.is_negative_log10 else "",
        found,
        len(frequency),
        source,
        rare,
        DECISIONS.least_population_frequency,
        without,
    )


def tell_share(listed: float, private: float) -> None:
    """Log how many germline variants are in a resource and how many are not; warn where it lacks most of them."""
    total = listed + private
    logger.info("germline variants of what teaches: %.0f in the germline resource, %.0f not", listed, private)
    if total >= DECISIONS.few_candidates and listed < DECISIONS.telling_share * total:
        logger.warning(
            "only %.0f of about %.0f germline variants are in the germline resource: it tells little here; give one of the "
            "whole territory, and of more people (gnomAD)",
            listed,
            total,
        )
