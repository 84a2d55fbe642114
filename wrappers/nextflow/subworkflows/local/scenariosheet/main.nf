// A scenario, as far as the pipeline has to know it, and the samplesheet of one: several lines for each patient, each with a role, which
// is a sample of the scenario. Mistakes are collected and told together.

include { nameMistakes ; readLines ; reads ; tellMistakes ; variants } from '../samplesheet/main'

// A ready scenario or a file: [ name, file or [], samples, measured (those whose allele frequencies are told; none: the tumour's, as of a
// pair), events, called ].
// `asked`: events that are called, or null for those that a ready scenario is for.
def readScenario(given, asked) {
    def ready = new groovy.json.JsonSlurper().parseText(file("${projectDir}/assets/scenarios.json").text)
    def path = given in ready ? [] : file(given)
    if (path && !path.exists()) {
        error("--scenario ${given}: neither a file nor a ready scenario (${ready.keySet().join(', ')})")
    }
    def scenario = path ? readScenarioFile(given, path) : [name: given, file: []] + ready[given]
    def events = (asked ?: '').tokenize(',').collect { event -> event.trim() }.findAll { event -> event }
    def known = scenario.events + ['ABSENT', 'ARTIFACT', 'OTHER']
    def unknown = events.findAll { event -> !known.contains(event.toUpperCase() - 'PROB_') }
    if (unknown) {
        error("--events: '${unknown[0]}' is not an event of the scenario ${given}; it has ${scenario.events.join(', ')}")
    }
    if (!events && !scenario.called) {
        error("--scenario ${given}: name with --events which of its events are called: ${scenario.events.join(', ')}")
    }
    return scenario + [called: events ? events.join(',') : scenario.called.join(',')]
}

// Samples and events of a file. `plot-scenario`, which runs first, tells of all other mistakes in it.
def readScenarioFile(given, path) {
    def text = parsedYaml(given, path)
    def samples = text instanceof Map ? text.samples : null
    def events = text instanceof Map ? text.events : null
    if (!(samples instanceof Map) || !samples || !(events instanceof Map) || !events) {
        error("--scenario ${given}: not a scenario: it needs samples and events")
    }
    def names = samples.keySet().collect { name -> name.toString() }
    def sources = samples.values().findAll { item -> item instanceof Map }.collectMany { item -> sourcesOf(item) }
    def measured = names.findAll { name -> name == 'tumor' || (name != 'normal' && !(name in sources)) }
    def called = events.keySet().collect { name -> name.toString().toUpperCase() }
    return [name: path.baseName, file: path, samples: names, measured: measured ?: names.take(1), events: called, called: called.size() == 1 ? called : []]
}

def parsedYaml(given, path) {
    try {
        return new org.yaml.snakeyaml.Yaml().load(path.text)
    }
    catch (Exception problem) {
        error("--scenario ${given}: not YAML: ${problem.message.readLines().collect { line -> line.trim() }.join(' ')}")
    }
}

// The samples whose cells or alleles a sample has.
def sourcesOf(item) {
    def inherited = item.inheritance instanceof Map ? item.inheritance.values() : []
    def from = inherited.collectMany { way -> way instanceof Map && way.from ? [way.from].flatten() : [] }
    return (from + (item.contamination instanceof Map ? [item.contamination.by] : [])).collect { name -> name.toString() }
}

// One row for each patient, as those of pairs are: the sample called tumor, or else the first that is measured, stands for the tumour.
def readScenarioSheet(location, scenario) {
    def hint = '; with --scenario there is a line for each sample'
    def known = ['patient', 'role', 'reads', 'candidates', 'truth']
    def (sheet, lines, mistakes) = readLines(location, known, known.take(3), [tumor: hint, normal: hint]) { cell, number, place, before, found ->
        readRole(cell, number, place, before, scenario, found)
    }
    def subject = 'tumor' in scenario.samples ? 'tumor' : scenario.measured[0]
    def rows = lines.groupBy { line -> line.patient }.findAll { patient, _own -> patient }.collect { patient, own ->
        scenario.samples.findAll { role -> !own.any { line -> line.role == role } }.each { role ->
            mistakes << "${patient}: has no line of the role '${role}', a sample of the scenario ${scenario.name}"
        }
        def truths = own.findAll { line -> line.truth }.unique { line -> line.truth[0] }
        if (truths.size() > 1) {
            mistakes << "line ${truths[1].line}, column 'truth': is another file than on line ${truths[0].line}; a patient has one"
        }
        def samples = scenario.samples.collect { role -> own.find { line -> line.role == role } }.findAll { line -> line }.collect { line -> [role: line.role] + line.reads }
        [
            meta: [id: patient, patient: patient, purity: '1', library: ''],
            samples: samples,
            measured: scenario.measured ?: [''],
            tumor: samples.find { sample -> sample.role == subject },
            normal: samples.find { sample -> sample.role == 'normal' && sample.role != subject } ?: [file: [], index: []],
            contexts: samples.findAll { sample -> !(sample.role in [subject, 'normal']) },
            candidates: own.collectMany { line -> line.candidates }.unique(),
            segments: [],
            truth: truths ? truths[0].truth[0] : [],
        ]
    }
    tellMistakes(sheet, mistakes)
    return rows
}

// A line of the sheet: the reads of one sample of a patient.
def readRole(cell, number, sheet, lines, scenario, mistakes) {
    nameMistakes(cell, ['patient'], number, mistakes)
    def role = cell.role in scenario.samples ? cell.role : cell.role.replace('tumour', 'tumor')
    if (!(role in scenario.samples)) {
        mistakes << "line ${number}, column 'role': '${cell.role}' is no sample of the scenario ${scenario.name}; it has ${scenario.samples.join(', ')}"
    }
    def twin = lines.find { line -> line.patient == cell.patient && line.role == role }
    if (twin) {
        mistakes << "line ${number}, column 'role': ${cell.patient} has '${role}' on line ${twin.line}, too; a role has one file of reads"
    }
    if (!cell.reads) {
        mistakes << "line ${number}, column 'reads': must not be empty"
    }
    def found = reads(cell.reads, number, 'reads', sheet, mistakes)
    def same = lines.find { line -> found.file && line.patient == cell.patient && line.reads.file == found.file }
    if (same) {
        mistakes << "line ${number}, column 'reads': ${cell.patient} has the same file on line ${same.line}; give each role its own"
    }
    return [line: number, patient: cell.patient, role: role, reads: found, candidates: variants(cell, 'candidates', number, sheet, mistakes), truth: variants(cell, 'truth', number, sheet, mistakes)]
}
