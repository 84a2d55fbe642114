"""Which listed alleles may be one event, from the list alone; and that an event has one posterior however a list spells it."""

import itertools
from pathlib import Path

import numpy as np
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import varproof.variants.chunks
from evidence_examples import plain_sequence, write_candidates
from haplotype_examples import AT, REFERENCE, Edit, haplotype_reads, other, record, snv
from pair_examples import probabilities, read_all
from small_bams import write_bam, write_fasta
from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
from varproof.posterior.events import PartsOf, are_one_event, judged_rows
from varproof.variants.candidate import Candidate, trimmed_alleles
from varproof.variants.chunks import chunks, listed_candidates
from varproof.variants.joined import FARTHEST, FARTHEST_MIXED, FARTHEST_SUBSTITUTIONS, MOST_OF_ONE, joined, with_joined
from varproof.variants.reference import Reference

SEQUENCE = plain_sequence(300, seed=3)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return Reference(write_fasta(tmp_path_factory.mktemp("reference") / "r.fa", {"chr1": SEQUENCE, "chr2": SEQUENCE}))


def candidate(number: int, start: int, end: int, alt: str, contig: str = "chr1") -> Candidate:
    return Candidate(number, 0, contig, start, end, SEQUENCE[start:end], alt)


def applied(edits: list[Candidate]) -> str:
    """The whole sequence with edits put in, from the last to the first."""
    sequence = SEQUENCE
    for item in sorted(edits, key=lambda item: (item.start, item.end), reverse=True):
        sequence = sequence[: item.start] + item.alt + sequence[item.end :]
    return sequence


def may_go_together(edits: tuple[Candidate, ...]) -> bool:
    """The rule, in the words of the documentation: in order, not overlapping, near their neighbours."""
    for one, other_one in itertools.pairwise(edits):
        substitutions = [len(item.alt) == item.end - item.start for item in (one, other_one)]
        farthest = FARTHEST_SUBSTITUTIONS if all(substitutions) else FARTHEST_MIXED if any(substitutions) else FARTHEST
        if not 0 <= other_one.start - one.end <= farthest:
            return False
        if one.start == one.end == other_one.start == other_one.end:
            return False
    return True


@st.composite
def lists(draw: st.DrawFn) -> list[Candidate]:
    """Up to five alleles on 30 bases, in the order of a file."""
    edits = draw(
        st.lists(
            st.tuples(st.integers(100, 130), st.integers(0, 3), st.text("ACGT", min_size=0, max_size=3)), min_size=2, max_size=5
        )
    )
    kept = []
    for start, length, alt in edits:
        first, ref, new = trimmed_alleles(start, SEQUENCE[start : start + length], alt)
        if ref != new:
            kept.append((first, first + len(ref), new))
    return [candidate(i, *edit) for i, edit in enumerate(sorted(set(kept)))]


@given(lists())
@settings(max_examples=300, deadline=None)
def test_what_neighbours_make_together(reference: Reference, items: list[Candidate]) -> None:
    """Against all subsets: each that one copy may carry is asked for, unless there are too many with one first part."""
    found = list(with_joined(items, reference))
    assert [item for item in found if item.is_listed] == items
    made = [item for item in found if item.parts]
    allowed = [
        subset for size in range(2, len(items) + 1) for subset in itertools.combinations(items, size) if may_go_together(subset)
    ]
    for item in made:
        assert item.parts in allowed
        assert applied([item]) == applied(list(item.parts)) != SEQUENCE
        assert item.ref == SEQUENCE[item.start : item.end]
    asked = {item.parts for item in made}
    for subset in allowed:
        crowded = sum(other_set[0] is subset[0] for other_set in allowed) > MOST_OF_ONE
        assert subset in asked or crowded or applied(list(subset)) == SEQUENCE


def test_what_is_no_sequence_or_too_far_is_left_alone(reference: Reference) -> None:
    near = [candidate(0, 100, 101, other(SEQUENCE[100])), candidate(1, 101, 102, other(SEQUENCE[101]))]
    symbolic = [Candidate(0, 0, "chr1", 100, 101, "", ""), Candidate(1, 0, "chr1", 101, 101, "", "", "breakend")]
    others = [
        [near[0], candidate(1, 104, 105, other(SEQUENCE[104]))],
        [near[0], candidate(1, 101, 102, other(SEQUENCE[101]), "chr2")],
        [near[0], symbolic[1]],
        [symbolic[0], near[1]],
        [Candidate(0, 0, "chr9", 100, 101, "A", "C"), Candidate(1, 0, "chr9", 101, 102, "A", "C")],
    ]
    assert [item.parts for item in with_joined(near, reference)][2:] == [tuple(near)]
    for items in others:
        assert list(with_joined(items, reference)) == items


def test_of_an_mnv_each_base_that_it_changes_is_asked_for(reference: Reference) -> None:
    """The bases between, and an MNV that changes many, are not; what an indel or an SNV is made of is itself."""
    whole = candidate(0, 100, 104, other(SEQUENCE[100]) + SEQUENCE[101:103] + other(SEQUENCE[103]))
    long = candidate(1, 200, 220, "".join(map(other, SEQUENCE[200:220])))
    items = [whole, candidate(2, 150, 152, ""), candidate(3, 160, 161, other(SEQUENCE[160])), long]
    bases = [item for item in with_joined(items, reference) if item.base_of is not None]
    assert [(item.start, item.end, item.ref, item.alt) for item in bases] == [
        (at, at + 1, SEQUENCE[at], other(SEQUENCE[at])) for at in (100, 103)
    ]
    assert all(item.base_of is whole and not item.is_listed for item in bases)


def test_nothing_is_joined_where_every_base_is_listed(reference: Reference) -> None:
    every = [candidate(i, 50 + i, 51 + i, other(SEQUENCE[50 + i])) for i in range(200)]
    made = [item for item in with_joined(every, reference) if item.parts]
    assert len(made) <= MOST_OF_ONE * 64, "only the last group is small enough"


def test_parts_that_undo_each_other_make_nothing(reference: Reference) -> None:
    lost = candidate(0, 100, 102, "")
    back = candidate(1, 102, 102, SEQUENCE[100:102])
    assert joined([lost, back], reference) is None


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_chunks_hold_the_same_candidates(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fasta = write_fasta(tmp_path / "r.fa", {"chr1": REFERENCE})
    edits = [snv(AT), snv(AT + 1), (AT + 3, AT + 5, ""), snv(AT + 40), snv(AT + 42), snv(AT + 900)]
    path = write_candidates(tmp_path / "list.vcf", [record(edit) for edit in edits], {"chr1": len(REFERENCE)})
    whole = list(with_joined(listed_candidates(path), Reference(fasta)))
    assert sum(bool(item.parts) for item in whole) == 5
    monkeypatch.setattr(varproof.variants.chunks, "CHUNK_CANDIDATES", size)
    assert [item for chunk in chunks(path, fasta) for item in chunk.candidates] == whole


SAMPLES = [
    (np.array([20, 22, 20, 19]), np.array([60, 60, 60, 60])),
    (np.array([0, 0, 0, 0]), np.array([30, 30, 30, 30])),
]


def changed(sample: int, row: int, support: int) -> list[tuple[np.ndarray, np.ndarray]]:
    out = [(one.copy(), usable.copy()) for one, usable in SAMPLES]
    out[sample][0][row] = support
    return out


def test_an_event_is_what_fragments_carry_whole_or_not_at_all() -> None:
    """Rows 0 and 1 are parts of 2: of 22 fragments with the second part 20 have the first."""
    assert are_one_event(2, (0, 1), SAMPLES)
    assert are_one_event(2, (0, 1), changed(0, 1, 26)), "a quarter without the other: bad bases"
    assert not are_one_event(2, (0, 1), changed(0, 1, 40)), "the second is on other copies, too"
    assert not are_one_event(2, (0, 1), changed(1, 1, 15)), "the second is germline"
    assert are_one_event(2, (0, 1), changed(1, 1, 1)), "one fragment of the normal is an error"
    assert not are_one_event(2, (0, 1), changed(0, 2, 1)), "one fragment is no event"


def test_in_deep_samples_an_error_beside_a_variant_is_no_part_of_it() -> None:
    """23 of 10,000 fragments carry one allele, two the other as well: half a percent of all fragments would be fifty."""
    support, usable = np.array([23, 2, 2]), np.full(3, 10_000)
    assert not are_one_event(2, (0, 1), [(support, usable)])
    assert are_one_event(2, (0, 1), [(np.array([23, 20, 14]), usable)])


class Columns:
    """What `judged_rows` asks of evidence."""

    def __init__(self, **columns: list[int]) -> None:
        self.columns = {name: np.array(values) for name, values in columns.items()}
        self.size = len(self.columns["joined"])

    def column(self, name: str) -> np.ndarray:
        return self.columns[name]


def test_parts_are_judged_as_their_event_and_spellings_as_the_first() -> None:
    """Alleles 0, 1: parts of 3; 2: the MNV of both, as the list has it; 4: another spelling of 5; 6: not known."""
    evidence = Columns(
        joined=[0, 0, 0, 1, 0, 0, 0],
        judged=[1, 1, 1, 1, 1, 1, 0],
        haplotype=[1, 2, 3, 3, 4, 4, 4],
        support=[9, 9, 9, 9, 5, 5, 5],
        usable=[30] * 7,
    )
    rows = judged_rows(PartsOf([3], [(0, 1)], [()]), {}, evidence, None)  # type: ignore[arg-type]
    assert rows.tolist() == [2, 2, 2, 3, 4, 4, 6]
    indels = judged_rows(PartsOf([3], [(0, 1)], [(2,)]), {}, evidence, None)  # type: ignore[arg-type]
    assert indels.tolist() == [0, 1, 2, 3, 4, 4, 6], "the list has the MNV: no indel is there"


def test_of_events_that_share_a_part_the_larger_is_taken() -> None:
    evidence = Columns(joined=[0, 0, 0, 1, 1], judged=[1] * 5, haplotype=list(range(5)), support=[9] * 5, usable=[30] * 5)
    assert judged_rows(PartsOf([3, 4], [(0, 1), (0, 1, 2)], [(), ()]), {}, evidence, None).tolist() == [4, 4, 4, 3, 4]  # type: ignore[arg-type]


def test_two_spellings_of_one_event_may_share_a_part() -> None:
    """An SNV with an insertion before it, or with another one behind it: 3 and 4 make the same; 5 would make something else."""
    evidence = Columns(
        joined=[0, 0, 0, 1, 1, 1], judged=[1] * 6, haplotype=[1, 2, 3, 9, 9, 8], support=[9] * 6, usable=[30] * 6
    )
    parts_of = PartsOf([3, 4, 5], [(0, 1), (1, 2), (0, 2)], [(), (), ()])
    assert judged_rows(parts_of, {}, evidence, None).tolist() == [3, 3, 3, 3, 4, 5]  # type: ignore[arg-type]


def test_parts_of_what_the_list_describes_make_no_smaller_event() -> None:
    """All three parts make what allele 3 is: two of them are no event, though the reads that carry all carry these."""
    evidence = Columns(joined=[0, 0, 0, 0, 1, 1], judged=[1] * 6, haplotype=list(range(6)), support=[9] * 6, usable=[30] * 6)
    parts_of = PartsOf([4, 5], [(0, 1), (0, 1, 2)], [(3,), (3,)])
    assert judged_rows(parts_of, {}, evidence, None).tolist() == list(range(6))  # type: ignore[arg-type]
    weak = Columns(**{name: values.tolist() for name, values in evidence.columns.items()} | {"support": [9, 9, 9, 2, 9, 9]})
    assert judged_rows(parts_of, {}, weak, None).tolist() == [5, 5, 5, 3, 4, 5], "few fragments carry it"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("support", "expected"),
    [
        pytest.param([9, 9, 9, 9], 0, id="all of it or none"),
        pytest.param([4, 30, 4, 5], 3, id="a germline base: the others are new, and of these one is alone in a fragment"),
        pytest.param([4, 30, 30, 4], 3, id="two germline bases"),
        pytest.param([4, 30, 40, 20], 3, id="each is carried alone: the rarest"),
        pytest.param([1, 30, 30, 1], 0, id="one fragment tells nothing"),
    ],
)
def test_an_mnv_is_judged_as_its_bases_that_are_new(support: list[int], expected: int) -> None:
    evidence = Columns(joined=[0, 1, 1, 1], judged=[1] * 4, haplotype=list(range(4)), support=support, usable=[60] * 4)
    rows = judged_rows(PartsOf([], [], []), {0: [1, 2, 3]}, evidence, None)  # type: ignore[arg-type]
    assert rows.tolist() == [expected, 1, 2, 3]


MNV: Edit = (AT, AT + 3, other(REFERENCE[AT]) + REFERENCE[AT + 1] + other(REFERENCE[AT + 2], 2))
SPELLINGS: dict[str, list[Edit]] = {
    "whole": [MNV],
    "single bases": [(AT, AT + 1, MNV[2][0]), (AT + 2, AT + 3, MNV[2][2])],
    "deletion and insertion": [(AT, AT + 3, ""), (AT + 3, AT + 3, MNV[2])],
    "SNV, deletion and insertion": [(AT, AT + 1, MNV[2][0]), (AT + 1, AT + 3, ""), (AT + 3, AT + 3, MNV[2][1:])],
    "whole beside single bases": [MNV, (AT, AT + 1, MNV[2][0]), (AT + 2, AT + 3, MNV[2][2])],
}


Records = list[tuple[int, str, str]]


def scored(
    folder: Path, reference: str, tumor: list[list[Edit]], normal: list[list[Edit]], lists: dict[str, Records]
) -> dict[str, list[pysam.VariantRecord]]:
    """Scored records of each list, of samples with ten reads of each haplotype."""
    fasta = write_fasta(folder / "r.fa", {"chr1": reference})
    for name, haplotypes in (("tumor", tumor), ("normal", normal)):
        reads = [read for i, edits in enumerate(haplotypes) for read in haplotype_reads(edits, f"h{i}-", reference)]
        write_bam(folder / f"{name}.bam", {"chr1": len(reference)}, reads)
    found = {}
    for name, records in lists.items():
        options = {
            "candidates": write_candidates(folder / "list.vcf", records, {"chr1": len(reference)}), "reference": fasta,
            "tumor": folder / "tumor.bam", "normal": folder / "normal.bam", "territory": 1e5, "learn_from": "candidates",
            "output": folder / "scored.vcf",
        }  # fmt: skip
        score_posterior(ScorePosteriorOptions(**options))
        found[name] = read_all(folder / "scored.vcf")
    return found


def names_of(records: list[pysam.VariantRecord]) -> list[str]:
    return [f"{one.pos}:{one.ref}:{one.alts[0]}" for one in records if one.alts]


@pytest.mark.parametrize("germline", [False, True], ids=["somatic", "germline"])
def test_one_event_has_one_posterior_however_it_is_spelt(germline: bool, tmp_path: Path) -> None:
    lists = {name: sorted(record(edit) for edit in edits) for name, edits in SPELLINGS.items()}
    found = scored(tmp_path, REFERENCE, [[], [MNV]], [[], [MNV] if germline else []], lists)
    (whole,) = map(probabilities, found["whole"])
    assert whole["GERMLINE_HET" if germline else "SOMATIC_TUMOR"] > 0.5
    for spelling, records in found.items():
        assert all(probabilities(one) == whole for one in records), spelling
        named = [one.info["VP_SAME_EVENT"][0].split("&") for one in records if "VP_SAME_EVENT" in one.info]
        names = names_of(records)
        assert named == ([[name for name in names if name != own] for own in names] if len(names) > 1 else [])


def test_indels_are_not_there_where_the_list_has_what_they_make(tmp_path: Path) -> None:
    deletion, insertion = (AT, AT + 3, ""), (AT + 3, AT + 3, MNV[2])
    lists = {"alone": [record(MNV)], "all": sorted(map(record, (MNV, deletion, insertion)))}
    found = scored(tmp_path, REFERENCE, [[], [MNV]], [[], []], lists)
    events = {name: max(found_one, key=found_one.__getitem__) for name, found_one in
              zip(names_of(found["all"]), map(probabilities, found["all"]), strict=True)}  # fmt: skip
    whole = names_of(found["alone"])[0]
    assert events.pop(whole) == "SOMATIC_TUMOR" and len(events) == 2
    assert set(events.values()) <= {"ABSENT", "ARTIFACT"}


def test_a_deletion_has_one_posterior_wherever_a_repeat_lets_it_be_written(tmp_path: Path) -> None:
    reference = REFERENCE[: AT - 1] + "CAAAAAAG" + REFERENCE[AT + 7 :]
    left, right = record((AT, AT + 1, ""), reference), record((AT + 5, AT + 6, ""), reference)
    lists = {"left": [left], "right": [right], "both": [left, right]}
    found = scored(tmp_path, reference, [[], [(AT, AT + 1, "")]], [[], []], lists)
    (one,) = map(probabilities, found["left"])
    assert one["SOMATIC_TUMOR"] > 0.5
    assert [probabilities(item) for item in (*found["right"], *found["both"])] == [one] * 3
    assert [item.info["VP_SAME_EVENT"] for item in found["both"]] == [(name,) for name in names_of(found["both"])[::-1]]


def test_the_order_of_records_of_one_position_changes_nothing(tmp_path: Path) -> None:
    edits = [snv(AT - 1), (AT, AT + 6, "")]
    records = [record(edit) for edit in edits]
    assert records[0][0] == records[1][0]
    found = scored(tmp_path, REFERENCE, [[], edits], [[], []], {"one": records, "other": records[::-1]})
    assert list(map(probabilities, found["one"])) == list(map(probabilities, found["other"][::-1]))
    (event, same) = map(probabilities, found["one"])
    assert event == same and event["SOMATIC_TUMOR"] > 0.5


def test_parts_that_are_also_apart_are_judged_apart(tmp_path: Path) -> None:
    """A germline SNP, and a somatic SNV beside it on the same copy of some cells."""
    germline, somatic = snv(AT), snv(AT + 1)
    found = scored(
        tmp_path,
        REFERENCE,
        [[], [germline], [germline, somatic]],
        [[], [germline]],
        {"both": [record(germline), record(somatic)]},
    )
    events = [max(one, key=one.__getitem__) for one in map(probabilities, found["both"])]
    assert events == ["GERMLINE_HET", "SOMATIC_TUMOR"]
    assert not any("VP_SAME_EVENT" in one.info for one in found["both"])


@pytest.mark.parametrize("homozygous", [False, True], ids=["heterozygous", "homozygous"])
def test_an_mnv_of_a_germline_variant_is_what_is_new_in_it(homozygous: bool, tmp_path: Path) -> None:
    """freebayes writes a base beside a germline SNP as an MNV with it: be the base somatic or not, it has its posterior."""
    germline, somatic = snv(AT), snv(AT + 2)
    both = [germline, somatic]
    whole = (AT, AT + 3, germline[2] + REFERENCE[AT + 1] + somatic[2])
    plain = [germline] if homozygous else []
    bases, mnv = [record(germline), record(somatic)], record(whole)
    lists = {"SNV": bases[1:], "MNV": [mnv], "SNVs": bases, "SNP and MNV": [bases[0], mnv]}
    found = scored(tmp_path, REFERENCE, [plain, [germline], both], [plain, [germline]], lists)
    expected = ["GERMLINE_HOM" if homozygous else "GERMLINE_HET", "SOMATIC_TUMOR"]
    for by_base, by_mnv in (("SNV", "MNV"), ("SNVs", "SNP and MNV")):
        judged = [probabilities(one) for one in found[by_base]]
        assert [max(one, key=one.__getitem__) for one in judged] == expected[-len(judged) :]
        assert [probabilities(one) for one in found[by_mnv]] == judged


def test_a_base_that_the_reads_of_an_mnv_lack_is_no_part_of_it(tmp_path: Path) -> None:
    """They show most of what the two would make together, and are far from the reference; but not all of it."""
    lists = {"both": [record(MNV), record(snv(AT + 4))]}
    found = scored(tmp_path, REFERENCE, [[], [MNV]], [[], []], lists)
    events = [max(one, key=one.__getitem__) for one in map(probabilities, found["both"])]
    assert events == ["SOMATIC_TUMOR", "ABSENT"]


def test_two_spellings_of_an_snv_and_a_deletion_beside_it_are_one_event(tmp_path: Path) -> None:
    """G becomes C and the two bases behind it are lost; or the G and the next are lost, and the third becomes C."""
    reference = REFERENCE[: AT - 1] + "TGAAT" + REFERENCE[AT + 4 :]
    planted, aligned = [(AT, AT + 1, "C"), (AT + 1, AT + 3, "")], [(AT, AT + 2, ""), (AT + 2, AT + 3, "C")]
    lists = {"one": planted, "other": aligned, "both": [*planted, *aligned]}
    records = {name: sorted(record(edit, reference) for edit in edits) for name, edits in lists.items()}
    found = scored(tmp_path, reference, [[], planted], [[], []], records)
    (whole, _) = map(probabilities, found["one"])
    assert whole["SOMATIC_TUMOR"] > 0.5
    assert all(probabilities(one) == whole for spelling in found.values() for one in spelling)
