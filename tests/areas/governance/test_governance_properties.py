"""What always holds of an area the estimator draws, listed or searched, checked without the code that draws it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from diagnosis.areas import GovernanceAreas
from diagnosis.areas.governance.enumeration import enumerate_areas
from diagnosis.areas.governance.partition import value_curve
from diagnosis.areas.governance.problem import AreaConstraints, AreaProblem, FlowLayer
from diagnosis.areas.governance.search import search_areas
from diagnosis.areas.labour_market import TradeOff
from diagnosis.errors import InputError

SEARCHED = {"exact_units": 0, "rounds": 40, "work": 0}


@st.composite
def territories(draw):
    """Population, layers, neighbours and limits of five to eight municipalities; no two partitions tie."""
    n = draw(st.integers(5, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    codes = [f"{i:06d}" for i in rng.permutation(n)]
    edges = [(i, int(rng.integers(max(i - 3, 0), i))) for i in range(1, n)]
    edges += [(i, j) for i in range(n) for j in range(i) if rng.random() < 0.2]
    contiguity = pd.DataFrame([(codes[i], codes[j]) for i, j in edges], columns=["code", "neighbour"])
    population = pd.Series(rng.uniform(50, 500, n), index=codes)
    layers = {}
    for name, weight in (("work", 1.0), ("schools", 0.7)):
        amount = rng.uniform(1, 30, (n, n)) + np.diag(rng.uniform(50, 200, n))
        rows = [(codes[i], codes[j], amount[i, j]) for i in range(n) for j in range(n)]
        rows += [(code, "elsewhere", 5.0) for code in codes]
        layers[name] = FlowLayer(pd.DataFrame(rows, columns=["origin", "destination", "commuters"]), weight)
    ways = rng.uniform(5, 30, (n, n))
    choices = {
        "min_population": float(rng.uniform(200, 600)),
        "min_members": 2,
        "max_members": n - 2,
        "must_link": [[codes[i] for i in edges[0]]],
        "cannot_link": [[codes[2], codes[n - 1]]],
        "fixed": [[codes[n - 2]]],
        "within": pd.Series(np.where(np.arange(n) < 3, "a", "b"), index=codes),
        "validity": TradeOff(100.0, 0.3, 600.0, 0.4),
        "max_minutes": 25.0,
    }
    chosen = draw(st.sets(st.sampled_from(sorted(choices)), max_size=5))
    limits = {name: choices[name] for name in sorted(chosen)}
    if "max_minutes" in limits:
        limits["minutes"] = pd.DataFrame(ways, index=codes, columns=codes)
    return population, layers, contiguity, limits


def draw_areas(territory, **options):
    population, layers, contiguity, limits = territory
    model = GovernanceAreas(contiguity=contiguity, constraints=AreaConstraints(**limits), **options)
    return model.fit(layers, population)


def has_areas(territory):
    """Whether some partition keeps the limits; where none does, a search must not find one."""
    population, layers, contiguity, limits = territory
    problem = AreaProblem.from_tables(population, layers, contiguity, AreaConstraints(**limits))
    possible = len(value_curve(enumerate_areas(problem))) > 0
    assert possible or not search_areas(problem, rounds=60).feasible
    return possible


def is_whole(members, contiguity):
    inside = contiguity[contiguity["code"].isin(members) & contiguity["neighbour"].isin(members)]
    reached = {min(members)}
    while True:
        more = set(inside.loc[inside["code"].isin(reached), "neighbour"])
        more |= set(inside.loc[inside["neighbour"].isin(reached), "code"])
        if more <= reached:
            return reached == members
        reached |= more


def assert_kept(labels, territory):
    """Check a partition against the limits as they were given."""
    population, layers, contiguity, limits = territory
    assert sorted(labels.index) == sorted(population.index)
    assert not labels.index.has_duplicates
    assert labels.notna().all()
    assert set(labels) == set(range(1, labels.nunique() + 1))
    flows = layers["work"].flows
    jobs = flows.groupby("destination")["commuters"].sum()
    fixed = [set(area) for area in limits.get("fixed", [])]
    areas = [set(members.index) for _, members in labels.groupby(labels)]
    for first, second in limits.get("must_link", []):
        assert labels[first] == labels[second]
    for area in fixed:
        assert area in areas
    for members in areas:
        if members in fixed:
            continue
        assert is_whole(members, contiguity)
        listed = sorted(members)
        assert population[listed].sum() >= limits.get("min_population", 0) - 1e-9
        assert limits.get("min_members", 1) <= len(members) <= limits.get("max_members", len(labels))
        for pair in limits.get("cannot_link", []):
            assert not set(pair) <= members
        if "within" in limits:
            assert limits["within"][listed].nunique() == 1
        if "max_minutes" in limits:
            centre = jobs[listed].idxmax()
            others = [code for code in listed if code != centre]
            assert (limits["minutes"].loc[others, centre] <= limits["max_minutes"]).all()
        if "validity" in limits:
            starting, ending = flows["origin"].isin(members), flows["destination"].isin(members)
            sums = [flows.loc[rows, "commuters"].sum() for rows in (starting, ending, starting & ending)]
            assert limits["validity"].validity(*sums) >= 1 - 1e-9


def assume_consistent(territory):
    """A group that is to stay together must not be asked apart, nor fixed in part."""
    _, _, _, limits = territory
    linked = {code for group in limits.get("must_link", []) for code in group}
    alone = {code for group in limits.get("fixed", []) for code in group}
    assume(not linked & alone)
    groups = limits.get("within")
    assume(groups is None or groups[sorted(linked)].nunique() <= 1)
    assume(not any(set(pair) <= linked for pair in limits.get("cannot_link", [])))


@settings(max_examples=15)
@given(territories())
def test_every_municipality_is_in_one_area_that_keeps_every_limit(territory):
    assume_consistent(territory)
    assume(has_areas(territory))
    listed, searched = draw_areas(territory), draw_areas(territory, **SEARCHED)
    for model in (listed, searched):
        assert_kept(model.labels_, territory)
        for _, labels in model.alternatives_.items():
            assert_kept(labels, territory)
    assert searched.value_ <= listed.value_ + 1e-9


@settings(max_examples=6)
@given(territories(), st.randoms(use_true_random=False))
def test_the_order_of_municipalities_has_no_effect(territory, random):
    assume_consistent(territory)
    assume(has_areas(territory))
    population, layers, contiguity, limits = territory
    order = list(population.index)
    random.shuffle(order)
    again = (population[order], layers, contiguity.iloc[::-1], limits)
    for options in ({}, SEARCHED):
        one, other = draw_areas(territory, **options), draw_areas(again, **options)
        assert one.labels_.sort_index().equals(other.labels_.sort_index())


@settings(max_examples=10)
@given(territories(), st.sampled_from([1.5, 4.0, 20.0]))
def test_a_layer_of_more_weight_keeps_its_own_term_at_every_number_of_areas(territory, factor):
    assume_consistent(territory)
    assume(has_areas(territory))
    population, layers, contiguity, limits = territory
    heavier = layers | {"work": FlowLayer(layers["work"].flows, layers["work"].weight * factor)}
    one, other = draw_areas(territory), draw_areas((population, heavier, contiguity, limits))
    assert one.alternatives_.columns.equals(other.alternatives_.columns)
    assert (one.curve_["status"] == "optimal").all()
    problem = one.problem_
    first = problem.member_indices[problem.member_indptr[:-1]]
    for k in one.alternatives_.columns:
        terms = [
            problem.layer_terms(model.alternatives_[k].to_numpy(np.int64)[first] - 1)["work"].sum()
            for model in (one, other)
        ]
        assert terms[1] >= terms[0] - 1e-9


def test_a_territory_in_pieces_has_areas_in_every_piece():
    codes = list("abcdef")
    contiguity = pd.DataFrame({"code": ["a", "b", "d", "e"], "neighbour": ["b", "c", "e", "f"]})
    rng = np.random.default_rng(1)
    flows = pd.DataFrame(
        [(p, q, float(rng.uniform(1, 9))) for p in codes for q in codes],
        columns=["origin", "destination", "commuters"],
    )
    population = pd.Series(100.0, index=codes)
    for options in ({}, {**SEARCHED, "work": 200}):
        model = GovernanceAreas(
            contiguity=contiguity, constraints=AreaConstraints(min_members=2), **options
        ).fit(flows, population)
        assert model.labels_.to_dict() == dict.fromkeys("abc", 1) | dict.fromkeys("def", 2)
        assert model.status_ == "optimal"
    with pytest.raises(InputError, match="none of 1 areas was"):
        GovernanceAreas(contiguity=contiguity, n_areas=1).fit(flows, population)


def test_a_municipality_without_flows_is_worth_nothing_and_still_has_an_area():
    codes = list("abcd")
    contiguity = pd.DataFrame({"code": list("abc"), "neighbour": list("bcd")})
    flows = pd.DataFrame(
        [
            ("a", "a", 9.0),
            ("a", "b", 4.0),
            ("b", "a", 5.0),
            ("b", "b", 7.0),
            ("c", "c", 3.0),
            ("c", "b", 2.0),
        ],
        columns=["origin", "destination", "commuters"],
    )
    population = pd.Series([300.0, 200, 100, 0], index=codes)
    for options in ({}, SEARCHED):
        model = GovernanceAreas(
            contiguity=contiguity, constraints=AreaConstraints(min_population=50), **options
        ).fit(flows, population)
        assert model.labels_["d"] == model.labels_["c"]
        assert np.isfinite(model.value_)
        assert model.summary_["interaction"].notna().all()
        problem = model.problem_
        assert problem.value([2, 3]) == 0.0
        assert problem.value([0, 1, 2, 3]) == problem.value([0, 1, 2])
    # Judged as a labour market, nobody's work is no area: the error says whose.
    limits = AreaConstraints(validity=TradeOff(1, 0.5, 10, 0.6), cannot_link=[["c", "d"]])
    with pytest.raises(InputError, match=r"validity.* cannot_link c d .*'d'"):
        GovernanceAreas(contiguity=contiguity, constraints=limits).fit(flows, population)
