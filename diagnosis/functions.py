"""The functions that municipalities run together: which networks count for each, and what an area must respect."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from diagnosis.errors import unknown_name
from diagnosis.schema import Model, Text, build, read_yaml

MOST_MUNICIPALITIES, MOST_RESIDENTS = 100_000, 10_000_000_000
"""Beyond any country: what is greater is a slip of the pen."""
LEAST_WEIGHT, MOST_WEIGHT = 1e-6, 1e6
Layer = Literal["commuting", "schools", "services", "cooperation"]
Code = Annotated[str, Field(pattern=r"^[0-9]{6}$")]


class Function(Model):
    """What several municipalities do together, and how the areas that do it are drawn."""

    name: Text = Field(description="Name in both languages.")
    description: Text = Field(description="What it goes by, in a sentence.")
    layers: dict[Layer, Annotated[float, Field(ge=0, le=MOST_WEIGHT)]] = Field(
        min_length=1,
        description="Weight of each network: `commuting` to work; `schools`, modelled catchments; `services`, the "
        "official pole of each municipality; `cooperation`, who works together already.",
    )
    validity: bool = Field(
        False, description="Whether areas must reach the thresholds of `areas`, as labour market areas do."
    )
    min_population: float = Field(0, ge=0, le=MOST_RESIDENTS, description="Least residents of an area.")
    min_members: int = Field(1, ge=1, le=MOST_MUNICIPALITIES, description="Least municipalities of an area.")
    max_members: int | None = Field(
        None, ge=1, le=MOST_MUNICIPALITIES, description="Most municipalities of an area."
    )
    max_minutes: float | None = Field(
        None,
        gt=0,
        description="Minutes by road to the area's centre. A limit where road times are given; where they are "
        "estimated, who lies beyond is shown and nobody is cut off.",
    )
    within: Literal["region", "province"] | None = Field(None, description="Borders no area crosses.")
    n_areas: int | None = Field(
        None,
        ge=1,
        le=MOST_MUNICIPALITIES,
        description="Number of areas. Default: one that the report recommends, with its reason.",
    )
    must_link: tuple[Annotated[tuple[Code, ...], Field(min_length=2)], ...] = Field(
        (), description="Groups of municipalities that stay together."
    )
    cannot_link: tuple[tuple[Code, Code], ...] = Field(
        (), description="Pairs of municipalities that never share an area."
    )
    fixed: tuple[Annotated[tuple[Code, ...], Field(min_length=1)], ...] = Field(
        (), description="Areas that are as they are: nobody joins or leaves, and no limit applies to them."
    )

    @model_validator(mode="after")
    def _some_weight(self) -> Function:
        if not any(self.layers.values()):
            raise ValueError("at least one layer needs a weight above 0")
        if any(0 < weight < LEAST_WEIGHT for weight in self.layers.values()):
            raise ValueError(f"a layer's weight is 0 or at least {LEAST_WEIGHT:f}")
        if self.max_members is not None and self.max_members < self.min_members:
            raise ValueError("max_members must be at least min_members")
        return self


def load_functions(own: Mapping[str, Function] | None = None) -> dict[str, Function]:
    """Load the project's functions, those of a city beside or in place of them.

    Parameters
    ----------
    own : mapping of str to Function, optional
        Functions by name; one that the project has as well takes its place.

    Returns
    -------
    dict of str to Function
    """
    return {**_load(Path(__file__).with_name("functions.yml")), **(own or {})}


def choose_function(name: str, own: Mapping[str, Function] | None = None) -> Function:
    """Return one function by name.

    Parameters
    ----------
    name : str
    own : mapping of str to Function, optional
        As in :func:`load_functions`.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        There is no such function; the nearest name is given.
    """
    known = load_functions(own)
    if name not in known:
        raise unknown_name("The function", name, known)
    return known[name]


@functools.cache
def _load(path: Path) -> dict[str, Function]:
    return {name: build(Function, entry, f"{path.name}: {name}") for name, entry in read_yaml(path).items()}
