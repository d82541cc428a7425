"""The loop of the aggregation: the weakest area sheds one municipality after the other until all areas are valid."""

from __future__ import annotations

import numpy as np

from diagnosis.areas.state import (
    HIGHEST,
    ITERATION,
    JOINED,
    LOWEST,
    NOBODY,
    NONE,
    NONE_ALONE,
    RECORDS,
    REFUSED,
    REFUSED_ALONE,
    RESERVE,
    STAMP,
    TIES,
    UNSUMMED,
    exchange,
    exchanged,
    join,
    judge,
    judge_whole,
    leave,
    look_around,
    record,
    set_validity,
)

MOST_MOVES = 10_000
"""A municipality that moved so often is refused by every area: no endless loop is known, and none can happen."""


def aggregate(state, flows, rules, limits, steps, values):
    """Run until every area is valid; False: the records are full, and the next call goes on."""
    while True:
        k = state.tree[1]
        if not state.validity[k] < 1:
            return True
        if steps.shape[0] > 0 and state.counters[RECORDS] == steps.shape[0]:
            return False
        note_equal_area(state, limits, k)
        shed(state, flows, rules, limits, k, steps, values)
        state.counters[ITERATION] += 1


def note_equal_area(state, limits, k):
    """Count a tie if an area as weak as the weakest has a founder that nothing tells apart from its own."""
    for j in range(k + 1, limits.rank.size):
        if limits.rank[j] != limits.rank[k]:
            return
        if state.validity[j] == state.validity[k]:
            state.counters[TIES] += 1
            return


def shed(state, flows, rules, limits, k, steps, values):
    """Take one municipality out of an area and give it to its best candidate or to the reserve."""
    unsummed = state.counters[UNSUMMED]
    validity, single = state.validity[k], state.size[k] == 1
    i, following = leavers(state, flows, limits, k)
    count = look_around(state, limits, i, exchange(state, flows, i))
    candidate, link = best_candidate(state, flows, rules, limits, i, k, count, False)
    target, before, after = RESERVE, np.nan, np.nan
    if candidate != RESERVE:
        before = state.span[HIGHEST] if candidate == unsummed else state.validity[candidate]
        after = judge(
            state.live[candidate] + flows.live[i],
            state.work[candidate] + flows.work[i],
            state.within[candidate] + (flows.within[i] + exchanged(state, candidate)),
            rules,
        )
        if after >= before and state.moves[i] < MOST_MOVES:
            target = candidate
    leave(state, flows, i, k)
    if target != RESERVE:
        kind = JOINED
        join(state, flows, i, target)
        state.moves[i] += 1
        set_validity(state, target, after)
    elif single:
        kind = NONE_ALONE if candidate == RESERVE else REFUSED_ALONE
    else:
        kind = NONE if candidate == RESERVE else REFUSED
    record(state, steps, values, kind, i, k, candidate, target, following, link, before, after, validity)
    # An area that had shed in the iteration before is judged as a whole from now on.
    state.counters[UNSUMMED] = NOBODY
    if unsummed not in (NOBODY, k, target):
        judge_whole(state, unsummed, rules)
    if rules.touching:
        split(state, flows, rules, limits, k)
    # After type D the package dissolves the rest of the area in the same iteration (its types E and F). Here the
    # rest is judged again as a whole, which is simpler and nearly always ends in the same areas.
    if rules.package and state.size[k] > 1 and candidate != RESERVE:
        judge_unsummed(state, flows, rules, k)
    else:
        judge_whole(state, k, rules)


def leavers(state, flows, limits, k):
    """Return the member that exchanges most with the outside, and the next one; of equals the smallest first.

    Those who come in count from outside the area only, those who leave also when they go to another member: so does
    the package, and the clean mode keeps it.
    """
    first, second = NOBODY, NOBODY
    most, next_most = -1.0, -1.0
    i = state.head[k]
    while i != NOBODY:
        coming = flows.work[i] - flows.within[i] - state.inward[i]
        value = coming + flows.live[i] - flows.within[i]
        if value > most or (value == most and i < first):
            first, second, most, next_most = i, first, value, most
        elif value > next_most or (value == next_most and i < second):
            second, next_most = i, value
        i = state.after[i]
    if second != NOBODY and most == next_most and limits.rank[first] == limits.rank[second]:
        state.counters[TIES] += 1
    return first, second


def best_candidate(state, flows, rules, limits, i, own, count, without_flow):
    """Return the area of strongest link, and the link; `RESERVE` if there is none.

    Equal links: the package prefers an area that sends nobody, then the largest label. Otherwise the smaller label
    wins, that of the founder with more residents, and a tie of founders that nothing tells apart is counted. Areas
    without a flow come into question where `without_flow` says so and they touch; of these the largest wins.
    """
    stamp, group, own_group = state.counters[STAMP], limits.group, limits.group[i]
    found, head, near, banned = state.found, state.head, state.near, state.banned
    to, coming, live, work = state.to, state.coming, state.live, state.work
    own_live, own_work = flows.live[i], flows.work[i]
    best, link = RESERVE, np.nan
    for q in range(count):
        k = found[q]
        if k == own or banned[k] == stamp or group[head[k]] != own_group:
            continue
        if rules.touching and near[k] != stamp:
            continue
        sent, received = coming[k], to[k]
        silent = sent + received == 0
        if silent and not without_flow:
            continue
        # A term whose denominator is 0 has a flow of 0.
        value = 0.0
        if sent > 0:
            value += sent / live[k] * sent / own_work
        if received > 0:
            value += received / own_live * received / work[k]
        if best == RESERVE or value > link:
            better = True
        elif value < link:
            better = False
        elif rules.package:
            best_sends = coming[best] > 0
            better = k > best if best_sends == (sent > 0) else best_sends
        elif silent and live[k] != live[best]:
            better = live[k] > live[best]
        else:
            better = k < best
            if limits.rank[k] == limits.rank[best]:
                state.counters[TIES] += 1
        if better:
            best, link = k, value
    return best, link


def split(state, flows, rules, limits, k):
    """Make areas of their own of the parts of an area that lost touch with its largest part."""
    if state.size[k] < 2:
        return
    members = np.empty(state.size[k], np.int64)
    stack = np.empty(state.size[k], np.int64)
    sizes = np.zeros(state.size[k])
    parts, n = 0, 0
    i = state.head[k]
    while i != NOBODY:
        members[n] = i
        n += 1
        i = state.after[i]
    for i in members:
        if state.part[i] == NOBODY:
            state.part[i], stack[0], height = parts, i, 1
            while height > 0:
                height -= 1
                here = stack[height]
                sizes[parts] += flows.live[here]
                for p in range(limits.near_start[here], limits.near_start[here + 1]):
                    there = limits.near_node[p]
                    if state.label[there] == k and state.part[there] == NOBODY:
                        state.part[there], stack[height] = parts, there
                        height += 1
            parts += 1
    kept = np.argmax(sizes[:parts])
    for part in range(parts):
        if part != kept:
            fresh = free_label(state, members, part)
            state.live[fresh] = state.work[fresh] = state.within[fresh] = 0.0
            for i in members:
                if state.part[i] == part:
                    exchange(state, flows, i)
                    leave(state, flows, i, k)
                    join(state, flows, i, fresh)
            judge_whole(state, fresh, rules)
    for i in members:
        state.part[i] = NOBODY


def free_label(state, members, part):
    """Return the smallest member of a part whose label no area bears, or else the smallest label no area bears."""
    best = NOBODY
    for i in members:
        if state.part[i] == part and state.size[i] == 0 and (best == NOBODY or i < best):
            best = i
    if best != NOBODY:
        return best
    k = 0
    while state.size[k] > 0:
        k += 1
    return k


def judge_unsummed(state, flows, rules, k):
    """Judge an area that has just shed as the package does for one iteration: member by member.

    The package renames the pieces after it has summed its tables, so that each member's margins meet each internal
    flow; the least of these validities decides whether the area is next, the greatest whether it accepts a newcomer.
    Validity grows with the internal flow but for the one value that closes a member: the extremes are met at the
    two smallest, the two largest, or that one.
    """
    extremes = np.array([np.inf, np.inf, -1.0, -1.0])
    i = state.head[k]
    while i != NOBODY:
        note_extreme(extremes, flows.within[i])
        for p in range(flows.out_start[i], flows.out_start[i + 1]):
            if state.label[flows.out_node[p]] == k:
                note_extreme(extremes, flows.out_flow[p])
        i = state.after[i]
    if extremes[2] < 0:
        extremes[:] = 0.0
    lowest, highest = np.inf, -np.inf
    i = state.head[k]
    while i != NOBODY:
        for amount in extremes:
            if 0 <= amount < np.inf:
                value = judge(flows.live[i], flows.work[i], amount, rules)
                lowest, highest = min(lowest, value), max(highest, value)
        closing = max(flows.live[i], flows.work[i])
        if extremes[0] < closing < extremes[2] and has_internal_flow(state, flows, k, closing):
            value = judge(flows.live[i], flows.work[i], closing, rules)
            lowest, highest = min(lowest, value), max(highest, value)
        i = state.after[i]
    state.counters[UNSUMMED] = k
    state.span[LOWEST], state.span[HIGHEST] = lowest, highest
    set_validity(state, k, lowest)


def note_extreme(extremes, amount):
    """Keep the two smallest and the two largest different amounts above 0."""
    if amount <= 0:
        return
    if amount < extremes[0]:
        extremes[0], extremes[1] = amount, extremes[0]
    elif extremes[0] < amount < extremes[1]:
        extremes[1] = amount
    if amount > extremes[2]:
        extremes[2], extremes[3] = amount, extremes[2]
    elif extremes[3] < amount < extremes[2]:
        extremes[3] = amount


def has_internal_flow(state, flows, k, amount):
    """Whether a flow of exactly this amount has a row between members of an area."""
    i = state.head[k]
    while i != NOBODY:
        if flows.within[i] == amount:
            return True
        for p in range(flows.out_start[i], flows.out_start[i + 1]):
            if flows.out_flow[p] == amount and state.label[flows.out_node[p]] == k:
                return True
        i = state.after[i]
    return False
