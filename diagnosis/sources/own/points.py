"""Maps of a city: attributes as a table, or points counted by municipality."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diagnosis.errors import examples
from diagnosis.sources.own.grid import MOST_CELLS, Grid, check_size, plain_cell
from diagnosis.sources.own.problems import Problems, RefusedFileError
from diagnosis.tables import CRS

if TYPE_CHECKING:
    import geopandas as gpd

GEOGRAPHIC = "EPSG:4326"
NEAR_METRES = 250
"""Simplified borders leave points on the coast outside: up to this distance they go to the nearest municipality."""
LARGEST_GEOJSON = 30_000_000
SQLITE = b"SQLite format 3\0"


def read_map(path: Path, layer: str | None, crs: str | None) -> tuple[Grid, gpd.GeoSeries]:
    """Read a GeoPackage or GeoJSON.

    Parameters
    ----------
    path : Path
    layer : str or None
        Needed if a GeoPackage has several.
    crs : str or None
        Reference system that the YAML says; overrides that of the file.

    Returns
    -------
    grid : Grid
        Attributes; the first feature is row 2, as in a table with headings.
    shapes : GeoSeries
        One a feature, in its reference system.

    Raises
    ------
    RefusedFileError
        It is no such file, or does not say its reference system.
    """
    if path.suffix.lower() == ".gpkg":
        attributes, shapes, sheet = _read_geopackage(path, layer)
    else:
        attributes, shapes, sheet = *_read_geojson(path), ""
    if crs is not None:
        shapes = shapes.set_crs(crs, allow_override=True)
    if shapes.crs is None or shapes.crs.is_engineering:
        raise RefusedFileError("no_system")
    if shapes.crs.is_geographic:
        bounds = shapes.total_bounds
        if (
            np.isfinite(bounds).all()
            and (np.abs(bounds[[0, 2]]) > 360).any() | (np.abs(bounds[[1, 3]]) > 90).any()
        ):
            raise RefusedFileError("no_system")
    check_size(len(attributes) + 1, max(attributes.shape[1], 1))
    rows = [[plain_cell(cell) for cell in row] for row in attributes.astype(object).itertuples(index=False)]
    return Grid([list(map(str, attributes.columns)), *rows], sheet), shapes


def _read_geojson(path: Path) -> tuple[pd.DataFrame, gpd.GeoSeries]:
    """Read GeoJSON without GDAL, which would take a file of another kind, by its content, under this name."""
    import geopandas as gpd
    import shapely
    from pyproj.exceptions import CRSError
    from shapely.geometry import shape

    if path.stat().st_size > LARGEST_GEOJSON:
        raise RefusedFileError("too_large", limit=f"{LARGEST_GEOJSON / 1e6:.0f}")
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
        features = content["features"]
        check_size(len(features), 1)
        attributes = pd.DataFrame([_properties(feature) for feature in features], dtype=object)
        shapes = np.array(
            [shape(f["geometry"]) if f.get("geometry") else None for f in features], dtype=object
        )
        name = content.get("crs", {}).get("properties", {}).get("name", GEOGRAPHIC)
        return attributes.reindex(index=range(len(features))), gpd.GeoSeries(shapes, crs=name)
    except CRSError:
        raise RefusedFileError("no_system") from None
    except RefusedFileError:
        raise
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
        shapely.errors.ShapelyError,
    ) as error:
        raise RefusedFileError("unreadable", found=f"GeoJSON: {type(error).__name__}") from error


def _properties(feature: Any) -> dict[str, Any]:
    """Return the plain attributes of a feature; lists and objects are left out."""
    properties = feature.get("properties") or {}
    return {str(key): value for key, value in properties.items() if not isinstance(value, dict | list)}


def _read_geopackage(path: Path, layer: str | None) -> tuple[pd.DataFrame, gpd.GeoSeries, str]:
    import geopandas as gpd
    import pyogrio

    with path.open("rb") as stream:
        if stream.read(len(SQLITE)) != SQLITE:
            raise RefusedFileError("unreadable", found="GeoPackage")
    try:
        layers = _tables(path)
        if layer is not None and layer not in layers:
            raise RefusedFileError("unknown_sheet", sheet=layer, found=examples(layers) or "–")
        if len(layers) != 1 and layer is None:
            raise RefusedFileError("choose_sheet", found=examples(layers) or "–")
        chosen = layer or layers[0]
        facts = pyogrio.read_info(path, layer=chosen)
        check_size(max(int(facts["features"]), 0), max(len(facts["fields"]), 1))
        frame = gpd.read_file(path, layer=chosen, engine="pyogrio", rows=MOST_CELLS)
    except RefusedFileError:
        raise
    except (OSError, ValueError, sqlite3.Error, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError,
            pyogrio.errors.FeatureError) as error:  # fmt: skip
        raise RefusedFileError("unreadable", found=f"GeoPackage: {type(error).__name__}") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise RefusedFileError("no_system")
    return pd.DataFrame(frame.drop(columns=frame.geometry.name)), frame.geometry, chosen


def _tables(path: Path) -> list[str]:
    """Return the layers that are plain tables: a view or virtual table may do anything when it is read."""
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        listed = {
            row[0] for row in database.execute("SELECT table_name FROM gpkg_geometry_columns LIMIT 1000")
        }
        plain = [
            name
            for name, sql in database.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'table' LIMIT 10000"
            )
            if name in listed and not str(sql).upper().lstrip().startswith("CREATE VIRTUAL")
        ]
    finally:
        database.close()
    return sorted(plain)


def count_points(
    shapes: gpd.GeoSeries, municipalities: gpd.GeoDataFrame, file: str, problems: Problems
) -> pd.Series:
    """Count points by municipality.

    Parameters
    ----------
    shapes : GeoSeries
        Points in any reference system.
    municipalities : GeoDataFrame
        Polygons in :data:`diagnosis.tables.CRS`, indexed by code.
    file : str
    problems : Problems
        Gets what are no points, and points in no municipality.

    Returns
    -------
    Series of str
        Code of each feature; missing where it lies in none.
    """
    import shapely

    projected = shapes.to_crs(CRS).to_numpy()
    x, y = (np.full(len(projected), np.nan) for _ in range(2))
    points = shapely.get_type_id(projected) == 0
    x[points], y[points] = shapely.get_x(projected[points]), shapely.get_y(projected[points])
    sound = np.isfinite(x) & np.isfinite(y)
    if not sound.all():
        problems.add(file, "not_points", n=int((~sound).sum()))
    tree = shapely.STRtree(municipalities.geometry.to_numpy())
    place = np.full(len(projected), -1)
    rows = np.flatnonzero(sound)
    located = shapely.points(x[rows], y[rows])
    inside, polygon = tree.query(located, predicate="intersects")
    place[rows[inside[::-1]]] = polygon[::-1]  # on a border: the first
    outside = np.flatnonzero(sound & (place < 0))
    if len(outside):
        near, polygon = tree.query_nearest(
            shapely.points(x[outside], y[outside]), max_distance=NEAR_METRES, all_matches=False
        )
        place[outside[near]] = polygon
        if len(near):
            problems.add(file, "points_near", n=len(near), metres=NEAR_METRES)
        lost = np.flatnonzero(sound & (place < 0))
        if len(lost):
            problems.add(file, "points_outside", n=len(lost), found=examples((lost + 1).tolist()))
    codes = pd.Series(municipalities.index.to_numpy(), dtype=object)
    return pd.Series(place).map(codes)
