"""Releases of a country's scores: the goalposts of all frameworks frozen under one name, and what moving them changes.

A release is a folder's files ``<framework>-<version>.json``, one a framework: see :mod:`diagnosis.release_files`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diagnosis.config import Settings
from diagnosis.errors import InputError, examples
from diagnosis.release_files import read_release, write_release

if TYPE_CHECKING:
    import pandas as pd

    from diagnosis.composite.rebasing import Rebase
    from diagnosis.composite.release import AmpiRelease
    from diagnosis.national.scores import Scoring

FRAMEWORKS = ("municipalities", "provinces")


def release_paths(folder: Path, version: str) -> dict[str, Path]:
    """Return where the release of each framework is kept, whether it is there or not."""
    return {framework: folder / f"{framework}-{version}.json" for framework in FRAMEWORKS}


def list_releases(folder: Path) -> dict[str, dict[str, Path]]:
    """Return the files of the releases in a folder: by version, ascending, and framework."""
    found: dict[str, dict[str, Path]] = {}
    for framework in FRAMEWORKS:
        for path in sorted(folder.glob(f"{framework}-*.json")):
            found.setdefault(path.stem.removeprefix(f"{framework}-"), {})[framework] = path
    return dict(sorted(found.items()))


def find_release(settings: Settings) -> dict[str, Path]:
    """Return the file of each framework of the release that is set; none where none is set.

    Raises
    ------
    diagnosis.errors.InputError
        A file is not there; the releases that are there are named.
    """
    if settings.release is None:
        return {}
    paths = release_paths(settings.releases, settings.release)
    absent = [path.name for path in paths.values() if not path.is_file()]
    if absent:
        whole = [
            version for version, files in list_releases(settings.releases).items() if len(files) == len(paths)
        ]
        there = f"the releases there are {examples(whole)}" if whole else "there is no release there"
        raise InputError(
            f"Every framework of release {settings.release!r} must have its file in {settings.releases}",
            f"{examples(absent)} not found; {there}",
            f"Choose another one, or make it with `diagnosis release freeze {settings.release}`",
        )
    return paths


def load_release(settings: Settings, country_name: str) -> dict[str, AmpiRelease]:
    """Read the release that is set, by framework; nothing where none is set.

    Parameters
    ----------
    settings : Settings
    country_name : str
        Name of the country to be scored: goalposts of another one mean nothing for it.

    Raises
    ------
    diagnosis.errors.InputError
        A file is not there or cannot be read, has another name inside, or is of another country.
    """
    releases = {}
    for framework, path in find_release(settings).items():
        release = read_release(path)
        if release.version != settings.release:
            raise InputError(
                f"{path.name} must hold release {settings.release!r}",
                f"it holds {release.version!r}",
                "Do not rename the file of a release: freeze one of that name",
            )
        if release.reference_name != country_name:
            raise InputError(
                f"Release {settings.release!r} must be of the country that is scored, {country_name!r}",
                f"{path.name} is of {release.reference_name!r}",
                "Choose a release of this country, or none",
            )
        releases[framework] = release
    return releases


def freeze_scorings(
    scorings: Mapping[str, Scoring], version: str, country_name: str
) -> dict[str, AmpiRelease]:
    """Freeze every framework under one name: :meth:`diagnosis.national.scores.Scoring.freeze`."""
    return {framework: scoring.freeze(version, country_name) for framework, scoring in scorings.items()}


def write_releases(
    releases: Mapping[str, AmpiRelease], folder: Path, *, replace: bool = False
) -> dict[str, Path]:
    """Write the files of a release: all, or none where one of them is there with another content.

    Parameters
    ----------
    releases : mapping of str to AmpiRelease
        By framework, of one version.
    folder : Path
        Made if need be.
    replace : bool, default False
        Write over files of another content.

    Raises
    ------
    diagnosis.errors.InputError
        A file is there with another content, or cannot be written.
    """
    paths = {
        framework: release_paths(folder, release.version)[framework]
        for framework, release in releases.items()
    }
    changed = {name: path for name, path in paths.items() if not _holds(path, releases[name])}
    taken = [path.name for path in changed.values() if path.exists()]
    if taken and not replace:
        raise InputError(
            "A release that was frozen must not change",
            f"{examples(taken)} in {folder} with another content",
            "Choose another name, or replace it with --replace: reports on the old one can then not be made again",
        )
    for name, path in changed.items():
        write_release(releases[name], path, replace=replace)
    return paths


def _holds(path: Path, release: AmpiRelease) -> bool:
    try:
        return read_release(path).to_dict() == release.to_dict()
    except InputError:
        return False


def rebase_scoring(release: AmpiRelease, scoring: Scoring) -> Rebase:
    """Freeze a release again on the values of a framework and compare the two: nothing is written.

    Parameters
    ----------
    release : AmpiRelease
        The release in use.
    scoring : Scoring
        The framework with its values and their own goalposts.

    Returns
    -------
    diagnosis.composite.rebasing.Rebase
        An indicator that can no longer be scored is missing for every unit, on both scales.
    """
    from diagnosis.composite.rebasing import rebase

    indicators = release.groups.index
    return rebase(
        release,
        scoring.values.reindex(columns=indicators),
        scoring.references.iloc[0].reindex(indicators),
        version=f"{release.version} on current data",
        vintages=scoring.years,
        missing="leave_out",
    )


def summarise_rebase(found: Rebase, values: pd.DataFrame) -> pd.DataFrame:
    """Say domain by domain what moving the goalposts would change.

    Parameters
    ----------
    found : diagnosis.composite.rebasing.Rebase
    values : DataFrame, units x indicators
        Those the two releases were compared on.

    Returns
    -------
    DataFrame
        Index domain. `units` scored by both; `country`, score of the country's present values on the old scale
        (100 on the new one); `mean_absolute_change` and `greatest_change` (signed) in points, `greatest_unit` whose
        it is; `spearman`; `class_changes`, units in another decile class; `reversed`, units that would pass from
        above the country to below it or back, each compared with the country's present score on the same scale;
        `beyond`, units with a value lower or higher than any when the release was frozen.
    """
    old = found.old
    country = found.reference
    scores = found.scores[["old", "new"]]
    of_country = country.loc[scores.index.get_level_values("domain"), ["old", "new"]].to_numpy()
    sides = np.sign((scores - of_country).round(9))
    crossed = (sides["old"] * sides["new"] < 0).groupby(level="domain").sum()
    table = values.reindex(columns=old.groups.index)
    outside = (table < old.observed["lowest"]) | (table > old.observed["highest"])
    beyond = {domain: int(outside[names].any(axis=1).sum()) for domain, names in old.domains.items()}
    summary = found.summary.drop(columns=["reversed", "outside"]).assign(
        reversed=crossed, beyond=beyond, country=country["old"]
    )
    return summary[["units", "country", *(name for name in summary if name not in {"units", "country"})]]
