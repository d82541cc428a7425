import sys

import numpy as np
import pandas as pd
import pytest

from diagnosis.areas import community, modularity
from diagnosis.areas.community import CommunityAreas
from diagnosis.areas.repair import Move
from diagnosis.errors import InputError, UnknownNameError

METHODS = pytest.mark.parametrize("method", ["leiden", "infomap"])
SIDE = 6


def grid() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Flows and contiguity of 6 x 6 municipalities around four centres."""
    place = np.array([(row, column) for row in range(SIDE) for column in range(SIDE)])
    distance = np.abs(place[:, None] - place[None]).sum(axis=2)
    centre = (place % 3 == 1).all(axis=1)
    amount = np.floor(100 * np.exp(-1.2 * distance) * (1 + 6 * centre)).astype(int)
    codes = np.array([f"{number:06d}" for number in range(SIDE**2)])
    start, stop = np.nonzero(amount)
    first, second = np.nonzero(distance == 1)
    flows = {"origin": codes[start], "destination": codes[stop], "commuters": amount[start, stop]}
    return pd.DataFrame(flows), pd.DataFrame({"code": codes[first], "neighbour": codes[second]})


@pytest.fixture
def library():
    """Skip what needs the extra `peers` where it is not installed."""
    for name in ("leidenalg", "igraph", "infomap"):
        pytest.importorskip(name)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(("method", "n_areas"), [("leiden", None), ("infomap", 4)])
def test_the_four_centres_are_found(method, n_areas):
    # by itself infomap makes a fifth area where the four meet, which shortens its code
    flows, contiguity = grid()
    model = CommunityAreas(method=method, n_areas=n_areas, contiguity=contiguity).fit(flows)
    place = model.labels_.index.astype(int)
    planted = pd.Series((place // SIDE // 3) * 2 + place % SIDE // 3, index=model.labels_.index)
    assert model.n_areas_ == 4
    assert (model.resolution_ == 1) == (n_areas is None)
    assert (model.labels_.groupby(planted).nunique() == 1).all()
    assert model.moved_.empty
    assert model.summary_["municipalities"].tolist() == [9, 9, 9, 9]


@pytest.mark.usefixtures("library")
def test_leiden_at_resolution_one_maximises_directed_modularity():
    flows, _ = grid()
    labels = CommunityAreas().fit(flows).labels_
    best = modularity(labels, flows)
    random = np.random.default_rng(1)
    for code in random.choice(labels.index, 10):
        other = labels.copy()
        other[code] = labels[code] % 4 + 1
        assert modularity(other, flows) < best


@pytest.mark.usefixtures("library")
@METHODS
def test_a_wanted_number_of_areas_is_reached(method):
    flows, contiguity = grid()
    for wanted in (1, 4, SIDE**2):
        model = CommunityAreas(method=method, n_areas=wanted, contiguity=contiguity).fit(flows)
        assert model.n_areas_ == model.labels_.nunique() == len(model.summary_) == wanted
        again = CommunityAreas(method=method, resolution=model.resolution_, contiguity=contiguity).fit(flows)
        pd.testing.assert_series_equal(again.labels_, model.labels_)


@pytest.mark.usefixtures("library")
@METHODS
def test_repairs_are_recorded(method):
    flows, contiguity = grid()
    # the far corner works in the first centre, so that it is drawn into an area it does not touch
    strong = pd.DataFrame({"origin": ["000035"], "destination": ["000007"], "commuters": [5000]})
    flows = pd.concat([flows, strong])
    bare = CommunityAreas(method=method).fit(flows)
    assert bare.labels_["000035"] == bare.labels_["000007"]
    model = CommunityAreas(method=method, contiguity=contiguity).fit(flows)
    pd.testing.assert_series_equal(model.partition_before_repair_, bare.labels_)
    assert set(model.moved_["reason"]) == {"detached piece"}
    codes = model.moved_["code"]
    assert model.moved_["from_area"].tolist() == bare.labels_[codes].tolist()
    assert model.n_areas_ == bare.n_areas_
    assert model.labels_["000035"] != model.labels_["000007"]


@pytest.mark.usefixtures("library")
@METHODS
def test_small_areas_are_merged(method):
    flows, contiguity = grid()
    size = flows["commuters"].sum() / 5
    model = CommunityAreas(method=method, resolution=20, min_size=size, contiguity=contiguity).fit(flows)
    assert (model.summary_["employed_residents"] >= size).all()
    assert set(model.moved_["reason"]) == {"below the minimum size"}
    assert model.partition_before_repair_.nunique() > model.n_areas_ > 1


@pytest.mark.usefixtures("library")
def test_scaling_flows_and_sizes_changes_nothing():
    flows, contiguity = grid()
    tenths = flows.assign(commuters=flows["commuters"] / 10)
    size = flows["commuters"].sum() / 5
    model = CommunityAreas(resolution=20, min_size=size, contiguity=contiguity)
    labels = model.fit(flows).labels_
    pd.testing.assert_series_equal(model.set_params(min_size=size / 10).fit(tenths).labels_, labels)


@pytest.mark.usefixtures("library")
@METHODS
@pytest.mark.parametrize(
    "rows", [[["a", "a", 5]], [["a", "b", 5]], [["a", "a", 5], ["b", "b", 1]], [["a", "b", 2], ["c", "d", 0]]]
)
def test_tiny_networks(method, rows):
    flows = pd.DataFrame(rows, columns=["origin", "destination", "commuters"])
    model = CommunityAreas(method=method).fit(flows)
    moving = flows[flows["commuters"] > 0]
    living = set(moving["origin"]) | set(moving["destination"])
    assert set(model.labels_.dropna().index) == living
    assert set(model.unassigned_["code"]) == set("abcd") & set(model.labels_.index) - living
    assert 1 <= model.n_areas_ <= len(living)


@pytest.mark.usefixtures("library")
@METHODS
def test_a_contiguity_graph_that_misses_municipalities_leaves_them_where_they_were(method):
    flows, contiguity = grid()
    absent = ["000000", "000001"]
    kept = ~contiguity[["code", "neighbour"]].isin(absent).any(axis=1)
    model = CommunityAreas(method=method, contiguity=contiguity[kept]).fit(flows)
    assert model.labels_.notna().all()
    pd.testing.assert_series_equal(model.labels_[absent], model.partition_before_repair_[absent])
    assert set(model.moved_["code"]) == set(absent)
    assert model.moved_["to_area"].isna().all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_areas": 0}, "n_areas must be a whole number from 1 to 36"),
        ({"n_areas": 37}, "37 was given"),
        ({"n_areas": 2.0}, "n_areas must be a whole number"),
        ({"n_areas": True}, "n_areas must be a whole number"),
        ({"resolution": 0}, "resolution must be a number above 0"),
        ({"resolution": float("inf")}, "resolution must be a number above 0"),
        ({"min_size": "many"}, "min_size must be a number above 0"),
        ({"n_areas": 3, "resolution": 1.0}, "Either n_areas or resolution"),
        ({"random_state": None}, "random_state must be a whole number"),
        ({"random_state": -1}, "random_state must be a whole number"),
        ({"contiguity": []}, "contiguity: a DataFrame"),
        ({"contiguity": pd.DataFrame({"code": ["x"], "neighbour": ["y"]})}, "contiguity: its codes"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        CommunityAreas(**parameters).fit(grid()[0])


def test_unknown_method_is_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'leiden'"):
        CommunityAreas(method="leyden").fit(grid()[0])


@pytest.mark.parametrize(
    ("method", "module"), [("leiden", "igraph"), ("leiden", "leidenalg"), ("infomap", "infomap")]
)
def test_a_missing_library_says_how_to_get_it(monkeypatch, method, module):
    if module == "leidenalg":
        pytest.importorskip("igraph")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"{module}.*pip install diagnosis\[peers\]"):
        CommunityAreas(method=method).fit(grid()[0])


def partition_of(number: int) -> community._Partition:
    return community._Partition(np.arange(number), np.arange(number), list[Move](), 0)


@pytest.mark.parametrize("wanted", [1, 2, 40, 531, 5000])
@pytest.mark.parametrize("power", [0.4, 0.62, 2.0])
@pytest.mark.parametrize("wave", [0.0, 0.03])
def test_the_search_finds_the_number_within_half_a_per_cent(wanted, power, wave):
    tried = []

    def partition_at(resolution: float) -> community._Partition:
        tried.append(resolution)
        number = 100 * resolution**power * (1 + wave * np.sin(40 * np.log(resolution)))
        return partition_of(int(np.clip(number, 1, 7904)))

    resolution, partition = community._search(partition_at, wanted)
    assert abs(len(partition.after) - wanted) <= 0.005 * wanted
    assert resolution == tried[-1]
    assert len(tried) <= 12


def test_the_search_says_what_was_nearest_where_the_number_cannot_be_had():
    tried = []

    def partition_at(resolution: float) -> community._Partition:
        tried.append(resolution)
        return partition_of(3 if resolution < 7 else 50)

    _, partition = community._search(partition_at, 20)
    assert len(partition.after) == 3
    assert len(tried) <= community.MOST_TRIALS
    _, partition = community._search(lambda resolution: partition_of(9), 2)
    assert len(partition.after) == 9
