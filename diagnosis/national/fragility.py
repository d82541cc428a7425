"""ISTAT's index of municipal fragility, rebuilt as far as its components are at hand: it is *not* ISTAT's index.

The method is ISTAT's (AMPI with penalty +, equal weights, the country = 100, deciles with 10 the most fragile). The
components, what stands for them and what is missing are the framework ``fragility`` of ``frameworks.yml``. Goalposts
and deciles are those of the current data, not of ISTAT's base year.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.catalogue import Catalogue
from diagnosis.frameworks import Scheme, load_framework
from diagnosis.national.scores import Scoring

FRAMEWORK = "fragility"
FEWEST_COMPONENTS = 4
"""Of the twelve: with fewer nothing is called an index of fragility."""
DECILES, VENTILES = 10, 20
MUNICIPAL = (
    "score",
    "lower",
    "upper",
    "above",
    "rank",
    "rank_lower",
    "rank_upper",
    "of",
    "decile",
    "decile_lower",
    "decile_upper",
    "components",
)
"""Columns of the table of municipalities."""
OF_GROUPS = ("score", "lower", "upper", "above")


def prepare_scoring(
    values: pd.DataFrame, groups: pd.DataFrame, catalogue: Catalogue, without: Mapping[str, str]
) -> Scoring | None:
    """Put the components at hand on their scales and set the goalposts.

    Parameters
    ----------
    values, groups : DataFrame, rows x indicators
        Of municipalities; of the country and other groups.
    catalogue : Catalogue
    without : mapping of indicator to reason
        Indicators that must not enter, such as those of modelled flows.

    Returns
    -------
    Scoring or None
        None where no component has values.
    """
    scheme = load_framework(FRAMEWORK)
    names = [str(part.indicator) for part in scheme.at_hand]
    scaled = _to_scale(scheme, values.reindex(columns=names), values)
    others = _to_scale(scheme, groups.reindex(columns=names), values)
    if not (scaled.nunique() > 1).drop(list(without), errors="ignore").any():
        return None
    return Scoring.of(scheme, catalogue, scaled, others, without)


def is_index(scoring: Scoring | None) -> bool:
    """Whether enough components are at hand to be called an index of fragility."""
    return scoring is not None and len(scoring.values.columns) >= FEWEST_COMPONENTS


def reconstruct_fragility(
    scoring: Scoring | None, error: pd.DataFrame | None = None
) -> dict[str, pd.DataFrame]:
    """Score municipalities and groups, with intervals and deciles, and say what each component is.

    Parameters
    ----------
    scoring : Scoring or None
        As :func:`prepare_scoring` returns it.
    error : DataFrame, municipalities x indicators, optional
        Standard errors of the values: the play of chance where few people live.

    Returns
    -------
    dict of DataFrame
        `values` (index code, columns :data:`MUNICIPAL`: the index with the interval of its replications, share of
        them above the country, rank with 1 the most fragile, decile from 1 to 10 with that of both ends of the
        interval of ranks, number of components with a value), `groups` (country, ``R`` + region, province; columns
        :data:`OF_GROUPS`), `components` (:func:`describe_components`). The first two are empty where fewer than
        :data:`FEWEST_COMPONENTS` components are at hand.
    """
    if scoring is None or not is_index(scoring):
        return {
            "values": pd.DataFrame(columns=list(MUNICIPAL), dtype=float).rename_axis("code"),
            "groups": pd.DataFrame(columns=list(OF_GROUPS), dtype=float).rename_axis("group"),
            "components": describe_components(scoring),
        }
    ventiles = [part.indicator for part in scoring.scheme.at_hand if part.ventile]
    found = scoring.replicate(None if error is None else error.drop(columns=ventiles, errors="ignore"))
    intervals = found["intervals"].set_index("unit").drop(columns="domain")
    values = intervals.loc[scoring.values.index].rename_axis("code")
    for name, rank in {"decile": "rank", "decile_lower": "rank_upper", "decile_upper": "rank_lower"}.items():
        values[name] = to_decile(values[rank], values["of"])
    values["components"] = scoring.values.notna().sum(axis=1).astype(float)
    groups = intervals.loc[scoring.references.index].rename_axis("group")
    return {
        "values": values[list(MUNICIPAL)],
        "groups": groups[list(OF_GROUPS)],
        "components": describe_components(scoring),
    }


def to_decile(rank: pd.Series, of: pd.Series) -> pd.Series:
    """Return the decile, 10 the most fragile, of ranks of which 1 is the most fragile."""
    return DECILES - np.floor((rank - 1) * DECILES / of)


def describe_components(scoring: Scoring | None) -> pd.DataFrame:
    """List the twelve components and what stands for each of them.

    Returns
    -------
    DataFrame
        Index `number`; `indicator` (empty where missing), `likeness` (``same``, ``stand_in``, ``missing``), `used` (it
        has values), `direction` (``positive`` raises the index), `confirmed`, `scale` (``value`` or ``ventile``),
        `year`, `minimum`, `reference`, `maximum` (goalposts, on that scale).
    """
    rows = []
    for part in load_framework(FRAMEWORK).components:
        used = scoring is not None and part.indicator in scoring.values
        row = {
            "number": part.number,
            "indicator": part.indicator or "",
            "likeness": part.likeness,
            "used": used,
            "direction": part.direction,
            "confirmed": part.confirmed,
            "scale": "ventile" if part.ventile else "value",
            "year": "",
        }
        posts = dict.fromkeys(("minimum", "reference", "maximum"), np.nan)
        if scoring is not None and used:
            row["year"] = str(scoring.years[part.indicator])
            posts = scoring.goalposts.frame.loc[part.indicator, list(posts)].to_dict()
        rows.append(row | posts)
    return pd.DataFrame(rows).set_index("number")


def smooth_components(scoring: Scoring, smoothed: pd.DataFrame) -> pd.DataFrame:
    """Return the values of a scoring, smoothed where they are rates of few people; ventiles stay as they are.

    Parameters
    ----------
    scoring : Scoring
    smoothed : DataFrame, municipalities x indicators
        Missing where a value is not smoothed.
    """
    ventiles = {part.indicator for part in scoring.scheme.at_hand if part.ventile}
    names = [name for name in scoring.values if name in smoothed and name not in ventiles]
    table = scoring.values.copy()
    better = smoothed.reindex(index=table.index, columns=names).fillna(table[names])
    table[names] = better.where(table[names].notna())
    return table


def _to_scale(scheme: Scheme, rows: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """Put the components that enter as ventiles on that scale, by the values of all municipalities."""
    scaled = rows.astype(float)
    for part in scheme.at_hand:
        if part.ventile and part.indicator in values:
            known = np.sort(values[part.indicator].dropna().to_numpy(dtype=float))
            scaled[part.indicator] = _ventile(scaled[part.indicator], known)
    return scaled


def _ventile(numbers: pd.Series, known: np.ndarray) -> pd.Series:
    if not len(known):
        return numbers
    below = np.searchsorted(known, numbers.to_numpy(dtype=float), side="left")
    ventile = 1 + np.floor(below * VENTILES / len(known))
    return pd.Series(np.minimum(ventile, VENTILES), index=numbers.index).where(numbers.notna())
