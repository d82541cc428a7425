import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.areas import loop, state
from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.history import reserve_table
from diagnosis.areas.labour_market import Aggregation, TradeOff

ISTAT = TradeOff(1000, 0.60, 10000, 0.75)


def aggregate(rows, trade_off):
    network, _ = FlowNetwork.from_table(
        pd.DataFrame(rows, columns=["origin", "destination", "commuters"])
    ).without_zero_list()
    aggregation = Aggregation(network.rows(), trade_off.scaled(network.scale))
    aggregation.run()
    return aggregation, network.codes


def reserve(aggregation, codes):
    """Type, iteration, municipality and next in line of each record."""
    table = reserve_table(aggregation, codes)
    following = [None if pd.isna(code) else code for code in table["next_code"]]
    return list(zip(table["type"], table["iteration"], table["code"], following, strict=True))


@pytest.mark.parametrize(
    ("live", "work", "within", "validity"),
    [
        (10000, 10000, 6000, 1.0),  # target size: the minimum self-containment is enough
        (50000, 10000, 9000, 0.18 / 0.6),  # the smaller of the two sides counts
        (1000, 1000, 750, 1.0),  # minimum size: the target self-containment is needed
        (1000, 1000, 900, 1.0),  # more than the target does not make up for size
        (10000, 10000, 9000, 1.25),  # at most target / minimum
        (10, 10, 10, 1.0),  # closed: accepted whatever its size
        (5500, 5500, 3300, 0.9),  # half-way: 0.6 / 0.75 * (1 - 0.2 * 0.5) * 1.25
        (100, 100, 0, 0.0),
    ],
)
def test_validity_by_hand(live, work, within, validity):
    assert ISTAT.validity(live, work, within) == pytest.approx(validity, abs=1e-15)


def test_size_shortfall_is_not_capped():
    assert ISTAT.validity(500, 1000, 400) == pytest.approx(0.4 / 0.75 * (1 - 0.2 * 9500 / 9000) * 1.25)


# Two areas of two municipalities; 5 works half in each, in equal amounts.
TWINS = [
    ["1", "1", 60],
    ["2", "2", 60],
    ["3", "3", 2],
    ["3", "1", 3],
    ["3", "2", 3],
    ["1", "3", 1],
    ["2", "3", 1],
]


def test_of_equal_links_the_largest_label_wins():
    aggregation, _ = aggregate(TWINS, TradeOff(10, 0.5, 50, 0.7))
    assert aggregation.label.tolist() == [0, 1, 1]
    assert aggregation.moves.tolist() == [0, 0, 1]
    assert aggregation.iteration == 2


def test_of_equal_links_one_that_sends_nobody_wins_over_a_larger_label():
    rows = [["1", "1", 60], ["2", "2", 60], ["3", "3", 4], ["3", "1", 4], ["2", "3", 4]]
    rows += [["4", "4", 90], ["1", "4", 4], ["4", "2", 4]]  # makes L and W of 1 and 2 equal
    aggregation, _ = aggregate(rows, TradeOff(10, 0.5, 50, 0.7))
    assert aggregation.steps[0, state.MUNICIPALITY] == 2
    assert aggregation.values[0, state.LINK] == 4 / 8 * 4 / 64 == 4 / 64 * 4 / 8
    assert aggregation.label.tolist() == [0, 1, 0, 3]


def test_refused_municipality_waits_and_the_reserve_is_placed_without_a_test():
    # 1 is exactly valid: taking 2, with its many commuters to nowhere near, would make it fall.
    rows = [["1", "1", 60], ["1", "3", 40], ["3", "3", 100], ["2", "2", 1], ["2", "1", 9], ["2", "3", 8]]
    rows += [["3", "2", 1], ["3", "1", 30]]
    aggregation, codes = aggregate(rows, TradeOff(50, 0.6, 100, 0.75))
    assert [record[::2] for record in reserve(aggregation, codes)] == [("A", "2")]
    assert aggregation.label[1] == -1
    aggregation.place_reserve()
    assert aggregation.label[1] in (0, 2)
    assert aggregation.moves[1] == 0


def test_first_leaver_without_candidate_goes_to_the_reserve_alone():
    # 3 and 4 join; their first leaver, 4 (5 commuters out), touches 3 only: type D. Then 2 refuses 3.
    rows = [["2", "2", 10], ["3", "2", 2], ["3", "4", 1], ["4", "3", 5]]
    aggregation, codes = aggregate(rows, TradeOff(8, 0.6, 20, 0.75))
    assert reserve(aggregation, codes) == [("D", 2, "4", "3"), ("A", 3, "3", None)]
    aggregation.place_reserve()
    assert aggregation.label.tolist() == [0, 0, 0]


def test_reserve_without_any_area_stays_unassigned():
    rows = [["1", "2", 3], ["2", "3", 1], ["3", "1", 1], ["3", "3", 6]]
    aggregation, codes = aggregate(rows, TradeOff(8, 0.6, 20, 0.75))
    assert [record[0] for record in reserve(aggregation, codes)] == ["C", "A", "B"]
    aggregation.place_reserve()
    assert aggregation.label.tolist() == [-1, -1, -1]


@given(st.integers(0, 10_000))
def test_unsummed_extremes_equal_all_combinations(seed):
    rng = np.random.default_rng(seed)
    n = 6
    amounts = rng.integers(0, 5, (n, n)) * rng.integers(1, 4, (n, n))
    amounts[:, 0] += 1
    amounts[0] += 1
    rows = [[str(i), str(j), amounts[i, j]] for i, j in itertools.product(range(n), range(n))]
    network = FlowNetwork.from_table(pd.DataFrame(rows, columns=["origin", "destination", "commuters"]))
    trade_off = TradeOff(8, 0.3, 12, 0.9)  # steep: the allowance for size becomes negative
    flows, rules = network.rows(), state.Rules(8.0, 0.3, 12.0, 0.9, package=True, touching=False)
    areas = state.begin(flows, rules)
    members = [1, 2, 4, 5]
    for municipality in members[1:]:
        state.exchange(areas, flows, municipality)
        state.leave(areas, flows, municipality, municipality)
        state.join(areas, flows, municipality, 1)
    loop.judge_unsummed(areas, flows, rules, 1)
    values_inside = {float(amounts[i, j]) for i in members for j in members if amounts[i, j]} or {0.0}
    live, work = amounts.sum(1), amounts.sum(0)
    values = [
        trade_off.validity(float(live[i]), float(work[i]), flow) for i in members for flow in values_inside
    ]
    assert areas.span.tolist() == [min(values), max(values)]
    assert areas.within[1] == amounts[np.ix_(members, members)].sum()


def test_a_closed_area_is_recognised_in_inexact_amounts():
    third = 1 / 3
    rows = [["1", "1", 10 * third], ["1", "2", third], ["2", "1", 2 * third], ["2", "2", 7 * third]]
    rows += [["3", "3", 9 * third], ["3", "4", third], ["4", "3", third], ["4", "4", 9 * third]]
    aggregation, _ = aggregate(rows, TradeOff(5, 0.6, 50, 0.75))
    assert aggregation.label[0] == aggregation.label[1] != aggregation.label[2] == aggregation.label[3]
