import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.areas.agreement import agreement, differences
from diagnosis.errors import InputError

A = pd.Series([1, 1, 1, 2, 2, None], index=list("abcdef"), dtype="Int64")
B = pd.Series(["x", "x", "y", "y", "y", "y", "z"], index=list("abcdefg"))


def test_by_hand():
    result = agreement(A, B, pd.Series([10, 1, 50, 3, 4, 99], index=list("abcdef")))
    assert result["n_areas_a"] == result["n_areas_b"] == 2
    assert result["municipalities_compared"] == 5
    assert result["municipalities_not_compared"] == 2
    assert result["municipalities_differing"] == 1  # c
    assert result["municipalities_differing_share"] == 0.2
    assert result["residents_compared"] == 68
    assert (
        result["residents_differing"] == 18
    )  # by residents area 1 is matched with y: c stays, a b d e differ
    # pairs together: 4 in a, 4 in b, 2 in both, of 10
    assert result["adjusted_rand"] == pytest.approx((2 - 1.6) / (4 - 1.6))


def test_homogeneity_says_who_divides_whom():
    result = agreement(pd.Series([1, 1, 2, 2]), pd.Series([1, 2, 3, 3]))
    assert result["completeness"] == pytest.approx(1)  # no area of b is divided by a
    assert result["homogeneity"] == pytest.approx(
        2 / 3
    )  # b divides area 1: 1.5 bits, of which 0.5 within areas of a


def test_differences_by_hand():
    table = differences(A, B)
    assert table.index.tolist() == ["c"]
    assert table.index.name == "code"
    assert table.loc["c"].tolist() == [1, "y", "x", 2]
    residents = pd.Series([10, 1, 50, 3, 4, 99], index=list("abcdef"))
    table = differences(A, B, residents, names={"a": "Alba", "b": "Bra"})
    assert table.columns.tolist() == ["name", "area_a", "area_b", "match_of_a", "match_of_b", "residents"]
    assert table.index.tolist() == ["a", "b", "d", "e"]
    assert table.loc["a"].tolist()[:4] == ["Alba", 1, "x", "y"]
    assert pd.isna(table.loc["a", "match_of_b"])  # area 2 shares no residents with x
    assert table["residents"].tolist() == [10, 1, 3, 4]
    assert table["area_a"].dtype == "Int64"


def test_equal_partitions_have_no_differences():
    assert differences(A, A.map({1: "p", 2: "q"}), names=pd.Series({"a": "Alba"})).empty


def test_population_gaps_are_counted():
    result = agreement(A, B, pd.Series({"a": 5.0, "b": None}))
    assert result["municipalities_without_population"] == 4
    assert result["residents_compared"] == 5
    assert result["residents_differing"] == 0


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=12),
    st.permutations(range(4)),
)
def test_names_of_areas_play_no_part(pairs, names):
    a, b = (pd.Series(list(column)) for column in zip(*pairs, strict=True))
    weight = pd.Series(range(len(a)), dtype="float64")
    renamed = agreement(a.map(lambda area: f"area {names[area]}"), b, weight)
    pd.testing.assert_series_equal(agreement(a, b, weight), renamed)
    itself = agreement(a, a)
    assert itself["adjusted_rand"] == pytest.approx(1)
    assert itself["municipalities_differing"] == 0


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=12),
    st.permutations(range(4)),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_differences_hang_on_members_alone(pairs, names, random, weighted):
    a, b = (pd.Series(list(column)) for column in zip(*pairs, strict=True))
    population = pd.Series([5.0, 0, 7, 7] * 3)[: len(a)] if weighted else None
    table = differences(a, b, population)
    order = random.sample(range(len(a)), len(a))
    renamed = differences(a.map(lambda area: f"area {names[area]}").iloc[order], b, population)
    assert renamed.index.tolist() == table.index.tolist()
    assert renamed["area_a"].tolist() == [f"area {names[area]}" for area in table["area_a"]]
    assert renamed["match_of_a"].equals(table["match_of_a"])
    assert (table["area_b"] != table["match_of_a"].fillna(-1)).all()
    counted = agreement(a, b, population)
    assert weighted or len(table) == counted["municipalities_differing"]
    assert not weighted or table["residents"].sum() == counted["residents_differing"]


def test_wrong_population_is_told():
    with pytest.raises(InputError, match="list was given"):
        differences(A, B, [1, 2])
    with pytest.raises(InputError, match="repeated: 'a'"):
        agreement(A, B, pd.Series([1, 2], index=["a", "a"]))
    with pytest.raises(InputError, match="at least 0"):
        agreement(A, B, pd.Series([-1.0, 2], index=["a", "b"]))
    with pytest.raises(InputError, match="found 'many'"):
        agreement(A, B, pd.Series(["many", "2"], index=["a", "b"]))


def test_nothing_in_common_or_repeated_codes():
    with pytest.raises(InputError, match="must share codes"):
        agreement(A, B.rename(str.upper))
    with pytest.raises(InputError, match="repeated, for instance 'a'"):
        agreement(A, pd.Series([1, 2], index=["a", "a"]))
    with pytest.raises(InputError, match="list was given"):
        agreement(A, [1, 2])
