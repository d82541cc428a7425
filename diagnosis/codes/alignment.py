"""Municipality codes as text, and files of another vintage carried to that of the library, 2022.

A reader calls :func:`carry`. Three sources say how codes correspond, in this order: the events of
:mod:`diagnosis.codes.events`, the cadastral code, which outlives a new province, and, where a file has no cadastral
code, the name within the region. Tables between any two days are carried by :mod:`diagnosis.codes.bridges`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import pandas as pd

from diagnosis.codes.events import KNOWN_SINCE, describe_events, known_events
from diagnosis.codes.history import LIST_DAYS, CodeHistory, relate_codes
from diagnosis.errors import InputError, examples, unknown_name
from diagnosis.tables import VINTAGE

VINTAGE_DAYS = {vintage: day for vintage, day in LIST_DAYS.items() if day >= KNOWN_SINCE}
"""Day of the list of municipalities of the vintages that are carried without a history given."""

METHODS = ("sum", "inherit")

UNLIMITED = "9999-12-31"
"""No last day: codes that the events do not tell are linked by what the file says of them."""


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


def changes() -> pd.DataFrame:
    """Read the changes of municipalities written down in the package: see :func:`~code_events.known_events`.

    Returns
    -------
    DataFrame of str
        ``date`` (ISO day), ``kind`` (merger, split or renumbering), ``before``, ``before_name``, ``after``,
        ``after_name``, ``authority`` (law or list that says so). Complete since 1 July 2020; of the years before
        only what ISTAT's list of suppressed municipalities does not tell.
    """
    return known_events()


def link_codes(
    codes: Iterable[str],
    vintage: str,
    register: pd.DataFrame,
    published: pd.DataFrame | None = None,
    history: CodeHistory | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Link codes of a vintage to the municipalities of 2022.

    Parameters
    ----------
    codes : iterable of str
        Codes of `vintage`, 6 digits.
    vintage : str
        One of :data:`VINTAGE_DAYS`, or, with `history`, of :data:`~diagnosis.codes.history.LIST_DAYS`; or an ISO day.
    register : DataFrame
        Municipalities of 2022, indexed by code, with ``cadastral``, ``name`` and ``region``.
    published : DataFrame, optional
        What the file, or a list of its vintage, says of its own municipalities, indexed by code: ``cadastral``, or
        ``name`` and ``region``. Needed for 2026, when Sardinia's provinces and hence 377 codes were made anew,
        unless `history` knows them.
    history : CodeHistory, optional
        All events between `vintage` and 2022, see :func:`diagnosis.sources.code_lists.read_code_history`. Without it
        :func:`changes` tells them, which covers vintages from 1 July 2020 on.

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
        A code is not one of `vintage`, or `vintage` is before what `history` covers.
    """
    history = history or CodeHistory(register, changes(), KNOWN_SINCE, UNLIMITED)
    wanted = pd.Index(pd.unique(pd.Series(list(codes), dtype="str")))
    day, base = history.find_day(vintage), VINTAGE_DAYS[VINTAGE]
    later = day > base
    between = history.between(min(day, base), max(day, base))
    pairs = pd.DataFrame(
        [
            (before, after, piece)
            for before, successors in relate_codes(between).items()
            for after, piece in successors.items()
        ],
        columns=["before", "after", "piece"],
    ).astype({"before": "str", "after": "str", "piece": "bool"})
    old, new = ("before", "after") if later else ("after", "before")
    # values of a municipality split since `vintage` cannot be shared out: they stay with its core
    changed = pairs[later | ~pairs["piece"]].rename(columns={old: "code", new: "source"})[["code", "source"]]
    changed = changed[register.index.get_indexer(changed["code"]) >= 0]
    kept = register.index.difference(pairs["before"]).difference(pairs["after"])
    links = pd.concat([pd.DataFrame({"code": kept, "source": kept}), changed], ignore_index=True)
    notes = describe_events(between)
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
    links = links[wanted.get_indexer(links["source"]) >= 0].sort_values(["code", "source"], ignore_index=True)
    return links, notes


def carry(
    frame: pd.DataFrame,
    vintage: str,
    how: str,
    register: pd.DataFrame,
    published: pd.DataFrame | None = None,
    history: CodeHistory | None = None,
) -> pd.DataFrame:
    """Carry a table from the codes of a vintage to those of 2022.

    Parameters
    ----------
    frame : DataFrame
        Indexed by municipality code of `vintage`.
    vintage : str
        One of :data:`VINTAGE_DAYS`, or, with `history`, of :data:`~diagnosis.codes.history.LIST_DAYS`; or an ISO day.
    how : {"sum", "inherit"}
        ``"sum"`` for counts: several old municipalities add up to the one of 2022, missing if one of them is; a
        count of a municipality merged later cannot be shared out between its parts, which are then missing.
        ``"inherit"`` for rates and classes: the parts of a later merger take the merged municipality's value; where
        several old municipalities make one of 2022, the value is kept only if they agree, otherwise missing.
    register, published, history
        See :func:`link_codes`.

    Returns
    -------
    DataFrame
        Indexed by ``code`` of 2022, sorted; a municipality without a row in `frame` has none here. In ``attrs``:
        ``vintage`` and ``notes`` (what was bridged, which municipalities are missing and why).
    """
    if how not in METHODS:
        raise unknown_name("how", how, METHODS)
    links, notes = link_codes(frame.index, vintage, register, published, history)
    parts = links["source"].duplicated(keep=False)
    carried = frame.reindex(links["source"]).set_axis(pd.Index(links["code"], name="code"))
    if how == "sum":
        groups = carried.groupby(level=0)
        carried = groups.sum(min_count=1).where(groups.count().eq(groups.size(), axis=0))
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
