"""Every case of the reference results is asserted somewhere: which test names which case."""

import ast
import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
CASE = re.compile(r"[ck]\d\d_\w[\w-]*")
KINDS = {"value", "formula", "statistical", "bug"}


def strings(node):
    """Texts in a piece of code, docstrings (which assert nothing) left out."""
    described = {
        id(inner.body[0].value)
        for inner in ast.walk(node)
        if isinstance(inner, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(inner) is not None
    }
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and id(inner) not in described:
            yield inner.value


def named_cases(path):
    """Cases a module of tests names, in a test itself or in something a test uses, and by what."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            parts[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            parts[node.targets[0].id] = node
    waiting, used = [name for name in parts if name.startswith("test_")], set()
    while waiting:
        name = waiting.pop()
        if name in used:
            continue
        used.add(name)
        inner = list(ast.walk(parts[name]))
        names = {node.id for node in inner if isinstance(node, ast.Name)}
        fixtures = {node.arg for node in inner if isinstance(node, ast.arg)}
        waiting += [other for other in names | fixtures if other in parts]
    return {
        (case, f"{path.name}: {name}")
        for name in used
        for text in strings(parts[name])
        if CASE.fullmatch(case := text.removesuffix(".csv").removesuffix(".json"))
    }


@pytest.fixture(scope="module")
def listed(oracles):
    cases = json.loads((oracles / "composite" / "CASES.json").read_text(encoding="utf-8"))["cases"]
    return {case["id"]: case for case in cases}


@pytest.fixture(scope="module")
def named():
    found = {}
    for path in sorted(FOLDER.glob("test_*.py")):
        for case, where in named_cases(path):
            found.setdefault(case, set()).add(where)
    return found


def test_every_case_is_named_by_a_test(listed, named):
    assert not set(listed) - set(named), "cases that no test names"


def test_every_case_named_exists(listed, named):
    assert not {case: where for case, where in named.items() if case not in listed}


def test_every_case_is_of_a_known_kind_and_has_its_files(listed, oracles):
    for name, case in listed.items():
        assert case["kind"] in KINDS, name
        inputs = [case["inputs"]] if isinstance(case["inputs"], str) else case["inputs"]
        for path in [case["expected"], *(f"data/{table}" for table in inputs)]:
            assert (oracles / "composite" / path).is_file(), f"{name}: {path}"
