"""The report of the example in both languages, one with hostile names, and one short of a stage, made once."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from diagnosis.national.shared import load_national
from diagnosis.report import compose
from diagnosis.report.html import render_html
from diagnosis.result import STAGES
from diagnosis.schema import LANGUAGES, Text
from diagnosis.studies.city import Study

HOSTILE = (
    "<script>alert(1)</script>\"'&amp; $x$ #show \\",
    "=cmd|'/C calc'!A0",
    "../../etc/passwd",
    "$x^2$ *bold* _it_ @ref <label> #panic()",
    "{{ 7 * 7 }}{% if %}{n:one|many}{0}",
    '"><img src=x onerror=alert(1)>',
    "+39 081",
    "@SUM(A1)",
    "</title></svg></style>]]>",
    "https://example.org/x?a=1&b=2",
    "\u202etfel ot thgir\u200f",
)
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """A page as a list of elements, with what is wrong in how they are nested."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.figures: list[dict] = []
        self.wrong: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.wrong += [f"<{tag}> is not closed" for tag in self._open]

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        self.wrong += [f"{name} twice in <{tag}>" for name in set(names) if names.count(name) > 1]
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "figure":
            self.figures.append({"attributes": attributes, "elements": [], "texts": []})
        elif "figure" in self._open:
            self.figures[-1]["elements"].append((tag, attributes))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self._open or self._open[-1] != tag:
            self.wrong.append(f"</{tag}> closes {self._open[-1:]}")
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data):
        self.texts.append((self._open[-1] if self._open else "", data))
        if "figure" in self._open:
            self.figures[-1]["texts"].append((self._open[-1], data))

    def tags(self, *names):
        return [attributes for tag, attributes in self.elements if tag in names]

    def text(self, *tags):
        return "".join(data for tag, data in self.texts if not tags or tag in tags)


def carry_out(study: Study):
    for stage in STAGES:
        study.carry_out(stage)
    return study.result()


def other_country(study: Study, key: str, tables: dict, **changes) -> Study:
    """Return the study of the same city in a country with other tables, no stage carried out."""
    country = replace(study.national.country, tables=tables, key=key, **changes)
    return Study(study.city, study.settings, load_national(country, study.settings))


@pytest.fixture(scope="session")
def documents(example_result):
    return {language: compose(example_result, language) for language in LANGUAGES}


@pytest.fixture(scope="session")
def sources(documents):
    """The HTML of the report by language."""
    return {language: render_html(document) for language, document in documents.items()}


@pytest.fixture(scope="session")
def pages(sources):
    return {language: Page(text) for language, text in sources.items()}


@pytest.fixture(scope="session")
def hostile_result(example_study):
    """The example with hostile names of municipalities, provinces, region, country, areas and city."""
    tables = dict(example_study.national.country.tables)
    for name, column in (
        ("municipalities", "name"),
        ("municipalities", "region_name"),
        ("municipalities", "province_name"),
        ("provinces", "name"),
        ("labour_areas", "area_name"),
    ):
        frame = tables[name].copy()
        values = list(frame[column].unique())
        names = {value: HOSTILE[place % len(HOSTILE)] for place, value in enumerate(values)}
        if column == "name":  # names of places stay different
            names = {value: f"{text} {place}" for place, (value, text) in enumerate(names.items())}
        frame[column] = frame[column].map(names)
        tables[name] = frame
    name = Text(it=HOSTILE[0], en=HOSTILE[0])
    study = other_country(example_study, "hostile", tables, name=Text(it=HOSTILE[1], en=HOSTILE[1]))
    remark = " ".join(HOSTILE[:-1])  # a text of a YAML must not turn the direction of writing
    hostile = study.city.model_copy(update={"name": name, "comment": Text(it=remark, en=remark)})
    return carry_out(Study(hostile, study.settings, study.national))


@pytest.fixture(scope="session", params=["flows", "wellbeing"])
def short_result(request, example_study):
    """The example without one table, and the stages that need it."""
    tables = {
        name: table for name, table in example_study.national.country.tables.items() if name != request.param
    }
    stages = {"flows": {"networks", "areas", "governance"}, "wellbeing": {"wellbeing"}}[request.param]
    return carry_out(other_country(example_study, f"without-{request.param}", tables)), stages


@pytest.fixture(scope="session")
def parse_page():
    return Page


@pytest.fixture(scope="session")
def hostile_texts():
    return HOSTILE
