"""A candidate list in chunks: `pieces` is how any list is walked; `chunks` adds the neighbours that other chunks report.

Nothing depends on where a list is cut.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from varproof.formats.vcf import read_records
from varproof.variants.candidate import Candidate, candidates_of
from varproof.variants.joined import with_joined
from varproof.variants.placement import MAX_SHIFT
from varproof.variants.reference import Reference

CHUNK_CANDIDATES = 512
"""Around each chunk reads are decoded twice, which weighs in deep samples: of 256 a list at 2,000× takes a seventh longer."""
CHUNK_SPAN = 50_000

NEIGHBOUR_REACH = 400
"""Left-aligned candidates this near can be neighbours, bp."""

HALO = NEIGHBOUR_REACH + MAX_SHIFT
"""Records this near to a chunk may be neighbours once they are left-aligned, bp."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Chunk:
    """Consecutive candidates of one contig, and the neighbours on both sides that other chunks report."""

    candidates: list[Candidate]
    halo: list[Candidate]


def pieces(
    items: Iterable[Item], candidate: Callable[[Item], Candidate], most: int, span: int | None = None
) -> Iterator[list[Item]]:
    """Consecutive items of one contig, at most `most` at a time, which start less than `span` bp after the first of them."""
    current: list[Item] = []
    for item in items:
        if current:
            first, this = candidate(current[0]), candidate(item)
            far = span is not None and this.start >= first.start + span
            if len(current) == most or this.contig != first.contig or far:
                yield current
                current = []
        current.append(item)
    if current:
        yield current


def listed_candidates(path: Path) -> Iterator[Candidate]:
    """The candidates of a VCF, in order; raises UserError where it is not sorted."""
    return (item for number, record in enumerate(read_records(path)) for item in candidates_of(record, number))


def chunks(path: Path, reference: Path | None = None) -> Iterator[Chunk]:
    """The candidates of a VCF in chunks, in order; raises UserError where it is not sorted.

    With a `reference`, what neighbours would make together is among them, as `with_joined` has it.
    """
    stream = listed_candidates(path)
    if reference is not None:
        stream = with_joined(stream, Reference(reference))
    parts = pieces(stream, lambda item: item, CHUNK_CANDIDATES, CHUNK_SPAN)
    before: list[Candidate] = []
    ahead = deque(islice(parts, 1))
    while ahead:
        current = ahead.popleft()
        last = current[-1]

        def near(item: Candidate, last: Candidate = last) -> bool:
            return item.contig == last.contig and abs(item.start - last.start) <= HALO

        while (not ahead or near(ahead[-1][-1])) and (part := next(parts, None)) is not None:
            ahead.append(part)
        around = (*before, *(item for part in ahead for item in part if near(item)))
        yield Chunk(current, [item for item in around if item.contig == last.contig and item.skipped is None])
        before = [item for item in (*before, *current) if near(item)]
