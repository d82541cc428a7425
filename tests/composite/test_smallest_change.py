import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from diagnosis.composite import Goalposts, ampi, geometric_mean, normalise_ampi, normalise_min_max, rank_units
from diagnosis.composite.nearest_point import Reach
from diagnosis.composite.scaling import normalise_goalposts
from diagnosis.composite.smallest_change import ARITHMETIC_ONLY, MARGIN, ampi_threshold, find_smallest_change
from diagnosis.errors import InputError, UnknownNameError

RULES = ("ampi-", "ampi+", "arithmetic", "geometric")


def identity(rows, columns="abc", index=None):
    """Values that are already normalised."""
    table = pd.DataFrame(rows, columns=list(columns), index=index or [f"u{n}" for n in range(len(rows))])
    return {"values": table.astype(float), "normalised": table.astype(float)}


def score(rule, weights, point):
    mean, square = weights @ point, weights @ point**2
    return {
        "ampi-": 2 * mean - square / mean,
        "ampi+": square / mean,
        "arithmetic": mean,
        "geometric": np.exp(weights @ np.log(np.maximum(point, 1e-9))),
    }[rule]


def test_arithmetic_by_hand():
    given_ = identity([(60, 80, 100), (120, 120, 120), (50, 60, 70)])
    found = find_smallest_change(**given_, unit="u0", target=90, method="arithmetic")
    # ten points of the mean are thirty of the sum, spread evenly: ten each
    np.testing.assert_allclose(found.table["change"], 10)
    np.testing.assert_allclose(found.table["value_needed"], [70, 90, 110])
    np.testing.assert_allclose(found.table["change_percent"], [100 / 6, 12.5, 10])
    np.testing.assert_allclose(found.table["alone_change"].to_numpy(), [30, 30, np.nan])  # c: 130, beyond 120
    assert found.length == pytest.approx(np.sqrt(300))
    assert (found.score, found.target, found.best_score) == pytest.approx((80, 90, 120))
    assert found.score_needed == pytest.approx(90)
    assert found.reached
    assert (found.rank, found.rank_needed) == (2, 2)
    assert found.remark == ARITHMETIC_ONLY
    assert found.table["helps"].all()
    assert not found.table["at_limit"].any()


def test_limits_and_difficulty_by_hand():
    given_ = identity([(60, 80, 100), (120, 120, 120), (50, 60, 70)])
    call = {**given_, "unit": "u0", "target": 90, "method": "arithmetic"}
    capped = find_smallest_change(**call, limits={"a": 65})
    np.testing.assert_allclose(capped.table["change"], [5, 12.5, 12.5])
    assert capped.table["at_limit"].to_list() == [True, False, False]
    assert capped.table["alone_change"].isna().to_list() == [True, False, True]
    hard = find_smallest_change(**call, difficulty={"c": 2})  # moves by weight over difficulty
    np.testing.assert_allclose(hard.table["change"], [12, 12, 6])
    assert hard.length == pytest.approx(np.sqrt(144 + 144 + 2 * 36))
    only = find_smallest_change(**call, movable=["b"])
    np.testing.assert_allclose(only.table["change"], [0, 30, 0])
    assert only.table["movable"].to_list() == [False, True, False]
    assert only.table["alone_change"].isna().to_list() == [True, False, True]
    heavy = find_smallest_change(
        **call, weights={"a": 2, "b": 1, "c": 1}
    )  # 75 now; 15 = (2 x 2k + k + k) / 4
    np.testing.assert_allclose(heavy.table["change"], [20, 10, 10])
    beyond = find_smallest_change(
        **call, limits={"a": 40, "b": 500, "c": 500}
    )  # the unit is past its limit: stays
    np.testing.assert_allclose(beyond.table["change"], [0, 15, 15], atol=1e-9)


def test_ampi_by_hand():
    # (90, 110): M 100, S2 100, score 99; T = 100 + 10100 / 200 = 150.5, so both still help
    given_ = identity([(90, 110), (130, 130)], "ab")
    found = find_smallest_change(**given_, unit="u0", target=99, movable=["a"])
    assert found.length == 0
    found = find_smallest_change(**given_, unit="u0", target=110, movable=["a"])
    np.testing.assert_allclose(found.table["value_needed"], [110, 110])  # even: no penalty is left
    np.testing.assert_allclose(found.table["alone_change"].to_numpy(), [20, np.nan])
    assert found.score_needed == pytest.approx(110)


def test_the_score_falls_beyond_the_threshold():
    # (100, 100, 190): M 130, Q 18700, so T = 130 + 18700 / 260; and M (3 + cv**2) / 2 with cv**2 = 1800 / 16900
    threshold = ampi_threshold(identity([(100, 100, 190)])["normalised"])["u0"]
    assert threshold == pytest.approx(130 + 18700 / 260)
    assert threshold == pytest.approx(65 * (3 + 18 / 169))
    far = identity([(100, 100, 240), (90, 200, 260), (95, 95, 150)])
    assert ampi_threshold(far["normalised"])["u0"] < 240
    found = find_smallest_change(**far, unit="u0", target=ampi(far["normalised"])["score"]["u0"] + 5)
    assert found.reached
    assert found.table["helps"].to_list() == [True, True, False]
    assert found.table["change"]["c"] == 0
    assert np.isnan(found.table["alone_change"]["c"])
    worse = find_smallest_change(**far, unit="u0", target=found.target, may_worsen=True, limits={"c": 260})
    assert worse.table["change"]["c"] < 0
    assert worse.length < found.length


def test_more_than_half_of_the_weight_must_move_to_reach_any_score():
    given_ = identity([(100, 100, 100), (90, 90, 90)])
    far = dict.fromkeys("abc", 1e6)
    one = find_smallest_change(**given_, unit="u0", target=150, movable=["a"], limits=far)
    assert not one.reached
    # one third at x, the rest at 100: the best is where x is its own threshold
    x = one.table["value_needed"]["a"]
    weights, point = np.full(3, 1 / 3), np.array([x, 100, 100])
    assert x == pytest.approx(weights @ point + weights @ point**2 / (2 * weights @ point))
    assert not one.table["at_limit"]["a"]
    two = find_smallest_change(**given_, unit="u0", target=150, movable=["a", "b"], limits=far)
    assert two.reached


def test_out_of_reach_is_an_answer():
    given_ = identity([(60, 80, 100), (120, 120, 120)])
    found = find_smallest_change(**given_, unit="u0", target=121, method="arithmetic")
    assert not found.reached
    assert found.best_score == found.score_needed == 120
    np.testing.assert_allclose(found.table["value_needed"], 120)
    assert found.table["at_limit"].all()
    assert found.table["alone_change"].isna().all()
    edge = find_smallest_change(**given_, unit="u0", target=120)
    assert edge.reached
    np.testing.assert_allclose(edge.table["value_needed"], 120)


def test_ranks_by_hand():
    given_ = identity([(60, 60), (70, 70), (80, 80), (80, 80), (np.nan, np.nan)], "ab")
    call = {**given_, "unit": "u0", "method": "arithmetic"}
    third = find_smallest_change(**call, rank=3)
    assert third.target == 70 + MARGIN
    assert (third.rank, third.rank_needed, third.reached) == (4, 3, True)
    second = find_smallest_change(**call, rank=2)  # the two at 80 are both first: to be second is to be first
    assert second.target == 80 + MARGIN
    assert not second.reached
    assert second.rank_needed == 1  # the best reachable, 80, shares the first place
    assert find_smallest_change(**call, rank=2, limits={"a": 90}).rank_needed == 1
    assert find_smallest_change(**call, rank=4).length == 0
    assert find_smallest_change(**{**call, "unit": "u2"}, rank=1).length == 0
    for rank in (0, 5, 1.5, True, "first"):
        with pytest.raises(InputError, match="1 to 4"):
            find_smallest_change(**call, rank=rank)


def test_lower_is_better_with_the_plus_penalty():
    given_ = identity([(110, 120, 130), (80, 80, 80), (90, 100, 90)])
    found = find_smallest_change(**given_, unit="u0", rank=2, penalty="+")
    assert found.reached
    assert (found.rank, found.rank_needed) == (3, 2)
    assert found.target == pytest.approx(ampi(given_["normalised"], "+")["score"]["u2"] - MARGIN)
    assert found.score_needed == pytest.approx(found.target, abs=1e-8)
    assert (found.table["change"] <= 0).all()
    assert ampi_threshold(given_["normalised"], penalty="+")["u0"] == pytest.approx(
        ampi(given_["normalised"], "+")["score"]["u0"] / 2
    )


def test_goalposts_units_and_domains():
    values = pd.DataFrame(
        {"p": [10.0, 20, 30], "q": [5.0, 3, 1], "other": [1.0, 5, 2]}, index=["001", "002", "003"]
    )
    directions = {"p": "positive", "q": "negative", "other": "positive"}
    posts = Goalposts.from_panel(values, values.mean(), directions)
    groups = {"p": "x", "q": "x", "other": "y"}
    call = {"unit": "001", "target": 95, "goalposts": posts, "groups": groups, "domain": "x"}
    found = find_smallest_change(values, **call)
    assert list(found.table.index) == ["p", "q"]
    assert found.table["change"]["p"] == pytest.approx(25 / 60 * 20)  # both from 70 to 95
    assert found.table["change"]["q"] == pytest.approx(-25 / 60 * 4)
    again = values.copy()
    again.loc["001", found.table.index] = found.table["value_needed"]
    assert ampi(normalise_ampi(again[["p", "q"]], posts))["score"]["001"] == pytest.approx(95)
    given_ = find_smallest_change(
        values, **{**call, "goalposts": None}, normalised=normalise_ampi(values, posts)
    )
    pd.testing.assert_frame_equal(given_.table, found.table)
    at_posts = find_smallest_change(values, **{**call, "target": 131}, limits="goalposts")
    assert at_posts.best_score == pytest.approx(130)
    with pytest.raises(UnknownNameError, match="domain"):
        find_smallest_change(values, **{**call, "domain": "z"})
    with pytest.raises(InputError, match="together"):
        find_smallest_change(values, **{**call, "domain": None})


def test_missing_and_flat_indicators_do_not_move():
    values = pd.DataFrame(
        {"a": [80.0, 120], "b": [90.0, 110], "c": [np.nan, 100], "d": [7.0, 7], "e": [50.0, 130]}
    )
    normalised = values.assign(d=100.0)
    call = {"normalised": normalised, "weights": {"a": 1, "b": 1, "c": 1, "d": 1, "e": 0}}
    found = find_smallest_change(values, 0, target=95, method="arithmetic", minimum_share=0.5, **call)
    np.testing.assert_allclose(found.table["weight"], [1 / 3, 1 / 3, 0, 1 / 3, 0])
    assert found.table["movable"].to_list() == [True, True, False, False, False]
    np.testing.assert_allclose(found.table["change"].to_numpy(), [7.5, 7.5, np.nan, 0, 0])
    assert found.score_needed == pytest.approx(95)
    with pytest.raises(InputError, match="'c'"):
        find_smallest_change(values, 0, target=95, minimum_share=0.5, movable=["c"], **call)
    with pytest.raises(InputError, match="score"):
        find_smallest_change(values, 0, target=95, minimum_share=1, **call)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"unit": "u9"}, UnknownNameError, "unit"),
        ({"method": "harmonic"}, UnknownNameError, "method"),
        ({"penalty": "minus"}, UnknownNameError, "penalty"),
        ({"movable": ["A1"]}, UnknownNameError, "movable"),
        ({"limits": "best"}, UnknownNameError, "limits"),
        ({"limits": {"z": 1}}, UnknownNameError, "limit"),
        ({"limits": {"a": np.inf}}, InputError, "finite"),
        ({"limits": "goalposts"}, InputError, "goalposts"),
        ({"difficulty": {"z": 1}}, UnknownNameError, "difficulty"),
        ({"difficulty": {"a": 0}}, InputError, "above 0"),
        ({"difficulty": {"a": "hard"}}, InputError, "above 0"),
        ({"target": None}, InputError, "either"),
        ({"rank": 1}, InputError, "either"),
        ({"target": np.nan}, InputError, "finite"),
        ({"target": "high"}, InputError, "finite"),
        ({"normalised": None}, InputError, "neither"),
        ({"weights": {"a": 1}}, InputError, "weight"),
    ],
)
def test_bad_parameters_are_told(change, error, words):
    call = {**identity([(60, 80, 100), (120, 120, 120)]), "unit": "u0", "target": 90} | change
    with pytest.raises(error, match=words):
        find_smallest_change(**call)


def test_bad_tables_are_told():
    given_ = identity([(60, 80, 100), (120, 120, 120), (70, 90, 115)])
    values, call = given_["values"], {"unit": "u0", "target": 90}
    ranks = values.rank()
    bent = normalise_goalposts(
        values, dict.fromkeys("abc", "positive"), dict.fromkeys("abc", 0), {**dict.fromkeys("abc", 100)}
    )
    for wrong in (np.exp(values / 30), bent):
        with pytest.raises(InputError, match="linear"):
            find_smallest_change(values, normalised=wrong, **call)
    with pytest.raises(InputError, match="rows"):
        find_smallest_change(values, normalised=ranks.iloc[::-1], **call)
    with pytest.raises(InputError, match="column"):
        find_smallest_change(values, normalised=values[["a"]], **call)
    with pytest.raises(InputError, match="missing"):
        find_smallest_change(values.mask(values == 120), normalised=values, **call)
    twice = pd.concat([values, values.iloc[:1]])
    with pytest.raises(InputError, match="one row"):
        find_smallest_change(twice, normalised=twice, **call)
    with pytest.raises(InputError, match="above 0"):
        find_smallest_change(values, normalised=values - 1000, **call)
    low = normalise_min_max(values, dict.fromkeys("abc", "positive"))
    with pytest.raises(InputError, match="above 0"):
        find_smallest_change(values, normalised=low, method="geometric", **call)


normal = st.floats(60, 140)
weight = st.floats(0.2, 3)


@st.composite
def problems(draw):
    n = draw(st.integers(1, 6))

    def numbers(strategy):
        return np.array(draw(st.lists(strategy, min_size=n, max_size=n)))

    rule, now, weights = draw(st.sampled_from(RULES)), numbers(normal), numbers(weight)
    gain, loss, moves = numbers(st.floats(0, 150)), numbers(st.floats(0, 40)), numbers(st.booleans())
    loss *= draw(st.booleans())
    if rule == "ampi+":
        gain, loss = numbers(st.floats(0, 50)), gain * (loss > 0)
        lowest, highest = now - gain * moves, now + loss * moves
    else:
        lowest, highest = now - loss * moves, now + gain * moves
    weights /= weights.sum()
    reach = Reach(rule, now, weights, numbers(weight), lowest, highest)
    return reach, draw(st.floats(0.01, 1.2))


def gradient(reach, point):
    """Slopes of the score for the better."""
    mean, square = reach.weights @ point, reach.weights @ point**2
    return {
        "ampi-": reach.weights * (2 + square / mean**2 - 2 * point / mean),
        "ampi+": -reach.weights * (2 * point / mean - square / mean**2),
        "arithmetic": reach.weights,
        "geometric": reach.weights * score("geometric", reach.weights, point) / point,
    }[reach.rule]


@given(problems(), st.integers(0, 2**32 - 1))
def test_nearest_point_is_the_nearest(problem, seed):
    reach, part = problem
    sign = -1 if reach.rule == "ampi+" else 1
    start = score(reach.rule, reach.weights, reach.now)
    best = reach.find_best()
    end = score(reach.rule, reach.weights, best)
    random = np.random.default_rng(seed)
    anywhere = random.uniform(reach.lowest, reach.highest, (2000, len(reach.now)))
    scores = np.array([score(reach.rule, reach.weights, point) for point in anywhere[:500]])
    assert (sign * scores <= sign * end + 1e-9).all()
    assume(sign * (end - start) > 1e-3)
    target = start + part * (end - start)
    found = reach.find_nearest(target)
    if part > 1:
        assert found is None
        return
    assert (found >= reach.lowest).all()
    assert (found <= reach.highest).all()
    assert score(reach.rule, reach.weights, found) == pytest.approx(target, abs=1e-8)
    # no nearer point reaches it: neither at random in the limits, nor close to the one found
    length = reach.difficulty @ (found - reach.now) ** 2
    near = np.clip(found + random.normal(0, 0.3, (1000, len(found))), reach.lowest, reach.highest)
    tried = np.vstack([anywhere[500:1500], near, reach.now + (found - reach.now) * 0.999])
    nearer = tried[(tried - reach.now) ** 2 @ reach.difficulty < length - 1e-7]
    assert all(sign * score(reach.rule, reach.weights, point) < sign * target for point in nearer)
    # the conditions of Karush, Kuhn and Tucker: one multiplier for every indicator within its limits
    inside = (found > reach.lowest + 1e-6) & (found < reach.highest - 1e-6)
    if inside.any() and part < 0.99:
        pull = 2 * (reach.difficulty * (found - reach.now))[inside]
        slope = gradient(reach, found)[inside]
        multiplier = pull @ slope / (slope @ slope)
        np.testing.assert_allclose(pull, multiplier * slope, atol=1e-4 * (1 + multiplier))


@given(problems())
def test_alone_agrees_with_moving_one(problem):
    reach, part = problem
    sign = -1 if reach.rule == "ampi+" else 1
    start = score(reach.rule, reach.weights, reach.now)
    target = start + part * (score(reach.rule, reach.weights, reach.find_best()) - start)
    assume(sign * (target - start) > 1e-3)
    alone = reach.move_alone(target)
    for position in range(len(alone)):
        fixed = np.arange(len(alone)) != position
        single = Reach(
            reach.rule,
            reach.now,
            reach.weights,
            reach.difficulty,
            np.where(fixed, reach.now, reach.lowest),
            np.where(fixed, reach.now, reach.highest),
        )
        most = score(reach.rule, reach.weights, single.find_best())
        if abs(most - target) < 1e-6:  # which side of the edge is a matter of rounding
            continue
        found = single.find_nearest(target)
        if sign * (most - target) < 0:
            assert found is None
            assert np.isnan(alone[position])
        else:
            assert found[position] == pytest.approx(alone[position], rel=1e-6)


@given(st.lists(normal, min_size=2, max_size=6), st.data(), st.sampled_from("-+"))
def test_threshold_is_where_the_slope_turns(row, data, penalty):
    weights = np.array(data.draw(st.lists(weight, min_size=len(row), max_size=len(row))))
    table = pd.DataFrame([row])
    threshold = ampi_threshold(table, dict(enumerate(weights)), penalty).iloc[0]
    turn = 1 if penalty == "-" else -1
    for column in table:
        assume(abs(row[column] - threshold) > 0.5)
        both = pd.concat([table, table])
        both.iloc[0, column] -= 1e-3
        both.iloc[1, column] += 1e-3
        low, high = ampi(both, penalty, dict(enumerate(weights)))["score"]
        assert np.sign(high - low) == turn * np.sign(threshold - row[column])


@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(1, 8), st.sampled_from("-+"))
def test_the_change_gives_the_rank_and_units_do_not_matter(seed, columns, rank, penalty):
    random = np.random.default_rng(seed)
    values = pd.DataFrame(random.normal(50, 8, (8, columns))).rename(columns="i{}".format)
    directions = dict(zip(values, random.choice(["positive", "negative"], columns), strict=True))
    posts = Goalposts.from_panel(values, values.mean(), directions)
    found = find_smallest_change(values, 3, rank=rank, goalposts=posts, penalty=penalty)
    changed = values.copy()
    changed.loc[3] = found.table["value_needed"].to_numpy()
    scores = ampi(normalise_ampi(changed, posts), penalty)["score"]
    assert scores[3] == pytest.approx(found.score_needed, abs=1e-8)
    assert rank_units(scores, ascending=penalty == "+")[3] == found.rank_needed
    if found.reached:
        assert found.rank_needed <= rank
    improvement = found.table["change"] * pd.Series(directions).map({"positive": 1, "negative": -1})
    assert (improvement * (1 if penalty == "-" else -1) >= -1e-12).all()

    scaled = values * 1000 - 7
    other = find_smallest_change(
        scaled,
        3,
        rank=rank,
        penalty=penalty,
        goalposts=Goalposts.from_panel(scaled, scaled.mean(), directions),
    )
    assert other.length == pytest.approx(found.length, abs=1e-6)
    np.testing.assert_allclose(other.table["change"], 1000 * found.table["change"], atol=1e-4)
    turned = find_smallest_change(values.iloc[::-1, ::-1], 3, rank=rank, goalposts=posts, penalty=penalty)
    pd.testing.assert_frame_equal(turned.table.iloc[::-1], found.table, rtol=1e-6, atol=1e-6)


def test_geometric_reaches_its_target():
    given_ = identity([(60, 80, 100), (120, 120, 120), (50, 60, 70)])
    found = find_smallest_change(**given_, unit="u0", target=90, method="geometric")
    row = found.table[["value_needed"]].T
    assert geometric_mean(row).iloc[0] == pytest.approx(90, abs=1e-9)
    assert found.table["change"].is_monotonic_decreasing  # the lowest gains most
