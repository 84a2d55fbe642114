process VARPROOF_TENSORISE {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(candidates), path(tumor, stageAs: 'tumor/*'), path(tumor_index, stageAs: 'tumor/*'), path(normal, stageAs: 'normal/*'), path(normal_index, stageAs: 'normal/*'), path(contexts, stageAs: 'context?/*'), path(contexts_index, stageAs: 'context?/*'), path(context_pool), path(truth, stageAs: 'truth/*'), path(labels), val(patient), val(library)
    tuple val(meta2), path(fasta), path(fai)

    output:
    tuple val(meta), path("*.h5"), emit: h5
    tuple val(meta), path("*.npy"), emit: npy, optional: true
    tuple val(meta), path("pictures"), emit: pictures, optional: true
    tuple val("${task.process}"), val('varproof'), eval("tensorise --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def normal_option = normal ? "--normal ${normal}" : ''
    def contexts_option = contexts && !context_pool ? "--context ${contexts}" : ''
    def context_pool_option = context_pool ? "--context-pool ${context_pool}" : ''
    def truth_option = truth ? "--truth ${truth}" : ''
    def labels_option = labels ? "--labels ${labels}" : ''
    def patient_option = patient ? "--patient ${patient}" : ''
    def library_option = library ? "--library ${library}" : ''
    """
    tensorise \\
        --candidates ${candidates} \\
        --tumor ${tumor} \\
        ${normal_option} \\
        ${contexts_option} \\
        ${context_pool_option} \\
        ${truth_option} \\
        ${labels_option} \\
        ${patient_option} \\
        ${library_option} \\
        --reference ${fasta} \\
        --threads ${task.cpus} \\
        ${args} \\
        --output ${prefix}.h5
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.h5
    """
}
