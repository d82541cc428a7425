import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from diagnosis.errors import InputError, UnknownNameError
from diagnosis.networks.catchments import SchoolTravel, school_catchments

TRAVEL = SchoolTravel(scale_km=3.0, internal_factor=5.0, radius_km=12.0)


def row(number, size_km=3.0):
    boxes = [box(1000 * size_km * i, 0, 1000 * size_km * (i + 1), 1000 * size_km) for i in range(number)]
    codes = [f"90000{i}" for i in range(number)]
    return gpd.GeoDataFrame(geometry=boxes, index=pd.Index(codes, name="code"), crs="EPSG:3035")


def series(places, *values):
    return pd.Series(values, index=places.index, dtype=float)


def test_pupils_of_a_school_place_are_kept_and_marked_as_estimated():
    places = row(3)
    found = school_catchments(places, series(places, 50, 50, 20), series(places, 120, 0, 0), travel=TRAVEL)
    assert list(found.flows) == ["origin", "destination", "pupils", "estimated"]
    assert (found.flows["estimated"] == 1).all()
    assert set(found.flows["destination"]) == {"900000"}
    # one school place: every child goes there, whatever the distance
    assert found.flows.set_index("origin")["pupils"].to_dict() == pytest.approx(
        {"900000": 50, "900001": 50, "900002": 20}
    )
    assert found.own_share == pytest.approx(50 / 120)
    assert found.own_share_limit == pytest.approx(50 / 120)
    assert found.misplaced_share == pytest.approx(0, abs=1e-9)


def test_without_balancing_only_the_school_places_are_kept():
    places = row(3)
    found = school_catchments(
        places, series(places, 50, 50, 20), series(places, 120, 0, 0), travel=TRAVEL, rounds=0
    )
    assert found.flows["pupils"].sum() == pytest.approx(120)
    assert found.misplaced_share > 0.05


def test_what_is_not_known_is_left_out_with_its_reason():
    places = row(4)
    children, pupils = series(places, 30, np.nan, 30, np.nan), series(places, 30, 10, np.nan, np.nan)
    found = school_catchments(places, children, pupils, grade="primary")
    assert found.left_out.to_dict() == {
        "900001": "children",
        "900002": "pupils",
        "900003": "children and pupils",
    }
    assert set(found.flows["origin"]) | set(found.flows["destination"]) == {"900000"}


def test_pupils_beyond_every_child_are_named():
    places = row(8)
    children, pupils = series(places, 40, 0, 0, 0, 0, 0, 0, 0), series(places, 30, 0, 0, 0, 0, 0, 0, 10)
    found = school_catchments(places, children, pupils, travel=TRAVEL)
    assert found.unreached.to_dict() == {"900007": 10}
    assert found.flows["pupils"].sum() == pytest.approx(30)


def test_bad_input():
    places = row(2)
    some = series(places, 1, 1)
    with pytest.raises(InputError, match="not both"):
        school_catchments(places, some, some)
    with pytest.raises(InputError, match="not both"):
        school_catchments(places, some, some, grade="primary", travel=TRAVEL)
    with pytest.raises(UnknownNameError, match="Did you mean 'primary'"):
        school_catchments(places, some, some, grade="primar")
    with pytest.raises(InputError, match=r"children must be numbers.*'900001'"):
        school_catchments(places, series(places, 1, -1), some, grade="primary")
    with pytest.raises(InputError, match="both children and pupils"):
        school_catchments(places, some, some * np.nan, grade="primary")
    with pytest.raises(InputError, match="rounds"):
        school_catchments(places, some, some, grade="primary", rounds=-1)
    with pytest.raises(InputError, match="metric"):
        school_catchments(places.to_crs("EPSG:4326"), some, some, grade="primary")


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_shares_lie_within_what_the_counts_allow(seed):
    random = np.random.default_rng(seed)
    places = row(6)
    children = series(places, *random.integers(1, 200, 6))
    pupils = series(places, *(random.integers(0, 200, 6) + (np.arange(6) == 0)))
    found = school_catchments(places, children, pupils, travel=SchoolTravel(3.0, 20.0, 60.0))
    attending = found.flows.groupby("destination")["pupils"].sum().reindex(places.index).fillna(0)
    assert np.allclose(attending, pupils)
    assert found.own_share <= found.own_share_limit + found.misplaced_share + 1e-9
    shuffled = school_catchments(
        places.iloc[::-1],
        children.sample(frac=1, random_state=1),
        pupils,
        travel=SchoolTravel(3.0, 20.0, 60.0),
    )
    pd.testing.assert_frame_equal(found.flows, shuffled.flows)
