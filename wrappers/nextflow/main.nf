#!/usr/bin/env nextflow
// Candidates of tumour/normal pairs, or of the samples of a scenario, judged from their reads, on a cluster or in a cloud: what
// reads alignments is done on chunks of candidates, what is learnt from a whole sample is done once on all of them. The number of
// chunks changes no result.

include { CALLS                                           } from './subworkflows/local/calls/main'
include { CANDIDATES                                      } from './subworkflows/local/candidates/main'
include { checkParameters ; helpText                      } from './subworkflows/local/parameters/main'
include { EVIDENCE                                        } from './subworkflows/local/evidence/main'
include { MULTIQC                                         } from './modules/local/multiqc/main'
include { NETWORK                                         } from './subworkflows/local/network/main'
include { PAGES                                           } from './subworkflows/local/pages/main'
include { POSTERIOR                                       } from './subworkflows/local/posterior/main'
include { PURITY                                          } from './subworkflows/local/purity/main'
include { readContextPool ; readNormals ; readSamplesheet } from './subworkflows/local/samplesheet/main'
include { readScenario ; readScenarioSheet                } from './subworkflows/local/scenariosheet/main'
include { SCENARIO                                        } from './subworkflows/local/scenario/main'
include { SECTIONS                                        } from './modules/local/sections/main'
include { VARPROOF_BUILDPANEL                             } from './modules/varproof/buildpanel/main'

// The indexes that lie beside a VCF; none without one.
def indexesBeside(location) {
    return location ? ['.tbi', '.csi'].collect { suffix -> file("${location}${suffix}") }.findAll { index -> index.exists() } : []
}

workflow VARPROOF {
    take:
    rows     // list of rows of the samplesheet
    scenario // what is known of the scenario, or [:]
    pool     // list of samples to draw contexts from, or []

    main:
    def fasta = file(params.fasta, checkIfExists: true)
    def indexes = ['.fai', '.gzi'].collect { suffix -> file("${params.fasta}${suffix}") }.findAll { index -> index.exists() }
    if (!indexes) {
        error("--fasta ${params.fasta}: no index beside it; make it with 'samtools faidx'")
    }
    reference = channel.value([[id: fasta.simpleName], fasta, indexes])
    def regions = params.regions ? file(params.regions, checkIfExists: true) : []
    def prior = params.prior in ['empirical', 'flat'] ? [] : file(params.prior, checkIfExists: true)
    def learning = params.prior == 'empirical' && params.learn_from != 'candidates'
    def sites = params.known_sites ? file(params.known_sites, checkIfExists: true) : []
    def sites_index = indexesBeside(params.known_sites)
    def resource = params.germline_resource ? file(params.germline_resource, checkIfExists: true) : []
    def resource_index = indexesBeside(params.germline_resource)
    def tree = params.tree ? file(params.tree, checkIfExists: true) : []

    def panel = params.panel ? file(params.panel, checkIfExists: true) : []
    ch_panel = channel.value([[id: 'panel'], panel])
    if (params.normals) {
        def (normals, normal_indexes) = readNormals(params.normals)
        VARPROOF_BUILDPANEL(channel.value([[id: 'panel'], normals, normal_indexes, [], [], panel ? [] : regions, panel]), reference)
        ch_panel = VARPROOF_BUILDPANEL.out.h5
    }

    CANDIDATES(rows, reference, regions, channel.value([[id: 'known'], sites, sites_index, tree]))
    PURITY(rows, reference, regions, ch_panel)
    EVIDENCE(rows, CANDIDATES.out.samples, CANDIDATES.out.candidates, CANDIDATES.out.chunks, reference)
    def events = scenario ? scenario.called : params.events ?: 'SOMATIC_TUMOR'
    if (scenario) {
        SCENARIO(rows, scenario, CANDIDATES.out.candidates, EVIDENCE.out.h5, reference)
        ch_scored = SCENARIO.out.scored
    }
    else {
        POSTERIOR(rows, PURITY.out.purities, PURITY.out.estimates, CANDIDATES.out.samples, CANDIDATES.out.candidates, EVIDENCE.out.h5, reference, regions, prior, learning, channel.value([[id: 'resource'], resource, resource_index]), ch_panel)
        ch_scored = POSTERIOR.out.scored
    }
    ch_calls = ch_scored.map { meta, vcf -> [meta, 'posterior', events, vcf] }

    ch_predicted = channel.fromList(rows.collect { row -> [row.meta.id, []] })

    if (params.network || params.model) {
        def shown = params.model ? [] : rows.findAll { row -> row.contexts }
        if (shown) {
            error("--input: ${shown[0].meta.id} has contexts, which no network that comes with varproof knows; give --model, or leave them out")
        }
        def known = [params.calibration, params.calibration_truth, params.stacking].collect { path -> path ? file(path, checkIfExists: true) : [] }
        NETWORK(
            rows,
            CANDIDATES.out.candidates,
            CANDIDATES.out.chunks,
            ch_scored,
            reference,
            channel.value([[id: 'model'], params.model ? file(params.model, checkIfExists: true) : []]),
            channel.value([[id: 'known']] + known),
            pool,
        )
        ch_predicted = NETWORK.out.predicted.map { meta, vcf -> [meta.id, vcf] }
        ch_calls = ch_calls
            .mix(NETWORK.out.predicted.map { meta, vcf -> [meta, 'network', 'CNN_SOMATIC', vcf] })
            .mix(NETWORK.out.combined.map { meta, vcf -> [meta, 'combined', 'COMBINED_SOMATIC', vcf] })
    }
    def true_events = params.truth_event ?: (scenario ? events : 'SOMATIC_TUMOR')
    CALLS(rows, ch_calls, PURITY.out.estimates, params.fdr, params.prior == 'empirical' && !scenario, true_events, reference, regions)
    PAGES(rows, events, ch_scored, ch_predicted, PURITY.out.estimates, reference, !params.skip_report, !params.skip_review)

    if (!params.skip_multiqc) {
        SECTIONS(
            ch_calls
                .map { meta, _branch, _events, vcf -> [[id: meta.id], vcf] }
                .mix(CALLS.out.filtered.mix(CALLS.out.frequencies, CALLS.out.metrics).map { meta, path -> [[id: meta.sample], path] })
                .groupTuple()
                .map { meta, files -> [meta, files.sort { one, other -> one.name <=> other.name }] }
        )
        MULTIQC(
            SECTIONS.out.json.flatten().toSortedList { one, other -> one.name <=> other.name },
            file("${projectDir}/assets/multiqc_config.yml"),
        )
    }
    channel.topic('versions')
        .map { _process, tool, version -> "${tool}: '${version}'" }
        .unique()
        .collectFile(name: 'versions.yml', storeDir: "${params.outdir}/pipeline_info", newLine: true, sort: true)
}

workflow {
    def schema = "${projectDir}/nextflow_schema.json"
    if (params.help) {
        log.info(helpText(schema, 'nextflow run varproof -profile docker --input samples.csv --fasta genome.fa --outdir results'))
    }
    else {
        checkParameters(schema, params)
        def scenario = params.scenario ? readScenario(params.scenario, params.events) : [:]
        def rows = scenario ? readScenarioSheet(params.input, scenario) : readSamplesheet(params.input, params.purity)
        VARPROOF(rows, scenario, params.context_pool && params.model ? readContextPool(params.context_pool) : [])
    }
}
