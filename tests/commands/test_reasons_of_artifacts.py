"""score-posterior on a simulated pair with all artefacts: the reasons name what was simulated."""

from pathlib import Path

from benchmarks.reason_accuracy import reason_table, right_of
from pair_examples import read_all
from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
from varproof.commands.simulate_pair import Options, simulate
from varproof.formats.events import EVENTS
from varproof.formats.vcf import REASON, from_phred, probability_field
from varproof.posterior.reasons import REASONS, SEPARATOR

LEAST = 0.85
"""Of the labelled artefacts; on a whole Mbp it is over 0.95, and here there are few enough to vary by some per cent."""


def test_reasons_name_the_simulated_artefact(tmp_path: Path) -> None:
    few = {"somatic_snvs": 30, "somatic_mnvs": 4, "somatic_insertions": 10, "somatic_deletions": 10, "germline": 60}
    pair, calls = tmp_path / "pair", tmp_path / "scored.vcf.gz"
    simulate(Options(
        output=pair, genome_length=100_000, seed=3, artifacts=["all"], empty_sites=20, paralogs_per_mbp=80, log_level="warning",
        **few,
    ))  # fmt: skip
    score_posterior(ScorePosteriorOptions(
        candidates=pair / "candidates.vcf.gz", reference=pair / "reference.fa", tumor=pair / "tumor.bam",
        normal=pair / "normal.bam", purity=0.75, output=calls, log_level="warning",
    ))  # fmt: skip
    for record in read_all(calls):
        probabilities = [from_phred(record.info[probability_field(event)][0]) for event in EVENTS]
        somatic = EVENTS[probabilities.index(max(probabilities))] == "SOMATIC_TUMOR"
        assert (REASON in record.info and record.info[REASON][0] is not None) == (not somatic)
        assert somatic or set(record.info[REASON][0].split(SEPARATOR)) <= set(REASONS)
    table = reason_table(calls, pair / "truth.vcf.gz")
    right, total = right_of(table, "ARTIFACT")
    assert total >= 30 and right >= LEAST * total
    right, total = right_of(table, "ABSENT", {"end_errors"})
    assert total >= 20 and right >= 0.4 * total
    right, total = right_of(table, "ABSENT", {"slippage"})
    assert total >= 5 and right >= 0.8 * total
