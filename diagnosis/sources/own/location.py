"""Which municipality each row of a city's own table is of."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from diagnosis.codes import VINTAGE_DAYS
from diagnosis.sources.cells import cell_text
from diagnosis.sources.own.fields import find_column
from diagnosis.sources.own.layout import CADASTRALS, CODES, NAMES, PROVINCE_HEADINGS, OwnTable
from diagnosis.sources.own.places import Match, PlaceIndex, is_total
from diagnosis.sources.own.problems import Place, Problems
from diagnosis.sources.own.settings import OwnSettings
from diagnosis.sources.own.values import is_missing, is_numeric
from diagnosis.sources.own.vintages import find_successors, find_vintage, find_wrong
from diagnosis.tables import VINTAGE


@dataclass(eq=False)
class Location:
    """The municipality of each row.

    Attributes
    ----------
    places : Series of str
        Code by position of the row; missing where the row is left out.
    vintage : str
        Year of the codes.
    published : DataFrame or None
        Cadastral codes by code, where the file has both: they link codes of other years.
    """

    places: pd.Series
    vintage: str = VINTAGE
    published: pd.DataFrame | None = field(default=None)


def locate_rows(
    table: OwnTable, settings: OwnSettings, index: PlaceIndex, register: pd.DataFrame, problems: Problems
) -> Location:
    """Find the municipality of each row; rows of totals and notes are left out, unknown ones noted.

    Parameters
    ----------
    table : OwnTable
    settings : OwnSettings
    index : PlaceIndex
    register : DataFrame
        Municipalities of 2022 with ``name``, ``region`` and, if known, ``cadastral``.
    problems : Problems
        Gets each row whose municipality is not found, with the nearest ones.

    Returns
    -------
    Location
    """
    for name, code in settings.names.items():
        if code not in index.municipalities.index:
            near = index.describe(index.match_code(code).candidates)
            problems.add(table.file, "unknown_code", Place(column=f"names: {name}"), code, near=near)
    if settings.province is not None:
        found = find_column(table, settings.province, problems)
        province = found[0] if found else None
    else:
        province = table.find(PROVINCE_HEADINGS)
    kind = next(kind for kind in (CODES, CADASTRALS, NAMES) if kind in table.places)
    position = table.places[kind]
    texts = [cell_text(cell).strip() for cell in table.column(position)]
    provinces = (
        [""] * len(texts) if province is None else [cell_text(c).strip() for c in table.column(province)]
    )
    last = _last_row(table, texts, position)
    places = pd.Series([None] * len(texts), dtype=object)
    unknown: list[int] = []
    zeros: list[str] = []
    for i, text in enumerate(texts):
        place = table.place(position, table.rows[i])
        other = cell_text(table.cells[i][table.places[NAMES]]).strip() if NAMES in table.places else ""
        if is_total(text) or (is_missing(text) and is_total(other)) or _says_total(table, i, position):
            problems.add(table.file, "total_row", place, text, table.sheet)
            continue
        match = _match(text, provinces[i], kind, settings, index)
        if i > last and not match.found:
            problems.add(table.file, "footer", place, _first_text(table.cells[i]), table.sheet)
            continue
        if is_missing(text):
            problems.add(table.file, "no_place", place, sheet=table.sheet)
            continue
        if match.found or _is_other_code(match, kind, settings):
            places.iloc[i] = match.code
        if match.kind == "zeros":
            zeros.append(f"{text} → {match.code}")
        elif match.kind == "near":
            problems.add(
                table.file, "near_name", place, text, table.sheet, official=index.official(match.code or "")
            )
        elif match.kind == "territory":
            official = index.official(match.code or "")
            problems.add(table.file, "namesake_in_territory", place, text, table.sheet, official=official)
        elif match.kind == "unknown_code" and match.code and kind == CODES:
            unknown.append(i)
        elif match.kind:
            near = index.describe(match.candidates)
            problems.add(table.file, match.kind, place, text, table.sheet, near=near, province=provinces[i])
    if zeros:
        problems.add(
            table.file,
            "leading_zeros",
            table.place(position),
            sheet=table.sheet,
            n=len(zeros),
            example=zeros[0],
        )
    location = Location(places)
    if kind == CODES:
        _settle_vintage(location, table, unknown, texts, settings, index, register, problems)
    if kind != NAMES and NAMES in table.places:
        _compare_names(location, table, index, register, problems)
    return location


def _match(text: str, province: str, kind: str, settings: OwnSettings, index: PlaceIndex) -> Match:
    if text in settings.names and settings.names[text] in index.municipalities.index:
        return Match(settings.names[text])
    if kind == CODES:
        return index.match_code(text)
    return index.match_cadastral(text) if kind == CADASTRALS else index.match_name(text, province)


def _is_other_code(match: Match, kind: str, settings: OwnSettings) -> bool:
    """Whether a code that is none of 2022 may be one of the year that the YAML says."""
    return kind == CODES and match.code is not None and settings.codes_of not in (None, VINTAGE)


def _last_row(table: OwnTable, texts: list[str], position: int) -> int:
    """Return the last row with a number: below it are notes."""
    last = -1
    for i, cells in enumerate(table.cells):
        others = [cell for column, cell in enumerate(cells) if column != position and cell != ""]
        if any(is_numeric(cell) for cell in others) or (
            texts[i] and len(others) > 0 and len(table.headings) > 2
        ):
            last = i
    return last if last >= 0 else len(texts)


def _says_total(table: OwnTable, row: int, position: int) -> bool:
    """Whether the first text of a row without a municipality says that it is a total."""
    return is_missing(table.cells[row][position]) and is_total(_first_text(table.cells[row]))


def _first_text(cells: list[object]) -> str:
    return next((cell for cell in cells if isinstance(cell, str) and cell), "")


def _settle_vintage(
    location: Location,
    table: OwnTable,
    unknown: list[int],
    texts: list[str],
    settings: OwnSettings,
    index: PlaceIndex,
    register: pd.DataFrame,
    problems: Problems,
) -> None:
    """Decide of which year the codes are; codes of no year are noted with the nearest of 2022."""
    location.published = _published(table, index, register)
    position = table.places[CODES]
    codes = {i: code for i in range(len(texts)) if (code := index.match_code(texts[i]).code)}
    wanted = settings.codes_of
    if wanted not in (None, VINTAGE, *VINTAGE_DAYS):
        problems.add(table.file, "which_vintage", sheet=table.sheet, found=wanted)
        return
    if wanted not in (None, VINTAGE):
        given = {i: codes[i] for i in location.places.dropna().index}
        wrong = set(find_wrong(sorted(set(given.values())), str(wanted), register, location.published))
        for i in (i for i, code in given.items() if code in wrong):
            near = index.describe(index.match_code(texts[i]).candidates)
            problems.add(
                table.file,
                "unknown_code",
                table.place(position, table.rows[i]),
                texts[i],
                table.sheet,
                near=near,
            )
            location.places.loc[i] = None
        location.vintage = str(wanted)
        return
    if not unknown:
        return
    missing = list(dict.fromkeys(codes[i] for i in unknown))
    vintage, wrong_codes = None, missing
    if wanted is None:
        every = [codes[i] for i in [*location.places.dropna().index, *unknown]]
        vintage, wrong_codes = find_vintage(list(dict.fromkeys(every)), missing, register, location.published)
    for i in unknown:
        match = index.match_code(texts[i])
        place = table.place(position, table.rows[i])
        if match.code in wrong_codes:
            near = index.describe(match.candidates)
            problems.add(table.file, "unknown_code", place, texts[i], table.sheet, near=near)
        elif vintage is not None:
            location.places.iloc[i] = match.code
        else:
            problems.add(table.file, "which_vintage", place, texts[i], table.sheet, found=texts[i])
    if vintage is not None:
        problems.add(table.file, "other_vintage", table.place(position), sheet=table.sheet, vintage=vintage)
        location.vintage = vintage


def _published(table: OwnTable, index: PlaceIndex, register: pd.DataFrame) -> pd.DataFrame | None:
    """Return what the file says of its municipalities besides their codes: cadastral codes, or names."""
    codes = [cell_text(cell).strip().zfill(6) for cell in table.column(table.places[CODES])]
    if CADASTRALS in table.places and "cadastral" in register:
        cadastral = [cell_text(cell).strip().upper() for cell in table.column(table.places[CADASTRALS])]
        facts = pd.DataFrame({"code": codes, "cadastral": cadastral})
    elif NAMES in table.places:
        names = [cell_text(cell).strip() for cell in table.column(table.places[NAMES])]
        matched = [index.match_name(name).code if name else None for name in names]
        facts = pd.DataFrame({"code": codes, "matched": matched}).dropna()
        facts = facts.join(register[["name", "region"]], on="matched").drop(columns="matched")
    else:
        return None
    return facts.drop_duplicates("code").set_index("code")


def _compare_names(
    location: Location, table: OwnTable, index: PlaceIndex, register: pd.DataFrame, problems: Problems
) -> None:
    """Note rows whose name is that of another municipality than their code, of whatever year the code is."""
    position, places = table.places[NAMES], location.places
    given = sorted(set(places.dropna()))
    if location.vintage == VINTAGE:
        successors = {code: {code} for code in given}
    else:
        successors = find_successors(given, location.vintage, register, location.published)
    for i, code in places.dropna().items():
        text = cell_text(table.cells[int(i)][position]).strip()
        if not text or not index.is_name(text):
            continue
        match = index.match_name(text)
        if not successors[code] & {match.code, *match.candidates}:
            problems.add(
                table.file, "code_against_name", table.place(position, table.rows[int(i)]), text, table.sheet,
                code=code, official=index.official(code),
            )  # fmt: skip
            places.loc[i] = None
