"""The Galaxy tools and the executables' options don't drift: every option is held against the XML, both ways.

An option is a `<param argument="--option">` of the expanded XML and a word of its command. What Galaxy sets by itself, what
becomes an output, and what is made within the job is listed here, each with its reason.
"""

import importlib
import inspect
import json
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from galaxy.util import xml_macros
from lxml import etree
from lxml.etree import _Element as Element

from varproof import __version__
from varproof.commands import EXECUTABLES
from varproof.commands.base import CommandOptions

TOOLS = Path(__file__).resolve().parents[2] / "wrappers" / "galaxy"

WITHOUT_TOOL = {
    "scatter-candidates": "Galaxy runs a job on one machine; regions are scattered by the Nextflow pipeline",
    "gather": "gathers what scatter-candidates has scattered",
}
NOT_OFFERED = {
    "config": "the form is the configuration",
    "log_level": "the log belongs to the job",
    "quiet": "the log belongs to the job",
}
NO_EARLIER_JOB = "a job begins in a folder of its own, in which no other has left anything"
A_SHEET = "a sheet with paths, which a job has none of"
MADE_IN_THE_JOB = {
    "build-panel": {"context_pool": f"{A_SHEET}: the form takes the reads", "library": "chooses from the sheet"},
    "collect-evidence": {"resume": NO_EARLIER_JOB},
    "evaluate-calls": {"prior": "is for folders, which Galaxy has none of: their files are scored by score-posterior there"},
    "predict": dict.fromkeys(
        ("context_pool", "library", "patient", "seed"), f"{A_SHEET}: tensorise draws from a pool, and predict takes its tensors"
    ),
    "report-calls": {
        "desk": "a dataset has no address that another one could name beforehand",
        "desk_page": "it belongs to --desk",
    },
    "review-calls": {"explained": "predict gives the pictures there, and no file of what they show"},
    "score-posterior": {"resume": NO_EARLIER_JOB},
    "score-scenario": {"samples": "a sheet with paths: written from the repeat of samples", "resume": NO_EARLIER_JOB},
    "tensorise": {
        "context_pool": "a sheet with paths: written from the repeat of pool samples",
        "resume": NO_EARLIER_JOB,
    },
    "train": {
        "checkpoint": "lies in the job's folder, which no other job sees",
        "resume": NO_EARLIER_JOB,
    },
}
OUTPUTS = {
    "call-candidates": {"output": ["output"], "save_tree": ["tree"], "draw_tree": ["tree_picture"]},
    "combine-calls": {"save_stacking": ["learnt_weights"]},
    "estimate-purity": {
        "output": ["output"],
        "output_segments": ["output_segments"],
        "plot": ["picture", "picture_svg", "pictures"],
    },
    "estimate-vaf": {
        "output": ["output"],
        "annotated_output": ["annotated_output"],
        "plot": ["spectrum", "spectrum_svg"],
        "summary": ["summary"],
        "burden": ["mutational_burden"],
    },
    "evaluate-calls": {"output": ["output"], "report": ["report"], "certificate": ["certificate"]},
    "plot-scenario": {"output": ["output"], "plot": ["picture", "picture_svg"], "save_scenario": ["saved_scenario"]},
    "predict": {"output": ["output"], "table": ["table"], "explain": ["pictures"]},
    "score-posterior": {
        "output": ["output"],
        "learnt_prior": ["learnt_prior"],
        "save_calibration": ["learnt_calibration"],
    },
    "simulate-pair": {
        "output": [
            *("reference", "tumor", "normal", "candidates", "truth", "summary", "targets", "context_reads"),
            *("cohort", "relative_reads", "germline_resource", "true_segments"),
        ]
    },
    "spike-variants": {"output": ["tumor", "normal", "candidates", "truth", "summary", "skipped"]},
    "tensorise": {"output": ["output"], "export_npy": ["expanded"], "pictures": ["pictures"]},
    "train": {"output": ["output"], "metrics": ["metrics"], "report": ["report"]},
}
"""Executable -> option that names a file to write -> the outputs of the Galaxy tool; `output` alone if not listed."""

BOUNDS_OF_VALIDATORS: dict[tuple[str, str], dict[str, Any]] = {
    ("learn-prior", "normal_contamination"): {"minimum": (0.0, False), "maximum": (1.0, True)},
    ("learn-prior", "purity"): {"minimum": (0.0, True), "maximum": (1.0, False)},
    ("score-posterior", "purity"): {"minimum": (0.0, True), "maximum": (1.0, False)},
    ("score-posterior", "normal_contamination"): {"minimum": (0.0, False), "maximum": (1.0, True)},
    ("spike-variants", "vaf"): {"minimum": (0.0, True), "maximum": (1.0, False)},
    ("spike-variants", "lengths"): {"minimum": (1.0, False)},
}
"""Bounds that the schema can't tell, since the option is a number or a word, or a list of numbers."""

WRAPPED = [name for name in EXECUTABLES if name not in WITHOUT_TOOL]


@dataclass(frozen=True)
class Option:
    """An option as its JSON Schema tells it."""

    field: str
    kind: str
    """integer, number, boolean, string, path, choice"""
    many: bool
    required: bool
    default: Any
    nullable: bool
    choices: tuple[str, ...]
    minimum: tuple[float, bool] | None
    """(bound, whether it is excluded)"""
    maximum: tuple[float, bool] | None
    or_file: bool = False
    """A number or a word, or a file instead."""

    @property
    def argument(self) -> str:
        """As on the command line."""
        return "--" + self.field.replace("_", "-")

    def of_fields(self, count: int) -> list["Option"]:
        """What each of its fields in the form stands for: for the option, or of a list of numbers for one of them."""
        if self.many and self.default and self.kind in ("integer", "number"):
            return [replace(self, many=False, default=value) for value in self.default]
        return [self] * count


def module_of(executable: str) -> ModuleType:
    return importlib.import_module(f"varproof.commands.{executable.replace('-', '_')}")


def bound(schema: dict[str, Any], inclusive: str, exclusive: str) -> tuple[float, bool] | None:
    if inclusive in schema:
        return float(schema[inclusive]), False
    return (float(schema[exclusive]), True) if exclusive in schema else None


def option_of(field: str, schema: dict[str, Any], root: dict[str, Any]) -> Option:
    """The option of one property; the alternatives of a union are merged, null apart."""
    parts = [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]
    many = parts[0].get("type") == "array"
    if many:
        parts = [parts[0]["items"]]
        parts = parts[0].get("anyOf", parts)
    parts = [root["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part for part in parts]
    choices = [value for part in parts for value in part.get("enum", [part["const"]] if "const" in part else [])]
    numbers = [part for part in parts if part.get("type") in ("integer", "number")]
    first = numbers[0] if numbers else parts[0]
    kind = first.get("type", "")
    if first.get("format") == "path":
        kind = "path"
    elif choices and not numbers:
        kind = "choice"
    return Option(
        field=field,
        kind=kind,
        many=many,
        required=field in root.get("required", []),
        default=schema.get("default"),
        nullable=any(part.get("type") == "null" for part in schema.get("anyOf", [])),
        choices=tuple(choices),
        minimum=bound(first, "minimum", "exclusiveMinimum"),
        maximum=bound(first, "maximum", "exclusiveMaximum"),
        or_file=first.get("format") != "path" and any(part.get("format") == "path" for part in parts),
    )


@cache
def options_of(executable: str) -> dict[str, Option]:
    """Options of an executable by field, as `--schema` prints them."""
    module = module_of(executable)
    models = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, CommandOptions) and value.__module__ == module.__name__
    ]
    assert len(models) == 1, f"{executable}: expected one model of options, found {models}"
    schema = models[0].model_json_schema()
    options = {field: option_of(field, value, schema) for field, value in schema["properties"].items()}
    return {field: replace(option, **BOUNDS_OF_VALIDATORS.get((executable, field), {})) for field, option in options.items()}


@cache
def tool_of(executable: str) -> Element:
    """The tool's XML with all macros expanded."""
    return xml_macros.load(str(TOOLS / f"{executable}.xml")).getroot()


def parents_of(root: Element) -> dict[Element, Element]:
    return {child: parent for parent in root.iter() for child in parent}


def command_of(executable: str) -> str:
    return tool_of(executable).findtext("command") or ""


def parameters_of(executable: str, option: Option) -> list[Element]:
    return [item for item in tool_of(executable).findall("inputs//param") if item.get("argument") == option.argument]


def is_avoidable(parameter: Element, parents: dict[Element, Element]) -> bool:
    """Whether some choice of a conditional leads past the parameter."""
    element = parameter
    while element in parents:
        parent = parents[element]
        if element.tag == "when":
            others = [branch for branch in parent.findall("when") if branch is not element]
            same = [
                branch
                for branch in others
                if any(item.get("argument") == parameter.get("argument") for item in branch.iter("param"))
            ]
            if len(same) < len(others):
                return True
        element = parent
    return False


def takes_several(parameter: Element, option: Option) -> bool:
    """A parameter of several values, or one that a repeat asks for again."""
    tool = parameter.getroottree().getroot()
    again = tool.xpath(f"inputs//repeat//param[@argument='{option.argument}']")
    return parameter.get("multiple") == "true" or bool(again)


def excluded(parameter: Element, which: str) -> float | None:
    for validator in parameter.findall("validator[@type='in_range']"):
        if validator.get(f"exclude_{which}") == "true":
            return float(validator.get(which, "nan"))
    return None


def check_bounds(option: Option, parameter: Element) -> None:
    for which, wanted in (("min", option.minimum), ("max", option.maximum)):
        shown = parameter.get(which)
        if wanted is None:
            assert shown is None, f"{option.argument} has no {which}, the form {shown}"
            continue
        value, is_excluded = wanted
        assert shown is not None and float(shown) == value, f"{option.argument}: {which} {value}, in the form {shown}"
        assert excluded(parameter, which) == (value if is_excluded else None), f"{option.argument}: {which} excluded or not"


def check_default(option: Option, parameter: Element, shown: str | None, parents: dict[Element, Element]) -> None:
    """What the form shows at first is the default; without one, the form can leave the option out."""
    if option.required:
        assert parameter.get("optional") != "true", f"{option.argument} is required"
        return
    if option.default in (None, []):
        assert shown in (None, ""), f"{option.argument} has no default, the form {shown!r}"
        return
    wanted = ",".join(option.default) if isinstance(option.default, list) else option.default
    if option.kind in ("integer", "number"):
        assert shown is not None and float(shown) == wanted, f"{option.argument}: default {wanted}, in the form {shown}"
    else:
        assert shown == str(wanted), f"{option.argument}: default {wanted!r}, in the form {shown!r}"


def selected_of(parameter: Element) -> str | None:
    """What is chosen at first: several with commas between."""
    chosen = [item.get("value", "") for item in parameter.findall("option") if item.get("selected") == "true"]
    return ",".join(chosen) if chosen else None


def check_select(option: Option, parameter: Element, parents: dict[Element, Element]) -> None:
    values = [item.get("value") for item in parameter.findall("option")]
    assert (parameter.get("multiple") == "true") == option.many, option.argument
    if option.kind == "boolean":
        assert option.nullable and set(values) == {"", option.argument, "--no-" + option.argument[2:]}, option.argument
        assert selected_of(parameter) == "", option.argument
    elif option.kind == "choice":
        assert values == list(option.choices), f"{option.argument}: {option.choices}, in the form {values}"
        check_default(option, parameter, selected_of(parameter), parents)
    else:
        # The option takes one of these words or something else, for which there is a parameter of its own.
        assert set(option.choices) <= set(values), f"{option.argument}: {option.choices}, in the form {values}"
        assert selected_of(parameter) == ("number" if option.kind == "number" and option.or_file else option.default)


def check_parameter(option: Option, parameter: Element, parents: dict[Element, Element]) -> None:
    """Type, default, bounds and choices of one parameter that stands for the option."""
    kind = parameter.get("type")
    if kind == "select" and parameter.find("options[@from_data_table]") is not None:
        assert option.kind == "path", option.argument
    elif kind == "select":
        check_select(option, parameter, parents)
    elif kind == "boolean":
        assert option.kind == "boolean", option.argument
        assert parameter.get("checked") == str(option.default).lower(), option.argument
        assert parameter.get("truevalue") == option.argument
        no = "--no-" + option.argument[2:]
        assert parameter.get("falsevalue") == (no if option.default else ""), option.argument
    elif kind == "data":
        # A word or a file: `--prior` and its like.
        assert option.kind in ("path", "string") or option.or_file, option.argument
        assert takes_several(parameter, option) == option.many, option.argument
        if option.kind == "path":
            check_default(option, parameter, None, parents)
    else:
        names = {"integer": "integer", "float": "number", "text": "string"}
        assert names.get(kind or "") == option.kind, f"{option.argument} is of the type {option.kind}, in the form {kind}"
        if option.choices:
            assert is_avoidable(parameter, parents), f"{option.argument} may be {option.choices}"
        else:
            check_default(option, parameter, parameter.get("value"), parents)
        if kind != "text":
            check_bounds(option, parameter)


def can_be_left_out(parameter: Element, parents: dict[Element, Element]) -> bool:
    empty = parameter.get("value") == "" or parameter.find("option[@value='']") is not None
    repeated = any(element.tag == "repeat" and element.get("min", "0") == "0" for element in parameter.iterancestors())
    return parameter.get("optional") == "true" or empty or repeated or is_avoidable(parameter, parents)


def offered(executable: str) -> list[Option]:
    """Options that the form must show."""
    hidden = {"threads", *NOT_OFFERED, *MADE_IN_THE_JOB.get(executable, {}), *OUTPUTS.get(executable, {}), "output"}
    return [option for field, option in options_of(executable).items() if field not in hidden]


def test_there_is_a_tool_for_every_executable() -> None:
    tools = {path.stem for path in TOOLS.glob("*.xml")} - {"macros"}
    assert tools == set(WRAPPED)


@pytest.mark.parametrize("executable", WRAPPED)
def test_form_has_every_option_as_the_executable_has_it(executable: str) -> None:
    parents = parents_of(tool_of(executable))
    for option in offered(executable):
        parameters = parameters_of(executable, option)
        assert parameters, f'{executable}.xml: no <param argument="{option.argument}">'
        for parameter, item in zip(parameters, option.of_fields(len(parameters)), strict=True):
            check_parameter(item, parameter, parents)
        if not option.required and option.default in (None, []):
            assert any(can_be_left_out(parameter, parents) for parameter in parameters), f"{option.argument} may be left out"


@pytest.mark.parametrize("executable", WRAPPED)
def test_form_has_no_option_that_the_executable_has_not(executable: str) -> None:
    arguments = {item.get("argument") for item in tool_of(executable).findall("inputs//param")} - {None}
    assert arguments <= {option.argument for option in offered(executable)}


@pytest.mark.parametrize("executable", WRAPPED)
def test_command_hands_every_option_over(executable: str) -> None:
    command = command_of(executable)
    handed = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", command))
    for option in offered(executable):
        parameters = parameters_of(executable, option)
        by_value = any(
            item.get("type") == "boolean" or {"", option.argument} <= {choice.get("value") for choice in item.findall("option")}
            for item in parameters
        )
        if by_value:
            assert re.search(rf"\$[a-z_.]*\b{option.field}\b", command), f"{executable}: ${option.field} is not in the command"
        else:
            assert option.argument in handed, f"{executable}: {option.argument} is not in the command"
    known = {option.argument for option in options_of(executable).values()}
    assert handed <= known, f"{executable} has no {handed - known}"
    assert not handed & {"--" + field.replace("_", "-") for field in NOT_OFFERED}


@pytest.mark.parametrize("executable", WRAPPED)
def test_every_file_that_is_written_is_an_output(executable: str) -> None:
    command = command_of(executable)
    names = {item.get("name") for item in tool_of(executable).findall("outputs/*")}
    listed = {"output": ["output"], **OUTPUTS.get(executable, {})}
    for field, outputs in listed.items():
        assert options_of(executable)[field].argument + " " in command
        assert set(outputs) <= names
    assert names == {name for outputs in listed.values() for name in outputs}
    for field in MADE_IN_THE_JOB.get(executable, {}):
        assert field in options_of(executable)


@pytest.mark.parametrize("executable", WRAPPED)
def test_slots_are_used_where_there_is_something_to_share_out(executable: str) -> None:
    source = inspect.getsource(importlib.import_module(module_of(executable).__name__.replace(".commands.", ".steps.")))
    shares = "worker_count" in source or "threads=options.threads" in source
    assert ("--threads" in command_of(executable)) == shares
    assert ("GALAXY_SLOTS" in command_of(executable)) == shares


@pytest.mark.parametrize("executable", WRAPPED)
def test_tool_names_the_version_that_it_was_written_for(executable: str) -> None:
    tool = tool_of(executable)
    assert tool.get("version", "").partition("+galaxy")[0] == __version__
    assert tool.get("id") == "varproof_" + executable.replace("-", "_")
    (package,) = tool.findall("requirements/*")  # from which Galaxy finds the container, BioContainers', by itself
    needs_tensorflow = executable in ("train", "predict")
    assert package.text == ("varproof-cnn" if needs_tensorflow else "varproof") and package.get("version") == __version__
    assert (package.tag, package.get("type")) == ("requirement", "package")


@pytest.mark.parametrize("executable", WRAPPED)
def test_files_that_a_test_names_are_there(executable: str) -> None:
    """So that `planemo test` needs nothing else, in a copy of the folder with links followed, either."""
    named = [item for item in tool_of(executable).find("tests").iter() if item.get("ftype") or item.get("file")]
    files = {text for item in named if (text := item.get("value" if item.tag in ("param", "element") else "file"))}
    assert files or executable == "simulate-pair"
    assert all((TOOLS / "test-data" / name).is_file() for name in files)
    references = [item for item in tool_of(executable).find("tests").iter("param") if item.get("name") == "reference"]
    assert {item.get("value") for item in references if not item.get("ftype")} <= set(genomes_of_tests())


def genomes_of_tests() -> dict[str, Path]:
    """Genomes of the server that tests run on, by the name that a form sends."""
    table, offered = (
        etree.parse(TOOLS / f"tool_data_table_conf.xml.{kind}").getroot().find("table") for kind in ("test", "sample")
    )
    assert table is not None and offered is not None
    assert table.get("name") == offered.get("name") and table.findtext("columns") == offered.findtext("columns")
    file = table.find("file")
    assert file is not None and table.findtext("columns") == "value, dbkey, name, path"
    loc = Path(file.get("path", "").replace("${__HERE__}", str(TOOLS)))
    rows = [line.split("\t") for line in loc.read_text().splitlines() if not line.startswith("#")]
    return {value: Path(path.replace("${__HERE__}", str(loc.parent))) for value, _, _, path in rows}


def test_the_genome_of_tests_has_its_index() -> None:
    genomes = genomes_of_tests()
    assert list(genomes) == ["simulated"]
    assert all(path.is_file() and path.with_name(path.name + ".fai").is_file() for path in genomes.values())


@pytest.mark.parametrize("executable", WRAPPED)
def test_tool_is_tested_and_so_are_its_errors(executable: str) -> None:
    tests = tool_of(executable).findall("tests/test")
    failing = [test for test in tests if test.get("expect_failure") == "true"]
    working = [test for test in tests if test not in failing]
    assert failing and all(test.find("assert_stderr/has_text") is not None for test in failing)
    assert len(working) >= 1 and all(test.get("expect_num_outputs") for test in working)
    for test in working:
        assert test.find(".//assert_contents/*") is not None


def name_of(element: Element) -> str:
    """The name under which a form keeps an input."""
    return str(element.get("name") or str(element.get("argument")).lstrip("-").replace("-", "_"))


def test_schemas_that_tests_of_tools_expect_are_those_that_are_written() -> None:
    """Neither linter looks into a file that a tool makes; Galaxy itself would, half an hour later."""
    name = re.compile(r"varproof/[a-z]+/[0-9]+")
    package = Path(inspect.getfile(CommandOptions)).parents[1]
    written = {found for path in (package / "formats").rglob("*.py") for found in name.findall(path.read_text())}
    expected = {
        found for path in TOOLS.rglob("*.*") if path.suffix in (".xml", ".yml") for found in name.findall(path.read_text())
    }
    assert expected and expected <= written


def test_the_example_workflow_knows_every_input_of_its_tools() -> None:
    """Galaxy refuses to run a workflow by its API where a step has no value for an input that its tool has got since."""
    workflow = json.loads((TOOLS / "workflows" / "reads-to-calls.ga").read_text())
    steps = [step for step in workflow["steps"].values() if (step["tool_id"] or "").startswith("varproof_")]
    assert len(steps) > 3
    for step in steps:
        inputs = tool_of(step["tool_id"].removeprefix("varproof_").replace("_", "-")).find("inputs")
        assert inputs is not None
        known = {name_of(item) for item in inputs if item.tag in ("param", "conditional", "section", "repeat")}
        stated = {name for name in json.loads(step["tool_state"]) if not name.startswith("__")}
        assert stated == known, step["tool_id"]
