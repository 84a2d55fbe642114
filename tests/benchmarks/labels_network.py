"""How many labels adapt a network that comes with varproof to reads that it judges badly: train --start-from.

    .venv/bin/python tests/benchmarks/labels_network.py --work bench-work/labels_network
    .venv/bin/python tests/benchmarks/labels_network.py --short --work /tmp/work --output /tmp/results

Two cases. In `short` fragments under SHORTEST_RIGHT bp have errors at places of one library: a share of those that lie there
carries another base, in both mates, and no other fragment does, nor any of the other library. Neither network nor posterior
knows such errors, and no option of simulate-pair makes them. In `alone` there is no normal, and germline variants count as
false: the network hardly tells them from somatic ones, the posterior does better.

Reviewers who err as often as people do judge candidates of all pairs but one, chosen in four ways, or in rounds: FIRST by
chance, and then again as many as were judged so far, by `review-calls --choose rounds` with what the network adapted to those
says. The adapted network judges the candidates of the pair left out. Writes labels_network.json, as results come, and its
section of RESULTS.md; half an hour.
"""

import argparse
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from bench import HERE, run
from calibration import with_own_loci
from labels import reviewed
from labels_network_table import CHOICES, ROUNDS, network_labels_lines
from scipy.special import expit
from tables import write_page

from varproof.evaluation.choosing import chosen
from varproof.formats.labels import LABEL_ERROR
from varproof.formats.scored import error_probabilities, select_events
from varproof.formats.tensors import FIRST_INDEL_TYPE, TYPE, UNKNOWN_LABEL
from varproof.formats.training import ClassCalibrations
from varproof.formats.vcf import open_vcf, read_records
from varproof.network.metrics import classification_metrics
from varproof.network.prior_shift import shifted_prior
from varproof.variants.candidate import candidates_of

PAIRS = (1, 2, 3)
PLANTED = ("--empty-sites", "0", "--max-indel-length", "20", "--somatic-mnvs", "5", "--somatic-insertions", "10")
SIZE = ("--genome-length", "80000", "--somatic-deletions", "10", "--tumor-depth", "40")
CASES: dict[str, tuple[str, ...]] = {
    "short": (*SIZE, *PLANTED, "--somatic-snvs", "150", "--germline", "100", "--normal-depth", "30"),
    "alone": (*SIZE, *PLANTED, "--somatic-snvs", "200", "--germline", "300", "--normal-depth", "5"),
}
PURITY = "0.75"
LOCI_PER_MBP = 8000
SHARES = (0.15, 0.8)
SHORTEST_RIGHT = 330
REPEATS = 8
SIZES = (50, 100, 200, 400, 800, 1600)
FIRST = 25
LEAST_OF_A_KIND = 4


@dataclass(frozen=True)
class Judged:
    """Candidates (n,): truth, whether they are indels (bool), what posterior and network give, what the last layer sees."""

    real: np.ndarray
    indel: np.ndarray
    posterior: np.ndarray
    network: np.ndarray
    hidden: np.ndarray
    slope: np.ndarray
    bias: np.ndarray


def together(parts: list[Judged]) -> Judged:
    """Those of several pairs."""
    return Judged(**{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Judged)})


def made(work: Path, case: str, seed: int) -> Path:
    """The folder of a pair: reads, candidates, labelled tensors, and the posterior."""
    folder, raw = work / f"{case}-{seed}", work / f"{case}-{seed}.raw"
    samples = ("tumor", "normal") if case == "short" else ("tumor",)
    reads = [part for name in samples for part in (f"--{name}", folder / f"{name}.bam")]
    reference = ("--reference", folder / "reference.fa")
    files = ("--candidates", folder / "candidates.vcf.gz", *reference, *reads)
    if not (folder / "candidates.vcf.gz.tbi").exists():
        for path in (folder, raw):
            shutil.rmtree(path, ignore_errors=True)
        run("simulate-pair", "--output", raw, *CASES[case], "--seed", str(500 + seed))
        folder.mkdir(parents=True)
        for number, name in enumerate(samples, 1):
            if case == "short":
                errors = (LOCI_PER_MBP, SHARES, SHORTEST_RIGHT)
                with_own_loci(raw / f"{name}.bam", folder / f"{name}.bam", 10 * seed + number, *errors)
            else:
                for path in raw.glob(f"{name}.bam*"):
                    shutil.copy(path, folder)
        for path in [*raw.glob("reference.fa*"), *raw.glob("truth.vcf.gz*")]:
            shutil.copy(path, folder)
        shutil.rmtree(raw)
        called = ("--output", folder / "candidates.vcf.gz", "--quiet")
        run("call-candidates", "--reads", folder / "tumor.bam", *reference, *called)
    if not (folder / "pair.h5").exists():
        truth = ("--truth", folder / "truth.vcf.gz", "--patient", folder.name)
        run("tensorise", *files, *truth, "--output", folder / "pair.h5", "--quiet")
    if not (folder / "scored.vcf.gz").exists():
        run("score-posterior", *files, "--purity", PURITY, "--output", folder / "scored.vcf.gz", "--quiet")
    return folder


def posterior_of(path: Path) -> np.ndarray:
    """Of each candidate (n,), of being somatic; NaN where it was not judged."""
    with open_vcf(path) as handle:
        selection = select_events(path, handle.header, ["SOMATIC_TUMOR"])
    told = [(error_probabilities(record, selection), candidates_of(record, 0)) for record in read_records(path)]
    return 1 - np.array([errors[item.allele] for errors, items in told for item in items])


def judged_pair(folder: Path, model: Any, calibrations: ClassCalibrations) -> Judged:
    """Candidates of a pair that have a tensor; the network's probabilities as predict tells them, at the pair's own share."""
    from varproof.network.adaptation import last_layer, seen_of
    from varproof.network.data import TensorSource

    with TensorSource([folder / "pair.h5"]) as source:
        label = source.column("label")
        places = np.flatnonzero((source.column("skipped") == "") & (label != UNKNOWN_LABEL))
        seen = seen_of(model, calibrations, source, places)
        indel = source.column("allele_code")[places][:, TYPE] >= FIRST_INDEL_TYPE
    odds = seen.log_odds(last_layer(model))
    for members, calibration in ((~indel, calibrations.substitution), (indel, calibrations.indel)):
        odds[members] = shifted_prior(odds[members], calibration.positive_fraction).log_odds
    posterior = posterior_of(folder / "scored.vcf.gz")[places]
    return Judged(label[places] == 1, indel, posterior, expit(odds), seen.hidden, seen.slope, seen.bias)


def measured(odds: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """Loss in nats per 1,000 candidates, accuracy at one half, and average precision."""
    loss = 1000 * float(np.mean(np.logaddexp(0.0, np.where(real, -odds, odds))))
    found = classification_metrics(real.astype(int), expit(odds))
    return {"loss": loss, "accuracy": float(found.accuracy or 0), "average_precision": float(found.average_precision or 0)}


def in_rounds(listed: Judged, start: Any, said: np.ndarray, sizes: tuple[int, ...], repeat: int) -> Iterator[np.ndarray]:
    """Indices of the candidates of each of `sizes`, of which each is twice the one before, that are judged as `said` (n,)."""
    from varproof.network.adaptation import Seen, adapted

    teaching = Seen(listed.hidden, listed.slope, listed.bias)
    kinds = np.where(listed.indel, "indel", "snv")
    taken, _ = chosen("random", FIRST, listed.posterior, listed.network, kinds, repeat)
    for size in sizes:
        enough = min(np.sum(said[taken] == 1), np.sum(said[taken] == 0)) >= LEAST_OF_A_KIND
        layer = adapted(start, teaching.of(taken), said[taken], LABEL_ERROR, repeat).layer if enough else start
        judged = np.zeros(len(said), bool)
        judged[taken] = True
        doubted = expit(teaching.log_odds(layer))
        more, _ = chosen("rounds", size - len(taken), listed.posterior, doubted, kinds, repeat, judged)
        taken = np.sort(np.concatenate([taken, more]))
        yield taken


def study(
    pairs: list[Judged], start: Any, repeats: int, sizes: tuple[int, ...], choices: tuple[str, ...] = CHOICES
) -> Iterator[dict[str, Any]]:
    """Of each pair held out, repetition, choice and number of labels: how the adapted network judges that pair."""
    from varproof.network.adaptation import Seen, adapted

    for repeat in range(repeats):
        for number, held_out in enumerate(pairs):
            listed = together([pair for other, pair in enumerate(pairs) if other != number])
            tested = Seen(held_out.hidden, held_out.slope, held_out.bias)
            teaching = Seen(listed.hidden, listed.slope, listed.bias)
            about = {"pair": number, "repeat": repeat}
            if not repeat and len(choices) == len(CHOICES):
                yield {**about, "choice": "none", "labels": 0, **measured(tested.log_odds(start), held_out.real)}
                known = adapted(start, teaching, listed.real.astype(int), 0.0, repeat)
                truth = measured(tested.log_odds(known.layer), held_out.real)
                yield {**about, "choice": "truth", "labels": len(listed.real), **truth, "precision": known.precision}
            fitting = tuple(size for size in sizes if size <= len(listed.real))
            everyone = reviewed(listed.real, np.arange(len(listed.real)), np.random.default_rng([repeat, number, 1]))
            rounds = list(in_rounds(listed, start, everyone, fitting, repeat)) if ROUNDS in choices else []
            for place, size in enumerate(fitting):
                for choice in choices:
                    kinds = np.where(listed.indel, "indel", "snv")
                    if choice == ROUNDS:
                        taken = rounds[place]
                        said = everyone[taken]
                    else:
                        taken, _ = chosen(choice, size, listed.posterior, listed.network, kinds, repeat)
                        said = reviewed(listed.real, taken, np.random.default_rng([repeat, number]))[taken]
                    counts = {**about, "choice": choice, "labels": size, "taken_real": int(listed.real[taken].sum())}
                    if min(np.sum(said == 1), np.sum(said == 0)) < LEAST_OF_A_KIND:
                        yield {**counts, "refused": True, **measured(tested.log_odds(start), held_out.real)}
                        continue
                    found = adapted(start, teaching.of(taken), said, LABEL_ERROR, repeat)
                    figures = measured(tested.log_odds(found.layer), held_out.real)
                    yield {**counts, "precision": found.precision, **figures}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=HERE.parents[1] / "bench-work" / "labels_network")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of labels_network.json and RESULTS.md")
    parser.add_argument("--short", action="store_true", help="two pairs, once, few labels: whether it runs")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), help="the others stay as they were measured")
    parser.add_argument("--choices", nargs="+", choices=CHOICES, default=list(CHOICES), help="the others stay likewise")
    options = parser.parse_args()
    from varproof.network.runtime import start_tensorflow

    start_tensorflow(1, "labels_network")
    from varproof.network.adaptation import last_layer
    from varproof.network.built_in import built_in
    from varproof.network.training import load_model

    options.work.mkdir(parents=True, exist_ok=True)
    output = options.output / "labels_network.json"
    seeds, repeats, sizes = (PAIRS[:2], 1, SIZES[:2]) if options.short else (PAIRS, REPEATS, SIZES)
    results = json.loads(output.read_text())["results"] if output.exists() else {}
    for case in options.cases:
        model, card = load_model(built_in(("tumor", "normal") if case == "short" else ("tumor",)).path)
        pairs = [judged_pair(made(options.work, case, seed), model, card.calibration) for seed in seeds]
        counts = {"listed": [len(pair.real) for pair in pairs], "real": [int(pair.real.sum()) for pair in pairs]}
        whole = len(options.choices) == len(CHOICES)
        kept = [] if whole else [run for run in results[case]["runs"] if run["choice"] not in options.choices]
        results[case] = {**counts, "posterior": [measured_posterior(pair) for pair in pairs], "runs": kept}
        for one in study(pairs, last_layer(model), repeats, sizes, tuple(options.choices)):
            results[case]["runs"].append(one)
            print(case, json.dumps(one), flush=True)
            output.write_text(json.dumps({"results": results, "page": network_labels_lines(results)}) + "\n")
    write_page(options.output)


def measured_posterior(pair: Judged) -> float:
    """Average precision of the posterior; what it says nothing of comes last."""
    return float(classification_metrics(pair.real.astype(int), np.nan_to_num(pair.posterior)).average_precision or 0)


if __name__ == "__main__":
    main()
