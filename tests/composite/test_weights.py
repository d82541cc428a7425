import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.composite.aggregation import arithmetic_mean
from diagnosis.composite.framework import Framework
from diagnosis.composite.weights import (
    critic_weights,
    entropy_weights,
    equal_weights,
    factor_index,
    optimised_weights,
    pca_weights,
    principal_axes,
)
from diagnosis.errors import InputError, UnknownNameError

FROM_DATA = (pca_weights, entropy_weights, critic_weights)


@pytest.fixture
def values():
    numbers = np.random.default_rng(3).normal(50, 10, size=(60, 4)).clip(1)
    numbers[:, 1] = 0.8 * numbers[:, 0] + 0.2 * numbers[:, 1]
    return pd.DataFrame(numbers, columns=list("abcd"))


def test_equal_weights_within_domains(values):
    assert equal_weights(values).to_list() == [0.25] * 4
    assert equal_weights(values, {"a": "x", "b": "y", "c": "x", "d": "x"}).to_list() == [
        1 / 3,
        1,
        1 / 3,
        1 / 3,
    ]
    with pytest.raises(InputError, match=r"domain.*'d'"):
        equal_weights(values, {"a": "x", "b": "y", "c": "x"})


def test_principal_axes_by_hand():
    # correlation 0.6: variances 1.6 and 0.4, loadings of equal size
    numbers = np.array(
        [[1, 1], [-1, -1], [1, 1], [-1, -1], [1, 1], [-1, -1], [1, 1], [-1, -1], [1, -1], [-1, 1]]
    )
    variances, loadings = principal_axes(pd.DataFrame(numbers * [1, 50], columns=["a", "b"]))
    np.testing.assert_allclose(variances, [1.6, 0.4])
    np.testing.assert_allclose(loadings[1], np.sqrt(0.5))
    np.testing.assert_allclose(pca_weights(pd.DataFrame(numbers, columns=["a", "b"])), 0.5)


def test_components_rebuild_the_correlations(values):
    variances, loadings = principal_axes(values)
    np.testing.assert_allclose((loadings * variances) @ loadings.T, values.corr(), atol=1e-12)
    assert (loadings.sum() >= 0).all()
    assert variances.sum() == pytest.approx(4)
    assert pca_weights(values).idxmin() in ("c", "d")


def test_factor_index_by_hand(values):
    score, shares = factor_index(values)
    variances, loadings = principal_axes(values)
    standard = (values - values.mean()) / values.std()
    np.testing.assert_allclose(score, standard @ loadings[1] / np.sqrt(variances[1]))
    assert shares.to_list() == pytest.approx([variances[1] / 4])
    # all components, rotated or not, hold all the variance; rotated scores are uncorrelated and of variance 1
    score, shares = factor_index(values, 4)
    assert shares.sum() == pytest.approx(1)
    assert score.var() == pytest.approx((shares**2).sum())
    values.loc[5, "a"] = np.nan
    assert factor_index(values)[0].isna().sum() == 1
    with pytest.raises(InputError, match="n_factors"):
        factor_index(values, 5)


def test_entropy_weights_by_hand():
    values = pd.DataFrame({"a": [1.0, 1.0, 2.0], "b": [0.0, 0.0, 5.0]})
    entropy = -(0.5 * np.log(0.25) + 0.5 * np.log(0.5)) / np.log(3)
    np.testing.assert_allclose(entropy_weights(values), np.array([1 - entropy, 1]) / (2 - entropy))
    with pytest.raises(InputError, match=r"zero or more.*'b'"):
        entropy_weights(values - 0.5)


def test_critic_weights_by_hand():
    # on 0-1: sd 1/2 each of a and b, whose correlation is 1; c has none with them
    values = pd.DataFrame({"a": [0.0, 1, 0, 1], "b": [5.0, 7, 5, 7], "c": [2.0, 2, 6, 6]})
    np.testing.assert_allclose(critic_weights(values), [0.25, 0.25, 0.5])
    np.testing.assert_allclose(critic_weights(values[["a", "b"]]), [0.5, 0.5])
    assert critic_weights(values, {"a": "x", "b": "x", "c": "y"}).to_list() == pytest.approx([0.5, 0.5, 1])


def test_missing_values_do_not_break_the_weights(values):
    values.iloc[3, 0] = values.iloc[7, 2] = np.nan
    values.iloc[9] = np.nan
    for function in FROM_DATA:
        assert function(values).sum() == pytest.approx(1)
        dropped = function(values.drop(index=9))
        pd.testing.assert_series_equal(function(values), dropped)
    assert optimised_weights(values)["weight"].sum() == pytest.approx(1)


@pytest.mark.parametrize("function", [*FROM_DATA, principal_axes, factor_index, optimised_weights])
def test_indicators_that_do_not_vary_are_refused(function, values):
    with pytest.raises(InputError, match="'c'"):
        function(values.assign(c=7.0))
    with pytest.raises(InputError):
        function(values.iloc[[0]])
    with pytest.raises(InputError):
        function(values.assign(c=np.nan))


def test_balance_of_influence_where_it_can_be_had(values):
    result = optimised_weights(values)
    np.testing.assert_allclose(result["share"], 0.25, atol=1e-5)
    index = arithmetic_mean(values, result["weight"])
    np.testing.assert_allclose(values.corrwith(index), result["correlation"])
    aimed = optimised_weights(values, target={"a": 1, "b": 1, "c": 1, "d": 2})
    np.testing.assert_allclose(aimed["share"], [0.2, 0.2, 0.2, 0.4], atol=1e-5)


def test_most_information_is_the_first_component(values):
    values["d"] += values["c"]
    values += 0.5 * values[["a"]].to_numpy()
    standard = (values - values.mean()) / values.std(ddof=0)
    result = optimised_weights(standard, "infomax")
    variances, loadings = principal_axes(values)
    assert (loadings[1] > 0).all()
    assert (result["correlation"] ** 2).sum() == pytest.approx(variances[1], rel=1e-6)
    # the mean correlation is largest for equal weights of standardised parts
    mean = optimised_weights(standard, "mean_correlation")
    np.testing.assert_allclose(mean["weight"], 0.25, atol=1e-3)
    assert mean["correlation"].mean() >= result["correlation"].mean()


def test_weights_within_a_framework(values):
    parents = {"a": "x", "b": "x", "c": "y", "d": "y", "x": "index", "y": "index"}
    framework = Framework(parents, {"x": 3})
    result = optimised_weights(values, framework=framework)
    assert result["weight"].groupby(parents).sum().to_list() == pytest.approx([1, 1])
    found = Framework(parents, {"x": 3, **result["weight"]}).aggregate(values)
    np.testing.assert_allclose(values.corrwith(found["index"]), result["correlation"])
    with pytest.raises(InputError, match="missing in 'y'"):
        optimised_weights(values[["a", "b", "c"]], framework=framework)
    with pytest.raises(InputError, match="'e'"):
        optimised_weights(values.rename(columns={"d": "e"}), framework=framework)
    with pytest.raises(UnknownNameError, match="objective"):
        optimised_weights(values, "balanced")


@settings(max_examples=25)
@given(
    rows=st.lists(st.tuples(*[st.integers(1, 60).map(float)] * 3), min_size=5, max_size=9),
    factor=st.sampled_from([0.01, 3.0, 1e5]),
)
def test_weights_sum_to_one_and_do_not_know_the_unit_of_measure(rows, factor):
    values = pd.DataFrame(rows, columns=list("abc"))
    if (values.nunique() < 2).any():
        return
    for function in FROM_DATA:
        weights = function(values)
        assert weights.sum() == pytest.approx(1)
        assert (weights >= -1e-12).all()
    for function in (critic_weights, entropy_weights):
        np.testing.assert_allclose(function(values * [factor, 1, 1]), function(values), atol=1e-9)
        np.testing.assert_allclose(function(values.iloc[::-1]), function(values), atol=1e-12)
