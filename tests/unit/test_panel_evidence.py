"""A panel of normals' evidence: what it counts, held against reads, and that it claims nothing of what was not looked at."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

from pair_examples import Pair, other_base, write_pair, write_records
from varproof.candidates.panel import PanelJob, build_panel
from varproof.candidates.panel_evidence import fragment_counts
from varproof.commands.collect_evidence import CollectEvidenceOptions, collect_evidence
from varproof.formats.evidence import OBSERVATION_COLUMNS, Evidence, empty_evidence
from varproof.formats.panel import PanelReader
from varproof.machinery.errors import UserError
from varproof.posterior.panel_lookup import panel_evidence
from varproof.scattering.gather import gather


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def candidates(pair: Pair) -> Path:
    return write_records(pair.folder / "candidates.vcf", pair.records(), pair)


@pytest.fixture(scope="module")
def evidence(pair: Pair, candidates: Path) -> Path:
    return collected(pair, candidates, pair.normal, "normal.h5")


def collected(pair: Pair, candidates: Path, reads: Path, name: str) -> Path:
    output = pair.folder / name
    options = {"candidates": candidates, "reads": reads, "reference": pair.reference, "alignment": pair.properties}
    collect_evidence(CollectEvidenceOptions(output=output, **options))
    return output


def built(
    pair: Pair, output: Path, reads: list[Path] | None = None, regions: list[tuple[int, int]] | None = None, **changes: Any
) -> Path:
    values = {"added": [], "max_depth": None, "shareable": False} | changes
    build_panel(PanelJob(reads or [], pair.reference, None if regions is None else {"chr1": regions}, **values), output, 1)
    return output


def tables(path: Path) -> dict[str, np.ndarray]:
    with PanelReader(path) as reader:
        part, contexts = reader.contig("chr1"), reader.contexts()
    found = {f"{type(table).__name__}.{item.name}": getattr(table, item.name)
             for table in (part.alleles, part.coverage, contexts) for item in fields(table)}  # fmt: skip
    return found | {"regions": part.regions}


def assert_alike(one: Path, other: Path) -> None:
    first, second = tables(one), tables(other)
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)


def observed(rows: list[tuple[float, int, int, int, int]], alternative: int, reference: int) -> Evidence:
    """Evidence of one candidate: (log ratio, mapping quality, strand, orientation, count) of each row."""
    columns = {name: np.zeros(len(rows), kind) for name, kind in OBSERVATION_COLUMNS.items()}
    for name, values in zip(("log_ratio", "mapq", "strand", "orientation", "count"), zip(*rows, strict=True), strict=True):
        columns[name] = np.array(values, OBSERVATION_COLUMNS[name])
    counts = {"alternative_count": alternative, "reference_count": reference, "depth": 100, "used": 100}
    return replace(
        empty_evidence(np.zeros(1, np.uint64)),
        offset=np.array([0, len(rows)]),
        **{name: np.array([value], np.uint32) for name, value in counts.items()},
        **columns,
    )


def test_fragments_are_counted_by_strand_orientation_and_quality() -> None:
    """Quality 13 is a ratio of 4.0, 20 one of 5.7, 30 one of 8.0: ln((1 - e) / (e / 3))."""
    rows = [
        (9.0, 60, 1, 0, 3),  # forward, first read forward, best quality
        (7.0, 60, 2, 1, 2),  # reverse, first read reverse, second bin
        (5.0, 60, 3, 0, 5),  # both strands: three for forward, two for reverse; lowest bin
        (9.0, 60, 2, 2, 1),  # reverse, unpaired: as a first read in reverse
        (2.0, 60, 1, 0, 7),  # a base of low quality
        (9.0, 0, 1, 0, 7),  # mapped anywhere
        (9.0, 60, 0, 0, 7),  # speaks by its length
        (-9.0, 60, 1, 0, 80),  # the reference
    ]
    counts, depth = fragment_counts(observed(rows, 18, 80), np.array([True]))
    expected = np.zeros((2, 2, 3), int)
    expected[0, 0, 2], expected[1, 1, 1], expected[0, 0, 0], expected[1, 0, 0], expected[1, 1, 2] = 3, 2, 3, 2, 1
    np.testing.assert_array_equal(counts[0].reshape(2, 2, 3), expected)
    assert depth.tolist() == [98]
    indel, _ = fragment_counts(observed(rows, 18, 80), np.array([False]))
    assert indel.sum() == 18
    fewer, depth = fragment_counts(observed(rows, 5, 80), np.array([True]))
    assert fewer.sum() == 5 and (fewer <= counts).all() and depth.tolist() == [85]


def test_carriers_are_those_that_reads_show(pair: Pair, candidates: Path, evidence: Path, tmp_path: Path) -> None:
    by_evidence = built(pair, tmp_path / "evidence.h5", evidence=[evidence], candidates=candidates)
    by_reads = built(pair, tmp_path / "reads.h5", [pair.normal])
    one, other = (panel_evidence(panel, candidates, pair.reference) for panel in (by_evidence, by_reads))
    names = [site.name for site in pair.sites]
    for name in ("germline het", "germline hom", "somatic snv", "absent", "insertion"):
        i = names.index(name)
        assert one.covering[i] == other.covering[i] == 1
        assert (one.heterozygous[i], one.homozygous[i]) == (other.heterozygous[i], other.homozygous[i]), name
        assert one.showing[i] == other.showing[i] == 0
    i = names.index("germline het")
    fragments: dict[bool, set[str]] = {True: set(), False: set()}
    locus = pair.sites[i].locus
    with pysam.AlignmentFile(str(pair.normal)) as handle:
        for read in handle.fetch("chr1", locus.start, locus.end):
            at = dict((place, query) for query, place in read.get_aligned_pairs(matches_only=True)).get(locus.start)
            if at is not None:
                fragments[read.query_sequence[at] == locus.alt].add(read.query_name)
    assert (one.carrier_reads[i], one.carrier_depth[i]) == (len(fragments[True]), sum(map(len, fragments.values())))


def test_nothing_is_claimed_of_alleles_that_were_not_looked_at(
    pair: Pair, candidates: Path, evidence: Path, tmp_path: Path
) -> None:
    panel = built(pair, tmp_path / "evidence.h5", evidence=[evidence], candidates=candidates)
    place = pair.site("somatic snv").locus.start
    assert place % 16 < 13
    bases = pair.sequence[place : place + 4]
    others = write_records(
        tmp_path / "others.vcf",
        [(place, bases[0], other_base(bases[0], 2)), (place + 3, bases[3], other_base(bases[3]))],
        pair,
    )
    found = panel_evidence(panel, others, pair.reference)
    assert found.covering.tolist() == [0, 0] and not found.depth.any()
    with PanelReader(panel) as reader:
        assert reader.header.normals == reader.header.from_evidence == 1
        part, contexts = reader.contig("chr1"), reader.contexts()
    assert not len(part.regions) and not part.coverage.size and not contexts.substitution_bases.any()
    together = built(pair, tmp_path / "both.h5", [pair.tumor], evidence=[evidence], candidates=candidates)
    assert panel_evidence(together, others, pair.reference).covering.tolist() == [1, 1]
    assert panel_evidence(together, candidates, pair.reference).covering[0] == 2


def test_normals_by_evidence_are_added_in_any_order(pair: Pair, candidates: Path, evidence: Path, tmp_path: Path) -> None:
    listed = {"evidence": [evidence], "candidates": candidates}
    whole = built(pair, tmp_path / "whole.h5", [pair.tumor], **listed)
    reads = built(pair, tmp_path / "reads.h5", [pair.tumor])
    alone = built(pair, tmp_path / "alone.h5", **listed)
    assert_alike(whole, built(pair, tmp_path / "1.h5", added=[reads], **listed))
    assert_alike(whole, built(pair, tmp_path / "2.h5", [pair.tumor], added=[alone]))
    assert_alike(whole, built(pair, tmp_path / "3.h5", added=[alone, reads]))
    with pytest.raises(UserError, match="same normal twice"):
        built(pair, tmp_path / "never.h5", [pair.normal], **listed)
    with pytest.raises(UserError, match="same normal twice"):
        built(pair, tmp_path / "never.h5", added=[alone], **listed)


@pytest.mark.parametrize("with_reads", [True, False])
def test_pieces_are_gathered_to_the_whole(
    pair: Pair, candidates: Path, evidence: Path, tmp_path: Path, with_reads: bool
) -> None:
    listed = {"evidence": [evidence], "candidates": candidates}
    reads = [pair.tumor] if with_reads else []
    cut = pair.site("germline het").locus.start + 1
    pieces = [(0, cut), (cut, len(pair.sequence))]
    paths = [built(pair, tmp_path / f"{i}.h5", reads, [piece], **listed) for i, piece in enumerate(pieces)]
    gather(paths, None, tmp_path / "gathered.h5")
    assert_alike(built(pair, tmp_path / "whole.h5", reads, [(0, len(pair.sequence))], **listed), tmp_path / "gathered.h5")


def test_a_panel_to_be_shared_has_nothing_of_the_list(pair: Pair, candidates: Path, evidence: Path, tmp_path: Path) -> None:
    other = collected(pair, candidates, pair.tumor, "tumor.h5")
    shared = built(pair, tmp_path / "p.h5", evidence=[evidence, other], candidates=candidates, shareable=True)
    with PanelReader(shared) as reader:
        alleles = reader.contig("chr1").alleles
    assert alleles.size and (alleles.heterozygous + alleles.homozygous == 2).all()


def test_wrong_evidence_gets_one_line(pair: Pair, candidates: Path, evidence: Path, tmp_path: Path) -> None:
    fewer = write_records(tmp_path / "fewer.vcf", pair.records()[1:], pair)
    with pytest.raises(UserError, match=r"normal\.h5: evidence of other candidates than .*fewer\.vcf"):
        built(pair, tmp_path / "never.h5", evidence=[evidence], candidates=fewer)
    assert not (tmp_path / "never.h5").exists()
