"""A release scores, classifies and describes data on its frozen scale, and survives being written."""

import copy
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.composite import Goalposts, composite_index
from diagnosis.composite.release import AmpiRelease
from diagnosis.errors import InputError, UnknownNameError

NAN = np.nan
POSTS = pd.DataFrame(
    {
        "minimum": [0.0, 20.0, 1.0],
        "maximum": [60.0, 80.0, 4.0],
        "reference": [30.0, 50.0, 2.5],
        "direction": ["positive", "negative", "positive"],
    },
    index=["a", "b", "c"],
)
GROUPS = {"a": "health", "b": "health", "c": "work"}
CLASSES = pd.DataFrame(
    [np.arange(96.0, 105.0), np.repeat([90.0, 100.0, 110.0], 3)], index=["health", "work"], columns=range(9)
)
OBSERVED = pd.DataFrame({"lowest": [10.0, 20.0, 1.0], "highest": [60.0, 70.0, 3.0]}, index=["a", "b", "c"])


def release(**changes):
    fields = {
        "version": "2026",
        "goalposts": Goalposts(POSTS),
        "groups": GROUPS,
        "classes": CLASSES,
        "observed": OBSERVED,
        **changes,
    }
    return AmpiRelease(**fields)


def values(*rows, index=None, columns="abc"):
    return pd.DataFrame(list(rows), index=index, columns=list(columns), dtype=float)


def test_scores_by_hand():
    # a: 40 -> 110; b: 40 -> 90, negative -> 110; 60 -> 90; M = 100, S2 = 100, penalty 1
    table = values((40, 40, 4), (40, 60, 2.5), (30, 50, 2.5), index=["u", "v", "Italia"])
    found = release().score(table)
    np.testing.assert_allclose(found, [[110, 130], [99, 100], [100, 100]], rtol=1e-12)
    np.testing.assert_allclose(release(penalty="+").score(table)["health"], [110, 101, 100], rtol=1e-12)
    assert list(found.columns) == ["health", "work"]
    weighted = release(weights={"a": 3, "b": 1, "c": 1}).score(table)
    assert weighted.loc["v", "health"] == pytest.approx(105 - 75 / 105)


def test_missing_values_follow_the_minimum_share():
    table = values((40, NAN, NAN), (NAN, NAN, 4), index=["u", "v"])
    found = release().score(table)
    assert found.isna().to_numpy().tolist() == [[True, True], [True, False]]
    assert release(minimum_share=0.5).score(table).loc["u", "health"] == 110
    assert release().score(table.iloc[:0]).shape == (0, 2)


def test_other_columns_are_left_out_and_absent_ones_refused():
    table = values((1, 40, 40, 4), columns="xbac")
    assert release().score(table).to_numpy().tolist() == [[110, 130]]
    with pytest.raises(InputError, match="'c'"):
        release().score(table[["a", "b"]])
    with pytest.raises(InputError, match="numbers"):
        release().score(table.assign(a="high"))


def test_reference_is_exactly_100_with_any_number_of_indicators_and_weights():
    for n in range(1, 60):
        names = [f"i{k}" for k in range(n)]
        own = np.sqrt(np.arange(1, n + 1))
        posts = pd.DataFrame(
            {"minimum": own - 0.3, "maximum": own + 0.3, "reference": own, "direction": "negative"},
            index=names,
        )
        found = AmpiRelease(
            version="1",
            goalposts=Goalposts(posts),
            groups=dict.fromkeys(names, "d"),
            classes=pd.DataFrame(np.nan, index=["d"], columns=range(9)),
            observed=pd.DataFrame({"lowest": own, "highest": own}, index=names),
            weights=dict(zip(names, np.log(np.arange(2, n + 2)), strict=True)),
        )
        row = pd.DataFrame([own], columns=names)
        assert found.score(row).iloc[0, 0] == 100
        row["i0"] = NAN
        assert n < 6 or found.score(row).iloc[0, 0] == 100


def test_a_score_on_a_limit_is_in_the_lower_class():
    scores = pd.DataFrame(
        {"health": [95, 96, 96.5, 104, 104.5, NAN], "work": [90, 90.5, 100, 110, 111, NAN]},
        index=list("uvwxyz"),
    )
    found = release().classify(scores)
    assert found["health"].to_list()[:5] == [1, 1, 2, 9, 10]
    # three limits at 90, 100 and 110 each: classes 2, 3, 5, 6, 8 and 9 stay empty
    assert found["work"].to_list()[:5] == [1, 4, 4, 7, 10]
    assert found.loc["z"].isna().all()
    assert (found.dtypes == "Int64").all()
    rounding = scores["health"] * (1 + 2e-16)
    assert release().classify(rounding.to_frame())["health"].equals(found["health"])
    assert release().classify(scores[["work"]]).columns.to_list() == ["work"]
    with pytest.raises(UnknownNameError, match="domain"):
        release().classify(scores.rename(columns={"work": "job"}))


def test_a_domain_without_limits_has_no_classes():
    found = release(classes=CLASSES.assign().where(CLASSES.index.to_series() == "work", axis=0))
    classes = found.classify(found.score(values((40, 40, 4))))
    assert classes["health"].isna().all()
    assert classes["work"].to_list() == [10]


PANEL = values(
    (40, 40, 4),
    (5, 40, 4),
    (75, 15, NAN),
    (NAN, 40, NAN),
    index=pd.MultiIndex.from_tuples(
        [("u", 2020), ("v", 2018), ("u", 2018), ("w", 2020)], names=["unit", "year"]
    ),
)


def test_coverage_counts_all_units_in_every_year():
    found = release().coverage(PANEL)
    assert found.columns.to_list() == [2018, 2020]
    np.testing.assert_allclose(found, [[2 / 3, 1 / 3], [1 / 3, 1 / 3]])
    single = release().coverage(PANEL.xs(2020, level="year"))
    assert single["share"].to_dict() == {"health": 0.5, "work": 0.5}


def test_values_outside_the_goalposts_and_beyond_what_was_seen():
    found = release().outside(PANEL)
    # a: 5 is within the goalposts 0 to 60, but below 10, the lowest seen; 75 is above both
    assert found.loc["a"].to_dict() == {
        "available": 3,
        "below": 0,
        "above": 1,
        "units": 1,
        "units_beyond": 2,
    }
    # b is negative: 15, below the minimum, scores above 130
    assert found.loc["b"].to_dict() == {
        "available": 4,
        "below": 0,
        "above": 1,
        "units": 1,
        "units_beyond": 1,
    }
    # 4 is on the goalpost, not outside it, but above 3, the highest seen, for u and v
    assert found.loc["c"].to_dict() == {
        "available": 2,
        "below": 0,
        "above": 0,
        "units": 0,
        "units_beyond": 2,
    }


def test_panels_that_cannot_be_read():
    with pytest.raises(InputError, match="one row"):
        release().coverage(PANEL.iloc[[0, 0]])
    with pytest.raises(InputError, match="'year'"):
        release().coverage(PANEL.rename_axis(["unit", "time"]))
    assert release().coverage(PANEL.rename_axis(["unit", "time"]), time="time").shape == (2, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": " "}, "version"),
        ({"version": 2026}, "version"),
        ({"reference_name": ""}, "reference"),
        ({"penalty": "minus"}, "penalty"),
        ({"minimum_share": 0}, "minimum_share"),
        ({"minimum_share": NAN}, "minimum_share"),
        ({"groups": {"a": "health", "b": "health"}}, "'c'"),
        ({"groups": {**GROUPS, "c": 3}}, "domain"),
        ({"groups": {**GROUPS, "c": "study"}}, "one row a domain"),
        ({"classes": CLASSES.iloc[:, :8]}, "9 inner limits"),
        ({"classes": CLASSES.iloc[:, ::-1]}, "ascend"),
        ({"classes": CLASSES.mask(CLASSES == 96)}, "ascend"),
        ({"classes": pd.concat([CLASSES, CLASSES])}, "one row a domain"),
        ({"observed": OBSERVED.iloc[:2]}, "lowest"),
        ({"observed": OBSERVED[["lowest"]]}, "lowest"),
        ({"observed": OBSERVED.assign(lowest=99)}, "in order"),
        ({"weights": {"a": 1, "b": 1}}, "weight"),
        ({"weights": {"a": 0, "b": 0, "c": 1}}, "above zero"),
        ({"weights": {"a": -1, "b": 1, "c": 1}}, "weight"),
        ({"base": 2018.5}, "base year"),
        ({"base": True}, "base year"),
        ({"vintages": {"a": 2018, "b": 2019}}, "vintage"),
        ({"vintages": {"a": 2018, "b": 2019, "c": 2020.0}}, "vintage"),
        ({"left_out": {"d": ""}}, "reason"),
        ({"goalposts": Goalposts(POSTS.set_axis([1, 2, 3])), "groups": {1: "h", 2: "h", 3: "w"}}, "text"),
    ],
)
def test_bad_releases_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        release(**changes)


FULL = {
    "weights": {"a": 1, "b": 0.1, "c": 1 / 3},
    "penalty": "+",
    "minimum_share": 2 / 3,
    "reference_name": "Italia",
    "base": 2018,
    "vintages": {"a": 2018, "b": "2018-2020", "c": np.int64(2021)},
    "left_out": {"d": "the same value everywhere"},
}


@pytest.mark.parametrize("changes", [{}, FULL])
def test_round_trip(changes):
    first = release(**changes)
    content = json.loads(json.dumps(first.to_dict(), allow_nan=False))
    second = AmpiRelease.from_dict(content)
    assert second.to_dict() == first.to_dict() == content
    table = values((41.1, 39.7, 3.3), (12, NAN, 2))
    pd.testing.assert_frame_equal(second.score(table), first.score(table), rtol=0, atol=0)
    pd.testing.assert_frame_equal(second.classify(first.score(table)), first.classify(first.score(table)))


def test_every_indicator_is_described_in_one_place():
    content = release(**FULL).to_dict()
    assert content["indicators"][1] == {
        "indicator": "b",
        "domain": "health",
        "minimum": 20.0,
        "reference": 50.0,
        "maximum": 80.0,
        "direction": "negative",
        "lowest": 20.0,
        "highest": 70.0,
        "weight": 0.1,
        "vintage": "2018-2020",
    }
    assert [content[name] for name in ("format", "version", "base")] == [1, "2026", 2018]
    assert content["classes"][0] == {"domain": "health", "limits": list(range(96, 105))}


@given(
    numbers=st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6)), min_size=3, max_size=3),
    limits=st.lists(st.floats(-1e3, 1e3), min_size=9, max_size=9).map(sorted),
    share=st.floats(0.01, 1),
)
def test_no_number_is_rounded_on_the_way(numbers, limits, share):
    middle, half = np.array(numbers).T
    posts = POSTS.assign(minimum=middle - half, reference=middle, maximum=middle + half)
    classes = pd.DataFrame([limits, [NAN] * 9], index=["work", "health"])
    first = release(goalposts=Goalposts(posts), classes=classes, minimum_share=share)
    second = AmpiRelease.from_dict(json.loads(json.dumps(first.to_dict())))
    np.testing.assert_array_equal(second.goalposts.frame["reference"], middle)
    np.testing.assert_array_equal(second.classes.loc["work"], limits)
    assert second.classes.loc["health"].isna().all()
    assert second.minimum_share == share
    assert second.to_dict() == first.to_dict()


def change(content, path, entry):
    content = copy.deepcopy(content)
    *way, last = path
    place = content
    for step in way:
        place = place[step]
    if entry is None:
        del place[last]
    else:
        place[last] = entry
    return content


@pytest.mark.parametrize(
    ("path", "entry", "message"),
    [
        (("format",), 2, "format 1"),
        (("format",), "1", "format 1"),
        (("format",), True, "format 1"),
        (("format",), None, "format 1"),
        (("version",), None, "'version'"),
        (("indicators",), [], "indicator"),
        (("indicators",), {"a": 1}, "list"),
        (("indicators", 0, "maximum"), None, "'maximum'"),
        (("indicators", 0, "maximum"), 70, "half-way"),
        (("indicators", 0, "maximum"), "60", "numbers"),
        (("indicators", 0, "domain"), "study", "one row a domain"),
        (("indicators", 0, "direction"), "neutral", "direction"),
        (("indicators", 0, "indicator"), "b", "one row an indicator"),
        (("indicators", 0, "indicator"), ["a"], "text"),
        (("classes", 0, "limits", 3), 90.0, "ascend"),
        (("classes", 0, "limits", 8), None, "9 inner limits"),
        (("classes", 0, "limits", 8), "high", "numbers"),
        (("classes", 0, "domain"), "work", "one row a domain"),
        (("minimum_share",), "most", "numbers"),
        (("minimum_share",), 10**400, "numbers"),
        (("left_out",), 3, "left_out"),
        (("indicators", 0, "weight"), 10**400, "numbers"),
        (("indicators", 0, "lowest"), 61, "in order"),
    ],
)
def test_what_is_not_a_release_is_refused(path, entry, message):
    with pytest.raises(InputError, match=message):
        AmpiRelease.from_dict(change(release(**FULL).to_dict(), path, entry))


@pytest.mark.parametrize("content", [None, [], "release", 1])
def test_what_is_not_even_a_mapping_is_refused(content):
    with pytest.raises(InputError, match="format 1"):
        AmpiRelease.from_dict(content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=50)
@given(data=st.data(), entry=json_values)
def test_any_other_content_is_read_or_refused(data, entry):
    content = release(**FULL).to_dict()
    places = [(name,) for name in content]
    places += [("indicators", 1, name) for name in content["indicators"][0]]
    places += [("classes", 0, "domain"), ("classes", 0, "limits"), ("classes", 0, "limits", 4)]
    changed = change(content, data.draw(st.sampled_from(places)), entry)
    try:
        found = AmpiRelease.from_dict(changed)
    except InputError:
        return
    json.dumps(found.to_dict(), allow_nan=False)
    found.score(values((30, 50, 2.5)))


rows = st.lists(st.tuples(*[st.integers(10, 50)] * 3), min_size=1, max_size=6)


@given(rows)
def test_scores_are_those_of_the_index_with_the_same_goalposts(table):
    found = values(*table)
    for penalty in "-+":
        pd.testing.assert_frame_equal(
            release(penalty=penalty).score(found),
            composite_index(found, goalposts=Goalposts(POSTS), groups=GROUPS, penalty=penalty),
            rtol=1e-13,
        )
