import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from diagnosis.composite.directional_envelopment import (
    benefit_with_bad_outputs,
    directional_benefit,
    multidirectional_benefit,
)
from diagnosis.composite.envelopment import benefit_of_the_doubt, geometric_change, robust_benefit
from diagnosis.errors import InputError


def table(*rows, columns="abc"):
    return pd.DataFrame(list(rows), columns=list(columns[: len(rows[0])]), dtype=float)


SQUARE = table((4, 1), (1, 4), (2, 2), (1, 1))


def test_by_hand():
    result = benefit_of_the_doubt(SQUARE)
    # the frontier of the first two is a + b = 5
    np.testing.assert_allclose(result.score, [1, 1, 0.8, 0.4])
    np.testing.assert_allclose((result.weights * SQUARE).sum(axis=1), result.score)
    np.testing.assert_allclose(result.weights.iloc[2], 0.2)
    # both shares one half: the product of the values counts, the third unit takes over
    halves = benefit_of_the_doubt(SQUARE, lower=0.5, upper=0.5)
    shares = halves.weights.mul(SQUARE).div(halves.score, axis=0)
    np.testing.assert_allclose(shares, 0.5)
    np.testing.assert_allclose(halves.score.iloc[2:], [0.8, 0.4])
    assert halves.score.iloc[0] == pytest.approx(1 / (0.5 * 1 / 4 + 0.5 * 4 / 1))


def test_directions_by_hand():
    # up along a alone, the front at b = 2 is at a = 3
    score = directional_benefit(SQUARE, {"a": 1, "b": 0})
    np.testing.assert_allclose(score, [1, 1 / (1 + 0), 1 / 2, 1 / 4])
    even = directional_benefit(SQUARE, {"a": 1, "b": 1})
    np.testing.assert_allclose(even, [1, 1, 1 / 1.5, 1 / 2.5])
    # the third unit could rise by 1 in each, one step of one half reaches 2.5 each
    np.testing.assert_allclose(multidirectional_benefit(SQUARE), [1, 1, 4 / 5, 2 / 5])
    for wrong in ({"a": 1}, {"a": -1, "b": 1}, {"a": 0, "b": 0}, {"a": "x", "b": 1}):
        with pytest.raises(InputError, match="direction"):
            directional_benefit(SQUARE, wrong)


def test_bad_outputs_by_hand():
    # good per bad: 2, 1 and 1/2; the second would reach the first with x(1 + b) = 2 z(1 - b), so b = 1/3
    good, bad = table((4,), (2,), (2,)), table((2,), (2,), (4,), columns="z")
    np.testing.assert_allclose(benefit_with_bad_outputs(good, bad), [1, 3 / 4, 1 / (1 + 3 / 5)])
    gap = benefit_with_bad_outputs(good, bad.replace(4.0, np.nan))
    assert gap.isna().to_list() == [False, False, True]
    with pytest.raises(InputError, match="same units"):
        benefit_with_bad_outputs(good, bad.iloc[::-1])
    with pytest.raises(InputError, match="'q'"):
        benefit_with_bad_outputs(good, bad, order=[("a", "q")])
    with pytest.raises(InputError, match="lower"):
        benefit_with_bad_outputs(good, bad, lower=0.6)


def test_robust_scores_by_hand():
    # factors of the last unit: 1, 1, 2 and 1; with two draws, 2 comes with probability 7/16
    score = robust_benefit(SQUARE, 2)
    assert score.iloc[3] == pytest.approx(1 / (1 * 9 / 16 + 2 * 7 / 16))
    assert robust_benefit(SQUARE, 10_000).to_list() == pytest.approx([1, 1, 1, 0.5])
    assert robust_benefit(table((0, 0), (2, 1)), 3).iloc[0] == 0
    with pytest.raises(InputError, match="peer"):
        robust_benefit(SQUARE, 0)


def test_robust_scores_against_simulation():
    values = pd.DataFrame(np.random.default_rng(4).uniform(1, 5, size=(30, 3)))
    numbers = values.to_numpy()
    draws = np.random.default_rng(5).integers(0, 30, size=(20_000, 6))
    factors = (numbers[None] / numbers[:, None]).min(axis=2)
    best = factors[:, draws].max(axis=2)
    np.testing.assert_allclose(robust_benefit(values, 6), 1 / best.mean(axis=1), rtol=0.01)


def test_geometric_change_by_hand():
    before, after = table((1, 1), (2, 3)), table((2, 2), (4, 3))
    result = geometric_change(before, after, 0, lower=0.5, upper=0.5)
    assert result.loc[0].to_list() == pytest.approx([1, 2, 0.5, 1])
    assert result.loc[1].to_list() == pytest.approx([np.sqrt(3 / 6), np.sqrt(2), 0.5, 1])
    with pytest.raises(InputError, match="benchmark"):
        geometric_change(before, after, 7)
    with pytest.raises(InputError, match="above zero"):
        geometric_change(before, after - 2, 0)
    with pytest.raises(InputError, match="same units"):
        geometric_change(before, after.iloc[::-1], 0)


def test_missing_values_neither_lift_nor_block():
    values = table((4, 1, 1), (1, 4, 1), (4, np.nan, 1), (np.nan, np.nan, 9))
    result = benefit_of_the_doubt(values, minimum_share=0.6)
    np.testing.assert_allclose(result.score, [1, 1, 1, np.nan])
    assert result.weights.loc[2, "b"] == 0
    assert result.weights.loc[3].isna().all()
    bounded = benefit_of_the_doubt(values, lower=0.1, upper=0.6, minimum_share=0.6)
    shares = (bounded.weights * values).div(bounded.score, axis=0).loc[2, ["a", "c"]]
    assert shares.between(0.1 - 1e-7, 0.6 + 1e-7).all()
    assert bounded.score.loc[2] <= 1
    for function in (lambda t: directional_benefit(t, dict.fromkeys("abc", 1)), multidirectional_benefit):
        assert function(values).isna().to_list() == [False, False, True, True]


def test_bad_input_is_named():
    with pytest.raises(InputError, match=r"zero or more.*'b'"):
        benefit_of_the_doubt(SQUARE - [0, 2])
    with pytest.raises(InputError, match=r"above zero.*'b'"):
        benefit_of_the_doubt(SQUARE.assign(b=0.0))
    for bounds in ({"lower": 0.6}, {"upper": 0.4}, {"lower": -0.1}):
        with pytest.raises(InputError, match="shares of 2 indicators"):
            benefit_of_the_doubt(SQUARE, **bounds)
    one = benefit_of_the_doubt(SQUARE.iloc[[2]])
    assert one.score.to_list() == pytest.approx([1])
    constant = benefit_of_the_doubt(SQUARE.assign(a=3.0))
    np.testing.assert_allclose(constant.score, 1)
    assert benefit_of_the_doubt(table((0, 2), (1, 2)), lower=0.1).score.to_list() == pytest.approx([0, 1])


cells = st.integers(0, 9).map(float)


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.tuples(cells, cells, cells), min_size=2, max_size=12), bounded=st.booleans())
def test_scores_are_those_of_the_whole_program(rows, bounded):
    values = pd.DataFrame([*rows, (5.0, 1.0, 2.0)], columns=list("abc"))
    numbers = values.to_numpy()
    lower, upper = (0.1, 0.6) if bounded else (0.0, 1.0)
    result = benefit_of_the_doubt(values, lower=lower, upper=upper)
    for x, score in zip(numbers, result.score, strict=True):
        own = np.vstack([lower * x - np.diag(x), np.diag(x) - upper * x])
        whole = linprog(-x, A_ub=np.vstack([numbers, own]), b_ub=np.r_[np.ones(len(numbers)), np.zeros(6)])
        assert score == pytest.approx(-whole.fun, abs=1e-7)
    assert result.score.max() <= 1 + 1e-7
    # the unit of measure does not matter, nor does the order
    other = benefit_of_the_doubt((values * [1000, 1, 0.01]).iloc[::-1], lower=lower, upper=upper)
    np.testing.assert_allclose(other.score.iloc[::-1], result.score, atol=1e-7)


@settings(max_examples=20, deadline=None)
@given(rows=st.lists(st.tuples(*[st.integers(1, 9).map(float)] * 2), min_size=3, max_size=10))
def test_dominated_units_score_less_in_every_variant(rows):
    values = pd.DataFrame(rows, columns=["a", "b"])
    low, high = values.min() / 2, values.max() + 1
    values = pd.concat([values, pd.DataFrame([low, high])], ignore_index=True)
    for score in (
        benefit_of_the_doubt(values).score,
        directional_benefit(values, {"a": 1, "b": 2}),
        multidirectional_benefit(values),
        robust_benefit(values, 5),
    ):
        assert score.idxmin() == len(values) - 2
        assert score.iloc[-1] == pytest.approx(score.max())
