"""The contract of tables: every check, and that a table that passed passes unchanged."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from shapely.geometry import Point

from diagnosis.errors import InputError
from diagnosis.tables import (
    AGE_COLUMNS,
    FLOWS,
    ITALIAN_TABLES,
    LABOUR_AREAS_2011,
    MARGINS,
    POPULATION,
    PROVINCE_BODIES,
    PROVINCES,
    TABLES,
    Column,
    Table,
)

PLACES = Table(
    "places",
    "For these tests.",
    {
        "name": Column("text", may_be_missing=False),
        "kind": Column("text", values=("a", "b")),
        "share": Column("number", minimum=0, maximum=1),
        "note": Column("text", required=False),
    },
)


def places(**changes):
    columns = {
        "code": ["001001", "058091"],
        "name": ["Agliè", "None"],
        "kind": ["a", ""],
        "share": ["0.5", ""],
    }
    return pd.DataFrame(columns | changes)


def test_text_becomes_numbers_and_blanks_become_missing():
    checked = PLACES.check(places(kind=[" b ", "  "]))
    assert checked.index.tolist() == ["001001", "058091"]
    assert checked.index.name == "code"
    assert checked["name"].tolist() == ["Agliè", "None"]
    assert checked["kind"].tolist()[0] == "b"
    assert checked["kind"].isna().tolist() == [False, True]
    assert checked["share"].dtype == "float64"
    assert checked["share"].isna().tolist() == [False, True]


def test_na_is_a_text_and_no_gap():
    assert PLACES.check(places(name=["NA", "nan"]))["name"].tolist() == ["NA", "nan"]


def test_contract_columns_come_first_and_others_stay():
    frame = places(extra=[1, 2])[["extra", "share", "kind", "name", "code"]]
    assert PLACES.check(frame).columns.tolist() == ["name", "kind", "share", "extra"]


def test_key_may_be_the_index():
    frame = places()
    assert_frame_equal(PLACES.check(frame.set_index("code")), PLACES.check(frame))
    flows = pd.DataFrame({"origin": ["001001"], "destination": ["001002"], "commuters": [3]})
    assert_frame_equal(FLOWS.check(flows.set_index(["origin", "destination"])), FLOWS.check(flows))


def test_table_with_two_keys_keeps_them_as_columns():
    frame = pd.DataFrame({"commuters": ["3"], "destination": ["001002"], "origin": ["001001"]})
    checked = FLOWS.check(frame)
    assert checked.columns.tolist() == ["origin", "destination", "commuters"]
    assert checked["commuters"].tolist() == [3]


def test_given_frame_is_not_changed():
    frame = places()
    before = frame.copy()
    PLACES.check(frame)
    assert_frame_equal(frame, before)


def test_geometry_is_kept():
    frame = gpd.GeoDataFrame(places(), geometry=[Point(0, 0), Point(1, 1)], crs="EPSG:3035")
    checked = PLACES.check(frame)
    assert isinstance(checked, gpd.GeoDataFrame)
    assert checked.crs == "EPSG:3035"


def test_table_without_rows_passes():
    checked = PLACES.check(places().iloc[:0])
    assert checked.empty
    assert checked.index.name == "code"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (places().drop(columns=["share", "name"]), "missing: 'name', 'share'; found: 'code', 'kind'"),
        (places().drop(columns="code"), "missing: 'code'"),
        (places(code=["001001", " "]), "every row needs a value in 'code'. 1 rows have none"),
        (places(code=["001001", None]), "every row needs a value in 'code'"),
        (places(code=["001001", " 001001"]), "code must be unique. 1 repeated, for instance '001001'"),
        (
            places(name=["Agliè", " "]),
            "'name' must have a value in every row. 1 are empty, for instance '058091'",
        ),
        (places(kind=["a", "c"]), "'kind' must be one of a, b. found 'c'"),
        (places(share=["0,5", "0.1"]), "'share' must hold numbers, with a point for decimals. 1 do not"),
        (places(share=["n.d.", ""]), "for instance 'n.d.'"),
        (places(share=["inf", ""]), "'share' must hold numbers"),
        (places(share=[np.inf, np.nan]), "'share' must hold numbers"),
        (places(share=["-0.1", ""]), "'share' must be at least 0. 1 are not, for instance -0.1"),
        (places(share=[0.5, 1.5]), "'share' must be at most 1. 1 are not, for instance 1.5"),
        (
            places()[["code", "name", "kind", "share", "name"]],
            "a column must be there once. repeated: 'name'",
        ),
        (places().set_index("code", drop=False), "repeated: 'code'"),
    ],
)
def test_what_breaks_the_contract_is_told(frame, message):
    with pytest.raises(InputError, match=r"^places \(a\.csv\)") as caught:
        PLACES.check(frame, "a.csv")
    assert message in str(caught.value)


def test_repeated_pair_is_named():
    flows = pd.DataFrame({"origin": ["1", "1"], "destination": ["2", "2"], "commuters": [1, 2]})
    with pytest.raises(InputError, match=r"origin \+ destination must be unique.*'1/2'"):
        FLOWS.check(flows)


@pytest.mark.parametrize("kind", ["Int64", "Float64", "int32", "float32", object])
def test_numbers_of_every_kind(kind):
    checked = PLACES.check(places(share=pd.array([0, 1], dtype=kind)))
    assert checked["share"].tolist() == [0, 1]
    assert isinstance(checked["share"].dtype, np.dtype)


def test_missing_value_of_pandas_own_numbers():
    checked = PLACES.check(places(share=pd.array([1, None], dtype="Int64")))
    assert checked["share"].isna().tolist() == [False, True]
    with pytest.raises(InputError, match="at most 1"):
        PLACES.check(places(share=pd.array([2, None], dtype="Int64")))


@pytest.mark.parametrize("kind", ["string", "category", object])
def test_text_of_every_kind(kind):
    checked = PLACES.check(places(kind=pd.Series(["a", None], dtype=kind)))
    assert checked["kind"].isna().tolist() == [False, True]
    assert checked["kind"].tolist()[0] == "a"


text = st.one_of(st.none(), st.sampled_from(["", " ", "a", "b", "NA", "None", " à "]))
number = st.one_of(st.none(), st.floats(0, 1), st.sampled_from(["", " 0.25 ", "1e-3", "0", "1"]))
rows = st.lists(
    st.tuples(st.integers(0, 999999), st.sampled_from(["x", " NA"]), text, number, text),
    max_size=8,
    unique_by=lambda row: row[0],
)


@given(rows, st.booleans())
def test_check_is_idempotent(rows, keep_note):
    frame = pd.DataFrame(rows, columns=["code", "name", "kind", "share", "note"], dtype=object)
    frame["code"] = [f"{code:06d}" for code in frame["code"]]
    frame["kind"] = frame["kind"].where(frame["kind"].isin(["a", "b"]), None)
    frame = frame if keep_note else frame.drop(columns="note")
    once = PLACES.check(frame)
    assert once.index.tolist() == frame["code"].tolist()
    assert_frame_equal(PLACES.check(once), once)
    assert_frame_equal(PLACES.check(once.reset_index()), once)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 10**6)), max_size=8))
def test_row_order_is_kept_and_repeats_refused(rows):
    frame = pd.DataFrame(rows, columns=["origin", "destination", "commuters"])
    pairs = [row[:2] for row in rows]
    if len(set(pairs)) < len(pairs):
        with pytest.raises(InputError, match="must be unique"):
            FLOWS.check(frame)
    else:
        assert FLOWS.check(frame)["commuters"].tolist() == [row[2] for row in rows]


def test_population_has_every_age_of_both_sexes():
    assert len(AGE_COLUMNS) == len(set(AGE_COLUMNS)) == 202
    assert tuple(POPULATION.columns) == AGE_COLUMNS
    assert all(column.minimum == 0 for column in POPULATION.columns.values())


def test_province_bodies_have_a_legal_kind():
    frame = pd.DataFrame(
        {"province": ["901"], "name": ["a"], "body": ["Province"], "region": ["90"], "region_name": ["b"]}
    )
    with pytest.raises(InputError, match="'body' must be one of provincia"):
        PROVINCES.check(frame)
    assert PROVINCES.check(frame.assign(body=PROVINCE_BODIES[0])).index.tolist() == ["901"]


def test_margins_may_lack_internal_commuters_but_nothing_else():
    frame = pd.DataFrame(
        {"code": ["001001"], "total_out": [3], "total_in": [2], "n_destinations": [1], "n_origins": [1]}
    )
    assert MARGINS.check(frame).columns.tolist() == ["total_out", "total_in", "n_destinations", "n_origins"]
    with pytest.raises(InputError, match="'internal' must be at least 0"):
        MARGINS.check(frame.assign(internal=-1))
    with pytest.raises(InputError, match="missing: 'n_origins'"):
        MARGINS.check(frame.drop(columns="n_origins"))


def test_a_municipality_is_in_one_area_of_a_geography():
    frame = pd.DataFrame({"code": ["001001", "001001"], "area": ["0104", "0106"]})
    with pytest.raises(InputError, match=r"code must be unique.*'001001'"):
        LABOUR_AREAS_2011.check(frame)
    with pytest.raises(InputError, match="'area' must have a value"):
        LABOUR_AREAS_2011.check(frame.iloc[:1].assign(area=" "))


def test_tables_of_italy_alone_are_not_asked_of_an_own_country():
    assert not set(TABLES) & set(ITALIAN_TABLES)


def test_every_table_is_described():
    for name, table in {**TABLES, **ITALIAN_TABLES}.items():
        assert table.name == name
        assert table.description.endswith(".")
        assert all(column.kind in {"text", "number"} for column in table.columns.values())
