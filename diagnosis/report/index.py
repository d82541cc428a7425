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
    columns = [name for name in COLUMNS if any(name in item["headline"] for item in found.values())]
    rows = []
    for city in cities:
        item = found[city["city"]]
        headline = {name: words.measure(*number) for name, number in item["headline"].items()}
        incomplete = item["failed"] and city["status"] == "cached"
        rows.append(
            {
                **city,
                "status": "partial" if incomplete else city["status"],
                "figures": [headline.get(name, "") for name in columns],
                "name": item["name"].get(language) or _name(city["city"], language),
                "note": words("index_modelled") if item["modelled"] else "",
                "files": [
                    {"label": words(label), "address": f"{city['city']}/{file}"}
                    for label, file in FILES.items()
                    if f"{city['city']}/{file}" in city["outputs"]
                ],
            }
        )
    page = (
        environment(language)
        .get_template("index.html.j2")
        .render(
            rows=rows,
            columns=[words(f"card_{name}") for name in columns],
            edition=edition,
            w=words,
            style=read_style(),
        )
    )
    write_atomically(folder / "index.html", page)


def _read_manifest(folder: Path) -> dict[str, Any]:
    """Read what the index shows of a finished report; nothing where its manifest cannot be read."""
    try:
        content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return {
            "name": dict(content["name"]),
            "headline": {
                str(name): (float(value), int(decimals), str(unit))
                for name, (value, decimals, unit) in content["headline"].items()
            },
            "failed": bool(content["failed"]),
            "modelled": content["flows_kind"] == "modelled",
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {"name": {}, "headline": {}, "failed": False, "modelled": False}


def _name(city: str, language: str) -> str:
    try:
        return load_city(city).name[language]
    except DiagnosisError:
        return city
