"""The figures of a table: what is measured, of which municipality and year, cell by cell, then as numbers."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from diagnosis.errors import examples
from diagnosis.sources.cells import cell_text
from diagnosis.sources.own.layout import OwnTable
from diagnosis.sources.own.problems import Place, Problems
from diagnosis.sources.own.settings import OwnSettings
from diagnosis.sources.own.units import read_unit
from diagnosis.sources.own.values import (
    COMMA,
    Numbers,
    is_meant_as_number,
    is_missing,
    is_numeric,
    read_numbers,
    read_year,
    without_year,
    year_in,
)
from diagnosis.sources.tabular import normalise

NO_YEAR = "n.d."
"""Year of a figure without one: not available in Italian, no date in English."""
YEARS = frozenset(
    (
        "anno", "year", "anni", "periodo", "time", "time_period", "anno_riferimento", "anno_di_riferimento",
        "reference_year"
    )
)  # fmt: skip
LABELS = frozenset(
    (
        "indicatore", "indicator", "variabile", "variable", "voce", "misura", "measure",
        "descrizione_indicatore", "nome_indicatore", "tipo_dato", "indicator_name"
    )
)  # fmt: skip
VALUES = frozenset(("valore", "value", "dato", "obs_value", "valori", "osservazione"))
UNITS = frozenset(("unita", "unita_di_misura", "um", "u_m", "unit", "unit_measure", "udm"))
NOT_FIGURES = re.compile(
    r"(id|fid|objectid|n|nr|num|progressivo|prog|riga|cod|codice|code|cap|zip|lat|lon|lng|long|latitudine|longitudine|"
    r"latitude|longitude|x|y|geometry|geom|(cod|codice|code|id|pro|procom|den|sigla)_.*|.*_(cod|codice|code|id)|"
    r"pro_com(_t)?|istat|shape_(area|leng(th)?))"
)
NUMERIC = 0.5
"""Share of the filled cells that must look like attempts at numbers for a column to be one of numbers."""


@dataclass(eq=False)
class Figures:
    """The cells of one thing that is measured, possibly of several years.

    Attributes
    ----------
    label : str
        Heading without the year; of a long table the label.
    cells : DataFrame
        ``row`` (number in the spreadsheet), ``column`` (position), ``place`` (code as found), ``year``, ``cell``,
        ``percent`` (the cell is formatted as a percentage).
    unit : str
        As the heading or the column of units says it; ``""`` if neither does.
    numbers : Numbers
        Aligned to `cells` once they are read.
    """

    label: str
    cells: pd.DataFrame
    unit: str = ""
    numbers: Numbers = field(default_factory=lambda: read_numbers(pd.Series([], dtype=object)))

    @property
    def first_column(self) -> int:
        """Position of its first column, for problems that concern all of it."""
        return int(self.cells["column"].iloc[0])


def gather_figures(
    table: OwnTable,
    places: pd.Series,
    settings: OwnSettings,
    problems: Problems,
    wanted: list[str] | None,
) -> dict[str, Figures]:
    """Gather the figures of a table, wide or long.

    Parameters
    ----------
    table : OwnTable
    places : Series of str
        Code of each row of the body, missing where it is left out; index: position of the row.
    settings : OwnSettings
    problems : Problems
    wanted : list of str or None
        Labels that the YAML uses; None: every column of numbers.

    Returns
    -------
    dict of str to Figures
        By label, in the order of the table; numbers not yet read.
    """
    year_column = _one(table, settings.year_column, YEARS, problems)
    if year_column is None and settings.year_column is None:
        year_column = _find_years(table)
    label_column = _one(table, settings.indicator_column, LABELS, problems)
    value_column = _one(table, settings.value_column, VALUES, problems)
    kept = places.dropna().index.to_numpy()
    years = _years(table, year_column, kept, settings, problems)
    if label_column is not None and value_column is not None:
        found = _long(table, places, kept, years, label_column, value_column)
        there = {normalise(label) for label in found}
        for label in wanted or ():
            if normalise(label) not in there:
                near = difflib.get_close_matches(label, found, n=1, cutoff=0.4)
                problems.add(
                    table.file, "unknown_heading", table.place(label_column), sheet=table.sheet,
                    wanted=label, found=examples(list(found), 12), near=near[0] if near else "–",
                )  # fmt: skip
        return found
    roles = {*table.places.values(), year_column}
    if wanted is not None:
        chosen = _named_columns(table, wanted, roles, problems)
    else:
        chosen = _numeric_columns(table, kept, roles, problems)
    by_label: dict[str, list[pd.DataFrame]] = {}
    units: dict[str, str] = {}
    for label, position in chosen:
        heading = table.headings[position]
        own_year = year_in(heading)
        cells = pd.DataFrame(
            {
                "row": [table.rows[i] for i in kept],
                "column": position,
                "place": places.loc[kept].to_numpy(),
                "year": years if own_year is None else own_year,
                "cell": pd.Series([table.cells[i][position] for i in kept], dtype=object),
                "percent": [(table.rows[i], position) in table.percent for i in kept],
            }
        )
        by_label.setdefault(label, []).append(cells)
        units.setdefault(label, read_unit(heading))
    return {
        label: Figures(label, pd.concat(parts, ignore_index=True), units[label])
        for label, parts in by_label.items()
    }


def _one(table: OwnTable, named: str | None, known: Iterable[str], problems: Problems) -> int | None:
    """Return the column that the YAML names, or that is known by its heading."""
    if named is None:
        return table.find(known)
    found = find_column(table, named, problems)
    return found[0] if found else None


def _find_years(table: OwnTable) -> int | None:
    """Return the first column whose heading begins like one of years and that holds nothing else."""
    for position, heading in enumerate(table.headings):
        if re.match("(anno|year)_", normalise(heading)):
            filled = [cell for cell in table.column(position) if not is_missing(cell)]
            if filled and all(read_year(cell) for cell in filled):
                return position
    return None


def find_column(table: OwnTable, wanted: str, problems: Problems, *, several: bool = False) -> list[int]:
    """Find the columns of a heading that the YAML names; note if there is none, or more than one."""
    found = table.find_named(wanted)
    if not found and several:
        found = [
            i for i, h in enumerate(table.headings) if h and normalise(without_year(h)) == normalise(wanted)
        ]
        return found or _absent(table, wanted, problems)
    if not found:
        return _absent(table, wanted, problems)
    if len(found) > 1:
        letters = ", ".join(table.place(i).letter for i in found)
        problems.add(table.file, "repeated_heading", table.place(found[0]), letters=letters)
        return []
    return found


def _absent(table: OwnTable, wanted: str, problems: Problems) -> list[int]:
    there = [heading for heading in table.headings if heading]
    near = difflib.get_close_matches(wanted, there, n=1, cutoff=0.4)
    problems.add(
        table.file, "unknown_heading", wanted=wanted, found=examples(there, 12), near=near[0] if near else "–"
    )
    return []


def _years(
    table: OwnTable, column: int | None, kept: np.ndarray, settings: OwnSettings, problems: Problems
) -> list[str]:
    """Return the year of each row: its own, that of the YAML, or that of the title."""
    if column is None:
        titled = year_in(table.title) if settings.year is None else None
        if titled:
            problems.add(table.file, "year_from_title", sheet=table.sheet, year=titled)
        return [settings.year or titled or NO_YEAR] * len(kept)
    years = []
    for i in kept:
        cell = table.cells[i][column]
        year = read_year(cell)
        if year is None:
            problems.add(table.file, "year_unclear", table.place(column, table.rows[i]), cell, table.sheet)
        years.append(year or NO_YEAR)
    return years


def _long(
    table: OwnTable, places: pd.Series, kept: np.ndarray, years: list[str], label_column: int, column: int
) -> dict[str, Figures]:
    unit_column = table.find(UNITS)
    cells = pd.DataFrame(
        {
            "row": [table.rows[i] for i in kept],
            "column": column,
            "place": places.loc[kept].to_numpy(),
            "year": years,
            "cell": pd.Series([table.cells[i][column] for i in kept], dtype=object),
            "percent": [(table.rows[i], column) in table.percent for i in kept],
            "label": [cell_text(table.cells[i][label_column]).strip() for i in kept],
            "unit": ["" if unit_column is None else cell_text(table.cells[i][unit_column]) for i in kept],
        }
    )
    found = {}
    for label, part in cells[cells["label"] != ""].groupby("label", sort=False):
        units = set(part["unit"]) - {""}
        unit = units.pop() if len(units) == 1 else read_unit(str(label))
        found[str(label)] = Figures(
            str(label), part.drop(columns=["label", "unit"]).reset_index(drop=True), unit
        )
    return found


def _named_columns(
    table: OwnTable, wanted: list[str], roles: set[int | None], problems: Problems
) -> list[tuple[str, int]]:
    chosen = []
    for label in dict.fromkeys(wanted):
        chosen += [(label, i) for i in find_column(table, label, problems, several=True)]
    used = {i for _, i in chosen} | roles
    unused = [name for i, name in enumerate(table.headings) if name and i not in used]
    if unused:
        problems.add(table.file, "unused_columns", sheet=table.sheet, found=examples(unused, 20))
    return chosen


def _numeric_columns(
    table: OwnTable, kept: np.ndarray, roles: set[int | None], problems: Problems
) -> list[tuple[str, int]]:
    """Return the columns of numbers with their labels; several years of one thing share a label."""
    chosen: list[tuple[str, int]] = []
    for position, heading in enumerate(table.headings):
        if position in roles or NOT_FIGURES.fullmatch(normalise(heading)):
            continue
        filled = [cell for i in kept if not is_missing(cell := table.cells[i][position])]
        if not filled:
            if heading:
                problems.add(table.file, "no_value", table.place(position), sheet=table.sheet)
            continue
        numeric = sum(map(is_numeric, filled))
        if not numeric or sum(map(is_meant_as_number, filled)) < NUMERIC * len(filled):
            if heading:
                kind = "partly_text_column" if numeric else "text_column"
                problems.add(table.file, kind, table.place(position), sheet=table.sheet, n=numeric)
            continue
        if not heading:
            problems.add(table.file, "no_heading", table.place(position), sheet=table.sheet)
            continue
        bare = without_year(heading) if year_in(heading) else heading
        chosen.append((bare or without_year(table.title) or table.file.rpartition(".")[0], position))
    seen: dict[tuple[str, str | None], int] = {}
    for label, position in chosen:
        key = normalise(label), year_in(table.headings[position])
        if key in seen:
            letters = f"{table.place(seen[key]).letter}, {table.place(position).letter}"
            problems.add(table.file, "repeated_heading", table.place(position), letters=letters)
        seen.setdefault(key, position)
    return chosen


def read_figures(
    table: OwnTable, figures: dict[str, Figures], settings: OwnSettings, problems: Problems
) -> None:
    """Read the cells of all figures as numbers; what is none is noted with its row and column.

    A column in which nothing tells thousands from decimals is read as the other columns of the same file prove.
    """
    for item in figures.values():
        item.numbers = read_numbers(item.cells["cell"], settings.decimal, settings.missing)
    proved = {item.numbers.decimal for item in figures.values()} - {None}
    for item in figures.values():
        unclear = [fault[0] for fault in item.numbers.faults if fault[1] == "ambiguous_number"]
        if unclear and item.numbers.decimal is None and len(proved) == 1:
            (decimal,) = proved
            item.numbers = read_numbers(item.cells["cell"], decimal, settings.missing)
            example = str(item.cells["cell"].iloc[unclear[0]])
            place = table.place(item.first_column, int(item.cells["row"].iloc[unclear[0]]))
            problems.add(
                table.file, "format_from_file", place, example, table.sheet,
                example=example, reading=_reading(item.numbers.values[unclear[0]], decimal),
            )  # fmt: skip
        _note_numbers(table, item, problems)


def _reading(value: float, decimal: str | None) -> str:
    text = f"{value:.10g}"
    return text.replace(".", ",") if decimal == COMMA else text


def _note_numbers(table: OwnTable, item: Figures, problems: Problems) -> None:
    numbers, cells = item.numbers, item.cells
    for i, kind, values in numbers.faults:
        place = table.place(int(cells["column"].iloc[i]), int(cells["row"].iloc[i]))
        problems.add(table.file, kind, place, _shown(cells["cell"].iloc[i]), table.sheet, **values)
    if numbers.evidence:
        unclear, proof, decimal = numbers.evidence
        problems.add(
            table.file,
            "format_from_column",
            table.place(int(cells["column"].iloc[unclear]), int(cells["row"].iloc[unclear])),
            cells["cell"].iloc[unclear],
            table.sheet,
            example=str(cells["cell"].iloc[unclear]),
            reading=_reading(numbers.values[unclear], decimal),
            row=str(cells["row"].iloc[proof]),
            evidence=str(cells["cell"].iloc[proof]),
        )
    if numbers.missing:
        marks = ", ".join(sorted(f"«{mark}»" for mark in numbers.missing if mark)) or "–"
        problems.add(
            table.file, "missing_marks", Place(column=item.label, letter=table.place(item.first_column).letter),
            sheet=table.sheet, n=sum(numbers.missing.values()), found=marks,
        )  # fmt: skip


def _shown(cell: object) -> str:
    return str(cell)[:10] if hasattr(cell, "isoformat") else str(cell)
