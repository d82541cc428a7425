"""The tables of the economy: declared incomes, local units of enterprises, daily travel at the census of 2011."""

from __future__ import annotations

from diagnosis.tables.contract import Column, Table, count_columns

MASKED = Column(
    "text",
    required=False,
    description="names of the columns the publisher keeps secret in this row, separated by blanks",
)
"""What is masked is missing in its column and named here: no other gap is one of secrecy."""

SECTORS = ("industry", "services")
BUSINESS_COUNTS = ("local_units", "persons_employed", "employees", "wages", "value_added")
"""What is published for all sectors and for industry and services apart; money in thousands of euros."""

TRAVEL_MODES = ("public_transport", "service_bus", "private_motor", "walking_or_cycling", "other_mode")
TRAVEL_TIMES = ("up_to_15_minutes", "from_16_to_30_minutes", "from_31_to_60_minutes", "over_60_minutes")
PURPOSES = ("study", "work")

INCOME = Table(
    "income",
    "Personal income tax (IRPEF): taxpayers and what they declare, by municipality of tax residence.",
    {
        **count_columns("taxpayers", unit="taxpayers"),
        **{
            name: Column("number", unit="euros", description=text)
            for name, text in (
                ("total_income", "all income declared, also negative"),
                ("taxable_income", "after deductions"),
                ("net_tax", "after tax credits"),
            )
        },
        **{
            name: Column("number", required=False, unit="euros")
            for name in ("employment_income", "pension_income", "self_employment_income")
        },
        **{
            name: Column("number", required=False, minimum=0, unit="taxpayers", description=text)
            for name, text in (
                ("income_filers", "with a total income, of whatever sign"),
                ("filers_up_to_10000", "total income above 0 and up to 10,000 euros"),
                ("filers_75000_to_120000", "total income from 75,000 to 120,000 euros"),
                ("filers_over_120000", "total income above 120,000 euros"),
            )
        },
        "masked": MASKED,
    },
)

BUSINESS = Table(
    "business",
    "Local units of enterprises in industry and services, without agriculture, finance and the public sector.",
    {
        **{
            f"{prefix}{name}": Column(
                "number",
                minimum=None if name == "value_added" else 0,
                unit="thousands of euros" if name in ("wages", "value_added") else "",
                description="" if prefix else "industry and services together",
            )
            for prefix in ("", *(f"{sector}_" for sector in SECTORS))
            for name in BUSINESS_COUNTS
        },
        "turnover": Column("number", minimum=0, unit="thousands of euros"),
        "masked": MASKED,
    },
    key=("territory",),
)
"""`territory`: 6-digit municipality code, 3-digit province code, ``R`` + 2-digit region code, or ``IT``: the totals of
provinces, regions and the country are published ones, which hold what is masked in their municipalities."""

DAILY_TRAVEL_2011 = Table(
    "daily_travel_2011",
    "Residents who travel every day to study or work and back, census of 2011, by place of residence and of arrival.",
    {
        "travellers": Column(
            "number", minimum=0, may_be_missing=False, unit="residents", description="counted"
        ),
        "women": Column("number", minimum=0, may_be_missing=False, unit="residents", description="counted"),
        **{
            name: Column("number", minimum=0, may_be_missing=False, unit="residents", description="estimated")
            for name in (*TRAVEL_MODES, *TRAVEL_TIMES)
        },
    },
    key=("origin", "destination", "purpose"),
    indexed=False,
)
"""`destination`: a municipality, or ``F`` + the 3-digit code of a foreign state; `purpose`: one of :data:`PURPOSES`."""

ROAD_TIMES = Table(
    "travel_times",
    "Time and length of the way by road from one municipality to another, town hall to town hall.",
    {
        "minutes": Column(
            "number", minimum=0, may_be_missing=False, unit="minutes", description="by car, with traffic"
        ),
        "km": Column("number", minimum=0, unit="km"),
        "free_minutes": Column(
            "number", required=False, minimum=0, unit="minutes", description="by car, on empty roads"
        ),
    },
    key=("origin", "destination"),
    indexed=False,
)
"""No row: too far to be kept (see :mod:`diagnosis.sources.istat_travel`), no way by road, or a municipality itself."""
