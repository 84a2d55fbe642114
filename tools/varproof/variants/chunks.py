"""A candidate list in chunks, each with the neighbours that other chunks report, so that nothing depends on where it is cut."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from varproof.formats.vcf import read_records
from varproof.variants.candidate import Candidate, candidates_of
from varproof.variants.placement import MAX_SHIFT

CHUNK_CANDIDATES = 512
"""Around each chunk reads are decoded twice, which weighs in deep samples: of 256 a list at 2,000× takes a seventh longer."""
CHUNK_SPAN = 50_000

NEIGHBOUR_REACH = 400
"""Left-aligned candidates this near can be neighbours, bp."""

HALO = NEIGHBOUR_REACH + MAX_SHIFT
"""Records this near to a chunk may be neighbours once they are left-aligned, bp."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive candidates of one contig, and the neighbours on both sides that other chunks report."""

    candidates: list[Candidate]
    halo: list[Candidate]


def chunks(path: Path) -> Iterator[Chunk]:
    """The candidates of a VCF in chunks, in order; raises UserError where it is not sorted."""
    stream = (item for number, record in enumerate(read_records(path)) for item in candidates_of(record, number))
    before: list[Candidate] = []
    ahead: deque[Candidate] = deque()
    while True:
        current: list[Candidate] = []
        while (ahead or _pull(stream, ahead)) and _belongs(current, ahead[0]):
            current.append(ahead.popleft())
        if not current:
            return
        last = current[-1]

        def near(item: Candidate, last: Candidate = last) -> bool:
            return item.contig == last.contig and abs(item.start - last.start) <= HALO

        while (not ahead or near(ahead[-1])) and _pull(stream, ahead):
            pass
        halo = [item for item in (*before, *filter(near, ahead)) if item.contig == last.contig and item.skipped is None]
        yield Chunk(current, halo)
        before = [item for item in (*before, *current) if near(item)]


def _pull(stream: Iterator[Candidate], ahead: deque[Candidate]) -> bool:
    """Move the next candidate to `ahead`; False at the end."""
    item = next(stream, None)
    if item is not None:
        ahead.append(item)
    return item is not None


def _belongs(current: list[Candidate], item: Candidate) -> bool:
    if not current:
        return True
    first = current[0]
    return item.contig == first.contig and len(current) < CHUNK_CANDIDATES and item.start < first.start + CHUNK_SPAN
