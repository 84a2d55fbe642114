// What is kept of scored calls, and what it looks like: at the chosen false discovery rate, with allele frequencies, and against
// the truth where the samplesheet names one.

include { VARPROOF_ESTIMATEVAF   } from '../../../modules/varproof/estimatevaf/main'
include { VARPROOF_EVALUATECALLS } from '../../../modules/varproof/evaluatecalls/main'
include { VARPROOF_FDRFILTER     } from '../../../modules/varproof/fdrfilter/main'

workflow CALLS {
    take:
    rows      // list of rows of the samplesheet
    calls     // [ meta, branch, its events, calls ]
    estimates // [ id, purity.json or [] ]
    fdr       // false discovery rate
    searched  // whether scored calls tell how many bases of their reads were searched, as learnt priors do
    truth     // events of the truth that count
    reference // value: [ meta, fasta, fai ]
    regions   // file or []

    main:
    VARPROOF_FDRFILTER(calls.map { meta, branch, events, vcf -> [[id: "${meta.id}.${branch}.filtered", sample: meta.id, branch: branch], vcf, events, fdr] })
    ch_scored = calls
        .filter { _meta, branch, _events, _vcf -> branch == 'posterior' }
        .map { meta, _branch, _events, vcf -> [meta.id, vcf] }
    // Of a pair the tumour's frequencies are told, of a scenario those of each sample that is measured.
    ch_measured = channel.fromList(rows.collectMany { row -> row.measured.collect { role -> [row.meta.id, role] } })
    // The network alone says nothing of allele frequencies. The mutational burden is of all that the model scored.
    VARPROOF_ESTIMATEVAF(
        VARPROOF_FDRFILTER.out.vcf
            .filter { meta, _vcf -> meta.branch != 'network' }
            .map { meta, vcf -> [meta.sample, meta, vcf] }
            .combine(estimates, by: 0)
            .combine(ch_scored, by: 0)
            .combine(ch_measured, by: 0)
            .map { _id, meta, vcf, estimate, scored, role -> [meta + [id: role ? "${meta.id}.${role}.vaf" : "${meta.id}.vaf"], vcf, [], [], [], [], [], estimate, searched && meta.branch == 'posterior' ? scored : [], [], role] },
        [[id: 'none'], [], []],
    )
    ch_truth = channel.fromList(rows.findAll { row -> row.truth }.collect { row -> [row.meta.id, row.truth] })
    VARPROOF_EVALUATECALLS(
        calls
            .map { meta, branch, events, vcf -> [meta.id, branch, events, vcf] }
            .combine(ch_truth, by: 0)
            .map { id, branch, events, vcf, variants -> [[id: "${id}.${branch}.metrics", sample: id], vcf, variants, regions, events, [], truth] },
        reference,
    )
    filtered = VARPROOF_FDRFILTER.out.vcf
    frequencies = VARPROOF_ESTIMATEVAF.out.tsv
    metrics = VARPROOF_EVALUATECALLS.out.json

    emit:
    filtered    // [ meta with the sample, calls ]
    frequencies // [ meta with the sample, table ]
    metrics     // [ meta with the sample, json ]
}
