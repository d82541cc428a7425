from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.composite.aggregation import RULES, generalised_mean
from diagnosis.composite.ampi import ampi
from diagnosis.composite.compensation import (
    MEANS,
    SMOOTH_RULES,
    marginal_effects,
    measure_compensation,
    substitution_rates,
)
from diagnosis.errors import InputError, UnknownNameError


def table(*rows, columns="abc"):
    names = [f"u{n}" for n in range(len(rows))]
    return pd.DataFrame(list(rows), index=names, columns=list(columns[: len(rows[0])]), dtype=float)


def test_marginal_effects_by_hand():
    row = table((80, 120, 100))
    thirds = [1 / 3, 1 / 3, 1 / 3]
    np.testing.assert_allclose(marginal_effects(row).loc["u0"], thirds)
    # 80 * 125 = 100 squared; 1 / 75 is the mean of 1 / 50 and 1 / 150
    pair = marginal_effects(table((80, 125)), rule="geometric").loc["u0"]
    np.testing.assert_allclose(pair, [0.5 * 100 / 80, 0.5 * 100 / 125])
    pair = marginal_effects(table((50, 150)), rule="harmonic").loc["u0"]
    np.testing.assert_allclose(pair, [0.5 * 1.5**2, 0.5 * 0.5**2])
    # M 100, S2 800 / 3, so cv2 = 0.08 / 3
    square = 0.08 / 3
    expected = [(3 + square - 2 * x / 100) / 3 for x in (80, 120, 100)]
    for rule in ("ampi", "mpi"):
        np.testing.assert_allclose(marginal_effects(row, rule=rule).loc["u0"], expected)
    expected = [(2 * x / 100 - 1 - square) / 3 for x in (80, 120, 100)]
    np.testing.assert_allclose(marginal_effects(row, rule="ampi_plus").loc["u0"], expected)


def test_substitution_rates_by_hand():
    values = table((50, 100, 200), (100, 100, 100))
    weights = {"a": 2, "b": 1, "c": 1}
    rates = substitution_rates(values, "u0", weights)
    assert rates.to_numpy().tolist() == [[1, 2, 2], [0.5, 1, 1], [0.5, 1, 1]]
    # a point of what is four times as low is worth four times as much
    rates = substitution_rates(values, "u0", rule="geometric")
    np.testing.assert_allclose(rates, [[1, 2, 4], [0.5, 1, 2], [0.25, 0.5, 1]])
    np.testing.assert_allclose(substitution_rates(values, "u1", rule="ampi"), 1)


def test_nothing_is_made_up_for_by_an_indicator_that_lowers_the_score():
    # M 40, S2 1800, cv2 1.125: one more point of c lowers the score above 40 * (3 + 1.125) / 2 = 82.5
    rates = substitution_rates(table((10, 10, 100)), "u0", rule="ampi")
    assert rates["c"].isna().all()
    assert rates.loc["c", "a"] < 0
    assert rates.loc["a", "b"] == pytest.approx(1)


def test_compensation_by_hand():
    values = table((80, 120, 100), (100, 100, 100), (90, 90, 90), (70, 130, 130))
    full = measure_compensation(values)
    np.testing.assert_allclose(full["score"], [100, 100, 90, 110])
    np.testing.assert_allclose(full["none"], [100 - 20 / 3, 100, 90, 90])
    np.testing.assert_allclose(full["loss"], 0, atol=1e-12)
    np.testing.assert_allclose(full["shortfall"], [20 / 3, 0, 10, 10], atol=1e-12)
    np.testing.assert_allclose(full["offset"], [1, np.nan, 0, 1])
    assert full["rank"].to_list() == [2, 2, 4, 1]
    assert full["places_lost"].to_list() == [0, 0, 0, 0]
    # without surpluses: 93.3, 100, 90 and 90
    assert full["places_gained"].to_list() == [0, -1, -1, 2]

    part = measure_compensation(values, rule="ampi")
    # u0: M 100, S2 800 / 3; cut to (80, 100, 100) M 280 / 3, S2 800 / 9; u3: M 110, S2 800
    none = [280 / 3 - (800 / 9) / (280 / 3), 100, 90, 90 - 200 / 90]
    np.testing.assert_allclose(part["score"], [100 - 8 / 3, 100, 90, 110 - 800 / 110])
    np.testing.assert_allclose(part["none"], none)
    np.testing.assert_allclose(part["loss"], [8 / 3, 0, 0, 800 / 110], atol=1e-12)
    np.testing.assert_allclose(part["offset"], [0.65, np.nan, 0, 1])
    assert part["rank"].to_list() == [3, 2, 4, 1]
    assert part["places_lost"].to_list() == [1, 0, 0, 0]
    # without surpluses: 92.4, 100, 90 and 87.8
    assert part["places_gained"].to_list() == [-1, -1, -1, 3]


def test_geometric_compensation_by_hand():
    found = measure_compensation(table((50, 200)), rule="geometric").loc["u0"]
    assert found["score"] == pytest.approx(100)
    assert found["loss"] == pytest.approx(25)
    assert found["shortfall"] == pytest.approx(100 - np.sqrt(5000))
    assert found["offset"] == pytest.approx(1)


def test_surpluses_may_cost_more_than_they_add():
    # M 70, S2 1800 -> 70 - 25.7 = 44.3; cut to (40, 40, 100): M 60, S2 800 -> 46.7
    found = measure_compensation(table((40, 40, 130)), rule="ampi").loc["u0"]
    assert found["score"] == pytest.approx(70 - 1800 / 70)
    assert found["none"] == pytest.approx(60 - 800 / 60)
    assert found["offset"] == pytest.approx((1800 / 70 - 10 - 800 / 60) / (-40 - 800 / 60))
    assert found["offset"] < 0


def test_high_values_may_be_the_bad_ones():
    values = table((80, 120, 100), (100, 100, 100))
    found = measure_compensation(values, rule="ampi_plus", ascending=True)
    # cut to (100, 120, 100): M 320 / 3, S2 800 / 9
    none = 320 / 3 + (800 / 9) / (320 / 3)
    assert found["rank"].to_list() == [2, 1]
    assert found.loc["u0", "loss"] == pytest.approx(8 / 3)
    assert found.loc["u0", "shortfall"] == pytest.approx(none - 100)
    assert found.loc["u0", "offset"] == pytest.approx((none - 100 - 8 / 3) / (none - 100))
    # a mirror image of the plain mean
    plain, turned = measure_compensation(values), measure_compensation(200 - values, ascending=True)
    pd.testing.assert_frame_equal(
        turned.drop(columns=["score", "full", "none"]), plain.drop(columns=["score", "full", "none"])
    )


def test_missing_values_and_functions():
    values = table((80, np.nan, 120, 120), (80, np.nan, np.nan, 120), columns="abcd")
    found = measure_compensation(values, rule=partial(generalised_mean, exponent=-1))
    assert found.loc["u0", "score"] == pytest.approx(3 / (1 / 80 + 2 / 120))
    assert found.loc["u1"].isna().all()
    effects = marginal_effects(values, rule="geometric")
    assert effects.notna().to_numpy().tolist() == [[True, False, True, True], [False] * 4]
    rates = substitution_rates(values, "u0")
    assert rates.loc["b"].isna().all()
    assert rates["b"].isna().all()
    assert substitution_rates(values, "u1").isna().all(axis=None)
    # what weighs nothing has no effect and makes up for nothing, whatever its value
    effects = marginal_effects(table((0, 100, 100)), {"a": 0, "b": 1, "c": 1}, "geometric").loc["u0"]
    assert effects.to_list() == pytest.approx([0, 0.5, 0.5])


@pytest.mark.parametrize("rule", ["copeland", "taxonomic", "median"])
def test_rules_that_are_no_means_are_refused(rule):
    with pytest.raises(UnknownNameError, match="rule"):
        measure_compensation(table((80, 120)), rule=rule)
    with pytest.raises(UnknownNameError, match="derivative"):
        marginal_effects(table((80, 120)), rule=rule)


def test_hostile_input():
    values = table((80, 120), (90, 110))
    with pytest.raises(InputError, match="same value everywhere"):
        measure_compensation(values, rule=RULES["copeland"])
    for reference in (np.nan, np.inf):
        with pytest.raises(InputError, match="reference"):
            measure_compensation(values, reference=reference)
    with pytest.raises(UnknownNameError, match="unit"):
        substitution_rates(values, "nowhere")
    with pytest.raises(InputError, match="one row"):
        substitution_rates(pd.concat([values, values]), "u0")
    with pytest.raises(InputError, match="above 0"):
        marginal_effects(table((0, 120)), rule="geometric")


rows = st.lists(st.integers(60, 160).map(float), min_size=3, max_size=3)


def ampi_plus(normalised, weights, minimum_share):
    return ampi(normalised, "+", weights, minimum_share)["score"]


@settings(max_examples=20)
@given(values=st.lists(rows, min_size=2, max_size=6), weights=rows)
def test_effects_are_the_derivatives_of_the_rules(values, weights):
    normalised, step = table(*values), 1e-4
    weighting = dict(zip("abc", weights, strict=True))
    for rule in SMOOTH_RULES:
        score = ampi_plus if rule == "ampi_plus" else RULES[rule]
        effects = marginal_effects(normalised, weighting, rule)
        for column in normalised:
            up, down = (
                score(normalised.assign(**{column: normalised[column] + change}), weighting, 0.75)
                for change in (step, -step)
            )
            np.testing.assert_allclose(effects[column], (up - down) / (2 * step), atol=1e-7)


@settings(max_examples=20)
@given(values=st.lists(rows, min_size=2, max_size=6), weights=rows)
def test_bounds_of_compensation(values, weights):
    normalised, weighting = table(*values), dict(zip("abc", weights, strict=True))
    for rule in MEANS:
        if rule == "ampi_plus":
            continue
        found = measure_compensation(normalised, weighting, rule)
        assert (found["loss"] >= -1e-9).all(), rule
        assert (found["offset"].dropna() <= 1 + 1e-9).all(), rule
        assert (found["shortfall"] >= 0).all(), rule
        if rule not in ("ampi", "mpi"):  # the monotone ones
            assert (found["offset"].dropna() >= -1e-9).all(), rule
    full = measure_compensation(normalised, weighting)
    surplus = (normalised.clip(lower=100) - 100).mul(pd.Series(weighting)).sum(axis=1) / sum(weights)
    short = full["shortfall"]
    expected = (surplus / short.where(short > 0)).clip(upper=1)
    np.testing.assert_allclose(full["offset"], expected, atol=1e-9)
