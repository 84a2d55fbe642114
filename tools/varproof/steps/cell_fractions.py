"""Cancer cell fractions of a list of calls, for estimate-vaf: what the user says of purity and copy number comes in, with the
frequencies; fractions go out, and what is to be said of them.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from varproof.formats.events import EVENT_TABLE
from varproof.formats.vcf import PROBABILITY_PREFIX, contig_lengths_of, info_numbers
from varproof.machinery.errors import UserError
from varproof.steps.detection_limit import header_value

if TYPE_CHECKING:
    from varproof.formats.metrics import CellFractionSummary
    from varproof.formats.purity import OneFit, Purity
    from varproof.formats.segments import Segment, Segments
    from varproof.posterior.clonal_peak import Place
    from varproof.posterior.clonality import CellFraction, Curve, Nodes, PurityBelief
    from varproof.posterior.detection import DetectionLimit
    from varproof.report.cell_fractions import DrawnFractions

logger = logging.getLogger(__name__)

COLUMNS = ("ccf", "ccf_low", "ccf_high", "multiplicity", "p_clonal", "copies", "minor_copies")
FIELDS = {
    "VP_CCF": ("Float", "Fraction of the tumour cells that carry the allele (cancer cell fraction), most probable"),
    "VP_CCFLOW": ("Float", "Lower end of its 95 % interval, of highest density, over purity and copy number"),
    "VP_CCFHIGH": ("Float", "Upper end of its 95 % interval"),
    "VP_MULT": ("Integer", "Copies of the allele in each of these cells, most probable"),
    "VP_PCLONAL": ("Float", "Probability that all tumour cells carry the allele"),
}
_NA = "NA"
_EVEN_PHRED = 3.0103
_GERMLINE = tuple(PROBABILITY_PREFIX + event.name for event in EVENT_TABLE if event.healthy_fraction > 0)
_LEAST_PURITY = 0.01
_SEX = ("X", "Y", "chrX", "chrY")


class PurityOptions(Protocol):
    """The options of estimate-vaf that are read here."""

    calls: Path
    purity: float
    purity_interval: list[float] | None
    purity_estimate: Path | None
    segments: Path | None
    haploid: list[str] | None

    @property
    def model_fields_set(self) -> set[str]:
        """Options that were given."""


@dataclass(slots=True)
class _Call:
    """A call that may get a fraction: where it lies, its density's string, the lower end of its interval, fragments, group."""

    contig: str
    start: int
    text: str
    low: float
    depth: int
    group: str
    somatic: bool
    found: "CellFraction | None" = None
    segment: "Segment | None" = None


@dataclass(frozen=True)
class _OneFit:
    """A purity with the copy numbers that go with it, and how probable both are."""

    probability: float
    belief: "PurityBelief"
    segments: "Segments | None"


@dataclass
class CellFractions:
    """Fractions of all calls of a list, in order. `fits`: what purity and copy numbers may be, the most probable first; their
    segments are the same but for the copies. `assumed_purity`: that by which frequencies were corrected.
    """

    fits: list[_OneFit]
    assumed_purity: float
    haploid: frozenset[str]
    healthy: "dict[Segment, float]" = field(default_factory=dict)
    """Copies in healthy cells, where more is known than which contigs are haploid."""
    calls: list[_Call] = field(default_factory=list)
    share: float | None = None
    too_frequent: int = 0
    without_segment: int = 0

    @classmethod
    def of(cls, options: PurityOptions, header: Any, assumed_purity: float) -> "CellFractions | None":
        """From the options and the calls' header; None where nothing asks for fractions. Raises UserError."""
        if options.segments is None and options.purity_interval is None and options.purity_estimate is None:
            return None
        from varproof.formats.segments import read_segments

        contigs = contig_lengths_of(header)
        estimate = None if options.purity_estimate is None else _estimate(options.purity_estimate)
        for name in options.haploid or ():
            if name not in contigs:
                raise UserError(f"--haploid {name}: {options.calls} has no such contig")
        haploid = frozenset(options.haploid or ())
        if estimate is not None and "purity" in options.model_fields_set:
            logger.warning(
                "--purity %g is for frequencies that are yet to be corrected; cancer cell fractions take the purity of %s",
                options.purity,
                options.purity_estimate,
            )
        if estimate is not None and options.segments is None:
            found = cls.of_estimate(estimate, contigs, assumed_purity, str(options.purity_estimate), haploid)
        else:
            segments = None if options.segments is None else read_segments(options.segments, contigs)
            found = cls([_OneFit(1.0, _belief(options, header, estimate), segments)], assumed_purity, haploid)
        belief, segments = found.belief, found.segments
        logger.info(
            "cancer cell fractions: purity %.3g%s, %s; frequencies were corrected for a purity of %.3g",
            belief.value,
            "" if belief.low == belief.high else f" (95 % interval {belief.low:.3g} to {belief.high:.3g})",
            "two copies everywhere are assumed (no --segments)" if segments is None else f"{len(segments)} segments",
            assumed_purity,
        )
        for one in found.fits[1:]:
            logger.warning(
                "purity %.3g has probability %.2g, with other copy numbers: cancer cell fractions are mixed over it",
                one.belief.value,
                one.probability,
            )
        return found

    @classmethod
    def of_estimate(
        cls,
        estimate: "Purity",
        contigs: Mapping[str, int],
        assumed_purity: float,
        source: str = "purity.json",
        haploid: frozenset[str] = frozenset(),
    ) -> "CellFractions":
        """By all fits of a purity.json that tells one; raises UserError, whose line begins with `source`, without segments."""
        from varproof.formats.segments import Segments

        if not estimate.segments:
            raise UserError(f"{source}: it has no segments, so no copy numbers; run estimate-purity again, or give --segments")
        fits: list[_OneFit] = []
        healthy: dict[Segment, float] = {}
        for one in estimate.fits:
            segments = [place.with_copies(copies) for place, copies in zip(estimate.segments, one.copies, strict=True)]
            normal = [float(place.normal_copies) for place in estimate.segments]
            healthy |= dict(zip(segments, normal, strict=True))
            fits.append(_OneFit(one.probability, _belief_of(one), Segments(segments, contigs, source)))
        if len(estimate.alternatives) >= len(fits):
            logger.warning(
                "%s: %d other fits come without segments and take no part in cancer cell fractions; run estimate-purity again",
                source,
                len(estimate.alternatives) + 1 - len(fits),
            )
        return cls(fits, assumed_purity, haploid, healthy)

    @property
    def belief(self) -> "PurityBelief":
        """The purity of the most probable fit."""
        return self.fits[0].belief

    @property
    def segments(self) -> "Segments | None":
        """Its segments."""
        return self.fits[0].segments

    def add(self, record: Any, allele: int, start: int, text: str, low: float, depth: int | None, group: str) -> None:
        """A call; its frequency's interval begins at `low`."""
        self.calls.append(_Call(record.contig, start, text, low, depth or 0, group, _may_be_somatic(record, allele)))

    def solve(self, limit: "DetectionLimit | None") -> None:
        """Find the fraction of each call that can have one."""
        from varproof.posterior.clonality import curve_of
        from varproof.posterior.clonality_fits import by_fits, learnt_shares, mixed_fraction

        chosen: list[tuple[_Call, Curve, tuple[Place | None, ...]]] = []
        for call in self.calls:
            places = self._places(call)
            if not any(places) or not call.somatic:
                continue
            curve = curve_of(call.text, call.low, call.depth, call.group, self.assumed_purity, limit)
            if curve is not None:
                chosen.append((call, curve, places))
        nodes = {
            (number, place): self._nodes(one, place)
            for _, _, places in chosen
            for number, (one, place) in enumerate(zip(self.fits, places, strict=True))
            if place is not None
        }
        found = [
            by_fits(
                curve,
                [None if place is None else nodes[number, place] for number, place in enumerate(places)],
                self.assumed_purity,
            )
            for _, curve, places in chosen
        ]
        shares = learnt_shares([by_fit for _, by_fit in found])
        self.share = next((share for share in shares if share is not None), None)
        probabilities = [one.probability for one in self.fits]
        for (call, _, _), (curve, by_fit) in zip(chosen, found, strict=True):
            call.found = mixed_fraction(curve, by_fit, shares, probabilities)
            self.too_frequent += call.found is None
        self._tell([(call, curve, places[0]) for call, curve, places in chosen if places[0] is not None])

    def _places(self, call: _Call) -> "tuple[Place | None, ...]":
        """Copies where a call lies, by each fit; None where no segment tells, or none is left."""
        if self.segments is not None:
            call.segment = self.segments.at(call.contig, call.start)
        found = tuple(self._place(call, one.segments) for one in self.fits)
        self.without_segment += not any(found)
        return found

    def _place(self, call: _Call, segments: "Segments | None") -> "Place | None":
        from varproof.posterior.clonal_peak import Place
        from varproof.posterior.clonality import DIPLOID, CopyState, copy_states

        healthy = 1.0 if call.contig in self.haploid else 2.0
        if segments is None:
            return Place(DIPLOID if healthy == 2.0 else (CopyState(1.0, 1, 0),), healthy)
        segment = segments.at(call.contig, call.start)
        if segment is None:
            return None
        states = self._states.get(segment)
        if states is None:
            states = self._states[segment] = copy_states(
                segment.total,
                segment.minor,
                _limits(segment.total_low, segment.total_high),
                _limits(segment.minor_low, segment.minor_high),
            )
        return Place(states, min(self.healthy.get(segment, 2.0), healthy)) if states else None

    def __post_init__(self) -> None:
        self._states: dict[Segment, tuple[Any, ...]] = {}

    def _nodes(self, fit: _OneFit, place: "Place") -> "Nodes":
        from varproof.posterior.clonality import nodes_of

        return nodes_of(place.states, place.healthy, *fit.belief.nodes(), self.assumed_purity)

    def _tell(self, chosen: "Sequence[tuple[_Call, Curve, Place]]") -> None:
        """What is to be said, in the log."""
        from varproof.posterior.clonal_peak import better_purity

        germline = sum(not call.somatic for call in self.calls)
        if germline:
            logger.info("%d calls are more probably germline: no cancer cell fraction", germline)
        if self.without_segment:
            logger.warning(
                "%d calls lie in no segment, or in one without a copy left: no cancer cell fraction", self.without_segment
            )
        if self.too_frequent:
            logger.warning(
                "%d calls are more frequent than purity and copy number allow: no cancer cell fraction "
                "(germline variants, another purity, or other segments)",
                self.too_frequent,
            )
        if not self.haploid and not self.healthy and any(call.contig in _SEX for call in self.calls):
            logger.info("X and Y are taken for two copies in healthy cells: give --haploid for those that have one")
        better = better_purity([c for _, c, _ in chosen], [p for _, _, p in chosen], self.belief, self.assumed_purity)
        if better is not None:
            logger.warning(
                "a purity of %.2g fits the calls better than %s, by %.0f units of log-likelihood: cancer cell fractions are "
                "wrong if the peak of these calls is the clonal one",
                better.value,
                f"{self.belief.low:.3g}"
                if self.belief.low == self.belief.high
                else f"{self.belief.low:.3g} to {self.belief.high:.3g}",
                better.gain,
            )

    def columns(self) -> Iterator[str]:
        """The end of each line of the table."""
        for call in self.calls:
            segment = call.segment
            copies = (
                ("2", "1") if self.segments is None and call.contig not in self.haploid
                else ("1", "0") if self.segments is None
                else (_NA, _NA) if segment is None
                else (f"{segment.total:.4g}", _NA if segment.minor is None else f"{segment.minor:.4g}")
            )  # fmt: skip
            yield "\t".join((*_shown(call.found), *copies))

    def drawn(self) -> "DrawnFractions":
        """What the picture shows."""
        from varproof.report.cell_fractions import DrawnFractions

        found = [call.found for call in self.calls if call.found is not None]
        return DrawnFractions([one.value for one in found], [one.clonal for one in found], self.summary())

    def summary(self) -> "CellFractionSummary":
        """What the summary says of them."""
        from varproof.formats.metrics import CellFractionSummary

        found = [call.found for call in self.calls if call.found is not None]
        return CellFractionSummary(
            purity=self.belief.value,
            purity_low=self.belief.low,
            purity_high=self.belief.high,
            copy_number="assumed diploid" if self.segments is None else "segments",
            variants=len(found),
            too_frequent=self.too_frequent,
            without_segment=self.without_segment,
            clonal_share=None if self.share is None else round(self.share, 6),
            expected_clonal=round(sum(one.clonal for one in found), 3),
        )


def fields_of(found: "CellFraction | None") -> tuple[Any, ...]:
    """The values of `FIELDS`."""
    if found is None:
        return (None,) * len(FIELDS)
    return (found.value, found.low, found.high, found.multiplicity, found.clonal)


def _shown(found: "CellFraction | None") -> tuple[str, ...]:
    if found is None:
        return (_NA,) * len(FIELDS)
    return (*(f"{value:.4g}" for value in (found.value, found.low, found.high)), str(found.multiplicity), f"{found.clonal:.4g}")


def _limits(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)


def _may_be_somatic(record: Any, allele: int) -> bool:
    """Whether no germline event is likelier than not, of which the density would be another one's."""
    for name in _GERMLINE:
        values = info_numbers(record, name)
        value = values[allele] if values and len(values) > allele else None
        if value is not None and value < _EVEN_PHRED:
            return False
    return True


def _estimate(path: Path) -> "Purity":
    """purity.json; raises UserError where it tells none."""
    from varproof.formats.purity import read_purity

    return read_purity(path, "--purity-interval")[1]


def _belief_of(fit: "OneFit") -> "PurityBelief":
    from varproof.posterior.clonality import PurityBelief

    low, high = fit.limits
    return PurityBelief(fit.purity, max(low, min(_LEAST_PURITY, fit.purity)), high)


def _belief(options: PurityOptions, header: Any, estimate: "Purity | None") -> "PurityBelief":
    """Purity and its limits, from the options, else what score-posterior was given."""
    from varproof.posterior.clonality import PurityBelief

    if estimate is not None:
        return _belief_of(estimate.fits[0])
    given = header_value(header, "varproof_score-posterior").get("options", {}).get("purity")
    scored = float(given) if isinstance(given, int | float) else None
    value = options.purity if "purity" in options.model_fields_set or scored is None else scored
    if options.purity_interval is None:
        return PurityBelief(value, value, value)
    low, high = options.purity_interval
    if "purity" in options.model_fields_set and not low <= value <= high:
        raise UserError(f"--purity {value:g} is not in --purity-interval {low:g} {high:g}")
    return PurityBelief(value if low <= value <= high else (low + high) / 2, low, high)
