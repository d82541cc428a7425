import numpy as np
import pandas as pd
import pytest

from diagnosis.indicators import compute, gap_reasons
from diagnosis.indicators.daily_travel import MEASURES
from diagnosis.tables import DAILY_TRAVEL_2011


@pytest.fixture
def travel(tables):
    """Of municipality 1: 10 students at home, 30 in 2, 10 abroad; nobody travels from 4."""
    rows = [
        ("901001", "901001", "study", 10, 5, [0, 0, 0, 10, 0], [10, 0, 0, 0]),
        ("901001", "901002", "study", 30, 15, [12, 6, 12, 0, 0], [0, 20, 10, 0]),
        ("901001", "F215", "study", 10, 0, [8, 0, 2, 0, 0], [0, 0, 0, 10]),
        ("901001", "901002", "work", 50, 20, [5, 0, 40, 2, 3], [10, 20, 10, 10]),
        ("901002", "901002", "study", 20, 10, [0, 0, 0, 20, 0], [20, 0, 0, 0]),
        ("901003", "901001", "work", 5, 1, [0, 0, 5, 0, 0], [0, 0, 0, 5]),
    ]
    columns = ["origin", "destination", "purpose", *DAILY_TRAVEL_2011.columns]
    frame = pd.DataFrame([(*first, *modes, *times) for *first, modes, times in rows], columns=columns)
    return tables | {"daily_travel_2011": DAILY_TRAVEL_2011.check(frame)}


def test_values_by_hand(travel):
    values = compute(travel, only=MEASURES)
    assert values["public_transport_share_2011"].tolist()[:3] == [25, 0, 0]  # 12 + 8 + 5 of 100
    assert values["private_motor_share_2011"].tolist()[:3] == [54, 0, 100]
    assert values["walking_or_cycling_share_2011"].tolist()[:3] == [12, 100, 0]
    assert values["long_travel_share_2011"].tolist()[:3] == [20, 0, 100]
    assert values["study_self_containment_2011"].tolist()[:2] == [20, 100]


def test_study_between_members_is_internal(travel):
    groups = pd.Series({"901001": "g", "901002": "g"})
    values = compute(travel, groups, MEASURES)
    assert values.at["g", "study_self_containment_2011"] == pytest.approx(100 * 60 / 70)
    assert values.at["g", "public_transport_share_2011"] == pytest.approx(100 * 25 / 120)


def test_reasons(travel, tables):
    found = gap_reasons(compute(travel, only=MEASURES), travel).set_index(["code", "indicator"])["reason"]
    assert found["901004", "private_motor_share_2011"] == "not_in_source"
    assert found["901003", "study_self_containment_2011"] == "not_in_source"
    assert set(gap_reasons(compute(tables, only=MEASURES), tables)["reason"]) == {"source_missing"}


def test_a_place_that_no_longer_exists_is_outside_of_every_unit(travel):
    frame = travel["daily_travel_2011"]
    more = frame.iloc[:2].assign(origin="999999", destination="999999")
    travel["daily_travel_2011"] = pd.concat([frame, more.drop_duplicates("purpose")], ignore_index=True)
    groups = pd.Series({"901002": "g"})
    assert compute(travel, groups, MEASURES).at["g", "study_self_containment_2011"] == 100
    assert np.isfinite(compute(travel, only=MEASURES).loc["901001"]).all()
