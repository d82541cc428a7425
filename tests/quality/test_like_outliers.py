import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.errors import InputError
from diagnosis.quality import QualityRules, find_outliers
from diagnosis.tables import AGE_COLUMNS

CODES = pd.Index([f"9{number:05d}" for number in range(60)], name="code")


def country(residents=3000.0):
    """Sixty municipalities of one class and size."""
    people = pd.DataFrame(0.0, CODES, list(AGE_COLUMNS))
    people["f30"] = residents
    return {
        "municipalities": pd.DataFrame({"area_km2": 10.0}, index=CODES),
        "population": people,
        "inner_areas": pd.DataFrame({"snai_class": "C", "minutes_to_pole": 10.0}, index=CODES),
    }


def values_with(value, seed=0):
    numbers = np.random.default_rng(seed).normal(50, 2, (len(CODES), 1))
    table = pd.DataFrame(numbers, CODES, ["x"])
    table.iloc[0, 0] = value
    return table


def test_a_value_far_from_the_others_is_found():
    found, judged = find_outliers(values_with(90.0), country(), CODES)
    assert found["code"].tolist() == [CODES[0]]
    row = found.iloc[0]
    assert (row["value"], row["others"], row["step"]) == (90.0, 60, "same")
    assert row["score"] > 5
    assert judged["x"] == 60
    assert find_outliers(values_with(55.0), country(), CODES)[0].empty
    assert find_outliers(values_with(10.0), country(), CODES)[0]["score"].iloc[0] < -5


def test_score_by_hand():
    """Median 3; above it 3, 4, 5 and 12 lie 0, 1, 2 and 9 away: median 1.5, score 9 / (1.4826 x 1.5)."""
    values = pd.DataFrame({"x": np.tile([1.0, 2, 3, 4, 5], 12)}, index=CODES)
    values.iloc[4] = 12.0
    found, _ = find_outliers(values, country(), CODES, rules=QualityRules(far=3))
    above = values.loc[values["x"] >= 3, "x"] - 3
    assert found["score"].tolist() == pytest.approx([9 / (1.4826 * above.median())])
    assert found["median"].tolist() == [3]


def test_a_long_tail_on_one_side_does_not_flag_the_other():
    values = pd.DataFrame({"x": np.r_[np.linspace(9, 10, 30), np.linspace(10, 60, 30)]}, index=CODES)
    assert find_outliers(values, country(), CODES, rules=QualityRules(far=3))[0].empty


def test_having_what_most_lack_is_no_outlier():
    values = pd.DataFrame({"x": np.r_[np.zeros(55), np.ones(5)]}, index=CODES)
    found, judged = find_outliers(values, country(), CODES)
    assert found.empty
    assert judged["x"] == 0


def test_what_chance_can_do_is_no_outlier():
    values, code = values_with(90.0), CODES[0]
    wide = pd.DataFrame({"code": [code], "indicator": ["x"], "lower": [52.0], "upper": [100.0]})
    assert find_outliers(values, country(), CODES, wide)[0].empty
    across = wide.assign(lower=0.0)  # even far on the other side of the median
    assert find_outliers(values, country(), CODES, across)[0].empty
    narrow = wide.assign(lower=88.0)
    assert len(find_outliers(values, country(), CODES, narrow)[0]) == 1


def test_without_an_interval_small_places_are_not_judged():
    tables = country(residents=600.0)
    found, judged = find_outliers(values_with(90.0), tables, CODES)
    assert found.empty
    assert judged["x"] == 0
    rules = QualityRules(fewest_residents=500)
    assert len(find_outliers(values_with(90.0), tables, CODES, rules=rules)[0]) == 1


def test_places_without_residents_or_value_are_left_out():
    tables = country()
    tables["population"] = tables["population"].drop(index=CODES[0])
    found, judged = find_outliers(values_with(90.0), tables, CODES)
    assert found.empty
    assert judged["x"] == 59
    assert find_outliers(values_with(np.nan), country(), CODES)[1]["x"] == 59
    tables["population"] = None
    assert find_outliers(values_with(90.0), tables, CODES)[1]["x"] == 0
    few = values_with(90.0)
    few.iloc[12:] = np.nan
    assert find_outliers(few, country(), CODES)[1]["x"] == 0


def test_unknown_codes_are_refused():
    with pytest.raises(InputError, match="999999"):
        find_outliers(values_with(90.0), country(), pd.Index(["999999"]))


@settings(max_examples=15)
@given(st.floats(0.01, 100), st.floats(-1000, 1000), st.permutations(range(60)))
def test_neither_unit_nor_order_matters(scale, shift, order):
    values = values_with(90.0)
    base = find_outliers(values, country(), CODES)[0]
    moved = find_outliers(values.iloc[order] * scale + shift, country(), CODES[list(order)])[0]
    assert moved["code"].tolist() == base["code"].tolist()
    assert moved["score"].to_numpy() == pytest.approx(base["score"].to_numpy(), rel=1e-6)
