"""Mode "clean": no dependence on codes, contiguity, dissolved areas, constraints."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.areas import (
    FunctionalAreas,
    agreement,
    area_quality,
    compiled,
    membership_margin,
)
from diagnosis.errors import InputError
from diagnosis.networks import contiguity
from diagnosis.sources.embedded import read_municipalities
from diagnosis.sources.istat import read_commuting

COLUMNS = ["origin", "destination", "commuters"]
SMALL = {"min_size": 30, "target_size": 300, "mode": "clean"}


def grid(side, seed, codes=None):
    """A square of municipalities with gravity flows and without exact ties, its neighbours and its points."""
    rng = np.random.default_rng(seed)
    n = side * side
    codes = [f"{i:03d}" for i in range(n)] if codes is None else codes
    x, y = np.divmod(np.arange(n), side)
    distance = np.hypot(x[:, None] - x, y[:, None] - y)
    size = rng.lognormal(4, 1, n)
    expected = size[:, None] * size**0.5 * np.exp(-1.3 * distance) * rng.lognormal(0, 0.3, (n, n))
    flows = pd.DataFrame(
        [(codes[i], codes[j], c) for (i, j), c in np.ndenumerate(np.floor(expected * 100) / 100) if c > 0],
        columns=COLUMNS,
    )
    i, j = np.nonzero(distance == 1)
    neighbours = pd.DataFrame({"code": np.take(codes, i), "neighbour": np.take(codes, j)})
    points = pd.DataFrame({"x": x, "y": y}, index=codes)
    return flows, neighbours, points


def same(a, b):
    return agreement(a, b)["adjusted_rand"] == pytest.approx(1)


@given(st.integers(0, 10_000))
def test_renumbering_and_shuffling_give_the_same_areas(seed):
    flows, neighbours, points = grid(6, seed)
    rng = np.random.default_rng(seed)
    old = points.index.tolist()
    new = dict(zip(old, rng.permutation(old), strict=True))
    model = FunctionalAreas(**SMALL, contiguity=neighbours).fit(flows, location=points)
    renamed = flows.assign(origin=flows["origin"].map(new), destination=flows["destination"].map(new))
    moved = neighbours.assign(code=neighbours["code"].map(new), neighbour=neighbours["neighbour"].map(new))
    again = FunctionalAreas(**SMALL, contiguity=moved.sample(frac=1, random_state=seed)).fit(
        renamed.sample(frac=1, random_state=seed), location=points.rename(index=new)
    )
    assert model.ties_ == again.ties_ == 0
    assert model.labels_.to_dict() == {code: again.labels_[new[code]] for code in old}


@given(st.integers(0, 10_000), st.sampled_from([0.4, 0.6, 0.7]))
def test_areas_are_connected_valid_and_complete(seed, containment):
    flows, neighbours, _ = grid(6, seed)
    model = FunctionalAreas(**SMALL, min_self_containment=containment, contiguity=neighbours).fit(flows)
    quality = area_quality(model.labels_, flows, contiguity=neighbours, parameters=model.get_params())
    assert model.labels_.notna().all()
    assert (quality["n_pieces"] == 1).all()
    # Whatever happened, one area that contains everybody is closed and valid.
    assert (quality["validity"] >= 1).all()
    assert len(model.unassigned_) == len(model.isolated_) == 0


@given(st.integers(0, 10_000))
def test_areas_respect_groups_and_links(seed):
    flows, neighbours, points = grid(5, seed)
    codes = points.index
    within = pd.Series(np.where(points["x"] < 2, "west", "east"), index=codes)
    together, apart = [["000", "001", "002"], ["002", "003"]], [("012", "013"), ("020", "024")]
    model = FunctionalAreas(
        **SMALL, contiguity=neighbours, within=within, must_link=together, cannot_link=apart
    ).fit(flows)
    labels = model.labels_
    assert labels.notna().all()
    assert (within.groupby(labels).nunique() == 1).all()
    assert labels[["000", "001", "002", "003"]].nunique() == 1
    assert labels["012"] != labels["013"]
    assert labels["020"] != labels["024"]
    assert (area_quality(labels, flows, contiguity=neighbours)["n_pieces"] == 1).all()


def test_compiled_code_and_plain_python_agree(monkeypatch):
    flows, neighbours, points = grid(7, 1)
    for options in ({"mode": "istat"}, {}, {"contiguity": neighbours}):
        results = []
        for limit in (10**9, 0):
            monkeypatch.setattr(compiled, "COMPILED_FROM", limit)
            model = FunctionalAreas(**SMALL | options).fit(flows, location=points)
            results.append((model.labels_, model.history_, model.reserve_))
        for plain, machine in zip(*results, strict=True):
            assert plain.equals(machine)


def test_an_area_pulled_below_validity_is_dissolved():
    # 2 sends its people to 1 and gets none: 1 refuses it, the reserve is placed all the same, and 1 is then short.
    rows = [["1", "1", 60], ["1", "3", 39], ["3", "3", 300], ["3", "1", 30], ["2", "2", 1], ["2", "1", 9]]
    rows += [["2", "3", 8], ["3", "2", 1]]
    flows = pd.DataFrame(rows, columns=COLUMNS)
    options = {"min_size": 50, "target_size": 100}
    assert FunctionalAreas(**options).fit(flows).statistics_["areas_below_validity"] == 1
    model = FunctionalAreas(**options, mode="clean").fit(flows)
    assert model.labels_.to_dict() == {"1": 1, "2": 1, "3": 1}
    assert model.history_["rule"].tolist() == [
        "refused",
        "placed",
        "dissolved",
        "dissolved",
        "placed",
        "placed",
    ]
    assert model.partition_before_reserve_.fillna(0).to_dict() == {"1": 2, "2": 0, "3": 1}


def test_an_area_that_falls_apart_becomes_several():
    # A chain 1-2-3 in which 2 leaves: 1 and 3 do not touch.
    flows, _, _ = grid(3, 4)
    chain = pd.DataFrame(
        [(f"{i:03d}", f"{j:03d}") for i in range(9) for j in (i - 1, i + 1) if 0 <= j < 9],
        columns=["code", "neighbour"],
    )
    for containment in (0.3, 0.5, 0.7):
        model = FunctionalAreas(**SMALL, min_self_containment=containment, contiguity=chain).fit(flows)
        assert (area_quality(model.labels_, flows, contiguity=chain)["n_pieces"] == 1).all()


def test_municipalities_without_jobs_residents_or_flows():
    rows = [["1", "1", 90], ["1", "2", 10], ["2", "2", 80], ["2", "1", 20], ["3", "1", 5], ["2", "4", 5]]
    rows += [["5", "5", 0], ["6", "6", 7]]
    model = FunctionalAreas(min_size=10, target_size=80, mode="clean").fit(
        pd.DataFrame(rows, columns=COLUMNS)
    )
    assert model.zero_list_.set_index("code")["reason"].to_dict() == {
        "3": "no jobs",
        "4": "no employed residents",
        "5": "no flow",
    }
    assert model.unassigned_.to_dict("records") == [{"code": "5", "reason": "no flow"}]
    assert model.labels_["3"] == model.labels_["1"]
    assert model.labels_["4"] == model.labels_["2"]
    assert model.labels_.groupby(model.labels_).size()[model.labels_["6"]] == 1
    assert (model.summary_["validity"] >= 1).all()


def test_isolated_and_refused_municipalities_found_areas():
    flows, neighbours, _ = grid(3, 0)
    left = neighbours[(neighbours["code"] != "008") & (neighbours["neighbour"] != "008")]
    model = FunctionalAreas(**SMALL, contiguity=left).fit(flows)
    assert list(model.isolated_) == ["008"]
    assert (model.labels_ == model.labels_["008"]).sum() == 1
    assert model.history_.set_index("code").at["008", "rule"] is not None


def test_a_single_municipality_is_an_area():
    flows = pd.DataFrame([["1", "1", 5]], columns=COLUMNS)
    model = FunctionalAreas(mode="clean").fit(flows)
    assert model.labels_.to_dict() == {"1": 1}
    assert model.summary_["validity"].tolist() == [1.0]


def test_ties_are_counted_and_a_seed_decides_them():
    rows = [["1", "1", 60], ["2", "2", 60], ["3", "3", 2], ["3", "1", 3], ["3", "2", 3], ["1", "3", 1]]
    flows = pd.DataFrame([*rows, ["2", "3", 1]], columns=COLUMNS)
    options = {"min_size": 10, "min_self_containment": 0.5, "target_size": 50, "target_self_containment": 0.7}
    model = FunctionalAreas(**options, mode="clean").fit(flows)
    assert model.ties_ > 0
    assert model.labels_["3"] == model.labels_["1"]
    chosen = {
        FunctionalAreas(**options, mode="clean", random_state=seed).fit(flows).labels_.map(str).str.cat()
        for seed in range(10)
    }
    assert len(chosen) == 2
    points = pd.DataFrame({"x": [5.0, 1.0, 3.0], "y": 0.0}, index=["1", "2", "3"])
    model = FunctionalAreas(**options, mode="clean").fit(flows, location=points)
    assert model.ties_ == 0
    assert model.labels_["3"] == model.labels_["2"]  # the western one


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "istat", "within": pd.Series("a", index=["1"])}, "mode='clean'"),
        ({"contiguity": pd.DataFrame({"a": [1]})}, "code, neighbour"),
        ({"contiguity": pd.DataFrame({"code": ["x"], "neighbour": ["y"]})}, "those of the flows"),
        ({"within": pd.Series("a", index=["000"])}, "35 have none"),
        ({"within": ["a"]}, "Series"),
        ({"must_link": [["000", "999"]]}, "'999' is not"),
        ({"must_link": ["000001"]}, "list of codes"),
        ({"must_link": [["000", "035"]]}, "must touch"),
        ({"must_link": [["000", "001"]], "cannot_link": [("001", "000")]}, "must stay together"),
        ({"cannot_link": [("000", "000")]}, "another one"),
        ({"cannot_link": [("000", "001", "002")]}, "pair"),
        ({"random_state": -1}, "at least 0"),
    ],
)
def test_constraints_that_cannot_hold_are_explained(options, message):
    flows, neighbours, _ = grid(6, 0)
    given_options = SMALL | {"contiguity": neighbours} | options
    if options.get("mode") == "istat":
        given_options["contiguity"] = None
    with pytest.raises(InputError, match=message):
        FunctionalAreas(**given_options).fit(flows)


def test_links_across_groups_are_refused():
    flows, _, points = grid(3, 0)
    within = pd.Series(np.where(points["x"] < 1, "west", "east"), index=points.index)
    with pytest.raises(InputError, match="contradict"):
        FunctionalAreas(**SMALL, within=within, must_link=[["000", "008"]]).fit(flows)


def test_a_municipality_crosses_to_the_side_it_is_linked_to():
    # 3 joins 1 while 2, still small, cannot take it; once 2 has grown, 3 is linked more strongly to it.
    for seed in range(60):
        flows, neighbours, _ = grid(6, seed)
        model = FunctionalAreas(**SMALL, contiguity=neighbours).fit(flows)
        moves = model.history_[model.history_["rule"] == "adjusted"]
        if len(moves):
            break
    assert (moves["to_area"] == moves["candidate"]).all()
    assert (moves["validity_after"] >= 1).all()
    assert (moves["from_area"] != moves["to_area"]).all()
    left = model.history_.iloc[: moves.index[0]]
    assert not left["rule"].eq("adjusted").any()


@given(st.integers(0, 10_000))
def test_nobody_could_move_and_keep_more_commuters_inside(seed):
    """The other side is linked more strongly only where an area would fail or fall apart by the move."""
    flows, neighbours, _ = grid(5, seed)
    model = FunctionalAreas(**SMALL, contiguity=neighbours).fit(flows)
    labels = model.labels_
    margin = membership_margin(labels, flows, contiguity=neighbours)
    for code, row in margin[margin["margin"] < 1].iterrows():
        moved = labels.copy()
        moved[code] = row["second_area"]
        quality = area_quality(moved, flows, contiguity=neighbours, parameters=model.get_params())
        sound = (quality["validity"] >= 1).all() and (quality["n_pieces"] == 1).all()
        assert not sound or internal(moved, flows) <= internal(labels, flows) + 1e-9


def internal(labels, flows):
    return flows.loc[flows["origin"].map(labels) == flows["destination"].map(labels), "commuters"].sum()


@pytest.mark.slow
def test_italy(mirror):
    """No area in pieces or below validity, nothing lost against ISTAT's method, the same under 20 renumberings."""
    flows = read_commuting(mirror / "istat/matrix_pendoLAVORO_2021_completed.zip")
    municipalities = read_municipalities()
    neighbours = contiguity(municipalities)
    istat = FunctionalAreas().fit(flows)
    model = FunctionalAreas(mode="clean", contiguity=neighbours).fit(flows, location=municipalities)
    assert model.ties_ == 0
    assert model.labels_.notna().all()
    quality = area_quality(model.labels_, flows, contiguity=neighbours, parameters=model.get_params())
    assert (quality["n_pieces"] == 1).all()
    assert (quality["validity"] < 1).sum() == 0 < istat.statistics_["areas_below_validity"]
    assert internal(model.labels_, flows) > internal(istat.labels_, flows) - 0.003 * flows["commuters"].sum()
    old = pd.Index(model.labels_.index)
    rng = np.random.default_rng(0)
    for _ in range(20):
        new = dict(zip(old, rng.permutation(old), strict=True))
        again = FunctionalAreas(
            mode="clean", contiguity=neighbours.assign(
                code=neighbours["code"].map(new), neighbour=neighbours["neighbour"].map(new)
            ),
        ).fit(
            flows.assign(origin=flows["origin"].map(new), destination=flows["destination"].map(new)),
            location=municipalities.rename(index=new),
        )  # fmt: skip
        assert (again.labels_.reindex(old.map(new)).to_numpy() == model.labels_.to_numpy()).all()
