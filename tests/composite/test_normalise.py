import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.composite import Goalposts, normalise_ampi, normalise_min_max, normalise_z_scores
from diagnosis.errors import InputError, UnknownNameError


@pytest.fixture
def panel():
    """Two units in two years: the observed range of x is 40 to 80 only when all years are read."""
    index = pd.MultiIndex.from_product([["A", "B"], ["2020", "2021"]], names=["code", "year"])
    return pd.DataFrame({"x": [50.0, 80.0, 40.0, 30.0 + 15.0]}, index=index)


def test_goalposts_read_all_years_and_centre_on_the_reference(panel):
    posts = Goalposts.from_panel(panel, {"x": 50}, {"x": "positive"}).to_frame()
    assert posts.loc["x"].to_list() == [30, 70, 50, "positive"]
    positive = normalise_ampi(panel, Goalposts(posts))["x"]
    assert positive.to_list() == [100, 145, 85, 92.5]
    negative = normalise_ampi(panel, Goalposts(posts.assign(direction="negative")))["x"]
    assert negative.to_list() == [100, 55, 115, 107.5]


def test_worked_goalposts(oracles):
    rule = json.loads((oracles / "composite" / "rules_worked.json").read_text())["goalposts"]
    observed = pd.DataFrame({"x": [rule["inf"], rule["sup"]]})
    for direction in ("positive", "negative"):
        posts = Goalposts.from_panel(observed, {"x": rule["ref"]}, {"x": direction})
        assert posts.frame.loc["x", "minimum"] == rule["min"]
        assert posts.frame.loc["x", "maximum"] == rule["max"]
        scores = normalise_ampi(pd.DataFrame({"x": rule["x"]}), posts)["x"]
        np.testing.assert_allclose(scores, rule[direction], rtol=1e-12)


def test_frozen_goalposts_do_not_move_with_new_units(panel):
    posts = Goalposts.from_panel(panel, {"x": 50}, {"x": "positive"})
    later = pd.DataFrame({"x": [50.0, 110.0]}, index=["A", "C"])
    assert normalise_ampi(later, posts)["x"].to_list() == [100, 190]


def test_goalposts_cannot_be_changed_from_outside(panel):
    posts = Goalposts.from_panel(panel, {"x": 50}, {"x": "positive"})
    table = posts.to_frame()
    table.loc["x", "minimum"] = 0
    assert posts.frame.loc["x", "minimum"] == 30


@pytest.mark.parametrize("noise", [0.0, 1e-16])
def test_constant_indicator_is_refused_unless_asked_for(noise):
    values = pd.DataFrame({"x": [0.3, 0.3 + noise], "y": [1.0, 2.0]}, index=["A", "B"])
    reference, directions = {"x": 0.5, "y": 1.5}, {"x": "positive", "y": "negative"}
    with pytest.raises(InputError, match=r"must vary.*'x'"):
        Goalposts.from_panel(values, reference, directions)
    posts = Goalposts.from_panel(values, reference, directions, constant="reference")
    assert normalise_ampi(values, posts)["x"].to_list() == [100, 100]
    assert normalise_ampi(values, posts)["y"].to_list() == [130, 70]


def test_missing_values_stay_missing():
    values = pd.DataFrame({"x": [1.0, None, 3.0]}, index=["A", "B", "C"])
    posts = Goalposts.from_panel(values, {"x": 2}, {"x": "positive"})
    result = normalise_ampi(values, posts)["x"]
    assert result.isna().to_list() == [False, True, False]
    assert result["C"] == 130


@pytest.mark.parametrize(
    ("values", "reference", "directions", "message"),
    [
        ({"x": ["1", "2"]}, {"x": 1}, {"x": "positive"}, "hold numbers.*'x'"),
        ({"x": [1.0, np.inf]}, {"x": 1}, {"x": "positive"}, "finite.*'x'"),
        ({"x": [None, None]}, {"x": 1}, {"x": "positive"}, "hold numbers|at least one value"),
        ({"x": [np.nan, np.nan]}, {"x": 1}, {"x": "positive"}, "at least one value.*'x'"),
        ({"x": [1.0, 2.0]}, {"y": 1}, {"x": "positive"}, "value of the reference.*'x'"),
        ({"x": [1.0, 2.0]}, {"x": np.nan}, {"x": "positive"}, "value of the reference.*'x'"),
        ({"x": [1.0, 2.0]}, {"x": 1}, {}, "needs a direction.*'x'"),
        ({}, {}, {}, "at least one indicator"),
    ],
)
def test_bad_input_is_named(values, reference, directions, message):
    with pytest.raises(InputError, match=message):
        Goalposts.from_panel(pd.DataFrame(values), reference, directions)


def test_unknown_direction_and_missing_goalposts_are_named(panel):
    with pytest.raises(UnknownNameError, match="'neutral' was given"):
        Goalposts.from_panel(panel, {"x": 50}, {"x": "neutral"})
    with pytest.raises(UnknownNameError, match="constant"):
        Goalposts.from_panel(panel, {"x": 50}, {"x": "positive"}, constant="skip")
    posts = Goalposts.from_panel(panel, {"x": 50}, {"x": "positive"})
    with pytest.raises(InputError, match=r"goalposts.*'z'"):
        normalise_ampi(panel.rename(columns={"x": "z"}), posts)


def test_tampered_goalposts_are_refused():
    good = {"minimum": [0.0], "maximum": [2.0], "reference": [1.0], "direction": ["positive"]}
    assert Goalposts(pd.DataFrame(good, index=["x"])).frame.loc["x", "reference"] == 1
    for change in ({"reference": [0.5]}, {"minimum": [2.0], "maximum": [0.0]}):
        with pytest.raises(InputError, match=r"half-way.*'x'"):
            Goalposts(pd.DataFrame(good | change, index=["x"]))
    with pytest.raises(InputError, match="missing: 'direction'"):
        Goalposts(pd.DataFrame(good, index=["x"]).drop(columns="direction"))


def test_repeated_columns_are_refused():
    values = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], columns=["x", "x"])
    with pytest.raises(InputError, match=r"unique.*'x'"):
        normalise_z_scores(values, {"x": "positive"})


def test_z_scores_and_min_max_by_hand():
    values = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0]})
    directions = {"x": "positive", "y": "negative"}
    scores = normalise_z_scores(values, directions)
    step = 10 / np.sqrt(2 / 3)
    np.testing.assert_allclose(scores["x"], [100 - step, 100, 100 + step])
    np.testing.assert_allclose(scores["y"], [100 + step, 100, 100 - step])
    assert normalise_min_max(values, directions)["y"].to_list() == [100, 50, 0]
    with pytest.raises(InputError, match="must vary"):
        normalise_min_max(values.assign(x=1.0), directions)
    with pytest.raises(InputError, match="must vary"):
        normalise_z_scores(values.assign(x=1.0), directions)


def test_reference_software_normalisations(oracles):
    folder = oracles / "composite"
    treated = pd.read_csv(folder / "data" / "asem_treated.csv", index_col="uCode").select_dtypes("number")
    up = dict.fromkeys(treated.columns, "positive")
    for name, result in {
        "c12_n_zscore_100_10": normalise_z_scores(treated, up, ddof=1),
        "c12_n_zscore": normalise_z_scores(treated, up, mean=0, sd=1, ddof=1),
        "c12_n_minmax_1_100": normalise_min_max(treated, up, lower=1, upper=100),
    }.items():
        expected = pd.read_csv(folder / "expected" / f"{name}.csv", index_col="uCode")
        np.testing.assert_allclose(result[expected.columns], expected, rtol=1e-9, err_msg=name)
    regions = pd.read_csv(folder / "data" / "eu_nuts1.csv", index_col="NUTS1")[["roads", "trains"]]
    directions = {"roads": "negative", "trains": "positive"}
    for name, result in {
        "k01_normalise_m1": normalise_z_scores(regions, directions, ddof=1),
        "k01_normalise_m2": normalise_min_max(regions, directions, upper=1),
    }.items():
        expected = pd.read_csv(folder / "expected" / f"{name}.csv", index_col="unit")
        pd.testing.assert_frame_equal(result, expected, rtol=1e-9, check_names=False)


numbers = st.integers(-1000, 1000).map(float)


@given(
    values=st.lists(numbers, min_size=2, max_size=8).filter(lambda v: min(v) < max(v)),
    reference=numbers,
    factor=st.sampled_from([0.001, 0.5, 3.0, 1e6]),
    shift=st.integers(-100, 100),
)
def test_change_of_unit_changes_nothing(values, reference, factor, shift):
    table = pd.DataFrame({"x": values})
    posts = Goalposts.from_panel(table, {"x": reference}, {"x": "negative"})
    other = table * factor + shift
    other_posts = Goalposts.from_panel(other, {"x": reference * factor + shift}, {"x": "negative"})
    expected, result = normalise_ampi(table, posts), normalise_ampi(other, other_posts)
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-6)
