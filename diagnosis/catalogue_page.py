"""The catalogue of indicators as a page for readers: ``docs/indicators.md``, in either language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import pandas as pd

from diagnosis.catalogue import LEVELS, Catalogue, Domain, Indicator, check_language
from diagnosis.schema import Text

_WORDS = {
    "title": Text(it="Indicatori", en="Indicators"),
    "origin": Text(
        it="Questa pagina è generata dai file di `diagnosis/catalogue_entries`.",
        en="This page is written from the files of `diagnosis/catalogue_entries`: change them, then run "
        "`diagnosis generate`.",
    ),
    "counts": Text(
        it="In tutto {indicators} indicatori ({municipality} comunali, {province} provinciali) per {concepts} concetti "
        "distinti: fasce di età, sessi e livelli di una stessa misura contano una volta sola. Riguardano {goals} "
        "obiettivi di sviluppo sostenibile. {waiting} altri attendono il loro file: sono elencati in fondo e non sono "
        "contati.",
        en="{indicators} indicators in all ({municipality} municipal, {province} provincial) of {concepts} distinct "
        "concepts: age bands, sexes and levels of one measure count once. They touch {goals} Sustainable Development "
        "Goals. {waiting} others wait for their file: they are listed at the end and not counted.",
    ),
    "coverage_text": Text(
        it="Copertura: quota dei comuni (o delle province, nell'anno di riferimento) che hanno un valore, misurata sui "
        "file di cui dispone il progetto (`docs/indicator-coverage.csv`). Un valore può mancare anche perché non ha "
        "senso, come gli alunni per scuola dove non ci sono scuole.",
        en="Coverage: share of the municipalities (or of the provinces, in the reference year) with a value, measured "
        "on the files the project has at hand (`docs/indicator-coverage.csv`, written by `diagnosis catalogue "
        "--measure`). A value may also be missing because it has no meaning, as pupils per school where there is no "
        "school.",
    ),
    "municipality": Text(it="Indicatori comunali", en="Municipal indicators"),
    "province": Text(
        it="Indicatori provinciali (Bes dei territori)", en="Provincial indicators (BES dei territori)"
    ),
    "waiting": Text(it="In attesa del loro file", en="Waiting for their file"),
    "waiting_text": Text(
        it="Il lettore e la formula ci sono, ma il file della fonte non è fra quelli di cui il progetto dispone, o non "
        "contiene le colonne che servono. Dove il file c'è, questi indicatori sono calcolati come gli altri; dove "
        "manca, le relazioni non ne mostrano righe vuote.",
        en="Reader and formula exist, but the file of the source is not among those the project has at hand, or lacks "
        "the columns they need. Where the file is there they are computed like the others; where it is not, reports "
        "show no empty rows.",
    ),
    "header": Text(
        it="Codice|Indicatore|Unità di misura|Polarità|SDG|Anno|Nel punteggio",
        en="Id|Indicator|Unit|Better|SDG|Year|Scored",
    ),
    "coverage": Text(it="Copertura", en="Coverage"),
    "positive": Text(it="positiva", en="more"),
    "negative": Text(it="negativa", en="less"),
    "neutral": Text(it="–", en="–"),
    "yes": Text(it="sì", en="yes"),
    "ratio": Text(it="Rapporto", en="Ratio"),
    "classes": Text(it="Classi", en="Classes"),
    "limits": Text(it="Limiti", en="Limits"),
}

Coverage: TypeAlias = "Mapping[str, float] | pd.Series"


def write_page(catalogue: Catalogue, language: str = "en", coverage: Coverage | None = None) -> str:
    """Write the catalogue as a Markdown page.

    Parameters
    ----------
    catalogue : Catalogue
    language : {"it", "en"}
    coverage : mapping of indicator id to share, optional
        Part of the units with a value, 0 to 1, shown in a column of its own. Indicators without any value are listed
        apart, as waiting for their file, and are not counted.

    Returns
    -------
    str
        A page with one section a domain; ends in a line break.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        There are no words in the language.
    """
    check_language(language)
    words = {key: text[language] for key, text in _WORDS.items()}
    waiting = find_empty(catalogue, coverage)
    parts = [f"# {words['title']}", words["origin"]]
    if coverage is not None:
        parts += [_count(catalogue, waiting, words["counts"]), words["coverage_text"]]
    parts += [text[language] for text in catalogue.introduction]
    for level in LEVELS:
        parts += [f"## {words[level]}"]
        for domain in catalogue.domains.values():
            if domain.level == level:
                items = [item for item in catalogue.select(domain=domain.id) if item.id not in waiting]
                parts += _section(domain, items, words, language, coverage)
    if waiting:
        items = [catalogue[name] for name in waiting]
        parts += [f"## {words['waiting']}", words["waiting_text"]]
        parts += [_table(items, words, language, None), _describe(items, words, language)]
    return "\n\n".join(parts) + "\n"


def find_empty(catalogue: Catalogue, coverage: Coverage | None) -> list[str]:
    """List the indicators that have no value anywhere; an indicator the coverage does not name is not one of them."""
    if coverage is None:
        return []
    return [name for name in catalogue if coverage.get(name) == 0]


def _count(catalogue: Catalogue, waiting: list[str], text: str) -> str:
    kept = Catalogue(
        catalogue.domains.values(), [catalogue[name] for name in catalogue if name not in waiting]
    )
    return text.format(
        indicators=len(kept),
        municipality=len(kept.select(level="municipality")),
        province=len(kept.select(level="province")),
        concepts=len(kept.concepts()),
        goals=len({item.sdg for item in kept.indicators.values()}),
        waiting=len(waiting),
    )


def _section(
    domain: Domain,
    items: list[Indicator],
    words: Mapping[str, str],
    language: str,
    coverage: Coverage | None,
) -> list[str]:
    return [
        f"### {domain.name[language]}",
        domain.scoring[language],
        _table(items, words, language, coverage),
        _describe(items, words, language),
    ]


def _table(items: list[Indicator], words: Mapping[str, str], language: str, coverage: Coverage | None) -> str:
    header = [*words["header"].split("|"), *([words["coverage"]] if coverage is not None else [])]
    lines = [_row(header), _row(["---"] * len(header))]
    for item in items:
        cells = [
            f"`{item.id}`",
            item.name[language] + ("" if item.comparable else " \\*"),
            item.unit[language],
            words[item.direction],
            str(item.sdg),
            item.year,
            words["yes"] if item.scored else "",
        ]
        if coverage is not None:
            share = coverage.get(item.id)
            cells.append("" if share is None else _percent(share))
        lines.append(_row(cells))
    return "\n".join(lines)


def _percent(share: float) -> str:
    """Write a share; one just below the whole is never rounded up to it."""
    return f"{share if share == 1 else min(share, 0.999):.1%}"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _describe(items: list[Indicator], words: Mapping[str, str], language: str) -> str:
    return "\n".join(_details(item, words, language) for item in items)


def _details(item: Indicator, words: Mapping[str, str], language: str) -> str:
    text = f"- **{item.name[language]}**: {item.description[language]}"
    if item.formula and item.numerator and item.denominator:
        text += (
            f" {words['ratio']}: {item.numerator[language]} / {item.denominator[language]}, `{item.formula}`."
        )
    elif item.formula:
        text += f" `{item.formula}`."
    if item.categories:
        names = "; ".join(f"{code} {name[language]}" for code, name in item.categories.items())
        text += f" {words['classes']}: {names}."
    if item.limits:
        text += f" *{words['limits']}: {item.limits[language]}*"
    return f"{text} ({', '.join(item.sources)})"
