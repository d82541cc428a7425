"""The tables of schools, pupils and libraries, and of residents at several dates."""

from __future__ import annotations

from diagnosis.tables.contract import Column, Table, count_columns

GRADES = ("preschool", "primary", "lower_secondary", "upper_secondary")
"""School grades: infanzia (ages 3-5), primaria (6-10), secondaria di I grado (11-13) and di II grado (14-18)."""

SCHOOLS = Table(
    "schools",
    "Schools by grade where they stand, 0 where the registers list none; missing where they do not cover the place.",
    {
        **count_columns(*(f"{grade}_schools" for grade in GRADES), unit="schools"),
        **count_columns(*(f"{grade}_public_schools" for grade in GRADES), unit="schools"),
        "first_cycle_state_schools": Column(
            "number", minimum=0, unit="schools", description="state schools of the first three grades"
        ),
        "first_cycle_led_elsewhere": Column(
            "number",
            minimum=0,
            unit="schools",
            description="those of them whose institute has its head office in another municipality",
        ),
    },
)

PUPILS = Table(
    "pupils",
    "Pupils counted by grade where they attend, not where they live, and the most that there may be in all; "
    "`unplaced` are those of the whole school province whose school is in no register.",
    {
        **count_columns(*(f"{grade}_pupils" for grade in GRADES), unit="pupils"),
        **count_columns(*(f"{grade}_pupils_at_most" for grade in GRADES), unit="pupils"),
        **count_columns(*(f"{grade}_counted_schools" for grade in GRADES), unit="schools"),
        **count_columns(*(f"{grade}_uncounted_schools" for grade in GRADES), unit="schools"),
        **count_columns(*(f"{grade}_masked_schools" for grade in GRADES), unit="schools"),
        "preschool_state_pupils": Column("number", minimum=0, unit="pupils"),
        "school_province": Column("text", description="sign that the codes of its schools begin with"),
        **count_columns(*(f"{grade}_unplaced" for grade in GRADES), unit="pupils"),
    },
)

LIBRARIES = Table(
    "libraries",
    "Libraries in the national register, of any owner and kind; 0 where none is registered.",
    {"libraries": Column("number", minimum=0, unit="libraries")},
)

RESIDENTS_BY_YEAR = Table(
    "residents_by_year",
    "Residents on 1 January of each year; a municipality merged since 2022 has no row.",
    {
        "residents": Column("number", minimum=0, may_be_missing=False, unit="residents"),
        "provisional": Column(
            "number",
            minimum=0,
            maximum=1,
            may_be_missing=False,
            description="1: before the census corrects it",
        ),
    },
    key=("code", "year"),
    indexed=False,
)
"""`year` as text of 4 digits. A provisional count goes into no series with a definitive one of a later year."""
