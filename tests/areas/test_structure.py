import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.areas.structure import area_structure
from diagnosis.errors import InputError

COLUMNS = [
    *("centre", "primacy", "effective_centres", "dominant_centres", "tiers", "hierarchy"),
    *("functional_polycentricity", "reciprocity"),
]
FLOWS = pd.DataFrame(
    [
        *(["a", "a", 50], ["b", "a", 10], ["c", "a", 6], ["c", "d", 2], ["d", "c", 4], ["a", "b", 3]),
        *(["x", "a", 500], ["a", "x", 40], ["e", "e", 7], ["e", "x", 9]),
    ],
    columns=["origin", "destination", "commuters"],
)
LABELS = pd.Series([1, 1, 1, 1, 2, 2, None], index=list("abcdezx"), dtype="Int64")


def flows_of(*rows):
    return pd.DataFrame(rows, columns=["origin", "destination", "commuters"])


def test_by_hand():
    table = area_structure(LABELS, FLOWS)
    assert table.columns.tolist() == COLUMNS
    assert table.index.tolist() == [1, 2]
    one = table.loc[1]
    assert one["centre"] == "a"
    assert one["primacy"] == 16 / 25
    assert one["effective_centres"] == pytest.approx(625 / (16**2 + 3**2 + 4**2 + 2**2))
    assert (one["dominant_centres"], one["tiers"]) == (1, 2)  # d to c, c and b to a
    assert one["hierarchy"] == pytest.approx((0 + 1 + 2 / 3 + 1) / 3)
    received = np.array([16, 3, 4, 2])
    assert one["functional_polycentricity"] == pytest.approx((1 - received.std() / 8) * 5 / 12)
    assert one["reciprocity"] == pytest.approx((3 + 3 + 2 + 2) / 25)


def test_an_area_without_commuters_between_members_has_a_centre_only():
    table = area_structure(LABELS, FLOWS)
    assert table.loc[2, "centre"] == "e"
    assert table.loc[2].drop("centre").isna().all()
    lost = area_structure(pd.Series([1, 2, 2], index=["a", "z", "y"]), FLOWS)
    assert lost.loc[2, "centre"] == "y"


def test_a_star_is_as_hierarchical_as_can_be():
    table = area_structure(
        pd.Series("A", index=list("abcd")), flows_of(["b", "a", 5], ["c", "a", 3], ["d", "a", 9])
    )
    expected = [1, 1, 1, 1, 1, 0]
    names = ["primacy", "effective_centres", "dominant_centres", "tiers", "hierarchy", "reciprocity"]
    assert table.loc["A", names].tolist() == expected


def test_two_equal_stars_have_two_centres():
    flows = flows_of(["b", "a", 5], ["c", "a", 5], ["e", "d", 5], ["f", "d", 5])
    row = area_structure(pd.Series("A", index=list("abcdef")), flows).loc["A"]
    assert (row["effective_centres"], row["dominant_centres"], row["tiers"]) == (2, 2, 1)
    assert row["hierarchy"] == pytest.approx(
        4 * 0.4 / 5
    )  # four members reach nobody, two centres two of five


def test_two_members_that_send_as_many_each_way_are_polycentric():
    row = area_structure(pd.Series(1, index=["a", "b"]), flows_of(["a", "b", 4], ["b", "a", 4])).loc[1]
    assert (row["functional_polycentricity"], row["reciprocity"], row["effective_centres"]) == (1, 1, 2)
    row = area_structure(pd.Series(1, index=["a", "b"]), flows_of(["a", "b", 4])).loc[1]
    assert (row["functional_polycentricity"], row["reciprocity"], row["effective_centres"]) == (0, 0, 1)


def test_jobs_of_commuters_from_outside_make_a_centre():
    flows = flows_of(["a", "b", 4], ["b", "a", 3], ["x", "a", 9])
    row = area_structure(pd.Series(1, index=["a", "b"]), flows).loc[1]
    assert (row["centre"], row["primacy"]) == ("a", 3 / 7)


def test_codes_may_be_numbers():
    flows = flows_of([1, 2, 4], [2, 1, 1])
    assert area_structure(pd.Series(7, index=[1, 2]), flows).loc[7, "centre"] == 2


def test_fractions_of_commuters_change_nothing():
    small = area_structure(LABELS, FLOWS.assign(commuters=FLOWS["commuters"] / 8))
    pd.testing.assert_frame_equal(small, area_structure(LABELS, FLOWS))


PAIRS = st.tuples(st.integers(0, 7), st.integers(0, 7))
NETWORKS = st.dictionaries(PAIRS, st.integers(1, 12), min_size=1, max_size=40)


@given(NETWORKS, st.lists(st.integers(0, 2), min_size=8, max_size=8))
def test_any_network_agrees_with_a_plain_count(network, areas):
    flows = flows_of(*([f"{o}", f"{d}", n] for (o, d), n in network.items()))
    labels = pd.Series(areas, index=[str(code) for code in range(8)])
    table = area_structure(labels, flows)
    for area, row in table.iterrows():
        members = [code for code in range(8) if areas[code] == area]
        inside = {(o, d): n for (o, d), n in network.items() if o != d and {o, d} <= set(members)}
        if not inside:
            assert row.drop("centre").isna().all()
            continue
        received = {m: sum(n for (_, d), n in inside.items() if d == m) for m in members}
        graph = nx.DiGraph()
        graph.add_nodes_from(members)
        for m in members:
            out = sorted((-n, -received[d], d) for (o, d), n in inside.items() if o == m)
            if out and (received[out[0][2]], -out[0][2]) > (received[m], -m):
                graph.add_edge(out[0][2], m)
        total = sum(inside.values())
        assert row["primacy"] == pytest.approx(received[int(row["centre"])] / total)
        shares = np.array(list(received.values())) / total
        assert row["effective_centres"] == pytest.approx(1 / (shares**2).sum())
        roots = [m for m in members if graph.out_degree(m) and not graph.in_degree(m)]
        assert row["dominant_centres"] == len(roots) > 0
        assert row["tiers"] == nx.dag_longest_path_length(graph)
        assert row["hierarchy"] == pytest.approx(nx.global_reaching_centrality(graph))
        spread = np.std(shares) / (shares.max() / 2)
        density = len(inside) / (len(members) * (len(members) - 1))
        assert row["functional_polycentricity"] == pytest.approx((1 - spread) * density)
        returned = sum(min(n, inside.get((d, o), 0)) for (o, d), n in inside.items())
        assert row["reciprocity"] == pytest.approx(returned / total)


@given(NETWORKS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(network, random):
    rows = [[f"{o}", f"{d}", n] for (o, d), n in network.items()]
    labels = pd.Series(1, index=[str(code) for code in range(8)])
    before = area_structure(labels, flows_of(*rows))
    random.shuffle(rows)
    pd.testing.assert_frame_equal(area_structure(labels, flows_of(*rows)), before)


def test_wrong_input_is_told():
    with pytest.raises(InputError, match="codes must be those of the flows"):
        area_structure(LABELS.rename(str.upper), FLOWS)
    with pytest.raises(InputError, match="repeated"):
        area_structure(pd.Series([1, 2], index=["a", "a"]), FLOWS)
    with pytest.raises(InputError, match="columns origin, destination, commuters"):
        area_structure(LABELS, FLOWS[["origin"]])
