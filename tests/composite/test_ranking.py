import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.composite.ranking import (
    compare_ranks,
    find_strengths,
    rank_units,
    summarise_comparison,
    summarise_unit,
)
from diagnosis.errors import InputError, UnknownNameError

SCORES = pd.Series([10.0, 30, 30, np.nan, 20], index=list("abcde"), name="index")


def test_ranks_by_hand():
    ranks = rank_units(SCORES)
    assert ranks.name == "index"
    assert ranks.dropna().to_dict() == {"a": 4, "b": 1, "c": 1, "e": 3}
    assert pd.isna(ranks["d"])
    assert rank_units(SCORES, ascending=True).dropna().to_dict() == {"a": 1, "b": 3, "c": 3, "e": 2}


def test_ranks_within_groups():
    ranks = rank_units(SCORES, groups={"a": "x", "b": "x", "e": "y", "d": "y"})
    assert ranks.dropna().to_dict() == {"a": 2, "b": 1, "e": 1}  # c has no group, d no score
    with pytest.raises(InputError, match="groups must hold"):
        rank_units(SCORES, groups={"z": 1})


def test_hostile_scores():
    assert rank_units(pd.Series([5.0], index=["only"])).to_list() == [1]
    assert rank_units(pd.Series([np.nan, np.nan], index=["a", "b"])).isna().all()
    with pytest.raises(InputError, match="one row"):
        rank_units(pd.Series([1.0, 2.0], index=["a", "a"]))
    with pytest.raises(InputError, match="numbers"):
        rank_units(pd.Series(["x"], index=["a"]))


def test_unit_summary_by_hand():
    table = pd.DataFrame({"one": SCORES, "two": [1.0, 2, 3, 4, 5]})
    found = summarise_unit(table, "e")
    assert found["score"].to_list() == [20, 5]
    assert found["rank"].to_list() == [3, 1]
    assert found["ranked"].to_list() == [4, 5]
    with pytest.raises(UnknownNameError, match="unit"):
        summarise_unit(table, "z")


def test_strengths_by_hand():
    table = pd.DataFrame(
        {"p": [1.0, 2, 3], "q": [1.0, 2, 3], "r": [3.0, 2, 1], "s": [2.0, 1, 3], "t": [np.nan, 1, 2]},
        index=list("abc"),
    )
    directions = {"p": "positive", "q": "negative", "r": "positive", "s": "positive", "t": "positive"}
    found = find_strengths(table, "a", directions, count=1)
    assert found["indicator"].to_list() == ["r", "p"]  # q and r are both first: the later column
    assert found["side"].to_list() == ["strength", "weakness"]
    assert found["rank"].to_list() == [1, 3]
    assert found["value"].to_list() == [3, 1]
    every = find_strengths(table, "a", directions, count=5)
    assert sorted(every["indicator"]) == list("pqrs")  # none twice, and not the one without a value
    within = find_strengths(table, "a", directions, count=5, groups={"a": 1, "b": 1, "c": 2})
    assert within.set_index("indicator")["rank"].to_dict() == {"p": 2, "q": 1, "r": 1, "s": 1}
    with pytest.raises(UnknownNameError, match="direction"):
        find_strengths(table, "a", directions | {"p": "neutral"})
    with pytest.raises(InputError, match="count"):
        find_strengths(table, "a", directions, count=0)
    with pytest.raises(InputError, match="group"):
        find_strengths(table, "a", directions, groups={"b": 1})


def test_comparison_by_hand():
    second = pd.Series({"a": 5.0, "b": 4, "f": 3, "e": 1})
    shifts = compare_ranks(SCORES, second)
    assert list(shifts.index) == ["a", "b", "c", "d", "e", "f"]
    assert shifts.loc["a"].to_list() == [4, 1, 3, 3]
    assert shifts["shift"].isna().to_list() == [False, False, True, True, False, True]
    summary = summarise_comparison(SCORES, second)  # a, b, e: ranks 3, 1, 2 and 1, 2, 3
    assert summary["units"] == 3
    assert summary["mean_absolute_shift"] == pytest.approx(4 / 3)
    assert summary["largest_shift"] == 2
    assert summary["unchanged"] == 0
    assert summary["spearman"] == pytest.approx(-0.5)
    assert summary["kendall"] == pytest.approx(-1 / 3)
    assert summarise_comparison(SCORES, pd.Series({"a": 1.0}))[["pearson", "kendall"]].isna().all()


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=12))
def test_ranks_depend_on_order_only(values):
    scores = pd.Series(values, dtype=float)
    ranks = rank_units(scores)
    assert ranks.tolist() == [1 + sum(other > value for other in values) for value in values]
    pd.testing.assert_series_equal(rank_units(scores * 3 - 7), ranks)
    pd.testing.assert_series_equal(rank_units(scores.iloc[::-1]).iloc[::-1], ranks)
