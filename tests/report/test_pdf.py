"""The PDF report: tagged for assistive technology, with its language and title, whatever the names."""

import io
import re
from itertools import pairwise

import pypdf
import pytest

from diagnosis.errors import InputError
from diagnosis.report import compose
from diagnosis.report.document import Document, Drawing, Items, Notice, Prose, Section, Table
from diagnosis.report.html import figures_of
from diagnosis.report.pdf import render_pdf
from diagnosis.schema import LANGUAGES

pytestmark = pytest.mark.xdist_group("report")
BOTH = pytest.mark.parametrize("language", LANGUAGES)


def read(content):
    return pypdf.PdfReader(io.BytesIO(content))


def texts_of(reader, pages=None):
    return [" ".join(page.extract_text().split()) for page in reader.pages[:pages]]


def structure(node):
    """Every element of the tree of tags."""
    kids = node.get("/K", [])
    for kid in kids if isinstance(kids, list) else [kids]:
        item = kid.get_object()
        if isinstance(item, dict) and "/S" in item:
            yield item
            yield from structure(item)


@pytest.fixture(scope="module")
def contents(documents):
    return {language: render_pdf(document) for language, document in documents.items()}


@pytest.fixture(scope="module")
def readers(contents):
    return {language: read(content) for language, content in contents.items()}


@pytest.fixture(scope="module")
def texts(readers):
    """The text of each page by language; extracted once, it takes seconds."""
    return {language: texts_of(reader) for language, reader in readers.items()}


@BOTH
def test_it_says_that_it_is_pdf_ua(contents, readers, language):
    assert contents[language].startswith(b"%PDF-")
    metadata = readers[language].xmp_metadata.stream.get_data().decode("utf-8")
    assert re.search(r"pdfuaid:part(>|=[\"'])1", metadata)


@BOTH
def test_tags_language_and_title(readers, documents, language):
    root = readers[language].trailer["/Root"]
    assert bool(root["/MarkInfo"]["/Marked"])
    assert str(root["/Lang"]).split("-")[0] == language
    assert documents[language].title in readers[language].metadata.title
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert "/StructTreeRoot" in root


@BOTH
def test_every_figure_has_its_alternative_text(readers, documents, language):
    tags = list(structure(readers[language].trailer["/Root"]["/StructTreeRoot"]))
    alternatives = {str(item["/Alt"]) for item in tags if item["/S"] == "/Figure"}
    expected = {item.figure.alt for item in figures_of(documents[language])}
    assert len(expected) >= 8
    assert expected <= alternatives
    headings = [int(item["/S"][2:]) for item in tags if re.fullmatch(r"/H[1-6]", item["/S"])]
    assert headings.count(1) == 1
    assert headings[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(headings))
    cells = {item["/S"] for item in tags}
    assert {"/Table", "/TR", "/TH", "/TD", "/P"} <= cells


@BOTH
def test_length_and_words(texts, documents, language):
    pages, document = texts[language], documents[language]
    assert 2 <= len(pages) <= 40
    assert document.title in pages[0]
    for section in document.sections:
        assert section.title in " ".join(pages), section.id
    for number, text in enumerate(pages, start=1):
        assert len(text) > 150, f"page {number} is nearly empty"


def test_fonts_are_embedded(readers):
    for page in readers["it"].pages:
        for font in page["/Resources"].get("/Font", {}).values():
            for part in font.get_object().get("/DescendantFonts", [font]):
                descriptor = part.get_object()["/FontDescriptor"].get_object()
                assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)


def test_no_address_of_this_machine_is_inside(contents, tmp_path):
    for content in contents.values():
        assert str(tmp_path.parent).encode() not in content


def test_hostile_names_are_set_as_they_are(hostile_result):
    reader = read(render_pdf(compose(hostile_result, "en")))
    text = "".join(texts_of(reader, pages=1)).replace(" ", "")
    for part in (
        "<script>alert(1)</script>",
        "$x^2$ *bold* _it_",
        "#panic()",
        "{{ 7 * 7 }}",
        "../../etc/passwd",
    ):
        assert part.replace(" ", "") in text, part
    assert 2 <= len(reader.pages) <= 40


def minimal(*blocks, **changes):
    values = {
        "title": "T", "subtitle": "S", "language": "en", "edition": "1", "date": "", "city": "x",
        "notices": (), "sections": (Section("summary", "One", blocks),),
    } | changes  # fmt: skip
    return Document(**values)


@pytest.mark.parametrize(
    "text",
    ["#panic()", "$x$ $", "[a] <b> @c", "\\", '"quoted"', "= Heading", "- item", "// no", "*", "`", "~"],
)
def test_markup_in_a_text_is_text(text):
    table = Table("t", text, (text, "b"), ((text, "1"), (text,)), "lr", text)
    document = minimal(
        Prose(text), Notice(text, text), Items((text,)), table, title=text, subtitle=text, keywords=(text,)
    )
    shown = "".join(texts_of(read(render_pdf(document, author=text))))
    assert shown.count(text) >= 6


def test_a_report_without_figures_or_findings_can_be_set():
    assert len(read(render_pdf(minimal(Prose("a")))).pages) == 1


def test_a_character_without_a_glyph_does_not_cost_the_report():
    text = "Buon lavoro \N{GRINNING FACE} \N{CJK UNIFIED IDEOGRAPH-4E2D}, signora Nuñez!"
    shown = "".join(texts_of(read(render_pdf(minimal(Prose(text))))))
    assert "Buon lavoro ? ?, signora Nuñez!" in shown


def test_a_figure_without_an_alternative_is_refused(documents):
    from dataclasses import replace

    figure = replace(figures_of(documents["it"])[0].figure, alt="")
    with pytest.raises(InputError, match="Typst"):
        render_pdf(minimal(Drawing(figure)))
