"""The words of the report in each language; a language counts only when it is complete (a test holds it)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from diagnosis.errors import unknown_name
from diagnosis.figure import format_number, format_value
from diagnosis.schema import LANGUAGES, read_yaml

ARTICLES = {
    "it": {"Provincia": "la ", "Città": "la ", "Libero": "il ", "Ente": "l'", "Regione": "la "},
    "en": dict.fromkeys(("Province", "Metropolitan", "Free", "Regional", "Autonomous"), "the "),
}
"""By the first word of the legal names in :data:`diagnosis.territory.BODY_NAMES`."""
FOLDER = Path(__file__).parent / "i18n"


class Words:
    """Texts and number formats of one language.

    Parameters
    ----------
    language : str
        ``"it"`` or ``"en"``.
    """

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise unknown_name("The language", language, LANGUAGES)
        self.language = language
        self._texts = read_texts(language)

    def __call__(self, key: str, **values: Any) -> str:
        """Return the text under `key` with `values` filled in; ``{n|one|many}`` chooses by number."""
        if key not in self._texts:
            raise unknown_name(f"The text ({self.language})", key, self._texts)
        counted = {
            name: _Count(value, self.language) if isinstance(value, int) else value
            for name, value in values.items()
        }
        return self._texts[key].format_map(counted) if values else self._texts[key]

    def has(self, key: str) -> bool:
        """Whether there is a text under `key`."""
        return key in self._texts

    def number(self, value: Any, decimals: int = 0) -> str:
        """Format a number; a missing one as the language says."""
        return format_number(None if pd.isna(value) else float(value), decimals, self.language)

    def signed(self, value: float, decimals: int = 0) -> str:
        """Format a difference: with its sign, 0 without."""
        text = self.number(value, decimals)
        return f"+{text}" if value > 0 and any(digit in text for digit in "123456789") else text

    def percent(self, value: Any, decimals: int = 1) -> str:
        """Format a share (0 to 1) as a percentage."""
        return self.measure(None if pd.isna(value) else 100 * value, decimals, "%")

    def measure(self, value: Any, decimals: int, unit: str) -> str:
        """Format a value with its unit; ``%`` is joined as the language wants."""
        return format_value(None if pd.isna(value) else float(value), decimals, self.language, unit)

    def with_unit(self, name: str, unit: str) -> str:
        """Name an indicator with its unit, without brackets inside brackets."""
        if self.says_unit(name, unit):
            return name
        return f"{name}, {unit}" if "(" in unit or name.endswith(")") else f"{name} ({unit})"

    def says_unit(self, name: str, unit: str) -> bool:
        """Whether the name of an indicator says its unit already."""
        return unit.lower() in name.lower() or (unit.startswith("per 100") and "ogni 100" in name)

    def ordinal(self, place: int) -> str:
        """Write a place: 13ª, 13th."""
        if self.language == "it":
            return f"{place}ª"
        teen = place % 100 in {11, 12, 13}
        return f"{place}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th')}"

    def article(self, word: str) -> str:
        """Return the article of the first word of a body's legal name; nothing for any other word."""
        return ARTICLES[self.language].get(word, "")

    def join(self, items: Iterable[str]) -> str:
        """Join names as a sentence does: a, b and c."""
        names = list(items)
        if len(names) < 2:
            return "".join(names)
        return f"{', '.join(names[:-1])} {self('and')} {names[-1]}"

    def pick(self, text: Any) -> str:
        """Return a bilingual text (model or mapping) in this language."""
        return text[self.language]


class _Count(int):
    """A whole number that writes itself as the language does, or chooses a word: ``{n:one|many}``."""

    language: str

    def __new__(cls, value: int, language: str) -> _Count:
        count = super().__new__(cls, value)
        count.language = language
        return count

    def __format__(self, form: str) -> str:
        if "|" in form:
            one, many = form.split("|")
            return one if self == 1 else many
        return format_number(int(self), 0, self.language)


@cache
def read_texts(language: str) -> Mapping[str, str]:
    """Read all texts of a language."""
    return read_yaml(FOLDER / f"{language}.yml")
