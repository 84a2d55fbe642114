"""What people's labels teach, and how many it takes: reviewers who err as often as people do, choosing in four ways.

    .venv/bin/python tests/benchmarks/labels.py --work bench-work/labels
    .venv/bin/python tests/benchmarks/labels.py --short --work /tmp/work --output /tmp/results

combine-calls: two judgements of lists drawn from a model, one of which promises too much and one too little; what labels teach
is held against other lists. score-posterior: pairs of calibration.py with errors that the model knows nothing of, whose
candidates are labelled by the truth. Writes labels.json and its section of RESULTS.md; a quarter of an hour.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from bench import HERE
from calibration import judged, made
from labels_table import CHOICES, labels_lines
from scipy.special import expit, logit
from tables import write_page

from varproof.evaluation.choosing import chosen
from varproof.evaluation.label_calibration import labelled_groups
from varproof.evaluation.labelling import truth_labels
from varproof.formats.labels import LABEL_ERROR
from varproof.formats.scored import error_probabilities, select_events
from varproof.formats.stacking import Stacking
from varproof.formats.vcf import open_vcf, read_records
from varproof.machinery.errors import UserError
from varproof.network.stacking import Judgements, combined, learnt_stacking
from varproof.posterior.fdr import fdr_threshold
from varproof.posterior.recalibration import GROUPS
from varproof.posterior.teaching import flat_prior
from varproof.variants.candidate import candidates_of

RATE = 0.05
SIZES = (25, 50, 100, 200, 400, 800, 1600)
MAP_SIZES = (50, 100, 200, 400, 800)
LISTED, HELD_OUT, SHARE = 4000, 20_000, 0.1
DISTANCES, SHARED = np.array([3.0, 2.5]), 0.4
PROMISES = np.array([1.6, 0.7])
"""Log-likelihood ratios of the two judgements are told this many times too large."""


def two_judges(n: int, chance: np.random.Generator) -> tuple[np.ndarray, Judgements]:
    """Whether candidates are real, and two judgements that see some of the same."""
    real = chance.random(n) < SHARE
    seen = chance.multivariate_normal([0, 0], [[1, SHARED], [SHARED, 1]], n) + real[:, None] * DISTANCES
    log_odds = PROMISES * (seen - DISTANCES / 2) * DISTANCES + logit(SHARE)
    return real, Judgements(log_odds[:, 0], log_odds[:, 1], np.zeros(n, bool))


def reviewed(real: np.ndarray, taken: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """What a reviewer says of the taken ones: 1, 0, and -1 of all others."""
    said = np.full(len(real), -1)
    said[taken] = real[taken] ^ (chance.random(len(taken)) < LABEL_ERROR)
    return said


def of_stacking(stacking: Stacking, real: np.ndarray, judgements: Judgements) -> dict[str, float]:
    """Loss (nats per candidate), and counts at the rate, of a list that was not learnt from."""
    log_odds = combined(judgements, stacking).log_odds
    error = expit(-log_odds)
    kept = error <= fdr_threshold(error, RATE, "global").error
    loss = float(np.mean(np.logaddexp(0.0, np.where(real, -log_odds, log_odds))))
    return {"loss": loss, "kept": int(kept.sum()), "false": int((kept & ~real).sum()), "real": int(real.sum())}


def combine_calls(repeats: int, sizes: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """Of each choice and number of labels: what the weights are worth on other lists."""
    for repeat in range(repeats):
        chance = np.random.default_rng(repeat)
        real, judgements = two_judges(LISTED, chance)
        held_out = two_judges(HELD_OUT, chance)
        best = of_stacking(learnt_stacking(judgements, real), *held_out)
        yield {"choice": "truth", "labels": LISTED, "least": best["loss"], **best}
        yield {"choice": "none", "labels": 0, "least": best["loss"], **of_stacking(Stacking(), *held_out)}
        posterior, network = expit(judgements.scored), expit(judgements.predicted)
        for choice in CHOICES:
            for size in sizes:
                taken, _ = chosen(choice, size, posterior, network, np.full(LISTED, "snv"), repeat)
                try:
                    found = learnt_stacking(judgements, reviewed(real, taken, chance), LABEL_ERROR)
                except UserError:  # labels of one kind only
                    found = Stacking()
                yield {"choice": choice, "labels": size, "least": best["loss"], **of_stacking(found, *held_out)}


def scored_candidates(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Error probabilities, truth and groups of a pair's judged candidates."""
    path = folder / "scored.vcf.gz"
    with open_vcf(path) as handle:
        selection = select_events(path, handle.header, ["SOMATIC_TUMOR"])
    errors, groups = [], []
    for record in read_records(path):
        told = error_probabilities(record, selection)
        for item in candidates_of(record, 0):
            errors.append(told[item.allele])
            kind = "indel" if item.skipped is not None else item.type.value
            groups.append(GROUPS.index({"snv": "snv", "mnv": "mnv", "replacement": "mnv"}.get(kind, "indel")))
    label = truth_labels(path, folder / "truth.vcf.gz", folder / "reference.fa")
    known = ~np.isnan(errors) & (label >= 0)
    return np.array(errors)[known], label[known] == 1, np.array(groups)[known]


def mapped(error: np.ndarray, group: np.ndarray, taken: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Error probabilities as labels of the taken ones correct them."""
    out = error.copy()
    found = labelled_groups(error[taken], said[taken] == 1, group[taken], LABEL_ERROR, flat_prior(1e6, 0.0))
    for number, entry in enumerate(found):
        if entry.log_odds:
            mine = group == number
            told = logit(np.clip(error[mine], 1e-11, 1 - 1e-11))
            out[mine] = expit(np.maximum(np.interp(told, entry.model_log_odds, entry.log_odds), told))
    return out


def score_posterior(folder: Path, repeats: int, sizes: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """Of each choice and number of labels: rate and recall of the whole list."""
    error, real, group = scored_candidates(folder)
    for repeat in range(repeats):
        chance = np.random.default_rng(repeat)
        for choice in [name for name in CHOICES if name != "disagreement"]:
            for size in sizes:
                taken, _ = chosen(choice, size, 1 - error, np.full(len(error), np.nan), group, repeat)
                new = mapped(error, group, taken, reviewed(real, taken, chance))
                kept = new <= fdr_threshold(new, RATE).error
                counts = {"kept": int(kept.sum()), "false": int((kept & ~real).sum()), "real": int(real.sum())}
                yield {"choice": choice, "labels": size, "listed": len(error), **counts}


def from_end_to_end(folder: Path, seed: int, size: int, before: dict[str, Any]) -> dict[str, Any]:
    """Counts of the executables, without labels and with those of a reviewer who judged stratified candidates."""
    error, real, group = scored_candidates(folder)
    taken, _ = chosen("stratified", size, 1 - error, np.full(len(error), np.nan), group, seed)
    said = reviewed(real, taken, np.random.default_rng(seed))
    path = folder / "labels.tsv"
    with pysam.VariantFile(str(folder / "scored.vcf.gz")) as records:
        alleles = [(r.chrom, r.pos, r.ref, alt) for r in records for alt in r.alts or ()]
    lines = ["\t".join(map(str, (*alleles[i], said[i]))) for i in taken.tolist()]
    path.write_text("\n".join(["chrom\tpos\tref\talt\tlabel", *lines]) + "\n")
    return {"seed": seed, "labels": len(taken), "without": before, "calibrated": judged(folder, "--calibrate", str(path))}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=HERE.parents[1] / "bench-work" / "labels")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of labels.json and RESULTS.md")
    parser.add_argument("--short", action="store_true", help="one pair, few repetitions: whether it runs")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    repeats, seeds = (2, (1,)) if options.short else (16, (1, 2, 3))
    results: dict[str, list[dict[str, Any]]] = {"combine_calls": [], "score_posterior": [], "executables": []}
    results["combine_calls"] += combine_calls(repeats, SIZES)
    for seed in seeds:
        folder = made(options.work, "own-loci", seed)
        before = judged(folder)
        results["score_posterior"] += [{"seed": seed, **one} for one in score_posterior(folder, repeats, MAP_SIZES)]
        results["executables"].append(from_end_to_end(folder, seed, 400, before))
        print(seed, results["executables"][-1], flush=True)
        kept = {"results": summed(results), "page": labels_lines(summed(results))}
        (options.output / "labels.json").write_text(json.dumps(kept, indent=1) + "\n")
    write_page(options.output)


def excess_of(found: list[dict[str, Any]]) -> dict[str, float]:
    """Median and greatest loss, in nats per 1,000 candidates, beyond that of weights learnt from the truth of all."""
    excess = [1000 * (one["loss"] - one["least"]) for one in found]
    return {"excess": float(np.median(excess)), "most": float(max(excess))}


def summed(results: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Means and sums over repetitions and seeds, by choice and number of labels."""
    out: dict[str, Any] = {"executables": results["executables"]}
    for name in ("combine_calls", "score_posterior"):
        groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for one in results[name]:
            groups.setdefault((one["choice"], one["labels"]), []).append(one)
        out[name] = [
            {
                "choice": choice, "labels": labels, "runs": len(found),
                **(excess_of(found) if name == "combine_calls" else {}),
                **{key: sum(one[key] for one in found) for key in ("kept", "false", "real")},
            }
            for (choice, labels), found in groups.items()
        ]  # fmt: skip
    return out


if __name__ == "__main__":
    main()
