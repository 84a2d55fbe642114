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
from varproof.machinery.decisions import changed_decisions
from varproof.machinery.errors import UserError
from varproof.machinery.interruption import made_until_interrupted
from varproof.machinery.remote import Remote, Spooled

STDOUT = Path("-")
_NOT_PROVENANCE = {"threads", "config", "log_level", "quiet", "resume"}
_DIGEST_BYTES = 1 << 20
_BLOCKS, _BLOCK_BYTES = 1024, 1 << 14
WHOLE = 1 << 28
"""Files up to so many bytes are digested whole."""

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
    """Yield a temporary path of the same name; what is there becomes `path`, an index beside it, if the block succeeds.

    For `-` the finished file is copied to stdout.
    """
    check_output(path)
    with _temporary_folder(None if path == STDOUT else path.parent) as folder:
        temporary = folder / ("out.vcf" if path == STDOUT else path.name)
        temporary.touch()
        yield temporary
        if path == STDOUT:
            sys.stdout.flush()
            with temporary.open("rb") as finished:
                while block := finished.read(1 << 20):
                    sys.stdout.buffer.write(block)
            sys.stdout.buffer.flush()
        else:
            os.chmod(temporary, 0o666 & ~_mask())
            os.replace(temporary, path)
            for index in (temporary.with_name(temporary.name + suffix) for suffix in _INDEX_SUFFIXES):
                if index.exists():
                    os.replace(index, path.with_name(index.name))


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
    with _temporary_folder(parent) as temporary:
        yield temporary
        os.chmod(temporary, 0o777 & ~_mask())
        os.replace(temporary, output)


@contextlib.contextmanager
def working_folder() -> Iterator[Path]:
    """A folder, where temporary files go, that is removed at the end of the block."""
    with _temporary_folder(None, prefix="varproof-") as folder:
        yield folder


@contextlib.contextmanager
def _temporary_folder(parent: Path | None, prefix: str = ".varproof-") -> Iterator[Path]:
    """A new folder that goes with the block, or with the process; in `parent`, or where temporary files go.

    Once it is gone nothing can be made in it by a thread that goes on writing.
    """
    with made_until_interrupted(lambda: Path(tempfile.mkdtemp(prefix=prefix, dir=parent)), _remove_folder) as folder:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_folder(folder: Path) -> None:
    """Remove a folder into which others may still be writing."""
    for _ in range(10):
        shutil.rmtree(folder, ignore_errors=True)


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> None:
    """Write a text file, complete or not at all."""
    with complete_or_absent(path) as temporary:
        temporary.write_text(text)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a binary file, complete or not at all."""
    with complete_or_absent(path) as temporary:
        temporary.write_bytes(content)


def input_digest(path: Path) -> str:
    """Digest of a file's content: of all of it up to `WHOLE`, of a larger one of its size, its first and last MiB, and blocks
    evenly spaced between them; of reads with their index, which tells where each block of them begins.

    Of reads behind an address that of their name and index.
    """
    if isinstance(path, Remote):
        digest = hashlib.sha256(path.shown.encode())
        return _with_file(digest, path.index).hexdigest()[:16]
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as handle:
        if size <= WHOLE:
            while block := handle.read(_DIGEST_BYTES):
                digest.update(block)
            return digest.hexdigest()[:16]
        last = size - _DIGEST_BYTES
        digest.update(handle.read(_DIGEST_BYTES))
        for k in range(1, _BLOCKS):
            handle.seek(last * k // _BLOCKS)
            digest.update(handle.read(_BLOCK_BYTES))
        handle.seek(last)
        digest.update(handle.read())
    for suffix in (".csi", ".bai", ".crai"):
        _with_file(digest, path.with_name(path.name + suffix))
    return digest.hexdigest()[:16]


def resumed_identity(path: Path) -> str:
    """Identity of an input for `--resume`: its digest, and of a file that is not digested whole when it was changed."""
    digest = input_digest(path)
    if not isinstance(path, Remote) and (found := path.stat()).st_size > WHOLE:
        digest += f"-{found.st_mtime_ns}"
    return digest


def _with_file(digest: Any, path: Path | None) -> Any:
    """The digest with the content of a file, if there is one."""
    if path is not None and path.is_file():
        with path.open("rb") as handle:
            while block := handle.read(_DIGEST_BYTES):
                digest.update(block)
    return digest


def _shown(value: Any, dumped: Any) -> Any:
    """An option's value in provenance: streams and addresses by what they are called there."""
    if isinstance(value, list | tuple) and isinstance(dumped, list):
        return [_shown(item, text) for item, text in zip(value, dumped, strict=True)]
    return value.shown if isinstance(value, Remote | Spooled) else dumped


def provenance(executable: str, options: BaseModel) -> str:
    """One line of JSON: executable, version, options that can change the result, digests of input files.

    No dates and no thread counts, so that the same input gives the same bytes. Of several inputs of one name the digests of
    the second and later ones stand under their whole paths. Of model decisions those that are not the usual ones.
    """
    values: dict[str, Any] = json.loads(options.model_dump_json(exclude=_NOT_PROVENANCE, exclude_none=True))
    values.pop("output", None)
    for name in values:
        values[name] = _shown(getattr(options, name), values[name])
    inputs: dict[str, str] = {}
    for name in type(options).model_fields:
        value = getattr(options, name)
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Path) and name != "output" and item.is_file():
                digest = input_digest(item)
                shown = Path(_shown(item, str(item)))
                inputs[shown.name if inputs.get(shown.name, digest) == digest else str(shown)] = digest
    line: dict[str, Any] = {"executable": executable, "version": __version__, "options": values, "input_digests": inputs}
    if changed := changed_decisions():
        line["changed_decisions"] = changed
    return json.dumps(line, sort_keys=True)
