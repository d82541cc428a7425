"""A city's own file as a grid of cells, whatever its format: delimited text, workbook or Parquet."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from diagnosis.sources.own.problems import Place, RefusedFileError

MOST_ROWS = 200_000
MOST_COLUMNS = 500
MOST_CELLS = 3_000_000
LONGEST_CELL = 10_000
UNPACKED = 200_000_000
"""Largest size in bytes that a packed file may unpack to."""
DELIMITERS = (";", "\t", ",", "|")
SAMPLE = 200
MARKS = (
    # what a file begins with that is no table as text
    (b"%PDF", "PDF"), (b"{\\rtf", "RTF"), (b"\xd0\xcf\x11\xe0", "xls/doc"), (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"), (b"PK", "zip"), (b"\x1f\x8b", "gzip"), (b"PAR1", "Parquet"),
    (b"SQLite format 3", "GeoPackage"),
)  # fmt: skip
PAGES = ("<!doctype", "<html", "<?xml")
CONTROLS = "".join(chr(i) for i in range(32) if chr(i) not in "\t\n\r\f\x1a")


@dataclass(eq=False)
class Grid:
    """The cells of one table.

    Attributes
    ----------
    rows : list of list
        Text, numbers or dates; ``""`` where a cell is empty. The first row is row 1 of the spreadsheet.
    sheet : str
        Name of the sheet or layer, if the format has them.
    percent : set of (int, int)
        Row and column, from 0, of cells formatted as percentages.
    merged : list of (int, int, int, int)
        First row and column, last row and column, from 0, of merged cells.
    unsaved : list of (int, int)
        Cells with a formula but without its result.
    hidden : bool
        Whether the sheet is hidden.
    remarks : list of str
        Kinds of problems without values, for :class:`diagnosis.sources.own.problems.Problems`.
    """

    rows: list[list[object]]
    sheet: str = ""
    percent: set[tuple[int, int]] = field(default_factory=set)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    unsaved: list[tuple[int, int]] = field(default_factory=list)
    hidden: bool = False
    remarks: list[str] = field(default_factory=list)


def check_size(rows: int, columns: int) -> None:
    """Refuse a table that is too large to be one of municipalities."""
    if columns > MOST_COLUMNS:
        raise RefusedFileError("too_many_columns", limit=MOST_COLUMNS)
    if rows > MOST_ROWS:
        raise RefusedFileError("too_many_rows", limit=MOST_ROWS)
    if rows * columns > MOST_CELLS:
        raise RefusedFileError("too_many_cells", limit=MOST_CELLS)


def letter_of(column: int) -> str:
    """Return the letter of a column, counted from 0: A, B, ..., Z, AA."""
    letters, number = "", column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def read_text_grid(path: Path) -> Grid:
    """Read a delimited text file: UTF-8, UTF-16 or Windows-1252; semicolon, tab, comma or bar.

    Raises
    ------
    RefusedFileError
        It is binary, a web page, or too large.
    """
    text, remarks = _decode(path.read_bytes())
    if text.lstrip().lower().startswith(PAGES):
        raise RefusedFileError("binary_file", found="HTML/XML")
    first, _, rest = text.partition("\n")
    directive = first.strip().strip('"').lower()
    given = directive[4:] if directive.startswith("sep=") and len(directive) == 5 else ""
    delimiter = given or _delimiter(text)
    rows: list[list[object]] = [[]] if given else []
    width = 0
    for row in _parse(rest if given else text, delimiter):
        rows.append([cell.strip() for cell in row])
        width = max(width, len(row))
        check_size(len(rows), width)
    while rows and not any(rows[-1]):
        rows.pop()
    if not rows:
        raise RefusedFileError("empty_file")
    return Grid(rows, remarks=remarks)


def _parse(text: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter)  # CR alone ends a line too
    number = 0
    while True:
        number += 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise RefusedFileError("long_cell", Place(number), limit=LONGEST_CELL) from None
        if any(len(cell) > LONGEST_CELL for cell in row):
            raise RefusedFileError("long_cell", Place(number), limit=LONGEST_CELL)
        yield row


def _decode(content: bytes) -> tuple[str, list[str]]:
    mark = next((name for start, name in MARKS if content.startswith(start)), None)
    if mark:
        raise RefusedFileError("binary_file", found=mark)
    remarks: list[str] = []
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = content.decode("utf-16")
        elif b"\0" in content:
            text = content.decode(_utf_16_without_mark(content))
        else:
            text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text, remarks = content.decode("cp1252"), ["windows_encoding"]
        except UnicodeDecodeError:
            raise RefusedFileError("binary_file", found="?") from None
    if any(sign in text for sign in CONTROLS):
        raise RefusedFileError("binary_file", found="NUL" if "\0" in text else "?")
    return text.rstrip("\x1a"), remarks


def _utf_16_without_mark(content: bytes) -> str:
    """Tell UTF-16 by the side on which the zero bytes of Latin letters lie; anything else is binary."""
    even, odd = content[::2].count(0), content[1::2].count(0)
    half = len(content) // 2
    if odd > 0.6 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.6 * half and odd < 0.05 * half:
        return "utf-16-be"
    raise RefusedFileError("binary_file", found="NUL")


def _delimiter(text: str) -> str:
    """Choose the delimiter under which most of the first rows have one and the same number of cells."""
    sample = "\n".join(text[:200_000].splitlines()[:SAMPLE])
    best, chosen = (0.0, 0), DELIMITERS[0]
    for delimiter in DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(io.StringIO(sample), delimiter=delimiter) if any(row)]
        except csv.Error:
            continue
        several = [width for width in widths if width > 1]
        if not several:
            continue
        width, times = Counter(several).most_common(1)[0]
        if (score := (round(times / len(widths), 1), width)) > best:
            best, chosen = score, delimiter
    return chosen


def read_parquet_grid(path: Path) -> Grid:
    """Read a Parquet file; columns of bytes, such as geometries, and of nested values are left out."""
    import pyarrow as pa
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            facts, schema = file.metadata, file.schema_arrow
            check_size(facts.num_rows, facts.num_columns)
            if sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups)) > UNPACKED:
                raise RefusedFileError("unpacks_to_more", limit=f"{UNPACKED / 1e6:.0f}")
            plain = [
                name
                for name, kind in zip(schema.names, schema.types, strict=True)
                if not (pa.types.is_nested(kind) or "binary" in str(kind))
            ]
            table = file.read(columns=plain)
            check_size(table.num_rows, table.num_columns)
            columns = [table.column(i).to_pylist() for i in range(table.num_columns)]
    except (pa.ArrowException, OSError, ValueError, OverflowError) as problem:
        if isinstance(problem, RefusedFileError):
            raise
        raise RefusedFileError("unreadable", found=type(problem).__name__) from problem
    rows = [[plain_cell(value) for value in row] for row in zip(*columns, strict=True)]
    return Grid([list(table.column_names), *rows])


def plain_cell(value: object) -> object:
    """Write a cell as text, number or date: nothing for a missing value."""
    if value is None or (isinstance(value, float | np.floating) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | np.integer):
        return int(value) if abs(int(value)) < 10**18 else str(value)
    if isinstance(value, float | np.floating):
        return float(value)
    if isinstance(value, str):
        if len(value) > LONGEST_CELL:
            raise RefusedFileError("long_cell", limit=LONGEST_CELL)
        return value.strip()
    if hasattr(value, "isoformat"):
        return value
    return str(value)[:LONGEST_CELL]
