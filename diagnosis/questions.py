"""Questions across all tables in SQL: answered by DuckDB in memory, which reads no file and reaches no network."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from diagnosis.catalogue import check_language
from diagnosis.config import Settings, default_settings
from diagnosis.errors import InputError, examples, unknown_name
from diagnosis.indicators import MEASURES
from diagnosis.national.shared import National, load_national
from diagnosis.provenance import SourceRecord
from diagnosis.schema import Text
from diagnosis.sources.italy import sources_of
from diagnosis.territory import (
    ESTIMATED_TAIL,
    MODELLED,
    Country,
    Territory,
    load_country,
    load_territory,
)

if TYPE_CHECKING:
    import duckdb

Tables = Mapping[str, Callable[[], pd.DataFrame]]

SAFEGUARDS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",  # no file, no network, no other database
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",  # no variable of the caller
    "temp_directory": "",
    "memory_limit": "4GB",
    "lock_configuration": "true",
}
COMPUTED = Text(it="calcolata dalle altre tabelle", en="computed from the other tables")
LISTED = Text(it="elenco di questo progetto", en="list of this project")
PARTLY = ("indicators", "groups")
"""Tables some of whose columns are computed from flows; scores count neither modelled flows nor an estimated tail."""
KINDS = {
    MODELLED: Text(it="modellata", en="modelled"),
    ESTIMATED_TAIL: Text(it="coda stimata", en="estimated tail"),
}
IN_PART = Text(it="in parte: {}", en="in part: {}")
NOTES = {
    MODELLED: Text(
        it="Manca la matrice del pendolarismo: i flussi sono STIMATI con un modello. In questa risposta riguarda: {}.",
        en="There is no commuting matrix: flows are ESTIMATED by a model. In this answer it concerns: {}.",
    ),
    ESTIMATED_TAIL: Text(
        it="La coda dei flussi di pendolari è STIMATA (i totali per comune no). In questa risposta riguarda: {}.",
        en="The tail of commuting flows is ESTIMATED (totals by municipality are not). In this answer it concerns: {}.",
    ),
}
EVERY_COLUMN = re.compile(r"\bunpivot\b|\bcolumns\s*\(", re.IGNORECASE)
SHOW_TABLES = re.compile(r"\s*show\s+(all\s+)?tables\s*;?\s*", re.IGNORECASE)
NO_TABLE = re.compile(r"Table with name \"?(.+?)\"? does not exist|Referenced table \"(.+?)\" not found")
NO_COLUMN = re.compile(
    r"Referenced column \"(.+?)\" not found|(?:Table|Values list) \".+?\" does not have a column named \"(.+?)\""
)
SEE_TABLES = "See the tables with `diagnosis.list_tables()`, or in SQL with `from tables`"


def query(
    sql: str,
    *,
    country: Country | None = None,
    territory: Territory | str | None = None,
    settings: Settings | None = None,
    language: str = "it",
    seconds: float = 120.0,
    **parameters: Any,
) -> pd.DataFrame:
    """Ask a question in SQL over everything that is loaded.

    Parameters
    ----------
    sql : str
        One SELECT of DuckDB's SQL. The tables are those of :func:`list_tables`: the country's own
        (:mod:`diagnosis.tables`; without geometry), ``indicators`` and ``scores`` (one row a municipality),
        ``groups`` and ``group_scores`` (country, regions, provinces), ``province_scores`` (BES domains), ``gaps``,
        ``catalogue``, ``sources``, ``tables``. Only those the text names are read.
    country : Country, optional
        Italy if not given.
    territory : Territory or str, optional
        A study territory, or the name of its city: its country is asked, and a table ``territory`` holds its codes.
    settings : Settings, optional
        Folders and mirror; the project's own if not given.
    language : {"it", "en"}
        Of the texts in ``catalogue``, ``sources`` and ``tables``.
    seconds : float
        After which the question is given up.
    **parameters
        Values of ``$name`` in the text: numbers, texts, or lists of them (``code = any($codes)``).

    Returns
    -------
    DataFrame
        Codes are text; NULL is a missing value. ``attrs["notes"]`` is a list of sentences: what in the answer rests
        on commuting flows that a model estimates, in whole or in their tail; empty where nothing does.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        There is no such table, column or parameter; the nearest name is given.
    diagnosis.errors.InputError
        The text is not one SELECT, reaches outside the tables, lacks a parameter, or cannot be carried out.

    Examples
    --------
    >>> import diagnosis as dg
    >>> dg.query(
    ...     "select m.name, i.ageing_index from indicators i join municipalities m using (code) "
    ...     "where m.province = $province order by all limit 3",
    ...     province="089",
    ... )  # doctest: +SKIP
    """
    place, tables = _tables(country, territory, settings, language)
    if not isinstance(sql, str):
        raise InputError("A query must be a text in SQL", f"found {type(sql).__name__}")
    if any("\ud800" <= character <= "\udfff" for character in sql):
        raise InputError(
            "A query must be text that can be written as UTF-8", "it holds bytes that are no text"
        )
    if SHOW_TABLES.fullmatch(sql):
        sql = "from tables"  # DuckDB would show only the tables a text names
    import duckdb

    named = {name: read for name, read in tables.items() if re.search(rf"\b{name}\b", sql, re.IGNORECASE)}
    with duckdb.connect(":memory:", config=SAFEGUARDS) as connection:
        columns: list[str] = []
        try:
            statement = _only_select(connection.extract_statements(sql))
            values = _values(statement.named_parameters, parameters)
            for name, read in named.items():
                frame = _plain(read())
                columns.extend(frame.columns)
                connection.register(name, _to_arrow(frame))
            clock = threading.Timer(seconds, connection.interrupt)
            clock.daemon = True
            clock.start()
            try:
                found = connection.execute(statement, values).df()
            finally:
                clock.cancel()
        except duckdb.InterruptException:
            raise InputError(
                f"A query must be answered within {seconds:g} seconds",
                "it was not",
                "Ask for less: join on keys, filter first",
            ) from None
        except duckdb.Error as error:
            raise _explain(str(error), tables, columns) from None
    found.attrs["notes"] = _notes(place, named, sql, found.columns, language)
    return found


def list_tables(
    *,
    country: Country | None = None,
    territory: Territory | str | None = None,
    settings: Settings | None = None,
    language: str = "it",
) -> pd.DataFrame:
    """List the tables that :func:`query` can ask.

    Parameters
    ----------
    country, territory, settings, language
        See :func:`query`.

    Returns
    -------
    DataFrame
        Index ``table``; ``rows`` and ``columns`` (how many), ``source``, ``year``, ``kind`` (whether it rests on
        modelled flows or on an estimated tail), ``column_names`` (separated by commas).
        What is not saved yet is read or computed.
    """
    return _tables(country, territory, settings, language)[1]["tables"]()


def _tables(
    country: Country | None, territory: Territory | str | None, settings: Settings | None, language: str
) -> tuple[Country, Tables]:
    """Return the country asked and every table by name, each as the function that reads or computes it."""
    check_language(language)
    settings = settings or default_settings()
    if country is not None and territory is not None:
        raise InputError("Give a country or a territory, not both", "both were given")
    if isinstance(territory, str):
        territory = load_territory(territory, settings)
    if territory is not None:
        country = territory.country
    place = country or load_country(settings)

    @cache
    def national() -> National:
        return load_national(place, settings)

    read: dict[str, Callable[[], pd.DataFrame]] = {name: partial(place.table, name) for name in place.tables}
    described = {name: _origin(place, name, language) for name in read}
    computed: dict[str, Callable[[], pd.DataFrame]] = {
        "indicators": lambda: national().indicators()["values"],
        "groups": lambda: national().indicators()["groups"],
        "gaps": lambda: national().indicators()["gaps"],
        "scores": lambda: national().scores()["values"],
        "group_scores": lambda: national().scores()["groups"],
    }
    if "wellbeing" in read:
        computed["province_scores"] = lambda: national().wellbeing()["scores"]
    if territory is not None:
        codes = territory.codes
        computed["territory"] = lambda: pd.DataFrame(index=codes.rename("code"))
    listed: dict[str, Callable[[], pd.DataFrame]] = {
        "catalogue": lambda: national().catalogue.to_frame(language),
        "sources": lambda: _describe_sources(place.sources, language),
    }
    described |= dict.fromkeys(computed, (COMPUTED[language], "")) | dict.fromkeys(
        listed, (LISTED[language], "")
    )
    read |= computed | listed

    def describe() -> pd.DataFrame:
        rows = {}
        for name, (source, year) in described.items():
            frame = _plain(read[name]())
            kind = _kind(place, name, language)
            rows[name] = (*frame.shape, source, year, kind, ", ".join(frame.columns))
        return pd.DataFrame.from_dict(
            rows, orient="index", columns=["rows", "columns", "source", "year", "kind", "column_names"]
        ).rename_axis("table")

    return place, {**read, "tables": describe}


def _kind(country: Country, table: str, language: str) -> str:
    """Say whether a table rests on modelled flows, or on an estimated tail."""
    if country.flows_kind not in KINDS or "flows" not in country.tables:
        return ""
    kind = KINDS[country.flows_kind][language]
    if table == "flows":
        return kind
    return IN_PART[language].format(kind) if table in PARTLY else ""


def _notes(
    country: Country, named: Iterable[str], sql: str, columns: Iterable[object], language: str
) -> list[str]:
    """Say what in an answer rests on modelled flows, or on an estimated tail."""
    resting = {table for table in named if _kind(country, table, language)}
    names = ["flows"] if "flows" in resting else []
    if resting.intersection(PARTLY):
        words = {word.lower() for word in (*re.findall(r"\w+", sql), *map(str, columns))}
        every = EVERY_COLUMN.search(sql)
        tail = country.flows_kind == ESTIMATED_TAIL  # what sums a municipality's totals is exact then
        names += [
            name
            for name, measure in MEASURES.items()
            if "flows" in measure.tables and (every or name in words) and not (tail and measure.additive)
        ]
    return [NOTES[country.flows_kind][language].format(", ".join(names))] if names else []


def _origin(country: Country, table: str, language: str) -> tuple[str, str]:
    """Say from whom a table is, and of when."""
    wanted = {table, *sources_of(table)}  # the files of an own country are named like their tables
    records = [record for record in country.sources if record.id in wanted]
    labels = [(record.label or record.title)[language] for record in records]
    years = [record.reference_date for record in records if record.reference_date]
    return "; ".join(labels) or COMPUTED[language], "; ".join(dict.fromkeys(years))


def _describe_sources(records: Iterable[SourceRecord], language: str) -> pd.DataFrame:
    """Put the sources into a table; texts in one language."""
    columns = [name for name in SourceRecord.model_fields if name != "id"]
    rows = {}
    for record in records:
        values = [getattr(record, name) for name in columns]
        rows[record.id] = [value[language] if isinstance(value, Text) else value for value in values]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("id")


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its index as a column and without geometry, which has a meaning in metres only."""
    kept = [name for name, kind in table.dtypes.items() if str(kind) != "geometry"]
    flat = pd.DataFrame(table[kept])
    return flat if flat.index.names == [None] else flat.reset_index()


def _to_arrow(frame: pd.DataFrame) -> Any:
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)  # NaN becomes NULL


def _only_select(statements: list[duckdb.Statement]) -> duckdb.Statement:
    import duckdb

    kinds = [statement.type for statement in statements]
    if kinds != [duckdb.StatementType.SELECT]:
        found = examples(kind.name for kind in kinds) or "nothing"
        raise InputError("A query must be one SELECT", f"found {found}", "Ask one question at a time")
    return statements[0]


def _values(wanted: set[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters as DuckDB takes them."""
    for name in given:
        if name not in wanted:
            raise unknown_name("A parameter", name, wanted, "" if wanted else f"Write ${name} into the query")
    if missing := sorted(wanted - set(given)):
        raise InputError(
            "Every parameter of a query must have a value",
            f"without one: {examples(f'${name}' for name in missing)}",
            f"Give {missing[0]}=..." if missing[0].isidentifier() else "Write $name in place of ? and $1",
        )
    return {name: value.tolist() if hasattr(value, "tolist") else value for name, value in given.items()}


def _explain(message: str, tables: Iterable[str], columns: Iterable[str]) -> InputError:
    """Turn DuckDB's error into one that names what is there."""
    if found := NO_TABLE.search(message):
        return unknown_name("A table of a query", found[1] or found[2], tables)
    if found := NO_COLUMN.search(message):
        return unknown_name("A column of a query", found[1] or found[2], set(columns))
    if message.startswith("Permission Error"):
        return InputError(
            "A query may only read the tables that are loaded", message.splitlines()[0], SEE_TABLES
        )
    lines = [line.strip() for line in message.splitlines() if line.strip(" ^")]  # carets would point nowhere
    return InputError("A query must be SQL that DuckDB can carry out", "; ".join(lines), SEE_TABLES)
