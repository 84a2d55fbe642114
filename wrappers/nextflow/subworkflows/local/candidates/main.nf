// What comes before any judgement, once per sample: how it was sequenced, and candidates where the samplesheet gives none;
// then the candidates in chunks.

include { VARPROOF_CALLCANDIDATES    } from '../../../modules/varproof/callcandidates/main'
include { VARPROOF_ESTIMATEALIGNMENT } from '../../../modules/varproof/estimatealignment/main'
include { VARPROOF_SCATTERCANDIDATES } from '../../../modules/varproof/scattercandidates/main'

workflow CANDIDATES {
    take:
    rows      // list of rows of the samplesheet
    reference // value: [ meta, fasta, fai ]
    regions   // file or []
    known     // value: [ meta, known_sites, index, tree ]

    main:
    // A normal that several tumours share is looked at once.
    def sequenced = rows
        .collectMany { row -> [[[id: "${row.meta.id}.tumor"], row.tumor], [[id: "${row.meta.id}.normal"], row.normal]] }
        .findAll { _meta, reads -> reads.file }
        .unique { sample -> sample[1].file.toUri().toString() }
    VARPROOF_ESTIMATEALIGNMENT(channel.fromList(sequenced.collect { meta, reads -> [meta, reads.file, reads.index, regions] }), reference)
    def sample_of = sequenced.collectEntries { meta, reads -> [reads.file.toUri().toString(), meta.id] }
    def wanted = rows
        .collectMany { row -> [[row.meta.id, 'tumor', row.tumor], [row.meta.id, 'normal', row.normal]] }
        .findAll { _id, _role, reads -> reads.file }
        .collect { id, role, reads -> [sample_of[reads.file.toUri().toString()], id, role, reads.file, reads.index] }
    samples = channel.fromList(wanted)
        .combine(VARPROOF_ESTIMATEALIGNMENT.out.json.map { meta, json -> [meta.id, json] }, by: 0)
        .map { _sample, id, role, reads, index, json -> [id, role, reads, index, json] }

    def searched = rows.findAll { row -> !row.candidates }
    VARPROOF_CALLCANDIDATES(
        channel.fromList(searched.collect { row -> [[id: "${row.meta.id}.candidates", sample: row.meta.id], row.tumor.file, row.tumor.index, row.normal.file, row.normal.index, regions] }),
        reference,
        known,
    )
    candidates = channel.fromList(rows.findAll { row -> row.candidates }.collect { row -> [[id: row.meta.id], row.candidates] })
        .mix(VARPROOF_CALLCANDIDATES.out.vcf.map { meta, vcf -> [[id: meta.sample], vcf] })

    VARPROOF_SCATTERCANDIDATES(candidates, reference)
    chunks = VARPROOF_SCATTERCANDIDATES.out.vcf.flatMap { meta, vcf ->
        def files = vcf instanceof List ? vcf : [vcf]
        files.collect { chunk -> [meta.id, chunk.name - '.vcf.gz', files.size(), chunk] }
    }

    emit:
    samples    // [ id, tumor|normal, reads, index, alignment.json ]
    candidates // [ meta, candidates ]
    chunks     // [ id, name of the chunk, number of chunks, candidates of the chunk ]
}
