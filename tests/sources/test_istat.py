import json
import zipfile

import pandas as pd
import pytest

from diagnosis.errors import InputError, SourceError
from diagnosis.sources import formats, istat
from diagnosis.sources.embedded import read_register

HEADER = "Prov_res\tProcom_res\tProv_lav\tProcom_lav\tPendolari"
REGISTER = read_register()


def matrix(path, *rows, header=HEADER, member="matrix_pendoLAVORO_2021.txt"):
    lines = [header, *("\t".join((row[0][:3], row[0], row[1][:3], *row[1:])) for row in rows)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, "\n".join(lines))
    return path


def mirrored(mirror, table):
    return pd.read_csv(mirror / f"validation/{table}.csv", dtype=str, keep_default_na=False).set_index("code")


# commuting


def test_matrix_is_read_as_text_codes_and_whole_numbers(tmp_path):
    path = matrix(
        tmp_path / "m.zip", ("001168", "063049", "12"), ("001168", "001168", "0"), member="any name.TXT"
    )
    flows = istat.read_commuting(path)
    assert flows.to_dict("list") == {
        "origin": ["001168", "001168"],
        "destination": ["063049", "001168"],
        "commuters": [12, 0],
    }
    assert flows.attrs == {"vintage": "2022", "notes": []}


def test_upper_case_header_and_byte_order_mark_do_not_matter(tmp_path):
    path = matrix(tmp_path / "m.zip", ("001001", "001002", "3"), header="\ufeff" + HEADER.upper())
    assert istat.read_commuting(path)["commuters"].tolist() == [3]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("001001", "001002", "-1")], "at least 0"),
        ([("001001", "001002", "many"), ("001001", "001003", "1")], "must hold numbers.*'many'"),
        ([("001001", "001002", "")], "must have a value"),
        ([("001001", "001002", "1"), ("001001", "001002", "2")], "must be unique"),
        ([("001001", "999999", "1")], "every destination.*'999999'"),
        ([("1001", "001002", "1")], "every origin.*'1001'"),
    ],
)
def test_broken_flows_are_input_errors(tmp_path, rows, message):
    with pytest.raises(InputError, match=message) as caught:
        istat.read_commuting(matrix(tmp_path / "m.zip", *rows))
    assert "m.zip" in str(caught.value)


def test_wrong_layout_is_a_source_error(tmp_path):
    row = ("001001", "001002", "1")
    with pytest.raises(SourceError, match="pendolari"):
        istat.read_commuting(matrix(tmp_path / "m.zip", row, header=HEADER.replace("Pendolari", "Persone")))
    with pytest.raises(SourceError, match="separated by tabs"):
        istat.read_commuting(matrix(tmp_path / "m.zip", row, header="<html>"))
    with pytest.raises(SourceError, match="must hold one file"):
        istat.read_commuting(matrix(tmp_path / "m.zip", row, member="m.xlsx"))
    with pytest.raises(SourceError, match="separated by tabs"):
        istat.read_commuting(matrix(tmp_path / "m.zip", row, ("001001", "001003", "1", "extra")))


def test_empty_matrix_file_is_a_source_error(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr("m.txt", "")
    with pytest.raises(SourceError, match=r"m\.zip"):
        istat.read_commuting(tmp_path / "m.zip")


def test_truncated_and_exploding_archives_are_source_errors(tmp_path, monkeypatch):
    path = matrix(tmp_path / "m.zip", *(("001001", code, "1") for code in REGISTER.index[:500]))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="complete zip archive"):
        istat.read_commuting(path)
    path.write_bytes(whole)
    monkeypatch.setattr(formats, "SIZE_LIMIT", 1000)
    with pytest.raises(SourceError, match="unpack to at most"):
        istat.read_commuting(path)


def test_published_totals_of_the_matrix(mirror):
    flows = istat.read_commuting(mirror / "istat/matrix_pendoLAVORO_2021_completed.zip")
    assert len(flows) == 523_949
    assert flows["commuters"].sum() == 19_565_808
    assert "001121" not in set(flows.loc[flows["origin"] == flows["destination"], "origin"])
    margins = pd.read_csv(
        mirror / "istat/matrix_pendoLAVORO_2021_margins.csv", dtype={"code": str}
    ).set_index("code")
    between = flows[flows["origin"] != flows["destination"]]
    out = between.groupby("origin")["commuters"].sum().reindex(margins.index, fill_value=0)
    assert (out == margins["total_out"]).all()


def test_published_totals_of_the_observed_matrix(mirror):
    flows = istat.read_commuting(mirror / "istat/matrix_pendoLAVORO_2021_observed.zip")
    assert (len(flows), flows["commuters"].sum()) == (122_347, 17_812_690)


# well-being


def wellbeing_rows(values=None, drop=(), extra=()):
    """Rows of a workbook: homicides of every territory, 2022 and 2023."""
    values = values or {}
    header = ["CODICE", "SESSO", "TERRITORIO", "V2022", "V2023", "NOTA", "W_GEO"]
    names = [(name if code != "007" else "Aosta", "01-01-001") for code, name in provinces().items()]
    names += [(name, "01-01-000") for name in REGISTER["region_name"].unique()]
    names += [("Italia", "90-00-000"), ("Nord", "10-00-000a"), ("Ogliastra", "05-21-108")]
    rows = [
        ["07SIC001P", "Totale", name, *values.get(name, ("0,5", "0,6")), "", level]
        for name, level in names
        if name not in drop
    ]
    return [header, *rows, *extra]


def provinces():
    return REGISTER.drop_duplicates("province").set_index("province")["province_name"].to_dict()


@pytest.fixture
def wellbeing(tmp_path, write_workbook):
    def read(**options):
        return istat.read_wellbeing(write_workbook(tmp_path / "bes.xlsx", {"S": wellbeing_rows(**options)}))

    return read


def test_territories_are_coded_by_name_and_level(wellbeing):
    frame = wellbeing()
    territories = set(frame["territory"])
    assert territories == {*provinces(), *("R" + REGISTER["region"].unique()), "IT"}
    assert len(frame) == 2 * (107 + 20 + 1)
    assert set(frame["year"]) == {"2022", "2023"}
    assert set(frame["value"]) == {0.5, 0.6}
    assert "macro-areas" in frame.attrs["notes"][-1].casefold()


def test_signs_of_istat_are_told_apart(wellbeing):
    other = [["06POL012P", "Totale", "Torino", "-", "1.5", "", "01-01-001"]]
    frame = wellbeing(
        values={"Torino": ("-", "...."), "Roma": ("..", ""), "Napoli": ("....  (a)", "-0,25")}, extra=other
    )
    values = frame.set_index(["indicator", "territory", "year"])["value"].sort_index()
    homicides = values["07SIC001P"]
    assert homicides["001"].to_dict() == {"2022": 0.0}
    assert "058" not in homicides.index.get_level_values("territory")
    assert homicides["063"].to_dict() == {"2023": -0.25}
    assert values["06POL012P", "001"].to_dict() == {"2023": 1.5}
    assert "1 dashes" in frame.attrs["notes"][1]


def test_only_both_sexes_together_are_kept(wellbeing):
    extra = [["07SIC001P", "Femmine", "Torino", "9,9", "9,9", "", "01-01-001"]]
    assert 9.9 not in set(wellbeing(extra=extra)["value"])


def test_broken_wellbeing_is_refused(wellbeing):
    with pytest.raises(SourceError, match=r"107 province-level bodies.*1 are absent: 'Siracusa'"):
        wellbeing(drop=("Siracusa",))
    with pytest.raises(SourceError, match="unknown: 'Atlantide'"):
        wellbeing(extra=[["07SIC001P", "Totale", "Atlantide", "1", "1", "", "01-01-001"]])
    with pytest.raises(InputError, match=r"bes\.xlsx.*must hold numbers.*'high'"):
        wellbeing(values={"Torino": ("high", "1")})
    with pytest.raises(InputError, match="unique"):
        wellbeing(extra=[["07SIC001P", "Totale", "Torino", "1", "1", "", "01-01-001"]])


def test_all_indicators_of_the_published_workbook(mirror):
    frame = istat.read_wellbeing(mirror / "istat/Bes_dei_territori_indic_provincia.xlsx")
    provincial = frame[frame["territory"].str.len().eq(3) & ~frame["territory"].str.startswith("R")]
    assert provincial["territory"].nunique() == 107
    assert provincial["indicator"].nunique() == frame["indicator"].nunique() == 67
    values = frame.set_index(["indicator", "territory", "year"])["value"].sort_index()
    assert values["12SER003P-N25", "IT", "2022"] == 33.3
    assert values["01SAL001", "007", "2024"] > 80  # Aosta is found under its short name
    homicides = provincial[(provincial["indicator"] == "07SIC001P") & (provincial["year"] == "2023")]
    # published for the provinces of 2005 in Sardinia
    assert set(provinces()) - set(homicides["territory"]) == {"111"}
    assert homicides["value"].eq(0).sum() == 16


# labour market areas


def situas(path, *rows):
    keys = ["PRO_COM_T", "COMUNE", "COD_REG_COM", "COD_SLL", "DEN_SLL"]
    path.write_text(json.dumps({"resultset": [dict(zip(keys, row, strict=True)) for row in rows]}), "utf-8")
    return path


def test_labour_areas_are_carried_from_2026(tmp_path):
    path = situas(
        tmp_path / "sll.json",
        ("112050", "Sassari", "20", "2001", "SASSARI"),
        ("024129", "Castegnero Nanto", "05", "0520", "VICENZA"),
        ("001001", "Agliè", "01", "0103", "RIVAROLO CANAVESE"),
    )
    areas = istat.read_labour_areas(path)
    assert areas["area"].to_dict() == {"001001": "0103", "024027": "0520", "024071": "0520", "090064": "2001"}
    assert any("name within the region" in note for note in areas.attrs["notes"])


@pytest.mark.parametrize(
    "text", ["<html>", "[]", "{}", '{"resultset": 3}', '{"resultset": [{"PRO_COM_T": "001001"}]}']
)
def test_wrong_json_is_a_source_error(tmp_path, text):
    (tmp_path / "sll.json").write_text(text)
    with pytest.raises(SourceError, match=r"sll\.json"):
        istat.read_labour_areas(tmp_path / "sll.json")


def test_labour_areas_equal_the_validated_ones(mirror):
    areas = istat.read_labour_areas(mirror / "istat/sll_2021_composizione.json")
    expected = mirrored(mirror, "sll_2021")
    assert areas.index.equals(pd.Index(expected.index))
    assert areas["area"].tolist() == expected["sll_code"].tolist()
    assert areas["area_name"].tolist() == expected["sll_name"].tolist()
    assert areas["area"].nunique() == 515
    by_cadastral = istat.read_labour_areas(
        mirror / "istat/sll_2021_composizione.json", mirror / "istat/2026-08-14_situas_comuni.csv"
    )
    assert by_cadastral.equals(areas)


# classification

CLASSES = [
    "Codice Istat del Comune \n(alfanumerico)",
    "Codice Istat del Comune \n(numerico)",
    "Zona altimetrica",
    "Altitudine del centro (metri)",
    "Comune litoraneo",
    "Comune isolano",
    "Grado di urbanizzazione",
]


def test_classification_is_carried_from_2023(tmp_path, write_workbook):
    rows = [
        ["005122", 5122, "3", 300, 0, 0, 3],
        ["081025", 81025, 5.0, "N.d.", 1, 0, 3],
    ]
    frame = istat.read_classification(write_workbook(tmp_path / "c.xlsx", {"Comuni": [CLASSES, *rows]}))
    assert frame.index.tolist() == ["005079", "005110", "081025"]
    assert frame["altimetric_zone"].tolist() == ["3", "3", "5"]
    assert frame["degurba"].tolist() == ["3", "3", "3"]
    assert frame["altitude_m"].isna().tolist() == [False, False, True]
    assert any("No altitude" in note and "081025" in note for note in frame.attrs["notes"])


def test_unknown_class_is_an_input_error(tmp_path, write_workbook):
    rows = [CLASSES, ["001001", 1001, "3", 300, 0, 0, 4]]
    with pytest.raises(InputError, match=r"c\.xlsx.*degurba.*'4'"):
        istat.read_classification(write_workbook(tmp_path / "c.xlsx", {"Comuni": rows}))


def test_classification_equals_the_validated_one(mirror):
    frame = istat.read_classification(mirror / "istat/Classificazioni_statistiche_comuni_01_01_2023.xlsx")
    expected = mirrored(mirror, "degurba")
    assert frame.index.equals(pd.Index(expected.index))
    for name in ("degurba", "altimetric_zone"):
        assert frame[name].tolist() == expected[name].tolist()
    for name in ("coastal", "island"):
        assert frame[name].tolist() == expected[name].astype(float).tolist()
    altitude = pd.to_numeric(expected["centre_altitude_m"].replace("N.d.", ""))
    assert frame["altitude_m"].equals(altitude.rename("altitude_m"))
    assert frame["degurba"].value_counts().to_dict() == {"1": 255, "2": 2608, "3": 5041}


def test_estimated_flows_are_marked(tmp_path):
    flows = pd.DataFrame(
        {"origin": ["001001", "001001"], "destination": ["001001", "001002"], "commuters": [214, 1]}
    )
    path = tmp_path / "observed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        header = "Prov_res\tProcom_res\tProv_lav\tProcom_lav\tPendolari\n"
        archive.writestr("flows.txt", header + "001\t001001\t001\t001001\t214\n")
    assert istat.mark_estimated(flows, path)["estimated"].tolist() == [0, 1]
    assert istat.mark_estimated(flows, None)["estimated"].tolist() == [1, 1]


def test_observed_part_of_the_mirror_is_nine_tenths(mirror):
    flows = istat.read_commuting(mirror / "istat" / "matrix_pendoLAVORO_2021_completed.zip")
    marked = istat.mark_estimated(flows, mirror / "istat" / "matrix_pendoLAVORO_2021_observed.zip")
    observed = marked[marked["estimated"] == 0]
    assert (len(observed), observed["commuters"].sum()) == (122_347, 17_812_690)
