process VARPROOF_REVIEWCALLS {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(calls), path(tumor, stageAs: 'tumor/*'), path(tumor_index, stageAs: 'tumor/*'), path(normal, stageAs: 'normal/*'), path(normal_index, stageAs: 'normal/*'), path(contexts, stageAs: 'context?/*'), path(contexts_index, stageAs: 'context?/*'), path(predicted, stageAs: 'predicted/*'), val(events)
    tuple val(meta2), path(fasta), path(fai)

    output:
    tuple val(meta), path("*.html"), emit: html
    tuple val("${task.process}"), val('varproof'), eval("review-calls --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def events_option = events ? "--events ${events}" : ''
    def normal_option = normal ? "--normal ${normal}" : ''
    def contexts_option = [contexts].flatten().collect { reads -> "--context ${reads}" }.join(' ')
    def predicted_option = predicted ? "--predicted ${predicted}" : ''
    """
    review-calls \\
        --calls ${calls} \\
        ${events_option} \\
        --tumor ${tumor} \\
        ${normal_option} \\
        ${contexts_option} \\
        ${predicted_option} \\
        --reference ${fasta} \\
        --threads ${task.cpus} \\
        ${args} \\
        --output ${prefix}.html
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.html
    """
}
