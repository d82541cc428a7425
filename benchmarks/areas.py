"""Time the functional areas of Italy, in both modes, and say how they depend on data and thresholds.

    python benchmarks/areas.py MIRROR                   # the tables of benchmarks/README.md, about 3 CPU minutes
    python benchmarks/areas.py MIRROR --completions 5   # also over completions of the unpublished tail, a minute more

CPU seconds of all threads, after a first run that compiles. Agreement is with the official areas (SLL 2021).
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

THRESHOLDS = ("min_size", "min_self_containment", "target_size", "target_self_containment")
SETTINGS = ((1000, 0.60, 10000, 0.75), (1000, 0.6667, 10000, 0.75), (3500, 0.6667, 25000, 0.75))
SIZES = (500, 1000, 2000, 4000, 7904)
CENTRE = (4_400_000, 2_400_000)
"""Metres in EPSG:3035, between Bologna and Florence: the curve grows from here."""
PROVINCE = "026"


def row(*cells) -> None:
    """Print one row of a Markdown table."""
    print("| " + " | ".join(str(cell) for cell in cells) + " |")


def header(*names) -> None:
    """Print the head of a Markdown table."""
    row(*names)
    row(*["---"] * len(names))


def measure(folder: Path, mode: str) -> None:
    """In a process of its own: read, build, draw; print the CPU seconds of each and the peak memory as JSON."""
    start = time.process_time()
    import pandas as pd

    from diagnosis.areas import FunctionalAreas

    imported = time.process_time()
    flows = pd.read_parquet(folder / "flows.parquet")
    estimator = FunctionalAreas(mode=mode)
    if mode == "clean":
        estimator.set_params(contiguity=pd.read_parquet(folder / "contiguity.parquet"))
    read = time.process_time()
    _, prepared, _ = estimator.prepare(flows)
    built = time.process_time()
    prepared.areas(estimator.trade_off())
    loaded = time.process_time()
    prepared.areas(estimator.trade_off())
    drawn = time.process_time()
    estimator.fit(flows)
    fitted = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    steps = (
        imported - start,
        read - imported,
        built - read,
        loaded - built - (drawn - loaded),
        drawn - loaded,
    )
    print(json.dumps([*steps, fitted - drawn, peak]))


def time_steps(folder: Path) -> None:
    """Time reading, building and drawing, each mode in a fresh process."""
    print("\n## Steps\n")
    header(
        "mode",
        "imports",
        "reading",
        "building",
        "loading compiled code",
        "the method",
        "whole fit",
        "peak MB",
    )
    for mode in ("istat", "clean"):
        command = [sys.executable, __file__, str(folder), "--measure", mode]
        subprocess.run(command, check=True, capture_output=True)  # compiles where nothing is saved yet
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        *seconds, peak = json.loads(done.stdout)
        row(mode, *(f"{value:.2f}" for value in seconds), f"{peak:.0f}")


def compare_settings(flows, contiguity, official, settings=SETTINGS, title="Settings") -> None:
    """Draw the areas at several settings."""
    from diagnosis.areas import FunctionalAreas, agreement, area_quality

    print(f"\n## {title}\n")
    header(
        "setting", "mode", "CPU s", "areas", "below validity", "in pieces", "internal commuters", "ARI", "AMI"
    )
    for values in settings:
        for mode in ("istat", "clean"):
            model = FunctionalAreas(**dict(zip(THRESHOLDS, values, strict=True)), mode=mode)
            if mode == "clean":
                model.set_params(contiguity=contiguity)
            start = time.process_time()
            model.fit(flows)
            seconds = time.process_time() - start
            thresholds = {name: getattr(model, name) for name in THRESHOLDS}
            quality = area_quality(model.labels_, flows, contiguity=contiguity, parameters=thresholds)
            same = agreement(model.labels_, official)
            internal = quality["internal_commuters"].sum() / flows["commuters"].sum()
            row(
                " / ".join(map(str, values)), mode, f"{seconds:.2f}", len(quality),
                (quality["validity"] < 1).sum(), (quality["n_pieces"] > 1).sum(), f"{internal:.4f}",
                f"{same['adjusted_rand']:.4f}", f"{same['adjusted_mutual_information']:.4f}",
            )  # fmt: skip


def grow(flows, contiguity, municipalities) -> None:
    """Time the method on ever larger parts of Italy."""
    from diagnosis.areas import FunctionalAreas

    print("\n## Growth\n")
    header("municipalities", "flows", "ISTAT mode, CPU ms", "clean mode, CPU ms", "clean, CPU µs a flow")
    points = municipalities.representative_point()
    near = ((points.x - CENTRE[0]) ** 2 + (points.y - CENTRE[1]) ** 2).sort_values().index
    for size in SIZES:
        codes = near[:size]
        part = flows[flows["origin"].isin(codes) & flows["destination"].isin(codes)]
        touching = contiguity[contiguity["code"].isin(codes) & contiguity["neighbour"].isin(codes)]
        seconds = []
        for options in ({"mode": "istat"}, {"mode": "clean", "contiguity": touching}):
            estimator = FunctionalAreas(**options)
            _, prepared, _ = estimator.prepare(part)
            prepared.areas(estimator.trade_off(), runs=10_000)
            start = time.process_time()
            for _ in range(3):
                prepared.areas(estimator.trade_off(), runs=10_000)
            seconds.append((time.process_time() - start) / 3)
        row(
            size,
            f"{len(part):,}",
            *(f"{1e3 * value:.0f}" for value in seconds),
            f"{1e6 * seconds[1] / len(part):.2f}",
        )


def repeat(flows, contiguity, municipalities) -> None:
    """Time 200 runs of the bootstrap, and a map of thresholds."""
    from diagnosis.areas import FunctionalAreas, parameter_map, stability

    print("\n## Runs\n")
    header("what", "municipalities", "CPU s", "wall s", "result")
    estimator = FunctionalAreas(mode="clean", contiguity=contiguity)
    codes = municipalities.index[municipalities["province"] == PROVINCE]
    part = flows[flows["origin"].isin(codes) & flows["destination"].isin(codes)]
    for name, table in (
        (f"stability, 200 runs, province {PROVINCE}", part),
        ("stability, 200 runs, Italy", flows),
    ):
        start, wall = time.process_time(), time.perf_counter()
        found = stability(table, estimator, runs=200)
        seconds, wall = time.process_time() - start, time.perf_counter() - wall
        core = found.table["core"].astype("boolean").mean()
        row(
            name,
            len(found.table),
            f"{seconds:.1f}",
            f"{wall:.1f}",
            f"{100 * core:.0f} % of municipalities in a core",
        )
    grid = {"min_self_containment": [0.55, 0.6, 0.65, 0.7], "target_size": [5000, 10000, 25000]}
    start, wall = time.process_time(), time.perf_counter()
    table = parameter_map(flows, grid, estimator=estimator)
    seconds, wall = time.process_time() - start, time.perf_counter() - wall
    row("12 settings of thresholds", municipalities.shape[0], f"{seconds:.1f}", f"{wall:.1f}",
        f"{table['areas'].min()} to {table['areas'].max()} areas")  # fmt: skip


def complete(flows, contiguity, municipalities, official, mirror: Path, n: int) -> None:
    """Say how far the areas depend on the unpublished tail: without it, and over several completions."""
    from diagnosis.areas import FunctionalAreas, stability
    from diagnosis.networks import complete_flows
    from diagnosis.sources.istat import read_commuting
    from diagnosis.sources.istat_margins import read_margins

    observed = read_commuting(mirror / "istat" / "matrix_pendoLAVORO_2021_observed.zip")
    compare_settings(observed, contiguity, official, SETTINGS[:1], "Without the tail")
    centre = municipalities.representative_point()
    points = municipalities[["province", "region"]].assign(x=centre.x, y=centre.y)
    margins = read_margins(mirror / "istat" / "matrix_pendoLAVORO_2021_margins.csv")
    start = time.process_time()
    drawn = list(complete_flows(observed, margins, points, n=n))
    print(f"\n## Over {n} completions\n\nDrawn in {time.process_time() - start:.0f} CPU s.\n")
    found = stability(flows, FunctionalAreas(mode="clean", contiguity=contiguity), matrices=drawn)
    header(
        "areas, least",
        "areas, most",
        "employed residents not with their centre, mean",
        "municipalities in a core",
    )
    core = found.table["core"].astype("boolean").mean()
    row(
        found.runs["areas"].min(),
        found.runs["areas"].max(),
        f"{found.runs['moved'].mean():.3f}",
        f"{core:.3f}",
    )


def main() -> None:
    """Print the tables of benchmarks/README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mirror", type=Path)
    parser.add_argument("--completions", type=int, default=0)
    parser.add_argument("--measure", choices=("istat", "clean"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.mirror, arguments.measure)
        return
    from diagnosis.networks import contiguity
    from diagnosis.sources.embedded import read_municipalities
    from diagnosis.sources.istat import read_commuting, read_labour_areas

    istat = arguments.mirror / "istat"
    municipalities = read_municipalities()
    pairs = contiguity(municipalities)
    start = time.process_time()
    flows = read_commuting(istat / "matrix_pendoLAVORO_2021_completed.zip")
    print(f"reading {len(flows):,} flows from the zip: {time.process_time() - start:.2f} CPU s")
    official = read_labour_areas(istat / "sll_2021_composizione.json")["area"]
    with tempfile.TemporaryDirectory() as folder:
        flows.to_parquet(Path(folder) / "flows.parquet")
        pairs[["code", "neighbour"]].to_parquet(Path(folder) / "contiguity.parquet")
        time_steps(Path(folder))
    compare_settings(flows, pairs, official)
    grow(flows, pairs, municipalities)
    repeat(flows, pairs, municipalities)
    if arguments.completions:
        complete(flows, pairs, municipalities, official, arguments.mirror, arguments.completions)


if __name__ == "__main__":
    main()
