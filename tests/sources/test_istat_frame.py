import pandas as pd
import pytest

from diagnosis.errors import InputError, SourceError
from diagnosis.sources.embedded import read_register
from diagnosis.sources.istat_frame import read_business

HEADER = [
    "Ripartizione",
    "Codice Regione",
    "Denominazione Regione",
    "Unità",
    "Capoluogo",
    "Sistema",
    "Denominazione Comune",
    "Codice Comune Istat",
]
NUMBERS = [
    "Numero unità locali",
    "Addetti",
    "Dipendenti",
    "Retribuzioni  (migliaia di euro)",
    "Costo del lavoro (migliaia di euro)",
    "Valore aggiunto  (migliaia di euro)",
    "Fatturato (migliaia di euro)",
    "Valore aggiunto per addetto (migliaia di euro)",
]
WHOLE = [10.0, 40.0, 30.0, 900.0, 1200.0, 2000.0, 9000.0, 50.0]
INDUSTRY = [4.0, 25.0, 20.0, 650.0, 800.0, 1500.0, 7000.0, 60.0]
SERVICES = [6.0, 15.0, 10.0, 250.0, 400.0, 500.0, 2000.0, 33.3]
SECRET = ["*"] * 7
NOTES = [["Note: i dati sono arrotondati", *[""] * 15], ["(*) Dato oscurato", *[""] * 15]]


def municipality(code, *numbers):
    return ["Nord-ovest", "01", "Piemonte", "Torino", "-", "TORINO", "Comune", code, *numbers]


def workbook(write, path, total, industry=(), services=(), **changes):
    """The workbook with the given rows of municipalities, and areas with the same numbers everywhere."""
    register = read_register()
    provinces = [*register["province_name"].unique()]
    provinces[provinces.index("Reggio di Calabria")] = "Reggio Calabria"
    regions = [*register["region_name"].unique(), "Nord-ovest", "ITALIA"]
    both = [*NUMBERS, "", *NUMBERS]
    title, blank = ["Tavola"], [""]

    def listed(rows):
        return [title, blank, [*HEADER, *NUMBERS], *rows, *NOTES]

    sheets = {
        "Tav.1 Regioni": [title, blank, ["REGIONI", *NUMBERS], *([name, *WHOLE] for name in regions)],
        "Tav.2 Regioni Ind Ser": [
            title,
            blank,
            ["REGIONI", "INDUSTRIA", *[""] * 8, "SERVIZI"],
            ["", *both],
            *([name, *INDUSTRY, "", *SERVICES] for name in regions),
        ],
        "Tav.5_Province_Tot": [
            title,
            blank,
            ["Ripartizione", "Codice", "Regione", "Unità", *NUMBERS],
            *(["Nord", "01", "R", name, *WHOLE] for name in provinces),
        ],
        "Tav.6_Province_Ind Serv": [
            title,
            blank,
            ["Ripartizione", "Codice", "Regione", "Unità", "INDUSTRIA", *[""] * 8, "SERVIZI"],
            ["", "", "", "", *both],
            *(["Nord", "01", "R", name, *INDUSTRY, "", *SERVICES] for name in provinces),
        ],
        "Tav.39_Comuni_Totale": listed(total),
        "Tav.40_Comuni_Industria": listed(industry),
        "Tav.41_Comuni_Servizi": listed(services),
    }
    return write(path, sheets | changes)


def test_municipalities_and_areas(tmp_path, write_workbook):
    path = workbook(
        write_workbook,
        tmp_path / "f.xlsx",
        [municipality("001001", *WHOLE)],
        [municipality("001001", *INDUSTRY)],
        [municipality("001001", *SERVICES)],
    )
    business = read_business(path)
    assert len(business) == 1 + 107 + 20 + 1
    row = business.loc["001001"]
    assert row[
        ["local_units", "persons_employed", "employees", "wages", "value_added", "turnover"]
    ].tolist() == [
        10,
        40,
        30,
        900,
        2000,
        9000,
    ]
    assert row["industry_persons_employed"] == 25
    assert row["services_wages"] == 250
    for area in ("080", "R03", "IT"):
        assert business.at[area, "value_added"] == 2000
        assert business.at[area, "services_employees"] == 10


def test_secret_cells_stay_missing_even_where_they_could_be_worked_out(tmp_path, write_workbook):
    path = workbook(
        write_workbook,
        tmp_path / "f.xlsx",
        [municipality("001001", *WHOLE), municipality("001002", 7.0, *SECRET)],
        [municipality("001001", *INDUSTRY)],
        [municipality("001001", 6.0, *SECRET), municipality("001002", 7.0, *SECRET)],
    )
    business = read_business(path)
    secret = ["persons_employed", "employees", "wages", "value_added"]
    assert business.loc["001001", [f"services_{name}" for name in secret]].isna().all()
    assert business.at["001001", "masked"].split() == [f"services_{name}" for name in secret]
    assert business.loc["001002", [*secret, "turnover"]].isna().all()
    assert business.at["001002", "local_units"] == 7
    assert business.at["001002", "industry_persons_employed"] == 0  # all 7 units are in services
    assert pd.isna(business.at["IT", "masked"])
    assert any("13 cells of 2 municipalities are secret" in note for note in business.attrs["notes"])


def test_sector_that_is_absent_without_proof_stays_missing(tmp_path, write_workbook):
    path = workbook(
        write_workbook,
        tmp_path / "f.xlsx",
        [municipality("001001", *WHOLE)],
        [],
        [municipality("001001", *SERVICES)],
    )
    assert pd.isna(read_business(path).at["001001", "industry_local_units"])


def test_mergers_of_the_year(tmp_path, write_workbook):
    rows = [municipality(code, *WHOLE) for code in ("005122", "018026", "001001")]
    business = read_business(workbook(write_workbook, tmp_path / "f.xlsx", rows))
    assert business.loc[["005079", "005110"], "local_units"].isna().all()  # parts of 005122
    assert pd.isna(business.at["018026", "local_units"])  # holds 018002 since November 2023
    assert business.at["001001", "local_units"] == 10
    assert any("018026" in note and "2023" in note for note in business.attrs["notes"])


def test_broken_workbooks_are_refused(tmp_path, write_workbook):
    path = tmp_path / "f.xlsx"
    with pytest.raises(InputError, match="must hold numbers"):
        read_business(workbook(write_workbook, path, [municipality("001001", "n.d.", *WHOLE[1:])]))
    with pytest.raises(InputError, match="001999"):
        read_business(workbook(write_workbook, path, [municipality("001999", *WHOLE)]))
    one = [municipality("001001", *WHOLE)]
    few = {
        "Tav.5_Province_Tot": [["t"], [""], ["a", "b", "c", "d", *NUMBERS], ["", "", "", "Torino", *WHOLE]]
    }
    with pytest.raises(SourceError, match=r"106 are absent.*'Agrigento'"):
        read_business(workbook(write_workbook, path, one, **few))
    half = {"Tav.2 Regioni Ind Ser": [["t"], [""], [""], ["", *NUMBERS], ["ITALIA", *WHOLE]]}
    with pytest.raises(SourceError, match="columns of 2 sectors"):
        read_business(workbook(write_workbook, path, one, **half))
    write_workbook(path, {"Foglio1": [["a"], ["b"]]})
    with pytest.raises(SourceError, match=r"f\.xlsx"):
        read_business(path)


def test_published_workbook_is_read_whole(mirror):
    business = read_business(mirror / "istat/frame_territoriale_2023.xlsx")
    size = business.index.str.len()
    assert business.index[size == 3].str.startswith("R").sum() == 20
    assert len(business) == 7904 + 107 + 20 + 1
    municipalities = business[size == 6]
    # Tav. 39 has 7,900 municipalities: 122 wholly and 122 partly secret (README of the mirror)
    assert municipalities["local_units"].notna().sum() == 7900 - 3
    masked = municipalities["masked"].fillna("").str.split()
    wages = masked.map(lambda names: "wages" in names)
    everything = masked.map(lambda names: "persons_employed" in names)
    assert (wages.sum(), everything.sum()) == (244, 122)
    assert municipalities.loc[wages, "wages"].isna().all()
    # ITALIA in Tav. 1 and 2
    assert business.loc["IT", ["local_units", "persons_employed", "wages"]].tolist() == [
        5002251,
        18106468,
        382185935,
    ]
    assert business.at["IT", "industry_persons_employed"] == 5802666
    for province in ("001", "089"):  # with and without secret cells
        inside = municipalities[municipalities.index.str[:3] == province]
        known = inside["persons_employed"].sum()
        secret = inside["persons_employed"].isna().any()
        assert (business.at[province, "persons_employed"] > known) == secret
