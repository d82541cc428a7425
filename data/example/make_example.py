"""Write the data files of the invented country in this folder: the same bytes at every run.

Run by hand after a change, then look at what changed and adapt the totals in README.md::

    python data/example/make_example.py [FOLDER]

Nothing here is real: the shapes come from a tessellation inside a coast drawn by hand, the numbers from the
short lists below and from seeded draws. The tables follow the contract in :mod:`diagnosis.tables`.
Draws come from :class:`random.Random`, the same in every version of Python, with one stream a topic, so that
a change in one table leaves the others as they are.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import random
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import shapely
from pyproj import Transformer
from shapely.geometry import Point, Polygon

from diagnosis import tables

SEED = 90
YEARS = ("2022", "2023", "2024")
ORIGIN = (12.0, 40.3)
"""Longitude and latitude, in open sea, of the point (0, 0) of the plane in km used below."""
KM_PER_DEGREE = (111.32 * math.cos(math.radians(ORIGIN[1])), 111.05)
DECAY_MINUTES = 11  # travel time at which the pull of a job falls to 1/e
OWN_PULL = 2.5  # how much more the jobs of one's own municipality pull
CELL_KM = 1.6  # spacing of the small cells that municipalities are put together from


class Municipality(NamedTuple):
    """One invented municipality: what the tables are derived from."""

    name: str
    x: float  # centre, km east of the origin
    y: float  # centre, km north of the origin
    reach: float  # km by which its territory extends further than its neighbours'
    residents: int  # 0: no population is published
    employed: int  # residents who work
    jobs: int  # pull on commuters
    ageing: float  # 0: the age structure of the country; above: older
    altitude: int  # m
    landslide: float  # share of the territory
    flood: float  # share of the territory


# fmt: off
ROWS = {
    "901001": ("Portalba",            -10,   -4,  1.5,  62140,  22300,  25800, -0.20,     8, 0.010, 0.140),
    "901002": ("Marina d'Ambrèta",      0,  -11,    0,  14480,   5150,   3900, -0.10,     5, 0.005, 0.210),
    "901003": ("Borgo Sèlice",         -2,   -3,    0,   9830,   3620,   2500, -0.15,    74, 0.020, 0.090),
    "901004": ("Cala Turchina",       -15,    3,    0,   7260,   2480,   2150,  0.10,    12, 0.040, 0.060),
    "901005": ("Castelvìvaro",         -4,    9,    1,  21350,   7500,   7700,  0.10,   318, 0.055, 0.030),
    "901006": ("Pian delle Nòttole",  -12,   11,    0,   3910,   1340,    800,  0.35,   242, 0.070, 0.015),
    "901007": ("Fonteviola",           -8,    4, -0.5,   2640,    940,    480,  0.30,   286, 0.085, 0.020),
    "901008": ("Sant'Èlmo al Monte",    3,    4,    0,   1250,    420,    270,  0.65,   712, 0.190, 0.005),
    "901009": ("Ròcca d'Àspro",         4,   12,    0,    183,     57,     24,  1.15,  1046, 0.310, 0.000),
    "901010": ("Isola di Làmpara",    -27,  -15,    0,    904,    310,    620,  0.30,    41, 0.060, 0.000),
    "901011": ("Ponte all'Òrnia",       7,   -6,    0,   4720,   1690,   1050,  0.15,   163, 0.035, 0.120),
    "901012": ("Lido Nuòvo",          -17,   -6, -0.5,      0,   1460,    900,  0.00,     3, 0.000, 0.180),
    "902001": ("Torrescura",           14,   -3,    1,  31270,  11300,  12100,  0.05,   421, 0.045, 0.050),
    "902002": ("Pietragràcile",        18,   -9,    0,   6080,   2130,   1700,  0.20,   387, 0.110, 0.025),
    "902003": ("Serra dell'Ombra",     12,    8,    0,   2930,    980,    720,  0.45,   655, 0.160, 0.010),
    "902004": ("Acquafosca",           21,    5,    0,   1160,    400,    250,  0.60,   538, 0.130, 0.015),
}
# fmt: on
MUNICIPALITIES = {code: Municipality(*row) for code, row in ROWS.items()}
WITHOUT_COUNTS = "901012"  # split off too recently to have population and hazards, as happens in real data
WITHOUT_INTERNAL = "901009"  # nobody who lives there works there
ISLAND = "901010"
POLES = ("901001", "902001")
DEGURBA = {"901001": 1, "901002": 2, "901003": 2, "901005": 2, "902001": 2}  # 3: all others
LABOUR_AREAS = {  # drawn by hand, a little different from what the commuting flows say
    ("9001", "PORTALBA"): ("901001", "901002", "901003", "901004", "901010", "901012"),
    ("9002", "CASTELVÌVARO"): ("901005", "901006", "901007", "901008", "901009"),
    ("9003", "TORRESCURA"): ("901011", "902001", "902002", "902003", "902004"),
}
REGIONS = {"90": "Esperia", "91": "Tramarina"}
PROVINCES = {  # name, sign, legal kind, region, residents in thousands, how well off (0 to 1)
    "901": ("Valdoria", "VD", "provincia", "90", 129, 0.55),
    "902": ("Montebruno", "NA", "provincia", "90", 41, 0.48),  # the sign is a trap on purpose
    "903": ("Altacolle", "AK", "città metropolitana", "90", 910, 0.70),
    "904": ("Pianadoro", "PJ", "provincia", "90", 270, 0.82),
    "905": ("Selvachiara", "SJ", "città metropolitana", "91", 740, 0.35),
    "906": ("Rivamòra", "RJ", "libero consorzio comunale", "91", 320, 0.22),
    "907": ("Ventalta", "VJ", "libero consorzio comunale", "91", 180, 0.28),
    "908": ("Velmara", "VK", "libero consorzio comunale", "91", 95, 0.40),
}

# fmt: off
COAST = (
    (-20, -4), (-18, -10), (-12, -11), (-9, -8), (-5, -14), (2, -16), (8, -12), (16, -14), (24, -9), (23, 0),
    (26, 6), (20, 13), (11, 12), (5, 17), (-3, 14), (-9, 16), (-16, 13), (-18, 8), (-21, 4), (-17, 0),
)
# fmt: on
ISLAND_COAST = ((-30, -15), (-28, -18), (-25, -17), (-24, -14), (-27, -12))
# Worst and best value of each indicator among the provinces, and decimals: round figures of a plausible size.
WELLBEING_RANGES = """
01SAL001 81.5 84.5 1 | 01SAL004 4 1 1 | 01SAL005 1 0.2 1 | 01SAL006 9 6.5 1 | 01SAL007 42 27 1
01SAL020 21 15 1 | 02IST001 92 99 1 | 02IST002-N22 54 76 1 | 02IST003P-N22 20 38 1 | 02IST004 46 60 1
02IST006-N22 26 8 1 | 02IST007-N22 6 14 1 | 02IST010P 60 32 1 | 02IST011P 52 32 1 | 12SER002 6 32 1
03LAV001-N22 48 78 1 | 03LAV002-N22 30 5 1 | 03LAV003P-N22 22 46 1 | 03LAV004P 70 84 1
03LAV006P-N22 48 12 1 | 03LAV007 18 8 1 | 04BEC001P 15500 26500 0 | 04BEC002P 15500 27000 0
04BEC005P 17500 24500 0 | 04BEC006P 15 5.5 1 | 04BEC009P 0.9 0.3 1 | 05REL007P 30 52 1 | 05REL008 48 86 1
06POL001 36 62 1 | 06POL001P 40 63 1 | 06POL002P 27 41 1 | 06POL003P 20 32 1 | 06POL007P 60 95 1
06POL009P 65 82 1 | 06POL012P 170 85 1 | 07SIC001P 1.2 0.2 1 | 07SIC004P 360 100 1 | 07SIC005P 260 20 1
07SIC006P 60 11 1 | 07SIC007P 4.4 1.6 1 | 07SIC008P 7.5 2.3 1 | 09PAE002 0.1 2.4 2 | 09PAE008 2 18 1
09PAE009-N25 0.1 3.2 1 | 10AMB001P 32 17 0 | 10AMB002P 21 9 0 | 10AMB003 60 28 1 | 10AMB008 10 80 1
10AMB011 7 0.3 1 | 10AMB012 30 2 1 | 10AMB014 9 32 1 | 10AMB016 11 120 1 | 10AMB017 52 80 1
10AMB018P 13 3.5 1 | 10AMB024P 600 400 0 | 11RIC002 6 140 1 | 11RIC004P 0.9 1.7 1 | 11RIC022 32 84 1
11RIC025 -40 10 1 | 12SER002P 22 44 1 | 12SER003P-N25 22 42 1 | 12SER007 4.6 1.2 1 | 12SER008 700 4600 0
12SER020 48 86 1 | 12SER022 1.6 4.4 1 | 12SER024 28 100 1 | 12SER025 20 4 1
"""
GAPS = (  # indicator, territories (none named: all), years: what is not published, on purpose
    ("01SAL004", (), ("2023", "2024")),
    ("01SAL006", (), ("2024",)),
    ("05REL007P", (), ("2022", "2023")),
    ("06POL001P", (), ("2022", "2023")),
    ("06POL001P", ("905", "906", "907", "908"), ("2024",)),
    ("10AMB003", (), ("2023", "2024")),
    ("11RIC022", (), ("2023", "2024")),
    ("10AMB002P", ("904", "907"), YEARS),
    ("12SER008", ("902", "908"), YEARS),
    ("04BEC001P", ("902",), ("2024",)),
    ("07SIC006P", ("901",), ("2024",)),
    ("10AMB001P", ("907",), ("2023",)),
)


def _stream(topic: str) -> random.Random:
    return random.Random(f"{SEED} {topic}")


def _whole(shares: list[float], total: int, draw: random.Random) -> list[int]:
    """Whole numbers of the given total in proportion to `shares`: systematic rounding, so without bias."""
    start, scale, running, sums = draw.random(), total / sum(shares), 0.0, [0]
    for share in shares:
        running += share * scale
        sums.append(math.floor(running + start))
    sums[-1] = total
    return [after - before for before, after in pairwise(sums)]


def _fractal(ring: tuple[tuple[float, float], ...], draw: random.Random, rounds: int) -> Polygon:
    """Coast line through the points of `ring`: each side is broken at its middle, `rounds` times."""
    points = [*ring, ring[0]]
    for _ in range(rounds):
        broken = [points[0]]
        for (x0, y0), (x1, y1) in pairwise(points):
            shift = draw.uniform(-0.16, 0.16)
            broken += [((x0 + x1) / 2 + shift * (y1 - y0), (y0 + y1) / 2 - shift * (x1 - x0)), (x1, y1)]
        points = broken
    return Polygon(points)


def _to_degrees(geometry: shapely.Geometry) -> shapely.Geometry:
    degrees = shapely.transform(geometry, lambda points: points / KM_PER_DEGREE + ORIGIN)
    return shapely.transform(degrees, lambda points: points.round(5))


def _nearest(point: Point, codes: Iterable[str]) -> str:
    def distance(code: str) -> float:
        return point.distance(Point(MUNICIPALITIES[code][1:3])) - MUNICIPALITIES[code].reach

    return min(codes, key=distance)


def make_polygons() -> dict[str, Polygon]:
    """Polygons of the municipalities in degrees; neighbours share their vertices exactly.

    A fine Voronoi tessellation is clipped to the coast and rounded to 5 decimals (1 m); each municipality is
    the union of the cells nearest to its centre, so that borders are irregular and have no gap or overlap.
    """
    draw = _stream("shapes")
    land = _fractal(COAST, draw, rounds=4)
    west, south, east, north = land.bounds
    seeds = [
        (CELL_KM * (column + draw.uniform(0.1, 0.9)), CELL_KM * (row + draw.uniform(0.1, 0.9)))
        for column in range(math.floor(west / CELL_KM), math.ceil(east / CELL_KM))
        for row in range(math.floor(south / CELL_KM), math.ceil(north / CELL_KM))
    ]
    cells = shapely.voronoi_polygons(shapely.MultiPoint(seeds), extend_to=land.envelope.buffer(10))
    parts: dict[str, list[shapely.Geometry]] = {code: [] for code in MUNICIPALITIES if code != ISLAND}
    for piece in shapely.get_parts(shapely.intersection(shapely.get_parts(cells), land)):
        for part in shapely.get_parts(piece):  # a headland may leave a cell in several parts
            parts[_nearest(part.centroid, parts)].append(_to_degrees(part))
    polygons = {code: shapely.coverage_union_all(pieces) for code, pieces in parts.items()}
    polygons[ISLAND] = _to_degrees(_fractal(ISLAND_COAST, draw, rounds=4))
    # A canonical first vertex, then the direction RFC 7946 asks for.
    tidy = shapely.normalize(shapely.remove_repeated_points([polygons[code] for code in MUNICIPALITIES]))
    return dict(zip(MUNICIPALITIES, shapely.orient_polygons(tidy), strict=True))


def measure_areas(polygons: dict[str, Polygon]) -> dict[str, float]:
    """Area of each polygon, km2 with two decimals, in the equal-area system of the tables."""
    project = Transformer.from_crs("EPSG:4326", tables.CRS, always_xy=True).transform
    return {
        code: round(shapely.transform(polygon, project, interleaved=False).area / 1e6, 2)
        for code, polygon in polygons.items()
    }


def find_coastal(polygons: dict[str, Polygon]) -> set[str]:
    """Codes of the municipalities that have a side on the sea."""
    land = shapely.union_all([polygons[code] for code in polygons if code != ISLAND])
    sea = shapely.unary_union([land.exterior, polygons[ISLAND].exterior])
    return {code for code, polygon in polygons.items() if polygon.exterior.intersection(sea).length > 0}


def travel_minutes(origin: str, destination: str) -> float:
    """Invented road minutes between two centres: distance, climb and, for the island, the ferry."""
    here, there = MUNICIPALITIES[origin], MUNICIPALITIES[destination]
    ferry = 26 if (origin == ISLAND) != (destination == ISLAND) else 0
    climb = abs(here.altitude - there.altitude)
    return round(3 + 1.5 * math.hypot(here.x - there.x, here.y - there.y) + climb / 60 + ferry, 1)


def make_geojson(polygons: dict[str, Polygon]) -> str:
    """Text of ``municipalities.geojson``, one feature a line."""
    areas = measure_areas(polygons)
    features = []
    for code, municipality in MUNICIPALITIES.items():
        province, sign, _, region, *_ = PROVINCES[code[:3]]
        columns = (
            municipality.name,
            code[:3],
            province,
            sign,
            region,
            REGIONS[region],
            int(code in POLES),
            areas[code],
        )
        properties = {"code": code} | dict(zip(tables.MUNICIPALITIES.columns, columns, strict=True))
        geometry = shapely.geometry.mapping(polygons[code])
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    lines = [json.dumps(feature, ensure_ascii=False, separators=(",", ":")) for feature in features]
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"


def make_provinces() -> list[list]:
    """Rows of ``provinces.csv``."""
    rows = [[code, *row[:4], REGIONS[row[3]]] for code, row in PROVINCES.items()]
    return [["province", "name", "sign", "body", "region", "region_name"], *rows]


def make_population() -> list[list]:
    """Rows of ``population.csv``: Italian-like ages (few births, a crest at 55), more or less aged."""
    draw = _stream("population")
    rows: list[list] = [["code", *tables.AGE_COLUMNS]]
    for code, municipality in MUNICIPALITIES.items():
        if code == WITHOUT_COUNTS:
            continue
        shares = []
        for mortality in (3.0e-6, 5.5e-6):  # women, men: level of a Gompertz law of mortality
            for age in range(tables.OLDEST_AGE + 1):
                cohort = 0.58 + 0.42 * math.exp(-(((age - 54) / 19) ** 2)) - 0.006 * max(0, 18 - age)
                survival = math.exp(-mortality / 0.115 * (math.exp(0.115 * age) - 1))
                older = math.exp(municipality.ageing * (age - 45) / 45)
                shares.append(cohort * survival * older * draw.uniform(0.95, 1.05))
        rows.append([code, *_whole(shares, municipality.residents, draw)])
    return rows


def make_flows() -> list[list]:
    """Rows of ``flows.csv``: a gravity model held to the residents who work; only pairs above zero."""
    draw = _stream("flows")
    rows: list[list] = [["origin", "destination", "commuters"]]
    for origin, municipality in MUNICIPALITIES.items():
        pull = []
        for destination, there in MUNICIPALITIES.items():
            decay = math.exp(-travel_minutes(origin, destination) / DECAY_MINUTES)
            pull.append(there.jobs * decay * draw.uniform(0.85, 1.15))
        own = list(MUNICIPALITIES).index(origin)
        pull[own] *= 0 if origin == WITHOUT_INTERNAL else OWN_PULL
        flows = _whole(pull, municipality.employed, draw)
        rows += [[origin, code, flow] for code, flow in zip(MUNICIPALITIES, flows, strict=True) if flow]
    return rows


def make_hazards(areas: dict[str, float]) -> list[list]:
    """Rows of ``hazards.csv``: exposed territory, and exposed units in proportion to it, less a half."""
    draw = _stream("hazards")
    header = ["code", *tables.HAZARDS.columns]
    rows: list[list] = [header]
    for code, municipality in MUNICIPALITIES.items():
        if code == WITHOUT_COUNTS:
            continue
        # The publisher's denominator is of another year than the population table, as in real data.
        residents = round(municipality.residents * draw.uniform(0.99, 1.03))
        totals = {
            "residents": residents,
            "families": round(residents / 2.2),
            "buildings": round(residents / 3.4),
            "local_units": round(residents / 12),
            "heritage": 2 + round(residents / 350),
        }
        values: dict[str, float] = dict(totals)
        for kind in ("landslide", "flood"):
            share = getattr(municipality, kind)
            values[f"{kind}_area_km2"] = round(share * areas[code], 2)
            for unit, total in totals.items():
                values[f"{kind}_{unit}"] = round(total * share * draw.uniform(0.3, 0.7))
        rows.append([code, *(values[name] for name in header[1:])])
    return rows


def make_inner_areas() -> list[list]:
    """Rows of ``inner_areas.csv``: class by minutes to the nearest pole, limits as in the 2020 map (SNAI)."""
    rows: list[list] = [["code", "snai_class", "minutes_to_pole", "pole_code", "pole_name"]]
    for code in MUNICIPALITIES:
        pole = min(POLES, key=lambda candidate: (candidate != code, travel_minutes(code, candidate)))
        minutes = 0.0 if code == pole else travel_minutes(code, pole)
        limits = ((0, "A"), (27.7, "C"), (40.9, "D"), (66.9, "E"), (math.inf, "F"))
        snai_class = next(name for limit, name in limits if minutes <= limit)
        rows.append([code, snai_class, minutes, pole, MUNICIPALITIES[pole].name])
    return rows


def make_classification(coastal: set[str]) -> list[list]:
    """Rows of ``classification.csv``: zone by altitude (mountain from 600 m, hill from 100 m) and coast."""
    rows: list[list] = [["code", "degurba", "altimetric_zone", "altitude_m", "coastal", "island"]]
    for code, municipality in MUNICIPALITIES.items():
        altitude, by_sea = municipality.altitude, int(code in coastal)
        zone = 5 if altitude < 100 else (1 if altitude >= 600 else 3) + by_sea
        rows.append([code, DEGURBA.get(code, 3), zone, altitude, by_sea, int(code == ISLAND)])
    return rows


def make_labour_areas() -> list[list]:
    """Rows of ``labour_areas.csv``."""
    rows = [[code, *area] for code in MUNICIPALITIES for area in LABOUR_AREAS if code in LABOUR_AREAS[area]]
    return [["code", "area", "area_name"], *rows]


def make_wellbeing() -> list[list]:
    """Rows of ``wellbeing.csv``; a region and the country are the mean of their provinces, by residents."""
    draw = _stream("wellbeing")
    groups = {"IT": list(PROVINCES)}
    groups |= {f"R{region}": [p for p in PROVINCES if PROVINCES[p][3] == region] for region in REGIONS}
    rows: list[list] = [["territory", "indicator", "year", "value"]]
    for entry in WELLBEING_RANGES.strip().replace("\n", "|").split("|"):
        indicator, worst, best, decimals = entry.split()
        places = int(decimals) or None  # None: a whole number
        level = {code: row[5] + draw.uniform(-0.2, 0.2) for code, row in PROVINCES.items()}
        for order, year in enumerate(YEARS):
            values = {}
            for code in PROVINCES:
                place = min(1.0, max(0.0, level[code] + 0.015 * order + draw.uniform(-0.02, 0.02)))
                values[code] = float(worst) + (float(best) - float(worst)) * place
            for group, members in groups.items():
                residents = sum(PROVINCES[code][4] for code in members)
                values[group] = sum(PROVINCES[code][4] * values[code] for code in members) / residents
            rows += [
                [territory, indicator, year, round(value, places)]
                for territory, value in values.items()
                if not any(
                    indicator == name and year in years and territory in (territories or values)
                    for name, territories, years in GAPS
                )
            ]
    return rows


def write_example(folder: Path) -> None:
    """Write every data file of the example into `folder`, which must exist; the same names are replaced."""
    polygons = make_polygons()
    rows = {
        "provinces": make_provinces(),
        "population": make_population(),
        "flows": make_flows(),
        "hazards": make_hazards(measure_areas(polygons)),
        "inner_areas": make_inner_areas(),
        "classification": make_classification(find_coastal(polygons)),
        "labour_areas": make_labour_areas(),
        "wellbeing": make_wellbeing(),
    }
    (folder / "municipalities.geojson").write_text(make_geojson(polygons), encoding="utf-8", newline="\n")
    for name, table in rows.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(__file__).parent, help="default: this one"
    )
    write_example(parser.parse_args().folder)
