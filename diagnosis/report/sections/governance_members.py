"""Who is in which area: all members, those that might as well be elsewhere, those always together."""

from __future__ import annotations

import pandas as pd

from diagnosis.report.document import Block, Items, Prose
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

MOST_GROUPS = 12
MOST_NAMED = 4
"""Members of the city's area that the first page names."""
AWAY = "*"
NEAR = 50.0
"""Metres between municipalities that touch: simplified borders leave gaps."""


def list_members(result: Diagnosis, words: Words) -> list[Block]:
    """List the municipalities of every area shown in full, the centre first; single ones together."""
    areas, summary = result.table("governance_areas"), result.table("governance_summary")
    shown = areas[areas["shown"]]
    lines, single = [], []
    for area, members in shown.groupby("area"):
        centre = summary.at[area, "centre"]
        ordered = members.sort_values("name", kind="stable")
        ordered = pd.concat([ordered[ordered.index == centre], ordered[ordered.index != centre]])
        names = [
            _mark(name, here) for name, here in zip(ordered["name"], ordered["in_territory"], strict=True)
        ]
        if len(names) == 1:
            single += names
        else:
            lines.append(f"{summary.at[area, 'name']}: {', '.join(names)}")
    if single:
        lines.append(words("joint_listed_single", n=len(single), names=", ".join(single)))
    key = "joint_listed" if shown["in_territory"].all() else "joint_listed_mark"
    return [Prose(words(key)), Items(tuple(lines))]


def _mark(name: str, here: bool) -> str:
    return str(name) if here else f"{name}{AWAY}"


def tell_open(result: Diagnosis, words: Words) -> list[Block]:
    """Name the municipalities whose area is a matter of choice: only the interaction speaks against a move."""
    reasons = result.table("governance_reasons")
    chosen = reasons[reasons["open_choice"].astype(bool)].sort_values("name", kind="stable")
    if chosen.empty:
        return []
    names = [
        words("joint_open_one", name=name, second=second)
        for name, second in zip(chosen["name"], chosen["second_name"], strict=True)
    ]
    return [Prose(words("joint_open", n=len(names), names=words.join(names)))]


def list_together(result: Diagnosis, words: Words) -> list[Block]:
    """List the groups of municipalities that share an area whatever the function, the largest first."""
    facts = result.facts["governance"]
    groups = facts["together"]
    if not groups or facts["functions"] < 2:
        return []
    lines = [words.join(names) for names in groups[:MOST_GROUPS]]
    if len(groups) > MOST_GROUPS:
        lines.append(words("joint_together_more", n=len(groups) - MOST_GROUPS))
    return [Prose(words("joint_together", n=len(groups), f=facts["functions"])), Items(tuple(lines))]


def tell_city_area(result: Diagnosis, words: Words) -> str:
    """Say on the first page how large the city's area is, and who of it stays with the centre in every function."""
    facts, areas = result.facts["governance"], result.table("governance_areas")
    members = areas[areas["area"] == facts["city_area"]]
    others = members[members.index != result.table("governance_summary").at[facts["city_area"], "centre"]]
    core = sorted(others.loc[others["core"].astype(bool), "name"])
    form = "same" if set(members.index) == _find_work_area(result) else "area"
    values = {
        "function": facts["name"][words.language],
        "area": words(f"short_joint_{form}", n=len(members)),
        "m": facts["functions"],
    }
    if len(core) == len(others):
        return words("short_joint_all", **values)
    values["centre"] = facts["city_centre"]
    if not core:
        return words("short_joint_none", **values)
    names = f" ({words.join(core)})" if len(core) <= MOST_NAMED else ""
    return words("short_joint", core=len(core), names=names, **values)


def _find_work_area(result: Diagnosis) -> set[str]:
    """Find the municipalities of the labour market area of the city; none where there is none."""
    own = result.facts["areas"]["city_area"] if result.has("areas") else None
    if own is None:
        return set()
    labels = result.table("areas")["functional"]
    return set(labels.index[labels == own])


def cross_the_sea(result: Diagnosis) -> bool:
    """Whether an area shown has members that do not touch the others: a link by sea joins them."""
    import shapely
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    areas = result.table("governance_areas")
    shown = areas.loc[areas["shown"], "area"]
    shapes = result.table("governance_map")["geometry"].reindex(shown.index).to_numpy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=NEAR)
    same = shown.to_numpy()[one] == shown.to_numpy()[other]
    links = coo_array((same[same], (one[same], other[same])), shape=(len(shown), len(shown)))
    pieces, _ = connected_components(links, directed=False)
    return pieces > shown.nunique()
