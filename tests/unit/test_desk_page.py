"""The reviewer's page: its script typed, linted and tested in Node; nothing in it that files could turn into code."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from desk_tools import PACKAGES, SCRIPTS, node, node_packages
from varproof.report.desk import FIRST, Desk, Entry, content_policy, desk_file, escaped_json, page_parts, page_script
from varproof.report.sample import table_script

HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(2)>&"\u2028'


def entry(**changes: object) -> Entry:
    values: dict[str, object] = {
        "chrom": "chr1", "pos": 7, "ref": "A", "alt": "T", "id": ".", "filter": "PASS", "type": "snv", "size": 1,
        "consequence": "", "gene": "", "posterior": 0.5, "network": None, "weight": 1.0, "skipped": "",
    }  # fmt: skip
    return Entry(**(values | changes))  # type: ignore[arg-type]


def desk(entries: list[Entry], **changes: object) -> Desk:
    values: dict[str, object] = {
        "calls": "calls.vcf", "total": len(entries), "choice": "all", "events": "SOMATIC_TUMOR",
        "tracks": [("tumor.bam", "tumor")], "window": 11, "entries": entries, "made_of": "{}",
    }  # fmt: skip
    return Desk(**(values | changes))  # type: ignore[arg-type]


def ran(arguments: list[object], cwd: Path, **environment: str) -> str:
    result = subprocess.run(
        [str(item) for item in arguments], cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=600
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    return result.stdout


def test_functions_of_the_page_do_what_they_say(tmp_path: Path) -> None:
    seen = ran([node(), "--test", PACKAGES / "unit.test.cjs"], tmp_path, DESK=str(SCRIPTS))
    assert re.search(r"\bpass [1-9]\d", seen) and re.search(r"\bfail 0", seen)


def test_the_script_is_typed(tmp_path: Path) -> None:
    program = node_packages() / "node_modules" / "typescript" / "bin" / "tsc"
    shutil.copytree(SCRIPTS, tmp_path / "desk")
    shutil.copy(PACKAGES / "tsconfig.json", tmp_path)
    ran([node(), program, "-p", tmp_path], tmp_path)


def test_the_script_is_linted(tmp_path: Path) -> None:
    packages = node_packages()
    folder = packages / f"lint-{os.getpid()}"
    folder.mkdir(exist_ok=True)
    try:
        (folder / "page.js").write_text(page_script())
        (folder / "table.js").write_text(table_script())
        shutil.copy(PACKAGES / "eslint.config.mjs", folder)
        ran([node(), packages / "node_modules" / "eslint" / "bin" / "eslint.js", "page.js", "table.js"], folder)
    finally:
        shutil.rmtree(folder)


def test_no_file_of_the_page_is_too_long() -> None:
    for path in SCRIPTS.iterdir():
        assert len(path.read_text().splitlines()) < 500, path.name


def test_texts_of_files_are_no_markup() -> None:
    text = "".join(page_parts(desk([entry(id=HOSTILE, alt=HOSTILE)], calls=HOSTILE), ["AAAA"]))
    assert "alert(1)<" not in text and "<img" not in text
    (index,) = re.findall(r'<script type="application/json" id="index">(.*?)</script>', text, re.DOTALL)
    assert json.loads(index)["entries"][0]["id"] == HOSTILE
    assert text.count("<script") == 3 and text.count("</script>") == 3
    assert json.loads(escaped_json(HOSTILE)) == HOSTILE


def test_policy_allows_this_script_and_style_and_nothing_else() -> None:
    text = "".join(page_parts(desk([entry()]), [""]))
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    policy = policy.replace("&#39;", "'")
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert scripts == [page_script()] and styles == [desk_file("desk.css")]
    for kind, (content,) in (("script-src", scripts), ("style-src", styles)):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy
    assert policy == content_policy(scripts[0], styles[0])
    assert not re.search(r"\son\w+=|style=|javascript:|https?://(?!www\.w3\.org/2000/svg)", text)


def test_data_of_the_first_stand_before_the_script_and_all_in_order() -> None:
    entries = [entry(pos=i + 1) for i in range(FIRST + 3)]
    data = [f"d{i}" if i != 2 else "" for i in range(FIRST + 3)]
    text = "".join(page_parts(desk(entries), iter(data)))
    found = re.findall(r'<script type="text/plain" id="c(\d+)">(\w+)</script>', text)
    assert found == [(str(i), f"d{i}") for i in range(FIRST + 3) if i != 2]
    assert text.index(f'id="c{FIRST - 1}"') < text.index("<script>") < text.index(f'id="c{FIRST}"')


def test_another_list_or_other_reads_are_another_page() -> None:
    one = desk([entry()])
    assert one.digest == desk([entry()]).digest
    others = [desk([entry(alt="G")]), desk([entry()], made_of="other reads"), desk([entry(), entry(pos=8)])]
    assert len({one.digest, *(other.digest for other in others)}) == 4


@pytest.mark.parametrize("name", ["desk.css", "codes.js", "page.js"])
def test_files_of_the_page_can_stand_in_it(name: str) -> None:
    assert "</" not in re.sub(r'"[^"\n]*</[^"\n]*"', "", desk_file(name)) and "<!--" not in desk_file(name)
