process VARPROOF_PREDICT {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof-cnn:0.1.0--hdfd78af_0'
        : 'quay.io/biocontainers/varproof-cnn:0.1.0--hdfd78af_0'}"

    input:
    tuple val(meta), path(tensors, stageAs: 'tensors/*'), path(candidates), path(tumor, stageAs: 'tumor/*'), path(tumor_index, stageAs: 'tumor/*'), path(normal, stageAs: 'normal/*'), path(normal_index, stageAs: 'normal/*'), path(contexts, stageAs: 'context?/*'), path(contexts_index, stageAs: 'context?/*')
    tuple val(meta2), path(fasta), path(fai)
    tuple val(meta3), path(model)

    output:
    tuple val(meta), path("*.vcf.gz"), emit: vcf
    tuple val(meta), path("*.{tbi,csi}"), emit: index
    tuple val(meta), path("*.tsv"), emit: tsv
    tuple val(meta), path("explained"), emit: explained, optional: true
    tuple val("${task.process}"), val('varproof'), eval("predict --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def tensors_option = tensors ? "--tensors ${tensors}" : ''
    def candidates_option = candidates ? "--candidates ${candidates}" : ''
    def tumor_option = tumor ? "--tumor ${tumor}" : ''
    def normal_option = normal ? "--normal ${normal}" : ''
    def contexts_option = contexts ? "--context ${contexts}" : ''
    def fasta_option = fasta ? "--reference ${fasta}" : ''
    def model_option = model ? "--model ${model}" : ''
    """
    predict \\
        ${tensors_option} \\
        ${candidates_option} \\
        ${tumor_option} \\
        ${normal_option} \\
        ${contexts_option} \\
        ${fasta_option} \\
        ${model_option} \\
        --table ${prefix}.tsv \\
        --threads ${task.cpus} \\
        ${args} \\
        --output ${prefix}.vcf.gz
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    echo "" | gzip > ${prefix}.vcf.gz
    touch ${prefix}.vcf.gz.tbi ${prefix}.tsv
    """
}
