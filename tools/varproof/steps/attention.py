"""What predict --explain wrote, for the candidates of a page of review-calls."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from varproof.machinery.errors import UserError

if TYPE_CHECKING:
    from varproof.formats.explained import ExplainedReader, Place
    from varproof.formats.tensors import PackedTensors, TensorHeader
    from varproof.report.desk_data import CandidateFacts

logger = logging.getLogger(__name__)

Told = Callable[["PackedTensors", "CandidateFacts"], "CandidateFacts"]


@contextlib.contextmanager
def attention_told(path: Path | None, calls: Path, places: "Sequence[Place]", header: "TensorHeader") -> Iterator[Told]:
    """A function that adds what the network looked at to the facts of a candidate (its tensors, as the page has them).

    path: of predict --explain; of None facts stay as they are. places: of all candidates of the page. Raises UserError where
    the file has none of these, and at the end where its reads are not those of the page.
    """
    if path is None:
        yield lambda _, facts: facts
        return
    from varproof.formats.explained import ExplainedReader

    with ExplainedReader(path) as reader:
        known = sum(place in reader.places for place in set(places))
        if not known:
            raise UserError(
                f"{reader.path}: none of its {reader.size} candidates is one that the page shows of {calls}; give what "
                "predict --explain wrote of the same list"
            )
        attention = _Attention(reader, header)
        yield attention.added
        attention.conclude(known, len(places))


class _Attention:
    """Counts how far the network's reads are found again."""

    def __init__(self, reader: "ExplainedReader", header: "TensorHeader") -> None:
        from varproof.report.desk_attention import tracks_of

        self._reader, self._contigs = reader, list(header.contigs)
        self._own = list(zip(header.samples, header.settings.tracks, strict=True))
        self._tracks_of = tracks_of
        self._shared = self._found = self._untold = self._shown = 0

    def added(self, tensors: "PackedTensors", facts: "CandidateFacts") -> "CandidateFacts":
        """The facts with what the network looked at."""
        from varproof.report.desk_attention import attention_of

        place = self._contigs[int(tensors.contig[0])], int(tensors.position[0]), str(tensors.ref[0]), str(tensors.alt[0])
        number = self._reader.places.get(place)
        if number is None:
            return facts
        explained, importance = self._reader.explained(number)
        samples = [self._reader.header.samples[i] for i in explained.track_sample[0].tolist()]
        other = list(zip(samples, explained.settings.tracks, strict=True))
        attention = attention_of(tensors, explained, importance, self._tracks_of(self._own, other))
        self._shared += attention.shared
        self._found += attention.found
        self._untold += any(part is None for part in attention.rows)
        self._shown += 1
        return replace(facts, attention=attention.shown)

    def conclude(self, known: int, total: int) -> None:
        """Log what was shown; raises UserError where none of the network's reads is one of the page's."""
        if self._shared and not self._found:
            raise UserError(
                f"{self._reader.path}: it was made of other reads: none of those that the network saw is one of --tumor, "
                "--normal or --context"
            )
        logger.info("what the network looked at: %d of %d candidates", known, total)
        if self._untold:
            logger.warning(
                "%s: of %d of %d candidates not all reads that the network saw were found again; the page shows columns only",
                self._reader.path, self._untold, self._shown,
            )  # fmt: skip
