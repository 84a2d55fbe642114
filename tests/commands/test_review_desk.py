"""The reviewer's page in a real browser: judged by keyboard, exported, imported, compared; hostile files run nothing."""

import json
import re
from pathlib import Path
from typing import Any

import pysam
import pytest

from desk_tools import browser_page, node_packages
from varproof.commands.review_calls import ReviewCallsOptions, review_calls
from varproof.formats.labels import read_labels

DATA = Path(__file__).resolve().parents[2] / "test-data"
KEYS = ["s", "f", "g", "a", "s", "f", "f", "g", "s", "a"]
NAMES = {"s": "somatic", "g": "germline", "a": "ambiguous", "f": "fail"}


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("desk") / "review.html"
    review_calls(
        ReviewCallsOptions(
            calls=DATA / "scored.vcf.gz",
            predicted=DATA / "predicted.vcf.gz",
            reference=DATA / "reference.fa",
            tumor=DATA / "tumor.bam",
            normal=DATA / "normal.bam",
            choose="stratified",
            count=14,
            output=output,
        )
    )
    return output


def opened(page: Any, path: Path) -> None:
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-shown]")


def shown(page: Any) -> int:
    return int(page.get_attribute("html", "data-shown"))


def judge(page: Any, reviewer: str, keys: list[str]) -> None:
    """As a person does at the keyboard: a call, a tag for those that fail, the next one."""
    page.fill("#reviewer", reviewer)
    page.keyboard.press("Tab")
    page.click("#place")
    for number, key in enumerate(keys):
        page.wait_for_selector(f"html[data-shown='{number}']")
        page.keyboard.press(key)
        if key == "f":
            page.keyboard.press("3")
        page.keyboard.press("j")


def exported(page: Any, kind: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.click("#export")
        page.click(f"[data-kind={kind}]")
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def test_ten_are_judged_by_keyboard_exported_imported_and_compared(page_file: Path, tmp_path: Path) -> None:
    with browser_page(viewport={"width": 1366, "height": 768}) as page:
        opened(page, page_file)
        judge(page, "Ann", KEYS)
        assert page.inner_text("#progress-text") == "10 of 14 judged"
        for key in ("k", "k", "n"):
            page.keyboard.press(key)
        page.keyboard.type("seen twice")
        page.keyboard.press("Escape")
        labels = exported(page, "labels", tmp_path)
        lines = [line.split("\t") for line in labels.read_text().splitlines()]
        assert [line[5] for line in lines[1:]] == [NAMES[key] for key in KEYS]
        assert [line[6] for line in lines[1:]] == ["D" if key == "f" else "." for key in KEYS]
        assert {line[7] for line in lines[1:]} == {"Ann"} and [line[9] for line in lines[1:]].count("seen twice") == 1
        read = read_labels(labels)
        assert [label.label for label in read] == [int(key == "s") for key in KEYS if key != "a"]
        igvnav, vcf = exported(page, "igvnav", tmp_path), exported(page, "vcf", tmp_path)
        with pysam.VariantFile(str(vcf)) as calls:
            given = [record.info["REVIEW_CALL"] for record in calls if "REVIEW_CALL" in record.info]
        assert given == [(NAMES[key],) for key in KEYS]

        page.reload()
        page.wait_for_selector("html[data-shown]")
        assert page.inner_text("#progress-text") == "10 of 14 judged"  # kept by the browser

    with browser_page() as page:  # another browser, another reviewer
        opened(page, page_file)
        assert page.inner_text("#progress-text") == "0 of 14 judged"
        judge(page, "Bo", ["s", *KEYS[1:9], "s"])
        page.set_input_files("#import", labels)
        page.wait_for_selector("dialog[open]")
        assert "10 judgements (labels.tsv)" in page.inner_text("#dialog-text")
        page.keyboard.press("Escape")
        page.click("#agreement")
        told = page.inner_text("#dialog-text")
        assert "2 reviewers, 10 candidates" in told and "the same call in 90.0 % of 10" in told
        # 9 of 10 alike; by chance (3·4 + 2·2 + 3·3 + 2·1) / 100 = 0.27: κ = 0.63 / 0.73
        assert "Cohen's κ 0.863" in told
        page.keyboard.press("Escape")
        for path, kind in ((igvnav, "IGVNav"), (vcf, "VCF")):
            page.set_input_files("#import", path)
            page.wait_for_selector("dialog[open]")
            assert f"10 judgements ({kind})" in page.inner_text("#dialog-text")
            page.keyboard.press("Escape")
        consensus = exported(page, "consensus", tmp_path)
        assert "no majority" in consensus.read_text() or len(consensus.read_text().splitlines()) == 11


def test_undo_filters_blind_and_refused_files(page_file: Path, tmp_path: Path) -> None:
    with browser_page() as page:
        opened(page, page_file)
        page.keyboard.press("s")
        page.keyboard.press("1")
        assert page.get_attribute("[data-call=somatic]", "aria-pressed") == "true"
        page.keyboard.press("u")
        assert page.get_attribute("[data-tag=AI]", "aria-pressed") == "false"
        page.keyboard.press("s")  # the same key takes it back
        assert page.get_attribute("[data-call=somatic]", "aria-pressed") == "false"
        page.keyboard.press("Control+z")
        assert page.inner_text("#progress-text") == "1 of 14 judged"
        page.select_option("#filter", "open")
        assert page.inner_text("#shown").startswith("13 of 14")
        page.select_option("#filter", "all")
        page.fill("#find", "chr2")
        count = page.locator("#list li:visible").count()
        assert 0 < count < 14
        page.fill("#find", "")
        page.click("#place")
        assert page.is_visible("#opinion")
        page.keyboard.press("b")
        assert not page.is_visible("#opinion") and not page.is_visible("#frequencies-section")
        page.keyboard.press("Enter")
        page.wait_for_selector("html[data-shown='1']")
        page.reload()
        page.wait_for_selector("html[data-shown='1']")
        assert page.is_checked("#blind") and not page.is_visible("#opinion")
        wrong = tmp_path / "wrong.tsv"
        wrong.write_text("chrom\tpos\tref\talt\tcall\nchr1\t1\tA\tT\tperhaps\n")
        page.set_input_files("#import", wrong)
        page.wait_for_selector("dialog[open]")
        assert "'perhaps' is no call" in page.inner_text("#dialog-text")


def test_who_judges_blind_is_not_told_what_the_caller_thinks(tmp_path: Path) -> None:
    calls = tmp_path / "calls.vcf"
    calls.write_text(
        '##fileformat=VCFv4.2\n##contig=<ID=chr1,length=20000>\n##FILTER=<ID=weak,Description="x">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\nchr1\t415\t.\tT\tG\t.\tweak\t.\n"
    )
    output = tmp_path / "review.html"
    review_calls(ReviewCallsOptions(calls=calls, reference=DATA / "reference.fa", tumor=DATA / "tumor.bam", output=output))
    with browser_page() as page:
        opened(page, output)
        assert "filter weak" in page.inner_text(".title")
        page.keyboard.press("b")
        assert "weak" not in page.inner_text("body") and "snv" in page.inner_text("#what")
        page.fill("#find", "weak")
        assert page.inner_text("#shown").startswith("0 of 1")
        page.fill("#find", "")
        shows = "all => all.filter((one) => !one.disabled).map((one) => one.value)"
        told = set(page.locator("#filter option").evaluate_all(shows))
        assert not told & {"doubtful", "disagree", "differ"} and "open" in told
        page.click("#place")
        page.keyboard.press("b")
        page.select_option("#filter", "doubtful")
        assert page.inner_text("#shown").startswith("0 of 1")
        page.click("#place")
        page.keyboard.press("b")
        assert page.input_value("#filter") == "all" and page.inner_text("#shown").startswith("1 ")


def test_the_list_is_one_stop_and_arrows_go_through_it(page_file: Path) -> None:
    with browser_page() as page:
        opened(page, page_file)
        focused = "[...document.querySelectorAll('#list button')].indexOf(document.activeElement)"
        assert page.locator("#list button[tabindex='0']").count() == 1
        page.focus("#find")
        page.keyboard.press("Tab")
        assert page.evaluate(focused) == 0
        for key, place in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("End", 13), ("PageUp", 3), ("Home", 0)):
            page.keyboard.press(key)
            page.wait_for_selector(f"html[data-shown='{place}']")
            assert page.evaluate(focused) == place
        page.keyboard.press("s")  # calls are made from here, too
        assert page.inner_text("#progress-text") == "1 of 14 judged"
        page.keyboard.press("Tab")
        assert page.evaluate(focused) == -1
        page.select_option("#filter", "open")  # the open candidate is not shown now
        assert page.locator("#list button[tabindex='0']:visible").count() == 1


def test_the_menu_of_export_writes_when_asked_to(page_file: Path) -> None:
    with browser_page() as page:
        opened(page, page_file)
        written: list[Any] = []
        page.on("download", lambda download: written.append(download))
        item = "document.activeElement.dataset.kind"
        for way in ("p", "ArrowDown"):
            page.keyboard.press(way)
            assert page.evaluate(item) == "labels" and page.get_attribute("#export", "aria-expanded") == "true"
            for key, kind in (("ArrowDown", "igvnav"), ("End", "consensus"), ("ArrowDown", "labels"), ("s", "labels")):
                page.keyboard.press(key)
                assert page.evaluate(item) == kind
            page.keyboard.press("Escape")
            assert page.evaluate("document.activeElement.id") == "export" and not page.is_visible("#export-menu")
        page.wait_for_timeout(300)
        assert not written and page.inner_text("#progress-text") == "0 of 14 judged"
        page.keyboard.press("Enter")
        with page.expect_download() as waiting:
            page.keyboard.press("Enter")
        assert waiting.value.suggested_filename == "scored_vcf_gz.labels.tsv"
        page.click("#export")
        page.click("#export")
        assert not page.is_visible("#export-menu")


def test_keys_repeat_tags_and_change_the_picture(page_file: Path) -> None:
    with browser_page() as page:
        opened(page, page_file)
        page.keyboard.press("9")
        page.keyboard.press("q")
        page.keyboard.press("j")
        page.wait_for_selector("html[data-shown='1']")
        page.keyboard.press("3")
        page.keyboard.press("m")
        pressed = "#tags [aria-pressed=true]"
        tags = page.locator(pressed).evaluate_all("all => all.map((one) => one.dataset.tag)")
        assert tags == ["D", "LM", "MM"]
        page.keyboard.press("u")
        assert page.locator(pressed).count() == 1
        for menu, value in (("group", "strand"), ("sort", "start"), ("colour", "quality")):
            page.keyboard.press(f"Shift+{menu[0].upper()}")
            assert page.input_value(f"#{menu}") == value and value in page.inner_text("#live")
        assert page.locator("#judged [aria-pressed=true]").count() == 0
        page.keyboard.press("?")
        told = page.inner_text("#dialog-text")
        assert all(text in told for text in ("Shift G", "Shift S", "Shift C", "more of the same", "line up"))


def drawn(page: Any) -> str:
    page.wait_for_timeout(100)
    return str(page.evaluate("document.getElementById('pileup').toDataURL()"))


def test_reads_are_sorted_by_another_column_and_told_by_name(page_file: Path) -> None:
    names = set()
    for sample in ("tumor", "normal"):
        with pysam.AlignmentFile(str(DATA / f"{sample}.bam")) as reads:
            names |= {read.query_name for read in reads}
    with browser_page() as page:
        opened(page, page_file)
        before = drawn(page)
        box = page.locator("#pileup").bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2 + 40, box["y"] + 26)  # on the reference
        assert "sorted by the base at" in page.inner_text("#live")
        at_click, where = drawn(page), page.inner_text("#live")
        assert at_click != before
        page.keyboard.press("]")
        assert page.inner_text("#live") != where
        page.keyboard.press("[")
        assert page.inner_text("#live") == where and drawn(page) == at_click
        page.keyboard.press("l")  # again: by the candidate's
        assert page.inner_text("#live").endswith("the candidate") and drawn(page) == before
        page.keyboard.press("l")
        assert page.inner_text("#live") == where
        for down in range(90, int(box["height"]), 5):
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + down)
            if page.is_visible("#tip"):
                break
        name = page.inner_text("#tip .name")
        assert name in names and not page.is_visible("#read")
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + down)
        assert page.inner_text("#read .name") == name and "mapping quality" in page.inner_text("#read")
        seen = {name}
        for _ in range(5):
            page.keyboard.press("i")
            seen.add(page.inner_text("#read .name"))
        assert len(seen) > 2 and seen <= names
        page.keyboard.press("Shift+I")
        page.keyboard.press("Escape")
        assert not page.is_visible("#read")
        page.keyboard.press("i")
        page.keyboard.press("j")
        page.wait_for_selector("html[data-shown='1']")
        assert not page.is_visible("#read")


def test_a_pile_that_was_cut_says_so(tmp_path: Path) -> None:
    output = tmp_path / "review.html"
    review_calls(
        ReviewCallsOptions(
            calls=DATA / "scored.vcf.gz", reference=DATA / "reference.fa", tumor=DATA / "tumor.bam", depth=7,
            choose="random", count=1, output=output,
        )
    )  # fmt: skip
    with browser_page() as page:
        opened(page, output)
        assert re.search(r"tumour: 7 of \d\d reads shown", page.inner_text("#counts"))
        assert "of" in page.get_attribute("#pileup", "aria-label")


def test_pictures_change_with_what_is_asked_for(page_file: Path) -> None:
    with browser_page() as page:
        opened(page, page_file)
        seen = set()
        for field, values in (
            ("group", ["strand", "haplotype", "mate"]),
            ("colour", ["quality", "insert size", "mapping quality"]),
        ):
            for value in values:
                page.select_option(f"#{field}", value)
                page.wait_for_timeout(100)
                seen.add(page.evaluate("document.getElementById('pileup').toDataURL().length"))
        assert len(seen) >= 5
        box = page.locator("#pileup").bounding_box()
        page.select_option("#group", "allele")
        for down in range(90, int(box["height"]), 7):
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + down)
            if page.is_visible("#tip"):
                break
        assert "mapping quality" in page.inner_text("#tip")
        broken = "cells => cells.filter(c => { const r = document.createRange(); r.selectNodeContents(c);"
        broken += " return r.getClientRects().length > 1; }).map(c => c.innerText)"
        assert page.locator("#counts td").evaluate_all(broken) == []
        assert "alternative" in page.get_attribute("#pileup", "aria-label")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1366, 768), (820, 1180)])
def test_everybody_can_use_it(page_file: Path, scheme: str, size: tuple[int, int]) -> None:
    """axe-core finds nothing, in either colour scheme, on laptop and tablet; nothing lies beside the page."""
    source = (node_packages() / "node_modules" / "axe-core" / "axe.min.js").read_text()
    with browser_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, bypass_csp=True) as page:
        opened(page, page_file)
        page.keyboard.press("s")
        page.evaluate(source)
        for view in ("desk", "read", "menu", "help"):
            if view != "desk":
                page.keyboard.press({"read": "i", "menu": "p", "help": "?"}[view])
            found = page.evaluate("axe.run()")
            assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found["violations"]] == []
            if view == "menu":
                page.keyboard.press("Escape")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


HOSTILE = "</script><img/src=x/onerror=alert(1)><script>alert(2)</script>"


def test_a_hostile_list_runs_nothing(tmp_path: Path) -> None:
    calls = tmp_path / "<img src=x onerror=alert(3)>.vcf"
    header = (
        '##fileformat=VCFv4.2\n##contig=<ID=chr1,length=20000>\n##FILTER=<ID=ok,Description="x">\n'
        '##INFO=<ID=ANN,Number=.,Type=String,Description="a|b">\n##INFO=<ID=EVIL,Number=1,Type=String,Description="x">\n'
        f'##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{HOSTILE}\n'
    )
    record = f"chr1\t415\t{HOSTILE}\tT\tG\t.\tok\tEVIL={HOSTILE};ANN=G|{HOSTILE}|x|{HOSTILE}\tGT\t{HOSTILE}\n"
    calls.write_text(header + record)
    tumor = tmp_path / "<svg onload=alert(4)>.bam"
    with pysam.AlignmentFile(str(DATA / "tumor.bam")) as given, pysam.AlignmentFile(
        str(tumor), "wb", template=given
    ) as renamed:  # fmt: skip
        for number, read in enumerate(given):
            read.query_name = f"{HOSTILE}{number}"
            renamed.write(read)
    pysam.index(str(tumor))
    output = tmp_path / "review.html"
    review_calls(ReviewCallsOptions(calls=calls, reference=DATA / "reference.fa", tumor=tumor, output=output))
    with browser_page() as page:
        opened(page, output)
        assert HOSTILE in page.inner_text("#what") and "onerror" in page.inner_text("#calls-name")
        page.keyboard.press("i")
        assert page.inner_text("#read .name").startswith(HOSTILE)
        page.fill("#reviewer", HOSTILE)
        page.keyboard.press("Tab")
        page.click("#place")
        page.keyboard.press("f")
        labels = exported(page, "labels", tmp_path)
        labels.write_text(labels.read_text() + f"chr1\t415\tT\tG\t0\tfail\t.\t{HOSTILE}2\t.\t{HOSTILE}\n")
        page.set_input_files("#import", labels)
        page.wait_for_selector("dialog[open]")
        page.keyboard.press("Escape")
        page.click("#agreement")
        assert f"{HOSTILE}2" in page.inner_text("#dialog-text")
        assert HOSTILE in page.text_content("#others")
        page.keyboard.press("Escape")
        assert page.locator("img, svg[onload]").count() == 0
        assert page.evaluate("[...document.scripts].map((one) => one.type)") == ["application/json", "text/plain", ""]
        assert json.loads(page.text_content("#index"))["entries"][0]["id"] == HOSTILE
