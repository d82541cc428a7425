"""A toy country of four municipalities, and Italy where the mirror is."""

import numpy as np
import pandas as pd
import pytest

from diagnosis.tables import AGE_COLUMNS

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
        "municipalities": pd.DataFrame({"area_km2": random.uniform(5, 200, number)}, index=codes),
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
def italy(mirror):
    """The real tables, through the project's own readers."""
    from diagnosis.sources import dpcoe, embedded, ispra, istat

    return {
        "municipalities": embedded.read_municipalities(),
        "population": embedded.read_population(),
        "flows": istat.read_commuting(mirror / "istat" / "matrix_pendoLAVORO_2021_completed.zip"),
        "hazards": ispra.read_hazards(mirror / "ispra" / "ispra_idrogeo_comuni_2021.csv"),
        "inner_areas": dpcoe.read_inner_areas(
            mirror / "dpcoe" / "mappa-ai-2020-elenco-classificazione-comuni.xlsx"
        ),
        "classification": istat.read_classification(
            mirror / "istat" / "Classificazioni_statistiche_comuni_01_01_2023.xlsx"
        ),
        "wellbeing": istat.read_wellbeing(mirror / "istat" / "Bes_dei_territori_indic_provincia.xlsx"),
    }
