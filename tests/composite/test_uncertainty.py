import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.composite import (
    Goalposts,
    ampi,
    composite_index,
    normalise_ampi,
    normalise_min_max,
    normalise_z_scores,
)
from diagnosis.composite.choices import Normalisation, WeightNoise
from diagnosis.composite.replication import CompositeModel
from diagnosis.composite.uncertainty import explain_ranks, rank_columns, replay, simulate
from diagnosis.errors import InputError, UnknownNameError

NAMES = list("pqrs")
DIRECTIONS = dict(zip(NAMES, ["positive", "negative", "positive", "positive"], strict=True))
GROUPS = {"p": "x", "q": "x", "r": "y", "s": "y"}


def values(units=12, seed=0, missing=False):
    table = pd.DataFrame(
        np.random.default_rng(seed).uniform(10, 20, (units, 4)),
        columns=NAMES,
        index=[f"u{n}" for n in range(units)],
    )
    return table.mask(np.random.default_rng(1).random(table.shape) < 0.15) if missing else table


@pytest.mark.parametrize("missing", [False, True])
def test_nominal_scores_are_those_of_the_functions_on_tables(missing):
    table = values(missing=missing)
    posts = Goalposts.from_panel(table, table.mean(), DIRECTIONS)
    for how, normalised in {
        "min_max": normalise_min_max(table, DIRECTIONS, lower=70, upper=130),
        "z_scores": normalise_z_scores(table, DIRECTIONS),
        Normalisation("goalposts", goalposts=posts): normalise_ampi(table, posts),
    }.items():
        for rule, sign in (("ampi", "-"), ("ampi_plus", "+")):
            found = CompositeModel(table, DIRECTIONS, normalisations=[how], aggregations=[rule]).nominal
            expected = ampi(normalised, sign)["score"]
            pd.testing.assert_series_equal(found, expected, rtol=1e-12)
    scores = composite_index(table, directions=DIRECTIONS, groups=GROUPS, goalposts=posts, minimum_share=0.5)
    model = CompositeModel(
        table,
        DIRECTIONS,
        groups=GROUPS,
        weights={"x": 3},
        normalisations=[Normalisation("goalposts", goalposts=posts)],
        aggregations=[("ampi", "geometric")],
        minimum_share=0.5,
    )
    both = np.exp(np.log(scores).mul([0.75, 0.25]).sum(axis=1, skipna=False))
    one = scores.bfill(axis=1).iloc[:, 0].where(scores["x"].notna() | (scores.notna().sum(axis=1) == 2))
    expected = both.where(scores.notna().all(axis=1), one)
    np.testing.assert_allclose(model.nominal, expected, rtol=1e-12)


def test_ranks_by_hand_and_harmonic_mean():
    table = pd.DataFrame({"p": [1.0, 2, 2, np.nan], "q": [4.0, 3, 1, 1]}, index=list("abcd"))
    model = CompositeModel(
        table,
        {"p": "positive", "q": "positive"},
        normalisations=[Normalisation("rank", (1, 2))],
        aggregations=["harmonic"],
    )
    # p: 1, 1.75, 1.75; q: 2, 1 + 2/3, 1 + 1/6 (c and d share the last places), d lacks half of its weight
    np.testing.assert_allclose(
        model.nominal, [4 / 3, 2 / (1 / 1.75 + 1 / (5 / 3)), 2 / (1 / 1.75 + 1 / (7 / 6)), np.nan]
    )
    ranks = rank_columns(np.array([[3.0, np.nan], [5, 1], [3, 1], [1, 2]]))
    assert ranks.T.tolist() == [[2, 1, 2, 4], [0, 2, 2, 1]]


def test_summaries_by_hand():
    table = pd.DataFrame({"p": [3.0, 2, 1, np.nan], "q": [1.0, 2, 3.5, np.nan]}, index=list("abcd"))
    sets = pd.DataFrame({"one": [1, 0], "two": [0, 1], "three": [3, 1], "four": [2, 0]}, index=["p", "q"])
    model = CompositeModel(table, {"p": "positive", "q": "positive"}, weight_choice=sets)
    assert model.factors == ["weights"]
    result = replay(model, model.choose((np.arange(4)[:, None] + 0.5) / 4))
    assert result.ranks.tolist() == [[1, 3, 1, 1], [2, 2, 2, 2], [3, 1, 3, 3], [0, 0, 0, 0]]
    found = result.rank_intervals(0.5)
    assert found.loc["a"].to_list() == [1, 1.5, 1, 1, 1.5, 4]
    assert found.loc["d", ["nominal", "lower"]].isna().all()
    assert found.loc["d", "replications"] == 0
    assert result.probability_of_top(1).iloc[:3].to_list() == [0.75, 0, 0.25]
    assert pd.isna(result.probability_of_top(1)["d"])
    wins = result.win_probabilities(["a", "b"])
    assert wins["a"].iloc[:3].to_list() == [0.5, 0.25, 0.25]
    assert wins["b"].iloc[:3].to_list() == [0.75, 0.5, 0.25]
    classes = result.class_change(3)  # nominal scores 100, 97 and 100
    assert classes.iloc[:3].to_numpy(dtype=float).tolist() == [
        [1, 0.25, 0, 0.25],
        [3, 1, 1, 0],
        [1, 0.75, 0, 0.75],
    ]
    assert classes.loc["d"].isna().all()
    for wrong in (lambda: result.win_probabilities(["z"]), lambda: result.rank_intervals(1.5)):
        with pytest.raises(InputError):
            wrong()


def test_failed_replications_are_counted_with_their_reason():
    model = CompositeModel(
        values(),
        DIRECTIONS,
        normalisations=["min_max", Normalisation("z_scores", (0, 1))],
        aggregations=["arithmetic", "geometric", "ampi"],
    )
    result = simulate(model, 300)
    # z-scores around 0 have no geometric mean and no penalty
    wrong = result.choices["normalisation"].str.startswith("z") & (
        result.choices["aggregation"] != "arithmetic"
    )
    assert 80 < result.failed == wrong.sum() < 120
    failures = result.failures()
    assert failures["replications"].sum() == result.failed
    assert set(failures["aggregation"]) == {"geometric", "ampi"}
    assert failures["failure"].str.contains("above 0").all()
    assert (result.rank_intervals()["replications"] == 300 - result.failed).all()
    assert (result.ranks[:, (result.choices["failure"] != "").to_numpy()] == 0).all()


def test_scale_of_the_nominal_index():
    model = CompositeModel(
        values(), DIRECTIONS, normalisations=["min_max", Normalisation("z_scores", (0, 1))]
    )
    own, common = simulate(model, 50, scale="own"), simulate(model, 50)
    assert common.scale == "nominal"
    np.testing.assert_array_equal(own.ranks, common.ranks)
    np.testing.assert_allclose(common.scores.mean(axis=0), model.nominal.mean())
    np.testing.assert_allclose(common.scores.std(axis=0), model.nominal.std(ddof=0))
    assert simulate(CompositeModel(values(), DIRECTIONS, leave_out=1.0), 10).scale == "own"


def test_leaving_out_equals_the_index_without_it():
    model = CompositeModel(
        values(), DIRECTIONS, groups={"p": "x", "q": "y", "r": "y", "s": "y"}, leave_out=1.0
    )
    choices = model.choose((np.arange(4)[:, None] + 0.5) / 4)
    assert choices["left_out"].to_list() == [0, 1, 2, 3]
    scores, reasons = model.evaluate(choices)
    assert set(reasons) == {""}
    without = CompositeModel(values()[["q", "r", "s"]], DIRECTIONS).nominal  # the domain x is gone
    np.testing.assert_allclose(scores[:, 0], without)
    assert model.describe(choices)["left_out"].to_list() == NAMES


def test_data_error_has_the_size_asked_for():
    table = pd.DataFrame({"p": np.linspace(0, 100, 101), "q": np.linspace(0, 100, 101)})
    upward = dict.fromkeys("pq", "positive")
    posts = Goalposts.from_panel(table, table.mean(), upward)
    how = [Normalisation("goalposts", goalposts=posts)]
    model = CompositeModel(table, upward, normalisations=how, error={"p": 2.0}, seed=4)
    assert model.factors == ["error"]
    result = simulate(model, 400)
    # 0.6 points a unit of p, half the weight: 0.6 * 2 / 2
    assert result.scores.std(axis=1).mean() == pytest.approx(0.6, rel=0.03)
    by_unit = pd.DataFrame({"p": np.r_[5.0, np.zeros(100)]}, index=table.index)
    spread = simulate(CompositeModel(table, upward, normalisations=how, error=by_unit), 400).scores.std(
        axis=1
    )
    assert spread[0] == pytest.approx(1.5, rel=0.1)
    assert spread[1:].max() < 1e-9


@pytest.mark.parametrize("noise", [WeightNoise("uniform", 0.25, (0,)), WeightNoise("dirichlet", 10.0)])
def test_noise_of_weights_is_centred_and_repeatable(noise):
    table = pd.DataFrame(np.eye(4) * 10 + 0.0, columns=NAMES, index=NAMES)
    model = CompositeModel(
        table,
        dict.fromkeys(NAMES, "positive"),
        normalisations=[Normalisation("min_max", (0, 1))],
        weight_choice=noise,
    )
    # the score of unit p is the weight of indicator p
    result = simulate(model, 2000)
    np.testing.assert_allclose(result.scores.sum(axis=0), 1)
    np.testing.assert_allclose(result.scores.mean(axis=1), 0.25, atol=0.005)
    if noise.method == "uniform":
        assert result.scores.max() <= 1.25 / 4 / (1.25 / 4 + 0.75 * 3 / 4)
    else:
        np.testing.assert_allclose(result.scores.std(axis=1), np.sqrt(0.25 * 0.75 / 41), rtol=0.05)
    np.testing.assert_array_equal(simulate(model, 2000).scores, result.scores)


def test_tables_and_treatments_are_choices():
    first, second = values(), values(seed=5)
    model = CompositeModel(
        {"a": first, "b": second}, DIRECTIONS, treatments={"none": lambda table: table, "log": np.log}
    )
    assert model.factors == ["table", "treatment"]
    result = simulate(model, 40)
    last = (result.choices["table"] == "b") & (result.choices["treatment"] == "log")
    assert 5 <= last.sum() <= 15
    expected = rank_columns(normalise_min_max(np.log(second), DIRECTIONS).mean(axis=1).to_numpy()[:, None])
    assert (result.ranks[:, last.to_numpy()] == expected).all()
    noisy = CompositeModel(first, DIRECTIONS, treatments={"log": np.log}, error={"p": 0.1})
    assert simulate(noisy, 5).failed == 0


def test_which_choice_moves_the_ranks():
    model = CompositeModel(
        values(30),
        DIRECTIONS,
        normalisations=["min_max", Normalisation("min_max", (0.0, 1.0))],  # no choice at all: the same order
        weight_choice=WeightNoise("dirichlet", 1.0),
    )
    found = explain_ranks(model, ["u3"], size=64)
    assert set(found.index.get_level_values("output")) == {"mean_absolute_shift", "u3"}
    assert found.xs("normalisation", level="factor")["total"].max() == pytest.approx(0, abs=1e-9)
    assert found.xs("weights", level="factor")["total"].min() > 0.8
    with pytest.raises(UnknownNameError, match="unit"):
        explain_ranks(model, ["nowhere"])


@pytest.mark.parametrize(
    "arguments",
    [
        {"directions": DIRECTIONS | {"p": "neutral"}},
        {"weights": {"p": -1}},
        {"weights": dict.fromkeys(NAMES, 0)},
        {"groups": {"p": "x"}},
        {"normalisations": ["minmax"]},
        {"normalisations": []},
        {"aggregations": ["median"]},
        {"aggregations": [("ampi", "ampi")]},
        {"treatments": {}},
        {"treatments": {"short": lambda table: table.iloc[1:]}},
        {"leave_out": 1.5},
        {"minimum_share": 0},
        {"error": {"p": -1.0}},
        {"weight_choice": pd.DataFrame({"one": [0.0] * 4}, index=NAMES)},
        {"values": values().assign(p=1.0)},
        {"values": values().assign(p=np.nan)},
        {"values": values(1)},
        {"values": {"a": values(), "b": values().iloc[::-1]}},
    ],
)
def test_hostile_models(arguments):
    with pytest.raises(InputError):
        CompositeModel(**({"values": values(), "directions": DIRECTIONS} | arguments))


def test_hostile_choices():
    for wrong in (
        lambda: WeightNoise("normal", 1),
        lambda: WeightNoise("uniform", 2),
        lambda: Normalisation("goalposts"),
        lambda: Normalisation("min_max", (1, 1)),
        lambda: simulate(CompositeModel(values(), DIRECTIONS)),
        lambda: simulate(CompositeModel(values(), DIRECTIONS, leave_out=0.5), 0),
        lambda: simulate(CompositeModel(values(), DIRECTIONS, leave_out=0.5), scale="other"),
        lambda: CompositeModel(values(), DIRECTIONS, leave_out=0.5).choose(np.ones((1, 1))),
    ):
        with pytest.raises(InputError):
            wrong()


@given(st.integers(0, 1000), st.floats(0.1, 50), st.floats(-30, 30))
def test_unit_of_measurement_and_order_do_not_matter(seed, slope, shift):
    table = values(8, seed)
    arguments = {
        "normalisations": ["min_max", "z_scores", "rank"],
        "aggregations": ["ampi", "geometric"],
        "weight_choice": WeightNoise("uniform", 0.3),
    }
    first = simulate(CompositeModel(table, DIRECTIONS, **arguments), 20)
    moved = simulate(CompositeModel((table * slope + shift).iloc[::-1], DIRECTIONS, **arguments), 20)
    np.testing.assert_allclose(moved.scores[::-1], first.scores, rtol=1e-8)


def _with_reference(**options):
    generator = np.random.default_rng(4)
    values = pd.DataFrame(generator.normal(10, 2, (30, 5)), columns=list("abcde"))
    references = pd.DataFrame([values.mean(), values.loc[3]], index=["country", "twin"])
    directions = dict.fromkeys("abcde", "positive") | {"c": "negative"}
    return values, CompositeModel(
        values,
        directions,
        normalisations=("min_max", "z_scores", "rank"),
        aggregations=("arithmetic", "geometric", "ampi"),
        weight_choice=WeightNoise("uniform", 0.25),
        references=references,
        **options,
    )


def test_references_are_scored_like_units_without_moving_them():
    values, model = _with_reference()
    plain = CompositeModel(
        values,
        dict.fromkeys("abcde", "positive") | {"c": "negative"},
        normalisations=("min_max", "z_scores", "rank"),
        aggregations=("arithmetic", "geometric", "ampi"),
        weight_choice=WeightNoise("uniform", 0.25),
    )
    found, alone = simulate(model, 90, scale="own"), simulate(plain, 90, scale="own")
    np.testing.assert_allclose(found.scores, alone.scores, rtol=1e-12)
    np.testing.assert_array_equal(found.ranks, alone.ranks)
    # a reference with the values of a unit has its score under every choice, ranks included
    np.testing.assert_allclose(found.reference_scores[1], found.scores[3], rtol=1e-12)


def test_scores_around_a_reference_agree_with_the_chance_to_pass_it():
    _, model = _with_reference(leave_out=0.5)
    found = simulate(model, 200)
    assert found.scale == "reference"
    np.testing.assert_allclose(found.reference_scores[0], found.references["country"])
    wins = found.win_probabilities(["country", "twin", 3])
    above = (found.scores > found.references["country"]).mean(axis=1)
    np.testing.assert_allclose(wins["country"], above, atol=0.02)
    assert wins.at[3, "twin"] == 0.5
    assert wins.at[3, 3] == 0.5


def test_a_reference_must_have_the_indicators_and_a_score():
    values, model = _with_reference()
    directions = dict.fromkeys("abcde", "positive")
    with pytest.raises(InputError, match="references need every indicator"):
        CompositeModel(values, directions, references=pd.DataFrame({"a": [1.0]}, index=["country"]))
    with pytest.raises(InputError, match="must have one row"):
        CompositeModel(values, directions, references=values.iloc[:1])
    with pytest.raises(InputError, match="needs a reference"):
        simulate(CompositeModel(values, directions, leave_out=0.5), 10, scale="reference")
    half = pd.DataFrame([values.mean()], index=["country"]).assign(a=np.nan)
    model = CompositeModel(values, directions, leave_out=0.5, references=half, minimum_share=0.8)
    found = simulate(model, 60, scale="reference")
    lost = found.choices["left_out"].isin(list("bcde"))
    assert (found.choices.loc[lost, "failure"] == "the reference has no score").all()
    assert (found.choices.loc[~lost, "failure"] == "").all()


def test_an_error_by_indicator_leaves_the_reference_alone():
    values, _ = _with_reference()
    references = pd.DataFrame([values.mean()], index=["country"])
    posts = Goalposts.from_panel(values, values.mean(), dict.fromkeys("abcde", "positive"))
    model = CompositeModel(
        values,
        dict.fromkeys("abcde", "positive"),
        normalisations=(Normalisation("goalposts", goalposts=posts),),
        error=dict.fromkeys("abcde", 1.0),
        references=references,
    )
    found = simulate(model, 50)
    np.testing.assert_allclose(found.reference_scores[0], 100.0)
    assert (found.scores.std(axis=1) > 0).all()
