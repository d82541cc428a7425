import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.composite.profile import IQR_OF_NORMAL, PROFILE_COLUMNS, profile_unit
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.stages.findings import positions

DIRECTIONS = {"up": "positive", "down": "negative", "flat": "neutral"}


@pytest.fixture
def values():
    """Twelve units, 0 to 11; `down` is the same numbers, `flat` has no direction."""
    numbers = np.arange(12.0)
    return pd.DataFrame({"up": numbers, "down": numbers, "flat": numbers}, index=[f"u{n}" for n in range(12)])


def test_profile_by_hand(values):
    values.loc["u1", "up"] = np.nan
    groups = {"all": values.index, "few": ["u0", "u4"]}
    found = profile_unit(values, "u8", groups, {"up": 10, "down": 10, "flat": 0}, DIRECTIONS)
    assert list(found.columns) == list(PROFILE_COLUMNS)
    assert list(found.index[:3]) == [("up", "all"), ("up", "few"), ("down", "all")]
    up = found.loc[("up", "all")]
    assert up[["value", "place", "tied", "of"]].to_list() == [8, 4, 0, 11]
    assert up["share_worse"] == pytest.approx(7 / 10)
    assert up[["gap", "gap_percent", "side"]].to_list() == [-2, -20, "worse"]
    assert up["telling"]
    down = found.loc[("down", "all")]
    assert down[["median", "lower_quartile", "upper_quartile"]].to_list() == [5.5, 2.75, 8.25]
    assert down[["place", "side"]].to_list() == [9, "better"]
    assert down["share_worse"] == pytest.approx(3 / 11)
    assert down["gap_standard"] == pytest.approx(-2 / (5.5 / IQR_OF_NORMAL))
    few = found.loc[("up", "few")]  # the unit is added: 0, 4, 8
    assert few[["median", "place", "of"]].to_list() == [4, 1, 3]
    assert not few["telling"]
    flat = found.loc[("flat", "all")]
    assert flat[["place", "share_worse", "side", "gap_percent"]].isna().all()
    assert flat[["gap", "tied"]].to_list() == [8, 0]
    assert not flat["telling"]


def test_ties_and_the_median_as_reference(values):
    values["up"] = [0.0, 1, 5, 5, 5, 5, 5, 5, 9, 9, 9, 9]
    found = profile_unit(values, "u4", {"all": values.index}, None, DIRECTIONS).loc[("up", "all")]
    assert found[["reference", "gap", "side"]].to_list() == [5, 0, "equal"]
    assert found[["place", "tied"]].to_list() == [5, 5]
    assert found["share_worse"] == pytest.approx((2 + 5 / 2) / 11)
    assert not found["telling"]  # five of eleven are tied


def test_what_cannot_be_told_is_missing(values):
    values.loc["u8", "up"] = np.nan
    values["down"] = 3.0
    found = profile_unit(values, "u8", {"all": values.index, "alone": ["u8"]}, {"down": 2}, DIRECTIONS)
    assert found.loc[("up", "all"), ["value", "place", "tied", "gap", "side"]].isna().all()
    assert found.loc[("up", "all"), "of"] == 11
    assert found.loc[("down", "all"), "side"] == "worse"
    assert np.isnan(found.loc[("down", "all"), "gap_standard"])  # no spread to measure it by
    assert np.isnan(found.loc[("down", "alone"), "share_worse"])
    assert found.loc[("down", "alone"), "place"] == 1
    assert np.isnan(found.loc[("flat", "all"), "reference"])
    nothing = profile_unit(values.assign(up=np.nan), "u8", {"all": values.index}, None, {})
    assert nothing.loc[("up", "all"), "median":"lower_quartile"].isna().all()


def test_bad_input_is_told(values):
    call = (values, "u8", {"all": values.index}, None, DIRECTIONS)
    with pytest.raises(UnknownNameError, match="unit"):
        profile_unit(values, "u88", *call[2:])
    with pytest.raises(UnknownNameError, match="positive"):
        profile_unit(*call[:4], DIRECTIONS | {"up": "positiv"})
    with pytest.raises(InputError, match="'x9'"):
        profile_unit(values, "u8", {"own": ["u1", "x9"]}, None, DIRECTIONS)
    with pytest.raises(InputError, match="list of units"):
        profile_unit(values, "u8", {"own": "u1"}, None, DIRECTIONS)
    with pytest.raises(InputError, match="at least one"):
        profile_unit(values, "u8", {}, None, DIRECTIONS)
    with pytest.raises(InputError, match="finite"):
        profile_unit(values, "u8", {"all": values.index}, {"up": "many"}, DIRECTIONS)
    with pytest.raises(InputError, match="one row"):
        profile_unit(pd.concat([values, values]), "u8", {"all": ["u8"]}, None, DIRECTIONS)


@given(st.integers(0, 10**6), st.sampled_from(["positive", "negative"]))
def test_places_are_those_of_the_findings(seed, direction):
    random = np.random.default_rng(seed)
    values = pd.DataFrame(random.integers(0, 30, (25, 3)).astype(float), columns=list("abc"))
    values = values.mask(random.random(values.shape) < 0.15)
    directions = pd.Series(dict.fromkeys("abc", direction))
    found = profile_unit(values, 7, {"all": values.index}, None, directions).xs("all", level="group")
    expected = positions(values, 7, directions)
    told = found[found["telling"]]
    assert list(told.index) == list(expected.index)
    np.testing.assert_array_equal(told["place"], expected["position"])
    np.testing.assert_allclose(told["share_worse"], expected["share_worse"])
    np.testing.assert_array_equal(told[["tied", "of"]], expected[["tied", "of"]])


@given(st.integers(0, 10**6), st.floats(0.01, 1000))
def test_units_of_measure_and_order_do_not_matter(seed, factor):
    random = np.random.default_rng(seed)
    values = pd.DataFrame(random.normal(50, 9, (15, 2)), columns=["up", "down"])
    groups = {"all": values.index, "some": values.index[:6]}
    reference = values.mean()
    found = profile_unit(values, 3, groups, reference, DIRECTIONS)
    shuffled = values.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(profile_unit(shuffled, 3, groups, reference, DIRECTIONS), found)
    scaled = profile_unit(values * factor, 3, groups, reference * factor, DIRECTIONS)
    same = ["place", "tied", "of", "share_worse", "telling", "gap_percent", "gap_standard", "side"]
    pd.testing.assert_frame_equal(scaled[same], found[same], rtol=1e-6)
    np.testing.assert_allclose(scaled["gap"], found["gap"] * factor)
