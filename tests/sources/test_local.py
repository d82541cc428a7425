import json

import pytest

from diagnosis.errors import InputError
from diagnosis.sources.local import read_folder
from diagnosis.tables import TABLES


def square(x, y, size):
    return {
        "type": "Polygon",
        "coordinates": [[[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]],
    }


def feature(code, geometry, **changes):
    properties = {
        "code": code,
        "name": "None",
        "province": "900",
        "province_name": "Terra",
        "province_sign": "NA",
        "region": "90",
        "region_name": "Terre",
        "capital": 1,
    }
    return {"type": "Feature", "properties": {**properties, **changes}, "geometry": geometry}


CRS_3035 = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3035"}}


def collection(*features, crs=CRS_3035):
    return {"type": "FeatureCollection", "features": list(features), **({"crs": crs} if crs else {})}


@pytest.fixture
def folder(tmp_path):
    def write(polygons=None, **files):
        if polygons is None:
            polygons = collection(
                feature("900001", square(4_500_000, 2_000_000, 2000)),
                feature("000002", square(4_502_000, 2_000_000, 1000), capital=0),
            )
        (tmp_path / "municipalities.geojson").write_text(json.dumps(polygons), "utf-8")
        for name, text in files.items():
            (tmp_path / f"{name}.csv").write_text(text, "utf-8")
        return tmp_path

    return write


def test_tables_are_read_and_absent_ones_explained(folder):
    tables, absent = read_folder(
        folder(
            flows="origin,destination,commuters\n900001,900001,5\n900001,000002,2\n",
            provinces="\ufeffprovince;name;body;region;region_name\n900;Terra;provincia;90;Terre\n901;Mare;provincia;90;Terre\n",
            wellbeing="territory,indicator,year,value\nIT,x,2023,1.5\n",
        )
    )
    assert set(tables) == {"municipalities", "flows", "provinces", "wellbeing"}
    assert set(tables) | set(absent) == set(TABLES)
    assert absent["population"] == f"population.csv is not in the folder {folder().name}."
    assert tables["flows"]["commuters"].tolist() == [5, 2]
    assert tables["provinces"].index.tolist() == ["900", "901"]


def test_polygons_are_metric_valid_and_measured(folder):
    bow_tie = {"type": "Polygon", "coordinates": [[[0, 0], [2000, 2000], [2000, 0], [0, 2000], [0, 0]]]}
    bow_tie["coordinates"] = [[[x + 4_500_000, y + 2_000_000] for x, y in bow_tie["coordinates"][0]]]
    municipalities = read_folder(folder(collection(feature("900001", bow_tie))))[0]["municipalities"]
    assert municipalities.crs == "EPSG:3035"
    assert municipalities.geometry.is_valid.all()
    assert municipalities["area_km2"].tolist() == pytest.approx([2.0])
    assert municipalities.at["900001", "name"] == "None"
    assert municipalities.at["900001", "province_sign"] == "NA"


def test_degrees_are_the_default(folder):
    municipalities = read_folder(folder(collection(feature("900001", square(12, 42, 0.01)), crs=None)))[0][
        "municipalities"
    ]
    # 0.01 degrees are 1,111 m along the meridian and 1,111 m x cos 42 across it
    assert municipalities["area_km2"].iloc[0] == pytest.approx(1.111 * 0.828, rel=0.01)
    assert municipalities.geometry.iloc[0].centroid.x > 4_000_000


def test_stated_area_is_kept(folder):
    polygons = collection(feature("900001", square(4_500_000, 2_000_000, 1000), area_km2=7))
    assert read_folder(folder(polygons))[0]["municipalities"]["area_km2"].tolist() == [7]


def test_municipalities_without_a_row_are_noted(folder):
    classes = "code,degurba,altimetric_zone,altitude_m,coastal,island\n900001,1,5,3,0,0\n"
    tables, _ = read_folder(folder(classification=classes))
    assert tables["classification"].attrs["notes"] == [
        "classification.csv: 1 municipalities have no row: '000002'."
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"flows": "origin,destination,commuters\n900001,900009,5\n"}, r"flows\.csv.*destination.*'900009'"),
        ({"flows": "origin,destination,commuters\n2,900001,5\n"}, r"flows\.csv.*origin.*'2'"),
        ({"flows": "origin,destination,commuters\n900001,000002,-5\n"}, r"flows\.csv.*at least 0"),
        (
            {"flows": "origin;destination;commuters\n900001;000002;1,5\n"},
            r"flows\.csv.*point for decimals.*'1,5'",
        ),
        ({"flows": "origin,destination\n900001,000002\n"}, r"flows\.csv.*missing: 'commuters'"),
        ({"flows": "<!DOCTYPE html>\n<html></html>"}, r"flows\.csv.*web page"),
        ({"labour_areas": "code,area\n900007,1\n"}, r"labour_areas\.csv.*'900007'"),
        (
            {"provinces": "province,name,body,region,region_name\n901,T,provincia,90,T\n"},
            r"provinces\.csv.*must have a row.*'900'",
        ),
        (
            {"provinces": "province,name,body,region,region_name\n900,T,contea,90,T\n"},
            r"provinces\.csv.*'contea'",
        ),
    ],
)
def test_broken_tables_name_their_file(folder, files, message):
    with pytest.raises(InputError, match=message):
        read_folder(folder(**files))


@pytest.mark.parametrize(
    ("polygons", "message"),
    [
        (collection(feature(1001, square(0, 0, 1)), crs=None), "text of 6 digits.*'1001'"),
        (collection(feature("900001", square(0, 0, 1), province="9")), "province must be text of 3 digits"),
        (
            collection(feature("900001", {"type": "Point", "coordinates": [4_500_000, 2_000_000]})),
            "features.*: 1",
        ),
        (collection(feature("900001", None)), "cannot be read"),
        (collection(feature("900001", {"type": "Polygon", "coordinates": []})), "features.*: 1"),
        (collection(feature("900001", square(500, 500, 1)), crs=None), "features.*: 1"),
        (collection(feature("900001", square(0, 0, 1)), crs={"properties": {"name": "EPSG:0"}}), "EPSG:0"),
        (collection(feature("900001", square(0, 0, 1), name="")), "'name' must have a value"),
        (
            collection(feature("900001", square(0, 0, 1)), feature("900001", square(2, 0, 1))),
            "must be unique",
        ),
        (collection(), "no feature"),
        ([], "cannot be read"),
        ({"type": "Feature"}, "cannot be read"),
    ],
)
def test_broken_polygons_are_refused(folder, polygons, message):
    with pytest.raises(InputError, match=message) as caught:
        read_folder(folder(polygons))
    assert "municipalities.geojson" in str(caught.value) or "municipalities (" in str(caught.value)


def test_example_country_is_complete(project):
    tables, absent = read_folder(project / "data" / "example")
    assert set(tables) == set(TABLES)
    assert absent == {}


def test_folder_without_municipalities_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"municipalities\.geojson") as caught:
        read_folder(tmp_path)
    assert str(tmp_path) not in str(caught.value)


def test_polygons_that_are_a_web_page_are_refused(folder):
    path = folder() / "municipalities.geojson"
    path.write_text("<html>moved</html>")
    with pytest.raises(InputError, match=r"municipalities\.geojson must be a GeoJSON"):
        read_folder(path.parent)
