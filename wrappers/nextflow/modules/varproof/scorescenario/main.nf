process VARPROOF_SCORESCENARIO {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(candidates), path(samples), path(reads), path(reads_index), path(alignments)
    tuple val(meta2), val(scenario), path(scenario_file)
    tuple val(meta3), path(fasta), path(fai)


    output:
    tuple val(meta), path("*.vcf.gz"), emit: vcf
    tuple val(meta), path("*.{tbi,csi}"), emit: index
    tuple val("${task.process}"), val('varproof'), eval("score-scenario --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    score-scenario \\
        --scenario ${scenario_file ?: scenario} \\
        --samples ${samples} \\
        --candidates ${candidates} \\
        --reference ${fasta} \\
        --threads ${task.cpus} \\
        ${args} \\
        --output ${prefix}.vcf.gz
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    echo "" | gzip > ${prefix}.vcf.gz
    touch ${prefix}.vcf.gz.tbi
    """
}
