"""Tried as a new user would: a spreadsheet in Italian format, misspelt, corrected, and in the report of the city."""

import csv
import json
import re

import pandas as pd
import pypdf
import pytest

from diagnosis import cli
from diagnosis.batch import run_batch
from diagnosis.report import write_report
from diagnosis.stages.own_data import BrokenOwnDataError
from diagnosis.studies.city import Study

pytestmark = pytest.mark.xdist_group("batch")
TITLE = "Servizi sociali - Anno 2023"
HEADINGS = [
    "Comune",
    "Posti nido (n.)",
    "Iscritti (bambini)",
    "Raccolta differenziata (%)",
    "Spesa sociale (€)",
]
SETTINGS = """
source: {it: Ufficio statistica, en: Statistics office}
indicators:
  - {id: recycling, name: {it: Raccolta differenziata, en: Separate collection}, column: Raccolta differenziata (%),
     weight: residents, direction: positive, scored: true, domain: environment}
  - {id: spending, name: {it: 'Spesa sociale <b>&</b> "pro capite"', en: '<script>alert(1)</script> spending'},
     numerator: Spesa sociale (€), denominator: residents, unit: {it: euro per abitante, en: euro per resident}}
  - {id: enrolled, name: {it: '=Iscritti al nido', en: '=Children in nurseries'}, column: Iscritti (bambini),
     summed: true}
"""
COMMENT = """# Una *nota* della città

Leggere <script>alert(2)</script> e il [sito](https://www.example.org/a?b=1&c=2), non il [resto](javascript:alert(3)).

- primo
- **secondo**
"""


@pytest.fixture
def names(example_study):
    return list(example_study.territory.municipalities["name"])


@pytest.fixture
def rows(names):
    """Twelve municipalities; one child in the last but two, two in the last."""
    numbers = range(len(names))
    children = [300 - 20 * number for number in numbers]
    children[-3], children[-1] = 1, 2
    return [
        [name, 400 - 30 * number, children[number], 40.5 + 3 * number, 1_234_567.5 - 98_400 * number]
        for number, name in enumerate(names)
    ]


@pytest.fixture
def local(tmp_path):
    folder = tmp_path / "local" / "example"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def settings(example_settings, local):
    return example_settings.model_copy(update={"local": local.parent, "edition": "own"})


def italian(value, decimals):
    return f"{value:,.{decimals}f}".replace(",", "#").replace(".", ",").replace("#", ".")


def as_csv(rows):
    lines = [TITLE, ";".join(HEADINGS)]
    lines += [
        f"{name};{places};{children};{italian(share, 1)};{italian(amount, 2)}"
        for name, places, children, share, amount in rows
    ]
    return "\n".join([*lines, "Totale;2.820;;;", "Fonte: Ufficio statistica"]) + "\n"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_misspelt_municipality_stops_the_report_until_it_is_corrected(
    kind, rows, local, settings, write_workbook, tmp_path, example_study
):
    def save(rows):
        if kind == "csv":
            (local / "servizi.csv").write_text(as_csv(rows), encoding="cp1252")
        else:
            write_workbook(local / "servizi.xlsx", {"Dati": [[TITLE], HEADINGS, *rows]})

    wrong = [["Fonteviolla" if name == "Fonteviola" else name, *others] for name, *others in rows]
    save(wrong)
    (local / "servizi.yml").write_text(SETTINGS, encoding="utf-8")
    with pytest.raises(BrokenOwnDataError, match=f"example/servizi.{kind}") as caught:
        run_batch(["example"], settings, tmp_path / "reports", workers=1)
    (told,) = caught.value.reports
    assert re.search(
        r"[Rr]iga 9, colonna A «Comune», si legge «Fonteviolla»: Nessun comune si chiama così", told
    )
    assert "Fonteviola (VD, 901007)" in told
    assert not list((tmp_path / "reports").rglob("*"))
    save(rows)
    study = Study(example_study.city, settings, example_study.national)
    study.carry_out("own")
    values = study.tables["own_indicators"]
    assert list(values["recycling"]) == [row[3] for row in rows]
    assert values.at["901002", "spending"] == pytest.approx(
        (1_234_567.5 - 98_400) / study.national.country.residents["901002"]
    )


@pytest.fixture(scope="module")
def read():
    def open_csv(path):
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    return open_csv


@pytest.mark.slow
def test_it_reaches_the_report_and_nothing_held_back_does(
    rows, local, settings, tmp_path, example_study, example_result, read
):
    (local / "servizi.csv").write_text(as_csv(rows), encoding="utf-8")
    (local / "servizi.yml").write_text(SETTINGS, encoding="utf-8")
    (local / "comment.md").write_text(COMMENT, encoding="utf-8")
    study = Study(example_study.city, settings, example_study.national)
    study.tables, study.facts = dict(example_study.tables), dict(example_study.facts)
    study.carry_out("own")
    folder = write_report(study.result(), tmp_path / "report", language="it")

    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "I dati della città" in page
    assert 'id="map-own-recycling"' in page
    assert "dato della città (Ufficio statistica)" in page
    assert "Punteggi locali per tema" in page
    assert "non dichiarata" in page
    assert "Dato della città: 12ª su 12 comuni del territorio" in page
    assert "<script>" not in page
    assert "&lt;script&gt;alert(2)" in page
    assert "javascript:" not in re.sub(r"\(javascript:", "", page)
    assert '<a href="https://www.example.org/a?b=1&amp;c=2" rel="noopener nofollow">sito</a>' in page
    assert "<strong>secondo</strong>" in page
    text = "".join(part.extract_text() for part in pypdf.PdfReader(folder / "report.pdf").pages)
    assert "I dati della città" in text
    assert "Il commento della città" in text

    data = folder / "data"
    values = {row["code"]: row for row in read(data / "own_indicators.csv")}
    assert values["901001"]["recycling"] == "40.5"
    assert (values["901010"]["enrolled"], values["901012"]["enrolled"]) == ("", "")
    assert sum(bool(row["enrolled"]) for row in values.values()) == 10
    groups = {row["indicator"]: row for row in read(data / "own_groups.csv")}
    assert {row["local"] for row in groups.values()} == {"True"}
    assert {row["publisher"] for row in groups.values()} == {"Portalba"}
    assert {row["licence"] for row in groups.values()} == {"non dichiarata"}
    assert groups["enrolled"]["name"] == "'=Iscritti al nido"
    assert groups["enrolled"]["territory"]  # 1 + 2: neither of the two can be told
    (source,) = [row for row in read(data / "attributions.csv") if row["file"] == "servizi.csv"]
    assert (source["publisher"], source["licence"], source["licence_confirmed"]) == (
        "Portalba",
        "non dichiarata",
        "False",
    )
    assert source["modified"].startswith("sì: ")
    dictionary = {row["id"]: row for row in read(data / "data_dictionary.csv")}
    assert (dictionary["recycling"]["local"], dictionary["recycling"]["sdg"]) == ("True", "")
    assert dictionary["residents"]["local"] == "False"
    assert "non dichiarata" in (data / "README.md").read_text(encoding="utf-8")
    described = {row["file"] for row in read(data / "columns.csv")}
    assert {path.name for path in data.glob("own_*.csv")} <= described

    national = example_result.table("group_scores")
    pd.testing.assert_frame_equal(study.result().table("group_scores"), national)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["sources"][-1]["file"] == "servizi.csv"
    assert not manifest["failed"]


@pytest.fixture
def call(capsys, settings, local, monkeypatch):
    for name in ("DIAGNOSIS_MIRROR", "DIAGNOSIS_WORK", "DIAGNOSIS_LANGUAGE", "DIAGNOSIS_LOCAL"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        status = 0
        try:
            cli.main([*arguments, "--local", str(local.parent), "--work", str(settings.cache.parent.parent)])
        except SystemExit as error:
            status = error.code or 0
        written = capsys.readouterr()
        return status, written.out, written.err

    return run


def test_the_commands_list_what_is_wrong(call, rows, local, tmp_path):
    wrong = [["Fonteviolla" if name == "Fonteviola" else name, *others] for name, *others in rows]
    (local / "servizi.csv").write_text(as_csv(wrong), encoding="utf-8")
    status, out, _ = call("check", "example")
    assert status == 2
    assert "Fonteviola (VD, 901007)" in out
    status, _, err = call("report", "example", "--reports", str(tmp_path / "reports"))
    assert status == 2
    assert "Riga 9, colonna A «Comune», si legge «Fonteviolla»" in err
    assert err.rstrip().splitlines()[-1].startswith("diagnosis: A city's own files must be read whole")
    assert not (tmp_path / "reports").exists()
    (local / "servizi.csv").write_text(as_csv(rows), encoding="utf-8")
    status, out, _ = call("check", "example", "--language", "en")
    assert status == 0
    assert "READ. Indicators: 4." in out
    (local / "servizi.csv").unlink()
    status, out, _ = call("check", "example", "--language", "en")
    assert status == 0
    assert "no file in" in out


@pytest.mark.slow
def test_the_notebook_and_the_batch_take_it_up(rows, local, settings, tmp_path):
    (local / "servizi.csv").write_text(as_csv(rows), encoding="utf-8")
    (local / "servizi.yml").write_text(SETTINGS, encoding="utf-8")
    options = {"formats": ("data",), "workers": 1}
    first = run_batch(["example"], settings, tmp_path, **options)
    again = run_batch(["example"], settings, tmp_path, **options)
    assert [run.cities[0].status for run in (first, again)] == ["ok", "cached"]
    folder = tmp_path / "own" / "example"
    assert "recycling" in (folder / "data" / "own_groups.csv").read_text(encoding="utf-8")
    assert "recycling" in (folder / "diagnosis.ipynb").read_text(encoding="utf-8")
