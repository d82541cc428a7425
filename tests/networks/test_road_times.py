"""Minutes by road between squares of 10 km, measured and estimated."""

import numpy as np
import pandas as pd
import pytest

from diagnosis.errors import InputError
from diagnosis.networks.road_times import (
    EXPONENT,
    MINUTES_AT_1_KM,
    estimate_times,
    measured_times,
    road_times,
)

CODES = pd.Index(["a", "b", "c", "d"], name="code")


@pytest.fixture
def measured():
    table = pd.DataFrame(
        [("a", "b", 20.0), ("b", "a", 30.0), ("a", "c", 45.0), ("b", "z", 5.0), ("c", "a", 50.0)],
        columns=["origin", "destination", "minutes"],
    )
    return measured_times(table, CODES)


def test_what_is_reached_includes_the_place_itself(measured):
    residents = np.array([100.0, 10.0, 1.0, 1000.0])
    np.testing.assert_array_equal(measured.sum_within(residents, 30), [110, 110, 1, np.nan])
    np.testing.assert_array_equal(measured.sum_within(residents, 45), [111, 110, 1, np.nan])
    assert not measured.estimated
    with pytest.raises(InputError, match="at most 60"):
        measured.sum_within(residents, 61)


def test_a_place_without_residents_adds_none_and_has_no_sum(measured):
    found = measured.sum_within(np.array([100.0, np.nan, 1.0, 5.0]), 60)
    np.testing.assert_array_equal(found, [101, np.nan, 101, np.nan])


def test_the_nearest_target_of_the_own_group_counts(measured):
    groups = np.array(["x", "x", "x", "y"])
    found = measured.minutes_to_nearest(np.array([True, False, False, False]), groups)
    np.testing.assert_array_equal(found, [0, 30, 50, np.nan])
    both = measured.minutes_to_nearest(np.array([False, True, True, False]), groups)
    np.testing.assert_array_equal(both, [20, 0, 0, np.nan])
    apart = measured.minutes_to_nearest(np.array([True, False, False, False]), np.array(["x", "y", "x", "y"]))
    np.testing.assert_array_equal(apart, [0, np.nan, 50, np.nan])


def test_mean_minutes_are_weighted_by_those_who_are_reached(measured):
    found = measured.mean_minutes(np.array(["x"] * 4), np.array([7.0, 30.0, 10.0, np.nan]))
    np.testing.assert_allclose(found, [(20 * 30 + 45 * 10) / 40, 30, 50, np.nan])
    alone = measured.mean_minutes(np.array(["x", "x", "y", "y"]), np.array([1.0, 0.0, 1.0, 1.0]))
    np.testing.assert_array_equal(alone, [np.nan, 30, np.nan, np.nan])


def squares(*corners, region="01", province="001"):
    import geopandas as gpd
    import shapely

    boxes = [shapely.box(x, y, x + 10_000, y + 10_000) for x, y in corners]
    codes = pd.Index([f"{position:06d}" for position in range(len(boxes))], name="code")
    return gpd.GeoDataFrame(
        {"region": region, "province": province}, geometry=boxes, index=codes, crs="EPSG:3035"
    )


def pairs(times):
    return {
        (int(a), int(b)): minutes
        for a, b, minutes in zip(times.origin, times.destination, times.minutes, strict=True)
    }


def test_estimate_follows_the_line_both_ways():
    times = estimate_times(squares((0, 0), (10_000, 0), (200_000, 0)))
    found = pairs(times)
    assert times.estimated
    assert found[0, 1] == found[1, 0] == pytest.approx(MINUTES_AT_1_KM * 10**EXPONENT)
    assert found[0, 2] == pytest.approx(MINUTES_AT_1_KM * 200**EXPONENT)  # far, but of the province
    assert len(found) == 6


def test_far_pairs_of_two_provinces_and_pairs_across_the_sea_are_left_out():
    places = squares((0, 0), (10_000, 0), (200_000, 0), (20_000, 0), (30_000, 0))
    places["province"] = ["001", "002", "003", "004", "005"]
    places["region"] = ["01", "01", "01", "19", "01"]
    times = estimate_times(places, np.array([False, False, False, False, True]))
    assert set(pairs(times)) == {(0, 1), (1, 0)}
    assert times.known.tolist() == [True, True, True, True, False]
    farther = pairs(estimate_times(places, np.array([False, False, False, False, True]), longest=np.inf))
    assert set(farther) == {(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)}
    reached = times.sum_within(np.arange(1.0, 6.0), 60)
    np.testing.assert_array_equal(reached, [3, 3, 3, 4, np.nan])


def test_one_municipality_and_none():
    assert pairs(estimate_times(squares((0, 0)))) == {}
    assert pairs(estimate_times(squares((0, 0)).iloc[:0])) == {}
    with pytest.raises(InputError, match="'province'"):
        estimate_times(squares((0, 0)).drop(columns="province"))


def test_a_matrix_goes_before_the_estimate():
    places = squares((0, 0), (10_000, 0), (20_000, 0))
    classes = pd.DataFrame({"island": [0, 0, 1]}, index=places.index)
    tables = {"municipalities": places, "classification": classes}
    estimated = road_times(tables, places.index)
    assert estimated is not None
    assert estimated.estimated
    assert set(pairs(estimated)) == {(0, 1), (1, 0)}
    assert len(pairs(road_times({"municipalities": places}, places.index))) == 6
    matrix = pd.DataFrame({"origin": ["000002"], "destination": ["000000"], "minutes": [7.0]})
    measured = road_times({**tables, "travel_times": matrix}, places.index)
    assert measured is not None
    assert not measured.estimated
    assert pairs(measured) == {(2, 0): 7.0}


@pytest.mark.parametrize("column", ["geometry", "province", "region"])
def test_without_matrix_and_polygons_there_are_no_times(column):
    places = pd.DataFrame(squares((0, 0), (10_000, 0))).drop(columns=column)
    assert road_times({"municipalities": places, "travel_times": None}, places.index) is None
    assert road_times({}, places.index) is None


def test_the_estimate_is_as_good_as_it_says(mirror):
    from diagnosis.sources.dpcoe import read_inner_areas
    from diagnosis.sources.embedded import read_municipalities

    places = read_municipalities()
    inner = read_inner_areas(mirror / "dpcoe/mappa-ai-2020-elenco-classificazione-comuni.xlsx")
    inner = inner[(inner["minutes_to_pole"] > 0) & (inner["minutes_to_pole"] < 150)]
    inner = inner[inner["pole_code"].isin(places.index)]
    centres = places.geometry.centroid
    km = centres[inner.index].distance(centres[inner["pole_code"]].set_axis(inner.index)) / 1000
    off = (MINUTES_AT_1_KM * km**EXPONENT / inner["minutes_to_pole"] - 1).abs()
    assert len(off) >= 7_600
    assert off.median() == pytest.approx(0.17, abs=0.005)
    assert off.quantile(0.9) == pytest.approx(0.41, abs=0.01)
    assert (off * inner["minutes_to_pole"]).mean() == pytest.approx(6.3, abs=0.1)  # as reports say
