import numpy as np
import pandas as pd
import pytest

from diagnosis.areas.governance.problem import AreaConstraints, AreaProblem, FlowLayer
from diagnosis.areas.governance.sensitivity import _Shaker, area_centres, area_sensitivity
from diagnosis.errors import InputError

CODES = list("abcd")
PAIRS = pd.DataFrame(
    [(p, q) for i, j in (("a", "b"), ("b", "c"), ("c", "d")) for p, q in ((i, j), (j, i))],
    columns=["code", "neighbour"],
)


def build(b_to_a, b_to_c, **limits):
    rows = [
        ("a", "a", 500),
        ("b", "b", 100),
        ("c", "c", 100),
        ("d", "d", 500),
        ("c", "d", 200),
        ("d", "x", 90),
    ]
    rows += [("b", "a", b_to_a), ("b", "c", b_to_c), ("b", "d", b_to_c)]
    flows = pd.DataFrame(rows, columns=["origin", "destination", "commuters"])
    population = pd.Series([2000.0, 900, 1000, 2100], index=CODES)
    return AreaProblem.from_tables(population, {"work": FlowLayer(flows)}, PAIRS, AreaConstraints(**limits))


def test_who_is_sure_stays_and_who_is_not_is_named():
    partition = np.array([0, 0, 1, 1])
    sure = area_sensitivity(build(250, 1), partition, runs=20)
    assert sure.members["with_centre"].tolist() == [1, 1, 1, 1]
    assert sure.members["second_area"].isna().all()
    assert sure.runs["feasible"].all()
    unsure = area_sensitivity(build(100, 96), partition, runs=40)
    assert 0 < unsure.members.at["b", "with_centre"] < 1
    assert unsure.members.at["b", "second_area"] == 1
    assert unsure.members.at["b", "second_share"] == pytest.approx(1 - unsure.members.at["b", "with_centre"])
    again = area_sensitivity(build(100, 96), partition, runs=40)
    pd.testing.assert_frame_equal(again.members, unsure.members)


def test_a_drawn_problem_is_one_matrix_in_both_orders():
    problem = build(100, 40, min_population=500)
    drawn = _Shaker(problem).shake(np.random.default_rng(1), 2.0, 0.1)
    matrix, transposed = np.zeros((4, 4)), np.zeros((4, 4))
    for i in range(4):
        for e in range(drawn.out_indptr[0, i], drawn.out_indptr[0, i + 1]):
            matrix[i, drawn.out_indices[e]] = drawn.out_data[e]
        for e in range(drawn.in_indptr[0, i], drawn.in_indptr[0, i + 1]):
            transposed[drawn.in_indices[e], i] = drawn.in_data[e]
    assert (matrix == transposed).all()
    assert matrix.sum() > 0
    assert (matrix != 0).sum() == (problem.out_data > 0).sum()
    known = matrix.sum(axis=1) + drawn.internal[0]
    assert (drawn.resident[0] >= known).all()
    assert drawn.resident[0][3] > known[3]  # d sends some to outside
    assert drawn.work[0] == pytest.approx(matrix.sum(axis=0) + drawn.internal[0])
    assert 450 <= drawn.min_population <= 550
    assert 0.5 <= drawn.layer_weights[0] <= 2


def test_centres_have_most_jobs():
    assert area_centres(build(250, 1), np.array([0, 0, 1, 1])).tolist() == [0, 3]


def test_impossible_parameters_are_refused():
    for bad in ({"runs": 0}, {"rounds": 0}, {"weight_factor": 0.5}, {"limit_share": 1.0}):
        with pytest.raises(InputError, match="at least"):
            area_sensitivity(build(9, 1), np.array([0, 0, 1, 1]), **bad)
