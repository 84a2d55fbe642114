// The samplesheet: one line for each tumour, of the given purity where the line has none. Mistakes are collected and told together, each with its line and column.

def readSamplesheet(location, purity) {
    def known = ['patient', 'sample', 'tumor', 'normal', 'candidates', 'purity', 'segments', 'contexts', 'truth', 'library']
    def hint = '; a line for each sample, with its role, is for --scenario'
    def (sheet, rows, mistakes) = readLines(location, known, ['patient', 'tumor'], [role: hint, reads: hint]) { cell, number, place, before, found ->
        def row = readRow(cell + [purity: cell.purity ?: purity.toString()], number, place, found)
        def twin = before.find { other -> other.meta.id == row.meta.id }
        if (twin) {
            found << "line ${number}, column '${row.named}': '${row.meta.id}' is also on line ${twin.line}; give each line a 'sample' of its own"
        }
        row
    }
    tellMistakes(sheet, mistakes)
    return rows
}

// [ sheet, what `readOne` makes of each line under the header, mistakes ]; `hints`: what more is said of columns that are not known.
def readLines(location, known, required, hints, readOne) {
    def sheet = file(location)
    if (!sheet.exists()) {
        error("--input ${location}: no such file")
    }
    def lines = sheet.text.replace('\uFEFF', '').readLines().withIndex(1).findAll { line, _number -> line.trim() && !line.startsWith('#') }
    if (!lines) {
        error("${sheet.name}: the samplesheet is empty")
    }
    def names = cells(lines[0][0]).collect { name -> name.toLowerCase().replace('tumour', 'tumor') }
    def mistakes = headerMistakes(names, lines[0][1], known, required, hints)
    def rows = []
    if (!mistakes) {
        if (lines.size() == 1) {
            mistakes << 'no sample is listed under the header'
        }
        lines.drop(1).each { line, number ->
            def values = cells(line)
            if (values.size() != names.size()) {
                mistakes << "line ${number}: ${values.size()} columns, but the header has ${names.size()}"
            }
            else {
                def cell = [names, values].transpose().collectEntries { pair -> [(pair[0]): pair[1]] }
                rows << readOne.call(cell, number, sheet, rows, mistakes)
            }
        }
    }
    return [sheet, rows, mistakes]
}

def tellMistakes(sheet, mistakes) {
    if (mistakes) {
        error("${sheet.name}: ${mistakes.join("\n${sheet.name}: ")}")
    }
}

// The reads of normals, one file on each line, relative to the sheet, and their indexes; or those of a sheet of contexts.
def readNormals(location) {
    def sheet = file(location, checkIfExists: true)
    def named = sheet.readLines().collect { line -> line.trim() }.findAll { line -> line && !line.startsWith('#') }
    if (named && named[0].tokenize('\t') == ['sample', 'patient', 'library', 'reads']) {
        def pool = readContextPool(location)
        def persons = pool.unique(false) { item -> item.patient }
        if (persons.size() < pool.size()) {
            log.warn("${sheet.name}: ${pool.size() - persons.size()} samples left out of the panel, of patients of whom another is counted")
        }
        return [persons.collect { item -> item.reads }, persons.collect { item -> item.index }]
    }
    if (!named) {
        error("${sheet.name}: no normal is listed; give one BAM or CRAM on each line")
    }
    def reads = named.collect { name -> file(name.startsWith('/') || name.contains('://') ? name : "${sheet.parent}/${name}", checkIfExists: true) }
    def indexes = reads.collect { item ->
        def beside = ['.bai', '.csi', '.crai'].collect { suffix -> file("${item}${suffix}") }.find { index -> index.exists() }
        if (!beside) {
            error("${sheet.name}: ${item}: no index beside it; make it with 'samtools index'")
        }
        beside
    }
    return [reads, indexes]
}

// The cells of a line of CSV: commas within double quotes separate nothing.
def cells(line) {
    return line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/, -1).collect { cell -> cell.trim().replaceAll(/^"|"$/, '').replace('""', '"').trim() }
}

def headerMistakes(names, number, known, required, hints) {
    def mistakes = []
    names.eachWithIndex { name, i ->
        if (!known.contains(name)) {
            mistakes << "line ${number}, column '${name}': not a column of a samplesheet; these are ${known.join(', ')}${hints[name] ?: ''}"
        }
        if (names.indexOf(name) < i) {
            mistakes << "line ${number}, column '${name}': is there twice"
        }
    }
    required.findAll { name -> !names.contains(name) }.each { name ->
        mistakes << "line ${number}: the column '${name}' is missing"
    }
    return mistakes
}

def readRow(cell, number, sheet, mistakes) {
    def named = cell.sample ? 'sample' : 'patient'
    def id = cell.sample ?: cell.patient
    nameMistakes(cell, ['patient', 'sample'], number, mistakes)
    def purity = cell.purity.isBigDecimal() ? cell.purity.toBigDecimal() : -1
    if (cell.purity != 'auto' && (purity <= 0 || purity > 1)) {
        mistakes << "line ${number}, column 'purity': '${cell.purity}' is not a fraction over 0 and at most 1, or auto"
    }
    def tumor = reads(cell.tumor, number, 'tumor', sheet, mistakes)
    if (!cell.tumor) {
        mistakes << "line ${number}, column 'tumor': must not be empty"
    }
    def contexts = (cell.contexts ?: '').tokenize(';').collect { text -> reads(text.trim(), number, 'contexts', sheet, mistakes) }
    def normal = reads(cell.normal, number, 'normal', sheet, mistakes)
    if (normal.file && normal.file == tumor.file) {
        mistakes << "line ${number}, column 'normal': is the same file as the tumour"
    }
    return [
        meta: [id: id, patient: cell.patient, purity: cell.purity, library: cell.library ?: ''],
        line: number,
        named: named,
        tumor: tumor,
        normal: normal,
        samples: [[role: 'tumor'] + tumor, [role: 'normal'] + normal].findAll { sample -> sample.file },
        measured: [''],
        candidates: variants(cell, 'candidates', number, sheet, mistakes),
        segments: located(cell.segments, number, 'segments', ['.tsv', '.txt', '.csv', '.cns', '.json'], sheet, mistakes),
        contexts: contexts,
        truth: variants(cell, 'truth', number, sheet, mistakes)[0] ?: [],
    ]
}

// Names of files are made of them.
def nameMistakes(cell, columns, number, mistakes) {
    columns.each { name ->
        if ((name == 'patient' && !cell.patient) || (cell[name] && !(cell[name] ==~ /[A-Za-z0-9][A-Za-z0-9._-]*/))) {
            mistakes << "line ${number}, column '${name}': '${cell[name]}' is not a name of letters, digits, '.', '_' and '-'"
        }
    }
}

// The VCF of a column in a list, or [] without one.
def variants(cell, column, number, sheet, mistakes) {
    def found = located(cell[column], number, column, ['.vcf', '.vcf.gz', '.bcf'], sheet, mistakes)
    return found ? [found] : []
}

// A file as the sheet names it: relative to the sheet, or to where the pipeline was launched; URLs are left alone.
def located(text, number, column, suffixes, sheet, mistakes) {
    if (!text) {
        return []
    }
    if (!suffixes.any { suffix -> text.endsWith(suffix) }) {
        mistakes << "line ${number}, column '${column}': '${text}' does not end in ${suffixes.join(' or ')}"
        return []
    }
    if (text.contains('://') && !text.startsWith('file://')) {
        return file(text)
    }
    def places = text.startsWith('/') || text.startsWith('file://') ? [file(text)] : [sheet.toAbsolutePath().parent.resolve(text), workflow.launchDir.resolve(text)]
    def found = places.find { place -> place.exists() }
    if (!found) {
        def where = places.size() > 1 ? ', neither beside the samplesheet nor where the pipeline was launched' : ''
        mistakes << "line ${number}, column '${column}': no such file: ${text}${where}"
        return []
    }
    return found.normalize()
}

// Reads and their index, which lies beside them.
def reads(text, number, column, sheet, mistakes) {
    def found = located(text, number, column, ['.bam', '.cram'], sheet, mistakes)
    if (!found) {
        return [file: [], index: []]
    }
    def suffixes = text.endsWith('.cram') ? ['.crai'] : ['.bai', '.csi']
    if (text.contains('://') && !text.startsWith('file://')) {
        return [file: found, index: file("${text}${suffixes[0]}")]
    }
    def names = suffixes.collectMany { suffix -> [found.name + suffix, found.baseName + suffix] }
    def index = names.collect { name -> found.parent.resolve(name) }.find { place -> place.exists() }
    if (!index) {
        mistakes << "line ${number}, column '${column}': ${text} has no index beside it; make it with 'samtools index'"
    }
    return [file: found, index: index ?: []]
}

// Samples to draw contexts from: sample, patient, library and reads, separated by tabs.
def readContextPool(location) {
    def sheet = file(location, checkIfExists: true)
    def lines = sheet.text.readLines().withIndex(1).findAll { line, _number -> line.trim() && !line.startsWith('#') }
    def mistakes = []
    if (!lines || lines[0][0].tokenize('\t') != ['sample', 'patient', 'library', 'reads']) {
        error("${sheet.name}: the first line must be: sample, patient, library, reads, separated by tabs")
    }
    def pool = lines.drop(1).collect { line, number ->
        def values = line.split('\t', -1)*.trim()
        if (values.size() != 4 || values.any { value -> !value }) {
            mistakes << "line ${number}: needs a sample, a patient, a library and reads"
            return [line: '', patient: '', reads: [], index: []]
        }
        def found = reads(values[3], number, 'reads', sheet, mistakes)
        return [line: values.take(3).join('\t'), patient: values[1], reads: found.file, index: found.index]
    }
    if (mistakes) {
        error("${sheet.name}: ${mistakes.join("\n${sheet.name}: ")}")
    }
    return pool
}
