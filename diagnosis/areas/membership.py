"""How each municipality is linked to its own area and to the others, and how close the decision was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.labour_market import TradeOff
from diagnosis.areas.quality import labelled
from diagnosis.errors import InputError, examples


def membership_links(
    labels: pd.Series, flows: pd.DataFrame | FlowNetwork, *, contiguity: pd.DataFrame | None = None
) -> pd.DataFrame:
    """List the links of every municipality with its own area and with all areas it has flows with or touches.

    The link of municipality *i* with area *A* is ``f(A,i)^2 / (L_A W_i) + f(i,A)^2 / (R_i W_A)``, with *f* the
    commuters from the first to the second, *R*, *L* employed residents and *W* jobs (Coombes, Green and Openshaw 1986;
    all flows count in the margins). The own area is taken without the municipality.

    Parameters
    ----------
    labels : pandas.Series
        Area of each municipality, index municipality code; missing: in no area.
    flows : pandas.DataFrame or FlowNetwork
        `origin`, `destination`, `commuters`; or the same read by ``FlowNetwork.from_table``, to check it once.
    contiguity : pandas.DataFrame, optional
        `code`, `neighbour`; each pair counts in both directions, every kind given joins.

    Returns
    -------
    pandas.DataFrame
        `code`, `area`, `own` (bool), `touches` (boolean: a municipality of the area other than itself is a neighbour;
        missing without `contiguity`), `link` (0 to 2; missing for the own area of a municipality that is alone in it),
        `commuters_to`, `commuters_from` (persons). Sorted by code, then by the smallest code of the area.

    Raises
    ------
    diagnosis.errors.InputError
        `labels` has repeated codes, none of them is in `flows`, `flows` is no commuting matrix, a column of
        `contiguity` is missing, or none of its pairs is in `labels`.

    References
    ----------
    Coombes M., Green A., Openshaw S. (1986), An efficient algorithm to generate official statistical reporting areas,
    Journal of the Operational Research Society 37(10), 943-953.
    """
    membership = Membership.of(labels, flows)
    pairs = membership.pairs(contiguity)
    return pd.DataFrame(
        {
            "code": membership.codes[pairs["municipality"]],
            "area": membership.areas.take(pairs["area"]).to_numpy(),
            "own": pairs["own"],
            "touches": pairs["touches"],
            "link": pairs["link"],
            "commuters_to": pairs["to"] / membership.scale,
            "commuters_from": pairs["coming"] / membership.scale,
        }
    ).astype({"area": membership.areas.dtype})


def membership_margin(
    labels: pd.Series, flows: pd.DataFrame | FlowNetwork, *, contiguity: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Say for every municipality how much stronger the link with its own area is than that with the next one.

    Parameters
    ----------
    labels, flows, contiguity
        As :func:`membership_links`. With `contiguity` only areas that touch the municipality can be second.

    Returns
    -------
    pandas.DataFrame, index as `labels`
        `area`, `link` (with the rest of it), `second_area` (strongest link above 0 among the others; the one with the
        smallest code if equal; missing: none), `second_link`, `margin` (`link` / `second_link`: below 1 another area is
        linked more strongly; infinite without a second; missing without an area, without any link, or alone in it).

    Raises
    ------
    diagnosis.errors.InputError
        As :func:`membership_links`.
    """
    membership = Membership.of(labels, flows)
    pairs = membership.pairs(contiguity)
    own = pairs["own"]
    others = ~own & (pairs["link"] > 0)
    if contiguity is not None:
        others &= pairs["touches"].astype(bool)
    second = pairs[others].sort_values("link", ascending=False, kind="stable")
    second = second.drop_duplicates("municipality").set_index("municipality")
    n = range(len(membership.codes))
    link = pairs[own].set_index("municipality")["link"].reindex(n).to_numpy()
    second_link = second["link"].reindex(n).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        margin = link / np.where(np.isnan(second_link), 0.0, second_link)
    areas = membership.areas
    if pd.api.types.is_integer_dtype(areas):
        areas = areas.astype("Int64")
    return (
        pd.DataFrame(
            {
                "area": areas.reindex(membership.area).to_numpy(),
                "link": link,
                "second_area": areas.reindex(second["area"].reindex(n, fill_value=-1)).to_numpy(),
                "second_link": second_link,
                "margin": margin,
            },
            index=pd.Index(membership.codes, name="code"),
        )
        .astype({"area": areas.dtype, "second_area": areas.dtype})
        .reindex(pd.Index(labels.index, name="code"))
    )


@dataclass(frozen=True, eq=False)
class Membership:
    """A partition laid over a network: municipalities and areas by position, sums in the units of the network.

    Attributes
    ----------
    codes : pandas.Index, shape (n,)
        Codes of the partition, ascending, with or without area.
    area : numpy.ndarray of int, shape (n,)
        Position of each municipality's area, -1 for none.
    areas : pandas.Series, shape (k,)
        The areas, by their smallest code.
    network : FlowNetwork
    place : numpy.ndarray of int
        Position in `codes` of each municipality of the network, -1 for those outside the partition.
    live, work, within : numpy.ndarray of float, shape (n,)
        Employed residents, jobs, and those who live and work in the same municipality.
    area_live, area_work, area_within, size : numpy.ndarray, shape (k,)
        The same for areas, and their numbers of municipalities.
    """

    codes: pd.Index
    area: np.ndarray
    areas: pd.Series
    network: FlowNetwork
    place: np.ndarray
    live: np.ndarray
    work: np.ndarray
    within: np.ndarray
    area_live: np.ndarray
    area_work: np.ndarray
    area_within: np.ndarray
    size: np.ndarray

    @classmethod
    def of(cls, labels: pd.Series, flows: pd.DataFrame | FlowNetwork) -> Membership:
        """Lay a partition over flows; parameters and errors as :func:`membership_links`."""
        network = flows if isinstance(flows, FlowNetwork) else FlowNetwork.from_table(flows)
        known = labelled(labels)
        codes = labels.index.sort_values()
        place = codes.get_indexer(network.codes)
        if not (place >= 0).any():
            raise InputError(
                "labels: their codes must be those of the flows",
                f"labels have {examples(labels.index)}, flows {examples(network.codes)}",
                "Give both the same kind of code and the same year",
            )
        # Areas are numbered by their smallest code, so that their names decide nothing.
        known = known.sort_index()
        position, areas = pd.factorize(known)
        area = np.full(len(codes), -1)
        area[codes.get_indexer(known.index)] = position
        there = place >= 0

        def by_code(values: np.ndarray) -> np.ndarray:
            return np.bincount(place[there], values[there], len(codes))

        def by_area(values: np.ndarray) -> np.ndarray:
            return np.bincount(area[area >= 0], values[area >= 0], len(areas))

        live, work, within = (by_code(sums) for sums in (network.live(), network.work(), network.within()))
        home = np.where(there, area[place], -1)
        inside = (home[network.origin] >= 0) & (home[network.origin] == home[network.destination])
        area_within = np.bincount(home[network.origin[inside]], network.amount[inside], len(areas))
        return cls(
            codes,
            area,
            pd.Series(areas),
            network,
            place,
            live,
            work,
            within,
            by_area(live),
            by_area(work),
            area_within,
            by_area(np.ones(len(codes))),
        )

    @property
    def scale(self) -> float:
        """Units of the network in one person."""
        return self.network.scale

    def pairs(self, contiguity: pd.DataFrame | None = None, only: int | None = None) -> pd.DataFrame:
        """Pair every municipality with its own area and with those it has flows with or touches.

        Parameters
        ----------
        contiguity : pandas.DataFrame, optional
            As :func:`membership_links`.
        only : int, optional
            Position of the one municipality wanted.

        Returns
        -------
        pandas.DataFrame
            `municipality`, `area` (positions, sorted), `own`, `touches`, `link`, `to`, `coming`.
        """
        k = max(len(self.areas), 1)
        origin, destination = self.place[self.network.origin], self.place[self.network.destination]
        touching = self._neighbours(contiguity)
        member = np.arange(len(self.codes)) if only is None else np.array([only])

        def keys(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            """Pairs of the municipality `one` and the area of `other`, and where they come from."""
            rows = np.flatnonzero(one >= 0 if only is None else one == only)
            rows = rows[(other[rows] >= 0) & (one[rows] != other[rows])]
            rows = rows[self.area[other[rows]] >= 0]
            return one[rows] * k + self.area[other[rows]], rows

        (to, to_rows), (coming, coming_rows) = keys(origin, destination), keys(destination, origin)
        touched, _ = keys(*touching)
        member = member[self.area[member] >= 0]
        parts = (to, coming, touched, member * k + self.area[member])
        found, inverse = np.unique(np.concatenate(parts), return_inverse=True)
        to, coming, touched, _ = np.split(inverse, np.cumsum([len(part) for part in parts])[:-1])
        amount, n = self.network.amount, len(found)
        table = pd.DataFrame(
            {
                "municipality": found // k,
                "area": found % k,
                "own": self.area[found // k] == found % k,
                "touches": pd.array(np.bincount(touched, minlength=n) > 0, dtype="boolean"),
                "link": np.nan,
                "to": np.bincount(to, amount[to_rows], n),
                "coming": np.bincount(coming, amount[coming_rows], n),
            }
        )
        if contiguity is None:
            table["touches"] = pd.array([pd.NA] * n, dtype="boolean")
        table["link"] = self._links(table)
        return table

    def judge(self, pairs: pd.DataFrame, trade_off: TradeOff) -> pd.DataFrame:
        """Compute validity and self-containment of areas now, with and without a municipality.

        Parameters
        ----------
        pairs : pandas.DataFrame
            Rows of :meth:`pairs`.
        trade_off : TradeOff
            In the units of the network.

        Returns
        -------
        pandas.DataFrame, index as `pairs`
            `validity_now`, `validity_with`, `validity_without` and `self_containment_` the same; missing where nobody
            lives or works in the area.
        """
        i, area, own = (pairs[name].to_numpy() for name in ("municipality", "area", "own"))
        exchanged = (pairs["to"] + pairs["coming"]).to_numpy()
        now = np.column_stack([self.area_live[area], self.area_work[area], self.area_within[area]])
        alone = np.column_stack([self.live[i], self.work[i], self.within[i] + exchanged])
        without = now - np.where(own[:, None], alone, 0)
        states = {"now": now, "with": without + alone, "without": without}
        table = pd.DataFrame(index=pairs.index)
        for name, sums in states.items():
            there = (sums[:, :2] > 0).all(axis=1)
            validity = [trade_off.validity(*row) for row in sums[there].tolist()]
            table.loc[there, f"validity_{name}"] = validity
            table.loc[there, f"self_containment_{name}"] = (sums[there, 2:] / sums[there, :2]).min(axis=1)
        return table

    def centre(self, area: int) -> object:
        """Code of the member of an area with most jobs, the smallest of equal ones."""
        return self.codes[np.where(self.area == area, self.work, -1).argmax()]

    def _links(self, table: pd.DataFrame) -> np.ndarray:
        i, area, own = (table[name].to_numpy() for name in ("municipality", "area", "own"))
        to, coming = table["to"].to_numpy(), table["coming"].to_numpy()
        area_live = self.area_live[area] - np.where(own, self.live[i], 0)
        area_work = self.area_work[area] - np.where(own, self.work[i], 0)
        link = np.zeros(len(table))
        # A flow above 0 has all its margins above 0; the order of operations is that of the method.
        for flow, first, second in ((coming, area_live, self.work[i]), (to, self.live[i], area_work)):
            some = flow > 0
            link[some] += flow[some] / first[some] * flow[some] / second[some]
        link[own & (self.size[area] == 1)] = np.nan
        return link

    def _neighbours(self, contiguity: pd.DataFrame | None) -> tuple[np.ndarray, np.ndarray]:
        """Positions of neighbours, both directions."""
        if contiguity is None:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        found = getattr(contiguity, "columns", [type(contiguity).__name__])
        if absent := [name for name in ("code", "neighbour") if name not in found]:
            raise InputError(
                "contiguity: a table with the columns code, neighbour is needed",
                f"missing: {examples(absent)}; found: {examples(map(str, found), 12)}",
            )
        one, other = (self.codes.get_indexer(contiguity[name]) for name in ("code", "neighbour"))
        if len(one) and not ((one >= 0) & (other >= 0)).any():
            raise InputError(
                "contiguity: its codes must be those of the labels",
                f"contiguity has {examples(contiguity['code'])}, labels {examples(self.codes)}",
                "Give both the same kind of code and the same year",
            )
        return np.concatenate([one, other]), np.concatenate([other, one])
