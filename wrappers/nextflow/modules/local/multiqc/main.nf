// One report of all samples.

process MULTIQC {
    label 'process_single'

    conda "bioconda::multiqc=1.32"
    container "quay.io/biocontainers/multiqc:1.32--pyhdfd78af_0"

    input:
    path files, stageAs: 'sections/*'
    path config

    output:
    path "multiqc_report.html", emit: html
    path "multiqc_report_data", emit: data
    tuple val("${task.process}"), val('multiqc'), eval("multiqc --version | sed 's/.* //'"), topic: versions, emit: versions_multiqc

    script:
    """
    multiqc --force --filename multiqc_report.html --config ${config} sections
    """

    stub:
    """
    touch multiqc_report.html
    mkdir multiqc_report_data
    """
}
