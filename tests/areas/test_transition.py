import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.areas.transition import transition_cost, transition_moves
from diagnosis.errors import InputError

FLOWS = pd.DataFrame(
    [
        *(["a", "a", 60], ["a", "b", 10], ["a", "c", 5]),
        *(["b", "b", 10], ["b", "a", 20], ["b", "d", 40]),
        *(["c", "c", 40], ["c", "b", 15], ["c", "d", 10]),
        *(["d", "d", 30], ["d", "c", 20], ["d", "e", 7], ["e", "d", 3]),
    ],
    columns=["origin", "destination", "commuters"],
)
CURRENT = pd.Series([1, 1, 2, 2, None, None], index=list("abcdef"), dtype="Int64")
PROPOSED = pd.Series(["x", "y", "y", "y", "y"], index=list("abcde"))
RESIDENTS = pd.Series([200.0, 100, 90, 80, 20], index=list("abcde"))
PARAMETERS = {
    "min_size": 10,
    "min_self_containment": 0.6,
    "target_size": 100,
    "target_self_containment": 0.75,
}


def test_cost_by_hand():
    cost = transition_cost(CURRENT, PROPOSED, FLOWS, RESIDENTS, PARAMETERS)
    assert (cost["municipalities_compared"], cost["municipalities_changing"]) == (4, 1)  # b moves to c and d
    assert (cost["residents_compared"], cost["residents_changing"]) == (470, 100)
    assert cost["residents_changing_share"] == 100 / 470
    # a to d have 75 + 70 + 65 + 57 employed residents, whether they work in e or not
    assert cost["internal_share_before"] == (100 + 100) / 267
    assert cost["internal_share_after"] == (60 + 165) / 267
    assert cost["gain_commuters"] == 25
    assert cost["gain_points"] == pytest.approx(2500 / 267)
    assert cost["gain_points_per_municipality"] == cost["gain_points"]
    assert cost["gain_points_per_1000_residents"] == pytest.approx(10 * cost["gain_points"])
    assert cost["internal_share_before_all"] == cost["internal_share_before"]
    assert cost["internal_share_after_all"] == (60 + 175) / 270
    assert (cost["areas_before"], cost["areas_after"]) == (2, 2)
    # 1: 100 of 145 at home, enough at this size; 2: 100 of 140 jobs; x: 60 of 75 needs more at this size; y: 175 of 195
    before, after = (cost[f"valid_areas_{name}"] for name in ("before", "after"))
    assert (before, after) == (2, 2)
    assert cost["municipalities_listed"] == 6
    assert (cost["municipalities_without_area_before"], cost["municipalities_without_area_after"]) == (2, 1)


def test_moves_by_hand():
    moves = transition_moves(CURRENT, PROPOSED, FLOWS, RESIDENTS, names={"b": "Bra"})
    assert moves.index.tolist() == ["b"]
    row = moves.loc["b"]
    assert (row["name"], row["from_area"], row["to_area"], row["joins"]) == ("Bra", 1, "y", 2)
    assert (row["employed_residents"], row["residents"]) == (70, 100)
    assert row["gain"] == (40 + 15) - (10 + 20)
    assert row["gain_per_1000"] == 250


def test_a_new_area_only_loses_and_comes_last():
    proposed = pd.Series(["x", "z", "y", "x"], index=list("abcd"))
    # by residents a stays in 1 and c in 2; z is new; d would join a
    moves = transition_moves(CURRENT, proposed, FLOWS, RESIDENTS)
    assert moves.index.tolist() == ["d", "b"]
    assert pd.isna(moves.loc["b", "joins"])
    assert moves.loc["b", "gain"] == -30
    assert moves.loc["d", "gain"] == 40 - 30  # with 1 it exchanges b -> d, with c both ways
    assert moves.loc["d", "gain_per_1000"] == 125


def test_nothing_moves():
    cost = transition_cost(CURRENT, CURRENT, FLOWS, RESIDENTS)
    assert cost["gain_points"] == 0
    assert np.isnan(cost["gain_points_per_municipality"])
    assert np.isnan(cost["gain_points_per_1000_residents"])
    assert "valid_areas_before" not in cost
    moves = transition_moves(CURRENT, CURRENT, FLOWS)
    assert moves.empty
    assert moves.columns.tolist() == [
        *("from_area", "to_area", "joins", "employed_residents", "gain", "gain_per_1000")
    ]


def test_a_municipality_without_flows_moves_last():
    codes = [*"abcd", "z"]
    current = pd.Series([1, 1, 2, 2, 2], index=codes)
    proposed = pd.Series([1, 2, 2, 2, 1], index=codes)
    moves = transition_moves(current, proposed, FLOWS, names=pd.Series({"b": "Bra"}))
    assert moves.index.tolist() == ["b", "z"]
    assert np.isnan(moves.loc["z", "gain_per_1000"])
    assert moves.loc["z", "gain"] == 0


def test_wrong_input_is_told():
    with pytest.raises(InputError, match="codes of the areas must be those of the flows"):
        transition_cost(CURRENT.rename(str.upper), PROPOSED.rename(str.upper), FLOWS)
    with pytest.raises(InputError, match="must share codes"):
        transition_moves(CURRENT, PROPOSED.rename(str.upper), FLOWS)
    with pytest.raises(InputError, match="list was given"):
        transition_cost(CURRENT, PROPOSED, FLOWS, [1, 2])


codes = st.integers(3, 7).map(lambda n: list("abcdefg"[:n]))


@st.composite
def cases(draw):
    members = draw(codes)
    n = len(members)
    amounts = draw(st.lists(st.integers(0, 30), min_size=n * n, max_size=n * n))
    flows = pd.DataFrame(
        [[o, d, amounts[i * n + j]] for i, o in enumerate(members) for j, d in enumerate(members)],
        columns=["origin", "destination", "commuters"],
    )
    flows.loc[0, "commuters"] += 1
    partitions = [
        pd.Series(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)), index=members) for _ in range(2)
    ]
    return flows, *partitions


def internal(labels, flows):
    same = flows["origin"].map(labels) == flows["destination"].map(labels)
    return flows.loc[same, "commuters"].sum()


@given(cases(), st.permutations(range(3)), st.randoms(use_true_random=False))
def test_each_gain_is_that_of_the_move_made(case, renamed, random):
    flows, current, proposed = case
    moves = transition_moves(current, proposed, flows)
    for code, row in moves.iterrows():
        moved = current.copy()
        moved[code] = 99 if pd.isna(row["joins"]) else row["joins"]
        assert row["gain"] == internal(moved, flows) - internal(current, flows)
    cost = transition_cost(current, proposed, flows)
    assert cost["gain_commuters"] == internal(proposed, flows) - internal(current, flows)
    assert cost["municipalities_changing"] == len(moves)
    order = random.sample(range(len(current)), len(current))
    again = transition_moves(
        current.map(lambda area: f"area {renamed[area]}").iloc[order], proposed, flows.iloc[::-1]
    )
    assert again.index.tolist() == moves.index.tolist()
    assert again["gain"].tolist() == moves["gain"].tolist()


@pytest.mark.slow
def test_from_the_labour_systems_of_2011_to_those_of_2021(mirror):
    flows = pd.read_csv(
        mirror / "istat/matrix_pendoLAVORO_2021_completed.zip",
        sep="\t",
        dtype=str,
        keep_default_na=False,
        usecols=["Procom_res", "Procom_lav", "Pendolari"],
    )[["Procom_res", "Procom_lav", "Pendolari"]].set_axis(FLOWS.columns, axis=1)
    before, after = (
        pd.read_csv(mirror / f"validation/sll_{year}.csv", dtype=str, keep_default_na=False).set_index(
            "code"
        )["sll_code"]
        for year in (2011, 2021)
    )
    cost = transition_cost(before, after, flows)
    assert (cost["areas_before"], cost["areas_after"]) == (611, 515)
    assert 100 * cost["internal_share_after"] - 100 * cost["internal_share_before"] == pytest.approx(
        cost["gain_points"]
    )
    moves = transition_moves(before, after, flows)
    assert len(moves) == cost["municipalities_changing"]
    assert moves["gain_per_1000"].dropna().is_monotonic_decreasing
