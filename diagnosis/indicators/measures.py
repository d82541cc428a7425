"""What a municipal indicator is made of, and the units (municipalities or groups of them) it is computed for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples

Tables = Mapping[str, pd.DataFrame | None]
Counts = dict[str, np.ndarray]


@dataclass(frozen=True)
class Measure:
    """One municipal indicator: `factor` x `numerator` / `denominator`, both counts that are summed over a group.

    Parameters
    ----------
    tables : tuple of str
        Tables it needs; without one of them it is missing everywhere.
    numerator : str
        Name of a count; of the text column when `kind` is ``"category"``.
    denominator : str, optional
        Name of a count; without it the sum of the numerator is the indicator.
    factor : float
        100 for percentages and "per 100" ratios.
    kind : {"sum", "mean", "category"}
        ``"sum"``: counts are summed over the members of a group, then divided. ``"mean"``: the numerator itself for a
        municipality, its mean weighted by the denominator for a group. ``"category"``: a text, missing for groups.
    additive : bool
        False when the counts of a group are not the sums of those of its members, because flows between members
        become internal: the counts then come by unit, not by municipality.
    columns : tuple of (str, str)
        Optional columns (table, column) it needs.
    """

    tables: tuple[str, ...]
    numerator: str
    denominator: str | None = None
    factor: float = 100.0
    kind: Literal["sum", "mean", "category"] = "sum"
    additive: bool = True
    columns: tuple[tuple[str, str], ...] = ()

    def missing_source(self, tables: Tables) -> str | None:
        """Return the reason why nothing can be computed from `tables`, or None."""
        found = {name: tables.get(name) for name in self.tables}
        if any(table is None for table in found.values()):
            return "source_missing"
        if any(name not in getattr(found[table], "columns", ()) for table, name in self.columns):
            return "column_missing"
        return None


@dataclass(frozen=True)
class Units:
    """The municipalities of a country and the unit each belongs to: itself, or its group.

    Attributes
    ----------
    codes : Index
        Municipality codes.
    index : Index
        Ids of the units: the codes, or the group ids in sorted order.
    position : ndarray of int, one a code
        Position of the municipality's unit in `index`; -1 for a municipality of no group.
    grouped : bool
        Whether the units are groups.
    """

    codes: pd.Index
    index: pd.Index
    position: np.ndarray
    grouped: bool

    @classmethod
    def of(cls, tables: Tables, groups: pd.Series | None = None) -> Units:
        """Build the units of a country.

        Parameters
        ----------
        tables : mapping of str to DataFrame
            With ``municipalities``, whose index names every municipality.
        groups : Series, code -> group id, optional
            One group a municipality at most; a municipality that is not named, or whose group is missing, is in none.

        Raises
        ------
        diagnosis.errors.InputError
            The municipalities are absent, or a code of `groups` is repeated or unknown.
        """
        municipalities = tables.get("municipalities")
        if municipalities is None:
            raise InputError("The table municipalities is needed", f"found {examples(sorted(tables), 12)}")
        codes = municipalities.index
        if groups is None:
            return cls(codes, pd.Index(codes, name="code"), np.arange(len(codes)), grouped=False)
        if groups.index.has_duplicates:
            repeated = groups.index[groups.index.duplicated()].unique()
            raise InputError(
                "groups: a municipality belongs to one group only",
                f"more than one is given for {examples(map(str, repeated))}",
                "Compute one grouping at a time",
            )
        unknown = groups.index.difference(codes)
        if len(unknown):
            raise InputError(
                "groups: every code must be a municipality of the country",
                f"{len(unknown)} are not: {examples(map(str, unknown))}",
                "Correct the codes, or bring them to the vintage of the country",
            )
        index = pd.Index(groups.dropna().unique(), name="group").sort_values()
        return cls(codes, index, index.get_indexer(groups.reindex(codes)), grouped=True)

    def sum(self, values: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Sum a value of municipalities over the units, leaving out those that are not valid."""
        kept = valid & (self.position >= 0)
        return add_up(self.position[kept], values[kept], len(self.index))

    def members(self, valid: np.ndarray) -> np.ndarray:
        """Count the valid municipalities of each unit."""
        return self.sum(np.ones(len(self.codes)), valid)


@dataclass(frozen=True)
class Evaluation:
    """An indicator by unit and what explains its gaps.

    Attributes
    ----------
    values : ndarray, one a unit
        Numbers, or text for a category.
    divided_by : ndarray of float, one a unit
        Denominator; 1 where there is none.
    with_data : ndarray, one a unit
        Number of municipalities of the unit whose data entered.
    """

    values: np.ndarray
    divided_by: np.ndarray
    with_data: np.ndarray


def evaluate(measure: Measure, counts: Counts, units: Units) -> Evaluation:
    """Compute one indicator for every unit; members without data are left out of both sums.

    Parameters
    ----------
    measure : Measure
        The indicator.
    counts : dict of str to ndarray
        By municipality for additive measures, by unit for the others (then ``flow_members`` too), missing where
        there is no data.
    units : Units
        Municipalities or groups.
    """
    numerator = counts[measure.numerator]
    number = len(units.index)
    if measure.kind == "category":
        if units.grouped:
            return Evaluation(np.full(number, np.nan, dtype=object), np.ones(number), np.zeros(number))
        return Evaluation(numerator, np.ones(number), pd.notna(numerator).astype(float))
    if measure.kind == "mean" and not units.grouped:
        return Evaluation(numerator, np.ones(number), np.isfinite(numerator).astype(float))
    weights = counts[measure.denominator] if measure.denominator else np.ones(len(numerator))
    if measure.kind == "mean":
        numerator = numerator * weights
    if measure.additive:
        valid = np.isfinite(numerator) & np.isfinite(weights)
        with_data = units.members(valid)
        numerator = units.sum(numerator, valid)
        divided_by = units.sum(weights, valid) if measure.denominator else np.ones(number)
    else:
        with_data, divided_by = counts["flow_members"], weights
    usable = (with_data > 0) & (divided_by > 0)
    values = np.full(number, np.nan)
    factor = measure.factor if measure.denominator else 1.0
    values[usable] = factor * numerator[usable] / divided_by[usable]
    return Evaluation(values, divided_by, with_data)


def add_up(position: np.ndarray, values: np.ndarray, number: int) -> np.ndarray:
    """Sum values by position, from 0 to `number` - 1; always floats, also of nothing."""
    return np.bincount(position, weights=values, minlength=number).astype(float)


def column(tables: Tables, table: str, name: str, codes: pd.Index) -> np.ndarray:
    """Return a numeric column aligned to `codes`; all missing where the table or the column is absent."""
    frame = tables.get(table)
    if frame is None or name not in frame.columns:
        return np.full(len(codes), np.nan)
    return frame[name].reindex(codes).to_numpy(dtype=float)
