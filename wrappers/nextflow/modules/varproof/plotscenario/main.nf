process VARPROOF_PLOTSCENARIO {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), val(scenario), path(scenario_file, stageAs: 'scenario/*')


    output:
    tuple val(meta), path("*.tsv"), emit: table
    tuple val(meta), path("*.svg"), emit: svg
    tuple val(meta), path("*.png"), emit: png
    tuple val(meta), path("*.yaml"), emit: scenario
    tuple val("${task.process}"), val('varproof'), eval("plot-scenario --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    plot-scenario \\
        --scenario ${scenario_file ?: scenario} \\
        --plot ${prefix} \\
        --save-scenario ${prefix}.yaml \\
        ${args} \\
        --output ${prefix}.tsv
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.tsv ${prefix}.svg ${prefix}.png ${prefix}.yaml
    """
}
