"""Foreign files as clean tables: delimited text, worksheets, members of archives, polygons.

What a file claims to be is not trusted: every failure to read one becomes an error that names the file.
"""

from __future__ import annotations

import csv
import re
import zipfile
import zlib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from diagnosis.errors import DiagnosisError, SourceError, examples

if TYPE_CHECKING:
    import numpy as np

SIZE_LIMIT = 400_000_000
"""Largest uncompressed size, in bytes, that is read from one archive: some thirty times the largest known."""

AGAIN = "Download the file again from its publisher"


def read_delimited(path: Path, error: type[DiagnosisError] = SourceError) -> pd.DataFrame:
    """Read a delimited text file, every cell as text; blanks stay blank and ``NA`` stays ``NA``.

    Parameters
    ----------
    path : Path
        UTF-8, with or without byte order mark; separated by comma or semicolon, whichever the header has more of.
    error : type, default SourceError
        Kind of error raised.

    Returns
    -------
    DataFrame of str
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            start = stream.read(10_000).lstrip()
    except (OSError, UnicodeDecodeError) as problem:
        raise _unreadable(path, "a text file in UTF-8", problem, error) from problem
    if start.lower().startswith(("<!doctype", "<html", "<?xml")):
        raise error(f"{path.name} must be a CSV file", "it is a web page", AGAIN)
    header = start.partition("\n")[0]
    separator = ";" if header.count(";") > header.count(",") else ","
    try:
        frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        if not isinstance(
            frame.index, pd.RangeIndex
        ):  # pandas takes surplus cells of the first row as an index
            raise ValueError("a row has more cells than the header has names")
    except (ValueError, csv.Error, pd.errors.ParserError) as problem:  # decoding errors are ValueErrors
        raise _unreadable(path, "a CSV file in UTF-8", problem, error) from problem
    return frame


def read_sheet(path: Path, sheet: int | str = 0, header_row: int = 0) -> pd.DataFrame:
    """Read one sheet of an Excel workbook (xlsx), cells as they are stored.

    Parameters
    ----------
    path : Path
        Workbook.
    sheet : int or str, default 0
        Position or name of the sheet.
    header_row : int, default 0
        Row of the column names, counted from 0; the rows above are left out.

    Returns
    -------
    DataFrame of object
        Text, float, or ``""`` for an empty cell.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not a workbook, is damaged, unpacks to more than :data:`SIZE_LIMIT`, or lacks the sheet.
    """
    import python_calamine

    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(path, sum(member.file_size for member in archive.infolist()))
        workbook = python_calamine.CalamineWorkbook.from_path(str(path))
        name = workbook.sheet_names[sheet] if isinstance(sheet, int) else sheet
        rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except (OSError, zipfile.BadZipFile, IndexError, python_calamine.CalamineError) as problem:
        raise _unreadable(path, f"an Excel workbook with the sheet {sheet!r}", problem) from problem
    if len(rows) <= header_row + 1:
        raise SourceError(f"{path.name}: the sheet {name!r} must hold a table", "it is empty", AGAIN)
    return pd.DataFrame(rows[header_row + 1 :], columns=rows[header_row], dtype=object)


def read_member(path: Path, suffixes: tuple[str, ...] = (".txt", ".csv")) -> bytes:
    """Read the one text member of a zip archive.

    Parameters
    ----------
    path : Path
        Archive.
    suffixes : tuple of str
        Endings of the member's name, lower case; its name is otherwise free.

    Returns
    -------
    bytes

    Raises
    ------
    diagnosis.errors.SourceError
        The archive is damaged or truncated, has no such member or several, or the member is larger than
        :data:`SIZE_LIMIT`.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = [member.filename for member in archive.infolist() if not member.is_dir()]
            texts = [
                name for name in names if name.lower().endswith(suffixes) and not name.startswith("__MACOSX/")
            ]
            if len(texts) != 1:
                raise SourceError(
                    f"{path.name} must hold one file ending in {' or '.join(suffixes)}",
                    f"found {examples(names) or 'nothing'}",
                    AGAIN,
                )
            _check_size(path, archive.getinfo(texts[0]).file_size)
            # zipfile stops at the declared size and then compares the checksum: a false declaration fails too
            return archive.read(texts[0])
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as problem:
        raise _unreadable(path, "a complete zip archive", problem) from problem


def pick_columns(frame: pd.DataFrame, columns: Mapping[str, str], path: Path) -> pd.DataFrame:
    """Select and rename the columns of a published table.

    Parameters
    ----------
    frame : DataFrame
        Table as published; line breaks and upper case in its headers do not matter.
    columns : mapping of str to str
        Published name, with ``*`` for any text that may vary, to our name.
    path : Path
        File named in the error.

    Returns
    -------
    DataFrame

    Raises
    ------
    diagnosis.errors.SourceError
        A column is missing, or a name fits several.
    """
    headers = [" ".join(str(name).split()).casefold() for name in frame.columns]
    found: dict[str, int] = {}
    for published, ours in columns.items():
        matches = [i for i, header in enumerate(headers) if fnmatchcase(header, published.casefold())]
        if len(matches) == 1:
            found[ours] = matches[0]
    if len(found) < len(columns):
        absent = [published for published, ours in columns.items() if ours not in found]
        raise SourceError(
            f"{Path(path).name} must have the columns {', '.join(columns)}",
            f"missing or repeated: {examples(absent)}; found: {examples(map(str, frame.columns), 12)}",
            "Use the edition that data/sources.yml names",
        )
    picked = frame.iloc[:, list(found.values())]
    return picked.set_axis(list(found), axis=1)


def clean_polygons(geometries: np.ndarray) -> np.ndarray:
    """Make polygons valid and drop the points and lines that this may leave.

    Parameters
    ----------
    geometries : ndarray of shapely geometries

    Returns
    -------
    ndarray
        Polygons and multipolygons; the valid ones are untouched.
    """
    import shapely

    geometries = geometries.copy()
    for position in (~shapely.is_valid(geometries)).nonzero()[0]:
        parts = shapely.get_parts(shapely.make_valid(geometries[position]))
        parts = parts[shapely.get_dimensions(parts) == 2]
        geometries[position] = shapely.union_all(parts)
    return geometries


def _check_size(path: Path, size: int) -> None:
    if size > SIZE_LIMIT:
        raise SourceError(
            f"{path.name} must unpack to at most {SIZE_LIMIT // 1_000_000} MB",
            f"it declares {size // 1_000_000} MB",
            AGAIN,
        )


def _unreadable(
    path: Path, what: str, problem: Exception, error: type[DiagnosisError] = SourceError
) -> DiagnosisError:
    reason = re.sub(r"\s+", " ", str(problem).replace(str(path), path.name)).strip() or type(problem).__name__
    return error(f"{path.name} must be {what}", f"it cannot be read: {reason}", AGAIN)
