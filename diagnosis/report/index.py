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
    found = {city["city"]: _read_manifest(folder / city["city"]) for city in cities}
    headlines = {name: item["cards"] for name, item in found.items()}
    columns = {
        name: cards[name]["label"] for name in COLUMNS for cards in headlines.values() if name in cards
    }
    rows = [
        {
            **city,
            "figures": [headlines[city["city"]].get(name, {}).get("value", "") for name in columns],
            "name": found[city["city"]]["name"] or _name(city["city"], language),
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


def _read_manifest(folder: Path) -> dict[str, Any]:
    """Name and headline figures of a finished report; neither where it cannot be read."""
    try:
        content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        cards = {
            name: {"label": str(card["label"]), "value": str(card["value"])}
            for name, card in content["headline"].items()
        }
        return {"name": str(content.get("name", "")), "cards": cards}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {"name": "", "cards": {}}


def _name(city: str, language: str) -> str:
    try:
        return load_city(city).name[language]
    except DiagnosisError:
        return city
