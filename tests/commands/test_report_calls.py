"""report-calls: what is called is what fdr-filter keeps, contexts are counted by hand, texts of files are no markup."""

import gzip
import html
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pysam
import pytest

from desk_tools import browser_page
from varproof.commands.fdr_filter import FdrFilterOptions, fdr_filter
from varproof.commands.report_calls import ReportCallsOptions, report_calls
from varproof.commands.review_calls import ReviewCallsOptions, review_calls
from varproof.machinery.errors import UserError
from varproof.report.sample import CONTEXTS, context_of

DATA = Path(__file__).resolve().parents[2] / "test-data"


def report(output: Path, **changes: Any) -> str:
    values: dict[str, Any] = {"calls": DATA / "scored.vcf.gz", "reference": DATA / "reference.fa", "output": output}
    report_calls(ReportCallsOptions(**(values | changes)))
    return output.read_text()


def cells(page: str) -> list[list[str]]:
    rows = re.findall(r"<tr[^>]*>(<td.*?)</tr>", page[page.index('id="calls"') : page.index("</tbody>")], re.DOTALL)
    return [[html.unescape(re.sub("<[^>]+>", "", cell)) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows]


@pytest.mark.parametrize(("fdr", "mode"), [(0.05, "smart"), (0.2, "global"), (0.01, "local")])
def test_what_is_called_is_what_fdr_filter_keeps(tmp_path: Path, fdr: float, mode: Any) -> None:
    page = report(tmp_path / "report.html", fdr=fdr, mode=mode)
    fdr_filter(
        FdrFilterOptions(
            calls=DATA / "scored.vcf.gz", events=["SOMATIC_TUMOR"], fdr=fdr, mode=mode, output=tmp_path / "kept.vcf"
        )
    )
    with pysam.VariantFile(str(tmp_path / "kept.vcf")) as kept:
        wanted = {f"{record.contig}:{record.pos:,}" for record in kept}
    assert {row[0] for row in cells(page) if row[4] == "yes"} == wanted and wanted


def test_the_least_certain_stand_first_and_link_into_the_desk(tmp_path: Path) -> None:
    page = report(tmp_path / "report.html", desk="my review.html")
    probabilities = [float(value) for value in re.findall(r'data-by="(0\.\d+|1\.\d+)"', page)]
    called = [row[4] for row in cells(page)].count("yes")
    assert probabilities[:called] == sorted(probabilities[:called])
    assert 'href="my%20review.html#chr1%3A' in page


def test_only_what_the_desk_holds_is_linked(tmp_path: Path) -> None:
    """Of a page of some candidates those are links that it opens; the others are told without one."""
    review_calls(
        ReviewCallsOptions(
            calls=DATA / "scored.vcf.gz", reference=DATA / "reference.fa", tumor=DATA / "tumor.bam", choose="random", count=60,
            output=tmp_path / "review.html",
        )
    )  # fmt: skip
    index = re.findall(r'id="index">(.*?)</script>', (tmp_path / "review.html").read_text(), re.DOTALL)[0]
    held = {":".join(str(entry[name]) for name in ("chrom", "pos", "ref", "alt")) for entry in json.loads(index)["entries"]}
    linked = [
        {unquote(address) for address in re.findall(r'href="review.html#([^"]*)"', report(tmp_path / "report.html", **more))}
        for more in ({"desk": "review.html"}, {"desk": "review.html", "desk_page": tmp_path / "review.html"})
    ]
    assert linked[1] == linked[0] & held and 0 < len(linked[1]) < len(linked[0])
    (tmp_path / "other.html").write_text("<html></html>")
    with pytest.raises(UserError, match=r"other.html: not a page of review-calls"):
        report(tmp_path / "report.html", desk="other.html", desk_page=tmp_path / "other.html")
    with pytest.raises(ValueError, match="--desk-page needs --desk"):
        report(tmp_path / "report.html", desk_page=tmp_path / "review.html")


def test_contexts_are_those_of_the_pyrimidine() -> None:
    assert len(CONTEXTS) == len(set(CONTEXTS)) == 96
    for bases, alt, name in [
        ("ACG", "T", "A[C>T]G"),
        ("CGT", "A", "A[C>T]G"),
        ("TTA", "G", "T[T>G]A"),
        ("TAA", "C", "T[T>G]A"),
    ]:
        place = context_of(bases, alt)
        assert place is not None and CONTEXTS[place] == name
    assert context_of("ANG", "T") is None and context_of("AC", "T") is None


def test_doubts_come_first(tmp_path: Path) -> None:
    text = gzip.decompress((DATA / "scored.vcf.gz").read_bytes()).decode()
    text = text.replace('"verdict": "related"', '"verdict": "unrelated"').replace(
        '"foreign_fraction": 0.0', '"foreign_fraction": 0.031'
    )
    (tmp_path / "calls.vcf").write_text(text)
    page = report(tmp_path / "report.html", calls=tmp_path / "calls.vcf")
    doubts = page[page.index('class="doubts"') : page.index('class="tiles"')]
    assert "do not match: unrelated" in doubts and "3.1 % of the tumour" in doubts
    assert "Nothing speaks against" in report(tmp_path / "other.html")


def test_the_table_sorts_and_searches_and_hostile_texts_run_nothing(tmp_path: Path) -> None:
    hostile = "</script><img/src=x/onerror=alert(1)>"
    text = gzip.decompress((DATA / "scored.vcf.gz").read_bytes()).decode()
    text = re.sub(
        r"(?m)^##INFO=<ID=SKIPPED", '##INFO=<ID=Gene.refGene,Number=1,Type=String,Description="x">\n##INFO=<ID=SKIPPED', text
    )
    text = re.sub(r"PROB_SOMATIC_TUMOR=", f"Gene.refGene={hostile};PROB_SOMATIC_TUMOR=", text)
    (tmp_path / "calls.vcf").write_text(text)
    report(tmp_path / "report.html", calls=tmp_path / "calls.vcf", reference=None)
    with browser_page() as page:
        page.goto((tmp_path / "report.html").as_uri())
        assert page.inner_text("#calls tbody tr >> nth=0").count("onerror") == 1 and page.locator("img").count() == 0
        page.click("#calls th:nth-child(7) button")
        values = [float(text) for text in page.locator("#calls tbody td:nth-child(7)").all_inner_texts()]
        assert values == sorted(values)
        page.click("#calls th:nth-child(7) button")
        values = [float(text) for text in page.locator("#calls tbody td:nth-child(7)").all_inner_texts()]
        assert values == sorted(values, reverse=True)
        page.fill("#find", "chr2 deletion")
        shown = [row for row in page.locator("#calls tbody tr:visible").all_inner_texts()]
        assert shown and all("chr2" in row and "deletion" in row for row in shown)


def test_people_s_labels_are_counted_by_range(tmp_path: Path) -> None:
    """Two reviewers of five candidates of the list: the majority counts, and what they can't agree on doesn't."""
    with gzip.open(DATA / "scored.vcf.gz", "rt") as lines:
        records = [line.split("\t")[:5] for line in lines if not line.startswith("#")][:5]
    header = "chrom\tpos\tref\talt\tlabel\tcall\ttags\treviewer\n"
    body = [
        f"{chrom}\t{pos}\t{ref}\t{alt}\t{label}\t.\tLVF\t{reviewer}\n"
        for number, (chrom, pos, _, ref, alt) in enumerate(records)
        for reviewer, label in (("Ann", "1"), ("Bo", "0" if number == 4 else "1"))
    ]
    (tmp_path / "labels.tsv").write_text(header + "".join(body))
    page = report(tmp_path / "report.html", labels=tmp_path / "labels.tsv")
    assert "4 candidates were judged by eye" in page and "<td>LVF</td><td>4</td>" in page
    with pytest.raises(ValueError, match="--labels needs --reference"):
        report(tmp_path / "report.html", labels=tmp_path / "labels.tsv", reference=None)
