"""What an index is made of: the units and indicators of a framework, or of an own table, ready to be scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from diagnosis.config import City, Settings
from diagnosis.errors import InputError, examples, unknown_name
from diagnosis.frameworks import load_framework
from diagnosis.indicators.wellbeing import COUNTRY
from diagnosis.national.scores import Scoring
from diagnosis.national.shared import National, load_national
from diagnosis.report.words import FOLDER, Words
from diagnosis.schema import read_yaml
from diagnosis.territory import INVENTED, Country, load_country

FRAMEWORKS = ("municipalities", "provinces")
OWN = "table"
"""Id of the framework of an own table."""
UNKNOWN = "unknown"
"""Year of an indicator that the own table says nothing of: a release needs one."""
MOST_DECIMALS = 3
TEXTS = read_yaml(FOLDER / "index_study.yml")
"""What a study of an index shows, in both languages."""


@dataclass(frozen=True, eq=False)
class IndexSubject:
    """Units, indicators and the choices behind their scores, with what they are called in one language.

    Attributes
    ----------
    scoring : Scoring
    names : dict of str to str
        Of units and references.
    indicators : dict of str to str
        Name of each indicator, with its unit of measure.
    domains : dict of str to str
    decimals : dict of str to int
        Of the values of each indicator.
    unit : str
        The unit that is read, if none is chosen.
    source, note : str
        Publisher, for figures; what a reader has to know of the data.
    national : National or None
        Keeps the replications of a framework; an own table has none.
    """

    scoring: Scoring
    names: Mapping[str, str]
    indicators: Mapping[str, str]
    domains: Mapping[str, str]
    decimals: Mapping[str, int]
    unit: str
    source: str = ""
    note: str = ""
    national: National | None = None

    def find_unit(self, wanted: str) -> str:
        """Return the code of a unit given by its code or its name.

        Raises
        ------
        diagnosis.errors.UnknownNameError
            There is no such unit.
        diagnosis.errors.InputError
            Several units have this name.
        """
        units = self.scoring.values.index
        if not wanted:
            return self.unit
        if wanted in units:
            return wanted
        found = [unit for unit in units if self.names[unit].casefold() == wanted.casefold()]
        if not found:
            raise unknown_name("The unit", wanted, [self.names[unit] for unit in units])
        if len(found) > 1:
            raise InputError(
                "The unit must be one", f"{wanted!r} is the name of {examples(found)}", "Give its code"
            )
        return found[0]

    def replicate(self) -> dict[str, pd.DataFrame]:
        """Replicate the scores: :meth:`diagnosis.national.scores.Scoring.replicate`, kept for a framework."""
        if self.national is None:
            return self.scoring.replicate()
        if self.scoring.scheme.uncertainty != load_framework(self.scoring.scheme.id).uncertainty:
            return self.scoring.replicate(self.standard_errors())
        provinces = self.scoring.scheme.level == "province"
        return self.national.wellbeing_uncertainty() if provinces else self.national.score_uncertainty()

    def standard_errors(self) -> pd.DataFrame | None:
        """Return the standard error of values of few people, units x indicators; None where nothing is known."""
        if self.national is None or not self.scoring.scheme.uncertainty.small_numbers:
            return None
        table = self.national.small_numbers()
        return table.pivot(index="code", columns="indicator", values="standard_error")


def subject_of_framework(framework: str, city: City, settings: Settings) -> IndexSubject:
    """Return a framework of the project with the values of a city's country.

    Parameters
    ----------
    framework : {"provinces", "municipalities"}
    city : City
        Decides the country, and which unit is read: the city or its province.
    settings : Settings

    Raises
    ------
    diagnosis.errors.UnknownNameError
        There is no such framework.
    diagnosis.errors.SourceError
        The country has no table of the well-being of its provinces.
    """
    if framework not in FRAMEWORKS:
        raise unknown_name("The framework", framework, FRAMEWORKS)
    country = load_country(settings, city.data)
    national = load_national(country, settings)
    if city.code not in country.municipalities.index:
        raise InputError(f"{city.id} must be in {country.name.en}", f"{city.code} is no municipality of it")
    provinces = framework == "provinces"
    scoring = national.provincial_scoring() if provinces else national.municipal_scoring()
    words, catalogue = Words(settings.language), national.catalogue
    items = catalogue.select(level=scoring.scheme.level, scored=True)
    used = {source for item in items for source in item.sources}
    labels = [source.label for source in country.sources if source.id in used]
    return IndexSubject(
        scoring=scoring,
        names=_name_places(country, words),
        indicators={item.id: words.with_unit(words.pick(item.name), words.pick(item.unit)) for item in items},
        domains={name: words.pick(catalogue.domains[name].name) for name in scoring.domains.unique()},
        decimals={item.id: item.decimals for item in items},
        unit=str(country.municipalities.at[city.code, "province"]) if provinces else city.code,
        source="; ".join(words.pick(label) for label in labels if label is not None),
        note=words.pick(TEXTS["invented"]) if country.flows_kind == INVENTED else "",
        national=national,
    )


def _name_places(country: Country, words: Words) -> dict[str, str]:
    """Name municipalities, provinces, regions (``R`` and their code) and the country."""
    municipalities, provinces = country.municipalities, country.table("provinces")
    regions = ("R" + provinces["region"]).to_numpy()
    return {
        **municipalities["name"],
        **provinces["name"],
        **dict(zip(regions, provinces["region_name"], strict=True)),
        COUNTRY: words.pick(country.name),
    }


def subject_of_table(
    table: str | Path, indicators: str | Path, reference: str, settings: Settings
) -> IndexSubject:
    """Return an own table, scored as the provinces are: AMPI by domain, the same choices let vary.

    Parameters
    ----------
    table, indicators : str or Path
        As :func:`diagnosis.sources.indicator_tables.read_indicator_table`.
    reference : str
        Code of the row that scores 100, for instance the country's own values. Empty: the row ``IT`` if there is
        one, otherwise the mean of the units.
    settings : Settings

    Raises
    ------
    diagnosis.errors.InputError
        The files are not what they should be; the reference is no row, or another row is called ``IT``; no indicator
        can be scored.
    """
    from diagnosis.composite import freeze
    from diagnosis.sources.indicator_tables import read_indicator_table

    if not table or not indicators:
        raise InputError(
            "An own table needs its indicators described",
            "only one of table and indicators was given",
            "Give a second table with the columns id, domain, direction and, if you wish, weight",
        )
    own, words = read_indicator_table(table, indicators), Words(settings.language)
    units = own.values.index
    chosen = reference or (COUNTRY if COUNTRY in units else "")
    if chosen and chosen not in units:
        raise unknown_name("The reference", chosen, units)
    if COUNTRY in units and chosen != COUNTRY:
        raise InputError(
            f"The row {COUNTRY!r} must be the reference", f"{chosen!r} was given", "Give it another code"
        )
    values = own.values.drop(index=chosen) if chosen else own.values
    row = own.values.loc[chosen] if chosen else values.mean()
    about = own.indicators
    if len(both := about.index.intersection(pd.Index(about["domain"]))):
        raise InputError(
            "An indicator and a domain must have different names", f"both: {examples(both)}", "Rename one"
        )
    # Freezing chooses the indicators that can be scored and says why the others cannot
    frozen = freeze(values, row, about["direction"], about["domain"], version=OWN, missing="leave_out")
    kept = list(frozen.groups.index)
    weights = about.loc[about["weight"] != 1, "weight"].to_dict()
    scheme = load_framework("provinces").model_copy(update={"id": OWN, "weights": weights})
    scoring = Scoring(
        scheme,
        values[kept],
        row[kept].to_frame(COUNTRY).T,
        about.loc[kept, "direction"],
        about.loc[kept, "domain"],
        frozen.goalposts,
        about.loc[kept, "year"].replace("", UNKNOWN),
        frozen.left_out.to_dict(),
    )
    measures = {
        name: words.with_unit(text, unit) if unit else text
        for name, text, unit in zip(about.index, about["name"], about["unit"], strict=True)
    }
    return IndexSubject(
        scoring=scoring,
        names={**own.names, COUNTRY: own.names[chosen] if chosen else words.pick(TEXTS["mean_of_units"])},
        indicators=measures,
        domains={name: name for name in about["domain"]},
        decimals={name: _decimals(values[name]) for name in kept},
        unit=str(values.index[0]),
        source=Path(table).name,
    )


def _decimals(values: pd.Series) -> int:
    """Count the decimals the values are written with, within reason."""
    known = values.dropna().to_numpy()
    fits = (places for places in range(MOST_DECIMALS) if np.allclose(known, known.round(places), atol=1e-9))
    return next(fits, MOST_DECIMALS)


def with_replications(subject: IndexSubject, replications: int) -> IndexSubject:
    """Return the subject with another number of replications."""
    scheme = subject.scoring.scheme
    varied = scheme.uncertainty.model_copy(update={"replications": replications})
    scoring = replace(subject.scoring, scheme=scheme.model_copy(update={"uncertainty": varied}))
    return replace(subject, scoring=scoring)
