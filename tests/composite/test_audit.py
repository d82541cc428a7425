import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diagnosis.composite.audit import (
    correlate,
    correlate_with_denominators,
    cronbach_alpha,
    effective_weights,
    flag_correlations,
    principal_components,
    redundancy,
)
from diagnosis.composite.influence import leave_one_out, measure_influence
from diagnosis.errors import InputError, UnknownNameError


def random_table(columns="abc", units=40, seed=0):
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(units, len(columns))), columns=list(columns))


@pytest.mark.parametrize(
    ("method", "test"),
    [("pearson", stats.pearsonr), ("spearman", stats.spearmanr), ("kendall", stats.kendalltau)],
)
def test_correlations_use_the_pairs_there_are(method, test):
    table = random_table("ab")
    table.loc[:4, "a"], table.loc[3:8, "b"] = np.nan, np.nan
    row = correlate(table, method=method).iloc[0]
    expected = test(*table.dropna().to_numpy().T)
    assert (row["first"], row["second"], row["units"]) == ("a", "b", 31)
    assert row["correlation"] == pytest.approx(expected.statistic)
    assert row["p_value"] == pytest.approx(expected.pvalue)


def test_correlations_hostile():
    table = random_table("ab").assign(flat=1.0, empty=np.nan)
    pairs = correlate(table).set_index(["first", "second"])
    assert len(pairs) == 6
    assert pairs.loc[("a", "flat"), "correlation"] != pairs.loc[("a", "flat"), "correlation"]
    assert pairs.loc[("a", "empty"), "units"] == 0
    assert correlate(table.iloc[:1])["correlation"].isna().all()
    with pytest.raises(UnknownNameError, match="method"):
        correlate(table, method="spearmen")


def test_flags_by_hand():
    table = random_table("a").assign(
        b=lambda t: t["a"] * 2, c=lambda t: -t["a"], d=random_table("d", seed=1)["d"]
    )
    flagged = flag_correlations(correlate(table))
    assert flagged[["first", "second", "flag"]].to_numpy().tolist() == [
        ["a", "b", "redundant"],
        ["a", "c", "opposed"],
        ["b", "c", "opposed"],
    ]
    within = correlate(table, groups={"a": 1, "b": 1, "c": 2, "d": 2})
    assert within[["first", "second"]].to_numpy().tolist() == [["a", "b"], ["c", "d"]]
    assert flag_correlations(correlate(random_table("ab", 5)), high=0.0, low=-0.01, significance=1e-9).empty
    with pytest.raises(InputError, match="thresholds"):
        flag_correlations(within, high=-0.5, low=0.5)
    size = pd.DataFrame({"people": table["a"] * -5})
    found = correlate_with_denominators(table, size)
    assert found["first"].to_list() == ["a", "b", "c"]


def test_alpha_by_hand():
    same = pd.DataFrame({"a": [1.0, 2, 3], "b": [1.0, 2, 3]})
    assert cronbach_alpha(same) == pytest.approx(1)
    # variances 1 and 4, of the sum 7: 2 (1 - 5/7)
    other = pd.DataFrame({"a": [1.0, 2, 3], "b": [2.0, 6, 4]})
    assert cronbach_alpha(other) == pytest.approx(2 * (1 - 5 / 7))
    for bad in (same[["a"]], same.iloc[:1], pd.DataFrame({"a": [1.0, 2], "b": [2.0, 1]})):
        with pytest.raises(InputError):
            cronbach_alpha(bad)


def test_components_by_hand():
    table = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [2.0, 1, 4, 3]})  # r = 0.6
    found = principal_components(table)
    np.testing.assert_allclose(found["variance"], [1.6, 0.4])
    np.testing.assert_allclose(found["cumulative"], [0.8, 1])
    with pytest.raises(InputError, match="vary"):
        principal_components(table.assign(c=1.0))


def test_effective_weights_by_hand():
    groups = [{"a": "x", "b": "x", "c": "y"}, {"x": "index", "y": "index"}]
    found = effective_weights(groups, {"a": 3, "b": 1, "x": 2, "y": 1})
    np.testing.assert_allclose(found[["a", "b", "c"]], [0.5, 1 / 6, 1 / 3])
    np.testing.assert_allclose(effective_weights(groups[:1]), [0.25, 0.25, 0.5])
    with pytest.raises(InputError, match="level above"):
        effective_weights([groups[0], {"x": "index"}])
    with pytest.raises(InputError, match="weight"):
        effective_weights(groups, {"a": -1})


def test_influence_of_orthogonal_indicators_is_their_squared_correlation():
    columns = np.linalg.qr(random_table("abcd").to_numpy() - random_table("abcd").to_numpy().mean(axis=0))[0]
    table = pd.DataFrame(columns, columns=list("abcd"))
    found = measure_influence(table, table @ [3.0, 2, 1, 0])
    np.testing.assert_allclose(found["share"], [9 / 14, 4 / 14, 1 / 14, 0], atol=1e-8)
    np.testing.assert_allclose(found["r_squared"], found["share"], atol=1e-8)


def test_influence_is_shared_by_copies_and_groups():
    table = random_table("ab").assign(c=lambda t: t["a"])
    score = table["a"] * 2 + table["b"]
    found = measure_influence(table, score)
    assert found["share"].sum() == pytest.approx(1, abs=1e-6)
    assert found.loc["a", "share"] == pytest.approx(found.loc["c", "share"], abs=1e-6)
    grouped = measure_influence(table, score, groups={"a": "x", "c": "x", "b": "y"})
    alone = measure_influence(table[["a", "b"]], score)
    np.testing.assert_allclose(grouped["share"], alone["share"], atol=1e-6)


def test_influence_sampled_agrees_with_exact(monkeypatch):
    mixing = np.random.default_rng(1).normal(size=(8, 8))
    table = pd.DataFrame(random_table("abcdefgh", 200).to_numpy() @ mixing, columns=list("abcdefgh"))
    score = table.mean(axis=1) + random_table("e", 200, 3)["e"]
    exact = measure_influence(table, score)
    regression = (
        np.corrcoef(score, table @ np.linalg.lstsq(table - table.mean(), score, rcond=None)[0])[0, 1] ** 2
    )
    assert exact["share"].sum() == pytest.approx(regression)
    groups = dict(zip("abcdefgh", "xxyyyzzz", strict=True))
    exact_groups = measure_influence(table, score, groups=groups)
    monkeypatch.setattr("diagnosis.composite.influence.EXACT_PLAYERS", 2)
    sampled = measure_influence(table, score, orders=600)
    assert sampled["share"].sum() == pytest.approx(regression)
    assert ((sampled["share"] - exact["share"]).abs() <= 5 * sampled["standard_error"] + 1e-9).all()
    assert (sampled["standard_error"] < 0.02).all()
    sampled_groups = measure_influence(table, score, groups=groups, orders=600)
    np.testing.assert_allclose(sampled_groups["share"], exact_groups["share"], atol=0.03)


def test_influence_hostile():
    table = random_table("ab")
    score = table.sum(axis=1)
    with pytest.raises(InputError, match="vary"):
        measure_influence(table.assign(c=1.0), score)
    with pytest.raises(InputError, match="vary"):
        measure_influence(table, score * 0)
    with pytest.raises(InputError, match="units with every indicator"):
        measure_influence(table.assign(c=np.nan), score)
    with pytest.raises(InputError, match="units with every indicator"):
        measure_influence(table.iloc[:1], score)
    with pytest.raises(InputError, match="group"):
        measure_influence(table, score, groups={"a": 1})


def test_leave_one_out_by_hand():
    table = pd.DataFrame({"a": [1.0, 2, 3], "b": [0.0, 0, 0.5], "c": [9.0, 5, 1]}, index=list("xyz"))
    found = leave_one_out(table, lambda part: part.sum(axis=1))  # 10, 7, 4.5; without c 1, 2, 3.5
    assert next(iter(found.index)) == "c"
    assert found.loc["c", "mean_absolute_shift"] == pytest.approx(4 / 3)
    assert found.loc["c", "largest_shift"] == 2
    assert found.loc["c", "spearman"] == pytest.approx(-1)
    assert found.loc["b", "mean_absolute_shift"] == 0
    grouped = leave_one_out(table, lambda part: part.sum(axis=1), groups={"a": 1, "b": 1, "c": 2})
    assert set(grouped.index) == {1, 2}
    lost = leave_one_out(table, lambda part: part.sum(axis=1).where(("a" in part) | (part.index != "x")))
    assert lost["units_lost"].to_dict() == {"a": 1, "b": 0, "c": 0}
    with pytest.raises(InputError, match="at least two"):
        leave_one_out(table[["a"]], lambda part: part.sum(axis=1))


def test_redundancy_by_hand():
    table = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [2.0, 1, 4, 3]})
    found = redundancy(table)
    np.testing.assert_allclose(found["r_squared"], 0.36, atol=1e-8)
    np.testing.assert_allclose(found["vif"], 1 / 0.64, atol=1e-8)
    assert found["nearest"].to_list() == ["b", "a"]
    copies = redundancy(random_table("ab").assign(c=lambda t: -t["a"]))
    assert np.isinf(copies.loc[["a", "c"], "vif"]).all()
    assert copies.loc["a", "nearest"] == "c"
    assert copies.loc["a", "correlation"] == pytest.approx(-1)
    with pytest.raises(InputError, match="two indicators"):
        redundancy(table[["a"]])


@given(st.integers(0, 10_000))
def test_shares_are_never_negative_and_do_not_see_the_unit(seed):
    table = random_table("abcd", 12, seed)
    score = table.mean(axis=1)
    found = measure_influence(table, score)
    assert (found["share"] > -1e-9).all()
    assert found["share"].sum() == pytest.approx(1, abs=1e-6)
    turned = measure_influence(table.iloc[::-1, ::-1] * 1000 + 5, score)
    np.testing.assert_allclose(turned.loc[found.index, "share"], found["share"], atol=1e-6)
