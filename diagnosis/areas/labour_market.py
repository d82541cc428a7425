"""ISTAT's aggregation of municipalities into labour market areas: the loop and the reserve list.

The rules are those of the R package LabourMarketAreas 3.4 (ISTAT), rebuilt from a description of what it computes:
Coombes M., Bond S. (2008), Travel-to-Work Areas: the 2007 review, ONS; Franconi L., D'Alò M., Ichim D. (2016), Istat
implementation of the algorithm to develop labour market areas.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import NamedTuple

from diagnosis.areas.flow_network import FlowNetwork

RESERVE = -1


@dataclass(frozen=True)
class TradeOff:
    """What size an area must have for its self-containment, and the other way round.

    An area of at least `target_size` employed residents needs `min_self_containment`, one of `min_size` needs
    `target_self_containment`, with a hyperbola-like curve in between.
    """

    min_size: float
    min_self_containment: float
    target_size: float
    target_self_containment: float

    def validity(self, live: float, work: float, within: float) -> float:
        """Return the validity of an area; it is acceptable when at least 1.

        Parameters
        ----------
        live, work, within : float
            Employed residents (above 0), jobs (above 0), and residents who work inside.

        Returns
        -------
        float
            At most ``target_self_containment / min_self_containment``; exactly 1 for a closed area.
        """
        # The order of operations is part of the method: ties between areas are decided in the last bit.
        containment = min(within / live, within / work)
        if containment == 1:
            return 1.0
        reached = min(containment / self.target_self_containment, 1.0)
        shortfall = max((self.target_size - live) / (self.target_size - self.min_size), 0.0)
        allowance = 1 - ((1 - self.min_self_containment / self.target_self_containment) * shortfall)
        return (reached * allowance) * (self.target_self_containment / self.min_self_containment)


class ReserveRecord(NamedTuple):
    """A municipality put in the reserve list; clusters and municipalities are positions."""

    type: str
    iteration: int
    cluster: int
    validity: float
    municipality: int
    following: int | None


class Step(NamedTuple):
    """One step of the method: who left which cluster, and what became of it; ``RESERVE`` where there is none."""

    step: int
    municipality: int
    source: int
    candidate: int
    target: int
    link: float
    validity_before: float
    validity_after: float


class _Unsummed(NamedTuple):
    """Range of the validities of a cluster that shed a municipality in the iteration before."""

    cluster: int
    lowest: float
    highest: float


class Aggregation:
    """The state of the method: clusters are numbered by the position of their founder.

    Parameters
    ----------
    network : FlowNetwork
        Flows without the zero list: everyone has residents and jobs.
    trade_off : TradeOff
        Sizes in the units of the network, i.e. times its scale.

    Attributes
    ----------
    label : list of int
        Cluster of each municipality, ``RESERVE`` for those in none.
    moves : list of int
        How often each municipality joined another cluster in the loop.
    iteration : int
        The counter, from 1; at the end one more than the steps made.
    reserve : list of ReserveRecord
    history : list of Step
    """

    def __init__(self, network: FlowNetwork, trade_off: TradeOff) -> None:
        self.trade_off = trade_off
        self.exact = network.exact
        self.outward, self.inward = network.neighbours()
        self.live, self.work, self.within = (
            values.tolist() for values in (network.live(), network.work(), network.within())
        )
        n = len(network)
        self.label = list(range(n))
        self.moves = [0] * n
        self.iteration = 1
        self.reserve: list[ReserveRecord] = []
        self.history: list[Step] = []
        self._members = [{i} for i in range(n)]
        self._live, self._work, self._within = self.live.copy(), self.work.copy(), self.within.copy()
        self._validity = [
            trade_off.validity(*sums) for sums in zip(self.live, self.work, self.within, strict=True)
        ]
        # Entries are never removed when a validity changes: those that no longer hold are skipped at the top.
        self._heap = [(value, i) for i, value in enumerate(self._validity)]
        heapq.heapify(self._heap)
        self._unsummed: _Unsummed | None = None

    def run(self) -> None:
        """Dissolve the least valid cluster, one municipality an iteration, until every cluster is valid."""
        while (weakest := self._weakest()) is not None and self._validity[weakest] < 1:
            self._shed(weakest)
            self.iteration += 1

    def place_reserve(self) -> None:
        """Give each reserve member, in descending code order, the cluster of strongest link; no validity asked."""
        waiting = sorted((record.municipality for record in self.reserve), reverse=True)
        step = self.iteration
        while waiting:
            later = []
            for municipality in waiting:
                to, coming = self._exchange(municipality)
                candidate, link = self._best_candidate(municipality, to, coming)
                if candidate == RESERVE:
                    later.append(municipality)
                    continue
                before = self._ordinary_validity(candidate)
                self._join(municipality, candidate, self._totals_with(municipality, candidate, to, coming))
                after = self._ordinary_validity(candidate)
                self.history.append(
                    Step(step, municipality, RESERVE, candidate, candidate, link, before, after)
                )
                step += 1
            if len(later) == len(waiting):
                return
            waiting = later

    def _weakest(self) -> int | None:
        heap = self._heap
        while heap:
            validity, cluster = heap[0]
            if self._members[cluster] and validity == self._validity[cluster]:
                return cluster
            heapq.heappop(heap)
        return None

    def _shed(self, cluster: int) -> None:
        """Take one municipality out of a cluster and give it to its best candidate or to the reserve."""
        members, unsummed = self._members[cluster], self._unsummed
        validity, single = self._validity[cluster], len(members) == 1
        municipality, following = self._leavers(cluster)
        to, coming = self._exchange(municipality)
        between = to.pop(cluster, 0.0) + coming.pop(cluster, 0.0)
        candidate, link = self._best_candidate(municipality, to, coming)
        before = after = math.nan
        if candidate != RESERVE:
            before = self._validity[candidate]
            if unsummed is not None and candidate == unsummed.cluster:
                before = unsummed.highest
            totals = self._totals_with(municipality, candidate, to, coming)
            after = self.trade_off.validity(*totals)
        target = candidate if after >= before else RESERVE
        self._leave(municipality, cluster, between)
        if target != RESERVE:
            self._join(municipality, target, totals)
            self.moves[municipality] += 1
            self._judge(target, after)
        else:
            kind = ("AB" if single else "CD")[candidate == RESERVE]
            self.reserve.append(
                ReserveRecord(kind, self.iteration, cluster, validity, municipality, following)
            )
        self.history.append(
            Step(self.iteration, municipality, cluster, candidate, target, link, before, after)
        )
        # The cluster that had shed in the iteration before is judged as a whole from now on.
        self._unsummed = None
        if unsummed is not None and unsummed.cluster not in (cluster, target):
            self._judge_whole(unsummed.cluster)
        # After type D the package dissolves the rest of the cluster in the same iteration (its types E and F). Here
        # the rest is judged again as a whole, which is simpler and nearly always ends in the same areas.
        if len(members) == 1 or (members and candidate == RESERVE):
            self._judge_whole(cluster)
        elif members:
            self._judge_unsummed(cluster)

    def _leavers(self, cluster: int) -> tuple[int, int | None]:
        """Return the member that exchanges most with the outside and the next one, smallest codes first.

        Those who come in count from outside the cluster only, those who leave count also when they go to another
        member: so does the package.
        """
        members = self._members[cluster]
        if len(members) == 1:
            return next(iter(members)), None
        label, inward = self.label, self.inward
        exchange = []
        for i in members:
            coming = sum([flow for j, flow in inward[i].items() if label[j] != cluster])
            exchange.append((-(coming + self.live[i] - self.within[i]), i))
        first, second = heapq.nsmallest(2, exchange)
        return first[1], second[1]

    def _exchange(self, municipality: int) -> tuple[dict[int, float], dict[int, float]]:
        """Flows of a municipality to and from each cluster, the reserve left out."""
        label = self.label
        sums = []
        for flows in (self.outward[municipality], self.inward[municipality]):
            by_cluster: dict[int, float] = {}
            for j, flow in flows.items():
                cluster = label[j]
                by_cluster[cluster] = by_cluster.get(cluster, 0.0) + flow
            by_cluster.pop(RESERVE, None)
            sums.append(by_cluster)
        return sums[0], sums[1]

    def _best_candidate(
        self, municipality: int, to: dict[int, float], coming: dict[int, float]
    ) -> tuple[int, float]:
        """Return the cluster of strongest link; of equals one that sends nobody, then the largest label."""
        live, work = self.live[municipality], self.work[municipality]
        best: tuple[float, bool, int] | None = None
        for cluster in to.keys() | coming.keys():
            sent, received = coming.get(cluster, 0.0), to.get(cluster, 0.0)
            link = sent / self._live[cluster] * sent / work + received / live * received / self._work[cluster]
            entry = (link, cluster not in coming, cluster)
            if best is None or entry > best:
                best = entry
        return (RESERVE, math.nan) if best is None else (best[2], best[0])

    def _totals_with(
        self, municipality: int, cluster: int, to: dict[int, float], coming: dict[int, float]
    ) -> tuple[float, float, float]:
        """Employed residents, jobs and internal flow of a cluster if the municipality joined it."""
        if not self.exact:
            return self._rounded_totals(self._members[cluster] | {municipality})
        between = to.get(cluster, 0.0) + coming.get(cluster, 0.0)
        return (
            self._live[cluster] + self.live[municipality],
            self._work[cluster] + self.work[municipality],
            self._within[cluster] + (self.within[municipality] + between),
        )

    def _rounded_totals(self, members: set[int]) -> tuple[float, float, float]:
        """Sum flow by flow and round once, so that a closed cluster looks closed whatever the amounts."""
        within = [self.within[i] for i in members]
        outward = [flow for i in members for flow in self.outward[i].values()]
        inward = [flow for i in members for flow in self.inward[i].values()]
        inside = [flow for i in members for j, flow in self.outward[i].items() if j in members]
        return math.fsum(within + outward), math.fsum(within + inward), math.fsum(within + inside)

    def _join(self, municipality: int, cluster: int, totals: tuple[float, float, float]) -> None:
        self._live[cluster], self._work[cluster], self._within[cluster] = totals
        self._members[cluster].add(municipality)
        self.label[municipality] = cluster

    def _leave(self, municipality: int, cluster: int, between: float) -> None:
        members = self._members[cluster]
        members.remove(municipality)
        self.label[municipality] = RESERVE
        if self.exact:
            self._live[cluster] -= self.live[municipality]
            self._work[cluster] -= self.work[municipality]
            self._within[cluster] -= self.within[municipality] + between
        else:
            totals = self._rounded_totals(members)
            self._live[cluster], self._work[cluster], self._within[cluster] = totals

    def _internal_flows(self, cluster: int) -> list[float]:
        """Return every flow that has a row between members, those within a member included."""
        members, label = self._members[cluster], self.label
        flows = [self.within[i] for i in members if self.within[i] > 0]
        for i in members:
            outward = self.outward[i]
            if len(members) < len(outward):
                flows += [outward[j] for j in members if j in outward]
            else:
                flows += [flow for j, flow in outward.items() if label[j] == cluster]
        return flows

    def _ordinary_validity(self, cluster: int) -> float:
        return self.trade_off.validity(self._live[cluster], self._work[cluster], self._within[cluster])

    def _judge(self, cluster: int, validity: float) -> None:
        self._validity[cluster] = validity
        heapq.heappush(self._heap, (validity, cluster))

    def _judge_whole(self, cluster: int) -> None:
        self._judge(cluster, self._ordinary_validity(cluster))

    def _judge_unsummed(self, cluster: int) -> None:
        """Judge a cluster that has just shed as the package does for one iteration: member by member.

        The package renames the pieces after it has summed its tables, so that each member's margins meet each
        internal flow; the least of these validities decides whether the cluster is next, the greatest whether it
        accepts a newcomer.
        """
        members = self._members[cluster]
        amounts = set(self._internal_flows(cluster)) or {0.0}
        ascending = sorted(amounts)
        # Validity is monotone in the internal flow but for the one value that closes a member: the extremes are
        # met at the two smallest, the two largest, or that one.
        extremes = {*ascending[:2], *ascending[-2:]}
        values = [
            self.trade_off.validity(self.live[i], self.work[i], amount)
            for i in members
            for amount in extremes | ({max(self.live[i], self.work[i])} & amounts)
        ]
        self._unsummed = _Unsummed(cluster, min(values), max(values))
        self._judge(cluster, self._unsummed.lowest)
