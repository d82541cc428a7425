"""The report as PDF/UA-1, set by Typst from the same document as the HTML."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from diagnosis.errors import InputError
from diagnosis.report.document import Block, Document, Drawing, Lead, Pair
from diagnosis.report.words import Words

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
STANDARD: Literal["ua-1"] = "ua-1"
VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
PAGE_BREAKS = ("territory",)
NO_GLYPH = re.compile(r'the text `?"(.+?)"`? could not be displayed', re.DOTALL)
UNPRINTABLE = "?"
"""Stands in the PDF for a character that none of its fonts has: an emoji, a Chinese sign."""
MOST_UNPRINTABLE = 50
"""Chapters that begin a page: the first page is the score card alone."""


def render_pdf(document: Document, author: str = "diagnosis") -> bytes:
    """Render a document.

    Parameters
    ----------
    document : Document
        The report in one language.
    author : str
        Written into the properties of the file.

    Returns
    -------
    bytes
        A PDF that follows PDF/UA-1: a figure without a text alternative is an error here, not in the file.

    Raises
    ------
    diagnosis.errors.InputError
        Typst refuses the document.
    """
    import typst

    with tempfile.TemporaryDirectory(prefix="report-") as name:
        folder = Path(name)
        text = json.dumps(_content(document, author, folder), ensure_ascii=False)
        source = folder / "report.typ"
        source.write_bytes(TEMPLATE.read_bytes())
        for _ in range(MOST_UNPRINTABLE):
            (folder / "data.json").write_text(text, encoding="utf-8")
            try:
                return typst.compile(
                    str(source),
                    format="pdf",
                    pdf_standards=STANDARD,
                    root=str(folder),
                    ignore_system_fonts=True,
                )
            except RuntimeError as error:
                fault, shorter = str(error), _without_unprintable(text, str(error))
            if shorter == text:
                break
            text = shorter
        raise InputError("The report must be one Typst can set", fault)


def _without_unprintable(text: str, fault: str) -> str:
    """Replace the characters Typst complains of, and all beyond the basic plane with them, which are of their kind."""
    found = NO_GLYPH.search(fault)
    if found is None:
        return text
    lacking = set(found[1]) | {character for character in text if ord(character) > 0xFFFF}
    return text.translate(dict.fromkeys(map(ord, lacking - set('"\\{}[],:')), UNPRINTABLE))


def _content(document: Document, author: str, folder: Path) -> dict[str, Any]:
    words = Words(document.language)
    return {
        "title": document.title,
        "subtitle": document.subtitle,
        "language": document.language,
        "author": author,
        "keywords": document.keywords,
        "edition": words("edition", edition=document.edition),
        "date": document.date,
        "words": {name: words(name) for name in ("report", "page", "of", "compiled")},
        "notices": [_block(notice, folder) for notice in document.notices],
        "sections": [
            {
                "title": section.title,
                "level": section.level,
                "break": section.id in PAGE_BREAKS and len(section.blocks) > 1,
                "blocks": [_block(block, folder) for block in section.blocks],
            }
            for section in document.sections
        ],
    }


def _block(block: Block, folder: Path) -> dict[str, Any]:
    if isinstance(block, Drawing):
        return _drawing(block, folder)
    if isinstance(block, Lead):
        return {"kind": "lead", "text": block.text, "drawing": _drawing(block.drawing, folder)}
    if isinstance(block, Pair):
        return {"kind": "pair", "left": _block(block.left, folder), "right": _block(block.right, folder)}
    return asdict(block)


def _drawing(block: Drawing, folder: Path) -> dict[str, Any]:
    figure = block.figure
    file = f"{figure.id}.svg"
    (folder / file).write_text(figure.svg, encoding="utf-8")
    return {
        "kind": "figure",
        "file": file,
        "title": figure.title,
        "alt": figure.alt,
        "caption": figure.caption,
        "wide": block.wide,
        "ratio": _ratio(figure.svg),
    }


def _ratio(svg: str) -> float:
    """Height over width of a drawing."""
    found = VIEW_BOX.search(svg)
    return float(found[2]) / float(found[1]) if found else 1.0
