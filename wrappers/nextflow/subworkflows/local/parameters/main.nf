// Parameters against nextflow_schema.json: the text of --help, and mistakes told together before anything runs.

def schemaGroups(path) {
    return new groovy.json.JsonSlurper().parseText(file(path).text)['$defs'].values()
}

def helpText(path, command) {
    def lines = ["\nTypical use:\n\n  ${command}\n"]
    schemaGroups(path).each { group ->
        lines << "${group.title}"
        group.properties.findAll { _name, item -> !item.hidden }.each { name, item ->
            def kind = item['enum'] ? item['enum'].join('|') : item.type
            def fallback = item.containsKey('default') ? " [${item.default}]" : ''
            lines << "  --${name.padRight(24)} ${('<' + kind + '>').padRight(12)} ${item.description}${fallback}"
        }
        lines << ''
    }
    return lines.join('\n')
}

def checkParameters(path, given) {
    def groups = schemaGroups(path)
    def known = groups.collectEntries { group -> group.properties }
    def mistakes = []
    given.each { name, value ->
        // A parameter in camel case is there in kebab case too.
        if (!known.containsKey(name) && !known.containsKey(name.replaceAll(/-/, '_')) && !known.any { key, _item -> camelCase(key) == name }) {
            mistakes << "--${name} is not a parameter of this pipeline; see --help"
        }
        else if (known[name] && value != null) {
            def mistake = valueMistake(known[name], value)
            if (mistake) {
                mistakes << "--${name}: ${mistake} (got '${value}')"
            }
        }
    }
    if (!given.help) {
        groups.collectMany { group -> group.required ?: [] }.findAll { name -> given[name] == null || given[name] == '' }.each { name ->
            mistakes << "--${name} is required"
        }
    }
    mistakes.addAll(contradictions(given))
    if (mistakes) {
        error(mistakes.join('\n'))
    }
}

// What no parameter alone tells: those that an executable would refuse together, hours later.
def contradictions(given) {
    def mistakes = []
    if (given.normals && given.panel && given.panel.toString() ==~ /.*\.(vcf|vcf\.gz|vcf\.bgz|bcf)/) {
        mistakes << "--normals are added to a panel of build-panel (.h5), and --panel ${given.panel} is a list of sites; leave one of them out"
    }
    if (given.prior == 'flat') {
        ['normals', 'panel', 'germline_resource'].findAll { name -> given[name] }.each { name ->
            mistakes << "--${name} needs a prior that is learnt, and --prior flat is none; leave one of them out"
        }
    }
    if (given.germline_field && !given.germline_resource) {
        mistakes << "--germline_field ${given.germline_field} is of a germline resource; give --germline_resource"
    }
    if (given.scenario) {
        def of_pairs = ['network', 'model', 'context_pool', 'calibration', 'calibration_truth', 'stacking', 'panel', 'normals', 'germline_resource', 'territory', 'merge_phased']
        def fixed = [purity: '1', prior: 'empirical', normal_contamination: 'auto', learn_from: 'auto']
        def unused = of_pairs.findAll { name -> given[name] } + fixed.findAll { name, value -> given[name].toString() != value }.keySet()
        unused.each { name -> mistakes << "--${name} is of tumour/normal pairs, and does not go with --scenario; leave one of them out" }
    }
    else {
        [scenario_rates: 'auto', scenario_overlaps: 'refuse'].findAll { name, value -> given[name].toString() != value }.each { name, _value ->
            mistakes << "--${name} is of a scenario; give --scenario"
        }
    }
    if (given.review_choose == 'disagreement' && !given.model && !given.network) {
        mistakes << "--review_choose disagreement compares posterior and network; give --network or --model, or choose otherwise"
    }
    if (given.review_choose == 'rounds' && !given.model && !given.network) {
        mistakes << "--review_choose rounds asks what the network doubts; give --network or --model, or choose otherwise"
    }
    if (given.network && !given.model) {
        if (given.context_pool) {
            mistakes << "--context_pool: no network that comes with varproof knows contexts; give --model, or leave it out"
        }
        def taken = [window: 101, tensor_depth: 200]
        taken.findAll { name, trained -> given[name].toString() != trained.toString() }.each { name, trained ->
            mistakes << "--${name}: the networks that come with varproof take ${trained}; give --model, or leave it out"
        }
    }
    return mistakes
}

def camelCase(name) {
    return name.replaceAll(/_([a-z])/) { _all, letter -> letter.toUpperCase() }
}

def valueMistake(item, value) {
    // `--model` without a value is true, and false takes back what a profile gives.
    if (item.type == 'string' && value instanceof Boolean) {
        return value ? 'needs a value' : null
    }
    if (item['enum'] && !item['enum'].contains(value)) {
        return "must be one of ${item['enum'].join(', ')}"
    }
    if (item.type == 'boolean' && !(value instanceof Boolean) && !(value in ['true', 'false'])) {
        return 'must be true or false'
    }
    if (item.type in ['integer', 'number']) {
        if (!value.toString().isBigDecimal() || (item.type == 'integer' && value.toString().toBigDecimal() % 1 != 0)) {
            return item.type == 'integer' ? 'must be a whole number' : 'must be a number'
        }
        def number = value.toString().toBigDecimal()
        if (item.minimum != null && number < item.minimum) {
            return "must be at least ${item.minimum}"
        }
        if (item.maximum != null && number > item.maximum) {
            return "must be at most ${item.maximum}"
        }
        if (item.exclusiveMinimum != null && number <= item.exclusiveMinimum) {
            return "must be over ${item.exclusiveMinimum}"
        }
        if (item.exclusiveMaximum != null && number >= item.exclusiveMaximum) {
            return "must be under ${item.exclusiveMaximum}"
        }
    }
    if (item.type == 'string' && item.pattern && !(value.toString() ==~ item.pattern)) {
        return "does not match ${item.pattern}"
    }
    if (item.format in ['file-path', 'path'] && item.exists && !value.toString().contains('://') && !file(value).exists()) {
        return 'no such file'
    }
    return null
}
