"""The door for programs and notebooks: each step of the method as a function, with arrays and tables for what comes out.

    import varproof

    scored = varproof.score("candidates.vcf.gz", "reference.fa", tumor="tumor.bam", normal="normal.bam", purity=0.75)
    kept = varproof.filter(scored, fdr=0.05)
    kept.frame()

What is returned holds the file that was written: `output`, or where none is named a temporary one, which goes with the object.
`options` are those of the executable, spelled with underscores (`varproof.score` takes all of score-posterior), and checked as
it checks them. What the caller must change raises `varproof.UserError`. Progress and warnings go to the
logger "varproof". Nothing heavy is imported before it is needed.
"""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from varproof.machinery.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from varproof.formats.evidence import Evidence
    from varproof.formats.metrics import Metrics
    from varproof.formats.prior import LearntPrior
    from varproof.formats.tensors import PackedTensors
    from varproof.steps.base import Settings

__all__ = ["collect", "evaluate", "filter", "learn", "predict", "score", "tensors", "vaf"]

PathLike = str | Path
AnySettings = TypeVar("AnySettings", bound="Settings")
AnyOutput = TypeVar("AnyOutput", bound="Output")


class Output:
    """A file that a step wrote: `path`; where it is temporary, it goes with this object."""

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        """`folder`: where it lies, if that is to go with this object."""
        self.path = path
        if folder is not None:
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def arrays(self) -> "dict[str, np.ndarray]":
        """Columns by name, one value per candidate (n,)."""
        raise NotImplementedError

    def frame(self) -> "pd.DataFrame":
        """The arrays as a pandas DataFrame; raises UserError where pandas is not installed."""
        return _frame(self.arrays())


class Calls(Output):
    """Scored or predicted candidates: a VCF."""

    def arrays(self) -> "dict[str, np.ndarray]":
        """One row per alternative allele, in the order of the file.

        contig, position (1-based, as in the VCF), ref, alt, type, filter; for each event the file has, its posterior
        probability (NaN: not judged), named as the event; af, the most probable frequency in the tumour (NaN: none), and depth,
        fragments of the tumour (-1: none).
        """
        import math

        import numpy as np

        from varproof.formats.scored import allele_frequencies, declared_events, depth
        from varproof.formats.vcf import from_phred, info_numbers, open_vcf, probability_field, read_records
        from varproof.variants.candidate import candidates_of

        with open_vcf(self.path) as handle:
            events = declared_events(handle.header)
        columns: dict[str, list[Any]] = {name: [] for name in ("contig", "position", "ref", "alt", "type", "filter")}
        columns |= {event: [] for event in events} | {"af": [], "depth": []}
        for record in read_records(self.path):
            alleles = len(record.alts or ())
            has_samples = len(record.samples) > 0
            frequencies = allele_frequencies(record, record.header.tumor_column) if has_samples else [None] * alleles
            fragments = depth(record, record.header.tumor_column) if has_samples else None
            for item, frequency in zip(candidates_of(record, 0), frequencies, strict=True):
                place = (record.contig, record.pos, record.ref, record.alleles[1 + item.allele])
                kind = "" if item.skipped is not None else item.type.value
                for name, value in zip(columns, (*place, kind, ";".join(record.filter)), strict=False):
                    columns[name].append(value)
                columns["af"].append(math.nan if frequency is None else frequency)
                columns["depth"].append(-1 if fragments is None else fragments)
            for event in events:
                phreds = info_numbers(record, probability_field(event)) or (None,) * alleles
                phreds = phreds if len(phreds) == alleles else (None,) * alleles
                columns[event] += [math.nan if value is None else from_phred(value) for value in phreds]
        texts = ("contig", "ref", "alt", "type", "filter")
        return {name: np.array(values, object if name in texts else None) for name, values in columns.items()}


class EvidenceFile(Output):
    """One sample's evidence: an HDF5 file, which can stand for the reads in `score`."""

    def evidence(self) -> "Evidence":
        """All of it, with the observations behind each candidate, and what alleles near each other make together (`joined`)."""
        from varproof.formats.evidence import EvidenceReader

        with EvidenceReader(self.path) as reader:
            return reader.read(0, reader.size)

    def arrays(self) -> "dict[str, np.ndarray]":
        """What is known of each candidate as a whole: whether it was judged, depth, counts of fragments."""
        from varproof.formats.evidence import CANDIDATE_COLUMNS, EvidenceReader

        with EvidenceReader(self.path) as reader:
            listed = reader.column("joined") == 0
            return {name: reader.column(name)[listed] for name in CANDIDATE_COLUMNS if name != "joined"}


class Tensors(Output):
    """Packed pileup tensors: an HDF5 file."""

    def batches(self, size: int = 256) -> "Iterator[PackedTensors]":
        """The tensors, `size` candidates at a time; `varproof.pileup.expansion.expanded` makes pictures of them."""
        from varproof.formats.tensors import TensorReader

        with TensorReader(self.path) as reader:
            yield from reader.batches(size)

    def arrays(self) -> "dict[str, np.ndarray]":
        """contig, position (0-based), ref, alt, label (1 real, 0 not, -1 unknown), skipped (why there is no tensor, or "")."""
        import numpy as np

        from varproof.formats.tensors import TensorReader

        with TensorReader(self.path) as reader:
            names = np.array(list(reader.header.contigs), object)
            found = {name: reader.column(name) for name in ("contig", "position", "ref", "alt", "label", "skipped")}
        return found | {"contig": names[found["contig"]]}


class Frequencies(Output):
    """Allele frequencies of calls in the tumour cells, with 95 % credible intervals: a table."""

    def arrays(self) -> "dict[str, np.ndarray]":
        """The table's columns: chrom, pos, ref, alt, type, length, map, mean, ci_low, ci_high, depth (NaN: not known)."""
        import numpy as np

        lines = [line.split("\t") for line in self.path.read_text().splitlines()]
        texts = ("chrom", "ref", "alt", "type")
        found: dict[str, np.ndarray] = {}
        for name, *values in zip(*lines, strict=True):
            numbers = [float("nan") if value == "NA" else float(value) for value in values] if name not in texts else values
            found[name] = np.array(numbers, object if name in texts else np.int64 if name in ("pos", "length") else None)
        return found


def collect(
    reads: PathLike, reference: PathLike, candidates: PathLike, *, output: PathLike | None = None, **options: Any
) -> EvidenceFile:
    """Weigh every fragment of one sample for and against each candidate (collect-evidence)."""
    from varproof.steps.collect_evidence import CollectEvidenceSettings, collect_evidence

    given = {"reads": reads, "reference": reference, "candidates": candidates}
    return _made(EvidenceFile, output, "evidence.h5", collect_evidence, CollectEvidenceSettings, options | given)


def learn(
    reference: PathLike,
    tumor: "PathLike | Output",
    normal: "PathLike | Output | None" = None,
    *,
    candidates: "PathLike | Output | None" = None,
    **options: Any,
) -> "LearntPrior":
    """What the reads teach: rates of all events, artefacts, contamination, frequencies (learn-prior).

    `score(prior=...)` takes what it returns. With `candidates`, that list teaches, as evidence files can, too (score-posterior
    with `learn_from="candidates"`, whose options these are then).
    """
    from varproof.formats.json_file import read_json
    from varproof.formats.prior import LearntPrior
    from varproof.steps.learn_prior import LearnPriorSettings, learn_prior

    given = {"reference": reference, "tumor": tumor, "normal": normal}
    with tempfile.TemporaryDirectory(prefix="varproof-") as folder:
        path = Path(folder) / "prior.json"
        if candidates is None:
            _run(learn_prior, LearnPriorSettings, options | given | {"output": path})
        else:
            learning = {"learnt_prior": path, "learn_from": "candidates", "output": Path(folder) / "scored.vcf.gz"}
            score(candidates, **options | given | learning)
        return read_json(path, LearntPrior)


def score(
    candidates: "PathLike | Output",
    reference: PathLike,
    tumor: "PathLike | Output",
    normal: "PathLike | Output | None" = None,
    *,
    prior: "str | Path | LearntPrior" = "empirical",
    output: PathLike | None = None,
    **options: Any,
) -> Calls:
    """The posterior probability of each event for each candidate (score-posterior).

    `tumor`, `normal`: reads (BAM, CRAM), or what `collect` made of them. `prior`: "empirical" (learnt here), "flat", a file, or
    what `learn` returned.
    """
    from varproof.steps.score_posterior import GIVEN_PRIOR, ScorePosteriorSettings, score_posterior

    step, chosen = score_posterior, prior
    if not isinstance(prior, str | Path):
        step, chosen = partial(score_posterior, prior=prior), GIVEN_PRIOR
    given = {"candidates": candidates, "reference": reference, "tumor": tumor, "normal": normal, "prior": str(chosen)}
    return _made(Calls, output, "scored.vcf.gz", step, ScorePosteriorSettings, options | given)


def filter(
    calls: "PathLike | Output",
    fdr: float,
    events: str | Sequence[str] = "SOMATIC_TUMOR",
    *,
    output: PathLike | None = None,
    **options: Any,
) -> Calls:
    """The largest set of calls whose expected false discovery rate is at most `fdr` (fdr-filter)."""
    from varproof.steps.fdr_filter import FdrFilterSettings, fdr_filter

    given = {"calls": calls, "fdr": fdr, "events": [events] if isinstance(events, str) else list(events)}
    return _made(Calls, output, "filtered.vcf.gz", fdr_filter, FdrFilterSettings, options | given)


def vaf(calls: "PathLike | Output", *, output: PathLike | None = None, **options: Any) -> Frequencies:
    """Allele frequencies of calls in the tumour cells, with 95 % credible intervals (estimate-vaf)."""
    from varproof.steps.estimate_vaf import EstimateVafSettings, estimate_vaf

    return _made(Frequencies, output, "frequencies.tsv", estimate_vaf, EstimateVafSettings, options | {"calls": calls})


def tensors(
    candidates: "PathLike | Output",
    reference: PathLike,
    tumor: PathLike,
    normal: PathLike | None = None,
    *,
    output: PathLike | None = None,
    **options: Any,
) -> Tensors:
    """Pileups of candidates as packed tensors, for the networks (tensorise)."""
    from varproof.steps.tensorise import TensoriseSettings, tensorise

    given = {"candidates": candidates, "reference": reference, "tumor": tumor, "normal": normal}
    return _made(Tensors, output, "tensors.h5", tensorise, TensoriseSettings, options | given)


def predict(
    model: PathLike | None = None, *, tensors: "PathLike | Output | None" = None, output: PathLike | None = None, **options: Any
) -> Calls:
    """A network's probability that each candidate is real (predict): from `tensors`, or from reads (see its options).

    Without `model` one that comes with the package judges.
    """
    from varproof.steps.predict import PredictSettings
    from varproof.steps.predict import predict as predict_step

    given = {"model": model, "tensors": tensors}
    return _made(Calls, output, "predicted.vcf.gz", predict_step, PredictSettings, options | given)


def evaluate(
    calls: "PathLike | Output | Sequence[PathLike | Output]",
    truth: "PathLike | Sequence[PathLike]",
    *,
    output: PathLike | None = None,
    **options: Any,
) -> "Metrics":
    """Calls held against a truth: precision, recall and the realised false discovery rate by class (evaluate-calls)."""
    from varproof.formats.json_file import read_json
    from varproof.formats.metrics import Metrics
    from varproof.steps.evaluate_calls import EvaluateCallsSettings, evaluate_calls

    given = {"calls": _listed(calls), "truth": _listed(truth)}
    with tempfile.TemporaryDirectory(prefix="varproof-") as folder:
        path = Path(folder) / "metrics.json" if output is None else Path(output)
        _run(evaluate_calls, EvaluateCallsSettings, options | given | {"output": path})
        return read_json(path, Metrics)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _made(
    kind: type[AnyOutput],
    output: PathLike | None,
    name: str,
    step: "Callable[[AnySettings], None]",
    settings: type[AnySettings],
    options: dict[str, Any],
) -> AnyOutput:
    """What a step writes to `output`, or to a file of that name in a new folder, of which nothing is left where it fails."""
    if output is not None:
        _run(step, settings, options | {"output": output})
        return kind(Path(output))
    folder = Path(tempfile.mkdtemp(prefix="varproof-"))
    made = kind(folder / name, folder)
    _run(step, settings, options | {"output": made.path})
    return made


def _run(step: "Callable[[AnySettings], None]", settings: type[AnySettings], options: dict[str, Any]) -> None:
    """A step with settings (None: not given); raises UserError, one line for all mistakes."""
    from pydantic import ValidationError

    from varproof.steps.base import described
    from varproof.steps.inputs import ready_inputs

    try:
        checked = settings(**{name: _plain(value) for name, value in options.items() if value is not None})
    except ValidationError as error:
        raise UserError(described(error, str)) from error
    with ready_inputs(checked, remote=settings.remote_reads) as ready:
        step(ready)


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list) else value.path if isinstance(value, Output) else value


def _frame(columns: "dict[str, np.ndarray]") -> "pd.DataFrame":
    try:
        import pandas as pd
    except ImportError as error:
        raise UserError("a DataFrame needs pandas: pip install 'varproof[notebook]'; or take .arrays()") from error
    return pd.DataFrame(columns)
