"""The tables of a city's own data: their values by year, and what was found wrong with their files."""

from __future__ import annotations

from diagnosis.tables.contract import Column, Table

OWN_SERIES = Table(
    "own_series",
    "Values of the city's own indicators by municipality and year; a missing value has no row.",
    {"value": Column("number", may_be_missing=False)},
    key=("code", "indicator", "year"),
    indexed=False,
)
"""`year`: 4 digits, two years (``2022/23``), or ``n.d.`` where the file says none."""

OWN_PROBLEMS = Table(
    "own_problems",
    "What was found in the city's own files, in both languages.",
    {
        "file": Column("text", may_be_missing=False),
        "sheet": Column("text", description="sheet of a workbook or layer of a map"),
        "row": Column("text", description="as the spreadsheet counts, its first row being 1"),
        "column": Column("text", description="heading"),
        "letter": Column("text", description="letter of the column in the spreadsheet"),
        "value": Column("text", description="content of the cell, cut if long; never of personal data"),
        "kind": Column("text", may_be_missing=False, description="see diagnosis/sources/own/texts.yml"),
        "severity": Column("text", may_be_missing=False, values=("error", "warning", "note")),
        "problem_it": Column("text", may_be_missing=False),
        "problem_en": Column("text", may_be_missing=False),
        "advice_it": Column("text", may_be_missing=False),
        "advice_en": Column("text", may_be_missing=False),
    },
    key=("number",),
)
