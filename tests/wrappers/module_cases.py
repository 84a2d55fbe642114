"""The modules' tests, tests/main.nf.test, as nf-test reads them: their cases, run by Nextflow itself, and their snapshots.

nf-test comes from no package registry. What our tests use of it, and of its plugins nft-utils, nft-vcf and nft-bam, is here,
with the digests that they compute; all else is refused. Snapshots are in nf-test's format, whose users can go on with them.
"""

import datetime
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysam

from wrappers.machine import TEST_DATA
from wrappers.workflow import PIPELINE

MODULES = PIPELINE / "modules" / "varproof"
DATA = "genomics/varproof"
"""Where nf-core's test data would have ours."""

THEN = re.compile(r"assert process\.success assertAll\( \{ assert snapshot\((.*)\)\.match\(\) \} \)")
SANITIZED = re.compile(r"sanitizeOutput\(process\.out(?:, unstableKeys: \[(.*)\])?\)")
FIRST = re.compile(r"(\w+)\(process\.out\.(\w+)\[0\]\[1\]\)\.([\w.()]+)")
EACH = re.compile(r"process\.out\.(\w+)\[0\]\[1\]\.collect \{ file -> (\w+)\(file\)\.([\w.()]+) \}")

WRITER = """\
def plain(value) {
    if (value instanceof Map) {
        return value.collectEntries { key, item -> [(key): plain(item)] }
    }
    if (value instanceof Collection) {
        return value.collect { item -> plain(item) }
    }
    return value instanceof Path ? value.toString() : value
}
"""
"""What a channel emits, as JSON has it."""


@dataclass(frozen=True)
class Case:
    """One test of a module's main.nf.test: what it is called, its inputs and what it snapshots, as it writes them."""

    module: str
    title: str
    stub: bool
    arguments: str
    inputs: list[str]
    then: str

    @property
    def alias(self) -> str:
        return f"{self.module}_{re.sub('[^a-z0-9]+', '_', self.title)}".upper()

    @property
    def emitted(self) -> list[str]:
        """Names of what the module emits."""
        return re.findall(r"emit: (\w+)", (MODULES / self.module / "main.nf").read_text())

    @property
    def snapshotted(self) -> list[str]:
        """The arguments of its snapshot."""
        found = THEN.fullmatch(self.then)
        assert found, f"{self.module}, {self.title}: not what a case of ours asserts: {self.then}"
        return split_arguments(found[1])


def split_arguments(text: str) -> list[str]:
    """The arguments of a call, at commas outside all brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def cases_of(module: str) -> list[Case]:
    """The tests of a module."""
    text = (MODULES / module / "tests" / "main.nf.test").read_text()
    found = []
    for part in re.split(r'(?m)^    test\("', text)[1:]:
        arguments = re.search(r"module_args = '(.*)'", part)
        then = re.search(r"(?ms)^        then \{$(.*?)^        \}$", part)
        assert then, module
        found.append(
            Case(
                module,
                part.partition('"')[0],
                'options "-stub"' in part,
                arguments[1] if arguments else "",
                re.findall(r"(?m)^ +input\[\d+\] = (.*)$", part),
                " ".join(then[1].split()),
            )
        )
    return found


def workflow_of(cases: list[Case], folder: Path) -> Path:
    """A workflow that runs all cases, with its configuration.

    It publishes what each makes into a folder, and writes what each of its channels emits, ALIAS.NAME.json.
    """
    includes = [
        f"include {{ VARPROOF_{case.module.upper()} as {case.alias} }} from '{MODULES / case.module / 'main.nf'}'"
        for case in cases
    ]
    calls = [
        "\n".join(
            [f"    {case.alias}({', '.join(case.inputs)})"]
            + [
                f"    {case.alias}.out.{name}.toList().subscribe {{ items ->\n"
                f"        file('{folder}/{case.alias}.{name}.json').setText(groovy.json.JsonOutput.toJson(plain(items)))\n"
                "    }"
                for name in case.emitted
            ]
        )
        for case in cases
    ]
    settings = [
        f"    withName: '{case.alias}' {{\n        ext.args = '{case.arguments}' ?: null\n"
        f"        publishDir = [path: '{folder}/{case.alias}', mode: 'copy']\n    }}"
        for case in cases
    ]
    (folder / "data" / DATA).parent.mkdir(parents=True)
    (folder / "data" / DATA).symlink_to(TEST_DATA)
    data = f"params.modules_testdata_base_path = '{folder}/data/'\n"
    limits = "process.resourceLimits = [cpus: 2, memory: 6.GB, time: 1.h]\n"
    (folder / "nextflow.config").write_text(data + limits + "process {\n" + "\n".join(settings) + "\n}\n")
    (folder / "main.nf").write_text("\n".join([*includes, "", WRITER, "workflow {", *calls, "}"]) + "\n")
    return folder / "main.nf"


def outputs_of(case: Case, folder: Path) -> dict[str, Any]:
    """What a case has emitted, by name; the process under its own name, which is not the alias that it ran under."""

    def named(value: Any) -> Any:
        if isinstance(value, list):
            return [named(item) for item in value]
        return f"VARPROOF_{case.module.upper()}" if value == case.alias else value

    return {name: named(json.loads((folder / f"{case.alias}.{name}.json").read_text())) for name in case.emitted}


def _digest(*parts: bytes) -> str:
    """A digest as the plugins write it: a number, without zeros in front."""
    return f"{int(hashlib.md5(b''.join(parts)).hexdigest(), 16):x}"


def _variants_digest(path: Path) -> str:
    lines = gzip.decompress(path.read_bytes()).splitlines()
    return _digest(*(line for line in lines if not line.startswith(b"#")))


def _reads_digest(path: Path) -> str:
    with pysam.AlignmentFile(str(path)) as file:
        return _digest(*((read.query_sequence or "*").encode() for read in file))


def _asked(path: Path, by: str, what: str) -> Any:
    """What is asked of a file: of nft-vcf and nft-bam a digest, of nf-test a value of a JSON file."""
    if (by, what) == ("path", "vcf.variantsMD5"):
        return _variants_digest(path)
    if (by, what) == ("bam", "getReadsMD5()"):
        return _reads_digest(path)
    if by == "path" and (found := re.fullmatch(r"json\.(\w+)", what)):
        return json.loads(path.read_text())[found[1]]
    raise AssertionError(f"not known what {by}(...).{what} is")


def _files(value: Any, told: Callable[[Path], str]) -> Any:
    """A value with every file in it as what is told of it, and every folder as a list of its files."""
    if isinstance(value, list):
        return [_files(item, told) for item in value]
    if isinstance(value, dict):
        return {key: _files(item, told) for key, item in value.items()}
    if isinstance(value, str) and value.startswith("/"):
        path = Path(value)
        return [_files(str(item), told) for item in sorted(path.iterdir())] if path.is_dir() else told(path)
    return value


def _name_and_digest(path: Path) -> str:
    content = path.read_bytes()
    return f"{path.name}:md5,{hashlib.md5(gzip.decompress(content) if path.suffix == '.gz' else content).hexdigest()}"


def evaluated(case: Case, outputs: dict[str, Any]) -> list[Any]:
    """The content of a case's snapshot."""
    content: list[Any] = []
    for expression in case.snapshotted:
        if found := SANITIZED.fullmatch(expression):
            unstable = re.findall(r"'(\w+)'", found[1] or "")
            assert set(unstable) <= set(outputs), f"{case.module}, {case.title}: it emits no such key"
            content.append(
                {
                    name: _files(value, (lambda path: path.name) if name in unstable else _name_and_digest)
                    for name, value in sorted(outputs.items())
                }
            )
        elif found := FIRST.fullmatch(expression):
            content.append(_asked(Path(outputs[found[2]][0][1]), found[1], found[3]))
        elif found := EACH.fullmatch(expression):
            content.append([_asked(Path(path), found[2], found[3]) for path in outputs[found[1]][0][1]])
        else:
            raise AssertionError(f"{case.module}, {case.title}: not known how to snapshot {expression}")
    return content


def snapshot_file(module: str) -> Path:
    """Where the snapshots of a module are."""
    return MODULES / module / "tests" / "main.nf.test.snap"


def recorded(module: str) -> dict[str, Any]:
    """The snapshots of a module, by the title of the case."""
    path = snapshot_file(module)
    return dict(json.loads(path.read_text())) if path.exists() else {}


def record(case: Case, content: list[Any], nextflow: str) -> None:
    """Write the snapshot of a case, if it has changed; those of cases that are gone go."""
    titles = [one.title for one in cases_of(case.module)]
    snapshots = {title: snapshot for title, snapshot in recorded(case.module).items() if title in titles}
    if snapshots.get(case.title, {}).get("content") != content:
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds")
        snapshots[case.title] = {"content": content, "timestamp": now, "meta": {"nextflow": nextflow}}
    ordered = {title: snapshots[title] for title in titles if title in snapshots}
    snapshot_file(case.module).write_text(json.dumps(ordered, indent=4) + "\n")
