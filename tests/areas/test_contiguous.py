import sys
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from diagnosis.areas.contiguous import ContiguousAreas, municipal_attributes
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.networks.contiguity import components

INSTALLED = pytest.mark.skipif(find_spec("pygeoda") is None, reason="needs the extra peers: pygeoda")
METHODS = pytest.mark.parametrize("method", ["ward", pytest.param("skater", marks=INSTALLED)])


def line(n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Flows and contiguity of municipalities in a row."""
    codes = [f"{number:06d}" for number in range(n)]
    flows = pd.DataFrame(
        {"origin": codes, "destination": codes[1:] + codes[:1], "commuters": range(1, n + 1)}
    )
    return flows, pd.DataFrame({"code": codes[:-1], "neighbour": codes[1:]})


def attributes(**columns) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=[f"{number:06d}" for number in range(n)])


def groups(model: ContiguousAreas) -> list[list[int]]:
    labels = model.labels_.reset_index(drop=True)
    return sorted(labels.index[labels == number].tolist() for number in labels.unique())


@METHODS
def test_the_line_breaks_where_neighbours_differ(method):
    flows, contiguity = line(7)
    table = attributes(income=[1, 1.1, 1, 5, 5, 5.2, 1])
    model = ContiguousAreas(n_areas=3, method=method, contiguity=contiguity).fit(flows, attributes=table)
    assert groups(model) == [[0, 1, 2], [3, 4, 5], [6]]
    assert model.labels_.iloc[3] == 1, "most employed residents"
    assert model.summary_["employed_residents"].tolist() == [15, 7, 6]


@METHODS
def test_the_end_of_the_line_is_alike_but_does_not_touch(method):
    flows, contiguity = line(7)
    table = attributes(income=[1, 1.1, 1, 5, 5, 5.2, 1])
    joined = pd.concat([contiguity, pd.DataFrame({"code": ["000000"], "neighbour": ["000006"]})])
    model = ContiguousAreas(n_areas=2, method=method, contiguity=joined).fit(flows, attributes=table)
    assert groups(model) == [[0, 1, 2, 6], [3, 4, 5]]


@METHODS
@pytest.mark.parametrize("n_areas", [1, 2, 5, 24, 25])
def test_every_number_of_areas_is_reached_and_no_area_is_in_pieces(method, n_areas):
    random = np.random.default_rng(n_areas)
    codes = np.array([f"{number:06d}" for number in range(25)])
    place = np.array([(row, column) for row in range(5) for column in range(5)])
    first, second = np.nonzero(np.abs(place[:, None] - place[None]).sum(axis=2) == 1)
    contiguity = pd.DataFrame({"code": codes[first], "neighbour": codes[second]})
    start, stop = np.divmod(random.permutation(625)[:200], 25)
    flows = pd.DataFrame(
        {"origin": codes[start], "destination": codes[stop], "commuters": random.integers(1, 99, 200)}
    )
    model = ContiguousAreas(n_areas=n_areas, method=method, contiguity=contiguity).fit(flows)
    assert model.n_areas_ == model.labels_.nunique() == len(model.summary_) == n_areas
    assert (components(codes, contiguity, model.labels_) == 1).all()


def test_ward_is_what_scikit_learn_draws():
    from scipy.sparse import diags_array
    from sklearn.cluster import AgglomerativeClustering

    flows, contiguity = line(40)
    table = attributes(a=np.random.default_rng(5).normal(size=40), b=np.random.default_rng(6).normal(size=40))
    model = ContiguousAreas(n_areas=9, contiguity=contiguity).fit(flows, attributes=table)
    neighbours = diags_array([np.ones(39), np.ones(39)], offsets=[1, -1]).tocsr()
    scaled = ((table - table.mean()) / table.std(ddof=0)).to_numpy()
    expected = AgglomerativeClustering(n_clusters=9, connectivity=neighbours).fit_predict(scaled)
    assert len(set(zip(expected, model.labels_, strict=True))) == 9


def test_attributes_are_standardised_and_missing_ones_are_the_mean():
    flows, contiguity = line(4)
    table = attributes(a=[1, 3, np.nan, 2], same=[7, 7, 7, 7])
    table.loc["999999"] = [1000, 1000]
    model = ContiguousAreas(n_areas=2, contiguity=contiguity).fit(flows, attributes=table)
    half = np.sqrt(1.5)
    np.testing.assert_allclose(model.attributes_["a"], [-half, half, 0, 0])
    assert (model.attributes_["same"] == 0).all()


def test_chosen_attributes_only():
    flows, contiguity = line(4)
    table = attributes(a=[0, 0, 9, 9], b=[0, 9, 9, 9])
    model = ContiguousAreas(n_areas=2, contiguity=contiguity, attributes=["a"])
    assert groups(model.fit(flows, attributes=table)) == [[0, 1], [2, 3]]
    assert groups(model.set_params(attributes=["b"]).fit(flows, attributes=table)) == [[0], [1, 2, 3]]
    with pytest.raises(UnknownNameError, match="attribute of ContiguousAreas"):
        model.set_params(attributes=["c"]).fit(flows, attributes=table)


def test_default_attributes_by_hand():
    flows = pd.DataFrame(
        [["1", "1", 3], ["1", "2", 1], ["2", "2", 9], ["3", "2", 4], ["4", "4", 0]],
        columns=["origin", "destination", "commuters"],
    )
    table = municipal_attributes(flows)
    assert list(table.columns) == ["log_employed_residents", "internal_share", "log_jobs_per_resident"]
    assert table.index.tolist() == ["1", "2", "3", "4"]
    np.testing.assert_allclose(table["internal_share"], [0.75, 1, 0, np.nan])
    np.testing.assert_allclose(table["log_jobs_per_resident"], np.log([4 / 5, 15 / 10, 1 / 5, 1]))
    np.testing.assert_allclose(table["log_employed_residents"], np.log([4, 9, 4, np.nan]))
    population = pd.Series({"1": 100, "2": 0, "3": 50})
    table = municipal_attributes(flows, population, pd.Series({"1": 10, "2": 1, "3": 0}))
    assert list(table.columns)[:2] == ["log_density", "log_population"]
    np.testing.assert_allclose(table["log_density"], [np.log(10), np.nan, np.nan, np.nan])
    np.testing.assert_allclose(table["log_population"], np.log([100, np.nan, 50, np.nan]))


def test_default_attributes_are_used_with_the_population():
    flows, contiguity = line(6)
    population = pd.Series([9, 8, 7, 1, 1, 1], index=[f"{number:06d}" for number in range(6)])
    model = ContiguousAreas(n_areas=2, contiguity=contiguity, attributes=["log_population"])
    model.fit(flows, population)
    assert groups(model) == [[0, 1, 2], [3, 4, 5]]
    assert model.summary_["population"].tolist() == [24, 3]


def test_a_graph_in_parts_is_refused():
    flows, contiguity = line(6)
    with pytest.raises(
        InputError, match=r"2 parts; 2 lie outside the largest, for instance '000000', '000001'"
    ):
        ContiguousAreas(n_areas=3, contiguity=contiguity.drop(1)).fit(flows)


@METHODS
def test_municipalities_without_flows_are_left_out(method):
    flows, contiguity = line(5)
    flows = pd.concat([flows, pd.DataFrame([["999999", "999999", 0]], columns=flows.columns)])
    table = attributes(a=[1, 1, 1, 2, 2])
    model = ContiguousAreas(n_areas=2, method=method, contiguity=contiguity).fit(flows, attributes=table)
    assert model.unassigned_.to_dict("list") == {"code": ["999999"], "reason": ["no flow"]}
    assert model.labels_.isna().tolist() == [False] * 5 + [True]


def test_a_single_municipality_is_an_area():
    flows = pd.DataFrame({"origin": ["1"], "destination": ["1"], "commuters": [4]})
    contiguity = pd.DataFrame({"code": [], "neighbour": []})
    model = ContiguousAreas(n_areas=1, contiguity=contiguity).fit(flows)
    assert model.labels_.to_dict() == {"1": 1}


@pytest.mark.parametrize(
    ("parameters", "table", "message"),
    [
        ({"n_areas": 0}, None, "n_areas must be a whole number from 1 to 4"),
        ({"n_areas": 5}, None, "5 was given"),
        ({"n_areas": None}, None, "needs the number of areas"),
        ({"contiguity": None}, None, "contiguity: ContiguousAreas needs"),
        ({"contiguity": pd.DataFrame({"code": ["1"]})}, None, "missing: 'neighbour'"),
        ({"method": "wart"}, None, "Did you mean 'ward'"),
        ({"random_state": 0.5}, None, "random_state"),
        ({}, [1, 2], "a DataFrame with one row a municipality"),
        ({}, pd.DataFrame(index=["000000"]), "at least one column"),
        ({}, pd.DataFrame({"a": [1]}, index=["x"]), "indexed by the codes of the flows"),
        ({}, attributes(a=[1, 1, 1, 1]), "at least one must differ"),
        ({}, attributes(a=["1", "2", "x", "4"]), "finite numbers"),
        ({}, attributes(a=[1, 2, np.inf, 4]), "finite numbers"),
    ],
)
def test_bad_input_is_refused(parameters, table, message):
    flows, contiguity = line(4)
    with pytest.raises(InputError, match=message):
        ContiguousAreas(**({"n_areas": 2, "contiguity": contiguity} | parameters)).fit(
            flows, attributes=table
        )


def test_surfaces_of_other_places_are_refused():
    flows, _ = line(3)
    population = pd.Series({"000000": 1})
    with pytest.raises(InputError, match="area_km2"):
        municipal_attributes(flows, population, pd.Series({"x": 1.0}))


def test_a_missing_library_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygeoda", None)
    flows, contiguity = line(4)
    with pytest.raises(InputError, match=r"pygeoda.*pip install diagnosis\[peers\]"):
        ContiguousAreas(n_areas=2, method="skater", contiguity=contiguity).fit(flows)
