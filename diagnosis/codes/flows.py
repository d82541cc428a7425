"""Flows between municipalities carried from those of any day to those of any other."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from diagnosis.codes.bridges import MISSING, add_up, read_rules, share_links
from diagnosis.codes.events import describe_events
from diagnosis.codes.history import CodeHistory, check_codes, link_vintages
from diagnosis.errors import InputError, examples


def carry_flows(
    flows: pd.DataFrame,
    source: str | date,
    target: str | date,
    history: CodeHistory,
    counts: tuple[str, ...] = ("commuters",),
    ends: tuple[str, str] = ("origin", "destination"),
    split: str | pd.Series = MISSING,
) -> pd.DataFrame:
    """Carry flows between municipalities from those of one day to those of another.

    Parameters
    ----------
    flows : DataFrame
        One row a flow: two codes, counts, and any other columns (sex, mode, hour).
    source, target : str or date
        Vintages or days, in either order of time.
    history : CodeHistory
        See :func:`diagnosis.sources.code_lists.read_code_history`.
    counts : tuple of str, default ("commuters",)
        Columns that are added up where flows fall together.
    ends : tuple of str, default ("origin", "destination")
        Columns of the two codes.
    split : "missing" or Series, default "missing"
        As in :func:`carry_table`. A flow from a divided municipality to another is divided at both ends.

    Returns
    -------
    DataFrame
        Columns as in `flows`, in its order of first appearance. Flows that agree in all columns but `counts` are one
        where a merger made them so; those between parts of a merger are flows inside it. ``attrs`` as in
        :func:`carry_table`.

    Raises
    ------
    diagnosis.errors.InputError
        See :func:`carry_table`.
    """
    for name in (*ends, *counts):
        if name not in flows:
            raise InputError(
                f"Flows must have the columns {', '.join((*ends, *counts))}", f"{name!r} is missing"
            )
    read_rules(flows[list(counts)], "sum")
    links = link_vintages(source, target, history)
    shares, divided = share_links(links, split)
    used = shares.ne(0)  # an unknown share is not 0
    links = links[used].assign(share=shares[used])
    fan_out = links["source"].duplicated(keep=False)
    fan_in = pd.Index(links.loc[links["target"].duplicated(keep=False), "target"].unique())
    single = links[~fan_out].set_index("source")["target"]
    moved = flows.reset_index(drop=True)
    merged, dividing = np.zeros(len(flows), bool), np.zeros(len(flows), bool)
    for end in ends:
        positions, codes = pd.factorize(flows[end])
        codes = pd.Index(codes).astype("str")
        check_codes(codes if (positions >= 0).all() else [*codes, ""], source, history)
        several = single.index.get_indexer(codes) < 0
        renamed = pd.Index(single.reindex(codes).where(~several, codes.to_series()))
        moved[end] = renamed.to_numpy()[positions]
        merged |= (fan_in.get_indexer(renamed) >= 0)[positions]
        dividing |= several[positions]
    if dividing.any():
        parts = _divide(moved[dividing], ends, counts, links)
        moved = pd.concat([moved[~dividing], parts])
        merged = np.concatenate([merged[~dividing], np.ones(len(parts), bool)])
    if merged.any():
        keys = [name for name in moved.columns if name not in counts]
        together = moved[merged]
        groups = together.groupby(keys, sort=False, dropna=False)
        number = groups.ngroup().to_numpy()
        first = ~pd.Series(number).duplicated().to_numpy()
        added = together[first].copy()
        for name in counts:
            added[name] = add_up(together[name].to_numpy(), number)
        moved = pd.concat([moved[~merged], added]).sort_index(kind="stable")
    moved = moved.reset_index(drop=True)
    notes = describe_events(history.events_between(source, target))
    unknown = links.loc[links["share"].isna(), "source"].unique()
    if len(unknown):
        notes.append(
            f"Flows of {len(unknown)} municipalities that are several in {target} cannot be divided and are missing: "
            f"{examples(unknown)}."
        )
    moved.attrs = {"vintage": str(target), "notes": notes, "estimated": sorted(divided)}
    return moved


def _divide(
    flows: pd.DataFrame, ends: tuple[str, str], counts: tuple[str, ...], links: pd.DataFrame
) -> pd.DataFrame:
    """Share out flows whose ends are several municipalities later; their rows keep their position as index."""
    shared = links[links["source"].duplicated(keep=False)].set_index("source")[["target", "share"]]
    parts = flows.astype(dict.fromkeys(counts, float))
    for end in ends:
        joined = parts.join(shared, on=end)
        joined[end] = joined["target"].where(joined["target"].notna(), joined[end])
        share = joined["share"].where(joined["target"].notna(), 1.0)
        for name in counts:
            joined[name] = joined[name] * share
        parts = joined[list(flows.columns)]
    return parts
