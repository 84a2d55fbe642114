process VARPROOF_SCATTERCANDIDATES {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(candidates)
    tuple val(meta2), path(fasta), path(fai)

    output:
    tuple val(meta), path("*/*.vcf.gz"), emit: vcf
    tuple val(meta), path("*/*.{tbi,csi}"), emit: index
    tuple val("${task.process}"), val('varproof'), eval("scatter-candidates --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: '--max-per-chunk 20000'
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    scatter-candidates \\
        --candidates ${candidates} \\
        --reference ${fasta} \\
        ${args} \\
        --output ${prefix}
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir ${prefix}
    echo "" | gzip > ${prefix}/chunk-0001.vcf.gz
    touch ${prefix}/chunk-0001.vcf.gz.tbi
    """
}
