"""Headline figures of several cities side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from diagnosis.errors import InputError
from diagnosis.report.sections.summary import headline
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis


def compare(results: Sequence[Diagnosis], language: str = "it") -> pd.DataFrame:
    """Put the figures of the first page of several diagnoses side by side.

    Parameters
    ----------
    results : sequence of Diagnosis
        One a city.
    language : {"it", "en"}
        Language of labels and numbers.

    Returns
    -------
    DataFrame
        One row a figure: its label, then one column a city with the formatted value; empty where a city has none.

    Raises
    ------
    diagnosis.errors.InputError
        There is nothing to compare, or a city appears twice.
    """
    names = [result.city.id for result in results]
    if not names or len(set(names)) != len(names):
        raise InputError("A comparison needs different cities", f"{names} were given")
    words = Words(language)
    titles = pd.Series([result.city.name[language] for result in results], index=names)
    shared = titles.duplicated(keep=False)
    titles[shared] += " (" + titles.index[shared] + ")"
    columns = {
        titles[result.city.id]: {card.label: card.value for card in headline(result, words)}
        for result in results
    }
    table = pd.DataFrame(columns).fillna("")
    return table.rename_axis(words("compare_figure")).reset_index()
