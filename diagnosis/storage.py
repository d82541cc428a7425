"""Tables and facts on disk: Parquet and JSON in one folder, written whole or not at all."""

from __future__ import annotations

import errno
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from diagnosis.errors import InputError

FACTS = "facts.json"
ATTEMPTS = 50
OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST)
"""Another process has put its own folder there between our two renames: replace that one."""


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `folder` when the block ends without an error.

    Two renames at the end put the old folder aside and the new one in its place: a process killed before them leaves
    the old folder, one killed between them leaves both beside it under hidden names, never a mixture. Of several
    processes that finish the same folder, the last one's stays.

    Raises
    ------
    diagnosis.errors.InputError
        The folder cannot be made, or is a file.
    """
    if folder.is_file():
        raise _unwritable(folder, "it is a file")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
        part.chmod(0o755)  # mkdtemp's are closed to other users
    except OSError as error:
        raise _unwritable(folder, error.strerror) from None
    try:
        yield part
        try:
            _put_in_place(part, folder)
        except OSError as error:
            raise _unwritable(folder, error.strerror) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _put_in_place(part: Path, folder: Path) -> None:
    """Rename `part` to `folder`; what was there goes when the new one stands, or comes back."""
    replaced: list[Path] = []
    try:
        for attempt in range(ATTEMPTS):
            aside = part.with_suffix(f".{attempt}.old")
            with suppress(FileNotFoundError):
                folder.rename(aside)
                replaced.append(aside)
            try:
                part.rename(folder)
                break
            except OSError as error:
                if error.errno not in OCCUPIED or attempt == ATTEMPTS - 1:
                    raise
    except OSError:
        if replaced and not folder.exists():
            replaced.pop().rename(folder)
        raise
    finally:
        for aside in replaced:
            shutil.rmtree(aside, ignore_errors=True)


def _unwritable(folder: Path, reason: str | None) -> InputError:
    return InputError(
        f"The folder {folder.name} must be writable",
        f"{folder}: {reason}",
        "Free space, correct its rights, or choose another folder",
    )


def save_content(folder: Path, content: Mapping[str, Any]) -> None:
    """Write tables and facts into a folder, whole or not at all.

    Parameters
    ----------
    folder : Path
        Takes the place of an older one.
    content : mapping
        DataFrames and GeoDataFrames become Parquet; everything else goes into one JSON.

    Raises
    ------
    diagnosis.errors.InputError
        The folder cannot be written.
    """
    try:
        with whole_folder(folder) as part:
            _write_content(part, content)
    except OSError as error:
        raise _unwritable(folder, error.strerror or str(error)) from None


def _write_content(folder: Path, content: Mapping[str, Any]) -> None:
    facts, tables = {}, []
    for name, value in content.items():
        if isinstance(value, pd.DataFrame):
            value.to_parquet(folder / f"{name}.parquet")
            tables.append(name)
        elif isinstance(value, pd.Series):
            raise TypeError(f"{name}: save a Series as a one-column DataFrame")
        else:
            facts[name] = value
    stored = {"tables": tables, "facts": facts}
    text = json.dumps(stored, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    (folder / FACTS).write_text(text + "\n", encoding="utf-8")


def read_content(folder: Path) -> dict[str, Any]:
    """Read back what :func:`save_content` wrote.

    Raises
    ------
    diagnosis.errors.InputError
        The folder is not complete.
    """
    try:
        stored = _read_facts(folder)
        tables = {name: _read_parquet(folder / f"{name}.parquet") for name in stored["tables"]}
        return {**stored["facts"], **tables}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder.name} must be a folder of saved results", str(error), "Delete the folder and run again"
        ) from None


def _read_facts(folder: Path) -> dict[str, Any]:
    return json.loads((folder / FACTS).read_text(encoding="utf-8"))


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet as pq

    if b"geo" in (pq.read_schema(path).metadata or {}):
        import geopandas as gpd

        return gpd.read_parquet(path)
    return pd.read_parquet(path)


class StageCache:
    """Results of stages, each under the digest of its inputs.

    Parameters
    ----------
    folder : Path
        Where the results are kept; made on first use.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, stage: str, key: str, compute: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Return the saved result of `stage` under `key`, or compute and save it.

        A saved result that cannot be read is computed again; it is a cache, not a source.
        """
        folder = self.folder / f"{stage}-{key}"
        if folder.is_dir():
            try:
                return read_content(folder)
            except InputError:
                shutil.rmtree(folder, ignore_errors=True)
        content = dict(compute())
        save_content(folder, content)
        return content

    def holds(self, stage: str, key: str) -> bool:
        """Whether there is a saved result of `stage` under `key`."""
        return (self.folder / f"{stage}-{key}" / FACTS).is_file()

    def facts(self, stage: str, key: str) -> dict[str, Any] | None:
        """Return what a saved result has besides its tables, without reading them; None if it cannot be read."""
        try:
            return _read_facts(self.folder / f"{stage}-{key}")["facts"]
        except (OSError, ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True)
class TableReader:
    """How a table is read: the digest of all it is read from, and the function that reads it."""

    key: str
    read: Callable[[], pd.DataFrame]


class SavedTables(Mapping[str, pd.DataFrame]):
    """Tables that are read when first used, and kept on disk each under a key of its own.

    Parameters
    ----------
    cache : StageCache
        Where they are kept.
    readers : mapping of str to TableReader
        By table; what a reader leaves in ``attrs["notes"]`` is kept beside its table.
    """

    def __init__(self, cache: StageCache, readers: Mapping[str, TableReader]) -> None:
        self._cache, self._readers = cache, dict(readers)
        self._contents: dict[str, dict[str, Any]] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self._content(name)["table"]

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)

    def __contains__(self, name: object) -> bool:
        return name in self._readers  # Mapping's own would read the table

    @property
    def held(self) -> tuple[str, ...]:
        """The tables that are in memory."""
        return tuple(self._contents)

    def save(self) -> None:
        """Read and save the tables that are not saved yet, so that a broken file is known before they are used."""
        for name, reader in self._readers.items():
            if not self._cache.holds(_stage(name), reader.key):
                self._content(name)

    def notes(self) -> tuple[str, ...]:
        """Return what the readers had to bridge or leave out, each note after the name of its table."""
        found = []
        for name, reader in self._readers.items():
            facts = self._contents.get(name) or self._cache.facts(_stage(name), reader.key)
            notes = (facts or self._content(name))["notes"]
            found += [f"{name}: {note}" for note in notes]
        return tuple(found)

    def _content(self, name: str) -> dict[str, Any]:
        if name not in self._contents:
            reader = self._readers[name]

            def compute() -> dict[str, Any]:
                table = reader.read()
                notes, table.attrs = list(table.attrs.get("notes", [])), {}
                return {"table": table, "notes": notes}

            self._contents[name] = self._cache.get(_stage(name), reader.key, compute)
        return self._contents[name]


def _stage(table: str) -> str:
    return f"table-{table}"
