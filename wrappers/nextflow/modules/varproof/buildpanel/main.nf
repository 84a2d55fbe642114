process VARPROOF_BUILDPANEL {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(reads, stageAs: 'reads?/*'), path(index, stageAs: 'reads?/*'), path(evidence, stageAs: 'evidence?/*'), path(candidates), path(regions), path(panels, stageAs: 'panels?/*')
    tuple val(meta2), path(fasta), path(fai)

    output:
    tuple val(meta), path("*.h5"), emit: h5
    tuple val("${task.process}"), val('varproof'), eval("build-panel --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def reads_option = [reads].flatten().collect { file -> "--reads ${file}" }.join(' ')
    def evidence_option = [evidence].flatten().collect { file -> "--evidence ${file}" }.join(' ')
    def candidates_option = candidates ? "--candidates ${candidates}" : ''
    def regions_option = regions ? "--regions ${regions}" : ''
    def add_option = [panels].flatten().collect { file -> "--add ${file}" }.join(' ')
    """
    build-panel \\
        ${reads_option} \\
        ${evidence_option} \\
        ${candidates_option} \\
        ${regions_option} \\
        ${add_option} \\
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
