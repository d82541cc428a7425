"""Tables of unknown make: opened, sniffed, and their columns recognised by heading.

For files that users bring along: nothing is known of them but that one row is one fact and the first row names the
columns. What a publisher issues in a known layout is read by the module of that publisher.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from diagnosis.errors import InputError, examples, unknown_name
from diagnosis.sources.cells import cell_text
from diagnosis.sources.formats import read_sheet
from diagnosis.sources.packing import DAMAGED, HEAD, ZIP, open_text, read_head, unreadable

if TYPE_CHECKING:
    import pyarrow as pa

LIKENESS = 0.6
BLOCK = 1 << 23
DELIMITERS = ("\t", ";", ",", "|")
PARQUET, ARROW, OLD_EXCEL = b"PAR1", b"ARROW1", b"\xd0\xcf\x11\xe0"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
PAGES = ("<!doctype", "<html", "<?xml")


@dataclass(frozen=True)
class Role:
    """What a column is for, and the headings it is known by.

    Attributes
    ----------
    name : str
        Name of the column in the result.
    headings : tuple of str
        As :func:`normalise` writes them; ``*`` stands for any text. The first that is there counts.
    required : bool
        Whether a table without it is refused.
    exclusive : bool
        Whether a table with two of the headings is refused, because either could be meant.
    """

    name: str
    headings: tuple[str, ...]
    required: bool = True
    exclusive: bool = False


@dataclass(frozen=True, eq=False)
class Columns:
    """The recognised columns of a table.

    Attributes
    ----------
    table : pyarrow.Table
        One column a role, under its name; text, or the type a Parquet or Arrow file gives it.
    headings : dict of str to str
        Role to the heading it was found under.
    first_row : int
        Number of the first row of data, as a spreadsheet counts.
    remarks : list of dict
        What was met on the way, in both languages: see :func:`remark`.
    """

    table: pa.Table
    headings: dict[str, str]
    first_row: int
    remarks: list[dict[str, str]] = field(default_factory=list)


def remark(it: str, en: str, **values: object) -> dict[str, str]:
    """Say something in both languages, with whole numbers grouped as each does; plain, so that JSON can hold it."""

    def fill(text: str, separator: str) -> str:
        shown = {
            name: f"{value:,}".replace(",", separator) if isinstance(value, int) else value
            for name, value in values.items()
        }
        return text.format(**shown)

    return {"it": fill(it, "."), "en": fill(en, ",")}


def normalise(heading: object) -> str:
    """Write a heading in lower case, without accents, signs and line breaks: ``Comune di Residenza`` and the like."""
    plain = unicodedata.normalize("NFKD", str(heading)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.casefold()).strip("_")


def recognise(
    headings: Sequence[str], roles: Sequence[Role], given: Mapping[str, str | None], origin: str
) -> dict[str, int]:
    """Find the column of each role.

    Parameters
    ----------
    headings : sequence of str
        As they stand in the file.
    roles : sequence of Role
    given : mapping of str to str or None
        Headings the user names, by role; they override.
    origin : str
        File named in the error.

    Returns
    -------
    dict of str to int
        Role to position; an optional role that is not there has no entry.

    Raises
    ------
    diagnosis.errors.InputError
        A named heading is not there, a required role has none, several headings fit, or the heading is repeated.
    """
    plain = [normalise(heading) for heading in headings]
    found: dict[str, int] = {}
    for role in roles:
        if (wanted := given.get(role.name)) is not None:
            found[role.name] = _named(wanted, headings, plain, role, origin)
            continue
        hits = [i for pattern in role.headings for i, name in enumerate(plain) if fnmatchcase(name, pattern)]
        if len({plain[i] for i in hits}) > 1 and role.exclusive:
            raise InputError(
                f"{origin}: one column must be the {role.name}",
                f"several could be: {examples(str(headings[i]) for i in hits)}",
                f"Say which: {role.name}=...",
            )
        if hits:
            found[role.name] = hits[0]
            if plain.count(plain[hits[0]]) > 1:
                raise _repeated(headings[hits[0]], origin)
    for name, position in found.items():
        if twice := [other for other in found if other < name and found[other] == position]:
            raise InputError(
                f"{origin}: a column must have one part",
                f"{headings[position]!r} would be {twice[0]} and {name}",
                f"Name another one: {name}=...",
            )
    if absent := [role for role in roles if role.required and role.name not in found]:
        raise _unrecognised(absent, headings, plain, origin)
    return found


def _named(wanted: str, headings: Sequence[str], plain: Sequence[str], role: Role, origin: str) -> int:
    exact = [i for i, heading in enumerate(headings) if heading == wanted]
    hits = exact or [i for i, heading in enumerate(plain) if heading == normalise(wanted)]
    if not hits:
        raise unknown_name(f"{origin}: the column of the {role.name}", wanted, map(str, headings))
    if len(hits) > 1:
        raise _repeated(wanted, origin)
    return hits[0]


def _repeated(heading: str, origin: str) -> InputError:
    return InputError(
        f"{origin}: a heading must be there once", f"{heading!r} is repeated", "Rename or remove one column"
    )


def _unrecognised(
    absent: Sequence[Role], headings: Sequence[str], plain: Sequence[str], origin: str
) -> InputError:
    wanted = "; ".join(f"{role.name} ({', '.join(role.headings[:4])} ...)" for role in absent)
    near = []
    for role in absent:
        scores = [
            (difflib.SequenceMatcher(None, name, heading).ratio(), position)
            for position, name in enumerate(plain)
            for heading in role.headings
        ]
        score, position = max(scores, default=(0, 0))
        if score > LIKENESS:
            near.append(f"{role.name}={headings[position]!r}")
    advice = "Name the columns: " + ", ".join(f"{role.name}=..." for role in absent)
    if near:
        advice += f" (perhaps {', '.join(near)})"
    return InputError(
        f"{origin}: the first row must name the columns {wanted}",
        f"found: {examples(map(str, headings), 12) or 'nothing'}",
        advice,
    )


def read_columns(path: Path, roles: Sequence[Role], given: Mapping[str, str | None]) -> Columns:
    """Read the columns of a table that play a role, whatever its format.

    Parameters
    ----------
    path : Path
        Delimited text (tab, semicolon, comma or bar; UTF-8, UTF-16 or Latin-1), plain, gzipped or the one text file
        of a zip; Excel workbook (first sheet); Parquet; Arrow. The content decides, not the name.
    roles : sequence of Role
    given : mapping of str to str or None
        See :func:`recognise`.

    Returns
    -------
    Columns

    Raises
    ------
    diagnosis.errors.InputError
        The file cannot be read, is empty, a web page, binary, or lacks a column.
    diagnosis.errors.SourceError
        A workbook is damaged.
    """
    path = Path(path)
    start = read_head(path, packed=True)
    if start.startswith((PARQUET, ARROW)):
        return _read_arrow(path, roles, given, parquet=start.startswith(PARQUET))
    if start.startswith(OLD_EXCEL):
        raise InputError(
            f"{path.name} must be a table as text, Parquet or xlsx",
            "it is an old workbook",
            "Save it as xlsx",
        )
    if start.startswith(ZIP) and _is_workbook(path):
        return _read_workbook(path, roles, given)
    return _read_text(path, roles, given)


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except DAMAGED as problem:
        raise unreadable(path, problem) from problem


def _read_text(path: Path, roles: Sequence[Role], given: Mapping[str, str | None]) -> Columns:
    import pyarrow as pa
    import pyarrow.csv

    text, encoding = _decode(read_head(path), path.name)
    delimiter, header, lines = _header(text, roles)
    found = recognise(header, roles, given, path.name)
    # Columns by position: headings may be repeated, or in another encoding than the rest
    numbers = [str(i) for i in range(len(header))]
    kept = {str(position): name for name, position in found.items()}
    convert = pyarrow.csv.ConvertOptions(
        include_columns=list(kept),
        column_types=dict.fromkeys(numbers, pa.string()),
        strings_can_be_null=False,
    )
    parse = pyarrow.csv.ParseOptions(delimiter=delimiter)
    remarks, threads = [], True
    while True:
        options = pyarrow.csv.ReadOptions(
            use_threads=threads, skip_rows=lines, column_names=numbers, encoding=encoding, block_size=BLOCK
        )
        try:
            with open_text(path) as stream:
                table = pyarrow.csv.read_csv(stream, options, parse, convert)
            break
        except pa.ArrowInvalid as problem:
            if "UTF8" in str(problem) and encoding == "utf-8":
                encoding = "latin-1"
            elif "columns, got" in str(problem) and threads:
                threads = False  # only then does the message say which row it is
            elif re.search("Empty CSV|Could not skip", str(problem)):
                raise _no_rows(path) from problem
            else:
                raise _ragged(path, problem) from problem
        except (UnicodeError, *DAMAGED) as problem:
            raise unreadable(path, problem) from problem
    if table.num_rows == 0:
        raise _no_rows(path)
    if encoding == "latin-1":
        remarks.append(
            remark(
                "Il file {file} non è in UTF-8: letto come Latin-1.",
                "{file} is not UTF-8: it was read as Latin-1.",
                file=path.name,
            )
        )
    return Columns(
        table.rename_columns([kept[name] for name in table.column_names]),
        {name: header[position] for name, position in found.items()},
        lines + 1,
        remarks,
    )


def _decode(head: bytes, origin: str) -> tuple[str, str]:
    """Text of the first bytes, and their encoding; an error if they are no table as text."""
    if head.startswith(UTF_16):
        return head[: len(head) // 2 * 2].decode("utf-16", "replace"), "utf-16"
    if b"\0" in head:
        raise InputError(f"{origin} must be a table as text, Parquet or xlsx", "it is a binary file")
    try:
        # a character may be cut in two at the end
        text, encoding = head.decode("utf-8-sig", "strict" if len(head) < HEAD else "ignore"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = head.decode("latin-1"), "latin-1"
    if text.lstrip().lower().startswith(PAGES):
        raise InputError(f"{origin} must be a table", "it is a web page", "Download the file again")
    return text, encoding


def _header(text: str, roles: Sequence[Role]) -> tuple[str, list[str], int]:
    """Delimiter, headings, and the number of lines they take: the delimiter under which most are recognised."""
    choices = []
    for delimiter in DELIMITERS:
        reader = csv.reader(
            io.StringIO(text, newline=None), delimiter=delimiter
        )  # old Macintosh ends lines with CR
        try:
            header = next((row for row in reader if any(cell.strip() for cell in row)), [])
        except csv.Error:
            continue
        plain = {normalise(heading) for heading in header}
        known = sum(any(fnmatchcase(name, p) for name in plain for p in role.headings) for role in roles)
        choices.append((known, len(header), delimiter, header, reader.line_num))
    *_, delimiter, header, lines = max(choices, key=lambda choice: choice[:2])
    return delimiter, [heading.strip() for heading in header], lines


def _no_rows(path: Path) -> InputError:
    return InputError(f"{path.name} must hold rows", "it has nothing but headings")


def _ragged(path: Path, problem: Exception) -> InputError:
    """Say which row has too few or too many cells; a file in which none has is broken otherwise."""
    hit = re.search(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+)(?:: (.*))?", str(problem), re.DOTALL)
    if hit is None:
        return unreadable(path, problem)
    row, expected, got, cells = hit.groups()
    where = f"row {row}" if row else "a row"
    shown = re.sub(r"\s+", " ", cells or "")[:80]
    return InputError(
        f"{path.name}: every row must have as many cells as there are headings, {expected}",
        f"{where} has {got}: {shown!r}",
        "Correct it; a cell that holds the separator must be in quotes; remove titles and notes around the table",
    )


def _read_arrow(
    path: Path, roles: Sequence[Role], given: Mapping[str, str | None], *, parquet: bool
) -> Columns:
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet

    try:
        if parquet:
            file = pyarrow.parquet.ParquetFile(path)
            header = file.schema_arrow.names
            found = recognise(header, roles, given, path.name)
            table = file.read(columns=list(dict.fromkeys(header[i] for i in found.values())))
        else:
            table = pyarrow.feather.read_table(path)
            header = table.column_names
            found = recognise(header, roles, given, path.name)
        picked = pa.table({name: _plain(table.column(header[i]), path) for name, i in found.items()})
    except (pa.ArrowException, OSError) as problem:
        raise unreadable(path, problem) from problem
    if picked.num_rows == 0:
        raise _no_rows(path)
    return Columns(picked, {name: header[position] for name, position in found.items()}, 1)


def _plain(column: pa.ChunkedArray, path: Path) -> pa.ChunkedArray:
    """Texts that are stored as bytes become texts; what is neither text nor number is refused."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_run_end_encoded(kind):
        raise InputError(f"{path.name}: a column must hold texts or numbers", f"one holds {kind}")
    return column.cast(pa.string()) if "binary" in str(kind) else column


def _read_workbook(path: Path, roles: Sequence[Role], given: Mapping[str, str | None]) -> Columns:
    import pyarrow as pa

    sheet = read_sheet(path)
    header = [str(name).strip() for name in sheet.columns]
    found = recognise(header, roles, given, path.name)
    cells = {
        name: pa.array(sheet.iloc[:, position].map(cell_text), pa.string())
        for name, position in found.items()
    }
    return Columns(pa.table(cells), {name: header[position] for name, position in found.items()}, 2)
