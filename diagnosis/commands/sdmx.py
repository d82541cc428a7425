"""The commands `diagnosis data sdmx ...`: ISTAT's data flows, what they are asked with, and their observations."""

from __future__ import annotations

from pathlib import Path

import click

from diagnosis.commands.options import language_option, make_settings, work_option
from diagnosis.commands.terminal import write_table

CODES_SHOWN = 12


@click.group()
def sdmx() -> None:
    """Ask ISTAT's SDMX service (at most one query every 13 seconds; answers are kept)."""


refresh_option = click.option("--refresh", is_flag=True, help="Ask again for what is kept.")


@sdmx.command("list")
@click.argument("search", nargs=-1)
@refresh_option
@language_option
@work_option
def list_flows(search: tuple[str, ...], refresh: bool, language: str, work: Path | None) -> None:
    """List the data flows whose identifier or name has all the words of SEARCH."""
    from diagnosis.sources.istat_sdmx import list_istat

    flows = list_istat(" ".join(search), settings=make_settings(work, None), refresh=refresh)
    other = "en" if language == "it" else "it"
    for flow, row in flows.iterrows():
        click.echo(f"{flow}\t{row[language] or row[other]}")


@sdmx.command("show")
@click.argument("flow")
@refresh_option
@language_option
@work_option
def show_flow(flow: str, refresh: bool, language: str, work: Path | None) -> None:
    """Say which dimensions FLOW is asked with, and their first codes."""
    from diagnosis.sources.istat_sdmx import FOLDER, IstatService

    service = IstatService(make_settings(work, None).raw / FOLDER, refresh=refresh)
    structure = service.structure(flow)
    rows = []
    for name in structure.dimensions:
        names = structure.name_codes(name, language)
        shown = "; ".join(f"{code} {text}" for code, text in names.head(CODES_SHOWN).items())
        rows.append((name, len(names), shown + (" ..." if len(names) > CODES_SHOWN else "")))
    header = ("dimensione", "codici", "") if language == "it" else ("dimension", "codes", "")
    write_table(header, rows)


@sdmx.command("get")
@click.argument("flow")
@click.argument("codes", nargs=-1, metavar="[DIMENSION=CODE+CODE]...")
@click.option("--from", "start", type=int, help="First year.")
@click.option("--to", "end", type=int, help="Last year.")
@click.option("--csv", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write into a file.")
@refresh_option
@work_option
def get_observations(
    flow: str,
    codes: tuple[str, ...],
    start: int | None,
    end: int | None,
    target: Path | None,
    refresh: bool,
    work: Path | None,
) -> None:
    """Fetch observations of FLOW as CSV; a dimension that is not named is left open."""
    from diagnosis.csv_files import to_csv
    from diagnosis.provenance import write_atomically
    from diagnosis.sources.istat_sdmx import FOLDER, IstatService

    wanted = {}
    for text in codes:
        name, sign, given = text.partition("=")
        if not sign or not name or name in wanted:
            raise click.UsageError(
                f"write each dimension once, as DIMENSION=CODE or DIMENSION=CODE+CODE: {text}"
            )
        wanted[name] = given.split("+")
    service = IstatService(make_settings(work, None).raw / FOLDER, refresh=refresh)
    found = to_csv(service.observations(flow, start, end, **wanted))
    if target:
        write_atomically(target, found)
    else:
        click.echo(found, nl=False)
