"""`--resume`: a run that is cut off and goes on writes the bytes of one that was left alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pair_examples import Pair, write_pair, write_records
from varproof.commands.collect_evidence import CollectEvidenceOptions, collect_evidence
from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
from varproof.commands.tensorise import TensoriseOptions, tensorise
from varproof.errors import UserError
from varproof.evidence import pipeline
from varproof.journal import Journal
from varproof.pileup import sites

Run = Callable[[Path, Path | None], Path]


class CutOff(Exception):
    """The run ends here."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


def collects(pair: Pair, candidates: Path, folder: Path, resume: Path | None, **more: Any) -> Path:
    options = CollectEvidenceOptions(
        candidates=candidates, reads=pair.tumor, reference=pair.reference, output=folder / "evidence.h5", resume=resume, **more
    )
    collect_evidence(options)
    return options.output


def packs(pair: Pair, candidates: Path, folder: Path, resume: Path | None, **more: Any) -> Path:
    options = TensoriseOptions(
        candidates=candidates, tumor=pair.tumor, normal=pair.normal, reference=pair.reference, output=folder / "tensors.h5",
        resume=resume, **more,
    )  # fmt: skip
    tensorise(options)
    return options.output


def scores(pair: Pair, candidates: Path, folder: Path, resume: Path | None, **more: Any) -> Path:
    options = ScorePosteriorOptions(
        candidates=candidates, tumor=pair.tumor, normal=pair.normal, reference=pair.reference, output=folder / "scored.vcf",
        resume=resume, **more,
    )  # fmt: skip
    score_posterior(options)
    return options.output


@pytest.fixture
def candidates(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Candidates in several chunks."""
    monkeypatch.setattr(pipeline, "CHUNK_CANDIDATES", 3)
    monkeypatch.setattr(sites, "CHUNK_CANDIDATES", 3)
    return write_records(tmp_path / "candidates.vcf", pair.records(), pair)


@pytest.mark.parametrize("job", [collects, packs, scores])
def test_cut_off_and_gone_on(
    job: Callable[..., Path], pair: Pair, candidates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, stored = tmp_path / "kept", []
    original = Journal.store

    def store(journal: Journal, number: int, arrays: dict[str, np.ndarray]) -> None:
        if len(stored) == 2:
            raise CutOff
        stored.append(number)
        original(journal, number, arrays)

    (tmp_path / "calm").mkdir()
    calm = job(pair, candidates, tmp_path / "calm", None)
    with monkeypatch.context() as patched, pytest.raises(CutOff):
        patched.setattr(Journal, "store", store)
        job(pair, candidates, tmp_path, kept)
    assert not (tmp_path / calm.name).exists()
    assert len(list(kept.glob("*.npz"))) == 2
    assert job(pair, candidates, tmp_path, kept).read_bytes() == calm.read_bytes()
    assert not kept.exists()


def test_other_options_are_another_run(pair: Pair, candidates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "kept"
    with monkeypatch.context() as patched, pytest.raises(CutOff):
        patched.setattr(Journal, "store", lambda *_: (_ for _ in ()).throw(CutOff()))
        collects(pair, candidates, tmp_path, kept)
    with pytest.raises(UserError, match="other inputs or options"):
        collects(pair, candidates, tmp_path, kept, max_depth=20)
