"""Strengths and weaknesses by rule: which indicators put the city or its province in the best or worst fifth."""

from __future__ import annotations

import math

import pandas as pd

from diagnosis.catalogue import Catalogue

FIFTH = 0.2
PER_DOMAIN = 2
AT_MOST = 5
FEWEST_TO_COMPARE = 10
MOST_TIED = 1 / 3
COLUMNS = [
    "indicator",
    "level",
    "domain",
    "value",
    "reference",
    "position",
    "tied",
    "of",
    "share_worse",
    "kind",
]


def positions(values: pd.DataFrame, unit: str, directions: pd.Series) -> pd.DataFrame:
    """Place one unit among the others, indicator by indicator.

    Parameters
    ----------
    values : DataFrame, units x indicators
        The unit itself and those it is compared with.
    unit : str
        Row of `values` to place.
    directions : Series, indicator -> ``"positive"`` or ``"negative"``
        Indicators not named, or neutral, are left out.

    Returns
    -------
    DataFrame
        Index indicator; `position` (1 = best; equal values share the best place), `tied` (other units with the
        same value), `of` (units with a value), `share_worse` (share of the other units that are worse, ties count
        half). Indicators the unit has no value of, those with fewer than 10 units, and those on which more than a
        third of the others are tied with it are left out: a place among equals says nothing.
    """
    names = [name for name in values.columns if directions.get(name) in {"positive", "negative"}]
    oriented = values[names].astype(float) * directions[names].map({"positive": 1.0, "negative": -1.0})
    own = oriented.loc[unit]
    count = oriented.notna().sum()
    better = (oriented > own).sum()
    tied = (oriented == own).sum() - 1
    others = (count - 1).where(count > 1)
    found = pd.DataFrame(
        {
            "position": (better + 1).astype(float),
            "tied": tied,
            "of": count,
            "share_worse": 1 - (better + tied / 2) / others,
        }
    )
    kept = own.notna() & (count >= FEWEST_TO_COMPARE) & (tied <= MOST_TIED * others)
    return found[kept].rename_axis("indicator")


def find(
    values: pd.DataFrame, unit: str, reference: pd.Series, catalogue: Catalogue, level: str
) -> pd.DataFrame:
    """List the indicators that put a unit in the best or the worst fifth of those it is compared with.

    A strength is also better than the country, a weakness worse. What the place was given, such as little ground
    exposed to floods, is nobody's strength; it can be a weakness. Indicators whose values grow with the size of the
    unit, or on which many are tied, are not compared.

    Parameters
    ----------
    values : DataFrame, units x indicators
        The unit and those it is compared with (the capitals, the provinces).
    unit : str
        The city's code, or its province's.
    reference : Series
        The country's own value of each indicator.
    catalogue : Catalogue
        Gives the direction; neutral indicators say nothing about better or worse.
    level : str
        ``"municipality"`` or ``"province"``: shown beside each finding, the two are never mixed.

    Returns
    -------
    DataFrame
        One row a finding, most extreme first, columns as :data:`COLUMNS`; `kind` is strength or weakness.
    """
    known = [
        name
        for name in values
        if name in catalogue and not catalogue[name].for_groups and catalogue[name].comparable
    ]
    directions = pd.Series({name: catalogue[name].direction for name in known}, dtype="object")
    found = positions(values[known], unit, directions).reset_index()
    items = [catalogue[name] for name in found["indicator"]]
    found["value"] = [float(values.at[unit, name]) for name in found["indicator"]]
    found["reference"] = [float(reference.get(name, math.nan)) for name in found["indicator"]]
    gap = (found["value"] - found["reference"]) * [
        1 if item.direction == "positive" else -1 for item in items
    ]
    given = [item.endowment for item in items]
    found["kind"] = None
    strong = (found["share_worse"] >= 1 - FIFTH) & ~(gap <= 0)
    found.loc[strong & ~pd.Series(given, dtype=bool), "kind"] = "strength"
    found.loc[(found["share_worse"] <= FIFTH) & ~(gap >= 0), "kind"] = "weakness"
    found["level"] = level
    found["domain"] = [item.domain for item in items]
    found = found[found["kind"].notna()]
    return by_extremity(found[COLUMNS])


def by_extremity(found: pd.DataFrame) -> pd.DataFrame:
    """Put the findings farthest from the middle first; equal ones stay in their order."""
    middling = -(found["share_worse"].astype(float) - 0.5).abs().to_numpy()
    return found.iloc[middling.argsort(kind="stable")].reset_index(drop=True)


def choose(found: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Choose the findings shown on the first page: the most extreme, at most two a domain and five in all."""
    chosen = found[found["kind"] == kind]
    chosen = chosen[chosen.groupby("domain").cumcount() < PER_DOMAIN]
    return chosen.head(AT_MOST)
