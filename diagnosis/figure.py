"""The figure of a report: drawing, words around it, text alternative and the table behind it.

Also what every figure shares: number formats and the few words drawn inside figures, in each language.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, unknown_name

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")

WORDS: dict[str, dict[str, str]] = {
    "it": {
        "missing": "n.d.",
        "no_data": "dato non disponibile",
        "decimal": ",",
        "group": ".",
        "percent": "\u00a0%",
        "source": "Fonte: {}",
        "below": "meno di {}",
        "from_to": "{} – {}",
        "from_to_signed": "da {} a {}",
        "above": "{} o più",
        "municipality": "comune",
        "municipalities": "comuni",
        "nothing": "Nessun dato disponibile: {title} ({count}).",
        "nothing_short": "Nessun dato disponibile",
        "map": "Mappa: {title}. {count}.",
        "range": "Valore minimo {low} ({low_name}), mediana {median}, massimo {high} ({high_name}).",
        "constant": "Stesso valore ovunque: {value}.",
        "without": "Senza dato: {count}.",
        "without_polygon": "Non disegnati, senza confine: {}.",
        "insets": "Nei riquadri, in scala propria: {}.",
        "part": "{} (parte)",
        "same_as": "{name}: {value}.",
        "areas": "{areas} ambiti.",
        "area_of": "L'ambito di {city} comprende {count}: {names}.",
        "other_areas": "altri ambiti",
        "city_area": "ambito di {}",
        "and_others": " e altri {}",
        "flows": "{count} flussi più intensi fra comuni diversi; il maggiore va da {origin} a {destination}: "
        "{value} pendolari.",
        "flows_none": "Nessun flusso fra comuni diversi.",
        "flows_left_out": "Non disegnati i flussi da e verso i comuni nei riquadri.",
        "flow_title": "Flussi di pendolari",
        "commuters": "Numero di pendolari",
        "taper": "la linea si assottiglia verso la destinazione",
        "flow_in": "verso {}",
        "flow_out": "da {}",
        "flow_other": "altri flussi",
        "jobs": "Posti di lavoro",
        "locator": "Cartina di posizione: {title}.",
        "men": "Uomini",
        "women": "Donne",
        "age": "Età",
        "and_over": "{} e più",
        "share": "% della popolazione",
        "pyramid": "Piramide delle età: {title}. Fino a 14 anni {young}, da 65 anni in su {old}{city}; "
        "{reference}: {young_reference} e {old_reference}.",
        "pyramid_alone": "Piramide delle età: {title}. Fino a 14 anni {young}, da 65 anni in su {old}{city}.",
        "chart": "Grafico: {title}.",
        "profile_above": "Sopra il riferimento: {}.",
        "profile_below": "Sotto il riferimento: {}.",
        "none": "nessuno",
        "ten_ninety": "intervallo 10°–90° percentile",
        "min_max": "minimo–massimo",
        "rank": "{rank}ª su {count}",
        "worse": "peggiore",
        "better": "migliore",
        "lower": "più basso",
        "higher": "più alto",
        "median": "mediana",
        "others": "altri capoluoghi",
        "trend": "{name}: da {first} ({first_year}) a {last} ({last_year}).",
        "reference": "riferimento",
        "interval": "intervallo",
        "brackets": "Fra parentesi: {}.",
        "profile_spans": "L'intervallo comprende il riferimento: {}.",
        "position": "posizione",
        "score": "punteggio",
        "of": "{rank} su {count}",
        "ends": "{count} righe; la prima è {first}, l'ultima {last}.",
        "overlapping": "Intervalli che si sovrappongono a quello di {name}: {count} su {others}.",
        "influence": "influenza",
        "weight": "peso",
        "more": "influenza maggiore del peso",
        "less": "influenza minore del peso",
        "doubtful": "classe incerta",
        "counted": "{what}: {count}{names}.",
    },
    "en": {
        "missing": "n/a",
        "no_data": "no data",
        "decimal": ".",
        "group": ",",
        "percent": "%",
        "source": "Source: {}",
        "below": "less than {}",
        "from_to": "{} – {}",
        "from_to_signed": "{} to {}",
        "above": "{} or more",
        "municipality": "municipality",
        "municipalities": "municipalities",
        "nothing": "No data available: {title} ({count}).",
        "nothing_short": "No data available",
        "map": "Map: {title}. {count}.",
        "range": "Lowest value {low} ({low_name}), median {median}, highest {high} ({high_name}).",
        "constant": "The same value everywhere: {value}.",
        "without": "Without data: {count}.",
        "without_polygon": "Not drawn, without a boundary: {}.",
        "insets": "In boxes, at their own scale: {}.",
        "part": "{} (part)",
        "same_as": "{name}: {value}.",
        "areas": "{areas} areas.",
        "area_of": "The area of {city} comprises {count}: {names}.",
        "other_areas": "other areas",
        "city_area": "area of {}",
        "and_others": " and {} more",
        "flows": "The {count} strongest flows between different municipalities; the largest runs from "
        "{origin} to {destination}: {value} commuters.",
        "flows_none": "No flow between different municipalities.",
        "flows_left_out": "Flows to and from the municipalities in boxes are not drawn.",
        "flow_title": "Commuter flows",
        "commuters": "Number of commuters",
        "taper": "lines taper towards the destination",
        "flow_in": "to {}",
        "flow_out": "from {}",
        "flow_other": "other flows",
        "jobs": "Jobs",
        "locator": "Locator map: {title}.",
        "men": "Men",
        "women": "Women",
        "age": "Age",
        "and_over": "{} and over",
        "share": "% of the population",
        "pyramid": "Age pyramid: {title}. Aged up to 14 {young}, aged 65 and over {old}{city}; "
        "{reference}: {young_reference} and {old_reference}.",
        "pyramid_alone": "Age pyramid: {title}. Aged up to 14 {young}, aged 65 and over {old}{city}.",
        "chart": "Chart: {title}.",
        "profile_above": "Above the reference: {}.",
        "profile_below": "Below the reference: {}.",
        "none": "none",
        "ten_ninety": "10th–90th percentile range",
        "min_max": "minimum–maximum",
        "rank": "rank {rank} of {count}",
        "worse": "worse",
        "better": "better",
        "lower": "lower",
        "higher": "higher",
        "median": "median",
        "others": "other capitals",
        "trend": "{name}: from {first} ({first_year}) to {last} ({last_year}).",
        "reference": "reference",
        "interval": "interval",
        "brackets": "In brackets: {}.",
        "profile_spans": "The interval contains the reference: {}.",
        "position": "rank",
        "score": "score",
        "of": "{rank} of {count}",
        "ends": "{count} rows; the first is {first}, the last {last}.",
        "overlapping": "Intervals that overlap with that of {name}: {count} of {others}.",
        "influence": "influence",
        "weight": "weight",
        "more": "more influence than weight",
        "less": "less influence than weight",
        "doubtful": "class in doubt",
        "counted": "{what}: {count}{names}.",
    },
}
"""The words of figures, by language; titles, legends and sources come from the caller."""


def find_words(language: str) -> Mapping[str, str]:
    """Words of one language; an unknown language is an UnknownNameError."""
    if language not in WORDS:
        raise unknown_name("language", language, WORDS)
    return WORDS[language]


def is_missing(value: object) -> bool:
    """Whether `value` is no finite number."""
    return value is None or value is pd.NA or not np.isfinite(float(value))  # type: ignore[arg-type]


def format_number(value: float | None, decimals: int, language: str) -> str:
    """Write a number as the language does.

    Parameters
    ----------
    value : float or None
        Number; None, NaN and infinite values count as missing.
    decimals : int
        Decimal places.
    language : {"it", "en"}
        ``1.234,5`` in Italian, ``1,234.5`` in English.

    Returns
    -------
    str
        With the minus sign (U+2212) for negatives, never a negative zero; ``n.d.`` or ``n/a`` if missing.
    """
    words = find_words(language)
    if is_missing(value):
        return words["missing"]
    text = f"{float(value):,.{decimals}f}"  # type: ignore[arg-type]
    negative = text.startswith("-") and any(digit in text for digit in "123456789")
    marks = str.maketrans({",": words["group"], ".": words["decimal"]})
    return ("−" if negative else "") + text.lstrip("-").translate(marks)


def format_value(value: float | None, decimals: int, language: str, unit: str = "") -> str:
    """Write a number with its unit; a missing one without.

    Parameters
    ----------
    value, decimals, language
        As in :func:`format_number`.
    unit : str, optional
        Unit; the percent sign follows the manner of the language.

    Returns
    -------
    str
    """
    text = format_number(value, decimals, language)
    if not unit or is_missing(value):
        return text
    return text + (find_words(language)["percent"] if unit == "%" else f" {unit}")


def format_interval(low: float | None, high: float | None, decimals: int, language: str) -> str:
    """Write an interval: ``35 – 52``, or ``da −2 a 3`` where a sign would be lost beside the dash.

    Parameters
    ----------
    low, high : float or None
        Ends; without one of them the interval is missing.
    decimals, language
        As in :func:`format_number`.

    Returns
    -------
    str
    """
    words = find_words(language)
    if is_missing(low) or is_missing(high):
        return words["missing"]
    ends = [format_number(end, decimals, language) for end in (low, high)]
    return words["from_to_signed" if any("−" in end for end in ends) else "from_to"].format(*ends)


def count_municipalities(number: int, language: str) -> str:
    """Write a number of municipalities: ``1 comune``, ``21 comuni``."""
    words = find_words(language)
    noun = words["municipality" if number == 1 else "municipalities"]
    return f"{format_number(number, 0, language)} {noun}"


def join_sentences(*sentences: str) -> str:
    """Join the sentences that are not empty, each closed by a full stop."""
    kept = [sentence.strip() for sentence in sentences if sentence and sentence.strip()]
    return " ".join(text if text.endswith((".", "!", "?", ":")) else f"{text}." for text in kept)


def join_names(names: list[str], language: str, limit: int = 8) -> str:
    """Join at most `limit` names, followed by the number of the others."""
    if len(names) <= limit + 1:
        return ", ".join(names)
    return ", ".join(names[:limit]) + find_words(language)["and_others"].format(len(names) - limit)


def clean_text(text: object) -> str:
    """Text on one line, without the control characters that XML forbids."""
    return _CONTROL.sub(" ", str(text)).strip()


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure of a report with everything a reader needs around it.

    Attributes
    ----------
    id : str
        Unique in a report; begins every id inside the SVG.
    title : str
        Shown above the figure as text, not inside the SVG.
    caption : str
        Notes and the source line, shown below.
    alt : str
        Text alternative built from the data; also the description inside the SVG.
    svg : str
        The drawing: one ``<svg>`` element, text as paths, no prolog, no reference outside itself.
    table : pandas.DataFrame
        The numbers behind the drawing.
    source : str
        Publisher and data set, as the caller gave it.
    """

    id: str
    title: str
    caption: str
    alt: str
    svg: str
    table: pd.DataFrame
    source: str

    def _repr_html_(self) -> str:
        return (
            f'<figure id="{html.escape(self.id)}" style="max-width:45em;margin:0">'
            f"<figcaption><strong>{html.escape(self.title)}</strong></figcaption>{self.svg}"
            f"<p><small>{html.escape(self.caption)}</small></p></figure>"
        )


@dataclass(frozen=True)
class Heading:
    """What every figure takes besides its data.

    Attributes
    ----------
    figure_id : str
        Unique in a report: a letter followed by letters, digits, ``-`` or ``_``.
    title : str
    language : {"it", "en"}
    source : str
        Publisher and data set, for the last line of the caption.
    note : str
        First in the caption.
    """

    figure_id: str
    title: str
    language: str = "it"
    source: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        find_words(self.language)
        if not _IDENTIFIER.fullmatch(self.figure_id):
            raise InputError(
                "The id of a figure is a letter followed by letters, digits, '-' or '_'",
                f"{self.figure_id!r} was given",
            )

    @property
    def words(self) -> Mapping[str, str]:
        """Words of the language."""
        return WORDS[self.language]

    def write_caption(self, *notes: str) -> str:
        """Join the note, further notes and the source line."""
        source = self.words["source"].format(self.source) if self.source else ""
        return join_sentences(self.note, *notes, source)
