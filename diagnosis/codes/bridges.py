"""Tables carried from the municipalities of any day to those of any other.

Counts are added up, rates averaged with a weight, categories taken from the largest part. What cannot be known is
missing, not guessed: a municipality merged later cannot be divided again unless the caller says by which weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from diagnosis.codes.events import describe_events
from diagnosis.codes.history import (
    CORE,
    PART,
    PIECE,
    WHOLE,
    CodeHistory,
    check_codes,
    link_vintages,
)
from diagnosis.errors import InputError, examples, unknown_name

RULES = ("sum", "mean", "largest")
MISSING = "missing"


def carry_table(
    frame: pd.DataFrame,
    source: str | date,
    target: str | date,
    history: CodeHistory,
    how: str | Mapping[str, str] = "sum",
    weights: pd.Series | None = None,
    split: str | pd.Series = MISSING,
) -> pd.DataFrame:
    """Carry a table from the municipalities of one day to those of another.

    Parameters
    ----------
    frame : DataFrame
        Indexed by municipality code of `source`, each once.
    source, target : str or date
        Vintages (:data:`diagnosis.codes.history.LIST_DAYS`) or days, in either order of time.
    history : CodeHistory
        See :func:`diagnosis.sources.code_lists.read_code_history`.
    how : str or mapping, default "sum"
        What a column is, for all or by column. ``"sum"``: a count or an amount, added up. ``"mean"``: a rate or an
        average, the mean of the parts weighted by `weights`. ``"largest"``: a category, that of most of `weights`.
    weights : Series, optional
        Denominator of the rates, or residents, of the municipalities of `source`, indexed by code. Without it a rate
        or category of several parts is kept only where they agree, otherwise missing.
    split : "missing" or Series, default "missing"
        What becomes of counts of a municipality that is several in `target`. ``"missing"``: undoing a merger, the
        parts have no count; where a part was split off, all stays with the municipality that continues. A Series
        (residents, for instance) divides counts in proportion: indexed by code of `target`, or by pairs (code of
        source, code of target), which alone can divide among parts that come from several (Mappano).

    Returns
    -------
    DataFrame
        Indexed by ``code`` of `target`, sorted; a municipality none of whose parts is in `frame` has no row. In
        ``attrs``: ``vintage``, ``notes`` (what was bridged, what is missing and why) and ``estimated`` (codes whose
        counts rest on `split`, whose rates and categories are those of a whole they were part of).

    Raises
    ------
    diagnosis.errors.UnknownNameError
        A vintage or rule is unknown.
    diagnosis.errors.InputError
        A code is not a municipality of `source` or is repeated, a counted column is not numeric, or weights are
        negative, missing or all zero where they are needed.

    Notes
    -----
    The total of a counted column never changes, but for counts that are missing: going forward always, going back
    with `split` weights. A missing part makes a sum missing; a part without a row counts as none and is named in a
    note. Rates and categories of parts of a merger are those of the whole; a municipality that lost or regained a
    part keeps its own.
    """
    rules = read_rules(frame, how)
    if frame.index.has_duplicates:
        raise InputError(
            "Every municipality must have one row",
            f"repeated: {examples(frame.index[frame.index.duplicated()].unique())}",
        )
    check_codes(frame.index, source, history)
    links = link_vintages(source, target, history)
    absent = frame.index.get_indexer(links["source"]) < 0
    incomplete = links[absent & (links["kind"] != PIECE)]
    links = links[~absent].reset_index(drop=True)
    notes = describe_events(history.events_between(source, target))
    shares, divided = share_links(links, split)
    valued = _prefer_own(links)
    blocks = []
    if counts := [name for name, rule in rules.items() if rule == "sum"]:
        blocks.append(_sum(frame[counts], links, shares))
    if rates := [name for name, rule in rules.items() if rule == "mean"]:
        blocks.append(_average(frame[rates], valued, weights))
    if classes := [name for name, rule in rules.items() if rule == "largest"]:
        blocks.append(_take_largest(frame[classes], valued, weights))
    counted = pd.Index(links.loc[shares.ne(0), "target"].unique())  # an unknown share is not 0
    # a part that was split off has no row where there are only counts: its residents are counted where they were
    codes = pd.Index(links["target"].unique()) if rates or classes else counted
    uncounted = pd.Index(links["target"].unique()).difference(counted)
    carried = pd.concat([block.reindex(codes) for block in blocks], axis=1) if blocks else frame.iloc[:0]
    carried = carried[list(frame.columns)].rename_axis("code")
    inherited = pd.Index(valued.loc[(valued["kind"] == PART) | (valued["kind"] == PIECE), "target"].unique())
    notes += _tell_gaps(links, shares, divided, inherited, uncounted, bool(counts), bool(rates or classes))
    partial = pd.Index(incomplete["target"]).intersection(carried.index)
    if len(partial):
        notes.append(
            f"{len(partial)} municipalities lack a part that has no row: {examples(partial)}; their counts are "
            "those of the other parts."
        )
    estimated = (pd.Index(divided) if counts else pd.Index([])).union(
        inherited if rates or classes else pd.Index([])
    )
    carried.attrs = {
        "vintage": str(target),
        "notes": notes,
        "estimated": [code for code in estimated if code in carried.index],
    }
    return carried


def share_links(links: pd.DataFrame, split: str | pd.Series) -> tuple[pd.Series, list[str]]:
    """Say which share of a source's count goes to each target.

    Parameters
    ----------
    links : DataFrame
        As returned by :func:`diagnosis.codes.history.link_vintages`.
    split : "missing" or Series
        See :func:`carry_table`.

    Returns
    -------
    shares : Series
        Aligned to `links`: 1 for whole sources, 0 for pieces whose count stays with the core, NaN where unknown. Those
        of a source add up to 1 unless unknown.
    divided : list of str
        Targets whose counts rest on weights.

    Raises
    ------
    diagnosis.errors.InputError
        Weights are negative, missing or all zero for parts they are asked to divide.
    """
    shares = pd.Series(1.0, index=links.index)
    shares[links["kind"] == PIECE] = 0.0
    shares[links["kind"] == PART] = np.nan
    if isinstance(split, str):
        if split != MISSING:
            raise unknown_name("split", split, [MISSING], "Give 'missing', or a Series of weights")
        return shares, []
    parts = links[links["kind"] != WHOLE]
    if isinstance(split.index, pd.MultiIndex):
        weight = split.reindex(pd.MultiIndex.from_frame(parts[["source", "target"]]))
        given = parts["source"].isin(split.index.get_level_values(0))
    else:
        weight = split.reindex(parts["target"])
        several = links["target"].duplicated(keep=False).reindex(parts.index)
        given = ~several.groupby(parts["source"]).transform("any")
    weight = pd.Series(weight.to_numpy(float), index=parts.index)[given]
    parts = parts[given]
    if (wrong := ~(weight >= 0) | np.isinf(weight)).any():
        raise InputError(
            "Weights that divide a municipality must be numbers of at least 0, one for each of its parts",
            f"missing or negative for {examples(parts.loc[wrong, 'target'])}",
        )
    total = weight.groupby(parts["source"]).transform("sum")
    if (none := total == 0).any():
        raise InputError(
            "Of the weights that divide a municipality one must be above 0",
            f"all are 0 for the parts of {examples(parts.loc[none, 'source'].unique())}",
        )
    shares[parts.index] = weight / total
    return shares, sorted(parts["target"].unique())


def add_up(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Add up values by group; a missing value makes its sum missing.

    Parameters
    ----------
    values : array, shape (n,) or (n, columns)
        What is added.
    groups : array of int, shape (n,)
        Number of the group of each row: every number from 0 on occurs.

    Returns
    -------
    array, shape (groups,) or (groups, columns)
    """
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    return np.add.reduceat(values[order], starts, axis=0)


def read_rules(frame: pd.DataFrame, how: str | Mapping[str, str]) -> dict[str, str]:
    """Say by which rule each column is carried.

    Parameters
    ----------
    frame : DataFrame
        Table to be carried.
    how : str or mapping
        See :func:`carry_table`.

    Returns
    -------
    dict
        Rule by column.

    Raises
    ------
    diagnosis.errors.InputError
        A rule is unknown, a column has none, or one that is added up or averaged is not numeric.
    """
    rules = dict.fromkeys(frame.columns, how) if isinstance(how, str) else dict(how)
    if odd := [name for name in frame.columns if name not in rules] + [
        name for name in rules if name not in frame.columns
    ]:
        raise InputError("Every column must have a rule, and every rule a column", f"not so: {examples(odd)}")
    for rule in rules.values():
        if rule not in RULES:
            raise unknown_name("how", rule, RULES)
    numeric = [
        name
        for name, rule in rules.items()
        if rule != "largest" and not pd.api.types.is_numeric_dtype(frame[name])
    ]
    if numeric:
        raise InputError(
            "A column that is added up or averaged must be numeric", f"these are not: {examples(numeric)}"
        )
    return rules


def _numbers(frame: pd.DataFrame) -> np.ndarray:
    whole = all(isinstance(kind, np.dtype) and kind.kind in "iu" for kind in frame.dtypes)
    return frame.to_numpy("int64") if whole else frame.to_numpy(float, na_value=np.nan)


def _sum(frame: pd.DataFrame, links: pd.DataFrame, shares: pd.Series) -> pd.DataFrame:
    used = shares.ne(0).to_numpy()
    values = _numbers(frame)[frame.index.get_indexer(links.loc[used, "source"])]
    share = shares[used].to_numpy()
    if (share != 1).any():  # whole numbers stay whole where nothing is divided
        values = values * share[:, None]
    groups, codes = pd.factorize(links.loc[used, "target"])
    summed = add_up(values, groups) if len(groups) else values
    return pd.DataFrame(summed, index=pd.Index(codes), columns=frame.columns)


def _prefer_own(links: pd.DataFrame) -> pd.DataFrame:
    """Keep whole and continued sources for rates and categories, others only where there is nothing else."""
    own = (links["kind"] == WHOLE) | (links["kind"] == CORE)
    return links[own | ~own.groupby(links["target"]).transform("any")] if len(links) else links


def _average(frame: pd.DataFrame, links: pd.DataFrame, weights: pd.Series | None) -> pd.DataFrame:
    values = frame.to_numpy(float, na_value=np.nan)[frame.index.get_indexer(links["source"])]
    groups, codes = pd.factorize(links["target"])
    if not len(groups):
        return pd.DataFrame(values, index=pd.Index(codes), columns=frame.columns)
    starts = np.flatnonzero(np.diff(groups, prepend=-1))  # links are sorted by target
    low = np.minimum.reduceat(values, starts, axis=0)
    agreed = low == np.maximum.reduceat(values, starts, axis=0)
    mean = np.full_like(low, np.nan)
    if weights is not None:
        weight = _weigh(links, weights)[:, None]
        with np.errstate(invalid="ignore"):
            # a part that weighs nothing has no rate to contribute, whatever is written there
            added = add_up(np.where(weight == 0, 0.0, values * weight), groups)
            mean = added / add_up(weight, groups)
    return pd.DataFrame(np.where(agreed, low, mean), index=pd.Index(codes), columns=frame.columns)


def _take_largest(frame: pd.DataFrame, links: pd.DataFrame, weights: pd.Series | None) -> pd.DataFrame:
    taken = frame.reindex(links["source"]).set_axis(pd.Index(links["target"]))
    several = links["target"].duplicated(keep=False).to_numpy()
    if not several.any():
        return taken
    result = taken[~several]
    groups = taken[several].groupby(level=0)
    chosen = groups.first().where(groups.nunique(dropna=False) == 1)
    if weights is not None:
        weight = _weigh(links[several], weights)
        for name in frame.columns:
            table = pd.DataFrame(
                {
                    "target": links.loc[several, "target"].to_numpy(),
                    "value": taken.loc[several, name].to_numpy(),
                }
            ).assign(weight=weight)
            sums = table.groupby(["target", "value"], observed=True, as_index=False)["weight"].sum()
            largest = sums.sort_values(["weight", "value"], ascending=[False, True]).drop_duplicates("target")
            # where a part has neither category nor weight, the largest is not known
            unsure = table.loc[table["value"].isna() | table["weight"].isna(), "target"]
            largest = largest[~largest["target"].isin(unsure)].set_index("target")["value"]
            chosen[name] = chosen[name].where(chosen[name].notna(), largest.reindex(chosen.index))
    return pd.concat([result, chosen])


def _weigh(links: pd.DataFrame, weights: pd.Series) -> np.ndarray:
    weight = weights.reindex(links["source"]).to_numpy(float, na_value=np.nan)
    if (weight < 0).any():
        raise InputError(
            "Weights must be at least 0", f"negative for {examples(links.loc[weight < 0, 'source'])}"
        )
    return weight


def _tell_gaps(
    links: pd.DataFrame,
    shares: pd.Series,
    divided: list[str],
    inherited: pd.Index,
    uncounted: pd.Index,
    counted: bool,
    valued: bool,
) -> list[str]:
    notes = []
    unknown = links.loc[shares.isna(), "target"].unique()
    if counted and len(unknown):
        notes.append(
            f"{len(unknown)} municipalities have no count, as they, or a part of them, were counted within another: "
            f"{examples(unknown)}."
        )
    if counted and divided:
        notes.append(f"{len(divided)} counts are estimated by the weights given: {examples(divided)}.")
    if counted and len(uncounted):
        notes.append(
            f"{len(uncounted)} municipalities were split off later; their counts are still in those they come from: "
            f"{examples(uncounted)}."
        )
    if valued and len(inherited):
        notes.append(
            f"{len(inherited)} municipalities take the rate or category of a larger one they belonged to: "
            f"{examples(inherited)}."
        )
    return notes
