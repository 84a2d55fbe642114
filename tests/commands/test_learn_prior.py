"""learn-prior, and score-posterior where reads teach: whatever is listed, the same reads give the same."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

import varproof
from pair_examples import Pair, read_all, scored, scores, write_pair, write_records
from varproof.commands.learn_prior import LearnPriorOptions, learn_prior
from varproof.machinery.errors import UserError
from varproof.posterior.learning import starting_prior
from varproof.steps.call_candidates import CallCandidatesSettings, call_candidates
from varproof.steps.score_posterior import ScorePosteriorSettings

FROM_READS = {"learn_from": "auto", "territory": None}


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


def learnt(pair: Pair, output: Path, **changes: Any) -> dict[str, Any]:
    values = pair.options(Path("x"), output) | changes
    for name in ("candidates", "territory", "learn_from"):
        del values[name]
    learn_prior(LearnPriorOptions(**{key: value for key, value in values.items() if value is not None}))
    return json.loads(output.read_text())


def test_scoring_learns_what_learn_prior_learns(pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    alone = learnt(pair, tmp_path / "alone.json")
    for number, threads in enumerate((1, 2)):
        path = tmp_path / f"{number}.json"
        scored(pair, tmp_path, pair.records()[:2], learnt_prior=path, threads=threads, **FROM_READS)
        assert path.read_bytes() == (tmp_path / "alone.json").read_bytes()
        learnt(pair, path, threads=threads)
        assert path.read_bytes() == (tmp_path / "alone.json").read_bytes()
    (told,) = {line for line in caplog.messages if "the list holds" in line}
    assert re.search(
        r"teaches the prior: \d+ candidates \(of 2 % of the reads\) of [\d,]+ bases of the reads, in 1 windows \(the list",
        told,
    )
    assert alone["candidates_used"] > 5 and alone["territory"] < 6_300


def test_a_list_teaches_nothing_where_reads_do(pair: Pair, tmp_path: Path) -> None:
    """Scores of a chunk, and of a list that somebody has filtered, are those of the same records of another list."""
    whole = read_all(scored(pair, tmp_path, pair.records()[:-2], **FROM_READS))
    halves = [pair.records()[:3], pair.records()[3:-2]]
    parts = [read_all(scored(pair, tmp_path, half, f"{i}.vcf", **FROM_READS)) for i, half in enumerate(halves)]
    assert [scores(record) for part in parts for record in part] == [scores(record) for record in whole]
    listed = read_all(scored(pair, tmp_path, pair.records()[:3], "list.vcf"))
    assert [scores(record) for record in listed] != [scores(record) for record in parts[0]]


def test_a_list_of_all_is_weighed_once(pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where the list holds the background, its evidence teaches: what is learnt is the same, and nothing is weighed twice."""
    called = tmp_path / "called.vcf"
    call_candidates(CallCandidatesSettings(reads=pair.tumor, reference=pair.reference, output=called))
    alone = learnt(pair, tmp_path / "alone.json")
    caplog.clear()
    path = tmp_path / "of-list.json"
    scored(pair, tmp_path, called, learnt_prior=path, **FROM_READS)
    assert any("of which the list holds 100.0 %" in line for line in caplog.messages)
    assert sum(line.startswith("collecting evidence") for line in caplog.messages) == 2
    assert sum(line.startswith("measuring") for line in caplog.messages) == 0
    assert json.loads(path.read_text()) == alone


def test_properties_are_measured_once(pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    measured = {"alignment_tumor": None, "alignment_normal": None}
    scored(pair, tmp_path, pair.records()[:2], **FROM_READS, **measured)
    assert sum(line.startswith("measuring") for line in caplog.messages) == 2
    assert sum(line.startswith("collecting evidence") for line in caplog.messages) == 4


def test_evidence_teaches_of_its_list_only(pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    collected = varproof.collect(pair.normal, pair.reference, candidates, alignment=pair.properties)
    normal = collected.path
    given = scored(pair, tmp_path, candidates, "listed.vcf", normal=normal)
    caplog.clear()
    auto = scored(pair, tmp_path, candidates, "auto.vcf", normal=normal, learn_from=None)
    assert [scores(record) for record in read_all(auto)] == [scores(record) for record in read_all(given)]
    (told,) = [line for line in caplog.messages if "is an evidence file" in line]
    assert "learn-prior" in told
    with pytest.raises(UserError, match=r"--learn-from reads: .*\.h5 is an evidence file"):
        scored(pair, tmp_path, candidates, "no.vcf", normal=normal, learn_from="reads")
    with pytest.raises(UserError, match="give the reads"):
        learnt(pair, tmp_path / "no.json", normal=normal)
    assert not (tmp_path / "no.json").exists()


def test_nothing_can_be_learnt_under_a_given_prior(pair: Pair) -> None:
    values = pair.options(Path("x.vcf"), Path("out.vcf")) | {"prior": "flat"}
    with pytest.raises(ValueError, match="leaves nothing to learn"):
        ScorePosteriorSettings(**values)


def test_where_nothing_is_nothing_is_learnt(pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Regions without candidates: published rates, and one warning that says how little teaches."""
    regions = tmp_path / "regions.bed"
    regions.write_text("chr1\t20\t60\n")
    found = learnt(pair, tmp_path / "none.json", regions=regions)
    published = starting_prior("empirical", found["territory"])
    assert found["rates"] == published.rates and found["candidates_used"] == 0
    (told,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "only 0 candidates in" in told.getMessage() and "it stays near published rates" in told.getMessage()


def test_a_program_learns_from_reads(pair: Pair, tmp_path: Path) -> None:
    properties = {"alignment_tumor": pair.properties, "alignment_normal": pair.properties, "purity": 0.8}
    prior = varproof.learn(pair.reference, pair.tumor, pair.normal, **properties)
    assert prior.model_dump(by_alias=True) == learnt(pair, tmp_path / "prior.json")


def test_a_flat_prior_alone_is_told_in_programs_too(pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    varproof.score(candidates, pair.reference, pair.tumor, prior="flat", alignment_tumor=pair.properties)
    assert "CAN'T TELL SOMATIC FROM GERMLINE" in caplog.text
