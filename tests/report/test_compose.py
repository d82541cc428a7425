"""A stage that fails costs its section, not the report."""

import io

import pypdf
import pytest

from diagnosis.report import compose, write_report
from diagnosis.report.document import Cards, Notice
from diagnosis.report.html import render_html
from diagnosis.report.pdf import render_pdf
from diagnosis.schema import LANGUAGES

pytestmark = pytest.mark.xdist_group("report")
BOTH = pytest.mark.parametrize("language", LANGUAGES)
CHAPTERS = ("summary", "territory", "fragility", "wellbeing", "networks", "areas", "governance", "method")


def chapters(document):
    return {section.id: section for section in document.sections if section.level == 2}


@BOTH
def test_chapters_stand_in_order(documents, language):
    assert tuple(chapters(documents[language])) == CHAPTERS
    titles = [section.title for section in documents[language].sections]
    assert len(set(titles)) == len(titles)


@BOTH
def test_first_page_has_a_dozen_figures(documents, language):
    (cards,) = [
        block for block in chapters(documents[language])["summary"].blocks if isinstance(block, Cards)
    ]
    assert 10 <= len(cards.items) <= 16
    assert len({card.id for card in cards.items}) == len(cards.items)
    for card in cards.items:
        assert card.label
        assert card.value not in {"", "nan", "n.d.", "n/a"}
        assert card.tone in {"", "good", "bad"}


def test_both_languages_have_the_same_blocks(documents):
    italian, english = (
        [(section.id, [block.kind for block in section.blocks]) for section in documents[language].sections]
        for language in ("it", "en")
    )
    assert italian == english


@BOTH
def test_invented_data_are_announced_before_any_figure(documents, language):
    assert documents[language].notices
    source = render_html(documents[language])
    assert source.index('class="notice"') < source.index('class="cards"')


def test_a_failed_stage_is_recorded(short_result):
    result, stages = short_result
    assert set(result.failed) == stages
    assert all(result.failed.values())
    records = {record.name: record.status for record in result.manifest.stages}
    assert {name for name, status in records.items() if status == "failed"} == stages


@BOTH
def test_a_remark_stands_in_place_of_a_failed_section(short_result, parse_page, language):
    result, stages = short_result
    document = compose(result, language)
    found = chapters(document)
    assert tuple(found) == CHAPTERS
    for name in stages:
        (notice,) = found[name].blocks
        assert isinstance(notice, Notice)
        assert notice.title
        assert notice.text
    for name in set(CHAPTERS) - stages:
        assert len(found[name].blocks) > 1, name
    page = parse_page(render_html(document))
    assert not page.wrong
    assert "Traceback" not in page.text()
    if language == "it":
        reader = pypdf.PdfReader(io.BytesIO(render_pdf(document)))
        assert len(reader.pages) >= 2


def test_a_report_short_of_a_stage_is_written_whole(short_result, tmp_path):
    result, _ = short_result
    folder = write_report(result, tmp_path / "r", formats=("data",), language="en")
    names = {path.name for path in (folder / "data").iterdir()}
    assert {"indicators.csv", "data_dictionary.csv", "attributions.csv", "README.md"} <= names
    assert ("areas.csv" in names) == ("areas" not in result.failed)
    assert ("wellbeing.csv" in names) == ("wellbeing" not in result.failed)


def test_a_territory_that_is_a_list_of_municipalities(example_study, parse_page):
    """Its report has no well-being section: a province's value is never attached to its municipalities."""
    from diagnosis.result import STAGES
    from diagnosis.schema import Text
    from diagnosis.studies.city import Study

    codes = tuple(example_study.territory.codes[:3])
    city = example_study.city.model_copy(
        update={
            "province": None,
            "municipalities": codes,
            "territory_name": Text(it="Tre comuni", en="Three municipalities"),
        }
    )
    study = Study(city, example_study.settings, example_study.national)
    for stage in STAGES:
        study.carry_out(stage)
    result = study.result()
    assert len(result.municipalities) == 3
    page = parse_page(render_html(compose(result, "en")))
    assert not page.wrong
    assert "wellbeing" not in result.tables
