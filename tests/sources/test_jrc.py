import pandas as pd
import pytest

from diagnosis.errors import InputError, SourceError
from diagnosis.sources import jrc
from diagnosis.sources.embedded import read_register
from diagnosis.tables.energy import COMMITMENTS, COVENANT_SIGNATORIES, SECTORS

HEADER = [
    "organisation_id",
    "organisation_name",
    "coordinator_name",
    "supporter_name",
    "country_code",
    "country_name",
    "population_adhesion",
    "organisation_latitude",
    "organisation_longitude",
    "group_organisation_id",
    "group_name",
    "commitment_CoM2020_flag",
    "commitment_CoM2030_flag",
    "commitment_CoM2050_flag",
    "commitment_mayoradapt_flag",
    "adhesion_type",
    "signatory_status",
    "mayor",
    "date_of_adhesion",
    "action_plan_expected",
    "group_profile",
    "gcom_id",
]
ALONE = "As an individual signatory"
TOGETHER = "As a group of signatories committing collectively (joint SEAP - option 2)"
MAYOR = "Norberto Inventato"
INVENTORY = [
    "GCoM_ID",
    "emission_inventory_id",
    "emission_inventory_sector",
    "type_of_emissions",
    "type_of_emission_inventory",
    "inventory_year",
    "population_in_the_inventory_year",
    "activity_data",
    "emission_factor_type",
    "emissions",
]


def signatory(number, name, **fields):
    values = {
        **dict.fromkeys(HEADER, "-"),
        "organisation_id": str(number),
        "organisation_name": name,
        "country_code": "it",
        "population_adhesion": 1000.0,
        "adhesion_type": ALONE,
        "signatory_status": "published",
        "mayor": MAYOR,
        "date_of_adhesion": "2010-01-26 00:00:00",
        "gcom_id": f"IT{number:04d}",
        "group_profile": "False",
        **{name: "False" for name in HEADER if name.startswith("commitment")},
        "commitment_CoM2030_flag": "True",
    }
    return [(values | fields)[name] for name in HEADER]


@pytest.fixture(scope="module")
def suppressed(tmp_path_factory):
    path = tmp_path_factory.mktemp("istat") / "soppressi.csv"
    path.write_text(
        "Data evento;Codice Comune;Denominazione Comune;Codice del Comune associato alla variazione\n"
        "01/01/2014;037023;Crespellano;037061\n"
    )
    return path


@pytest.fixture(scope="module")
def read(tmp_path_factory, write_workbook, suppressed):
    folder = tmp_path_factory.mktemp("jrc")

    def read(*rows, header=HEADER):
        sheets = {"README": [["about"], [MAYOR]], jrc.SIGNATORIES_SHEET: [header, *rows]}
        return jrc.read_signatories(write_workbook(folder / "s.xlsx", sheets), suppressed)

    return read


@pytest.fixture(scope="module")
def frame(read):
    group = {"group_organisation_id": "9", "group_name": "Terre unite ", "adhesion_type": TOGETHER}
    return read(
        signatory(1, "Comune di Torino"),
        signatory(2, "Crespellano"),
        signatory(3, "Unione dei Comuni della Luna"),
        signatory(4, "Norberto Inventato"),
        signatory(5, "Castel Inesistente", population_adhesion="-"),
        signatory(6, "Samone"),
        signatory(7, "ASTI", **group, signatory_status="on-hold"),
        signatory(9, "Torino e Asti", group_profile="True", adhesion_type=TOGETHER),
        signatory(10, "Asti", group_profile="True", adhesion_type=TOGETHER),
        signatory(11, "Milano", country_code="fr"),
    )


def test_signatories_are_matched_by_name(frame):
    assert frame.index.name == "signatory"
    assert frame["kind"].to_dict() == {
        "IT0001": "municipality",
        "IT0002": "municipality",
        "IT0003": "body",
        "IT0004": "unmatched",
        "IT0005": "unmatched",
        "IT0006": "unmatched",
        "IT0007": "municipality",
        "IT0009": "group",
        "IT0010": "municipality",  # the head of a group that lists no members
    }
    assert frame["code"].dropna().to_dict() == {
        "IT0001": "001272",
        "IT0002": "037061",
        "IT0007": "005005",
        "IT0010": "005005",
    }
    assert frame.at["IT0002", "match"] == "former"
    assert len(frame.at["IT0006", "possible"].split()) == 2
    assert frame.loc["IT0007", ["group", "group_name", "adhesion", "status"]].tolist() == [
        "IT0009",
        "Terre unite",
        "joint_collective",
        "on_hold",
    ]
    assert frame.loc["IT0001", list(COMMITMENTS)].tolist() == [0, 1, 0, 0]
    assert frame.at["IT0001", "adhesion_date"] == "2010-01-26"
    assert pd.isna(frame.at["IT0005", "residents"])
    assert "4 of 9 signatories are matched" in frame.attrs["notes"][0]


def test_no_name_of_a_person_is_kept(frame):
    assert not set(jrc.SIGNATORY_COLUMNS) & {"mayor", "supporter_name"}
    assert set(frame.columns) == set(COVENANT_SIGNATORIES.columns)
    assert (
        not frame.astype(str).apply(lambda column: column.str.contains("Norberto|Inventato")).any(axis=None)
    )
    assert pd.isna(frame.at["IT0004", "name"])
    assert frame.at["IT0005", "name"] == "Castel Inesistente"


def test_broken_lists_are_refused(read):
    with pytest.raises(InputError, match=r"'commitment_2030' must be True or False.*'maybe'"):
        read(signatory(1, "Torino", commitment_CoM2030_flag="maybe"))
    with pytest.raises(InputError, match=r"'status' must be one of.*'gone'"):
        read(signatory(1, "Torino", signatory_status="gone"))
    with pytest.raises(InputError, match=r"'adhesion' must be one of.*'otherwise'"):
        read(signatory(1, "Torino", adhesion_type="otherwise"))
    with pytest.raises(InputError, match=r"must be there once.*'IT0001'"):
        read(signatory(1, "Torino"), signatory(1, "Asti"))
    with pytest.raises(SourceError, match="it has none"):
        read(signatory(1, "Paris", country_code="fr"))
    with pytest.raises(SourceError, match="'gcom_id'"):
        read(signatory(1, "Torino")[:-1], header=HEADER[:-1])


def inventory(signatory, number, sector, emissions, kind="baseline", scope="direct_emissions"):
    return [
        signatory,
        str(number),
        sector,
        scope,
        f"{kind}_emission_inventory",
        2005.0,
        1000.0,
        50.0,
        "IPCC",
        emissions,
    ]


def test_inventories_add_direct_and_indirect_emissions(tmp_path, write_workbook):
    homes, roads = "Residential buildings and facilities", "Transportation"
    rows = [
        inventory("IT0001", 7, homes, 100.0),
        inventory("IT0001", 7, homes, 20.0, scope="indirect_emissions"),
        inventory("IT0001", 7, roads, 300.0),
        inventory("IT0001", 8, roads, 250.0, "monitoring"),
        inventory("AL0001", 9, roads, 1.0),
    ]
    path = write_workbook(tmp_path / "i.xlsx", {"all": [INVENTORY, *rows]})
    found = jrc.read_inventories(path)
    assert found[["signatory", "inventory", "kind", "year", "factors"]].values.tolist() == [
        ["IT0001", "7", "baseline", "2005", "IPCC"],
        ["IT0001", "8", "monitoring", "2005", "IPCC"],
    ]
    assert found["residential"].tolist()[0] == 120
    assert found["residential_energy"].tolist()[0] == 100
    assert found["transport"].tolist() == [300, 250]
    assert found["waste"].isna().all()
    rows.append(inventory("IT0002", 10, "Agriculture", 5.0))
    with pytest.raises(InputError, match=r"sector.*'Agriculture'"):
        jrc.read_inventories(write_workbook(tmp_path / "i.xlsx", {"all": [INVENTORY, *rows]}))
    rows[-1] = inventory("IT0002", 10, roads, -5.0)
    with pytest.raises(InputError, match=r"'transport' must be at least 0"):
        jrc.read_inventories(write_workbook(tmp_path / "i.xlsx", {"all": [INVENTORY, *rows]}))


def test_emissions_of_the_grid_are_tonnes(tmp_path, write_workbook):
    header = ["GCoM_ID", "emission_inventory_id", " RCO_LAU2_2005", " TCO_LAU2_2005"]
    rows = [
        ["IT0001", 1.0, 0.002, 0.001],
        ["IT0001", 2.0, 0.002, 0.001],
        ["FR0001", 3.0, 1.0, 1.0],
        ["IT0002", 4.0, "", ""],
    ]
    found = jrc.read_emissions_2005(write_workbook(tmp_path / "e.xlsx", {"e": [header, *rows]}))
    assert found.loc["IT0001"].tolist() == pytest.approx([2000, 1000])
    assert found.loc["IT0002"].isna().all()
    assert len(found) == 2


def test_electricity_factors_have_decimal_commas_and_no_added_average(tmp_path):
    years = ";".join(f"ghg_elec_{year}" for year in range(2008, 2014))
    path = tmp_path / "ef.csv"
    path.write_text(
        f"country_name;country_fadn;{years};ef_elec\nItaly;ITA;0,464;0,413;0,407;0,405;0,391;0,344;9,9\n"
    )
    found = jrc.read_electricity_factors(path)
    assert found["factor"].tolist() == [0.464, 0.413, 0.407, 0.405, 0.391, 0.344]
    assert found["year"].tolist() == [str(year) for year in range(2008, 2014)]


@pytest.fixture(scope="module")
def italy(mirror):
    return jrc.read_signatories(
        mirror / "jrc/df1_Signatories_2024.xlsx", mirror / "istat/comuni-soppressi_ISTAT.csv"
    )


def test_published_signatories(italy):
    assert len(italy) == 5215
    assert italy["kind"].value_counts().to_dict() == {
        "municipality": 4991,  # by name alone, as written: 4,683 at most
        "group": 184,
        "body": 26,
        "unmatched": 14,
    }
    assert italy["match"].value_counts().to_dict() == {
        "name": 4811,
        "former": 119,
        "spelling": 23,
        "bilingual": 15,
        "abbreviation": 9,
        "short": 8,
        "renamed": 6,
    }
    assert italy.loc[italy["kind"] == "unmatched", "candidates"].notna().sum() >= 12
    assert (italy["status"] == "on_hold").sum() == 783
    assert italy[list(COMMITMENTS)].sum().tolist() == [4587, 1265, 285, 72]
    assert italy["group"].notna().sum() == 1149
    groups = set(italy["group"].dropna())
    assert len(groups) == 193
    assert set(italy.loc[italy["kind"] == "group"].index) == {
        name for name in groups if name.startswith("IT")
    }


def test_residents_declared_agree_with_the_municipality_found(italy):
    from diagnosis.sources.embedded import read_population

    named = italy[(italy["kind"] == "municipality") & (italy["match"] != "former")]
    ratio = named["residents"] / named["code"].map(read_population().sum(axis=1))
    assert ratio.between(0.5, 2).mean() > 0.995
    hard = named[named["match"].isin(["spelling", "short", "abbreviation"])].index
    assert ratio[hard].dropna().between(0.5, 2).all()
    assert named["code"].isin(read_register().index).all()


def test_published_inventories(mirror):
    found = jrc.read_inventories(mirror / "jrc/CoM_dataset2019_allinitial.xlsx")
    assert found["kind"].value_counts().to_dict() == {"baseline": 3245, "monitoring": 646}
    assert found["signatory"].nunique() == 3245
    assert found["year"].between("1990", "2019").all()
    raw = pd.read_excel(mirror / "jrc/CoM_dataset2019_allinitial.xlsx", engine="calamine")
    assert raw.shape == (61_207, 13)
    ours = raw[raw["GCoM_ID"].str.startswith("IT", na=False)]
    assert found[list(SECTORS)].sum().sum() == ours["emissions"].sum()


def test_published_grid_and_factors(mirror):
    grid = jrc.read_emissions_2005(mirror / "jrc/EDGAR_RCO_TCO_20052.xlsx")
    assert len(grid) == 3245
    factors = jrc.read_electricity_factors(mirror / "jrc/ef_electricity_CoM2017.csv")
    assert len(factors) == 29 * 6
    assert factors["country"].nunique() == 29
