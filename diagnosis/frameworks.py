"""The frameworks of the scores: the tree of an index, how it is put together, and what its uncertainty lets vary.

Three are in ``frameworks.yml``: municipalities by theme, provinces by domain of the BES, and ISTAT's index of municipal
fragility as far as its components are at hand. They are never mixed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd
from pydantic import Field, model_validator

from diagnosis.catalogue import Catalogue, Indicator, Level
from diagnosis.errors import unknown_name
from diagnosis.schema import Model, Text, build, read_yaml

if TYPE_CHECKING:
    from diagnosis.composite import Framework

INDEX = "index"
"""Name of the node above all domains; the reports do not show it."""


class Variations(Model):
    """What the uncertainty of the scores lets vary; the first alternative of each choice is that of the score."""

    replications: int = Field(ge=1, le=100_000, description="How often the scores are calculated anew.")
    normalisations: tuple[Literal["goalposts", "min_max", "z_scores", "rank"], ...] = Field(min_length=1)
    aggregations: tuple[Literal["ampi", "ampi_plus", "arithmetic", "geometric", "harmonic"], ...] = Field(
        min_length=1
    )
    treatments: tuple[Literal["none", "winsorised"], ...] = Field(min_length=1)
    weight_noise: float = Field(
        ge=0, le=1, description="Each weight is multiplied by 1 plus or minus at most this."
    )
    leave_out: float = Field(ge=0, le=1, description="How often one indicator of the domain is left out.")
    leave_out_from: int = Field(
        ge=2,
        description="Only where a domain has so many indicators: the others would measure another thing.",
    )
    small_numbers: bool = Field(
        description="Whether values of few people vary as chance could have made them: counts must be at hand."
    )


class Component(Model):
    """One of the parts of an index that a publisher computes, and what stands for it here."""

    number: int = Field(ge=1)
    name: Text
    unit: Text
    direction: Literal["positive", "negative"] = Field(
        description="'positive' where more of it raises the index."
    )
    confirmed: bool = Field(
        description="Whether indicator and direction were read in a source; from general knowledge otherwise."
    )
    indicator: str | None = Field(None, description="Id in the catalogue; none where nothing stands for it.")
    likeness: Literal["same", "stand_in", "missing"] = Field(
        description="Same definition, of another year; something close to it; nothing at hand."
    )
    ventile: bool = Field(
        False, description="Whether it enters as the twentieth of the units its value lies in, from 1 to 20."
    )
    remark: Text = Field(description="In what it differs from the publisher's, or why it is missing.")

    @model_validator(mode="after")
    def _consistent(self) -> Component:
        if (self.likeness == "missing") != (self.indicator is None):
            raise ValueError(f"component {self.number}: it is missing, or an indicator stands for it")
        return self


class Scheme(Model):
    """One framework: the units it scores and the choices behind their scores."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    level: Level
    name: Text
    year: int = Field(description="Reference year; the year of each indicator may be an earlier one.")
    description: Text
    penalty: Literal["-", "+"] = Field(description="'-' where a high score is good, '+' where it is bad.")
    minimum_share: float = Field(
        gt=0, le=1, description="Share of the indicators of a domain that a unit needs for a score."
    )
    weights: Mapping[str, float] = Field(
        default_factory=dict, description="Weights of indicators and domains; 1 for those not named."
    )
    components: tuple[Component, ...] = Field(
        (),
        description="Of an index that a publisher computes; else the scored indicators of the catalogue enter.",
    )
    uncertainty: Variations

    @property
    def at_hand(self) -> tuple[Component, ...]:
        """The components that an indicator stands for."""
        return tuple(part for part in self.components if part.indicator is not None)

    def choose(self, catalogue: Catalogue) -> list[Indicator]:
        """Return the indicators that enter: those of its components, or the scored ones of its level."""
        if self.components:
            return [catalogue[str(part.indicator)] for part in self.at_hand]
        return catalogue.select(level=self.level, scored=True)

    def directions(self, catalogue: Catalogue) -> dict[str, str]:
        """Return the direction of each indicator: towards the index, for that of a publisher."""
        if self.components:
            return {str(part.indicator): part.direction for part in self.at_hand}
        return {item.id: item.direction for item in self.choose(catalogue)}

    def domains(self, catalogue: Catalogue) -> dict[str, str]:
        """Return the domain of each indicator: one alone, named as the framework, for the index of a publisher."""
        return {item.id: self.id if self.components else item.domain for item in self.choose(catalogue)}

    def tree(self, catalogue: Catalogue) -> Framework:
        """Return the tree: indicators below domains, domains below one index.

        Parameters
        ----------
        catalogue : Catalogue
            Holds its indicators.

        Returns
        -------
        diagnosis.composite.Framework
            To aggregate as one likes; the reports stop at the domains.
        """
        from diagnosis.composite import Framework

        domains = self.domains(catalogue)
        parents = domains | dict.fromkeys(domains.values(), INDEX)
        known = {name: weight for name, weight in self.weights.items() if name in parents}
        return Framework(pd.Series(parents), known)


def load_framework(name: str) -> Scheme:
    """Load one of the project's frameworks.

    Parameters
    ----------
    name : {"municipalities", "provinces", "fragility"}

    Returns
    -------
    Scheme

    Raises
    ------
    diagnosis.errors.UnknownNameError
        There is no such framework.
    """
    known = _load(Path(__file__).with_name("frameworks.yml"))
    if name not in known:
        raise unknown_name("The framework", name, known)
    return known[name]


@functools.cache
def _load(path: Path) -> dict[str, Scheme]:
    return {
        name: build(Scheme, {"id": name, **entry}, f"{path.name}: {name}")
        for name, entry in read_yaml(path).items()
    }
