"""Infeasible problems: which constraints, which municipalities, and the nearest relaxation."""

import numpy as np
import pandas as pd
import pytest

from diagnosis.areas.governance.infeasibility import explain_infeasibility
from diagnosis.areas.governance.problem import AreaConstraints, AreaProblem, FlowLayer
from diagnosis.areas.governance.search import search_areas
from diagnosis.areas.labour_market import TradeOff


def chain(population, pairs=None, internal=50.0, **limits) -> AreaProblem:
    """Municipalities in a row that exchange 10 commuters with each neighbour."""
    codes = [f"{i:06d}" for i in range(len(population))]
    pairs = [(i, i + 1) for i in range(len(codes) - 1)] if pairs is None else pairs
    rows = [(codes[i], codes[i], internal) for i in range(len(codes))]
    rows += [(codes[i], codes[j], 10.0) for i, j in pairs] + [(codes[j], codes[i], 10.0) for i, j in pairs]
    flows = pd.DataFrame(rows, columns=["origin", "destination", "commuters"])
    contiguity = pd.DataFrame([(codes[i], codes[j]) for i, j in pairs], columns=["code", "neighbour"])
    return AreaProblem.from_tables(
        pd.Series(np.asarray(population, dtype=float), index=codes),
        {"work": FlowLayer(flows)},
        contiguity,
        AreaConstraints(**limits),
    )


def test_a_feasible_problem_has_nothing_to_explain():
    assert explain_infeasibility(chain([100] * 6, min_population=200)) is None


def test_an_island_with_too_few_people_is_named_with_its_limit():
    problem = chain([500, 500, 500, 80], pairs=[(0, 1), (1, 2)], min_population=400)
    found = explain_infeasibility(problem)
    assert found is not None
    assert found.proven
    assert found.constraints == ("min_population",)
    assert found.municipalities.tolist() == ["000003"]
    assert found.relaxations == {"min_population": 80.0}
    message = str(found.error())
    assert "000003" in message
    assert "min_population 400" in message
    assert "min_population at 80" in message


def test_population_against_members_is_proven_and_each_can_give_way():
    problem = chain([10, 10, 10, 10, 1000, 1000], min_population=100, max_members=3)
    found = explain_infeasibility(problem)
    assert found is not None
    assert found.proven
    assert set(found.constraints) == {"min_population", "max_members"}
    assert found.municipalities.tolist() == ["000000"]
    # {0 1 2} {3 4 5}: thirty residents; five members reach the first large municipality
    assert found.relaxations == {"min_population": 30.0, "max_members": 5}


def test_relaxed_limits_are_feasible():
    problem = chain([10, 10, 10, 10, 1000, 1000], min_population=30, max_members=3)
    assert search_areas(problem, rounds=100).feasible
    assert explain_infeasibility(problem) is None


def test_links_that_isolate_a_municipality_are_named():
    problem = chain(
        [10, 100, 100, 100], min_population=50, cannot_link=[["000000", "000001"], ["000002", "000003"]]
    )
    found = explain_infeasibility(problem)
    assert found is not None
    assert set(found.constraints) == {"min_population", "cannot_link 000000 000001"}
    assert found.municipalities.tolist() == ["000000"]
    assert found.relaxations == {"min_population": 10.0, "cannot_link 000000 000001": "dropped"}
    assert "cannot_link 000000 000001 dropped" in str(found.error())


def test_validity_that_no_area_reaches_is_relaxed_by_a_factor():
    # All of the row together: 200 internal and 60 exchanged commuters, all stay; no division is needed.
    problem = chain([100] * 4, max_members=2, validity=TradeOff(10, 0.95, 100, 0.99))
    found = explain_infeasibility(problem)
    assert found is not None
    assert set(found.constraints) == {"max_members", "validity"}
    assert found.relaxations["max_members"] == 4
    factor = found.relaxations["validity"]
    assert 0.8 < factor < 1.0
    eased = chain([100] * 4, max_members=2, validity=TradeOff(10, 0.95 * factor, 100, 0.99 * factor))
    assert search_areas(eased, rounds=100).feasible
    with pytest.raises(type(found.error()), match="self-containment"):
        raise found.error()
