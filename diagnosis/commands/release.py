"""The command `diagnosis release`: one scale for the reports of several years."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diagnosis.commands.options import (
    language_option,
    make_settings,
    mirror_option,
    words_of,
    work_option,
)
from diagnosis.commands.terminal import write_table
from diagnosis.errors import InputError, examples

if TYPE_CHECKING:
    import pandas as pd

    from diagnosis.catalogue import Catalogue
    from diagnosis.composite.rebasing import Rebase
    from diagnosis.composite.release import AmpiRelease
    from diagnosis.config import Settings
    from diagnosis.national.shared import National
    from diagnosis.report.words import Words

RELEASE_COLUMNS = ("release", "framework", "country", "indicators", "domains", "years")
REBASE_COLUMNS = (
    "domain",
    "units",
    "country",
    "mean",
    "greatest",
    "unit",
    "spearman",
    "classes",
    "reversed",
    "beyond",
)

country_option = click.option(
    "--country",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    help="Folder with the tables of an own country.  [default: Italy]",
)


@click.group()
def release() -> None:
    """Freeze goalposts, so that the scores of several years are on one scale."""


@release.command()
@click.argument("version")
@click.option("--replace", is_flag=True, help="Write over a release of this name with another content.")
@country_option
@language_option
@mirror_option
@work_option
def freeze(
    version: str, replace: bool, country: Path | None, language: str, mirror: Path | None, work: Path | None
) -> None:
    """Freeze the goalposts of the current data under the name VERSION."""
    from diagnosis.national.releases import freeze_scorings, write_releases

    words = words_of(language)
    settings = make_settings(work, mirror, language=language, release=version)
    national = _load_national(settings, country)
    releases = freeze_scorings(national.scorings(), version, national.country.name.it)
    write_releases(releases, settings.releases, replace=replace)
    _show_releases(releases.items(), words)
    click.echo(words("cli_release_frozen", release=version, folder=str(settings.releases)))


@release.command("list")
@language_option
@work_option
def list_all(language: str, work: Path | None) -> None:
    """List the releases."""
    from diagnosis.national.releases import list_releases
    from diagnosis.release_files import read_release

    words = words_of(language)
    folder = make_settings(work, None).releases
    readable, broken = [], []
    for files in list_releases(folder).values():
        for framework, path in files.items():
            try:
                readable.append((framework, read_release(path)))
            except InputError as error:
                broken.append(str(error))
    if readable:
        _show_releases(readable, words)
    for line in broken:
        click.echo(f"- {line}")
    if not readable and not broken:
        click.echo(words("cli_release_none", folder=str(folder)))


@release.command()
@click.argument("version")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    help="Folder for the tables as CSV; new or empty.",
)
@country_option
@language_option
@mirror_option
@work_option
def rebase(
    version: str,
    output: Path | None,
    country: Path | None,
    language: str,
    mirror: Path | None,
    work: Path | None,
) -> None:
    """Say what would change if the goalposts of VERSION moved to the current data; nothing is moved."""
    from diagnosis.national.releases import find_release, load_release, rebase_scoring, summarise_rebase

    words = words_of(language)
    settings = make_settings(work, mirror, language=language, release=version)
    if output is not None:
        _check_output(output)
    find_release(settings)
    national = _load_national(settings, country)
    releases = load_release(settings, national.country.name.it)
    tables: dict[str, pd.DataFrame] = {}
    for framework, scoring in national.scorings().items():
        found = rebase_scoring(releases[framework], scoring)
        summary = summarise_rebase(found, scoring.values)
        names = _unit_names(national, framework)
        _show_rebase(found, summary, names, national.catalogue, framework, words)
        added = [name for name in scoring.values if name not in found.old.groups.index]
        for key, indicators in (("lost", list(found.new.left_out.index)), ("added", added)):
            if indicators:
                named = [_label(name, national.catalogue, language) for name in indicators]
                click.echo(words(f"cli_rebase_{key}", names=words.join(named)))
        tables |= _rebase_tables(found, summary, names, framework)
    click.echo(words("cli_rebase_note", release=version))
    if output is not None:
        _write_tables(tables, output)
        click.echo(words("cli_rebase_written", folder=str(output)))


def _load_national(settings: Settings, country: Path | None) -> National:
    """Load a country with the goalposts of its current data, whatever release the settings name."""
    from diagnosis.national.shared import load_national
    from diagnosis.territory import load_country

    return load_national(load_country(settings, country), settings.model_copy(update={"release": None}))


def _show_releases(releases: Iterable[tuple[str, AmpiRelease]], words: Words) -> None:
    rows = [
        (
            item.version,
            _framework_name(framework, words),
            item.reference_name,
            words.number(len(item.groups)),
            words.number(len(item.domains)),
            _years(item),
        )
        for framework, item in releases
    ]
    write_table([words(f"cli_release_{name}") for name in RELEASE_COLUMNS], rows)


def _framework_name(framework: str, words: Words) -> str:
    from diagnosis.frameworks import load_framework

    return words.pick(load_framework(framework).name)


def _years(item: AmpiRelease) -> str:
    if item.vintages is None:
        return "–" if item.base is None else str(item.base)
    years = sorted(map(str, item.vintages.unique()))
    return years[0] if len(years) == 1 else f"{years[0]}–{years[-1]}"


def _label(indicator: str, catalogue: Catalogue, language: str) -> str:
    return catalogue[indicator].name[language] if indicator in catalogue else indicator


def _unit_names(national: National, framework: str) -> Mapping[Any, str]:
    """Return the names of the units of a framework, as far as the country's tables have them."""
    tables = national.country.tables
    if framework == "municipalities":
        return national.country.municipalities["name"].to_dict()
    return tables["provinces"]["name"].to_dict() if "provinces" in tables else {}


def _show_rebase(
    found: Rebase,
    summary: pd.DataFrame,
    names: Mapping[Any, str],
    catalogue: Catalogue,
    framework: str,
    words: Words,
) -> None:
    click.echo(
        words(
            "cli_rebase_title",
            framework=_framework_name(framework, words),
            release=found.old.version,
            before=_years(found.old),
            after=_years(found.new),
        )
    )
    rows = [
        (
            words.pick(catalogue.domains[domain].name) if domain in catalogue.domains else domain,
            words.number(row["units"]),
            words.number(row["country"], 1),
            words.number(row["mean_absolute_change"], 2),
            words.number(row["greatest_change"], 2),
            names.get(row["greatest_unit"], row["greatest_unit"]) if row["greatest_change"] else "–",
            words.number(row["spearman"], 3),
            words.number(row["class_changes"]),
            words.number(row["reversed"]),
            words.number(row["beyond"]),
        )
        for domain, row in summary.iterrows()
    ]
    write_table([words(f"cli_rebase_{name}") for name in REBASE_COLUMNS], rows)


def _rebase_tables(
    found: Rebase, summary: pd.DataFrame, names: Mapping[Any, str], framework: str
) -> dict[str, pd.DataFrame]:
    """Return the tables of a re-base by file name, with the names of the units beside their codes."""
    scores = found.scores.assign(name=found.scores.index.get_level_values(0).map(names.get))
    place = summary.columns.get_loc("greatest_unit") + 1
    named = summary.copy()
    named.insert(place, "greatest_unit_name", named["greatest_unit"].map(names.get))
    tables = {
        "summary": named,
        "scores": scores,
        "goalposts": found.goalposts,
        "outside": found.outside,
    }
    if len(found.new.left_out):
        tables["lost"] = found.new.left_out.to_frame()
    return {f"{framework}_{name}.csv": table for name, table in tables.items()}


def _check_output(folder: Path) -> None:
    from diagnosis.report.area_folder import OF_THE_SYSTEM

    if folder.is_dir() and (there := sorted({path.name for path in folder.iterdir()} - OF_THE_SYSTEM)):
        raise InputError(
            f"{folder.name}: the folder must be new or empty",
            f"it holds {examples(there)}",
            "Choose another folder; nothing was written",
        )


def _write_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Write tables as CSV into a folder, all or none."""
    from diagnosis.csv_files import to_csv
    from diagnosis.storage import whole_folder

    with whole_folder(folder) as part:
        for name, table in tables.items():
            (part / name).write_text(to_csv(table), encoding="utf-8", newline="")
