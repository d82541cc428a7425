"""The files of a data package on areas to run functions together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from diagnosis.report.words import Words
from diagnosis.result import Diagnosis
from diagnosis.schema import LANGUAGES

FILES = (
    "governance_curve",
    "governance_summary",
    "governance_reasons",
    "governance_functions",
    "governance_layers",
    "governance_agreement",
    "governance_proposals",
    "governance_proposal_areas",
)
POLYGONS = "governance.gpkg"
ALTERNATIVE, FUNCTION, PROPOSAL = "alternative_", "function_", "proposal_"
"""Begin the columns that hold the areas at each number of them, those of each function and of each saved proposal."""


def governance_files(result: Diagnosis, words: Words) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield name and table of each file, its texts in the language of the report; no file without rows."""
    if "governance_areas" in result.tables:
        yield "governance_areas.csv", list_areas(result).reset_index()
    for name in FILES:
        table = result.tables.get(name)
        if table is not None and len(table):
            if (
                name == "governance_proposal_areas"
            ):  # somebody else's names must not be taken for other columns
                table = table.add_prefix(PROPOSAL).reset_index()
            yield f"{name}.csv", _in_language(table, words.language)


def list_areas(result: Diagnosis) -> pd.DataFrame:
    """List the area of each municipality: as proposed, in every alternative and for every function."""
    areas = result.table("governance_areas")
    alternatives = result.table("governance_alternatives").add_prefix(ALTERNATIVE)
    functions = [name for name in areas if name.startswith(FUNCTION)]
    return areas.drop(columns=functions).join([alternatives, areas[functions]])


def write_polygons(result: Diagnosis, folder: Path) -> None:
    """Write the municipalities and the areas of the main function into a GeoPackage; nothing where there are none."""
    import geopandas as gpd

    if "governance_map" not in result.tables:
        return
    polygons = gpd.GeoDataFrame(
        list_areas(result).join(result.tables["governance_map"]["geometry"]), geometry="geometry"
    )
    path = folder / POLYGONS
    polygons.reset_index().to_file(path, layer="municipalities", driver="GPKG")
    dissolved = polygons.dropna(subset="area").dissolve("area")[["area_name", "shown", "geometry"]]
    summary = result.table("governance_summary").drop(columns="name")
    dissolved.join(summary).reset_index().to_file(path, layer="governance_areas", driver="GPKG")


def _in_language(table: pd.DataFrame, language: str) -> pd.DataFrame:
    """Keep of every text that is there in two languages the one of the report."""
    other = next(name for name in LANGUAGES if name != language)
    told = table if table.index.name is None else table.reset_index()
    told = told.drop(columns=[other, f"reason_{other}"], errors="ignore")
    return told.rename(columns={language: "text", f"reason_{language}": "reason"})
