"""Governance areas of the pilot cities: interaction, bound, time and memory.

    python benchmarks/governance.py MIRROR                 # table of benchmarks/README.md
    python benchmarks/governance.py MIRROR --province      # the municipalities of the province alone
    python benchmarks/governance.py MIRROR --cities siena  # some cities only

CPU seconds of all threads with compiled code in place (the first run compiles), peak memory of the whole process. The
free municipalities of a city are those of its territory and of ISTAT's areas that cross its border; limits are those of
the labour market areas: 1000/.60/10000/.75. Effort is that of the reports. Italy: peers.py.
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


def measure_city(mirror: str, work: str, city: str, rounds: int, bounded: int, province: bool) -> None:
    """Draw the areas of one city by labour market limits; print what is found as JSON."""
    import diagnosis as dg
    from diagnosis.areas import GovernanceAreas
    from diagnosis.functions import load_functions
    from diagnosis.governance.subject import build_subject

    _, national, settings = load(mirror, work)
    territory = dg.load_territory(city, settings)
    function = load_functions()["strategic_planning"]
    if province:
        function = function.model_copy(update={"within": "province"})
    subject = build_subject(territory, national, function)
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


def ask(*arguments: str) -> dict:
    """Run one measure in a process of its own."""
    answer = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=True
    )
    return json.loads(answer.stdout.splitlines()[-1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mirror")
    parser.add_argument("--work", default=".")
    parser.add_argument("--cities", nargs="*")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--bounds", type=int, default=1_000_000)
    parser.add_argument("--province", action="store_true", help="the municipalities of the province alone")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure_city(given.mirror, given.work, given.measure, given.rounds, given.bounds, given.province)
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
        *(["--province"] if given.province else []),
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
        found = ask(*common, "--measure", city)
        row(city, *(found[name] for name in heads))


if __name__ == "__main__":
    main()
