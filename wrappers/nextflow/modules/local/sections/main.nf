// What MultiQC shows of one sample, from its calls, frequencies and, where the truth is known, metrics.

process SECTIONS {
    tag "${meta.id}"
    label 'process_single'

    conda "${projectDir}/modules/varproof/scoreposterior/environment.yml"
    container "ghcr.io/varproof/varproof:0.1.0"

    input:
    tuple val(meta), path(files)

    output:
    path "*_mqc.json", emit: json

    script:
    """
    multiqc_sections.py --sample ${meta.id} --output . ${files}
    """

    stub:
    """
    touch ${meta.id}_kept_mqc.json
    """
}
