"""Compare modelled commuting with the matrix of 2021, and fit the gravity model on it.

    python benchmarks/modelled_flows.py DIR          # table of docs/methods.md, about 15 CPU s
    python benchmarks/modelled_flows.py DIR --fit    # parameters of diagnosis.networks.models.ITALY_2021

DIR is a mirror of the publishers' files. Its matrix is observed for 91 % of the commuters and estimated, by a
gravity model of its own, for the others: what is measured on the tail is partly model against model.
"""

import argparse
import resource
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from diagnosis.networks import flow_margins, flow_matrix, modelled_flows, network_measures, radiation_flows
from diagnosis.networks.models import EMPLOYED_SHARE, ITALY_2021, RADIUS_KM, deterrence
from diagnosis.tables import AGE_COLUMNS, CRS


def read(mirror: Path) -> tuple[gpd.GeoDataFrame, pd.DataFrame, pd.DataFrame]:
    """Municipalities, population by age and commuting matrix."""
    polygons = gpd.read_feather(mirror / "openpolis" / "2022_italy_geo_municipalities.feather").to_crs(CRS)
    polygons.index = pd.Index(polygons["municipality_code"].astype(str).str.zfill(6), name="code")
    people = pd.read_feather(mirror / "openpolis" / "2022_italy_pop.feather")
    people["code"] = people["municipality_code"].astype(str).str.zfill(6)
    population = people.pivot(index="code", columns="age", values=["F", "M"])
    population.columns = [f"{sex.lower()}{age}" for sex, age in population.columns]
    archive = mirror / "istat" / "matrix_pendoLAVORO_2021_completed.zip"
    flows = pd.read_csv(archive, sep="\t", dtype=str, keep_default_na=False)
    flows = flows[["Procom_res", "Procom_lav", "Pendolari"]]
    flows.columns = ["origin", "destination", "commuters"]
    return polygons, population, flows.assign(commuters=flows["commuters"].astype(int))


def agreement(modelled: pd.DataFrame, observed: pd.DataFrame, codes: pd.Index) -> dict[str, float]:
    """Measure the common part of commuters and what else the areas depend on."""
    left, right = flow_matrix(modelled, codes), flow_matrix(observed, codes)
    ours, theirs = flow_margins(modelled, codes), flow_margins(observed, codes)
    first = [network_measures(flows, codes)["first_destination"] for flows in (modelled, observed)]
    stay = [margins["internal"] / margins["residents_employed"] for margins in (ours, theirs)]
    balance = [margins["jobs"] / margins["residents_employed"] for margins in (ours, theirs)]
    return {
        "common part of commuters": 2 * left.minimum(right).sum() / (left.sum() + right.sum()),
        "correlation of self-containment": stay[0].corr(stay[1]),
        "mean error of self-containment": (stay[0] - stay[1]).abs().mean(),
        "same first destination": (first[0] == first[1]).mean(),
        "rank correlation of jobs per worker": balance[0].corr(balance[1], method="spearman"),
        "internal share": ours["internal"].sum() / ours["jobs"].sum(),
        "rows": float(len(modelled)),
    }


def radiation(polygons: gpd.GeoDataFrame, population: pd.DataFrame, internal_share: float) -> pd.DataFrame:
    """Run the radiation model on the same residents; the same share of them stays everywhere."""
    people = population.reindex(polygons.index).fillna(0.0)
    ages = [f"{sex}{age}" for sex in "fm" for age in range(20, 65)]
    employed = people[ages].sum(axis=1) * EMPLOYED_SHARE
    centroids = polygons.centroid
    points = pd.DataFrame({"x": centroids.x, "y": centroids.y}, index=polygons.index)
    between = radiation_flows(people.sum(axis=1), points, employed * (1 - internal_share))
    internal = pd.DataFrame(
        {
            "origin": polygons.index,
            "destination": polygons.index,
            "commuters": (employed * internal_share).to_numpy(),
        }
    )
    return pd.concat([between, internal], ignore_index=True)


def compare(polygons: gpd.GeoDataFrame, population: pd.DataFrame, observed: pd.DataFrame) -> None:
    """Print the agreement of every model, and what the national run costs."""
    codes = polygons.index
    margins = flow_margins(observed, codes)
    internal_share = margins["internal"].sum() / margins["jobs"].sum()
    results = {}
    for name, calibration in ITALY_2021.items():
        start = time.process_time()
        modelled = modelled_flows(polygons, population, calibration=calibration)
        seconds = time.process_time() - start
        results[f"gravity, {name}"] = agreement(modelled, observed, codes) | {"CPU seconds": seconds}
    start = time.process_time()
    modelled = radiation(polygons, population, internal_share)
    seconds = time.process_time() - start
    results["radiation"] = agreement(modelled, observed, codes) | {"CPU seconds": seconds}
    print(pd.DataFrame(results).round(3).to_string())
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def fit(polygons: gpd.GeoDataFrame, population: pd.DataFrame, observed: pd.DataFrame) -> None:
    """Maximise the multinomial likelihood of the destinations, given where people live.

    The exponent of the exponential and the scale of the power law are without effect: read 1.
    """
    from scipy.optimize import minimize
    from scipy.spatial import cKDTree

    codes = polygons.index
    centroids = polygons.centroid
    points = np.column_stack([centroids.x, centroids.y]) / 1000
    near = cKDTree(points).query_pairs(RADIUS_KM, output_type="ndarray")
    own = np.arange(len(codes))
    origin = np.concatenate([own, near[:, 0], near[:, 1]])
    destination = np.concatenate([own, near[:, 1], near[:, 0]])
    distance = np.hypot(*(points[origin] - points[destination]).T)
    distance[: len(own)] = 128 / (45 * np.pi) * np.sqrt(polygons.area.to_numpy() / 1e6 / np.pi)
    matrix = flow_matrix(observed, codes)
    commuters = np.concatenate([np.asarray(matrix[o, d]).ravel() for o, d in _blocks(origin, destination)])
    residents = population.reindex(codes)[list(AGE_COLUMNS)].fillna(0.0).sum(axis=1).to_numpy()
    size = np.log(np.where(residents > 0, residents, 1e-9))

    def loss(parameters: np.ndarray, decay: str) -> float:
        attraction, scale, exponent, constant, slope = parameters
        weight = attraction * size[destination] + np.log(
            deterrence(distance, decay, scale_km=np.exp(scale), exponent=np.exp(exponent))
        )
        weight[: len(own)] += constant + slope * (size - 9)
        weight = np.exp(weight)
        probability = weight / np.bincount(origin, weight)[origin]
        return -(commuters @ np.log(probability + 1e-300)) / commuters.sum()

    starts = {"log-logistic": (1.1, 1.8, 1.0), "exponential": (1.1, 1.9, 0.0), "power": (1.1, 0.0, 0.8)}
    for decay, start in starts.items():
        first = np.array([*start, 1.0, -0.2])
        simplex = np.vstack([first, first + 0.3 * np.eye(5)])
        found = minimize(
            loss,
            first,
            (decay,),
            "Nelder-Mead",
            options={"maxfev": 600, "xatol": 1e-3, "fatol": 1e-6, "initial_simplex": simplex},
        )
        attraction, scale, exponent, constant, slope = found.x
        print(
            f"{decay}: scale_km {np.exp(scale):.3f}, exponent {np.exp(exponent):.3f}, "
            f"attraction_exponent {attraction:.3f}, internal_constant {np.exp(constant - 9 * slope):.2f}, "
            f"internal_exponent {slope:.3f}, loss {found.fun:.4f}"
        )


def _blocks(origin: np.ndarray, destination: np.ndarray, size: int = 500_000):
    for start in range(0, len(origin), size):
        yield origin[start : start + size], destination[start : start + size]


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mirror", type=Path)
    parser.add_argument("--fit", action="store_true", help="fit the parameters instead of comparing")
    arguments = parser.parse_args()
    tables = read(arguments.mirror)
    (fit if arguments.fit else compare)(*tables)


if __name__ == "__main__":
    main()
