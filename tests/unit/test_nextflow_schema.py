"""The Nextflow wrappers say of every option what its executable says: nothing here runs Nextflow."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from varproof import __version__
from varproof.commands import EXECUTABLES
from varproof.commands.base import CommandOptions
from varproof.scenario.annotate import subject_of
from varproof.scenario.ready import PAIR_MODEL, READY, scenario_of

ROOT = Path(__file__).resolve().parents[2] / "wrappers" / "nextflow"
SCHEMA = json.loads((ROOT / "nextflow_schema.json").read_text())
PARAMETERS = {name: item for group in SCHEMA["$defs"].values() for name, item in group["properties"].items()}
OF_NETWORKS = ("train", "predict")
LABELS = {"process_single", "process_low", "process_medium", "process_high"}
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")

CHANNEL_TYPES = {"map", "file", "directory", "string", "integer", "float", "boolean", "list", "eval"}
EDAM_FORMAT = re.compile(r"http://edamontology\.org/format_\d{4}")

BUILDS = {"varproof": "pyhdfd78af_0", "varproof-cnn": "hdfd78af_0"}
"""What bioconda calls the first build of a version, of a Python package and of one that holds nothing of its own."""

PIPELINES_OWN_DEFAULT = {"max_per_chunk": 20000, "fdr": 0.05, "truth_event": None, "purity": "1"}
PIPELINES_OWN_DEFAULT |= {"review_choose": "uncertain", "review_count": 200}
"""Parameters whose default the executable does not have, or that it requires."""

NOT_RUN = {"simulate-pair", "spike-variants", "train"}
"""Executables that have a module but no place in the pipeline."""

FROM_THE_SHEET = {
    "score-posterior.purity", "tensorise.patient", "tensorise.library", "score-posterior.alignment_tumor",
    "score-posterior.alignment_normal", "learn-prior.purity", "learn-prior.alignment_tumor", "learn-prior.alignment_normal",
    "report-calls.desk", "estimate-vaf.sample",
}  # fmt: skip
"""Options that the samplesheet, or a step before, gives for each sample."""

BY_EXT_ARGS = {
    "build-panel": {"shareable", "context_pool", "library"},
    "call-candidates": {"seed"},
    "collect-evidence": {"resume"},
    "score-posterior": {"calibrate", "label_error", "max_depth", "resume", "save_calibration", "tumor_sample", "normal_sample"},
    "combine-calls": {"label_error"},
    "fdr-filter": {"annotate", "merge_phased", "reference", "split_merged"},
    "tensorise": {"mutation_class_field", "picture", "export_npy", "pictures", "resume"},
    "predict": {"batch_size", "explain_at", "explain", "context_pool", "library", "patient", "seed"},
    "estimate-vaf": {
        "purity",
        "min_alternate_reads",
        "min_alternate_fraction",
        "purity_interval",
        "haploid",
        "callable_depth",
    },
    "report-calls": {"sample"},
    "review-calls": {"depth", "explained", "judged", "rows", "seed", "window"},
    "plot-scenario": {"contig"},
    "score-scenario": {"max_depth", "resume", "territory"},
    "evaluate-calls": {"purity", "certificate", "prior", "mode", "label_error", "sample"},
    "simulate-pair": {"segments", "targets"},
    "train": {"resume", "start_from"},
}
"""Options that users reach by ext.args only: what changes no result, and what writes more beside it."""


def model_of(name: str) -> type[CommandOptions]:
    module = importlib.import_module(f"varproof.commands.{name.replace('-', '_')}")
    (model,) = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, CommandOptions) and kind.__module__ == module.__name__
    ]
    return model


def options_of(name: str) -> dict[str, dict[str, Any]]:
    """JSON Schema of each option of its own; an optional one as what it is when given."""
    schema = model_of(name).model_json_schema()
    options = {}
    for field, item in schema["properties"].items():
        if field in CommandOptions.model_fields:
            continue
        given = next((kind for kind in item.get("anyOf", []) if kind.get("type") != "null"), {})
        options[field] = {**item, **given}
        items = options[field].get("items", {})
        if "$ref" in items:
            options[field]["items"] = schema["$defs"][items["$ref"].rpartition("/")[2]]
    return options


def module_of(name: str) -> Path:
    return ROOT / "modules" / "varproof" / name.replace("-", "")


def is_path(option: dict[str, Any]) -> bool:
    return "path" in (option.get("format"), option.get("items", {}).get("format"))


def written_options(text: str) -> set[str]:
    """Options in the text of a module or configuration."""
    return {match.replace("-", "_") for match in re.findall(r"(?<![\w-])--([a-z][a-z-]*)", text)}


def configured(name: str) -> str:
    """What conf/modules.config says of an executable's module."""
    text = (ROOT / "conf" / "modules.config").read_text()
    match = re.search(rf"withName: VARPROOF_{name.replace('-', '').upper()} {{(.*?)\n    }}", text, re.DOTALL)
    return match[1] if match else ""


MAPPED = [(parameter, *option.split(".")) for parameter, item in PARAMETERS.items() for option in item.get("x-varproof", [])]


@pytest.mark.parametrize(("parameter", "name", "field"), MAPPED, ids=["-".join(entry) for entry in MAPPED])
def test_a_parameter_is_what_its_option_is(parameter: str, name: str, field: str) -> None:
    item, option = PARAMETERS[parameter], options_of(name)[field]
    if is_path(option):
        assert item["type"] == "string" and item["format"] == "file-path" and "default" not in item
        return
    if option["type"] == "array":
        assert item["type"] == "string"
        for choice in option["items"].get("enum", []):
            assert re.fullmatch(item["pattern"], choice) and re.fullmatch(item["pattern"], f"{choice},{choice}")
    elif field == "normal_contamination":
        assert [re.fullmatch(item["pattern"], text) is not None for text in ("auto", "0", "0.5", ".5", "1", "no")] == [
            True, True, True, True, False, False,
        ]  # fmt: skip
    elif field == "purity":
        for text, good in {"auto": True, "1": True, "0.5": True, ".05": True, "0": False, "0.0": False, "1.2": False}.items():
            assert (re.fullmatch(item["pattern"], text) is not None) == good, text
    else:
        assert item["type"] == option["type"]
        assert item.get("enum") == option.get("enum")
        assert {bound: item.get(bound) for bound in BOUNDS} == {bound: option.get(bound) for bound in BOUNDS}
    if parameter in PIPELINES_OWN_DEFAULT:
        assert item.get("default") == PIPELINES_OWN_DEFAULT[parameter]
    else:
        assert item.get("default") == (option.get("default") if option["type"] != "array" else None)


@pytest.mark.parametrize(("parameter", "name", "field"), MAPPED, ids=["-".join(entry) for entry in MAPPED])
def test_a_parameter_reaches_its_option(parameter: str, name: str, field: str) -> None:
    flag, module = "--" + field.replace("_", "-"), (module_of(name) / "main.nf").read_text()
    in_config = configured(name)
    passed = f"params.{parameter}" in in_config and re.search(rf"--(no-)?{flag.removeprefix('--')}\b", in_config)
    workflows = "".join(path.read_text() for path in [ROOT / "main.nf", *ROOT.glob("subworkflows/local/*/main.nf")])
    assert passed or (f"params.{parameter}" in workflows and flag in module), f"{parameter} is not handed to {name} {flag}"


@pytest.mark.parametrize("name", EXECUTABLES)
def test_every_option_can_be_reached(name: str) -> None:
    """Each is an input, an output, a parameter, of the samplesheet, or known to be left to ext.args."""
    module = written_options((module_of(name) / "main.nf").read_text())
    options = options_of(name)
    parameters = {field for _, executable, field in MAPPED if executable == name}
    by_arguments = BY_EXT_ARGS.get(name, set())
    for field, option in options.items():
        left_to_users = name in NOT_RUN and not is_path(option)
        assert field in module or field in by_arguments or (field in parameters and not is_path(option)) or left_to_users, field
        if field in module and not is_path(option) and name not in NOT_RUN:
            assert field in parameters or f"{name}.{field}" in FROM_THE_SHEET, field
    assert by_arguments <= set(options), "an option of ext.args is gone"
    unknown = (module | written_options(configured(name))) - set(options) - set(CommandOptions.model_fields) - {"version"}
    assert {field.removeprefix("no_") for field in unknown} <= {
        field for field in options if options[field]["type"] == "boolean"
    }


def test_defaults_of_the_configuration_are_those_of_the_schema() -> None:
    text = (ROOT / "nextflow.config").read_text()
    block = re.search(r"(?s)^params {\n(.*?)\n}", text[text.index("params {") :])
    assert block
    values = dict(re.findall(r"(?m)^ +(\w+) += (.*)$", block[1]))
    assert list(values) and set(values) == set(PARAMETERS)
    for name, value in values.items():
        default = PARAMETERS[name].get("default")
        shown = json.dumps(default) if not isinstance(default, str) else f"'{default}'"
        assert value == shown, name


def container_of(text: str) -> tuple[str, ...]:
    """The image of a module for Singularity and Apptainer, and the one for all other engines, in nf-core's words."""
    container = re.search(
        r"""(?m)^    container "\$\{workflow\.containerEngine in \['singularity', 'apptainer'\] """
        r"""&& !task\.ext\.singularity_pull_docker_container\n        \? '(\S+)'\n        : '(\S+)'\}"$""",
        text,
    )
    assert container
    return container.groups()


@pytest.mark.parametrize("name", EXECUTABLES)
def test_modules_are_alike(name: str) -> None:
    folder, short = module_of(name), name.replace("-", "")
    text, image = (folder / "main.nf").read_text(), "varproof-cnn" if name in OF_NETWORKS else "varproof"
    assert f"process VARPROOF_{short.upper()} {{" in text
    assert container_of(text) == (
        f"https://depot.galaxyproject.org/singularity/{image}:{__version__}--{BUILDS[image]}",
        f"quay.io/biocontainers/{image}:{__version__}--{BUILDS[image]}",
    )
    labels = set(re.findall(r"label '(\w+)'", text))
    assert len(labels) == 1 and labels <= LABELS
    assert f"eval(\"{name} --version | sed 's/.* //'\"), topic: versions, emit: versions_varproof" in text
    assert "task.ext.args ?: " in text and text.count('task.ext.prefix ?: "${meta.id}"') == 2
    assert f'    """\n    {name} \\\\\n' in text or f"\n    {name} \\\\\n" in text
    assert yaml.safe_load((folder / "environment.yml").read_text())["dependencies"] == [f"bioconda::{image}={__version__}"]
    meta = yaml.safe_load((folder / "meta.yml").read_text())
    assert meta["name"] == f"varproof_{short}"
    declared = re.findall(r"(?:val|path)\((\w+)", text.partition("output:")[0])
    assert [next(iter(entry)) for channel in meta["input"] for entry in channel] == declared
    assert set(meta["output"]) == set(re.findall(r"emit: (\w+)", text))
    files = [(entry, item) for channel in meta["input"] for element in channel for entry, item in element.items()]
    assert all(item["description"] and (item["type"] != "file" or item["pattern"]) for _, item in files)
    (tool,) = meta["tools"]
    assert list(tool) == ["varproof"] and tool["varproof"]["licence"] == ["MIT"]
    assert (tool["varproof"]["identifier"], tool["varproof"]["doi"]) == ("biotools:varproof", "no DOI available")
    assert meta["topics"]["versions"] == meta["output"]["versions_varproof"]
    emitted = [
        item for channels in meta["output"].values() for channel in channels for part in channel for item in part.values()
    ]
    for item in [item for _, item in files] + emitted:
        assert item["type"] in CHANNEL_TYPES
        assert (item["type"] in ("file", "directory")) == ("ontologies" in item)
        assert all(EDAM_FORMAT.fullmatch(entry["edam"]) for entry in item.get("ontologies", []))
    tests = (folder / "tests" / "main.nf.test").read_text()
    assert f'process "VARPROOF_{short.upper()}"' in tests and f'tag "varproof/{short}"' in tests
    assert (
        ("module_args" in tests) == (folder / "tests" / "nextflow.config").exists() == ("config './nextflow.config'" in tests)
    )


def test_images_and_version_are_given_once_more() -> None:
    assert PARAMETERS["image"]["default"] == f"ghcr.io/varproof/varproof:{__version__}"
    assert PARAMETERS["image_cnn"]["default"] == f"ghcr.io/varproof/varproof-cnn:{__version__}"
    assert re.search(rf"version += '{re.escape(__version__)}'", (ROOT / "nextflow.config").read_text())


@pytest.mark.parametrize("path", sorted(ROOT.glob("modules/varproof/*/main.nf")), ids=lambda path: path.parent.name)
def test_files_of_one_name_do_not_meet(path: Path) -> None:
    """Of inputs that are lists each file has a folder of its own; what is gathered has names by its chunks."""
    text = "" if path.parent.name == "gather" else path.read_text()
    for name in re.findall(r"\[(\w+)\]\.flatten\(\)", text):
        assert re.search(rf"path\({name}, stageAs: '\w+\?/\*'\)", text), name


def test_what_is_refused_together_are_parameters() -> None:
    text = (ROOT / "subworkflows/local/parameters/main.nf").read_text()
    body = text.partition("def contradictions(given) {")[2].partition("\n}")[0]
    named = {*re.findall(r"given\.(\w+)", body), *re.findall(r"'(\w+)'", body.partition("findAll")[0])} - {"flat"}
    assert {"normals", "panel", "prior", "germline_resource", "germline_field"} <= named <= set(PARAMETERS)


def test_what_the_pipeline_knows_of_ready_scenarios_is_theirs() -> None:
    """Measured are samples that are no normal and no source of another one, the header's first, unless it is a pair that
    score-posterior judges, whose columns have names of their own; what is called are events."""
    known = json.loads((ROOT / "assets" / "scenarios.json").read_text())
    guide = (ROOT.parents[1] / "docs" / "guides" / "pipeline.md").read_text().splitlines()
    assert list(known) == list(READY)
    for name, told in known.items():
        scenario = scenario_of(name)
        assert told["samples"] == list(scenario.samples)
        assert told["events"] == [event.upper() for event in scenario.events]
        assert told["called"] and set(told["called"]) <= set(told["events"])
        assert any(f"`{name}`" in line and line.endswith(f" | {','.join(told['called'])} |") for line in guide), name
        parents = {parent for item in scenario.samples.values() if item.inheritance for parent in item.inheritance.parents}
        sources = {item.contamination.by for item in scenario.samples.values() if item.contamination} | parents
        if name in PAIR_MODEL:
            assert told["measured"] == [] and subject_of(scenario) == "tumor"
            continue
        assert told["measured"] == [sample for sample in scenario.samples if sample != "normal" and sample not in sources]
        assert subject_of(scenario) == ("tumor" if "tumor" in scenario.samples else told["measured"][0])
