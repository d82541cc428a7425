"""Completions of a commuting matrix of which only the largest flows and the margins are published.

Known: every flow that is among the largest of its origin or of its destination, and, for every municipality, the
commuters out and in and the numbers of destinations and origins. Not known: the tail, the flows between the other
pairs. A completion is one tail that fits all that is known; several show how much a result depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Self

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples
from diagnosis.networks.tail_model import (
    BANDS_KM,
    NUMBER_OF_BANDS,
    RELATIONS,
    Places,
    TailModel,
    find_tail,
    fit_tail,
    refuse,
)
from diagnosis.tables import FLOWS, MARGINS, Column, Table

RANKS = 10
"""Destinations of each origin, and origins of each destination, that the republications of 2021 list."""

ISLAND_REGIONS = ("19", "20")
"""Sicily and Sardinia (ISTAT region codes): each is a landmass of its own, the other regions are one together."""

MOST_COMMUTERS = 2**31 - 1
"""Limit of the maximum flow, which counts in 32 bits."""

POINTS = Table(
    "points",
    "Where each municipality is, and in which province and region or landmass.",
    {
        "x": Column("number", may_be_missing=False, unit="m"),
        "y": Column("number", may_be_missing=False, unit="m"),
        "province": Column("text", may_be_missing=False),
        "region": Column("text", required=False, may_be_missing=False),
        "landmass": Column("text", required=False, may_be_missing=False),
    },
)


class Completion:
    """Model of the tail of a commuting matrix, fitted once and drawn from many times.

    1. A doubly constrained gravity model of all flows, with a free decay by distance band and relation (same
       province, other province, across the sea), is fitted to the listed flows and to the margins.
    2. The expected flows of the unlisted pairs, below their caps, are the means of a negative binomial law whose
       dispersion gives the known number of pairs. The cap of a pair is the smallest of the largest flows listed, of
       its origin or its destination, whichever is less.
    3. A draw chooses which pairs exist: exactly the known number of destinations by systematic sampling, then moves
       to the known number of origins.
    4. It draws their sizes from a geometric law between 1 and the cap, rakes them to the margins, and rounds them
       to whole commuters by a maximum flow.

    What is drawn is not data: read no single pair of the tail. The spread between draws is the sensitivity of a
    result to what was not published, given this model; it is not a sampling error.

    Parameters
    ----------
    ranks : int, default 10
        Destinations of each origin, and origins of each destination, that are listed in `observed`.
    island_regions : iterable of str, default ("19", "20")
        Codes of regions that are a landmass each, when `points` has no column `landmass`.

    Attributes
    ----------
    report_ : dict
        Commuters and pairs of the tail, iterations, last change of the decay, its slopes, dispersion.
    decay_ : pandas.DataFrame
        Index ``up_to_km``, columns ``same_province``, ``other_province``, ``across_sea``: decay with distance,
        relative to the same province at 7 to 9 km. Empty without a tail.
    tail_ : pandas.DataFrame
        Index code; ``commuters_out``, ``commuters_in``, ``destinations``, ``origins`` that are unlisted.
    """

    def __init__(self, *, ranks: int = RANKS, island_regions: Iterable[str] = ISLAND_REGIONS) -> None:
        self.ranks, self.island_regions = ranks, island_regions

    def fit(self, observed: pd.DataFrame, margins: pd.DataFrame, points: pd.DataFrame) -> Self:
        """Fit the expected tail. Memory grows with the square of the municipalities: about 5 bytes a pair.

        Parameters
        ----------
        observed : pandas.DataFrame
            In the contract :data:`diagnosis.tables.FLOWS`, whole commuters; with the internal flows.
        margins : pandas.DataFrame
            In the contract :data:`diagnosis.tables.MARGINS`: index code; ``total_out``, ``total_in`` (commuters,
            without internal ones), ``n_destinations``, ``n_origins`` (other municipalities) and, optionally,
            ``internal``.
        points : pandas.DataFrame
            Index code; ``x``, ``y`` in metres, ``province``, and ``landmass`` or ``region``. Further municipalities
            are left out.

        Returns
        -------
        Completion

        Raises
        ------
        diagnosis.errors.InputError
            A table breaks its contract, codes are unknown, or the margins cannot belong to the observed flows.
        """
        if isinstance(self.ranks, bool) or not isinstance(self.ranks, int | np.integer) or self.ranks < 1:
            raise InputError("ranks must be a whole number from 1", f"{self.ranks!r} was given")
        attributes = observed.attrs
        margins = _whole(MARGINS.check(_keyed(margins)).sort_index(), MARGINS.columns, "margins")
        observed = _whole(FLOWS.check(observed), ["commuters"], "observed")
        _check_observed(observed, margins)
        codes = margins.index
        places = _places(POINTS.check(_keyed(points)), codes, tuple(self.island_regions))
        tail = find_tail(observed, margins, self.ranks)
        self._observed, self._codes, self._attributes = observed, codes, attributes
        self._model: TailModel | None = fit_tail(tail, places) if tail.pairs.any() else None
        self.tail_ = pd.DataFrame(
            np.concatenate([tail.flows, tail.pairs]).T,
            index=codes,
            columns=["commuters_out", "commuters_in", "destinations", "origins"],
        )
        self.report_ = {
            "municipalities": len(codes),
            "observed_commuters": int(observed["commuters"].sum()),
            "tail_commuters": int(tail.flows[0].sum()),
            "tail_pairs": int(tail.pairs[0].sum()),
            **(self._model.report if self._model else {}),
        }
        self.decay_ = _decay_table(self._model)
        return self

    def draw(self, seed: int | np.random.SeedSequence) -> pd.DataFrame:
        """Draw one completion. Draws do not change the model and may run in threads.

        Parameters
        ----------
        seed : int or numpy.random.SeedSequence
            The same seed gives the same completion with the same versions of numba, numpy and scipy.

        Returns
        -------
        pandas.DataFrame
            In the contract :data:`diagnosis.tables.FLOWS`: the observed flows as they are (``estimated`` 0) and the
            drawn ones (1), sorted by origin and destination. ``attrs["completion"]`` holds the counts of the draw:
            pairs moved, exchanged and added, and the errors of the numbers of pairs.

        Raises
        ------
        diagnosis.errors.InputError
            The model is not fitted, the seed is missing, or the margins cannot be reached.
        """
        if not hasattr(self, "report_"):
            raise InputError("the completion must be fitted before it is drawn", to_do="Call fit first")
        if not isinstance(seed, int | np.integer | np.random.SeedSequence) or (
            not isinstance(seed, np.random.SeedSequence) and seed < 0
        ):
            raise InputError("seed must be a whole number from 0, or a SeedSequence", f"{seed!r} was given")
        observed = self._observed[["origin", "destination", "commuters"]]
        if self._model is None:
            report: dict[str, int] = {}
            tail = observed.iloc[:0]
        else:
            from diagnosis.networks.tail_draw import draw_tail

            origin, destination, commuters, report = draw_tail(self._model, np.random.default_rng(seed))
            tail = pd.DataFrame(
                {
                    "origin": self._codes.take(origin),
                    "destination": self._codes.take(destination),
                    "commuters": commuters,
                }
            )
        flows = pd.concat(
            [observed.assign(estimated=np.int8(0)), tail.assign(estimated=np.int8(1))], ignore_index=True
        )
        flows = flows.sort_values(["origin", "destination"], ignore_index=True)
        flows.attrs = {**self._attributes, "completion": report}
        return flows


def complete_flows(
    observed: pd.DataFrame,
    margins: pd.DataFrame,
    points: pd.DataFrame,
    *,
    n: int = 1,
    random_state: int = 0,
    ranks: int = RANKS,
    island_regions: Iterable[str] = ISLAND_REGIONS,
) -> Iterator[pd.DataFrame]:
    """Fit the tail of a commuting matrix and draw completions of it, one at a time.

    Parameters
    ----------
    observed, margins, points : pandas.DataFrame
        See :meth:`Completion.fit`.
    n : int, default 1
        Number of completions.
    random_state : int, default 0
        Each completion has its own seed spawned from it: the first ones do not depend on `n`.
    ranks, island_regions
        See :class:`Completion`.

    Returns
    -------
    iterator of pandas.DataFrame
        See :meth:`Completion.draw`. The model is fitted before the function returns.

    Raises
    ------
    diagnosis.errors.InputError
        See :meth:`Completion.fit` and :meth:`Completion.draw`; or `n` is below 1.
    """
    for name, value, least in (("n", n, 1), ("random_state", random_state, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise InputError(f"{name} must be a whole number from {least}", f"{value!r} was given")
    model = Completion(ranks=ranks, island_regions=island_regions).fit(observed, margins, points)
    return map(model.draw, np.random.SeedSequence(random_state).spawn(n))


def hide_tail(
    flows: pd.DataFrame, codes: Iterable[str], *, ranks: int = RANKS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reduce a complete matrix to what a publisher of the largest flows and the margins would give.

    To test a completion against a matrix that is fully known.

    Parameters
    ----------
    flows : pandas.DataFrame
        In the contract :data:`diagnosis.tables.FLOWS`, between the municipalities of `codes`.
    codes : iterable of str
        All municipalities.
    ranks : int, default 10
        Destinations of each origin, and origins of each destination, that are kept; ties in the order of rows.

    Returns
    -------
    observed : pandas.DataFrame
        The flows within municipalities and the largest between them.
    margins : pandas.DataFrame
        As :meth:`Completion.fit` reads it.
    """
    flows = FLOWS.check(flows)
    flows = flows[flows["commuters"] > 0]
    between = flows[flows["origin"] != flows["destination"]]
    by_size = between.sort_values("commuters", ascending=False, kind="stable")
    rank = np.minimum(by_size.groupby("origin").cumcount(), by_size.groupby("destination").cumcount())
    kept = flows.index.difference(rank.index[rank >= ranks])
    margins = pd.DataFrame(
        {
            "total_out": between.groupby("origin")["commuters"].sum(),
            "total_in": between.groupby("destination")["commuters"].sum(),
            "internal": flows[flows["origin"] == flows["destination"]].set_index("origin")["commuters"],
            "n_destinations": between.groupby("origin").size(),
            "n_origins": between.groupby("destination").size(),
        }
    ).reindex(pd.Index(codes, name="code"))
    return flows.loc[kept].reset_index(drop=True), margins.fillna(0).astype("int64")


def _keyed(frame: pd.DataFrame) -> pd.DataFrame:
    """Call the index ``code``, unless the codes are a column."""
    return frame if "code" in frame.columns else frame.rename_axis("code")


def _whole(frame: pd.DataFrame, columns: Iterable[str], name: str) -> pd.DataFrame:
    frame = frame.copy()
    for column in columns:
        if column not in frame:
            continue
        if (broken := frame[column] % 1 != 0).any():
            raise InputError(
                f"{name}: {column!r} must hold whole numbers", f"found {examples(frame.loc[broken, column])}"
            )
        if frame[column].sum() > MOST_COMMUTERS:
            raise InputError(
                f"{name}: {column!r} must add up to at most {MOST_COMMUTERS:,}", f"{frame[column].sum():,.0f}"
            )
        frame[column] = frame[column].astype("int64")
    return frame


def _check_observed(observed: pd.DataFrame, margins: pd.DataFrame) -> None:
    """Refuse estimates, unknown municipalities and internal flows that differ from the margins'."""
    if "estimated" in observed and (estimated := int((observed["estimated"] != 0).sum())):
        raise InputError(
            "observed: only observed flows can be completed",
            f"{estimated} rows are marked as estimated",
            "Keep the rows in which 'estimated' is 0",
        )
    for end in ("origin", "destination"):
        if len(unknown := pd.Index(observed[end].unique()).difference(margins.index)):
            raise InputError(
                f"observed: every {end} must have a row in margins",
                f"{len(unknown)} have none: {examples(unknown)}",
                "Add their margins, or use flows and margins of the same year",
            )
    if "internal" in margins:
        internal = observed[observed["origin"] == observed["destination"]].set_index("origin")["commuters"]
        internal = internal.reindex(margins.index).fillna(0)
        different = (internal != margins["internal"]).to_numpy()
        refuse(different, margins.index, "observed: internal flows must be those of margins")


def _places(points: pd.DataFrame, codes: pd.Index, island_regions: tuple[str, ...]) -> Places:
    if len(absent := codes.difference(points.index)):
        raise InputError(
            "points: every municipality of margins must have a point",
            f"{len(absent)} have none: {examples(absent)}",
        )
    points = points.loc[codes]
    if "landmass" not in points:
        if "region" not in points:
            raise InputError(
                "points: a column 'landmass', or 'region' to build it from, is needed",
                f"found: {examples(map(str, points.columns), 12)}",
                "Add it; the same value everywhere if no sea lies between",
            )
        points = points.assign(landmass=points["region"].where(points["region"].isin(island_regions), ""))
    numbers = [pd.factorize(points[name])[0] for name in ("province", "landmass")]
    return Places(points["x"].to_numpy(float) / 1000, points["y"].to_numpy(float) / 1000, *numbers)


def _decay_table(model: TailModel | None) -> pd.DataFrame:
    limits = pd.Index(np.append(BANDS_KM, np.inf), name="up_to_km")
    if model is None:
        return pd.DataFrame(index=limits[:0], columns=list(RELATIONS), dtype=float)
    decay = model.decay[: NUMBER_OF_BANDS * len(RELATIONS)].reshape(len(RELATIONS), -1)
    return pd.DataFrame((decay / decay[0, 3]).T, index=limits, columns=list(RELATIONS))
