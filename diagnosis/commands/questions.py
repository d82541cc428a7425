"""The command `diagnosis data query`: a question in SQL over all tables."""

from __future__ import annotations

from pathlib import Path

import click

from diagnosis.commands.options import (
    language_option,
    make_settings,
    mirror_option,
    words_of,
    work_option,
)
from diagnosis.commands.terminal import write_table

ROWS_SHOWN = 50


@click.command("query")
@click.argument("sql")
@click.option("--city", help='Ask about the country of this city; its codes are in the table "territory".')
@click.option("--csv", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write a CSV instead.")
@language_option
@mirror_option
@work_option
def ask(
    sql: str, city: str | None, target: Path | None, language: str, mirror: Path | None, work: Path | None
) -> None:
    """Answer a question in SQL over all tables: diagnosis data query "from tables" lists them."""
    from diagnosis.csv_files import to_csv
    from diagnosis.provenance import write_atomically
    from diagnosis.questions import query

    settings = make_settings(work, mirror, language=language)
    found = query(sql, territory=city, settings=settings, language=language)
    for note in found.attrs["notes"]:
        click.echo(note, err=True)
    if target is not None:
        write_atomically(target, to_csv(found))
        return
    shown = found.head(ROWS_SHOWN).astype(object)
    rows = shown.where(shown.notna(), "").itertuples(index=False, name=None)
    write_table(tuple(map(str, found.columns)), [tuple(map(_cell, row)) for row in rows])
    if len(found) > ROWS_SHOWN:
        words = words_of(language)
        click.echo(words("cli_query_rows", n=words.number(len(found)), shown=ROWS_SHOWN))


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
