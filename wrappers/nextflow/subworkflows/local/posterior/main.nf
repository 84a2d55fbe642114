// The model's judgement: evidence of each chunk and sample, gathered; then one scoring per pair, which learns its prior from all.

include { VARPROOF_COLLECTEVIDENCE } from '../../../modules/varproof/collectevidence/main'
include { VARPROOF_GATHER          } from '../../../modules/varproof/gather/main'
include { VARPROOF_SCOREPOSTERIOR  } from '../../../modules/varproof/scoreposterior/main'

workflow POSTERIOR {
    take:
    rows       // list of rows of the samplesheet
    samples    // [ id, tumor|normal, reads, index, alignment.json ]
    candidates // [ meta, candidates ]
    chunks     // [ id, name of the chunk, number of chunks, candidates of the chunk ]
    reference  // value: [ meta, fasta, fai ]
    regions    // file or []
    prior      // file or []

    main:
    // Repeats are measured in tumour and normal together: each is told what the other's reads show of them.
    def samples_of = rows.collectEntries { row -> [row.meta.id, row.normal.file ? 2 : 1] }
    ch_repeats = samples
        .map { id, _role, _reads, _index, json -> [groupKey([id], samples_of[id]), json] }
        .groupTuple()
        .map { key, files -> [key[0], files] }
    VARPROOF_COLLECTEVIDENCE(
        chunks
            .combine(samples.combine(ch_repeats, by: 0), by: 0)
            .map { id, chunk, total, vcf, role, reads, index, json, files -> [[id: "${id}.${role}.${chunk}", sample: id, role: role, chunks: total], vcf, reads, index, json, files.findAll { file -> file != json }] },
        reference,
    )
    ch_parts = VARPROOF_COLLECTEVIDENCE.out.h5
        .map { meta, h5 -> [groupKey([meta.sample, meta.role], meta.chunks), h5] }
        .groupTuple()
        .map { key, files -> [key[0], key[1], files.sort { one, other -> one.name <=> other.name }] }
    VARPROOF_GATHER(
        ch_parts
            .combine(candidates.map { meta, vcf -> [meta.id, vcf] }, by: 0)
            .map { id, role, files, vcf -> [[id: "${id}.${role}", sample: id, role: role], files, vcf] }
    )
    ch_evidence = VARPROOF_GATHER.out.h5.branch { meta, _h5 ->
        tumor: meta.role == 'tumor'
        normal: meta.role == 'normal'
    }
    VARPROOF_SCOREPOSTERIOR(
        channel.fromList(rows.collect { row -> [row.meta.id, row.meta.purity] })
            .join(candidates.map { meta, vcf -> [meta.id, vcf] })
            .join(ch_evidence.tumor.map { meta, h5 -> [meta.sample, h5] })
            .join(ch_evidence.normal.map { meta, h5 -> [meta.sample, h5] }, remainder: true)
            .map { id, purity, vcf, tumor, normal -> [[id: "${id}.posterior", sample: id], vcf, tumor, [], [], normal ?: [], [], [], regions, prior, purity] },
        reference,
    )

    scored = VARPROOF_SCOREPOSTERIOR.out.vcf.map { meta, vcf -> [[id: meta.sample], vcf] }

    emit:
    scored // [ meta, calls ]
}
