"""The inputs of an executable, made ready at its door: whatever comes as a stream or from afar, and what is wrong with them.

Of stdin (`-`), pipes and process substitutions a temporary copy is made once, since most inputs are read more than once. Of
reads behind an address the index is fetched, else htslib would leave a copy in the working folder. One file as tumour and as
normal is an error; an index that is older than its file is a warning.
"""

import contextlib
import errno
import logging
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from varproof.machinery.errors import NotIndexed, UserError
from varproof.machinery.output import STDOUT, input_digest, working_folder
from varproof.machinery.remote import Remote, Spooled
from varproof.steps.base import READS

logger = logging.getLogger(__name__)

INDEXED = (*READS, "reference", "known_sites", "germline_resource")
"""Options that take files with an index, in which one jumps about."""

STREAMED = (
    "candidates", "calls", "truth", "scored", "predicted", "variants", "calibration", "calibration_truth", "inputs", "regions",
    "labels", "judged", "alignment", "repeats", "alignment_tumor", "alignment_normal", "stacking", "tree", "prior",
    "calibrate", "segments", "purity", "purity_estimate", "callable", "panel", "add", "evidence",
)  # fmt: skip
"""Options that take files which can also come as a stream."""

_OF_ONE_PERSON = (("tumor", "normal"), ("reads", "normal"), ("reads", "second_reads"))
_INDEX_SUFFIXES = {".bam": ("csi", "bai"), ".cram": ("crai",), ".gz": ("tbi", "csi"), ".bgz": ("tbi", "csi"), ".bcf": ("csi",)}
_INDEXER = {"bam": "samtools index", "cram": "samtools index", "fasta": "samtools faidx", "vcf": "bcftools index -f"}

Options = TypeVar("Options", bound=BaseModel)


@contextlib.contextmanager
def ready_inputs(options: Options, *, remote: bool = True) -> Iterator[Options]:
    """The options with all inputs as files that can be read again; `remote`: reads may be behind an address.

    Raises UserError for what can't be made ready, and, in the block, passes UserErrors on with the names that the user gave.
    """
    _require_two_samples(options)
    with working_folder() as folder:
        changes: dict[str, object] = {}
        copies: list[Spooled] = []
        for name in (*INDEXED, *STREAMED):
            value = getattr(options, name, None)
            items = value if isinstance(value, list) else [value]
            made = [_ready(name, item, folder, copies, remote) if isinstance(item, Path) else item for item in items]
            if any(new is not old for new, old in zip(made, items, strict=True)):
                changes[name] = made if isinstance(value, list) else made[0]
        _warn_of_old_indexes(options)
        try:
            yield options.model_copy(update=changes) if changes else options
        except UserError as error:
            text = str(error)
            for copy in copies:
                text = text.replace(str(copy), copy.shown)
            if text == str(error):
                raise
            raise type(error)(text) from error


def _ready(name: str, path: Path, folder: Path, copies: list[Spooled], remote: bool) -> Path:
    option = "--" + name.replace("_", "-")
    if isinstance(path, Remote):
        if not remote:
            raise UserError(f"{option} {path.shown}: reads are needed as a file here; download them with their index first")
        return with_index(path, folder)
    stdin = path == STDOUT
    if not stdin and not _is_stream(path):
        return path
    if name in INDEXED:
        raise UserError(f"{option} {path}: is read in many places, by its index, and can't come through a pipe; give a file")
    if stdin and any(copy.shown == "-" for copy in copies):
        raise UserError(f"{option} -: stdin is read for another option; give a file")
    target = folder / f"{name}-{len(copies)}"
    with contextlib.ExitStack() as stack:
        source = sys.stdin.buffer if stdin else stack.enter_context(path.open("rb"))
        shutil.copyfileobj(source, stack.enter_context(target.open("wb")), 1 << 20)
    copies.append(Spooled(target, "-" if stdin else "stream"))
    return copies[-1]


def _is_stream(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)


def with_index(path: Remote, folder: Path) -> Remote:
    """The address with a local copy of its index; raises UserError where there is none, or nothing can be reached."""
    import pysam

    from varproof.machinery.htslib import quiet

    target = folder / f"{len(list(folder.iterdir()))}-{path.name}.index"
    problems = []
    for address in path.index_addresses():
        try:
            with quiet(), pysam.HFile(address, "r") as source:
                target.write_bytes(source.read())
            return Remote(path.given, target)
        except OSError as error:
            problems.append(error)
    if any(error.errno == errno.EPROTONOSUPPORT for error in problems):
        scheme = str(path).partition(":")[0]
        raise UserError(
            f"{path.shown}: htslib can't read {scheme}:// here; on Linux it needs the system's libcurl (libcurl.so.4): "
            "install that, or download the file with its index"
        )
    where = ", ".join(Remote(address).name for address in path.index_addresses())
    raise NotIndexed(
        f"{path.shown}: no index can be read beside it, as {where} ({problems[0]}); "
        "check the address, or download the file and index it"
    )


def _require_two_samples(options: BaseModel) -> None:
    """Raise UserError where one file is given for two samples, under whatever name."""
    for pair in _OF_ONE_PERSON:
        first, second = (getattr(options, name, None) for name in pair)
        if isinstance(first, Path) and isinstance(second, Path) and _same_content(first, second):
            one, other = ("--" + name.replace("_", "-") for name in pair)
            raise UserError(f"{one} {first} and {other} {second} are the same file; give two samples, or leave {other} out")


def _same_content(first: Path, second: Path) -> bool:
    if isinstance(first, Remote) or isinstance(second, Remote):
        return first == second
    if not (first.is_file() and second.is_file()):
        return False
    if os.path.samefile(first, second):
        return True
    return first.stat().st_size == second.stat().st_size and input_digest(first) == input_digest(second)


def _warn_of_old_indexes(options: BaseModel) -> None:
    told: set[Path] = set()
    for name in (*INDEXED, *STREAMED):
        value = getattr(options, name, None)
        for path in value if isinstance(value, list) else [value]:
            if not isinstance(path, Path) or isinstance(path, Remote) or path in told or not path.is_file():
                continue
            told.add(path)
            kind = "fasta" if name == "reference" else path.suffix[1:] if path.suffix in (".bam", ".cram") else "vcf"
            suffixes = ("fai",) if name == "reference" else _INDEX_SUFFIXES.get(path.suffix, ())
            beside = [path.with_name(f"{path.name}.{suffix}") for suffix in suffixes]
            if kind in ("bam", "cram"):
                beside += [path.with_suffix(f".{suffix}") for suffix in suffixes]
            index = next((item for item in beside if item.is_file()), None)
            if index is not None and int(index.stat().st_mtime) < int(path.stat().st_mtime):
                logger.warning(
                    "%s is older than %s: if this has changed since, make the index anew with '%s %s'",
                    index, path, _INDEXER[kind], path,
                )  # fmt: skip
