"""Stage *own*: the city's own data beside each other within the territory, never mixed with the national ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from diagnosis.catalogue import Catalogue, Domain, load_catalogue
from diagnosis.errors import InputError
from diagnosis.national.shared import National
from diagnosis.provenance import SourceRecord
from diagnosis.schema import Text
from diagnosis.sources.own.data import OwnData, OwnSource
from diagnosis.sources.own.files import has_own_files
from diagnosis.sources.own.groups import find_telling_totals
from diagnosis.sources.own.indicators import OwnIndicator
from diagnosis.stages import findings
from diagnosis.stages.own_data import load_own_data, refuse_errors
from diagnosis.territory import Territory

TERRITORY = "territory"
LEVEL = "own"
"""Level of the findings: a place among the municipalities of the territory, in the city's own data."""
FEWEST_SCORED = findings.FEWEST_TO_COMPARE
GROUP_COLUMNS = [
    "domain", "city", "territory", "lowest", "highest", "municipalities", "held_back", "withheld", "telling",
    "position", "tied", "of", "year",
]  # fmt: skip
FRAMEWORK_COLUMNS = ["domain", "direction", "entered", "reason"]
CATALOGUE_COLUMNS = ["indicator", "theme"]
MODIFIED = {
    "other_vintage": Text(
        it="codici di un altro anno portati al 2022", en="codes of another year carried to 2022"
    ),
    "carried": Text(it="comuni cambiati riportati al 2022", en="changed municipalities carried to 2022"),
    "shares_by_format": Text(it="quote espresse in percentuale", en="shares written as percentages"),
    "shares_by_values": Text(it="quote espresse in percentuale", en="shares written as percentages"),
    "total_row": Text(it="righe dei totali tralasciate", en="rows of totals left out"),
    "small_cells": Text(it="conteggi piccoli di persone tolti", en="small counts of people taken out"),
}
"""What kinds of remarks on a file amount to a change of its figures."""
RATIOS = Text(it="rapporti calcolati dai conteggi", en="ratios computed from counts")


def compare_own(territory: Territory, national: National) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Stage *own*: the city's own indicators, by municipality and for the territory, with its comment.

    Small counts of people are taken out before anything else is made of the values, and the territory's own where
    they could be reckoned from it: what this stage gives is published.

    Returns
    -------
    tables, facts
        The tables of the stage (see :class:`diagnosis.result.Diagnosis`); empty where the city has no files.

    Raises
    ------
    BrokenOwnDataError
        A file has an error.
    """
    own = None
    if has_own_files(territory.local):
        own = load_own_data(territory)
        refuse_errors({territory: own})
    entries = {entry.id: entry for entry in own.entries} if own else {}
    if own is None or not entries:
        return _nothing(territory), _facts(territory, own, pd.DataFrame(), 0)
    codes, country = territory.codes, territory.country
    exported, held_back = own.for_export()
    values, held_back = exported.loc[codes], held_back.loc[codes]
    telling = find_telling_totals(own.people.loc[codes], held_back, entries)
    whole = own.for_groups(pd.Series(TERRITORY, index=codes), country.residents).loc[TERRITORY].mask(telling)
    directions = pd.Series(
        {name: entry.direction for name, entry in entries.items() if is_comparable(entry)}, dtype=object
    )
    places = findings.positions(values[directions.index], territory.city.code, directions)
    groups = pd.DataFrame(
        {
            "domain": {name: entry.domain for name, entry in entries.items()},
            "city": values.loc[territory.city.code],
            "territory": whole,
            "lowest": values.min(),
            "highest": values.max(),
            "municipalities": values.notna().sum(),
            "held_back": held_back.sum(),
            "withheld": held_back.loc[territory.city.code],
            "telling": telling,
            "year": {name: entry.year for name, entry in entries.items()},
        }
    ).join(places[["position", "tied", "of"]])
    scores, framework = score_own(values, entries)
    merged = Catalogue([*national.catalogue.domains.values(), *own.domains], entries.values())
    found = findings.find(values[directions.index], territory.city.code, whole, merged, LEVEL)
    tables = {
        "own_indicators": values,
        "own_groups": groups.loc[list(entries), GROUP_COLUMNS].rename_axis("indicator"),
        "own_scores": scores,
        "own_framework": framework,
        "own_catalogue": _describe(own),
    }
    if len(found):
        tables["own_findings"] = found
    return tables, _facts(territory, own, held_back, int(exported.drop(index=codes).notna().to_numpy().sum()))


def is_comparable(entry: OwnIndicator) -> bool:
    """Whether more or less of it can be compared between municipalities: a count grows with their size."""
    return entry.kind != "count"


def score_own(values: pd.DataFrame, entries: Mapping[str, OwnIndicator]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score municipalities on their city's own indicators: MPI by theme within the territory.

    Own data exist for the territory only. So the score is relative to it (100 is the mean of its municipalities, 10
    their standard deviation) and has nothing to do with the national scores, whose reference is the country.

    Parameters
    ----------
    values : DataFrame, municipalities x indicators
    entries : mapping of str to OwnIndicator
        Only those marked `scored` enter.

    Returns
    -------
    scores : DataFrame, municipalities x themes
        A municipality needs three quarters of a theme's indicators. Only themes with :data:`FEWEST_SCORED` scores.
    framework : DataFrame
        One row a scored indicator: `domain`, `direction`, `entered`, and else the `reason`: ``"count"`` (grows with
        size), ``"few"`` (municipalities with a value, or a score), ``"equal"`` (the same everywhere), ``"undefined"``
        (the index is, for a municipality far below all others).
    """
    from diagnosis.composite import composite_index

    reasons = {name: _reason(values[name], entry) for name, entry in entries.items() if entry.scored}
    by_domain = defaultdict(list)
    for name, reason in reasons.items():
        if not reason:
            by_domain[entries[name].domain].append(name)
    scores = {}
    for domain, names in by_domain.items():
        directions = {name: entries[name].direction for name in names}
        try:
            score = composite_index(values[names], "mpi", directions=directions)["score"]
        except InputError:
            reasons |= dict.fromkeys(names, "undefined")
            continue
        if score.count() >= FEWEST_SCORED:
            scores[domain] = score
        else:
            reasons |= dict.fromkeys(names, "few")
    framework = pd.DataFrame(
        {
            name: {
                "domain": entries[name].domain,
                "direction": entries[name].direction,
                "entered": not reason,
                "reason": reason,
            }
            for name, reason in reasons.items()
        }
    ).T
    return (
        pd.DataFrame(scores, index=values.index),
        framework.reindex(columns=FRAMEWORK_COLUMNS).astype({"entered": bool}).rename_axis("indicator"),
    )


def _reason(values: pd.Series, entry: OwnIndicator) -> str:
    if not is_comparable(entry):
        return "count"
    if values.count() < FEWEST_SCORED:
        return "few"
    return "equal" if values.nunique() < 2 else ""


def merge_catalogue(tables: Mapping[str, pd.DataFrame]) -> Catalogue:
    """Return the project's catalogue with the city's own themes and indicators behind.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Of a :class:`diagnosis.result.Diagnosis`.
    """
    catalogue = load_catalogue()
    own = tables.get("own_catalogue")
    if own is None or own.empty:
        return catalogue
    themes = [Domain.model_validate_json(text) for text in own["theme"].unique() if text]
    entries = own_entries(tables)
    return Catalogue(
        [*catalogue.domains.values(), *themes],
        [*catalogue.indicators.values(), *entries.values()],
        catalogue.introduction,
    )


def own_entries(tables: Mapping[str, pd.DataFrame]) -> dict[str, OwnIndicator]:
    """Return the entries of the city's own indicators by id, in the order of its files."""
    own = tables.get("own_catalogue")
    if own is None:
        return {}
    return {str(name): OwnIndicator.model_validate_json(text) for name, text in own["indicator"].items()}


def own_records(facts: Mapping[str, Any]) -> tuple[SourceRecord, ...]:
    """Return the city's own files as sources of a manifest, from the facts of the stages."""
    return tuple(SourceRecord(**record) for record in facts.get("own", {}).get("sources", ()))


def _describe(own: OwnData) -> pd.DataFrame:
    """Write entries and own themes as JSON, to be kept with the result."""
    themes = {theme.id: theme.model_dump_json() for theme in own.domains}
    return pd.DataFrame(
        {
            "indicator": {entry.id: entry.model_dump_json() for entry in own.entries},
            "theme": {entry.id: themes.get(entry.domain, "") for entry in own.entries},
        }
    ).rename_axis("id")


def _nothing(territory: Territory) -> dict[str, pd.DataFrame]:
    return {
        "own_indicators": pd.DataFrame(index=territory.codes),
        "own_groups": pd.DataFrame(columns=GROUP_COLUMNS, dtype="str").rename_axis("indicator"),
        "own_scores": pd.DataFrame(index=territory.codes),
        "own_framework": pd.DataFrame(columns=FRAMEWORK_COLUMNS, dtype="str").rename_axis("indicator"),
        "own_catalogue": pd.DataFrame(columns=CATALOGUE_COLUMNS, dtype="str").rename_axis("id"),
    }


def _facts(
    territory: Territory, own: OwnData | None, held_back: pd.DataFrame, outside: int
) -> dict[str, Any]:
    records = _records(territory, own) if own else []
    return {
        "files": list(own.files) if own else [],
        "indicators": len(own.entries) if own else 0,
        "municipalities": len(territory.codes),
        "held_back": int(held_back.to_numpy().sum()),
        "outside": outside,
        "comment": own.comment if own else "",
        "sources": [record.model_dump(mode="json") for record in records],
    }


def _records(territory: Territory, own: OwnData) -> list[SourceRecord]:
    """Record the city's own files, with the city as publisher and the licence as it declares it."""
    assert territory.local is not None
    return [_record(territory, source, own) for source in own.sources]


def _record(territory: Territory, source: OwnSource, own: OwnData) -> SourceRecord:
    entries = [entry for entry in own.entries if entry.file == source.file]
    name = territory.city.name
    said = _join(entry.source_text for entry in entries) or source.source
    licence = "; ".join(dict.fromkeys(entry.licence for entry in entries if entry.licence))
    return SourceRecord(
        id=source.file,
        title=Text(it=f"{said.it} ({source.file})", en=f"{said.en} ({source.file})")
        if said
        else Text(it=source.file, en=source.file),
        label=Text(
            it=f"dato della città ({said.it if said else source.file})",
            en=f"the city's own datum ({said.en if said else source.file})",
        ),
        publisher=name.it,
        tier="local",
        file=source.file,
        sha256=source.sha256,
        bytes=(territory.local / source.file).stat().st_size,  # type: ignore[operator]
        reference_date=", ".join(sorted({entry.year for entry in entries})),
        licence=licence,
        licence_confirmed=bool(licence),
        attribution=Text(it=f"{name.it}, {said.it}", en=f"{name.en}, {said.en}") if said else None,
        modified=_modified(source.file, entries, own.problems),
    )


def _join(texts: Iterable[Text | None]) -> Text | None:
    """Join the sources that the indicators of a file name; None where none does."""
    found = list(dict.fromkeys((text.it, text.en) for text in texts if text is not None))
    return Text(it="; ".join(it for it, _ in found), en="; ".join(en for _, en in found)) if found else None


def _modified(file: str, entries: list[OwnIndicator], problems: pd.DataFrame) -> Text:
    """Say whether the figures of a file were changed, and how."""
    kinds = set(problems.loc[problems["file"] == file, "kind"])
    changes = [text for kind, text in MODIFIED.items() if kind in kinds]
    changes += [RATIOS] if any(entry.kind == "ratio" for entry in entries) else []
    if not changes:
        return Text(it="no", en="no")
    parts = {
        language: ", ".join(dict.fromkeys(text[language] for text in changes)) for language in ("it", "en")
    }
    return Text(it=f"sì: {parts['it']}", en=f"yes: {parts['en']}")
