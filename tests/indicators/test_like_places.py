import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.errors import InputError, UnknownNameError
from diagnosis.indicators.like_places import (
    BUILT_IN_GROUPS,
    STEPS,
    classify_sizes,
    comparison_groups,
    find_like,
)
from diagnosis.tables import AGE_COLUMNS


def country(rows):
    """Tables of (class or None, residents or None) by municipality."""
    codes = pd.Index([f"90{number:04d}" for number in range(len(rows))], name="code")
    residents = pd.Series([row[1] for row in rows], index=codes, dtype=float).dropna()
    population = pd.DataFrame(0.0, index=residents.index, columns=AGE_COLUMNS).assign(f30=residents)
    municipalities = pd.DataFrame(
        {
            "province": ["901" if number % 2 else "902" for number in range(len(rows))],
            "region": ["91" if number < 4 else "92" for number in range(len(rows))],
            "capital": [1.0 if number in {1, 2} else 0.0 for number in range(len(rows))],
            "area_km2": 10.0,
        },
        index=codes,
    )
    inner = pd.Series([row[0] for row in rows], index=codes, dtype=object).dropna().to_frame("snai_class")
    return {"municipalities": municipalities, "population": population, "inner_areas": inner}


TOY = country(
    [
        ("A", 30_000),  # 0: the city; class of 20,001 to 50,000
        ("A", 50_000),  # 1: same
        ("A", 20_000),  # 2: size class below
        ("B", 40_000),  # 3: macro class
        ("C", 60_000),  # 4: size only
        ("A", 9_000),  # 5: too small for any step
        (None, 30_000),  # 6: no class
        ("A", None),  # 7: no residents
    ]
)


def numbers(found):
    return [int(code[-1]) for code in found.codes]


def test_size_classes_by_hand():
    found = classify_sizes(pd.Series([0, 1000, 1001, 5000, 5001, 250_000, 250_001, np.nan]))
    assert found.iloc[:7].to_list() == [0, 0, 1, 1, 2, 6, 7]
    assert pd.isna(found.iloc[7])
    assert classify_sizes(pd.Series([5.0, 50, 51]), [50]).to_list() == [0, 0, 1]
    for limits in ([], [5, 5], [5, 1], [0, 5], [5, np.inf], [[1, 2]]):
        with pytest.raises(InputError, match="limits"):
            classify_sizes(pd.Series([1.0]), limits)


@pytest.mark.parametrize(
    ("minimum", "step", "members", "classes", "span"),
    [
        (1, "same", [0, 1], ("A",), (20_000, 50_000)),
        (2, "neighbouring_sizes", [0, 1, 2], ("A",), (10_000, 100_000)),
        (3, "macro_class", [0, 1, 2, 3], ("A", "B"), (10_000, 100_000)),
        (4, "size_only", [0, 1, 2, 3, 4, 6], (), (10_000, 100_000)),
        (99, "size_only", [0, 1, 2, 3, 4, 6], (), (10_000, 100_000)),
    ],
)
def test_groups_are_widened_step_by_step(minimum, step, members, classes, span):
    found = find_like(TOY, "900000", minimum=minimum)
    assert (found.step, numbers(found), found.snai_classes) == (step, members, classes)
    assert (found.above, found.up_to) == span
    assert found.number == len(members) - 1
    assert found.enough == (minimum < 99)


def test_a_city_without_a_class_is_compared_by_size():
    found = find_like(TOY, "900006", minimum=1)
    assert (found.step, numbers(found)) == ("size_only", [0, 1, 2, 3, 4, 6])
    without = find_like({**TOY, "inner_areas": None}, "900000", minimum=1)
    assert (without.step, without.number) == ("size_only", 5)


def test_the_open_and_the_smallest_class():
    tables = country([("F", 300), ("F", 900), ("A", 900_000), ("A", 300_000)])
    small, large = find_like(tables, "900000", minimum=1), find_like(tables, "900002", minimum=1)
    assert (small.above, small.up_to) == (0, 1000)
    assert (large.above, large.up_to) == (250_000, np.inf)
    assert (small.number, large.number) == (1, 1)


def test_what_is_unknown_is_told():
    with pytest.raises(InputError, match="none are known for '900007'"):
        find_like(TOY, "900007")
    with pytest.raises(InputError, match="residents"):
        find_like({**TOY, "population": None}, "900000")
    for call in (find_like, comparison_groups):
        with pytest.raises(UnknownNameError, match="6-digit"):
            call(TOY, "000000")
        with pytest.raises(InputError, match="municipalities"):
            call({}, "900000")
    with pytest.raises(InputError, match="at least 1"):
        find_like(TOY, "900000", minimum=0)


def test_comparison_groups_by_hand():
    groups = comparison_groups(TOY, "900000", {"mine": ["900005", "900001", "900005"]}, minimum=1)
    assert list(groups) == [*BUILT_IN_GROUPS, "mine"]
    assert {name: [int(code[-1]) for code in codes] for name, codes in groups.items()} == {
        "like": [0, 1],
        "region": [0, 1, 2, 3],
        "province": [0, 2, 4, 6],
        "capitals": [1, 2],
        "country": list(range(8)),
        "mine": [1, 5],
    }
    assert list(comparison_groups(TOY, "900007", names=["country", "region"])) == ["country", "region"]


@pytest.mark.parametrize(
    ("own", "names", "error", "words"),
    [
        (None, ["regions"], UnknownNameError, "Did you mean 'region'"),
        ({"mine": ["900001"]}, ["mime"], UnknownNameError, "Did you mean 'mine'"),
        ({"like": ["900001"]}, None, InputError, "another name"),
        ({"mine": ["1"]}, None, InputError, "'1'"),
        ({"mine": []}, None, InputError, "empty"),
        ({"mine": "900001"}, None, InputError, "list of codes"),
    ],
)
def test_bad_groups_are_told(own, names, error, words):
    with pytest.raises(error, match=words):
        comparison_groups(TOY, "900000", own, names=names)


row = st.tuples(st.sampled_from([*"ABCDEF", None]), st.integers(100, 400_000))


@given(st.lists(row, min_size=1, max_size=30), st.integers(1, 12))
def test_each_step_holds_the_one_before(rows, minimum):
    tables = country(rows)
    found = find_like(tables, "900000", minimum=minimum)
    assert "900000" in found.codes
    assert found.enough == (found.number >= minimum)
    residents = tables["population"]["f30"][found.codes]
    assert ((residents > found.above) & (residents <= found.up_to)).all()
    if found.snai_classes:
        assert tables["inner_areas"]["snai_class"].reindex(found.codes).isin(found.snai_classes).all()
    narrower = find_like(tables, "900000", minimum=1)
    assert set(narrower.codes) <= set(found.codes)
    assert STEPS.index(narrower.step) <= STEPS.index(found.step)
    if found.step != narrower.step:
        assert narrower.number < minimum
    elsewhere = {**tables, "municipalities": tables["municipalities"].iloc[::-1]}
    assert set(find_like(elsewhere, "900000", minimum=minimum).codes) == set(found.codes)


def test_italian_cities_have_like_ones(italy):
    avellino = find_like(italy, "064008")
    assert (avellino.step, avellino.snai_classes) == ("same", ("A",))
    assert (avellino.above, avellino.up_to) == (50_000, 100_000)
    rome = find_like(italy, "058091")
    assert rome.enough
    assert rome.step != "same"  # a dozen cities are as large
    groups = comparison_groups(italy, "064008")
    assert len(groups["country"]) == len(italy["municipalities"])
    assert set(groups["province"]) < set(groups["region"])
