"""What the command line draws: tables, a bar a city, a bar a download; plain lines where there is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from diagnosis.sources.fetch import PullEvent

PLAIN_WIDTH = 160


def write_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a table as wide as the terminal; cells are text, never markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH).print(table)


@contextmanager
def city_progress(total: int, title: str) -> Iterator[Callable[[str], None]]:
    """Yield a function that shows the line of a finished city and moves the bar on."""
    if not sys.stdout.isatty():
        yield click.echo
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.text import Text

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as bar:
        task = bar.add_task(title, total=total)

        def show(line: str) -> None:
            bar.console.print(Text(line))
            bar.advance(task)

        yield show


@contextmanager
def download_progress() -> Iterator[Callable[[PullEvent], None] | None]:
    """Yield a function that moves the bar of a download, or None where there is no terminal."""
    if not sys.stdout.isatty():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns) as bar:
        tasks: dict[str, int] = {}

        def show(event: PullEvent) -> None:
            if event.id not in tasks:
                tasks[event.id] = bar.add_task(event.id, total=event.total)
            bar.update(tasks[event.id], completed=event.bytes, total=event.total)  # type: ignore[arg-type]

        yield show
