import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.errors import InputError
from diagnosis.governance.outlines import COLOURS, choose_colours, draw_outlines


def places(*boxes):
    import geopandas as gpd
    from shapely.geometry import box

    shapes = [box(*corners) for corners in boxes]
    return gpd.GeoDataFrame({"name": [f"m{i}" for i in range(len(boxes))]}, geometry=shapes, crs=3035)


SQUARES = ((0, 0, 10, 10), (10, 0, 20, 10), (40, 5, 50, 15))
PAIRS = np.array([(0, 1), (1, 0), (1, 2), (2, 1)])


def test_shapes_borders_and_ties_by_hand():
    drawn = draw_outlines(places(*SQUARES), np.arange(3), PAIRS)
    assert (drawn["width"], drawn["height"]) == (1000.0, 300.0)
    assert set(re.findall(r"[\d.]+ [\d.]+", drawn["shapes"][0])) == {"0 100", "200 100", "200 300", "0 300"}
    lines = {(i, j): path for i, j, path in drawn["borders"]}
    assert set(lines) == {(0, 1), (0, -1), (1, -1), (2, -1)}
    assert sorted(re.findall(r"[\d.]+ [\d.]+", lines[0, 1])) == ["200 100", "200 300"]
    assert drawn["ties"] == [[1, 2]]  # an island
    assert drawn["points"][2][0] == pytest.approx(900)


def test_a_hole_is_a_border_of_two():
    import geopandas as gpd
    from shapely.geometry import box

    inner = box(4, 4, 6, 6)
    ring = gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=[box(0, 0, 10, 10) - inner, inner], crs=3035)
    drawn = draw_outlines(ring, np.arange(2), np.array([(0, 1), (1, 0)]))
    assert drawn["shapes"][0].count("M") == 2
    assert {(i, j) for i, j, _ in drawn["borders"]} == {(0, 1), (0, -1)}
    assert drawn["ties"] == []


def test_units_that_touch_somewhere_are_not_tied():
    drawn = draw_outlines(places(*SQUARES), np.array([0, 1, 0]), np.array([(0, 1), (1, 0)]))
    assert drawn["ties"] == []


def test_polygons_are_needed():
    from shapely.geometry import Point, Polygon

    frame = places(*SQUARES)
    frame.loc[1, "geometry"] = Polygon()
    with pytest.raises(InputError, match="polygon of every municipality"):
        draw_outlines(frame, np.arange(3), PAIRS)
    with pytest.raises(InputError, match="there are none"):
        draw_outlines(frame.iloc[:0], np.arange(0), PAIRS)
    frame["geometry"] = [Point(1, 1)] * 3
    with pytest.raises(InputError, match="extent"):
        draw_outlines(frame, np.arange(3), PAIRS)


@given(
    st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20),
    st.dictionaries(st.integers(0, 9), st.integers(0, 7)),
)
def test_neighbours_differ_where_eight_colours_allow_it(pairs, before):
    neighbours = {area: set() for area in range(10)}
    for one, other in pairs:
        if one != other and len(neighbours[one]) < 7 and len(neighbours[other]) < 7:
            neighbours[one].add(other)
            neighbours[other].add(one)
    chosen = choose_colours(neighbours, before)
    assert all(0 <= colour < len(COLOURS) for colour in chosen.values())
    for area, near in neighbours.items():
        assert all(chosen[area] != chosen[other] for other in near)
    assert choose_colours(neighbours, chosen) == chosen
