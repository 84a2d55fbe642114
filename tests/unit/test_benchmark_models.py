"""The making of the models that come with the package: protocols that are drawn, and reads as their instruments write them."""

import sys
from pathlib import Path

import numpy as np
import pysam
import pytest

from varproof.formats.tensors import TensorReader
from varproof.simulation.settings import SimulationSettings
from varproof.steps.tensorise import TensoriseSettings, tensorise

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))  # the modules import their neighbours by bare name
try:
    import models
    import models_protocols
finally:
    sys.path.remove(str(BENCHMARKS))

DATA = Path(__file__).resolve().parents[2] / "test-data"


def test_drawn_protocols_are_possible_and_cover_what_users_have() -> None:
    drawn = [models_protocols.drawn(number, 300, 1) for number in range(60)]
    assert drawn == [models_protocols.drawn(number, 300, 1) for number in range(60)]
    assert drawn[0] != models_protocols.drawn(0, 300, 2)
    for protocol in (*drawn, *models_protocols.TESTS):
        values = {name: [value] if name == "artifacts" else value for name, value in protocol.options.items()}
        SimulationSettings.model_validate(values)
    assert {protocol.options["read_length"] for protocol in drawn} == set(models_protocols.READ_LENGTHS)
    assert {protocol.qualities for protocol in drawn} == set(models_protocols.QUALITIES)
    assert {protocol.paired for protocol in drawn} == {True, False}
    for name in models_protocols.LOCI:
        assert any(name in protocol.options for protocol in drawn), name
    depths = np.array([protocol.options["tumor_depth"] for protocol in drawn], float)
    assert depths.min() < 25 and depths.max() > 1000 and (np.diff(np.sort(np.log(depths))) < 0.5).all()
    seeds = [protocol.options["seed"] for protocol in (*drawn, *models_protocols.TESTS)]
    assert len(set(seeds)) == len(seeds), "no pair is of another's genome"


@pytest.mark.parametrize("qualities", models_protocols.QUALITIES)
@pytest.mark.parametrize("paired", [True, False])
def test_reads_are_as_the_protocol_writes_them(tmp_path: Path, qualities: str, paired: bool) -> None:
    protocol = models_protocols.Protocol("one", "", {}, qualities, paired)
    path = models_protocols.as_sequenced(DATA / "tumor.bam", tmp_path / "reads.bam", protocol, 5)
    with pysam.AlignmentFile(str(DATA / "tumor.bam")) as before, pysam.AlignmentFile(str(path)) as after:
        old, new = [[read for read in file] for file in (before, after)]
        assert after.has_index()
    kept = old if paired else [read for read in old if read.is_read1]
    assert [(r.query_name, r.pos, r.cigarstring, r.query_sequence) for r in new] == [
        (r.query_name, r.pos, r.cigarstring, r.query_sequence) for r in kept
    ]
    assert all(read.is_paired == paired and (paired or read.template_length == 0) for read in new)
    assert [read.is_reverse for read in new] == [read.is_reverse for read in kept]
    pairs = [(r.query_qualities, s.query_qualities) for r, s in zip(kept, new, strict=True) if r.query_qualities]
    was, now = (np.concatenate(part) for part in zip(*pairs, strict=True))
    levels = models_protocols.QUALITIES[qualities]
    if levels:
        rounded = {value: max(level for level in levels if level <= value) for value in np.unique(was).tolist()}
        assert now.tolist() == [rounded[value] for value in was.tolist()]
    else:
        assert len(np.unique(now)) > len(np.unique(was)) and np.abs(now.astype(int) - was).max() <= 3


def test_a_tumour_alone_is_what_tensorise_makes_of_it(tmp_path: Path) -> None:
    common = {"candidates": DATA / "candidates.vcf.gz", "reference": DATA / "reference.fa", "tumor": DATA / "tumor.bam"}
    tensorise(TensoriseSettings(**common, normal=DATA / "normal.bam", output=tmp_path / "pair.h5"))
    tensorise(TensoriseSettings(**common, output=tmp_path / "alone.h5"))
    with TensorReader(tmp_path / "pair.h5") as pair, TensorReader(tmp_path / "alone.h5") as alone:
        found, expected = models.tumor_alone(pair.read(0, pair.size)), alone.read(0, alone.size)
    assert found.settings == expected.settings
    for name in vars(expected):
        if name != "settings":
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
