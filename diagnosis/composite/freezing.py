"""Goalposts and classes frozen on a panel, and what of a panel can be compared between its years."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from diagnosis.composite.checks import SCORE, check_entries, check_values, read_numbers
from diagnosis.composite.normalise import Goalposts
from diagnosis.composite.release import CLASSES, AmpiRelease, check_year, split_index
from diagnosis.composite.shares import MINIMUM_SHARE
from diagnosis.errors import InputError, examples, unknown_name

MISSING = ("error", "leave_out")


def freeze(
    panel: pd.DataFrame,
    reference: pd.Series | pd.DataFrame | Mapping,
    directions: pd.Series | Mapping,
    groups: pd.Series | Mapping | None = None,
    *,
    version: str,
    base: int | str | None = None,
    time: str = "year",
    weights: pd.Series | Mapping | None = None,
    penalty: str = "-",
    minimum_share: float = MINIMUM_SHARE,
    reference_name: str = "reference",
    vintages: pd.Series | Mapping | None = None,
    missing: str = "error",
) -> AmpiRelease:
    """Freeze goalposts on all rows of a panel and classes on the units of its base year.

    The goalposts are the reference's own value in the base year, with half of the range of all units and years on
    each side (:meth:`~diagnosis.composite.Goalposts.from_panel`). The limit of class k is the smallest score of a
    unit in the base year that at least k tenths of the scored units do not exceed (type 1 of [1]_), so that tied
    units are in one class, the lower one.

    Parameters
    ----------
    panel : pandas.DataFrame
        Rows units, or units by years; columns indicators in their own units. A unit or an indicator may lack years: it
        counts where it is there.
    reference : pandas.Series, mapping or pandas.DataFrame
        The reference area's *own* values by indicator in the base year, or a table of years by indicators.
    directions : pandas.Series or mapping
        ``positive`` or ``negative`` by indicator.
    groups : pandas.Series or mapping, optional
        Domain of each indicator. Without it there is one domain, ``score``.
    version : str
        Name of the release.
    base : int or str, optional
        Base year: a year of the index, needed when it has years, or the year of a panel without them.
    time : str, default 'year'
        Index level of the years.
    weights, penalty, minimum_share, reference_name, vintages
        As in :class:`~diagnosis.composite.release.AmpiRelease`.
    missing : {'error', 'leave_out'}, default 'error'
        What to do with indicators that have no value of the reference in the base year, no value of any unit,
        or the same value everywhere: refuse them, or list them in ``left_out``.

    Returns
    -------
    AmpiRelease

    Raises
    ------
    diagnosis.errors.InputError
        A unit twice in a year, a base that is not there, an indicator that cannot enter, no indicator left.
    diagnosis.errors.UnknownNameError
        Unknown direction, penalty or way to treat what is missing.

    References
    ----------
    .. [1] Hyndman, R. J., Fan, Y. (1996). Sample quantiles in statistical packages. The American Statistician 50,
       361-365. doi:10.1080/00031305.1996.10473566 (cited from memory)
    """
    if missing not in MISSING:
        raise unknown_name("missing", missing, MISSING)
    table = check_values(panel, "panel")
    _, years = split_index(table, time)
    base = None if base is None else check_year(base, "the base year")
    if years is not None and base not in years:
        raise InputError(
            "the base must be a year of the panel",
            f"{base!r} was given, the years are {examples(sorted(years.unique()))}",
            "Pass base",
        )
    own = _own_values(reference, base, table.columns)
    reasons = _find_reasons(table, own)
    if reasons and missing == "error":
        raise InputError(
            "every indicator of a release needs a value of the reference in the base year, and values that vary",
            "; ".join(f"{reason}: {examples(names)}" for reason, names in _by_reason(reasons).items()),
            "Correct them, or pass missing='leave_out'",
        )
    kept = table.drop(columns=list(reasons))
    if kept.shape[1] == 0:
        raise InputError("at least one indicator is needed", f"left out: {examples(reasons)}")
    given = dict.fromkeys(kept.columns, SCORE) if groups is None else check_entries(groups, "groups")
    domains = pd.Index([given[name] for name in kept.columns if name in given]).unique()
    draft = AmpiRelease(
        version=version,
        goalposts=Goalposts.from_panel(kept, own[kept.columns], directions),
        groups=given,
        classes=pd.DataFrame(np.nan, index=domains, columns=range(1, CLASSES)),
        observed=pd.DataFrame({"lowest": kept.min(), "highest": kept.max()}),
        weights=weights,
        penalty=penalty,
        minimum_share=minimum_share,
        reference_name=reference_name,
        base=base,
        vintages=vintages,
        left_out=reasons,
    )
    units_of_base = kept if years is None else kept[years == base]
    return replace(draft, classes=_cut_classes(draft.score(units_of_base)))


def _own_values(
    reference: pd.Series | pd.DataFrame | Mapping, base: int | str | None, indicators: pd.Index
) -> pd.Series:
    """Return the reference's values in the base year; missing where they are not finite numbers."""
    if isinstance(reference, pd.DataFrame):
        if not reference.index.is_unique or base not in reference.index:
            raise InputError(
                "the table of the reference needs one row a year, also for the base year",
                f"the base is {base!r}, the years are {examples(reference.index)}",
            )
        reference = reference.loc[base]
    own = read_numbers(reference, indicators, "reference")
    return own.where(np.isfinite(own))


def _find_reasons(table: pd.DataFrame, own: pd.Series) -> dict[str, str]:
    """Say why indicators cannot enter."""
    empty = table.isna().all()
    usable = table.columns[~empty & own.notna()]
    flat = set()
    if len(usable):
        posts = Goalposts.from_panel(
            table[usable], own[usable], dict.fromkeys(usable, "positive"), constant="reference"
        ).frame
        # also where the range is lost in the rounding of the reference's value
        flat = set(usable[posts["minimum"] == posts["maximum"]])
    reasons = {}
    for indicator in table.columns:
        if empty[indicator]:
            reasons[indicator] = "no value of any unit"
        elif pd.isna(own[indicator]):
            reasons[indicator] = "no value of the reference in the base year"
        elif indicator in flat:
            reasons[indicator] = "the same value everywhere"
    return reasons


def _by_reason(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for indicator, reason in reasons.items():
        groups.setdefault(reason, []).append(indicator)
    return groups


def _cut_classes(scores: pd.DataFrame) -> pd.DataFrame:
    limits = pd.DataFrame(np.nan, index=scores.columns, columns=range(1, CLASSES))
    for domain in scores:
        ordered = np.sort(scores[domain].dropna().to_numpy())
        if len(ordered):
            # whole-number arithmetic: k tenths of n rounded up, without the error of k / 10
            places = -(-np.arange(1, CLASSES) * len(ordered) // CLASSES) - 1
            limits.loc[domain] = ordered[places]
    return limits


def keep_common(
    panel: pd.DataFrame, reference: pd.DataFrame | None = None, *, time: str = "year"
) -> pd.DataFrame:
    """Keep the values that are there in every year, so that a change of score is not a change of its make-up.

    A value stays when its unit has the same indicator in every year of the panel and the reference has it too.
    A unit that lacks a year keeps nothing; scoring needs no other call, since ``minimum_share`` then counts the
    same indicators of a unit in every year.

    Parameters
    ----------
    panel : pandas.DataFrame
        Rows units by years, columns indicators.
    reference : pandas.DataFrame, optional
        The reference's values, years by indicators. An indicator it lacks in a year of the panel keeps nothing.
    time : str, default 'year'
        Index level of the years.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `panel`, missing where a value cannot be compared. A release frozen on it with
        ``missing="leave_out"`` lists the indicators that are left empty.

    Raises
    ------
    diagnosis.errors.InputError
        A panel without years, a unit twice in a year.
    """
    table = check_values(panel, "panel")
    units, years = split_index(table, time)
    if years is None:
        raise InputError(f"a panel of several years needs the index level {time!r}", "there is one level")
    present = table.notna()
    if reference is not None:
        if not reference.index.is_unique:
            raise InputError("the table of the reference needs one row a year", "some years are repeated")
        own = reference.reindex(index=years.unique(), columns=table.columns)
        present &= own.notna().all()
    counts = present.groupby(pd.factorize(units, use_na_sentinel=False)[0]).transform("sum")
    return table.where(counts == years.nunique())
