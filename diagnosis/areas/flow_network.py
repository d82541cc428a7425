"""The commuting matrix as a network of positions: checked, ordered by code, in whole numbers where possible."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples

COLUMNS = ("origin", "destination", "commuters")
SCALES = tuple(10.0**power for power in range(7))
EXACT_LIMIT = 2.0**53
"""Whole numbers below this are exact in double precision, and so are their sums and differences."""


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
        The power of ten that makes every amount a whole number; 1 where none up to a million does.
    exact : bool
        Every amount is a whole number, so that no sum depends on the order of addition.
    """

    codes: pd.Index
    origin: np.ndarray
    destination: np.ndarray
    amount: np.ndarray
    scale: float
    exact: bool

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
        amount = _amounts(flows)
        codes, positions = _code_positions(flows)
        origin, destination = positions[: len(flows)], positions[len(flows) :]
        amount, scale, exact = _whole_numbers(amount)
        pair = origin * len(codes) + destination
        # Sorting by amount too makes even inexact sums independent of the order of rows.
        order = np.lexsort((amount, pair))
        order = order[amount[order] > 0]
        if len(order) == 0:
            raise InputError(
                "flows: at least one row must have commuters above 0",
                f"none of {len(flows)} rows has",
                "Give the matrix of an area where somebody works",
            )
        pair = pair[order]
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        amount, pair = np.add.reduceat(amount[order], first), pair[first]
        return cls(codes, pair // len(codes), pair % len(codes), amount, scale, exact)

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
        return self._select(self.origin == self.destination).live()

    def neighbours(self) -> tuple[list[dict[int, float]], list[dict[int, float]]]:
        """Flows to and from other municipalities, by position; flows within are left out.

        Returns
        -------
        outward, inward : list of dict
            ``outward[i][j]`` is the flow from i to j, ``inward[j][i]`` the same one; keys ascend.
        """
        between = self._select(self.origin != self.destination)
        outward = _adjacency(between.origin, between.destination, between.amount, len(self))
        order = np.argsort(between.destination, kind="stable")
        inward = _adjacency(
            between.destination[order], between.origin[order], between.amount[order], len(self)
        )
        return outward, inward

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
        number = np.cumsum(mask) - 1
        kept = self._select(mask[self.origin] & mask[self.destination])
        return FlowNetwork(
            self.codes[mask],
            number[kept.origin],
            number[kept.destination],
            kept.amount,
            self.scale,
            self.exact,
        )

    def _select(self, rows: np.ndarray) -> FlowNetwork:
        return FlowNetwork(
            self.codes, self.origin[rows], self.destination[rows], self.amount[rows], self.scale, self.exact
        )


def _amounts(flows: pd.DataFrame) -> np.ndarray:
    given = flows["commuters"]
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
    if not np.isfinite(amount.sum()):
        raise InputError("flows: the total of 'commuters' must be a finite number", f"it is {amount.sum()}")
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
    both = np.concatenate([flows[name].to_numpy(dtype=object) for name in ("origin", "destination")])
    found, codes = pd.factorize(both)
    if kinds["origin"] == "string":
        digits = all(code.isascii() and code.isdigit() for code in codes)
        rank = sorted(range(len(codes)), key=lambda i: (int(codes[i]), codes[i]) if digits else codes[i])
    else:
        rank = sorted(range(len(codes)), key=lambda i: codes[i])
    position = np.empty(len(codes), dtype=np.int64)
    position[rank] = np.arange(len(codes))
    return pd.Index(list(codes[rank])), position[found]


def _whole_numbers(amount: np.ndarray) -> tuple[np.ndarray, float, bool]:
    """Multiply by the first power of ten that makes every amount whole, if one does."""
    for scale in SCALES:
        whole = np.rint(amount * scale)
        if whole.sum() < EXACT_LIMIT and (whole / scale == amount).all():
            return whole, scale, True
    return amount, 1.0, False


def _adjacency(rows: np.ndarray, columns: np.ndarray, amount: np.ndarray, n: int) -> list[dict[int, float]]:
    limits = np.searchsorted(rows, np.arange(n + 1)).tolist()
    targets, flows = columns.tolist(), amount.tolist()
    return [
        dict(zip(targets[start:stop], flows[start:stop], strict=True)) for start, stop in pairwise(limits)
    ]
