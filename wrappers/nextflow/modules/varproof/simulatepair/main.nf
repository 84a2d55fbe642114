process VARPROOF_SIMULATEPAIR {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(fasta), path(fai)

    output:
    tuple val(meta), path("*/*.{bam,cram}"), emit: reads
    tuple val(meta), path("*/*.{bai,crai}"), emit: index
    tuple val(meta), path("*/reference.fa"), emit: fasta
    tuple val(meta), path("*/reference.fa.fai"), emit: fai
    tuple val(meta), path("*/candidates.vcf.gz"), emit: candidates
    tuple val(meta), path("*/truth.vcf.gz"), emit: truth
    tuple val(meta), path("*/*.tbi"), emit: tbi
    tuple val(meta), path("*/simulation.json"), emit: json
    tuple val(meta), path("*/targets.bed"), emit: targets, optional: true
    tuple val(meta), path("*/segments.tsv"), emit: segments, optional: true
    tuple val(meta), path("*/germline-resource.vcf.gz"), emit: resource, optional: true
    tuple val("${task.process}"), val('varproof'), eval("simulate-pair --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def fasta_option = fasta ? "--reference ${fasta}" : ''
    """
    simulate-pair \\
        ${fasta_option} \\
        --threads ${task.cpus} \\
        ${args} \\
        --output ${prefix}
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir ${prefix}
    touch ${prefix}/tumor.bam ${prefix}/tumor.bam.bai ${prefix}/normal.bam ${prefix}/normal.bam.bai
    touch ${prefix}/reference.fa ${prefix}/reference.fa.fai ${prefix}/simulation.json
    echo "" | gzip > ${prefix}/candidates.vcf.gz
    echo "" | gzip > ${prefix}/truth.vcf.gz
    touch ${prefix}/candidates.vcf.gz.tbi ${prefix}/truth.vcf.gz.tbi
    """
}
