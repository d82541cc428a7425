"""One draw of the unlisted part of a commuting matrix: which pairs exist, and how large they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnosis.errors import InputError
from diagnosis.networks.tail_model import TailModel

PASSING_ROUNDS = 500
"""Rounds in which a missing pair that no move can supply is passed on to another column."""
EXCHANGE_ROUNDS, EXCHANGE_TRIES = 40, 4000
SIZE_ITERATIONS, SIZE_TOLERANCE = 300, 1e-3
RAKE_ITERATIONS, RAKE_TOLERANCE = 3000, 1e-7
SHARE_OF_MEAN = 0.05
"""Of the mean excess of a pair, added to its drawn size: lets raking raise a pair that was drawn as 1."""


@dataclass(frozen=True, eq=False)
class Closing:
    """Flows raised as far as the margins and limits allow.

    Attributes
    ----------
    flows : numpy.ndarray of int, shape (m,)
    missing : numpy.ndarray of int, shape (2, n)
        What is left to the margins, out and in.
    reached : numpy.ndarray of bool, shape (2, n)
        Origins and destinations on the source's side of the minimum cut.
    """

    flows: np.ndarray
    missing: np.ndarray
    reached: np.ndarray


def draw_tail(
    model: TailModel, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict]:
    """Draw the unlisted flows once.

    Parameters
    ----------
    model : TailModel
    generator : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    origin, destination, commuters : numpy.ndarray of int
        Positive flows; their sums by origin and by destination are those of the tail.
    report : dict of str to int
        Moves, exchanges and errors of the draw.

    Raises
    ------
    diagnosis.errors.InputError
        No flows within the caps were found that reach the margins.
    """
    chosen, report = _draw_pairs(model, generator)
    ends, fitting = _make_room(model, chosen, generator)
    flows, closing = _draw_sizes(model, ends, generator)
    found = {"pairs_added_for_capacity": 0}
    if closing.missing.any():
        ends, flows, added = _add_pairs(model, chosen, ends, flows)
        found["pairs_added_for_capacity"] = added
    n = len(chosen)
    counted = np.stack([np.bincount(end, minlength=n) for end in ends])
    report |= fitting | found
    report["origin_pair_count_error"], report["destination_pair_count_error"] = (
        int(error) for error in np.abs(counted - model.tail.pairs).sum(axis=1)
    )
    return ends[0], ends[1], flows, report


def close_margins(
    ends: np.ndarray, flows: np.ndarray, lowest: np.ndarray, highest: np.ndarray, targets: np.ndarray
) -> Closing:
    """Raise whole flows to their margins by a maximum flow over what each pair can still give or take.

    Parameters
    ----------
    ends : numpy.ndarray of int, shape (2, m)
        Origin and destination of each pair.
    flows, lowest, highest : numpy.ndarray of int, shape (m,)
        Flows now, and the limits of each.
    targets : numpy.ndarray of int, shape (2, n)
        Margins, which the flows must not exceed now.

    Returns
    -------
    Closing
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    n = targets.shape[1]
    missing = targets - _margins(ends, flows, n)
    source, sink, nodes = 2 * n, 2 * n + 1, np.arange(n)
    tails = np.concatenate([np.full(n, source), n + nodes, ends[0], n + ends[1]])
    heads = np.concatenate([nodes, np.full(n, sink), n + ends[1], ends[0]])
    room = np.concatenate([*missing, highest - flows, flows - lowest]).astype(np.int32)
    open_ = room > 0
    network = csr_array((room[open_], (tails[open_], heads[open_])), shape=(2 * n + 2, 2 * n + 2))
    # scipy gives the net flow, the same with opposite signs in both directions
    net = maximum_flow(network, source, sink, method="dinic").flow.tocsr()
    residual = (network - net).tocsr()
    residual.data[residual.data < 0] = 0
    residual.eliminate_zeros()
    reached = np.zeros(2 * n + 2, dtype=bool)
    reached[breadth_first_order(residual, source, return_predecessors=False)] = True
    flows = flows + np.asarray(net[ends[0], n + ends[1]]).ravel().astype(np.int64)
    return Closing(flows, targets - _margins(ends, flows, n), reached[: 2 * n].reshape(2, n))


def _draw_pairs(model: TailModel, generator: np.random.Generator) -> tuple[np.ndarray, dict]:
    """Matrix of the pairs that exist, with the known number of destinations and, by moves, of origins."""
    from diagnosis.networks import tail_kernels as kernels

    chosen = kernels.draw_pairs(model.odds, model.tail.pairs[0], generator)
    excess = chosen.sum(axis=0, dtype=np.int64) - model.tail.pairs[1]
    report = {"pairs_drawn": int(chosen.sum(dtype=np.int64)), "pairs_moved": 0, "pairs_passed_on": 0}
    for _ in range(PASSING_ROUNDS):
        short = generator.permutation(np.flatnonzero(excess < 0))
        if len(short) == 0:
            break
        by_column = np.ascontiguousarray(model.odds[:, short].T)
        report["pairs_moved"] += kernels.move_pairs(chosen, model.odds, excess, short, by_column, generator)
        stuck = np.flatnonzero(excess < 0)
        if len(stuck) == 0 or not (excess > 0).any():
            break
        for column in stuck:
            report["pairs_passed_on"] += _pass_on(chosen, model.odds, excess, int(column), generator)
    return chosen, report


def _pass_on(
    chosen: np.ndarray, odds: np.ndarray, excess: np.ndarray, column: int, generator: np.random.Generator
) -> int:
    """Take a pair for `column` from a column that then lacks one itself, and may be nearer to one in excess."""
    weight = odds[:, column] * ((chosen[:, column] == 0) & chosen.any(axis=1)).astype(float)
    if not weight.sum() > 0:
        return 0
    row = generator.choice(len(weight), p=weight / weight.sum())
    donors = np.flatnonzero(chosen[row])
    donor = generator.choice(donors)
    chosen[row, donor], chosen[row, column] = 0, 1
    excess[donor] -= 1
    excess[column] += 1
    return 1


def _make_room(
    model: TailModel, chosen: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, dict]:
    """Exchange pairs, keeping all counts, until the margins fit under the caps; return the pairs."""
    from diagnosis.networks import tail_kernels as kernels

    exchanges = short = 0
    caps_out, caps_in = model.tail.caps.astype(float)
    for _ in range(EXCHANGE_ROUNDS):
        ends = np.stack(np.nonzero(chosen))
        ones, caps = np.ones(ends.shape[1], dtype=np.int64), model.caps(*ends)
        targets = np.maximum(model.tail.flows, _margins(ends, ones, len(chosen)))
        closing = close_margins(ends, ones, ones, caps, targets)
        short = int(closing.missing[0].sum())
        if short == 0:
            break
        starved = closing.reached[0][ends[0]]
        others = ~starved & ~closing.reached[1][ends[1]]
        _, done = kernels.exchange_pairs(
            chosen,
            model.odds,
            np.ascontiguousarray(ends[:, starved].T),
            np.ascontiguousarray(ends[:, others].T),
            caps_out,
            caps_in,
            closing.reached[1],
            1.3 * short,
            EXCHANGE_TRIES,
            generator,
        )
        exchanges += done
        if done == 0:
            break
    return np.stack(np.nonzero(chosen)), {
        "pairs_exchanged": exchanges,
        "commuters_not_fitting": short,
    }


def _draw_sizes(
    model: TailModel, ends: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, Closing]:
    """Draw sizes, rake them to the margins, round them by a maximum flow."""
    from diagnosis.networks import tail_kernels as kernels

    tail, caps = model.tail, model.caps(*ends)
    expected = model.expected(*ends)
    ratios = np.maximum(expected / (model.dispersion + expected), 1e-6)
    excess = np.maximum(tail.flows - tail.pairs, 0).astype(float)
    factors = (excess > 0).astype(float)
    largest = caps.astype(float)
    kernels.fit_sizes(ends, largest, ratios, factors, excess, SIZE_ITERATIONS, SIZE_TOLERANCE * excess.sum())
    sizes, means = kernels.draw_sizes(ends, largest, ratios, factors, generator)
    start = sizes - 1 + SHARE_OF_MEAN * (means - 1) + 1e-6
    raked = kernels.rake_sizes(
        ends, start, largest - 1, excess, RAKE_ITERATIONS, RAKE_TOLERANCE * excess.sum()
    )
    flows = np.minimum(1 + np.floor(raked + 1e-9).astype(np.int64), caps)
    flows = _lower(ends, flows, tail.flows)
    nearest = np.maximum(np.minimum(caps, 1 + np.ceil(raked - 1e-9).astype(np.int64)), flows)
    closing = close_margins(ends, flows, flows, nearest, tail.flows)
    if closing.missing.any():
        closing = close_margins(ends, closing.flows, np.ones_like(caps), caps, tail.flows)
    return closing.flows, closing


def _lower(ends: np.ndarray, flows: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Take away, from the largest flows first, what exceeds the margins: rounding leaves next to nothing."""
    flows = flows.copy()
    for side in range(2):
        over = _margins(ends, flows, targets.shape[1])[side] - targets[side]
        for place in np.flatnonzero(over > 0):
            pairs = np.flatnonzero(ends[side] == place)
            pairs = pairs[np.argsort(-flows[pairs], kind="stable")]
            room = np.cumsum(flows[pairs] - 1)
            flows[pairs] -= np.diff(np.minimum(room, over[place]), prepend=0)
    return flows


def _add_pairs(
    model: TailModel, chosen: np.ndarray, ends: np.ndarray, flows: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Close the margins with further pairs from and to the municipalities that lack commuters."""
    n = len(chosen)
    missing = model.tail.flows - _margins(ends, flows, n)
    further = np.zeros_like(chosen, dtype=bool)
    further[missing[0] > 0] = True
    further[:, missing[1] > 0] = True
    further &= (model.odds > 0) & (chosen == 0)
    added = np.stack(np.nonzero(further))
    both = np.concatenate([ends, added], axis=1)
    nothing = np.zeros(added.shape[1], dtype=np.int64)
    closing = close_margins(
        both,
        np.concatenate([flows, nothing]),
        np.concatenate([np.ones_like(flows), nothing]),
        model.caps(*both),
        model.tail.flows,
    )
    if closing.missing.any():
        raise InputError(
            "margins: commuters must fit in flows no larger than the smallest flow listed of either end",
            f"{int(closing.missing[0].sum())} of {int(model.tail.flows[0].sum())} do not",
            "Check that the observed flows hold the largest ones of every municipality, and the margins the same year",
        )
    there = closing.flows > 0
    return both[:, there], closing.flows[there], int((closing.flows[len(flows) :] > 0).sum())


def _margins(ends: np.ndarray, flows: np.ndarray, n: int) -> np.ndarray:
    """Sum up by origin and by destination, shape (2, n)."""
    return np.stack([np.bincount(end, flows, n) for end in ends]).astype(np.int64)
