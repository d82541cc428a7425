"""Hostile and odd input: a clear error or a documented result, never a traceback, a hang or a silent loss."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from diagnosis.areas import FunctionalAreas, agreement, area_quality, compiled
from diagnosis.areas.hierarchy import area_hierarchy
from diagnosis.areas.membership import membership_margin
from diagnosis.areas.stability import stability
from diagnosis.areas.thresholds import parameter_map, recommend_parameters
from diagnosis.areas.transition import transition_cost
from diagnosis.errors import InputError, UnknownNameError

COLUMNS = ["origin", "destination", "commuters"]
SMALL = {"min_size": 20, "target_size": 150}
ROWS = [
    ("1", "1", 80), ("1", "2", 20), ("2", "1", 50), ("2", "2", 50), ("3", "3", 90),
    ("3", "1", 10), ("1", "3", 10), ("4", "3", 5), ("4", "4", 20), ("3", "4", 6),
]  # fmt: skip
FLOWS = pd.DataFrame(ROWS, columns=COLUMNS)
WHOLE = FLOWS.astype({"origin": "int64", "destination": "int64"})
EXPECTED = {"1": 1, "2": 1, "3": 2, "4": 3}
MODES = pytest.mark.parametrize("mode", ["istat", "clean"])


def pairs(*rows):
    return pd.DataFrame(rows, columns=["code", "neighbour"])


def table(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


def fit(flows=FLOWS, population=None, location=None, mode="clean", **parameters):
    return FunctionalAreas(mode=mode, **{**SMALL, **parameters}).fit(flows, population, location)


def refused(call, *arguments, **options):
    with pytest.raises(InputError) as caught:
        call(*arguments, **options)
    return str(caught.value)


# Amounts


@MODES
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (-1, "at least 0"), (np.nan, "finite"), (np.inf, "finite"), (None, "finite"), ("x", "finite"),
        ("1,5", "finite"), (1e300, "small flows vanish"), (2**63, "small flows vanish"),
    ],
)  # fmt: skip
def test_an_amount_that_is_none_is_refused_with_its_row(mode, value, words):
    flows = FLOWS.astype({"commuters": "object"})
    flows.loc[1, "commuters"] = value
    assert words in refused(fit, flows, mode=mode)


@pytest.mark.parametrize("column", [pd.Timestamp("2020-01-01"), pd.Timedelta(days=1), 1 + 1j])
def test_moments_and_complex_numbers_are_no_amounts(column):
    assert "finite numbers" in refused(fit, FLOWS.assign(commuters=column))


@MODES
@pytest.mark.parametrize("scale", [1e-9, 0.5, 1, 1e12])
def test_areas_do_not_depend_on_the_unit(mode, scale):
    flows = FLOWS.assign(commuters=FLOWS["commuters"] * scale)
    model = fit(flows, mode=mode, min_size=20 * scale, target_size=150 * scale)
    assert model.labels_.to_dict() == EXPECTED


@MODES
def test_one_huge_amount_loses_nobody(mode):
    flows = FLOWS.assign(commuters=[80, 10**15, *FLOWS["commuters"][2:]])
    assert fit(flows, mode=mode).labels_.notna().all()


@MODES
def test_a_total_that_is_infinite_is_refused_without_a_warning(mode):
    assert "total" in refused(fit, FLOWS.assign(commuters=1e308), mode=mode)


@MODES
def test_duplicates_are_added_up_whatever_the_row_numbers(mode):
    half = FLOWS.assign(commuters=FLOWS["commuters"] / 2)
    flows = pd.concat([half, half]).set_axis([0] * 20)
    assert fit(flows, mode=mode).labels_.to_dict() == EXPECTED


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_twice_is_refused(name):
    assert name in refused(fit, pd.concat([FLOWS, FLOWS[[name]]], axis=1))


@MODES
@pytest.mark.parametrize("flows", [None, [1], pd.DataFrame(), FLOWS[:0], FLOWS.assign(commuters=0)])
def test_no_matrix(mode, flows):
    assert "flows" in refused(fit, flows, mode=mode)


# Codes


@pytest.mark.parametrize("code", ["  ", " 2", "2 ", "\t2"])
def test_codes_with_blanks_around_them_would_be_other_municipalities(code):
    assert "blanks" in refused(fit, FLOWS.replace("1", code))


@MODES
@pytest.mark.parametrize("code", ["NA", "None", "nan", "🚉 é", "a\nb", "²", "01", "9" * 5000])
def test_any_text_is_a_code(mode, code):
    labels = fit(FLOWS.replace("1", code), mode=mode).labels_
    assert set(labels.index) == {code, "2", "3", "4"}
    assert labels[code] == labels["2"] != labels["3"]


def test_codes_of_digits_are_ordered_by_number_however_long():
    long = "1" + "0" * 5000
    flows = table(*((a, b, 5) for a in (long, "9", "010", "10", "2") for b in (long, "9")))
    assert fit(flows).labels_.index.tolist() == ["2", "9", "010", "10", long]


@MODES
@pytest.mark.parametrize("kind", ["int8", "Int64", "uint64", "category"])
def test_whole_numbers_are_codes(mode, kind):
    model = fit(WHOLE.astype({"origin": kind, "destination": kind}), mode=mode)
    assert model.labels_.to_dict() == {int(code): area for code, area in EXPECTED.items()}


def test_whole_numbers_beyond_64_bits_with_sign():
    a, b = 2**63 + 1, 2**63 + 2
    model = fit(table((a, b, 5), (b, a, 5)))
    assert set(model.labels_.index) == {a, b}
    assert set(model.history_["code"]) <= {a, b}


@MODES
@pytest.mark.parametrize("kind", ["float64", "bool", "datetime64[ns]"])
def test_codes_of_other_kinds_are_refused(mode, kind):
    assert "codes" in refused(fit, WHOLE.astype({"origin": kind, "destination": kind}), mode=mode)
    assert "codes" in refused(fit, FLOWS.astype({"origin": "int64"}), mode=mode)


@pytest.mark.parametrize("value", [None, np.nan, ""])
def test_a_missing_code_is_refused(value):
    flows = FLOWS.astype({"origin": "object"})
    flows.loc[0, "origin"] = value
    assert "every row needs a code" in refused(fit, flows)


@pytest.mark.parametrize("flows", [FLOWS, WHOLE])
def test_companions_with_the_other_kind_of_code_are_refused(flows):
    other = "1" if flows is WHOLE else 1
    assert "codes" in refused(fit, flows, pd.Series([5], index=[other]))
    assert "codes" in refused(fit, flows, None, pd.DataFrame({"x": [1.0], "y": [2.0]}, index=[other]))
    assert "codes" in refused(fit, flows, contiguity=pairs((other, other)))
    assert "group" in refused(fit, flows, within=pd.Series(["a"], index=[other]))
    assert "in the flows" in refused(fit, flows, must_link=[[other]])


# Small and empty networks


def test_single_and_two_municipalities():
    assert fit(table(("1", "1", 5))).labels_.to_dict() == {"1": 1}
    assert "exchange" in refused(fit, table(("1", "1", 5)), mode="istat")
    both = table(("1", "2", 5), ("2", "1", 5))
    assert fit(both).labels_.to_dict() == fit(both, mode="istat").labels_.to_dict() == {"1": 1, "2": 1}
    assert fit(both[:1]).labels_.to_dict() == {"1": 1, "2": 1}


def test_only_internal_flows():
    flows = table(*((str(i), str(i), 5) for i in range(4)))
    assert fit(flows).labels_.nunique() == 4
    assert "none of 4" in refused(fit, flows, mode="istat")


@pytest.mark.parametrize("row", [("1", "9", 5), ("9", "1", 5)])
def test_nobody_lives_or_works_there(row):
    flows = pd.concat([FLOWS, table(row)])
    assert fit(flows).labels_["9"] == 1
    package = fit(flows, mode="istat")
    assert pd.isna(package.labels_["9"])
    assert package.zero_list_["code"].tolist() == ["9"]


@pytest.mark.parametrize("name", ["within", "live"])
def test_a_network_without_internal_flows_has_margins_of_the_same_type(name):
    network = fit(table(("1", "2", 5), ("2", "1", 5)))._network
    assert getattr(network, name)().dtype == "float64"  # compiled code is made for it once


# Parameters


@pytest.mark.parametrize("name", ["min_size", "min_self_containment"])
@pytest.mark.parametrize("value", [-1, 0, np.nan, np.inf, "5", None, True, 1j, np.array([0.5])])
def test_thresholds_are_numbers_above_0(name, value):
    assert name in refused(fit, **{name: value})


@MODES
def test_thresholds_at_the_edge(mode):
    # Then size alone counts, which each has
    assert fit(mode=mode, min_self_containment=1e-6).labels_.nunique() == 4
    assert fit(mode=mode, target_self_containment=1.0).labels_.notna().all()
    # Only a closed area reaches these: everybody together
    assert fit(mode=mode, min_size=1e9, target_size=2e9).labels_.nunique() == 1
    near = {"target_size": np.nextafter(20.0, 21), "target_self_containment": np.nextafter(0.6, 1)}
    assert fit(mode=mode, **near).labels_.notna().all()


@pytest.mark.parametrize("value", [1.0, "1", True, -1, np.nan, [1], np.random.default_rng(0)])
def test_random_state_is_a_whole_number(value):
    assert "random_state" in refused(fit, random_state=value)


@pytest.mark.parametrize("value", [0, np.int64(3), np.uint8(3), 2**200])
def test_any_whole_number_is_a_random_state(value):
    assert fit(random_state=value).labels_.to_dict() == EXPECTED


# Location and population


@pytest.mark.parametrize("value", [np.inf, "a"])
def test_coordinates_are_finite_numbers(value):
    location = pd.DataFrame({"x": [value, 1.0], "y": [1.0, 2.0]}, index=["1", "2"])
    assert "'1'" in refused(fit, location=location)


def test_a_missing_coordinate_is_allowed():
    location = pd.DataFrame({"x": [None, 1.0], "y": [1.0, 2.0]}, index=["1", "2"])
    assert fit(location=location).labels_.to_dict() == EXPECTED


@pytest.mark.parametrize("value", [-1, np.inf, "x"])
def test_residents_are_numbers_of_at_least_0(value):
    assert "population" in refused(fit, population=pd.Series([value], index=["1"]))


# Contiguity and groups


@pytest.mark.parametrize(
    ("contiguity", "isolated"),
    [
        (pairs(("1", "2")), ["3", "4"]),
        (pairs(("1", "2"), ("2", "1"), ("1", "2")), ["3", "4"]),
        (pairs(("1", "2"), ("3", "3"), ("4", "x"), ("x", "y"), (None, "4")), ["3", "4"]),
        (pairs(("1", "1")), ["1", "2", "3", "4"]),
        (pairs(("1", "x"), ("y", "2")), ["1", "2", "3", "4"]),
        (pairs(), ["1", "2", "3", "4"]),
    ],
)
def test_who_has_no_neighbour_is_isolated(contiguity, isolated):
    model = fit(contiguity=contiguity)
    assert model.isolated_.tolist() == isolated
    assert model.labels_.notna().all()
    assert model.labels_[isolated].nunique() == len(isolated)


@pytest.mark.parametrize(
    "contiguity", [[("1", "2")], pd.DataFrame({"a": [1]}), pairs(("x", "y")), pairs((1, 2))]
)
def test_contiguity_of_something_else_is_refused(contiguity):
    assert "contiguity" in refused(fit, contiguity=contiguity)


def test_one_direction_and_categories_are_enough():
    near = pairs(("1", "2"), ("1", "3"), ("3", "4"))
    both = pd.concat([near, near.rename(columns={"code": "neighbour", "neighbour": "code"})])
    for contiguity in (near, both, near.astype("category")):
        assert fit(contiguity=contiguity).labels_.to_dict() == EXPECTED


@pytest.mark.parametrize("groups", [list("abcd"), ["a", 1, 2.5, ("t",)]])
def test_a_group_each(groups):
    assert fit(within=pd.Series(groups, index=list("1234"), dtype="object")).labels_.nunique() == 4


@pytest.mark.parametrize(
    "groups", [{"1": "a"}, pd.DataFrame({"g": ["a"]}), pd.Series(list("ab"), index=["1", "1"])]
)
def test_groups_of_another_form_are_refused(groups):
    assert "within" in refused(fit, within=groups)


# Links


ONCE = [
    lambda: (pair for pair in [("1", "2")]),
    lambda: zip("1", "2", strict=True),
    lambda: [iter(("1", "2"))],
    lambda: map(list, ["12"]),
]


@pytest.mark.parametrize("name", ["must_link", "cannot_link"])
@pytest.mark.parametrize("once", ONCE)
def test_what_can_be_read_only_once_is_refused(name, once):
    """A second fit, a sweep or a hierarchy would find it empty and forget the constraint."""
    assert "list(" in refused(fit, **{name: once()})
    estimator = FunctionalAreas(mode="clean", **SMALL, **{name: once()})
    assert "list(" in refused(stability, FLOWS, estimator, runs=1)
    assert "list(" in refused(parameter_map, FLOWS, {}, estimator=estimator)
    assert "list(" in refused(area_hierarchy, FLOWS, [SMALL], **{name: once()})


@pytest.mark.parametrize("name", ["must_link", "cannot_link"])
@pytest.mark.parametrize(
    "given",
    [
        5,
        False,
        "12",
        ["12"],
        [["1", "x"]],
        [[None, "1"]],
        [[["1", "2"]]],
        [[("1", "2")]],
        pd.DataFrame({"a": ["1"]}),
    ],
)
def test_links_of_another_form_are_refused(name, given):
    assert name in refused(fit, **{name: given})


@pytest.mark.parametrize(
    "given", [[("2", "4")], [{"2", "4"}], np.array([["2", "4"]]), pd.Series([["2", "4"]])]
)
def test_links_in_any_container(given):
    labels = fit(must_link=given).labels_
    assert labels["2"] == labels["4"]
    labels = fit(cannot_link=given, min_size=1e9, target_size=2e9).labels_
    assert labels["2"] != labels["4"]


def test_no_links_at_all():
    for given in ([], np.array([]), [[]]):
        assert fit(must_link=given).labels_.to_dict() == EXPECTED
    assert fit(cannot_link=np.empty((0, 2))).labels_.to_dict() == EXPECTED


def test_everything_together_everything_apart_and_overlaps():
    assert fit(must_link=[list("1234")]).labels_.nunique() == 1
    assert fit(must_link=[["1", "2"], ["2", "3"], ["3", "4"]]).labels_.nunique() == 1
    every = [(a, b) for a in "1234" for b in "1234" if a < b]
    assert fit(cannot_link=every).labels_.nunique() == 4
    assert "contradicts" in refused(fit, must_link=[["1", "2"], ["2", "3"]], cannot_link=[("1", "3")])
    assert "apart" in refused(fit, cannot_link=[("1", "1")])


def test_who_has_no_flow_still_stays_with_its_group():
    flows = pd.concat([FLOWS, table(("8", "8", 0), ("9", "9", 0))])
    near = pairs(("1", "9"), ("9", "3"), ("2", "4"))
    model = fit(flows, must_link=[["1", "9", "3"]], contiguity=near)
    assert model.labels_[["1", "9", "3"]].nunique() == 1
    assert model.unassigned_["code"].tolist() == ["8"]
    quality = area_quality(model.labels_, flows, contiguity=near)
    assert (quality["n_pieces"] == 1).all()


# Companions


@pytest.mark.parametrize(
    "option",
    [
        {"runs": 0}, {"runs": 1.0}, {"runs": True}, {"random_state": -1}, {"random_state": "a"},
        {"random_state": None}, {"workers": 0}, {"workers": -1}, {"workers": "a"}, {"core_from": "a"},
        {"core_from": 0}, {"core_from": np.nan}, {"matrices": []}, {"matrices": 3}, {"matrices": [None]},
    ],
)  # fmt: skip
def test_stability_refuses(option):
    refused(stability, FLOWS, FunctionalAreas(mode="clean", **SMALL), **{"runs": 1, **option})


def test_stability_of_one_run_and_of_a_matrix_without_areas():
    found = stability(FLOWS, FunctionalAreas(mode="clean", **SMALL), runs=1)
    assert set(found.table["with_centre"]) <= {0.0, 1.0}
    hopeless = FunctionalAreas(min_size=1e307, target_size=1e308)
    assert hopeless.fit(FLOWS).labels_.isna().all()
    assert "Lower the thresholds" in refused(stability, FLOWS, hopeless, runs=1)


@pytest.mark.parametrize(
    "grid",
    [
        5, [("min_size", [1])], {"min_size": []}, {"min_size": 20}, {"min_size": "20"}, {"min_size": ["20"]},
        {"min_size": [20, "a"]}, {"min_size": [None]}, {"min_size": [np.nan]}, {"min_size": [-1]},
        {"min_size": [1000]}, {"size": [1]},
    ],
)  # fmt: skip
def test_a_degenerate_grid_is_refused(grid):
    refused(parameter_map, FLOWS, grid, estimator=FunctionalAreas(mode="clean", **SMALL))


def test_a_grid_of_one_setting():
    plane = parameter_map(FLOWS, {"min_size": (20, 20)}, estimator=FunctionalAreas(mode="clean", **SMALL))
    assert len(plane) == 1
    assert recommend_parameters(plane)["reason"] == "only"
    assert "FunctionalAreas" in refused(parameter_map, FLOWS, {}, estimator="clean")


def test_a_setting_without_areas_is_never_recommended():
    grid = {"min_size": [20, 1e307], "target_size": [150, 1e308]}
    plane = parameter_map(FLOWS, grid, estimator=FunctionalAreas(**SMALL))
    assert (plane["areas"] == 0).any()
    assert recommend_parameters(plane)["areas"] > 0
    assert "at least one area" in refused(recommend_parameters, plane[plane["areas"] == 0])


@pytest.mark.parametrize("code", ["x", 1, None, np.nan, ["1"], ("1",), ""])
def test_explain_of_a_code_that_is_unknown(code):
    with pytest.raises(UnknownNameError):
        fit().explain(code)


def test_explain_names_the_nearest_code_and_needs_no_complete_names():
    model = fit(FLOWS.replace({"1": "082053", "2": "082054"}))
    with pytest.raises(UnknownNameError, match="'082053'"):
        model.explain("82053")
    names = pd.Series(["Uno", None], index=["082053", "082054"])
    assert "nan" not in model.explain("082054", names=names).sentence("en").lower().split()


HIGHER = {"min_size": 60, "target_size": 400}


@pytest.mark.parametrize(
    "levels",
    [
        [], None, SMALL, "ab", [1], [SMALL, SMALL], [HIGHER, SMALL], [{"size": 1}], [{"min_size": "a"}],
        [SMALL, {**HIGHER, "min_size": None}], [SMALL, {**HIGHER, "min_size": np.nan}],
    ],
)  # fmt: skip
def test_levels_that_do_not_rise_are_refused(levels):
    refused(area_hierarchy, FLOWS, levels)


def test_links_hold_at_every_level():
    found = area_hierarchy(FLOWS, [SMALL, HIGHER], must_link=[["2", "4"]], cannot_link=[("1", "3")])
    for level in ("level_1", "level_2"):
        assert found[level]["2"] == found[level]["4"]
        assert found[level]["1"] != found[level]["3"]
    assert "list" in refused(area_hierarchy, FLOWS, [SMALL], must_link="12")


def test_partial_geographies_with_text_for_areas():
    labels = fit().labels_
    partial = pd.Series(["NA", "NA", None], index=["1", "2", "9"])
    found = agreement(labels, partial)
    assert (found["municipalities_compared"], found["municipalities_not_compared"]) == (2, 3)
    cost = transition_cost(partial, labels, FLOWS, parameters=FunctionalAreas(**SMALL).get_params())
    assert (cost["municipalities_compared"], cost["municipalities_changing"]) == (2, 0)
    assert cost["municipalities_listed"] == 5
    margin = membership_margin(partial.reindex(list("1234")), FLOWS)
    assert margin["area"].tolist()[:2] == ["NA", "NA"]
    assert margin["area"].isna().tolist() == [False, False, True, True]


def test_companions_say_what_they_need():
    labels = fit().labels_
    assert "min_size" in refused(area_quality, labels, FLOWS, parameters={})
    assert "contiguity" in refused(area_quality, labels, FLOWS, contiguity=[1])
    assert "contiguity" in refused(membership_margin, labels, FLOWS, contiguity=[1])
    twice = pd.Series([1, 2], index=["1", "1"])
    assert "population" in refused(area_quality, labels, FLOWS, population=twice)
    assert "municipalities" in refused(area_quality, labels, FLOWS, municipalities=twice.to_frame("name"))


# Networks at random: what always holds


def random_case(seed):
    """Flows, constraints that do not contradict each other, codes."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 28))
    amount = np.floor(rng.lognormal(2, 1.4, (n, n))) * (rng.random((n, n)) < rng.choice([0.08, 0.2, 0.6]))
    amount[np.arange(n), np.arange(n)] *= rng.choice([0, 1, 8])
    amount[rng.integers(n)] = 0
    codes = np.array([f"{code:06d}" for code in rng.permutation(900)[:n]])
    amount[0, 1] = 7
    flows = table(*((codes[i], codes[j], a) for (i, j), a in np.ndenumerate(amount) if a > 0 or i == j))
    given = {}
    if rng.random() < 0.7:
        i, j = np.nonzero(np.triu(rng.random((n, n)) < rng.choice([0.1, 0.3]), 1))
        given["contiguity"] = pd.DataFrame({"code": codes[i], "neighbour": codes[j]})
    if rng.random() < 0.4:
        given["within"] = pd.Series(rng.choice(["N", "S"], n), index=codes)
    if rng.random() < 0.5:
        given["cannot_link"] = [tuple(rng.choice(codes, 2, replace=False)) for _ in range(rng.integers(1, 9))]
    elif "contiguity" in given and "within" not in given:
        given["must_link"] = given["contiguity"].head(2).to_numpy().tolist()
    least = float(rng.choice([5, 50, 1e9]))
    share = float(rng.choice([0.3, 0.6, 0.85]))
    given |= {"min_size": least, "target_size": least * float(rng.choice([1.5, 10]))}
    return flows, given | {"min_self_containment": share, "target_self_containment": share + 0.15}, codes


@for_all(st.integers(0, 100_000))
def test_constraints_hold_and_nobody_is_lost(seed):
    flows, given, _ = random_case(seed)
    labels = FunctionalAreas(mode="clean", **given).fit(flows).labels_
    positive = flows[flows["commuters"] > 0]
    living = pd.unique(pd.concat([positive["origin"], positive["destination"]]))
    assert labels[living].notna().all()
    for _, members in labels.dropna().groupby(labels):
        if "contiguity" in given:
            place = pd.Index(members.index)
            ends = np.array([place.get_indexer(given["contiguity"][name]) for name in ("code", "neighbour")])
            ends = ends[:, (ends >= 0).all(axis=0)]
            graph = coo_array((np.ones(ends.shape[1]), tuple(ends)), shape=(len(place), len(place)))
            assert connected_components(graph, directed=False)[0] == 1
        if "within" in given:
            assert given["within"][members.index].nunique() == 1
        for pair in given.get("cannot_link", ()):
            assert not set(pair) <= set(members.index)
    for group in given.get("must_link", ()):
        assert labels[group].nunique(dropna=False) == 1


@for_all(st.integers(0, 100_000))
def test_without_ties_codes_decide_nothing(seed):
    """On networks of few, small whole numbers, where almost everything is equal."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 13))
    amount = (rng.random((n, n)) < rng.choice([0.15, 0.3, 0.6])) * rng.integers(
        1, 1 + rng.integers(1, 3), (n, n)
    )
    amount[0, 1] = 1
    codes = np.array([f"{code:02d}" for code in range(n)])
    flows = table(*((codes[i], codes[j], a) for (i, j), a in np.ndenumerate(amount) if a))
    model = FunctionalAreas(mode="clean", min_size=3, target_size=8).fit(flows)
    if model.ties_:
        return
    for other in range(3):
        new = dict(zip(codes, np.random.default_rng(other).permutation(codes), strict=True))
        renamed = flows.assign(origin=flows["origin"].map(new), destination=flows["destination"].map(new))
        again = FunctionalAreas(mode="clean", min_size=3, target_size=8).fit(renamed)
        assert again.ties_ == 0
        assert agreement(model.labels_.rename(index=new), again.labels_)["municipalities_differing"] == 0


def test_a_tie_between_the_weakest_areas_is_counted():
    """Which of two equal areas is dissolved first decides here, and nothing tells them apart but their codes."""
    flows = table(
        ("0", "0", 2), ("0", "2", 1), ("1", "0", 1), ("1", "1", 2), ("1", "2", 1), ("2", "0", 1),
        ("2", "2", 2), ("2", "3", 1), ("3", "1", 1), ("3", "2", 1), ("3", "3", 2),
    )  # fmt: skip
    sizes = {"min_size": 3, "target_size": 4.5, "min_self_containment": 0.5}
    model = FunctionalAreas(mode="clean", **sizes).fit(flows)
    found = set()
    for seed in range(12):
        new = dict(zip("0123", np.random.default_rng(seed).permutation(list("0123")), strict=True))
        renamed = flows.assign(origin=flows["origin"].map(new), destination=flows["destination"].map(new))
        labels = FunctionalAreas(mode="clean", **sizes).fit(renamed).labels_
        found.add(tuple(labels[new[code]] == labels[new["0"]] for code in "123"))
    assert len(found) > 1
    assert model.ties_ > 0


def test_a_grid_of_identical_municipalities_ends_soon_and_alike_in_both_engines(monkeypatch):
    side = 45
    x, y = np.divmod(np.arange(side * side), side)
    i = [x * side + y]
    j = [x * side + y]
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        there = (x + dx >= 0) & (x + dx < side) & (y + dy >= 0) & (y + dy < side)
        i.append((x * side + y)[there])
        j.append(((x + dx) * side + y + dy)[there])
    i, j = np.concatenate(i), np.concatenate(j)
    flows = pd.DataFrame({"origin": i, "destination": j, "commuters": np.where(i == j, 10, 3)})
    contiguity = flows.loc[i != j, ["origin", "destination"]].set_axis(["code", "neighbour"], axis=1)
    found = []
    for start in (10**9, 0):
        monkeypatch.setattr(compiled, "COMPILED_FROM", start)
        begun = time.process_time()
        found.append(fit(flows, min_size=200, target_size=2000, contiguity=contiguity))
        assert time.process_time() - begun < 60  # the first call may compile
    plain, machine = found
    pd.testing.assert_series_equal(plain.labels_, machine.labels_)
    pd.testing.assert_frame_equal(plain.history_, machine.history_)
    assert plain.ties_ == machine.ties_ > 0
    assert plain.labels_.notna().all()
