"""The reviewer's page beside one of igv.js: size, first picture, from one candidate to the next, memory, frames of dragging.

    python tests/benchmarks/desk_igv.py [--calls scored.vcf.gz] [--predicted predicted.vcf.gz] [--igv igv.min.js]

Candidates and reads are the real ones of shared/real-giab-mixture. The page of igv.js is made as igv-reports makes one that
opens offline: the library in the page, for each candidate a session with BAM slices and reference as data addresses. Once with
the reads that the reviewer's page holds, once with what igv-reports takes: all reads within 500 bases of the candidate, but for
duplicates and failed ones. Thousands are candidates repeated. igv.js is taken from npm where no file is given. Needs Chromium
and Playwright. Writes desk_igv.json and its section of RESULTS.md; ten minutes.
"""

import argparse
import base64
import gzip
import importlib.util
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pysam
from desk_page import CANDIDATES, RUNS, WATCH, thousand
from tables import write_page

from varproof.reads.arrays import name_hash
from varproof.report.desk import desk_file, page_script

HERE = Path(__file__).parent
REAL = HERE.parents[1].parent / "shared" / "real-giab-mixture"
IGV = "3.8.10"
WINDOW, DEPTH = 151, 100
AROUND, MORE_REFERENCE = 500, 500
"""Bases that igv-reports takes on both sides of a candidate, and of the reference beyond these."""
STEPS, FRAMES = 20, 120
NOT_SHOWN = pysam.FUNMAP | pysam.FSECONDARY | pysam.FSUPPLEMENTARY | pysam.FDUP | pysam.FQCFAIL
NOT_REPORTED = pysam.FDUP | pysam.FQCFAIL
NO_PICTURE = 120_000
ALONE = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"]

CHOICE = [
    "The choice: a canvas of our own. With the same reads igv.js makes a page nearly twice as large, whose first picture",
    "takes about a second, and from one candidate to the next it takes some 100 ms longer, where ours has unpacked the",
    "neighbours beforehand; both follow the mouse. Cut as igv-reports does, a thousand candidates are far beyond 50 MB.",
    "What igv.js shows beyond ours (other tracks, more of the genome around) needs data that the page does not hold. Left",
    "to its defaults, igv.js asks the network for lists of genomes when it starts; here it was told not to. All was",
    "measured one after the other on two cores that had other work, too, so that times compare pages and are no promise;",
    "memory is what the browser tells, rounded.",
]
"""What the figures say; to be read again when they change."""

PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>igv.js</title><script>%s</script></head>
<body><div id="igv"></div><script>
const sessions = %s;
let at = 0, browser;
const drawn = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
window.next = async () => {
  const start = performance.now();
  at += 1;
  await browser.loadSession({url: sessions[at]});
  await drawn();
  return performance.now() - start;
};
const options = {sessionURL: sessions[0], showChromosomeWidget: false, showCenterGuide: true, search: false,
  loadDefaultGenomes: false};
igv.createBrowser(document.getElementById("igv"), options).then(async (made) => {
  browser = made;
  await drawn();
  document.documentElement.dataset.shown = "0";
});
</script></body></html>
"""
INKED = """
() => [...document.querySelectorAll("canvas")].concat(
    [...document.querySelectorAll("*")].flatMap((e) => (e.shadowRoot ? [...e.shadowRoot.querySelectorAll("canvas")] : [])))
  .filter((canvas) => canvas.height > 100 && canvas.width > 300 &&
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((v) => v !== 0 && v !== 255)).length
"""
NEXT = """
() => new Promise((done) => {
  const start = performance.now();
  new MutationObserver((_, observer) => {
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - start), 0));
  }).observe(document.documentElement, {attributes: true, attributeFilter: ["data-shown"]});
  document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "j", bubbles: true}));
})
"""
FRAME_TIMES = """
(frames) => new Promise((done) => {
  const times = [];
  let last = performance.now();
  const step = (now) => {
    times.push(now - last);
    last = now;
    if (times.length < frames) requestAnimationFrame(step);
    else done(times.slice(5));
  };
  requestAnimationFrame(step);
})
"""


def data_address(data: bytes) -> str:
    """A data address, deflated unless it is already, as igv-reports writes it."""
    deflated = data if data.startswith(b"\x1f\x8b") else gzip.compress(data, mtime=0)
    return "data:application/gzip;base64," + base64.b64encode(deflated).decode()


def shown_reads(reads: pysam.AlignmentFile, record: pysam.VariantRecord) -> list[pysam.AlignedSegment]:
    """The reads that lie over the candidate, at most as many as a track of the reviewer's page has."""
    over = [read for read in reads.fetch(record.chrom, record.start, record.stop) if not read.flag & NOT_SHOWN]
    kept = {id(read) for read in sorted(over, key=lambda read: name_hash(read.query_name or ""))[:DEPTH]}
    return [read for read in over if id(read) in kept]


def reported_reads(reads: pysam.AlignmentFile, record: pysam.VariantRecord) -> list[pysam.AlignedSegment]:
    """The reads that igv-reports takes."""
    around = reads.fetch(record.chrom, max(0, record.start - AROUND), record.stop + AROUND)
    return [read for read in around if not read.flag & NOT_REPORTED]


def bam_slice(reads: pysam.AlignmentFile, kept: list[pysam.AlignedSegment], contig: str, target: Path) -> bytes:
    """A BAM of these reads, whose header has one contig, as igv-reports cuts it."""
    lines = str(reads.header).splitlines()
    lines = [line for line in lines if line.startswith(("@HD", "@RG")) or f"\tSN:{contig}\t" in line]
    header = pysam.AlignmentHeader.from_text("\n".join(lines) + "\n")
    with pysam.AlignmentFile(str(target), "wb", header=header) as out:
        for read in kept:
            line = read.to_string().split("\t")
            line[6] = line[6] if line[6] in ("=", "*", contig) else "*"
            out.write(pysam.AlignedSegment.fromstring("\t".join(line), header))
    return target.read_bytes()


def session(record: pysam.VariantRecord, slices: dict[str, bytes], sequence: pysam.FastaFile, around: int) -> str:
    """What igv.js is to show of a candidate."""
    first, last = max(0, record.start - around), record.stop + around
    length = sequence.get_reference_length(record.chrom)
    reference = f">{record.chrom}:{first + 1}-{last} @len={length}\n{sequence.fetch(record.chrom, first, last)}"
    middle = record.start + 1
    tracks = [
        {
            "name": name,
            "type": "alignment",
            "format": "bam",
            "url": data_address(data),
            "height": 500,
            "sort": {"option": "BASE", "chr": record.chrom, "position": str(middle), "direction": "ASC"},
            "order": number,
        }
        for number, (name, data) in enumerate(slices.items(), 1)
    ]
    return json.dumps(
        {
            "locus": f"{record.chrom}:{middle - WINDOW // 2}-{middle + WINDOW // 2}",
            "reference": {"fastaURL": data_address(reference.encode())},
            "tracks": tracks,
        }
    )


def sessions(calls: Path, as_reported: bool, folder: Path) -> Iterator[str]:
    """Data addresses of the sessions of all candidates."""
    with (
        pysam.VariantFile(str(calls)) as records,
        pysam.FastaFile(str(REAL / "reference.fa.gz")) as sequence,
        pysam.AlignmentFile(str(REAL / "tumor.bam")) as tumor,
        pysam.AlignmentFile(str(REAL / "normal.bam")) as normal,
    ):
        around = AROUND + MORE_REFERENCE if as_reported else WINDOW
        choose = reported_reads if as_reported else shown_reads
        for record in records:
            slices = {
                name: bam_slice(reads, choose(reads, record), record.chrom, folder / "slice.bam")
                for name, reads in (("tumor", tumor), ("normal", normal))
            }
            yield data_address(session(record, slices, sequence, around).encode())


def igv_page(library: str, addresses: list[str], number: int, target: Path) -> None:
    """A page of `number` candidates, repeated where there are fewer."""
    chosen = [addresses[i % len(addresses)] for i in range(number)]
    target.write_text(PAGE % (library.replace("</script", "<\\/script"), json.dumps(chosen)))


def measured(path: Path, of_igv: bool) -> dict[str, float]:
    """First picture and the next ones, ms, memory of the script, MB, and times of frames while dragging, ms; medians."""
    from playwright.sync_api import sync_playwright

    found: list[dict[str, float]] = []
    with sync_playwright() as playwright:
        for _ in range(RUNS):
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ALONE)
            page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
            page.add_init_script(WATCH)
            page.set_default_timeout(NO_PICTURE)
            asked: list[str] = []
            page.on("request", lambda request, asked=asked: asked.append(request.url) if request.url[:4] == "http" else None)
            page.goto(path.as_uri(), wait_until="commit")
            page.wait_for_selector("html[data-shown]")
            first = page.evaluate("window.first")
            page.wait_for_load_state("load")
            if of_igv and page.evaluate(INKED) < 2:
                raise RuntimeError(f"{path}: igv.js has drawn no reads")
            steps = [page.evaluate("window.next()" if of_igv else NEXT) for _ in range(STEPS)]
            frames = _dragged(page, of_igv)
            memory = page.evaluate("performance.memory.usedJSHeapSize / 1e6")
            middle, high = frames[len(frames) // 2], frames[int(0.95 * len(frames))]
            found.append(
                {
                    "first": first, "next": statistics.median(steps), "next_most": max(steps),
                    "memory": memory, "frame": middle, "frame_95": high, "asked": len(asked),
                }
            )  # fmt: skip
            browser.close()
    return {name: statistics.median(run[name] for run in found) for name in found[0]}


def _dragged(page: Any, of_igv: bool) -> list[float]:
    """Times of frames, sorted, while the mouse drags the picture to and fro."""
    if not of_igv:
        page.keyboard.press("+")
        page.keyboard.press("+")
    page.mouse.move(700, 450)
    page.mouse.down()
    page.evaluate(f"() => void (window.frames_told = ({FRAME_TIMES})({FRAMES}))")
    for i in range(FRAMES):
        page.mouse.move(700 + 6 * (i % 40 if i % 80 < 40 else 40 - i % 40), 450)
    frames = sorted(page.evaluate("window.frames_told"))
    page.mouse.up()
    return list(frames)


def desk_igv_lines(results: list[dict[str, Any]]) -> list[str]:
    """The section of RESULTS.md."""
    rows = [
        f"| {one['what']} | {one['candidates']:,} | {one['megabytes']:.1f} | {one['each']:.1f} | {one['first']:.0f} "
        f"| {one['next']:.0f} ({one['next_most']:.0f}) | {one['memory']:.0f} | {one['frame']:.1f} ({one['frame_95']:.1f}) |"
        for one in results
    ]
    return [
        "## Beside igv.js", "",
        "`tests/benchmarks/desk_igv.py`: the 114 real candidates, and these repeated up to a thousand, as a page of",
        f"igv.js {IGV} made as igv-reports makes one that opens offline; in Chromium, medians of {RUNS}. *Same reads*:",
        "those that the reviewer's page has, at most 100 of a track. *As igv-reports cuts*: all within 500 bases.",
        f"*Next*: from one candidate to the next, median of {STEPS} (the slowest). Frames are those of dragging the",
        "picture. igv.js itself takes 1.5 MB of each page.",
        "",
        "| page | candidates | MB | kB each, beyond the code | first picture, ms | next, ms | memory, MB | frame, ms (95 %) |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *rows, "",
        *CHOICE,
    ]  # fmt: skip


def _library(given: Path | None, folder: Path) -> str | None:
    """The code of igv.js, of npm where no file is given; nothing where it can't be had."""
    if given is not None:
        return given.read_text()
    if shutil.which("npm") is None:
        return None
    subprocess.run(["npm", "pack", "--silent", f"igv@{IGV}"], cwd=folder, stdout=subprocess.DEVNULL, check=False)
    packed = folder / f"igv-{IGV}.tgz"
    if not packed.exists():
        return None
    shutil.unpack_archive(packed, folder, filter="data")
    return (folder / "package" / "dist" / "igv.min.js").read_text()


def _missing() -> str | None:
    """What the benchmark needs and this machine lacks."""
    if not REAL.is_dir():
        return "the real reads (shared/real-giab-mixture) are not here"
    if shutil.which("chromium") is None or importlib.util.find_spec("playwright") is None:
        return "no Chromium, or no Playwright, is installed"
    return None


def _desk(options: argparse.Namespace, target: Path) -> str:
    command = [sys.executable, "-m", "varproof.commands.review_calls", "--calls", options.calls]
    command += ["--reference", REAL / "reference.fa.gz", "--tumor", REAL / "tumor.bam", "--normal", REAL / "normal.bam"]
    command += [] if options.predicted is None else ["--predicted", options.predicted]
    subprocess.run([*map(str, command), "--output", str(target)], check=True)
    return target.read_text()


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=Path, default=REAL / "candidates.vcf", help="the real candidates, scored")
    parser.add_argument("--predicted", type=Path, help="predict's judgement of them")
    parser.add_argument("--igv", type=Path, help=f"igv.min.js {IGV} [from npm]")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of desk_igv.json and RESULTS.md")
    options = parser.parse_args()
    if (reason := _missing()) is not None:
        print(f"not measured: {reason}")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = _library(options.igv, folder)
        if library is None:
            print(f"not measured: npm gives no igv {IGV}; --igv names its file")
            return
        results = []
        page, code = folder / "page.html", len(library)
        for what, as_reported in (("igv.js, same reads", False), ("igv.js, as igv-reports cuts", True)):
            addresses = list(sessions(options.calls, as_reported, folder))
            for number in (len(addresses), CANDIDATES):
                igv_page(library, addresses, number, page)
                results.append(_told(what, number, page, code, of_igv=True))
        text = _desk(options, page)
        own = len(page_script()) + len(desk_file("desk.css")) + len(desk_file("desk.html"))
        number = text.count('<script type="text/plain" id="c')
        results.insert(0, _told("review-calls", number, page, own, of_igv=False))
        thousand(text, page)
        results.insert(1, _told("review-calls", CANDIDATES, page, own, of_igv=False))
    (options.output / "desk_igv.json").write_text(
        json.dumps({"results": results, "page": desk_igv_lines(results)}, indent=1) + "\n"
    )
    write_page(options.output)


def _told(what: str, number: int, page: Path, code: int, *, of_igv: bool) -> dict[str, Any]:
    size = page.stat().st_size
    sizes = {"candidates": number, "megabytes": size / 1e6, "each": (size - code) / number / 1e3}
    told = {"what": what, **sizes, **measured(page, of_igv)}
    print(json.dumps(told), flush=True)
    return told


if __name__ == "__main__":
    main()
