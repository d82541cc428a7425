import pandas as pd
import pytest

from diagnosis.quality import QualityRules, compare_publishers
from diagnosis.quality.municipal import find_changed
from diagnosis.tables import AGE_COLUMNS

CODES = pd.Index(["901001", "901002", "901003"], name="code")


def tables(later=(990.0, 2010.0, 3000.0)):
    people = pd.DataFrame(0.0, CODES, list(AGE_COLUMNS))
    people["f30"] = [1000.0, 2000.0, 3000.0]
    by_year = pd.DataFrame({"code": CODES, "year": "2025", "residents": list(later), "provisional": 0})
    provisional = by_year.assign(year="2026", provisional=1, residents=1.0)
    return {
        "municipalities": pd.DataFrame({"area_km2": 10.0}, index=CODES),
        "population": people,
        "residents_by_year": pd.concat([by_year, provisional], ignore_index=True),
    }


def test_two_counts_by_hand():
    row = compare_publishers(tables(), CODES).iloc[0]
    assert (row["quantity"], row["first"], row["second"]) == ("residents", "population", "residents_by_year")
    assert (row["first_total"], row["second_total"], row["municipalities"]) == (6000, 6000, 3)
    assert row["difference"] == 0
    assert row["tolerance"] == pytest.approx(0.005 + 3 * 0.015)
    assert row["typical"] == pytest.approx(0.005)
    assert (row["farthest"], row["beyond"], row["grade"]) == ("901001", 0, "A")
    assert row["farthest_difference"] == pytest.approx(-0.01)
    assert "2025" in row["reason_it"]
    assert "2025" in row["reason_en"]


@pytest.mark.parametrize(
    ("later", "grade"),
    [
        ((1000.0, 2000.0, 3090.0), "A"),
        ((1200.0, 1800.0, 3000.0), "B"),  # the total agrees, two municipalities do not
        ((1100.0, 2000.0, 2900.0), "A"),  # one alone is not enough
        ((1150.0, 2200.0, 3250.0), "C"),
        ((2000.0, 4000.0, 6000.0), "D"),
    ],
)
def test_grades(later, grade):
    assert compare_publishers(tables(later), CODES)["grade"].tolist() == [grade]


def test_a_municipality_beyond_its_tolerance_is_told_though_the_sum_agrees():
    row = compare_publishers(tables((1100.0, 2000.0, 2900.0)), CODES).iloc[0]
    assert (row["grade"], row["beyond"]) == ("A", 1)
    assert "1 su 3" in row["reason_it"]
    assert "1 of 3" in row["reason_en"]


def test_limits_can_be_changed():
    rules = QualityRules(residents_a_year=0.2)
    assert compare_publishers(tables((1150.0, 2200.0, 3250.0)), CODES, rules=rules)["grade"].tolist() == ["A"]


def test_provisional_counts_are_not_compared_and_missing_ones_left_out():
    found = compare_publishers(tables(), CODES)
    assert len(found) == 1
    short = tables()
    short["population"] = short["population"].drop(index="901001")
    row = compare_publishers(short, CODES).iloc[0]
    assert (row["municipalities"], row["first_total"]) == (2, 5000)
    assert compare_publishers({"municipalities": short["municipalities"]}, CODES).empty
    assert compare_publishers({}, CODES).empty


def test_signatories_are_compared_at_their_own_dates():
    own = tables()
    own.pop("residents_by_year")
    own["covenant_signatories"] = pd.DataFrame(
        {
            "kind": ["municipality", "municipality", "group", "municipality"],
            "code": ["901001", "901002", None, "901003"],
            "match": ["name", "name", None, "former"],
            "residents": [1100.0, 2000.0, 9.0, 9.0],
            "adhesion_date": ["2012-05-01", "2022-01-01", "2012-01-01", "2012-01-01"],
        },
        index=pd.Index(list("abcd"), name="signatory"),
    )
    row = compare_publishers(own, CODES).iloc[0]
    assert (row["second"], row["municipalities"], row["years_apart"]) == ("covenant_signatories", 2, 5)
    # ten years allow the first one 15.5 %, the second one 0.5 %
    assert row["tolerance"] == pytest.approx((0.155 * 1000 + 0.005 * 2000) / 3000)
    assert row["beyond"] == 0


def test_margins_and_matrix_must_be_the_same():
    flows = pd.DataFrame(
        {"origin": ["901001", "901001"], "destination": ["901001", "901002"], "commuters": [60, 40]}
    )
    margins = pd.DataFrame(
        {"total_out": [40, 0, 0], "total_in": [0, 40, 0], "internal": [60, 0, 0]}, index=CODES
    )
    own = {"municipalities": tables()["municipalities"], "flows": flows, "margins": margins}
    found = compare_publishers(own, CODES).set_index("quantity")
    assert found["grade"].to_dict() == {"employed_residents": "A", "jobs": "A"}
    assert (found["tolerance"] == 0.005).all()
    own["margins"] = margins.assign(internal=[90, 0, 0])
    assert compare_publishers(own, CODES)["grade"].tolist() == ["D", "D"]


@pytest.mark.parametrize(("published", "grade"), [(20.0, "A"), (20.15, "B"), (20.5, "C"), (24.0, "D")])
def test_exposure_of_a_province_is_that_of_its_municipalities(published, grade):
    hazards = pd.DataFrame(
        {"residents": [1000.0, 2000, 2000], "landslide_residents": [500.0, 500, 0]}, index=CODES
    )
    own = tables() | {
        "hazards": hazards.assign(landslide_area_km2=0.0, flood_area_km2=0.0, flood_residents=0.0),
        "wellbeing": pd.DataFrame(
            {"territory": ["901"], "indicator": ["10AMB011"], "year": ["2020"], "value": [published]}
        ),
    }
    found = compare_publishers(own, CODES, "901")
    row = found[found["quantity"] == "landslide"].iloc[0]
    assert row["first_total"] == 20
    assert row["grade"] == grade
    assert "landslide" not in set(compare_publishers(own, CODES)["quantity"])


def test_changes_of_codes_between_a_vintage_and_2022():
    codes = pd.Index(["081021", "081025", "099030", "005079", "001001"])
    assert find_changed("2022", codes).empty
    assert list(find_changed("2020", codes)) == ["081021", "081025", "099030"]
    assert list(find_changed("2021", codes)) == []
    assert list(find_changed("2025", codes)) == ["005079"]
