"""Re-base of a release: what changes when its goalposts move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from diagnosis.composite.freezing import freeze
from diagnosis.composite.normalise import CENTRE
from diagnosis.composite.ranking import rank_units, summarise_comparison
from diagnosis.composite.release import HIGHEST, LOWEST, POSTS, TOLERANCE, AmpiRelease, split_index
from diagnosis.errors import InputError


@dataclass(frozen=True, eq=False)
class Rebase:
    """Two releases of one index on the same values, and the tables of their differences.

    Attributes
    ----------
    old, new : AmpiRelease
        The release in use, and the one frozen again.
    goalposts : pandas.DataFrame
        Index indicator; ``old_`` and ``new_`` ``minimum``, ``reference`` and ``maximum`` in the unit of the indicator,
        ``moved_`` the same in per cent of the old width, and ``width_change``, per cent. New ones are missing where the
        new release leaves the indicator out.
    reference : pandas.DataFrame
        Index domain; score of the new reference values, ``old`` on the old scale and ``new`` (100): how far the
        reference itself has moved.
    scores : pandas.DataFrame
        Index: the levels of the panel and ``domain``, unit by unit; ``old``, ``new``, ``change`` = new - old,
        ``old_rank``, ``new_rank`` (within the year; 1 is the best: the highest score with penalty ``-``, the
        lowest with ``+``), ``old_class`` and ``new_class``, each by the limits of its release.
    summary : pandas.DataFrame
        Index domain, or domain and year. ``units`` scored by both; ``mean_absolute_change`` and ``greatest_change``
        (signed) in points, ``greatest_unit`` whose it is; ``spearman`` rank correlation, missing with fewer
        than three units or without variation; ``class_changes`` and ``reversed``, the number of units in
        another class and on the other side of 100, the reference; ``outside``, units whose old score is outside 70
        to 130.
    outside : pandas.DataFrame
        Values outside the frozen goalposts, see :meth:`~diagnosis.composite.release.AmpiRelease.outside`.
    """

    old: AmpiRelease
    new: AmpiRelease
    goalposts: pd.DataFrame
    reference: pd.DataFrame
    scores: pd.DataFrame
    summary: pd.DataFrame
    outside: pd.DataFrame


def rebase(
    release: AmpiRelease,
    panel: pd.DataFrame,
    reference: pd.Series | pd.DataFrame | Mapping,
    *,
    version: str,
    base: int | str | None = None,
    time: str = "year",
    vintages: pd.Series | Mapping | None = None,
    missing: str = "error",
) -> Rebase:
    """Freeze a release again on other data and say what changes; the release in use stays as it is.

    Indicators, domains, weights, penalty and minimum share are those of the release: only goalposts and classes
    move, so that every difference is theirs.

    Parameters
    ----------
    release : AmpiRelease
        The release in use.
    panel, reference, time, missing
        As in :func:`~diagnosis.composite.freezing.freeze`; columns of other indicators are not looked at.
    version : str
        Name of the new release, not that of the old one.
    base : int or str, optional
        The new base year; by default that of the release.
    vintages : pandas.Series or mapping, optional
        Of the new values; those of the release are not carried over.

    Returns
    -------
    Rebase

    Raises
    ------
    diagnosis.errors.InputError
        As in :func:`~diagnosis.composite.freezing.freeze`; an indicator without column; the same version.
    """
    if version == release.version:
        raise InputError("a new release needs a version of its own", f"{version!r} is that of the old one")
    values = release.select(panel)
    new = freeze(
        values,
        reference,
        release.goalposts.frame["direction"],
        release.groups,
        version=version,
        base=release.base if base is None else base,
        time=time,
        weights=release.weights,
        penalty=release.penalty,
        minimum_share=release.minimum_share,
        reference_name=release.reference_name,
        vintages=vintages,
        missing=missing,
    )
    scores = _compare_scores(release, new, values, time)
    return Rebase(
        old=release,
        new=new,
        goalposts=_compare_goalposts(release, new),
        reference=_compare_reference(release, new),
        scores=scores,
        summary=_summarise(scores, time),
        outside=release.outside(values, time=time),
    )


def _compare_goalposts(old: AmpiRelease, new: AmpiRelease) -> pd.DataFrame:
    posts = list(POSTS[:3])
    first = old.goalposts.frame[posts]
    second = new.goalposts.frame[posts].reindex(first.index)
    width, new_width = (frame["maximum"] - frame["minimum"] for frame in (first, second))
    percent = 100 / width.where(width > 0)
    moved = (second - first).mul(percent, axis=0)
    tables = [first.add_prefix("old_"), second.add_prefix("new_"), moved.add_prefix("moved_")]
    return pd.concat(tables, axis=1).assign(width_change=(new_width - width) * percent)


def _compare_reference(old: AmpiRelease, new: AmpiRelease) -> pd.DataFrame:
    own = new.goalposts.frame["reference"].reindex(old.groups.index).to_frame(new.reference_name).T
    scores = [release.score(own).iloc[0].reindex(list(old.domains)) for release in (old, new)]
    return pd.DataFrame({"old": scores[0], "new": scores[1]}).rename_axis("domain")


def _compare_scores(old: AmpiRelease, new: AmpiRelease, values: pd.DataFrame, time: str) -> pd.DataFrame:
    _, years = split_index(values, time)
    domains = list(old.domains)
    columns: dict[str, pd.DataFrame] = {}
    for name, release in (("old", old), ("new", new)):
        scores = release.score(values)
        columns[name] = scores.reindex(columns=domains)
        columns[f"{name}_rank"] = _rank(scores, years, release.penalty == "+").reindex(columns=domains)
        columns[f"{name}_class"] = release.classify(scores).reindex(columns=domains)
    columns["change"] = columns["new"] - columns["old"]
    order = ["old", "new", "change", "old_rank", "new_rank", "old_class", "new_class"]
    parts = {
        domain: pd.DataFrame({name: columns[name][domain] for name in order}, index=values.index)
        for domain in domains
    }
    types = dict.fromkeys(order[3:], "Int64")
    table = pd.concat(parts, names=["domain", *values.index.names]).astype(types)
    unit_by_unit = np.arange(len(table)).reshape(len(parts), len(values)).T.ravel()
    return table.iloc[unit_by_unit].reorder_levels([*range(1, table.index.nlevels), 0])


def _rank(scores: pd.DataFrame, years: pd.Index | None, ascending: bool) -> pd.DataFrame:
    """Rank within each year; scores equal but for rounding share a rank."""
    numbered = scores.reset_index(drop=True).round(9)
    groups = None if years is None else pd.Series(years)
    return rank_units(numbered, groups=groups, ascending=ascending).set_axis(scores.index)


def _summarise(scores: pd.DataFrame, time: str) -> pd.DataFrame:
    rows: dict[Any, dict[str, Any]] = {}
    for domain, part in scores.groupby(level="domain", sort=False):
        of_domain = part.droplevel("domain")
        if time not in of_domain.index.names:
            rows[domain] = _measure_differences(of_domain)
            continue
        for year, of_year in of_domain.groupby(level=time):
            rows[domain, year] = _measure_differences(of_year.droplevel(time))
    table = pd.DataFrame(list(rows.values()), index=pd.Index(list(rows)))
    return table.rename_axis(["domain", time] if table.index.nlevels == 2 else "domain")


def _measure_differences(scores: pd.DataFrame) -> dict[str, Any]:
    both = scores[scores["old"].notna() & scores["new"].notna()]
    change = both["change"]
    greatest = change.abs().argmax() if len(both) else None
    sides = np.sign((both[["old", "new"]] - CENTRE).round(9))
    within = scores["old"].dropna().between(LOWEST - TOLERANCE, HIGHEST + TOLERANCE)
    return {
        "units": len(both),
        "mean_absolute_change": change.abs().mean(),
        "greatest_change": np.nan if greatest is None else change.iloc[greatest],
        "greatest_unit": None if greatest is None else both.index[greatest],
        "spearman": summarise_comparison(both["old"], both["new"])["spearman"],
        "class_changes": int((both["old_class"] != both["new_class"]).sum()),
        "reversed": int((sides["old"] * sides["new"] < 0).sum()),
        "outside": int((~within).sum()),
    }
