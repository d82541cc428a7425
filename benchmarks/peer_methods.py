"""The methods that benchmarks/peers.py compares, all asked in the same way: tables of Italy in, areas by code out."""

import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

PARAMETERS = {
    "min_size": 1000,
    "min_self_containment": 0.60,
    "target_size": 10000,
    "target_self_containment": 0.75,
}
"""Limits of a valid area."""
FLOOR = 65_000
"""Residents of an area drawn by max-p, which has no number of areas: it comes near that of the others."""
CONSTRUCTIONS = 10
"""Of spopt's max-p, instead of 999, which would take hours."""
ROUNDS = 40_000
"""Perturbations of the search for governance areas."""


class Italy(NamedTuple):
    """Flows, borders and municipalities (`population`, `area_km2`, `x`, `y`, `official`), whole or a part."""

    flows: pd.DataFrame
    contiguity: pd.DataFrame
    municipalities: pd.DataFrame

    @classmethod
    def read(cls, folder: Path) -> "Italy":
        """Read what :meth:`write` left."""
        return cls(*(pd.read_parquet(folder / f"{name}.parquet") for name in cls._fields))

    def write(self, folder: Path) -> None:
        """Write a Parquet file a table."""
        for name, table in self._asdict().items():
            table.to_parquet(folder / f"{name}.parquet")

    def part(self, codes: Iterable[str]) -> "Italy":
        """Keep some municipalities, and what lies between them."""
        chosen = self.municipalities.index.intersection(codes)
        flows, pairs = self.flows, self.contiguity
        return Italy(
            flows[flows["origin"].isin(chosen) & flows["destination"].isin(chosen)],
            pairs[pairs["code"].isin(chosen) & pairs["neighbour"].isin(chosen)],
            self.municipalities.loc[chosen],
        )

    @property
    def population(self) -> pd.Series:
        """Residents."""
        return self.municipalities["population"]


def official(italy: Italy, n_areas: int | None) -> pd.Series:
    """Return ISTAT's labour market areas of 2021."""
    return italy.municipalities["official"]


def functional(italy: Italy, n_areas: int | None, mode: str) -> pd.Series:
    """Draw functional areas, which find their number themselves."""
    from diagnosis.areas import FunctionalAreas

    borders = italy.contiguity if mode == "clean" else None
    model = FunctionalAreas(**PARAMETERS, mode=mode, contiguity=borders)
    return model.fit(italy.flows, italy.population).labels_


def governance(
    italy: Italy, n_areas: int | None, wanted: str, aim: str = "interaction", rounds: int = ROUNDS
) -> pd.Series:
    """Search governance areas from both kinds of functional areas: `wanted` is "given", "istat" or "any"."""
    from diagnosis.areas.governance.search import search_areas

    problem = valid_areas(italy.flows, italy.contiguity, italy.population)
    starts = [
        pd.factorize(functional(italy, None, mode).reindex(problem.codes))[0] for mode in ("clean", "istat")
    ]
    number = {"given": n_areas, "istat": int(starts[1].max()) + 1, "any": None}[wanted]
    found = search_areas(problem, aim=aim, n_areas=number, starts=starts, restarts=1, rounds=rounds)
    return pd.Series(found.partition, index=problem.codes)


def valid_areas(flows: pd.DataFrame, contiguity: pd.DataFrame, population: pd.Series):
    """Build the problem of connected areas that are valid labour markets."""
    from diagnosis.areas.governance.problem import AreaConstraints, AreaProblem, FlowLayer
    from diagnosis.areas.labour_market import TradeOff

    limits = AreaConstraints(validity=TradeOff(**PARAMETERS))
    return AreaProblem.from_tables(population, {"commuting": FlowLayer(flows)}, contiguity, limits)


def community(italy: Italy, n_areas: int | None, method: str, numbered: bool) -> pd.Series:
    """Draw communities of the flows."""
    from diagnosis.areas.community import CommunityAreas

    model = CommunityAreas(method=method, n_areas=n_areas if numbered else None)
    return model.fit(italy.flows, italy.population).labels_


def alike(italy: Italy, n_areas: int | None, method: str) -> pd.Series:
    """Draw contiguous areas of municipalities alike in density, residents, self-containment and jobs a resident."""
    from diagnosis.areas.contiguous import ContiguousAreas, municipal_attributes

    attributes = municipal_attributes(italy.flows, italy.population, italy.municipalities["area_km2"])
    model = ContiguousAreas(n_areas=n_areas, method=method, contiguity=italy.contiguity)
    return model.fit(italy.flows, italy.population, attributes).labels_


def pygeoda_areas(italy: Italy, n_areas: int | None, method: str) -> pd.Series:
    """Draw contiguous areas of municipalities near each other, by a method of pygeoda."""
    import pygeoda

    positions = place(italy).to_numpy().T.tolist()
    numbers = [str(number) for number in range(1, len(italy.municipalities) + 1)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "neighbours.gal")
        rows = (
            f"{number} {len(near)}\n{' '.join(str(other + 1) for other in near)}\n"
            for number, near in zip(numbers, neighbours(italy).values(), strict=True)
        )
        path.write_text(f"0 {len(numbers)} neighbours number\n{''.join(rows)}", encoding="ascii")
        weights = pygeoda.read_gal(str(path), numbers)
    if method == "skater":
        found = pygeoda.skater(n_areas, weights, positions, scale_method="raw", cpu_threads=1)
    elif method == "redcap":
        name = "fullorder-wardlinkage"
        found = pygeoda.redcap(n_areas, weights, positions, name, scale_method="raw", cpu_threads=1)
    elif method == "azp":
        found = pygeoda.azp_greedy(n_areas, weights, positions, scale_method="raw")
    else:
        residents = italy.population.fillna(0).astype(float).tolist()
        found = pygeoda.maxp_greedy(weights, positions, residents, FLOOR, scale_method="raw", cpu_threads=1)
    return pd.Series(found["Clusters"], index=italy.municipalities.index)


def spopt_areas(italy: Italy, n_areas: int | None, method: str) -> pd.Series:
    """Draw contiguous areas of municipalities near each other, by a method of spopt."""
    import libpysal
    from spopt import region

    weights = libpysal.weights.W(neighbours(italy), silence_warnings=True)
    positions = place(italy)
    table = positions.assign(residents=italy.population.fillna(0))
    names = list(positions)
    if method == "ward":
        model = region.WardSpatial(table, weights, names, n_areas)
    elif method == "azp":
        model = region.AZP(table, weights, names, n_areas, random_state=0)
    elif method == "skater":
        model = region.Skater(table, weights, names, n_areas)
    elif method == "spenc":
        model = region.Spenc(table, weights, names, n_areas, random_state=0)
    elif method == "k-means":
        model = region.RegionKMeansHeuristic(positions.to_numpy(), n_areas, weights)
    else:
        np.random.seed(0)  # noqa: NPY002 - spopt draws from there
        model = region.MaxPHeuristic(
            table, weights, names, "residents", FLOOR, top_n=2, max_iterations_construction=CONSTRUCTIONS
        )
    model.solve()
    return pd.Series(np.asarray(model.labels_), index=italy.municipalities.index)


def place(italy: Italy) -> pd.DataFrame:
    """Coordinates, both on one scale."""
    points = italy.municipalities[["x", "y"]]
    return (points - points.mean()) / np.sqrt(points.var().mean())


def neighbours(italy: Italy) -> dict[int, list[int]]:
    """Positions of the municipalities that touch each, ferry edges included."""
    index = italy.municipalities.index
    second = pd.Series(index.get_indexer(italy.contiguity["neighbour"]))
    near = second.groupby(index.get_indexer(italy.contiguity["code"])).agg(list)
    return {position: near.get(position, []) for position in range(len(index))}


METHODS: dict[str, Callable[..., pd.Series]] = {
    "SLL 2021 (official)": official,
    "functional, ISTAT mode": partial(functional, mode="istat"),
    "functional, clean mode": partial(functional, mode="clean"),
    "governance, same number": partial(governance, wanted="given"),
    "governance, number of ISTAT mode": partial(governance, wanted="istat"),
    "governance, any number": partial(governance, wanted="any"),
    "governance, most areas": partial(governance, wanted="any", aim="areas"),
    "leiden, modularity": partial(community, method="leiden", numbered=False),
    "leiden, same number": partial(community, method="leiden", numbered=True),
    "infomap": partial(community, method="infomap", numbered=False),
    "infomap, same number": partial(community, method="infomap", numbered=True),
    "scikit-learn Ward, attributes": partial(alike, method="ward"),
    "pygeoda SKATER, attributes": partial(alike, method="skater"),
    "pygeoda SKATER, position": partial(pygeoda_areas, method="skater"),
    "pygeoda REDCAP, position": partial(pygeoda_areas, method="redcap"),
    "pygeoda AZP, position": partial(pygeoda_areas, method="azp"),
    "pygeoda max-p, position": partial(pygeoda_areas, method="max-p"),
    "spopt Ward, position": partial(spopt_areas, method="ward"),
    "spopt AZP, position": partial(spopt_areas, method="azp"),
    "spopt max-p, position": partial(spopt_areas, method="max-p"),
}
"""Takes the tables and the number of areas asked of methods that have one."""


def rehearse(name: str, italy: Italy) -> None:
    """Draw once, so that libraries are loaded and compiled code is there."""
    method = METHODS[name]
    draw = getattr(method, "func", method)
    if draw in (functional, governance):  # small networks do not use the compiled code of functional areas
        for mode in ("clean", "istat"):
            functional(italy, None, mode)
    codes = italy.municipalities.index
    bologna = italy.part(codes[codes.str.startswith("037")])
    if draw is governance:
        governance(bologna, None, wanted="any", rounds=10)
    elif draw is not official:
        method(bologna, 2)
