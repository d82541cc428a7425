"""The commuting matrix as a network of positions: checked, ordered by code, in whole numbers where possible."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from diagnosis.areas.state import Flows
from diagnosis.errors import InputError, examples

COLUMNS = ("origin", "destination", "commuters")
SCALES = tuple(10.0**power for power in range(7))
EXACT_LIMIT = 2.0**53
"""Whole numbers below this are exact in double precision, and so are their sums and differences."""


class Layout(NamedTuple):
    """The flows between different municipalities by origin (`between`) and by destination (`back`), and their rows."""

    between: np.ndarray
    back: np.ndarray
    out_start: np.ndarray
    out_node: np.ndarray
    in_start: np.ndarray
    in_node: np.ndarray


@dataclass(frozen=True, eq=False)
class FlowNetwork:
    """Positive flows between numbered municipalities, one per ordered pair, sorted by origin and destination.

    Attributes
    ----------
    codes : pandas.Index, shape (n,)
        Municipality codes, text or integers, in code order: numerical where every code is made of digits, otherwise
        that of the C locale.
    origin, destination : numpy.ndarray of int, shape (m,)
        Positions in `codes`.
    amount : numpy.ndarray of float, shape (m,)
        Commuters times `scale`.
    scale : float
        The power of ten up to a million that makes every amount a whole number. Where none does, the largest power
        of two that keeps the total exact: amounts are then rounded to a part in 10^16 of the total. No sum depends on
        the order of addition.
    """

    codes: pd.Index
    origin: np.ndarray
    destination: np.ndarray
    amount: np.ndarray
    scale: float

    @classmethod
    def from_table(cls, flows: pd.DataFrame) -> FlowNetwork:
        """Read a table of flows.

        Parameters
        ----------
        flows : pandas.DataFrame
            Columns `origin`, `destination` (text or integer codes) and `commuters` (at least 0). Rows of the same
            pair are added up; a pair of amount 0 has no flow, its municipalities remain.

        Returns
        -------
        FlowNetwork

        Raises
        ------
        diagnosis.errors.InputError
            A column or a code is missing, the codes of the two columns are of different kinds, an amount is missing,
            not a number, infinite or negative, or none is above 0.
        """
        if not isinstance(flows, pd.DataFrame):
            raise InputError("flows: a DataFrame is needed", f"{type(flows).__name__} was given")
        if absent := [name for name in COLUMNS if name not in flows.columns]:
            raise InputError(
                f"flows: the columns {', '.join(COLUMNS)} are needed",
                f"missing: {examples(absent)}; found: {examples(map(str, flows.columns), 12)}",
                "Add or rename the columns",
            )
        if repeated := [name for name in COLUMNS if list(flows.columns).count(name) > 1]:
            raise InputError("flows: a column must be there once", f"repeated: {examples(repeated)}")
        amount = _amounts(flows)
        codes, positions = _code_positions(flows)
        origin, destination = positions[: len(flows)], positions[len(flows) :]
        amount, scale = _whole_numbers(amount)
        pair = origin * len(codes) + destination
        order = np.argsort(pair, kind="stable")
        order = order[amount[order] > 0]
        if len(order) == 0:
            raise InputError(
                "flows: at least one row must have commuters above 0",
                f"none of {len(flows)} rows has",
                "Give the matrix of an area where somebody works",
            )
        return cls._add_up(codes, pair[order], amount[order], scale)

    def __len__(self) -> int:
        return len(self.codes)

    def live(self) -> np.ndarray:
        """Employed residents of each municipality, times `scale`."""
        return np.bincount(self.origin, self.amount, len(self))

    def work(self) -> np.ndarray:
        """Jobs in each municipality, times `scale`."""
        return np.bincount(self.destination, self.amount, len(self))

    def within(self) -> np.ndarray:
        """Employed residents of each municipality who work in it, times `scale`."""
        own = self.origin == self.destination
        # Without any such flow the count is of whole numbers, for which all would be compiled again.
        return np.bincount(self.origin[own], self.amount[own], len(self)).astype("float64")

    def layout(self) -> Layout:
        """Where each flow between different municipalities stands in :meth:`rows`."""
        between = np.flatnonzero(self.origin != self.destination)
        origin, destination = self.origin[between], self.destination[between]
        back = np.argsort(destination, kind="stable")
        numbers = np.arange(len(self) + 1)
        return Layout(
            between,
            between[back],
            np.searchsorted(origin, numbers),
            destination.astype(np.int32),
            np.searchsorted(destination[back], numbers),
            origin[back].astype(np.int32),
        )

    def rows(self, layout: Layout | None = None) -> Flows:
        """Flows to and from other municipalities by row, and the margins, as the aggregation reads them.

        Parameters
        ----------
        layout : Layout, optional
            Of this network, or of one with the same flows in other amounts.
        """
        layout = layout or self.layout()
        return Flows(
            out_start=layout.out_start,
            out_node=layout.out_node,
            out_flow=self.amount[layout.between],
            in_start=layout.in_start,
            in_node=layout.in_node,
            in_flow=self.amount[layout.back],
            live=self.live(),
            work=self.work(),
            within=self.within(),
        )

    def contracted(self, unit: np.ndarray, codes: pd.Index) -> FlowNetwork:
        """Put municipalities together, or in another order.

        Parameters
        ----------
        unit : numpy.ndarray of int, shape (n,)
            New position of each municipality, from 0 without a gap; -1: left out with its flows.
        codes : pandas.Index
            Code of each new position.

        Returns
        -------
        FlowNetwork
        """
        origin, destination = unit[self.origin], unit[self.destination]
        kept = (origin >= 0) & (destination >= 0)
        pair = origin[kept] * len(codes) + destination[kept]
        order = np.argsort(pair, kind="stable")
        return self._add_up(codes, pair[order], self.amount[kept][order], self.scale)

    @classmethod
    def _add_up(cls, codes: pd.Index, pair: np.ndarray, amount: np.ndarray, scale: float) -> FlowNetwork:
        """Build a network from sorted pairs, of which equal ones are added up."""
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        if len(first):
            amount, pair = np.add.reduceat(amount, first), pair[first]
        return cls(codes, pair // len(codes), pair % len(codes), amount, scale)

    def without_zero_list(self) -> tuple[FlowNetwork, pd.DataFrame]:
        """Leave out, until nothing changes, municipalities without residents, jobs or exchange.

        Returns
        -------
        network : FlowNetwork
            The others and the flows between them.
        zero_list : pandas.DataFrame
            Columns `code` and `reason`: by round, ascending code inside a round.
        """
        network = self
        rounds: list[pd.DataFrame] = []
        while len(network):
            live, work, within = network.live(), network.work(), network.within()
            closed = (within == live) & (live == work)
            out = (live == 0) | (work == 0) | closed
            if not out.any():
                break
            reasons = np.select(
                [(live == 0) & (work == 0), live == 0, work == 0],
                ["no flow", "no employed residents", "no jobs"],
                "no exchange with others",
            )[out]
            left = " once the codes above are left out" if rounds else ""
            rounds.append(
                pd.DataFrame(
                    {"code": network.codes[out], "reason": [f"{reason}{left}" for reason in reasons]}
                )
            )
            network = network._keep(~out)
        if not rounds:
            return network, pd.DataFrame({"code": self.codes[:0], "reason": pd.Series([], dtype="str")})
        return network, pd.concat(rounds, ignore_index=True)

    def _keep(self, mask: np.ndarray) -> FlowNetwork:
        return self.contracted(np.where(mask, np.cumsum(mask) - 1, -1), self.codes[mask])


def _amounts(flows: pd.DataFrame) -> np.ndarray:
    given = flows["commuters"]
    if getattr(given.dtype, "kind", "O") in "mMc":  # moments and complex numbers would pass as numbers
        given = given.astype("str")
    amount = pd.to_numeric(given, errors="coerce").astype("float64").to_numpy(na_value=np.nan)
    for rule, wrong in (
        ("must hold finite numbers, with a point for decimals", ~np.isfinite(amount)),
        ("must be at least 0", amount < 0),
    ):
        if wrong.any():
            rows = flows.loc[wrong, list(COLUMNS)].head(6).itertuples(index=False)
            raise InputError(
                f"flows: 'commuters' {rule}",
                f"{int(wrong.sum())} of {len(flows)} rows do not, for instance "
                + examples(f"{origin}->{destination}: {value}" for origin, destination, value in rows),
                "Correct or remove these rows",
            )
    with np.errstate(over="ignore"):
        total = amount.sum()
    if not np.isfinite(total):
        raise InputError("flows: the total of 'commuters' must be a finite number", f"it is {total}")
    return amount


def _code_positions(flows: pd.DataFrame) -> tuple[pd.Index, np.ndarray]:
    """Codes in code order, and the position of every origin, then of every destination."""
    kinds = {}
    for name in ("origin", "destination"):
        column = flows[name]
        blank = column.isna().to_numpy(dtype=bool)
        kinds[name] = pd.api.types.infer_dtype(column, skipna=True)
        if kinds[name] == "categorical":
            kinds[name] = pd.api.types.infer_dtype(column.cat.categories, skipna=True)
        if kinds[name] == "string":
            blank = blank | column.isin([""]).to_numpy(dtype=bool)
        if blank.any():
            raise InputError(
                f"flows: every row needs a code in {name!r}", f"{int(blank.sum())} rows have none"
            )
    if len(flows) == 0:
        return pd.Index([], dtype="str"), np.zeros(0, dtype=np.int64)
    if set(kinds.values()) not in ({"string"}, {"integer"}):
        raise InputError(
            "flows: the codes must be text, or whole numbers, in both columns",
            f"'origin' holds {kinds['origin']}, 'destination' {kinds['destination']} values",
            "Read the file with dtype=str, so that leading zeros are kept",
        )
    found, codes = pd.factorize(pd.concat([flows["origin"], flows["destination"]], ignore_index=True))
    codes = codes.to_numpy(dtype=object)
    if kinds["origin"] == "string":
        digits = all(code.isascii() and code.isdigit() for code in codes)
        if padded := [code for code in codes if code != code.strip()]:
            raise InputError(
                "flows: codes must be without blanks around them",
                f"found {examples(padded)}",
                "Take the blanks off: flows['origin'].str.strip(), and the same for the destination",
            )
        # By number, however long: more digits are more, leading zeros apart.
        keys = [(len(code.lstrip("0")), code.lstrip("0"), code) for code in codes] if digits else codes
        rank = sorted(range(len(codes)), key=keys.__getitem__)
    else:
        rank = sorted(range(len(codes)), key=lambda i: codes[i])
    position = np.empty(len(codes), dtype=np.int64)
    position[rank] = np.arange(len(codes))
    return pd.Index(list(codes[rank])), position[found]


def _whole_numbers(amount: np.ndarray) -> tuple[np.ndarray, float]:
    """Multiply by the first power of ten that makes every amount whole, or by the largest possible power of two."""
    for scale in SCALES:
        whole = np.rint(amount * scale)
        if whole.sum() < EXACT_LIMIT and (whole / scale == amount).all():
            return whole, scale
    total = max(amount.sum(), 1.0)
    scale = 2.0 ** math.floor(math.log2(EXACT_LIMIT / total) - 1)
    whole = np.rint(amount * scale)
    if scale < 1 and ((whole == 0) & (amount > 0)).any():
        raise InputError(
            f"flows: the total of 'commuters' must be below {EXACT_LIMIT:g}, beside which small flows vanish",
            f"it is {amount.sum():g}, the largest row {amount.max():g}",
            "Correct these rows",
        )
    return whole, scale
