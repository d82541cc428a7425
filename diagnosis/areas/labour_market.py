"""ISTAT's aggregation of municipalities into labour market areas: the trade-off, the loop, the reserve list.

The rules are those of the R package LabourMarketAreas 3.4 (ISTAT), rebuilt from a description of what it computes:
Coombes M., Bond S. (2008), Travel-to-Work Areas: the 2007 review, ONS; Franconi L., D'Alò M., Ichim D. (2016), Istat
implementation of the algorithm to develop labour market areas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnosis.areas.compiled import engine
from diagnosis.areas.state import ITERATION, RECORDS, RESERVE, TIES, Flows, Limits, Rules, begin, judge


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
            Employed residents, jobs, and residents who work inside.

        Returns
        -------
        float
            At most ``target_self_containment / min_self_containment``; exactly 1 for a closed area; 0 for one
            without residents or without jobs.
        """
        return judge(live, work, within, self)

    def scaled(self, scale: float) -> TradeOff:
        """Return the same with sizes in units of one part in `scale`."""
        return TradeOff(
            self.min_size * scale,
            self.min_self_containment,
            self.target_size * scale,
            self.target_self_containment,
        )


class Aggregation:
    """The method on its way: areas are numbered by the position of their founder.

    Parameters
    ----------
    flows : Flows
        Of municipalities in the order in which ties are to be broken.
    trade_off : TradeOff
        Sizes in the units of the flows.
    limits : Limits, optional
        Constraints; the package knows none.
    package : bool, default True
        Compute what the package computes, peculiarities included; otherwise the clean mode.
    touching : bool, default False
        Whether areas must be connected by the neighbours of `limits`.
    keep_steps : bool, default True
        Whether to write down every step.
    runs : int, default 1
        How many aggregations of this size are to come; many are worth compiled code.

    Attributes
    ----------
    label : numpy.ndarray of int, shape (n,)
        Area of each municipality, ``RESERVE`` for those in none.
    moves : numpy.ndarray of int, shape (n,)
        How often each municipality joined another area in the loop.
    steps : numpy.ndarray of int, shape (s, 7)
        A row a step; columns as named in :mod:`diagnosis.areas.state` from ``STEP`` to ``KIND``.
    values : numpy.ndarray of float, shape (s, 4)
        Columns from ``LINK`` to ``SOURCE_VALIDITY``.
    """

    def __init__(
        self,
        flows: Flows,
        trade_off: TradeOff,
        limits: Limits | None = None,
        *,
        package: bool = True,
        touching: bool = False,
        keep_steps: bool = True,
        runs: int = 1,
    ) -> None:
        n = len(flows.live)
        self._flows = flows
        self._limits = limits or _no_limits(n)
        self._rules = Rules(
            float(trade_off.min_size),
            float(trade_off.min_self_containment),
            float(trade_off.target_size),
            float(trade_off.target_self_containment),
            package,
            touching,
        )
        self._engine = engine(len(flows.out_flow), runs)
        self._room = 2 * n + 64 if keep_steps else 0
        self._pages: list[tuple[np.ndarray, np.ndarray]] = []
        self._turn_page()
        self._state = begin(self._flows, self._rules)

    @property
    def label(self) -> np.ndarray:
        """Area of each municipality."""
        return self._state.label

    @property
    def moves(self) -> np.ndarray:
        """How often each municipality joined another area in the loop."""
        return self._state.moves

    @property
    def iteration(self) -> int:
        """The counter, from 1; at the end one more than the steps made."""
        return int(self._state.counters[ITERATION])

    @property
    def ties(self) -> int:
        """Decisions between municipalities or areas that nothing but their position told apart."""
        return int(self._state.counters[TIES])

    @property
    def steps(self) -> np.ndarray:
        """Whole numbers of every step."""
        return np.concatenate([steps for steps, _ in self._written()])

    @property
    def values(self) -> np.ndarray:
        """Other numbers of every step."""
        return np.concatenate([values for _, values in self._written()])

    def run(self) -> None:
        """Dissolve the least valid area, one municipality an iteration, until every area is valid."""
        while not self._engine.aggregate(
            self._state, self._flows, self._rules, self._limits, *self._pages[-1]
        ):
            self._turn_page()

    def place_reserve(self) -> None:
        """Place the reserve: as the package does, in descending order of codes; else by strongest link."""
        waiting = np.flatnonzero(self.label == RESERVE)
        page = self._page_for(len(waiting))
        if self._rules.package:
            self._engine.place_in_code_order(
                self._state, self._flows, self._rules, self._limits, waiting[::-1].copy(), *page
            )
            return
        while not self._engine.place_by_link(
            self._state, self._flows, self._rules, self._limits, waiting, *page
        ):
            waiting = waiting[:0]
            page = self._page_for(2 * len(self.label))

    def _page_for(self, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
        if self._room and self._state.counters[RECORDS] + n_steps > self._room:
            self._turn_page()
        return self._pages[-1]

    def _turn_page(self) -> None:
        self._cut_page()
        self._pages.append((np.empty((self._room, 7), np.int64), np.empty((self._room, 4))))

    def _cut_page(self) -> None:
        """Drop the empty rows of the last page."""
        if self._pages:
            count = self._state.counters[RECORDS]
            steps, values = self._pages[-1]
            self._pages[-1] = steps[:count], values[:count]
            self._state.counters[RECORDS] = 0

    def _written(self) -> list[tuple[np.ndarray, np.ndarray]]:
        count = self._state.counters[RECORDS]
        steps, values = self._pages[-1]
        return [*self._pages[:-1], (steps[:count], values[:count])]


def _no_limits(n: int) -> Limits:
    nothing = np.zeros(n + 1, np.int64), np.empty(0, np.int32)
    return Limits(*nothing, np.zeros(n, np.int64), *nothing, np.arange(n))
