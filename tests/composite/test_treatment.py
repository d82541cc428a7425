import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.composite.treatment import box_cox, log_transform, shape_statistics, treat, winsorise
from diagnosis.errors import InputError, UnknownNameError

NAN = np.nan


def column(*numbers):
    return pd.DataFrame({"x": numbers}, dtype=float)


def test_shape_against_scipy():
    from scipy import stats

    table = pd.DataFrame(np.random.default_rng(1).lognormal(size=(60, 4)), columns=list("abcd"))
    table.iloc[:9, 1] = NAN
    found = shape_statistics(table)
    for name in table:
        numbers = table[name].dropna()
        assert found.loc[name, "skewness"] == pytest.approx(stats.skew(numbers, bias=False), rel=1e-12)
        assert found.loc[name, "kurtosis"] == pytest.approx(stats.kurtosis(numbers, bias=False), rel=1e-11)
    pd.testing.assert_frame_equal(shape_statistics(table * 1e-9), found, rtol=1e-9)


def test_shape_of_few_or_equal_values():
    table = pd.DataFrame(
        {"none": [NAN] * 4, "two": [1, 2, NAN, NAN], "three": [1, 2, 9, NAN], "flat": [0.1] * 4}
    )
    found = shape_statistics(table)
    assert found["skewness"].notna().to_list() == [False, False, True, False]
    assert found["kurtosis"].isna().all()


def test_one_outlier_takes_the_next_value():
    table = column(*range(1, 11), 100)
    result, counts = winsorise(table)
    assert result["x"].to_list() == [*range(1, 11), 10]
    assert counts["x"] == 1
    mirrored, counts = winsorise(-table)
    pd.testing.assert_frame_equal(mirrored, -result)
    assert counts["x"] == 1


def test_two_outliers_and_the_limit():
    table = column(*range(1, 21), 100, 200)
    result, counts = winsorise(table)
    assert result["x"].iloc[-2:].to_list() == [20, 20]
    assert counts["x"] == 2
    short, counts = winsorise(table, limit=1)
    assert short["x"].iloc[-2:].to_list() == [100, 100]
    assert counts["x"] == 1
    same, counts = winsorise(table, limit=0)
    pd.testing.assert_frame_equal(same, table)
    assert counts["x"] == 0


def one_at_a_time(numbers, limit):
    """The rule as it is told: pull in one more, test again."""
    numbers, count = numbers.copy(), 0
    while count < limit:
        shape = shape_statistics(pd.DataFrame({"x": numbers})).loc["x"]
        if not (abs(shape["skewness"]) >= 2 and shape["kurtosis"] >= 3.5):
            break
        order = np.argsort(numbers, kind="stable")
        count += 1
        if shape["skewness"] > 0:
            numbers[order[-count:]] = numbers[order[-count - 1]]
        else:
            numbers[order[:count]] = numbers[order[count]]
    return numbers, count


@pytest.mark.parametrize("seed", range(6))
def test_all_counts_at_once_equal_one_at_a_time(seed):
    random = np.random.default_rng(seed)
    numbers = random.pareto(0.8, 80) * (-1) ** seed + 1e4 * seed
    result, counts = winsorise(pd.DataFrame({"x": numbers}), limit=None)
    expected, count = one_at_a_time(numbers, 79)
    np.testing.assert_array_equal(result["x"], expected)
    assert counts["x"] == count > 0


def test_winsorising_never_makes_an_indicator_constant():
    table = column(*[0] * 40, 1, 5)
    result, counts = winsorise(table)
    assert counts["x"] == 1
    assert result["x"].nunique() == 2
    record = treat(table).record.loc["x"]
    assert record["action"] == "log"
    assert not record["passes"]


def test_treatment_record():
    random = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "plain": random.normal(size=50),
            "two": [*random.normal(size=48), 30, 40],
            "heavy": np.exp(1.6 * random.normal(size=50)),
            "flat": 1.0,
        }
    )
    table["low"] = -table["heavy"]
    table.loc[5, "two"] = NAN
    outcome = treat(table, limit=2)
    record = outcome.record
    assert record["action"].to_list() == ["none", "winsorise", "log", "none", "log"]
    assert record["n_winsorised"].to_list() == [0, 2, 2, 0, 2]
    assert record["passes"].all()
    assert record["skewness_winsorised"].notna().to_list() == [False, True, True, False, True]
    pd.testing.assert_frame_equal(outcome.values.isna(), table.isna())
    pd.testing.assert_series_equal(outcome.values["plain"], table["plain"])
    # a lower tail is shortened as an upper one is
    np.testing.assert_allclose(outcome.values["low"], -outcome.values["heavy"])
    after = shape_statistics(outcome.values)
    np.testing.assert_allclose(after["skewness"], record["skewness_after"])
    kept = treat(table, limit=2, transformation="none")
    assert kept.record["action"].to_list()[2] == "winsorise"
    assert not kept.record.loc["heavy", "passes"]
    only = treat(table, limit=2, indicators=["two"])
    assert only.record["action"].to_list() == ["none", "winsorise", "none", "none", "none"]
    power = treat(table[["heavy"]], limit=0, transformation="box_cox")
    assert power.record.loc["heavy", "action"] == "box_cox"
    assert abs(power.record.loc["heavy", "skewness_after"]) < 1


def test_logarithms_by_hand():
    table = column(-1, 0, 9)
    np.testing.assert_allclose(log_transform(table)["x"], np.log([0.1, 1.1, 10.1]))
    np.testing.assert_allclose(log_transform(table, "one")["x"], np.log([1, 2, 11]))
    np.testing.assert_allclose(log_transform(table, "scaled")["x"], np.log([1, 1.8, 9]))
    np.testing.assert_allclose(log_transform(-table, mirror=True)["x"], -np.log([0.1, 1.1, 10.1]))


def test_box_cox_by_hand_and_by_likelihood():
    table = column(1, 4, 9)
    np.testing.assert_allclose(box_cox(table, 2)["x"], [0, 7.5, 40])
    np.testing.assert_allclose(box_cox(table, 0)["x"], np.log([1, 4, 9]))
    random = pd.DataFrame({"x": np.random.default_rng(2).lognormal(0, 1, 300), "y": NAN})
    random["y"] = random["x"] ** 2
    best = box_cox(random)
    assert (shape_statistics(best)["skewness"].abs() < shape_statistics(random)["skewness"].abs()).all()


@pytest.mark.parametrize("transform", [log_transform, box_cox])
def test_hostile_input_of_transformations(transform):
    for table, message in (
        (column(2, 2, 2), "must vary"),
        (column(NAN, NAN), "at least one value"),
        (column(1), "must vary"),
        (pd.DataFrame({"x": ["a", "b"]}), "not numeric"),
    ):
        with pytest.raises(InputError, match=message):
            transform(table)


def test_hostile_parameters():
    table = column(1, 2, 3)
    with pytest.raises(UnknownNameError, match="form"):
        log_transform(table, "natural")
    with pytest.raises(InputError, match="offset"):
        log_transform(table, offset=0)
    with pytest.raises(InputError, match=r"maximum above 1.*'x'"):
        log_transform(table / 10, "scaled")
    with pytest.raises(InputError, match="limit"):
        winsorise(table, limit=-1)
    with pytest.raises(UnknownNameError, match="transformation"):
        treat(table, transformation="square")
    with pytest.raises(UnknownNameError, match="indicator to treat"):
        treat(table, indicators=["y"])
    with pytest.raises(InputError, match="exponent"):
        box_cox(table, NAN)
    pd.testing.assert_frame_equal(treat(table.iloc[:1]).values, table.iloc[:1])


numbers = st.lists(st.integers(-1000, 1000).map(float), min_size=4, max_size=30)


@given(numbers, st.sampled_from([1e-6, 0.5, 3.0, 1e7]))
def test_treatment_keeps_the_order_and_ignores_the_unit(values, factor):
    table = pd.DataFrame({"x": values})
    result = treat(table)
    order = np.argsort(values, kind="stable")
    assert (np.diff(result.values["x"].to_numpy()[order]) >= 0).all()
    other = treat(table * factor)
    assert other.record["action"].to_list() == result.record["action"].to_list()
    assert other.record["n_winsorised"].to_list() == result.record["n_winsorised"].to_list()
