import numpy as np
import pandas as pd
import pytest

from diagnosis.composite.sensitivity import design_sobol, estimate_sobol, sobol_indices
from diagnosis.errors import InputError


def ishigami(points):
    x = (2 * points - 1) * np.pi
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


# variance 13.845; parts 4.346 alone for the first, 6.125 for the second, 3.374 for the first and third together
FIRST = np.array([0.3139, 0.4424, 0])
TOTAL = np.array([0.5576, 0.4424, 0.2437])


def test_design_by_hand():
    points = design_sobol(2, 4, seed=3)
    assert points.shape == (16, 2)
    base, other, one, two = points.reshape(4, 4, 2)
    np.testing.assert_array_equal(one, np.column_stack([other[:, 0], base[:, 1]]))
    np.testing.assert_array_equal(two, np.column_stack([base[:, 0], other[:, 1]]))
    assert ((points >= 0) & (points < 1)).all()
    # a balanced sequence: each quarter of a factor once
    assert sorted(np.floor(base[:, 0] * 4)) == [0, 1, 2, 3]
    np.testing.assert_array_equal(design_sobol(2, 4, seed=3), points)


def test_known_indices():
    found = sobol_indices(ishigami, ["a", "b", "c"], size=1024).loc["output"]
    np.testing.assert_allclose(found["first"], FIRST, atol=0.03)
    np.testing.assert_allclose(found["total"], TOTAL, atol=0.03)
    assert found["variance"].iloc[0] == pytest.approx(13.845, rel=0.02)
    assert ((found["first_lower"] <= FIRST + 0.01) & (found["first_upper"] >= FIRST - 0.01)).all()
    assert ((found["total_lower"] <= found["total"]) & (found["total"] <= found["total_upper"])).all()


def test_agrees_with_scipy():
    from scipy import stats

    points = design_sobol(3, 256, seed=1)
    outputs = ishigami(points).reshape(5, 256)
    values = {"f_A": outputs[:1], "f_B": outputs[1:2], "f_AB": outputs[2:, None]}
    theirs = stats.sobol_indices(func=values, n=256)
    first, total, _ = estimate_sobol(outputs.ravel(), 3)
    # scipy divides the variance by n
    np.testing.assert_allclose(first, theirs.first_order * 511 / 512, atol=0.02)
    np.testing.assert_allclose(total, theirs.total_order * 511 / 512, rtol=1e-9)


def test_additive_model_and_idle_factor():
    found = sobol_indices(lambda points: 3 * points[:, 0] + points[:, 1], list("abc"), size=512).loc["output"]
    np.testing.assert_allclose(found["first"], [0.9, 0.1, 0], atol=0.02)
    np.testing.assert_allclose(found["total"], [0.9, 0.1, 0], atol=0.02)
    assert (found.loc["c", ["total", "total_lower", "total_upper"]] == 0).all()


def test_failures_are_counted_and_several_outputs_named():
    def model(points):
        values = points.sum(axis=1)
        return pd.DataFrame({"sum": np.where(points[:, 0] < 0.1, np.nan, values), "flat": 1.0})

    found = sobol_indices(model, ["a", "b"], size=256)
    assert list(found.index) == [("sum", "a"), ("sum", "b"), ("flat", "a"), ("flat", "b")]
    failed = found.loc["sum", "failed"].iloc[0]
    assert 256 * 0.1 <= failed <= 256 * 0.25  # a point of A or of B
    assert (found["points"] + found["failed"] == 256).all()
    assert found.loc["sum", ["first", "total_upper"]].notna().all(axis=None)
    assert found.loc["flat", ["first", "total", "first_lower"]].isna().all(axis=None)
    nothing = sobol_indices(lambda points: np.full(len(points), np.nan), ["a"], size=4)
    assert nothing["failed"].to_list() == [4]
    assert nothing["first"].isna().all()


def test_hostile():
    for arguments in ({"size": 100}, {"size": 1}, {"level": 1.0}, {"resamples": 0}):
        with pytest.raises(InputError):
            sobol_indices(ishigami, list("abc"), **arguments)
    with pytest.raises(InputError, match="factor"):
        design_sobol(0, 4)
    with pytest.raises(InputError, match="one output"):
        sobol_indices(lambda points: points[:3, 0], ["a"], size=4)
    with pytest.raises(InputError, match="values"):
        estimate_sobol(np.ones(7), 3)
