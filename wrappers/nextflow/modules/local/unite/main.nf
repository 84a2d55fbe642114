// One list of candidates of several: of those that callers made of each sample.

process UNITE {
    tag "${meta.id}"
    label 'process_single'

    conda "${projectDir}/modules/varproof/scoreposterior/environment.yml"
    container "ghcr.io/varproof/varproof:0.1.0"

    input:
    tuple val(meta), path(lists, stageAs: 'list?/*')
    tuple val(meta2), path(fasta), path(fai)

    output:
    tuple val(meta), path("*.vcf.gz"), emit: vcf

    script:
    """
    unite_candidates.py --reference ${fasta} --output ${meta.id}.vcf.gz ${lists}
    """

    stub:
    """
    echo "" | gzip > ${meta.id}.vcf.gz
    """
}
