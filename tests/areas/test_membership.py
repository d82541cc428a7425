import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.membership import membership_links, membership_margin
from diagnosis.errors import InputError

FLOWS = pd.DataFrame(
    [
        *(["a", "a", 60], ["a", "b", 10], ["a", "c", 5]),
        *(["b", "b", 20], ["b", "a", 30]),
        *(["c", "c", 40], ["c", "b", 10], ["c", "d", 10]),
        *(["d", "d", 30], ["d", "c", 20]),
        *(["e", "e", 9], ["e", "a", 1], ["x", "e", 4]),
    ],
    columns=["origin", "destination", "commuters"],
)
LABELS = pd.Series([1, 1, 2, 2, 3, None, 3], index=["a", "b", "c", "d", "e", "g", "z"], dtype="Int64")
CONTIGUITY = pd.DataFrame({"code": ["a", "a", "b", "c", "e"], "neighbour": ["b", "e", "x", "d", "d"]})


def links_of(code, **options):
    table = membership_links(LABELS, FLOWS, **options)
    return table[table["code"] == code].set_index("area")


def test_links_by_hand():
    b = links_of("b")
    assert b["own"].to_dict() == {1: True, 2: False}
    assert b["link"].to_dict() == pytest.approx(
        {1: 10**2 / (75 * 40) + 30**2 / (50 * 91), 2: 10**2 / (110 * 40)}
    )
    assert b["commuters_to"].to_dict() == {1: 30, 2: 0}
    assert b["commuters_from"].to_dict() == {1: 10, 2: 10}
    assert b["touches"].isna().all()
    # e lives 10, works 13 (4 of them from x, in no area); area 3 without it has no flows: the link is 0
    e = links_of("e")
    assert e["link"].to_dict() == pytest.approx({1: 1 / (10 * 131), 3: 0})
    assert links_of("g").empty
    assert links_of("z")["own"].tolist() == [True]


def test_touching_areas_count_in_both_directions():
    assert links_of("a", contiguity=CONTIGUITY)["touches"].to_dict() == {1: True, 2: False, 3: True}
    assert links_of("e", contiguity=CONTIGUITY)["touches"].to_dict() == {1: True, 2: True, 3: False}
    assert links_of("b", contiguity=CONTIGUITY)["touches"].to_dict() == {1: True, 2: False}
    assert links_of("a", contiguity=CONTIGUITY).loc[3, "commuters_from"] == 1


def test_margin_by_hand():
    margin = membership_margin(LABELS, FLOWS)
    assert margin.index.tolist() == LABELS.index.tolist()
    b = margin.loc["b"]
    assert (b["area"], b["second_area"]) == (1, 2)
    assert b["margin"] == pytest.approx((100 / 3000 + 900 / 4550) / (100 / 4400))
    assert margin.loc["e", "margin"] == 0
    assert margin.loc[["g", "z"], "margin"].isna().all()
    assert margin["second_area"].dtype == "Int64"
    touching = membership_margin(LABELS, FLOWS, contiguity=CONTIGUITY)
    assert np.isinf(touching.loc["b", "margin"])
    assert pd.isna(touching.loc["b", "second_area"])
    assert touching.loc["a", "second_area"] == 3


def test_alone_in_its_area_there_is_no_link():
    labels = pd.Series(["A", "B", "B"], index=["a", "b", "c"])
    margin = membership_margin(labels, FLOWS)
    assert np.isnan(margin.loc["a", "link"])
    assert np.isnan(margin.loc["a", "margin"])
    assert margin.loc["a", "second_area"] == "B"


def test_nobody_in_an_area():
    labels = LABELS.mask(LABELS > 0)
    assert membership_links(labels, FLOWS).empty
    assert membership_margin(labels, FLOWS).isna().all(axis=None)


def test_wrong_input_is_told():
    with pytest.raises(InputError, match="codes must be those of the flows"):
        membership_links(LABELS.rename(str.upper), FLOWS)
    with pytest.raises(InputError, match="contiguity: its codes must be those of the labels"):
        membership_links(LABELS, FLOWS, contiguity=CONTIGUITY.apply(lambda column: column.str.upper()))
    with pytest.raises(InputError, match="missing: 'neighbour'"):
        membership_margin(LABELS, FLOWS, contiguity=CONTIGUITY[["code"]])
    with pytest.raises(InputError, match="list was given"):
        membership_links([1], FLOWS)


@st.composite
def cases(draw):
    n = draw(st.integers(2, 7))
    codes = list("abcdefg"[:n])
    amounts = draw(st.lists(st.integers(0, 9), min_size=n * n, max_size=n * n))
    flows = pd.DataFrame(
        [[o, d, amounts[i * n + j]] for i, o in enumerate(codes) for j, d in enumerate(codes)],
        columns=["origin", "destination", "commuters"],
    )
    flows.loc[0, "commuters"] += 1
    labels = pd.Series(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), index=codes, dtype="Int64")
    pairs = draw(st.lists(st.tuples(st.sampled_from(codes), st.sampled_from(codes)), min_size=1, max_size=8))
    return flows, labels.mask(labels == 3), pd.DataFrame(pairs, columns=["code", "neighbour"])


def check_by_sums(row, labels, flows):
    """The link of one row, summed from the flows as the formula is written."""
    i = row["code"]
    members = set(labels.index[(labels == row["area"]).fillna(False)]) - {i}
    amount, (home, work) = flows["commuters"], (flows["origin"], flows["destination"])
    to = amount[(home == i) & work.isin(members)].sum()
    coming = amount[home.isin(members) & (work == i)].sum()
    assert (row["commuters_to"], row["commuters_from"]) == (to, coming)
    if row["own"] and not members:
        assert np.isnan(row["link"])
        return
    link = 0.0
    if coming:
        link += coming**2 / (amount[home.isin(members)].sum() * amount[work == i].sum())
    if to:
        link += to**2 / (amount[home == i].sum() * amount[work.isin(members)].sum())
    assert row["link"] == pytest.approx(link)


@given(cases(), st.permutations(range(3)), st.randoms(use_true_random=False))
def test_links_are_the_formula_whatever_the_names_and_the_order(case, names, random):
    flows, labels, contiguity = case
    table = membership_links(labels, flows, contiguity=contiguity)
    for _, row in table.iterrows():
        check_by_sums(row, labels, flows)
        near = set(contiguity["code"][contiguity["neighbour"] == row["code"]]) | set(
            contiguity["neighbour"][contiguity["code"] == row["code"]]
        )
        assert row["touches"] == (labels.reindex(sorted(near - {row["code"]})) == row["area"]).any()
    order = random.sample(range(len(labels)), len(labels))
    renamed = labels.map(lambda area: f"area {names[area]}", na_action="ignore").iloc[order]
    again = membership_links(renamed, flows.iloc[::-1], contiguity=contiguity.iloc[::-1])
    same = again["area"].map({f"area {number}": area for area, number in enumerate(names)})
    pd.testing.assert_frame_equal(again.assign(area=same), table, check_dtype=False)
    margin = membership_margin(labels, flows, contiguity=contiguity)
    again = membership_margin(renamed, flows, contiguity=contiguity).loc[labels.index]
    pd.testing.assert_series_equal(again["margin"], margin["margin"])
    best = table[~table["own"] & table["touches"]].groupby("code")["link"].max()
    best = best[best > 0].reindex(margin.index)
    pd.testing.assert_series_equal(margin["second_link"], best, check_names=False)


@pytest.mark.slow
def test_italy(mirror):
    flows = pd.read_csv(
        mirror / "istat/matrix_pendoLAVORO_2021_completed.zip",
        sep="\t",
        dtype=str,
        keep_default_na=False,
        usecols=["Procom_res", "Procom_lav", "Pendolari"],
    )[["Procom_res", "Procom_lav", "Pendolari"]].set_axis(FLOWS.columns, axis=1)
    flows["commuters"] = flows["commuters"].astype(int)
    official = pd.read_csv(mirror / "validation/sll_2021.csv", dtype=str, keep_default_na=False)
    labels = official.set_index("code")["sll_code"]
    network = FlowNetwork.from_table(flows)
    table = membership_links(labels, network)
    assert table["own"].sum() == 7904
    few = table[table["code"].isin(["072006", "089017"])].groupby("code").head(4)
    for _, row in few.iterrows():
        check_by_sums(row, labels, flows)
    margin = membership_margin(labels, network)
    assert (margin["margin"] > 1).mean() > 0.95
