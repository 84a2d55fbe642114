"""The section of RESULTS.md on parts that a library could stand for, from what parts.py measured: figures, and reasons."""

from typing import Any, NamedTuple


class Part(NamedTuple):
    """Modules of varproof, the library that could stand for them, and why it does not."""

    modules: tuple[str, ...]
    library: str
    reason: str


PARTS = (
    Part(("machinery/workers.py",), "loky, concurrent.futures", "what the table of checks says; not time"),
    Part(
        ("reads/decode_numba_fns.py", "reads/records.py", "reads/stream.py", "reads/columns.py"),
        "pysam, oxbow",
        "time; a region that follows the last one needs no seek; limits of depth and memory hold while reads are decoded. "
        "CRAM, addresses and all that is out of the ordinary are pysam's, and so is the word on damage",
    ),
    Part(("reads/bgzf.py",), "pysam.BGZFile", "time; where there is no igzip, it is pysam.BGZFile"),
    Part(
        ("formats/bgzf.py",), "pysam.BGZFile",
        "it ends the process with a segmentation fault where a file can't be opened, and tells no reason where one can't be "
        "written",
    ),
    Part(("formats/deflated.py",), "h5py's gzip filter", "time; the files are ordinary ones, each reads what the other wrote"),
    Part(
        ("machinery/numerics.py", "machinery/numerics_numba_fns.py"), "NumPy, SciPy, numpy.linalg",
        "the same last digit on every processor; kernels call them one number at a time",
    ),
    Part(
        ("network/logistic.py", "network/logistic_numba_fns.py"), "scikit-learn",
        "a known part of the log-odds, prior means and least weights, of which it has none; the same last digit everywhere",
    ),
    Part(
        ("candidates/assembly.py",), "fermi-lite, SPAdes",
        "one sequence between two given places, or none, from a few dozen reads; they are made for whole sets of reads",
    ),
    Part(
        ("machinery/journal.py",), "joblib.Memory, diskcache",
        "results by number, so that a run goes on in order; arrays only, nothing is unpickled; a file is complete or absent",
    ),
    Part(
        ("machinery/output.py",), "atomicwrites",
        "folders, too; what is half done goes when the run is interrupted; nobody maintains the library",
    ),
    Part(
        ("machinery/interruption.py",), "signal handlers of Python",
        "they run when a compiled kernel returns, and Numba crashes where they raise",
    ),
    Part(
        ("machinery/accelerate.py",), "Numba's own cache",
        "it looks at the file of the outermost kernel only, and can't be read where it can't be written",
    ),
    Part(
        ("machinery/remote.py",), "fsspec, smart_open",
        "htslib reads addresses; here they only are named, without passwords and signatures",
    ),
    Part(
        ("formats/record.py", "formats/vcf_output.py"), "pysam.VariantRecord, cyvcf2",
        "what is not touched stays byte for byte; undeclared fields are kept, and declared",
    ),
    Part(
        ("realign/edit_distance_numba_fns.py", "realign/edit_distance_lanes_numba_fns.py"), "edlib",
        "it is called from compiled kernels, once for each read and haplotype, on arrays of codes",
    ),
    Part(("realign/pair_hmm_numba_fns.py",), "none", "libraries align with scores; gap rates by repeat are of this model"),
    Part(
        ("evidence/links.py", "posterior/phase.py", "variants/merging.py"), "WhatsHap, bcftools csq",
        "two copies with germline genotypes are phased there; here alleles of some cells, too, by fragments that were typed "
        "already; what is merged comes back byte for byte",
    ),
    Part(
        ("evaluation/sequences.py",), "vcfeval of RTG Tools, hap.py",
        "programs, not libraries; they need genotypes of one sample, and one threshold is one run: here alleles are unphased, "
        "and one matching serves all thresholds",
    ),
    Part(
        ("commands/parser.py",), "pydantic-settings",
        "it is that library; what is added is the order of options and one line for a mistake",
    ),
)  # fmt: skip

LEFT = (
    "Left to libraries: the quality tree, and splits, curves and scores of networks (scikit-learn), confidence intervals and",
    "roots (SciPy), HDF5 (h5py), models of files and options (pydantic), pages and figures (Jinja, Matplotlib), the bar of",
    "progress (rich), alignment of simulated reads (minimap2).",
)


def _ways(found: dict[str, dict[str, float]]) -> list[str]:
    """Cells of CPU seconds and seconds, each as a multiple of the first way's."""
    first = next(iter(found.values()))
    return [
        f"{name} {item['cpu_seconds'] / first['cpu_seconds']:.1f} / {item['seconds'] / first['seconds']:.1f}"
        for name, item in list(found.items())[1:]
    ]


def _row(title: str, found: dict[str, dict[str, float]]) -> str:
    name, first = next(iter(found.items()))
    figures = f"{1000 * first['cpu_seconds']:.1f} / {1000 * first['seconds']:.1f}"
    return f"| {title} | {name} {figures} | {', '.join(_ways(found))} |"


def _figures(found: dict[str, Any]) -> list[str]:
    rows = []
    if "pools" in found:
        rows.append(_row(f"{found['pools']['windows']} windows of reads, decoded by two processes", found["pools"]["ways"]))
    for title, item in found.get("reads", {}).items():
        rows.append(_row(f"BAM to arrays, {title}, {item['reads']:,} reads", item["ways"]))
    for key, title in (("blocks", "BGZF"), ("tables", "HDF5 rows"), ("numerics", "a million numbers")):
        rows += [_row(f"{title}: {what}", ways) for what, ways in found.get(key, {}).items()]
    if "logistic" in found:
        rows.append(_row("logistic model of 5,000 labels", found["logistic"]))
    if not rows:
        return []
    return ["| what | ours: CPU ms / ms | CPU and time of others, times ours |", "|---|---|---|", *rows, ""]


def _checks(found: dict[str, Any]) -> list[str]:
    names = list(found["ways"])
    lines = [f"| what holds of a pool of workers | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for check, held in found["checks"].items():
        lines.append(f"| {check} | {' | '.join('yes' if held[name] else 'no' for name in names)} |")
    return [*lines, ""]


def parts_lines(found: dict[str, Any]) -> list[str]:
    """The section, of the measures that were taken."""
    versions = ", ".join(f"{name} {number}" for name, number in found.get("versions", {}).items())
    lines = [
        "# Self-made parts", "",
        "`tests/benchmarks/parts.py`: what varproof does itself although a library could, and what that library costs on the",
        "same, with the same result. Ways take turns in one process; least of several rounds. CPU seconds are those of worker",
        f"processes, too. {versions}.", "",
        *_figures(found),
    ]  # fmt: skip
    if "pools" in found:
        lines += _checks(found["pools"])
    lines += ["| part | instead of | why |", "|---|---|---|"]
    for part in PARTS:
        lines.append(f"| {', '.join(f'`{module}`' for module in part.modules)} | {part.library} | {part.reason} |")
    return [*lines, "", *LEFT, ""]
