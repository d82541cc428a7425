"""What a problem of governance areas is read from: layers of flows, and limits of every area."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.areas.constraints import groups_of
from diagnosis.areas.labour_market import TradeOff
from diagnosis.errors import InputError, examples, unknown_name

UNLIMITED = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class FlowLayer:
    """One network on the municipalities.

    Attributes
    ----------
    flows : pandas.DataFrame
        `origin`, `destination`, `commuters` (or whatever flows, at least 0); internal flows and flows to and from
        outside the study set included where known.
    weight : float, default 1
        At least 0.
    margins : pandas.DataFrame, optional
        Index code; `resident` (all that leaves a municipality, internal flows and those to outside included) and
        `work` (all that arrives). By default the sums of `flows`.
    """

    flows: pd.DataFrame
    weight: float = 1.0
    margins: pd.DataFrame | None = None


@dataclass(frozen=True, eq=False)
class AreaConstraints:
    """What an area must respect, by itself.

    Attributes
    ----------
    min_population : float, default 0
        Least residents of an area.
    min_members, max_members : int
        Least and largest number of municipalities; by default 1 and no limit.
    validity : TradeOff, optional
        Labour-market size and self-containment an area must reach.
    validity_layer : str, optional
        The layer judged by `validity`; the first one by default.
    must_link, cannot_link : iterable of iterables of codes, optional
        Municipalities that stay together; pairs that never share an area.
    fixed : iterable of iterables of codes, optional
        Areas that are as they are: nobody joins or leaves, no other limit applies to them.
    within : pandas.Series, optional
        Group of each code (province, region) that no area crosses.
    max_minutes : float, optional
        Longest way of a member to its area's centre (the member with most jobs in `validity_layer`); it needs
        `minutes`.
    minutes : pandas.DataFrame, optional
        Minutes from the code of the row to that of the column.
    """

    min_population: float = 0.0
    min_members: int = 1
    max_members: int | None = None
    validity: TradeOff | None = None
    validity_layer: str | None = None
    must_link: Iterable[Iterable] | None = None
    cannot_link: Iterable[Iterable] | None = None
    fixed: Iterable[Iterable] | None = None
    within: pd.Series | None = None
    max_minutes: float | None = None
    minutes: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.min_population) and self.min_population >= 0):
            raise InputError(
                "min_population must be a number of at least 0", f"{self.min_population!r} was given"
            )
        if self.min_members < 1 or (self.max_members is not None and self.max_members < self.min_members):
            raise InputError(
                "min_members must be at least 1 and at most max_members",
                f"{self.min_members!r} and {self.max_members!r} were given",
            )
        if self.max_minutes is not None and (self.minutes is None or not self.max_minutes > 0):
            raise InputError(
                "max_minutes must be above 0 and needs a matrix of minutes",
                f"{self.max_minutes!r} was given, {'without' if self.minutes is None else 'with'} minutes",
                "Give minutes, or leave the limit out and read the ways of the result",
            )


def check_study_set(population: pd.Series) -> pd.Index:
    """Return the codes of the study set, or say what is wrong with the table of residents."""
    if not isinstance(population, pd.Series) or population.empty or population.index.has_duplicates:
        raise InputError(
            "population: a Series with one value a code is needed, and at least one code",
            f"{type(population).__name__} was given"
            if not isinstance(population, pd.Series)
            else f"{len(population)} values, {int(population.index.duplicated().sum())} repeated codes",
        )
    wrong = population.isin([math.inf]) | (population < 0)
    if wrong.any():
        raise InputError(
            "population: finite numbers of at least 0 are needed", examples(population.index[wrong])
        )
    return population.index


def kept_together(limits: AreaConstraints) -> list[list]:
    """List the groups of codes that are one unit each: linked ones and fixed areas."""
    linked = groups_of(limits.must_link or (), "must_link")
    fixed = groups_of(limits.fixed or (), "fixed")
    for number, area in enumerate(fixed):
        for group in (*fixed[:number], *linked):
            if not set(group).isdisjoint(area) and not set(group) <= set(area):
                raise InputError(
                    "fixed: nobody joins or leaves a fixed area",
                    f"{examples(area)} shares a municipality with {examples(group)}, which must stay together",
                    "Drop one of the two, or make them the same",
                )
    return [*linked, *fixed]


def read_layer(name: str, layer: FlowLayer, codes: pd.Index) -> tuple:
    """Return flows by origin and by destination as CSR arrays, internal flows and both margins."""
    from scipy.sparse import coo_array

    from diagnosis.areas.flow_network import COLUMNS

    flows = layer.flows
    if absent := [column for column in COLUMNS if column not in flows.columns]:
        raise InputError(f"Layer {name}: the columns {', '.join(COLUMNS)} are needed", f"missing: {absent}")
    if not (math.isfinite(layer.weight) and layer.weight >= 0):
        raise InputError(f"Layer {name}: its weight must be at least 0", f"{layer.weight!r} was given")
    amount = flows["commuters"].to_numpy(dtype="float64")
    if not (np.isfinite(amount) & (amount >= 0)).all():
        raise InputError(f"Layer {name}: flows must be finite numbers of at least 0")
    origin, destination = (codes.get_indexer(flows[column]) for column in COLUMNS[:2])
    m = len(codes)
    sums = [
        np.bincount(end[end >= 0], amount[end >= 0], minlength=m).astype("float64")
        for end in (origin, destination)
    ]
    own = (origin >= 0) & (origin == destination) & (amount > 0)
    internal = np.bincount(origin[own], amount[own], minlength=m).astype("float64")
    between = (origin >= 0) & (destination >= 0) & (origin != destination) & (amount > 0)
    matrix = coo_array((amount[between], (origin[between], destination[between])), shape=(m, m)).tocsr()
    if layer.margins is not None:
        sums = _given_margins(name, layer.margins, codes, matrix, internal)
    return matrix, matrix.T.tocsr(), internal, sums[0], sums[1]


def _given_margins(
    name: str, margins: pd.DataFrame, codes: pd.Index, matrix, internal: np.ndarray
) -> list[np.ndarray]:
    given = []
    for column, axis in (("resident", 1), ("work", 0)):
        if column not in margins.columns:
            raise InputError(f"Layer {name}: margins need the columns resident, work", f"no {column}")
        values = margins[column].reindex(codes).to_numpy(dtype="float64")
        least = np.asarray(matrix.sum(axis=axis)).ravel() + internal
        short = ~(values >= least * (1 - 1e-12))
        if short.any():
            raise InputError(
                f"Layer {name}: the margin {column} must be at least the sum of the flows given",
                f"it is not for {examples(codes[short])}",
            )
        given.append(values)
    return given


def stacked(tables: list) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Put the CSR arrays of all layers one after the other."""
    start = np.cumsum([0, *(table.nnz for table in tables)])
    indptr = np.array([table.indptr.astype(np.int64) + at for table, at in zip(tables, start, strict=False)])
    return (
        indptr,
        np.concatenate([table.indices for table in tables]).astype(np.int32),
        np.concatenate([table.data for table in tables]).astype("float64"),
    )


def rows_of_pairs(pairs: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs, each once, as `indptr` and `indices` of both directions."""
    both = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
    return np.searchsorted(both[:, 0], np.arange(n + 1)), both[:, 1].astype(np.int64)


def judged_layer(limits: AreaConstraints, names: tuple[str, ...]) -> int:
    """Return the position of the layer whose validity counts; -1 where none does."""
    if limits.validity is None:
        return -1
    if limits.validity_layer is None:
        return 0
    if limits.validity_layer not in names:
        raise unknown_name("validity_layer", limits.validity_layer, names)
    return names.index(limits.validity_layer)


def read_minutes(limits: AreaConstraints, codes: pd.Index) -> np.ndarray:
    """Return the matrix of minutes in the order of the codes, empty where there is no limit."""
    if limits.max_minutes is None or limits.minutes is None:
        return np.empty((0, 0))
    minutes = limits.minutes.reindex(index=codes, columns=codes).to_numpy(dtype="float64")
    missing = np.isnan(minutes) & ~np.eye(len(codes), dtype=bool)
    if missing.any():
        pairs = (f"{codes[i]} -> {codes[j]}" for i, j in np.argwhere(missing)[:6])
        raise InputError(
            "minutes: every pair of codes needs a value",
            f"{int(missing.sum())} have none: {examples(pairs)}",
            "Fill them, with inf where there is no way",
        )
    # Compiled code is specialised by the layout of its arrays and by whether they may be written.
    return minutes.copy("C")
