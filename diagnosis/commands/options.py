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
local_option = click.option(
    "--local",
    type=click.Path(path_type=Path),
    envvar="DIAGNOSIS_LOCAL",
    help="Folder of the cities' own files, one folder a city; default: data/local [env: DIAGNOSIS_LOCAL].",
)
offline_option = click.option(
    "--offline",
    is_flag=True,
    envvar="DIAGNOSIS_OFFLINE",
    help="Ask no server, whatever else is said [env: DIAGNOSIS_OFFLINE].",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")


def words_of(language: str) -> Words:
    """Return the words of a language; they are loaded by the commands that speak."""
    from diagnosis.report.words import Words

    return Words(language)


def make_settings(
    work: Path | None, mirror: Path | None, local: Path | None = None, **changes: Any
) -> Settings:
    """Return the settings of a command: those of :func:`diagnosis.config.default_settings`, changed."""
    beside = work_folder(None) / "data" / "local"  # not in `work`, which may be thrown away
    local = local or (beside if beside.is_dir() else None)
    return default_settings(
        work_folder(work),
        mirror=mirror.resolve() if mirror else None,
        local=local.resolve() if local else None,
        **changes,
    )


def work_folder(work: Path | None) -> Path:
    """Folder to work in: the one given, the checkout, or the current one where the package is installed."""
    installed = project_folder().name == "_project"
    return work or (Path.cwd() if installed else project_folder())
