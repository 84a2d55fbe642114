#!/bin/sh
# Runs every executable on the small inputs in the folder DATA, writing to the folder OUTPUT. When an image is built, this
# compiles the kernels that are kept in it; in a finished image it shows that nothing is missing that a run needs.
#   run-all.sh DATA OUTPUT
set -eu
data=$1
output=$2
reference="--reference $data/reference.fa"
candidates="--candidates $data/candidates.vcf.gz"
tumor="--tumor $data/tumor.bam"
normal="--normal $data/normal.bam"

few="--seed 1 --somatic-snvs 5 --somatic-mnvs 1 --somatic-insertions 2 --somatic-deletions 2 --max-indel-length 40 --germline 10
    --empty-sites 4"
simulate-pair $few --tumor-depth 10 --normal-depth 10 --genome-length 20000 --contexts 1 --output "$output/pair"
simulate-pair $few $reference --tumor-depth 10 --normal-depth 10 --format cram --threads 2 --output "$output/pair-cram"

spike-variants --reads "$data/normal.bam" $reference --variants "$data/truth.vcf.gz" --min-depth 5 --output "$output/spiked"
spike-variants --reads "$data/normal.bam" --second-reads "$data/tumor.cram" $reference --count 8 --spacing 300 --min-depth 10 \
    --format cram --threads 2 --output "$output/spiked-cram"

call-candidates --reads "$data/tumor.bam" $normal $reference --known-sites "$data/known-sites.vcf.gz" \
    --output "$output/called.vcf.gz"
call-candidates --reads "$data/tumor.cram" $reference --threads 2 --output "$output/called.bcf"

for sample in tumor.bam tumor.cram normal.bam; do
    estimate-alignment --reads "$data/$sample" $reference --output "$output/$sample.json"
done
estimate-purity $tumor $normal $reference --plot "$output/copy-number" --output "$output/purity.json"
collect-evidence $candidates --reads "$data/tumor.cram" $reference --output "$output/tumor.h5"
collect-evidence --candidates "$output/called.bcf" --reads "$data/normal.bam" $reference \
    --alignment "$output/normal.bam.json" --threads 2 --output "$output/called.h5"

build-panel --reads "$data/normal.bam" $reference --output "$output/first-panel.h5"
build-panel --reads "$data/tumor.cram" --add "$output/first-panel.h5" $reference --threads 2 --output "$output/panel.h5"
score-posterior $candidates $reference $tumor --panel "$output/panel.h5" --output "$output/with-panel.vcf.gz"
score-posterior $candidates $reference $tumor $normal --purity 0.75 --learnt-prior "$output/prior.json" \
    --output "$output/scored.vcf.gz"
learn-prior $reference $tumor $normal --purity 0.75 --alignment-tumor "$output/tumor.bam.json" --output "$output/prior-of-reads.json"
score-posterior $candidates $reference --tumor "$data/tumor.h5" --normal "$data/normal.h5" --territory 40000 \
    --prior "$output/prior.json" --output "$output/scored-again.bcf"
score-posterior $candidates $reference --tumor "$data/tumor.cram" --prior flat --threads 2 --output "$output/flat.vcf"

plot-scenario --scenario multi-region --plot "$output/scenario" --output "$output/scenario.tsv"
plot-scenario --scenario tumor-normal --save-scenario "$output/scenario.yaml" --output "$output/scenario.tsv"
for rates in scenario learnt spectra; do
    score-scenario --scenario "$output/scenario.yaml" --samples "$data/samples.tsv" $candidates $reference --rates "$rates" \
        --output "$output/by-scenario.vcf.gz"
done

fdr-filter --calls "$output/scored.vcf.gz" --events SOMATIC_TUMOR --fdr 0.05 --output "$output/filtered.vcf.gz"
fdr-filter --calls "$output/scored.vcf.gz" --events SOMATIC_TUMOR --fdr 0.05 --mode local --output "$output/local.vcf.gz"
estimate-vaf --calls "$output/filtered.vcf.gz" --plot "$output/spectrum" --annotated-output "$output/vaf.vcf.gz" \
    --summary "$output/vaf.json" --output "$output/vaf.tsv"
report-calls --calls "$output/scored.vcf.gz" $reference --desk review.html --output "$output/report.html"
review-calls --calls "$output/scored.vcf.gz" $reference $tumor $normal --output "$output/review.html"
review-calls --calls "$output/called.bcf" $reference --tumor "$data/tumor.cram" --context "$data/context-1.bam" --choose random \
    --count 5 --threads 2 --output "$output/review-some.html"
estimate-vaf --calls "$output/called.vcf.gz" $reference $tumor $normal --purity 0.75 --output "$output/vaf-of-reads.tsv"

tensorise $candidates $reference $tumor $normal --truth "$data/truth.vcf.gz" --pictures "$output/pictures" --picture chr1:415 \
    --output "$output/tensors.h5"
tensorise $candidates $reference --tumor "$data/tumor.cram" --context "$data/context-1.bam" --rows window --soft-clips \
    --threads 2 --export-npy "$output/context.npy" --output "$output/context.h5"

scatter-candidates $candidates $reference --chunks 2 --output "$output/chunks"
for chunk in "$output"/chunks/*.vcf.gz; do
    collect-evidence --candidates "$chunk" --reads "$data/tumor.bam" $reference --output "${chunk%.vcf.gz}.h5"
done
gather $candidates --inputs "$output"/chunks/*.h5 --output "$output/gathered.h5"

combine-calls --scored "$output/scored.vcf.gz" --predicted "$data/predicted.vcf.gz" --save-stacking "$output/stacking.json" \
    --output "$output/combined.vcf.gz"
combine-calls --scored "$output/scored.vcf.gz" --predicted "$data/predicted.vcf.gz" --calibration "$output/combined.vcf.gz" \
    --calibration-truth "$data/truth.vcf.gz" $reference --output "$output/combined-again.vcf.gz"
evaluate-calls --calls "$output/scored.vcf.gz" --truth "$data/truth.vcf.gz" $reference --report "$output/report.html" \
    --output "$output/metrics.json"

if [ "$(python -c 'from importlib.util import find_spec; print(find_spec("tensorflow") is not None)')" = True ]; then
    train --tensors "$output/tensors.h5" --epochs 2 --batch-size 32 --report "$output/training.html" \
        --output "$output/model.keras"
    predict --model "$data/model.keras" $candidates $reference $tumor $normal --explain "$output/explained" \
        --output "$output/predicted.vcf.gz"
    predict $candidates $reference $tumor $normal --output "$output/predicted-built-in.vcf.gz"
    predict --model "$data/model.keras" --tensors "$output/tensors.h5" --table "$output/predicted.tsv" \
        --output "$output/predicted-again.vcf.gz"
fi
