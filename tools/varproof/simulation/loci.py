"""Places whose artefact makes one allele, in some fragments or reads: formalin, damage of one orientation, a motif misread."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from varproof.simulation.artifacts import KIND_NAMES, LabelledAllele
from varproof.simulation.genome import Genome, reverse_complement
from varproof.simulation.reads import Loci
from varproof.simulation.reads_codes import (
    ALL_FRAGMENTS,
    FORMALIN,
    FORWARD_FRAGMENTS,
    FORWARD_READS,
    MOTIF,
    ORIENTED,
    REVERSE_FRAGMENTS,
    REVERSE_READS,
)
from varproof.simulation.settings import SimulationSettings
from varproof.variants.edit import Edit

FORMALIN_FRACTIONS = (0.01, 0.10)
ORIENTED_FRACTIONS = (0.02, 0.15)
MOTIF_FRACTIONS = (0.05, 0.30)
"""Fewest and most fragments that show the allele, uniform between them; of the motif: of reads of the strand."""

MOTIF_READ, MOTIF_SEEN = b"GGT", b"GGG"
"""The best known systematic error of Illumina's instruments (Meacham et al. 2011, BMC Bioinformatics 12:451)."""

_C_TO_T, _C_TO_A = {"C": "T", "G": "A"}, {"C": "A", "G": "T"}


def decide_loci(genome: Genome, settings: SimulationSettings, rng: np.random.Generator) -> Loci:
    """The places of a library that has any; a place has one artefact."""
    if not (settings.ffpe_loci_per_mbp or settings.oriented_loci_per_mbp or settings.motif_loci_per_mbp):
        return Loci()
    size = len(genome)
    loci = Loci(np.zeros(size, np.float32), *(np.zeros(size, np.uint8) for _ in range(3)))
    strong = np.flatnonzero(np.isin(genome.bases, np.frombuffer(b"CG", dtype=np.uint8)))

    def free(sites: NDArray[np.int64], per_mbp: float) -> NDArray[np.int64]:
        sites = sites[loci.kind[sites] == 0]
        return rng.choice(sites, min(len(sites), round(per_mbp * size / 1e6)), replace=False)

    formalin = free(strong, settings.ffpe_loci_per_mbp)
    _fill(loci, formalin, _changed(genome, formalin, _C_TO_T), FORMALIN, ALL_FRAGMENTS)
    loci.rate[formalin] = rng.uniform(*FORMALIN_FRACTIONS, len(formalin))

    oriented = free(strong, settings.oriented_loci_per_mbp)
    oxidised = rng.random(len(oriented)) < 0.5
    base = np.where(oxidised, _changed(genome, oriented, _C_TO_A), _changed(genome, oriented, _C_TO_T))
    ways = np.where(rng.random(len(oriented)) < 0.5, FORWARD_FRAGMENTS, REVERSE_FRAGMENTS)
    _fill(loci, oriented, base, ORIENTED, ways)
    loci.rate[oriented] = 2 * rng.uniform(*ORIENTED_FRACTIONS, len(oriented))  # half of the fragments can show it

    forward, reverse = _motifs(genome)
    for sites, alternative, strand in ((forward, b"G", FORWARD_READS), (reverse, b"C", REVERSE_READS)):
        chosen = free(sites, settings.motif_loci_per_mbp / 2)
        _fill(loci, chosen, np.full(len(chosen), alternative[0], np.uint8), MOTIF, strand)
        loci.rate[chosen] = rng.uniform(*MOTIF_FRACTIONS, len(chosen))
    return loci


def of_normal(loci: Loci, ratio: float, other_library: bool) -> Loci:
    """What the normal has of the tumour's places: damage at this ratio of the rate, or none in another library."""
    if not len(loci.rate):
        return loci
    damage = np.isin(loci.kind, (FORMALIN, ORIENTED))
    factor = np.where(damage, 0.0 if other_library else ratio, 1.0)
    return replace(loci, rate=(loci.rate * factor).astype(np.float32))


def locus_alleles(loci: Loci) -> list[LabelledAllele]:
    """The allele of each place, with its kind."""
    return [
        LabelledAllele(Edit(at, at + 1, bytes([loci.base[at]])), KIND_NAMES[int(loci.kind[at])])
        for at in np.flatnonzero(loci.kind).tolist()
    ]


def _fill(loci: Loci, sites: NDArray[np.int64], base: NDArray[np.uint8], kind: int, shown_by: NDArray[np.int64] | int) -> None:
    loci.base[sites], loci.kind[sites], loci.shown_by[sites] = base, kind, shown_by


def _changed(genome: Genome, sites: NDArray[np.int64], change: dict[str, str]) -> NDArray[np.uint8]:
    table = np.zeros(256, dtype=np.uint8)
    for base, other in change.items():
        table[ord(base)] = ord(other)
    return table[genome.bases[sites]]


def _motifs(genome: Genome) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the base that is misread: the motif's last on the forward strand, the first of its reverse complement."""
    motif = np.frombuffer(MOTIF_READ, dtype=np.uint8)
    found = []
    for text, offset in ((motif, len(motif) - 1), (reverse_complement(motif), 0)):
        windows = np.lib.stride_tricks.sliding_window_view(genome.bases, len(motif))
        found.append(np.flatnonzero((windows == text).all(axis=1)) + offset)
    return found[0], found[1]
