"""Compare the areas of Italy as every method behind the same contract draws them.

    python benchmarks/peers.py MIRROR                  # table of benchmarks/README.md
    python benchmarks/peers.py MIRROR --only leiden --areas 531    # methods whose name starts so

Each method runs in a fresh process. CPU seconds are those of ``fit``, all threads, after a first fit, so that
imports and compilation are not counted; peak memory is that of the process until then, reading included (and
compilation, about 100 MB, in the first run after a change of the compiled code). "+ repair" adds the contiguity repair
to both. Methods with a number of areas get that of the functional areas in ISTAT mode. Needs the extra ``peers``.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PARAMETERS = {
    "min_size": 1000,
    "min_self_containment": 0.60,
    "target_size": 10000,
    "target_self_containment": 0.75,
}
REFERENCE = "functional, ISTAT mode"
OFFICIAL = "SLL 2021 (official)"
METHODS = (
    OFFICIAL,
    REFERENCE,
    "functional, clean mode",
    "leiden, modularity",
    "leiden, same number",
    "infomap",
    "infomap, same number",
    "ward, same number",
    "skater, same number",
)
COLUMNS = ("method", "CPU s", "peak MB", "areas", "valid", "in pieces", "internal commuters", "ARI", "AMI")


def prepare(mirror: Path, folder: Path) -> None:
    """Read the mirror once and leave in `folder` what every method needs."""
    import pandas as pd

    from diagnosis.networks import contiguity
    from diagnosis.sources.embedded import read_municipalities, read_population
    from diagnosis.sources.istat import read_commuting, read_labour_areas

    polygons = read_municipalities()
    columns = {
        "area_km2": polygons["area_km2"],
        "population": read_population().sum(axis=1),
        "official": read_labour_areas(mirror / "istat" / "sll_2021_composizione.json")["area"],
    }
    pd.DataFrame(columns, index=polygons.index).to_parquet(folder / "municipalities.parquet")
    contiguity(polygons).to_parquet(folder / "contiguity.parquet")
    flows = read_commuting(mirror / "istat" / "matrix_pendoLAVORO_2021_completed.zip")
    flows.to_parquet(folder / "flows.parquet")


def build(method: str, contiguity, n_areas: int | None):
    """Build the estimator of a method."""
    from diagnosis.areas import FunctionalAreas
    from diagnosis.areas.community import CommunityAreas
    from diagnosis.areas.contiguous import ContiguousAreas

    name, _, variant = method.partition(", ")
    if name == "functional":
        if method == REFERENCE:
            return FunctionalAreas(**PARAMETERS, mode="istat")
        return FunctionalAreas(**PARAMETERS, mode="clean", contiguity=contiguity)
    if name in ("ward", "skater"):
        return ContiguousAreas(n_areas=n_areas, method=name, contiguity=contiguity)
    return CommunityAreas(method=name, n_areas=n_areas if variant == "same number" else None)


def warm_up(method: str, flows, contiguity, population) -> None:
    """Fit once, so that the libraries are loaded and compiled code is there."""
    if method.startswith("functional"):  # small networks do not use compiled code
        build(method, contiguity, None).fit(flows, population)
        return
    # the province of Bologna
    inside = flows["origin"].str.startswith("037") & flows["destination"].str.startswith("037")
    touching = contiguity["code"].str.startswith("037") & contiguity["neighbour"].str.startswith("037")
    build(method, contiguity[touching], 2).fit(flows[inside], population)


def measure(method: str, folder: Path, n_areas: int | None) -> list[dict]:
    """Run one method and describe its areas, then those after the contiguity repair where it has one."""
    import pandas as pd

    from diagnosis.areas.contiguous import municipal_attributes
    from diagnosis.areas.repair import repair_contiguity

    flows = pd.read_parquet(folder / "flows.parquet")
    contiguity = pd.read_parquet(folder / "contiguity.parquet")
    municipalities = pd.read_parquet(folder / "municipalities.parquet")
    population = municipalities["population"]
    if method == OFFICIAL:
        labels = municipalities["official"]
        return [{"method": method} | describe(labels, flows, contiguity, municipalities)]
    warm_up(method, flows, contiguity, population)
    start = time.process_time()
    model = build(method, contiguity, n_areas)
    if method.startswith(("ward", "skater")):
        model.fit(flows, population, municipal_attributes(flows, population, municipalities["area_km2"]))
    else:
        model.fit(flows, population)
    rows = [{"method": method, "CPU s": time.process_time() - start, "peak MB": peak_megabytes()}]
    labels = [model.labels_]
    if method.startswith(("leiden", "infomap")):
        labels.append(repair_contiguity(model.labels_, flows, contiguity)[0])
        seconds = time.process_time() - start
        rows.append({"method": f"{method}, + repair", "CPU s": seconds, "peak MB": peak_megabytes()})
    described = [describe(one, flows, contiguity, municipalities) for one in labels]
    return [row | more for row, more in zip(rows, described, strict=True)]


def peak_megabytes() -> float:
    """Peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def describe(labels, flows, contiguity, municipalities) -> dict:
    """Compute the quality of a partition and its agreement with the official one."""
    from diagnosis.areas import agreement, area_quality

    quality = area_quality(labels, flows, contiguity=contiguity, parameters=PARAMETERS)
    same = agreement(labels, municipalities["official"])
    return {
        "areas": len(quality),
        "valid": float((quality["validity"] >= 1).mean()),
        "in pieces": int((quality["n_pieces"] > 1).sum()),
        "internal commuters": float(quality["internal_commuters"].sum() / flows["commuters"].sum()),
        "ARI": float(same["adjusted_rand"]),
        "AMI": float(same["adjusted_mutual_information"]),
    }


def line(row: dict) -> str:
    """One line of the Markdown table."""
    shapes = {"CPU s": ".2f", "peak MB": ".0f", "valid": ".3f"}
    shapes |= dict.fromkeys(("internal commuters", "ARI", "AMI"), ".4f")
    cells = [format(row[name], shapes.get(name, "")) if name in row else "-" for name in COLUMNS]
    return f"| {' | '.join(cells)} |"


def fresh(*arguments: object) -> str:
    """Run this file in a process of its own; this one stays small, or its memory would count as theirs."""
    command = [sys.executable, __file__, *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("mirror", type=Path)
    parser.add_argument("--only", default="", metavar="START")
    parser.add_argument("--areas", type=int)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--method", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.method:
        print(json.dumps(measure(options.method, options.folder, options.areas)))
        return
    if options.folder:
        prepare(options.mirror, options.folder)
        return
    chosen = [method for method in METHODS if method.startswith(options.only)]
    n_areas = options.areas
    with tempfile.TemporaryDirectory() as folder:
        shared = (options.mirror, "--folder", folder)
        fresh(*shared)
        print(f"| {' | '.join(COLUMNS)} |")
        print("| --- " * len(COLUMNS) + "|")
        for method in chosen:
            if method.endswith("same number") and n_areas is None:
                parser.error(f"{method}: --areas is needed where {REFERENCE!r} does not run")
            number = () if n_areas is None else ("--areas", n_areas)
            rows = json.loads(fresh(*shared, "--method", method, *number))
            for row in rows:
                print(line(row), flush=True)
            if method == REFERENCE and n_areas is None:
                n_areas = rows[0]["areas"]


if __name__ == "__main__":
    main()
