"""Uses Galaxy in a browser as a person does: logs in, chooses data, judges calls, reads the report.

    galaxy_browser.py URL KEY TEST_DATA FOLDER

It runs in the server's environment and drives Debian's chromium; nothing but the server is reached. Prints what was seen as
JSON, and leaves form.png and report.png in FOLDER.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bioblend.galaxy import GalaxyInstance
from playwright.sync_api import FrameLocator, Page, Route, expect, sync_playwright

SECONDS = 1000
INPUTS = {
    "candidates.vcf.gz": "vcf_bgzip",
    "tumor.bam": "bam",
    "normal.bam": "bam",
    "reference.fa": "fasta",
    "truth.vcf.gz": "vcf_bgzip",
}


@contextmanager
def browser_page(url: str) -> Iterator[Page]:
    def only_the_server(route: Route) -> None:
        if route.request.url.startswith((url, "data:", "blob:")):
            route.continue_()
        else:
            route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1130})
        page.set_default_timeout(60 * SECONDS)
        page.route("**/*", only_the_server)
        yield page
        browser.close()


def log_in(page: Page, url: str) -> None:
    page.goto(f"{url}/login/start")
    page.fill("input[name=login]", "admin@example.org")
    page.fill("input[name=password]", "testpass123")
    page.click("button[name=login]")
    page.wait_for_selector("#activity-tools")


def choose(page: Page, field: str, text: str) -> None:
    """Pick the entry that contains `text` in the drop-down list of a field."""
    element = page.locator(f"[id='form-element-{field}']")
    element.locator(".multiselect").first.click()
    element.locator(".multiselect__option", has_text=text).first.click()


def fill(page: Page, field: str, value: str) -> None:
    page.locator(f"[id='form-element-{field}'] input").first.fill(value)


def labels_in(page: Page) -> list[str]:
    return [text.strip() for text in page.locator(".ui-form-title-text").all_inner_texts() if text.strip()]


def execute(page: Page) -> None:
    page.locator("#execute").first.click()
    page.wait_for_selector("[data-description='tool success message'], .donemessagelarge")


def wait_for_green(page: Page, number: int) -> None:
    page.wait_for_selector(f".content-item[data-hid='{number}'][data-state='ok']", timeout=240 * SECONDS)


def score(page: Page, url: str, pictures: Path) -> list[str]:
    """Fills score-posterior's form and runs it; returns the labels of the form."""
    page.goto(f"{url}/?tool_id=varproof_score_posterior")
    page.wait_for_selector("[id='form-element-candidates'] .multiselect")
    choose(page, "candidates", "candidates.vcf.gz")
    choose(page, "samples|tumor", "tumor.bam")
    choose(page, "samples|normal", "normal.bam")
    choose(page, "reference_source|reference", "Simulated genome")
    fill(page, "purity_source|purity", "0.75")
    labels = labels_in(page)
    page.mouse.move(0, 0)
    page.screenshot(path=pictures / "form.png")
    execute(page)
    return labels


def evaluate(page: Page, url: str) -> None:
    page.goto(f"{url}/?tool_id=varproof_evaluate_calls")
    page.wait_for_selector("[id='form-element-calls'] .multiselect")
    choose(page, "calls", "scored calls")
    choose(page, "truth", "truth.vcf.gz")
    execute(page)


def read_report(page: Page, number: int, pictures: Path) -> dict[str, Any]:
    """Opens the dataset with its eye; returns what the page shows."""
    page.locator(f".content-item[data-hid='{number}'] .display-btn").click()
    report: FrameLocator = page.frame_locator("iframe[src*='/display']")
    expect(report.locator("h1").first).to_be_visible()
    expect(report.locator("svg").first).to_be_visible()
    page.wait_for_timeout(1 * SECONDS)
    page.screenshot(path=pictures / "report.png")
    return {
        "title": report.locator("h1").first.inner_text(),
        "pictures": report.locator("svg").count(),
        "text": report.locator("body").inner_text(),
    }


def main(url: str, key: str, test_data: Path, pictures: Path) -> None:
    galaxy = GalaxyInstance(url, key=key)
    with browser_page(url) as page:
        log_in(page, url)
        created = page.request.get(f"{url}/history/create_new_current?name=A+tumour+and+its+normal")
        history = created.json()["id"]
        page.goto(url)
        for name, file_type in INPUTS.items():
            galaxy.tools.upload_file(str(test_data / name), history, file_type=file_type, auto_decompress=False)
        for number in range(1, len(INPUTS) + 1):
            wait_for_green(page, number)
        labels = score(page, url, pictures)
        scored = len(INPUTS) + 1
        wait_for_green(page, scored)
        evaluate(page, url)
        wait_for_green(page, scored + 1)
        wait_for_green(page, scored + 2)
        report = read_report(page, scored + 1, pictures)
    print(json.dumps({"labels": labels, "report": report}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(Path, sys.argv[3:]))
