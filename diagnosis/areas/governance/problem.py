"""The problem of governance areas: municipalities, their networks, and what every area must respect."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.areas.constraints import Constraints
from diagnosis.areas.governance.inputs import (
    UNLIMITED,
    AreaConstraints,
    FlowLayer,
    check_study_set,
    judged_layer,
    kept_together,
    read_layer,
    read_minutes,
    rows_of_pairs,
    stacked,
)
from diagnosis.areas.labour_market import TradeOff
from diagnosis.errors import InputError

if TYPE_CHECKING:
    from diagnosis.areas.governance.interaction import Arrays

__all__ = ["UNLIMITED", "AreaConstraints", "AreaProblem", "FlowLayer"]


@dataclass(frozen=True, eq=False)
class AreaProblem:
    """Municipalities, units, networks and limits as arrays; build it with :meth:`from_tables`.

    m municipalities, n units (municipalities that must stay together are one unit), L layers.

    Attributes
    ----------
    codes : pandas.Index, shape (m,)
    layer_names : tuple of str
    layer_weights : numpy.ndarray of float, shape (L,)
    out_indptr, in_indptr : numpy.ndarray of int, shape (L, m + 1)
        Flows between different municipalities by origin and by destination: those of municipality i in layer l stand
        at ``indptr[l, i]:indptr[l, i + 1]`` of `out_indices` and `out_data` (`in_indices`, `in_data`), all layers one
        after the other.
    out_indices, in_indices : numpy.ndarray of int32, shape (f,)
    out_data, in_data : numpy.ndarray of float, shape (f,)
    internal, resident, work : numpy.ndarray of float, shape (L, m)
        Flows within each municipality; all that leaves it, and all that arrives, within and outside included.
    population : numpy.ndarray of float, shape (m,)
    unit_of : numpy.ndarray of int, shape (m,)
    member_indptr : numpy.ndarray of int, shape (n + 1,)
    member_indices : numpy.ndarray of int, shape (m,)
        Municipalities of each unit.
    neighbour_indptr, neighbour_indices : numpy.ndarray of int
        Units that touch and may share an area (of the same group, neither fixed).
    apart_indptr, apart_indices : numpy.ndarray of int
        Units that never share an area.
    group : numpy.ndarray of int, shape (n,)
    fixed : numpy.ndarray of bool, shape (n,)
        Units that are an area as they are.
    minutes : numpy.ndarray of float, shape (m, m) or (0, 0)
        Ways to a centre, where they are a limit.
    min_population, max_minutes : float
    min_members, max_members : int
    validity_layer : int
        Layer in which validity is judged; -1: nowhere.
    min_size, min_self_containment, target_size, target_self_containment : float
    """

    codes: pd.Index
    layer_names: tuple[str, ...]
    layer_weights: np.ndarray
    out_indptr: np.ndarray
    out_indices: np.ndarray
    out_data: np.ndarray
    in_indptr: np.ndarray
    in_indices: np.ndarray
    in_data: np.ndarray
    internal: np.ndarray
    resident: np.ndarray
    work: np.ndarray
    population: np.ndarray
    unit_of: np.ndarray
    member_indptr: np.ndarray
    member_indices: np.ndarray
    neighbour_indptr: np.ndarray
    neighbour_indices: np.ndarray
    apart_indptr: np.ndarray
    apart_indices: np.ndarray
    group: np.ndarray
    fixed: np.ndarray
    minutes: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    min_population: float = 0.0
    min_members: int = 1
    max_members: int = UNLIMITED
    validity_layer: int = -1
    min_size: float = 0.0
    min_self_containment: float = 1.0
    target_size: float = 1.0
    target_self_containment: float = 1.0
    max_minutes: float = math.inf

    @classmethod
    def from_tables(
        cls,
        population: pd.Series,
        layers: Mapping[str, FlowLayer],
        contiguity: pd.DataFrame,
        constraints: AreaConstraints | None = None,
    ) -> AreaProblem:
        """Read a problem from tables.

        Parameters
        ----------
        population : pandas.Series
            Residents by code; its index is the study set. A missing value counts 0.
        layers : mapping of str to FlowLayer
            Flows between codes that are not both in the study set count in the margins only.
        contiguity : pandas.DataFrame
            `code`, `neighbour`: pairs that touch, ferry edges included.
        constraints : AreaConstraints, optional

        Returns
        -------
        AreaProblem

        Raises
        ------
        diagnosis.errors.InputError
            A table or constraint has the wrong form, or two constraints contradict each other.
        """
        limits = AreaConstraints() if constraints is None else constraints
        codes = check_study_set(population)
        if not isinstance(layers, Mapping) or not layers:
            raise InputError("layers: at least one named layer is needed", f"{layers!r} was given")
        read = Constraints.read(codes, contiguity, limits.within, kept_together(limits), limits.cannot_link)
        n_units = int(read.unit.max(initial=-1)) + 1
        fixed = np.zeros(n_units, bool)
        for area in limits.fixed or ():
            fixed[read.unit[codes.get_indexer(list(area))]] = True
        near = read.near
        near = near[(read.group[near[:, 0]] == read.group[near[:, 1]]) & ~fixed[near].any(axis=1)]
        order = np.argsort(read.unit, kind="stable")
        tables = [read_layer(name, layer, codes) for name, layer in layers.items()]
        out, back = (stacked([table[which] for table in tables]) for which in (0, 1))
        internal, resident, work = (np.array([table[which] for table in tables]) for which in (2, 3, 4))
        near_indptr, near_indices = rows_of_pairs(near, n_units)
        apart_indptr, apart_indices = rows_of_pairs(read.apart, n_units)
        validity = TradeOff(0.0, 1.0, 1.0, 1.0) if limits.validity is None else limits.validity
        return cls(
            codes=codes,
            layer_names=tuple(layers),
            layer_weights=np.array([float(layer.weight) for layer in layers.values()]),
            out_indptr=out[0],
            out_indices=out[1],
            out_data=out[2],
            in_indptr=back[0],
            in_indices=back[1],
            in_data=back[2],
            internal=internal,
            resident=resident,
            work=work,
            population=population.astype("float64").fillna(0.0).to_numpy(copy=True),
            unit_of=read.unit.astype(np.int64),
            member_indptr=np.searchsorted(read.unit[order], np.arange(n_units + 1)),
            member_indices=order,
            neighbour_indptr=near_indptr,
            neighbour_indices=near_indices,
            apart_indptr=apart_indptr,
            apart_indices=apart_indices,
            group=read.group,
            fixed=fixed,
            minutes=read_minutes(limits, codes),
            min_population=float(limits.min_population),
            min_members=int(limits.min_members),
            max_members=UNLIMITED if limits.max_members is None else int(limits.max_members),
            validity_layer=judged_layer(limits, tuple(layers)),
            min_size=float(validity.min_size),
            min_self_containment=float(validity.min_self_containment),
            target_size=float(validity.target_size),
            target_self_containment=float(validity.target_self_containment),
            max_minutes=math.inf if limits.max_minutes is None else float(limits.max_minutes),
        )

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.member_indptr) - 1

    @cached_property
    def arrays(self) -> Arrays:
        """The arrays and numbers compiled code reads."""
        from diagnosis.areas.governance.interaction import Arrays

        return Arrays(*(getattr(self, name) for name in Arrays._fields))

    def value(self, units: Iterable[int]) -> float:
        """Return the interaction of an area of units."""
        from diagnosis.areas.governance.interaction import unit_set_value

        return float(unit_set_value(self.arrays, _positions(units))[0])

    def feasible(self, units: Iterable[int]) -> bool:
        """Whether an area of units is connected and keeps every limit."""
        from diagnosis.areas.governance.interaction import unit_set_value

        return bool(unit_set_value(self.arrays, _positions(units))[1])

    def members(self, units: Iterable[int]) -> np.ndarray:
        """Return the positions of the municipalities of an area of units, ascending."""
        return np.flatnonzero(np.isin(self.unit_of, _positions(units)))

    def layer_terms(self, partition: np.ndarray) -> pd.DataFrame:
        """Return the interaction of every area in every layer, before the layers' weights.

        Parameters
        ----------
        partition : numpy.ndarray of int, shape (n,)
            Area of each unit, 0 to k - 1.

        Returns
        -------
        pandas.DataFrame, shape (k, L)
        """
        from diagnosis.areas.governance.interaction import layer_values, members_of

        rows = []
        for area in range(int(partition.max(initial=-1)) + 1):
            members = members_of(self.arrays, np.flatnonzero(partition == area))
            inside = np.zeros(len(self.codes), bool)
            inside[members] = True
            rows.append(layer_values(self.arrays, members, inside))
        return pd.DataFrame(np.array(rows).reshape(-1, len(self.layer_names)), columns=list(self.layer_names))

    def partition_value(self, partition: np.ndarray) -> float:
        """Return the interaction of a partition of the units: the weighted sum of :meth:`layer_terms`."""
        return float(self.layer_terms(partition).to_numpy().sum(axis=0) @ self.layer_weights)

    def violations(self, units: Iterable[int]) -> list[str]:
        """Say in words which limits an area of units breaks; an empty list: none."""
        from diagnosis.areas.governance.violations import violations_of

        return violations_of(self, _positions(units))


def _positions(units: Iterable[int]) -> np.ndarray:
    return np.unique(np.fromiter(units, dtype=np.int64))
