"""What a file really holds: data of the kind its name promises, or a page, a stump, something else."""

from __future__ import annotations

import json
import zipfile
import zlib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from diagnosis.schema import Text
from diagnosis.sources.messages import BilingualError, list_names, message

_HEAD = 512
_BLOCK = 1 << 20
_WHOLE_JSON = 64 << 20  # larger files are only looked at from both ends: parsing takes ten times their size


def check_content(path: Path, name: str, max_bytes: int) -> None:
    """Check a file against the kind its name promises.

    Parameters
    ----------
    path : Path
        The file, whatever it is called at the moment.
    name : str
        Its name to be, whose ending says the kind: zip, xlsx, json, geojson; any other only must not be a page.
    max_bytes : int
        Limit of what an archive may unpack to.

    Raises
    ------
    diagnosis.sources.messages.BilingualError
        It is empty, a web page, truncated or of another kind.
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
    elif kind in (".json", ".geojson"):
        _check_json(path, name)


def _check_zip(path: Path, name: str, max_bytes: int, workbook: bool) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
            if sum(member.file_size for member in archive.infolist()) > max_bytes:
                raise _wrong(name, message("unpacks_to_more", limit=max_bytes))
            broken = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise _wrong(name, message("no_zip")) from error
    if broken:
        raise _wrong(name, message("member_damaged", member=repr(broken)))
    if workbook and "xl/workbook.xml" not in members:
        raise _wrong(name, message("no_workbook", members=list_names(members)))


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
