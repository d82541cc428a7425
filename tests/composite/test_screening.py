import numpy as np
import pandas as pd
import pytest

from diagnosis.composite.denomination import denominate
from diagnosis.composite.screening import (
    describe_indicators,
    measure_availability,
    measure_domain_availability,
    screen_units,
)
from diagnosis.errors import InputError

NAN = np.nan


@pytest.fixture
def values():
    rows = {"A": [1, 2, 3, 4], "B": [0, NAN, 3, 4], "C": [NAN] * 4, "D": [0, 0, 0, 1]}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list("wxyz"), dtype=float)


def test_availability_by_hand(values):
    found = measure_availability(values)
    assert found["n_missing"].to_list() == [0, 1, 4, 0]
    assert found["n_zero"].to_list() == [0, 1, 0, 3]
    assert found["n_missing_or_zero"].to_list() == [0, 2, 4, 3]
    assert found["share_available"].to_list() == [1, 0.75, 0, 1]
    np.testing.assert_allclose(found["share_nonzero"], [1, 2 / 3, NAN, 0.25])


def test_availability_by_domain(values):
    found = measure_domain_availability(values, {"w": "one", "x": "two", "y": "one", "z": "two"})
    assert found.columns.to_list() == ["one", "two"]
    assert found["one"].to_list() == [1, 1, 0, 1]
    assert found["two"].to_list() == [1, 0.5, 0, 1]
    with pytest.raises(InputError, match=r"domain.*'z'"):
        measure_domain_availability(values, dict.fromkeys("wxy", "one"))


def test_screen_keeps_every_unit_in_its_table(values):
    assert screen_units(values)["included"].to_list() == [True, True, False, True]
    both = screen_units(values, minimum_available=0.8, minimum_nonzero=0.3)
    assert both["low_available"].to_list() == [False, True, True, False]
    assert both["low_nonzero"].to_list() == [False, False, True, True]
    assert both["included"].to_list() == [True, False, False, False]
    assert screen_units(values, minimum_available=None)["included"].all()
    exactly = screen_units(values, minimum_available=0.75)
    assert exactly.loc["B", "included"]


def test_forced_units(values):
    found = screen_units(values, include=["C"], exclude=["A"])
    assert found["included"].to_list() == [False, True, True, True]
    assert found["forced"].to_list() == [True, False, True, False]
    with pytest.raises(InputError, match="'Z'"):
        screen_units(values, include=["Z"])
    with pytest.raises(InputError, match="both included and excluded"):
        screen_units(values, include=["A"], exclude=["A"])


@pytest.mark.parametrize("share", [-0.1, 1.1, NAN])
def test_share_out_of_range(values, share):
    with pytest.raises(InputError, match="minimum_nonzero"):
        screen_units(values, minimum_nonzero=share)


def test_description_by_hand(values):
    found = describe_indicators(values)
    assert found.loc["w", ["n_available", "n_nonzero", "n_unique", "n_same"]].to_list() == [3, 1, 2, 2]
    assert found.loc["w", "share_available"] == 0.75
    np.testing.assert_allclose(
        found.loc["w", ["share_nonzero", "share_unique"]].astype(float), [1 / 3, 2 / 3]
    )
    assert found["low_nonzero"].to_list() == [True, False, False, False]
    assert found["low_unique"].to_list() == [False, False, False, False]


def test_description_of_hostile_columns():
    table = pd.DataFrame({"empty": [NAN] * 5, "constant": [7.0] * 5, "tail": [0, 1, 2, 3, 1000.0]})
    found = describe_indicators(table)
    assert found.loc["empty", ["n_available", "n_same"]].to_list() == [0, 0]
    assert found.loc["empty", "low_available"]
    assert np.isnan(found.loc["constant", "skewness"])
    assert found["outliers"].to_list() == [False, False, True]
    one = describe_indicators(table.iloc[:1])
    assert not one["outliers"].any()
    assert one["sd"].isna().all()


def test_denominators_by_hand():
    table = pd.DataFrame({"births": [10.0, 20.0, 5.0], "rate": [1.0, 2.0, 3.0]}, index=["A", "B", "C"])
    people = pd.DataFrame({"people": [0.0, 400.0, 100.0, 9.0]}, index=["C", "B", "A", "D"])
    found = denominate(table, people, {"births": "people", "rate": None}, scale={"births": 1000})
    np.testing.assert_allclose(found["births"], [100, 50, NAN])
    assert found["rate"].to_list() == [1, 2, 3]
    pd.testing.assert_frame_equal(denominate(table, people, {}), table)


@pytest.mark.parametrize(
    ("using", "people", "message"),
    [
        ({"deaths": "people"}, {"A": 1.0}, "'deaths'"),
        ({"births": "jobs"}, {"A": 1.0}, "'jobs'"),
        ({"births": "people"}, {"B": 1.0}, "'A'"),
        ({"births": "people"}, {"A": -1.0}, "negative: 'people'"),
    ],
)
def test_unusable_denominators(using, people, message):
    table = pd.DataFrame({"births": [10.0]}, index=["A"])
    with pytest.raises(InputError, match=message):
        denominate(table, pd.DataFrame({"people": pd.Series(people)}), using)
