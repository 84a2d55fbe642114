"""One module per executable: its options, one call into the rooms, its exit code. `umbrella` is the command `varproof`."""

import importlib
import sys

EXECUTABLES = {
    "simulate-pair": "tumour/normal reads with a known truth",
    "spike-variants": "known variants planted into real reads: labels and a truth from your own data",
    "estimate-alignment": "insert size, gap rates, slippage and the error profile of a sample",
    "build-panel": "error rates of normals by place and allele, for the posterior of a tumour",
    "call-candidates": "candidate variants from reads alone, with what their reads look like",
    "estimate-purity": "purity, ploidy and copy number along the genome, from depth and heterozygous variants",
    "collect-evidence": "one sample's evidence for and against each candidate",
    "learn-prior": "how common each event is, learnt from the reads and not from a list",
    "score-posterior": "the posterior probability of each event for each candidate",
    "score-scenario": "the posterior probability of the events of a scenario, over any samples",
    "plot-scenario": "a scenario as a table and a picture, before anything is scored",
    "fdr-filter": "the largest set of calls at a chosen false discovery rate",
    "estimate-vaf": "allele frequencies with intervals, and the neutral-evolution fit",
    "tensorise": "pileups of candidates as packed tensors, for train and predict",
    "train": "a network trained on labelled tensors, calibrated and tested",
    "predict": "the network's probability that each candidate is real",
    "combine-calls": "one probability from the posterior and the network",
    "scatter-candidates": "a candidate list in chunks, to be worked on apart",
    "gather": "evidence, tensors, panels or calls of chunks as one file",
    "review-calls": "a page in which people judge candidates, and from which labels come",
    "report-calls": "the report of one sample: doubts, calls at their rate, frequencies, contexts",
    "evaluate-calls": "precision, recall and realised false discovery rate against a truth set",
}


def umbrella() -> None:
    """List the executables, or run one: `varproof NAME ...`."""
    from varproof import __version__

    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print("varproof decides from the reads themselves whether a candidate variant is real.\n")
        print("usage: varproof NAME [options], or NAME [options]\n")
        for name, purpose in EXECUTABLES.items():
            print(f"  {name:20s} {purpose}")
        print("\n`NAME --help` shows the options of each.")
        return
    if arguments[0] == "--version":
        print(f"varproof {__version__}")
        return
    if arguments[0] not in EXECUTABLES:
        print(f"varproof: error: no executable '{arguments[0]}'; known: {', '.join(EXECUTABLES)}", file=sys.stderr)
        sys.exit(2)
    sys.argv = arguments
    importlib.import_module(f"varproof.commands.{arguments[0].replace('-', '_')}").main()
