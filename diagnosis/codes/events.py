"""What happened to municipalities: mergers, splits and new codes, each with its day and the law or list that says so.

Most events come from ISTAT's list of suppressed municipalities. What that list does not tell (municipalities split
from others, moved to another province, or merged after its day) is written down in ``municipality_changes.csv``,
which also repeats the mergers since 2020, so that files of those years can be carried where the list is not at hand.
"""

from __future__ import annotations

import functools
from pathlib import Path

import pandas as pd

from diagnosis.errors import InputError, examples

COLUMNS = ("date", "kind", "before", "before_name", "after", "after_name", "authority")
KINDS = ("merger", "split", "renumbering")
VERBS = {"merger": "merged into", "split": "gave rise to", "renumbering": "became"}

KNOWN_SINCE = "2020-07-01"
"""First day from which ``municipality_changes.csv`` tells every event; of earlier days it has no merger."""

MOST_SENTENCES = 25
"""Events told one by one; more are counted."""


@functools.cache
def known_events() -> pd.DataFrame:
    """Read the events written down in the package.

    Returns
    -------
    DataFrame of str
        One row a pair of codes before and after: ``date`` (ISO day), ``kind`` (merger, split or renumbering),
        ``before``, ``before_name``, ``after``, ``after_name``, ``authority`` (law or list that says so). A
        municipality that goes on under its code after absorbing another, or after a part has left it, has a row in
        which the two codes are the same.
    """
    return pd.read_csv(Path(__file__).with_name("municipality_changes.csv"), dtype=str, keep_default_na=False)


def check_events(events: pd.DataFrame) -> pd.DataFrame:
    """Check a table of events and put it in order.

    Parameters
    ----------
    events : DataFrame of str
        Columns as in :func:`known_events`.

    Returns
    -------
    DataFrame of str
        Sorted by day, without repetitions.

    Raises
    ------
    diagnosis.errors.InputError
        A column is absent, a day is not an ISO day, a kind is unknown, or a code does not have 6 digits.
    """
    if absent := [name for name in COLUMNS if name not in events]:
        raise InputError(f"Events must have the columns {', '.join(COLUMNS)}", f"missing: {examples(absent)}")
    table = events[list(COLUMNS)].astype("str")
    rules = {
        "an ISO day": pd.to_datetime(table["date"], format="%Y-%m-%d", errors="coerce").notna(),
        f"one of the kinds {', '.join(KINDS)}": table["kind"].isin(KINDS),
        "a code of 6 digits before": table["before"].str.fullmatch(r"[0-9]{6}").astype(bool),
        "a code of 6 digits after": table["after"].str.fullmatch(r"[0-9]{6}").astype(bool),
    }
    for rule, holds in rules.items():
        if not holds.all():
            wrong = table.loc[~holds, ["date", "kind", "before", "after"]].agg(" ".join, axis=1)
            raise InputError(
                f"Every event must have {rule}", f"{len(wrong)} have not, for instance {examples(wrong)}"
            )
    return table.drop_duplicates(["date", "before", "after"]).sort_values(
        ["date", "after", "before"], ignore_index=True
    )


def combine_events(listed: pd.DataFrame, known: pd.DataFrame | None = None) -> pd.DataFrame:
    """Join the mergers of a list with the events it does not tell.

    Parameters
    ----------
    listed : DataFrame of str
        Events of a publisher's list, columns as in :func:`known_events`: it decides on mergers up to its last day.
    known : DataFrame of str, optional
        Other events, by default :func:`known_events`. Of its mergers only the later ones are used.

    Returns
    -------
    DataFrame of str
        As in :func:`known_events`.

    Notes
    -----
    A municipality that absorbs others keeps its code and is not in the list of the suppressed. It is recognised
    because it takes the place of one municipality only, or takes part in an earlier event. One that absorbs several
    on one day without an earlier event would be taken for new; there is no such case from 2011 to 2026, which
    :func:`diagnosis.sources.code_lists.read_code_history` checks against lists of several years.
    """
    known = known_events() if known is None else known
    last = listed["date"].max() if len(listed) else ""
    others = known[(known["kind"] != "merger") | (known["date"] > last)]
    told = pd.MultiIndex.from_frame(listed[["before", "after"]])
    others = others[~pd.MultiIndex.from_frame(others[["before", "after"]]).isin(told)]
    return _add_continued(check_events(pd.concat([listed, others], ignore_index=True)))


def find_renumberings(before: pd.Series, after: pd.Series, day: str, authority: str) -> pd.DataFrame:
    """Find the municipalities that got another code, by their cadastral code, which lasts.

    Parameters
    ----------
    before, after : Series of str
        Cadastral codes indexed by municipality code, of a list before `day` and of one from `day` on.
    day : str
        ISO day from which the new codes are in use.
    authority : str
        Law or list that says so.

    Returns
    -------
    DataFrame of str
        Events of the kind ``renumbering``, with blank names.
    """
    old = pd.Series(before.index, index=before.to_numpy())
    new = pd.Series(after.index, index=after.to_numpy())
    lasting = old.index.intersection(new.index)
    pairs = pd.DataFrame({"before": old[lasting], "after": new[lasting]})
    pairs = pairs[pairs["before"] != pairs["after"]]
    return check_events(
        pairs.assign(date=day, kind="renumbering", before_name="", after_name="", authority=authority)
    )


def describe_events(events: pd.DataFrame) -> list[str]:
    """Tell events in words, one sentence each with the parts of a merger together; many are counted instead.

    Parameters
    ----------
    events : DataFrame of str
        As in :func:`known_events`.

    Returns
    -------
    list of str
    """
    groups = events.groupby(["date", "kind", "after", "after_name"], sort=True)
    if groups.ngroups > MOST_SENTENCES:
        return _count_events(events)
    notes = []
    for (day, kind, after, name), rows in groups:
        parts = [
            f"{row.before} {row.before_name}".strip()
            for row in rows.itertuples()
            if kind == "merger" or row.before != after
        ]
        if parts:
            new = f"{after} {name}".strip()
            notes.append(f"{', '.join(parts)} {VERBS[kind]} {new}, {day} ({rows['authority'].iloc[0]}).")
    return notes


def _count_events(events: pd.DataFrame) -> list[str]:
    span = f"from {events['date'].min()} to {events['date'].max()}"
    notes = []
    mergers = events[events["kind"] == "merger"]
    if len(mergers):
        notes.append(
            f"{len(mergers)} municipalities merged into {mergers['after'].nunique()}, {span}: "
            f"{examples(mergers['after'].unique())}."
        )
    if moved := int((events["kind"] == "renumbering").sum()):
        notes.append(f"{moved} codes changed with the province or its number, {span}.")
    return notes + describe_events(events[events["kind"] == "split"])


def _add_continued(events: pd.DataFrame) -> pd.DataFrame:
    """Add the rows of municipalities that keep their code when they absorb others or lose a part."""
    known: set[str] = set()
    rows = []
    for (day, kind), step in events.groupby(["date", "kind"], sort=True):
        if kind == "merger":
            for after, parts in step.groupby("after"):
                if (len(parts) == 1 or after in known) and after not in set(parts["before"]):
                    name = parts["after_name"].iloc[0]
                    rows.append((day, kind, after, name, after, name, parts["authority"].iloc[0]))
        if kind == "split":
            for before, parts in step.groupby("before"):
                if before not in set(parts["after"]):
                    name = parts["before_name"].iloc[0]
                    rows.append((day, kind, before, name, before, name, parts["authority"].iloc[0]))
        known.update(step["before"], step["after"])
    return check_events(pd.concat([events, pd.DataFrame(rows, columns=list(COLUMNS))], ignore_index=True))
