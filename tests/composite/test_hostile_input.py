"""Odd input to every normalisation, aggregation and way to weight: a clear error, or a documented value."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from diagnosis.composite.aggregation import RULES, generalised_mean
from diagnosis.composite.ampi import ampi
from diagnosis.composite.checks import check_values
from diagnosis.composite.directional_envelopment import directional_benefit, multidirectional_benefit
from diagnosis.composite.envelopment import benefit_of_the_doubt, robust_benefit
from diagnosis.composite.framework import Framework
from diagnosis.composite.index import composite_index, explain_index
from diagnosis.composite.normalise import Goalposts, normalise_ampi, normalise_min_max, normalise_z_scores
from diagnosis.composite.panels import normalise_panel
from diagnosis.composite.scaling import (
    normalise_distance_to_reference,
    normalise_distance_to_target,
    normalise_fraction_of_best,
    normalise_goalposts,
    normalise_ranks,
)
from diagnosis.composite.weights import (
    critic_weights,
    entropy_weights,
    equal_weights,
    optimised_weights,
    pca_weights,
)
from diagnosis.errors import InputError, UnknownNameError

NAN = np.nan
DIRECTIONS = {"a": "positive", "b": "negative", "c": "positive", "d": "negative"}


@pytest.fixture
def values():
    numbers = [[3.0, 8, 40, 1], [5, 6, 20, 4], [9, 7, 30, 2], [4, 2, 50, 3], [7, 5, 10, 6]]
    return pd.DataFrame(numbers, index=[f"00100{unit}" for unit in range(1, 6)], columns=list("abcd"))


# ---- normalisations


def by_goalposts(values, directions, **options):
    reference = {"a": 5, "b": 5, "c": 30, "d": 3}
    return normalise_ampi(values, Goalposts.from_panel(values, reference, directions, **options))


def in_one_year(values, directions):
    if not isinstance(values, pd.DataFrame):
        return normalise_panel(values, directions)
    index = pd.MultiIndex.from_arrays([values.index, [2021] * len(values)], names=["unit", "year"])
    return normalise_panel(values.set_axis(index), directions, base=[2021]).set_axis(values.index)


BEST = {"a": 10, "b": 1, "c": 60, "d": 0.5}
WORSE = dict.fromkeys("abcd", 0)
BETTER = dict.fromkeys("abcd", 100)

RELATIVE = {
    "ampi": by_goalposts,
    "z_scores": normalise_z_scores,
    "min_max": normalise_min_max,
    "panel": in_one_year,
    "target": partial(normalise_distance_to_target, targets=BEST),
    "reference": partial(normalise_distance_to_reference, unit="001003"),
}
"""The scale is that of the units: they must differ."""
OTHERS = {
    "rank": normalise_ranks,
    "borda": partial(normalise_ranks, form="borda"),
    "percentile": partial(normalise_ranks, form="percentile"),
    "goalposts": partial(normalise_goalposts, lower=WORSE, upper=BETTER),
    "best": normalise_fraction_of_best,
}
WITHOUT_VALUES = [OTHERS[name] for name in ("rank", "borda", "percentile", "goalposts")]
"""They leave an indicator without a value missing, the others refuse it."""
NORMALISATIONS = RELATIVE | OTHERS

relative = pytest.mark.parametrize("normalise", RELATIVE.values(), ids=RELATIVE)
every_normalisation = pytest.mark.parametrize("normalise", NORMALISATIONS.values(), ids=NORMALISATIONS)


@relative
def test_units_that_do_not_differ_have_no_scale(normalise, values):
    with pytest.raises(InputError, match=r"must vary.*'b'"):
        normalise(values.assign(b=2.0), DIRECTIONS)
    with pytest.raises(InputError, match=r"must vary.*'a', 'b', 'c', 'd'"):
        normalise(values.loc[["001003"]], DIRECTIONS)


def test_units_that_do_not_differ_on_other_scales(values):
    flat, one = values.assign(b=2.0), values.iloc[:1]
    for name, expected, alone in (
        ("rank", 1, 1),
        ("borda", 0, 0),
        ("percentile", 0, NAN),
        ("goalposts", 0.98, 0.92),
        ("best", 1, 1),
    ):
        np.testing.assert_allclose(NORMALISATIONS[name](flat, DIRECTIONS)["b"], expected, err_msg=name)
        np.testing.assert_allclose(NORMALISATIONS[name](one, DIRECTIONS)["b"], alone, err_msg=name)
    np.testing.assert_array_equal(by_goalposts(flat, DIRECTIONS, constant="reference")["b"], 100)


@every_normalisation
def test_an_indicator_without_a_value(normalise, values):
    empty = values.assign(c=NAN)
    if normalise not in WITHOUT_VALUES:
        with pytest.raises(InputError, match=r"(at least one value|value of the reference).*'c'"):
            normalise(empty, DIRECTIONS)
    else:
        found = normalise(empty, DIRECTIONS)
        assert found["c"].isna().all()
        pd.testing.assert_frame_equal(
            found.drop(columns="c"), normalise(values, DIRECTIONS).drop(columns="c")
        )


@every_normalisation
def test_a_unit_without_a_value_stays_missing_and_moves_no_other(normalise, values):
    gap = pd.concat([values, pd.DataFrame(NAN, index=["001009"], columns=values.columns)])
    found = normalise(gap, DIRECTIONS)
    assert found.loc["001009"].isna().all()
    pd.testing.assert_frame_equal(found.drop("001009"), normalise(values, DIRECTIONS))


@every_normalisation
def test_one_indicator_is_scaled_as_among_others(normalise, values):
    pd.testing.assert_frame_equal(normalise(values[["b"]], DIRECTIONS), normalise(values, DIRECTIONS)[["b"]])


@every_normalisation
def test_no_unit(normalise, values):
    nobody = values.iloc[:0]
    if normalise not in WITHOUT_VALUES:
        with pytest.raises(InputError, match=r"at least one value|times of the panel|unit must be one"):
            normalise(nobody, DIRECTIONS)
    else:
        assert normalise(nobody, DIRECTIONS).shape == (0, 4)


@every_normalisation
def test_whole_numbers_truth_values_and_nullable_numbers_are_numbers(normalise, values):
    nullable = values.astype({"a": "int64", "b": "Int64", "c": "Float64"})
    pd.testing.assert_frame_equal(normalise(nullable, DIRECTIONS), normalise(values, DIRECTIONS))
    nullable.loc["001002", "b"] = pd.NA
    gap = values.astype(float)
    gap.loc["001002", "b"] = NAN
    pd.testing.assert_frame_equal(normalise(nullable, DIRECTIONS), normalise(gap, DIRECTIONS))
    truth = values.assign(a=[True, False, True, True, False])
    if normalise is not NORMALISATIONS["best"]:
        pd.testing.assert_frame_equal(
            normalise(truth, DIRECTIONS), normalise(truth.astype(float), DIRECTIONS)
        )


@every_normalisation
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("neutral", "'neutral' was given"),
        ("Positive", "'Positive' was given"),
        (1, "1 was given"),
        (None, "None was given"),
        (NAN, "nan was given"),
    ],
)
def test_direction_that_does_not_exist(normalise, values, given, message):
    with pytest.raises(UnknownNameError, match=rf"direction of 'b'.*{message}"):
        normalise(values, DIRECTIONS | {"b": given})


@every_normalisation
def test_directions_that_cannot_be_read(normalise, values):
    with pytest.raises(InputError, match=r"needs a direction.*none for 'd'"):
        normalise(values, {name: DIRECTIONS[name] for name in "abc"})
    twice = pd.Series(["positive"] * 5, index=list("abcda"))
    with pytest.raises(InputError, match=r"directions must hold every label once.*'a'"):
        normalise(values, twice)
    for wrong in ("positive", list(DIRECTIONS.values())):
        with pytest.raises(InputError, match="directions must be a Series or a mapping"):
            normalise(values, wrong)
    pd.testing.assert_frame_equal(
        normalise(values, pd.Series(DIRECTIONS | {"z": "no"})), normalise(values, DIRECTIONS)
    )


# ---- aggregations


def framework(normalised, weights=None, minimum_share=0.75, rule="arithmetic"):
    tree = Framework({"a": "one", "b": "one", "c": "two", "d": "two", "one": "all", "two": "all"}, weights)
    return tree.aggregate(normalised, rule, minimum_share)["all"]


def plus(normalised, weights=None, minimum_share=0.75):
    return ampi(normalised, "+", weights, minimum_share)["score"]


MEANS = {name: RULES[name] for name in RULES if name not in ("taxonomic", "copeland")} | {
    "quadratic": partial(generalised_mean, exponent=2),
    "minimum": partial(generalised_mean, exponent=-np.inf),
    "ampi_plus": plus,
}
AGGREGATIONS = MEANS | {"taxonomic": RULES["taxonomic"], "copeland": RULES["copeland"]}

mean = pytest.mark.parametrize("aggregate", MEANS.values(), ids=MEANS)
every_aggregation = pytest.mark.parametrize("aggregate", AGGREGATIONS.values(), ids=AGGREGATIONS)


@mean
def test_mean_of_equal_values_of_one_unit_and_of_one_indicator(aggregate, values):
    flat = values * 0 + 7
    np.testing.assert_allclose(aggregate(flat), 7, rtol=1e-12)
    np.testing.assert_allclose(aggregate(values.iloc[:1]), aggregate(values).iloc[:1], rtol=1e-12)
    np.testing.assert_allclose(aggregate(values[["c"]]), values["c"], rtol=1e-12)


def test_aggregations_that_compare_need_others(values):
    one, flat = values.iloc[:1], values * 0 + 7
    with pytest.raises(InputError, match=r"two different units.*1 have"):
        RULES["taxonomic"](one)
    with pytest.raises(InputError, match="all are alike"):
        RULES["taxonomic"](flat)
    with pytest.raises(InputError, match=r"two different units.*0 have"):
        RULES["taxonomic"](values.iloc[:0])
    assert RULES["copeland"](one).to_list() == [0]
    assert RULES["copeland"](flat).to_list() == [0] * 5
    assert RULES["copeland"](values[["c"]]).to_list() == [2, -2, 0, 4, -4]


@mean
def test_mean_of_no_unit(aggregate, values):
    assert aggregate(values.iloc[:0]).shape == (0,)
    assert RULES["copeland"](values.iloc[:0]).shape == (0,)


@every_aggregation
def test_a_constant_or_empty_indicator_and_an_empty_unit(aggregate, values):
    assert aggregate(values.assign(c=10.0)).notna().all()
    found = aggregate(values.assign(c=NAN))
    pd.testing.assert_series_equal(found, aggregate(values[["a", "b", "d"]]))
    if aggregate is not RULES["taxonomic"]:  # with less than two units there is nothing to measure
        assert aggregate(values.assign(c=NAN), None, 1.0).isna().all()
        assert aggregate(values * NAN).isna().all()
    gap = pd.concat([values, pd.DataFrame(NAN, index=["001009"], columns=values.columns)])
    found = aggregate(gap)
    assert np.isnan(found["001009"])
    pd.testing.assert_series_equal(found.drop("001009"), aggregate(values))


@every_aggregation
def test_weights_are_rescaled(aggregate, values):
    weights = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}
    expected = aggregate(values, weights)
    for factor in (5, 1e-6):
        scaled = {name: weight * factor for name, weight in weights.items()} | {"z": -1}
        pd.testing.assert_series_equal(aggregate(values, pd.Series(scaled)), expected)
    pd.testing.assert_series_equal(aggregate(values, dict.fromkeys("abcd", 3)), aggregate(values))
    pd.testing.assert_series_equal(
        aggregate(values, {"a": 1, "b": 1, "c": 1, "d": 0}), aggregate(values[["a", "b", "c"]])
    )


WEIGHTS = {
    "negative": ({"a": 1, "b": -1, "c": 1, "d": 1}, r"zero or more.*'b'"),
    "absent": ({"a": 1, "b": 1}, r"zero or more.*'c', 'd'"),
    "text": ({"a": 1, "b": "heavy", "c": 1, "d": 1}, r"zero or more.*'b'"),
    "missing": ({"a": 1, "b": NAN, "c": None, "d": pd.NA}, r"zero or more.*'b', 'c', 'd'"),
    "infinite": ({"a": 1, "b": np.inf, "c": 1, "d": 1}, r"zero or more.*'b'"),
    "all zero": (dict.fromkeys("abcd", 0), "above zero"),
    "list": ([1, 1, 1, 1], "weights must be a Series or a mapping"),
    "repeated": (pd.Series(1, index=list("abcda")), r"weights must hold every label once.*'a'"),
}


@every_aggregation
@pytest.mark.parametrize(("weights", "message"), WEIGHTS.values(), ids=WEIGHTS)
def test_wrong_weights(aggregate, values, weights, message):
    with pytest.raises(InputError, match=message):
        aggregate(values, weights)


@pytest.mark.parametrize("kind", [name for name in WEIGHTS if name != "absent"])
def test_wrong_weights_of_a_framework(values, kind):
    weights, message = WEIGHTS[kind]
    # the parts of one node are looked at together
    with pytest.raises(InputError, match=message.removesuffix(", 'c', 'd'")):
        framework(values, weights)


@every_aggregation
@pytest.mark.parametrize("share", [0, -0.1, 1.01, NAN, np.inf])
def test_wrong_minimum_share(aggregate, values, share):
    with pytest.raises(InputError, match="minimum_share must be above 0 and at most 1"):
        aggregate(values, None, share)


def test_values_that_a_mean_cannot_take(values):
    for name, low in (("geometric", 0.0), ("harmonic", 0.0), ("geometric", -1.0)):
        with pytest.raises(InputError, match=r"above 0.*'b'"):
            RULES[name](values.assign(b=low))
    with pytest.raises(InputError, match=r"mean.*above 0.*'001001'"):
        RULES["ampi"](values - 50)


# ---- ways to weight

WAYS = {
    "equal": equal_weights,
    "pca": pca_weights,
    "entropy": entropy_weights,
    "critic": critic_weights,
    "optimised": lambda values: optimised_weights(values)["weight"],
}
FROM_DATA = {name: way for name, way in WAYS.items() if name != "equal"}

every_way = pytest.mark.parametrize("weigh", WAYS.values(), ids=WAYS)
from_data = pytest.mark.parametrize("weigh", FROM_DATA.values(), ids=FROM_DATA)


@every_way
def test_weights_of_one_and_of_repeated_indicators(weigh, values):
    assert weigh(values[["a"]]).to_dict() == pytest.approx({"a": 1})
    copies = values[["a"]].assign(e=values["a"])
    assert weigh(copies).to_list() == pytest.approx([0.5, 0.5], abs=1e-6)
    assert weigh(values).sum() == pytest.approx(1)
    assert weigh(values).index.equals(values.columns)


@from_data
def test_weights_need_units_that_differ(weigh, values):
    with pytest.raises(InputError, match=r"must vary.*'b'"):
        weigh(values.assign(b=2.0))
    with pytest.raises(InputError, match=r"must vary|units with every indicator"):
        weigh(values.iloc[:1])
    with pytest.raises(InputError, match=r"at least one value|units with every indicator"):
        weigh(values.assign(b=NAN))
    with pytest.raises(InputError, match=r"at least one value|units with every indicator"):
        weigh(values.iloc[:0])


@pytest.mark.parametrize("weigh", [WAYS[name] for name in ("equal", "pca", "entropy", "critic")])
def test_weights_by_domain(weigh, values):
    found = weigh(values, {"a": 1, "b": 1, "c": 2, "d": 2, "z": 3})
    assert found.groupby([1, 1, 2, 2]).sum().to_list() == pytest.approx([1, 1])
    with pytest.raises(InputError, match=r"domain.*'d'"):
        weigh(values, {"a": 1, "b": 1, "c": 2, "d": None})
    with pytest.raises(InputError, match="groups must hold every label once"):
        weigh(values, pd.Series(1, index=list("abcda")))


# ---- tables that are none, for all of them

BENEFITS = {
    "benefit": lambda values: benefit_of_the_doubt(values).score,
    "robust": partial(robust_benefit, n_peers=2),
    "directional": partial(directional_benefit, direction=dict.fromkeys("abcd", 1)),
    "multidirectional": multidirectional_benefit,
}
INDICES = {
    f"{function.__name__}, {method}": partial(function, method=method, directions=DIRECTIONS)
    for function in (composite_index, explain_index)
    for method in ("ampi", "mpi")
}
ALL = (
    {name: partial(normalise, directions=DIRECTIONS) for name, normalise in NORMALISATIONS.items()}
    | {f"{name} mean": rule for name, rule in AGGREGATIONS.items()}
    | {"framework": framework}
    | {f"{name} weights": way for name, way in WAYS.items()}
    | BENEFITS
    | INDICES
)


@pytest.mark.parametrize("function", ALL.values(), ids=ALL)
def test_tables_that_are_none(function, values):
    for wrong, message in (
        (values.assign(b=[np.inf, 1, 2, 3, 4]), r"finite or missing.*'b'"),
        (values.assign(b=[-np.inf, 1, 2, 3, 4]), r"finite or missing.*'b'"),
        (values.assign(b=list("12345")), r"must hold numbers.*'b'"),
        (values.assign(b=values["b"].astype(object)), r"must hold numbers.*'b'"),
        (values.assign(b=values["b"] + 1j), r"must hold numbers.*'b'"),
        (values.assign(b=pd.Timestamp("2022-01-01")), r"must hold numbers.*'b'"),
    ):
        with pytest.raises(InputError, match=message):
            function(wrong)
    if function is not framework:  # it chooses its columns
        with pytest.raises(InputError, match="at least one indicator column"):
            function(values[[]])
        for wrong in (values["a"], values.to_numpy(), None):
            with pytest.raises(InputError, match=r"must be a pandas\.DataFrame"):
                function(wrong)
    with pytest.raises(InputError, match=r"unique.*'b'"):
        function(values[["a", "b", "c", "d", "b"]])


@pytest.mark.parametrize("function", ALL.values(), ids=ALL)
def test_input_is_left_as_it_was(function, values):
    before = values.copy()
    function(values)
    pd.testing.assert_frame_equal(values, before)


@pytest.mark.parametrize("function", BENEFITS.values(), ids=BENEFITS)
def test_benefit_of_the_doubt_of_odd_tables(function, values):
    gap = pd.concat([values, pd.DataFrame(NAN, index=["001009"], columns=values.columns)])
    found = function(gap)
    assert np.isnan(found["001009"])
    np.testing.assert_allclose(found.drop("001009"), function(values))
    np.testing.assert_allclose(function(values.iloc[:1]), 1)
    np.testing.assert_allclose(function(values * 0 + 7), 1)
    with pytest.raises(InputError, match=r"zero or more.*'b'"):
        function(values.assign(b=-1.0))
    for empty in (values.assign(b=NAN), values.assign(b=0.0), values.iloc[:0]):
        with pytest.raises(InputError, match=r"above zero.*'b'"):
            function(empty)


@pytest.mark.parametrize("method", ["ampi", "mpi"])
def test_index_of_odd_tables(method, values):
    index = partial(composite_index, method=method, directions=DIRECTIONS)
    for wrong, message in (
        (values.assign(b=2.0), r"must vary.*'b'"),
        (values.assign(b=NAN), r"at least one value.*'b'"),
        (values.iloc[:1], "must vary"),
        (values.iloc[:0], "at least one value"),
    ):
        with pytest.raises(InputError, match=message):
            index(wrong)
    with pytest.raises(UnknownNameError, match="'neutral' was given"):
        composite_index(values, method, directions=DIRECTIONS | {"a": "neutral"})
    gap = pd.concat([values, pd.DataFrame(NAN, index=["001009"], columns=values.columns)])
    assert index(gap).loc["001009"].isna().all()
    pd.testing.assert_frame_equal(index(gap).drop("001009"), index(values))
    with pytest.raises(InputError, match=r"domain.*'d'"):
        index(values, groups=dict.fromkeys("abc", "one"))


def test_values_are_copied():
    table = pd.DataFrame({"a": [1.0, 2.0]})
    copied = check_values(table)
    copied.loc[0, "a"] = 9.0
    assert table.loc[0, "a"] == 1.0
