"""Contiguous areas of similar municipalities, by Ward's method or SKATER: peers that do not look at flows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from diagnosis.areas.community import PeerAreas, check_n_areas, municipalities_with_flows, peer_library
from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.numbering import residents_of
from diagnosis.areas.repair import connected_parts, touching_pairs
from diagnosis.errors import InputError, examples, unknown_name

METHODS = ("ward", "skater")


class ContiguousAreas(PeerAreas):
    """Group neighbouring municipalities that resemble each other into a given number of contiguous areas.

    Ward's method (scikit-learn) merges, among areas that touch, the two whose union adds least to the squared
    distances from the area means. SKATER (pygeoda) takes the minimum spanning tree of the contiguity graph and cuts
    the edges that lower these squared distances most. Every area is connected in the contiguity graph; flows count
    only as far as they are among the attributes.

    Parameters
    ----------
    n_areas : int
        Number of areas, at most that of municipalities with flows.
    method : {"ward", "skater"}, default "ward"
    contiguity : pandas.DataFrame
        `code`, `neighbour`, as :func:`diagnosis.networks.contiguity` gives; the municipalities with flows must form
        one connected whole in it.
    attributes : sequence of str, optional
        Which attributes to use; all by default.
    random_state : int, default 0
        Handed to pygeoda; Ward's method has no chance in it.

    Attributes
    ----------
    labels_ : pandas.Series of Int64
        Area of every code of the matrix (index `code`, in code order; name `area`), numbered from 1 by decreasing
        population (employed residents where none was given; ties: smallest code). Missing: code without any flow.
    n_areas_ : int
    summary_ : pandas.DataFrame
        One row an area: the columns of :func:`diagnosis.areas.area_quality` that need only flows, and `population`
        if it was given.
    unassigned_ : pandas.DataFrame
        `code`, `reason`: codes without any flow.
    attributes_ : pandas.DataFrame
        The numbers used, by code: mean 0, standard deviation 1; a missing value became the mean, an attribute
        without variation 0.

    Notes
    -----
    Row order has no effect. pygeoda is optional and under the GNU General Public License: ``pip install
    diagnosis[peers]``. It holds all distances between municipalities: 0.7 GB for the 7,904 of Italy.

    References
    ----------
    Ward J. H. (1963), Hierarchical grouping to optimize an objective function, JASA 58, 236-244.
    Assunção R. M., Neves M. C., Câmara G., Da Costa Freitas C. (2006), Efficient regionalization techniques for
    socio-economic geographical units using minimum spanning trees, IJGIS 20(7), 797-811.
    """

    def __init__(self, *, n_areas, method="ward", contiguity, attributes=None, random_state=0) -> None:
        self.n_areas = n_areas
        self.method = method
        self.contiguity = contiguity
        self.attributes = attributes
        self.random_state = random_state

    def fit(
        self,
        flows: pd.DataFrame,
        population: pd.Series | None = None,
        attributes: pd.DataFrame | None = None,
    ) -> ContiguousAreas:
        """Draw the areas.

        Parameters
        ----------
        flows : pandas.DataFrame
            `origin`, `destination` (codes, text or integers) and `commuters` (persons, at least 0), as in
            ``diagnosis.tables.FLOWS``. Repeated pairs are added up.
        population : pandas.Series, optional
            Residents by code, to number the areas (a code without a value counts 0) and for the attributes.
        attributes : pandas.DataFrame, optional
            Numbers by municipality code; they are standardised. By default
            ``municipal_attributes(flows, population)``; compute it with the surfaces to add density.

        Returns
        -------
        ContiguousAreas
            The estimator itself.

        Raises
        ------
        diagnosis.errors.InputError
            A parameter is out of range; `flows` is not a commuting matrix; `population`, `attributes` or
            `contiguity` does not fit it; the contiguity graph is in parts; all municipalities are alike; or the
            library is not installed.
        """
        if self.method not in METHODS:
            raise unknown_name("method of ContiguousAreas", self.method, METHODS)
        self._check_random_state()
        network = FlowNetwork.from_table(flows)
        residents = None if population is None else residents_of(population, network.codes)
        present = municipalities_with_flows(network)
        codes = network.codes[present]
        if self.n_areas is None:
            raise InputError("n_areas: ContiguousAreas needs the number of areas", "None was given")
        check_n_areas(self.n_areas, len(codes))
        if self.contiguity is None:
            raise InputError("contiguity: ContiguousAreas needs a table of neighbours", "None was given")
        pairs = touching_pairs(self.contiguity, codes)
        _check_connected(pairs, codes)
        table = municipal_attributes(flows, population) if attributes is None else attributes
        self.attributes_ = _standardised(table, codes, self.attributes)
        if 1 < self.n_areas < len(codes) and not self.attributes_.to_numpy().any():
            raise InputError(
                "attributes: at least one must differ between the municipalities",
                f"none of {examples(map(str, self.attributes_.columns))} does",
            )
        if self.method == "ward":
            area = _ward(self.attributes_, pairs, self.n_areas)
        else:
            area = _skater(self.attributes_, pairs, int(self.n_areas), int(self.random_state))
        self._describe(network, present, area, residents)
        return self


def municipal_attributes(
    flows: pd.DataFrame, population: pd.Series | None = None, area_km2: pd.Series | None = None
) -> pd.DataFrame:
    """Describe each municipality by what similar areas are usually drawn from.

    Parameters
    ----------
    flows : pandas.DataFrame
        `origin`, `destination`, `commuters`.
    population : pandas.Series, optional
        Residents by code.
    area_km2 : pandas.Series, optional
        Surface by code, km2; used with `population` only.

    Returns
    -------
    pandas.DataFrame, index `code`: the codes of the flows, in code order
        `log_density` (residents per km2; with both tables), `log_population` (`log_employed_residents` without
        population), `internal_share` (employed residents who work where they live, of 1), `log_jobs_per_resident`
        (jobs + 1 per employed resident + 1). Natural logarithms; missing where a quantity is 0 or not known.

    Raises
    ------
    diagnosis.errors.InputError
        `flows` is not a commuting matrix, or `population` or `area_km2` does not fit it.
    """
    network = FlowNetwork.from_table(flows)
    index = pd.Index(network.codes, name="code")
    live, work, within = (
        pd.Series(values / network.scale, index=index)
        for values in (network.live(), network.work(), network.within())
    )
    columns = {}
    if population is None:
        columns["log_employed_residents"] = np.log(live.where(live > 0))
    else:
        residents = pd.Series(residents_of(population, network.codes), index=index)
        residents = residents.where(residents > 0)
        if area_km2 is not None:
            surface = pd.to_numeric(area_km2, errors="coerce").astype("float64").reindex(index)
            if not (surface > 0).any():
                raise InputError(
                    "area_km2: a Series of surfaces above 0, indexed by the codes of the flows, is needed",
                    f"it has {examples(area_km2.index)}, flows {examples(network.codes)}",
                )
            columns["log_density"] = np.log(residents / surface.where(surface > 0))
        columns["log_population"] = np.log(residents)
    columns["internal_share"] = within / live.where(live > 0)
    columns["log_jobs_per_resident"] = np.log((work + 1) / (live + 1))
    return pd.DataFrame(columns)


def _check_connected(pairs: tuple[np.ndarray, np.ndarray], codes: pd.Index) -> None:
    part = connected_parts(len(codes), *pairs)
    size = np.bincount(part)
    if len(size) > 1:
        outside = codes[part != size.argmax()]
        raise InputError(
            "contiguity: the municipalities with flows must form one connected whole",
            f"they are in {len(size)} parts; {len(outside)} lie outside the largest, for instance "
            + examples(outside),
            "Add edges that join the parts (diagnosis.networks.contiguity gives ferry edges), or fit each by itself",
        )


def _standardised(table: pd.DataFrame, codes: pd.Index, names: Sequence[str] | None) -> pd.DataFrame:
    """Mean 0 and standard deviation 1, in the order of the codes; missing values become the mean."""
    if not isinstance(table, pd.DataFrame) or table.index.has_duplicates:
        raise InputError("attributes: a DataFrame with one row a municipality code is needed")
    for name in () if names is None else names:
        if name not in table.columns:
            raise unknown_name("attribute of ContiguousAreas", name, map(str, table.columns))
    chosen = table if names is None else table[list(names)]
    if not table.index.isin(codes).any() or chosen.shape[1] == 0:
        raise InputError(
            "attributes: at least one column, indexed by the codes of the flows, is needed",
            f"columns: {examples(map(str, chosen.columns))}; index: {examples(table.index)}",
        )
    numbers = chosen.apply(pd.to_numeric, errors="coerce").astype("float64").reindex(codes)
    wrong = numbers.isna() & chosen.reindex(codes).notna() | np.isinf(numbers)
    if wrong.to_numpy().any():
        raise InputError(
            "attributes: values must be finite numbers or missing",
            f"found others in {examples(map(str, numbers.columns[wrong.any()]))}",
        )
    spread = numbers.std(ddof=0)
    varied = spread > 1e-12 * numbers.abs().max()
    # A column without variation, or without any value, says nothing: 0 everywhere.
    scaled = (numbers - numbers.mean()) / spread.where(varied)
    return scaled.fillna(0.0).rename_axis("code")


def _ward(table: pd.DataFrame, pairs: tuple[np.ndarray, np.ndarray], n_areas: int) -> np.ndarray:
    from scipy.sparse import coo_array
    from sklearn.cluster import AgglomerativeClustering

    if len(table) == 1:
        return np.zeros(1, dtype=int)
    touching = coo_array((np.ones(len(pairs[0])), pairs), shape=(len(table), len(table)))
    model = AgglomerativeClustering(n_clusters=n_areas, linkage="ward", connectivity=touching.tocsr())
    return model.fit_predict(table.to_numpy())


def _skater(table: pd.DataFrame, pairs: tuple[np.ndarray, np.ndarray], n_areas: int, seed: int) -> np.ndarray:
    pygeoda = peer_library("pygeoda", "ContiguousAreas(method='skater')")
    import shapely

    n = len(table)
    if n_areas in (1, n):
        return np.zeros(n, dtype=int) if n_areas == 1 else np.arange(n)
    # pygeoda makes weights from a file or from polygons only: a row of squares, whose neighbours are then replaced.
    # It keeps pointers to what it was made from, so each part stays bound to a name until the end.
    squares = shapely.to_wkb(shapely.box(np.arange(n), 0, np.arange(1, n + 1), 1)).tolist()
    content, lengths = bytearray(b"".join(squares)), [len(square) for square in squares]
    records = pygeoda.libgeoda.GeoDaTable()
    layer = pygeoda.libgeoda.GeoDa(records, "municipalities", "map_polygons", content, lengths)
    polygons = pygeoda.geoda(layer)
    weights = pygeoda.queen_weights(polygons)
    first, second = pairs
    limits = np.searchsorted(first, np.arange(1, n))
    for position, neighbours in enumerate(np.split(second, limits)):
        weights.gda_w.SetNeighbors(position, neighbours.tolist())
    result = pygeoda.skater(
        n_areas,
        weights,
        table.to_numpy().T.tolist(),
        scale_method="raw",
        random_seed=seed,
        cpu_threads=1,
    )
    return np.array(result["Clusters"])
