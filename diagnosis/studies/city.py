"""The stages of a diagnosis in order; the notebook and the command line call the same functions."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from diagnosis.config import (
    NOTEBOOK,
    City,
    Job,
    Settings,
    default_settings,
    load_city,
    project_folder,
)
from diagnosis.errors import DiagnosisError, InputError, NotApplicableError, UnknownNameError, unknown_name
from diagnosis.national.releases import find_release
from diagnosis.national.shared import National, load_national
from diagnosis.provenance import Manifest, StageRecord, code_digest, digest, package_versions
from diagnosis.result import STAGES, Diagnosis
from diagnosis.schema import build, read_yaml
from diagnosis.sources.own.files import PROPOSALS, own_content, own_folder
from diagnosis.stages.city import STAGE_FUNCTIONS
from diagnosis.stages.findings import by_extremity
from diagnosis.stages.own import own_records
from diagnosis.territory import load_country, load_territory

if TYPE_CHECKING:
    from diagnosis.figure import Figure

PACKAGES = ("diagnosis", "geopandas", "libpysal", "networkx", "numpy", "pandas", "scikit-learn", "shapely")


class Study:
    """One city on its way through the stages; every stage adds its tables and facts.

    Parameters
    ----------
    city : City or str
        A configuration, or the name of a pilot city.
    settings : Settings, optional
        Folders, mirror and edition; the project's own if not given.
    national : National, optional
        National stages already loaded; saves loading them again.

    Raises
    ------
    diagnosis.errors.DiagnosisError
        The city is unknown, or its territory cannot be cut.
    """

    def __init__(
        self, city: City | str, settings: Settings | None = None, national: National | None = None
    ) -> None:
        self.city = load_city(city) if isinstance(city, str) else city
        self.settings = settings or default_settings()
        if national is None:
            national = load_national(load_country(self.settings, self.city.data), self.settings)
        self.national = national
        self.territory = load_territory(self.city, self.settings, national.country)
        self.tables: dict[str, pd.DataFrame] = {}
        self.facts: dict[str, Any] = {}
        self.records: dict[str, StageRecord] = {}

    def carry_out(self, stage: str) -> dict[str, Any]:
        """Carry out one stage.

        Parameters
        ----------
        stage : str
            One of :data:`diagnosis.result.STAGES`.

        Returns
        -------
        dict
            The stage's figures; ``{"failed": reason}`` when it fails for want of data, which costs this stage only;
            ``{"skipped": reason}`` when it has no meaning for this city.

        Raises
        ------
        diagnosis.errors.UnknownNameError
            There is no such stage.
        """
        if stage not in STAGE_FUNCTIONS:
            raise unknown_name("The stage", stage, STAGE_FUNCTIONS)
        start = perf_counter()
        status: Literal["ok", "skipped", "failed"] = "ok"
        reason = ""
        try:
            tables, facts = STAGE_FUNCTIONS[stage](self.territory, self.national)
            self.tables |= tables
            self.facts[stage] = facts
        except DiagnosisError as error:
            status = "skipped" if isinstance(error, NotApplicableError) else "failed"
            reason = str(error)
        self.records[stage] = StageRecord(
            name=stage,
            status=status,
            seconds=round(perf_counter() - start, 3),
            detail=reason,
        )
        return {status: reason} if reason else facts

    def show(self, table: str) -> pd.DataFrame | Missing:
        """Return a table of the stages so far, or why it is not there: a notebook goes on without it."""
        try:
            return self.result().table(table)
        except InputError:
            return self._missing()

    def draw(self, figure: str) -> Figure | Missing:
        """Draw a figure of the stages so far, or say why it cannot be drawn: a notebook goes on without it.

        Parameters
        ----------
        figure : str
            One of :data:`diagnosis.report.FIGURES`.
        """
        from diagnosis.report.figures import draw

        try:
            return draw(figure, self.result(), self.settings.language)
        except UnknownNameError:
            raise
        except InputError:
            return self._missing()

    def _missing(self) -> Missing:
        from diagnosis.report.words import Words

        return Missing(Words(self.settings.language)("not_shown"))

    def result(self, save_to: str | Path = "") -> Diagnosis:
        """Put together what the stages found.

        Parameters
        ----------
        save_to : path, optional
            Folder to save the result in.

        Returns
        -------
        Diagnosis
            Its manifest says 1970-01-01 as moment of the run, since the library does not read the clock: see
            :meth:`Diagnosis.at`.
        """
        country = self.national.country
        found = [table for name, table in self.tables.items() if name.endswith("_findings")]
        tables = {name: table for name, table in self.tables.items() if not name.endswith("_findings")}
        if found:
            tables["findings"] = by_extremity(pd.concat(found))
        manifest = Manifest(
            edition=self.settings.edition,
            city=self.city.id,
            created=datetime(1970, 1, 1, tzinfo=UTC),
            code_version=code_digest(),
            settings_digest=run_key(self.city, self.settings, country.key),
            sources=(*country.sources, *own_records(self.facts)),
            packages=package_versions(PACKAGES),
            warnings=(*country.notes, *(reason.en for reason in country.absent.values())),
            flows_kind=country.flows_kind,
            stages=tuple(self.records.values()),
        )
        failed = {name: record.detail for name, record in self.records.items() if record.status == "failed"}
        result = Diagnosis(self.city, tables, dict(self.facts), manifest, failed)
        if save_to:
            result.save(save_to)
        return result


@dataclass(frozen=True)
class Missing:
    """Stands in a notebook where a table or figure cannot be shown, and says why."""

    reason: str

    def _repr_html_(self) -> str:
        return f"<p><em>{html.escape(self.reason)}</em></p>"


def diagnose(
    city: City | str,
    settings: Settings | None = None,
    national: National | None = None,
) -> Diagnosis:
    """Carry out every stage for one city: :class:`Study` from start to end.

    Returns
    -------
    Diagnosis
        A stage that fails for want of data costs its own tables only, and is named in `failed`.
    """
    study = Study(city, settings, national)
    for stage in STAGES:
        study.carry_out(stage)
    return study.result()


def open_study(
    city: str = "example", *, edition: str = "draft", language: str = "it", mirror: str = "", job: str = ""
) -> Study:
    """Open the study a notebook works on: by hand for a city, or the one a batch hands over.

    Parameters
    ----------
    city : str
        Name of a pilot city, ``"example"``, or the path of a YAML file.
    edition, language : str
        Of the report.
    mirror : str
        Folder with the publishers' files; none if empty.
    job : str
        File of a :class:`Job`, which then says everything; empty when a person runs the notebook.

    Returns
    -------
    Study
    """
    if not job:
        return Study(city, default_settings(edition=edition, language=language, mirror=mirror or None))
    handed = build(Job, read_yaml(Path(job)), "job")
    return Study(handed.city, handed.settings)


def run_key(city: City, settings: Settings, country_key: str) -> str:
    """Digest of everything a city's result depends on: code, data, its configuration and files, edition, language.

    So does the release whose goalposts the scores use.

    Raises
    ------
    diagnosis.errors.InputError
        There is no such release.
    """
    # Where an own country or a release lies is not part of it: its files are.
    described = city.model_dump(mode="json", exclude={"data"})
    files = [
        project_folder() / "notebooks" / NOTEBOOK,
        *(Path(item.file) for item in city.geographies.values()),
    ]
    release = find_release(settings)
    folder = own_folder(settings.local, city.id)
    own = [own_content(folder), own_content(folder / PROPOSALS)]
    services = [] if city.governance.shared_services is None else [Path(city.governance.shared_services)]
    return digest(
        code_digest(),
        *files,
        *services,
        country_key,
        described,
        settings.edition,
        settings.language,
        release,
        own,
    )
