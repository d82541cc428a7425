"""Observations of ISTAT's SDMX service as tables of the contract: residents by age and sex, BES of territories.

Which dimension is which, and which code is men or a province, is read from the structure of the data flow: the names of
its dimensions and codes. The names looked for are those that public projects report; none was met in a real answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

import pandas as pd

from diagnosis.codes import carry
from diagnosis.codes.history import CodeHistory
from diagnosis.errors import InputError, examples
from diagnosis.sources.embedded import read_register
from diagnosis.sources.sdmx_files import TIME, FlowStructure
from diagnosis.tables import OLDEST_AGE, POPULATION, VINTAGE, WELLBEING

POPULATION_FLOW = "22_289_DF_DCIS_POPRES1_24"
"""Residents on 1 January by municipality, single age and sex. One project found no rows of municipalities in it."""
CENSUS_FLOW = "DF_DCSS_POP_DEMCITMIG_SETA_1"
"""The same of the permanent census, on 31 December, by citizenship too."""
WELLBEING_FLOW = "DF_BES_TERRIT_0T"
"""All domains of BES dei territori; ``DF_BES_TERRIT_1`` ... ``_12`` have one domain each."""

AREA, SEX, AGE = ("REF_AREA", "ITTER107"), ("SEX", "GENDER", "SEXISTAT1"), ("AGE", "AGE_NOCLASS", "ETA1")
"""Names that a dimension has in one data flow or another."""
INDICATOR, EDITION, TOTAL_SEXES = "DATA_TYPE", "EDITION", ("T", "9")
SEXES = {"m": ("masch", "uomin", "male", "men"), "f": ("femmin", "donn", "female", "women")}
"""Beginnings of the names of the codes."""
MUNICIPALITY = re.compile(r"\d{6}")
SINGLE_AGE = re.compile(r"Y(\d{1,3})")
OLDEST = re.compile(r"Y_GE(\d{1,3})")
COUNTRY, REGION, PROVINCE = re.compile("IT"), re.compile(r"IT[A-Z][0-9A-Z]"), re.compile(r"IT[A-Z0-9]{3}")
AOSTA = {"aosta": "007"}
"""The other name of a province, beside that of the register."""


def to_population(
    observations: pd.DataFrame,
    structure: FlowStructure,
    day: str,
    *,
    published: pd.DataFrame | None = None,
    history: CodeHistory | None = None,
) -> pd.DataFrame:
    """Arrange residents by single age and sex as the table ``population``.

    Parameters
    ----------
    observations : DataFrame
        Of one year, as returned by :meth:`diagnosis.sources.istat_sdmx.IstatService.observations`; totals of sexes or
        ages, and places that are no municipality, are left out.
    structure : FlowStructure
        Of the data flow.
    day : str
        Day of the municipalities, for instance ``"2022-01-01"``.
    published, history
        See :func:`diagnosis.codes.link_codes`.

    Returns
    -------
    DataFrame
        In the contract :data:`diagnosis.tables.POPULATION`, codes of 2022. A municipality with an age that is missing
        has no value there; of one merged since 2022 the parts have no row.

    Raises
    ------
    diagnosis.errors.InputError
        There are several years, a dimension besides place, sex and age has several codes, or sex or age is not to be
        told from the structure.
    """
    area, sex, age = (_find(structure, names) for names in (AREA, SEX, AGE))
    _check_single(
        observations, [TIME, *(name for name in structure.dimensions if name not in (area, sex, age))]
    )
    letters = _sexes(structure, sex)
    ages = observations[age].map(_age)
    rows = observations.assign(letter=observations[sex].map(letters), age=ages)
    rows = rows[rows[area].map(lambda code: bool(MUNICIPALITY.fullmatch(code)))]
    rows = rows.dropna(subset=["letter", "age"])
    if rows.empty:
        raise InputError(
            "There must be residents of municipalities by sex and single age",
            f"places {examples(observations[area].unique())}, ages {examples(observations[age].unique())}",
        )
    rows["column"] = rows["letter"] + rows["age"].astype(int).astype("str")
    wide = rows.pivot(index=area, columns="column", values="value")
    wide = wide.rename_axis(index="code", columns=None).reindex(columns=list(POPULATION.columns))
    carried = carry(wide, day, "sum", read_register(), published, history)
    frame = POPULATION.check(carried, structure.flow)
    frame.attrs = {"vintage": VINTAGE, "notes": [f"population: {note}" for note in carried.attrs["notes"]]}
    return frame


def to_wellbeing(observations: pd.DataFrame, structure: FlowStructure) -> pd.DataFrame:
    """Arrange BES dei territori as the table ``wellbeing``: both sexes, the latest edition.

    Parameters
    ----------
    observations : DataFrame
        As returned by :meth:`diagnosis.sources.istat_sdmx.IstatService.observations`.
    structure : FlowStructure
        Of the data flow: territories are told by the names of their codes.

    Returns
    -------
    DataFrame
        In the contract :data:`diagnosis.tables.WELLBEING`. Values not available have no row; macro-areas, and
        territories that are neither a province-level body of 2022 nor a region, are left out and noted.

    Raises
    ------
    diagnosis.errors.InputError
        There is no value of both sexes, or one is there twice.
    """
    area, sex = _find(structure, AREA), _find(structure, SEX)
    rows = observations[observations[sex].isin(TOTAL_SEXES)]
    if EDITION in rows:
        rows = rows[rows[EDITION] == rows[EDITION].max()]
    codes = list(rows[area].unique())
    names = structure.name_codes(area)
    territory = _territories({code: str(names.get(code, "")) for code in codes})
    found = rows.assign(territory=rows[area].map(territory)).dropna(subset=["territory", "value"])
    if found.empty:
        raise InputError(
            "There must be values of both sexes for provinces, regions or Italy",
            f"territories {examples(codes)}, sexes {examples(observations[sex].unique())}",
        )
    table = found.rename(columns={INDICATOR: "indicator"}).assign(year=found[TIME].str[:4])
    frame = WELLBEING.check(table[["territory", "indicator", "year", "value"]], structure.flow)
    left_out = sorted(str(names.get(code, code)) for code, told in territory.items() if told is None)
    notes = [f"{len(left_out)} territories are left out: {examples(left_out)}."] if left_out else []
    frame.attrs = {"vintage": VINTAGE, "notes": [f"wellbeing: {note}" for note in notes]}
    return frame


def _find(structure: FlowStructure, names: tuple[str, ...]) -> str:
    found = [name for name in names if name in structure.dimensions]
    if len(found) != 1:
        raise InputError(
            f"{structure.flow} must have one of the dimensions {', '.join(names)}",
            f"it has {examples(structure.dimensions, 12)}",
            "Use the observations as they are",
        )
    return found[0]


def _check_single(observations: pd.DataFrame, names: list[str]) -> None:
    for name in names:
        if len(codes := observations[name].unique()) > 1:
            raise InputError(
                f"Residents must be those of one {name}",
                f"there are {examples(codes)}",
                f"Ask for one code of {name}",
            )


def _sexes(structure: FlowStructure, dimension: str) -> Mapping[str, str]:
    """Letter of each code of men and women, by its name."""
    names = structure.name_codes(dimension).str.casefold()
    found = {
        code: letter
        for code, name in names.items()
        for letter, starts in SEXES.items()
        if name.startswith(starts)
    }
    if sorted(found.values()) != ["f", "m"]:
        raise InputError(
            f"{dimension} of {structure.flow} must have one code of men and one of women",
            f"found {examples(names)}",
        )
    return found


def _age(code: str) -> float:
    if single := SINGLE_AGE.fullmatch(code):
        return float(single[1]) if int(single[1]) < OLDEST_AGE else float("nan")
    oldest = OLDEST.fullmatch(code)
    return float(OLDEST_AGE) if oldest and int(oldest[1]) == OLDEST_AGE else float("nan")


def _territories(names: Mapping[str, str]) -> dict[str, str | None]:
    """Code of the library for each place, by the kind its code is of and by its name."""
    register = read_register()
    regions, provinces = register.drop_duplicates("region"), register.drop_duplicates("province")
    by_kind = (
        (COUNTRY, dict.fromkeys(("italia", "italy"), "IT")),
        (REGION, dict(zip(regions["region_name"].map(_name_key), "R" + regions["region"], strict=True))),
        (
            PROVINCE,
            dict(zip(provinces["province_name"].map(_name_key), provinces["province"], strict=True)) | AOSTA,
        ),
    )
    known = {code: next((places for kind, places in by_kind if kind.fullmatch(code)), {}) for code in names}
    return {code: known[code].get(_name_key(name)) for code, name in names.items()}


def _name_key(name: str) -> str:
    """Letters of the first of the names a place has, without accents."""
    plain = unicodedata.normalize("NFKD", name.partition("/")[0].casefold())
    return re.sub(r"[^a-z]", "", plain)
