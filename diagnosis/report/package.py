"""The data package of a report: tables, areas, data dictionary, attributions."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from diagnosis.catalogue import load_catalogue
from diagnosis.csv_files import to_csv
from diagnosis.errors import InputError
from diagnosis.frameworks import load_framework
from diagnosis.indicators import REASONS
from diagnosis.indicators.breaks import is_provisional
from diagnosis.report import file_sources
from diagnosis.report.governance_package import governance_files, write_polygons
from diagnosis.report.own_package import own_files
from diagnosis.report.quality_package import quality_files
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis
from diagnosis.schema import read_yaml
from diagnosis.stages import findings
from diagnosis.stages.own import merge_catalogue, own_entries

FOLDER = "data"
README = "README.md"
COLUMNS = Path(__file__).parent / "i18n" / "columns.yml"
AREA_COLUMNS = ("functional", "istat_method", "sll_2021", "sll_2011", "snai_2014", "snai_2021")
"""Columns of the areas table in the package, one a partition."""
STABILITY_COLUMNS = ("with_centre", "core", "second_area", "second_share", "margin")


def write_package(result: Diagnosis, folder: Path, words: Words) -> None:
    """Write the data package of a diagnosis into ``folder/data``.

    Parameters
    ----------
    result : Diagnosis
        What was found.
    folder : Path
        Folder of the report.
    words : Words
        Language of names and remarks; column names are ids and stay the same in every language.
    """
    target = folder / FOLDER
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{target}: the folder of the data package must be writable",
            str(error),
            "Remove what is in the way",
        ) from None
    tables = result.tables
    names = result.municipalities["name"]
    if "indicators" in tables:
        waiting = result.facts["indicators"]["waiting"]
        indicators = tables["indicators"].drop(columns=waiting)
        indicators.insert(0, "name", names)
        _write(indicators, target / "indicators.csv")
        _write(tables["groups"].drop(columns=waiting), target / "groups.csv")
        _write(tables["score_intervals"], target / "score_intervals.csv")
        _write(tables["city_profile"], target / "city_profile.csv", index=False)
        _write(tables["small_numbers"], target / "small_numbers.csv", index=False)
        gaps = tables["gaps"].assign(
            name=tables["gaps"]["code"].map(names),
            reason_text=[REASONS[reason][words.language] for reason in tables["gaps"]["reason"]],
        )
        _write(gaps, target / "gaps.csv", index=False)
    if "fragility" in tables:
        _write_fragility(result, target, words)
    for name, table in own_files(result, words):
        _write(table, target / name)
    if "wellbeing" in tables:
        _write(_mark_provisional(tables["wellbeing"]), target / "wellbeing.csv")
        _write(_with_names(tables["domain_intervals"], words), target / "domain_intervals.csv", index=False)
        if len(tables["domain_course"]):
            _write(_with_names(tables["domain_course"], words), target / "domain_course.csv", index=False)
            changes = tables["domain_changes"].reset_index()
            _write(_with_names(changes, words), target / "domain_changes.csv", index=False)
            _write(_with_names(tables["course_members"], words), target / "course_members.csv", index=False)
        if len(tables["smallest_change"]):
            _write(tables["smallest_change"], target / "smallest_change.csv")
    for name, table in quality_files(result, words):
        _write(table, target / name, index=False)
    frameworks = [tables[name] for name in ("score_framework", "domain_framework") if name in tables]
    if frameworks:
        _write(pd.concat(frameworks), target / "frameworks.csv")
    if "network" in tables:
        network = tables["network"].copy()
        network.insert(0, "name", names)
        _write(network, target / "network.csv")
        _write(tables["flows"], target / "flows.csv", index=False)
    if "areas" in tables:
        _write_areas(result, target)
    for name, table in governance_files(result, words):
        _write(table, target / name, index=False)
    write_polygons(result, target)
    if "findings" in tables:
        found = tables["findings"]
        shown = [*findings.choose(found, "strength").index, *findings.choose(found, "weakness").index]
        _write(found.assign(shown=found.index.isin(shown)), target / "findings.csv", index=False)
    _write(_dictionary(result, words), target / "data_dictionary.csv")
    _write(_attributions(result, words), target / "attributions.csv", index=False)
    described = file_sources.describe_files(result, (path.name for path in target.iterdir()), words)
    _write(described, target / file_sources.FILE, index=False)
    _write(_columns(words, target), target / "columns.csv", index=False)
    (target / README).write_text(_readme(result, words, target), encoding="utf-8")


def _with_names(table: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Put the name of each domain behind its id."""
    names = {name: domain.name[words.language] for name, domain in load_catalogue().domains.items()}
    named = table.copy()
    named.insert(list(named).index("domain") + 1, "domain_name", named["domain"].map(names))
    return named


def _write(frame: pd.DataFrame, path: Path, index: bool = True) -> None:
    text = to_csv(frame if index else frame.reset_index(drop=True))
    path.write_text(text, encoding="utf-8", newline="")


def _write_areas(result: Diagnosis, target: Path) -> None:
    import geopandas as gpd

    areas = result.tables["areas"]
    kept = [name for name in (*AREA_COLUMNS, *STABILITY_COLUMNS) if name in areas]
    table = areas[["name", "province", "in_territory", *kept]]
    _write(table, target / "areas.csv")
    _write(result.tables["area_quality"], target / "area_quality.csv")
    _write(result.tables["area_methods"], target / "area_methods.csv")
    _write(
        result.tables["area_changes"].drop(columns=["it", "en"], errors="ignore"), target / "area_changes.csv"
    )
    if "area_moves" in result.tables:
        _write(result.tables["area_moves"], target / "area_moves.csv")
    polygons = gpd.GeoDataFrame(table.join(result.tables["area_map"]["geometry"]), geometry="geometry")
    path = target / "areas.gpkg"
    polygons.reset_index().to_file(path, layer="municipalities", driver="GPKG")
    dissolved = polygons.dropna(subset="functional").dissolve("functional")[["geometry"]]
    quality = result.tables["area_quality"]
    dissolved.join(quality).reset_index().to_file(path, layer="functional_areas", driver="GPKG")


def _mark_provisional(wellbeing: pd.DataFrame) -> pd.DataFrame:
    """Say which values are of a year that ISTAT calls provisional."""
    years = wellbeing["year"]
    return wellbeing.assign(provisional=[int(is_provisional(name, year)) for name, year in years.items()])


def _write_fragility(result: Diagnosis, target: Path, words: Words) -> None:
    parts = load_framework("fragility").components
    about = result.tables["fragility_components"].copy()
    about.insert(0, "name", [part.name[words.language] for part in parts])
    about["remark"] = [part.remark[words.language] for part in parts]
    if len(result.tables["fragility"]):
        _write(result.tables["fragility"], target / "fragility.csv")
    _write(about, target / "fragility_components.csv")
    _write(result.tables["spatial_clusters"], target / "spatial_clusters.csv", index=False)
    _write(result.tables["spatial_structure"], target / "spatial_structure.csv")


def _dictionary(result: Diagnosis, words: Words) -> pd.DataFrame:
    """Describe every indicator; those from modelled flows say so instead of a source and a year."""
    table = merge_catalogue(result.tables).to_frame(words.language)
    table["sdg"] = table["sdg"].astype("Int64")  # the city's own may have none
    table["local"] = table.index.isin(list(own_entries(result.tables)))
    modelled = result.facts.get("indicators", {}).get("modelled", [])
    table.loc[table.index.isin(modelled), ["sources", "year"]] = words("model")
    return table


def _columns(words: Words, target: Path) -> pd.DataFrame:
    """Say what the columns of the files that were written mean."""
    rows = [
        {"file": f"{stem}.csv", "column": name, "meaning": meaning[words.language]}
        for stem, columns in read_yaml(COLUMNS).items()
        if (target / f"{stem}.csv").exists()
        for name, meaning in columns.items()
    ]
    return pd.DataFrame(rows)


def _attributions(result: Diagnosis, words: Words) -> pd.DataFrame:
    rows = [
        {
            "source": item.id,
            "title": words.pick(item.title),
            "publisher": item.publisher,
            "file": item.file,
            "sha256": item.sha256,
            "licence": item.licence or (words("licence_not_declared") if item.publisher else ""),
            "licence_confirmed": item.licence_confirmed,
            "licence_basis": file_sources.tell_basis(item),
            "licence_url": item.licence_url,
            "attribution": words.pick(item.attribution) if item.attribution is not None else "",
            "modified": words.pick(item.modified) if item.modified is not None else "",
            "stands_in": item.stands_in,
            "note": words.pick(item.note) if item.note is not None else "",
        }
        for item in result.manifest.sources
    ]
    return pd.DataFrame(rows)


def _readme(result: Diagnosis, words: Words, target: Path) -> str:
    lines = [f"# {result.city.name[words.language]}: {words('file_data')}", ""]
    kind = result.manifest.flows_kind
    if kind != "observed":
        lines += [f"**{words(f'{kind}_title')}.** {words(kind)}", ""]
    if own_entries(result.tables):
        lines += [words("package_own_licence", none=words("licence_not_declared")), ""]
    lines += [
        f"- `{path.name}`: {words(f'package_{path.stem}')}"
        for path in sorted(target.iterdir())
        if path.name != README
    ]
    lines += ["", words("package_licences")]
    if unconfirmed := file_sources.list_unconfirmed(result, words):
        lines += ["", words("package_unconfirmed"), "", *(f"- {name}" for name in unconfirmed)]
    if attributions := file_sources.list_attributions(result.manifest, words):
        lines += ["", f"**{words('attributions')}**", "", *(f"- {text}" for text in attributions)]
    return "\n".join(lines) + "\n"
