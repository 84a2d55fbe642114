"""spike-variants on real reads: how well rates are kept, what a network learns from them, how alike edited reads are, how fast.

    .venv/bin/python tests/benchmarks/spiking.py --work bench-work/spiking

Needs the real reads (shared/real-giab-mixture). Networks are trained on one half of the region and judged on the other, on
other seeds: no locus is in training and test. What is done already is kept in the work folder. Writes spiking.json and its
section of RESULTS.md; half an hour on two cores.
"""

import argparse
import json
import os
import shutil
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pysam.bcftools
from bench import DATA_SETS, HERE, run, simulated_pair
from profiling import START, profiled, stage_shares
from spiking_table import spiking_lines
from tables import write_page

REAL = HERE.parents[1].parent / "shared" / "real-giab-mixture"
REFERENCE = REAL / "reference.fa.gz"
SEEDS = range(1, 21)
TRAINING, TESTING = range(1, 11), range(11, 21)
HALVES = {"left": (907_852, 924_100), "right": (924_100, 941_147)}
SPIKING = ("--min-depth", "8", "--spacing", "600")
PURITY = 0.75
SIMULATED = (
    *("--genome-length", "600000", "--artifacts", "all", "--read-length", "151", "--seed", "401", "--purity", str(PURITY)),
    *("--tumor-depth", "20", "--normal-depth", "20"),
)
EPOCHS = 25
COPIES = 20
CPUS = len(os.sched_getaffinity(0))
REAL_BUT_NOT_PASSED = {910394, 928416, 930892}
"""Candidates that the caller's filter refused, though good bases on both strands, and no read of the normal, show them."""


def spiked(work: Path, seed: int) -> Path:
    folder = work / f"seed-{seed}"
    if not folder.exists():
        files = ("--reads", REAL / "normal.bam", "--reference", REFERENCE)
        run("spike-variants", *files, *SPIKING, "--purity", str(PURITY), "--seed", str(seed), "--output", folder, "--quiet")
    return folder


def posterior(work: Path, seeds: range, prior: str) -> list[Path]:
    """Scored calls of each seed."""
    found = []
    for seed in seeds:
        folder, output = spiked(work, seed), work / f"{prior}-{seed}.vcf.gz"
        if not output.exists():
            reads = ("--tumor", folder / "tumor.bam", "--normal", folder / "normal.bam", "--purity", str(PURITY))
            files = ("--candidates", folder / "candidates.vcf.gz", "--reference", REFERENCE, "--prior", prior)
            run("score-posterior", *files, *reads, "--output", output, "--quiet")
        found.append(output)
    return found


def evaluated(work: Path, calls: list[Path], truths: list[Path], event: str) -> dict[str, Any]:
    """What evaluate-calls says of several runs together: by class the points at some nominal rates, and recall."""
    output = work / "metrics.json"
    files = ("--calls", *calls, "--truth", *truths, "--reference", REFERENCE)
    run("evaluate-calls", *files, "--events", event, "--output", output)
    found = {}
    for entry in json.loads(output.read_text())["classes"]:
        if entry["name"] in ("all", "snv", "mnv", "insertion", "deletion"):
            points = {str(at["nominal_fdr"]): at for at in entry["own_threshold"]}
            found[entry["name"]] = {
                rate: {key: points[rate][key] for key in ("kept", "false", "realised_fdr_low", "realised_fdr_high", "recall")}
                for rate in ("0.01", "0.05", "0.1", "0.2")
            }
    return found


def half_of(path: Path, half: str, output: Path) -> Path:
    """The records of a VCF in one half of the region."""
    if not output.exists():
        low, high = HALVES[half]
        pysam.bcftools.view(
            "-t", f"1:{low + 1}-{high}", "-o", str(output), "-Oz", "--write-index=tbi", str(path), catch_stdout=False
        )
    return output


def tensors(work: Path, folder: Path, label: str, half: str | None, reference: Path) -> Path:
    """Labelled tensors of a folder's candidates, of one half of the region or all."""
    output = work / f"tensors-{label}-{half}.h5"
    if not output.exists():
        candidates, truth = folder / "candidates.vcf.gz", folder / "truth.vcf.gz"
        if half is not None:
            candidates = half_of(candidates, half, work / f"candidates-{label}-{half}.vcf.gz")
        reads = ("--tumor", folder / "tumor.bam", "--normal", folder / "normal.bam", "--truth", truth, "--patient", label)
        run("tensorise", "--candidates", candidates, "--reference", reference, *reads, "--output", output, "--quiet")
    return output


def trained(work: Path, name: str, inputs: list[Path]) -> Path:
    output = work / f"{name}.keras"
    if not output.exists():
        run("train", "--tensors", *inputs, "--epochs", str(EPOCHS), "--threads", "2", "--output", output, "--quiet")
    return output


def networks(work: Path) -> dict[str, Path]:
    """The network that learnt from simulated reads, and those that learnt from spiked ones of either half."""
    simulated = simulated_pair(work, "simulated", SIMULATED) / "pair"
    found = {"simulated": trained(work, "simulated", [tensors(work, simulated, "simulated", None, simulated / "reference.fa")])}
    for half in HALVES:
        own = [tensors(work, spiked(work, seed), f"seed-{seed}", half, REFERENCE) for seed in TRAINING]
        found[half] = trained(work, f"spiked-{half}", own)
    return found


def other(half: str) -> str:
    return next(name for name in HALVES if name != half)


def network_on_spiked(work: Path, models: dict[str, Path]) -> dict[str, Any]:
    """Posterior, both networks, and posterior and network together, on the half and the seeds that were not learnt from."""
    runs = [(seed, half) for seed in TESTING for half in HALVES]
    truths = [half_of(spiked(work, s) / "truth.vcf.gz", h, work / f"truth-{s}-{h}.vcf.gz") for s, h in runs]
    scored = dict(zip(TESTING, posterior(work, TESTING, "empirical"), strict=True))
    calls: dict[str, list[Path]] = defaultdict(list)
    for seed, half in runs:
        folder = spiked(work, seed)
        candidates = half_of(folder / "candidates.vcf.gz", half, work / f"candidates-seed-{seed}-{half}.vcf.gz")
        own = half_of(scored[seed], half, work / f"scored-{seed}-{half}.vcf.gz")
        calls["posterior"].append(own)
        for title, model in (("simulated", models["simulated"]), ("spiked", models[other(half)])):
            predicted = work / f"predicted-{title}-{seed}-{half}.vcf.gz"
            joint = work / f"combined-{title}-{seed}-{half}.vcf.gz"
            if not joint.exists():
                reads = ("--tumor", folder / "tumor.bam", "--normal", folder / "normal.bam", "--reference", REFERENCE)
                run("predict", "--model", model, "--candidates", candidates, *reads, "--output", predicted, "--quiet")
                run("combine-calls", "--scored", own, "--predicted", predicted, "--output", joint, "--quiet")
            calls[f"network, {title}"].append(predicted)
            calls[f"both, {title}"].append(joint)
    events = {"posterior": "SOMATIC_TUMOR", "network": "CNN_SOMATIC", "both": "COMBINED_SOMATIC"}
    found = {}
    for title, files in calls.items():
        event = events[title.partition(",")[0]]
        found[title] = {"classes": evaluated(work, files, truths, event), "ranking": ranking(files, truths, event)}
    return found


def ranking(calls: list[Path], truths: list[Path], event: str) -> dict[str, float]:
    """Average precision and area under the ROC curve over all candidates of all runs."""
    label, score = [], []
    for path, known in zip(calls, truths, strict=True):
        with pysam.VariantFile(str(known)) as records:
            real = {(record.pos, record.ref, record.alts[0]) for record in records}
        with pysam.VariantFile(str(path)) as records:
            for record in records:
                value = record.info[f"PROB_{event}"][0] if f"PROB_{event}" in record.info else None
                if value is not None:
                    label.append((record.pos, record.ref, record.alts[0]) in real)
                    score.append(-value)
    return _ranked(label, score)


def network_on_real(work: Path, models: dict[str, Path]) -> dict[str, Any]:
    """The candidates of Strelka2 in the mixture: those that are real by what the reads show, ranked by each network."""
    with pysam.VariantFile(str(REAL / "candidates.vcf")) as records:
        real = {record.pos for record in records if "PASS" in record.filter} | REAL_BUT_NOT_PASSED
    packed = work / "real.vcf.gz"
    pysam.bcftools.view("-Oz", "--write-index=tbi", "-o", str(packed), str(REAL / "candidates.vcf"), catch_stdout=False)
    reads = ("--tumor", REAL / "tumor.bam", "--normal", REAL / "normal.bam", "--reference", REFERENCE)
    found: dict[str, Any] = {}
    for title in ("simulated", "spiked"):
        label, score = [], []
        for half in HALVES:
            model = models["simulated"] if title == "simulated" else models[other(half)]
            output = work / f"real-{title}-{half}.vcf.gz"
            run("predict", "--model", model, "--candidates", half_of(packed, half, work / f"real-{half}.vcf.gz"), *reads,
                "--output", output, "--no-prior-shift", "--quiet")  # fmt: skip
            with pysam.VariantFile(str(output)) as records:
                for record in records:
                    if "CNN_PROB" in record.info:
                        label.append(record.pos in real)
                        score.append(float(record.info["CNN_PROB"][0]))
        found[title] = _ranked(label, score)
    scored = work / "real-scored.vcf.gz"
    run("score-posterior", "--candidates", packed, *reads, "--purity", "0.3", "--output", scored, "--quiet")
    with pysam.VariantFile(str(scored)) as records:
        judged = [(record.pos in real, -float(record.info["PROB_SOMATIC_TUMOR"][0])) for record in records]
    found["posterior"] = _ranked(*map(list, zip(*judged, strict=True)))
    return found


def _ranked(label: list[bool], score: list[float]) -> dict[str, float]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {
        "candidates": len(label),
        "real": int(np.sum(label)),
        "average_precision": float(average_precision_score(label, score)),
        "roc_auc": float(roc_auc_score(label, score)),
    }


PROPERTIES = ("base quality", "mapping quality", "other mismatches", "clipped bases", "insert size", "forward strand")


def properties(path: Path, contig: str, position: int, base: str, variant: bool) -> np.ndarray:
    """(reads, `PROPERTIES`) of the reads (no duplicates) that show `base` at a position; `variant`: it is a mismatch."""
    found = []
    with pysam.AlignmentFile(str(path)) as reads:
        for read in reads.fetch(contig, position, position + 1):
            if read.flag & 0xF04 or not read.is_proper_pair:
                continue
            place = dict((ref, query) for query, ref in read.get_aligned_pairs(matches_only=True)).get(position)
            if place is not None and read.query_sequence[place] == base:
                clipped = sum(length for operation, length in read.cigartuples if operation == 4)
                found.append(
                    (read.query_qualities[place], read.mapping_quality, read.get_tag("NM") - variant, clipped,
                     abs(read.template_length), float(not read.is_reverse))
                )  # fmt: skip
    return np.array(found, float).reshape(-1, len(PROPERTIES))


LEAST_READS = 3


def beside_reference(path: Path, contig: str, position: int, ref: str, alt: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Means over reads with the variant, and those less the means over reads without it; None where either are few."""
    with_it, without = (properties(path, contig, position, base, base == alt) for base in (alt, ref))
    if min(len(with_it), len(without)) < LEAST_READS:
        return None
    return with_it.mean(axis=0), with_it.mean(axis=0) - without.mean(axis=0)


def _as_good_as_planted(settings: Any, surveyed: Any, region: tuple[int, int]) -> list[Any]:
    """Heterozygous SNVs where a variant could be planted but for themselves: deep, well mapped, no other variant near."""
    from varproof.candidates.pipeline import Chunk
    from varproof.spiking.survey import CLEAR, GERMLINE, Planned, Surveyor

    hets = [item for item in surveyed.markers if not item.homozygous]
    planned = [Planned(item.contig, item.position, item.position + 1, item.alt) for item in hets]
    places = Surveyor(settings, [settings.reads], planned).survey(Chunk("1", *region, [region])).places
    good = {place.position for place in places if place.reason == GERMLINE}
    others = [item.position for item in surveyed.markers]
    return [
        item for item in hets if item.position in good and sum(abs(item.position - other) <= CLEAR for other in others) == 1
    ]


def likeness(work: Path) -> dict[str, Any]:
    """Reads with planted SNVs at a half of the fragments against those with heterozygous germline SNVs of the same file.

    Of such places as variants are planted in. Reads of one place are alike, and places differ: what is compared is how reads
    with the variant differ from those without it at the same place, one number for each place and property.
    """
    from scipy import stats

    from varproof.candidates.pipeline import Chunk
    from varproof.spiking.settings import SpikingSettings
    from varproof.spiking.survey import Surveyor

    settings = SpikingSettings(reads=REAL / "normal.bam", reference=REFERENCE, min_depth=8)
    region = (HALVES["left"][0], HALVES["right"][1])
    surveyed = Surveyor(settings, [settings.reads], None).survey(Chunk("1", *region, [region]))
    hets = _as_good_as_planted(settings, surveyed, region)
    found = [beside_reference(REAL / "normal.bam", "1", item.position, item.ref, item.alt) for item in hets]
    planted = []
    for seed in (501, 502, 503):
        folder = work / f"half-{seed}"
        if not folder.exists():
            files = ("--reads", REAL / "normal.bam", "--reference", REFERENCE, "--normal-depth", "4", "--min-depth", "3")
            run("spike-variants", *files, "--types", "snv", "--vaf", "0.5", "--purity", "1", "--spacing", "700", "--seed",
                str(seed), "--output", folder, "--quiet")  # fmt: skip
        with pysam.VariantFile(str(folder / "truth.vcf.gz")) as truth:
            planted += [
                beside_reference(folder / "tumor.bam", item.contig, item.start, item.ref, item.alts[0]) for item in truth
            ]
    sets = [[item for item in places if item is not None] for places in (found, planted)]
    out: dict[str, Any] = {"germline": len(sets[0]), "planted": len(sets[1]), "properties": {}}
    for column, name in enumerate(PROPERTIES):
        own, edited = (np.array([difference[column] for _, difference in places]) for places in sets)
        test = stats.ks_2samp(own, edited)
        out["properties"][name] = {
            "means": [float(np.mean([mean[column] for mean, _ in places])) for places in sets],
            "differences": [float(own.mean()), float(edited.mean())],
            "distance": float(test.statistic),
            "p": float(test.pvalue),
        }
    return out


def plain_rewrite(reads: Path, plan: dict[tuple[str, int], str], tumor: Path, normal: Path) -> None:
    """What a script would do: read by read, share out by name, set the base of planted SNVs in half of the fragments, write."""
    with (
        pysam.AlignmentFile(str(reads)) as source,
        pysam.AlignmentFile(str(tumor), "wb", template=source) as first,
        pysam.AlignmentFile(str(normal), "wb", template=source) as second,
    ):
        places: dict[int, list[int]] = defaultdict(list)
        for contig, position in sorted(plan):
            places[source.get_tid(contig)].append(position)
        sorted_places = {contig: np.array(positions) for contig, positions in places.items()}
        for read in source:
            chance = zlib.crc32((read.query_name or "").encode())
            if chance % 2:
                second.write(read)
                continue
            known = sorted_places.get(read.reference_id)
            if known is not None and read.reference_end is not None and chance % 4 == 0:
                i = int(np.searchsorted(known, read.reference_start))
                if i < len(known) and known[i] < read.reference_end:
                    query = dict((ref, at) for at, ref in read.get_aligned_pairs(matches_only=True)).get(int(known[i]))
                    if query is not None:
                        sequence, qualities = read.query_sequence or "", read.query_qualities
                        base = plan[source.get_reference_name(read.reference_id), int(known[i])]
                        read.query_sequence = sequence[:query] + base + sequence[query + 1 :]
                        read.query_qualities = qualities
            first.write(read)
    pysam.index(str(tumor))
    pysam.index(str(normal))


def samtools_copy(reads: Path, output: Path) -> None:
    """The same records, neither shared out nor changed, least compressed: what htslib takes at least."""
    pysam.view("--no-PG", "-b", "-1", "-o", str(output), str(reads), catch_stdout=False)
    pysam.index(str(output))


STAGES = {
    **START,
    "looking at the plan's places": ("spiking/plan.py", "make_plan"),
    "editing fragments, and reading those near by": ("spiking/run.py", "_planted"),
    "copying all records": ("spiking/copying.py", "copy"),
    "joining the copies, and samtools' indexing": ("spiking/run.py", "_finish_sample"),
    "finding candidates": ("spiking/run.py", "_write_tables"),
}


def repeated(pair: Path, folder: Path, copies: int) -> Path:
    """A folder with the reads and the reference of a pair of one contig that many times over, names told apart by a letter."""
    from varproof.formats.bgzf import BLOCK_BYTES, END_OF_FILE
    from varproof.reads.bgzf import compressed_block, open_bgzf
    from varproof.reads.raw import header_size
    from varproof.spiking.copying_numba_fns import LAST_KEY, scan

    if folder.exists():
        return folder
    folder.mkdir()
    with pysam.FastaFile(str(pair / "reference.fa")) as fasta, (folder / "reference.fa").open("w") as reference:
        name, length = fasta.references[0], fasta.lengths[0]
        contigs = [f"{name}.{i}" for i in range(copies)]
        reference.writelines(f">{contig}\n{fasta.fetch(name)}\n" for contig in contigs)
    header = pysam.AlignmentHeader.from_dict(
        {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": contig, "LN": length} for contig in contigs]}
    )
    bam = folder / "tumor.bam"
    with pysam.AlignmentFile(str(bam), "wb", header=header):
        pass
    content = open_bgzf(str(pair / "tumor.bam")).read(1 << 40)
    data = np.frombuffer(content, np.uint8)[header_size(content) :].copy()
    most = len(data) // 37 + 1
    place, key, names = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.uint64)
    count = scan(data, place, key, names)[0]
    with_place = int((key[:count] < LAST_KEY).sum())
    data, place = data[: place[with_place] if with_place < count else len(data)], place[:with_place]
    mates = place[data[place + 27] < 128]
    start = bam.read_bytes().removesuffix(END_OF_FILE)
    with bam.open("wb") as out:
        out.write(start)
        for i in range(copies):
            data[place + 4], data[mates + 24], data[place + 36] = i, i, ord("A") + i
            for at in range(0, len(data), BLOCK_BYTES):
                out.write(compressed_block(data[at : at + BLOCK_BYTES].data))
        out.write(END_OF_FILE)
    pysam.faidx(str(folder / "reference.fa"))
    pysam.index(str(bam))
    return folder


def planned(reference: Path, number: int, path: Path) -> dict[tuple[str, int], str]:
    """A plan of so many SNVs, evenly spaced, at a half of the reads: a VCF, and the bases by place."""
    plan: dict[tuple[str, int], str] = {}
    with pysam.FastaFile(str(reference)) as fasta, path.open("w") as out:
        out.write("##fileformat=VCFv4.2\n")
        out.writelines(
            f"##contig=<ID={name},length={length}>\n" for name, length in zip(fasta.references, fasta.lengths, strict=True)
        )
        out.write('##INFO=<ID=AF,Number=A,Type=Float,Description="f">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n')
        for contig, length in zip(fasta.references, fasta.lengths, strict=True):
            for position in range(3_000, length - 3_000, sum(fasta.lengths) // number):
                ref = fasta.fetch(contig, position, position + 1).upper()
                plan[contig, position] = "ACGT"[("ACGT".index(ref) + 1) % 4]
                out.write(f"{contig}\t{position + 1}\t.\t{ref}\t{plan[contig, position]}\t.\t.\tAF=0.5\n")
    return plan


def rewriting(pair: Path, folder: Path, number: int, repeats: int) -> dict[str, Any]:
    """A file rewritten with so many planted SNVs: seconds and CPU seconds, alternating, the least of the repeats."""
    folder.mkdir(exist_ok=True)
    reads, reference = pair / "tumor.bam", pair / "reference.fa"
    plan = planned(reference, number, folder / "plan.vcf")
    with pysam.AlignmentFile(str(reads)) as source:
        found: dict[str, Any] = {"reads": source.mapped + source.unmapped, "variants": len(plan)}
    measured: dict[str, list[dict[str, float]]] = defaultdict(list)
    files = ("--reads", reads, "--reference", reference, "--variants", folder / "plan.vcf", "--purity", "1")
    here: dict[str, Callable[[], None]] = {
        "plain": lambda: plain_rewrite(reads, plan, folder / "tumor.bam", folder / "normal.bam"),
        "samtools": lambda: samtools_copy(reads, folder / "tumor.bam"),
    }
    for _ in range(repeats):
        for name, rewrite in here.items():
            begun, cpu = time.monotonic(), time.process_time()
            rewrite()
            measured[name].append({"seconds": time.monotonic() - begun, "cpu_seconds": time.process_time() - cpu})
        for threads in sorted({1, 2, *(2**k for k in range(2, 6) if 2**k <= CPUS)}):
            output = folder / "out"
            begun = time.monotonic()
            usage = run("spike-variants", *files, "--threads", str(threads), "--output", output, "--quiet")
            measured[str(threads)].append({"seconds": time.monotonic() - begun, **asdict(usage)})
            shutil.rmtree(output)
    for name, runs in measured.items():
        found[name] = {key: min(item[key] for item in runs) for key in runs[0]}
    return found


def speed(work: Path) -> dict[str, Any]:
    """Rewriting a small file, and one as large as a 30x exome."""
    pair = simulated_pair(work.parent, "hard-1", (*DATA_SETS["hard"], "--seed", "1")) / "pair"
    rewriting(pair, work / "speed", 300, 1)  # compiled kernels are there from now on
    with ProcessPoolExecutor(1) as pool:  # what this process takes at most would count for those that it starts
        many = pool.submit(repeated, pair, work / "repeated", COPIES).result()
    large = rewriting(many, work / "speed", 1_000, 1)
    files = ("--reads", many / "tumor.bam", "--reference", many / "reference.fa", "--variants", work / "speed" / "plan.vcf")
    stats = profiled(work / "speed", "spike-variants", *files, "--purity", "1", "--output", work / "speed" / "out")
    shutil.rmtree(work / "speed" / "out")
    small = rewriting(pair, work / "speed", 300, 3)
    return {"cpus": CPUS, "small": small, "large": large, "stages": stage_shares(stats, STAGES)}


MEASURES = ("posterior", "networks", "likeness", "speed")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=HERE.parents[1] / "bench-work" / "spiking")
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES), help="measures to take")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of spiking.json and RESULTS.md")
    options = parser.parse_args()
    if not REAL.is_dir():
        print("the real reads (shared/real-giab-mixture) are not here: only the speed can be measured", file=sys.stderr)
        options.only = [name for name in options.only if name == "speed"]
    work = options.work
    work.mkdir(parents=True, exist_ok=True)
    path = options.output / "spiking.json"
    found = json.loads(path.read_text())["found"] if path.exists() else {}
    if "posterior" in options.only:
        truths = [spiked(work, seed) / "truth.vcf.gz" for seed in SEEDS]
        found["posterior"] = {
            prior: evaluated(work, posterior(work, SEEDS, prior), truths, "SOMATIC_TUMOR") for prior in ("empirical", "flat")
        }
    if "networks" in options.only:
        models = networks(work)
        found["networks"] = network_on_spiked(work, models)
        found["real"] = network_on_real(work, models)
    if "likeness" in options.only:
        found["likeness"] = likeness(work)
    if "speed" in options.only:
        found["speed"] = speed(work)
    page = spiking_lines(found)
    path.write_text(json.dumps({"found": found, "page": page}, indent=1) + "\n")
    write_page(options.output)
    print("\n".join(page))


if __name__ == "__main__":
    main()
