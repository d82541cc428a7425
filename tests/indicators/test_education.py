import numpy as np
import pandas as pd
import pytest

from diagnosis.indicators import compute, gap_reasons
from diagnosis.tables import AGE_COLUMNS, GRADES

CODES = ["901001", "901002", "901003"]


@pytest.fixture
def tables():
    """Three municipalities: a centre, a village without schools, and one that the registers do not cover."""
    ages = pd.DataFrame(0.0, index=CODES, columns=list(AGE_COLUMNS))
    for code, children in zip(CODES, (100, 20, 50), strict=True):
        ages.loc[code, ["f0", "m7", "f8", "m15"]] = children  # three years on: 3, 10, 11 and 18 years old
        ages.loc[code, "f50"] = 1000 - 4 * children
    schools = pd.DataFrame(0.0, index=CODES, columns=[f"{grade}_schools" for grade in GRADES])
    schools.loc["901001"] = [4, 2, 1, 0]
    schools["first_cycle_state_schools"] = [5.0, 0, 0]
    schools["first_cycle_led_elsewhere"] = [1.0, 0, 0]
    pupils = pd.DataFrame(0.0, index=CODES, columns=[f"{grade}_pupils" for grade in GRADES])
    pupils.loc["901001"] = [90, 118, 100, 0]
    for grade in GRADES:
        pupils[f"{grade}_pupils_at_most"] = pupils[f"{grade}_pupils"]
        pupils[f"{grade}_unplaced"], pupils[f"{grade}_masked_schools"] = 0.0, 0.0
    pupils["school_province"] = ["XX", None, None]
    pupils["primary_counted_schools"] = [2.0, 0, 0]
    pupils["preschool_state_pupils"] = [60.0, 0, 0]
    schools.loc["901003"] = np.nan
    pupils.loc["901003"] = np.nan
    places = pd.DataFrame({"area_km2": 10.0}, index=pd.Index(CODES, name="code"))
    return {"municipalities": places, "population": ages, "schools": schools, "pupils": pupils}


def test_municipality_by_hand(tables):
    values = compute(tables).loc["901001"]
    for name, expected in {
        "preschools_per_1000_children": 40,
        "primary_schools_per_1000_children": 20,
        "lower_secondary_schools_per_1000_children": 10,
        "upper_secondary_schools_per_1000_children": 0,
        "preschool_attendance_ratio": 90,
        "primary_attendance_ratio": 118,
        "upper_secondary_attendance_ratio": 0,
        "municipalities_without_primary_share": 0,
        "school_grades_present": 3,
        "pupils_per_primary_school": 59,
        "preschool_state_pupils_share": 100 * 60 / 90,
        "schools_led_from_elsewhere_share": 20,
    }.items():
        assert values[name] == pytest.approx(expected), name


def test_group_by_hand_leaves_out_what_is_not_covered(tables):
    values = compute(tables, groups=pd.Series("g", index=CODES)).loc["g"]
    for name, expected in {
        "primary_schools_per_1000_children": 1000 * 2 / 120,
        "primary_attendance_ratio": 100 * 118 / 120,
        "municipalities_without_primary_share": 50,
        "children_without_primary_share": 100 * 20 / 120,
        "children_without_lower_secondary_share": 100 * 20 / 120,
        "school_grades_present": 1.5,
    }.items():
        assert values[name] == pytest.approx(expected), name


def test_a_region_the_registers_do_not_cover_is_missing_with_a_reason(tables):
    values = compute(tables)
    gaps = gap_reasons(values, tables).set_index(["code", "indicator"])["reason"]
    for name in ("municipalities_without_primary_share", "school_grades_present", "primary_attendance_ratio"):
        assert np.isnan(values.at["901003", name])
        assert gaps["901003", name] == "not_in_source"
    assert values.at["901002", "primary_attendance_ratio"] == 0  # a true zero: no school, nobody attends
    assert gaps["901002", "pupils_per_primary_school"] == "zero_denominator"


@pytest.mark.parametrize(("at_most", "known"), [(123, True), (124.5, False)])
def test_pupils_not_known_within_one_in_twenty_are_missing(tables, at_most, known):
    tables["pupils"].loc["901001", "primary_pupils_at_most"] = at_most
    tables["pupils"].loc["901001", "primary_unplaced"] = 100
    value = compute(tables).at["901001", "primary_attendance_ratio"]
    assert value == 118 if known else np.isnan(value)


def test_a_group_lacks_the_unplaced_pupils_of_its_province_once(tables):
    pupils = tables["pupils"]
    pupils.loc["901002", "primary_pupils"] = 118
    pupils.loc[CODES[:2], "school_province"] = "XX"
    pupils.loc[CODES[:2], "primary_pupils_at_most"] = 118 + 8  # the same 8 pupils, in one of them
    pupils.loc[CODES[:2], "primary_unplaced"] = 8
    alone = compute(tables)["primary_attendance_ratio"]
    assert alone[CODES[:2]].isna().all()
    groups = pd.Series("g", index=CODES[:2])
    assert compute(tables, groups=groups).at["g", "primary_attendance_ratio"] == pytest.approx(
        100 * 236 / 120
    )
    pupils.loc["901002", "school_province"] = "YY"
    assert np.isnan(compute(tables, groups=groups).at["g", "primary_attendance_ratio"])


def test_masked_schools_add_their_bound(tables):
    pupils = tables["pupils"]
    pupils.loc["901001", ["preschool_pupils_at_most", "preschool_masked_schools"]] = [93, 1]
    assert compute(tables).at["901001", "preschool_attendance_ratio"] == 90
    pupils.loc["901001", ["preschool_pupils_at_most", "preschool_masked_schools"]] = [96, 2]
    assert np.isnan(compute(tables).at["901001", "preschool_attendance_ratio"])


def test_without_the_tables_nothing_is_zero(tables):
    for name in ("schools", "pupils"):
        del tables[name]
    values = compute(tables, only=["school_grades_present", "primary_attendance_ratio"])
    assert values.isna().all(axis=None)
    assert set(gap_reasons(values, tables)["reason"]) == {"source_missing"}
