"""Workbooks of unknown make: checked before they are opened, then read sheet by sheet.

The library that reads the cells makes room for every cell between the first and the last: one cell at the far end of
a sheet would fill the memory. So the parts of the archive are unpacked and looked through first, as bytes: XML is not
parsed, so that nothing in it can be expanded.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path, PurePosixPath

from diagnosis.sources.own.grid import MOST_CELLS, UNPACKED, Grid, check_size, plain_cell
from diagnosis.sources.own.problems import RefusedFileError
from diagnosis.sources.packing import DAMAGED

MOST_PARTS = 2_000
TOKEN = re.compile(rb"<(?:\w+:)?(row|c)(?=[\s/>])([^<>]*)>")
MERGED = re.compile(
    rb"<(?:\w+:)?mergeCell\b[^>]*?\bref\s*=\s*[\"']([A-Z]{1,3}\d{1,7}):([A-Z]{1,3}\d{1,7})[\"']"
)
REFERENCE = re.compile(rb"\br\s*=\s*[\"']([^\"']*)[\"']")
STYLE = re.compile(rb"\bs\s*=\s*[\"'](\d+)[\"']")
FORMULA, SAVED = re.compile(rb"<(?:\w+:)?f\b"), re.compile(rb"<(?:\w+:)?v>[^<]")
POSITION = re.compile(rb"([A-Z]{1,3})(\d{1,7})")
PERCENT_FORMATS = (9, 10)
"""Numbers of the percentage formats built into workbooks (ECMA-376, part 1, 18.8.30)."""


@dataclass(eq=False)
class _Facts:
    """What the bytes of a sheet say that its cells do not."""

    percent: set[tuple[int, int]] = field(default_factory=set)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    unsaved: list[tuple[int, int]] = field(default_factory=list)


def read_workbook_grids(path: Path) -> list[Grid]:
    """Read the sheets of a workbook: values, not formulas.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Grid
        In the order of the workbook; sheets without cells, and charts, are left out.

    Raises
    ------
    RefusedFileError
        It is no workbook, is damaged or protected, or unpacks to more than it may.
    """
    import python_calamine

    facts = _inspect(path)
    grids = []
    try:
        with python_calamine.CalamineWorkbook.from_path(str(path)) as workbook:
            for sheet in workbook.sheets_metadata:
                if sheet.typ != python_calamine.SheetTypeEnum.WorkSheet:
                    continue
                rows = workbook.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)
                cells = [[_plain(cell) for cell in row] for row in rows]
                while cells and not any(cell != "" for cell in cells[-1]):
                    cells.pop()
                known = facts.get(sheet.name, _Facts())
                hidden = sheet.visible != python_calamine.SheetVisibleEnum.Visible
                if cells:
                    check_size(len(cells), len(cells[0]))
                    grids.append(Grid(cells, sheet.name, known.percent, known.merged, known.unsaved, hidden))
    except (python_calamine.CalamineError, *DAMAGED) as problem:
        if isinstance(problem, RefusedFileError):
            raise
        raise RefusedFileError("unreadable", found=type(problem).__name__) from problem
    if not grids:
        raise RefusedFileError("empty_file")
    return grids


def _plain(value: object) -> object:
    return str(value) if isinstance(value, timedelta) else plain_cell(value)


def _inspect(path: Path) -> dict[str, _Facts]:
    """Unpack every part once, within the limit, and look through the sheets; facts by name of the sheet."""
    parts: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MOST_PARTS or sum(member.file_size for member in members) > UNPACKED:
                raise RefusedFileError("unpacks_to_more", limit=f"{UNPACKED / 1e6:.0f}")
            for member in members:
                # zipfile stops at the declared size and then compares the checksum: a false declaration fails
                content = archive.read(member)
                if member.filename.lower().endswith((".xml", ".rels")) or b"sheetData" in content:
                    parts[member.filename] = content
    except (*DAMAGED, ValueError) as problem:
        if isinstance(problem, RefusedFileError):
            raise
        raise RefusedFileError("unreadable", found=type(problem).__name__) from problem
    if "xl/workbook.xml" not in parts:
        raise RefusedFileError("binary_file", found="zip")
    if any(content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content for content in parts.values()):
        raise RefusedFileError("unreadable", found="UTF-16")
    if any(b"<!DOCTYPE" in content or b"<!ENTITY" in content for content in parts.values()):
        raise RefusedFileError("unreadable", found="DOCTYPE")
    formats = _percent_styles(parts.get("xl/styles.xml", b""))
    scanned = {name: _scan(content, formats) for name, content in parts.items() if b"sheetData" in content}
    return {sheet: scanned[part] for sheet, part in _sheet_parts(parts) if part in scanned}


def _scan(content: bytes, percent_styles: set[int]) -> _Facts:
    """Find the extent of a sheet as its reader will, and what is special about its cells."""
    facts = _Facts()
    row = column = -1
    last_row = last_column = 0
    formulas: list[tuple[int, int, int]] = []
    starts: list[int] = []
    for token in TOKEN.finditer(content):
        if token[2].count(b'"') % 2 or token[2].count(b"'") % 2:  # the tag goes on behind a sign in quotes
            raise RefusedFileError("unreadable", found="<>")
        reference = REFERENCE.search(token[2])
        starts.append(token.start())
        if token[1] == b"row":
            row, column = _row_number(reference[1]) if reference else row + 1, -1
        else:
            row, column = _position(reference[1]) if reference else (row, column + 1)
            style = STYLE.search(token[2])
            if style and int(style[1]) in percent_styles:
                facts.percent.add((row, column))
            if b'"str"' not in token[2]:  # a formula may well give an empty text
                formulas.append((len(starts), row, column))
        last_row, last_column = max(last_row, row + 1), max(last_column, column + 1)
        check_size(last_row, last_column)
    starts.append(len(content))
    if FORMULA.search(content):
        for number, *position in formulas:
            inner = content[starts[number - 1] : starts[number]]
            if FORMULA.search(inner) and not SAVED.search(inner):
                facts.unsaved.append((position[0], position[1]))
    area = 0
    for found in MERGED.finditer(content):
        (top, left), (bottom, right) = _position(found[1]), _position(found[2])
        area += max(0, bottom - top + 1) * max(0, right - left + 1)
        if bottom < last_row and right < last_column:
            if area > MOST_CELLS:
                raise RefusedFileError("too_many_cells", limit=MOST_CELLS)
            facts.merged.append((top, left, bottom, right))
    return facts


def _row_number(reference: bytes) -> int:
    if not re.fullmatch(rb"\d{1,7}", reference):
        raise RefusedFileError("unreadable", found="row")
    return int(reference) - 1


def _position(reference: bytes) -> tuple[int, int]:
    match = POSITION.fullmatch(reference)
    if match is None:
        raise RefusedFileError("unreadable", found="r")
    column = 0
    for letter in match[1]:
        column = 26 * column + letter - 64
    return int(match[2]) - 1, column - 1


def _percent_styles(styles: bytes) -> set[int]:
    """Numbers of the cell styles that show a number as a percentage."""
    formats = set(PERCENT_FORMATS)
    for tag in re.findall(rb"<(?:\w+:)?numFmt\b[^>]*>", styles):
        number = re.search(rb"numFmtId\s*=\s*[\"'](\d+)[\"']", tag)
        code = re.search(rb"formatCode\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", tag)
        if number and code and b"%" in (code[1] or code[2] or b""):
            formats.add(int(number[1]))
    section = re.search(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", styles, re.DOTALL)
    entries = re.findall(rb"<(?:\w+:)?xf\b[^>]*>", section[0]) if section else []
    numbers = [re.search(rb"numFmtId\s*=\s*[\"'](\d+)[\"']", entry) for entry in entries]
    return {i for i, number in enumerate(numbers) if number and int(number[1]) in formats}


def _sheet_parts(parts: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    """Pairs of the name of a sheet and the part of the archive that holds it."""
    from html import unescape

    targets = {}
    for tag in re.findall(rb"<(?:\w+:)?Relationship\b[^>]*>", parts.get("xl/_rels/workbook.xml.rels", b"")):
        key, target = _attribute(tag, b"Id"), _attribute(tag, b"Target")
        targets[key] = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
    for tag in re.findall(rb"<(?:\w+:)?sheet\b[^>]*>", parts["xl/workbook.xml"]):
        yield unescape(_attribute(tag, b"name")), targets.get(_attribute(tag, b"(?:\\w+:)?id"), "")


def _attribute(tag: bytes, name: bytes) -> str:
    found = re.search(rb"\s" + name + rb"\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", tag)
    return (found[1] or found[2] or b"").decode("utf-8", "replace") if found else ""
