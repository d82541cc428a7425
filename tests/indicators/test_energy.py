import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.indicators import compute, gap_reasons
from diagnosis.indicators.cooperation import energy_alliances
from diagnosis.indicators.energy import (
    DOUBTS,
    MEASURES,
    REASSIGNED_FROM,
    baselines,
    membership,
    municipal_baselines,
)
from diagnosis.tables import AGE_COLUMNS
from diagnosis.tables.energy import COVENANT_SIGNATORIES, EMISSION_INVENTORIES, KEY_SECTORS, SECTORS

CODES = pd.Index([f"90100{number}" for number in range(1, 9)], name="code")
NAMES = list(MEASURES)
SHARES = [f"{sector}_emissions_share" for sector in KEY_SECTORS]


def signatory(name, code, *commitments, status="published", residents=1000.0, **fields):
    row = {
        "signatory": name,
        "kind": "municipality" if code else "unmatched",
        "code": code,
        "match": "name" if code else None,
        "candidates": None,
        "possible": None,
        "name": None,
        "status": status,
        "adhesion": "individual",
        "adhesion_date": "2010-01-01",
        "group": None,
        "group_name": None,
        "residents": residents,
        **{f"commitment_{year}": int(year in commitments) for year in (2020, 2030, 2050)},
        "adaptation": int("A" in commitments),
    }
    return row | fields


def inventory(name, *tonnes, year="2005", residents=1000.0, factors="IPCC", kind="baseline", number="1"):
    values = dict(zip(SECTORS, (*tonnes, np.nan, np.nan), strict=True))
    energy = {f"{sector}_energy": np.nan for sector in SECTORS}
    facts = {"kind": kind, "year": year, "residents": residents, "factors": factors}
    return {"signatory": name, "inventory": number, **facts, **values, **energy}


def signatories(*rows):
    return COVENANT_SIGNATORIES.check(pd.DataFrame(rows))


def inventories(*rows):
    return EMISSION_INVENTORIES.check(pd.DataFrame(rows))


@pytest.fixture
def tables():
    """1 and 2 are alike; 3 is of another year; 4 lacks homes; 5 on hold, 6 unsure, 7 a former part, 8 nothing."""
    joint = {"group": "IT0099", "group_name": "Valle", "adhesion": "joint_collective"}
    people = pd.DataFrame(0.0, CODES, AGE_COLUMNS)
    people["f30"] = [1000.0, 2000, 1000, 1000, 500, 100, 300, 100]
    return {
        "municipalities": pd.DataFrame({"area_km2": 1.0}, index=CODES),
        "population": people,
        "covenant_signatories": signatories(
            signatory("IT0001", CODES[0], 2020, 2030, **joint),
            signatory("IT0002", CODES[1], 2020, residents=2000.0, **joint),
            signatory("IT0003", CODES[2], 2050),
            signatory("IT0004", CODES[3], "A"),
            signatory("IT0005", CODES[4], 2020, status="on_hold", **joint),
            signatory("IT0006", None, 2020, possible=CODES[5], candidates=CODES[5]),
            signatory("IT0007", CODES[6], 2020, match="former", residents=100.0, **joint),
        ),
        "emission_inventories": inventories(
            inventory("IT0001", 100, 500, 1400, 1000),
            inventory("IT0002", 100, 700, 4000, 1200, residents=2000.0),
            inventory("IT0003", 100, 500, 1500, 1100, year="2010"),
            inventory("IT0004", 100, 500, np.nan, 1000),
            inventory("IT0005", 1, 1, 1, 1, residents=100.0),
            inventory("IT0007", 10, 50, 140, 100, residents=100.0),
            inventory("IT0001", 1, 1, 1, 1, kind="monitoring", number="2"),
        ),
    }


def test_commitments_by_hand(tables):
    values = compute(tables, only=NAMES)
    assert values["covenant_commitment"].fillna("?").tolist() == [
        "2030",
        "2020",
        "2050",
        "A",
        "S",
        "?",
        "?",
        "N",
    ]
    assert values["covenant_municipalities_share"].tolist()[:5] == [100, 100, 100, 100, 0]
    assert values["covenant_municipalities_share"].isna().tolist()[5:] == [True, True, False]
    assert values["covenant_2030_residents_share"].tolist()[:5] == [100, 0, 100, 0, 0]
    assert values["joint_plan_municipalities_share"].tolist()[:5] == [100, 100, 0, 0, 0]


def test_groups_leave_out_what_is_not_known(tables):
    groups = pd.Series("all", index=CODES)
    values = compute(tables, groups=groups, only=NAMES).loc["all"]
    assert values["covenant_municipalities_share"] == pytest.approx(100 * 4 / 6)
    assert values["covenant_residents_share"] == pytest.approx(100 * 5000 / 5600)
    assert values["covenant_2030_residents_share"] == pytest.approx(100 * 2000 / 5600)
    assert values["joint_plan_municipalities_share"] == pytest.approx(100 * 2 / 6)


def test_emissions_by_hand(tables):
    values = compute(tables, only=NAMES)
    assert values["baseline_emissions_per_head"].tolist()[:3] == [3, 3, 3.2]
    assert values["baseline_year"].tolist()[:3] == ["2005", "2005", "2010"]
    assert values.loc[CODES[0], SHARES].tolist() == pytest.approx([100 / 30, 500 / 30, 1400 / 30, 1000 / 30])
    reasons = gap_reasons(values, tables).set_index(["indicator", "code"])["reason"]
    assert reasons["baseline_emissions_per_head"].to_dict() == {
        CODES[3]: "doubtful_inventory",
        CODES[4]: "doubtful_inventory",
        CODES[5]: "not_in_source",
        CODES[6]: "not_in_source",
        CODES[7]: "not_in_source",
    }
    assert reasons["covenant_commitment"].to_dict() == dict.fromkeys(CODES[5:7], "name_not_matched")


def test_inventories_are_added_up_only_if_all_are_of_one_year_and_method(tables):
    groups = pd.Series(["a", "a", "b", "b", "c", "c", "c", "c"], index=CODES)
    values = compute(tables, groups=groups, only=NAMES)
    assert values.at["a", "baseline_emissions_per_head"] == pytest.approx(9000 / 3000)
    assert values.at["a", "residential_emissions_share"] == pytest.approx(100 * 5400 / 9000)
    assert values.loc[["b", "c"], ["baseline_emissions_per_head", *SHARES]].isna().all(axis=None)
    reasons = gap_reasons(values, tables, groups).set_index(["indicator", "code"])["reason"]
    assert reasons["baseline_emissions_per_head"].to_dict() == {
        "b": "differing_inventories",
        "c": "member_without_data",
    }
    tables["emission_inventories"]["factors"] = ["IPCC", "LCA", *["IPCC"] * 5]
    assert np.isnan(compute(tables, groups=groups, only=NAMES).at["a", "transport_emissions_share"])


def test_nobody_in_a_group_is_no_error(tables):
    nobody = pd.Series([None] * 8, index=CODES, dtype=object)
    assert compute(tables, groups=nobody, only=NAMES).shape == (0, len(NAMES))


def test_without_a_source_the_values_are_missing_and_say_why(tables):
    for name, lost in (("covenant_signatories", NAMES), ("emission_inventories", NAMES[5:])):
        poorer = tables | {name: None}
        values = compute(poorer, only=NAMES)
        assert values[lost].isna().all(axis=None)
        assert set(gap_reasons(values[lost], poorer)["reason"]) == {"source_missing"}


def test_two_signatures_of_one_municipality_count_with_the_best_of_both():
    found = membership(
        signatories(
            signatory("IT0001", CODES[0], 2050, status="on_hold", group="IT0009"),
            signatory("IT0002", CODES[0], 2020),
            signatory("IT0003", CODES[0], 2030, match="former"),
        ),
        CODES[:1],
    )
    assert found.iloc[0].tolist() == ["2020", 1, 0]


def test_doubts_are_flagged_and_nothing_is_dropped():
    usual = [100, 500, 1500, 1000]
    rows = [signatory(f"IT{number:04d}", None) for number in range(1, 60)]
    rows += [signatory(REASSIGNED_FROM, None)]
    declared = [
        inventory(f"IT{number:04d}", *(np.array(usual) * (1 + number / 100))) for number in range(1, 50)
    ]
    doubtful = [
        inventory(REASSIGNED_FROM, *usual),
        inventory("IT0999", *usual),
        inventory("IT0050", *(value * 2 for value in usual), residents=2000.0),
        inventory("IT0051", 0, 500, 1500, 1000),
        inventory("IT0052", *(value * 1000 for value in usual)),
    ]
    found = baselines(inventories(*declared, *doubtful), signatories(*rows))
    assert found["doubt"].tolist() == [""] * 49 + list(DOUBTS)
    assert found.at["IT0052", "per_head"] == 3100
    today = pd.Series({CODES[0]: 2100.0})
    rows[49] = signatory("IT0050", CODES[0])
    found = baselines(inventories(*declared, *doubtful), signatories(*rows), today)
    # The number declared at adhesion was wrong, that of the inventory is not.
    assert found.at["IT0050", "doubt"] == ""


def test_of_two_inventories_the_sound_one_counts():
    listed = signatories(
        signatory("IT0001", CODES[0]), signatory("IT0002", CODES[0]), signatory("IT0003", CODES[0])
    )
    found = municipal_baselines(
        inventories(
            inventory("IT0001", 1, 1, 1, 1, year="2000"),
            inventory("IT0002", 1, 1, 1, 1, year="2005"),
            inventory("IT0003", 1, 1, 1, np.nan, year="2010"),
        ),
        listed,
    )
    assert found["year"].to_dict() == {CODES[0]: "2005"}


@given(st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_sectors_add_up_to_all_whatever_the_groups(positions):
    listed = signatories(*(signatory(f"IT000{n}", code, 2030) for n, code in enumerate(CODES)))
    declared = inventories(*(inventory(f"IT000{n}", 10 + n, 50, 140 - n, 100) for n in range(8)))
    everything = {
        "municipalities": pd.DataFrame({"area_km2": 1.0}, index=CODES),
        "covenant_signatories": listed,
        "emission_inventories": declared,
    }
    groups = pd.Series([f"g{position}" for position in positions], index=CODES)
    values = compute(everything, groups=groups, only=NAMES)
    assert np.allclose(values[SHARES].sum(axis=1), 100)
    assert np.allclose(values["baseline_emissions_per_head"], 0.3)
    assert (values["covenant_municipalities_share"] == 100).all()


def test_alliances_are_a_list_of_municipalities_and_plans(tables):
    found = energy_alliances(tables["covenant_signatories"])
    assert found["code"].tolist() == [CODES[0], CODES[1], CODES[4], CODES[6]]
    assert set(found["alliance"]) == {"IT0099"}
    assert found["status"].tolist() == ["published", "published", "on_hold", "published"]
    assert found["former"].tolist() == [0, 0, 0, 1]
    again = tables["covenant_signatories"].assign(status="on_hold", match="former").add_suffix("b", axis=0)
    assert energy_alliances(pd.concat([tables["covenant_signatories"], again])).equals(found)


@pytest.fixture(scope="module")
def real(mirror):
    from diagnosis.sources import embedded, jrc

    return {
        "municipalities": embedded.read_register(),
        "population": embedded.read_population(),
        "covenant_signatories": jrc.read_signatories(
            mirror / "jrc/df1_Signatories_2024.xlsx", mirror / "istat/comuni-soppressi_ISTAT.csv"
        ),
        "emission_inventories": jrc.read_inventories(mirror / "jrc/CoM_dataset2019_allinitial.xlsx"),
    }


def test_identifiers_were_reassigned_between_the_two_releases(real):
    found, listed = real["emission_inventories"], real["covenant_signatories"]
    found = found[found["kind"] == "baseline"].set_index("signatory")
    alike = (found["residents"] / listed["residents"].reindex(found.index)).between(1 / 1.5, 1.5)
    before = found.index < REASSIGNED_FROM
    assert alike[before].mean() > 0.98
    assert alike[~before].mean() < 0.2
    assert (~before).sum() == 108
    doubts = baselines(real["emission_inventories"], listed, real["population"].sum(axis=1))["doubt"]
    assert doubts.value_counts().to_dict() == {
        "": 2868,
        "sectors": 218,
        "identifier": 108,
        "population": 26,
        "outlier": 24,
        "not_listed": 1,
    }


def test_indicators_of_italy(real):
    values = compute(real, only=NAMES)
    assert values["covenant_commitment"].value_counts().to_dict() == {
        "N": 3155,
        "2020": 2843,
        "2030": 938,
        "S": 659,
        "2050": 262,
        "A": 1,
    }
    assert values["baseline_emissions_per_head"].notna().sum() == 2785
    assert values["baseline_emissions_per_head"].between(1, 12.1).sum() == 2785
    gaps = gap_reasons(values, real)
    assert len(gaps) == values.isna().sum().sum()
    assert set(gaps["reason"]) == {"not_in_source", "name_not_matched", "doubtful_inventory"}
    country = compute(real, groups=pd.Series("IT", index=values.index), only=NAMES).loc["IT"]
    assert country["covenant_residents_share"] == pytest.approx(73.9, abs=0.05)
    alliances = energy_alliances(real["covenant_signatories"])
    assert alliances["alliance"].nunique() == 193


def test_declared_emissions_agree_in_order_with_the_grid(real, mirror):
    from diagnosis.sources.jrc import read_emissions_2005

    found = baselines(real["emission_inventories"], real["covenant_signatories"])
    found = found[(found["doubt"] == "") & (found["year"] == "2005")]
    grid = read_emissions_2005(mirror / "jrc/EDGAR_RCO_TCO_20052.xlsx").reindex(found.index)
    buildings = found[["municipal", "tertiary", "residential"]].sum(axis=1)
    assert buildings.corr(grid["buildings"], method="spearman") > 0.7
    assert found["transport"].corr(grid["road"], method="spearman") > 0.6
