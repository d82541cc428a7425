"""The page that leads to the reports of all cities of an edition."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diagnosis.config import load_city
from diagnosis.errors import DiagnosisError
from diagnosis.provenance import write_atomically
from diagnosis.report.html import environment, read_style
from diagnosis.report.words import Words

COLUMNS = ("city_residents", "residents", "old", "in", "area", "inner")
FILES = {
    "file_html": "index.html",
    "file_pdf": "report.pdf",
    "file_notebook": "diagnosis.ipynb",
    "file_data": "data/README.md",
    "file_manifest": "manifest.json",
}


def write_index(folder: Path, edition: str, language: str, cities: Sequence[Mapping[str, Any]]) -> None:
    """Write ``index.html`` of an edition.

    Parameters
    ----------
    folder : Path
        Folder of the edition.
    edition, language : str
    cities : sequence of mappings
        ``city``, ``status``, ``seconds``, ``outputs``, ``error`` of each, as in ``run.json``.
    """
    words = Words(language)
    headlines = {city["city"]: _headline(folder / city["city"]) for city in cities}
    columns = {
        name: found[name]["label"] for name in COLUMNS for found in headlines.values() if name in found
    }
    rows = [
        {
            **city,
            "figures": [headlines[city["city"]].get(name, {}).get("value", "") for name in columns],
            "name": _name(city["city"], language),
            "seconds": words.number(city["seconds"], 1),
            "files": [
                {"label": words(label), "address": f"{city['city']}/{file}"}
                for label, file in FILES.items()
                if f"{city['city']}/{file}" in city["outputs"]
            ],
        }
        for city in cities
    ]
    page = (
        environment(language)
        .get_template("index.html.j2")
        .render(rows=rows, columns=list(columns.values()), edition=edition, w=words, style=read_style())
    )
    write_atomically(folder / "index.html", page)


def _headline(folder: Path) -> dict[str, dict[str, str]]:
    """Headline figures of a finished report; none where it failed."""
    try:
        return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["headline"]
    except (OSError, ValueError, KeyError):
        return {}


def _name(city: str, language: str) -> str:
    try:
        return load_city(city).name[language]
    except DiagnosisError:
        return city
