"""The notebooks are thin: parameters, calls of public functions, one figure or table a cell, no outputs stored."""

import ast
import inspect
import re
from functools import partial
from pathlib import Path

import nbformat
import pandas as pd
import pytest

import diagnosis
from diagnosis.config import default_settings, load_city
from diagnosis.report.figures import FIGURES
from diagnosis.result import STAGES
from diagnosis.studies import areas as area_study
from diagnosis.studies import index as index_study
from diagnosis.studies.areas import AreaStudy
from diagnosis.studies.index import IndexStudy
from diagnosis.studies.index_subject import subject_of_framework

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
MOST_LINES = 8
MOST_PARAMETERS = 12
NOT_THIN = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.AsyncFor, ast.While, ast.Lambda,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Try,
)  # fmt: skip
LANGUAGE_MARKS = {"it": {"il", "la", "gli", "le", "di", "dei", "della"}, "en": {"the", "of", "in", "on"}}


def read(name):
    return nbformat.read(NOTEBOOKS[[path.stem for path in NOTEBOOKS].index(name)], as_version=4)


@pytest.fixture(params=[path.stem for path in NOTEBOOKS])
def name(request):
    return request.param


@pytest.fixture
def notebook(name):
    return read(name)


@pytest.fixture(scope="module")
def studies(example_study, example_settings):
    """What each notebook calls `study`, on the example territory."""
    city = load_city("example")
    return {
        "diagnosis": example_study,
        "areas": AreaStudy(city, example_settings),
        "composite": IndexStudy(subject_of_framework("provinces", city, example_settings)),
    }


def cells(notebook, kind):
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def is_parameters(cell):
    return "parameters" in cell.metadata.get("tags", [])


def tree(notebook):
    return ast.parse("\n".join(cell.source for cell in cells(notebook, "code")))


def test_there_are_notebooks():
    assert {"diagnosis", "areas", "composite"} <= {path.stem for path in NOTEBOOKS}


def test_format_is_valid(notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.metadata.kernelspec.name) == (4, "python3")


def test_stored_without_outputs(notebook):
    for cell in cells(notebook, "code"):
        assert not cell.outputs
        assert cell.execution_count is None


def test_one_title_in_the_first_cell(notebook):
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    titles = [
        (number, line)
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("# ")
    ]
    assert len(titles) == 1
    assert titles[0][0] == 0


def test_one_cell_of_scalar_parameters(notebook):
    tagged = [cell for cell in cells(notebook, "code") if is_parameters(cell)]
    assert len(tagged) == 1
    for statement in ast.parse(tagged[0].source).body:
        assert isinstance(statement, ast.Assign)
        assert isinstance(ast.literal_eval(statement.value), str | int | float | bool | None)


def test_code_cells_are_thin(notebook):
    for cell in cells(notebook, "code"):
        limit = MOST_PARAMETERS if is_parameters(cell) else MOST_LINES
        assert len(cell.source.splitlines()) <= limit, cell.id
        found = [
            type(node).__name__ for node in ast.walk(ast.parse(cell.source)) if isinstance(node, NOT_THIN)
        ]
        assert not found, cell.id
        assert not any(line.startswith(("%", "!")) for line in cell.source.splitlines()), cell.id


def test_texts_are_in_both_languages(notebook):
    for cell in cells(notebook, "markdown"):
        text = cell.source
        assert "·" in text.splitlines()[0], f"{cell.id}: title in both languages, Italian · English"
        body = " ".join(text.splitlines()[1:]).replace("*", " ").replace("'", " ").lower().split()
        for marks in LANGUAGE_MARKS.values() if body else ():
            assert marks & set(body), cell.id


def test_only_public_names_are_used(notebook):
    for node in ast.walk(tree(notebook)):
        if isinstance(node, ast.Import):
            assert [(alias.name, alias.asname) for alias in node.names] == [("diagnosis", "dg")]
        assert not isinstance(node, ast.ImportFrom)
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_")
            if isinstance(node.value, ast.Name) and node.value.id == "dg":
                assert node.attr in diagnosis.__all__


def calls_of_study(notebook):
    for node in ast.walk(tree(notebook)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "study"
        ):
            yield node


def test_every_method_of_the_study_exists(name, notebook, studies):
    for call in calls_of_study(notebook):
        method = getattr(type(studies[name]), call.func.attr)
        arguments = [None, *call.args]
        inspect.signature(method).bind(*arguments, **{word.arg: word.value for word in call.keywords})


def test_every_stage_figure_and_table_of_the_diagnosis_exists(example_study):
    known = {"carry_out": STAGES, "draw": FIGURES, "show": [*example_study.tables, "findings"]}
    for call in calls_of_study(read("diagnosis")):
        if call.func.attr in known:
            assert ast.literal_eval(call.args[0]) in known[call.func.attr]


def test_every_attribute_of_the_study_exists(name, notebook, studies):
    for node in ast.walk(tree(notebook)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "study":
            assert hasattr(studies[name], node.attr)


def test_the_diagnosis_carries_out_every_stage_in_order():
    stages = [
        ast.literal_eval(call.args[0])
        for call in calls_of_study(read("diagnosis"))
        if call.func.attr == "carry_out"
    ]
    assert tuple(stages) == STAGES


def parameters_of(notebook):
    cell = next(cell for cell in cells(notebook, "code") if is_parameters(cell))
    return {statement.targets[0].id for statement in ast.parse(cell.source).body}


def test_parameters_are_those_the_batch_hands_over():
    names = parameters_of(read("diagnosis"))
    accepted = set(inspect.signature(diagnosis.open_study).parameters)
    assert accepted <= names
    assert names - accepted == {"save_to"}


def execute(notebook, **parameters):
    """Carry out the code cells as a kernel does; return the value each cell shows, by its id."""
    assert set(parameters) <= parameters_of(notebook)
    names, shown = {}, {}
    for cell in cells(notebook, "code"):
        body = ast.parse(cell.source).body
        last = body.pop().value if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), cell.id, "exec"), names)
        names |= parameters if is_parameters(cell) else {}
        if last is not None:
            shown[cell.id] = eval(compile(ast.Expression(last), cell.id, "eval"), names)
    return shown


def assert_words_are_written(shown, language, native):
    """Every heading is in words, and those of the other language are not there."""
    for cell, value in shown.items():
        page = value._repr_html_()
        # A name in code letters is a heading nobody has written.
        assert not re.search(r">\s*[a-z]+_[a-z_]+\s*<", page), cell
        assert (native in page) <= (language == "it"), cell


@pytest.mark.parametrize("language", ["it", "en"])
def test_the_areas_run_on_the_example(language, example_settings, tmp_path, monkeypatch):
    work = example_settings.cache.parents[1]
    monkeypatch.setattr(area_study, "default_settings", partial(default_settings, work=work))
    saved = tmp_path / "areas.csv"
    parameters = {"language": language, "runs": 3, "save_to": str(saved), "reason": "<because>"}
    shown = execute(read("areas"), **parameters)
    assert len(shown) > 15
    assert_words_are_written(shown, language, "Comune")
    assert "&lt;because&gt;" in shown["choice-table"]._repr_html_()
    labels = pd.read_csv(saved, dtype=str, keep_default_na=False).set_index("code")
    assert len(labels) == 16
    assert labels.at["901001", "area_name"] == "Portalba"
    assert (tmp_path / "areas_choice.csv").is_file()


@pytest.fixture
def run_composite(example_settings, monkeypatch):
    work = example_settings.cache.parents[1]
    monkeypatch.setattr(index_study, "default_settings", partial(default_settings, work=work))
    return lambda **parameters: execute(read("composite"), **parameters)


@pytest.mark.parametrize(("language", "framework"), [("it", "provinces"), ("en", "municipalities")])
def test_the_index_runs_on_the_example(language, framework, run_composite, tmp_path):
    saved = tmp_path / "scores.csv"
    shown = run_composite(framework=framework, language=language, replications=20, save_to=str(saved))
    assert len(shown) > 28
    assert_words_are_written(shown, language, "Punteggio")
    assert saved.is_file()
    assert (tmp_path / "scores_release.json").is_file()


def test_the_index_runs_on_an_own_table(run_composite, tmp_path):
    rows = [f"u{n};{n},5;{(7 * n) % 10},25;{n * n % 11}" for n in range(1, 11)]
    (tmp_path / "my.csv").write_text("\n".join(["codice;reddito;lavoro;aria", *rows]) + "\n")
    described = "id;dominio;polarita;peso\nreddito;vita;positiva;2\nlavoro;vita;-;\naria;luogo;positiva;\n"
    (tmp_path / "about.csv").write_text(described)
    own = {"table": str(tmp_path / "my.csv"), "indicators": str(tmp_path / "about.csv")}
    shown = run_composite(**own, unit="u3", replications=20)
    assert "reddito" in shown["table-listing-table"]._repr_html_()
    assert_words_are_written(shown, "it", "Punteggio")
