import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.composite.imputation import impute_by_indicator, impute_by_unit
from diagnosis.composite.multiple_imputation import combine_imputations, impute_multiple
from diagnosis.errors import InputError, UnknownNameError

NAN = np.nan


@pytest.fixture
def values():
    return pd.DataFrame(
        {"x": [0.0, 10, NAN, 2], "y": [5.0, NAN, 1, 1], "z": [0.0, 4, 2, NAN]}, index=list("ABCD")
    )


DIRECTIONS = {"x": "positive", "y": "negative", "z": "positive"}


def test_by_indicator(values):
    assert impute_by_indicator(values)["x"].to_list() == [0, 10, 4, 2]
    assert impute_by_indicator(values, "median")["x"].to_list() == [0, 10, 2, 2]
    grouped = impute_by_indicator(values, unit_groups={"A": "N", "B": "N", "C": "S", "D": "S"})
    assert grouped["x"].to_list() == [0, 10, 2, 2]
    assert grouped["y"].to_list() == [5, 5, 1, 1]
    alone = impute_by_indicator(values, unit_groups={"A": "N", "B": "N", "C": "S", "D": None})
    assert np.isnan(alone.loc["C", "x"])
    assert np.isnan(alone.loc["D", "z"])
    with pytest.raises(InputError, match=r"unit_groups.*'D'"):
        impute_by_indicator(values, unit_groups=dict.fromkeys("ABC", 1))
    with pytest.raises(UnknownNameError, match="statistic"):
        impute_by_indicator(values, "mode")


def test_by_unit(values):
    found = impute_by_unit(values, DIRECTIONS)
    # C: y best (1), z half-way (0.5): x = 0.75 of 0 to 10; B: x and z best, so y is its best value
    assert found.loc["C", "x"] == pytest.approx(7.5)
    assert found.loc["B", "y"] == pytest.approx(1)
    within = impute_by_unit(values, DIRECTIONS, groups={"x": 1, "y": 2, "z": 1})
    assert within.loc["C", "x"] == pytest.approx(5)
    assert np.isnan(within.loc["B", "y"])
    pd.testing.assert_frame_equal(found.where(values.notna()), values)


def test_hostile_input(values):
    with pytest.raises(UnknownNameError, match="'neutral'"):
        impute_by_unit(values, DIRECTIONS | {"x": "neutral"})
    with pytest.raises(InputError, match=r"vary.*'x'"):
        impute_by_unit(values.assign(x=1.0), DIRECTIONS)
    with pytest.raises(InputError, match=r"domain.*'z'"):
        impute_by_unit(values, DIRECTIONS, groups={"x": 1, "y": 1})
    empty = values.assign(x=NAN)
    assert impute_by_indicator(empty)["x"].isna().all()
    with pytest.raises(InputError, match=r"at least one value.*'x'"):
        impute_multiple(empty, seed=1)
    for name in ("m", "sweeps", "donors", "predictors"):
        with pytest.raises(InputError, match=name):
            impute_multiple(values, seed=1, **{name: 0})
    one = values.iloc[:1]
    assert all(table.equals(one) for table in impute_multiple(one, seed=1))
    constant = pd.DataFrame({"x": [3.0, 3, NAN], "y": [1.0, 2, 3]})
    assert impute_multiple(constant, seed=1)[0]["x"].to_list() == [3, 3, 3]


def test_unit_without_any_value_stays_missing(values):
    values.loc["E"] = NAN
    for table in impute_multiple(values, seed=1):
        assert table.loc["E"].isna().all()
        assert table.drop("E").notna().all(axis=None)
    assert impute_by_unit(values, DIRECTIONS).loc["E"].isna().all()


def correlated(n=400, share=0.3, seed=1):
    random = np.random.default_rng(seed)
    first = random.normal(size=n)
    full = pd.DataFrame(
        {
            "x": np.exp(first),
            "y": 2 * first + 0.3 * random.normal(size=n),
            "z": random.normal(size=n),
            "w": first + random.normal(size=n),
        }
    )
    # missing more often where y is high: the plain mean is biased
    chance = share * 2 / (1 + np.exp(-2 * full["y"]))
    return full, full.assign(x=full["x"].mask(random.random(n) < chance))


def test_draws_are_observed_values_and_seeded():
    _, table = correlated()
    first, again, other = (impute_multiple(table, 3, seed=seed) for seed in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(one, two)
    assert not first[0].equals(other[0])
    assert not first[0].equals(first[1])
    # the tables are independent of how many are drawn
    pd.testing.assert_frame_equal(impute_multiple(table, 1, seed=1)[0], first[0])
    for one in first:
        pd.testing.assert_frame_equal(one.where(table.notna()), table)
        assert one["x"].isin(table["x"].dropna()).all()


def test_draws_follow_the_other_indicators_and_correct_the_mean():
    full, table = correlated(2000)
    drawn = impute_multiple(table, 5, seed=3)
    gap = table["x"].isna()
    mean = np.mean([one["x"] for one in drawn], axis=0)
    assert np.corrcoef(np.log(mean[gap]), np.log(full["x"][gap]))[0, 1] > 0.9
    bias = abs(table["x"].mean() - full["x"].mean())
    assert abs(mean.mean() - full["x"].mean()) < bias / 3


def test_intervals_cover_the_mean():
    # Rubin's sd of the mean of x against the mean of the superpopulation: about 95 % of 40 samples
    hits = 0
    truth = np.exp(0.5)
    for seed in range(40):
        _, table = correlated(300, seed=100 + seed)
        drawn = impute_multiple(table, 5, seed=seed, sweeps=3)
        means = [one.mean() for one in drawn]
        both = combine_imputations(means, [one.var() / len(one) for one in drawn])
        hits += abs(both["mean"]["x"] - truth) < 2.1 * both["sd"]["x"]
    assert hits >= 33


def test_more_indicators_than_units():
    random = np.random.default_rng(5)
    table = pd.DataFrame(random.normal(size=(12, 30)))
    table = table.mask(random.random(table.shape) < 0.2)
    for one in impute_multiple(table, 2, seed=1):
        assert one.notna().all(axis=None)


def test_combination_by_hand():
    first = pd.DataFrame({"score": [1.0, 5, NAN]}, index=list("ABC"))
    second = pd.DataFrame({"score": [3.0, 5, 1]}, index=list("ABC"))
    found = combine_imputations([first, second])
    np.testing.assert_allclose(found["mean"]["score"], [2, 5, NAN])
    np.testing.assert_allclose(found["between"]["score"], [2, 0, NAN])
    np.testing.assert_allclose(found["sd"]["score"], [np.sqrt(3), 0, NAN])
    variance = pd.Series([1.0, 4], index=["A", "B"])
    series = combine_imputations([variance, variance + 2], [variance, variance])
    np.testing.assert_allclose(series["sd"], np.sqrt([4, 7]))
    assert series["sd"].index.to_list() == ["A", "B"]
    with pytest.raises(InputError, match="from two on"):
        combine_imputations([first])
    with pytest.raises(InputError, match="same rows"):
        combine_imputations([first, second.iloc[::-1]])
    with pytest.raises(InputError, match="its variance"):
        combine_imputations([first, second], [first])


cells = st.one_of(st.none(), st.integers(-20, 20))


@given(st.lists(st.tuples(cells, cells, cells), min_size=2, max_size=10))
def test_observed_values_never_change(rows):
    table = pd.DataFrame(rows, columns=list("xyz"), dtype=float)
    tables = [impute_by_indicator(table), impute_by_indicator(table, "median", dict.fromkeys(table.index, 1))]
    if table.notna().any().all():
        tables += impute_multiple(table, 2, seed=1, sweeps=2)
        known = table.notna().any(axis=1)
        assert tables[-1][known].notna().all(axis=None)
    for found in tables:
        pd.testing.assert_frame_equal(found.where(table.notna()), table)
