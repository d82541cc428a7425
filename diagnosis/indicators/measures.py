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
Chance = Literal["proportion", "ratio", "rate"]

MASKED, PUBLISHED = "_masked", "_published"
"""Endings of what may come beside a count: by municipality, where its publisher keeps it secret (bool); by unit, the
published total of the area that the unit is the whole of, else missing."""

WITHHELD = "_withheld"
"""Ending of what may come beside a numerator: by unit, why it is not given, a key of
:data:`diagnosis.indicators.gaps.REASONS`, else empty."""


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
    members : str
        When not additive: name of the count, by unit, of the members with data.
    chance : {"proportion", "ratio", "rate"}, optional
        How chance enters the value of a place with few people (see :mod:`diagnosis.indicators.small_numbers`).
        ``"proportion"``: the people of the numerator are part of those of the denominator. ``"ratio"``: nobody is in
        both. ``"rate"``: events or people beside a population that contains some of them only. None: the value does
        not count people one by one (areas, mapped hazards, minutes, classes), or no model of two counts describes
        it (sizes, differences, largest flows, mean age).
    """

    tables: tuple[str, ...]
    numerator: str
    denominator: str | None = None
    factor: float = 100.0
    kind: Literal["sum", "mean", "category"] = "sum"
    additive: bool = True
    columns: tuple[tuple[str, str], ...] = ()
    members: str = "flow_members"
    chance: Chance | None = None

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

    def match(self, areas: np.ndarray) -> np.ndarray:
        """Return the area that each unit is the whole of, None for a unit that is not one area, whole.

        Parameters
        ----------
        areas : ndarray of str, one a municipality
            Area, of a division of the country, the municipality lies in.
        """
        area, names = pd.factorize(areas)
        inside = np.flatnonzero((self.position >= 0) & (area >= 0))
        pairs = np.unique(np.stack([self.position[inside], area[inside]]), axis=1)
        size, whole = self.members(np.ones(len(self.codes), dtype=bool)), np.bincount(area[area >= 0])
        alone = np.bincount(pairs[0], minlength=len(self.index)) == 1
        pairs = pairs[:, alone[pairs[0]] & (size[pairs[0]] == whole[pairs[1]])]
        matched = np.full(len(self.index), None, dtype=object)
        matched[pairs[0]] = names[pairs[1]]
        return matched


@dataclass(frozen=True)
class Evaluation:
    """An indicator by unit and what explains its gaps.

    Attributes
    ----------
    values : ndarray, one a unit
        Numbers, or text for a category.
    numerator : ndarray of float, one a unit
        What is divided, before the factor; missing for a category.
    divided_by : ndarray of float, one a unit
        Denominator; 1 where there is none.
    with_data : ndarray, one a unit
        Number of municipalities of the unit whose data entered.
    masked : ndarray of bool, one a unit
        Whether the value is missing because a publisher keeps a part of it secret.
    """

    values: np.ndarray
    numerator: np.ndarray
    divided_by: np.ndarray
    with_data: np.ndarray
    masked: np.ndarray


def evaluate(measure: Measure, counts: Counts, units: Units) -> Evaluation:
    """Compute one indicator for every unit.

    Members without data are left out of both sums. A member whose data are kept secret is not: the value of its group
    would be that of another set of municipalities, and is missing, unless the total of the group is published.

    Parameters
    ----------
    measure : Measure
        The indicator.
    counts : dict of str to ndarray
        By municipality for additive measures, by unit for the others (then `measure.members` too), missing where
        there is no data; what may come beside a count is said at :data:`MASKED`.
    units : Units
        Municipalities or groups.
    """
    numerator = counts[measure.numerator]
    number = len(units.index)
    nowhere = np.zeros(number, dtype=bool)
    if measure.kind == "category":
        nothing = np.full(number, np.nan)
        if units.grouped:
            # None, which is what missing text is once it has been saved and read back
            text = np.full(number, None, dtype=object)
            return Evaluation(text, nothing, np.ones(number), np.zeros(number), nowhere)
        present = pd.notna(numerator).astype(float)
        return Evaluation(numerator, nothing, np.ones(number), present, nowhere)
    if measure.kind == "mean" and not units.grouped:
        present = np.isfinite(numerator).astype(float)
        return Evaluation(numerator, numerator, np.ones(number), present, nowhere)
    weights = counts[measure.denominator] if measure.denominator else np.ones(len(numerator))
    if measure.kind == "mean":
        numerator = numerator * weights
    masked = nowhere
    if measure.additive:
        valid = np.isfinite(numerator) & np.isfinite(weights)
        with_data = units.members(valid)
        numerator = units.sum(numerator, valid)
        divided_by = units.sum(weights, valid) if measure.denominator else np.ones(number)
        if (secret := _secret(measure, counts, units)).any():
            secret = units.members(secret) > 0
            above, below = _published(measure, counts, units)
            told = secret & np.isfinite(above) & np.isfinite(below) & (measure.kind == "sum")
            masked = secret & ~told
            with_data = np.where(told, units.members(np.ones(len(units.codes), dtype=bool)), with_data)
            numerator = np.where(told, above, np.where(masked, np.nan, numerator))
            divided_by = np.where(told, below, np.where(masked, np.nan, divided_by))
    else:
        with_data, divided_by = counts[measure.members], weights
    usable = (with_data > 0) & (divided_by > 0)
    values = np.full(number, np.nan)
    factor = measure.factor if measure.denominator else 1.0
    values[usable] = factor * numerator[usable] / divided_by[usable]
    return Evaluation(values, numerator, divided_by, with_data, masked)


def _secret(measure: Measure, counts: Counts, units: Units) -> np.ndarray:
    """Say in which municipalities the numerator or the denominator is kept secret."""
    return _masked(measure.numerator, counts, units) | _masked(measure.denominator, counts, units)


def _masked(name: str | None, counts: Counts, units: Units) -> np.ndarray:
    return counts.get(f"{name}{MASKED}", np.zeros(len(units.codes), dtype=bool))


def _published(measure: Measure, counts: Counts, units: Units) -> tuple[np.ndarray, np.ndarray]:
    """Return numerator and denominator of the units whose secret parts are in a published total, else missing."""
    above = _total(measure.numerator, measure.denominator, counts, units)
    if not measure.denominator:
        return above, np.ones(len(units.index))
    return above, _total(measure.denominator, measure.numerator, counts, units)


def _total(name: str, other: str | None, counts: Counts, units: Units) -> np.ndarray:
    """Return the total of a count; from a published one, that of members without the other count is taken off."""
    known, secret = np.isfinite(counts[name]), _masked(name, counts, units)
    published = counts.get(name + PUBLISHED)
    if published is None:
        return np.where(units.members(secret) > 0, np.nan, units.sum(counts[name], known))
    if other is None or other + PUBLISHED in counts:
        return published
    apart = ~np.isfinite(counts[other])
    taken_off = units.sum(counts[name], apart & known)
    return np.where(units.members(apart & secret) > 0, np.nan, published - taken_off)


def add_up(position: np.ndarray, values: np.ndarray, number: int) -> np.ndarray:
    """Sum values by position, from 0 to `number` - 1; always floats, also of nothing."""
    return np.bincount(position, weights=values, minlength=number).astype(float)


def column(tables: Tables, table: str, name: str, codes: pd.Index) -> np.ndarray:
    """Return a numeric column aligned to `codes`; all missing where the table or the column is absent."""
    frame = tables.get(table)
    if frame is None or name not in frame.columns:
        return np.full(len(codes), np.nan)
    return frame[name].reindex(codes).to_numpy(dtype=float)
