// The network's judgement: tensors of each chunk, gathered; one prediction per pair, at the share of real variants of all; and the
// combination with the model's.

include { VARPROOF_TENSORISE    } from '../../../modules/varproof/tensorise/main'
include { VARPROOF_GATHER       } from '../../../modules/varproof/gather/main'
include { VARPROOF_PREDICT      } from '../../../modules/varproof/predict/main'
include { VARPROOF_COMBINECALLS } from '../../../modules/varproof/combinecalls/main'

workflow NETWORK {
    take:
    rows       // list of rows of the samplesheet
    candidates // [ meta, candidates ]
    chunks     // [ id, name of the chunk, number of chunks, candidates of the chunk ]
    scored     // [ meta, calls of the posterior ]
    reference  // value: [ meta, fasta, fai ]
    model      // value: [ meta, model ]
    known      // value: [ meta, calibration, calibration_truth, stacking ]
    pool       // list of samples of --context_pool: [ line, reads, index ], or []

    main:
    ch_table = pool
        ? channel.of(['sample\tpatient\tlibrary\treads'] + pool.withIndex(1).collect { item, i -> "${item.line}\tcontext${i}/${item.reads.name}" })
            .flatMap { lines -> lines }
            .collectFile(name: 'context-pool.tsv', newLine: true, sort: false)
            .first()
        : channel.value([])
    ch_tracks = channel.fromList(
        rows.collect { row ->
            def shown = pool ? pool.collect { item -> [file: item.reads, index: item.index] } : row.contexts
            [row.meta.id, row.meta.patient, row.meta.library, row.tumor, row.normal, shown]
        }
    )
    VARPROOF_TENSORISE(
        chunks
            .combine(ch_tracks, by: 0)
            .combine(ch_table.map { table -> [table] })
            .map { id, chunk, total, vcf, patient, library, tumor, normal, shown, table ->
                [
                    [id: "${id}.tensors.${chunk}", sample: id, chunks: total],
                    vcf,
                    tumor.file,
                    tumor.index,
                    normal.file,
                    normal.index,
                    shown.collect { item -> item.file },
                    shown.collect { item -> item.index },
                    table,
                    [],
                    [],
                    patient,
                    table && library ? library : [],
                ]
            },
        reference,
    )
    ch_parts = VARPROOF_TENSORISE.out.h5
        .map { meta, h5 -> [groupKey(meta.sample, meta.chunks), h5] }
        .groupTuple()
        .map { key, files -> [key.toString(), files.sort { one, other -> one.name <=> other.name }] }
    VARPROOF_GATHER(
        ch_parts
            .join(candidates.map { meta, vcf -> [meta.id, vcf] })
            .map { id, files, vcf -> [[id: "${id}.tensors", sample: id], files, vcf] }
    )
    VARPROOF_PREDICT(
        VARPROOF_GATHER.out.h5
            .map { meta, h5 -> [meta.sample, h5] }
            .join(candidates.map { meta, vcf -> [meta.id, vcf] })
            .map { id, h5, vcf -> [[id: "${id}.network", sample: id], h5, vcf, [], [], [], [], [], []] },
        reference,
        model,
    )
    predicted = VARPROOF_PREDICT.out.vcf.map { meta, vcf -> [[id: meta.sample], vcf] }
    VARPROOF_COMBINECALLS(
        scored.join(predicted).map { meta, one, other -> [[id: "${meta.id}.combined", sample: meta.id], one, other] },
        reference,
        known,
    )
    combined = VARPROOF_COMBINECALLS.out.vcf.map { meta, vcf -> [[id: meta.sample], vcf] }

    emit:
    predicted // [ meta, calls ]
    combined  // [ meta, calls ]
}
