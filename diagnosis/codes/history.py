"""Which municipalities there were on a day, and how those of one day correspond to those of another."""

from __future__ import annotations

import difflib
import functools
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import pandas as pd

from diagnosis.errors import InputError, examples, unknown_name
from diagnosis.tables import VINTAGE

LIST_DAYS = {
    "2011": "2011-10-09",
    **{str(year): f"{year}-01-01" for year in range(2012, 2020)},
    "2020": "2020-09-30",
    "2021": "2021-12-31",
    "2022": "2022-01-01",
    "2023": "2023-01-01",
    "2024": "2024-01-01",
    "2025": "2025-01-01",
    "2026": "2026-06-28",
}
"""Day of the list of municipalities that each named vintage of codes stands for: the census in 2011, the day of the map
of inner areas in 2020, of the commuting matrix in 2021, of the labour market areas' list in 2026, else 1 January."""

WHOLE, CORE, PIECE, PART = "whole", "core", "piece", "part"
"""How much of the source is in the target: all of it; what is left under its code after a part has gone; the part
that has gone, of unknown size; one of several parts, of unknown size, none of which continues the source."""

NEAREST = 3


@dataclass(frozen=True, eq=False)
class CodeHistory:
    """Municipalities of one day and all that happened to them before and after.

    Parameters
    ----------
    register : DataFrame
        Municipalities of 2022, indexed by code; ``name`` if there is one.
    events : DataFrame
        As returned by :func:`diagnosis.codes.events.known_events` or :func:`~diagnosis.codes.events.combine_events`.
    since, until : str
        First and last ISO day for which the events are complete.
    """

    register: pd.DataFrame
    events: pd.DataFrame
    since: str
    until: str

    @functools.cached_property
    def lifetimes(self) -> pd.DataFrame:
        """Codes with the days between which they were in use: ``code``, ``first``, ``last`` (the first day without)."""
        days = [(day, set(step["before"]), set(step["after"])) for day, step in self.events.groupby("date")]
        base = LIST_DAYS[VINTAGE]
        alive = set(self.register.index)
        for day, before, after in reversed(days):
            if self.since < day <= base:
                alive = (alive - after) | before
        for day, before, after in days:
            if base < day <= self.since:
                alive = (alive - before) | after
        first = dict.fromkeys(alive, self.since)
        ended = []
        for day, before, after in days:
            if self.since < day <= self.until:
                ended += [(code, first.pop(code), day) for code in sorted(before - after) if code in first]
                for code in after:
                    first.setdefault(code, day)
        rows = ended + [(code, day, "9999-12-31") for code, day in first.items()]
        return (
            pd.DataFrame(rows, columns=["code", "first", "last"])
            .astype("str")
            .sort_values(["code", "first"], ignore_index=True)
        )

    @functools.cached_property
    def names(self) -> pd.Series:
        """Latest known name of each code; that of 2022 where it was in use then."""
        sides = [
            self.events[[side, f"{side}_name"]].set_axis(["code", "name"], axis=1)
            for side in ("before", "after")
        ]
        told = pd.concat(sides).query("name != ''").drop_duplicates("code", keep="last")
        names = told.set_index("code")["name"]
        if "name" in self.register:
            names = pd.concat([self.register["name"], names[~names.index.isin(self.register.index)]])
        return names

    def between(self, first: str, last: str) -> pd.DataFrame:
        """Events after the day `first`, up to the day `last`."""
        return self.events[(self.events["date"] > first) & (self.events["date"] <= last)]

    def events_between(self, source: str | date, target: str | date) -> pd.DataFrame:
        """Events between two vintages, in either order of time."""
        days = sorted((self.find_day(source), self.find_day(target)))
        return self.between(*days)

    def find_day(self, vintage: str | date) -> str:
        """Find the day a vintage stands for.

        Parameters
        ----------
        vintage : str or date
            One of :data:`LIST_DAYS`, or any day as ISO text or date.

        Returns
        -------
        str
            ISO day.

        Raises
        ------
        diagnosis.errors.UnknownNameError
            Neither a vintage nor a day.
        diagnosis.errors.InputError
            The events known here do not cover the day.
        """
        day = find_day(vintage)
        if not self.since <= day <= self.until:
            raise InputError(
                f"A vintage must lie between {self.since} and {self.until}, which the lists at hand cover",
                f"{vintage} was given",
                "Build the history from ISTAT's lists: the suppressed municipalities for years before 2020, that of "
                "2025 or 2011 for years before 2017, that of 2026 for years from 2026 on",
            )
        return day


def find_day(vintage: str | date) -> str:
    """Find the day a vintage stands for.

    Parameters
    ----------
    vintage : str or date
        One of :data:`LIST_DAYS`, or any day as ISO text or date.

    Returns
    -------
    str
        ISO day.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        Neither a vintage nor a day.
    """
    text = vintage.isoformat()[:10] if isinstance(vintage, date) else str(vintage)
    if text in LIST_DAYS:
        return LIST_DAYS[text]
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise unknown_name("vintage", vintage, LIST_DAYS) from None


def municipalities_on(day: str | date, history: CodeHistory) -> pd.Index:
    """List the codes in use on a day.

    Parameters
    ----------
    day : str or date
        Any day as ISO text or date, or one of :data:`LIST_DAYS`.
    history : CodeHistory
        See :func:`diagnosis.sources.code_lists.read_code_history`.

    Returns
    -------
    Index of str
        Sorted: 8,092 codes at the census of 2011, 7,904 in 2022.

    Raises
    ------
    diagnosis.errors.InputError
        The day is none, or `history` does not cover it.
    """
    day = history.find_day(day)
    lives = history.lifetimes
    alive = lives.loc[(lives["first"] <= day) & (day < lives["last"]), "code"]
    return pd.Index(alive, name="code")


def link_vintages(source: str | date, target: str | date, history: CodeHistory) -> pd.DataFrame:
    """Link the municipalities of one day to those of another.

    Parameters
    ----------
    source, target : str or date
        Vintages or days, in either order of time.
    history : CodeHistory
        See :func:`diagnosis.sources.code_lists.read_code_history`.

    Returns
    -------
    DataFrame
        ``source`` and ``target`` code, one row a pair with territory in common, and ``kind``: ``whole`` (all of the
        source is in the target), ``core`` (what is left of it under its code), ``piece`` (a part that has left it)
        or ``part`` (one of several, none of which continues it: a merger undone).

    Raises
    ------
    diagnosis.errors.InputError
        `history` does not cover a day.

    Notes
    -----
    Parts of the territory that moved between municipalities without changing a code are not events: ISTAT tells
    that they moved, not how many people with them.
    """
    start, end = history.find_day(source), history.find_day(target)
    forward = start <= end
    relation = relate_codes(history.between(min(start, end), max(start, end)))
    pairs = [
        (before, after, piece) if forward else (after, before, piece)
        for before, successors in relation.items()
        for after, piece in successors.items()
    ]
    links = pd.DataFrame(pairs, columns=["source", "target", "piece"])
    links = links.astype({"source": "str", "target": "str", "piece": "bool"})
    known = municipalities_on(start, history)
    links = links[known.get_indexer(links["source"]) >= 0]
    divided = links["source"].duplicated(keep=False)
    kept = (~links["piece"]).groupby(links["source"]).transform("sum") if len(links) else divided
    links["kind"] = WHOLE
    if forward:
        links.loc[divided, "kind"] = PART
        links.loc[divided & (kept == 1) & ~links["piece"], "kind"] = CORE
        links.loc[divided & (kept == 1) & links["piece"], "kind"] = PIECE
    else:
        links.loc[divided, "kind"] = PART
    same = known.difference(pd.Index(links["source"]))
    unchanged = pd.DataFrame({"source": same, "target": same, "kind": WHOLE})
    table = pd.concat([unchanged, links[["source", "target", "kind"]]])
    return table.sort_values(["target", "source"], ignore_index=True)


def relate_codes(events: pd.DataFrame) -> dict[str, dict[str, bool]]:
    """Chain events into pairs of first and last code.

    Parameters
    ----------
    events : DataFrame
        As in :class:`CodeHistory`, of the span of time in question.

    Returns
    -------
    dict of dict
        For each code that was touched and in use before the first event: its codes after the last one, each with
        whether only a piece that left it, of unknown size, is there.
    """
    now: dict[str, dict[str, bool]] = {}
    holders: dict[str, set[str]] = {}
    rows = sorted(zip(*(events[name].tolist() for name in ("date", "before", "after", "kind")), strict=True))
    for _, step in itertools.groupby(rows, key=lambda row: row[0]):
        moves: dict[str, dict[str, bool]] = {}
        for _, before, after, kind in step:
            moves.setdefault(before, {})[after] = kind == "split" and before != after
        moved = []
        for before, successors in moves.items():
            if before not in holders:
                now[before], holders[before] = {before: False}, {before}
            moved += [(origin, now[origin].pop(before), successors) for origin in holders.pop(before)]
        for origin, was_piece, successors in moved:
            for after, leaves in successors.items():
                piece = was_piece or leaves
                now[origin][after] = piece and now[origin].get(after, True)
                holders.setdefault(after, set()).add(origin)
    return now


def find_nearest(code: str, history: CodeHistory) -> list[str]:
    """Find the known codes most like a code: digits changed, left out or swapped.

    Parameters
    ----------
    code : str
        What was met in a file.
    history : CodeHistory
        Its codes of any day are candidates.

    Returns
    -------
    list of str
        At most 3, most alike first.
    """
    return difflib.get_close_matches(str(code), history.lifetimes["code"].unique(), n=NEAREST, cutoff=0.75)


def check_codes(codes: Iterable[str], vintage: str | date, history: CodeHistory) -> None:
    """Check that codes are municipalities of a vintage.

    Parameters
    ----------
    codes : iterable of str
        Municipality codes, 6 digits.
    vintage : str or date
        Vintage or day they should be of.
    history : CodeHistory
        See :func:`diagnosis.sources.code_lists.read_code_history`.

    Raises
    ------
    diagnosis.errors.InputError
        Codes are not municipalities of `vintage`: says when they were ones, or which are most alike.
    """
    wrong = pd.Index(pd.unique(pd.Series(list(codes), dtype="str"))).difference(
        municipalities_on(vintage, history)
    )
    if not len(wrong):
        return
    lives = history.lifetimes[history.lifetimes["code"].isin(wrong)]
    reasons = []
    for code in wrong[:5]:
        spans = lives[lives["code"] == code]
        if len(spans):
            latest = spans.iloc[-1]
            span = tell_span(str(latest["first"]), str(latest["last"]), history)
            reasons.append(f"{code} was in use {span}")
        elif near := find_nearest(code, history):
            reasons.append(f"{code} never was one (most alike: {', '.join(near)})")
        else:
            reasons.append(f"{code} never was one")
    raise InputError(
        f"Every code must be a municipality of {vintage}",
        f"{len(wrong)} are not: {examples(wrong)}; {'; '.join(reasons)}",
        "Name the vintage of the file (find_vintage finds it), or correct the codes",
    )


def tell_span(first: str, last: str, history: CodeHistory) -> str:
    """Tell in words when a code was in use.

    Parameters
    ----------
    first, last : str
        Days of :attr:`CodeHistory.lifetimes`.
    history : CodeHistory
        Its first day has no earlier one.

    Returns
    -------
    str
    """
    start = "" if first == history.since else f"from {first}"
    end = "" if last > history.until else f"until {last}"
    return " ".join(part for part in (start, end) if part) or "all the time"
