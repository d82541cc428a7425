"""The command line: the only place, with the batch, that talks to the terminal and reads environment and clock."""

from __future__ import annotations

import io
import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from diagnosis.commands.areas import areas
from diagnosis.commands.data import data, pull_missing
from diagnosis.commands.options import (
    json_option,
    language_option,
    local_option,
    make_settings,
    mirror_option,
    offline_option,
    words_of,
    work_folder,
    work_option,
)
from diagnosis.commands.release import release
from diagnosis.commands.terminal import city_progress, write_json, write_table
from diagnosis.config import city_files, load_city, project_folder
from diagnosis.errors import DiagnosisError
from diagnosis.schema import LANGUAGES

if TYPE_CHECKING:
    from diagnosis.batch import CityRun
    from diagnosis.report.words import Words
    from diagnosis.territory import Territory

BAD_INPUT = 2
CITY_FAILED = 1


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="diagnosis")
def commands() -> None:
    """Territorial diagnosis and proposed governance areas for medium-sized cities."""


commands.add_command(areas)
commands.add_command(data)
commands.add_command(release)


@commands.command()
@language_option
def cities(language: str) -> None:
    """List the pilot cities."""
    for name in city_files():
        city = load_city(name)
        click.echo(f"{name:12} {city.code}  {city.name[language]}")


@commands.command()
@click.argument("city")
@click.option("--edition", help="Edition whose year the age of the data is counted to; default: this year.")
@json_option
@language_option
@mirror_option
@local_option
@work_option
def check(
    city: str,
    edition: str | None,
    as_json: bool,
    language: str,
    mirror: Path | None,
    local: Path | None,
    work: Path | None,
) -> None:
    """Say what data there are on CITY, and how good, before a report is made.

    Exit status 2 where an own file has errors.
    """
    from diagnosis.commands.quality import grade_study, quality_records, show_quality
    from diagnosis.governance.cooperation import read_cooperation
    from diagnosis.indicators import find_waiting
    from diagnosis.studies.city import Study

    words = words_of(language)
    edition = str(date.today().year) if edition is None else edition
    study = Study(city, make_settings(work, mirror, local, language=language, edition=edition))
    place, country = study.territory, study.national.country
    read_cooperation(place.city, country.municipalities.index)
    if as_json:
        write_json(
            {
                "city": study.city.id,
                "municipalities": list(place.codes),
                "flows": country.flows_kind,
                "rows": {name: len(frame) for name, frame in country.tables.items()},
                "absent": {name: reason[language] for name, reason in country.absent.items()},
                "quality": quality_records(grade_study(study)),
            }
        )
        return
    click.echo(f"{study.city.name[language]} ({study.city.code}): {place.name[language]}")
    click.echo(words("cli_territory", n=len(place.codes)))
    click.echo(words(f"cli_flows_{country.flows_kind}"))
    write_table(
        (words("cli_table"), words("cli_rows")),
        [(name, words.number(len(frame))) for name, frame in country.tables.items()],
    )
    for table, reason in country.absent.items():
        click.echo(f"- {table}: {reason[language]}")
    gaps = study.national.indicators()["gaps"]
    own = gaps[gaps["code"].isin(place.codes)]
    own = own[~own["indicator"].isin(find_waiting(country.tables).index)]
    click.echo(words("gaps_text", n=len(own)) if len(own) else words("cli_no_gaps"))
    show_quality(grade_study(study), study, words)
    _show_own_data(study.territory, words)


@commands.command()
@click.argument("cities", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Every pilot city.")
@click.option("--edition", help="Name of the edition; default: this year.")
@click.option("--release", "version", help="Release whose goalposts the scores use; default: the data's own.")
@click.option("--format", "formats", multiple=True, help="html, pdf or data; default: all three.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Cities at a time.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), help="Folder of the reports.")
@click.option(
    "--pull", "download", is_flag=True, help="First try to download missing sources, for a short time."
)
@click.option("--refresh", is_flag=True, help="Make every report again, changed or not.")
@offline_option
@language_option
@mirror_option
@local_option
@work_option
def report(
    cities: tuple[str, ...],
    everyone: bool,
    edition: str | None,
    version: str | None,
    formats: tuple[str, ...],
    workers: int,
    reports: Path | None,
    download: bool,
    refresh: bool,
    offline: bool,
    language: str,
    mirror: Path | None,
    local: Path | None,
    work: Path | None,
) -> None:
    """Diagnose CITIES (names of pilot cities, YAML files, or "example") and write their reports."""
    from diagnosis.batch import run_batch
    from diagnosis.report import FORMATS
    from diagnosis.stages.own_data import BrokenOwnDataError

    if everyone == bool(cities):
        raise click.UsageError("name the cities, or give --all")
    settings = make_settings(
        work,
        mirror,
        local,
        language=language,
        edition=str(date.today().year) if edition is None else edition,
        release=version,
    )
    chosen = tuple(city_files()) if everyone else cities
    for name in chosen:
        load_city(name)
    if download and not offline:
        pull_missing(settings)
    words = words_of(language)
    try:
        with city_progress(len(chosen), words("cli_reports")) as show:
            run = run_batch(
                chosen,
                settings,
                reports or work_folder(work) / "reports",
                formats=formats or FORMATS,
                workers=workers,
                on_event=lambda item: show(_line(item, words)),
                refresh=refresh,
            )
    except BrokenOwnDataError as error:
        click.echo("\n".join(error.reports), err=True)
        raise
    click.echo(words("cli_index", path=str(run.folder / "index.html")))
    if run.failed:
        click.echo(words("cli_failed", names=words.join(run.failed)), err=True)
        sys.exit(CITY_FAILED)


@commands.command()
@click.argument("cities", nargs=-1, required=True)
@click.option("--csv", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write a CSV instead.")
@language_option
@mirror_option
@work_option
def compare(
    cities: tuple[str, ...], target: Path | None, language: str, mirror: Path | None, work: Path | None
) -> None:
    """Put the headline figures of several CITIES side by side."""
    from diagnosis.comparison import compare as put_together
    from diagnosis.csv_files import to_csv
    from diagnosis.provenance import write_atomically
    from diagnosis.studies.city import diagnose

    settings = make_settings(work, mirror, language=language)
    table = put_together([diagnose(name, settings) for name in cities], language)
    if target:
        write_atomically(target, to_csv(table))
        return
    write_table(tuple(table.columns), [tuple(row) for row in table.itertuples(index=False)])


@commands.command()
@click.option("--write", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write into a file.")
@click.option(
    "--measure",
    "measured",
    is_flag=True,
    help="First measure the coverage of every indicator on the data at hand, and keep it in docs.",
)
@click.option("--language", "--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
@mirror_option
@work_option
def catalogue(
    target: Path | None, measured: bool, language: str, mirror: Path | None, work: Path | None
) -> None:
    """Print the catalogue of indicators as Markdown."""
    from diagnosis.catalogue import load_catalogue
    from diagnosis.catalogue_page import write_page
    from diagnosis.commands.coverage import measure_coverage, read_coverage, write_coverage
    from diagnosis.provenance import write_atomically
    from diagnosis.territory import load_country

    if measured:
        write_coverage(measure_coverage(load_country(make_settings(work, mirror))))
    text = write_page(load_catalogue(), language, read_coverage())
    if target:
        write_atomically(target, text)
    else:
        click.echo(text, nl=False)


@commands.command()
def generate() -> None:
    """Rewrite the files of the project that are made from others."""
    from diagnosis.commands.generated import GENERATED
    from diagnosis.provenance import write_atomically

    for name, make in GENERATED.items():
        write_atomically(project_folder() / name, make())
        click.echo(name)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; input that breaks a rule ends with a paragraph on standard error and exit status 2."""
    os.environ.setdefault(
        "PYDEVD_DISABLE_FILE_VALIDATION", "1"
    )  # a remark of the kernel's debugger nobody needs
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without accents gets question marks
    try:
        commands.main(arguments, prog_name="diagnosis", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(BAD_INPUT)
    except DiagnosisError as error:
        click.echo(f"diagnosis: {error}", err=True)
        sys.exit(BAD_INPUT)
    except OSError as error:
        click.echo(f"diagnosis: {error.filename or 'input or output'}: {error.strerror}.", err=True)
        sys.exit(BAD_INPUT)
    except (click.Abort, KeyboardInterrupt):
        click.echo("diagnosis: interrupted; what is finished is kept", err=True)
        sys.exit(130)


def _show_own_data(territory: Territory, words: Words) -> None:
    """Say what is right and wrong with a city's own files; an error ends the command."""
    from diagnosis.sources.own.files import has_own_files
    from diagnosis.sources.own.report import write_report
    from diagnosis.stages.own_data import load_own_data

    if not has_own_files(territory.local):
        click.echo(words("cli_no_own", folder=str(territory.local)))
        return
    own = load_own_data(territory)
    title = words("cli_own", folder=str(territory.local))
    click.echo(f"{title}\n\n{write_report(own, words.language)}", nl=False)
    if (own.problems["severity"] == "error").any():
        sys.exit(BAD_INPUT)


def _line(item: CityRun, words: Words) -> str:
    parts = [f"{item.city}: {words(f'status_{item.status}')}"]
    if item.seconds:
        parts.append(f"{words.number(item.seconds, 1)} s")
    return ", ".join(parts) + (f". {item.error}" if item.error else "")
