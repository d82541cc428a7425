"""Areas that people have drawn: saved with what they are worth, and read back even from a table changed by hand."""

from __future__ import annotations

import datetime
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import yaml

from diagnosis.areas.numbering import number_areas
from diagnosis.csv_files import FORMULA_STARTS, to_csv
from diagnosis.errors import InputError, examples
from diagnosis.governance.proposal_file import (
    ProposalFile,
    check_name,
    describe_area,
    known,
    plain_text,
)
from diagnosis.provenance import digest
from diagnosis.schema import build, read_yaml
from diagnosis.sources.geographies import match_codes, read_areas

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from diagnosis.governance.draft import AreaMeasures

ENDINGS = (".gpkg", ".csv", ".yml")
"""The files of a proposal, in the order in which they are put in place: the YAML vouches for the table."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """A saved proposal.

    Attributes
    ----------
    name : str
    labels : pandas.Series of str
        Area of each municipality, index `code`.
    area_names : dict of str to str
        Name of each area; the area itself where the table has none.
    about : ProposalFile or None
        What its YAML says; None for a table without one.
    edited : bool
        Whether the table is another one than the YAML was written for: its figures then are not those of the areas.
    remarks : tuple of dict
        What had to be bridged in the table, in both languages.
    """

    name: str
    labels: pd.Series
    area_names: dict[str, str]
    about: ProposalFile | None = None
    edited: bool = False
    remarks: tuple[dict[str, str], ...] = field(default_factory=tuple)


def save_proposal(
    folder: str | Path,
    name: str,
    labels: pd.Series,
    municipalities: GeoDataFrame,
    area_names: Mapping[int, str],
    *,
    function: str,
    date: datetime.date | str,
    note: str = "",
    data: str = "",
    moved: Iterable[tuple[str, str, str]] = (),
    figures: Mapping[str, float] | None = None,
    measures: Mapping[int, AreaMeasures] | None = None,
    replace: bool = False,
) -> dict[str, Path]:
    """Save a proposal as YAML, CSV and GeoPackage, all three or none.

    Parameters
    ----------
    folder : str or Path
        Made if need be.
    name : str
        Of the files, without an ending: small letters, digits, ``.``, ``_`` and ``-``; see
        :func:`diagnosis.governance.proposal_file.suggest_name`.
    labels : pandas.Series of int
        Area of each municipality, by code. In the files areas are numbered from 1 by decreasing population.
    municipalities : geopandas.GeoDataFrame
        Indexed by code: `name`, polygons and, if known, `residents`.
    area_names : mapping of int to str
    function : str
        Name of the function the areas are for.
    date : datetime.date or str
        Day of the proposal, ``2026-05-31``.
    note : str
        The author's own words.
    data : str
        Version of the data: :attr:`diagnosis.territory.Country.key`.
    moved : iterable of (str, str, str)
        Code, and names of the area before and after, of each municipality that differs from the computed proposal.
    figures : mapping of str to float, optional
        Of the proposal as a whole.
    measures : mapping of int to AreaMeasures, optional
        Of each area.
    replace : bool, default False
        Write over a proposal of the same name.

    Returns
    -------
    dict of str to Path
        The files by ending.

    Raises
    ------
    diagnosis.errors.InputError
        The name or date cannot be used, there is such a proposal already, a municipality has no area, or the folder
        cannot be written. No file is changed then.
    """
    folder = Path(folder)
    check_name(name)
    table, numbers = _table(labels, municipalities, area_names)
    described = {
        "name": name,
        "function": function,
        "date": date,
        "note": plain_text(note),
        "data": data,
        "partition": partition_digest(table["area"]),
        "figures": {key: known(value) for key, value in (figures or {}).items()},
        "areas": {
            numbers[area]: describe_area(area_names[area], found) for area, found in (measures or {}).items()
        },
        "moved": [
            {"code": code, "name": table.at[code, "name"], "before": before, "after": after}
            for code, before, after in moved
        ],
    }
    about = build(ProposalFile, described, f"the proposal {name}")
    content = about.model_dump(mode="json")
    content["areas"] = {area: content["areas"][str(area)] for area in sorted(about.areas)}
    files = {ending: folder / f"{name}{ending}" for ending in ENDINGS}
    if not replace and (there := [path.name for path in files.values() if path.exists()]):
        raise InputError(
            "A proposal must not be written over by mistake",
            f"{examples(there)} is there already in {folder}",
            "Choose another name, or pass replace=True",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".part", dir=folder))
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        written = {ending: part / path.name for ending, path in files.items()}
        _write_map(written[".gpkg"], table, municipalities)
        written[".csv"].write_text(to_csv(table), encoding="utf-8")
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)
        written[".yml"].write_text(text, encoding="utf-8")
        _put_in_place(written, files, part)
    except OSError as error:
        raise _unwritable(folder, error) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return files


def read_proposal(path: str | Path, codes: Iterable[str] | None = None) -> Proposal:
    """Read a proposal.

    Parameters
    ----------
    path : str or Path
        Its YAML, its CSV, or both without an ending. A CSV alone will do: it may come from a spreadsheet, with other
        separators and without the leading zeros of the codes.
    codes : iterable of str, optional
        The municipalities that must be in it, each once, and no other.

    Returns
    -------
    Proposal

    Raises
    ------
    diagnosis.errors.InputError
        There is no such file, the YAML or the table is not one of a proposal, a code is unknown or repeated, or a
        municipality is missing or in no area.
    """
    path = Path(path)
    stem = path.with_suffix("") if path.suffix in ENDINGS else path
    description, table = stem.with_name(f"{stem.name}.yml"), stem.with_name(f"{stem.name}.csv")
    if not table.is_file():
        raise InputError(
            f"{table.name} must be there: it says which municipality is in which area",
            f"{table} was not found",
            "Save the proposal again, or correct the name",
        )
    about = None
    if description.is_file():
        about = build(ProposalFile, read_yaml(description), description.name)
    elif path.suffix == ".yml":
        raise InputError(f"{description.name} must be there", f"{description} was not found")
    areas = read_areas(table)
    found, names, remarks = areas, areas.attrs["names"], areas.attrs["remarks"]
    if codes is not None:
        found = _match(areas, pd.Index(codes, dtype="str"), table.name)
    if found.isna().any():
        raise InputError(
            f"{table.name}: every municipality must be in an area",
            f"without one: {examples(found.index[found.isna()])}",
            "Fill the column area",
        )
    found = found.rename("area").rename_axis("code")
    found.attrs = {}
    area_names = {str(area): _undefuse(names.get(area, area)) for area in found.unique()}
    edited = about is not None and about.partition != partition_digest(found)
    return Proposal(stem.name, found, area_names, about, edited, tuple(remarks))


def partition_digest(labels: pd.Series) -> str:
    """Digest of who is together with whom, whatever the areas are called."""
    ordered = labels.sort_index()
    return digest(list(map(str, ordered.index)), pd.factorize(ordered)[0].tolist())


def _table(
    labels: pd.Series, municipalities: GeoDataFrame, area_names: Mapping[int, str]
) -> tuple[pd.DataFrame, dict[int, int]]:
    """Return the table of the CSV, and the number of each area in it."""
    if not len(labels) or labels.isna().any() or labels.index.has_duplicates:
        raise InputError("A proposal needs one area for every municipality", "some have none or several")
    if absent := [code for code in labels.index if code not in municipalities.index]:
        raise InputError(
            "A proposal's municipalities must be on the map", f"they are not: {examples(absent)}"
        )
    about = municipalities.loc[labels.index]
    residents = (
        about["residents"].fillna(0).to_numpy("float64") if "residents" in about else np.ones(len(about))
    )
    values = labels.to_numpy(dtype=np.int64)
    number = number_areas(np.unique(values, return_inverse=True)[1], residents)
    numbers = dict(zip(values.tolist(), number.tolist(), strict=True))
    if unnamed := [area for area in numbers if area not in area_names]:
        raise InputError("Every area needs a name", f"without one: {examples(unnamed)}")
    table = pd.DataFrame(
        {
            "name": about["name"].astype("str"),
            "area": number,
            "area_name": [str(area_names[area]) for area in values],
        },
        index=labels.index.rename("code"),
    )
    return table.sort_index(), numbers


def _write_map(path: Path, table: pd.DataFrame, municipalities: GeoDataFrame) -> None:
    """Write the areas, dissolved, and their municipalities as two layers."""
    import geopandas as gpd

    polygons = gpd.GeoDataFrame(table, geometry=municipalities.geometry.loc[table.index])
    areas = polygons.dissolve("area", aggfunc={"area_name": "first", "name": "size"})
    areas = areas.rename(columns={"name": "members"})
    areas.reset_index().to_file(path, layer="areas", driver="GPKG")
    polygons.reset_index().to_file(path, layer="municipalities", driver="GPKG")


def _put_in_place(written: Mapping[str, Path], files: Mapping[str, Path], part: Path) -> None:
    """Rename every file to its place; if one cannot be, all are what they were."""
    kept: dict[str, Path] = {}
    for ending, path in files.items():
        if path.exists():
            kept[ending] = part / f"old{ending}"
            shutil.copy2(path, kept[ending])
    done: list[str] = []
    try:
        for ending in ENDINGS:
            written[ending].replace(files[ending])
            done.append(ending)
    except OSError:
        for ending in done:
            if ending in kept:
                kept[ending].replace(files[ending])
            else:
                files[ending].unlink()
        raise


def _match(areas: pd.Series, codes: pd.Index, origin: str) -> pd.Series:
    """Return the areas in the order of the codes, which may have lost their leading zeros."""
    matched = match_codes(areas.index, codes)
    if len(strange := matched.index[matched.isna()]):
        raise InputError(
            f"{origin}: every code must be a municipality these areas are drawn for",
            f"{len(strange)} are not: {examples(strange)}",
            "Take these rows out, or choose the city the proposal was made for",
        )
    index = pd.Index(matched.to_numpy(), dtype="str")
    if index.has_duplicates:
        repeated = index[index.duplicated()].unique()
        raise InputError(
            f"{origin}: a municipality must be there once",
            f"written in two ways: {examples(repeated)}",
            "Keep one row a municipality",
        )
    if len(absent := codes.difference(index)):
        raise InputError(
            f"{origin}: every municipality must be in the table",
            f"{len(absent)} are missing: {examples(absent)}",
            "Add a row for each, with its area",
        )
    return areas.set_axis(index).reindex(codes)


def _undefuse(text: str) -> str:
    """Take off the apostrophe that keeps a text from being a formula in a spreadsheet."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA_STARTS) else text


def _unwritable(folder: Path, error: OSError) -> InputError:
    return InputError(
        "The folder of the proposals must be writable",
        f"{folder}: {error.strerror or error}",
        "Free space, correct its rights, or choose another folder",
    )
