process VARPROOF_LEARNPRIOR {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(tumor, stageAs: 'tumor/*'), path(tumor_index, stageAs: 'tumor/*'), path(tumor_alignment, stageAs: 'tumor/*'), path(normal, stageAs: 'normal/*'), path(normal_index, stageAs: 'normal/*'), path(normal_alignment, stageAs: 'normal/*'), path(regions), val(purity), path(segments, stageAs: 'segments/*')
    tuple val(meta2), path(fasta), path(fai)
    tuple val(meta3), path(germline_resource, stageAs: 'resource/*'), path(germline_resource_index, stageAs: 'resource/*')
    tuple val(meta4), path(panel, stageAs: 'panel/*')

    output:
    tuple val(meta), path("*.json"), emit: json
    tuple val("${task.process}"), val('varproof'), eval("learn-prior --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def normal_option = normal ? "--normal ${normal}" : ''
    def tumor_alignment_option = tumor_alignment ? "--alignment-tumor ${tumor_alignment}" : ''
    def normal_alignment_option = normal_alignment ? "--alignment-normal ${normal_alignment}" : ''
    def regions_option = regions ? "--regions ${regions}" : ''
    def resource_option = germline_resource ? "--germline-resource ${germline_resource}" : ''
    def purity_option = purity ? "--purity ${purity}" : ''
    def panel_option = panel ? "--panel ${panel}" : ''
    def segments_option = segments ? "--segments ${segments}" : ''
    """
    learn-prior \\
        --tumor ${tumor} \\
        ${normal_option} \\
        ${tumor_alignment_option} \\
        ${normal_alignment_option} \\
        ${regions_option} \\
        ${resource_option} \\
        ${purity_option} \\
        ${panel_option} \\
        ${segments_option} \\
        --reference ${fasta} \\
        --threads ${task.cpus} \\
        ${args} \\
        --output ${prefix}.json
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.json
    """
}
