"""What is wrong with a city's own files, where, and what to do about it, in both languages."""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from diagnosis.errors import InputError
from diagnosis.schema import Model, Text, build, read_yaml
from diagnosis.sources.tabular import remark
from diagnosis.tables.own import OWN_PROBLEMS

Severity = Literal["error", "warning", "note"]
MOST_OF_A_KIND = 100
"""Cases of one problem that are listed for one file; the others are counted."""
LONGEST_SHOWN = 60


class ProblemKind(Model):
    """One kind of problem, as ``texts.yml`` words it."""

    severity: Severity
    problem: Text
    advice: Text


@functools.cache
def problem_kinds() -> dict[str, ProblemKind]:
    """Return the kinds of problems by name."""
    return {name: build(ProblemKind, entry, name) for name, entry in _texts()["problems"].items()}


@functools.cache
def words() -> dict[str, Text]:
    """Return the words of the report by name."""
    return {name: build(Text, entry, name) for name, entry in _texts()["words"].items()}


@functools.cache
def _texts() -> dict[str, dict]:
    return read_yaml(Path(__file__).with_name("texts.yml"))


@dataclass(frozen=True)
class Place:
    """Where in a file: row as the spreadsheet counts it, column by name and letter."""

    row: int | None = None
    column: str = ""
    letter: str = ""


NOWHERE = Place()


class RefusedFileError(InputError):
    """A file that cannot be used, with the kind of problem; read as an exception it speaks English.

    Parameters
    ----------
    kind : str
        One of :func:`problem_kinds`.
    place : Place, optional
    **values : object
        What the places of the text hold.
    """

    def __init__(self, kind: str, place: Place = NOWHERE, **values: object) -> None:
        self.kind, self.place, self.values = kind, place, values
        texts = problem_kinds()[kind]
        super().__init__(
            remark(texts.problem.it, texts.problem.en, **values)["en"],
            to_do=remark(texts.advice.it, texts.advice.en, **values)["en"],
        )

    def __reduce__(self):
        return InputError, (self.must_hold, self.found, self.to_do)


class Problems:
    """Problems as they are met, for any number of files."""

    def __init__(self) -> None:
        self._rows: list[dict[str, str]] = []
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def add(
        self,
        file: str,
        kind: str,
        place: Place = NOWHERE,
        value: object = "",
        sheet: str = "",
        **values: object,
    ) -> None:
        """Note a problem of a known kind; `values` fill in its text."""
        texts = problem_kinds()[kind]
        self._counts[file, texts.severity, kind] += 1
        if self._counts[file, texts.severity, kind] > MOST_OF_A_KIND:
            return
        problem = remark(texts.problem.it, texts.problem.en, sheet=sheet, **values)
        advice = remark(texts.advice.it, texts.advice.en, sheet=sheet, **values)
        self._append(file, sheet, place, value, kind, texts.severity, problem, advice)

    def add_refusal(self, file: str, refusal: RefusedFileError, sheet: str = "") -> None:
        """Note why a file is refused."""
        values = {"sheet": sheet} | refusal.values
        self.add(file, refusal.kind, refusal.place, **values)  # type: ignore[arg-type]

    def count(self, file: str, severity: Severity) -> int:
        """Return how many problems of a severity a file has."""
        return sum(n for (name, level, _), n in self._counts.items() if (name, level) == (file, severity))

    def frame(self) -> pd.DataFrame:
        """Return the problems in the contract :data:`diagnosis.tables.own.OWN_PROBLEMS`, in the order met."""
        rows = [*self._rows, *self._unlisted()]
        numbered = [{"number": f"{i:05d}", **row} for i, row in enumerate(rows, start=1)]
        columns = [*OWN_PROBLEMS.key, *OWN_PROBLEMS.columns]
        return OWN_PROBLEMS.check(pd.DataFrame(numbered, columns=columns, dtype=object))

    def _unlisted(self) -> Iterator[dict[str, str]]:
        more = words()["more_of_kind"]
        for (file, severity, kind), number in self._counts.items():
            if number > MOST_OF_A_KIND:
                text = remark(more.it, more.en, n=number - MOST_OF_A_KIND)
                advice = problem_kinds()[kind].problem.model_dump()
                yield self._row(file, "", NOWHERE, "", kind, severity, text, advice)

    def _append(self, *parts: object) -> None:
        self._rows.append(self._row(*parts))  # type: ignore[arg-type]

    @staticmethod
    def _row(
        file: str,
        sheet: str,
        place: Place,
        value: object,
        kind: str,
        severity: str,
        problem: dict[str, str],
        advice: dict[str, str],
    ) -> dict[str, str]:
        return {
            "file": show(file, 255),
            "sheet": show(sheet),
            "row": "" if place.row is None else str(place.row),
            "column": show(place.column),
            "letter": place.letter,
            "value": show(value),
            "kind": kind,
            "severity": severity,
            **{f"problem_{language}": show(text, 1000) for language, text in problem.items()},
            **{f"advice_{language}": show(text, 1000) for language, text in advice.items()},
        }


def show(value: object, longest: int = LONGEST_SHOWN) -> str:
    """Write a value on one line, without signs that steer a terminal or turn the direction of text, cut if long."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # workbooks store whole numbers as decimals
    text = "".join(
        " " if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") else sign
        for sign in str(value)[: 4 * longest]
    )
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
