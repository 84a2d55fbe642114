"""Variants that touch, crowd or share a place, kind by kind, beside isolated ones of the same type, length and frequency.

    .venv/bin/python tests/benchmarks/neighbours.py --work bench-work
    .venv/bin/python tests/benchmarks/neighbours.py --short --work /tmp/work --output /tmp/results

A pair has groups of all kinds of `simulate-pair --neighbours`, and isolated variants. Three lists of candidates are scored: the
full one of simulate-pair, what call-candidates finds, and the full one with every MNV as SNVs. What is called in the places of
one kind is filtered by itself, and held against the haplotypes of its groups. What is missed or false at the headline rate is
in failures-LIST.tsv beside the pair. A second pair has indels of 100 to 1,000 bp, which call-candidates has to piece together.
Writes neighbours.json and its section of RESULTS.md.
"""

import argparse
import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from bench import HEADLINE_FDR, HERE, PACKAGE, run, simulated_pair, source_digest
from candidates import Allele, normalised, snvs_of
from haplotypes import class_of, makers, sequence_made
from neighbours_table import LENGTHS, LISTS, NOMINAL_FDRS, neighbours_lines
from tables import write_page

from varproof.formats.scored import EventSelection, error_probabilities, select_events
from varproof.formats.vcf import from_phred
from varproof.posterior.fdr import fdr_threshold
from varproof.simulation.neighbours import MAKERS
from varproof.variants.shifting import steps_right

PAIRS: dict[str, tuple[str, ...]] = {
    "neighbours": ("--purity", "0.75", "--somatic-mnvs", "150", "--neighbours", "all"),
    "long": (
        *("--purity", "0.75", "--somatic-snvs", "100", "--somatic-mnvs", "0", "--somatic-insertions", "300"),
        *("--somatic-deletions", "300", "--min-indel-length", "100", "--max-indel-length", "1000"),
    ),
}
LISTS_OF = {"neighbours": tuple(LISTS), "long": ("full", "own")}
SHORT = (
    *("--genome-length", "60000", "--somatic-snvs", "20", "--somatic-mnvs", "5", "--somatic-insertions", "8"),
    *("--somatic-deletions", "8", "--germline", "30", "--empty-sites", "5", "--neighbour-groups", "3"),
)
KINDS = tuple(name for names in MAKERS.values() for name in names)
GERMLINE_KIND = "two-alleles"
ISOLATED = "isolated"
NEAR = 9
"""What is called so near to a group counts for it; other variants are farther away."""
FREQUENCIES = (0.1, 0.2, 0.35, 0.5)


@dataclass(frozen=True)
class Member:
    """A planted variant, its haplotype within the group, and whether its event is the one that is looked for in this kind."""

    allele: Allele
    haplotype: int
    frequency: float
    wanted: bool
    listed: bool = True

    @property
    def stratum(self) -> str:
        """Type, length and frequency: variants are compared within."""
        label = class_of(self.allele)
        _, start, end, alt = self.allele
        length = sum(max(end - start, len(alt)) > limit for limit in LENGTHS)
        if label in ("MNV", "replacement"):  # there are no isolated replacements
            label, length = "MNV", 1
        return f"{label}|{length}|{sum(self.frequency > limit for limit in FREQUENCIES)}"


@dataclass(frozen=True)
class Group:
    """Variants planted together, and the bases that are theirs; an isolated variant is a group of one."""

    kind: str
    number: int
    members: tuple[Member, ...]
    contig: str
    start: int
    end: int


@dataclass(frozen=True)
class Call:
    """A scored allele: probabilities of an error if it is called somatic or heterozygous, likeliest event, frequency."""

    allele: Allele
    errors: dict[str, float]
    likeliest: str
    frequency: float | None
    shown: str


def _group(kind: str, number: int, members: list[Member], sequence: str) -> Group:
    ends = []
    for member in members:
        _, start, end, alt = member.allele
        moves = start == end or not alt
        ends.append(end + (steps_right(sequence, end, alt or sequence[start:end], len(sequence)) if moves else 0))
    starts = [member.allele[1] for member in members]
    return Group(kind, number, tuple(members), members[0].allele[0], min(starts), max(ends))


def groups_of(truth: Path, sequences: dict[str, str]) -> list[Group]:
    """Groups of a truth, and its isolated variants, by place. Isolated germline variants of which one is looked for, too."""
    members: dict[tuple[str, int], list[Member]] = defaultdict(list)
    with pysam.VariantFile(str(truth)) as records:
        for number, record in enumerate(records):
            event, info = str(record.info["EVENT"]), record.info
            if event == "ARTIFACT":
                continue
            grouped = "GROUP" in info  # a truth without groups doesn't know the fields
            kind = str(info["GROUP"]) if grouped else ISOLATED
            if kind == ISOLATED and event != "SOMATIC_TUMOR":
                kind = event
            looked_for = "GERMLINE_HET" if kind in (GERMLINE_KIND, "GERMLINE_HET") else "SOMATIC_TUMOR"
            allele = normalised(
                record.contig, sequences[record.contig], record.start, str(record.ref), (record.alts or ("",))[0]
            )
            member = Member(
                allele,
                int(info["HAPLOTYPE"]) if grouped else 1,
                float(info["AF"][0]),
                event == looked_for,
                "UNLISTED" not in info,
            )
            members[kind, int(info["GROUP_ID"]) if grouped else -number].append(member)
    found = [_group(kind, number, own, sequences[own[0].allele[0]]) for (kind, number), own in members.items()]
    return sorted(found, key=lambda group: (group.contig, group.start))


def joined(members: Iterable[Member], sequence: str) -> Allele:
    """What some variants of one haplotype make together."""
    alleles = tuple(member.allele for member in members)
    start, end = min(allele[1] for allele in alleles), max(allele[2] for allele in alleles)
    made = sequence_made(sequence, start, end, alleles)
    assert made is not None, "planted variants of one haplotype don't overlap"
    return alleles[0][0], start, end, made


def runs_of(group: Group) -> Iterator[tuple[Member, ...]]:
    """Variants of one haplotype next to each other, with at least one that is looked for; the shortest runs first."""
    found = []
    for haplotype in {member.haplotype for member in group.members}:
        own = sorted(
            (member for member in group.members if member.haplotype == haplotype), key=lambda member: member.allele[1:]
        )
        for first in range(len(own)):
            for last in range(first, len(own)):
                part = tuple(own[first : last + 1])
                if any(member.wanted for member in part):
                    found.append(part)
    yield from sorted(found, key=len)


def judged(
    group: Group, kept: set[Allele], sequence: str, others: Iterable[Allele] = ()
) -> tuple[set[Allele], set[Allele], set[Allele]]:
    """(planted variants that are found, calls that are true, calls that are part of the truth), of what is kept near a group.

    A variant is found if kept calls make it, or a haplotype of which it is part; these calls are true. `others`, what is called
    of another event than is looked for, may be parts of the haplotype.
    """
    wanted = {member.allele for member in group.members if member.wanted}
    found = wanted & kept
    true, rest = set(found), sorted(kept - found)
    if rest:
        beside = sorted({*rest, *others} - found)
        for part in runs_of(group):
            made_by = set(makers(joined(part, sequence), beside, sequence)) & kept
            if made_by:
                true.update(made_by)
                found |= {member.allele for member in part if member.wanted}
    pieces = {piece for allele in wanted for piece in snvs_of(allele)}
    return found, true, {allele for allele in kept - true if set(snvs_of(allele)) & pieces}


def calls_of(scored: Path, sequences: dict[str, str]) -> list[Call]:
    """All scored alleles, each once, in order."""
    calls: dict[Allele, Call] = {}
    with pysam.VariantFile(str(scored)) as records:
        selections: dict[str, EventSelection] = {
            event: select_events(scored, records.header, [event]) for event in ("SOMATIC_TUMOR", "GERMLINE_HET")
        }
        for record in records:
            errors = {event: error_probabilities(record, selection) for event, selection in selections.items()}
            for number, alt in enumerate(record.alts or ()):
                if not set(alt) <= set("ACGTN"):
                    continue
                allele = normalised(record.contig, sequences[record.contig], record.start, str(record.ref), alt)
                probabilities = {
                    name.removeprefix("PROB_"): from_phred(values[number])
                    for name, values in record.info.items()
                    if name.startswith("PROB_") and values[number] is not None
                }
                likeliest = sorted(probabilities, key=lambda name: -probabilities[name])[:2]
                frequency = (record.samples[0].get("VP_MAP") or [None] * len(record.alts or ()))[number]
                shown = " ".join(f"{name}={probabilities[name]:.3g}" for name in likeliest) + f" AF={frequency}"
                shown = f"{record.contig}:{record.pos}:{record.ref}>{alt} {shown} AD={record.samples[0].get('AD')}"
                own = {event: float(values[number]) for event, values in errors.items()}
                calls.setdefault(allele, Call(allele, own, likeliest[0] if likeliest else "", frequency, shown))
    return sorted(calls.values(), key=lambda call: call.allele)


def shared_out(calls: list[Call], groups: list[Group]) -> dict[str, list[tuple[Call, Group]]]:
    """Calls by kind of the group that they are near to; what is near none is left out."""
    starts: dict[str, list[int]] = defaultdict(list)
    by_contig: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        starts[group.contig].append(group.start)
        by_contig[group.contig].append(group)
    found: dict[str, list[tuple[Call, Group]]] = defaultdict(list)
    for call in calls:
        contig, start, end, _ = call.allele
        last = bisect_right(starts[contig], end + NEAR)
        for group in by_contig[contig][max(0, last - 3) : last][::-1]:
            if group.end + NEAR >= start:
                found[group.kind].append((call, group))
                break
    return found


def kind_result(
    kind: str, groups: list[Group], near: list[tuple[Call, Group]], sequences: dict[str, str], only_listed: bool
) -> tuple[dict[str, Any], list[str]]:
    """Counts of one kind at each nominal rate, by stratum what is found at the headline rate, and lines on what went wrong."""
    event = "GERMLINE_HET" if kind in (GERMLINE_KIND, "GERMLINE_HET") else "SOMATIC_TUMOR"
    errors = np.array([call.errors[event] for call, _ in near])
    targets = [member for group in groups for member in group.members if member.wanted and (member.listed or not only_listed)]
    strata: dict[str, Counter[str]] = defaultdict(Counter)
    points, failures = {}, []
    everything, germline = defaultdict[int, set[Allele]](set), defaultdict[int, set[Allele]](set)
    for call, group in near:
        everything[group.number].add(call.allele)
        if event == "SOMATIC_TUMOR" and call.likeliest.startswith("GERMLINE"):
            germline[group.number].add(call.allele)
    listed: set[Allele] = set()
    for group in groups:
        listed |= judged(group, everything[group.number], sequences[group.contig])[0]
    for rate in NOMINAL_FDRS:
        limit = fdr_threshold(errors[~np.isnan(errors)], rate, "smart").error
        kept: dict[int, set[Allele]] = defaultdict(set)
        for (call, group), error in zip(near, errors.tolist(), strict=True):
            if error <= limit:
                kept[group.number].add(call.allele)
        counts: Counter[str] = Counter({"kept": 0, "true": 0, "false": 0, "partial": 0})
        found: set[Allele] = set()
        wrong: set[Allele] = set()
        for group in groups:
            own = kept[group.number]
            of_group, true, partial = judged(group, own, sequences[group.contig], germline[group.number])
            found |= of_group
            wrong |= own - true - partial
            counts.update(kept=len(own), true=len(true), false=len(own - true - partial), partial=len(partial))
        points[str(rate)] = dict(counts)
        if rate == HEADLINE_FDR:
            for member in targets:
                strata[member.stratum].update(
                    variants=1, found=int(member.allele in found), listed=int(member.allele in listed)
                )
            shown = defaultdict(list)
            for call, group in near:
                shown[group.number].append((call, group))
            for group in groups:
                missed = [m for m in group.members if m.wanted and m in targets and m.allele not in found]
                false = [call for call, _ in shown[group.number] if call.allele in wrong]
                if missed or false:
                    failures.append(_told(group, missed, false, [call for call, _ in shown[group.number]]))
    return {
        "points": points,
        "strata": {name: dict(counter) for name, counter in sorted(strata.items())},
        "frequency": frequency_errors(targets, near),
    }, failures


def frequency_errors(targets: list[Member], near: list[tuple[Call, Group]]) -> dict[str, float]:
    """Of planted variants that are scored as real and as they were planted: how many, and the sum of estimate − truth."""
    planted = {member.allele: member.frequency for member in targets}
    errors = [
        call.frequency - planted[call.allele]
        for call, _ in near
        if call.allele in planted and call.frequency is not None and call.likeliest.startswith(("SOMATIC", "GERMLINE"))
    ]
    return {"calls": len(errors), "sum": sum(errors)}


def _named(allele: Allele) -> str:
    contig, start, end, alt = allele
    return f"{contig}:{start}-{end}>{alt or '-'}"


def _told(group: Group, missed: list[Member], false: list[Call], calls: list[Call]) -> str:
    """A line of failures: the kind, the group's variants, what is missed, what is false, all that was scored there."""
    members = [
        f"{_named(m.allele)} {'wanted' if m.wanted else 'other'} haplotype {m.haplotype} AF {m.frequency:.3f}"
        for m in group.members
    ]
    cells = [
        f"{group.kind}:{group.number}",
        "; ".join(members),
        "; ".join(_named(member.allele) for member in missed),
        "; ".join(_named(call.allele) for call in false),
        "; ".join(call.shown for call in calls),
    ]
    return "\t".join(cells)


def atomised(candidates: Path, path: Path) -> Path:
    """The same list with every MNV as SNVs, each of them once."""
    written: set[tuple[str, int, str, str]] = set()
    with pysam.VariantFile(str(candidates)) as given:
        header = given.header
        for record in given:
            ref, alt = str(record.ref), (record.alts or ("",))[0]
            if len(ref) == len(alt):
                pairs = enumerate(zip(ref, alt, strict=True))
                written.update((record.contig, record.start + j, old, new) for j, (old, new) in pairs if old != new)
            else:
                written.add((record.contig, record.start, ref, alt))
    order = {contig: number for number, contig in enumerate(header.contigs)}
    with pysam.VariantFile(str(path), "w", header=header) as made:
        for contig, start, ref, alt in sorted(written, key=lambda key: (order[key[0]], *key[1:])):
            made.write(made.new_record(contig=contig, start=start, alleles=(ref, alt)))
    return path


def list_of(name: str, folder: Path) -> Path:
    """The candidates of a list, made if need be."""
    pair = folder / "pair"
    if name == "full":
        return pair / "candidates.vcf.gz"
    if name == "atomised":
        return atomised(pair / "candidates.vcf.gz", folder / "atomised.vcf")
    path = folder / "own.vcf.gz"
    files = ("--reads", pair / "tumor.bam", "--normal", pair / "normal.bam", "--reference", pair / "reference.fa")
    run("call-candidates", *files, "--output", path)
    return path


def result(work: Path, label: str, name: str, seed: int, more: tuple[str, ...]) -> dict[str, Any]:
    """One list of one pair: by kind, the counts at each rate and the strata."""
    options = (*PAIRS[label], "--seed", str(seed), *more)
    folder = simulated_pair(work, f"{label}-{seed}", options)
    digest = source_digest(PACKAGE, *options, source_digest(HERE))
    cache = folder / f"result-{name}.json"
    if cache.exists() and (known := json.loads(cache.read_text()))["digest"] == digest:
        return known
    pair, scored = folder / "pair", folder / f"scored-{name}.vcf.gz"
    reads = ("--tumor", pair / "tumor.bam", "--normal", pair / "normal.bam", "--reference", pair / "reference.fa")
    purity = options[options.index("--purity") + 1]
    run("score-posterior", "--candidates", list_of(name, folder), *reads, "--purity", purity, "--output", scored)
    with pysam.FastaFile(str(pair / "reference.fa")) as fasta:
        sequences = {contig: fasta.fetch(contig) for contig in fasta.references}
    groups = groups_of(pair / "truth.vcf.gz", sequences)
    near = shared_out(calls_of(scored, sequences), groups)
    kinds, failures = {}, []
    for kind in (*(KINDS if label == "neighbours" else ()), ISOLATED, "GERMLINE_HET"):
        own = [group for group in groups if group.kind == kind]
        kinds[kind], told = kind_result(kind, own, near[kind], sequences, only_listed=name != "own")
        failures += told
    (folder / f"failures-{name}.tsv").write_text("".join(line + "\n" for line in failures))
    found: dict[str, Any] = {
        "set": label,
        "list": name,
        "seed": seed,
        "digest": digest,
        "simulate_pair": " ".join(options),
        "kinds": kinds,
    }
    cache.write_text(json.dumps(found))
    return found


def main() -> None:
    """Parse, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lists", nargs="+", choices=LISTS, default=list(LISTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--short", action="store_true", help="one small pair: whether it runs")
    parser.add_argument("--work", type=Path, default=Path("bench-work"))
    parser.add_argument("--output", type=Path, default=HERE, help="folder of neighbours.json")
    options = parser.parse_args()
    if options.short:
        options.seeds = options.seeds[:1]
    options.work.mkdir(exist_ok=True, parents=True)
    results = []
    for label, lists in LISTS_OF.items():
        for seed in options.seeds:
            for name in (name for name in lists if name in options.lists):
                results.append(result(options.work, label, name, seed, SHORT if options.short else ()))
                print(f"{label}: {name}, seed {seed}", flush=True)
    options.output.mkdir(exist_ok=True, parents=True)
    kept = {"results": results, "page": neighbours_lines(results)}
    (options.output / "neighbours.json").write_text(json.dumps(kept, indent=1) + "\n")
    if (options.output / "results.json").exists():
        write_page(options.output)


if __name__ == "__main__":
    main()
