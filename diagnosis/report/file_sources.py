"""What each file of a data package was made from: source, licence, attribution, and what was changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from diagnosis.catalogue import Catalogue, load_catalogue
from diagnosis.indicators import MEASURES
from diagnosis.provenance import Manifest, SourceRecord
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis
from diagnosis.sources.dependence import needed_sources
from diagnosis.sources.readers import READERS
from diagnosis.stages.own import own_records

FILE = "file_sources.csv"
DESCRIPTIONS = {"README.md", "data_dictionary.csv", "columns.csv", "attributions.csv", FILE}
"""Files that hold no data of any source."""
MUNICIPAL = {
    "indicators.csv", "groups.csv", "gaps.csv", "city_profile.csv", "small_numbers.csv", "score_intervals.csv",
    "data_outliers.csv", "data_conflicts.csv", "fragility.csv", "fragility_components.csv", "spatial_clusters.csv",
    "spatial_structure.csv",
}  # fmt: skip
PROVINCIAL = {
    "wellbeing.csv", "domain_intervals.csv", "domain_course.csv", "domain_changes.csv", "course_members.csv",
    "smallest_change.csv",
}  # fmt: skip
FLOWS = {"network.csv", "flows.csv"}
AREAS = {
    "areas.csv", "areas.gpkg", "area_quality.csv", "area_methods.csv", "area_changes.csv", "area_moves.csv",
}  # fmt: skip
GOVERNANCE = {
    "governance.gpkg", "governance_areas.csv", "governance_curve.csv", "governance_summary.csv",
    "governance_reasons.csv", "governance_functions.csv", "governance_layers.csv", "governance_agreement.csv",
    "governance_proposals.csv", "governance_proposal_areas.csv",
}  # fmt: skip
EVERYTHING = {"findings.csv", "frameworks.csv", "data_quality.csv", "data_quality_domains.csv"}
"""Files that rest on municipal and provincial data; so does, to be safe, one that is not named here."""
OWN = "own_"
"""How the names of the files of a city's own data begin."""
COLUMNS = (
    "source", "title", "publisher", "licence", "licence_confirmed", "licence_basis", "attribution", "modified",
    "modification",
)  # fmt: skip
FLOW_TABLES = ("municipalities", "provinces", "flows")
AREA_TABLES = (
    *FLOW_TABLES, "margins", "classification", "labour_areas", "labour_areas_2011", "inner_project_areas_2014",
    "inner_project_areas_2021",
)  # fmt: skip
GOVERNANCE_TABLES = (
    *AREA_TABLES, "population", "travel_times", "schools", "pupils", "inner_areas", "covenant_signatories",
)  # fmt: skip


def describe_files(result: Diagnosis, files: Iterable[str], words: Words) -> pd.DataFrame:
    """Say of each file of a data package what it was made from, one row a file and source.

    Parameters
    ----------
    result : Diagnosis
        With the sources of its manifest.
    files : iterable of str
        Names of the files of the package.
    words : Words

    Returns
    -------
    DataFrame
        `file`, `source` (id), `title`, `publisher`, `licence`, `licence_confirmed`, `licence_basis` (see
        :class:`diagnosis.provenance.Source`; empty where the licence is stated or there is none), `attribution`,
        `modified` (whether the data are other than the source's own; those of a package always are), `modification`
        (how). A file that holds no data of any source is not there.
    """
    records = result.manifest.sources
    own = {record.id for record in own_records(result.facts)}
    rests_on = _choose(records, own)
    rows = [
        {"file": file, **_describe(record, words)}
        for file in sorted(files)
        if file not in DESCRIPTIONS
        for record in records
        if rests_on(file, record)
    ]
    return pd.DataFrame(rows, columns=["file", *COLUMNS])


def list_unconfirmed(result: Diagnosis, words: Words) -> list[str]:
    """Name the sources whose licence is not stated with the copy that was used, or is not declared at all."""
    return [
        f"{words.pick(record.title)} ({_tell_licence(record, words)})"
        for record in result.manifest.sources
        if not record.licence_confirmed
    ]


def list_attributions(manifest: Manifest, words: Words) -> list[str]:
    """List the texts to print beside results, once each."""
    texts = (words.pick(item.attribution) for item in manifest.sources if item.attribution is not None)
    return list(dict.fromkeys(texts))


def tell_basis(record: SourceRecord) -> str:
    """Name where a licence that is not stated with the file comes from; nothing where it is, or where there is none."""
    return record.licence_basis if record.licence and not record.licence_confirmed else ""


def _tell_licence(record: SourceRecord, words: Words) -> str:
    basis = tell_basis(record)
    if not basis:
        return record.licence or words("licence_not_declared")
    return words(f"licence_basis_{basis}", licence=record.licence)


def _choose(records: Iterable[SourceRecord], own: set[str]) -> Callable[[str, SourceRecord], bool]:
    """Return the rule that says whether a file rests on a source."""
    catalogue = load_catalogue()
    municipal = _sources_of(catalogue, "municipality") | _tables_of_measures()
    provincial = _sources_of(catalogue, "province") | {"wellbeing", "provinces"}
    kinds = (
        (MUNICIPAL, municipal | _sources_of_tables(FLOW_TABLES[:2])),
        (PROVINCIAL, provincial),
        (FLOWS, _sources_of_tables(FLOW_TABLES)),
        (AREAS, _sources_of_tables(AREA_TABLES)),
        (GOVERNANCE, _sources_of_tables(GOVERNANCE_TABLES)),
    )

    def rests_on(file: str, record: SourceRecord) -> bool:
        if file.startswith(OWN):
            return record.id in own
        for files, wanted in kinds:
            if file in files:
                return record.id in wanted and record.id not in own
        return record.id not in own or file in EVERYTHING

    return rests_on


def _sources_of(catalogue: Catalogue, level: str) -> set[str]:
    return {name for item in catalogue.select(level) for name in needed_sources(item.sources)}


def _tables_of_measures() -> set[str]:
    """Tables of an own country, whose files are named after them."""
    return {table for measure in MEASURES.values() for table in measure.tables} | {"municipalities"}


def _sources_of_tables(tables: Iterable[str]) -> set[str]:
    """Name the sources of tables, and the tables themselves, which are the sources of an own country."""
    embedded = {
        "municipalities": "municipalities_2022",
        "provinces": "municipalities_2022",
        "population": "population_2022",
    }
    by_table = embedded | {table: source for source, (table, _, _) in READERS.items()}
    found = tuple(by_table[table] for table in tables if table in by_table)
    margins = {"commuting_margins_2021"} if "margins" in tables else set()
    return {*tables, *needed_sources(found), *margins}


def _describe(record: SourceRecord, words: Words) -> dict[str, object]:
    return {
        "source": record.id,
        "title": words.pick(record.title),
        "publisher": record.publisher or words("own_file"),
        "licence": record.licence or words("licence_not_declared"),
        "licence_confirmed": record.licence_confirmed,
        "licence_basis": tell_basis(record),
        "attribution": words.pick(record.attribution or record.title),
        "modified": True,
        "modification": words.pick(record.modified) if record.modified else words("package_computed"),
    }
