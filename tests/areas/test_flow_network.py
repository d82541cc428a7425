import numpy as np
import pandas as pd
import pytest

from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.errors import InputError


def table(rows):
    return pd.DataFrame(rows, columns=["origin", "destination", "commuters"])


def test_digit_codes_are_ordered_by_number_others_by_character():
    assert list(FlowNetwork.from_table(table([["10", "9", 1], ["100", "10", 1]])).codes) == ["9", "10", "100"]
    assert list(FlowNetwork.from_table(table([["10", "9", 1], ["a", "B", 1]])).codes) == ["10", "9", "B", "a"]
    assert list(FlowNetwork.from_table(table([[10, 9, 1], [100, 10, 1]])).codes) == [9, 10, 100]
    assert list(FlowNetwork.from_table(table([["1", "01", 1]])).codes) == ["01", "1"]


@pytest.mark.parametrize("dtype", ["category", "string", object])
def test_text_codes_of_any_dtype(dtype):
    flows = table([["2", "1", 3]]).astype({"origin": dtype, "destination": dtype})
    assert list(FlowNetwork.from_table(flows).codes) == ["1", "2"]


def test_repeated_pairs_are_added_and_zero_rows_dropped():
    network = FlowNetwork.from_table(table([["1", "2", 3], ["1", "2", 4], ["2", "1", 0], ["3", "3", 0]]))
    assert list(network.codes) == ["1", "2", "3"]
    assert (network.origin.tolist(), network.destination.tolist(), network.amount.tolist()) == (
        [0],
        [1],
        [7.0],
    )


def test_decimals_become_whole_numbers_where_a_power_of_ten_does_it():
    network = FlowNetwork.from_table(table([["1", "2", 0.1], ["1", "2", 0.2], ["2", "1", 18.68]]))
    assert (network.scale, network.amount.tolist()) == (100.0, [30.0, 1868.0])
    network = FlowNetwork.from_table(table([["1", "2", 1 / 3], ["2", "1", 1]]))
    assert network.scale == 2.0**51  # the total, 4/3, stays below 2**53 units
    assert network.amount.tolist() == [round(2**51 / 3), 2.0**51]


def test_margins_and_neighbours():
    network = FlowNetwork.from_table(table([["1", "1", 5], ["1", "2", 3], ["3", "1", 2]]))
    assert network.live().tolist() == [8, 0, 2]
    assert network.work().tolist() == [7, 3, 0]
    assert network.within().tolist() == [5, 0, 0]
    rows = network.rows()
    assert (rows.out_start.tolist(), rows.out_node.tolist(), rows.out_flow.tolist()) == (
        [0, 1, 1, 2],
        [1, 0],
        [3.0, 2.0],
    )
    assert (rows.in_start.tolist(), rows.in_node.tolist(), rows.in_flow.tolist()) == (
        [0, 1, 2, 2],
        [2, 0],
        [2.0, 3.0],
    )


def test_zero_list_by_round_then_code():
    # 5 has no residents; without it 4 has no jobs taken elsewhere left, and 3 exchanges with nobody.
    rows = [["1", "1", 5], ["1", "2", 1], ["2", "2", 5], ["2", "1", 1]]
    rows += [["3", "3", 4], ["3", "5", 2], ["4", "5", 1], ["1", "4", 1], ["6", "6", 2]]
    network, zero_list = FlowNetwork.from_table(table(rows)).without_zero_list()
    assert list(network.codes) == ["1", "2"]
    assert zero_list["code"].tolist() == ["5", "6", "3", "4"]
    assert zero_list["reason"].tolist()[:2] == ["no employed residents", "no exchange with others"]
    assert zero_list["reason"][3].startswith("no employed residents once")
    assert network.live().tolist() == [6, 6]


def test_zero_list_may_be_empty_or_everything():
    network, zero_list = FlowNetwork.from_table(table([["1", "2", 1], ["2", "1", 1]])).without_zero_list()
    assert (len(network), len(zero_list)) == (2, 0)
    network, zero_list = FlowNetwork.from_table(table([["1", "2", 1]])).without_zero_list()
    assert (len(network), zero_list["code"].tolist()) == (0, ["1", "2"])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "at least one row"),
        ([["1", "2", 0]], "at least one row must have commuters above 0"),
        ([["1", "2", -1]], "at least 0.*1->2: -1"),
        ([["1", "2", "many"]], "finite numbers.*many"),
        ([["1", "2", None]], "finite numbers"),
        ([["1", "2", np.inf]], "finite numbers"),
        ([["1", "2", 1e308], ["2", "1", 1e308]], "total"),
        ([[None, "2", 1]], "code in 'origin'"),
        ([["1", "", 1]], "code in 'destination'"),
        ([["1", 2, 1]], "'origin' holds string, 'destination' integer"),
        ([[1.5, 2.5, 1]], "must be text, or whole numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_bad_tables_are_told(rows, message):
    with pytest.raises(InputError, match=message):
        FlowNetwork.from_table(table(rows))


def test_wrong_shapes_are_told():
    with pytest.raises(InputError, match="missing: 'commuters'"):
        FlowNetwork.from_table(table([["1", "2", 1]]).rename(columns={"commuters": "n"}))
    with pytest.raises(InputError, match="dict was given"):
        FlowNetwork.from_table({})
    with pytest.raises(InputError, match="finite numbers"):
        FlowNetwork.from_table(
            table([["1", "2", 1], ["2", "1", None]]).astype({"commuters": "Int64", "origin": "string"})
        )
