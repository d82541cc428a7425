"""Maps of a city: points are counted by municipality, other geometries ignored; the reference system is needed."""

import json
import sqlite3

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import Point, Polygon, box

from diagnosis.sources.own.data import read_own_data

YAML = "count: points\nyear: 2024\nindicators: [{id: stops, name: Fermate, unit: n.}]\n"


@pytest.fixture(scope="module")
def municipalities():
    return gpd.GeoDataFrame(
        {
            "name": ["Alba", "Brà", "Cuneo"],
            "province": "004",
            "province_name": "Cuneo",
            "region": "01",
        },
        geometry=[box(x, 2_300_000, x + 10_000, 2_310_000) for x in (4_100_000, 4_110_000, 4_120_000)],
        crs="EPSG:3035",
        index=["004003", "004029", "004078"],
    ).rename_axis("code")


@pytest.fixture
def read(tmp_path, municipalities):
    def run(**options):
        return read_own_data(tmp_path, municipalities, **options)

    return run


def points(*places, crs="EPSG:3035"):
    shapes = [Point(4_100_000 + x, 2_300_000 + y) for x, y in places]
    return gpd.GeoDataFrame(
        {"tipo": "bus"}, geometry=shapes, index=range(len(shapes)), crs="EPSG:3035"
    ).to_crs(crs)


def kinds(own, severity="error"):
    return sorted(set(own.problems.loc[own.problems["severity"] == severity, "kind"]))


@pytest.mark.parametrize(("name", "crs"), [("a.gpkg", "EPSG:32632"), ("a.geojson", "EPSG:4326")])
def test_points_are_counted(tmp_path, read, municipalities, name, crs):
    points((100, 100), (9_000, 50), (10_500, 5_000), (-100, 100), (-900, 100), crs=crs).to_file(
        tmp_path / name
    )
    (tmp_path / "a.yml").write_text(YAML)
    own = read(territory=municipalities.index)
    assert kinds(own) == []
    assert own.values["stops"].tolist() == [3, 1, 0]  # one on the simplified coast
    assert {"points_near"} <= set(kinds(own, "note"))
    assert "points_outside" in kinds(own, "warning")
    assert own.entries[0].unit.en == "number"
    assert np.isnan(read().values.at["004078", "stops"])  # without a territory nobody knows


def test_attributes_alone(tmp_path, read):
    shapes = gpd.GeoSeries([Polygon([(0, 0), (1, 0), (1, 1)])] * 2, crs="EPSG:4326")
    gpd.GeoDataFrame({"Comune": ["Alba", "Brà"], "verde": [1.5, 2.0]}, geometry=shapes).to_file(
        tmp_path / "a.gpkg"
    )
    own = read()
    assert own.values["own_verde"].dropna().tolist() == [1.5, 2.0]
    assert "geometry_ignored" in kinds(own, "note")


def test_the_reference_system_is_needed(tmp_path, read):
    frame = points((100, 100))
    content = json.loads(frame.to_json())
    content.pop("crs", None)
    (tmp_path / "a.geojson").write_text(json.dumps(content))  # metres where degrees are expected
    (tmp_path / "a.yml").write_text(YAML)
    assert kinds(read()) == ["no_system"]
    (tmp_path / "a.yml").write_text(YAML + "crs: EPSG:3035\n")
    assert read().values["stops"].dropna().tolist() == [1]
    content["crs"] = {"type": "name", "properties": {"name": "nonsense"}}
    (tmp_path / "a.geojson").write_text(json.dumps(content))
    (tmp_path / "a.yml").write_text(YAML)
    assert kinds(read()) == ["no_system"]


def test_what_is_no_point(tmp_path, read):
    content = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {}, "geometry": None},
            {
                "type": "Feature",
                "properties": None,
                "geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]},
            },
        ],
    }
    (tmp_path / "a.geojson").write_text(json.dumps(content))
    (tmp_path / "a.yml").write_text(YAML)
    assert "not_points" in kinds(read())


@pytest.mark.parametrize(
    "content",
    ["{}", "[]", '{"features": 3}', '{"features": [3]}', "[" * 100_000, "<OGRVRTDataSource/>",
     '{"features": [{"properties": {}, "geometry": {"type": "Point", "coordinates": ["x", "y"]}}]}'],
)  # fmt: skip
def test_geojson_that_is_none(tmp_path, read, content):
    (tmp_path / "a.geojson").write_text(content)
    (tmp_path / "a.yml").write_text(YAML)
    assert kinds(read()) == ["unreadable"]


def test_geopackage_that_is_none(tmp_path, read):
    path = tmp_path / "a.gpkg"
    path.write_bytes(b"<OGRVRTDataSource/>")
    assert kinds(read()) == ["unreadable"]
    path.write_bytes(b"SQLite format 3\0" + b"\0" * 100)
    assert kinds(read()) == ["unreadable"]
    path.unlink()
    points((100, 100)).to_file(path)
    database = sqlite3.connect(path)
    database.execute("UPDATE gpkg_geometry_columns SET table_name = 'v'")
    database.execute("CREATE VIEW v AS SELECT * FROM a")
    database.commit()
    database.close()
    assert kinds(read()) == ["choose_sheet"]  # a view is no layer


def test_personal_data_on_a_map(tmp_path, read):
    frame = points((100, 100), (200, 200))
    frame["nota"] = ["", "mario@example.org"]
    frame.to_file(tmp_path / "a.gpkg")
    (tmp_path / "a.yml").write_text(YAML)
    assert kinds(read()) == ["personal_data", "personal_file"]
