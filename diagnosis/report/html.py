"""The report as one HTML file that needs nothing else: no script, no font, no address outside itself."""

from __future__ import annotations

import base64
import html
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from diagnosis.csv_files import to_csv
from diagnosis.figure import is_missing
from diagnosis.report.document import Document, Drawing, Lead, Pair
from diagnosis.report.words import Words

FOLDER = Path(__file__).parent / "templates"
EMPTY = "–"


def render_html(document: Document) -> str:
    """Render a document.

    Parameters
    ----------
    document : Document
        The report in one language.

    Returns
    -------
    str
        A whole page; every text is escaped, figures are inline SVG with their table and a CSV behind them.
    """
    words = Words(document.language)
    return (
        environment(document.language)
        .get_template("report.html.j2")
        .render(document=document, w=words, style=read_style())
    )


def read_style() -> str:
    """Return the style sheet of the pages."""
    return (FOLDER / "style.css").read_text(encoding="utf-8")


@cache
def environment(language: str):
    """Return the jinja2 environment of the templates, with the words of a language."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    words = Words(language)
    environment.filters["csv_address"] = csv_address
    environment.filters["figure_table"] = lambda figure: figure_table(figure.table, words)
    return environment


def csv_address(drawing) -> str:
    """Return a figure's table as a data address: a download that works in a page sent by mail."""
    text = to_csv(drawing.table)
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(text.encode("utf-8-sig")).decode("ascii")


def figure_table(table: pd.DataFrame, words: Words) -> str:
    """Render the table behind a figure as HTML, numbers in the manner of the language."""
    frame = table if isinstance(table.index, pd.RangeIndex) else table.reset_index()
    head = "".join(f'<th scope="col">{html.escape(_header(name, words))}</th>' for name in frame.columns)
    names = [_field(name) for name in frame.columns]
    rows = "".join(
        "<tr>" + "".join(_cell(value, words, name) for value, name in zip(row, names, strict=True)) + "</tr>"
        for row in frame.itertuples(index=False)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _header(name: Any, words: Words) -> str:
    """Name of a column in the language, if it is one of the usual ones; a column under a group says both."""
    if isinstance(name, tuple):
        return ", ".join(_header(part, words) for part in name if part != "")
    return words(f"th_{name}") if words.has(f"th_{name}") else str(name)


def _field(name: Any) -> str:
    """Name a column as the data do; of one under no group, without the empty part."""
    return str(name[0] if isinstance(name, tuple) and not any(name[1:]) else name)


def _cell(value: Any, words: Words, field: str) -> str:
    """Write a value: years as they are, names of values (`part`, `cluster`) in the language."""
    if isinstance(value, str):
        key = {"part": f"part_{value}", "cluster": f"cluster_{value}"}.get(field, "")
        text = words(key) if words.has(key) else value
        return f"<td>{html.escape(text) or EMPTY}</td>"
    if field == "year" and not is_missing(value):
        return f'<td class="r">{int(value)}</td>'
    if isinstance(value, bool):
        return f"<td>{words('cli_yes') if value else words('cli_no')}</td>"
    if is_missing(value):
        return f'<td class="r">{words.number(None)}</td>'
    decimals = 0 if float(value) == int(value) else 2
    return f'<td class="r">{words.number(value, decimals)}</td>'


def figures_of(document: Document) -> list[Drawing]:
    """All drawings of a document in order."""
    found: list[Drawing] = []
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Drawing):
                found.append(block)
            elif isinstance(block, Pair):
                found += [side for side in (block.left, block.right) if isinstance(side, Drawing)]
            elif isinstance(block, Lead):
                found.append(block.drawing)
    return found
