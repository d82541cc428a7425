"""The report as one HTML file that needs nothing else: no script, no font, no address outside itself."""

from __future__ import annotations

import base64
import html
from functools import cache
from pathlib import Path

import pandas as pd

from diagnosis.report.document import Document, Drawing
from diagnosis.report.words import Words

FOLDER = Path(__file__).parent / "templates"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


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


def to_csv(table: pd.DataFrame) -> str:
    """Write a table as CSV in which no cell starts a formula when a spreadsheet opens it."""
    return defuse(table).to_csv(index=not isinstance(table.index, pd.RangeIndex))


def defuse(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before texts that a spreadsheet would take for a formula; numbers stay as they are."""

    def safe(value: object) -> object:
        return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value

    texts = table.select_dtypes(exclude="number").columns
    table = table.assign(**{name: table[name].astype(object).map(safe) for name in texts})
    if not isinstance(table.index, pd.MultiIndex) and not pd.api.types.is_numeric_dtype(table.index):
        table = table.set_axis(table.index.map(safe))
    return table


def figure_table(table: pd.DataFrame, words: Words) -> str:
    """Render the table behind a figure as HTML, numbers in the manner of the language."""
    frame = table if isinstance(table.index, pd.RangeIndex) else table.reset_index()
    head = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in frame.columns)
    rows = "".join(
        "<tr>" + "".join(_cell(value, words) for value in row) + "</tr>"
        for row in frame.itertuples(index=False)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(value: object, words: Words) -> str:
    if isinstance(value, str):
        return f"<td>{html.escape(value)}</td>"
    if pd.isna(value):
        return f'<td class="r">{words.number(None)}</td>'
    if isinstance(value, bool):
        return f"<td>{value}</td>"
    decimals = 0 if float(value) == int(value) else 2
    return f'<td class="r">{words.number(value, decimals)}</td>'


def figures_of(document: Document) -> list[Drawing]:
    """All drawings of a document in order."""
    found: list[Drawing] = []
    for section in document.sections:
        for block in section.blocks:
            if block.kind == "figure":
                found.append(block)
            elif block.kind == "pair":
                found += [side for side in (block.left, block.right) if side.kind == "figure"]
            elif block.kind == "lead":
                found.append(block.drawing)
    return found
