"""How much the areas depend on counts, weights and limits: searches on problems that might have been."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from diagnosis.areas.governance.problem import AreaProblem
from diagnosis.errors import InputError

RUNS = 200
ROUNDS = 60
"""Perturbations of the search of a run: it starts from the areas judged, and has little to mend."""
WEIGHT_FACTOR, LIMIT_SHARE = 2.0, 0.1


@dataclass(frozen=True, eq=False)
class AreaSensitivity:
    """The areas of many runs beside those judged. It is sensitivity to choices and small changes, not confidence.

    Attributes
    ----------
    members : pandas.DataFrame
        Index code: `area`, `with_centre` (share of the runs in which the municipality is in one area with the centre
        of its own), `second_area` and `second_share` (the other centre it is most often with; missing where there is
        none).
    runs : pandas.DataFrame
        One row a run: `areas`, `feasible`, `moved` (share of municipalities not with their centre).
    """

    members: pd.DataFrame
    runs: pd.DataFrame


def area_sensitivity(
    problem: AreaProblem,
    partition: np.ndarray,
    *,
    runs: int = RUNS,
    rounds: int = ROUNDS,
    weight_factor: float = WEIGHT_FACTOR,
    limit_share: float = LIMIT_SHARE,
    matrices: Iterable[AreaProblem] = (),
    random_state: int = 0,
) -> AreaSensitivity:
    """Search for areas again when counts, weights and limits are a little different.

    In every run each flow is drawn anew from a Poisson distribution around its count, each layer's weight is
    multiplied by a factor between 1/`weight_factor` and `weight_factor` (evenly on the scale of logarithms), and least
    residents, sizes and self-containment change by up to `limit_share` of themselves. The number of areas stays.

    Parameters
    ----------
    problem : AreaProblem
    partition : numpy.ndarray of int, shape (n,)
        The areas judged, 0 to k - 1.
    runs : int, default 200
    rounds : int, default 60
        Perturbations of each search.
    weight_factor : float, default 2
        1: weights stay; with one layer they have no effect anyway.
    limit_share : float, default 0.1
        0: limits stay.
    matrices : iterable of AreaProblem
        Problems with other matrices, e.g. other completions of a matrix part of which is not published: runs take
        turns in starting from these and from `problem`.
    random_state : int, default 0

    Returns
    -------
    AreaSensitivity
        A run that finds no feasible areas counts with the best it has, and says so.

    Raises
    ------
    diagnosis.errors.InputError
        A parameter is out of range.
    """
    from diagnosis.areas.governance.search import search_areas

    if runs < 1 or rounds < 1 or weight_factor < 1 or not 0 <= limit_share < 1:
        raise InputError(
            "runs and rounds must be at least 1, weight_factor at least 1 and limit_share at least 0 and below 1",
            f"{runs!r}, {rounds!r}, {weight_factor!r} and {limit_share!r} were given",
        )
    partition = np.asarray(partition)
    k = int(partition.max()) + 1
    shakers = [_Shaker(item) for item in (problem, *matrices)]
    centres = area_centres(problem, partition)
    with_centres = np.zeros((len(problem.codes), k))
    rows = []
    for run, seed in enumerate(np.random.SeedSequence(random_state).spawn(runs)):
        chance = np.random.default_rng(seed)
        shaken = shakers[run % len(shakers)].shake(chance, weight_factor, limit_share)
        found = search_areas(
            shaken,
            n_areas=k,
            starts=[partition],
            restarts=0,
            rounds=rounds,
            random_state=int(chance.integers(2**31)),
        )
        area = found.partition[problem.unit_of]
        together = area[:, None] == area[centres][None, :]
        with_centres += together
        own = together[np.arange(len(area)), partition[problem.unit_of]]
        rows.append((found.n_areas, found.feasible, float(1 - own.mean())))
    shares = with_centres / runs
    own_area = partition[problem.unit_of]
    at = np.arange(len(own_area))
    others = shares.copy()
    others[at, own_area] = -1.0
    second = others.argmax(axis=1)
    second_share = others[at, second]
    members = pd.DataFrame(
        {
            "area": own_area,
            "with_centre": shares[at, own_area],
            "second_area": pd.array(second, dtype="Int64"),
            "second_share": second_share,
        },
        index=problem.codes,
    )
    members.loc[~(second_share > 0), ["second_area", "second_share"]] = pd.NA
    members["second_share"] = members["second_share"].astype("float64")
    return AreaSensitivity(
        members, pd.DataFrame(rows, columns=["areas", "feasible", "moved"]).rename_axis("run")
    )


def area_centres(problem: AreaProblem, partition: np.ndarray) -> np.ndarray:
    """Return the municipality with most jobs in each area, in the layer judged or the first; of equal ones the largest.

    Parameters
    ----------
    problem : AreaProblem
    partition : numpy.ndarray of int, shape (n,)

    Returns
    -------
    numpy.ndarray of int, shape (k,)
        Positions of municipalities.
    """
    area = np.asarray(partition)[problem.unit_of]
    jobs = problem.work[max(problem.validity_layer, 0)]
    order = np.lexsort((-problem.population, -jobs, area))
    first = np.searchsorted(area[order], np.arange(int(area.max()) + 1))
    return order[first]


class _Shaker:
    """Draws problems around one; what all draws share is computed once."""

    def __init__(self, problem: AreaProblem) -> None:
        self.problem = problem
        m = len(problem.codes)
        self.sources, self.targets, self.in_order = [], [], []
        for layer in range(len(problem.layer_weights)):
            out, back = problem.out_indptr[layer], problem.in_indptr[layer]
            source = np.repeat(np.arange(m), np.diff(out))
            target = problem.out_indices[out[0] : out[-1]]
            receiver = np.repeat(np.arange(m), np.diff(back))
            sender = problem.in_indices[back[0] : back[-1]]
            # The same flows in both orders: sorted alike, they correspond.
            order = np.empty(len(source), np.int64)
            order[np.lexsort((sender, receiver))] = np.lexsort((source, target))
            self.sources.append(source)
            self.targets.append(target)
            self.in_order.append(order)

    def shake(self, chance: np.random.Generator, weight_factor: float, limit_share: float) -> AreaProblem:
        problem = self.problem
        m, layers = len(problem.codes), len(problem.layer_weights)
        out_data, in_data = np.empty_like(problem.out_data), np.empty_like(problem.in_data)
        internal = chance.poisson(problem.internal).astype(np.float64)
        resident, work = np.empty_like(problem.resident), np.empty_like(problem.work)
        for layer in range(layers):
            out = slice(problem.out_indptr[layer, 0], problem.out_indptr[layer, -1])
            back = slice(problem.in_indptr[layer, 0], problem.in_indptr[layer, -1])
            before = problem.out_data[out]
            drawn = chance.poisson(before).astype(np.float64)
            out_data[out], in_data[back] = drawn, drawn[self.in_order[layer]]
            for margin, ends, shaken in (
                (problem.resident, self.sources[layer], resident),
                (problem.work, self.targets[layer], work),
            ):
                known = np.bincount(ends, before, minlength=m) + problem.internal[layer]
                outside = np.maximum(margin[layer] - known, 0.0)
                shaken[layer] = (
                    np.bincount(ends, drawn, minlength=m) + internal[layer] + chance.poisson(outside)
                )
        weights = problem.layer_weights * weight_factor ** chance.uniform(-1.0, 1.0, layers)
        factor = 1.0 + chance.uniform(-limit_share, limit_share, 3)
        return replace(
            problem,
            layer_weights=weights,
            out_data=out_data,
            in_data=in_data,
            internal=internal,
            resident=resident,
            work=work,
            min_population=problem.min_population * factor[0],
            min_size=problem.min_size * factor[1],
            target_size=problem.target_size * factor[1],
            min_self_containment=min(problem.min_self_containment * factor[2], 1.0),
            target_self_containment=min(problem.target_self_containment * factor[2], 1.0),
        )
