"""The section on well-being: scores with intervals, what survives every choice, what is missing, what changed."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from diagnosis.catalogue import load_catalogue
from diagnosis.report.document import Drawing, Prose, Table
from diagnosis.report.sections.summary import _at_least, write_summary, write_year
from diagnosis.report.sections.territory import write_territory
from diagnosis.report.sections.wellbeing import write_wellbeing
from diagnosis.report.words import Words

VERDICTS = ("above", "mostly_above", "open", "mostly_below", "below")
LANGUAGES = ["it", "en"]


def blocks(result, language):
    return [block for section in write_wellbeing(result, Words(language)) for block in section.blocks]


def table(result, language, name):
    return next((b for b in blocks(result, language) if isinstance(b, Table) and b.id == name), None)


def with_verdicts(result, verdicts):
    facts = {**result.facts, "wellbeing": {**result.facts["wellbeing"], "verdicts": verdicts}}
    return replace(result, facts=facts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_score_has_its_interval_and_a_verdict(example_result, language):
    words = Words(language)
    found = table(example_result, language, "domain-scores")
    intervals = example_result.table("domain_intervals")
    province = example_result.facts["wellbeing"]["province"]
    own = intervals[intervals["unit"] == province]
    assert len(found.rows) == len(own) == len(example_result.facts["wellbeing"]["verdicts"])
    for row, (_, values) in zip(found.rows, own.iterrows(), strict=True):
        assert row[1] == words.number(values["score"], 1)
        assert row[2] == f"{words.number(values['lower'], 1)}–{words.number(values['upper'], 1)}"
        assert row[4] not in {"", "–"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", VERDICTS)
def test_each_verdict_is_told_with_its_domains(example_result, language, kind):
    words = Words(language)
    result = with_verdicts(example_result, dict.fromkeys(example_result.facts["wellbeing"]["verdicts"], kind))
    texts = " ".join(block.text for block in blocks(result, language) if isinstance(block, Prose))
    start = words(f"verdicts_{kind}", names="@", n=11).split("@")[0]
    assert start in texts
    others = [other for other in VERDICTS if other != kind]
    assert not any(words(f"verdicts_{other}", names="@", n=11).split("@")[0] in texts for other in others)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_counts_only_what_survives_every_choice(example_result, language):
    words = Words(language)
    names = list(example_result.facts["wellbeing"]["verdicts"])
    mixed = dict.fromkeys(names, "open") | {names[0]: "above", names[1]: "below", names[2]: "mostly_above"}
    lead = write_summary(with_verdicts(example_result, mixed), words).blocks[0].text
    assert words("domains_above", n=1) in lead
    assert words("domains_below", n=1) in lead
    assert words("domains_open", n=len(names) - 2) in lead
    none = write_summary(with_verdicts(example_result, dict.fromkeys(names, "open")), words).blocks[0].text
    assert words("domains_none", nation="@").split("@")[0] in none


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_missing_is_called_arithmetic(example_result, language):
    facts = example_result.facts["wellbeing"]["smallest_change"]
    found = table(example_result, language, "smallest-change")
    assert (found is not None) == bool(facts)
    if not facts:
        return
    texts = " ".join(block.text for block in blocks(example_result, language) if isinstance(block, Prose))
    assert {"it": "non è una previsione", "en": "neither a forecast"}[language] in texts
    moved = example_result.table("smallest_change")["change"].abs() > 0
    assert len(found.rows) == moved.sum()
    assert len({len(row) for row in found.rows}) == 1 == len({len(found.header), len(found.rows[0])})


def with_course(result):
    names = list(result.facts["wellbeing"]["verdicts"])[:3]
    years = [str(year) for year in range(2017, 2022)]
    course = pd.DataFrame(
        [
            {"domain": name, "year": year, "territory": place, "score": 100 + k, "class": 5}
            for name in names
            for place in ("territory", "country")
            for k, year in enumerate(years)
        ]
    )
    row = {
        "first": "2017", "last": "2021", "score_first": 100.0, "score_last": 104.0, "change": 4.0,
        "country_change": 1.0, "relative_change": 3.0, "clear": True, "relative_clear": False, "verdict": "rises",
        "relative_verdict": "open", "mover": "01SAL001", "mover_part": 3.0,
        "brake": "", "brake_part": 0.0, "indicators": 5,
    }  # fmt: skip
    rows = [
        row,
        row | {"clear": False, "relative_clear": True, "relative_verdict": "falls"},
        row | {"score_first": np.nan, "change": np.nan, "clear": False, "mover": None},
    ]
    changes = pd.DataFrame(rows, index=pd.Index(names, name="domain"))
    return names, replace(
        result, tables={**result.tables, "domain_course": course, "domain_changes": changes}
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_change_is_told_only_where_it_can_be_read(example_result, language):
    words = Words(language)
    _, result = with_course(example_result)
    found = table(result, language, "domain-changes")
    assert [row[5] for row in found.rows] == [words("reading_rises"), words("reading_loses")]
    assert words("course_without", names="@").split("@")[0] in found.note
    drawn = [block.figure.id for block in blocks(result, language) if isinstance(block, Drawing)]
    assert "domain-courses" in drawn
    texts = " ".join(block.text for block in blocks(result, language) if isinstance(block, Prose))
    assert words("course_rises", names="@").split("@")[0] in texts
    assert words("course_none") not in texts


def test_without_five_years_there_is_no_course(example_result):
    assert table(example_result, "it", "domain-changes") is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_city_is_set_beside_like_places(example_result, language):
    facts = example_result.facts["indicators"]["profile"]
    sections = write_territory(example_result, Words(language))
    tables = {b.id: b for section in sections for b in section.blocks if isinstance(b, Table)}
    profile = example_result.table("city_profile")
    telling = profile[(profile["group"] == facts["group"]) & profile["telling"]]
    assert ("profile" in tables) == bool(len(telling))
    for row in tables["scores"].rows:
        assert "(" in row[1]  # the city's score with its interval
        assert row[-2].startswith("100")


@pytest.mark.parametrize("group", ["region", "province", "capitals", "country", "own"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_other_groups_are_described(example_result, language, group):
    facts = {**example_result.facts["indicators"], "profile": {"group": group, "others": 14}}
    profile = example_result.table("city_profile")
    chosen = profile[profile["group"] == "country"].assign(group=group, telling=True)
    result = replace(
        example_result,
        facts={**example_result.facts, "indicators": facts},
        tables={**example_result.tables, "city_profile": chosen},
    )
    texts = [
        b.text for s in write_territory(result, Words(language)) for b in s.blocks if isinstance(b, Prose)
    ]
    assert Words(language)(f"profile_{group}", n=14) in texts


def test_every_domain_has_the_grade_of_its_data_and_the_reason(documents, example_result):
    grades = example_result.table("quality_domains")
    catalogue = load_catalogue()
    for language, document in documents.items():
        tables = {
            block.id: block
            for section in document.sections
            for block in section.blocks
            if block.kind == "table"
        }
        listed = {row[0]: row for row in tables["data-quality-grades"].rows}
        for name, row in grades.iterrows():
            domain = catalogue.domains[name].name[language]
            assert listed[domain][1] == (row["grade"] or "–")
            assert listed[domain][3] == row[f"reason_{language}"]
        for table in ("scores", "domain-scores"):
            assert {row[-1] for row in tables[table].rows} <= {"A", "B", "C", "D", "–"}
        headings = [block.caption for name, block in tables.items() if name.startswith("indicators-")]
        assert any(re.search(r" · (dati|data) [A-D]( \(.+\))?$", heading) for heading in headings)


@pytest.mark.parametrize(("language", "expected"), [("it", "2024, provvisorio"), ("en", "2024, provisional")])
def test_a_provisional_year_is_called_so(example_result, language, expected):
    words = Words(language)
    assert write_year("01SAL001", "2024", words) == expected
    assert write_year("01SAL001", "2023", words) == "2023"
    assert write_year("residents", "2022-2025", words) == "2022-2025"
    wellbeing = example_result.table("wellbeing").copy()
    wellbeing.loc["01SAL001", "year"] = "2024"
    result = replace(example_result, tables={**example_result.tables, "wellbeing": wellbeing})
    assert expected in {
        row[1] for row in table(result, language, "wellbeing-indicators").rows if len(row) > 1
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_share_is_explained_only_where_one_is_shown(example_result, language):
    domains = example_result.facts["wellbeing"]["verdicts"]
    told = Words(language)("domain_scores_share")
    settled = with_verdicts(example_result, dict.fromkeys(domains, "above"))
    assert told not in table(settled, language, "domain-scores").note
    assert (
        told
        in table(
            with_verdicts(example_result, dict.fromkeys(domains, "open")), language, "domain-scores"
        ).note
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_municipal_indicators_are_one_table_a_theme(example_result, language):
    sections = {section.id: section for section in write_territory(example_result, Words(language))}
    tables = [block for block in sections["indicators"].blocks if isinstance(block, Table)]
    assert len(tables) > 1
    for block in tables:
        assert len(block.header) == len(block.align) == len(block.widths)
        assert all(len(row) == len(block.header) for row in block.rows)


def test_what_is_observed_is_said_only_where_it_is_less():
    words = Words("it")
    assert _at_least(9110, 10000, "91,1\N{NO-BREAK SPACE}%", words) == ""
    assert "88,0" in _at_least(8800, 10000, "91,1\N{NO-BREAK SPACE}%", words)
    assert _at_least(None, 10000, "91,1\N{NO-BREAK SPACE}%", words) == ""
