from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.composite.aggregation import (
    RULES,
    arithmetic_mean,
    generalised_mean,
    geometric_mean,
    harmonic_mean,
    mean_min,
    ordered_mean,
    taxonomic_distance,
)
from diagnosis.composite.ampi import ampi
from diagnosis.composite.framework import Framework
from diagnosis.errors import InputError, UnknownNameError


def table(*rows, columns="abcd"):
    return pd.DataFrame(list(rows), columns=list(columns[: len(rows[0])]), dtype=float)


def test_means_by_hand():
    values = table((1, 4, 16), (2, 2, 2))
    weights = {"a": 2, "b": 1, "c": 1}
    np.testing.assert_allclose(arithmetic_mean(values), [7, 2])
    np.testing.assert_allclose(arithmetic_mean(values, weights), [5.5, 2])
    np.testing.assert_allclose(geometric_mean(values), [4, 2])
    np.testing.assert_allclose(geometric_mean(values, weights), [64**0.25, 2])
    np.testing.assert_allclose(harmonic_mean(values), [3 / (1 + 1 / 4 + 1 / 16), 2])
    np.testing.assert_allclose(generalised_mean(values, exponent=2), [np.sqrt(91), 2])
    np.testing.assert_allclose(generalised_mean(values, exponent=-np.inf), [1, 2])
    np.testing.assert_allclose(generalised_mean(values, exponent=np.inf), [16, 2])


def test_missing_values_leave_their_weight_to_the_others():
    values = table((1, 4, 16, np.nan), (1, 4, np.nan, np.nan), (np.nan,) * 4)
    for rule, first in ((arithmetic_mean, 7), (geometric_mean, 4), (harmonic_mean, 48 / 21)):
        result = rule(values)
        assert result.iloc[0] == pytest.approx(first)
        assert result.isna().to_list() == [False, True, True]
    assert generalised_mean(values, exponent=2).iloc[0] == pytest.approx(np.sqrt(91))
    assert generalised_mean(values, minimum_share=0.5, exponent=-np.inf).iloc[1] == 1
    assert mean_min(values, alpha=1, beta=0).iloc[0] == pytest.approx(1)


def test_powers_neither_overflow_nor_underflow():
    values = table((1e200, 1e200), (1e-200, 1e-200), (1e-200, 1e200))
    for exponent in (-3.0, 0.0, 3.0):
        result = generalised_mean(values, exponent=exponent)
        np.testing.assert_allclose(result.iloc[:2], [1e200, 1e-200])
        assert np.isfinite(result.iloc[2])


def test_values_without_a_power_are_refused():
    zero, negative = table((0, 1), (2, 3)), table((-1, 1), (2, 3))
    assert generalised_mean(zero, exponent=2).iloc[0] == pytest.approx(np.sqrt(0.5))
    for rule in (geometric_mean, harmonic_mean):
        with pytest.raises(InputError, match=r"above 0.*'a'"):
            rule(zero)
        # of no weight, of no matter
        assert rule(zero, {"a": 0, "b": 1}).to_list() == pytest.approx([1, 3])
    with pytest.raises(InputError, match=r"0 or more.*'a'"):
        generalised_mean(negative, exponent=2)
    with pytest.raises(InputError, match="exponent"):
        generalised_mean(zero, exponent=np.nan)


def test_mean_min_by_hand():
    values = table((100, 94, 106), (90, 90, 90))
    np.testing.assert_allclose(mean_min(values, alpha=0.5, beta=8), [100 - 0.5 * (10 - 8), 90])
    np.testing.assert_allclose(mean_min(values, alpha=1, beta=0), [94, 90])
    np.testing.assert_allclose(mean_min(values, alpha=0), [100, 90])
    np.testing.assert_allclose(mean_min(values, {"a": 1, "b": 0, "c": 1}, alpha=1, beta=0), [100, 90])
    for alpha, beta in ((1.5, 1), (0.5, -1), (np.nan, 1)):
        with pytest.raises(InputError, match="alpha"):
            mean_min(values, alpha=alpha, beta=beta)


def test_ordered_mean_by_hand():
    values = table((1, 3, 2), (5, 5, 5))
    np.testing.assert_allclose(ordered_mean(values, order_weights=[0.5, 0.3, 0.2]), [2.3, 5])
    np.testing.assert_allclose(ordered_mean(values, order_weights=[0, 0, 7]), [1, 5])
    np.testing.assert_allclose(ordered_mean(values, exponent=1), [2, 5])
    # Q(s) = s**2: 1/9 to the best, 3/9, 5/9 to the worst
    np.testing.assert_allclose(ordered_mean(values, exponent=2), [(3 + 3 * 2 + 5 * 1) / 9, 5])
    # a weight of two thirds is an indicator that stands there twice
    twice = ordered_mean(values, {"a": 2, "b": 1, "c": 0}, exponent=2)
    np.testing.assert_allclose(twice, ordered_mean(table((1, 1, 3), (5, 5, 5)), exponent=2))
    gap = ordered_mean(table((1, 3, 2, np.nan)), exponent=2)
    np.testing.assert_allclose(gap, [14 / 9])
    for wrong in ([1, 1], [-1, 1, 1], [0, 0, 0]):
        with pytest.raises(InputError, match="order_weights"):
            ordered_mean(values, order_weights=wrong)
    with pytest.raises(InputError, match="above 0"):
        ordered_mean(values, exponent=0)


def test_taxonomic_distance_by_hand():
    values = table((3, 4), (0, 0))
    distance = np.array([0, 5 / np.sqrt(2)])
    expected = distance / (distance.mean() + 2 * distance.std(ddof=1))
    np.testing.assert_allclose(taxonomic_distance(values), expected)
    with pytest.raises(InputError, match="two different units"):
        taxonomic_distance(values.iloc[[0]])
    with pytest.raises(InputError, match="all are alike"):
        taxonomic_distance(table((3, 4), (3, 4)))


PARENTS = {"a": "work", "b": "work", "c": "health", "d": "health", "work": "index", "health": "index"}


def test_framework_with_a_rule_for_each_level():
    values = table((1, 3, 4, 9), (2, 2, 5, 5), (np.nan, 7, 5, 5))
    framework = Framework(PARENTS, {"a": 3, "health": 4})
    assert framework.levels == [["a", "b", "c", "d"], ["work", "health"], ["index"]]
    result = framework.aggregate(values, ["arithmetic", "geometric"])
    assert result.columns.to_list() == ["work", "health", "index"]
    np.testing.assert_allclose(result["work"], [1.5, 2, np.nan])
    np.testing.assert_allclose(result["health"], [6.5, 5, 5])
    np.testing.assert_allclose(result["index"], [1.5**0.2 * 6.5**0.8, 2**0.2 * 5**0.8, 5])
    by_node = {"work": "harmonic", "health": partial(generalised_mean, exponent=2), "index": "arithmetic"}
    other = framework.aggregate(values, by_node, minimum_share=0.2)
    np.testing.assert_allclose(other["work"], [4 / (3 + 1 / 3), 2, 7])
    np.testing.assert_allclose(other["health"], [np.sqrt(48.5), 5, 5])


def test_framework_of_uneven_depth():
    framework = Framework({"a": "work", "b": "work", "work": "index", "c": "index"})
    assert framework.levels == [["a", "b", "c"], ["work"], ["index"]]
    assert framework.aggregate(table((1, 3, 8)))["index"].to_list() == [5]


def test_framework_takes_every_rule():
    values = table((90, 110, 100, 95), (110, 100, 98, 100), (120, 80, 97, 104))
    for name in RULES:
        if name == "taxonomic":
            assert (Framework(PARENTS).aggregate(values, [name, "arithmetic"]) >= 0).all(axis=None)
        else:
            assert Framework(PARENTS).aggregate(values, [name, "arithmetic"]).notna().all(axis=None)
    work = Framework(PARENTS).aggregate(values, "ampi")["work"]
    pd.testing.assert_series_equal(work, ampi(values[["a", "b"]])["score"], check_names=False)


def test_bad_frameworks_are_refused():
    values = table((1, 3, 4, 9))
    with pytest.raises(InputError, match="above itself"):
        Framework({"a": "b", "b": "a"})
    with pytest.raises(InputError, match="unknown: 'z'"):
        Framework(PARENTS, {"z": 1})
    with pytest.raises(InputError, match="weight"):
        Framework(PARENTS, {"a": "much"})
    with pytest.raises(InputError, match="above zero"):
        Framework(PARENTS, {"a": 0, "b": 0})
    with pytest.raises(InputError, match="every node once"):
        Framework({})
    framework = Framework(PARENTS)
    with pytest.raises(InputError, match="none for 'd'"):
        framework.aggregate(values.drop(columns="d"))
    with pytest.raises(InputError, match=r"2 levels.*3 were"):
        framework.aggregate(values, ["arithmetic"] * 3)
    with pytest.raises(InputError, match="none for 'index'"):
        framework.aggregate(values, {"work": "arithmetic", "health": "arithmetic"})
    with pytest.raises(UnknownNameError, match="Did you mean 'geometric'"):
        framework.aggregate(values, "geometrical")


positive = st.lists(st.integers(1, 100).map(float), min_size=3, max_size=3)
MONOTONE = {
    "arithmetic": arithmetic_mean,
    "geometric": geometric_mean,
    "harmonic": harmonic_mean,
    "ordered": ordered_mean,
    "square": partial(generalised_mean, exponent=2),
}


@settings(max_examples=40)
@given(row=positive, weights=positive, rise=st.integers(1, 50), which=st.integers(0, 2))
def test_means_are_monotone_between_extremes_and_homogeneous(row, weights, rise, which):
    higher = list(row)
    higher[which] += rise
    values, weighting = table(row, higher, [10 * x for x in row]), dict(zip("abc", weights, strict=True))
    for name, rule in MONOTONE.items():
        low, high, tenfold = rule(values, weighting)
        assert high > low, name
        assert min(row) - 1e-9 <= low <= max(row) + 1e-9, name
        assert tenfold == pytest.approx(10 * low), name
    assert harmonic_mean(values, weighting)[0] <= geometric_mean(values, weighting)[0] + 1e-9
    assert geometric_mean(values, weighting)[0] <= arithmetic_mean(values, weighting)[0] + 1e-9


@settings(max_examples=25)
@given(rows=st.lists(positive, min_size=2, max_size=5))
def test_neither_the_order_of_rows_nor_of_columns_matters(rows):
    values = table(*rows)
    for rule in MONOTONE.values():
        turned = rule(values.iloc[::-1, ::-1]).iloc[::-1]
        pd.testing.assert_series_equal(turned, rule(values))
