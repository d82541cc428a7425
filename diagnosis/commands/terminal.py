"""What the command line draws: tables, a bar a city, a bar a download; plain lines where there is no terminal."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.progress import TaskID

    from diagnosis.sources.fetch import PullEvent

PLAIN_WIDTH = 160


def write_table(header: Sequence[str], rows: Sequence[Sequence[object]], width: int = PLAIN_WIDTH) -> None:
    """Write a table as wide as the terminal, or as `width` where there is none; cells are text, never markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else width).print(table)


def write_json(value: Any) -> None:
    """Write what other programs read: JSON in UTF-8, numbers of numpy as numbers, missing ones as null."""
    click.echo(json.dumps(_plain(value), ensure_ascii=False, indent=1, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    value = value.item() if hasattr(value, "item") else value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


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
def download_progress(titles: Mapping[str, str]) -> Iterator[Callable[[PullEvent], None] | None]:
    """Yield a function that moves the bar of a download, or None where there is no terminal.

    Parameters
    ----------
    titles : mapping of str to str
        What to write beside the bar of each source.
    """
    if not sys.stdout.isatty():
        yield None
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as bar:
        tasks: dict[str, TaskID] = {}

        def show(event: PullEvent) -> None:
            if event.id not in tasks:
                tasks[event.id] = bar.add_task(titles.get(event.id, event.id), total=event.total)
            bar.update(tasks[event.id], completed=event.bytes, total=event.total)

        yield show
