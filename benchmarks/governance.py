"""Governance areas of the pilot cities and of Italy: interaction, bound, time and memory, beside the functional areas.

    python benchmarks/governance.py MIRROR                 # both tables of benchmarks/README.md
    python benchmarks/governance.py MIRROR --cities siena  # some cities only, without Italy

CPU seconds of all threads with compiled code in place (the first run compiles), peak memory of the whole process. The
free municipalities of a city are those of its territory and of ISTAT's areas that cross its border; limits are those of
the labour market areas: 1000/.60/10000/.75.
"""

import argparse
import json
import resource
import subprocess
import sys
import time


def row(*cells) -> None:
    """Print one row of a Markdown table."""
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def load(mirror: str, work: str):
    """Return a country, what is national and the settings."""
    import diagnosis as dg

    settings = dg.default_settings(work=work, mirror=mirror)
    country = dg.load_country(settings)
    return country, dg.load_national(country, settings), settings


def measure_city(mirror: str, work: str, city: str, rounds: int, bounded: int) -> None:
    """Draw the areas of one city by labour market limits; print what is found as JSON."""
    import diagnosis as dg
    from diagnosis.areas import GovernanceAreas
    from diagnosis.functions import load_functions
    from diagnosis.governance.subject import build_subject

    _, national, settings = load(mirror, work)
    territory = dg.load_territory(city, settings)
    subject = build_subject(territory, national, load_functions()["strategic_planning"])
    labels = national.areas(territory.city.areas)["labels"]
    GovernanceAreas(rounds=10, work=100, exact_units=0).fit_problem(subject.problem)
    start = time.process_time()
    model = GovernanceAreas(rounds=rounds, work=bounded).fit_problem(
        subject.problem, [labels[name] for name in ("functional", "istat_method")]
    )
    seconds = time.process_time() - start
    found = {
        "units": subject.problem.n_units,
        "numbers": f"{model.curve_.index.min()}-{model.curve_.index.max()}",
        "areas": model.n_areas_,
        "value": f"{model.value_:.4f}",
        "bound": f"{model.bound_:.4f}",
        "gap": f"{100 * model.gap_:.1f} %",
        "status": model.status_,
        "internal": f"{model.curve_.at[model.n_areas_, 'internal_share']:.3f}",
        "seconds": f"{seconds:.1f}",
        "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(found))


def measure_country(mirror: str, work: str, aim: str, n_areas: int | None, rounds: int) -> None:
    """Search the areas of all municipalities; print what is found, and what the functional areas are, as JSON."""
    import pandas as pd

    from diagnosis.areas import agreement, area_quality
    from diagnosis.areas.governance.problem import AreaConstraints, AreaProblem, FlowLayer
    from diagnosis.areas.governance.search import search_areas
    from diagnosis.areas.labour_market import TradeOff
    from diagnosis.config import AreaParameters

    country, national, _ = load(mirror, work)
    thresholds = AreaParameters().thresholds
    codes = country.municipalities.index
    flows = country.table("flows")
    problem = AreaProblem.from_tables(
        country.residents.reindex(codes),
        {"work": FlowLayer(flows)},
        national.contiguity(),
        AreaConstraints(validity=TradeOff(**thresholds)),
    )
    labels = national.areas(AreaParameters())["labels"]
    starts = [pd.factorize(labels[name].reindex(codes))[0] for name in ("functional", "istat_method")]
    if aim == "functional":
        partition, seconds = starts[0], 0.0
    else:
        search_areas(problem, starts=starts[:1], restarts=0, rounds=1)
        start = time.process_time()
        found = search_areas(problem, aim=aim, n_areas=n_areas, starts=starts, restarts=1, rounds=rounds)
        partition, seconds = found.partition, time.process_time() - start
    drawn = pd.Series(partition, index=codes)
    placed = drawn.mask(drawn < 0)
    table = area_quality(placed, flows, contiguity=national.contiguity(), parameters=thresholds)
    alike = agreement(placed, labels["sll_2021"])
    whole = partition.copy()
    whole[whole < 0] = whole.max() + 1 + pd.RangeIndex(int((whole < 0).sum()))
    print(
        json.dumps(
            {
                "areas": len(table),
                "valid": f"{(table['validity'] >= 1).mean():.3f}",
                "connected": f"{(table['n_pieces'] == 1).mean():.3f}",
                "interaction": f"{problem.partition_value(whole):.2f}",
                "internal": f"{table['internal_commuters'].sum() / flows['commuters'].sum():.4f}",
                "rand": f"{alike['adjusted_rand']:.3f}",
                "seconds": f"{seconds:.0f}",
                "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


def ask(*arguments: str) -> dict:
    """Run one measure in a process of its own."""
    answer = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=True
    )
    return json.loads(answer.stdout.splitlines()[-1])


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mirror")
    parser.add_argument("--work", default="data/benchmark")
    parser.add_argument("--cities", nargs="*")
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--bounds", type=int, default=40_000)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        kind, *rest = given.measure
        if kind == "city":
            measure_city(given.mirror, given.work, rest[0], given.rounds, given.bounds)
        else:
            measure_country(given.mirror, given.work, kind, int(rest[0]) or None, int(rest[1]))
        return
    from diagnosis.config import city_files

    common = [
        given.mirror,
        "--work",
        given.work,
        "--rounds",
        str(given.rounds),
        "--bounds",
        str(given.bounds),
    ]
    heads = (
        "units",
        "numbers",
        "areas",
        "value",
        "bound",
        "gap",
        "status",
        "internal",
        "seconds",
        "megabytes",
    )
    row("city", *heads)
    row(*["---"] * (len(heads) + 1))
    for city in given.cities or city_files():
        found = ask(*common, "--measure", "city", city)
        row(city, *(found[name] for name in heads))
    if given.cities:
        return
    print()
    heads = ("areas", "valid", "connected", "interaction", "internal", "rand", "seconds", "megabytes")
    row("Italy", *heads)
    row(*["---"] * (len(heads) + 1))
    functional = ask(*common, "--measure", "functional", "0", "0")
    row("functional areas, clean", *(functional[name] for name in heads))
    for name, aim, number in (
        ("search, as many areas", "interaction", functional["areas"]),
        ("search, any number", "interaction", 0),
        ("search, most areas", "areas", 0),
    ):
        found = ask(*common, "--measure", aim, str(number), "40000")
        row(name, *(found[head] for head in heads))


if __name__ == "__main__":
    main()
