process VARPROOF_TRAIN {
    tag "${meta.id}"
    label 'process_high'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof-cnn:0.1.0--hdfd78af_0'
        : 'quay.io/biocontainers/varproof-cnn:0.1.0--hdfd78af_0'}"

    input:
    tuple val(meta), path(tensors, stageAs: 'tensors?/*')

    output:
    tuple val(meta), path("*.keras"), emit: model
    tuple val(meta), path("*.json"), emit: json
    tuple val(meta), path("*.html"), emit: html
    tuple val("${task.process}"), val('varproof'), eval("train --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir checkpoint
    train \\
        --tensors ${tensors} \\
        --metrics ${prefix}.json \\
        --report ${prefix}.html \\
        --checkpoint checkpoint/${prefix}.checkpoint.keras \\
        --threads ${task.cpus} \\
        ${args} \\
        --output ${prefix}.keras
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.keras ${prefix}.json ${prefix}.html
    """
}
