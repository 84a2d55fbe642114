"""review-calls end to end: what the page holds is what the files say, and what the packed tensors hold."""

import base64
import itertools
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

from varproof.commands.review_calls import ReviewCallsOptions, review_calls
from varproof.formats.labels import read_labels
from varproof.formats.tensor_settings import TensorSettings
from varproof.formats.tensors import BASE_MASK, FLAGS, INSERTION_FOLLOWS
from varproof.formats.vcf import from_phred, read_records
from varproof.machinery.errors import UserError
from varproof.pileup.pipeline import Samples, TensorJob, packed_chunks
from varproof.report import desk_data

DATA = Path(__file__).resolve().parents[2] / "test-data"
MOST_PER_CANDIDATE = 50_000


def options(output: Path, **changes: Any) -> ReviewCallsOptions:
    values: dict[str, Any] = {
        "calls": DATA / "scored.vcf.gz", "predicted": DATA / "predicted.vcf.gz", "reference": DATA / "reference.fa",
        "tumor": DATA / "tumor.bam", "normal": DATA / "normal.bam", "output": output,
    }  # fmt: skip
    return ReviewCallsOptions(**(values | changes))


def index_of(page: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script type="application/json" id="index">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def data_of(page: str) -> dict[int, bytes]:
    found = re.findall(r'<script type="text/plain" id="c(\d+)">([^<]*)</script>', page)
    return {int(number): zlib.decompress(base64.b64decode(text)) for number, text in found}


def unpacked(data: bytes, window: int) -> tuple[dict[str, Any], np.ndarray, list[tuple[np.ndarray, ...]]]:
    """(facts, reference, (base, quality, columns) of each track), written by the description of the format."""
    length = int.from_bytes(data[:4], "little")
    facts = json.loads(data[4 : 4 + length])
    rest = np.frombuffer(data[4 + length :], np.uint8)
    reference, rest = rest[:window], rest[window:]
    tracks = []
    for n in facts["rows"]:
        base, quality, columns = rest[: n * window], rest[n * window : 2 * n * window], rest[2 * n * window :][: 8 * n]
        base = base.reshape(n, window)
        base = np.where((base & 7) == 7, (base & 248) | reference, base)
        tracks.append((base, quality.reshape(n, window), columns.reshape(8, n).T))
        rest = rest[2 * n * window + 8 * n :]
    for n, mates, columns in zip(facts["rows"], facts["mates"], facts["names"], strict=True):
        rest = rest[(n - len(mates)) * sum(column for column in columns if isinstance(column, int)) :]
    assert not len(rest)
    return facts, reference, tracks


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    output = tmp_path_factory.mktemp("review") / "review.html"
    review_calls(options(output))
    return output.read_text()


def test_every_candidate_is_there_with_its_probabilities(page: str) -> None:
    index = index_of(page)
    assert index["noneJudged"] is False and index["total"] == 195
    assert len(index["entries"]) == 195 and set(data_of(page)) == set(range(195))
    records = list(read_records(DATA / "scored.vcf.gz"))
    network = {record.pos: record.info["CNN_PROB"][0] for record in read_records(DATA / "predicted.vcf.gz")}
    for entry, record in zip(index["entries"][:20], records, strict=False):
        assert (entry["chrom"], entry["pos"], entry["ref"], entry["alt"]) == (
            record.contig,
            record.pos,
            record.ref,
            record.alts[0],
        )
        assert entry["posterior"] == pytest.approx(from_phred(record.info["PROB_SOMATIC_TUMOR"][0]), abs=1e-4)
        assert entry["network"] == pytest.approx(network[record.pos], abs=1e-6)


def test_reads_are_those_of_the_packed_tensors(page: str) -> None:
    samples = Samples(DATA / "tumor.bam", DATA / "normal.bam")
    settings = TensorSettings(window=151, depth=100, tracks=samples.tracks(), soft_clips=True)
    job = TensorJob(DATA / "scored.vcf.gz", DATA / "reference.fa", samples, settings=settings)
    data, number = data_of(page), 0
    for part in packed_chunks(job, 1):
        for i in range(0, part.size, 17):
            _, reference, tracks = unpacked(data[number + i], 151)
            assert (reference == part.reference[i] & BASE_MASK).all()
            for track, found in enumerate(tracks):
                first, last = part.row_offset[2 * i + track :][:2]
                for mine, theirs in zip(found, (part.base, part.quality, part.rows), strict=True):
                    assert (mine == theirs[first:last]).all()
        number += part.size


def test_no_candidate_takes_more_than_it_may(page: str) -> None:
    assert max(map(len, re.findall(r'id="c\d+">([^<]*)<', page))) < MOST_PER_CANDIDATE


def test_what_varproof_says_is_told(page: str) -> None:
    facts, _, _ = unpacked(data_of(page)[0], 151)
    assert "the normal shows it" in facts["reasons"]
    assert [event[0] for event in facts["events"]] == [
        "somatic tumor", "somatic normal", "germline het", "germline hom", "artifact", "absent", "network: somatic",
    ]  # fmt: skip
    assert sum(event[2] for event in facts["events"][:6]) == pytest.approx(1, abs=1e-4)
    tumor, normal = facts["samples"]
    assert (tumor["name"], tumor["ad"], tumor["depth"], normal["ad"]) == ("tumor", "21,18", 39, "12,11")
    assert max(tumor["density"][1]) == 1 and tumor["density"][0][tumor["density"][1].index(1)] == pytest.approx(0.45, abs=0.02)


def test_chosen_ones_have_the_same_pictures(page: str, tmp_path: Path) -> None:
    """Neighbours that are not chosen are in the haplotypes all the same."""
    output = tmp_path / "some.html"
    review_calls(options(output, choose="disagreement", count=12, threads=2))
    some, whole = output.read_text(), {json.dumps(entry): i for i, entry in enumerate(index_of(page)["entries"])}
    data, everything = data_of(some), data_of(page)
    assert len(data) == 12
    for i, entry in enumerate(index_of(some)["entries"]):
        assert data[i] == everything[whole[json.dumps(entry)]]


def test_rounds_go_on_where_the_last_ended(page: str, tmp_path: Path) -> None:
    """Half of what is left is what the network doubts most; what was judged, by our table or IGVNav's, isn't there again."""
    index = index_of(page)
    lines = (DATA / "labels.tsv").read_text().splitlines()
    (tmp_path / "first.tsv").write_text("\n".join(lines[:101]) + "\n")
    output = tmp_path / "next.html"
    review_calls(options(output, choose="rounds", count=20, judged=[tmp_path / "first.tsv"], seed=3))
    shown = index_of(output.read_text())
    assert shown["choice"] == "rounds" and shown["total"] == 195

    def place(entry: dict[str, Any]) -> tuple[str, str, str, str]:
        return entry["chrom"], str(entry["pos"]), entry["ref"], entry["alt"]

    judged = {tuple(line.split("\t")[:4]) for line in lines[1:101]}
    left = [entry for entry in index["entries"] if place(entry) not in judged]
    doubts = sorted((abs(entry["network"] - 0.5), place(entry)) for entry in left if entry["network"] is not None)
    own = {place(entry) for entry in shown["entries"]}
    assert len(own) == 20 and not own & judged
    assert {entry for _, entry in doubts[:10]} <= own


def test_any_number_of_threads_writes_the_same_page(page: str, tmp_path: Path) -> None:
    output = tmp_path / "review.html"
    review_calls(options(output, threads=2))
    assert output.read_text() == page


def test_a_list_of_a_caller_without_any_judgement(tmp_path: Path) -> None:
    output = tmp_path / "review.html"
    review_calls(options(output, calls=DATA / "candidates.vcf.gz", predicted=None, normal=None, choose="random", count=4))
    index = index_of(output.read_text())
    assert [track["kind"] for track in index["tracks"]] == ["tumor"] and index["choice"] == "random"
    assert {entry["posterior"] for entry in index["entries"]} == {None}
    assert {entry["weight"] for entry in index["entries"]} == {195 / 4}


@pytest.mark.parametrize("choose", ["uncertain", "stratified", "disagreement"])
def test_where_nothing_could_be_judged_the_page_says_so(tmp_path: Path, choose: str, caplog: pytest.LogCaptureFixture) -> None:
    """A scored list of nothing but places that were not judged is a page of its first candidates, and no error."""
    given = pysam.VariantFile(str(DATA / "scored.vcf.gz"))
    with given, pysam.VariantFile(str(tmp_path / "calls.vcf"), "w", header=given.header) as out:
        for record in itertools.islice(given, 6):
            for name in [name for name in record.info if name.startswith("PROB_")]:
                del record.info[name]
            record.info["SKIPPED"] = ("no_reads",)
            out.write(record)
    output = tmp_path / "review.html"
    review_calls(options(output, calls=tmp_path / "calls.vcf", predicted=None, choose=choose, count=4))
    index = index_of(output.read_text())
    assert index["noneJudged"] is True and index["total"] == 6
    assert [(entry["posterior"], entry["skipped"]) for entry in index["entries"]] == [(None, "no_reads")] * 4
    assert "none of its 6 candidates could be judged" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"calls": DATA / "candidates.vcf.gz", "predicted": None, "choose": "uncertain", "count": 3}, "has no probabilities"),
        ({"predicted": None, "choose": "disagreement", "count": 3}, "a network's probability"),
        ({"predicted": None, "choose": "rounds", "count": 3}, "rounds.*a network's probability"),
        ({"judged": [DATA / "labels.tsv"]}, "all 195 candidates are in --judged"),
        ({"predicted": DATA / "candidates.vcf.gz"}, "CNN_PROB"),
        ({"events": ["NONSENSE"]}, "is not an event"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        review_calls(options(tmp_path / "review.html", **changes))
    assert not list(tmp_path.iterdir())


def test_inserted_bases_are_those_of_the_reads(page: str) -> None:
    """Of all marked rows; of a candidate that is an insertion the reads that show it have its bases."""
    index, data, shown = index_of(page), data_of(page), 0
    for number, entry in enumerate(index["entries"]):
        facts, _, tracks = unpacked(data[number], index["window"])
        for (base, _, columns), insertions in zip(tracks, facts["insertions"], strict=True):
            marked = {(row, column) for row, column in np.argwhere((base & INSERTION_FOLLOWS) != 0).tolist()}
            assert {(row, column) for row, column, _ in insertions} == marked
            if entry["type"] == "insertion" and len(entry["alt"]) <= 40:
                column = entry["pos"] - 1 - facts["first"]
                bases = {text for row, place, text in insertions if place == column and columns[row, FLAGS] & 64}
                shown += entry["alt"][1:] in bases
    assert shown >= 5


def test_candidates_that_are_too_large_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    review_calls(options(tmp_path / "small.html", choose="random", count=2))
    assert "in the page" not in caplog.text
    monkeypatch.setattr(desk_data, "LARGEST_TEXT", 1000)
    review_calls(options(tmp_path / "large.html", choose="random", count=2))
    assert "2 of 2 candidates take more than 1 kB in the page" in caplog.text


def test_choosing_needs_a_number_and_a_number_needs_choosing(tmp_path: Path) -> None:
    for changes in ({"count": 3}, {"choose": "random"}):
        with pytest.raises(ValueError, match=r"--c(ount|hoose)"):
            options(tmp_path / "review.html", **changes)


LABELS = """chrom\tpos\tref\talt\tlabel\tcall\ttags\treviewer\ttime\tnote
chr1\t5\tA\tT\t1\tsomatic\t.\tAnn\t.\t.
chr1\t5\tA\tT\t1\tsomatic\t.\tBo\t.\t.
chr1\t5\tA\tT\t0\tfail\tD\tCy\t.\t.
chr1\t9\tA\tT\t1\tsomatic\t.\tAnn\t.\t.
chr1\t9\tA\tT\t0\tgermline\t.\tBo\t.\t.
chr1\t12\tA\tT\t.\tambiguous\tLVF\tAnn\t.\t.
chr1\t20\tA\tT\t0\tfail\tLVF\tBo\t.\t.
"""


def test_labels_of_several_reviewers_are_the_majority_s(tmp_path: Path) -> None:
    path = tmp_path / "labels.tsv"
    path.write_text(LABELS)
    assert [(label.pos, label.label) for label in read_labels(path)] == [(5, 1), (20, 0)]
    path.write_text(LABELS + "chr1\t20\tA\tT\t1\tsomatic\t.\tBo\t.\t.\n")
    with pytest.raises(UserError, match="line 9 contradicts line 8"):
        read_labels(path)
    path.write_text("chrom\tpos\tref\talt\tlabel\nchr1\t5\tA\tT\t.\n")
    with pytest.raises(UserError, match=r"label is '\.'"):
        read_labels(path)
