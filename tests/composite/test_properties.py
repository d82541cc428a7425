"""What must hold of a composite index whatever the data: order, units of measure, weights, gaps, the reference."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from diagnosis.composite import (
    CompositeModel,
    Framework,
    Goalposts,
    Normalisation,
    ampi,
    arithmetic_mean,
    composite_index,
    geometric_mean,
    normalise_ampi,
    normalise_min_max,
    normalise_z_scores,
    rank_units,
    simulate,
)
from diagnosis.composite.aggregation import RULES
from diagnosis.composite.envelopment import benefit_of_the_doubt
from diagnosis.composite.scaling import normalise_ranks
from diagnosis.composite.uncertainty import replay
from diagnosis.errors import InputError, UnknownNameError

NAMES = list("pqrs")
DIRECTIONS = dict(zip(NAMES, ["positive", "negative", "positive", "negative"], strict=True))
PARENTS = {"p": "work", "q": "work", "r": "health", "s": "health", "work": "index", "health": "index"}
MONOTONE = {"arithmetic": arithmetic_mean, "geometric": geometric_mean}

values = st.integers(1, 200).map(float)
cells = st.one_of(values, values, values, st.just(np.nan))
weightings = st.lists(st.integers(1, 9), min_size=4, max_size=4)


def tables(units=3, cell=values, at_most=7):
    row = st.lists(cell, min_size=4, max_size=4)
    return st.lists(row, min_size=units, max_size=at_most).map(as_table)


def as_table(rows):
    return pd.DataFrame(rows, index=[f"u{n}" for n in range(len(rows))], columns=NAMES, dtype=float)


def varied(table):
    """Add a worst and a best unit, so that every indicator varies."""
    return pd.concat([table, pd.DataFrame([[0.5] * 4, [250.0] * 4], index=["low", "high"], columns=NAMES)])


def normalisations(table, directions):
    """Every normalisation, under its name."""
    posts = Goalposts.from_panel(table, table.median(), directions)
    return {
        "min_max": normalise_min_max(table, directions, lower=1),
        "z_scores": normalise_z_scores(table, directions),
        "goalposts": normalise_ampi(table, posts),
        "percentile": normalise_ranks(table, directions, "percentile", ties="average"),
        "borda": normalise_ranks(table, directions, "borda"),
    }


def scores(normalised, weights=None, share=0.75):
    """Score values above zero by every rule; a single unit or twins have no taxonomic distance."""
    found = {
        name: rule(normalised, weights, share)
        for name, rule in RULES.items()
        if name != "taxonomic" or len(normalised.dropna().drop_duplicates()) > 1
    }
    framework = Framework(PARENTS, weights)
    for name in MONOTONE:
        found[f"framework, {name}"] = framework.aggregate(normalised, name, share)["index"]
    return found


def close(found, expected, message=None):
    pd.testing.assert_series_equal(
        found, expected, rtol=1e-9, atol=1e-9, check_names=False, obj=message or "score"
    )


# ---- monotone, and where not


@given(
    row=st.lists(cells, min_size=4, max_size=4),
    weights=weightings,
    which=st.integers(0, 3),
    rise=st.integers(1, 100),
)
def test_means_never_fall_when_an_indicator_rises(row, weights, which, rise):
    assume(not np.isnan(row[which]))
    higher = list(row)
    higher[which] += rise
    table, weighting = as_table([row, higher]), dict(zip(NAMES, weights, strict=True))
    framework = Framework(PARENTS, weighting)
    for name, rule in MONOTONE.items():
        for low, high in (
            rule(table, weighting, 0.01),
            framework.aggregate(table, name, 0.01)["index"],
            framework.aggregate(table, [name, "geometric"], 0.01)["index"],
        ):
            assert high > low, name


@settings(max_examples=20)
@given(table=tables(), which=st.integers(0, 3), rise=st.integers(1, 40))
def test_an_index_of_raw_values_follows_the_directions(table, which, rise):
    name = NAMES[which]
    base = varied(table)
    better = base.copy()
    better.loc["u0", name] += (
        rise if DIRECTIONS[name] == "positive" else -min(rise, base.loc["u0", name] - 0.5)
    )
    assume(better.loc["u0", name] != base.loc["u0", name])
    for rule in MONOTONE:
        before, after = (
            Framework(PARENTS).aggregate(normalise_min_max(t, DIRECTIONS, lower=1), rule)["index"]
            for t in (base, better)
        )
        assert after["u0"] > before["u0"], rule
        close(after.drop("u0"), before.drop("u0"), rule)


def turning_point(others, weights, weight):
    """Value of an indicator at which AMPI- is highest, the others given; infinite with half the weight or more.

    With ``a = sum of w r`` and ``b = sum of w r**2`` over the others, ``r = M (3 + cv**2) / 2`` reads
    ``w (1 - 2 w) r**2 + 2 a (1 - 2 w) r = 2 a**2 + b``.
    """
    if 2 * weight >= 1:
        return np.inf
    a, b, c = weights @ others, weights @ others**2, 1 - 2 * weight
    return (np.sqrt((a * c) ** 2 + weight * c * (2 * a**2 + b)) - a * c) / (weight * c)


@given(
    row=st.lists(st.integers(40, 160), min_size=4, max_size=4), weights=weightings, step=st.integers(1, 60)
)
def test_ampi_rises_below_its_threshold_and_falls_beyond(row, weights, step):
    shares, numbers = np.array(weights) / sum(weights), np.array(row, dtype=float)
    turn = turning_point(numbers[1:], shares[1:], shares[0])

    def found(first):
        return ampi(as_table([[first, *numbers[1:]]]), weights=dict(zip(NAMES, weights, strict=True))).iloc[0]

    def limit(parts):
        return parts["mean"] * (3 + parts["cv"] ** 2) / 2

    below = max(min(turn, 1000.0) - step, 1.0)
    assert below < limit(found(below))
    assert found(below + step / 2)["score"] > found(below)["score"]
    if np.isfinite(turn):
        assert limit(found(turn)) == pytest.approx(turn)
        beyond = turn + step
        assert beyond > limit(found(beyond))
        assert found(beyond + step)["score"] < found(beyond)["score"] < found(turn)["score"]
    else:
        assert found(1e4)["score"] < found(1e4 + step)["score"]


@given(
    row=st.lists(st.integers(40, 160), min_size=4, max_size=4), weights=weightings, step=st.integers(1, 30)
)
def test_ampi_plus_rises_with_a_worse_indicator_unless_it_is_far_below_the_mean(row, weights, step):
    weighting = dict(zip(NAMES, weights, strict=True))

    def found(first):
        return ampi(as_table([[first, *row[1:]]]), "+", weighting).iloc[0]

    base = found(row[0])
    # the score is convex in each indicator, so its slope settles the whole half-line
    if row[0] > base["mean"] * (1 + base["cv"] ** 2) / 2:
        assert found(row[0] + step)["score"] > base["score"]
    else:
        assert found(max(row[0] - step, 1))["score"] > base["score"]


def test_a_better_indicator_can_lower_the_ampi_by_hand():
    # (10, 10, 100): M 40, cv2 1.125, limit 82.5; 40 - 45 = -5; with 130: M 50, S2 3200, 50 - 64 = -14
    found = ampi(pd.DataFrame([[10, 10, 100], [10, 10, 130]], dtype=float))["score"]
    assert found.to_list() == pytest.approx([-5, -14])


# ---- what must not matter


@settings(max_examples=20)
@given(
    table=tables(cell=cells),
    factors=st.lists(st.sampled_from([0.001, 0.5, 3.0, 1e4]), min_size=4, max_size=4),
    shifts=st.lists(st.integers(-500, 500), min_size=4, max_size=4),
)
def test_unit_of_measure(table, factors, shifts):
    base = varied(table)
    other = base * factors + shifts
    for name, found in normalisations(other, DIRECTIONS).items():
        expected = normalisations(base, DIRECTIONS)[name]
        pd.testing.assert_frame_equal(found, expected, rtol=1e-7, atol=1e-7, obj=name)
    for method in ("ampi", "mpi"):
        found, expected = (composite_index(t, method, directions=DIRECTIONS)["score"] for t in (other, base))
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-7)


@settings(max_examples=20)
@given(table=tables(cell=cells), weights=weightings, seed=st.integers(0, 99))
def test_order_of_rows_and_columns(table, weights, seed):
    base, weighting = varied(table), dict(zip(NAMES, weights, strict=True))
    generator = np.random.default_rng(seed)
    turned = base.iloc[generator.permutation(len(base)), generator.permutation(4)]
    for name, found in normalisations(turned, DIRECTIONS).items():
        expected = normalisations(base, DIRECTIONS)[name]
        pd.testing.assert_frame_equal(found.loc[base.index, NAMES], expected, rtol=1e-9, atol=1e-9, obj=name)
    expected = scores(base, weighting)
    for name, found in scores(turned, weighting).items():
        close(found.loc[base.index], expected[name], name)


@given(table=tables(cell=cells), weights=weightings, factor=st.sampled_from([0.01, 3, 1e6]))
def test_scale_of_the_weights(table, weights, factor):
    base = varied(table)
    first, second = (dict(zip(NAMES, np.array(weights) * by, strict=True)) for by in (1, factor))
    expected = {name: rule(base, first, 0.75) for name, rule in RULES.items()}
    for name, rule in RULES.items():
        close(rule(base, second, 0.75), expected[name], name)
    within = Framework(PARENTS, first), Framework(PARENTS, second)  # domains weigh 1 in both
    found = [framework.aggregate(base)["index"] for framework in within]
    close(*found)


@given(table=tables(cell=cells))
def test_equal_units_score_alike(table):
    base = varied(table)
    twice = pd.concat([base, base.rename(index="twin of {}".format)])
    for name, found in scores(twice).items():
        first, second = found.iloc[: len(base)], found.iloc[len(base) :]
        np.testing.assert_allclose(second, first, rtol=1e-12, err_msg=name)
    ranks = rank_units(composite_index(twice, directions=DIRECTIONS)["score"])
    assert ranks.iloc[: len(base)].to_list() == ranks.iloc[len(base) :].to_list()


@settings(max_examples=15)
@given(table=tables(at_most=4))
def test_equal_units_have_the_same_benefit_of_the_doubt(table):
    score = benefit_of_the_doubt(pd.concat([table, table.rename(index="twin of {}".format)])).score
    np.testing.assert_allclose(score.iloc[len(table) :], score.iloc[: len(table)], rtol=1e-7)


@settings(max_examples=20)
@given(table=tables())
def test_a_turned_direction_mirrors_the_scale(table):
    base = varied(table)
    opposite = {name: "negative" if way == "positive" else "positive" for name, way in DIRECTIONS.items()}
    centres = {"min_max": 101, "z_scores": 200, "goalposts": 200, "percentile": 1}
    found, turned = normalisations(base, DIRECTIONS), normalisations(base, opposite)
    negated = normalisations(-base, opposite)
    for name in found:
        if name in centres:
            np.testing.assert_allclose(
                turned[name], centres[name] - found[name], rtol=1e-9, atol=1e-9, err_msg=name
            )
        # counting the opposite the opposite way is no change at all
        np.testing.assert_allclose(negated[name], found[name], rtol=1e-9, atol=1e-9, err_msg=name)


# ---- the reference


@given(
    table=tables(cell=cells),
    reference=st.lists(st.floats(1, 300), min_size=4, max_size=4),
    weights=weightings,
)
def test_the_reference_scores_100(table, reference, weights):
    base, own = varied(table), dict(zip(NAMES, reference, strict=True))
    posts = Goalposts.from_panel(base, own, DIRECTIONS)
    row = pd.DataFrame([own], index=["reference"])
    assert (normalise_ampi(row, posts) == 100).all(axis=None)
    groups = {name: PARENTS[name] for name in NAMES}
    for penalty in "-+":
        for options in ({}, {"weights": dict(zip(NAMES, weights, strict=True)), "groups": groups}):
            found = composite_index(row, goalposts=posts, penalty=penalty, **options)
            np.testing.assert_allclose(found, 100, rtol=0, atol=1e-12)
    # and later releases with other units do not move it
    later = composite_index(pd.concat([row, base * 2]), goalposts=posts)
    assert later.loc["reference", "score"] == pytest.approx(100, abs=1e-12)


# ---- gaps


@given(table=tables(cell=cells), weights=weightings, share=st.sampled_from([0.3, 0.5, 0.75, 1.0]))
def test_a_unit_below_the_minimum_of_indicators_has_no_score(table, weights, share):
    base, weighting = varied(table), dict(zip(NAMES, weights, strict=True))
    available = base.notna() @ np.array(weights) / sum(weights)
    for name, rule in RULES.items():
        found = rule(base, weighting, share)
        assert (found.notna() == (available >= share - 1e-12)).all(), name


@settings(max_examples=20)
@given(table=tables(cell=cells))
def test_a_unit_without_values_changes_no_other(table):
    base = varied(table)
    more = pd.concat([base, pd.DataFrame(np.nan, index=["empty"], columns=NAMES)])
    for name, found in normalisations(more, DIRECTIONS).items():
        expected = normalisations(base, DIRECTIONS)[
            name
        ]  # an empty unit is not counted among the ranked ones
        pd.testing.assert_frame_equal(found.loc[base.index], expected, obj=name)
        assert found.loc["empty"].isna().all(), name
    expected = scores(base)
    for name, found in scores(more).items():
        close(found[base.index], expected[name], name)
        assert np.isnan(found["empty"]), name
    ranks = rank_units(scores(more)["arithmetic"])
    assert ranks[base.index].equals(rank_units(expected["arithmetic"]))
    assert pd.isna(ranks["empty"])


@given(table=tables(cell=cells))
def test_a_unit_without_values_changes_no_replication(table):
    base = varied(table)
    more = pd.concat([base, pd.DataFrame(np.nan, index=["empty"], columns=NAMES)])
    results = [
        simulate(
            CompositeModel(
                t,
                DIRECTIONS,
                normalisations=["min_max", "rank"],
                aggregations=["ampi", "geometric"],
                leave_out=0.5,
            ),
            8,
            scale="own",
        )
        for t in (base, more)
    ]
    np.testing.assert_allclose(results[1].scores[:-1], results[0].scores, rtol=1e-9)
    np.testing.assert_array_equal(results[1].ranks[:-1], results[0].ranks)
    assert np.isnan(results[1].scores[-1]).all()


# ---- replications


@given(table=tables(cell=cells), rule=st.sampled_from(["arithmetic", "geometric", "ampi"]))
def test_a_simulation_in_which_nothing_changes_is_the_nominal_index(table, rule):
    base = varied(table)
    same = pd.DataFrame(1.0, index=[*NAMES, "work", "health"], columns=["first", "second"])
    model = CompositeModel(
        base,
        DIRECTIONS,
        groups={name: PARENTS[name] for name in NAMES},
        normalisations=["min_max", Normalisation("min_max", (70, 130))],
        aggregations=[rule, rule],
        weight_choice=same,
        error=dict.fromkeys(NAMES, 0.0),
        treatments={"none": lambda t: t, "also none": lambda t: t},
    )
    nominal = model.nominal.to_numpy()[:, None]
    result = simulate(model, 12)
    assert result.failed == 0
    np.testing.assert_allclose(result.scores, np.broadcast_to(nominal, result.scores.shape), rtol=1e-9)
    once = replay(model, model.nominal_choices())
    np.testing.assert_array_equal(once.scores, nominal)
    # and the nominal index is that of the functions on tables
    normalised = normalise_min_max(base, DIRECTIONS, lower=70, upper=130)
    framework = Framework({name: PARENTS[name] for name in PARENTS})
    close(model.nominal, framework.aggregate(normalised, rule)["index"])


def test_a_simulation_without_any_alternative_is_refused():
    with pytest.raises(InputError, match="something must vary"):
        simulate(CompositeModel(varied(as_table([[1, 2, 3, 4]])), DIRECTIONS))


# ---- odd input is refused by name


@given(table=tables(), which=st.sampled_from(NAMES), constant=st.one_of(values, st.just(np.nan)))
def test_an_indicator_that_does_not_vary_or_is_empty_is_named(table, which, constant):
    flat = varied(table).assign(**{which: constant})
    for step in (
        lambda: normalise_min_max(flat, DIRECTIONS),
        lambda: normalise_z_scores(flat, DIRECTIONS),
        lambda: Goalposts.from_panel(flat, dict.fromkeys(NAMES, 10.0), DIRECTIONS),
        lambda: CompositeModel(flat, DIRECTIONS),
    ):
        with pytest.raises(InputError, match=f"'{which}'"):
            step()


@given(row=st.lists(values, min_size=4, max_size=4))
def test_one_municipality(row):
    one = as_table([row])
    for step in (normalise_min_max, normalise_z_scores, CompositeModel):
        with pytest.raises(InputError, match="vary"):
            step(one, DIRECTIONS)
    assert (
        composite_index(
            one, goalposts=Goalposts.from_panel(varied(one), dict.fromkeys(NAMES, 100.0), DIRECTIONS)
        )
        .notna()
        .all(axis=None)
    )
    assert rank_units(arithmetic_mean(one)).to_list() == [1]
    assert RULES["copeland"](one, None, 0.75).to_list() == [0]
    with pytest.raises(InputError, match="at least two"):
        RULES["taxonomic"](one, None, 0.75)


@pytest.mark.parametrize("direction", ["neutral", "Positive", "", None, 1])
def test_an_unknown_direction_is_refused_everywhere(direction):
    table = varied(as_table([[1, 2, 3, 4]]))
    wrong = DIRECTIONS | {"q": direction}
    for step in (
        lambda: normalise_min_max(table, wrong),
        lambda: normalise_z_scores(table, wrong),
        lambda: normalise_ranks(table, wrong),
        lambda: Goalposts.from_panel(table, table.mean(), wrong),
        lambda: composite_index(table, directions=wrong),
        lambda: CompositeModel(table, wrong),
    ):
        with pytest.raises(UnknownNameError, match="direction of 'q'"):
            step()
