"""Road times among the indicators: those of ISTAT's matrix; without it they wait, and nothing is estimated."""

import numpy as np
import pandas as pd
import pytest

from diagnosis.indicators import compute, find_waiting, gap_reasons
from diagnosis.indicators.accessibility import ROAD_MEASURES, TEXTS

NAMES = sorted(ROAD_MEASURES)


@pytest.fixture
def country(tables):
    """The four of the toy country in two provinces; 901003 has no population."""
    places = tables["municipalities"].assign(
        province=["901", "901", "901", "902"], region="90", capital=[1, 0, 0, 1]
    )
    times = pd.DataFrame(
        [
            ("901001", "901002", 30.0),
            ("901002", "901001", 40.0),
            ("901002", "901004", 60.0),
            ("901003", "901001", 50.0),
            ("901003", "901002", 10.0),
        ],
        columns=["origin", "destination", "minutes"],
    )
    return {**tables, "municipalities": places, "travel_times": times.assign(km=1.0)}


def test_measured_minutes_by_hand(country):
    values = compute(country, only=NAMES)
    expected = {
        "minutes_to_capital": [0, 40, 50, 0],
        "minutes_in_province": [30, 40, (50 * 100 + 10 * 100) / 200, np.nan],
        "residents_within_30_minutes": [200, 100, np.nan, np.nan],
        "residents_within_45_minutes": [200, 200, np.nan, np.nan],
        "residents_within_60_minutes": [200, 6200, np.nan, np.nan],
    }
    for name, column in expected.items():
        np.testing.assert_allclose(values[name], column, err_msg=name)
    found = gap_reasons(values, country)
    assert set(found["reason"]) == {"not_in_source"}


def test_groups_are_means_weighted_by_residents(country):
    groups = pd.Series("g", index=["901001", "901002"])
    values = compute(country, groups=groups, only=NAMES).loc["g"]
    assert values["minutes_to_capital"] == pytest.approx(40 / 2)
    assert values["residents_within_60_minutes"] == pytest.approx((200 + 6200) / 2)


def test_without_the_matrix_they_wait_whatever_could_be_estimated(country):
    import geopandas as gpd
    import shapely

    boxes = [shapely.box(x, 0, x + 10_000, 10_000) for x in (0, 10_000, 20_000, 30_000)]
    places = gpd.GeoDataFrame(country["municipalities"], geometry=boxes, crs="EPSG:3035")
    without = {**country, "municipalities": places, "travel_times": None}
    values = compute(without, only=NAMES)
    assert values.isna().all(axis=None)
    assert set(gap_reasons(values, without)["reason"]) == {"source_missing"}
    assert (find_waiting(without)[NAMES] == "source_missing").all()
    assert not set(find_waiting(country).index) & set(NAMES)


def test_without_provinces_and_capitals_residents_are_still_reached(country):
    bare = {**country, "municipalities": country["municipalities"].drop(columns=["province", "capital"])}
    values = compute(bare, only=NAMES)
    assert values["residents_within_30_minutes"].tolist()[:2] == [200, 100]
    waiting = find_waiting(bare)
    for name in ("minutes_to_capital", "minutes_in_province"):
        assert values[name].isna().all()
        assert waiting[name] == "column_missing"


def test_missing_classes_stay_what_they_are_when_saved(country, tmp_path):
    """Once saved, a column of text without any value is read back as None."""
    values = compute(country, groups=pd.Series("g", index=["901001", "901002"]), only=list(TEXTS))
    values.to_parquet(tmp_path / "groups.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "groups.parquet"), values)
    assert all(value is None for value in values.loc["g"])
    without = compute({**country, "inner_areas": None}, only=["snai_class"])["snai_class"]
    assert all(value is None for value in without)
