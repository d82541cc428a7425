"""The command `diagnosis areas`: proposed areas from any table of flows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from diagnosis.schema import LANGUAGES

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option(
    "--flows", type=FILE, required=True, help="Who commutes from where to where: CSV, zip, Parquet, xlsx."
)
@click.option(
    "--out", "folder", type=FOLDER, required=True, help="Folder to write; new, empty, or of an earlier run."
)
@click.option("--polygons", type=FILE, help="Municipalities: GeoPackage, shapefile, GeoJSON, GeoParquet.")
@click.option("--layer", help="Layer of the polygons, if the file has several.")
@click.option("--population", type=FILE, help="Table of residents by municipality.")
@click.option("--names", type=FILE, help="Table of the municipalities' names.")
@click.option(
    "--compare",
    type=FILE,
    multiple=True,
    help="Existing geography to compare with: code and area; may be repeated.",
)
@click.option("--within", type=FILE, help="Table of groups (regions, provinces) the areas stay inside.")
@click.option("--mode", type=click.Choice(("clean", "istat")), default="clean", show_default=True)
@click.option("--min-size", type=float, help="Least employed residents of an area.  [default: 1000]")
@click.option("--min-self-containment", type=float, help="Needed from the target size on.  [default: 0.6]")
@click.option("--target-size", type=float, help="Employed residents of a full area.  [default: 10000]")
@click.option("--target-self-containment", type=float, help="Needed at the minimum size.  [default: 0.75]")
@click.option(
    "--runs", type=click.IntRange(0), default=0, help="Bootstrap runs that show how sensitive the areas are."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the runs.")
@click.option("--origin", help="Heading of the place of residence, if it is not recognised.")
@click.option("--destination", help="Heading of the place of work, if it is not recognised.")
@click.option("--commuters", help="Heading of the number of commuters, if it is not recognised.")
@click.option("--code", help="Heading of the codes of the polygons, if it is not recognised.")
@click.option("--overwrite", is_flag=True, help="Replace results that were changed by hand.")
@click.option(
    "--language",
    "--lang",
    type=click.Choice(LANGUAGES),
    default="it",
    show_default=True,
    envvar="DIAGNOSIS_LANGUAGE",
    help="Language of the results and messages.",
)
def areas(
    flows: Path,
    folder: Path,
    min_size: float | None,
    min_self_containment: float | None,
    target_size: float | None,
    target_self_containment: float | None,
    origin: str | None,
    destination: str | None,
    commuters: str | None,
    code: str | None,
    language: str,
    **options: Any,
) -> None:
    """Draw proposed areas from a table of flows, anywhere in the world, with or without polygons."""
    from diagnosis.report.area_text import say
    from diagnosis.studies.delineation import delineate

    thresholds = {
        "min_size": min_size,
        "min_self_containment": min_self_containment,
        "target_size": target_size,
        "target_self_containment": target_self_containment,
    }
    result = delineate(
        flows,
        folder,
        parameters={name: value for name, value in thresholds.items() if value is not None},
        columns={"origin": origin, "destination": destination, "commuters": commuters, "code": code},
        language=language,
        created=datetime.now(UTC),
        **options,
    )
    for line in result.summary(language):
        click.echo(line)
    for item in result.remarks:
        click.echo(f"- {item[language]}")
    click.echo(say("written", language, folder=str(folder)))
