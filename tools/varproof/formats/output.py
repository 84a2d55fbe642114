"""Outputs that appear complete or not at all, and the provenance that every output carries."""

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from varproof import __version__
from varproof.errors import UserError
from varproof.interruption import undone_if_interrupted

STDOUT = Path("-")
_NOT_PROVENANCE = {"threads", "config", "log_level", "quiet", "resume"}
_DIGEST_BYTES = 1 << 20
_INDEX_SUFFIXES = (".tbi", ".csi")


def check_output(path: Path) -> None:
    """Raise UserError unless a file can be written at `path`; called before any work is done."""
    if path == STDOUT:
        return
    if path.is_dir():
        raise UserError(f"output {path} is a folder; give the name of a file")
    folder = path.parent
    if not folder.is_dir():
        raise UserError(f"output {path}: folder {folder} does not exist; create it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"output {path}: folder {folder} is not writable")
    if path.exists() and not os.access(path, os.W_OK):
        raise UserError(f"output {path} exists and is not writable")


@contextlib.contextmanager
def complete_or_absent(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` with the same suffixes; it becomes `path` only if the block succeeds.

    For `-` the finished file is copied to stdout.
    """
    check_output(path)
    folder = Path(tempfile.gettempdir()) if path == STDOUT else path.parent
    suffix = "".join(path.suffixes[-2:]) if path != STDOUT else ".vcf"
    descriptor, name = tempfile.mkstemp(prefix=".varproof-", suffix=suffix, dir=folder)
    os.close(descriptor)
    temporary = Path(name)

    def remove() -> None:
        for made in (temporary, *(temporary.with_name(temporary.name + suffix) for suffix in _INDEX_SUFFIXES)):
            made.unlink(missing_ok=True)

    with undone_if_interrupted(remove):
        try:
            yield temporary
            if path == STDOUT:
                sys.stdout.flush()
                with temporary.open("rb") as finished:
                    while block := finished.read(1 << 20):
                        sys.stdout.buffer.write(block)
                sys.stdout.buffer.flush()
            else:
                mask = os.umask(0)
                os.umask(mask)
                os.chmod(temporary, 0o666 & ~mask)
                os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_complete_or_absent(output: Path) -> Iterator[Path]:
    """A temporary folder beside `output` that becomes it if the block succeeds; raises UserError if `output` holds anything."""
    parent = output.absolute().parent
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(f"output {output} exists and is not an empty folder; name another or remove it")
    if not parent.is_dir():
        raise UserError(f"output {output}: folder {parent} does not exist; create it first")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"output {output}: folder {parent} is not writable")
    temporary = Path(tempfile.mkdtemp(prefix=".varproof-", dir=parent))
    with undone_if_interrupted(lambda: _remove_folder(temporary)):
        try:
            yield temporary
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(temporary, 0o777 & ~mask)
            os.replace(temporary, output)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def working_folder() -> Iterator[Path]:
    """A folder, where temporary files go, that is removed at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="varproof-") as name, undone_if_interrupted(lambda: _remove_folder(Path(name))):
        yield Path(name)


def _remove_folder(folder: Path) -> None:
    """Remove a folder into which others may still be writing."""
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, complete or not at all."""
    with complete_or_absent(path) as temporary:
        temporary.write_text(text)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a binary file, complete or not at all."""
    with complete_or_absent(path) as temporary:
        temporary.write_bytes(content)


def input_digest(path: Path) -> str:
    """Digest of a file's size and first MiB: cheap for a BAM of 100 GB, and changes when it is replaced."""
    digest = hashlib.sha256(str(path.stat().st_size).encode())
    with path.open("rb") as handle:
        digest.update(handle.read(_DIGEST_BYTES))
    return digest.hexdigest()[:16]


def provenance(executable: str, options: BaseModel) -> str:
    """One line of JSON: executable, version, options that can change the result, digests of input files.

    No dates and no thread counts, so that the same input gives the same bytes.
    """
    values: dict[str, Any] = json.loads(options.model_dump_json(exclude=_NOT_PROVENANCE, exclude_none=True))
    values.pop("output", None)
    inputs: dict[str, str] = {}
    for name in type(options).model_fields:
        value = getattr(options, name)
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Path) and name != "output" and item.is_file():
                inputs[item.name] = input_digest(item)
    return json.dumps(
        {"executable": executable, "version": __version__, "options": values, "input_digests": inputs}, sort_keys=True
    )
