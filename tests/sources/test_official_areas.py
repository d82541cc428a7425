import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.errors import InputError, SourceError
from diagnosis.sources import official_areas as areas
from diagnosis.sources.embedded import read_register

LISTED = ("PRO_COM_T", "CODICE_CATASTALE", "COMUNE", "COD_SLL_2011", "DEN_SLL_2011", "POP_2011")
EVENTS = (
    "Anno",
    "Codice Unità territoriale sovracomunale (Uts)",
    "Codice Comune",
    "Data evento",
    "Codice del Comune associato alla variazione",
    "Denominazione Comune associato alla variazione",
)
AGLIE = ("001001", "A074", "Agliè", "104", "RIVAROLO CANAVESE", "2644")
BELLANO = ("097008", "A745", "Bellano", "501", "LECCO", "3000")
VENDROGNO = ("097085", "L751", "Vendrogno", "502", "COLICO", "300")
REGISTER = read_register()
INTO_BELLANO = ("2020", "097", "097085", "01/01/2020", "097008", "Bellano")


@pytest.fixture
def read_2011(tmp_path):
    def read(*rows, events=(INTO_BELLANO,), columns=LISTED, encoding="cp1252", header=EVENTS):
        lines = [",".join(f'"{name}"' for name in columns), *(",".join(row) for row in rows)]
        (tmp_path / "list.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        lines = [";".join((*header, "", "")), *(";".join((*row, "", "")) for row in events)]
        (tmp_path / "events.csv").write_text("\n".join(lines) + "\n", encoding=encoding)
        return areas.read_labour_areas_2011(tmp_path / "list.csv", tmp_path / "events.csv")

    return read


# labour market areas of 2011


def test_cadastral_code_outlives_a_new_province(read_2011):
    found = read_2011(
        AGLIE,
        ("041033", "F478", "Montecopiolo", "1104", "PESARO", "1200"),  # to Rimini in 2021: 099030
        ("090064", "I452", "Sassari", "2001", "SASSARI", "123782"),
    )
    assert found["area"].to_dict() == {"001001": "0104", "090064": "2001", "099030": "1104"}
    assert found["area_name"].tolist() == ["RIVAROLO CANAVESE", "SASSARI", "PESARO"]
    assert found.attrs["vintage"] == "2022"
    assert any("7901 municipalities of 2022 have no row" in note for note in found.attrs["notes"])


def test_merged_municipality_is_in_the_area_of_most_residents(read_2011):
    found = read_2011(BELLANO, VENDROGNO)
    assert found["area"].to_dict() == {"097008": "0501"}
    assert any(
        note.startswith("1 municipalities merged") and "097008" in note for note in found.attrs["notes"]
    )
    larger = (*VENDROGNO[:-1], "3001")
    assert read_2011(BELLANO, larger)["area"].to_dict() == {"097008": "0502"}
    assert read_2011(larger, BELLANO)["area_name"].to_dict() == {"097008": "COLICO"}


def test_residents_of_an_area_are_added_up(read_2011):
    into = [("2016", "097", code, "01/01/2016", "097008", "Bellano") for code in ("097901", "097902")]
    parts = [(row[2], f"Z{row[2]}", "x", "502", "COLICO", "1600") for row in into]
    assert read_2011(BELLANO, *parts, events=into)["area"].to_dict() == {"097008": "0502"}


def test_parts_of_one_area_need_no_note(read_2011):
    notes = read_2011(BELLANO, (*VENDROGNO[:3], *BELLANO[3:])).attrs["notes"]
    assert not any("merged since 2011" in note for note in notes)


def test_mergers_are_followed_in_the_order_of_their_days(read_2011):
    events = [
        ("2019", "097", "097902", "15/02/2019", "097008", "Bellano"),
        ("2014", "097", "097901", "04/02/2014", "097902", "x"),
    ]
    rows = [("097901", "Z901", "x", "503", "X", "5"), ("001001", *AGLIE[1:])]
    assert read_2011(*rows, events=events)["area"].to_dict() == {"001001": "0104", "097008": "0503"}
    backwards = [(*events[0][:3], "15/02/2013", *events[0][4:]), events[1]]
    with pytest.raises(InputError, match=r"list\.csv.*successor in 2022.*'097901'"):
        read_2011(*rows, events=backwards)


def test_only_events_between_the_census_and_2022_count(read_2011):
    events = [
        ("2023", "001", "001001", "01/01/2023", "097008", "Bellano"),
        ("2011", "001", "001001", "11/02/2011", "097008", "Bellano"),
        ("1868", "", "", "01/01/1868", "", ""),
    ]
    assert read_2011(AGLIE, events=events)["area"].to_dict() == {"001001": "0104"}


def test_a_circle_of_events_ends(read_2011):
    events = [
        ("2014", "001", "001001", "01/01/2014", "097008", "x"),
        ("2014", "097", "097008", "01/01/2014", "001001", "x"),
    ]
    assert read_2011(AGLIE, events=events)["area"].to_dict() == {"097008": "0104"}


def test_split_municipalities_take_the_area_of_those_they_come_from(read_2011):
    parents = ["001028", "001063", "001130", "001265"]
    names = ["Borgaro Torinese", "Caselle Torinese", "Leini", "Settimo Torinese"]
    assert REGISTER.loc[parents, "name"].tolist() == names
    assert REGISTER.loc[["001316", "081025"], "name"].tolist() == ["Mappano", "Misiliscemi"]
    rows = [(code, REGISTER.at[code, "cadastral"], "x", "106", "TORINO", "10") for code in parents]
    found = read_2011(*rows, ("081021", "L331", "Trapani", "1902", "TRAPANI", "69000"))
    assert found["area"].to_dict() == {
        **dict.fromkeys((*parents, "001316"), "0106"),
        "081021": "1902",
        "081025": "1902",
    }
    assert any(note.endswith("001316, 081025.") for note in found.attrs["notes"])


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig"])
def test_list_of_events_in_every_encoding(read_2011, encoding):
    assert len(read_2011(BELLANO, VENDROGNO, encoding=encoding)) == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("001001", "Z999", *AGLIE[2:]), "successor in 2022.*'001001'"),
        ((*AGLIE[:5], "many"), "'population' must hold numbers.*'many'"),
        ((*AGLIE[:5], ""), "'population' must have a value.*'001001'"),
        ((*AGLIE[:5], "-1"), "'population' must be at least 0"),
        ((*AGLIE[:3], "", *AGLIE[4:]), "whole number of at most 4 digits"),
        (("x", *AGLIE[1:]), "whole number of at most 6 digits.*'x'"),
        (VENDROGNO, "unique.*'097085'"),
    ],
)
def test_broken_lists_are_refused(read_2011, row, message):
    with pytest.raises(InputError, match=message):
        read_2011(VENDROGNO, row)


def test_wrong_files_are_source_errors(read_2011, tmp_path):
    with pytest.raises(SourceError, match=r"list\.csv.*COD_SLL_2011"):
        read_2011(AGLIE, columns=[name.replace("SLL", "XXX") for name in LISTED])
    with pytest.raises(SourceError, match=r"events\.csv.*Data evento"):
        read_2011(AGLIE, header=[name.replace("Data", "Giorno") for name in EVENTS])
    with pytest.raises(SourceError, match=r"events\.csv: every event must have a day.*'2020-01-01'"):
        read_2011(AGLIE, events=[(*INTO_BELLANO[:3], "2020-01-01", *INTO_BELLANO[4:])])
    for content in (b"", b"<!DOCTYPE html>\n<html>moved</html>", b"PK\x03\x04\x00\xff"):
        (tmp_path / "broken.csv").write_bytes(content)
        with pytest.raises(SourceError, match=r"broken\.csv"):
            areas.read_labour_areas_2011(tmp_path / "list.csv", tmp_path / "broken.csv")
        with pytest.raises(SourceError, match=r"broken\.csv"):
            areas.read_labour_areas_2011(tmp_path / "broken.csv", tmp_path / "events.csv")


in_novara = REGISTER.index[REGISTER["province"] == "003"].tolist()  # neither split nor split from
municipalities = st.lists(st.sampled_from(in_novara), min_size=1, max_size=12, unique=True)


@settings(max_examples=15)
@given(municipalities, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(tmp_path_factory, codes, random):
    folder = tmp_path_factory.mktemp("lists")
    (folder / "events.csv").write_text(
        ";".join(EVENTS) + "\n" + ";".join(INTO_BELLANO) + "\n", encoding="cp1252"
    )
    rows = [
        (code, REGISTER.at[code, "cadastral"], "x", str(random.randint(1, 3)), "X", "10") for code in codes
    ]
    found = []
    for _ in range(2):
        random.shuffle(rows)
        text = "\n".join([",".join(LISTED), *(",".join(row) for row in rows)])
        (folder / "list.csv").write_text(text, encoding="utf-8")
        found.append(areas.read_labour_areas_2011(folder / "list.csv", folder / "events.csv"))
    assert found[0].equals(found[1])
    assert found[0]["area"].to_dict() == {row[0]: row[3].zfill(4) for row in rows}


def test_areas_of_2011_equal_the_validated_ones(mirror):
    found = areas.read_labour_areas_2011(
        mirror / "istat/ElencoUnitaAmministrative2011.csv", mirror / "istat/comuni-soppressi_ISTAT.csv"
    )
    expected = pd.read_csv(mirror / "validation/sll_2011.csv", dtype=str, keep_default_na=False).set_index(
        "code"
    )
    bridge = pd.read_csv(mirror / "codes/bridge.csv", dtype=str, keep_default_na=False)
    assert found.index.tolist() == sorted(bridge["code_2022"])
    assert found.index.equals(pd.Index(expected.index))
    assert found["area"].tolist() == expected["sll_code"].tolist()
    assert found["area_name"].tolist() == expected["sll_name"].tolist()
    assert found["area"].nunique() == 611
    several = expected.index[expected["n_sll_of_parts"].astype(int) > 1]
    assert len(several) == 18
    note = next(note for note in found.attrs["notes"] if "different areas" in note)
    assert note.endswith(f": {', '.join(several)}.")
    assert not any("have no row" in note for note in found.attrs["notes"])


def test_municipalities_of_2011_are_linked_as_in_the_validated_bridge(mirror):
    bridge = pd.read_csv(mirror / "codes/bridge_2011_to_2022.csv", dtype=str, keep_default_na=False)
    bridge = bridge.set_index("code_2011")
    mergers = areas._read_mergers(mirror / "istat/comuni-soppressi_ISTAT.csv")
    followed = areas._follow(bridge["cadastral_2011"], mergers, REGISTER, "bridge")
    assert len(followed) == 8092
    assert followed.to_dict() == bridge["code_2022"].to_dict()


# project areas of the strategy for inner areas

TITLE = [["Elenco"], [""]]
COLUMNS_2021 = ["PRO_COM", "PRO_COM_T", "COMUNE\n", "Area", "Aree SNAI 2021 - 2027"]
COLUMNS_2014 = ["Codice Comune\n(Istat)\n", "Comune", "Aree SNAI 2014-2020"]


@pytest.fixture
def read_2021(tmp_path, write_workbook):
    def read(*rows, columns=COLUMNS_2021, sheet="Elenco Aree 21-27 TOTALE"):
        sheets = {"INDICE": [["note"]], sheet: [*TITLE, columns, *rows]}
        return areas.read_project_areas_2021(write_workbook(tmp_path / "snai.xlsx", sheets))

    return read


@pytest.fixture
def read_2014(tmp_path, write_workbook):
    def read(*rows):
        sheets = {"Comuni 72 Aree SNAI 14-20": [TITLE[0], COLUMNS_2014, *rows]}
        return areas.read_project_areas_2014(write_workbook(tmp_path / "snai.xlsx", sheets))

    return read


def test_municipalities_of_project_areas(read_2021):
    found = read_2021(
        [66009, 66009, "Balsorano", "Mezzogiorno", "Valle del Giovenco - Valle  Roveto "],
        [1168, "001168", "None", "Centro-Nord", "Val di Lanzo\n"],
    )
    assert found["area"].to_dict() == {
        "001168": "Val di Lanzo",
        "066009": "Valle del Giovenco - Valle Roveto",
    }
    assert found["area_name"].equals(found["area"].rename("area_name"))
    assert found.attrs["vintage"] == "2022"
    assert "smaller islands" in found.attrs["notes"][0]


def test_row_of_totals_is_no_municipality(read_2014):
    found = read_2014(["001168", "None", "Val di Lanzo"], [1001, "Agliè", "Val di Lanzo"], ["", 2.0, ""])
    assert found.index.tolist() == ["001001", "001168"]
    assert found.attrs["notes"] == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [["1001", "a", "X"], ["001001", "a", "Y"]],
            r"inner_project_areas_2014 \(snai\.xlsx\): code must be unique",
        ),
        ([["001001", "a", ""]], "'area' must have a value.*'001001'"),
        ([["", "a", "X"]], "whole number of at most 6 digits"),
        ([["041033", "Montecopiolo", "X"]], "must be a municipality of 2022.*'041033'"),
    ],
)
def test_broken_project_areas_are_refused(read_2014, rows, message):
    with pytest.raises(InputError, match=message):
        read_2014(*rows)


def test_other_workbooks_are_source_errors(read_2021, tmp_path):
    row = [1168, "001168", "None", "Centro-Nord", "Val di Lanzo"]
    with pytest.raises(SourceError, match="Aree SNAI 2021 - 2027"):
        read_2021(row, columns=[*COLUMNS_2021[:-1], "Aree"])
    with pytest.raises(SourceError, match="Elenco Aree 21-27 TOTALE"):
        read_2021(row, sheet="Foglio1")
    (tmp_path / "page.xlsx").write_bytes(b"<html>moved</html>")
    for read in (areas.read_project_areas_2014, areas.read_project_areas_2021):
        with pytest.raises(SourceError, match=r"page\.xlsx must be an Excel workbook"):
            read(tmp_path / "page.xlsx")


def test_published_project_areas_have_their_own_totals(mirror):
    # The totals are those of the summary sheets of the two workbooks.
    former = areas.read_project_areas_2014(mirror / "dpcoe/elenco_aree_snai_14-20-e-21-27.xlsx")
    assert (len(former), former["area"].nunique()) == (1060, 72)
    assert (former["area"] == "Sud Salento").sum() == 13
    current = areas.read_project_areas_2021(mirror / "dpcoe/08_elenco-aree-comuni-con-riperimetrazioni.xlsx")
    assert (len(current), current["area"].nunique()) == (622 + 1107, 43 + 67)
    assert (current["area"] == "Alto Aterno - Gran Sasso Laga").sum() == 18
    assert current.loc["099030", "area"] == "Alta Valmarecchia"  # in its region since 2021


# what the areas of 2021 are specialised in

CLASSES = [
    ["SLL_2021_T", "SLL_2021", "DEN_SLL_2021", "Cod_classe", "Den_classe", "Cod_gruppo", "DEN_Gruppo"],
    ["0104", 104, "SUSA", "C", "SL non manifatturieri", "C4", "Sistemi locali turistici"],
    ["2033", 2033, "VILLASIMIUS", "C", "SL non manifatturieri", "C4", "sistemi locali turistici"],
    ["0101", 101, "IVREA", "C", "SL non manifatturieri", "C4", "Sistemi locali turistici"],
]


@pytest.fixture
def read_classes(tmp_path, write_workbook):
    def read(*rows):
        numbers = [["pop_31_12_2021", "sup_01_01_2021 (km2)"], *([1000, 2.5] for _ in rows[1:])]
        filled = [[*row, *more] for row, more in zip(rows, numbers, strict=True)]
        sheets = {"class": [*filled, [""] * 9, ["", "", " ", *[""] * 6]]}
        return areas.read_labour_area_classes(write_workbook(tmp_path / "classes.xlsx", sheets))

    return read


def test_classes_of_areas_have_one_name_each(read_classes):
    found = read_classes(*CLASSES)
    assert list(found.index) == ["0101", "0104", "2033"]
    assert found["group_name"].unique().tolist() == ["Sistemi locali turistici"]
    assert found.loc["0104", ["class", "residents", "area_km2"]].tolist() == ["C", 1000, 2.5]


def test_broken_classes_of_areas_are_refused(read_classes):
    head, first, *_ = CLASSES
    with pytest.raises(InputError, match=r"group must be of its class.*'0104'"):
        read_classes(head, [*first[:3], "A", *first[4:]])
    with pytest.raises(InputError, match="one of A, B, C, D"):
        read_classes(head, [*first[:3], "E", *first[4:]])
    with pytest.raises(InputError, match="must be unique"):
        read_classes(head, first, first)
    with pytest.raises(SourceError, match="Cod_gruppo"):
        read_classes(["x" if name == "Cod_gruppo" else name for name in head], first)


def test_published_classes_of_areas(mirror):
    found = areas.read_labour_area_classes(mirror / "istat/Specializzazione_produttiva_SLL_2021.xlsx")
    # ISTAT's release: 156 "Made in Italy", 111 heavy industry, 124 not manufacturing, 124 none; 17 groups
    assert found["class"].value_counts().to_dict() == {"A": 156, "B": 111, "C": 124, "D": 124}
    assert found["group"].nunique() == found["group_name"].nunique() == 17
    listed = pd.read_csv(mirror / "validation/sll_2021.csv", dtype=str, keep_default_na=False)
    assert set(found.index) == set(listed["sll_code"])
