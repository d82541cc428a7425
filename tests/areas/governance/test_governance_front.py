import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.areas.governance.front import find_front, recommend
from diagnosis.errors import InputError

TABLE = pd.DataFrame(
    {
        "areas": [2, 3, 4, 4],
        "interaction": [0.5, 0.6, 0.4, 0.4],
        "longest_minutes": [60.0, 40.0, 30.0, 30.0],
    },
    index=["a", "b", "c", "d"],
)


def test_beaten_and_equal_alternatives_are_not_on_the_front():
    assert find_front(TABLE).to_dict() == {"a": False, "b": True, "c": True, "d": False}


def test_the_largest_interaction_is_recommended_unless_one_almost_as_good_keeps_more_inside():
    table = pd.DataFrame(
        {"areas": [1, 2, 3], "interaction": [0.90, 0.96, 1.0], "internal_share": [0.9, 0.8, 0.7]},
        index=["a", "b", "c"],
    )
    assert recommend(table) == ("b", "internal_share")
    assert recommend(table, tolerance=0.0) == ("c", "interaction")
    assert recommend(table, tolerance=0.1) == ("a", "internal_share")
    assert recommend(table.drop(columns="internal_share")) == ("c", "interaction")
    assert recommend(table.assign(internal_share=0.7)) == ("c", "interaction")


def test_a_missing_value_is_the_worst_and_an_empty_criterion_is_left_out():
    table = TABLE.assign(longest_minutes=[np.nan, 40.0, np.nan, 50.0], smallest_population=np.nan)
    assert find_front(table).tolist() == [False, True, False, True]
    assert recommend(TABLE[["interaction"]].iloc[:1]) == ("a", "interaction")


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(InputError, match="column"):
        find_front(TABLE, {"beauty": 1})
    with pytest.raises(InputError, match="criterion"):
        find_front(pd.DataFrame({"beauty": [1]}))
    with pytest.raises(InputError, match="at least one"):
        recommend(TABLE.iloc[:0])
    with pytest.raises(InputError, match="at least one"):
        recommend(TABLE[["areas"]])
    with pytest.raises(InputError, match="tolerance"):
        recommend(TABLE, tolerance=2.0)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_front_is_what_comparing_all_pairs_gives(rows):
    table = pd.DataFrame(rows, columns=["areas", "interaction", "longest_minutes"])
    points = [(a, b, -c) for a, b, c in rows]

    def beats(p, q):
        return all(x >= y for x, y in zip(p, q, strict=True)) and p != q

    expected = [
        not any(beats(other, own) for other in points) and own not in points[:at]
        for at, own in enumerate(points)
    ]
    assert find_front(table).tolist() == expected
    assert find_front(table)[recommend(table)[0]]
