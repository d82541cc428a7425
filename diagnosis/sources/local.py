"""A country in a folder: CSV files named like the tables, and a GeoJSON of municipalities.

Used for the invented country of ``data/example`` and for any country, or part of one, that a user brings along.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from diagnosis.errors import InputError, examples
from diagnosis.sources.formats import clean_polygons, read_delimited
from diagnosis.tables import CRS, FLOWS, MUNICIPALITIES, PROVINCES, TABLES, VINTAGE, Table

if TYPE_CHECKING:
    import geopandas as gpd

GEOGRAPHIC_CRS = "EPSG:4326"
SQUARE_METRES_PER_KM2 = 1e6
MUNICIPALITY_DIGITS, PROVINCE_DIGITS, REGION_DIGITS = 6, 3, 2


def read_folder(folder: Path) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Read the tables of a whole country from a folder.

    Parameters
    ----------
    folder : Path
        Holds ``municipalities.geojson`` (required: polygons with the columns of
        :data:`diagnosis.tables.MUNICIPALITIES` as properties, ``area_km2`` optional; EPSG:4326 unless its ``crs``
        member says otherwise) and a CSV for each further table of :data:`diagnosis.tables.TABLES`:
        ``population.csv``, ``flows.csv``, ... UTF-8, separated by comma or semicolon, decimals with a point.

    Returns
    -------
    tables : dict of str to DataFrame
        By table name; municipalities as a GeoDataFrame in EPSG:3035. ``attrs["notes"]`` of a table names the
        municipalities without a row in it.
    absent : dict of str to str
        For each table that has no file: why it is not there.

    Raises
    ------
    diagnosis.errors.InputError
        A file breaks its table's contract, or has a code that is not among the municipalities.
    """
    folder = Path(folder)
    municipalities = _read_polygons(folder / "municipalities.geojson")
    tables: dict[str, pd.DataFrame] = {MUNICIPALITIES.name: municipalities}
    absent: dict[str, str] = {}
    for name, table in TABLES.items():
        path = folder / f"{name}.csv"
        if name in tables:
            continue
        if not path.is_file():
            absent[name] = f"{path.name} is not in the folder {folder.name}."
            continue
        frame = table.check(read_delimited(path, InputError), path.name)
        frame.attrs = {"vintage": VINTAGE, "notes": _check_codes(frame, table, municipalities, path.name)}
        tables[name] = frame
    return tables, absent


def _read_polygons(path: Path) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import numpy as np
    import shapely
    from pyproj.exceptions import CRSError
    from shapely.geometry import shape

    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        features = content["features"]
        properties = pd.DataFrame([feature["properties"] for feature in features], dtype=object)
        shapes = [shape(feature["geometry"]) for feature in features]
        crs = content.get("crs", {}).get("properties", {}).get("name", GEOGRAPHIC_CRS)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as problem:
        reason = str(problem).replace(str(path), path.name) or type(problem).__name__
        raise InputError(
            f"{path.name} must be a GeoJSON FeatureCollection of polygons with properties",
            f"it cannot be read: {reason}",
            "Export it again from a geographic information system",
        ) from problem
    if not shapes:
        raise InputError(f"{path.name} must hold municipalities", "it has no feature")
    geometries = np.array(shapes, dtype=object)
    try:
        projected = gpd.GeoSeries(geometries, crs=crs).to_crs(CRS).to_numpy().copy()
    except CRSError as problem:
        raise InputError(
            f"{path.name}: 'crs' must name a coordinate reference system", f"{crs!r}"
        ) from problem
    polygonal = np.isin(shapely.get_type_id(geometries), (3, 6)) & ~shapely.is_empty(geometries)
    finite = np.isfinite(shapely.bounds(projected)).all(axis=1)
    if not (polygonal & finite).all():
        wrong = [index + 1 for index in np.flatnonzero(~(polygonal & finite))]
        raise InputError(
            f"{path.name}: every municipality must be a polygon with coordinates of {crs}",
            f"wrong features, counted from 1: {examples(wrong)}",
            "Correct them, or state the right 'crs'",
        )
    projected = clean_polygons(projected)
    if "area_km2" not in properties.columns:
        properties["area_km2"] = shapely.area(projected) / SQUARE_METRES_PER_KM2
    properties["geometry"] = projected
    checked = MUNICIPALITIES.check(properties, path.name)
    _check_format(checked.index.to_series(), MUNICIPALITY_DIGITS, path.name)
    _check_format(checked["province"], PROVINCE_DIGITS, path.name)
    _check_format(checked["region"], REGION_DIGITS, path.name)
    frame = gpd.GeoDataFrame(checked, geometry="geometry", crs=CRS)
    frame.attrs = {"vintage": VINTAGE, "notes": []}
    return frame


def _check_codes(frame: pd.DataFrame, table: Table, municipalities: pd.DataFrame, origin: str) -> list[str]:
    """Raise if a code is not among the municipalities; return notes on municipalities without a row."""
    if table is PROVINCES:  # may hold further bodies, to compare with
        without = pd.Index(municipalities["province"].unique()).difference(frame.index)
        if len(without):
            raise InputError(
                f"{origin}: every province of municipalities.geojson must have a row",
                f"{len(without)} have none: {examples(without)}",
            )
        return []
    if table is FLOWS:
        for end in ("origin", "destination"):
            _check_known(frame[end], municipalities.index, end, origin)
        return []
    if table.key != ("code",):
        return []
    _check_known(frame.index, municipalities.index, "code", origin)
    without = municipalities.index.difference(frame.index)
    if without.empty:
        return []
    return [f"{origin}: {len(without)} municipalities have no row: {examples(without)}."]


def _check_known(values: pd.Index | pd.Series, known: pd.Index, what: str, origin: str) -> None:
    unknown = pd.Index(values.unique()).difference(known)
    if len(unknown):
        raise InputError(
            f"{origin}: every {what} must be one of municipalities.geojson",
            f"{len(unknown)} are not: {examples(unknown)}",
            "Add them there or remove their rows",
        )


def _check_format(values: pd.Series, digits: int, origin: str) -> None:
    wrong = values[~values.str.fullmatch(rf"[0-9]{{{digits}}}").astype(bool)]
    if len(wrong):
        raise InputError(
            f"{origin}: a {values.name} must be text of {digits} digits, with its leading zeros",
            f"{len(wrong)} are not, for instance {examples(wrong)}",
        )
