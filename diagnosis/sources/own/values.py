"""Numbers as people write them: decimal comma or point, separators of thousands, signs of percent and currency.

How a number is written is decided for a whole column, by its own cells. ``1.234`` alone may be either of two numbers
a thousandfold apart: unless another cell of the column or the city's YAML decides, it is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

COMMA, POINT, EITHER, PLAIN = "comma", "point", "either", "plain"
STYLES = (
    # pattern of the digits, what it says of the decimal sign
    (r"[0-9]+", PLAIN),
    (r"[1-9][0-9]{0,2}\.[0-9]{3}", EITHER),
    (r"[1-9][0-9]{0,2},[0-9]{3}", EITHER),
    (r"[0-9]{1,3}(\.[0-9]{3}){2,}", COMMA),
    (r"[0-9]{1,3}(,[0-9]{3}){2,}", POINT),
    (r"[0-9]{1,3}(\.[0-9]{3})+,[0-9]+", COMMA),
    (r"[0-9]{1,3}(,[0-9]{3})+\.[0-9]+", POINT),
    (r"[0-9]*,[0-9]+([eE][+-]?[0-9]{1,2})?", COMMA),
    (r"[0-9]*\.[0-9]+([eE][+-]?[0-9]{1,2})?", POINT),
    (r"[0-9]+[eE][+-]?[0-9]{1,2}", PLAIN),
)
PATTERNS = tuple((re.compile(pattern), style) for pattern, style in STYLES)
GROUPED = re.compile(r"[0-9]{1,3}([ ' \u00a0\u202f\u2009’][0-9]{3})+(?=[.,]|$)")
AFFIXES = re.compile(r"^(€|eur|euro)\s*|\s*(€|eur|euro|%|‰)$", re.IGNORECASE)
MISSING = frozenset(
    ("", "-", "–", "—", "--", ".", "..", "...", "....", ":", "n.d.", "n.d", "nd", "n/d", "n.a.", "n/a", "na", "#n/d",
     "#n/a", "null", "none", "nan", "n.p.", "np", "n.r.", "*", "**", "(*)", "non disponibile", "non rilevato",
     "dato mancante", "mancante", "missing")
)  # fmt: skip
CELL_ERRORS = (
    "#DIV/0!",
    "#RIF!",
    "#REF!",
    "#VALORE!",
    "#VALUE!",
    "#NOME?",
    "#NAME?",
    "#NUM!",
    "#NULLO!",
    "#NULL!",
)
LONGEST_ATTEMPT = 15
LARGEST_NUMBER = 1e15
"""Whole numbers are exact up to there, and no sum or square of what is smaller grows beyond all bounds."""
FORMULA = re.compile(r"^[=@]|^[+-][A-Za-z(]")
YEAR = re.compile(r"(?:19|20)[0-9]{2}(?:\s*[/-]\s*[0-9]{2,4})?")
DATE_WITHIN = re.compile(r"(?<![0-9])[0-9]{1,2}[/.-][0-9]{1,2}[/.-]((?:19|20)[0-9]{2})(?![0-9])")
YEAR_WITHIN = re.compile(r"(?<![0-9.,/-])((?:19|20)[0-9]{2}(?:[/-][0-9]{2}(?:[0-9]{2})?)?)(?![0-9.,/-])")


@dataclass(eq=False)
class Numbers:
    """The numbers of one column.

    Attributes
    ----------
    values : ndarray of float
        Missing where a cell is, or is no number.
    signed : ndarray of bool
        Whether the cell has a sign of percent.
    stored : ndarray of bool
        Whether the cell was stored as a number, not as text.
    faults : list of (int, str, dict)
        Position, kind of problem, what fills its text.
    missing : Counter
        Marks of missing values and how often they occur; ``""`` for blank cells.
    decimal : str or None
        Decimal sign that the cells themselves prove.
    evidence : tuple of (int, int, str) or None
        Position of an ambiguous cell, of the one that decided, and the decimal sign: only where that was needed.
    """

    values: np.ndarray
    signed: np.ndarray
    stored: np.ndarray
    faults: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    decimal: str | None = None
    evidence: tuple[int, int, str] | None = None


def is_missing(cell: object, further: Iterable[str] = ()) -> bool:
    """Whether a cell is blank or holds a mark of a missing value."""
    text = str(cell).strip().casefold()
    return text in MISSING or text in {mark.strip().casefold() for mark in further}


def is_numeric(cell: object) -> bool:
    """Whether a cell looks like a number, whatever its decimal sign."""
    if isinstance(cell, int | float):
        return True
    return isinstance(cell, str) and style_of(_digits(cell)[0])[1] is not None


def is_meant_as_number(cell: object) -> bool:
    """Whether a cell is a number or a failed attempt at one: a formula, an error, a short text with digits."""
    if is_numeric(cell) or isinstance(cell, date):
        return True
    text = str(cell).strip()
    return _fault(text) != "not_a_number" or (len(text) <= LONGEST_ATTEMPT and bool(re.search("[0-9]", text)))


def read_numbers(cells: pd.Series, decimal: str | None = None, further: Iterable[str] = ()) -> Numbers:
    """Read the cells of one column as numbers.

    Parameters
    ----------
    cells : Series of object
        Text, numbers or dates.
    decimal : {"comma", "point"}, optional
        Decimal sign, where the city's YAML says it.
    further : iterable of str
        Further marks of a missing value.

    Returns
    -------
    Numbers
    """
    further = tuple(further)
    nothing = np.zeros(len(cells), dtype=bool)
    result = Numbers(np.full(len(cells), np.nan), nothing, nothing.copy())
    written: dict[str, list[int]] = {COMMA: [], POINT: [], EITHER: [], PLAIN: []}
    texts: dict[int, tuple[str, int]] = {}
    for i, cell in enumerate(cells):
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            if abs(cell) > LARGEST_NUMBER:
                result.faults.append((i, "huge_number", {}))
            else:
                result.values[i], result.stored[i] = cell, True
        elif isinstance(cell, date):
            result.faults.append((i, "date_for_number", {}))
        elif is_missing(cell, further):
            result.missing[str(cell).strip()] += 1
        else:
            digits, sign, percent = _digits(str(cell))
            digits, style = style_of(digits)
            if style is None:
                result.faults.append((i, _fault(str(cell)), {}))
                continue
            written[style].append(i)
            texts[i] = digits, sign
            result.signed[i] = percent
    chosen = decimal or _decide(written, texts, result)
    if chosen is None and written[EITHER]:
        result.faults += [(i, "ambiguous_number", {}) for i in written[EITHER]]
        texts = {i: text for i, text in texts.items() if i not in set(written[EITHER])}
    other = {COMMA: POINT, POINT: COMMA}.get(chosen or "")
    for i in written[other] if other else ():
        result.faults.append((i, "mixed_format", {"style": "1.234,5" if chosen == COMMA else "1,234.5"}))
        texts.pop(i)
    for i, (digits, sign) in texts.items():
        plain = digits.replace(".", "").replace(",", ".") if chosen == COMMA else digits.replace(",", "")
        number = float(plain)
        if number > LARGEST_NUMBER:
            result.faults.append((i, "huge_number", {}))
        else:
            result.values[i] = sign * number
    result.faults.sort(key=lambda fault: fault[0])
    return result


def _decide(written: dict[str, list[int]], texts: dict[int, tuple[str, int]], result: Numbers) -> str | None:
    """Choose the decimal sign that the cells prove; of two, the one that more cells have."""
    comma, point = written[COMMA], written[POINT]
    if not comma and not point:
        signs = {re.sub("[0-9]", "", texts[i][0]) for i in written[EITHER]}
        # 1.234 beside 1,234: each way of reading makes one of them thousands, so nothing is proved
        return None if signs else COMMA
    chosen = COMMA if len(comma) >= len(point) else POINT
    if comma and point:
        result.faults += [(i, "ambiguous_number", {}) for i in written[EITHER]]
        for i in written[EITHER]:
            texts.pop(i)
        return chosen
    result.decimal = chosen
    if written[EITHER]:
        result.evidence = written[EITHER][0], (comma if chosen == COMMA else point)[0], chosen
    return chosen


def style_of(digits: str) -> tuple[str, str | None]:
    """Return digits without blanks between thousands, and what they say of the decimal sign; None: no number."""
    if GROUPED.match(digits):
        digits = re.sub(r"[ '\u00a0\u202f\u2009’]", "", digits)
        if re.fullmatch(r"[0-9]+[.,][0-9]+", digits):
            return digits, COMMA if "," in digits else POINT
    return digits, next((style for pattern, style in PATTERNS if pattern.fullmatch(digits)), None)


def _digits(cell: str) -> tuple[str, int, bool]:
    """Split a cell into digits, sign of the number, and whether it has a sign of percent."""
    text = AFFIXES.sub("", cell.strip()).strip()
    sign = 1
    if text[:1] in ("+", "-", "−", "–"):
        sign, text = (1 if text[0] == "+" else -1), text[1:].strip()
    return AFFIXES.sub("", text).strip(), sign, cell.rstrip().endswith("%")


def _fault(cell: str) -> str:
    if cell.strip().upper() in CELL_ERRORS:
        return "cell_error"
    return "formula_text" if FORMULA.match(cell.strip()) else "not_a_number"


def read_year(cell: object) -> str | None:
    """Read a cell as a year, or two such as ``2022/23``; None if it is none."""
    if isinstance(cell, date):
        return str(cell.year)
    text = re.sub(r"\.0+$", "", str(cell).strip())
    return re.sub(r"\s*[/-]\s*", "/", text) if YEAR.fullmatch(text) else None


def year_in(text: str) -> str | None:
    """Return the one year that a heading or title names, also within a date; None if it names none or several."""
    found = set(DATE_WITHIN.findall(text))
    found |= {hit.replace("-", "/") for hit in YEAR_WITHIN.findall(DATE_WITHIN.sub(" ", text))}
    return found.pop() if len(found) == 1 else None


def without_year(heading: str) -> str:
    """Return a heading without its year or date and the signs and words around it."""
    bare = YEAR_WITHIN.sub("", DATE_WITHIN.sub("", heading))
    bare = re.sub(r"\(\s*\)|\[\s*\]", "", bare).strip(" -–—_,;:/")
    bare = re.sub(r"\b(anno|year|al 31/12|al|nel|in)\s*$", "", bare, flags=re.IGNORECASE)
    return re.sub(r"\s{2,}", " ", bare).strip(" -–—_,;:/")
