"""Opening a city's own file: the right sheet, the table in it, and no data of persons."""

from __future__ import annotations

import pandas as pd

from diagnosis.errors import examples
from diagnosis.schema import Text
from diagnosis.sources.own.files import MAPS, OwnFile
from diagnosis.sources.own.grid import Grid, letter_of, read_parquet_grid, read_text_grid
from diagnosis.sources.own.layout import PROVINCE_HEADINGS, OwnTable, find_table
from diagnosis.sources.own.places import PlaceIndex
from diagnosis.sources.own.points import count_points, read_map
from diagnosis.sources.own.privacy import EXCUSABLE, find_mention, find_personal, tell_kind
from diagnosis.sources.own.problems import NOWHERE, Place, Problems, RefusedFileError, words
from diagnosis.sources.own.settings import OwnSettings
from diagnosis.sources.own.workbook import read_workbook_grids

NOT_PERSONAL = Text(
    it="Se non riguarda persone: not_personal: [intestazione] nel file YAML.",
    en="If it is of no person: not_personal: [heading] in the YAML file.",
)


def open_table(
    file: OwnFile, index: PlaceIndex, municipalities: pd.DataFrame, problems: Problems
) -> tuple[OwnTable, pd.Series | None]:
    """Open a file and find its table.

    Parameters
    ----------
    file : OwnFile
    index : PlaceIndex
    municipalities : DataFrame
        With polygons if points are to be counted.
    problems : Problems

    Returns
    -------
    table : OwnTable
    places : Series of str or None
        Of points that are to be counted: the municipality of each.

    Raises
    ------
    RefusedFileError
        It cannot be read, holds no table of municipalities, or has data of persons in the names of its sheets,
        its titles or headings.
    """
    settings = file.settings
    suffix = file.path.suffix.lower()
    if suffix in MAPS:
        grid, shapes = read_map(file.path, settings.sheet, settings.crs)
        if settings.count == "points":
            places = count_points(shapes, municipalities, file.name, problems)  # type: ignore[arg-type]
            headings = [str(cell) for cell in grid.rows[0]]
            _refuse_mentions([grid.sheet], "sheet")
            _refuse_mentions(headings, "heading")
            rows = list(range(2, len(grid.rows) + 1))
            return OwnTable(file.name, grid.sheet, headings, rows, grid.rows[1:], {}), places
        problems.add(file.name, "geometry_ignored")
        grids = [grid]
    else:
        with file.path.open("rb") as stream:
            start = stream.read(4)
        if suffix == ".xlsx" or start == b"PK\x03\x04":
            grids = read_workbook_grids(file.path)
        elif suffix == ".parquet":
            grids = [read_parquet_grid(file.path)]
        else:
            grids = [read_text_grid(file.path)]
    _refuse_mentions([grid.sheet for grid in grids], "sheet")
    grid = _choose_sheet(grids, file, index, problems)
    for kind in grid.remarks:
        problems.add(file.name, kind)
    table = find_table(grid, file.name, settings, index, problems)
    if table is None:
        raise RefusedFileError("no_municipalities")
    _refuse_mentions([table.title], "title")
    _refuse_mentions(table.headings, "heading")
    if table.title:
        problems.add(file.name, "titles", sheet=table.sheet, found=table.title[:200])
    return table, None


def _refuse_mentions(texts: list[str], where: str) -> None:
    """Refuse tax codes and e-mail addresses in what is printed as a name; say where, not what."""
    for position, text in enumerate(texts):
        if kind := find_mention(text):
            place = Place(letter=letter_of(position)) if where == "heading" else NOWHERE
            part = words()[f"in_{where}"]
            raise RefusedFileError(
                "personal_text", place, what=tell_kind(kind), where=f"{part.it} / {part.en}"
            )


def _choose_sheet(grids: list[Grid], file: OwnFile, index: PlaceIndex, problems: Problems) -> Grid:
    """Choose the sheet that the YAML names, or the only one with municipalities; say which were not read."""
    wanted = file.settings.sheet
    names = [grid.sheet for grid in grids]
    if len(grids) == 1 and not grids[0].sheet:
        return grids[0]
    if wanted is not None:
        chosen = next((grid for grid in grids if grid.sheet == wanted), None)
        if chosen is None:
            raise RefusedFileError("unknown_sheet", sheet=wanted, found=examples(names, 12))
    else:
        visible = [grid for grid in grids if not grid.hidden]
        fitting = [grid for grid in visible if _has_table(grid, file, index)] if len(visible) > 1 else visible
        if len(fitting) > 1:
            raise RefusedFileError("choose_sheet", found=examples([grid.sheet for grid in fitting], 12))
        if not fitting:
            raise RefusedFileError("no_municipalities")
        chosen = fitting[0]
    if chosen.hidden:
        problems.add(file.name, "read_hidden_sheet", sheet=chosen.sheet)
    others = [grid for grid in grids if grid is not chosen]
    for grid in others:
        if grid.hidden:
            problems.add(file.name, "hidden_sheet", sheet=grid.sheet)
    if shown := [grid.sheet for grid in others if not grid.hidden]:
        problems.add(file.name, "other_sheets", sheet=chosen.sheet, found=examples(shown, 12))
    return chosen


def _has_table(grid: Grid, file: OwnFile, index: PlaceIndex) -> bool:
    try:
        return find_table(grid, file.name, file.settings, index, Problems()) is not None
    except (
        RefusedFileError
    ) as refusal:  # municipalities, but something is wrong: better said than passed over
        return refusal.kind == "no_header"


def note_personal(table: OwnTable, settings: OwnSettings, problems: Problems) -> bool:
    """Note columns that look like data of persons, never their values; return whether there are any."""
    known = {*table.places.values(), table.find(PROVINCE_HEADINGS)} - {None}
    columns = [table.column(i) for i in range(len(table.headings))]
    found = find_personal(table.headings, columns, settings.not_personal, known)  # type: ignore[arg-type]
    for item in found:
        row = table.rows[item.position] if item.number else None
        place = table.place(item.column, row)
        if item.number and (item.kind in ("tax_code", "email") or not table.headings[item.column]):
            place = Place(row, "", place.letter)  # without headings a cell may stand in for one
        allowed = NOT_PERSONAL if item.kind in EXCUSABLE else Text(it="–", en="–")
        kind = "personal_data" if item.number else "personal_heading"
        problems.add(
            table.file, kind, place, sheet=table.sheet, n=item.number,
            what=tell_kind(item.kind), allowed=f"{allowed.it} / {allowed.en}",
        )  # fmt: skip
    if found:
        problems.add(table.file, "personal_file", sheet=table.sheet)
    return bool(found)
