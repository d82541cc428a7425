"""Observations of the SDMX service as tables, from small ones made by hand."""

import numpy as np
import pandas as pd
import pytest

from diagnosis.errors import InputError
from diagnosis.sources.istat_sdmx_tables import to_population, to_wellbeing
from diagnosis.sources.sdmx_files import FlowStructure

AGES = [f"Y{age}" for age in range(100)]


def structure(**dimensions):
    tables = {
        name: pd.DataFrame(
            {"it": list(codes.values()), "en": ""}, index=pd.Index(list(codes), name="code"), dtype="str"
        )
        for name, codes in dimensions.items()
    }
    return FlowStructure("FLOW", {"it": "x", "en": "x"}, tables)


REGISTER = structure(
    REF_AREA={}, SEX={"1": "maschi", "2": "femmine", "9": "totale"}, AGE={}, MARITAL_STATUS={"99": "totale"}
)


def residents(codes=("089017", "041033"), ages=(*AGES, "Y_GE100"), sexes=("1", "2"), year="2022"):
    rows = [
        (code, sex, age, "99", year, float(10 * position + int(sex)))
        for code in codes
        for sex in sexes
        for position, age in enumerate(ages)
    ]
    columns = ["REF_AREA", "SEX", "AGE", "MARITAL_STATUS", "TIME_PERIOD", "value"]
    return pd.DataFrame(rows, columns=columns)


def test_residents_become_the_population_table():
    rows = residents()
    extra = residents(("IT", "ITG17"), ("TOTAL",), ("9",))
    totals = residents(("089017",), ("TOTAL", "Y0-14", "Y_GE85"), ("1", "9"))
    frame = to_population(
        pd.concat([extra, rows, totals]).sample(frac=1, random_state=1), REGISTER, "2021-01-01"
    )
    assert list(frame.index) == ["089017", "099030"]  # Montecopiolo, renumbered in June 2021
    assert frame.loc["089017", ["m0", "f0", "m99", "f100"]].tolist() == [1, 2, 991, 1002]
    assert frame.shape == (2, 202)
    assert frame.attrs["vintage"] == "2022"
    assert any("Montecopiolo" in note for note in frame.attrs["notes"])


def test_a_missing_age_stays_missing():
    rows = residents(("089017",))
    rows = rows[(rows["AGE"] != "Y7") | (rows["SEX"] != "2")]
    frame = to_population(rows, REGISTER, "2022-01-01")
    assert np.isnan(frame.at["089017", "f7"])
    assert frame.notna().sum(axis=1).tolist() == [201]


def test_the_census_has_other_names():
    census = structure(REF_AREA={}, GENDER={"M": "maschi", "F": "femmine", "T": "totale"}, AGE_NOCLASS={})
    rows = residents(("089017",)).rename(columns={"SEX": "GENDER", "AGE": "AGE_NOCLASS"})
    rows["GENDER"] = rows["GENDER"].map({"1": "M", "2": "F"})
    assert to_population(rows, census, "2022-01-01").at["089017", "m0"] == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: pd.concat([rows, rows.assign(TIME_PERIOD="2023")]), r"one TIME_PERIOD.*'2022', '2023'"),
        (lambda rows: pd.concat([rows, rows.assign(MARITAL_STATUS="1")]), "one MARITAL_STATUS"),
        (lambda rows: rows.assign(AGE="TOTAL"), r"by sex and single age.*ages 'TOTAL'"),
        (lambda rows: rows.assign(REF_AREA="IT"), r"places 'IT'"),
        (lambda rows: rows.assign(value=-rows["value"]), "at least 0"),
        (lambda rows: rows.assign(REF_AREA="999999"), "municipality of 2022-01-01"),
    ],
)
def test_residents_that_cannot_be_arranged_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        to_population(change(residents(("089017",))), REGISTER, "2022-01-01")


def test_sexes_are_told_by_their_names():
    wrong = structure(REF_AREA={}, SEX={"1": "uno", "2": "due"}, AGE={}, MARITAL_STATUS={})
    with pytest.raises(InputError, match="one code of men and one of women"):
        to_population(residents(("089017",)), wrong, "2022-01-01")
    swapped = structure(REF_AREA={}, SEX={"1": "femmine", "2": "maschi"}, AGE={}, MARITAL_STATUS={})
    assert to_population(residents(("089017",)), swapped, "2022-01-01").at["089017", "f0"] == 1
    with pytest.raises(InputError, match="one of the dimensions SEX, GENDER"):
        to_population(residents(), structure(REF_AREA={}, AGE={}), "2022-01-01")


PLACES = {
    "IT": "Italia",
    "ITG": "Isole",
    "ITFG": "Mezzogiorno",
    "ITC2": "Valle d'Aosta / Vallée d'Aoste",
    "ITDA": "Trentino Alto Adige / Südtirol",
    "ITC20": "Valle d'Aosta / Vallée d'Aoste",
    "ITG17": "Siracusa",
    "IT108": "Monza e della Brianza",
    "IT111": "Sud Sardegna",
    "ITG29": "Olbia-Tempio",
    "ITC4": "Lombardia",
}


def wellbeing(**changes):
    rows = pd.DataFrame({"REF_AREA": list(PLACES)}).assign(
        DATA_TYPE="01SAL001", SEX="T", EDITION="2025", TIME_PERIOD="2023", value=range(len(PLACES))
    )
    return rows.assign(**changes)


def test_territories_are_told_by_kind_and_name():
    flow = structure(REF_AREA=PLACES, SEX={"T": "totale"}, DATA_TYPE={}, EDITION={})
    rows = pd.concat([wellbeing(), wellbeing(SEX="F", value=0), wellbeing(EDITION="2024", value=0)])
    frame = to_wellbeing(rows, flow).set_index("territory")
    assert frame["value"].to_dict() == {
        "IT": 0,
        "R02": 3,
        "R04": 4,
        "007": 5,
        "089": 6,
        "108": 7,
        "111": 8,
        "R03": 10,
    }
    assert set(frame["indicator"]) == {"01SAL001"}
    assert set(frame["year"]) == {"2023"}
    [note] = to_wellbeing(rows, flow).attrs["notes"]
    assert "3 territories are left out: 'Isole', 'Mezzogiorno', 'Olbia-Tempio'" in note


def test_values_not_available_have_no_row_and_others_are_refused():
    flow = structure(REF_AREA=PLACES, SEX={}, DATA_TYPE={}, EDITION={})
    rows = wellbeing()
    rows.loc[0, "value"] = np.nan
    assert "IT" not in set(to_wellbeing(rows, flow)["territory"])
    with pytest.raises(InputError, match="both sexes"):
        to_wellbeing(wellbeing(SEX="F"), flow)
    with pytest.raises(InputError, match="must be unique"):
        to_wellbeing(pd.concat([wellbeing(), wellbeing()]), flow)
