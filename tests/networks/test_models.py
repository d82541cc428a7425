import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from diagnosis.errors import InputError, UnknownNameError
from diagnosis.networks import flow_margins, flow_matrix, gravity_flows, modelled_flows, radiation_flows
from diagnosis.networks.models import EMPLOYED_SHARE, deterrence
from diagnosis.tables import AGE_COLUMNS, FLOWS


def places(**kilometres):
    return pd.DataFrame({"x": [1000.0 * x for x in kilometres.values()], "y": 0.0}, index=list(kilometres))


def as_dict(flows):
    return {(row.origin, row.destination): row.commuters for row in flows.itertuples()}


def test_deterrence_by_hand():
    distance = np.array([2.0, 4.0])
    np.testing.assert_allclose(deterrence(distance, "exponential", scale_km=2), np.exp([-1, -2]))
    np.testing.assert_allclose(deterrence(distance, "power", exponent=2), [1 / 4, 1 / 16])
    np.testing.assert_allclose(deterrence(distance, "log-logistic", scale_km=2, exponent=2), [1 / 2, 1 / 5])
    assert np.isfinite(deterrence(np.array([0.0]), "power", exponent=2)).all()
    with pytest.raises(UnknownNameError, match="Did you mean 'exponential'"):
        deterrence(distance, "exponental")
    with pytest.raises(InputError, match="above 0"):
        deterrence(distance, "power", exponent=0)


def test_gravity_by_hand():
    points = places(a=0, b=1, c=2)
    size = pd.Series({"a": 10, "b": 20, "c": 40})
    flows = as_dict(
        gravity_flows(pd.Series({"a": 90, "b": 0, "c": 0}), size, points, decay="power", exponent=1)
    )
    assert flows == pytest.approx({("a", "b"): 45, ("a", "c"): 45})
    near = gravity_flows(pd.Series(9, points.index), size, points, radius_km=1.5)
    assert sorted(as_dict(near)) == [("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")]


def test_gravity_internal_flows():
    points = places(a=0, b=1)
    # a disc in which two random points are 1 km apart on average: home counts as much as the neighbour
    area = pd.Series(np.pi * (45 * np.pi / 128) ** 2, index=points.index)
    equal = as_dict(
        gravity_flows(pd.Series(10, points.index), pd.Series(1, points.index), points, areas_km2=area)
    )
    assert equal == pytest.approx(dict.fromkeys([("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")], 5))
    home = as_dict(
        gravity_flows(
            pd.Series(10, points.index), pd.Series(1, points.index), points, areas_km2=area, internal_factor=4
        )
    )
    assert home["a", "a"] == pytest.approx(8)


def test_gravity_doubly_constrained():
    points = places(a=0, b=1, c=3, d=4)
    out, jobs = pd.Series([40.0, 30, 20, 10], points.index), pd.Series([10.0, 20, 30, 40], points.index)
    flows = gravity_flows(out, jobs, points, scale_km=3, in_totals=jobs)
    np.testing.assert_allclose(flows.groupby("origin")["commuters"].sum(), out, rtol=1e-4)
    np.testing.assert_allclose(flows.groupby("destination")["commuters"].sum(), jobs, rtol=1e-4)
    with pytest.raises(InputError, match="same sum"):
        gravity_flows(out, jobs, points, in_totals=jobs * 2)
    with pytest.raises(InputError, match="attainable"):
        gravity_flows(out, jobs, points, in_totals=pd.Series([0.0, 0, 0, 100], points.index), radius_km=1.5)


def test_radiation_by_hand():
    points = places(a=0, b=1, c=3)
    jobs = pd.Series({"a": 10, "b": 20, "c": 30})
    flows = as_dict(radiation_flows(jobs, points, pd.Series({"a": 100, "b": 0, "c": 0})))
    near, far = 10 * 20 / (10 * 30), 10 * 30 / (30 * 60)
    assert flows == pytest.approx(
        {("a", "b"): 100 * near / (near + far), ("a", "c"): 100 * far / (near + far)}
    )


def test_radiation_treats_equal_distances_alike():
    points = places(west=-1, middle=0, east=1)
    jobs = pd.Series(10, points.index)
    flows = as_dict(radiation_flows(jobs, points, jobs))
    assert flows["middle", "west"] == pytest.approx(flows["middle", "east"])
    assert flows["west", "middle"] > flows["west", "east"]


def test_places_out_of_reach_send_nobody():
    points = places(a=0, b=1, far=500)
    one = pd.Series(1.0, points.index)
    for flows in (gravity_flows(one, one, points), radiation_flows(one, points, one)):
        assert set(flows["origin"]) == {"a", "b"}


def test_bad_totals_are_named():
    points = places(a=0, b=1)
    one = pd.Series(1.0, points.index)
    with pytest.raises(InputError, match=r"out_totals.*'b'"):
        gravity_flows(one.iloc[:1], one, points)
    with pytest.raises(InputError, match=r"jobs.*'a'"):
        radiation_flows(pd.Series({"a": -1.0, "b": 1.0}), points, one)
    with pytest.raises(InputError, match=r"coordinates.*'a'"):
        gravity_flows(one, one, points.assign(x=[np.nan, 1.0]))
    with pytest.raises(InputError, match="radius_km"):
        gravity_flows(one, one, points, radius_km=0)


def towns(*residents):
    """Squares of 5 km in a row, with the same number of people at each age."""
    codes = pd.Index([f"{number:06d}" for number in range(1, len(residents) + 1)], name="code")
    shapes = [box(5000 * i, 0, 5000 * (i + 1), 5000) for i in range(len(residents))]
    polygons = gpd.GeoDataFrame(geometry=shapes, index=codes, crs="EPSG:3035")
    people = pd.DataFrame(np.array(residents)[:, None] * np.ones(len(AGE_COLUMNS)), codes, list(AGE_COLUMNS))
    return polygons, people


def test_modelled_flows_keep_totals_and_are_whole():
    polygons, people = towns(1, 5, 100, 10, 2)
    flows = modelled_flows(polygons, people)
    assert flows["commuters"].dtype.kind == "i"
    assert (flows["commuters"] >= 1).all()
    FLOWS.check(flows)
    employed = flow_margins(flows, polygons.index)["residents_employed"]
    expected = np.array([1, 5, 100, 10, 2]) * 90 * EMPLOYED_SHARE
    assert employed.sum() == round(expected.sum())
    assert (abs(employed - expected) < 1).all()
    # the large town draws more than it sends, everyone else the opposite
    balance = flow_margins(flows, polygons.index).eval("jobs - residents_employed")
    assert (balance > 0).to_list() == [False, False, True, False, False]


def test_modelled_flows_do_not_depend_on_row_order():
    polygons, people = towns(3, 50, 20, 8, 8)
    turned = modelled_flows(polygons.iloc[::-1], people.iloc[[2, 0, 4, 1, 3]])
    pd.testing.assert_frame_equal(turned, modelled_flows(polygons, people))


def test_municipality_without_residents_sends_and_receives_nobody():
    polygons, people = towns(5, 40, 10)
    people.loc["000001"] = 0
    flows = modelled_flows(polygons, people.drop(index="000003"))
    assert set(flows["origin"]) | set(flows["destination"]) == {"000002"}


def test_employed_share_by_municipality():
    polygons, people = towns(10, 10)
    share = pd.Series([0.2, 0.8], index=polygons.index)
    employed = flow_margins(modelled_flows(polygons, people, employed_share=share), polygons.index)
    assert employed["residents_employed"].to_list() == [180, 720]
    for wrong in (1.2, -0.1, np.nan):
        with pytest.raises(InputError, match="employed_share"):
            modelled_flows(polygons, people, employed_share=wrong)


def test_bad_tables_are_named():
    polygons, people = towns(10, 10)
    with pytest.raises(InputError, match="missing: 'm7'"):
        modelled_flows(polygons, people.drop(columns="m7"))
    with pytest.raises(InputError, match="metric"):
        modelled_flows(polygons.set_crs("EPSG:4326", allow_override=True), people)


@given(
    residents=st.lists(st.integers(0, 60), min_size=1, max_size=6),
    share=st.floats(0.0, 1.0),
)
def test_modelled_totals_always_hold(residents, share):
    polygons, people = towns(*residents)
    flows = modelled_flows(polygons, people, employed_share=share)
    employed = flow_margins(flows, polygons.index)["residents_employed"]
    assert employed.sum() == round(sum(residents) * 90 * share)
    assert (abs(employed - np.array(residents) * 90 * share) <= 1).all()


@pytest.mark.slow
def test_modelled_against_the_matrix_of_2021(italy, ages_2022, matrix_2021):
    flows = modelled_flows(italy, ages_2022)
    ours, theirs = flow_matrix(flows, italy.index), flow_matrix(matrix_2021, italy.index)
    common = 2 * ours.minimum(theirs).sum() / (ours.sum() + theirs.sum())
    assert common == pytest.approx(0.773, abs=0.002)
    left, right = flow_margins(flows, italy.index), flow_margins(matrix_2021, italy.index)
    stay = (left["internal"] / left["residents_employed"]).corr(
        right["internal"] / right["residents_employed"]
    )
    assert stay == pytest.approx(0.741, abs=0.003)
    assert left["residents_employed"].sum() / theirs.sum() == pytest.approx(1, abs=0.001)
    assert left.loc["081025"].sum() == 0  # no population is published for it
