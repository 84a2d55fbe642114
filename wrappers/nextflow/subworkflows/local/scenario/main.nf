// The events of a scenario, over any samples: drawn once, and scored for each patient.

include { VARPROOF_PLOTSCENARIO  } from '../../../modules/varproof/plotscenario/main'
include { VARPROOF_SCORESCENARIO } from '../../../modules/varproof/scorescenario/main'

workflow SCENARIO {
    take:
    rows       // list of rows of the samplesheet
    scenario   // what readScenario found
    candidates // [ meta, candidates ]
    evidence   // [ meta with the sample and its role, evidence ]
    reference  // value: [ meta, fasta, fai ]

    main:
    VARPROOF_PLOTSCENARIO(channel.of([[id: scenario.name], scenario.name, scenario.file]))
    // score-scenario is told by a table which evidence is whose.
    ch_tables = channel.fromList(rows)
        .collectFile { row -> ["${row.meta.id}.samples.tsv", tableOf(row)] }
        .map { table -> [table.name - '.samples.tsv', table] }
    def samples_of = rows.collectEntries { row -> [row.meta.id, row.samples.size()] }
    ch_evidence = evidence
        .map { meta, h5 -> [groupKey([meta.sample], samples_of[meta.sample]), h5] }
        .groupTuple()
        .map { key, files -> [key[0], files.sort { one, other -> one.name <=> other.name }] }
    VARPROOF_SCORESCENARIO(
        candidates
            .map { meta, vcf -> [meta.id, vcf] }
            .join(ch_tables)
            .join(ch_evidence)
            .map { id, vcf, table, files -> [[id: "${id}.posterior", sample: id], vcf, table, files, [], []] },
        [[id: scenario.name], scenario.name, scenario.file],
        reference,
    )
    scored = VARPROOF_SCORESCENARIO.out.vcf.map { meta, vcf -> [[id: meta.sample], vcf] }

    emit:
    scored // [ meta, calls ]
}

def tableOf(row) {
    return 'sample\treads\n' + row.samples.collect { sample -> "${sample.role}\t${row.meta.id}.${sample.role}.h5\n" }.join('')
}
