// What a person opens of each sample: the report of what was called, and the page in which people judge candidates.

include { VARPROOF_REPORTCALLS } from '../../../modules/varproof/reportcalls/main'
include { VARPROOF_REVIEWCALLS } from '../../../modules/varproof/reviewcalls/main'

workflow PAGES {
    take:
    rows      // list of rows of the samplesheet
    events    // events that are called
    scored    // [ meta, calls of the posterior ]
    predicted // [ id, calls of the network or [] ]
    estimates // [ id, purity.json or [] ]
    reference // value: [ meta, fasta, fai ]
    reported  // whether reports are wanted
    reviewed  // whether pages for reviewers are wanted

    main:
    ch_scored = scored.map { meta, vcf -> [meta.id, vcf] }
    ch_reads = channel.fromList(rows.collect { row -> [row.meta.id, row.tumor, row.normal, row.contexts] })
    VARPROOF_REVIEWCALLS(
        ch_scored
            .filter { _id, vcf -> reviewed && hasRecords(vcf) }
            .combine(ch_reads, by: 0)
            .combine(predicted, by: 0)
            .map { id, vcf, tumor, normal, contexts, network ->
                [
                    [id: "${id}.review", sample: id],
                    vcf,
                    tumor.file,
                    tumor.index,
                    normal.file,
                    normal.index,
                    contexts.collect { item -> item.file },
                    contexts.collect { item -> item.index },
                    network,
                    events,
                ]
            },
        reference,
    )
    // The report links what the reviewers' page holds. A list without candidates has no such page.
    ch_desks = VARPROOF_REVIEWCALLS.out.html.filter { _meta, _page -> reported }.map { meta, page -> [meta.sample, page] }
    VARPROOF_REPORTCALLS(
        ch_scored
            .filter { _id, _vcf -> reported }
            .combine(estimates, by: 0)
            .join(ch_desks, remainder: true)
            .map { id, vcf, estimate, page -> [[id: "${id}.report", sample: id], vcf, estimate, [], page ?: [], events] },
        reference,
    )
    reports = VARPROOF_REPORTCALLS.out.html
    reviews = VARPROOF_REVIEWCALLS.out.html

    emit:
    reports // [ meta with the sample, page ]
    reviews // [ meta with the sample, page ]
}

// Whether there is a candidate to judge.
def hasRecords(vcf) {
    return vcf.withInputStream { stream ->
        new java.util.zip.GZIPInputStream(stream).newReader().lines().anyMatch { line -> !line.startsWith('#') }
    }
}
