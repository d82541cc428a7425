"""The city's own data in the data package: marked as local, with the city as publisher and the licence it declares."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from diagnosis.report.words import Words
from diagnosis.result import Diagnosis
from diagnosis.stages.own import own_entries


def own_files(result: Diagnosis, words: Words) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the files on the city's own data, name and table; none where it has none.

    The tables of the stage hold no small counts of people: nothing is taken out here.
    """
    entries = own_entries(result.tables)
    if not entries:
        return
    language = words.language
    names = result.municipalities["name"]
    groups = result.table("own_groups").copy()
    groups.insert(0, "name", [item.name[language] for item in entries.values()])
    groups.insert(1, "local", True)
    groups["publisher"] = result.city.name[language]
    groups["source"] = [
        item.source_text[language] if item.source_text else words("source_not_declared")
        for item in entries.values()
    ]
    groups["licence"] = [item.licence or words("licence_not_declared") for item in entries.values()]
    groups["file"] = [item.file for item in entries.values()]
    tables = {"own_indicators": result.table("own_indicators"), "own_scores": result.table("own_scores")}
    for stem, table in tables.items():
        if len(table.columns):
            named = table.copy()
            named.insert(0, "name", names)
            yield f"{stem}.csv", named
    yield "own_groups.csv", groups
    framework = result.table("own_framework")
    if len(framework):
        yield "own_framework.csv", framework
