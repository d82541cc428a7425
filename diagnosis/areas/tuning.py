"""Moving single municipalities between areas by hand, as ISTAT's package lets its users do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.quality import labelled
from diagnosis.errors import InputError, examples, unknown_name


def fine_tune(
    labels: pd.Series, flows: pd.DataFrame, candidates: Mapping[Any, Sequence]
) -> tuple[pd.Series, list]:
    """Give each listed municipality the one of its candidate areas with the strongest link.

    The rule of the function FineTuning of ISTAT's package LabourMarketAreas 3.4, by which detached parts are given to
    their neighbours: one municipality after the other, in the order of the list, later ones seeing earlier moves. The
    link is that of the aggregation, its margins counted on the flows between the municipality and its candidate areas
    only. Neither validity nor contiguity is tested: :class:`diagnosis.areas.FunctionalAreas` in mode ``"clean"``
    needs no such repair.

    Parameters
    ----------
    labels : pandas.Series
        Area of each municipality, index municipality code.
    flows : pandas.DataFrame
        `origin`, `destination`, `commuters`.
    candidates : mapping
        Municipality code to the areas it may go to.

    Returns
    -------
    tuned : pandas.Series
        The labels after the moves.
    not_tuned : list
        Codes that exchange with none of their candidates and stayed.

    Raises
    ------
    diagnosis.errors.InputError
        A candidate is no area of `labels`, a code has none, or `labels` or `flows` are not fit.
    diagnosis.errors.UnknownNameError
        A listed code is not in `labels`.
    """
    network = FlowNetwork.from_table(flows)
    known = labelled(labels)
    areas = set(known)
    tuned, not_tuned = labels.copy(), []
    area = tuned.reindex(network.codes)
    for code, listed in candidates.items():
        if code not in labels.index:
            raise unknown_name(
                "The municipality", code, map(str, labels.index), "Give a code of the partition"
            )
        wanted = [listed] if np.isscalar(listed) else list(listed)
        if not wanted or (strange := [name for name in wanted if name not in areas]):
            raise InputError(
                f"candidates: {code} needs at least one area of the partition",
                f"{examples(strange) if wanted else 'none'} was given",
            )
        best = _strongest(network, area, code, wanted)
        if best is None:
            not_tuned.append(code)
            continue
        tuned[code] = best
        if code in area.index:
            area[code] = best
    return tuned, not_tuned


def _strongest(network: FlowNetwork, area: pd.Series, code: Any, wanted: Sequence) -> Any:
    """Return the area of strongest link; of equals one that sends nobody, then the largest label."""
    if code not in area.index:
        return None
    position = network.codes.get_loc(code)
    member = area.isin(wanted).to_numpy(dtype=bool, copy=True)
    member[position] = True
    kept = member[network.origin] & member[network.destination]
    origin, destination, amount = network.origin[kept], network.destination[kept], network.amount[kept]
    group = area.to_numpy(dtype=object).copy()
    group[position] = None
    live = pd.Series(amount).groupby(group[origin]).sum()
    work = pd.Series(amount).groupby(group[destination]).sum()
    leaving, arriving = origin == position, destination == position
    to = pd.Series(amount[leaving]).groupby(group[destination[leaving]]).sum()
    coming = pd.Series(amount[arriving]).groupby(group[origin[arriving]]).sum()
    own_live, own_work = amount[leaving].sum(), amount[arriving].sum()
    best: tuple | None = None
    for name in to.index.union(coming.index):
        sent, received = coming.get(name, 0.0), to.get(name, 0.0)
        link = 0.0
        if sent > 0:
            link += sent / live[name] * sent / own_work
        if received > 0:
            link += received / own_live * received / work[name]
        entry = (link, sent == 0, name)
        best = entry if best is None or entry > best else best
    return None if best is None else best[2]
