import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.areas import agreement
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


def test_nothing_in_common_or_repeated_codes():
    with pytest.raises(InputError, match="must share codes"):
        agreement(A, B.rename(str.upper))
    with pytest.raises(InputError, match="repeated, for instance 'a'"):
        agreement(A, pd.Series([1, 2], index=["a", "a"]))
    with pytest.raises(InputError, match="list was given"):
        agreement(A, [1, 2])
