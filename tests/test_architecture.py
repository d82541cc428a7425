"""The layers of docs/architecture.md, and what no module of the library does."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import diagnosis

PACKAGE = Path(diagnosis.__file__).resolve().parent
PURE = {"areas", "composite", "indicators", "networks"}
"""Tables and numbers in, tables out."""
HEAVY = {
    "geopandas",
    "libpysal",
    "matplotlib",
    "networkx",
    "papermill",
    "pyarrow",
    "scipy",
    "shapely",
    "sklearn",
}
MOST_LINES = 400
FORBIDDEN = re.compile(
    r"(^|\.)(sys\.exit|os\._exit|os\.environ|os\.getenv|os\.getcwd|os\.chdir|Path\.cwd"
    r"|(datetime|date)\.(now|today|utcnow)|time\.(time|localtime|gmtime))$"
)
FORBIDDEN_CALLS = {"print", "exit", "quit", "input", "breakpoint"}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


class Imports(ast.NodeVisitor):
    """The modules a source imports, anywhere but for type checking; `own` are those of the package."""

    def __init__(self) -> None:
        self.own: set[str] = set()
        self.others: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for other in node.orelse:
                self.visit(other)
        else:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        assert node.level == 0, f"line {node.lineno}: relative import"
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            self._add(full if full in MODULES else node.module)

    def _add(self, name: str) -> None:
        (self.own if name.partition(".")[0] == "diagnosis" else self.others).add(name)


def imports_of(source: str) -> Imports:
    found = Imports()
    found.visit(ast.parse(source))
    return found


def unit(module: str) -> str:
    """Name of a module or subpackage as the layers call it."""
    return module.removeprefix("diagnosis").removeprefix(".").partition(".")[0]


@pytest.fixture(scope="module")
def layers(project):
    """Line of each module in the block of the document, counted from below."""
    text = (project / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = text.split("```")[1].strip().splitlines()
    return {name: line for line, names in enumerate(reversed(block)) for name in names.split()}


@pytest.fixture(scope="module")
def outer(layers):
    """The modules that may talk to the terminal."""
    top = max(layers.values())
    return {name for name, line in layers.items() if line >= top - 1}


def forbidden_uses(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            found.append(f"line {node.lineno}: {node.func.id}()")
        elif isinstance(node, ast.Attribute) and FORBIDDEN.search(name := ast.unparse(node)):
            found.append(f"line {node.lineno}: {name}")
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [f"line {node.lineno}: {name}" for name in names if FORBIDDEN.search(name)]
    return found


def test_every_module_has_one_line_in_the_document(layers, project):
    there = {unit(name) for name in MODULES} - {""}
    assert there == set(layers), "add it to, or take it from, the block of docs/architecture.md"
    block = (project / "docs" / "architecture.md").read_text(encoding="utf-8").split("```")[1].split()
    assert len(block) == len(set(block))


def test_imports_go_down_only(layers):
    upwards = []
    for module, path in MODULES.items():
        own = unit(module)
        if not own:
            continue
        for imported in imports_of(path.read_text(encoding="utf-8")).own:
            other = unit(imported)
            assert other, f"{module}: import the module, not the package"
            if layers[other] > layers[own]:
                upwards.append(f"{module} imports {imported}")
    assert not upwards


def test_no_circles():
    graph: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        imported = {unit(name) for name in imports_of(path.read_text(encoding="utf-8")).own}
        graph.setdefault(unit(module), set()).update(imported - {unit(module)})
    TopologicalSorter(graph).prepare()  # raises on a circle, and names it


def test_pure_packages_know_no_files_cities_or_configuration():
    allowed = PURE | {"errors", "tables", "catalogue"}
    for module, path in MODULES.items():
        if unit(module) in PURE:
            found = imports_of(path.read_text(encoding="utf-8"))
            assert {unit(name) for name in found.own} <= allowed, module
            files = {"pathlib", "os", "io", "shutil", "tempfile", "json", "yaml", "requests"}
            assert not {name.split(".")[0] for name in found.others} & files, module


def test_type_checking_imports_do_not_count_and_those_of_functions_do():
    found = imports_of(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from diagnosis.batch import Run\n"
        "def load():\n    from diagnosis.report import pdf\n    import diagnosis.codes\n"
    )
    assert found.own == {"diagnosis.report.pdf", "diagnosis.codes"}


def test_modules_are_short():
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    long = {module: number for module, number in lines.items() if number > MOST_LINES}
    assert not long, "split them along a noun"


def test_the_library_does_not_talk_or_look_around(outer):
    found = {
        module: forbidden_uses(path.read_text(encoding="utf-8"))
        for module, path in MODULES.items()
        if unit(module) not in outer
    }
    assert not {module: uses for module, uses in found.items() if uses}


@pytest.mark.parametrize(
    "source",
    [
        "print(1)",
        "import sys\nsys.exit(2)",
        "from sys import exit",
        "import os\nfolder = os.environ['HOME']",
        "from os import getcwd",
        "import datetime\nnow = datetime.datetime.now()",
        "from datetime import date\nday = date.today()",
        "from pathlib import Path\nhere = Path.cwd()",
        "import pathlib\nhere = pathlib.Path.cwd()",
    ],
)
def test_forbidden_uses_are_seen(source):
    assert forbidden_uses(source)


def test_heavy_libraries_are_imported_by_functions():
    for module, path in MODULES.items():
        if module == "diagnosis.preload":  # warms a kernel: that is what it is for
            continue
        statements = [
            node for node in ast.parse(path.read_text(encoding="utf-8")).body if not isinstance(node, ast.If)
        ]
        names = set()
        for node in statements:
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module.split(".")[0])
        assert not names & HEAVY, module


@pytest.mark.parametrize(
    ("modules", "light"),
    [
        ("diagnosis", {"pandas", "numpy", "pyarrow", "pydantic", "yaml", "rich", "click"}),
        ("diagnosis.cli", {"pandas", "numpy", "pyarrow", "rich", "requests"}),
        ("diagnosis.studies.city, diagnosis.batch", set()),
    ],
)
def test_importing_costs_little(modules, light):
    code = f"import {modules}, sys; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = HEAVY - {"pyarrow"} | light  # pandas loads pyarrow by itself
    assert not set(answer.stdout.split()) & heavy


def test_every_public_name_resolves():
    assert len(diagnosis.__all__) == len(set(diagnosis.__all__))
    for name in diagnosis.__all__:
        assert getattr(diagnosis, name) is not None
        assert name in dir(diagnosis)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = diagnosis.nothing


def test_no_module_hides_a_public_name():
    """Importing a module sets it as an attribute of the package: it must not be called like a public function."""
    modules = {path.stem for path in (PACKAGE).glob("*.py")} | {
        path.parent.name for path in PACKAGE.glob("*/__init__.py")
    }
    assert not modules & set(diagnosis.__all__)
