import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.errors import InputError
from diagnosis.networks import commuting_graph, flow_margins, flow_matrix, network_measures, network_summary

CODES = ["001", "002", "003", "NA"]


def table(*rows):
    return pd.DataFrame(rows, columns=["origin", "destination", "commuters"])


@pytest.fixture
def flows():
    """Three municipalities around 001, one (NA) without anybody, and workers from abroad (900)."""
    return table(
        ("001", "001", 50),
        ("001", "002", 10),
        ("002", "001", 30),
        ("002", "002", 20),
        ("003", "001", 40),
        ("003", "002", 40),
        ("900", "001", 5),
        ("003", "900", 20),
    )


def test_margins_count_flows_from_outside(flows):
    margins = flow_margins(flows, CODES)
    assert margins.index.to_list() == CODES
    assert margins.loc["001"].to_dict() == {
        "residents_employed": 60,
        "jobs": 125,
        "internal": 50,
        "out": 10,
        "in": 75,
    }
    assert margins.loc["003", ["residents_employed", "jobs", "out"]].to_list() == [100, 0, 100]
    assert (margins.loc["NA"] == 0).all()


def test_measures_by_hand(flows):
    measures = network_measures(flows, CODES)
    assert measures.index.to_list() == CODES
    assert measures.index.name == "code"
    assert measures["out_strength"].to_list() == [10, 30, 100, 0]
    assert measures["in_strength"].to_list() == [75, 50, 0, 0]
    assert measures["out_degree"].to_list() == [1, 1, 3, 0]
    assert measures["in_degree"].to_list() == [3, 2, 0, 0]
    # five places: 003 sends 0.4, 0.4 and 0.2 to three of four others
    entropy = -(0.8 * np.log(0.4) + 0.2 * np.log(0.2)) / np.log(4)
    np.testing.assert_allclose(measures["out_entropy"], [0, 0, entropy, np.nan])
    # equal flows to 001 and 002: the smaller code is named
    assert measures["first_destination"].iloc[:3].to_list() == ["002", "001", "001"]
    assert pd.isna(measures["first_destination"].loc["NA"])
    np.testing.assert_allclose(measures["first_destination_share"], [10 / 60, 0.6, 0.4, np.nan])
    np.testing.assert_allclose(measures["reciprocity"], [20 / 85, 20 / 80, 0, np.nan])
    np.testing.assert_allclose(measures["dominance"], np.array([75, 50, 0, 0]) / (145 / 5))


def test_summary_by_hand(flows):
    summary = network_summary(flows, CODES)
    assert summary["municipalities"] == 4
    assert summary["connections"] == 4
    assert summary["density"] == pytest.approx(4 / 12)
    assert summary["commuters"] == 190  # without those from and to 900
    assert summary["internal_share"] == pytest.approx(70 / 190)
    assert summary["reciprocity"] == pytest.approx(20 / 120)
    spread = 1 - np.std([70, 50, 0, 0]) / 35
    assert summary["functional_polycentricity"] == pytest.approx(spread)
    assert summary["special_functional_polycentricity"] == pytest.approx(spread * 120 / 190)
    assert summary["rank_size_slope"] == pytest.approx(np.log(50 / 70) / np.log(2))


def test_summary_of_the_extremes():
    ring = table(*((f"{i}", f"{(i + 1) % 5}", 10) for i in range(5)))
    alike = network_summary(ring, [str(i) for i in range(5)])
    assert alike["functional_polycentricity"] == pytest.approx(1)
    assert alike["rank_size_slope"] == pytest.approx(0)
    pair = network_summary(table(("a", "b", 10)), ["a", "b"])
    assert pair["functional_polycentricity"] == pytest.approx(0)
    assert pair["special_functional_polycentricity"] == pytest.approx(0)
    nothing = network_summary(table(), ["a"])
    assert nothing["municipalities"] == 1
    assert nothing[["density", "internal_share", "reciprocity", "rank_size_slope"]].isna().all()


def test_no_flows_at_all():
    measures = network_measures(table(), CODES)
    assert (measures[["out_strength", "in_degree"]] == 0).all(axis=None)
    assert measures[["first_destination", "out_entropy", "dominance"]].isna().all(axis=None)


def test_repeated_pairs_are_added_up(flows):
    halves = pd.concat([flows.assign(commuters=flows["commuters"] / 2)] * 2)
    pd.testing.assert_frame_equal(network_measures(halves, CODES), network_measures(flows, CODES))


def test_graph_keeps_every_municipality(flows):
    graph = commuting_graph(flows, CODES, minimum=30)
    assert list(graph) == CODES
    assert sorted(graph.edges(data="commuters")) == [
        ("002", "001", 30),
        ("003", "001", 40),
        ("003", "002", 40),
    ]
    assert graph.nodes["001"] == {"residents_employed": 60, "jobs": 125, "internal": 50}


@pytest.mark.parametrize(
    ("flows", "message"),
    [
        (table(("a", "b", 1)).drop(columns="commuters"), "missing: 'commuters'"),
        (table(("a", "b", -1)), "not negative"),
        (table(("a", "b", np.nan)), "finite"),
        (table(("a", "b", "3")), "must be numbers"),
    ],
)
def test_bad_flows_are_named(flows, message):
    with pytest.raises(InputError, match=message):
        flow_margins(flows, ["a", "b"])


def test_repeated_codes_are_refused(flows):
    with pytest.raises(InputError, match="repeated: '001'"):
        network_measures(flows, ["001", "001"])


pairs = st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde"), st.integers(0, 50))


@given(rows=st.lists(pairs, max_size=15), order=st.randoms(use_true_random=False))
def test_properties(rows, order):
    flows = table(*rows).astype({"commuters": float})
    margins, measures = flow_margins(flows, list("abcde")), network_measures(flows, list("abcde"))
    assert margins["residents_employed"].sum() == margins["jobs"].sum() == flows["commuters"].sum()
    np.testing.assert_allclose(margins["out"], measures["out_strength"])
    np.testing.assert_allclose(margins["in"], measures["in_strength"])
    assert flow_matrix(flows, list("abcde")).sum() == flows["commuters"].sum()
    for name in ("out_entropy", "in_entropy", "reciprocity", "first_destination_share"):
        assert measures[name].dropna().between(0, 1 + 1e-12).all()
    codes = list("abcde")
    order.shuffle(codes)
    shuffled = network_measures(flows.iloc[::-1], codes)
    pd.testing.assert_frame_equal(shuffled.sort_index(), measures)


def test_national_totals(italy, matrix_2021):
    margins = flow_margins(matrix_2021, italy.index)
    assert margins["residents_employed"].sum() == 19_565_808
    assert margins.loc["001121", "internal"] == 0
    assert margins.loc["081025", "internal"] == 1480
    summary = network_summary(matrix_2021, italy.index)
    assert summary["internal_share"] == pytest.approx(0.5011, abs=5e-5)
    assert summary["connections"] == 523_949 - 7_903
