"""The result of a diagnosis: everything found on one city, in documented places, saved as Parquet and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from diagnosis.config import City
from diagnosis.errors import InputError, examples
from diagnosis.provenance import Manifest
from diagnosis.schema import build
from diagnosis.storage import FACTS, read_content, save_content

if TYPE_CHECKING:
    import geopandas as gpd

STAGES = (
    "territory",
    "indicators",
    "fragility",
    "own",
    "wellbeing",
    "quality",
    "networks",
    "areas",
    "governance",
)
"""The stages in order; each fills the tables named after it and one entry of `facts`."""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Everything found on one city.

    Attributes
    ----------
    city : City
        Its configuration.
    tables : dict of str to DataFrame
        *territory*: ``municipalities`` (GeoDataFrame, EPSG:3035), ``context`` (neighbours, for maps), ``outline``
        (the country's regions), ``ages`` (residents by sex and age of city, territory and country).
        *indicators*: ``indicators`` (municipality x indicator), ``gaps`` (code, indicator, reason), ``groups``
        (city, territory, region, country x indicator), ``capitals`` (capital x indicator), ``scores`` and
        ``group_scores`` (theme scores), ``score_intervals`` (of city, territory, region), ``small_numbers``
        (what chance can do to rates), ``score_framework`` (what was scored, on which goalposts), ``city_profile``
        (the city beside groups of municipalities).
        *fragility*: ``fragility`` (the reconstructed index of each municipality, with its decile), ``fragility_groups``
        (territory, region, country), ``fragility_components`` (the twelve, and what stands for them),
        ``spatial_clusters`` (measure, municipality of the territory or around it) and ``spatial_structure`` (one row
        a measure: Moran's I, clusters in the country and in the territory).
        *own*: the city's own data, small counts of people left out: ``own_indicators`` (municipality x indicator),
        ``own_groups`` (one row an indicator: city, territory, place), ``own_scores`` and ``own_framework`` (local
        scores), ``own_catalogue`` (entries: see :func:`diagnosis.stages.own.merge_catalogue`).
        *wellbeing*: ``wellbeing`` (one row an indicator of the province), ``domain_scores`` (territory x domain),
        ``domain_intervals`` (of scores and ranks of all provinces), ``domain_choices`` (which choice moves ranks),
        ``domain_framework``, ``smallest_change`` (to the country's score in the lowest domain), ``domain_course``,
        ``domain_changes`` and ``course_members`` (scores over the years), ``series`` (year, indicator, value
        of province, region, country).
        *quality*: ``quality_domains`` (grade of the data by theme and domain), ``data_quality`` (checks by indicator),
        ``data_outliers``, ``data_conflicts``.
        *networks*: ``network`` (municipality x measure), ``flows`` (origin, destination, commuters).
        *areas*: ``areas`` (code, name, one column a method), ``area_quality``, ``area_map`` (GeoDataFrame).
        *governance*: ``governance_functions`` and ``governance_layers`` (one row a function; a function and network);
        of the city's main function ``governance_curve`` (one row a number of areas), ``governance_alternatives``
        (municipality x number of areas), ``governance_areas`` (municipality: its area in every function, how firm, core
        or rim), ``governance_map`` (GeoDataFrame), ``governance_summary`` (one row an area that touches the territory),
        ``governance_reasons`` and ``governance_agreement`` (with what exists today); where proposals were saved in the
        area editor ``governance_proposals`` and ``governance_proposal_areas``.
        ``findings``: strengths and weaknesses, each with its indicator.
    facts : dict
        JSON-able figures by stage: ``territory``, ``indicators``, ``fragility``, ``own``, ``wellbeing``, ``networks``,
        ``areas``, ``governance``.
    failed : dict of str to str
        Stages that could not be carried out, with the reason: their sections are not in the report.
    manifest : Manifest
        What was run on what.
    """

    city: City
    tables: Mapping[str, pd.DataFrame]
    facts: Mapping[str, Any]
    manifest: Manifest
    failed: Mapping[str, str] = field(default_factory=dict)

    def table(self, name: str) -> pd.DataFrame:
        """Return one table, or say which stage failed to make it."""
        if name not in self.tables:
            raise InputError(
                f"The diagnosis of {self.city.id} must hold the table {name!r}",
                f"it holds {', '.join(sorted(self.tables))}; failed stages: {dict(self.failed) or 'none'}",
            )
        return self.tables[name]

    @property
    def municipalities(self) -> gpd.GeoDataFrame:
        """The municipalities of the study territory, indexed by code."""
        return self.tables["municipalities"]  # type: ignore[return-value]

    def has(self, stage: str) -> bool:
        """Whether a stage was carried out."""
        return stage in self.facts

    def at(self, created: datetime) -> Diagnosis:
        """Return the same result with the moment of the run, which has a time zone, in its manifest."""
        if created.tzinfo is None:
            raise InputError("The moment of a run must have a time zone", f"{created} has none")
        return replace(self, manifest=self.manifest.model_copy(update={"created": created}))

    def save(self, folder: str | Path) -> Path:
        """Write the result into a folder, whole or not at all.

        Parameters
        ----------
        folder : path
            New, empty, or one with an earlier result, whose place it takes.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        diagnosis.errors.InputError
            The folder holds something else, or cannot be written.
        """
        folder = Path(folder)
        if folder.is_dir() and any(folder.iterdir()) and not (folder / FACTS).is_file():
            raise InputError(
                "A result must be saved in a folder of its own",
                f"{folder} holds other files, which would be lost",
                "Name a new folder",
            )
        content = {
            **self.tables,
            "city": self.city.model_dump(mode="json"),
            "facts": dict(self.facts),
            "failed": dict(self.failed),
            "manifest": self.manifest.model_dump(mode="json"),
        }
        save_content(folder, content)
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Diagnosis:
        """Read back what :meth:`save` wrote.

        Raises
        ------
        diagnosis.errors.InputError
            The folder does not hold a complete result.
        """
        content = read_content(Path(folder))
        if absent := [name for name in ("city", "facts", "failed", "manifest") if name not in content]:
            raise InputError(
                f"{folder} must be a folder with a saved diagnosis", f"missing: {examples(absent)}"
            )
        return cls(
            city=build(City, content["city"], "saved city"),
            tables={name: value for name, value in content.items() if isinstance(value, pd.DataFrame)},
            facts=content["facts"],
            failed=content["failed"],
            manifest=build(Manifest, content["manifest"], "saved manifest"),
        )
