"""The catalogue of indicators: what each one measures, in both languages, and how it is to be read.

The entries are in the folder ``catalogue_entries``, one an indicator; ``docs/indicators.md`` is written from them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import Field, model_validator

from diagnosis.errors import ConfigError, examples, unknown_name
from diagnosis.schema import LANGUAGES, Model, Text, build, read_yaml

Level = Literal["municipality", "province"]
LEVELS: tuple[Level, ...] = ("municipality", "province")
MUNICIPAL_ID = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
PUBLISHED_ID = re.compile(r"\d{2}[A-Z]{3}\d{3}P?(-N\d{2})?")


class Domain(Model):
    """A domain of well-being (BES) or a theme."""

    id: str = Field(min_length=1)
    level: Level
    name: Text
    scoring: Text = Field(description="Which of its indicators enter the score, and why these.")


class Indicator(Model):
    """One indicator, of municipalities or of province-level bodies."""

    id: str = Field(description="Snake case for municipal indicators, ISTAT's code for those of the BES.")
    level: Level
    domain: str = Field(description="Id of its domain.")
    name: Text
    description: Text = Field(description="What it measures and why it matters: two sentences at most.")
    unit: Text
    decimals: int = Field(ge=0, le=3, description="Decimals to show.")
    direction: Literal["positive", "negative", "neutral"] = Field(
        description="What is better for residents: more, less, or neither can be said."
    )
    sdg: int = Field(ge=1, le=17, description="Sustainable Development Goal.")
    sources: tuple[str, ...] = Field(
        min_length=1, description="Ids, in data/sources.yml, of what it is computed from."
    )
    year: str = Field(min_length=4, description="Reference year or years.")
    kind: Literal["ratio", "count", "category", "mean", "published"]
    numerator: Text | None = Field(None, description="In words.")
    denominator: Text | None = Field(None, description="In words.")
    formula: str = Field("", description="In symbols; they are explained in docs/indicators.md.")
    scored: bool = Field(False, description="Whether it enters the score of its domain.")
    for_groups: bool = Field(
        False, description="A share of municipalities or of their residents: 0 or 100 for a single one."
    )
    comparable: bool = Field(
        True, description="Whether the value of the country can be the yardstick of a single unit."
    )
    endowment: bool = Field(
        False,
        description="Given by nature or position: having little of it is nobody's merit, so never a strength.",
    )
    basis: Literal["count", "sample", "model", "estimate"] = Field(
        "count",
        description="What the value rests on: registers or complete counts, a sample survey, a model (maps laid over "
        "people, road times), an estimate of the publisher.",
    )
    concept: str = Field(
        "",
        description="What it measures, under a name shared with the same measure of other ages, of one sex or of the "
        "other level; empty where it stands alone.",
    )
    limits: Text | None = Field(None, description="Known limits.")
    categories: dict[str, Text] = Field(default_factory=dict, description="Name of each class, by code.")

    @model_validator(mode="after")
    def _consistent(self) -> Indicator:
        pattern = MUNICIPAL_ID if self.level == "municipality" else PUBLISHED_ID
        if not pattern.fullmatch(self.id):
            raise ValueError("a municipal id is snake_case, a provincial one is ISTAT's code")
        if (self.kind == "published") != (self.level == "province"):
            raise ValueError("provincial indicators are published, municipal ones are computed")
        if self.kind == "ratio" and not (self.numerator and self.denominator and self.formula):
            raise ValueError("a ratio has a numerator, a denominator and a formula")
        if (self.kind == "category") != bool(self.categories):
            raise ValueError("a category, and nothing else, has categories")
        if self.scored and (self.direction == "neutral" or not self.comparable):
            raise ValueError("a scored indicator has a direction and a comparable national value")
        return self


class _File(Model):
    introduction: tuple[Text, ...]
    domains: tuple[Domain, ...]
    indicators: tuple[Indicator, ...]

    @model_validator(mode="after")
    def _linked(self) -> _File:
        domains = {domain.id: domain for domain in self.domains}
        for entries in (self.domains, self.indicators):
            ids = [entry.id for entry in entries]
            if repeated := sorted({name for name in ids if ids.count(name) > 1}):
                raise ValueError(f"ids must be unique, repeated: {examples(repeated)}")
        for indicator in self.indicators:
            domain = domains.get(indicator.domain)
            if domain is None or domain.level != indicator.level:
                raise ValueError(
                    f"{indicator.id}: {indicator.domain!r} is not a domain of level {indicator.level}"
                )
        return self


class Catalogue:
    """The indicators and their domains, in the order of the file.

    Parameters
    ----------
    domains : iterable of Domain
    indicators : iterable of Indicator
    introduction : iterable of Text
        Paragraphs on how to read them.

    Attributes
    ----------
    domains : dict of str to Domain
    indicators : dict of str to Indicator
    introduction : tuple of Text
    """

    def __init__(
        self,
        domains: Iterable[Domain],
        indicators: Iterable[Indicator],
        introduction: Iterable[Text] = (),
    ) -> None:
        self.introduction = tuple(introduction)
        self.domains: dict[str, Domain] = {domain.id: domain for domain in domains}
        self.indicators: dict[str, Indicator] = {indicator.id: indicator for indicator in indicators}

    def __getitem__(self, name: str) -> Indicator:
        try:
            return self.indicators[name]
        except KeyError:
            raise unknown_name("An indicator", name, self.indicators) from None

    def __contains__(self, name: object) -> bool:
        return name in self.indicators

    def __iter__(self) -> Iterator[str]:
        return iter(self.indicators)

    def __len__(self) -> int:
        return len(self.indicators)

    def __repr__(self) -> str:
        return f"Catalogue({len(self.indicators)} indicators, {len(self.domains)} domains)"

    def select(
        self, level: str | None = None, domain: str | None = None, scored: bool | None = None
    ) -> list[Indicator]:
        """Return the indicators of a level, of a domain, or of those that enter a score.

        Parameters
        ----------
        level : {"municipality", "province"}, optional
        domain : str, optional
            Id of a domain.
        scored : bool, optional
            True: those that enter the score of their domain; False: the others.

        Returns
        -------
        list of Indicator
            In the order of the catalogue.

        Raises
        ------
        diagnosis.errors.UnknownNameError
            The level or the domain is not a known one.
        """
        if level not in {None, *LEVELS}:
            raise unknown_name("The level", level, LEVELS)
        if domain not in {None, *self.domains}:
            raise unknown_name("The domain", domain, self.domains)
        return [
            item
            for item in self.indicators.values()
            if level in {None, item.level} and domain in {None, item.domain} and scored in {None, item.scored}
        ]

    def concepts(self, level: str | None = None) -> list[str]:
        """Name what the indicators measure, once for all ages, sexes and levels: see `concept` of each.

        Parameters
        ----------
        level : {"municipality", "province"}, optional

        Returns
        -------
        list of str
            The shared name, or the id of an indicator that stands alone.
        """
        return list(dict.fromkeys(item.concept or item.id for item in self.select(level=level)))

    def to_frame(self, language: str = "it") -> pd.DataFrame:
        """Return the catalogue as a table: the data dictionary of a report.

        Parameters
        ----------
        language : {"it", "en"}

        Returns
        -------
        DataFrame
            Index `id`; texts in the language asked for, empty where an entry has none.
        """
        check_language(language)
        rows = [
            {
                "id": item.id,
                "name": item.name[language],
                "description": item.description[language],
                "unit": item.unit[language],
                "decimals": item.decimals,
                "direction": item.direction,
                "domain": item.domain,
                "domain_name": self.domains[item.domain].name[language],
                "sdg": item.sdg,
                "level": item.level,
                "year": item.year,
                "kind": item.kind,
                "basis": item.basis,
                "numerator": item.numerator[language] if item.numerator else "",
                "denominator": item.denominator[language] if item.denominator else "",
                "formula": item.formula,
                "sources": "; ".join(item.sources),
                "scored": item.scored,
                "for_groups": item.for_groups,
                "comparable": item.comparable,
                "limits": item.limits[language] if item.limits else "",
                "categories": "; ".join(
                    f"{code} = {text[language]}" for code, text in item.categories.items()
                ),
            }
            for item in self.indicators.values()
        ]
        return pd.DataFrame(rows).set_index("id")


def check_language(language: str) -> None:
    """Refuse a language in which the catalogue is not written."""
    if language not in LANGUAGES:
        raise unknown_name("The language", language, LANGUAGES)


def load_catalogue(path: Path | str | None = None) -> Catalogue:
    """Load the catalogue; each file is read once.

    Parameters
    ----------
    path : path, optional
        A catalogue file, or a folder of them; the project's own if not given.

    Returns
    -------
    Catalogue

    Raises
    ------
    diagnosis.errors.ConfigError
        The file is absent, not UTF-8, not YAML, or an entry breaks a rule.
    """
    return _load(Path(path) if path is not None else Path(__file__).with_name("catalogue_entries"))


@functools.cache
def _load(path: Path) -> Catalogue:
    files = sorted(path.glob("*.yml")) if path.is_dir() else [path]
    content: dict[str, list] = {"domains": [], "indicators": []}
    for file in files:
        found = read_yaml(file)
        # Single entries first: an error then names the entry instead of its number.
        for section, model in (("domains", Domain), ("indicators", Indicator)):
            entries = found.pop(section, [] if path.is_dir() else None)
            if not isinstance(entries, list) or not all(map(_is_entry, entries)):
                raise ConfigError(f"{file.name}: {section} must be a list of entries with fields")
            content[section] += [
                build(model, entry, f"{file.name}: {entry.get('id', f'{section} entry {number}')}")
                for number, entry in enumerate(entries, start=1)
            ]
        content |= found
    order = {domain.id: number for number, domain in enumerate(content["domains"])}
    content["indicators"].sort(key=lambda item: order.get(item.domain, -1))
    checked = build(_File, content, path.name)
    return Catalogue(checked.domains, checked.indicators, checked.introduction)


def _is_entry(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)
