"""What a candidate can be: the events of the posterior, each described once.

A new event is an entry here, a likelihood in `posterior.components`, and a test. `EVENTS` are those that a scored file has a
probability of (INFO/PROB_<EVENT>), in its order; an event that is `reported_as` another adds to that one's. What is none of the
events is ABSENT, the last.
"""

from dataclasses import dataclass

ABSENT = "ABSENT"
OTHER_PERSON = "FOREIGN"
"""Contamination by another person, under its name in prior.json."""


@dataclass(frozen=True)
class Event:
    """One event.

    `meaning` ends "the allele is ..." in headers. `published_per_base`: its rate of SNVs where there is little data, per base;
    other types have their share of it (`posterior.classes`), of `least_share` or more. `healthy_fraction`: of the copies in
    healthy cells that carry the allele. `copies`: how many of them the genotypes of tumour and normal are given. `in_paper`:
    it is among the events of 2020, which `--prior flat` has. `real_reads`: its reads are real ones in all else, so that they
    teach what is unusual in those of artefacts.
    """

    name: str
    meaning: str
    published_per_base: float
    reported_as: str
    healthy_fraction: float = 0.0
    copies: tuple[int, int] = (0, 0)
    least_share: float = 0.0
    in_paper: bool = False
    real_reads: bool = False


EVENT_TABLE = (
    # Alexandrov et al. 2013: one somatic SNV per Mbp, the median of adult cancers; a tenth as many in the normal.
    Event(
        "SOMATIC_TUMOR",
        "somatic, in the tumour cells only",
        1e-6,
        "SOMATIC_TUMOR",
        copies=(1, 0),
        in_paper=True,
        real_reads=True,
    ),
    Event("SOMATIC_NORMAL", "somatic, subclonal in the normal", 1e-7, "SOMATIC_NORMAL", copies=(1, 1), in_paper=True),
    # 1000 Genomes 2015: one germline SNV per kb, two heterozygous for each homozygous.
    Event("GERMLINE_HET", "germline, heterozygous", 6.7e-4, "GERMLINE_HET", 0.5, copies=(1, 1), in_paper=True, real_reads=True),
    Event("GERMLINE_HOM", "germline, homozygous", 3.3e-4, "GERMLINE_HOM", 1.0, copies=(2, 2), in_paper=True, real_reads=True),
    Event(
        "ARTIFACT", "an artefact of sequencing, mapping or another library", 1e-5, "ARTIFACT", least_share=0.01, in_paper=True
    ),
    Event(OTHER_PERSON, "another person's germline variant in the tumour's library", 1e-7, "ARTIFACT"),
    Event(ABSENT, "not there: coincident sequencing errors", 0.0, ABSENT, in_paper=True),
)
EVENT_NAMED = {event.name: event for event in EVENT_TABLE}
EVENTS = tuple(event.name for event in EVENT_TABLE if event.reported_as == event.name)
LEARNT_EVENTS = tuple(event.name for event in EVENT_TABLE if event.name != ABSENT)
"""Those that have a rate."""

GERMLINE_EVENTS = tuple(event.name for event in EVENT_TABLE if event.healthy_fraction > 0)
REAL_READS_EVENTS = tuple(event.name for event in EVENT_TABLE if event.real_reads)

SOMATIC = "SOMATIC_TUMOR"
"""What people look for, and what a truth holds."""

NETWORK_EVENTS = ("CNN_SOMATIC", "CNN_ARTIFACT")
COMBINED_EVENTS = ("COMBINED_SOMATIC", "COMBINED_ARTIFACT")


def reported_parts(name: str) -> tuple[str, ...]:
    """The events that add up to a reported one."""
    return tuple(event.name for event in EVENT_TABLE if event.reported_as == name)
