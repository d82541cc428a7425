import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.errors import InputError
from diagnosis.networks import nodal_flows, significant_flows


def table(*rows):
    return pd.DataFrame(rows, columns=["origin", "destination", "commuters"])


def test_disparity_filter_by_hand():
    flows = table(("a", "b", 90), ("a", "c", 5), ("a", "d", 5), ("a", "a", 900), ("e", "c", 5), ("e", "d", 5))
    kept = significant_flows(flows, 0.05)
    # (1 - 0.9)**2 = 0.01 seen from a; b has a single origin, c and d share evenly
    assert kept[["origin", "destination"]].to_numpy().tolist() == [["a", "b"]]
    assert kept["probability"].iloc[0] == pytest.approx(0.01)
    assert len(significant_flows(flows, 0.6)) == 5


def test_disparity_filter_keeps_rows_and_columns():
    flows = table(("a", "b", 99), ("a", "c", 1), ("d", "b", 1)).assign(year="2021")
    flows.index = [7, 7, 9]
    kept = significant_flows(flows, 0.05)
    assert kept.index.to_list() == [7]
    assert kept.columns.to_list() == ["origin", "destination", "commuters", "year", "probability"]
    assert significant_flows(flows.iloc[:0]).empty


def test_disparity_filter_refuses():
    with pytest.raises(InputError, match="repeated"):
        significant_flows(table(("a", "b", 1), ("a", "b", 2)))
    with pytest.raises(InputError, match="between 0 and 1"):
        significant_flows(table(("a", "b", 1)), 1.0)


def test_poles_by_hand():
    flows = table(
        ("city", "city", 100),
        ("city", "town", 10),
        ("town", "town", 30),
        ("town", "city", 20),
        ("village", "town", 15),
        ("village", "city", 5),
        ("valley", "valley", 8),
    )
    result = nodal_flows(flows, ["city", "town", "village", "valley"])
    assert result["is_pole"].to_list() == [True, False, False, True]
    assert result["pole"].to_list() == ["city", "city", "city", "valley"]
    assert result["destination"].iloc[:3].to_list() == ["town", "city", "town"]
    assert pd.isna(result["destination"].iloc[3])
    assert result["commuters"].to_list() == [10, 20, 15, 0]


def test_equal_places_do_not_hang_from_each_other():
    result = nodal_flows(table(("a", "b", 5), ("b", "a", 5)), ["b", "a"])
    assert result["pole"].to_dict() == {"a": "a", "b": "a"}


pairs = st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef"), st.integers(1, 9))


@given(rows=st.lists(pairs, max_size=20))
def test_every_municipality_hangs_from_one_pole(rows):
    result = nodal_flows(table(*rows).astype({"commuters": float}), list("abcdef"))
    assert result.loc[result["pole"], "is_pole"].all()
    assert (result["pole"] == result.index)[result["is_pole"]].all()
