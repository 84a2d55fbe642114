process VARPROOF_REPORTCALLS {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(calls), path(purity, stageAs: 'purity/*'), path(labels, stageAs: 'labels/*'), path(desk, stageAs: 'desk/*'), val(events)
    tuple val(meta2), path(fasta), path(fai)

    output:
    tuple val(meta), path("*.html"), emit: html
    tuple val("${task.process}"), val('varproof'), eval("report-calls --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def events_option = events ? "--events ${events}" : ''
    def purity_option = purity ? "--purity-estimate ${purity}" : ''
    def labels_option = labels ? "--labels ${labels}" : ''
    def reference_option = fasta ? "--reference ${fasta}" : ''
    def desk_option = desk ? "--desk \$(basename ${desk}) --desk-page ${desk}" : ''
    """
    report-calls \\
        --calls ${calls} \\
        ${events_option} \\
        ${purity_option} \\
        ${labels_option} \\
        ${reference_option} \\
        ${desk_option} \\
        ${args} \\
        --output ${prefix}.html
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.html
    """
}
