"""The example of the page on a city's own data is read as the page says, and the page names every field."""

import re

import pandas as pd
import pytest

from diagnosis.sources.embedded import read_register
from diagnosis.sources.own.data import read_own_data
from diagnosis.sources.own.problems import problem_kinds, words
from diagnosis.sources.own.report import write_report
from diagnosis.sources.own.settings import OwnIndicatorSettings, OwnSettings


@pytest.fixture(scope="module", params=["your-data.md", "i-tuoi-dati.md"])
def page(project, request):
    return (project / "docs" / request.param).read_text(encoding="utf-8")


def test_the_example(page, tmp_path):
    register = read_register()
    country = register[register["province"].isin(["088", "089", "001"])]
    table, settings = re.findall(r"```(?:yaml)?\n(.*?)```", page, re.DOTALL)[:2]
    (tmp_path / "servizi.csv").write_text(table, encoding="utf-8")
    residents = pd.Series(1000.0, index=country.index)
    assert len(read_own_data(tmp_path, country).entries) == 4
    (tmp_path / "servizi.yml").write_text(settings, encoding="utf-8")
    own = read_own_data(tmp_path, country, residents=residents)
    assert "error" not in set(own.problems["severity"])
    assert own.values["recycling"].dropna().to_dict() == {"089005": 69.0, "089013": 58.1, "089017": 50.3}
    assert own.values.at["089017", "nursery_use"] == pytest.approx(100 * 395 / 420)
    assert own.entries[0].year == "2023"
    (tmp_path / "servizi.csv").write_text(table.replace("Siracusa;", "Sirausa;"), encoding="utf-8")
    quoted = " ".join(re.findall(r"^> (.*)$", page, re.MULTILINE))
    language = "it" if "Riga" in quoted else "en"
    told = write_report(read_own_data(tmp_path, country, residents=residents), language)
    assert quoted in told


def test_every_field_is_described(project):
    page = (project / "docs" / "your-data.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+)`", page.partition("## Fields")[2]))
    assert set(OwnSettings.model_fields) | set(OwnIndicatorSettings.model_fields) <= named


def test_texts_have_the_same_places_in_both_languages():
    for name, kind in problem_kinds().items():
        for text in (kind.problem, kind.advice):
            places = [set(re.findall(r"\{(\w+)\}", text[language])) for language in ("it", "en")]
            assert places[0] == places[1], name
    assert all(text.it and text.en for text in words().values())


def test_every_kind_of_problem_is_met_somewhere(project):
    code = "".join(
        path.read_text(encoding="utf-8") for path in (project / "diagnosis/sources/own").glob("*.py")
    )
    unused = [name for name in problem_kinds() if f'"{name}"' not in code]
    assert unused == []
