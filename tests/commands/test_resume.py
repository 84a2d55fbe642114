"""`--resume`: a run that is cut off and goes on writes the bytes of one that was left alone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pair_examples import Pair, write_pair, write_records
from varproof.commands.base import CommandOptions
from varproof.commands.collect_evidence import CollectEvidenceOptions, collect_evidence
from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
from varproof.commands.tensorise import TensoriseOptions, tensorise
from varproof.machinery.errors import UserError
from varproof.machinery.journal import Journal
from varproof.pileup import pipeline


class CutOff(Exception):
    """The run ends here."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


@dataclass(frozen=True)
class Job:
    """An executable, its model of options, the options that name the reads, and its output."""

    run: Callable[[Any], None]
    options: type[CommandOptions]
    samples: dict[str, str]
    output: str

    def __call__(self, pair: Pair, candidates: Path, folder: Path, resume: Path | None, **more: Any) -> Path:
        """Run it on the pair; returns the output."""
        reads = {option: getattr(pair, sample) for option, sample in self.samples.items()}
        output = folder / self.output
        self.run(self.options(candidates=candidates, reference=pair.reference, output=output, resume=resume, **reads, **more))  # type: ignore[call-arg]
        return output


BOTH = {"tumor": "tumor", "normal": "normal"}
COLLECTS = Job(collect_evidence, CollectEvidenceOptions, {"reads": "tumor"}, "evidence.h5")
PACKS = Job(tensorise, TensoriseOptions, BOTH, "tensors.h5")
SCORES = Job(score_posterior, ScorePosteriorOptions, BOTH, "scored.vcf")


@pytest.fixture
def candidates(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Candidates in several chunks."""
    monkeypatch.setattr("varproof.variants.chunks.CHUNK_CANDIDATES", 3)
    monkeypatch.setattr(pipeline, "CHUNK_CANDIDATES", 3)
    return write_records(tmp_path / "candidates.vcf", pair.records(), pair)


@pytest.mark.parametrize("job", [COLLECTS, PACKS, SCORES], ids=lambda job: job.output)
def test_cut_off_and_gone_on(job: Job, pair: Pair, candidates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
        COLLECTS(pair, candidates, tmp_path, kept)
    with pytest.raises(UserError, match="other inputs or options"):
        COLLECTS(pair, candidates, tmp_path, kept, max_depth=20)
