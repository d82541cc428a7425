"""The notebooks are thin: parameters, calls of public functions, one figure or table a cell, no outputs stored."""

import ast
import inspect
from pathlib import Path

import nbformat
import pytest

import diagnosis
from diagnosis.report.figures import FIGURES
from diagnosis.result import STAGES
from diagnosis.study import Study

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
MOST_LINES = 8
NOT_THIN = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.AsyncFor, ast.While, ast.Lambda,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Try,
)  # fmt: skip
LANGUAGE_MARKS = {"it": {"il", "la", "gli", "le", "di", "dei", "della"}, "en": {"the", "of", "in", "on"}}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def cells(notebook, kind):
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def tree(notebook):
    return ast.parse("\n".join(cell.source for cell in cells(notebook, "code")))


def test_there_are_notebooks():
    assert "diagnosis" in [path.stem for path in NOTEBOOKS]


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
    tagged = [cell for cell in cells(notebook, "code") if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    for statement in ast.parse(tagged[0].source).body:
        assert isinstance(statement, ast.Assign)
        assert isinstance(ast.literal_eval(statement.value), str | int | float | bool | None)


def test_code_cells_are_thin(notebook):
    for cell in cells(notebook, "code"):
        assert len(cell.source.splitlines()) <= MOST_LINES, cell.id
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


def test_every_method_stage_figure_and_table_exists(notebook, example_study):
    known = {"carry_out": STAGES, "draw": FIGURES, "show": [*example_study.tables, "findings"]}
    for call in calls_of_study(notebook):
        method = getattr(Study, call.func.attr)
        arguments = [None, *call.args]
        inspect.signature(method).bind(*arguments, **{word.arg: word.value for word in call.keywords})
        if call.func.attr in known:
            assert ast.literal_eval(call.args[0]) in known[call.func.attr]


def test_every_attribute_of_the_study_exists(notebook, example_study):
    for node in ast.walk(tree(notebook)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "study":
            assert hasattr(example_study, node.attr)


def test_the_diagnosis_carries_out_every_stage_in_order():
    notebook = nbformat.read(NOTEBOOKS[[path.stem for path in NOTEBOOKS].index("diagnosis")], as_version=4)
    stages = [
        ast.literal_eval(call.args[0]) for call in calls_of_study(notebook) if call.func.attr == "carry_out"
    ]
    assert tuple(stages) == STAGES


def test_parameters_are_those_the_batch_hands_over():
    notebook = nbformat.read(NOTEBOOKS[[path.stem for path in NOTEBOOKS].index("diagnosis")], as_version=4)
    cell = next(cell for cell in cells(notebook, "code") if "parameters" in cell.metadata.get("tags", []))
    names = {statement.targets[0].id for statement in ast.parse(cell.source).body}
    accepted = set(inspect.signature(diagnosis.open_study).parameters)
    assert accepted <= names
    assert names - accepted == {"save_to"}
