"""Municipal indicators of a whole country: of every municipality and group, and the play of chance around rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from diagnosis.indicators.wellbeing import COUNTRY

if TYPE_CHECKING:
    from diagnosis.territory import Country


def compute_everywhere(country: Country) -> dict[str, Any]:
    """Compute the indicators of every municipality and of every region, province and the country.

    Returns
    -------
    dict
        `values` (municipalities x indicators), `gaps` (code, indicator, reason), `groups` (country, ``R`` +
        region, province x indicators: rates recomputed from counts).
    """
    from diagnosis.indicators import compute, gap_reasons

    tables = country.tables
    municipalities = country.municipalities
    values = compute(tables)
    everything = pd.Series(COUNTRY, index=municipalities.index)
    groupings = (everything, "R" + municipalities["region"], municipalities["province"])
    groups = pd.concat([compute(tables, groups=grouping) for grouping in groupings])
    groups.index.name = "group"
    return {"values": values, "gaps": gap_reasons(values, tables), "groups": groups}


def guard_rates(country: Country) -> dict[str, Any]:
    """Put beside the rates of municipalities the interval chance leaves around them, and their smoothed values.

    Returns
    -------
    dict
        `table`: one row a municipality and indicator; the columns of
        :meth:`diagnosis.indicators.RateIntervals.to_table`, `smoothed` and `own_weight`.
    """
    from diagnosis.indicators import rate_intervals, smooth

    guarded = rate_intervals(country.tables).to_table()
    smoothed = smooth(country.tables)
    keys = pd.MultiIndex.from_frame(guarded[["code", "indicator"]])
    for name, table in (("smoothed", smoothed.smoothed), ("own_weight", smoothed.own_weights)):
        guarded[name] = table.stack().reindex(keys).to_numpy()
    return {"table": guarded}
