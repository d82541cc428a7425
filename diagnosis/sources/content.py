"""What a file really holds: data of the kind its name promises, or a page, a stump, something else."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
import zlib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from diagnosis.schema import Text
from diagnosis.sources.messages import BilingualError, list_names, message

MAX_BYTES = 2 << 30
"""Largest file, and largest content of an archive."""
MOST_CELLS = 20_000_000
"""Of one sheet, from its first to its last cell: their reader makes room for all, and one far away fills the memory."""
WORKBOOK_BYTES = 400_000_000
"""What a workbook may unpack to: some ten times the largest known."""
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError, gzip.BadGzipFile,
)  # fmt: skip
_MAGIC = {".feather": b"ARROW1", ".parquet": b"PAR1", ".gpkg": b"SQLite format 3\0"}
_TEXT = (".csv", ".txt", ".tsv")
_CELL = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")
_ROW = re.compile(rb"""<(?:\w+:)?row\b[^<>]*?\br\s*=\s*["'](\d{1,9})["']""")
_HEAD = 512
_BLOCK = 1 << 20
_WHOLE_JSON = 64 << 20  # larger files are only looked at from both ends: parsing takes ten times their size


def check_content(path: Path, name: str, max_bytes: int = MAX_BYTES) -> None:
    """Check a file against the kind its name promises.

    Parameters
    ----------
    path : Path
        The file, whatever it is called at the moment.
    name : str
        Its name to be, whose ending says the kind: zip, xlsx, gz, json, geojson, feather, parquet, gpkg, or text
        (csv, txt, tsv); any other only must not be a page.
    max_bytes : int
        Limit of what an archive may unpack to.

    Raises
    ------
    diagnosis.sources.messages.BilingualError
        It is empty, a web page, truncated, of another kind, or would unpack to more than it may; a workbook also if
        it defines entities or reaches too far.
    """
    kind = Path(name).suffix.lower()
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head:
        raise _wrong(name, message("empty"))
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if kind not in (".html", ".htm") and (start.startswith(b"<!doctype html") or b"<html" in start):
        raise _wrong(name, message("web_page"))
    if kind in (".zip", ".xlsx"):
        _check_zip(path, name, max_bytes, workbook=kind == ".xlsx")
    elif kind == ".gz":
        _check_gzip(path, name, max_bytes)
    elif not head.startswith(_MAGIC.get(kind, b"")) or (kind in _TEXT and _is_binary(path)):
        raise _wrong(name, message("another_kind", kind=kind))
    if kind in (".json", ".geojson"):
        _check_json(path, name)


def _check_zip(path: Path, name: str, max_bytes: int, workbook: bool) -> None:
    limit = min(max_bytes, WORKBOOK_BYTES) if workbook else max_bytes
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
            if sum(member.file_size for member in archive.infolist()) > limit:
                raise _wrong(name, message("unpacks_to_more", limit=limit))
            # zipfile stops at the declared size and then compares the checksum: a false declaration fails too
            broken = archive.testzip()
            if not broken and workbook:
                if "xl/workbook.xml" not in members:
                    raise _wrong(name, message("no_workbook", members=list_names(members)))
                for member in members:
                    _check_part(name, member, archive.read(member))
    except _DAMAGED as error:
        raise _wrong(name, message("no_zip")) from error
    if broken:
        raise _wrong(name, message("member_damaged", member=repr(broken)))


def _check_part(name: str, member: str, content: bytes) -> None:
    """Look through a part of a workbook as bytes: XML is not parsed, so that nothing in it can be expanded."""
    if not member.lower().endswith((".xml", ".rels")) and b"sheetData" not in content:
        return
    # In UTF-16 the words looked for would not be found.
    if b"\0" in content or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise _wrong(name, message("unsafe_xml", member=repr(member)))
    if b"sheetData" in content:
        cells = _CELL.findall(content)
        columns = max((_column_number(letters) for letters in {letters for letters, _ in cells}), default=1)
        rows = {int(number) for _, number in cells} | {int(number) for number in _ROW.findall(content)}
        if columns * max(rows, default=1) > MOST_CELLS:
            raise _wrong(name, message("far_cell", member=repr(member), limit=MOST_CELLS))


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number


def _check_gzip(path: Path, name: str, max_bytes: int) -> None:
    size = 0
    try:
        with gzip.open(path) as stream:
            while block := stream.read(_BLOCK):
                size += len(block)
                if size > max_bytes:
                    raise _wrong(name, message("unpacks_to_more", limit=max_bytes))
    except _DAMAGED as error:
        raise _wrong(name, message("no_gzip")) from error


def _is_binary(path: Path) -> bool:
    """Whether a text holds the byte no text of one byte a sign has."""
    with path.open("rb") as stream:
        return any(b"\0" in block for block in iter(lambda: stream.read(_BLOCK), b""))


def _check_json(path: Path, name: str) -> None:
    size = path.stat().st_size
    with path.open("rb") as stream:
        if size > _WHOLE_JSON:
            first = stream.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
            stream.seek(-_HEAD, 2)
            if (first, stream.read().rstrip()[-1:]) not in ((b"{", b"}"), (b"[", b"]")):
                raise _wrong(name, message("no_json"))
            return
        try:
            json.loads(stream.read().decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise _wrong(name, message("no_json")) from error


def unpack_member(archive_path: Path, pattern: str, target: IO[bytes]) -> str:
    """Copy the one member of a zip whose path matches `pattern` into `target`; return its path.

    Raises
    ------
    diagnosis.sources.messages.BilingualError
        No member matches, or more than one does.
    """
    with zipfile.ZipFile(archive_path) as archive:
        members = [m for m in archive.namelist() if fnmatchcase(m, pattern) and not m.endswith("/")]
        if len(members) != 1:
            raise BilingualError(
                message("one_member", pattern=repr(pattern)),
                message("members_match", number=len(members), members=list_names(archive.namelist())),
                message("another_form"),
            )
        with archive.open(members[0]) as member:
            while block := member.read(_BLOCK):
                target.write(block)
    return members[0]


def _wrong(name: str, found: Text) -> BilingualError:
    return BilingualError(message("not_the_file", name=name), found)
