"""Functional areas from commuting, by the method of ISTAT's local labour systems."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
import pandas as pd

from diagnosis.areas.constraints import Constraints
from diagnosis.areas.estimator import Estimator
from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.history import history_table, reserve_statistics, reserve_table
from diagnosis.areas.labour_market import TradeOff
from diagnosis.areas.numbering import labels_series, number_areas, points_of, residents_of
from diagnosis.areas.preparation import Preparation, prepare_clean, prepare_package
from diagnosis.areas.quality import (
    area_links,
    area_statistics,
    network_modularity,
    partition_statistics,
)
from diagnosis.areas.reasons import Explanation, explain_membership
from diagnosis.errors import InputError, unknown_name

MODES = ("istat", "clean")
THRESHOLDS = ("min_size", "min_self_containment", "target_size", "target_self_containment")
CONSTRAINTS = ("contiguity", "within", "must_link", "cannot_link")


class FunctionalAreas(Estimator):
    """Group municipalities into areas where most residents work and most jobs are held by residents.

    Every municipality starts as an area of its own. The least valid area gives up, one at a time, the municipality
    that exchanges most with the outside; it joins the area of strongest link if that area does not lose validity,
    and waits in a reserve list otherwise. When all areas are valid the reserve is placed by strongest link, without
    a test.

    Mode ``"istat"`` computes what the R package LabourMarketAreas 3.4 computes: space plays no part, the order of
    codes decides how the reserve is placed, and a few areas end below validity 1. Mode ``"clean"`` keeps the method
    and drops what is arbitrary in it: the reserve is placed strongest link first, ties are broken by size and place,
    areas that end below validity are dissolved among their neighbours, municipalities on a border that are linked more
    strongly to the other side cross it where nothing is lost, and constraints are respected throughout. The
    two differ by design; neither is the official geography, which ISTAT corrects by hand.

    Parameters
    ----------
    min_size : float, default 1000
        Employed residents under which no area is valid unless closed.
    min_self_containment : float, default 0.60
        Least self-containment, a share of 1, that an area of the target size needs. Self-containment is the smaller
        of supply side (residents who work inside / employed residents) and demand side (the same / jobs).
    target_size : float, default 10000
        Employed residents from which `min_self_containment` is enough; above `min_size`.
    target_self_containment : float, default 0.75
        Self-containment that an area of the minimum size needs; above `min_self_containment`, at most 1.
    mode : {"istat", "clean"}, default "istat"
        See above. The parameters below need ``"clean"``.
    contiguity : pandas.DataFrame, optional
        `code`, `neighbour`: municipalities that touch, as :func:`diagnosis.contiguity` gives them, ferry edges of
        islands included. Only touching areas merge, and no area is ever in pieces. A municipality the table gives
        no neighbour can join nobody: see `isolated_`.
    within : pandas.Series, optional
        Group of each code (region, province): areas stay inside a group.
    must_link : iterable of iterables of codes, optional
        Municipalities that stay together from the start to the end. Lists, not generators.
    cannot_link : iterable of pairs of codes, optional
        Municipalities that never share an area.
    random_state : int, optional
        Order of municipalities that nothing tells apart (equal residents, employed residents, jobs and place), see
        `ties_`. By default their codes decide. Nothing else is random.

    Attributes
    ----------
    labels_ : pandas.Series of Int64
        Area of every code of the matrix (index `code`, in code order; name `area`). Areas are numbered from 1 by
        decreasing population (employed residents where none was given). Missing for codes of `unassigned_` and, in
        mode ``"istat"``, of `zero_list_`.
    partition_before_reserve_ : pandas.Series of Int64
        The same before the reserve was placed, under the numbers of `labels_` (higher ones for areas that were
        dissolved later); missing also for the reserve.
    reserve_ : pandas.DataFrame
        The reserve list, in order: `type` (A, B: it was alone in its area; C, D: it was not; A, C: its best
        candidate would have lost validity; B, D: it had none), `iteration`, `cluster` (rank of the founder in the
        order of the aggregation, from 1), `founder` (its code), `validity` of the area at that moment, `code`,
        `next_code` (second in line to leave; missing for A and B).
    zero_list_ : pandas.DataFrame
        `code`, `reason`. Mode ``"istat"``: left out before the start, having no residents, jobs or exchange. Mode
        ``"clean"``: without residents or jobs, hence in the reserve from the start.
    unassigned_ : pandas.DataFrame
        `code`, `reason`: those in no area. Mode ``"istat"``: reserve members no area has flows with. Mode
        ``"clean"``: those without any flow, unless they must stay with others that have some.
    isolated_ : pandas.Index
        Codes without neighbours in `contiguity` that have flows, each an area of its own, valid or not.
    moves_ : pandas.Series of int
        How often a code moved to another area, the reserve and its placing not counted; index as `labels_`.
    iterations_ : int
        Counter at the end of the loop; starts at 1.
    ties_ : int
        Mode ``"clean"``: decisions, made on the way, between municipalities or areas that nothing but their code, or
        chance, told apart. With 0 the areas do not depend on the codes, nor do their numbers but for areas of equal
        population.
    summary_ : pandas.DataFrame
        One row an area: the columns of :func:`diagnosis.areas.area_quality` that need only flows (mode ``"istat"``:
        the flows outside the zero list), `name` being the code of the member with most jobs; `founder`, the code
        under which `history_` names it; and `population` if it was given.
    statistics_ : pandas.Series of float
        Counts and summaries over areas, links between areas and the reserve, `q_modularity`.
    history_ : pandas.DataFrame
        One row a step, the placing of the reserve at the end: `step`, `code`, `rule`, `from_area` and `to_area` (the
        area's founder; missing: the reserve), `candidate` (the area of strongest link), `link`, `validity_before` and
        `validity_after` of the candidate. Rules: ``joined`` the candidate; ``refused`` by it; ``no_candidate``;
        ``placed`` from the reserve; given to the ``largest_neighbour``, having no flows with those it touches;
        ``founded`` an area, as none may take it; its area was ``dissolved``; ``adjusted``: moved at the end.
        Municipalities of `must_link` appear as one, under the code of the one with most jobs.

    Notes
    -----
    Row order has no effect. In mode ``"istat"`` the order of codes has: numerical if all are digits, otherwise that
    of the C locale. It decides ties and, more, the order in which the reserve is placed.
    Decimal amounts are scaled to whole numbers together with the sizes, so that sums are exact
    (:class:`diagnosis.areas.flow_network.FlowNetwork`).
    The package's type D (first leaver without any candidate) goes on to dissolve the rest of the area within the same
    iteration, with records E and F; here only the leaver goes to the reserve and the rest is judged again in the
    next iteration. This differs on sparse networks only.
    Mode ``"istat"``: an area that has just shed a municipality is judged for one iteration by the margins of its
    single members, as in the package. If that ends the loop, this one area may be below validity 1 in
    `partition_before_reserve_`; it takes a toy network.
    Mode ``"clean"``: an area that falls apart when a municipality leaves becomes several. A municipality of the
    reserve that exchanges nobody with the areas it touches joins the largest of them (employed residents). One no
    area may take founds an area, which may be below validity; so may one that has no permitted neighbour, or that took
    in others of the area it had left (it takes `cannot_link`). At the end a municipality moves to the area of
    strongest link if more commuters stay inside areas then, both areas are valid and the one it leaves stays
    connected, until no such move is left.
    Large networks are run by compiled code (numba; compiled once, about ten seconds).

    References
    ----------
    Coombes M., Bond S. (2008), Travel-to-Work Areas: the 2007 review, Office for National Statistics.
    Franconi L., Ichim D., D'Alò M. (2017), Labour market areas for territorial policies, Statistical Journal of the
    IAOS 33(3), 585-591.
    ISTAT (2015), La nuova geografia dei sistemi locali.

    Examples
    --------
    >>> import pandas as pd
    >>> flows = pd.DataFrame(
    ...     [["1", "1", 8], ["1", "2", 2], ["2", "1", 5], ["2", "2", 5], ["3", "3", 9], ["3", "1", 1], ["1", "3", 1]],
    ...     columns=["origin", "destination", "commuters"],
    ... )
    >>> FunctionalAreas(min_size=5, target_size=15).fit(flows).labels_.to_dict()
    {'1': 1, '2': 1, '3': 2}
    """

    def __init__(
        self,
        *,
        min_size=1000,
        min_self_containment=0.60,
        target_size=10000,
        target_self_containment=0.75,
        mode="istat",
        contiguity=None,
        within=None,
        must_link=None,
        cannot_link=None,
        random_state=None,
    ) -> None:
        self.min_size = min_size
        self.min_self_containment = min_self_containment
        self.target_size = target_size
        self.target_self_containment = target_self_containment
        self.mode = mode
        self.contiguity = contiguity
        self.within = within
        self.must_link = must_link
        self.cannot_link = cannot_link
        self.random_state = random_state

    def fit(
        self,
        flows: pd.DataFrame,
        population: pd.Series | None = None,
        location: pd.DataFrame | None = None,
    ) -> FunctionalAreas:
        """Draw the areas.

        Parameters
        ----------
        flows : pandas.DataFrame
            `origin`, `destination` (codes, text or integers) and `commuters` (persons, at least 0), as in
            ``diagnosis.tables.FLOWS``. Repeated pairs are added up, rows of 0 ignored.
        population : pandas.Series, optional
            Residents by code, to number the areas and, in mode ``"clean"``, to break ties; a code without a value
            counts 0.
        location : pandas.DataFrame, optional
            Index code; `x` and `y`, or polygons. Breaks ties in mode ``"clean"``.

        Returns
        -------
        FunctionalAreas
            The estimator itself.

        Raises
        ------
        diagnosis.errors.InputError
            A parameter is out of range, `flows` is not a commuting matrix, `population`, `location` or a constraint
            does not fit it, or (mode ``"istat"``) no municipality has residents, jobs and exchange with others.
        """
        everyone, prepared, residents = self.prepare(flows, population, location)
        self._network = everyone
        trade_off = self.trade_off()
        aggregation = prepared.aggregation(trade_off)
        aggregation.run()
        before = aggregation.label.copy()
        self.iterations_ = aggregation.iteration
        aggregation.place_reserve()

        codes, final = everyone.codes, prepared.of_municipalities(aggregation.label)
        # In the order of the aggregation, so that ties between areas do not depend on codes in mode "clean".
        order = np.argsort(prepared.place, kind="stable")
        if residents is not None:
            weight = residents
        elif prepared.package:  # the flows of the zero list do not count
            weight = prepared.of_municipalities(prepared.network.live())
        else:
            weight = everyone.live()
        number = np.zeros(len(everyone), np.int64)
        number[order] = number_areas(final[order], weight[order])
        self.labels_ = labels_series(number, codes)
        earlier = prepared.of_municipalities(before)
        self.partition_before_reserve_ = labels_series(_renumber(earlier, final, number), codes)
        self.moves_ = pd.Series(
            np.maximum(prepared.of_municipalities(aggregation.moves), 0),
            index=self.labels_.index,
            name="moves",
            dtype="int64",
        )
        self.ties_ = aggregation.ties
        self.zero_list_ = prepared.zero_list
        unassigned = codes[(final < 0) & (prepared.place >= 0 if prepared.package else True)]
        reason = "no flow to or from any area" if prepared.package else "no flow"
        self.unassigned_ = pd.DataFrame(
            {"code": unassigned, "reason": pd.Series([reason] * len(unassigned), dtype="str")}
        )
        self.isolated_ = self._isolated(codes[prepared.place >= 0])
        self.reserve_ = reserve_table(aggregation, prepared.network.codes)
        self.history_ = history_table(aggregation, prepared.network.codes)
        described = prepared.network if prepared.package else everyone
        self._summarise(described, trade_off.scaled(everyone.scale), residents)
        founder = pd.Series(final, index=codes)[final >= 0].groupby(number[final >= 0]).first()
        self.summary_.insert(1, "founder", prepared.network.codes[founder.to_numpy()])
        return self

    def explain(self, code: object, names: Mapping | pd.Series | None = None) -> Explanation:
        """Say why a municipality is in its area; call it after :meth:`fit`.

        Parameters
        ----------
        code : text or int
        names : mapping or pandas.Series, optional
            Name of each municipality by code, for the sentence.

        Returns
        -------
        Explanation
            See :func:`diagnosis.areas.explain_membership`.

        Raises
        ------
        diagnosis.errors.UnknownNameError
            The code is not one of the matrix; the nearest one is named.
        diagnosis.errors.InputError
            The estimator has not been fitted.
        """
        if not hasattr(self, "labels_"):
            raise InputError("explain needs areas", "fit has not been called", "Call fit(flows) first")
        return explain_membership(
            code,
            self.labels_,
            self._network,
            self.get_params(),
            contiguity=self.contiguity,
            history=self.history_,
            names=names,
        )

    def prepare(
        self,
        flows: pd.DataFrame,
        population: pd.Series | None = None,
        location: pd.DataFrame | None = None,
    ) -> tuple[FlowNetwork, Preparation, np.ndarray | None]:
        """Check parameters and data, without drawing anything: what :meth:`fit` and sweeps start from.

        Returns
        -------
        everyone : FlowNetwork
            All municipalities, in code order.
        prepared : Preparation
        residents : numpy.ndarray or None
            In the order of `everyone`.
        """
        self.check()
        everyone = FlowNetwork.from_table(flows)
        residents = None if population is None else residents_of(population, everyone.codes)
        if self.mode == "istat":
            return everyone, prepare_package(everyone), residents
        constraints = Constraints.read(
            everyone.codes, self.contiguity, self.within, self.must_link, self.cannot_link
        )
        points = None if location is None else points_of(location, everyone.codes)
        prepared = prepare_clean(everyone, constraints, residents, points, self.random_state)
        return everyone, prepared, residents

    def trade_off(self) -> TradeOff:
        """Return the four thresholds as a rule."""
        return TradeOff(*(getattr(self, name) for name in THRESHOLDS))

    def check(self) -> None:
        """Raise an error if a parameter is out of range."""
        if self.mode not in MODES:
            raise unknown_name("mode of FunctionalAreas", self.mode, MODES)
        values = {name: getattr(self, name) for name in THRESHOLDS}
        for name, value in values.items():
            number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
            if not (number and math.isfinite(value) and value > 0):
                raise InputError(f"{name} must be a number above 0", f"{value!r} was given")
        for low, high in (THRESHOLDS[::2], THRESHOLDS[1::2]):
            if not values[low] < values[high]:
                raise InputError(
                    f"{low} must be below {high}", f"{values[low]!r} and {values[high]!r} were given"
                )
        if values["target_self_containment"] > 1:
            raise InputError(
                "Self-containment is a share of 1",
                f"target_self_containment={values['target_self_containment']!r} was given",
                "Write 75 % as 0.75",
            )
        if self.random_state is not None and (
            isinstance(self.random_state, bool)
            or not isinstance(self.random_state, Integral)
            or self.random_state < 0
        ):
            raise InputError(
                "random_state must be a whole number of at least 0", f"{self.random_state!r} was given"
            )
        given = [name for name in CONSTRAINTS if getattr(self, name) is not None]
        if self.mode == "istat" and given:
            raise InputError(
                "mode='istat' knows no constraints: it computes what ISTAT's package computes",
                f"{', '.join(given)} was given",
                "Choose mode='clean'",
            )

    def _isolated(self, codes: pd.Index) -> pd.Index:
        if self.contiguity is None:
            return codes[:0]
        one, other = (codes.get_indexer(self.contiguity[name]) for name in ("code", "neighbour"))
        pairs = (one >= 0) & (other >= 0) & (one != other)
        return codes.delete(np.concatenate([one[pairs], other[pairs]]))

    def _summarise(self, network: FlowNetwork, trade_off: TradeOff, residents: np.ndarray | None) -> None:
        area = self.labels_.reindex(network.codes).fillna(0).to_numpy(dtype=np.int64) - 1
        n_areas = int(area.max(initial=-1)) + 1
        table = area_statistics(network, area, n_areas, trade_off)
        links = area_links(network, area, n_areas)
        if residents is not None:
            number = self.labels_.fillna(0).to_numpy(dtype=np.int64)
            table["population"] = np.bincount(number, residents, n_areas + 1)[1:]
        self.summary_ = table.set_index(pd.RangeIndex(1, n_areas + 1, name="area"))
        self.statistics_ = pd.concat(
            [
                partition_statistics(table, links),
                pd.Series({"q_modularity": network_modularity(table, network)}),
                reserve_statistics(self.reserve_),
            ]
        )


def _renumber(earlier: np.ndarray, final: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Give areas of an earlier moment the numbers of the final ones of the same label, and new ones to the others."""
    size = int(max(earlier.max(initial=0), final.max(initial=0))) + 1
    names = np.zeros(size, np.int64)
    names[final[final >= 0]] = number[final >= 0]
    gone = np.unique(earlier[earlier >= 0])
    gone = gone[names[gone] == 0]
    names[gone] = number.max(initial=0) + 1 + np.arange(len(gone))
    return np.where(earlier >= 0, names[np.maximum(earlier, 0)], 0)
