"""review-calls --explained: the page's data, the strip in a browser, hidden from who judges blind; other lists are refused."""

import base64
import itertools
import json
import re
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desk_tools import browser_page, node_packages
from varproof.commands.review_calls import ReviewCallsOptions, review_calls
from varproof.formats.explained import FILE_NAME, ExplainedReader, explained_writer
from varproof.formats.tensor_settings import TensorSettings
from varproof.pileup.pipeline import Samples, TensorJob, packed_chunks, tensor_header

DATA = Path(__file__).resolve().parents[2] / "test-data"
SETTINGS = TensorSettings(window=101, depth=200, tracks=("tumor", "normal"))
"""As the networks that come with the package see reads; the page has more bases, fewer reads, and soft clips."""
EXPLAINED = (2, 5)


def options(output: Path, **changes: Any) -> ReviewCallsOptions:
    values: dict[str, Any] = {"calls": DATA / "scored.vcf.gz", "reference": DATA / "reference.fa", "output": output}
    return ReviewCallsOptions(**(values | {"tumor": DATA / "tumor.bam", "normal": DATA / "normal.bam"} | changes))


def index_of(page: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script type="application/json" id="index">(.*?)</script>', page, re.DOTALL)
    index: dict[str, Any] = json.loads(text)
    return index


def data_of(page: str) -> dict[int, bytes]:
    found = re.findall(r'<script type="text/plain" id="c(\d+)">([^<]*)</script>', page)
    return {int(number): zlib.decompress(base64.b64decode(text)) for number, text in found}


def unpacked(data: bytes, window: int) -> tuple[dict[str, Any], list[tuple[np.ndarray, np.ndarray]]]:
    """(facts, (base, quality) of each track)."""
    length = int.from_bytes(data[:4], "little")
    facts = json.loads(data[4 : 4 + length])
    rest, tracks = np.frombuffer(data[4 + length + window :], np.uint8), []
    for n in facts["rows"]:
        tracks.append((rest[: n * window].reshape(n, window), rest[n * window : 2 * n * window].reshape(n, window)))
        rest = rest[2 * n * window + 8 * n :]
    return facts, tracks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What predict --explain would write of two candidates, of a network that takes bases of good quality for real."""
    folder = tmp_path_factory.mktemp("explained")
    samples = Samples(DATA / "tumor.bam", DATA / "normal.bam", [])
    job = TensorJob(DATA / "scored.vcf.gz", DATA / "reference.fa", samples, settings=SETTINGS)
    part = next(iter(packed_chunks(job, 1)))
    with explained_writer(folder / FILE_NAME, tensor_header(job, "")) as writer:
        for number in EXPLAINED:
            tensors = part.select(np.array([number]))
            weighed = np.where(tensors.quality > 0, tensors.quality - 25.5, 0.0)
            ends = itertools.pairwise(tensors.row_offset)
            writer.append(tensors, [weighed[low:high] for low, high in ends])
    return folder


@pytest.fixture(scope="module")
def page_file(folder: Path) -> Path:
    review_calls(options(folder / "with.html", explained=folder))
    return folder / "with.html"


def test_the_page_holds_it_for_reads_and_columns_and_without_it_nothing_changes(folder: Path, page_file: Path) -> None:
    review_calls(options(folder / "without.html"))
    text, other = page_file.read_text(), (folder / "without.html").read_text()
    index, without = index_of(text), index_of(other)
    assert index.pop("explained") is True and index == without, "what was judged before is kept: it is the same page"
    window = index["window"]
    found, plain = data_of(text), data_of(other)
    told = [number for number in found if found[number] != plain[number]]
    assert len(told) == 2
    with ExplainedReader(folder) as reader:
        for number in told:
            entry = index["entries"][number]
            tensors, importance = reader.explained(reader.places[entry["chrom"], entry["pos"] - 1, entry["ref"], entry["alt"]])
            facts, tracks = unpacked(found[number], window)
            attention = facts.pop("attention")
            assert facts == unpacked(plain[number], window)[0]
            low, high = attention["seen"]
            assert facts["first"] + low == int(tensors.centre[0]) - 50 and high - low == 101
            sums = [part.sum(axis=0) for part in importance]
            assert attention["sums"] == [pytest.approx(part.sum(), abs=0.01) for part in sums]
            most = max(np.abs(part).max() for part in sums)
            for track, part in enumerate(sums):
                assert attention["columns"][track][low:high] == np.rint(part / most * 127).astype(int).tolist()
            own = [
                np.where(quality[:, low:high] > 0, quality[:, low:high] - 25.5, 0.0) * ((base[:, low:high] & 16) == 0)
                for base, quality in tracks
            ]
            rows = [part.sum(axis=1) for part in own]
            most = max(np.abs(part).max() for part in rows)
            for track, part in enumerate(rows):
                assert np.allclose(attention["rows"][track], part / most * 127, atol=0.51)


def opened(page: Any, path: Path, number: int) -> None:
    entry = index_of(path.read_text())["entries"][number]
    page.goto(f"{path.as_uri()}#{entry['chrom']}:{entry['pos']}:{entry['ref']}:{entry['alt']}")
    page.wait_for_selector(f"html[data-shown='{number}']")


def inked(page: Any, name: str) -> int:
    """How many pixels of a canvas have a colour."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    script = """(name) => {
      const canvas = document.getElementById(name);
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width || 1, canvas.height || 1);
      return data.filter((value, i) => i % 4 === 3 && value > 0).length;
    }"""
    return int(page.evaluate(script, name))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_strip_is_above_the_pile_off_and_on_by_a_key_and_hidden_from_who_judges_blind(page_file: Path, scheme: str) -> None:
    told = next(number for number, data in data_of(page_file.read_text()).items() if b'"attention"' in data)
    with browser_page(viewport={"width": 1366, "height": 768}, color_scheme=scheme, bypass_csp=True) as page:
        opened(page, page_file, told)
        assert page.is_visible("#strip") and inked(page, "strip") > 200 and inked(page, "marks") > 200
        strip, pile, marks = (page.locator(name).bounding_box() for name in ("#strip", "#pileup", "#marks"))
        assert strip["y"] + strip["height"] <= pile["y"] + 0.5 and pile["x"] + pile["width"] <= marks["x"] + 0.5
        text = page.inner_text("#attention-text")
        assert text.startswith("The network's log-odds") and page.get_attribute("#strip", "aria-label") == text
        page.keyboard.press("d")
        assert not page.is_visible("#strip") and not page.is_visible("#marks") and not page.is_checked("#attention")
        page.keyboard.press("d")
        assert page.is_visible("#strip")
        page.keyboard.press("b")
        assert not page.is_visible("#strip") and not page.is_visible("#marks") and not page.is_visible("#attention-text")
        page.keyboard.press("d")
        page.keyboard.press("b")
        assert page.is_visible("#strip"), "the key does nothing while it is hidden"
        page.evaluate((node_packages() / "node_modules" / "axe-core" / "axe.min.js").read_text())
        assert [one["id"] for one in page.evaluate("axe.run()")["violations"]] == []


def test_a_candidate_that_was_not_explained_says_so_and_a_page_without_has_no_strip(folder: Path, page_file: Path) -> None:
    with browser_page(viewport={"width": 1366, "height": 768}) as page:
        other = next(number for number, data in data_of(page_file.read_text()).items() if b'"attention"' not in data)
        opened(page, page_file, other)
        assert page.inner_text("#attention-text").startswith("Not explained") and inked(page, "marks") == 0
        review_calls(options(folder / "plain.html", choose="random", count=2))
        opened(page, folder / "plain.html", 0)
        assert not page.locator("#strip").count() and not page.locator("#attention").count()


def test_the_file_of_another_list_is_refused(folder: Path, tmp_path: Path) -> None:
    """A line, exit code 2, and no page."""
    with ExplainedReader(folder) as reader, explained_writer(tmp_path / "other.h5", reader.header) as writer:
        tensors, importance = reader.explained(0)
        writer.append(replace(tensors, position=tensors.position + 1), importance)
    arguments: list[object] = ["--calls", DATA / "scored.vcf.gz", "--reference", DATA / "reference.fa"]
    arguments += ["--tumor", DATA / "tumor.bam", "--choose", "random", "--count", "2", "--output", tmp_path / "page.html"]
    for file, message in (("other.h5", "none of its 1 candidates"), ("missing.h5", "no such file")):
        command = [sys.executable, "-m", "varproof.commands.review_calls", *arguments, "--explained", tmp_path / file]
        ran = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        (line,) = [line for line in ran.stderr.splitlines() if "INFO" not in line]
        assert ran.returncode == 2 and message in line and file in line
    assert not (tmp_path / "page.html").exists()
