"""What the YAML beside a city's own file says of it: where its columns are, and what its indicators mean."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from diagnosis.catalogue import MUNICIPAL_ID
from diagnosis.errors import ConfigError
from diagnosis.schema import Model, Text, read_yaml
from diagnosis.sources.own.privacy import find_mention, tell_kind
from diagnosis.sources.own.problems import NOWHERE, Place, Problems, words
from diagnosis.sources.own.units import is_known

LARGEST_YAML = 256 * 1024
RESIDENTS = "residents"
"""Word for the population of the municipality, as denominator or weight."""
SMALL_CELL = 3
MOST_INDICATORS, MOST_NAMED, MOST_MARKS = 500, 10_000, 100
RESERVED_IDS = frozenset(
    (
        "name", "code", "province", "province_name", "region", "area", "territory", "city", "municipality", "local",
        "publisher", "source", "licence", "file", "year", "indicator", "domain", "theme", "value", "group", "geometry",
        "index", "level",
    )
)  # fmt: skip
"""Columns that stand beside the indicators in the tables of a report and its data package."""
Heading = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class OwnText(Model):
    """A text in Italian, and in English where there is one."""

    it: str = Field(min_length=1, max_length=2000)
    en: str | None = Field(None, min_length=1, max_length=2000)

    def complete(self) -> Text:
        """Return it in both languages; the Italian text stands in for a missing English one."""
        return Text(it=self.it, en=self.en or self.it)


def _as_text(value: Any) -> Any:
    return {"it": value} if isinstance(value, str) else value


LooseText = Annotated[OwnText, BeforeValidator(_as_text)]
"""A text alone is Italian."""


def _as_year(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Year = Annotated[str, BeforeValidator(_as_year), StringConstraints(pattern=r"^(19|20)\d{2}([/-]\d{2,4})?$")]


class OwnIndicatorSettings(Model):
    """One indicator of a city's own file."""

    id: str | None = Field(None, description="Snake case; made from the name if not given.")
    name: LooseText
    description: LooseText | None = None
    unit: LooseText | None = Field(None, description="Read from the heading if not given.")
    decimals: int | None = Field(None, ge=0, le=3)
    direction: Literal["positive", "negative", "neutral"] = "neutral"
    domain: str | None = Field(None, description="Id of a theme: of the catalogue, or under `domains`.")
    sdg: int | None = Field(None, ge=1, le=17)
    year: Year | None = None
    source: LooseText | None = Field(None, description="That of the file if not given.")
    licence: str | None = Field(None, description="That of the file if not given.")
    limits: LooseText | None = None
    column: Heading | None = Field(None, description="Heading; in a long table the label of the indicator.")
    numerator: Heading | None = None
    denominator: Heading | None = Field(None, description="A heading, or `residents`.")
    factor: float | None = Field(None, gt=0, description="100 for percentages; from the unit if not given.")
    weight: Heading | None = Field(
        None, description="Heading, or `residents`: weights of the mean of a group."
    )
    summed: bool = Field(False, description="A count: the value of a group is the sum.")
    scale: Literal["percent", "share"] | None = Field(
        None, description="Whether 35 % is written 35 or 0.35; from the values if not given."
    )
    people: bool | None = Field(None, description="Whether people are counted; from the unit if not given.")
    public: bool | None = Field(
        None, description="Whether small counts are public already; that of the file if not given."
    )
    scored: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> OwnIndicatorSettings:
        if self.id is not None and not MUNICIPAL_ID.fullmatch(self.id):
            raise ValueError(
                "an id is made of small letters, digits and underscores, and begins with a letter"
            )
        if self.id in RESERVED_IDS:
            raise ValueError(f"{self.id!r} is a column of the tables already; choose another id")
        if (self.numerator is None) != (self.denominator is None):
            raise ValueError("numerator and denominator go together")
        if self.column and self.numerator:
            raise ValueError("give either column, or numerator and denominator")
        if self.numerator and (self.weight or self.summed or self.scale):
            raise ValueError("weight, summed and scale go with column")
        if self.weight and self.summed:
            raise ValueError("give either weight or summed")
        if self.scored and self.direction == "neutral":
            raise ValueError("a scored indicator needs direction: positive or negative")
        return self


class OwnSettings(Model):
    """One of a city's own files: everything may be left out that the file itself says."""

    file: Heading | None = Field(None, description="Name of the data file, in the same folder.")
    sheet: Heading | None = Field(None, description="Sheet of a workbook, or layer of a GeoPackage.")
    header_row: int | None = Field(
        None, ge=1, le=1000, description="Row of the headings; the first if several."
    )
    header_rows: int | None = Field(None, ge=1, le=3, description="How many rows the headings take.")
    municipality: Heading | None = Field(None, description="Heading of the codes or names.")
    province: Heading | None = Field(None, description="Heading of signs, names or codes of provinces.")
    codes_of: Year | None = Field(None, description="Year of the list of municipalities the codes are of.")
    names: dict[str, Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]] = Field(
        default_factory=dict,
        max_length=MOST_NAMED,
        description="Code of 2022 for names as they are written in the file.",
    )
    decimal: Literal["comma", "point"] | None = Field(None, description="comma: 1.234,5; point: 1,234.5.")
    missing: tuple[str, ...] = Field(
        (), max_length=MOST_MARKS, description="Further marks of a missing value."
    )
    year: Year | None = None
    year_column: Heading | None = None
    indicator_column: Heading | None = Field(None, description="Of a long table: what is measured.")
    value_column: Heading | None = Field(None, description="Of a long table: the values.")
    repeated: Literal["error", "sum"] = "error"
    count: Literal["rows", "points"] | None = Field(
        None, description="Count rows, or points on the map, instead of reading numbers."
    )
    crs: str | None = Field(None, pattern=r"^EPSG:\d{4,6}$", description="Where the file does not say it.")
    source: LooseText | None = None
    licence: str | None = None
    public: bool = False
    small_cell: int = Field(
        SMALL_CELL, ge=0, le=50, description="Largest count of people that is suppressed."
    )
    not_personal: tuple[str, ...] = Field(
        (),
        max_length=MOST_INDICATORS,
        description="Headings of columns that look like names, addresses or telephones but are of no person.",
    )
    domains: dict[Annotated[str, StringConstraints(pattern=MUNICIPAL_ID.pattern)], LooseText] = Field(
        default_factory=dict, max_length=MOST_MARKS, description="Own themes by id."
    )
    indicators: tuple[OwnIndicatorSettings, ...] = Field((), max_length=MOST_INDICATORS)

    @model_validator(mode="after")
    def _consistent(self) -> OwnSettings:
        if reserved := sorted(RESERVED_IDS & set(self.domains)):
            raise ValueError(
                f"{reserved[0]!r} is a column of the tables already; choose another id of a theme"
            )
        if (self.indicator_column is None) != (self.value_column is None):
            raise ValueError("indicator_column and value_column go together")
        if self.count:
            if len(self.indicators) != 1:
                raise ValueError("count needs exactly one indicator")
            if self.indicators[0].column or self.indicators[0].numerator:
                raise ValueError("what is counted has no column")
        elif bare := [item.name.it for item in self.indicators if not (item.column or item.numerator)]:
            raise ValueError(f"an indicator needs column, or numerator and denominator: {bare[0]!r}")
        if self.header_rows and not self.header_row:
            raise ValueError("header_rows needs header_row")
        return self

    def texts_without_english(self) -> list[str]:
        """Return the places whose text is in Italian only."""
        return sorted(_italian_only(self, ""))


def _italian_only(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, OwnText):
        if value.en is None:
            yield place.strip(".")
    elif isinstance(value, Model):
        for name in type(value).model_fields:
            text = getattr(value, name)
            if name == "unit" and text is not None and is_known(text.it):
                continue
            yield from _italian_only(text, f"{place}.{name}")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _italian_only(item, f"{place}.{name}")
    elif isinstance(value, tuple):
        for number, item in enumerate(value, start=1):
            yield from _italian_only(item, f"{place}.{number}")


def _mentions(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield the fields that hold a tax code or an e-mail address, and which of them; keys count as texts."""
    if isinstance(value, dict):
        for key, item in value.items():
            hit = find_mention(str(key))
            if hit:
                yield place or "-", hit
            yield from _mentions(item, place if hit else f"{place}.{key}".strip("."))
    elif isinstance(value, list):
        for number, item in enumerate(value, start=1):
            yield from _mentions(item, f"{place}.{number}")
    elif isinstance(value, str) and (hit := find_mention(value)):
        yield place, hit


def read_settings(path: Path, problems: Problems) -> OwnSettings | None:
    """Read the YAML of a file; what is wrong with it is noted, field by field.

    Parameters
    ----------
    path : Path
    problems : Problems
        Gets what is wrong.

    Returns
    -------
    OwnSettings or None
        None if anything is wrong.
    """
    try:
        content = read_yaml(path)
    except ConfigError as error:
        line = re.search(r"line (\d+)", error.found)
        place = Place(int(line[1])) if line else NOWHERE
        problems.add(path.name, "yaml_unreadable", place, found=error.found, advice=error.to_do or "-")
        return None
    found = list(_mentions(content))
    for field, kind in found:
        where = words()["in_field"]
        problems.add(
            path.name,
            "personal_text",
            Place(column=field),
            what=tell_kind(kind),
            where=f"{where.it} / {where.en}",
        )
    if found:
        return None
    try:
        return OwnSettings.model_validate(content)
    except ValidationError as error:
        for fault in error.errors():
            _note_fault(path.name, fault, problems)
        return None


def _note_fault(file: str, fault: Any, problems: Problems) -> None:
    field = ".".join(str(part + 1) if isinstance(part, int) else part for part in fault["loc"])
    place = Place(column=field)
    if fault["type"] == "extra_forbidden":
        known = OwnIndicatorSettings if len(fault["loc"]) > 1 else OwnSettings
        near = difflib.get_close_matches(str(fault["loc"][-1]), known.model_fields, n=1, cutoff=0.5)
        problems.add(file, "yaml_field", place, field=field, near=near[0] if near else "-")
    elif fault["type"] == "missing":
        problems.add(file, "yaml_missing", place, field=field)
    else:
        given = fault["input"]
        shown = given if isinstance(given, str | int | float) else ""
        rule = fault["msg"].removeprefix("Value error, ")
        problems.add(file, "yaml_value", place, shown, field=field or "-", rule=rule)
