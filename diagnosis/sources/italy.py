"""The tables of Italy: which of their files are here, and how each table is read from its own."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from diagnosis.config import Settings
from diagnosis.errors import SourceError
from diagnosis.provenance import SourceFile, SourceRecord, code_digest, digest, load_sources
from diagnosis.schema import Text
from diagnosis.sources import embedded, istat
from diagnosis.sources.content import check_content
from diagnosis.sources.readers import COMPANIONS, READERS
from diagnosis.sources.store import Store
from diagnosis.storage import TableReader

COMMUTING = "commuting_2021"
EMBEDDED = {
    # source id -> the tables read from it
    "municipalities_2022": {
        "municipalities": embedded.read_municipalities,
        "provinces": embedded.read_provinces,
    },
    "population_2022": {"population": embedded.read_population},
}
READING_CODE = ("codes", "errors", "provenance", "schema", "sources", "storage", "tables")
"""What a table depends on besides its files: a change anywhere else leaves the saved tables good."""


@dataclass(frozen=True)
class ItalianFiles:
    """The files of Italy's tables, before any is read.

    Attributes
    ----------
    files : dict of str to SourceFile
        By source; companions of a source too. A source without all of its files is not there.
    records : tuple of SourceRecord
        The same with their entries in the list of sources.
    absent : dict of str to Text
        For each table whose files are not here: what that costs.
    key : str
        Digest of the files and of all code.
    observed : Path or None
        Observed part of a commuting matrix that is partly estimated.
    """

    files: Mapping[str, SourceFile]
    records: tuple[SourceRecord, ...]
    absent: Mapping[str, Text]
    key: str
    observed: Path | None = None

    @property
    def commuting(self) -> SourceFile | None:
        """File of the commuting matrix."""
        return self.files.get(COMMUTING)


def find_files(settings: Settings) -> ItalianFiles:
    """Find the files of every table; reads none of them but for its checksum."""
    sources = load_sources(settings.sources)
    store = Store(sources, settings.raw, settings.mirror)
    files = {name: store.find(name) for name in EMBEDDED}
    absent = {}
    for source_id, (table, _, _) in READERS.items():
        here = {}
        for name in _needed(source_id):
            source = sources[name]
            try:
                here[name] = files.get(name) or store.find(name)
            except SourceError:
                absent[table] = Text(
                    it=f"{source.title.it}. Senza, mancano: {source.needed_for.it}.",
                    en=f"{source.title.en}. Without it these are missing: {source.needed_for.en}.",
                )
                break
        else:
            files |= here
    records = tuple(SourceRecord.of(file, sources[name]) for name, file in files.items())
    observed = None
    if settings.mirror and (name := sources[COMMUTING].stand_in_observed):
        observed = settings.mirror / name if (settings.mirror / name).is_file() else None
    return ItalianFiles(files, records, absent, digest(code_digest(), files, observed), observed)


def table_readers(found: ItalianFiles) -> dict[str, TableReader]:
    """Say how each table that can be had is read; reads none.

    Parameters
    ----------
    found : ItalianFiles

    Returns
    -------
    dict of str to TableReader
        By table, under the digest of its own files, the embedded ones, which every reader may look at, and the
        code that reads.
    """
    basis = digest(code_digest(*READING_CODE), {name: found.files[name] for name in EMBEDDED})
    readers = {
        table: TableReader(basis, read) for tables in EMBEDDED.values() for table, read in tables.items()
    }
    for source_id, (table, module, function) in READERS.items():
        if source_id not in found.files:
            continue
        files = [found.files[name] for name in _needed(source_id)]
        read, observed = partial(_read, module, function, files), None
        if source_id == COMMUTING and files[0].stands_in:
            observed = found.observed
            read = partial(_read_marked, read, observed)
        readers[table] = TableReader(digest(basis, module, function, files, observed), read)
    return readers


def sources_of(table: str) -> tuple[str, ...]:
    """Return the sources a table of Italy is read from; none where it is no such table."""
    embedded_ids = tuple(source for source, tables in EMBEDDED.items() if table in tables)
    return embedded_ids or tuple(
        name for source, (read, _, _) in READERS.items() if read == table for name in _needed(source)
    )


def _needed(source_id: str) -> tuple[str, ...]:
    return (source_id, *COMPANIONS.get(source_id, ()))


def _read(module: str, function: str, files: list[SourceFile]) -> pd.DataFrame:
    for file in files:
        if not file.as_listed:  # of unknown make: a reader of workbooks trusts what they say of their size
            check_content(file.path, file.path.name)
    reader = getattr(importlib.import_module(f"diagnosis.sources.{module}"), function)
    return reader(*(file.path for file in files))


def _read_marked(read: Callable[[], pd.DataFrame], observed: Path | None) -> pd.DataFrame:
    return istat.mark_estimated(read(), observed)
