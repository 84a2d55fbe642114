process VARPROOF_GATHER {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(inputs, stageAs: 'chunks/*'), path(candidates)

    output:
    tuple val(meta), path("*.h5"), emit: h5, optional: true
    tuple val(meta), path("*.vcf.gz"), emit: vcf, optional: true
    tuple val(meta), path("*.{tbi,csi}"), emit: index, optional: true
    tuple val("${task.process}"), val('varproof'), eval("gather --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def candidates_option = candidates ? "--candidates ${candidates}" : ''
    def suffix = [inputs].flatten()[0].name.endsWith('.h5') ? 'h5' : 'vcf.gz'
    """
    gather \\
        --inputs ${inputs} \\
        ${candidates_option} \\
        ${args} \\
        --output ${prefix}.${suffix}
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    def suffix = [inputs].flatten()[0].name.endsWith('.h5') ? 'h5' : 'vcf.gz'
    """
    if [ ${suffix} = h5 ]; then touch ${prefix}.h5; else echo "" | gzip > ${prefix}.vcf.gz; touch ${prefix}.vcf.gz.tbi; fi
    """
}
