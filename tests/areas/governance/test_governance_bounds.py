"""Optima and bounds of small random networks, against every partition there is."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.areas.governance.bounds import BoundSearch
from diagnosis.areas.governance.branching import bound_all, first_branches, split_branches
from diagnosis.areas.governance.climbing import climb
from diagnosis.areas.governance.closure import best_set
from diagnosis.areas.governance.columns import AreaColumns
from diagnosis.areas.governance.dense import dense_problem
from diagnosis.areas.governance.enumeration import enumerate_areas
from diagnosis.areas.governance.partition import PoolMaster, value_curve
from diagnosis.areas.governance.problem import AreaConstraints, AreaProblem, FlowLayer
from diagnosis.areas.governance.projection import project
from diagnosis.areas.labour_market import TradeOff


@st.composite
def small_problems(draw, most=7, layers=2):
    n = draw(st.integers(3, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    codes = [f"{i:03d}" for i in range(n)]
    edges = [(i, int(rng.integers(0, i))) for i in range(1, n)]
    edges += [(i, j) for i in range(n) for j in range(i) if rng.random() < 0.3]
    contiguity = pd.DataFrame([(codes[i], codes[j]) for i, j in edges], columns=["code", "neighbour"])
    population = pd.Series(rng.integers(50, 500, n).astype(float), index=codes)
    tables = {}
    for layer in range(draw(st.integers(1, layers))):
        amount = rng.integers(0, 30, (n, n)) * (rng.random((n, n)) < 0.7) + np.diag(rng.integers(20, 90, n))
        flows = pd.DataFrame(
            [(codes[i], codes[j], float(amount[i, j])) for i in range(n) for j in range(n) if amount[i, j]]
            + [(codes[i], "out", float(rng.integers(1, 20))) for i in range(n)],
            columns=["origin", "destination", "commuters"],
        )
        tables[f"layer {layer}"] = FlowLayer(flows, float(rng.integers(1, 4)))
    limits = {"min_population": float(draw(st.sampled_from([0, 300, 600])))}
    if draw(st.booleans()):
        limits["validity"] = TradeOff(60.0, 0.5, 300.0, 0.6)
    if draw(st.booleans()):
        limits["max_members"] = max(2, n - 2)
    if n > 4 and draw(st.booleans()):
        i, j = edges[0]
        limits["must_link"] = [[codes[i], codes[j]]]
        limits["cannot_link"] = [[codes[0], codes[n - 1]]] if {0, n - 1} != {i, j} else None
    return population, tables, contiguity, limits


def built(case):
    population, tables, contiguity, limits = case
    return AreaProblem.from_tables(population, tables, contiguity, AreaConstraints(**limits))


def partitions(n):
    """All partitions of n units, as restricted growth strings."""
    strings = [(0,)]
    for _ in range(n - 1):
        strings = [(*string, a) for string in strings for a in range(max(string) + 2)]
    return strings


def slow_value(problem, units):
    """The interaction of an area as it is defined."""
    members = problem.members(units)
    total = 0.0
    for layer, weight in enumerate(problem.layer_weights):
        flow = np.zeros((len(problem.codes), len(problem.codes)))
        for i in range(len(flow)):
            span = slice(problem.out_indptr[layer, i], problem.out_indptr[layer, i + 1])
            flow[i, problem.out_indices[span]] = problem.out_data[span]
        for i in members:
            rest = members[members != i]
            resident, work = problem.resident[layer], problem.work[layer]
            for sums, margins in (
                (flow[i, rest].sum(), resident[i] * work[rest].sum()),
                (flow[rest, i].sum(), resident[rest].sum() * work[i]),
            ):
                total += weight * sums**2 / margins if margins > 0 else 0.0
    return total


def best_values(problem):
    """The largest interaction at each number of areas, by looking at every partition."""
    best, known = {}, {}
    for string in partitions(problem.n_units):
        labels, value = np.array(string), 0.0
        for area in range(max(string) + 1):
            units = tuple(np.flatnonzero(labels == area))
            if units not in known:
                known[units] = slow_value(problem, units) if problem.feasible(units) else None
            if known[units] is None:
                break
            value += known[units]
        else:
            k = max(string) + 1
            best[k] = max(best.get(k, -np.inf), value)
    return best


@given(small_problems())
@settings(max_examples=40)
def test_the_optimum_at_every_number_of_areas_is_that_of_all_partitions(case):
    problem = built(case)
    columns = enumerate_areas(problem)
    curve = value_curve(columns)
    expected = best_values(problem)
    assert [one.k for one in curve] == sorted(expected)
    for one in curve:
        assert one.proven
        assert one.value == pytest.approx(expected[one.k], abs=1e-9)
        labels = columns.partition(one.areas)
        assert (columns.membership(one.areas).sum(axis=0) == 1).all()
        assert problem.partition_value(labels) == pytest.approx(one.value, abs=1e-9)
        assert all(problem.feasible(np.flatnonzero(labels == area)) for area in range(one.k))


@given(small_problems())
@settings(max_examples=30)
def test_every_feasible_area_is_listed_unless_no_partition_can_have_it(case):
    problem = built(case)
    columns = enumerate_areas(problem)
    listed = {tuple(np.flatnonzero(row)) for row in columns.membership(np.arange(len(columns)))}
    n = problem.n_units
    feasible = {
        units
        for code in range(1, 2**n)
        if problem.feasible(units := tuple(i for i in range(n) if code >> i & 1))
    }
    assert listed <= feasible
    used = set()
    for string in partitions(n):
        areas = [tuple(np.flatnonzero(np.array(string) == a)) for a in range(max(string) + 1)]
        if feasible.issuperset(areas):
            used.update(areas)
    assert used <= listed
    values = dict(
        zip(
            map(tuple, map(np.flatnonzero, columns.membership(np.arange(len(columns))))),
            columns.values,
            strict=True,
        )
    )
    for units in list(values)[:20]:
        assert values[units] == pytest.approx(slow_value(problem, units), abs=1e-9)
        assert problem.value(units) == pytest.approx(values[units], abs=1e-9)


@given(
    small_problems(),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 3, 10, 40, 200]),
    st.sampled_from([-0.5, 0.0, np.inf]),
)
@settings(max_examples=40)
def test_no_area_is_worth_more_than_the_bound_of_its_branch(case, seed, splits, target):
    problem = built(case)
    n = problem.n_units
    d = dense_problem(problem)
    duals = np.random.default_rng(seed).normal(0.1, 0.2, n)
    branches = first_branches(problem, d, 400)
    bound_all(d, duals, branches, True, 6, -0.5)
    split_branches(d, duals, branches, splits, -0.2)
    again = duals + np.random.default_rng(seed + 1).normal(0.0, 0.1, n)
    bound_all(d, again, branches, False, 3, target)
    rows = np.flatnonzero(branches.alive)
    bound = np.full(n, -np.inf)
    np.maximum.at(bound, branches.root[rows], branches.bound[rows])
    rank = np.lexsort((np.arange(n), d.sizes[1])).argsort()
    for code in range(1, 2**n):
        units = [i for i in range(n) if code >> i & 1]
        if problem.feasible(units):
            root = max(units, key=lambda unit: rank[unit])
            assert slow_value(problem, units) - again[units].sum() <= bound[root] + 1e-9


@given(small_problems(), st.booleans())
@settings(max_examples=25)
def test_bounds_hold_for_every_partition_and_become_tight(case, free):
    problem = built(case)
    expected = best_values(problem)
    if not expected:
        return
    k = None if free else min(expected)
    best = max(expected.values()) if free else expected[k]
    columns = enumerate_areas(problem)
    known = PoolMaster(columns).best(k)
    assert known.value == pytest.approx(best, abs=1e-9)
    start = AreaColumns(columns.n_units, columns.bits[known.areas], columns.values[known.areas])
    result = BoundSearch(problem).bound(k, start, np.zeros(problem.n_units), best, work=4000)
    assert result.bound >= best - 1e-9
    for number, reached in expected.items():
        assert result.bounds[number - 1] >= reached - 1e-9
    for one in zip(result.areas.membership(np.arange(len(result.areas))), result.areas.values, strict=True):
        assert problem.feasible(np.flatnonzero(one[0]))
        assert problem.value(np.flatnonzero(one[0])) == pytest.approx(one[1], abs=1e-9)


@given(small_problems())
@settings(max_examples=20)
def test_the_number_of_areas_is_bounded(case):
    problem = built(case)
    expected = best_values(problem)
    if not expected:
        return
    columns = enumerate_areas(problem)
    counted = AreaColumns(columns.n_units, columns.bits, np.ones(len(columns)))
    search = BoundSearch(problem, counted=True)
    result = search.bound(None, counted, np.zeros(problem.n_units), float(max(expected)), work=2000)
    assert result.bound >= max(expected) - 1e-9


@given(small_problems(most=6), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_renumbering_changes_no_optimum(case, random):
    population, tables, contiguity, limits = case
    order = list(population.index)
    random.shuffle(order)
    first = value_curve(enumerate_areas(built(case)))
    second = value_curve(enumerate_areas(built((population[order], tables, contiguity, limits))))
    assert [one.k for one in first] == [one.k for one in second]
    for one, other in zip(first, second, strict=True):
        assert one.value == pytest.approx(other.value, abs=1e-9)


@given(st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_the_best_set_is_the_best_of_all(count, seed):
    rng = np.random.default_rng(seed)
    pairs = rng.random((count, count)) * (rng.random((count, count)) < 0.6)
    pairs = pairs + pairs.T
    np.fill_diagonal(pairs, 0.0)
    single = rng.normal(-0.8, 1.5, count)
    chosen = np.zeros(count, bool)
    claim = np.zeros(count)
    bound = best_set(single, pairs, count, chosen, claim)
    sets = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
    gains = sets @ single + 0.5 * ((sets @ pairs) * sets).sum(axis=1)
    assert bound == pytest.approx(gains.max(), abs=1e-9)
    assert (sets @ claim >= gains - 1e-9).all()
    assert np.maximum(claim, 0.0).sum() == pytest.approx(bound, abs=1e-9)
    assert single[chosen].sum() + 0.5 * pairs[np.ix_(chosen, chosen)].sum() == pytest.approx(bound, abs=1e-9)


def test_a_layer_of_more_weight_never_loses_its_own_term_at_the_optimum():
    rng = np.random.default_rng(3)
    codes = [f"{i}" for i in range(7)]
    contiguity = pd.DataFrame(
        [(codes[i], codes[j]) for i in range(7) for j in range(i)], columns=["code", "neighbour"]
    )
    population = pd.Series(100.0, index=codes)
    flows = [
        pd.DataFrame(
            [(a, b, float(rng.integers(1, 60))) for a in codes for b in codes],
            columns=["origin", "destination", "commuters"],
        )
        for _ in range(2)
    ]
    terms = []
    for weight in (0.2, 1.0, 5.0):
        layers = {"one": FlowLayer(flows[0], weight), "other": FlowLayer(flows[1])}
        problem = AreaProblem.from_tables(population, layers, contiguity)
        columns = enumerate_areas(problem)
        labels = columns.partition(PoolMaster(columns).best(3).areas)
        terms.append(problem.layer_terms(labels)["one"].sum())
    assert terms == sorted(terms)


@given(small_problems(), st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_single_moves_find_feasible_areas_worth_no_less(case, seed):
    problem = built(case)
    columns = enumerate_areas(problem)
    duals = np.random.default_rng(seed).normal(0.1, 0.2, problem.n_units)
    before = columns.reduced_values(duals, columns.values)
    found = columns.membership(np.arange(len(columns)))
    values = climb(problem.arrays, duals, found, 10)
    assert (values - found @ duals >= before - 1e-9).all()
    for units, value in zip(map(np.flatnonzero, found), values, strict=True):
        assert problem.feasible(units)
        assert value == pytest.approx(slow_value(problem, units), abs=1e-9)


def test_duals_go_to_the_nearest_ones_that_keep_the_level():
    duals, threshold, excess = np.array([0.0, 0.0, 3.0]), np.zeros(1), np.array([2.0, 0.0, 0.0])
    members, worth = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), np.array([2.0, 1.0])
    project(duals, threshold, excess, members, worth, np.array([0, 2]), 0.0, 3.2)
    assert duals.sum() + excess.sum() == pytest.approx(3.2, abs=0.01)
    assert (members @ duals + excess[[0, 2]] >= worth - 0.01).all()
    assert duals[0] == pytest.approx(duals[1], abs=0.01)
    assert threshold[0] == 0.0


def test_more_areas_than_allowed_are_not_listed():
    codes = [f"{i}" for i in range(10)]
    contiguity = pd.DataFrame(
        [(codes[i], codes[j]) for i in range(10) for j in range(i)], columns=["code", "neighbour"]
    )
    flows = pd.DataFrame(
        [(a, b, 1.0) for a in codes for b in codes], columns=["origin", "destination", "commuters"]
    )
    problem = AreaProblem.from_tables(pd.Series(1.0, index=codes), {"work": FlowLayer(flows)}, contiguity)
    assert len(enumerate_areas(problem)) == 2**10 - 1
    assert enumerate_areas(problem, most_areas=1000) is None
    assert enumerate_areas(problem, most_visits=1000) is None


@pytest.mark.parametrize("seed", range(16))
def test_no_area_is_worth_more_than_the_bound_of_its_root_however_duals_move(seed):
    """Sizes and distances as of real places, so that ranges of sizes are split; duals change five times."""
    rng = np.random.default_rng(seed)
    n = 10
    codes = [f"{i:03d}" for i in range(n)]
    edges = [(i, int(rng.integers(0, i))) for i in range(1, n)]
    edges += [(i, j) for i in range(n) for j in range(i) if rng.random() < 0.25]
    contiguity = pd.DataFrame([(codes[i], codes[j]) for i, j in edges], columns=["code", "neighbour"])
    size, place = np.exp(rng.normal(4, 1, n)), rng.random((n, 2))
    distance = 0.1 + np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    tables = {}
    for layer in range(1 + seed % 2):
        amount = np.floor(size[:, None] * size[None, :] ** 0.8 / 40 / distance * rng.random((n, n)))
        np.fill_diagonal(amount, np.floor(size * 2))
        rows = [(codes[i], codes[j], amount[i, j]) for i in range(n) for j in range(n) if amount[i, j]]
        rows += [(code, "out", float(rng.integers(1, 20))) for code in codes]
        flows = pd.DataFrame(rows, columns=["origin", "destination", "commuters"])
        tables[f"layer {layer}"] = FlowLayer(flows, 1.0 + layer)
    limits = {"min_population": float(rng.choice([0, 300]))}
    if seed % 3:
        limits["validity"] = TradeOff(60.0, 0.5, 600.0, 0.6)
    if seed % 4 == 1:
        limits["must_link"] = [[codes[edges[0][0]], codes[edges[0][1]]]]
    problem = AreaProblem.from_tables(
        pd.Series(size * 3, index=codes), tables, contiguity, AreaConstraints(**limits)
    )
    dense, count = dense_problem(problem), problem.n_units
    sets = ([i for i in range(count) if chosen >> i & 1] for chosen in range(1, 2**count))
    areas = [units for units in sets if problem.feasible(units)]
    member = np.array([[i in units for i in range(count)] for units in areas], float).reshape(-1, count)
    values = np.array([problem.value(units) for units in areas])
    rank = np.lexsort((np.arange(count), dense.sizes[1])).argsort()
    roots = np.array([max(units, key=rank.__getitem__) for units in areas], int)
    branches = first_branches(problem, dense, 3000)
    scale = values.max(initial=0.1)
    duals = rng.normal(0.05, 0.1, count) * scale
    for turn in range(6):
        bound_all(dense, duals, branches, turn == 0, 5 if turn else 12, float(rng.choice([-1.0, 0.0])))
        split_branches(dense, duals, branches, int(rng.choice([5, 50, 300])), float(rng.choice([-1.0, -0.1])))
        alive = np.flatnonzero(branches.alive[: branches.used[0]])
        bounds = np.full(count, -np.inf)
        np.maximum.at(bounds, branches.root[alive], branches.bound[alive])
        assert (values - member @ duals <= bounds[roots] + 1e-9).all()
        duals = duals + rng.normal(0, 0.03, count) * scale
