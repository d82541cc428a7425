"""Functional areas from commuting, by the method of ISTAT's local labour systems."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
import pandas as pd

from diagnosis.areas.estimator import Estimator
from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.labour_market import RESERVE, Aggregation, TradeOff
from diagnosis.areas.quality import (
    area_links,
    area_statistics,
    network_modularity,
    partition_statistics,
    summaries,
)
from diagnosis.errors import InputError, examples, unknown_name

MODES = ("istat",)


class FunctionalAreas(Estimator):
    """Group municipalities into areas where most residents work and most jobs are held by residents.

    Every municipality starts as an area of its own. The least valid area gives up, one at a time, the municipality
    that exchanges most with the outside; it joins the area of strongest link if that area does not lose validity,
    and waits in a reserve list otherwise. When all areas are valid the reserve is placed by strongest link, without
    a test, so that a few areas may end below validity 1. Space plays no part.

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
    mode : str, default "istat"
        Only ``"istat"``: what the R package LabourMarketAreas 3.4 computes.

    Attributes
    ----------
    labels_ : pandas.Series of Int64
        Area of every code of the matrix (index `code`, in code order; name `area`). Areas are numbered from 1 by
        decreasing population (employed residents where none was given; ties: smallest code). Missing for codes of
        the zero list and unassigned ones.
    partition_before_reserve_ : pandas.Series of Int64
        The same before the reserve was placed, under the numbers of `labels_`; missing also for the reserve.
    reserve_ : pandas.DataFrame
        The reserve list, in order: `type` (A, B: it was alone in its area; C, D: it was not; A, C: its best
        candidate would have lost validity; B, D: it had none), `iteration`, `cluster` (rank of the founder among the
        codes outside the zero list, from 1), `founder` (its code), `validity` of the area at that moment, `code`,
        `next_code` (second in line to leave; missing for A and B).
    zero_list_, unassigned_ : pandas.DataFrame
        `code`, `reason`: codes left out before the start (no residents, jobs or exchange), and reserve members no
        area has flows with.
    moves_ : pandas.Series of int
        How often a code moved to another area, the reserve and its placing not counted; index as `labels_`.
    iterations_ : int
        Counter at the end of the loop; starts at 1.
    summary_ : pandas.DataFrame
        One row an area: the columns of :func:`diagnosis.areas.area_quality` that need only flows, on the flows
        outside the zero list, `name` being the code of the member with most jobs; `founder`, its first code; and
        `population` if it was given.
    statistics_ : pandas.Series of float
        Counts and summaries over areas, links between areas and the reserve, `q_modularity`.
    history_ : pandas.DataFrame
        One row a step, the placing of the reserve at the end: `step`, `code`, `from_area` and `to_area` (code of
        the area's founder; missing: the reserve), `candidate` (the area of strongest link), `link`,
        `validity_before` and `validity_after` of the candidate.

    Notes
    -----
    Row order has no effect; the order of codes has: numerical if all are digits, otherwise that of the C locale.
    It decides ties and, more, the order in which the reserve is placed.
    Decimal amounts are scaled to whole numbers together with the sizes where a power of ten up to a million does;
    otherwise the sums of an area are taken anew from its flows at each change and rounded once.
    The package's type D (first leaver without any candidate) goes on to dissolve the rest of the area within the same
    iteration, with records E and F; here only the leaver goes to the reserve and the rest is judged again in the
    next iteration. This differs on sparse networks only.
    An area that has just shed a municipality is judged for one iteration by the margins of its single members, as in
    the package. If that ends the loop, this one area may be below validity 1 in `partition_before_reserve_`; it takes
    a toy network.

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
    ) -> None:
        self.min_size = min_size
        self.min_self_containment = min_self_containment
        self.target_size = target_size
        self.target_self_containment = target_self_containment
        self.mode = mode

    def fit(self, flows: pd.DataFrame, population: pd.Series | None = None) -> FunctionalAreas:
        """Draw the areas.

        Parameters
        ----------
        flows : pandas.DataFrame
            `origin`, `destination` (codes, text or integers) and `commuters` (persons, at least 0), as in
            ``diagnosis.tables.FLOWS``. Repeated pairs are added up, rows of 0 ignored.
        population : pandas.Series, optional
            Residents by code, to number the areas; a code without a value counts 0.

        Returns
        -------
        FunctionalAreas
            The estimator itself.

        Raises
        ------
        diagnosis.errors.InputError
            A parameter is out of range, `flows` is not a commuting matrix, `population` does not fit it, or no
            municipality has residents, jobs and exchange with others.
        """
        self._check_parameters()
        everyone = FlowNetwork.from_table(flows)
        residents = None if population is None else _residents(population, everyone.codes)
        network, zero_list = everyone.without_zero_list()
        if len(network) == 0:
            raise InputError(
                "flows: at least two municipalities must have residents, jobs and exchange with others",
                f"none of {len(everyone)} has, for instance "
                + examples(f"{code}: {reason}" for code, reason in zero_list.itertuples(index=False)),
                "Give the flows between municipalities too, not only those inside each",
            )
        trade_off = TradeOff(
            self.min_size * network.scale,
            self.min_self_containment,
            self.target_size * network.scale,
            self.target_self_containment,
        )
        aggregation = Aggregation(network, trade_off)
        aggregation.run()
        before = np.array(aggregation.label)
        aggregation.place_reserve()
        final = np.array(aggregation.label)

        weight = network.live() if residents is None else residents.reindex(network.codes).to_numpy()
        number = _number_areas(final, weight)
        self.labels_ = _series(number[final], network.codes, everyone.codes)
        self.partition_before_reserve_ = _series(number[before], network.codes, everyone.codes)
        moves = pd.Series(aggregation.moves, index=network.codes, name="moves", dtype="int64")
        self.moves_ = moves.reindex(pd.Index(everyone.codes, name="code"), fill_value=0)
        self.iterations_ = aggregation.iteration
        self.zero_list_ = zero_list
        unassigned = network.codes[final == RESERVE]
        self.unassigned_ = pd.DataFrame(
            {"code": unassigned, "reason": ["no flow to or from any area"] * len(unassigned)}
        ).astype({"reason": "str"})
        self.reserve_ = _reserve_table(aggregation, network.codes)
        self.history_ = _history_table(aggregation, network.codes)
        self._summarise(network, number, final, trade_off, residents)
        return self

    def _check_parameters(self) -> None:
        if self.mode not in MODES:
            raise unknown_name("mode of FunctionalAreas", self.mode, MODES)
        values = {name: value for name, value in self.get_params().items() if name != "mode"}
        for name, value in values.items():
            number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
            if not (number and math.isfinite(value) and value > 0):
                raise InputError(f"{name} must be a number above 0", f"{value!r} was given")
        for low, high in (
            ("min_size", "target_size"),
            ("min_self_containment", "target_self_containment"),
        ):
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

    def _summarise(
        self,
        network: FlowNetwork,
        number: np.ndarray,
        final: np.ndarray,
        trade_off: TradeOff,
        residents: pd.Series | None,
    ) -> None:
        area = number[final] - 1
        n_areas = int(area.max(initial=-1)) + 1
        table = area_statistics(network, area, n_areas, trade_off)
        links = area_links(network, area, n_areas)
        founder = np.flatnonzero(number[:-1])
        founder = founder[np.argsort(number[founder])]
        table.insert(1, "founder", network.codes[founder])
        if residents is not None:
            assigned = self.labels_.dropna().astype("int64")
            table["population"] = residents[assigned.index].groupby(assigned.to_numpy()).sum().to_numpy()
        self.summary_ = table.set_index(pd.RangeIndex(1, n_areas + 1, name="area"))
        self.statistics_ = pd.concat(
            [
                partition_statistics(table, links),
                pd.Series({"q_modularity": network_modularity(table, network)}),
                _reserve_statistics(self.reserve_),
            ]
        )


def _residents(population: pd.Series, codes: pd.Index) -> pd.Series:
    if not isinstance(population, pd.Series):
        raise InputError(
            "population: a Series indexed by municipality code is needed",
            f"{type(population).__name__} was given",
        )
    if population.index.has_duplicates:
        repeated = population.index[population.index.duplicated()]
        raise InputError("population: every code has one row", f"repeated: {examples(repeated)}")
    if not population.index.isin(codes).any():
        raise InputError(
            "population: its codes must be those of the flows",
            f"population has {examples(population.index)}, flows {examples(codes)}",
        )
    numbers = pd.to_numeric(population, errors="coerce").astype("float64").reindex(codes)
    wrong = (population.notna().reindex(codes, fill_value=False) & numbers.isna()) | ~(
        numbers.fillna(0).between(0, np.inf, inclusive="left")
    )
    if wrong.any():
        raise InputError(
            "population: residents are numbers of at least 0",
            f"found {examples(population.reindex(codes)[wrong])}",
        )
    return numbers.fillna(0)


def _number_areas(final: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the number of each cluster, 0 where it has no member; the last entry is that of the reserve."""
    clusters, first, place = np.unique(final, return_index=True, return_inverse=True)
    size = np.bincount(place, weight)
    order = np.lexsort((first, -size))
    order = order[clusters[order] != RESERVE]
    number = np.zeros(len(final) + 1, dtype=np.int64)
    number[clusters[order]] = np.arange(1, len(order) + 1)
    return number


def _series(area: np.ndarray, codes: pd.Index, everyone: pd.Index) -> pd.Series:
    labels = pd.Series(area, index=codes, name="area", dtype="Int64")
    return labels.mask(labels == 0).reindex(pd.Index(everyone, name="code"))


def _codes_of(positions: list[int | None], codes: pd.Index) -> pd.Series:
    """Codes of positions; missing for the reserve and for none."""
    known = [None if position in (None, RESERVE) else codes[position] for position in positions]
    return pd.Series(known, dtype="Int64" if pd.api.types.is_integer_dtype(codes) else "str")


def _reserve_table(aggregation: Aggregation, codes: pd.Index) -> pd.DataFrame:
    records = aggregation.reserve
    return pd.DataFrame(
        {
            "type": pd.Series([record.type for record in records], dtype="str"),
            "iteration": pd.Series([record.iteration for record in records], dtype="int64"),
            "cluster": pd.Series([record.cluster + 1 for record in records], dtype="int64"),
            "founder": _codes_of([record.cluster for record in records], codes),
            "validity": pd.Series([record.validity for record in records], dtype="float64"),
            "code": _codes_of([record.municipality for record in records], codes),
            "next_code": _codes_of([record.following for record in records], codes),
        }
    )


def _history_table(aggregation: Aggregation, codes: pd.Index) -> pd.DataFrame:
    history = aggregation.history
    columns = {
        "code": "municipality",
        "from_area": "source",
        "to_area": "target",
        "candidate": "candidate",
    }
    numbers = ("link", "validity_before", "validity_after")
    return pd.DataFrame(
        {"step": pd.Series([step.step for step in history], dtype="int64")}
        | {
            name: _codes_of([getattr(step, field) for step in history], codes)
            for name, field in columns.items()
        }
        | {name: pd.Series([getattr(step, name) for step in history], dtype="float64") for name in numbers}
    )


def _reserve_statistics(reserve: pd.DataFrame) -> pd.Series:
    """Count the reserve list: municipalities, areas they left, records by type and by area."""
    per_area = reserve["cluster"].value_counts()
    counts = {
        "reserve_municipalities": reserve["code"].nunique(),
        "reserve_areas": len(per_area),
        "reserve_areas_with_one_record": (per_area == 1).sum(),
    }
    counts |= {f"reserve_type_{kind}": (reserve["type"] == kind).sum() for kind in "ABCD"}
    counts |= summaries(
        {"reserve_validity": reserve["validity"], "reserve_records_per_area": per_area[per_area > 1]}
    )
    return pd.Series(counts, dtype="float64")
