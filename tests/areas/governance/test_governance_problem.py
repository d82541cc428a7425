import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from diagnosis.areas.governance.columns import AreaColumns
from diagnosis.areas.governance.enumeration import enumerate_areas
from diagnosis.areas.governance.partition import value_curve
from diagnosis.areas.governance.problem import AreaConstraints, AreaProblem, FlowLayer
from diagnosis.areas.labour_market import TradeOff
from diagnosis.errors import InputError, UnknownNameError

CODES = ["1", "2", "3", "4"]
LINE = pd.DataFrame({"code": ["1", "2", "3"], "neighbour": ["2", "3", "4"]})
FLOWS = pd.DataFrame(
    [
        *[("1", "1", 8), ("1", "2", 2), ("2", "1", 5), ("2", "2", 5)],
        *[("3", "3", 9), ("3", "4", 1), ("4", "3", 4), ("4", "9", 6), ("9", "1", 10)],
    ],
    columns=["origin", "destination", "commuters"],
)
RESIDENTS = pd.Series([100.0, 50.0, 80.0, 20.0], index=CODES)


def line(**limits):
    return AreaProblem.from_tables(RESIDENTS, {"work": FlowLayer(FLOWS)}, LINE, AreaConstraints(**limits))


def test_margins_count_internal_flows_and_those_across_the_border():
    problem = line()
    assert problem.resident.tolist() == [[10, 10, 10, 10]]
    assert problem.work.tolist() == [[23, 7, 13, 1]]
    assert problem.internal.tolist() == [[8, 5, 9, 0]]
    # 1 and 2: of 10 residents 2 go to 7 jobs; of 10 residents 5 go to 23 jobs; each link seen from both sides.
    both = 2 * (2**2 / (10 * 7) + 5**2 / (10 * 23))
    assert problem.value([0, 1]) == pytest.approx(both)
    assert problem.value([0]) == 0.0
    assert problem.partition_value(np.array([0, 0, 1, 2])) == pytest.approx(both)


def test_given_margins_replace_the_sums_but_are_never_below_them():
    margins = pd.DataFrame({"resident": 20.0, "work": 30.0}, index=CODES)
    problem = AreaProblem.from_tables(RESIDENTS, {"work": FlowLayer(FLOWS, margins=margins)}, LINE)
    assert problem.value([2, 3]) == pytest.approx(2 * (1 / 600 + 16 / 600))
    with pytest.raises(InputError, match="at least the sum"):
        AreaProblem.from_tables(RESIDENTS, {"work": FlowLayer(FLOWS, margins=margins / 10)}, LINE)


@pytest.mark.parametrize(
    ("limits", "units", "words"),
    [
        ({}, [0, 2], "in pieces"),
        ({"min_population": 140}, [2, 3], "100 residents, at least 140"),
        ({"min_members": 2}, [1], "1 members, at least 2"),
        ({"max_members": 1}, [0, 1], "2 members, at most 1"),
        ({"cannot_link": [["1", "2"]]}, [0, 1], "'1', '2' must not share"),
        ({"within": pd.Series(["a", "a", "b", "b"], index=CODES)}, [1, 2], "in pieces"),
        ({"validity": TradeOff(15, 0.6, 40, 0.75)}, [2, 3], "self-containment of 0.700"),
        (
            {"max_minutes": 10, "minutes": pd.DataFrame(11.0, index=CODES, columns=CODES)},
            [0, 1],
            "more than 10 minutes",
        ),
    ],
)
def test_a_limit_that_is_broken_is_named(limits, units, words):
    problem = line(**limits)
    assert not problem.feasible(units)
    assert any(words in found for found in problem.violations(units))


def test_what_keeps_every_limit_has_no_violation():
    problem = line(min_population=100, validity=TradeOff(15, 0.5, 40, 0.6))
    assert problem.feasible([0, 1])
    assert problem.violations([0, 1]) == []


def test_linked_municipalities_are_one_unit_and_fixed_areas_take_nobody_in():
    problem = line(must_link=[["1", "2"]], fixed=[["4"]], min_population=100)
    assert problem.n_units == 3
    assert problem.unit_of.tolist() == [0, 0, 1, 2]
    assert problem.feasible([2])
    assert not problem.feasible([1, 2])
    assert "fixed area ('4')" in problem.violations([1, 2])[0]
    curve = value_curve(enumerate_areas(problem))
    assert [(one.k, one.proven) for one in curve] == [(2, True)]
    assert line(fixed=[["1"], ["4"]]).value([1, 2]) == 0.0


def test_a_link_inside_a_fixed_area_and_an_area_said_twice_are_no_contradiction():
    problem = line(fixed=[["1", "2"], ["2", "1"]], must_link=[["1", "2"]])
    assert problem.fixed.tolist() == [True, False, False]


def test_no_partition_is_an_empty_curve():
    assert value_curve(enumerate_areas(line(min_population=1000))) == []


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"min_population": -1}, "min_population"),
        ({"min_members": 3, "max_members": 2}, "min_members"),
        ({"max_minutes": 10}, "needs a matrix"),
        ({"must_link": [["1", "3"]]}, "must touch"),
        ({"must_link": [["1", "2"]], "cannot_link": [["1", "2"]]}, "contradicts"),
        ({"fixed": [["1", "2"], ["2", "3"]]}, "nobody joins or leaves"),
        ({"must_link": [["1", "2"]], "fixed": [["2"]]}, "'2' shares .* '1', '2'"),
        ({"max_minutes": 5, "minutes": pd.DataFrame(1.0, index=CODES[:2], columns=CODES)}, "every pair"),
    ],
)
def test_constraints_that_cannot_be_are_refused(limits, words):
    with pytest.raises(InputError, match=words):
        line(**limits)


def test_tables_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="at least one named layer"):
        AreaProblem.from_tables(RESIDENTS, {}, LINE)
    with pytest.raises(InputError, match="population"):
        AreaProblem.from_tables(pd.Series([1.0, -2.0], index=["1", "2"]), {"work": FlowLayer(FLOWS)}, LINE)
    with pytest.raises(InputError, match="weight"):
        AreaProblem.from_tables(RESIDENTS, {"work": FlowLayer(FLOWS, -1.0)}, LINE)
    with pytest.raises(UnknownNameError, match="validity_layer"):
        line(validity=TradeOff(15, 0.5, 40, 0.6), validity_layer="schools")


def test_columns_are_distinct_areas_of_any_number_of_units():
    columns = AreaColumns.from_areas(70, [[0, 69], [69, 0], [3]], [1.0, 2.0, 3.0])
    assert columns.values.tolist() == [1.0, 3.0]
    assert np.flatnonzero(columns.membership(np.array([0]))[0]).tolist() == [0, 69]
    duals = np.arange(70.0)
    assert columns.reduced_values(duals, columns.values).tolist() == [-68.0, 0.0]
    assert len(columns.joined(AreaColumns.from_areas(70, [[3], [4]], [9.0, 9.0]))) == 3


@pytest.mark.slow
def test_siracusa_is_worth_what_the_specification_says(mirror):
    with zipfile.ZipFile(mirror / "istat" / "matrix_pendoLAVORO_2021_completed.zip") as archive:
        text = io.BytesIO(archive.read(archive.namelist()[0]))
    table = pd.read_csv(text, sep="\t", dtype=str, keep_default_na=False)
    flows = pd.DataFrame(
        {
            "origin": table.iloc[:, 1].str.zfill(6),
            "destination": table.iloc[:, 3].str.zfill(6),
            "commuters": table.iloc[:, 4].astype(float),
        }
    )
    near = pd.read_csv(mirror / "istat" / "contiguita_comuni_2021.csv", dtype=str, keep_default_na=False)
    pairs = near.iloc[:, :2].set_axis(["code", "neighbour"], axis=1).apply(lambda column: column.str.zfill(6))
    codes = pd.Index(sorted(code for code in flows["origin"].unique() if code.startswith("089")))
    here = flows[flows["origin"].isin(codes) | flows["destination"].isin(codes)]
    problem = AreaProblem.from_tables(
        pd.Series(1.0, index=codes),
        {"work": FlowLayer(here)},
        pairs,
        AreaConstraints(validity=TradeOff(1000, 0.60, 10000, 0.75)),
    )
    curve = {one.k: one for one in value_curve(enumerate_areas(problem))}
    assert list(curve) == [1, 2, 3, 4, 5, 6]
    assert all(one.proven for one in curve.values())
    assert round(curve[5].value, 3) == 0.418
    assert round(curve[4].value, 3) == 0.442
    assert max(curve.values(), key=lambda one: one.value).k == 4
