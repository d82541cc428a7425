"""Time the completion of the commuting matrix of 2021, and check the method on a matrix that is fully known.

    python benchmarks/completions.py MIRROR             # Italy 2021: about 30 CPU s, 0.9 GB
    python benchmarks/completions.py MIRROR --sardinia  # Sardinia 2001, its tail hidden: about 2 CPU s

CPU seconds of one thread, loops compiled before.
"""

import argparse
import resource
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from diagnosis.networks.completion import Completion, hide_tail
from diagnosis.sources.embedded import read_municipalities
from diagnosis.sources.istat import read_commuting
from diagnosis.sources.istat_margins import read_margins
from diagnosis.tables import CRS

DRAWS = 5


def peak() -> float:
    """Largest memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def warm_up() -> None:
    """Compile every loop on an invented network, so that only their work is timed."""
    random = np.random.default_rng(0)
    codes = pd.Index([f"{number:06d}" for number in range(30)], name="code")
    origin, destination = np.nonzero(random.random((30, 30)) < 0.5)
    flows = pd.DataFrame({"origin": codes[origin], "destination": codes[destination]})
    points = pd.DataFrame(random.random((30, 2)) * 5e4, codes, ["x", "y"]).assign(province="p", landmass="l")
    Completion(ranks=2).fit(
        *hide_tail(flows.assign(commuters=random.integers(1, 9, len(flows))), codes, ranks=2), points
    ).draw(0)


def measure(
    observed: pd.DataFrame, margins: pd.DataFrame, points: pd.DataFrame, draws: int
) -> list[pd.DataFrame]:
    """Print what fitting and drawing cost, and what they report."""
    warm_up()
    print(f"before: peak {peak():.0f} MB")
    start = time.process_time()
    model = Completion().fit(observed, margins, points)
    print(f"fit: {time.process_time() - start:.1f} CPU s, peak {peak():.0f} MB")
    print("; ".join(f"{name} {value:g}" for name, value in model.report_.items()))
    completed = []
    for seed in range(draws):
        start = time.process_time()
        completed.append(model.draw(seed))
        print(f"draw {seed}: {time.process_time() - start:.2f} CPU s, peak {peak():.0f} MB")
        print("; ".join(f"{name} {value}" for name, value in completed[-1].attrs["completion"].items()))
    return completed


def italy(mirror: Path) -> None:
    """Complete the matrix of 2021 once."""
    municipalities = read_municipalities()
    centres = municipalities.centroid
    points = municipalities[["province", "region"]].assign(x=centres.x, y=centres.y)
    observed = read_commuting(mirror / "istat" / "matrix_pendoLAVORO_2021_observed.zip")
    margins = read_margins(mirror / "istat" / "matrix_pendoLAVORO_2021_margins.csv")
    measure(observed, margins, pd.DataFrame(points), 1)


def sardinia(mirror: Path) -> None:
    """Hide the tail of the matrix of 2001, complete it, and compare both tails."""
    folder = mirror / "istat" / "LabourMarketAreas"
    flows = pd.read_csv(folder / "Sardinia.csv", dtype=str, keep_default_na=False)
    flows.columns = ["origin", "destination", "commuters"]
    for end in ("origin", "destination"):
        flows[end] = flows[end].str.zfill(6)
    flows["commuters"] = flows["commuters"].astype(int)
    polygons = gpd.read_file(folder / "shpSardinia.gpkg")
    polygons["code"] = polygons["PRO_COM"].astype(float).astype(int).astype(str).str.zfill(6)
    centres = polygons.dissolve("code").to_crs(CRS).centroid
    points = pd.DataFrame({"x": centres.x, "y": centres.y, "landmass": "20"}, centres.index)
    points["province"] = points.index.str[:3]
    observed, margins = hide_tail(flows, points.index)
    ends = ["origin", "destination"]
    listed = pd.MultiIndex.from_frame(observed[ends])
    hidden = flows.set_index(ends)["commuters"]
    hidden = hidden[~hidden.index.isin(listed)]
    rows = [("hidden", hidden)]
    for seed, completed in enumerate(measure(observed, margins, points, DRAWS)):
        tail = completed[completed["estimated"] == 1].set_index(ends)["commuters"]
        rows.append((f"seed {seed}", tail))
    print("\n| tail | commuters in common | pairs hit | mean km | sizes 1, 2, 3-5, more |")
    print("| --- | --- | --- | --- | --- |")
    for name, tail in rows:
        common = np.minimum(hidden, tail.reindex(hidden.index).fillna(0)).sum() / hidden.sum()
        here, there = (points.loc[tail.index.get_level_values(end), ["x", "y"]].to_numpy() for end in ends)
        length = np.average(np.hypot(*(here - there).T), weights=tail) / 1000
        sizes = np.histogram(tail, [1, 2, 3, 6, np.inf])[0]
        print(
            f"| {name} | {common:.3f} | {hidden.index.isin(tail.index).mean():.3f} | {length:.2f} "
            f"| {', '.join(map(str, sizes))} |"
        )


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mirror", type=Path)
    parser.add_argument(
        "--sardinia", action="store_true", help="check on the complete matrix of 2001 instead"
    )
    arguments = parser.parse_args()
    (sardinia if arguments.sardinia else italy)(arguments.mirror)


if __name__ == "__main__":
    main()
