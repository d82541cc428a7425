import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.codes.bridges import carry_table
from diagnosis.codes.events import COLUMNS, combine_events, known_events
from diagnosis.codes.flows import carry_flows
from diagnosis.codes.history import CodeHistory, link_vintages, municipalities_on
from diagnosis.errors import InputError, UnknownNameError


def events(*rows):
    return pd.DataFrame([(d, k, b, "", a, "", "law") for d, k, b, a in rows], columns=COLUMNS)


HISTORY = CodeHistory(
    pd.DataFrame(index=[f"00000{i}" for i in range(1, 10)]),
    combine_events(
        events(
            ("2013-01-01", "merger", "000011", "000001"),
            ("2013-01-01", "merger", "000012", "000001"),
            ("2014-02-01", "merger", "000013", "000002"),
            ("2015-01-01", "renumbering", "000014", "000003"),
            ("2016-01-01", "split", "000004", "000005"),
            ("2017-01-01", "split", "000004", "000006"),
            ("2017-01-01", "split", "000007", "000006"),
            ("2023-01-01", "merger", "000001", "000021"),
            ("2023-01-01", "merger", "000002", "000021"),
            ("2024-01-01", "split", "000003", "000022"),
            ("2025-01-01", "renumbering", "000008", "000023"),
        ),
        known_events().iloc[:0],
    ),
    "2011-01-01",
    "2026-12-31",
)
DAYS = ("2011", "2013", "2015", "2016", "2018", "2022", "2024", "2026")
vintages = st.sampled_from(DAYS)


def table(vintage, values=None, **columns):
    codes = municipalities_on(vintage, HISTORY)
    values = values or [2**i for i in range(len(codes))]
    return pd.DataFrame({"n": values[: len(codes)], **columns}, index=codes)


def pair_weights(source, target, numbers):
    links = link_vintages(source, target, HISTORY)
    links = links[links["kind"] != "whole"]
    index = pd.MultiIndex.from_frame(links[["source", "target"]])
    return pd.Series(np.resize(numbers, len(links)), index=index, dtype=float)


def test_counts_are_added_up_and_stay_whole_numbers():
    frame = pd.DataFrame({"n": [1, 2, 4, 8, 16]}, index=["000011", "000012", "000013", "000002", "000004"])
    carried = carry_table(frame, "2012", "2022", HISTORY)
    assert carried["n"].to_dict() == {"000001": 3, "000002": 12, "000004": 16}
    assert carried["n"].dtype == "int64"
    assert carried.index.name == "code"
    assert carried.attrs["vintage"] == "2022"
    assert any("still in those they come from: '000005', '000006'" in note for note in carried.attrs["notes"])


def test_merger_undone_has_no_counts_unless_weights_are_given():
    frame = pd.DataFrame({"n": [90]}, index=["000021"])
    missing = carry_table(frame, "2026", "2022", HISTORY)
    assert missing["n"].isna().tolist() == [True, True]
    assert any("'000001', '000002'" in note for note in missing.attrs["notes"])
    assert missing.attrs["estimated"] == []
    residents = pd.Series({"000001": 100, "000002": 200, "000009": 7})
    shared = carry_table(frame, "2026", "2022", HISTORY, split=residents)
    assert shared["n"].to_dict() == {"000001": 30, "000002": 60}
    assert shared.attrs["estimated"] == ["000001", "000002"]
    assert any("2 counts are estimated" in note for note in shared.attrs["notes"])


def test_part_split_from_one_is_given_its_share():
    frame = pd.DataFrame({"n": [100]}, index=["000003"])
    kept = carry_table(frame, "2022", "2024", HISTORY)
    assert kept["n"].to_dict() == {"000003": 100}
    shared = carry_table(frame, "2022", "2024", HISTORY, split=pd.Series({"000003": 3, "000022": 1}))
    assert shared["n"].to_dict() == {"000003": 75, "000022": 25}


def test_part_split_from_two_needs_weights_by_pair():
    frame = pd.DataFrame({"n": [100.0, 10.0]}, index=["000004", "000007"])
    by_code = carry_table(
        frame, "2016-06-30", "2022", HISTORY, split=pd.Series({"000004": 1, "000006": 1, "000007": 1})
    )
    assert by_code["n"].to_dict() == {"000004": 100, "000007": 10}
    pairs = {
        ("000004", "000004"): 3,
        ("000004", "000006"): 1,
        ("000007", "000006"): 1,
        ("000007", "000007"): 4,
    }
    shared = carry_table(frame, "2016-06-30", "2022", HISTORY, split=pd.Series(pairs))
    assert shared["n"].to_dict() == {"000004": 75, "000006": 27, "000007": 8}


def test_rates_are_weighted_by_their_denominator():
    frame = pd.DataFrame({"rate": [10.0, 40.0, 7.0]}, index=["000011", "000012", "000004"])
    weights = pd.Series({"000011": 2.0, "000012": 1.0, "000004": 5.0})
    carried = carry_table(frame, "2012", "2022", HISTORY, "mean", weights)
    assert carried["rate"].to_dict() == {"000001": 20, "000004": 7, "000005": 7, "000006": 7}
    assert carried.attrs["estimated"] == ["000005", "000006"]
    unweighted = carry_table(frame, "2012", "2022", HISTORY, "mean")
    assert unweighted["rate"].isna().to_dict() == {
        "000001": True,
        "000004": False,
        "000005": False,
        "000006": False,
    }


def test_part_without_weight_does_not_count_and_one_of_unknown_weight_spoils():
    frame = pd.DataFrame({"rate": [np.nan, 40.0]}, index=["000011", "000012"])
    nobody = pd.Series({"000011": 0.0, "000012": 1.0})
    assert carry_table(frame, "2012", "2013", HISTORY, "mean", nobody)["rate"].tolist() == [40.0]
    somebody = nobody + 1
    assert carry_table(frame, "2012", "2013", HISTORY, "mean", somebody)["rate"].isna().all()
    assert (
        carry_table(frame.fillna(1.0), "2012", "2013", HISTORY, "mean", nobody.iloc[1:]).isna().all(axis=None)
    )


def test_category_is_that_of_most_weight():
    frame = pd.DataFrame({"class": ["A", "B", "B", "A"]}, index=["000011", "000012", "000013", "000002"])
    weights = pd.Series({"000011": 3, "000012": 2, "000013": 2, "000002": 0})
    carried = carry_table(frame, "2012", "2022", HISTORY, "largest", weights)
    assert carried["class"].to_dict() == {"000001": "A", "000002": "B"}
    # two parts of B are more than one of A
    assert carry_table(frame, "2012", "2026", HISTORY, "largest", weights)["class"].to_dict() == {
        "000021": "B"
    }
    assert carry_table(frame, "2012", "2022", HISTORY, "largest")["class"].isna().all()


def test_going_back_parts_take_the_class_of_the_whole_and_others_keep_theirs():
    frame = pd.DataFrame({"class": ["A", "B", "C"]}, index=["000021", "000004", "000006"])
    carried = carry_table(frame, "2026", "2012", HISTORY, "largest")["class"]
    assert carried.to_dict() == {
        "000002": "A",
        "000004": "B",
        "000007": "C",
        "000011": "A",
        "000012": "A",
        "000013": "A",
    }


def test_columns_follow_their_own_rules():
    frame = pd.DataFrame({"class": ["A", "B"], "n": [1, 3], "rate": [1.0, 5.0]}, index=["000011", "000012"])
    how = {"n": "sum", "rate": "mean", "class": "largest"}
    carried = carry_table(frame, "2012", "2013", HISTORY, how, weights=frame["n"])
    assert carried.columns.tolist() == ["class", "n", "rate"]
    assert carried.loc["000001"].tolist() == ["B", 4, 4.0]


def test_missing_part_makes_a_sum_missing_and_an_absent_one_is_named():
    frame = pd.DataFrame({"n": [1.0, np.nan]}, index=["000011", "000012"])
    assert carry_table(frame, "2012", "2013", HISTORY)["n"].isna().all()
    carried = carry_table(frame.iloc[:1], "2012", "2013", HISTORY)
    assert carried["n"].to_dict() == {"000001": 1}
    assert any("lack a part that has no row: '000001'" in note for note in carried.attrs["notes"])


@given(vintages, vintages, st.lists(st.integers(0, 10**6), min_size=9, max_size=9))
def test_forward_the_total_never_changes(one, other, values):
    source, target = sorted((one, other))
    frame = table(source, values)
    carried = carry_table(frame, source, target, HISTORY)
    assert carried["n"].sum() == frame["n"].sum()
    assert carried.index.isin(municipalities_on(target, HISTORY)).all()


@given(
    vintages,
    vintages,
    st.lists(st.floats(0, 1e6), min_size=9, max_size=9),
    st.lists(st.floats(0.01, 100), min_size=1, max_size=10),
)
def test_with_weights_the_total_never_changes(source, target, values, numbers):
    frame = table(source, values)
    carried = carry_table(frame, source, target, HISTORY, split=pair_weights(source, target, numbers))
    assert carried.index.tolist() == municipalities_on(target, HISTORY).tolist()
    assert carried["n"].sum() == pytest.approx(frame["n"].sum())


@settings(max_examples=20)
@given(st.lists(vintages, min_size=3, max_size=3), st.lists(st.integers(0, 1000), min_size=9, max_size=9))
def test_forward_in_two_steps_is_forward_in_one(days, values):
    first, middle, last = sorted(days)
    frame = table(first, values)
    steps = carry_table(carry_table(frame, first, middle, HISTORY), middle, last, HISTORY)
    assert steps["n"].to_dict() == carry_table(frame, first, last, HISTORY)["n"].to_dict()


@given(vintages, vintages, st.lists(st.floats(-5, 5), min_size=9, max_size=9))
def test_rates_stay_between_those_of_their_parts(source, target, values):
    frame = table(source, values)
    weights = pd.Series(range(1, len(frame) + 1), index=frame.index)
    carried = carry_table(frame, source, target, HISTORY, "mean", weights)
    assert carried["n"].between(min(values) - 1e-9, max(values) + 1e-9).all()
    assert carried.index.equals(municipalities_on(target, HISTORY))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "2022"}, "000011"),
        ({"source": "yesterday"}, "vintage"),
        ({"how": "median"}, "how"),
        ({"how": {}}, "rule"),
        ({"how": {"n": "sum", "m": "sum"}}, "'m'"),
        ({"split": "evenly"}, "split"),
        ({"frame": pd.DataFrame({"n": ["1"]}, index=["000011"])}, "numeric"),
        ({"frame": pd.DataFrame({"n": [1, 2]}, index=["000011", "000011"])}, "repeated: '000011'"),
        ({"frame": pd.DataFrame({"n": [1]}, index=[11])}, "'11'"),
        ({"how": "mean", "weights": pd.Series({"000011": -1.0})}, "at least 0"),
    ],
)
def test_hostile_input_is_named(change, message):
    arguments = {"frame": pd.DataFrame({"n": [1]}, index=["000011"]), "source": "2012", "target": "2013"}
    with pytest.raises(InputError, match=message):
        carry_table(**{**arguments, "history": HISTORY, **change})


@pytest.mark.parametrize("weights", [[1, np.nan], [1, -1], [0, 0], [np.inf, 1]])
def test_weights_that_cannot_divide_are_refused(weights):
    frame = pd.DataFrame({"n": [1]}, index=["000021"])
    with pytest.raises(InputError, match="divide"):
        carry_table(frame, "2026", "2022", HISTORY, split=pd.Series(weights, index=["000001", "000002"]))


def test_empty_table_stays_empty():
    frame = pd.DataFrame(
        {"n": pd.Series(dtype=float), "c": pd.Series(dtype=str)}, index=pd.Index([], dtype=str)
    )
    carried = carry_table(frame, "2012", "2022", HISTORY, {"n": "sum", "c": "largest"})
    assert carried.shape == (0, 2)
    assert carry_table(frame[["n"]], "2012", "2022", HISTORY, "mean").shape == (0, 1)


# flows


def flows(*rows):
    return pd.DataFrame(rows, columns=["origin", "destination", "sex", "commuters"])


def test_flows_between_merged_municipalities_become_inner_ones():
    given = flows(
        ("000009", "000009", "f", 1),
        ("000011", "000012", "f", 2),
        ("000012", "000011", "f", 4),
        ("000012", "000012", "m", 8),
        ("000014", "000013", "m", 16),
        ("000014", "000002", "m", 32),
        ("000009", "000004", "m", 64),
    )
    carried = carry_flows(given, "2012", "2022", HISTORY)
    assert carried.to_numpy().tolist() == [
        ["000009", "000009", "f", 1],
        ["000001", "000001", "f", 6],
        ["000001", "000001", "m", 8],
        ["000003", "000002", "m", 48],
        ["000009", "000004", "m", 64],
    ]
    assert carried["commuters"].dtype == "int64"
    assert given.loc[1, "origin"] == "000011"


def test_flows_of_a_merger_undone():
    given = flows(
        ("000021", "000021", "f", 90.0), ("000009", "000021", "f", 9.0), ("000009", "000009", "m", 1.0)
    )
    missing = carry_flows(given, "2026", "2022", HISTORY)
    assert len(missing) == 7
    assert missing["commuters"].isna().sum() == 6
    assert any("cannot be divided" in note for note in missing.attrs["notes"])
    shared = carry_flows(given, "2026", "2022", HISTORY, split=pd.Series({"000001": 1, "000002": 2}))
    wide = shared.set_index(["origin", "destination"])["commuters"]
    assert wide["000001", "000001"] == pytest.approx(10)
    assert wide["000002", "000001"] == pytest.approx(20)
    assert wide["000009", "000002"] == pytest.approx(6)
    assert wide.sum() == pytest.approx(100)


def test_flows_as_categories_and_repeated_index():
    given = flows(("000011", "000009", "f", 1), ("000012", "000009", "f", 2)).set_axis([7, 7])
    given = given.astype({"origin": "category", "destination": "category"})
    carried = carry_flows(given, "2012", "2022", HISTORY)
    assert carried.to_numpy().tolist() == [["000001", "000009", "f", 3]]


def test_flows_with_wrong_codes_are_refused():
    with pytest.raises(InputError, match="000001"):
        carry_flows(flows(("000001", "000009", "f", 1)), "2012", "2022", HISTORY)
    with pytest.raises(InputError, match="''"):
        carry_flows(flows((None, "000009", "f", 1)), "2012", "2022", HISTORY)
    with pytest.raises(InputError, match="'workers' is missing"):
        carry_flows(flows(), "2012", "2022", HISTORY, counts=("workers",))
    with pytest.raises(UnknownNameError, match="split"):
        carry_flows(flows(("000009", "000009", "f", 1)), "2012", "2022", HISTORY, split="evenly")


def test_no_flows_stay_none():
    given = flows(("000009", "000009", "f", 1)).iloc[:0]
    assert carry_flows(given, "2012", "2026", HISTORY).columns.tolist() == given.columns.tolist()


@settings(max_examples=12)
@given(
    vintages,
    vintages,
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 100)), min_size=1, max_size=30),
)
def test_margins_of_carried_flows_are_carried_margins(one, other, triples):
    source, target = sorted((one, other))
    codes = municipalities_on(source, HISTORY)
    given = flows(*((codes[i % len(codes)], codes[j % len(codes)], "f", n) for i, j, n in triples))
    given = given.groupby(["origin", "destination", "sex"], as_index=False).sum()
    carried = carry_flows(given, source, target, HISTORY)
    assert not carried.duplicated(["origin", "destination"]).any()
    for end in ("origin", "destination"):
        margins = given.groupby(end)[["commuters"]].sum()
        expected = carry_table(margins, source, target, HISTORY)["commuters"]
        assert carried.groupby(end)["commuters"].sum().to_dict() == expected.to_dict()
