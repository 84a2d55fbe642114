"""Regimes: samples that are not like simulate-pair's usual ones, and lists that were selected: are the rates kept in them?

    make bench-regimes, or .venv/bin/python tests/benchmarks/regimes.py --work bench-work/regimes --jobs 2
    .venv/bin/python tests/benchmarks/regimes.py --samples ffpe-0 person-5 --seeds 1 --work /tmp/work --output /tmp/results
    .venv/bin/python tests/benchmarks/regimes.py --short --work /tmp/work --output /tmp/results

A regime is a sample and a list of its candidates. Each is scored by score-posterior with nothing told but the purity, and held
against the truth as evaluate-calls does it, by both rules of fdr-filter. The same list is scored again with a prior that is
told (`told_prior`); what is found with it is what the reads allow. Warnings are counted. freebayes' and Mutect2's lists take
part where the programs are on the PATH. predict and combine-calls judge the lists of the first seed, too, with a network that
is trained here on other samples (`NETWORK_SAMPLES`), or one that is given.
Writes regimes.json and its section of RESULTS.md.
"""

import argparse
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pysam
from bench import HEADLINE_FDR, HERE, PACKAGE, run, simulated_pair, source_digest
from regimes_lists import Lists, chunks_of
from regimes_samples import LISTS, SAMPLES, SHORT, SHORT_OPTIONS, regimes
from regimes_table import CLASSES, NOMINAL_FDRS, regimes_lines
from tables import write_kept, write_page

from varproof.formats.metrics import Metrics
from varproof.steps.evaluate_calls import EvaluateCallsSettings, evaluate_calls

MODES = ("smart", "global")
TOLD_SEED, TOLD_TIMES = 1001, 3
"""The sample that teaches the told prior: another one, and so many times as large; panels are deep and have enough."""
NETWORK_SAMPLES, NETWORK_EPOCHS = ("default", "hard"), 12
"""What the network learns from: the samples that teach told priors; of all other regimes it has seen nothing."""


def score(
    pair: Path, name: str, candidates: Path, arguments: tuple[str | Path, ...], prior: Path | None = None
) -> tuple[Path, list[str], float]:
    """(scored file, warnings, CPU seconds) of a list."""
    calls = pair.parent / f"scored-{name}{'-told' if prior else ''}.vcf.gz"
    reads = ("--tumor", pair / "tumor.bam", "--normal", pair / "normal.bam", "--reference", pair / "reference.fa")
    told: tuple[str | Path, ...] = ("--prior", prior) if prior else ()
    used = run("score-posterior", "--candidates", candidates, *reads, *arguments, *told, "--output", calls)
    warnings = [line.partition("WARNING: ")[2] for line in used.log.splitlines() if "WARNING: " in line]
    return calls, warnings, used.cpu_seconds


def teaching_pair(work: Path, sample: str, more: dict[str, str]) -> tuple[Path, tuple[str, ...]]:
    """(folder, options of simulate-pair) of the sample that teaches."""
    known = SAMPLES[sample]
    options = known.arguments(TOLD_SEED, more, 1 if "--panel-targets" in known.options else TOLD_TIMES)
    return simulated_pair(work, f"{sample}-told", options), options


def trained_network(work: Path, more: dict[str, str], epochs: int) -> Path:
    """A network of the default architecture, kept until simulated reads or the network change."""
    model, stamp = work / "network.keras", work / "network-made-by"
    digest = source_digest(PACKAGE / "network", str(epochs))
    tensors = []
    for sample in NETWORK_SAMPLES:
        folder, options = teaching_pair(work, sample, more)
        digest = source_digest(PACKAGE / "simulation", digest, *options)
        pair, output = folder / "pair", folder / "tensors.h5"
        files = ("--candidates", pair / "candidates.vcf.gz", "--reference", pair / "reference.fa", "--output", output)
        reads = ("--tumor", pair / "tumor.bam", "--normal", pair / "normal.bam", "--truth", pair / "truth.vcf.gz")
        if not output.exists():
            run("tensorise", *files, *reads, "--patient", sample)
        tensors.append(output)
    if not (model.exists() and stamp.exists() and stamp.read_text() == digest):
        inputs = [part for path in tensors for part in ("--tensors", path)]
        run("train", *inputs, "--epochs", str(epochs), "--threads", "2", "--output", model)
        stamp.write_text(digest)
    return model


def told_prior(work: Path, sample: str, more: dict[str, str]) -> Path:
    """What score-posterior would know if it were told: a file for --prior.

    It is learnt from the whole list that simulate-pair writes of another sample of this kind, larger if it is no panel: nothing
    was selected, and rates are those of many variants. The fractions of other cells are those that were simulated.
    """
    known = SAMPLES[sample]
    folder, options = teaching_pair(work, sample, more)
    digest = source_digest(PACKAGE, *options, source_digest(HERE))
    path, stamp = folder / "prior.json", folder / "prior-made-by"
    if not (path.exists() and stamp.exists() and stamp.read_text() == digest):
        learnt, lists = folder / "learnt.json", Lists(folder, 0, lambda name, candidates: candidates)
        inputs = ("--purity", str(known.fraction("--purity")), *lists.regions(), "--learnt-prior", learnt)
        score(folder / "pair", "full", folder / "pair" / "candidates.vcf.gz", inputs)
        prior = json.loads(learnt.read_text())
        prior["normal_contamination"] = known.fraction("--normal-contamination")
        prior["foreign_fraction"] = known.fraction("--tumor-contamination")
        path.write_text(json.dumps(prior))
        stamp.write_text(digest)
    return path


def joined(parts: list[Path], path: Path) -> Path:
    """One file of all records, with the header of the first."""
    with pysam.VariantFile(str(parts[0])) as first, pysam.VariantFile(str(path), "w", header=first.header) as made:
        for part in parts:
            with pysam.VariantFile(str(part)) as records:
                for record in records:
                    made.write(record)
    return path


def judged(calls: list[Path], pair: Path, event: str, mode: str) -> dict[str, Any]:
    """By class the counts at each nominal rate, each file and class filtered by itself.

    Counted by the sequences that calls make: Mutect2 writes an MNV as a deletion and an insertion, which are both right.
    """
    path = calls[0].with_name(f"{calls[0].name.partition('.')[0]}-{mode}.json")
    options = EvaluateCallsSettings(
        calls=calls,
        truth=[pair / "truth.vcf.gz"] * len(calls),
        reference=pair / "reference.fa",
        events=[event],
        mode="global" if mode == "global" else "smart",
        output=path,
    )
    evaluate_calls(options)
    metrics = Metrics.model_validate_json(path.read_text())
    assert metrics.by_haplotype is not None
    found = {}
    for name in CLASSES:
        entry = metrics.by_haplotype.class_named(name)
        points = {point.nominal_fdr: point for point in entry.own_threshold}
        found[name] = {
            "true_variants": entry.true_variants,
            "listed": entry.true_variants_among_calls,
            "points": {
                str(rate): {key: getattr(points[rate], key) for key in ("kept", "true", "false", "partial", "found")}
                for rate in NOMINAL_FDRS
            },
        }
    return found


def by_network(model: Path, pair: Path, name: str, candidates: list[Path], scored: list[Path]) -> dict[str, list[Path]]:
    """The same lists judged by a network, and by both."""
    reads = ("--tumor", pair / "tumor.bam", "--normal", pair / "normal.bam", "--reference", pair / "reference.fa")
    found: dict[str, list[Path]] = {"CNN_SOMATIC": [], "COMBINED_SOMATIC": []}
    for number, (given, judgement) in enumerate(zip(candidates, scored, strict=True)):
        predicted, combined = (pair.parent / f"{kind}-{name}.{number}.vcf.gz" for kind in ("predicted", "combined"))
        run("predict", "--model", model, "--candidates", given, *reads, "--output", predicted)
        run("combine-calls", "--scored", judgement, "--predicted", predicted, "--output", combined)
        found["CNN_SOMATIC"].append(predicted)
        found["COMBINED_SOMATIC"].append(combined)
    return found


class Pair:
    """One sample of one seed, and what is made of it."""

    def __init__(self, work: Path, sample: str, seed: int, more: dict[str, str], network: Path | None) -> None:
        self.work, self.sample, self.seed, self.more, self.network = work, sample, seed, more, network
        self.options = SAMPLES[sample].arguments(seed, more)
        self.folder = simulated_pair(work, f"{sample}-{seed}", self.options)
        self.pair = self.folder / "pair"
        self.lists = Lists(self.folder, seed, self.scored_list)
        self.inputs = ("--purity", str(SAMPLES[sample].fraction("--purity")), *self.lists.regions())

    def scored_list(self, name: str, candidates: Path) -> Path:
        """For lists that are made from scored ones."""
        return score(self.pair, f"for-{name}", candidates, self.inputs)[0]

    def scored(self, name: str, candidates: list[Path], prior: Path | None) -> tuple[list[Path], list[list[str]], float]:
        """(files, warnings of each run, CPU seconds)."""
        if name == "chunks" and prior is None:
            with pysam.FastaFile(str(self.pair / "reference.fa")) as fasta:
                lengths = dict(zip(fasta.references, fasta.lengths, strict=True))
            purity = self.inputs[:2]
            made = [
                score(self.pair, f"chunk-{number}", part, (*purity, "--regions", bed))
                for number, (part, bed) in enumerate(chunks_of(candidates[0], lengths, self.folder / "chunks"))
            ]
            files = [joined([path for path, _, _ in made], self.folder / "scored-chunks.vcf.gz")]
        else:
            made = [score(self.pair, f"{name}-{number}", path, self.inputs, prior) for number, path in enumerate(candidates)]
            files = [path for path, _, _ in made]
        return files, [warnings for _, warnings, _ in made], sum(seconds for _, _, seconds in made)

    def result(self, name: str) -> dict[str, Any] | None:
        """One list, from the cache if nothing has changed; None where its program is not there."""
        digest = source_digest(PACKAGE, *self.options, source_digest(HERE), str(self.network))
        cache = self.folder / f"regime-{name}.json"
        if cache.exists() and (known := json.loads(cache.read_text()))["digest"] == digest:
            return dict(known)
        candidates = self.lists.of(name)
        if not candidates:
            print(f"{self.sample}: {name} is left out, its program is not on the PATH", flush=True)
            return None
        files, warnings, seconds = self.scored(name, candidates, None)
        told, _, _ = self.scored(name, candidates, told_prior(self.work, self.sample, self.more))
        found: dict[str, Any] = {
            "sample": self.sample,
            "list": name,
            "seed": self.seed,
            "digest": digest,
            "simulate_pair": " ".join(self.options),
            "cpu_seconds": round(seconds, 1),
            "warnings": [sorted({re.sub(r"[0-9][0-9.,e+-]*", "N", line) for line in own}) for own in warnings],
            **{mode: judged(files, self.pair, "SOMATIC_TUMOR", mode) for mode in MODES},
            "told": judged(told, self.pair, "SOMATIC_TUMOR", "smart"),
        }
        if self.network and name != "chunks":
            for event, calls in by_network(self.network, self.pair, name, candidates, files).items():
                found[event] = judged(calls, self.pair, event, "smart")
        cache.write_text(json.dumps(found))
        return found


def short_of(sample: str) -> dict[str, str]:
    """Options that make a sample small, to see whether this program runs."""
    return {name: value for name, value in SHORT_OPTIONS.items() if "--panel-targets" not in SAMPLES[sample].options}


def main() -> None:
    """Parse, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", nargs="+", choices=SAMPLES, default=list(SAMPLES))
    parser.add_argument("--lists", nargs="+", choices=LISTS, default=list(LISTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=1, help="samples at once")
    parser.add_argument("--network", type=Path, help="model of train (.keras) instead of one that is trained here")
    parser.add_argument("--no-network", action="store_true", help="score-posterior alone")
    parser.add_argument("--short", action="store_true", help="two small samples: whether it runs")
    parser.add_argument("--work", type=Path, default=Path("bench-work/regimes"))
    parser.add_argument("--output", type=Path, default=HERE, help="folder of regimes.json")
    options = parser.parse_args()
    wanted = [regime for regime in regimes(options.samples) if regime[1] in options.lists]
    if options.short:
        wanted, options.seeds = [(sample, name) for sample, names in SHORT.items() for name in names], [1]
    options.work.mkdir(exist_ok=True, parents=True)
    network = options.network
    if not (network or options.no_network):
        more = SHORT_OPTIONS if options.short else {}
        network = trained_network(options.work, more, 1 if options.short else NETWORK_EPOCHS)

    def of_sample(sample: str) -> list[dict[str, Any]]:
        found = []
        for seed in options.seeds:
            more, judge = short_of(sample) if options.short else {}, network if seed == options.seeds[0] else None
            pair = Pair(options.work, sample, seed, more, judge)
            for name in (name for other, name in wanted if other == sample):
                result = pair.result(name)
                if result is not None:
                    found.append(result)
                    points = [entry["points"][str(HEADLINE_FDR)] for entry in result["smart"].values()]
                    false, true = (sum(point[key] for point in points) for key in ("false", "true"))
                    print(f"{sample}, {name}, seed {seed}: {false} false of {false + true} at {HEADLINE_FDR}", flush=True)
        return found

    with ThreadPoolExecutor(options.jobs) as pool:
        results = [item for part in pool.map(of_sample, dict.fromkeys(sample for sample, _ in wanted)) for item in part]
    options.output.mkdir(exist_ok=True, parents=True)
    write_kept(options.output / "regimes.json", {"results": results, "page": regimes_lines(results)})
    if (options.output / "results.json").exists():
        write_page(options.output)
    print(f"{options.output / 'regimes.json'}: {len(wanted)} regimes")


if __name__ == "__main__":
    main()
