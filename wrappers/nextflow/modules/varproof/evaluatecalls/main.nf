process VARPROOF_EVALUATECALLS {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(calls, stageAs: 'calls?/*'), path(truth, stageAs: 'truth?/*'), path(regions), val(events), path(labels), val(truth_events)
    tuple val(meta2), path(fasta), path(fai)

    output:
    tuple val(meta), path("*.json"), emit: json
    tuple val(meta), path("*.html"), emit: html
    tuple val("${task.process}"), val('varproof'), eval("evaluate-calls --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def truth_option = truth ? "--truth ${truth}" : ''
    def regions_option = regions ? "--regions ${regions}" : ''
    def events_option = events ? "--events ${events}" : ''
    def truth_event_option = truth_events ? "--truth-event ${truth_events}" : ''
    def labels_option = labels ? "--labels ${labels}" : ''
    def fasta_option = fasta ? "--reference ${fasta}" : ''
    """
    evaluate-calls \\
        --calls ${calls} \\
        ${truth_option} \\
        ${regions_option} \\
        ${events_option} \\
        ${truth_event_option} \\
        ${labels_option} \\
        ${fasta_option} \\
        --report ${prefix}.html \\
        --threads ${task.cpus} \\
        ${args} \\
        --output ${prefix}.json
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.json ${prefix}.html
    """
}
