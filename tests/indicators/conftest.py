"""A toy country of four municipalities, and Italy where the mirror is."""

import numpy as np
import pandas as pd
import pytest

from diagnosis.tables import AGE_COLUMNS, BUSINESS, DAILY_TRAVEL_2011, GRADES, INCOME
from diagnosis.tables.energy import KEY_SECTORS

CODES = ["901001", "901002", "901003", "901004"]


def people(**by_age):
    return pd.Series(by_age, dtype=float).reindex(AGE_COLUMNS).fillna(0)


@pytest.fixture
def tables():
    """Municipality 3 has no population, 4 no resident workers; one flow leaves the country (999999)."""
    population = pd.DataFrame(
        {
            "901001": people(f2=10, f30=20, f70=30, m10=10, m62=20, m17=10),
            "901002": people(f90=40, m40=60),
            "901004": people(f50=6000),
        }
    ).T
    flows = pd.DataFrame(
        [
            ("901001", "901001", 60),
            ("901001", "901002", 20),
            ("901001", "901003", 10),
            ("901001", "901004", 10),
            ("901002", "901002", 10),
            ("901002", "901001", 40),
            ("901003", "901003", 5),
            ("901003", "901001", 10),
            ("901003", "999999", 5),
        ],
        columns=["origin", "destination", "commuters"],
    )
    hazards = pd.DataFrame(
        {
            "residents": [200.0, 100, 50, 5000],
            "landslide_area_km2": [5.0, 0, 1, 0],
            "landslide_residents": [20.0, 40, 0, 0],
            "flood_area_km2": [0.0, 10, 2, 0],
            "flood_residents": [0.0, 50, 0, 0],
            "heritage": [0.0, 4, 2, 1],
            "landslide_heritage": [0.0, 1, 0, 0],
            "flood_heritage": [0.0, 2, 0, 0],
        },
        index=CODES,
    )
    inner_areas = pd.DataFrame(
        {"snai_class": ["A", "D", "E"], "minutes_to_pole": [0.0, 40, 60]}, index=CODES[:3]
    )
    classification = pd.DataFrame(
        {
            "degurba": ["1", "3", "3", "2"],
            "altimetric_zone": ["5", "1", "2", "4"],
            "altitude_m": [10.0, 800, 600, 100],
        },
        index=CODES,
    )
    return {
        "municipalities": pd.DataFrame({"area_km2": [50.0, 100, 10, 0]}, index=pd.Index(CODES, name="code")),
        "population": population,
        "flows": flows,
        "hazards": hazards,
        "inner_areas": inner_areas,
        "classification": classification,
    }


def services(codes, random):
    """Schools and libraries that some places lack; pupils, and residents at further dates, everywhere."""
    number = len(codes)

    def table(first, *columns):
        values = random.poisson(3, (number, len(columns))) + float(first)
        return pd.DataFrame(values, index=codes, columns=list(columns))

    schools = table(0, *(f"{grade}_schools" for grade in GRADES), "first_cycle_led_elsewhere") // 4
    residents = pd.DataFrame({"code": np.tile(codes, 2), "year": np.repeat(["2025", "2026"], number)})
    residents["residents"] = random.integers(500, 9000, 2 * number).astype(float)
    pupils = table(
        1, *(f"{grade}_pupils" for grade in GRADES), "primary_counted_schools", "preschool_state_pupils"
    )
    return {
        "schools": schools.join(table(3, "first_cycle_state_schools")),
        "pupils": pupils.assign(**{f"{grade}_pupils_at_most": pupils[f"{grade}_pupils"] for grade in GRADES}),
        "libraries": table(0, "libraries") // 4,
        "residents_by_year": residents.assign(provisional=np.repeat([0, 1], number)),
    }


def covenant(codes, random):
    """Everybody signed the Covenant of Mayors, some are on hold; all inventories are sound and of one year."""
    number = len(codes)
    names = pd.Index([f"IT{position:04d}" for position in range(number)], name="signatory")
    later = random.integers(0, 2, number)
    signatories = pd.DataFrame(
        {
            "kind": "municipality",
            "code": codes,
            "match": "name",
            "possible": None,
            "status": random.choice(["published", "on_hold"], number),
            "group": np.where(random.integers(0, 2, number), "IT9999", None),
            "residents": random.integers(900, 1100, number).astype(float),
            "commitment_2020": 1 - later,
            "commitment_2030": later,
            "commitment_2050": 0,
            "adaptation": 0,
        },
        index=names,
    )
    sectors = random.uniform(400, 600, (number, len(KEY_SECTORS)))
    inventories = pd.DataFrame(sectors, columns=list(KEY_SECTORS)).assign(
        signatory=names,
        kind="baseline",
        year="2005",
        factors="IPCC",
        residents=signatories["residents"].to_numpy(),
    )
    return {"covenant_signatories": signatories, "emission_inventories": inventories}


def economy(codes, random):
    """Declared incomes, enterprises and daily travel; nothing is kept secret."""
    number = len(codes)

    def table(contract, scale):
        columns = [name for name in contract.columns if name != "masked"]
        values = random.uniform(0.9, 1.1, (number, len(columns))) * scale
        return pd.DataFrame(values, index=codes, columns=columns)

    income = table(INCOME, 2000)
    income["income_filers"] = random.uniform(7000, 9000, number)  # those of all classes
    travel = table(DAILY_TRAVEL_2011, 40).reset_index(drop=True)
    away = travel.assign(origin=codes, destination=random.choice(codes, number), purpose="work")
    home = travel.assign(origin=codes, destination=codes, purpose="study")
    return {
        "income": income,
        "business": table(BUSINESS, 500),
        "daily_travel_2011": pd.concat([home, away], ignore_index=True),
    }


def road_times(codes, random):
    """Minutes between any two municipalities, another number each way."""
    pairs = pd.MultiIndex.from_product([codes, codes], names=["origin", "destination"])
    minutes = pd.Series(random.uniform(5, 90, len(pairs)), index=pairs, name="minutes").reset_index()
    return minutes[minutes["origin"] != minutes["destination"]].assign(km=10.0)


def random_tables(seed=0, number=60, ends=900):
    """A country without gaps, for properties that must hold whatever the numbers."""
    random = np.random.default_rng(seed)
    codes = pd.Index([f"9{index:05d}" for index in range(number)], name="code")

    def counts(columns, scale):
        values = random.poisson(scale, (number, len(columns))) + 1.0
        return pd.DataFrame(values * random.integers(1, 20, (number, 1)), index=codes, columns=columns)

    what = ["residents", "buildings", "local_units", "heritage"]
    exposed = [f"{hazard}_{name}" for hazard in ("landslide", "flood") for name in (*what, "area_km2")]
    flows = pd.DataFrame(
        {
            "origin": random.choice(codes, ends),
            "destination": random.choice(codes, ends),
            "commuters": random.integers(1, 50, ends).astype(float),
        }
    )
    everyone = pd.DataFrame({"origin": codes, "destination": codes, "commuters": 40.0})
    flows = pd.concat([flows, everyone]).groupby(["origin", "destination"], as_index=False).sum()
    return {
        "municipalities": pd.DataFrame(
            {
                "area_km2": random.uniform(5, 200, number),
                "province": "900",
                "capital": (np.arange(number) == 0).astype(int),
            },
            index=codes,
        ),
        "population": counts(list(AGE_COLUMNS), 4),
        "flows": flows,
        "hazards": counts(what, 500).join(counts(exposed, 20)),
        "inner_areas": pd.DataFrame(
            {
                "snai_class": random.choice(list("ABCDEF"), number),
                "minutes_to_pole": random.uniform(0, 90, number),
            },
            index=codes,
        ),
        **services(codes, random),
        **covenant(codes, random),
        **economy(codes, random),
        "travel_times": road_times(codes, random),
        "classification": pd.DataFrame(
            {
                "degurba": random.choice(list("123"), number),
                "altimetric_zone": random.choice(list("12345"), number),
                "altitude_m": random.uniform(0, 1500, number),
            },
            index=codes,
        ),
    }


@pytest.fixture(scope="session")
def make_tables():
    return random_tables


@pytest.fixture(scope="session")
def italy(mirror, tmp_path_factory):
    """The real tables, through the project's own readers."""
    from diagnosis.config import default_settings
    from diagnosis.territory import load_country

    return load_country(default_settings(tmp_path_factory.mktemp("italy"), mirror=mirror)).tables
