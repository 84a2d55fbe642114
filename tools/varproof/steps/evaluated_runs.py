"""The runs that evaluate-calls holds against the truth: scored calls as they are, folders of spike-variants scored first."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from varproof.formats.events import EVENTS
from varproof.formats.spiked_folder import SpikedFolder, read_spiked_folder
from varproof.formats.vcf import PROBABILITY_PREFIX, open_vcf
from varproof.machinery.errors import UserError
from varproof.machinery.output import input_digest, working_folder

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunFiles:
    """Calls, or a folder of spike-variants in their place, and the truth."""

    calls: Path
    truth: Path
    folder: SpikedFolder | None

    @property
    def input_digests(self) -> dict[str, str]:
        """Digests of the files by path."""
        files = [self.calls, self.truth] if self.folder is None else self.folder.files
        return {str(path): input_digest(path) for path in files if path.is_file()}


def run_files(
    calls: list[Path], truth: list[Path], reference: Path | None, prior: Path | None, events: list[str]
) -> list[RunFiles]:
    """One entry for each run; raises UserError where the options don't fit each other or a folder is not complete."""
    seen: set[Path] = set()
    for path in calls:
        if path.resolve() in seen:
            raise UserError(f"--calls: {path} is given twice; each run counts once")
        seen.add(path.resolve())
    folders = [path for path in calls if path.is_dir()]
    if not folders:
        if prior is not None:
            raise UserError("--prior: only folders of spike-variants are scored here, and --calls has none; leave it out")
        if not truth:
            raise UserError("--truth is required")
        if len(calls) != len(truth):
            files = "file" if len(calls) == 1 else "files"
            raise UserError(f"--calls has {len(calls)} {files}, --truth {len(truth)}: give a truth for each, in the same order")
        return [RunFiles(scored, known, None) for scored, known in zip(calls, truth, strict=True)]
    if len(folders) < len(calls):
        other = next(path for path in calls if path not in folders)
        raise UserError(f"--calls: {folders[0]} is a folder and {other} is none; give either folders or scored calls")
    if truth:
        raise UserError(f"--truth: {folders[0]} is a folder of spike-variants, which holds its own truth; leave --truth out")
    if reference is None:
        raise UserError(f"--reference is required to score {folders[0]}, a folder of spike-variants")
    for name in filter(None, (part.strip() for item in events for part in item.split(","))):
        if name.upper().removeprefix(PROBABILITY_PREFIX) not in EVENTS:
            raise UserError(f"--events: '{name}' is not an event of score-posterior; it has {', '.join(EVENTS)}")
    if prior is not None:
        from varproof.posterior.teaching import read_prior

        read_prior(prior)
    found = [read_spiked_folder(path) for path in folders]
    for folder in found:  # whatever can be refused is, before hours of scoring
        for path in (folder.candidates, folder.truth):
            open_vcf(path).close()
    return [RunFiles(folder.path, folder.truth, folder) for folder in found]


@contextlib.contextmanager
def scored_calls(files: RunFiles, reference: Path | None, prior: Path | None, threads: int) -> Iterator[Path]:
    """The run's scored calls; those of a folder are made as score-posterior makes them by default, and go with the block."""
    if files.folder is None or reference is None:
        yield files.calls
        return
    from varproof.steps.score_posterior import ScorePosteriorSettings, score_posterior

    folder = files.folder
    chosen = ScorePosteriorSettings.model_fields["prior"].default if prior is None else str(prior)
    with working_folder() as temporary:
        logger.info("scoring the candidates of %s", folder.path)
        scored = temporary / "scored.vcf.gz"
        score_posterior(
            ScorePosteriorSettings(
                candidates=folder.candidates,
                reference=reference,
                tumor=folder.tumor,
                normal=folder.normal,
                purity=folder.settings.purity,
                threads=threads,
                output=scored,
                prior=chosen,
            )
        )
        yield scored
