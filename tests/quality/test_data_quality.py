"""The quality of the data on the invented city, and of places whose data are broken on purpose."""

from dataclasses import replace

import pandas as pd
import pytest

import diagnosis as dg
from diagnosis.catalogue import load_catalogue
from diagnosis.indicators import find_waiting, keep_consistent
from diagnosis.indicators.wellbeing import latest
from diagnosis.provenance import SourceRecord
from diagnosis.quality import CHECKS, GRADES, QualityRules
from diagnosis.quality.provincial import check_published
from diagnosis.quality.rules import APART, OVERALL, worst
from diagnosis.schema import Text


@pytest.fixture(scope="module")
def territory(example_study):
    return replace(example_study.territory, edition="2026")


@pytest.fixture(scope="module")
def found(territory, example_study):
    return dg.data_quality(territory, example_study.national)


def in_country(territory, **tables):
    """Return the territory in a country with some tables replaced; None takes one away."""
    whole = {**dict(territory.country.tables), **tables}
    kept = {name: table for name, table in whole.items() if table is not None}
    return replace(territory, country=replace(territory.country, tables=kept))


def of(found, indicator, check=OVERALL):
    rows = found.checks[(found.checks["indicator"] == indicator) & (found.checks["check"] == check)]
    return rows.iloc[0]


def test_saved_results_change_nothing(territory, found):
    alone = dg.data_quality(territory)
    pd.testing.assert_frame_equal(alone.checks, found.checks)
    pd.testing.assert_frame_equal(alone.domains, found.domains)


def test_every_indicator_is_graded_or_waits(territory, found):
    catalogue = load_catalogue()
    overall = found.checks[found.checks["check"] == OVERALL].set_index("indicator")
    assert set(overall.index) == set(catalogue)
    assert overall.index.is_unique
    waiting = find_waiting(territory.country.tables).index
    assert len(waiting)
    assert set(overall.index[overall["grade"] == ""]) == set(waiting)
    assert (overall.loc[waiting, "reason_en"] == "waiting for the file of the source").all()
    assert set(found.checks["check"]) <= {*CHECKS, OVERALL}
    assert set(found.checks["grade"]) <= {*GRADES, ""}
    for language in ("it", "en"):
        assert found.checks[f"reason_{language}"].str.len().min() > 3
        assert not found.checks[f"reason_{language}"].str.contains(r"[{}]|nan|None").any()


def test_overall_is_the_worst_check_but_the_licence(found):
    for _, rows in found.checks.groupby("indicator"):
        checks = rows[~rows["check"].isin([*APART, OVERALL])]
        assert rows.loc[rows["check"] == OVERALL, "grade"].item() == worst(checks["grade"])


def test_domains_are_those_of_the_catalogue(found):
    assert list(found.domains["domain"]) == list(load_catalogue().domains)
    without = found.domains["grade"] == ""
    assert (found.domains.loc[without, "indicators"] == 0).all()
    assert (found.domains.loc[without, "waiting"] > 0).all()
    assert found.domains.loc[~without, "indicators"].min() > 0


def test_age_is_counted_to_the_edition(territory, example_study, found):
    assert found.reference_year == 2026
    row = of(found, "old_age_index", "age")
    assert (row["measure"], row["grade"]) == (4, "B")
    assert "2022: 4 years before 2026" in row["reason_en"]
    old = dg.data_quality(replace(territory, edition="2040"), example_study.national)
    assert of(old, "old_age_index")["grade"] == "D"
    early = dg.data_quality(replace(territory, edition="2022"), example_study.national)
    assert of(early, "old_age_index", "age")["measure"] == 0


def test_rules_are_the_callers(territory, example_study):
    strict = dg.data_quality(territory, example_study.national, QualityRules(age=(0, 1, 2)))
    assert of(strict, "old_age_index")["grade"] == "D"
    assert of(strict, "old_age_index")["reason_en"].startswith("age of the data: ")


def test_coverage_tells_what_is_missing_and_why(territory, found):
    row = of(found, "old_age_index", "coverage")
    people = territory.country.residents.reindex(territory.codes)
    assert row["measure"] == pytest.approx(people.notna().mean())
    assert "11 of 12" in row["reason_en"]
    assert "(1)" in row["reason_en"]
    assert of(found, "snai_class", "coverage")["grade"] == "A"
    half = territory.country.tables["population"].drop(index=territory.codes[:6], errors="ignore")
    fewer = dg.data_quality(in_country(territory, population=half))
    assert of(fewer, "old_age_index", "coverage")["grade"] == "D"
    assert of(fewer, "old_age_index")["grade"] == "D"


def test_a_rate_of_nothing_is_no_gap(territory):
    codes = territory.country.municipalities.index
    hazards = territory.country.tables["hazards"].reindex(codes)
    hazards[["heritage", "flood_heritage", "landslide_heritage"]] = 0.0
    none = dg.data_quality(in_country(territory, hazards=hazards))
    row = of(none, "flood_heritage_share", "coverage")
    assert row["grade"] == ""
    assert of(none, "flood_residents_share", "coverage")["grade"] != ""


def test_a_table_that_is_not_there_leaves_its_theme_without_a_grade(territory):
    without = dg.data_quality(in_country(territory, hazards=None))
    row = without.domains.set_index("domain").loc["environment"]
    assert (row["grade"], row["indicators"]) == ("", 0)
    assert row["waiting"] == len(load_catalogue().select(domain="environment"))
    short = dg.data_quality(in_country(territory, wellbeing=None))
    assert set(short.domains["level"]) == {"municipality"}


def test_a_list_of_municipalities_has_no_domains_of_a_province(territory):
    loose = dg.data_quality(replace(territory, province=None))
    assert set(loose.domains["level"]) == {"municipality"}
    assert "wellbeing" not in set(loose.conflicts["second"])


def test_modelled_flows_are_the_worst_and_invented_ones_are_not_graded(territory, found):
    assert of(found, "local_jobs", "estimated")["grade"] == ""
    for kind, grade in (("modelled", "D"), ("observed", "A")):
        other = replace(territory, country=replace(territory.country, flows_kind=kind))
        assert of(dg.data_quality(other), "local_jobs", "estimated")["grade"] == grade


def test_the_estimated_tail_counts_by_its_share(territory):
    flows = territory.country.tables["flows"].assign(estimated=0)
    flows.loc[flows["origin"].isin(territory.codes), "estimated"] = 1
    tail = in_country(territory, flows=flows)
    tail = replace(tail, country=replace(tail.country, flows_kind="estimated_tail"))
    row = of(dg.data_quality(tail), "local_jobs", "estimated")
    assert 0.5 < row["measure"] <= 1
    assert row["grade"] == "D"


def record(name, **changes):
    fields = {"title": Text(it=name, en=name), "tier": "mirror", "file": name, "sha256": "0" * 64, "bytes": 1}
    return SourceRecord(id=name, **(fields | changes))


def test_licences_are_told_but_lower_no_grade(territory):
    records = (record("population_2022", licence_confirmed=True), record("hazards_2021", vintage="2020"))
    known = replace(territory, country=replace(territory.country, sources=records))
    graded = dg.data_quality(known)
    assert of(graded, "old_age_index", "licence")["grade"] == "A"
    row = of(graded, "flood_residents_share", "licence")
    assert (row["grade"], "hazards_2021" in row["reason_it"]) == ("B", True)
    assert of(graded, "snai_class", "licence")["grade"] == ""
    assert "2020" in of(graded, "flood_residents_share", "vintage")["reason_en"]


def published(series, name="01SAL001", province="001", **changes):
    table = pd.DataFrame(series, columns=["territory", "indicator", "year", "value"])
    years = latest(table, load_catalogue())
    own = table[table["territory"] == province]
    empty = pd.DataFrame(columns=["quantity", "second"])
    item = load_catalogue()[name].model_copy(update=changes)
    kept = keep_consistent(own)
    checks = check_published(item, own, kept, years, empty, {}, 2026, QualityRules())
    return {finding.check: finding for finding in checks}


def test_published_indicators_by_hand():
    rows = [(place, "01SAL001", str(year), 80.0) for place in ("001", "IT") for year in range(2018, 2025)]
    whole = published(rows)
    assert {name: finding.grade for name, finding in whole.items()} == {
        "coverage": "A", "age": "A", "breaks": "B", "estimated": "A", "licence": "",
    }  # fmt: skip
    assert "2023" in whole["breaks"].reason.en  # 2024 is provisional
    absent = published(rows, province="002")
    assert absent["coverage"].grade == "D"
    assert absent["breaks"].grade == ""
    thin = published([row for row in rows if row[0] == "001"])
    assert thin["coverage"].grade == "C"
    assert published(rows, basis="sample")["estimated"].grade == "B"


@pytest.mark.parametrize(("first", "grade"), [(2016, "A"), (2010, "B")])
def test_a_break_of_definition_is_told_where_the_series_crosses_it(first, grade):
    rows = [(place, "10AMB017", str(year), 40.0) for place in ("001", "IT") for year in range(first, 2024)]
    assert published(rows, "10AMB017")["breaks"].grade == grade


def test_the_stage_keeps_everything(example_result):
    facts = example_result.facts["quality"]
    assert sum(facts["grades"].values()) == (example_result.table("quality_domains")["grade"] != "").sum()
    assert facts["outliers"] == len(example_result.table("data_outliers"))
    assert {"measure", "grade", "reason_it"} <= set(example_result.table("data_quality"))
