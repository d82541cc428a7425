"""What the functions of this package ask of their input: numbers, directions, domains, indicators that vary."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples, unknown_name

DIRECTIONS = ("negative", "positive")
SCORE = "score"
"""Name of the only domain when indicators are not grouped, and of a series of scores that has none."""


def check_values(values: pd.DataFrame, name: str = "values") -> pd.DataFrame:
    """Return the table as floats, or say which columns are not finite numbers under unique names."""
    if not isinstance(values, pd.DataFrame):
        raise InputError(f"{name} must be a pandas.DataFrame", f"{type(values).__name__} was given")
    if values.shape[1] == 0:
        raise InputError(f"{name}: at least one indicator column is needed", "there is none")
    if not values.columns.is_unique:
        repeated = values.columns[values.columns.duplicated()]
        raise InputError(f"{name}: column names must be unique", f"repeated: {examples(repeated)}")
    real = [pd.api.types.is_numeric_dtype(kind) and kind.kind != "c" for kind in values.dtypes]
    if not all(real):
        raise InputError(
            f"{name}: every column must hold numbers",
            f"not numeric: {examples(values.columns[~np.array(real)])}",
            "Convert them, or leave them out of the index",
        )
    table = values.astype(float)
    infinite = table.columns[np.isinf(table.to_numpy()).any(axis=0)]
    if len(infinite):
        raise InputError(f"{name}: numbers must be finite or missing", f"infinite in {examples(infinite)}")
    return table


def check_entries(given: pd.Series | Mapping, name: str) -> dict:
    """Return what is given by indicator (or unit, domain, ...) as a dictionary; no label may stand twice."""
    if not isinstance(given, pd.Series | Mapping):
        raise InputError(f"{name} must be a Series or a mapping", f"{type(given).__name__} was given")
    if isinstance(given, pd.Series) and not given.index.is_unique:
        repeated = given.index[given.index.duplicated()].unique()
        raise InputError(f"{name} must hold every label once", f"repeated: {examples(repeated)}")
    return dict(given)


def check_directions(directions: pd.Series | Mapping, indicators: pd.Index) -> pd.Series:
    """Return the direction of each indicator in order; entries for other indicators are ignored."""
    given = check_entries(directions, "directions")
    absent = [indicator for indicator in indicators if indicator not in given]
    if absent:
        raise InputError(
            "every indicator of the index needs a direction",
            f"none for {examples(absent)}",
            "Say 'positive' or 'negative', or leave the indicator out",
        )
    for indicator in indicators:
        if given[indicator] not in DIRECTIONS:
            raise unknown_name(
                f"direction of {indicator!r}",
                given[indicator],
                DIRECTIONS,
                "Choose 'positive' or 'negative'; an indicator without a direction cannot enter an index",
            )
    return pd.Series([given[indicator] for indicator in indicators], index=indicators, name="direction")


def direction_signs(directions: pd.Series | Mapping, indicators: pd.Index) -> np.ndarray:
    """Return 1 for each positive indicator and -1 for each negative one, in order."""
    return np.where(check_directions(directions, indicators) == "positive", 1.0, -1.0)


def read_numbers(given: pd.Series | Mapping, indicators: pd.Index, name: str) -> pd.Series:
    """Return one number an indicator in order, missing where there is none; other entries are ignored."""
    entries = check_entries(given, name)
    found = pd.Series([entries.get(indicator) for indicator in indicators], index=indicators, dtype=object)
    return pd.to_numeric(found, errors="coerce").astype(float)


def check_numbers(
    given: pd.Series | Mapping, indicators: pd.Index, name: str, what: str, advice: str = ""
) -> pd.Series:
    """Return one finite number an indicator in order; `what` says in an error what the number is."""
    numbers = read_numbers(given, indicators, name)
    absent = indicators[~np.isfinite(numbers)]
    if len(absent):
        raise InputError(f"every indicator needs a finite {what}", f"none for {examples(absent)}", advice)
    return numbers


def group_indicators(groups: pd.Series | Mapping | None, indicators: pd.Index) -> dict[object, list]:
    """Return the indicators of each domain, in order of first appearance; one domain of all without groups."""
    if groups is None:
        return {SCORE: list(indicators)}
    given = check_entries(groups, "groups")
    absent = [indicator for indicator in indicators if pd.isna(given.get(indicator))]
    if absent:
        raise InputError(
            "every indicator must belong to a domain",
            f"none for {examples(absent)}",
            "Add them to groups, or leave their columns out",
        )
    domains: dict[object, list] = {}
    for indicator in indicators:
        domains.setdefault(given[indicator], []).append(indicator)
    return domains


def is_constant(lower: pd.Series, upper: pd.Series) -> pd.Series:
    """Say which indicators do not vary between their lowest and highest value; not those without a value."""
    # rounding noise is no variation: it would be blown up to the full width of the scale
    return (upper - lower) <= 1e-12 * np.maximum(lower.abs(), upper.abs())


def refuse_empty(table: pd.DataFrame) -> None:
    """Raise where an indicator has no value."""
    empty = table.columns[table.isna().all(axis=0)]
    if len(empty):
        raise InputError(
            "an indicator of an index needs at least one value",
            f"no value in {examples(empty)}",
            "Leave it out of the index",
        )


def refuse_constant(table: pd.DataFrame, advice: str = "Leave it out of the index") -> None:
    """Raise where an indicator has the same value everywhere."""
    constant = table.columns[is_constant(table.min(), table.max())]
    if len(constant):
        raise InputError(
            "an indicator of an index must vary between units",
            f"the same value everywhere: {examples(constant)}",
            advice,
        )


def check_variation(table: pd.DataFrame) -> None:
    """Raise where an indicator has no value, or the same one everywhere."""
    refuse_empty(table)
    refuse_constant(table)


def complete_rows(table: pd.DataFrame, least: int) -> pd.DataFrame:
    """Return the units without missing values, of which there must be at least `least`."""
    rows = table.dropna()
    if len(rows) < least:
        raise InputError(
            f"at least {least} units with every indicator are needed",
            f"{len(rows)} of {len(table)} have them",
            "Impute the missing values, or leave out the indicators that lack most",
        )
    return rows


def check_unit(unit: object, units: pd.Index) -> None:
    """Raise where the unit is not among the units."""
    if unit not in units:
        raise unknown_name("unit", unit, [str(name) for name in units])
