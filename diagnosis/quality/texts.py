"""The words of the checks in both languages, with numbers written as each language does."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from diagnosis.errors import unknown_name
from diagnosis.schema import LANGUAGES, Text, build, read_yaml

MOST_NAMED = 4
"""Names a reason lists; the others are counted."""
MINUS = "\N{MINUS SIGN}"


class Share(float):
    """A share of 1, written as a percentage."""


def word(section: str, key: str, **values: Any) -> Text:
    """Fill in a text of ``texts.yml``.

    Parameters
    ----------
    section : {"checks", "reasons", "quantities", "tables"}
    key : str
    **values
        Whole numbers, :class:`Share`, other numbers (two decimals), texts, or texts in both languages.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        There is no such text.
    """
    known = _texts()[section]
    if key not in known:
        raise unknown_name(f"The text of {section}", key, known)
    filled = {
        language: known[key][language].format(
            **{name: _write(value, language) for name, value in values.items()}
        )
        for language in LANGUAGES
    }
    return Text(**filled)


def reason(key: str, **values: Any) -> Text:
    """Fill in the reason of a grade: see :func:`word`."""
    return word("reasons", key, **values)


def name_some(names: Iterable[str]) -> Text:
    """List at most :data:`MOST_NAMED` names and count the others."""
    listed = list(names)
    shown, others = ", ".join(listed[:MOST_NAMED]), len(listed) - MOST_NAMED
    if others <= 0:
        return Text(it=shown, en=shown)
    return Text(it=f"{shown} e altri {others}", en=f"{shown} and {others} more")


def list_years(years: Iterable[str]) -> str:
    """Write years in order, once each, separated by commas."""
    return ", ".join(sorted(set(years)))


def _write(value: Any, language: str) -> str:
    if isinstance(value, Text | Mapping):
        return value[language]
    if isinstance(value, Share):
        percent = 100 * float(value)
        # a share just below the whole is never rounded up to it
        shown = round(min(percent, 99.9) if percent < 100 else percent, 1) + 0.0
        digits = f"{shown:.1f}".removesuffix(".0").replace("-", MINUS)
        return f"{digits.replace('.', ',')} %" if language == "it" else f"{digits}%"
    if isinstance(value, float):
        digits = f"{round(value, 2) + 0.0:.2f}".replace("-", MINUS)
        return digits.replace(".", ",") if language == "it" else digits
    return str(value)


@functools.cache
def _texts() -> dict[str, dict[str, Text]]:
    content = read_yaml(Path(__file__).with_name("texts.yml"))
    return {
        section: {key: build(Text, entry, f"{section}: {key}") for key, entry in entries.items()}
        for section, entries in content.items()
    }
