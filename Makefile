# What a developer or a new user types. Needs python3 (3.10 or newer) with venv, make and git; all else goes into .venv.

PYTHON ?= python3
BIN := .venv/bin
PAIR := demo/pair
KNOWN := demo/known

.PHONY: help demo test test-again bounds robust test-wrappers lint docs audit models bench bench-regimes bench-tumor-only bench-short picture test-data release clean

help:
	@echo "make demo       simulate a tumour/normal pair, judge it by model and network, evaluate; ends with reports"
	@echo "make test       run all tests; ends with what they covered"
	@echo "make bounds     tests of compiled code, every index checked"
	@echo "make robust     spoilt files and faults by the thousand (half an hour)"
	@echo "make test-wrappers  images, Nextflow, Galaxy and real callers on the real engines"
	@echo "make lint       ruff, mypy and deptry"
	@echo "make docs       the documentation as a site: build/docs/index.html"
	@echo "make audit      known weaknesses of the packages in the images"
	@echo "make test-data  make the committed small inputs again"
	@echo "make models     train the networks that come with the package again (PROFILE=full: on more reads, four hours)"
	@echo "make bench      the quality tables: tests/benchmarks/RESULTS.md (about two hours)"
	@echo "make bench-regimes  of them those of other samples and selected lists (an hour)"
	@echo "make bench-tumor-only  of them those of tumours without a normal"
	@echo "make release VERSION=X.Y.Z  the version and the date of a release, in every file that has them"
	@echo "make clean      remove .venv, demo, and what tests leave"

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cnn]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: .venv/installed
	@rm -rf demo && mkdir demo
	@printf '\n1. Reads of a tumour and a normal with known somatic variants, and candidates found in them\n'
	$(BIN)/simulate-pair --genome-length 500000 --seed 1 --output $(PAIR)
	$(BIN)/call-candidates --threads 0 --reads $(PAIR)/tumor.bam --normal $(PAIR)/normal.bam \
	  --reference $(PAIR)/reference.fa --output demo/candidates.vcf.gz
	@printf '\n2. How each sample was sequenced, and what its errors look like\n'
	$(BIN)/estimate-alignment --reads $(PAIR)/tumor.bam --reference $(PAIR)/reference.fa --output demo/tumor.json
	$(BIN)/estimate-alignment --reads $(PAIR)/normal.bam --reference $(PAIR)/reference.fa --output demo/normal.json
	@printf '\n3. Posterior probabilities: somatic, germline, artefact or absent (the first run also compiles)\n'
	$(BIN)/score-posterior --threads 0 --candidates demo/candidates.vcf.gz --reference $(PAIR)/reference.fa \
	  --tumor $(PAIR)/tumor.bam --alignment-tumor demo/tumor.json \
	  --normal $(PAIR)/normal.bam --alignment-normal demo/normal.json --purity 0.75 --output demo/scored.vcf.gz
	@printf '\n4. The calls of which 5 %% may be false\n'
	$(BIN)/fdr-filter --calls demo/scored.vcf.gz --events SOMATIC_TUMOR --fdr 0.05 --output demo/filtered.vcf.gz
	@printf '\n5. Their allele frequencies in the tumour cells\n'
	$(BIN)/estimate-vaf --calls demo/filtered.vcf.gz --output demo/vaf.tsv --plot demo/spectrum
	@printf '\n6. A second judgement: a network, trained on another pair whose truth is known\n'
	$(BIN)/simulate-pair --genome-length 500000 --seed 2 --output $(KNOWN)
	$(BIN)/tensorise --threads 0 --candidates $(KNOWN)/candidates.vcf.gz --reference $(KNOWN)/reference.fa \
	  --tumor $(KNOWN)/tumor.bam --normal $(KNOWN)/normal.bam --truth $(KNOWN)/truth.vcf.gz --output demo/known.h5
	$(BIN)/train --threads 0 --tensors demo/known.h5 --epochs 15 --batch-size 128 --output demo/model.keras \
	  --report demo/training.html
	@printf '\n7. What it makes of the first pair, and both judgements together\n'
	$(BIN)/predict --threads 0 --model demo/model.keras --candidates demo/candidates.vcf.gz \
	  --reference $(PAIR)/reference.fa --tumor $(PAIR)/tumor.bam --normal $(PAIR)/normal.bam --output demo/predicted.vcf.gz
	$(BIN)/combine-calls --scored demo/scored.vcf.gz --predicted demo/predicted.vcf.gz --output demo/combined.vcf.gz
	@printf '\n8. Against the truth: the posterior, and both together\n'
	$(BIN)/evaluate-calls --calls demo/scored.vcf.gz --truth $(PAIR)/truth.vcf.gz --reference $(PAIR)/reference.fa \
	  --output demo/metrics.json --report demo/report.html
	$(BIN)/evaluate-calls --calls demo/combined.vcf.gz --events COMBINED_SOMATIC --truth $(PAIR)/truth.vcf.gz \
	  --reference $(PAIR)/reference.fa --output demo/combined.json --report demo/combined.html
	@printf '\n9. A certificate: variants planted into the reads of the normal, as one would into own reads, and found again\n'
	$(BIN)/spike-variants --threads 0 --reads $(PAIR)/normal.bam --reference $(PAIR)/reference.fa --min-depth 8 --count 300 \
	  --output demo/spiked
	$(BIN)/evaluate-calls --threads 0 --calls demo/spiked --reference $(PAIR)/reference.fa --output demo/certificate.json \
	  --certificate demo/certificate.html
	@printf '\n10. The report of the sample, and a page to judge the candidates that posterior and network see most differently\n'
	$(BIN)/report-calls --calls demo/combined.vcf.gz --events COMBINED_SOMATIC --reference $(PAIR)/reference.fa --desk review.html \
	  --output demo/sample.html
	$(BIN)/review-calls --threads 0 --calls demo/combined.vcf.gz --reference $(PAIR)/reference.fa --tumor $(PAIR)/tumor.bam \
	  --normal $(PAIR)/normal.bam --choose disagreement --count 100 --output demo/review.html
	@printf '\nReports (open them in a browser):\n  %s\n  %s\n  %s\n  %s\n  %s\n  %s\nThe calls are %s, their frequencies %s and %s\n' \
	  '$(CURDIR)/demo/report.html   the posterior against the truth' \
	  '$(CURDIR)/demo/training.html the training of the network' \
	  '$(CURDIR)/demo/combined.html both together against the truth' \
	  '$(CURDIR)/demo/certificate.html how well rates are kept in these reads' \
	  '$(CURDIR)/demo/sample.html   the report of the sample' \
	  '$(CURDIR)/demo/review.html   its candidates, to be judged by eye' \
	  demo/filtered.vcf.gz demo/vaf.tsv demo/spectrum.png

# The small files of test-data, as committed; the steps are those of the demo.
SMALL := $(BIN)/simulate-pair --genome-length 40000 --contigs 2 --seed 3 --somatic-snvs 24 --somatic-mnvs 4 --somatic-insertions 10 \
  --somatic-deletions 10 --max-indel-length 60 --germline 40 --empty-sites 8 --contexts 1
T := test-data
test-data: .venv/installed
	rm -rf $T/*.* demo/small demo/small-cram && mkdir -p demo
	echo 'Small inputs for tests and wrappers. All are made by `make test-data`, which is the list of the commands.' > $T/README.md
	printf 'chr2\t0\t20000\n' > $T/regions.bed
	printf 'simulated\tsimulated\tSimulated genome (40 kbp)\t$${__HERE__}/reference.fa\n' > $T/fasta_indexes.loc
	printf 'sample\treads\ntumor\ttumor.h5\nnormal\tnormal.h5\n' > $T/samples.tsv
	$(SMALL) --output demo/small
	$(SMALL) --format cram --output demo/small-cram
	mv demo/small/*.* demo/small-cram/tumor.cram* $T/
	$(BIN)/python -c 'import pysam.bcftools; pysam.bcftools.view("--no-version", "-i", "EVENT~\"GERMLINE\"", "-W=tbi", \
	  "-o", "$T/known-sites.vcf.gz", "$T/truth.vcf.gz", catch_stdout=False)'
	for sample in tumor normal; do \
	  $(BIN)/estimate-alignment --reads $T/$$sample.bam --reference $T/reference.fa --output $T/$$sample.json || exit 1; \
	done
	for sample in tumor normal; do \
	  other=$$(echo tumornormal | sed s/$$sample//); \
	  $(BIN)/collect-evidence --candidates $T/candidates.vcf.gz --reads $T/$$sample.bam --reference $T/reference.fa \
	    --alignment $T/$$sample.json --repeats $T/$$other.json --output $T/$$sample.h5 || exit 1; \
	done
	$(BIN)/score-posterior --candidates $T/candidates.vcf.gz --reference $T/reference.fa --tumor $T/tumor.h5 --normal $T/normal.h5 \
	  --purity 0.75 --territory 40000 --output $T/scored.vcf.gz
	$(BIN)/python -c 'import pysam as p; what = {(r.chrom, r.pos, r.alleles): r.info["EVENT"][0:8] for r in p.VariantFile("$T/truth.vcf.gz")}; \
	  print("chrom pos ref alt label call tags reviewer".replace(" ", "\t")); \
	  [print(r.chrom, r.pos, *r.alleles, *{"SOMATIC_": (1, "somatic"), "GERMLINE": (0, "germline")}.get(what.get((r.chrom, r.pos, r.alleles)), \
	  (0, "fail")), ".", "Ann", sep="\t") for r in p.VariantFile("$T/scored.vcf.gz")]' > $T/labels.tsv
	$(BIN)/fdr-filter --calls $T/scored.vcf.gz --events SOMATIC_TUMOR --fdr 0.05 --output $T/filtered.vcf.gz
	$(BIN)/tensorise --candidates $T/candidates.vcf.gz --reference $T/reference.fa --tumor $T/tumor.bam --normal $T/normal.bam \
	  --truth $T/truth.vcf.gz --output $T/tensors.h5
	$(BIN)/train --tensors $T/tensors.h5 --epochs 30 --batch-size 32 --output $T/model.keras
	$(BIN)/predict --model $T/model.keras --tensors $T/tensors.h5 --output $T/predicted.vcf.gz

# Tests that start TensorFlow run apart: others fork, which a process with TensorFlow's threads must not. Both parts always run.
NETWORK_TESTS := tests/commands/test_predict.py tests/commands/test_predict_explanations.py \
  tests/commands/test_predict_built_in.py tests/commands/test_predict_refusals.py tests/commands/test_train.py \
  tests/unit/test_network_layers.py tests/unit/test_network_runtime.py tests/unit/test_network_study.py \
  tests/unit/test_network_training.py \
  tests/network_examples.py tests/predict_examples.py tests/training_laboratory.py tools/varproof/network

# Per cent of the lines, some points under what is covered. At the end, what is: by room, and what least.
LEAST_COVERED := 95

test: .venv/installed-dev
	rm -rf build/coverage && mkdir -p build/coverage
	status=0; cover='$(BIN)/python -m coverage run'; \
	$$cover -m pytest -n auto --dist worksteal --ignore=tests/wrappers $(addprefix --ignore=,$(NETWORK_TESTS)) || status=$$?; \
	$$cover -m pytest -n auto --dist worksteal $(NETWORK_TESTS) || status=$$?; \
	$(BIN)/python tests/coverage_rooms.py --least $(LEAST_COVERED) || status=$$?; \
	exit $$status

# Once more what has failed, of both parts; an error where nothing has.
test-again: .venv/installed-dev
	$(BIN)/python -m pytest -n auto --last-failed --last-failed-no-failures none --ignore=tests/wrappers

# The tests of compiled code with every index checked, compiled for that apart from the usual code.
KERNEL_TESTS := $(addprefix tests/unit/test_,allele_support.py candidates_clips.py candidates_features.py \
  candidates_finding.py candidates_joining.py candidates_rewriting.py density.py edit_distance.py error_profile.py \
  fragments.py haplotypes.py likelihood.py links.py numerics.py packing.py pair_hmm.py reads_decode.py reads_records.py \
  reads_repeats.py sampling.py simulation_neighbours.py simulation_reads.py spiking_copying.py typing.py vaf.py)

bounds: .venv/installed-dev
	NUMBA_BOUNDSCHECK=1 $(BIN)/python -m pytest -n auto --dist worksteal --timeout 1200 $(KERNEL_TESTS)

# Spoilt files and faults by the thousand; `make test` runs a few hundred of the former.
robust: .venv/installed-dev
	$(BIN)/python tests/benchmarks/robustness.py

# Images, Nextflow, Galaxy and real callers (GATK, freebayes, ...) on the real engines, which are installed where that may be
# done (Debian, root).
test-wrappers: .venv/installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadscope $(AGAIN) tests/wrappers

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy packaging/release.py
	$(BIN)/deptry --no-ansi tools

.venv/installed-docs: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

# The documentation as a site, from docs/ and from the code; any warning is an error. Nothing is fetched while it is built or read.
docs: .venv/installed-docs
	$(BIN)/python docs/generate.py build/docs-source
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -b html build/docs-source build/docs

# Known weaknesses of what the images hold; asks PyPI.
audit: .venv/installed
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	for lock in core cnn-cpu cnn-gpu core-aarch64 cnn-cpu-aarch64 build; do \
	  .venv/audit/bin/pip-audit --require-hashes --disable-pip --requirement containers/$$lock.lock || exit 1; \
	done

# The networks that come with the package, and their sheets. The same profile makes the same files on one kind of processor.
PROFILE ?= medium
models: .venv/installed-dev
	$(BIN)/python tests/benchmarks/models.py --profile $(PROFILE)

bench: .venv/installed-dev
	$(BIN)/python tests/benchmarks/bench.py
	$(BIN)/python tests/benchmarks/candidates.py
	$(BIN)/python tests/benchmarks/reason_accuracy.py
	$(BIN)/python tests/benchmarks/mutect2.py
	$(BIN)/python tests/benchmarks/neighbours.py
	$(MAKE) bench-regimes
	$(MAKE) bench-tumor-only
	$(BIN)/python tests/benchmarks/network.py
	$(BIN)/python tests/benchmarks/spiking.py
	$(BIN)/python tests/benchmarks/calibration.py
	$(BIN)/python tests/benchmarks/scenarios.py
	$(BIN)/python tests/benchmarks/scenario_cost.py
	$(BIN)/python tests/benchmarks/speed.py
	$(BIN)/python -m pip install --quiet --disable-pip-version-check loky oxbow
	$(BIN)/python tests/benchmarks/parts.py

bench-regimes: .venv/installed-dev
	$(BIN)/python tests/benchmarks/regimes.py --jobs 2

bench-tumor-only: .venv/installed-dev
	$(BIN)/python tests/benchmarks/tumor_only.py --jobs 2
	$(BIN)/python tests/benchmarks/copy_number.py --first 10
	$(BIN)/python tests/benchmarks/panels.py

# Each measure of speed and one of quality on small inputs, and a fault of each kind: whether it runs, for CI.
bench-short: .venv/installed-dev
	rm -rf build/bench && mkdir -p build/bench
	$(BIN)/python tests/benchmarks/speed.py --short --work build/bench/work --output build/bench
	$(BIN)/python tests/benchmarks/neighbours.py --short --work build/bench/work --output build/bench
	$(BIN)/python tests/benchmarks/regimes.py --short --work build/bench/work --output build/bench
	$(BIN)/python tests/benchmarks/tumor_only.py --short --work build/bench/work --output build/bench
	VARPROOF_FAULTS=1 $(BIN)/python -m pytest -n auto --dist worksteal tests/robustness/test_faults.py

# The pictures of README and docs, from the demo's report and its second pair; needs chromium.
picture: demo
	$(BIN)/tensorise --candidates $(KNOWN)/candidates.vcf.gz --reference $(KNOWN)/reference.fa --tumor $(KNOWN)/tumor.bam \
	  --normal $(KNOWN)/normal.bam --truth $(KNOWN)/truth.vcf.gz --output demo/known.h5 \
	  --pictures demo/pictures --picture chr1:247758
	cp demo/pictures/chr1_247758_T_A.png docs/pileup.png
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1040,1475 \
	  --screenshot=docs/report.png 'file://$(CURDIR)/demo/report.html'

# Writes what a release changes and says what is left to do; see CONTRIBUTING.md.
release:
	$(PYTHON) packaging/release.py $(VERSION) $(addprefix --date ,$(DATE))

clean:
	rm -rf .venv demo build .pytest_cache .mypy_cache .ruff_cache .hypothesis tools/*.egg-info
	find tools tests -name __pycache__ -type d -prune -exec rm -rf {} +
