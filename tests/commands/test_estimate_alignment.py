"""estimate-alignment as a function and as a program."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pysam
import pytest

from peak_memory import peak_mb
from small_bams import random_pairs, random_sequence, write_bam, write_fasta
from varproof.commands.estimate_alignment import Options, estimate_alignment
from varproof.formats.alignment import AlignmentProperties
from varproof.formats.json_file import read_json
from varproof.machinery.errors import UserError

REAL = Path(__file__).parents[3] / "shared" / "real-giab-mixture"
REFERENCE = random_sequence(random.Random(5), 4000)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(BAM, FASTA) of random pairs."""
    folder = tmp_path_factory.mktemp("estimate")
    fasta = write_fasta(folder / "ref.fa", {"one": REFERENCE})
    return write_bam(folder / "reads.bam", {"one": len(REFERENCE)}, random_pairs(3, REFERENCE, 500)), fasta


def options(files: tuple[Path, Path], output: Path, **more: object) -> Options:
    return Options(**{"reads": files[0], "reference": files[1], "output": output, **more})  # type: ignore[arg-type]


def test_writes_every_key_of_the_format(files: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "alignment.json"
    estimate_alignment(options(files, output))
    content = json.loads(output.read_text())
    assert list(content)[:14] == [
        "schema",
        "insert_size_mean",
        "insert_size_sd",
        "max_read_length",
        "max_insertion_operation",
        "max_deletion_operation",
        "max_softclip_fraction",
        "gap_open_insertion",
        "gap_open_deletion",
        "gap_extend_insertion",
        "gap_extend_deletion",
        "depth",
        "reads_used",
        "error_profile",
    ]
    assert content["schema"] == "varproof/alignment/1"
    assert content["insert_size_mean"] == pytest.approx(150, abs=5)
    assert read_json(output, AlignmentProperties).max_read_length == 60


def test_threads_and_repetition_change_nothing(files: tuple[Path, Path], tmp_path: Path) -> None:
    for name, threads in (("a", 1), ("b", 4)):
        estimate_alignment(options(files, tmp_path / name, threads=threads, max_reads=200))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_cram_gives_the_same_as_bam(files: tuple[Path, Path], tmp_path: Path) -> None:
    cram = tmp_path / "reads.cram"
    with (
        pysam.AlignmentFile(str(files[0])) as source,
        pysam.AlignmentFile(str(cram), "wc", template=source, reference_filename=str(files[1])) as sink,
    ):
        for read in source.fetch(until_eof=True):
            if read.query_qualities is not None:
                sink.write(read)
    pysam.index(str(cram))
    bam = tmp_path / "same.bam"
    with (
        pysam.AlignmentFile(str(cram), reference_filename=str(files[1])) as source,
        pysam.AlignmentFile(str(bam), "wb", template=source) as sink,
    ):
        for read in source.fetch(until_eof=True):
            sink.write(read)
    pysam.index(str(bam))
    for path in (cram, bam):
        estimate_alignment(options((path, files[1]), tmp_path / f"{path.suffix}.json"))
    assert (tmp_path / ".cram.json").read_bytes() == (tmp_path / ".bam.json").read_bytes()


def test_regions(files: tuple[Path, Path], tmp_path: Path) -> None:
    bed = tmp_path / "r.bed"
    bed.write_text("one\t1000\t2000\n")
    estimate_alignment(options(files, tmp_path / "part.json", regions=bed))
    estimate_alignment(options(files, tmp_path / "whole.json"))
    part, whole = (read_json(tmp_path / name, AlignmentProperties) for name in ("part.json", "whole.json"))
    assert 0.15 * whole.reads_used < part.reads_used < 0.35 * whole.reads_used
    bed.write_text("chr1\t1000\t2000\n")
    with pytest.raises(UserError, match=r"r\.bed: none of its contigs \(chr1\) is in"):
        estimate_alignment(options(files, tmp_path / "x.json", regions=bed))


def broken_inputs(files: tuple[Path, Path], folder: Path) -> dict[str, tuple[list[str], str]]:
    """Name -> (changed options, what the error must say)."""
    plain = folder / "plain.bam"
    plain.write_bytes(files[0].read_bytes())
    cut = folder / "cut.bam"
    cut.write_bytes(files[0].read_bytes()[:-300])
    cram = folder / "reads.cram"
    other = write_fasta(folder / "other.fa", {"chr1": REFERENCE})
    with (
        pysam.AlignmentFile(str(files[0])) as source,
        pysam.AlignmentFile(str(cram), "wc", template=source, reference_filename=str(files[1])) as sink,
    ):
        for read in source.fetch(until_eof=True):
            sink.write(read)
    return {
        "no index": (["--reads", str(plain)], f"samtools index {plain}"),
        "truncated": (["--reads", str(cut)], "cut.bam: truncated"),
        "no reads": (["--reads", str(folder / "absent.bam")], "absent.bam: no such file"),
        "cram without index": (["--reads", str(cram)], f"samtools index {cram}"),
        "other contigs": (["--reference", str(other)], "contig 'one' is not in"),
        "no reference": (["--reference", str(folder / "absent.fa")], "absent.fa: no such file"),
        "output is a folder": (["--output", str(folder)], "is a folder"),
        "output nowhere": (["--output", str(folder / "absent" / "a.json")], "does not exist"),
        "bad number": (["--max-reads", "0"], "--max-reads"),
    }


def test_bad_input_is_refused_and_leaves_nothing(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    from varproof.commands.base import run_command

    for name, (changes, message) in broken_inputs(files, tmp_path).items():
        arguments = {"--reads": str(files[0]), "--reference": str(files[1]), "--output": str(tmp_path / "out.json")}
        arguments.update(dict(zip(changes[::2], changes[1::2], strict=True)))
        before = sorted(tmp_path.iterdir())
        sys.argv = ["estimate-alignment", *(word for item in arguments.items() for word in item)]
        with pytest.raises(SystemExit) as stop:
            run_command("estimate-alignment", Options, estimate_alignment)
        shown = capsys.readouterr().err
        assert (stop.value.code, shown.count("\n")) == (2, 1), (name, shown)
        assert message in shown, name
        assert sorted(tmp_path.iterdir()) == before, name


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_unwritable_output(files: tuple[Path, Path], tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="not writable"):
        estimate_alignment(options(files, tmp_path / "a.json"))


def test_as_a_program(files: tuple[Path, Path], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "varproof.commands.estimate_alignment"]
    arguments = ["--reads", str(files[0]), "--reference", str(files[1]), "--output"]
    done = subprocess.run([*command, *arguments, "-", "--quiet"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["reads_used"] > 800
    refused = subprocess.run([*command, *arguments, str(tmp_path)], capture_output=True, text=True)
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['estimate-alignment', '--help']\n"
        "from varproof.commands.estimate_alignment import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('numba', 'scipy', 'pysam', 'numpy', 'tensorflow', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    assert "--max-reads" in done.stdout


@pytest.mark.skipif(not REAL.is_dir(), reason=f"real reads are not at {REAL}")
def test_real_reads_on_a_contig_of_249_mbp(tmp_path: Path) -> None:
    estimate_alignment(options((REAL / "tumor.bam", REAL / "reference.fa.gz"), tmp_path / "tumor.json"))
    found = read_json(tmp_path / "tumor.json", AlignmentProperties)
    assert found.depth == pytest.approx(108, abs=3)
    assert found.insert_size_mean == pytest.approx(430, abs=15)
    assert (found.max_read_length, found.max_insertion_operation, found.max_deletion_operation) == (151, 25, 26)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"real reads are not at {REAL}")
def test_memory_does_not_grow_with_the_contig(tmp_path: Path) -> None:
    """The contig has 249 Mbp: its sequence alone would double what is taken."""
    files = ["--reads", REAL / "tumor.bam", "--reference", REAL / "reference.fa.gz"]
    assert peak_mb("estimate-alignment", *files, "--output", tmp_path / "tumor.json") < 400
