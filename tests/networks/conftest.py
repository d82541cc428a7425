import pandas as pd
import pytest


@pytest.fixture(scope="session")
def italy(mirror):
    """Polygons of the 7,904 municipalities of 2022, in the metric system."""
    import geopandas as gpd

    table = gpd.read_feather(mirror / "openpolis" / "2022_italy_geo_municipalities.feather")
    table.index = pd.Index(table["municipality_code"].astype(str).str.zfill(6), name="code")
    return table[["geometry"]].to_crs("EPSG:3035")


@pytest.fixture(scope="session")
def matrix_2021(mirror):
    """The commuting matrix of 2021 with its estimated tail."""
    archive = mirror / "istat" / "matrix_pendoLAVORO_2021_completed.zip"
    table = pd.read_csv(archive, sep="\t", dtype=str, keep_default_na=False)
    table = table[["Procom_res", "Procom_lav", "Pendolari"]]
    table.columns = ["origin", "destination", "commuters"]
    return table.assign(commuters=table["commuters"].astype(int))


@pytest.fixture(scope="session")
def ages_2022(mirror):
    """Residents by sex and single year of age."""
    table = pd.read_feather(mirror / "openpolis" / "2022_italy_pop.feather")
    table["code"] = table["municipality_code"].astype(str).str.zfill(6)
    wide = table.pivot(index="code", columns="age", values=["F", "M"])
    wide.columns = [f"{sex.lower()}{age}" for sex, age in wide.columns]
    return wide
