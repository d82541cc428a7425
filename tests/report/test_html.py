"""The HTML report: one file, accessible, nothing from outside, nothing from a name that is not a name."""

import base64
import io
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from diagnosis.report import compose
from diagnosis.report.document import Document, Items, Notice, Prose, Section, Table
from diagnosis.report.html import figures_of, render_html
from diagnosis.report.words import Words
from diagnosis.schema import LANGUAGES

pytestmark = pytest.mark.xdist_group("report")
BOTH = pytest.mark.parametrize("language", LANGUAGES)
LOADING = {"script", "iframe", "object", "embed", "foreignobject", "image", "img", "link", "base", "form"}


def inside(figure, tag):
    return [attributes for name, attributes in figure["elements"] if name == tag]


def drawings(page):
    return [figure for figure in page.figures if "table" not in (figure["attributes"].get("class") or "")]


@BOTH
def test_document_is_well_formed(pages, sources, language):
    assert sources[language].startswith("<!DOCTYPE html>")
    assert not pages[language].wrong


@BOTH
def test_language_and_title_are_stated(pages, language):
    page = pages[language]
    assert page.tags("html")[0]["lang"] == language
    assert {"charset": "utf-8"} in page.tags("meta")
    titles = [data for tag, data in page.texts if tag == "title" and "Portalba" in data]
    assert titles


@BOTH
def test_one_h1_and_no_level_is_skipped(pages, language):
    levels = [int(tag[1]) for tag, _ in pages[language].elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert all(data.strip() for tag, data in pages[language].texts if re.fullmatch("h[1-6]", tag))


@BOTH
def test_landmarks_and_contents(pages, language):
    page = pages[language]
    for tag in ("header", "main", "footer", "nav"):
        assert len(page.tags(tag)) == 1, tag
    ids = {attributes["id"] for _, attributes in page.elements if attributes.get("id")}
    anchors = [attributes["href"][1:] for attributes in page.tags("a") if attributes["href"].startswith("#")]
    assert len(anchors) >= 6
    assert set(anchors) <= ids


@BOTH
def test_ids_are_unique(pages, language):
    ids = [attributes["id"] for _, attributes in pages[language].elements if "id" in attributes]
    assert all(ids)
    assert len(ids) == len(set(ids))


@BOTH
def test_references_inside_the_page_have_a_target(pages, language):
    ids = {attributes["id"] for _, attributes in pages[language].elements if "id" in attributes}
    for _, attributes in pages[language].elements:
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert set((attributes.get(name) or "").split()) <= ids
        for value in attributes.values():
            assert set(re.findall(r"url\(#([^)]+)\)", value or "")) <= ids


@BOTH
def test_nothing_is_fetched_from_anywhere(pages, sources, language):
    page = pages[language]
    assert not {tag for tag, _ in page.elements} & LOADING
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in {"src", "href", "xlink:href", "srcset", "data", "action", "poster"}:
                assert re.match(r"#|data:text/csv;", value), (tag, name, value[:80])
            elif name != "xmlns" and not name.startswith("xmlns:"):
                assert not re.search(r"url\(\s*['\"]?(?!#)", value or ""), (tag, name)
    style = page.text("style")
    assert "@import" not in style
    assert not re.search(r"url\(\s*['\"]?(?!#|data:)", style)
    assert "<?xml" not in sources[language]


@BOTH
def test_every_figure_has_an_alternative_in_words(pages, language):
    figures = drawings(pages[language])
    assert len(figures) >= 8
    for figure in figures:
        (svg,) = inside(figure, "svg")
        assert svg["role"] == "img"
        title, description = svg["aria-labelledby"].split()
        assert title in {attributes.get("id") for attributes in inside(figure, "title")}
        assert description in {attributes.get("id") for attributes in inside(figure, "desc")}
        for tag in ("title", "desc"):
            assert "".join(data for name, data in figure["texts"] if name == tag).strip(), tag


@BOTH
def test_no_element_is_empty(sources, language):
    assert not re.findall(
        r"<(p|li|td|th|dt|dd|h[1-6]|figcaption|summary|span)\b[^>]*>\s*</\1>", sources[language]
    )


@BOTH
def test_every_figure_has_a_table_and_its_csv(pages, documents, language):
    figures = drawings(pages[language])
    expected = figures_of(documents[language])
    assert [figure["attributes"]["id"] for figure in figures] == [item.figure.id for item in expected]
    for figure, item in zip(figures, expected, strict=True):
        (link,) = inside(figure, "a")
        assert link["download"].endswith(".csv")
        head, data = link["href"].split(",", 1)
        assert head == "data:text/csv;charset=utf-8;base64"
        content = base64.b64decode(data, validate=True)
        assert content.startswith("\ufeff".encode())  # spreadsheets take it for Latin-1 without
        frame = pd.read_csv(io.BytesIO(content), encoding="utf-8-sig", dtype=str, keep_default_na=False)
        assert len(frame) == len(item.figure.table) > 0, item.figure.id
        assert not [name for name in frame.columns if name.startswith(("(", "Unnamed"))], item.figure.id
        rows = len(inside(figure, "tr")) - 1
        assert rows == len(frame)
        assert len(inside(figure, "th")) == len(frame.columns)
        assert len(inside(figure, "td")) == rows * len(frame.columns)


@BOTH
def test_tables_have_header_cells_with_a_scope(pages, language):
    assert len(pages[language].tags("table")) > 6
    for attributes in pages[language].tags("th"):
        assert attributes.get("scope") in {"col", "row", "rowgroup"}


@BOTH
def test_scrolling_regions_can_be_reached_by_keyboard(pages, language):
    regions = [item for item in pages[language].tags("div") if item.get("class") == "scroll"]
    assert regions
    assert all(
        item["tabindex"] == "0" and item["role"] == "region" and item["aria-label"] for item in regions
    )


@BOTH
def test_no_placeholder_is_left(pages, language):
    text = pages[language].text()
    visible = text.replace(pages[language].text("style"), "")
    assert not re.search(r"\{[a-z_]+[}:]|\bNone\b|\bnan\b|<NA>", visible)


def test_languages_are_not_mixed(sources):
    assert "Scarica i dati" not in sources["en"]
    assert "Download the data" not in sources["it"]


@pytest.fixture(scope="module")
def hostile_source(hostile_result):
    return render_html(compose(hostile_result, "it"))


def test_hostile_names_are_shown_and_do_nothing(hostile_source, hostile_result, parse_page):
    page = parse_page(hostile_source)
    assert not page.wrong
    assert not {tag for tag, _ in page.elements} & LOADING
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert len(page.tags("h1")) == 1
    assert hostile_result.city.name["it"] in page.text("h1")
    assert "49" not in page.text("h1")
    for attributes in page.tags("a"):
        assert re.match(r"#|data:text/csv;base64|data:text/csv;charset", attributes["href"])
        assert re.fullmatch(r"[A-Za-z0-9._-]+", attributes.get("download", "x.csv"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_hostile_names_start_no_formula(hostile_source):
    for data in re.findall(r'href="data:text/csv;charset=utf-8;base64,([^"]+)"', hostile_source):
        content = base64.b64decode(data).decode("utf-8-sig")
        frame = pd.read_csv(io.StringIO(content), header=None, dtype=str, keep_default_na=False)
        for cell in frame.to_numpy().ravel():
            assert not re.match(r"[=@\t\r]|[+-](?![0-9.]+(e[+-]?[0-9]+)?$)", cell), cell


def minimal(**changes):
    text = "<b>&\"'</b>"
    table = Table("t", text, (text, text), ((text, text), (text,)), "lr", text)
    blocks = (Prose(text), Notice(text, text), Items((text,)), table)
    values = {
        "title": text, "subtitle": text, "language": "it", "edition": text, "date": text, "city": "x",
        "notices": (Notice(text, text),), "sections": (Section("summary", text, blocks),),
    } | changes  # fmt: skip
    return Document(**values)


def test_every_kind_of_text_is_escaped():
    source = render_html(minimal())
    assert "<b>" not in source
    assert source.count("&lt;b&gt;&amp;") >= 12


def test_a_number_that_is_not_finite_is_shown_as_missing():
    from diagnosis.report.html import figure_table

    words = Words("en")
    shown = figure_table(pd.DataFrame({"v": [np.inf, np.nan, 1.0, 2.5]}), words)
    assert re.findall(r"<td[^>]*>([^<]*)</td>", shown) == ["n/a", "n/a", "1", "2.50"]


def test_years_are_years_and_columns_have_names_in_the_language():
    from diagnosis.report.html import figure_table

    columns = pd.MultiIndex.from_tuples([("Reddito (euro)", "provincia")])
    courses = pd.DataFrame([[1234.5]], index=pd.Index([2004], name="year"), columns=columns)
    shown = figure_table(courses, Words("it"))
    assert ">anno<" in shown
    assert ">Reddito (euro), provincia<" in shown
    assert ">2004<" in shown
    assert ">1.234,50<" in shown
    areas = pd.DataFrame({"area_name": ["x"], "stability": [1.0], "part": ["core"], "cluster": ["high_high"]})
    shown = figure_table(areas, Words("it"))
    for english in ("area_name", "stability", "core", "cluster", "high_high"):
        assert f">{english}<" not in shown
    assert ">nucleo<" in shown
    assert ">Fragile tra comuni fragili<" in shown


@BOTH
def test_tables_have_no_raw_names(sources, language):
    cells = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", sources[language])
    assert not {
        name
        for name in cells
        if re.fullmatch(r"year, ?|(origin|destination)_area|area_name|\w+_(high|low)", name)
    }


def test_attributions_are_folded():
    words = Words("it")
    sections = (Section("x", "X", (Items(("Dati: Istat",), words("attributions")), Items(("y",)))),)
    page = render_html(Document("t", "s", "it", "2026", "", "t", (), sections))
    assert page.count("<details><summary>Attribuzioni</summary><ul") == 1
