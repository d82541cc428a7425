"""The areas that could run a function together, for one city: what the notebook `governance` shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from diagnosis.config import default_settings, load_city
from diagnosis.errors import InputError
from diagnosis.functions import choose_function
from diagnosis.national.shared import load_national
from diagnosis.sources.own.files import PROPOSALS, own_folder
from diagnosis.territory import load_country, load_territory

if TYPE_CHECKING:
    from diagnosis.governance.editor import AreaEditor

QUICK_ROUNDS = 2_000
"""Perturbations of the search the editor starts from: a second or two."""
NO_AREAS = {
    "it": "{name}: gli ambiti devono rispettare tutti i limiti della funzione",
    "en": "{name}: areas must keep all limits of the function",
}
CHANGE_LIMITS = {
    "it": "I limiti si cambiano nel file YAML della città (governance.functions)",
    "en": "Limits are changed in the YAML file of the city (governance.functions)",
}


def proposals_folder(local: Path, city: str) -> Path:
    """Return the folder of the proposals drawn for a city; it may be absent."""
    return own_folder(local, city) / PROPOSALS


def open_area_editor(
    city: str = "example",
    function: str = "strategic_planning",
    *,
    language: str = "it",
    mirror: str = "",
    proposal: str = "",
    save_to: str = "",
) -> AreaEditor:
    """Open the area editor for one function of one city.

    The areas it starts from are found by a quick search; they are good, not proven best.

    Parameters
    ----------
    city : str
        Name of a pilot city, ``"example"``, or the path of a YAML file.
    function : str
        One of :func:`diagnosis.functions.load_functions`.
    language : {"it", "en"}
    mirror : str
        Folder with the publishers' files; none if empty.
    proposal : str
        Name of a saved proposal to go on with; the computed areas if empty.
    save_to : str
        Folder for proposals; ``data/local/<city>/areas`` if empty.

    Returns
    -------
    AreaEditor

    Raises
    ------
    diagnosis.errors.DiagnosisError
        The city, function, language or proposal is unknown, or no areas of this function keep its limits: the error
        says in the language asked for which of them cannot be kept together, where, and what would do.
    """
    from diagnosis.areas.governance.infeasibility import explain_infeasibility
    from diagnosis.areas.governance.search import search_areas
    from diagnosis.governance.cooperation import read_cooperation
    from diagnosis.governance.editor import AreaEditor
    from diagnosis.governance.proposals import read_proposal
    from diagnosis.governance.subject import build_subject

    known = load_city(city)
    wanted = choose_function(function, known.governance.functions)
    settings = default_settings(language=language, mirror=mirror or None)
    country = load_country(settings, known.data)
    territory = load_territory(known, settings, country)
    groups = read_cooperation(known, country.municipalities.index)
    subject = build_subject(territory, load_national(country, settings), wanted, groups)
    found = search_areas(subject.problem, rounds=QUICK_ROUNDS)
    if not found.feasible:
        reason = explain_infeasibility(subject.problem)
        if reason is not None:
            names = country.municipalities["name"]
            raise InputError(
                NO_AREAS[language].format(name=wanted.name[language]),
                reason.sentence(language, names),
                CHANGE_LIMITS[language],
            )
        raise InputError(
            f"{wanted.name.en}: there must be areas that keep its limits",
            f"a quick search met none: {len(found.broken)} of {found.n_areas} areas break one",
            "Choose another function, or loosen its limits",
        )
    limited = not subject.minutes_estimated
    folder = Path(save_to) if save_to else proposals_folder(settings.local, known.id)
    editor = AreaEditor(
        subject.problem,
        found.partition,
        country.municipalities.loc[subject.codes],
        minutes=subject.minutes if subject.minutes.notna().to_numpy().any() else None,
        minutes_estimated=subject.minutes_estimated,
        wished_minutes=None if limited else wanted.max_minutes,
        function=function,
        function_name=wanted.name[language],
        data=country.key,
        folder=folder,
        language=language,
    )
    if proposal:
        editor.open_proposal(read_proposal(folder / proposal, subject.codes))
    return editor
