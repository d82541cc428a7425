"""Energy and climate: the Covenant of Mayors and its inventories, emission factors, registered vehicles."""

from __future__ import annotations

from diagnosis.tables.contract import Column, Table, count_columns

SIGNATORY_KINDS = ("municipality", "group", "body", "unmatched")
MATCHES = ("name", "bilingual", "renamed", "former", "abbreviation", "short", "spelling")
COMMITMENTS = ("commitment_2020", "commitment_2030", "commitment_2050", "adaptation")
KEY_SECTORS = ("municipal", "tertiary", "residential", "transport")
"""Sectors every inventory of the Covenant is asked for; the others are optional."""

SECTORS = (*KEY_SECTORS, "industry", "waste")
VEHICLES_BY_KIND = (
    "buses",
    "lorries",
    "special_vehicles",
    "cars",
    "three_wheelers",
    "motorcycles",
    "special_motor_vehicles",
    "special_trailers",
    "goods_trailers",
    "tractors",
    "undefined",
)

COVENANT_SIGNATORIES = Table(
    "covenant_signatories",
    "Italian signatories of the Covenant of Mayors, and the municipality each one is, where its name says so.",
    {
        "kind": Column(
            "text",
            may_be_missing=False,
            values=SIGNATORY_KINDS,
            description="group: a joint plan with members; body: province, union or other body, members not listed",
        ),
        "code": Column("text", description="of the municipality of 2022; missing for the other kinds"),
        "match": Column("text", values=MATCHES, description="how the name was recognised"),
        "candidates": Column(
            "text", description="unmatched: codes of similar names, nearest first, by blanks"
        ),
        "possible": Column(
            "text", description="unmatched: candidates that it may well be, by name or position"
        ),
        "name": Column("text", description="as published; missing where it could be a person's"),
        "status": Column("text", may_be_missing=False, values=("published", "on_hold")),
        "adhesion": Column(
            "text", may_be_missing=False, values=("individual", "joint_individual", "joint_collective")
        ),
        "adhesion_date": Column("text", description="ISO day"),
        "group": Column(
            "text", description="signatory that is the group it belongs to; its number if it is not listed"
        ),
        "group_name": Column("text"),
        "residents": Column("number", minimum=0, unit="residents", description="declared at adhesion"),
        **{
            name: Column("number", minimum=0, maximum=1, may_be_missing=False, description="1: committed")
            for name in COMMITMENTS
        },
    },
    key=("signatory",),
)
"""`signatory` is the identifier ``gcom_id`` of the release of January 2024."""

ENERGY_ALLIANCES = Table(
    "energy_alliances",
    "Municipalities and the joint plan of the Covenant of Mayors they belong to: a list of co-operation.",
    {
        "alliance_name": Column("text"),
        "form": Column(
            "text",
            may_be_missing=False,
            values=("joint_individual", "joint_collective"),
            description="each with its own target, or one target for all",
        ),
        "status": Column("text", may_be_missing=False, values=("published", "on_hold")),
        "former": Column(
            "number",
            minimum=0,
            maximum=1,
            may_be_missing=False,
            description="1: only a former municipality that is part of it is in the plan",
        ),
    },
    key=("code", "alliance"),
    indexed=False,
)

EMISSION_INVENTORIES = Table(
    "emission_inventories",
    "Greenhouse gas inventories that Italian signatories of the Covenant of Mayors declared, raw; tonnes a year.",
    {
        "kind": Column("text", may_be_missing=False, values=("baseline", "monitoring")),
        "year": Column("text", may_be_missing=False),
        "residents": Column(
            "number", minimum=1, may_be_missing=False, unit="residents", description="of the inventory's year"
        ),
        "factors": Column(
            "text", may_be_missing=False, values=("IPCC", "LCA"), description="direct, or over the life cycle"
        ),
        **count_columns(*SECTORS, unit="t CO2eq"),
        **count_columns(*(f"{sector}_energy" for sector in SECTORS), unit="MWh"),
    },
    key=("signatory", "inventory"),
    indexed=False,
)
"""`signatory` is the identifier of 2019: see :data:`diagnosis.indicators.energy.REASSIGNED_FROM`."""

EMISSIONS_2005 = Table(
    "emissions_2005",
    "Emissions of 2005 on the land of Italian signatories by the gridded inventory EDGAR, beside those declared.",
    count_columns("buildings", "road", unit="t CO2eq"),
    key=("signatory",),
)

ELECTRICITY_FACTORS = Table(
    "electricity_factors",
    "Emissions of the electricity consumed, by country and year (Covenant of Mayors, 2017).",
    {"factor": Column("number", minimum=0, unit="t CO2eq/MWh")},
    key=("country", "year"),
    indexed=False,
)

VEHICLES = Table(
    "vehicles",
    "Registered vehicles of each province, by kind.",
    count_columns(*VEHICLES_BY_KIND, "total", unit="vehicles"),
    key=("province",),
)
