"""The tables of places and people every diagnosis rests on."""

from __future__ import annotations

from diagnosis.tables.contract import Column, Table, area_table, count_columns

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
    count_columns(*AGE_COLUMNS),
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

LABOUR_AREA_CLASSES = Table(
    "labour_area_classes",
    "What the official labour market areas (SLL) are specialised in; `area` as in the table labour_areas.",
    {
        "area_name": Column("text", may_be_missing=False),
        "class": Column("text", may_be_missing=False, values=tuple("ABCD")),
        "class_name": Column("text", may_be_missing=False, description="as published, Italian"),
        "group": Column("text", may_be_missing=False, description="class and number"),
        "group_name": Column("text", may_be_missing=False, description="as published, Italian"),
        "residents": Column("number", minimum=0, unit="residents"),
        "area_km2": Column("number", minimum=0, unit="km2"),
    },
    key=("area",),
)

LABOUR_AREAS_2011 = area_table(
    "labour_areas_2011", "Official labour market areas (SLL) of 2011, drawn from that year's census."
)

INNER_PROJECT_AREAS_2014 = area_table(
    "inner_project_areas_2014",
    "Project areas of the strategy for inner areas (SNAI), 2014-2020; most municipalities are in none.",
)

INNER_PROJECT_AREAS_2021 = area_table(
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
