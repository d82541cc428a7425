"""What the commands share: options, settings and the words of a language."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diagnosis.config import Settings, default_settings, project_folder
from diagnosis.schema import LANGUAGES

if TYPE_CHECKING:
    from diagnosis.report.words import Words

language_option = click.option(
    "--language",
    "--lang",
    type=click.Choice(LANGUAGES),
    default="it",
    show_default=True,
    envvar="DIAGNOSIS_LANGUAGE",
    help="Language of report and messages.",
)
mirror_option = click.option(
    "--mirror",
    type=click.Path(path_type=Path),
    envvar="DIAGNOSIS_MIRROR",
    help="Folder with the publishers' files [env: DIAGNOSIS_MIRROR].",
)
work_option = click.option(
    "--work",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="DIAGNOSIS_WORK",
    help="Folder for downloads and saved results; default: the project's own.",
)


def words_of(language: str) -> Words:
    """Return the words of a language; they are loaded by the commands that speak."""
    from diagnosis.report.words import Words

    return Words(language)


def make_settings(work: Path | None, mirror: Path | None, **changes: Any) -> Settings:
    """Return the settings of a command: those of :func:`diagnosis.config.default_settings`, changed."""
    return default_settings(work_folder(work), mirror=mirror.resolve() if mirror else None, **changes)


def work_folder(work: Path | None) -> Path:
    """Folder to work in: the one given, the checkout, or the current one where the package is installed."""
    installed = project_folder().name == "_project"
    return work or (Path.cwd() if installed else project_folder())
