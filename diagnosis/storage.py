"""Tables and facts on disk: Parquet and JSON in one folder, written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from diagnosis.errors import InputError

FACTS = "facts.json"


@contextmanager
def whole_folder(folder: Path):
    """Yield an empty folder that takes the place of `folder` when the block ends without an error.

    The rename is the last step, so that a process killed half-way leaves either the old folder or the new one,
    never a mixture.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        part.chmod(0o755)
        yield part
        old = None
        if folder.exists():
            old = part.with_suffix(".old")
            folder.rename(old)
        part.rename(folder)
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_content(folder: Path, content: Mapping[str, Any]) -> None:
    """Write DataFrames and GeoDataFrames as Parquet, everything else into one JSON."""
    facts = {}
    for name, value in content.items():
        if isinstance(value, pd.DataFrame):
            value.to_parquet(folder / f"{name}.parquet")
        elif isinstance(value, pd.Series):
            raise TypeError(f"{name}: save a Series as a one-column DataFrame")
        else:
            facts[name] = value
    text = json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    (folder / FACTS).write_text(text + "\n", encoding="utf-8")


def read_content(folder: Path) -> dict[str, Any]:
    """Read back what :func:`write_content` wrote.

    Raises
    ------
    diagnosis.errors.InputError
        The folder is not complete.
    """
    try:
        content = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.parquet")):
            content[path.stem] = _read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{folder.name} must be a folder of saved results", str(error), "Delete the folder and run again"
        ) from None
    return content


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
        try:
            with whole_folder(folder) as part:
                write_content(part, content)
        except OSError as error:
            if not os.access(self.folder.parent, os.W_OK) or not self.folder.exists():
                raise InputError(
                    "The folder of saved results must be writable",
                    f"{self.folder}: {error.strerror}",
                    "Free space, or choose another folder with --work",
                ) from None
            # Two processes may finish the same stage at once: the first one's result is as good as ours.
            if not folder.is_dir():
                raise
        return content
