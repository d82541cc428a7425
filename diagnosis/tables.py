"""The contract of each table: columns, types and checks, stated once.

Every reader in :mod:`diagnosis.sources` returns tables of these shapes, every stage may rely on them.
Tables of municipalities are indexed by ``code``: text, 6 digits, vintage :data:`VINTAGE`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples

VINTAGE = "2022"
CRS = "EPSG:3035"
"""Metric equal-area system of all geometries (ETRS89 / LAEA Europe)."""

OLDEST_AGE = 100
AGE_COLUMNS = tuple(f"{sex}{age}" for sex in "fm" for age in range(OLDEST_AGE + 1))
"""Columns of the population table: ``f0`` ... ``f100`` women, ``m0`` ... ``m100`` men, 100 = 100 and over."""


PROVINCE_BODIES = (
    "provincia",
    "città metropolitana",
    "libero consorzio comunale",
    "ente di decentramento regionale",
    "provincia autonoma",
    "regione autonoma",
)
"""Legal kinds of province-level bodies; the Aosta Valley carries out the functions of a province itself."""


@dataclass(frozen=True)
class Column:
    """One column of a table: its kind and what its values must satisfy."""

    kind: str  # "text" or "number"
    required: bool = True
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    may_be_missing: bool = True
    unit: str = ""
    description: str = ""


@dataclass(frozen=True)
class Table:
    """The contract of one table."""

    name: str
    description: str
    columns: dict[str, Column]
    key: tuple[str, ...] = ("code",)
    indexed: bool = True  # indexed by its one-column key; otherwise the key is columns

    def check(self, frame: pd.DataFrame, origin: str = "") -> pd.DataFrame:
        """Return `frame` with its columns in the contract's types, or say what breaks it.

        Parameters
        ----------
        frame : pandas.DataFrame
            Table as read: text or numbers; key as index or as columns.
        origin : str, optional
            File or publisher named in the error.

        Returns
        -------
        pandas.DataFrame
            Contract columns first, further columns kept behind them.

        Raises
        ------
        diagnosis.errors.InputError
            A column is missing, not numeric, out of range, or the key is empty or repeated.
        """
        label = f"{self.name} ({origin})" if origin else self.name
        keyed = set(self.key) & set(frame.index.names)
        names = pd.Index([*keyed, *frame.columns])
        if names.has_duplicates:
            repeated = names[names.duplicated()].unique()
            raise InputError(
                f"{label}: a column must be there once", f"repeated: {examples(map(str, repeated))}"
            )
        frame = frame.reset_index() if keyed else frame.copy()
        needed = [*self.key, *(name for name, column in self.columns.items() if column.required)]
        absent = [name for name in needed if name not in frame.columns]
        if absent:
            raise InputError(
                f"{label}: the columns {', '.join(needed)} are needed",
                f"missing: {examples(absent)}; found: {examples(map(str, frame.columns), 12)}",
                "Add or rename the columns",
            )
        for name in self.key:
            frame[name] = _text(frame[name])
            if (empty := frame[name].isna()).any():
                raise InputError(
                    f"{label}: every row needs a value in {name!r}", f"{int(empty.sum())} rows have none"
                )
        for name, column in self.columns.items():
            if name not in frame.columns or name in self.key:
                continue
            frame[name] = (
                _number(frame[name], column, label) if column.kind == "number" else _text(frame[name])
            )
            if column.values:
                self._check_values(frame, name, column, label)
            if not column.may_be_missing and (gap := frame[name].isna()).any():
                raise InputError(
                    f"{label}: {name!r} must have a value in every row",
                    f"{int(gap.sum())} are empty, for instance {examples(self._keys(frame, gap))}",
                    "Fill them or remove the rows",
                )
        if (repeated := frame.duplicated(list(self.key))).any():
            raise InputError(
                f"{label}: {' + '.join(self.key)} must be unique",
                f"{int(repeated.sum())} repeated, for instance {examples(self._keys(frame, repeated))}",
                "Add the rows up or remove the repeated ones",
            )
        order = [
            *(() if self.indexed else self.key),
            *(c for c in self.columns if c in frame and c not in self.key),
        ]
        if self.indexed:
            frame = frame.set_index(self.key[0])
        # Column by column leaves a frame in pieces; copied, pandas does not warn of it at the next column.
        return frame[[*order, *(c for c in frame.columns if c not in order)]].copy()

    def _keys(self, frame: pd.DataFrame, mask: pd.Series) -> list[str]:
        return ["/".join(row) for row in frame.loc[mask, list(self.key)].itertuples(index=False)]

    def _check_values(self, frame: pd.DataFrame, name: str, column: Column, label: str) -> None:
        wrong = sorted(set(frame[name].dropna().unique()) - set(column.values))
        if wrong:
            raise InputError(
                f"{label}: {name!r} must be one of {', '.join(column.values)}", f"found {examples(wrong)}"
            )


def _text(values: pd.Series) -> pd.Series:
    text = values.astype("str").str.strip()
    return text.where(values.notna() & (text != ""))


def _number(values: pd.Series, column: Column, label: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce")
    if not isinstance(numbers.dtype, np.dtype):  # pandas' own types have a missing value that is not NaN
        numbers = numbers.astype("float64")
    blank = values.isna()
    if not pd.api.types.is_numeric_dtype(values):
        blank |= values.astype("str").str.strip() == ""
    broken = (numbers.isna() & ~blank) | np.isinf(numbers)
    if broken.any():
        raise InputError(
            f"{label}: {values.name!r} must hold numbers, with a point for decimals",
            f"{int(broken.sum())} do not, for instance {examples(values[broken].astype('str'))}",
        )
    for limit, wrong in (
        (column.minimum, numbers < column.minimum if column.minimum is not None else None),
        (column.maximum, numbers > column.maximum if column.maximum is not None else None),
    ):
        if wrong is not None and wrong.any():
            bound = "at least" if limit == column.minimum else "at most"
            raise InputError(
                f"{label}: {values.name!r} must be {bound} {limit:g}",
                f"{int(wrong.sum())} are not, for instance {examples(numbers[wrong])}",
            )
    return numbers


def _counts(*names: str, unit: str = "residents") -> dict[str, Column]:
    return {name: Column("number", minimum=0, unit=unit) for name in names}


def _area_table(name: str, description: str) -> Table:
    columns = {
        "area": Column("text", may_be_missing=False, description="code, or the name where there is none"),
        "area_name": Column("text", required=False),
    }
    return Table(name, description, columns)


MUNICIPALITIES = Table(
    "municipalities",
    "One row a municipality; as a GeoDataFrame its polygons are in `geometry`, in the metric CRS.",
    {
        "name": Column("text", may_be_missing=False, description="official name"),
        "province": Column(
            "text", may_be_missing=False, description="code of the province-level body, 3 digits"
        ),
        "province_name": Column("text", may_be_missing=False),
        "province_sign": Column("text", required=False, description="car sign; NA is Napoli"),
        "region": Column("text", may_be_missing=False, description="code of the region, 2 digits"),
        "region_name": Column("text", may_be_missing=False),
        "capital": Column(
            "number",
            minimum=0,
            maximum=1,
            may_be_missing=False,
            description="1: capital of its province-level body",
        ),
        "area_km2": Column("number", minimum=0, unit="km2"),
    },
)

PROVINCES = Table(
    "provinces",
    "Province-level bodies with their legal kind.",
    {
        "name": Column("text", may_be_missing=False),
        "sign": Column("text", required=False, description="car sign; NA is Napoli"),
        "body": Column("text", may_be_missing=False, values=PROVINCE_BODIES, description="legal kind"),
        "region": Column("text", may_be_missing=False),
        "region_name": Column("text", may_be_missing=False),
    },
    key=("province",),
)

POPULATION = Table(
    "population",
    "Residents by sex and single year of age; a municipality without data has no row.",
    _counts(*AGE_COLUMNS),
)

FLOWS = Table(
    "flows",
    "Commuters from the municipality of residence to that of work; origin = destination included.",
    {
        "commuters": Column("number", minimum=0, may_be_missing=False, unit="commuters"),
        "estimated": Column(
            "number", required=False, minimum=0, maximum=1, description="1: not an observed count"
        ),
    },
    key=("origin", "destination"),
    indexed=False,
)

MARGINS = Table(
    "margins",
    "Commuters and numbers of connections of each municipality with the others; `internal` stay in it.",
    {
        name: Column("number", required=name != "internal", minimum=0, may_be_missing=False, unit=unit)
        for name, unit in (
            ("total_out", "commuters"),
            ("total_in", "commuters"),
            ("internal", "commuters"),
            ("n_destinations", "municipalities"),
            ("n_origins", "municipalities"),
        )
    },
)

HAZARDS = Table(
    "hazards",
    "Area and residents exposed to landslides (P3+P4) and to floods (medium probability, P2).",
    {
        "residents": Column(
            "number", minimum=0, unit="residents", description="denominator used by the publisher"
        ),
        "landslide_area_km2": Column("number", minimum=0, unit="km2"),
        "landslide_residents": Column("number", minimum=0, unit="residents"),
        "flood_area_km2": Column("number", minimum=0, unit="km2"),
        "flood_residents": Column("number", minimum=0, unit="residents"),
        **{
            name: Column("number", required=False, minimum=0)
            for name in (
                "families",
                "landslide_families",
                "flood_families",
                "buildings",
                "landslide_buildings",
                "flood_buildings",
                "local_units",
                "landslide_local_units",
                "flood_local_units",
                "heritage",
                "landslide_heritage",
                "flood_heritage",
            )
        },
    },
)

INNER_AREAS = Table(
    "inner_areas",
    "National strategy for inner areas (SNAI): class and road minutes to the nearest pole.",
    {
        "snai_class": Column("text", values=tuple("ABCDEF")),
        "minutes_to_pole": Column("number", minimum=0, unit="minutes"),
        "pole_code": Column("text", required=False),
        "pole_name": Column("text", required=False),
    },
)

CLASSIFICATION = Table(
    "classification",
    "Degree of urbanisation, altimetric zone, altitude of the centre, coast and island.",
    {
        "degurba": Column("text", values=("1", "2", "3")),
        "altimetric_zone": Column("text", values=("1", "2", "3", "4", "5")),
        "altitude_m": Column("number", unit="m"),
        "coastal": Column("number", minimum=0, maximum=1),
        "island": Column("number", minimum=0, maximum=1),
    },
)

LABOUR_AREAS = Table(
    "labour_areas",
    "Official labour market areas (SLL) of the national statistical institute.",
    {"area": Column("text"), "area_name": Column("text", required=False)},
)

LABOUR_AREAS_2011 = _area_table(
    "labour_areas_2011", "Official labour market areas (SLL) of 2011, drawn from that year's census."
)

INNER_PROJECT_AREAS_2014 = _area_table(
    "inner_project_areas_2014",
    "Project areas of the strategy for inner areas (SNAI), 2014-2020; most municipalities are in none.",
)

INNER_PROJECT_AREAS_2021 = _area_table(
    "inner_project_areas_2021",
    "Project areas of the strategy for inner areas (SNAI), 2021-2027; most municipalities are in none.",
)

WELLBEING = Table(
    "wellbeing",
    "Well-being indicators of province-level bodies, regions and the country, by year (BES dei territori).",
    {"value": Column("number", may_be_missing=False)},
    key=("territory", "indicator", "year"),
    indexed=False,
)
"""`territory`: 3-digit province code, ``R`` + 2-digit region code, or ``IT``; `year` as text of 4 digits."""

TABLES = {
    table.name: table
    for table in (
        MUNICIPALITIES,
        PROVINCES,
        POPULATION,
        FLOWS,
        HAZARDS,
        INNER_AREAS,
        CLASSIFICATION,
        LABOUR_AREAS,
        WELLBEING,
    )
}
"""The tables a country may have, in a folder of its own or as Italy."""

ITALIAN_TABLES = {
    table.name: table
    for table in (MARGINS, LABOUR_AREAS_2011, INNER_PROJECT_AREAS_2014, INNER_PROJECT_AREAS_2021)
}
"""Further tables of Italy, read from its publishers' files; the folder of an own country is not asked for them."""
