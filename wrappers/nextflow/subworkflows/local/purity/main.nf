// How pure each tumour is: as the samplesheet says, or estimated from its reads, and its normal's, where that says `auto`.

include { VARPROOF_ESTIMATEPURITY } from '../../../modules/varproof/estimatepurity/main'

workflow PURITY {
    take:
    rows      // list of rows of the samplesheet
    reference // value: [ meta, fasta, fai ]
    regions   // file or []
    panel     // value: [ meta, file or [] ]: of build-panel, or a VCF, which tells no depth

    main:
    def asked = rows.findAll { row -> row.meta.purity == 'auto' }
    VARPROOF_ESTIMATEPURITY(
        channel.fromList(asked.collect { row -> [[id: "${row.meta.id}.purity", sample: row.meta.id], row.tumor.file, row.tumor.index, row.normal.file, row.normal.index, regions, [], []] }),
        reference,
        [[id: 'none'], [], []],
        panel.map { meta, file -> [meta, file && file.name.endsWith('.h5') ? file : []] },
    )
    ch_told = channel.fromList((rows - asked).collect { row -> [row.meta.id, row.meta.purity, []] })
        .mix(VARPROOF_ESTIMATEPURITY.out.json.map { meta, json -> [meta.sample, estimatedPurity(meta.sample, json), json] })
    // Where the reads can't tell, 1 is taken, as `score-posterior --purity auto` takes it.
    purities = ch_told.map { id, purity, _json -> [id, purity ?: '1'] }
    estimates = ch_told.map { id, purity, json -> [id, purity ? json : []] }

    emit:
    purities  // [ id, purity ]
    estimates // [ id, purity.json or [] ]
}

// What a purity.json says; null, with a warning, where the reads can't tell.
def estimatedPurity(id, json) {
    def purity = new groovy.json.JsonSlurper().parseText(json.text).purity
    if (purity == null) {
        log.warn("${id}: the reads can't tell the purity, so 1 is taken; give a number in the samplesheet if you know better")
    }
    return purity?.toString()
}
