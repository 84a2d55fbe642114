// The evidence of every sample for and against each candidate: collected from chunks, gathered.

include { VARPROOF_COLLECTEVIDENCE } from '../../../modules/varproof/collectevidence/main'
include { VARPROOF_GATHER          } from '../../../modules/varproof/gather/main'

workflow EVIDENCE {
    take:
    rows       // list of rows of the samplesheet
    samples    // [ id, role, reads, index, alignment.json ]
    candidates // [ meta, candidates ]
    chunks     // [ id, name of the chunk, number of chunks, candidates of the chunk ]
    reference  // value: [ meta, fasta, fai ]

    main:
    // Repeats are measured in all samples together: each is told what the others' reads show of them.
    def samples_of = rows.collectEntries { row -> [row.meta.id, row.samples.size()] }
    ch_repeats = samples
        .map { id, _role, _reads, _index, json -> [groupKey([id], samples_of[id]), json] }
        .groupTuple()
        .map { key, files -> [key[0], files.sort { one, other -> one.name <=> other.name }] }
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
    h5 = VARPROOF_GATHER.out.h5

    emit:
    h5 // [ meta with the sample and its role, evidence ]
}
