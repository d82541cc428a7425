"""Time the composite indices at the size of all Italian municipalities, beside the targets and the R packages.

    python benchmarks/composite.py              # the table of benchmarks/README.md, on invented tables
    python benchmarks/composite.py REFERENCE    # the ASEM rows on COINr's own data: a folder with asem_screened.csv,
                                                # asem_imeta.csv and sa_noisy_weights_100.csv
    python benchmarks/composite.py --only ampi  # one row

Each row in a process of its own, once. CPU seconds of all threads, after the imports; peak memory of the process,
imports and table included.
"""

import argparse
import importlib
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

UNITS, INDICATORS, REPLICATIONS = 7900, 60, 1000
LIMITS = (5, 1, 2, 3, 4)
"""Numbers of winsorised points, one alternative treatment each; the first is the nominal one."""
SPREAD = (100, 4)
"""Scale of the z-scores: 25 standard deviations below the mean before the geometric mean fails, and is cheap."""
BASE_POINTS = 512


def invent(units: int, indicators: int, missing: float = 0.03):
    """Invent indicators of every skewness, some values of them missing."""
    import numpy as np
    import pandas as pd

    generator = np.random.default_rng(1)
    common = generator.standard_normal((units, 1))
    noise = generator.standard_normal((units, indicators))
    skew = generator.uniform(0.1, 0.9, indicators)
    table = pd.DataFrame(
        100 * np.exp(skew * (0.5 * common + noise)),
        index=[f"{number:06}" for number in range(units)],
        columns=[f"indicator {number}" for number in range(indicators)],
    )
    return table.mask(generator.random(table.shape) < missing)


def directions_of(table) -> dict:
    """Every third indicator is better when lower."""
    return {name: "negative" if place % 3 == 0 else "positive" for place, name in enumerate(table)}


def domains_of(table) -> dict:
    """Eight domains."""
    return {name: f"domain {place % 8}" for place, name in enumerate(table)}


def model_of(table, directions, levels, weight_choice, *, scales=((1, 100), SPREAD), **options):
    """Build an index whose treatment, normalisation, weights and aggregation vary."""
    from diagnosis.composite import CompositeModel, Normalisation, treat

    return CompositeModel(
        table,
        directions,
        groups=levels,
        treatments={
            str(limit): lambda values, limit=limit: treat(values, limit=limit).values for limit in LIMITS
        },
        normalisations=[Normalisation("min_max", scales[0]), Normalisation("z_scores", scales[1], ddof=1)],
        aggregations=["arithmetic", "geometric"],
        weight_choice=weight_choice,
        **options,
    )


def asem_model(reference: Path | None):
    """Give the builder of the index of COINr's example of sensitivity, or one of its shape on invented data."""
    import pandas as pd

    from diagnosis.composite import WeightNoise

    if reference is None:
        table = invent(51, 49, 0)
        domains = domains_of(table)
        levels = [domains, {name: f"part {name[-1] > '3'}" for name in domains.values()}]
        return lambda: model_of(table, directions_of(table), levels, WeightNoise("uniform", 0.25))
    meta = pd.read_csv(reference / "asem_imeta.csv").set_index("iCode")
    sign = meta.loc[meta["Level"] == 1, "Direction"]
    levels = [meta.loc[meta["Level"] == level, "Parent"] for level in (1, 2, 3)]
    sets = pd.read_csv(reference / "sa_noisy_weights_100.csv", index_col="iCode").drop(columns="Level")
    table = pd.read_csv(reference / "asem_screened.csv", index_col="uCode")
    directions = sign.map({1: "positive", -1: "negative"})
    return lambda: model_of(table, directions, levels, sets, scales=((1, 100), (10, 2)))


def replicate(model, replications: int = REPLICATIONS) -> str:
    """Replicate an index, and take the intervals of scores and ranks."""
    from diagnosis.composite import simulate

    result = simulate(model, replications)
    width = result.rank_intervals().eval("upper - lower").median()
    result.score_intervals()
    return f"{result.failed} failed, median rank interval {width:.0f} places"


def asem(reference: Path | None):
    """Prepare the replications of the ASEM index."""
    build = asem_model(reference)
    return lambda: replicate(build())


def sobol(reference: Path | None):
    """Prepare the Sobol indices of the ASEM index."""
    from diagnosis.composite import explain_ranks

    build = asem_model(reference)

    def work() -> str:
        found = explain_ranks(build(), size=BASE_POINTS).loc["mean_absolute_shift"]
        return ", ".join(f"{name} {value:.2f}" for name, value in found["total"].items())

    return work


def pipeline(_: Path | None):
    """Prepare one index from the raw table to ranks."""
    from diagnosis.composite import (
        Framework,
        impute_by_indicator,
        normalise_min_max,
        rank_units,
        screen_units,
        treat,
    )

    raw = invent(UNITS, INDICATORS)
    directions, domains = directions_of(raw), domains_of(raw)
    framework = Framework(domains | dict.fromkeys(domains.values(), "index"))

    def work() -> str:
        kept = raw[screen_units(raw)["included"]]
        treated = treat(impute_by_indicator(kept)).values
        normalised = normalise_min_max(treated, directions, lower=1)
        ranks = rank_units(framework.aggregate(normalised, "geometric"))
        return f"{len(ranks)} units ranked on {ranks.shape[1]} scores"

    return work


def choices(_: Path | None):
    """Prepare replications of the index over choices alone."""
    from diagnosis.composite import WeightNoise

    raw = invent(UNITS, INDICATORS)
    noise = WeightNoise("uniform", 0.25)
    return lambda: replicate(model_of(raw, directions_of(raw), domains_of(raw), noise))


def errors(_: Path | None):
    """Prepare replications over normalisation, weights, aggregation and errors of a tenth of the spread."""
    from diagnosis.composite import CompositeModel, Normalisation, WeightNoise

    raw = invent(UNITS, INDICATORS)
    return lambda: replicate(
        CompositeModel(
            raw,
            directions_of(raw),
            groups=domains_of(raw),
            normalisations=["min_max", Normalisation("z_scores", SPREAD)],
            aggregations=["arithmetic", "geometric"],
            weight_choice=WeightNoise("uniform", 0.25),
            error=raw.std() / 10,
        )
    )


def treated_errors(_: Path | None):
    """Prepare replications over choices and errors, the data of each treated anew."""
    from diagnosis.composite import WeightNoise

    raw = invent(UNITS, INDICATORS)
    noise, error = WeightNoise("uniform", 0.25), raw.std() / 10
    scales = ((70, 130), SPREAD)

    def work() -> str:
        model = model_of(raw, directions_of(raw), domains_of(raw), noise, scales=scales, error=error)
        return replicate(model, REPLICATIONS // 5)

    return work


def ampi_panel(_: Path | None):
    """Prepare goalposts, normalisation and scores of five years."""
    import pandas as pd

    from diagnosis.composite import Goalposts, ampi, normalise_ampi

    raw = invent(UNITS, 20)
    panel = pd.concat({year: raw * (1 + year / 100) for year in range(5)}, names=["year", "unit"])
    reference = raw.mean()

    def work() -> str:
        goalposts = Goalposts.from_panel(panel, reference, directions_of(raw))
        scores = ampi(normalise_ampi(panel, goalposts))["score"]
        return f"{scores.notna().sum()} scores"

    return work


def outranking(_: Path | None):
    """Prepare the Copeland score."""
    from diagnosis.composite import copeland, normalise_min_max

    raw = invent(UNITS, INDICATORS)
    normalised = normalise_min_max(raw, directions_of(raw))
    return lambda: f"best unit ahead of {copeland(normalised).max():.0f} more than behind"


def doubt(_: Path | None):
    """Prepare the benefit of the doubt."""
    from diagnosis.composite import normalise_min_max
    from diagnosis.composite.envelopment import benefit_of_the_doubt

    raw = invent(UNITS, 10)
    normalised = normalise_min_max(raw, directions_of(raw))
    return lambda: f"{(benefit_of_the_doubt(normalised).score > 1 - 1e-9).sum()} units score 1"


def shapley(_: Path | None):
    """Prepare the influence of every indicator on the index."""
    from diagnosis.composite import arithmetic_mean, normalise_min_max
    from diagnosis.composite.influence import measure_influence

    raw = invent(UNITS, INDICATORS, 0)
    normalised = normalise_min_max(raw, directions_of(raw))
    score = arithmetic_mean(normalised)
    return lambda: (
        f"largest standard error {measure_influence(normalised, score)['standard_error'].max():.5f}"
    )


ROWS = {
    "asem": (asem, "51 x 49, 1,000 replications over 4 assumptions", "114", "3"),
    "sobol": (sobol, "51 x 49, Sobol indices, 512 base points", "360", ""),
    "pipeline": (pipeline, "7,900 x 60, one full pipeline", "~5", "0.5"),
    "choices": (choices, "7,900 x 60, 1,000 replications over 4 assumptions", "~2,850 *", "120, 1.5 GB"),
    "errors": (errors, "7,900 x 60, 1,000 replications, data error", "", "120, 1.5 GB"),
    "treated_errors": (treated_errors, "7,900 x 60, 200 replications, data error, each treated anew", "", ""),
    "ampi": (ampi_panel, "AMPI, 7,900 x 20 x 5 years", "7.1", "0.2"),
    "copeland": (outranking, "Copeland, 7,900 x 60", "~45,000 *", "60"),
    "doubt": (doubt, "benefit of the doubt, 7,900 x 10", "~96 *", "60"),
    "shapley": (shapley, "influence (Shapley, 2,000 orders), 7,900 x 60", "", ""),
}
"""By name: what prepares the work, its label, CPU seconds of COINr or Compind (* extrapolated), and the target."""


def measure(name: str, reference: Path | None) -> None:
    """In a process of its own: do the work once, print CPU seconds, peak memory and result as JSON."""
    for module in ("scipy.linalg", "scipy.optimize", "scipy.stats"):
        importlib.import_module(module)  # what the work would import is loaded before the clock starts
    work = ROWS[name][0](reference)
    start = time.process_time()
    result = work()
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([seconds, peak, result]))


def row(*cells) -> None:
    """Print one row of a Markdown table."""
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def main() -> None:
    """Print the table of benchmarks/README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("reference", type=Path, nargs="?")
    parser.add_argument("--only", choices=ROWS, nargs="+", default=list(ROWS))
    parser.add_argument("--measure", choices=ROWS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, arguments.reference)
        return
    row("work", "COINr / Compind, CPU s", "target, CPU s", "CPU s", "peak MB", "result")
    row(*["---"] * 6)
    given = [] if arguments.reference is None else [str(arguments.reference)]
    for name in arguments.only:
        command = [sys.executable, __file__, *given, "--measure", name]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        seconds, peak, result = json.loads(done.stdout)
        _, label, packages, target = ROWS[name]
        row(label, packages or "-", target or "-", f"{seconds:.2f}", f"{peak:.0f}", result)


if __name__ == "__main__":
    main()
