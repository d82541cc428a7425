"""Geographies, residents and polygons of any make are read for the municipalities there are."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import MultiPolygon, Point, Polygon, box

from diagnosis.errors import InputError, SourceError, UnknownNameError
from diagnosis.sources.geographies import match_codes, read_areas, read_population
from diagnosis.sources.polygons import read_polygons

CODES = ["001001", "001002", "074003"]


@pytest.fixture
def write(tmp_path):
    def save(text, name="unions.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_text(text, encoding=encoding)
        return path

    return save


def refused(read, *arguments, **options):
    with pytest.raises(InputError) as caught:
        read(*arguments, **options)
    return str(caught.value)


# areas


@pytest.mark.parametrize(
    "header",
    [
        "code,area,area_name",
        "PRO_COM_T;COD_SLL;DEN_SLL",
        "Codice Istat\tUnione\tDenominazione",
        "id|ato|nome",
    ],
)
def test_headings_and_separators(write, header):
    sign = next(sign for sign in ";\t|," if sign in header)
    rows = ["001001,A,North", "001002,A,North", "074003,B,South"]
    path = write("\n".join([header, *(row.replace(",", sign) for row in rows)]))
    labels = read_areas(path, CODES)
    assert labels.to_dict() == {"001001": "A", "001002": "A", "074003": "B"}
    assert (labels.name, labels.index.name) == ("unions", "code")
    assert labels.attrs == {"names": {"A": "North", "B": "South"}, "notes": [], "remarks": []}


def test_without_codes_the_file_says_which_there_are(write):
    assert read_areas(write("code,area\nx,1\ny,2\n")).to_dict() == {"x": "1", "y": "2"}


def test_parquet_and_workbook(tmp_path):
    import zipfile

    frame = pd.DataFrame({"pro_com": [1001, 1002, 74003], "sll": [101, 101, 102]})
    frame.to_parquet(tmp_path / "sll.parquet")
    labels = read_areas(tmp_path / "sll.parquet", CODES)
    assert labels.to_dict() == {"001001": "101", "001002": "101", "074003": "102"}
    assert labels.attrs["notes"] == ["sll.parquet: codes recognised but for their leading zeros: 3."]
    cells = "".join(
        f'<row r="{r}">'
        + "".join(f'<c r="{c}{r}" t="{kind}"><v>{value}</v></c>' for c, kind, value in row)
        + "</row>"
        for r, row in enumerate(
            [
                [("A", "str", "Codice"), ("B", "str", "Ambito")],
                [("A", "n", "1001"), ("B", "n", "7")],
                [("A", "n", "74003"), ("B", "str", "x")],
            ],
            start=1,
        )
    )
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    link = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    with zipfile.ZipFile(tmp_path / "u.xlsx", "w") as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument'
            '.spreadsheetml.sheet.main+xml"/></Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{link}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook {space} xmlns:r="{link}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{link}/worksheet"'
            ' Target="worksheets/sheet1.xml"/></Relationships>',
        )
        book.writestr(
            "xl/worksheets/sheet1.xml", f"<worksheet {space}><sheetData>{cells}</sheetData></worksheet>"
        )
    labels = read_areas(tmp_path / "u.xlsx", CODES)
    assert labels.dropna().to_dict() == {"001001": "7", "074003": "x"}
    assert labels.attrs["notes"][-1] == "u.xlsx: municipalities without an area: 1 ('001002')."
    (tmp_path / "bad.xlsx").write_bytes((tmp_path / "u.xlsx").read_bytes()[:900])
    with pytest.raises((InputError, SourceError), match=r"bad\.xlsx"):
        read_areas(tmp_path / "bad.xlsx")


def test_missing_and_unknown_municipalities(write):
    path = write("code,area\n001001,A\n001002,\n999999,B\n")
    message = refused(read_areas, path, CODES)
    assert "1 of 3 are not: '999999'" in message
    assert "nearest" in message
    labels = read_areas(path, CODES, unknown="leave out")
    assert labels.dropna().to_dict() == {"001001": "A"}
    assert labels.attrs["notes"] == [
        "unions.csv: codes that are not in the flows, left out: 1 ('999999').",
        "unions.csv: municipalities without an area: 2 ('001002', '074003').",
    ]
    assert labels.attrs["remarks"][0]["it"].startswith("unions.csv: codici che non sono nei flussi")
    assert "2 of 2 are not" in refused(read_areas, write("code,area\nx,1\ny,2\n"), CODES, unknown="leave out")
    with pytest.raises(UnknownNameError):
        read_areas(path, CODES, unknown="drop")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code,area\n001001,A\n001001,B\n", "001001: A and B"),
        ("code,area\n001001,A\n001001,\n", "001001: A and none"),
        ("code,area\n001001,A\n1001,B\n", "with and without leading zeros"),
        ("code,area\n,A\n001001,B\n", "rows without one: 2"),
        ("code,area\n,A\n", "rows without one: all"),
        ("comune,ambito\nTorino,A\n", "code ("),
        ("code,sll,ato\n001001,1,2\n", "'ato', 'sll'"),
        ("", "empty"),
        ("<html></html>", "web page"),
    ],
)
def test_hostile_tables(write, text, message):
    found = refused(read_areas, write(text), CODES)
    assert message in found
    assert "unions.csv" in found


def test_repeated_rows_and_names_of_municipalities(write):
    path = write("code,name,area\n001001,Agliè,A\n001001,Agliè,A\n001002,Airasca,A\n", encoding="latin-1")
    labels = read_areas(path, CODES[:2])
    assert labels.attrs["names"] == {}
    assert labels.attrs["notes"] == [
        "The file unions.csv".replace("The file ", "") + " is not UTF-8: it was read as Latin-1."
    ]
    assert "'Agliè', 'Airasca'" in refused(read_areas, path, CODES[:2], name="name")


def test_columns_can_be_named(write):
    path = write("sll,ato,key,label\n1,x,001001,One\n1,y,001002,One\n")
    labels = read_areas(path, code="key", area="SLL", name="label")
    assert labels.to_dict() == {"001001": "1", "001002": "1"}
    assert labels.attrs["names"] == {"1": "One"}


def test_codes_match_by_number_only_where_that_is_safe():
    known = pd.Index(["001001", "10", "0010", "x1"])
    assert match_codes(pd.Index(["1001", "x1"]), known[[0, 1, 3]]).to_dict() == {"1001": "001001", "x1": "x1"}
    assert match_codes(pd.Index(["1001", "10"]), known).isna().tolist() == [True, False]
    assert match_codes(pd.Index(["090001"]), pd.Index(["90001"])).to_dict() == {"090001": "90001"}


# population


def test_population(write):
    path = write("Codice;Comune;Popolazione\n1001;Agliè;2645,0\n001002;Airasca;3500\n099999;Other;1\n")
    residents = read_population(path, CODES)
    assert residents.dropna().to_dict() == {"001001": 2645.0, "001002": 3500.0}
    assert residents.attrs["names"] == {"001001": "Agliè", "001002": "Airasca"}
    assert residents.attrs["notes"] == [
        "unions.csv: codes that are not in the flows, left out: 1 ('099999').",
        "unions.csv: codes recognised but for their leading zeros: 1.",
        "unions.csv: municipalities without a population: 1.",
    ]
    twice = write("code,pop\n001001,5\n001001,6\n", "twice.csv")
    assert "1 are repeated: '001001'" in refused(read_population, twice, CODES)
    assert "must be at least 0" in refused(read_population, write("code,pop\n001001,-5\n", "neg.csv"), CODES)


# polygons


def grid(west, south, step=0.1, n=3):
    shapes = [
        box(west + step * i, south + step * j, west + step * (i + 1), south + step * (j + 1))
        for j in range(n)
        for i in range(n)
    ]
    return gpd.GeoDataFrame({"CD_MUN": [f"35{k:05}" for k in range(n * n)]}, geometry=shapes, crs="EPSG:4326")


@pytest.mark.parametrize(
    ("west", "south", "step", "system"),
    [
        (-46.8, -23.7, 0.1, "UTM zone 23S"),
        (8.9, 45.1, 0.1, "LAEA Europe"),
        (-60.0, -20.0, 5.0, "unknown"),
        (178.5, -17.0, 0.4, "UTM zone 60S"),
    ],
)
def test_polygons_are_in_metres_everywhere(tmp_path, west, south, step, system):
    frame = grid(west, south, step)
    frame.to_file(tmp_path / "m.geojson")
    polygons = read_polygons(tmp_path / "m.geojson", frame["CD_MUN"])
    assert system in polygons.crs.name
    assert polygons.index.tolist() == frame["CD_MUN"].tolist()
    geod_area = abs(frame.crs.get_geod().geometry_area_perimeter(frame.geometry.iloc[4])[0]) / 1e6
    # UTM stretches areas by up to 0.2 %, and a straight edge is not a parallel
    assert polygons["area_km2"].iloc[4] == pytest.approx(geod_area, rel=5e-3)
    assert "name" not in polygons


def test_polygons_across_the_date_line(tmp_path):
    frame = grid(174.0, -17.0, 1.0, 4).to_crs("EPSG:4326")
    frame["geometry"] = [
        shape
        if shape.bounds[2] <= 180
        else Polygon([(x - 360 if x > 0 else x, y) for x, y in shape.exterior.coords])
        for shape in grid(177.0, -17.0, 1.5, 4).geometry
    ]
    frame.to_file(tmp_path / "m.geojson")
    polygons = read_polygons(tmp_path / "m.geojson", frame["CD_MUN"])
    assert polygons.total_bounds[2] - polygons.total_bounds[0] < 1e6


def test_parts_names_gaps_and_strangers(tmp_path):
    frame = gpd.GeoDataFrame(
        {
            "PRO_COM": [1001, 1001, 1002, 9, None, 74003],
            "COMUNE": ["A", "A", "B", "Z", "no code", "point"],
        },
        geometry=[
            *(box(west, 45, west + 0.1, 45.1) for west in (9, 9.2, 9.1, 0)),
            box(9, 46, 9.1, 46.1),
            Point(9, 45),
        ],
        crs="EPSG:4326",
    )
    frame.to_file(tmp_path / "m.gpkg", layer="m")
    polygons = read_polygons(tmp_path / "m.gpkg", CODES)
    assert polygons["name"].to_dict() == {"001001": "A", "001002": "B"}
    assert isinstance(polygons.geometry["001001"], MultiPolygon)
    assert polygons.crs.to_epsg() == 3035
    assert polygons.attrs["notes"] == [
        "m.gpkg: features without a polygon or without a code, left out: 2.",
        "m.gpkg: codes that are not in the flows, left out: 1 ('9').",
        "m.gpkg: codes recognised but for their leading zeros: 2.",
        "m.gpkg: municipalities without a polygon: 1 ('074003').",
    ]


def test_hostile_polygons(tmp_path, write):
    frame = grid(9, 45)
    codes = frame["CD_MUN"]
    assert "cannot be read" in refused(read_polygons, write("rubbish", "m.geojson"), codes)
    assert "cannot be read" in refused(read_polygons, tmp_path / "absent.gpkg", codes)
    frame.to_crs(3035).to_file(tmp_path / "p.shp")
    (tmp_path / "p.prj").unlink()
    assert "coordinate reference system" in refused(read_polygons, tmp_path / "p.shp", codes)
    for layer in ("a", "b"):
        frame.to_file(tmp_path / "l.gpkg", layer=layer)
    assert "found 'a', 'b'" in refused(read_polygons, tmp_path / "l.gpkg", codes)
    assert len(read_polygons(tmp_path / "l.gpkg", codes, layer="b")) == 9
    with pytest.raises(UnknownNameError):
        read_polygons(tmp_path / "l.gpkg", codes, layer="c")
    frame.rename(columns={"CD_MUN": "what"}).to_file(tmp_path / "w.gpkg")
    assert "found: 'what'" in refused(read_polygons, tmp_path / "w.gpkg", codes)
    assert len(read_polygons(tmp_path / "w.gpkg", codes, code="what")) == 9
    frame.to_file(tmp_path / "o.gpkg")
    assert "9 of 9 are not" in refused(read_polygons, tmp_path / "o.gpkg", ["x"])
    frame.set_geometry([Point(0, 0)] * 9, crs=4326).to_file(tmp_path / "t.gpkg")
    assert "polygons with codes" in refused(read_polygons, tmp_path / "t.gpkg", codes)
    metres = frame.to_crs(3035).set_crs(4326, allow_override=True)
    metres.to_file(tmp_path / "c.gpkg")
    assert "State the right reference system" in refused(read_polygons, tmp_path / "c.gpkg", codes)


def test_crossed_rings_are_mended(tmp_path):
    frame = grid(9, 45, n=1)
    frame["geometry"] = [Polygon([(9, 45), (9.1, 45.1), (9.1, 45), (9, 45.1)])]
    frame.to_parquet(tmp_path / "m.parquet")
    polygons = read_polygons(tmp_path / "m.parquet", frame["CD_MUN"])
    assert polygons.is_valid.all()
    assert np.isclose(polygons["area_km2"].iloc[0], 43.8, atol=1)


# real files


def test_official_areas(mirror):
    labels = read_areas(mirror / "validation/sll_2021.csv")
    assert (len(labels), labels.nunique()) == (7904, 515)
    assert len(labels.attrs["names"]) == 515
    assert (labels.index.str.len() == 6).all()
