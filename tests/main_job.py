"""The main job on the files of test-data, in the current folder: `python main_job.py DATA`; for `test_any_processor`.

Every executable whose output does not come from TensorFlow, by its usual door; what it takes from predict lies in DATA.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from varproof.commands import (
    call_candidates,
    collect_evidence,
    combine_calls,
    estimate_alignment,
    estimate_vaf,
    evaluate_calls,
    fdr_filter,
    learn_prior,
    score_posterior,
    simulate_pair,
    spike_variants,
    tensorise,
)


def run(main: Callable[[], None], arguments: str) -> None:
    sys.argv = [main.__module__, *arguments.split()]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, (main.__module__, arguments, ended.code)


def jobs(data: Path) -> None:
    reference = f"--reference {data}/reference.fa"
    run(simulate_pair.main, "--genome-length 6000 --somatic-snvs 4 --somatic-mnvs 1 --somatic-insertions 2 "
        "--somatic-deletions 2 --germline 4 --empty-sites 2 --max-indel-length 20 --artifacts all --output pair")  # fmt: skip
    run(call_candidates.main, f"--reads {data}/tumor.bam --normal {data}/normal.bam {reference} "
        f"--known-sites {data}/known-sites.vcf.gz --min-leaf 8 --output candidates.vcf.gz --save-tree tree.json")  # fmt: skip
    for sample in ("tumor", "normal"):
        run(estimate_alignment.main, f"--reads {data}/{sample}.bam {reference} --output {sample}.json")
        run(collect_evidence.main, f"--candidates {data}/candidates.vcf.gz --reads {data}/{sample}.bam {reference} "
            f"--alignment {sample}.json --output {sample}.h5")  # fmt: skip
    evidence = f"--candidates {data}/candidates.vcf.gz {reference} --tumor tumor.h5 --normal normal.h5 --purity 0.75"
    reads = f"--tumor {data}/tumor.bam --normal {data}/normal.bam --alignment-tumor tumor.json --alignment-normal normal.json"
    run(learn_prior.main, f"{reads} {reference} --purity 0.75 --output prior-of-reads.json")
    run(
        score_posterior.main,
        f"--candidates {data}/candidates.vcf.gz {reference} {reads} --purity 0.75 --output of-reads.vcf.gz",
    )
    run(score_posterior.main, f"{evidence} --learnt-prior prior.json --output scored.vcf.gz")
    run(score_posterior.main, f"{evidence} --prior flat --output flat.vcf.gz")
    run(fdr_filter.main, "--calls scored.vcf.gz --events SOMATIC_TUMOR --fdr 0.05 --output filtered.vcf.gz")
    run(estimate_vaf.main, "--calls filtered.vcf.gz --output vaf.tsv")
    run(evaluate_calls.main, f"--calls scored.vcf.gz --truth {data}/truth.vcf.gz {reference} --output metrics.json")
    run(tensorise.main, f"--candidates {data}/candidates.vcf.gz {reference} --tumor {data}/tumor.bam "
        f"--normal {data}/normal.bam --output tensors.h5")  # fmt: skip
    both = f"--scored scored.vcf.gz --predicted {data}/predicted.vcf.gz"
    run(combine_calls.main, f"{both} --output combined.vcf.gz")
    learning = f"--calibration combined.vcf.gz --calibration-truth {data}/truth.vcf.gz {reference}"
    run(combine_calls.main, f"{both} {learning} --save-stacking stacking.json --output stacked.vcf.gz")
    run(spike_variants.main, f"--reads {data}/normal.bam {reference} --min-depth 8 --count 20 --output spiked")


if __name__ == "__main__":
    jobs(Path(sys.argv[1]))
