"""How far a tumour's alleles are out of balance where there is no normal and no segment: what the neighbours show.

Heterozygous germline variants of a stretch of the genome have the same mirrored fraction m in the tumour: m or 1 - m, one half
where both haplotypes have as many copies. Along a contig m is a Markov chain that stays as it is, or is drawn anew from a
mixture, which is learnt with the shares of what else candidates are (Baum & Welch; Rabiner 1989, eqs. 19 to 25). The SNVs that
teach are those of the background, whatever list is scored, and go with the prior: all parts of a list see the same. What is
known of a place is the posterior of m by all SNVs but those at the place itself, which are what is to be judged.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from varproof.formats.evidence import Evidence
from varproof.formats.prior import AllelicBalance
from varproof.machinery.numerics_numba_fns import exp_of, expit_of, log_of
from varproof.posterior.copies import BALANCES, HETEROZYGOUS_WEIGHTS, SEEN, mirrored_fraction
from varproof.posterior.copy_decisions import DECISIONS
from varproof.posterior.crowding import MANY
from varproof.posterior.decisions import DECISIONS as POSTERIOR

logger = logging.getLogger(__name__)

_HOMOZYGOUS = 1.0 - np.array(DECISIONS.homozygous_others)
_HOMOZYGOUS_WEIGHTS = np.array(DECISIONS.homozygous_weights)
_NODES_OF_BIN = 4


@dataclass(frozen=True)
class _Sites:
    """SNVs in order: contig number, position, and likelihoods (n, nodes) of a heterozygous one, (n,) of a homozygous one, and
    (n, bins) of others, by their fraction; each row over the same constant.
    """

    contig: np.ndarray
    position: np.ndarray
    heterozygous: np.ndarray
    homozygous: np.ndarray
    others: np.ndarray

    @classmethod
    def of(cls, contig: np.ndarray, position: np.ndarray, alternative: np.ndarray, depth: np.ndarray) -> "_Sites":
        bins = DECISIONS.balance_bins
        inside = (np.arange(bins * _NODES_OF_BIN) + 0.5) / (bins * _NODES_OF_BIN)
        every = np.concatenate([*SEEN, _HOMOZYGOUS, inside])
        logarithms = np.stack([log_of(every), log_of(1.0 - every)])
        values = alternative[:, None] * logarithms[0] + (depth - alternative)[:, None] * logarithms[1]
        likelihood = exp_of(values - values.max(axis=1, keepdims=True))
        size = len(BALANCES)
        heterozygous = np.zeros((len(contig), size))
        for number, weight in enumerate(HETEROZYGOUS_WEIGHTS.tolist()):
            first = 2 * size * number
            both = likelihood[:, first : first + size] + likelihood[:, first + size : first + 2 * size]
            chosen = _taken_in(SEEN[number], depth)
            heterozygous += weight * both / (chosen[:, :size] + chosen[:, size:])
        rest = likelihood[:, 2 * size * len(SEEN) :]
        seen_as = len(_HOMOZYGOUS)
        homozygous = (_HOMOZYGOUS_WEIGHTS * rest[:, :seen_as]).sum(axis=1)
        others = rest[:, seen_as:].reshape(len(contig), bins, _NODES_OF_BIN).mean(axis=2)
        return cls(contig, position, heterozygous, homozygous, others)

    def emissions(self, shares: np.ndarray, others: np.ndarray) -> np.ndarray:
        """(n, nodes): likelihood of each SNV, given m."""
        flat = shares[1] * self.homozygous + shares[2] * (self.others * others).sum(axis=1)
        return shares[0] * self.heterozygous + flat[:, None]


def _taken_in(fractions: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """(n, k) probabilities that a variant of a fraction (k,) is seen at `least_balance_fraction` or more of a depth (n,).

    The binomial distribution by its deviance's signed root, which is about normal, that by a logistic function (of 1.702 times
    it, Haley 1952). Where one haplotype is lost, only variants of the other are taken in; without this they would look like
    variants that have no mirror images.
    """
    least = DECISIONS.least_balance_fraction
    distance = least * log_of(least / fractions) + (1.0 - least) * log_of((1.0 - least) / (1.0 - fractions))
    root = np.sqrt(2.0 * depth[:, None] * np.maximum(distance, 0.0))
    signed = 1.702 * np.where(fractions < least, -root, root)
    return expit_of(signed.ravel()).reshape(signed.shape)


@dataclass(frozen=True)
class _Messages:
    """What SNVs say of m, each row a density: `left` (n, nodes) all up to one, `right` (n, nodes) all from one on; `drawn`
    (n, nodes): the posterior probability that m was drawn anew before it, and what came; `posterior` (n, nodes): of m at it;
    `evidence`: log-likelihood of all, up to a constant.
    """

    left: np.ndarray
    right: np.ndarray
    drawn: np.ndarray
    posterior: np.ndarray
    evidence: float


def learnt_balance(
    sample: str,
    contigs: Sequence[str],
    contig: np.ndarray,
    position: np.ndarray,
    is_snv: np.ndarray,
    tumor: Evidence,
    purity: float,
    listed: np.ndarray | None = None,
    crowd: np.ndarray | None = None,
) -> AllelicBalance | None:
    """What candidates (n) that nobody has selected teach; None where they are too few, or most are not germline ones.

    contig (n,): number in `contigs`, position (n,): 0-based; `listed` (n,): whether a germline resource has them, None without
    one. Where it has enough of them, they alone teach. `crowd` (n,): see `crowding`; where many crowd on the same reads, these
    may be of another place, and teach nothing.
    """
    alternative = tumor.alternative_count.astype(np.int64)
    depth = alternative + tumor.reference_count.astype(np.int64)
    chosen = is_snv & (depth >= POSTERIOR.least_depth) & (alternative >= DECISIONS.least_balance_fraction * depth)
    if crowd is not None:
        chosen &= crowd < MANY
    if listed is not None and (chosen & listed).sum() >= DECISIONS.least_balance_sites:
        chosen &= listed
    rows = np.flatnonzero(chosen)
    rows = rows[np.lexsort((position[rows], contig[rows]))]
    rows = rows[:: max(1, -(-len(rows) // DECISIONS.most_balance_sites))]
    if len(rows) < DECISIONS.least_balance_sites:
        return None
    sites = _Sites.of(contig[rows], position[rows], alternative[rows], depth[rows])
    mixture, shares, others = _learnt(sites, purity)
    if shares[2] > DECISIONS.most_others:
        logger.info("%.0f %% of %d SNVs have no mirror images: they don't tell of copy numbers", 100.0 * shares[2], len(rows))
        return None
    logger.info(
        "heterozygous germline variants: %.0f %% of %d SNVs, of which %.0f %% lie where alleles are out of balance",
        100.0 * shares[0],
        len(rows),
        100.0 * float(_out_of_balance(sites, mixture, shares, others)),
    )
    return AllelicBalance(
        sample=sample,
        mixture=_rounded(mixture),
        shares=tuple(_rounded(shares)),
        others=_rounded(others),
        contigs=list(contigs),
        contig=contig[rows].tolist(),
        position=position[rows].tolist(),
        alternative=alternative[rows].tolist(),
        depth=depth[rows].tolist(),
    )


def balance_at(balance: AllelicBalance, contigs: Sequence[str], contig: np.ndarray, position: np.ndarray) -> np.ndarray:
    """(n, len(BALANCES)) density of the mirrored fraction at n places, from all SNVs but those at the place itself.

    contig (n,): number in `contigs`, position (n,): 0-based. Where no SNV is near it is the mixture.
    """
    sites, mixture, messages = _said_by(balance)
    numbers = {name: number for number, name in enumerate(balance.contigs)}
    out = np.tile(mixture, (len(contig), 1))
    for one in np.unique(contig).tolist():
        first, last = np.searchsorted(sites.contig, [numbers.get(contigs[one], -1), numbers.get(contigs[one], -1) + 1])
        if first == last:
            continue
        rows, places = np.flatnonzero(contig == one), sites.position[first:last]
        here = position[rows]
        before = np.searchsorted(places, here - DECISIONS.balance_own, "left") - 1
        behind = np.searchsorted(places, here + DECISIONS.balance_own, "right")
        nearest = np.maximum(before, 0)
        kept = np.where(before >= 0, _kept(here - places[nearest]), 0.0)[:, None]
        from_left = kept * messages.left[first + nearest] + (1.0 - kept) * mixture
        nearest = np.minimum(behind, len(places) - 1)
        kept = np.where(behind < len(places), _kept(places[nearest] - here), 0.0)[:, None]
        coming = messages.right[first + nearest]
        from_right = kept * coming + (1.0 - kept) * (mixture * coming).sum(axis=1)[:, None]
        both = from_left * from_right
        out[rows] = both / both.sum(axis=1)[:, None]
    return out


_said: list[tuple[AllelicBalance, tuple[_Sites, np.ndarray, _Messages]]] = []
"""What the SNVs of the balance that was asked last say: blocks of a list ask one after the other."""


def _said_by(balance: AllelicBalance) -> tuple[_Sites, np.ndarray, _Messages]:
    """(SNVs, mixture, messages) of a balance."""
    if not _said or _said[0][0] is not balance:
        names = ("contig", "position", "alternative", "depth")
        sites = _Sites.of(*(np.array(getattr(balance, name), np.int64) for name in names))
        mixture = np.array(balance.mixture) / sum(balance.mixture)
        emissions = sites.emissions(np.array(balance.shares), np.array(balance.others))
        _said[:] = [(balance, (sites, mixture, _messages(sites, emissions, mixture)))]
    return _said[0][1]


def _kept(distance: np.ndarray) -> np.ndarray:
    """Probability that m does not change over so many bases."""
    return exp_of(-np.maximum(distance, 0) / DECISIONS.balance_reach)


def _messages(sites: _Sites, emissions: np.ndarray, mixture: np.ndarray) -> _Messages:
    n = len(emissions)
    left, right, drawn = np.zeros_like(emissions), np.zeros_like(emissions), np.zeros_like(emissions)
    posterior = np.zeros_like(emissions)
    if not n:
        return _Messages(left, right, drawn, posterior, 0.0)
    same = np.append(False, sites.contig[1:] == sites.contig[:-1])
    kept = np.where(same, np.append(0.0, _kept(np.diff(sites.position))), 0.0)
    predicted, likelihood = np.zeros_like(emissions), np.zeros(n)
    before = mixture
    for i in range(n):
        predicted[i] = kept[i] * before + (1.0 - kept[i]) * mixture
        one = predicted[i] * emissions[i]
        likelihood[i] = one.sum()
        left[i] = before = one / likelihood[i]
    coming = np.ones(emissions.shape[1])
    for i in range(n - 1, -1, -1):
        one = emissions[i] * coming
        right[i] = one / one.sum()
        total = float((predicted[i] * right[i]).sum())
        posterior[i] = predicted[i] * right[i] / total
        drawn[i] = (1.0 - kept[i]) * mixture * right[i] / total
        coming = kept[i] * right[i] + (1.0 - kept[i]) * float((mixture * right[i]).sum())
    return _Messages(left, right, drawn, posterior, float(log_of(likelihood).sum()))


def _learnt(sites: _Sites, purity: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(mixture (nodes,), shares (3,), others (bins,)) that explain the SNVs best, under a few more that are as usual.

    Only mirrored fractions that a place of `most_copies` can have at this purity are in the mixture.
    """
    least = mirrored_fraction(np.array(float(DECISIONS.most_copies)), np.array(0.0), purity)
    possible = float(least) - 0.5 * BALANCES[1] < BALANCES
    usual = (1.0 - DECISIONS.usual_balance) * possible / possible.sum()
    usual[-1] += DECISIONS.usual_balance
    expected = np.array(DECISIONS.balance_shares)
    bins = sites.others.shape[1]
    mixture, shares, others = usual, expected, np.full(bins, 1.0 / bins)
    evidence = -np.inf
    for _ in range(DECISIONS.balance_iterations):
        emissions = sites.emissions(shares, others)
        messages = _messages(sites, emissions, mixture)
        total = (messages.posterior / emissions * shares[0] * sites.heterozygous).sum(axis=1)
        inverse = (messages.posterior / emissions).sum(axis=1)
        of_bins = shares[2] * others * sites.others * inverse[:, None]
        counts = np.array([total.sum(), (shares[1] * sites.homozygous * inverse).sum(), of_bins.sum()])
        counts += DECISIONS.balance_pseudo_count * expected
        found = of_bins.sum(axis=0) + DECISIONS.others_pseudo_count
        fresh = messages.drawn.sum(axis=0) + DECISIONS.mixture_pseudo_count * usual
        mixture, shares, others = fresh / fresh.sum(), counts / counts.sum(), found / found.sum()
        before, evidence = evidence, messages.evidence
        if evidence - before < POSTERIOR.tolerance:
            break
    return mixture, shares, others


def _out_of_balance(sites: _Sites, mixture: np.ndarray, shares: np.ndarray, others: np.ndarray) -> float:
    """Share of the SNVs where m is likelier under `out_of_balance` than over it."""
    posterior = _messages(sites, sites.emissions(shares, others), mixture).posterior
    return float((posterior[:, DECISIONS.out_of_balance > BALANCES].sum(axis=1) > 0.5).mean())


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.9g}") for value in values.tolist()]
