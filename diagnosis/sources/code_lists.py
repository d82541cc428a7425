"""ISTAT's lists of municipalities, suppressed municipalities and their variations: the history of the codes.

The lists of 2011, 2025 and 2026 and that of suppressed municipalities have been read as ISTAT publishes them. The
variations of SITUAS (report 129) are read in the layout its open service is known to have; no such file has been met.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd

from diagnosis.codes import format_codes
from diagnosis.codes.events import (
    KNOWN_SINCE,
    check_events,
    combine_events,
    find_renumberings,
    known_events,
)
from diagnosis.codes.history import LIST_DAYS, CodeHistory, municipalities_on
from diagnosis.errors import SourceError, examples
from diagnosis.sources.embedded import read_register
from diagnosis.sources.formats import pick_columns, read_delimited
from diagnosis.sources.istat import read_municipality_list

SARDINIA = "20"
FIRST_DAY = "2011-01-01"

SARDINIA_2017 = (
    "2017-01-01",
    "Regione Sardegna, legge 4 February 2016 n. 2; ISTAT used the codes of 110 provinces until 2016",
)
SARDINIA_2026 = (
    "2026-01-01",
    "Regione Sardegna, legge 12 April 2021 n. 7; ISTAT uses the new codes from 1 January 2026",
)
"""Days from which ISTAT's statistics use the codes of Sardinia's new provinces, with the law."""

LISTED_2026 = "2026-08-14"
"""Day of the list of SITUAS: later events are not known."""

SUPPRESSED = "ISTAT list of suppressed municipalities"

VARIATIONS = {
    "ES": "merger",
    "CECS": "split",
    "AP": "renumbering",
    "RN": "renumbering",
    "RNAPUTS": "renumbering",
    "CDAP": "renumbering",
}
"""SITUAS's kinds of variation that change codes: extinction, cession for a new municipality, change of province, new
number. Not among them: constitution (CS) and acquisition by extinction (AQES), which repeat an extinction from the
other side; cession and acquisition of territory (CE, AQ) and new names (CD), which change no code."""


def read_suppression_list(path: Path) -> pd.DataFrame:
    """Read ISTAT's list of suppressed municipalities as it stands, every cell as text.

    Parameters
    ----------
    path : Path
        CSV separated by semicolons, in Windows-1252 (ISTAT) or UTF-8 (others).

    Returns
    -------
    DataFrame of str

    Raises
    ------
    diagnosis.errors.SourceError
        The file cannot be read.
    """
    path = Path(path)
    try:  # ISTAT writes Windows-1252, others UTF-8; a text that is not UTF-8 is taken for the former
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    except OSError as problem:
        raise _unreadable(path, problem) from problem
    try:
        return pd.read_csv(io.StringIO(text), sep=";", dtype=str, keep_default_na=False)
    except ValueError as problem:
        raise _unreadable(path, problem) from problem


def read_suppressed(path: Path) -> pd.DataFrame:
    """Read who took the place of the municipalities that were suppressed since 2011.

    Parameters
    ----------
    path : Path
        ISTAT's list: CSV separated by semicolons, one row a suppressed municipality since 1861.

    Returns
    -------
    DataFrame of str
        Events of the kind ``merger``, see :func:`diagnosis.codes.events.known_events`.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this list, or an event has no day.
    """
    path = Path(path)
    raw = read_suppression_list(path)
    columns = {
        "Data evento": "date",
        "Codice Comune": "before",
        "Codice del Comune associato alla variazione": "after",
    }
    mergers = pick_columns(raw, columns, path)
    for theirs, ours in (
        ("Denominazione Comune", "before_name"),
        ("Denominazione Comune associato alla variazione", "after_name"),
    ):
        mergers[ours] = raw[theirs].str.strip() if theirs in raw else ""
    days = pd.to_datetime(mergers["date"], format="%d/%m/%Y", errors="coerce")
    if (wrong := days.isna()).any():
        raise SourceError(
            f"{path.name}: every event must have a day, as dd/mm/yyyy",
            f"{int(wrong.sum())} have none, for instance {examples(mergers.loc[wrong, 'date'])}",
        )
    mergers = mergers.assign(date=days.dt.strftime("%Y-%m-%d"))[days >= FIRST_DAY]
    return check_events(
        mergers.assign(
            kind="merger",
            before=format_codes(mergers["before"]),
            after=format_codes(mergers["after"]),
            authority=SUPPRESSED,
        )
    )


def read_municipality_list_2025(path: Path) -> pd.DataFrame:
    """Read the list of municipalities of 2025, with the codes each had from 2010 to 2016.

    Parameters
    ----------
    path : Path
        ISTAT's permanent list (Elenco dei comuni italiani): CSV separated by semicolons, names of columns over
        several lines.

    Returns
    -------
    DataFrame of str, 7,896 rows
        Indexed by ``code``: ``code_2016``, ``cadastral``, ``name``, ``region``.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this list.
    """
    path = Path(path)
    columns = {
        "Codice Comune formato alfanumerico": "code",
        "Codice Comune numerico con 110 province*": "code_2016",
        "Codice Catastale del comune": "cadastral",
        "Denominazione in italiano": "name",
        "Codice Regione": "region",
    }
    listed = pick_columns(read_delimited(path), columns, path)
    listed = listed.assign(
        code=format_codes(listed["code"]),
        code_2016=format_codes(listed["code_2016"]),
        region=format_codes(listed["region"], 2),
    )
    return listed.set_index("code")


def read_municipality_list_2011(path: Path) -> pd.DataFrame:
    """Read the list of municipalities of the census of 2011.

    Parameters
    ----------
    path : Path
        ISTAT's administrative units of 2011 as CSV: ``PRO_COM_T``, ``CODICE_CATASTALE``, ``COMUNE``, ``COD_REG``,
        ``POP_2011``.

    Returns
    -------
    DataFrame, 8,092 rows
        Indexed by ``code``: ``cadastral``, ``name``, ``region`` (text), ``population`` (residents).

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this list.
    """
    path = Path(path)
    columns = {
        "PRO_COM_T": "code",
        "CODICE_CATASTALE": "cadastral",
        "COMUNE": "name",
        "COD_REG": "region",
        "POP_2011": "population",
    }
    listed = pick_columns(read_delimited(path), columns, path)
    population = pd.to_numeric(listed["population"], errors="coerce")
    if (wrong := population.isna()).any():
        raise SourceError(
            f"{path.name}: POP_2011 must be a number", f"found {examples(listed.loc[wrong, 'population'])}"
        )
    listed = listed.assign(
        code=format_codes(listed["code"]), region=format_codes(listed["region"], 2), population=population
    )
    return listed.set_index("code")


def read_variations(path: Path) -> pd.DataFrame:
    """Read the variations of municipalities since 1991 from SITUAS, report 129.

    Parameters
    ----------
    path : Path
        JSON of the open service (``reportspooljson?pfun=129&pdata=31/12/2026``): ``resultset``, a list of records
        with ``DATA_INIZIO_AMMINISTRATIVA`` (ISO), ``DESC_COD_VARIAZIONE`` (``ES-...``), ``PRO_COM_T``, ``COMUNE``,
        ``PRO_COM_T_REL``, ``COMUNE_REL``, ``PROVVEDIMENTO``.

    Returns
    -------
    DataFrame of str
        Events since 2011, see :func:`diagnosis.codes.events.known_events`. Days are those of the law, which may come
        before the year from which statistics use a code (Sardinia 2016). ``attrs["notes"]`` counts the moves of
        territory, which change no code and are not carried.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this report, or has a kind of variation that is not known.

    Notes
    -----
    The layout is that which public users of the service rely on; the reader has not met a real file.
    """
    path = Path(path)
    try:
        raw = pd.DataFrame(json.loads(path.read_text(encoding="utf-8-sig"))["resultset"], dtype=object)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise SourceError(
            f"{path.name} must be JSON with the list 'resultset'", f"it cannot be read: {problem!r}"
        ) from problem
    columns = {
        "DATA_INIZIO_AMMINISTRATIVA": "date",
        "DESC_COD_VARIAZIONE": "kind",
        "PRO_COM_T": "before",
        "COMUNE": "before_name",
        "PRO_COM_T_REL": "after",
        "COMUNE_REL": "after_name",
        "PROVVEDIMENTO": "authority",
    }
    records = pick_columns(raw, columns, path).fillna("").astype("str")
    records["date"] = records["date"].str[:10]
    kinds = records["kind"].str.partition("-")[0].str.strip()
    told = {*VARIATIONS, "CS", "AQES", "CE", "AQ", "CD"}
    if odd := sorted(set(kinds) - told):
        raise SourceError(
            f"{path.name}: every variation must be of a known kind",
            f"unknown: {examples(odd)}",
            "The service may have changed: what the kind does to codes must be settled first",
        )
    events = records[kinds.isin(list(VARIATIONS)) & (records["date"] >= FIRST_DAY)]
    events = events.assign(
        kind=kinds.map(VARIATIONS),
        before=format_codes(events["before"]),
        after=format_codes(events["after"]),
        authority="ISTAT SITUAS: " + events["authority"],
    )
    table = combine_events(events[events["before"] != events["after"]], known_events().iloc[:0])
    moved = int((kinds == "CE").sum())
    table.attrs["notes"] = [f"{moved} moves of territory between municipalities change no code: not carried."]
    return table


def read_code_history(
    suppressed: Path | None = None,
    list_2025: Path | None = None,
    list_2026: Path | None = None,
    list_2011: Path | None = None,
) -> CodeHistory:
    """Build the history of municipality codes from the lists at hand.

    Parameters
    ----------
    suppressed : Path, optional
        List of suppressed municipalities; with it the history begins in 2017, without it on 1 July 2020.
    list_2025, list_2011 : Path, optional
        List of 2025, which has the codes of 2010-2016 too, or of the census of 2011: with either of them, and
        `suppressed`, the history begins in 2011.
    list_2026 : Path, optional
        List of 2026 (SITUAS), which has Sardinia's new codes: with it the history reaches to August 2026, without
        it to the end of 2025.

    Returns
    -------
    CodeHistory
        Its municipalities have been compared with every list given.

    Raises
    ------
    diagnosis.errors.SourceError
        A file is not the list it should be, or lists and events disagree about the municipalities of a day.
    """
    register = read_register()
    listed = read_suppressed(suppressed) if suppressed else known_events().iloc[:0]
    lists = {}
    renumbered = []
    sardinia = register.loc[register["region"] == SARDINIA, "cadastral"]
    since = "2017-01-01" if suppressed else KNOWN_SINCE
    if list_2025:
        lists["2025"] = read_municipality_list_2025(list_2025)
    if list_2011:
        lists["2011"] = read_municipality_list_2011(list_2011)
    if lists and suppressed:
        since = FIRST_DAY
        if list_2025:
            table = lists["2025"][lists["2025"]["region"] == SARDINIA]
            before = table.set_index("code_2016")["cadastral"]
        else:
            before = lists["2011"].loc[lists["2011"]["region"] == SARDINIA, "cadastral"]
        renumbered.append(find_renumberings(before, sardinia, *SARDINIA_2017))
    until = "2025-12-31"
    if list_2026:
        until = LISTED_2026
        lists["2026"] = read_municipality_list(list_2026)
        after = lists["2026"].loc[lists["2026"]["region"] == SARDINIA, "cadastral"]
        renumbered.append(find_renumberings(sardinia, after, *SARDINIA_2026))
    events = combine_events(listed, pd.concat([known_events(), *renumbered]))
    history = CodeHistory(register, events, since, until)
    for vintage, table in lists.items():
        if since <= LIST_DAYS[vintage] <= until:
            _compare(table.index, vintage, history)
    return history


def _compare(codes: pd.Index, vintage: str, history: CodeHistory) -> None:
    expected = municipalities_on(vintage, history)
    if len(odd := codes.symmetric_difference(expected)):
        raise SourceError(
            f"The list of municipalities of {vintage} must agree with the events between it and 2022",
            f"{len(odd)} codes are only on one side: {examples(odd)}",
            "Use lists of the days that data/sources.yml names, and the list of suppressed municipalities of 2024 or "
            "later",
        )


def _unreadable(path: Path, problem: Exception) -> SourceError:
    reason = str(problem).replace(str(path), path.name)
    return SourceError(
        f"{path.name} must be a CSV file separated by semicolons", f"it cannot be read: {reason}"
    )
