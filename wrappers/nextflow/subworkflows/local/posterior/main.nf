// The model's judgement of pairs: what the reads of each teach, whatever its list; then one scoring per pair under that prior.

include { VARPROOF_LEARNPRIOR     } from '../../../modules/varproof/learnprior/main'
include { VARPROOF_SCOREPOSTERIOR } from '../../../modules/varproof/scoreposterior/main'

workflow POSTERIOR {
    take:
    rows       // list of rows of the samplesheet
    purities   // [ id, purity ]
    estimates  // [ id, purity.json or [] ]
    samples    // [ id, tumor|normal, reads, index, alignment.json ]
    candidates // [ meta, candidates ]
    evidence   // [ meta with the sample and its role, evidence ]
    reference  // value: [ meta, fasta, fai ]
    regions    // file or []
    prior      // file, or [] where it is learnt
    learning   // whether reads teach the prior
    resource   // value: [ meta, germline resource, index ], or [ meta, [], [] ]
    panel      // value: [ meta, panel or [] ]

    main:
    ch_evidence = evidence.branch { meta, _h5 ->
        tumor: meta.role == 'tumor'
        normal: meta.role == 'normal'
    }
    // Without a normal, copy numbers that were estimated with the purity are taken where the samplesheet gives none.
    ch_pairs = purities
        .join(estimates)
        .join(channel.fromList(rows.collect { row -> [row.meta.id, row.segments, row.normal.file] }))
        .map { id, purity, json, segments, normal -> [id, purity, segments ?: (normal ? [] : json)] }
    ch_sample = samples.branch { _id, role, _reads, _index, _json ->
        tumor: role == 'tumor'
        normal: role == 'normal'
    }
    VARPROOF_LEARNPRIOR(
        ch_pairs
            .filter { _id, _purity, _segments -> learning }
            .join(ch_sample.tumor.map { id, _role, reads, index, json -> [id, [reads, index, json]] })
            .join(ch_sample.normal.map { id, _role, reads, index, json -> [id, [reads, index, json]] }, remainder: true)
            .filter { _id, _purity, _segments, tumor, _normal -> tumor }
            .map { id, purity, segments, tumor, normal -> [[id: "${id}.prior", sample: id]] + tumor + (normal ?: [[], [], []]) + [regions, purity, segments] },
        reference,
        resource,
        panel,
    )
    ch_prior = learning ? VARPROOF_LEARNPRIOR.out.json.map { meta, json -> [meta.sample, json] } : ch_pairs.map { id, _purity, _segments -> [id, prior] }
    VARPROOF_SCOREPOSTERIOR(
        ch_pairs
            .join(candidates.map { meta, vcf -> [meta.id, vcf] })
            .join(ch_evidence.tumor.map { meta, h5 -> [meta.sample, h5] })
            .join(ch_prior)
            .join(ch_evidence.normal.map { meta, h5 -> [meta.sample, h5] }, remainder: true)
            .map { id, purity, segments, vcf, tumor, known, normal -> [[id: "${id}.posterior", sample: id], vcf, tumor, [], [], normal ?: [], [], [], regions, known, purity, segments] },
        reference,
        resource,
        panel,
    )

    scored = VARPROOF_SCOREPOSTERIOR.out.vcf.map { meta, vcf -> [[id: meta.sample], vcf] }

    emit:
    scored // [ meta, calls ]
}
