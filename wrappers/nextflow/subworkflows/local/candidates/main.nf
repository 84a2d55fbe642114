// What comes before any judgement, once per sample: how it was sequenced, and candidates where the samplesheet gives none;
// then the candidates in chunks.

include { UNITE                      } from '../../../modules/local/unite/main'
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
        .collectMany { row -> row.samples.collect { sample -> [[id: "${row.meta.id}.${sample.role}"], sample] } }
        .unique { sample -> sample[1].file.toUri().toString() }
    VARPROOF_ESTIMATEALIGNMENT(channel.fromList(sequenced.collect { meta, reads -> [meta, reads.file, reads.index, regions] }), reference)
    def sample_of = sequenced.collectEntries { meta, reads -> [reads.file.toUri().toString(), meta.id] }
    def wanted = rows
        .collectMany { row -> row.samples.collect { sample -> [sample_of[sample.file.toUri().toString()], row.meta.id, sample.role, sample.file, sample.index] } }
    samples = channel.fromList(wanted)
        .combine(VARPROOF_ESTIMATEALIGNMENT.out.json.map { meta, json -> [meta.id, json] }, by: 0)
        .map { _sample, id, role, reads, index, json -> [id, role, reads, index, json] }

    // Every sample but the normal is searched, beside which it is shown.
    def searched = rows
        .findAll { row -> !row.candidates }
        .collectMany { row ->
            def own = row.samples.findAll { sample -> sample.role != 'normal' } ?: row.samples
            own.collect { sample -> [[id: own.size() > 1 ? "${row.meta.id}.${sample.role}.candidates" : "${row.meta.id}.candidates", sample: row.meta.id, lists: own.size()], sample, row.normal] }
        }
    VARPROOF_CALLCANDIDATES(
        channel.fromList(searched.collect { meta, sample, normal -> sample.role == 'normal' ? [meta, sample.file, sample.index, [], [], regions] : [meta, sample.file, sample.index, normal.file, normal.index, regions] }),
        reference,
        known,
    )
    ch_lists = channel.fromList(rows.collectMany { row -> row.candidates.collect { vcf -> [row.meta.id, row.candidates.size(), vcf] } })
        .mix(VARPROOF_CALLCANDIDATES.out.vcf.map { meta, vcf -> [meta.sample, meta.lists, vcf] })
        .branch { _id, number, _vcf ->
            single: number == 1
            several: number > 1
        }
    UNITE(
        ch_lists.several
            .map { id, number, vcf -> [groupKey([id], number), vcf] }
            .groupTuple()
            .map { key, files -> [[id: "${key[0]}.candidates", sample: key[0]], files.sort { one, other -> one.toUri().toString() <=> other.toUri().toString() }] },
        reference,
    )
    candidates = ch_lists.single
        .map { id, _number, vcf -> [[id: id], vcf] }
        .mix(UNITE.out.vcf.map { meta, vcf -> [[id: meta.sample], vcf] })

    VARPROOF_SCATTERCANDIDATES(candidates, reference)
    chunks = VARPROOF_SCATTERCANDIDATES.out.vcf.flatMap { meta, vcf ->
        def files = vcf instanceof List ? vcf : [vcf]
        files.collect { chunk -> [meta.id, chunk.name - '.vcf.gz', files.size(), chunk] }
    }

    emit:
    samples    // [ id, role, reads, index, alignment.json ]
    candidates // [ meta, candidates ]
    chunks     // [ id, name of the chunk, number of chunks, candidates of the chunk ]
}
