"""Compare the areas of Italy as every method draws them on the same flows, borders and measures.

    python benchmarks/peers.py MIRROR                  # table of benchmarks/README.md
    python benchmarks/peers.py MIRROR --only leiden    # methods whose name starts so
    python benchmarks/peers.py MIRROR --cities         # governance areas beside functional ones, pilot cities
    python benchmarks/peers.py MIRROR --growth         # what methods of spopt take on parts of Italy

Each method runs in a fresh process. CPU seconds are those of the drawing, all threads, after a first run on less, so
that imports and compilation are not counted; peak memory is that of the process until then, reading included (and
compilation, about 100 MB, in the first run after a change of the compiled code). "+ repair" adds the contiguity repair
to both. "Same number" is that of the functional areas in clean mode. Needs the extra ``peers``.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from governance import load, row
from peer_methods import METHODS, PARAMETERS, Italy, rehearse, spopt_areas, valid_areas

OFFICIAL, CLEAN = "SLL 2021 (official)", "functional, clean mode"
SHAPES = {
    "areas": "",
    "valid": ".3f",
    "connected": ".3f",
    "interaction": ".2f",
    "internal commuters": ".4f",
    "ARI": ".4f",
    "AMI": ".4f",
    "CPU s": ".1f",
    "peak MB": ".0f",
}
ROUNDS_OF_A_CITY = 500
SIZES = {
    "skater": (200, 400, 800),
    "k-means": (200, 400, 800),
    "spenc": (800, 1600, 3200),
}
"""Municipalities of the parts on which methods of spopt that are not in the table are measured."""
AREA_SIZE = 15
"""Municipalities an area, as in Italy."""


def prepare(mirror: Path, folder: Path) -> None:
    """Read the mirror once and leave in `folder` what every method needs."""
    import pandas as pd

    from diagnosis.networks import contiguity
    from diagnosis.sources.embedded import read_municipalities, read_population
    from diagnosis.sources.istat import read_commuting, read_labour_areas

    polygons = read_municipalities()
    points = polygons.geometry.centroid
    columns = {
        "area_km2": polygons["area_km2"],
        "population": read_population().sum(axis=1),
        "x": points.x,
        "y": points.y,
        "official": read_labour_areas(mirror / "istat" / "sll_2021_composizione.json")["area"],
    }
    flows = read_commuting(mirror / "istat" / "matrix_pendoLAVORO_2021_completed.zip")
    Italy(flows, contiguity(polygons), pd.DataFrame(columns, index=polygons.index)).write(folder)


def measure(method: str, folder: Path, n_areas: int | None) -> list[dict]:
    """Run one method and describe its areas, then those after the contiguity repair where they may need one."""
    from diagnosis.areas.repair import repair_contiguity

    italy = Italy.read(folder)
    rehearse(method, italy)
    start = time.process_time()
    labels = METHODS[method](italy, n_areas)
    cost = {} if method == OFFICIAL else spent(start)
    rows = [{"method": method} | cost | describe(labels, italy)]
    if method.startswith(("leiden", "infomap")):
        start = time.process_time()
        repaired = repair_contiguity(labels, italy.flows, italy.contiguity)[0]
        more = spent(start)
        more["CPU s"] += rows[0]["CPU s"]
        rows.append({"method": f"{method}, + repair"} | more | describe(repaired, italy))
    return rows


def spent(start: float) -> dict:
    """CPU seconds since then, and peak memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"CPU s": time.process_time() - start, "peak MB": peak}


def describe(labels, italy: Italy) -> dict:
    """Compute the quality of a partition, its interaction and its agreement with the official one."""
    from diagnosis.areas import agreement, area_quality

    quality = area_quality(labels, italy.flows, contiguity=italy.contiguity, parameters=PARAMETERS)
    same = agreement(labels, italy.municipalities["official"])
    problem = valid_areas(italy.flows, italy.contiguity, italy.population)
    return {
        "areas": len(quality),
        "valid": float((quality["validity"] >= 1).mean()),
        "connected": float((quality["n_pieces"] == 1).mean()),
        "interaction": problem.partition_value(whole(labels, problem.codes)),
        "internal commuters": float(quality["internal_commuters"].sum() / italy.flows["commuters"].sum()),
        "ARI": float(same["adjusted_rand"]),
        "AMI": float(same["adjusted_mutual_information"]),
    }


def whole(labels, codes):
    """Areas as numbers; whoever is in none is one alone."""
    import numpy as np
    import pandas as pd

    area = pd.factorize(labels.reindex(codes))[0]
    alone = area < 0
    area[alone] = area.max() + 1 + np.arange(alone.sum())
    return area


def compare(rows: dict[str, dict]) -> None:
    """Say whether governance areas are nowhere worse than the functional ones in clean mode, all of them in `rows`."""
    functional = rows[CLEAN]
    for name, found in rows.items():
        if not name.startswith("governance"):
            continue
        sound = found["valid"] == found["connected"] == 1
        enough = found["areas"] >= functional["areas"]
        worth = found["interaction"] / functional["interaction"] - 1
        print(
            f"{name}: {found['areas']} areas beside {functional['areas']} ({'at least' if enough else 'FEWER than'} as "
            f"many), {worth:+.1%} interaction, {'all' if sound else 'NOT all'} valid and connected"
        )


def compare_cities(mirror: str, work: str) -> None:
    """Say the same of the municipalities of each pilot city.

    They are the free ones if all functional areas there lie within, else those of the functional areas that touch the
    territory: areas that are cut cannot be compared.
    """
    import pandas as pd

    import diagnosis as dg
    from diagnosis.areas import GovernanceAreas
    from diagnosis.config import city_files
    from diagnosis.functions import load_functions
    from diagnosis.governance.subject import build_subject

    country, national, settings = load(mirror, work)
    contiguity, flows = national.contiguity(), country.table("flows")
    heads = ("city", "set", "units", "areas", "functional", "governance", "", "most areas", "not worse")
    row(*heads)
    row(*["---"] * len(heads))
    for city in city_files():
        territory = dg.load_territory(city, settings)
        labels = national.areas(territory.city.areas)["labels"]
        functional = labels["functional"]
        problem = build_subject(territory, national, load_functions()["strategic_planning"]).problem
        inside = functional.isin(functional.reindex(problem.codes).dropna())
        kind = "free"
        if inside.sum() > len(problem.codes):
            kind, inside = "touching", functional.isin(functional[territory.codes].dropna())
            problem = valid_areas(flows, contiguity, country.residents[inside.index[inside]])
        area = pd.Series(whole(functional, problem.codes))
        number, value = area.nunique(), problem.partition_value(area.to_numpy())
        if feasible_areas(problem, area) < number:
            row(city, kind, problem.n_units, number, f"{value:.4f}", *["-"] * 4)
            continue
        model = GovernanceAreas(aim="areas", rounds=ROUNDS_OF_A_CITY, work=0).fit_problem(
            problem, [labels[name] for name in ("functional", "istat_method")]
        )
        found = model.curve_["value"].get(number, float("nan"))
        drawn = model.alternatives_.get(number, model.labels_).reset_index(drop=True)
        holds = (
            found >= value * (1 - 1e-9)
            and feasible_areas(problem, drawn) == drawn.nunique()
            and model.n_areas_ >= number
        )
        cells = (f"{value:.4f}", f"{found:.4f}", f"{found / value - 1:+.1%}", model.n_areas_)
        row(city, kind, problem.n_units, number, *cells, "yes" if holds else "NO")


def feasible_areas(problem, area) -> int:
    """Count the areas that keep every limit; every unit is one municipality, in the order of the problem."""
    return sum(problem.feasible(units.index) for _, units in area.groupby(area))


def grow(folder: Path) -> None:
    """Print the CPU seconds of methods of spopt on growing parts of Italy, and what the last two give for all of it."""
    from math import log

    columns = sorted({size for sizes in SIZES.values() for size in sizes})
    row("spopt", *columns, "Italy, extrapolated")
    row(*["---"] * (len(columns) + 2))
    for method, sizes in SIZES.items():
        took = {size: float(fresh(folder, "--growth-of", method, size, "--folder", folder)) for size in sizes}
        (small, before), (large, last) = list(took.items())[-2:]
        power = log(last / before) / log(large / small)
        minutes = last * (7904 / large) ** power / 60
        row(
            method,
            *(f"{took[size]:.1f}" if size in took else "-" for size in columns),
            f"{minutes:.0f} min (n^{power:.1f})",
        )


def measure_part(method: str, size: int, folder: Path) -> float:
    """Return the CPU seconds of a method of spopt on the municipalities first reached from Bologna."""
    import networkx

    italy = Italy.read(folder)
    graph = networkx.from_pandas_edgelist(italy.contiguity, "code", "neighbour")
    reached = ["037006", *(later for _, later in networkx.bfs_edges(graph, "037006"))]
    spopt_areas(italy.part(reached[:50]), 50 // AREA_SIZE, method)
    part = italy.part(reached[:size])
    start = time.process_time()
    spopt_areas(part, size // AREA_SIZE, method)
    return time.process_time() - start


def fresh(*arguments: object) -> str:
    """Run this file in a process of its own; this one stays small, or its memory would count as theirs."""
    command = [sys.executable, __file__, *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mirror", type=Path)
    parser.add_argument("--only", default="", metavar="START")
    parser.add_argument("--areas", type=int, help="number asked for, instead of that of the functional areas")
    parser.add_argument("--cities", action="store_true")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--work", default=".", help="folder below which --cities saves what it reads")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--method", help=argparse.SUPPRESS)
    parser.add_argument("--growth-of", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.method:
        print(json.dumps(measure(options.method, options.folder, options.areas)))
    elif options.growth_of:
        print(measure_part(options.growth_of[0], int(options.growth_of[1]), options.folder))
    elif options.folder:
        prepare(options.mirror, options.folder)
    elif options.cities:
        compare_cities(str(options.mirror), options.work)
    else:
        with tempfile.TemporaryDirectory() as folder:
            fresh(options.mirror, "--folder", folder)
            if options.growth:
                grow(Path(folder))
            else:
                table(options.mirror, Path(folder), options.only, options.areas)


def table(mirror: Path, folder: Path, only: str, n_areas: int | None) -> None:
    """Print the table of all methods whose name starts with `only`, and the comparison where both kinds ran."""
    row("method", *SHAPES)
    row(*["---"] * (len(SHAPES) + 1))
    done: dict[str, dict] = {}
    for method in METHODS:
        wanted = method.startswith(only)
        if not wanted and (method != CLEAN or n_areas is not None):
            continue
        number = () if n_areas is None else ("--areas", n_areas)
        for found in json.loads(fresh(mirror, "--folder", folder, "--method", method, *number)):
            done[found["method"]] = found
            if wanted:
                row(
                    found["method"],
                    *(format(found[name], shape) if name in found else "-" for name, shape in SHAPES.items()),
                )
        if method == CLEAN and n_areas is None:
            n_areas = done[CLEAN]["areas"]
    if CLEAN in done:
        print()
        compare(done)


if __name__ == "__main__":
    main()
