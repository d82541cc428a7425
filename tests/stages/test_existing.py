import pandas as pd
import pytest

from diagnosis.areas.governance.problem import AreaConstraints, AreaProblem, FlowLayer
from diagnosis.stages.existing import value_of

FLOWS = pd.DataFrame(
    {"origin": list("aabbcc"), "destination": list("abbaca"), "commuters": [4.0, 6, 5, 5, 9, 1]}
)
POPULATION = pd.Series([3.0, 2.0, 1.0], index=list("abc"))
PAIRS = pd.DataFrame({"code": list("abac"), "neighbour": list("baca")})


def test_municipalities_in_no_existing_area_are_alone():
    problem = AreaProblem.from_tables(POPULATION, {"work": FlowLayer(FLOWS)}, PAIRS)
    together = value_of(problem, pd.Series({"a": "x", "b": "x"}))
    # R = (10, 10, 10), W = (10, 11, 9): each flow counts at both of its ends
    assert together == pytest.approx(2 * (6**2 / (10 * 11) + 5**2 / (10 * 10)))
    assert value_of(problem, pd.Series({"a": "x", "b": "y", "c": "z"})) == 0.0
    assert value_of(problem, pd.Series({"other": "x"})) == 0.0


def test_areas_that_part_what_stays_together_have_no_value():
    tied = AreaConstraints(must_link=[["a", "b"]])
    problem = AreaProblem.from_tables(POPULATION, {"work": FlowLayer(FLOWS)}, PAIRS, tied)
    parted = value_of(problem, pd.Series({"a": "x", "b": "y", "c": "x"}))
    assert pd.isna(parted)
    assert value_of(problem, pd.Series({"a": "x", "b": "x", "c": "y"})) > 0
