"""A city's figures as indicators: values of municipalities, how groups are made of them, and catalogue entries."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.catalogue import MUNICIPAL_ID, Indicator
from diagnosis.schema import Text
from diagnosis.sources.own.fields import NO_YEAR, Figures
from diagnosis.sources.own.layout import OwnTable
from diagnosis.sources.own.location import Location
from diagnosis.sources.own.places import PlaceIndex
from diagnosis.sources.own.problems import NOWHERE, Place, Problems, problem_kinds
from diagnosis.sources.own.settings import RESIDENTS, OwnIndicatorSettings, OwnSettings, OwnText
from diagnosis.sources.own.units import (
    AMOUNTS,
    PERCENT,
    UNDECLARED,
    Unit,
    counts_people,
    find_scale,
    find_unit,
)
from diagnosis.sources.own.vintages import carry_figures
from diagnosis.sources.tabular import normalise
from diagnosis.tables import VINTAGE

OWN_DOMAIN = "own"
OWN_SOURCE = "own"
LONGEST_ID = 60


class OwnIndicator(Indicator):
    """An entry of the catalogue that comes from the city: marked as local, without an SDG where none is said."""

    sdg: int | None = None  # type: ignore[assignment]
    local: bool = True
    file: str
    source_text: Text | None = None
    licence: str | None = None
    public: bool = False
    people: bool = False
    small_cell: int


@dataclass(frozen=True)
class Recipe:
    """How the value of an indicator is made of counts, for a municipality and for a group of them.

    Attributes
    ----------
    numerator, denominator : str or None
        Columns of :attr:`diagnosis.sources.own.data.OwnData.counts`, or ``"residents"``.
    factor : float
    kind : {"sum", "mean"}
        ``"sum"``: numerators and denominators are summed over a group, then divided; without a denominator the sum
        is the value. ``"mean"``: the value itself; for a group the mean weighted by the denominator, and missing
        where there is none.
    """

    numerator: str
    denominator: str | None
    factor: float
    kind: str


@dataclass(eq=False)
class OwnResult:
    """One indicator read from a file: `series` and `counts` by code and year."""

    entry: OwnIndicator
    recipe: Recipe
    series: pd.DataFrame
    counts: dict[str, pd.Series]
    counted: pd.Series
    """Number of people behind the value of the latest year; missing where none are counted."""


@dataclass(eq=False)
class IndicatorReader:
    """Turns the figures of one table into indicators.

    Parameters
    ----------
    table, settings, location, index, register, problems
        What was found of the file.
    figures : dict of str to Figures
        With their numbers.
    residents : Series or None
        Population by code of 2022.
    domains : collection of str
        Ids of the themes there are.
    taken : set of str
        Ids in use; gets those given here.
    """

    table: OwnTable
    settings: OwnSettings
    location: Location
    index: PlaceIndex
    register: pd.DataFrame
    problems: Problems
    figures: Mapping[str, Figures]
    residents: pd.Series | None
    domains: Collection[str]
    taken: set[str]

    def read(self) -> list[OwnResult]:
        """Read every indicator that the YAML names or, without one, every figure."""
        wanted = self.settings.indicators or [
            OwnIndicatorSettings(name=OwnText(it=label, en=label), column=label) for label in self.figures
        ]
        found = [self._read_one(item) for item in wanted]
        return [item for item in found if item is not None]

    def _read_one(self, item: OwnIndicatorSettings) -> OwnResult | None:
        labels = [item.column, item.numerator, item.denominator, item.weight]
        own = [label for label in labels if label is not None and label != RESIDENTS]
        identifier = self._identify(item)
        domain = item.domain or OWN_DOMAIN
        if domain not in self.domains:
            self._add("unknown_domain", domain=domain, found=", ".join(self.domains))
            return None
        if RESIDENTS in labels and self.residents is None:
            self._add("residents_needed")
            return None
        found = {label: figures for label in own if (figures := self._figures(label)) is not None}
        if identifier is None or len(found) < len(set(own)):
            return None
        if item.numerator is not None:
            below = found.get(item.denominator or "")
            return self._read_ratio(item, identifier, domain, found[item.numerator], below)
        figures = found[item.column] if item.column else next(iter(self.figures.values()))
        return self._read_value(item, identifier, domain, figures, found.get(item.weight or ""))

    def _figures(self, label: str) -> Figures | None:
        """Return the figures of a label; None where there are none, which was noted when they were gathered."""
        if label in self.figures:
            return self.figures[label]
        return next(
            (item for name, item in self.figures.items() if normalise(name) == normalise(label)), None
        )

    def _read_value(
        self,
        item: OwnIndicatorSettings,
        identifier: str,
        domain: str,
        figures: Figures,
        weights: Figures | None,
    ) -> OwnResult:
        unit = self._unit(item, figures)
        values = figures.numbers.values.copy()
        if unit.key == PERCENT or (figures.numbers.signed.any() and item.unit is None):
            unit = find_unit(PERCENT) if unit is UNDECLARED else unit
            values = values * self._factors(figures, item)
            self._check_percent(figures, values)
        people = item.people if item.people is not None else counts_people(unit, figures.label, values)
        if item.summed or (people and unit is not UNDECLARED):
            self._check_negative(figures, values)
        summed = item.summed or self.settings.count is not None
        series = self._by_year(figures, values, summed=summed)
        latest = _latest(series)
        counts, weight = {identifier: latest}, item.weight
        if weights is not None:
            weight = f"{identifier}_weight"
            self._check_negative(weights, weights.numbers.values)
            counts[weight] = _latest(self._by_year(weights, weights.numbers.values, summed=True))
        if not summed and weights is None and (unit.key in AMOUNTS or unit.of_people):
            self._add("not_summed", self.table.place(figures.first_column))
        kind = "count" if summed else "mean"
        entry = self._entry(item, identifier, domain, unit, kind, series, people=people)
        recipe = Recipe(identifier, weight, 1.0, "sum" if summed else "mean")
        return OwnResult(entry, recipe, series, counts, latest if people else latest * math.nan)

    def _read_ratio(
        self, item: OwnIndicatorSettings, identifier: str, domain: str, above: Figures, below: Figures | None
    ) -> OwnResult:
        unit = self._declared(item.unit) if item.unit else UNDECLARED
        factor = item.factor or unit.factor
        self._check_negative(above, above.numbers.values)
        numerators = self._by_year(above, above.numbers.values, summed=True)
        if below is None:
            denominators = pd.DataFrame(dict.fromkeys(numerators.columns, self.residents))
            denominator = RESIDENTS
        else:
            self._check_negative(below, below.numbers.values)
            denominators = self._by_year(below, below.numbers.values, summed=True)
            denominator = f"{identifier}_denominator"
        denominators = _same_years(denominators, numerators)
        series = (factor * numerators / denominators.where(denominators != 0)).astype(float)
        for code in series.index[((denominators == 0) & numerators.notna()).any(axis=1)]:
            self._add("zero_denominator", Place(column=item.denominator or ""), self.index.official(code))
        if unit.key == PERCENT and factor == 100:
            for code in series.index[(numerators > denominators).any(axis=1)]:
                self._add("larger_than_whole", Place(column=item.numerator or ""), self.index.official(code))
        year = _last_year(series)
        counted = numerators[year]
        counts = {f"{identifier}_numerator": counted}
        if below is not None:
            counts[denominator] = denominators[year]
        people = item.people
        if people is None:
            people = counts_people(find_unit(above.unit), above.label, above.numbers.values)
        entry = self._entry(item, identifier, domain, unit, "ratio", series, people=people)
        recipe = Recipe(f"{identifier}_numerator", denominator, factor, "sum")
        return OwnResult(entry, recipe, series, counts, counted if people else counted * math.nan)

    @staticmethod
    def _declared(text: OwnText) -> Unit:
        """Return the unit that the YAML gives, in its own English if there is any."""
        unit = find_unit(text.it)
        return Unit(text.complete(), unit.key, unit.factor, unit.of_people) if text.en else unit

    def _unit(self, item: OwnIndicatorSettings, figures: Figures) -> Unit:
        if item.unit is not None:
            return self._declared(item.unit)
        place = self.table.place(figures.first_column)
        if not figures.unit:
            if not figures.numbers.signed.any():
                self._add("no_unit", place)
            return UNDECLARED
        unit = find_unit(figures.unit)
        if not unit.key:
            self._add("unknown_unit", place, unit=figures.unit)
        return unit

    def _factors(self, figures: Figures, item: OwnIndicatorSettings) -> np.ndarray:
        """Bring percentages to 0-100, and say how they were read."""
        scale = find_scale(figures.numbers, figures.cells["percent"].to_numpy(bool), item.scale)
        if not scale.kind:
            return scale.factors
        values = figures.numbers.values
        known = values[np.isfinite(values)]
        facts = {"low": f"{known.min():.4g}", "high": f"{known.max():.4g}"}
        every = scale.kind in ("mixed_scale", "share_above_one")
        factors = scale.factors.copy()
        if problem_kinds()[scale.kind].severity == "error":  # read leniently, they are missing
            factors[list(scale.positions)] = np.nan
        for i in scale.positions if every else scale.positions[:1]:
            place = self._place(figures, i) if every else self.table.place(figures.first_column)
            self._add(scale.kind, place, figures.cells["cell"].iloc[i] if every else "", **facts)
        return factors

    def _check_percent(self, figures: Figures, values: np.ndarray) -> None:
        for i in np.flatnonzero((values < 0) | (values > 100)).tolist():
            self._add("outside_percent", self._place(figures, i), figures.cells["cell"].iloc[i])

    def _check_negative(self, figures: Figures, values: np.ndarray) -> None:
        for i in np.flatnonzero(values < 0).tolist():
            self._add("negative_count", self._place(figures, i), figures.cells["cell"].iloc[i])
            values[i] = np.nan

    def _by_year(self, figures: Figures, values: np.ndarray, *, summed: bool) -> pd.DataFrame:
        """Put figures into one row a municipality of 2022 and one column a year."""
        table = figures.cells.assign(value=values)
        table = table[table["value"].notna()]
        repeated = table.duplicated(["place", "year"], keep="first")
        if self.settings.repeated == "error" and self.settings.count is None and repeated.any():
            first = table.drop_duplicates(["place", "year"]).set_index(["place", "year"])["row"]
            for row in table[repeated].itertuples():
                place = self.table.place(int(row.column), int(row.row))
                official = self.index.official(row.place)
                other = str(first[row.place, row.year])
                self._add("repeated_place", place, row.cell, official=official, other=other)
            table = table[~table.duplicated(["place", "year"], keep=False)]
        wide = table.pivot_table(index="place", columns="year", values="value", aggfunc="sum")
        if wide.empty:
            return pd.DataFrame(
                {NO_YEAR: pd.Series(dtype=float)}, index=pd.Index([], name="code", dtype="str")
            )
        wide.columns = wide.columns.astype(str)
        wide.index = pd.Index(wide.index.astype(str), name="code")
        if self.location.vintage != VINTAGE:
            wide, notes = carry_figures(
                wide,
                self.location.vintage,
                summed=summed,
                register=self.register,
                published=self.location.published,
            )
            if notes:
                self._add("carried", found=" ".join(notes[:5]))
        if self.settings.count:  # none were found there, which is a count too
            wide = (
                wide.reindex(wide.index.union(pd.Index(sorted(self.index.territory))))
                .fillna(0)
                .rename_axis("code")
            )
        return wide

    def _identify(self, item: OwnIndicatorSettings) -> str | None:
        """Return the id of an indicator, made from its name where none is given; None where it is taken."""
        if item.id is not None:
            if item.id in self.taken:
                self._add("taken_id", id=item.id)
                return None
            self.taken.add(item.id)
            return item.id
        base = f"own_{normalise(item.name.it)}"[:LONGEST_ID].strip("_")
        base = base if MUNICIPAL_ID.fullmatch(base) else "own_indicator"
        identifier, number = base, 2
        while identifier in self.taken:
            identifier, number = f"{base}_{number}", number + 1
        self.taken.add(identifier)
        return identifier

    def _entry(
        self,
        item: OwnIndicatorSettings,
        identifier: str,
        domain: str,
        unit: Unit,
        kind: str,
        series: pd.DataFrame,
        *,
        people: bool,
    ) -> OwnIndicator:
        year = item.year or _last_year(series)
        if year == NO_YEAR:
            self._add("no_year", Place(column=item.name.it))
        source = item.source or self.settings.source
        ratio = kind == "ratio"
        file = self.table.file
        description = item.description or OwnText(
            it=f"Dato della città, dal file {file}.", en=f"Data of the city, from the file {file}."
        )
        return OwnIndicator(
            id=identifier,
            level="municipality",
            domain=domain,
            name=item.name.complete(),
            description=description.complete(),
            unit=unit.text,
            decimals=item.decimals if item.decimals is not None else _decimals(series),
            direction=item.direction,
            sdg=item.sdg,
            sources=(OWN_SOURCE, file),
            year=year,
            kind=kind,
            numerator=_words(item.numerator) if ratio else None,
            denominator=_words(item.denominator) if ratio else None,
            formula=f"{item.numerator} / {item.denominator}" if ratio else "",
            scored=item.scored,
            limits=item.limits.complete() if item.limits else None,
            file=file,
            source_text=source.complete() if source else None,
            licence=item.licence or self.settings.licence,
            public=self.settings.public if item.public is None else item.public,
            people=people,
            small_cell=self.settings.small_cell,
        )  # fmt: skip

    def _place(self, figures: Figures, position: int) -> Place:
        cells = figures.cells
        return self.table.place(int(cells["column"].iloc[position]), int(cells["row"].iloc[position]))

    def _add(self, kind: str, place: Place = NOWHERE, value: object = "", **values: object) -> None:
        self.problems.add(self.table.file, kind, place, value, self.table.sheet, **values)


def _words(label: str | None) -> Text:
    if label == RESIDENTS:
        return Text(it="residenti", en="residents")
    return Text(it=label or "–", en=label or "–")


def _decimals(series: pd.DataFrame) -> int:
    values = series.to_numpy(float)
    known = values[np.isfinite(values)]
    return 0 if (known == np.round(known)).all() else 1


def _last_year(series: pd.DataFrame) -> str:
    """Return the latest year that has a value."""
    years = [year for year in series.columns if series[year].notna().any()] or list(series.columns)
    return max(years, key=lambda year: (year != NO_YEAR, year))


def _latest(series: pd.DataFrame) -> pd.Series:
    return series[_last_year(series)]


def _same_years(denominators: pd.DataFrame, numerators: pd.DataFrame) -> pd.DataFrame:
    """Align denominators with numerators; one of a single year, or of none said, serves all years."""
    if set(numerators.columns) - set(denominators.columns) and denominators.shape[1] == 1:
        only = denominators.iloc[:, 0]
        denominators = pd.DataFrame(dict.fromkeys(numerators.columns, only))
    return denominators.reindex(index=numerators.index, columns=numerators.columns)
