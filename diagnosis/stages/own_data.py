"""A city's own files brought to its territory: found, read, and refused aloud where one of them has an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from diagnosis.config import City, Settings
from diagnosis.errors import InputError, examples
from diagnosis.sources.own.data import OwnData, read_own_data
from diagnosis.sources.own.files import has_own_files
from diagnosis.sources.own.report import write_report
from diagnosis.territory import Territory, load_territory


class BrokenOwnDataError(InputError):
    """Files of a city have errors that must be corrected first.

    Parameters
    ----------
    must_hold, found, to_do : str
        See :class:`diagnosis.errors.DiagnosisError`.
    reports : iterable of str
        For each city what is wrong, row by row, for people who do not program.
    """

    def __init__(self, must_hold: str, found: str = "", to_do: str = "", reports: Iterable[str] = ()) -> None:
        super().__init__(must_hold, found, to_do)
        self.reports = tuple(reports)

    def __reduce__(self):
        return type(self), (self.must_hold, self.found, self.to_do, self.reports)


def load_own_data(place: Territory | City | str, settings: Settings | None = None) -> OwnData:
    """Load a city's own files.

    Parameters
    ----------
    place : Territory, City or str
        A territory already loaded, a configuration, or the name of a pilot city.
    settings : Settings, optional
        Folders: the files are in ``<settings.local>/<city>``; the project's ``data/local`` if not given. Not looked
        at if `place` is a territory, which knows its folder.

    Returns
    -------
    OwnData
        A file with an error is not used; what is wrong is in `problems` and never raised. Empty where there is no
        such folder.

    Raises
    ------
    diagnosis.errors.InputError
        The city or its territory is not what it should be; the territory was built without a folder.
    """
    from diagnosis.sources.embedded import read_register

    territory = place if isinstance(place, Territory) else load_territory(place, settings)
    if territory.local is None:
        raise InputError(
            "The territory must know the folder of the city's own files", "it was built without one"
        )
    country = territory.country
    return read_own_data(
        territory.local,
        country.municipalities,
        register=None if territory.city.data else read_register(),
        residents=country.residents if country.residents.notna().any() else None,
        territory=territory.codes,
    )


def check_own_data(territories: Iterable[Territory], language: str = "it") -> None:
    """Read the own files of cities and refuse errors: every city is looked at before it says so.

    Raises
    ------
    BrokenOwnDataError
        With what is wrong in every file of every city.
    """
    own = {place: load_own_data(place) for place in territories if has_own_files(place.local)}
    refuse_errors(own, language)


def refuse_errors(own: Mapping[Territory, OwnData], language: str = "it") -> None:
    """Raise `BrokenOwnDataError` where a file of a city has an error."""
    files, reports = [], []
    for territory, data in own.items():
        wrong = data.problems.loc[data.problems["severity"] == "error", "file"]
        if len(wrong):
            files += [f"{territory.city.id}/{file}" for file in wrong.unique()]
            title = f"{territory.city.name[language]}: {territory.local}"
            reports.append(f"{title}\n\n{write_report(data, language)}")
    if reports:
        raise BrokenOwnDataError(
            "A city's own files must be read whole before its report is made",
            f"{examples(files)} cannot be",
            "Correct them (`diagnosis check CITY` says row by row what is wrong), or take the file out of the folder",
            reports,
        )
