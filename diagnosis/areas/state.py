"""The state of an aggregation of municipalities, on arrays of positions, and its elementary changes.

This module, :mod:`diagnosis.areas.loop` and :mod:`diagnosis.areas.placement` are compiled by numba for large networks
and run as plain Python for small ones (:mod:`diagnosis.areas.compiled`): nothing but scalars and arrays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

RESERVE = -1
NOBODY = -1
ITERATION, RECORDS, STAMP, UNSUMMED, TIES = range(5)
"""Places in `State.counters`; `UNSUMMED` is the area that shed in the iteration before (`loop.judge_unsummed`)."""
LOWEST, HIGHEST = range(2)
"""Places in `State.span`: the range of validities of that area."""
STEP, MUNICIPALITY, SOURCE, CANDIDATE, TARGET, FOLLOWING, KIND = range(7)
"""Columns of the whole numbers of a record."""
LINK, BEFORE, AFTER, SOURCE_VALIDITY = range(4)
"""Columns of the other numbers of a record."""
JOINED, REFUSED_ALONE, NONE_ALONE, REFUSED, NONE, PLACED, LARGEST_NEIGHBOUR, FOUNDED, DISSOLVED, ADJUSTED = (
    range(10)
)
"""Kinds of step: joined an area; put in the reserve (types A, B, C, D); placed from the reserve by link, with the
largest area it touches, or as an area of its own; put in the reserve because its area fell below validity; moved
across a border at the end."""


class Flows(NamedTuple):
    """Flows between different municipalities by row, in both directions, and the margins of each municipality."""

    out_start: np.ndarray
    out_node: np.ndarray
    out_flow: np.ndarray
    in_start: np.ndarray
    in_node: np.ndarray
    in_flow: np.ndarray
    live: np.ndarray
    work: np.ndarray
    within: np.ndarray


class Rules(NamedTuple):
    """Thresholds in the units of the flows; whether the package's peculiarities hold; whether areas must touch."""

    min_size: float
    min_self_containment: float
    target_size: float
    target_self_containment: float
    package: bool
    touching: bool


class Limits(NamedTuple):
    """Neighbours by contiguity, groups no area crosses, pairs that never share an area, and ranks that break ties."""

    near_start: np.ndarray
    near_node: np.ndarray
    group: np.ndarray
    apart_start: np.ndarray
    apart_node: np.ndarray
    rank: np.ndarray


class State(NamedTuple):
    """Areas under way: labels, members as linked lists, sums, validities with a tree of minima; scratch; counters.

    `inward` is what each municipality receives from the other members of its area.
    """

    label: np.ndarray
    head: np.ndarray
    after: np.ndarray
    before: np.ndarray
    size: np.ndarray
    live: np.ndarray
    work: np.ndarray
    within: np.ndarray
    inward: np.ndarray
    validity: np.ndarray
    tree: np.ndarray
    moves: np.ndarray
    to: np.ndarray
    coming: np.ndarray
    met: np.ndarray
    near: np.ndarray
    banned: np.ndarray
    found: np.ndarray
    part: np.ndarray
    counters: np.ndarray
    span: np.ndarray


def begin(flows, rules):
    """Every municipality with residents and jobs is an area of its own, the others wait in the reserve."""
    n = flows.live.size
    half = 1 << max(n - 1, 0).bit_length()
    alone = (flows.live > 0) & (flows.work > 0)
    place = np.arange(n, dtype=np.int32)
    validity = np.full(half, np.inf)
    validity[:n][alone] = [
        judge(*sums, rules)
        for sums in zip(
            flows.live[alone].tolist(), flows.work[alone].tolist(), flows.within[alone].tolist(), strict=True
        )
    ]
    tree = np.zeros(2 * half, np.int64)
    tree[half:] = np.arange(half)
    level = half
    while level > 1:
        left, right = tree[level : 2 * level : 2], tree[level + 1 : 2 * level : 2]
        tree[level // 2 : level] = np.where(validity[left] <= validity[right], left, right)
        level //= 2
    return State(
        label=np.where(alone, place, np.int32(RESERVE)),
        head=np.where(alone, place, np.int32(NOBODY)),
        after=np.full(n, NOBODY, np.int32),
        before=np.full(n, NOBODY, np.int32),
        size=alone.astype(np.int64),
        live=np.where(alone, flows.live, 0.0),
        work=np.where(alone, flows.work, 0.0),
        within=np.where(alone, flows.within, 0.0),
        inward=np.zeros(n),
        validity=validity,
        tree=tree,
        moves=np.zeros(n, np.int64),
        to=np.zeros(n),
        coming=np.zeros(n),
        met=np.zeros(n, np.int64),
        near=np.zeros(n, np.int64),
        banned=np.zeros(n, np.int64),
        found=np.zeros(n, np.int64),
        part=np.full(n, NOBODY),
        counters=np.array([1, 0, 0, NOBODY, 0]),
        span=np.zeros(2),
    )


def judge(live, work, within, rules):
    """Return the validity of an area; the order of operations decides ties in the last bit."""
    if live <= 0 or work <= 0:
        return 0.0
    containment = min(within / live, within / work)
    if containment == 1:
        return 1.0
    reached = min(containment / rules.target_self_containment, 1.0)
    shortfall = max((rules.target_size - live) / (rules.target_size - rules.min_size), 0.0)
    allowance = 1 - ((1 - rules.min_self_containment / rules.target_self_containment) * shortfall)
    return (reached * allowance) * (rules.target_self_containment / rules.min_self_containment)


def set_validity(state, k, value):
    """Store the validity of an area; of equal ones the smallest label stays at the root of the tree."""
    state.validity[k] = value
    half = state.validity.size
    i = (half + k) >> 1
    while i >= 1:
        left, right = state.tree[2 * i], state.tree[2 * i + 1]
        state.tree[i] = left if state.validity[left] <= state.validity[right] else right
        i >>= 1


def judge_whole(state, k, rules):
    """Judge an area by its sums; an empty one is never the weakest."""
    if state.size[k] == 0:
        set_validity(state, k, np.inf)
    else:
        set_validity(state, k, judge(state.live[k], state.work[k], state.within[k], rules))


def put(state, i, k):
    """Make a municipality a member of an area, without its sums."""
    first = state.head[k]
    state.after[i] = first
    state.before[i] = NOBODY
    if first != NOBODY:
        state.before[first] = i
    state.head[k] = i
    state.size[k] += 1
    state.label[i] = k


def take(state, i, k):
    """Take a municipality out of an area, without its sums."""
    ahead, behind = state.before[i], state.after[i]
    if ahead == NOBODY:
        state.head[k] = behind
    else:
        state.after[ahead] = behind
    if behind != NOBODY:
        state.before[behind] = ahead
    state.size[k] -= 1
    state.label[i] = RESERVE


def exchange(state, flows, i):
    """Sum the flows of a municipality by area into `to` and `coming`; returns how many areas were met."""
    state.counters[STAMP] += 1
    stamp = state.counters[STAMP]
    # Local names: in compiled code each look into the tuple counts references.
    label, met, found, to, coming = state.label, state.met, state.found, state.to, state.coming
    node, flow = flows.out_node, flows.out_flow
    count = 0
    for p in range(flows.out_start[i], flows.out_start[i + 1]):
        k = label[node[p]]
        if k != RESERVE:
            if met[k] != stamp:
                met[k], to[k], coming[k], found[count] = stamp, 0.0, 0.0, k
                count += 1
            to[k] += flow[p]
    node, flow = flows.in_node, flows.in_flow
    for p in range(flows.in_start[i], flows.in_start[i + 1]):
        k = label[node[p]]
        if k != RESERVE:
            if met[k] != stamp:
                met[k], to[k], coming[k], found[count] = stamp, 0.0, 0.0, k
                count += 1
            coming[k] += flow[p]
    return count


def look_around(state, limits, i, count):
    """Mark the areas a municipality touches and those it must not share; touched ones without flows are met too."""
    stamp = state.counters[STAMP]
    for p in range(limits.near_start[i], limits.near_start[i + 1]):
        k = state.label[limits.near_node[p]]
        if k != RESERVE:
            state.near[k] = stamp
            if state.met[k] != stamp:
                state.met[k], state.to[k], state.coming[k], state.found[count] = stamp, 0.0, 0.0, k
                count += 1
    for p in range(limits.apart_start[i], limits.apart_start[i + 1]):
        k = state.label[limits.apart_node[p]]
        if k != RESERVE:
            state.banned[k] = stamp
    return count


def exchanged(state, k):
    """Flows in both directions with an area, of the municipality `exchange` was called for."""
    return state.to[k] + state.coming[k] if state.met[k] == state.counters[STAMP] else 0.0


def join(state, flows, i, k):
    """Add a municipality to an area with its sums; `exchange` must have been called for it."""
    put(state, i, k)
    state.live[k] += flows.live[i]
    state.work[k] += flows.work[i]
    state.within[k] += flows.within[i] + exchanged(state, k)
    state.inward[i] = state.coming[k] if state.met[k] == state.counters[STAMP] else 0.0
    label, inward, node, flow = state.label, state.inward, flows.out_node, flows.out_flow
    for p in range(flows.out_start[i], flows.out_start[i + 1]):
        if label[node[p]] == k:
            inward[node[p]] += flow[p]


def leave(state, flows, i, k):
    """Take a municipality out of its area with its sums; `exchange` must have been called for it."""
    take(state, i, k)
    state.live[k] -= flows.live[i]
    state.work[k] -= flows.work[i]
    state.within[k] -= flows.within[i] + exchanged(state, k)
    label, inward, node, flow = state.label, state.inward, flows.out_node, flows.out_flow
    for p in range(flows.out_start[i], flows.out_start[i + 1]):
        if label[node[p]] == k:
            inward[node[p]] -= flow[p]


def record(
    state, steps, values, kind, i, source, candidate, target, following, link, before, after, validity
):
    """Write one step; nothing where no record is kept."""
    if steps.shape[0] == 0:
        return
    row = state.counters[RECORDS]
    steps[row, STEP], steps[row, MUNICIPALITY] = state.counters[ITERATION], i
    steps[row, SOURCE], steps[row, CANDIDATE], steps[row, TARGET] = source, candidate, target
    steps[row, FOLLOWING], steps[row, KIND] = following, kind
    values[row, LINK], values[row, BEFORE], values[row, AFTER] = link, before, after
    values[row, SOURCE_VALIDITY] = validity
    state.counters[RECORDS] = row + 1
