"""The files of a data package that tell how good its data are."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

FILES = {
    "data_quality.csv": "data_quality",
    "data_quality_domains.csv": "quality_domains",
    "data_outliers.csv": "data_outliers",
    "data_conflicts.csv": "data_conflicts",
}


def quality_files(result: Diagnosis, words: Words) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield name and table of each file, its reasons in the language of the report; no file without rows."""
    for name, key in FILES.items():
        table = result.tables.get(key)
        if table is not None and len(table):
            yield name, _in_language(table, words)


def _in_language(table: pd.DataFrame, words: Words) -> pd.DataFrame:
    told = table.reset_index() if table.index.name else table
    if f"reason_{words.language}" not in told:
        return told
    texts = told[f"reason_{words.language}"]
    return told.drop(columns=["reason_it", "reason_en"]).assign(reason=texts)
