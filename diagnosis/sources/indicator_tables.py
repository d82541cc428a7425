"""An own table of indicators, and the table that says what they are: domain, direction, weight."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples, unknown_name
from diagnosis.sources.cells import texts_of
from diagnosis.sources.tabular import Role, normalise, read_columns

ID = Role("id", ("id", "indicator", "indicatore", "codice", "code"))
DOMAIN = Role("domain", ("domain", "dominio", "theme", "tema", "pillar"))
DIRECTION = Role("direction", ("direction", "polarita", "polarity", "verso", "direzione"))
WEIGHT = Role("weight", ("weight", "peso"), required=False)
LABEL = Role("name", ("name", "nome", "label", "denominazione"), required=False)
UNIT_OF_MEASURE = Role("unit", ("unit", "unita", "unita_di_misura", "unit_of_measure"), required=False)
YEAR = Role("year", ("year", "anno", "vintage"), required=False)
CODE = Role(
    "code of the unit",
    ("code", "codice", "codice_istat", "cod_istat", "pro_com_t", "territory", "territorio", "unit", "*"),
)
NAME = Role(
    "name of the unit",
    ("name", "nome", "denominazione", "unit_name", "territory_name", "comune", "provincia", "municipality"),
    required=False,
)
"""Headings as :func:`diagnosis.sources.tabular.normalise` writes them; any first column is taken for the code."""

DIRECTIONS = {
    "positive": ("positive", "positiva", "positivo", "+"),
    "negative": ("negative", "negativa", "negativo", "-", "−"),
}
MISSING = ("", "na", "n/a", "nan", "n.d.", "nd", "n.a.", "..", "...", "-", "–", ":")
"""What a cell without a value may say, in lower case."""
GROUPED = r"[+-]?[1-9][0-9]{0,2}([.,][0-9]{3})+"
FEWEST_UNITS = 3


@dataclass(frozen=True, eq=False)
class IndicatorTable:
    """Own indicators, checked.

    Attributes
    ----------
    values : pandas.DataFrame
        Rows units (text), columns indicators; missing where a cell has no value.
    names : pandas.Series
        Name of each unit; its code where the file has no names.
    indicators : pandas.DataFrame
        Index indicator, in the order of its file: ``name``, ``domain``, ``direction`` (``positive`` or ``negative``),
        ``weight``, ``unit`` (of measure) and ``year``, empty where not said.
    """

    values: pd.DataFrame
    names: pd.Series
    indicators: pd.DataFrame


def read_indicator_table(table: str | Path, indicators: str | Path) -> IndicatorTable:
    """Read a table of units by indicators, and the table that describes the indicators.

    Parameters
    ----------
    table : str or Path
        One row a unit: its code (a known heading such as ``code`` or ``codice``, otherwise the first column), its
        name if there is a column of names, and a column for each indicator. Further columns are ignored. Decimals
        with a point or a comma, the same within a column; no separators of thousands; empty, ``NA``, ``n.d.``, ``..``
        or a dash where there is no value.
    indicators : str or Path
        One row an indicator: ``id`` (its heading in `table`), ``domain``, ``direction``; optionally ``weight``
        (1 where empty), ``name``, ``unit``, ``year``. Headings and directions may be Italian.

    Both in any format of :func:`diagnosis.sources.tabular.read_columns`.

    Returns
    -------
    IndicatorTable

    Raises
    ------
    diagnosis.errors.InputError
        A file cannot be read or lacks a column; an indicator is described twice, has no domain or direction; a unit
        has no code or several rows; a cell is not a number, or has what may be a separator of thousands.
    diagnosis.errors.UnknownNameError
        An indicator is no column of `table`, or a direction is none.
    """
    path = Path(table)
    described = _read_indicators(Path(indicators))
    # A name that no heading has: the ids of the indicators are free
    first = next(iter(read_columns(path, (CODE,), {}).headings.values()))
    roles = [CODE, *(Role(name, (normalise(name),)) for name in described.index)]
    if normalise(first) not in NAME.headings:
        roles.insert(1, NAME)
    columns = read_columns(path, roles, {name: name for name in described.index})
    texts = {name: texts_of(columns.table.column(name)) for name in columns.table.column_names}
    codes = _check_codes(texts[CODE.name], path.name, columns.first_row)
    rows = codes.index
    values = {
        name: _numbers(texts[name].loc[rows], f"{path.name}: the values of {name!r}", columns.first_row)
        for name in described.index
    }
    frame = pd.DataFrame(values).set_axis(pd.Index(codes, name="unit"))
    names = texts[NAME.name].loc[rows].fillna(codes) if NAME.name in texts else codes
    return IndicatorTable(frame, pd.Series(names.to_numpy(), index=frame.index, name="name"), described)


def _read_indicators(path: Path) -> pd.DataFrame:
    roles = (ID, DOMAIN, DIRECTION, WEIGHT, LABEL, UNIT_OF_MEASURE, YEAR)
    columns = read_columns(path, roles, {})
    texts = {name: texts_of(columns.table.column(name)) for name in columns.table.column_names}
    frame = pd.DataFrame(texts).dropna(how="all")
    frame = frame.reindex(columns=[role.name for role in roles], fill_value="")
    for name in (ID.name, DOMAIN.name, DIRECTION.name):
        if (absent := frame[name].isna()).any():
            where = frame.loc[absent, ID.name].fillna("a row without id")
            raise InputError(
                f"{path.name}: every indicator needs its {name}", f"there is none for {examples(where)}"
            )
    if (repeated := frame[ID.name].duplicated()).any():
        raise InputError(
            f"{path.name}: every indicator must have one row",
            f"repeated: {examples(frame.loc[repeated, ID.name])}",
        )
    frame = frame.fillna("")
    given = _numbers(frame["weight"], f"{path.name}: the weights", columns.first_row)
    weights = np.where(np.isnan(given), 1.0, given)
    frame = frame.set_index(pd.Index(frame.pop(ID.name), name="indicator"))
    known = {text: direction for direction, texts in DIRECTIONS.items() for text in texts}
    for indicator, text in frame["direction"].items():
        if text.casefold() not in known:
            raise unknown_name(
                f"{path.name}: the direction of {indicator!r}",
                text,
                DIRECTIONS,
                "Write positive where more is better, negative where less is; leave out what has no direction",
            )
    if (weights < 0).any():
        raise InputError(
            f"{path.name}: weights must be zero or more",
            f"below: {examples(frame.index[weights < 0])}",
        )
    return frame.assign(
        direction=frame["direction"].str.casefold().map(known),
        weight=weights,
        name=frame["name"].where(frame["name"] != "", frame.index.to_series()),
    )[["name", "domain", "direction", "weight", "unit", "year"]]


def _check_codes(codes: pd.Series, origin: str, first_row: int) -> pd.Series:
    last = int(np.flatnonzero(codes.notna()).max(initial=-1))
    codes = codes.iloc[: last + 1]  # blank rows at the end are none
    if codes.isna().any():
        rows = np.flatnonzero(codes.isna()) + first_row
        raise InputError(
            f"{origin}: every row needs the code of its unit", f"rows without: {examples(rows.tolist())}"
        )
    if (repeated := codes.duplicated()).any():
        raise InputError(
            f"{origin}: every unit must have one row", f"repeated: {examples(codes[repeated].unique())}"
        )
    if len(codes) < FEWEST_UNITS:
        raise InputError(f"{origin}: at least {FEWEST_UNITS} units are needed", f"there are {len(codes)}")
    return codes


def _numbers(texts: pd.Series, what: str, first_row: int) -> np.ndarray:
    """Read numbers with decimal points or commas; missing where a cell has no value."""
    known = texts.mask(texts.str.casefold().isin(MISSING)).str.replace("−", "-", regex=False)
    comma, point = (known.str.contains(sign, regex=False, na=False) for sign in ",.")
    separated = known[comma | point]
    plain = pd.to_numeric(known[~(comma | point)], errors="coerce")
    if len(separated) and separated.str.fullmatch(GROUPED).all() and not (plain.abs() >= 1000).any():
        raise InputError(
            f"{what} must be without separators of thousands",
            f"found {examples(separated)}, which may be thousands or decimals",
            "Write 1234 or, where decimals are meant, 1.2340",
        )
    if comma.any() and not point.any():
        known = known.str.replace(",", ".", regex=False)
    numbers = pd.to_numeric(known, errors="coerce").to_numpy("float64", na_value=np.nan)
    wrong = known.notna().to_numpy() & ~np.isfinite(numbers)
    if wrong.any():
        shown = [f"row {texts.index[row] + first_row}: {texts.iloc[row]!r}" for row in np.flatnonzero(wrong)]
        found = f"{', '.join(shown[:5])}{'' if len(shown) < 6 else f' and {len(shown) - 5} more'}"
        raise InputError(
            f"{what} must be numbers",
            found,
            "Correct them, or leave the cell empty; decimals with points or commas, not both",
        )
    return numbers
