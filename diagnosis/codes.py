"""Municipality codes between years: mergers, splits, renumbered provinces.

A file of another vintage is carried to :data:`diagnosis.tables.VINTAGE` with :func:`carry`. Three sources say how
codes correspond, in this order: the few changes of ``municipality_changes.csv`` (each with its date and law), the
cadastral code, which outlives a new province, and, where a file has no cadastral code, the name within the region.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from diagnosis.errors import InputError, examples, unknown_name
from diagnosis.tables import VINTAGE

VINTAGE_DAYS = {
    "2020": "2020-09-30",
    "2021": "2021-12-31",
    "2022": "2022-01-01",
    "2023": "2023-01-01",
    "2025": "2025-01-01",
    "2026": "2026-06-28",
}
"""Day of the list of municipalities that each vintage of codes stands for."""

METHODS = ("sum", "inherit")


def format_codes(values: pd.Series | pd.Index, digits: int = 6) -> pd.Series:
    """Write codes as text with leading zeros.

    Parameters
    ----------
    values : Series or Index
        Codes as text or numbers, leading zeros or not (``1001``, ``1001.0``, ``"001001"``).
    digits : int, default 6
        Length of a code: 6 for municipalities, 3 for province-level bodies, 2 for regions.

    Returns
    -------
    Series of str
        Aligned to `values`.

    Raises
    ------
    diagnosis.errors.InputError
        A value is not a whole number of at most `digits` digits.
    """
    text = pd.Series(values).astype("str").str.strip().str.replace(r"\.0+$", "", regex=True)
    wrong = ~text.str.fullmatch(rf"[0-9]{{1,{digits}}}").fillna(False).astype(bool)
    if wrong.any():
        raise InputError(
            f"A code must be a whole number of at most {digits} digits",
            f"{int(wrong.sum())} are not, for instance {examples(text[wrong].astype(object))}",
        )
    return text.str.zfill(digits)


@functools.cache
def changes() -> pd.DataFrame:
    """Read the changes of municipalities since 2020: one row a pair of codes before and after.

    Returns
    -------
    DataFrame of str
        ``date`` (ISO day, or month where the day is not known), ``kind`` (merger, split or renumbering),
        ``before``, ``before_name``, ``after``, ``after_name``, ``authority`` (law or list that says so).
    """
    return pd.read_csv(Path(__file__).with_name("municipality_changes.csv"), dtype=str, keep_default_na=False)


def link_codes(
    codes: Iterable[str], vintage: str, register: pd.DataFrame, published: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Link codes of a vintage to the municipalities of 2022.

    Parameters
    ----------
    codes : iterable of str
        Codes of `vintage`, 6 digits.
    vintage : str
        One of :data:`VINTAGE_DAYS`.
    register : DataFrame
        Municipalities of 2022, indexed by code, with ``cadastral``, ``name`` and ``region``.
    published : DataFrame, optional
        What the file, or a list of its vintage, says of its own municipalities, indexed by code: ``cadastral``, or
        ``name`` and ``region``. Needed for 2026, when Sardinia's provinces and hence 377 codes were made anew.

    Returns
    -------
    links : DataFrame
        ``code`` (2022) and ``source`` (`vintage`), one row a pair: several codes share a source that was merged
        later, several sources share a code that was split later. A municipality created after `vintage` by a
        split has no row.
    notes : list of str
        What was bridged.

    Raises
    ------
    diagnosis.errors.InputError
        A code is not one of `vintage`.
    """
    if vintage not in VINTAGE_DAYS:
        raise unknown_name("vintage", vintage, VINTAGE_DAYS)
    wanted = pd.Index(pd.unique(pd.Series(list(codes), dtype="str")))
    day, base = VINTAGE_DAYS[vintage], VINTAGE_DAYS[VINTAGE]
    later = day > base
    between = changes()[lambda table: (table["date"] > min(day, base)) & (table["date"] <= max(day, base))]
    pairs = _compose(between)
    old, new = ("before", "after") if later else ("after", "before")
    changed = pairs.rename(columns={old: "code", new: "source"})[["code", "source"]]
    changed = changed[changed["code"].isin(register.index)]
    kept = register.index.difference(pairs["before"]).difference(pairs["after"])
    if not later:  # values of a municipality split since then cannot be shared out: they stay with its core
        changed = changed[~changed["code"].isin(_created(between))]
    links = pd.concat([pd.DataFrame({"code": kept, "source": kept}), changed], ignore_index=True)
    notes = _describe(between)
    missing = wanted.difference(links["source"])
    if len(missing) and published is not None:
        renumbered, how = _match(missing, register, published)
        links = pd.concat([links[~links["code"].isin(renumbered["code"])], renumbered], ignore_index=True)
        missing = missing.difference(renumbered["source"])
        if len(renumbered):
            notes.append(f"{len(renumbered)} codes of {vintage} were linked to those of {VINTAGE} by {how}.")
    if len(missing):
        raise InputError(
            f"Every code must be a municipality of {vintage}",
            f"{len(missing)} are not: {examples(missing)}",
            "Give the list of municipalities of that year, with cadastral codes, or correct the codes",
        )
    links = links[links["source"].isin(wanted)].sort_values(["code", "source"], ignore_index=True)
    return links, notes


def carry(
    frame: pd.DataFrame,
    vintage: str,
    how: str,
    register: pd.DataFrame,
    published: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Carry a table from the codes of a vintage to those of 2022.

    Parameters
    ----------
    frame : DataFrame
        Indexed by municipality code of `vintage`.
    vintage : str
        One of :data:`VINTAGE_DAYS`.
    how : {"sum", "inherit"}
        ``"sum"`` for counts: several old municipalities add up to the one of 2022; a count of a municipality merged
        later cannot be shared out between its parts, which are then missing. ``"inherit"`` for rates and classes:
        the parts of a later merger take the merged municipality's value; where several old municipalities make one
        of 2022, the value is kept only if they agree, otherwise missing.
    register, published : DataFrame
        See :func:`link_codes`.

    Returns
    -------
    DataFrame
        Indexed by ``code`` of 2022, sorted; a municipality without a row in `frame` has none here. In ``attrs``:
        ``vintage`` and ``notes`` (what was bridged, which municipalities are missing and why).
    """
    if how not in METHODS:
        raise unknown_name("how", how, METHODS)
    links, notes = link_codes(frame.index, vintage, register, published)
    parts = links["source"].duplicated(keep=False)
    carried = frame.reindex(links["source"]).set_axis(pd.Index(links["code"], name="code"))
    if how == "sum":
        carried = carried.groupby(level=0).sum(min_count=1)
        if (split := links.loc[parts, "code"]).any():
            carried.loc[pd.unique(split)] = float("nan")
            notes.append(
                f"{split.nunique()} municipalities merged after {VINTAGE} have no count of their own: "
                f"{examples(split)}."
            )
    elif links["code"].duplicated().any():
        groups = carried.groupby(level=0)
        carried = groups.first().where(groups.nunique(dropna=False) == 1)
    absent = register.index.difference(carried.index)
    if len(absent):
        notes.append(f"{len(absent)} municipalities of {VINTAGE} have no row: {examples(absent)}.")
    carried = carried.sort_index()
    carried.attrs = {"vintage": VINTAGE, "notes": notes}
    return carried


def _compose(between: pd.DataFrame) -> pd.DataFrame:
    """Chain the changes of several dates into pairs of first and last code."""
    pairs = pd.DataFrame({"before": [], "after": []}, dtype="str")
    for _, step in between.groupby("date", sort=True):
        follow = step.groupby("before")["after"].agg(list).to_dict()
        moved = pairs.assign(after=[follow.get(code, [code]) for code in pairs["after"]]).explode("after")
        pairs = pd.concat([moved, step.loc[~step["before"].isin(pairs["after"]), ["before", "after"]]])
    return pairs.drop_duplicates(ignore_index=True)


def _created(between: pd.DataFrame) -> pd.Series:
    splits = between[between["kind"] == "split"]
    return splits.loc[splits["before"] != splits["after"], "after"]


def _match(codes: pd.Index, register: pd.DataFrame, published: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Link codes by cadastral code or, without one, by name within the region."""
    listed = published[published.index.isin(codes)]
    if "cadastral" in published:
        left, right, how = listed["cadastral"], register["cadastral"], "cadastral code"
    else:
        left, right, how = _name_key(listed), _name_key(register), "name within the region"
    right = right[~right.duplicated(keep=False)]
    found = pd.Series(right.index, index=right.to_numpy()).reindex(left.to_numpy())
    links = pd.DataFrame({"code": found.to_numpy(), "source": left.index}).dropna()
    return links[~links["code"].duplicated(keep=False)], how


def _name_key(frame: pd.DataFrame) -> pd.Series:
    names = frame["name"].map(lambda name: unicodedata.normalize("NFKD", name.casefold()))
    return frame["region"] + " " + names.str.replace(r"[^a-z0-9]", "", regex=True)


def _describe(between: pd.DataFrame) -> list[str]:
    """One sentence a change, the parts of a merger together."""
    notes = []
    for (date, kind, after, name), rows in between.groupby(
        ["date", "kind", "after", "after_name"], sort=True
    ):
        parts = [
            f"{row.before} {row.before_name}"
            for row in rows.itertuples()
            if kind == "merger" or row.before != after
        ]
        verb = {"merger": "merged into", "renumbering": "became", "split": "gave rise to"}[kind]
        if parts:
            notes.append(f"{', '.join(parts)} {verb} {after} {name}, {date} ({rows['authority'].iloc[0]}).")
    return notes
