"""Inputs that are no plain files: VCFs from stdin and through pipes, reads from a web server; and inputs that don't fit."""

import errno
import json
import logging
import os
import pickle
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path, PosixPath
from typing import Any, get_args

import pysam
import pytest
from pydantic import BaseModel

from pair_examples import Pair, write_pair, write_records
from varproof.commands import EXECUTABLES
from varproof.commands.base import CommandOptions, parse_options
from varproof.commands.score_posterior import ScorePosteriorOptions
from varproof.commands.spike_variants import SpikeVariantsOptions
from varproof.machinery.errors import UserError
from varproof.machinery.output import provenance
from varproof.machinery.remote import Remote, Spooled
from varproof.reads.files import open_reads
from varproof.steps.base import READS
from varproof.steps.inputs import INDEXED, STREAMED, ready_inputs

WRITTEN = {
    "output", "annotated_output", "plot", "summary", "report", "certificate", "save_tree", "draw_tree", "save_stacking",
    "learnt_prior", "save_calibration", "table", "output_segments", "explain", "export_npy", "pictures", "metrics",
    "checkpoint", "resume", "burden", "save_scenario",
}  # fmt: skip
READ_ONCE_OR_BY_HDF5 = {
    "samples", "config", "targets", "context_pool", "model", "tensors", "desk_page", "explained", "start_from",
}  # fmt: skip


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


def options_of(name: str) -> type[CommandOptions]:
    module = import_module(f"varproof.commands.{name.replace('-', '_')}")
    return next(
        item for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, CommandOptions) and item is not CommandOptions
    )  # fmt: skip


def holds_paths(annotation: Any) -> bool:
    return annotation is Path or any(holds_paths(part) for part in get_args(annotation))


@pytest.mark.parametrize("name", EXECUTABLES)
def test_of_every_file_it_is_said_how_it_comes(name: str) -> None:
    files = {field for field, info in options_of(name).model_fields.items() if holds_paths(info.annotation)}
    assert files <= {*INDEXED, *STREAMED, *WRITTEN, *READ_ONCE_OR_BY_HDF5}


def command(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"varproof.commands.{name.replace('-', '_')}", *map(str, arguments)]


def run(name: str, *arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(name, *arguments), capture_output=True, text=True, **more)


def scoring(pair: Pair, candidates: object, output: Path, **changes: object) -> list[object]:
    values = pair.options(Path("x"), output) | {"candidates": candidates} | changes
    return [part for name, value in values.items() if value is not None for part in ("--" + name.replace("_", "-"), value)]


def lines(path: Path, head: bool = False) -> list[str]:
    return [line for line in path.read_text().splitlines() if line.startswith("#") == head]


def made_of(path: Path, executable: str) -> dict[str, Any]:
    (line,) = [line for line in lines(path, head=True) if line.startswith(f"##varproof_{executable}=")]
    return json.loads(line.partition("=")[2])


def test_candidates_from_stdin_and_through_a_pipe(pair: Pair, tmp_path: Path) -> None:
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    packed = tmp_path / "candidates.vcf.gz"
    pysam.tabix_compress(str(candidates), str(packed))
    assert run("score-posterior", *scoring(pair, candidates, tmp_path / "file.vcf")).returncode == 0
    with packed.open("rb") as stdin:
        done = run("score-posterior", *scoring(pair, "-", tmp_path / "stdin.vcf"), "--threads", 2, stdin=stdin)
    assert done.returncode == 0, done.stderr
    words = " ".join(command("score-posterior", *scoring(pair, f"<(cat {candidates})", tmp_path / "pipe.vcf")))
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    expected = lines(tmp_path / "file.vcf")
    assert len(expected) == 8
    assert lines(tmp_path / "stdin.vcf") == lines(tmp_path / "pipe.vcf") == expected
    digest = made_of(tmp_path / "file.vcf", "score-posterior")["input_digests"]["candidates.vcf"]
    for name, shown in (("stdin", "-"), ("pipe", "stream")):
        told = made_of(tmp_path / f"{name}.vcf", "score-posterior")
        assert told["options"]["candidates"] == shown
        assert (
            shown in told["input_digests"] and str(tmp_path.parent / "varproof-") not in (tmp_path / f"{name}.vcf").read_text()
        )
    assert made_of(tmp_path / "pipe.vcf", "score-posterior")["input_digests"]["stream"] == digest


def test_calls_through_filters(pair: Pair, tmp_path: Path) -> None:
    """score-posterior | fdr-filter | estimate-vaf."""
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    done = run("score-posterior", *scoring(pair, candidates, tmp_path / "scored.vcf"))
    assert done.returncode == 0, done.stderr
    for source in ("-", tmp_path / "scored.vcf"):
        calls = (tmp_path / "scored.vcf").read_text() if source == "-" else None
        kept = run("fdr-filter", "--calls", source, "--events", "SOMATIC_TUMOR", "--fdr", 0.05, "--output", "-", input=calls)
        assert kept.returncode == 0, kept.stderr
        table = run("estimate-vaf", "--calls", "-", "--output", tmp_path / f"{len(str(source)) > 1}.tsv", input=kept.stdout)
        assert table.returncode == 0, table.stderr
    assert (tmp_path / "True.tsv").read_text() == (tmp_path / "False.tsv").read_text() != ""


def test_what_is_wrong_in_a_stream_is_told_by_the_name_that_the_user_gave(pair: Pair, tmp_path: Path) -> None:
    done = run("score-posterior", *scoring(pair, "-", tmp_path / "out.vcf"), input="no VCF\n")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("score-posterior: error: -: not a readable VCF")
    done = run("score-posterior", *scoring(pair, "-", tmp_path / "out.vcf", tumor="-"), input="")
    assert (done.returncode, "--tumor -: is read in many places" in done.stderr) == (2, True)
    both = ["--calls", "-", "--truth", "-", "--output", tmp_path / "m.json"]
    done = run("evaluate-calls", *both, input="")
    assert (done.returncode, "stdin is read for another option" in done.stderr) == (2, True)
    assert not list(tmp_path.iterdir())


class _WithRanges(BaseHTTPRequestHandler):
    """Serves a folder; answers Range, as web servers do."""

    folder: Path
    asked: list[str]
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer(False)

    def do_GET(self) -> None:
        self.answer(True)

    def answer(self, with_content: bool) -> None:
        self.asked.append(self.path)
        path = self.folder / self.path.partition("?")[0].lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        size, first, last = len(content), 0, len(content) - 1
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted:
            first, last = int(wanted[1]), min(int(wanted[2] or last), last)
        if first >= size:
            self.send_error(416)
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Accept-Ranges", "bytes")
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if with_content:
            try:
                self.wfile.write(content[first : last + 1])
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Whoever asks may go away."""


@pytest.fixture(scope="module")
def network() -> None:
    """Skips where htslib can read no addresses; asked in another process, since htslib keeps the interpreter while it waits."""
    code = "import pysam\ntry:\n    pysam.HFile('http://127.0.0.1:9/', 'r')\nexcept OSError as error:\n    print(error.errno)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout.strip()
    if told == str(errno.EPROTONOSUPPORT):
        pytest.skip("htslib finds no libcurl here, without which it reads no addresses")


@pytest.fixture
def served(pair: Pair, network: None) -> Iterator[tuple[str, list[str]]]:
    handler = type("Handler", (_WithRanges,), {"folder": pair.folder, "asked": []})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler.asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_reads_from_a_web_server(pair: Pair, served: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = served
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    work = tmp_path / "work"
    work.mkdir()
    environment = os.environ | {"no_proxy": "*", "NO_PROXY": "*"}
    remote = {"tumor": f"{address}/tumor.bam?signature=secret", "normal": f"{address}/normal.bam"}
    for name, changes in (("near", {}), ("far", remote)):
        measured = {"alignment_tumor": None, "territory": None}
        arguments = scoring(pair, candidates, tmp_path / f"{name}.vcf", **changes, **measured)
        done = run("score-posterior", *arguments, "--threads", 2, cwd=work, env=environment)
        assert done.returncode == 0, done.stderr
    assert lines(tmp_path / "far.vcf") == lines(tmp_path / "near.vcf")
    assert not list(work.iterdir()), "htslib leaves copies of indexes"
    told = made_of(tmp_path / "far.vcf", "score-posterior")
    assert told["options"]["tumor"] == f"{address}/tumor.bam" and "secret" not in (tmp_path / "far.vcf").read_text()
    assert "/tumor.bam.bai?signature=secret" in asked and "/normal.bam.bai" in asked
    called = ["--reference", pair.reference, "--regions", tmp_path / "r.bed", "--output", tmp_path / "called.vcf"]
    (tmp_path / "r.bed").write_text("chr1\t600\t3000\n")
    for source in (pair.tumor, f"{address}/tumor.bam"):
        done = run("call-candidates", "--reads", source, *called, cwd=work, env=environment)
        assert done.returncode == 0, done.stderr
        called[-1] = tmp_path / "called-far.vcf"
    assert lines(tmp_path / "called-far.vcf") == lines(tmp_path / "called.vcf") != []


def test_a_sheet_of_samples_with_an_address(pair: Pair, served: tuple[str, list[str]], tmp_path: Path) -> None:
    """score-scenario reads what its sheet names as other executables read what options name."""
    address, _ = served
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    (tmp_path / "s.yaml").write_text('samples: {a: {universe: "[0.0,1.0]"}}\nevents: {there: "a:]0.0,1.0]"}\n')
    work = tmp_path / "work"
    work.mkdir()
    for name, reads in (("near", pair.tumor), ("far", f"{address}/tumor.bam?signature=secret")):
        (tmp_path / f"{name}.tsv").write_text(f"sample\treads\na\t{reads}\n")
        files = ["--scenario", tmp_path / "s.yaml", "--samples", tmp_path / f"{name}.tsv", "--output", tmp_path / f"{name}.vcf"]
        done = run(
            "score-scenario", "--candidates", candidates, "--reference", pair.reference, *files, cwd=work,
            env=os.environ | {"no_proxy": "*", "NO_PROXY": "*"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert lines(tmp_path / "far.vcf") == lines(tmp_path / "near.vcf") and not list(work.iterdir())


def test_reads_that_are_not_where_they_should_be(pair: Pair, served: tuple[str, list[str]], tmp_path: Path) -> None:
    address, _ = served
    environment = os.environ | {"no_proxy": "*", "NO_PROXY": "*"}
    files = ["--reference", pair.reference, "--output", tmp_path / "out.json"]
    done = run("estimate-alignment", "--reads", f"{address}/none.bam", *files, env=environment)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert f"{address}/none.bam: no index can be read beside it, as none.bam.bai, none.bam.csi, none.bai" in done.stderr
    for option, value in (("--regions", f"{address}/r.bed"), ("--reference", "s3://bucket/ref.fa")):
        done = run("estimate-alignment", "--reads", pair.tumor, *files, option, value)
        assert done.returncode == 2 and f"{option} {value}: only reads are read from afar; download" in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("scheme", ["https", "http", "ftp", "s3"])
def test_addresses_stay_as_they_were_given(scheme: str) -> None:
    address = f"{scheme}://user:word@host/a/t.bam?X-Signature=1"
    arguments = ["--candidates", "c.vcf", "--reference", "r.fa", "--tumor", address, "--output", "o.vcf"]
    options = parse_options("score-posterior", ScorePosteriorOptions, arguments)
    assert isinstance(options.tumor, Remote) and os.fspath(options.tumor) == str(options.tumor) == address
    assert f'"tumor": "{scheme}://host/a/t.bam"' in provenance("score-posterior", options)
    own_index = Remote(f"{address}##idx##{scheme}://host/i.bai")
    assert str(own_index) == address and own_index.index_addresses() == [f"{scheme}://host/i.bai"]


def test_records_are_planted_into_files_only() -> None:
    options = SpikeVariantsOptions(reads="https://host/t.bam", reference="r.fa", output="o")  # type: ignore[arg-type]
    refused = pytest.raises(UserError, match=r"--reads https://host/t\.bam: reads are needed as a file here")
    with refused, ready_inputs(options, remote=SpikeVariantsOptions.remote_reads):
        pass


def test_a_protocol_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EPROTONOSUPPORT, "failed to open HFile")

    monkeypatch.setattr(pysam, "HFile", refuse)
    options = ScorePosteriorOptions(candidates="c", reference="r", tumor="s3://b/t.bam", output="o")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"can't read s3:// here; .*libcurl.* download the file"), ready_inputs(options):
        pass


class TwoSamples(BaseModel):
    tumor: Path
    normal: Path


@pytest.mark.parametrize("how", ["itself", "symlink", "hard link", "copy", "another way"])
def test_one_file_as_tumour_and_normal(how: str, pair: Pair, tmp_path: Path) -> None:
    other = tmp_path / "other.bam"
    if how == "symlink":
        other.symlink_to(pair.tumor)
    elif how == "hard link":
        os.link(pair.tumor, other)
    elif how == "copy":
        shutil.copy(pair.tumor, other)
    else:
        other = pair.tumor if how == "itself" else pair.folder / ".." / pair.folder.name / "tumor.bam"
    refused = pytest.raises(UserError, match=r"--tumor .* and --normal .* are the same file")
    with refused, ready_inputs(TwoSamples(tumor=pair.tumor, normal=other)):
        pass
    with ready_inputs(TwoSamples(tumor=pair.tumor, normal=pair.normal)) as ready:
        assert ready.normal == pair.normal


@pytest.mark.parametrize(
    "name", ["score-posterior", "tensorise", "call-candidates", "predict", "spike-variants", "estimate-vaf"]
)
def test_whatever_takes_two_samples_refuses_one(name: str, pair: Pair, tmp_path: Path) -> None:
    first = "--reads" if name in ("call-candidates", "spike-variants") else "--tumor"
    second = "--second-reads" if name == "spike-variants" else "--normal"
    link = tmp_path / "link.bam"
    link.symlink_to(pair.tumor)
    candidates = write_records(tmp_path / "candidates.vcf", pair.records(), pair)
    given = {
        "tensorise": "--candidates",
        "score-posterior": "--candidates",
        "predict": "--candidates",
        "estimate-vaf": "--calls",
    }
    arguments = [given[name], candidates] if name in given else []
    arguments += ["--model", tmp_path / "m.keras"] if name == "predict" else []
    arguments += [first, pair.tumor, second, link, "--reference", pair.reference, "--output", tmp_path / "out.vcf"]
    done = run(name, *arguments)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert f"{first} {pair.tumor} and {second} {link} are the same file" in done.stderr


class Indexed(BaseModel):
    reads: Path
    reference: Path
    known_sites: Path


def test_an_index_older_than_its_file_is_one_warning(pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = [Path(shutil.copy(path, tmp_path)) for path in (pair.tumor, pair.reference)]
    sites = tmp_path / "sites.vcf.gz"
    pysam.tabix_compress(str(write_records(tmp_path / "sites.vcf", pair.records(), pair)), str(sites))
    indexes = [tmp_path / "tumor.bam.bai", tmp_path / "reference.fa.fai", tmp_path / "sites.vcf.gz.tbi"]
    for number, (path, index) in enumerate(zip([*files, sites], indexes, strict=True)):
        index.touch()
        os.utime(path, (1e9 + number, 1e9 + number)), os.utime(index, (1e9 + number, 1e9 + number))
    given = Indexed(reads=files[0], reference=files[1], known_sites=sites)
    with caplog.at_level(logging.WARNING), ready_inputs(given):
        assert not caplog.messages
        for index in indexes:
            os.utime(index, (9e8, 9e8))
        with ready_inputs(given):
            pass
    assert [text.partition(" is older than ")[0] for text in caplog.messages] == [str(path) for path in indexes]
    made = [f"samtools index {files[0]}", f"samtools faidx {files[1]}", f"bcftools index -f {sites}"]
    assert all(advice in text for advice, text in zip(made, caplog.messages, strict=True))


def test_paths_of_a_kind_can_be_handed_to_other_processes(tmp_path: Path) -> None:
    far, copy = Remote("https://h/t.bam?x", tmp_path / "index"), Spooled(tmp_path / "copy", "-")
    again, other = pickle.loads(pickle.dumps((far, copy)))
    assert (again, again.index, str(again)) == (far, tmp_path / "index", "https://h/t.bam?x")
    assert (str(other), other.shown, isinstance(other.parent, PosixPath)) == (str(tmp_path / "copy"), "-", True)
    assert far.name == "t.bam" and far.exists() and not far.is_file() and not far.is_dir() and far.resolve() is far
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:9/t\.bam: can't be read"):
        open_reads(Remote("http://127.0.0.1:9/t.bam?x=1"), None)


def test_reads_are_among_what_has_an_index() -> None:
    assert set(READS) < set(INDEXED)
