"""Polygons of municipalities from any file, anywhere in the world, in metres."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples, unknown_name
from diagnosis.sources.cells import texts_of
from diagnosis.sources.formats import clean_polygons
from diagnosis.sources.geographies import CODE, MUNICIPALITY_NAME, notes_of, to_known
from diagnosis.sources.messages import list_names
from diagnosis.sources.tabular import recognise, remark
from diagnosis.tables import CRS

if TYPE_CHECKING:
    import geopandas as gpd

EUROPE = (-25.0, 34.0, 45.0, 72.0)
"""Longitudes and latitudes (west, south, east, north) within which the system of the European Union is used."""
UTM_DEGREES = 6.0
UTM_LATITUDES = (-80.0, 84.0)
M2_PER_KM2 = 1e6


def read_polygons(
    path: str | Path, codes: Iterable[str], *, code: str | None = None, layer: str | None = None
) -> gpd.GeoDataFrame:
    """Read the polygons of the municipalities, in metres.

    Parameters
    ----------
    path : str or Path
        GeoPackage, shapefile (also zipped), GeoJSON, or whatever GDAL reads; GeoParquet.
    codes : iterable of str
        Municipalities there are; others are left out and noted.
    code : str, optional
        Heading of the codes; without it :data:`CODE` is looked for.
    layer : str, optional
        Needed if the file has several.

    Returns
    -------
    geopandas.GeoDataFrame
        Index `code`, only municipalities with a polygon, in the order of `codes`; several rows of a code are one
        municipality. Columns ``name`` (if the file has names), ``area_km2``, ``geometry``: EPSG:3035 in Europe, the
        zone of UTM for up to 6 degrees of longitude elsewhere, otherwise a Lambert azimuthal equal-area projection of
        its own. In ``attrs``: ``notes``, ``remarks``.

    Raises
    ------
    diagnosis.errors.InputError
        The file cannot be read, has no polygons or no reference system, or no code is known.
    """
    import geopandas as gpd

    path = Path(path)
    raw = _read_layer(path, layer)
    plain = [name for name in raw.columns if name != raw.geometry.name]
    found = recognise(plain, (CODE, MUNICIPALITY_NAME), {"code": code}, path.name)
    if raw.crs is None:
        raise InputError(
            f"{path.name} must say its coordinate reference system",
            "it does not",
            "Add the .prj file, or export it again with its reference system",
        )
    frame = _features(raw, plain, found)
    if frame.empty:
        raise InputError(
            f"{path.name} must hold polygons with codes", f"none of its {len(raw)} features is one"
        )
    remarks: list[dict[str, str]] = []
    if left_out := len(raw) - len(frame):
        remarks.append(
            remark(
                "{file}: elementi senza poligono o senza codice, lasciati fuori: {n}.",
                "{file}: features without a polygon or without a code, left out: {n}.",
                file=path.name,
                n=left_out,
            )
        )
    frame = to_known(_join_parts(frame), codes, path.name, remarks, strict=False)
    without = frame.index[frame["geometry"].isna()]
    if len(without):
        remarks.append(
            remark(
                "{file}: comuni senza poligono: {n} ({shown}).",
                "{file}: municipalities without a polygon: {n} ({shown}).",
                file=path.name,
                n=len(without),
                shown=list_names(list(without)),
            )
        )
    polygons = gpd.GeoDataFrame(frame[frame["geometry"].notna()], geometry="geometry", crs=raw.crs)
    polygons = polygons.to_crs(_metric_system(polygons))
    polygons.insert(1, "area_km2", polygons.area / M2_PER_KM2)
    if polygons["name"].isna().all():
        polygons = polygons.drop(columns="name")
    polygons.attrs = notes_of(remarks)
    return polygons


def _features(raw: gpd.GeoDataFrame, plain: list[str], found: dict[str, int]) -> pd.DataFrame:
    """Code, name and polygon of the features that have a code and a polygon."""
    import pyarrow as pa
    import shapely

    shapes = raw.geometry.to_numpy()
    polygonal = np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_empty(shapes)
    corners, place = shapely.get_coordinates(shapes, return_index=True)
    polygonal[place[~np.isfinite(corners).all(axis=1)]] = False
    frame = pd.DataFrame({"code": texts_of(pa.chunked_array([pa.array(raw[plain[found["code"]]])]))})
    frame["name"] = raw[plain[found["name"]]].to_numpy() if "name" in found else None
    frame["geometry"] = shapes
    frame = frame[polygonal & frame["code"].notna().to_numpy()].reset_index(drop=True)
    return frame.assign(geometry=clean_polygons(frame["geometry"].to_numpy()))


def _join_parts(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a code: a municipality may come in several rows, one a part."""
    import shapely

    if not frame["code"].duplicated().any():
        return frame.set_index("code")
    shared = frame.groupby("code", sort=False)
    parts = {code: shapely.union_all(rows.to_numpy()) for code, rows in shared["geometry"]}
    return pd.DataFrame({"name": shared["name"].first(), "geometry": pd.Series(parts)})


def _read_layer(path: Path, layer: str | None) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pyogrio

    try:
        if path.suffix.lower() in (".parquet", ".geoparquet"):
            return gpd.read_parquet(path)
        layers = [name for name, kind in pyogrio.list_layers(path) if kind is not None]
        if layer is not None and layer not in layers:
            raise unknown_name(f"{path.name}: the layer", layer, layers)
        if layer is None and len(layers) > 1:
            raise InputError(
                f"{path.name}: one layer must be chosen", f"found {examples(layers)}", "Say which: layer=..."
            )
        frame = gpd.read_file(path, layer=layer or (layers[0] if layers else None), engine="pyogrio")
    except InputError:
        raise
    except (OSError, ValueError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as problem:
        reason = " ".join(str(problem).replace(str(path), path.name).split())
        raise InputError(
            f"{path.name} must be a file of polygons", f"it cannot be read: {reason}"
        ) from problem
    if not isinstance(frame, gpd.GeoDataFrame) or len(frame) == 0:
        raise InputError(f"{path.name} must hold polygons", "it has no feature")
    return frame


def _metric_system(frame: gpd.GeoDataFrame) -> str:
    """Choose a system in metres: that of Europe, the zone of UTM, or an equal-area one around the middle."""
    bounds = frame.geometry.to_crs("EPSG:4326").bounds
    west, south = bounds["minx"].min(), bounds["miny"].min()
    east, north = bounds["maxx"].max(), bounds["maxy"].max()
    if not np.isfinite((west, south, east, north)).all() or abs(south) > 90 or abs(north) > 90:
        raise InputError(
            "polygons must have coordinates of the reference system they state",
            f"{frame.crs.name}: longitudes {west:g} to {east:g}, latitudes {south:g} to {north:g}",
            "State the right reference system",
        )
    if west >= EUROPE[0] and south >= EUROPE[1] and east <= EUROPE[2] and north <= EUROPE[3]:
        return CRS
    if east - west <= UTM_DEGREES and south >= UTM_LATITUDES[0] and north <= UTM_LATITUDES[1]:
        return frame.estimate_utm_crs().to_string()
    middle = np.radians(
        (bounds["minx"] + bounds["maxx"]) / 2
    )  # a mean of directions: across the date line too
    longitude = math.degrees(math.atan2(np.sin(middle).mean(), np.cos(middle).mean()))
    return f"+proj=laea +lat_0={(south + north) / 2:.2f} +lon_0={longitude:.2f} +datum=WGS84 +units=m"
