"""A city's own files from the folder to indicators: layouts, formats, YAML, groups, small cells, the report."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from diagnosis.catalogue import Catalogue, load_catalogue
from diagnosis.catalogue_page import write_page
from diagnosis.csv_files import to_csv
from diagnosis.sources.embedded import read_register
from diagnosis.sources.own.data import read_own_data
from diagnosis.sources.own.report import list_problems, write_report
from diagnosis.sources.own.settings import RESERVED_IDS
from diagnosis.stages.own import FRAMEWORK_COLUMNS, GROUP_COLUMNS

CODE_OF_A_PERSON = "RSSMRA80A01H501U"
SIRACUSA, NOTO, AVOLA, MELILLI, SORTINO = "089017", "089013", "089002", "089012", "089019"


@pytest.fixture(scope="module")
def register():
    return read_register()


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def read(folder, register):
    # a part of the country: to index all of it takes a fifth of a second each time
    municipalities = register[register["province"].isin(["001", "040", "088", "089", "099"])].drop(
        columns="cadastral"
    )
    province = register.index[register["province"] == "089"]

    def run(country=municipalities, **options):
        return read_own_data(folder, country, register=register, **{"territory": province} | options)

    return run


@pytest.fixture
def write(folder):
    def save(text, name="dati.csv", encoding="utf-8"):
        (folder / name).write_bytes(text.encode(encoding))

    return save


def kinds(own, severity=None):
    problems = own.problems
    return sorted(set(problems.loc[problems["severity"] == (severity or "error"), "kind"]))


def one(own, kind):
    found = own.problems[own.problems["kind"] == kind]
    assert len(found) == 1, found
    return found.iloc[0]


# without a YAML


def test_a_file_alone(read, write):
    write("Comune;Posti nido (n.);Raccolta differenziata (%)\nSiracusa;420;50,3\nNOTO;60;58,1\nAvola;;65,5\n")
    own = read()
    assert kinds(own) == []
    assert own.values.loc[[SIRACUSA, NOTO], "own_raccolta_differenziata"].tolist() == [50.3, 58.1]
    assert np.isnan(own.values.at[AVOLA, "own_posti_nido_n"])
    assert own.values.index[0] == "001001"
    entry = own.entries[1]
    assert (entry.direction, entry.scored, entry.domain, entry.level) == (
        "neutral",
        False,
        "own",
        "municipality",
    )
    assert (entry.unit.it, entry.sources, entry.year, entry.local) == ("%", ("own", "dati.csv"), "n.d.", True)
    assert [domain.id for domain in own.domains] == ["own"]
    assert one(own, "no_description")["advice_it"].endswith("creare dati.yml.")
    assert own.sources[0].indicators == ("own_posti_nido_n", "own_raccolta_differenziata")
    assert len(own.sources[0].sha256) == 64


def test_an_absent_or_empty_folder(read, folder, register):
    assert read().values.shape[1] == 0
    own = read_own_data(folder / "absent", register)
    assert own.entries == ()
    assert own.series.empty
    assert "Nella cartella non ci sono dati." in write_report(own)


def test_the_entries_fit_the_catalogue(read, write):
    write("Comune;Posti\nSiracusa;4\n")
    own, base = read(), load_catalogue()
    whole = Catalogue(
        [*base.domains.values(), *own.domains], [*base.indicators.values(), *own.entries], base.introduction
    )
    assert "own_posti" in write_page(whole, "it")
    assert whole.to_frame("en").at["own_posti", "name"] == "Posti"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-8", "Comune;v\nForlì;1\n"), ("utf-8-sig", "Comune;v\nForlì;1\n"), ("utf-16", "Comune\tv\r\nForlì\t1\r\n"),
     ("utf-16-le", "Comune;v\nForlì;1\n"), ("cp1252", "Comune,v\nForlì,1\n"), ("utf-8", "sep=|\nComune|v\nForlì|1\n"),
     ("utf-8", 'Comune,v\r"Forlì","1"\r')],
)  # fmt: skip
def test_encodings_and_delimiters(read, write, encoding, text):
    write(text, encoding=encoding)
    own = read()
    assert own.values.at["040012", "own_v"] == 1
    assert ("windows_encoding" in kinds(own, "note")) == (encoding == "cp1252")


def test_codes(read, write):
    write("PRO_COM;Comune;v\n89017;Siracusa;1\n89013;Noto;2\n1001;Agliè;3\n")
    own = read()
    assert own.values["own_v"].dropna().to_dict() == {"001001": 3, NOTO: 2, SIRACUSA: 1}
    assert "3" in one(own, "leading_zeros")["problem_en"]
    write("Codice catastale;v\nI754;1\nF943;2\n")
    assert read().values["own_v"].dropna().to_dict() == {NOTO: 2, SIRACUSA: 1}


def test_a_code_of_another_municipality_than_the_name(read, write):
    write("codice_istat;comune;v\n089017;Noto;1\n089002;Avola;2\n")
    own = read()
    assert kinds(own) == ["code_against_name"]
    assert one(own, "code_against_name")[["row", "column", "letter", "value"]].tolist() == [
        "2",
        "comune",
        "B",
        "Noto",
    ]


def test_codes_of_another_year(read, write):
    write("codice_istat;v\n041033;10\n089017;1\n")
    own = read()
    assert own.values["own_v"].dropna().to_dict() == {SIRACUSA: 1, "099030": 10}
    assert "2020" in one(own, "other_vintage")["problem_it"]
    write('codes_of: "2020"\nindicators: [{name: v, column: v, unit: n.}]\n', "dati.yml")
    own = read()
    assert own.values.iloc[:, 0].dropna().to_dict() == {SIRACUSA: 1, "099030": 10}
    write("codice_istat;v\n041033;10\n089917;1\n")
    assert kinds(read()) == ["unknown_code"]
    write('codes_of: "1999"\n', "dati.yml")
    assert "which_vintage" in kinds(read())


NAMED = {
    "Augusta": "089001", "Avola": AVOLA, "Buccheri": "089003", "Buscemi": "089004", "Cassaro": "089007",
    "Ferla": "089008", "Lentini": "089011", "Melilli": MELILLI, "Noto": NOTO, "Siracusa": SIRACUSA,
}  # fmt: skip


@pytest.mark.parametrize("first", [1001, 4000, 40001, 89001, 89002, 100001])
@pytest.mark.parametrize("heading", ["Spesa (n.)", "Spesa (€)", "Spesa", "ID", "", "Valore %"])
@pytest.mark.parametrize("before", [True, False])
def test_figures_are_never_taken_for_codes(read, write, first, heading, before):
    order = [heading, "Comune"] if before else ["Comune", heading]
    lines = [";".join([*order, "Posti (n.)"])]
    for i, name in enumerate(NAMED):
        pair = [str(first + i), name] if before else [name, str(first + i)]
        lines.append(";".join([*pair, str(50 + i)]))
    write("\n".join(lines) + "\n")
    own = read()
    assert set(kinds(own)) <= {"no_heading"}  # refused aloud or right, never given to others
    if own.entries:
        values = own.values["own_posti_n"].dropna()
        assert values.to_dict() == {code: 50 + i for i, code in enumerate(NAMED.values())}
    if "(" in heading:  # a unit says that they are figures, whatever the numbers
        assert own.values.shape[1] == 2
        assert own.values.notna().sum().tolist() == [10, 10]


@pytest.mark.parametrize("heading", ["Territorio", "Codice", "Cod. ente", "Istat del comune (6 cifre)", "ID"])
@pytest.mark.parametrize("zeros", [True, False])
def test_codes_beside_names_are_known_under_any_heading(read, write, heading, zeros):
    codes = [code if zeros else code.lstrip("0") for code in NAMED.values()]
    lines = [f"{code};{name};{i}" for i, (name, code) in enumerate(zip(NAMED, codes, strict=True))]
    write("\n".join([f"{heading};Comune;v", *lines]) + "\n")
    own = read()
    assert kinds(own) == []
    assert own.values["own_v"].dropna().to_dict() == {code: i for i, code in enumerate(NAMED.values())}
    assert own.values.shape[1] == 1


@pytest.mark.parametrize("yaml", [None, 'codes_of: "2020"\n'])
def test_names_are_compared_with_codes_of_another_year(read, write, yaml):
    write("codice_istat;Comune;v\n041033;Montecopiolo;10\n089017;Siracusa;1\n")
    if yaml:
        write(yaml, "dati.yml")
    assert kinds(read()) == []
    write("codice_istat;Comune;v\n041033;Montecopiolo;10\n089017;Noto;1\n")
    problem = one(read(), "code_against_name")
    assert problem[["row", "value"]].tolist() == ["3", "Noto"]


@pytest.mark.parametrize("cell", ["9" * 9000, "1e999", "12x", "1e99", "9" * 400])
@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_broken_number_is_an_error_on_its_cell(read, write, cell, row):
    cells = ["1", "2", "3"]
    cells[row] = cell
    write(
        "Comune;v\n"
        + "".join(f"{n};{c}\n" for n, c in zip(("Siracusa", "Noto", "Avola"), cells, strict=True))
    )
    own = read()
    assert len(kinds(own)) == 1
    problem = own.problems[own.problems["severity"] == "error"].iloc[0]
    assert problem[["file", "row", "letter", "kind"]].tolist() in [
        ["dati.csv", str(row + 2), "B", kind] for kind in ("huge_number", "not_a_number")
    ]


@pytest.mark.parametrize("taken", ["name", "code", "province", "area", "territory"])
def test_ids_of_columns_that_stand_beside(read, write, taken):
    write("Comune;v (n.)\nSiracusa;1\n")
    write(f"indicators: [{{id: {taken}, name: x, column: v (n.)}}]\n", "dati.yml")
    problem = one(read(), "yaml_value")
    assert taken in problem["advice_en"]
    write(f"domains: {{{taken}: Tema}}\n", "dati.yml")
    assert kinds(read()) == ["yaml_value"]


def test_the_columns_of_the_package_are_reserved():
    columns = {"name", "local", "publisher", "source", "licence", "file", *GROUP_COLUMNS, *FRAMEWORK_COLUMNS}
    assert columns & {"name", "domain", "city", "territory", "year", "source", "file"} <= RESERVED_IDS


@pytest.mark.parametrize("secret", ["mario.rossi@example.it", CODE_OF_A_PERSON])
def test_personal_data_anywhere_but_in_cells(read, write, folder, secret):
    def refused(text="Comune;v (n.)\nSiracusa;1\n", name="dati.csv", yaml=None, where="this field"):
        for path in folder.iterdir():
            path.unlink()
        write(text, name)
        if yaml:
            write(yaml, "dati.yml")
        own = read()
        problem = one(own, "personal_text")
        assert where in problem["problem_en"]
        assert own.entries == ()
        told = own.problems.drop(columns="file").fillna("").to_numpy().ravel()
        assert not any(secret in text for text in told)
        return problem

    assert refused(f"Comune;v;{secret} (n.)\nSiracusa;1;7\n", where="heading")["letter"] == "C"
    refused(f"Dati di {secret};\nComune;v\nSiracusa;1\n", where="title")
    refused(name=f"{secret}.csv", where="name of the file")
    assert refused(yaml=f"source: Ufficio {secret}\n")["column"] == "source"
    refused(yaml=f"licence: {secret}\n")
    refused(yaml=f'names: {{"{secret}": "089017"}}\n')
    assert (
        refused(yaml=f"indicators: [{{name: {secret}, column: v (n.)}}]\n")["column"] == "indicators.1.name"
    )


def test_personal_data_in_the_name_of_a_sheet(read, folder, write_workbook):
    write_workbook(folder / "dati.xlsx", {"Dati": [["Comune", "v"], ["Noto", 1]], "x@y.it": [["a"]]})
    assert "name of a sheet" in one(read(), "personal_text")["problem_en"]


def test_a_misspelt_municipality(read, write):
    write("Comune;v\nSirausa;1\nNoto;2\n")
    own = read()
    problem = one(own, "unknown_name")
    assert problem[["file", "row", "letter", "value"]].tolist() == ["dati.csv", "2", "A", "Sirausa"]
    assert "Siracusa (SR, 089017)" in problem["advice_it"]
    assert own.values.empty or own.values.shape[1] == 0
    lenient = read(strict=False)
    assert lenient.values["own_v"].dropna().to_dict() == {NOTO: 2}
    write('names: {Sirausa: "089017"}\n', "dati.yml")
    assert read().values["own_v"].dropna().to_dict() == {NOTO: 2, SIRACUSA: 1}


def test_totals_notes_and_blank_rows(read, write):
    write(
        "Tabella 1 - Anno 2022;;\n;;\nComune;v;w\nSiracusa;1;5\n;;\nNoto;2;6\nTotale;3;11\n\nFonte: ufficio;;\n"
    )
    own = read()
    assert kinds(own) == []
    assert own.values["own_v"].dropna().tolist() == [2, 1]
    assert {"total_row", "footer", "titles", "year_from_title"} <= set(kinds(own, "note"))
    assert own.entries[0].year == "2022"
    assert one(own, "total_row")["row"] == "7"


def test_a_row_of_numbers_without_a_municipality(read, write):
    write("Comune;v\nSiracusa;1\n;7\nNoto;2\n")
    assert one(read(), "no_place")["row"] == "3"


# numbers


def test_italian_numbers(read, write):
    write("Comune;Spesa (€)\nSiracusa;1.234.567,50\nNoto;98.400\n")
    own = read()
    assert own.values["own_spesa"].dropna().tolist() == [98400, 1234567.5]
    assert "98.400 sono stati letti 98400" in one(own, "format_from_column")["problem_it"]


def test_an_ambiguous_column(read, write):
    write("Comune;v\nSiracusa;1.234\nNoto;5.678\n")
    own = read()
    assert set(own.problems.loc[own.problems["kind"] == "ambiguous_number", "row"]) == {"2", "3"}
    assert (
        "decimal: comma" in own.problems.loc[own.problems["kind"] == "ambiguous_number", "advice_it"].iloc[0]
    )
    write("decimal: comma\n", "dati.yml")
    assert read().values["own_v"].dropna().tolist() == [5678, 1234]


def test_other_columns_of_the_file_decide_and_it_is_said(read, write):
    write("Comune;v;w\nSiracusa;1.234;0,5\nNoto;5.678;2,25\n")
    own = read()
    assert own.values["own_v"].dropna().tolist() == [5678, 1234]
    assert "format_from_file" in kinds(own, "warning")


def test_percentages(read, write):
    write("Comune;Quota (%)\nSiracusa;0,5\nNoto;0,1\nAvola;0,2\nMelilli;0,3\nSortino;0,9\n")
    own = read()
    assert own.values.loc[[SIRACUSA, SORTINO], "own_quota"].tolist() == [50, 90]
    assert "shares_by_values" in kinds(own, "warning")
    write("Comune;Quota (%)\nSiracusa;0,5\nNoto;0,1\n")
    assert kinds(read()) == ["scale_unclear"]
    write("indicators: [{name: Quota, column: Quota (%), scale: percent}]\n", "dati.yml")
    assert read().values["own_quota"].dropna().tolist() == [0.1, 0.5]


def test_formulas_are_data(read, write):
    write("Comune;v;nota\nSiracusa;=1+1;=HYPERLINK(0)\nNoto;2;@x\n")
    own = read()
    assert one(own, "formula_text")["row"] == "2"
    shown = to_csv(list_problems(own.problems))
    assert "'=1+1" in shown
    assert pd.read_csv(io.StringIO(shown))["value"].dropna().str.startswith(("=", "@")).sum() == 0


# long, years


def test_a_long_table(read, write):
    write(
        "comune;anno;indicatore;unita;valore\n"
        "Siracusa;2021;Posti;n.;10\nSiracusa;2022;Posti;n.;12\nNoto;2022;Posti;n.;3\nNoto;2022;Quota;%;45,5\n"
    )
    own = read()
    assert kinds(own) == []
    assert own.values["own_posti"].dropna().to_dict() == {NOTO: 3, SIRACUSA: 12}
    assert [entry.unit.it for entry in own.entries] == ["numero", "%"]
    assert own.series.set_index(["code", "indicator", "year"])["value"].to_dict() == {
        (SIRACUSA, "own_posti", "2021"): 10,
        (SIRACUSA, "own_posti", "2022"): 12,
        (NOTO, "own_posti", "2022"): 3,
        (NOTO, "own_quota", "2022"): 45.5,
    }


def test_years_in_the_headings(read, write):
    write("Comune;Posti 2021;Posti 2022\nSiracusa;10;12\nNoto;2;\n")
    own = read()
    assert own.entries[0].year == "2022"
    assert own.values["own_posti"].dropna().to_dict() == {SIRACUSA: 12}
    assert len(own.series) == 3


def test_rows_of_headings_and_other_names_of_the_year(read, write):
    write("Comune;Nido;;Note\n;Posti;Iscritti;\nSiracusa;10;12;x\nNoto;2;3;y\n")
    assert list(read().values) == ["own_nido_posti", "own_nido_iscritti"]
    write("Comune;Anno imposta;Redditi (€)\nSiracusa;2021;10\nSiracusa;2022;12\n")
    own = read()
    assert own.entries[0].year == "2022"
    assert own.values["own_redditi"].dropna().tolist() == [12]


def test_a_municipality_twice(read, write):
    write("Comune;v\nSiracusa;10\nNoto;1\nSIRACUSA;12\n")
    own = read()
    problem = one(own, "repeated_place")
    assert problem["row"] == "4"
    assert "riga 2" in problem["problem_it"]
    write("repeated: sum\n", "dati.yml")
    assert read().values["own_v"].dropna().to_dict() == {NOTO: 1, SIRACUSA: 22}


# the YAML


FULL = """
source: {it: Ufficio scuola, en: School office}
licence: CC BY 4.0
year: 2023
domains: {childhood: {it: Infanzia, en: Childhood}}
indicators:
  - id: nursery_rate
    name: {it: Iscritti al nido, en: Children in nurseries}
    unit: "%"
    direction: positive
    domain: childhood
    sdg: 4
    numerator: Iscritti
    denominator: Bambini
    scored: true
  - id: pupils_per_1000
    name: {it: Iscritti per mille, en: Enrolled per thousand}
    unit: {it: per 1.000, en: "per 1,000"}
    numerator: Iscritti
    denominator: residents
  - {id: satisfaction, name: Gradimento, unit: indice, column: Gradimento, weight: Bambini}
  - {id: hours, name: Orario, unit: ore, column: Gradimento}
  - {id: places_sum, name: Bambini, column: Bambini, summed: true, people: false}
"""
TABLE = "Comune;Iscritti;Bambini;Gradimento\nSiracusa;30;100;4\nNoto;2;50;8\nAvola;n.d.;10;6\nMelilli;0;0;\n"


def test_indicators_of_a_yaml(read, write, register):
    write(TABLE)
    write(FULL, "dati.yml")
    residents = pd.Series({SIRACUSA: 3000.0, NOTO: 1000.0})
    own = read(residents=residents)
    assert kinds(own) == []
    assert own.values["nursery_rate"].dropna().to_dict() == {NOTO: 4, SIRACUSA: 30}
    assert own.values["pupils_per_1000"].dropna().to_dict() == {NOTO: 2, SIRACUSA: 10}
    entry = own.entries[0]
    assert (entry.kind, entry.scored, entry.domain, entry.sdg, entry.year) == (
        "ratio",
        True,
        "childhood",
        4,
        "2023",
    )
    assert (entry.licence, entry.source_text.en) == ("CC BY 4.0", "School office")
    assert {domain.id for domain in own.domains} == {"childhood", "own"}
    assert "zero_denominator" in kinds(own, "note")
    groups = pd.Series({SIRACUSA: "a", NOTO: "a", AVOLA: "a", MELILLI: "b"})
    whole = own.for_groups(groups, residents)
    assert whole.loc["a", "nursery_rate"] == pytest.approx(100 * 32 / 150)  # Avola in neither sum
    assert whole.loc["a", "pupils_per_1000"] == pytest.approx(1000 * 32 / 4000)
    assert whole.loc["a", "satisfaction"] == pytest.approx((4 * 100 + 8 * 50 + 6 * 10) / 160)
    assert whole["hours"].isna().all()  # a rate without a weight
    assert whole.loc["a", "places_sum"] == 160
    assert np.isnan(whole.loc["b", "nursery_rate"])


def test_small_cells(read, write):
    write(TABLE)
    write(FULL.replace("residents", "Bambini"), "dati.yml")
    own = read()
    values, held_back = own.for_export()
    assert held_back.loc[NOTO, ["nursery_rate", "pupils_per_1000", "satisfaction", "places_sum"]].tolist() == [
        True, True, False, False,
    ]  # fmt: skip
    assert not held_back.loc[[SIRACUSA, MELILLI]].any(axis=None)
    assert np.isnan(values.at[NOTO, "nursery_rate"])
    assert not own.for_export(threshold=1)[1].any(axis=None)
    assert "small_cells" in kinds(own, "warning")
    write("public: true\n" + FULL.replace("residents", "Bambini"), "dati.yml")
    assert not read().for_export()[1].any(axis=None)


def test_counting_rows(read, write):
    write("Comune;Biblioteca\nSiracusa;Centrale\nSiracusa;Tiche\nNoto;Comunale\n")
    write(
        "count: rows\nyear: 2024\nindicators: [{id: libraries_own, name: Biblioteche, unit: n.}]\n",
        "dati.yml",
    )
    own = read()
    assert kinds(own) == []
    assert own.values.loc[[SIRACUSA, NOTO, AVOLA], "libraries_own"].tolist() == [2, 1, 0]
    assert own.values["libraries_own"].notna().sum() == 21  # the territory
    assert own.entries[0].kind == "count"


@pytest.mark.parametrize(
    ("text", "kind", "column"),
    [
        ("sorgente: x", "yaml_field", "sorgente"),
        ("indicators: [{name: v, colunm: v}]", "yaml_field", "indicators.1.colunm"),
        ("indicators: [{column: v}]", "yaml_missing", "indicators.1.name"),
        ("decimal: virgola", "yaml_value", "decimal"),
        ("indicators: [{name: v, column: v, scored: true}]", "yaml_value", "indicators.1"),
        ("indicators: [{name: v}]", "yaml_value", ""),
        ("names: {x: 89017}", "yaml_value", "names.x"),
        ("a: b: c", "yaml_unreadable", ""),
        ("a: 1\na: 2", "yaml_unreadable", ""),
        ("- a", "yaml_unreadable", ""),
    ],
)
def test_a_wrong_yaml_keeps_its_file_out(read, write, text, kind, column):
    write("Comune;v\nSiracusa;1\n")
    write(text, "dati.yml")
    own = read()
    problem = one(own, kind)
    assert problem["file"] == "dati.yml"
    assert (problem["column"] if isinstance(problem["column"], str) else "") == column
    assert own.entries == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("indicators: [{name: v, column: w}]", "unknown_heading"),
        ("municipality: Citta", "unknown_heading"),
        ("municipality: v", "unknown_name"),
        ("indicators: [{name: v, column: v, domain: nothing}]", "unknown_domain"),
        ("indicators: [{id: residents, name: v, column: v}]", "taken_id"),
        ("indicators: [{name: v, numerator: v, denominator: residents}]", "residents_needed"),
    ],
)
def test_a_yaml_that_does_not_fit_the_file(read, write, text, kind):
    write("Comune;v\nSiracusa;1\nNoto;2\n")
    write(text, "dati.yml")
    own = read()
    assert kind in kinds(own)
    assert own.entries == ()


def test_which_yaml_goes_with_which_file(read, write):
    write("Comune;v\nSiracusa;1\n", "a.csv")
    write("Comune;w\nSiracusa;1\n", "b.csv")
    write("file: a.csv\n", "x.yml")
    write("file: c.csv\n", "y.yml")
    own = read()
    assert set(own.values) == {"own_v", "own_w"}
    assert one(own, "yaml_without_data")["file"] == "y.yml"
    write("year: 2020\n", "a.yml")
    assert kinds(read()) == ["described_twice", "yaml_without_data"]


def test_a_broken_file_does_not_stop_the_others(read, write):
    write("Comune;v\nSiracusa;1\n", "a.csv")
    write("Comune;v\nSiracusa;x\n", "b.csv")
    own = read()
    assert list(own.values) == ["own_v"]
    assert own.files == ("a.csv", "b.csv")
    assert [source.file for source in own.sources] == ["a.csv"]


# persons


def test_personal_data_are_refused_and_not_repeated(read, write):
    write("Comune;Nota;v\nSiracusa;RSSMRA85T10A562S;1\nSirausa;x;zz\n")
    own = read()
    assert kinds(own) == ["personal_data", "personal_file"]
    assert "RSSMRA" not in own.problems.to_csv()
    assert one(own, "personal_data")["row"] == "2"
    write("Comune;Scuola;v\nSiracusa;Via Roma 1;1\nNoto;Via Po 2;2\nAvola;Corso Italia 3;3\n")
    assert kinds(read()) == ["personal_data", "personal_file"]
    write("not_personal: [Scuola]\n", "dati.yml")
    assert kinds(read()) == []


# workbooks and Parquet


def test_a_workbook(read, folder, write_workbook):
    write_workbook(
        folder / "dati.xlsx",
        {
            "Leggimi": [["Istruzioni"], ["Compilare il foglio dati"]],
            "Dati": [
                ["Titolo"],
                ["Comune", "Posti", "Spesa (€)"],
                ["Siracusa", 12.0, "1.234,5"],
                ["Noto", 3.0, 7.5],
            ],
        },
    )
    own = read()
    assert kinds(own) == []
    assert own.values["own_posti"].dropna().to_dict() == {NOTO: 3, SIRACUSA: 12}
    assert own.values["own_spesa"].dropna().to_dict() == {NOTO: 7.5, SIRACUSA: 1234.5}
    assert one(own, "other_sheets")["problem_it"].endswith("'Leggimi'.")


def test_cells_of_a_workbook(read, folder, write_workbook):
    path = folder / "dati.xlsx"
    write_workbook(
        path, {"Dati": [["Comune", "Quota (%)", "Posti"], ["Siracusa", 0.5, 4.0], ["Noto", 0.25, 5.0]]}
    )
    parts = {}
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    rows = parts[sheet].split("<row>")
    for number in (1, 2, 3):
        cells = rows[number].split("<c")
        for column, letter in enumerate("ABC", start=1):
            style = ' s="1"' if letter == "B" and number > 1 else ""
            cells[column] = f' r="{letter}{number}"{style}{cells[column]}'
        rows[number] = "<c".join(cells)
    parts[sheet] = "<row>".join(rows)
    parts["xl/styles.xml"] = (
        '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="0.0%"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>'
    )

    def save():
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content)

    save()
    own = read()
    assert own.values["own_quota"].dropna().tolist() == [25, 50]  # the format of the cells says so
    assert "shares_by_format" in kinds(own, "note")
    parts[sheet] = parts[sheet].replace(
        "</sheetData>", '</sheetData><mergeCells><mergeCell ref="C2:C3"/></mergeCells>'
    )
    save()
    problem = one(read(), "merged_number")
    assert problem[["row", "column", "letter", "value"]].tolist() == ["2", "Posti", "C", "4"]
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace("<sheet name", '<sheet state="hidden" name')
    save()
    assert "no_municipalities" in kinds(read())  # only the hidden sheet has them


def test_several_sheets_of_municipalities(read, write, folder, write_workbook):
    sheet = [["Comune", "v"], ["Siracusa", 12.0]]
    write_workbook(folder / "dati.xlsx", {"Uno": sheet, "Due": sheet})
    assert kinds(read()) == ["choose_sheet"]
    write("sheet: Due\n", "dati.yml")
    assert read().values["own_v"].dropna().tolist() == [12]
    write("sheet: Tre\n", "dati.yml")
    assert kinds(read()) == ["unknown_sheet"]


def test_parquet(read, folder):
    frame = pd.DataFrame({"code": [SIRACUSA, NOTO], "v": [1.5, None], "shape": [b"x", b"y"]})
    frame.to_parquet(folder / "dati.parquet")
    own = read()
    assert own.values["own_v"].dropna().to_dict() == {SIRACUSA: 1.5}


# the report


def test_the_report_says_row_column_and_what_to_do(read, write):
    write("Comune;Quota (%)\nSirausa;50\nNoto;circa 3\nAvola;120\n")
    own = read()
    text = write_report(own, "it")
    assert "NON USATO. Errori da correggere: 2." in text
    assert "Riga 2, colonna A «Comune», si legge «Sirausa»: Nessun comune si chiama così." in text
    assert "Riga 3, colonna B «Quota (%)», si legge «circa 3»: Non è un numero." in text
    assert "Riga 4, colonna B «Quota (%)», si legge «120»: La percentuale non è fra 0 e 100." in text
    english = write_report(own, "en")
    assert "Row 2, column A “Comune”, it says “Sirausa”: No municipality has this name." in english
    listed = list_problems(own.problems, "en")
    assert list(listed) == ["file", "row", "column", "value", "problem", "advice", "severity"]
    assert listed["severity"].iloc[0] == "error"


def test_the_report_is_harmless_and_short(read, write):
    write(
        "Comune;v\n" + "".join(f"<script>{i};1\n" for i in range(300)) + "Noto;1\nAvola;2\nSiracusa;3\n" * 1
    )
    own = read(strict=False)
    assert one(own, "no_municipalities")["severity"] == "error"
    write("municipality: Comune\n", "dati.yml")
    write("Comune;v\n" + "".join(f"<b>{i};1\n" for i in range(150)) + "".join(
        f"{name};1\n" for name in ("Noto", "Avola", "Siracusa", "Melilli", "Sortino", "Lentini", "Floridia", "Augusta",
                                    "Buccheri", "Ferla", "Cassaro", "Solarino", "Rosolini", "Pachino", "Francofonte",
                                    "Carlentini", "Buscemi", "Priolo Gargallo", "Portopalo di Capo Passero",
                                    "Palazzolo Acreide", "Canicattini Bagni", "Ragusa", "Modica", "Scicli", "Ispica",
                                    "Vittoria", "Comiso")))  # fmt: skip
    own = read()
    assert len(own.problems) < 130
    text = write_report(own)
    assert "<b>" not in text
    assert "&lt;b>0" in text
    assert "altri casi dello stesso problema" in text


def test_speed_of_a_national_file(read, write, register):
    lines = [f"{code};{name};{i % 97},{i % 9}" for i, (code, name) in enumerate(register["name"].items())]
    write("codice_istat;comune;Valore (km)\n" + "\n".join(lines))
    own = read(country=register)
    assert len(own.values) == 7904
    assert kinds(own) == []
    assert own.values.notna().all(axis=None)
