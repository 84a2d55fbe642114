"""Links: how many fragments carry the alleles of two candidates together, and how many one without the other.

Counted from what each fragment says of each candidate by itself, so that it does not matter in which chunk the other one is.
"""

import itertools

import numpy as np

from varproof.evidence.arrays import ALTERNATIVE, REFERENCE, CandidateArrays, Observations
from varproof.evidence.decisions import DECISIONS
from varproof.formats.evidence import LINK_COLUMNS
from varproof.variants.candidate import Candidate, candidate_key
from varproof.variants.chunks import NEIGHBOUR_REACH


def links(
    found: Observations, arrays: CandidateArrays, candidates: list[Candidate], own: int, fragments: int
) -> dict[str, np.ndarray]:
    """The columns of links of the first `own` of the `candidates`, as `Evidence` has them; those that the list lacks have none.

    found: observations of all `candidates`, which `arrays` describes, each against its own two haplotypes.
    """
    from varproof.evidence.links_numba_fns import counted_links

    tells = (found.strand > 0) & (found.mapq > 0) & (np.abs(found.log_ratio) > _least_ratio(found, arrays))
    offset = np.searchsorted(found.candidate[tells], np.arange(len(candidates) + 1)).astype(np.int64)
    carries = np.sign(found.log_ratio[tells]).astype(np.int8)
    keys = np.array([candidate_key(item) for item in candidates], np.uint64)
    order = _left_to_right(arrays, keys)
    order = order[[candidates[i].is_listed for i in order]]
    first, second, counts = counted_links(
        order, arrays, own, offset, found.fragment[tells], carries, fragments, NEIGHBOUR_REACH
    )
    by_candidate = np.argsort(first, kind="stable")
    columns = (keys[second], *counts.T)
    return {
        "link_offset": np.searchsorted(first[by_candidate], np.arange(own + 1)).astype(np.int64),
        **{name: values[by_candidate].astype(kind) for (name, kind), values in zip(LINK_COLUMNS.items(), columns, strict=True)},
    }


def _least_ratio(found: Observations, arrays: CandidateArrays) -> np.ndarray:
    """|ln ratio| from which on a fragment tells, per observation: less where its bases show an allele of a substitution.

    By itself an SNV beside a deletion of its haplotype may be read as another deletion; the bases that are there tell more.
    """
    supports = np.where(found.log_ratio > 0, ALTERNATIVE, REFERENCE)
    shows = arrays.substitution[found.candidate] & (found.allele == supports)
    return np.where(shows, DECISIONS.informative, DECISIONS.support_log_ratio)


def _left_to_right(arrays: CandidateArrays, keys: np.ndarray) -> np.ndarray:
    """The candidates from left to right, the same order in whatever chunk they are: int64 (n,)."""
    alleles = [arrays.alt[low:high].tobytes() for low, high in itertools.pairwise(arrays.alt_offset)]
    order = sorted(range(len(keys)), key=lambda i: (arrays.start[i], arrays.end[i], alleles[i], keys[i]))
    return np.array(order, np.int64)
