"""Reading the figures of a city: beside like municipalities, and how far its province is from the country's score."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from diagnosis.errors import InputError
from diagnosis.national.shared import COUNTRY, National
from diagnosis.territory import Territory

OWN = "own"
"""Name of the comparison group that a city's YAML lists by code."""


def profile_city(territory: Territory, national: National) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Compare the city with groups of municipalities, indicator by indicator.

    Returns
    -------
    DataFrame, dict
        Columns `indicator`, `group` and those of :func:`diagnosis.composite.profile_unit`, for every group of
        :func:`diagnosis.indicators.comparison_groups` that can be made and the city's own; only indicators in which
        better and worse can be said and that do not grow with size. Facts: `group` (the one the report shows) and,
        for ``like``, how it was found.
    """
    from diagnosis.composite import profile_unit
    from diagnosis.indicators import comparison_groups, find_like

    city, tables = territory.city, territory.country.tables
    found = national.indicators()
    items = [
        item
        for item in national.catalogue.select(level="municipality")
        if item.direction != "neutral"
        and item.comparable
        and not item.for_groups
        and not national.is_modelled(item)
    ]
    names = [item.id for item in items]
    listed = not isinstance(city.compare_with, str)
    own = {OWN: city.compare_with} if listed else None
    chosen = OWN if listed else str(city.compare_with)
    wanted = ["like", "region", "province", "capitals", "country", *(own or {})]
    facts: dict[str, Any] = {"group": chosen}
    try:
        like = find_like(tables, city.code)
    except InputError:
        # without its residents nothing says which municipalities are like the city
        wanted.remove("like")
        if chosen == "like":
            facts["group"] = "country"
    else:
        facts |= {
            "step": like.step,
            "classes": list(like.snai_classes),
            "above": like.above,
            "up_to": like.up_to if math.isfinite(like.up_to) else None,
            "enough": like.enough,
        }
    groups = comparison_groups(tables, city.code, own, names=wanted)
    table = profile_unit(
        found["values"][names].astype(float),
        city.code,
        groups,
        found["groups"].loc[COUNTRY, names].astype(float),
        {item.id: item.direction for item in items},
    )
    members = groups[facts["group"]]
    facts["others"] = len(members.drop(city.code, errors="ignore"))
    return table.reset_index(), facts


def reach_country(territory: Territory, national: National) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Find what would have to change for the lowest domain of the province to have the country's score.

    It is arithmetic on the formula of the score: neither a forecast nor the effect of a policy.

    Returns
    -------
    DataFrame, dict
        The table of :class:`diagnosis.composite.SmallestChange`, empty where no domain is below the country.
        Facts: `domain`, `score`, `target`, `reached`, `best_score`; empty likewise.
    """
    from diagnosis.composite import find_smallest_change

    scoring = national.provincial_scoring()
    scores = scoring.score()
    target = scores.loc[COUNTRY]
    own = scores.loc[territory.province].dropna() if territory.province in scores.index else pd.Series()
    below = (own - target.reindex(own.index)).sort_values()
    if not len(below) or below.iloc[0] >= 0:
        return pd.DataFrame(), {}
    domain = str(below.index[0])
    change = find_smallest_change(
        scoring.values,
        territory.province,
        target=float(target[domain]),
        goalposts=scoring.goalposts,
        penalty=scoring.scheme.penalty,
        weights={name: scoring.scheme.weights.get(name, 1.0) for name in scoring.values},
        groups=scoring.domains,
        domain=domain,
        minimum_share=scoring.scheme.minimum_share,
    )
    facts = {
        "domain": domain,
        "score": float(change.score),
        "target": float(change.target),
        "reached": bool(change.reached),
        "best_score": float(change.best_score),
        "rank": int(change.rank),
        "rank_needed": int(change.rank_needed),
    }
    return change.table, facts
