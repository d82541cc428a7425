"""Write a report to disk, and recognise one that needs no writing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from diagnosis.errors import unknown_name
from diagnosis.provenance import file_digest, write_atomically
from diagnosis.report.compose import compose
from diagnosis.report.html import render_html
from diagnosis.report.package import write_package
from diagnosis.report.pdf import render_pdf
from diagnosis.report.sections.summary import headline
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

FORMATS = ("html", "pdf", "data")
MANIFEST = "manifest.json"


def write_report(
    result: Diagnosis, folder: str | Path, formats: Sequence[str] = FORMATS, language: str = "it"
) -> Path:
    """Write the report of a diagnosis.

    Parameters
    ----------
    result : Diagnosis
        What was found.
    folder : path
        Gets ``index.html``, ``report.pdf``, ``data/`` and ``manifest.json``; made if need be.
    formats : sequence of str
        Of :data:`FORMATS`.
    language : {"it", "en"}

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        The language or a format is not known.
    """
    for name in formats:
        if name not in FORMATS:
            raise unknown_name("The format", name, FORMATS)
    folder = Path(folder)
    words = Words(language)
    if {"html", "pdf"} & set(formats):
        document = compose(result, language)
        if "html" in formats:
            write_atomically(folder / "index.html", render_html(document))
        if "pdf" in formats:
            write_atomically(folder / "report.pdf", render_pdf(document))
    if "data" in formats:
        write_package(result, folder, words)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    content = {
        **result.manifest.model_dump(mode="json"),
        "language": language,
        "name": result.city.name.model_dump(),
        "headline": {card.id: card.number for card in headline(result, words)},
        "failed": dict(result.failed),
        "outputs": {path.relative_to(folder).as_posix(): file_digest(path) for path in files},
    }
    write_atomically(folder / MANIFEST, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    return folder


def outputs_of(folder: Path, key: str, formats: Sequence[str]) -> tuple[str, ...]:
    """Return the files of a finished report made from the same inputs, or nothing.

    Parameters
    ----------
    folder : Path
        Folder of the report.
    key : str
        Digest of code, data, configuration, edition and language: :func:`diagnosis.studies.city.run_key`.
    formats : sequence of str
        What the report must hold.

    Returns
    -------
    tuple of str
        Relative names; empty if the report is absent, of other inputs, partial, incomplete or changed by hand.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        outputs = dict(manifest["outputs"])
        same = manifest["settings_digest"] == key and not manifest["failed"]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    needed = {"html": "index.html", "pdf": "report.pdf", "data": "data/indicators.csv"}
    if not same or any(needed[name] not in outputs for name in formats):
        return ()
    for name, digest in outputs.items():
        path = folder / name
        if not path.is_file() or file_digest(path) != digest:
            return ()
    return (*outputs, MANIFEST)
