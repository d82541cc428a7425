"""A commuting matrix made ready for the aggregation: who takes part, in which order, under which constraints."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from diagnosis.areas.constraints import Constraints
from diagnosis.areas.flow_network import FlowNetwork, Layout
from diagnosis.areas.labour_market import Aggregation, TradeOff
from diagnosis.areas.state import Flows, Limits
from diagnosis.errors import InputError, examples


@dataclass(frozen=True, eq=False)
class Preparation:
    """What the aggregation starts from, for one matrix or for many that differ in amounts only.

    Attributes
    ----------
    network : FlowNetwork
        Flows between units (a municipality, or several that must stay together) in the order that breaks ties.
    place : numpy.ndarray of int, shape (n,)
        Unit of each municipality; -1: left out.
    flows : Flows
        The network by row.
    layout : Layout
        Where each flow stands in `flows`.
    limits : Limits or None
        Constraints in the order of the network.
    package, touching : bool
        As in :class:`diagnosis.areas.labour_market.Aggregation`.
    zero_list : pandas.DataFrame
        `code`, `reason`: municipalities left out, or waiting in the reserve from the start.
    """

    network: FlowNetwork
    place: np.ndarray
    flows: Flows
    layout: Layout
    limits: Limits | None
    package: bool
    touching: bool
    zero_list: pd.DataFrame

    def aggregation(self, trade_off: TradeOff, *, keep_steps: bool = True, runs: int = 1) -> Aggregation:
        """Start an aggregation, one of so many `runs`; sizes of `trade_off` are in persons."""
        return Aggregation(
            self.flows,
            trade_off.scaled(self.network.scale),
            self.limits,
            package=self.package,
            touching=self.touching,
            keep_steps=keep_steps,
            runs=runs,
        )

    def with_amounts(self, amount: np.ndarray) -> Preparation:
        """Return the same with other amounts, at least 0, of the same flows; the order that breaks ties stays."""
        network = replace(self.network, amount=amount)
        return replace(self, network=network, flows=network.rows(self.layout))

    def areas(self, trade_off: TradeOff, runs: int = 1) -> np.ndarray:
        """Carry out the whole method, one of so many `runs`; return each municipality's area, negative for none."""
        aggregation = self.aggregation(trade_off, keep_steps=False, runs=runs)
        aggregation.run()
        aggregation.place_reserve()
        return self.of_municipalities(aggregation.label)

    def of_municipalities(self, by_unit: np.ndarray) -> np.ndarray:
        """Give each municipality the value of its unit; -1 to those left out."""
        return np.where(self.place >= 0, by_unit[np.maximum(self.place, 0)], -1)


def prepare_package(everyone: FlowNetwork) -> Preparation:
    """Prepare the aggregation as ISTAT's package does: in code order, without the zero list.

    Raises
    ------
    diagnosis.errors.InputError
        Nobody is left.
    """
    network, zero_list = everyone.without_zero_list()
    if len(network) == 0:
        raise InputError(
            "flows: at least two municipalities must have residents, jobs and exchange with others",
            f"none of {len(everyone)} has, for instance "
            + examples(f"{code}: {reason}" for code, reason in zero_list.itertuples(index=False)),
            "Give the flows between municipalities too, not only those inside each",
        )
    place = network.codes.get_indexer(everyone.codes)
    layout = network.layout()
    return Preparation(network, place, network.rows(layout), layout, None, True, False, zero_list)


def prepare_clean(
    everyone: FlowNetwork,
    constraints: Constraints,
    residents: np.ndarray | None = None,
    points: np.ndarray | None = None,
    random_state: int | None = None,
) -> Preparation:
    """Prepare the aggregation in an order that does not depend on codes.

    Units come by decreasing residents, employed residents and jobs, then from west to east and from south to north.
    What is equal in all this comes in code order, or at random where `random_state` is given, and has the same rank.

    Parameters
    ----------
    everyone : FlowNetwork
    constraints : Constraints
        Of the same municipalities.
    residents : numpy.ndarray, shape (n,), optional
    points : numpy.ndarray, shape (n, 2), optional
        Coordinates.
    random_state : int, optional

    Returns
    -------
    Preparation
        Municipalities without any flow are left out, unless they must stay with others that have some.
    """
    unit = constraints.unit
    n_units = len(constraints.group)

    def per_unit(values: np.ndarray) -> np.ndarray:
        return np.bincount(unit, values, n_units)

    live, work = per_unit(everyone.live()), per_unit(everyone.work())
    keys = [-work, -live]
    if points is not None:
        size = per_unit(np.ones(len(unit)))
        keys = [per_unit(points[:, 1]) / size, per_unit(points[:, 0]) / size, *keys]
    if residents is not None:
        keys.append(-per_unit(residents))
    fallback = (
        np.arange(n_units)
        if random_state is None
        else np.random.default_rng(random_state).permutation(n_units)
    )
    order = np.lexsort([fallback, *keys])
    order = order[(live + work)[order] > 0]
    position = np.full(n_units, -1)
    position[order] = np.arange(len(order))
    differs = np.any([np.diff(key[order]) != 0 for key in keys], axis=0)
    rank = np.concatenate([[0], np.cumsum(differs)])

    # A unit bears the code of its member with most jobs, the first one of equals.
    largest = np.lexsort((np.arange(len(unit)), -everyone.work()))
    first = np.full(n_units, -1)
    first[unit[largest[::-1]]] = largest[::-1]
    place = position[unit]
    network = everyone.contracted(place, everyone.codes[first[order]])
    layout = network.layout()
    return Preparation(
        network,
        place,
        network.rows(layout),
        layout,
        constraints.limits(position, rank),
        False,
        constraints.touching,
        _without_margins(everyone),
    )


def _without_margins(everyone: FlowNetwork) -> pd.DataFrame:
    live, work = everyone.live(), everyone.work()
    out = (live == 0) | (work == 0)
    reasons = np.select(
        [(live == 0) & (work == 0), live == 0], ["no flow", "no employed residents"], "no jobs"
    )
    return pd.DataFrame({"code": everyone.codes[out], "reason": pd.Series(reasons[out], dtype="str")})
