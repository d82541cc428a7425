import pandas as pd
import pytest

from diagnosis.errors import InputError, SourceError
from diagnosis.sources.ispra import CLASSES, EXPOSED, read_hazards

COUNTS = [f"{prefix}_{name}" for prefix in ("area", *EXPOSED) for name in CLASSES]
COLUMNS = ["CMN", "area", *EXPOSED, *COUNTS, *(f"{name}_p" for name in COUNTS)]


def table(path, *codes, columns=COLUMNS, **values):
    """A table whose every number is its column's position, but for `values`; all percentages are blank."""
    positions = ["" if name.endswith("_p") else number for number, name in enumerate(COLUMNS)]
    rows = pd.DataFrame([[code, *positions[1:]] for code in codes], columns=COLUMNS, dtype=object)
    rows.assign(**values)[columns].to_csv(path, index=False, encoding="utf-8-sig")
    return path


def test_codes_are_padded_and_carried(tmp_path):
    hazards = read_hazards(table(tmp_path / "h.csv", "1001", "41033"))
    assert hazards.index.tolist() == ["001001", "099030"]
    row = hazards.loc["001001"]
    assert row["landslide_area_km2"] == COLUMNS.index("area_fr_P3P4")
    assert row["flood_residents"] == COLUMNS.index("pop_id_M")
    assert row["residents"] == COLUMNS.index("pop")
    assert row["flood_heritage"] == COLUMNS.index("bct_id_M")
    assert "area" not in hazards.columns


def test_totals_are_those_the_percentages_refer_to(tmp_path):
    none = {f"pop_{name}": 0 for name in CLASSES}
    path = table(
        tmp_path / "h.csv", "1001", pop=600, **(none | {"pop_id_L": 650, "pop_id_L_p": 92.857, "pop_id_M": 7})
    )
    assert read_hazards(path)["residents"].tolist() == [700]
    path = table(tmp_path / "h.csv", "1001", pop=600, **none)
    assert read_hazards(path)["residents"].tolist() == [600]


def test_broken_tables_are_refused(tmp_path):
    path = tmp_path / "h.csv"
    with pytest.raises(InputError, match=r"h\.csv.*at least 0"):
        read_hazards(table(path, "1001", pop_id_M="-1"))
    with pytest.raises(InputError, match=r"h\.csv.*must hold numbers.*'n\.a\.'"):
        read_hazards(table(path, "1001", pop="n.a."))
    with pytest.raises(SourceError, match=r"h\.csv.*'pop_id_M'"):
        read_hazards(table(path, "1001", columns=[name for name in COLUMNS if name != "pop_id_M"]))
    with pytest.raises(InputError, match=r"2020.*'001999'"):
        read_hazards(table(path, "1001", "1999"))
    path.write_text("<html><body>moved</body></html>")
    with pytest.raises(SourceError, match="web page"):
        read_hazards(path)


def test_published_table_is_read_whole(mirror):
    path = mirror / "ispra/ispra_idrogeo_comuni_2021.csv"
    hazards = read_hazards(path)
    assert len(hazards) == 7903
    assert "081025" not in hazards.index
    assert any("081025" in note for note in hazards.attrs["notes"])
    # totals of the national report of 2021
    assert hazards["landslide_residents"].sum() == 1_303_666
    assert hazards["flood_residents"].sum() == 6_818_375
    raw = pd.read_csv(path, encoding="utf-8-sig").set_index("CMN")
    assert hazards.at["099031", "flood_buildings"] == raw.at[41060, "edf_id_M"]
    assert hazards["buildings"].sum() == raw["edf"].sum()


def test_shares_equal_the_published_percentages(mirror):
    path = mirror / "ispra/ispra_idrogeo_comuni_2021.csv"
    hazards = read_hazards(path)
    raw = pd.read_csv(path, encoding="utf-8-sig")
    raw.index = raw["CMN"].astype(str).str.zfill(6)
    kept = raw.index.intersection(hazards.index)
    for hazard, name in (("landslide", "fr_P3P4"), ("flood", "id_M")):
        for prefix in ("pop", "fam"):
            share = 100 * hazards[f"{hazard}_{EXPOSED[prefix]}"] / hazards[EXPOSED[prefix]]
            assert share.max() <= 100
            assert share[kept].sub(raw.loc[kept, f"{prefix}_{name}_p"]).abs().max() < 0.05


def test_totals_are_those_of_the_census_of_2011(mirror):
    path = mirror / "istat/ElencoUnitaAmministrative2011.csv"
    census = pd.read_csv(path, sep=None, engine="python", dtype=str, keep_default_na=False)
    census = census.set_index("PRO_COM_T")["POP_2011"].astype(float)
    hazards = read_hazards(mirror / "ispra/ispra_idrogeo_comuni_2021.csv")
    ratio = (hazards["residents"] / census).dropna()
    assert ratio.sub(1).abs().median() < 0.0001
    assert hazards["residents"].sum() == pytest.approx(census.sum(), rel=0.001)
