"""Geographies that exist already: which area each municipality belongs to, and how many live there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples, unknown_name
from diagnosis.sources.cells import numbers_of, texts_of
from diagnosis.sources.messages import list_names
from diagnosis.sources.tabular import Role, read_columns, remark

Frame = TypeVar("Frame", pd.Series, pd.DataFrame)

CODE = Role(
    "code",
    (
        "pro_com_t", "procom_t", "codice_istat", "cod_istat", "codice_comune", "codice_comune_alfanumerico",
        "cod_comune", "istat", "pro_com", "procom", "code", "codice", "municipality_code", "community", "geocode",
        "geo_code", "lau", "lau_code", "lau_id", "geoid", "cd_mun", "cod_mun", "codgeo", "insee_com", "ags", "gisco_id",
        "id",
    ),
)  # fmt: skip
AREA = Role(
    "area",
    (
        "area", "area_code", "area_id", "cod_area", "codice_area", "ambito", "cod_ambito", "codice_ambito", "unione",
        "cod_unione", "codice_unione", "unione_di_comuni", "distretto", "cod_distretto", "codice_distretto",
        "distretto_sanitario", "district", "zona", "ato", "ats", "asl", "sll", "cod_sll", "sll_code", "codice_sll",
        "sll_2011", "sll_2021", "fua", "fua_code", "ttwa", "ttwa_code", "lma", "functional", "group", "gruppo",
        "region", "regione", "cod_reg", "province", "provincia", "cod_prov",
    ),
    exclusive=True,
)  # fmt: skip
AREA_NAME = Role(
    "name",
    (
        "area_name", "nome_area", "denominazione_area", "nome_ambito", "nome_unione", "nome_distretto", "den_sll",
        "sll_name", "nome_sll", "denominazione_sll", "fua_name", "district_name", "denominazione", "nome", "name",
    ),
    required=False,
)  # fmt: skip
MUNICIPALITY_NAME = Role(
    "name",
    (
        "comune", "nome_comune", "denominazione_comune", "denominazione_in_italiano", "den_com", "com_name",
        "municipality", "municipality_name", "nm_mun", "lau_name", "name", "nome", "denominazione", "label",
    ),
    required=False,
)  # fmt: skip
POPULATION = Role(
    "population",
    (
        "population", "popolazione", "popolazione_residente", "residents", "residenti", "inhabitants", "abitanti",
        "pop", "pop_tot", "poptot", "total_population", "pop_2021", "pop_2022", "pop_2023", "pop_2024", "pop_2025",
    ),
    exclusive=True,
)  # fmt: skip
"""Headings as :func:`diagnosis.sources.tabular.normalise` writes them."""


def read_areas(
    path: str | Path,
    codes: Iterable[str] | None = None,
    *,
    code: str | None = None,
    area: str | None = None,
    name: str | None = None,
    unknown: Literal["error", "leave out"] = "error",
) -> pd.Series:
    """Read which area each municipality belongs to: unions of municipalities, health districts, ATO, SLL, regions.

    Parameters
    ----------
    path : str or Path
        Table with one row a municipality, in any format of :func:`diagnosis.sources.tabular.read_columns`.
    codes : iterable of str, optional
        Municipalities there are. Codes that differ from them by leading zeros only are matched.
    code, area, name : str, optional
        Headings of the columns: municipality, its area, name of the area. Without them :data:`CODE`, :data:`AREA` and
        :data:`AREA_NAME` are looked for; an unnamed column of names that vary within an area is not used.
    unknown : {"error", "leave out"}
        What to do about a municipality that is not among `codes`.

    Returns
    -------
    pandas.Series of str
        Index `code` (`codes` in their order, if given), named after the file; missing where there is no area. In
        ``attrs``: ``names`` (area to name), ``notes`` (English), ``remarks`` (both languages).

    Raises
    ------
    diagnosis.errors.InputError
        The file is not such a table, a municipality is in two areas, none or (unless left out) not all are among
        `codes`.
    """
    if unknown not in ("error", "leave out"):
        raise unknown_name("unknown", unknown, ("error", "leave out"))
    path = Path(path)
    columns = read_columns(path, (CODE, AREA, AREA_NAME), {"code": code, "area": area, "name": name})
    remarks = list(columns.remarks)
    frame = pd.DataFrame({item: texts_of(columns.table.column(item)) for item in columns.table.column_names})
    frame = frame[_coded(frame["code"], path, columns.first_row)]
    pairs = frame[["code", "area"]].drop_duplicates()
    if (twice := pairs["code"].duplicated(keep=False)).any():
        found = pairs[twice].fillna("none").groupby("code", sort=False)["area"].agg(" and ".join)
        raise InputError(
            f"{path.name}: a municipality must be in one area",
            f"{len(found)} are in several: " + examples(f"{key}: {value}" for key, value in found.items()),
            "Keep one row a municipality, or name the right column: area=...",
        )
    labels = pairs.set_index("code")["area"]
    labels = to_known(labels, codes, path.name, remarks, strict=unknown == "error")
    labels.name = path.name.split(".")[0]
    if missing := int(labels.isna().sum()):
        remarks.append(
            remark(
                "{file}: comuni senza area: {n} ({shown}).",
                "{file}: municipalities without an area: {n} ({shown}).",
                file=path.name,
                n=missing,
                shown=list_names(list(labels.index[labels.isna()])),
            )
        )
    labels.attrs = {
        "names": _area_names(frame, named=name is not None, origin=path.name),
        **notes_of(remarks),
    }
    return labels


def _coded(codes: pd.Series, path: Path, first_row: int) -> pd.Series:
    """Whether a row has a code; a table in which some have none is refused, blank rows at its end are not."""
    present = codes.notna()
    last = int(present.to_numpy().nonzero()[0].max(initial=-1))
    rows = np.flatnonzero(~present.to_numpy()[: last + 1]) + first_row
    if last < 0 or len(rows):
        raise InputError(
            f"{path.name}: every row needs the code of a municipality",
            f"rows without one: {examples(rows.tolist()) if len(rows) else 'all'}",
        )
    return present


def _area_names(frame: pd.DataFrame, *, named: bool, origin: str) -> dict[str, str]:
    if "name" not in frame:
        return {}
    known = frame.dropna(subset=["area", "name"]).drop_duplicates(["area", "name"])
    if (several := known["area"].duplicated(keep=False)).any():
        if not named:  # names of the municipalities
            return {}
        first = known.loc[several, "area"].iloc[0]
        raise InputError(
            f"{origin}: an area must have one name",
            f"{first!r} has {examples(known.loc[known['area'] == first, 'name'])}",
        )
    return known.set_index("area")["name"].to_dict()


def match_codes(codes: pd.Index, known: pd.Index) -> pd.Series:
    """Match codes with the known ones, leading zeros apart.

    Parameters
    ----------
    codes, known : Index of str

    Returns
    -------
    Series of str
        Index `codes`; the known code that is equal or, where all of `known` differ without their leading zeros, has
        the same number; missing where there is none.
    """
    codes, known = pd.Index(codes, dtype="str"), pd.Index(known, dtype="str")
    matched = pd.Series(codes.where(codes.isin(known), None), index=codes, dtype="str")
    bare = known.str.lstrip("0")
    digits = known.str.fullmatch("[0-9]+")
    if not bare[digits].is_unique:
        return matched
    by_number = pd.Series(known[digits], index=bare[digits])
    number = codes.str.lstrip("0").where(codes.str.fullmatch("[0-9]+"), None)
    near = pd.Series(by_number.reindex(number).to_numpy(), index=codes, dtype="str")
    return matched.where(matched.notna(), near)


def to_known(
    values: Frame, codes: Iterable[str] | None, origin: str, remarks: list[dict[str, str]], *, strict: bool
) -> Frame:
    """Put values under the known codes.

    Parameters
    ----------
    values : Series or DataFrame
        Index code.
    codes : iterable of str or None
        The known ones; without them nothing is changed.
    origin : str
        File named in errors and remarks.
    remarks : list of dict
        Gets what was left out or matched by number.
    strict : bool
        Refuse any unknown code; otherwise only a table with no known one.

    Returns
    -------
    Series or DataFrame
        Index `codes`; missing where `values` has no row.
    """
    if codes is None:
        return values.rename_axis("code")
    known = pd.Index(codes, name="code", dtype="str")
    matched = match_codes(values.index, known)
    absent = matched.index[matched.isna()]
    if len(absent) == len(matched) or (strict and len(absent)):
        near = difflib.get_close_matches(absent[0], known, n=1, cutoff=0)
        raise InputError(
            f"{origin}: codes must be those of the flows",
            f"{len(absent)} of {len(matched)} are not: {examples(absent)} (nearest to the first: {near[0]!r})"
            if near
            else f"there are no codes to compare with, {len(absent)} were found",
            "Use codes of the same year and kind, or name their column: code=...",
        )
    if len(absent):
        remarks.append(
            remark(
                "{file}: codici che non sono nei flussi, lasciati fuori: {n} ({shown}).",
                "{file}: codes that are not in the flows, left out: {n} ({shown}).",
                file=origin,
                n=len(absent),
                shown=list_names(list(absent)),
            )
        )
    if padded := int((matched.dropna() != matched.dropna().index).sum()):
        remarks.append(
            remark(
                "{file}: codici riconosciuti a meno degli zeri iniziali: {n}.",
                "{file}: codes recognised but for their leading zeros: {n}.",
                file=origin,
                n=padded,
            )
        )
    kept = values[matched.notna().to_numpy()]
    index = pd.Index(matched.dropna().to_numpy(), name="code", dtype="str")
    if index.has_duplicates:
        raise InputError(
            f"{origin}: a municipality must be there once",
            f"written with and without leading zeros: {examples(index[index.duplicated()])}",
        )
    return kept.set_axis(index).reindex(known)


def notes_of(remarks: list[dict[str, str]]) -> dict[str, list]:
    """Return remarks as the entries of ``attrs``: in English as everywhere, and in both languages."""
    return {"notes": [item["en"] for item in remarks], "remarks": remarks}


def read_population(
    path: str | Path, codes: Iterable[str], *, code: str | None = None, population: str | None = None
) -> pd.Series:
    """Read the residents of each municipality.

    Parameters
    ----------
    path : str or Path
        Table with one row a municipality, in any format of :func:`diagnosis.sources.tabular.read_columns`.
    codes : iterable of str
        Municipalities there are; others are left out and noted.
    code, population : str, optional
        Headings of the columns; without them :data:`CODE` and :data:`POPULATION` are looked for.

    Returns
    -------
    pandas.Series of float
        Residents; index `codes`, missing where the file has no row. In ``attrs``: ``names`` (code to name of the
        municipality, if the file has names), ``notes``, ``remarks``.

    Raises
    ------
    diagnosis.errors.InputError
        The file is not such a table, a code is repeated, a number is missing or negative, or no code is known.
    """
    path = Path(path)
    given = {"code": code, "population": population}
    columns = read_columns(path, (CODE, POPULATION, MUNICIPALITY_NAME), given)
    remarks = list(columns.remarks)
    present = _coded(texts_of(columns.table.column("code")), path, columns.first_row)
    # Rows without a code are at the end only.
    columns = replace(columns, table=columns.table.slice(0, int(present.sum())))
    frame = pd.DataFrame(
        {
            "code": texts_of(columns.table.column("code")),
            "population": numbers_of(columns, "population", path.name),
        }
    )
    if "name" in columns.headings:
        frame["name"] = texts_of(columns.table.column("name"))
    frame = frame.set_index("code")
    _once(frame.index, path.name)
    frame = to_known(frame, codes, path.name, remarks, strict=False)
    if missing := int(frame["population"].isna().sum()):
        remarks.append(
            remark(
                "{file}: comuni senza popolazione: {n}.",
                "{file}: municipalities without a population: {n}.",
                file=path.name,
                n=missing,
            )
        )
    residents = frame["population"].astype("float64")
    names = frame["name"].dropna().to_dict() if "name" in frame else {}
    residents.attrs = {"names": names, **notes_of(remarks)}
    return residents


def read_names(
    path: str | Path, codes: Iterable[str], *, code: str | None = None, name: str | None = None
) -> pd.Series:
    """Read the name of each municipality; parameters, errors and ``attrs`` as :func:`read_population`."""
    path = Path(path)
    required = replace(MUNICIPALITY_NAME, required=True)
    columns = read_columns(path, (CODE, required), {"code": code, "name": name})
    remarks = list(columns.remarks)
    frame = pd.DataFrame({item: texts_of(columns.table.column(item)) for item in ("code", "name")})
    frame = frame[_coded(frame["code"], path, columns.first_row)].set_index("code")
    _once(frame.index, path.name)
    names = to_known(frame["name"], codes, path.name, remarks, strict=False)
    names.attrs = notes_of(remarks)
    return names


def _once(codes: pd.Index, origin: str) -> None:
    if codes.has_duplicates:
        repeated = codes[codes.duplicated()].unique()
        raise InputError(
            f"{origin}: a municipality must be there once",
            f"{len(repeated)} are repeated: {examples(repeated)}",
            "Keep one row a municipality",
        )
