import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.composite.scaling import (
    normalise_distance_to_reference,
    normalise_distance_to_target,
    normalise_fraction_of_best,
    normalise_goalposts,
    normalise_ranks,
)
from diagnosis.errors import InputError, UnknownNameError

NAN = np.nan
DIRECTIONS = {"up": "positive", "down": "negative"}


@pytest.fixture
def values():
    return pd.DataFrame({"up": [1.0, 2, 2, 5], "down": [1.0, 2, 2, 5]}, index=list("ABCD"))


def test_ranks_by_hand(values):
    ranks = normalise_ranks(values, DIRECTIONS)
    assert ranks["up"].to_list() == [1, 2, 2, 4]
    assert ranks["down"].to_list() == [4, 2, 2, 1]
    assert normalise_ranks(values, DIRECTIONS, "borda")["down"].to_list() == [3, 1, 1, 0]
    average = normalise_ranks(values, DIRECTIONS, "percentile", ties="average")
    np.testing.assert_allclose(average["up"], [0, 0.5, 0.5, 1])
    gap = values.copy()
    gap.loc["D"] = NAN
    np.testing.assert_allclose(normalise_ranks(gap, DIRECTIONS, "percentile")["down"], [1, 0, 0, NAN])


def test_ranks_of_one_unit_and_of_a_constant(values):
    one = values.iloc[:1]
    assert normalise_ranks(one, DIRECTIONS).to_numpy().tolist() == [[1, 1]]
    assert normalise_ranks(one, DIRECTIONS, "percentile").isna().all(axis=None)
    assert (normalise_ranks(values * 0, DIRECTIONS, "percentile") == 0).all(axis=None)
    for options, message in (({"form": "quartile"}, "form"), ({"ties": "first"}, "ties")):
        with pytest.raises(UnknownNameError, match=message):
            normalise_ranks(values, DIRECTIONS, **options)


def test_goalposts_by_hand(values):
    low, high = {"up": 2, "down": 2}, {"up": 4, "down": 4}
    found = normalise_goalposts(values, DIRECTIONS, low, high, scale=10)
    assert found["up"].to_list() == [0, 0, 0, 10]
    assert found["down"].to_list() == [10, 10, 10, 0]
    free = normalise_goalposts(values, DIRECTIONS, low, high, truncate=False)
    assert free["up"].to_list() == [-0.5, 0, 0, 1.5]
    assert free["down"].to_list() == [1.5, 1, 1, -0.5]
    for wrong in ({"up": 2, "down": 3}, {"up": 1, "down": 3}):
        with pytest.raises(InputError, match=r"above the lower.*'up'"):
            normalise_goalposts(values, DIRECTIONS, low, wrong)
    with pytest.raises(InputError, match=r"finite goalpost.*'down'"):
        normalise_goalposts(values, DIRECTIONS, low, {"up": 4})


def test_distance_to_target_by_hand(values):
    found = normalise_distance_to_target(values, DIRECTIONS, {"up": 3, "down": 3})
    assert found["up"].to_list() == [0, 0.5, 0.5, 1]
    assert found["down"].to_list() == [1, 1, 1, 0]
    beyond = normalise_distance_to_target(values, DIRECTIONS, {"up": 3, "down": 3}, cap=False)
    assert beyond["up"].to_list() == [0, 0.5, 0.5, 2]
    assert beyond["down"].to_list() == [2, 1.5, 1.5, 0]
    for targets in ({"up": 1, "down": 3}, {"up": 0, "down": 3}):
        with pytest.raises(InputError, match=r"better than the worst unit.*'up'"):
            normalise_distance_to_target(values, DIRECTIONS, targets)


def test_distance_to_reference_by_hand(values):
    found = normalise_distance_to_reference(values, DIRECTIONS, "B")
    assert found["up"].to_list() == [0, 1, 1, 4]
    np.testing.assert_allclose(found["down"], [4 / 3, 1, 1, 0])
    capped = normalise_distance_to_reference(values, DIRECTIONS, "B", cap=True)
    assert capped["up"].to_list() == [0, 1, 1, 1]
    with pytest.raises(InputError, match=r"worst unit.*'up'"):
        normalise_distance_to_reference(values, DIRECTIONS, "A")
    with pytest.raises(InputError, match="'Z' was given"):
        normalise_distance_to_reference(values, DIRECTIONS, "Z")
    with pytest.raises(InputError, match=r"value of the reference.*'up'"):
        normalise_distance_to_reference(values.assign(up=[1, NAN, 2, 3]), DIRECTIONS, "B")


def test_fraction_of_best_by_hand(values):
    found = normalise_fraction_of_best(values, DIRECTIONS)
    assert found["up"].to_list() == [0.2, 0.4, 0.4, 1]
    assert found["down"].to_list() == [1, 0.5, 0.5, 0.2]
    with pytest.raises(InputError, match="'down'"):
        normalise_fraction_of_best(values.assign(down=[0.0, 1, 2, 3]), DIRECTIONS)
    with pytest.raises(InputError, match="'up'"):
        normalise_fraction_of_best(values.assign(up=-1.0), DIRECTIONS)


@pytest.mark.parametrize(
    "normalise",
    [
        normalise_fraction_of_best,
        lambda v, d: normalise_distance_to_target(v, d, {"up": 9, "down": 0}),
        normalise_ranks,
    ],
)
def test_unknown_direction(values, normalise):
    with pytest.raises(UnknownNameError, match="'neutral'"):
        normalise(values, DIRECTIONS | {"up": "neutral"})


def test_constant_and_empty_columns(values):
    goals = {"up": 9, "down": 0}
    with pytest.raises(InputError, match=r"must vary|same value"):
        normalise_distance_to_target(values.assign(up=1.0), DIRECTIONS, goals)
    with pytest.raises(InputError, match="at least one value"):
        normalise_distance_to_target(values.assign(up=NAN), DIRECTIONS, goals)
    with pytest.raises(InputError, match="at least one value"):
        normalise_fraction_of_best(values.assign(up=NAN), DIRECTIONS)


def test_compind_ranks(oracles):
    folder = oracles / "composite"
    regions = pd.read_csv(folder / "data" / "eu_nuts1.csv", index_col="NUTS1")[["roads", "trains"]]
    expected = pd.read_csv(folder / "expected" / "k01_normalise_m3.csv", index_col="unit")
    found = normalise_ranks(regions, {"roads": "negative", "trains": "positive"}, ties="average")
    pd.testing.assert_frame_equal(found, expected, check_names=False, check_dtype=False)


numbers = st.lists(st.integers(1, 1000).map(float), min_size=2, max_size=12)


@given(numbers.filter(lambda v: min(v) < max(v)), st.sampled_from([0.001, 2.0, 1e6]))
def test_better_values_score_no_less_in_any_unit(values, factor):
    table = pd.DataFrame({"up": values, "down": values})
    goals = {"up": 1001.0, "down": 0.5}
    for normalise in (
        lambda t, f: normalise_ranks(t, DIRECTIONS, "percentile"),
        lambda t, f: normalise_fraction_of_best(t, DIRECTIONS),
        lambda t, f: normalise_distance_to_target(t, DIRECTIONS, {k: v * f for k, v in goals.items()}),
    ):
        found = normalise(table, 1.0)
        order = np.argsort(values)
        assert (np.diff(found["up"].to_numpy()[order]) >= 0).all()
        assert (np.diff(found["down"].to_numpy()[order]) <= 0).all()
        np.testing.assert_allclose(normalise(table * factor, factor), found, rtol=1e-9, atol=1e-12)
