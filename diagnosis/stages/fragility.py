"""Stage *fragility*: the reconstructed fragility index, and where scores of municipalities are alike side by side."""

from __future__ import annotations

from typing import Any

import pandas as pd

from diagnosis.national.fragility import DECILES
from diagnosis.national.shared import COUNTRY, National
from diagnosis.networks.spatial_clusters import ALIKE, ISLANDS, LEVEL
from diagnosis.stages.context import around
from diagnosis.territory import Territory

MOST_FRAGILE = DECILES - 1
"""First of the two deciles that ISTAT, too, calls the most fragile."""
CLUSTERS = (*ALIKE, *ISLANDS)


def assess_fragility(
    territory: Territory, national: National
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Stage *fragility*: index and deciles of the municipalities, and the local clusters in and around the territory.

    Returns
    -------
    tables, facts
        The tables of the stage (see :class:`diagnosis.result.Diagnosis`). `fragility` and `fragility_groups` are empty
        where too few components are at hand. Facts: `components` and `stand_ins` (numbers of the components), `city`
        (its decile, with that of both ends of its interval; None without an index), `most_fragile` (municipalities,
        and their share of the residents, in deciles 9 and 10; `of` those with an index), `clear` (measures with
        clusters within the territory).
    """
    found, structure = national.fragility(), national.spatial_structure()
    city, country = territory.city, territory.country
    names = country.municipalities["name"]
    values = found["values"]
    own = values.loc[values.index.isin(territory.codes)].reindex(territory.codes if len(values) else [])
    own = own.rename_axis("code")
    own.insert(0, "name", names.reindex(own.index))
    members = {"territory": territory.province, "region": f"R{territory.region}", "country": COUNTRY}
    rows = {
        name: found["groups"].loc[group] for name, group in members.items() if group in found["groups"].index
    }
    groups = pd.DataFrame(
        rows.values(), index=pd.Index(list(rows), name="group"), columns=found["groups"].columns
    )
    clusters = _near(structure["clusters"], territory)
    clusters.insert(2, "name", clusters["code"].map(names))
    inside = clusters[clusters["in_territory"]]
    moran = structure["moran"].copy()
    counted = inside.groupby("indicator")["cluster"].value_counts().unstack(fill_value=0)
    for kind in CLUSTERS:
        moran[f"{kind}_inside"] = (
            counted[kind].reindex(moran.index).fillna(0).astype(int) if kind in counted else 0
        )
    some = moran[[f"{kind}_inside" for kind in CLUSTERS]].sum(axis=1) > 0
    used = found["components"][found["components"]["used"]]
    tables = {
        "fragility": own,
        "fragility_groups": groups,
        "fragility_components": found["components"],
        "spatial_clusters": clusters.reset_index(drop=True),
        "spatial_structure": moran,
    }
    facts = {
        "components": [int(number) for number in used.index],
        "stand_ins": [int(number) for number in used.index[used["likeness"] == "stand_in"]],
        "city": _describe(own.loc[city.code]) if city.code in own.index else None,
        "most_fragile": _count_most_fragile(own, country.residents),
        "clear": [str(name) for name in moran.index[some & (moran["p"] < LEVEL)]],
        "tested": bool(moran["moran"].notna().any()),
    }
    return tables, facts


def _near(clusters: pd.DataFrame, territory: Territory) -> pd.DataFrame:
    """Return the clusters of the territory and of the municipalities around it."""
    near = around(territory.country.municipalities, territory.codes).index
    kept = clusters[clusters["code"].isin(territory.codes.union(near))]
    return kept.assign(in_territory=kept["code"].isin(territory.codes))


def _describe(row: pd.Series) -> dict[str, float] | None:
    if pd.isna(row["decile"]):
        return None
    return {name: float(row[name]) for name in ("score", "decile", "decile_lower", "decile_upper")}


def _count_most_fragile(own: pd.DataFrame, residents: pd.Series) -> dict[str, Any]:
    known = own.index[own["decile"].notna()]
    worst = own.index[own["decile"] >= MOST_FRAGILE]
    people = residents.reindex(known).sum()
    return {
        "municipalities": len(worst),
        "of": len(known),
        "residents": float(residents.reindex(worst).sum() / people) if people else None,
    }
