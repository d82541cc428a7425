"""The command line: the only place, with the batch, that talks to the terminal and reads environment and clock."""

from __future__ import annotations

import io
import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diagnosis.commands.areas import areas
from diagnosis.commands.options import (
    language_option,
    make_settings,
    mirror_option,
    words_of,
    work_folder,
    work_option,
)
from diagnosis.commands.release import release
from diagnosis.commands.terminal import city_progress, download_progress, write_table
from diagnosis.config import Settings, city_files, default_settings, load_city, project_folder
from diagnosis.errors import DiagnosisError
from diagnosis.schema import LANGUAGES

if TYPE_CHECKING:
    from diagnosis.batch import CityRun
    from diagnosis.report.words import Words

BAD_INPUT = 2
CITY_FAILED = 1
QUICK_PULL = {"timeout": (3, 5), "retries": 1, "deadline": 20}
"""A report does not wait for publishers who do not answer."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="diagnosis")
def commands() -> None:
    """Territorial diagnosis and proposed governance areas for medium-sized cities."""


commands.add_command(areas)
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
@language_option
@mirror_option
@work_option
def check(city: str, language: str, mirror: Path | None, work: Path | None) -> None:
    """Say what data there are on CITY before a report is made."""
    from diagnosis.studies.city import Study

    words = words_of(language)
    study = Study(city, make_settings(work, mirror, language=language))
    place, country = study.territory, study.national.country
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
    click.echo(words("gaps_text", n=len(own)) if len(own) else words("cli_no_gaps"))


@commands.group()
def data() -> None:
    """List, check and download the sources."""


@data.command("list")
@language_option
def list_sources(language: str) -> None:
    """List every source with its publisher and licence."""
    from diagnosis.provenance import load_sources

    words = words_of(language)
    sources = load_sources(default_settings().sources).values()
    header = tuple(words(f"column_{name}") for name in ("source", "publisher", "reference", "licence"))
    write_table(
        header,
        [(item.title[language], item.publisher, item.reference_date, item.licence) for item in sources],
    )


@data.command("check")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@language_option
def check_own(folder: Path, language: str) -> None:
    """Check a city's own tables in FOLDER, row by row; exit status 2 where a file cannot be used."""
    from diagnosis.sources.embedded import read_municipalities, read_population, read_register
    from diagnosis.sources.own.data import read_own_data
    from diagnosis.sources.own.report import write_report

    found = read_own_data(
        folder,
        read_municipalities(),
        register=read_register(),
        residents=read_population().sum(axis=1, skipna=False),
    )
    click.echo(write_report(found, language), nl=False)
    if (found.problems["severity"] == "error").any():
        raise SystemExit(2)


@data.command()
@language_option
@mirror_option
@work_option
def status(language: str, mirror: Path | None, work: Path | None) -> None:
    """Say which sources are here, from where, and what the others cost."""
    words = words_of(language)
    frame = _store(make_settings(work, mirror, language=language)).status(language)
    rows = [
        (
            row.title,
            words("cli_yes") if row.available else words("cli_no"),
            row.tier,
            words.number(row.bytes),
            row.note,
        )
        for row in frame.itertuples()
    ]
    write_table(tuple(words(f"cli_{name}") for name in ("source", "here", "tier", "bytes", "note")), rows)


@data.command()
@click.argument("sources", nargs=-1)
@click.option("--refresh", is_flag=True, help="Ask again for what is already here.")
@click.option("--timeout", type=float, default=60, show_default=True, help="Seconds without an answer.")
@language_option
@mirror_option
@work_option
def pull(
    sources: tuple[str, ...],
    refresh: bool,
    timeout: float,
    language: str,
    mirror: Path | None,
    work: Path | None,
) -> None:
    """Download what the publishers offer: all sources, or the SOURCES named."""
    settings = make_settings(work, mirror, language=language)
    _pull(settings, only=sources or None, refresh=refresh, timeout=(5, timeout))


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
@language_option
@mirror_option
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
    language: str,
    mirror: Path | None,
    work: Path | None,
) -> None:
    """Diagnose CITIES (names of pilot cities, YAML files, or "example") and write their reports."""
    from diagnosis.batch import run_batch
    from diagnosis.report import FORMATS

    if everyone == bool(cities):
        raise click.UsageError("name the cities, or give --all")
    settings = make_settings(
        work,
        mirror,
        language=language,
        edition=str(date.today().year) if edition is None else edition,
        release=version,
    )
    chosen = tuple(city_files()) if everyone else cities
    for name in chosen:
        load_city(name)
    if download:
        missing = [name for name, row in _store(settings).status().iterrows() if not row["available"]]
        if missing:
            _pull(settings, only=missing, **QUICK_PULL)
    words = words_of(language)
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
@click.option("--language", "--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
def catalogue(target: Path | None, language: str) -> None:
    """Print the catalogue of indicators as Markdown."""
    from diagnosis.catalogue import load_catalogue
    from diagnosis.provenance import write_atomically

    text = load_catalogue().to_markdown(language)
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


def _store(settings: Settings):
    from diagnosis.provenance import load_sources
    from diagnosis.sources.store import Store

    return Store(load_sources(settings.sources), settings.raw, settings.mirror)


def _pull(settings: Settings, **options: Any) -> None:
    from diagnosis.provenance import load_sources
    from diagnosis.sources.fetch import pull as fetch

    words = words_of(settings.language)
    sources = load_sources(settings.sources)
    with download_progress() as on_event:
        results = fetch(sources, settings.raw, on_event=on_event, language=settings.language, **options)
    for item in results:
        status = words(f"cli_pull_{item.status}")
        line = f"- {sources[item.id].title[settings.language]}: {status}"
        click.echo(". ".join(part.rstrip(".") for part in (line, item.detail, item.cost) if part) + ".")


def _line(item: CityRun, words: Words) -> str:
    parts = [f"{item.city}: {words(f'status_{item.status}')}"]
    if item.seconds:
        parts.append(f"{words.number(item.seconds, 1)} s")
    return ", ".join(parts) + (f". {item.error}" if item.error else "")
