"""Where the table is in a sheet: titles, one to three rows of headings, rows of municipalities, notes below."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from diagnosis.errors import examples
from diagnosis.sources.cells import cell_text
from diagnosis.sources.geographies import CODE, MUNICIPALITY_NAME
from diagnosis.sources.own.grid import Grid, letter_of
from diagnosis.sources.own.places import PlaceIndex
from diagnosis.sources.own.problems import Place, Problems, RefusedFileError
from diagnosis.sources.own.settings import OwnSettings
from diagnosis.sources.own.units import read_unit
from diagnosis.sources.own.values import is_missing, is_numeric, read_year
from diagnosis.sources.tabular import normalise

SAMPLE = 400
DEEPEST_HEADER = 40
"""Rows within which the headings end."""
MOST_HEADER_ROWS = 3
CADASTRAL_HEADINGS = frozenset(
    (
        "codice_catastale", "cod_catastale", "catastale", "codcat", "codice_belfiore", "belfiore", "cadastral",
        "cadastral_code"
    )
)  # fmt: skip
PROVINCE_HEADINGS = frozenset(
    (
        "provincia", "prov", "sigla_provincia", "sigla", "sigla_automobilistica", "province",
        "denominazione_provincia", "nome_provincia", "cod_prov", "codice_provincia", "den_prov", "den_uts",
        "sigla_prov"
    )
)  # fmt: skip
OTHER_AREAS = frozenset(
    (
        "regione", "region", "cod_reg", "codice_regione", "den_reg", "ripartizione", "capoluogo", "distretto"
    )
)  # fmt: skip
CODE_HEADING = re.compile("istat|com")
"""Headings under which any six digits are a code, of this year or another."""
SAYS_CODE = re.compile(r"(.*_)?(istat|cod|codice|codici|code|codes|procom)(_.*)?")
"""Headings of codes of some kind: a column of numbers under another one has to prove that it is one of codes."""
FULL_CODE = re.compile(r"[0-9]{5,6}")
JOINT = " – "
CODES, CADASTRALS, NAMES = "code", "cadastral", "name"
LEAST = {CODES: 0.8, CADASTRALS: 0.8, NAMES: 0.5}
LEAST_WITH_HEADING = 0.15


@dataclass(eq=False)
class OwnTable:
    """A table found in a sheet.

    Attributes
    ----------
    file, sheet : str
    headings : list of str
        One a column; several rows of headings are joined by a dash; ``""`` where there is none.
    rows : list of int
        Number of each row of the body, as the spreadsheet counts.
    cells : list of list
        The body.
    places : dict of str to int
        Column of the codes, cadastral codes and names, whichever are there.
    title : str
        Text above the headings.
    percent : set of (int, int)
        Number of the row and column of cells formatted as percentages.
    """

    file: str
    sheet: str
    headings: list[str]
    rows: list[int]
    cells: list[list[object]]
    places: dict[str, int]
    title: str = ""
    percent: set[tuple[int, int]] = field(default_factory=set)

    def column(self, position: int) -> list[object]:
        """Return the cells of a column."""
        return [row[position] for row in self.cells]

    def place(self, position: int | None, row: int | None = None) -> Place:
        """Return where a cell or column is, for a problem."""
        if position is None:
            return Place(row)
        return Place(row, self.headings[position], letter_of(position))

    def find(self, headings: Iterable[str]) -> int | None:
        """Return the first column known by one of the headings."""
        wanted = set(headings)
        return next((i for i in range(len(self.headings)) if wanted & self.names(i)), None)

    def names(self, position: int) -> set[str]:
        """Return what a heading may be called: the whole of it or, of several rows, each."""
        heading = self.headings[position]
        return {normalise(name) for name in (heading, *heading.split(JOINT)) if name}

    def find_named(self, heading: str) -> list[int]:
        """Return the columns with a heading as the city names it: the whole heading or, failing that, a part."""
        whole = [i for i, name in enumerate(self.headings) if normalise(name) == normalise(heading)]
        return whole or [i for i in range(len(self.headings)) if normalise(heading) in self.names(i)]


def find_table(
    grid: Grid, file: str, settings: OwnSettings, index: PlaceIndex, problems: Problems
) -> OwnTable | None:
    """Find the table of municipalities in a sheet.

    Parameters
    ----------
    grid : Grid
    file : str
        Name of the file.
    settings : OwnSettings
    index : PlaceIndex
    problems : Problems
        Gets what is wrong with single rows and cells.

    Returns
    -------
    OwnTable or None
        None if no column holds municipalities.

    Raises
    ------
    RefusedFileError
        There are municipalities, but no headings above them.
    """
    width = max(map(len, grid.rows))
    rows = [row + [""] * (width - len(row)) for row in grid.rows]
    if settings.header_row:
        top = settings.header_row - 1
        bottom = top + (settings.header_rows or 1) - 1
        if bottom + 1 >= len(rows):
            raise RefusedFileError("no_header", Place(settings.header_row))
        places = _find_places(rows, bottom + 1, settings, index)
    else:
        places = _find_places(rows, None, settings, index)
        if not places:
            return None
        top, bottom = _find_header(rows, places, index)
    if not places:
        return None
    headings = _join_headings(grid, rows, top, bottom, width)
    if settings.municipality is not None:
        _check_named(settings.municipality, headings)
    title = " ".join(cell_text(cell) for row in rows[:top] for cell in row if cell != "")
    numbers, body = [], []
    for number in range(bottom + 1, len(rows)):
        if any(cell != "" for cell in rows[number]):
            numbers.append(number + 1)
            body.append(rows[number])
    if not body:
        raise RefusedFileError("empty_file")
    percent = {(row + 1, column) for row, column in grid.percent if row > bottom}
    table = OwnTable(file, grid.sheet, headings, numbers, body, places, title, percent)
    _check_widths(grid, table, problems)
    _fill_merged(grid, table, bottom, problems)
    for row, column in grid.unsaved:
        if row > bottom:
            problems.add(file, "formula_without_value", table.place(column, row + 1), sheet=grid.sheet)
    return table


def _find_places(
    rows: list[list[object]], start: int | None, settings: OwnSettings, index: PlaceIndex
) -> dict[str, int]:
    """Find the columns of codes, cadastral codes and names by their cells, helped by their headings."""
    sample = rows[start or 0 : (start or 0) + SAMPLE]
    above = rows[:start] if start else rows[:DEEPEST_HEADER]
    best: dict[str, tuple[tuple[bool, bool, bool, int], int]] = {}
    figures: list[int] = []
    named: int | None = None
    for position in range(len(rows[0])):
        names = {normalise(cell_text(row[position])) for row in above if row[position] != ""}
        wanted = settings.municipality is not None and normalise(settings.municipality) in names
        named = position if wanted and named is None else named
        if names & (PROVINCE_HEADINGS | OTHER_AREAS) and not wanted:
            continue
        texts = [cell_text(row[position]).strip() for row in sample]
        texts = [text for text in texts if not is_missing(text)]
        if not texts:
            continue
        of_any_year = names & set(CODE.headings) and any(CODE_HEADING.search(name) for name in names)
        kinds = {
            CODES: [
                text for text in texts if index.is_code(text) or (of_any_year and FULL_CODE.fullmatch(text))
            ],
            CADASTRALS: [text for text in texts if index.is_cadastral(text)],
            NAMES: [text for text in texts if not text[:1].isdigit() and index.is_name(text)],
        }
        headed = {
            CODES: bool(names & set(CODE.headings)),
            CADASTRALS: bool(names & CADASTRAL_HEADINGS),
            NAMES: bool(names & set(MUNICIPALITY_NAME.headings)),
        }
        if not wanted and not _says_code(names):
            if _has_unit(above, position):
                del kinds[CODES]
            elif not any(text.startswith("0") for text in kinds[CODES]):
                figures.append(position)
        for kind, hits in kinds.items():
            share = len(hits) / len(texts)
            if not hits or share < (LEAST_WITH_HEADING if headed[kind] or wanted else LEAST[kind]):
                continue
            score = (wanted, kind != CODES or position not in figures, headed[kind], len(set(hits)))
            if kind not in best or score > best[kind][0]:
                best[kind] = score, position
    found = {kind: position for kind, (_, position) in best.items()}
    if (
        found.get(CODES) in figures
        and found.keys() & {NAMES, CADASTRALS}
        and not _agree(sample, found, index)
    ):
        del found[CODES]
    if named is None:
        return found
    # the column the city names leads, even if none of its cells is a municipality
    led = {kind: position for kind, position in found.items() if position == named}
    digits = [text for row in sample if FULL_CODE.fullmatch(text := cell_text(row[named]).strip())]
    return led or {CODES if 2 * len(digits) > len(sample) else NAMES: named}


def _says_code(names: set[str]) -> bool:
    return any((name in CODE.headings and name != "id") or SAYS_CODE.fullmatch(name) for name in names)


def _has_unit(above: list[list[object]], position: int) -> bool:
    """Whether a heading of a column says in what it is measured; a title alone in its row is none."""
    return any(
        read_unit(str(row[position]))
        for row in above
        if isinstance(row[position], str) and not is_numeric(row[position]) and _count(row) > 1
    )


def _agree(sample: list[list[object]], places: dict[str, int], index: PlaceIndex) -> bool:
    """Whether numbers that could be codes are those of the municipalities beside them in most rows."""
    kind, known = (NAMES, index.is_name) if NAMES in places else (CADASTRALS, index.is_cadastral)
    find = index.match_name if kind == NAMES else index.match_cadastral
    agreed = []
    for row in sample:
        code, other = (cell_text(row[places[each]]).strip() for each in (CODES, kind))
        if index.is_code(code) and known(other):
            match = find(other)
            agreed.append(index.match_code(code).code in (match.code, *match.candidates))
    return 2 * sum(agreed) > len(agreed)


def _find_header(rows: list[list[object]], places: dict[str, int], index: PlaceIndex) -> tuple[int, int]:
    """Find the first and last row of the headings: those above the first municipality without numbers."""
    located = (i for i, row in enumerate(rows) if _has_place(row, places, index))
    first = next(located, None)
    if first is None:  # all codes are of another year
        first = next(i for i, row in enumerate(rows) if _holds_numbers(row))
    bottom = first - 1
    while bottom >= 0 and (_is_blank(rows[bottom]) or _holds_numbers(rows[bottom])):
        bottom -= 1
    if bottom < 0 or (_count(rows[bottom]) < 2 and _count(rows[first]) > 1):
        raise RefusedFileError("no_header", Place(first + 1))
    top = bottom
    while (
        top > 0
        and bottom - top + 1 < MOST_HEADER_ROWS
        and _count(rows[top - 1]) > 1
        and not _holds_numbers(rows[top - 1])
    ):
        top -= 1
    return top, bottom


def _has_place(row: list[object], places: dict[str, int], index: PlaceIndex) -> bool:
    for kind, position in places.items():
        text = cell_text(row[position]).strip()
        known = {CODES: index.is_code, CADASTRALS: index.is_cadastral, NAMES: index.is_name}[kind]
        if text and known(text):
            return True
    return False


def _is_blank(row: list[object]) -> bool:
    return all(cell == "" for cell in row)


def _count(row: list[object]) -> int:
    return sum(cell != "" for cell in row)


def _holds_numbers(row: list[object]) -> bool:
    """Whether a row holds a number that is no year: then it is none of headings."""
    return any(is_numeric(cell) and read_year(cell) is None for cell in row)


def _join_headings(grid: Grid, rows: list[list[object]], top: int, bottom: int, width: int) -> list[str]:
    """Join the rows of headings; one that spans several columns counts for all of them."""
    levels = [[_heading(cell) for cell in rows[number]] for number in range(top, bottom + 1)]
    lowest = levels[-1]
    for depth, level in enumerate(levels[:-1]):
        spans = [area for area in grid.merged if area[0] <= top + depth <= area[2] and area[3] > area[1]]
        covered = {column: area[1] for area in spans for column in range(area[1], area[3] + 1)}
        for column in range(1, width):
            if level[column]:
                continue
            if column in covered:
                level[column] = level[covered[column]]
            elif not grid.merged and lowest[column] and lowest[column - 1] and level[column - 1]:
                level[column] = level[column - 1]
    return [JOINT.join(dict.fromkeys(part for part in parts if part)) for parts in zip(*levels, strict=True)]


def _check_named(wanted: str, headings: list[str]) -> None:
    there = [heading for heading in headings if heading]
    parts = {normalise(part) for heading in there for part in (heading, *heading.split(JOINT))}
    if normalise(wanted) not in parts:
        near = difflib.get_close_matches(wanted, there, n=1, cutoff=0.4)
        raise RefusedFileError(
            "unknown_heading", wanted=wanted, found=examples(there, 12), near=near[0] if near else "–"
        )


def _heading(cell: object) -> str:
    if isinstance(cell, date):
        return cell.isoformat()[:10]
    return " ".join(cell_text(cell).split())[:300]


def _check_widths(grid: Grid, table: OwnTable, problems: Problems) -> None:
    """Take out rows of delimited text with more cells than the headings: their cells may have moved."""
    if grid.sheet:
        return
    expected = max((i + 1 for i, name in enumerate(table.headings) if name), default=0)
    kept = []
    for i, cells in enumerate(table.cells):
        filled = max((column + 1 for column, cell in enumerate(cells) if cell != ""), default=0)
        if filled > expected:
            problems.add(table.file, "long_row", Place(table.rows[i]), found=filled, expected=expected)
        else:
            kept.append(i)
    table.rows, table.cells = [table.rows[i] for i in kept], [table.cells[i] for i in kept]


def _fill_merged(grid: Grid, table: OwnTable, bottom: int, problems: Problems) -> None:
    """Repeat the text of a merged cell in all it covers; a number there is of one row only, nobody knows which."""
    position = {number: i for i, number in enumerate(table.rows)}
    for top, left, last, right in grid.merged:
        first = position.get(top + 1)
        if top <= bottom or first is None:
            continue
        cell = table.cells[first][left]
        if is_numeric(cell) and left not in table.places.values() and read_year(cell) is None:
            problems.add(table.file, "merged_number", table.place(left, top + 1), cell, table.sheet)
            table.cells[first][left] = ""
            continue
        for row in range(top + 1, last + 2):
            if row in position:
                for column in range(left, right + 1):
                    if table.cells[position[row]][column] == "":
                        table.cells[position[row]][column] = cell
