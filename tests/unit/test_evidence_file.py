"""evidence.h5: what is written is what is read, and what is collected depends on nothing but the input."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from evidence_examples import PROPERTIES, Locus, plain_sequence, sample_files
from varproof.evidence.pipeline import SampleFiles, collect_into, evidence_chunks
from varproof.formats.evidence import (
    CANDIDATE_COLUMNS,
    LINK_COLUMNS,
    OBSERVATION_COLUMNS,
    VALUE_RANGES,
    Evidence,
    EvidenceReader,
    concatenated,
    empty_evidence,
    evidence_writer,
)
from varproof.formats.hdf5 import is_hdf5
from varproof.machinery.errors import UserError
from varproof.variants.chunks import NEIGHBOUR_REACH, chunks


def random_evidence(seed: int, size: int) -> Evidence:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 6, size)
    offset, link_offset = (
        np.concatenate([[0], np.cumsum(many)]).astype(np.int64) for many in (lengths, rng.integers(0, 4, size))
    )

    def column(name: str, kind: type, number: int) -> np.ndarray:
        low, high = VALUE_RANGES.get(name, (0, 30))
        return rng.integers(max(0, np.ceil(low)), min(30, high), number, endpoint=True).astype(kind)

    return Evidence(
        offset=offset,
        **{name: column(name, kind, size) for name, kind in CANDIDATE_COLUMNS.items()},
        **{name: column(name, kind, int(offset[-1])) for name, kind in OBSERVATION_COLUMNS.items()},
        link_offset=link_offset,
        **{name: column(name, kind, int(link_offset[-1])) for name, kind in LINK_COLUMNS.items()},
    )


def assert_same(first: Evidence, second: Evidence) -> None:
    for item in fields(Evidence):
        one, two = getattr(first, item.name), getattr(second, item.name)
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two, err_msg=item.name)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    parts = [random_evidence(seed, size) for seed, size in enumerate([3, 0, 7, 1])]
    path = tmp_path / "evidence.h5"
    with evidence_writer(path, {"provenance": "mine"}) as writer:
        for part in parts:
            writer.append(part)
    whole = concatenated(parts)
    with EvidenceReader(path) as reader:
        assert reader.size == 11
        assert reader.attribute("provenance") == "mine" and reader.attribute("nothing") == ""
        assert_same(reader.read(0, 11), whole)
        assert_same(reader.read(2, 5), whole.rows(np.arange(2, 5)))
        assert_same(reader.read(4, 4), whole.rows(np.arange(0)))


def test_no_candidates(tmp_path: Path) -> None:
    with evidence_writer(tmp_path / "evidence.h5", {}) as writer:
        writer.append(concatenated([]))
    with EvidenceReader(tmp_path / "evidence.h5") as reader:
        assert reader.size == 0
        assert_same(reader.read(0, 0), concatenated([]))


def test_rows_in_any_order() -> None:
    evidence = random_evidence(1, 9)
    order = np.array([4, 0, 8, 8])
    found = evidence.rows(order)
    for place, i in enumerate(order):
        own, new = slice(evidence.offset[i], evidence.offset[i + 1]), slice(found.offset[place], found.offset[place + 1])
        assert found.key[place] == evidence.key[i]
        links = slice(evidence.link_offset[i], evidence.link_offset[i + 1])
        new_links = slice(found.link_offset[place], found.link_offset[place + 1])
        for name in LINK_COLUMNS:
            np.testing.assert_array_equal(getattr(found, name)[new_links], getattr(evidence, name)[links])
        for name in OBSERVATION_COLUMNS:
            np.testing.assert_array_equal(getattr(found, name)[new], getattr(evidence, name)[own])
    assert_same(concatenated([evidence.rows(np.arange(4)), evidence.rows(np.arange(4, 9))]), evidence)


def test_empty_evidence_is_not_judged() -> None:
    evidence = empty_evidence(np.array([5, 6], np.uint64))
    assert evidence.key.tolist() == [5, 6]
    assert evidence.judged.tolist() == [0, 0] and evidence.offset.tolist() == [0, 0, 0]
    assert evidence.sampling_ratio.tolist() == [1, 1]


def test_a_failing_writer_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), evidence_writer(tmp_path / "evidence.h5", {}) as writer:
        writer.append(random_evidence(1, 3))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_other_files_are_refused(tmp_path: Path) -> None:
    text, other, old = tmp_path / "text.h5", tmp_path / "other.h5", tmp_path / "old.h5"
    text.write_text("no HDF5")
    with h5py.File(other, "w") as file:
        file["x"] = 1
    with evidence_writer(old, {}) as writer:
        writer.append(random_evidence(1, 3))
    with h5py.File(old, "a") as file:
        file.attrs["schema"] = "varproof/evidence/0"
    for path in (text, other, old):
        with pytest.raises(UserError, match=f"{path.name}.*collect-evidence"):
            EvidenceReader(path)
    assert [is_hdf5(path) for path in (text, other, old, tmp_path, tmp_path / "none")] == [False, True, True, False, False]


def test_evidence_of_an_earlier_version_is_to_be_collected_again(tmp_path: Path) -> None:
    path = tmp_path / "old.h5"
    with h5py.File(path, "w") as file:
        file.attrs["schema"] = "varproof/evidence/1"
    with pytest.raises(UserError, match=r"old\.h5: made by an earlier version, .*; run collect-evidence again"):
        EvidenceReader(path)


LENGTH = 9000


@pytest.fixture(scope="module")
def busy_sample(tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    """Forty candidates 20-700 bp apart with reads of some: neighbours reach across every border of chunks."""
    rng = np.random.default_rng(3)
    reference = plain_sequence(LENGTH, seed=11)
    records, reads, position = [], [], 600
    while position < LENGTH - 700:
        kind = rng.integers(0, 4)
        base = "ACGT"[("ACGT".index(reference[position]) + 1) % 4]
        edit = [(position, position + 1, base), (position, position, base + "T"), (position, position + 2, ""),
                (position, position, plain_sequence(130, seed=position))][kind]  # fmt: skip
        item = Locus(reference, *edit)
        for _ in range(int(rng.integers(4, 9))):
            item.add_pair(position - int(rng.integers(10, 280)), bool(rng.random() < 0.5))
        for read in item.reads:
            read.name = f"{read.name}at{position}"
        reads += item.reads
        records.append(item.record())
        position += int(rng.choice([7, 20, 45, 90, 300, 700]))
    assert len(records) > 30
    return sample_files(tmp_path_factory.mktemp("busy"), reference, reads, records)


@pytest.mark.parametrize("max_depth", [None, 10])
def test_evidence_does_not_depend_on_chunks(
    max_depth: int | None, busy_sample: SampleFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_sample, found = replace(busy_sample, max_depth=max_depth), []
    for size in (256, 7, 1):
        monkeypatch.setattr("varproof.variants.chunks.CHUNK_CANDIDATES", size)
        parts = list(evidence_chunks(busy_sample, 1))
        assert max(part.size for part in parts) <= size
        found.append(concatenated(parts))
    assert (found[0].judged == 1).all() and found[0].count.sum() > (100 if max_depth else 300)
    assert len(found[0].link_key) > 10
    assert_same(found[0], found[1])
    assert_same(found[0], found[2])


def test_chunks_hold_every_candidate_once_with_its_neighbours(
    busy_sample: SampleFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = [item for chunk in chunks(busy_sample.candidates) for item in chunk.candidates]
    for size in (1, 4):
        monkeypatch.setattr("varproof.variants.chunks.CHUNK_CANDIDATES", size)
        parts = list(chunks(busy_sample.candidates))
        assert [item for part in parts for item in part.candidates] == everything
        for part in parts:
            own = set(part.candidates)
            assert not own & set(part.halo)
            first, last = part.candidates[0].start, part.candidates[-1].start
            within = {item for item in everything if first - NEIGHBOUR_REACH <= item.start <= last + NEIGHBOUR_REACH}
            assert within - own <= set(part.halo)


def test_evidence_files_do_not_depend_on_workers(
    busy_sample: SampleFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("varproof.variants.chunks.CHUNK_CANDIDATES", 5)
    contents = []
    for workers in (1, 2):
        path = tmp_path / f"{workers}.h5"
        with evidence_writer(path, {}) as writer:
            collect_into(writer, busy_sample, workers)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]


def test_contigs_make_chunks_of_their_own(tmp_path: Path) -> None:
    lines = ["chr1\t100\t.\tA\tC\t.\t.\t.", "chr2\t100\t.\tA\tC\t.\t.\t."]
    path = tmp_path / "two.vcf"
    path.write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##contig=<ID=chr2>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        + "\n".join(lines)
        + "\n"
    )
    parts = list(chunks(path))
    assert [[item.contig for item in part.candidates] for part in parts] == [["chr1"], ["chr2"]]
    assert [part.halo for part in parts] == [[], []]


def test_properties_reach_the_evidence(tmp_path: Path) -> None:
    """A longer insert size in alignment.json turns the same reads against a deletion."""
    reference = plain_sequence(2500)
    item = Locus(reference, 1000, 1100, "")
    item.add_pair(1000 - 130, True, length=330)
    found = []
    for mean in (330.0, 430.0):
        files = sample_files(
            tmp_path, reference, item.reads, [item.record()], PROPERTIES.model_copy(update={"insert_size_mean": mean})
        )
        found.append(concatenated(list(evidence_chunks(files, 1))).log_ratio.sum())
    assert found[0] > 3 > -3 > found[1]


def spoilt(path: Path, name: str, values: np.ndarray) -> Path:
    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = values
    return path


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("offset", lambda values: values[::-1]), ("offset", lambda values: values + 1), ("offset", lambda values: values[:-1]),
        ("count", lambda values: values[:-1]), ("key", lambda values: values[1:]), ("mapq", lambda values: 1.0 * values),
        ("strand", lambda values: values.reshape(1, -1)), ("link_offset", lambda values: values + 1),
        ("link_both", lambda values: values[:-1]), ("link_key", lambda values: values.astype(np.int64)),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_together_are_told_at_once(name: str, change: Any, tmp_path: Path) -> None:
    """Kernels go by offsets: none may lead beyond an array."""
    with evidence_writer(tmp_path / "evidence.h5", {}) as writer:
        writer.append(random_evidence(1, 9))
    with EvidenceReader(tmp_path / "evidence.h5") as reader:
        values = reader._values(name, slice(None))
    with pytest.raises(UserError, match=r"evidence\.h5: damaged \(its arrays do not fit together\)"):
        EvidenceReader(spoilt(tmp_path / "evidence.h5", name, change(values)))


DATA_SETS = {"read_context": "company"}
"""Columns that have another name in files."""


@pytest.mark.parametrize(("name", "value"), [("log_ratio", np.nan), ("read_context", 200), ("count", 0), ("slip_back", -0.5)])
def test_values_out_of_range_are_told(name: str, value: float, tmp_path: Path) -> None:
    with evidence_writer(tmp_path / "evidence.h5", {}) as writer:
        writer.append(random_evidence(1, 9))
    with EvidenceReader(tmp_path / "evidence.h5") as reader:
        values = reader._values(name, slice(None))
    values[-1] = value
    with (
        EvidenceReader(spoilt(tmp_path / "evidence.h5", DATA_SETS.get(name, name), values)) as reader,
        pytest.raises(UserError, match=f"damaged .{name} out of range"),
    ):
        reader.read(0, 9)
