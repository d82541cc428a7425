"""The words of the commands on data, in both languages, beside those of the report."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from diagnosis.report.words import Words
from diagnosis.schema import read_yaml

FILE = Path(__file__).with_name("data_texts.yml")


class DataWords(Words):
    """The texts of ``data_texts.yml`` in one language, with the number formats of :class:`Words`.

    Parameters
    ----------
    language : str
        ``"it"`` or ``"en"``.
    """

    def __init__(self, language: str) -> None:
        super().__init__(language)
        self._texts = {key: text[language] for key, text in read_data_texts().items()}


@cache
def read_data_texts() -> Mapping[str, Mapping[str, str]]:
    """Read the texts of the commands on data, by key and language."""
    return read_yaml(FILE)
