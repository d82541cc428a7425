import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.repair import Contacts, absorb_small_areas, repair_contiguity
from diagnosis.errors import InputError


def matrix(text: str) -> pd.DataFrame:
    """Flows written as "ab 5, ba 3": from a to b 5 commuters."""
    rows = [(pair[0], pair[1], int(amount)) for pair, amount in (row.split() for row in text.split(","))]
    return pd.DataFrame(rows, columns=["origin", "destination", "commuters"])


def touching(text: str) -> pd.DataFrame:
    return pd.DataFrame([tuple(pair) for pair in text.split()], columns=["code", "neighbour"])


def partition(text: str) -> pd.Series:
    """Areas written as "ab cd": the first holds a and b."""
    members = {code: number for number, group in enumerate(text.split(), 1) for code in group}
    return pd.Series(members, dtype="Int64").sort_index()


def test_a_contiguous_partition_stays_as_it_is():
    labels = partition("ab cd")
    repaired, moved = repair_contiguity(labels, matrix("ab 1, cd 1"), touching("ab bc cd"))
    pd.testing.assert_series_equal(repaired, labels)
    assert list(moved.columns) == ["step", "code", "from_area", "to_area", "link"]
    assert moved.empty


def test_the_piece_with_fewer_employed_residents_joins_the_touching_area_of_strongest_link():
    # d is cut off from a; it sends more to a than to anyone, but a does not touch it
    flows = matrix("aa 50, da 9, dd 5, db 4, bb 20, bd 2, cc 30, dc 2")
    repaired, moved = repair_contiguity(partition("ad b c"), flows, touching("ab ac bd dc"))
    assert repaired.to_dict() == {"a": 1, "b": 2, "c": 3, "d": 2}
    row = moved.iloc[0]
    assert (row["step"], row["code"], row["from_area"], row["to_area"]) == (1, "d", 1, 2)
    # L_b = 22, W_d = 7, L_d = 20, W_b = 24
    assert row["link"] == pytest.approx(2**2 / (22 * 7) + 4**2 / (20 * 24))


def test_links_are_recomputed_when_a_piece_has_found_its_area():
    # p goes to m; only then is m stronger than n for q, which exchanges with p
    flows = matrix("mm 40, nn 40, pm 30, mp 30, qp 20, pq 20, qn 5, nq 5, xx 90, yy 90")
    repaired, moved = repair_contiguity(partition("m n px qy"), flows, touching("mp mq qn pq xy xm"))
    assert repaired[["p", "q"]].tolist() == [1, 1]
    assert moved["code"].tolist() == ["p", "q"]
    assert moved["step"].tolist() == [1, 2]


def test_a_piece_that_touches_only_pieces_waits_for_them():
    flows = matrix("mm 9, xx 9, yy 9, pm 1, qx 5")
    repaired, _ = repair_contiguity(partition("m px qy"), flows, touching("mp pq mx my"))
    assert repaired[["p", "q"]].tolist() == [1, 1]


def test_without_any_flow_the_most_employed_residents_decide():
    flows = matrix("mm 10, nn 20, xx 30, pp 1")
    repaired, moved = repair_contiguity(partition("m n px"), flows, touching("mp np mx"))
    assert repaired["p"] == 2
    assert moved["link"].tolist() == [0]


def test_a_piece_that_touches_nothing_stays_and_is_reported():
    repaired, moved = repair_contiguity(partition("ax b"), matrix("aa 5, xb 3, bb 2"), touching("ab"))
    assert repaired["x"] == 1
    assert moved["code"].tolist() == ["x"]
    assert moved["to_area"].isna().all()
    assert moved["link"].isna().all()


def test_municipalities_without_area_are_no_bridge_and_keep_none():
    labels = partition("ac b d")
    labels["b"] = pd.NA
    repaired, moved = repair_contiguity(labels, matrix("aa 5, cc 2, cd 1, dd 1"), touching("ab bc cd"))
    assert repaired.isna().tolist() == [False, True, False, False]
    assert repaired["c"] == 3
    assert moved["code"].tolist() == ["c"]


def test_codes_without_flows_and_names_of_areas_are_kept():
    labels = pd.Series({"a": "West", "b": "East", "z": "West"})
    repaired, moved = repair_contiguity(labels, matrix("aa 5, bb 4"), touching("ab bz"))
    assert repaired.to_dict() == {"a": "West", "b": "East", "z": "East"}
    assert moved[["from_area", "to_area"]].to_numpy().tolist() == [["West", "East"]]
    assert labels["z"] == "West"


@st.composite
def cases(draw):
    n = draw(st.integers(1, 12))
    codes = [f"{i:02d}" for i in range(n)]
    pairs = st.tuples(st.sampled_from(codes), st.sampled_from(codes))
    edges = draw(st.lists(pairs, max_size=2 * n))
    flows = draw(st.lists(st.tuples(pairs, st.integers(0, 9)), max_size=40))
    rows = [(*pair, amount) for pair, amount in flows] + [(code, code, 1) for code in codes]
    labels = pd.Series(draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)), index=codes)
    return (
        labels,
        pd.DataFrame(rows, columns=["origin", "destination", "commuters"]),
        pd.DataFrame(edges, columns=["code", "neighbour"], dtype="object"),
    )


def pieces(labels: pd.Series, contiguity: pd.DataFrame) -> list[set]:
    """Connected groups of municipalities of one area."""
    groups = [{code} for code in labels.index]
    for a, b in contiguity.itertuples(index=False):
        if labels[a] == labels[b]:
            first, second = (next(group for group in groups if code in group) for code in (a, b))
            if first is not second:
                first |= second
                groups.remove(second)
    return groups


@given(cases())
@settings(max_examples=50)
def test_only_parts_of_the_graph_without_an_area_of_their_own_keep_pieces(case):
    labels, flows, contiguity = case
    repaired, moved = repair_contiguity(labels, flows, contiguity)
    assert set(repaired) == set(labels)
    left = set(moved.loc[moved["to_area"].isna(), "code"])
    assert not left & set(moved.loc[moved["to_area"].notna(), "code"])
    assert (repaired != labels).sum() == moved["to_area"].notna().sum()
    groups = pieces(repaired, contiguity)
    assert len(groups) - repaired.nunique() == moved.loc[moved["to_area"].isna(), "step"].nunique()
    # whoever is left can walk only to others that are left
    for part in pieces(labels * 0, contiguity):
        assert part <= left or not part & left
    again, nothing = repair_contiguity(repaired, flows, contiguity)
    assert nothing["to_area"].isna().all()
    assert again.equals(repaired)


@given(cases(), st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_order_of_rows_plays_no_part(case, random):
    labels, flows, contiguity = case
    expected = repair_contiguity(labels, flows, contiguity)
    shuffled = [table.sample(frac=1, random_state=random.randrange(1000)) for table in case]
    swapped = shuffled[2].rename(columns={"code": "neighbour", "neighbour": "code"})
    repaired, moved = repair_contiguity(shuffled[0].sort_index(), shuffled[1], swapped)
    pd.testing.assert_series_equal(repaired, expected[0])
    pd.testing.assert_frame_equal(moved, expected[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"contiguity": None}, "contiguity: a DataFrame is needed"),
        ({"contiguity": pd.DataFrame({"code": ["a"]})}, "missing: 'neighbour'"),
        ({"contiguity": touching("xy")}, "its codes must be those"),
        ({"labels": pd.Series({"x": 1})}, "labels: their codes"),
        ({"labels": pd.Series([1, 2], index=["a", "a"])}, "every municipality has one area"),
        ({"labels": [1, 2]}, "labels: a Series"),
        ({"flows": matrix("ab -1")}, "at least 0"),
    ],
)
def test_bad_input_is_refused(change, message):
    good = {"labels": partition("ab"), "flows": matrix("ab 1"), "contiguity": touching("ab")}
    with pytest.raises(InputError, match=message):
        repair_contiguity(**(good | change))


def absorbed(groups: str, flows: pd.DataFrame, min_size: float, contiguity: pd.DataFrame | None = None):
    labels = partition(groups)
    contacts = Contacts.of(FlowNetwork.from_table(flows), labels.index, contiguity)
    after, moves = absorb_small_areas(contacts, labels.to_numpy(dtype=int) - 1, min_size)
    return dict(zip(labels.index, (after + 1).tolist(), strict=True)), moves


def test_small_areas_join_the_strongest_neighbour_smallest_first():
    # d (1) joins c (3), which is still small and joins b with it
    flows = matrix("aa 20, bb 20, cc 1, cb 2, dc 1, da 0")
    after, moves = absorbed("a b c d", flows, 5)
    assert after == {"a": 1, "b": 2, "c": 2, "d": 2}
    assert [(move.municipalities, move.source, move.target) for move in moves] == [
        ([3], 3, 2),
        ([2, 3], 2, 1),
    ]


def test_small_areas_join_only_what_they_touch():
    flows = matrix("aa 20, bb 20, ca 2, cb 1")
    assert absorbed("a b c", flows, 5)[0]["c"] == 1
    assert absorbed("a b c", flows, 5, touching("bc"))[0]["c"] == 2
    assert absorbed("a b c", flows, 5, touching("ab"))[0]["c"] == 3, "it touches nobody"


@given(cases(), st.integers(1, 30))
@settings(max_examples=40)
def test_no_small_area_is_left_beside_another(case, min_size):
    labels, flows, contiguity = case
    network = FlowNetwork.from_table(flows)
    contacts = Contacts.of(network, labels.index, contiguity)
    start = np.arange(len(labels))
    after, _ = absorb_small_areas(contacts, start, min_size)
    live = np.bincount(after, contacts.live, len(labels))
    apart = after[contacts.first] != after[contacts.second]
    assert (live[after[contacts.first[apart]]] >= min_size).all()
    result = pd.Series(after, index=labels.index)
    assert len(pieces(result, contiguity)) == result.nunique()
