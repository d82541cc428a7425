"""The contract of each table: columns, types and checks, stated once.

Every reader in :mod:`diagnosis.sources` returns tables of these shapes, every stage may rely on them.
Tables of municipalities are indexed by ``code``: text, 6 digits, vintage :data:`VINTAGE`.
"""

from diagnosis.tables.basic import (
    AGE_COLUMNS,
    CLASSIFICATION,
    FLOWS,
    HAZARDS,
    INNER_AREAS,
    INNER_PROJECT_AREAS_2014,
    INNER_PROJECT_AREAS_2021,
    LABOUR_AREA_CLASSES,
    LABOUR_AREAS,
    LABOUR_AREAS_2011,
    MARGINS,
    MUNICIPALITIES,
    OLDEST_AGE,
    POPULATION,
    PROVINCE_BODIES,
    PROVINCES,
    WELLBEING,
)
from diagnosis.tables.contract import CRS, VINTAGE, Column, Table
from diagnosis.tables.economy import BUSINESS, DAILY_TRAVEL_2011, INCOME, ROAD_TIMES
from diagnosis.tables.energy import (
    COVENANT_SIGNATORIES,
    ELECTRICITY_FACTORS,
    EMISSION_INVENTORIES,
    EMISSIONS_2005,
    ENERGY_ALLIANCES,
    VEHICLES,
)
from diagnosis.tables.services import GRADES, LIBRARIES, PUPILS, RESIDENTS_BY_YEAR, SCHOOLS

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
    for table in (
        MARGINS,
        LABOUR_AREA_CLASSES,
        LABOUR_AREAS_2011,
        INNER_PROJECT_AREAS_2014,
        INNER_PROJECT_AREAS_2021,
        INCOME,
        BUSINESS,
        DAILY_TRAVEL_2011,
        ROAD_TIMES,
        SCHOOLS,
        PUPILS,
        LIBRARIES,
        RESIDENTS_BY_YEAR,
        COVENANT_SIGNATORIES,
        EMISSION_INVENTORIES,
        EMISSIONS_2005,
        ELECTRICITY_FACTORS,
        VEHICLES,
    )
}
"""Further tables of Italy, read from its publishers' files; the folder of an own country is not asked for them."""

__all__ = [
    "AGE_COLUMNS",
    "BUSINESS",
    "CLASSIFICATION",
    "COVENANT_SIGNATORIES",
    "CRS",
    "DAILY_TRAVEL_2011",
    "ELECTRICITY_FACTORS",
    "EMISSIONS_2005",
    "EMISSION_INVENTORIES",
    "ENERGY_ALLIANCES",
    "FLOWS",
    "GRADES",
    "HAZARDS",
    "INCOME",
    "INNER_AREAS",
    "INNER_PROJECT_AREAS_2014",
    "INNER_PROJECT_AREAS_2021",
    "ITALIAN_TABLES",
    "LABOUR_AREAS",
    "LABOUR_AREAS_2011",
    "LABOUR_AREA_CLASSES",
    "LIBRARIES",
    "MARGINS",
    "MUNICIPALITIES",
    "OLDEST_AGE",
    "POPULATION",
    "PROVINCES",
    "PROVINCE_BODIES",
    "PUPILS",
    "RESIDENTS_BY_YEAR",
    "ROAD_TIMES",
    "SCHOOLS",
    "TABLES",
    "VEHICLES",
    "VINTAGE",
    "WELLBEING",
    "Column",
    "Table",
]
