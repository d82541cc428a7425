import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point

from diagnosis.errors import SourceError
from diagnosis.sources.embedded import read_register
from diagnosis.sources.place_names import ENLARGED, RENAMED, Gazetteer, fold, key, match_names, read_former

PLACES = [
    # code, name, province, sign, region, region name, residents, longitude, latitude
    ("015182", "Pozzuolo Martesana", "015", "MI", "03", "Lombardia", 8000, 9.45, 45.51),
    ("019086", "Samone", "001", "TO", "01", "Piemonte", 1600, 7.84, 45.45),
    ("022165", "Samone", "022", "TN", "04", "Trentino-Alto Adige", 550, 11.52, 46.08),
    ("021038", "Innichen/San Candido", "021", "BZ", "04", "Trentino-Alto Adige", 3300, 12.28, 46.73),
    (
        "032001",
        "Duino Aurisina-Devin Nabrezina",
        "032",
        "TS",
        "06",
        "Friuli-Venezia Giulia",
        8500,
        13.66,
        45.75,
    ),
    ("065025", "Capaccio Paestum", "065", "SA", "15", "Campania", 22000, 15.08, 40.42),
    ("011022", "Santo Stefano di Magra", "011", "SP", "07", "Liguria", 9000, 9.92, 44.16),
    ("037061", "Valsamoggia", "037", "BO", "08", "Emilia-Romagna", 31000, 11.1, 44.5),
    ("062043", "Sant'Angelo a Cupolo", "062", "BN", "15", "Campania", 4000, 14.8, 41.07),
]


@pytest.fixture(scope="module")
def gazetteer():
    columns = ["code", "name", "province", "province_sign", "region", "region_name", "residents", "x", "y"]
    frame = pd.DataFrame(PLACES, columns=columns).set_index("code")
    names = {"015": "Milano", "001": "Torino", "022": "Trento", "062": "Benevento"}
    frame["province_name"] = frame["province"].map(names).fillna(frame["province"])
    points = gpd.GeoSeries(
        [Point(x, y) for x, y in zip(frame["x"], frame["y"], strict=True)], crs="EPSG:4326"
    )
    municipalities = gpd.GeoDataFrame(
        frame.drop(columns=["x", "y"]), geometry=points.set_axis(frame.index).to_crs("EPSG:3035").buffer(1)
    )
    former = pd.DataFrame({"name": ["Crespellano", "Samone"], "code": ["037061", "037061"]})
    return Gazetteer.of(municipalities, frame["residents"], former)


@pytest.fixture(scope="module")
def ask(gazetteer):
    def ask(name, territory="-", residents=np.nan, at=(np.nan, np.nan)):
        row = {
            "name": name,
            "territory": territory,
            "residents": residents,
            "longitude": at[0],
            "latitude": at[1],
        }
        return match_names(pd.DataFrame([row]), gazetteer).iloc[0]

    return ask


def test_names_are_compared_without_signs():
    assert fold("Sant’Àngelo  LODIGIANO/x") == "sant angelo lodigiano x"
    assert key("CARRU'") == key("Carrù") == "carru"


@pytest.mark.parametrize(
    ("name", "code", "match"),
    [
        ("VALSAMOGGIA", "037061", "name"),
        ("Comune di Valsamoggia", "037061", "name"),
        ("Valsamoggia 2030", "037061", "name"),
        ("Valsamoggia (BO) - ITALY", "037061", "name"),
        ("Crespellano", "037061", "former"),
        ("San Candido", "021038", "bilingual"),
        ("Innichen - San Candido", "021038", "name"),
        ("Duino-Aurisina / Devin Nabrežina", "032001", "name"),
        ("Capaccio", "065025", "renamed"),
        ("Pozzuolo M.", "015182", "abbreviation"),
        ("S. Angelo a Cupolo", "062043", "abbreviation"),
    ],
)
def test_ways_of_writing_a_name(ask, name, code, match):
    found = ask(name)
    assert (found["code"], found["match"]) == (code, match)
    assert found[["candidates", "possible"]].isna().all()


def test_homonyms_need_evidence(ask):
    alone = ask("Samone")
    assert pd.isna(alone["code"])
    assert alone["possible"] == "019086 022165"
    assert ask("Samone", "Provincia Autonoma di Trento")["code"] == "022165"
    assert ask("Samone", "Province of Turin")["code"] == "019086"
    assert ask("Samone (TN)")["code"] == "022165"
    assert ask("Samone", at=(7.8, 45.4))["code"] == "019086"
    assert pd.isna(
        ask("Samone", residents=1600, at=(11.5, 46.1))["code"]
    )  # the position and the size disagree


def test_a_name_far_from_where_it_should_be_is_not_accepted(ask):
    found = ask("Valsamoggia", "Province of Benevento", at=(14.8, 41.1))
    assert pd.isna(found["code"])
    assert found["possible"] == "037061"


def test_a_misspelt_name_needs_a_position(ask):
    assert ask("Santo Stafano di Magra", at=(9.9, 44.2))[["code", "match"]].tolist() == ["011022", "spelling"]
    assert ask("Pozzuolo", at=(9.45, 45.5))[["code", "match"]].tolist() == ["015182", "short"]
    for found in (ask("Santo Stafano di Magra"), ask("Santo Stafano di Magra", at=(15.0, 40.0))):
        assert pd.isna(found["code"])
        assert found["candidates"].split()[0] == "011022"
    assert pd.isna(ask("Oronzo Verdi", at=(9.9, 44.2))["code"])


@given(st.text(max_size=30))
def test_any_text_is_survived_and_never_guessed(ask, name):
    found = ask(name)
    assert pd.isna(found["code"]) or key(name)


def test_present_names_are_not_those_of_former_municipalities(gazetteer):
    samone = gazetteer.names[gazetteer.names["key"] == "samone"]
    assert set(samone["match"]) == {"name"}


def test_former_municipalities_are_followed(tmp_path):
    path = tmp_path / "soppressi.csv"
    path.write_text(
        "Data evento;Codice Comune;Denominazione Comune;Codice del Comune associato alla variazione\n"
        "01/01/2014;037023;Crespellano;037061\n"
        "01/01/2012;999001;Prima;999002\n"
        "01/01/2015;999002;Seconda;037061\n"
        "01/01/1950;999003;Antica;037061\n"
        "01/01/2023;999004;Futura;037061\n",
        encoding="cp1252",
    )
    register = pd.DataFrame(index=["037061"])
    former = read_former(path, "2008-01-01", register)
    assert former.to_dict("list") == {
        "name": ["Prima", "Crespellano", "Seconda"],
        "code": ["037061"] * 3,
    }
    path.write_text(path.read_text(encoding="cp1252").replace("01/01/2014", "2014"))
    with pytest.raises(SourceError, match=r"soppressi\.csv.*day.*'2014'"):
        read_former(path, "2008-01-01", register)
    with pytest.raises(SourceError, match="cannot be read"):
        read_former(tmp_path / "none.csv", "2008-01-01", register)


def test_renamed_municipalities_kept_their_cadastral_code(mirror):
    path = mirror / "istat/ElencoUnitaAmministrative2011.csv"
    census = pd.read_csv(path, sep=None, engine="python", dtype=str, keep_default_na=False)
    cadastral = census.set_index("COMUNE")["CODICE_CATASTALE"]
    register = read_register()
    for name, code in (RENAMED | ENLARGED).items():
        assert cadastral[name] == register.at[code, "cadastral"], name
        assert key(name) != key(register.at[code, "name"])
