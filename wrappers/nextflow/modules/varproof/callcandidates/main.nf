process VARPROOF_CALLCANDIDATES {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(tumor, stageAs: 'tumor/*'), path(tumor_index, stageAs: 'tumor/*'), path(normal, stageAs: 'normal/*'), path(normal_index, stageAs: 'normal/*'), path(regions)
    tuple val(meta2), path(fasta), path(fai)
    tuple val(meta3), path(known_sites), path(known_sites_index), path(tree)

    output:
    tuple val(meta), path("*.vcf.gz"), emit: vcf
    tuple val(meta), path("*.{tbi,csi}"), emit: index
    tuple val(meta), path("*.tree.json"), emit: tree, optional: true
    tuple val(meta), path("*.svg"), emit: svg, optional: true
    tuple val("${task.process}"), val('varproof'), eval("call-candidates --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def normal_option = normal ? "--normal ${normal}" : ''
    def regions_option = regions ? "--regions ${regions}" : ''
    def known_sites_option = known_sites ? "--known-sites ${known_sites}" : ''
    def tree_option = tree ? "--tree ${tree}" : ''
    def grown = known_sites && !tree ? "--save-tree ${prefix}.tree.json" : ''
    def drawn = known_sites || tree ? "--draw-tree ${prefix}.svg" : ''
    """
    call-candidates \\
        --reads ${tumor} \\
        ${normal_option} \\
        ${regions_option} \\
        --reference ${fasta} \\
        ${known_sites_option} \\
        ${tree_option} \\
        ${grown} \\
        ${drawn} \\
        --threads ${task.cpus} \\
        ${args} \\
        --output ${prefix}.vcf.gz
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    echo "" | gzip > ${prefix}.vcf.gz
    touch ${prefix}.vcf.gz.tbi
    """
}
