"""Declared income, from personal income tax returns (IRPEF) by municipality of tax residence.

Incomes are those of single taxpayers, not of households, and only what is declared. No measure of inequality is
computed: a Gini coefficient of classes is no ratio of two sums, hence not that of a group from its members, and where
it can be bounded the cells it needs are those most often kept secret.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from diagnosis.indicators.measures import MASKED, Counts, Measure, Tables, Units, column

_NEEDS = ("income",)
_PEOPLE = (*_NEEDS, "population")
READ = (
    "taxpayers",
    "total_income",
    "net_tax",
    "employment_income",
    "pension_income",
    "income_filers",
    "filers_up_to_10000",
)
TOP_CLASSES = ("filers_75000_to_120000", "filers_over_120000")


def _of_publisher(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple(("income", name) for name in names)


MEASURES = {
    "income_per_taxpayer": Measure(_NEEDS, "total_income", "taxpayers", factor=1),
    "income_per_resident": Measure(_PEOPLE, "total_income", "residents", factor=1),
    "taxpayers_per_100_residents": Measure(_PEOPLE, "taxpayers", "residents", chance="rate"),
    "net_tax_share": Measure(_NEEDS, "net_tax", "total_income"),
    "employment_income_share": Measure(
        _NEEDS, "employment_income", "total_income", columns=_of_publisher("employment_income")
    ),
    "pension_income_share": Measure(
        _NEEDS, "pension_income", "total_income", columns=_of_publisher("pension_income")
    ),
    "low_income_share": Measure(
        _NEEDS,
        "filers_up_to_10000",
        "income_filers",
        columns=_of_publisher("income_filers", "filers_up_to_10000"),
        chance="proportion",
    ),
    "high_income_share": Measure(
        _NEEDS,
        "filers_over_75000",
        "income_filers",
        columns=_of_publisher("income_filers", *TOP_CLASSES),
        chance="proportion",
    ),
}


def count(tables: Tables, units: Units, residents: np.ndarray) -> Counts:
    """Read taxpayers and what they declare, by municipality.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``income``, as in :mod:`diagnosis.tables`.
    units : Units
        Names the municipalities.
    residents : ndarray, one a municipality

    Returns
    -------
    dict of str to ndarray
        In taxpayers and euros, missing where the publisher has or tells none; ``<name>_masked`` says where it is
        the latter.
    """
    codes = units.codes
    secret = masked_cells(tables.get("income"), codes)
    counts = {"residents": residents}
    for name in (*READ, *TOP_CLASSES):
        counts[name] = column(tables, "income", name, codes)
        counts[name + MASKED] = secret(name)
    counts["filers_over_75000"] = np.sum([counts[name] for name in TOP_CLASSES], axis=0)
    counts["filers_over_75000" + MASKED] = np.any([counts[name + MASKED] for name in TOP_CLASSES], axis=0)
    return counts


def masked_cells(frame: pd.DataFrame | None, codes: pd.Index) -> Callable[[str], np.ndarray]:
    """Return a function that says which municipalities have a secret cell in a column.

    Parameters
    ----------
    frame : DataFrame or None
        Table whose text column ``masked`` names the secret columns of each row.
    codes : Index
        Municipality codes.

    Returns
    -------
    callable
        From the name of a column to an array of bool, one a municipality.
    """
    if frame is None or "masked" not in frame.columns:
        return lambda name: np.zeros(len(codes), dtype=bool)
    place, patterns = pd.factorize(frame["masked"].reindex(codes))
    named = [set(text.split()) for text in patterns]
    return lambda name: np.array([*(name in names for names in named), False])[place]
