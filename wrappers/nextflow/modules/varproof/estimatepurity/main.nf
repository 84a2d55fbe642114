process VARPROOF_ESTIMATEPURITY {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(tumor, stageAs: 'tumor/*'), path(tumor_index, stageAs: 'tumor/*'), path(normal, stageAs: 'normal/*'), path(normal_index, stageAs: 'normal/*'), path(regions), path(segments, stageAs: 'segments/*'), path(calls, stageAs: 'calls/*')
    tuple val(meta2), path(fasta), path(fai)
    tuple val(meta3), path(known_sites), path(known_sites_index)
    tuple val(meta4), path(panel, stageAs: 'panel/*')

    output:
    tuple val(meta), path("*.json"), emit: json
    tuple val(meta), path("*.segments.tsv"), emit: tsv
    tuple val(meta), path("*.png"), emit: png
    tuple val(meta), path("*.svg"), emit: svg
    tuple val("${task.process}"), val('varproof'), eval("estimate-purity --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def normal_option = normal ? "--normal ${normal}" : ''
    def panel_option = panel ? "--panel ${panel}" : ''
    def regions_option = regions ? "--regions ${regions}" : ''
    def segments_option = segments ? "--segments ${segments}" : ''
    def calls_option = calls ? "--calls ${calls}" : ''
    def known_sites_option = known_sites ? "--known-sites ${known_sites}" : ''
    """
    estimate-purity \\
        --tumor ${tumor} \\
        ${normal_option} \\
        ${panel_option} \\
        ${regions_option} \\
        ${segments_option} \\
        ${calls_option} \\
        ${known_sites_option} \\
        --reference ${fasta} \\
        --threads ${task.cpus} \\
        ${args} \\
        --plot ${prefix} \\
        --output-segments ${prefix}.segments.tsv \\
        --output ${prefix}.json
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    echo '{}' > ${prefix}.json
    touch ${prefix}.segments.tsv
    touch ${prefix}.png
    touch ${prefix}.svg
    """
}
