import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.areas import FunctionalAreas, GovernanceAreas
from diagnosis.areas.governance.problem import AreaConstraints, FlowLayer
from diagnosis.areas.labour_market import TradeOff
from diagnosis.errors import InputError, UnknownNameError

CODES = list("abcdef")
PAIRS = pd.DataFrame(
    [(p, q) for i, j in itertools.pairwise(CODES) for p, q in ((i, j), (j, i))], columns=["code", "neighbour"]
)
"""a - b - c - d - e - f, in a row."""
POPULATION = pd.Series([900.0, 300, 200, 250, 800, 100], index=CODES)


def flows_of(matrix):
    table = pd.DataFrame(matrix, index=CODES, columns=CODES).stack()
    return table.rename_axis(["origin", "destination"]).rename("commuters").reset_index()


def two_towns():
    """Everybody near a goes to a, everybody near e goes to e."""
    matrix = np.diag([300.0, 50, 30, 40, 250, 20])
    for origin, destination, commuters in (
        ("b", "a", 60),
        ("c", "a", 40),
        ("d", "e", 50),
        ("f", "e", 30),
        ("c", "e", 5),
    ):
        matrix[CODES.index(origin), CODES.index(destination)] = commuters
    return flows_of(matrix)


@st.composite
def networks(draw):
    number = st.integers(0, 40)
    return flows_of(
        np.array(draw(st.lists(st.lists(number, min_size=6, max_size=6), min_size=6, max_size=6)), float)
    )


def test_two_towns_are_two_areas():
    model = GovernanceAreas(contiguity=PAIRS, n_areas=2).fit(two_towns(), POPULATION)
    assert model.labels_.to_dict() == dict.fromkeys("abc", 1) | dict.fromkeys("def", 2)
    assert (model.status_, model.gap_, model.bound_) == ("optimal", 0, model.value_)
    assert model.summary_["centre"].tolist() == ["a", "e"]
    assert model.summary_["members"].tolist() == [3, 3]
    assert model.summary_["interaction"].sum() == pytest.approx(model.value_)
    assert model.summary_.at[1, "internal"] == 300 + 50 + 30 + 60 + 40
    assert model.curve_.index.tolist() == [1, 2, 3, 4, 5, 6]
    assert (model.alternatives_[2] == model.labels_).all()


def test_the_aims_differ():
    flows, limits = two_towns(), AreaConstraints(min_population=400)
    best = GovernanceAreas(contiguity=PAIRS, constraints=limits).fit(flows, POPULATION)
    most = GovernanceAreas(contiguity=PAIRS, constraints=limits, aim="areas").fit(flows, POPULATION)
    assert most.n_areas_ == most.curve_.index.max() == 3  # a, bc (500), def or like it
    assert best.value_ == best.curve_["value"].max()
    assert set(most.labels_.value_counts()) <= {1, 2, 3, 4}


def brute_force(problem, k):
    """Best value of a partition of the units into k feasible areas; None where there is none."""
    best = None
    for labels in itertools.product(range(k), repeat=problem.n_units):
        if len(set(labels)) == k:
            areas = [np.flatnonzero(np.array(labels) == a) for a in range(k)]
            if all(problem.feasible(area) for area in areas):
                value = sum(problem.value(area) for area in areas)
                best = value if best is None else max(best, value)
    return best


@settings(max_examples=15)
@given(networks(), st.sampled_from([0.0, 400.0, 700.0]))
def test_listed_optimum_is_that_of_all_partitions(flows, least):
    model = GovernanceAreas(contiguity=PAIRS, constraints=AreaConstraints(min_population=least))
    model.fit(flows, POPULATION)
    for k in (1, 2, 3):
        expected = brute_force(model.problem_, k)
        if expected is None:
            assert k not in model.curve_.index
        else:
            assert model.curve_.at[k, "value"] == pytest.approx(expected)
            assert model.curve_.at[k, "status"] == "optimal"


@settings(max_examples=15)
@given(networks())
def test_searched_areas_lie_between_the_optimum_and_the_bound(flows):
    limits = AreaConstraints(min_population=400)
    proven = GovernanceAreas(contiguity=PAIRS, constraints=limits).fit(flows, POPULATION)
    searched = GovernanceAreas(contiguity=PAIRS, constraints=limits, exact_units=0, rounds=200, work=500)
    searched.fit(flows, POPULATION)
    assert searched.value_ <= proven.value_ + 1e-9 <= searched.bound_ + 2e-9
    assert searched.status_ in ("optimal", "bounded")
    assert (searched.curve_["bound"] >= proven.curve_["value"].reindex(searched.curve_.index) - 1e-9).all()
    assert searched.curve_.at[1, "status"] == "optimal"  # one area is drawn in one way
    assert searched.most_areas_bound_ is None
    most = GovernanceAreas(
        aim="areas", contiguity=PAIRS, constraints=limits, exact_units=0, rounds=200, work=500
    )
    assert most.fit(flows, POPULATION).most_areas_bound_ >= proven.curve_.index.max()
    assert set(searched.labels_.groupby(searched.labels_).size().index) == set(
        range(1, searched.n_areas_ + 1)
    )


def test_a_bound_below_what_was_found_does_not_pass_for_a_proof(monkeypatch):
    from diagnosis.areas.governance.bounds import AreaBound, BoundSearch

    def wrong(self, k, areas, duals, value, **effort):
        return AreaBound(k, 0.5 * value, np.full(len(POPULATION), 0.5 * value), areas, duals, 1)

    monkeypatch.setattr(BoundSearch, "bound", wrong)
    flows = pd.DataFrame(
        {"origin": list(POPULATION.index), "destination": list(POPULATION.index[::-1]), "commuters": 9.0}
    )
    model = GovernanceAreas(contiguity=PAIRS, exact_units=0, rounds=50, n_areas=2).fit(flows, POPULATION)
    assert model.value_ > 0
    assert model.status_ == "no bound"


@settings(max_examples=10)
@given(networks(), st.permutations(range(6)))
def test_a_heavier_layer_is_never_served_worse(flows, order):
    other = flows.assign(
        commuters=flows["commuters"].to_numpy()[np.argsort(np.tile(order, 6), kind="stable")]
    )
    terms = []
    for weight in (1.0, 3.0):
        layers = {"one": FlowLayer(flows, weight), "two": FlowLayer(other)}
        model = GovernanceAreas(contiguity=PAIRS, n_areas=3).fit(layers, POPULATION)
        terms.append(model.problem_.layer_terms(model.partition_)["one"].sum())
    assert terms[1] >= terms[0] - 1e-9


def test_areas_of_the_functional_method_are_a_start_one_never_falls_behind():
    flows = two_towns()
    thresholds = {
        "min_size": 50,
        "min_self_containment": 0.6,
        "target_size": 500,
        "target_self_containment": 0.75,
    }
    functional = FunctionalAreas(**thresholds, mode="clean", contiguity=PAIRS).fit(flows)
    limits = AreaConstraints(validity=TradeOff(**thresholds))
    model = GovernanceAreas(
        contiguity=PAIRS,
        constraints=limits,
        n_areas=functional.labels_.nunique(),
        exact_units=0,
        rounds=1,
        work=0,
    ).fit(flows, POPULATION, starts=[functional.labels_])
    codes = functional.labels_.reindex(CODES)
    value = model.problem_.partition_value(pd.factorize(codes)[0])
    assert model.value_ >= value - 1e-12
    assert (model.status_, model.bound_, model.gap_) == ("no bound", np.inf, np.inf)


def test_what_cannot_be_is_explained():
    flows = two_towns()
    with pytest.raises(InputError, match=r"min_population.*max_members|max_members.*min_population"):
        GovernanceAreas(
            contiguity=PAIRS, constraints=AreaConstraints(min_population=1000, max_members=1)
        ).fit(flows, POPULATION)
    with pytest.raises(InputError, match="none of 6 areas was"):
        GovernanceAreas(contiguity=PAIRS, constraints=AreaConstraints(min_population=400), n_areas=6).fit(
            flows, POPULATION
        )
    with pytest.raises(InputError, match="table of neighbours"):
        GovernanceAreas().fit(flows, POPULATION)
    with pytest.raises(UnknownNameError, match="interaction"):
        GovernanceAreas(contiguity=PAIRS, aim="interacton").fit(flows, POPULATION)
    with pytest.raises(InputError, match="seeks the number"):
        GovernanceAreas(contiguity=PAIRS, aim="areas", n_areas=2).fit(flows, POPULATION)
    for bad in ({"n_areas": 9}, {"rounds": 0}, {"work": -1}, {"random_state": "x"}):
        with pytest.raises(InputError, match=next(iter(bad))):
            GovernanceAreas(contiguity=PAIRS, **bad).fit(flows, POPULATION)


def test_it_has_the_manners_of_the_other_estimators():
    from sklearn.base import clone

    model = GovernanceAreas(contiguity=PAIRS, n_areas=2)
    copied = clone(model).get_params()
    pd.testing.assert_frame_equal(copied.pop("contiguity"), PAIRS)
    assert copied == {name: value for name, value in model.get_params().items() if name != "contiguity"}
    assert repr(GovernanceAreas(n_areas=2)) == "GovernanceAreas(n_areas=2)"
    first = clone(model).fit(two_towns(), POPULATION)
    again = clone(model).fit(
        two_towns().sample(frac=1, random_state=1), POPULATION.sample(frac=1, random_state=2)
    )
    assert again.labels_.sort_index().equals(first.labels_.sort_index())
