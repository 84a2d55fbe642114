"""The documentation keeps to the code: links lead somewhere, commands parse, what is named exists, and what exists is named."""

import ast
import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from types import ModuleType

import pytest
from pydantic import BaseModel

import varproof
from varproof import api
from varproof.commands import EXECUTABLES
from varproof.commands.base import parse_options
from varproof.machinery.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(varproof.__file__).parent


def _generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _generate()
WRITTEN = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGES.md"])
NAMES = [path.relative_to(ROOT).as_posix() for path in WRITTEN]


@cache
def site() -> dict[str, str]:
    """All pages of the site."""
    return generate.site_source()


def without_code(text: str) -> str:
    """Markdown without fenced blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """What links to headings of a page end with, as GitHub and Sphinx make it."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", without_code(text), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).strip().replace(" ", "-")
        number = 0
        while f"{slug}-{number}" if number else slug in found:
            number += 1
            if f"{slug}-{number}" not in found:
                break
        found.add(f"{slug}-{number}" if number else slug)
    return found


def links(text: str) -> Iterator[str]:
    """Targets of links and pictures, but for those that lead out of the repository."""
    prose = re.sub(r"`[^`\n]*`", "", without_code(text))
    for target in re.findall(r"\]\(([^)\s]+)\)", prose) + re.findall(r'<img src="([^"]+)"', prose):
        if not re.match(r"[a-z]+:", target):
            yield target


def resolved(page: str, target: str) -> tuple[str, str]:
    """(address, anchor) of a link on a page."""
    address, _, anchor = target.partition("#")
    if not address:
        return page, anchor
    parts: list[str] = []
    for part in (*PurePosixPath(page).parent.parts, *PurePosixPath(address).parts):
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts), anchor


@pytest.mark.parametrize("name", NAMES)
def test_links_of_written_pages_lead_to_files(name: str) -> None:
    """As they stand in the repository; pages that are only in the site are looked at below."""
    for target in links((ROOT / name).read_text()):
        address, anchor = resolved(name, target)
        in_site = address.removeprefix("docs/")
        assert (ROOT / address).exists() or in_site in site(), f"{name}: {target}"
        if anchor:
            text = (ROOT / address).read_text() if (ROOT / address).exists() else site()[in_site]
            expanded = site().get(in_site, text)
            assert anchor in anchors(text) | anchors(expanded), f"{name}: {target}"


def test_links_of_the_site_lead_to_its_pages() -> None:
    for page, text in site().items():
        for target in links(text):
            address, anchor = resolved(page, target)
            assert address in site() or (ROOT / "docs" / address).suffix == ".png", f"{page}: {target}"
            assert address in site() or (ROOT / "docs" / address).exists(), f"{page}: {target}"
            if anchor:
                assert anchor in anchors(site()[address]), f"{page}: {target}"


def test_every_page_is_in_the_contents() -> None:
    listed = {"index.md"}
    for page, text in site().items():
        for block in re.findall(r"```\{toctree\}\n(.*?)```", text, re.DOTALL):
            entries = [line for line in block.splitlines() if line and not line.startswith(":")]
            listed |= {resolved(page, entry)[0] + ".md" for entry in entries}
    assert listed == set(site())


def documented_commands() -> list[tuple[str, list[str]]]:
    """(where, words) of commands of varproof in the blocks of code of all pages, in the Makefile, and in prose with options."""
    texts = {
        name: "\n".join(re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", (ROOT / name).read_text(), re.M | re.S))
        for name in NAMES
    }
    texts["Makefile"] = (ROOT / "Makefile").read_text()
    found = []
    for name, text in texts.items():
        for line in text.replace("\\\n", " ").replace("&&", "\n").splitlines():
            if "`" in line or "|" in line:
                continue
            words = shlex.split(line.strip().removeprefix("$(BIN)/"), comments=True)
            if "apptainer" in words[:1] or "docker" in words[:1]:
                words = words[next((i for i, word in enumerate(words) if word in EXECUTABLES), len(words)) :]
            if words and words[0] in EXECUTABLES:
                found.append((name, words))
    return found


def test_documented_commands_are_valid() -> None:
    commands = documented_commands()
    assert {words[0] for _, words in commands} == set(EXECUTABLES)
    assert len(commands) > 50
    for name, (executable, *arguments) in commands:
        try:
            assert parse_options(executable, generate.options_model(executable), arguments)
        except UserError as error:
            pytest.fail(f"{name}: {executable} {' '.join(arguments)}: {error}")


def test_options_in_prose_exist() -> None:
    known = {
        option for name in EXECUTABLES for action in generate.options_parser(name)._actions for option in action.option_strings
    }
    pipeline = (ROOT / "wrappers/nextflow/nextflow_schema.json").read_text()
    others = {"--unsquash", "--fakeroot", "--sandbox", "--target", "--build-arg", "--genotype-germline-sites"}
    for name in NAMES:
        for code in re.findall(r"`([^`\n]+)`", without_code((ROOT / name).read_text())):
            for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", code):
                in_pipeline = f'"{option.removeprefix("--")}"' in pipeline
                assert option in known | others or in_pipeline, f"{name}: {option}"


def _defined(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {item.id for target in targets for item in ast.walk(target) if isinstance(item, ast.Name)}
    return names


@pytest.mark.parametrize("name", NAMES)
def test_what_pages_name_of_the_code_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    for dotted in re.findall(r"`(varproof(?:\.\w+)+)`", text):
        parts = dotted.split(".")[1:]
        file = PACKAGE.joinpath(*parts)
        if (
            file.is_dir()
            or file.with_suffix(".py").exists()
            or dotted in {f"varproof.{door}" for door in (*api.__all__, "UserError")}
        ):
            continue
        assert parts[-1] in _defined(PACKAGE.joinpath(*parts[:-1]).with_suffix(".py")), f"{name}: {dotted}"
    for path in re.findall(r"`((?:tools|tests|wrappers|docs|containers)/[\w./-]+)`", text):
        assert (ROOT / path).exists() or "NAME" in path or path.endswith("/name/"), f"{name}: {path}"


def test_functions_that_contributors_are_sent_to_exist() -> None:
    text = re.sub(r"\s+", " ", (ROOT / "CONTRIBUTING.md").read_text())
    pairs = re.findall(r"`(\w+)` (?:of|in) `((?:tools|tests|docs)/[\w./]+\.py)`", text)
    assert len(pairs) > 10
    for function, path in pairs:
        assert re.search(rf"\b{function}\b", (ROOT / path).read_text()), f"{function} of {path}"


def test_pages_of_options_are_what_help_says() -> None:
    for name in EXECUTABLES:
        parser = generate.options_parser(name)
        page = re.sub(r"\\([*|\[\]])", r"\1", site()[f"executables/{name}.md"]).replace("&lt;", "<")
        shown = " ".join(parser.format_help().split())
        for action in parser._actions:
            meaning = generate.help_of(parser, action)
            assert meaning in shown and meaning in page, (name, action.option_strings)
            assert all(f"`{option}`" in page for option in action.option_strings)
        assert set(re.findall(r"--[a-z][\w-]*", shown)) <= set(re.findall(r"--[a-z][\w-]*", page)), name


def test_every_executable_is_in_a_guide_or_at_the_start() -> None:
    text = "".join((ROOT / name).read_text() for name in NAMES if name.startswith("docs/guides") or name == "docs/start.md")
    missing = [name for name in EXECUTABLES if name != "simulate-pair" and not re.search(rf"(?<![\w-]){name}(?![\w-])", text)]
    assert not missing


def written_fields() -> set[str]:
    """All fields that varproof's executables write, from the places that define them."""
    from varproof.candidates.features import FEATURES
    from varproof.candidates.records import KNOWN, KNOWN_SHARE
    from varproof.formats.events import COMBINED_EVENTS, EVENTS, NETWORK_EVENTS
    from varproof.formats.vcf import NETWORK_PROBABILITY, probability_field
    from varproof.network.combined_calls import COMBINED_FROM
    from varproof.posterior import annotate
    from varproof.simulation import tables
    from varproof.spiking import run
    from varproof.steps.cell_fractions import FIELDS
    from varproof.steps.estimate_vaf import ANNOTATIONS
    from varproof.steps.fdr_filter import CALLER_FILTER, KEPT_ALLELES

    info = {*annotate._OWN_INFO, *(one.name for one in FEATURES), KNOWN, KNOWN_SHARE, NETWORK_PROBABILITY, COMBINED_FROM}
    info |= {probability_field(event) for event in (*EVENTS, *NETWORK_EVENTS, *COMBINED_EVENTS)} | {CALLER_FILTER, KEPT_ALLELES}
    info |= {field[0] for field in tables._TRUTH_FIELDS + tables._GROUP_FIELDS + tables._STATE_FIELDS} | {
        field[1] for field in run._TRUTH_FIELDS if field[0] == "INFO"
    }
    formats = {*annotate._OWN_FORMAT, *annotate._FILLED, *ANNOTATIONS, *FIELDS, "PL"}
    formats |= {field[1] for field in run._TRUTH_FIELDS if field[0] == "FORMAT"}
    return {f"INFO/{name}" for name in info} | {f"FORMAT/{name}" for name in formats}


def test_every_field_that_is_written_is_explained() -> None:
    text = site()["output.md"] + site()["guides/without-caller.md"]
    assert not [
        field
        for field in sorted(written_fields())
        if f"`{field}`" not in text and f"`{field.removeprefix('INFO/')}`" not in text
    ]


def test_every_field_of_a_file_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    models: list[type[BaseModel]] = []

    def collected(model: type[BaseModel]) -> str:
        models.append(model)
        return ""

    monkeypatch.setattr(generate, "model_tables", collected)
    for kind in generate.FILES:
        kind.content()
    assert len(models) > 8
    undescribed = set()
    for model in models:
        whole = model.model_json_schema(by_alias=True)
        for name, part in {model.__name__: whole, **whole.get("$defs", {})}.items():
            for field, schema in part.get("properties", {}).items():
                if "const" not in schema and not schema.get("description"):
                    undescribed.add(f"{name}.{field}")
    assert not undescribed


def test_every_model_decision_is_on_the_page_of_the_model() -> None:
    modules = sorted(path for path in PACKAGE.glob("*/*decisions.py") if path.parent.name != "machinery")
    assert len(modules) >= 5
    for path in modules:
        decisions = importlib.import_module(f"varproof.{path.parent.name}.{path.stem}").DECISIONS
        for name in type(decisions).model_fields:
            assert f"| `{name}` " in site()["model.md"], f"{path.name}: {name}"


def test_every_reason_to_skip_and_filter_is_explained() -> None:
    from varproof.candidates.records import UNQUALIFIED
    from varproof.formats.vcf import NETWORK_FILTER
    from varproof.posterior.judgeable import NO_READS
    from varproof.posterior.reasons import REASONS
    from varproof.steps.fdr_filter import NOT_CONSIDERED
    from varproof.variants import candidate

    source = Path(candidate.__file__).read_text()
    skipped = set(re.findall(r'(?:return|skipped =|if same else) "(\w+)"', source)) | {NO_READS}
    assert "breakend" in skipped and "no_change" in set(re.findall(r'"(\w+)" if same', source))
    for word in (*skipped, *REASONS, f"FILTER/{NETWORK_FILTER}", f"FILTER/{UNQUALIFIED}", f"FILTER/{NOT_CONSIDERED}"):
        assert f"`{word}`" in site()["output.md"], word


FIGURES = (
    ("quality", "kept 619 calls of 20 runs, 18 of them false", "| empirical | all | 0/233 | 18/619 |"),
    ("quality", "found 0.881 of what was planted", "| 120/750 | 0.881 |"),
    ("quality", "average precision of 0.981", "| read-set | 0.988 | 0.978 | 0.907 | 0.942 | 0.981 |"),
    (
        "quality", "precision of 0.837 at a recall of 0.900",
        "| 3 reads in the tumour, none in the normal | 0.971 | 0.837 | 0.900 |",
    ),
    ("quality", "0.083 at 0.05 for SNVs and MNVs", "| 1 % (35 of 3500) | 0.079 (25) | 0.083 (32) |"),
    ("quality", "0.051 and 0.050 at 0.05", "| 10 % (385 of 3850) | 0.014 (350) | 0.051 (386) |"),
    ("quality", "0.051 and 0.050 at 0.05", "| 50 % (450 of 900) | 0.007 (434) | 0.050 (464) |"),
    ("quality", "about 8 CPU seconds for 1 Mbp at 40×/30× with 4,500 candidates", "| varproof | **8.4 (≤ 6)** ✗ | 1.0 | 297 |"),
    ("quality", "33 in its fast mode", "| Varlociraptor, fast | 33.4 |"),
    ("quality", "76 in its exact one", "| Varlociraptor, exact | 75.5 |"),
    ("quality", "For 10 Mbp it is 39 seconds", "| varproof | 39.3 |"),
    ("quality", "191 for its fast mode", "| Varlociraptor, fast | 191.3 |"),
    ("quality", "A genome is 3 CPU hours", "a whole genome of 3.1 Gbp takes 2.9 CPU hours"),
    ("quality", "Two processes are 1.9 times as fast as one", "27.8 s with two: 1.91 ×"),
    ("quality", "250 to 550 MB from a thousand", "| 100,000 | 1,049 | 4.0 | 246 |"),
    ("quality", "250 to 550 MB from a thousand", "| 10,000,000 | 33,318 | 37.6 | 548 |"),
    ("quality", "430 MB at 2,000×", "| 2,000× | 55 | 3.5 | 429 |"),
    ("guides/panel", "429 MB at 2,000×", "| 2,000× | 55 | 3.5 | 429 |"),
    ("quality", "800 MB for a million", "**798** ✗"),
    ("quality", "take `fdr-filter` 22 seconds", "| fdr-filter | 1,000,000 | **22.0** ✗ |"),
    ("quality", "`estimate-vaf` 29", "| estimate-vaf | 1,000,000 | **28.7** ✗ |"),
    ("quality", "`evaluate-calls` 41", "| evaluate-calls | 1,000,000 | **41.1** ✗ |"),
    ("quality", "in 60 seconds, 36 with two processes, and 240 MB", "| **2.0** ✗ | 59.1 | 240 |"),
    ("quality", "in 60 seconds, 36 with two processes, and 240 MB", "`--threads 2` | 35.9 |"),
    ("quality", "samtools takes 40 seconds", "a copy by samtools | 40.0 |"),
    ("quality", "`--help` in 0.2 seconds, a job of ten candidates in 2", "has to be compiled, 2.0 s after that"),
    ("quality", "20,000 spoilt files", "| spoilt files | 20,000 | none |"),
)  # fmt: skip
"""Page, its words, and what the results say. Where the results have changed, the words are to be changed."""


@pytest.mark.parametrize(("page", "words", "result"), FIGURES)
def test_figures_in_prose_are_those_of_the_results(page: str, words: str, result: str) -> None:
    results = " ".join((ROOT / "tests/benchmarks/RESULTS.md").read_text().split())
    assert words in " ".join((ROOT / f"docs/{page}.md").read_text().split())
    assert result in results


def test_no_figure_in_prose_is_without_a_result() -> None:
    told = " ".join(words for page, words, _ in FIGURES if page == "quality")
    prose = (ROOT / "docs/quality.md").read_text().partition("## In real reads")[2]
    assert set(re.findall(r"(?<![\w.])\d\.\d{3}(?!\d)", prose)) <= set(re.findall(r"\d\.\d{3}", told))


def test_pages_name_no_place_of_a_machine() -> None:
    for name, text in {**site(), "README.md": (ROOT / "README.md").read_text()}.items():
        assert not re.search(r"(?<![\w.])/(?:home|root|work|tmp)/|\.\./shared|pypi\.org|ghcr\.io", text), name


def test_the_readme_is_one_screen() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 45


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("sphinx", "myst_parser", "furo", "latex2mathml")),
    reason="Sphinx is not installed: make docs installs it",
)
def test_the_site_builds_strictly_and_fetches_nothing(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "site"
    subprocess.run([sys.executable, str(ROOT / "docs/generate.py"), str(source)], check=True)
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "--fail-on-warning", "--keep-going", "-b", "html", str(source), str(out)],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    assert "<math" in (out / "model.html").read_text()
    fetched = "|".join(
        (
            r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["'](?:https?:)?//""",
            r"""<link\b[^>]*\brel=["'](?:stylesheet|preload|icon)[^>]*\bhref=["'](?:https?:)?//""",
        )
    )
    for page in out.rglob("*.html"):
        assert not re.search(fetched, page.read_text()), page
    for sheet in out.rglob("*.css"):
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", sheet.read_text()), sheet
