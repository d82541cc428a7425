"""ISTAT: local units of enterprises, jobs, wages and value added by municipality (frame territoriale), 2023."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from diagnosis.codes import carry, format_codes
from diagnosis.errors import SourceError, examples
from diagnosis.sources.embedded import read_register
from diagnosis.sources.formats import AGAIN, pick_columns, read_sheet
from diagnosis.tables import BUSINESS, VINTAGE
from diagnosis.tables.economy import BUSINESS_COUNTS, SECTORS

SECRET, NO_RATIO = "*", "**"
"""ISTAT's marks: kept secret; a ratio to a value added that is negative or zero (in columns that are not read)."""

CODES = "2023-12-31"

COLUMNS = {
    "Numero unità locali": "local_units",
    "Addetti": "persons_employed",
    "Dipendenti": "employees",
    "Retribuzioni (migliaia di euro)": "wages",
    "Valore aggiunto (migliaia di euro)": "value_added",
}
TURNOVER = {"Fatturato (migliaia di euro)": "turnover"}

MUNICIPALITIES, MUNICIPALITIES_HEADER = (
    (
        ("", "Tav.39_Comuni_Totale"),
        ("industry_", "Tav.40_Comuni_Industria"),
        ("services_", "Tav.41_Comuni_Servizi"),
    ),
    2,
)
AREAS = (
    # column of the names; sheet of all sectors, header in the third row; of both sectors, header in the fourth
    (3, "Tav.5_Province_Tot", "Tav.6_Province_Ind Serv"),
    (0, "Tav.1 Regioni", "Tav.2 Regioni Ind Ser"),
)
COUNTRY, COUNTRY_NAME = "IT", "ITALIA"
OTHER_NAMES = {"Reggio Calabria": "Reggio di Calabria"}


def read_business(path: Path) -> pd.DataFrame:
    """Read local units, persons employed, employees, wages and value added of enterprises.

    Parameters
    ----------
    path : Path
        Workbook of 43 sheets; those of municipalities, provinces and regions are read.

    Returns
    -------
    DataFrame
        In the contract :data:`diagnosis.tables.BUSINESS`: municipalities of 2022, 107 provinces, 20 regions and the
        country. A cell marked ``*`` is missing and named in ``masked``; it is never worked out from others. A
        municipality without a row for a sector has none of its local units, which the total confirms: zero.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this workbook, or a province or region is absent.
    diagnosis.errors.InputError
        A cell is neither a number nor a mark, or a code is not a municipality of 2023.
    """
    path = Path(path)
    municipalities, notes = _read_municipalities(path)
    areas = _read_areas(path)
    frame = BUSINESS.check(pd.concat([municipalities, areas]).rename_axis("territory"), path.name)
    frame.attrs = {"vintage": VINTAGE, "notes": [f"business: {note}" for note in notes]}
    return frame


def _read_municipalities(path: Path) -> tuple[pd.DataFrame, list[str]]:
    sheets = []
    for prefix, sheet in MUNICIPALITIES:
        columns = {"Codice Comune Istat": "code", **COLUMNS, **({} if prefix else TURNOVER)}
        rows = pick_columns(read_sheet(path, sheet, MUNICIPALITIES_HEADER), columns, path)
        rows = rows[rows["local_units"] != ""]  # notes follow the table
        rows = rows.set_index(format_codes(rows.pop("code")).to_numpy()).add_prefix(prefix)
        sheets.append(rows)
    everything = sheets[0].join(sheets[1:], how="outer")
    without = {
        prefix: everything[f"{prefix}local_units"].isna()
        & (everything["local_units"] == everything[f"{other}local_units"])
        for prefix, other in zip(("industry_", "services_"), ("services_", "industry_"), strict=True)
    }
    secret = (everything == SECRET).fillna(False).astype(bool)
    masked = pd.DataFrame({"masked": secret @ (secret.columns + " ")}, index=everything.index)
    for prefix, rows in without.items():
        everything.loc[rows, [f"{prefix}{name}" for name in BUSINESS_COUNTS]] = 0
    numbers = BUSINESS.check(everything.mask(secret).rename_axis("territory"), path.name)
    register = read_register()
    carried = carry(numbers, CODES, "sum", register)
    carried["masked"] = carry(masked, CODES, "inherit", register)["masked"]
    notes = [
        *carried.attrs["notes"],
        f"{int(secret.to_numpy().sum())} cells of {int(secret.any(axis=1).sum())} municipalities are secret: missing.",
        *(
            f"{int(rows.sum())} municipalities have no local unit in {sector}."
            for sector, rows in zip(SECTORS, without.values(), strict=True)
        ),
    ]
    return carried, notes


def _read_areas(path: Path) -> pd.DataFrame:
    """Read the published totals of provinces, regions and the country."""
    register = read_register()
    provinces = register.drop_duplicates("province").set_index("province_name")["province"]
    regions = "R" + register.drop_duplicates("region").set_index("region_name")["region"]
    regions[COUNTRY_NAME] = COUNTRY
    parts = []
    for (place, total, sectors), codes in zip(AREAS, (provinces, regions), strict=True):
        raw = read_sheet(path, total, 2)
        rows = pick_columns(raw, {**COLUMNS, **TURNOVER}, path).set_axis(_names(raw, place))
        raw = read_sheet(path, sectors, 3)
        first = [
            i for i, name in enumerate(raw.columns) if " ".join(str(name).split()) == next(iter(COLUMNS))
        ]
        if len(first) != len(SECTORS):
            raise SourceError(
                f"{path.name}: the sheet {sectors!r} must hold the columns of {len(SECTORS)} sectors",
                f"found {len(first)}",
                AGAIN,
            )
        for sector, start, end in zip(SECTORS, first, [*first[1:], raw.shape[1]], strict=True):
            block = pick_columns(raw.iloc[:, start:end], COLUMNS, path).set_axis(_names(raw, place))
            rows = rows.join(block.add_prefix(f"{sector}_").loc[lambda table: ~table.index.duplicated()])
        absent = codes.index.difference(rows.index)
        if len(absent):
            raise SourceError(
                f"{path.name}: the sheet {total!r} must hold every province, or every region and the country",
                f"{len(absent)} are absent: {examples(absent)}",
                "Use the edition that data/sources.yml names",
            )
        parts.append(rows.loc[codes.index].set_axis(codes.to_numpy()))
    return pd.concat(parts)


def _names(raw: pd.DataFrame, place: int) -> pd.Index:
    return pd.Index(raw.iloc[:, place].astype("str").str.strip().replace(OTHER_NAMES))
