process VARPROOF_ESTIMATEALIGNMENT {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(reads), path(index), path(regions)
    tuple val(meta2), path(fasta), path(fai)

    output:
    tuple val(meta), path("*.json"), emit: json
    tuple val("${task.process}"), val('varproof'), eval("estimate-alignment --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def regions_option = regions ? "--regions ${regions}" : ''
    """
    estimate-alignment \\
        --reads ${reads} \\
        ${regions_option} \\
        --reference ${fasta} \\
        ${args} \\
        --output ${prefix}.json
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.json
    """
}
