import pandas as pd
import pytest

from diagnosis.catalogue import load_catalogue
from diagnosis.errors import UnknownNameError
from diagnosis.indicators import latest, series, table


def rows(indicator, year, **values):
    return [(name.removeprefix("p"), indicator, year, value) for name, value in values.items()]


@pytest.fixture
def wellbeing():
    ten = {f"p{number:03d}": float(number) for number in range(1, 11)}
    nine = dict(list(ten.items())[:9])
    eight = dict(list(ten.items())[:8])
    found = [
        *rows("01SAL001", "2022", **ten, IT=50.0, R01=40.0),
        *rows("01SAL001", "2023", **nine, IT=51.0, R01=41.0),
        *rows("01SAL001", "2024", **eight, IT=52.0),
        *rows("01SAL004", "2022", **ten, IT=1.0),
        *rows("01SAL004", "2023", **ten),  # no value of the country
        *rows("06POL001P", "2020", **eight, IT=7.0),
        *rows("06POL001P", "2021", **eight, IT=8.0),
        *rows("06POL001P", "2022", p001=1.0, IT=9.0),
        *rows("10AMB001P", "2022", **ten, IT=84.0, R01=12.0),
        *rows("99XXX001", "2022", **ten, IT=1.0),
    ]
    return pd.DataFrame(found, columns=["territory", "indicator", "year", "value"]).sample(
        frac=1, random_state=3
    )


def test_reference_year_needs_country_and_nine_provinces_in_ten(wellbeing):
    years = latest(wellbeing, load_catalogue())
    assert list(years.index) == [item.id for item in load_catalogue().select(level="province")]
    assert years.loc["01SAL001", ["year", "coverage", "flagged"]].tolist() == ["2023", 0.9, False]
    assert years.loc["01SAL004", ["year", "coverage", "flagged"]].tolist() == ["2022", 1.0, False]
    assert years.loc["06POL001P", ["year", "coverage", "flagged"]].tolist() == ["2021", 0.8, True]
    assert years.loc["12SER025", "flagged"]
    assert years.loc["12SER025", "coverage"] == 0
    assert pd.isna(years.loc["12SER025", "year"])
    assert "99XXX001" not in years.index


def test_other_reference_and_coverage(wellbeing):
    years = latest(wellbeing, load_catalogue(), reference="R01", minimum_coverage=0.95)
    assert years.loc["01SAL001", ["year", "flagged"]].tolist() == ["2022", False]


def test_table_at_the_reference_years(wellbeing):
    years = latest(wellbeing, load_catalogue())
    values = table(wellbeing, years)
    assert list(values.index) == [f"{number:03d}" for number in range(1, 11)] + ["R01", "IT"]
    assert list(values) == list(years.index)
    assert values.loc["IT", "01SAL001"] == 51
    assert pd.isna(values.loc["010", "01SAL001"])
    assert values["12SER025"].isna().all()
    assert values.loc["003", "10AMB001P"] == 3
    # What is published for regions and country is a count, not a concentration.
    assert values.loc[["R01", "IT"], "10AMB001P"].isna().all()


def test_table_of_given_years(wellbeing):
    values = table(wellbeing, {"01SAL001": "2022"})
    assert list(values) == ["01SAL001"]
    assert values.loc["010", "01SAL001"] == 10


def test_series(wellbeing):
    found = series(wellbeing, "IT", "01SAL001")
    assert found.to_dict() == {"2022": 50, "2023": 51, "2024": 52}
    assert list(found.index) == ["2022", "2023", "2024"]
    assert series(wellbeing, "R01", "01SAL004").empty
    with pytest.raises(UnknownNameError, match="territory"):
        series(wellbeing, "R99", "01SAL001")
    with pytest.raises(UnknownNameError, match="01SAL00"):
        series(wellbeing, "IT", "01SAL009")


def test_empty_table_gives_no_years():
    empty = pd.DataFrame({"territory": [], "indicator": [], "year": [], "value": []}).astype(
        {"territory": "str", "indicator": "str", "year": "str", "value": float}
    )
    years = latest(empty, load_catalogue())
    assert years["flagged"].all()
    assert table(empty, years).empty


def test_italy(italy):
    catalogue = load_catalogue()
    wellbeing = italy["wellbeing"]
    assert set(wellbeing["indicator"]) == {item.id for item in catalogue.select(level="province")}
    years = latest(wellbeing, catalogue)
    assert set(years.index[years["flagged"]]) == {"06POL001P", "10AMB002P"}
    for name, row in years[~years["flagged"]].iterrows():
        assert row["year"] == catalogue[name].year, name
    values = table(wellbeing, years)
    assert values.shape == (107 + 20 + 1, 67)
    assert values.loc["IT", "01SAL001"] == 83.4
    assert values.loc["IT", "03LAV001-N22"] == 67.1
    scored = [item.id for item in catalogue.select(level="province", scored=True)]
    provinces = values.index.str.fullmatch(r"\d{3}")
    # The country's value lies among those of its provinces, or it measures something else.
    assert (values.loc["IT", scored] <= values.loc[provinces, scored].max()).all()
    assert (values.loc["IT", scored] >= values.loc[provinces, scored].min()).all()
