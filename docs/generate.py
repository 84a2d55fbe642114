"""The source of the site: the pages of docs/, and those that are made from the code.

`generated_pages` gives Markdown by address: a page for every executable from the parser that prints its `--help`, a page for
every kind of file from its pydantic model or its columns, and pages from texts of the repository's root. `expanded` fills
tables into written pages where they have a line `<!-- table: NAME -->`, and sections of the benchmarks' results at
`<!-- results: HEADING -->`. Nothing here needs Sphinx, so the tests look at what readers will see.
`python docs/generate.py FOLDER` writes it all into a folder, which Sphinx makes the site of (`make docs`).
"""

import argparse
import ast
import importlib
import inspect
import itertools
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from pydantic import BaseModel

from varproof.commands import EXECUTABLES
from varproof.commands.base import CommandOptions
from varproof.commands.parser import Parser, command_line

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def title_of(text: str) -> str:
    """The first heading of a page."""
    return next(line.removeprefix("# ") for line in text.splitlines() if line.startswith("# "))


def escaped(text: str) -> str:
    """Plain text for a cell of a table: nothing in it is markup but code in backticks."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    plain = (re.sub(r"([*|\[\]])", r"\\\1", part).replace("<", "&lt;") for part in parts[::2])
    code = [part.replace("|", r"\|") for part in parts[1::2]]
    return "".join(a + b for a, b in zip(plain, [*code, ""], strict=True))


def table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table in Markdown, of cells that are Markdown already."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (titles, ("---",) * len(titles), *rows)) + "\n"


def paragraphs(text: str) -> str:
    """A docstring as Markdown, without the parts that numpy's style lists."""
    text = re.split(r"\n\n(?:Attributes|Parameters|Returns)\n-+\n", inspect.cleandoc(text))[0]
    return "\n\n".join(escaped(part) for part in text.split("\n\n"))


# Executables


def options_model(name: str) -> type[CommandOptions]:
    """The options of an executable."""
    module = importlib.import_module(f"varproof.commands.{name.replace('-', '_')}")
    models = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, CommandOptions)]
    (model,) = [kind for kind in models if kind.__module__ == module.__name__]
    return model


def options_parser(name: str) -> Parser:
    """The parser whose help `NAME --help` shows."""
    return command_line(name, options_model(name), set(CommandOptions.model_fields)).root_parser


def help_of(parser: Parser, action: argparse.Action) -> str:
    """What the help says of an option."""
    return " ".join(parser._get_formatter()._expand_help(action).split())


def _value(action: argparse.Action) -> str:
    shown = action.metavar[0] if isinstance(action.metavar, tuple) else action.metavar
    several = " …" if isinstance(action.metavar, tuple) else ""
    return f"`{shown}{several}`".replace("|", r"\|") if shown else ""


def executable_page(name: str) -> str:
    """Purpose, usage and all options of an executable."""
    parser = options_parser(name)
    text = [f"# {name}\n", paragraphs(parser.description or ""), "\n```text", parser.format_usage().strip(), "```\n"]
    for group in parser._action_groups:
        rows = []
        for action in group._group_actions:
            spelling = ", ".join(f"`{option}`" for option in action.option_strings)
            rows.append((spelling, _value(action), escaped(help_of(parser, action))))
        if rows:
            text += [f"## {(group.title or '').capitalize()}\n", table(("option", "value", "meaning"), rows)]
    text.append(
        "`--config FILE` takes the same options from YAML or JSON, without the dashes; what the command line says goes first. "
        f"`{name} --schema` prints their JSON Schema."
    )
    return "\n".join(text) + "\n"


def executables_table(folder: str = "") -> str:
    """All executables with links to their pages in `folder`."""
    return table(
        ("executable", "what it does"),
        [(f"[`{name}`]({folder}{name}.md)", escaped(purpose)) for name, purpose in EXECUTABLES.items()],
    )


def executables_overview() -> str:
    """The page above those of the executables."""
    return f"""# Executables

{executables_table()}
Every executable has `--help`, `--version`, `--schema`, `--config`, `--threads`, `--log-level` and `--quiet`. `varproof` alone
lists them, and `varproof NAME …` runs one.

- Inputs may be plain, bgzipped or BCF, BAM or CRAM. VCFs, BEDs and JSON may come from stdin (`-`) or a pipe; reads also from
  `https://`, `ftp://` and `s3://`.
- The suffix of the output says its kind: `.vcf`, `.vcf.gz` with index, `.bcf` with index. `-` is stdout, which is for data
  only.
- `--threads` never changes a result; 0 takes all cores.
- An output is complete or absent, and its header holds the version, all options and digests of the inputs.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | anything else that went wrong |
| 2 | you must change something: an option, or an input |
| 130 | interrupted |
| 137 | a worker process was killed, mostly for want of memory |

{contents(list(EXECUTABLES))}"""


def contents(addresses: list[str]) -> str:
    """The tree of pages below a page, for Sphinx."""
    return "\n".join(["```{toctree}", ":hidden:", "", *addresses, "```\n"])


# Files


class FileKind(NamedTuple):
    """A kind of file: its page's address, its heading, what makes it, what takes it, and what describes its content."""

    address: str
    heading: str
    made_by: tuple[str, ...]
    taken_by: tuple[str, ...]
    content: Callable[[], str]


def _schema_type(schema: Mapping[str, Any]) -> str:
    """A JSON Schema's type in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_schema_type(one) for one in schema["anyOf"]))
    if "allOf" in schema:
        return " and ".join(_schema_type(one) for one in schema["allOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_schema_type(schema.get('items', {}))}"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"name → {_schema_type(values)}" if isinstance(values, Mapping) else "object"
    low, high = (schema.get(key, schema.get(other)) for key, other in LIMITS)
    limits = [f"{word} {value:g}" for word, value in (("from", low), ("to", high)) if value is not None]
    return " ".join([str(kind), *limits])


CONSTANT = "kind of file, and its version"
LIMITS = (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum"))


def model_tables(model: type[BaseModel]) -> str:
    """The fields of a JSON file's model and of the models inside it."""
    schema = model.model_json_schema(by_alias=True)
    text = [_fields(schema)]
    for name, inner in schema.get("$defs", {}).items():
        if "properties" in inner:
            text.append(f"## {name}\n\n{_fields(inner)}")
    return "\n".join(text)


def _fields(schema: Mapping[str, Any]) -> str:
    rows = []
    for name, field in schema["properties"].items():
        meaning = escaped(field.get("description", CONSTANT if "const" in field else ""))
        if "default" in field and "const" not in field and not isinstance(field["default"], dict | list):
            usual = field["default"]
            usual = "null" if usual is None else usual
            shown = f"`{usual}`" if usual != "" else "empty"
            meaning = f"{meaning} (default {shown})".strip()
        rows.append((f"`{name}`", _schema_type(field).replace("|", r"\|"), meaning))
    return f"{paragraphs(schema.get('description', ''))}\n\n{table(('field', 'type', 'meaning'), rows)}"


def attributes(kind: type) -> Iterator[tuple[str, str, str]]:
    """(names, dtype and shape, meaning) of the attributes that a class describes in numpy's style."""
    parts = re.split(r"\n\nAttributes\n-+\n", inspect.cleandoc(kind.__doc__ or ""))
    for entry in re.split(r"\n(?=\S)", parts[1] if len(parts) > 1 else ""):
        head, _, meaning = entry.partition("\n")
        names, _, shape = head.partition(" : ")
        yield names, shape, meaning


def columns_table(kind: type, without: frozenset[str] = frozenset()) -> str:
    """The arrays of a class."""
    rows = [
        (", ".join(f"`{name}`" for name in names.split(", ")), f"`{shape}`", escaped(meaning))
        for names, shape, meaning in attributes(kind)
        if not set(names.split(", ")) <= without
    ]
    return table(("array", "type and shape", "meaning"), rows)


def text_below(module: ModuleType, name: str) -> str:
    """The string below the assignment of `name` in a module's source, which says what it means."""
    body = ast.parse(inspect.getsource(module)).body
    for one, below in itertools.pairwise(body):
        targets = one.targets if isinstance(one, ast.Assign) else []
        names = {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
        if name in names and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            return str(below.value.value)
    raise LookupError(f"{module.__name__} has no text below {name}")


def _evidence() -> str:
    from varproof.formats import evidence

    earlier = ", ".join(f"`{name}`" for name in evidence.EARLIER_SCHEMAS)
    return (
        f"{paragraphs(evidence.__doc__ or '')}\n\nThe file's attribute `schema` is `{evidence.SCHEMA}`; "
        f"files of earlier versions ({earlier}) are refused: collect again.\n\n"
        f"{columns_table(evidence.Evidence)}\n"
        f"Attributes of the file beside it:\n\n"
        f"- `{evidence.COVERED_BASES}`: {paragraphs(text_below(evidence, 'COVERED_BASES'))}\n"
        f"- `{evidence.SAMPLE_NAMES}`: {paragraphs(text_below(evidence, 'SAMPLE_NAMES'))}\n"
    )


def _panel() -> str:
    from varproof.formats import panel

    parts = (("Alleles", panel.PanelAlleles), ("Coverage", panel.PanelCoverage), ("Contexts", panel.PanelContexts))
    arrays = "\n".join(f"## {name}\n\n{columns_table(kind)}\n" for name, kind in parts)
    return (
        f"{paragraphs(panel.__doc__ or '')}\n\nThe file's attribute `schema` is `{panel.SCHEMA}`, its attribute `header` the "
        f"JSON of [PanelHeader](#panelheader). `contigs/N` holds the arrays of the N-th contig of the header, from 0 on, and "
        f"`regions`, the intervals that were counted (0-based, half-open).\n\n"
        f"{arrays}\n"
        f"Kinds of reads: {paragraphs(text_below(panel, 'READ_KINDS'))}\n\nRepeats: "
        f"{paragraphs(text_below(panel, 'REPEAT_CONTEXTS'))}\n\n"
        f"## PanelHeader\n\n{model_tables(panel.PanelHeader)}"
    )


def _tensors() -> str:
    from varproof.formats import tensors

    datasets = paragraphs(tensors.TensorWriter.__doc__ or "").partition("\n\n")[2]
    bases = " ".join(paragraphs(text_below(tensors, name)) for name in ("NOTHING", "INSERTION_FOLLOWS"))
    return (
        f"{paragraphs(tensors.__doc__ or '')}\n\nThe file's attribute `schema` is `{tensors.SCHEMA}`, its attribute `header` "
        f"the JSON of [TensorHeader](#tensorheader). {datasets}\n\n"
        f"## Arrays\n\n{columns_table(tensors.PackedTensors, frozenset({'settings'}))}\n"
        f"## Columns of rows\n\n{', '.join(f'`{name}`' for name in tensors.ROW_COLUMNS)}: "
        f"{paragraphs(text_below(tensors, 'ROW_COLUMNS'))}\n\nBits of `flags`: {paragraphs(text_below(tensors, 'PRESENT'))}\n\n"
        f"## Columns of allele_code\n\n{', '.join(f'`{name}`' for name in tensors.ALLELE_COLUMNS)}: "
        f"{paragraphs(text_below(tensors, 'ALLELE_COLUMNS'))}\n\n"
        f"## Codes of bases\n\n{bases}\n\n"
        f"## TensorHeader\n\n{model_tables(tensors.TensorHeader)}"
    )


def _explained() -> str:
    from varproof.formats import explained

    return (
        f"{paragraphs(explained.__doc__ or '')}\n\nThe attribute `schema` is `{explained.SCHEMA}`; `header` and all other "
        "datasets are those of [tensors.h5](tensors.md)."
    )


def _json(module: str, model: str) -> Callable[[], str]:
    def content() -> str:
        found = importlib.import_module(f"varproof.{module}")
        return f"{paragraphs(found.__doc__ or '')}\n\n{model_tables(getattr(found, model))}"

    return content


def _tab_separated(module: str, example: str) -> Callable[[], str]:
    def content() -> str:
        found = importlib.import_module(f"varproof.{module}")
        columns = ", ".join(f"`{name}`" for name in found.COLUMNS)
        return f"{paragraphs(found.__doc__ or '')}\n\nColumns: {columns}.\n\n{example}"

    return content


LABELS_EXAMPLE = """```text
chrom	pos	ref	alt	label
chr1	1021	G	T	1
chr1	4410	AC	A	0
```

Tabs separate the columns; they may come in any order, among others. Positions are 1-based, alleles as in the candidate list. An
allele that stands in two lines is an error."""

SAMPLES_EXAMPLE = """```text
sample	reads
normal	blood.bam
tumor	primary.bam
relapse	relapse.evidence.h5
```

A sample has one file of reads. Its column in the list of candidates is that of the reads' sample (SM), or of the name in the
scenario, unless `column` says another; where the list has none, a column is added."""

POOL_EXAMPLE = """```text
sample	patient	library	reads
n1	p7	kit-A	n1.bam
n2	p8	kit-A	n2.cram
```

Reads are relative to the sheet. A sample of the candidate's own patient is never taken, nor one of another library where
`--library` is given."""

FREQUENCIES = """One line for each judged allele of the tumour. `pos` is 1-based, `length` the bases that differ. `map` is the
most probable frequency in the tumour cells, then come the mean of its density and the ends of its 95 % interval, the
narrowest. `depth` counts fragments; `NA` where it is not known. `corrected` is the frequency given that the variant is in the
list, for those near its detection limit, with its interval; elsewhere as before; `NA` where that limit is not known. With
purity or copy numbers come [cancer cell fractions](../guides/cell-fractions.md) in seven further columns."""

SEGMENTS_EXAMPLE = """```text
contig	start	end	total	minor	total_low	total_high	minor_low	minor_high
chr1	0	74000	3	1	3	3	1	1
chr1	74000	130000	2	1	2	2	1	1
```

Positions are 0-based and half-open. Numbers are copies per tumour cell, fractions where cells differ; `minor` counts the rarer
haplotype, and is `NA` where nobody can tell. Limits are of 95 % intervals, and may be left out. Segments that overlap, lie
outside of the reference's contigs, or have a `minor` over half of `total` are refused."""

FILES = (
    FileKind(
        "files/alignment.md", "alignment.json", ("estimate-alignment",), ("collect-evidence", "score-posterior"),
        _json("formats.alignment", "AlignmentProperties"),
    ),
    FileKind(
        "files/evidence.md", "evidence.h5", ("collect-evidence",), ("score-posterior", "score-scenario", "estimate-vaf"),
        _evidence,
    ),
    FileKind(
        "files/scenario.md", "scenario.yaml", ("plot-scenario",), ("score-scenario", "plot-scenario"),
        _json("scenario.file", "ScenarioEntry"),
    ),
    FileKind(
        "files/sample-sheet.md", "samples.tsv", (), ("score-scenario",), _tab_separated("formats.sample_sheet", SAMPLES_EXAMPLE)
    ),
    FileKind(
        "files/panel.md", "panel.h5", ("build-panel", "gather"), ("score-posterior", "learn-prior", "build-panel"), _panel
    ),
    FileKind(
        "files/prior.md", "prior.json", ("learn-prior", "score-posterior"), ("score-posterior", "evaluate-calls"),
        _json("formats.prior", "LearntPrior"),
    ),
    FileKind(
        "files/recalibration.md", "recalibration.json", ("score-posterior",), ("score-posterior",),
        _json("formats.recalibration", "Recalibration"),
    ),
    FileKind("files/tree.md", "tree.json", ("call-candidates",), ("call-candidates",), _json("formats.tree", "QualityTree")),
    FileKind("files/tensors.md", "tensors.h5", ("tensorise",), ("train", "predict", "gather"), _tensors),
    FileKind("files/explained.md", "explained.h5", ("predict",), ("review-calls",), _explained),
    FileKind("files/model.md", "model.keras", ("train",), ("predict",), _json("formats.model", "ModelCard")),
    FileKind("files/model-sheet.md", "tumor-normal.json", (), ("predict",), _json("formats.model_sheet", "ModelSheet")),
    FileKind("files/training.md", "metrics.json of train", ("train",), (), _json("formats.training", "TrainingMetrics")),
    FileKind(
        "files/stacking.md", "stacking.json", ("combine-calls",), ("combine-calls",), _json("formats.stacking", "Stacking")
    ),
    FileKind(
        "files/metrics.md", "metrics.json of evaluate-calls", ("evaluate-calls",), (), _json("formats.metrics", "Metrics")
    ),
    FileKind(
        "files/people.md", "metrics.json of evaluate-calls, of labels alone", ("evaluate-calls",), (),
        _json("formats.people", "PeopleMetrics"),
    ),
    FileKind(
        "files/frequency-summary.md", "summary of estimate-vaf", ("estimate-vaf",), (),
        _json("formats.metrics", "FrequencySummary"),
    ),
    FileKind("files/burden.md", "burden.json", ("estimate-vaf",), (), _json("formats.burden", "BurdenSummary")),
    FileKind(
        "files/frequencies.md", "vaf.tsv", ("estimate-vaf",), (), _tab_separated("steps.estimate_vaf", FREQUENCIES)
    ),
    FileKind(
        "files/purity.md", "purity.json", ("estimate-purity",), ("score-posterior",), _json("formats.purity", "Purity")
    ),
    FileKind(
        "files/segments.md", "segments.tsv", ("estimate-purity", "simulate-pair"), ("estimate-purity",),
        _tab_separated("formats.segments", SEGMENTS_EXAMPLE),
    ),
    FileKind(
        "files/labels.md", "labels.tsv", (), ("tensorise", "evaluate-calls", "report-calls"),
        _tab_separated("formats.labels", LABELS_EXAMPLE),
    ),
    FileKind(
        "files/context-pool.md", "sheet of contexts", (), ("tensorise", "predict", "build-panel"),
        _tab_separated("formats.context_pool", POOL_EXAMPLE),
    ),
    FileKind(
        "files/spiking.md", "spiking.json", ("spike-variants",), ("evaluate-calls", "score-posterior"),
        _json("spiking.run", "SpikingSummary"),
    ),
    FileKind("files/simulation.md", "simulation.json", ("simulate-pair",), (), _json("simulation.pair", "SimulationSummary")),
)  # fmt: skip


def _linked(names: tuple[str, ...]) -> str:
    return ", ".join(f"[`{name}`](../executables/{name}.md)" for name in names)


def file_page(kind: FileKind) -> str:
    """One kind of file."""
    origin = f"Made by {_linked(kind.made_by)}. " if kind.made_by else "Made by you. "
    use = f"Taken by {_linked(kind.taken_by)}." if kind.taken_by else ""
    return f"# {kind.heading}\n\n{origin}{use}\n\n{kind.content()}"


def files_overview() -> str:
    """The page above those of the files."""
    rows = [
        (f"[{kind.heading}]({Path(kind.address).name})", _linked(kind.made_by) or "you", _linked(kind.taken_by))
        for kind in FILES
    ]
    return f"""# Files

Every file that goes from one executable to another has a model in `varproof.formats`, which these pages are made from. A JSON
file names its `schema`; unknown keys are refused. HDF5 files are compressed and carry their schema as an attribute. The fields
of VCFs are on the page [What is in the output](../output.md).

{table(("file", "made by", "taken by"), rows)}
{contents([Path(kind.address).stem for kind in FILES])}"""


# Tables in written pages


def _features() -> str:
    from varproof.candidates.features import FEATURES

    return table(("field", "meaning"), [(f"`INFO/{one.name}`", escaped(one.text)) for one in FEATURES])


def _reasons() -> str:
    from varproof.posterior.reasons import REASONS

    return table(("reason", "what it says"), [(f"`{name}`", escaped(text)) for name, text in REASONS.items()])


def _events() -> str:
    from varproof.formats.events import EVENT_TABLE

    rows = []
    for one in EVENT_TABLE:
        published = f"{one.published_per_base:g}" if one.published_per_base else ""
        rows.append((f"`{one.name}`", escaped(one.meaning), f"`PROB_{one.reported_as}`", published))
    return table(("event", "the allele is", "reported in", "published rate of SNVs, per base"), rows)


def _built_in_models() -> str:
    """How the models that come with the package judge protocols that they were not trained on."""
    from varproof.formats.json_file import read_json
    from varproof.formats.model_sheet import ModelSheet
    from varproof.network.built_in import FOLDER, NAMES

    if not all((FOLDER / f"{name}.json").exists() for name in NAMES.values()):
        return "They are not made yet: `make models`.\n"
    sheets = [read_json(FOLDER / f"{name}.json", ModelSheet) for name in NAMES.values()]
    measured = [
        {(entry.name, entry.variants): entry for entry in sheet.measured if entry.variants != "MNVs"} for sheet in sheets
    ]
    rows = []
    for (name, variants), entry in measured[0].items():
        shown = []
        for found in (part.get((name, variants)) for part in measured):
            known = found is not None and found.average_precision is not None
            shown += [f"{found.average_precision:.3f}", f"{found.false} of {found.kept}"] if found and known else ["", ""]
        rows.append((escaped(entry.description), variants, f"{entry.real} of {entry.real + entry.others}", *shown))
    heading = ("protocol", "variants", "real", "AP with normal", "false at 0.05", "AP without", "false at 0.05")
    limits = "\n".join(f"- {escaped(limit)}" for limit in dict.fromkeys(limit for sheet in sheets for limit in sheet.limits))
    trained = ", ".join(
        f"`{name}` on {sum(one.candidates for one in sheet.protocols)} candidates of {len(sheet.protocols)} simulated protocols"
        for name, sheet in zip(NAMES.values(), sheets, strict=True)
    )
    return f"Trained and calibrated: {trained}.\n\n{table(heading, rows)}\nTheir limits:\n\n{limits}\n"


def _decisions(module: str) -> str:
    model = importlib.import_module(f"varproof.{module}").DECISIONS
    rows = []
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        shown = ", ".join(f"{item:g}" for item in value) if isinstance(value, tuple) else f"{value:.10g}"
        rows.append((f"`{name}` {shown}", escaped(field.description or "")))
    return table(("decision", "why"), rows)


def results_section(heading: str) -> str:
    """The tables of a section of the benchmarks' results, up to the next heading."""
    text = (ROOT / "tests/benchmarks/RESULTS.md").read_text()
    body = text.partition(f"\n{heading}")[2]
    if not body:
        raise LookupError(f"RESULTS.md has no section {heading}")
    lines = re.split(r"\n#", body)[0].splitlines()[1:]
    return kept_together("\n".join(lines).strip()) + "\n"


def kept_together(text: str) -> str:
    """Results whose cells break only between a figure and what is allowed."""
    lines = [re.sub(r" ?(=|≤|≥) ", "\u00a0\\1\u00a0", line) if line.startswith("|") else line for line in text.splitlines()]
    return "\n".join(lines).replace("(\u00a0", "(")


TABLES: dict[str, Callable[[], str]] = {
    "executables": lambda: executables_table("executables/"),
    "features": _features,
    "reasons": _reasons,
    "events": _events,
    "built-in models": _built_in_models,
    "candidates decisions": lambda: _decisions("candidates.decisions"),
    "copynumber decisions": lambda: _decisions("copynumber.decisions"),
    "evidence decisions": lambda: _decisions("evidence.decisions"),
    "posterior decisions": lambda: _decisions("posterior.decisions"),
    "clonality decisions": lambda: _decisions("posterior.clonality_decisions"),
    "copies decisions": lambda: _decisions("posterior.copy_decisions"),
    "crowds decisions": lambda: _decisions("posterior.crowd_decisions"),
    "scenario decisions": lambda: _decisions("scenario.decisions"),
    "panel decisions": lambda: _decisions("posterior.panel_decisions"),
}


def expanded(text: str) -> str:
    """A written page with its tables filled in."""

    def filled(match: re.Match[str]) -> str:
        kind, _, rest = match[1].partition(": ")
        return results_section(rest) if kind == "results" else TABLES[rest]()

    return re.sub(r"^<!-- ((?:table|results): .+) -->$", filled, text, flags=re.MULTILINE)


# Texts of the repository's root

_ROOT_LINKS = re.compile(r"\]\((?:\./)?docs/([^)]*)\)")


def _from_root(name: str) -> str:
    text = (ROOT / name).read_text()
    return _ROOT_LINKS.sub(r"](\1)", text)


def _results() -> str:
    text = kept_together((ROOT / "tests/benchmarks/RESULTS.md").read_text())
    return re.sub(r"^(#+) ", lambda match: f"#{match[1]} ", text, flags=re.MULTILINE)


def generated_pages() -> dict[str, str]:
    """Markdown by address, of all pages that are no files in docs/."""
    pages = {"executables/index.md": executables_overview(), "files/index.md": files_overview()}
    pages |= {f"executables/{name}.md": executable_page(name) for name in EXECUTABLES}
    pages |= {kind.address: file_page(kind) for kind in FILES}
    pages |= {
        "changes.md": _from_root("CHANGES.md"),
        "contributing.md": _from_root("CONTRIBUTING.md"),
        "benchmarks.md": f"# All figures\n\n{_results()}",
    }
    return pages


# The site's source


def site_source() -> dict[str, str]:
    """Markdown by address, of all pages of the site, written and generated."""
    written = {path.relative_to(DOCS).as_posix(): expanded(path.read_text()) for path in sorted(DOCS.rglob("*.md"))}
    return {**written, **generated_pages()}


def main() -> None:
    """Write the source of the site into a folder: `python docs/generate.py FOLDER`."""
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    for address, text in site_source().items():
        (target / address).parent.mkdir(parents=True, exist_ok=True)
        (target / address).write_text(text)
    for path in (*DOCS.glob("*.png"), *DOCS.glob("*.css"), DOCS / "conf.py"):
        shutil.copy(path, target)


if __name__ == "__main__":
    main()
