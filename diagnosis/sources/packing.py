"""Files as they come: plain, gzipped, or the one text file of a zip, opened as a stream of bytes."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from diagnosis.errors import InputError, examples

LARGEST = 2_000_000_000
"""Bytes a compressed file may unpack to: six times the largest matrix known."""
HEAD = 65_536
TEXT_SUFFIXES = (".csv", ".txt", ".tsv", ".tab", ".dat")
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)
"""What opening or reading a damaged, encrypted or absent file raises."""


def read_head(path: Path, *, packed: bool = False) -> bytes:
    """Return the first bytes of a file, or of what is packed in it; `InputError` if there are none."""
    if path.exists() and not (path.is_file() or path.is_dir()):  # can be read only once
        raise InputError(f"{path.name} must be a file", "it is a pipe or a device", "Save it as a file first")
    try:
        with path.open("rb") if packed else open_text(path) as stream:
            head = stream.read(HEAD)
    except DAMAGED as problem:
        raise unreadable(path, problem) from problem
    if not head.strip():
        raise InputError(f"{path.name} must hold a table", "it is empty")
    return head


@contextmanager
def open_text(path: Path) -> Iterator[IO[bytes]]:
    """Open a text file, plain, gzipped, or the only text file of a zip, as a stream of bytes.

    Raises
    ------
    diagnosis.errors.InputError
        A zip has no text file or several, or the file unpacks to more than :data:`LARGEST`.
    """
    with path.open("rb") as raw:
        start = raw.read(4)
        raw.seek(0)
        if start.startswith(GZIP):
            yield io.BufferedReader(_Limited(gzip.GzipFile(fileobj=raw), path.name), HEAD)
        elif start.startswith(ZIP):
            with zipfile.ZipFile(raw) as archive, archive.open(_only_member(archive, path.name)) as member:
                yield member
        else:
            yield raw


def _only_member(archive: zipfile.ZipFile, origin: str) -> zipfile.ZipInfo:
    files = [item for item in archive.infolist() if not item.is_dir() and "__MACOSX" not in item.filename]
    texts = [item for item in files if item.filename.lower().endswith(TEXT_SUFFIXES)]
    if len(texts) != 1:
        raise InputError(
            f"{origin} must hold one text file ({', '.join(TEXT_SUFFIXES)})",
            f"found {examples(item.filename for item in texts or files) or 'nothing'}",
            "Unpack it and give the file that holds the table",
        )
    if texts[0].file_size > LARGEST:
        raise _too_large(origin)
    return texts[0]


class _Limited(io.RawIOBase):
    """A stream that stops a file which unpacks to more than it should."""

    def __init__(self, stream: gzip.GzipFile, origin: str) -> None:
        self._stream, self._origin, self._count = stream, origin, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        chunk = self._stream.read(len(buffer))
        self._count += len(chunk)
        if self._count > LARGEST:
            raise _too_large(self._origin)
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _too_large(origin: str) -> InputError:
    return InputError(
        f"{origin} must unpack to at most {LARGEST // 1_000_000} MB",
        "it unpacks to more",
        "Leave out the columns and rows that are not needed",
    )


def unreadable(path: Path, problem: BaseException) -> InputError:
    """Build the error for a file that is not what it seems."""
    reason = re.sub(r"\s+", " ", str(problem).replace(str(path), path.name)).strip()
    return InputError(
        f"{path.name} must be a readable table", f"it cannot be read: {reason or type(problem).__name__}"
    )
