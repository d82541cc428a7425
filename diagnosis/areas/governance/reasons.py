"""Why a municipality is in its area: its share of movements, the next area, what a move would break or cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.areas.governance.problem import AreaProblem
from diagnosis.errors import InputError, unknown_name

RULES = ("closest", "only_neighbour", "bound", "breaks_own", "breaks_other", "sum_falls", "sum_rises")
"""What decided: it moves most with its own area; no other area touches it; it is tied or its area is fixed; without it
its own area would break a limit; the other area with it would; all areas together would exchange less; or nothing keeps
it there, and they would exchange more (areas that somebody has changed by hand)."""
LIMITS = (
    "contiguity",
    "min_members",
    "max_members",
    "min_population",
    "validity",
    "cannot_link",
    "max_minutes",
)


def broken_limits(problem: AreaProblem, units: np.ndarray) -> list[str]:
    """Name the limits that an area of units breaks, as in :data:`LIMITS`; an area without units breaks none.

    A fixed area keeps every limit as long as nobody joins it; its own marks are not looked at here.
    """
    from diagnosis.areas.governance.interaction import (
        is_connected,
        judge_sums,
        members_of,
        sums_of,
        within_minutes,
    )

    units = np.asarray(units, dtype=np.int64)
    if not len(units) or (len(units) == 1 and problem.fixed[units[0]]):
        return []
    arrays = problem.arrays
    chosen = np.zeros(problem.n_units, bool)
    chosen[units] = True
    members = members_of(arrays, units)
    inside = np.zeros(len(problem.codes), bool)
    inside[members] = True
    population, live, work, within = sums_of(arrays, members, inside)
    apart = (
        np.intersect1d(
            units, problem.apart_indices[problem.apart_indptr[u] : problem.apart_indptr[u + 1]]
        ).size
        for u in units
    )
    broken = {
        "contiguity": not is_connected(arrays, units, chosen),
        "min_members": len(members) < problem.min_members,
        "max_members": len(members) > problem.max_members,
        "min_population": population < problem.min_population,
        "validity": judge_sums(arrays, live, work, within) < 1.0,
        "cannot_link": any(apart),
        "max_minutes": not within_minutes(arrays, members),
    }
    return [name for name in LIMITS if broken[name]]


def exchange_shares(problem: AreaProblem, partition: np.ndarray) -> pd.DataFrame:
    """Share of each municipality's movements that it has with each area, both ways, its internal ones left out.

    Layers count with their weights; what goes to and comes from outside the study set is part of the whole.

    Parameters
    ----------
    problem : AreaProblem
    partition : numpy.ndarray of int, shape (n,)
        Area of each unit, 0 to k - 1.

    Returns
    -------
    pandas.DataFrame, shape (m, k)
        0 to 1; missing for a municipality that exchanges with nobody.
    """
    m, k = len(problem.codes), int(partition.max(initial=-1)) + 1
    area = partition[problem.unit_of]
    amounts, whole = np.zeros((m, k)), np.zeros(m)
    for layer, weight in enumerate(problem.layer_weights):
        for indptr, indices, data in (
            (problem.out_indptr, problem.out_indices, problem.out_data),
            (problem.in_indptr, problem.in_indices, problem.in_data),
        ):
            rows = indptr[layer]
            spread = slice(rows[0], rows[-1])
            owner = np.repeat(np.arange(m), np.diff(rows))
            np.add.at(amounts, (owner, area[indices[spread]]), weight * data[spread])
        moving = problem.resident[layer] + problem.work[layer] - 2 * problem.internal[layer]
        whole += weight * moving
    shares = np.divide(amounts, whole[:, None], out=np.full((m, k), np.nan), where=whole[:, None] > 0)
    return pd.DataFrame(shares, index=problem.codes)


def explain_members(problem: AreaProblem, partition: np.ndarray) -> pd.DataFrame:
    """Say for every municipality what keeps it in its area, and what moving it to the next one would cost.

    Parameters
    ----------
    problem : AreaProblem
    partition : numpy.ndarray of int, shape (n,)
        Area of each unit, 0 to k - 1.

    Returns
    -------
    pandas.DataFrame
        Index code: `area`; `own_share` of its movements with the rest of its area; `second`, of the areas it could go
        to (those it touches, else any) the one it moves most with, missing where there is none; `second_share`;
        `margin` (percentage points between the two); `rule`, one of :data:`RULES`; `limit`, the limits that a move
        would break, joined by blanks; `with_it`, how many others would move along because they are tied to it;
        `interaction_change`, by how much of its value (a share of 1) the interaction of all areas would change.

    Raises
    ------
    diagnosis.errors.InputError
        The partition does not give every unit an area.
    """
    from diagnosis.areas.governance.interaction import unit_set_value

    partition = np.asarray(partition)
    if len(partition) != problem.n_units or (partition < 0).any():
        raise InputError(
            "Reasons need one area for every unit",
            f"{len(partition)} areas for {problem.n_units} units, {int((partition < 0).sum())} of them in none",
        )
    shares = exchange_shares(problem, partition).to_numpy()
    areas = [np.flatnonzero(partition == a) for a in range(int(partition.max()) + 1)]
    worth = np.array([unit_set_value(problem.arrays, units)[0] if len(units) else 0.0 for units in areas])
    total = worth.sum()
    open_areas = np.flatnonzero([len(units) > 0 and not problem.fixed[units].any() for units in areas])
    rows = []
    for position, unit in enumerate(problem.unit_of):
        own = int(partition[unit])
        neighbours = problem.neighbour_indices[
            problem.neighbour_indptr[unit] : problem.neighbour_indptr[unit + 1]
        ]
        touching = np.setdiff1d(partition[neighbours], [own])
        others = touching if len(touching) else np.setdiff1d(open_areas, [own])
        held = shares[position]
        second = int(others[np.nan_to_num(held[others]).argmax()]) if len(others) else -1
        row = {
            "area": own,
            "own_share": held[own],
            "second": second,
            "limit": "",
            "interaction_change": np.nan,
        }
        row["with_it"] = int(problem.member_indptr[unit + 1] - problem.member_indptr[unit]) - 1
        if second < 0:
            rows.append({**row, "second_share": np.nan, "rule": "only_neighbour"})
            continue
        left, joined = areas[own][areas[own] != unit], np.append(areas[second], unit)
        change = (
            (unit_set_value(problem.arrays, left)[0] if len(left) else 0.0)
            + unit_set_value(problem.arrays, joined)[0]
            - worth[own]
            - worth[second]
        )
        breaks_own, breaks_other = broken_limits(problem, left), broken_limits(problem, joined)
        row |= {
            "second_share": held[second],
            "limit": " ".join(dict.fromkeys([*breaks_own, *breaks_other])),
            "interaction_change": change / total if total > 0 else np.nan,
            "rule": _rule(
                bound=bool(problem.fixed[unit]),
                alone=not len(touching),
                closest=not held[second] > held[own],
                own=bool(breaks_own),
                other=bool(breaks_other),
                rises=change > 0,
            ),
        }
        rows.append(row)
    table = pd.DataFrame(rows, index=problem.codes)
    table["margin"] = 100 * (table["own_share"] - table["second_share"])
    table["second"] = table["second"].astype("Int64").mask(table["second"] < 0)
    columns = ["area", "own_share", "second", "second_share", "margin", "rule", "limit", "with_it"]
    return table[[*columns, "interaction_change"]]


def _rule(*, bound: bool, alone: bool, closest: bool, own: bool, other: bool, rises: bool) -> str:
    if bound:
        return "bound"
    if alone:
        return "only_neighbour"
    if closest:
        return "closest"
    if own:
        return "breaks_own"
    if other:
        return "breaks_other"
    return "sum_rises" if rises else "sum_falls"


LIMIT_WORDS = {
    "it": {
        "contiguity": "un ambito resterebbe diviso in più pezzi",
        "min_members": "un ambito avrebbe troppo pochi comuni",
        "max_members": "un ambito avrebbe troppi comuni",
        "min_population": "un ambito avrebbe troppo pochi residenti",
        "validity": "un ambito non rispetterebbe più le soglie di autocontenimento",
        "cannot_link": "starebbe con un comune da cui va tenuto separato",
        "max_minutes": "qualche comune sarebbe troppo lontano dal centro",
    },
    "en": {
        "contiguity": "an area would fall into pieces",
        "min_members": "an area would have too few municipalities",
        "max_members": "an area would have too many municipalities",
        "min_population": "an area would have too few residents",
        "validity": "an area would no longer meet the thresholds of self-containment",
        "cannot_link": "it would be with a municipality it must be apart from",
        "max_minutes": "some municipality would be too far from the centre",
    },
}
SENTENCES = {
    "it": {
        "only_neighbour": "{name}: non confina con altri ambiti; ha con il proprio {the_own} dei suoi spostamenti.",
        "bound": "{name}: il suo ambito è fissato in partenza; ha con esso {the_own} dei suoi spostamenti.",
        "closest": "{name}: ha con il proprio ambito {the_own} dei suoi spostamenti, {the_second} con quello di "
        "{other}.",
        "breaks_own": "{name}: si muove di più verso l'ambito di {other} ({second}, contro {own}), ma se passasse lì "
        "{limit}.",
        "breaks_other": "{name}: si muove di più verso l'ambito di {other} ({second}, contro {own}), ma se vi entrasse "
        "{limit}.",
        "sum_falls": "{name}: si muove di più verso l'ambito di {other} ({second}, contro {own}), ma se vi passasse, "
        "gli ambiti nel loro insieme sarebbero meno legati ({change}).",
        "sum_rises": "{name}: si muove di più verso l'ambito di {other} ({second}, contro {own}); se vi passasse, "
        "gli ambiti nel loro insieme sarebbero più legati ({change}).",
    },
    "en": {
        "only_neighbour": "{name}: it touches no other area, and has {own} of its movements with its own.",
        "bound": "{name}: its area is fixed from the start; it has {own} of its movements with it.",
        "closest": "{name}: it has {own} of its movements with its own area, {second} with that of {other}.",
        "breaks_own": "{name}: it moves more with the area of {other} ({second}, against {own}), but if it went there "
        "{limit}.",
        "breaks_other": "{name}: it moves more with the area of {other} ({second}, against {own}), but if it joined it "
        "{limit}.",
        "sum_falls": "{name}: it moves more with the area of {other} ({second}, against {own}), but if it went there "
        "all areas together would exchange less ({change}).",
        "sum_rises": "{name}: it moves more with the area of {other} ({second}, against {own}); if it went there, "
        "all areas together would exchange more ({change}).",
    },
}


def tell_reason(reason: Mapping, name: str, other: str, language: str = "it") -> str:
    """Put one row of :func:`explain_members` into a sentence.

    Parameters
    ----------
    reason : mapping
        The row.
    name, other : str
        The municipality; what the second area is called after.
    language : {"it", "en"}

    Returns
    -------
    str
    """
    if language not in SENTENCES:
        raise unknown_name("The language", language, SENTENCES)
    first = str(reason["limit"]).split(" ")[0]
    return SENTENCES[language][str(reason["rule"])].format(
        name=name,
        other=other,
        own=_percent(reason["own_share"], language),
        second=_percent(reason["second_share"], language),
        the_own=_with_article(reason["own_share"]),
        the_second=_with_article(reason["second_share"]),
        limit=LIMIT_WORDS[language].get(first, ""),
        change=_percent(reason["interaction_change"], language, signed=True),
    )


def _with_article(share: float) -> str:
    """Write a share in Italian with its article: il 75 %, l'8 %, l'11 %, l'88 %."""
    text = _percent(share, "it")
    number = text.removesuffix(" %")
    if not number.isdigit():
        return text
    return f"l'{text}" if number in ("1", "11") or number.startswith("8") else f"il {text}"


def _percent(share: float, language: str, *, signed: bool = False) -> str:
    if pd.isna(share):
        return {"it": "una parte non nota", "en": "an unknown part"}[language]
    text = f"{100 * share:{'+' if signed else ''}.1f}" if signed else f"{100 * share:.0f}"
    if language == "it":
        return text.replace(".", ",").replace("-", "−") + " %"
    return text.replace("-", "−") + "%"
