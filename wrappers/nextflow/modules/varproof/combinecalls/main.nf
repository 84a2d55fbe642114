process VARPROOF_COMBINECALLS {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] && !task.ext.singularity_pull_docker_container
        ? 'https://depot.galaxyproject.org/singularity/varproof:0.1.0--pyhdfd78af_0'
        : 'quay.io/biocontainers/varproof:0.1.0--pyhdfd78af_0'}"

    input:
    tuple val(meta), path(scored, stageAs: 'scored/*'), path(predicted, stageAs: 'predicted/*')
    tuple val(meta2), path(fasta), path(fai)
    tuple val(meta3), path(calibration, stageAs: 'calibration/*'), path(calibration_truth, stageAs: 'truth/*'), path(stacking, stageAs: 'stacking/*')

    output:
    tuple val(meta), path("*.vcf.gz"), emit: vcf
    tuple val(meta), path("*.{tbi,csi}"), emit: index
    tuple val(meta), path("*.stacking.json"), emit: stacking
    tuple val("${task.process}"), val('varproof'), eval("combine-calls --version | sed 's/.* //'"), topic: versions, emit: versions_varproof

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def calibration_option = calibration ? "--calibration ${calibration}" : ''
    def calibration_truth_option = calibration_truth ? "--calibration-truth ${calibration_truth}" : ''
    def stacking_option = stacking ? "--stacking ${stacking}" : ''
    def fasta_option = fasta ? "--reference ${fasta}" : ''
    """
    combine-calls \\
        --scored ${scored} \\
        --predicted ${predicted} \\
        ${calibration_option} \\
        ${calibration_truth_option} \\
        ${stacking_option} \\
        ${fasta_option} \\
        --save-stacking ${prefix}.stacking.json \\
        ${args} \\
        --output ${prefix}.vcf.gz
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    echo "" | gzip > ${prefix}.vcf.gz
    touch ${prefix}.vcf.gz.tbi ${prefix}.stacking.json
    """
}
