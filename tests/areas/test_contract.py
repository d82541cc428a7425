"""What every area estimator promises, whatever draws the areas."""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from diagnosis.areas import FunctionalAreas
from diagnosis.areas.community import CommunityAreas
from diagnosis.areas.contiguous import ContiguousAreas
from diagnosis.errors import InputError, UnknownNameError

SIDE = 6
CODES = [f"{number:06d}" for number in range(SIDE**2)]
SIZES = {"min_size": 150, "target_size": 2000}


def needs(*modules: str) -> pytest.MarkDecorator:
    absent = [module for module in modules if find_spec(module) is None]
    return pytest.mark.skipif(bool(absent), reason=f"needs the extra peers: {', '.join(absent)}")


LEIDEN, INFOMAP, SKATER = needs("leidenalg", "igraph"), needs("infomap"), needs("pygeoda")


def country() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Flows, contiguity and population of 6 x 6 municipalities of which one has no flows."""
    place = np.array([(row, column) for row in range(SIDE) for column in range(SIDE)])
    distance = np.abs(place[:, None] - place[None]).sum(axis=2)
    centre = (place % 3 == 1).all(axis=1)
    random = np.random.default_rng(7)
    amount = random.poisson(100 * np.exp(-1.2 * distance) * (1 + 6 * centre))
    codes = np.array(CODES)
    start, stop = np.nonzero(amount)
    first, second = np.nonzero(distance == 1)
    flows = {"origin": codes[start], "destination": codes[stop], "commuters": amount[start, stop]}
    empty = pd.DataFrame({"origin": ["000036"], "destination": ["000036"], "commuters": [0]})
    population = pd.Series(random.integers(100, 9000, SIDE**2), index=CODES)
    return (
        pd.concat([pd.DataFrame(flows), empty], ignore_index=True),
        pd.DataFrame({"code": codes[first], "neighbour": codes[second]}),
        population,
    )


FLOWS, CONTIGUITY, POPULATION = country()
ESTIMATORS = {
    "functional": (FunctionalAreas(**SIZES), ()),
    "functional, clean": (FunctionalAreas(**SIZES, mode="clean", contiguity=CONTIGUITY), ()),
    "leiden": (CommunityAreas(), LEIDEN),
    "leiden, repaired": (CommunityAreas(n_areas=7, contiguity=CONTIGUITY, min_size=150), LEIDEN),
    "infomap": (CommunityAreas(method="infomap"), INFOMAP),
    "infomap, repaired": (CommunityAreas(method="infomap", n_areas=6, contiguity=CONTIGUITY), INFOMAP),
    "ward": (ContiguousAreas(n_areas=5, contiguity=CONTIGUITY), ()),
    "skater": (ContiguousAreas(n_areas=5, method="skater", contiguity=CONTIGUITY), SKATER),
}
BAD = {
    "functional": {
        "min_size": -1,
        "min_self_containment": "half",
        "target_self_containment": 2,
        "mode": "fast",
    },
    "leiden": {"method": "louvain", "n_areas": 0.5, "resolution": -1, "min_size": 0, "random_state": "x"},
    "leiden, repaired": {"n_areas": 99, "resolution": 2, "contiguity": {"000000": "000001"}},
    "ward": {
        "method": "k-means",
        "n_areas": 0,
        "contiguity": None,
        "attributes": ["beauty"],
        "random_state": -3,
    },
}
MARKED = [pytest.param(name, marks=marks, id=name) for name, (_, marks) in ESTIMATORS.items()]


@pytest.fixture
def model(request):
    from sklearn.base import clone

    return clone(ESTIMATORS[request.param][0])


EVERY = pytest.mark.parametrize("model", MARKED, indirect=True)


@EVERY
def test_fit_returns_the_estimator_and_leaves_its_parameters_alone(model):
    before = model.get_params()
    flows, contiguity = FLOWS.copy(), CONTIGUITY.copy()
    assert model.fit(FLOWS, POPULATION) is model
    after = model.get_params()
    assert all(after[name] is value for name, value in before.items())
    pd.testing.assert_frame_equal(FLOWS, flows)
    if isinstance(after.get("contiguity"), pd.DataFrame):
        pd.testing.assert_frame_equal(after["contiguity"], contiguity)


@EVERY
def test_every_code_is_labelled_once_or_reported(model):
    model.fit(FLOWS)
    labels = model.labels_
    assert labels.index.tolist() == [*CODES, "000036"]
    assert (labels.index.name, labels.name, str(labels.dtype)) == ("code", "area", "Int64")
    reported = model.unassigned_
    if getattr(model, "mode", None) == "istat":  # it never places the zero list
        reported = pd.concat([reported, model.zero_list_])
    assert sorted(reported["code"]) == labels.index[labels.isna()].tolist() == ["000036"]
    assert reported["reason"].str.len().gt(0).all()


@EVERY
def test_areas_are_numbered_by_decreasing_population(model):
    labels = model.fit(FLOWS, POPULATION).labels_.dropna()
    residents = POPULATION[labels.index].groupby(labels.astype(int).to_numpy()).sum()
    assert residents.index.tolist() == list(range(1, labels.nunique() + 1))
    assert residents.is_monotonic_decreasing
    assert model.summary_.index.equals(residents.index)
    assert model.summary_.index.name == "area"
    assert model.summary_["population"].tolist() == residents.tolist()
    assert model.summary_["municipalities"].tolist() == labels.value_counts(sort=False).sort_index().tolist()


@EVERY
def test_order_of_rows_has_no_effect(model):
    labels = model.fit(FLOWS).labels_
    shuffled = FLOWS.sample(frac=1, random_state=3)
    halves = pd.concat([shuffled.assign(commuters=FLOWS["commuters"] // 2), shuffled])
    halves.iloc[len(shuffled) :, 2] -= halves.iloc[: len(shuffled), 2].to_numpy()
    pd.testing.assert_series_equal(model.fit(shuffled).labels_, labels)
    pd.testing.assert_series_equal(model.fit(halves).labels_, labels)


@EVERY
def test_order_of_the_contiguity_rows_has_no_effect(model):
    if getattr(model, "contiguity", None) is None:
        pytest.skip("no contiguity")
    labels = model.fit(FLOWS).labels_
    once = CONTIGUITY[CONTIGUITY["code"] < CONTIGUITY["neighbour"]].sample(frac=1, random_state=3)
    pd.testing.assert_series_equal(model.set_params(contiguity=once).fit(FLOWS).labels_, labels)


@EVERY
def test_the_same_seed_gives_the_same_areas(model):
    from sklearn.base import clone

    first, second = (clone(model).fit(FLOWS) for _ in range(2))
    pd.testing.assert_series_equal(first.labels_, second.labels_)
    pd.testing.assert_frame_equal(first.summary_, second.summary_)
    pd.testing.assert_series_equal(first.fit(FLOWS).labels_, second.labels_)


@EVERY
def test_parameters_can_be_read_changed_cloned_and_shown(model):
    from sklearn.base import clone

    parameters = model.get_params()
    assert all(getattr(model, name) is value for name, value in parameters.items())
    assert type(model)(**parameters).get_params().keys() == parameters.keys()
    twin = clone(model)
    assert twin is not model
    assert repr(twin) == repr(model)
    assert repr(model).startswith(f"{type(model).__name__}(")
    assert model.set_params(**parameters) is model
    with pytest.raises(UnknownNameError):
        model.set_params(colour="red")


@pytest.mark.parametrize(
    ("name", "parameter"), [(name, parameter) for name, values in BAD.items() for parameter in values]
)
def test_bad_parameters_are_refused_by_fit(name, parameter):
    from sklearn.base import clone

    model = clone(ESTIMATORS[name][0]).set_params(**{parameter: BAD[name][parameter]})
    with pytest.raises(InputError) as raised:
        model.fit(FLOWS)
    assert raised.value.found, "it says what was given"
    assert not hasattr(model, "labels_")


@EVERY
@pytest.mark.parametrize(
    "flows",
    [
        None,
        FLOWS.drop(columns="commuters"),
        FLOWS.assign(commuters=-1),
        FLOWS.assign(commuters=float("nan")),
        FLOWS.assign(commuters=0),
        FLOWS.iloc[:0],
        FLOWS.assign(origin=None),
    ],
    ids=["none", "no column", "negative", "missing", "zero", "empty", "no code"],
)
def test_bad_flows_are_refused(model, flows):
    with pytest.raises(InputError, match="flows"):
        model.fit(flows)


@EVERY
@pytest.mark.parametrize(
    "population", [[1, 2], -POPULATION, pd.Series({"x": 1})], ids=["list", "negative", "other codes"]
)
def test_bad_population_is_refused(model, population):
    with pytest.raises(InputError, match="population"):
        model.fit(FLOWS, population)
