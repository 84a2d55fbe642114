"""Figures of the reviewer's page with a thousand candidates: size, first picture, memory, frames.

    python tests/benchmarks/desk_page.py [--page review.html ...]

Candidates are those of pages of review-calls (by default one of the small pair of test-data), repeated up to a thousand. It is
opened in the Chromium that is installed, by Playwright. Writes desk_page.json and its section of RESULTS.md; two minutes.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tables import write_page

from varproof.report.desk import Desk, Entry, page_parts

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "test-data"
CANDIDATES, RUNS, FRAMES = 1000, 3, 120
WATCH = """
new MutationObserver((_, observer) => {
  if (document.documentElement && document.documentElement.dataset.shown !== undefined) {
    window.first = performance.now();
    observer.disconnect();
  }
}).observe(document, {attributes: true, subtree: true, childList: true})
"""
SCROLL = """
(frames) => new Promise((done) => {
  const canvas = document.getElementById("pileup");
  const times = [];
  let last = performance.now();
  const step = (now) => {
    times.push(now - last);
    last = now;
    canvas.dispatchEvent(new WheelEvent("wheel", {deltaY: times.length % 40 < 20 ? 30 : -30, cancelable: true}));
    if (times.length < frames) requestAnimationFrame(step);
    else done(times.slice(5));
  };
  requestAnimationFrame(step);
})
"""


def thousand(page: str, target: Path) -> dict[str, Any]:
    """The page with its candidates repeated; what it takes."""
    (text,) = re.findall(r'id="index">(.*?)</script>', page, re.DOTALL)
    index, data = json.loads(text), dict(re.findall(r'id="c(\d+)">([^<]*)<', page))
    n = len(index["entries"])
    entries = [Entry(**(index["entries"][k % n] | {"pos": index["entries"][k % n]["pos"] + k // n})) for k in range(CANDIDATES)]
    desk = Desk(
        calls=index["calls"], total=CANDIDATES, choice="all", events=index["events"], window=index["window"],
        tracks=[(track["name"], track["kind"]) for track in index["tracks"]], entries=entries, made_of="desk_page.py",
    )  # fmt: skip
    with target.open("w") as file:
        file.writelines(page_parts(desk, (data.get(str(k % n), "") for k in range(CANDIDATES))))
    return {"megabytes": target.stat().st_size / 1e6, "largest_kilobytes": max(map(len, data.values())) / 1e3, "of": n}


def measured(path: Path) -> dict[str, float]:
    """First picture and whole file, ms, memory of the script, MB, and times of frames, ms; medians of `RUNS`."""
    from playwright.sync_api import sync_playwright

    found: list[dict[str, float]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(RUNS):
            page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
            page.add_init_script(WATCH)
            page.goto(path.as_uri())
            page.wait_for_selector("html[data-shown]")
            page.keyboard.press("h")
            frames = sorted(page.evaluate(SCROLL, FRAMES))
            found.append(
                {
                    "first": page.evaluate("window.first"),
                    "whole": page.evaluate("performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart"),
                    "memory": page.evaluate("performance.memory.usedJSHeapSize / 1e6"),
                    "frame": frames[len(frames) // 2],
                    "frame_95": frames[int(0.95 * len(frames))],
                }
            )
            page.close()
        browser.close()
    return {name: statistics.median(run[name] for run in found) for name in found[0]}


def desk_lines(results: list[dict[str, Any]]) -> list[str]:
    """The section of RESULTS.md."""
    rows = [
        f"| {one['what']} | {one['megabytes']:.1f} | {one['largest_kilobytes']:.0f} | {one['first']:.0f} | {one['whole']:.0f} "
        f"| {one['memory']:.0f} | {one['frame']:.1f} ({one['frame_95']:.1f}) |"
        for one in results
    ]
    return [
        "# The reviewer's page", "",
        "`tests/benchmarks/desk_page.py`: pages of review-calls whose candidates are repeated up to a thousand, in Chromium,",
        f"medians of {RUNS}. Goals: 50 MB and 50 kB for a candidate, the first picture in a second, 60 frames a second",
        "(16.7 ms) while scrolling.", "",
        "| page | MB | largest candidate, kB | first picture, ms | whole file read, ms | memory, MB | frame, ms (95 %) |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *rows,
    ]  # fmt: skip


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, nargs="*", default=[], help="pages of review-calls")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of desk_page.json and RESULTS.md")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        pages = options.page or [Path(folder) / "small pair.html"]
        if not options.page:
            command = [sys.executable, "-m", "varproof.commands.review_calls", "--calls", DATA / "scored.vcf.gz"]
            command += ["--reference", DATA / "reference.fa", "--tumor", DATA / "tumor.bam", "--normal", DATA / "normal.bam"]
            subprocess.run([*map(str, command), "--output", str(pages[0])], check=True)
        for path in pages:
            target = Path(folder) / "thousand.html"
            size = thousand(path.read_text(), target)
            results.append({"what": path.stem.replace("_", " "), **size, **measured(target)})
            print(results[-1], flush=True)
    (options.output / "desk_page.json").write_text(
        json.dumps({"results": results, "page": desk_lines(results)}, indent=1) + "\n"
    )
    write_page(options.output)


if __name__ == "__main__":
    main()
