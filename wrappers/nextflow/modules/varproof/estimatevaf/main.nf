process VARPROOF_ESTIMATEVAF {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(calls, stageAs: 'calls/*'), path(tumor, stageAs: 'tumor/*'), path(tumor_index, stageAs: 'tumor/*'), path(normal, stageAs: 'normal/*'), path(normal_index, stageAs: 'normal/*'), path(segments, stageAs: 'cells/*'), path(purity_estimate, stageAs: 'cells/*'), path(scored, stageAs: 'scored/*'), path(callable, stageAs: 'callable/*'), val(sample)
    tuple val(meta2), path(fasta), path(fai)

    output:
    tuple val(meta), path("*.tsv"), emit: tsv
    tuple val(meta), path("*.json"), emit: json
    tuple val(meta), path("burden/*.json"), emit: burden, optional: true
    tuple val(meta), path("*.{png,svg}"), emit: pictures
    tuple val(meta), path("*.vcf.gz"), emit: vcf
    tuple val(meta), path("*.{tbi,csi}"), emit: index
    tuple val("${task.process}"), val('varproof'), eval("estimate-vaf --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def sample_option = sample ? "--sample ${sample}" : ''
    def tumor_option = tumor ? "--tumor ${tumor}" : ''
    def normal_option = normal ? "--normal ${normal}" : ''
    def fasta_option = fasta ? "--reference ${fasta}" : ''
    def segments_option = segments ? "--segments ${segments}" : ''
    def purity_option = purity_estimate ? "--purity-estimate ${purity_estimate}" : ''
    def scored_option = scored ? "--scored ${scored}" : ''
    def callable_option = callable ? "--callable ${callable}" : ''
    def burden_option = scored || callable ? "--burden burden/${prefix}.json" : ''
    """
    mkdir -p burden
    estimate-vaf \\
        --calls ${calls} \\
        ${sample_option} \\
        ${tumor_option} \\
        ${normal_option} \\
        ${fasta_option} \\
        ${segments_option} \\
        ${purity_option} \\
        ${burden_option} \\
        ${scored_option} \\
        ${callable_option} \\
        --annotated-output ${prefix}.vcf.gz \\
        --summary ${prefix}.json \\
        --plot ${prefix} \\
        ${args} \\
        --output ${prefix}.tsv
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.tsv ${prefix}.json ${prefix}.png ${prefix}.svg
    echo "" | gzip > ${prefix}.vcf.gz
    touch ${prefix}.vcf.gz.tbi
    """
}
