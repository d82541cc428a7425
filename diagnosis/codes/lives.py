"""What became of one municipality, and of which vintage the codes of a file are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from diagnosis.codes.events import describe_events
from diagnosis.codes.history import (
    LIST_DAYS,
    CodeHistory,
    find_nearest,
    municipalities_on,
    tell_span,
)
from diagnosis.errors import InputError, unknown_name

MOST_EXPLAINED = 20
"""Misfits for which the most alike codes are looked up; the others are only listed."""


@dataclass(frozen=True, eq=False)
class CodeLife:
    """The life of one municipality code.

    Parameters
    ----------
    code, name : str
        The code and the latest known name; blank where none is known.
    first_day, last_day : str or None
        First day in use, and first day no longer in use; None where before or after what the lists cover.
    earlier, later : tuple of str
        Codes that hold its territory, or part of it, on the first and on the last day covered.
    events : DataFrame
        What happened to it, to those it comes from and to those it went into, in order of time, with the columns of
        :func:`diagnosis.codes.events.known_events`.
    """

    code: str
    name: str
    first_day: str | None
    last_day: str | None
    earlier: tuple[str, ...]
    later: tuple[str, ...]
    events: pd.DataFrame

    def __str__(self) -> str:
        """Tell the life in words: one line when the code was in use, one line an event."""
        start = f"from {self.first_day}" if self.first_day else ""
        end = f"until {self.last_day}" if self.last_day else ""
        span = " ".join(part for part in (start, end) if part) or "all the time covered"
        head = f"{self.code} {self.name}".strip()
        return "\n".join([f"{head}: in use {span}.", *describe_events(self.events)])


@dataclass(frozen=True, eq=False)
class VintageFit:
    """Which vintages a set of codes can be of.

    Parameters
    ----------
    periods : DataFrame
        Spans of time in which no code changed, best first: ``first`` and ``last`` day (inclusive), ``vintages``
        (named ones of the span, joined by blanks), ``known`` and ``unknown`` codes of the set, ``absent``
        municipalities of the time that are not in the set.
    misfits : DataFrame
        Codes that are none of the best span: ``code``, ``reason`` (when it was in use, or which codes are most alike).
    """

    periods: pd.DataFrame
    misfits: pd.DataFrame

    @property
    def fits(self) -> bool:
        """Whether there is a span of time in which all codes are municipalities."""
        return not len(self.misfits)

    @property
    def mixed(self) -> bool:
        """Whether all codes were municipalities once, but not at the same time: vintages are mixed."""
        return not self.fits and bool(self.misfits["known"].all())

    @property
    def vintages(self) -> tuple[str, ...]:
        """Named vintages (:data:`diagnosis.codes.history.LIST_DAYS`) of which all codes are, best first."""
        exact = self.periods[self.periods["unknown"] == 0]
        return tuple(name for names in exact["vintages"] for name in names.split())


def explain_code(code: str, history: CodeHistory) -> CodeLife:
    """Tell the history of a municipality.

    Parameters
    ----------
    code : str
        Code of any day that `history` covers.
    history : CodeHistory
        See :func:`diagnosis.sources.code_lists.read_code_history`.

    Returns
    -------
    CodeLife
        ``print`` it for words.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        The code never was one of a municipality; names the most alike.
    """
    lives = history.lifetimes[history.lifetimes["code"] == code]
    if not len(lives):
        near = find_nearest(code, history)
        hint = f"Most alike: {', '.join(near)}" if near else "Codes have 6 digits, with leading zeros"
        raise unknown_name("municipality code", code, history.lifetimes["code"].unique(), hint)
    first, last = lives["first"].iloc[0], lives["last"].iloc[-1]
    covered = _connected(code, history.between(history.since, history.until))
    before, earlier = _walk_back(code, covered)
    after, later = _walk_on(code, covered)
    steps = pd.concat([before, after]).drop_duplicates()
    return CodeLife(
        code=code,
        name=str(history.names.get(code, "")),
        first_day=None if first == history.since else first,
        last_day=None if last > history.until else last,
        earlier=tuple(sorted(earlier)),
        later=tuple(sorted(later)),
        events=steps.sort_values(["date", "after", "before"], ignore_index=True),
    )


def find_vintage(codes: Iterable[str], history: CodeHistory) -> VintageFit:
    """Find the vintages a table can be of from its codes alone.

    Parameters
    ----------
    codes : iterable of str
        Municipality codes as met in a file, 6 digits; repetitions do no harm.
    history : CodeHistory
        See :func:`diagnosis.sources.code_lists.read_code_history`.

    Returns
    -------
    VintageFit
        A small table usually fits many vintages: codes that never changed say nothing.

    Raises
    ------
    diagnosis.errors.InputError
        There are no codes.
    """
    given = pd.Index(pd.unique(pd.Series(list(codes), dtype="str")))
    if not len(given):
        raise InputError("A vintage is found from codes", "there are none")
    lives = history.lifetimes
    ours = lives[lives["code"].isin(given)]
    turns = {history.since, *lives["first"], *lives["last"]}
    starts = sorted(day for day in turns if history.since <= day <= history.until)
    rows = []
    for first, following in zip(starts, [*starts[1:], None], strict=True):
        last = _day_before(following) if following else history.until
        known = int(((ours["first"] <= first) & (first < ours["last"])).sum())
        total = int(((lives["first"] <= first) & (first < lives["last"])).sum())
        named = [name for name, day in LIST_DAYS.items() if first <= day <= last]
        rows.append((first, last, " ".join(named), known, len(given) - known, total - known))
    columns = ["first", "last", "vintages", "known", "unknown", "absent"]
    periods = pd.DataFrame(rows, columns=columns)
    periods = periods.sort_values(["unknown", "absent", "first"], ignore_index=True, kind="stable")
    wrong = given.difference(municipalities_on(periods.at[0, "first"], history))
    spans = ours.drop_duplicates("code", keep="last").set_index("code")
    reasons = []
    for position, code in enumerate(wrong):
        if code in spans.index:
            reasons.append(f"in use {tell_span(spans.at[code, 'first'], spans.at[code, 'last'], history)}")
        else:
            near = find_nearest(code, history) if position < MOST_EXPLAINED else []
            reasons.append(f"never a municipality{', most alike: ' if near else ''}{', '.join(near)}")
    misfits = pd.DataFrame({"code": wrong, "known": wrong.isin(spans.index), "reason": reasons})
    return VintageFit(periods, misfits.astype({"reason": "str"}))


def _day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def _connected(code: str, events: pd.DataFrame) -> pd.DataFrame:
    """Events that a code takes part in, directly or through others: few, so that they are walked through quickly."""
    known, rows = {code}, events.iloc[:0]
    while True:
        found = events[events["before"].isin(known) | events["after"].isin(known)]
        if len(found) == len(rows):
            return found
        rows, known = found, known | set(found["before"]) | set(found["after"])


def _walk_back(code: str, events: pd.DataFrame) -> tuple[pd.DataFrame, set[str]]:
    """Events that led to a code, and the codes it comes from before the first of them."""
    wanted, found = {code}, [events.iloc[:0]]
    for _, step in reversed(list(events.groupby("date"))):
        rows = step[step["after"].isin(wanted)]
        found.append(rows)
        wanted = (wanted - set(rows["after"])) | set(rows["before"])
    return pd.concat(found), wanted


def _walk_on(code: str, events: pd.DataFrame) -> tuple[pd.DataFrame, set[str]]:
    """Events that followed, with all the municipalities that took part, and the codes after the last of them."""
    wanted, found = {code}, [events.iloc[:0]]
    for _, step in events.groupby("date"):
        moved = step[step["before"].isin(wanted)]
        found.append(step[step["after"].isin(moved["after"])])
        wanted = (wanted - set(moved["before"])) | set(moved["after"])
    return pd.concat(found), wanted
