"""The folder of proposed areas: written whole, and never at the cost of other files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diagnosis.csv_files import to_csv
from diagnosis.errors import InputError, examples
from diagnosis.provenance import code_digest, file_digest, package_versions
from diagnosis.report.area_text import MANIFEST, README, describe_columns, readme
from diagnosis.report.words import Words
from diagnosis.storage import whole_folder

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from diagnosis.studies.delineation import Delineation

TABLES = ("areas", "quality", "links", "history", "reserve", "stability", "columns")
OF_THE_SYSTEM = {".DS_Store", "Thumbs.db"}
OURS = {README, MANIFEST, "areas.gpkg", *(f"{name}.csv" for name in TABLES), *OF_THE_SYSTEM}
OF_GEOGRAPHIES = re.compile(r"(differences|quality)_[\w-]+\.csv")
PACKAGES = (
    "diagnosis",
    "geopandas",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "shapely",
)


def check_folder(folder: Path, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Make sure that nothing is lost when a folder is replaced.

    Raises
    ------
    diagnosis.errors.InputError
        It holds a file that is not ours, or one that is read, or (unless `overwrite`) ours were changed.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder.name} must be a folder", "it is a file", "Choose another name")
    names = sorted(path.name for path in folder.iterdir())
    foreign = [name for name in names if name not in OURS and not OF_GEOGRAPHIES.fullmatch(name)]
    if foreign or any((folder / name).is_dir() for name in names):
        raise InputError(
            f"{folder.name}: the folder must be new, empty, or hold only the files of an earlier run",
            f"it also holds {examples(foreign or names)}",
            "Choose another folder; nothing was written",
        )
    if read := [path.name for path in inputs if path.resolve().parent == folder]:
        raise InputError(
            f"{folder.name}: files that are read must lie outside the folder that is written",
            f"{examples(read)} lie in it",
            "Choose another folder",
        )
    if names and not overwrite and not _unchanged(folder, names):
        raise InputError(
            f"{folder.name}: a folder with results that were changed, or are not of one run, is not replaced",
            f"it holds {examples(names)}",
            "Choose another folder, or replace it with --overwrite",
        )


def _unchanged(folder: Path, names: list[str]) -> bool:
    try:
        outputs = dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["outputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    written = {name for name in names if name not in {MANIFEST, *OF_THE_SYSTEM}}
    return written <= set(outputs) and all(file_digest(folder / name) == outputs[name] for name in written)


def write_folder(result: Delineation, folder: Path, language: str, created: datetime | None = None) -> None:
    """Write proposed areas into a folder, whole or not at all.

    Parameters
    ----------
    result : Delineation
    folder : Path
        Takes the place of an older one: :func:`check_folder` first.
    language : {"it", "en"}
    created : datetime, optional
        Moment of the run.

    Raises
    ------
    diagnosis.errors.InputError
        The folder cannot be written.
    """
    try:
        with whole_folder(folder) as part:
            _write(result, part, Words(language), created)
    except OSError as error:
        raise InputError(
            f"{folder.name}: the folder must be writable",
            str(error.strerror or error),
            "Free space, correct its rights, or choose another folder",
        ) from None


def _write(result: Delineation, folder: Path, words: Words, created: datetime | None) -> None:
    tables = {**result.tables, "columns": describe_columns(result.tables, words)}
    for name, table in tables.items():
        (folder / f"{name}.csv").write_text(to_csv(table), encoding="utf-8", newline="")
    if result.polygons is not None:
        _write_map(result.polygons, result.tables["quality"], folder / "areas.gpkg")
    written = sorted(path.name for path in folder.iterdir())
    text = readme(result.facts, result.comparisons, result.inputs, result.remarks, written, words)
    (folder / README).write_text(text, encoding="utf-8")
    manifest = {
        "created": None if created is None else created.isoformat(),
        "code_version": code_digest(),
        "packages": package_versions(PACKAGES),
        "language": words.language,
        "inputs": result.inputs,
        **result.facts,
        "comparisons": {
            name: {key: None if np.isnan(value) else float(value) for key, value in numbers.items()}
            for name, numbers in result.comparisons.items()
        },
        "notes": [item["en"] for item in result.remarks],
        "outputs": {path.name: file_digest(path) for path in sorted(folder.iterdir())},
    }
    content = json.dumps(manifest, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / MANIFEST).write_text(content + "\n", encoding="utf-8")


def _write_map(polygons: gpd.GeoDataFrame, quality: pd.DataFrame, path: Path) -> None:
    areas = polygons.dropna(subset="area")[["area", "geometry"]].dissolve("area")
    described = areas.join(quality)
    described.reset_index().to_file(path, layer="areas", driver="GPKG")
    polygons.reset_index().to_file(path, layer="municipalities", driver="GPKG")
